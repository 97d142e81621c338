// Random commands at a global, their effects at a local: equal states after each, equal answers to
// reads, and a snapshot that restores to the same.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/kv_random_commands.h"
#include "tests/kv_test_support.h"

namespace understudy::targets::kv {
namespace {

std::string Shown(const RandomCommands::Args& args) {
  std::string shown;
  for (const std::string& arg : args) shown += arg.substr(0, 60) + " ";
  return shown;
}

std::string SnapshotOf(KvMember& member) {
  std::string bytes;
  member.target().Snapshot([&bytes](std::string_view piece) {
    bytes.append(piece);
    return true;
  });
  return bytes;
}

// Other limits of compact forms than the global's: forms differ then, states don't.
std::shared_ptr<TargetOptions> SmallForms() {
  auto options = std::make_shared<TargetOptions>();
  ContainerLimits& limits = options->containers;
  limits.hash_max_listpack_entries = limits.zset_max_listpack_entries = 3;
  limits.set_max_listpack_entries = limits.set_max_intset_entries = 2;
  limits.hash_max_listpack_value = limits.zset_max_listpack_value = 5;
  limits.list_max_listpack_size = 4;
  limits.stream_node_max_entries = 3;
  limits.hll_sparse_max_bytes = 20;
  return options;
}

class KvProperty : public testing::TestWithParam<uint64_t> {
 protected:
  // What a local says about every key, by commands that only read.
  void CompareReads(KvMember& global, KvMember& local) {
    local.now_ms = global.now_ms;
    local.commit = local.index;
    for (int db = 0; db < 3; ++db) {
      global.db = local.db = db;
      for (int i = 0; i < 12; ++i) {
        const std::string key = "k" + std::to_string(i);
        for (const std::vector<std::string_view>& read : {std::vector<std::string_view>{"get", key},
                                                          {"pttl", key},
                                                          {"pexpiretime", key},
                                                          {"type", key},
                                                          {"object", "encoding", key},
                                                          {"strlen", key}}) {
          const std::string at_local = local.Raw(read, true);
          const bool hit_expired = local.context().hit_expired;
          const std::string at_global = global.Raw(read, true);
          ASSERT_EQ(at_local, at_global) << read[0] << " " << key;
          ASSERT_EQ(hit_expired, global.context().hit_expired);
        }
      }
      CompareContainers(global, local);
      CompareStreams(global, local);
      ASSERT_EQ(local.Run("dbsize", true), global.Run("dbsize", true));
    }
  }

  // The same of streams.
  void CompareStreams(KvMember& global, KvMember& local) {
    for (int i = 0; i < 3; ++i) {
      const std::string key = "x" + std::to_string(i);
      for (const std::vector<std::string_view>& read :
           {std::vector<std::string_view>{"xrange", key, "-", "+"},
            {"xrevrange", key, "+", "-"},
            {"xinfo", "stream", key, "full", "count", "0"},
            {"xinfo", "groups", key}}) {
        ASSERT_EQ(local.Raw(read, true), global.Raw(read, true)) << read[0] << " " << key;
      }
    }
  }

