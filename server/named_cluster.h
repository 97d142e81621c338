// A cluster other than `main`, as this node knows it: its part in it, if it is a member (a
// ClusterHost and what serves other nodes' commands), and the commands of this node's own clients,
// member or not.
//
// Invariants:
//  1. Nothing reaches a client before it is committed: replies (ClusterCalls) and publications are
//     kept until then.
//  2. The host of a stopped cluster, or of one that this node has left, stays in memory and takes
//  part
//     in nothing, as a process that is stopped: its promises hold when it goes on.
//  3. A member that the directory doesn't name any more is taken out by the global; the global
//  itself
//     hands the lock over first.
// Limits: ClusterCalls'; what is published waits for its commit, bounded as the log is.
// One thread.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server/cluster_calls.h"
#include "server/cluster_host.h"
#include "server/link_watch.h"
#include "server/remote_commands.h"
#include "targets/directory/directory_target.h"

namespace understudy::server {

class Node;

class NamedCluster : public ClusterClients {
 public:
  NamedCluster(Node* node, std::string name, const targets::DirectoryEntry& entry);
  ~NamedCluster() override;

  const std::string& name() const { return name_; }
  const std::string& wire() const { return wire_; }  // in messages: the number, as "#<number>"
  uint64_t number() const { return entry_.number; }
  const targets::DirectoryEntry& entry() const { return entry_; }
  ClusterHost* host() { return host_.get(); }  // nullptr: wasn't a member in this run
  bool active() const { return host_ != nullptr && !entry_.stopped && !left_; }
  std::string HolderId() const;  // the global's node, as known here; may be empty

  // The directory's entry is this now. `recovered`: what was on disk; used if it is to run here.
  void Follow(const targets::DirectoryEntry& entry, RecoveredCluster* recovered);

  // A command of a client here, whose place in its connection's queue is call.slot.
  void Call(ClusterCalls::Call call, std::span<const std::string_view> args);
  // That client's connection is gone.
  void OnClientClosed(uint64_t client, std::string_view reason, cluster::Micros now,
                      cluster::Micros wait);
  ClusterCalls& calls() { return calls_; }

  // --- turns: the node's Clusters calls ------------------------------------------------------
  void BeginWork(cluster::Micros now);
  void EndTurn(cluster::Micros now);
  bool HasWork();
  bool touched = false;  // Clusters' own
  cluster::Micros NextTick() const { return active() ? host_->NextTick() : kNever; }
  void Cron(cluster::Micros now);
  static constexpr cluster::Micros kNever = INT64_MAX;

  // --- messages of peers ---------------------------------------------------------------------
  void OnForward(const RemoteCommands::Batch& batch);
  void OnReplies(cluster::Term term, uint64_t run, uint64_t attempt, std::string_view replies);
  void OnWhere(const cluster::NodeId& from);
  void OnGlobal(cluster::Term term, const cluster::NodeId& holder);
  void OnPeerConnected(const cluster::NodeId& id, cluster::RunId run, cluster::Micros now);
  void OnPeerClosed(const cluster::NodeId& id, cluster::Micros now);
  void OnPeerDead(const cluster::NodeId& id, cluster::RunId run, cluster::Micros now);

  // ClusterClients
  void OnForwardedReply(uint64_t sequence, std::string_view reply) override;
  void OnPublication(const targets::Publication& publication, const Gate& gate) override;
  void OnSubscribe(uint64_t client, std::string_view channel) override;
  void OnUnsubscribe(uint64_t client, std::string_view channel) override;
  size_t Receivers(std::string_view channel, bool shard) override;
  void OnProgress(cluster::Index commit, uint64_t confirmed) override;
  void OnTruncated(cluster::Index after) override;
  void OnOutcome(cluster::Index) override {}
  cluster::Index NewestHeld(uint64_t) override { return 0; }
  void OnStateReplaced() override { calls_.AskAgain(); }
  void OnSnapshotEnded(bool) override {}
  void OnApplying(uint64_t) override {}
  void OnLockChanged() override;
  void OnRead(uint64_t, bool, int64_t) override {}

 private:
  bool Start(RecoveredCluster recovered, std::string* error);
  void Leave();
  void Unlink(const protocol::Command& row, std::span<const std::string_view> args,
              cluster::Micros now, cluster::Micros wait);
  void SendCalls(cluster::Micros now);
  void SendTo(const cluster::NodeId& holder, cluster::Term term);
  void AskWhere(cluster::Micros now);
  void FollowMembers(cluster::Micros now);
  void Answered(const ClusterCalls::Call& call, std::string_view reply);
  bool AnswerCommand(const targets::Request& request, protocol::ReplyWriter* reply, Gate* gate);
  // Told in the log and to who listens to "target:<name>".
  void Tell(const std::string& event);
  std::string NameOf(const cluster::NodeId& id) const;

  Node* node_;
  std::string name_, wire_;
  targets::DirectoryEntry entry_;
  std::unique_ptr<ClusterHost> host_;
  std::unique_ptr<RemoteCommands> remote_;
  std::unique_ptr<LinkWatch> links_;
  std::set<uint64_t> callers_;  // clients that may be linked
  ClusterCalls calls_;
  std::string error_;    // why it can't run here; empty: nothing known
  bool left_ = false;    // the host was taken out of the cluster, and isn't back
  bool ending_ = false;  // a stop that the target answered was passed on

  // The global as another node told it, for who isn't a member.
  cluster::NodeId told_holder_;
  cluster::Term told_term_ = 0;
  cluster::Micros asked_where_at_ = 0;
  size_t asked_where_ = 0;  // which of the members comes next

  // Of main, when this cluster was last saved: segments go when all in them are covered, so what is
  // idle is saved too.
  cluster::Index main_saved_ = 0;

  cluster::NodeId known_global_;  // as last told in the log
  bool was_global_ = false;

  struct Waiting {
    std::string channel, kind;
    std::vector<std::string> fields;
    Gate gate;
  };
  std::vector<Waiting> publications_;
  std::string batch_;  // reused
};

}  // namespace understudy::server
