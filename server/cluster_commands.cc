// CLUSTER ROLE WAIT FAILOVER: the cluster in the words of Redis' replication and of Redis Cluster.
// The global is a master that serves all slots, the locals are its replicas; offsets are indexes of
// the log.
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <optional>

#include "protocol/numbers.h"
#include "server/cluster_view.h"
#include "server/key_slot.h"
#include "server/node.h"
#include "server/node_commands.h"

namespace understudy::server {

namespace {

using protocol::EqualsIgnoreCase;

// --- CLUSTER -------------------------------------------------------------------------------------

void HandleMyId(NodeRequest& request) { request.reply.Bulk(request.node.identity().id); }

// <id> <host:port@port> <flags> <master> <ping sent> <pong received> <epoch> <link> <slots>
// https://redis.io/docs/latest/commands/cluster-nodes/
std::string NodeLine(NodeRequest& request, const MemberView& member) {
  const cluster::Member& core = request.node.host().member();
  std::string flags = member.self ? "myself," : "";
  flags += member.global ? "master" : "slave";
  if (!member.connected) flags += ",fail?";
  int64_t heard_ms = 0;
  if (!member.self && member.acknowledged) {
    heard_ms = WallMillis() - (request.node.now() - *member.acknowledged) / 1000;
  }
  const cluster::NodeId holder = core.holder();
  std::string line = member.info.id + " " + member.info.address + "@" + std::to_string(member.port);
  line += " " + flags;
  line += " " + (member.global || holder.empty() ? std::string("-") : holder);
  line += " 0 " + std::to_string(heard_ms) + " " + std::to_string(core.term());
  line += member.connected ? " connected" : " disconnected";
  if (member.global) line += " 0-16383";
  return line + "\n";
}

void HandleNodes(NodeRequest& request) {
  std::string text;
  for (const MemberView& member : ViewMembers(request.node)) text += NodeLine(request, member);
  request.reply.Verbatim("txt", text);
}

void HandleClusterInfo(NodeRequest& request) {
  Node& node = request.node;
  const cluster::Member& member = node.host().member();
  bool ok = ClusterServes(node);
  int unreachable = 0;
  for (const MemberView& one : ViewMembers(node)) unreachable += one.connected ? 0 : 1;
  char text[512];
  snprintf(text, sizeof(text),
           "cluster_state:%s\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:%d\r\n"
           "cluster_slots_pfail:0\r\ncluster_slots_fail:%d\r\ncluster_known_nodes:%zu\r\n"
           "cluster_unreachable_nodes:%d\r\ncluster_size:1\r\ncluster_current_epoch:%" PRIu64
           "\r\ncluster_my_epoch:%" PRIu64 "\r\n",
           ok ? "ok" : "fail", ok ? 16384 : 0, ok ? 0 : 16384,
           member.configuration().members.size(), unreachable, member.term(), member.term());
  request.reply.Verbatim("txt", text);
}

// By id or by name. The reply leaves when the change is committed.
void HandleForget(NodeRequest& request) {
  Node& node = request.node;
  cluster::Member& member = node.host().member();
  std::string_view wanted = request.args[2];
  const auto& members = member.configuration().members;
  auto found = std::find_if(members.begin(), members.end(), [wanted](const auto& one) {
    return EqualsIgnoreCase(one.id, wanted) || one.name == wanted;
  });
  if (member.role() != cluster::Role::kGlobal) {
    return request.reply.Error("ERR Only the global can remove a node: ask " + GlobalText(node));
  }
  if (found == members.end()) {
    return request.reply.Error("ERR Unknown node " + std::string(wanted.substr(0, 128)));
  }
  cluster::NodeId id = found->id;
  if (id == node.identity().id) {
    return request.reply.Error("ERR I tried hard but I can't forget myself...");
  }
  std::string why;
  if (!member.RemoveMember(id, node.now(), &why)) return request.reply.Error("ERR " + why);
  request.gate.index = member.log().last_index();
  request.reply.Ok();
}

// The node as CLUSTER SLOTS shows it.
void ReplySlotNode(const MemberView& member, protocol::ReplyWriter* reply) {
  reply->Array(4);
  reply->Bulk(member.host);
  reply->Integer(member.port);
  reply->Bulk(member.info.id);
  reply->Array(0);
}

// The global first. Without a global nobody serves any slot.
void HandleSlots(NodeRequest& request) {
  std::vector<MemberView> members = ViewMembersGlobalFirst(request.node, request.node.host());
  if (members.empty() || !members.front().global) return request.reply.Array(0);
  std::erase_if(members, [](const MemberView& one) { return !one.global && !one.connected; });
  request.reply.Array(1);
  request.reply.Array(2 + members.size());
  request.reply.Integer(0);
  request.reply.Integer(kSlots - 1);
  for (const MemberView& member : members) ReplySlotNode(member, &request.reply);
}

// All nodes are one shard. Its id is that of nobody: it is made of the first member's.
std::string ShardId(Node& node) {
  const auto& members = node.host().member().configuration().members;
  std::string id = members.empty() ? node.identity().id : members.front().id;
  std::reverse(id.begin(), id.end());
  return id;
}

void HandleShards(NodeRequest& request) {
  const std::vector<MemberView> members = ViewMembersGlobalFirst(request.node, request.node.host());
  const bool served = !members.empty() && members.front().global;
  auto& reply = request.reply;
  reply.Array(1);
  reply.Map(2);
  reply.Bulk("slots");
  reply.Array(served ? 2 : 0);
  if (served) {
    reply.Integer(0);
    reply.Integer(kSlots - 1);
  }
  reply.Bulk("nodes");
  reply.Array(members.size());
  for (const MemberView& member : members) {
    reply.Map(7);
    reply.Bulk("id");
    reply.Bulk(member.info.id);
    reply.Bulk("port");
    reply.Integer(member.port);
    reply.Bulk("ip");
    reply.Bulk(member.host);
    reply.Bulk("endpoint");
    reply.Bulk(member.host);
    reply.Bulk("role");
    reply.Bulk(member.global ? "master" : "replica");
    reply.Bulk("replication-offset");
    reply.Integer(static_cast<int64_t>(member.index.value_or(0)));
    reply.Bulk("health");
    reply.Bulk(!member.connected ? "fail" : member.needs_snapshot ? "loading" : "online");
  }
}

void HandleKeySlot(NodeRequest& request) { request.reply.Integer(KeySlot(request.args[2])); }

void HandleMyShardId(NodeRequest& request) { request.reply.Bulk(ShardId(request.node)); }

void HandleReplicas(NodeRequest& request) {
  const std::vector<MemberView> members = ViewMembers(request.node);
  auto found = std::find_if(members.begin(), members.end(), [&](const MemberView& one) {
    return EqualsIgnoreCase(one.info.id, request.args[2]);
  });
  if (found == members.end()) {
    return request.reply.Error("ERR Unknown node " + std::string(request.args[2].substr(0, 128)));
  }
  if (!found->global) return request.reply.Error("ERR The specified node is not a master");
  request.reply.Array(members.size() - 1);
  for (const MemberView& member : members) {
    if (member.global) continue;
    std::string line = NodeLine(request, member);
    line.pop_back();
    request.reply.Bulk(line);
  }
}

void HandleClusterHelp(NodeRequest& request) {
  protocol::ReplyToHelp(request.node.table(), request.node.table().at(request.command.container),
                        &request.reply);
}

// --- ROLE ----------------------------------------------------------------------------------------

void ReplyMasterRole(NodeRequest& request) {
  protocol::ReplyWriter& reply = request.reply;
  std::vector<MemberView> replicas = ViewMembers(request.node);
  std::erase_if(replicas, [](const MemberView& one) { return one.self || !one.connected; });
  reply.Array(3);
  reply.Bulk("master");
  reply.Integer(static_cast<int64_t>(request.node.host().member().log().last_index()));
  reply.Array(replicas.size());
  for (const MemberView& replica : replicas) {
    reply.Array(3);
    reply.Bulk(replica.host);
    reply.BulkInteger(replica.port);
    reply.BulkInteger(static_cast<int64_t>(replica.index.value_or(0)));
  }
}

// connect: no global is known; connecting: it is, but there is no link; sync: a snapshot is coming.
void ReplyReplicaRole(NodeRequest& request) {
  protocol::ReplyWriter& reply = request.reply;
  const ClusterHost& host = request.node.host();
  std::vector<MemberView> members = ViewMembers(request.node);
  auto global = std::find_if(members.begin(), members.end(),
                             [](const MemberView& one) { return one.global && !one.self; });
  bool known = global != members.end() && host.member().role() == cluster::Role::kLocal;
  std::string_view state = "connect";
  if (known) {
    state = host.receiver().total() != 0 ? "sync" : global->connected ? "connected" : "connecting";
  }
  reply.Array(5);
  reply.Bulk("slave");
  reply.Bulk(known ? std::string_view(global->host) : std::string_view());
  reply.Integer(known ? global->port : 0);
  reply.Bulk(state);
  reply.Integer(static_cast<int64_t>(host.applied()));
}

void HandleRole(NodeRequest& request) {
  if (request.node.host().member().role() == cluster::Role::kGlobal) {
    ReplyMasterRole(request);
  } else {
    ReplyReplicaRole(request);
  }
}

// --- WAIT ----------------------------------------------------------------------------------------

// How many locals hold what this connection wrote. Replies here wait for the commit anyway, so when
// this one leaves, a majority of the voters hold all of it: one less than that are locals. A global
// counts as well the locals that are known to hold it now; a local doesn't know of the others.
// The number is a lower bound, and WAIT doesn't wait for more than the commit: with `numreplicas`
// above it, the answer comes before `timeout`.
void HandleWait(NodeRequest& request) {
  std::optional<int64_t> replicas = protocol::ParseInteger(request.args[1]);
  if (!replicas) return request.reply.Error(protocol::kNotIntegerError);
  std::optional<int64_t> timeout_ms = protocol::ParseInteger(request.args[2]);
  if (!timeout_ms) {
    return request.reply.Error("ERR timeout is not an integer or out of range");
  }
  if (*timeout_ms < 0) return request.reply.Error("ERR timeout is negative");

  const cluster::Member& member = request.node.host().member();
  size_t holding = member.configuration().VoterCount() / 2;  // a majority without the global
  cluster::Index newest = request.connection.replies().newest_gate();
  request.gate.index = newest;
  if (member.role() == cluster::Role::kGlobal) {
    cluster::Index wanted = newest != 0 ? newest : member.commit();
    auto progress = member.progress();
    size_t known = static_cast<size_t>(
        std::count_if(progress.begin(), progress.end(),
                      [wanted](const cluster::Progress& one) { return one.match >= wanted; }));
    holding = std::max(holding, known);
  }
  request.reply.Integer(static_cast<int64_t>(holding));
}

// --- FAILOVER ------------------------------------------------------------------------------------

struct FailoverOptions {
  std::optional<std::string_view> host;
  int64_t port = 0;
  std::optional<int64_t> timeout_ms;
  bool force = false;
};

// False: an error was replied.
bool ParseFailover(NodeRequest& request, FailoverOptions* options) {
  const auto& args = request.args;
  auto fail = [&request](std::string_view error) {
    request.reply.Error(error);
    return false;
  };
  for (size_t i = 1; i < args.size(); ++i) {
    size_t following = args.size() - 1 - i;
    if (EqualsIgnoreCase(args[i], "timeout") && following >= 1 && !options->timeout_ms) {
      options->timeout_ms = protocol::ParseInteger(args[++i]);
      if (!options->timeout_ms) return fail(protocol::kNotIntegerError);
      if (*options->timeout_ms <= 0) return fail("ERR FAILOVER timeout must be greater than 0");
    } else if (EqualsIgnoreCase(args[i], "to") && following >= 2 && !options->host) {
      options->host = args[++i];
      std::optional<int64_t> port = protocol::ParseInteger(args[++i]);
      if (!port) return fail(protocol::kNotIntegerError);
      options->port = *port;
    } else if (EqualsIgnoreCase(args[i], "force") && !options->force) {
      options->force = true;
    } else {
      return fail(protocol::kSyntaxError);
    }
  }
  return true;
}

// The target that the client names, or nobody: the most caught-up voter. False: an error was
// replied.
bool FindTarget(NodeRequest& request, const FailoverOptions& options, cluster::NodeId* target) {
  std::vector<MemberView> members = ViewMembers(request.node);
  bool any = std::any_of(members.begin(), members.end(),
                         [](const MemberView& one) { return !one.self && one.connected; });
  std::string_view error;
  if (!any) {
    error = "ERR FAILOVER requires connected replicas.";
  } else if (options.force && (!options.timeout_ms || !options.host)) {
    error = "ERR FAILOVER with force option requires both a timeout and target HOST and IP.";
  } else if (options.host) {
    auto found = std::find_if(members.begin(), members.end(), [&options](const MemberView& one) {
      return !one.self && one.host == *options.host && one.port == options.port;
    });
    if (found == members.end()) {
      error = "ERR FAILOVER target HOST and PORT is not a replica.";
    } else if (!found->connected || found->needs_snapshot) {
      error = "ERR FAILOVER target replica is not online.";
    } else {
      *target = found->info.id;
    }
  }
  if (error.empty()) return true;
  request.reply.Error(error);
  return false;
}

// TIMEOUT and FORCE change nothing: a handover that doesn't succeed within the lock's time to live
// is given up, and one to a replica that doesn't hold everything would lose writes.
void HandleFailover(NodeRequest& request) {
  cluster::Member& member = request.node.host().member();
  if (request.args.size() == 2 && EqualsIgnoreCase(request.args[1], "abort")) {
    return request.reply.Error(member.transferring()
                                   ? "ERR The failover in progress can't be aborted: it ends "
                                     "within the lock's time to live"
                                   : "ERR No failover in progress.");
  }
  FailoverOptions options;
  if (!ParseFailover(request, &options)) return;
  if (member.transferring()) return request.reply.Error("ERR FAILOVER already in progress.");
  if (member.role() != cluster::Role::kGlobal) {
    return request.reply.Error("ERR FAILOVER is not valid when server is a replica.");
  }
  cluster::NodeId target;
  if (!FindTarget(request, options, &target)) return;
  std::string why;
  if (!member.Transfer(target, request.node.now(), &why)) return request.reply.Error("ERR " + why);
  request.reply.Ok();
}

}  // namespace

std::span<const NamedHandler> ClusterCommandHandlers() {
  static constexpr NamedHandler kHandlers[] = {
      {"cluster", ReplyUnknownSubcommand},
      {"cluster|myid", HandleMyId},
      {"cluster|nodes", HandleNodes},
      {"cluster|info", HandleClusterInfo},
      {"cluster|forget", HandleForget},
      {"cluster|help", HandleClusterHelp},
      {"role", HandleRole},
      {"cluster|slots", HandleSlots},
      {"cluster|shards", HandleShards},
      {"cluster|keyslot", HandleKeySlot},
      {"cluster|myshardid", HandleMyShardId},
      {"cluster|replicas", HandleReplicas},
      {"cluster|slaves", HandleReplicas},
      {"wait", HandleWait},
      {"failover", HandleFailover},
  };
  return kHandlers;
}

}  // namespace understudy::server
