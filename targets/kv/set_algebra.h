// Intersection, union and difference of sets. Missing sets are empty.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "targets/kv/set_value.h"

namespace understudy::targets::kv {

enum class SetOperation : uint8_t { kIntersection, kUnion, kDifference };

using OptionalSet = std::optional<SetValue>;

// A new set, of the first set's members that are in all others, of all sets' members, or of the
// first set's members that are in none of the others. It is the caller's.
SetValue Combine(SetOperation operation, std::span<const OptionalSet> sets, const Forms& forms);

// Adds to a set that isn't made before its first member is known.
void AddTo(OptionalSet* set, const Element& member, const Forms& forms);

// visit(const Element&) for each member of the intersection; it returns false to stop. Looks
// through the smallest set only. REQUIRES: at least one set.
template <typename Visit>
void ForEachInIntersection(std::span<const OptionalSet> sets, const Forms& forms, Visit&& visit) {
  std::vector<SetValue> by_size;
  for (const OptionalSet& set : sets) {
    if (!set) return;
    by_size.push_back(*set);
  }
  std::stable_sort(by_size.begin(), by_size.end(),
                   [](const SetValue& a, const SetValue& b) { return a.size() < b.size(); });
  const std::span<const SetValue> others = std::span(by_size).subspan(1);
  by_size[0].ForEachWhile([&](const Element& member) {
    for (const SetValue& other : others) {
      // A set named twice is its own intersection.
      if (other.object().address == by_size[0].object().address) continue;
      if (!other.Contains(member, forms)) return true;
    }
    return visit(member);
  });
}

}  // namespace understudy::targets::kv
