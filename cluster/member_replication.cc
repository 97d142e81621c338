// The global's side of replication: what each local has, what it is sent, and what is committed.
#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "cluster/member_impl.h"

namespace understudy::cluster {

// Proposing ----------------------------------------------------------------------------------

Index Member::Impl::Propose(EntryType type, std::string_view payload) {
  if (role != Role::kGlobal || resign || payload.size() > kMaxPayloadBytes) return 0;
  return log.Append(lock.term, GlobalTimeMs(now), type, payload);
}

Index Member::Impl::ProposeUnlogged() {
  bool alone = configuration().members.size() == 1 && IsVoter(self);
  if (!Serving() || resign || transfer || !alone || log.bytes() != 0) return 0;
  Index index = log.last_index() + 1;
  log.Reset(index, lock.term);
  written = durable = index;
  SetCommit(index);
  return index;
}

// Sending ------------------------------------------------------------------------------------

void Member::Impl::StartReplication() {
  StartGlobalTime();
  term_start = log.Append(lock.term, GlobalTimeMs(now), EntryType::kEmpty, {});
  global_since = now;
  next_heartbeat = now + options.lock_ttl / 4;
  for (auto& [id, peer] : peers) {
    peer.replicated = false;
    peer.leaving = 0;
  }
  UpdatePeers();
}

void Member::Impl::ResetPeer(Peer* peer, Index next) {
  peer->flow = Flow::kProbe;
  peer->next = std::max<Index>(1, std::min(next, log.last_index() + 1));
  peer->inflight.clear();
  peer->inflight_bytes = 0;
  peer->reset_at = sent;
  peer->snapshot_sent = 0;
}

// Each turn's messages have a send time of their own, so that an acknowledgement tells which.
Micros Member::Impl::SentAt() {
  if (turn_sent == 0) turn_sent = sent = std::max(now, sent + 1);
  return turn_sent;
}

bool Member::Impl::CanAppend(const Peer& peer) const {
  if (!peer.replicated || !peer.connected) return false;
  if (peer.flow == Flow::kProbe) return peer.inflight.empty();
  return peer.flow == Flow::kReplicate && peer.next <= log.last_index() &&
         peer.inflight_bytes < options.max_inflight_bytes;
}

bool Member::Impl::WantsNews(const Peer& peer) const {
  return peer.replicated && peer.connected && peer.flow == Flow::kReplicate &&
         peer.wanted_first != 0 && commit >= peer.wanted_first;
}

void Member::Impl::WantCommit(Peer* peer, Index index) {
  if (index <= peer->sent_commit) return;
  peer->wanted_last = std::max(peer->wanted_last, index);
  if (peer->wanted_first == 0 || index < peer->wanted_first) peer->wanted_first = index;
}

void Member::Impl::NoteCommitSent(Peer* peer) {
  peer->sent_commit = commit;
  if (peer->wanted_last <= commit) {
    peer->wanted_first = peer->wanted_last = 0;
  } else if (peer->wanted_first != 0 && peer->wanted_first <= commit) {
    peer->wanted_first = commit + 1;  // some of those behind are wanted; which isn't kept
  }
}

void Member::Impl::Replicate(Ready* ready) {
  MaybeSendTransfer();
  if (resign) {
    for (auto& [id, peer] : peers) WantCommit(&peer, commit);
  }
  for (auto& [id, peer] : peers) {
    while (CanAppend(peer)) SendAppend(id, &peer, ready);
    if (WantsNews(peer)) SendCommit(id, &peer, ready);
    if (std::exchange(peer.snapshot_to_name, false)) ready->snapshots_wanted.push_back(id);
  }
  if (now >= next_heartbeat || ReadsNeedRound()) SendHeartbeats(ready);
}

Message Member::Impl::MakeAppend(const NodeId& to, Index previous) const {
  Message message = MakeMessage(Message::Type::kAppend, to);
  message.log_index = previous;
  message.log_term = log.TermAt(previous);
  message.commit = commit;
  message.global_time_ms = GlobalTimeMs(now);
  return message;
}

void Member::Impl::SendAppend(const NodeId& id, Peer* peer, Ready* ready) {
  if (peer->next <= log.base_index()) {
    NameSnapshot(peer);
    return;
  }
  Message message = MakeAppend(id, peer->next - 1);
  Index last = peer->next - 1;
  message.records = log.Range(peer->next, options.max_append_bytes, &last);
  message.sent_at = SentAt();
  message.release_quarantine = ReleasesQuarantine(*peer);
  peer->inflight.push_back({last, message.records.size(), message.sent_at});
  peer->inflight_bytes += message.records.size();
  peer->next = last + 1;
  NoteCommitSent(peer);
  ready->messages.push_back(std::move(message));
}

// News of a commit to one who waits for it: an append without records, behind what is known to
// match, that needs no answer.
void Member::Impl::SendCommit(const NodeId& id, Peer* peer, Ready* ready) {
  bool known = log.Has(peer->match) || peer->match == log.base_index();
  ready->messages.push_back(MakeAppend(id, known ? peer->match : peer->next - 1));
  NoteCommitSent(peer);
}

void Member::Impl::SendHeartbeats(Ready* ready) {
  next_heartbeat = now + options.lock_ttl / 4;
  round_sent = SentAt();
  for (auto& [id, peer] : peers) {
    if (!peer.replicated || !peer.connected) continue;
    Message message = MakeMessage(Message::Type::kHeartbeat, id);
    message.commit = commit;
    message.sent_at = round_sent;
    message.global_time_ms = GlobalTimeMs(now);
    message.release_quarantine = ReleasesQuarantine(peer);
    if (peer.flow == Flow::kReplicate) NoteCommitSent(&peer);
    ready->messages.push_back(std::move(message));
  }
}

std::vector<Message> Member::Impl::MakeHeartbeats(Micros at) {
  std::vector<Message> messages;
  if (role != Role::kGlobal || disk_failed) return messages;
  sent = std::max(at, sent + 1);
  for (const auto& [id, peer] : peers) {
    if (!peer.replicated || !peer.connected) continue;
    Message message = MakeMessage(Message::Type::kHeartbeat, id);
    message.commit = commit;
    message.sent_at = sent;
    message.global_time_ms = GlobalTimeMs(at);
    messages.push_back(std::move(message));
  }
  return messages;
}

void Member::Impl::NameSnapshot(Peer* peer) {
  if (peer->flow == Flow::kSnapshot) return;
  ResetPeer(peer, peer->next);
  peer->flow = Flow::kSnapshot;
  peer->snapshot_to_name = true;
}

// Acknowledgements ---------------------------------------------------------------------------

Peer* Member::Impl::NoteReply(const Message& message) {
  Peer* peer = FindPeer(message.from);
  if (role != Role::kGlobal || peer == nullptr || !peer->replicated) return nullptr;
  if (peer->run != 0 && peer->run != message.run) return nullptr;  // of another run
  if (message.sent_at > 0 && message.sent_at <= sent) {
    peer->ack_sent_at = std::max(peer->ack_sent_at, message.sent_at);
    if (message.sent_at > peer->closed_at) {
      Micros since = Planted(Bug::kLeaseFromReceipt) ? now : message.sent_at;
      peer->lease_sent_at = std::max(peer->lease_sent_at, since);
    }
  }
  NoteQuarantine(peer, message.quarantined);
  return peer;
}

void Member::Impl::NoteQuarantine(Peer* peer, bool quarantined) {
  if (quarantined && !peer->quarantined) peer->quarantined_at = sent;
  peer->quarantined = quarantined;
}

// What the local has, by any accepted reply.
void Member::Impl::NoteReceived(Peer* peer, const Message& message) {
  if (message.received > log.last_index() || message.match > message.received) return;
  if (peer->flow == Flow::kSnapshot) {
    // Installed, though the message that said so was lost; or never to be, though sent.
    bool installed = !message.wants_snapshot && message.received >= peer->snapshot_sent;
    bool given_up = now - peer->snapshot_sent_at > 30 * options.lock_ttl;
    if (peer->snapshot_sent != 0 && (installed || given_up)) ResetPeer(peer, message.received + 1);
    return;
  }
  peer->match = std::max(peer->match, message.match);
  while (!peer->inflight.empty() && peer->inflight.front().last <= message.received) {
    peer->inflight_bytes -= peer->inflight.front().bytes;
    peer->inflight.pop_front();
  }
  // Something sent later has arrived, and this hasn't: it was lost.
  if (!peer->inflight.empty() && peer->inflight.front().sent_at < message.sent_at) {
    ResetPeer(peer, message.received + 1);
    return;
  }
  if (peer->next <= message.received) peer->next = message.received + 1;
  if (peer->flow == Flow::kProbe && message.accepted) peer->flow = Flow::kReplicate;
}

// What an accepted reply may lead to.
void Member::Impl::NoteProgress(Peer* peer, const Message& message) {
  NoteReceived(peer, message);
  AdvanceCommit();
  MaybeSendTransfer();
  MaybePromoteLearner();
  DropLeftPeers();
}

void Member::Impl::OnAppendReply(const Message& message) {
  Peer* peer = NoteReply(message);
  if (peer == nullptr) return;
  if (!message.accepted) {
    OnRefusedAppend(peer, message);
    return;
  }
  NoteProgress(peer, message);
}

void Member::Impl::OnHeartbeatReply(const Message& message) {
  Peer* peer = NoteReply(message);
  if (peer == nullptr) return;
  if (message.wants_snapshot && peer->flow != Flow::kSnapshot) {
    NameSnapshot(peer);
    return;
  }
  NoteProgress(peer, message);
}

// Raft's fast back-off (section 5.3): the local names the last place where its log may match, and
// its term there; the next try is behind our last entry that isn't newer than that.
void Member::Impl::OnRefusedAppend(Peer* peer, const Message& message) {
  if (peer->flow == Flow::kSnapshot || message.sent_at <= peer->reset_at) return;  // old news
  if (message.wants_snapshot) {
    NameSnapshot(peer);
    return;
  }
  Index low = log.base_index();
  Index high = std::min(message.received, log.last_index());
  if (high < low || log.TermAt(low) > message.hint_term) {
    ResetPeer(peer, std::min(high + 1, low));  // below what is in memory
    return;
  }
  while (low < high) {  // the last in [low, high] whose term is at most hint_term
    Index middle = low + (high - low + 1) / 2;
    if (log.TermAt(middle) <= message.hint_term) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  ResetPeer(peer, low + 1);
}

// Committing ---------------------------------------------------------------------------------

// The quarantined don't count; but if everybody voted, a quarantined voter that holds the winner's
// log has made good whatever it may have lost.
bool Member::Impl::CountsForCommit(const Peer& peer) const {
  if (Planted(Bug::kQuarantinedCounts)) return true;
  return !peer.quarantined || (everyone_voted && peer.match >= term_start);
}

void Member::Impl::AdvanceCommit() {
  if (role != Role::kGlobal || Voters() == 0) return;
  std::array<Index, kMaxMembers> held;
  size_t count = 0;
  for (const MemberInfo& member : configuration().members) {
    bool counts = member.kind == MemberInfo::Kind::kVoter || Planted(Bug::kLearnerCounts);
    if (!counts) continue;
    const Peer* peer = FindPeer(member.id);
    Index match = 0;
    if (member.id == self) {
      match = lock.quarantined ? 0 : durable;
      if (Planted(Bug::kCountsOwnUndurable)) match = log.last_index();
    } else if (peer != nullptr && CountsForCommit(*peer)) {
      match = peer->match;
    }
    held[count++] = match;
  }
  auto* middle = held.data() + count / 2;  // the majority-th largest
  if (Planted(Bug::kCommitsOneShort) && count > 2) --middle;
  if (Planted(Bug::kLearnerCounts)) middle = held.data() + Voters() / 2;
  std::nth_element(held.data(), middle, held.data() + count, std::greater<>());
  if (*middle <= commit) return;
  if (*middle < term_start && !Planted(Bug::kCommitsOlderTerms)) return;  // I3
  SetCommit(*middle);
}

// The newest send time that a majority of voters acknowledged; this node counts as always now.
Micros Member::Impl::MajoritySentAt(Micros Peer::*sent_at, bool quarantined_too) const {
  std::array<Micros, kMaxMembers> times;
  size_t count = 0;
  for (const MemberInfo& member : configuration().members) {
    if (member.kind != MemberInfo::Kind::kVoter) continue;
    const Peer* peer = FindPeer(member.id);
    Micros time = kNever;
    if (member.id == self) {
      time = kForever;
    } else if (peer != nullptr && (quarantined_too || !peer->quarantined)) {
      time = peer->*sent_at;
    }
    times[count++] = time;
  }
  if (count == 0) return kNever;
  auto* middle = times.data() + count / 2;  // the majority-th largest
  std::nth_element(times.data(), middle, times.data() + count, std::greater<>());
  return *middle;
}

bool Member::Impl::ReleasesQuarantine(const Peer& peer) const {
  if (!peer.quarantined || !Serving()) return false;
  return everyone_voted || MajoritySentAt(&Peer::ack_sent_at, false) > peer.quarantined_at;
}

// Snapshots ----------------------------------------------------------------------------------

void Member::Impl::OnSnapshotDone(const Message& message) {
  Peer* peer = NoteReply(message);
  if (peer == nullptr || message.match > log.last_index()) return;
  peer->match = std::max(peer->match, message.match);
  if (peer->flow == Flow::kSnapshot) ResetPeer(peer, message.match + 1);
  AdvanceCommit();
}

// After a transfer that went well Flow::kSnapshot goes on until the local says that it is
// installed.
void Member::Impl::SnapshotSent(const NodeId& local, Index index, bool ok) {
  Peer* peer = FindPeer(local);
  if (role != Role::kGlobal || peer == nullptr || peer->flow != Flow::kSnapshot) return;
  if (!ok) {
    ResetPeer(peer, peer->next);
    return;
  }
  peer->snapshot_sent = index;
  peer->snapshot_sent_at = now;
}

// Time ---------------------------------------------------------------------------------------

void Member::Impl::TickGlobal() {
  if (!HasMajority(now)) {
    Release(0);
    return;
  }
  TickTransfer();
  if (role != Role::kGlobal) return;
  MaybePromoteLearner();
  DropLeftPeers();
  // Too few voters that aren't in quarantine to commit anything, but all are here: only an election
  // in which everybody votes can tell that nothing is missing.
  size_t trusted = 0;
  bool all_connected = true;
  for (const MemberInfo& member : configuration().members) {
    if (member.kind != MemberInfo::Kind::kVoter) continue;
    const Peer* peer = FindPeer(member.id);
    if (member.id == self || (peer != nullptr && !peer->quarantined)) ++trusted;
    if (member.id != self && (peer == nullptr || !peer->connected)) all_connected = false;
  }
  if (trusted >= Majority() || !all_connected || everyone_voted || !IsVoter(self)) return;
  if (now < next_reelection) return;
  next_reelection = now + options.lock_ttl;
  BecomeLocal();
  StartElection(false);
}

}  // namespace understudy::cluster
