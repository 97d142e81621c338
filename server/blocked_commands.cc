#include "server/blocked_commands.h"

#include <algorithm>

#include "protocol/reply_writer.h"
#include "server/peer_codec.h"

namespace understudy::server {

using targets::kv::Change;

namespace {
constexpr std::string_view kUnblocked = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
// Ranks in a millisecond.
constexpr int kRankBits = 20;
}  // namespace

// --- who waits ----------------------------------------------------------------------------------

BlockedCommands::Standing BlockedCommands::Register(Command command, const targets::Wait& wait,
                                                    Executor* executor) {
  Standing& standing = command.standing;
  const int64_t now_ms = hooks_.time_ms();
  if (standing.rank == 0) {
    last_rank_ = std::max(last_rank_ + 1, static_cast<uint64_t>(now_ms) << kRankBits);
    standing.rank = last_rank_;
  }
  last_rank_ = std::max(last_rank_, standing.rank);
  if (standing.deadline_ms == 0) {
    standing.deadline_ms =
        wait.timeout_ms == 0 ? kNoDeadline : now_ms + wait.timeout_ms - standing.waited_ms;
  }
  auto waiting = std::make_unique<Waiting>();
  waiting->command = std::move(command);
  waiting->executor = executor;
  for (std::string_view key : wait.keys) waiting->keys.emplace(key);
  waiting->type = wait.type;
  waiting->any_change = wait.any_change;
  if (commands_.empty()) hooks_.observe(true);
  Waiting* added = waiting.get();
  commands_[added->command.id] = std::move(waiting);
  Enqueue(added);
  return added->command.standing;
}

void BlockedCommands::Enqueue(Waiting* waiting) {
  for (const std::string& key : waiting->keys) {
    Queue& queue = queues_[waiting->command.db][key];
    queue.waiting.emplace(RankOf(*waiting), waiting);
    queue.any_change += waiting->any_change;
  }
  const int64_t deadline_ms = waiting->command.standing.deadline_ms;
  if (deadline_ms != kNoDeadline) deadlines_.emplace(deadline_ms, waiting->command.id);
}

void BlockedCommands::Dequeue(Waiting* waiting) {
  Queues& queues = queues_[waiting->command.db];
  for (const std::string& key : waiting->keys) {
    auto queue = queues.find(key);
    queue->second.waiting.erase(RankOf(*waiting));
    queue->second.any_change -= waiting->any_change;
    if (queue->second.waiting.empty()) queues.erase(queue);
  }
  deadlines_.erase({waiting->command.standing.deadline_ms, waiting->command.id});
}

const BlockedCommands::Command* BlockedCommands::Find(const Id& id) const {
  auto found = commands_.find(id);
  return found == commands_.end() ? nullptr : &found->second->command;
}

std::unique_ptr<BlockedCommands::Waiting> BlockedCommands::Remove(const Id& id) {
  auto found = commands_.find(id);
  if (found == commands_.end()) return nullptr;
  std::unique_ptr<Waiting> waiting = std::move(found->second);
  commands_.erase(found);
  Dequeue(waiting.get());
  if (commands_.empty()) {
    hooks_.observe(false);
    ready_.clear();
    is_ready_.clear();
  }
  return waiting;
}

bool BlockedCommands::Rename(const Id& from, const Id& to) {
  auto found = commands_.find(from);
  if (found == commands_.end()) return false;
  std::unique_ptr<Waiting> waiting = std::move(found->second);
  commands_.erase(found);
  Dequeue(waiting.get());
  waiting->command.id = to;
  Enqueue(waiting.get());
  commands_[to] = std::move(waiting);
  return true;
}

BlockedCommands::Unblocking BlockedCommands::ParseUnblock(std::span<const std::string_view> args) {
  Unblocking what;
  if (args.size() != 3 || !ParseUnsigned(args[1], &what.sequence)) return {};
  if (args[2] == "timeout") what.end = End::kTimeout;
  if (args[2] == "error") what.end = End::kError;
  return what;
}

bool BlockedCommands::Unblock(const Id& id, End end) {
  std::unique_ptr<Waiting> waiting = Remove(id);
  if (waiting == nullptr) return false;
  std::string reply;
  protocol::ReplyWriter writer(&reply, waiting->command.resp);
  end == End::kError ? writer.Error(kUnblocked) : writer.NullArray();
  waiting->executor->EndBlocked(waiting->command, reply);
  return true;
}

void BlockedCommands::DropRun(uint64_t run) {
  std::vector<Id> dropped;
  for (auto it = commands_.lower_bound({run, 0}); it != commands_.end() && it->first.run == run;
       ++it) {
    dropped.push_back(it->first);
  }
  for (const Id& id : dropped) Remove(id);
}

void BlockedCommands::Recheck(uint64_t run) {
  for (auto it = commands_.lower_bound({run, 0}); it != commands_.end() && it->first.run == run;
       ++it) {
    for (const std::string& key : it->second->keys) MarkReady(it->second->command.db, key);
  }
}

void BlockedCommands::Expire() {
  if (deadlines_.empty() || !hooks_.can_execute()) return;
  const int64_t now_ms = hooks_.time_ms();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_ms) {
    Unblock(Id(deadlines_.begin()->second), End::kTimeout);
  }
}

