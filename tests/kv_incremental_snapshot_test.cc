// Snapshots in steps: whatever is written between the steps, what is restored is the state as of
// the beginning.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "targets/main_target.h"
#include "tests/kv_random_commands.h"
#include "tests/kv_test_support.h"
#include "tests/target_pair.h"

namespace understudy::targets::kv {
namespace {

using Status = SnapshotCursor::Status;

class IncrementalSnapshot : public testing::TestWithParam<uint64_t> {
 protected:
  // One step, its bytes appended to `bytes_`.
  Status Step(SnapshotCursor* cursor, size_t work) {
    return cursor->Step(work, [this](std::string_view piece) {
      bytes_.append(piece);
      return true;
    });
  }
  std::string DigestOfBytes() {
    KvMember restored(table_, 77);
    std::string error;
    EXPECT_TRUE(restored.target().Restore(bytes_, &error)) << error;
    return restored.target().Digest();
  }
  static void Fill(KvMember* member, std::mt19937_64* random, int keys) {
    for (int i = 0; i < keys; ++i) {
      member->db = static_cast<int>((*random)() % 3);
      const std::string key = "f" + std::to_string((*random)() % static_cast<uint64_t>(keys + 1));
      if ((*random)() % 4 == 0) {
        const std::string ms = std::to_string(1 + (*random)() % 2000);
        member->Raw({"set", key, "v" + ms, "px", ms});
      } else {
        member->Raw({"set", key, std::string((*random)() % 100, 'x')});
      }
    }
  }
  // A write that isn't one of RandomCommands': on many keys, so that tables grow and shrink.
  static void WriteOne(KvMember* member, std::mt19937_64* random, int keys, int phase) {
    member->db = static_cast<int>((*random)() % 3);
    const std::string key = "f" + std::to_string((*random)() % static_cast<uint64_t>(keys * 4));
    const uint64_t choice = (*random)() % 10;
    if (phase == 0 || choice == 0) {
      member->Raw({"set", key, "new"});
    } else if (phase == 1 || choice == 1) {
      member->Raw({"del", key});
    } else if (choice == 2) {
      member->Raw({"append", key, "tail"});
    } else if (choice == 3) {
      member->Raw({"pexpire", key, "1000"});
    } else if (choice == 4) {
      member->Raw({"persist", key});
    } else if (choice == 5) {
      member->Raw({"rename", key, "f" + std::to_string((*random)() % 1000)});
    } else if (choice == 6) {
      member->Raw({"copy", key, "f1", "replace"});
    } else if (choice == 7) {
      member->Raw({"move", key, "1"});
    } else if (choice == 8) {
      member->Raw({"get", key});
    } else {
      member->Timer();
    }
  }

