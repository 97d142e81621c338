// How fast counters grow: the average over the last samples, for INFO's instantaneous_* fields.
// One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "cluster/types.h"

namespace understudy::server {

class RateMeter {
 public:
  static constexpr size_t kSamples = 16;

  // To be called some times a second with the counter's present value. A value below the one before
  // means that the counter was reset: that sample counts from zero.
  void Sample(cluster::Micros now, uint64_t total) {
    if (last_at_ != 0 && now > last_at_) {
      uint64_t grown = total >= last_total_ ? total - last_total_ : total;
      samples_[next_] = {grown, now - last_at_};
      next_ = (next_ + 1) % kSamples;
    }
    last_at_ = now;
    last_total_ = total;
  }

  double PerSecond() const {
    uint64_t grown = 0;
    cluster::Micros time = 0;
    for (const auto& sample : samples_) {
      grown += sample.grown;
      time += sample.time;
    }
    return time > 0 ? static_cast<double>(grown) * 1e6 / static_cast<double>(time) : 0;
  }

 private:
  struct OneSample {
    uint64_t grown = 0;
    cluster::Micros time = 0;
  };
  std::array<OneSample, kSamples> samples_;
  size_t next_ = 0;
  cluster::Micros last_at_ = 0;
  uint64_t last_total_ = 0;
};

// What INFO shows of the past; kept by SampleStatistics() (server/info.h).
struct InfoSamples {
  RateMeter commands, bytes_read, bytes_written;
  uint64_t memory_peak_bytes = 0;
};

}  // namespace understudy::server
