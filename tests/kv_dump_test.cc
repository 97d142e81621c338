// DUMP and RESTORE, the forms of older versions, and payloads that somebody has damaged.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "targets/kv/crc64.h"
#include "targets/kv/dump.h"
#include "tests/kv_test_support.h"

namespace understudy::targets::kv {
namespace {

const protocol::CommandTable& CommandsOnce() {
  static const protocol::CommandTable table;
  return table;
}

constexpr size_t kFooterBytes = 10;

// A payload of these bytes, as a version of Redis that wrote this one of RDB.
std::string Payload(std::string bytes, int version = 6) {
  bytes.push_back(static_cast<char>(version));
  bytes.push_back(0);
  const uint64_t checksum = Crc64(0, bytes);
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(checksum >> (8 * i)));
  return bytes;
}

template <size_t N>
std::string Bytes(const char (&literal)[N]) {
  return {literal, N - 1};
}

std::string Bulk(const std::string& reply) {
  const size_t begin = reply.find("\r\n") + 2;
  return reply.substr(begin, reply.size() - begin - 2);
}

const std::vector<std::string> kKeys = {"string", "number", "list", "lists", "integers", "small",
                                        "set",    "packed", "hash", "zset",  "zsets",    "stream"};

void Fill(KvMember* member) {
  member->Run("set string some-text");
  member->Run("set number -1234");
  member->Run("sadd integers 1 2 3 70000");
  member->Run("sadd small a b 3");
  member->Run("hset packed a 1 b two");
  member->Run("zadd zset 1.5 a -2 b inf c");
  member->Run("rpush list a b 3");
  for (int i = 0; i < 300; ++i) {
    const std::string number = std::to_string(i);
    member->Raw({"rpush", "lists", number, std::string(static_cast<size_t>(i), 'l')});
    member->Raw({"sadd", "set", "m" + number});
    member->Raw({"hset", "hash", "f" + number, number});
    member->Raw({"zadd", "zsets", number + ".25", "m" + number});
    member->Raw({"xadd", "stream", number + "-1", "field", number});
  }
  member->Run("xgroup create stream group 5");
  member->Run("xreadgroup group group consumer count 7 streams stream >");
}

TEST(KvDump, RoundTripsOnAllMembers) {
  KvMember member(CommandsOnce()), other(CommandsOnce(), 2), local(CommandsOnce(), 3);
  Fill(&member);
  for (const std::string& key : kKeys) {
    const std::string payload = Bulk(member.Raw({"dump", key}));
    EXPECT_EQ(other.Raw({"restore", key, "0", payload}), "+OK\r\n") << key;
    ASSERT_TRUE(local.Apply(other.update())) << key;
    EXPECT_EQ(other.Run("object encoding " + key), member.Run("object encoding " + key));
    EXPECT_EQ(other.Run("debug digest-value " + key), member.Run("debug digest-value " + key));
  }
  EXPECT_EQ(other.target().Digest(), member.target().Digest());
  EXPECT_EQ(local.target().Digest(), member.target().Digest());
}

TEST(KvDump, ExpiryTravelsAsATime) {
  KvMember member(CommandsOnce()), local(CommandsOnce());
  member.Run("set a 1");
  const std::string payload = Bulk(member.Raw({"dump", "a"}));
  member.Raw({"restore", "b", "5000", payload});
  EXPECT_TRUE(member.Effects().starts_with("0 restore b 1700000005000 "));
  ASSERT_TRUE(local.Apply(member.update()));
  EXPECT_EQ(local.Run("pexpiretime b"), ":1700000005000");
  // In the past: what was there goes.
  EXPECT_EQ(member.Raw({"restore", "b", "1", payload, "absttl", "replace"}), "+OK\r\n");
  EXPECT_EQ(member.Effects(), "0 del b");
  EXPECT_EQ(member.Raw({"restore", "c", "9223372036854775807", payload}),
            "-ERR Invalid TTL value, must be >= 0\r\n");
}

TEST(KvDump, FormsOfOlderVersions) {
  KvMember member(CommandsOnce());
  const auto restore = [&](const std::string& value) {
    return member.Raw({"restore", "k", "0", Payload(value), "replace"});
  };
  // 0 -1 300 "a": one byte, two with code FE, three with C0, a text.
  const std::string list = Bytes(
      "\x18\x00\x00\x00\x14\x00\x00\x00\x04\x00"
      "\x00\xf1\x02\xfe\xff\x03\xc0\x2c\x01\x04\x01"
      "a"
      "\xff");
  std::string sized = list;
  sized[0] = static_cast<char>(list.size());
  const std::string as_string = static_cast<char>(sized.size()) + sized;
  EXPECT_EQ(restore("\x0a" + as_string), "+OK\r\n");
  EXPECT_EQ(member.Run("lrange k 0 -1"), "*4|$1|0|$2|-1|$3|300|$1|a");
  EXPECT_EQ(restore("\x0e\x02" + as_string + as_string), "+OK\r\n");
  EXPECT_EQ(member.Run("lrange k 3 4"), "*2|$1|a|$1|0");
  EXPECT_EQ(restore("\x0d" + as_string), "+OK\r\n");
  EXPECT_EQ(member.Run("hget k 300"), "$1|a");
  const std::string scores = Bytes(
      "\x0c\x15"
      "\x15\x00\x00\x00\x11\x00\x00\x00\x04\x00"
      "\x00\x01"
      "a"
      "\x03\xf3\x02\x01"
      "b"
      "\x03\xf2\xff");
  EXPECT_EQ(restore(scores), "+OK\r\n");
  EXPECT_EQ(member.Run("zrange k 0 -1 withscores"), "*4|$1|b|$1|1|$1|a|$1|2");
  const std::string map = Bytes(
      "\x09\x0d\x02\x01"
      "a"
      "\x01\x02"
      "1??"
      "\x01"
      "b"
      "\x00\x00\xff");
  EXPECT_EQ(restore(map), "+OK\r\n");
  EXPECT_EQ(member.Run("hget k a"), "$1|1");
  EXPECT_EQ(member.Run("hget k b"), "$0|");
  // Whichever byte of them is missing, or one more is there.
  for (const std::string& good : {"\x0a" + as_string, "\x0d" + as_string, scores, map}) {
    for (size_t cut = 1; cut < good.size() - 2; ++cut) {
      std::string bad = good;
      bad.erase(2 + (cut - 1), 1);
      --bad[1];
      EXPECT_EQ(restore(bad), "-ERR Bad data format\r\n") << cut;
    }
    EXPECT_EQ(restore(good + "x"), "-ERR Bad data format\r\n");
  }
}

TEST(KvDump, WrongFooters) {
  KvMember member(CommandsOnce());
  member.Run("set a 1");
  const std::string good = Bulk(member.Raw({"dump", "a"}));
  const std::string value = good.substr(0, good.size() - kFooterBytes);
  constexpr char kWrong[] = "-ERR DUMP payload version or checksum are wrong\r\n";
  EXPECT_EQ(member.Raw({"restore", "b", "0", Payload(value, 12)}), kWrong);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] ^= 1;
    EXPECT_EQ(member.Raw({"restore", "b", "0", bad}), kWrong) << i;
    EXPECT_EQ(member.Raw({"restore", "b", "0", good.substr(0, i)}), kWrong) << i;
  }
  EXPECT_EQ(member.Raw({"restore", "b", "0", Payload("\x06", 11)}), "-ERR Bad data format\r\n");
  EXPECT_EQ(member.Run("exists b"), ":0");
}