  const protocol::CommandTable table_;
  std::string bytes_;
};

TEST_P(IncrementalSnapshot, IsTheStateAtTheBeginning) {
  std::mt19937_64 random(GetParam());
  RandomCommands commands(GetParam());
  KvMember member(table_, GetParam());
  const int keys = static_cast<int>(random() % 3000);
  Fill(&member, &random, keys);
  for (int round = 0; round < 3; ++round) {
    bytes_.clear();
    const std::string digest = member.target().Digest();
    const size_t count = member.target().keyspace().size(0) + member.target().keyspace().size(1) +
                         member.target().keyspace().size(2);
    auto cursor = member.target().BeginSnapshot();
    const size_t work = 1 + random() % 40, between = 1 + random() % 60;
    int phase = static_cast<int>(random() % 3);
    for (;;) {
      const Status status = Step(cursor.get(), work);
      ASSERT_NE(status, Status::kFailed);
      if (status == Status::kDone) break;
      if (random() % 20 == 0) phase = static_cast<int>(random() % 3);
      if (random() % 4 == 0) member.target().OnIdle();
      for (size_t i = 0; i < between; ++i) {
        member.now_ms += static_cast<int64_t>(random() % 3);
        if (random() % 2 == 0) {
          member.db = static_cast<int>(random() % 3);
          const auto args = commands.Next(member.now_ms, true);
          const std::vector<std::string_view> views(args.begin(), args.end());
          member.Raw(views);
        } else {
          WriteOne(&member, &random, keys + 1, phase);
        }
      }
    }
    ASSERT_EQ(DigestOfBytes(), digest) << "seed " << GetParam() << " round " << round;
    EXPECT_EQ(cursor->Progress(), 1.0) << count << " keys";
    EXPECT_EQ(cursor->kept_bytes(), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, IncrementalSnapshot, testing::Range<uint64_t>(1, 61));

class IncrementalSnapshotRules : public IncrementalSnapshot {};

TEST_F(IncrementalSnapshotRules, FlushAndSwapInTheMiddle) {
  for (const char* last : {"flushdb", "flushall", "swap"}) {
    std::mt19937_64 random(5);
    KvMember member(table_, 5);
    Fill(&member, &random, 2000);
    const std::string digest = member.target().Digest();
    bytes_.clear();
    auto cursor = member.target().BeginSnapshot();
    ASSERT_EQ(Step(cursor.get(), 300), Status::kMore);
    member.Raw({"swapdb", "0", "2"});
    ASSERT_EQ(Step(cursor.get(), 300), Status::kMore);
    member.db = 2;
    member.Raw({"flushdb"});
    member.Raw({"set", "f1", "after"});
    ASSERT_EQ(Step(cursor.get(), 100), Status::kMore);
    if (std::string(last) == "swap") {
      member.Raw({"swapdb", "1", "2"});
    } else {
      member.db = 1;
      member.Raw({last});
    }
    for (int i = 0; i < 10; ++i) member.target().OnIdle();
    while (Step(cursor.get(), 50) == Status::kMore) {
    }
    EXPECT_EQ(DigestOfBytes(), digest) << last;
  }
}

TEST_F(IncrementalSnapshotRules, GivenUpInTheMiddleLeavesNothing) {
  std::mt19937_64 random(6);
  KvMember member(table_, 6);
  Fill(&member, &random, 2000);
  auto cursor = member.target().BeginSnapshot();
  ASSERT_EQ(Step(cursor.get(), 300), Status::kMore);
  member.db = 0;
  member.Raw({"flushall"});
  cursor.reset();
  for (int i = 0; i < 10; ++i) member.target().OnIdle();
  Fill(&member, &random, 500);
  bytes_.clear();
  const std::string digest = member.target().Digest();
  cursor = member.target().BeginSnapshot();
  while (Step(cursor.get(), 10) == Status::kMore) member.Raw({"append", "f3", "x"});
  EXPECT_EQ(DigestOfBytes(), digest);
}

TEST_F(IncrementalSnapshotRules, FailsWhenTheStateIsReplacedOrTheTargetEnds) {
  std::mt19937_64 random(7);
  auto member = std::make_unique<KvMember>(table_, 7);
  Fill(member.get(), &random, 500);
  auto cursor = member->target().BeginSnapshot();
  ASSERT_EQ(Step(cursor.get(), 10), Status::kMore);
  member->target().Clear();
  EXPECT_EQ(Step(cursor.get(), 10), Status::kFailed);

  Fill(member.get(), &random, 500);
  cursor = member->target().BeginSnapshot();
  ASSERT_EQ(Step(cursor.get(), 10), Status::kMore);
  auto second = member->target().BeginSnapshot();
  EXPECT_EQ(Step(cursor.get(), 10), Status::kFailed);
  ASSERT_EQ(Step(second.get(), 10), Status::kMore);
  member->Raw({"flushall"});
  member.reset();
  EXPECT_EQ(Step(second.get(), 10), Status::kFailed);
}

TEST_F(IncrementalSnapshotRules, ASinkThatRefusesEndsIt) {
  std::mt19937_64 random(8);
  KvMember member(table_, 8);
  for (int i = 0; i < 3000; ++i) {
    member.Raw({"set", "f" + std::to_string(i), std::string(100, 'x')});
  }
  auto cursor = member.target().BeginSnapshot();
  EXPECT_EQ(cursor->Step(100'000, [](std::string_view) { return false; }), Status::kFailed);
}

// Regression: a bucket of a table that has become smaller holds what was written already.
TEST_F(IncrementalSnapshotRules, TablesThatShrinkInTheMiddle) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    KvMember member(table_, seed);
    for (int i = 0; i < 6000; ++i) member.Raw({"set", "f" + std::to_string(i), "v"});
    for (int i = 0; i < 20; ++i) member.target().OnIdle();
    const std::string digest = member.target().Digest();
    const size_t memory = member.target().keyspace().TableMemory();
    bytes_.clear();
    auto cursor = member.target().BeginSnapshot();
    ASSERT_EQ(Step(cursor.get(), 200 + random() % 6000), Status::kMore);
    for (int i = 0; i < 6000; ++i) {
      if (random() % 50 != 0) member.Raw({"del", "f" + std::to_string(i)});
    }
    do {
      if (random() % 3 == 0) member.target().OnIdle();
    } while (Step(cursor.get(), 10) == Status::kMore);
    EXPECT_LT(member.target().keyspace().TableMemory(), memory);
    ASSERT_EQ(DigestOfBytes(), digest) << seed;
  }
}

// What isn't changed between the steps isn't kept in memory.
TEST_F(IncrementalSnapshotRules, KeepsOnlyWhatChanges) {
  KvMember member(table_, 9);
  for (int i = 0; i < 5000; ++i) member.Raw({"set", "f" + std::to_string(i), "v"});
  auto cursor = member.target().BeginSnapshot();
  ASSERT_EQ(Step(cursor.get(), 1000), Status::kMore);
  const size_t before = cursor->kept_bytes();
  for (int i = 0; i < 1000; ++i) member.Raw({"set", "new" + std::to_string(i), "v"});
  EXPECT_EQ(cursor->kept_bytes(), before);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) member.Raw({"set", "f" + std::to_string(i), "w"});
  }
  EXPECT_LT(cursor->kept_bytes(), before + 100 * 20);
  EXPECT_GT(cursor->kept_bytes(), before);
}

}  // namespace
}  // namespace understudy::targets::kv

