// Which keys go when memory is short: Redis' policies and how well they are followed. Values, read
// at each use.
// Source: https://redis.io/docs/latest/develop/reference/eviction/
#pragma once

#include <cstdint>

namespace understudy::targets {

enum class EvictionPolicy : uint8_t {
  kNoEviction,
  kAllKeysLru,
  kAllKeysLfu,
  kAllKeysRandom,
  kVolatileLru,
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,
};

struct EvictionOptions {
  EvictionPolicy policy = EvictionPolicy::kNoEviction;
  int64_t samples = 5;            // keys looked at for one that goes
  int64_t lfu_log_factor = 10;    // how hard the counter of uses grows
  int64_t lfu_decay_minutes = 1;  // by one in so many minutes; 0: never

  bool lfu() const {
    return policy == EvictionPolicy::kAllKeysLfu || policy == EvictionPolicy::kVolatileLfu;
  }
  bool only_volatile() const { return policy >= EvictionPolicy::kVolatileLru; }
};

}  // namespace understudy::targets
