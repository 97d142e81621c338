#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/data_directory.h"
#include "tests/server_files.h"

namespace understudy::server {
namespace {

using Keeping = DataDirectory::Keeping;
using LastStop = DataDirectory::LastStop;

TEST(DataDirectory, MakesAnIdOnceAndKeepsIt) {
  TemporaryDirectory dir;
  std::string error, id;
  const std::string path = dir / "deep/er/node1";
  {
    DataDirectory directory;
    ASSERT_TRUE(directory.Open(path, &error)) << error;
    EXPECT_TRUE(directory.is_new());
    id = directory.node_id();
    EXPECT_EQ(id.size(), 40u);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  }
  DataDirectory again, other;
  ASSERT_TRUE(again.Open(path, &error)) << error;
  EXPECT_FALSE(again.is_new());
  EXPECT_EQ(again.node_id(), id);
  ASSERT_TRUE(other.Open(dir / "node2", &error)) << error;
  EXPECT_NE(other.node_id(), id);
}

TEST(DataDirectory, OneProcessAtATime) {
  TemporaryDirectory dir;
  std::string error;
  {
    DataDirectory first, second;
    ASSERT_TRUE(first.Open(dir.path(), &error)) << error;
    EXPECT_FALSE(second.Open(dir.path(), &error));
    EXPECT_EQ(error, "The data directory " + dir.path() + " is in use by another process (" +
                         std::to_string(getpid()) + ")");
  }
  DataDirectory third;
  EXPECT_TRUE(third.Open(dir.path(), &error)) << error;
}

// As when the node goes to the background.
TEST(DataDirectory, TheLockStaysWithAForkedChild) {
  TemporaryDirectory dir;
  std::string error;
  int go[2];
  ASSERT_EQ(pipe(go), 0);
  pid_t child = 0;
  {
    DataDirectory parent;
    ASSERT_TRUE(parent.Open(dir.path(), &error));
    child = fork();
    if (child == 0) {
      char byte;
      close(go[1]);
      _exit(read(go[0], &byte, 1) == 0 ? 0 : 1);
    }
  }
  close(go[0]);
  DataDirectory other;
  EXPECT_FALSE(other.Open(dir.path(), &error));
  close(go[1]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  DataDirectory after;
  EXPECT_TRUE(after.Open(dir.path(), &error)) << error;
}

TEST(DataDirectory, ADamagedIdIsAnErrorAndNotANewNode) {
  TemporaryDirectory dir;
  std::string error;
  for (std::string id : {"", "xyz", "ABCDEF", "0123456789abcdef0123456789abcdef0123456g"}) {
    WriteFile(dir / "node-id", id);
    DataDirectory directory;
    EXPECT_FALSE(directory.Open(dir.path(), &error)) << id;
    EXPECT_NE(error.find("node-id is damaged"), std::string::npos) << error;
  }
  std::filesystem::remove(dir / "node-id");
  WriteFile(dir / "promises", "x");
  DataDirectory directory;
  EXPECT_FALSE(directory.Open(dir.path(), &error));
  EXPECT_NE(error.find("has data but no node-id"), std::string::npos) << error;
}

TEST(DataDirectory, WhatIsNoDirectoryIsAnError) {
  TemporaryDirectory dir;
  std::string error;
  WriteFile(dir / "file", "x");
  for (const char* name : {"file", "file/below"}) {
    DataDirectory directory;
    EXPECT_FALSE(directory.Open(dir / name, &error));
    EXPECT_NE(error.find(dir / name), std::string::npos) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos);
  }
}

TEST(DataDirectory, TellsHowTheLastRunEnded) {
  TemporaryDirectory dir;
  std::string error;
  auto open = [&](auto then) {
    DataDirectory directory;
    ASSERT_TRUE(directory.Open(dir.path(), &error)) << error;
    then(directory);
  };
  open([&](DataDirectory& directory) {
    EXPECT_EQ(directory.last_stop(), LastStop::kNew);
    ASSERT_TRUE(directory.NoteRunning(Keeping::kUnsynced, &error)) << error;
  });
  // Until NoteRunning() the question stays open, however often the node fails to start.
  for (int i = 0; i < 2; i++) {
    open([&](DataDirectory& directory) {
      EXPECT_EQ(directory.last_stop(), LastStop::kProcessDied);
      EXPECT_EQ(directory.last_keeping(), Keeping::kUnsynced);
    });
  }
  WriteFile(dir / "running", "unsynced another boot");
  open([&](DataDirectory& directory) {
    EXPECT_EQ(directory.last_stop(), LastStop::kHostMayHaveDied);
    EXPECT_EQ(directory.last_keeping(), Keeping::kUnsynced);
    ASSERT_TRUE(directory.NoteRunning(Keeping::kSynced, &error));
    ASSERT_TRUE(directory.NoteCleanStop(&error)) << error;
  });
  open([&](DataDirectory& directory) {
    EXPECT_EQ(directory.last_stop(), LastStop::kClean);
    EXPECT_EQ(directory.last_keeping(), Keeping::kSynced);
  });
  WriteFile(dir / "running", "gibberish");
  open([&](DataDirectory& directory) {
    EXPECT_EQ(directory.last_stop(), LastStop::kHostMayHaveDied);
    EXPECT_EQ(directory.last_keeping(), Keeping::kMemoryOnly);
  });
}

TEST(DataDirectory, ReplaceFileKeepsModeAndLeavesNoTraces) {
  TemporaryDirectory dir;
  std::string error, text;
  const std::string path = dir / "file";
  WriteFile(path, "old");
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  ASSERT_TRUE(ReplaceFile(path, "new", &error)) << error;
  ASSERT_TRUE(ReadWholeFile(path, 3, &text, &error)) << error;
  EXPECT_EQ(text, "new");
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(dir.Names(), std::vector<std::string>{"file"});
  EXPECT_FALSE(ReadWholeFile(path, 2, &text, &error));
  EXPECT_FALSE(ReplaceFile(dir / "none/file", "x", &error));
}

}  // namespace
}  // namespace understudy::server
