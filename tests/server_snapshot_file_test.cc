#include <gtest/gtest.h>

#include "server/snapshot_file.h"
#include "tests/server_files.h"

namespace understudy::server {
namespace {

SnapshotFile MakeSnapshot(uint64_t cluster, cluster::Index index, std::string data) {
  SnapshotFile snapshot;
  snapshot.cluster = cluster;
  snapshot.index = index;
  snapshot.term = 3;
  snapshot.time_ms = 1234567890123;
  snapshot.configuration = "configuration";
  snapshot.origins = std::string("\0origins", 8);
  auto owner = std::make_shared<const std::string>(std::move(data));
  snapshot.data = *owner;
  snapshot.owner = owner;
  return snapshot;
}

std::vector<std::string> DataFiles(const TemporaryDirectory& dir) {
  std::vector<std::string> names;
  for (const std::string& name : dir.Names()) {
    if (name.ends_with(".rdb")) names.push_back(name);
  }
  return names;
}

TEST(SnapshotFile, ComesBackWhole) {
  TemporaryDirectory dir;
  std::string error;
  SnapshotFile read;
  EXPECT_EQ(LoadSnapshotFile(dir.path(), 0, &read, &error), SnapshotStatus::kNone);
  EXPECT_TRUE(read.empty());

  const std::string data = "REDIS0011" + std::string(20u << 20, 'd');
  ASSERT_TRUE(SaveSnapshotFile(dir.path(), MakeSnapshot(0, 41, data), &error)) << error;
  ASSERT_EQ(LoadSnapshotFile(dir.path(), 0, &read, &error), SnapshotStatus::kLoaded) << error;
  EXPECT_EQ(read.cluster, 0u);
  EXPECT_EQ(read.index, 41u);
  EXPECT_EQ(read.term, 3u);
  EXPECT_EQ(read.time_ms, 1234567890123);
  EXPECT_EQ(read.configuration, "configuration");
  EXPECT_EQ(read.origins, std::string("\0origins", 8));
  EXPECT_EQ(read.data, data);
  // The data file is the target's bytes and nothing else.
  ASSERT_EQ(DataFiles(dir).size(), 1u);
  EXPECT_EQ(ReadFile(dir / DataFiles(dir)[0]), data);
}

TEST(SnapshotFile, ANewOneTakesTheOldOnesPlace) {
  TemporaryDirectory dir;
  std::string error;
  SnapshotFile read;
  for (cluster::Index index : {10u, 20u, 20u, 15u}) {
    std::string data = "data of " + std::to_string(index);
    ASSERT_TRUE(SaveSnapshotFile(dir.path(), MakeSnapshot(2, index, data), &error)) << error;
    ASSERT_EQ(LoadSnapshotFile(dir.path(), 2, &read, &error), SnapshotStatus::kLoaded) << error;
    EXPECT_EQ(read.index, index);
    EXPECT_EQ(read.data, data);
    EXPECT_EQ(DataFiles(dir).size(), 1u);
  }
  ASSERT_TRUE(SaveSnapshotFile(dir.path(), MakeSnapshot(0, 1, ""), &error));
  ASSERT_EQ(LoadSnapshotFile(dir.path(), 0, &read, &error), SnapshotStatus::kLoaded) << error;
  EXPECT_TRUE(read.data.empty());
  EXPECT_EQ(ListSnapshots(dir.path()), (std::vector<uint64_t>{0, 2}));
}

// Before the small file names it, a new data file means nothing.
TEST(SnapshotFile, AnUnfinishedSaveLeavesTheOldOne) {
  TemporaryDirectory dir;
  std::string error;
  SnapshotFile read;
  ASSERT_TRUE(SaveSnapshotFile(dir.path(), MakeSnapshot(0, 10, "old"), &error));
  WriteFile(dir / "snapshot-0-20-0.rdb", "half of the n");
  WriteFile(dir / "snapshot-0.tmp", "half of the small file");
  ASSERT_EQ(LoadSnapshotFile(dir.path(), 0, &read, &error), SnapshotStatus::kLoaded) << error;
  EXPECT_EQ(read.data, "old");
  // A save at the same index doesn't mistake the left-over for its own.
  ASSERT_TRUE(SaveSnapshotFile(dir.path(), MakeSnapshot(0, 20, "new"), &error)) << error;
  ASSERT_EQ(LoadSnapshotFile(dir.path(), 0, &read, &error), SnapshotStatus::kLoaded) << error;
  EXPECT_EQ(read.data, "new");
  WriteFile(dir / "unrelated.rdb", "x");
  RemoveSnapshotLeftovers(dir.path());
  EXPECT_EQ(dir.Names(),
            (std::vector<std::string>{"snapshot-0", "snapshot-0-20-1.rdb", "unrelated.rdb"}));
}

TEST(SnapshotFile, EveryFlippedByteOfTheSmallFileIsFound) {
  TemporaryDirectory dir;
  std::string error;
  SnapshotFile read;
  ASSERT_TRUE(SaveSnapshotFile(dir.path(), MakeSnapshot(0, 10, "data"), &error));
  const std::string good = ReadFile(dir / "snapshot-0");
  for (size_t i = 0; i < good.size(); i++) {
    std::string bad = good;
    bad[i] ^= 0x40;
    WriteFile(dir / "snapshot-0", bad);
    EXPECT_EQ(LoadSnapshotFile(dir.path(), 0, &read, &error), SnapshotStatus::kDamaged) << i;
    EXPECT_TRUE(read.empty());
    WriteFile(dir / "snapshot-0", good.substr(0, i));
    EXPECT_EQ(LoadSnapshotFile(dir.path(), 0, &read, &error), SnapshotStatus::kDamaged) << i;
  }
  RemoveSnapshotLeftovers(dir.path());
  EXPECT_EQ(DataFiles(dir).size(), 1u);  // what a damaged file may have named stays
}

TEST(SnapshotFile, DamagedOrMissingDataIsFound) {
  TemporaryDirectory dir;
  std::string error;
  SnapshotFile read;
  ASSERT_TRUE(SaveSnapshotFile(dir.path(), MakeSnapshot(0, 10, "data"), &error));
  const std::string path = dir / DataFiles(dir)[0];
  for (std::string bytes : {"dat", "dataa", "dat4", ""}) {
    WriteFile(path, bytes);
    error.clear();
    EXPECT_EQ(LoadSnapshotFile(dir.path(), 0, &read, &error), SnapshotStatus::kDamaged);
    EXPECT_NE(error.find(path), std::string::npos) << error;
  }
  std::filesystem::remove(path);
  EXPECT_EQ(LoadSnapshotFile(dir.path(), 0, &read, &error), SnapshotStatus::kDamaged);
}

TEST(SnapshotFile, WhereItCannotBeWrittenNothingChanges) {
  TemporaryDirectory dir;
  std::string error;
  EXPECT_FALSE(SaveSnapshotFile(dir / "missing", MakeSnapshot(0, 10, "data"), &error));
  EXPECT_NE(error.find("missing"), std::string::npos);
  EXPECT_EQ(error.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace understudy::server
