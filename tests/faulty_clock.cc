// A wall clock that jumps when it is told: to be loaded before a node (LD_PRELOAD), whose wall
// clock is then off by the number of seconds in the file named by FAULTY_CLOCK. The file is read at
// each call. The other clocks are as they are. (libfaketime does the same, but not beside
// jemalloc.)
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

namespace {

time_t Offset() {
  const char* path = getenv("FAULTY_CLOCK");
  const int error = errno;
  const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  char text[32] = "0";
  if (fd >= 0) {
    const ssize_t got = read(fd, text, sizeof(text) - 1);
    if (got >= 0) text[got] = '\0';
    close(fd);
  }
  errno = error;
  return atol(text);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const long result = syscall(SYS_clock_gettime, clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    now->tv_sec += Offset();
  }
  return static_cast<int>(result);
}

int gettimeofday(timeval* now, void*) noexcept {
  timespec precise;
  if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return -1;
  *now = {precise.tv_sec, precise.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* now) noexcept {
  timespec precise{};
  clock_gettime(CLOCK_REALTIME, &precise);
  if (now != nullptr) *now = precise.tv_sec;
  return precise.tv_sec;
}

}  // extern "C"
