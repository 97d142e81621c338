// What a cluster runs: the framework's side of a target.
//
// `kv`, `id` and `chat` implement this interface themselves; a target of a user's own implements
// the smaller one of targets/target.h, and a PluginMachine stands between
// (targets/plugin_machine.h). MainTarget (cluster `main`) and ClusterMachine (all others) put
// together what a cluster runs.
//
// One member, the global, runs Handle() for a request: it may read and change the state, writes
// the reply, and records as effects what it changed. Every other member runs Apply() on those
// effects, in the order of the log. So Apply() must be deterministic: the same state and the same
// update give the same state, on any machine, at any time.
//
// Invariants every machine keeps:
//  1. No I/O, clock, randomness or thread of its own. Time and randomness come with the context.
//  2. After Handle() with effects E, the state equals that of a copy that ran Apply(E) instead.
//  3. Handle() without effects hasn't changed the state (but for caches nobody can observe).
//  4. An error reply means: no effects, but for the deletion of keys found to have expired.
//  5. Snapshot() on equal states may differ in order, Digest() may not.
//  6. No exception leaves it.
//
// All calls come from one thread, never re-entered. The framework owns the machine; the machine
// owns its state. Views passed in are valid during the call only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/command_table.h"
#include "protocol/reply_writer.h"
#include "targets/effect.h"

namespace understudy::targets {

// Who asks: a client's connection somewhere in the cluster. CLIENT IDs begin anew with a node's
// run.
struct Client {
  std::string_view node_id;  // 40 hex digits; of the node the client is connected to
  uint64_t id = 0;           // CLIENT ID there; 0: the node itself
  uint64_t run = 0;          // of that node
};

struct Request {
  const protocol::Command* command = nullptr;  // row, already checked for arity
  std::span<const std::string_view> args;      // args[0] is the name as the client wrote it
  int db = 0;
  Client client;
  bool no_touch = false;  // CLIENT NO-TOUCH: doesn't count as use of its keys
};

// Where published messages go: to the connections that subscribed, on every node, once the entry
// is committed. `channel` for chat is "chat:<room>". For RESP3 clients that joined through
// CHAT.JOIN the push is [kind, room, message fields...]; the server does the formatting:
// `fields` are the elements that follow.
// A message that subscribers of the channel, or of the shard channel, get as it is: one field.
inline constexpr std::string_view kMessage = "message", kShardMessage = "smessage";

struct Publication {
  std::string_view channel;
  std::string_view kind;  // "chat.message", "chat.join", "chat.leave"
  std::span<const std::string_view> fields;
};

// A connection that joins or leaves a channel by what a request did (CHAT.JOIN).
class Publisher {
 public:
  virtual ~Publisher() = default;
  virtual void Publish(const Publication& publication) = 0;
  // The client, wherever it is, receives the channel's publications from this entry on.
  virtual void Subscribe(const Client& client, std::string_view channel) = 0;
  virtual void Unsubscribe(const Client& client, std::string_view channel) = 0;
  // How many times a message would be delivered on this node.
  virtual size_t Receivers(std::string_view /*channel*/, std::string_view /*kind*/) { return 0; }
};

// What a command waits for that found nothing to do (BLPOP on missing lists). The framework executes
// it again, whole, whenever one of the keys becomes ready, until it does something or fails, and
// answers it with a null array when its time is over.
struct Wait {
  bool wanted = false;
  int64_t timeout_ms = 0;              // 0: for ever
  std::vector<std::string_view> keys;  // views of the request's arguments
  // A key is ready when it holds a value of this type (KeyInfo::type); if `any_change`, also when
  // it is deleted or replaced (XREADGROUP, whose group then is gone).
  uint8_t type = 0;
  bool any_change = false;
  // Not empty: the arguments to execute it again with, where the present state gave some of them a
  // meaning (XREAD's `$`).
  std::vector<std::string> args;
};

// What the framework gives to one call.
struct Context {
  // Milliseconds since the epoch by the global's clock: never runs backwards. At Apply(): the
  // entry's time.
  int64_t now_ms = 0;
  // The log index this request's entry will get if it has effects; at Apply() the entry's index.
  uint64_t index = 0;
  // The newest committed index. Last indexes at or below it need not be remembered for DependsOn().
  uint64_t commit = 0;
  // 64 bits, different for each request.
  uint64_t random = 0;
  // A read at a local, or with READONLY: must not change anything. A key that has expired by
  // now_ms must be reported through `hit_expired`, not removed; the framework then asks the
  // global instead.
  bool read_only = false;

  protocol::ReplyWriter* reply = nullptr;  // nullptr at Apply()
  EffectWriter* effects = nullptr;         // count-only at Apply()
  Publisher* publisher = nullptr;          // never nullptr in Handle() and Apply()

  // Where a command says that it waits (Wait::wanted); it has written no reply then. nullptr: it must
  // not wait, and replies at once that there is nothing (in a transaction).
  Wait* wait = nullptr;

  // Out: the newest log index the reply depends on. Handle() raises it with DependsOn() for
  // everything it read that a not yet committed entry may have changed.
  uint64_t depends_on = 0;
  bool hit_expired = false;  // out, see read_only

