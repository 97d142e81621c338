#include <gtest/gtest.h>

#include <random>

#include "targets/kv/bits.h"

namespace understudy::targets::kv {
namespace {

std::string RandomBytes(std::mt19937_64* random, size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>((*random)());
  return bytes;
}

bool BitAt(std::string_view bytes, uint64_t i) {
  return i / 8 < bytes.size() && (static_cast<uint8_t>(bytes[i / 8]) >> (7 - i % 8) & 1) != 0;
}

TEST(Bits, CountsAsOneByOne) {
  std::mt19937_64 random(1);
  for (size_t size = 0; size < 200; ++size) {
    const std::string bytes = RandomBytes(&random, size);
    uint64_t expected = 0;
    for (uint64_t i = 0; i < size * 8; ++i) expected += BitAt(bytes, i);
    EXPECT_EQ(CountBits(bytes), expected);
  }
  EXPECT_EQ(CountBits(std::string(1000, '\xff')), 8000u);
}

TEST(Bits, CountsInRanges) {
  std::mt19937_64 random(2);
  const std::string bytes = RandomBytes(&random, 11);
  for (uint64_t first = 0; first < 88; ++first) {
    uint64_t expected = 0;
    for (uint64_t last = first; last < 88; ++last) {
      expected += BitAt(bytes, last);
      ASSERT_EQ(CountBits(bytes, first, last), expected) << first << " " << last;
    }
  }
}

TEST(Bits, FindsTheFirstOfAKind) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 20000; ++round) {
    // Long stretches of equal bytes, and a few that differ.
    std::string bytes(1 + random() % 100, random() % 2 ? '\xff' : '\0');
    for (uint64_t i = random() % 4; i > 0; --i) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const uint64_t first = random() % (bytes.size() * 8);
    const uint64_t last = first + random() % (bytes.size() * 8 - first);
    for (bool bit : {false, true}) {
      int64_t expected = -1;
      for (uint64_t i = first; i <= last && expected < 0; ++i) {
        if (BitAt(bytes, i) == bit) expected = static_cast<int64_t>(i);
      }
      ASSERT_EQ(FindBit(bytes, bit, first, last), expected);
    }
  }
}

TEST(Bits, CombinesSourcesOfAnySize) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> strings;
    for (uint64_t i = 1 + random() % 4; i > 0; --i) {
      strings.push_back(RandomBytes(&random, random() % (round < 250 ? 100 : 40000)));
    }
    const std::vector<std::string_view> sources(strings.begin(), strings.end());
    size_t longest = 0;
    for (std::string_view source : sources) longest = std::max(longest, source.size());
    const auto byte_of = [&](size_t source, size_t i) {
      return i < sources[source].size() ? sources[source][i] : '\0';
    };
    std::string all(longest, 0), any(longest, 0), odd(longest, 0);
    for (size_t i = 0; i < longest; ++i) {
      all[i] = any[i] = odd[i] = byte_of(0, i);
      for (size_t source = 1; source < sources.size(); ++source) {
        all[i] = static_cast<char>(all[i] & byte_of(source, i));
        any[i] = static_cast<char>(any[i] | byte_of(source, i));
        odd[i] = static_cast<char>(odd[i] ^ byte_of(source, i));
      }
    }
    ASSERT_EQ(CombineBits(BitOperation::kAnd, sources), all);
    ASSERT_EQ(CombineBits(BitOperation::kOr, sources), any);
    ASSERT_EQ(CombineBits(BitOperation::kXor, sources), odd);
    std::string inverse(sources[0]);
    for (char& byte : inverse) byte = static_cast<char>(~byte);
    ASSERT_EQ(CombineBits(BitOperation::kNot, std::span(sources).first(1)), inverse);
  }
}

TEST(Fields, ParsesTypes) {
  FieldType type;
  for (int bits = 1; bits <= 64; ++bits) {
    ASSERT_TRUE(FieldType::Parse("i" + std::to_string(bits), &type));
    EXPECT_TRUE(type.is_signed);
    EXPECT_EQ(type.bits, bits);
    EXPECT_EQ(FieldType::Parse("u" + std::to_string(bits), &type), bits < 64);
  }
  for (std::string_view bad : {"", "i", "u", "i0", "u0", "i65", "i-1", "x8", "I8", "8", "i08",
                               "i8 ", "i99999999999999999999"}) {
    EXPECT_FALSE(FieldType::Parse(bad, &type)) << bad;
  }
}