size_t BlockedCommands::keys() const {
  size_t count = 0;
  for (const auto& [db, queues] : queues_) count += queues.size();
  return count;
}

size_t BlockedCommands::keys_of_any_change() const {
  size_t count = 0;
  for (const auto& [db, queues] : queues_) {
    for (const auto& [key, queue] : queues) count += queue.any_change > 0;
  }
  return count;
}

// --- which keys are ready -----------------------------------------------------------------------

BlockedCommands::Queue* BlockedCommands::FindQueue(int db, std::string_view key) {
  auto queues = queues_.find(db);
  if (queues == queues_.end()) return nullptr;
  auto queue = queues->second.find(key);
  return queue == queues->second.end() ? nullptr : &queue->second;
}

void BlockedCommands::MarkReady(int db, std::string_view key) {
  ReadyKey ready{db, std::string(key)};
  if (is_ready_.insert(ready).second) ready_.push_back(std::move(ready));
}

void BlockedCommands::OnChange(int db, std::string_view key, Change change, std::string_view) {
  const Queue* queue = FindQueue(db, key);
  if (queue == nullptr) return;
  const bool holds_something = change == Change::kCreated || change == Change::kModified;
  if (holds_something || queue->any_change > 0) MarkReady(db, key);
}

void BlockedCommands::OnDatabaseChanged(int db) {
  auto queues = queues_.find(db);
  if (queues == queues_.end()) return;
  for (const auto& [key, queue] : queues->second) {
    if (queue.any_change > 0 || hooks_.peek(db, key).exists) MarkReady(db, key);
  }
}

bool BlockedCommands::IsReady(const Waiting& waiting, std::string_view key) {
  if (waiting.any_change) return true;
  const targets::KeyInfo info = hooks_.peek(waiting.command.db, key);
  return info.exists && !info.expired && info.type == waiting.type;
}

// --- service ------------------------------------------------------------------------------------

void BlockedCommands::ServeReady() {
  if (serving_) return;  // what it executes may make more ready: for the next round
  serving_ = true;
  while (!ready_.empty() && hooks_.can_execute()) {
    std::vector<ReadyKey> ready = std::exchange(ready_, {});
    is_ready_.clear();
    for (const ReadyKey& key : ready) ServeKey(key);
  }
  serving_ = false;
}

void BlockedCommands::ServeKey(const ReadyKey& ready) {
  Queue* queue = FindQueue(ready.db, ready.key);
  size_t left = queue == nullptr ? 0 : queue->waiting.size();
  Rank last{0, {}};
  for (; left > 0; --left) {
    queue = FindQueue(ready.db, ready.key);  // it may have ended
    if (queue == nullptr) return;
    auto next = queue->waiting.upper_bound(last);
    if (next == queue->waiting.end()) return;
    if (!hooks_.can_execute()) return MarkReady(ready.db, ready.key);
    last = next->first;
    const Waiting& waiting = *next->second;
    if (queue->any_change == 0 && !hooks_.peek(ready.db, ready.key).exists) return;
    if (!IsReady(waiting, ready.key) || !waiting.executor->Reachable(waiting.command)) continue;
    if (waiting.executor->ExecuteBlocked(waiting.command)) Remove(last.second);
  }
}

}  // namespace understudy::server
