// SENTINEL: so that client libraries that look for a master through Sentinel find the global. Every
// node answers; the master's name is the cluster's, "main", or "mymaster", which is what Redis'
// documentation calls it. The locals are its replicas, and all other nodes its other sentinels.
// Source: https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/#sentinel-api
#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "protocol/numbers.h"
#include "server/cluster_view.h"
#include "server/node.h"
#include "server/node_commands.h"

namespace understudy::server {

namespace {

using protocol::ReplyWriter;
using Fields = std::vector<std::pair<std::string_view, std::string>>;

constexpr std::string_view kNoSuchMaster = "ERR No such master with that name";

bool IsName(NodeRequest& request) {
  std::string_view name = request.args[2];
  return name == request.node.host().name() || name == "mymaster";
}

const MemberView* GlobalOf(const std::vector<MemberView>& members) {
  auto found = std::find_if(members.begin(), members.end(),
                            [](const MemberView& one) { return one.global; });
  return found == members.end() ? nullptr : &*found;
}

void ReplyFields(const Fields& fields, ReplyWriter* reply) {
  reply->Map(fields.size());
  for (const auto& [name, value] : fields) {
    reply->Bulk(name);
    reply->Bulk(value);
  }
}

std::string RunText(cluster::RunId run) {
  char text[48];
  snprintf(text, sizeof text, "%040" PRIx64, run);
  return text;
}

Fields Describe(const MemberView& member, std::string name, std::string flags) {
  if (!member.connected) flags += ",s_down,disconnected";
  return {{"name", std::move(name)},
          {"ip", member.host},
          {"port", std::to_string(member.port)},
          {"runid", RunText(member.run)},
          {"flags", std::move(flags)}};
}

size_t Others(const std::vector<MemberView>& members) {
  return static_cast<size_t>(std::count_if(members.begin(), members.end(),
                                           [](const MemberView& one) { return !one.self; }));
}

Fields DescribeMaster(NodeRequest& request, const std::vector<MemberView>& members,
                      const MemberView& global) {
  const cluster::Member& core = request.node.host().member();
  const size_t voters = core.configuration().VoterCount();
  Fields fields = Describe(global, request.node.host().name(), "master");
  fields.emplace_back("role-reported", "master");
  fields.emplace_back("config-epoch", std::to_string(core.term()));
  fields.emplace_back("num-slaves", std::to_string(members.size() - 1));
  fields.emplace_back("num-other-sentinels", std::to_string(Others(members)));
  fields.emplace_back("quorum", std::to_string(voters / 2 + 1));
  return fields;
}

void HandleMasterAddress(NodeRequest& request) {
  const std::vector<MemberView> members = ViewMembers(request.node);
  const MemberView* global = GlobalOf(members);
  if (!IsName(request) || global == nullptr) return request.reply.NullArray();
  request.reply.Array(2);
  request.reply.Bulk(global->host);
  request.reply.Bulk(std::to_string(global->port));
}

void HandleMasters(NodeRequest& request) {
  const std::vector<MemberView> members = ViewMembers(request.node);
  const MemberView* global = GlobalOf(members);
  request.reply.Array(global == nullptr ? 0 : 1);
  if (global != nullptr) ReplyFields(DescribeMaster(request, members, *global), &request.reply);
}

void HandleMaster(NodeRequest& request) {
  const std::vector<MemberView> members = ViewMembers(request.node);
  const MemberView* global = GlobalOf(members);
  if (!IsName(request) || global == nullptr) return request.reply.Error(kNoSuchMaster);
  ReplyFields(DescribeMaster(request, members, *global), &request.reply);
}

void HandleReplicas(NodeRequest& request) {
  if (!IsName(request)) return request.reply.Error(kNoSuchMaster);
  const std::vector<MemberView> members = ViewMembers(request.node);
  const MemberView* global = GlobalOf(members);
  const auto is_local = [](const MemberView& one) { return !one.global; };
  request.reply.Array(static_cast<size_t>(std::count_if(members.begin(), members.end(), is_local)));
  for (const MemberView& member : members) {
    if (!is_local(member)) continue;
    Fields fields = Describe(member, member.info.address, "slave");
    fields.emplace_back("role-reported", "slave");
    fields.emplace_back("master-link-status", member.connected ? "ok" : "err");
    fields.emplace_back("master-host", global == nullptr ? std::string("?") : global->host);
    fields.emplace_back("master-port",
                        global == nullptr ? std::string("0") : std::to_string(global->port));
    fields.emplace_back("slave-priority", "100");
    fields.emplace_back("slave-repl-offset", std::to_string(member.index.value_or(0)));
    ReplyFields(fields, &request.reply);
  }
}

void HandleSentinels(NodeRequest& request) {
  if (!IsName(request)) return request.reply.Error(kNoSuchMaster);
  const std::vector<MemberView> members = ViewMembers(request.node);
  request.reply.Array(Others(members));
  for (const MemberView& member : members) {
    if (!member.self) {
      ReplyFields(Describe(member, member.info.id, "sentinel"), &request.reply);
    }
  }
}

void HandleMyId(NodeRequest& request) { request.reply.Bulk(request.node.identity().id); }

void HandleCheckQuorum(NodeRequest& request) {
  if (!IsName(request)) return request.reply.Error(kNoSuchMaster);
  const std::vector<MemberView> members = ViewMembers(request.node);
  const size_t voters = request.node.host().member().configuration().VoterCount();
  const auto usable = static_cast<size_t>(std::count_if(
      members.begin(), members.end(), [](const MemberView& one) { return one.connected; }));
  if (usable < voters / 2 + 1) {
    return request.reply.Error("NOQUORUM " + std::to_string(usable) +
                               " usable Sentinels. Not enough available Sentinels to reach the "
                               "majority and authorize a failover");
  }
  request.reply.Simple("OK " + std::to_string(usable) +
                       " usable Sentinels. Quorum and failover authorization can be reached");
}

void HandleHelp(NodeRequest& request) {
  protocol::ReplyToHelp(request.node.table(), request.node.table().at(request.command.container),
                        &request.reply);
}

}  // namespace

std::span<const NamedHandler> SentinelCommandHandlers() {
  static constexpr NamedHandler kHandlers[] = {
      {"sentinel", ReplyUnknownSubcommand},
      {"sentinel|get-master-addr-by-name", HandleMasterAddress},
      {"sentinel|masters", HandleMasters},
      {"sentinel|master", HandleMaster},
      {"sentinel|replicas", HandleReplicas},
      {"sentinel|slaves", HandleReplicas},
      {"sentinel|sentinels", HandleSentinels},
      {"sentinel|myid", HandleMyId},
      {"sentinel|ckquorum", HandleCheckQuorum},
      {"sentinel|help", HandleHelp},
  };
  return kHandlers;
}

}  // namespace understudy::server
