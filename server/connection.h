// One connection that somebody made to this node: a client, or another node (after PEER.HELLO).
//
// Reads requests, gives them one by one to its handler, and writes what its reply queue releases.
// A request is parsed in place: its arguments point into the connection's input, or into the
// buffer that all connections share when none of this connection's bytes wait.
//
// Limits: input not yet executed (client-query-buffer-limit; another node's: kPeerBulkBytes); output not yet sent: above
// kOutputPause nothing more of the input is executed until it shrank (client-output-buffer-limit,
// where set, closes the connection).
// Ownership: ConnectionTable owns all connections; Close() only marks, the table deletes at the end
// of the turn. One thread: the event loop's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/command_table.h"
#include "protocol/resp_parser.h"
#include "server/event_loop.h"
#include "server/options.h"
#include "server/reply_queue.h"

namespace understudy::server {

class Connection;
struct TrackingState;
struct Transaction;

// A key that a connection watches (server/watches.h).
struct WatchedKey {
  int db;
  std::string key;
  bool existed;  // and hadn't expired
};

// What the client said about itself, and what the node notes about it; shown by CLIENT LIST.
struct Session {
  uint64_t id = 0;
  std::string name, lib_name, lib_version;
  std::string address, local_address;
  const protocol::Command* last_command = nullptr;
  int db = 0;
  int resp = 2;
  bool authenticated = true;
  bool readonly = false;
  bool no_evict = false, no_touch = false;
  bool linked = false;  // a target may want to hear of its end
  bool track = false;  // what the command being dispatched reads is to be remembered
  bool monitor = false;  // gets what other clients send; see monitors.h
  enum class ReplyMode : uint8_t { kOn, kOff, kSkipNext, kSkipThis } reply_mode = ReplyMode::kOn;
  std::string peer_id;  // another node's id; empty: a client
  // What it listens to: rooms joined through targets, channels, patterns, shard channels. Changed
  // by Subscriptions only.
  enum class Subscription : uint8_t { kRoom, kChannel, kPattern, kShardChannel };
  static constexpr size_t kSubscriptionKinds = 4;
  std::set<std::string>& subscriptions(Subscription kind) {
    return subscribed[static_cast<size_t>(kind)];
  }
  const std::set<std::string>& subscriptions(Subscription kind) const {
    return subscribed[static_cast<size_t>(kind)];
  }
  std::set<std::string> subscribed[kSubscriptionKinds];
  // Receives publications; and by SUBSCRIBE and the like, so that in RESP2 few commands are
  // allowed.
  bool subscriber() const { return listener() || !subscribed[0].empty(); }
  bool listener() const {
    return !subscribed[1].empty() || !subscribed[2].empty() || !subscribed[3].empty();
  }
  cluster::Micros connected_at = 0, last_active = 0;
  uint64_t commands = 0;
  size_t forwarded = 0;  // commands the global hasn't answered yet
  size_t reading = 0;    // reads waiting until the state here is fresh enough
  bool gated = false;    // in the dispatcher's list of those whose replies wait for a commit
  bool paused = false;   // in the dispatcher's list of those to be resumed
  // Commands asked of named clusters and not answered yet, all of the same one; and whether the
  // connection is paused until there are none, and no reply waits.
  size_t cluster_calls = 0;
  uint64_t called_cluster = 0;
  bool waits_for_clusters = false;
  bool waits_for_replies = false;  // paused until nothing forwarded or read is outstanding
  std::shared_ptr<Transaction> transaction;  // behind MULTI
  std::shared_ptr<TrackingState> tracking;   // CLIENT TRACKING is on
  std::vector<WatchedKey> watched;
  bool watch_touched = false;
  uint64_t executed_turn = 0;      // newest turn in which something of it was kept (KeptRequests)
  uint64_t blocked = 0;  // sequence of the command that may wait and isn't done (Forwarder); 0: none
  bool exec_outstanding = false;  // EXEC was forwarded, the node's own part is to be done then
};

class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;
  enum class Flow : uint8_t {
    kDone,   // executed, or its reply has a place in the queue
    kPause,  // not taken: keep it, execute nothing more until Resume()
  };
  virtual Flow OnRequest(Connection& connection, std::span<const std::string_view> args) = 0;
  // These requests follow each other and will be given one by one: a chance to prefetch.
  virtual void OnAhead(Connection& connection,
                       std::span<const protocol::RequestParser> requests) = 0;
  // Bytes came in on some connection: requests may follow. Takes the time into the environment.
  virtual void OnInput() = 0;
  // The connection ended, for whatever reason; it's deleted at the end of the turn.
  virtual void OnClosed(Connection& connection) = 0;
};

