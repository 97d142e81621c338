// A list of elements in one block of bytes: the form of small lists, hashes, sets and sorted sets,
// and of the nodes of big lists.
//
// The block is a listpack as Redis defines it, so that RDB files and DUMP hold it as it is:
//
//   listpack := bytes:4 count:2 entry* FF          little-endian; bytes is the whole block's size;
//                                                  count FFFF: 65535 or more, to be counted
//   entry    := head data back_size
//   head     := 0xxxxxxx                           the integer 0..127
//             | 10xxxxxx                           a text of so many bytes
//             | 110xxxxx x:8                       a 13-bit signed integer
//             | 1110xxxx x:8                       a text of so many bytes, 12 bits
//             | F0 size:4                          a text, little-endian size
//             | F1 x:16 | F2 x:24 | F3 x:32 | F4 x:64     a signed integer, little-endian
//   back_size := the size of head and data, in groups of 7 bits, the most significant first; all
//                bytes but the first have the high bit set, so that it can be read backwards
// Source: https://github.com/antirez/listpack/blob/master/listpack.md
//
// A PackedList is a handle, as a pointer is: copying it doesn't copy the list, and whoever holds
// the only one calls Free(). Functions that change the list may move the block, so other handles
// to the same list end there. The block's room is always RoundToSizeClass(bytes()), which is what
// the allocator would give anyway: nothing else needs to be kept.
//
// A Position is an entry's offset; positions before a change stay valid, those behind it don't.
// Elements given to functions that change the list must not point into it; elements got from it
// are valid until it changes. Throws nothing but std::bad_alloc.
//
// Limits: kMaxBytes; who adds must ask Fits() first.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "targets/kv/element.h"

namespace understudy::targets::kv {

class PackedList {
 public:
  using Position = uint32_t;
  static constexpr Position kNone = 0;
  static constexpr size_t kHeaderBytes = 6, kEmptyBytes = kHeaderBytes + 1;
  static constexpr size_t kMaxBytes = 1 << 30;
  // An entry is at most so much bigger than its text.
  static constexpr size_t kMaxEntryOverhead = 10;

  static PackedList New();
  // A copy of a block that Validate() has accepted.
  static PackedList FromBytes(std::string_view block);
  explicit PackedList(void* block) : block_(static_cast<uint8_t*>(block)) {}
  void Free();
  PackedList Copy() const { return FromBytes(bytes_view()); }

  // Whether the bytes are a listpack that the functions here can walk; `count` is then the number
  // of entries.
  static bool Validate(std::string_view block, size_t* count);

  void* block() const { return block_; }
  size_t bytes() const { return Load32(block_); }
  std::string_view bytes_view() const { return {reinterpret_cast<const char*>(block_), bytes()}; }
  // Bytes asked of the allocator.
  size_t memory() const;
  // O(1) up to 65534 entries.
  size_t size() const {
    const uint32_t count = Load16(block_ + 4);
    return count != kUnknownCount ? count : Count();
  }
  bool empty() const { return block_[kHeaderBytes] == kEnd; }
  // Whether entries with `text_bytes` bytes of text in all may be added.
  bool Fits(size_t text_bytes, size_t entries = 1) const {
    return text_bytes <= kMaxBytes &&
           bytes() + text_bytes + entries * kMaxEntryOverhead <= kMaxBytes;
  }

  // ---- walking: kNone when there is no such entry ----

  Position First() const { return empty() ? kNone : static_cast<Position>(kHeaderBytes); }
  Position Last() const { return Previous(EndPosition()); }
  Position Next(Position at) const {
    const uint32_t size = EntrySize(block_ + at);
    const Position next = at + size + BackSizeBytes(size);
    return block_[next] == kEnd ? kNone : next;
  }
  Position Previous(Position at) const;
  // The entry of that index; O(n) from the nearer end.
  Position Seek(size_t index) const;

  Element Get(Position at) const;
  bool Equals(Position at, const Element& element) const;
  // The first entry equal to `element`, looking at `from` and every `step`th entry behind it.
  // `from` may be kNone.
  Position Find(Position from, const Element& element, size_t step = 1) const;

  // ---- changing ----

  void Append(const Element& element) { Write(EndPosition(), 0, element, 1); }
  void Prepend(const Element& element) { Write(kHeaderBytes, 0, element, 1); }
  // The new entry is then at `at`.
  void InsertBefore(Position at, const Element& element) { Write(at, 0, element, 1); }
  void Replace(Position at, const Element& element);
  // Returns where the entry behind the erased ones is then, kNone at the end. `count` may exceed
  // what is there.
  Position Erase(Position at, size_t count = 1);
  void Clear() { EraseBytes(kHeaderBytes, EndPosition(), size()); }
  // Takes the entries from `at` on out, into a list of their own. REQUIRES: at != kNone.
  PackedList SplitOff(Position at);
  // Encodes an entry at the end of `out`, and appends entries that were encoded so, in one piece.
  static void Encode(const Element& element, std::string* out);
  void AppendEncoded(std::string_view entries, size_t count);
  // Appends all entries of another list.
  void AppendAll(const PackedList& other);

 private:
  static constexpr uint8_t kEnd = 0xff;
  static constexpr uint32_t kUnknownCount = 0xffff;

  static uint32_t Load16(const uint8_t* at) {
    uint16_t value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  static uint32_t Load32(const uint8_t* at) {
    uint32_t value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  // Bytes of an entry's head and data.
  static uint32_t EntrySize(const uint8_t* entry) {
    const uint8_t head = *entry;
    if (head < 0x80) return 1;
    if (head < 0xc0) return 1 + (head & 0x3fu);
    if (head < 0xe0) return 2;
    if (head < 0xf0) return 2 + ((head & 0x0fu) << 8 | entry[1]);
    return LongEntrySize(entry);
  }
  static uint32_t LongEntrySize(const uint8_t* entry);
  // The bounds are Redis' own, which for 16383 takes a byte more than it needs.
  static uint32_t BackSizeBytes(uint32_t size) {
    return size <= 127 ? 1 : size < 16383 ? 2 : size < 2097151 ? 3 : size < 268435455 ? 4 : 5;
  }
  Position EndPosition() const { return static_cast<Position>(bytes() - 1); }
  size_t Count() const;
  void SetCount(size_t count);
  void SetBytes(size_t bytes);
  // Puts an entry in the place of `removed` bytes.
  void Write(Position at, uint32_t removed, const Element& element, int count_change);
  void MoveTail(Position at, uint32_t removed, uint32_t added);
  void EraseBytes(Position from, Position to, size_t count);

  uint8_t* block_;
};

}  // namespace understudy::targets::kv
