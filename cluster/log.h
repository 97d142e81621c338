// The in-memory part of a member's log: the newest records, in contiguous chunks so that a range
// of entries is one run of bytes. Older records are in the node's log file or in a snapshot.
//
// Invariants:
//  1. first_index()-1 is the base: its term is known, its record is gone (0/0 for a new log).
//  2. Entries are contiguous from first_index() to last_index(); terms never decrease.
//  3. A view returned stays valid until its entries are truncated or dropped; appending never moves
//     bytes.
// Limits: a chunk holds 1 MiB, or one batch of records or one entry that is bigger. One thread.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/record.h"
#include "cluster/types.h"

namespace understudy::cluster {

class Log {
 public:
  explicit Log(uint64_t cluster = 0) : cluster_(cluster) {}

  void Reset(Index base_index, Term base_term);  // forgets everything

  Index base_index() const { return base_index_; }
  Index first_index() const { return base_index_ + 1; }
  Index last_index() const { return last_index_; }
  Term last_term() const { return last_term_; }
  size_t bytes() const { return bytes_; }  // of records held

  // Encodes an entry behind the last one; returns its index. REQUIRES: payload.size() <=
  // kMaxPayloadBytes, term >= last_term(), time_ms >= 0.
  Index Append(Term term, int64_t time_ms, EntryType type, std::string_view payload);
  // Appends records as received; the caller has checked that they fit. Returns false, with the
  // log unchanged, if they aren't well formed, of this cluster, or not contiguous from last+1.
  bool AppendRecords(std::string_view records);

  bool Has(Index index) const { return index > base_index_ && index <= last_index_; }
  // The term of an entry, the base included; 0 if it isn't known here.
  Term TermAt(Index index) const;
  bool Get(Index index, EntryView* entry) const;

  // Records from `from` on, at most `max_bytes` (at least one record, if there is one); all of one
  // chunk, so perhaps fewer. `last` gets the last index contained; from-1 if there is none.
  std::string_view Range(Index from, size_t max_bytes, Index* last) const;

  // Calls `visit` for those of from..to that are held, in order. `visit` must not change the log.
  void ForEach(Index from, Index to, const std::function<void(const EntryView&)>& visit) const;

  // Drops entries behind `last`. REQUIRES: last >= base_index().
  void TruncateAfter(Index last);
  // Drops whole chunks from the front that hold nothing behind `upto`; returns the new base.
  Index DropUpTo(Index upto);

 private:
  struct Chunk {
    Index first = 0;
    std::string bytes;
    std::vector<uint32_t> ends;  // ends[i]: offset behind record first+i
    Index last() const { return first + ends.size() - 1; }
    std::string_view Record(Index index) const;
  };
  struct TermRun {
    Index first;  // entries from here to the next run's have this term
    Term term;
  };
  const Chunk* FindChunk(Index index) const;
  Chunk& TailFor(size_t more);
  void NoteTerm(Index index, Term term);

  uint64_t cluster_;
  std::deque<Chunk> chunks_;   // none is empty
  std::deque<TermRun> runs_;   // of the entries held, ascending
  Index base_index_ = 0;
  Term base_term_ = 0;
  Index last_index_ = 0;
  Term last_term_ = 0;
  size_t bytes_ = 0;
};

}  // namespace understudy::cluster
