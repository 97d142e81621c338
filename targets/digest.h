// Digests of a target's state, to compare members with each other (Machine::Digest()).
//
// A digest is 160 bits, shown as 40 hex digits like Redis' DEBUG DIGEST. Digests of parts add up
// in any order, so a state kept in a hash table needs no sorting; the digest of nothing is zero.
// It tells accidents apart, not forgeries: the hash is fast and not cryptographic.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace understudy::targets {

class Digest160 {
 public:
  Digest160() = default;

  // Adds `part` (a sum of five 32-bit words: commutative, and equal parts don't cancel out).
  Digest160& operator+=(const Digest160& part);
  bool operator==(const Digest160&) const = default;

  std::string Hex() const;                                       // 40 lower-case hex digits
  static bool FromHex(std::string_view hex, Digest160* digest);  // false if it isn't one

 private:
  friend class DigestBuilder;
  std::array<uint32_t, 5> words_{};
};

// Digest of a sequence of fields. Each text's size is part of it: ("ab", "c") isn't ("a", "bc").
class DigestBuilder {
 public:
  // `kind` keeps equal fields of different things apart.
  explicit DigestBuilder(std::string_view kind) { Add(kind); }

  DigestBuilder& Add(std::string_view text);
  DigestBuilder& Add(uint64_t number);
  Digest160 Finish() const;

 private:
  void Mix(uint64_t word);
  uint64_t lanes_[3] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b};
};

}  // namespace understudy::targets
