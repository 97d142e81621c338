// Writing and fsync, as the files of this folder do them: an object, so that a test can make them
// fail. Functions may be called from several threads, for different files.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

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
bool WriteAt(FileOperations* files, int fd, std::string_view bytes, uint64_t offset);

// A whole file, mapped for reading. It must not be made shorter meanwhile.
class MappedFile {
 public:
  // nullptr, with `error` one line, if it can't be opened or mapped.
  static std::shared_ptr<const MappedFile> Map(const std::string& path, std::string* error);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::string_view bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};

}  // namespace understudy::server
