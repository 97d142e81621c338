#include "server/connection.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "protocol/reply_writer.h"

namespace understudy::server {

Connection::Connection(ConnectionEnvironment* environment, int fd, Session session)
    : env_(environment),
      fd_(fd),
      session_(std::move(session)),
      readable_(environment->loop, fd, EV_READ, [this] { OnReadable(); }),
      writable_(environment->loop, fd, EV_WRITE, [this] { OnWritable(); }) {
  readable_.Enable();
}

Connection::~Connection() {
  readable_.Disable();
  writable_.Disable();
  close(fd_);
}

void Connection::MarkDirty() {
  if (dirty_ || closed_) return;
  dirty_ = true;
  replies_.MarkTurn(env_->turn);
  env_->dirty.push_back(this);
}

bool Connection::MayRead() const {
  return !paused_ && !closed_ && !close_after_replies_ && replies_.bytes() < kOutputPause;
}

void Connection::OnReadable() {
  if (input_.size() == input_start_) {
    // Nothing waits: read into the shared buffer, keep only what isn't executed.
    input_.clear();
    input_start_ = 0;
    std::string& shared = env_->shared_input;
    ssize_t got = recv(fd_, shared.data(), shared.size(), 0);
    NoteInput();
    if (got <= 0) return OnReadEnd(got);
    received_ += static_cast<uint64_t>(got);
    env_->bytes_read += static_cast<uint64_t>(got);
    std::string_view bytes(shared.data(), static_cast<size_t>(got));
    size_t used = Execute(bytes);
    if (!closed_ && used < bytes.size()) input_.assign(bytes.substr(used));
  } else {
    ReadInto();
    if (!closed_) ExecuteInput();
  }
  if (!MayRead() && !WatchesEnd()) readable_.Disable();
}

// The time is taken behind the read: a lock that is renewed by what was read is renewed from a moment
// at which that had been sent, however long this process was stopped before the read.
void Connection::NoteInput() {
  env_->handler->OnInput();
  session_.last_active = env_->now;
}

// Other nodes send whole log entries, however big, whatever clients may send.
protocol::ParseLimits Connection::Limits() const {
  protocol::ParseLimits limits = env_->limits;
  limits.authenticated = session_.authenticated;
  if (!session_.peer_id.empty()) limits.max_bulk_bytes = kPeerBulkBytes;
  return limits;
}

void Connection::ReadInto() {
  size_t room = std::max<size_t>(parser_.missing(), 16 << 10);
  room = std::min<size_t>(room, 1 << 20);
  if (input_start_ > 0 && (input_start_ >= input_.size() / 2 || input_start_ > (64u << 10))) {
    input_.erase(0, input_start_);
    input_start_ = 0;
  }
  size_t old_size = input_.size();
  if (input_.capacity() < old_size + room) {
    input_.reserve(std::max(old_size + room, input_.capacity() * 2));
  }
  // recv into the spare capacity by way of a stack or shared buffer would copy twice.
  input_.resize(old_size + room);
  ssize_t got = recv(fd_, input_.data() + old_size, room, 0);
  input_.resize(old_size + (got > 0 ? static_cast<size_t>(got) : 0));
  NoteInput();
  if (got <= 0) return OnReadEnd(got);
  received_ += static_cast<uint64_t>(got);
  env_->bytes_read += static_cast<uint64_t>(got);
  size_t limit = session_.peer_id.empty() ? env_->query_buffer_limit : 2 * kPeerBulkBytes;
  if (input_.size() - input_start_ > limit) Close();
}

void Connection::OnReadEnd(ssize_t got) {
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  // A client may shut its side down and still wait for the replies of what it sent; but one that
  // waits for keys counts as gone then, as in Redis.
  if (got == 0 && session_.blocked == 0 && session_.peer_id.empty() &&
      (paused_ || replies_.bytes() > 0 || replies_.slots() > 0)) {
    half_closed_ = true;
    readable_.Disable();
    if (!paused_) CloseAfterReplies();
    return;
  }
  Close();
}

// False: the handler wants to pause, nothing was executed.
bool Connection::ExecuteOne(std::span<const std::string_view> args, size_t size) {
  if (!args.empty()) {
    if (env_->handler->OnRequest(*this, args) == ConnectionHandler::Flow::kPause) {
      paused_ = true;
      return false;
    }
    ++env_->commands;
    ++session_.commands;
  }
  executed_ += size;
  return true;
}

size_t Connection::ExecuteAhead(std::string_view bytes) {
  size_t count = 0, found = 0;
  while (count < env_->ahead.size()) {
    protocol::RequestParser& parser = env_->ahead[count];
    if (!parser.ParseWhole(bytes.substr(found), env_->limits)) break;
    found += parser.consumed();
    ++count;
  }
  if (count < 2) return 0;
  env_->handler->OnAhead(*this, std::span(env_->ahead).first(count));
  size_t used = 0;
  for (size_t i = 0; i < count && MayRead(); ++i) {
    size_t size = env_->ahead[i].consumed();
    if (!ExecuteOne(env_->ahead[i].args(), size)) break;
    used += size;
  }
  return used;
}

size_t Connection::Execute(std::string_view bytes) {
  // Shorter than this there is no pipeline worth looking ahead.
  constexpr size_t kLeastAhead = 48;
  size_t used = 0;
  executing_ = true;
  while (used < bytes.size() && MayRead()) {
    std::string_view rest = bytes.substr(used);
    if (rest.size() > kLeastAhead && !parser_.partial() && session_.authenticated) {
      size_t ahead = ExecuteAhead(rest);
      used += ahead;
      if (ahead > 0) continue;
      if (!MayRead()) break;
    }
    auto status = parser_.Parse(rest, Limits());
    if (status == protocol::RequestParser::Status::kNeedMore) break;
    if (status == protocol::RequestParser::Status::kError) {
      ProtocolError();
      used = bytes.size();
      break;
    }
    size_t size = parser_.consumed();
    if (!ExecuteOne(parser_.args(), size)) break;
    used += size;
  }
  executing_ = false;
  return used;
}

void Connection::ExecuteInput() {
  size_t used = Execute(std::string_view(input_).substr(input_start_));
  if (closed_) return;
  input_start_ += used;
  if (input_start_ == input_.size()) {
    if (input_.capacity() > (32u << 10)) {
      std::string().swap(input_);
    } else {
      input_.clear();
    }
    input_start_ = 0;
  }
}

void Connection::Resume() {
  if (!paused_ || closed_) return;
  paused_ = false;
  // The parser delivers the request that was refused once more.
  if (!executing_) ExecuteInput();
  if (half_closed_) {
    if (!paused_ && !closed_) CloseAfterReplies();
  } else if (MayRead()) {
    readable_.Enable();
  }
}

void Connection::ProtocolError() {
  std::string text = "ERR " + parser_.error();
  protocol::ReplyWriter(replies_.Begin(), session_.resp).Error(text);
  replies_.End(Gate{}, 0, 0, env_->turn);
  MarkDirty();
  CloseAfterReplies();
}

void Connection::Close() {
  if (closed_) return;
  closed_ = true;
  readable_.Disable();
  writable_.Disable();
  shutdown(fd_, SHUT_RDWR);
  env_->closed.push_back(session_.id);
  env_->handler->OnClosed(*this);
}

void Connection::CloseAfterReplies() {
  close_after_replies_ = true;
  MarkDirty();
}

void Connection::Flush() {
  dirty_ = false;
  if (closed_) return;
  while (replies_.ready_bytes() > 0) {
    ssize_t sent = send(fd_, replies_.ready().data() + replies_.ready_offset(),
                        replies_.ready_bytes(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) break;
      return Close();
    }
    env_->bytes_written += static_cast<uint64_t>(sent);
    replies_.Sent(static_cast<size_t>(sent));
  }
  if (replies_.ready_bytes() > 0) {
    if (OverOutputLimit()) return Close();
    writable_.Enable();
    return;
  }
  writable_.Disable();
  if (close_after_replies_ && !replies_.waiting()) return Close();
  if (!readable_.enabled() && MayRead() && !half_closed_) {
    // It was over the output limit: go on with what waits in the input.
    readable_.Enable();
    ExecuteInput();
    if (!MayRead()) readable_.Disable();
  }
}

bool Connection::OverOutputLimit() {
  if (!session_.peer_id.empty()) return false;
  const OutputLimit& limit = !session_.subscriber() ? env_->normal_output : env_->pubsub_output;
  const auto bytes = static_cast<int64_t>(replies_.bytes());
  if (limit.hard_bytes != 0 && bytes > limit.hard_bytes) return true;
  if (limit.soft_bytes == 0 || bytes <= limit.soft_bytes) {
    over_soft_limit_since_ = 0;
    return false;
  }
  if (over_soft_limit_since_ == 0) over_soft_limit_since_ = env_->now;
  return env_->now - over_soft_limit_since_ > limit.soft_seconds * 1000 * 1000;
}

void Connection::OnWritable() { MarkDirty(); }

}  // namespace understudy::server
