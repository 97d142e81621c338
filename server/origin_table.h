// Which forwarded commands were executed, and what they replied: part of the replicated state, so
// that a command asked again at the next global isn't executed twice.
//
// Every entry names its tag (run of the node the client is connected to, sequence) and that run's
// low mark: all its commands below have been answered. Executed tags and their replies are kept
// from the low mark on. All members see the same entries, so all have the same table.
//
// Commands that a global executed for its own clients are numbered apart, in the order of their
// entries, and have no replies here: only how far they got is kept, which tells a global that was
// cut off what became of the ones it doesn't know the outcome of.
//
// Invariants:
//  1. A tag is kept until its run's low mark passes it.
//  2. Tags below the low mark are refused: they were answered long ago.
//  3. A command of a client of which a later one was executed isn't executed any more: it would
//  take
//     effect, or see the state, out of its connection's order. That is known as long as the later
//     one is kept, so at least until the earlier one is answered.
// Limits: kMaxRuns runs (the one quiet for longest goes; a run is one life of one node's process);
// the commands of one run are bounded by its node (server/forwarder.h).
// One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "cluster/types.h"

namespace understudy::server {

struct Tag {
  uint64_t run = 0;
  uint64_t sequence = 0;
  uint64_t low = 0;     // the run's low mark when it asked
  uint64_t client = 0;  // CLIENT ID at that node; 0: of no client
};

class OriginTable {
 public:
  static constexpr size_t kMaxRuns = 256;

  enum class Known { kNew, kExecuted, kRefused, kOvertaken };
  struct Executed {
    cluster::Index index = 0;  // of its entry
    uint64_t client = 0;
    std::string reply;
  };
  // kExecuted: `executed` is where its reply is, valid until the table changes.
  Known Find(const Tag& tag, const Executed** executed) const;
  void Record(const Tag& tag, cluster::Index index, std::string_view reply);
  // A command of an own client of the global whose run this is. `sequence` grows.
  void RecordOwn(uint64_t run, uint64_t sequence, cluster::Index index);
  // The newest such sequence; 0: none.
  uint64_t NewestOwn(uint64_t run) const;

  size_t runs() const { return runs_.size(); }
  size_t bytes() const { return bytes_; }
  void Clear();

  //   table := count:varint (run:u64le low:varint last:varint own:varint count:varint
  //                          (sequence:varint index:varint client:varint size:varint reply)*)*
  void Encode(std::string* out) const;
  bool Decode(std::string_view bytes);

 private:
  struct Run {
    uint64_t low = 0;
    cluster::Index last = 0;  // newest entry
    uint64_t own = 0;         // newest sequence of its own clients
    std::map<uint64_t, Executed> executed;
    std::unordered_map<uint64_t, uint64_t> newest;  // of each client, the last sequence in there
  };
  void Forget(Run* run, std::map<uint64_t, Executed>::iterator executed);
  Run& RunOf(uint64_t run);
  void DropQuietest();

  std::map<uint64_t, Run> runs_;
  // The run of the last entry, so that the global's own are cheap; nullptr: none.
  Run* newest_ = nullptr;
  uint64_t newest_run_ = 0;
  size_t bytes_ = 0;  // of replies
};

}  // namespace understudy::server
