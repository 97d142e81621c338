#include "server/file_operations.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace understudy::server {

bool FileOperations::Write(int fd, iovec* pieces, int count, uint64_t offset) {
  while (count > 0) {
    ssize_t written = pwritev(fd, pieces, std::min(count, IOV_MAX), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    offset += static_cast<uint64_t>(written);
    auto left = static_cast<size_t>(written);
    while (count > 0 && left >= pieces->iov_len) {
      left -= pieces->iov_len;
      pieces++;
      count--;
    }
    if (count == 0) break;
    if (written == 0) {  // no progress and no error: only a full device does that
      errno = ENOSPC;
      return false;
    }
    pieces->iov_base = static_cast<char*>(pieces->iov_base) + left;
    pieces->iov_len -= left;
  }
  return true;
}

bool FileOperations::Sync(int fd) { return fdatasync(fd) == 0; }

bool WriteAt(FileOperations* files, int fd, std::string_view bytes, uint64_t offset) {
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  return files->Write(fd, &piece, 1, offset);
}

std::shared_ptr<const MappedFile> MappedFile::Map(const std::string& path, std::string* error) {
  auto fail = [&](const char* what) {
    *error = std::string("Can't ") + what + " " + path + ": " + strerror(errno);
    return nullptr;
  };
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail("open");
  struct stat info;
  void* address = MAP_FAILED;
  size_t size = 0;
  if (fstat(fd, &info) == 0) {
    size = static_cast<size_t>(info.st_size);
    address = size == 0 ? nullptr : mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  }
  int reason = errno;
  close(fd);
  errno = reason;
  if (address == MAP_FAILED) return fail("read");
  return std::shared_ptr<const MappedFile>(
      new MappedFile(std::string_view(static_cast<const char*>(address), size)));
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace understudy::server
