// Operations on strings as arrays of bits, without keys and replies. Bit 0 is the most significant
// bit of byte 0, as in SETBIT. Pure functions; words of 64 bits at a time.
// Source: https://redis.io/docs/latest/develop/data-types/bitmaps/ and .../bitfields/
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace understudy::targets::kv {

// How many bits are 1.
uint64_t CountBits(std::string_view bytes);
// Among the bits first..last, both included. REQUIRES: first <= last < 8 * bytes.size().
uint64_t CountBits(std::string_view bytes, uint64_t first, uint64_t last);

// Position of the first bit that is `bit`, among first..last; -1 if there is none.
// REQUIRES: first <= last < 8 * bytes.size().
int64_t FindBit(std::string_view bytes, bool bit, uint64_t first, uint64_t last);

enum class BitOperation : uint8_t { kAnd, kOr, kXor, kNot };

// The sources, each as if padded with zero bytes to the longest one's size, combined bit by bit.
// kNot takes the first source only. REQUIRES: at least one source.
std::string CombineBits(BitOperation operation, std::span<const std::string_view> sources);

// An integer of 1 to 64 bits (unsigned: to 63) inside a string: BITFIELD's "i8", "u4".
struct FieldType {
  bool is_signed = false;
  int bits = 0;

  // False if `text` isn't a type.
  static bool Parse(std::string_view text, FieldType* type);
};

// The field at bit `offset`; bits behind the end count as 0.
int64_t ReadField(std::string_view bytes, uint64_t offset, FieldType type);
// Writes the low bits of `value`. REQUIRES: `bytes` reaches to the field's last bit.
void WriteField(char* bytes, uint64_t offset, FieldType type, int64_t value);

enum class Overflow : uint8_t {
  kWrap,  // keeps the low bits
  kSat,   // the nearest value there is
  kFail,  // no change
};

// `value` + `increment` as the type can hold it; false if it can't and `overflow` is kFail.
// `value` of an unsigned type counts as a 64-bit unsigned number.
bool AddToField(FieldType type, Overflow overflow, int64_t value, int64_t increment,
                int64_t* result);

}  // namespace understudy::targets::kv
