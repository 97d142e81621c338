#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "targets/kv/geohash.h"

namespace understudy::targets::kv {
namespace {

GeoPoint RandomPoint(std::mt19937_64* random) {
  std::uniform_real_distribution<double> longitude(-180, 180), latitude(-85, 85);
  return {longitude(*random), latitude(*random)};
}

// https://redis.io/docs/latest/commands/geoadd/, /geohash/, /geodist/
TEST(GeoHashTest, TheWellKnownExample) {
  const GeoPoint palermo{13.361389, 38.115556}, catania{15.087269, 37.502669};
  EXPECT_EQ(GeoHashOf(palermo), 3479099956230698u);
  EXPECT_EQ(GeoHashOf(catania), 3479447370796909u);
  const GeoPoint kept = GeoPointOf(3479099956230698.0), other = GeoPointOf(3479447370796909.0);
  EXPECT_EQ(GeoHashText(kept), "sqc8b49rny0");
  EXPECT_EQ(GeoHashText(other), "sqdtr74hyu0");
  EXPECT_NEAR(GeoDistanceMeters(kept, other), 166274.1516, 0.0001);
}

TEST(GeoHashTest, APointIsKeptWithinAMeter) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const GeoPoint point = RandomPoint(&random);
    const auto score = static_cast<double>(GeoHashOf(point));
    EXPECT_LT(score, 4503599627370496.0);
    EXPECT_LT(GeoDistanceMeters(point, GeoPointOf(score)), 1.0);
  }
}

TEST(GeoHashTest, AnyScoreIsSomewhere) {
  for (double score : {0.0, -1.0, -5e18, 1e19, -1e300, 4503599627370496.0, 0.5,
                       std::numeric_limits<double>::infinity()}) {
    EXPECT_TRUE(IsGeoPoint(GeoPointOf(score))) << score;
  }
  EXPECT_FALSE(IsGeoPoint({std::nan(""), 0}));
  EXPECT_FALSE(IsGeoPoint({0, 85.06}));
}

// No point within a shape lies outside its ranges: as long as the shape is small enough for nine
// squares, and doesn't cross the 180th meridian.
TEST(GeoHashTest, RangesCoverTheShape) {
  std::mt19937_64 random(2);
  size_t within = 0;
  for (int round = 0; round < 2000; ++round) {
    GeoShape shape;
    shape.middle = {std::uniform_real_distribution<double>(-120, 120)(random),
                    std::uniform_real_distribution<double>(-60, 60)(random)};
    shape.unit_meters = 1000;
    shape.is_box = round % 2 == 0;
    shape.radius = std::pow(10.0, static_cast<double>(random() % 60) / 20);
    shape.width = shape.radius * 2;
    shape.height = shape.radius;
    const auto ranges = GeoRangesOf(shape);
    for (int i = 0; i < 50; ++i) {
      const double degrees = shape.radius / 100;
      std::uniform_real_distribution<double> near(-degrees, degrees);
      const GeoPoint point{shape.middle.longitude + near(random),
                           shape.middle.latitude + near(random)};
      if (!IsGeoPoint(point)) continue;
      const uint64_t hash = GeoHashOf(point);
      const auto distance = shape.DistanceWithin(GeoPointOf(static_cast<double>(hash)));
      if (!distance) continue;
      ++within;
      bool covered = false;
      for (const GeoRange& range : ranges) covered |= hash >= range.begin && hash < range.end;
      ASSERT_TRUE(covered) << shape.middle.longitude << " " << shape.middle.latitude << " "
                           << shape.radius << " km " << point.longitude << " " << point.latitude;
    }
  }
  EXPECT_GT(within, 20'000u);
}

}  // namespace
}  // namespace understudy::targets::kv
