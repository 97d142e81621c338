// Rules of Member, one by one: a single member "a" of the voters a, b, c, spoken to by hand. What
// whole clusters do is in tests/scenarios and tests/simulator.
#include "cluster/member.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "cluster/record.h"

namespace understudy::cluster {
namespace {

constexpr Micros kTtl = 1'000'000;
constexpr RunId kRun = 77;
constexpr RunId kRunOfB = 1002;
constexpr RunId kRunOfC = 1003;
constexpr int64_t kWallMs = 1'700'000'000'000;

MemberInfo Info(const NodeId& id, MemberInfo::Kind kind = MemberInfo::Kind::kVoter) {
  return {id, "name-" + id, "host-" + id + ":7001", kind};
}

Configuration Voters(std::initializer_list<const char*> ids) {
  Configuration configuration;
  for (const char* id : ids) configuration.members.push_back(Info(id));
  return configuration;
}

RunId RunOf(const NodeId& id) { return id == "b" ? kRunOfB : kRunOfC; }

// Records of the given terms, one entry each, from index `first` on.
std::string Records(Index first, const std::vector<Term>& terms) {
  std::string out;
  for (Term term : terms) {
    AppendRecord(&out, {0, term, first++, kWallMs, EntryType::kNormal, "x"});
  }
  return out;
}

class MemberTest : public testing::Test {
 protected:
  // Starts "a" with a log of entries of these terms, all on disk.
  void Start(const std::vector<Term>& terms = {}, LockState lock = {}, MemberOptions options = {}) {
    if (lock.configuration.members.empty()) lock.configuration = Voters({"a", "b", "c"});
    if (!terms.empty()) lock.term = std::max(lock.term, terms.back());
    Log log;
    EXPECT_TRUE(log.AppendRecords(Records(1, terms)));
    Recovered recovered;
    recovered.lock = lock;
    recovered.log = &log;
    options.id = "a";
    options.run = kRun;
    options.lock_ttl = kTtl;
    member_ = std::make_unique<Member>(options, std::move(recovered), now_, kWallMs);
    sent_.clear();
    locks_.clear();
  }
  Member& member() { return *member_; }

  // One turn: keeps what was sent; writes are reported durable by Persist().
  Ready Turn() {
    Ready ready = member_->TakeReady(now_);
    member_->CheckInvariants();
    for (const Message& message : ready.messages) {
      sent_.push_back(message);
      kept_.push_back(std::make_unique<std::string>(message.records));
      sent_.back().records = *kept_.back();
    }
    if (ready.persist_lock) {
      locks_.push_back(ready.lock);
      lock_sequence_ = ready.lock_sequence;
    }
    if (ready.records_last != 0) {
      records_term_ = ready.records_term;
      records_last_ = ready.records_last;
    }
    reads_.insert(reads_.end(), ready.reads.begin(), ready.reads.end());
    if (ready.truncated_after) truncated_after_ = ready.truncated_after;
    wanted_.insert(wanted_.end(), ready.snapshots_wanted.begin(), ready.snapshots_wanted.end());
    return ready;
  }
  void PersistLock() {
    member_->LockPersisted(lock_sequence_, now_);
    Turn();
  }
  void PersistRecords() {
    member_->RecordsPersisted(records_term_, records_last_, now_);
    Turn();
  }
  void Persist() {
    PersistLock();
    PersistRecords();
  }
  void Step(const Message& message) {
    member_->Step(message, now_);
    Turn();
  }
  void Advance(Micros duration) {
    now_ += duration;
    member_->Tick(now_);
    Turn();
  }

  Message From(const NodeId& id, Message::Type type, Term term) {
    Message message;
    message.type = type;
    message.from = id;
    message.to = "a";
    message.run = RunOf(id);
    message.term = term;
    bool answers_candidate =
        type == Message::Type::kLockReply || type == Message::Type::kPreLockReply;
    if (answers_candidate) message.request = kRun;
    return message;
  }
  Message LockRequest(const NodeId& id, Term term, Term log_term, Index log_index) {
    Message message = From(id, Message::Type::kLock, term);
    message.log_term = log_term;
    message.log_index = log_index;
    return message;
  }
  Message PreLockRequest(const NodeId& id, Term term, Term log_term, Index log_index) {
    Message message = LockRequest(id, term, log_term, log_index);
    message.type = Message::Type::kPreLock;
    return message;
  }
  // `records` must outlive the call that gets the message.
  Message Append(const NodeId& id, Term term, Term log_term, Index log_index,
                 std::string_view records = {}, Index commit = 0) {
    Message message = From(id, Message::Type::kAppend, term);
    message.log_term = log_term;
    message.log_index = log_index;
    message.records = records;
    message.commit = commit;
    message.sent_at = ++sent_at_;
    message.global_time_ms = kWallMs;
    return message;
  }
  Message Heartbeat(const NodeId& id, Term term, Index commit = 0) {
    Message message = From(id, Message::Type::kHeartbeat, term);
    message.commit = commit;
    message.sent_at = ++sent_at_;
    message.global_time_ms = kWallMs;
    return message;
  }
  // Acknowledges the newest append or heartbeat sent to `id`.
  Message Ack(const NodeId& id, Index match) {
    Message message = From(id, Message::Type::kAppendReply, member().term());
    message.accepted = true;
    message.match = message.received = match;
    message.sent_at = NewestSentAt(id);
    return message;
  }
  Micros NewestSentAt(const NodeId& id) const {
    Micros newest = 0;
    for (const Message& message : sent_) {
      if (message.to == id) newest = std::max(newest, message.sent_at);
    }
    return newest;
  }
  const Message* Last(Message::Type type, const NodeId& to) const {
    for (auto it = sent_.rbegin(); it != sent_.rend(); ++it) {
      if (it->type == type && it->to == to) return &*it;
    }
    return nullptr;
  }
  size_t Count(Message::Type type) const {
    return static_cast<size_t>(std::count_if(
        sent_.begin(), sent_.end(), [&](const Message& message) { return message.type == type; }));
  }
  // "granted", "refused", or "silent".
  std::string Answer(const NodeId& to) const {
    const Message* reply = Last(Message::Type::kLockReply, to);
    if (reply == nullptr) reply = Last(Message::Type::kPreLockReply, to);
    return reply == nullptr ? "silent" : reply->granted ? "granted" : "refused";
  }
  // Asks for the lock, with the disk at once.
  std::string Ask(const Message& request) {
    sent_.clear();
    Step(request);
    Persist();
    return Answer(request.from);
  }
  // "b" is the global of `term` and "a" has acknowledged that.
  void Follow(const NodeId& id, Term term) {
    member_->PeerConnected("b", kRunOfB, now_);
    member_->PeerConnected("c", kRunOfC, now_);
    Step(Heartbeat(id, term));
    Persist();
    ASSERT_EQ(member().holder(), id);
    sent_.clear();
  }
  // "a" is the global, its first entry committed.
  void Lead() {
    member_->PeerConnected("b", kRunOfB, now_);
    member_->PeerConnected("c", kRunOfC, now_);
    for (int i = 0; i < 30 && member().role() == Role::kLocal; ++i) {
      Advance(kTtl / 10);
      Message reply = From("b", Message::Type::kPreLockReply, member().term() + 1);
      reply.granted = true;
      Step(reply);
    }
    ASSERT_EQ(member().role(), Role::kCandidate);
    Message reply = From("b", Message::Type::kLockReply, member().term());
    reply.granted = true;
    Step(reply);
    Persist();
    ASSERT_EQ(member().role(), Role::kGlobal);
    ASSERT_FALSE(member().serving());
    Index first = member().log().last_index();
    Step(Ack("b", first));
    Step(Ack("c", first));
    Persist();
    ASSERT_TRUE(member().serving());
    sent_.clear();
  }

