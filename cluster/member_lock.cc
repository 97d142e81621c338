// The voter: whom to grant the lock, and what is known of other nodes' runs.
#include <algorithm>
#include <utility>

#include "cluster/member_impl.h"

namespace understudy::cluster {

namespace {

bool Contains(const std::array<RunId, 4>& runs, RunId run) {
  return std::find(runs.begin(), runs.end(), run) != runs.end();
}

void PushFront(std::array<RunId, 4>* runs, RunId run) {
  if (run == 0 || Contains(*runs, run)) return;
  std::rotate(runs->rbegin(), runs->rbegin() + 1, runs->rend());
  (*runs)[0] = run;
}

}  // namespace

// A run is proved dead by the driver (PeerDead), or by a later run of the same node: a data
// directory belongs to one process at a time.
bool Member::Impl::ProvedDead(const NodeId& node, RunId run) const {
  if (node == self) return run != options.run;
  const Peer* peer = FindPeer(node);
  if (peer == nullptr || run == 0) return false;
  if (Planted(Bug::kProofForAnyRun) && (peer->dead_run != 0 || peer->old_runs[0] != 0)) return true;
  return (options.trust_refusal && peer->dead_run == run) || Contains(peer->old_runs, run);
}

// Rules R3 and R4. After a restart the last recorded holder counts as holding the lock for one ttl,
// which is R4's first half; its other cases are those in which R3 finds that holder's lock free.
bool Member::Impl::LockFreeFor(const NodeId& node, Term asked, bool handover) const {
  if (role == Role::kGlobal) return handover && transfer_sent && node == transfer_to;
  if (Planted(Bug::kGrantsHeldLock)) return true;
  if (hold.node.empty() || hold.free || hold.node == node || hold.node == self) return true;
  if (now >= hold.until || ProvedDead(hold.node, hold.run)) return true;
  // A holder that asked for a handover never uses the lease of that term again; the one it asked
  // stands for the very next term.
  return handover && asked == hold.term + 1;
}

// Rule R2.
bool Member::Impl::LogIsCurrent(const Message& request) const {
  if (Planted(Bug::kGrantsToOlderLog)) return true;
  if (Planted(Bug::kComparesDurableOnly)) {
    Term durable_term = log.TermAt(durable);
    return request.log_term > durable_term ||
           (request.log_term == durable_term && request.log_index >= durable);
  }
  return request.log_term > log.last_term() ||
         (request.log_term == log.last_term() && request.log_index >= log.last_index());
}

Verdict Member::Impl::Judge(const Message& request) const {
  bool pre = request.type == Message::Type::kPreLock;
  if (disk_failed) return Verdict::kRefuse;
  bool granted_before =
      !pre && request.term == lock.term && request.from == lock.granted_to &&
      (request.run == lock.granted_run || Planted(Bug::kRepeatsGrantToAnotherRun));
  if (granted_before) return Verdict::kGrant;
  bool newer = request.term > lock.term || (Planted(Bug::kGrantsTwiceATerm) && !pre &&
                                            request.term == lock.term && role == Role::kLocal);
  if (!newer) return Verdict::kRefuse;                  // R1
  if (!LogIsCurrent(request)) return Verdict::kRefuse;  // R2
  if (request.log_index < lock.configuration_index && !Planted(Bug::kGrantsBehindMembers)) {
    return Verdict::kRefuse;  // R2, where our own log lost what it had
  }
  if (LockFreeFor(request.from, request.term, request.handover)) {
    // Of two equal ones in a pre-election at a time the one of lower rank goes on.
    bool equal = request.log_term == log.last_term() && request.log_index == log.last_index();
    if (pre && phase == Phase::kPreElection && equal && RanksBefore(self, request.from)) {
      return Verdict::kRefuse;
    }
    return Verdict::kGrant;
  }
  return role == Role::kGlobal ? Verdict::kRefuse : Verdict::kHold;
}

void Member::Impl::OnLockRequest(const Message& request) {
  Verdict verdict = Judge(request);
  if (verdict != Verdict::kHold) {
    AnswerLockRequest(request, verdict == Verdict::kGrant);
    return;
  }
  // Not free as far as is known here; but whoever asks may have seen the holder die a moment before
  // this voter does. The answer waits for the proof, a quarter of a ttl at most.
  auto same =
      std::find_if(held_requests.begin(), held_requests.end(),
                   [&](const HeldRequest& held) { return held.message.from == request.from; });
  if (same == held_requests.end()) {
    if (held_requests.size() >= kMaxMembers) return;
    same = held_requests.emplace(held_requests.end());
  }
  *same = {request, now + options.lock_ttl / 4};
  same->message.records = {};
}

void Member::Impl::AnswerLockRequest(const Message& request, bool granted) {
  bool pre = request.type == Message::Type::kPreLock;
  if (granted && !pre) {
    GrantLock(request);
    return;
  }
  bool newer_here = !granted && request.term > lock.term && !LogIsCurrent(request);
  // Only a request that could have been granted but for its log counts as a term seen: one that was
  // refused because a global holds the lock must not disturb that global.
  if (newer_here && !pre && role != Role::kGlobal &&
      LockFreeFor(request.from, request.term, request.handover)) {
    SetTerm(request.term);
  }
  Message reply =
      MakeMessage(pre ? Message::Type::kPreLockReply : Message::Type::kLockReply, request.from);
  reply.request = request.run;
  reply.granted = granted;
  if (granted) reply.term = request.term;
  reply.log_term = log.last_term();
  reply.log_index = log.last_index();
  Send(std::move(reply));
  if (granted) {
    MakeWay();
  } else if (newer_here && !disk_failed) {
    urgent = true;  // who asked can't win while this voter lives: stand instead
    MaybeStand();
  }
}

// Another candidate is on its way with this voter's approval: let it, once a vacancy.
void Member::Impl::MakeWay() {
  if (phase == Phase::kPreElection) AbandonElection(0);
  if (yielded) return;
  yielded = true;
  backoff_until = std::max(backoff_until, now + 2 * RankStep());
}

void Member::Impl::GrantLock(const Message& request) {
  bool again = request.term == lock.term;
  if (!again) {
    if (role == Role::kGlobal) BecomeLocal();  // the handover it asked for
    SetTerm(request.term);
    lock.granted_to = request.from;
    lock.granted_run = request.run;
    lock.promised_nothing = false;
    PersistLock(true);
    // Whoever held the lock has lost it; the new one holds it from its first append on. After a
    // restart the grant in the lock state stands for a hold that wasn't recorded on its own.
    hold = Hold{};
    vacant_since = now;
    backoff_until = now + options.lock_ttl + static_cast<Micros>(Rank()) * RankStep();
  }
  Message reply = MakeMessage(Message::Type::kLockReply, request.from);
  reply.request = request.run;
  reply.granted = true;
  reply.log_term = log.last_term();
  reply.log_index = log.last_index();
  uint64_t needs = Planted(Bug::kAnswersGrantBeforeDurable) ? 0 : promise_version;
  held_replies.push_back({needs, std::move(reply)});
  ReleaseHeldReplies();
}

// Judges again those that waited, after a proof, a release, or the passing of time.
void Member::Impl::SettleHeldRequests() {
  if (held_requests.empty()) return;
  std::vector<HeldRequest> requests = std::exchange(held_requests, {});
  for (HeldRequest& held : requests) {
    Verdict verdict = Judge(held.message);
    if (verdict == Verdict::kHold && now < held.deadline) {
      held_requests.push_back(std::move(held));
    } else {
      AnswerLockRequest(held.message, verdict == Verdict::kGrant);
    }
  }
}

// The holder turned out to live.
void Member::Impl::RefuseHeldRequests() {
  for (HeldRequest& held : held_requests) held.deadline = now;
  SettleHeldRequests();
}

void Member::Impl::ReleaseHeldReplies() {
  auto rest = held_replies.begin();
  for (HeldReply& held : held_replies) {
    if (held.message.term < lock.term || disk_failed) continue;  // nothing for an older term
    if (held.version <= lock_persisted) {
      Send(std::move(held.message));
    } else {
      if (&*rest != &held) *rest = std::move(held);
      ++rest;
    }
  }
  held_replies.erase(rest, held_replies.end());
}

// An append or heartbeat of the current term: its sender is the global. Renews the lock. False: not
// to be listened to.
bool Member::Impl::AcceptGlobal(const Message& message) {
  if (role == Role::kGlobal || ProvedDead(message.from, message.run)) return false;
  bool known = lock.holder_term == lock.term && !lock.holder.empty();
  if (known && (lock.holder != message.from || lock.holder_run != message.run)) return false;
  if (!known) {
    bool implied = lock.granted_to == message.from && lock.granted_run == message.run;
    lock.holder = message.from;
    lock.holder_run = message.run;
    lock.holder_term = lock.term;
    if ((!implied || lock.promised_nothing) && !Planted(Bug::kHolderNotPersisted)) {
      lock.promised_nothing = false;
      PersistLock(true);
    }
  } else if (lock.promised_nothing) {
    lock.promised_nothing = false;
    PersistLock(true);
  }
  if (phase != Phase::kNone) AbandonElection(0);
  bool held_here = hold.node == message.from && hold.run == message.run && hold.term == lock.term;
  if (held_here && hold.free) return true;  // released since: an old message
  if (message.sent_at > newest_sent && message.sent_at != 0) {
    bool first = newest_sent == kNever;
    newest_sent = message.sent_at;
    if (Planted(Bug::kLockNotRenewed) && !first) return true;
    hold = {message.from, message.run, lock.term, now + options.lock_ttl, false, false};
    vacant_since = kNever;
    yielded = urgent = false;
    backoff_until = kNever;
  }
  return true;
}

Peer* Member::Impl::FindPeer(const NodeId& id) {
  auto found = peers.find(id);
  return found == peers.end() ? nullptr : &found->second;
}

const Peer* Member::Impl::FindPeer(const NodeId& id) const {
  auto found = peers.find(id);
  return found == peers.end() ? nullptr : &found->second;
}

Peer* Member::Impl::MakePeer(const NodeId& id) {
  if (id == self) return nullptr;
  if (Peer* peer = FindPeer(id)) return peer;
  if (peers.size() >= kMaxPeers) {
    for (auto it = peers.begin(); it != peers.end();) {
      bool idle = !it->second.connected && !it->second.replicated &&
                  configuration().Find(it->first) == nullptr && it->first != hold.node;
      it = idle ? peers.erase(it) : std::next(it);
    }
    if (peers.size() >= kMaxPeers) return nullptr;
  }
  return &peers[id];
}

void Member::Impl::PeerConnected(const NodeId& id, RunId run) {
  Peer* peer = MakePeer(id);
  if (peer == nullptr || run == 0 || Contains(peer->old_runs, run)) return;
  bool new_run = peer->run != 0 && peer->run != run;
  if (new_run) PushFront(&peer->old_runs, peer->run);
  // The holder as recorded before our start, met after it: another run of it is its successor.
  if (hold.recorded && hold.node == id && hold.run != run) PushFront(&peer->old_runs, hold.run);
  if (peer->dead_run == run) peer->dead_run = 0;  // it lives: the proof was none
  peer->run = run;
  peer->connected = true;
  peer->closed = false;
  if (role == Role::kGlobal && peer->replicated) {
    if (new_run) {
      peer->match = 0;
      peer->ack_sent_at = kNever;
    }
    ResetPeer(peer, peer->next);
  }
  if (phase != Phase::kNone) AskVoter(id);
  if (role != Role::kGlobal && lock.holder == id) told_match = 0;
  bool holder_lives = hold.node == id && hold.run == run && !hold.free;
  if (holder_lives) {
    RefuseHeldRequests();
  } else {
    SettleHeldRequests();
  }
  MaybeStand();
}

void Member::Impl::PeerClosed(const NodeId& id) {
  Peer* peer = FindPeer(id);
  if (peer == nullptr || !peer->connected) return;
  peer->connected = false;
  peer->closed = true;
  peer->closed_at = std::max(now, sent);
  if (!Planted(Bug::kLeaseOutlivesLink)) peer->lease_sent_at = kNever;
  peer->inflight.clear();
  peer->inflight_bytes = 0;
  if (role != Role::kGlobal && lock.holder == id) FailReads();
  MaybeStand();  // perhaps of lower rank now
}

void Member::Impl::PeerDead(const NodeId& id, RunId run) {
  Peer* peer = MakePeer(id);
  if (peer == nullptr || run == 0) return;
  if (peer->run == run) PeerClosed(id);  // else its next run may be connected already
  peer->dead_run = run;
  if (hold.node == id && hold.run == run && role != Role::kGlobal) FailReads();
  if (lock.granted_to == id && lock.granted_run == run) backoff_until = kNever;  // no need to wait
  SettleHeldRequests();
  MaybeStand();
}

}  // namespace understudy::cluster
