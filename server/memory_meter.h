// How much memory the process uses, cheaply enough to ask before every write: for maxmemory.
//
// The allocator's exact figure costs some microseconds. Between two of them (kExactEvery) the event
// loop's own thread is counted, which does nearly all; what other threads free in that time is
// missed. Without jemalloc what is resident is taken instead, at the same pace.
// One thread.
#pragma once

#include <cstdint>

#include "cluster/types.h"

namespace understudy::server {

class MemoryMeter {
 public:
  static constexpr cluster::Micros kExactEvery = 10'000;

  MemoryMeter();
  // Bytes used, about.
  uint64_t Used(cluster::Micros now);
  // Now, exactly.
  uint64_t UsedExactly(cluster::Micros now);

 private:
  uint64_t OwnThread() const { return allocated_ == nullptr ? 0 : *allocated_ - *freed_; }

  // jemalloc's counters of this thread; nullptr: there are none.
  const uint64_t* allocated_ = nullptr;
  const uint64_t* freed_ = nullptr;
  uint64_t used_ = 0, own_ = 0;  // when last asked
  cluster::Micros asked_at_ = 0;
};

}  // namespace understudy::server
