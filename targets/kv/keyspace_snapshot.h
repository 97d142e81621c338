// A point in time of the key space, written as sections of an RDB file while commands go on.
//
// The cursor walks each table in the order of Scan(): by the reversed bits of the keys' hashes. So
// "was visited" is a comparison of two numbers, whatever the table's size does in between, and a
// bucket that is seen again because the table shrank is filtered by the same comparison. An entry
// carries the index of the log that last changed it; what is newer than the snapshot's beginning
// isn't the snapshot's: it is new, or its old value was written when it was changed.
//
// Invariants, of each key as it was at the beginning:
//  1. It is written once: when the cursor visits it, or right before its first change (or removal)
//     if that comes first. All write functions call Keyspace::SaveOld() for that.
//  2. It is not written yet exactly if its hash is at or behind the cursor and its last index isn't
//     newer than the beginning. So a write function that saves must change or remove.
//  3. A database keeps its number as of the beginning and its cursor when databases are swapped; a
//     flushed one is kept here, with its keys, until it is written.
//
// Memory: what changes save waits here until the next Step(): at most the values that are changed
// for the first time between two steps. Without a snapshot a write pays for one comparison.
// Not in steps: one value, however large, is written at once.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "targets/kv/keyspace.h"
#include "targets/kv/rdb.h"
#include "targets/machine.h"

namespace understudy::targets::kv {

// Expiry, type, key and value.
void WriteEntry(const Entry& entry, RdbWriter* out);

class KeyspaceSnapshot : public SnapshotCursor {
 public:
  // Begins. Another snapshot of the same key space fails.
  explicit KeyspaceSnapshot(Keyspace* keyspace);
  ~KeyspaceSnapshot() override;
  KeyspaceSnapshot(const KeyspaceSnapshot&) = delete;
  KeyspaceSnapshot& operator=(const KeyspaceSnapshot&) = delete;

  Status Step(size_t work, const SnapshotSink& sink) override;
  uint64_t work_done() const override { return work_done_; }
  size_t kept_bytes() const override {
    return kept_.size() - kept_given_ + writer_.buffered_bytes();
  }
  double Progress() const override;

 private:
  friend class Keyspace;
  using Db = Keyspace::Db;
  // A database as of the beginning.
  struct Size {
    uint64_t keys = 0, expires = 0;
    bool announced = false;
  };

  // --- for the key space ---
  // Writes what an entry is before it changes, if it has to be.
  void Save(const Db& db, const Entry& entry);
  // Takes a database that is being flushed and isn't written yet.
  void Keep(Db db) { flushed_.push_back(std::move(db)); }
  // The key space ends, or is replaced: this fails from now on.
  void Detach();

  Db* NextDb();
  // Writes a bucket; how much work that was.
  size_t VisitBucket(Db* db);
  void Write(int number, const Entry& entry);

  Keyspace* keyspace_;
  const uint64_t begin_index_;
  const SnapshotSink* step_sink_ = nullptr;  // during Step()
  std::string kept_;
  size_t kept_given_ = 0;  // of its bytes
  SnapshotSink out_;
  RdbWriter writer_;
  std::vector<Size> sizes_;  // by number
  uint64_t total_ = 0, written_ = 0, work_done_ = 0;
  int selected_ = -1;
  std::deque<Db> flushed_;
  std::vector<const Entry*> bucket_;  // scratch
};

}  // namespace understudy::targets::kv
