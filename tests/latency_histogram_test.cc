#include "tests/bench/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace understudy::bench {
namespace {

TEST(LatencyHistogram, Empty) { EXPECT_EQ(LatencyHistogram().Percentile(50), 0u); }

TEST(LatencyHistogram, SmallValuesAreExact) {
  LatencyHistogram histogram;
  for (uint64_t i = 0; i < 64; ++i) histogram.Add(i);
  EXPECT_EQ(histogram.Percentile(0), 0u);
  EXPECT_EQ(histogram.Percentile(50), 32u);
  EXPECT_EQ(histogram.Percentile(100), 63u);
}

TEST(LatencyHistogram, PercentilesAreWithinTheirWidth) {
  std::mt19937_64 random(1);
  std::vector<uint64_t> values;
  LatencyHistogram histogram;
  for (int i = 0; i < 100000; ++i) {
    values.push_back(random() >> (28 + random() % 36));  // all magnitudes up to 2^36
    histogram.Add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (double percent : {1.0, 10.0, 50.0, 90.0, 99.0, 99.9}) {
    const uint64_t exact = values[static_cast<size_t>(100000 * percent / 100)];
    const uint64_t shown = histogram.Percentile(percent);
    EXPECT_GE(shown, exact) << percent;
    EXPECT_LE(static_cast<double>(shown), static_cast<double>(exact) * 65 / 64 + 1) << percent;
  }
  EXPECT_EQ(histogram.Percentile(100), values.back());
}

TEST(LatencyHistogram, TheGreatestIsKeptBeyondTheBuckets) {
  LatencyHistogram histogram;
  histogram.Add(UINT64_MAX);
  EXPECT_EQ(histogram.Percentile(100), UINT64_MAX);
  EXPECT_EQ(histogram.count(), 1u);
}

}  // namespace
}  // namespace understudy::bench
