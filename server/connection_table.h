// All connections that others made to this node, and the sockets they come in by.
//
// Owns the connections. A connection that closed is deleted at the end of the turn, so references
// stay valid during one. One thread: the event loop's.
// Limit: --maxclients connections; one more gets Redis' error and is closed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/connection.h"

namespace understudy::server {

class ConnectionTable {
 public:
  explicit ConnectionTable(ConnectionEnvironment* environment);
  ~ConnectionTable();

  // Listens at host:port ("*" for every address); false with one line in `error`. Port 0 takes a
  // free one, see port().
  bool Listen(const std::string& host, int port, int backlog, std::string* error);
  int port() const { return port_; }
  void StopListening();

  void set_max_clients(size_t count) { max_clients_ = count; }
  void set_tcp_keepalive_seconds(int seconds) { tcp_keepalive_seconds_ = seconds; }
  // What a new connection starts with (authenticated or not).
  void set_new_session(std::function<void(Session&)> prepare) { prepare_ = std::move(prepare); }

  Connection* Find(uint64_t id);
  size_t size() const { return connections_.size(); }
  uint64_t accepted() const { return next_id_ - 1; }
  uint64_t rejected() const { return rejected_; }
  // In order of id. `visit` may close connections, not make any.
  void ForEach(const std::function<void(Connection&)>& visit);

  // End of the turn: writes what connections have to send, then deletes closed ones.
  void FlushDirty();
  // Closes clients that have left too much output unread for too long.
  void CloseOverOutputLimit();
  // Closes all that were idle for longer (clients only; 0: never).
  void CloseIdle(cluster::Micros now, cluster::Micros longer_than);

 private:
  void Accept(int listener);
  void Reject(int fd);

  ConnectionEnvironment* env_;
  struct Listener;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::function<void(Session&)> prepare_;
  std::vector<Connection*> flushing_;
  int port_ = 0;
  size_t max_clients_ = 10000;
  int tcp_keepalive_seconds_ = 300;
  uint64_t next_id_ = 1;
  uint64_t rejected_ = 0;
};

}  // namespace understudy::server
