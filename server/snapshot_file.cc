#include "server/snapshot_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "cluster/coding.h"
#include "cluster/record.h"
#include "protocol/numbers.h"
#include "server/data_directory.h"
#include "server/file_operations.h"

namespace understudy::server {

namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kMaxInfoBytes = 256u << 20;
constexpr size_t kMaxPieceBytes = 128u << 20;
constexpr size_t kWriteBytes = 1u << 20;
constexpr std::string_view kPrefix = "snapshot-";

std::string InfoPath(const std::string& dir, uint64_t cluster) {
  return dir + "/" + std::string(kPrefix) + std::to_string(cluster);
}

// What the small file says.
struct Info {
  SnapshotFile snapshot;  // without data
  uint64_t data_size = 0, data_crc = 0;
  std::string data_name;
};

std::string EncodeInfo(const Info& info) {
  std::string body(1, static_cast<char>(kVersion));
  const SnapshotFile& snapshot = info.snapshot;
  for (uint64_t number : {snapshot.cluster, snapshot.index, snapshot.term,
                          static_cast<uint64_t>(snapshot.time_ms), info.data_size, info.data_crc}) {
    cluster::AppendVarint(&body, number);
  }
  cluster::AppendSized(&body, info.data_name);
  cluster::AppendSized(&body, snapshot.configuration);
  cluster::AppendSized(&body, snapshot.origins);
  char head[8];
  cluster::PutWord32(head, static_cast<uint32_t>(body.size()));
  cluster::PutWord32(head + 4, cluster::Crc32c(body));
  return std::string(head, sizeof(head)) + body;
}

bool DecodeInfo(std::string_view bytes, Info* info) {
  if (bytes.size() < 8) return false;
  std::string_view body = bytes.substr(8);
  if (cluster::GetWord32(bytes.data()) != body.size() ||
      cluster::GetWord32(bytes.data() + 4) != cluster::Crc32c(body)) {
    return false;
  }
  uint8_t version = 0;
  uint64_t time_ms = 0;
  SnapshotFile& snapshot = info->snapshot;
  bool good = cluster::TakeByte(&body, kVersion, &version) && version == kVersion;
  for (uint64_t* number : {&snapshot.cluster, &snapshot.index, &snapshot.term, &time_ms,
                           &info->data_size, &info->data_crc}) {
    good = good && cluster::TakeVarint(&body, number);
  }
  good = good && cluster::TakeSized(&body, 255, &info->data_name) &&
         cluster::TakeSized(&body, kMaxPieceBytes, &snapshot.configuration) &&
         cluster::TakeSized(&body, kMaxPieceBytes, &snapshot.origins) && body.empty();
  snapshot.time_ms = static_cast<int64_t>(time_ms);
  return good && snapshot.index > 0 && info->data_name.starts_with(kPrefix) &&
         info->data_name.find('/') == std::string::npos;
}

SnapshotStatus LoadInfo(const std::string& path, Info* info, std::string* error) {
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT) return SnapshotStatus::kNone;
  std::string bytes;
  if (!ReadWholeFile(path, kMaxInfoBytes, &bytes, error)) return SnapshotStatus::kDamaged;
  if (DecodeInfo(bytes, info)) return SnapshotStatus::kLoaded;
  *error = path + " is damaged";
  return SnapshotStatus::kDamaged;
}

