#include "server/forwarder.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "server/peer_codec.h"

namespace understudy::server {

using cluster::Micros;

namespace {
constexpr std::string_view kClusterDown =
    "CLUSTERDOWN The cluster has no global: a majority of its members can't be reached";
// Expire() is called more often unless the process was stopped.
constexpr Micros kStoppedAfter = 500 * 1000;
// Bytes of one PEER.FORWARD.
constexpr size_t kMaxForwardBytes = 1u << 20;
}  // namespace

Forwarder::Command Forwarder::Make(uint64_t client, const protocol::Command& row,
                                   std::span<const std::string_view> args, Micros deadline) {
  Command command;
  command.row = &row;
  command.client = client;
  command.asked_at = env_->now;
  command.deadline = deadline;
  command.patience = deadline - env_->now;
  SetArguments(&command, args);
  return command;
}

void Forwarder::SetArguments(Command* command, std::span<const std::string_view> args) {
  size_t bytes = 0;
  for (std::string_view arg : args) bytes += arg.size();
  std::string all;
  all.reserve(bytes);
  command->sizes.clear();
  command->sizes.reserve(args.size());
  for (std::string_view arg : args) {
    all.append(arg);
    command->sizes.push_back(static_cast<uint32_t>(arg.size()));
  }
  command->bytes = std::move(all);
}

void Forwarder::Push(Command command) {
  ++outstanding_;
  ++live_;
  may_wait_ += command.row->Has(protocol::kBlocking);
  bytes_ += command.bytes.size();
  commands_.push_back(std::move(command));
}

void Forwarder::Forward(Connection& connection, const protocol::Command& row,
                        std::span<const std::string_view> args, uint64_t slot, Micros now,
                        Micros wait, std::shared_ptr<Transaction> transaction) {
  Session& session = connection.session();
  Command command = Make(session.id, row, args, now + wait);
  command.connection = session.id;
  command.slot = slot;
  command.db = session.db;
  command.resp = session.resp;
  command.tracked = session.track;
  command.transaction = std::move(transaction);
  ++session.forwarded;
  if (row.Has(protocol::kBlocking)) session.blocked = first_ + commands_.size();
  Push(std::move(command));
}

void Forwarder::ForwardAgain(Connection& connection, const protocol::Command& row,
                             std::span<const std::string_view> args, uint64_t slot, int db,
                             int resp, Micros now, Micros wait,
                             std::shared_ptr<Transaction> transaction, int costs) {
  Forward(connection, row, args, slot, now, wait, std::move(transaction));
  commands_.back().costs = costs;
  commands_.back().db = db;
  commands_.back().resp = resp;
}

void Forwarder::ForwardFor(uint64_t client, const protocol::Command& row,
                           std::span<const std::string_view> args, Micros now, Micros wait) {
  Push(Make(client, row, args, now + wait));
}

void Forwarder::ReadHere(Connection& connection, const protocol::Command& row,
                         std::span<const std::string_view> args, uint64_t slot, Micros now,
                         Micros wait) {
  Session& session = connection.session();
  Command command = Make(session.id, row, args, now + wait);
  command.connection = session.id;
  command.slot = slot;
  command.db = session.db;
  command.resp = session.resp;
  command.tracked = session.track;
  ++session.reading;
  bytes_ += command.bytes.size();
  unasked_.push_back(std::move(command));
}

Forwarder::Command* Forwarder::Find(uint64_t sequence) {
  if (sequence < first_ || sequence - first_ >= commands_.size()) return nullptr;
  Command* command = &commands_[sequence - first_];
  return command->done ? nullptr : command;
}

void Forwarder::Finish(Command* command) {
  if (command->former != 0) GiveFormerUp(command);
  command->done = true;
  if (command->executed_turn == 0 && !command->blocked) --outstanding_;
  --live_;
  bytes_ -= command->bytes.size();
  const bool may_wait = command->row->Has(protocol::kBlocking);
  may_wait_ -= may_wait;
  if (Connection* connection = connections_->Find(command->connection)) {
    --connection->session().forwarded;
    // What is behind it waits until nothing of it can be taken back.
    if (may_wait) connection->session().blocked = 0;
  }
  std::string().swap(command->bytes);
  while (!commands_.empty() && commands_.front().done) {
    commands_.pop_front();
    ++first_;
    if (unsent_from_ > 0) --unsent_from_;
  }
  earlier_.Acknowledge(first_);
}

ReplyPlace Forwarder::Answer(const Command& command, std::string_view reply, const Gate& gate,
                             bool read) {
  Connection* connection = connections_->Find(command.connection);
  if (connection == nullptr) return {};
  std::string composed;
  if (command.transaction != nullptr) {
    composed = clients_->ComposeReply(*connection, command.transaction.get(), reply);
    reply = composed;
  }
  if (command.slot == 0) return {};
  if (command.row->row->owner == protocol::Owner::kPubsub && reply.substr(0, 1) == ":") {
    composed = clients_->PublishReply(RequestFor(command).args);
    reply = composed;
  }
  connection->MarkDirty();
  if (!connection->replies().Fill(command.slot, reply, gate, env_->turn)) return {};
  const ReplyPlace place = connection->replies().last_place();
  if (read) clients_->OnReadExecuted(*connection);
  clients_->OnFilled(*connection);
  return place;
}

void Forwarder::GiveUp(Command* command) {
  if (command->sent) {
    // Perhaps it was executed: no reply would be true.
    if (Connection* connection = connections_->Find(command->connection)) connection->Close();
  } else {
    std::string reply;
    protocol::ReplyWriter(&reply, command->resp).Error(kClusterDown);
    Answer(*command, reply, Gate{});
  }
}

targets::Request Forwarder::RequestFor(const Command& command) {
  args_.clear();
  size_t offset = 0;
  for (uint32_t size : command.sizes) {
    args_.push_back(std::string_view(command.bytes).substr(offset, size));
    offset += size;
  }
  targets::Request request;
  request.command = command.row;
  request.args = args_;
  request.db = command.db;
  request.client = {self_, command.client, run_};
  return request;
}

// --- commands for the global --------------------------------------------------------------------

void Forwarder::Flush(Micros now) {
  if (!held_.empty()) TakeHeldReads();
  if (!unasked_.empty()) {
    uint64_t number = host_->RequestRead(now);
    reads_.emplace(number, std::move(unasked_));
    unasked_.clear();
  }
  if (std::exchange(executed_open_, false)) OnProgress(host_->applied(), host_->confirmed());
  if (may_wait_ > 0) RenewTags();
  if (outstanding_ == 0) return;
  if (host_->can_execute()) return ExecuteHere();
  const cluster::NodeId holder = host_->member().holder();
  if (holder.empty() || holder == self_) return;
  PeerLink* link = peers_->Find(holder);
  while (unsent_from_ < commands_.size()) {
    std::string* out = link == nullptr ? nullptr : link->output();
    if (out == nullptr) return;
    SendSome(out);
  }
}

bool Forwarder::HasWork() const {
  if (!unasked_.empty() || executed_open_) return true;
  const auto goes_on = [this](const auto& held) { return MayGoOn(held.first); };
  if (std::any_of(held_.begin(), held_.end(), goes_on)) return true;
  if (outstanding_ == 0) return false;
  if (host_->can_execute()) return true;
  if (unsent_from_ == commands_.size()) return false;
  PeerLink* link = peers_->Find(host_->member().holder());
  return link != nullptr && link->output() != nullptr;
}

void Forwarder::SendSome(std::string* out) {
  scratch_.clear();
  for (; unsent_from_ < commands_.size() && scratch_.size() < kMaxForwardBytes; ++unsent_from_) {
    Command& command = commands_[unsent_from_];
    if (command.done || command.executed_turn != 0 || command.blocked || command.renamed != 0) {
      continue;
    }
    ForwardedCommand forwarded;
    if (command.row->Has(protocol::kBlocking)) {
      forwarded.may_wait = true;
      forwarded.rank = command.standing.rank;
      forwarded.deadline_ms = static_cast<uint64_t>(command.standing.deadline_ms);
      forwarded.waited_ms =
          static_cast<uint64_t>(std::max<Micros>(env_->now - command.asked_at, 0)) / 1000;
      forwarded.former = command.former;
    }
    forwarded.sequence = first_ + unsent_from_;
    forwarded.client = command.client;
    forwarded.db = command.db;
    forwarded.resp = command.resp;
    forwarded.only_known = command.costs >= kMostCosts;
    RequestFor(command);
    forwarded.args.swap(args_);
    AppendForwarded(&scratch_, forwarded);
    args_.swap(forwarded.args);
    command.sent = true;
    ++sent_;
  }
  if (scratch_.empty()) return;
  AppendCommand(out,
                {"PEER.FORWARD", host_->wire(), std::to_string(host_->member().term()), self_,
                 std::to_string(run_), std::to_string(attempt_), std::to_string(first_), scratch_});
}

void Forwarder::AskAgain() {
  if (may_wait_ > 0) DropGoneBlocked();
  ++attempt_;
  unsent_from_ = 0;
  for (Command& command : unanswered_) unasked_.push_back(std::move(command));
  unanswered_.clear();
}

void Forwarder::ExecuteHere() {
  // Replies may finish commands, so the front moves: go by sequence.
  uint64_t end = first_ + commands_.size();
  for (uint64_t sequence = first_; sequence < end && host_->can_execute(); ++sequence) {
    Command* command = Find(sequence);
    if (command == nullptr || command->executed_turn != 0 || command->blocked ||
        command->renamed != 0) {
      continue;
    }
    ExecuteOne(sequence, command);
    blocked_->Serve();
  }
}

void Forwarder::MarkExecuted(uint64_t sequence, const Gate& gate, const ReplyPlace& place) {
  // Answering may have ended connections, and with them commands.
  Command* command = Find(sequence);
  if (command == nullptr) return;
  --outstanding_;
  command->sent = true;
  command->executed_turn = env_->turn;
  command->gate = gate;
  command->place = place;
  executed_.push_back(sequence);
  executed_open_ = true;
  executed_term_ = host_->member().term();
}

void Forwarder::OnProgress(cluster::Index commit, uint64_t confirmed) {
  if (executed_.empty()) return;
  std::erase_if(executed_, [&](uint64_t sequence) {
    Command* command = Find(sequence);
    if (command == nullptr) return true;
    if (!command->gate.OpenAt(commit, confirmed)) return false;
    if (command->executed_turn == env_->turn) {
      executed_open_ = true;  // what was read may yet have to be confirmed in this turn
      return false;
    }
    Finish(command);
    return true;
  });
}

void Forwarder::HoldTurn(uint64_t confirm) {
  for (uint64_t sequence : executed_) {
    Command* command = Find(sequence);
    if (command != nullptr && command->executed_turn == env_->turn) command->gate.confirm = confirm;
  }
}

void Forwarder::OnLockChanged() {
  const cluster::Member& member = host_->member();
  OnProgress(host_->applied(), host_->confirmed());
  if (member.role() != cluster::Role::kGlobal || member.term() != executed_term_) {
    TakeExecutionsBack();
  }
  if (member.role() != cluster::Role::kGlobal || member.term() != blocked_term_) TakeBlockedBack();
  AskAgain();
}

// The replies that can't leave give their places back.
void Forwarder::TakeExecutionsBack() {
  std::unordered_map<uint64_t, std::vector<ReplyQueue::Edit>> edits;  // by connection
  for (uint64_t sequence : std::exchange(executed_, {})) {
    Command* command = Find(sequence);
    if (command == nullptr) continue;
    Connection* connection = connections_->Find(command->connection);
    const bool answered = connection != nullptr && command->slot != 0;
    if (answered && !connection->replies().Holds(command->place)) {
      Finish(command);  // its reply has left
      continue;
    }
    command->executed_turn = 0;
    ++outstanding_;
    if (answered) edits[command->connection].push_back({command->place, command->slot});
  }
  for (const auto& [connection, list] : edits) {
    connections_->Find(connection)->replies().Rewrite(list, false);
  }
  earlier_.Clear();
}

void Forwarder::ExecuteOne(uint64_t sequence, Command* command) {
  Gate gate;
  Tag tag{run_, sequence, first_, command->client};
  const OriginTable::Executed* executed = nullptr;
  switch (host_->origins().Find(tag, &executed)) {
    case OriginTable::Known::kExecuted:
      gate.index = executed->index;
      return MarkExecuted(sequence, gate, Answer(*command, executed->reply, gate));
    case OriginTable::Known::kRefused:
    case OriginTable::Known::kOvertaken:
      GiveUp(command);
      break;
    case OriginTable::Known::kNew:
      if (ExecuteUnblock(command)) return;
      if (command->former != 0 && command->row->Has(protocol::kBlocking)) {
        // Executed under its former sequence?
        tag.sequence = command->former;
        if (host_->origins().Find(tag, &executed) == OriginTable::Known::kExecuted) {
          gate.index = executed->index;
          return MarkExecuted(sequence, gate, Answer(*command, executed->reply, gate));
        }
      }
      if (command->costs >= kMostCosts) {
        scratch_.clear();
        protocol::ReplyWriter(&scratch_, command->resp).Error(kTooLong);
        Answer(*command, scratch_, gate);
        break;
      }
      ExecuteNew(sequence, command);
      return;
  }
  Finish(command);
}

// False: it waits on.
bool Forwarder::ExecuteNew(uint64_t sequence, Command* command) {
  Gate gate;
  const Tag tag{run_, sequence, first_, command->client};
  scratch_.clear();
  clients_->OnExecuting();
  targets::Wait wait;
  const bool may_wait = command->row->Has(protocol::kBlocking);
  bool entry = host_->ExecuteTagged(RequestFor(*command), tag, earlier_.Of(command->client),
                                    command->resp, &scratch_, &gate, may_wait ? &wait : nullptr);
  if (host_->let_go()) ++command->costs;
  if (wait.wanted) {
    if (!command->blocked) Block(sequence, command, wait);
    return false;
  }
  if (command->blocked) {
    command->blocked = false;
    ++outstanding_;
  }
  NoteExecution(*command);
  if (entry) {
    earlier_.Carried(command->client);
  } else {
    earlier_.Add(command->client, sequence, scratch_);
  }
  MarkExecuted(sequence, gate, Answer(*command, scratch_, gate, !entry));
  host_->DeliverPublications();
  return true;
}

void Forwarder::OnReply(uint64_t sequence, std::string_view reply) {
  Command* command = Find(sequence);
  if (command == nullptr) return;
  if (command->renamed != 0) {
    // It was served before the global heard of the new sequence, of which it takes no notice then.
    if (Command* renamed = Find(command->renamed)) {
      Answer(*renamed, reply, Gate{});
      return Finish(renamed);
    }
    return;
  }
  if (reply.empty()) {
    GiveUp(command);
  } else {
    if (Connection* connection = connections_->Find(command->connection)) {
      clients_->OnExecutedElsewhere(*connection, *command->row, RequestFor(*command).args,
                                    env_->now - command->asked_at, command->tracked);
    }
    Answer(*command, reply, Gate{});
  }
  Finish(command);
}

void Forwarder::OnBusy(uint64_t sequence) {
  if (Command* command = Find(sequence)) ++command->costs;
}

void Forwarder::OnReply(uint64_t sequence, uint64_t attempt, std::string_view reply) {
  if (attempt != attempt_) return;
  BlockedNotice notice;
  if (ParseBlockedNotice(reply, &notice)) return OnBlockedNotice(sequence, notice);
  OnReply(sequence, reply);
}

// --- reads here ---------------------------------------------------------------------------------

bool Forwarder::OnRead(uint64_t request, bool ok, int64_t time_ms) {
  auto found = reads_.find(request);
  if (found == reads_.end()) return false;
  std::vector<Command> commands = std::move(found->second);
  reads_.erase(found);
  if (!ok) {
    // Nobody answered: ask with the next turn's reads, until Expire() gives up.
    for (Command& command : commands) unanswered_.push_back(std::move(command));
    return true;
  }
  for (Command& command : commands) DoRead(&command, time_ms);
  return true;
}

bool Forwarder::MayGoOn(uint64_t id) const {
  const Connection* connection = connections_->Find(id);
  return connection == nullptr || connection->replies().bytes() < Connection::kOutputPause;
}

// Behind a read that is held, all of its connection are: their replies couldn't leave before its.
bool Forwarder::HoldsRead(const Command& command) const {
  return held_.contains(command.connection) || !MayGoOn(command.connection);
}

void Forwarder::TakeHeldReads() {
  for (auto it = held_.begin(); it != held_.end();) {
    if (!MayGoOn(it->first)) {
      ++it;
      continue;
    }
    for (Command& command : it->second) unasked_.push_back(std::move(command));
    it = held_.erase(it);
  }
}

void Forwarder::DoRead(Command* command, int64_t time_ms) {
  if (HoldsRead(*command)) return held_[command->connection].push_back(std::move(*command));
  Connection* connection = connections_->Find(command->connection);
  if (connection != nullptr) {
    scratch_.clear();
    protocol::ReplyWriter reply(&scratch_, command->resp);
    Gate gate;
    ++reads_done_;
    clients_->OnExecuting();
    if (command->row->row->owner == protocol::Owner::kTransaction) {
      clients_->Watch(*connection, RequestFor(*command).args, &reply);
    } else if (host_->Read(RequestFor(*command), time_ms, &reply, &gate) ==
               ClusterHost::ReadResult::kNeedsGlobal) {
      // An expired key is to be deleted first; in the connection's order, as nothing of it is
      // forwarded while it reads.
      FinishRead(*command);
      ++connection->session().forwarded;
      return Push(std::move(*command));
    }
    NoteExecution(*command);
    Answer(*command, scratch_, gate);
  }
  FinishRead(*command);
}

void Forwarder::NoteExecution(const Command& command) {
  if (Connection* connection = connections_->Find(command.connection)) {
    clients_->OnExecuted(*connection, *command.row, RequestFor(command).args, scratch_,
                         command.tracked);
  }
}

void Forwarder::FinishRead(const Command& command) {
  bytes_ -= command.bytes.size();
  if (Connection* connection = connections_->Find(command.connection)) {
    --connection->session().reading;
  }
}

bool Forwarder::HasGlobal() const {
  if (host_->can_execute()) return true;
  const cluster::NodeId holder = host_->member().holder();
  PeerLink* link = holder.empty() || holder == self_ ? nullptr : peers_->Find(holder);
  return link != nullptr && link->output() != nullptr;
}

void Forwarder::Postpone(Micros by) {
  for (Command& command : commands_) command.deadline += by;
  for (Command& command : unanswered_) command.deadline += by;
  for (auto& [request, commands] : reads_) {
    for (Command& command : commands) command.deadline += by;
  }
}

void Forwarder::Expire(Micros now) {
  const Micros passed = expired_at_ == 0 ? 0 : now - expired_at_;
  if (passed > kStoppedAfter || HasGlobal()) Postpone(passed);
  expired_at_ = now;
  for (uint64_t sequence = first_; sequence < first_ + commands_.size(); ++sequence) {
    Command* command = Find(sequence);
    if (command == nullptr || command->deadline > now) continue;
    if ((command->executed_turn != 0 || command->blocked) && host_->can_execute()) continue;
    if (command->noticed_attempt == attempt_ || command->renamed != 0) continue;
    GiveUp(command);
    Finish(command);
  }
  for (Command& command : unanswered_) {
    if (command.deadline > now) {
      unasked_.push_back(std::move(command));
    } else {
      GiveUp(&command);
      FinishRead(command);
    }
  }
  unanswered_.clear();
  for (auto& [request, commands] : reads_) {
    std::erase_if(commands, [&](Command& command) {
      if (command.deadline > now) return false;
      GiveUp(&command);
      FinishRead(command);
      return true;
    });
  }
}

}  // namespace understudy::server
