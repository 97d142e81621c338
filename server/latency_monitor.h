// LATENCY: moments at which the event loop was held up for longer than latency-monitor-threshold,
// by the kind of what did it.
//   command       a command          fast-command  one that should take constant time
//   expire-cycle  deleting expired keys, and the other upkeep of the data
// Source:
// https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency-monitor/
//
// Limit: kSamples a kind, one a second (the worst). One thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace understudy::server {

class LatencyMonitor {
 public:
  static constexpr size_t kSamples = 160;

  struct Sample {
    int64_t at_s = 0;
    uint64_t milliseconds = 0;
  };
  struct Event {
    std::vector<Sample> samples;  // oldest first
    uint64_t worst_ms = 0;        // since the last reset
  };

  // 0: nothing is noted.
  void set_threshold_ms(int64_t threshold) { threshold_ms_ = static_cast<uint64_t>(threshold); }
  uint64_t threshold_ms() const { return threshold_ms_; }
  bool Wants(uint64_t nanoseconds) const {
    return threshold_ms_ > 0 && nanoseconds >= threshold_ms_ * 1'000'000;
  }
  void Add(std::string_view event, uint64_t nanoseconds, int64_t now_s);
  const std::map<std::string, Event, std::less<>>& events() const { return events_; }
  // Whether there was such an event.
  bool Reset(std::string_view event);
  size_t ResetAll();

 private:
  uint64_t threshold_ms_ = 0;
  std::map<std::string, Event, std::less<>> events_;
};

}  // namespace understudy::server
