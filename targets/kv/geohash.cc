#include "targets/kv/geohash.h"

#include <algorithm>
#include <cmath>

namespace understudy::targets::kv {
namespace {

constexpr double kMaxLatitude = 85.05112878, kMaxLongitude = 180;
constexpr int kMaxSteps = 26;
constexpr double kEarthRadiusMeters = 6372797.560856;
constexpr double kMercatorMaxMeters = 20037726.37;
constexpr double kRadiansOfDegree = 0.017453292519943295769236907684886;
// Longitudes have the odd bits.
constexpr uint64_t kLongitudeBits = 0xaaaaaaaaaaaaaaaa, kLatitudeBits = 0x5555555555555555;

double Radians(double degrees) { return degrees * kRadiansOfDegree; }
double Degrees(double radians) { return radians / kRadiansOfDegree; }

// Spreads bits to the even places, and back.
uint64_t Spread(uint32_t bits) {
  uint64_t x = bits;
  x = (x | x << 16) & 0x0000ffff0000ffff;
  x = (x | x << 8) & 0x00ff00ff00ff00ff;
  x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
  x = (x | x << 2) & 0x3333333333333333;
  return (x | x << 1) & 0x5555555555555555;
}
uint32_t Gather(uint64_t x) {
  x &= 0x5555555555555555;
  x = (x | x >> 1) & 0x3333333333333333;
  x = (x | x >> 2) & 0x0f0f0f0f0f0f0f0f;
  x = (x | x >> 4) & 0x00ff00ff00ff00ff;
  x = (x | x >> 8) & 0x0000ffff0000ffff;
  return static_cast<uint32_t>(x | x >> 16);
}

// A square of the earth: as many halvings of each range; none: not a square.
struct Square {
  uint64_t bits = 0;
  int steps = 0;
  bool operator==(const Square&) const = default;
};

struct Area {
  double min_longitude, max_longitude, min_latitude, max_latitude;
};

Square Encode(const GeoPoint& point, double max_latitude, int steps) {
  double latitude = (point.latitude + max_latitude) / (max_latitude + max_latitude);
  double longitude = (point.longitude + kMaxLongitude) / (kMaxLongitude + kMaxLongitude);
  latitude *= static_cast<double>(uint64_t{1} << steps);
  longitude *= static_cast<double>(uint64_t{1} << steps);
  return {Spread(static_cast<uint32_t>(latitude)) | Spread(static_cast<uint32_t>(longitude)) << 1,
          steps};
}

Area Decode(const Square& square) {
  const uint32_t latitude = Gather(square.bits), longitude = Gather(square.bits >> 1);
  const auto parts = static_cast<double>(uint64_t{1} << square.steps);
  constexpr double kLatitudes = kMaxLatitude + kMaxLatitude;
  constexpr double kLongitudes = kMaxLongitude + kMaxLongitude;
  // Redis adds in 32 bits.
  return {-kMaxLongitude + longitude / parts * kLongitudes,
          -kMaxLongitude + (longitude + 1) / parts * kLongitudes,
          -kMaxLatitude + latitude / parts * kLatitudes,
          -kMaxLatitude + (latitude + 1) / parts * kLatitudes};
}

// Some of a square's bits, as a number of its own, one more or less, around the earth.
uint64_t Move(const Square& square, uint64_t own_bits, int by) {
  const int unused = 64 - 2 * square.steps;
  uint64_t own = square.bits & own_bits;
  // The bits of the others let a carry through.
  const uint64_t others = ~own_bits >> unused;
  if (by > 0) own += others + 1;
  if (by < 0) own = (own | others) - (others + 1);
  return own & own_bits >> unused;
}

Square Neighbor(const Square& square, int east, int north) {
  const uint64_t longitude =
      east == 0 ? square.bits & kLongitudeBits : Move(square, kLongitudeBits, east);
  const uint64_t latitude =
      north == 0 ? square.bits & kLatitudeBits : Move(square, kLatitudeBits, north);
  return {longitude | latitude, square.steps};
}

// How often to halve so that a square and its neighbours cover so much; fewer times near the poles,
// where squares get narrow.
int StepsFor(double meters, double latitude) {
  if (meters == 0) return kMaxSteps;
  int steps = 1;
  for (; meters < kMercatorMaxMeters; meters *= 2) ++steps;
  steps -= 2;
  if (std::abs(latitude) > 66) --steps;
  if (std::abs(latitude) > 80) --steps;
  return std::clamp(steps, 1, kMaxSteps);
}

Area BoundsOf(const GeoShape& shape) {
  const double height = shape.unit_meters * (shape.is_box ? shape.height / 2 : shape.radius);
  const double width = shape.unit_meters * (shape.is_box ? shape.width / 2 : shape.radius);
  const auto [longitude, latitude] = shape.middle;
  const double north = Degrees(height / kEarthRadiusMeters);
  // The side nearer to the pole spans more degrees.
  const double widest = latitude < 0 ? latitude - north : latitude + north;
  const double east = Degrees(width / kEarthRadiusMeters / std::cos(Radians(widest)));
  return {longitude - east, longitude + east, latitude - north, latitude + north};
}

double LatitudeDistance(double a, double b) {
  return kEarthRadiusMeters * std::fabs(Radians(b) - Radians(a));
}

constexpr struct {
  int east, north;
} kNeighbors[] = {{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};

// Whether the four neighbours reach to the bounds.
bool Covers(const Square& square, const Area& bounds) {
  return Decode(Neighbor(square, 0, 1)).max_latitude >= bounds.max_latitude &&
         Decode(Neighbor(square, 0, -1)).min_latitude <= bounds.min_latitude &&
         Decode(Neighbor(square, 1, 0)).max_longitude >= bounds.max_longitude &&
         Decode(Neighbor(square, -1, 0)).min_longitude <= bounds.min_longitude;
}

}  // namespace

bool IsGeoPoint(const GeoPoint& point) {
  return point.longitude >= -kMaxLongitude && point.longitude <= kMaxLongitude &&
         point.latitude >= -kMaxLatitude && point.latitude <= kMaxLatitude;
}

uint64_t GeoHashOf(const GeoPoint& point) { return Encode(point, kMaxLatitude, kMaxSteps).bits; }

GeoPoint GeoPointOf(double score) {
  // Scores that are no hashes stand for something, too.
  constexpr double kTooMuch = 9.2e18;
  const uint64_t bits = std::abs(score) < kTooMuch
                            ? static_cast<uint64_t>(static_cast<int64_t>(score))
                            : uint64_t{1} << 63;
  const Area area = Decode({bits, kMaxSteps});
  return {std::clamp((area.min_longitude + area.max_longitude) / 2, -kMaxLongitude, kMaxLongitude),
          std::clamp((area.min_latitude + area.max_latitude) / 2, -kMaxLatitude, kMaxLatitude)};
}

std::string GeoHashText(const GeoPoint& point) {
  constexpr char kLetters[] = "0123456789bcdefghjkmnpqrstuvwxyz";
  constexpr int kBits = 2 * kMaxSteps, kBitsOfLetter = 5;
  const uint64_t bits = Encode(point, 90, kMaxSteps).bits;
  std::string text;
  for (int left = kBits - kBitsOfLetter; left >= 0; left -= kBitsOfLetter) {
    text.push_back(kLetters[bits >> left & 0x1f]);
  }
  return text + '0';
}

double GeoDistanceMeters(const GeoPoint& a, const GeoPoint& b) {
  const double v = std::sin((Radians(b.longitude) - Radians(a.longitude)) / 2);
  if (v == 0) return LatitudeDistance(a.latitude, b.latitude);
  const double first = Radians(a.latitude), second = Radians(b.latitude);
  const double u = std::sin((second - first) / 2);
  const double square = u * u + std::cos(first) * std::cos(second) * v * v;
  return 2.0 * kEarthRadiusMeters * std::asin(std::sqrt(square));
}

std::optional<double> GeoShape::DistanceWithin(const GeoPoint& point) const {
  if (is_box) {
    if (LatitudeDistance(point.latitude, middle.latitude) > height * unit_meters / 2) return {};
    const GeoPoint beside{middle.longitude, point.latitude};
    if (GeoDistanceMeters(point, beside) > width * unit_meters / 2) return {};
    return GeoDistanceMeters(middle, point);
  }
  const double distance = GeoDistanceMeters(middle, point);
  if (distance > radius * unit_meters) return {};
  return distance;
}

std::array<GeoRange, 9> GeoRangesOf(const GeoShape& shape) {
  const Area bounds = BoundsOf(shape);
  double reach = shape.radius;
  if (shape.is_box) {
    const double height = shape.height / 2, width = shape.width / 2;
    reach = std::sqrt(width * width + height * height);
  }
  int steps = StepsFor(reach * shape.unit_meters, shape.middle.latitude);
  Square center = Encode(shape.middle, kMaxLatitude, steps);
  if (steps > 1 && !Covers(center, bounds)) {
    center = Encode(shape.middle, kMaxLatitude, --steps);
  }
  const Area area = Decode(center);
  std::array<GeoRange, 9> ranges;
  Square last;
  for (size_t i = 0; i < ranges.size(); ++i) {
    const auto [east, north] = kNeighbors[i];
    // A side that the middle's square covers needs no neighbour.
    if (steps >= 2 && ((north < 0 && area.min_latitude < bounds.min_latitude) ||
                       (north > 0 && area.max_latitude > bounds.max_latitude) ||
                       (east < 0 && area.min_longitude < bounds.min_longitude) ||
                       (east > 0 && area.max_longitude > bounds.max_longitude))) {
      continue;
    }
    const Square square = Neighbor(center, east, north);
    // Around the whole earth neighbours may be the same.
    if (square == last) continue;
    if (i > 0) last = square;
    const int unused = 2 * (kMaxSteps - steps);
    ranges[i] = {square.bits << unused, (square.bits + 1) << unused};
  }
  return ranges;
}

}  // namespace understudy::targets::kv
