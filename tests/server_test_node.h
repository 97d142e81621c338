// Nodes for tests of the server: each a process of its own (forked, so no shell is needed), on
// 127.0.0.1 with a data directory that goes with it; and a client that sees replies byte by byte.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "server/node.h"

namespace understudy::server {

// One connection. Replies are returned as they came, with all their bytes.
class TestClient {
 public:
  static constexpr int kTimeoutMs = 10000;

  // Tries for a while: the node may just have been started.
  explicit TestClient(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 1000 && fd_ < 0; ++i) {
      fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return;
      close(fd_);
      fd_ = -1;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "no connection to port " << port;
  }
  ~TestClient() {
    if (fd_ >= 0) close(fd_);
  }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  void Send(std::initializer_list<std::string_view> args) {
    std::string bytes = "*" + std::to_string(args.size()) + "\r\n";
    for (std::string_view arg : args) {
      bytes += "$" + std::to_string(arg.size()) + "\r\n" + std::string(arg) + "\r\n";
    }
    Send(bytes);
  }

  // The next whole reply; "" if the connection ended (or none came in time).
  std::string Read() {
    size_t size;
    while ((size = ReplySize(0)) == 0) {
      if (!Receive()) return "";
    }
    std::string reply = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return reply;
  }

  std::string Ask(std::initializer_list<std::string_view> args) {
    Send(args);
    return Read();
  }
  // A bulk or verbatim reply's text; the reply itself if it is something else.
  std::string AskText(std::initializer_list<std::string_view> args) {
    std::string reply = Ask(args);
    if (reply.empty() || (reply[0] != '$' && reply[0] != '=')) return reply;
    size_t begin = reply.find("\r\n") + 2;
    if (reply[0] == '=') begin += 4;
    return reply.substr(begin, reply.size() - begin - 2);
  }

  // Whether the node ends the connection, with nothing more to read.
  bool Ended() {
    while (Receive()) {
    }
    return ended_ && buffer_.empty();
  }

 private:
  bool Receive() {
    pollfd poll_fd{fd_, POLLIN, 0};
    if (fd_ < 0 || poll(&poll_fd, 1, kTimeoutMs) <= 0) return false;
    char chunk[16384];
    ssize_t got = recv(fd_, chunk, sizeof(chunk), 0);
    if (got <= 0) {
      ended_ = true;
      return false;
    }
    buffer_.append(chunk, static_cast<size_t>(got));
    return true;
  }

  // How many bytes the reply at `at` has; 0 if it isn't there as a whole.
  size_t ReplySize(size_t at) const {
    size_t end = buffer_.find("\r\n", at);
    if (end == std::string::npos) return 0;
    size_t size = end + 2 - at;
    char type = buffer_[at];
    if (std::string_view("$=*%~>|").find(type) == std::string_view::npos) return size;
    long count = atol(buffer_.c_str() + at + 1);
    if (count < 0) return size;
    if (type == '$' || type == '=') {
      size += static_cast<size_t>(count) + 2;
      return at + size <= buffer_.size() ? size : 0;
    }
    if (type == '%' || type == '|') count *= 2;
    if (type == '|') ++count;  // the value it is about
    for (long i = 0; i < count; ++i) {
      size_t element = ReplySize(at + size);
      if (element == 0) return 0;
      size += element;
    }
    return size;
  }

  int fd_ = -1;
  bool ended_ = false;
  std::string buffer_;
};

// A node, from its construction to Stop() or its destruction (which kills it).
class TestNode {
 public:
  explicit TestNode(const std::function<void(Options*)>& set_up = {}) {
    char name[] = "/tmp/understudy-node-XXXXXX";
    dir_ = mkdtemp(name);
    port_ = FreePort();
    Options options;
    options.port = port_;
    options.bind = {"127.0.0.1"};
    options.dir = dir_;
    options.logfile = dir_ + "/log.txt";
    options.appendfsync = FsyncPolicy::kNo;
    if (set_up) set_up(&options);
    pid_ = fork();
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves nobody behind
    int status = 0;
    {
      Node node(options, "");
      status = node.Run();
    }
    _exit(status);
  }
  ~TestNode() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    std::filesystem::remove_all(dir_);
  }
  TestNode(const TestNode&) = delete;
  TestNode& operator=(const TestNode&) = delete;

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  void Signal(int number) const { kill(pid_, number); }

  // Waits until the process ended by itself; its exit status, -1 if it didn't in time or crashed.
  int Wait() {
    for (int i = 0; i < 1000; ++i) {
      int status = 0;
      if (waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return -1;
  }

 private:
  static int FreePort() {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      ADD_FAILURE() << "no free port";
    }
    close(fd);
    return ntohs(address.sin_port);
  }

  std::string dir_;
  int port_ = 0;
  pid_t pid_ = -1;
};

// Asks until `good` says so; for what takes effect a little later.
inline bool Eventually(const std::function<bool()>& good) {
  for (int i = 0; i < 500; ++i) {
    if (good()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

}  // namespace understudy::server
