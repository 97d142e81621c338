// One cluster on this node: its member (consensus), its target (state), and what ties the two to
// disk, peers and clients. A node hosts `main` and any number of others (server/clusters.h).
//
// State and log. `state_index()` is the newest entry whose effects are in the target's state. At
// the global it runs ahead of the commit index: requests are executed at once and their replies
// gated. At a local, entries are applied when committed, so it equals applied().
//
// Invariants:
//  1. Requests are executed only while can_execute(): this node is the global, an entry of its term
//     has committed, and at the beginning of the work the lease held.
//  2. applied() <= commit; entries up to applied() were told to the clients' side (OnCommit).
//  3. A snapshot is the state of a point in time, made in steps at the ends of turns (SnapshotMaker).
//     It is given up when that state is taken back, and is valid only when its entry is committed.
//     Locals that the log can't bring up to date get the snapshot on disk, made if it is too old.
//  4. What this node executed in a term of its own and didn't see committed is undecided until an
//     entry of another term is committed behind where it began (OnOutcome): only committed entries
//     tell an outcome. No gate is opened by such an entry before that.
//  5. A global whose disk stalls while those of others keep up hands the lock over to one of them.
//  6. A state that holds effects of an entry that was truncated answers nothing (settled() is
//     false) until it has been made anew: from the snapshot and the log here, else from the global's.
// One thread: the event loop's.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/member.h"
#include "protocol/reply_writer.h"
#include "server/log_writer.h"
#include "server/memory_meter.h"
#include "server/logger.h"
#include "server/long_command.h"
#include "server/options.h"
#include "server/origin_table.h"
#include "server/peers.h"
#include "server/random.h"
#include "server/recovery.h"
#include "server/reply_queue.h"
#include "server/snapshot_maker.h"
#include "server/snapshot_transfer.h"
#include "targets/registry.h"

namespace understudy::server {

// The part of the node that serves clients, as its cluster sees it.
struct EntryPayload;

class ClusterClients {
 public:
  virtual ~ClusterClients() = default;
  // A command forwarded by this node has its reply in a committed entry.
  virtual void OnForwardedReply(uint64_t sequence, std::string_view reply) = 0;
  virtual void OnPublication(const targets::Publication& publication, const Gate& gate) = 0;
  virtual void OnSubscribe(uint64_t client, std::string_view channel) = 0;
  virtual void OnUnsubscribe(uint64_t client, std::string_view channel) = 0;
  virtual size_t Receivers(std::string_view channel, bool shard) = 0;
  // Gates up to `commit` and `confirmed` are open.
  virtual void OnProgress(cluster::Index commit, uint64_t confirmed) = 0;
  // The state here is taken back to what it was at `after`, at least.
  virtual void OnTruncated(cluster::Index after) = 0;
  // What this node executed as the global, up to the entry `survived`, is committed or was seen
  // only; nothing else that it executed since the last call has happened or will.
  virtual void OnOutcome(cluster::Index survived) = 0;
  // The newest entry whose reply to a client here is still held, of those that had at most this
  // own_sequence() behind them; 0: none.
  virtual cluster::Index NewestHeld(uint64_t own_sequence) = 0;
  // The whole state was replaced by a snapshot: what the entries in its place would have told here
  // (replies, publications) comes no more.
  virtual void OnStateReplaced() = 0;
  // A snapshot of the state here was saved, or couldn't be.
  virtual void OnSnapshotEnded(bool saved) = 0;
  // The effects that are applied next were caused by this client of this node; 0: they weren't.
  virtual void OnApplying(uint64_t client) = 0;
  // The global, its term, or whether this node may execute changed.
  virtual void OnLockChanged() = 0;
  // A read asked for with RequestRead(): the state here is fresh enough, judge expiry by `time_ms`;
  // or !ok: no global answered, ask again.
  virtual void OnRead(uint64_t request, bool ok, int64_t time_ms) = 0;
};

class ClusterHost {
 public:
  struct Environment {
    std::string name;     // "main"
    std::string wire;     // in messages to peers
    uint64_t number = 0;  // in records; 0: main
    cluster::NodeId id;
    cluster::RunId run = 0;
    const Options* options = nullptr;
    const protocol::CommandTable* table = nullptr;
    Logger* log = nullptr;
    LogWriter* writer = nullptr;
    const std::unique_ptr<Peers>* peers = nullptr;  // made after the cluster
    Random* random = nullptr;
    const std::unique_ptr<LongCommand>* long_command = nullptr;
    ClusterClients* clients = nullptr;
    std::shared_ptr<targets::TargetOptions> target_options;
    std::unique_ptr<targets::Machine> target;  // nullptr: main's
    // Whether a snapshot may be begun now: the writer takes one at a time.
    std::function<bool()> may_begin_snapshot;
  };

