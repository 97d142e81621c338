// The node's log on disk: segments of records (cluster/record.h), shared by all its clusters.
//
//   <dir>/log-<number, 16 hex digits>   ascending
//   segment := "USLOG\0\0\1" number:u64le group* zeros
//   group   := record+ mark
//   mark    := 0:u32le crc:u32le        crc: CRC-32C of (number:u64le, the mark's offset:u64le)
//
// A group is what one write gave to the kernel; its mark comes last, so a group with a mark is
// complete. Zeros, or the end of the file, end a segment: it is written ahead of the records
// with zeros where every write is fsynced, because an fsync that changes no block map costs less
// (4 KiB on ext4 on a virtual disk: 135 us instead of 205 us).
//
// Reading (Reader):
//  1. A record at index i replaces its cluster's records from i on. A record beyond last+1 starts
//     that cluster's log anew: a snapshot covers what is before it.
//  2. Torn tail: bytes behind the last good record of the newest segment that has any, if no mark
//     follows; or if one follows as the very last bytes and a whole disk sector of that group is
//     zero: the disk got the end of an unfinished write and not its beginning. It is cut off.
//  3. Anything else that isn't a record is damage. Records behind it are not delivered.
// Reading changes nothing on disk; Repair() does, when what follows from it is durable elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/record.h"
#include "server/file_operations.h"

namespace understudy::server {

inline constexpr size_t kSegmentHeaderBytes = 16;
inline constexpr size_t kMarkBytes = 8;

// One file, and the newest index of each cluster that has records in it.
struct Segment {
  uint64_t number = 0;
  std::string path;
  std::map<uint64_t, cluster::Index> last;
};

// What is wrong with a log, and where.
struct LogFlaw {
  std::string path;  // empty: nothing
  uint64_t offset = 0;
  std::string what;
};

class LogReader {
 public:
  using Visit = std::function<void(const cluster::EntryView& entry, std::string_view record)>;

  // Scans the whole log. False, with `error` one line: it can't be read at all.
  bool Open(const std::string& dir, std::string* error);

  const LogFlaw& torn_tail() const { return torn_tail_; }
  const LogFlaw& damage() const { return damage_; }
  const std::vector<Segment>& segments() const { return segments_; }
  uint64_t next_number() const { return segments_.empty() ? 1 : segments_.back().number + 1; }

  // The surviving records of one cluster, in the order of their indexes. Reads the files again,
  // one mapped at a time. False: they changed meanwhile.
  bool ForEach(uint64_t cluster, const Visit& visit) const;
  std::vector<uint64_t> clusters() const;

  // Makes the log on disk as it was delivered: cuts the torn tail off; keeps what is damaged, and
  // what comes after, under the name damaged-<segment> and drops it from the log; removes empty
  // segments at the end. Durable.
  bool Repair(std::string* error);

 private:
  // Consecutive records of a cluster in one segment; other clusters' may be between them.
  struct Run {
    size_t segment;
    uint64_t offset;  // of the first
    cluster::Index first, last;
  };
  bool ScanSegment(size_t at, bool newest, std::string_view bytes);
  void Note(size_t segment, uint64_t offset, const cluster::EntryView& entry);
  bool CutTornTail(std::string* error);
  bool PutDamagedAside(std::string* error);

  std::string dir_;
  std::vector<Segment> segments_;
  std::map<uint64_t, std::vector<Run>> runs_;
  LogFlaw torn_tail_, damage_;
  size_t flawed_ = 0;  // place in segments_ of the one with a flaw
  size_t used_ = 0;    // segments behind these are empty
};

// Appends to the log. One thread at a time.
class LogAppender {
 public:
  struct Options {
    uint64_t segment_bytes = 64u << 20;  // a new segment is begun when the next group won't fit
    bool zeros_ahead = true;             // for appendfsync always
  };
  // `files` must outlive the object; nullptr: the real ones.
  LogAppender(std::string dir, Options options, FileOperations* files);
  ~LogAppender();
  LogAppender(const LogAppender&) = delete;
  LogAppender& operator=(const LogAppender&) = delete;

  // Begins a new segment behind those read. False with `error`.
  bool Open(std::vector<Segment> segments, uint64_t next_number, std::string* error);

  // Writes one group: `records` are whole records, `last` the newest index of each cluster in it.
  // False: failed, and errno says why; nothing may be written any more.
  bool Write(std::span<const std::string_view> records,
             std::span<const std::pair<uint64_t, cluster::Index>> last);
  // What Sync() has to do, taken under the caller's lock and done outside it, so that Write() may
  // go on meanwhile.
  struct SyncWork {
    std::vector<int> fds;        // the newest segment's last
    std::vector<int> close_fds;  // to be closed afterwards
    bool directory = false;
  };
  SyncWork TakeSyncWork();
  bool Sync(const SyncWork& work);
  bool unsynced() const { return unsynced_; }
  void set_zeros_ahead(bool zeros_ahead) { options_.zeros_ahead = zeros_ahead; }

  // Removes the oldest segments whose records are all covered: `covered` has the newest index of
  // each cluster that isn't needed any more. Returns how many; 0 also when they can't be removed.
  size_t DropCovered(const std::map<uint64_t, cluster::Index>& covered);
  const std::vector<Segment>& segments() const { return segments_; }

 private:
  bool BeginSegment(uint64_t number);
  bool WriteZerosAhead(uint64_t end);

  std::string dir_;
  Options options_;
  FileOperations real_files_;
  FileOperations* files_;
  std::vector<Segment> segments_;  // the last one is written to
  int fd_ = -1;
  uint64_t offset_ = 0;       // next write
  uint64_t zeros_until_ = 0;  // the file has that length at least
  bool unsynced_ = false;
  bool directory_changed_ = false;
  std::vector<int> old_fds_;  // complete segments that aren't fsynced yet
  int directory_fd_ = -1;
  std::vector<iovec> pieces_;  // reused
};

std::string SegmentPath(const std::string& dir, uint64_t number);
// All segments in a directory, by number.
bool ListSegments(const std::string& dir, std::vector<Segment>* segments, std::string* error);

std::string SegmentHeader(uint64_t number);
// Of a group's mark.
uint32_t MarkChecksum(uint64_t segment_number, uint64_t offset);
// Visits the records of a segment in order, up to the first bytes that are neither record nor mark
// nor the zeros at the end. Returns where those bytes are; `bytes.size()` or more: there are none.
// A wrong header: 0.
uint64_t WalkSegment(std::string_view bytes, uint64_t number,
                     const std::function<void(uint64_t offset, const cluster::EntryView& entry,
                                              std::string_view record)>& visit);

}  // namespace understudy::server