  Micros now_ = 50'000'000;
  Micros sent_at_ = 1;
  std::unique_ptr<Member> member_;
  std::vector<Message> sent_;
  std::vector<std::unique_ptr<std::string>> kept_;
  std::vector<LockState> locks_;
  std::vector<Ready::Read> reads_;
  std::vector<NodeId> wanted_;
  std::optional<Index> truncated_after_;
  uint64_t lock_sequence_ = 0;
  Term records_term_ = 0;
  Index records_last_ = 0;
};

// R1 -------------------------------------------------------------------------------------------

TEST_F(MemberTest, GrantsOnlyANewerTerm) {
  Start({1, 1, 3});
  EXPECT_EQ(Ask(LockRequest("b", 2, 3, 3)), "refused");
  EXPECT_EQ(Ask(LockRequest("b", 3, 3, 3)), "refused");
  EXPECT_EQ(Ask(LockRequest("b", 4, 3, 3)), "granted");
  EXPECT_EQ(member().lock_state().granted_to, "b");
  EXPECT_EQ(member().lock_state().granted_run, kRunOfB);
}

TEST_F(MemberTest, GrantsATermOnceAndToOneRun) {
  Start({1});
  EXPECT_EQ(Ask(LockRequest("b", 2, 1, 1)), "granted");
  EXPECT_EQ(Ask(LockRequest("b", 2, 1, 1)), "granted");  // the same run may ask again
  EXPECT_EQ(Ask(LockRequest("c", 2, 1, 1)), "refused");
  Message next_run = LockRequest("b", 2, 1, 1);
  next_run.run = kRunOfB + 1;
  EXPECT_EQ(Ask(next_run), "refused");
}

TEST_F(MemberTest, KeepsItsGrantOverARestart) {
  Start({1});
  EXPECT_EQ(Ask(LockRequest("b", 2, 1, 1)), "granted");
  LockState on_disk = locks_.back();
  Start({1}, on_disk);
  EXPECT_EQ(Ask(LockRequest("c", 2, 1, 1)), "refused");
  EXPECT_EQ(Ask(LockRequest("b", 2, 1, 1)), "granted");
}

// R2 -------------------------------------------------------------------------------------------

TEST_F(MemberTest, GrantsOnlyToALogAtLeastAsNew) {
  Start({1, 2, 2});
  EXPECT_EQ(Ask(LockRequest("b", 5, 2, 2)), "refused");
  EXPECT_EQ(Ask(LockRequest("b", 6, 1, 9)), "refused");
  EXPECT_EQ(Ask(LockRequest("b", 7, 0, 0)), "refused");
  EXPECT_EQ(Ask(LockRequest("b", 20, 2, 3)), "granted");
  EXPECT_EQ(Ask(LockRequest("b", 21, 2, 4)), "granted");
  EXPECT_EQ(Ask(LockRequest("b", 22, 3, 1)), "granted");
}

TEST_F(MemberTest, CountsWhatItReceivedThoughNotOnDisk) {
  Start({1});
  Follow("b", 1);
  std::string records = Records(2, {1});
  Step(Append("b", 1, 1, 1, records));  // not reported durable
  member().PeerDead("b", kRunOfB, now_);
  EXPECT_EQ(Ask(LockRequest("c", 9, 1, 1)), "refused");
  EXPECT_EQ(Ask(LockRequest("c", 20, 1, 2)), "granted");
}

TEST_F(MemberTest, StandsAtOnceWhenItsLogIsNewer) {
  LockState lock;
  lock.configuration = Voters({"b", "c", "a"});  // last by rank
  Start({1, 1}, lock);
  Follow("b", 1);
  Advance(kTtl / 10);
  member().PeerDead("b", kRunOfB, now_);
  Turn();
  EXPECT_EQ(Count(Message::Type::kPreLock), 0u);  // it waits for its turn
  EXPECT_EQ(Ask(PreLockRequest("c", 2, 1, 1)), "refused");
  EXPECT_EQ(Count(Message::Type::kPreLock), 2u);
}

// R3 -------------------------------------------------------------------------------------------

TEST_F(MemberTest, AHeldLockIsFreeWhenItExpires) {
  Start({1});
  Follow("b", 1);
  Micros renewed = now_;
  Advance(kTtl - kTtl / 8);
  EXPECT_EQ(Ask(LockRequest("c", 2, 1, 1)), "silent");  // may settle in time
  EXPECT_EQ(member().term(), 1u);
  Advance(renewed + kTtl - 1 - now_);
  EXPECT_EQ(Answer("c"), "silent");
  Advance(1);
  Persist();
  EXPECT_EQ(Answer("c"), "granted");
}

TEST_F(MemberTest, ARequestWhileTheHolderLivesIsRefusedAfterAQuarterTtl) {
  Start({1});
  Follow("b", 1);
  EXPECT_EQ(Ask(LockRequest("c", 2, 1, 1)), "silent");
  Advance(kTtl / 8);
  Step(Heartbeat("b", 1));
  EXPECT_EQ(Answer("c"), "silent");
  Advance(kTtl / 8);
  EXPECT_EQ(Answer("c"), "refused");
  EXPECT_EQ(member().term(), 1u);  // and the holder isn't disturbed
  EXPECT_EQ(member().holder(), "b");
}

TEST_F(MemberTest, AHeldRequestIsGrantedOnProofOfDeath) {
  Start({1});
  Follow("b", 1);
  EXPECT_EQ(Ask(LockRequest("c", 2, 1, 1)), "silent");
  member().PeerClosed("b", now_);
  Turn();
  EXPECT_EQ(Answer("c"), "silent");
  member().PeerDead("b", kRunOfB - 1, now_);  // of another run: proves nothing
  Turn();
  EXPECT_EQ(Answer("c"), "silent");
  member().PeerDead("b", kRunOfB, now_);
  Turn();
  Persist();
  EXPECT_EQ(Answer("c"), "granted");
}

TEST_F(MemberTest, AHeldRequestIsRefusedWhenTheHolderIsFoundAlive) {
  Start({1});
  Follow("b", 1);
  member().PeerClosed("b", now_);
  EXPECT_EQ(Ask(LockRequest("c", 2, 1, 1)), "silent");
  member().PeerConnected("b", kRunOfB, now_);
  Turn();
  EXPECT_EQ(Answer("c"), "refused");
}

TEST_F(MemberTest, AnotherRunOfTheHolderProvesItDead) {
  Start({1});
  Follow("b", 1);
  member().PeerClosed("b", now_);
  EXPECT_EQ(Ask(LockRequest("c", 2, 1, 1)), "silent");
  member().PeerConnected("b", kRunOfB + 1, now_);
  Turn();
  Persist();
  EXPECT_EQ(Answer("c"), "granted");
}

TEST_F(MemberTest, WithoutTrustARefusedConnectionProvesNothing) {
  MemberOptions options;
  options.trust_refusal = false;
  Start({1}, {}, options);
  Follow("b", 1);
  member().PeerDead("b", kRunOfB, now_);
  EXPECT_EQ(Ask(LockRequest("c", 2, 1, 1)), "silent");
  member().PeerConnected("b", kRunOfB + 1, now_);  // this does
  Turn();
  Persist();
  EXPECT_EQ(Answer("c"), "granted");
}

TEST_F(MemberTest, AReleaseFreesTheLockOfItsTermOnly) {
  Start({1});
  Follow("b", 3);
  Step(From("b", Message::Type::kRelease, 2));
  EXPECT_EQ(Ask(LockRequest("c", 4, 1, 1)), "silent");
  Step(From("b", Message::Type::kRelease, 3));
  Persist();
  EXPECT_EQ(Answer("c"), "granted");
}

TEST_F(MemberTest, TheHolderItselfMayHaveTheNextTerm) {
  Start({1});
  Follow("b", 1);
  EXPECT_EQ(Ask(LockRequest("b", 2, 1, 1)), "granted");
}

TEST_F(MemberTest, AHandoverIsForTheVeryNextTerm) {
  Start({1});
  Follow("b", 1);
  Message late = LockRequest("c", 3, 1, 1);
  late.handover = true;
  EXPECT_EQ(Ask(late), "silent");
  Message asked = LockRequest("c", 2, 1, 1);
  asked.handover = true;
  EXPECT_EQ(Ask(asked), "granted");
}

TEST_F(MemberTest, AGrantBindsTheVoteNotTheTime) {
  Start({1});
  EXPECT_EQ(Ask(LockRequest("b", 2, 1, 1)), "granted");
  EXPECT_EQ(member().LockRemaining(now_), 0);
  EXPECT_EQ(Ask(LockRequest("c", 3, 1, 1)), "granted");  // b never came to anything
  Follow("c", 3);
  EXPECT_EQ(member().LockRemaining(now_), kTtl);
  EXPECT_EQ(Ask(LockRequest("b", 4, 1, 1)), "silent");
}

// R4 -------------------------------------------------------------------------------------------

LockState HeldByB() {
  LockState lock;
  lock.term = 1;
  lock.holder = "b";
  lock.holder_run = kRunOfB;
  lock.holder_term = 1;
  return lock;
}

TEST_F(MemberTest, AVoterThatJustStartedWaitsForOneTtl) {
  Start({1}, HeldByB());
  EXPECT_EQ(Ask(LockRequest("c", 2, 1, 1)), "silent");
  Advance(kTtl / 4);
  EXPECT_EQ(Answer("c"), "refused");
  Advance(3 * kTtl / 4);
  EXPECT_EQ(Ask(LockRequest("c", 2, 1, 1)), "granted");
}

TEST_F(MemberTest, ALaterRunOfTheRecordedHolderMayHaveItAtOnce) {
  Start({1}, HeldByB());
  Message request = LockRequest("b", 2, 1, 1);
  request.run = kRunOfB + 5;
  EXPECT_EQ(Ask(request), "granted");
}

TEST_F(MemberTest, TheRecordedHolderMetInAnotherRunIsDead) {
  Start({1}, HeldByB());
  EXPECT_EQ(Ask(LockRequest("c", 2, 1, 1)), "silent");
  member().PeerConnected("b", kRunOfB + 5, now_);
  Turn();
  Persist();
  EXPECT_EQ(Answer("c"), "granted");
}

TEST_F(MemberTest, ARecordedGrantCountsAsAHolder) {
  LockState lock;  // granted to c in term 2; whether c became the global isn't on disk
  lock.term = 2;
  lock.granted_to = "c";
  lock.granted_run = kRunOfC;
  lock.holder = "b";
  lock.holder_run = kRunOfB;
  lock.holder_term = 1;
  Start({1}, lock);
  member().PeerConnected("b", kRunOfB + 5, now_);
  EXPECT_EQ(Ask(LockRequest("b", 3, 1, 1)), "silent");
  EXPECT_EQ(Ask(LockRequest("c", 3, 1, 1)), "granted");
}

TEST_F(MemberTest, ANoteOfHavingPromisedNothingIsRemovedBeforeTheNextPromise) {
  LockState lock = HeldByB();
  lock.promised_nothing = true;
  Start({1}, lock);
  EXPECT_EQ(Ask(LockRequest("c", 2, 1, 1)), "granted");
  EXPECT_FALSE(locks_.back().promised_nothing);
}

TEST_F(MemberTest, TheNoteIsRemovedBeforeAnAcknowledgementToo) {
  LockState lock = HeldByB();
  lock.promised_nothing = true;
  Start({1}, lock);
  sent_.clear();
  Step(Heartbeat("b", 1));
  EXPECT_EQ(Count(Message::Type::kHeartbeatReply), 0u);
  ASSERT_FALSE(locks_.empty());
  EXPECT_FALSE(locks_.back().promised_nothing);
  PersistLock();
  EXPECT_EQ(Count(Message::Type::kHeartbeatReply), 1u);
}

// Promises -------------------------------------------------------------------------------------

TEST_F(MemberTest, AGrantIsDurableBeforeItIsAnswered) {
  Start({1});
  sent_.clear();
  Step(LockRequest("b", 2, 1, 1));
  EXPECT_EQ(Answer("b"), "silent");
  ASSERT_FALSE(locks_.empty());
  EXPECT_EQ(locks_.back().granted_to, "b");
  PersistLock();
  EXPECT_EQ(Answer("b"), "granted");
}

TEST_F(MemberTest, AnOldGrantIsntAnsweredAfterANewerOne) {
  Start({1});
  sent_.clear();
  Step(LockRequest("b", 2, 1, 1));
  Step(LockRequest("c", 3, 1, 1));
  PersistLock();
  EXPECT_EQ(Answer("b"), "silent");
  EXPECT_EQ(Answer("c"), "granted");
}

TEST_F(MemberTest, EntriesAreAcknowledgedWhenDurable) {
  Start({1});
  Follow("b", 1);
  std::string records = Records(2, {1, 1});
  Step(Append("b", 1, 1, 1, records));
  EXPECT_EQ(records_last_, 3u);
  const Message* reply = Last(Message::Type::kAppendReply, "b");
  EXPECT_TRUE(reply == nullptr || reply->match == 1);
  PersistRecords();
  reply = Last(Message::Type::kAppendReply, "b");
  ASSERT_NE(reply, nullptr);
  EXPECT_TRUE(reply->accepted);
  EXPECT_EQ(reply->match, 3u);
}

TEST_F(MemberTest, ANewTermIsDurableBeforeAnythingIsAcknowledgedInIt) {
  Start({1});
  member().PeerConnected("b", kRunOfB, now_);
  sent_.clear();
  std::string records = Records(2, {4});
  Step(Append("b", 4, 1, 1, records));
  PersistRecords();
  Step(Heartbeat("b", 4));
  EXPECT_EQ(Count(Message::Type::kAppendReply) + Count(Message::Type::kHeartbeatReply), 0u);
  EXPECT_EQ(locks_.back().holder, "b");
  EXPECT_EQ(locks_.back().holder_term, 4u);
  PersistLock();
  const Message* reply = Last(Message::Type::kAppendReply, "b");
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(reply->match, 2u);
}

TEST_F(MemberTest, NothingIsAcknowledgedForAnOlderTermAfterAGrant) {
  Start({1});
  Follow("b", 1);
  std::string records = Records(2, {1});
  Step(Append("b", 1, 1, 1, records));
  member().PeerDead("b", kRunOfB, now_);
  Step(LockRequest("c", 2, 1, 5));
  PersistLock();
  sent_.clear();
  PersistRecords();  // the fsync that was in flight
  EXPECT_EQ(Count(Message::Type::kAppendReply), 0u);
  EXPECT_EQ(Count(Message::Type::kHeartbeatReply), 0u);
}

TEST_F(MemberTest, AWriteBegunBeforeATruncationDoesntCountForWhatCameAfter) {
  Start({1});
  Follow("b", 1);
  std::string old_records = Records(2, {1, 1, 1});
  Step(Append("b", 1, 1, 1, old_records));
  Term old_term = records_term_;
  Index old_last = records_last_;
  std::string records = Records(2, {2, 2, 2});
  Step(Append("c", 2, 1, 1, records));
  EXPECT_EQ(truncated_after_, 1u);
  PersistLock();
  sent_.clear();
  member().RecordsPersisted(old_term, old_last, now_);
  Turn();
  const Message* reply = Last(Message::Type::kAppendReply, "c");
  EXPECT_TRUE(reply == nullptr || reply->match <= 1);
  PersistRecords();
  reply = Last(Message::Type::kAppendReply, "c");
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(reply->match, 4u);
}

TEST_F(MemberTest, AMatchIsClaimedOnlyAsFarAsItWasChecked) {
  Start({1, 1, 1, 1});  // all on disk, but of b's log only entry 2 is known to be the same
  Follow("b", 2);
  Step(Append("b", 2, 1, 2));
  const Message* reply = Last(Message::Type::kAppendReply, "b");
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(reply->match, 2u);
}

TEST_F(MemberTest, AfterADiskFailureItNeitherVotesNorAcknowledgesNorLeads) {
  Start({1});
  Follow("b", 1);
  member().DiskFailed(now_);
  std::string records = Records(2, {1});
  Step(Append("b", 1, 1, 1, records));
  Step(Heartbeat("b", 1));
  PersistRecords();
  for (const Message& message : sent_) {
    EXPECT_LE(message.match, 1u);
    EXPECT_EQ(message.sent_at, 0);  // renews nothing
  }
  member().PeerDead("b", kRunOfB, now_);
  EXPECT_EQ(Ask(LockRequest("c", 2, 1, 2)), "refused");
  Advance(3 * kTtl);
  EXPECT_EQ(Count(Message::Type::kPreLock), 0u);

  Start({1});
  Lead();
  member().DiskFailed(now_);
  Turn();
  EXPECT_EQ(member().role(), Role::kLocal);
  EXPECT_EQ(Count(Message::Type::kRelease), 2u);
}

// Elections ------------------------------------------------------------------------------------

TEST_F(MemberTest, ALoneVoterIsTheGlobalAtOnceAndAfterARestart) {
  LockState empty;
  empty.configuration = {};
  Recovered recovered;
  MemberOptions options;
  options.id = "a";
  options.run = kRun;
  member_ = std::make_unique<Member>(options, std::move(recovered), now_, kWallMs);
  EXPECT_FALSE(member().is_member());
  member().Bootstrap(Info("a"), now_);
  Turn();
  EXPECT_EQ(member().role(), Role::kCandidate);  // its grant isn't durable yet
  PersistLock();
  EXPECT_EQ(member().role(), Role::kGlobal);
  EXPECT_FALSE(member().serving());
  PersistRecords();
  EXPECT_TRUE(member().serving());
  EXPECT_TRUE(member().LeaseValid(now_ + 100 * kTtl));
  LockState on_disk = locks_.back();

  Start({1}, on_disk);
  Turn();
  Persist();
  EXPECT_TRUE(member().serving());
  EXPECT_EQ(member().term(), 2u);
}

TEST_F(MemberTest, APreElectionChangesNothing) {
  Start({1});
  Turn();
  EXPECT_EQ(Count(Message::Type::kPreLock), 2u);
  EXPECT_EQ(member().term(), 1u);
  EXPECT_TRUE(locks_.empty());
  EXPECT_EQ(Ask(PreLockRequest("b", 2, 2, 9)), "granted");
  EXPECT_EQ(member().term(), 1u);
  EXPECT_TRUE(locks_.empty());
}

TEST_F(MemberTest, OfEqualsInAPreElectionTheOneOfLowerRankGoesOn) {
  Start({1});
  Turn();
  ASSERT_EQ(Count(Message::Type::kPreLock), 2u);
  EXPECT_EQ(Ask(PreLockRequest("b", 2, 1, 1)), "refused");  // a ranks before b

  LockState lock;
  lock.configuration = Voters({"b", "a", "c"});
  Start({1}, lock);
  Turn();
  EXPECT_EQ(Ask(PreLockRequest("b", 2, 1, 1)), "granted");
}

TEST_F(MemberTest, WaitsByRankAmongThoseAlive) {
  LockState lock;
  lock.configuration = Voters({"b", "c", "a"});
  Start({1}, lock);
  Follow("b", 1);
  member().PeerDead("b", kRunOfB, now_);
  Turn();
  EXPECT_EQ(Count(Message::Type::kPreLock), 0u);
  EXPECT_EQ(member().NextTick(), now_ + kTtl / 20);  // c is before it
  Advance(kTtl / 20 - 1);
  EXPECT_EQ(Count(Message::Type::kPreLock), 0u);
  Advance(1);
  EXPECT_EQ(Count(Message::Type::kPreLock), 2u);
}

TEST_F(MemberTest, RankZeroOfThoseAliveStandsAtOnce) {
  LockState lock;
  lock.configuration = Voters({"b", "a", "c"});
  Start({1}, lock);
  Follow("b", 1);
  member().PeerDead("b", kRunOfB, now_);
  Turn();
  EXPECT_EQ(Count(Message::Type::kPreLock), 2u);
}

TEST_F(MemberTest, ASplitVoteIsRetriedByRank) {
  Start({1});
  Turn();
  Message pre = From("b", Message::Type::kPreLockReply, 2);
  pre.granted = true;
  Step(pre);
  ASSERT_EQ(member().role(), Role::kCandidate);
  Step(From("b", Message::Type::kLockReply, 2));
  Step(From("c", Message::Type::kLockReply, 2));
  EXPECT_EQ(member().role(), Role::kLocal);
  sent_.clear();
  Advance(kTtl / 20);
  EXPECT_EQ(Count(Message::Type::kPreLock), 2u);
  EXPECT_EQ(Last(Message::Type::kPreLock, "b")->term, 3u);
}

TEST_F(MemberTest, AGlobalRefusedForANewerTermStandsAboveIt) {
  Start({1});
  Lead();
  Term newer = member().term() + 5;
  Step(From("c", Message::Type::kAppendReply, newer));
  EXPECT_EQ(member().role(), Role::kLocal);
  EXPECT_EQ(member().term(), newer);
  ASSERT_NE(Last(Message::Type::kPreLock, "b"), nullptr);
  EXPECT_EQ(Last(Message::Type::kPreLock, "b")->term, newer + 1);
}

TEST_F(MemberTest, AStaleGlobalIsToldSo) {
  Start({1});
  Follow("c", 4);
  Step(Append("b", 3, 1, 1));
  const Message* reply = Last(Message::Type::kAppendReply, "b");
  ASSERT_NE(reply, nullptr);
  EXPECT_FALSE(reply->accepted);
  EXPECT_EQ(reply->term, 4u);
  EXPECT_EQ(member().holder(), "c");
}

TEST_F(MemberTest, AGlobalWithoutAMajorityForATtlGivesTheLockUp) {
  Start({1});
  Lead();
  EXPECT_TRUE(member().HasMajority(now_));
  for (int i = 0; i < 9; ++i) Advance(kTtl / 10);
  EXPECT_EQ(member().role(), Role::kGlobal);
  Advance(kTtl / 10 + 1);
  EXPECT_EQ(member().role(), Role::kLocal);
  EXPECT_EQ(Count(Message::Type::kRelease), 2u);
}

TEST_F(MemberTest, ReleaseFreesTheLockAndKeepsStillForAWhile) {
  Start({1});
  Lead();
  member().Release(now_);
  Turn();
  EXPECT_EQ(Count(Message::Type::kRelease), 2u);
  EXPECT_EQ(member().Propose("x", now_), 0u);
  Advance(kTtl);
  EXPECT_EQ(Count(Message::Type::kPreLock), 0u);
  Advance(kTtl);
  EXPECT_EQ(Count(Message::Type::kPreLock), 2u);
}

TEST_F(MemberTest, AGrantWaitsForItsCandidateUnlessThatDies) {
  Start({1});
  member().PeerConnected("b", kRunOfB, now_);
  EXPECT_EQ(Ask(LockRequest("b", 2, 1, 1)), "granted");
  sent_.clear();
  Advance(kTtl / 2);
  EXPECT_EQ(Count(Message::Type::kPreLock), 0u);
  member().PeerDead("b", kRunOfB, now_);
  Turn();
  EXPECT_EQ(Count(Message::Type::kPreLock), 2u);
}

TEST_F(MemberTest, AnUnansweredRequestIsRepeated) {
  Start({1});
  Turn();
  ASSERT_EQ(Count(Message::Type::kPreLock), 2u);
  Message refused = From("c", Message::Type::kPreLockReply, 1);
  Step(refused);
  sent_.clear();
  Advance(kTtl / 4);
  EXPECT_EQ(Count(Message::Type::kPreLock), 1u);
  EXPECT_NE(Last(Message::Type::kPreLock, "b"), nullptr);
}

// Committing -----------------------------------------------------------------------------------

// A grant may take an fsync, and arrive at the next run of who asked. What that one's log lost
// isn't in the votes of its own.
TEST_F(MemberTest, AGrantToAnEarlierRunIsNoVote) {
  Start({1, 1});
  member().PeerConnected("b", kRunOfB, now_);
  Turn();
  Message pre = From("b", Message::Type::kPreLockReply, 2);
  pre.granted = true;
  Step(pre);
  Message grant = From("b", Message::Type::kLockReply, 2);
  grant.granted = true;
  grant.request = kRun - 1;
  Step(grant);
  Persist();
  EXPECT_EQ(member().role(), Role::kCandidate);
  grant.request = kRun;
  Step(grant);
  EXPECT_EQ(member().role(), Role::kGlobal);
}

// Found by the simulator: a snapshot installed behind a failed disk was acknowledged as durable.
TEST_F(MemberTest, AMemberWhoseDiskFailedInstallsNoSnapshot) {
  Start({1});
  Follow("b", 1);
  member().DiskFailed(now_);
  member().InstallSnapshot(9, 1, kWallMs, Voters({"a", "b", "c"}), now_);
  Turn();
  EXPECT_LT(member().commit(), 9u);
  EXPECT_EQ(Count(Message::Type::kSnapshotDone), 0u);
}

TEST_F(MemberTest, EntriesOfOlderTermsAreCommittedByTheFirstOfThisOnly) {
  Start({1, 1});
  member().PeerConnected("b", kRunOfB, now_);
  Turn();
  Message pre = From("b", Message::Type::kPreLockReply, 2);
  pre.granted = true;
  Step(pre);
  Message grant = From("b", Message::Type::kLockReply, 2);
  grant.granted = true;
  Step(grant);
  Persist();
  ASSERT_EQ(member().role(), Role::kGlobal);
  Step(Ack("b", 2));  // a majority holds both old entries
  EXPECT_EQ(member().commit(), 0u);
  Step(Ack("b", 3));
  EXPECT_EQ(member().commit(), 3u);
}

TEST_F(MemberTest, TheOwnDiskCountsWhenItReports) {
  Start({1});
  Lead();
  Index index = member().Propose("x", now_);
  Turn();
  Step(Ack("b", index));
  EXPECT_LT(member().commit(), index);
  PersistRecords();
  EXPECT_EQ(member().commit(), index);

  index = member().Propose("y", now_);
  Turn();
  Step(Ack("b", index));
  Step(Ack("c", index));  // a majority without us
  EXPECT_EQ(member().commit(), index);
}

TEST_F(MemberTest, TheQuarantinedDontCount) {
  Start({1});
  Lead();
  Index index = member().Propose("x", now_);
  Turn();
  Message ack = Ack("b", index);
  ack.quarantined = true;
  Step(ack);
  PersistRecords();
  EXPECT_LT(member().commit(), index);
  Step(Ack("c", index));
  EXPECT_EQ(member().commit(), index);
}

TEST_F(MemberTest, ACommitIsToldToWhoWantsItInTheSameTurn) {
  Start({1});
  Lead();
  Index index = member().Propose("x", now_);
  member().WantCommit("c", index);
  Turn();
  PersistRecords();
  sent_.clear();
  Step(Ack("b", index));
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].to, "c");
  EXPECT_EQ(sent_[0].commit, index);
  EXPECT_EQ(sent_[0].sent_at, 0);  // needs no answer
}

