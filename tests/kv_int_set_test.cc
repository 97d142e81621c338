#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "targets/kv/int_set.h"

namespace understudy::targets::kv {
namespace {

TEST(IntSet, WritesTheFormatOfIntset) {
  IntSet set = IntSet::New();
  EXPECT_EQ(set.bytes_view(), std::string_view("\2\0\0\0\0\0\0\0", 8));
  EXPECT_TRUE(set.Add(5));
  EXPECT_TRUE(set.Add(-1));
  EXPECT_FALSE(set.Add(5));
  EXPECT_EQ(set.bytes_view(), std::string_view("\2\0\0\0\2\0\0\0\xff\xff\5\0", 12));
  EXPECT_TRUE(set.Add(32768));
  EXPECT_EQ(set.bytes_view(),
            std::string_view("\4\0\0\0\3\0\0\0\xff\xff\xff\xff\5\0\0\0\0\x80\0\0", 20));
  set.Free();
}

TEST(IntSet, DoesWhatASetDoes) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 30; ++round) {
    IntSet set = IntSet::New();
    std::set<int64_t> model;
    const int bits = round % 3 == 0 ? 12 : round % 3 == 1 ? 24 : 64;
    for (int step = 0; step < 1000; ++step) {
      int64_t value = static_cast<int64_t>(random()) >> (64 - bits);
      if (step % 3 == 0) value %= 100;
      if (random() % 3 != 0) {
        ASSERT_EQ(set.Add(value), model.insert(value).second);
      } else {
        ASSERT_EQ(set.Remove(value), model.erase(value) == 1);
      }
      ASSERT_EQ(set.Contains(value), model.count(value) == 1);
      ASSERT_EQ(set.size(), model.size());
    }
    size_t index = 0;
    for (int64_t value : model) ASSERT_EQ(set.At(index++), value);
    EXPECT_TRUE(IntSet::Validate(set.bytes_view()));
    IntSet copy = set.Copy();
    EXPECT_EQ(copy.bytes_view(), set.bytes_view());
    copy.Free();
    set.Free();
  }
}

TEST(IntSet, HoldsTheExtremes) {
  IntSet set = IntSet::New();
  for (int64_t value : {INT64_MAX, INT64_MIN, int64_t{0}}) EXPECT_TRUE(set.Add(value));
  EXPECT_EQ(set.At(0), INT64_MIN);
  EXPECT_EQ(set.At(1), 0);
  EXPECT_EQ(set.At(2), INT64_MAX);
  EXPECT_TRUE(set.Remove(INT64_MIN));
  EXPECT_FALSE(set.Contains(INT64_MIN));
  EXPECT_TRUE(set.Contains(INT64_MAX));
  set.Free();
}

TEST(IntSet, DamagedBytesAreRefused) {
  const auto valid = [](std::string bytes) { return IntSet::Validate(bytes); };
  EXPECT_TRUE(valid(std::string("\2\0\0\0\2\0\0\0\1\0\2\0", 12)));
  EXPECT_FALSE(valid(""));
  EXPECT_FALSE(valid(std::string("\2\0\0\0\2\0\0", 7)));
  EXPECT_FALSE(valid(std::string("\3\0\0\0\2\0\0\0\1\0\2\0", 12)));  // width
  EXPECT_FALSE(valid(std::string("\2\0\0\0\3\0\0\0\1\0\2\0", 12)));  // too short
  EXPECT_FALSE(valid(std::string("\2\0\0\0\1\0\0\0\1\0\2\0", 12)));  // too long
  EXPECT_FALSE(valid(std::string("\2\0\0\0\2\0\0\0\2\0\1\0", 12)));  // order
  EXPECT_FALSE(valid(std::string("\2\0\0\0\2\0\0\0\2\0\2\0", 12)));  // twice
  EXPECT_FALSE(valid(std::string("\2\0\0\0\xff\xff\xff\xff\1\0\2\0", 12)));
}

}  // namespace
}  // namespace understudy::targets::kv
