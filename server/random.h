// Randomness of one node: xoshiro256** (Blackman & Vigna, "Scrambled linear pseudorandom number
// generators", 2018), seeded by the kernel. Not for secrets. One thread.
#pragma once

#include <sys/random.h>

#include <bit>
#include <cstdint>

namespace understudy::server {

class Random {
 public:
  Random() {
    do {
      (void)!getrandom(state_, sizeof(state_), 0);
    } while ((state_[0] | state_[1] | state_[2] | state_[3]) == 0);
  }

  uint64_t Next() {
    uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

 private:
  uint64_t state_[4] = {};
};

}  // namespace understudy::server
