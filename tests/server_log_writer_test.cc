#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>

#include "server/log_writer.h"
#include "server/recovery.h"
#include "tests/server_files.h"

namespace understudy::server {
namespace {

using AppendResult = LogWriter::AppendResult;

// Notes what happens to the files, holds fsyncs up, and makes calls fail.
class TestFiles : public FileOperations {
 public:
  bool Write(int fd, iovec* pieces, int count, uint64_t offset) override {
    Hold();
    if (fail_writes) return Refuse(ENOSPC);
    Note(fd, "write");
    return FileOperations::Write(fd, pieces, count, offset);
  }
  bool Sync(int fd) override {
    Hold();
    if (fail_syncs) return Refuse(EIO);
    Note(fd, "sync");
    syncs++;
    return FileOperations::Sync(fd);
  }
  std::vector<std::string> TakeNotes() {
    std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(notes_, {});
  }
  void HoldUp(bool hold) {
    std::lock_guard<std::mutex> lock(mutex_);
    hold_ = hold;
    released_.notify_all();
  }
  void WaitUntilHeld() {
    std::unique_lock<std::mutex> lock(mutex_);
    held_changed_.wait(lock, [this] { return held_ > 0; });
  }

  std::atomic<bool> fail_writes{false}, fail_syncs{false};
  std::atomic<int> syncs{0};

 private:
  void Hold() {
    std::unique_lock<std::mutex> lock(mutex_);
    held_++;
    held_changed_.notify_all();
    released_.wait(lock, [this] { return !hold_; });
    held_--;
  }
  static bool Refuse(int reason) {
    errno = reason;
    return false;
  }
  // "write log", "sync promises".
  void Note(int fd, const std::string& what) {
    std::string path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd));
    std::string name = path.substr(path.rfind('/') + 1);
    std::lock_guard<std::mutex> lock(mutex_);
    notes_.push_back(what + " " + name.substr(0, name.find('-')));
  }

  std::mutex mutex_;
  std::condition_variable released_, held_changed_;
  bool hold_ = false;
  int held_ = 0;
  std::vector<std::string> notes_;
};

class Events : public DiskEvents {
 public:
  void OnRecordsPersisted(uint64_t cluster, cluster::Term term, cluster::Index last) override {
    list.push_back("records " + std::to_string(cluster) + " " + std::to_string(term) + " " +
                   std::to_string(last));
  }
  void OnLockPersisted(uint64_t cluster, uint64_t sequence) override {
    list.push_back("lock " + std::to_string(cluster) + " " + std::to_string(sequence));
  }
  void OnSnapshotSaved(uint64_t cluster, cluster::Index index, cluster::Term term) override {
    list.push_back("snapshot " + std::to_string(cluster) + " " + std::to_string(index) + " " +
                   std::to_string(term));
  }
  void OnSnapshotFailed(uint64_t cluster, cluster::Index, const std::string& why) override {
    list.push_back("no snapshot " + std::to_string(cluster));
    last_reason = why;
  }
  void OnDiskFailed(const std::string& why) override {
    list.push_back("failed");
    last_reason = why;
  }
  std::vector<std::string> list;
  std::string last_reason;
};

class LogWriterTest : public ::testing::Test {
 protected:
  LogWriterTest() : logger_(Logger::Level::kWarning) {
    std::string error;
    EXPECT_TRUE(logger_.Open(dir_ / "test.log", &error));
    settings_.files = &files_;
  }
  ~LogWriterTest() override { files_.HoldUp(false); }

  void Start() {
    directory_ = std::make_unique<DataDirectory>();
    ASSERT_TRUE(directory_->Open(dir_ / "data", &error_)) << error_;
    ASSERT_TRUE(RecoverNode(directory_.get(), settings_, &logger_, &recovered_, &error_)) << error_;
    files_.TakeNotes();
    files_.syncs = 0;
  }
  LogWriter& writer() { return *recovered_.writer; }

  // As a kill of the process would: what the threads are doing ends, nothing is noted.
  void Crash() {
    const std::string running = dir_ / "data/running";
    const std::string note = ReadFile(running);
    recovered_.writer.reset();
    WriteFile(running, note);
    directory_.reset();
  }
  bool StopCleanly() {
    bool clean = writer().Stop();
    recovered_.writer.reset();
    directory_.reset();
    return clean;
  }

