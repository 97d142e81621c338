#include "targets/digest.h"

#include <bit>
#include <cstring>

namespace understudy::targets {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// Every bit of the input reaches every bit of the output: multiply, fold, multiply.
uint64_t Scramble(uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93;
  x ^= x >> 29;
  x *= 0xa0761d6478bd642f;
  x ^= x >> 32;
  return x;
}

uint64_t LoadLittleEndian(const char* from, size_t size) {
  uint64_t word = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&word, from, size);
  } else {
    for (size_t i = 0; i < size; ++i) {
      word |= static_cast<uint64_t>(static_cast<unsigned char>(from[i])) << (8 * i);
    }
  }
  return word;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

Digest160& Digest160::operator+=(const Digest160& part) {
  for (size_t i = 0; i < words_.size(); ++i) words_[i] += part.words_[i];
  return *this;
}

std::string Digest160::Hex() const {
  std::string hex;
  hex.reserve(40);
  for (uint32_t word : words_) {
    for (int shift = 28; shift >= 0; shift -= 4) hex += kHexDigits[(word >> shift) & 15];
  }
  return hex;
}

bool Digest160::FromHex(std::string_view hex, Digest160* digest) {
  if (hex.size() != 40) return false;
  Digest160 result;
  for (size_t i = 0; i < hex.size(); ++i) {
    const int value = HexValue(hex[i]);
    if (value < 0) return false;
    result.words_[i / 8] = result.words_[i / 8] << 4 | static_cast<uint32_t>(value);
  }
  *digest = result;
  return true;
}

void DigestBuilder::Mix(uint64_t word) {
  // Three lanes that differ in their multipliers; each step is a bijection of the lane, so no word
  // is lost on the way.
  lanes_[0] = std::rotl(lanes_[0] ^ word, 27) * 0x9e3779b97f4a7c15;
  lanes_[1] = std::rotl(lanes_[1] + word, 31) * 0xc2b2ae3d27d4eb4f;
  lanes_[2] = std::rotl(lanes_[2] ^ (word * 0xff51afd7ed558ccd), 41) * 0x165667b19e3779f9 + 1;
}

DigestBuilder& DigestBuilder::Add(std::string_view text) {
  Mix(text.size());
  while (text.size() >= 8) {
    Mix(LoadLittleEndian(text.data(), 8));
    text.remove_prefix(8);
  }
  if (!text.empty()) Mix(LoadLittleEndian(text.data(), text.size()));
  return *this;
}

DigestBuilder& DigestBuilder::Add(uint64_t number) {
  Mix(number);
  return *this;
}

Digest160 DigestBuilder::Finish() const {
  const uint64_t a = Scramble(lanes_[0] + std::rotl(lanes_[2], 17));
  const uint64_t b = Scramble(lanes_[1] ^ std::rotl(a, 23));
  const uint64_t c = Scramble(lanes_[2] + b);
  Digest160 digest;
  digest.words_ = {static_cast<uint32_t>(a >> 32), static_cast<uint32_t>(a),
                   static_cast<uint32_t>(b >> 32), static_cast<uint32_t>(b),
                   static_cast<uint32_t>(c)};
  return digest;
}

}  // namespace understudy::targets
