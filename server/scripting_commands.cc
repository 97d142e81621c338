// FUNCTION and SCRIPT: this server runs no scripts, and says so to who asks what it has.
#include "protocol/numbers.h"
#include "server/node.h"
#include "server/node_commands.h"

namespace understudy::server {

namespace {

using protocol::EqualsIgnoreCase;

void HandleFunctionList(NodeRequest& request) {
  bool with_code = false, library = false;
  for (size_t i = 2; i < request.args.size(); ++i) {
    if (!with_code && EqualsIgnoreCase(request.args[i], "withcode")) {
      with_code = true;
    } else if (!library && EqualsIgnoreCase(request.args[i], "libraryname")) {
      if (i + 1 == request.args.size()) {
        return request.reply.Error("ERR library name argument was not given");
      }
      library = true;
      ++i;
    } else {
      return request.reply.Error("ERR Unknown argument " + std::string(request.args[i]));
    }
  }
  request.reply.Array(0);
}

void HandleFlush(NodeRequest& request) {
  const auto& args = request.args;
  if (args.size() == 2 || (args.size() == 3 && (EqualsIgnoreCase(args[2], "async") ||
                                                EqualsIgnoreCase(args[2], "sync")))) {
    return request.reply.Ok();
  }
  bool function = EqualsIgnoreCase(args[0], "function");
  request.reply.Error(function ? "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"
                               : "ERR SCRIPT FLUSH only support SYNC|ASYNC option");
}

void HandleScriptExists(NodeRequest& request) {
  size_t asked = request.args.size() - 2;
  request.reply.Array(asked);
  for (size_t i = 0; i < asked; ++i) request.reply.Integer(0);
}

void HandleHelp(NodeRequest& request) {
  protocol::ReplyToHelp(request.node.table(), request.node.table().at(request.command.container),
                        &request.reply);
}

}  // namespace

std::span<const NamedHandler> ScriptingCommandHandlers() {
  static constexpr NamedHandler kHandlers[] = {
      {"function", ReplyUnknownSubcommand}, {"function|list", HandleFunctionList},
      {"function|flush", HandleFlush},      {"function|help", HandleHelp},
      {"script", ReplyUnknownSubcommand},   {"script|exists", HandleScriptExists},
      {"script|flush", HandleFlush},        {"script|help", HandleHelp},
  };
  return kHandlers;
}

}  // namespace understudy::server
