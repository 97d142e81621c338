#include "server/log_writer.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace understudy::server {

namespace {

constexpr auto kSyncInterval = std::chrono::seconds(1);  // everysec
// A direct write of more would keep the event loop busy for too long.
constexpr size_t kDirectBytes = 1u << 20;

// The newest index of each cluster named.
std::vector<std::pair<uint64_t, cluster::Index>> NewestOf(
    std::span<const LogWriter::RecordsTag> tags) {
  std::vector<std::pair<uint64_t, cluster::Index>> newest;
  for (const LogWriter::RecordsTag& tag : tags) {
    auto same = [&](const auto& pair) { return pair.first == tag.cluster; };
    auto found = std::find_if(newest.begin(), newest.end(), same);
    if (found == newest.end()) found = newest.insert(found, {tag.cluster, tag.last});
    found->second = std::max(found->second, tag.last);
  }
  return newest;
}

}  // namespace

void LogWriter::Queue::clear() {
  // A burst's buffer isn't kept for ever.
  constexpr size_t kKeptBytes = 4u << 20;
  if (bytes.capacity() > kKeptBytes) {
    std::string().swap(bytes);
  } else {
    bytes.clear();
  }
  tags.clear();
  locks.clear();
}

LogWriter::LogWriter(Settings settings, DataDirectory* directory,
                     std::unique_ptr<LockFile> promises, std::unique_ptr<LogAppender> log,
                     Logger* logger)
    : directory_(directory),
      logger_(logger),
      notify_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      log_exists_(log != nullptr),
      settings_(settings),
      log_(std::move(log)),
      promises_(std::move(promises)) {
  writer_ = std::thread([this] { WriterThread(); });
  snapshot_saver_ = std::thread([this] { SnapshotThread(); });
}

LogWriter::~LogWriter() {
  Stop();
  close(notify_fd_);
}

// --- the event loop's thread ---------------------------------------------------------------------

LogWriter::AppendResult LogWriter::Append(std::span<const std::string_view> records,
                                          const RecordsTag& tag) {
  size_t size = 0;
  for (std::string_view piece : records) size += piece.size();
  std::unique_lock<std::mutex> lock(mutex_);
  if (failed_) return AppendResult::kPending;
  const bool nothing_waits = waiting_.empty() && !writer_busy_;
  if (nothing_waits && log_ == nullptr) return AppendResult::kPersisted;
  if (nothing_waits && settings_.policy != FsyncPolicy::kAlways && size <= kDirectBytes) {
    return WriteDirectly(records, tag) ? AppendResult::kPersisted : AppendResult::kPending;
  }
  // A writer that is at work looks here by itself when it is done.
  const bool wake = waiting_.empty() && !writer_busy_;
  if (log_ != nullptr) {
    for (std::string_view piece : records) waiting_.bytes.append(piece);
    backlog_bytes_ += size;
    if (backlog_bytes_ > settings_.max_backlog_bytes) overloaded_ = true;
  }
  AddTag(tag);
  lock.unlock();
  if (wake) wake_writer_.notify_one();
  return AppendResult::kPending;
}

bool LogWriter::WriteDirectly(std::span<const std::string_view> records, const RecordsTag& tag) {
  const bool was_synced = !log_->unsynced();
  std::pair<uint64_t, cluster::Index> last(tag.cluster, tag.last);
  log_->set_zeros_ahead(false);
  if (!log_->Write(records, {&last, 1})) {
    Fail(std::string("Can't write the log: ") + strerror(errno));
    return false;
  }
  if (was_synced && settings_.policy == FsyncPolicy::kEverySecond) {
    sync_due_ = Clock::now() + kSyncInterval;
    wake_writer_.notify_one();  // once a second: it sleeps without a limit otherwise
  }
  return true;
}

// Tags of the same cluster and term that follow each other are one: the newest covers the others.
void LogWriter::AddTag(const RecordsTag& tag) {
  if (!waiting_.tags.empty()) {
    RecordsTag& newest = waiting_.tags.back();
    if (newest.cluster == tag.cluster && newest.term == tag.term && newest.last <= tag.last) {
      newest.last = tag.last;
      return;
    }
  }
  waiting_.tags.push_back(tag);
}

void LogWriter::WriteLock(uint64_t cluster, const cluster::LockState& state, uint64_t sequence) {
  std::string bytes = state.Encode();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (failed_) return;
    waiting_.locks.push_back({cluster, sequence, std::move(bytes)});
  }
  wake_writer_.notify_one();
}

void LogWriter::SaveSnapshot(SnapshotFile snapshot) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (log_ == nullptr || directory_ == nullptr) {
      Push({Event::Kind::kSnapshotSaved, snapshot.cluster, snapshot.term, snapshot.index});
      return;
    }
  }
  GiveSnapshotWork({SnapshotWork::Kind::kWhole, std::move(snapshot)});
}

void LogWriter::GiveSnapshotWork(SnapshotWork work) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    snapshot_backlog_ += work.bytes.size();
    snapshots_.push_back(std::move(work));
  }
  wake_snapshots_.notify_one();
}

