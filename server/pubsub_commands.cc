// SUBSCRIBE and its companions, PUBSUB: what this node's connections listen to.
#include "protocol/numbers.h"
#include "server/node.h"
#include "server/node_commands.h"

namespace understudy::server {

namespace {

using Kind = Subscriptions::Kind;

// One confirmation a name: [word, name, how many the connection has now].
void Confirm(NodeRequest& request, std::string_view word, Kind kind, const std::string_view* name) {
  const Session& session = request.connection.session();
  size_t count = kind == Kind::kShardChannel ? session.subscriptions(Kind::kShardChannel).size()
                                             : session.subscriptions(Kind::kChannel).size() +
                                                   session.subscriptions(Kind::kPattern).size();
  request.reply.Push(3);
  request.reply.Bulk(word);
  if (name != nullptr) {
    request.reply.Bulk(*name);
  } else {
    request.reply.Null();
  }
  request.reply.Integer(static_cast<int64_t>(count));
}

void Subscribe(NodeRequest& request, Kind kind, std::string_view word) {
  for (const std::string_view& name : request.args.subspan(1)) {
    request.node.subscriptions().Add(request.connection, kind, name);
    Confirm(request, word, kind, &name);
  }
}

void Unsubscribe(NodeRequest& request, Kind kind, std::string_view word) {
  std::set<std::string> all;
  std::vector<std::string_view> names(request.args.begin() + 1, request.args.end());
  if (names.empty()) {
    all = request.connection.session().subscriptions(kind);
    names.assign(all.begin(), all.end());
  }
  if (names.empty()) return Confirm(request, word, kind, nullptr);
  for (const std::string_view& name : names) {
    request.node.subscriptions().Remove(request.connection, kind, name);
    Confirm(request, word, kind, &name);
  }
}

void HandleSubscribe(NodeRequest& request) { Subscribe(request, Kind::kChannel, "subscribe"); }
void HandlePsubscribe(NodeRequest& request) { Subscribe(request, Kind::kPattern, "psubscribe"); }
void HandleSsubscribe(NodeRequest& request) {
  Subscribe(request, Kind::kShardChannel, "ssubscribe");
}
void HandleUnsubscribe(NodeRequest& request) {
  Unsubscribe(request, Kind::kChannel, "unsubscribe");
}
void HandlePunsubscribe(NodeRequest& request) {
  Unsubscribe(request, Kind::kPattern, "punsubscribe");
}
void HandleSunsubscribe(NodeRequest& request) {
  Unsubscribe(request, Kind::kShardChannel, "sunsubscribe");
}

void ListNames(NodeRequest& request, Kind kind) {
  if (request.args.size() > 3) {
    return request.reply.Error("ERR unknown subcommand or wrong number of arguments for '" +
                               std::string(request.args[1]) + "'. Try PUBSUB HELP.");
  }
  size_t place = request.reply.DeferHeader(), count = 0;
  for (std::string_view name : request.node.subscriptions().Names(kind)) {
    if (request.args.size() == 3 && !protocol::GlobMatch(request.args[2], name)) continue;
    request.reply.Bulk(name);
    ++count;
  }
  request.reply.FinishArray(place, count);
}

void CountSubscribers(NodeRequest& request, Kind kind) {
  request.reply.Array(2 * (request.args.size() - 2));
  for (std::string_view name : request.args.subspan(2)) {
    request.reply.Bulk(name);
    request.reply.Integer(static_cast<int64_t>(request.node.subscriptions().Count(kind, name)));
  }
}

void HandleChannels(NodeRequest& request) { ListNames(request, Kind::kChannel); }
void HandleShardChannels(NodeRequest& request) { ListNames(request, Kind::kShardChannel); }
void HandleNumsub(NodeRequest& request) { CountSubscribers(request, Kind::kChannel); }
void HandleShardNumsub(NodeRequest& request) { CountSubscribers(request, Kind::kShardChannel); }
void HandleNumpat(NodeRequest& request) {
  request.reply.Integer(static_cast<int64_t>(request.node.subscriptions().names(Kind::kPattern)));
}
void HandlePubsubHelp(NodeRequest& request) {
  protocol::ReplyToHelp(request.node.table(), request.node.table().at(request.command.container),
                        &request.reply);
}

}  // namespace

std::span<const NamedHandler> PubsubCommandHandlers() {
  static constexpr NamedHandler kHandlers[] = {
      {"subscribe", HandleSubscribe},
      {"psubscribe", HandlePsubscribe},
      {"ssubscribe", HandleSsubscribe},
      {"unsubscribe", HandleUnsubscribe},
      {"punsubscribe", HandlePunsubscribe},
      {"sunsubscribe", HandleSunsubscribe},
      {"pubsub", ReplyUnknownSubcommand},
      {"pubsub|channels", HandleChannels},
      {"pubsub|numsub", HandleNumsub},
      {"pubsub|numpat", HandleNumpat},
      {"pubsub|shardchannels", HandleShardChannels},
      {"pubsub|shardnumsub", HandleShardNumsub},
      {"pubsub|help", HandlePubsubHelp},
  };
  return kHandlers;
}

}  // namespace understudy::server