// Replication ----------------------------------------------------------------------------------

TEST_F(MemberTest, AppendsArePipelinedWithinTheirLimit) {
  MemberOptions options;
  options.max_append_bytes = 1000;
  options.max_inflight_bytes = 3000;
  Start({1}, {}, options);
  Lead();
  Index before = member().log().last_index();
  for (int i = 0; i < 40; ++i) member().Propose(std::string(250, 'x'), now_);
  Turn();
  size_t bytes = 0, appends = 0;
  for (const Message& message : sent_) {
    if (message.type != Message::Type::kAppend || message.to != "b") continue;
    EXPECT_LE(message.records.size(), 1000u);
    bytes += message.records.size();
    ++appends;
  }
  EXPECT_GE(appends, 3u);
  EXPECT_LE(bytes, 4000u);
  EXPECT_FALSE(member().HasReady());
  sent_.clear();
  Step(Ack("b", before + 3));  // room again
  EXPECT_EQ(Count(Message::Type::kAppend), 1u);
}

TEST_F(MemberTest, ALostAppendIsSentAgainWhenSomethingSentLaterWasAnswered) {
  Start({1});
  Lead();
  Index index = member().Propose("x", now_);
  Turn();
  Advance(kTtl / 4);
  Message reply = From("b", Message::Type::kHeartbeatReply, member().term());
  reply.match = reply.received = index - 1;
  reply.sent_at = Last(Message::Type::kHeartbeat, "b")->sent_at;
  sent_.clear();
  Step(reply);
  const Message* append = Last(Message::Type::kAppend, "b");
  ASSERT_NE(append, nullptr);
  EXPECT_EQ(append->log_index, index - 1);
  EXPECT_FALSE(append->records.empty());
}

