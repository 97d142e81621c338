// COMMAND CONFIG INFO TIME SHUTDOWN: about the server as a whole.
#include "protocol/numbers.h"
#include "server/info.h"
#include "server/node.h"
#include "server/node_commands.h"

namespace understudy::server {

namespace {

using protocol::EqualsIgnoreCase;

void HandleCommand(NodeRequest& request) {
  protocol::ReplyToCommandCommand(request.node.table(), request.command, request.args,
                                  &request.reply);
}

void HandleConfig(NodeRequest& request) {
  ReplyToConfigCommand(&request.node.config(), request.args, &request.reply);
}

// The lines about databases count keys, so they wait for the commit of what was executed here; a
// node that isn't the global leaves them out while its state holds entries that may never commit,
// rather than let nobody see how it is.
void HandleInfo(NodeRequest& request) {
  const ClusterHost& host = request.node.host();
  InfoSections sections = ParseInfoSections(request.args.subspan(1));
  bool committed = host.settled() && host.state_index() <= host.applied();
  bool with_keyspace = host.settled() && (committed || host.can_execute());
  if (with_keyspace && ShowsKeyspace(sections)) request.gate.index = host.state_index();
  request.reply.Verbatim("txt", MakeInfo(request.node, sections, with_keyspace));
}

void HandleTime(NodeRequest& request) {
  int64_t now = WallMicros();
  request.reply.Array(2);
  request.reply.BulkInteger(now / 1000000);
  request.reply.BulkInteger(now % 1000000);
}

// NOSAVE and SAVE choose nothing: what is to be durable is in the log already. NOW and FORCE
// neither: the lock is handed over in any case, which takes at most its time to live.
void HandleShutdown(NodeRequest& request) {
  bool save = false, nosave = false, other = false, abort = false;
  for (std::string_view word : request.args.subspan(1)) {
    if (EqualsIgnoreCase(word, "save")) {
      save = true;
    } else if (EqualsIgnoreCase(word, "nosave")) {
      nosave = true;
    } else if (EqualsIgnoreCase(word, "now") || EqualsIgnoreCase(word, "force")) {
      other = true;
    } else if (EqualsIgnoreCase(word, "abort")) {
      abort = true;
    } else {
      return request.reply.Error(protocol::kSyntaxError);
    }
  }
  if ((save && nosave) || (abort && (save || nosave || other))) {
    return request.reply.Error(protocol::kSyntaxError);
  }
  if (abort) return request.reply.Error("ERR No shutdown in progress.");
  request.node.log().Notice("Stop asked for by client %s",
                            request.connection.session().address.c_str());
  request.node.Stop();  // without a reply: the end of the connection is the reply
}

}  // namespace

std::span<const NamedHandler> ServerCommandHandlers() {
  static constexpr NamedHandler kHandlers[] = {
      {"command", HandleCommand},
      {"command|count", HandleCommand},
      {"command|list", HandleCommand},
      {"command|info", HandleCommand},
      {"command|docs", HandleCommand},
      {"command|getkeys", HandleCommand},
      {"command|getkeysandflags", HandleCommand},
      {"command|help", HandleCommand},
      {"config", ReplyUnknownSubcommand},
      {"config|get", HandleConfig},
      {"config|set", HandleConfig},
      {"config|resetstat", HandleConfig},
      {"config|rewrite", HandleConfig},
      {"config|help", HandleConfig},
      {"info", HandleInfo},
      {"time", HandleTime},
      {"shutdown", HandleShutdown},
  };
  return kHandlers;
}

}  // namespace understudy::server