  AppendResult Append(uint64_t cluster, cluster::Term term, cluster::Index index,
                      const std::string& payload = "payload") {
    const std::string record = Record(cluster, term, index, payload);
    const std::string_view view = record;
    return writer().Append({&view, 1}, {cluster, term, index});
  }
  void WriteLock(uint64_t cluster, cluster::Term term, uint64_t sequence) {
    cluster::LockState state;
    state.term = term;
    writer().WriteLock(cluster, state, sequence);
  }
  // Waits until the last event is this one; returns all since the last call.
  std::vector<std::string> EventsUntil(const std::string& last) {
    events_.list.clear();
    while (events_.list.empty() || events_.list.back() != last) {
      pollfd ready{writer().notify_fd(), POLLIN, 0};
      if (poll(&ready, 1, 10000) != 1) {
        ADD_FAILURE() << "no " << last;
        break;
      }
      writer().Deliver(&events_);
    }
    return events_.list;
  }
  bool NothingHappensFor(int milliseconds) {
    pollfd ready{writer().notify_fd(), POLLIN, 0};
    return poll(&ready, 1, milliseconds) == 0;
  }
  // "index:term ..." of what a restart would find.
  std::string OnDisk(uint64_t cluster) {
    LogReader reader;
    EXPECT_TRUE(reader.Open(dir_ / "data", &error_)) << error_;
    EXPECT_EQ(reader.damage().path, "");
    std::string out;
    reader.ForEach(cluster, [&](const cluster::EntryView& entry, std::string_view) {
      out += std::to_string(entry.index) + ":" + std::to_string(entry.term) + " ";
    });
    return out;
  }
  cluster::Term PromisedTerm(uint64_t cluster) {
    std::map<uint64_t, std::string> states;
    cluster::LockState state;
    EXPECT_TRUE(LockFile::Read(dir_ / "data", &states, &error_)) << error_;
    EXPECT_TRUE(cluster::LockState::Decode(states[cluster], &state));
    return state.term;
  }

  TemporaryDirectory dir_;
  Logger logger_;
  TestFiles files_;
  LogWriter::Settings settings_;
  std::unique_ptr<DataDirectory> directory_;
  RecoveredNode recovered_;
  Events events_;
  std::string error_;
};

using Strings = std::vector<std::string>;

TEST_F(LogWriterTest, AlwaysMeansFsynced) {
  Start();
  EXPECT_EQ(Append(0, 1, 1), AppendResult::kPending);
  EXPECT_EQ(EventsUntil("records 0 1 1"), Strings{"records 0 1 1"});
  Strings notes = files_.TakeNotes();
  ASSERT_FALSE(notes.empty());
  EXPECT_EQ(notes.back(), "sync log");
  EXPECT_EQ(OnDisk(0), "1:1 ");
  EXPECT_TRUE(StopCleanly());
  EXPECT_FALSE(std::filesystem::exists(dir_ / "data/running"));
}

// One fsync, and one event a cluster and term, for everything that came while it was busy.
TEST_F(LogWriterTest, WhatWaitsSharesOneFsync) {
  Start();
  files_.HoldUp(true);
  Append(0, 1, 1);
  files_.WaitUntilHeld();
  for (cluster::Index i = 2; i <= 100; i++) Append(0, 1, i);
  Append(4, 9, 1);
  Append(0, 2, 101);
  files_.HoldUp(false);
  EXPECT_EQ(EventsUntil("records 0 2 101"),
            (Strings{"records 0 1 1", "records 0 1 100", "records 4 9 1", "records 0 2 101"}));
  EXPECT_EQ(files_.syncs, 2);
  EXPECT_EQ(writer().backlog_bytes(), 0u);
}

TEST_F(LogWriterTest, LockStatesAreDurableBeforeTheRecordsBehindThem) {
  for (FsyncPolicy policy : {FsyncPolicy::kAlways, FsyncPolicy::kEverySecond, FsyncPolicy::kNo}) {
    settings_.policy = policy;
    Start();
    files_.HoldUp(true);
    WriteLock(0, 5, 77);
    files_.WaitUntilHeld();
    // Without a lock that waits this would be written at once under the weaker policies.
    EXPECT_EQ(Append(0, 5, 1), AppendResult::kPending);
    files_.HoldUp(false);
    EXPECT_EQ(EventsUntil("records 0 5 1"), (Strings{"lock 0 77", "records 0 5 1"}));
    Strings notes = files_.TakeNotes();
    auto at = [&](const char* what) { return std::find(notes.begin(), notes.end(), what); };
    EXPECT_LT(at("write promises"), at("sync promises"));
    EXPECT_LT(at("sync promises"), at("write log"));
    EXPECT_EQ(at("sync log") != notes.end(), policy == FsyncPolicy::kAlways);
    EXPECT_EQ(PromisedTerm(0), 5u);
    EXPECT_TRUE(StopCleanly());
  }
}

