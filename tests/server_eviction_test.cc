// maxmemory, asked of real nodes: who goes, what is refused, and that locals follow.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "server_test_node.h"

namespace understudy::server {
namespace {

const std::string kOk = "+OK\r\n";
const std::string kOom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

// Of "name:value" lines.
long long Field(const std::string& info, const std::string& name) {
  size_t at = info.find("\n" + name + ":");
  return at == std::string::npos ? -1 : atoll(info.c_str() + at + name.size() + 2);
}

class EvictionTest : public ::testing::Test {
 protected:
  static void Fill(TestClient& client, int from, int to, size_t bytes) {
    const std::string value(bytes, 'x');
    for (int i = from; i < to; ++i) {
      ASSERT_EQ(client.Ask({"SET", "k" + std::to_string(i), value}), kOk) << i;
    }
  }
  static void Limit(TestClient& client, long long more, const std::string& policy) {
    const std::string info = client.AskText({"INFO", "memory"});
    // The log in memory doesn't count.
    const long long used = Field(info, "used_memory") - Field(info, "mem_not_counted_for_evict");
    ASSERT_EQ(client.Ask({"CONFIG", "SET", "maxmemory", std::to_string(used + more),
                          "maxmemory-policy", policy}),
              kOk);
  }
};

TEST_F(EvictionTest, WithoutAPolicyWritesThatNeedMoreAreRefused) {
  TestNode node;
  TestClient client(node.port());
  EXPECT_EQ(client.Ask({"SET", "a", "1"}), kOk);
  EXPECT_EQ(client.Ask({"CONFIG", "SET", "maxmemory", "1"}), kOk);
  EXPECT_EQ(client.Ask({"SET", "a", "2"}), kOom);
  EXPECT_EQ(client.Ask({"GET", "a"}), "$1\r\n1\r\n");
  EXPECT_EQ(client.Ask({"MULTI"}), kOk);
  EXPECT_EQ(client.Ask({"LPUSH", "l", "1"}), kOom);
  EXPECT_EQ(client.Ask({"EXEC"}),
            "-EXECABORT Transaction discarded because of previous errors.\r\n");
  EXPECT_EQ(client.Ask({"DEL", "a"}), ":1\r\n");
  EXPECT_EQ(client.Ask({"CONFIG", "SET", "maxmemory", "0"}), kOk);
  EXPECT_EQ(client.Ask({"MULTI"}), kOk);
  EXPECT_EQ(client.Ask({"SET", "a", "3"}), "+QUEUED\r\n");
  TestClient other(node.port());
  EXPECT_EQ(other.Ask({"CONFIG", "SET", "maxmemory", "1"}), kOk);
  EXPECT_EQ(client.Ask({"EXEC"}),
            "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory "
            "> 'maxmemory'.\r\n");
  EXPECT_EQ(other.Ask({"CONFIG", "SET", "maxmemory", "0"}), kOk);
  EXPECT_EQ(client.Ask({"SET", "a", "4"}), kOk);
}

bool CountsMemory(TestClient& client) {
  return client.AskText({"INFO", "memory"}).find("mem_allocator:jemalloc") != std::string::npos;
}

TEST_F(EvictionTest, KeysInUseStay) {
  for (const char* policy : {"allkeys-lru", "allkeys-lfu"}) {
    TestNode node([](Options* options) { options->appendonly = false; });
    TestClient client(node.port());
    if (!CountsMemory(client)) GTEST_SKIP() << "only jemalloc says how much is used";
    ASSERT_EQ(client.Ask({"CONFIG", "SET", "maxmemory-policy", policy}), kOk);
    Fill(client, 0, 2000, 4 << 10);
    Limit(client, 0, policy);
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // the unit of idle time
    for (int used = 0; used < 5; ++used) {
      for (int again = 0; again < 50; ++again) client.Ask({"GET", "k" + std::to_string(used)});
    }
    Fill(client, 2000, 3500, 4 << 10);
    std::string info = client.AskText({"INFO", "everything"});
    EXPECT_GT(Field(info, "evicted_keys"), 500) << policy;
    EXPECT_LE(Field(info, "used_memory"), Field(info, "maxmemory") + (1 << 20)) << policy;
    for (int used = 0; used < 5; ++used) {
      EXPECT_EQ(client.Ask({"EXISTS", "k" + std::to_string(used)}), ":1\r\n") << policy << used;
    }
  }
}

TEST_F(EvictionTest, VolatilePoliciesTakeNoOthers) {
  for (const char* policy : {"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"}) {
    TestNode node([](Options* options) { options->appendonly = false; });
    TestClient client(node.port());
    if (!CountsMemory(client)) GTEST_SKIP() << "only jemalloc says how much is used";
    Fill(client, 0, 2000, 4 << 10);
    for (int i = 1000; i < 2000; ++i) {
      client.Ask({"EXPIRE", "k" + std::to_string(i), std::to_string(100000 - i)});
    }
    Limit(client, 100 << 10, policy);
    const std::string value(4 << 10, 'x');
    int refused = 0;
    for (int i = 2000; i < 5000 && refused == 0; ++i) {
      if (client.Ask({"SET", "k" + std::to_string(i), value}) == kOom) ++refused;
    }
    EXPECT_EQ(refused, 1) << policy;
    int there = 0, gone = 0;
    for (int i = 0; i < 1000; ++i) {
      there += client.Ask({"EXISTS", "k" + std::to_string(i)}) == ":1\r\n" ? 1 : 0;
    }
    for (int i = 1000; i < 2000; ++i) {
      gone += client.Ask({"EXISTS", "k" + std::to_string(i)}) == ":0\r\n" ? 1 : 0;
    }
    EXPECT_EQ(there, 1000) << policy;
    EXPECT_EQ(gone, 1000) << policy;
    EXPECT_EQ(client.Ask({"DEL", "k0"}), ":1\r\n");
  }
}

// The one that ends first goes first, as far as a few samples of many tell.
TEST_F(EvictionTest, TtlTakesWhatEndsSoon) {
  TestNode node([](Options* options) { options->appendonly = false; });
  TestClient client(node.port());
  if (!CountsMemory(client)) GTEST_SKIP() << "only jemalloc says how much is used";
  Fill(client, 0, 2000, 4 << 10);
  for (int i = 0; i < 2000; ++i) {
    client.Ask({"EXPIRE", "k" + std::to_string(i), std::to_string(1000 + i)});
  }
  Limit(client, 0, "volatile-ttl");
  Fill(client, 2000, 3000, 4 << 10);
  int soon = 0, late = 0;
  for (int i = 0; i < 1000; ++i) {
    soon += client.Ask({"EXISTS", "k" + std::to_string(i)}) == ":0\r\n" ? 1 : 0;
    late += client.Ask({"EXISTS", "k" + std::to_string(1000 + i)}) == ":0\r\n" ? 1 : 0;
  }
  EXPECT_GT(soon, 300);
  EXPECT_LT(late, soon / 2);
}

TEST_F(EvictionTest, LocalsFollow) {
  TestNode global;
  TestNode local([&](Options* options) { options->join = {global.address()}; });
  TestClient client(global.port()), there(local.port());
  if (!CountsMemory(client)) GTEST_SKIP() << "only jemalloc says how much is used";
  ASSERT_TRUE(Eventually([&] {
    return client.AskText({"INFO", "replication"}).find("connected_slaves:1\r\n") !=
           std::string::npos;
  }));
  Fill(client, 0, 2000, 4 << 10);
  Limit(client, 0, "allkeys-random");
  Fill(there, 2000, 3500, 4 << 10);  // through the local, decided by the global
  EXPECT_GT(Field(client.AskText({"INFO", "stats"}), "evicted_keys"), 300);
  EXPECT_EQ(there.Ask({"DBSIZE"}), client.Ask({"DBSIZE"}));
  ASSERT_TRUE(Eventually([&] {
    return there.Ask({"DEBUG", "DIGEST"}) == client.Ask({"DEBUG", "DIGEST"});
  }));
  EXPECT_EQ(client.Ask({"CONFIG", "SET", "maxmemory-policy", "noeviction"}), kOk);
  EXPECT_EQ(client.Ask({"CONFIG", "SET", "maxmemory", "1"}), kOk);
  EXPECT_EQ(there.Ask({"SET", "a", "1"}), kOom);
  there.Ask({"MULTI"});
  there.Ask({"SET", "a", "1"});
  EXPECT_EQ(there.Ask({"EXEC"}),
            "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory "
            "> 'maxmemory'.\r\n");
}

TEST_F(EvictionTest, MinReplicasToWrite) {
  TestNode node;
  TestClient client(node.port());
  EXPECT_EQ(client.Ask({"CONFIG", "SET", "min-replicas-to-write", "1"}), kOk);
  EXPECT_EQ(client.Ask({"SET", "a", "1"}), "-NOREPLICAS Not enough good replicas to write.\r\n");
  EXPECT_EQ(client.Ask({"GET", "a"}), "$-1\r\n");
  EXPECT_EQ(client.Ask({"CONFIG", "SET", "min-replicas-to-write", "0"}), kOk);
  EXPECT_EQ(client.Ask({"SET", "a", "1"}), kOk);
}

}  // namespace
}  // namespace understudy::server
