// Keyspace::ApplyToContainer(): effects on lists, hashes, sets and sorted sets back into writes.
#include <cmath>
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/hash_value.h"
#include "targets/kv/keyspace.h"
#include "targets/kv/set_value.h"
#include "targets/kv/sorted_set_value.h"

namespace understudy::targets::kv {
namespace {

using Effect = std::span<const std::string_view>;

// A number from 0 on, at `position`.
bool TakeSize(Effect effect, size_t position, size_t* size) {
  if (position >= effect.size()) return false;
  const auto number = protocol::ParseInteger(effect[position]);
  if (!number || *number < 0) return false;
  *size = static_cast<size_t>(*number);
  return true;
}

bool TakeScore(std::string_view text, double* score) {
  const auto number = protocol::ParseDouble(text);
  if (!number || std::isnan(*number)) return false;
  *score = *number;
  return true;
}

bool IsMissingOr(const Entry* entry, Type type) {
  return entry == nullptr || entry->type() == type;
}

}  // namespace

bool Keyspace::ApplyToList(int db, const Entry* entry, Effect effect, Context& context) {
  const std::string_view name = effect[0];
  if (name == "lpush" || name == "rpush") {
    if (effect.size() < 3) return false;
    PushList(context, db, effect[1], entry, name == "lpush" ? End::kFront : End::kBack,
             effect.subspan(2));
    return true;
  }
  if (entry == nullptr) return false;
  const size_t size = ListValue(entry->object()).size();
  size_t number = 0, other = 0;
  if (name == "lpop" || name == "rpop") {
    if (effect.size() != 3 || !TakeSize(effect, 2, &number) || number > size) return false;
    PopList(context, db, entry, name == "lpop" ? End::kFront : End::kBack, number);
    return true;
  }
  if (effect.size() != 4) return false;
  if (name == "lset" || name == "linsert") {
    if (!TakeSize(effect, 2, &number) || number > size || (name == "lset" && number == size)) {
      return false;
    }
    name == "lset" ? SetInList(context, db, entry, number, effect[3])
                   : InsertInList(context, db, entry, number, effect[3]);
    return true;
  }
  if (name == "lrem") {
    const auto count = protocol::ParseInteger(effect[2]);
    return count && RemoveFromList(context, db, entry, *count, effect[3]) > 0;
  }
  if (name != "ltrim" || !TakeSize(effect, 2, &number) || !TakeSize(effect, 3, &other) ||
      number > size || other > size - number) {
    return false;
  }
  TrimList(context, db, entry, number, other);
  return true;
}

bool Keyspace::ApplyToHash(int db, const Entry* entry, Effect effect, Context& context) {
  if (effect.size() < 3) return false;
  if (effect[0] == "hset") {
    if (effect.size() % 2 != 0) return false;
    SetFields(context, db, effect[1], entry, effect.subspan(2));
    return true;
  }
  return entry != nullptr && RemoveFields(context, db, entry, effect.subspan(2)) > 0;
}

bool Keyspace::ApplyToSet(int db, const Entry* entry, Effect effect, Context& context) {
  if (effect.size() < 3) return false;
  if (effect[0] == "sadd") {
    return AddMembers(context, db, effect[1], entry, effect.subspan(2)) > 0;
  }
  return entry != nullptr && RemoveMembers(context, db, entry, effect.subspan(2)) > 0;
}

bool Keyspace::ApplyToSortedSet(int db, const Entry* entry, Effect effect, Context& context) {
  if (effect[0] == "zadd") {
    if (effect.size() < 4 || effect.size() % 2 != 0) return false;
    std::vector<Score> scores;
    for (size_t i = 2; i < effect.size(); i += 2) {
      scores.push_back({0, effect[i + 1]});
      if (!TakeScore(effect[i], &scores.back().score)) return false;
    }
    const ScoresAdded added = AddScores(context, db, effect[1], entry, scores);
    return added.added + added.changed > 0;
  }
  if (entry == nullptr) return false;
  if (effect[0] == "zrem") {
    return effect.size() > 2 && RemoveScored(context, db, entry, effect.subspan(2)) > 0;
  }
  size_t first = 0, count = 0;
  const size_t size = SortedSetValue(entry->object()).size();
  if (effect.size() != 4 || !TakeSize(effect, 2, &first) || !TakeSize(effect, 3, &count) ||
      first >= size || count == 0 || count > size - first) {
    return false;
  }
  RemoveRanks(context, db, entry, first, count);
  return true;
}

bool Keyspace::ApplyStore(int db, Effect effect, Context& context) {
  const std::string_view name = effect[0], target = effect[1];
  const Effect rest = effect.subspan(2);
  const auto are_of = [this, db](Effect keys, bool sets, bool sorted_sets) {
    for (std::string_view key : keys) {
      const Entry* entry = EntryOf(db, key);
      if (entry != nullptr && !(sets && entry->type() == Type::kSet) &&
          !(sorted_sets && entry->type() == Type::kSortedSet)) {
        return false;
      }
    }
    return true;
  };
  if (rest.empty()) return false;
  if (name == "zrangestore") {
    const Entry* source = EntryOf(db, rest[0]);
    size_t first = 0, count = 0;
    if (rest.size() != 3 || source == nullptr || source->type() != Type::kSortedSet ||
        !TakeSize(rest, 1, &first) || !TakeSize(rest, 2, &count)) {
      return false;
    }
    const size_t size = SortedSetValue(source->object()).size();
    if (first >= size || count > size - first || count == 0) return false;
    StoreRange(context, db, target, rest[0], first, count);
    return true;
  }
  if (name[0] == 's') {
    if (!are_of(rest, true, false)) return false;
    StoreSets(context, db, target,
              name == "sinterstore"   ? SetOperation::kIntersection
              : name == "sunionstore" ? SetOperation::kUnion
                                      : SetOperation::kDifference,
              rest);
    return true;
  }
  SortedSetRecipe recipe;
  if (name == "zdiffstore") {
    recipe.operation = SetOperation::kDifference;
    recipe.keys = rest;
    if (!are_of(rest, true, true)) return false;
    StoreSortedSets(context, db, target, recipe);
    return true;
  }
  recipe.operation = name == "zinterstore" ? SetOperation::kIntersection : SetOperation::kUnion;
  if (rest.size() < 3 || rest.size() % 2 != 1) return false;
  if (rest[0] != "sum" && rest[0] != "min" && rest[0] != "max") return false;
  recipe.aggregate = rest[0] == "sum"   ? Aggregate::kSum
                     : rest[0] == "min" ? Aggregate::kMin
                                        : Aggregate::kMax;
  std::vector<std::string_view> keys;
  std::vector<double> weights;
  for (size_t i = 1; i < rest.size(); i += 2) {
    keys.push_back(rest[i]);
    weights.push_back(0);
    if (!TakeScore(rest[i + 1], &weights.back())) return false;
  }
  if (!are_of(keys, true, true)) return false;
  recipe.keys = keys;
  recipe.weights = weights;
  StoreSortedSets(context, db, target, recipe);
  return true;
}

bool Keyspace::ApplyToContainer(int db, Effect effect, Context& context) {
  using Function = bool (Keyspace::*)(int, const Entry*, Effect, Context&);
  struct Row {
    std::string_view name;
    Type type;
    Function apply;
  };
  // The most frequent first.
  static constexpr Row kRows[] = {
      {"lpush", Type::kList, &Keyspace::ApplyToList},
      {"rpush", Type::kList, &Keyspace::ApplyToList},
      {"lpop", Type::kList, &Keyspace::ApplyToList},
      {"rpop", Type::kList, &Keyspace::ApplyToList},
      {"hset", Type::kHash, &Keyspace::ApplyToHash},
      {"sadd", Type::kSet, &Keyspace::ApplyToSet},
      {"zadd", Type::kSortedSet, &Keyspace::ApplyToSortedSet},
      {"srem", Type::kSet, &Keyspace::ApplyToSet},
      {"hdel", Type::kHash, &Keyspace::ApplyToHash},
      {"zrem", Type::kSortedSet, &Keyspace::ApplyToSortedSet},
      {"zremrangebyrank", Type::kSortedSet, &Keyspace::ApplyToSortedSet},
      {"ltrim", Type::kList, &Keyspace::ApplyToList},
      {"lset", Type::kList, &Keyspace::ApplyToList},
      {"linsert", Type::kList, &Keyspace::ApplyToList},
      {"lrem", Type::kList, &Keyspace::ApplyToList},
      {"xadd", Type::kStream, &Keyspace::ApplyToStream},
      {"xreadgroup", Type::kStream, &Keyspace::ApplyDelivery},
      {"xack", Type::kStream, &Keyspace::ApplyToGroup},
      {"xtrim", Type::kStream, &Keyspace::ApplyToStream},
      {"xdel", Type::kStream, &Keyspace::ApplyToStream},
      {"xclaim", Type::kStream, &Keyspace::ApplyClaim},
      {"xsetid", Type::kStream, &Keyspace::ApplyToStream},
      {"xgroup|create", Type::kStream, &Keyspace::ApplyToGroup},
      {"xgroup|setid", Type::kStream, &Keyspace::ApplyToGroup},
      {"xgroup|destroy", Type::kStream, &Keyspace::ApplyToGroup},
      {"xgroup|createconsumer", Type::kStream, &Keyspace::ApplyToGroup},
      {"xgroup|delconsumer", Type::kStream, &Keyspace::ApplyToGroup}};
  for (const Row& row : kRows) {
    if (row.name != effect[0]) continue;
    const Entry* entry = EntryOf(db, effect[1]);
    return IsMissingOr(entry, row.type) && (this->*row.apply)(db, entry, effect, context);
  }
  for (std::string_view name : {"sinterstore", "sunionstore", "sdiffstore", "zinterstore",
                                "zunionstore", "zdiffstore", "zrangestore"}) {
    if (name == effect[0]) return ApplyStore(db, effect, context);
  }
  return false;
}

}  // namespace understudy::targets::kv
