// Searches among positions: GEOSEARCH, GEOSEARCHSTORE, and the older GEORADIUS and its relatives.
#include <algorithm>
#include <string>
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/geo_arguments.h"
#include "targets/kv/sorted_set_value.h"

namespace understudy::targets::kv {
namespace {

using protocol::EqualsIgnoreCase;

enum class Order : uint8_t { kNone, kNearest, kFarthest };

// Which of the commands is executed.
struct Kind {
  bool radius_command;  // GEORADIUS..., else GEOSEARCH...
  bool by_member;       // GEORADIUSBYMEMBER...
  bool may_store;       // GEORADIUS..., with STORE and STOREDIST
  bool stores;          // GEOSEARCHSTORE
};

struct Search {
  GeoShape shape;
  bool with_distance = false, with_hash = false, with_point = false;
  bool from_member = false, from_point = false, by_radius = false, by_box = false;
  Order order = Order::kNone;
  bool any = false;
  uint64_t count = 0;  // 0: all
  bool has_target = false, store_distance = false;
  std::string_view target;
};

struct Found {
  std::string member;
  GeoPoint point;
  double distance_meters;
  double score;
};

bool Refuse(Call& call, std::string_view error) {
  call.reply.Error(error);
  return false;
}

bool ReadLength(Call& call, std::string_view text, std::string_view error, double* length) {
  const auto number = protocol::ParseDouble(text);
  if (!number) return Refuse(call, error);
  *length = *number;
  return true;
}

bool ReadRadius(Call& call, std::span<const std::string_view> args, GeoShape* shape) {
  if (!ReadLength(call, args[0], "ERR need numeric radius", &shape->radius)) return false;
  if (shape->radius < 0) return Refuse(call, "ERR radius cannot be negative");
  shape->is_box = false;
  return ReadGeoUnit(call, args[1], &shape->unit_meters);
}

bool ReadBox(Call& call, std::span<const std::string_view> args, GeoShape* shape) {
  if (!ReadLength(call, args[0], "ERR need numeric width", &shape->width) ||
      !ReadLength(call, args[1], "ERR need numeric height", &shape->height)) {
    return false;
  }
  if (shape->width < 0 || shape->height < 0) {
    return Refuse(call, "ERR height or width cannot be negative");
  }
  shape->is_box = true;
  return ReadGeoUnit(call, args[2], &shape->unit_meters);
}

// The middle is where a member is. Without a key nothing is looked up.
bool ReadMember(Call& call, const Entry* source, std::string_view member, GeoShape* shape) {
  if (source == nullptr) return true;
  const auto point = GeoPointOfMember(call, source, member);
  if (!point) return Refuse(call, "ERR could not decode requested zset member");
  shape->middle = *point;
  return true;
}

// Takes one option at `*next`, with what belongs to it. False, with the error written, if it isn't
// one.
bool ReadOption(Call& call, const Kind& kind, const Entry* source, size_t* next, Search* search) {
  const auto args = call.args.subspan(*next);
  const size_t more = args.size() - 1;
  const auto is = [&](std::string_view word, size_t needed = 0) {
    if (!EqualsIgnoreCase(args[0], word) || more < needed) return false;
    *next += needed;
    return true;
  };
  const bool search_command = !kind.radius_command;
  if (is("WITHDIST")) {
    search->with_distance = true;
  } else if (is("WITHHASH")) {
    search->with_hash = true;
  } else if (is("WITHCOORD")) {
    search->with_point = true;
  } else if (is("ANY")) {
    search->any = true;
  } else if (is("ASC")) {
    search->order = Order::kNearest;
  } else if (is("DESC")) {
    search->order = Order::kFarthest;
  } else if (is("COUNT", 1)) {
    int64_t count;
    if (!call.ReadInteger(args[1], &count)) return false;
    if (count <= 0) return Refuse(call, "ERR COUNT must be > 0");
    search->count = static_cast<uint64_t>(count);
  } else if (kind.may_store && (is("STORE", 1) || is("STOREDIST", 1))) {
    search->has_target = true;
    search->target = args[1];
    search->store_distance = EqualsIgnoreCase(args[0], "STOREDIST");
  } else if (kind.stores && is("STOREDIST")) {
    search->store_distance = true;
  } else if (search_command && !search->from_point && is("FROMMEMBER", 1)) {
    search->from_member = true;
    return ReadMember(call, source, args[1], &search->shape);
  } else if (search_command && !search->from_member && is("FROMLONLAT", 2)) {
    search->from_point = true;
    return ReadGeoPoint(call, args[1], args[2], &search->shape.middle);
  } else if (search_command && !search->by_box && is("BYRADIUS", 2)) {
    search->by_radius = true;
    return ReadRadius(call, args.subspan(1), &search->shape);
  } else if (search_command && !search->by_radius && is("BYBOX", 3)) {
    search->by_box = true;
    return ReadBox(call, args.subspan(1), &search->shape);
  } else {
    return Refuse(call, protocol::kSyntaxError);
  }
  return true;
}

// Takes what stands before the options; `next` is then the first of these.
bool ReadPlace(Call& call, const Kind& kind, const Entry* source, size_t* next, Search* search) {
  const auto args = call.args;
  if (!kind.radius_command) {
    search->has_target = kind.stores;
    if (kind.stores) search->target = args[1];
    *next = kind.stores ? 3 : 2;
    return true;
  }
  *next = kind.by_member ? 5 : 6;
  if (!kind.by_member) {
    return ReadGeoPoint(call, args[2], args[3], &search->shape.middle) &&
           ReadRadius(call, args.subspan(4), &search->shape);
  }
  return source == nullptr || (ReadMember(call, source, args[2], &search->shape) &&
                               ReadRadius(call, args.subspan(3), &search->shape));
}

bool ReadSearch(Call& call, const Kind& kind, const Entry* source, Search* search) {
  size_t next;
  if (!ReadPlace(call, kind, source, &next, search)) return false;
  for (; next < call.args.size(); ++next) {
    if (!ReadOption(call, kind, source, &next, search)) return false;
  }
  if (search->has_target && (search->with_distance || search->with_hash || search->with_point)) {
    return Refuse(call, std::string("ERR ") +
                            (kind.stores ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS") +
                            " is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
  }
  if (!kind.radius_command && !search->from_member && !search->from_point) {
    return Refuse(call, "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " +
                            std::string(call.args[0]));
  }
  if (!kind.radius_command && !search->by_radius && !search->by_box) {
    return Refuse(call, "ERR exactly one of BYRADIUS and BYBOX can be specified for " +
                            std::string(call.args[0]));
  }
  if (search->any && search->count == 0) {
    return Refuse(call, "ERR the ANY argument requires COUNT argument");
  }
  // The first few without an order are the nearest, but for "any".
  if (search->count > 0 && search->order == Order::kNone && !search->any) {
    search->order = Order::kNearest;
  }
  return true;
}

// All points within the shape, or with "any" the first ones.
std::vector<Found> FindAll(const SortedSetValue& set, const Search& search) {
  std::vector<Found> found;
  const uint64_t limit = search.any ? search.count : UINT64_MAX;
  for (const GeoRange& range : GeoRangesOf(search.shape)) {
    if (range.end == 0 || found.size() >= limit) continue;
    const size_t first = set.RankOfLeast(ScoreBound{static_cast<double>(range.begin), false});
    if (first >= set.size()) continue;
    set.ForRangeWhile(first, set.size() - first, false, [&](const Element& member, double score) {
      if (score >= static_cast<double>(range.end)) return false;
      const GeoPoint point = GeoPointOf(score);
      if (const auto distance = search.shape.DistanceWithin(point)) {
        Element::Digits digits;
        found.push_back({std::string(member.Text(&digits)), point, *distance, score});
      }
      return found.size() < limit;
    });
  }
  return found;
}

// Sorts what is wanted to the front, and drops the rest.
void SortAndCut(const Search& search, std::vector<Found>* found) {
  const size_t wanted =
      search.count == 0 ? found->size() : std::min<uint64_t>(search.count, found->size());
  const auto nearer = [](const Found& a, const Found& b) {
    return a.distance_meters < b.distance_meters;
  };
  const auto farther = [](const Found& a, const Found& b) {
    return a.distance_meters > b.distance_meters;
  };
  const auto sort = [&](auto before) {
    if (wanted == found->size()) return std::stable_sort(found->begin(), found->end(), before);
    std::partial_sort(found->begin(), found->begin() + static_cast<ptrdiff_t>(wanted), found->end(),
                      before);
  };
  if (search.order == Order::kNearest) sort(nearer);
  if (search.order == Order::kFarthest) sort(farther);
  found->resize(wanted);
}

void ReplyFound(Call& call, const Search& search, const std::vector<Found>& found) {
  const size_t extras = size_t{search.with_distance} + search.with_hash + search.with_point;
  call.reply.Array(found.size());
  for (const Found& each : found) {
    if (extras > 0) call.reply.Array(1 + extras);
    call.reply.Bulk(each.member);
    if (search.with_distance) {
      ReplyGeoDistance(call, each.distance_meters / search.shape.unit_meters);
    }
    if (search.with_hash) call.reply.Integer(static_cast<int64_t>(each.score));
    if (search.with_point) ReplyGeoPoint(call, each.point);
  }
}

void Store(Call& call, const Search& search, const std::vector<Found>& found,
           std::string_view event) {
  std::vector<MemberScore> scores;
  for (const Found& each : found) {
    const double distance = each.distance_meters / search.shape.unit_meters;
    scores.push_back({search.store_distance ? distance : each.score, each.member});
  }
  call.keyspace.StoreScores(call.context, call.db, search.target, scores, event);
  call.reply.Integer(static_cast<int64_t>(found.size()));
}

void Run(Call& call, const Kind& kind) {
  const Entry* source;
  if (!call.Find(call.args[kind.stores ? 2 : 1], Type::kSortedSet, &source)) return;
  Search search;
  if (!ReadSearch(call, kind, source, &search)) return;
  std::vector<Found> found;
  if (source != nullptr) {
    found = FindAll(SortedSetValue(source->object()), search);
    SortAndCut(search, &found);
  }
  search.has_target
      ? Store(call, search, found, kind.radius_command ? "georadiusstore" : "geosearchstore")
      : ReplyFound(call, search, found);
}

void GeoRadius(Call& call) { Run(call, {true, false, true, false}); }
void GeoRadiusRo(Call& call) { Run(call, {true, false, false, false}); }
void GeoRadiusByMember(Call& call) { Run(call, {true, true, true, false}); }
void GeoRadiusByMemberRo(Call& call) { Run(call, {true, true, false, false}); }
void GeoSearch(Call& call) { Run(call, {false, false, false, false}); }
void GeoSearchStore(Call& call) { Run(call, {false, false, false, true}); }

}  // namespace

void RegisterGeoSearchCommands(HandlerMap* handlers) {
  handlers->insert({{"georadius", GeoRadius},
                    {"georadius_ro", GeoRadiusRo},
                    {"georadiusbymember", GeoRadiusByMember},
                    {"georadiusbymember_ro", GeoRadiusByMemberRo},
                    {"geosearch", GeoSearch},
                    {"geosearchstore", GeoSearchStore}});
}

}  // namespace understudy::targets::kv
