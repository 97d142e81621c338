// Commands of this node's clients that can't be executed here at once: those that the global is to
// execute, and reads that wait until the state here is fresh enough.
//
// A command keeps its place in its connection's reply queue (a slot) and is asked, under one tag,
// of whoever is the global: sent over the link to it, or executed here if this node becomes it.
//
// Invariants:
//  1. The commands of a connection are executed in the order in which they came: nothing is
//     forwarded behind an unanswered local read of the same connection, and no read is done here
//     while a forwarded command of its connection is outstanding.
//  2. A command is executed at most once: by its tag, and because everything is sent again only
//     under a new attempt, whose number the global compares; replies of older attempts are dropped.
//  3. A command that has cost two globals their lock (--busy-limit) isn't executed by a third one.
//  4. What this node executes itself, as the global, is done when its reply may leave. If the lock is
//     lost before, its place is kept again and it is asked of the next global under the same tag.
//  5. A command that waits (server/blocked_commands.h) holds nothing up: when it would keep the low
//     mark back for long, it is asked under a new sequence, by which the global then knows it.
// Limits: kMaxOutstanding commands and kMaxBytes a node; above, connections pause. Reads are not done
// here while their connection has Connection::kOutputPause of output.
// One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/blocked_commands.h"
#include "server/cluster_host.h"
#include "server/connection_table.h"
#include "server/earlier_replies.h"
#include "server/transaction.h"

namespace understudy::server {

class Forwarder : public BlockedCommands::Executor {
 public:
  static constexpr size_t kMaxOutstanding = 100000;
  static constexpr size_t kMaxBytes = 64u << 20;
  static constexpr int kMostCosts = 2;

  struct Command {
    const protocol::Command* row = nullptr;
    uint64_t connection = 0;  // 0: nobody waits for the reply
    uint64_t client = 0;      // CLIENT ID, also when the connection is gone
    uint64_t slot = 0;        // 0: no reply wanted
    int db = 0;
    int resp = 2;
    std::string bytes;  // the arguments one after the other
    std::vector<uint32_t> sizes;
    cluster::Micros asked_at = 0, deadline = 0;
    bool sent = false;  // to some global, or may have been executed
    bool done = false;
    int costs = 0;  // how many globals it has cost their lock; with kMostCosts it isn't executed
    bool tracked = false;
    // Executed here, in this turn; the reply waits for this and is there.
    uint64_t executed_turn = 0;  // 0: it isn't
    Gate gate = {};
    ReplyPlace place = {};
    std::shared_ptr<Transaction> transaction;  // EXEC: the node puts its own replies into the reply
    // Of one that may wait.
    bool blocked = false;  // registered here
    uint64_t noticed_attempt = 0;  // the global said in this attempt that it is registered there
    BlockedCommands::Standing standing = {};
    uint64_t former = 0;   // known to the global by this sequence, which isn't given up yet
    uint64_t renamed = 0;  // ... and the other way round
    cluster::Micros patience = 0;  // how long a global may be missing
  };

  // Who serves the connections.
  class Clients {
   public:
    virtual ~Clients() = default;
    // A place in this connection's queue was filled.
    virtual void OnFilled(Connection& connection) = 0;
    // WATCH, when the state here is new enough.
    virtual void Watch(Connection& connection, std::span<const std::string_view> args,
                       protocol::ReplyWriter* reply) = 0;
    // The reply to PUBLISH or SPUBLISH: the receivers on this node, as Redis' clusters count.
    virtual std::string PublishReply(std::span<const std::string_view> args) = 0;
    // The reply to EXEC, with the node's own part put in.
    virtual std::string ComposeReply(Connection& connection, Transaction* transaction,
                                     std::string_view reply) = 0;
    // Around what is executed here; and of what the global executed, how long that took (µs).
    // `tracked`: what it reads is to be remembered (server/tracking.h).
    virtual void OnExecuting() = 0;
    virtual void OnExecuted(Connection& connection, const protocol::Command& row,
                            std::span<const std::string_view> args, std::string_view reply,
                            bool tracked) = 0;
    virtual void OnExecutedElsewhere(Connection& connection, const protocol::Command& row,
                                     std::span<const std::string_view> args,
                                     cluster::Micros took, bool tracked) = 0;
    // What was just filled is a read executed here in this turn: it needs the lease.
    virtual void OnReadExecuted(Connection& connection) = 0;
  };

  Forwarder(ClusterHost* host, Peers* peers, ConnectionTable* connections, Clients* clients,
            BlockedCommands* blocked, const protocol::Command* unblock_row,
            const ConnectionEnvironment* environment, cluster::NodeId self, uint64_t run)
      : host_(host),
        peers_(peers),
        connections_(connections),
        clients_(clients),
        blocked_(blocked),
        unblock_row_(unblock_row),
        env_(environment),
        self_(std::move(self)),
        run_(run) {}

  bool full() const { return outstanding_ >= kMaxOutstanding || bytes_ >= kMaxBytes; }
  // Those that are to be executed, here or elsewhere.
  size_t outstanding() const { return outstanding_; }
  uint64_t sent() const { return sent_; }              // since start
  uint64_t reads_done() const { return reads_done_; }  // since start

