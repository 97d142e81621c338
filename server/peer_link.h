// A link to another node: the connection that this node makes, to say things to it.
//
// Transport (a non-blocking hiredis context and its descriptor), formatting (peer_codec.h) and
// parsing (hiredis' reader) are apart, so that another transport, TLS, can take the place of the
// first. A link dials again by itself, at once after a loss and then more and more slowly, up to
// kSlowestDial; refused dials are reported, they are what proves a process dead. A dial that isn't
// answered, and a connection over which nothing arrives any more (the host is gone, or the network
// was for a while: TCP would try again more and more rarely), is given up and made anew.
//
// Limits: at most kMaxBacklog bytes wait to be sent; a message that finds more is dropped (the
// consensus layer repeats what matters), and Send() says so.
// Owned by Peers; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/event_loop.h"

struct redisContext;

namespace understudy::server {

class Logger;

class PeerLink {
 public:
  static constexpr cluster::Micros kFastestDial = 1000;
  static constexpr cluster::Micros kSlowestDial = 250 * 1000;
  static constexpr cluster::Micros kDialTimeout = 2 * 1000 * 1000;
  static constexpr cluster::Micros kGreetingTimeout =
      10 * 1000 * 1000;                    // the process may be stopped
  static constexpr int kSilenceMs = 5000;  // what was sent isn't acknowledged by the other's host
  static constexpr size_t kMaxBacklog = 256u << 20;

  struct Events {
    // The handshake succeeded: who is there, in which run.
    std::function<void(PeerLink&, const std::string& node_id, uint64_t run)> connected;
    // It had been connected and isn't any more.
    std::function<void(PeerLink&)> closed;
    // A dial was refused: no process listens at that address.
    std::function<void(PeerLink&)> refused;
    // The reply to anything sent with an answer (SendJoin); error replies begin with '-'.
    std::function<void(PeerLink&, std::string_view reply)> answered;
  };

  // `hello` is the RESP command sent first on every new connection (with AUTH before it, if the
  // nodes want that). `expected`: the id of the node to be there, any other is left alone; empty:
  // whoever it is.
  PeerLink(EventLoop* loop, Logger* log, std::string host, int port, std::string auth,
           std::string hello, std::string expected, Events events);
  ~PeerLink();
  PeerLink(const PeerLink&) = delete;
  PeerLink& operator=(const PeerLink&) = delete;

  const std::string& host() const { return host_; }
  int port() const { return port_; }
  std::string address() const {  // in the form that SplitAddress() takes
    std::string host = host_.find(':') == std::string::npos ? host_ : "[" + host_ + "]";
    return host + ":" + std::to_string(port_);
  }
  bool connected() const { return state_ == State::kConnected; }
  const std::string& node_id() const { return node_id_; }  // who answered last; may be empty
  uint64_t run() const { return run_; }
  size_t backlog() const { return output_.size() - output_sent_; }

  // Queues bytes (whole RESP commands); they leave with Flush() or when the socket takes them.
  // False: not connected, or too much waits already.
  bool Send(std::string_view bytes);
  // The same without a copy: the string to append whole commands to; nullptr as false above.
  std::string* output() {
    return state_ == State::kConnected && backlog() <= kMaxBacklog ? &output_ : nullptr;
  }
  void Flush();
  // Sends what the socket takes now and leaves everything else to the next Flush(), a connection that
  // ended too. From another thread, while the event loop's is busy elsewhere (server/long_command.h).
  void SendNow();

  // Try to connect now rather than later.
  void DialNow();

 private:
  enum class State : uint8_t { kIdle, kDialing, kGreeting, kConnected };
  void Dial();
  void OnDialed();
  void OnReadable();
  void OnWritable();
  void OnReply(std::string_view text, const std::string& first, const std::string& third);
  void OnTimer();
  void SetSocketOptions();
  void Lost(bool refused);
  void Decline(const std::string& why);
  void ScheduleDial();

  EventLoop* loop_;
  Logger* log_;
  std::string host_;
  int port_;
  std::string auth_, hello_, expected_;
  std::string complaint_;  // the last one logged
  Events events_;
  State state_ = State::kIdle;
  redisContext* context_ = nullptr;
  std::unique_ptr<FdEvent> readable_, writable_;
  Timer dial_timer_;
  cluster::Micros dial_delay_ = 0;
  int skip_replies_ = 0;  // AUTH's, before HELLO's
  std::string output_;
  size_t output_sent_ = 0;
  std::string node_id_;
  uint64_t run_ = 0;
};

}  // namespace understudy::server
