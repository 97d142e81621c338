// Commands of this node's clients for one named cluster (server/named_cluster.h): asked of its
// global under a tag, wherever that is, until a reply comes that can't be taken back.
//
// Unlike those of `main` (server/forwarder.h) they are asked in the same way when this node is the
// cluster's global itself, and a reply takes its place in the connection's queue only when it is
// final. So no connection's queue ever waits for the log of more than one cluster.
//
// Invariants:
//  1. A call has one tag (this node's run, its number here) as long as it lives; numbers are never
//     used again in a run. The global's table of tags executes it once.
//  2. Replies without an entry count for the newest attempt only.
//  3. Answer is called once a call.
// Limits: kMaxOutstanding calls, kMaxBytes of arguments; above, connections pause.
// One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/types.h"
#include "protocol/command_table.h"

namespace understudy::server {

class ClusterCalls {
 public:
  static constexpr size_t kMaxOutstanding = 100000;
  static constexpr size_t kMaxBytes = 64u << 20;

  struct Call {
    const protocol::Command* row = nullptr;
    uint64_t connection = 0;  // 0: nobody waits
    uint64_t client = 0;      // CLIENT ID, also when the connection is gone
    uint64_t slot = 0;        // in the connection's queue; 0: no reply wanted
    int db = 0, resp = 2;
    cluster::Micros asked_at = 0, deadline = 0;
    std::string bytes = {};  // the arguments one after the other
    std::vector<uint32_t> sizes = {};
    bool sent = false;  // it may have been executed
    bool done = false;
  };
  // `reply` empty: it may have been executed, and nobody can tell its reply.
  using Answer = std::function<void(const Call& call, std::string_view reply)>;

  explicit ClusterCalls(Answer answer) : answer_(std::move(answer)) {}

  void Add(Call call, std::span<const std::string_view> args);
  bool full() const { return outstanding_ >= kMaxOutstanding || bytes_ >= kMaxBytes; }
  size_t outstanding() const { return outstanding_; }
  bool has_unsent() const { return outstanding_ > 0 && unsent_from_ < calls_.size(); }

  // Some of what wasn't sent in this attempt, as PEER.FORWARD carries it. False: there is nothing.
  bool TakeBatch(std::string* batch);
  uint64_t attempt() const { return attempt_; }
  uint64_t low() const { return first_; }  // all numbers below are done

  // The global, its term or the link to it changed.
  void AskAgain();
  // A reply from an entry, or (with its attempt) from the global.
  void OnReply(uint64_t number, std::string_view reply);
  void OnReply(uint64_t number, uint64_t attempt, std::string_view reply);
  // What waited too long gets an error, or no reply if it may have been executed.
  void Expire(cluster::Micros now);

 private:
  Call* Find(uint64_t number);
  void Finish(Call* call, std::string_view reply);

  Answer answer_;
  std::deque<Call> calls_;  // [0] has number first_
  uint64_t first_ = 1;
  size_t unsent_from_ = 0;
  size_t outstanding_ = 0, bytes_ = 0;
  uint64_t attempt_ = 1;
};

}  // namespace understudy::server
