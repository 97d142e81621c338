// What an entry's 24 bits of access mean, for OBJECT IDLETIME and FREQ and for eviction.
//
//   time of the last use, in seconds   (policies but LFU), or
//   minutes:16 counter:8               of the last decrement, and how often it is used
//
// The counter grows by chance, the less the higher it is, and shrinks with time: 255 is about a
// million uses with the default factor. Source:
// https://redis.io/docs/latest/develop/reference/eviction/#the-new-lfu-mode
#pragma once

#include <algorithm>
#include <cstdint>

#include "targets/eviction.h"

namespace understudy::targets::kv {

inline constexpr uint32_t kNewCounter = 5;  // so that a new key doesn't go at once

inline uint32_t AccessSeconds(int64_t now_ms) {
  return static_cast<uint32_t>(now_ms / 1000) & 0xffffff;
}
inline uint32_t AccessMinutes(int64_t now_ms) {
  return static_cast<uint32_t>(now_ms / 60000) & 0xffff;
}

// The counter of uses as it has become by now.
inline uint32_t LfuCounter(uint32_t access, int64_t now_ms, const EvictionOptions& options) {
  const uint32_t counter = access & 0xff;
  if (options.lfu_decay_minutes == 0) return counter;
  const uint32_t passed = (AccessMinutes(now_ms) - (access >> 8)) & 0xffff;
  return counter - std::min(counter, passed / static_cast<uint32_t>(options.lfu_decay_minutes));
}

// The bits after one use more. `random`: 64 random bits.
inline uint32_t LfuUsed(uint32_t access, int64_t now_ms, uint64_t random,
                        const EvictionOptions& options) {
  uint32_t counter = LfuCounter(access, now_ms, options);
  const uint32_t above = counter > kNewCounter ? counter - kNewCounter : 0;
  const double chance =
      1.0 / (static_cast<double>(above) * static_cast<double>(options.lfu_log_factor) + 1);
  if (counter < 255 && static_cast<double>(random >> 11) * 0x1p-53 < chance) ++counter;
  return AccessMinutes(now_ms) << 8 | counter;
}

}  // namespace understudy::targets::kv
