#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "cluster/coding.h"
#include "server/log_file.h"

namespace understudy::server {

namespace {

constexpr uint64_t kZerosAheadBytes = 1u << 20;    // written at once
constexpr uint64_t kZerosLeastBytes = 64u << 10;   // when fewer are left
constexpr uint64_t kLargeGroupBytes = 256u << 10;  // it needs no zeros: the fsync is costly anyway
constexpr size_t kZeroPieceBytes = 64u << 10;

const char* ZeroPiece() {
  static const char kZeros[kZeroPieceBytes] = {};
  return kZeros;
}

}  // namespace

LogAppender::LogAppender(std::string dir, Options options, FileOperations* files)
    : dir_(std::move(dir)), options_(options), files_(files == nullptr ? &real_files_ : files) {}

LogAppender::~LogAppender() {
  for (int fd : old_fds_) close(fd);
  if (fd_ >= 0) close(fd_);
  if (directory_fd_ >= 0) close(directory_fd_);
}

bool LogAppender::Open(std::vector<Segment> segments, uint64_t next_number, std::string* error) {
  segments_ = std::move(segments);
  // What was read may be in the kernel only, and counts as durable from now on.
  for (const Segment& segment : segments_) {
    int fd = open(segment.path.c_str(), O_RDWR | O_CLOEXEC);
    bool good = fd >= 0 && files_->Sync(fd);
    if (!good) *error = "Can't fsync " + segment.path + ": " + strerror(errno);
    if (fd >= 0) close(fd);
    if (!good) return false;
  }
  directory_fd_ = open(dir_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory_fd_ >= 0 && BeginSegment(next_number) && Sync(TakeSyncWork())) return true;
  *error = "Can't begin a log file in " + dir_ + ": " + strerror(errno);
  return false;
}

bool LogAppender::BeginSegment(uint64_t number) {
  Segment segment;
  segment.number = number;
  segment.path = SegmentPath(dir_, number);
  int fd = open(segment.path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  if (!WriteAt(files_, fd, SegmentHeader(number), 0)) {
    int reason = errno;
    close(fd);
    errno = reason;
    return false;
  }
  if (fd_ >= 0) old_fds_.push_back(fd_);
  fd_ = fd;
  offset_ = zeros_until_ = kSegmentHeaderBytes;
  unsynced_ = directory_changed_ = true;
  segments_.push_back(std::move(segment));
  return true;
}

// So that the file has zeros from `end` on.
bool LogAppender::WriteZerosAhead(uint64_t end) {
  uint64_t from = std::max(zeros_until_, end);
  uint64_t until = std::min(end + kZerosAheadBytes, std::max(options_.segment_bytes, end));
  if (until <= from) return true;
  std::vector<iovec> pieces;
  for (uint64_t at = from; at < until; at += kZeroPieceBytes) {
    pieces.push_back({const_cast<char*>(ZeroPiece()), std::min(kZeroPieceBytes, until - at)});
  }
  if (!files_->Write(fd_, pieces.data(), static_cast<int>(pieces.size()), from)) return false;
  zeros_until_ = until;
  return true;
}

bool LogAppender::Write(std::span<const std::string_view> records,
                        std::span<const std::pair<uint64_t, cluster::Index>> last) {
  uint64_t size = kMarkBytes;
  for (std::string_view piece : records) size += piece.size();
  bool fits = offset_ + size <= options_.segment_bytes || offset_ == kSegmentHeaderBytes;
  if (!fits && !BeginSegment(segments_.back().number + 1)) return false;

  const uint64_t end = offset_ + size;
  if (options_.zeros_ahead && size < kLargeGroupBytes && end + kZerosLeastBytes > zeros_until_ &&
      zeros_until_ < options_.segment_bytes && !WriteZerosAhead(end)) {
    return false;
  }
  char mark[kMarkBytes];
  cluster::PutWord32(mark, 0);
  cluster::PutWord32(mark + 4, MarkChecksum(segments_.back().number, end - kMarkBytes));
  pieces_.clear();
  for (std::string_view piece : records) {
    pieces_.push_back({const_cast<char*>(piece.data()), piece.size()});
  }
  pieces_.push_back({mark, sizeof(mark)});
  if (!files_->Write(fd_, pieces_.data(), static_cast<int>(pieces_.size()), offset_)) return false;

  offset_ = end;
  zeros_until_ = std::max(zeros_until_, end);
  unsynced_ = true;
  for (const auto& [number, index] : last) {
    cluster::Index& newest = segments_.back().last[number];
    newest = std::max(newest, index);
  }
  return true;
}

LogAppender::SyncWork LogAppender::TakeSyncWork() {
  SyncWork work;
  work.close_fds = std::move(old_fds_);
  work.fds = work.close_fds;
  work.fds.push_back(fd_);
  work.directory = directory_changed_;
  old_fds_.clear();
  directory_changed_ = unsynced_ = false;
  return work;
}

bool LogAppender::Sync(const SyncWork& work) {
  bool good = true;
  for (int fd : work.fds) good = good && files_->Sync(fd);
  if (work.directory) good = good && fsync(directory_fd_) == 0;
  int reason = errno;
  for (int fd : work.close_fds) close(fd);
  errno = reason;
  return good;
}

size_t LogAppender::DropCovered(const std::map<uint64_t, cluster::Index>& covered) {
  size_t dropped = 0;
  auto is_covered = [&](const Segment& segment) {
    for (const auto& [number, index] : segment.last) {
      auto found = covered.find(number);
      if (found == covered.end() || found->second < index) return false;
    }
    return true;
  };
  while (dropped + 1 < segments_.size() && is_covered(segments_[dropped]) &&
         unlink(segments_[dropped].path.c_str()) == 0) {
    dropped++;
  }
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(dropped));
  return dropped;
}

}  // namespace understudy::server
