#include "targets/kv/bits.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "protocol/numbers.h"

namespace understudy::targets::kv {
namespace {

uint64_t LoadWord(const char* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

void StoreWord(char* to, uint64_t word) { std::memcpy(to, &word, sizeof word); }

uint8_t ByteAt(std::string_view bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

// The bits of a byte from `first` on, and up to `last`; 0 is the most significant.
uint8_t FromBit(uint64_t first) { return static_cast<uint8_t>(0xff >> (first & 7)); }
uint8_t UpToBit(uint64_t last) { return static_cast<uint8_t>(0xff << (7 - (last & 7))); }

// Counts word by word with `count`, four sums at a time so that additions don't wait for each
// other.
template <typename Count>
[[gnu::always_inline]] inline uint64_t SumWords(const char* at, size_t size, Count count) {
  uint64_t sums[4] = {0, 0, 0, 0};
  for (; size >= 32; at += 32, size -= 32) {
    for (int i = 0; i < 4; ++i) sums[i] += count(LoadWord(at + 8 * i));
  }
  for (; size >= 8; at += 8, size -= 8) sums[0] += count(LoadWord(at));
  uint64_t tail = 0;
  if (size > 0) std::memcpy(&tail, at, size);
  return sums[0] + sums[1] + sums[2] + sums[3] + count(tail);
}

#if defined(__x86_64__)
// The instruction isn't in every x86-64 processor, so the rest of the program isn't compiled for
// it.
[[gnu::target("popcnt")]] uint64_t CountWithInstruction(const char* at, size_t size) {
  uint64_t sums[4] = {0, 0, 0, 0};
  for (; size >= 32; at += 32, size -= 32) {
    for (int i = 0; i < 4; ++i) {
      sums[i] += static_cast<uint64_t>(__builtin_popcountll(LoadWord(at + 8 * i)));
    }
  }
  for (; size >= 8; at += 8, size -= 8) {
    sums[0] += static_cast<uint64_t>(__builtin_popcountll(LoadWord(at)));
  }
  uint64_t tail = 0;
  if (size > 0) std::memcpy(&tail, at, size);
  sums[1] += static_cast<uint64_t>(__builtin_popcountll(tail));
  return sums[0] + sums[1] + sums[2] + sums[3];
}
#endif

// Adds neighbouring bits, then pairs, then nibbles; the multiplication adds the bytes.
uint64_t CountInWord(uint64_t word) {
  word -= (word >> 1) & 0x5555555555555555;
  word = (word & 0x3333333333333333) + ((word >> 2) & 0x3333333333333333);
  word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return (word * 0x0101010101010101) >> 56;
}

// First byte in [from, to) that isn't `skip`; `to` if all are.
size_t FindByteOtherThan(std::string_view bytes, size_t from, size_t to, uint8_t skip) {
  const uint64_t word = skip * uint64_t{0x0101010101010101};
  for (; from + 32 <= to; from += 32) {
    const char* at = bytes.data() + from;
    if (((LoadWord(at) ^ word) | (LoadWord(at + 8) ^ word) | (LoadWord(at + 16) ^ word) |
         (LoadWord(at + 24) ^ word)) != 0) {
      break;
    }
  }
  for (; from + 8 <= to && LoadWord(bytes.data() + from) == word; from += 8) {
  }
  while (from < to && ByteAt(bytes, from) == skip) ++from;
  return from;
}

template <typename Combine>
void CombineInto(char* result, const char* source, size_t size, Combine combine) {
  size_t i = 0;
  for (; i + 32 <= size; i += 32) {
    for (size_t j = i; j < i + 32; j += 8) {
      StoreWord(result + j, combine(LoadWord(result + j), LoadWord(source + j)));
    }
  }
  for (; i < size; ++i) {
    result[i] = static_cast<char>(
        combine(static_cast<uint8_t>(result[i]), static_cast<uint8_t>(source[i])));
  }
}

// result[0, size) op= the same stretch of a source that may end earlier.
void CombineBlock(BitOperation operation, char* result, size_t offset, size_t size,
                  std::string_view source) {
  const size_t have = source.size() > offset ? std::min(size, source.size() - offset) : 0;
  const char* from = source.data() + (have > 0 ? offset : 0);
  switch (operation) {
    case BitOperation::kAnd:
      CombineInto(result, from, have, [](uint64_t a, uint64_t b) { return a & b; });
      std::memset(result + have, 0, size - have);
      break;
    case BitOperation::kOr:
      CombineInto(result, from, have, [](uint64_t a, uint64_t b) { return a | b; });
      break;
    case BitOperation::kXor:
      CombineInto(result, from, have, [](uint64_t a, uint64_t b) { return a ^ b; });
      break;
    case BitOperation::kNot:
      CombineInto(result, from, have, [](uint64_t, uint64_t b) { return ~b; });
      break;
  }
}

int64_t SignExtend(uint64_t value, FieldType type) {
  const int unused = 64 - type.bits;
  value <<= unused;
  return type.is_signed ? static_cast<int64_t>(value) >> unused
                        : static_cast<int64_t>(value >> unused);
}

}  // namespace

uint64_t CountBits(std::string_view bytes) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("popcnt")) return CountWithInstruction(bytes.data(), bytes.size());
#endif
  return SumWords(bytes.data(), bytes.size(), CountInWord);
}

uint64_t CountBits(std::string_view bytes, uint64_t first, uint64_t last) {
  const size_t first_byte = first / 8;
  const size_t last_byte = last / 8;
  // What the edge bytes have outside the range is taken off again.
  const uint8_t before = ByteAt(bytes, first_byte) & static_cast<uint8_t>(~FromBit(first));
  const uint8_t behind = ByteAt(bytes, last_byte) & static_cast<uint8_t>(~UpToBit(last));
  return CountBits(bytes.substr(first_byte, last_byte - first_byte + 1)) - CountInWord(before) -
         CountInWord(behind);
}

int64_t FindBit(std::string_view bytes, bool bit, uint64_t first, uint64_t last) {
  const size_t first_byte = first / 8;
  const size_t last_byte = last / 8;
  // Looks for a 1 in a byte whose bits outside the range, and those that aren't `bit`, are 0.
  const auto candidates = [&](size_t i) {
    uint8_t byte = bit ? ByteAt(bytes, i) : static_cast<uint8_t>(~ByteAt(bytes, i));
    if (i == first_byte) byte &= FromBit(first);
    if (i == last_byte) byte &= UpToBit(last);
    return byte;
  };
  size_t i = first_byte;
  if (candidates(i) == 0 && i < last_byte) {
    i = FindByteOtherThan(bytes, first_byte + 1, last_byte, bit ? 0x00 : 0xff);
  }
  const uint8_t found = candidates(i);
  return found == 0 ? -1 : static_cast<int64_t>(i * 8) + std::countl_zero(found);
}

std::string CombineBits(BitOperation operation, std::span<const std::string_view> sources) {
  size_t longest = 0;
  for (std::string_view source : sources) longest = std::max(longest, source.size());
  std::string result(longest, '\0');
  // Stretch by stretch, so that the result stays in the cache while the sources pass by.
  constexpr size_t kBlock = 16 << 10;
  for (size_t offset = 0; offset < longest; offset += kBlock) {
    const size_t size = std::min(kBlock, longest - offset);
    char* block = result.data() + offset;
    if (operation == BitOperation::kNot) {
      CombineBlock(operation, block, offset, size, sources[0]);
      continue;
    }
    CombineBlock(BitOperation::kOr, block, offset, size, sources[0]);
    for (std::string_view source : sources.subspan(1)) {
      CombineBlock(operation, block, offset, size, source);
    }
  }
  return result;
}

bool FieldType::Parse(std::string_view text, FieldType* type) {
  if (text.empty() || (text[0] != 'i' && text[0] != 'u')) return false;
  const bool is_signed = text[0] == 'i';
  const std::optional<int64_t> bits = protocol::ParseInteger(text.substr(1));
  if (!bits || *bits < 1 || *bits > (is_signed ? 64 : 63)) return false;
  *type = {is_signed, static_cast<int>(*bits)};
  return true;
}

int64_t ReadField(std::string_view bytes, uint64_t offset, FieldType type) {
  // A field lies in at most nine bytes: the first eight as a word, and what the ninth adds.
  uint64_t word = 0;
  const uint64_t first = offset / 8;
  const int skip = static_cast<int>(offset % 8);
  for (uint64_t i = first; i < first + 8; ++i) {
    word = word << 8 | (i < bytes.size() ? ByteAt(bytes, i) : 0);
  }
  word <<= skip;
  if (skip > 0 && first + 8 < bytes.size()) word |= ByteAt(bytes, first + 8) >> (8 - skip);
  return SignExtend(word >> (64 - type.bits), type);
}

void WriteField(char* bytes, uint64_t offset, FieldType type, int64_t value) {
  auto rest = static_cast<uint64_t>(value);
  // From the last byte to the first: each takes what of the value falls into it.
  uint64_t end = offset + static_cast<uint64_t>(type.bits);  // behind the bits not written yet
  while (end > offset) {
    const uint64_t byte = (end - 1) / 8;
    const uint64_t begin = std::max(offset, byte * 8);
    const int shift = static_cast<int>((byte + 1) * 8 - end);
    const int count = static_cast<int>(end - begin);
    const auto mask = static_cast<uint8_t>(((1u << count) - 1) << shift);
    const auto bits = static_cast<uint8_t>((rest << shift) & mask);
    bytes[byte] = static_cast<char>((static_cast<uint8_t>(bytes[byte]) & ~mask) | bits);
    rest >>= count;
    end = begin;
  }
}

bool AddToField(FieldType type, Overflow overflow, int64_t value, int64_t increment,
                int64_t* result) {
  __extension__ using Wide = __int128;
  const Wide one = 1;
  const Wide low = type.is_signed ? -(one << (type.bits - 1)) : 0;
  const Wide high = type.is_signed ? (one << (type.bits - 1)) - 1 : (one << type.bits) - 1;
  const Wide start = type.is_signed ? Wide{value} : Wide{static_cast<uint64_t>(value)};
  const Wide sum = start + increment;
  if (sum >= low && sum <= high) {
    *result = static_cast<int64_t>(sum);
    return true;
  }
  switch (overflow) {
    case Overflow::kWrap:
      *result = SignExtend(static_cast<uint64_t>(sum), type);
      return true;
    case Overflow::kSat:
      *result = static_cast<int64_t>(sum < low ? low : high);
      return true;
    case Overflow::kFail:
      break;
  }
  return false;
}

}  // namespace understudy::targets::kv
