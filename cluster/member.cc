#include "cluster/member.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "cluster/member_impl.h"

namespace understudy::cluster {

const char* ToString(Role role) {
  switch (role) {
    case Role::kLocal:
      return "local";
    case Role::kCandidate:
      return "candidate";
    case Role::kGlobal:
      return "global";
  }
  return "unknown";
}

Member::Impl::Impl(MemberOptions member_options, Recovered recovered, Micros start, int64_t wall)
    : options(std::move(member_options)),
      self(options.id),
      now(start),
      started_at(start),
      started_wall_ms(wall),
      lock(std::move(recovered.lock)),
      log(options.cluster) {
  UNDERSTUDY_CHECK(!options.id.empty() && options.run != 0 && options.lock_ttl > 0,
                   "a member has an id, a run and a time to live");
  if (recovered.log != nullptr) log = std::move(*recovered.log);
  if (log.last_index() < recovered.base_index || log.base_index() > recovered.base_index) {
    log.Reset(recovered.base_index, recovered.base_term);
  }
  written = durable = log.last_index();
  commit = verified = recovered.base_index;
  time_base_ms = time_floor_ms = std::max<int64_t>(0, recovered.last_time_ms);
  time_base_at = start;
  next_read = options.run << 32;  // so that an answer to an earlier run's question isn't ours
  first_unasked = next_read + 1;
  RecoverConfiguration();
  if (log.last_term() > lock.term) SetTerm(log.last_term());
  if (lock.quarantined && !Planted(Bug::kQuarantineForgotten))
    PersistLock(true);  // should we end again, the next run must know
  if (!lock.promised_nothing && !Planted(Bug::kForgetsHolderAtStart)) {
    // R4. A grant newer than the holder recorded may have become a hold that wasn't recorded apart.
    bool granted_later = !lock.granted_to.empty() && lock.term > lock.holder_term &&
                         !Planted(Bug::kForgetsGrantAtStart);
    hold.node = granted_later ? lock.granted_to : lock.holder;
    hold.run = granted_later ? lock.granted_run : lock.holder_run;
    hold.term = granted_later ? lock.term : lock.holder_term;
    hold.until = start + options.lock_ttl;
    hold.recorded = true;
  }
  MaybeStand();
}

Message Member::Impl::MakeMessage(Message::Type type, const NodeId& to) const {
  Message message;
  message.type = type;
  message.from = self;
  message.to = to;
  message.run = options.run;
  message.term = lock.term;
  message.quarantined = lock.quarantined;
  return message;
}

void Member::Impl::Tick() {
  SettleHeldRequests();
  if (role == Role::kGlobal) {
    TickGlobal();
  } else {
    TickReads();
    TickElection();
  }
  MaybeStand();
}

Micros Member::Impl::NextTick() const {
  Micros next = StandAt();
  if (phase != Phase::kNone) next = std::min({next, phase_deadline, next_ask});
  for (const HeldRequest& held : held_requests) {
    next = std::min({next, held.deadline, std::max(hold.until, now)});
  }
  if (!questions.empty()) next = std::min(next, questions.front().deadline);
  if (role == Role::kGlobal) {
    next = std::min(next, next_heartbeat);
    Micros heard = MajoritySentAt(&Peer::ack_sent_at, true);
    if (heard != kForever)
      next = std::min(next, std::max(heard, global_since) + options.lock_ttl + 1);
    if (transfer) next = std::min(next, transfer_deadline);
  }
  return next;
}

void Member::Impl::Step(const Message& message) {
  if (message.to != self || message.from == self || message.from.empty()) return;
  switch (message.type) {
    case Message::Type::kPreLock:
    case Message::Type::kLock:
      OnLockRequest(message);
      return;
    case Message::Type::kPreLockReply:
      if (!message.granted && message.term > lock.term) AdoptTerm(message);
      OnVoteReply(message);
      return;
    case Message::Type::kRelease:
      OnRelease(message);
      return;
    default:
      break;
  }
  if (message.term > lock.term) AdoptTerm(message);
  if (message.term < lock.term) {
    // Whoever sent this must learn that its term is over.
    if (message.type == Message::Type::kAppend || message.type == Message::Type::kHeartbeat) {
      Send(MakeMessage(Message::Type::kAppendReply, message.from));
    } else if (message.type == Message::Type::kReadIndex) {
      Message reply = MakeMessage(Message::Type::kReadIndexReply, message.from);
      reply.request = message.request;
      Send(std::move(reply));
    }
    return;
  }
  switch (message.type) {
    case Message::Type::kLockReply:
      OnVoteReply(message);
      break;
    case Message::Type::kAppend:
      OnAppend(message);
      break;
    case Message::Type::kAppendReply:
      OnAppendReply(message);
      break;
    case Message::Type::kHeartbeat:
      OnHeartbeat(message);
      break;
    case Message::Type::kHeartbeatReply:
      OnHeartbeatReply(message);
      break;
    case Message::Type::kReadIndex:
      OnReadIndex(message);
      break;
    case Message::Type::kReadIndexReply:
      OnReadIndexReply(message);
      break;
    case Message::Type::kTransfer:
      OnTransfer(message);
      break;
    case Message::Type::kSnapshotDone:
      OnSnapshotDone(message);
      break;
    default:
      break;
  }
}

// A newer term was seen. A global that learns of it from anybody but its successor stands again,
// above that term.
void Member::Impl::AdoptTerm(const Message& message) {
  bool successor =
      message.type == Message::Type::kAppend || message.type == Message::Type::kHeartbeat;
  bool was_global = role == Role::kGlobal;
  if (was_global) BecomeLocal();
  SetTerm(message.term);
  if (was_global && !successor) {
    urgent = true;
    MaybeStand();
  }
}

void Member::Impl::SetTerm(Term term) {
  UNDERSTUDY_CHECK(term > lock.term && role != Role::kGlobal, "terms only grow, under no global");
  lock.term = term;
  lock.granted_to.clear();
  lock.granted_run = 0;
  PersistLock(true);
  if (phase != Phase::kNone) AbandonElection(0);
  ReleaseHeldReplies();
  if (!Planted(Bug::kAcknowledgesOlderTerm)) {
    verified = commit;
    append_to_answer = heartbeat_to_answer = false;
  }
  refusal.reset();
  told_match = 0;
  newest_sent = kNever;
  quarantine_ends.reset();
  FailReads();
}

void Member::Impl::BecomeLocal() {
  if (role == Role::kGlobal) {
    hold.free = true;  // nobody relies on our own lock any more
    for (auto& [id, peer] : peers) {
      peer.replicated = false;
      peer.inflight.clear();
      peer.inflight_bytes = 0;
    }
  }
  role = Role::kLocal;
  transfer = transfer_sent = false;
  resign = false;
  everyone_voted = false;
  verified = commit;
  FailReads();
}

// What is on disk ----------------------------------------------------------------------------

void Member::Impl::PersistLock(bool promise) {
  ++lock_version;
  if (promise) promise_version = lock_version;
}

void Member::Impl::LockPersisted(uint64_t version) {
  if (disk_failed) return;
  lock_persisted = std::max(lock_persisted, std::min(version, lock_taken));
  ReleaseHeldReplies();
  if (phase == Phase::kElection) CountVotes();
}

void Member::Impl::RecordsPersisted(Term term, Index index) {
  if (disk_failed) return;
  while (!writes.empty()) {
    Write& write = writes.front();
    if (write.term > term || (write.term == term && write.last > index)) break;
    durable = std::max(durable, write.valid);
    writes.pop_front();
  }
  if (!writes.empty() && writes.front().term == term) {  // a part of it
    durable = std::max(durable, std::min(index, writes.front().valid));
  }
  if (role == Role::kGlobal) {
    AdvanceCommit();
  } else {
    MaybeEndQuarantine();
  }
}

void Member::Impl::DiskFailed() {
  if (disk_failed || Planted(Bug::kFailedWriteCounts)) return;
  disk_failed = true;
  held_replies.clear();
  Release(0);
}

void Member::Impl::TruncateAfter(Index last) {
  UNDERSTUDY_CHECK(last >= commit && role != Role::kGlobal,
                   "only uncommitted entries go, and never a global's own");
  log.TruncateAfter(last);
  written = std::min(written, last);
  durable = std::min(durable, last);
  verified = std::min(verified, last);
  for (Write& write : writes) write.valid = std::min(write.valid, last);
  if (!Planted(Bug::kTruncationUntold)) {
    truncated_after = std::min(truncated_after.value_or(last), last);
  }
  UndoConfigurations(last);
}

void Member::Impl::SetCommit(Index index) {
  UNDERSTUDY_CHECK(index >= commit && index <= log.last_index(), "I1: commit grows within the log");
  if (index == commit) return;
  commit = index;
  CommitConfigurations();
}

void Member::Impl::TakeRecords(Ready* ready) {
  if (written >= log.last_index() || disk_failed) return;
  for (Index from = std::max(written + 1, log.first_index()); from <= log.last_index();) {
    Index last = from;
    ready->records.push_back(log.Range(from, std::numeric_limits<uint32_t>::max(), &last));
    from = last + 1;
  }
  written = log.last_index();
  ready->records_term = lock.term;
  ready->records_last = written;
  writes.push_back({lock.term, written, written});
}

Ready Member::Impl::TakeReady() {
  Ready ready;
  turn_sent = 0;
  ready.truncated_after = std::exchange(truncated_after, std::nullopt);
  TakeRecords(&ready);
  if (role == Role::kGlobal) {
    Replicate(&ready);
    AnswerReads(&ready);
    if (resign) Release(options.lock_ttl);
  } else {
    Acknowledge(&ready);
    AskReads(&ready);
  }
  if (lock_version > lock_taken && !disk_failed) {
    ready.persist_lock = true;
    ready.lock = lock;
    ready.lock_sequence = lock_taken = lock_version;
  }
  for (Message& message : outbox) ready.messages.push_back(std::move(message));
  outbox.clear();
  ready.reads = std::exchange(answered, {});
  return ready;
}

bool Member::Impl::HasReady() const {
  if (!outbox.empty() || !answered.empty() || truncated_after) return true;
  if (!disk_failed && (lock_version > lock_taken || written < log.last_index())) return true;
  if (role != Role::kGlobal) {
    return MustAcknowledge() ||
           (first_unasked <= next_read && questions.size() < kMaxReadQuestions);
  }
  if (resign || now >= next_heartbeat || MayAnswerReads()) return true;
  for (const auto& [id, peer] : peers) {
    if (CanAppend(peer) || WantsNews(peer) || peer.snapshot_to_name) return true;
  }
  return false;
}

// Invariants ---------------------------------------------------------------------------------

void Member::Impl::CheckInvariants() const {
  UNDERSTUDY_CHECK(commit <= log.last_index() && commit >= log.base_index(), "I1");
  UNDERSTUDY_CHECK(durable <= written && written <= log.last_index(), "what is on disk");
  UNDERSTUDY_CHECK(verified <= log.last_index(), "what matches is in the log");
  UNDERSTUDY_CHECK(log.last_term() <= lock.term, "a log is never ahead of its term");
  UNDERSTUDY_CHECK(lock.holder_term <= lock.term, "a holder is of a term seen");
  UNDERSTUDY_CHECK(lock_persisted <= lock_taken && lock_taken <= lock_version, "lock versions");
  UNDERSTUDY_CHECK(!configurations.empty(), "some configuration is in force");
  Term term = 0;
  int64_t time_ms = 0;
  Index expected = log.first_index();
  size_t place = 0;
  log.ForEach(log.first_index(), log.last_index(), [&](const EntryView& entry) {
    UNDERSTUDY_CHECK(entry.index == expected++, "the log is contiguous");
    UNDERSTUDY_CHECK(entry.term >= term && entry.time_ms >= time_ms,
                     "terms and times never decrease");
    term = entry.term;
    time_ms = entry.time_ms;
    if (entry.type != EntryType::kConfiguration) return;
    while (place < configurations.size() && configurations[place].index < entry.index) ++place;
    bool kept = place < configurations.size() && configurations[place].index == entry.index;
    bool older = !configurations.empty() && entry.index < configurations.front().index;
    UNDERSTUDY_CHECK(kept || older, "each configuration in the log is known");
    if (!kept) return;
    Configuration decoded;
    UNDERSTUDY_CHECK(Configuration::Decode(entry.payload, &decoded) &&
                         decoded == configurations[place].configuration,
                     "a configuration in force is the log's");
  });
  for (size_t i = 1; i < configurations.size(); ++i) {
    UNDERSTUDY_CHECK(configurations[i].index > configurations[i - 1].index &&
                         configurations[i].index > commit &&
                         configurations[i].index <= log.last_index(),
                     "configurations behind the first are appended, not committed");
  }
  if (role == Role::kCandidate) {
    UNDERSTUDY_CHECK(phase == Phase::kElection && lock.granted_to == self, "a candidate's grant");
  }
  if (role == Role::kGlobal) CheckReplication();
}

void Member::Impl::CheckReplication() const {
  UNDERSTUDY_CHECK(lock.granted_to == self && lock.granted_run == options.run && !disk_failed &&
                       HoldsLockState() && lock.holder == self && lock.holder_term == lock.term,
                   "I2: a global holds the lock of its term");
  UNDERSTUDY_CHECK(!log.Has(term_start) || log.TermAt(term_start) == lock.term, "its first entry");
  UNDERSTUDY_CHECK(configurations.size() <= 2 || configurations[1].index < term_start,
                   "I5: one change of its own at a time");
  for (const auto& [id, peer] : peers) {
    if (!peer.replicated) continue;
    size_t bytes = 0;
    Index last = 0;
    for (const Inflight& sent_append : peer.inflight) {
      UNDERSTUDY_CHECK(sent_append.last >= last, "appends in flight are in order");
      last = sent_append.last;
      bytes += sent_append.bytes;
    }
    UNDERSTUDY_CHECK(bytes == peer.inflight_bytes, "bytes in flight are accounted for");
    UNDERSTUDY_CHECK(peer.match <= log.last_index() && peer.next <= log.last_index() + 1 &&
                         peer.next >= 1 && last < peer.next,
                     "progress is within the log");
  }
}

std::string Member::Impl::Describe() const {
  auto name = [](const NodeId& id) { return id.empty() ? std::string("-") : id.substr(0, 8); };
  char text[256];
  std::snprintf(text, sizeof(text),
                "%s %s term=%llu holder=%s commit=%llu last=%llu/%llu durable=%llu base=%llu",
                name(self).c_str(), ToString(role), static_cast<unsigned long long>(lock.term),
                name(Holder()).c_str(), static_cast<unsigned long long>(commit),
                static_cast<unsigned long long>(log.last_term()),
                static_cast<unsigned long long>(log.last_index()),
                static_cast<unsigned long long>(durable),
                static_cast<unsigned long long>(log.base_index()));
  std::string line = text;
  line += " members=";
  for (const MemberInfo& member : configuration().members) {
    if (line.back() != '=') line += ',';
    line += name(member.id);
    if (member.kind == MemberInfo::Kind::kLearner) line += "(learner)";
    if (member.kind == MemberInfo::Kind::kWitness) line += "(witness)";
  }
  if (role == Role::kGlobal && !Serving()) line += " starting";
  if (phase == Phase::kPreElection) line += " pre-election";
  if (transfer) line += " handover";
  if (lock.quarantined) line += " quarantined";
  if (disk_failed) line += " disk-failed";
  if (needs_snapshot) line += " needs-snapshot";
  if (!held_requests.empty()) line += " holds-requests";
  return line;
}

NodeId Member::Impl::Holder() const {
  if (role == Role::kGlobal) return self;
  bool current = lock.holder_term == lock.term && hold.node == lock.holder &&
                 hold.term == lock.term && !hold.recorded && hold.node != self;
  if (!current || hold.free || now >= hold.until || ProvedDead(hold.node, hold.run)) return {};
  return lock.holder;
}

}  // namespace understudy::cluster
