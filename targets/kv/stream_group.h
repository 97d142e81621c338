// A consumer group of a stream: how far it has been given entries, and which of them are pending,
// given to a consumer and not acknowledged yet.
//
// A pending entry takes 56 bytes: an item in the group's index, and its id in the consumer's.
//
// Invariants:
//  1. An id is pending in a group exactly if it is in the index of the consumer that the item
//     names, and in no other's.
//  2. entries_read is the place of last_id among all entries ever added to the stream, or kUnknown.
//
// Groups know no stream: what they say about entries is what they were told. A pending entry may be
// gone from the stream. Pointers to consumers are valid until they are removed. Throws nothing but
// std::bad_alloc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "targets/kv/id_index.h"
#include "targets/kv/stream_id.h"

namespace understudy::targets::kv {

struct StreamConsumer {
  struct Pending {
    StreamId id;
  };

  std::string_view name;       // the key in the group's map
  int64_t seen_ms = 0;         // it last asked for something
  int64_t active_ms = kNever;  // it last got something
  IdIndex<Pending> pending;

  static constexpr int64_t kNever = -1;
};

class StreamGroup {
 public:
  struct Pending {
    StreamId id;
    int64_t delivered_ms;
    uint64_t deliveries;
    StreamConsumer* consumer;
  };
  using Consumers = std::map<std::string, StreamConsumer, std::less<>>;

  static constexpr int64_t kUnknown = -1;

  StreamGroup(const StreamId& id, int64_t read) : last_id(id), entries_read(read) {}
  // A copy, with consumers and pending entries.
  explicit StreamGroup(const StreamGroup& other);
  StreamGroup& operator=(const StreamGroup&) = delete;

  StreamId last_id;
  int64_t entries_read;

  const Consumers& consumers() const { return consumers_; }
  const IdIndex<Pending>& pending() const { return pending_; }
  IdIndex<Pending>& pending() { return pending_; }

  const StreamConsumer* Find(std::string_view name) const;
  StreamConsumer* Find(std::string_view name);
  // Makes it if there is none; `made` says so.
  StreamConsumer* FindOrMake(std::string_view name, int64_t now_ms, bool* made);
  // With what is pending at it; returns how much that was.
  size_t Remove(std::string_view name);

  // An entry is given to a consumer for the first time, or, if the group's last id was set back,
  // again: then it is taken from whom it was pending at.
  void Deliver(const StreamId& id, StreamConsumer* consumer, int64_t now_ms);
  // Gives a pending entry to a consumer.
  void Move(Pending* pending, StreamConsumer* consumer);
  bool Acknowledge(const StreamId& id);  // false: it wasn't pending
  // For loading. False: it is pending already (there is no such pending entry, or it has a
  // consumer).
  bool AddPending(const StreamId& id, int64_t delivered_ms, uint64_t deliveries);
  bool Assign(const StreamId& id, StreamConsumer* consumer);

  // Frees pending entries, as IdIndex::DropSome() does; the group is of no more use then.
  bool DropSome(size_t* budget);
  size_t memory() const;

 private:
  Consumers consumers_;
  IdIndex<Pending> pending_;
};

}  // namespace understudy::targets::kv
