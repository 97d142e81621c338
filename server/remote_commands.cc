#include "server/remote_commands.h"

#include "server/peer_codec.h"

namespace understudy::server {

namespace {
constexpr size_t kMaxReplyBytes = 1u << 20;  // of one PEER.REPLY, but for a reply that is bigger
}  // namespace

void RemoteCommands::OnForward(const Batch& batch) {
  if (host_->member().role() != cluster::Role::kGlobal || batch.term != host_->member().term()) {
    return;
  }
  for (const auto& [run, other] : origins_) {
    // Its clients have gone.
    if (blocked_ != nullptr && run != batch.run && other.node == batch.from) blocked_->DropRun(run);
  }
  Origin& origin = origins_[batch.run];
  if (batch.attempt < origin.attempt) return;
  if (batch.attempt > origin.attempt || batch.term != origin.term) BeginAttempt(batch, &origin);
  origin.node = batch.from;
  origin.low = std::max(origin.low, batch.low);
  while (!origin.kept.empty() && origin.kept.begin()->first < origin.low) {
    origin.kept_bytes -= origin.kept.begin()->second.bytes.size();
    origin.kept.erase(origin.kept.begin());
  }
  origin.earlier.Acknowledge(origin.low);
  origin.waiting.append(batch.commands);
  if (host_->can_execute()) Execute(batch.run, &origin);
}

// All that isn't answered comes again.
void RemoteCommands::BeginAttempt(const Batch& batch, Origin* origin) {
  if (batch.term != origin->term) *origin = Origin();
  origin->attempt = batch.attempt;
  origin->term = batch.term;
  origin->waiting.clear();
  for (Reply& reply : origin->replies) Keep(origin, std::move(reply));
  origin->replies.clear();
}

void RemoteCommands::Keep(Origin* origin, Reply reply) {
  if (!reply.keep || origin->kept_bytes + reply.bytes.size() > kMaxKeptBytes) return;
  origin->kept_bytes += reply.bytes.size();
  origin->kept.insert_or_assign(reply.sequence, std::move(reply));
}

bool RemoteCommands::SendKeptAgain(Origin* origin, uint64_t sequence) {
  auto kept = origin->kept.find(sequence);
  if (kept == origin->kept.end()) return false;
  origin->kept_bytes -= kept->second.bytes.size();
  origin->replies.push_back(std::move(kept->second));
  origin->kept.erase(kept);
  return true;
}

void RemoteCommands::DropOlderTerms() {
  const cluster::Member& member = host_->member();
  std::erase_if(origins_, [&](const auto& entry) {
    if (member.role() == cluster::Role::kGlobal && entry.second.term == member.term()) return false;
    if (blocked_ != nullptr) blocked_->DropRun(entry.first);
    return true;
  });
}

void RemoteCommands::ExecuteWaiting() {
  for (auto& [run, origin] : origins_) {
    if (!origin.waiting.empty() && host_->can_execute()) Execute(run, &origin);
  }
}

void RemoteCommands::Execute(uint64_t run, Origin* origin) {
  std::string waiting;
  waiting.swap(origin->waiting);
  std::string_view rest = waiting;
  ForwardedCommand command;
  while (host_->can_execute() && TakeForwarded(&rest, &command)) {
    ExecuteOne(run, origin, &command);
    if (blocked_ != nullptr) blocked_->Serve();
  }
  if (!host_->can_execute()) origin->waiting.assign(rest);
}

void RemoteCommands::ExecuteOne(uint64_t run, Origin* origin, ForwardedCommand* command) {
  if (SendKeptAgain(origin, command->sequence)) return;
  if (command->may_wait && blocked_ != nullptr && IsBlocked(run, origin, *command)) return;
  Tag tag{run, command->sequence, origin->low, command->client};
  const OriginTable::Executed* executed = nullptr;
  OriginTable::Known known = host_->origins().Find(tag, &executed);
  if (known == OriginTable::Known::kNew && command->former != 0) {
    Tag former = tag;
    former.sequence = command->former;
    if (host_->origins().Find(former, &executed) == OriginTable::Known::kExecuted) {
      known = OriginTable::Known::kExecuted;
    }
  }
  Reply reply{command->sequence, Gate{}, true, false, {}};
  switch (known) {
    case OriginTable::Known::kRefused:
      return;
    case OriginTable::Known::kOvertaken:
      break;  // no reply would be true
    case OriginTable::Known::kExecuted:
      reply.gate.index = executed->index;
      reply.bytes = executed->reply;
      break;
    case OriginTable::Known::kNew:
      if (command->only_known) {
        protocol::ReplyWriter(&reply.bytes, command->resp).Error(kTooLong);
        break;
      }
      ExecuteNew(run, origin, *command);
      return;
  }
  origin->replies.push_back(std::move(reply));
}

void RemoteCommands::TellBusy() {
  PeerLink* link = executing_.node == nullptr ? nullptr : peers_->Find(*executing_.node);
  std::string* out = link == nullptr ? nullptr : link->output();
  if (out == nullptr) return;
  AppendCommand(out, {"PEER.BUSY", host_->name(), std::to_string(executing_.run),
                      std::to_string(executing_.sequence)});
  link->SendNow();
}

// False: it waits (on).
bool RemoteCommands::ExecuteNew(uint64_t run, Origin* origin, const ForwardedCommand& command) {
  Reply reply{command.sequence, Gate{}, true, false, {}};
  targets::Request request;
  request.command = table_->Find(command.args);
  request.args = command.args;
  request.db = command.db;
  request.client = {origin->node, command.client, run};
  if (blocked_ != nullptr && request.command == unblock_row_) {
    const auto what = BlockedCommands::ParseUnblock(command.args);
    blocked_->Unblock({run, what.sequence}, what.end);
    reply.bytes = "+OK\r\n";
    origin->replies.push_back(std::move(reply));
    return true;
  }
  ++executed_;
  if (protocol::ReplyWriter writer(&reply.bytes, command.resp);
      request.command != nullptr && request.command->ArityFits(command.args.size()) && answer_ &&
      answer_(request, &writer, &reply.gate)) {
    reply.keep = true;
    read_in_turn_ = true;
    origin->replies.push_back(std::move(reply));
    return true;
  }
  if (request.command == nullptr || !request.command->ArityFits(command.args.size()) ||
      (!request.command->ForTarget() && request.command != transaction_row_)) {
    protocol::ReplyWriter(&reply.bytes, command.resp)
        .Error(protocol::CommandTable::UnknownCommandError(command.args));
    origin->replies.push_back(std::move(reply));
    return true;
  }
  instruments_->Begin();
  const Tag tag{run, command.sequence, origin->low, command.client};
  targets::Wait wait;
  executing_ = {&origin->node, run, command.sequence};
  bool entry = host_->ExecuteTagged(request, tag, origin->earlier.Of(command.client), command.resp,
                                    &reply.bytes, &reply.gate,
                                    command.may_wait && blocked_ != nullptr ? &wait : nullptr);
  executing_ = {};
  if (wait.wanted) {
    if (blocked_->Find({run, command.sequence}) == nullptr) {
      Block(run, origin, command, *request.command, wait);
    }
    return false;
  }
  instruments_->ExecutedForOther(origin->node, *request.command, command.args, reply.bytes);
  host_->DeliverPublications();
  if (entry) {
    origin->earlier.Carried(command.client);
    if (FindsRepliesInEntries(origin->node)) {
      host_->WantCommit(origin->node, reply.gate.index);
    } else {
      origin->replies.push_back(std::move(reply));
    }
    return true;
  }
  origin->earlier.Add(command.client, command.sequence, reply.bytes);
  reply.keep = true;
  read_in_turn_ = true;
  origin->replies.push_back(std::move(reply));
  return true;
}

bool RemoteCommands::FindsRepliesInEntries(const cluster::NodeId& node) const {
  return self_.empty() || (node != self_ && host_->member().configuration().Find(node) != nullptr);
}

void RemoteCommands::HoldTurn(uint64_t confirm) {
  for (auto& [run, origin] : origins_) {
    for (auto it = origin.replies.rbegin(); it != origin.replies.rend() && it->of_turn; ++it) {
      it->gate.confirm = confirm;
    }
  }
}

void RemoteCommands::Flush() {
  read_in_turn_ = false;
  for (auto& [run, origin] : origins_) {
    for (auto it = origin.replies.rbegin(); it != origin.replies.rend() && it->of_turn; ++it) {
      it->of_turn = false;
    }
    if (deliver_ && origin.node == self_) {
      DeliverReplies(&origin);
      continue;
    }
    PeerLink* link = peers_->Find(origin.node);
    std::string* out = link == nullptr ? nullptr : link->output();
    if (out == nullptr) continue;  // the origin asks again when this link is back
    while (SendReplies(run, &origin, out)) {
    }
  }
}

void RemoteCommands::DeliverReplies(Origin* origin) {
  while (!origin->replies.empty() &&
         origin->replies.front().gate.OpenAt(host_->applied(), host_->confirmed())) {
    const Reply& reply = origin->replies.front();
    deliver_(reply.sequence, origin->attempt, reply.bytes);
    Keep(origin, std::move(origin->replies.front()));
    origin->replies.pop_front();
  }
}

// One message of replies whose gates are open. False: there are none (any more).
bool RemoteCommands::SendReplies(uint64_t run, Origin* origin, std::string* out) {
  scratch_.clear();
  while (!origin->replies.empty() && scratch_.size() < kMaxReplyBytes &&
         origin->replies.front().gate.OpenAt(host_->applied(), host_->confirmed())) {
    AppendForwardedReply(&scratch_, origin->replies.front().sequence,
                         origin->replies.front().bytes);
    Keep(origin, std::move(origin->replies.front()));
    origin->replies.pop_front();
  }
  if (scratch_.empty()) return false;
  AppendCommand(out, {"PEER.REPLY", host_->wire(), std::to_string(origin->term),
                      std::to_string(run), std::to_string(origin->attempt), scratch_});
  return true;
}

}  // namespace understudy::server