  // The same of containers, but for what has no order.
  void CompareContainers(KvMember& global, KvMember& local) {
    for (int i = 0; i < 4; ++i) {
      const std::string number = std::to_string(i);
      const std::string l = "l" + number, h = "h" + number, s = "s" + number, z = "z" + number;
      for (const std::vector<std::string_view>& read :
           {std::vector<std::string_view>{"lrange", l, "0", "-1"},
            {"object", "encoding", l},
            {"hlen", h},
            {"object", "encoding", h},
            {"scard", s},
            {"object", "encoding", s},
            {"zrange", z, "0", "-1", "withscores"},
            {"object", "encoding", z}}) {
        ASSERT_EQ(local.Raw(read, true), global.Raw(read, true)) << read[0] << " " << read[1];
      }
    }
  }
};

TEST_P(KvProperty, EffectsMakeEqualStates) {
  const protocol::CommandTable table;
  RandomCommands random(GetParam());
  KvMember global(table, 1), local(table, 2), with_small_forms(table, 3, SmallForms());
  int64_t now_ms = global.now_ms;
  for (int step = 0; step < 4000; ++step) {
    global.db = static_cast<int>(random.Below(3));
    global.commit = random.Below(2) == 0 ? global.index : global.commit;
    now_ms += static_cast<int64_t>(random.Below(20));
    global.now_ms = now_ms;
    const std::string before = global.target().Digest();
    const uint64_t index_before = global.index;
    RandomCommands::Args args;
    if (random.Below(100) == 0) {
      global.Timer();
      args = {"(timer)"};
    } else {
      args = random.Next(now_ms, true);
      const std::vector<std::string_view> views(args.begin(), args.end());
      const std::string reply = global.Raw(views);
      ASSERT_FALSE(reply.empty()) << Shown(args);
      if (reply[0] == '-') {
        // An error deletes at most what has expired.
        for (const char* effect :
             {"set ",        "append ", "incrby ", "persist ", "pexpireat ", "push ",
              "pop ",        "hdel ",   "sadd ",   "srem ",    "zadd ",      "zrem ",
              "xadd ",       "xtrim ",  "xdel ",   "xsetid ",  "xgroup",     "xack ",
              "xreadgroup ", "xclaim ", "pfadd ",  "pfmerge "}) {
          ASSERT_EQ(global.Effects().find(effect), std::string::npos) << Shown(args);
        }
      }
    }
    if (global.update().empty()) {
      ASSERT_EQ(global.target().Digest(), before) << Shown(args);
      continue;
    }
    ASSERT_EQ(global.index, index_before + 1);
    local.now_ms = static_cast<int64_t>(random.Below(1u << 30));  // must not matter
    ASSERT_TRUE(local.Apply(global.update())) << Shown(args);
    ASSERT_EQ(local.target().Digest(), global.target().Digest())
        << "seed " << GetParam() << " step " << step << ": " << Shown(args) << "\n"
        << global.Effects();
    ASSERT_TRUE(with_small_forms.Apply(global.update())) << Shown(args);
    if (step % 50 == 0) {
      ASSERT_EQ(with_small_forms.target().Digest(), global.target().Digest())
          << "seed " << GetParam() << " step " << step;
    }
    if (step % 400 == 0) {
      CompareReads(global, local);
      if (HasFatalFailure()) return;
    }
  }
  KvMember restored(table, 3);
  std::string error;
  ASSERT_TRUE(restored.target().Restore(SnapshotOf(global), &error)) << error;
  EXPECT_EQ(restored.target().Digest(), global.target().Digest());
  EXPECT_EQ(restored.target().Stats().dbs[0].expires, global.target().Stats().dbs[0].expires);
}

INSTANTIATE_TEST_SUITE_P(Seeds, KvProperty, testing::Range<uint64_t>(1, 13));

// A reply never depends on less than it has seen: replaying only the committed part of the log up
// to what a read depends on gives the same answer.
TEST(KvGating, TheAnswerIsThatOfTheEntriesItDependsOn) {
  const protocol::CommandTable table;
  for (uint64_t seed = 100; seed < 130; ++seed) {
    RandomCommands random(seed);
    KvMember global(table, 1);
    std::vector<std::string> log;  // updates of entries 1, 2, ...
    for (int step = 0; step < 300; ++step) {
      global.db = static_cast<int>(random.Below(2));
      const auto args = random.Next(global.now_ms, false);
      const std::vector<std::string_view> views(args.begin(), args.end());
      global.Raw(views);
      if (!global.update().empty()) log.push_back(global.update());
    }
    for (int db = 0; db < 2; ++db) {
      for (int i = 0; i < 12; ++i) {
        const std::string key = "k" + std::to_string(i);
        global.db = db;
        const std::string answer = global.Raw({"get", key});
        const uint64_t depends_on = global.context().depends_on;
        ASSERT_LE(depends_on, log.size());
        KvMember replay(table, 1);
        for (uint64_t entry = 0; entry < depends_on; ++entry) {
          ASSERT_TRUE(replay.Apply(log[entry]));
        }
        replay.db = db;
        ASSERT_EQ(replay.Raw({"get", key}), answer) << "seed " << seed << " " << key;
      }
    }
  }
}

TEST(KvScan, ReportsWhatIsThereAllTheWhile) {
  const protocol::CommandTable table;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    KvMember member(table, seed);
    std::mt19937_64 random(seed);
    std::set<std::string> stable;
    for (int i = 0; i < 500; ++i) {
      stable.insert("stable" + std::to_string(i));
      member.Raw({"set", "stable" + std::to_string(i), "v"});
    }
    std::set<std::string> seen;
    std::string cursor = "0";
    int moving = 0;
    do {
      const std::string reply =
          member.Raw({"scan", cursor, "count", std::to_string(1 + random() % 20)});
      // *2 $n cursor *n ($n key)...
      std::vector<std::string> words;
      for (size_t at = 0; at < reply.size();) {
        const size_t end = reply.find("\r\n", at);
        words.push_back(reply.substr(at, end - at));
        at = end + 2;
      }
      cursor = words[2];
      for (size_t i = 5; i < words.size(); i += 2) seen.insert(words[i]);
      for (int i = 0; i < 60; ++i) {
        if (seed % 2 == 0) {
          member.Raw({"set", "moving" + std::to_string(moving++), "v"});
        } else if (moving < 20'000 && moving % 2 == 0) {
          member.Raw({"set", "moving" + std::to_string(moving++), "v", "px", "1"});
        } else {
          member.Raw({"del", "moving" + std::to_string(random() % 20'000)});
          ++moving;
        }
      }
      member.now_ms += 5;
    } while (cursor != "0");
    for (const std::string& key : stable) ASSERT_TRUE(seen.count(key) == 1) << key;
  }
}

}  // namespace
}  // namespace understudy::targets::kv