  explicit ClusterHost(Environment environment);
  ~ClusterHost();

  // Takes what was on disk; false with `error` if it can't be used.
  bool Start(RecoveredCluster recovered, cluster::Micros now, int64_t wall_ms, std::string* error);
  // An empty member makes a cluster of its own.
  void Bootstrap(const cluster::MemberInfo& self, cluster::Micros now);

  // --- turns ---------------------------------------------------------------------------------
  // Before requests are executed: takes the time, judges the lease.
  void BeginWork(cluster::Micros now);
  // Writes, sends and applies all that is ready; does it again while that makes more ready.
  void EndTurn(cluster::Micros now);
  cluster::Micros NextTick() const { return member_->NextTick(); }
  void Tick(cluster::Micros now);
  // What EndTurn() left for the next turn.
  bool HasWork() const {
    bool behind = applied_ < member_->commit() || state_index_ < applied_;
    return (!needs_rebuild_ && behind) || maker_.HasWork();
  }
  // Upkeep, some times a second: active expiry, memory of the log, progress of transfers.
  void Cron(cluster::Micros now);

  // --- requests ------------------------------------------------------------------------------
  // Not while the lock is being handed over either, which a request before this one may have begun.
  bool can_execute() const { return can_execute_ && !member_->transferring(); }
  int64_t time_ms() const { return time_ms_; }  // the global's, of this turn
  // Executes at the global and proposes what it did; the reply may leave when the gate opens.
  // Returns whether there is an entry. What it published waits for DeliverPublications(). `wait`:
  // for a command that may wait (Context::wait), nullptr: it may not.
  bool Execute(const targets::Request& request, protocol::ReplyWriter* reply, Gate* gate,
               targets::Wait* wait = nullptr);
  // The same for a command that another node forwarded, or that waited here (PEER.TRANSACTION for a
  // transaction): its reply, appended to
  // `reply`, goes into the entry, to be found under its tag.
  // `earlier`: see EntryPayload. One that waits is not known by its tag.
  bool ExecuteTagged(const targets::Request& request, const Tag& tag, std::string_view earlier,
                     int resp, std::string* reply, Gate* gate, targets::Wait* wait = nullptr);
  // Of the tag of what was executed last for this node's own clients.
  uint64_t own_sequence() const { return sequence_; }
  // What was executed last took so long that the lock is lost by it.
  bool let_go() const { return (*env_.long_command)->let_go(); }
  // Others may become the global, and what is executed here may turn out not to have happened.
  bool may_lose() const { return member_->configuration().members.size() > 1; }
  // Several requests as one entry: `body` gets the function that executes one. For the others as
  // Execute().
  using RunOne = std::function<void(const targets::Request&, protocol::ReplyWriter*)>;
  bool ExecuteMany(const std::function<void(const RunOne&)>& body, Gate* gate);
  // Whether this command may be executed now, at the global: the error to be replied instead, empty
  // if it may. Makes room in memory where there is too little, by an entry of its own.
  std::string_view Refusal(const protocol::Command& command) {
    return HasLimits() && command.Replicates() ? RefusalUnderLimits(command) : std::string_view();
  }
  targets::KeyInfo Peek(int db, std::string_view key) const {
    return target_->Peek(db, key, time_ms_);
  }
  void ObserveKeys(targets::kv::KeyspaceObserver* observer) {
    targets::ObserveKeys(target_.get(), observer);
  }
  // To be called when the reply has its place in the connection's queue.
  void DeliverPublications();
  enum class ReadResult { kDone, kNeedsGlobal };  // the latter: an expired key must be deleted
  ReadResult Read(const targets::Request& request, int64_t time_ms, protocol::ReplyWriter* reply,
                  Gate* gate);
  uint64_t RequestRead(cluster::Micros now) { return member_->RequestRead(now); }
  // Must be asked before replies of reads executed in this turn leave: 0, or what they wait for.
  uint64_t ConfirmLease(cluster::Micros now);
  const OriginTable& origins() const { return origins_; }
  void WantCommit(const cluster::NodeId& local, cluster::Index index) {
    member_->WantCommit(local, index);
  }

