// Writing and fsync, as the files of this folder do them: an object, so that a test can make them
// fail. Functions may be called from several threads, for different files.
#pragma once

#include <sys/uio.h>

#include <cstdint>

namespace understudy::server {

class FileOperations {
 public:
  virtual ~FileOperations() = default;
  // Writes all of `pieces` (which it uses up) at `offset`; false with errno set. Goes on after
  // partial writes and signals, never after an error.
  virtual bool Write(int fd, iovec* pieces, int count, uint64_t offset);
  // fdatasync; false with errno set.
  virtual bool Sync(int fd);
};

// Writes one piece.
bool WriteAt(FileOperations* files, int fd, const void* bytes, size_t size, uint64_t offset);

}  // namespace understudy::server