void LogWriter::BeginSnapshot(SnapshotFile about) {
  GiveSnapshotWork({SnapshotWork::Kind::kBegin, std::move(about)});
}

void LogWriter::AppendSnapshot(std::string bytes) {
  GiveSnapshotWork({SnapshotWork::Kind::kAppend, {}, std::move(bytes)});
}

void LogWriter::FinishSnapshot() { GiveSnapshotWork({SnapshotWork::Kind::kFinish}); }

void LogWriter::AbortSnapshot() { GiveSnapshotWork({SnapshotWork::Kind::kAbort}); }

uint64_t LogWriter::snapshot_backlog_bytes() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return snapshot_backlog_;
}

void LogWriter::SetCovered(uint64_t cluster, cluster::Index index) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    cluster::Index& covered = covered_[cluster];
    if (log_ == nullptr || index <= covered) return;
    covered = index;
    covered_changed_ = true;
  }
  wake_writer_.notify_one();
}

bool LogWriter::failed() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return failed_;
}

std::chrono::microseconds LogWriter::busy_for() const {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!writer_busy_) return std::chrono::microseconds(0);
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - busy_since_);
}

uint64_t LogWriter::backlog_bytes() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return backlog_bytes_;
}

FsyncPolicy LogWriter::policy() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return settings_.policy;
}

void LogWriter::Deliver(DiskEvents* events) {
  uint64_t count = 0;
  if (read(notify_fd_, &count, sizeof(count)) < 0 && errno != EAGAIN) return;
  delivering_.clear();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    delivering_.swap(events_);
    if (backlog_bytes_ <= settings_.max_backlog_bytes / 2) overloaded_ = false;
  }
  for (const Event& event : delivering_) {
    switch (event.kind) {
      case Event::Kind::kRecords:
        events->OnRecordsPersisted(event.cluster, event.number, event.index);
        break;
      case Event::Kind::kLock:
        events->OnLockPersisted(event.cluster, event.number);
        break;
      case Event::Kind::kSnapshotSaved:
        events->OnSnapshotSaved(event.cluster, event.index, event.number);
        break;
      case Event::Kind::kSnapshotFailed:
        events->OnSnapshotFailed(event.cluster, event.index, event.text);
        break;
      case Event::Kind::kDiskFailed:
        events->OnDiskFailed(event.text);
        break;
    }
  }
}

bool LogWriter::SetPolicy(FsyncPolicy policy, std::string* error) {
  // Before anything counts as persisted without an fsync, a crash must be known to cost it.
  bool weaker = policy != FsyncPolicy::kAlways && log_exists_ && directory_ != nullptr;
  if (weaker && !directory_->NoteRunning(DataDirectory::Keeping::kUnsynced, error)) return false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    settings_.policy = policy;
    sync_due_ = Clock::now();  // of what was written under the old one
  }
  wake_writer_.notify_one();
  return true;
}

bool LogWriter::Stop() {
  if (stopped_) return clean_;
  stopped_ = true;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_writer_.notify_one();
  wake_snapshots_.notify_one();
  writer_.join();
  snapshot_saver_.join();
  clean_ = !failed_;
  std::string error;
  if (clean_ && log_ != nullptr && directory_ != nullptr && !directory_->NoteCleanStop(&error)) {
    logger_->Warning("%s", error.c_str());
    clean_ = false;
  }
  return clean_;
}

// --- the writer thread ---------------------------------------------------------------------------

void LogWriter::WriterThread() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    if (failed_) waiting_.clear();
    if (SyncIsDue()) {
      SyncLog(&lock);
    } else if (!waiting_.empty()) {
      WorkOnQueue(&lock);
    } else if (covered_changed_) {
      DropSegments(&lock);
    } else if (stopping_) {
      if (log_ != nullptr && log_->unsynced() && !failed_) SyncLog(&lock);
      if (waiting_.empty()) return;
    } else if (SyncWillBeDue()) {
      wake_writer_.wait_until(lock, sync_due_);
    } else {
      wake_writer_.wait(lock);
    }
  }
}

void LogWriter::SetBusy() {
  writer_busy_ = true;
  busy_since_ = Clock::now();
}

bool LogWriter::SyncWillBeDue() const {
  return log_ != nullptr && !failed_ && log_->unsynced() && settings_.policy != FsyncPolicy::kNo;
}

bool LogWriter::SyncIsDue() const { return SyncWillBeDue() && Clock::now() >= sync_due_; }

void LogWriter::SyncLog(std::unique_lock<std::mutex>* lock) {
  LogAppender::SyncWork work = log_->TakeSyncWork();
  SetBusy();
  lock->unlock();
  bool good = log_->Sync(work);
  std::string why = good ? "" : std::string("Can't fsync the log: ") + strerror(errno);
  lock->lock();
  writer_busy_ = false;
  sync_due_ = Clock::now() + kSyncInterval;
  if (!good) Fail(why);
}