  // While a command takes long, on another thread: renews the lock.
  void KeepLock(cluster::Micros now);

  // --- messages ------------------------------------------------------------------------------
  void Step(const cluster::Message& message, cluster::Micros now) { member_->Step(message, now); }
  void OnSnapshotChunk(const SnapshotChunk& chunk, cluster::Micros now);
  void OnRecordsPersisted(cluster::Term term, cluster::Index index, cluster::Micros now);
  void OnLockPersisted(uint64_t sequence, cluster::Micros now);
  void OnSnapshotSaved(cluster::Index index, cluster::Term term, cluster::Micros now);
  void OnSnapshotFailed(cluster::Index index, const std::string& why, cluster::Micros now);
  void OnDiskFailed(const std::string& why, cluster::Micros now);

  // --- state ---------------------------------------------------------------------------------
  const std::string& name() const { return env_.name; }
  const std::string& wire() const { return env_.wire; }
  cluster::Member& member() { return *member_; }
  const cluster::Member& member() const { return *member_; }
  const targets::Machine& target() const { return *target_; }
  cluster::Index applied() const { return applied_; }
  cluster::Index state_index() const { return state_index_; }
  uint64_t confirmed() const { return confirmed_; }
  // The state here is that of applied(), or ahead of it.
  bool settled() const { return !needs_rebuild_ && state_index_ >= applied_; }
  bool durable() const;  // --appendonly
  const std::map<cluster::NodeId, std::unique_ptr<SnapshotSender>>& transfers() const {
    return senders_;
  }
  const SnapshotReceiver& receiver() const { return receiver_; }

  // --- snapshots -----------------------------------------------------------------------------
  const SnapshotMaker& snapshots() const { return maker_; }
  bool saving() const {
    return snapshot_wanted_ || maker_.state() != SnapshotMaker::State::kIdle;
  }
  // Has the state saved, as of the end of this turn or soon after; OnSnapshotEnded() tells. False:
  // there is no whole state here now. REQUIRES: !saving().
  bool SaveSnapshot();
  // Makes the state anew out of its own snapshot, in one piece: for tests of what a snapshot keeps.
  // False, with `error` one line: there is no whole state here, or (after the attempt) it is made
  // from what is on disk or from the global's.
  bool ReloadState(std::string* error);
  // Gives up the one being made, if it isn't on its way to the disk: the cluster ends here.
  void AbandonSnapshot() {
    snapshot_wanted_ = false;
    if (maker_.state() != SnapshotMaker::State::kSaving) maker_.Abort("the cluster ends here");
  }
  // Bytes of the log on disk that the newest snapshot doesn't cover.
  uint64_t log_bytes() const { return log_bytes_ - log_bytes_covered_; }
  uint64_t snapshots_sent() const { return snapshots_sent_; }          // since start
  uint64_t snapshots_received() const { return snapshots_received_; }  // since start
  // The data's digest with all that was executed here; committed or not.
  std::string Digest() const { return target_->Digest(); }
  // Drops what was proposed so far from memory when it is applied everywhere or over its limit.
  static constexpr size_t kLogMemoryBytes = 64u << 20;       // history kept for locals that lag
  static constexpr size_t kLogMemoryHardBytes = 512u << 20;  // a local that lags more: snapshot