// Two members, by hand: how many refusals until the logs meet?
TEST_F(MemberTest, BacksOffATermAtATime) {
  std::vector<Term> global_terms(500, 1);
  global_terms.insert(global_terms.end(), 500, 4);
  std::vector<Term> local_terms(400, 1);
  local_terms.insert(local_terms.end(), 300, 2);
  local_terms.insert(local_terms.end(), 300, 3);
  Start(global_terms);
  member().PeerConnected("b", kRunOfB, now_);
  std::unique_ptr<Member> local;
  {
    Log log;
    ASSERT_TRUE(log.AppendRecords(Records(1, local_terms)));
    Recovered recovered;
    recovered.lock.term = 3;
    recovered.lock.configuration = Voters({"a", "b", "c"});
    recovered.log = &log;
    MemberOptions options;
    options.id = "b";
    options.run = kRunOfB;
    local = std::make_unique<Member>(options, std::move(recovered), now_, kWallMs);
  }
  Lead();
  ASSERT_EQ(member().role(), Role::kGlobal);
  member().PeerClosed("b", now_);
  member().PeerConnected("b", kRunOfB, now_);
  Turn();
  int refusals = 0;
  for (int i = 0; i < 20; ++i) {
    const Message* append = Last(Message::Type::kAppend, "b");
    if (append == nullptr) break;
    local->Step(*append, now_);
    Ready ready = local->TakeReady(now_);
    local->LockPersisted(ready.lock_sequence, now_);
    local->RecordsPersisted(ready.records_term, ready.records_last, now_);
    std::vector<Message> replies = std::move(ready.messages);
    Ready more = local->TakeReady(now_);
    replies.insert(replies.end(), more.messages.begin(), more.messages.end());
    sent_.clear();
    for (const Message& reply : replies) {
      if (reply.type != Message::Type::kAppendReply) continue;
      refusals += reply.accepted ? 0 : 1;
      Step(reply);
    }
  }
  EXPECT_EQ(local->log().last_index(), member().log().last_index());
  EXPECT_EQ(local->log().TermAt(700), 4u);
  EXPECT_LE(refusals, 3);
}

