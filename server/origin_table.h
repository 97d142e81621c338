// Which forwarded commands were executed, and what they replied: part of the replicated state, so
// that a command asked again at the next global isn't executed twice.
//
// Every entry names its tag (run of the node the client is connected to, sequence) and that run's
// low mark: all its commands below have been answered. Executed tags and their replies are kept
// from the low mark on. All members see the same entries, so all have the same table.
//
// Invariants:
//  1. A tag is kept until its run's low mark passes it.
//  2. Tags below the low mark are refused: they were answered long ago.
// Limits: kMaxRuns runs (the one quiet for longest goes; a run is one life of one node's process);
// the commands of one run are bounded by its node (server/forwarder.h).
// One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "cluster/types.h"

namespace understudy::server {

struct Tag {
  uint64_t run = 0;
  uint64_t sequence = 0;
  uint64_t low = 0;  // the run's low mark when it asked
};

class OriginTable {
 public:
  static constexpr size_t kMaxRuns = 256;

  enum class Known { kNew, kExecuted, kRefused };
  struct Executed {
    cluster::Index index = 0;  // of its entry
    std::string reply;
  };
  // kExecuted: `executed` is where its reply is, valid until the table changes.
  Known Find(const Tag& tag, const Executed** executed) const;
  void Record(const Tag& tag, cluster::Index index, std::string_view reply);

  size_t runs() const { return runs_.size(); }
  size_t bytes() const { return bytes_; }
  void Clear();

  //   table := count:varint (run:u64le low:varint last:varint count:varint
  //                          (sequence:varint index:varint size:varint reply)*)*
  void Encode(std::string* out) const;
  bool Decode(std::string_view bytes);

 private:
  struct Run {
    uint64_t low = 0;
    cluster::Index last = 0;  // newest entry
    std::map<uint64_t, Executed> executed;
  };
  void DropQuietest();

  std::map<uint64_t, Run> runs_;
  size_t bytes_ = 0;  // of replies
};

}  // namespace understudy::server
