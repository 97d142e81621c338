// Remembers which names uncommitted entries of the log have deleted, and the newest committed ones.
//
// The latter are for transactions: one that watched a key elsewhere asks whether it was deleted in
// the entries that its node hadn't seen. A reply that says that a key isn't there may be due to a
// deletion that isn't committed yet and has to wait for it (DESIGN 3.3). Names are kept as 64-bit
// hashes: should two names share one, a reply waits for an entry it needn't wait for, and nothing
// else.
//
// Indexes are added in ascending order. Bounded: Full() says when the owner should fall back on
// "everything depends on the newest entry" and Clear(). No allocation once warm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace understudy::targets::kv {

class DeletedNames {
 public:
  static constexpr size_t kLimit = 1 << 16;

  bool empty() const { return order_.size() == oldest_; }
  bool Full() const { return order_.size() - oldest_ >= kLimit; }
  // REQUIRES: !Full().
  void Add(uint64_t name_hash, uint64_t index);
  // The newest index that deleted the name; 0 if none that is still remembered.
  uint64_t Find(uint64_t name_hash) const;
  // Forgets what committed entries deleted, but for the newest kKept.
  static constexpr size_t kKept = 4096;
  void Prune(uint64_t commit);
  void Clear();
  // The newest index whose deletions may have been forgotten; 0: none.
  uint64_t forgotten() const { return forgotten_; }

 private:
  struct Cell {
    uint64_t name_hash = 0;
    uint64_t index = 0;  // 0: empty
  };
  size_t Probe(uint64_t name_hash) const;  // the cell of the name, or the one where it would go
  void Remove(size_t cell);
  void Grow();

  std::vector<Cell> cells_;  // open addressing with linear probing; a power of two, half full
  size_t used_ = 0;
  std::vector<Cell> order_;  // everything added, in order; forgotten before oldest_
  size_t oldest_ = 0;
  uint64_t forgotten_ = 0;
};

}  // namespace understudy::targets::kv