// Given in one go: the same order.
TEST_F(LogWriterTest, LockAndRecordsGivenTogetherKeepTheirOrder) {
  Start();
  files_.HoldUp(true);
  Append(0, 1, 1);
  files_.WaitUntilHeld();
  files_.TakeNotes();
  Append(0, 1, 2);
  WriteLock(0, 2, 1);
  WriteLock(3, 2, 1);
  WriteLock(0, 3, 2);
  Append(0, 3, 2);
  files_.HoldUp(false);
  EXPECT_EQ(EventsUntil("records 0 3 2"), (Strings{"records 0 1 1", "lock 0 1", "lock 3 1",
                                                   "lock 0 2", "records 0 1 2", "records 0 3 2"}));
  EXPECT_EQ(PromisedTerm(0), 3u);
  EXPECT_EQ(PromisedTerm(3), 2u);
  EXPECT_EQ(OnDisk(0), "1:1 2:3 ");
}

TEST_F(LogWriterTest, WeakerPoliciesWriteAtOnce) {
  for (FsyncPolicy policy : {FsyncPolicy::kEverySecond, FsyncPolicy::kNo}) {
    settings_.policy = policy;
    Start();
    const auto log_size = OnDisk(1).size();
    EXPECT_EQ(Append(1, 1, log_size / 4 + 1), AppendResult::kPersisted);
    EXPECT_EQ(OnDisk(1).size(), log_size + 4);  // the kernel has it
    EXPECT_EQ(files_.syncs, 0);
    if (policy == FsyncPolicy::kEverySecond) {
      for (int i = 0; i < 300 && files_.syncs == 0; i++) usleep(10000);
      EXPECT_EQ(files_.syncs, 1);
      usleep(1200 * 1000);  // nothing new: nothing to do
      EXPECT_EQ(files_.syncs, 1);
    }
    EXPECT_TRUE(StopCleanly());
    EXPECT_EQ(files_.syncs, 1);  // `no` too, when it stops
  }
}

TEST_F(LogWriterTest, WhileAnFsyncIsUnderWayRecordsWaitInOrder) {
  settings_.policy = FsyncPolicy::kEverySecond;
  Start();
  EXPECT_EQ(Append(0, 1, 1), AppendResult::kPersisted);
  files_.HoldUp(true);
  files_.WaitUntilHeld();  // the fsync of this second
  EXPECT_EQ(Append(0, 1, 2), AppendResult::kPending);
  EXPECT_EQ(Append(0, 1, 3), AppendResult::kPending);
  EXPECT_EQ(OnDisk(0), "1:1 ");
  files_.HoldUp(false);
  EventsUntil("records 0 1 3");
  EXPECT_EQ(OnDisk(0), "1:1 2:1 3:1 ");
  while (Append(0, 1, 4) == AppendResult::kPending) EventsUntil("records 0 1 4");
}

TEST_F(LogWriterTest, MemoryOnlyKeepsPromisesAndNoRecords) {
  settings_.memory_only = true;
  Start();
  EXPECT_EQ(Append(0, 1, 1), AppendResult::kPersisted);
  files_.HoldUp(true);
  WriteLock(0, 8, 1);
  files_.WaitUntilHeld();
  EXPECT_EQ(Append(0, 8, 2), AppendResult::kPending);  // not before the promise
  files_.HoldUp(false);
  EXPECT_EQ(EventsUntil("records 0 8 2"), (Strings{"lock 0 1", "records 0 8 2"}));
  SnapshotFile snapshot;
  snapshot.index = 2;
  snapshot.term = 8;
  writer().SaveSnapshot(snapshot);
  EXPECT_EQ(EventsUntil("snapshot 0 2 8"), Strings{"snapshot 0 2 8"});
  EXPECT_TRUE(StopCleanly());
  EXPECT_EQ(PromisedTerm(0), 8u);
  EXPECT_EQ(OnDisk(0), "");
  EXPECT_TRUE(ListSnapshots(dir_ / "data").empty());
}

