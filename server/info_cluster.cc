// INFO's sections replication and cluster.
#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "server/cluster_view.h"
#include "server/info.h"
#include "server/node.h"

namespace understudy::server {

namespace {

constexpr std::string_view kNoReplicationId = "0000000000000000000000000000000000000000";

int64_t SecondsSince(const MemberView& member, cluster::Micros now) {
  if (!member.acknowledged) return -1;
  return std::max<cluster::Micros>(0, now - *member.acknowledged) / 1000000;
}

// Redis' words for how far a replica's synchronization has come.
const char* ReplicaState(Node& node, const MemberView& replica) {
  if (!replica.needs_snapshot) return "online";
  return node.host().transfers().contains(replica.info.id) ? "send_bulk" : "wait_bgsave";
}

void AppendReplicas(Node& node, const std::vector<MemberView>& members, InfoText* info) {
  std::vector<const MemberView*> replicas;
  for (const MemberView& member : members) {
    if (!member.self && member.connected) replicas.push_back(&member);
  }
  info->Number("connected_slaves", static_cast<uint64_t>(replicas.size()));
  for (size_t i = 0; i < replicas.size(); ++i) {
    const MemberView& replica = *replicas[i];
    std::string text = "ip=" + replica.host + ",port=" + std::to_string(replica.port) +
                       ",state=" + ReplicaState(node, replica) +
                       ",offset=" + std::to_string(replica.index.value_or(0)) +
                       ",lag=" + std::to_string(SecondsSince(replica, node.now()));
    info->Text("slave" + std::to_string(i), text);
  }
}

void AppendMaster(Node& node, const std::vector<MemberView>& members, InfoText* info) {
  const ClusterHost& host = node.host();
  auto global = std::find_if(members.begin(), members.end(),
                             [](const MemberView& one) { return one.global && !one.self; });
  bool known = global != members.end();
  bool up = known && global->connected && host.member().LockRemaining(node.now()) > 0;
  const SnapshotReceiver& receiver = host.receiver();
  info->Text("master_host", known ? global->host : "");
  info->Number("master_port", known ? global->port : 0);
  info->Text("master_link_status", up ? "up" : "down");
  info->Number("master_last_io_seconds_ago", known ? SecondsSince(*global, node.now()) : -1);
  info->Flag("master_sync_in_progress", receiver.total() != 0);
  info->Number("slave_read_repl_offset", host.member().log().last_index());
  info->Number("slave_repl_offset", host.applied());
  if (receiver.total() != 0) {
    info->Number("master_sync_total_bytes", receiver.total());
    info->Number("master_sync_read_bytes", receiver.received());
    info->Number("master_sync_left_bytes", receiver.total() - receiver.received());
    info->Decimal(
        "master_sync_perc",
        100.0 * static_cast<double>(receiver.received()) / static_cast<double>(receiver.total()),
        2);
  }
  info->Number("slave_priority", 100);
  info->Number("slave_read_only", 0);
  info->Number("replica_announced", 1);
  info->Number("connected_slaves", 0);
}

std::string MemberText(Node& node, const MemberView& member) {
  static constexpr std::string_view kKinds[] = {"voter", "learner", "witness"};
  std::string text = "name=" + member.info.name + ",id=" + member.info.id +
                     ",address=" + member.info.address + ",role=" + RoleText(node.host(), member) +
                     ",kind=" + std::string(kKinds[static_cast<size_t>(member.info.kind)]) +
                     ",connected=" + (member.connected ? "1" : "0");
  if (member.index) text += ",index=" + std::to_string(*member.index);
  if (member.quarantined) text += ",quarantined=1";
  if (member.needs_snapshot) text += ",needs_snapshot=1";
  return text;
}

void AppendLock(Node& node, InfoText* info) {
  const cluster::Member& member = node.host().member();
  const cluster::MemberInfo* global = member.configuration().Find(member.holder());
  info->Text("cluster_name", node.host().name());
  info->Text("cluster_node", node.identity().name);
  info->Text("cluster_node_id", node.identity().id);
  info->Text("cluster_address", node.identity().address);
  info->Text("cluster_role", cluster::ToString(member.role()));
  info->Text("cluster_global", global != nullptr ? global->name : "");
  info->Text("cluster_global_address", global != nullptr ? global->address : "");
  info->Number("cluster_term", member.term());
  info->Number("cluster_lock_remaining_ms", member.LockRemaining(node.now()) / 1000);
  info->Flag("cluster_serving", member.serving());
  info->Flag("cluster_transferring", member.transferring());
  info->Flag("cluster_quarantined", member.quarantined());
  info->Flag("cluster_disk_failed", member.disk_failed());
  info->Flag("cluster_settled", node.host().settled());
}

void AppendMembership(Node& node, const std::vector<MemberView>& members, InfoText* info) {
  const cluster::Member& member = node.host().member();
  size_t voters = member.configuration().VoterCount();
  info->Flag("cluster_member", member.is_member());
  info->Number("cluster_members", static_cast<uint64_t>(members.size()));
  info->Number("cluster_voters", static_cast<uint64_t>(voters));
  // With two voters it is 0: either one's death stops the cluster.
  info->Number("cluster_tolerated_failures",
               static_cast<uint64_t>(voters > 0 ? (voters - 1) / 2 : 0));
  info->Flag("cluster_has_majority", ClusterServes(node));
  for (size_t i = 0; i < members.size(); ++i) {
    info->Text("cluster_member" + std::to_string(i), MemberText(node, members[i]));
  }
}

void AppendProgress(Node& node, InfoText* info) {
  const ClusterHost& host = node.host();
  const cluster::Log& log = host.member().log();
  info->Number("cluster_last_index", log.last_index());
  info->Number("cluster_commit_index", host.member().commit());
  info->Number("cluster_applied_index", host.applied());
  info->Number("cluster_state_index", host.state_index());
  info->Number("cluster_log_first_index", log.first_index());
  info->Number("cluster_log_bytes", static_cast<uint64_t>(log.bytes()));
  info->Number("cluster_disk_backlog_bytes", node.writer().backlog_bytes());
  info->Number("cluster_forwarded", node.forwarder().sent());
  info->Number("cluster_forwarded_outstanding",
               static_cast<uint64_t>(node.forwarder().outstanding()));
  info->Number("cluster_local_reads", node.forwarder().reads_done());
  info->Number("cluster_executed_for_others", node.remote_commands().executed());
  info->Number("cluster_origins", static_cast<uint64_t>(host.origins().runs()));
  info->Number("cluster_origins_bytes", static_cast<uint64_t>(host.origins().bytes()));
  info->Number("cluster_snapshots_sent", host.snapshots_sent());
  info->Number("cluster_snapshots_received", host.snapshots_received());
  size_t i = 0;
  for (const auto& [id, sender] : host.transfers()) {
    char text[160];
    snprintf(text, sizeof(text), "to=%s,index=%" PRIu64 ",sent=%" PRIu64 ",total=%" PRIu64,
             id.c_str(), sender->meta().index, sender->sent(), sender->total());
    info->Text("cluster_transfer" + std::to_string(i++), text);
  }
}

}  // namespace

void AppendReplicationInfo(Node& node, InfoText* info) {
  const cluster::Member& member = node.host().member();
  const cluster::Log& log = member.log();
  std::vector<MemberView> members = ViewMembers(node);
  bool global = member.role() == cluster::Role::kGlobal;
  info->Section("Replication");
  info->Text("role", global ? "master" : "slave");
  global ? AppendReplicas(node, members, info) : AppendMaster(node, members, info);
  info->Text("master_failover_state",
             member.transferring() ? "failover-in-progress" : "no-failover");
  // Offsets are log indexes; whose log it is, is told by the global's id.
  cluster::NodeId holder = member.holder();
  info->Text("master_replid", holder.empty() ? kNoReplicationId : std::string_view(holder));
  info->Text("master_replid2", kNoReplicationId);
  info->Number("master_repl_offset", global ? log.last_index() : node.host().applied());
  info->Number("second_repl_offset", -1);
  info->Number("repl_backlog_active", 1);
  info->Number("repl_backlog_size", static_cast<uint64_t>(ClusterHost::kLogMemoryBytes));
  info->Number("repl_backlog_first_byte_offset", log.first_index());
  info->Number("repl_backlog_histlen", log.last_index() - log.base_index());
}

void AppendClusterInfo(Node& node, InfoText* info) {
  info->Section("Cluster");
  info->Number("cluster_enabled", 0);  // this is no Redis Cluster: clients need no slots
  AppendLock(node, info);
  AppendMembership(node, ViewMembers(node), info);
  AppendProgress(node, info);
}

}  // namespace understudy::server
