// Requests of this node's own clients that it executed as the global and whose replies haven't
// left: kept so that those that turn out not to have happened can be executed again by the next
// global.
//
// While this node holds the lock, what it executed and didn't get committed is undecided; only a
// committed entry tells the outcome (ClusterClients::OnOutcome). Then, for each connection, in
// order of execution:
//   - everything up to its last request whose entry survived has happened, reads included: an entry
//     that survived proves that no other global had begun before them;
//   - every later one whose reply hasn't left never happened, and is executed again.
//
// On the hot path a request costs one copy of its arguments into a buffer that its turn shares and
// that is used again; nothing is looked at until the outcome is needed.
//
// Invariants:
//  1. Requests are kept in order of execution; a turn's go all at once, when all it waits for is
//     committed and confirmed.
//  2. A connection of which something is kept executes nothing elsewhere (Holds()).
// Limit: kMaxBytes of arguments, and one request more; full() is true above: connections pause.
// One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/command_table.h"
#include "server/reply_queue.h"

namespace understudy::server {

struct Transaction;

class KeptRequests {
 public:
  static constexpr size_t kMaxBytes = 128u << 20;

  enum class Kind : uint8_t {
    kTarget,       // the target executed it
    kNode,         // the node answered it, from a state that may be taken back
    kPublication,  // nothing was asked: a message to a subscriber
    kAborted,      // EXEC that touched keys made fail: fails again
  };
  struct Request {
    Kind kind = Kind::kTarget;
    bool wrote = false;    // it has an entry, `index`
    bool let_go = false;   // it took too long (server/long_command.h)
    bool watched = false;  // EXEC of watched keys: fails when it is asked again
    uint8_t resp = 2;
    int db = 0;
    uint64_t connection = 0;
    const protocol::Command* row = nullptr;
    cluster::Index index = 0;  // the reply waits for this entry
    uint64_t sequence = 0;     // of the tag (ClusterHost::own_sequence())
    ReplyPlace place;          // segment 0: no reply was wanted
    // Set by Add().
    uint32_t arguments = 0;
    uint32_t transaction = 0;  // counts from 1; 0: none
  };

  // Executed in this turn. The arguments are copied. `transaction`: EXEC with the node's own
  // replies in it.
  void Add(uint64_t turn, const Request& request, std::span<const std::string_view> args,
           std::shared_ptr<Transaction> transaction = nullptr);
  // All replies of this turn wait for `confirm` too.
  void HoldTurn(uint64_t turn, uint64_t confirm);
  // Forgets turns before `turn` that wait for nothing more.
  // Whether there were any.
  bool Release(cluster::Index commit, uint64_t confirmed, uint64_t turn);
  void Clear();

  bool empty() const { return turns_.empty(); }
  bool full() const { return bytes_ >= kMaxBytes; }
  size_t bytes() const { return bytes_; }
  // Whether something of a connection is kept that executed here last in this turn (0: never).
  bool Holds(uint64_t last_turn) const {
    return last_turn != 0 && !turns_.empty() && last_turn >= turns_.front().turn;
  }

  // `visit(request, args, transaction)` for all, in order of execution; views are valid until the
  // next change.
  template <typename Visit>
  void ForEach(const Visit& visit) const {
    std::vector<std::string_view> args;
    for (const Turn& turn : turns_) {
      std::string_view bytes = turn.bytes;
      const uint32_t* size = turn.sizes.data();
      for (const Request& request : turn.requests) {
        args.clear();
        for (uint32_t i = 0; i < request.arguments; ++i, ++size) {
          args.push_back(bytes.substr(0, *size));
          bytes.remove_prefix(*size);
        }
        visit(request, std::span<const std::string_view>(args),
              request.transaction == 0 ? nullptr : turn.transactions[request.transaction - 1]);
      }
    }
  }

 private:
  // What is used again; buffers above this size are given back.
  static constexpr size_t kReusedTurns = 8, kReusedBytes = 1u << 20;
  struct Turn {
    uint64_t turn = 0;
    Gate gate;  // the newest of all
    std::vector<Request> requests;
    std::string bytes;  // of all arguments, one after the other
    std::vector<uint32_t> sizes;
    std::vector<std::shared_ptr<Transaction>> transactions;
  };
  void Recycle(Turn turn);

  std::deque<Turn> turns_;
  std::vector<Turn> spare_;
  size_t bytes_ = 0;
};

}  // namespace understudy::server
