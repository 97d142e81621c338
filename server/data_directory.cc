#include "server/data_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace understudy::server {

namespace {

constexpr size_t kNodeIdDigits = 40;
constexpr std::string_view kKeepingWords[] = {"synced", "unsynced", "memory-only"};  // by Keeping

bool Fail(std::string_view what, const std::string& path, std::string* error) {
  *error = "Can't " + std::string(what) + " " + path + ": " + strerror(errno);
  return false;
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

std::string Directory(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool IsNodeId(std::string_view text) {
  auto digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == kNodeIdDigits && std::all_of(text.begin(), text.end(), digit);
}

bool MakeNodeId(std::string* id, std::string* error) {
  static constexpr char kHexDigits[] = "0123456789abcdef";
  unsigned char bytes[kNodeIdDigits / 2];
  if (getrandom(bytes, sizeof(bytes), 0) != static_cast<ssize_t>(sizeof(bytes))) {
    *error = std::string("Can't make a node id: ") + strerror(errno);
    return false;
  }
  for (unsigned char byte : bytes) {
    *id += kHexDigits[byte >> 4];
    *id += kHexDigits[byte & 15];
  }
  return true;
}

// Names one boot of the host; empty if the kernel doesn't tell, which counts as another boot.
std::string BootId() {
  std::string id, ignored;
  if (!ReadWholeFile("/proc/sys/kernel/random/boot_id", 256, &id, &ignored)) return "";
  return id;
}

}  // namespace

DataDirectory::~DataDirectory() {
  if (lock_fd_ >= 0) close(lock_fd_);
}

bool DataDirectory::Open(const std::string& path, std::string* error) {
  path_ = path;
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (code) {
    *error = "Can't make the data directory " + path + ": " + code.message();
    return false;
  }
  if (Lock(error) && LoadNodeId(error) && ReadLastStop(error)) return true;
  if (lock_fd_ >= 0) close(lock_fd_);
  lock_fd_ = -1;
  return false;
}

bool DataDirectory::Lock(std::string* error) {
  const std::string file = File("lock");
  lock_fd_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_fd_ < 0) return Fail("open", file, error);
  if (flock(lock_fd_, LOCK_EX | LOCK_NB) == 0) {
    NotePid();
    return true;
  }
  if (errno != EWOULDBLOCK) return Fail("lock", file, error);
  char pid[32] = "";
  ssize_t got = pread(lock_fd_, pid, sizeof(pid) - 1, 0);
  std::string owner(pid, got > 0 ? static_cast<size_t>(got) : 0);
  while (!owner.empty() && owner.back() == '\n') owner.pop_back();
  *error = "The data directory " + path_ + " is in use by another process" +
           (owner.empty() ? "" : " (" + owner + ")");
  return false;
}

void DataDirectory::NotePid() {
  std::string pid = std::to_string(getpid()) + "\n";
  // Of use to people only, so a failure is none.
  if (ftruncate(lock_fd_, 0) != 0) return;
  static_cast<void>(!pwrite(lock_fd_, pid.data(), pid.size(), 0));
}

bool DataDirectory::LoadNodeId(std::string* error) {
  const std::string file = File("node-id");
  if (access(file.c_str(), F_OK) == 0) {
    std::string text;
    if (!ReadWholeFile(file, 256, &text, error)) return false;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    if (!IsNodeId(text)) {
      *error = file + " is damaged: it must hold " + std::to_string(kNodeIdDigits) +
               " lower-case hex digits";
      return false;
    }
    node_id_ = std::move(text);
    return true;
  }
  if (errno != ENOENT) return Fail("read", file, error);
  // A log without an id was somebody else's.
  if (access(File("promises").c_str(), F_OK) == 0) {
    *error = "The data directory " + path_ + " has data but no node-id";
    return false;
  }
  is_new_ = true;
  return MakeNodeId(&node_id_, error) && ReplaceFile(file, node_id_ + "\n", error) &&
         SyncDirectory(Directory(path_), error);
}

bool DataDirectory::ReadLastStop(std::string* error) {
  if (is_new_) return true;
  const std::string file = File("running");
  if (access(file.c_str(), F_OK) != 0) {
    if (errno != ENOENT) return Fail("read", file, error);
    last_stop_ = LastStop::kClean;
    return true;
  }
  std::string note;
  if (!ReadWholeFile(file, 256, &note, error)) return false;
  // What can't be read counts as the worst.
  last_keeping_ = Keeping::kMemoryOnly;
  size_t space = std::min(note.find(' '), note.size());
  for (size_t i = 0; i < std::size(kKeepingWords); i++) {
    if (note.substr(0, space) == kKeepingWords[i]) last_keeping_ = static_cast<Keeping>(i);
  }
  const std::string boot = BootId();
  bool same = !boot.empty() && note.substr(std::min(space + 1, note.size())) == boot;
  last_stop_ = same ? LastStop::kProcessDied : LastStop::kHostMayHaveDied;
  return true;
}

bool DataDirectory::NoteRunning(Keeping keeping, std::string* error) {
  std::string note(kKeepingWords[static_cast<size_t>(keeping)]);
  return ReplaceFile(File("running"), note + " " + BootId(), error);
}

bool DataDirectory::NoteCleanStop(std::string* error) {
  const std::string file = File("running");
  if (unlink(file.c_str()) != 0 && errno != ENOENT) return Fail("remove", file, error);
  return SyncDirectory(path_, error);
}

bool SyncDirectory(const std::string& path, std::string* error) {
  int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Fail("open", path, error);
  bool good = fsync(fd) == 0 || Fail("fsync", path, error);
  close(fd);
  return good;
}

bool ReplaceFile(const std::string& path, std::string_view text, std::string* error) {
  const std::string temporary = path + ".tmp";
  struct stat old;
  mode_t mode = stat(path.c_str(), &old) == 0 ? old.st_mode & 0777 : 0644;
  int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return Fail("open", temporary, error);
  bool good = WriteAll(fd, text) || Fail("write", temporary, error);
  good = good && (fsync(fd) == 0 || Fail("fsync", temporary, error));
  close(fd);
  good = good && (rename(temporary.c_str(), path.c_str()) == 0 || Fail("replace", path, error));
  if (!good) {
    unlink(temporary.c_str());
    return false;
  }
  return SyncDirectory(Directory(path), error);
}

bool ReadWholeFile(const std::string& path, size_t limit, std::string* text, std::string* error) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Fail("open", path, error);
  text->clear();
  char buffer[16 << 10];
  ssize_t got = 0;
  while ((got = read(fd, buffer, sizeof(buffer))) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || text->size() + static_cast<size_t>(got) > limit) break;
    text->append(buffer, static_cast<size_t>(got));
  }
  if (got > 0) errno = EFBIG;
  if (got != 0) Fail("read", path, error);
  close(fd);
  return got == 0;
}

}  // namespace understudy::server
