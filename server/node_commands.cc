#include "server/node_commands.h"

#include <cstdio>
#include <cstdlib>

namespace understudy::server {

namespace {

// The table of commands and the handlers are both in this program: if they don't fit, it's wrong.
[[noreturn]] void Mismatch(std::string_view name, const char* what) {
  fprintf(stderr, "command '%.*s' %s\n", static_cast<int>(name.size()), name.data(), what);
  abort();
}

}  // namespace

NodeCommands::NodeCommands(Node* /*node*/, const protocol::CommandTable& table)
    : handlers_(table.size(), nullptr) {
  for (auto group : {ConnectionCommandHandlers(), ClientCommandHandlers(), ServerCommandHandlers(),
                     ClusterCommandHandlers(), PersistenceCommandHandlers(), TargetCommandHandlers(),
                     PubsubCommandHandlers(), DebugCommandHandlers(), SentinelCommandHandlers(), TrackingCommandHandlers(),
                     MemoryCommandHandlers(), LatencyCommandHandlers(),
                     ScriptingCommandHandlers()}) {
    for (const NamedHandler& named : group) {
      const protocol::Command* command = table.FindByName(named.name);
      if (command == nullptr || command->row->owner != protocol::Owner::kNode) {
        Mismatch(named.name, "has a handler but no row of the node's");
      }
      if (handlers_[command->id] != nullptr) Mismatch(named.name, "has two handlers");
      handlers_[command->id] = named.handler;
    }
  }
  for (const protocol::Command& command : table.all()) {
    if (command.row->owner == protocol::Owner::kNode && handlers_[command.id] == nullptr) {
      Mismatch(command.full_name, "has no handler");
    }
  }
}

void NodeCommands::Handle(NodeRequest& request) const { handlers_[request.command.id](request); }

void ReplyUnknownSubcommand(NodeRequest& request) {
  if (request.args.size() < 2) {
    return request.reply.Error(protocol::CommandTable::ArityError(request.command));
  }
  request.reply.Error(
      protocol::CommandTable::UnknownSubcommandError(request.command, request.args[1]));
}

void ReplyHelp(std::string_view container, std::span<const std::string_view> lines,
               protocol::ReplyWriter* reply) {
  reply->Array(lines.size() + 3);
  reply->Simple(std::string(container) +
                " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (std::string_view line : lines) reply->Simple(line);
  reply->Simple("HELP");
  reply->Simple("    Print this help.");
}

}  // namespace understudy::server
