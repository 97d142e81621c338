// One node's part in one cluster: lock key, log, membership and read index, without I/O.
//
// Sources: Ongaro & Ousterhout, "In Search of an Understandable Consensus Algorithm" (Raft), whose
// rules hold where nothing else is said here; Ongaro's thesis, sections 4.1 (membership), 6.4 (read
// index), 9.6 (pre-vote), 10.2.1 (writing the log beside replication).
//
// How it is driven. All calls come from one thread and return at once. The member reads no clock:
// `now` is the boot-time clock in microseconds, never less than at the call before. Input is
//   Tick, Step, Propose, ProposeConfiguration, the Peer*, *Persisted and Read calls;
// after any of them, or once a turn, the driver calls TakeReady() and does, in this order:
//   1. start writing `lock` (if persist_lock), and behind it `records`, to disk; when the lock
//      state is durable, call LockPersisted(lock_sequence); when the records are as durable as the
//      fsync policy says, RecordsPersisted(term, index);
//   2. send `messages` (those that promise something are held back by the member itself until the
//      promise was reported durable, so all may go at once);
//   3. apply entries up to commit(), reading them with log().
// A failed write is reported by DiskFailed(): the member then neither votes, acknowledges nor leads.
//
// The lock key. A candidate asks every voter for the lock of a new term and is the global when a
// majority, itself included, granted it. A voter grants only if
//   R1  the term is newer than any seen, or is the one it already granted to this node in this run;
//   R2  the candidate's last (term, index) is at least the voter's own, counting what it received,
//       and reaches the newest configuration that the voter knows to be committed (which a voter
//       whose log lost records still knows: who has missed it may take too few for everybody);
//   R3  the lock is free here: never held, released by its holder (naming the term), held by the
//       candidate, expired (ttl since the last renewal acknowledged), or its holder is proved dead
//       (PeerDead); or the holder itself asked for the handover;
//   R4  it has been up for one ttl; or the last recorded holder is proved dead, or is an earlier run
//       of the candidate; or LockState.promised_nothing was set at start (and is cleared, durably,
//       before the next promise).
// A voter for which only R3 or R4 stand in the way waits for a proof, an expiry or a release before
// it answers, a quarter of a ttl at most; it ignores the request's term meanwhile. A voter that never
// acknowledged a holder nor granted anything has nothing to wait for after a start; a grant on disk
// that is newer than the holder recorded counts as one.
// The grant (term, node, run) is durable before it is answered. After a grant nothing is
// acknowledged for an older term. The lock is *held* from the first append of the term that the
// voter acknowledged. A pre-election asks the same and changes nothing. Candidates that find
// themselves equal wait by rank (place in the configuration): rank * ttl/20, at once for rank 0 of
// those alive; a voter that refuses because its own log is newer stands at once, one that has granted
// waits for its candidate. Whom an uncommitted entry removes still stands, on the others' votes. A
// node in quarantine wins by a majority outside of it, or by everybody's vote; having won it holds all
// that was committed, and its quarantine is over.
//
// The lease. The global may serve reads until (send time of the newest message acknowledged by a
// majority) + ttl - 10 %. PeerClosed() takes a voter's acknowledgements out of the lease.
//
// Invariants (asserted; CheckInvariants() verifies the costly ones in tests):
//   I1  commit() never decreases, and never exceeds log().last_index() but by a snapshot.
//   I2  at most one global a term; a global never truncates its own log.
//   I3  commit advances only to entries of the current term (Raft 5.4.2), held durably by a
//       majority of voters that aren't quarantined.
//   I4  no acknowledgement or grant leaves before it is durable, in the term it names.
//   I5  one membership change at a time: none while another is uncommitted, none before an entry of
//       the current term has committed.
//
// Limits: at most Options::max_inflight_bytes unacknowledged bytes to a local; an append carries at
// most max_append_bytes; a local whose next entry is no longer in memory needs a snapshot.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/log.h"
#include "cluster/message.h"
#include "cluster/planted.h"
#include "cluster/types.h"

