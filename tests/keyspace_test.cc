// The key space: effects, gating, expiry, reuse of allocations, the observer.
#include "targets/kv/keyspace.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <unordered_map>

#include "targets/kv/deleted_names.h"
#include "tests/kv_test_support.h"

namespace understudy::targets::kv {
namespace {

const protocol::CommandTable& CommandsOnce() {
  static const protocol::CommandTable table;
  return table;
}

class KeyspaceTest : public testing::Test {
 protected:
  KvMember member{CommandsOnce()};

  // Runs a command and returns its effects.
  std::string EffectsOf(std::string_view line) {
    reply = member.Run(line);
    return member.Effects();
  }
  // Runs a command and returns the entry its reply depends on.
  uint64_t DependsOn(std::string_view line, bool read_only = false) {
    reply = member.Run(line, read_only);
    return member.context().depends_on;
  }
  const Entry* Find(const std::string& key) {
    Context context;
    context.read_only = true;
    return member.target().keyspace().Find(context, member.db, key);
  }
  std::string reply;
};

// ---- effects ----

TEST_F(KeyspaceTest, EffectsAreSmallAndAbsolute) {
  EXPECT_EQ(EffectsOf("set k v"), "0 set k v");
  EXPECT_EQ(EffectsOf("set k v ex 10"), "0 set k v pxat 1700000010000");
  EXPECT_EQ(EffectsOf("set k w keepttl"), "0 set k w keepttl");
  EXPECT_EQ(EffectsOf("append k tail"), "0 append k tail");
  EXPECT_EQ(EffectsOf("setrange k 2 xy"), "0 setrange k 2 xy");
  EXPECT_EQ(EffectsOf("getex k px 500"), "0 pexpireat k 1700000000500");
  EXPECT_EQ(EffectsOf("getex k persist"), "0 persist k");
  EXPECT_EQ(EffectsOf("set n 5"), "0 set n 5");
  EXPECT_EQ(EffectsOf("incrby n 37"), "0 incrby n 37");
  EXPECT_EQ(EffectsOf("decr n"), "0 incrby n -1");
  EXPECT_EQ(EffectsOf("incrbyfloat n 0.5"), "0 set n 41.5");
  EXPECT_EQ(EffectsOf("incrbyfloat n 0.5"), "0 set n 42 text");
  EXPECT_EQ(EffectsOf("mset a 1 b 2"), "0 set a 1\n0 set b 2");
  EXPECT_EQ(EffectsOf("rename a c"), "0 rename a c");
  EXPECT_EQ(EffectsOf("copy b d db 3"), "0 copy b d db 3 replace");
  EXPECT_EQ(EffectsOf("move b 1"), "0 move b 1");
  EXPECT_EQ(EffectsOf("expire c 100"), "0 pexpireat c 1700000100000");
  EXPECT_EQ(EffectsOf("persist c"), "0 persist c");
  EXPECT_EQ(EffectsOf("expire c -1"), "0 del c");
  EXPECT_EQ(EffectsOf("unlink k n nothing"), "0 del k\n0 del n");
  EXPECT_EQ(EffectsOf("swapdb 1 2"), "0 swapdb 1 2");
  member.db = 2;
  EXPECT_EQ(EffectsOf("flushdb"), "2 flushdb");
  EXPECT_EQ(EffectsOf("flushall"), "0 flushall");
}

TEST_F(KeyspaceTest, NoEffectsWithoutChange) {
  member.Run("set k v");
  for (const char* line : {"get k",           "setnx k w",         "set k w nx",
                           "set new w xx",    "getex k",           "persist k",
                           "del nothing",     "setrange k 0 ''",   "msetnx k 1 l 2",
                           "renamenx k k",    "expire k 10 xx",    "move k 0",
                           "copy k k",        "swapdb 1 1",        "incr k",
                           "incrbyfloat k x", "touch k",           "object encoding k",
                           "getdel nothing",  "expire nothing 10", "rename nothing k",
                           "set k v ex 0"}) {
    EXPECT_EQ(EffectsOf(line), "") << line;
  }
}

TEST_F(KeyspaceTest, RefusesEffectsThatAreNotItsOwn) {
  member.Run("set s text");
  member.Run("set n 9223372036854775807");
  const std::string before = member.target().Digest();
  const auto refused = [&](std::vector<std::string_view> effect) {
    EffectWriter effects(nullptr);
    Context context;
    context.index = 100;
    context.effects = &effects;
    return !member.target().Apply(0, effect, context);
  };
  EXPECT_TRUE(refused({"set", "k"}));
  EXPECT_TRUE(refused({"set", "k", "v", "ex"}));
  EXPECT_TRUE(refused({"set", "k", "v", "pxat", "soon"}));
  EXPECT_TRUE(refused({"set", "k", "v", "keepttl", "raw", "more"}));
  EXPECT_TRUE(refused({"del", "nothing"}));
  EXPECT_TRUE(refused({"del"}));
  EXPECT_TRUE(refused({"incrby", "s", "1"}));
  EXPECT_TRUE(refused({"incrby", "n", "1"}));
  EXPECT_TRUE(refused({"setrange", "s", "-1", "x"}));
  EXPECT_TRUE(refused({"setrange", "s", "9223372036854775807", "xx"}));
  EXPECT_TRUE(refused({"pexpireat", "nothing", "1"}));
  EXPECT_TRUE(refused({"pexpireat", "s", "x"}));
  EXPECT_TRUE(refused({"persist", "nothing"}));
  EXPECT_TRUE(refused({"rename", "s", "s"}));
  EXPECT_TRUE(refused({"move", "s", "0"}));
  EXPECT_TRUE(refused({"move", "s", "16"}));
  EXPECT_TRUE(refused({"copy", "s", "s", "db", "0", "replace"}));
  EXPECT_TRUE(refused({"swapdb", "0", "16"}));
  EXPECT_TRUE(refused({"flushall", "now"}));
  EXPECT_TRUE(refused({"spop", "s"}));
  EXPECT_TRUE(refused({}));
  EXPECT_EQ(member.target().Digest(), before);
}

// ---- what replies depend on ----

TEST_F(KeyspaceTest, ReadsWaitForWhatTouchedTheirKey) {
  member.Run("set a 1");  // entry 1
  member.Run("set b 2");  // entry 2
  EXPECT_EQ(DependsOn("get a"), 1u);
  EXPECT_EQ(DependsOn("mget a b c"), 2u);
  EXPECT_EQ(DependsOn("get c"), 0u);
  EXPECT_EQ(DependsOn("setnx a x"), 1u);        // a write without effects is a read
  EXPECT_EQ(DependsOn("incrbyfloat b x"), 2u);  // and so is an error
  EXPECT_EQ(DependsOn("dbsize"), 2u);
  EXPECT_EQ(DependsOn("keys none"), 2u);
  member.commit = 1;
  EXPECT_EQ(DependsOn("get a"), 0u);
  EXPECT_EQ(DependsOn("ttl b"), 2u);
}

TEST_F(KeyspaceTest, DeletedKeysAreRememberedByName) {
  member.Run("mset a 1 b 2 c 3");  // 1
  member.Run("del a");             // 2
  member.Run("rename b bb");       // 3
  member.Run("move c 1");          // 4
  EXPECT_EQ(DependsOn("get a"), 2u);
  EXPECT_EQ(DependsOn("exists b"), 3u);
  EXPECT_EQ(DependsOn("get bb"), 3u);
  EXPECT_EQ(DependsOn("get c"), 4u);
  EXPECT_EQ(DependsOn("get other"), 0u);
  member.db = 1;
  EXPECT_EQ(DependsOn("get c"), 4u);
  EXPECT_EQ(DependsOn("get a"), 0u);
  member.db = 0;
  member.commit = 2;
  EXPECT_EQ(DependsOn("get a"), 0u);
  EXPECT_EQ(DependsOn("get b"), 3u);
  member.commit = 4;
  EXPECT_EQ(DependsOn("mget a b c bb"), 0u);
}

TEST_F(KeyspaceTest, EverythingDependsOnAFlushOrSwap) {
  member.Run("set a 1");  // 1
  member.Run("flushdb");  // 2
  EXPECT_EQ(DependsOn("get a"), 2u);
  EXPECT_EQ(DependsOn("get whatever"), 2u);
  member.db = 3;
  EXPECT_EQ(DependsOn("get whatever"), 0u);
  member.Run("set x 1");     // 3
  member.Run("swapdb 3 4");  // 4
  EXPECT_EQ(DependsOn("get x"), 4u);
  member.db = 4;
  EXPECT_EQ(DependsOn("get x"), 4u);
  member.db = 5;
  EXPECT_EQ(DependsOn("get x"), 0u);
  member.Run("flushall");  // 5
  EXPECT_EQ(DependsOn("get x"), 5u);
  member.commit = 5;
  EXPECT_EQ(DependsOn("get x"), 0u);
}

TEST_F(KeyspaceTest, ManyUncommittedDeletionsAreRememberedAsOne) {
  for (size_t i = 0; i < DeletedNames::kLimit + 10; ++i) {
    const std::string key = "k" + std::to_string(i);
    member.Raw({"set", key, "v"});
    member.Raw({"del", key});
  }
  EXPECT_GE(DependsOn("get k0"), 2u);
  EXPECT_GE(DependsOn("get k70"), 2u * 71);
  member.commit = member.index;
  EXPECT_EQ(DependsOn("get k0"), 0u);
}

TEST(DeletedNames, AgreesWithAModel) {
  DeletedNames names;
  std::unordered_map<uint64_t, uint64_t> model;
  std::mt19937_64 random(3);
  uint64_t commit = 0;
  for (uint64_t index = 1; index < 50'000; ++index) {
    const uint64_t name = random() % 1000 * (random() % 3 == 0 ? 64 : 1);  // long probes too
    names.Add(name, index);
    model[name] = index;
    if (random() % 5 == 0) {
      commit += random() % (index - commit + 1);
      names.Prune(commit);
      // Only what is committed is forgotten, and the newest deletions aren't.
      ASSERT_LE(names.forgotten(), commit);
      ASSERT_GE(index - names.forgotten(), std::min<uint64_t>(index, DeletedNames::kKept));
      ASSERT_LE(index - names.forgotten(), std::max<uint64_t>(index - commit, DeletedNames::kKept));
    }
    const uint64_t asked = random() % 1000 * (random() % 3 == 0 ? 64 : 1);
    const auto found = model.find(asked);
    const bool known = found != model.end() && found->second > names.forgotten();
    ASSERT_EQ(names.Find(asked), known ? found->second : 0);
  }
  names.Prune(50'000);
  EXPECT_EQ(names.forgotten(), 49'999 - DeletedNames::kKept);
  names.Clear();
  EXPECT_TRUE(names.empty());
  EXPECT_EQ(names.forgotten(), 49'999u);
}

// ---- expiry ----

TEST_F(KeyspaceTest, ReadOfAnExpiredKeyDeletesItByAnEffect) {
  member.Run("set k v px 100");  // 1
  member.now_ms += 100;
  EXPECT_EQ(EffectsOf("get k"), "");
  EXPECT_EQ(reply, "$1|v");
  member.now_ms += 1;
  EXPECT_EQ(EffectsOf("get k"), "0 del k");
  EXPECT_EQ(reply, "$-1");
  EXPECT_EQ(DependsOn("get k"), 2u);
  EXPECT_EQ(member.target().Stats().expired_keys, 1u);
}

TEST_F(KeyspaceTest, ReadOnlyReportsAnExpiredKey) {
  member.Run("set k v px 100");
  member.now_ms += 101;
  for (const char* line :
       {"get k", "exists k", "keys *", "scan 0 count 100", "randomkey", "ttl k"}) {
    member.Run(line, true);
    EXPECT_TRUE(member.context().hit_expired) << line;
    EXPECT_EQ(member.Effects(), "");
  }
  EXPECT_EQ(member.target().keyspace().size(0), 1u);
  member.Run("get other", true);
  EXPECT_FALSE(member.context().hit_expired);
}

TEST_F(KeyspaceTest, WritesToExpiredKeysStartAnew) {
  for (const char* line : {"incr k", "append k x", "setrange k 1 x", "incrbyfloat k 1",
                           "set k 1 keepttl", "setnx k 1", "msetnx k 1"}) {
    member.Run("set k 100 px 10");
    member.now_ms += 11;
    EXPECT_TRUE(EffectsOf(line).starts_with("0 del k\n0 ")) << line;
    EXPECT_EQ(member.Run("ttl k"), ":-1") << line;
    member.Run("del k");
  }
  member.Run("set k 100 px 10");
  member.now_ms += 11;
  EXPECT_EQ(EffectsOf("del k"), "0 del k");
  EXPECT_EQ(reply, ":0");
}

TEST_F(KeyspaceTest, AnErrorAboutAnExpiredKeyStillDeletesIt) {
  member.Run("set k v px 10");
  member.now_ms += 11;
  EXPECT_EQ(EffectsOf("rename k l"), "0 del k");
  EXPECT_EQ(reply, "-ERR no such key");
}

TEST_F(KeyspaceTest, ApplyLooksAtNoClock) {
  KvMember local(CommandsOnce(), 99);
  local.now_ms += 1'000'000'000;  // everything has expired by this clock
  for (const char* line : {"set k 1 px 100", "incr k", "append k 5", "copy k l", "rename l m",
                           "move m 1", "setrange k 1 x", "pexpire k 200"}) {
    member.Run(line);
    ASSERT_TRUE(local.Apply(member.update())) << line;
    ASSERT_EQ(local.target().Digest(), member.target().Digest()) << line;
  }
}

TEST_F(KeyspaceTest, ActiveExpiryDeletesWhatIsDue) {
  for (int i = 0; i < 3000; ++i) {
    member.Raw({"set", "short" + std::to_string(i), "v", "px", std::to_string(1 + i % 100)});
    member.Raw({"set", "long" + std::to_string(i), "v", "ex", "1000"});
    member.Raw({"set", "ever" + std::to_string(i), "v"});
  }
  KvMember local(CommandsOnce(), 5);
  std::string snapshot;
  member.target().Snapshot([&](std::string_view piece) {
    snapshot.append(piece);
    return true;
  });
  std::string error;
  ASSERT_TRUE(local.target().Restore(snapshot, &error)) << error;
  member.now_ms += 200;
  for (int i = 0; i < 100; ++i) {
    member.Timer();
    ASSERT_TRUE(local.Apply(member.update()));
  }
  EXPECT_EQ(member.target().keyspace().size(0), 6000u);
  EXPECT_EQ(member.target().keyspace().expires(0), 3000u);
  EXPECT_EQ(local.target().Digest(), member.target().Digest());
  EXPECT_EQ(member.target().Stats().expired_keys, 3000u);
  const uint64_t ttl = member.target().Stats().dbs[0].avg_ttl_ms;
  EXPECT_NEAR(static_cast<double>(ttl), 1'000'000 - 200, 1000);
}

TEST_F(KeyspaceTest, ActiveExpiryIsBoundedAndHurries) {
  constexpr int kKeys = 50'000;
  for (int i = 0; i < kKeys; ++i) {
    member.Raw({"set", "k" + std::to_string(i), "v", "px", "10"});
  }
  member.now_ms += 100;
  EXPECT_TRUE(member.Timer());
  const size_t left = member.target().keyspace().size(0);
  EXPECT_LT(left, static_cast<size_t>(kKeys));
  EXPECT_GT(left, static_cast<size_t>(kKeys) - 3000);
  int calls = 1;
  while (member.Timer()) ++calls;
  EXPECT_EQ(member.target().keyspace().size(0), 0u);
  EXPECT_GT(calls, 10);
}

TEST_F(KeyspaceTest, ActiveExpiryHearsOfEarlierTimes) {
  for (int i = 0; i < 30'000; ++i) {
    member.Raw({"set", "long" + std::to_string(i), "v", "ex", "1000"});
  }
  // Between two calls of one pass, now and then in what the pass has seen already.
  for (int round = 0; round < 20; ++round) {
    member.now_ms += 20'000;
    member.Run("expire long0 1000");  // the figures are old: a pass begins
    member.Timer();
    member.Raw({"set", "short" + std::to_string(round), "v", "px", "100"});
    for (int i = 0; i < 20; ++i) member.Timer();
    ASSERT_EQ(member.target().keyspace().size(0), 30'001u);
    member.now_ms += 200;
    for (int i = 0; i < 20; ++i) member.Timer();
    ASSERT_EQ(member.target().keyspace().size(0), 30'000u);
  }
  // After a pass.
  member.Run("set long0 v px 100");
  member.now_ms += 200;
  for (int i = 0; i < 20; ++i) member.Timer();
  EXPECT_EQ(member.target().keyspace().size(0), 29'999u);
}

TEST_F(KeyspaceTest, LazyExpiryOnly) {
  member.options().lazy_expiry_only = true;
  member.Run("set k v px 10");
  member.now_ms += 100;
  EXPECT_FALSE(member.Timer());
  EXPECT_EQ(member.Run("dbsize"), ":1");
  member.options().lazy_expiry_only = false;
  member.Timer();
  EXPECT_EQ(member.Effects(), "0 del k");
}

// ---- entries ----

TEST_F(KeyspaceTest, OverwritingKeepsTheAllocation) {
  member.Raw({"set", "k", std::string(64, 'a')});
  const Entry* before = Find("k");
  member.Raw({"set", "k", std::string(64, 'b')});
  EXPECT_EQ(Find("k"), before);
  member.Raw({"set", "k", std::string(60, 'c')});
  EXPECT_EQ(Find("k"), before);
  member.Run("set k 12345");
  member.Run("incr k");
  EXPECT_EQ(member.Run("get k"), "$5|12346");
  member.Raw({"set", std::string(16, 'k'), std::string(64, 'v')});
  EXPECT_EQ(Find(std::string(16, 'k'))->AllocatedSize(), 96u);
}

TEST_F(KeyspaceTest, ShortValueInALongOneGivesMemoryBack) {
  member.Raw({"set", "k", std::string(100'000, 'a')});
  member.Run("set k short");
  EXPECT_LE(Find("k")->AllocatedSize(), 64u);
}

TEST_F(KeyspaceTest, AppendsGrowGeometrically) {
  int moves = 0;
  size_t room = 0;
  std::string expected;
  for (int i = 0; i < 20'000; ++i) {
    const std::string piece(1 + static_cast<size_t>(i) % 50, static_cast<char>('a' + i % 26));
    expected += piece;
    member.Raw({"append", "k", piece});
    moves += Find("k")->AllocatedSize() != room;
    room = Find("k")->AllocatedSize();
  }
  Entry::Digits digits;
  EXPECT_EQ(Find("k")->Text(&digits), expected);
  EXPECT_LT(moves, 40);
}

TEST_F(KeyspaceTest, SizesAroundTheNarrowHeaderLimits) {
  for (size_t key_size : {0u, 1u, 254u, 255u, 256u, 257u, 70'000u}) {
    for (size_t size : {0u, 1u, 8u, 65'400u, 65'535u, 65'536u, 65'537u, 200'000u}) {
      const std::string key(key_size, 'k'), value(size, 'v');
      member.Run("flushall");
      member.Raw({"set", key, "x"});
      member.Raw({"set", key, value});
      EXPECT_EQ(Find(key)->value_size(), size);
      member.Raw({"pexpireat", key, "1800000000000"});
      ASSERT_TRUE(Find(key)->has_expiry());
      EXPECT_EQ(Find(key)->expiry_ms(), 1'800'000'000'000);
      Entry::Digits digits;
      EXPECT_EQ(Find(key)->Text(&digits), value);
      member.Raw({"append", key, "tail"});
      EXPECT_EQ(Find(key)->expiry_ms(), 1'800'000'000'000);
      EXPECT_EQ(Find(key)->Text(&digits), value + "tail");
      member.Raw({"persist", key});
      EXPECT_FALSE(Find(key)->has_expiry());
      EXPECT_EQ(Find(key)->Text(&digits), value + "tail");
      EXPECT_EQ(Find(key)->key(), key);
      member.Raw({"set", key, "42", "pxat", "1800000000001"});
      EXPECT_TRUE(Find(key)->IsInteger());
      EXPECT_EQ(Find(key)->integer(), 42);
      EXPECT_EQ(Find(key)->expiry_ms(), 1'800'000'000'001);
    }
  }
}

TEST_F(KeyspaceTest, ExpiresAreCounted) {
  const auto expires = [&] { return member.target().keyspace().expires(0); };
  member.Run("set a 1 ex 10");
  member.Run("set b 1 ex 10");
  EXPECT_EQ(expires(), 2u);
  member.Run("set a 1");
  EXPECT_EQ(expires(), 1u);
  member.Run("rename b c");
  member.Run("copy c d");
  EXPECT_EQ(expires(), 2u);
  member.Run("persist c");
  member.Run("move d 1");
  EXPECT_EQ(expires(), 0u);
  EXPECT_EQ(member.target().keyspace().expires(1), 1u);
  member.Run("flushall");
  EXPECT_EQ(member.target().keyspace().expires(1), 0u);
}

// ---- the rest ----

class Recorder : public KeyspaceObserver {
 public:
  void OnChange(int db, std::string_view key, Change, std::string_view event) override {
    events.append(event).append(" ").append(key).append("@").append(std::to_string(db)) += '\n';
  }
  void OnDatabaseChanged(int db) override { events += "all@" + std::to_string(db) + '\n'; }
  std::string events;
};

TEST_F(KeyspaceTest, TheObserverHearsOfEveryChange) {
  Recorder recorder;
  member.target().keyspace().set_observer(&recorder);
  const auto events = [&](std::string_view line) {
    recorder.events.clear();
    member.Run(line);
    return recorder.events;
  };
  EXPECT_EQ(events("set k 1 ex 10"), "set k@0\nexpire k@0\n");
  EXPECT_EQ(events("incr k"), "incrby k@0\n");
  EXPECT_EQ(events("incrbyfloat k 1"), "incrbyfloat k@0\n");
  EXPECT_EQ(events("append k 1"), "append k@0\n");
  EXPECT_EQ(events("setrange k 1 1"), "setrange k@0\n");
  EXPECT_EQ(events("persist k"), "persist k@0\n");
  EXPECT_EQ(events("pexpire k 5"), "expire k@0\n");
  member.now_ms += 10;
  EXPECT_EQ(events("get k"), "expired k@0\n");
  EXPECT_EQ(events("mset a 1 b 2"), "set a@0\nset b@0\n");
  EXPECT_EQ(events("rename a c"), "rename_to c@0\nrename_from a@0\n");
  EXPECT_EQ(events("copy b d"), "copy_to d@0\n");
  EXPECT_EQ(events("move b 1"), "move_to b@1\nmove_from b@0\n");
  EXPECT_EQ(events("del c"), "del c@0\n");
  EXPECT_EQ(events("flushdb"), "all@0\n");
  EXPECT_EQ(events("swapdb 1 2"), "all@1\nall@2\n");
  member.target().keyspace().set_observer(nullptr);
}

TEST_F(KeyspaceTest, FlushedKeysAreFreedBitByBit) {
  for (int i = 0; i < 100'000; ++i) member.Raw({"set", "k" + std::to_string(i), "v"});
  const size_t before = member.target().keyspace().TableMemory();
  member.Run("flushall");
  EXPECT_EQ(member.Run("dbsize"), ":0");
  EXPECT_EQ(member.target().keyspace().TableMemory(), before);
  int calls = 0;
  for (; member.target().keyspace().TableMemory() > 0 && calls < 1000; ++calls) {
    member.target().OnIdle();
  }
  EXPECT_GT(calls, 3);
  EXPECT_LT(calls, 1000);
}

TEST_F(KeyspaceTest, DigestTellsStatesApart) {
  const auto digest = [&] { return member.target().Digest(); };
  EXPECT_EQ(digest(), std::string(40, '0'));
  std::set<std::string> seen = {digest()};
  for (const char* line : {"set a 1", "set a 2", "set b 2", "expire a 100", "expire a 200",
                           "rename b c", "copy c d db 1", "swapdb 0 1", "append c x"}) {
    member.Run(line);
    EXPECT_TRUE(seen.insert(digest()).second) << line;
  }
  // Neither order nor form nor hash seed matter.
  KvMember other(CommandsOnce(), 1234);
  member.Run("flushall");
  member.Run("set a 12");
  member.Run("set b x");
  other.Run("append b x");
  other.Run("append a 1");
  other.Run("append a 2");
  EXPECT_EQ(other.target().Digest(), digest());
}

}  // namespace
}  // namespace understudy::targets::kv
