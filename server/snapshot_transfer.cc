#include "server/snapshot_transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "server/file_operations.h"
#include "server/peer_codec.h"
#include "targets/effect.h"

namespace understudy::server {

void EncodeSnapshotChunk(std::string_view cluster, const SnapshotChunk& chunk, std::string* out) {
  AppendCommand(out, {"PEER.SNAPSHOT", cluster, std::to_string(chunk.sender_term), chunk.from,
                      std::to_string(chunk.meta.index), std::to_string(chunk.meta.term),
                      std::to_string(chunk.meta.time_ms), chunk.meta.configuration,
                      std::to_string(chunk.offset), std::to_string(chunk.total), chunk.bytes});
}

bool DecodeSnapshotChunk(std::span<const std::string_view> args, SnapshotChunk* chunk) {
  if (args.size() != 11) return false;
  uint64_t time;
  if (!ParseUnsigned(args[2], &chunk->sender_term) || !ParseUnsigned(args[4], &chunk->meta.index) ||
      !ParseUnsigned(args[5], &chunk->meta.term) || !ParseUnsigned(args[6], &time) ||
      !ParseUnsigned(args[8], &chunk->offset) || !ParseUnsigned(args[9], &chunk->total)) {
    return false;
  }
  if (std::max({chunk->sender_term, chunk->meta.index, chunk->meta.term}) > kMaxPeerNumber ||
      time > static_cast<uint64_t>(kMaxPeerTimeMs)) {
    return false;
  }
  chunk->from = cluster::NodeId(args[3]);
  chunk->meta.time_ms = static_cast<int64_t>(time);
  chunk->meta.configuration = std::string(args[7]);
  chunk->bytes = args[10];
  return chunk->total <= SnapshotReceiver::kMaxTransferBytes && chunk->offset <= chunk->total &&
         chunk->bytes.size() <= chunk->total - chunk->offset;
}

SnapshotSender::SnapshotSender(SnapshotFile file) : file_(std::move(file)) {
  meta_ = {file_.index, file_.term, file_.time_ms, file_.configuration};
  targets::AppendVarint(&head_, file_.origins.size());
  head_ += file_.origins;
}

bool SnapshotSender::Pump(std::string_view cluster, const cluster::NodeId& from,
                          cluster::Term sender_term, PeerLink* link) {
  if (link == nullptr) return false;
  while (!done() && link->backlog() < kMaxBacklog) {
    std::string* out = link->output();
    if (out == nullptr) return false;
    SnapshotChunk chunk;
    chunk.from = from;
    chunk.sender_term = sender_term;
    chunk.meta = meta_;
    chunk.offset = sent_;
    chunk.total = total();
    chunk.bytes = sent_ < head_.size() ? std::string_view(head_).substr(sent_, kChunkBytes)
                                       : file_.data.substr(sent_ - head_.size(), kChunkBytes);
    EncodeSnapshotChunk(cluster, chunk, out);
    sent_ += chunk.bytes.size();
  }
  return link->connected();
}

// A file without a name.
class SnapshotReceiver::File {
 public:
  ~File() {
    if (mapped_ != nullptr) munmap(mapped_, size_);
    if (fd_ >= 0) close(fd_);
  }
  bool Open(const std::string& dir) {
    std::string path = dir + "/receiving-XXXXXX";
    fd_ = mkostemp(path.data(), O_CLOEXEC);
    if (fd_ < 0) return false;
    unlink(path.c_str());
    return true;
  }
  bool Append(std::string_view bytes) {
    FileOperations files;
    if (!WriteAt(&files, fd_, bytes, size_)) return false;
    size_ += bytes.size();
    // Writing begins early, so that no write has to wait for the disk because much is dirty.
    if (size_ - begun_ >= kBeginBytes) {
      sync_file_range(fd_, static_cast<off_t>(begun_), static_cast<off_t>(size_ - begun_),
                      SYNC_FILE_RANGE_WRITE);
      begun_ = size_;
    }
    return true;
  }
  bool Map() {
    if (size_ == 0) return true;
    void* const mapped = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd_, 0);
    if (mapped == MAP_FAILED) return false;
    mapped_ = mapped;
    return true;
  }
  std::string_view bytes() const { return {static_cast<const char*>(mapped_), size_}; }

 private:
  static constexpr uint64_t kBeginBytes = 4u << 20;
  int fd_ = -1;
  uint64_t size_ = 0, begun_ = 0;
  void* mapped_ = nullptr;
};

bool SnapshotReceiver::Begin(const SnapshotChunk& chunk, const std::string& dir,
                             std::string* error) {
  Reset();
  auto file = std::make_shared<File>();
  if (!file->Open(dir)) {
    *error = "Can't make a file in " + dir + ": " + strerror(errno);
    return false;
  }
  meta_ = chunk.meta;
  from_ = chunk.from;
  total_ = chunk.total;
  file_ = std::move(file);
  return true;
}

SnapshotReceiver::Took SnapshotReceiver::Accept(const SnapshotChunk& chunk, const std::string& dir,
                                                std::string* error) {
  if (chunk.offset == 0) {
    if (!Begin(chunk, dir, error)) return Took::kFailed;
  } else if (total_ == 0 || chunk.from != from_ || chunk.total != total_ ||
             chunk.meta.index != meta_.index || chunk.offset != received_) {
    return Took::kNothing;
  }
  received_ += chunk.bytes.size();
  if (file_->Append(chunk.bytes) && (received_ < total_ || file_->Map())) {
    return received_ < total_ ? Took::kPart : Took::kAll;
  }
  *error = "Can't keep what is received in " + dir + ": " + strerror(errno);
  Reset();
  return Took::kFailed;
}

std::string_view SnapshotReceiver::bytes() const {
  return file_ == nullptr ? std::string_view() : file_->bytes();
}

void SnapshotReceiver::Reset() {
  meta_ = SnapshotMeta();
  from_.clear();
  file_.reset();
  received_ = total_ = 0;
}

}  // namespace understudy::server