void LogWriter::WorkOnQueue(std::unique_lock<std::mutex>* lock) {
  std::swap(waiting_, working_);
  const FsyncPolicy policy = settings_.policy;
  const bool was_synced = log_ == nullptr || !log_->unsynced();
  SetBusy();
  lock->unlock();
  std::string why;
  bool good = working_.locks.empty() || WriteLocks(&why);
  if (good && !working_.locks.empty() && !working_.tags.empty()) {
    lock->lock();  // an election needn't wait for the records
    PushLockEvents();
    lock->unlock();
  }
  good = good && (working_.bytes.empty() || WriteRecords(policy, &why));
  lock->lock();
  writer_busy_ = false;
  backlog_bytes_ -= std::min<uint64_t>(backlog_bytes_, working_.bytes.size());
  if (was_synced) sync_due_ = Clock::now() + kSyncInterval;
  if (good) {
    PushLockEvents();
    for (const RecordsTag& tag : working_.tags) {
      Push({Event::Kind::kRecords, tag.cluster, tag.term, tag.last});
    }
  } else {
    Fail(why);
  }
  working_.clear();
}

void LogWriter::PushLockEvents() {
  for (const LockWrite& write : working_.locks) {
    Push({Event::Kind::kLock, write.cluster, write.sequence});
  }
  working_.locks.clear();
}

bool LogWriter::WriteLocks(std::string* why) {
  for (LockWrite& write : working_.locks) {
    if (promises_->Set(write.cluster, std::move(write.state))) continue;
    *why = "The lock state of cluster " + std::to_string(write.cluster) + " is over a limit";
    return false;
  }
  return promises_->Write(why);
}

bool LogWriter::WriteRecords(FsyncPolicy policy, std::string* why) {
  const std::string_view bytes = working_.bytes;
  log_->set_zeros_ahead(policy == FsyncPolicy::kAlways);
  if (!log_->Write({&bytes, 1}, NewestOf(working_.tags))) {
    *why = std::string("Can't write the log: ") + strerror(errno);
    return false;
  }
  if (policy != FsyncPolicy::kAlways || log_->Sync(log_->TakeSyncWork())) return true;
  *why = std::string("Can't fsync the log: ") + strerror(errno);
  return false;
}

void LogWriter::DropSegments(std::unique_lock<std::mutex>* lock) {
  covered_changed_ = false;
  const std::map<uint64_t, cluster::Index> covered = covered_;
  SetBusy();
  lock->unlock();
  size_t dropped = log_->DropCovered(covered);
  if (dropped > 0) logger_->Verbose("Removed %zu log files that snapshots cover", dropped);
  lock->lock();
  writer_busy_ = false;
}

void LogWriter::Fail(const std::string& why) {
  if (failed_) return;
  failed_ = true;
  waiting_.clear();
  backlog_bytes_ = 0;
  logger_->Warning("%s; nothing is written any more", why.c_str());
  Push({Event::Kind::kDiskFailed, 0, 0, 0, why});
}

void LogWriter::Push(Event event) {
  const bool first = events_.empty();
  events_.push_back(std::move(event));
  if (!first) return;
  uint64_t one = 1;
  static_cast<void>(!write(notify_fd_, &one, sizeof(one)));
}

// --- the snapshots' thread -----------------------------------------------------------------------

void LogWriter::SnapshotThread() {
  using Kind = SnapshotWork::Kind;
  SnapshotFileWriter file(directory_ == nullptr ? "" : directory_->path());
  SnapshotFile about;  // of what is written bit by bit; index 0: nothing, or it failed
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    wake_snapshots_.wait(lock, [this] { return stopping_ || !snapshots_.empty(); });
    if (snapshots_.empty()) return;
    SnapshotWork work = std::move(snapshots_.front());
    snapshots_.pop_front();
    lock.unlock();
    std::string why;
    bool good = true, ends = work.kind == Kind::kWhole;
    SnapshotFile told;
    if (work.kind == Kind::kWhole) {
      told = work.file;
      good = SaveSnapshotFile(directory_->path(), work.file, &why);
    } else if (work.kind == Kind::kBegin) {
      about = std::move(work.file);
      good = file.Begin(about, &why);
    } else if (work.kind == Kind::kAbort) {
      file.Abort();
      about = SnapshotFile();
    } else if (about.index != 0) {
      ends = work.kind == Kind::kFinish;
      good = ends ? file.Finish(&why) : file.Append(work.bytes, &why);
    }
    if (work.kind != Kind::kWhole && (ends || !good)) told = std::exchange(about, SnapshotFile());
    if (!good) logger_->Warning("A snapshot couldn't be saved: %s", why.c_str());
    const size_t written = work.bytes.size();
    work = SnapshotWork{Kind::kAppend};  // lets go of the bytes before it is told
    told.data = {};
    told.owner.reset();
    lock.lock();
    snapshot_backlog_ -= written;
    if (ends || !good) {
      Push({good ? Event::Kind::kSnapshotSaved : Event::Kind::kSnapshotFailed, told.cluster,
            told.term, told.index, why});
    }
  }
}

}  // namespace understudy::server
