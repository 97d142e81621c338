// The one who writes: log records, promises (lock states) and snapshots, beside the event loop.
//
// The event loop's thread calls; a writer thread works, and a second one saves snapshots, which
// take long. What is done is told by events: notify_fd() becomes readable, and Deliver() hands them
// out on the caller's thread.
//
// When a record counts as persisted (fsync policy):
//   always         written and fsynced, by the writer thread; one fsync for all that waits
//   everysec, no   written to the kernel. Append() does that itself, without another thread, unless
//                  an fsync is under way or something queued is older; then the writer thread does.
//                  everysec: the writer thread fsyncs within a second.
//   memory only    at once; no log is kept
// Lock states are fsynced before they are reported, whatever the policy.
//
// Invariants:
//  1. A lock state given before records is durable before they are written.
//  2. Records are written in the order given; RecordsPersisted(c, term, i) covers all records of
//     cluster c given before.
//  3. A write or fsync that failed is never tried again: DiskFailed is reported once, and nothing
//     is reported as persisted from then on. A snapshot that can't be saved is no such failure.
//
// Limits: `max_backlog_bytes` of records wait to be written. What is above is taken (its entries
// are in the log in memory already), but overloaded() is true until half of it is gone: the caller
// must stop to propose and to accept appends.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cluster/types.h"
#include "server/data_directory.h"
#include "server/file_operations.h"
#include "server/lock_file.h"
#include "server/log_file.h"
#include "server/logger.h"
#include "server/options.h"
#include "server/snapshot_file.h"

namespace understudy::server {

// Called by LogWriter::Deliver(), on its caller's thread.
class DiskEvents {
 public:
  virtual ~DiskEvents() = default;
  virtual void OnRecordsPersisted(uint64_t cluster, cluster::Term term, cluster::Index last) = 0;
  virtual void OnLockPersisted(uint64_t cluster, uint64_t sequence) = 0;
  virtual void OnSnapshotSaved(uint64_t cluster, cluster::Index index, cluster::Term term) = 0;
  virtual void OnSnapshotFailed(uint64_t cluster, cluster::Index index, const std::string& why) = 0;
  virtual void OnDiskFailed(const std::string& why) = 0;
};

class LogWriter {
 public:
  struct Settings {
    FsyncPolicy policy = FsyncPolicy::kAlways;
    bool memory_only = false;
    uint64_t max_backlog_bytes = 256u << 20;
    uint64_t segment_bytes = 64u << 20;
    // What RecoverNode() gives to log and promises: must outlive the writer; nullptr: the real
    // ones.
    FileOperations* files = nullptr;
  };
  struct RecordsTag {
    uint64_t cluster = 0;
    cluster::Term term = 0;   // given back
    cluster::Index last = 0;  // newest index in the records
  };
  enum class AppendResult : uint8_t {
    kPersisted,  // done; no event will come
    kPending,    // OnRecordsPersisted will tell, or OnDiskFailed
  };

  // `promises` and `log` are open; `log` is null if memory_only. Begins to work. RecoverNode()
  // (server/recovery.h) makes a writer for a data directory.
  LogWriter(Settings settings, DataDirectory* directory, std::unique_ptr<LockFile> promises,
            std::unique_ptr<LogAppender> log, Logger* logger);
  ~LogWriter();  // as Stop(), if it wasn't called
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // --- the event loop's thread -------------------------------------------------------------------
  // The views may end with the call. `records` not empty.
  AppendResult Append(std::span<const std::string_view> records, const RecordsTag& tag);
  void WriteLock(uint64_t cluster, const cluster::LockState& state, uint64_t sequence);
  // One at a time is saved, others wait. Memory only: reported as saved, not written.
  void SaveSnapshot(SnapshotFile snapshot);
  // A snapshot whose bytes come bit by bit, one at a time: Begin, any number of Appends, and Finish
  // or Abort. It is written even if the log is in memory only. It takes its place in the queue with
  // SaveSnapshot(); OnSnapshotSaved or OnSnapshotFailed comes once, or nothing after an Abort.
  void BeginSnapshot(SnapshotFile about);
  void AppendSnapshot(std::string bytes);
  void FinishSnapshot();
  void AbortSnapshot();
  uint64_t snapshot_backlog_bytes() const;  // given to AppendSnapshot and not written yet
  // Records up to `index` are in a saved snapshot and needn't be kept: segments with nothing else
  // are removed, by the writer thread.
  void SetCovered(uint64_t cluster, cluster::Index index);

