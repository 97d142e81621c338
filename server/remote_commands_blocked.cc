// The part of RemoteCommands that has to do with commands that wait.
#include "server/remote_commands.h"

namespace understudy::server {

// It may be asked again while it is registered: over a new link, or under a new sequence.
bool RemoteCommands::IsBlocked(uint64_t run, Origin* origin, const ForwardedCommand& command) {
  const BlockedCommands::Id id{run, command.sequence};
  if (command.former != 0) {
    if (SendKeptAgain(origin, command.former)) return true;
    blocked_->Rename({run, command.former}, id);
  }
  const BlockedCommands::Command* known = blocked_->Find(id);
  if (known == nullptr) return false;
  SendNotice(origin, *known, false);
  return true;
}

void RemoteCommands::Block(uint64_t run, Origin* origin, const ForwardedCommand& command,
                           const protocol::Command& row, const targets::Wait& wait) {
  BlockedCommands::Command blocked;
  blocked.id = {run, command.sequence};
  blocked.row = &row;
  blocked.client = command.client;
  blocked.db = command.db;
  blocked.resp = command.resp;
  blocked.standing = {command.rank, static_cast<int64_t>(command.deadline_ms),
                      static_cast<int64_t>(command.waited_ms)};
  std::vector<std::string_view> args = command.args;
  if (!wait.args.empty()) args.assign(wait.args.begin(), wait.args.end());
  blocked.args = KeptArguments(args);
  blocked_->Register(std::move(blocked), wait, this);
  const BlockedCommands::Command* registered = blocked_->Find({run, command.sequence});
  SendNotice(origin, *registered, !wait.args.empty());
}

void RemoteCommands::SendNotice(Origin* origin, const BlockedCommands::Command& command,
                                bool with_arguments) {
  BlockedNotice notice{command.standing.rank, static_cast<uint64_t>(command.standing.deadline_ms),
                       {}};
  if (with_arguments) command.args.Views(&notice.args);
  Reply reply{command.id.sequence, Gate{}, true, false, {}};
  AppendBlockedNotice(&reply.bytes, notice);
  origin->replies.push_back(std::move(reply));
}

bool RemoteCommands::Reachable(const BlockedCommands::Command& command) {
  auto origin = origins_.find(command.id.run);
  if (origin == origins_.end()) return false;
  PeerLink* link = peers_->Find(origin->second.node);
  return link != nullptr && link->output() != nullptr;
}

bool RemoteCommands::ExecuteBlocked(const BlockedCommands::Command& blocked) {
  ForwardedCommand command;
  command.sequence = blocked.id.sequence;
  command.client = blocked.client;
  command.db = blocked.db;
  command.resp = blocked.resp;
  command.may_wait = true;
  blocked.args.Views(&command.args);
  return ExecuteNew(blocked.id.run, &origins_.at(blocked.id.run), command);
}

void RemoteCommands::EndBlocked(const BlockedCommands::Command& blocked, std::string_view reply) {
  auto origin = origins_.find(blocked.id.run);
  if (origin == origins_.end()) return;
  // What it didn't find there may have been taken away by what isn't committed.
  const Gate gate{host_->state_index(), 0};
  origin->second.replies.push_back({blocked.id.sequence, gate, true, true, std::string(reply)});
  read_in_turn_ = true;
}

void RemoteCommands::OnLinkUp(const cluster::NodeId& node) {
  for (const auto& [run, origin] : origins_) {
    if (origin.node == node) blocked_->Recheck(run);
  }
  blocked_->Serve();
}

}  // namespace understudy::server
