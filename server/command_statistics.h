// How often each command was executed on this node, how long that took, and how it ended; for INFO
// commandstats, errorstats, latencystats and LATENCY HISTOGRAM. What counts is execution: at the
// node that executed the command, whoever's client sent it. Waiting for the commit isn't in it.
// Source: https://redis.io/docs/latest/commands/info/,
// https://redis.io/docs/latest/commands/latency-histogram/
//
// Limits: kMaxErrors kinds of errors. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/command_table.h"

namespace understudy::server {

// Counts of durations, in classes that are at most a quarter wider than their lower end.
class DurationHistogram {
 public:
  void Add(uint64_t nanoseconds) { ++counts_[ClassOf(nanoseconds)]; }
  uint64_t total() const;
  // How many took at most so long, give or take the width of a class.
  uint64_t CountUpTo(uint64_t nanoseconds) const;
  // The longest duration of the shortest `percent` of all, the upper end of its class.
  uint64_t PercentileNanoseconds(double percent) const;

 private:
  static constexpr size_t kClasses = 4 * 44;  // up to 2^44 ns: five hours
  static size_t ClassOf(uint64_t nanoseconds);
  static uint64_t UpperEnd(size_t which);
  std::array<uint32_t, kClasses> counts_{};
};

class CommandStatistics {
 public:
  static constexpr size_t kMaxErrors = 128;

  struct Row {
    uint64_t calls = 0, nanoseconds = 0;
    uint64_t rejected = 0;                         // before execution: arity, state, ...
    uint64_t failed = 0;                           // replied an error
    std::unique_ptr<DurationHistogram> histogram;  // once it was called
  };

  explicit CommandStatistics(size_t commands) : rows_(commands) {}

  void Executed(const protocol::Command& command, uint64_t nanoseconds) {
    Row& row = rows_[command.id];
    ++row.calls;
    row.nanoseconds += nanoseconds;
    if (row.histogram == nullptr) row.histogram = std::make_unique<DurationHistogram>();
    row.histogram->Add(nanoseconds);
  }
  void Failed(const protocol::Command& command, std::string_view error) {
    ++rows_[command.id].failed;
    CountError(error);
  }
  // `command`: nullptr if there is no such command.
  void Rejected(const protocol::Command* command, std::string_view error) {
    if (command != nullptr) ++rows_[command->id].rejected;
    CountError(error);
  }
  void Reset();

  const Row& row(const protocol::Command& command) const { return rows_[command.id]; }
  // By the error's first word; "errorstat_..." in INFO.
  const std::map<std::string, uint64_t, std::less<>>& errors() const { return errors_; }
  uint64_t error_replies() const { return error_replies_; }

 private:
  void CountError(std::string_view error);  // with or without the '-'

  std::vector<Row> rows_;  // by Command::id
  std::map<std::string, uint64_t, std::less<>> errors_;
  uint64_t error_replies_ = 0;
};

}  // namespace understudy::server