namespace understudy::cluster {

enum class Role : uint8_t { kLocal, kCandidate, kGlobal };
const char* ToString(Role role);

struct MemberOptions {
  uint64_t cluster = 0;       // number in records
  NodeId id;
  RunId run = 0;
  Micros lock_ttl = 1000 * 1000;        // --lock-ttl
  size_t max_append_bytes = 1 << 20;
  size_t max_inflight_bytes = 16 << 20; // a local
  bool trust_refusal = true;            // --trust-refusal: PeerDead frees the lock
#ifdef UNDERSTUDY_PLANTED_BUGS
  Bug planted = Bug::kNone;
#endif
};

// What the driver has read from disk at start.
struct Recovered {
  LockState lock;        // its configuration the snapshot's, if that is newer
  Index base_index = 0;  // of the snapshot loaded, 0/0 without
  Term base_term = 0;
  int64_t last_time_ms = 0;  // newest entry's or snapshot's time; 0: none
  Log* log = nullptr;    // moved from; nullptr: empty
};

// What a global knows of another member; for INFO, ROLE, CLUSTER NODES.
struct Progress {
  NodeId id;
  Index match = 0;       // durable there
  Index next = 1;
  bool connected = false;
  bool needs_snapshot = false;
  bool quarantined = false;
  Micros last_ack_sent_at = 0;  // send time (our clock) of the newest message it acknowledged
};

struct Ready {
  bool persist_lock = false;
  LockState lock;                  // if persist_lock
  uint64_t lock_sequence = 0;      // to be given to LockPersisted
  // Records to write, in order; into the log, valid until the next call of a non-const member.
  std::vector<std::string_view> records;
  Term records_term = 0;           // give back with RecordsPersisted
  Index records_last = 0;          // 0: nothing to write
  // Entries behind this index were dropped since the last Ready (a conflict with the global's log):
  // whoever executed or waits for them must know. Comes before `records` in effect.
  std::optional<Index> truncated_after;
  std::vector<Message> messages;
  // Locals whose next entry isn't in memory any more: send them a snapshot, then
  // SnapshotSent(node, index). Named once for each transfer.
  std::vector<NodeId> snapshots_wanted;
  struct Read {
    uint64_t request;
    Index index;             // serve the read when this is applied; meaningless if !ok
    int64_t global_time_ms;  // judge expiry by this
    bool ok;                 // false: no global or it changed; ask again
  };
  std::vector<Read> reads;
};

class Member {
 public:
  Member(MemberOptions options, Recovered recovered, Micros now, int64_t wall_ms);
  ~Member();

  // A new cluster of this node alone: makes the first configuration. Only on an empty member.
  void Bootstrap(const MemberInfo& self, Micros now);

  // --- input ---------------------------------------------------------------------------------
  void Tick(Micros now);
  Micros NextTick() const;  // when Tick is needed next, at the latest
  void Step(const Message& message, Micros now);

  // At the global: appends an entry, effective in the log at once; returns its index, 0 if this
  // member isn't the global. Not before serving() (the first entry of the term has committed) for
  // anything that depends on state.
  Index Propose(std::string_view payload, Micros now);
  // At a global that is the only member and keeps no log (memory only): counts one entry as
  // committed without a record, so that log().base_index() advances; whoever joins later gets a
  // snapshot. Returns its index; 0 if this member may not (not global, other members, records held).
  Index ProposeUnlogged(Micros now);
  // At the global: adds (as a learner, then a voter by itself when it has caught up), changes the
  // name or address of, or removes one member. False with `why` when it can't be now (not the
  // global, another change in progress, ...).
  bool AddMember(const MemberInfo& info, Micros now, std::string* why);
  bool RemoveMember(const NodeId& id, Micros now, std::string* why);

  void RecordsPersisted(Term term, Index index, Micros now);
  void LockPersisted(uint64_t sequence, Micros now);
  void DiskFailed(Micros now);

