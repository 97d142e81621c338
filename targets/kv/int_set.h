// A sorted array of distinct integers in one block: the form of small sets of integers.
//
// The block is an intset as Redis defines it, so that RDB files and DUMP hold it as it is:
//
//   intset := width:4 count:4 integer*      little-endian; width is 2, 4 or 8 bytes an integer
//
// The width is the smallest that all integers ever added needed. An IntSet is a handle, as a
// PackedList is, and the same is true of it: who holds the only one calls Free(), changes may move
// the block, its room is RoundToSizeClass(bytes()). Throws nothing but std::bad_alloc.
//
// Limit: kMaxSize integers.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace understudy::targets::kv {

class IntSet {
 public:
  static constexpr size_t kMaxSize = 1 << 30;

  static IntSet New();
  static IntSet FromBytes(std::string_view block);  // a copy of one that Validate() has accepted
  explicit IntSet(void* block) : block_(static_cast<uint8_t*>(block)) {}
  void Free();
  IntSet Copy() const { return FromBytes(bytes_view()); }

  // Whether the bytes are an intset, in order.
  static bool Validate(std::string_view block);

  void* block() const { return block_; }
  size_t size() const { return header().count; }
  size_t bytes() const { return sizeof(Header) + size() * header().width; }
  std::string_view bytes_view() const { return {reinterpret_cast<const char*>(block_), bytes()}; }
  size_t memory() const;  // bytes asked of the allocator

  // In ascending order. REQUIRES: index < size().
  int64_t At(size_t index) const { return Load(index, header().width); }
  bool Contains(int64_t value) const {
    size_t index;
    return Find(value, &index);
  }

  bool Add(int64_t value);     // false if it was there
  bool Remove(int64_t value);  // false if it wasn't there

 private:
  struct Header {
    uint32_t width, count;
  };

  Header header() const {
    Header header;
    std::memcpy(&header, block_, sizeof header);
    return header;
  }
  void SetHeader(uint32_t width, uint32_t count) {
    const Header header{width, count};
    std::memcpy(block_, &header, sizeof header);
  }
  int64_t Load(size_t index, uint32_t width) const;
  void Store(size_t index, uint32_t width, int64_t value);
  // Where the value is, or would have to be inserted.
  bool Find(int64_t value, size_t* index) const;
  void Resize(size_t old_bytes, size_t new_bytes);

  uint8_t* block_;
};

}  // namespace understudy::targets::kv
