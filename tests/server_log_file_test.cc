#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "cluster/coding.h"
#include "server/log_file.h"
#include "tests/server_files.h"

namespace understudy::server {
namespace {

using Entries = std::vector<std::pair<cluster::Index, cluster::Term>>;

struct Written {
  uint64_t cluster;
  cluster::Term term;
  cluster::Index index;
  std::string payload = "payload";
};

class LogFileTest : public ::testing::Test {
 protected:
  void Open(LogAppender::Options options = {}) {
    LogReader reader;
    ASSERT_TRUE(reader.Open(dir_.path(), &error_)) << error_;
    ASSERT_TRUE(reader.Repair(&error_)) << error_;
    log_ = std::make_unique<LogAppender>(dir_.path(), options, nullptr);
    ASSERT_TRUE(log_->Open(reader.segments(), reader.next_number(), &error_)) << error_;
  }

  // One group.
  void Write(const std::vector<Written>& entries) {
    std::vector<std::string> records;
    std::vector<std::string_view> views;
    std::vector<std::pair<uint64_t, cluster::Index>> last;
    for (const Written& entry : entries) {
      records.push_back(Record(entry.cluster, entry.term, entry.index, entry.payload));
      last.emplace_back(entry.cluster, entry.index);
    }
    for (const std::string& record : records) views.push_back(record);
    ASSERT_TRUE(log_->Write(views, last));
    ASSERT_TRUE(log_->Sync(log_->TakeSyncWork()));
  }

  static Entries EntriesOf(const LogReader& reader, uint64_t cluster) {
    Entries entries;
    EXPECT_TRUE(
        reader.ForEach(cluster, [&](const cluster::EntryView& entry, std::string_view record) {
          EXPECT_EQ(entry.cluster, cluster);
          entries.emplace_back(entry.index, entry.term);
          cluster::EntryView again;
          size_t size = 0;
          EXPECT_EQ(cluster::ReadRecord(record, &again, &size), cluster::RecordStatus::kOk);
          EXPECT_EQ(size, record.size());
        }));
    return entries;
  }

  Entries Read(uint64_t cluster) {
    LogReader reader;
    EXPECT_TRUE(reader.Open(dir_.path(), &error_)) << error_;
    EXPECT_EQ(reader.torn_tail().path, "");
    EXPECT_EQ(reader.damage().path, "");
    return EntriesOf(reader, cluster);
  }

