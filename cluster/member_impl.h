// Inside of Member (cluster/member.h says what it does). The parts:
//   member.cc              construction, Tick, Step, TakeReady, what is on disk, invariants
//   member_election.cc     standing for the lock: pre-election, election, handover, release
//   member_lock.cc         the voter: rules R1-R4, requests held until a proof settles, peers' runs
//   member_replication.cc  the global's side: appends, flow control, acknowledgements, commit
//   member_append.cc       the local's side: appends and heartbeats received, acknowledging them
//   member_membership.cc   configurations, learners, removal
//   member_read.cc         lease, read index, the global's time
#pragma once

#include <array>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/check.h"
#include "cluster/member.h"

namespace understudy::cluster {

inline constexpr Micros kNever = std::numeric_limits<Micros>::min();
inline constexpr Micros kForever = std::numeric_limits<Micros>::max();
inline constexpr size_t kMaxPeers = 2 * kMaxMembers;  // tracked, members or not
inline constexpr size_t kMaxReadQuestions = 64;       // a local's, unanswered; later ones join up

// An append on its way to a local.
struct Inflight {
  Index last = 0;  // last index contained
  size_t bytes = 0;
  Micros sent_at = 0;
};

// How a global feeds one local.
enum class Flow : uint8_t {
  kProbe,      // where its log matches isn't known: one append at a time
  kReplicate,  // pipelined
  kSnapshot,   // nothing, until a snapshot has been transferred
};

struct Peer {
  // The link, in any role.
  RunId run = 0;                    // newest run it announced; 0: none in this run of ours
  std::array<RunId, 4> old_runs{};  // runs before that, proved over; newest first
  RunId dead_run = 0;               // proved dead
  bool connected = false;
  bool closed = false;        // was connected, and ended: a proof is pending
  Micros closed_at = kNever;  // what was sent until then doesn't count for the lease

  // Replication, at the global of this term.
  bool replicated = false;  // in the configuration, or `leaving`
  Index leaving = 0;        // removed by this entry; 0: not. It is still told of that
  Flow flow = Flow::kProbe;
  Index match = 0;
  Index next = 1;
  std::deque<Inflight> inflight;
  size_t inflight_bytes = 0;
  Micros reset_at = kNever;       // refusals of what was sent until then are old news
  Micros ack_sent_at = kNever;    // send time of the newest message acknowledged
  Micros lease_sent_at = kNever;  // the same, forgotten when the link closes
  Index sent_commit = 0;
  Index wanted_first = 0;  // smallest commit asked for and not told; 0: none
  Index wanted_last = 0;
  bool snapshot_to_name = false;
  Index snapshot_sent = 0;  // behind this it goes on, once installed; 0: not sent yet
  Micros snapshot_sent_at = 0;
  bool quarantined = false;
  Micros quarantined_at = kNever;  // newest send time when that was first heard
  Index round_index = 0;           // a learner's catching-up round: our last index at its start
  Micros round_at = 0;
};

// A configuration in force from `index` on, as long as its entry stands.
struct ConfigurationEntry {
  Index index = 0;
  Configuration configuration;
};

struct Vote {
  NodeId id;
  bool granted = false;
  bool refused = false;
  bool quarantined = false;
};

enum class Phase : uint8_t { kNone, kPreElection, kElection };
enum class Verdict : uint8_t { kGrant, kRefuse, kHold };

// Who holds the lock as this voter sees it, and until when.
struct Hold {
  NodeId node;  // empty: never held
  RunId run = 0;
  Term term = 0;
  Micros until = 0;
  bool free = false;      // released
  bool recorded = false;  // read from disk at start, not renewed since
};

struct HeldRequest {
  Message message;
  Micros deadline = 0;  // judged for good then
};

// A promise that waits for the lock state to be durable.
struct HeldReply {
  uint64_t version = 0;
  Message message;
};

struct Write {  // records given to the driver
  Term term = 0;
  Index last = 0;
  Index valid = 0;  // those up to here are still what the log says
};

struct ReadQuestion {  // a local's, asked under number `last`
  uint64_t first = 0;
  uint64_t last = 0;
  Micros deadline = 0;
};

struct PendingRead {  // at the global
  NodeId asker;       // empty: here
  uint64_t first = 0;
  uint64_t last = 0;
  Micros newest_sent = 0;  // a confirmation must be of something sent later
};

struct Member::Impl {
  Impl(MemberOptions member_options, Recovered recovered, Micros start, int64_t wall);

  // Whether this member has that bug; see cluster/planted.h.
#ifdef UNDERSTUDY_PLANTED_BUGS
  bool Planted(Bug bug) const { return options.planted == bug; }
#else
  static constexpr bool Planted(Bug) { return false; }
#endif

