// Commands that the node answers itself, at once: PING, CLIENT, CONFIG, INFO, DEBUG, CLUSTER, ...
// Handlers are in the *_commands.cc files of this folder, one file a group.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "protocol/command_table.h"
#include "protocol/reply_writer.h"
#include "server/connection.h"

namespace understudy::server {

class ClusterHost;
class Node;

// What a handler gets. The reply is open (ReplyQueue::Begin was called): write exactly one reply.
struct NodeRequest {
  Node& node;
  Connection& connection;
  const protocol::Command& command;
  std::span<const std::string_view> args;
  protocol::ReplyWriter& reply;
  Gate gate;  // out: what the reply waits for; open as given
  bool waits_for_snapshot = false;  // out: nothing was written; OK, when the snapshot is saved
};
using NodeHandler = void (*)(NodeRequest& request);

class NodeCommands {
 public:
  // Binds every row of Owner::kNode to its handler; asserts that none is missing on either side.
  NodeCommands(Node* node, const protocol::CommandTable& table);

  void Handle(NodeRequest& request) const;

 private:
  std::vector<NodeHandler> handlers_;  // by Command::id
};

// Each group's handlers, under their commands' full names ("client|id"). A container's own name
// serves what comes without a known subcommand.
struct NamedHandler {
  std::string_view name;
  NodeHandler handler;
};
std::span<const NamedHandler> ConnectionCommandHandlers();  // PING ECHO HELLO AUTH SELECT QUIT RESET
                                                            // READONLY READWRITE
std::span<const NamedHandler> ClientCommandHandlers();      // CLIENT ...
std::span<const NamedHandler> ServerCommandHandlers();      // COMMAND CONFIG INFO TIME SHUTDOWN
std::span<const NamedHandler> ClusterCommandHandlers();     // CLUSTER ROLE WAIT FAILOVER
std::span<const NamedHandler> PersistenceCommandHandlers();  // SAVE BGSAVE BGREWRITEAOF LASTSAVE
std::span<const NamedHandler> TargetCommandHandlers();      // TARGET.*
std::span<const NamedHandler> PubsubCommandHandlers();      // SUBSCRIBE ... PUBSUB
std::span<const NamedHandler> DebugCommandHandlers();       // DEBUG
std::span<const NamedHandler> MemoryCommandHandlers();      // MEMORY
std::span<const NamedHandler> TrackingCommandHandlers();    // CLIENT TRACKING ...
std::span<const NamedHandler> SentinelCommandHandlers();    // SENTINEL
std::span<const NamedHandler> LatencyCommandHandlers();     // SLOWLOG, LATENCY
std::span<const NamedHandler> ScriptingCommandHandlers();   // FUNCTION, SCRIPT

// For handlers of containers: an error in Redis' words for what comes without a known subcommand.
void ReplyUnknownSubcommand(NodeRequest& request);
// A container's HELP: `lines` between the usual first and last ones.
void ReplyHelp(std::string_view container, std::span<const std::string_view> lines,
               protocol::ReplyWriter* reply);

// While the state here is to be replaced: clients know it and ask again.
inline constexpr std::string_view kLoadingError =
    "LOADING Redis is loading the dataset in memory";

// The version of Redis whose commands and replies these are: clients decide by it what to use.
inline constexpr std::string_view kRedisVersion = "7.2.0";


// TARGET.LOCK, SERVERS, NODES, STATE of a cluster whose member is here. False: another command.
bool AnswerAboutCluster(Node& node, const ClusterHost& host, const protocol::Command& command,
                        protocol::ReplyWriter* reply, Gate* gate);

}  // namespace understudy::server
