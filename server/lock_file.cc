#include "server/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "cluster/coding.h"
#include "cluster/record.h"
#include "server/data_directory.h"

namespace understudy::server {

namespace {

constexpr std::string_view kMagic("USLOCK\0\1", 8);
constexpr size_t kHeaderBytes = 24;
constexpr size_t kSlotUnit = 4096;
constexpr uint64_t kMaxSlotBytes = 1ull << 30;

void AppendWord64(std::string* out, uint64_t value) {
  for (int i = 0; i < 8; i++) out->push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t GetWord64(const char* at) {
  return cluster::GetWord32(at) | uint64_t{cluster::GetWord32(at + 4)} << 32;
}

void AppendWord32(std::string* out, uint32_t value) {
  char bytes[4];
  cluster::PutWord32(bytes, value);
  out->append(bytes, sizeof(bytes));
}

// A slot as far as it is used.
std::string EncodeSlot(uint64_t sequence, const std::string& body) {
  std::string checked;
  AppendWord64(&checked, sequence);
  AppendWord32(&checked, static_cast<uint32_t>(body.size()));
  std::string slot(kMagic);
  slot += checked;
  AppendWord32(&slot, cluster::Crc32c(body, cluster::Crc32c(checked)));
  slot += body;
  return slot;
}

bool DecodeBody(std::string_view body, std::map<uint64_t, std::string>* states) {
  uint64_t count = 0;
  if (!cluster::TakeVarint(&body, &count) || count > LockFile::kMaxClusters) return false;
  states->clear();
  for (uint64_t i = 0; i < count; i++) {
    uint64_t number = 0;
    std::string state;
    if (!cluster::TakeVarint(&body, &number) ||
        !cluster::TakeSized(&body, LockFile::kMaxStateBytes, &state)) {
      return false;
    }
    (*states)[number] = std::move(state);
  }
  return body.empty();
}

bool DecodeSlot(std::string_view slot, uint64_t* sequence,
                std::map<uint64_t, std::string>* states) {
  if (slot.size() < kHeaderBytes || !slot.starts_with(kMagic)) return false;
  const char* at = slot.data() + kMagic.size();
  *sequence = GetWord64(at);
  uint32_t size = cluster::GetWord32(at + 8);
  if (size > slot.size() - kHeaderBytes) return false;
  std::string_view body = slot.substr(kHeaderBytes, size);
  uint32_t crc = cluster::Crc32c(body, cluster::Crc32c(std::string_view(at, 12)));
  return crc == cluster::GetWord32(at + 12) && DecodeBody(body, states);
}

}  // namespace

LockFile::LockFile(FileOperations* files) : files_(files == nullptr ? &real_files_ : files) {}

LockFile::~LockFile() {
  if (fd_ >= 0) close(fd_);
}

bool LockFile::Fail(const char* what, std::string* error) {
  *error = std::string("Can't ") + what + " " + path_ + ": " + strerror(errno);
  failed_ = true;
  return false;
}

bool LockFile::Open(const std::string& dir, std::string* error) {
  dir_ = dir;
  path_ = dir + "/promises";
  fd_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
  if (fd_ < 0) {
    if (errno != ENOENT) return Fail("open", error);
    return Replace(kFirstSlotBytes, error);
  }
  // What is read may be in the kernel only, and the next Write() relies on one slot.
  return Load(error) && (files_->Sync(fd_) || Fail("fsync", error));
}

bool LockFile::Read(const std::string& dir, std::map<uint64_t, std::string>* states,
                    std::string* error) {
  LockFile file(nullptr);
  file.path_ = dir + "/promises";
  states->clear();
  if (access(file.path_.c_str(), F_OK) != 0 && errno == ENOENT) return true;
  if (!file.Load(error)) return false;
  *states = std::move(file.states_);
  return true;
}

bool LockFile::Load(std::string* error) {
  auto file = MappedFile::Map(path_, error);
  if (file == nullptr) {
    failed_ = true;
    return false;
  }
  slot_bytes_ = file->bytes().size() / 2;
  uint64_t sequences[2] = {0, 0};
  std::map<uint64_t, std::string> states[2];
  bool good[2];
  for (int slot = 0; slot < 2; slot++) {
    std::string_view bytes = file->bytes().substr(slot * slot_bytes_, slot_bytes_);
    good[slot] = DecodeSlot(bytes, &sequences[slot], &states[slot]);
  }
  if (!good[0] && !good[1]) {
    failed_ = true;
    *error = path_ +
             " is damaged: what this node promised can't be read any more. Remove the data " +
             "directory and join the cluster again";
    return false;
  }
  newest_slot_ = good[0] && (!good[1] || sequences[0] >= sequences[1]) ? 0 : 1;
  slot_was_damaged_ = !good[0] || !good[1];
  sequence_ = sequences[newest_slot_];
  states_ = std::move(states[newest_slot_]);
  return true;
}

// Both slots get the present states; the file takes its name when they are durable.
bool LockFile::Replace(uint64_t slot_bytes, std::string* error) {
  const std::string temporary = path_ + ".tmp";
  int fd = open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return Fail("make", error);
  std::string slot = EncodeSlot(++sequence_, EncodeBody());
  slot.resize(slot_bytes, '\0');
  bool good = WriteAt(files_, fd, slot, 0) && WriteAt(files_, fd, slot, slot_bytes) &&
              fsync(fd) == 0 && rename(temporary.c_str(), path_.c_str()) == 0;
  if (!good) {
    Fail("write", error);
    close(fd);
    return false;
  }
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
  slot_bytes_ = slot_bytes;
  newest_slot_ = 0;
  if (SyncDirectory(dir_, error)) return true;
  failed_ = true;
  return false;
}

std::string LockFile::EncodeBody() const {
  std::string body;
  cluster::AppendVarint(&body, states_.size());
  for (const auto& [number, state] : states_) {
    cluster::AppendVarint(&body, number);
    cluster::AppendSized(&body, state);
  }
  return body;
}

bool LockFile::Set(uint64_t cluster, std::string state) {
  if (state.empty()) {
    states_.erase(cluster);
    return true;
  }
  if (state.size() > kMaxStateBytes) return false;
  if (states_.size() >= kMaxClusters && !states_.contains(cluster)) return false;
  states_[cluster] = std::move(state);
  return true;
}

bool LockFile::Write(std::string* error) {
  if (failed_) {
    *error = path_ + " isn't written any more after a failure";
    return false;
  }
  std::string body = EncodeBody();
  if (kHeaderBytes + body.size() > slot_bytes_) {
    uint64_t wanted = (2 * (kHeaderBytes + body.size()) / kSlotUnit + 1) * kSlotUnit;
    if (wanted <= kMaxSlotBytes) return Replace(wanted, error);
    errno = EFBIG;
    return Fail("write", error);
  }
  std::string slot = EncodeSlot(++sequence_, body);
  int older = 1 - newest_slot_;
  if (!WriteAt(files_, fd_, slot, static_cast<uint64_t>(older) * slot_bytes_)) {
    return Fail("write", error);
  }
  if (!files_->Sync(fd_)) return Fail("fsync", error);
  // Invariant 2. It gets to the disk some time; until then the other slot holds the same.
  WriteAt(files_, fd_, slot, static_cast<uint64_t>(newest_slot_) * slot_bytes_);
  newest_slot_ = older;
  return true;
}

}  // namespace understudy::server