  TemporaryDirectory dir_;
  std::unique_ptr<LogAppender> log_;
  std::string error_;
};

TEST_F(LogFileTest, AnEmptyDirectoryIsAnEmptyLog) {
  LogReader reader;
  ASSERT_TRUE(reader.Open(dir_.path(), &error_));
  EXPECT_TRUE(reader.clusters().empty());
  EXPECT_EQ(reader.next_number(), 1u);
  EXPECT_FALSE(reader.Open(dir_ / "missing", &error_));
  // A log that was begun and not written to leaves nothing behind.
  Open();
  Open();
  EXPECT_EQ(dir_.Names(), std::vector<std::string>{"log-0000000000000001"});
}

TEST_F(LogFileTest, KeepsClustersApart) {
  Open();
  Write({{0, 1, 1}, {7, 1, 1}, {0, 1, 2}});
  Write({{7, 2, 2}, {0, 2, 3}});
  EXPECT_EQ(Read(0), (Entries{{1, 1}, {2, 1}, {3, 2}}));
  EXPECT_EQ(Read(7), (Entries{{1, 1}, {2, 2}}));
  EXPECT_EQ(Read(1), Entries());
}

TEST_F(LogFileTest, ARecordReplacesThoseFromItsIndexOn) {
  Open();
  Write({{0, 1, 1}, {0, 1, 2}, {0, 1, 3}, {9, 1, 1}, {0, 1, 4}});
  Write({{0, 2, 3}});
  EXPECT_EQ(Read(0), (Entries{{1, 1}, {2, 1}, {3, 2}}));
  Open();  // a new segment
  Write({{0, 3, 2}, {0, 3, 3}, {9, 1, 2}});
  EXPECT_EQ(Read(0), (Entries{{1, 1}, {2, 3}, {3, 3}}));
  Write({{0, 4, 1}});
  EXPECT_EQ(Read(0), (Entries{{1, 4}}));
  Write({{0, 4, 2}, {0, 4, 3}, {0, 5, 3}});  // within one group too
  EXPECT_EQ(Read(0), (Entries{{1, 4}, {2, 4}, {3, 5}}));
  EXPECT_EQ(Read(9), (Entries{{1, 1}, {2, 1}}));
}

TEST_F(LogFileTest, ARecordBehindAGapStartsAnew) {
  Open();
  Write({{0, 1, 1}, {0, 1, 2}});
  Write({{0, 3, 100}, {0, 3, 101}});
  EXPECT_EQ(Read(0), (Entries{{100, 3}, {101, 3}}));
  Write({{0, 4, 50}});  // below all that is kept
  EXPECT_EQ(Read(0), (Entries{{50, 4}}));
}

TEST_F(LogFileTest, SegmentsFollowEachOtherAndGoWhenCovered) {
  LogAppender::Options options;
  options.segment_bytes = 4096;
  Open(options);
  const std::string payload(500, 'p');
  Entries expected;
  for (cluster::Index i = 1; i <= 100; i++) {
    Write({{0, 1, i, payload}});
    expected.emplace_back(i, 1);
  }
  Write({{0, 1, 101, std::string(10000, 'q')}});  // more than a segment
  expected.emplace_back(101, 1);
  Write({{0, 1, 102, payload}, {3, 1, 1, payload}});
  expected.emplace_back(102, 1);
  EXPECT_GT(log_->segments().size(), 10u);
  EXPECT_EQ(Read(0), expected);

  size_t before = log_->segments().size();
  EXPECT_EQ(log_->DropCovered({{3, 1000}}), 0u);
  EXPECT_EQ(log_->DropCovered({{0, 1}}), 0u);
  size_t dropped = log_->DropCovered({{0, 50}});
  EXPECT_GT(dropped, 3u);
  EXPECT_EQ(log_->segments().size(), before - dropped);
  Entries rest = Read(0);
  ASSERT_FALSE(rest.empty());
  EXPECT_LE(rest.front().first, 51u);
  EXPECT_GT(rest.front().first, 40u);
  EXPECT_EQ(rest.back().first, 102u);
  // The one that is written to stays, whatever is covered.
  log_->DropCovered({{0, 1000}, {3, 1000}});
  EXPECT_EQ(log_->segments().size(), 1u);
  Write({{0, 1, 103, payload}});
  EXPECT_EQ(Read(0).back().first, 103u);
}

TEST_F(LogFileTest, WhatDropsKnowsOfSegmentsThatWereRead) {
  Open();
  Write({{0, 1, 1}, {5, 1, 1}});
  Open();
  Write({{0, 1, 2}});
  Open();
  EXPECT_EQ(log_->DropCovered({{0, 2}}), 0u);
  EXPECT_EQ(log_->DropCovered({{0, 2}, {5, 1}}), 2u);
}

// What a write leaves that was stopped at any byte, in a file with zeros ahead and without.
class TornTailTest : public LogFileTest, public ::testing::WithParamInterface<bool> {};

TEST_P(TornTailTest, AtEveryByteOfTheLastGroup) {
  LogAppender::Options options;
  options.zeros_ahead = GetParam();
  Open(options);
  Write({{0, 1, 1}, {0, 1, 2}});
  const std::string path = log_->segments().back().path;
  const size_t begin = kSegmentHeaderBytes + 2 * Record(0, 1, 1).size() + kMarkBytes;
  Write({{0, 1, 3, "the third"}, {0, 1, 4, "the fourth, which ends in zeros" + std::string(9, 0)}});
  const std::string whole = ReadFile(path);
  const size_t third = Record(0, 1, 3, "the third").size();
  const size_t both =
      third + Record(0, 1, 4, "the fourth, which ends in zeros" + std::string(9, 0)).size();
  log_.reset();
  for (size_t torn = 0; torn <= both + kMarkBytes; torn++) {
    SCOPED_TRACE(torn);
    std::string bytes = whole.substr(0, begin + torn);
    if (GetParam()) bytes.resize(whole.size(), '\0');
    WriteFile(path, bytes);
    LogReader reader;
    ASSERT_TRUE(reader.Open(dir_.path(), &error_));
    EXPECT_EQ(reader.damage().path, "");
    Entries expected{{1, 1}, {2, 1}};
    // The bytes that a record ends with may be zeros: the file has them already.
    const size_t zeros = GetParam() ? 9 : 0;
    if (torn >= third) expected.emplace_back(3, 1);
    if (torn >= both - zeros) expected.emplace_back(4, 1);
    EXPECT_EQ(EntriesOf(reader, 0), expected);

    ASSERT_TRUE(reader.Repair(&error_)) << error_;
    EXPECT_EQ(Read(0), expected);  // has neither torn tail nor damage
    LogAppender log(dir_.path(), options, nullptr);
    LogReader repaired;
    ASSERT_TRUE(repaired.Open(dir_.path(), &error_));
    ASSERT_TRUE(log.Open(repaired.segments(), repaired.next_number(), &error_));
    const std::string next = Record(0, 2, expected.back().first + 1);
    const std::string_view view = next;
    const std::pair<uint64_t, cluster::Index> last(0, expected.back().first + 1);
    ASSERT_TRUE(log.Write({&view, 1}, {&last, 1}));
    expected.emplace_back(last.second, 2);
    EXPECT_EQ(Read(0), expected);
    std::filesystem::remove(log.segments().back().path);
  }
}

INSTANTIATE_TEST_SUITE_P(ZerosAhead, TornTailTest, ::testing::Bool());

// The disk wrote the end of the last group and not one of its sectors.
TEST_F(LogFileTest, ALostSectorOfTheLastGroupIsATornTail) {
  Open();
  Write({{0, 1, 1}});
  const std::string path = log_->segments().back().path;
  const size_t begin = kSegmentHeaderBytes + Record(0, 1, 1).size() + kMarkBytes;
  Write({{0, 1, 2, std::string(3000, 'x')}, {0, 1, 3}});
  log_.reset();
  const std::string whole = ReadFile(path);
  for (size_t sector = 0; sector < 5; sector++) {
    std::string bytes = whole;
    for (size_t i = std::max(begin, sector * 512); i < (sector + 1) * 512; i++) bytes[i] = '\0';
    WriteFile(path, bytes);
    LogReader reader;
    ASSERT_TRUE(reader.Open(dir_.path(), &error_));
    EXPECT_EQ(reader.damage().path, "") << sector;
    EXPECT_EQ(reader.torn_tail().path, path) << sector;
    EXPECT_EQ(reader.torn_tail().offset, begin) << sector;
    EXPECT_EQ(EntriesOf(reader, 0), (Entries{{1, 1}}));
  }
}

class DamageTest : public LogFileTest {
 protected:
  void SetUp() override {
    Open();
    for (cluster::Index i = 1; i <= 3; i++) {
      starts_.push_back(kSegmentHeaderBytes + (i - 1) * (2 * Record(0, 1, 1).size() + kMarkBytes));
      Write({{0, 1, 2 * i - 1}, {0, 1, 2 * i}});
    }
    path_ = log_->segments().back().path;
    whole_ = ReadFile(path_);
  }

