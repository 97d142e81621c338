// What this node knows of the members of its cluster, itself included, as INFO, ROLE, CLUSTER NODES
// and TARGET.SERVERS show it. The global knows how far each is; a local knows that of itself only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster/types.h"

namespace understudy::server {

class ClusterHost;
class Node;

struct MemberView {
  cluster::MemberInfo info;
  std::string host;  // of info.address
  int port = 0;
  bool self = false;
  bool global = false;     // as far as known here
  bool connected = false;  // a link from here to it works; true for this node itself
  bool needs_snapshot = false, quarantined = false;
  cluster::RunId run = 0;                       // 0: not known
  std::optional<cluster::Index> index;          // it holds the log up to here
  std::optional<cluster::Micros> acknowledged;  // when, by our clock, it was last heard of
};

// Of a cluster here; without one named: of main. In the order of rank.
std::vector<MemberView> ViewMembers(Node& node);
std::vector<MemberView> ViewMembers(Node& node, const ClusterHost& host);
// The same with the global first.
std::vector<MemberView> ViewMembersGlobalFirst(Node& node, const ClusterHost& host);

// "global", "candidate", "local"; of another than this node: "global" or "local".
const char* RoleText(const ClusterHost& host, const MemberView& member);
// Whether the cluster serves, as far as known here: this node is the global and has a majority, or
// the lock of another one hasn't expired.
bool ClusterServes(Node& node);
// Where the global is, "<name> at <host:port>"; "unknown" if there is none.
std::string GlobalText(Node& node);

}  // namespace understudy::server
