// Union, intersection and difference of sorted sets, with weights. Sets may stand among them: their
// members have the score 1. Missing ones are empty.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "targets/kv/set_algebra.h"
#include "targets/kv/sorted_set_value.h"

namespace understudy::targets::kv {

enum class Aggregate : uint8_t { kSum, kMin, kMax };

// A combination of sorted sets by their keys.
struct SortedSetRecipe {
  SetOperation operation = SetOperation::kUnion;
  Aggregate aggregate = Aggregate::kSum;
  std::span<const std::string_view> keys;
  std::span<const double> weights = {};  // one a key, or none: 1 each
};

// One of the sets to combine.
class ScoredSource {
 public:
  ScoredSource() = default;  // missing
  explicit ScoredSource(SortedSetValue set) : set_(set) {}
  explicit ScoredSource(SetValue set) : set_(set) {}

  size_t size() const;
  std::optional<double> Score(std::string_view member, const Forms& forms) const;
  bool IsSameAs(const ScoredSource& other) const;
  // visit(std::string_view member, double score); it returns false to stop.
  template <typename Visit>
  void ForEachWhile(Visit&& visit) const;

 private:
  std::variant<std::monostate, SortedSetValue, SetValue> set_;
};

// A new sorted set; it is the caller's. `weights` as in SortedSetRecipe. A score that would not be
// a number is 0.
SortedSetValue Combine(SetOperation operation, Aggregate aggregate,
                       std::span<const ScoredSource> sources, std::span<const double> weights,
                       const Forms& forms);

// How many members are in all sources; stops counting at `limit`.
size_t CountIntersection(std::span<const ScoredSource> sources, size_t limit, const Forms& forms);

template <typename Visit>
void ScoredSource::ForEachWhile(Visit&& visit) const {
  Element::Digits digits;
  if (const auto* set = std::get_if<SetValue>(&set_)) {
    set->ForEachWhile([&](const Element& member) { return visit(member.Text(&digits), 1.0); });
  } else if (const auto* scored = std::get_if<SortedSetValue>(&set_)) {
    scored->ForRangeWhile(0, scored->size(), false, [&](const Element& member, double score) {
      return visit(member.Text(&digits), score);
    });
  }
}

}  // namespace understudy::targets::kv
