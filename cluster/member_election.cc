// Standing for the lock: pre-election (Ongaro's thesis, 9.6), election, handover (3.10), release.
#include <algorithm>
#include <utility>

#include "cluster/member_impl.h"

namespace understudy::cluster {

// Also one that an entry not yet committed removes: it may be the only one to hold what is needed
// to commit that (thesis, 4.2.2). Its own vote doesn't count then.
bool Member::Impl::MayStand() const {
  const MemberInfo* before = configurations.front().configuration.Find(self);
  bool voter = IsVoter(self) || (before != nullptr && before->kind == MemberInfo::Kind::kVoter);
  return role == Role::kLocal && phase == Phase::kNone && !disk_failed && !needs_snapshot && voter;
}

bool Member::Impl::RanksBefore(const NodeId& one, const NodeId& other) const {
  for (const MemberInfo& member : configuration().members) {
    if (member.id == one) return true;
    if (member.id == other) return false;
  }
  return false;
}

// Voters before this one that seem alive, the lost holder not counted.
size_t Member::Impl::Rank() const {
  size_t rank = 0;
  for (const MemberInfo& member : configuration().members) {
    if (member.id == self) break;
    if (member.kind != MemberInfo::Kind::kVoter || member.id == hold.node) continue;
    const Peer* peer = FindPeer(member.id);
    if (peer != nullptr && peer->connected) ++rank;
  }
  return rank;
}

Micros Member::Impl::StandAt() const {
  if (!MayStand()) return kForever;
  if (!LockFreeFor(self, lock.term + 1, false)) return hold.until;
  Micros wait = urgent ? 0 : static_cast<Micros>(Rank()) * RankStep();
  Micros since = vacant_since == kNever ? now : vacant_since;
  return std::max({since + wait, backoff_until, silent_until});
}

void Member::Impl::MaybeStand() {
  if (!MayStand()) return;
  if (!LockFreeFor(self, lock.term + 1, false)) {
    vacant_since = kNever;
    return;
  }
  if (vacant_since == kNever) vacant_since = now;
  if (now >= StandAt()) StartPreElection();
}

void Member::Impl::StartPreElection() {
  urgent = false;
  if (Voters() == 1 && IsVoter(self)) {
    StartElection(false);
    return;
  }
  phase = Phase::kPreElection;
  asked_term = lock.term + 1;
  asked_handover = false;
  phase_deadline = now + options.lock_ttl / 2;
  AskVoters();
}

// The lock of the next term. The requests may leave before our own grant is durable: whoever
// answers grants to this run, and a later run of ours begins terms of its own.
void Member::Impl::StartElection(bool handover) {
  SetTerm(lock.term + 1);
  role = Role::kCandidate;
  phase = Phase::kElection;
  asked_term = lock.term;
  asked_handover = handover;
  phase_deadline = now + options.lock_ttl;  // others' disks may be slow
  lock.granted_to = self;
  lock.granted_run = options.run;
  lock.promised_nothing = false;
  PersistLock(true);
  AskVoters();
}

void Member::Impl::AskVoters() {
  votes.clear();
  next_ask = now + options.lock_ttl / 4;
  for (const MemberInfo& member : configuration().members) {
    bool votes_here = member.kind == MemberInfo::Kind::kVoter || Planted(Bug::kLearnerVotes);
    if (!votes_here || member.id == self) continue;
    votes.push_back({member.id});
    AskVoter(member.id);
  }
  CountVotes();
}

void Member::Impl::AskVoter(const NodeId& id) {
  for (const Vote& vote : votes) {
    if (vote.id != id || vote.granted || vote.refused) continue;
    bool pre = phase == Phase::kPreElection;
    Message request = MakeMessage(pre ? Message::Type::kPreLock : Message::Type::kLock, id);
    request.term = asked_term;
    request.log_term = log.last_term();
    request.log_index = log.last_index();
    request.handover = asked_handover;
    Send(std::move(request));
  }
}

void Member::Impl::TickElection() {
  if (phase == Phase::kNone) return;
  if (now >= phase_deadline) {
    AbandonElection(static_cast<Micros>(Rank()) * RankStep());
  } else if (now >= next_ask) {  // a request or its answer may have been lost
    next_ask = now + options.lock_ttl / 4;
    for (const Vote& vote : votes) AskVoter(vote.id);
  }
}

void Member::Impl::OnVoteReply(const Message& message) {
  bool pre = message.type == Message::Type::kPreLockReply;
  if (phase != (pre ? Phase::kPreElection : Phase::kElection)) return;
  // An answer to an earlier run of ours, which may have had a log that is lost by now, comes over a
  // link of this one if its fsync took that long.
  if (message.request != options.run && !Planted(Bug::kCountsGrantToEarlierRun)) return;
  if (message.granted || !pre) {
    if (message.term != asked_term) return;
  }
  for (Vote& vote : votes) {
    if (vote.id != message.from || vote.granted) continue;
    vote.granted = message.granted;
    vote.refused = !message.granted;
    vote.quarantined = message.quarantined;
  }
  CountVotes();
}

void Member::Impl::CountVotes() {
  size_t granted = IsVoter(self) ? 1 : 0;
  size_t refused = 0;
  size_t trusted = lock.quarantined && !Planted(Bug::kQuarantinedVotes)
                       ? 0
                       : granted;  // grants that count by themselves
  for (const Vote& vote : votes) {
    granted += vote.granted ? 1 : 0;
    refused += vote.refused ? 1 : 0;
    bool trustworthy = !vote.quarantined || Planted(Bug::kQuarantinedVotes);
    trusted += vote.granted && trustworthy ? 1 : 0;
  }
  // With every voter's grant the log is the newest of all (R2), so that what the quarantined may
  // have lost can't be missed.
  bool everyone = granted == Voters();
  // But one that lost records may have lost those that made voters of the others it knows.
  bool others = configuration().members.size() > 1;
  if (lock.quarantined && Voters() == 1 && others) everyone = false;
  if (trusted >= Majority() || everyone) {
    if (phase == Phase::kPreElection) {
      StartElection(false);
    } else if (HoldsLockState()) {
      everyone_voted = trusted < Majority();
      BecomeGlobal();
    }
    return;
  }
  if (Voters() - refused < Majority()) {
    AbandonElection(static_cast<Micros>(Rank() + 1) * RankStep());
  }
}

void Member::Impl::AbandonElection(Micros backoff) {
  phase = Phase::kNone;
  votes.clear();
  if (role == Role::kCandidate) role = Role::kLocal;
  if (backoff != 0) backoff_until = std::max(backoff_until, now + backoff);
}

void Member::Impl::BecomeGlobal() {
  UNDERSTUDY_CHECK(role == Role::kCandidate && lock.granted_to == self &&
                       lock.granted_run == options.run && HoldsLockState(),
                   "a global holds a durable grant of its own");
  FailReads();
  role = Role::kGlobal;
  phase = Phase::kNone;
  votes.clear();
  lock.holder = self;  // on disk the grant says as much
  lock.holder_run = options.run;
  lock.holder_term = lock.term;
  hold = {self, options.run, lock.term, now, false, false};
  vacant_since = kNever;
  yielded = urgent = false;
  backoff_until = kNever;
  // Elected over the quarantine: at least as new as the logs of a majority outside of it, or as
  // all.
  if (lock.quarantined) {
    lock.quarantined = false;
    PersistLock(false);
  }
  held_requests.clear();
  StartReplication();
}

// Handover -----------------------------------------------------------------------------------

bool Member::Impl::Transfer(const NodeId& to, std::string* why) {
  auto refuse = [why](const char* text) {
    if (why != nullptr) *why = text;
    return false;
  };
  if (!Serving()) return refuse("not the global, or not serving yet");
  if (transfer) return refuse("a handover is in progress");
  NodeId best = to;
  if (best.empty()) {
    Index most = 0;
    for (const MemberInfo& member : configuration().members) {
      const Peer* peer = FindPeer(member.id);
      if (member.kind != MemberInfo::Kind::kVoter || peer == nullptr || !peer->connected) continue;
      if (peer->quarantined || peer->flow == Flow::kSnapshot) continue;
      if (best.empty() || peer->match > most) {
        best = member.id;
        most = peer->match;
      }
    }
    if (best.empty()) return refuse("no other voter is connected");
  }
  if (best == self) return refuse("this node is the global already");
  const Peer* peer = FindPeer(best);
  if (!IsVoter(best)) return refuse("not a voter of this cluster");
  if (peer == nullptr || !peer->connected) return refuse("that voter isn't connected");
  if (peer->quarantined) return refuse("that voter is in quarantine");
  transfer = true;
  transfer_to = best;
  transfer_deadline = now + options.lock_ttl;
  MaybeSendTransfer();
  return true;
}

// When the chosen one holds everything, durably.
void Member::Impl::MaybeSendTransfer() {
  if (!transfer || transfer_sent) return;
  const Peer* peer = FindPeer(transfer_to);
  if (peer == nullptr || !peer->connected || peer->match != log.last_index()) return;
  transfer_sent = true;
  Message message = MakeMessage(Message::Type::kTransfer, transfer_to);
  message.log_term = log.last_term();
  message.log_index = log.last_index();
  Send(std::move(message));
}

void Member::Impl::OnTransfer(const Message& message) {
  bool from_holder = lock.holder_term == lock.term && lock.holder == message.from &&
                     lock.holder_run == message.run;
  if (!from_holder || !MayStand()) return;
  if (log.last_term() != message.log_term || log.last_index() != message.log_index) return;
  StartElection(true);
}

void Member::Impl::TickTransfer() {
  if (!transfer || now < transfer_deadline) return;
  transfer = false;
  if (Planted(Bug::kHandoverForgotten)) transfer_sent = false;
  // Not taken over. If it was asked to, the lease of this term is gone for good: others may grant
  // the next term at any time. Take that term ourselves, so that the late one can't.
  if (transfer_sent) {
    BecomeLocal();
    if (MayStand()) StartElection(false);
  }
}

// Release ------------------------------------------------------------------------------------

void Member::Impl::Release(Micros silent_for) {
  silent_until = std::max(silent_until, silent_for == 0 ? kNever : now + silent_for);
  if (role == Role::kGlobal) {
    for (const auto& [id, peer] : peers) {
      if (peer.replicated) Send(MakeMessage(Message::Type::kRelease, id));
    }
    BecomeLocal();
  } else if (phase != Phase::kNone) {
    AbandonElection(0);
  }
}

void Member::Impl::OnRelease(const Message& message) {
  if (hold.node != message.from) return;
  bool same_hold = hold.run == message.run && hold.term == message.term;
  if (!same_hold && !Planted(Bug::kReleaseOfAnyTerm)) return;
  hold.free = true;
  if (role != Role::kGlobal) FailReads();
  SettleHeldRequests();
  MaybeStand();
}

}  // namespace understudy::cluster