TEST_F(LogWriterTest, AFailureIsReportedOnceAndFinal) {
  for (bool sync : {false, true}) {
    for (FsyncPolicy policy : {FsyncPolicy::kAlways, FsyncPolicy::kNo}) {
      if (sync && policy == FsyncPolicy::kNo) continue;
      SCOPED_TRACE(sync);
      settings_.policy = policy;
      Start();
      (sync ? files_.fail_syncs : files_.fail_writes) = true;
      const cluster::Index index = OnDisk(0).size() / 4 + 1;
      EXPECT_EQ(Append(0, 1, index), AppendResult::kPending);
      EXPECT_EQ(EventsUntil("failed"), Strings{"failed"});
      EXPECT_NE(events_.last_reason.find(sync ? "Input/output error" : "No space left on device"),
                std::string::npos)
          << events_.last_reason;
      EXPECT_TRUE(writer().failed());
      files_.fail_syncs = files_.fail_writes = false;
      EXPECT_EQ(Append(0, 1, index + 1), AppendResult::kPending);
      WriteLock(0, 9, 1);
      EXPECT_TRUE(NothingHappensFor(50));
      EXPECT_FALSE(StopCleanly());
      EXPECT_TRUE(std::filesystem::exists(dir_ / "data/running"));
    }
  }
  EXPECT_NE(ReadFile(dir_ / "test.log").find("nothing is written any more"), std::string::npos);
}

TEST_F(LogWriterTest, AFailedPromiseIsAFailure) {
  Start();
  files_.HoldUp(true);
  WriteLock(0, 1, 1);
  files_.WaitUntilHeld();
  Append(0, 1, 1);
  files_.fail_syncs = true;
  files_.HoldUp(false);
  EXPECT_EQ(EventsUntil("failed"), Strings{"failed"});
  EXPECT_EQ(OnDisk(0), "");  // nothing behind it was written either
}

// The real thing: a file system that takes no more than so much.
TEST_F(LogWriterTest, AFileSizeLimitIsAFailure) {
  settings_.files = nullptr;
  Start();
  WriteLock(0, 1, 1);
  EventsUntil("lock 0 1");
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  signal(SIGXFSZ, SIG_IGN);
  rlimit small = old;
  small.rlim_cur = 3u << 20;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string payload(1u << 20, 'x');
  for (cluster::Index i = 1; i <= 4; i++) Append(0, 1, i, payload);
  EventsUntil("failed");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  EXPECT_NE(events_.last_reason.find("File too large"), std::string::npos) << events_.last_reason;
  Crash();
  settings_.files = &files_;
  Start();  // whatever was written of the last group is a torn tail
  EXPECT_FALSE(recovered_.clusters[0].lock.quarantined);
  EXPECT_LE(recovered_.clusters[0].log.last_index(), 3u);
}

TEST_F(LogWriterTest, TheBacklogIsBounded) {
  settings_.max_backlog_bytes = 100000;
  Start();
  files_.HoldUp(true);
  Append(0, 1, 1);
  files_.WaitUntilHeld();
  const std::string payload(10000, 'x');
  cluster::Index index = 1;
  while (!writer().overloaded()) {
    Append(0, 1, ++index, payload);
    ASSERT_LT(index, 20u);
  }
  EXPECT_GE(index, 10u);
  EXPECT_GT(writer().backlog_bytes(), settings_.max_backlog_bytes);
  files_.HoldUp(false);
  EventsUntil("records 0 1 " + std::to_string(index));
  EXPECT_FALSE(writer().overloaded());
  EXPECT_EQ(writer().backlog_bytes(), 0u);
}

TEST_F(LogWriterTest, SnapshotsAreSavedBesideRecordsAndCoverSegments) {
  settings_.segment_bytes = 10000;
  Start();
  const std::string payload(1000, 'x');
  for (cluster::Index i = 1; i <= 50; i++) {
    Append(0, 1, i, payload);
    EventsUntil("records 0 1 " + std::to_string(i));
  }
  SnapshotFile snapshot;
  snapshot.index = 40;
  snapshot.term = 1;
  auto data = std::make_shared<const std::string>("the state");
  snapshot.data = *data;
  snapshot.owner = data;
  writer().SaveSnapshot(snapshot);
  EXPECT_EQ(EventsUntil("snapshot 0 40 1"), Strings{"snapshot 0 40 1"});
  auto segments = [&] {
    std::vector<Segment> list;
    EXPECT_TRUE(ListSegments(dir_ / "data", &list, &error_));
    return list.size();
  };
  const size_t before = segments();
  writer().SetCovered(0, 40);
  for (int i = 0; i < 500 && segments() > before - 3; i++) usleep(10000);
  EXPECT_LE(segments(), before - 3);
  EXPECT_TRUE(StopCleanly());

  Start();
  EXPECT_EQ(recovered_.clusters[0].snapshot.index, 40u);
  EXPECT_EQ(recovered_.clusters[0].snapshot.data, "the state");
  EXPECT_EQ(recovered_.clusters[0].log.first_index(), 41u);
  EXPECT_EQ(recovered_.clusters[0].log.last_index(), 50u);
}