  // --- member.cc
  void Tick();
  void Step(const Message& message);
  Message MakeMessage(Message::Type type, const NodeId& to) const;
  void Send(Message message) { outbox.push_back(std::move(message)); }
  void SetTerm(Term term);  // a newer one: all that belonged to the older ends
  void AdoptTerm(const Message& message);
  void BecomeLocal();
  void PersistLock(bool promise);  // `promise`: acknowledgements wait for it
  void LockPersisted(uint64_t version);
  void RecordsPersisted(Term term, Index index);
  void DiskFailed();
  void TruncateAfter(Index last);
  void SetCommit(Index index);
  void TakeRecords(Ready* ready);
  Ready TakeReady();
  bool HasReady() const;
  Micros NextTick() const;
  void CheckInvariants() const;
  void CheckReplication() const;
  std::string Describe() const;
  NodeId Holder() const;

  // --- member_election.cc
  bool MayStand() const;
  bool RanksBefore(const NodeId& one, const NodeId& other) const;
  size_t Rank() const;
  Micros StandAt() const;  // kForever: not with what is known now
  void MaybeStand();
  void StartPreElection();
  void StartElection(bool handover);
  void AskVoters();
  void AskVoter(const NodeId& id);
  void TickElection();
  void OnVoteReply(const Message& message);
  void CountVotes();
  void AbandonElection(Micros backoff);
  void BecomeGlobal();
  bool Transfer(const NodeId& to, std::string* why);
  void MaybeSendTransfer();
  void OnTransfer(const Message& message);
  void TickTransfer();
  void Release(Micros silent_for);  // doesn't stand itself for that long
  void OnRelease(const Message& message);

  // --- member_lock.cc
  bool ProvedDead(const NodeId& node, RunId run) const;
  bool LockFreeFor(const NodeId& node, Term asked, bool handover) const;
  bool LogIsCurrent(const Message& request) const;
  Verdict Judge(const Message& request) const;
  void OnLockRequest(const Message& request);
  void AnswerLockRequest(const Message& request, bool granted);
  void MakeWay();
  void GrantLock(const Message& request);
  void SettleHeldRequests();
  void RefuseHeldRequests();
  bool AcceptGlobal(const Message& message);  // an append's or heartbeat's sender
  void ReleaseHeldReplies();
  void PeerConnected(const NodeId& id, RunId run);
  void PeerClosed(const NodeId& id);
  void PeerDead(const NodeId& id, RunId run);
  Peer* FindPeer(const NodeId& id);
  const Peer* FindPeer(const NodeId& id) const;
  Peer* MakePeer(const NodeId& id);  // nullptr: too many

  // --- member_replication.cc
  Index Propose(EntryType type, std::string_view payload);
  Index ProposeUnlogged();
  void StartReplication();
  void ResetPeer(Peer* peer, Index next);
  bool CanAppend(const Peer& peer) const;
  bool WantsNews(const Peer& peer) const;
  void Replicate(Ready* ready);
  Message MakeAppend(const NodeId& to, Index previous) const;
  void NoteCommitSent(Peer* peer);
  void NameSnapshot(Peer* peer);
  void SendAppend(const NodeId& id, Peer* peer, Ready* ready);
  void SendCommit(const NodeId& id, Peer* peer, Ready* ready);
  void SendHeartbeats(Ready* ready);
  std::vector<Message> MakeHeartbeats(Micros at);
  void OnAppendReply(const Message& message);
  void OnHeartbeatReply(const Message& message);
  Peer* NoteReply(const Message& message);
  void NoteProgress(Peer* peer, const Message& message);
  void NoteReceived(Peer* peer, const Message& message);
  void NoteQuarantine(Peer* peer, bool quarantined);
  void OnRefusedAppend(Peer* peer, const Message& message);
  void AdvanceCommit();
  bool CountsForCommit(const Peer& peer) const;
  Micros SentAt();
  Micros MajoritySentAt(Micros Peer::*sent_at, bool quarantined_too) const;
  bool ReleasesQuarantine(const Peer& peer) const;
  void WantCommit(Peer* peer, Index index);
  void OnSnapshotDone(const Message& message);
  void SnapshotSent(const NodeId& local, Index index, bool ok);
  void TickGlobal();

  // --- member_append.cc
  void OnAppend(const Message& message);
  void OnHeartbeat(const Message& message);
  bool ScanRecords(std::string_view records, Index first, Index* known, size_t* known_bytes,
                   std::vector<ConfigurationEntry>* found) const;
  bool AppendReceived(const Message& message);
  void RefuseAppend(const Message& message);
  void LearnCommit(const Message& message);
  void MaybeEndQuarantine();
  Index Acknowledgeable() const;  // by entries held durably
  bool MustAcknowledge() const;
  void Acknowledge(Ready* ready);
  void InstallSnapshot(Index index, Term term, int64_t time_ms, const Configuration& installed);

