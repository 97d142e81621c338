#include "targets/kv/entry.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdlib>
#include <new>

namespace understudy::targets::kv {

size_t RoundToSizeClass(size_t size) {
  size_t step = 16;
  if (size > 128) step = std::bit_floor(size - 1) / 4;
  return (size + step - 1) / step * step;
}

Entry::Layout Entry::Plan(size_t key_size, size_t value_size, size_t wanted_room,
                          bool with_expiry) {
  if (key_size > UINT32_MAX) throw std::bad_alloc();  // has no header form
  Layout layout{};
  layout.flags = with_expiry ? kExpiry : 0;
  const bool narrow_key = key_size <= kNarrowKeyLimit;
  if (!narrow_key || wanted_room > kNarrowValueLimit) layout.flags |= kWide;
  const size_t fixed = kNarrowHeader + layout.flags + key_size;
  layout.allocation = RoundToSizeClass(fixed + std::max(value_size, wanted_room));
  layout.capacity = layout.allocation - fixed;
  if ((layout.flags & kWide) == 0) layout.capacity = std::min(layout.capacity, kNarrowValueLimit);
  return layout;
}

void Entry::SetValueSizes(size_t value_size, size_t capacity) {
  if (wide()) {
    const WideSizes sizes{value_size, capacity};
    std::memcpy(bytes() + kNarrowHeader, &sizes, sizeof sizes);
  } else {
    value_size_ = static_cast<uint16_t>(value_size);
    capacity_ = static_cast<uint16_t>(capacity);
  }
}

Entry* Entry::Allocate(const Layout& layout, std::string_view key, size_t value_size) {
  void* memory = std::malloc(layout.allocation);
  if (memory == nullptr) throw std::bad_alloc();
  // Only the narrow header is surely there; what is behind it is used as the layout says.
  auto* entry = static_cast<Entry*>(memory);
  entry->word_ = layout.flags;
  entry->access_and_key_size_ = 0;
  if (entry->wide()) {
    entry->value_size_ = static_cast<uint16_t>(key.size());
    entry->capacity_ = static_cast<uint16_t>(key.size() >> 16);
  } else {
    entry->access_and_key_size_ = static_cast<uint32_t>(key.size()) << 24;
  }
  entry->SetValueSizes(value_size, layout.capacity);
  if (!key.empty()) std::memcpy(entry->bytes() + entry->KeyOffset(), key.data(), key.size());
  return entry;
}

Entry* Entry::New(std::string_view key, size_t value_size, bool with_expiry) {
  return Allocate(Plan(key.size(), value_size, value_size, with_expiry), key, value_size);
}

void Entry::Free(Entry* entry) { std::free(entry); }

Entry* Entry::NewObject(std::string_view key, Type type, Object object) {
  Entry* entry = New(key, sizeof object.address, false);
  entry->set_type(type);
  entry->set_object(object);
  return entry;
}

Entry* Entry::Copy(const Entry& from, std::string_view key) {
  Entry* entry = New(key, from.value_size(), from.has_expiry());
  std::memcpy(entry->value(), from.value(), from.value_size());
  entry->set_type(from.type());
  entry->set_encoding(from.encoding());
  entry->set_access(from.access());
  if (from.has_expiry()) entry->set_expiry_ms(from.expiry_ms());
  return entry;
}

Entry* Entry::Resize(Entry* entry, size_t value_size, bool with_expiry, bool keep_value,
                     Room room) {
  const size_t kept = keep_value ? std::min(value_size, entry->value_size()) : 0;
  const size_t key_size = entry->key_size();
  const size_t expiry_change = with_expiry == entry->has_expiry() ? 0 : sizeof(int64_t);

  // In place, if it fits and doesn't waste more than half.
  const size_t allocated = entry->AllocatedSize();
  const size_t fixed = kNarrowHeader + (entry->flags() & kWide) + (with_expiry ? kExpiry : 0);
  const size_t needed = fixed + key_size + value_size;
  constexpr size_t kSmall = 64;
  if (needed <= allocated && (allocated <= kSmall || needed * 2 >= allocated ||
                              (keep_value && value_size >= entry->value_size()))) {
    if (expiry_change != 0) {
      char* from = entry->bytes() + entry->KeyOffset();
      std::memmove(with_expiry ? from + expiry_change : from - expiry_change, from,
                   key_size + kept);
      entry->word_ ^= kExpiry;
    }
    size_t capacity = allocated - fixed - key_size;
    if (!entry->wide()) capacity = std::min(capacity, kNarrowValueLimit);
    entry->SetValueSizes(value_size, capacity);
    return entry;
  }

  size_t wanted_room = value_size;
  if (room == Room::kGrowing) {
    constexpr size_t kDoubleBelow = 1 << 20;
    wanted_room += value_size < kDoubleBelow ? value_size : value_size / 4;
  }
  const Layout layout = Plan(key_size, value_size, wanted_room, with_expiry);
  constexpr uint8_t kLayoutFlags = kExpiry | kWide;
  if (keep_value && layout.flags == (entry->flags() & kLayoutFlags)) {
    // A big block can often grow where it is, or be moved by its pages.
    void* memory = std::realloc(entry, layout.allocation);
    if (memory == nullptr) throw std::bad_alloc();
    auto* moved = static_cast<Entry*>(memory);
    moved->SetValueSizes(value_size, layout.capacity);
    return moved;
  }
  Entry* moved = Allocate(layout, entry->key(), value_size);
  if (kept > 0) std::memcpy(moved->value(), entry->value(), kept);
  moved->word_ = (entry->word_ & ~uint64_t{kLayoutFlags}) | layout.flags;
  moved->set_access(entry->access());
  if (with_expiry && entry->has_expiry()) moved->set_expiry_ms(entry->expiry_ms());
  std::free(entry);
  return moved;
}

}  // namespace understudy::targets::kv
