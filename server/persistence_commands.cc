// SAVE BGSAVE BGREWRITEAOF LASTSAVE: snapshots that somebody asks for. They are of this node's own
// state, on its own disk, and none of them stops it; SAVE differs in that its client waits. A
// snapshot lets the log's older files go, so BGREWRITEAOF is one too.
#include "protocol/numbers.h"
#include "server/node.h"
#include "server/node_commands.h"

namespace understudy::server {

namespace {

// False: an error was replied.
bool Begin(NodeRequest& request, std::string_view in_progress) {
  ClusterHost& host = request.node.host();
  if (host.saving()) {
    request.reply.Error(in_progress);
    return false;
  }
  if (host.SaveSnapshot()) return true;
  request.reply.Error(kLoadingError);
  return false;
}

constexpr std::string_view kInProgress = "ERR Background save already in progress";

void HandleSave(NodeRequest& request) { request.waits_for_snapshot = Begin(request, kInProgress); }

// SCHEDULE chooses nothing: it is for when something else runs that would be in the way.
void HandleBgsave(NodeRequest& request) {
  const auto& args = request.args;
  if (args.size() > 2 || (args.size() == 2 && !protocol::EqualsIgnoreCase(args[1], "schedule"))) {
    return request.reply.Error(protocol::kSyntaxError);
  }
  if (Begin(request, kInProgress)) request.reply.Simple("Background saving started");
}

void HandleBgrewriteaof(NodeRequest& request) {
  if (Begin(request, "ERR Background append only file rewriting already in progress")) {
    request.reply.Simple("Background append only file rewriting started");
  }
}

void HandleLastsave(NodeRequest& request) { request.reply.Integer(request.node.last_save_s()); }

}  // namespace

std::span<const NamedHandler> PersistenceCommandHandlers() {
  static constexpr NamedHandler kHandlers[] = {
      {"save", HandleSave},
      {"bgsave", HandleBgsave},
      {"bgrewriteaof", HandleBgrewriteaof},
      {"lastsave", HandleLastsave},
  };
  return kHandlers;
}

}  // namespace understudy::server
