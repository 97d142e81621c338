#include <gtest/gtest.h>

#include <sstream>

#include "server/inspect_log.h"
#include "server/recovery.h"
#include "tests/server_files.h"

namespace understudy::server {
namespace {

class RecoveryTest : public ::testing::Test {
 protected:
  RecoveryTest() {
    std::string error;
    EXPECT_TRUE(logger_.Open(dir_ / "test.log", &error));
  }

  bool Recover() {
    directory_ = std::make_unique<DataDirectory>();
    return directory_->Open(data_, &error_) &&
           RecoverNode(directory_.get(), settings_, &logger_, &node_, &error_);
  }
  void Start() { ASSERT_TRUE(Recover()) << error_; }
  void Stop() {
    EXPECT_TRUE(node_.writer->Stop());
    node_ = RecoveredNode();
    directory_.reset();
  }
  // The process is killed: what it gave to the kernel is there. `host`: and the host restarts.
  void Crash(bool host = false) {
    std::string note = ReadFile(data_ + "/running");
    if (host) note = note.substr(0, note.find(' ')) + " an earlier boot";
    Stop();
    WriteFile(data_ + "/running", note);
  }
  void Append(cluster::Term term, cluster::Index from, cluster::Index to, uint64_t cluster = 0) {
    std::string records;
    for (cluster::Index i = from; i <= to; i++) records += Record(cluster, term, i);
    const std::string_view view = records;
    node_.writer->Append({&view, 1}, {cluster, term, to});
  }
  void Lock(cluster::Term term, uint64_t cluster = 0) {
    cluster::LockState state;
    state.term = term;
    state.granted_to = "somebody";
    node_.writer->WriteLock(cluster, state, 1);
  }
  void Snapshot(cluster::Index index, cluster::Term term) {
    SnapshotFile snapshot;
    snapshot.index = index;
    snapshot.term = term;
    snapshot.time_ms = 500;
    snapshot.data = "state";
    ASSERT_TRUE(SaveSnapshotFile(data_, snapshot, &error_)) << error_;
  }
  RecoveredCluster& main() { return node_.clusters[0]; }
  // "base/term: index:term ..."
  std::string Log(uint64_t cluster = 0) {
    const cluster::Log& log = node_.clusters[cluster].log;
    std::string out =
        std::to_string(log.base_index()) + "/" + std::to_string(log.TermAt(log.base_index())) + ":";
    log.ForEach(log.first_index(), log.last_index(), [&](const cluster::EntryView& entry) {
      EXPECT_EQ(entry.cluster, cluster);
      out += " " + std::to_string(entry.index) + ":" + std::to_string(entry.term);
    });
    return out;
  }
  std::string Logged() { return ReadFile(dir_ / "test.log"); }
  std::string FirstSegment() { return SegmentPath(data_, 1); }

