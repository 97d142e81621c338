// The id of an entry of a stream: milliseconds and a number within them, which order the entries.
// Source: https://redis.io/docs/latest/develop/data-types/streams/#entry-ids
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace understudy::targets::kv {

struct StreamId {
  uint64_t ms = 0, sequence = 0;

  auto operator<=>(const StreamId&) const = default;
  bool IsZero() const { return ms == 0 && sequence == 0; }
  static constexpr StreamId Greatest() {
    constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
    return {kMost, kMost};
  }

  // The next (previous) id there can be. False, and nothing is changed, at the last (first) one.
  bool Increment();
  bool Decrement();

  // "1526919030474-55". Room for it, and its size.
  static constexpr size_t kMaxText = 41;
  size_t Format(char* to) const;
  std::string Text() const;

  // Reads "ms-sequence" or "ms", which then has the sequence `missing`; numbers as Redis reads
  // them, which is more than digits (" 1", "+1", "01"). With `sequence_given` also "ms-*", which
  // sets it to false. False if it is none of these.
  static bool Parse(std::string_view text, uint64_t missing, StreamId* id,
                    bool* sequence_given = nullptr);
  // The same, and "-" and "+", the first and the last id.
  static bool ParseBound(std::string_view text, uint64_t missing, StreamId* id);
};

}  // namespace understudy::targets::kv
