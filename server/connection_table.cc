#include "server/connection_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace understudy::server {

namespace {

std::string AddressText(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "?";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
  return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
}

}  // namespace

struct ConnectionTable::Listener {
  int fd;
  FdEvent readable;
  Listener(EventLoop* loop, int socket, FdEvent::Callback callback)
      : fd(socket), readable(loop, socket, EV_READ, std::move(callback)) {
    readable.Enable();
  }
  ~Listener() {
    readable.Disable();
    close(fd);
  }
};

ConnectionTable::ConnectionTable(ConnectionEnvironment* environment) : env_(environment) {}
ConnectionTable::~ConnectionTable() = default;

bool ConnectionTable::Listen(const std::string& host, int port, int backlog, std::string* error) {
  addrinfo hints{};
  hints.ai_family = host == "*" ? AF_INET : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  int result = getaddrinfo(host == "*" ? nullptr : host.c_str(), std::to_string(port).c_str(),
                           &hints, &found);
  if (result != 0) {
    *error = "can't bind to " + host + ": " + gai_strerror(result);
    return false;
  }
  int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
            bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, backlog) == 0;
  freeaddrinfo(found);
  if (!ok) {
    *error = "can't listen on " + host + ":" + std::to_string(port) + ": " + strerror(errno);
    if (fd >= 0) close(fd);
    return false;
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  port_ = ntohs(bound.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(bound).sin_port
                                           : reinterpret_cast<sockaddr_in6&>(bound).sin6_port);
  listeners_.push_back(std::make_unique<Listener>(env_->loop, fd, [this, fd] { Accept(fd); }));
  return true;
}

void ConnectionTable::StopListening() { listeners_.clear(); }

void ConnectionTable::Accept(int listener) {
  // A bounded number a turn, so that a flood of connections doesn't starve those that are there.
  for (int i = 0; i < 256; ++i) {
    sockaddr_storage peer{}, local{};
    socklen_t size = sizeof(peer);
    int fd =
        accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (connections_.size() >= max_clients_) {
      Reject(fd);
      continue;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (tcp_keepalive_seconds_ > 0) {
      int interval = std::max(1, tcp_keepalive_seconds_ / 3), count = 3;
      setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
      setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &tcp_keepalive_seconds_, sizeof(int));
      setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
      setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
    }
    size = sizeof(local);
    getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size);
    Session session;
    session.id = next_id_++;
    session.address = AddressText(peer);
    session.local_address = AddressText(local);
    session.connected_at = session.last_active = env_->now;
    if (prepare_) prepare_(session);
    uint64_t id = session.id;
    connections_.emplace(id, std::make_unique<Connection>(env_, fd, std::move(session)));
  }
}

void ConnectionTable::Reject(int fd) {
  static constexpr char kText[] = "-ERR max number of clients reached\r\n";
  (void)!send(fd, kText, sizeof(kText) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  close(fd);
  ++rejected_;
}

Connection* ConnectionTable::Find(uint64_t id) {
  auto found = connections_.find(id);
  return found == connections_.end() || found->second->closed() ? nullptr : found->second.get();
}

void ConnectionTable::ForEach(const std::function<void(Connection&)>& visit) {
  std::vector<uint64_t> ids;
  ids.reserve(connections_.size());
  for (const auto& [id, connection] : connections_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (uint64_t id : ids) {
    if (Connection* connection = Find(id)) visit(*connection);
  }
}

void ConnectionTable::FlushDirty() {
  // A flush may execute more input, which makes more dirty: those are for the next turn.
  flushing_.swap(env_->dirty);
  for (Connection* connection : flushing_) connection->Flush();
  flushing_.clear();
  if (!env_->dirty.empty()) env_->loop->DoNotWait();
  if (env_->closed.empty()) return;
  for (uint64_t id : env_->closed) {
    auto found = connections_.find(id);
    if (found == connections_.end()) continue;
    std::erase(env_->dirty, found->second.get());
    connections_.erase(found);
  }
  env_->closed.clear();
}

void ConnectionTable::CloseOverOutputLimit() {
  ForEach([](Connection& connection) {
    if (!connection.closed() && connection.OverOutputLimit()) connection.Close();
  });
}

void ConnectionTable::CloseIdle(cluster::Micros now, cluster::Micros longer_than) {
  if (longer_than <= 0) return;
  ForEach([&](Connection& connection) {
    const Session& session = connection.session();
    if (session.peer_id.empty() && !session.subscriber() && !connection.replies().waiting() &&
        now - session.last_active > longer_than) {
      connection.Close();
    }
  });
}

}  // namespace understudy::server
