// Linearizable reads (Ongaro's thesis, 6.4): by the lease, or by a round of confirmation begun
// after the read; and the global's time.
#include <algorithm>
#include <utility>

#include "cluster/member_impl.h"

namespace understudy::cluster {

namespace {
constexpr size_t kMaxPendingReads = kMaxPeers * kMaxReadQuestions;
}  // namespace

uint64_t Member::Impl::RequestRead() {
  uint64_t request = ++next_read;
  if (role == Role::kGlobal) {
    first_unasked = request + 1;
    PendingRead* newest = pending_reads.empty() ? nullptr : &pending_reads.back();
    if (newest != nullptr && newest->asker.empty() && newest->newest_sent == sent) {
      newest->last = request;
    } else {
      pending_reads.push_back({{}, request, request, sent});
    }
  }
  return request;
}

// At the global ------------------------------------------------------------------------------

bool Member::Impl::MayServeReads() const {
  return Serving() || (Planted(Bug::kReadsBeforeFirstCommit) && role == Role::kGlobal);
}

bool Member::Impl::LeaseValid(Micros at) const {
  bool handing_over = transfer_sent && !Planted(Bug::kLeaseDuringHandover);
  if (!MayServeReads() || handing_over || disk_failed) return false;
  if (Planted(Bug::kLeaseByOldClock)) at = now;
  Micros sent_at = MajoritySentAt(&Peer::lease_sent_at, false);
  return sent_at == kForever || (sent_at != kNever && at < sent_at + LeaseTime());
}

bool Member::Impl::HasMajority(Micros at) const {
  if (role != Role::kGlobal) return false;
  Micros sent_at = MajoritySentAt(&Peer::ack_sent_at, true);
  return sent_at == kForever || at <= std::max(sent_at, global_since) + options.lock_ttl;
}

bool Member::Impl::Confirmed(const PendingRead& read) const {
  Micros confirmed = MajoritySentAt(&Peer::ack_sent_at, false);
  return confirmed > (Planted(Bug::kConfirmationBeforeRead) ? kNever : read.newest_sent);
}

bool Member::Impl::MayAnswerReads() const {
  if (pending_reads.empty() || !MayServeReads()) return false;
  return LeaseAnswers() || Confirmed(pending_reads.front()) || ReadsNeedRound();
}

bool Member::Impl::ReadsNeedRound() const {
  return !pending_reads.empty() && Serving() && pending_reads.back().newest_sent >= round_sent &&
         !LeaseAnswers();
}

// The index is that of the answer's moment: at least the one of the read's.
void Member::Impl::AnswerReads(Ready* ready) {
  if (!MayServeReads()) return;
  bool lease = LeaseAnswers();
  while (!pending_reads.empty() && (lease || Confirmed(pending_reads.front()))) {
    const PendingRead& read = pending_reads.front();
    if (read.asker.empty()) {
      for (uint64_t request = read.first; request <= read.last; ++request) {
        answered.push_back({request, commit, GlobalTimeMs(now), true});
      }
    } else {
      Message reply = MakeMessage(Message::Type::kReadIndexReply, read.asker);
      reply.request = read.last;
      reply.accepted = true;
      reply.commit = commit;
      reply.global_time_ms = GlobalTimeMs(now);
      ready->messages.push_back(std::move(reply));
    }
    pending_reads.pop_front();
  }
}

void Member::Impl::OnReadIndex(const Message& message) {
  if (role == Role::kGlobal && pending_reads.size() < kMaxPendingReads) {
    pending_reads.push_back({message.from, message.request, message.request, sent});
    return;
  }
  Message reply = MakeMessage(Message::Type::kReadIndexReply, message.from);
  reply.request = message.request;
  Send(std::move(reply));
}

// Elsewhere ----------------------------------------------------------------------------------

// One question for all reads since the last; without a global to ask, "ask again".
void Member::Impl::AskReads(Ready* ready) {
  if (first_unasked > next_read || questions.size() >= kMaxReadQuestions) return;
  NodeId holder = Holder();
  const Peer* peer = FindPeer(holder);
  if (peer == nullptr || !peer->connected) {
    FailReads();
    return;
  }
  questions.push_back({first_unasked, next_read, now + options.lock_ttl});
  first_unasked = next_read + 1;
  Message question = MakeMessage(Message::Type::kReadIndex, holder);
  question.request = next_read;
  ready->messages.push_back(std::move(question));
}

void Member::Impl::OnReadIndexReply(const Message& message) {
  for (auto it = questions.begin(); it != questions.end(); ++it) {
    if (it->last != message.request) continue;
    if (message.accepted) time_floor_ms = std::max(time_floor_ms, message.global_time_ms);
    for (uint64_t request = it->first; request <= it->last; ++request) {
      answered.push_back({request, message.commit, message.global_time_ms, message.accepted});
    }
    questions.erase(it);
    return;
  }
}

void Member::Impl::FailReads() {
  auto fail = [this](uint64_t first, uint64_t last) {
    for (uint64_t request = first; request <= last; ++request) {
      answered.push_back({request, 0, 0, false});
    }
  };
  for (const ReadQuestion& question : questions) fail(question.first, question.last);
  questions.clear();
  for (const PendingRead& read : pending_reads) {
    if (read.asker.empty()) fail(read.first, read.last);
  }
  pending_reads.clear();
  fail(first_unasked, next_read);
  first_unasked = next_read + 1;
}

void Member::Impl::TickReads() {
  while (!questions.empty() && now >= questions.front().deadline) {
    for (uint64_t request = questions.front().first; request <= questions.front().last; ++request) {
      answered.push_back({request, 0, 0, false});
    }
    questions.pop_front();
  }
}

// The global's time --------------------------------------------------------------------------

int64_t Member::Impl::GlobalTimeMs(Micros at) const {
  return std::max(time_floor_ms, time_base_ms + (at - time_base_at) / 1000);
}

// At a local: follows what the global says; where that is behind what was said here, time stands
// still until it has come up.
void Member::Impl::SyncTime(int64_t global_time_ms) {
  if (global_time_ms <= 0) return;
  time_floor_ms = GlobalTimeMs(now);
  time_base_ms = global_time_ms;
  time_base_at = now;
  time_known = true;
}

// At a new global. One that never heard another's time in this run goes by the wall clock, but
// never behind what the log says.
void Member::Impl::StartGlobalTime() {
  time_floor_ms = GlobalTimeMs(now);
  if (!time_known) {
    time_base_ms = std::max(time_floor_ms, started_wall_ms + (now - started_at) / 1000);
    time_base_at = now;
    time_known = true;
  }
  EntryView newest;
  if (log.Get(log.last_index(), &newest)) time_floor_ms = std::max(time_floor_ms, newest.time_ms);
}

}  // namespace understudy::cluster
