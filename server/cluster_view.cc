#include "server/cluster_view.h"

#include <algorithm>

#include "server/node.h"

namespace understudy::server {

namespace {

void FillSelf(Node& node, const ClusterHost& host, MemberView* view) {
  const cluster::Member& member = host.member();
  view->self = view->connected = true;
  view->run = node.identity().run;
  view->quarantined = member.quarantined();
  view->index = member.log().last_index();
  view->acknowledged = node.now();
}

void FillOther(Node& node, const ClusterHost& host, MemberView* view) {
  const cluster::Member& member = host.member();
  if (const PeerLink* link = node.peers().Find(view->info.id)) {
    view->connected = link->connected();
    if (view->connected) view->run = link->run();
  }
  if (!view->global) return;
  view->run = member.holder_run();
  // It is the global's heartbeats that renew the lock here.
  cluster::Micros remaining = member.LockRemaining(node.now());
  if (remaining > 0) {
    cluster::Micros ttl = node.config().options().lock_ttl_ms * 1000;
    view->acknowledged = node.now() - std::max<cluster::Micros>(0, ttl - remaining);
  }
}

}  // namespace

std::vector<MemberView> ViewMembers(Node& node) { return ViewMembers(node, node.host()); }

std::vector<MemberView> ViewMembers(Node& node, const ClusterHost& host) {
  const cluster::Member& member = host.member();
  const cluster::NodeId holder = member.holder();
  std::vector<MemberView> views;
  for (const cluster::MemberInfo& info : member.configuration().members) {
    MemberView view;
    view.info = info;
    SplitAddress(info.address, &view.host, &view.port);
    view.global = info.id == holder;
    info.id == node.identity().id ? FillSelf(node, host, &view) : FillOther(node, host, &view);
    views.push_back(std::move(view));
  }
  if (member.role() != cluster::Role::kGlobal) return views;
  for (const cluster::Progress& progress : member.progress()) {
    auto view = std::find_if(views.begin(), views.end(), [&progress](const MemberView& one) {
      return !one.self && one.info.id == progress.id;
    });
    if (view == views.end()) continue;
    view->connected = progress.connected;
    view->needs_snapshot = progress.needs_snapshot;
    view->quarantined = progress.quarantined;
    view->index = progress.match;
    if (progress.last_ack_sent_at != 0) view->acknowledged = progress.last_ack_sent_at;
  }
  return views;
}

std::vector<MemberView> ViewMembersGlobalFirst(Node& node, const ClusterHost& host) {
  std::vector<MemberView> views = ViewMembers(node, host);
  std::stable_partition(views.begin(), views.end(),
                        [](const MemberView& view) { return view.global; });
  return views;
}

const char* RoleText(const ClusterHost& host, const MemberView& member) {
  if (member.self) return cluster::ToString(host.member().role());
  return member.global ? "global" : "local";
}

bool ClusterServes(Node& node) {
  const cluster::Member& member = node.host().member();
  if (member.role() == cluster::Role::kGlobal) {
    return member.serving() && member.HasMajority(node.now());
  }
  return !member.holder().empty() && member.LockRemaining(node.now()) > 0;
}

std::string GlobalText(Node& node) {
  const cluster::Member& member = node.host().member();
  const cluster::MemberInfo* global = member.configuration().Find(member.holder());
  return global == nullptr ? "unknown" : global->name + " at " + global->address;
}

}  // namespace understudy::server
