#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "targets/kv/hyperloglog.h"

namespace understudy::targets::kv {
namespace {

constexpr size_t kSparseMax = 3000;

HyperLogLog Dense() {
  HyperLogLog value(kSparseMax);
  EXPECT_TRUE(value.MakeDense());
  return value;
}

TEST(HyperLogLog, AnEmptyOneIsRedisOwn) {
  const HyperLogLog value(kSparseMax);
  EXPECT_EQ(value.bytes(), std::string("HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff", 18));
  EXPECT_TRUE(HyperLogLog::Is(value.bytes()));
  EXPECT_EQ(HyperLogLog::KnownEstimate(value.bytes()), 0u);
  EXPECT_EQ(HyperLogLog::Estimate(value.bytes()), 0u);
  EXPECT_EQ(HyperLogLog::Describe(value.bytes()), "Z:16384");
}

TEST(HyperLogLog, ADenseRegisterIsApartFromItsNeighbours) {
  std::mt19937_64 random(1);
  HyperLogLog value = Dense();
  HyperLogLog::Registers expected{};
  for (int i = 0; i < 200'000; ++i) {
    const auto index = static_cast<uint32_t>(random() % HyperLogLog::kRegisters);
    const auto count = static_cast<uint8_t>(random() % 64);
    EXPECT_EQ(value.Raise({index, count}) == HyperLogLog::Added::kYes, count > expected[index]);
    expected[index] = std::max(expected[index], count);
  }
  for (uint32_t i = 0; i < HyperLogLog::kRegisters; ++i) {
    ASSERT_EQ(HyperLogLog::DenseGet(value.bytes().data(), i), expected[i]) << i;
  }
}

// Random registers in both forms: the same values, whatever runs were split and joined.
TEST(HyperLogLog, SparseAndDenseAgree) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    // Mostly registers close together, so that runs meet.
    const uint32_t width = seed % 2 == 0 ? 200 : HyperLogLog::kRegisters;
    HyperLogLog sparse(kSparseMax), dense = Dense();
    bool was_sparse = true;
    for (int i = 0; i < 3000; ++i) {
      const HyperLogLog::Place place = {static_cast<uint32_t>(random() % width),
                                        static_cast<uint8_t>(1 + random() % (seed % 3 ? 3 : 32))};
      ASSERT_EQ(sparse.Raise(place), dense.Raise(place));
      if (i % 100 != 0) continue;
      ASSERT_EQ(HyperLogLog::Estimate(sparse.bytes()), HyperLogLog::Estimate(dense.bytes()));
      HyperLogLog::Registers from_sparse{}, from_dense{};
      ASSERT_TRUE(HyperLogLog::MergeInto(sparse.bytes(), &from_sparse));
      ASSERT_TRUE(HyperLogLog::MergeInto(dense.bytes(), &from_dense));
      ASSERT_EQ(from_sparse, from_dense);
      ASSERT_EQ(HyperLogLog::Estimate(from_sparse), HyperLogLog::Estimate(dense.bytes()));
      ASSERT_LE(sparse.bytes().size(), std::max(kSparseMax, HyperLogLog::kDenseBytes));
      was_sparse = was_sparse && !HyperLogLog::IsDense(sparse.bytes());
    }
    EXPECT_EQ(was_sparse, width == 200) << seed;
  }
}

TEST(HyperLogLog, AnEstimateIsNotTooWrong) {
  HyperLogLog value(kSparseMax);
  int next = 1;
  for (int i = 1; i <= 1'000'000; ++i) {
    value.Add("element " + std::to_string(i));
    if (i != next) continue;
    next *= 10;
    const double estimate = static_cast<double>(*HyperLogLog::Estimate(value.bytes()));
    EXPECT_LE(std::abs(estimate - i), std::max(1.0, 0.04 * i)) << i;
  }
}

TEST(HyperLogLog, ACountBeyondTheSparseFormMakesItDense) {
  HyperLogLog value(kSparseMax);
  EXPECT_EQ(value.Raise({7, 32}), HyperLogLog::Added::kYes);
  EXPECT_FALSE(HyperLogLog::IsDense(value.bytes()));
  EXPECT_EQ(value.Raise({7, 33}), HyperLogLog::Added::kYes);
  EXPECT_TRUE(HyperLogLog::IsDense(value.bytes()));
  EXPECT_EQ(HyperLogLog::DenseGet(value.bytes().data(), 7), 33);
}

// Any bytes behind a good head: an answer or a refusal.
TEST(HyperLogLog, DamageIsFoundOut) {
  std::mt19937_64 random(5);
  HyperLogLog good(kSparseMax);
  for (int i = 0; i < 200; ++i) good.Add(std::to_string(i));
  size_t damaged = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = good.bytes();
    const size_t at = HyperLogLog::kHeaderBytes + random() % (bytes.size() - 16);
    if (round % 3 == 0) bytes.resize(at);
    if (round % 3 == 1) bytes[at] = static_cast<char>(random());
    if (round % 3 == 2) bytes.insert(at, 1, static_cast<char>(random()));
    ASSERT_TRUE(HyperLogLog::Is(bytes));
    const auto estimate = HyperLogLog::Estimate(bytes);
    HyperLogLog::Registers registers{};
    EXPECT_EQ(HyperLogLog::MergeInto(bytes, &registers), estimate.has_value());
    damaged += !estimate;
    HyperLogLog::Describe(bytes);
    HyperLogLog value(bytes, kSparseMax);
    for (int i = 0; i < 20; ++i) value.Add("x" + std::to_string(i));
    EXPECT_EQ(HyperLogLog(bytes, kSparseMax).MakeDense(), estimate.has_value());
  }
  EXPECT_GT(damaged, 3000u);
}

TEST(HyperLogLog, WhatIsntOne) {
  const std::string good = HyperLogLog(kSparseMax).bytes();
  EXPECT_FALSE(HyperLogLog::Is(""));
  EXPECT_FALSE(HyperLogLog::Is(good.substr(0, 15)));
  EXPECT_FALSE(HyperLogLog::Is("HYLX" + good.substr(4)));
  EXPECT_FALSE(HyperLogLog::Is("HYLL\x02" + good.substr(5)));
  EXPECT_FALSE(HyperLogLog::Is(std::string("HYLL\0", 5) + good.substr(5)));  // dense, too short
  EXPECT_FALSE(HyperLogLog::Is(Dense().bytes() + "x"));
}

}  // namespace
}  // namespace understudy::targets::kv
