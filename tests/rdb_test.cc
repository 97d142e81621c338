// RDB files: primitives, the checksum, redis-check-rdb's opinion, and hostile bytes.
#include "targets/kv/rdb.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <string>

#include "targets/kv/crc64.h"
#include "tests/kv_test_support.h"
#include "tests/rdb_version.h"

namespace understudy::targets::kv {
namespace {

const protocol::CommandTable& CommandsOnce() {
  static const protocol::CommandTable table;
  return table;
}

std::string Written(const std::function<void(RdbWriter&)>& write) {
  std::string bytes;
  const SnapshotSink sink = [&bytes](std::string_view piece) {
    bytes.append(piece);
    return true;
  };
  RdbWriter writer(sink);
  write(writer);
  EXPECT_TRUE(writer.Finish());
  return bytes;
}

std::string SnapshotOf(KvMember& member) {
  std::string bytes;
  EXPECT_TRUE(member.target().Snapshot([&bytes](std::string_view piece) {
    bytes.append(piece);
    return true;
  }));
  return bytes;
}

std::string WholeFile(KvMember& member) {
  return Written([&](RdbWriter& writer) {
    writer.Header();
    writer.Aux("understudy", "test");
    writer.Raw(SnapshotOf(member));
    writer.Eof();
  });
}

void Fill(KvMember* member) {
  for (int i = 0; i < 2000; ++i) {
    member->db = i % 3;
    const std::string key = "key:" + std::to_string(i);
    member->Raw({"set", key, std::string(static_cast<size_t>(i) % 300, 'v') + std::to_string(i)});
    if (i % 4 == 0) member->Raw({"pexpireat", key, std::to_string(4'102'444'800'000 + i)});
  }
  member->db = 0;
  for (const char* number :
       {"0", "-1", "127", "128", "-128", "-129", "32767", "32768", "-32769", "2147483647",
        "2147483648", "-2147483648", "-2147483649", "9223372036854775807"}) {
    member->Raw({"set", std::string("n") + number, number});
    member->Raw({"set", number, "integer as a key"});
  }
  member->Raw({"set", "", ""});
  member->Raw({"set", "big", std::string(300'000, 'b')});
  member->Raw({"set", std::string(20'000, 'k'), std::string(16'383, 'x')});
  for (int i = 0; i < 1000; ++i) {
    // Small forms and big ones.
    for (const std::string& number : {std::to_string(i % 5), "big" + std::to_string(i % 2)}) {
      if (number.size() == 1 && i > 60) continue;
      const std::string element = (i % 3 == 0 ? "" : "e") + std::to_string(i);
      member->Raw(
          {"rpush", "list" + number, element, std::string(static_cast<size_t>(i) % 90, 'l')});
      member->Raw({"hset", "hash" + number, element, "value" + element});
      member->Raw({"sadd", "set" + number, element});
      member->Raw({"sadd", "integers" + number, std::to_string(i * 1000)});
      member->Raw({"zadd", "sorted" + number, std::to_string(i % 7) + ".25", element});
    }
  }
  member->Raw({"zadd", "ends", "inf", "a", "-inf", "b", "0", "c"});
  member->db = 15;
  member->Raw({"set", "last", "one"});
}

TEST(Crc64, KnownValues) {
  EXPECT_EQ(Crc64(0, "123456789"), 0xe9c6d914c4b8d9caull);
  EXPECT_EQ(Crc64(0, ""), 0u);
  const std::string text = "the quick brown fox jumps over the lazy dog";
  for (size_t i = 0; i <= text.size(); ++i) {
    EXPECT_EQ(Crc64(Crc64(0, text.substr(0, i)), text.substr(i)), Crc64(0, text));
  }
}

TEST(Rdb, LengthsAndStringsRoundTrip) {
  std::mt19937_64 random(1);
  for (uint64_t length : {0ull, 1ull, 63ull, 64ull, 16'383ull, 16'384ull, 70'000ull, 0xffffffffull,
                          0x100000000ull, 0xffffffffffffffffull}) {
    const std::string bytes = Written([&](RdbWriter& writer) { writer.ResizeDb(length, length); });
    RdbReader reader(bytes);
    EXPECT_EQ(reader.Byte(), 0xfb);
    EXPECT_EQ(reader.Length(), length);
    EXPECT_EQ(reader.Length(), length);
    EXPECT_TRUE(reader.AtEnd());
    EXPECT_FALSE(reader.failed());
  }
  for (size_t size : {0u, 5u, 63u, 64u, 20'000u, 65'535u, 65'536u, 65'537u, 300'000u}) {
    std::string text(size, 'x');
    for (char& byte : text) byte = static_cast<char>(random());
    const std::string bytes = Written([&](RdbWriter& writer) { writer.StringKey(text, text); });
    RdbReader reader(bytes);
    std::string scratch;
    EXPECT_EQ(reader.Byte(), kRdbTypeString);
    EXPECT_EQ(reader.String(&scratch), text);
    EXPECT_EQ(reader.String(&scratch), text);
    EXPECT_TRUE(reader.AtEnd());
  }
}

TEST(Rdb, CompressedStrings) {
  // "a" once, then copies of it; literals; an overlapping copy of ten.
  std::string out;
  EXPECT_TRUE(DecompressLzf(std::string_view("\x00"
                                             "a"
                                             "\xe0\x01\x00",
                                             5),
                            11, &out));
  EXPECT_EQ(out, "aaaaaaaaaaa");
  EXPECT_TRUE(DecompressLzf(std::string_view("\x02"
                                             "abc"
                                             "\x20\x02",
                                             6),
                            6, &out));
  EXPECT_EQ(out, "abcabc");
  EXPECT_FALSE(DecompressLzf(std::string_view("\x02"
                                              "abc"
                                              "\x20\x02",
                                              6),
                             5, &out));
  EXPECT_FALSE(DecompressLzf(std::string_view("\x02"
                                              "abc"
                                              "\x20\x02",
                                              6),
                             7, &out));
  EXPECT_FALSE(DecompressLzf(std::string_view("\x02"
                                              "abc"
                                              "\x20\x03",
                                              6),
                             6, &out));
  EXPECT_FALSE(DecompressLzf(std::string_view("\x02"
                                              "ab",
                                              3),
                             3, &out));
  EXPECT_FALSE(DecompressLzf(std::string_view("\x20", 1), 3, &out));
  EXPECT_FALSE(DecompressLzf(std::string_view("\xe0", 1), 3, &out));
  // As part of a file.
  std::string bytes(
      "\xc3\x06\x06\x02"
      "abc"
      "\x20\x02",
      9);
  std::string scratch;
  EXPECT_EQ(RdbReader(bytes).String(&scratch), "abcabc");
  // A size that so few bytes can't make isn't believed.
  RdbReader reader(std::string_view("\xc3\x01\x81\x00\x00\x00\xff\x00\x00\x00\x00\x00", 12));
  reader.String(&scratch);
  EXPECT_TRUE(reader.failed());
}

TEST(Rdb, HeaderAndChecksum) {
  KvMember member(CommandsOnce());
  Fill(&member);
  std::string bytes = WholeFile(member);
  EXPECT_TRUE(bytes.starts_with("REDIS0011"));
  const auto check = [&] {
    RdbReader reader(bytes);
    EXPECT_EQ(reader.Header(), kWrittenRdbVersion);
    RdbReader end(bytes);
    std::string scratch;
    while (end.position() < bytes.size() - 8) end.Byte();
    end.Checksum();
    return !end.failed();
  };
  EXPECT_TRUE(check());
  bytes[bytes.size() / 2] ^= 1;
  EXPECT_FALSE(check());
  for (const char* bad : {"", "REDIS", "REDIX0011", "REDIS0012", "REDIS00a1", "REDIS0000"}) {
    RdbReader reader(bad);
    EXPECT_EQ(reader.Header(), 0);
    EXPECT_TRUE(reader.failed()) << bad;
  }
}

TEST(KvSnapshot, RestoresTheSameState) {
  KvMember member(CommandsOnce()), other(CommandsOnce(), 77);
  Fill(&member);
  other.Run("set stale 1");
  std::string error;
  ASSERT_TRUE(other.target().Restore(SnapshotOf(member), &error)) << error;
  EXPECT_EQ(other.target().Digest(), member.target().Digest());
  EXPECT_EQ(other.target().keyspace().expires(0), member.target().keyspace().expires(0));
  ASSERT_TRUE(other.target().Restore("", &error));
  EXPECT_EQ(other.target().Digest(), std::string(40, '0'));
}

TEST(KvSnapshot, StopsWhenTheSinkRefuses) {
  KvMember member(CommandsOnce());
  Fill(&member);
  int pieces = 0;
  EXPECT_FALSE(member.target().Snapshot([&](std::string_view) { return ++pieces < 3; }));
  EXPECT_EQ(pieces, 3);
}

TEST(KvSnapshot, ReadsWhatRedisWrites) {
  // Sections with idle and frequency, an expiry in seconds, an aux field in between.
  const std::string sections(
      "\xfe\x00\xfb\x02\x01\xf8\x40\x80\x00\x01"
      "a"
      "\xc0\x05"
      "\xfa\x01"
      "x"
      "\x01"
      "y"
      "\xfd\x00\x00\x00\x7f\xf9\x05\x00\x01"
      "b"
      "\x02"
      "hi",
      31);
  KvMember member(CommandsOnce());
  std::string error;
  ASSERT_TRUE(member.target().Restore(sections, &error)) << error;
  EXPECT_EQ(member.Run("get a"), "$1|5");
  EXPECT_EQ(member.Run("get b"), "$2|hi");
  EXPECT_EQ(member.Run("expiretime b"), ":2130706432");
}

TEST(KvSnapshot, RefusesDamage) {
  KvMember member(CommandsOnce());
  const auto error_of = [&](std::string_view bytes) {
    member.Run("set k v");
    std::string error;
    EXPECT_FALSE(member.target().Restore(bytes, &error));
    EXPECT_EQ(member.target().Digest(), std::string(40, '0'));
    return error;
  };
  EXPECT_EQ(error_of(std::string_view("\xfe\x10", 2)),
            "RDB, offset 2: a database beyond the number of databases");
  EXPECT_EQ(error_of(std::string_view("\x00\x01"
                                      "a"
                                      "\x01",
                                      4)),
            "RDB, offset 4: ends too early");
  EXPECT_EQ(error_of(std::string_view("\x00\x01"
                                      "a"
                                      "\x01"
                                      "b"
                                      "\x00\x01"
                                      "a"
                                      "\x01"
                                      "b",
                                      10)),
            "RDB, offset 10: a key that comes twice");
  EXPECT_EQ(error_of("\x06"), "RDB, offset 1: type or opcode 6 isn't supported");
  EXPECT_EQ(error_of("\xf5"), "RDB, offset 1: functions, which aren't supported");
  EXPECT_EQ(error_of("\xf7"), "RDB, offset 1: data of a module, which isn't supported");
  EXPECT_EQ(error_of(std::string_view("\x00\xc7", 2)),
            "RDB, offset 2: an unknown encoding of a string");
  EXPECT_EQ(error_of(std::string_view("\xfb\xc0\x01\x01", 4)),
            "RDB, offset 2: a string where a length is expected");
}

// Whatever the bytes: an answer, and an empty state with an error. Damage that still reads as
// another valid state can't be told here; the file's checksum tells.
TEST(KvSnapshot, SurvivesAnyBytes) {
  KvMember member(CommandsOnce()), other(CommandsOnce());
  Fill(&member);
  const std::string good = SnapshotOf(member).substr(0, 3000);
  std::mt19937_64 random(5);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good.substr(0, random() % good.size());
    for (uint64_t i = random() % 6; i > 0 && !bytes.empty(); --i) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    std::string error;
    if (!other.target().Restore(bytes, &error)) {
      EXPECT_FALSE(error.empty());
      EXPECT_EQ(other.target().keyspace().size(0), 0u);
    }
  }
}

TEST(KvSnapshot, RedisCheckRdbAcceptsIt) {
  if (system("command -v redis-check-rdb >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "redis-check-rdb is not installed";
  }
  KvMember member(CommandsOnce());
  // Debian's is 7.0, which doesn't know packed sets (rdb_version.h).
  member.options().containers.set_max_listpack_entries = 0;
  Fill(&member);
  std::string bytes = AsRdbVersion10(WholeFile(member));
  char path[] = "/tmp/understudy-rdb-test-XXXXXX";
  const int file = mkstemp(path);
  ASSERT_GE(file, 0);
  close(file);
  const auto accepted = [&] {
    std::ofstream(path, std::ios::binary) << bytes;
    return system((std::string("redis-check-rdb ") + path + " >/dev/null 2>&1").c_str()) == 0;
  };
  EXPECT_TRUE(accepted());
  bytes[bytes.size() / 2] ^= 1;
  EXPECT_FALSE(accepted());
  unlink(path);
}

}  // namespace
}  // namespace understudy::targets::kv
