#include "targets/kv/geo_arguments.h"

#include <cmath>
#include <cstdio>
#include <string>

#include "protocol/numbers.h"
#include "targets/kv/sorted_set_value.h"

namespace understudy::targets::kv {

bool ReadGeoPoint(Call& call, std::string_view longitude, std::string_view latitude,
                  GeoPoint* point) {
  const auto x = protocol::ParseDouble(longitude);
  const auto y = x ? protocol::ParseDouble(latitude) : std::nullopt;
  if (!y) {
    call.reply.Error(protocol::kNotFloatError);
    return false;
  }
  *point = {*x, *y};
  if (IsGeoPoint(*point)) return true;
  char text[800];  // a double has 309 digits before the point at most
  std::snprintf(text, sizeof text, "ERR invalid longitude,latitude pair %f,%f", *x, *y);
  call.reply.Error(text);
  return false;
}

bool ReadGeoUnit(Call& call, std::string_view text, double* meters) {
  struct Unit {
    std::string_view name;
    double meters;
  };
  constexpr Unit kUnits[] = {{"m", 1}, {"km", 1000}, {"ft", 0.3048}, {"mi", 1609.34}};
  for (const Unit& unit : kUnits) {
    if (!protocol::EqualsIgnoreCase(text, unit.name)) continue;
    *meters = unit.meters;
    return true;
  }
  call.reply.Error("ERR unsupported unit provided. please use M, KM, FT, MI");
  return false;
}

std::optional<GeoPoint> GeoPointOfMember(Call& call, const Entry* entry, std::string_view member) {
  if (entry == nullptr) return std::nullopt;
  const auto score = SortedSetValue(entry->object()).Score(member, call.keyspace.forms());
  if (!score) return std::nullopt;
  return GeoPointOf(*score);
}

void ReplyGeoPoint(Call& call, const GeoPoint& point) {
  call.reply.Array(2);
  for (double each : {point.longitude, point.latitude}) {
    const std::string text = protocol::FormatHumanLongDouble(each);
    call.reply.resp() < 3 ? call.reply.Bulk(text) : call.reply.Raw("," + text + "\r\n");
  }
}

void ReplyGeoDistance(Call& call, double distance) {
  // Rounded as Redis does, to the even digit if it is just between two.
  constexpr int64_t kScale = 10'000;
  const auto scaled = static_cast<int64_t>(std::llrint(distance * kScale));
  char text[40];
  const int size =
      std::snprintf(text, sizeof text, "%lld.%04lld", static_cast<long long>(scaled / kScale),
                    static_cast<long long>(scaled % kScale));
  call.reply.Bulk({text, static_cast<size_t>(size)});
}

}  // namespace understudy::targets::kv
