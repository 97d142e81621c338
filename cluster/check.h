// Assertions of the cluster layer, also in release builds: a broken invariant of consensus must
// stop the process before it can spread.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace understudy::cluster {

[[noreturn]] inline void CheckFailed(const char* condition, const char* meaning, const char* file,
                                     int line) {
  std::fprintf(stderr, "%s:%d: invariant broken: %s (%s)\n", file, line, meaning, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace understudy::cluster

#define UNDERSTUDY_CHECK(condition, meaning)                                                       \
  do {                                                                                             \
    if (!(condition)) ::understudy::cluster::CheckFailed(#condition, meaning, __FILE__, __LINE__); \
  } while (false)
