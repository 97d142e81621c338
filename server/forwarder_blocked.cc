// The part of the forwarder that has to do with commands that wait.
#include "server/forwarder.h"
#include "server/peer_codec.h"

namespace understudy::server {

using cluster::Micros;
using End = BlockedCommands::End;

namespace {
// Below this many places in the queue of commands nobody minds the low mark.
constexpr size_t kRenewAbove = 4096;
}  // namespace

void Forwarder::ForwardBlocked(Connection& connection, const protocol::Command& row,
                               std::span<const std::string_view> args, uint64_t slot, Micros now,
                               Micros wait, const targets::Wait& what) {
  const uint64_t sequence = first_ + commands_.size();
  Forward(connection, row, args, slot, now, wait);
  Block(sequence, &commands_.back(), what);
}

// Registers it here.
void Forwarder::Block(uint64_t sequence, Command* command, const targets::Wait& wait) {
  targets::Wait what = wait;
  if (!wait.args.empty()) {
    bytes_ -= command->bytes.size();
    const std::vector<std::string_view> args(wait.args.begin(), wait.args.end());
    SetArguments(command, args);
    bytes_ += command->bytes.size();
  }
  BlockedCommands::Command blocked;
  blocked.id = {run_, sequence};
  blocked.row = command->row;
  blocked.client = command->client;
  blocked.db = command->db;
  blocked.resp = command->resp;
  blocked.standing = command->standing;
  blocked.standing.waited_ms = std::max<Micros>(env_->now - command->asked_at, 0) / 1000;
  if (command->former != 0) GiveFormerUp(command);
  command->blocked = true;
  command->sent = true;
  --outstanding_;
  blocked_term_ = host_->member().term();
  command->standing = blocked_->Register(std::move(blocked), what, this);
}

bool Forwarder::ExecuteBlocked(const BlockedCommands::Command& blocked) {
  const uint64_t sequence = blocked.id.sequence;
  Command* command = Find(sequence);
  return command == nullptr || ExecuteNew(sequence, command);
}

void Forwarder::EndBlocked(const BlockedCommands::Command& blocked, std::string_view reply) {
  const uint64_t sequence = blocked.id.sequence;
  Command* command = Find(sequence);
  if (command == nullptr) return;
  command->blocked = false;
  ++outstanding_;
  // What it didn't find there may have been taken away by what isn't committed.
  const Gate gate{host_->state_index(), 0};
  MarkExecuted(sequence, gate, Answer(*command, reply, gate, true));
}

bool Forwarder::Unblock(Connection& connection, End end) {
  const uint64_t sequence = connection.session().blocked;
  Command* command = sequence == 0 ? nullptr : Find(sequence);
  if (command == nullptr || command->executed_turn != 0) return false;
  if (command->blocked) return blocked_->Unblock({run_, sequence}, end);
  if (!command->sent) {
    if (end != End::kGone) return false;  // it isn't known yet whether it waits
    Finish(command);
    return true;
  }
  if (end != End::kGone && command->noticed_attempt != attempt_) return false;
  const std::string text = std::to_string(sequence);
  const std::string_view args[] = {unblock_row_->row->name, text,
                                   end == End::kTimeout ? "timeout"
                                   : end == End::kError ? "error"
                                                        : "gone"};
  ForwardFor(0, *unblock_row_, args, env_->now, command->patience);
  return true;
}

// PEER.UNBLOCK, when this node has become the global itself. False: it is another command.
bool Forwarder::ExecuteUnblock(Command* command) {
  if (command->row != unblock_row_) return false;
  const BlockedCommands::Unblocking what = BlockedCommands::ParseUnblock(RequestFor(*command).args);
  Finish(command);
  blocked_->Unblock({run_, what.sequence}, what.end);
  return true;
}

void Forwarder::OnBlockedNotice(uint64_t sequence, const BlockedNotice& notice) {
  Command* command = Find(sequence);
  if (command == nullptr) return;
  command->noticed_attempt = attempt_;
  command->standing.rank = notice.rank;
  command->standing.deadline_ms = static_cast<int64_t>(notice.deadline_ms);
  if (!notice.args.empty()) {
    bytes_ -= command->bytes.size();
    SetArguments(command, notice.args);
    bytes_ += command->bytes.size();
  }
  if (command->former != 0) GiveFormerUp(command);
}

// Those whose client has gone aren't asked again.
void Forwarder::DropGoneBlocked() {
  for (uint64_t sequence = first_; sequence < first_ + commands_.size(); ++sequence) {
    Command* command = Find(sequence);
    if (command == nullptr || !command->row->Has(protocol::kBlocking)) continue;
    if (command->executed_turn != 0 || command->blocked || command->renamed != 0) continue;
    if (connections_->Find(command->connection) == nullptr) {
      Finish(command);
    } else if (command->noticed_attempt != 0) {
      command->deadline = env_->now + command->patience;
    }
  }
}

// The lock is lost: they are asked of the next global, with their rank and deadline.
void Forwarder::TakeBlockedBack() {
  for (Command& command : commands_) {
    if (!command.blocked || command.done) continue;
    command.blocked = false;
    ++outstanding_;
    command.deadline = env_->now + command.patience;
  }
  blocked_->DropRun(run_);
}

// Gives commands that wait new sequences when they keep the low mark back: until the mark moves,
// this node keeps places and the replicated state replies (server/origin_table.h).
void Forwarder::RenewTags() {
  if (commands_.size() < kRenewAbove || commands_.size() < 8 * live_) return;
  const uint64_t end = first_ + commands_.size() / 2;
  for (uint64_t sequence = first_; sequence < end; ++sequence) {
    Command* command = Find(sequence);
    if (command == nullptr || command->renamed != 0 || command->former != 0) continue;
    if (!command->blocked && command->noticed_attempt != attempt_) continue;
    const uint64_t renewed = first_ + commands_.size();
    Command copy = *command;
    Connection* connection = connections_->Find(copy.connection);
    if (connection != nullptr && connection->session().blocked == sequence) {
      connection->session().blocked = renewed;
    }
    const bool here = copy.blocked;
    copy.noticed_attempt = 0;
    copy.deadline = env_->now + copy.patience;
    if (!here) copy.former = sequence;
    Push(std::move(copy));
    command = Find(sequence);
    command->connection = command->slot = 0;  // the new one has them
    if (here) {
      --outstanding_;  // it is registered
      blocked_->Rename({run_, sequence}, {run_, renewed});
      Finish(command);
    } else {
      command->renamed = renewed;
    }
  }
}

// The global knows the command by its new sequence, or has answered it.
void Forwarder::GiveFormerUp(Command* command) {
  Command* former = Find(std::exchange(command->former, 0));
  if (former == nullptr) return;
  former->renamed = 0;
  Finish(former);
}

}  // namespace understudy::server