TEST_F(MemberTest, MalformedRecordsChangeNothing) {
  Start({1, 1});
  Follow("b", 2);
  std::string gap = Records(4, {2});
  Step(Append("b", 2, 1, 2, gap));
  std::string newer_term = Records(3, {3});
  Step(Append("b", 2, 1, 2, newer_term));
  std::string damaged = Records(2, {2, 2});  // would replace entry 2
  damaged.back() ^= 1;
  Step(Append("b", 2, 1, 1, damaged));
  std::string cut = Records(3, {2});
  cut.pop_back();
  Step(Append("b", 2, 1, 2, cut));
  EXPECT_EQ(member().log().last_index(), 2u);
  EXPECT_EQ(member().log().last_term(), 1u);
  EXPECT_FALSE(truncated_after_.has_value());
  std::string good = Records(3, {2});
  Step(Append("b", 2, 1, 2, good));
  EXPECT_EQ(member().log().last_index(), 3u);
}

TEST_F(MemberTest, CommittedEntriesAreNeverReplaced) {
  Start({1, 1});
  Follow("b", 1);
  Step(Append("b", 1, 1, 2, {}, 2));
  ASSERT_EQ(member().commit(), 2u);
  std::string other = Records(2, {2, 2});  // what no real global could send
  Step(Append("c", 2, 1, 1, other));
  EXPECT_EQ(member().log().TermAt(2), 1u);
  EXPECT_EQ(member().commit(), 2u);
}

TEST_F(MemberTest, ALocalCommitsOnlyWhatMatches) {
  Start({1, 1, 1});
  Follow("b", 2);
  Step(Append("b", 2, 1, 1, {}, 3));
  EXPECT_EQ(member().commit(), 1u);
  Step(Heartbeat("b", 2, 3));
  EXPECT_EQ(member().commit(), 1u);
  Step(Append("b", 2, 1, 3, {}, 3));
  EXPECT_EQ(member().commit(), 3u);
}

TEST_F(MemberTest, WhoIsBehindTheLogInMemoryIsNamedForASnapshotOnce) {
  Start(std::vector<Term>(50, 1));
  Lead();
  member().DropLogUpTo(member().commit());
  ASSERT_GT(member().log().base_index(), 0u);
  member().PeerConnected("c", kRunOfC + 1, now_);  // with an empty disk
  Turn();
  Message refusal = From("c", Message::Type::kAppendReply, member().term());
  refusal.run = kRunOfC + 1;
  refusal.sent_at = NewestSentAt("c");
  Step(refusal);
  ASSERT_EQ(wanted_, std::vector<NodeId>{"c"});
  Step(refusal);
  Advance(kTtl / 4);
  EXPECT_EQ(wanted_.size(), 1u);
  member().SnapshotSent("c", member().commit(), false, now_);
  Turn();
  refusal.sent_at = NewestSentAt("c");
  Step(refusal);
  EXPECT_EQ(wanted_.size(), 2u);  // the first one broke
  member().SnapshotSent("c", member().commit(), true, now_);
  Message done = From("c", Message::Type::kSnapshotDone, member().term());
  done.run = kRunOfC + 1;
  done.match = member().commit();
  sent_.clear();
  Step(done);
  ASSERT_NE(Last(Message::Type::kAppend, "c"), nullptr);
  EXPECT_EQ(Last(Message::Type::kAppend, "c")->log_index, member().commit());
}