  // A command for the global. `wait` (µs): how long a global may be missing.
  void Forward(Connection& connection, const protocol::Command& row,
               std::span<const std::string_view> args, uint64_t slot, cluster::Micros now,
               cluster::Micros wait, std::shared_ptr<Transaction> transaction = nullptr);
  // One that this node executed as the global and that never happened.
  void ForwardAgain(Connection& connection, const protocol::Command& row,
                    std::span<const std::string_view> args, uint64_t slot, int db, int resp,
                    cluster::Micros now, cluster::Micros wait,
                    std::shared_ptr<Transaction> transaction, int costs);
  // One that was executed here, as the global, and waits. The connection's session().blocked is then
  // its sequence, as with any command that may wait, until it is done.
  void ForwardBlocked(Connection& connection, const protocol::Command& row,
                      std::span<const std::string_view> args, uint64_t slot, cluster::Micros now,
                      cluster::Micros wait, const targets::Wait& what);
  // Ends what the connection waits for; the reply comes as any other. False: it doesn't wait.
  bool Unblock(Connection& connection, BlockedCommands::End end);
  // The same for a client whose connection is gone (leaving its rooms).
  void ForwardFor(uint64_t client, const protocol::Command& row,
                  std::span<const std::string_view> args, cluster::Micros now,
                  cluster::Micros wait);
  // A read to be done here.
  void ReadHere(Connection& connection, const protocol::Command& row,
                std::span<const std::string_view> args, uint64_t slot, cluster::Micros now,
                cluster::Micros wait);

  // End of the turn: sends what wasn't, asks for a read index for new reads.
  void Flush(cluster::Micros now);
  // There is something to execute, send or ask in another turn.
  bool HasWork() const;
  // Some times a second: gives up what waited too long for a global; time with one doesn't count, nor
  // time in which this process was stopped.
  void Expire(cluster::Micros now);

  // The link to the global came back: ask again.
  void AskAgain();
  // The global or its term changed: ask again.
  void OnLockChanged();
  // Gates up to `commit` and `confirmed` are open.
  void OnProgress(cluster::Index commit, uint64_t confirmed);
  // The reads executed here in this turn wait for `confirm` too.
  void HoldTurn(uint64_t confirm);

  // A reply that came in an entry, or (with its attempt) from the global. Empty: nobody can tell it
  // any more, though the command may have been executed.
  void OnReply(uint64_t sequence, std::string_view reply);
  void OnReply(uint64_t sequence, uint64_t attempt, std::string_view reply);
  // It took the global too long, which loses its lock by it.
  void OnBusy(uint64_t sequence);
  // BlockedCommands::Executor, for commands of this node's clients
  bool Reachable(const BlockedCommands::Command&) override { return true; }
  bool ExecuteBlocked(const BlockedCommands::Command& blocked) override;
  void EndBlocked(const BlockedCommands::Command& blocked, std::string_view reply) override;

  // False: not a read asked for here.
  bool OnRead(uint64_t request, bool ok, int64_t time_ms);

 private:
  Command* Find(uint64_t sequence);
  Command Make(uint64_t client, const protocol::Command& row,
               std::span<const std::string_view> args, cluster::Micros deadline);
  void Push(Command command);
  void Finish(Command* command);
  ReplyPlace Answer(const Command& command, std::string_view reply, const Gate& gate,
                    bool read = false);
  void GiveUp(Command* command);
  targets::Request RequestFor(const Command& command);
  void SendSome(std::string* out);
  void ExecuteHere();  // this node is the global: executes what is outstanding
  void ExecuteOne(uint64_t sequence, Command* command);
  bool ExecuteNew(uint64_t sequence, Command* command);
  bool ExecuteUnblock(Command* command);
  void Block(uint64_t sequence, Command* command, const targets::Wait& wait);
  void TakeBlockedBack();
  void DropGoneBlocked();
  void OnBlockedNotice(uint64_t sequence, const BlockedNotice& notice);
  void SetArguments(Command* command, std::span<const std::string_view> args);
  void RenewTags();
  void GiveFormerUp(Command* command);
  void MarkExecuted(uint64_t sequence, const Gate& gate, const ReplyPlace& place);
  void TakeExecutionsBack();
  void Postpone(cluster::Micros by);
  bool HasGlobal() const;
  void DoRead(Command* command, int64_t time_ms);
  bool HoldsRead(const Command& command) const;
  bool MayGoOn(uint64_t connection) const;
  void TakeHeldReads();
  void FinishRead(const Command& command);
  void NoteExecution(const Command& command);

  ClusterHost* host_;
  Peers* peers_;
  ConnectionTable* connections_;
  Clients* clients_;
  BlockedCommands* blocked_;
  const protocol::Command* unblock_row_;
  const ConnectionEnvironment* env_;
  cluster::NodeId self_;
  uint64_t run_;
  uint64_t attempt_ = 1;

  std::deque<Command> commands_;  // [0] has sequence first_
  uint64_t first_ = 1;
  size_t unsent_from_ = 0;  // all before were sent in this attempt
  size_t outstanding_ = 0, bytes_ = 0;
  size_t live_ = 0;      // commands not done
  size_t may_wait_ = 0;  // of these, those that may wait
  cluster::Term blocked_term_ = 0;
  uint64_t sent_ = 0, reads_done_ = 0;

  std::vector<uint64_t> executed_;  // sequences of those executed here and not done
  bool executed_open_ = false;      // perhaps one of them is done
  cluster::Term executed_term_ = 0;
  EarlierReplies earlier_;
  cluster::Micros expired_at_ = 0;

  std::vector<Command> unasked_;                              // reads of this turn
  std::unordered_map<uint64_t, std::vector<Command>> reads_;  // by RequestRead's number
  std::vector<Command> unanswered_;     // no global answered; to be asked again
  // Reads of connections that have as much output as they may leave unread; by connection, in order.
  std::unordered_map<uint64_t, std::vector<Command>> held_;
  std::vector<std::string_view> args_;  // reused
  std::string scratch_;
};

}  // namespace understudy::server