TEST(Fields, ReadWhatWasWritten) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 50000; ++round) {
    const bool is_signed = random() % 2 != 0;
    const FieldType type{is_signed, 1 + static_cast<int>(random() % (is_signed ? 64 : 63))};
    const uint64_t offset = random() % 100;
    const std::string before = RandomBytes(&random, 21);
    const auto value = static_cast<int64_t>(random());
    std::string bytes = before;
    WriteField(bytes.data(), offset, type, value);
    for (uint64_t i = 0; i < bytes.size() * 8; ++i) {
      const bool inside = i >= offset && i < offset + static_cast<uint64_t>(type.bits);
      const uint64_t from_right = offset + static_cast<uint64_t>(type.bits) - 1 - i;
      const bool expected =
          inside ? (static_cast<uint64_t>(value) >> from_right & 1) != 0 : BitAt(before, i);
      ASSERT_EQ(BitAt(bytes, i), expected);
    }
    // The low bits of the value, extended by its sign.
    const int unused = 64 - type.bits;
    const uint64_t low = static_cast<uint64_t>(value) << unused;
    const int64_t expected =
        is_signed ? static_cast<int64_t>(low) >> unused : static_cast<int64_t>(low >> unused);
    ASSERT_EQ(ReadField(bytes, offset, type), expected);
  }
}

TEST(Fields, BitsBehindTheEndAreZero) {
  EXPECT_EQ(ReadField("", 0, {true, 64}), 0);
  EXPECT_EQ(ReadField("\xff", 4, {false, 8}), 0xf0);
  EXPECT_EQ(ReadField("\xff", 4, {true, 8}), -16);
  EXPECT_EQ(ReadField("\xff", 1000, {false, 63}), 0);
  EXPECT_EQ(ReadField(std::string(8, '\xff'), 7, {true, 64}), -128);
}

TEST(Fields, Overflow) {
  struct Case {
    FieldType type;
    int64_t value, increment;
    int64_t wrapped, saturated;
    bool fits;
  };
  const int64_t most = std::numeric_limits<int64_t>::max();
  const int64_t least = std::numeric_limits<int64_t>::min();
  const Case cases[] = {
      {{false, 8}, 200, 55, 255, 255, true},
      {{false, 8}, 255, 1, 0, 255, false},
      {{false, 8}, 0, -1, 255, 0, false},
      {{false, 8}, 10, most, (10 + most % 256) % 256, 255, false},
      {{false, 8}, -1, 0, 255, 255, false},  // SET u8 with -1: a huge unsigned number
      {{false, 63}, most, 1, 0, most, false},
      {{false, 63}, 0, least, 0, 0, false},
      {{true, 8}, 127, 1, -128, 127, false},
      {{true, 8}, -128, -1, 127, -128, false},
      {{true, 8}, 100, -228, -128, -128, true},
      {{true, 64}, most, 1, least, most, false},
      {{true, 64}, least, -1, most, least, false},
      {{true, 64}, least, most, -1, -1, true},
      {{true, 1}, 0, 1, -1, 0, false},
      {{true, 1}, -1, 1, 0, 0, true},
  };
  for (const Case& c : cases) {
    int64_t result = 0;
    ASSERT_TRUE(AddToField(c.type, Overflow::kWrap, c.value, c.increment, &result));
    EXPECT_EQ(result, c.wrapped) << c.type.bits << " " << c.value << " " << c.increment;
    ASSERT_TRUE(AddToField(c.type, Overflow::kSat, c.value, c.increment, &result));
    EXPECT_EQ(result, c.saturated) << c.type.bits << " " << c.value << " " << c.increment;
    EXPECT_EQ(AddToField(c.type, Overflow::kFail, c.value, c.increment, &result), c.fits);
  }
}

}  // namespace
}  // namespace understudy::targets::kv
