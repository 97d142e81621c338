// CRC-32C: polynomial 0x1EDC6F41, reflected; RFC 3720 appendix B.4.
#include <array>
#include <cstring>

#include "cluster/coding.h"
#include "cluster/record.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace understudy::cluster {
namespace {

// tables[k][b]: the CRC of byte b followed by k zero bytes. Eight of them take eight bytes a step
// ("slicing by 8", Kounavis & Berry, "A Systematic Approach to Building High Performance
// Software-based CRC Generators").
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables MakeTables() {
  constexpr uint32_t kReflectedPolynomial = 0x82f63b78;
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? kReflectedPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      uint32_t crc = tables[k - 1][byte];
      tables[k][byte] = (crc >> 8) ^ tables[0][crc & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t Crc32cByInstruction(std::string_view bytes,
                                                               uint32_t seed) {
  const char* at = bytes.data();
  size_t left = bytes.size();
  uint64_t crc = ~seed;
  for (; left >= 8; left -= 8, at += 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  auto narrow = static_cast<uint32_t>(crc);
  if (left >= 4) {
    uint32_t word;
    memcpy(&word, at, 4);
    narrow = _mm_crc32_u32(narrow, word);
    left -= 4;
    at += 4;
  }
  for (; left > 0; --left, ++at) narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(*at));
  return ~narrow;
}
#endif

}  // namespace

uint32_t Crc32cPortable(std::string_view bytes, uint32_t seed) {
  const char* at = bytes.data();
  size_t left = bytes.size();
  uint32_t crc = ~seed;
  for (; left >= 8; left -= 8, at += 8) {
    uint32_t low = GetWord32(at) ^ crc;
    uint32_t high = GetWord32(at + 4);
    crc = kTables[7][low & 0xff] ^ kTables[6][(low >> 8) & 0xff] ^ kTables[5][(low >> 16) & 0xff] ^
          kTables[4][low >> 24] ^ kTables[3][high & 0xff] ^ kTables[2][(high >> 8) & 0xff] ^
          kTables[1][(high >> 16) & 0xff] ^ kTables[0][high >> 24];
  }
  for (; left > 0; --left, ++at) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xff];
  }
  return ~crc;
}

uint32_t Crc32c(std::string_view bytes, uint32_t seed) {
#if defined(__x86_64__)
  static const bool kHasInstruction = __builtin_cpu_supports("sse4.2");
  if (kHasInstruction) return Crc32cByInstruction(bytes, seed);
#endif
  return Crc32cPortable(bytes, seed);
}

}  // namespace understudy::cluster
