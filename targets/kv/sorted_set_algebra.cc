#include "targets/kv/sorted_set_algebra.h"

#include <algorithm>
#include <cmath>

namespace understudy::targets::kv {
namespace {

// A source with its weight.
struct Weighted {
  const ScoredSource* source;
  double weight;
};

// Infinities of both signs add up to nothing: 0, as in Redis.
double Sum(double a, double b) {
  const double sum = a + b;
  return std::isnan(sum) ? 0 : sum;
}

double Weigh(double score, double weight) {
  const double weighed = score * weight;
  return std::isnan(weighed) ? 0 : weighed;
}

double Combined(Aggregate aggregate, double a, double b) {
  switch (aggregate) {
    case Aggregate::kSum:
      return Sum(a, b);
    case Aggregate::kMin:
      return std::min(a, b);
    case Aggregate::kMax:
      return std::max(a, b);
  }
  return a;
}

// The smallest first: the order in which scores are added up, as in Redis.
std::vector<Weighted> BySize(std::span<const ScoredSource> sources,
                             std::span<const double> weights) {
  std::vector<Weighted> sorted;
  for (size_t i = 0; i < sources.size(); ++i) {
    sorted.push_back({&sources[i], weights.empty() ? 1.0 : weights[i]});
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const Weighted& a, const Weighted& b) {
    return a.source->size() < b.source->size();
  });
  return sorted;
}

// visit(member, score) for what is in all sources, with the combined score; false to stop.
template <typename Visit>
void ForEachInAll(const std::vector<Weighted>& sources, Aggregate aggregate, const Forms& forms,
                  Visit&& visit) {
  const Weighted& smallest = sources[0];
  if (smallest.source->size() == 0) return;
  smallest.source->ForEachWhile([&](std::string_view member, double first_score) {
    double score = Weigh(first_score, smallest.weight);
    for (size_t i = 1; i < sources.size(); ++i) {
      std::optional<double> other = first_score;
      if (!sources[i].source->IsSameAs(*smallest.source)) {
        other = sources[i].source->Score(member, forms);
      }
      if (!other) return true;
      score = Combined(aggregate, score, *other * sources[i].weight);
    }
    return visit(member, score);
  });
}

void Unite(const std::vector<Weighted>& sources, Aggregate aggregate, const Forms& forms,
           SortedSetValue* result) {
  for (const Weighted& each : sources) {
    each.source->ForEachWhile([&](std::string_view member, double score) {
      score = Weigh(score, each.weight);
      const std::optional<double> before = result->Score(member, forms);
      if (before) score = Combined(aggregate, *before, score);
      result->Add(member, score, forms);
      return true;
    });
  }
}

void Subtract(std::span<const ScoredSource> sources, const Forms& forms, SortedSetValue* result) {
  for (const ScoredSource& other : sources.subspan(1)) {
    if (other.IsSameAs(sources[0])) return;
  }
  sources[0].ForEachWhile([&](std::string_view member, double score) {
    for (const ScoredSource& other : sources.subspan(1)) {
      if (other.Score(member, forms)) return true;
    }
    result->Add(member, score, forms);
    return true;
  });
}

}  // namespace

size_t ScoredSource::size() const {
  if (const auto* set = std::get_if<SetValue>(&set_)) return set->size();
  const auto* scored = std::get_if<SortedSetValue>(&set_);
  return scored == nullptr ? 0 : scored->size();
}

std::optional<double> ScoredSource::Score(std::string_view member, const Forms& forms) const {
  if (const auto* set = std::get_if<SetValue>(&set_)) {
    return set->Contains(member, forms) ? std::optional(1.0) : std::nullopt;
  }
  const auto* scored = std::get_if<SortedSetValue>(&set_);
  return scored == nullptr ? std::nullopt : scored->Score(member, forms);
}

bool ScoredSource::IsSameAs(const ScoredSource& other) const {
  const auto address = [](const ScoredSource& source) -> const void* {
    if (const auto* set = std::get_if<SetValue>(&source.set_)) return set->object().address;
    const auto* scored = std::get_if<SortedSetValue>(&source.set_);
    return scored == nullptr ? nullptr : scored->object().address;
  };
  return address(*this) != nullptr && address(*this) == address(other);
}

SortedSetValue Combine(SetOperation operation, Aggregate aggregate,
                       std::span<const ScoredSource> sources, std::span<const double> weights,
                       const Forms& forms) {
  SortedSetValue result = SortedSetValue::New();
  switch (operation) {
    case SetOperation::kUnion:
      Unite(BySize(sources, weights), aggregate, forms, &result);
      break;
    case SetOperation::kIntersection:
      ForEachInAll(BySize(sources, weights), aggregate, forms,
                   [&](std::string_view member, double score) {
                     result.Add(member, score, forms);
                     return true;
                   });
      break;
    case SetOperation::kDifference:
      Subtract(sources, forms, &result);
      break;
  }
  return result;
}

size_t CountIntersection(std::span<const ScoredSource> sources, size_t limit, const Forms& forms) {
  size_t count = 0;
  ForEachInAll(BySize(sources, {}), Aggregate::kSum, forms,
               [&](std::string_view, double) { return ++count < limit; });
  return count;
}

}  // namespace understudy::targets::kv
