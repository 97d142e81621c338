// Lists, hashes, sets and sorted sets in the key space: effects, gating, deletion of what becomes
// empty, freeing in steps, snapshots, hostile effects.
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "targets/kv/keyspace.h"
#include "tests/kv_random_commands.h"
#include "tests/kv_test_support.h"

namespace understudy::targets::kv {
namespace {

const protocol::CommandTable& CommandsOnce() {
  static const protocol::CommandTable table;
  return table;
}

class Recorder : public KeyspaceObserver {
 public:
  void OnChange(int, std::string_view key, Change, std::string_view event) override {
    events.append(events.empty() ? "" : " ").append(event).append(":").append(key);
  }
  void OnDatabaseChanged(int) override {}
  std::string Take() { return std::exchange(events, {}); }
  std::string events;
};

class KvContainers : public testing::Test {
 protected:
  std::string EffectsOf(std::string_view line) {
    reply = member.Run(line);
    return member.Effects();
  }
  uint64_t DependsOn(std::string_view line) {
    reply = member.Run(line, true);
    return member.context().depends_on;
  }
  KvMember member{CommandsOnce()};
  std::string reply;
};

TEST_F(KvContainers, EffectsAreSmall) {
  EXPECT_EQ(EffectsOf("rpush l a b c"), "0 rpush l a b c");
  EXPECT_EQ(EffectsOf("lpushx l z"), "0 lpush l z");
  EXPECT_EQ(EffectsOf("lpushx missing z"), "");
  EXPECT_EQ(EffectsOf("lpop l"), "0 lpop l 1");
  EXPECT_EQ(EffectsOf("rpop l 2"), "0 rpop l 2");
  EXPECT_EQ(EffectsOf("rpush l x y x"), "0 rpush l x y x");
  EXPECT_EQ(EffectsOf("lset l -1 z"), "0 lset l 3 z");
  EXPECT_EQ(EffectsOf("linsert l after x w"), "0 linsert l 2 w");
  EXPECT_EQ(EffectsOf("linsert l after nothing w"), "");
  EXPECT_EQ(EffectsOf("lrem l -2 x"), "0 lrem l -2 x");
  EXPECT_EQ(EffectsOf("lrem l 0 nothing"), "");
  EXPECT_EQ(EffectsOf("ltrim l 1 -1"), "0 ltrim l 1 3");
  EXPECT_EQ(EffectsOf("ltrim l 0 -1"), "");
  EXPECT_EQ(EffectsOf("lmove l l2 left right"), "0 rpush l2 w\n0 lpop l 1");
  EXPECT_EQ(EffectsOf("lmpop 2 missing l2 left count 5"), "0 lpop l2 1");
  EXPECT_EQ(EffectsOf("hset h a 1 b 2"), "0 hset h a 1 b 2");
  EXPECT_EQ(EffectsOf("hsetnx h a 1"), "");
  EXPECT_EQ(EffectsOf("hincrby h a 41"), "0 hset h a 42");
  EXPECT_EQ(EffectsOf("hincrbyfloat h a 0.5"), "0 hset h a 42.5");
  EXPECT_EQ(EffectsOf("hdel h x"), "");
  EXPECT_EQ(EffectsOf("hdel h x a"), "0 hdel h x a");
  EXPECT_EQ(EffectsOf("sadd s a"), "0 sadd s a");
  EXPECT_EQ(EffectsOf("sadd s a"), "");
  EXPECT_EQ(EffectsOf("srem s x"), "");
  EXPECT_EQ(EffectsOf("spop s"), "0 srem s a");
  EXPECT_EQ(EffectsOf("sadd s a b"), "0 sadd s a b");
  EXPECT_EQ(EffectsOf("spop s 9"), "0 del s");
  EXPECT_EQ(EffectsOf("sadd s a b"), "0 sadd s a b");
  EXPECT_EQ(EffectsOf("smove s s2 a"), "0 srem s a\n0 sadd s2 a");
  EXPECT_EQ(EffectsOf("sunionstore s3 s s2"), "0 sunionstore s3 s s2");
  EXPECT_EQ(EffectsOf("sinterstore s3 s s2"), "0 del s3");
  EXPECT_EQ(EffectsOf("sinterstore s3 s s2"), "");
  EXPECT_EQ(EffectsOf("zadd z 1 a 2 b 0.1 c"), "0 zadd z 1 a 2 b 0.1 c");
  EXPECT_EQ(EffectsOf("zadd z gt 1 a 3 b 0.05 c"), "0 zadd z 3 b");
  EXPECT_EQ(EffectsOf("zadd z xx 1 a 9 new"), "");
  EXPECT_EQ(EffectsOf("zincrby z 0.5 a"), "0 zadd z 1.5 a");
  EXPECT_EQ(EffectsOf("zincrby z 0 a"), "");
  EXPECT_EQ(EffectsOf("zpopmin z"), "0 zremrangebyrank z 0 1");
  EXPECT_EQ(EffectsOf("zremrangebyscore z 3 3"), "0 zremrangebyrank z 1 1");
  EXPECT_EQ(EffectsOf("zrem z x"), "");
  EXPECT_EQ(EffectsOf("zadd y 1 a"), "0 zadd y 1 a");
  EXPECT_EQ(EffectsOf("zunionstore u 2 z y weights 2 0.5 aggregate max"),
            "0 zunionstore u max z 2 y 0.5");
  EXPECT_EQ(EffectsOf("zinterstore u 2 z y"), "0 zinterstore u sum z 1 y 1");
  EXPECT_EQ(EffectsOf("zdiffstore u 2 z missing"), "0 zdiffstore u z missing");
  EXPECT_EQ(EffectsOf("zrangestore u z -inf +inf byscore"), "0 zrangestore u z 0 1");
  EXPECT_EQ(EffectsOf("zrangestore u z 5 6"), "0 del u");
  EXPECT_EQ(EffectsOf("rpush n 3 1 2"), "0 rpush n 3 1 2");
  EXPECT_EQ(EffectsOf("sort n store n"), "0 del n\n0 rpush n 1 2 3");
  EXPECT_EQ(EffectsOf("set n 1"), "0 set n 1");
}

TEST_F(KvContainers, WhatBecomesEmptyIsGone) {
  for (const char* line :
       {"rpush k a|lpop k", "rpush k a|lrem k 0 a", "rpush k a|ltrim k 1 0", "hset k f v|hdel k f",
        "sadd k a|srem k a", "sadd k a|spop k", "sadd k a|smove k k2 a", "zadd k 1 a|zrem k a",
        "zadd k 1 a|zpopmax k", "zadd k 1 a|zremrangebyrank k 0 -1",
        "rpush k a|lmove k k2 left left", "zadd k 1 a|zdiffstore k 2 k k"}) {
    const std::string both = line;
    const size_t bar = both.find('|');
    member.Run("flushall");
    member.Run(both.substr(0, bar));
    EXPECT_EQ(member.Run("exists k"), ":1");
    member.Run(both.substr(bar + 1));
    EXPECT_EQ(member.Run("exists k"), ":0") << line;
    // What isn't there any more depends on the entry that took it away.
    const uint64_t index = member.index;
    EXPECT_EQ(DependsOn("exists k"), index) << line;
  }
}

TEST_F(KvContainers, ReadsDependOnTheLastChange) {
  member.Run("sadd s a");
  const uint64_t index = member.index;
  member.Run("sadd other a");
  EXPECT_EQ(DependsOn("smembers s"), index);
  member.Run("sadd s a");  // changes nothing
  EXPECT_EQ(member.context().depends_on, index);
  EXPECT_EQ(DependsOn("sinter s other"), index + 1);
  member.commit = index;
  EXPECT_EQ(DependsOn("smembers s"), 0u);
}

TEST_F(KvContainers, TheObserverHearsWhatRedisTells) {
  Recorder recorder;
  member.target().keyspace().set_observer(&recorder);
  const auto events = [&](std::string_view line) {
    member.Run(line);
    return recorder.Take();
  };
  EXPECT_EQ(events("lpush l a b"), "lpush:l");
  EXPECT_EQ(events("rpoplpush l l2"), "lpush:l2 rpop:l");
  EXPECT_EQ(events("lpop l"), "lpop:l del:l");
  EXPECT_EQ(events("hincrby h f 1"), "hincrby:h");
  EXPECT_EQ(events("hdel h f"), "hdel:h del:h");
  EXPECT_EQ(events("sadd s a"), "sadd:s");
  EXPECT_EQ(events("sadd s a"), "");
  EXPECT_EQ(events("spop s 5"), "spop:s del:s");
  EXPECT_EQ(events("zadd z 1 a 2 b"), "zadd:z");
  EXPECT_EQ(events("zincrby z 1 a"), "zincr:z");
  EXPECT_EQ(events("zpopmin z"), "zpopmin:z");
  EXPECT_EQ(events("zremrangebyscore z 0 9"), "zremrangebyscore:z del:z");
  EXPECT_EQ(events("sort l2 alpha store d"), "sortstore:d");
  member.target().keyspace().set_observer(nullptr);
}

TEST_F(KvContainers, AnotherTypeTakesTheKeyOver) {
  member.Run("rpush k a b c");
  member.Run("pexpire k 100000");
  EXPECT_EQ(member.Run("set k v"), "+OK");
  EXPECT_EQ(member.Run("get k"), "$1|v");
  EXPECT_EQ(member.Run("ttl k"), ":-1");
  member.Run("sadd s a");
  EXPECT_EQ(member.Run("sunionstore k s"), ":1");
  EXPECT_EQ(member.Run("type k"), "+set");
  EXPECT_EQ(member.Run("append k x"),
            "-WRONGTYPE Operation against a key holding the wrong kind of value");
}

TEST_F(KvContainers, BigValuesAreFreedInSteps) {
  std::vector<std::string> texts;
  for (int i = 0; i < 100'000; ++i) texts.push_back("m" + std::to_string(i));
  std::vector<std::string_view> set = {"sadd", "s"}, hash = {"hset", "h"}, sorted = {"zadd", "z"};
  for (const std::string& text : texts) {
    set.push_back(text);
    hash.insert(hash.end(), {text, text});
    sorted.insert(sorted.end(), {"1", text});
  }
  Keyspace& keyspace = member.target().keyspace();
  const auto steps = [&] {
    int count = 0;
    for (; keyspace.waiting_to_be_freed() > 0; ++count) keyspace.Upkeep();
    return count;
  };
  for (const auto& command : {set, hash, sorted}) {
    member.Raw(command);
    member.Raw({"del", command[1]});
    EXPECT_EQ(keyspace.waiting_to_be_freed(), 1u);
    EXPECT_GT(steps(), 2) << command[0];
  }
  member.Raw(set);
  EXPECT_EQ(member.Run("set s v"), "+OK");
  EXPECT_EQ(keyspace.waiting_to_be_freed(), 1u);
  EXPECT_GT(steps(), 2);
  member.Raw(hash);
  member.Run("flushall");
  for (int i = 0; i < 3; ++i) keyspace.Upkeep();
  steps();
  member.Raw(sorted);  // the destructor frees what is left
  member.Run("del z");
}

TEST_F(KvContainers, SnapshotsKeepAllForms) {
  ContainerLimits& limits = member.options().containers;
  limits.list_plain_bytes = 5000;
  RandomCommands random(5);
  for (int i = 0; i < 60; ++i) {
    const auto args = RandomContainers(&random.engine()).Big();
    member.Raw(std::vector<std::string_view>(args.begin(), args.end()));
  }
  member.Raw({"rpush", "plain", "a", std::string(6000, 'p'), "b"});
  member.Run("zadd zs inf a -inf b 1.5 c -0 d");
  std::string bytes;
  ASSERT_TRUE(member.target().Snapshot([&bytes](std::string_view piece) {
    bytes.append(piece);
    return true;
  }));
  KvMember restored(CommandsOnce(), 9);
  std::string error;
  ASSERT_TRUE(restored.target().Restore(bytes, &error)) << error;
  EXPECT_EQ(restored.target().Digest(), member.target().Digest());
  // Under other limits it is the same in other forms.
  auto options = std::make_shared<TargetOptions>();
  options->containers.hash_max_listpack_entries = options->containers.zset_max_listpack_entries =
      options->containers.set_max_intset_entries = options->containers.set_max_listpack_entries = 1;
  options->containers.list_max_listpack_size = 2;
  KvMember other(CommandsOnce(), 10, options);
  ASSERT_TRUE(other.target().Restore(bytes, &error)) << error;
  EXPECT_EQ(other.target().Digest(), member.target().Digest());
  EXPECT_EQ(other.Run("object encoding zs"), "$8|skiplist");
}

TEST_F(KvContainers, DamagedSnapshotsAreRefusedOrHarmless) {
  RandomCommands random(6);
  for (int i = 0; i < 300; ++i) {
    const auto args = random.Next(member.now_ms, false);
    member.Raw(std::vector<std::string_view>(args.begin(), args.end()));
  }
  std::string bytes;
  member.target().Snapshot([&bytes](std::string_view piece) {
    bytes.append(piece);
    return true;
  });
  KvMember restored(CommandsOnce(), 9);
  std::mt19937_64 engine(1);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = bytes;
    for (uint64_t changes = 1 + engine() % 3; changes > 0; --changes) {
      damaged[engine() % damaged.size()] = static_cast<char>(engine());
    }
    if (engine() % 4 == 0) damaged.resize(engine() % damaged.size());
    std::string error;
    if (!restored.target().Restore(damaged, &error)) {
      EXPECT_FALSE(error.empty());
      ++refused;
      continue;
    }
    restored.target().Digest();  // walks everything
  }
  EXPECT_GT(refused, 100);
}

TEST_F(KvContainers, HostileEffectsChangeNothing) {
  for (const char* line :
       {"rpush l a b c", "hset h f v", "sadd s a", "zadd z 1 a 2 b", "set k v"}) {
    member.Run(line);
  }
  const std::string before = member.target().Digest();
  EffectWriter none(nullptr);
  Context context;
  context.effects = &none;
  context.index = member.index + 1;
  const std::vector<std::vector<std::string_view>> effects = {
      {"lpush", "l"},
      {"lpush", "h", "a"},
      {"lpop", "l", "4"},
      {"lpop", "l", "-1"},
      {"lpop", "l"},
      {"lpop", "missing", "1"},
      {"lset", "l", "3", "x"},
      {"linsert", "l", "4", "x"},
      {"linsert", "l", "x", "x"},
      {"lrem", "l", "0", "nothing"},
      {"lrem", "l", "x", "a"},
      {"ltrim", "l", "2", "2"},
      {"ltrim", "l", "18446744073709551615", "5"},
      {"hset", "h", "f"},
      {"hset", "h", "f", "v", "g"},
      {"hset", "s", "f", "v"},
      {"hdel", "h", "nothing"},
      {"hdel", "missing", "f"},
      {"sadd", "s"},
      {"sadd", "s", "a"},
      {"sadd", "z", "a"},
      {"srem", "s", "nothing"},
      {"srem", "missing", "a"},
      {"zadd", "z", "1"},
      {"zadd", "z", "nan", "a"},
      {"zadd", "z", "x", "a"},
      {"zadd", "z", "1", "a"},
      {"zadd", "l", "1", "a"},
      {"zrem", "z", "nothing"},
      {"zremrangebyrank", "z", "0", "3"},
      {"zremrangebyrank", "z", "2", "1"},
      {"zremrangebyrank", "z", "0", "0"},
      {"sinterstore", "d"},
      {"sinterstore", "d", "l"},
      {"zunionstore", "d", "sum"},
      {"zunionstore", "d", "avg", "z", "1"},
      {"zunionstore", "d", "sum", "z", "nan"},
      {"zunionstore", "d", "sum", "z"},
      {"zunionstore", "d", "sum", "k", "1"},
      {"zdiffstore", "d", "h"},
      {"zrangestore", "d", "z", "0", "3"},
      {"zrangestore", "d", "z", "2", "1"},
      {"zrangestore", "d", "missing", "0", "1"},
      {"zrangestore", "d", "s", "0", "1"},
  };
  for (const auto& effect : effects) {
    EXPECT_FALSE(member.target().Apply(0, effect, context)) << effect[0] << " " << effect.back();
    EXPECT_EQ(member.target().Digest(), before) << effect[0] << " " << effect.back();
  }
}

// HSCAN and its relatives, as SCAN: what is there all the while is reported.
TEST_F(KvContainers, ScansReportWhatIsThereAllTheWhile) {
  std::mt19937_64 random(1);
  for (const auto& [scan, add, remove] :
       {std::tuple{"hscan", "hset", "hdel"}, std::tuple{"sscan", "sadd", "srem"},
        std::tuple{"zscan", "zadd", "zrem"}}) {
    for (const bool grow : {true, false}) {
      const bool pairs = scan[0] != 's';
      const auto add_one = [&, name = std::string(add)](const std::string& element) {
        std::vector<std::string_view> args = {name, "k"};
        if (name == "zadd") args.push_back("1");
        args.push_back(element);
        if (name == "hset") args.push_back("v");
        member.Raw(args);
      };
      member.Run("flushall");
      for (int i = 0; i < 400; ++i) add_one("stable" + std::to_string(i));
      for (int i = 0; i < (grow ? 0 : 20'000); ++i) add_one("moving" + std::to_string(i));
      std::set<std::string> seen;
      std::string cursor = "0";
      int moving = 0;
      do {
        const std::string answer = member.Raw({scan, "k", cursor, "count", "17"});
        std::vector<std::string> words;
        for (size_t at = 0; at < answer.size();) {
          const size_t end = answer.find("\r\n", at);
          words.push_back(answer.substr(at, end - at));
          at = end + 2;
        }
        cursor = words[2];
        for (size_t i = 5; i < words.size(); i += pairs ? 4 : 2) seen.insert(words[i]);
        for (int i = 0; i < 300 && moving < 20'000; ++i) {
          const std::string element = "moving" + std::to_string(moving++);
          if (grow) {
            add_one(element);
          } else {
            member.Raw({remove, "k", element});
          }
        }
      } while (cursor != "0");
      for (int i = 0; i < 400; ++i) {
        ASSERT_EQ(seen.count("stable" + std::to_string(i)), 1u) << scan << i;
      }
    }
  }
}

}  // namespace
}  // namespace understudy::targets::kv
