#include "targets/effect.h"

#include <gtest/gtest.h>

#include <random>

namespace understudy::targets {
namespace {

using Args = std::vector<std::string_view>;

TEST(Varint, RoundTripsAtEveryLength) {
  for (int bits = 0; bits <= 64; ++bits) {
    for (uint64_t off : {uint64_t{0}, uint64_t{1}}) {
      const uint64_t value = (bits == 64 ? 0 : uint64_t{1} << bits) - off;
      std::string bytes;
      AppendVarint(&bytes, value);
      EXPECT_LE(bytes.size(), 10u);
      bytes += "rest";
      std::string_view in = bytes;
      uint64_t read = 0;
      ASSERT_TRUE(TakeVarint(&in, &read)) << value;
      EXPECT_EQ(read, value);
      EXPECT_EQ(in, "rest");
    }
  }
}

TEST(Varint, KnownBytes) {
  std::string bytes;
  AppendVarint(&bytes, 0);
  AppendVarint(&bytes, 127);
  AppendVarint(&bytes, 128);
  AppendVarint(&bytes, 300);
  EXPECT_EQ(bytes, std::string("\x00\x7f\x80\x01\xac\x02", 6));
}

TEST(Varint, RefusesWhatIsCutOrTooBigAndLeavesTheInput) {
  const std::string too_long(11, '\x80');
  const std::string over_64_bits = std::string(9, '\xff') + "\x02";
  for (std::string_view bad :
       {std::string_view(""), std::string_view("\x80"), std::string_view("\xff\xff\xff"),
        std::string_view(too_long), std::string_view(over_64_bits)}) {
    std::string_view in = bad;
    uint64_t value = 7;
    EXPECT_FALSE(TakeVarint(&in, &value));
    EXPECT_EQ(in, bad);
    EXPECT_EQ(value, 7u);
  }
}

TEST(Effects, RoundTrip) {
  std::string update;
  EffectWriter writer(&update);
  EXPECT_TRUE(writer.empty());
  EXPECT_TRUE(writer.wanted());
  const std::string big(100000, 'x');
  writer.Add(0, {"set", "key", std::string_view("\0\r\n", 3)});
  writer.Add(15, {"flushdb"});
  writer.Add(3, {"set", "", big});
  const std::vector<std::string> many(300, "v");
  const Args many_views(many.begin(), many.end());
  writer.Add(0, many_views);
  EXPECT_EQ(writer.count(), 4u);

  EffectReader reader(update);
  int db = -1;
  Args args;
  ASSERT_TRUE(reader.Next(&db, &args));
  EXPECT_EQ(db, 0);
  EXPECT_EQ(args, (Args{"set", "key", std::string_view("\0\r\n", 3)}));
  ASSERT_TRUE(reader.Next(&db, &args));
  EXPECT_EQ(db, 15);
  EXPECT_EQ(args, (Args{"flushdb"}));
  ASSERT_TRUE(reader.Next(&db, &args));
  EXPECT_EQ(db, 3);
  EXPECT_EQ(args, (Args{"set", "", big}));
  ASSERT_TRUE(reader.Next(&db, &args));
  EXPECT_EQ(args, many_views);
  EXPECT_FALSE(reader.Next(&db, &args));
  EXPECT_TRUE(reader.ok());
}

TEST(Effects, SmallAndBigEncodingsAgree) {
  // Sizes around where the writer changes its way of putting bytes together.
  for (size_t size = 400; size < 560; ++size) {
    const std::string value(size, 'v');
    std::string update;
    EffectWriter(&update).Add(1, {"set", "k", value});
    std::string expected("\x01\x03\x03set\x01k", 8);
    AppendVarint(&expected, size);
    expected += value;
    ASSERT_EQ(update, expected) << size;
  }
}

TEST(Effects, CountsOnlyWithoutOutput) {
  EffectWriter writer(nullptr);
  EXPECT_FALSE(writer.wanted());
  writer.Add(0, {"set", "k", "v"});
  EXPECT_EQ(writer.count(), 1u);
}

TEST(Effects, EveryCutIsNoticed) {
  std::string update;
  EffectWriter(&update).Add(0, {"set", "key", "value"});
  for (size_t size = 1; size < update.size(); ++size) {
    EffectReader reader(std::string_view(update).substr(0, size));
    int db = 0;
    Args args;
    EXPECT_FALSE(reader.Next(&db, &args)) << size;
    EXPECT_FALSE(reader.ok()) << size;
    EXPECT_TRUE(args.empty());
    EXPECT_FALSE(reader.Next(&db, &args)) << "stays failed";
  }
}

TEST(Effects, HostileCountsAllocateNothing) {
  std::string update;
  AppendVarint(&update, 0);
  AppendVarint(&update, uint64_t{1} << 62);
  update += "abc";
  EffectReader reader(update);
  int db = 0;
  Args args;
  EXPECT_FALSE(reader.Next(&db, &args));
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(args.capacity(), 0u);

  std::string no_args;
  AppendVarint(&no_args, 0);
  AppendVarint(&no_args, 0);
  EffectReader empty(no_args);
  EXPECT_FALSE(empty.Next(&db, &args));
  EXPECT_FALSE(empty.ok());

  std::string huge_db;
  AppendVarint(&huge_db, uint64_t{1} << 31);
  huge_db += std::string("\x01\x01x", 3);
  EffectReader db_reader(huge_db);
  EXPECT_FALSE(db_reader.Next(&db, &args));
  EXPECT_FALSE(db_reader.ok());
}

TEST(Effects, RandomBytesStayInBounds) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 3 == 0 ? random() : random() % 4);
    EffectReader reader(bytes);
    int db = 0;
    Args args;
    while (reader.Next(&db, &args)) {
      ASSERT_GE(db, 0);
      ASSERT_FALSE(args.empty());
      for (std::string_view arg : args) {
        ASSERT_GE(arg.data(), bytes.data());
        ASSERT_LE(arg.data() + arg.size(), bytes.data() + bytes.size());
      }
    }
  }
}

}  // namespace
}  // namespace understudy::targets
