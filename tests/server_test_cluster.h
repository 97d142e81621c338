// For tests of nodes that make a cluster: the nodes, and a stranger among them who speaks as a node
// does.
#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/peer_codec.h"
#include "tests/server_test_node.h"

namespace understudy::server {

// The first node, and others that join it; all are voters when the constructor returns.
class TestCluster {
 public:
  explicit TestCluster(int count, const std::function<void(Options*)>& set_up = {}) {
    for (int i = 0; i < count; ++i) {
      nodes_.push_back(std::make_unique<TestNode>([&](Options* options) {
        options->name = "node" + std::to_string(i + 1);
        if (i > 0) options->join = {nodes_[0]->address()};
        if (set_up) set_up(options);
      }));
    }
    const std::string voters = "cluster_voters:" + std::to_string(count) + "\r\n";
    TestClient client(nodes_[0]->port());
    EXPECT_TRUE(Eventually([&] {
      return client.AskText({"INFO", "cluster"}).find(voters) != std::string::npos;
    }));
  }
  TestNode& operator[](size_t i) { return *nodes_[i]; }

 private:
  std::vector<std::unique_ptr<TestNode>> nodes_;
};

// A connection that a node made to somebody.
class Accepted {
 public:
  explicit Accepted(int fd) : fd_(fd) {}
  ~Accepted() { close(fd_); }
  Accepted(const Accepted&) = delete;
  void Send(std::string_view bytes) const {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // All that came until now, after waiting up to `ms` for `wanted`.
  const std::string& Receive(std::string_view wanted, int ms) {
    auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
    while (!ended_ && bytes_.find(wanted) == std::string::npos) {
      auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          until - std::chrono::steady_clock::now());
      pollfd poll_fd{fd_, POLLIN, 0};
      if (left.count() <= 0 || poll(&poll_fd, 1, static_cast<int>(left.count())) <= 0) break;
      char chunk[4096];
      ssize_t got = recv(fd_, chunk, sizeof(chunk), 0);
      ended_ = got <= 0;
      if (got > 0) bytes_.append(chunk, static_cast<size_t>(got));
    }
    return bytes_;
  }
  bool ended() const { return ended_; }

 private:
  int fd_;
  bool ended_ = false;
  std::string bytes_;
};

// Listens as a node does.
class Stranger {
 public:
  explicit Stranger(int backlog = 16) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(fd_, backlog), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~Stranger() { close(fd_); }
  Stranger(const Stranger&) = delete;

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // nullptr if nobody comes.
  std::unique_ptr<Accepted> Accept(int ms) const {
    pollfd poll_fd{fd_, POLLIN, 0};
    if (poll(&poll_fd, 1, ms) <= 0) return nullptr;
    return std::make_unique<Accepted>(accept(fd_, nullptr, nullptr));
  }
  // Greets the node that `client` is connected to.
  void Greet(TestClient* client, std::string_view id) const {
    EXPECT_THAT(client->Ask({"PEER.HELLO", id, "stranger", address(), "77"}),
                ::testing::HasSubstr("*3\r\n"));
  }
  static std::string Greeting(const std::string& id) {
    std::string greeting;
    AppendCommand(&greeting, {id, "stranger", "77"});
    return greeting;
  }

 private:
  int fd_;
  int port_;
};

inline const std::string kOne(40, '1'), kOther(40, '2');

inline std::string TermOf(TestNode& node) {
  std::string lock = TestClient(node.port()).Ask({"TARGET.LOCK", "main"});
  size_t at = lock.find("term\r\n:") + 7;
  return lock.substr(at, lock.find('\r', at) - at);
}

}  // namespace understudy::server
