// Bytes of the cluster layer's own formats: LEB128 varints, sized strings, little-endian words.
// The Take functions move `in` behind what they took; on failure they return false and leave `in`
// wherever it was when the bytes turned out wrong.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace understudy::cluster {

inline constexpr size_t kMaxVarintBytes = 10;

// Writes at `to` (at least kMaxVarintBytes); returns the end.
inline char* PutVarint(char* to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

// Reads at `*at`, moving it; false if there is no varint of 64 bits before `end`.
inline bool TakeVarint(const char** at, const char* end, uint64_t* value) {
  uint64_t result = 0;
  const char* p = *at;
  for (unsigned shift = 0; shift < 64 && p < end; shift += 7) {
    uint64_t byte = static_cast<unsigned char>(*p++);
    if (shift == 63 && byte > 1) return false;
    result |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      *at = p;
      *value = result;
      return true;
    }
  }
  return false;
}

inline char* PutWord32(char* to, uint32_t value) {
  for (int i = 0; i < 4; ++i) to[i] = static_cast<char>(value >> (8 * i));
  return to + 4;
}

inline uint32_t GetWord32(const char* at) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value |= uint32_t{static_cast<unsigned char>(at[i])} << (8 * i);
  return value;
}

inline void AppendVarint(std::string* out, uint64_t value) {
  char bytes[kMaxVarintBytes];
  out->append(bytes, static_cast<size_t>(PutVarint(bytes, value) - bytes));
}

inline void AppendSized(std::string* out, std::string_view text) {
  AppendVarint(out, text.size());
  out->append(text);
}

inline bool TakeVarint(std::string_view* in, uint64_t* value) {
  const char* at = in->data();
  if (!TakeVarint(&at, in->data() + in->size(), value)) return false;
  in->remove_prefix(static_cast<size_t>(at - in->data()));
  return true;
}

inline bool TakeSized(std::string_view* in, size_t max_size, std::string* text) {
  uint64_t size = 0;
  if (!TakeVarint(in, &size) || size > max_size || size > in->size()) return false;
  text->assign(in->substr(0, size));
  in->remove_prefix(size);
  return true;
}

inline bool TakeByte(std::string_view* in, uint8_t max, uint8_t* value) {
  if (in->empty() || static_cast<uint8_t>(in->front()) > max) return false;
  *value = static_cast<uint8_t>(in->front());
  in->remove_prefix(1);
  return true;
}

}  // namespace understudy::cluster