  // Link events. PeerConnected: a link to that node works, and it announced this run. PeerClosed:
  // it ended. PeerDead: it ended and a new one was refused, or found another run there: `run` is
  // the run proved dead. Another run in PeerConnected proves the one before dead. Replies of a run
  // that isn't the one announced don't count; entries are sent to the connected only.
  void PeerConnected(const NodeId& id, RunId run, Micros now);
  void PeerClosed(const NodeId& id, Micros now);
  void PeerDead(const NodeId& id, RunId run, Micros now);

  // Linearizable read: the answer comes in Ready::reads under the number returned. At the global:
  // when its lease (or a round of confirmation begun now) allows; elsewhere: asks the global.
  uint64_t RequestRead(Micros now);
  // False (--reads quorum): the lease answers nothing, each batch of reads takes a round. At first
  // true.
  void SetReadsByLease(bool on);
  // At the global, cheap: may a read executed before `now` be answered at once?
  bool LeaseValid(Micros now) const;

  // At the global: tell this local of the commit of `index` as soon as it happens (it forwarded the
  // command, or holds clients that wait for a publication). Others learn it with the next append
  // or heartbeat.
  void WantCommit(const NodeId& local, Index index);
  void WantCommitAll(Index index);

  // The state was replaced by a snapshot (at a local, received): the log restarts behind it.
  void InstallSnapshot(Index index, Term term, int64_t time_ms, const Configuration& configuration,
                       Micros now);
  // At the global: the transfer named in Ready::snapshots_wanted ended; go on behind `index`.
  // `ok` false: it broke; the local will be named again.
  void SnapshotSent(const NodeId& local, Index index, bool ok, Micros now);
  // The local's state is lost or holds effects of entries that didn't survive and can't be rebuilt
  // from what it has: refuse appends with wants_snapshot until InstallSnapshot.
  void NeedSnapshot();
  // Records up to `index` may be dropped from memory (applied, and enough history is kept).
  void DropLogUpTo(Index index);

  // At the global: hand the lock over to `to` (empty: to the most caught-up voter), which must
  // hold everything; proposals are refused from now until it happened or one ttl has passed.
  bool Transfer(const NodeId& to, Micros now, std::string* why);
  // Gives the lock up (stop of the process, disk trouble): tells everyone. Doesn't stand itself for
  // two ttl.
  void Release(Micros now);

  // At the global, while the driver does something that takes long: heartbeats that renew the lock,
  // to be sent at once. Changes nothing but the send time used last. At others: none.
  std::vector<Message> MakeHeartbeats(Micros now);

  Ready TakeReady(Micros now);
  bool HasReady() const;

  // --- state ---------------------------------------------------------------------------------
  Role role() const;
  bool serving() const;          // global, and an entry of its term has committed
  bool transferring() const;
  Term term() const;
  NodeId holder() const;         // the global as known here; empty: none
  RunId holder_run() const;
  Micros LockRemaining(Micros now) const;  // until the lock expires at this voter; 0: free
  Index commit() const;
  const Log& log() const;
  const Configuration& configuration() const;  // newest appended
  // The one in force at an entry, for a snapshot of the state there; for one older than the newest
  // committed configuration, that.
  const Configuration& ConfigurationAt(Index index) const;
  bool is_member() const;        // false once removed
  bool quarantined() const;
  bool disk_failed() const;
  std::vector<Progress> progress() const;  // at the global
  const LockState& lock_state() const;
  // Whether a majority of voters acknowledged something within one ttl; at the global.
  bool HasMajority(Micros now) const;

  // The global's time, milliseconds since the epoch: continues from the last entry's or message's
  // time by the boot clock; a node that starts without peers takes max(wall clock, last entry's).
  int64_t GlobalTimeMs(Micros now) const;

  // Aborts with a message if an invariant is broken. Costly; for tests and the simulator.
  void CheckInvariants() const;
  std::string Describe() const;  // one line, for transcripts

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy::cluster