  std::string path_, whole_;
  std::vector<size_t> starts_;  // of groups
};

// Each flipped bit in a complete record is damage, and named; in the last group too.
TEST_F(DamageTest, EveryByteOfACompleteRecord) {
  const size_t size = Record(0, 1, 1).size();
  for (size_t group = 0; group < 3; group++) {
    for (size_t at = 0; at < 2 * size; at++) {
      SCOPED_TRACE(std::to_string(group) + "/" + std::to_string(at));
      std::string bytes = whole_;
      bytes[starts_[group] + at] ^= 0x20;
      WriteFile(path_, bytes);
      LogReader reader;
      ASSERT_TRUE(reader.Open(dir_.path(), &error_));
      EXPECT_EQ(reader.torn_tail().path, "");
      ASSERT_EQ(reader.damage().path, path_);
      EXPECT_EQ(reader.damage().offset, starts_[group] + (at < size ? 0 : size));
      Entries expected;
      const size_t good = 2 * group + (at < size ? 0 : 1);
      for (cluster::Index i = 1; i <= good; i++) expected.emplace_back(i, 1);
      EXPECT_EQ(EntriesOf(reader, 0), expected);
    }
  }
}

TEST_F(DamageTest, IsPutAsideWithAllThatFollows) {
  Open();  // a second segment
  Write({{0, 1, 7}, {0, 1, 8}});
  std::string bytes = whole_;
  bytes[starts_[1] + 9] ^= 1;
  WriteFile(path_, bytes);
  log_.reset();
  LogReader reader;
  ASSERT_TRUE(reader.Open(dir_.path(), &error_));
  EXPECT_EQ(reader.damage().path, path_);
  ASSERT_TRUE(reader.Repair(&error_)) << error_;
  EXPECT_EQ(dir_.Names(),
            (std::vector<std::string>{"damaged-log-0000000000000001",
                                      "damaged-log-0000000000000002", "log-0000000000000001"}));
  EXPECT_EQ(ReadFile(dir_ / "damaged-log-0000000000000001"), bytes);
  EXPECT_EQ(Read(0), (Entries{{1, 1}, {2, 1}}));
  Open();
  Write({{0, 2, 3}});
  EXPECT_EQ(Read(0), (Entries{{1, 1}, {2, 1}, {3, 2}}));
}

TEST_F(DamageTest, AMissingSegmentIsDamage) {
  Open();
  Write({{0, 1, 7}});
  Open();
  Write({{0, 1, 8}});
  std::filesystem::remove(dir_ / "log-0000000000000002");
  LogReader reader;
  ASSERT_TRUE(reader.Open(dir_.path(), &error_));
  EXPECT_EQ(reader.damage().path, dir_ / "log-0000000000000003");
  EXPECT_NE(reader.damage().what.find("missing"), std::string::npos);
  EXPECT_EQ(EntriesOf(reader, 0).size(), 6u);
}

TEST_F(DamageTest, ATornTailInAnOlderSegmentIsDamage) {
  WriteFile(path_, whole_.substr(0, starts_[2] + 5));
  log_ = std::make_unique<LogAppender>(dir_.path(), LogAppender::Options(), nullptr);
  Segment old;
  old.number = 1;
  old.path = path_;
  ASSERT_TRUE(log_->Open({old}, 2, &error_));
  Write({{0, 1, 4}});
  LogReader reader;
  ASSERT_TRUE(reader.Open(dir_.path(), &error_));
  EXPECT_EQ(reader.damage().path, path_);
  EXPECT_EQ(reader.damage().offset, starts_[2]);
}

TEST_F(DamageTest, AWrongHeaderIsDamage) {
  std::string bytes = whole_;
  bytes[3] ^= 1;
  WriteFile(path_, bytes);
  LogReader reader;
  ASSERT_TRUE(reader.Open(dir_.path(), &error_));
  EXPECT_EQ(reader.damage().path, path_);
  EXPECT_EQ(reader.damage().offset, 0u);
  ASSERT_TRUE(reader.Repair(&error_)) << error_;
  EXPECT_EQ(dir_.Names(), std::vector<std::string>{"damaged-log-0000000000000001"});
}

// Records whose payload looks like a mark, or like the header of a huge record.
TEST_F(LogFileTest, PayloadsAreNotMistakenForTheFormat) {
  Open();
  std::string mark(4, '\0');
  mark += "\xff\xff\xff\xff";
  Write({{0, 1, 1, mark}, {0, 1, 2, std::string(8, '\xff')}, {0, 1, 3, ""}});
  EXPECT_EQ(Read(0).size(), 3u);
}

// An fsync's work may be done while more is written, and across the begin of a new segment.
TEST_F(LogFileTest, SyncWorkCoversOlderSegments) {
  LogAppender::Options options;
  options.segment_bytes = 1000;
  Open(options);
  const std::string record = Record(0, 1, 1, std::string(600, 'x'));
  const std::string_view view = record;
  const std::pair<uint64_t, cluster::Index> last(0, 1);
  for (int i = 0; i < 3; i++) ASSERT_TRUE(log_->Write({&view, 1}, {&last, 1}));
  EXPECT_TRUE(log_->unsynced());
  LogAppender::SyncWork work = log_->TakeSyncWork();
  EXPECT_EQ(work.fds.size(), 3u);
  EXPECT_EQ(work.close_fds.size(), 2u);
  EXPECT_TRUE(work.directory);
  EXPECT_FALSE(log_->unsynced());
  ASSERT_TRUE(log_->Write({&view, 1}, {&last, 1}));
  EXPECT_TRUE(log_->Sync(work));
  EXPECT_TRUE(log_->unsynced());
  work = log_->TakeSyncWork();
  EXPECT_EQ(work.fds.size(), 2u);
  EXPECT_TRUE(log_->Sync(work));
}

// A process may have died between its write and its fsync; what is read of that counts as durable.
TEST_F(LogFileTest, WhatWasReadIsFsynced) {
  class NotedFiles : public FileOperations {
   public:
    bool Sync(int fd) override {
      synced.insert(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd)));
      return FileOperations::Sync(fd);
    }
    std::set<std::string> synced;
  };
  LogAppender::Options options;
  options.segment_bytes = 1000;
  Open(options);
  for (cluster::Index i = 1; i <= 3; i++) Write({{0, 1, i, std::string(600, 'x')}});
  log_.reset();
  LogReader reader;
  ASSERT_TRUE(reader.Open(dir_.path(), &error_)) << error_;
  ASSERT_EQ(reader.segments().size(), 3u);
  NotedFiles files;
  LogAppender log(dir_.path(), options, &files);
  ASSERT_TRUE(log.Open(reader.segments(), reader.next_number(), &error_)) << error_;
  for (const Segment& segment : reader.segments()) {
    EXPECT_TRUE(files.synced.contains(std::filesystem::canonical(segment.path))) << segment.path;
  }
}

}  // namespace
}  // namespace understudy::server