TEST_F(MemberTest, ASnapshotKeepsTheEntriesBehindIt) {
  Start({1, 1, 1, 1});
  Follow("b", 1);
  member().InstallSnapshot(2, 1, kWallMs, Voters({"a", "b", "c"}), now_);
  Turn();
  EXPECT_EQ(member().commit(), 2u);
  EXPECT_EQ(member().log().last_index(), 4u);
  member().InstallSnapshot(9, 1, kWallMs, Voters({"a", "b", "c"}), now_);
  Turn();
  EXPECT_EQ(member().commit(), 9u);
  EXPECT_EQ(member().log().base_index(), 9u);
  EXPECT_EQ(Last(Message::Type::kSnapshotDone, "b")->match, 9u);
}

TEST_F(MemberTest, WhoseStateIsLostTakesNoEntriesUntilASnapshot) {
  Start({1});
  Follow("b", 1);
  member().NeedSnapshot();
  std::string records = Records(2, {1});
  Step(Append("b", 1, 1, 1, records));
  EXPECT_EQ(member().log().last_index(), 1u);
  EXPECT_TRUE(Last(Message::Type::kAppendReply, "b")->wants_snapshot);
  member().InstallSnapshot(5, 1, kWallMs, Voters({"a", "b", "c"}), now_);
  std::string later = Records(6, {1});
  Step(Append("b", 1, 1, 5, later));
  EXPECT_EQ(member().log().last_index(), 6u);
}

// Lease and reads ------------------------------------------------------------------------------

TEST_F(MemberTest, TheLeaseRunsFromTheSendTimeForTheTtlLessTenPercent) {
  Start({1});
  Lead();
  Advance(kTtl / 4);
  Micros sent_at = Last(Message::Type::kHeartbeat, "b")->sent_at;
  EXPECT_EQ(sent_at, now_);
  now_ += 50'000;  // the answer takes its time
  Message reply = From("b", Message::Type::kHeartbeatReply, member().term());
  reply.sent_at = sent_at;
  Step(reply);
  EXPECT_TRUE(member().LeaseValid(sent_at + kTtl - kTtl / 10 - 1));
  EXPECT_FALSE(member().LeaseValid(sent_at + kTtl - kTtl / 10));
}

TEST_F(MemberTest, AClosedLinkTakesAVoterOutOfTheLease) {
  Start({1});
  Lead();
  ASSERT_TRUE(member().LeaseValid(now_));
  member().PeerClosed("b", now_);
  EXPECT_TRUE(member().LeaseValid(now_));  // c is there
  member().PeerClosed("c", now_);
  EXPECT_FALSE(member().LeaseValid(now_));
  Micros before_close = NewestSentAt("c");
  member().PeerConnected("c", kRunOfC, now_);
  Message reply = From("c", Message::Type::kHeartbeatReply, member().term());
  reply.sent_at = before_close;
  Step(reply);
  EXPECT_FALSE(member().LeaseValid(now_));
  Turn();
  reply.sent_at = NewestSentAt("c");
  Step(reply);
  EXPECT_TRUE(member().LeaseValid(now_));
}

TEST_F(MemberTest, NoLeaseBeforeTheFirstEntryIsCommitted) {
  Start({1});
  member().PeerConnected("b", kRunOfB, now_);
  Turn();
  Message pre = From("b", Message::Type::kPreLockReply, 2);
  pre.granted = true;
  Step(pre);
  Message grant = From("b", Message::Type::kLockReply, 2);
  grant.granted = true;
  Step(grant);
  Persist();
  Step(Ack("b", 1));
  EXPECT_FALSE(member().LeaseValid(now_));
  uint64_t request = member().RequestRead(now_);
  Turn();
  EXPECT_TRUE(reads_.empty());
  Step(Ack("b", 2));
  ASSERT_EQ(reads_.size(), 1u);
  EXPECT_EQ(reads_[0].request, request);
  EXPECT_EQ(reads_[0].index, 2u);
}

TEST_F(MemberTest, WithoutALeaseAReadNeedsARoundBegunAfterIt) {
  Start({1});
  Lead();
  Advance(kTtl / 4);
  Micros earlier = NewestSentAt("b");
  now_ += kTtl * 7 / 10;  // the lease is over, the lock not yet
  ASSERT_FALSE(member().LeaseValid(now_));
  sent_.clear();
  member().RequestRead(now_);
  Turn();
  EXPECT_EQ(Count(Message::Type::kHeartbeat), 2u);  // begun at once
  EXPECT_TRUE(reads_.empty());
  Message reply = From("b", Message::Type::kHeartbeatReply, member().term());
  reply.sent_at = earlier;
  member().PeerClosed("b", now_);  // so that no lease comes of it
  member().PeerConnected("b", kRunOfB, now_);
  Step(reply);
  EXPECT_TRUE(reads_.empty());
  reply.sent_at = NewestSentAt("b");
  Step(reply);
  ASSERT_EQ(reads_.size(), 1u);
  EXPECT_TRUE(reads_[0].ok);
}

TEST_F(MemberTest, ALocalAsksOnceATurn) {
  Start({1});
  Follow("b", 1);
  uint64_t first = member().RequestRead(now_);
  member().RequestRead(now_);
  uint64_t last = member().RequestRead(now_);
  Turn();
  ASSERT_EQ(Count(Message::Type::kReadIndex), 1u);
  Message reply = From("b", Message::Type::kReadIndexReply, 1);
  reply.request = Last(Message::Type::kReadIndex, "b")->request;
  reply.accepted = true;
  reply.commit = 1;
  reply.global_time_ms = kWallMs + 5;
  Step(reply);
  ASSERT_EQ(reads_.size(), 3u);
  EXPECT_EQ(reads_[0].request, first);
  EXPECT_EQ(reads_[2].request, last);
  EXPECT_TRUE(reads_[2].ok);
  EXPECT_EQ(reads_[2].index, 1u);
  EXPECT_EQ(reads_[2].global_time_ms, kWallMs + 5);
  Step(reply);  // doubled
  EXPECT_EQ(reads_.size(), 3u);
}

TEST_F(MemberTest, AReadFailsWithItsGlobal) {
  Start({1});
  member().RequestRead(now_);  // nobody to ask
  Turn();
  ASSERT_EQ(reads_.size(), 1u);
  EXPECT_FALSE(reads_[0].ok);
  Follow("b", 1);
  member().RequestRead(now_);
  Turn();
  member().PeerClosed("b", now_);
  Turn();
  ASSERT_EQ(reads_.size(), 2u);
  EXPECT_FALSE(reads_[1].ok);
  member().PeerConnected("b", kRunOfB, now_);
  member().RequestRead(now_);
  Turn();
  Step(Heartbeat("c", 2));
  ASSERT_EQ(reads_.size(), 3u);
  EXPECT_FALSE(reads_[2].ok);
}

// Membership -----------------------------------------------------------------------------------

TEST_F(MemberTest, MembersChangeOneAtATime) {
  Start({1});
  std::string why;
  EXPECT_FALSE(member().AddMember(Info("d"), now_, &why));  // not the global
  EXPECT_FALSE(why.empty());
  Lead();
  ASSERT_TRUE(member().AddMember(Info("d"), now_, &why)) << why;
  EXPECT_EQ(member().configuration().Find("d")->kind, MemberInfo::Kind::kLearner);
  EXPECT_FALSE(member().AddMember(Info("e"), now_, &why));
  EXPECT_FALSE(member().RemoveMember("c", now_, &why));
  Index index = member().log().last_index();
  Turn();
  Step(Ack("b", index));
  PersistRecords();
  EXPECT_TRUE(member().RemoveMember("c", now_, &why)) << why;
}

