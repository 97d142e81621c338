// MONITOR: connections that see every command that this node's clients send, as it is executed.
// Commands that manage the server aren't shown, nor are secrets; a transaction's are shown by EXEC.
// Source: https://redis.io/docs/latest/commands/monitor/
//
// One thread.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string_view>

#include "server/connection_table.h"

namespace understudy::server {

class Monitors {
 public:
  explicit Monitors(ConnectionTable* connections) : connections_(connections) {}

  void Add(Connection& connection);
  void Remove(Connection& connection);
  bool empty() const { return monitors_.empty(); }

  // `to` is called for each connection with the line to be sent to it.
  // `db`: where it was executed.
  void Feed(const Session& from, int db, const protocol::Command& command,
            std::span<const std::string_view> args, int64_t now_us,
            const std::function<void(Connection& to, std::string_view line)>& send) const;

 private:
  ConnectionTable* connections_;
  std::set<uint64_t> monitors_;
};

}  // namespace understudy::server
