// A key and what it holds: one allocation.
//
//   entry := header [expiry:8] key value [slack]
//   header := flags:1 last_index:7 access:3 key_size:1 value_size:2 capacity:2               narrow
//           | flags:1 last_index:7 access:3 unused:1 key_size:4 value_size:8 capacity:8      wide
//
// The wide form is for keys over 255 bytes and values with room for more than 65535. The value of
// a string is its bytes, or 8 bytes of integer; the value of any other type is a pointer to the
// object. `capacity` is the room for the value; the expiry is there only when the key has one.
// Allocations are rounded to the sizes that allocators keep anyway (jemalloc's classes), so that a
// value that grows or shrinks a little stays where it is.
//
// One thread. Functions that may move the entry return where it is then; pointers into it end
// there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "protocol/reply_writer.h"

namespace understudy::targets::kv {

// The numbers are our own; RDB's are in rdb.h.
enum class Type : uint8_t { kString, kList, kSet, kSortedSet, kHash, kStream };

// How a string is kept, in the words of OBJECT ENCODING. kRaw says nothing about the layout here,
// but Redis' rule for what it would be is kept and shown.
enum class Encoding : uint8_t { kInt, kEmbstr, kRaw };

// Where the value of another type is, and in which of the type's forms (0 .. 3).
struct Object {
  void* address = nullptr;
  uint8_t form = 0;
};

// Redis embeds strings up to this size in their object.
inline constexpr size_t kEmbstrLimit = 44;

// No value is larger, whatever the options allow.
inline constexpr size_t kMaxValueBytes = size_t{1} << 36;

class Entry {
 public:
  // Room for the digits of an integer value.
  struct Digits {
    char text[24];
  };
  enum class Room : uint8_t { kExact, kGrowing };  // kGrowing: slack in proportion to the size

  // An entry of that key with room for a value of that size (uninitialised), of type string,
  // without expiry. Throws std::bad_alloc.
  static Entry* New(std::string_view key, size_t value_size, bool with_expiry);
  // An entry of another type, without expiry.
  static Entry* NewObject(std::string_view key, Type type, Object object);
  // Not the object.
  static void Free(Entry* entry);
  // A copy of another's value, type, encoding, expiry and access under a key. An object isn't
  // copied: both entries have it then.
  static Entry* Copy(const Entry& from, std::string_view key);

  // Gives the value this size, and a place for an expiry or none (a new one is uninitialised). The
  // first bytes of the value are kept if so asked, the others are uninitialised. May move the
  // entry.
  static Entry* Resize(Entry* entry, size_t value_size, bool with_expiry, bool keep_value,
                       Room room);

  // The common case of Resize(), where there is nothing to do but to note the size: true if done.
  bool SetSizeInPlace(size_t value_size, bool with_expiry) {
    if (wide() || with_expiry != has_expiry() || value_size > capacity_ ||
        capacity_ - value_size > kSmallSlack) {
      return false;
    }
    value_size_ = static_cast<uint16_t>(value_size);
    return true;
  }

  std::string_view key() const { return {bytes() + KeyOffset(), key_size()}; }
  Type type() const { return static_cast<Type>(flags() & kTypeMask); }
  void set_type(Type type) { word_ = (word_ & ~uint64_t{kTypeMask}) | static_cast<uint64_t>(type); }
  bool IsString() const { return (flags() & kTypeMask) == 0; }
  Encoding encoding() const {
    return static_cast<Encoding>((flags() & kEncodingMask) >> kEncodingShift);
  }
  bool IsInteger() const { return (flags() & (kTypeMask | kEncodingMask)) == 0; }
  void set_encoding(Encoding encoding) {
    word_ = (word_ & ~uint64_t{kEncodingMask}) | static_cast<uint64_t>(encoding) << kEncodingShift;
  }

  // The newest log index that touched the key.
  uint64_t last_index() const { return word_ >> 8; }
  void set_last_index(uint64_t index) { word_ = (word_ & 0xff) | index << 8; }

  // 24 bits that say when (seconds) or how often the key was used.
  uint32_t access() const { return access_and_key_size_ & 0xffffff; }
  void set_access(uint32_t access) {
    access_and_key_size_ = (access_and_key_size_ & 0xff000000) | access;
  }

