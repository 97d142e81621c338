// Replies that no entry has, of the clients of one node, until an entry of the same client carries
// them or their node has acknowledged them.
//
// A command that changed nothing has no entry, so the next global would execute it again, and
// behind a later command of its connection that had one. So that entry carries its reply
// (EntryPayload::earlier).
// Limit: kMaxBytes; when there is more, all is dropped, and a connection whose reply then gets lost
// with the global ends (OriginTable::Known::kOvertaken).
// One thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "server/peer_codec.h"

namespace understudy::server {

class EarlierReplies {
 public:
  static constexpr size_t kMaxBytes = 8u << 20;

  // Sequences of a client grow.
  void Add(uint64_t client, uint64_t sequence, std::string_view reply) {
    if (client == 0) return;
    Client& of = clients_[client];
    bytes_ -= of.replies.size();
    AppendForwardedReply(&of.replies, sequence, reply);
    bytes_ += of.replies.size();
    of.newest = sequence;
    newest_ = std::max(newest_, sequence);
    if (bytes_ > kMaxBytes) Clear();
  }
  // Those of a client, encoded; valid until the next change.
  std::string_view Of(uint64_t client) const {
    if (clients_.empty()) return {};
    auto found = clients_.find(client);
    return found == clients_.end() ? std::string_view() : std::string_view(found->second.replies);
  }
  // An entry carries those of this client.
  void Carried(uint64_t client) {
    auto found = clients_.find(client);
    if (found == clients_.end()) return;
    bytes_ -= found->second.replies.size();
    clients_.erase(found);
  }
  // All below `low` were answered.
  void Acknowledge(uint64_t low) {
    if (clients_.empty()) return;
    if (newest_ < low) return Clear();
    if (bytes_ < sweep_at_) return;
    std::erase_if(clients_, [&](const auto& client) {
      if (client.second.newest >= low) return false;
      bytes_ -= client.second.replies.size();
      return true;
    });
    sweep_at_ = std::max(kSweepBytes, 2 * bytes_);
  }
  void Clear() {
    clients_.clear();
    bytes_ = 0;
  }
  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kSweepBytes = 64u << 10;
  struct Client {
    uint64_t newest = 0;
    std::string replies;
  };
  std::unordered_map<uint64_t, Client> clients_;
  uint64_t newest_ = 0;
  size_t bytes_ = 0;
  size_t sweep_at_ = kSweepBytes;
};

}  // namespace understudy::server