TEST_F(MemberTest, NoChangeBeforeTheFirstEntryOfTheTermIsCommitted) {
  Start({1});
  member().PeerConnected("b", kRunOfB, now_);
  Turn();
  Message pre = From("b", Message::Type::kPreLockReply, 2);
  pre.granted = true;
  Step(pre);
  Message grant = From("b", Message::Type::kLockReply, 2);
  grant.granted = true;
  Step(grant);
  Persist();
  ASSERT_EQ(member().role(), Role::kGlobal);
  std::string why;
  EXPECT_FALSE(member().AddMember(Info("d"), now_, &why));
}

TEST_F(MemberTest, ALearnerBecomesAVoterWhenItHasCaughtUp) {
  Start({1});
  Lead();
  std::string why;
  ASSERT_TRUE(member().AddMember(Info("d"), now_, &why));
  Index index = member().log().last_index();
  member().PeerConnected("d", 4004, now_);
  Turn();
  Step(Ack("b", index));
  PersistRecords();
  EXPECT_EQ(member().configuration().VoterCount(), 3u);
  Message ack = From("d", Message::Type::kAppendReply, member().term());
  ack.run = 4004;
  ack.accepted = true;
  ack.match = ack.received = index;
  ack.sent_at = NewestSentAt("d");
  Step(ack);
  EXPECT_EQ(member().configuration().VoterCount(), 4u);
}

TEST_F(MemberTest, AConfigurationHoldsWhenAppendedAndIsUndoneWithItsEntry) {
  Start({1});
  Follow("b", 1);
  Configuration grown = Voters({"a", "b", "c"});
  grown.members.push_back(Info("d", MemberInfo::Kind::kLearner));
  std::string records;
  AppendRecord(&records, {0, 1, 2, kWallMs, EntryType::kConfiguration, grown.Encode()});
  Step(Append("b", 1, 1, 1, records));
  EXPECT_EQ(member().configuration(), grown);
  std::string other = Records(2, {2});
  Step(Append("c", 2, 1, 1, other));
  EXPECT_EQ(member().configuration(), Voters({"a", "b", "c"}));
}

TEST_F(MemberTest, AConfigurationAppendedIsFoundAgainAfterARestart) {
  Configuration grown = Voters({"a", "b", "c", "d"});
  Log log;
  std::string records = Records(1, {1});
  AppendRecord(&records, {0, 1, 2, kWallMs, EntryType::kConfiguration, grown.Encode()});
  ASSERT_TRUE(log.AppendRecords(records));
  Recovered recovered;
  recovered.lock.term = 1;
  recovered.lock.configuration = Voters({"a", "b", "c"});
  recovered.log = &log;
  MemberOptions options;
  options.id = "a";
  options.run = kRun;
  Member restarted(options, std::move(recovered), now_, kWallMs);
  EXPECT_EQ(restarted.configuration(), grown);
  EXPECT_EQ(restarted.lock_state().configuration, Voters({"a", "b", "c"}));
}

TEST_F(MemberTest, TheLastVoterStays) {
  LockState lock;
  lock.configuration = Voters({"a"});
  Start({1}, lock);
  Turn();
  Persist();
  ASSERT_TRUE(member().serving());
  std::string why;
  EXPECT_FALSE(member().RemoveMember("a", now_, &why));
  EXPECT_FALSE(member().RemoveMember("z", now_, &why));
}

TEST_F(MemberTest, WhoIsRemovedIsNoMemberOnceThatIsCommitted) {
  Start({1});
  Follow("b", 1);
  std::string records;
  AppendRecord(&records,
               {0, 1, 2, kWallMs, EntryType::kConfiguration, Voters({"b", "c"}).Encode()});
  Step(Append("b", 1, 1, 1, records));
  EXPECT_TRUE(member().is_member());
  Step(Append("b", 1, 1, 2, {}, 2));
  EXPECT_FALSE(member().is_member());
  Advance(5 * kTtl);
  EXPECT_EQ(Count(Message::Type::kPreLock), 0u);
}

// Handover -------------------------------------------------------------------------------------

TEST_F(MemberTest, AHandoverWaitsForTheChosenOneAndStopsProposals) {
  Start({1});
  Lead();
  Index index = member().Propose("x", now_);
  std::string why;
  EXPECT_FALSE(member().Transfer("a", now_, &why));
  EXPECT_FALSE(member().Transfer("z", now_, &why));
  ASSERT_TRUE(member().Transfer("b", now_, &why)) << why;
  EXPECT_FALSE(member().Transfer("c", now_, &why));
  EXPECT_EQ(member().Propose("y", now_), 0u);
  Turn();
  EXPECT_EQ(Count(Message::Type::kTransfer), 0u);
  EXPECT_TRUE(member().LeaseValid(now_));
  Step(Ack("b", index));
  EXPECT_EQ(Count(Message::Type::kTransfer), 1u);
  EXPECT_FALSE(member().LeaseValid(now_));  // given up
  Message request = LockRequest("b", member().term() + 1, member().term(), index);
  request.handover = true;
  EXPECT_EQ(Ask(request), "granted");
  EXPECT_EQ(member().role(), Role::kLocal);
}

TEST_F(MemberTest, AHandoverThatFailsEndsAfterATtl) {
  Start({1});
  Lead();
  std::string why;
  member().PeerClosed("c", now_);
  Index index = member().Propose("x", now_);
  ASSERT_TRUE(member().Transfer("b", now_, &why));
  Turn();
  for (int i = 0; i < 4; ++i) {  // b lives, but its disk is stuck
    Advance(kTtl / 4);
    Message reply = From("b", Message::Type::kHeartbeatReply, member().term());
    reply.match = index - 1;
    reply.received = index;
    reply.sent_at = NewestSentAt("b");
    Step(reply);
  }
  EXPECT_FALSE(member().transferring());
  EXPECT_EQ(member().role(), Role::kGlobal);
  EXPECT_NE(member().Propose("y", now_), 0u);
}

TEST_F(MemberTest, TheChosenOneStandsAtOnceWithTheHoldersWord) {
  Start({1});
  Follow("b", 1);
  Message transfer = From("b", Message::Type::kTransfer, 1);
  transfer.log_term = 1;
  transfer.log_index = 2;  // not what is here
  Step(transfer);
  EXPECT_EQ(member().role(), Role::kLocal);
  transfer.log_index = 1;
  Step(transfer);
  EXPECT_EQ(member().role(), Role::kCandidate);
  ASSERT_NE(Last(Message::Type::kLock, "c"), nullptr);
  EXPECT_TRUE(Last(Message::Type::kLock, "c")->handover);
}

// Quarantine -----------------------------------------------------------------------------------

TEST_F(MemberTest, TheQuarantinedSaySoAndTheirGrantCountsOnlyWithAll) {
  LockState lock;
  lock.quarantined = true;
  Start({1}, lock);
  EXPECT_EQ(Ask(LockRequest("b", 2, 1, 1)), "granted");
  EXPECT_TRUE(Last(Message::Type::kLockReply, "b")->quarantined);

  Start({1});
  Turn();
  Message pre = From("b", Message::Type::kPreLockReply, 2);
  pre.granted = pre.quarantined = true;
  Step(pre);
  EXPECT_EQ(member().role(), Role::kLocal);
  pre.from = "c";
  pre.run = kRunOfC;
  Step(pre);
  EXPECT_EQ(member().role(), Role::kCandidate);  // every voter answered
}

TEST_F(MemberTest, QuarantineEndsWhenAllThatAConfirmedGlobalHadIsHere) {
  LockState lock;
  lock.quarantined = true;
  Start({1}, lock);
  Follow("b", 1);
  std::string records = Records(2, {1, 1});
  Step(Append("b", 1, 1, 1, records, 1));
  Message heartbeat = Heartbeat("b", 1, 3);
  heartbeat.release_quarantine = true;
  Step(heartbeat);
  EXPECT_TRUE(member().quarantined());  // not on disk yet
  PersistRecords();
  EXPECT_FALSE(member().quarantined());
}

TEST_F(MemberTest, AGlobalLetsOutOfQuarantineOnlyAfterAMajoritySpokeSince) {
  Start({1});
  Lead();
  Message reply = From("c", Message::Type::kHeartbeatReply, member().term());
  reply.quarantined = true;
  reply.match = reply.received = member().commit();
  reply.sent_at = NewestSentAt("c");
  Step(reply);
  sent_.clear();
  Advance(kTtl / 4);
  EXPECT_FALSE(Last(Message::Type::kHeartbeat, "c")->release_quarantine);
  Step(Ack("b", member().commit()));
  Advance(kTtl / 4);
  EXPECT_TRUE(Last(Message::Type::kHeartbeat, "c")->release_quarantine);
}

