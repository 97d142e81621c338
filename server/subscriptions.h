// Which connections of this node receive which publications, and how these are written to them.
//
// A connection receives the publications
//   of rooms     that it joined through a target (CHAT.JOIN): a RESP3 push [kind, field...], or for
//                RESP2 a pub/sub message ["message", channel, text]
//   of channels  that it subscribed to: ["message", channel, text], a push in RESP3
//   of patterns  that match the channel: ["pmessage", pattern, channel, text]
//   of shard channels, which are names of their own: ["smessage", channel, text]
// text is a message's one field; of other publications what they are ("message" of "chat.message")
// and the fields behind the first (the room), joined by spaces. A publication takes its place in the connection's reply queue, gated by the
// entry that caused it.
// One thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server/connection_table.h"
#include "targets/machine.h"

namespace understudy::server {

class Subscriptions {
 public:
  using Kind = Session::Subscription;

  explicit Subscriptions(ConnectionTable* connections) : connections_(connections) {}

  // False: nothing changed.
  bool Add(Connection& connection, Kind kind, std::string_view name);
  bool Remove(Connection& connection, Kind kind, std::string_view name);
  void RemoveAll(Connection& connection);
  // Publications were missed: the connections that would have got them end.
  void CloseAll();

  // `gate`, `commit`, `confirmed`, `turn`: as for ReplyQueue::End(). `delivered` hears of each
  // connection written to.
  void Deliver(const targets::Publication& publication, const Gate& gate, cluster::Index commit,
               uint64_t confirmed, uint64_t turn,
               const std::function<void(Connection&)>& delivered);
  // How many times a message would be delivered here.
  size_t Receivers(std::string_view channel, bool shard) const;

  // Names with subscribers; and how many one has.
  std::vector<std::string_view> Names(Kind kind) const;
  size_t Count(Kind kind, std::string_view name) const;
  size_t names(Kind kind) const { return OfKind(kind).size(); }

 private:
  using ByName = std::map<std::string, std::set<uint64_t>, std::less<>>;
  ByName& OfKind(Kind kind) { return subscribers_[static_cast<size_t>(kind)]; }
  const ByName& OfKind(Kind kind) const { return subscribers_[static_cast<size_t>(kind)]; }

  ConnectionTable* connections_;
  ByName subscribers_[Session::kSubscriptionKinds];
};

}  // namespace understudy::server
