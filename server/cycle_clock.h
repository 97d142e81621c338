// A counter that costs a few nanoseconds to read, for timing single commands. The processor's time
// stamp counter where there is one that user programs may read, the monotonic clock elsewhere.
// Good for durations on one thread only.
#pragma once

#include <time.h>

#include <cstdint>

namespace understudy::server {

class CycleClock {
 public:
  static uint64_t Now() {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return Nanoseconds();
#endif
  }

  // Takes the beginning of the measurement that says how long a tick is; it takes a millisecond.
  CycleClock();
  // Measures again, over the whole time since; to be called now and then.
  void Calibrate();
  // Nanoseconds for ticks of a difference.
  uint64_t ToNanoseconds(uint64_t ticks) const {
    return static_cast<uint64_t>(static_cast<double>(ticks) * nanoseconds_a_tick_);
  }

 private:
  static uint64_t Nanoseconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
  }
  uint64_t began_ticks_, began_nanoseconds_;
  double nanoseconds_a_tick_ = 1;
};

inline CycleClock::CycleClock() : began_ticks_(Now()), began_nanoseconds_(Nanoseconds()) {
  while (Nanoseconds() - began_nanoseconds_ < 1'000'000) {
  }
  Calibrate();
}

inline void CycleClock::Calibrate() {
  uint64_t ticks = Now() - began_ticks_, nanoseconds = Nanoseconds() - began_nanoseconds_;
  if (ticks > 0)
    nanoseconds_a_tick_ = static_cast<double>(nanoseconds) / static_cast<double>(ticks);
}

}  // namespace understudy::server