namespace understudy::targets {
namespace {

// The whole file, with id and chat, while all of them are written to.
TEST(MainSnapshotInSteps, IsTheFileOfTheBeginning) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    std::mt19937_64 random(seed);
    const protocol::CommandTable table;
    auto options = std::make_shared<TargetOptions>();
    TargetPair pair(MakeMainTarget(table, options), MakeMainTarget(table, options));
    pair.check_digests = false;
    const auto write = [&] {
      const std::string n = std::to_string(random() % 300);
      pair.Run({"SET", "k" + n, "value" + n});
      pair.Run({"NEXTID", "c" + n});
      pair.Run({"CHAT.JOIN", "room" + n});
      pair.Run({"CHAT.SEND", "room" + n, std::string(1000, 't')});
    };
    for (int i = 0; i < 500; ++i) write();
    const std::string digest = pair.global->Digest();
    std::string bytes;
    auto cursor = pair.global->BeginSnapshot();
    SnapshotCursor::Status status;
    do {
      status = cursor->Step(20, [&bytes](std::string_view piece) {
        bytes.append(piece);
        return true;
      });
      write();
    } while (status == SnapshotCursor::Status::kMore);
    ASSERT_EQ(status, SnapshotCursor::Status::kDone);
    auto restored = MakeMainTarget(table, options);
    std::string error;
    ASSERT_TRUE(restored->Restore(bytes, &error)) << error;
    EXPECT_EQ(restored->Digest(), digest) << seed;
    EXPECT_NE(pair.global->Digest(), digest);
  }
}

}  // namespace
}  // namespace understudy::targets