 private:
  class Publisher;
  // True: the records are as durable as the policy says, already.
  bool Persist(cluster::Ready* ready);
  void Send(cluster::Ready* ready);
  void ApplyCommitted();
  void ApplyEntry(const cluster::EntryView& entry);
  void RecordTags(const EntryPayload& payload, cluster::Index index, bool tell);
  void OnEntriesTruncated(cluster::Index after);
  void TellOutcome(cluster::Index survived);
  cluster::Index SurvivedByLog(cluster::Index upto) const;
  void TellReceived(const SnapshotChunk& chunk);
  void HandleReads(cluster::Ready* ready);
  void ReleaseReads();
  void NoteLock();
  bool HasWholeState() const { return settled() && state_index_ != 0 && installing_.index == 0; }
  void TurnSnapshots(cluster::Micros now);
  void BeginSnapshot(cluster::Micros now);
  void MaybeCompact(cluster::Micros now);
  void StartTransfers(cluster::Micros now);
  void PumpTransfers(cluster::Micros now);
  void FinishInstall(cluster::Micros now);
  void NeedState();
  bool RebuildState();
  void TrimLog();
  void MaybeResign(cluster::Micros now);
  Peers& peers() const { return **env_.peers; }
  void RunTransaction(const targets::Request& request, protocol::ReplyWriter* reply,
                      targets::Context* context);
  bool KeepsLog() const;
  bool Propose(const targets::Context& context, const targets::EffectWriter& effects, bool tagged,
               Gate* gate);
  targets::Context NewContext();
  bool HasLimits() const {
    return env_.options->maxmemory != 0 || env_.options->min_replicas_to_write != 0;
  }
  std::string RefusalOfTagged(const targets::Request& request);
  std::string_view RefusalUnderLimits(const protocol::Command& command);
  bool MakeRoom();
  void Handle(const targets::Request& request, targets::Context* context);

  Environment env_;
  const protocol::Command* transaction_row_;
  std::unique_ptr<targets::Machine> target_;
  std::unique_ptr<cluster::Member> member_;
  OriginTable origins_;
  std::unique_ptr<Publisher> publisher_;
  cluster::Index applied_ = 0;
  cluster::Index state_index_ = 0;
  bool needs_rebuild_ = false;  // the state isn't of any use
  cluster::Index persisted_ = 0;  // of what this node wrote last; 0: nothing is known
  uint64_t confirmed_ = 0;
  uint64_t sequence_ = 0;  // of tags of requests executed for this node's own clients

  cluster::Micros now_ = 0;
  int64_t time_ms_ = 0;  // the global's, of this turn
  bool can_execute_ = false;
  // The term in which this node executes, or did so last without knowing the outcome (0: none), and
  // the first entry it may have made in it.
  cluster::Term executed_term_ = 0;
  cluster::Index executed_from_ = 0;
  std::string payload_, update_;  // reused
  std::vector<std::string_view> effect_args_;

  struct WaitingRead {
    uint64_t request;
    cluster::Index index;
    int64_t time_ms;
  };
  std::vector<WaitingRead> waiting_reads_;
  std::deque<uint64_t> confirmations_;  // RequestRead numbers that gates wait for

  // As last told to the clients' side.
  cluster::NodeId known_holder_;
  cluster::Term known_term_ = 0;
  bool known_serving_ = false;
  cluster::Role known_role_ = cluster::Role::kLocal;

  MemoryMeter memory_;
  SnapshotMaker maker_;
  bool snapshot_wanted_ = false;
  cluster::Micros snapshot_retry_at_ = 0;  // after one that failed
  // Bytes given to the log on disk; up to the beginning of the snapshot being made; up to that of
  // the newest one saved.
  uint64_t log_bytes_ = 0, log_bytes_at_begin_ = 0, log_bytes_covered_ = 0;
  std::set<cluster::NodeId> transfers_wanted_;  // they wait for a snapshot
  std::map<cluster::NodeId, std::unique_ptr<SnapshotSender>> senders_;
  // Sent as a whole, perhaps not installed yet: up to which entry.
  std::map<cluster::NodeId, cluster::Index> snapshots_on_their_way_;
  SnapshotReceiver receiver_;
  cluster::Index reloaded_at_ = 0;  // entries up to here: what they touched isn't known any more
  SnapshotMeta installing_;  // restored, being saved; index 0: nothing
  uint64_t snapshots_sent_ = 0, snapshots_received_ = 0;
};

}  // namespace understudy::server
