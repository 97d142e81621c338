#include "targets/kv/int_set.h"

#include <bit>
#include <cassert>
#include <cstdlib>
#include <new>

#include "targets/kv/entry.h"

namespace understudy::targets::kv {
namespace {

static_assert(std::endian::native == std::endian::little, "integers are copied as they are");

uint32_t WidthOf(int64_t value) {
  if (value >= INT16_MIN && value <= INT16_MAX) return 2;
  return value >= INT32_MIN && value <= INT32_MAX ? 4 : 8;
}

uint8_t* Allocate(size_t bytes) {
  void* block = std::malloc(RoundToSizeClass(bytes));
  if (block == nullptr) throw std::bad_alloc();
  return static_cast<uint8_t*>(block);
}

}  // namespace

IntSet IntSet::New() {
  IntSet set(Allocate(sizeof(Header)));
  set.SetHeader(2, 0);
  return set;
}

IntSet IntSet::FromBytes(std::string_view block) {
  IntSet set(Allocate(block.size()));
  std::memcpy(set.block_, block.data(), block.size());
  return set;
}

void IntSet::Free() {
  std::free(block_);
  block_ = nullptr;
}

size_t IntSet::memory() const { return RoundToSizeClass(bytes()); }

bool IntSet::Validate(std::string_view block) {
  if (block.size() < sizeof(Header)) return false;
  // Only read.
  const IntSet set(const_cast<char*>(block.data()));
  const Header header = set.header();
  if (header.width != 2 && header.width != 4 && header.width != 8) return false;
  if (header.count > kMaxSize || set.bytes() != block.size()) return false;
  for (size_t i = 1; i < header.count; ++i) {
    if (set.At(i - 1) >= set.At(i)) return false;
  }
  return true;
}

int64_t IntSet::Load(size_t index, uint32_t width) const {
  const uint8_t* from = block_ + sizeof(Header) + index * width;
  if (width == 2) {
    int16_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  if (width == 4) {
    int32_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  int64_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

void IntSet::Store(size_t index, uint32_t width, int64_t value) {
  std::memcpy(block_ + sizeof(Header) + index * width, &value, width);
}

bool IntSet::Find(int64_t value, size_t* index) const {
  const auto [width, count] = header();
  // Often values are added in order.
  if (count == 0 || value > Load(count - 1, width)) {
    *index = count;
    return false;
  }
  size_t first = 0, last = count - 1;  // the answer is in first..last
  while (first < last) {
    const size_t middle = (first + last) / 2;
    if (Load(middle, width) < value) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  *index = first;
  return Load(first, width) == value;
}

void IntSet::Resize(size_t old_bytes, size_t new_bytes) {
  const size_t room = RoundToSizeClass(new_bytes);
  if (room == RoundToSizeClass(old_bytes)) return;
  void* moved = std::realloc(block_, room);
  if (moved != nullptr) {
    block_ = static_cast<uint8_t*>(moved);
  } else if (new_bytes > old_bytes) {
    throw std::bad_alloc();
  }
}

bool IntSet::Add(int64_t value) {
  const auto [width, count] = header();
  const uint32_t needed = WidthOf(value);
  const size_t old_bytes = bytes();
  assert(count < kMaxSize);
  if (needed > width) {
    // It is beyond all others, at one end.
    Resize(old_bytes, sizeof(Header) + (size_t{count} + 1) * needed);
    const size_t shift = value < 0 ? 1 : 0;
    for (size_t i = count; i-- > 0;) Store(i + shift, needed, Load(i, width));
    Store(value < 0 ? 0 : count, needed, value);
    SetHeader(needed, count + 1);
    return true;
  }
  size_t index;
  if (Find(value, &index)) return false;
  Resize(old_bytes, old_bytes + width);
  uint8_t* at = block_ + sizeof(Header) + index * width;
  std::memmove(at + width, at, (count - index) * width);
  Store(index, width, value);
  SetHeader(width, count + 1);
  return true;
}

bool IntSet::Remove(int64_t value) {
  const auto [width, count] = header();
  size_t index;
  if (!Find(value, &index)) return false;
  uint8_t* at = block_ + sizeof(Header) + index * width;
  std::memmove(at, at + width, (count - index - 1) * width);
  SetHeader(width, count - 1);
  Resize(sizeof(Header) + size_t{count} * width, bytes());
  return true;
}

}  // namespace understudy::targets::kv
