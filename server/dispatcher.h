// Every request of every connection comes through here: rejected, answered by the node, executed
// by the target (this node is the global), read here, or forwarded to the global.
//
// Invariants:
//  1. All rejections that don't depend on the state are made here, in one place, in Redis' order:
//     unknown command, arity, authentication.
//  2. A reply is gated by what it saw (ClusterHost), and a reply that isn't the commit of its own
//     entry also by the lease, checked once at the end of the turn.
//  3. What was executed here as the global and turns out never to have happened is executed again by
//     the next one, with all that its connection asked after it, in order (KeptRequests); while that
//     is undecided, nothing more of the connection is executed, and its replies stay.
// One thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "protocol/command_table.h"
#include "server/cluster_calls.h"
#include "server/cluster_host.h"
#include "server/connection_table.h"
#include "server/forwarder.h"
#include "server/kept_requests.h"
#include "server/transactions.h"

namespace understudy::server {

class NamedCluster;
class Node;

class Dispatcher : public ConnectionHandler, public ClusterClients, public Forwarder::Clients {
 public:
  explicit Dispatcher(Node* node) : node_(node) {}

  // ConnectionHandler
  Flow OnRequest(Connection& connection, std::span<const std::string_view> args) override;
  void OnAhead(Connection& connection, std::span<const protocol::RequestParser> requests) override;
  void OnInput() override;
  void OnClosed(Connection& connection) override;

  // ClusterClients
  void OnForwardedReply(uint64_t sequence, std::string_view reply) override;
  void OnPublication(const targets::Publication& publication, const Gate& gate) override;
  size_t Receivers(std::string_view channel, bool shard) override;
  void OnSubscribe(uint64_t client, std::string_view channel) override;
  void OnUnsubscribe(uint64_t client, std::string_view channel) override;
  void OnProgress(cluster::Index commit, uint64_t confirmed) override;
  void OnTruncated(cluster::Index after) override;
  void OnOutcome(cluster::Index survived) override;
  cluster::Index NewestHeld(uint64_t own_sequence) override;
  void OnStateReplaced() override;
  void OnSnapshotEnded(bool saved) override;
  void OnLockChanged() override;
  void OnRead(uint64_t request, bool ok, int64_t time_ms) override;
  void OnApplying(uint64_t client) override;

  // Forwarder::Clients
  void OnFilled(Connection& connection) override;
  void OnReadExecuted(Connection& connection) override;
  void OnExecuting() override;
  void OnExecuted(Connection& connection, const protocol::Command& row,
                  std::span<const std::string_view> args, std::string_view reply,
                  bool tracked) override;
  void OnExecutedElsewhere(Connection& connection, const protocol::Command& row,
                           std::span<const std::string_view> args, cluster::Micros took,
                           bool tracked) override;
  void Watch(Connection& connection, std::span<const std::string_view> args,
             protocol::ReplyWriter* reply) override;
  std::string PublishReply(std::span<const std::string_view> args) override;
  std::string ComposeReply(Connection& connection, Transaction* transaction,
                           std::string_view reply) override;

  // A named cluster has answered.
  void OnClusterAnswer(const ClusterCalls::Call& call, std::string_view reply);
  // The connection leaves all it joined through targets.
  void LeaveChannels(Connection& connection, std::string_view reason);

  // End of the turn: reads executed in it need the lease.
  void ConfirmReads(cluster::Micros now);
  // End of the turn: tells tracking clients what was touched in it.
  void DeliverInvalidations();
  // Lets paused connections go on where they may.
  void ResumePaused();
  // The turn's replies are gated as they will be.
  void EndTurn();
  // Some times a second: ends connections whose commands' outcome nobody can tell for too long.
  void Expire(cluster::Micros now);
  size_t kept_bytes() const { return kept_.bytes(); }
  uint64_t executed_again() const { return again_; }  // since start

 private:
  Flow DispatchTracked(Connection& connection, std::span<const std::string_view> args);
  Flow DispatchReplyMode(Connection& connection, std::span<const std::string_view> args);
  Flow Dispatch(Connection& connection, std::span<const std::string_view> args);
  Flow Run(Connection& connection, const protocol::Command& command,
           std::span<const std::string_view> args);
  // The same, and shows it to those who look on.
  Flow RunMonitored(Connection& connection, const protocol::Command& command,
                    std::span<const std::string_view> args);
  // `command`: nullptr if there is no such command.
  void Reject(Connection& connection, const protocol::Command* command, std::string_view error);
  Flow AnswerHere(Connection& connection, const protocol::Command& command,
                  std::span<const std::string_view> args);
  Flow RunTarget(Connection& connection, const protocol::Command& command,
                 std::span<const std::string_view> args);
  void Execute(Connection& connection, const targets::Request& request);
  bool ReadCommitted(Connection& connection, const targets::Request& request);
  Flow SendOn(Connection& connection, const protocol::Command& command,
              std::span<const std::string_view> args);
  Flow CallCluster(Connection& connection, NamedCluster& cluster, const protocol::Command& command,
                   std::span<const std::string_view> args);
  Flow WaitForClusters(Connection& connection);
  bool ResolveStop(std::span<const std::string_view> args, std::string* node);
  Flow RunTransaction(Connection& connection, const protocol::Command& command,
                      std::span<const std::string_view> args);
  template <typename Visit>
  void ReadOfTransaction(std::string_view forwarded, const Visit& visit);
  void QueueCommand(Connection& connection, const protocol::Command& command,
                    std::span<const std::string_view> args);
  Flow Pause(Connection& connection);
  void EndReply(Connection& connection, const Gate& gate);
  // Keeps a request whose reply was just ended.
  void Keep(Connection& connection, KeptRequests::Request* request,
            std::span<const std::string_view> args,
            std::shared_ptr<Transaction> transaction = nullptr);
  void KeepTransaction(Connection& connection, Transactions::Result* result);
  bool Undecided(const Session& session) const { return kept_.Holds(session.executed_turn); }
  struct Again;
  void RunAgain(Connection& connection, std::span<const Again> requests, cluster::Index survived);
  ReplyQueue::Edit AskAgain(Connection& connection, const Again& request);
  void AnswerAgain();
  void NoteGated(Connection& connection);
  uint64_t NewSlot(Connection& connection);

  Node* node_;
  uint64_t next_slot_ = 1;
  std::vector<Connection*> gated_;  // their queues wait for something
  std::vector<uint64_t> paused_;
  struct WaitingSave {
    uint64_t connection, slot;
  };
  std::vector<WaitingSave> saves_;    // SAVE, until the snapshot is there
  std::vector<Connection*> readers_;  // executed reads in this turn
  KeptRequests kept_;
  cluster::Micros undecided_since_ = 0;
  uint64_t again_ = 0;
  // Commands that the node answers itself, to be answered again when the state is settled.
  struct AnswerLater {
    uint64_t connection, slot;
    const protocol::Command* row;
    KeptArguments args;
  };
  std::vector<AnswerLater> answers_;
};

}  // namespace understudy::server
