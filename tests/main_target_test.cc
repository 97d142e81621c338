#include "targets/main_target.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <random>

#include "targets/kv/crc64.h"
#include "tests/rdb_version.h"
#include "tests/target_pair.h"

namespace understudy::targets {
namespace {

class MainTargetTest : public testing::Test {
 protected:
  std::string Run(const TargetPair::Args& args) { return pair_.Run(args); }
  std::unique_ptr<Machine> Make() { return MakeMainTarget(table_, options_); }
  std::string Snapshot() { return TargetPair::SnapshotOf(*pair_.global); }

  // A bit of everything.
  void Fill(int requests) {
    std::mt19937_64 random(3);
    const auto number = [&random](uint64_t n) { return std::to_string(random() % n); };
    const bool checked = pair_.check_digests;
    for (int i = 0; i < requests; ++i) {
      pair_.check_digests = checked && i % 16 == 0;
      pair_.db = static_cast<int>(random() % 3);
      switch (random() % 8) {
        case 0:
          Run({"NEXTID", "c" + number(5)});
          break;
        case 1:
          Run({"CHAT.JOIN", "room" + number(3)});
          break;
        case 2:
          Run({"CHAT.SEND", "room" + number(3), "text " + number(1000)});
          break;
        case 3:
          Run({"SET", "k" + number(100), number(1000), "PX", "1000000"});
          break;
        case 4:
          Run({"DEL", "k" + number(100)});
          break;
        case 5:
          Run({"SETBIT", "k" + number(100), number(500), "1"});
          break;
        case 6:
          Run({"APPEND", "k" + number(100), std::string(random() % 100, 'a')});
          break;
        default:
          Run({"SET", "k" + number(100), "value " + number(1000)});
      }
    }
    pair_.check_digests = checked;
    pair_.db = 0;
  }

  const protocol::CommandTable table_;
  std::shared_ptr<TargetOptions> options_ = std::make_shared<TargetOptions>();
  TargetPair pair_{MakeMainTarget(table_, options_), MakeMainTarget(table_, options_)};
};

TEST_F(MainTargetTest, RequestsAndEffectsReachTheirTarget) {
  EXPECT_EQ(Run({"SET", "k", "v"}), "+OK\r\n");
  EXPECT_EQ(Run({"GET", "k"}), "$1\r\nv\r\n");
  EXPECT_EQ(Run({"NEXTID"}), ":0\r\n");
  EXPECT_EQ(Run({"CHAT.SEND", "tea", "hello"}), ":1\r\n");
  EXPECT_EQ(Run({"CHAT.JOIN", "tea", "fred"}), "+OK\r\n");
  EXPECT_EQ(Run({"CHAT.USERS", "tea"}), "*1\r\n$4\r\nfred\r\n");
  std::swap(pair_.global, pair_.local);
  EXPECT_EQ(Run({"NEXTID"}), ":1\r\n");
  EXPECT_EQ(Run({"GET", "k"}), "$1\r\nv\r\n");
  EXPECT_EQ(Run({"CHAT.LEAVE", "tea"}), "+OK\r\n");
}

TEST_F(MainTargetTest, EveryCommandOfATargetIsHandled) {
  EXPECT_TRUE(static_cast<MainTarget&>(*pair_.global).kv().Unhandled().empty());
}

TEST_F(MainTargetTest, UnknownEffectsAreRefused) {
  EffectWriter counting(nullptr);
  RecordingPublisher publisher;
  Context context;
  context.effects = &counting;
  context.publisher = &publisher;
  EXPECT_FALSE(pair_.local->Apply(0, {}, context));
  for (std::string_view name : {"", "nosuch", "get", "chat.users", "ping", "NEXTID"}) {
    const std::string_view args[] = {name, "a", "b"};
    EXPECT_FALSE(pair_.local->Apply(0, args, context)) << name;
  }
}

TEST_F(MainTargetTest, KeyspaceStats) {
  Run({"SET", "a", "1"});
  Run({"SET", "b", "1", "PX", "1000"});
  Run({"GET", "a"});
  Run({"GET", "missing"});
  const KeyspaceStats stats = GetKeyspaceStats(*pair_.global);
  ASSERT_EQ(stats.dbs.size(), 16u);
  EXPECT_EQ(stats.dbs[0].keys, 2u);
  EXPECT_EQ(stats.dbs[0].expires, 1u);
  EXPECT_EQ(stats.dbs[1].keys, 0u);
  EXPECT_EQ(stats.keyspace_hits, 1u);
  EXPECT_EQ(stats.keyspace_misses, 1u);
  EXPECT_TRUE(GetKeyspaceStats(IdTarget()).dbs.empty());
}

TEST_F(MainTargetTest, DigestCoversAllParts) {
  const std::string empty = pair_.global->Digest();
  EXPECT_EQ(empty, std::string(40, '0'));
  std::string last = empty;
  for (const TargetPair::Args& args :
       {TargetPair::Args{"SET", "k", "v"}, {"NEXTID"}, {"CHAT.SEND", "tea", "hello"}}) {
    Run(args);
    EXPECT_NE(pair_.global->Digest(), last) << args[0];
    last = pair_.global->Digest();
  }
}

TEST_F(MainTargetTest, SnapshotRoundTrip) {
  const std::string empty = Snapshot();
  Fill(3000);
  const std::string bytes = Snapshot();
  EXPECT_EQ(bytes.substr(0, 9), "REDIS0011");
  std::unique_ptr<Machine> copy = Make();
  std::string error;
  ASSERT_TRUE(copy->Restore(bytes, &error)) << error;
  EXPECT_EQ(copy->Digest(), pair_.global->Digest());

  // The copy goes on as the original would.
  pair_.local = std::move(copy);
  Fill(500);

  ASSERT_TRUE(pair_.local->Restore(empty, &error)) << error;
  EXPECT_EQ(pair_.local->Digest(), std::string(40, '0'));
}

TEST_F(MainTargetTest, BigPartsAreCutIntoFields) {
  pair_.check_digests = false;
  for (int i = 0; i < 200; ++i) Run({"CHAT.SEND", "tea", std::string(60000, 'x')});
  for (int i = 0; i < 5000; ++i) Run({"NEXTID", "counter" + std::to_string(i)});
  Run({"SET", "big", std::string(3000000, 'y')});
  size_t greatest_piece = 0;
  ASSERT_TRUE(pair_.global->Snapshot([&](std::string_view piece) {
    greatest_piece = std::max(greatest_piece, piece.size());
    return true;
  }));
  EXPECT_LT(greatest_piece, 300000u) << "memory for a snapshot doesn't grow with the state";
  std::unique_ptr<Machine> copy = Make();
  std::string error;
  ASSERT_TRUE(copy->Restore(Snapshot(), &error)) << error;
  EXPECT_EQ(copy->Digest(), pair_.global->Digest());
}

TEST_F(MainTargetTest, SnapshotStopsWhenTheSinkSaysSo) {
  Fill(3000);
  const size_t size = Snapshot().size();
  for (size_t limit : {size_t{0}, size / 2, size - 1}) {
    size_t seen = 0;
    bool refused = false;
    EXPECT_FALSE(pair_.global->Snapshot([&](std::string_view piece) {
      EXPECT_FALSE(refused) << "called again after it said no";
      seen += piece.size();
      refused = seen > limit;
      return !refused;
    }));
  }
}

TEST_F(MainTargetTest, DamagedSnapshotsLeaveAnEmptyState) {
  Fill(60);
  const std::string bytes = Snapshot();
  std::unique_ptr<Machine> copy = Make();
  const auto expect_refused = [&](std::string_view damaged) {
    std::string error;
    EXPECT_FALSE(copy->Restore(damaged, &error));
    EXPECT_FALSE(error.empty());
    EXPECT_EQ(copy->Digest(), std::string(40, '0'));
  };
  for (size_t size = 0; size < bytes.size(); ++size) expect_refused(bytes.substr(0, size));
  expect_refused(bytes + "x");
  // The checksum finds any changed byte.
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x40);
    expect_refused(changed);
  }
}