// What connections share.
struct ConnectionEnvironment {
  EventLoop* loop = nullptr;
  ConnectionHandler* handler = nullptr;
  protocol::ParseLimits limits;
  size_t query_buffer_limit = 1ull << 30;
  OutputLimit normal_output, pubsub_output;       // of clients; peers have none
  std::string shared_input;                       // sized kSharedInput at start
  std::array<protocol::RequestParser, 16> ahead;  // requests parsed before they are executed
  uint64_t turn = 1;
  cluster::Micros now = 0;         // of this turn
  std::vector<Connection*> dirty;  // to be flushed at the end of the turn
  std::vector<uint64_t> closed;    // to be deleted at the end of the turn
  // Totals, for INFO.
  uint64_t bytes_read = 0, bytes_written = 0, commands = 0;
};

class Connection {
 public:
  static constexpr size_t kSharedInput = 128 << 10;
  static constexpr size_t kOutputPause = 32 << 20;
  // One argument of another node's request: an entry (cluster::kMaxRecordBytes), or a command that
  // a client was allowed.
  static constexpr size_t kPeerBulkBytes = 2ull << 30;

  // Takes the descriptor (non-blocking).
  Connection(ConnectionEnvironment* environment, int fd, Session session);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Session& session() { return session_; }
  const Session& session() const { return session_; }
  int fd() const { return fd_; }

  ReplyQueue& replies() { return replies_; }
  const ReplyQueue& replies() const { return replies_; }
  // The queue has, or may get by a release, something to send in this turn.
  void MarkDirty();

  // Executes what waits since the handler said kPause.
  void Resume();
  bool paused() const { return paused_; }
  // Offset in bytes ever received up to which this connection has read; with executed(), tells
  // which requests had arrived at some moment.
  uint64_t received() const { return received_; }
  uint64_t executed() const { return executed_; }

  // Ends it now (without sending anything more), or after all replies made so far were sent.
  void Close();
  void CloseAfterReplies();
  bool closing() const { return closed_ || close_after_replies_; }
  bool closed() const { return closed_; }

  // At the end of the turn: writes what is released.
  void Flush();
  // Whether more output waits than a client of its class may leave unread, for as long as it may.
  // Asked after each flush, and now and then for those that get nothing more.
  bool OverOutputLimit();

  size_t input_bytes() const { return input_.size() - input_start_; }
  size_t input_capacity() const { return input_.capacity(); }

 private:
  friend class ConnectionTable;
  void OnReadable();
  void OnWritable();
  void ReadInto();
  void NoteInput();
  protocol::ParseLimits Limits() const;
  void OnReadEnd(ssize_t got);
  // Executes requests at the front of `bytes`; returns how many bytes were used.
  size_t Execute(std::string_view bytes);
  // The same for a pipeline's whole requests that one look ahead finds; 0: none.
  size_t ExecuteAhead(std::string_view bytes);
  bool ExecuteOne(std::span<const std::string_view> args, size_t size);
  void ExecuteInput();
  void ProtocolError();
  bool MayRead() const;
  // Nothing is executed, but the end of the connection is to be heard.
  bool WatchesEnd() const { return session_.blocked != 0 && !closed_ && !close_after_replies_; }

  ConnectionEnvironment* env_;
  int fd_;
  Session session_;
  protocol::RequestParser parser_;
  ReplyQueue replies_;
  std::string input_;  // bytes received and not executed; empty while the shared buffer does
  size_t input_start_ = 0;
  uint64_t received_ = 0, executed_ = 0;
  bool paused_ = false, executing_ = false;
  bool dirty_ = false;
  bool half_closed_ = false;  // the other side sends nothing more
  bool close_after_replies_ = false, closed_ = false;
  cluster::Micros over_soft_limit_since_ = 0;  // 0: it isn't over it
  FdEvent readable_, writable_;
};

}  // namespace understudy::server