// Damage under a good checksum: it is refused, or is another value that all commands can live with
// and that a local makes the same.
TEST(KvDump, SurvivesDamagedPayloads) {
  KvMember source(CommandsOnce()), member(CommandsOnce()), local(CommandsOnce(), 7);
  Fill(&source);
  std::mt19937_64 random(11);
  int refused = 0, accepted = 0;
  for (const std::string& key : kKeys) {
    const std::string good = Bulk(source.Raw({"dump", key}));
    for (int round = 0; round < 400; ++round) {
      std::string bytes = good.substr(0, good.size() - kFooterBytes);
      for (uint64_t i = random() % 4 + 1; i > 0; --i) {
        const size_t at = random() % 2 == 0 ? random() % bytes.size()
                                            : random() % std::min<size_t>(bytes.size(), 24);
        bytes[at] =
            static_cast<char>(random() % 3 == 0 ? random() : bytes[at] ^ (1 << random() % 8));
      }
      if (random() % 4 == 0) bytes.resize(1 + random() % bytes.size());
      const std::string reply = member.Raw({"restore", "k", "0", Payload(bytes, 11), "replace"});
      if (reply != "+OK\r\n") {
        ASSERT_EQ(reply, "-ERR Bad data format\r\n");
        ++refused;
        continue;
      }
      ++accepted;
      ASSERT_TRUE(local.Apply(member.update()));
      for (const char* command :
           {"append k x", "lpush k x", "rpop k", "lset k 0 y", "lrem k 0 l", "sadd k x 5",
            "srem k a m5", "spop k", "hset k x y", "hdel k a f7", "zadd k 2 x", "zrem k a m5",
            "zpopmin k", "xadd k 99999999999-1 a b", "xdel k 5-1", "xtrim k maxlen 3",
            "xreadgroup group group other count 2 streams k >", "debug digest-value k"}) {
        member.Run(command);
        ASSERT_TRUE(member.update().empty() || local.Apply(member.update())) << command;
      }
      ASSERT_EQ(member.target().Digest(), local.target().Digest());
    }
  }
  EXPECT_GT(refused, 400);
  EXPECT_GT(accepted, 400);
}

}  // namespace
}  // namespace understudy::targets::kv
