// A disk that fails when it is told: to be loaded before a node (LD_PRELOAD), whose writes and
// fsyncs then go by the first word in the file named by FAULTY_DISK:
//   ok      as they are (also without the file)
//   slow N  every fsync takes N ms longer
//   stall   no fsync ends while the word is there
//   fail    every fsync fails (EIO)
//   full    every write into a file fails (ENOSPC)
// The file is read at each call, so the word may be changed at any time.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

struct Fault {
  char word[16] = "ok";
  long number = 0;
  bool Is(const char* what) const { return strcmp(word, what) == 0; }
};

Fault Now() {
  Fault fault;
  const char* path = getenv("FAULTY_DISK");
  const int error = errno;
  const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    char text[64] = "";
    const ssize_t got = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (got > 0) {
      size_t length = strcspn(text, " \n");
      if (length >= sizeof(fault.word)) length = sizeof(fault.word) - 1;
      memcpy(fault.word, text, length);
      fault.word[length] = '\0';
      fault.number = atol(text + strcspn(text, " "));
    }
  }
  errno = error;
  return fault;
}

int Sync(const char* name, int fd) {
  Fault fault = Now();
  if (fault.Is("slow")) usleep(static_cast<useconds_t>(fault.number) * 1000);
  while (fault.Is("stall")) {
    usleep(5000);
    fault = Now();
  }
  if (fault.Is("fail")) {
    errno = EIO;
    return -1;
  }
  return reinterpret_cast<int (*)(int)>(dlsym(RTLD_NEXT, name))(fd);
}

bool Full(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || !Now().Is("full")) return false;
  errno = ENOSPC;
  return true;
}

}  // namespace

extern "C" {

int fsync(int fd) { return Sync("fsync", fd); }
int fdatasync(int fd) { return Sync("fdatasync", fd); }

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  using Call = ssize_t (*)(int, const void*, size_t, off_t);
  return Full(fd) ? -1 : reinterpret_cast<Call>(dlsym(RTLD_NEXT, "pwrite"))(fd, bytes, size, at);
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  using Call = ssize_t (*)(int, const void*, size_t, off64_t);
  return Full(fd) ? -1 : reinterpret_cast<Call>(dlsym(RTLD_NEXT, "pwrite64"))(fd, bytes, size, at);
}
ssize_t pwritev(int fd, const iovec* pieces, int count, off_t at) {
  using Call = ssize_t (*)(int, const iovec*, int, off_t);
  return Full(fd) ? -1 : reinterpret_cast<Call>(dlsym(RTLD_NEXT, "pwritev"))(fd, pieces, count, at);
}
ssize_t pwritev64(int fd, const iovec* pieces, int count, off64_t at) {
  using Call = ssize_t (*)(int, const iovec*, int, off64_t);
  return Full(fd) ? -1
                  : reinterpret_cast<Call>(dlsym(RTLD_NEXT, "pwritev64"))(fd, pieces, count, at);
}

}  // extern "C"