  void DependsOn(uint64_t entry) {
    if (entry > depends_on) depends_on = entry;
  }
};

// What is known of a key, for WATCH and for commands that wait.
struct KeyInfo {
  bool exists = false;      // expired or not
  bool expired = false;     // it exists, but its time is over
  uint64_t last_index = 0;  // no entry behind this one has touched it; may be newer than exact
  uint8_t type = 0;         // the target's own number for what it holds; if it exists
};

// Receives a snapshot in pieces. False: stop, the snapshot is given up.
using SnapshotSink = std::function<bool(std::string_view piece)>;

// A snapshot that is made bit by bit while the target goes on: the state as of BeginSnapshot().
// What is changed before the cursor got to it is written first, as it was, and kept until the next
// Step(). The target may end before its cursor, which then fails.
class SnapshotCursor {
 public:
  enum class Status : uint8_t { kMore, kDone, kFailed };

  virtual ~SnapshotCursor() = default;  // gives the snapshot up, if it isn't done
  // About `work` units of work: one is what writing one small value costs. One value more is begun
  // as long as there is work left, so a huge value takes longer. kFailed: the sink refused, or the
  // state was replaced as a whole (Restore(), Clear()). Not to be called again after kDone,
  // kFailed.
  virtual Status Step(size_t work, const SnapshotSink& sink) = 0;
  // What the steps so far have done of the work they were given.
  virtual uint64_t work_done() const = 0;
  // Bytes that wait for the next Step().
  virtual size_t kept_bytes() const = 0;
  // How much of it is done, from 0 to 1; a guess.
  virtual double Progress() const = 0;
};

class Machine {
 public:
  virtual ~Machine() = default;

  virtual std::string_view type() const = 0;  // "kv", "id", "chat", a plug-in's

  // At the global, and for reads (context.read_only) at any member.
  virtual void Handle(const Request& request, Context& context) = 0;

  // One effect: `args[0]` names a command. Never fails on effects that Handle() made; returns
  // false on anything else, with the state unchanged.
  virtual bool Apply(int db, std::span<const std::string_view> args, Context& context) = 0;

  // The whole state, as of now. The bytes are the target's own, but for "kv", which writes the
  // body of an RDB file (see targets/kv/rdb.h).
  virtual bool Snapshot(const SnapshotSink& sink) const = 0;
  // The same bytes but for their order, in steps between which the target is used. The index of
  // every later context that changes something must be greater than those before. One at a time:
  // beginning another makes the first one fail. By itself a copy made at once, which takes as long
  // as Snapshot(): for targets whose state is small (id: 27 MB at most; chat: what its rooms hold).
  virtual std::unique_ptr<SnapshotCursor> BeginSnapshot();
  // Replaces the state. False, with an empty state and `error` set, if the bytes are damaged.
  virtual bool Restore(std::string_view snapshot, std::string* error) = 0;
  virtual void Clear() = 0;

  // Equal on all members that applied the same log; 40 hex digits, as DEBUG DIGEST.
  virtual std::string Digest() const = 0;

  // At the global, about ten times a second, and again at once while it returns true: work by
  // the clock whose effects are replicated (active expiry, timers). Bounded work a call (about
  // 1 ms). `context.reply` is nullptr.
  virtual bool OnTimer(Context& /*context*/) { return false; }
  // False: OnTimer() would do nothing before the state changes.
  virtual bool WantsTimer() const { return true; }

  // Links: the clients whose end this machine wants to hear of. The set is part of the state. One
  // call a client at least; the views are valid during the call.
  virtual void VisitLinks(const std::function<void(const Client&)>& /*visit*/) const {}
  virtual size_t links() const { return 0; }
  // At the global, as an entry of its own: that client's connection is gone. The link ends by the
  // effects of this call, so it is heard of once. A client that isn't linked: no effects.
  // `context.reply` is nullptr.
  virtual void OnExit(const Client& /*client*/, std::string_view /*reason*/, Context& /*context*/) {
  }

  // Of the state, for people (TARGET.STATE): lines that end with CR LF, "field:value" or free text.
  // Equal on all members that applied the same log.
  virtual std::string Describe() const { return {}; }
  // Not empty: the target has answered `stop`; when the entry that says so is committed the cluster
  // is to end on every node. Set by Handle(), OnExit(), OnTimer() and Apply(); part of the state.
  virtual std::string_view stop_reason() const { return {}; }
  // Versions of the formats, for INFO and TARGET.SERVERS: "state=2 updates=1"; empty: built in.
  virtual std::string Versions() const { return {}; }
  // Lines for the log since the last call: another member's version differs, a timer threw.
  virtual std::vector<std::string> TakeNotes() { return {}; }

  // At the global, when memory is short: deletes something by effects, as the options say. False:
  // nothing may go.
  virtual bool Evict(Context& /*context*/) { return false; }
  // Whether OnIdle() will give memory back that was freed already.
  virtual bool OwesMemory() const { return false; }
  // Targets with keys only. Changes nothing, not even what an access would.
  virtual KeyInfo Peek(int /*db*/, std::string_view /*key*/, int64_t /*now_ms*/) const {
    return {};
  }
  // Requests that name these keys follow: a hint to fetch what they will read into the cache.
  virtual void Prefetch(int /*db*/, std::span<const std::string_view> /*keys*/) const {}
  // On every member, between turns: upkeep without observable effect (incremental rehash).
  virtual void OnIdle() {}
};

}  // namespace understudy::targets