  // --- member_membership.cc
  void RecoverConfiguration();
  void ConfigurationAppended(Index index, Configuration appended);
  void UndoConfigurations(Index last);
  void CommitConfigurations();
  bool MayChangeMembers(std::string* why) const;
  void ChangeMembers(Configuration changed);
  bool AddMember(const MemberInfo& info, std::string* why);
  bool RemoveMember(const NodeId& id, std::string* why);
  void UpdatePeers();
  void DropLeftPeers();
  void MaybePromoteLearner();
  bool IsVoter(const NodeId& id) const;
  size_t Voters() const { return configuration().VoterCount(); }
  size_t Majority() const {
    return Planted(Bug::kElectsWithHalf) ? (Voters() + 1) / 2 : Voters() / 2 + 1;
  }
  const Configuration& configuration() const {
    if (Planted(Bug::kMembersWhenCommitted)) return configurations.front().configuration;
    return configurations.back().configuration;
  }
  bool IsMember() const;

  // --- member_read.cc
  uint64_t RequestRead();
  void AnswerReads(Ready* ready);  // at the global
  void AskReads(Ready* ready);     // elsewhere
  void OnReadIndex(const Message& message);
  void OnReadIndexReply(const Message& message);
  void FailReads();
  void TickReads();
  bool ReadsNeedRound() const;
  bool MayAnswerReads() const;
  bool MayServeReads() const;
  bool LeaseValid(Micros at) const;
  bool LeaseAnswers() const { return reads_by_lease && LeaseValid(now); }
  Micros LeaseTime() const {
    return Planted(Bug::kLeaseWithoutDrift) ? options.lock_ttl
                                            : options.lock_ttl - options.lock_ttl / 10;
  }
  bool Confirmed(const PendingRead& read) const;
  bool HasMajority(Micros at) const;
  int64_t GlobalTimeMs(Micros at) const;
  void SyncTime(int64_t global_time_ms);
  void StartGlobalTime();

  bool Serving() const { return role == Role::kGlobal && commit >= term_start; }
  Micros RankStep() const { return options.lock_ttl / 20; }
  bool HoldsLockState() const { return lock_persisted >= promise_version; }

  const MemberOptions options;
  const NodeId& self;  // options.id
  Micros now;
  const Micros started_at;
  const int64_t started_wall_ms;

  // What is on disk, or on its way there. A version counts changes.
  LockState lock;
  uint64_t lock_version = 0;
  uint64_t lock_taken = 0;       // newest version given to the driver
  uint64_t lock_persisted = 0;   // newest reported durable
  uint64_t promise_version = 0;  // the one that acknowledgements in this term need
  bool disk_failed = false;

  Log log;
  Index written = 0;  // given to the driver
  Index durable = 0;  // reported durable, and still what the log says
  std::deque<Write> writes;
  Index commit = 0;
  std::optional<Index> truncated_after;
  std::vector<ConfigurationEntry> configurations;  // newest committed one, then appended ones

  Role role = Role::kLocal;
  std::map<NodeId, Peer> peers;
  std::vector<Message> outbox;
  std::vector<HeldReply> held_replies;

  // The voter.
  Hold hold;
  std::vector<HeldRequest> held_requests;

  // The candidate.
  Phase phase = Phase::kNone;
  Term asked_term = 0;
  bool asked_handover = false;
  std::vector<Vote> votes;
  Micros phase_deadline = 0;
  Micros next_ask = 0;
  Micros vacant_since = kNever;  // kNever: the lock isn't free for us
  Micros backoff_until = kNever;
  Micros silent_until = kNever;  // gave the lock up on purpose
  bool urgent = false;           // refused somebody because our log is newer: no waiting by rank
  bool yielded = false;          // let another go first, once a vacancy

  // The local.
  Index verified = 0;  // known to match the log of this term's global
  bool append_to_answer = false;
  bool heartbeat_to_answer = false;
  std::optional<Message> refusal;
  Index told_match = 0;                  // newest told to this term's global
  Micros newest_sent = kNever;           // by this term's global; echoed
  std::optional<Index> quarantine_ends;  // when durable up to here
  bool needs_snapshot = false;

  // The global.
  Index term_start = 0;  // first entry of its term
  Micros global_since = 0;
  Micros sent = 0;       // send time used last; each TakeReady that sends uses a later one
  Micros turn_sent = 0;  // this TakeReady's, once something was sent
  Micros next_heartbeat = 0;
  bool everyone_voted = false;  // elected by all voters, the quarantined included
  bool transfer = false;
  NodeId transfer_to;
  Micros transfer_deadline = 0;
  bool transfer_sent = false;  // the lease is given up for the rest of the term
  bool resign = false;         // removed: once everybody is told
  Micros next_reelection = kNever;

  // Reads.
  bool reads_by_lease = true;
  uint64_t next_read = 0;
  uint64_t first_unasked = 0;
  std::deque<ReadQuestion> questions;
  std::deque<PendingRead> pending_reads;
  Micros round_sent = kNever;  // send time of the newest heartbeats
  std::vector<Ready::Read> answered;

  // The global's time: `time_base_ms` at `time_base_at`, but never less than `time_floor_ms`.
  int64_t time_base_ms = 0;
  Micros time_base_at = 0;
  int64_t time_floor_ms = 0;
  bool time_known = false;  // from a global, in this run
};

}  // namespace understudy::cluster