  TemporaryDirectory dir_;
  const std::string data_ = dir_ / "data";
  Logger logger_;
  LogWriter::Settings settings_;
  std::unique_ptr<DataDirectory> directory_;
  RecoveredNode node_;
  std::string error_;
};

TEST_F(RecoveryTest, ANewNodeHasNothing) {
  Start();
  EXPECT_TRUE(node_.clusters.empty());
  EXPECT_EQ(Log(), "0/0:");
  Stop();
  Start();
  EXPECT_TRUE(node_.clusters.empty());
}

TEST_F(RecoveryTest, WhatWasGivenComesBack) {
  Start();
  Lock(1);
  Append(1, 1, 5);
  Lock(2);
  Append(2, 4, 6);
  Lock(9, 3);
  Append(9, 1, 2, 3);
  Stop();
  for (int i = 0; i < 3; i++) {  // again and again
    Start();
    EXPECT_EQ(Log(), "0/0: 1:1 2:1 3:1 4:2 5:2 6:2");
    EXPECT_EQ(Log(3), "0/0: 1:9 2:9");
    EXPECT_EQ(main().lock.term, 2u);
    EXPECT_EQ(main().lock.granted_to, "somebody");
    EXPECT_EQ(main().last_time_ms, 1006);
    EXPECT_FALSE(main().lock.quarantined);
    i == 1 ? Crash() : Stop();
  }
}

TEST_F(RecoveryTest, EntriesGoOnBehindTheSnapshot) {
  Start();
  Lock(3);
  Append(1, 1, 4);
  Append(3, 5, 9);
  Stop();
  Snapshot(6, 3);
  Start();
  EXPECT_EQ(Log(), "6/3: 7:3 8:3 9:3");
  EXPECT_EQ(main().snapshot.data, "state");
  EXPECT_EQ(main().last_time_ms, 1009);
  EXPECT_FALSE(main().lock.quarantined);
  Stop();
  Snapshot(100, 3);  // installed from another node: newer than all of the log
  Start();
  EXPECT_EQ(Log(), "100/3:");
  EXPECT_EQ(main().last_time_ms, 500);
  EXPECT_FALSE(main().lock.quarantined);
  Append(3, 101, 102);
  Stop();
  Start();
  EXPECT_EQ(Log(), "100/3: 101:3 102:3");
  EXPECT_FALSE(main().lock.quarantined);
}

// The log was another one than that which the snapshot comes from.
TEST_F(RecoveryTest, EntriesThatASnapshotContradictsAreDropped) {
  Start();
  Lock(5);
  Append(1, 1, 9);
  Stop();
  Snapshot(6, 5);
  Start();
  EXPECT_EQ(Log(), "6/5:");
  EXPECT_FALSE(main().lock.quarantined);
  Append(5, 7, 7);
  Stop();
  Start();
  EXPECT_EQ(Log(), "6/5: 7:5");
  EXPECT_FALSE(main().lock.quarantined);
}

TEST_F(RecoveryTest, ATornTailIsCutOffAndSaid) {
  Start();
  Lock(1);
  Append(1, 1, 3);
  Crash(true);
  const std::string bytes = ReadFile(FirstSegment());
  const size_t end = kSegmentHeaderBytes + 3 * Record(0, 1, 1).size();
  WriteFile(FirstSegment(), bytes.substr(0, end - 3));
  Start();
  EXPECT_EQ(Log(), "0/0: 1:1 2:1");
  EXPECT_FALSE(main().lock.quarantined);  // the fsync hadn't ended: nothing was acknowledged
  EXPECT_NE(Logged().find("torn tail"), std::string::npos) << Logged();
  EXPECT_NE(Logged().find(FirstSegment()), std::string::npos);
}

TEST_F(RecoveryTest, DamageMeansQuarantineUntilTheMemberSaysOtherwise) {
  Start();
  Lock(1);
  Append(1, 1, 3);
  Lock(1, 5);
  Append(1, 1, 1, 5);
  Stop();
  std::string bytes = ReadFile(FirstSegment());
  const size_t second = kSegmentHeaderBytes + Record(0, 1, 1).size();
  bytes[second + 12] ^= 1;
  WriteFile(FirstSegment(), bytes);
  Start();
  EXPECT_EQ(Log(), "0/0: 1:1");
  EXPECT_TRUE(main().lock.quarantined);
  EXPECT_TRUE(node_.clusters[5].lock.quarantined);  // its records were behind the damage
  EXPECT_NE(Logged().find(FirstSegment() + " is damaged at offset " + std::to_string(second)),
            std::string::npos)
      << Logged();
  Crash();  // before the member wrote anything
  Start();
  EXPECT_EQ(Log(), "0/0: 1:1");
  EXPECT_TRUE(main().lock.quarantined);
  EXPECT_TRUE(std::filesystem::exists(data_ + "/damaged-log-0000000000000001"));
  Lock(2);  // a state that isn't quarantined
  Append(2, 2, 2);
  Stop();
  Start();
  EXPECT_EQ(Log(), "0/0: 1:1 2:2");
  EXPECT_FALSE(main().lock.quarantined);
}

TEST_F(RecoveryTest, ADamagedSnapshotMeansQuarantine) {
  Start();
  Lock(3);
  Append(3, 1, 9);
  Stop();
  Snapshot(6, 3);
  WriteFile(data_ + "/snapshot-0-6-0.rdb", "stale");
  Start();
  EXPECT_EQ(main().snapshot.index, 0u);
  EXPECT_EQ(Log(), "0/0: 1:3 2:3 3:3 4:3 5:3 6:3 7:3 8:3 9:3");
  EXPECT_TRUE(main().lock.quarantined);
}

TEST_F(RecoveryTest, AGapBehindTheSnapshotMeansQuarantine) {
  Start();
  Lock(3);
  Append(3, 50, 52);
  Stop();
  Snapshot(6, 3);
  Start();
  EXPECT_EQ(Log(), "6/3:");
  EXPECT_TRUE(main().lock.quarantined);
}

TEST_F(RecoveryTest, APromiseOlderThanTheLogMeansQuarantine) {
  Start();
  Lock(3);
  Append(4, 1, 1);
  Stop();
  Start();
  EXPECT_EQ(main().lock.term, 4u);
  EXPECT_EQ(main().lock.granted_to, "");
  EXPECT_TRUE(main().lock.quarantined);
}

// DESIGN, section 4: restarted after its host stopped uncleanly under a policy other than always.
TEST_F(RecoveryTest, WhoMayHaveLostUnsyncedRecordsIsQuarantined) {
  struct Case {
    FsyncPolicy policy;
    bool memory_only, crash, host, quarantined;
  };
  const Case cases[] = {
      {FsyncPolicy::kAlways, false, true, true, false},
      {FsyncPolicy::kAlways, false, true, false, false},
      {FsyncPolicy::kEverySecond, false, true, true, true},
      {FsyncPolicy::kEverySecond, false, true, false, false},
      {FsyncPolicy::kEverySecond, false, false, false, false},
      {FsyncPolicy::kNo, false, true, true, true},
      {FsyncPolicy::kNo, false, false, false, false},
      {FsyncPolicy::kAlways, true, false, false, true},
      {FsyncPolicy::kAlways, true, true, false, true},
  };
  for (const Case& c : cases) {
    std::filesystem::remove_all(data_);
    settings_.policy = c.policy;
    settings_.memory_only = c.memory_only;
    Start();
    Lock(1);
    Append(1, 1, 1);
    c.crash ? Crash(c.host) : Stop();
    settings_.policy = FsyncPolicy::kAlways;  // the last run's counts
    settings_.memory_only = false;
    Start();
    EXPECT_EQ(main().lock.quarantined, c.quarantined)
        << static_cast<int>(c.policy) << c.memory_only << c.crash << c.host;
    Crash();
    Start();  // durable before this run was noted
    EXPECT_EQ(main().lock.quarantined, c.quarantined);
    Stop();
  }
}

TEST_F(RecoveryTest, WithoutPromisesANodeDoesNotStart) {
  Start();
  Lock(1);
  Append(1, 1, 1);
  Stop();
  WriteFile(data_ + "/promises", std::string(32768, '\1'));
  EXPECT_FALSE(Recover());
  EXPECT_NE(error_.find("promises is damaged"), std::string::npos) << error_;
  EXPECT_EQ(error_.find('\n'), std::string::npos);
  directory_.reset();
  EXPECT_EQ(ReadFile(data_ + "/promises"), std::string(32768, '\1'));
}

TEST_F(RecoveryTest, InspectLogShowsWhatIsThere) {
  Start();
  Lock(3);
  Append(3, 1, 2);
  Stop();
  Snapshot(1, 3);
  std::string bytes = ReadFile(FirstSegment());
  std::ostringstream out;
  ASSERT_TRUE(InspectLog(data_, out, &error_)) << error_;
  EXPECT_NE(out.str().find("cluster 0: term 3, granted to somebody"), std::string::npos)
      << out.str();
  EXPECT_NE(out.str().find("snapshot of cluster 0: index 1 term 3 time 500 bytes 5"),
            std::string::npos);
  EXPECT_NE(out.str().find("  16: cluster 0 term 3 index 1 time 1001"), std::string::npos);
  EXPECT_EQ(out.str().find("damage"), std::string::npos);
  bytes[20] ^= 1;
  WriteFile(FirstSegment(), bytes);
  std::ostringstream damaged;
  ASSERT_TRUE(InspectLog(data_, damaged, &error_)) << error_;
  EXPECT_NE(damaged.str().find("at offset 16 (damage)"), std::string::npos) << damaged.str();
  EXPECT_EQ(ReadFile(FirstSegment()), bytes);  // it only reads
  EXPECT_FALSE(InspectLog(dir_ / "missing", out, &error_));
}

}  // namespace
}  // namespace understudy::server
