// TARGET.*: what there is to know about a cluster. About `main` the node answers itself; about
// others the cluster's global does (NamedCluster).
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "server/cluster_view.h"
#include "server/node.h"
#include "server/node_commands.h"

namespace understudy::server {

namespace {

// What a command about a cluster needs, whether a client asks this node of main or the request came
// to the global of another cluster.
struct About {
  Node& node;
  const ClusterHost& host;
  protocol::ReplyWriter& reply;
  Gate* gate;
};

bool Exists(NodeRequest& request) {
  return request.args[1] == request.node.host().name() ||
         request.node.clusters().Find(request.args[1]) != nullptr;
}

// False: an error was replied.
bool CheckExists(NodeRequest& request) {
  if (Exists(request)) return true;
  request.reply.Error("ERR no such cluster '" + std::string(request.args[1].substr(0, 128)) + "'");
  return false;
}

void ReplyLock(const About& about) {
  const cluster::Member& member = about.host.member();
  const cluster::NodeId holder = member.holder();
  const cluster::MemberInfo* info = member.configuration().Find(holder);
  protocol::ReplyWriter& reply = about.reply;
  reply.Map(4);
  reply.Bulk("holder");
  info == nullptr ? reply.Null() : reply.Bulk(info->name);
  reply.Bulk("id");
  holder.empty() ? reply.Null() : reply.Bulk(holder);
  reply.Bulk("term");
  reply.Integer(static_cast<int64_t>(member.term()));
  reply.Bulk("ttl-ms");
  reply.Integer(member.LockRemaining(about.node.now()) / 1000);
}

// Run ids don't fit into signed 64-bit numbers; INFO shows a node's own in the same form.
std::string RunText(cluster::RunId run) {
  char text[48];
  snprintf(text, sizeof(text), "%040" PRIx64, run);
  return text;
}

void ReplyServer(const About& about, const MemberView& member) {
  protocol::ReplyWriter& reply = about.reply;
  const cluster::Member& core = about.host.member();
  // A local knows how far it is itself behind what it heard to be committed.
  cluster::Index newest =
      core.role() == cluster::Role::kGlobal ? core.log().last_index() : core.commit();
  size_t place = reply.DeferHeader(), pairs = 0;
  auto text = [&](std::string_view name, std::string_view value) {
    reply.Bulk(name);
    reply.Bulk(value);
    ++pairs;
  };
  auto number = [&](std::string_view name, cluster::Index value) {
    reply.Bulk(name);
    reply.Integer(static_cast<int64_t>(value));
    ++pairs;
  };
  text("node", member.info.name);
  text("id", member.info.id);
  text("address", member.info.address);
  text("role", RoleText(about.host, member));
  number("connected", member.connected ? 1 : 0);
  if (member.run != 0) text("run", RunText(member.run));
  if (member.index) {
    number("index", *member.index);
    number("lag", newest > *member.index ? newest - *member.index : 0);
  }
  reply.FinishMap(place, pairs);
}

void ReplyServers(const About& about) {
  std::vector<MemberView> members = ViewMembersGlobalFirst(about.node, about.host);
  about.reply.Array(members.size());
  for (const MemberView& member : members) ReplyServer(about, member);
}

void ReplyNodes(const About& about) {
  std::vector<MemberView> members = ViewMembersGlobalFirst(about.node, about.host);
  about.reply.Array(members.size());
  for (const MemberView& member : members) about.reply.Bulk(member.info.name);
}

// Of a room that is no cluster of its own: those are part of `main`.
void HandleChatNodes(NodeRequest& request) {
  ReplyNodes({request.node, request.node.host(), request.reply, &request.gate});
}

// Of all that was executed here: the reply waits until that is committed. A state that is to be
// replaced isn't shown.
void ReplyState(const About& about) {
  const ClusterHost& host = about.host;
  if (!host.settled()) return about.reply.Error(kLoadingError);
  about.gate->index = host.state_index();
  std::string text = "type:" + std::string(host.target().type()) + "\r\n";
  text += "index:" + std::to_string(host.state_index()) + "\r\n";
  text += "digest:" + host.Digest() + "\r\n";
  if (const std::string versions = host.target().Versions(); !versions.empty()) {
    text += "versions:" + versions + "\r\n";
  }
  text += host.target().Describe();
  about.reply.Verbatim("txt", text);
}

using Reply = void (*)(const About& about);
constexpr std::pair<std::string_view, Reply> kReplies[] = {
    {"target.lock", ReplyLock},   {"target.servers", ReplyServers}, {"target.nodes", ReplyNodes},
    {"target.state", ReplyState}, {"chat.nodes", ReplyNodes},
};

template <Reply reply>
void HandleOfMain(NodeRequest& request) {
  if (!CheckExists(request)) return;
  reply({request.node, request.node.host(), request.reply, &request.gate});
}

void HandleRunning(NodeRequest& request) {
  const NamedCluster* cluster = request.node.clusters().Find(request.args[1]);
  request.reply.Integer(Exists(request) && (cluster == nullptr || !cluster->entry().stopped) ? 1
                                                                                             : 0);
}

void HandleLoad(NodeRequest& request) {
  const LoadCommand allowed = request.node.options().enable_target_load_command;
  const std::string_view address = request.connection.session().address;
  const bool local =
      address.starts_with("127.") || address.starts_with("[::1]") || address.starts_with("::1");
  if (allowed == LoadCommand::kNo || (allowed == LoadCommand::kLocal && !local)) {
    return request.reply.Error(
        "ERR TARGET.LOAD is not allowed here, see the parameter enable-target-load-command");
  }
  std::string error;
  if (!request.node.plugins().Load(std::string(request.args[1]), &request.node.log(), &error)) {
    return request.reply.Error("ERR " + error);
  }
  request.reply.Ok();
}

void HandleTypes(NodeRequest& request) {
  protocol::ReplyWriter& reply = request.reply;
  const auto& types = request.node.plugins().types().all();
  reply.Array(types.size());
  for (const targets::TargetType& type : types) {
    reply.Map(5);
    reply.Bulk("type");
    reply.Bulk(type.name);
    reply.Bulk("summary");
    reply.Bulk(type.summary);
    reply.Bulk("file");
    type.plugin == nullptr ? reply.Null() : reply.Bulk(type.origin);
    reply.Bulk("state-version");
    reply.Integer(type.plugin == nullptr ? 0 : type.plugin->state_version);
    reply.Bulk("updates-version");
    reply.Integer(type.plugin == nullptr ? 0 : type.plugin->update_version);
  }
}

void HandleHelp(NodeRequest& request) {
  static constexpr std::string_view kLines[] = {
      "TARGET.CALL <cluster> <argument> [<argument> ...]",
      "    Has the cluster's target execute a request, and returns its reply.",
      "TARGET.CAST <cluster> <argument> [<argument> ...]",
      "    The same; the reply is OK or an error.",
      "TARGET.LINK <cluster> SELF|CLIENT <client-id>",
      "    Links this connection, or another one of this node: the target hears of its end.",
      "TARGET.UNLINK <cluster> SELF|CLIENT <client-id>",
      "    Ends a link.",
      "TARGET.DELETE <cluster>",
      "    Removes what a stopped cluster kept.",
      "TARGET.JOIN <cluster>",
      "    Makes this node a local of the cluster.",
      "TARGET.LIST",
      "    The clusters beside main.",
      "TARGET.LOCK <cluster>",
      "    Who holds the cluster's lock key, in which term, for how many milliseconds more.",
      "TARGET.NODES <cluster>",
      "    The names of the cluster's nodes, the global's first.",
      "TARGET.RUNNING <cluster>",
      "    Whether the cluster is running: 1 or 0.",
      "TARGET.SERVERS <cluster>",
      "    The cluster's servers, the global first: node, id, address, role, connected, and what",
      "    is known here of run, index and lag.",
      "TARGET.START <cluster> <type> [<arg> ...]",
      "    Starts the cluster with this node as its global, or joins it as a local, or lets a",
      "    stopped one go on.",
      "TARGET.STATE <cluster>",
      "    Type of the cluster's target, index and digest of its state on this node.",
      "TARGET.LOAD <file>",
      "    Loads a shared object with a type of targets.",
      "TARGET.TYPES",
      "    The types of targets that this node can run.",
      "TARGET.STOP <cluster> GLOBAL|ALL|<node>",
      "    Ends the cluster on its global's node (which hands over), everywhere, or on one node.",
      "TARGET.HELP",
      "    Print this help.",
  };
  request.reply.Array(std::size(kLines));
  for (std::string_view line : kLines) request.reply.Simple(line);
}

}  // namespace

bool AnswerAboutCluster(Node& node, const ClusterHost& host, const protocol::Command& command,
                        protocol::ReplyWriter* reply, Gate* gate) {
  for (const auto& [name, answer] : kReplies) {
    if (command.row->name != name) continue;
    answer({node, host, *reply, gate});
    return true;
  }
  return false;
}

std::span<const NamedHandler> TargetCommandHandlers() {
  static constexpr NamedHandler kHandlers[] = {
      {"chat.nodes", HandleChatNodes},
      {"target.load", HandleLoad},
      {"target.types", HandleTypes},
      {"target.lock", HandleOfMain<ReplyLock>},
      {"target.servers", HandleOfMain<ReplyServers>},
      {"target.nodes", HandleOfMain<ReplyNodes>},
      {"target.running", HandleRunning},
      {"target.state", HandleOfMain<ReplyState>},
      {"target.help", HandleHelp},
  };
  return kHandlers;
}

}  // namespace understudy::server
