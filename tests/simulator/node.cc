#include "tests/simulator/node.h"

#include <algorithm>
#include <utility>

#include "cluster/check.h"

namespace understudy::simulator {

void Node::Start(Micros now, int64_t wall_ms, bool lost_data) {
  run_ = (seed_ << 16 | ++runs_) + 1;
  cluster::Recovered recovered;
  recovered.lock = lock_on_disk_;
  disk_failed_ = false;
  if (lost_data) recovered.lock.quarantined = true;
  if (recovered.lock.configuration_index < disk_.base) {
    recovered.lock.configuration_index = disk_.base;
    recovered.lock.configuration = disk_.base_configuration;
  }
  cluster::Log log;
  log.Reset(disk_.base, disk_.base_term);
  for (const std::string& record : disk_.records) {
    UNDERSTUDY_CHECK(log.AppendRecords(record), "records on disk");
  }
  recovered.base_index = disk_.base;
  recovered.base_term = disk_.base_term;
  recovered.last_time_ms = disk_.base_time_ms;
  cluster::EntryView newest;
  if (log.Get(log.last_index(), &newest)) recovered.last_time_ms = newest.time_ms;
  Index newest_index = log.last_index();
  recovered.log = &log;
  cluster::MemberOptions options;
  options.id = id_;
  options.run = run_;
  options.lock_ttl = ttl_;
  options.max_append_bytes = 4096;
  options.max_inflight_bytes = 16384;
#ifdef UNDERSTUDY_PLANTED_BUGS
  options.planted = planted_;
#endif
  applied_ = disk_.base;
  told_ = newest_index;
  member_ = std::make_unique<cluster::Member>(options, std::move(recovered), now, wall_ms);
}

void Node::Kill(size_t survivors, size_t torn) {
  if (!disk_failed_) {
    for (size_t i = 0; i < std::min(survivors, pending_.size()); ++i) ToDisk(pending_[i]);
    if (survivors < pending_.size()) {
      PendingWrite& next = pending_[survivors];
      next.records.resize(std::min(torn, next.records.size()));
      if (torn > 0) ToDisk(next);
    }
  }
  pending_.clear();
  member_.reset();
}

bool Node::writes_lock() const {
  return std::any_of(pending_.begin(), pending_.end(),
                     [](const PendingWrite& write) { return write.lock_sequence != 0; });
}

void Node::LoseRecords(size_t count) {
  disk_.records.resize(disk_.records.size() - std::min(count, disk_.records.size()));
}

void Node::ToDisk(const PendingWrite& write) {
  if (write.lock_sequence != 0) {
    disk_.lock = write.lock;
    UNDERSTUDY_CHECK(cluster::LockState::Decode(disk_.lock, &lock_on_disk_), "lock state on disk");
  }
  for (std::string_view batch : write.records) {
    while (!batch.empty()) {
      cluster::EntryView entry;
      size_t size = 0;
      UNDERSTUDY_CHECK(cluster::ReadRecord(batch, &entry, &size) == cluster::RecordStatus::kOk,
                       "records to write are whole");
      UNDERSTUDY_CHECK(entry.index <= disk_.base + disk_.records.size() + 1,
                       "records are written without gaps");
      if (entry.index > disk_.base) {
        disk_.records.resize(entry.index - disk_.base - 1);
        disk_.records.emplace_back(batch.substr(0, size));
      }
      batch.remove_prefix(size);
    }
  }
}

void Node::FailDisk(Micros now) {
  disk_failed_ = true;
  member_->DiskFailed(now);
}

void Node::Turn(Micros now) {
  while (member_->HasReady()) {
    cluster::Ready ready = member_->TakeReady(now);
    PendingWrite write;
    if (ready.persist_lock) {
      write.lock_sequence = ready.lock_sequence;
      write.lock = ready.lock.Encode();
    }
    if (ready.truncated_after) {
      told_ = std::min(told_, *ready.truncated_after);
      if (on_truncated) on_truncated(*ready.truncated_after);
    }
    NoteRecords(ready);
    for (std::string_view batch : ready.records) write.records.emplace_back(batch);
    write.term = ready.records_term;
    write.last = ready.records_last;
    if (write.lock_sequence != 0 || write.last != 0) pending_.push_back(std::move(write));
    for (const cluster::Message& message : ready.messages) on_message(message);
    Apply();
    for (const NodeId& local : ready.snapshots_wanted) {
      if (on_snapshot_wanted) on_snapshot_wanted(local);
    }
    for (const cluster::Ready::Read& read : ready.reads) {
      if (on_read) on_read(read);
    }
  }
  Apply();
}

// The driver hears of every entry once, in order, and of those that were dropped.
void Node::NoteRecords(const cluster::Ready& ready) {
  if (ready.records.empty()) return;
  cluster::EntryView first;
  size_t size = 0;
  UNDERSTUDY_CHECK(
      cluster::ReadRecord(ready.records.front(), &first, &size) == cluster::RecordStatus::kOk &&
          first.index == told_ + 1,
      "the driver is told which entries were dropped");
  told_ = ready.records_last;
}

void Node::Apply() {
  for (; applied_ < member_->commit(); ++applied_) {
    cluster::EntryView entry;
    UNDERSTUDY_CHECK(member_->log().Get(applied_ + 1, &entry), "committed entries can be applied");
    if (on_apply) on_apply(entry);
  }
}

void Node::Persist(size_t count, Micros now) {
  for (; count > 0 && !pending_.empty(); --count) {
    PendingWrite write = std::move(pending_.front());
    pending_.pop_front();
    if (!disk_failed_) ToDisk(write);
    if (write.lock_sequence != 0) member_->LockPersisted(write.lock_sequence, now);
    if (write.last != 0) member_->RecordsPersisted(write.term, write.last, now);
  }
}

void Node::InstallSnapshot(Index index, Term term, int64_t time_ms,
                           const cluster::Configuration& configuration, Micros now) {
  const cluster::Log& log = member_->log();
  bool kept = log.last_index() >= index && log.TermAt(index) == term;
  member_->InstallSnapshot(index, term, time_ms, configuration, now);
  bool installed = member_->commit() >= index && log.TermAt(index) == term;
  if (installed && disk_.base < index && !disk_failed_) {
    // It is on the disk. The log goes on behind it there, or begins anew.
    size_t covered = std::min<size_t>(index - disk_.base, disk_.records.size());
    disk_.records.erase(disk_.records.begin(),
                        disk_.records.begin() + static_cast<std::ptrdiff_t>(covered));
    disk_.base = index;
    disk_.base_term = term;
    disk_.base_time_ms = time_ms;
    disk_.base_configuration = configuration;
  }
  if (installed && !kept) {
    told_ = index;
    disk_.records.clear();
    for (PendingWrite& write : pending_) write.records.clear();
  }
  applied_ = std::max(applied_, std::min(index, member_->commit()));
}

}  // namespace understudy::simulator
