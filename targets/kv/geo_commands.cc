// Commands on positions: GEOADD, GEODIST, GEOHASH, GEOPOS. Searches are in geo_search_commands.cc.
#include <string>
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/geo_arguments.h"
#include "targets/kv/sorted_set_value.h"

namespace understudy::targets::kv {
namespace {

using protocol::EqualsIgnoreCase;

void GeoAdd(Call& call) {
  const auto args = call.args;
  ScoreConditions conditions;
  bool count_changes = false;
  size_t first = 2;
  for (; first < args.size(); ++first) {
    if (EqualsIgnoreCase(args[first], "NX")) {
      conditions.only_new = true;
    } else if (EqualsIgnoreCase(args[first], "XX")) {
      conditions.only_old = true;
    } else if (EqualsIgnoreCase(args[first], "CH")) {
      count_changes = true;
    } else {
      break;
    }
  }
  const size_t left = args.size() - first;
  if (left == 0 || left % 3 != 0 || (conditions.only_new && conditions.only_old)) {
    return call.reply.Error(protocol::kSyntaxError);
  }
  std::vector<MemberScore> scores;
  for (size_t i = first; i < args.size(); i += 3) {
    GeoPoint point;
    if (!ReadGeoPoint(call, args[i], args[i + 1], &point)) return;
    scores.push_back({static_cast<double>(GeoHashOf(point)), args[i + 2]});
  }
  const Entry* entry;
  if (!call.FindForWrite(args[1], Type::kSortedSet, &entry)) return;
  if (entry == nullptr && conditions.only_old) return call.reply.Integer(0);
  const auto [added, changed] =
      call.keyspace.AddScores(call.context, call.db, args[1], entry, scores, conditions);
  call.reply.Integer(static_cast<int64_t>(count_changes ? added + changed : added));
}

void GeoDist(Call& call) {
  double unit_meters = 1;
  if (call.args.size() > 5) return call.reply.Error(protocol::kSyntaxError);
  if (call.args.size() == 5 && !ReadGeoUnit(call, call.args[4], &unit_meters)) return;
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kSortedSet, &entry)) return;
  const auto a = GeoPointOfMember(call, entry, call.args[2]);
  const auto b = GeoPointOfMember(call, entry, call.args[3]);
  if (!a || !b) return call.reply.Null();
  ReplyGeoDistance(call, GeoDistanceMeters(*a, *b) / unit_meters);
}

void GeoHash(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kSortedSet, &entry)) return;
  call.reply.Array(call.args.size() - 2);
  for (std::string_view member : call.args.subspan(2)) {
    const auto point = GeoPointOfMember(call, entry, member);
    point ? call.reply.Bulk(GeoHashText(*point)) : call.reply.Null();
  }
}

void GeoPos(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kSortedSet, &entry)) return;
  call.reply.Array(call.args.size() - 2);
  for (std::string_view member : call.args.subspan(2)) {
    const auto point = GeoPointOfMember(call, entry, member);
    point ? ReplyGeoPoint(call, *point) : call.reply.NullArray();
  }
}

}  // namespace

void RegisterGeoCommands(HandlerMap* handlers) {
  handlers->insert(
      {{"geoadd", GeoAdd}, {"geodist", GeoDist}, {"geohash", GeoHash}, {"geopos", GeoPos}});
}

}  // namespace understudy::targets::kv
