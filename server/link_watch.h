// Notices that the other end of a link is gone, and has the global tell the target
// (Machine::OnExit).
//
// A link binds a cluster's target to a client's connection, on any node (targets/ledger.h; the
// members of a chat room are links too). The set is part of the replicated state, so every node
// compares what it finds there with what it knows:
//   each node    its own clients: a connection that isn't there, or was of an earlier run of it
//   the global   the nodes: another run is there (kRestartedAfter), the process is proved dead, or
//   the
//                node can't be reached for kLostAfter
// What is missing is said as TARGET.UNLINK <cluster> EXIT <node> <run> <client> <reason>, forwarded
// under a tag like a client's command. The entry that it makes ends the link, so OnExit runs once,
// however often it is said and by whom, over any change of the global. A connection's end is said
// at once; all else is found by looking every kInterval.
//
// A node that couldn't be reached and is back has had its clients unlinked: they are told so by
// what the target publishes (chat: they see themselves leave), not disconnected. Limits: kMaxAtOnce
// are said at a time, the others at the next look. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "protocol/command_table.h"
#include "server/cluster_host.h"
#include "server/connection_table.h"
#include "server/peers.h"

namespace understudy::server {

class LinkWatch {
 public:
  static constexpr cluster::Micros kInterval = 500 * 1000;
  static constexpr cluster::Micros kRestartedAfter = 1000 * 1000;
  static constexpr cluster::Micros kLostAfter = 5 * 1000 * 1000;
  static constexpr size_t kMaxAtOnce = 1000;

  // All must outlive it.
  // `ask` has the cluster's global execute a command that nobody waits for.
  using Ask = std::function<void(const protocol::Command& row,
                                 std::span<const std::string_view> args, cluster::Micros now,
                                 cluster::Micros wait)>;
  LinkWatch(const ClusterHost* host, Ask ask, ConnectionTable* connections,
            Peers* peers, const protocol::CommandTable& table, cluster::NodeId self,
            cluster::RunId run)
      : host_(host),
        ask_(std::move(ask)),
        connections_(connections),
        peers_(peers),
        unlink_(table.FindByName("target.unlink")),
        self_(std::move(self)),
        run_(run) {}

  // Some times a second. `wait`: how long a global may be missing.
  void Cron(cluster::Micros now, cluster::Micros wait);
  // A client of this node, which may be linked, is gone.
  void OnClosed(uint64_t client, std::string_view reason, cluster::Micros now,
                cluster::Micros wait);
  // That run of the node is proved over.
  void OnDead(const cluster::NodeId& node, cluster::RunId run) { dead_[node] = run; }
  uint64_t said() const { return said_count_; }  // since start

 private:
  using NodeRun = std::pair<cluster::NodeId, cluster::RunId>;
  using Key = std::tuple<cluster::NodeId, cluster::RunId, uint64_t>;
  std::string_view OwnEnd(const targets::Client& client) const;
  std::string_view NodesEnd(const NodeRun& node, cluster::Micros now);
  void Say(const Key& key, std::string_view reason, cluster::Micros now, cluster::Micros wait);

  const ClusterHost* host_;
  Ask ask_;
  ConnectionTable* connections_;
  Peers* peers_;
  const protocol::Command* unlink_;
  cluster::NodeId self_;
  cluster::RunId run_;

  cluster::Micros next_ = 0;
  std::map<cluster::NodeId, cluster::RunId> dead_;
  std::map<NodeRun, cluster::Micros> missing_since_;  // another run is there, or none
  std::map<Key, cluster::Micros> said_;               // until when it isn't said again
  uint64_t said_count_ = 0;
};

}  // namespace understudy::server
