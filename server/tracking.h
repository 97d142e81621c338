// CLIENT TRACKING: tells clients that keep values of their own which keys have changed.
// Source: https://redis.io/docs/latest/develop/reference/client-side-caching/
//
// By default the node remembers which tracking client read which key, and tells it once when an
// entry that the node executes or applies touches the key. With BCAST it remembers nothing and
// tells of every key that begins with one of the client's prefixes. The name alone counts, not the
// database.
//
// Invariants:
//  1. What a client read is remembered when the read is executed here; when the global executes it,
//     before it is forwarded, and if the key was touched in between, the client is told again
//     behind the reply: the value in it may be older than what was told.
//  2. What is told waits, in the connection's queue, for the entry that caused it: at the end of
//     the turn, for the newest one executed here.
//  3. Where nobody can tell what changed (the state was replaced or rolled back, a database was
//     flushed), clients are told to forget all.
//
// Limits: tracking-table-max-keys remembered keys (the oldest are told as if touched).
// One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/connection_table.h"
#include "server/key_events.h"

namespace understudy::server {

// A connection's own part.
struct TrackingState {
  bool broadcast = false, opt_in = false, opt_out = false, no_loop = false;
  bool broken_redirect = false;
  uint64_t redirect = 0;  // CLIENT ID of who is told instead; 0: the client itself
  enum class Caching : uint8_t { kUnsaid, kYes, kNo } caching = Caching::kUnsaid;
  std::set<std::string> prefixes;  // with broadcast; "" is all keys

  // Whether what the next command reads is to be remembered.
  bool Remembers() const {
    if (broadcast) return false;
    if (opt_in) return caching == Caching::kYes;
    return !opt_out || caching != Caching::kNo;
  }
};

class Tracking : public targets::kv::KeyspaceObserver {
 public:
  Tracking(ConnectionTable* connections, KeyEvents* events)
      : connections_(connections), events_(events) {}

  // CLIENT TRACKING ON; changes what an earlier one said.
  void Begin(Connection& connection, const TrackingState& state);
  void End(Connection& connection);

  // The command is executed here now, or is about to be forwarded.
  void OnRead(const Connection& connection, const protocol::Command& command,
              std::span<const std::string_view> args);
  // It was executed elsewhere, and its reply has its place: what was touched since OnRead() is told
  // again.
  void OnAnswered(Connection& connection, const protocol::Command& command,
                  std::span<const std::string_view> args);
  // Who causes what comes next; 0: nobody here.
  void set_cause(uint64_t client) { cause_ = client; }
  // All clients are to forget all.
  void InvalidateAll();

  // End of the turn. `send` puts a message into a connection's queue.
  using Write = std::function<void(protocol::ReplyWriter* reply)>;
  using Send = std::function<void(Connection& to, const Write& write)>;
  void Deliver(const Send& send);
  bool has_messages() const { return !messages_.empty() || !broadcasts_.empty(); }

  void set_max_keys(size_t keys) { max_keys_ = keys; }  // 0: no limit
  size_t clients() const { return clients_.size(); }
  size_t keys() const { return readers_.size(); }
  size_t items() const { return items_; }  // keys, each as often as clients read it
  size_t prefixes() const;

  // KeyspaceObserver
  void OnChange(int db, std::string_view key, targets::kv::Change change,
                std::string_view event) override;
  void OnDatabaseChanged(int db) override;

 private:
  struct Message {
    uint64_t client;  // who tracks
    bool all;         // forget everything
    std::string key;
  };
  void Remember(uint64_t client, std::string_view key);
  void Forget(const std::string& key, uint64_t but);
  void TellAll();
  void Tell(uint64_t client, bool all, std::span<const std::string> keys, const Send& send);
  template <typename Visit>
  void ForEachKey(const protocol::Command& command, std::span<const std::string_view> args,
                  const Visit& visit);

  ConnectionTable* connections_;
  KeyEvents* events_;
  uint64_t cause_ = 0;
  std::set<uint64_t> clients_;                                   // that track
  std::unordered_map<std::string, std::set<uint64_t>> readers_;  // by key
  std::deque<std::string> oldest_;  // keys in the order in which they were first remembered
  size_t items_ = 0;
  size_t max_keys_ = 1'000'000;
  std::vector<Message> messages_;
  // Keys, by client and prefix: one message each.
  std::map<std::pair<uint64_t, std::string>, std::set<std::string>> broadcasts_;
  std::vector<size_t> positions_;  // scratch
};

// Why these prefixes can't be one client's: one begins another. Empty: they can.
std::string OverlapError(const std::set<std::string>& had, std::span<const std::string> added);

}  // namespace understudy::server
