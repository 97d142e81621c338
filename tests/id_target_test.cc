#include "targets/id/id_target.h"

#include <gtest/gtest.h>

#include "tests/target_pair.h"

namespace understudy::targets {
namespace {

class IdTest : public testing::Test {
 protected:
  std::string Run(const TargetPair::Args& args) { return pair_.Run(args); }
  std::vector<std::string_view> Effect(std::initializer_list<std::string_view> args) {
    return {args.begin(), args.end()};
  }
  bool Apply(std::initializer_list<std::string_view> args) {
    EffectWriter effects(nullptr);
    RecordingPublisher publisher;
    Context context;
    context.effects = &effects;
    context.publisher = &publisher;
    return pair_.local->Apply(0, Effect(args), context);
  }

  TargetPair pair_{std::make_unique<IdTarget>(), std::make_unique<IdTarget>()};
};

TEST_F(IdTest, CountsFromZeroForEachName) {
  EXPECT_EQ(Run({"NEXTID"}), ":0\r\n");
  EXPECT_EQ(Run({"nextid"}), ":1\r\n");
  EXPECT_EQ(pair_.EffectText(), "nextid id 1");
  EXPECT_EQ(Run({"NEXTID", "orders"}), ":0\r\n");
  EXPECT_EQ(Run({"NEXTID", "id"}), ":2\r\n");
  EXPECT_EQ(Run({"NEXTID", "orders"}), ":1\r\n");
}

TEST_F(IdTest, TheOtherMemberGoesOnWhereThisOneStopped) {
  for (int i = 0; i < 10; ++i) Run({"NEXTID"});
  std::swap(pair_.global, pair_.local);
  EXPECT_EQ(Run({"NEXTID"}), ":10\r\n");
}

TEST_F(IdTest, SeveralAtOnce) {
  EXPECT_EQ(Run({"NEXTID", "a"}), ":0\r\n");
  EXPECT_EQ(Run({"NEXTID", "a", "COUNT", "3"}), "*2\r\n:1\r\n:3\r\n");
  EXPECT_EQ(Run({"NEXTID", "a"}), ":4\r\n");
  EXPECT_EQ(Run({"NEXTID", "count", "1"}), "*2\r\n:0\r\n:0\r\n") << "of `id`";
  EXPECT_EQ(Run({"NEXTID"}), ":1\r\n");
  EXPECT_EQ(Run({"NEXTID", "COUNT"}), ":0\r\n") << "a counter of that name";
  for (const char* count : {"0", "-1", "1000000001"}) {
    EXPECT_EQ(Run({"NEXTID", "a", "COUNT", count}),
              "-ERR COUNT must be between 1 and 1000000000\r\n");
  }
  EXPECT_EQ(Run({"NEXTID", "a", "COUNT", "x"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run({"NEXTID", "a", "COUNT", "1", "b"}), "-ERR syntax error\r\n");
  EXPECT_EQ(Run({"NEXTID", "a", "b", "1"}), "-ERR syntax error\r\n");
  EXPECT_EQ(Run({"NEXTID", "a"}), ":5\r\n") << "errors take none";
}

TEST_F(IdTest, NamesHaveLimits) {
  EXPECT_EQ(Run({"NEXTID", std::string(IdTarget::kMaxNameBytes, 'n')}), ":0\r\n");
  EXPECT_EQ(Run({"NEXTID", std::string(IdTarget::kMaxNameBytes + 1, 'n')}),
            "-ERR the counter's name is longer than 256 bytes\r\n");
  EXPECT_EQ(Run({"NEXTID", ""}), "-ERR the counter's name is empty\r\n");
}

TEST_F(IdTest, CountersHaveALimit) {
  pair_.check_digests = false;
  for (size_t i = 0; i < IdTarget::kMaxCounters; ++i) {
    ASSERT_EQ(Run({"NEXTID", "n" + std::to_string(i)}), ":0\r\n");
  }
  EXPECT_EQ(Run({"NEXTID", "one more"}), "-ERR there are already 100000 counters\r\n");
  EXPECT_EQ(pair_.depends_on, pair_.index) << "the error tells of an entry that made a counter";
  EXPECT_EQ(Run({"NEXTID", "n7"}), ":1\r\n");
}

TEST_F(IdTest, EndsAtTheGreatestInteger) {
  ASSERT_TRUE(Apply({"nextid", "id", "9223372036854775806"}));
  std::string error;
  ASSERT_TRUE(pair_.global->Restore(TargetPair::SnapshotOf(*pair_.local), &error)) << error;
  EXPECT_EQ(Run({"NEXTID"}), ":9223372036854775807\r\n");
  EXPECT_EQ(Run({"NEXTID"}), "-ERR the counter has reached its greatest value\r\n");
  EXPECT_EQ(Run({"NEXTID"}), "-ERR the counter has reached its greatest value\r\n");
}

TEST_F(IdTest, RefusesEffectsItNeverMade) {
  Run({"NEXTID"});
  Run({"NEXTID"});
  const std::string before = pair_.local->Digest();
  EXPECT_FALSE(Apply({"nextid", "id"}));
  EXPECT_FALSE(Apply({"nextid", "id", "1"})) << "a counter never goes back";
  EXPECT_FALSE(Apply({"nextid", "id", "-1"}));
  EXPECT_FALSE(Apply({"nextid", "id", "x"}));
  EXPECT_FALSE(Apply({"nextid", "", "5"}));
  EXPECT_FALSE(Apply({"nextid", std::string(257, 'n'), "5"}));
  EXPECT_FALSE(Apply({"set", "id", "5"}));
  EXPECT_EQ(pair_.local->Digest(), before);
}

TEST_F(IdTest, SnapshotRoundTrip) {
  const std::string empty = TargetPair::SnapshotOf(*pair_.global);
  for (int i = 0; i < 5000; ++i) Run({"NEXTID", "name" + std::to_string(i % 1700)});
  const std::string bytes = TargetPair::SnapshotOf(*pair_.global);
  IdTarget copy;
  std::string error;
  ASSERT_TRUE(copy.Restore(bytes, &error)) << error;
  EXPECT_EQ(copy.Digest(), pair_.global->Digest());
  EXPECT_EQ(TargetPair::SnapshotOf(copy), bytes);
  ASSERT_TRUE(copy.Restore(empty, &error)) << error;
  EXPECT_EQ(copy.counters(), 0u);
  EXPECT_EQ(copy.Digest(), std::string(40, '0'));
}

TEST_F(IdTest, DamagedSnapshotsLeaveAnEmptyState) {
  for (int i = 0; i < 20; ++i) Run({"NEXTID", "name" + std::to_string(i % 7)});
  const std::string bytes = TargetPair::SnapshotOf(*pair_.global);
  IdTarget copy;
  std::string error;
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(copy.Restore(bytes.substr(0, size), &error));
    EXPECT_EQ(copy.counters(), 0u);
    EXPECT_FALSE(error.empty());
  }
  EXPECT_FALSE(copy.Restore(bytes + "x", &error));
  EXPECT_FALSE(copy.Restore(std::string("\x02\x00", 2), &error)) << "another version";
  // Every other byte value at every place: refused, or a state that writes the same bytes again.
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(value);
      if (copy.Restore(changed, &error)) {
        IdTarget again;
        EXPECT_TRUE(again.Restore(TargetPair::SnapshotOf(copy), &error));
        EXPECT_EQ(again.Digest(), copy.Digest());
      } else {
        EXPECT_EQ(copy.counters(), 0u);
      }
    }
  }
}

TEST_F(IdTest, SnapshotStopsWhenTheSinkSaysSo) {
  Run({"NEXTID"});
  EXPECT_FALSE(pair_.global->Snapshot([](std::string_view) { return false; }));
}

}  // namespace
}  // namespace understudy::targets
