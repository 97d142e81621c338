// The local's side of replication: entries and heartbeats from the global, and acknowledging them.
#include <algorithm>
#include <utility>

#include "cluster/member_impl.h"

namespace understudy::cluster {

void Member::Impl::OnAppend(const Message& message) {
  if (!AcceptGlobal(message)) return;
  SyncTime(message.global_time_ms);
  if (needs_snapshot) {
    RefuseAppend(message);
    return;
  }
  if (!AppendReceived(message)) return;
  refusal.reset();
  if (message.sent_at != 0) append_to_answer = true;
  LearnCommit(message);
}

void Member::Impl::OnHeartbeat(const Message& message) {
  if (!AcceptGlobal(message)) return;
  SyncTime(message.global_time_ms);
  if (message.sent_at != 0) heartbeat_to_answer = true;
  LearnCommit(message);
}

void Member::Impl::LearnCommit(const Message& message) {
  Index known =
      std::min(message.commit, Planted(Bug::kCommitsUnverified) ? log.last_index() : verified);
  if (known > commit) SetCommit(known);
  if (message.release_quarantine && lock.quarantined) quarantine_ends = message.commit;
  if (Planted(Bug::kQuarantineEndsEarly) && quarantine_ends) quarantine_ends = 0;
  MaybeEndQuarantine();
}

void Member::Impl::MaybeEndQuarantine() {
  if (!quarantine_ends || std::min(durable, verified) < *quarantine_ends || needs_snapshot) return;
  quarantine_ends.reset();
  lock.quarantined = false;
  PersistLock(true);
}

// Checks the records of an append before anything is changed: well formed, contiguous from `first`
// on, of terms that a global of this term can have. `known` gets the last one that is here already,
// `known_bytes` where the next begins, `configurations` those behind `known`.
bool Member::Impl::ScanRecords(std::string_view records, Index first, Index* known,
                               size_t* known_bytes, std::vector<ConfigurationEntry>* found) const {
  bool overlaps = first <= log.last_index();  // then something may be dropped on their word
  bool all_known = true;
  Term term = 0;
  Index index = first;
  *known = first - 1;
  *known_bytes = 0;
  for (size_t offset = 0; offset < records.size(); ++index) {
    EntryView entry;
    size_t size = 0;
    if (ReadRecord(records.substr(offset), &entry, &size, overlaps) != RecordStatus::kOk ||
        entry.cluster != options.cluster || entry.index != index || entry.term < term ||
        entry.term > lock.term) {
      return false;
    }
    term = entry.term;
    offset += size;
    all_known = all_known && index <= log.last_index() &&
                (index <= commit || log.TermAt(index) == entry.term ||
                 Planted(Bug::kKeepsConflictingEntries));
    if (all_known) {
      *known = index;
      *known_bytes = offset;
    } else if (entry.type == EntryType::kConfiguration) {
      found->push_back({index, {}});
      if (!Configuration::Decode(entry.payload, &found->back().configuration)) return false;
    }
  }
  return true;
}

bool Member::Impl::AppendReceived(const Message& message) {
  Index previous = message.log_index;
  bool fits = previous <= commit ||  // whatever is committed, a global has
              (previous <= log.last_index() &&
               (log.TermAt(previous) == message.log_term || Planted(Bug::kSkipsPreviousCheck)));
  if (!fits) {
    RefuseAppend(message);
    return false;
  }
  Index known = 0;
  size_t known_bytes = 0;
  std::vector<ConfigurationEntry> found;
  // What is malformed isn't answered: the global sends it again after the next heartbeat.
  if (!ScanRecords(message.records, previous + 1, &known, &known_bytes, &found)) return false;
  std::string_view rest = message.records.substr(known_bytes);
  Index last = known;
  if (!rest.empty()) {
    if (known < log.last_index()) TruncateAfter(known);
    if (!log.AppendRecords(rest)) return false;
    last = log.last_index();
    for (ConfigurationEntry& entry : found) {
      ConfigurationAppended(entry.index, std::move(entry.configuration));
    }
  }
  verified = std::max(verified, last);
  return true;
}

// Names the last place up to which this log may be the same as the global's (see OnRefusedAppend).
void Member::Impl::RefuseAppend(const Message& message) {
  if (message.sent_at == 0 || refusal) return;
  refusal = MakeMessage(Message::Type::kAppendReply, message.from);
  refusal->sent_at = message.sent_at;
  if (needs_snapshot) {
    refusal->wants_snapshot = true;
    return;
  }
  Index low = commit;
  Index high = std::max(commit, std::min(message.log_index, log.last_index()));
  while (low < high) {  // the last in [low, high] whose term is at most the global's
    Index middle = low + (high - low + 1) / 2;
    if (log.TermAt(middle) <= message.log_term) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  refusal->received = low;
  refusal->hint_term = log.TermAt(low);
}

Index Member::Impl::Acknowledgeable() const {
  return Planted(Bug::kAcknowledgesBeforeDurable) ? verified : std::min(durable, verified);
}

bool Member::Impl::MustAcknowledge() const {
  bool current = lock.holder_term == lock.term ||
                 (Planted(Bug::kAcknowledgesOlderTerm) && !lock.holder.empty());
  bool promised = HoldsLockState() || Planted(Bug::kAcknowledgesBeforeTermDurable);
  if (!current || role != Role::kLocal || !promised) return false;
  if (refusal) return true;
  if (disk_failed) return append_to_answer;
  Index match = Acknowledgeable();
  return heartbeat_to_answer || (append_to_answer && (match > told_match || match == verified));
}

// Acknowledges what is durable, in this term and to its global only (I4). Appends that wait for the
// disk are answered by the turn in which that reports.
void Member::Impl::Acknowledge(Ready* ready) {
  if (!MustAcknowledge()) return;
  if (refusal) {
    ready->messages.push_back(std::move(*refusal));
    refusal.reset();
  }
  Index match = Acknowledgeable();
  bool append = append_to_answer && (match > told_match || match == verified || disk_failed);
  if (!append && !heartbeat_to_answer) return;
  heartbeat_to_answer = false;
  if (disk_failed && !append) return;
  Message reply = MakeMessage(append ? Message::Type::kAppendReply : Message::Type::kHeartbeatReply,
                              lock.holder);
  if (Planted(Bug::kAcknowledgesOlderTerm)) reply.term = lock.holder_term;
  reply.accepted = append;
  reply.match = match;
  reply.received = verified;
  // A member whose disk failed says only what it has received, for the sake of flow control.
  reply.sent_at = disk_failed ? 0 : newest_sent;
  reply.wants_snapshot = needs_snapshot;
  if (append) {
    append_to_answer = match < verified && !disk_failed;
    told_match = match;
  }
  ready->messages.push_back(std::move(reply));
}

void Member::Impl::InstallSnapshot(Index index, Term term, int64_t time_ms,
                                   const Configuration& installed) {
  if (disk_failed) return;  // it would be acknowledged as durable
  // Entries behind it still count: they may have been acknowledged.
  bool kept = index >= log.base_index() && index <= log.last_index() && log.TermAt(index) == term;
  if (Planted(Bug::kSnapshotDropsTail) && index > commit) kept = false;
  bool usable = kept || index > commit;
  if (role == Role::kGlobal || !usable) return;  // older than what is here
  if (term > lock.term) SetTerm(term);
  needs_snapshot = false;
  if (!kept) {
    if (index < log.last_index())
      truncated_after = std::min(truncated_after.value_or(index), index);
    UndoConfigurations(index);
    log.Reset(index, term);
    for (Write& write : writes) write.valid = 0;
    written = durable = verified = index;
  }
  if (index > commit) {
    while (configurations.size() > 1 && configurations[1].index <= index) {
      configurations.erase(configurations.begin());
    }
    commit = index;
    if (index > configurations.front().index &&
        !Planted(Bug::kSnapshotWithoutMembers)) {  // else a newer one is known to be committed
      configurations.front() = {index, installed};
      lock.configuration = installed;
      lock.configuration_index = index;
      PersistLock(false);
    }
  }
  durable = std::max(durable, index);
  written = std::max(written, index);
  verified = std::max(verified, index);
  time_floor_ms = std::max(time_floor_ms, time_ms);
  MaybeEndQuarantine();
  if (lock.holder_term != lock.term || lock.holder.empty()) return;
  Message done = MakeMessage(Message::Type::kSnapshotDone, lock.holder);
  done.match = done.received = index;
  Send(std::move(done));
}

}  // namespace understudy::cluster