  bool overloaded() const { return overloaded_; }
  bool failed() const;
  // For how long a write or an fsync of log or promises has been under way; 0: there is none.
  std::chrono::microseconds busy_for() const;
  uint64_t backlog_bytes() const;

  // Readable while there are events.
  int notify_fd() const { return notify_fd_; }
  void Deliver(DiskEvents* events);

  // CONFIG SET appendfsync. Blocks for one small fsync when it gets weaker. False with `error`:
  // unchanged.
  bool SetPolicy(FsyncPolicy policy, std::string* error);
  FsyncPolicy policy() const;

  // Writes and fsyncs all that was given, ends the threads, and notes a clean stop in the data
  // directory. False: it wasn't all written. Events that came of it can still be delivered.
  bool Stop();

 private:
  struct LockWrite {
    uint64_t cluster;
    uint64_t sequence;
    std::string state;
  };
  struct Event {
    enum class Kind : uint8_t {
      kRecords,
      kLock,
      kSnapshotSaved,
      kSnapshotFailed,
      kDiskFailed
    } kind;
    uint64_t cluster = 0;
    uint64_t number = 0;  // term; lock's sequence
    cluster::Index index = 0;
    std::string text = {};
  };
  // What waits for the writer thread. Two of them take turns: one is filled, one is worked on.
  struct Queue {
    std::string bytes;  // records, in order
    std::vector<RecordsTag> tags;
    std::vector<LockWrite> locks;
    bool empty() const { return tags.empty() && locks.empty(); }
    void clear();
  };

  struct SnapshotWork {
    enum class Kind : uint8_t { kWhole, kBegin, kAppend, kFinish, kAbort } kind;
    SnapshotFile file = {};
    std::string bytes = {};
  };

  using Clock = std::chrono::steady_clock;

  // All but the threads' own functions are called with mutex_ held. Those that take `lock` give it
  // back while they touch the disk; writer_busy_ then keeps everybody else from the log.
  bool WriteDirectly(std::span<const std::string_view> records, const RecordsTag& tag);
  void AddTag(const RecordsTag& tag);
  void WriterThread();
  void SetBusy();
  bool SyncWillBeDue() const;
  bool SyncIsDue() const;
  void SyncLog(std::unique_lock<std::mutex>* lock);
  void WorkOnQueue(std::unique_lock<std::mutex>* lock);
  void DropSegments(std::unique_lock<std::mutex>* lock);
  bool WriteLocks(std::string* why);                        // without mutex_
  bool WriteRecords(FsyncPolicy policy, std::string* why);  // without mutex_
  void PushLockEvents();
  void Fail(const std::string& why);
  void Push(Event event);
  void GiveSnapshotWork(SnapshotWork work);
  void SnapshotThread();

  // Set once.
  DataDirectory* const directory_;
  Logger* const logger_;
  const int notify_fd_;
  const bool log_exists_;

  mutable std::mutex mutex_;  // guards all up to the next empty line
  Settings settings_;
  std::unique_ptr<LogAppender> log_;    // used without mutex_ by the writer thread while it's busy
  std::unique_ptr<LockFile> promises_;  // the writer thread's
  std::condition_variable wake_writer_, wake_snapshots_;
  Queue waiting_, working_;
  uint64_t backlog_bytes_ = 0;
  Clock::time_point sync_due_;  // of what is written and not fsynced, if there is anything
  bool writer_busy_ = false;
  Clock::time_point busy_since_;  // if writer_busy_
  bool stopping_ = false;
  bool failed_ = false;
  std::vector<Event> events_;
  std::deque<SnapshotWork> snapshots_;
  uint64_t snapshot_backlog_ = 0;
  std::map<uint64_t, cluster::Index> covered_;
  bool covered_changed_ = false;

  // The event loop's thread only.
  bool overloaded_ = false;
  bool stopped_ = false;
  bool clean_ = false;
  std::vector<Event> delivering_;

  std::thread writer_, snapshot_saver_;
};

}  // namespace understudy::server
