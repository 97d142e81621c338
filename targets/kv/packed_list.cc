#include "targets/kv/packed_list.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdlib>
#include <new>

#include "targets/kv/entry.h"

namespace understudy::targets::kv {
namespace {

static_assert(std::endian::native == std::endian::little, "integers are copied as they are");

constexpr uint8_t kText32 = 0xf0, kInt16 = 0xf1, kInt24 = 0xf2, kInt32 = 0xf3, kInt64 = 0xf4;
constexpr size_t kMaxHeadBytes = 9;

// Writes the head of an entry, for an integer all of it; returns its size.
size_t EncodeHead(const Element& element, uint8_t* to) {
  if (!element.IsInteger()) {
    const size_t size = element.bytes().size();
    if (size < 1 << 6) {
      to[0] = static_cast<uint8_t>(0x80 | size);
      return 1;
    }
    if (size < 1 << 12) {
      to[0] = static_cast<uint8_t>(0xe0 | size >> 8);
      to[1] = static_cast<uint8_t>(size);
      return 2;
    }
    to[0] = kText32;
    const auto size32 = static_cast<uint32_t>(size);
    std::memcpy(to + 1, &size32, sizeof size32);
    return 1 + sizeof size32;
  }
  const int64_t value = element.integer();
  if (value >= 0 && value <= 127) {
    to[0] = static_cast<uint8_t>(value);
    return 1;
  }
  if (value >= -4096 && value <= 4095) {
    to[0] = static_cast<uint8_t>(0xc0 | (value >> 8 & 0x1f));
    to[1] = static_cast<uint8_t>(value);
    return 2;
  }
  size_t bytes = sizeof value;
  if (value >= INT16_MIN && value <= INT16_MAX) {
    to[0] = kInt16;
    bytes = 2;
  } else if (value >= -(1 << 23) && value < 1 << 23) {
    to[0] = kInt24;
    bytes = 3;
  } else if (value >= INT32_MIN && value <= INT32_MAX) {
    to[0] = kInt32;
    bytes = 4;
  } else {
    to[0] = kInt64;
  }
  std::memcpy(to + 1, &value, bytes);
  return 1 + bytes;
}

// A little-endian signed integer of so many bytes.
int64_t LoadSigned(const uint8_t* from, int bytes) {
  uint64_t value = 0;
  std::memcpy(&value, from, static_cast<size_t>(bytes));
  const int shift = 64 - 8 * bytes;
  return static_cast<int64_t>(value << shift) >> shift;
}

// Reads the number that ends before `end`, not reading before `begin`; false if there is none.
// `bytes` is how many it takes.
bool DecodeBackSize(const uint8_t* begin, const uint8_t* end, uint32_t* size, uint32_t* bytes) {
  uint64_t value = 0;
  for (uint32_t i = 0; i < 5; ++i) {
    if (end - begin <= i) return false;
    const uint8_t byte = *(end - 1 - i);
    value |= uint64_t{byte & 0x7fu} << (7 * i);
    if (byte < 0x80) {
      *size = static_cast<uint32_t>(value);
      *bytes = i + 1;
      return value <= UINT32_MAX;
    }
  }
  return false;
}

void EncodeBackSize(uint32_t size, uint32_t bytes, uint8_t* to) {
  for (uint32_t i = 0; i < bytes; ++i) {
    to[bytes - 1 - i] = static_cast<uint8_t>((size >> (7 * i) & 0x7f) | (i + 1 < bytes ? 0x80 : 0));
  }
}

uint8_t* Allocate(size_t bytes) {
  void* block = std::malloc(RoundToSizeClass(bytes));
  if (block == nullptr) throw std::bad_alloc();
  return static_cast<uint8_t*>(block);
}

}  // namespace

PackedList PackedList::New() {
  PackedList list(Allocate(kEmptyBytes));
  list.SetBytes(kEmptyBytes);
  list.SetCount(0);
  list.block_[kHeaderBytes] = kEnd;
  return list;
}

PackedList PackedList::FromBytes(std::string_view block) {
  PackedList list(Allocate(block.size()));
  std::memcpy(list.block_, block.data(), block.size());
  return list;
}

void PackedList::Free() {
  std::free(block_);
  block_ = nullptr;
}

size_t PackedList::memory() const { return RoundToSizeClass(bytes()); }

bool PackedList::Validate(std::string_view block, size_t* count) {
  const auto* begin = reinterpret_cast<const uint8_t*>(block.data());
  const size_t total = block.size();
  if (total < kEmptyBytes || total > kMaxBytes || Load32(begin) != total) return false;
  if (begin[total - 1] != kEnd) return false;
  const uint8_t* const end = begin + total - 1;
  *count = 0;
  for (const uint8_t* at = begin + kHeaderBytes; at < end; ++*count) {
    const auto left = static_cast<size_t>(end - at);
    const uint8_t head = *at;
    if (head > kInt64) return false;
    const size_t head_bytes = head < 0xe0 ? 1 : head < kText32 ? 2 : head == kText32 ? 5 : 1;
    if (left < head_bytes) return false;
    const uint32_t size = EntrySize(at);
    if (size < head_bytes || size > left) return false;
    const uint32_t back_bytes = BackSizeBytes(size);
    if (back_bytes > left - size) return false;
    uint32_t back_size, bytes_read;
    if (!DecodeBackSize(at + size, at + size + back_bytes, &back_size, &bytes_read) ||
        back_size != size || bytes_read != back_bytes) {
      return false;
    }
    at += size + back_bytes;
  }
  const uint32_t header_count = Load16(begin + 4);
  return header_count == kUnknownCount || header_count == *count;
}

size_t PackedList::Count() const {
  size_t count = 0;
  for (Position at = First(); at != kNone; at = Next(at)) ++count;
  return count;
}

void PackedList::SetCount(size_t count) {
  const auto count16 = static_cast<uint16_t>(std::min<size_t>(count, kUnknownCount));
  std::memcpy(block_ + 4, &count16, sizeof count16);
}

void PackedList::SetBytes(size_t bytes) {
  const auto bytes32 = static_cast<uint32_t>(bytes);
  std::memcpy(block_, &bytes32, sizeof bytes32);
}

uint32_t PackedList::LongEntrySize(const uint8_t* entry) {
  switch (*entry) {
    case kText32:
      return 5 + Load32(entry + 1);
    case kInt16:
      return 3;
    case kInt24:
      return 4;
    case kInt32:
      return 5;
    case kInt64:
      return 9;
    default:
      return 1;
  }
}

// ---- walking ----

PackedList::Position PackedList::Previous(Position at) const {
  if (at == kHeaderBytes) return kNone;
  uint32_t size = 0, bytes = 0;
  const bool valid = DecodeBackSize(block_ + kHeaderBytes, block_ + at, &size, &bytes);
  assert(valid && size + bytes <= at - kHeaderBytes);
  static_cast<void>(valid);
  return at - size - bytes;
}

PackedList::Position PackedList::Seek(size_t index) const {
  const uint32_t known = Load16(block_ + 4);
  if (known != kUnknownCount) {
    if (index >= known) return kNone;
    if (index > known / 2) {
      Position at = Last();
      for (size_t i = known - 1; i > index; --i) at = Previous(at);
      return at;
    }
  }
  Position at = First();
  for (; index > 0 && at != kNone; --index) at = Next(at);
  return at;
}

Element PackedList::Get(Position at) const {
  const uint8_t* entry = block_ + at;
  const uint8_t head = *entry;
  const auto text = [entry](size_t offset, size_t size) {
    return Element::OfBytes(reinterpret_cast<const char*>(entry) + offset, size);
  };
  if (head < 0x80) return Element(int64_t{head});
  if (head < 0xc0) return text(1, head & 0x3fu);
  if (head < 0xe0) {
    const uint64_t bits = (head & 0x1fu) << 8 | entry[1];
    return Element(static_cast<int64_t>(bits << 51) >> 51);
  }
  if (head < kText32) return text(2, (head & 0x0fu) << 8 | entry[1]);
  if (head == kText32) return text(5, Load32(entry + 1));
  const int bytes = head == kInt64 ? 8 : head - kInt16 + 2;
  return Element(LoadSigned(entry + 1, bytes));
}

bool PackedList::Equals(Position at, const Element& element) const {
  const Element here = Get(at);
  if (here.IsInteger() && element.IsInteger()) return here.integer() == element.integer();
  if (!here.IsInteger() && !element.IsInteger()) return here.bytes() == element.bytes();
  // A list from elsewhere might hold an integer as text.
  if (here.IsInteger()) return false;
  Element::Digits digits;
  return here.bytes() == element.Text(&digits);
}

PackedList::Position PackedList::Find(Position from, const Element& element, size_t step) const {
  if (from == kNone) return kNone;
  // Most entries are told apart by their heads: only those are compared that have the wanted one.
  uint8_t head[kMaxHeadBytes];
  const size_t head_bytes = EncodeHead(element, head);
  const char* const data = element.IsInteger() ? nullptr : element.bytes().data();
  const size_t data_bytes = element.IsInteger() ? 0 : element.bytes().size();
  const auto wanted_size = static_cast<uint32_t>(head_bytes + data_bytes);
  // A list from elsewhere might hold an integer as text.
  Element::Digits digits;
  const std::string_view number = element.IsInteger() ? element.Text(&digits) : std::string_view();
  const uint8_t* at = block_ + from;
  for (size_t skip = 0;;) {
    const uint32_t size = EntrySize(at);
    if (skip == 0) {
      skip = step;
      if (size == wanted_size && std::memcmp(at, head, head_bytes) == 0 &&
          (data_bytes == 0 || std::memcmp(at + head_bytes, data, data_bytes) == 0)) {
        return static_cast<Position>(at - block_);
      }
      if (!number.empty() && *at == (0x80 | number.size()) &&
          std::memcmp(at + 1, number.data(), number.size()) == 0) {
        return static_cast<Position>(at - block_);
      }
    }
    --skip;
    at += size + BackSizeBytes(size);
    if (*at == kEnd) return kNone;
  }
}

// ---- changing ----

void PackedList::MoveTail(Position at, uint32_t removed, uint32_t added) {
  const size_t old_bytes = bytes();
  const size_t new_bytes = old_bytes - removed + added;
  assert(new_bytes <= UINT32_MAX);
  const size_t old_room = RoundToSizeClass(old_bytes), new_room = RoundToSizeClass(new_bytes);
  if (new_room > old_room) {
    void* moved = std::realloc(block_, new_room);
    if (moved == nullptr) throw std::bad_alloc();
    block_ = static_cast<uint8_t*>(moved);
  }
  if (added != removed) {
    std::memmove(block_ + at + added, block_ + at + removed, old_bytes - at - removed);
  }
  if (new_room < old_room) {
    void* moved = std::realloc(block_, new_room);
    if (moved != nullptr) block_ = static_cast<uint8_t*>(moved);
  }
  SetBytes(new_bytes);
}

void PackedList::Write(Position at, uint32_t removed, const Element& element, int count_change) {
  uint8_t head[kMaxHeadBytes];
  const size_t head_bytes = EncodeHead(element, head);
  const std::string_view data = element.IsInteger() ? std::string_view() : element.bytes();
  const auto size = static_cast<uint32_t>(head_bytes + data.size());
  const uint32_t back_bytes = BackSizeBytes(size);
  MoveTail(at, removed, size + back_bytes);
  uint8_t* to = block_ + at;
  std::memcpy(to, head, head_bytes);
  if (!data.empty()) std::memcpy(to + head_bytes, data.data(), data.size());
  if (back_bytes == 1) {
    to[size] = static_cast<uint8_t>(size);
  } else {
    EncodeBackSize(size, back_bytes, to + size);
  }
  const uint32_t count = Load16(block_ + 4);
  if (count != kUnknownCount) SetCount(count + static_cast<uint32_t>(count_change));
}

void PackedList::Replace(Position at, const Element& element) {
  const uint32_t size = EntrySize(block_ + at);
  Write(at, size + BackSizeBytes(size), element, 0);
}

void PackedList::EraseBytes(Position from, Position to, size_t count) {
  const uint32_t known = Load16(block_ + 4);
  MoveTail(from, to - from, 0);
  if (known != kUnknownCount) {
    SetCount(known - count);
  } else {
    SetCount(Count());
  }
}

PackedList::Position PackedList::Erase(Position at, size_t count) {
  Position to = at;
  size_t erased = 0;
  for (; erased < count && block_[to] != kEnd; ++erased) {
    const uint32_t size = EntrySize(block_ + to);
    to += size + BackSizeBytes(size);
  }
  EraseBytes(at, to, erased);
  return block_[at] == kEnd ? kNone : at;
}

PackedList PackedList::SplitOff(Position at) {
  const Position end = EndPosition();
  const size_t moved = end - at;
  PackedList tail(Allocate(kEmptyBytes + moved));
  tail.SetBytes(kEmptyBytes + moved);
  std::memcpy(tail.block_ + kHeaderBytes, block_ + at, moved + 1);
  tail.SetCount(kUnknownCount);
  const size_t count = tail.Count();
  tail.SetCount(count);
  EraseBytes(at, end, count);
  return tail;
}

void PackedList::Encode(const Element& element, std::string* out) {
  uint8_t head[kMaxHeadBytes], back[5];
  const size_t head_bytes = EncodeHead(element, head);
  const std::string_view data = element.IsInteger() ? std::string_view() : element.bytes();
  const auto size = static_cast<uint32_t>(head_bytes + data.size());
  const uint32_t back_bytes = BackSizeBytes(size);
  EncodeBackSize(size, back_bytes, back);
  out->append(reinterpret_cast<const char*>(head), head_bytes);
  out->append(data);
  out->append(reinterpret_cast<const char*>(back), back_bytes);
}

void PackedList::AppendEncoded(std::string_view entries, size_t count) {
  const Position at = EndPosition();
  MoveTail(at, 0, static_cast<uint32_t>(entries.size()));
  std::memcpy(block_ + at, entries.data(), entries.size());
  const uint32_t known = Load16(block_ + 4);
  if (known != kUnknownCount) SetCount(known + count);
}

void PackedList::AppendAll(const PackedList& other) {
  const size_t count = size() + other.size();
  const Position at = EndPosition();
  const auto added = static_cast<uint32_t>(other.bytes() - kEmptyBytes);
  MoveTail(at, 0, added);
  std::memcpy(block_ + at, other.block_ + kHeaderBytes, added);
  SetCount(count);
}

}  // namespace understudy::targets::kv
