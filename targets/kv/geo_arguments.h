// What the commands on positions read and write alike. Internal to targets/kv.
#pragma once

#include <optional>
#include <string_view>

#include "targets/kv/commands.h"
#include "targets/kv/geohash.h"

namespace understudy::targets::kv {

// Each returns false, with the error written, if the argument isn't that.
bool ReadGeoPoint(Call& call, std::string_view longitude, std::string_view latitude,
                  GeoPoint* point);
bool ReadGeoUnit(Call& call, std::string_view text, double* meters);

// Where a member is; nothing if there is no such member. `entry` may be nullptr.
std::optional<GeoPoint> GeoPointOfMember(Call& call, const Entry* entry, std::string_view member);

void ReplyGeoPoint(Call& call, const GeoPoint& point);
// With four digits behind the point.
void ReplyGeoDistance(Call& call, double distance);

}  // namespace understudy::targets::kv
