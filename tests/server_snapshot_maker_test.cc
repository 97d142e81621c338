// SnapshotMaker and the bit-by-bit part of LogWriter, on a real data directory with a cursor whose
// bytes the test chooses.
#include <gtest/gtest.h>
#include <poll.h>

#include "server/event_loop.h"
#include "server/recovery.h"
#include "server/snapshot_maker.h"
#include "tests/server_files.h"

namespace understudy::server {
namespace {

using State = SnapshotMaker::State;

// Gives `pieces` pieces of 100,000 bytes, one a step, then kDone or kFailed.
class PieceCursor : public targets::SnapshotCursor {
 public:
  PieceCursor(int pieces, bool fails) : pieces_(pieces), fails_(fails) {}
  Status Step(size_t, const targets::SnapshotSink& sink) override {
    if (done_ == pieces_) return fails_ ? Status::kFailed : Status::kDone;
    ++done_;
    return sink(std::string(100'000, static_cast<char>('a' + done_ % 20))) ? Status::kMore
                                                                           : Status::kFailed;
  }
  uint64_t work_done() const override { return static_cast<uint64_t>(done_); }
  size_t kept_bytes() const override { return 0; }
  double Progress() const override { return static_cast<double>(done_) / pieces_; }

 private:
  const int pieces_;
  const bool fails_;
  int done_ = 0;
};

class SnapshotMakerTest : public ::testing::Test, public DiskEvents {
 protected:
  SnapshotMakerTest() : logger_(Logger::Level::kWarning) {
    std::string error;
    EXPECT_TRUE(logger_.Open(dir_ / "test.log", &error)) << error;
    settings_.policy = FsyncPolicy::kNo;
    EXPECT_TRUE(directory_.Open(dir_ / "data", &error)) << error;
    EXPECT_TRUE(RecoverNode(&directory_, settings_, &logger_, &recovered_, &error)) << error;
    maker_ = std::make_unique<SnapshotMaker>("main", recovered_.writer.get(), &logger_);
  }

  void Begin(cluster::Index index, int pieces, bool fails = false) {
    SnapshotFile about;
    about.index = index;
    about.term = 2;
    about.configuration = "configuration";
    about.origins = "origins";
    maker_->Begin(about, std::make_unique<PieceCursor>(pieces, fails), BootMicros());
  }
  // Turns until the state is another one.
  void TurnWhile(State state, cluster::Index commit) {
    for (int i = 0; i < 10'000 && maker_->state() == state; ++i) maker_->Turn(commit);
  }
  // Hands the next events of the disk to the maker.
  bool Deliver(int timeout_ms) {
    pollfd ready{recovered_.writer->notify_fd(), POLLIN, 0};
    if (poll(&ready, 1, timeout_ms) != 1) return false;
    recovered_.writer->Deliver(this);
    return true;
  }
  cluster::Index OnDisk() {
    SnapshotFile read;
    std::string error;
    EXPECT_NE(LoadSnapshotFile(dir_ / "data", 0, &read, &error), SnapshotStatus::kDamaged) << error;
    size_ = read.data.size();
    return read.index;
  }
  size_t DataFiles() {
    size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir_ / "data")) {
      files += entry.path().extension() == ".rdb";
    }
    return files;
  }

  void OnRecordsPersisted(uint64_t, cluster::Term, cluster::Index) override {}
  void OnLockPersisted(uint64_t, uint64_t) override {}
  void OnDiskFailed(const std::string&) override { ADD_FAILURE() << "the disk failed"; }
  void OnSnapshotSaved(uint64_t, cluster::Index index, cluster::Term term) override {
    EXPECT_TRUE(maker_->OnSaved(index, term));
  }
  void OnSnapshotFailed(uint64_t, cluster::Index index, const std::string&) override {
    ++failures_;
    maker_->OnFailed(index);
  }

  TemporaryDirectory dir_;
  Logger logger_;
  LogWriter::Settings settings_;
  DataDirectory directory_;
  RecoveredNode recovered_;
  std::unique_ptr<SnapshotMaker> maker_;
  size_t size_ = 0;
  int failures_ = 0;
};

TEST_F(SnapshotMakerTest, IsValidOnlyWhenItsEntryIsCommitted) {
  Begin(10, 30);
  TurnWhile(State::kMaking, 9);
  ASSERT_EQ(maker_->state(), State::kUncommitted);
  EXPECT_FALSE(Deliver(50));
  EXPECT_EQ(OnDisk(), 0u);
  EXPECT_FALSE(maker_->HasWork());
  maker_->Turn(9);
  EXPECT_EQ(maker_->state(), State::kUncommitted);
  maker_->Turn(10);
  EXPECT_EQ(maker_->state(), State::kSaving);
  EXPECT_FALSE(maker_->Abort("it is too late for that"));
  ASSERT_TRUE(Deliver(10'000));
  EXPECT_EQ(maker_->state(), State::kIdle);
  EXPECT_EQ(OnDisk(), 10u);
  EXPECT_EQ(size_, 3'000'000u);
  EXPECT_EQ(maker_->saved_index(), 10u);
  EXPECT_EQ(maker_->saved_bytes(), 3'000'000u);
  EXPECT_EQ(maker_->statistics().saved, 1u);
  EXPECT_EQ(recovered_.writer->snapshot_backlog_bytes(), 0u);
}

TEST_F(SnapshotMakerTest, GivenUpItLeavesNothingAndTheOldOneStands) {
  Begin(10, 3);
  TurnWhile(State::kMaking, 10);
  ASSERT_TRUE(Deliver(10'000));
  for (State at : {State::kMaking, State::kUncommitted}) {
    Begin(20, 30);
    if (at == State::kMaking) {
      for (int i = 0; i < 10; ++i) maker_->Turn(10);
    } else {
      TurnWhile(State::kMaking, 10);
    }
    ASSERT_EQ(maker_->state(), at);
    EXPECT_TRUE(maker_->Abort("entries in it didn't survive"));
    EXPECT_EQ(maker_->state(), State::kIdle);
    EXPECT_FALSE(maker_->statistics().last_ok);
    EXPECT_FALSE(maker_->Abort("twice"));
  }
  // What follows is written behind the giving up.
  Begin(15, 2);
  TurnWhile(State::kMaking, 15);
  ASSERT_TRUE(Deliver(10'000));
  EXPECT_EQ(failures_, 0);
  EXPECT_EQ(OnDisk(), 15u);
  EXPECT_EQ(DataFiles(), 1u);
  EXPECT_TRUE(maker_->statistics().last_ok);
}

TEST_F(SnapshotMakerTest, ACursorThatFailsEndsIt) {
  Begin(10, 5, true);
  TurnWhile(State::kMaking, 10);
  EXPECT_EQ(maker_->state(), State::kIdle);
  EXPECT_FALSE(maker_->statistics().last_ok);
  EXPECT_EQ(maker_->saved_index(), 0u);
}

TEST_F(SnapshotMakerTest, ADiskThatFailsEndsItOnce) {
  // The small file's name is taken by a directory.
  std::filesystem::create_directory(dir_ / "data/snapshot-0.tmp");
  Begin(10, 5);
  TurnWhile(State::kMaking, 10);
  ASSERT_TRUE(Deliver(10'000));
  EXPECT_EQ(failures_, 1);
  EXPECT_EQ(maker_->state(), State::kIdle);
  EXPECT_FALSE(recovered_.writer->failed());
  EXPECT_FALSE(Deliver(50));
  EXPECT_EQ(DataFiles(), 0u);
  std::filesystem::remove(dir_ / "data/snapshot-0.tmp");
  Begin(11, 5);
  TurnWhile(State::kMaking, 11);
  ASSERT_TRUE(Deliver(10'000));
  EXPECT_EQ(OnDisk(), 11u);
}

TEST_F(SnapshotMakerTest, TheEndOfTheProcessLeavesNothingHalf) {
  Begin(10, 30);
  for (int i = 0; i < 10; ++i) maker_->Turn(10);
  EXPECT_TRUE(recovered_.writer->Stop());
  EXPECT_EQ(OnDisk(), 0u);
  EXPECT_EQ(DataFiles(), 0u);
}

}  // namespace
}  // namespace understudy::server
