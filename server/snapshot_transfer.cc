#include "server/snapshot_transfer.h"

#include <algorithm>

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

bool SnapshotReceiver::Accept(const SnapshotChunk& chunk) {
  if (chunk.offset == 0) {
    Reset();
    meta_ = chunk.meta;
    from_ = chunk.from;
    total_ = chunk.total;
  } else if (total_ == 0 || chunk.from != from_ || chunk.total != total_ ||
             chunk.meta.index != meta_.index || chunk.offset != bytes_.size()) {
    return false;
  }
  bytes_.append(chunk.bytes);
  return bytes_.size() == total_;
}

void SnapshotReceiver::Reset() {
  meta_ = SnapshotMeta();
  from_.clear();
  std::string().swap(bytes_);
  total_ = 0;
}

}  // namespace understudy::server
