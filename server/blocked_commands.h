// Commands that wait for keys (BLPOP and the like), at the global: of its own clients and of those
// of other nodes. Here is decided who is served, whose time is over, and who ends.
//
// How it works. A command of kBlocking that is executed with Context::wait and finds nothing to do
// names keys and a type there (targets/machine.h); nothing else makes a command block. Its owner
// (Forwarder for this node's clients, RemoteCommands for the others') registers it here, under the
// tag it was asked under. The key space tells of every change; keys that somebody waits for become
// ready. After each command, and after each transaction as a whole, Serve() executes the commands
// that wait for ready keys again, whole: each that now does something is an entry of its own,
// directly behind the one that made the key ready, and carries the reply to the client's node.
//
// Order, as in Redis 7.2: keys in the order in which they became ready, commands of a key by rank,
// first come first served; what serving makes ready comes in the next round.
//
// Over a failover. The client's node asks the next global again, with the rank and the deadline
// that it was told when the command was registered; ranks are made of the global's time, which
// never runs backwards, so those of later globals are greater. A command served in an entry that
// didn't survive was never served. One that keeps waiting when executed again keeps its rank.
//
// Invariants:
//  1. Only a node that may execute (ClusterHost::can_execute()) serves or ends a command.
//  2. A command is in the queues of its keys exactly while it is registered.
//  3. A command of a node to which there is no link isn't served; it stays, as long as that node's
//     run is known to go on. Its time may end; the node asks again when the link is back.
// Limits: those of who forwards (server/forwarder.h): commands and bytes a node.
// Ownership: executors outlive it. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "protocol/command_table.h"
#include "server/transaction.h"
#include "targets/kv/keyspace.h"
#include "targets/machine.h"

namespace understudy::server {

class BlockedCommands : public targets::kv::KeyspaceObserver {
 public:
  // Its tag: run of the client's node, and sequence.
  struct Id {
    uint64_t run = 0, sequence = 0;
    auto operator<=>(const Id&) const = default;
  };
  static constexpr int64_t kNoDeadline = INT64_MAX;
  // What the client's node was told of it by an earlier global, or by this one.
  struct Standing {
    uint64_t rank = 0;        // 0: none yet
    int64_t deadline_ms = 0;  // by the global's time; 0: not decided yet
    int64_t waited_ms = 0;    // what of the timeout is over, if there is no deadline yet
  };
  struct Command {
    Id id;
    const protocol::Command* row = nullptr;
    uint64_t client = 0;  // CLIENT ID at its node
    int db = 0;
    int resp = 2;
    KeptArguments args;  // those to execute it again with
    Standing standing;
  };
  enum class End : uint8_t { kTimeout, kError, kGone };
  // What PEER.UNBLOCK says.
  struct Unblocking {
    uint64_t sequence = 0;  // 0: nothing
    End end = End::kGone;
  };
  static Unblocking ParseUnblock(std::span<const std::string_view> args);

  // Who asked for a command.
  class Executor {
   public:
    virtual ~Executor() = default;
    // Whether the client's node could hear of it.
    virtual bool Reachable(const Command& command) = 0;
    // Executes it. False: it waits on. True: it was answered.
    virtual bool ExecuteBlocked(const Command& command) = 0;
    // Answers it, without having executed it.
    virtual void EndBlocked(const Command& command, std::string_view reply) = 0;
  };

  struct Hooks {
    std::function<bool()> can_execute;
    std::function<int64_t()> time_ms;  // the global's
    std::function<targets::KeyInfo(int db, std::string_view key)> peek;
    std::function<void(bool)> observe;  // whether there is somebody to hear of changes
  };
  explicit BlockedCommands(Hooks hooks) : hooks_(std::move(hooks)) {}

  // Takes a command that waits. Views in `wait` need be valid during the call only. Returns the
  // rank and the deadline it has.
  Standing Register(Command command, const targets::Wait& wait, Executor* executor);
  const Command* Find(const Id& id) const;
  // It is asked under another tag from now on. False: it isn't here.
  bool Rename(const Id& from, const Id& to);
  // Ends one as CLIENT UNBLOCK does, or (kGone) because its client has gone: then it is answered
  // too, for its place to be given up. False: it isn't here.
  bool Unblock(const Id& id, End end);
  // Forgets all of a run, without answers.
  void DropRun(uint64_t run);
  // Its keys count as ready: its node can be reached again.
  void Recheck(uint64_t run);

  bool has_ready() const { return !ready_.empty(); }
  // Serves what is ready. Cheap if nothing is.
  void Serve() {
    if (!ready_.empty()) ServeReady();
  }
  // Ends those whose time is over.
  void Expire();
  // By the global's time; kNoDeadline: there is none.
  int64_t next_deadline_ms() const {
    return deadlines_.empty() ? kNoDeadline : deadlines_.begin()->first;
  }

  size_t size() const { return commands_.size(); }
  size_t deadlines() const { return deadlines_.size(); }
  size_t keys() const;
  size_t keys_of_any_change() const;  // with commands that wait for the end of the key too

  // KeyspaceObserver
  void OnChange(int db, std::string_view key, targets::kv::Change change,
                std::string_view event) override;
  void OnDatabaseChanged(int db) override;

 private:
  struct Waiting {
    Command command;
    Executor* executor;
    std::set<std::string> keys;
    uint8_t type;
    bool any_change;
  };
  using Rank = std::pair<uint64_t, Id>;
  struct Queue {
    std::map<Rank, Waiting*> waiting;
    size_t any_change = 0;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Queues = std::unordered_map<std::string, Queue, Hash, std::equal_to<>>;
  struct ReadyKey {
    int db;
    std::string key;
    auto operator<=>(const ReadyKey&) const = default;
  };

  static Rank RankOf(const Waiting& waiting) {
    return {waiting.command.standing.rank, waiting.command.id};
  }
  Queue* FindQueue(int db, std::string_view key);
  void Enqueue(Waiting* waiting);
  void Dequeue(Waiting* waiting);
  std::unique_ptr<Waiting> Remove(const Id& id);
  void MarkReady(int db, std::string_view key);
  bool IsReady(const Waiting& waiting, std::string_view key);
  void ServeReady();
  void ServeKey(const ReadyKey& ready);

  Hooks hooks_;
  std::map<Id, std::unique_ptr<Waiting>> commands_;
  std::unordered_map<int, Queues> queues_;  // by database
  std::set<std::pair<int64_t, Id>> deadlines_;
  std::vector<ReadyKey> ready_;  // in order
  std::set<ReadyKey> is_ready_;  // the same, to have each once
  uint64_t last_rank_ = 0;
  bool serving_ = false;
};

}  // namespace understudy::server
