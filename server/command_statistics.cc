#include "server/command_statistics.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace understudy::server {

size_t DurationHistogram::ClassOf(uint64_t nanoseconds) {
  if (nanoseconds < 4) return static_cast<size_t>(nanoseconds);
  auto width = static_cast<size_t>(std::bit_width(nanoseconds));
  size_t quarter = (nanoseconds >> (width - 3)) & 3;
  return std::min(4 * (width - 2) + quarter, kClasses - 1);
}

// Exclusive.
uint64_t DurationHistogram::UpperEnd(size_t which) {
  if (which < 4) return which + 1;
  size_t width = which / 4 + 2, quarter = which % 4;
  return (4 + quarter + 1) << (width - 3);
}

uint64_t DurationHistogram::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), uint64_t{0});
}

uint64_t DurationHistogram::CountUpTo(uint64_t nanoseconds) const {
  size_t classes = ClassOf(nanoseconds) + 1;
  return std::accumulate(counts_.begin(), counts_.begin() + static_cast<std::ptrdiff_t>(classes),
                         uint64_t{0});
}

uint64_t DurationHistogram::PercentileNanoseconds(double percent) const {
  double wanted = static_cast<double>(total()) * percent / 100;
  uint64_t seen = 0;
  for (size_t i = 0; i < kClasses; ++i) {
    seen += counts_[i];
    if (counts_[i] > 0 && static_cast<double>(seen) >= wanted) return UpperEnd(i) - 1;
  }
  return 0;
}

void CommandStatistics::Reset() {
  for (Row& row : rows_) row = Row();
  errors_.clear();
  error_replies_ = 0;
}

void CommandStatistics::CountError(std::string_view error) {
  ++error_replies_;
  if (error.starts_with('-')) error.remove_prefix(1);
  std::string_view word = error.substr(0, error.find_first_of(" \r\n"));
  auto found = errors_.find(word);
  if (found == errors_.end()) {
    if (errors_.size() >= kMaxErrors) return;
    found = errors_.emplace(word, 0).first;
  }
  ++found->second;
}

}  // namespace understudy::server
