// A sorted sequence of items that have ids of stream entries: a tree of two levels, an array of
// sorted arrays (chunks) of at most 4 KiB each.
//
// Streams grow at the end and shrink at the front, and ids that follow each other are looked for
// one after the other: arrays serve that with the least memory (a quarter of what a radix tree of
// the same ids takes). Appending fills chunks to the brim; inserting elsewhere splits a full one.
//
// O(log n) to find, and to move the items of a chunk, and the pointers to chunks (of ten million
// items a megabyte at most, once a chunk), to insert and erase.
//
// Item: trivially copyable, with a member `id` of type StreamId. No id comes twice. Cursors and
// pointers to items are valid until the next change. Throws nothing but std::bad_alloc.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "targets/kv/stream_id.h"

namespace understudy::targets::kv {

template <typename Item>
class IdIndex {
 public:
  static constexpr size_t kChunkItems = 4096 / sizeof(Item);

  // A place of an item, or the end.
  struct Cursor {
    size_t chunk = 0, item = 0;
  };

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Item& front() const { return chunks_.front().front(); }
  const Item& back() const { return chunks_.back().back(); }
  Item& back() { return chunks_.back().back(); }

  Cursor begin_cursor() const { return {}; }
  bool AtEnd(Cursor at) const { return at.chunk == chunks_.size(); }
  // REQUIRES of these: not at the end.
  const Item& At(Cursor at) const { return chunks_[at.chunk][at.item]; }
  Item& At(Cursor at) { return chunks_[at.chunk][at.item]; }
  void Next(Cursor* at) const {
    if (++at->item == chunks_[at->chunk].size()) *at = {at->chunk + 1, 0};
  }
  // False, and the cursor stays, at the first item. From the end it goes to the last.
  bool Previous(Cursor* at) const {
    if (at->item == 0) {
      if (at->chunk == 0) return false;
      --at->chunk;
      at->item = chunks_[at->chunk].size();
    }
    --at->item;
    return true;
  }

  // The first item whose id isn't less.
  Cursor LowerBound(const StreamId& id) const {
    const auto chunk = std::partition_point(
        chunks_.begin(), chunks_.end(), [&id](const Chunk& each) { return each.back().id < id; });
    if (chunk == chunks_.end()) return {chunks_.size(), 0};
    const auto item = std::partition_point(chunk->begin(), chunk->end(),
                                           [&id](const Item& each) { return each.id < id; });
    return {static_cast<size_t>(chunk - chunks_.begin()),
            static_cast<size_t>(item - chunk->begin())};
  }
  const Item* Find(const StreamId& id) const {
    const Cursor at = LowerBound(id);
    return !AtEnd(at) && At(at).id == id ? &At(at) : nullptr;
  }
  Item* Find(const StreamId& id) { return const_cast<Item*>(std::as_const(*this).Find(id)); }

  // REQUIRES: no item has that id. Returns where it is.
  Item* Insert(const Item& item) {
    ++size_;
    if (chunks_.empty() || chunks_.back().back().id < item.id) {
      if (chunks_.empty() || chunks_.back().size() == kChunkItems) chunks_.emplace_back();
      Grow(&chunks_.back());
      chunks_.back().push_back(item);
      return &chunks_.back().back();
    }
    Cursor at = LowerBound(item.id);
    if (chunks_[at.chunk].size() == kChunkItems) at = Split(at);
    Chunk& chunk = chunks_[at.chunk];
    Grow(&chunk);
    return &*chunk.insert(chunk.begin() + static_cast<ptrdiff_t>(at.item), item);
  }

  // Returns the place of the item that followed.
  Cursor Erase(Cursor at) {
    --size_;
    Chunk& chunk = chunks_[at.chunk];
    chunk.erase(chunk.begin() + static_cast<ptrdiff_t>(at.item));
    if (chunk.empty()) {
      chunks_.erase(chunks_.begin() + static_cast<ptrdiff_t>(at.chunk));
      return {at.chunk, 0};
    }
    return at.item < chunk.size() ? at : Cursor{at.chunk + 1, 0};
  }
  bool EraseId(const StreamId& id) {
    const Cursor at = LowerBound(id);
    if (AtEnd(at) || At(at).id != id) return false;
    Erase(at);
    return true;
  }

  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (const Chunk& chunk : chunks_) {
      for (const Item& item : chunk) visit(item);
    }
  }

  // Drops items from the end, `free` called for each, at most about `*budget` of them, and takes
  // off the budget what was. True when none is left.
  template <typename Free>
  bool DropSome(size_t* budget, Free&& free) {
    while (!chunks_.empty() && *budget > 0) {
      for (const Item& item : chunks_.back()) free(item);
      *budget -= std::min(*budget, chunks_.back().size());
      size_ -= chunks_.back().size();
      chunks_.pop_back();
    }
    return chunks_.empty();
  }

  // Bytes asked of the allocator.
  size_t memory() const {
    size_t bytes = chunks_.capacity() * sizeof(Chunk);
    for (const Chunk& chunk : chunks_) bytes += chunk.capacity() * sizeof(Item);
    return bytes;
  }

 private:
  using Chunk = std::vector<Item>;

  // Makes room for one more: half as much again, but never beyond a full chunk.
  static void Grow(Chunk* chunk) {
    if (chunk->size() < chunk->capacity()) return;
    chunk->reserve(std::min(kChunkItems, chunk->size() + chunk->size() / 2 + 2));
  }

  // Splits a full chunk; returns where the place is then.
  Cursor Split(Cursor at) {
    constexpr size_t kKept = kChunkItems / 2;
    chunks_.emplace(chunks_.begin() + static_cast<ptrdiff_t>(at.chunk) + 1);
    Chunk& left = chunks_[at.chunk];
    Chunk& right = chunks_[at.chunk + 1];
    right.assign(left.begin() + kKept, left.end());
    left.resize(kKept);
    return at.item <= kKept ? at : Cursor{at.chunk + 1, at.item - kKept};
  }

  std::vector<Chunk> chunks_;  // none is empty
  size_t size_ = 0;
};

}  // namespace understudy::targets::kv
