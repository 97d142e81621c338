#include "server/peer_link.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

#include "protocol/numbers.h"
#include "server/logger.h"
#include "server/peer_codec.h"

namespace understudy::server {

PeerLink::PeerLink(EventLoop* loop, Logger* log, std::string host, int port, std::string auth,
                   std::string hello, std::string expected, Events events)
    : loop_(loop),
      log_(log),
      host_(std::move(host)),
      port_(port),
      auth_(std::move(auth)),
      hello_(std::move(hello)),
      expected_(std::move(expected)),
      events_(std::move(events)),
      dial_timer_(loop, [this] { OnTimer(); }) {
  dial_timer_.Start(0);
}

PeerLink::~PeerLink() {
  readable_.reset();
  writable_.reset();
  if (context_ != nullptr) redisFree(context_);
}

void PeerLink::DialNow() {
  if (state_ != State::kIdle) return;
  dial_delay_ = 0;
  dial_timer_.Start(0);
}

void PeerLink::Dial() {
  if (state_ != State::kIdle) return;
  context_ = redisConnectNonBlock(host_.c_str(), port_);
  if (context_ == nullptr) return ScheduleDial();
  // Only of a connection: whoever resolves names may be refused by somebody else.
  if (context_->err != 0) return Lost(context_->err == REDIS_ERR_IO && errno == ECONNREFUSED);
  state_ = State::kDialing;
  readable_ = std::make_unique<FdEvent>(loop_, context_->fd, EV_READ, [this] { OnReadable(); });
  writable_ = std::make_unique<FdEvent>(loop_, context_->fd, EV_WRITE, [this] { OnWritable(); });
  writable_->Enable();
  readable_->Enable();
  dial_timer_.Start(kDialTimeout);
}

void PeerLink::OnTimer() {
  if (state_ == State::kIdle) return Dial();
  if (state_ != State::kConnected) Lost(false);
}

void PeerLink::SetSocketOptions() {
  int on = 1, seconds = 1, probes = kSilenceMs / 1000, timeout_ms = kSilenceMs;
  setsockopt(context_->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(context_->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
  setsockopt(context_->fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
  setsockopt(context_->fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof(seconds));
  setsockopt(context_->fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
  setsockopt(context_->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

void PeerLink::OnDialed() {
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(context_->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return Lost(error == ECONNREFUSED);
  SetSocketOptions();
  state_ = State::kGreeting;
  dial_timer_.Start(kGreetingTimeout);
  output_.clear();
  output_sent_ = 0;
  skip_replies_ = 0;
  if (!auth_.empty()) {
    AppendCommand(&output_, {"AUTH", auth_});
    skip_replies_ = 1;
  }
  output_ += hello_;
  Flush();
}

void PeerLink::OnWritable() {
  if (state_ == State::kDialing) return OnDialed();
  Flush();
}

void PeerLink::OnReadable() {
  if (state_ == State::kDialing) {
    OnDialed();
    if (state_ != State::kGreeting) return;
  }
  if (redisBufferRead(context_) != REDIS_OK) return Lost(false);
  void* raw = nullptr;
  while (context_ != nullptr && redisGetReplyFromReader(context_, &raw) == REDIS_OK &&
         raw != nullptr) {
    auto* reply = static_cast<redisReply*>(raw);
    std::string text(reply->str != nullptr ? reply->str : "",
                     reply->str != nullptr ? static_cast<size_t>(reply->len) : 0);
    if (reply->type == REDIS_REPLY_ERROR) text.insert(0, "-");
    std::string first, third;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements >= 3) {
      first = reply->element[0]->str != nullptr ? reply->element[0]->str : "";
      third = reply->element[2]->str != nullptr ? reply->element[2]->str : "";
    }
    freeReplyObject(reply);
    OnReply(text, first, third);
    raw = nullptr;
  }
  if (context_ != nullptr && context_->err != 0) Lost(false);
}

void PeerLink::OnReply(std::string_view text, const std::string& first, const std::string& third) {
  if (state_ != State::kGreeting) {
    if (events_.answered) events_.answered(*this, text);
    return;
  }
  if (skip_replies_ > 0) {
    --skip_replies_;
    if (!text.empty() && text[0] == '-') {
      log_->Warning("Node at %s refuses our password: %s", address().c_str(),
                    std::string(text).c_str());
    }
    return;
  }
  if (first.empty() || third.empty()) return Decline("refuses the link: " + std::string(text));
  if (!expected_.empty() && first != expected_) {
    return Decline("is " + first.substr(0, 8) + ", not " + expected_.substr(0, 8) + " as expected");
  }
  complaint_.clear();
  dial_timer_.Stop();
  node_id_ = first;
  run_ = std::strtoull(third.c_str(), nullptr, 10);
  state_ = State::kConnected;
  dial_delay_ = 0;
  events_.connected(*this, node_id_, run_);
}

void PeerLink::Decline(const std::string& why) {
  if (why != complaint_) log_->Warning("Node at %s %s", address().c_str(), why.c_str());
  complaint_ = why;
  dial_delay_ = kSlowestDial;
  Lost(false);
}

void PeerLink::Lost(bool refused) {
  bool was_connected = state_ == State::kConnected;
  state_ = State::kIdle;
  readable_.reset();
  writable_.reset();
  if (context_ != nullptr) redisFree(context_);
  context_ = nullptr;
  output_.clear();
  output_sent_ = 0;
  ScheduleDial();
  if (was_connected) events_.closed(*this);
  if (refused) events_.refused(*this);
}

void PeerLink::ScheduleDial() {
  dial_timer_.Start(dial_delay_);
  dial_delay_ = dial_delay_ == 0 ? kFastestDial : std::min(dial_delay_ * 2, kSlowestDial);
}

bool PeerLink::Send(std::string_view bytes) {
  if (state_ != State::kConnected || backlog() + bytes.size() > kMaxBacklog) return false;
  output_.append(bytes);
  return true;
}

void PeerLink::SendNow() {
  if (state_ != State::kConnected) return;
  while (backlog() > 0) {
    ssize_t sent =
        send(context_->fd, output_.data() + output_sent_, backlog(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return;
    output_sent_ += static_cast<size_t>(sent);
  }
}

void PeerLink::Flush() {
  if (state_ != State::kConnected && state_ != State::kGreeting) return;
  while (backlog() > 0) {
    ssize_t sent =
        send(context_->fd, output_.data() + output_sent_, backlog(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) break;
      return Lost(false);
    }
    output_sent_ += static_cast<size_t>(sent);
  }
  if (backlog() == 0) {
    if (output_.capacity() > (4u << 20)) {
      std::string().swap(output_);
    } else {
      output_.clear();
    }
    output_sent_ = 0;
    if (writable_ != nullptr) writable_->Disable();
    return;
  }
  if (output_sent_ > (4u << 20)) {
    output_.erase(0, output_sent_);
    output_sent_ = 0;
  }
  writable_->Enable();
}

}  // namespace understudy::server
