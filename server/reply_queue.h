// What a connection still has to send, in order of execution: replies that may leave, replies gated
// by the commit of an entry or by a confirmation of the lock, and places kept for replies that come
// from elsewhere (a forwarded command).
//
// Invariants:
//  1. Bytes leave in the order in which their places were made.
//  2. Nothing behind a place that may not leave yet leaves before it.
//  3. Replies merge into one segment only within one turn, so a later gate never holds back an
//     earlier turn's reply.
//  4. A ReplyPlace means the same reply from End() or Fill() on until it has left, whatever was
//     rewritten in between.
// Owned by its connection; one thread. Its size is bounded by the connection, which stops reading
// when bytes() is over its limit.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/types.h"

namespace understudy::server {

// When bytes may leave: the entry `index` is committed, and the confirmation `confirm` was given.
struct Gate {
  cluster::Index index = 0;
  uint64_t confirm = 0;
  bool OpenAt(cluster::Index commit, uint64_t confirmed) const {
    return index <= commit && confirm <= confirmed;
  }
};

// Where one reply is in its queue.
struct ReplyPlace {
  uint64_t segment = 0;  // 0: nowhere
  size_t offset = 0, size = 0;
};

class ReplyQueue {
 public:
  // Where the next reply's bytes go. Begin() gives the string to append to, End() says by what the
  // bytes appended since are gated. Nothing else may be called in between.
  std::string* Begin();
  void End(const Gate& gate, cluster::Index commit, uint64_t confirmed, uint64_t turn);
  // Forgets what was appended since Begin().
  void Cancel();

  // Keeps a place; ids are given by the caller and unique in this queue.
  void Reserve(uint64_t slot);
  // Fills a place kept; false if there is none of that id (any more).
  bool Fill(uint64_t slot, std::string_view bytes, const Gate& gate, uint64_t turn);

  // Of the reply ended or filled last.
  const ReplyPlace& last_place() const { return last_place_; }
  // Whether the reply there hasn't left.
  bool Holds(const ReplyPlace& place) const;
  // What is there. REQUIRES: Holds(place).
  std::string_view At(const ReplyPlace& place) const;
  // Replaces replies that haven't left: by a place kept (slot not 0), else by `bytes`, open.
  struct Edit {
    ReplyPlace place;
    uint64_t slot = 0;
    std::string_view bytes = {};
  };
  // In the order of the queue. `open`: whatever else is in the queue waits for nothing any more but
  // for the places before it.
  void Rewrite(std::span<const Edit> edits, bool open);

  // Everything made in this turn, what could have left included, now waits for `confirm` as well.
  void HoldTurn(uint64_t confirm, uint64_t turn);

  // Moves all that may leave to ready().
  void Release(cluster::Index commit, uint64_t confirmed);

  // Bytes that may be written to the socket; the writer takes them from the front.
  const std::string& ready() const { return ready_; }
  size_t ready_offset() const { return sent_; }
  size_t ready_bytes() const { return ready_.size() - sent_; }
  void Sent(size_t bytes);

  bool waiting() const { return !segments_.empty(); }  // something is gated or kept
  size_t slots() const { return slots_; }              // places not filled yet
  size_t bytes() const { return ready_bytes() + held_bytes_; }
  // The newest entry something here waits for; 0: none.
  cluster::Index newest_gate() const;

  // Marks the start of a turn's output in ready(), for HoldTurn().
  void MarkTurn(uint64_t turn);

 private:
  // What was ready in a turn, when it is held after all.
  static constexpr uint64_t kReadyBit = 1ull << 63;
  struct Segment {
    Gate gate;
    uint64_t slot = 0;  // not 0: a place not filled yet
    uint64_t turn = 0;
    std::string bytes;
    uint64_t id = 0;  // of places in it
    size_t base = 0;  // the offset in such places of its first byte: it was part of a longer one
  };
  const Segment* Find(const ReplyPlace& place) const;
  Segment& NewSegment() {
    segments_.emplace_back();
    segments_.back().id = next_id_++;
    return segments_.back();
  }

  std::string ready_;
  size_t sent_ = 0;
  std::deque<Segment> segments_;
  size_t slots_ = 0;
  size_t held_bytes_ = 0;

  uint64_t turn_ = 0;      // turn of turn_start_
  size_t turn_start_ = 0;  // offset in ready_ where this turn's bytes begin
  bool begun_in_ready_ = false;
  size_t begin_size_ = 0;
  uint64_t next_id_ = 1;
  ReplyPlace last_place_;
};

}  // namespace understudy::server
