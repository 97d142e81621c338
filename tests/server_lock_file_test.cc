#include <gtest/gtest.h>

#include "server/lock_file.h"
#include "tests/server_files.h"

namespace understudy::server {
namespace {

std::map<uint64_t, std::string> ReadStates(const std::string& dir) {
  std::map<uint64_t, std::string> states;
  std::string error;
  EXPECT_TRUE(LockFile::Read(dir, &states, &error)) << error;
  return states;
}

TEST(LockFile, KeepsWhatWasWritten) {
  TemporaryDirectory dir;
  std::string error;
  cluster::LockState state;
  state.term = 7;
  state.granted_to = std::string(40, 'a');
  state.granted_run = 99;
  state.quarantined = true;
  state.configuration.members.push_back({std::string(40, 'a'), "node1", "127.0.0.1:7001"});
  state.configuration_index = 3;
  {
    LockFile file(nullptr);
    ASSERT_TRUE(file.Open(dir.path(), &error)) << error;
    EXPECT_TRUE(file.states().empty());
    ASSERT_TRUE(file.Set(0, state.Encode()));
    ASSERT_TRUE(file.Set(5, "other"));
    ASSERT_TRUE(file.Write(&error)) << error;
  }
  LockFile file(nullptr);
  ASSERT_TRUE(file.Open(dir.path(), &error)) << error;
  EXPECT_FALSE(file.slot_was_damaged());
  ASSERT_EQ(file.states().size(), 2u);
  cluster::LockState read;
  ASSERT_TRUE(cluster::LockState::Decode(file.states().at(0), &read));
  EXPECT_EQ(read, state);
  EXPECT_EQ(file.states().at(5), "other");

  ASSERT_TRUE(file.Set(5, ""));
  ASSERT_TRUE(file.Write(&error)) << error;
  EXPECT_EQ(ReadStates(dir.path()).size(), 1u);
}

// A write that stops at any byte leaves the state before it; the other slot holds that too.
TEST(LockFile, TornWriteLeavesTheOlderState) {
  TemporaryDirectory dir;
  std::string error;
  LockFile file(nullptr);
  ASSERT_TRUE(file.Open(dir.path(), &error));
  const std::string path = dir / "promises";
  for (int round = 0; round < 4; round++) {
    ASSERT_TRUE(file.Set(0, "state " + std::to_string(round)));
    ASSERT_TRUE(file.Write(&error)) << error;
    const std::string before = ReadFile(path);
    TemporaryDirectory other;  // what the next write would do to the file, stopped half way
    {
      WriteFile(other / "promises", before);
      LockFile next(nullptr);
      ASSERT_TRUE(next.Open(other.path(), &error));
      ASSERT_TRUE(next.Set(0, "newer " + std::to_string(round)));
      ASSERT_TRUE(next.Write(&error));
    }
    const std::string after = ReadFile(other / "promises");
    ASSERT_EQ(before.size(), after.size());
    // Write() fills one slot, then the other. Find the slot written first: both differ from before,
    // so try both ways; in each the untouched slot must do.
    const size_t slot_bytes = before.size() / 2;
    for (size_t slot : {size_t{0}, slot_bytes}) {
      for (size_t torn = 0; torn < 120; torn++) {
        std::string mixed = before;
        mixed.replace(slot, torn, after, slot, torn);
        WriteFile(other / "promises", mixed);
        std::string state = ReadStates(other.path())[0];
        bool whole = state == "newer " + std::to_string(round);
        EXPECT_TRUE(whole || state == "state " + std::to_string(round)) << state;
        EXPECT_FALSE(whole && torn < 24);
      }
    }
  }
}

TEST(LockFile, OneDamagedSlotDoesNoHarm) {
  TemporaryDirectory dir;
  std::string error;
  {
    LockFile file(nullptr);
    ASSERT_TRUE(file.Open(dir.path(), &error));
    for (int i = 0; i < 5; i++) {
      ASSERT_TRUE(file.Set(1, "state " + std::to_string(i)));
      ASSERT_TRUE(file.Write(&error));
    }
  }
  const std::string good = ReadFile(dir / "promises");
  for (size_t slot = 0; slot < 2; slot++) {
    std::string bad = good;
    bad[slot * good.size() / 2 + 26] ^= 1;
    WriteFile(dir / "promises", bad);
    LockFile file(nullptr);
    ASSERT_TRUE(file.Open(dir.path(), &error)) << error;
    EXPECT_TRUE(file.slot_was_damaged());
    EXPECT_EQ(file.states().at(1), "state 4");  // both slots are kept up to date
    ASSERT_TRUE(file.Set(1, "repaired"));
    ASSERT_TRUE(file.Write(&error));
    EXPECT_EQ(ReadStates(dir.path())[1], "repaired");
  }
}

TEST(LockFile, BothSlotsDamagedIsAnError) {
  TemporaryDirectory dir;
  std::string error;
  {
    LockFile file(nullptr);
    ASSERT_TRUE(file.Open(dir.path(), &error));
  }
  for (std::string bytes :
       {std::string(), std::string("x"), std::string(8192, '\0'), std::string(32768, 'U')}) {
    WriteFile(dir / "promises", bytes);
    LockFile file(nullptr);
    error.clear();
    EXPECT_FALSE(file.Open(dir.path(), &error));
    EXPECT_NE(error.find("promises is damaged"), std::string::npos) << error;
    EXPECT_FALSE(file.Write(&error));
    EXPECT_EQ(ReadFile(dir / "promises"), bytes);  // left for people to look at
  }
}

TEST(LockFile, GrowsWhenStatesOutgrowASlot) {
  TemporaryDirectory dir;
  std::string error;
  LockFile file(nullptr);
  ASSERT_TRUE(file.Open(dir.path(), &error));
  const auto before = std::filesystem::file_size(dir / "promises");
  for (uint64_t i = 0; i < LockFile::kMaxClusters; i++) {
    ASSERT_TRUE(file.Set(i, std::string(200, static_cast<char>('a' + i % 26))));
    ASSERT_TRUE(i % 1000 != 0 || file.Write(&error)) << error;
  }
  ASSERT_TRUE(file.Write(&error)) << error;
  EXPECT_GT(std::filesystem::file_size(dir / "promises"), before);
  EXPECT_EQ(ReadStates(dir.path()), file.states());

  EXPECT_FALSE(file.Set(LockFile::kMaxClusters, "one too many"));
  EXPECT_FALSE(file.Set(0, std::string(LockFile::kMaxStateBytes + 1, 'x')));
  EXPECT_EQ(file.states().at(0), std::string(200, 'a'));
}

TEST(LockFile, FailedFsyncIsFinal) {
  class FailingFiles : public FileOperations {
   public:
    bool Sync(int fd) override {
      if (!fail) return FileOperations::Sync(fd);
      errno = EIO;
      return false;
    }
    bool fail = false;
  };
  TemporaryDirectory dir;
  std::string error;
  FailingFiles files;
  LockFile file(&files);
  ASSERT_TRUE(file.Open(dir.path(), &error));
  ASSERT_TRUE(file.Set(0, "one"));
  files.fail = true;
  EXPECT_FALSE(file.Write(&error));
  EXPECT_NE(error.find("Input/output error"), std::string::npos) << error;
  files.fail = false;
  EXPECT_FALSE(file.Write(&error));  // the kernel may have dropped what wasn't written
}

}  // namespace
}  // namespace understudy::server
