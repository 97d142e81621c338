#include "targets/kv/deleted_names.h"

#include <algorithm>
#include <utility>

namespace understudy::targets::kv {

size_t DeletedNames::Probe(uint64_t name_hash) const {
  const size_t mask = cells_.size() - 1;
  size_t cell = name_hash & mask;
  while (cells_[cell].index != 0 && cells_[cell].name_hash != name_hash) cell = (cell + 1) & mask;
  return cell;
}

void DeletedNames::Add(uint64_t name_hash, uint64_t index) {
  if ((used_ + 1) * 2 > cells_.size()) Grow();
  Cell& cell = cells_[Probe(name_hash)];
  if (cell.index == 0) ++used_;
  cell = {name_hash, index};
  order_.push_back(cell);
}

uint64_t DeletedNames::Find(uint64_t name_hash) const {
  return empty() ? 0 : cells_[Probe(name_hash)].index;
}

void DeletedNames::Prune(uint64_t commit) {
  while (order_.size() - oldest_ > kKept && order_[oldest_].index <= commit) {
    forgotten_ = order_[oldest_].index;
    const size_t cell = Probe(order_[oldest_].name_hash);
    // A name deleted again later stays, by its newer index.
    if (cells_[cell].index == forgotten_) Remove(cell);
    ++oldest_;
  }
  if (empty()) {
    order_.clear();
    oldest_ = 0;
  } else if (oldest_ > order_.size() / 2) {
    order_.erase(order_.begin(), order_.begin() + static_cast<ptrdiff_t>(oldest_));
    oldest_ = 0;
  }
}

void DeletedNames::Clear() {
  if (!empty()) forgotten_ = order_.back().index;
  std::fill(cells_.begin(), cells_.end(), Cell{});
  order_.clear();
  oldest_ = 0;
  used_ = 0;
}

// Closes the gap that a removed cell leaves in its run, so that probing needs no tombstones.
void DeletedNames::Remove(size_t gap) {
  const size_t mask = cells_.size() - 1;
  for (size_t next = (gap + 1) & mask; cells_[next].index != 0; next = (next + 1) & mask) {
    const size_t home = cells_[next].name_hash & mask;
    // It may move back only if its home isn't between the gap (exclusive) and where it is.
    if (((next - home) & mask) >= ((next - gap) & mask)) {
      cells_[gap] = cells_[next];
      gap = next;
    }
  }
  cells_[gap] = Cell{};
  --used_;
}

void DeletedNames::Grow() {
  std::vector<Cell> old = std::exchange(cells_, {});
  cells_.resize(std::max<size_t>(old.size() * 2, 64));
  for (const Cell& cell : old) {
    if (cell.index != 0) cells_[Probe(cell.name_hash)] = cell;
  }
}

}  // namespace understudy::targets::kv