// Bugs that the simulator found ----------------------------------------------------------------

// A proof of an earlier run that came late closed the link to the next run.
TEST_F(MemberTest, AProofOfAnEarlierRunLeavesTheNextOneConnected) {
  Start({1});
  Lead();
  member().PeerClosed("c", now_);
  member().PeerConnected("c", kRunOfC + 1, now_);
  member().PeerDead("c", kRunOfC, now_);
  for (const Progress& peer : member().progress()) EXPECT_TRUE(peer.connected) << peer.id;
}

// When the word that a snapshot is installed was lost, and the log had gone on, the local starved.
TEST_F(MemberTest, AnInstalledSnapshotIsSeenInHeartbeatReplies) {
  Start(std::vector<Term>(50, 1));
  Lead();
  Index index = member().commit();
  member().DropLogUpTo(index);
  member().PeerConnected("c", kRunOfC + 1, now_);
  Turn();
  Message refusal = From("c", Message::Type::kAppendReply, member().term());
  refusal.run = kRunOfC + 1;
  refusal.sent_at = NewestSentAt("c");
  Step(refusal);
  ASSERT_EQ(wanted_.size(), 1u);
  member().SnapshotSent("c", index, true, now_);
  Index later = member().Propose("x", now_);
  Turn();
  Step(Ack("b", later));
  PersistRecords();
  ASSERT_EQ(member().commit(), later);
  member().DropLogUpTo(later);
  Advance(kTtl / 4);
  Message reply = From("c", Message::Type::kHeartbeatReply, member().term());
  reply.run = kRunOfC + 1;
  reply.match = reply.received = index;
  reply.sent_at = NewestSentAt("c");
  Step(reply);
  EXPECT_EQ(wanted_.size(), 2u);  // another one is needed, and asked for
}

// A log that lost entries got a configuration again that was known to be committed, and counted it
// as a change in progress; a snapshot older than that configuration replaced it.
TEST_F(MemberTest, ACommittedConfigurationStaysInForce) {
  Configuration newest = Voters({"a", "b", "c", "d"});
  LockState lock;
  lock.term = 1;
  lock.configuration = newest;
  lock.configuration_index = 3;
  Start({1}, lock);  // entries 2 and 3 are lost
  Follow("b", 1);
  member().InstallSnapshot(2, 1, kWallMs, Voters({"a", "b"}), now_);
  Turn();
  EXPECT_EQ(member().configuration(), newest);
  std::string records;
  AppendRecord(&records, {0, 1, 3, kWallMs, EntryType::kConfiguration, newest.Encode()});
  Step(Append("b", 1, 1, 2, records, 3));
  EXPECT_EQ(member().configuration(), newest);
  EXPECT_EQ(member().commit(), 3u);
}

// Killed again before it had written anything, a member forgot that it was in quarantine.
TEST_F(MemberTest, QuarantineIsWrittenDownAtTheStart) {
  LockState lock;
  lock.quarantined = true;
  Start({1}, lock);
  Turn();
  ASSERT_FALSE(locks_.empty());
  EXPECT_TRUE(locks_.back().quarantined);
}

// A global that had removed itself held the newest log, and nobody could win: it must stand, on the
// votes of the others.
TEST_F(MemberTest, WhoAnUncommittedEntryRemovesStandsOnTheOthersVotes) {
  Log log;
  std::string records = Records(1, {1});
  AppendRecord(&records,
               {0, 1, 2, kWallMs, EntryType::kConfiguration, Voters({"b", "c"}).Encode()});
  ASSERT_TRUE(log.AppendRecords(records));
  Recovered recovered;
  recovered.lock.term = 1;
  recovered.lock.configuration = Voters({"a", "b", "c"});
  recovered.log = &log;
  MemberOptions options;
  options.id = "a";
  options.run = kRun;
  member_ = std::make_unique<Member>(options, std::move(recovered), now_, kWallMs);
  member().PeerConnected("b", kRunOfB, now_);
  member().PeerConnected("c", kRunOfC, now_);
  Turn();
  ASSERT_GE(Count(Message::Type::kPreLock), 2u);
  Message pre = From("b", Message::Type::kPreLockReply, 2);
  pre.granted = true;
  Step(pre);
  EXPECT_EQ(member().role(), Role::kLocal);  // b's vote and its own are no majority of b and c
  pre.from = "c";
  pre.run = kRunOfC;
  Step(pre);
  EXPECT_EQ(member().role(), Role::kCandidate);
}

// The rest -------------------------------------------------------------------------------------

TEST_F(MemberTest, ALoneGlobalWithoutALogCountsEntries) {
  LockState lock;
  lock.configuration = Voters({"a"});
  Start({}, lock);
  Turn();
  Persist();
  ASSERT_TRUE(member().serving());
  EXPECT_EQ(member().ProposeUnlogged(now_), 0u);  // the log still holds a record
  member().DropLogUpTo(member().commit());
  Index index = member().ProposeUnlogged(now_);
  EXPECT_EQ(index, 2u);
  EXPECT_EQ(member().ProposeUnlogged(now_), 3u);
  EXPECT_EQ(member().commit(), 3u);
  EXPECT_EQ(member().log().base_index(), 3u);
  EXPECT_FALSE(member().HasReady());
  std::string why;
  ASSERT_TRUE(member().AddMember(Info("b"), now_, &why)) << why;
  EXPECT_EQ(member().ProposeUnlogged(now_), 0u);
}

TEST_F(MemberTest, TheGlobalsTimeNeverRunsBackwards) {
  Start({1});
  Follow("b", 1);
  Message heartbeat = Heartbeat("b", 1);
  heartbeat.global_time_ms = kWallMs + 1000;
  Step(heartbeat);
  EXPECT_EQ(member().GlobalTimeMs(now_), kWallMs + 1000);
  now_ += 500'000;
  EXPECT_EQ(member().GlobalTimeMs(now_), kWallMs + 1500);
  heartbeat = Heartbeat("b", 1);
  heartbeat.global_time_ms = kWallMs + 1400;  // our clock is faster
  Step(heartbeat);
  EXPECT_EQ(member().GlobalTimeMs(now_), kWallMs + 1500);
  now_ += 100'000;
  EXPECT_EQ(member().GlobalTimeMs(now_), kWallMs + 1500);  // stands still until b's has come up
  now_ += 100'000;
  EXPECT_EQ(member().GlobalTimeMs(now_), kWallMs + 1600);
}

TEST_F(MemberTest, ANewGlobalNeverStampsEntriesBeforeTheLastOne) {
  LockState lock;
  lock.configuration = Voters({"a"});
  lock.term = 1;
  Log log;
  std::string records;
  AppendRecord(&records, {0, 1, 1, kWallMs + 3'600'000, EntryType::kNormal, "x"});
  ASSERT_TRUE(log.AppendRecords(records));
  Recovered recovered;
  recovered.lock = lock;
  recovered.log = &log;
  recovered.last_time_ms = kWallMs + 3'600'000;
  MemberOptions options;
  options.id = "a";
  options.run = kRun;
  member_ = std::make_unique<Member>(options, std::move(recovered), now_, kWallMs);
  Turn();
  Persist();
  ASSERT_TRUE(member().serving());
  EntryView first;
  ASSERT_TRUE(member().log().Get(2, &first));
  EXPECT_GE(first.time_ms, kWallMs + 3'600'000);
}

TEST_F(MemberTest, MessagesForOthersAreIgnored) {
  Start({1});
  Message message = LockRequest("b", 9, 9, 9);
  message.to = "c";
  EXPECT_EQ(Ask(message), "silent");
  message.to = "a";
  message.from = "a";
  EXPECT_EQ(Ask(message), "silent");
  EXPECT_EQ(member().term(), 1u);
}

TEST_F(MemberTest, TooLargeAPayloadIsntProposed) {
  Start({1});
  Lead();
  // Only the size is looked at before it is refused.
  EXPECT_EQ(member().Propose(std::string_view("x", kMaxPayloadBytes + 1), now_), 0u);
}

}  // namespace
}  // namespace understudy::cluster
