// Positions on the earth as numbers that a sorted set keeps as scores, and searches among them.
//
// A position is hashed by halving the ranges of longitude (-180 .. 180) and latitude
// (-85.05112878 .. 85.05112878, where the Mercator projection ends) 26 times each, and interleaving
// the bits, longitude first: 52 bits, which a double holds exactly. Positions that are near each
// other mostly have near hashes: those of a square are a range. A search looks at the square of its
// middle that is large enough, and its eight neighbours.
//
// The arithmetic is that of Redis to the last bit, since its results are seen: the order of
// operations matters. Distances are of a sphere of 6372797.560856 m (haversine). Source: geohash.c
// and geohash_helper.c of Redis 7.2; https://en.wikipedia.org/wiki/Geohash. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace understudy::targets::kv {

struct GeoPoint {
  double longitude = 0, latitude = 0;
};

// Whether a position can be hashed.
bool IsGeoPoint(const GeoPoint& point);
// REQUIRES: IsGeoPoint(point).
uint64_t GeoHashOf(const GeoPoint& point);
// The middle of what a score stands for; of any score something on the earth.
GeoPoint GeoPointOf(double score);
// The 11 letters of a geohash as others know it, whose latitudes go from -90 to 90. The last one is
// always 0: there are only 52 bits.
std::string GeoHashText(const GeoPoint& point);
double GeoDistanceMeters(const GeoPoint& a, const GeoPoint& b);

// A circle, or a rectangle with sides along the meridians and parallels.
struct GeoShape {
  GeoPoint middle;
  bool is_box = false;
  double radius = 0, width = 0, height = 0;  // in units
  double unit_meters = 1;

  // The distance to the middle in metres, if the point is within.
  std::optional<double> DistanceWithin(const GeoPoint& point) const;
};

// Scores from `begin` on, below `end`.
struct GeoRange {
  uint64_t begin = 0, end = 0;
};
// The ranges of scores in which all points within the shape are, in the order in which they are to
// be looked at; empty ones (0, 0) are to be left out. The middle is the first.
std::array<GeoRange, 9> GeoRangesOf(const GeoShape& shape);

}  // namespace understudy::targets::kv