std::vector<std::string> NamesIn(const std::string& dir) {
  std::vector<std::string> names;
  DIR* stream = opendir(dir.c_str());
  if (stream == nullptr) return names;
  while (const dirent* entry = readdir(stream)) {
    if (std::string_view(entry->d_name).starts_with(kPrefix)) names.emplace_back(entry->d_name);
  }
  closedir(stream);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

SnapshotFileWriter::~SnapshotFileWriter() { Abort(); }

bool SnapshotFileWriter::Failed(std::string* error) {
  *error = "Can't write " + path_ + ": " + strerror(errno);
  Abort();
  return false;
}

bool SnapshotFileWriter::Begin(const SnapshotFile& about, std::string* error) {
  Abort();
  about_ = about;
  about_.data = {};
  about_.owner.reset();
  const std::string stem = std::string(kPrefix) + std::to_string(about.cluster) + "-" +
                           std::to_string(about.index) + "-";
  for (int n = 0;; n++) {
    name_ = stem + std::to_string(n) + ".rdb";
    path_ = dir_ + "/" + name_;
    if (access(path_.c_str(), F_OK) != 0) break;
  }
  size_ = synced_ = 0;
  crc_ = 0;
  fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  return fd_ >= 0 || Failed(error);
}

bool SnapshotFileWriter::Append(std::string_view bytes, std::string* error) {
  FileOperations files;
  for (; fd_ >= 0 && !bytes.empty(); bytes.remove_prefix(std::min(kWriteBytes, bytes.size()))) {
    const std::string_view piece = bytes.substr(0, kWriteBytes);
    crc_ = cluster::Crc32c(piece, crc_);
    if (!WriteAt(&files, fd_, piece, size_)) return Failed(error);
    size_ += piece.size();
    if (size_ - synced_ < kWriteBytes) continue;
    if (fdatasync(fd_) != 0) return Failed(error);
    synced_ = size_;
  }
  return fd_ >= 0;
}

bool SnapshotFileWriter::Finish(std::string* error) {
  if (fd_ < 0) return false;
  if (fsync(fd_) != 0) return Failed(error);
  close(std::exchange(fd_, -1));
  Info old, info;
  std::string ignored;
  const std::string info_path = InfoPath(dir_, about_.cluster);
  LoadInfo(info_path, &old, &ignored);
  info.snapshot = about_;
  info.data_size = size_;
  info.data_crc = crc_;
  info.data_name = name_;
  // The data's name must be durable before anything names it.
  if (!SyncDirectory(dir_, error) || !ReplaceFile(info_path, EncodeInfo(info), error)) {
    // If the small file was replaced and only the directory's fsync failed, the data is needed.
    Info now;
    if (LoadInfo(info_path, &now, &ignored) != SnapshotStatus::kLoaded || now.data_name != name_) {
      unlink(path_.c_str());
    }
    path_.clear();
    return false;
  }
  if (!old.data_name.empty()) unlink((dir_ + "/" + old.data_name).c_str());
  path_.clear();
  return true;
}

void SnapshotFileWriter::Abort() {
  if (fd_ >= 0) {
    close(std::exchange(fd_, -1));
    unlink(path_.c_str());
  }
  path_.clear();
}

bool SaveSnapshotFile(const std::string& dir, const SnapshotFile& snapshot, std::string* error) {
  SnapshotFileWriter writer(dir);
  return writer.Begin(snapshot, error) && writer.Append(snapshot.data, error) &&
         writer.Finish(error);
}

bool OpenSnapshotFile(const std::string& dir, uint64_t cluster, SnapshotFile* snapshot,
                      std::string* error) {
  *snapshot = SnapshotFile();
  Info info;
  const SnapshotStatus status = LoadInfo(InfoPath(dir, cluster), &info, error);
  if (status == SnapshotStatus::kNone) *error = "there is no snapshot";
  if (status != SnapshotStatus::kLoaded) return false;
  auto file = MappedFile::Map(dir + "/" + info.data_name, error);
  if (file == nullptr) return false;
  *snapshot = std::move(info.snapshot);
  snapshot->data = file->bytes();
  snapshot->owner = std::move(file);
  return true;
}

SnapshotStatus LoadSnapshotFile(const std::string& dir, uint64_t cluster, SnapshotFile* snapshot,
                                std::string* error) {
  *snapshot = SnapshotFile();
  Info info;
  SnapshotStatus status = LoadInfo(InfoPath(dir, cluster), &info, error);
  if (status != SnapshotStatus::kLoaded) return status;
  const std::string path = dir + "/" + info.data_name;
  auto file = MappedFile::Map(path, error);
  if (file == nullptr) return SnapshotStatus::kDamaged;
  if (file->bytes().size() != info.data_size || info.snapshot.cluster != cluster ||
      cluster::Crc32c(file->bytes()) != info.data_crc) {
    *error = path + " is damaged: size or checksum aren't what " + InfoPath(dir, cluster) + " says";
    return SnapshotStatus::kDamaged;
  }
  *snapshot = std::move(info.snapshot);
  snapshot->data = file->bytes();
  snapshot->owner = std::move(file);
  return SnapshotStatus::kLoaded;
}

std::vector<uint64_t> ListSnapshots(const std::string& dir) {
  std::vector<uint64_t> clusters;
  for (const std::string& name : NamesIn(dir)) {
    auto number = protocol::ParseInteger(std::string_view(name).substr(kPrefix.size()));
    if (number && *number >= 0) clusters.push_back(static_cast<uint64_t>(*number));
  }
  return clusters;
}

void RemoveSnapshotFile(const std::string& dir, uint64_t cluster) {
  Info info;
  std::string error;
  const std::string path = InfoPath(dir, cluster);
  if (LoadInfo(path, &info, &error) != SnapshotStatus::kLoaded) return;
  unlink(path.c_str());
  unlink((dir + "/" + info.data_name).c_str());
}

void RemoveSnapshotLeftovers(const std::string& dir) {
  std::set<std::string> named;
  for (uint64_t number : ListSnapshots(dir)) {
    Info info;
    std::string error;
    // A damaged one may name anything: nothing is removed that it could mean.
    if (LoadInfo(InfoPath(dir, number), &info, &error) != SnapshotStatus::kLoaded) return;
    named.insert(info.data_name);
  }
  for (const std::string& name : NamesIn(dir)) {
    bool leftover = (name.ends_with(".rdb") && !named.contains(name)) || name.ends_with(".tmp");
    if (leftover) unlink((dir + "/" + name).c_str());
  }
}

}  // namespace understudy::server
