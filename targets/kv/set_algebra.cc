#include "targets/kv/set_algebra.h"

namespace understudy::targets::kv {
namespace {

void AddAll(OptionalSet* result, const SetValue& set, const Forms& forms) {
  set.ForEach([&](const Element& member) { AddTo(result, member, forms); });
}

// Looks each member of the first set up in the others, the biggest first.
void DifferenceByLookup(std::span<const OptionalSet> sets, const Forms& forms,
                        OptionalSet* result) {
  std::vector<SetValue> others;
  for (const OptionalSet& set : sets.subspan(1)) {
    if (set) others.push_back(*set);
  }
  std::stable_sort(others.begin(), others.end(),
                   [](const SetValue& a, const SetValue& b) { return a.size() > b.size(); });
  sets[0]->ForEach([&](const Element& member) {
    for (const SetValue& other : others) {
      if (other.Contains(member, forms)) return;
    }
    AddTo(result, member, forms);
  });
}

// Takes the others' members out of a copy of the first set.
void DifferenceByRemoval(std::span<const OptionalSet> sets, const Forms& forms,
                         OptionalSet* result) {
  AddAll(result, *sets[0], forms);
  for (const OptionalSet& other : sets.subspan(1)) {
    if (!other || !*result) continue;
    other->ForEachWhile([&](const Element& member) {
      Element::Digits digits;
      (*result)->Remove(member.Text(&digits), forms);
      return (*result)->size() > 0;
    });
  }
}

void Difference(std::span<const OptionalSet> sets, const Forms& forms, OptionalSet* result) {
  if (!sets[0]) return;
  // As in Redis: the costs of the two ways, the first halved since it often ends early.
  size_t lookups = 0, all = 0;
  for (const OptionalSet& set : sets) {
    if (set && set->object().address == sets[0]->object().address && &set != &sets[0]) return;
    lookups += sets[0]->size();
    all += set ? set->size() : 0;
  }
  if (lookups / 2 <= all) {
    DifferenceByLookup(sets, forms, result);
  } else {
    DifferenceByRemoval(sets, forms, result);
  }
}

}  // namespace

void AddTo(OptionalSet* set, const Element& member, const Forms& forms) {
  if (!*set) *set = SetValue::NewFor(member.Parsed(), 1, forms);
  (*set)->Add(member, forms);
}

SetValue Combine(SetOperation operation, std::span<const OptionalSet> sets, const Forms& forms) {
  OptionalSet result;
  switch (operation) {
    case SetOperation::kIntersection:
      ForEachInIntersection(sets, forms, [&](const Element& member) {
        AddTo(&result, member, forms);
        return true;
      });
      break;
    case SetOperation::kUnion:
      for (const OptionalSet& set : sets) {
        if (set) AddAll(&result, *set, forms);
      }
      break;
    case SetOperation::kDifference:
      Difference(sets, forms, &result);
      break;
  }
  return result ? *result : SetValue::OfIntegers(IntSet::New());
}

}  // namespace understudy::targets::kv
