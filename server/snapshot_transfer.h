// The state on its way to a local whose next log entry is no longer in memory: the global's
// snapshot on disk, sent in chunks as the link takes them, put together and installed at the local.
//
//   transfer := size:varint origin-table target-snapshot
//
// Limits: kMaxTransferBytes a transfer; a sender keeps at most kMaxBacklog bytes in a link, and
// otherwise no memory of its own: the file is mapped. A receiver keeps what came in a file without
// a name in the data directory, so that a process that dies leaves nothing of it, and maps that.
// One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "cluster/types.h"
#include "server/peer_link.h"
#include "server/snapshot_file.h"

namespace understudy::server {

struct SnapshotMeta {
  cluster::Index index = 0;
  cluster::Term term = 0;     // of the entry at index
  int64_t time_ms = 0;        // the global's
  std::string configuration;  // Configuration::Encode()
};

struct SnapshotChunk {
  cluster::NodeId from;
  cluster::Term sender_term = 0;
  SnapshotMeta meta;
  uint64_t offset = 0, total = 0;
  std::string_view bytes;  // into the request
};

class SnapshotSender {
 public:
  static constexpr size_t kChunkBytes = 256 << 10;
  static constexpr size_t kMaxBacklog = 4u << 20;

  // `file` has data.
  explicit SnapshotSender(SnapshotFile file);

  const SnapshotMeta& meta() const { return meta_; }
  uint64_t sent() const { return sent_; }
  uint64_t total() const { return head_.size() + file_.data.size(); }
  bool done() const { return sent_ == total(); }

  // Queues as many chunks as the link should hold. False: the link doesn't work.
  bool Pump(std::string_view cluster, const cluster::NodeId& from, cluster::Term sender_term,
            PeerLink* link);

 private:
  SnapshotMeta meta_;
  SnapshotFile file_;
  std::string head_;  // what is before the target's bytes
  uint64_t sent_ = 0;
};

class SnapshotReceiver {
 public:
  static constexpr uint64_t kMaxTransferBytes = 64ull << 30;

  enum class Took : uint8_t { kNothing, kPart, kAll, kFailed };

  // `dir`: where the file is made. kAll: the transfer is complete, meta() and bytes() are the
  // state. A chunk that doesn't continue what came so far restarts the transfer if it is a first
  // one, else nothing of it is taken. kFailed, with `error` one line: the disk; what came is gone.
  Took Accept(const SnapshotChunk& chunk, const std::string& dir, std::string* error);
  const SnapshotMeta& meta() const { return meta_; }
  // After kAll, as long as the owner lives.
  std::string_view bytes() const;
  std::shared_ptr<const void> owner() const { return file_; }
  uint64_t received() const { return received_; }
  uint64_t total() const { return total_; }  // 0: nothing is coming
  void Reset();

 private:
  SnapshotMeta meta_;
  class File;

  bool Begin(const SnapshotChunk& chunk, const std::string& dir, std::string* error);

  cluster::NodeId from_;
  std::shared_ptr<File> file_;
  uint64_t received_ = 0, total_ = 0;
};

// PEER.SNAPSHOT (server/peer_codec.h).
void EncodeSnapshotChunk(std::string_view cluster, const SnapshotChunk& chunk, std::string* out);
bool DecodeSnapshotChunk(std::span<const std::string_view> args, SnapshotChunk* chunk);

}  // namespace understudy::server