TEST_F(MainTargetTest, HostileSnapshotsWithGoodChecksums) {
  Fill(60);
  const std::string bytes = Snapshot();
  std::mt19937_64 random(5);
  std::unique_ptr<Machine> copy = Make();
  int accepted = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string changed = bytes.substr(0, bytes.size() - 8);
    for (uint64_t i = 1 + random() % 3; i > 0; --i) {
      changed[random() % changed.size()] = static_cast<char>(random());
    }
    if (random() % 4 == 0) changed.erase(random() % changed.size(), random() % 20);
    uint64_t crc = kv::Crc64(0, changed);
    for (int i = 0; i < 8; ++i, crc >>= 8) changed += static_cast<char>(crc);
    std::string error;
    if (copy->Restore(changed, &error)) {
      ++accepted;
      std::unique_ptr<Machine> again = Make();
      ASSERT_TRUE(again->Restore(TargetPair::SnapshotOf(*copy), &error)) << error;
      ASSERT_EQ(again->Digest(), copy->Digest());
    } else {
      ASSERT_FALSE(error.empty());
      ASSERT_EQ(copy->Digest(), std::string(40, '0'));
    }
  }
  EXPECT_GT(accepted, 0) << "changes of values are to be found among the accepted";
}

// Debian's redis-check-rdb, where it is installed, accepts the file.
TEST_F(MainTargetTest, RedisAcceptsTheFile) {
  if (std::system("command -v redis-check-rdb >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "redis-check-rdb isn't installed";
  }
  Fill(3000);
  const std::string path = testing::TempDir() + "main_target_test." + std::to_string(getpid());
  std::ofstream(path, std::ios::binary) << kv::AsRdbVersion10(Snapshot());
  EXPECT_EQ(std::system(("redis-check-rdb " + path + " >" + path + ".out").c_str()), 0);
  std::ifstream out(path + ".out");
  const std::string text((std::istreambuf_iterator<char>(out)), std::istreambuf_iterator<char>());
  EXPECT_NE(text.find("RDB looks OK"), std::string::npos) << text;
  unlink(path.c_str());
  unlink((path + ".out").c_str());
}

}  // namespace
}  // namespace understudy::targets