  bool has_expiry() const { return (flags() & kExpiry) != 0; }
  // Milliseconds since the epoch. REQUIRES: has_expiry().
  int64_t expiry_ms() const {
    int64_t at;
    std::memcpy(&at, bytes() + KeyOffset() - sizeof at, sizeof at);
    return at;
  }
  void set_expiry_ms(int64_t at) { std::memcpy(bytes() + KeyOffset() - sizeof at, &at, sizeof at); }

  // REQUIRES: !IsString().
  Object object() const {
    Object object;
    std::memcpy(&object.address, value(), sizeof object.address);
    object.form = static_cast<uint8_t>(encoding());
    return object;
  }
  void set_object(Object object) {
    std::memcpy(value(), &object.address, sizeof object.address);
    set_encoding(static_cast<Encoding>(object.form));
  }

  // The bytes kept: of a string that isn't an integer, its text.
  char* value() { return bytes() + KeyOffset() + key_size(); }
  const char* value() const { return bytes() + KeyOffset() + key_size(); }
  size_t value_size() const { return wide() ? wide_sizes().value_size : value_size_; }
  size_t value_capacity() const { return wide() ? wide_sizes().capacity : capacity_; }

  // REQUIRES: IsInteger().
  int64_t integer() const {
    int64_t number;
    std::memcpy(&number, value(), sizeof number);
    return number;
  }
  void set_integer(int64_t number) { std::memcpy(value(), &number, sizeof number); }

  // A string's text; of an integer its digits, written to `digits`.
  std::string_view Text(Digits* digits) const {
    if (!IsInteger()) return {value(), value_size()};
    return {digits->text, protocol::FormatInteger(digits->text, integer())};
  }
  size_t TextSize() const {
    Digits digits;
    return Text(&digits).size();
  }

  // Bytes asked of the allocator for an entry.
  size_t AllocatedSize() const { return KeyOffset() + key_size() + value_capacity(); }

 private:
  static constexpr uint8_t kTypeMask = 7;
  // The two flags that shift the key have the value of the bytes they add.
  static constexpr uint8_t kExpiry = 8;
  static constexpr uint8_t kWide = 16;
  static constexpr int kEncodingShift = 5;
  static constexpr uint8_t kEncodingMask = 3 << kEncodingShift;
  static constexpr size_t kSmallSlack = 32;  // never worth an allocation
  static constexpr size_t kNarrowHeader = 16;
  static constexpr size_t kNarrowKeyLimit = 0xff;
  static constexpr size_t kNarrowValueLimit = 0xffff;

  struct WideSizes {
    uint64_t value_size, capacity;
  };

  Entry() = default;
  // The layout for these sizes: flags (wide, expiry), and the capacity that the allocation gives.
  struct Layout {
    uint8_t flags;
    size_t allocation, capacity;
  };
  static Layout Plan(size_t key_size, size_t value_size, size_t wanted_room, bool with_expiry);
  static Entry* Allocate(const Layout& layout, std::string_view key, size_t value_size);

  uint8_t flags() const { return static_cast<uint8_t>(word_); }
  bool wide() const { return (flags() & kWide) != 0; }
  size_t KeyOffset() const { return kNarrowHeader + (flags() & (kExpiry | kWide)); }
  size_t key_size() const {
    return wide() ? size_t{value_size_} | size_t{capacity_} << 16 : access_and_key_size_ >> 24;
  }
  char* bytes() { return reinterpret_cast<char*>(this); }
  const char* bytes() const { return reinterpret_cast<const char*>(this); }
  const WideSizes& wide_sizes() const {
    return *reinterpret_cast<const WideSizes*>(bytes() + kNarrowHeader);
  }
  void SetValueSizes(size_t value_size, size_t capacity);

  uint64_t word_;                   // last index << 8 | flags
  uint32_t access_and_key_size_;    // key size (narrow) << 24 | access
  uint16_t value_size_, capacity_;  // wide: the two halves of the key's size
  // Here WideSizes if wide(); then what the grammar above says.
};
static_assert(sizeof(Entry) == 16);

// Bytes to allocate for a need of `size`: the next of the sizes 16, 32, ... 128, and four for each
// doubling from there on.
size_t RoundToSizeClass(size_t size);

}  // namespace understudy::targets::kv
