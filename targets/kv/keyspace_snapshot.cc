#include "targets/kv/keyspace_snapshot.h"

#include <algorithm>
#include <utility>

namespace understudy::targets::kv {
namespace {

// Writing this much takes as long as writing a small value does.
constexpr size_t kBytesOfOneWork = 128;
constexpr size_t kPieceBytes = 32 << 10;
// A buffer that a burst of changes made larger isn't kept.
constexpr size_t kKeptCapacity = 1 << 20;

}  // namespace

KeyspaceSnapshot::KeyspaceSnapshot(Keyspace* keyspace)
    : keyspace_(keyspace),
      begin_index_(keyspace->last_change_index_),
      out_([this](std::string_view piece) {
        if (step_sink_ != nullptr) return (*step_sink_)(piece);
        kept_.append(piece);
        return true;
      }),
      writer_(out_, false) {
  if (keyspace_->snapshot_ != nullptr) keyspace_->snapshot_->Detach();
  keyspace_->snapshot_ = this;
  sizes_.resize(keyspace_->dbs_.size());
  for (size_t i = 0; i < sizes_.size(); ++i) {
    Db& db = keyspace_->dbs_[i];
    db.snapshot_number = static_cast<int>(i);
    db.snapshot_cursor = 0;
    db.snapshot_done = db.table.size() == 0;
    sizes_[i] = {db.table.size(), db.table.marked()};
    total_ += db.table.size();
  }
}

KeyspaceSnapshot::~KeyspaceSnapshot() { Detach(); }

void KeyspaceSnapshot::Detach() {
  if (keyspace_ == nullptr) return;
  for (Db& db : flushed_) keyspace_->discarded_.push_back(std::move(db.table));
  flushed_.clear();
  keyspace_->snapshot_ = nullptr;
  keyspace_ = nullptr;
}

void KeyspaceSnapshot::Save(const Db& db, const Entry& entry) {
  if (db.snapshot_done || entry.last_index() > begin_index_) return;
  if (ReverseBits(keyspace_->hasher_(entry.key())) < ReverseBits(db.snapshot_cursor)) return;
  Write(db.snapshot_number, entry);
}

void KeyspaceSnapshot::Write(int number, const Entry& entry) {
  if (number != selected_) {
    selected_ = number;
    writer_.SelectDb(static_cast<uint64_t>(number));
    Size& size = sizes_[static_cast<size_t>(number)];
    if (!size.announced) writer_.ResizeDb(size.keys, size.expires);
    size.announced = true;
  }
  WriteEntry(entry, &writer_);
  ++written_;
}

KeyspaceSnapshot::Db* KeyspaceSnapshot::NextDb() {
  for (Db& db : keyspace_->dbs_) {
    if (!db.snapshot_done) return &db;
  }
  while (!flushed_.empty()) {
    if (!flushed_.front().snapshot_done) return &flushed_.front();
    keyspace_->discarded_.push_back(std::move(flushed_.front().table));
    flushed_.pop_front();
  }
  return nullptr;
}

size_t KeyspaceSnapshot::VisitBucket(Db* db) {
  const uint64_t cursor = db->snapshot_cursor, position = ReverseBits(cursor);
  const bool repeats = db->table.ScanRepeats(cursor);
  bucket_.clear();
  db->snapshot_cursor = db->table.Scan(cursor, false, [this](const Entry* entry, bool) {
    PrefetchLine(entry);
    PrefetchLine(reinterpret_cast<const char*>(entry) + 64);
    bucket_.push_back(entry);
  });
  db->snapshot_done = db->snapshot_cursor == 0;
  db->table.PrefetchScan(db->snapshot_cursor);
  const uint64_t bytes = writer_.written_bytes();
  for (const Entry* entry : bucket_) {
    if (entry->last_index() > begin_index_) continue;
    if (repeats && ReverseBits(keyspace_->hasher_(entry->key())) < position) continue;
    Write(db->snapshot_number, *entry);
  }
  return 1 + bucket_.size() + (writer_.written_bytes() - bytes) / kBytesOfOneWork;
}

SnapshotCursor::Status KeyspaceSnapshot::Step(size_t work, const SnapshotSink& sink) {
  if (keyspace_ == nullptr || !writer_.ok()) return Status::kFailed;
  // First all that was kept, in order: where a database is selected counts for what follows.
  while (kept_given_ < kept_.size() && work > 0) {
    const std::string_view piece = std::string_view(kept_).substr(kept_given_, kPieceBytes);
    if (!sink(piece)) return Status::kFailed;
    kept_given_ += piece.size();
    const size_t done = 1 + piece.size() / kBytesOfOneWork;
    work_done_ += done;
    work -= std::min(work, done);
  }
  if (kept_given_ < kept_.size()) return Status::kMore;
  kept_given_ = 0;
  kept_.clear();
  if (kept_.capacity() > kKeptCapacity) std::string().swap(kept_);
  step_sink_ = &sink;
  Db* db = NextDb();
  while (db != nullptr && work > 0 && writer_.ok()) {
    const size_t done = VisitBucket(db);
    work_done_ += done;
    work -= std::min(work, done);
    if (db->snapshot_done) db = NextDb();
  }
  if (db == nullptr) writer_.Finish();
  step_sink_ = nullptr;
  if (!writer_.ok()) return Status::kFailed;
  if (db != nullptr) return Status::kMore;
  Detach();
  return Status::kDone;
}

double KeyspaceSnapshot::Progress() const {
  return total_ == 0 ? 1 : static_cast<double>(written_) / static_cast<double>(total_);
}

}  // namespace understudy::targets::kv
