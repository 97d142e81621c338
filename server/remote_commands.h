// Commands that other nodes forwarded to this one, to be executed if it is the global.
//
// Replies of commands that changed something travel in their entries. The others are kept here
// until what they depend on is committed (and the lease was confirmed), then sent back.
//
// Invariants:
//  1. Only the newest attempt of an origin is executed: what comes late over an older connection
//     of it could be executed again after the origin asked anew.
//  2. A command of another term than this global's is dropped; its origin asks again.
//  3. An entry carries the replies without entries that its client's earlier commands got and that
//     may not have arrived: the next global gives those, instead of executing behind the entry.
//  4. A command without an entry is executed once in a term too, as long as its reply is kept: so
//     one whose reply got lost doesn't take effect behind others of its connection.
// Limits: an origin keeps its outstanding commands bounded (server/forwarder.h); kMaxKeptBytes of
// replies an origin.
// One thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/command_table.h"
#include "server/blocked_commands.h"
#include "server/cluster_host.h"
#include "server/earlier_replies.h"
#include "server/instruments.h"
#include "server/peer_codec.h"
#include "server/peers.h"

namespace understudy::server {

class RemoteCommands : public BlockedCommands::Executor {
 public:
  // `blocked`: nullptr: no command waits here.
  RemoteCommands(ClusterHost* host, Peers* peers, const protocol::CommandTable* table,
                 Instruments* instruments, BlockedCommands* blocked)
      : host_(host),
        peers_(peers),
        table_(table),
        instruments_(instruments),
        blocked_(blocked),
        unblock_row_(table->FindByName("peer.unblock")),
        transaction_row_(table->FindByName("peer.transaction")) {}

  // For named clusters. `self`: this node, whose own commands come here too; their replies go to
  // `deliver`, as do not those of other members, which find them in the entries. `answer`: commands
  // about the cluster itself; false: it isn't one.
  using Deliver = std::function<void(uint64_t sequence, uint64_t attempt, std::string_view reply)>;
  using AnswerCommand = std::function<bool(const targets::Request& request,
                                           protocol::ReplyWriter* reply, Gate* gate)>;
  void ServeNode(cluster::NodeId self, Deliver deliver, AnswerCommand answer) {
    self_ = std::move(self);
    deliver_ = std::move(deliver);
    answer_ = std::move(answer);
  }

  struct Batch {
    cluster::NodeId from;
    cluster::Term term = 0;
    uint64_t run = 0, attempt = 0, low = 0;
    std::string_view commands;
  };
  void OnForward(const Batch& batch);

  // Executes what waits, if this node may. To be called once a turn before the lease is checked.
  void ExecuteWaiting();
  // All replies made in this turn wait for `confirm` too.
  void HoldTurn(uint64_t confirm);
  bool read_in_turn() const { return read_in_turn_; }
  // End of the turn: sends the replies whose gates are open.
  void Flush();
  // The lock changed: what was forwarded to this node as the global of another term is dropped.
  void DropOlderTerms();

  // The link to a node is there again.
  void OnLinkUp(const cluster::NodeId& node);

  // BlockedCommands::Executor, for commands of other nodes' clients
  bool Reachable(const BlockedCommands::Command& command) override;
  bool ExecuteBlocked(const BlockedCommands::Command& blocked) override;
  void EndBlocked(const BlockedCommands::Command& blocked, std::string_view reply) override;

  uint64_t executed() const { return executed_; }  // since start

  // While one takes too long, on another thread: tells its origin so.
  void TellBusy();

 private:
  struct Reply {
    uint64_t sequence;
    Gate gate;
    bool of_turn;  // made in this turn
    bool keep;     // no entry has it
    std::string bytes;
  };
  static constexpr size_t kMaxKeptBytes = 8u << 20;
  struct Origin {
    cluster::NodeId node;
    uint64_t attempt = 0;
    cluster::Term term = 0;
    uint64_t low = 0;
    std::string waiting;             // commands not executed yet, as received
    std::deque<Reply> replies;       // not sent yet
    std::map<uint64_t, Reply> kept;  // those without an entry, sent and perhaps not received
    size_t kept_bytes = 0;
    EarlierReplies earlier;
  };
  void BeginAttempt(const Batch& batch, Origin* origin);
  void Keep(Origin* origin, Reply reply);
  bool SendKeptAgain(Origin* origin, uint64_t sequence);
  void Execute(uint64_t run, Origin* origin);
  void ExecuteOne(uint64_t run, Origin* origin, ForwardedCommand* command);
  bool ExecuteNew(uint64_t run, Origin* origin, const ForwardedCommand& command);
  bool IsBlocked(uint64_t run, Origin* origin, const ForwardedCommand& command);
  void Block(uint64_t run, Origin* origin, const ForwardedCommand& command,
             const protocol::Command& row, const targets::Wait& wait);
  void SendNotice(Origin* origin, const BlockedCommands::Command& command, bool with_arguments);
  bool FindsRepliesInEntries(const cluster::NodeId& node) const;
  void DeliverReplies(Origin* origin);
  bool SendReplies(uint64_t run, Origin* origin, std::string* out);

  ClusterHost* host_;
  Peers* peers_;
  const protocol::CommandTable* table_;
  Instruments* instruments_;
  BlockedCommands* blocked_;
  const protocol::Command* unblock_row_;
  const protocol::Command* transaction_row_;
  std::map<uint64_t, Origin> origins_;  // by the origin's run
  cluster::NodeId self_;
  Deliver deliver_;
  AnswerCommand answer_;
  bool read_in_turn_ = false;
  struct Executing {
    const cluster::NodeId* node = nullptr;  // nullptr: nothing
    uint64_t run = 0, sequence = 0;
  };
  Executing executing_;
  uint64_t executed_ = 0;
  std::string scratch_;
};

}  // namespace understudy::server
