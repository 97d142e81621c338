// Which connections of this node receive which channels, and how a publication is written to them.
//
// A publication becomes a RESP3 push [kind, field...], or for RESP2 a pub/sub message
// ["message", channel, text]: text is the fields behind the first (the room), joined by spaces.
// It takes its place in the connection's reply queue, gated by the entry that caused it.
// One thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "server/connection_table.h"
#include "targets/target.h"

namespace understudy::server {

class Subscriptions {
 public:
  explicit Subscriptions(ConnectionTable* connections) : connections_(connections) {}

  void Add(uint64_t client, std::string_view channel);
  void Remove(uint64_t client, std::string_view channel);
  void RemoveAll(Connection& connection);

  // `gate`, `commit`, `confirmed`, `turn`: as for ReplyQueue::End().
  void Deliver(const targets::Publication& publication, const Gate& gate, cluster::Index commit,
               uint64_t confirmed, uint64_t turn,
               const std::function<void(Connection&)>& delivered);

  size_t channels() const { return channels_.size(); }

 private:
  ConnectionTable* connections_;
  std::unordered_map<std::string, std::unordered_set<uint64_t>> channels_;
};

}  // namespace understudy::server