TEST_F(LogWriterTest, ASnapshotThatCannotBeSavedHarmsNothing) {
  Start();
  // Its name is taken by a directory.
  std::filesystem::create_directory(dir_ / "data/snapshot-0.tmp");
  SnapshotFile snapshot;
  snapshot.index = 1;
  snapshot.term = 1;
  writer().SaveSnapshot(snapshot);
  EXPECT_EQ(EventsUntil("no snapshot 0"), Strings{"no snapshot 0"});
  EXPECT_FALSE(writer().failed());
  Append(0, 1, 1);
  EventsUntil("records 0 1 1");
}

TEST_F(LogWriterTest, ThePolicyMayChange) {
  Start();
  EXPECT_EQ(Append(0, 1, 1), AppendResult::kPending);
  EventsUntil("records 0 1 1");
  ASSERT_TRUE(writer().SetPolicy(FsyncPolicy::kNo, &error_)) << error_;
  EXPECT_TRUE(ReadFile(dir_ / "data/running").starts_with("unsynced "));
  EXPECT_EQ(Append(0, 1, 2), AppendResult::kPersisted);
  const int before = files_.syncs;
  ASSERT_TRUE(writer().SetPolicy(FsyncPolicy::kAlways, &error_));
  for (int i = 0; i < 300 && files_.syncs == before; i++) usleep(10000);
  EXPECT_EQ(files_.syncs, before + 1);  // of what was written without
  EXPECT_EQ(Append(0, 1, 3), AppendResult::kPending);
  EventsUntil("records 0 1 3");
}

// A stop writes what was given, in order, and can be told afterwards.
TEST_F(LogWriterTest, StopWritesWhatWasGiven) {
  Start();
  files_.HoldUp(true);
  Append(0, 1, 1);
  files_.WaitUntilHeld();
  Append(0, 1, 2);
  WriteLock(0, 4, 1);
  files_.HoldUp(false);
  EXPECT_TRUE(writer().Stop());
  writer().Deliver(&events_);
  EXPECT_EQ(events_.list, (Strings{"records 0 1 1", "lock 0 1", "records 0 1 2"}));
  EXPECT_EQ(OnDisk(0), "1:1 2:1 ");
  EXPECT_EQ(PromisedTerm(0), 4u);
}

// Many turns as fast as they can, of several clusters, while everything is checked off.
TEST_F(LogWriterTest, ManyTurns) {
  settings_.segment_bytes = 200000;
  for (FsyncPolicy policy : {FsyncPolicy::kAlways, FsyncPolicy::kEverySecond}) {
    settings_.policy = policy;
    Start();
    std::map<uint64_t, cluster::Index> given, persisted;
    for (uint64_t cluster = 0; cluster < 3; cluster++) {
      given[cluster] = persisted[cluster] = recovered_.clusters[cluster].log.last_index();
    }
    const std::map<uint64_t, cluster::Index> begin = given;
    uint64_t locks = 0;
    for (int turn = 0; turn < 2000; turn++) {
      const uint64_t cluster = static_cast<uint64_t>(turn) % 3;
      if (turn % 100 == 50) WriteLock(cluster, 1, ++locks);
      given[cluster]++;
      if (Append(cluster, 1, given[cluster], std::string(turn % 700, 'v')) ==
          AppendResult::kPersisted) {
        persisted[cluster] = given[cluster];
      }
      if (turn % 7 == 0) writer().Deliver(&events_);
    }
    EXPECT_TRUE(writer().Stop());
    writer().Deliver(&events_);
    for (const std::string& event : events_.list) {
      uint64_t cluster = 0, term = 0, index = 0;
      if (sscanf(event.c_str(), "records %lu %lu %lu", &cluster, &term, &index) == 3) {
        EXPECT_GT(index, begin.at(cluster));
        persisted[cluster] = std::max(persisted[cluster], index);
      }
    }
    events_.list.clear();
    EXPECT_EQ(persisted, given);
    recovered_.writer.reset();
    directory_.reset();
    LogReader reader;
    ASSERT_TRUE(reader.Open(dir_ / "data", &error_));
    EXPECT_EQ(reader.torn_tail().path, "");
    for (uint64_t cluster = 0; cluster < 3; cluster++) {
      cluster::Index last = 0;
      reader.ForEach(cluster, [&](const cluster::EntryView& entry, std::string_view) {
        EXPECT_EQ(entry.index, ++last);
      });
      EXPECT_EQ(last, given[cluster]);
    }
  }
}

}  // namespace
}  // namespace understudy::server
