// kv's commands: replies, options and error words, as of Redis 7.2. ('|' stands for CRLF.)
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/kv_test_support.h"

namespace understudy::targets::kv {
namespace {

const protocol::CommandTable& CommandsOnce() {
  static const protocol::CommandTable table;
  return table;
}

struct Line {
  const char* command;
  const char* reply;
};

class KvCommands : public testing::Test {
 protected:
  void Expect(std::initializer_list<Line> lines) {
    for (const Line& line : lines) EXPECT_EQ(member.Run(line.command), line.reply) << line.command;
  }
  KvMember member{CommandsOnce()};
};

constexpr const char* kSyntax = "-ERR syntax error";
constexpr const char* kNotInteger = "-ERR value is not an integer or out of range";

TEST(KvTarget, EveryRowHasAHandlerAndEveryHandlerARow) {
  const KvTarget target(CommandsOnce(), std::make_shared<TargetOptions>());
  EXPECT_EQ(target.Unhandled(), std::vector<std::string>());
}

TEST_F(KvCommands, SetAndGet) {
  Expect({{"get k", "$-1"},
          {"set k v", "+OK"},
          {"get k", "$1|v"},
          {"set k ''", "+OK"},
          {"get k", "$0|"},
          {"set k w nx", "$-1"},
          {"set k w xx get", "$0|"},
          {"set k x get", "$1|w"},
          {"set other x xx", "$-1"},
          {"set other x xx get", "$-1"},
          {"exists other", ":0"},
          {"set other x nx get", "$-1"},
          {"get other", "$1|x"},
          {"set other y NX GET", "$1|x"},
          {"get other", "$1|x"},
          {"set k v nx xx", kSyntax},
          {"set k v xx nx", kSyntax},
          {"set k v what", kSyntax},
          {"set k v persist", kSyntax},
          {"set k v ex", kSyntax},
          {"set k v ex 10 px 10", kSyntax},
          {"set k v ex 10 keepttl", kSyntax},
          {"set k v keepttl ex 10", kSyntax},
          {"set k v ex abc", kNotInteger},
          {"set k v ex 0", "-ERR invalid expire time in 'set' command"},
          {"set k v px -1", "-ERR invalid expire time in 'set' command"},
          {"set k v ex 9223372036854775807", "-ERR invalid expire time in 'set' command"},
          {"set k v px 9223372036854775807", "-ERR invalid expire time in 'set' command"},
          {"get k", "$1|x"}});
}

TEST_F(KvCommands, SetWithTimes) {
  Expect({{"set k v ex 10", "+OK"},
          {"ttl k", ":10"},
          {"set k v EX 5 EX 20", "+OK"},
          {"ttl k", ":20"},
          {"set k v px 1500", "+OK"},
          {"pttl k", ":1500"},
          {"ttl k", ":2"},
          {"set k w keepttl", "+OK"},
          {"pttl k", ":1500"},
          {"set k v exat 1700000100", "+OK"},
          {"pttl k", ":100000"},
          {"set k v pxat 1700000000001", "+OK"},
          {"pexpiretime k", ":1700000000001"},
          {"set k v", "+OK"},
          {"ttl k", ":-1"},
          {"setex k 10 v", "+OK"},
          {"ttl k", ":10"},
          {"psetex k 10 v", "+OK"},
          {"pttl k", ":10"},
          {"setex k 0 v", "-ERR invalid expire time in 'setex' command"},
          {"psetex k x v", kNotInteger},
          {"psetex k -5 v", "-ERR invalid expire time in 'psetex' command"},
          {"set k v pxat 1", "+OK"},
          {"get k", "$-1"}});
}

TEST_F(KvCommands, OtherWaysToSetAndGet) {
  Expect({{"setnx k 1", ":1"},
          {"setnx k 2", ":0"},
          {"getset k 3", "$1|1"},
          {"getset new 3", "$-1"},
          {"getdel new", "$1|3"},
          {"getdel new", "$-1"},
          {"mset a 1 b 2 a 3", "+OK"},
          {"mget a b c", "*3|$1|3|$1|2|$-1"},
          {"mset a", "-ERR wrong number of arguments for 'mset' command"},
          {"mset a 1 b", "-ERR wrong number of arguments for 'mset' command"},
          {"msetnx c 1 a 2", ":0"},
          {"exists c", ":0"},
          {"msetnx c 1 d 2", ":1"},
          {"msetnx c 1 d", "-ERR wrong number of arguments for 'msetnx' command"},
          {"setex k 100 v", "+OK"},
          {"getset k w", "$1|v"},
          {"ttl k", ":-1"}});
}

TEST_F(KvCommands, GetEx) {
  Expect({{"getex none", "$-1"},
          {"getex none ex bad", "$-1"},
          {"getex none what", kSyntax},
          {"set k v", "+OK"},
          {"getex k", "$1|v"},
          {"getex k ex 10", "$1|v"},
          {"ttl k", ":10"},
          {"getex k persist", "$1|v"},
          {"ttl k", ":-1"},
          {"getex k persist ex 10", kSyntax},
          {"getex k keepttl", kSyntax},
          {"getex k nx", kSyntax},
          {"getex k ex", kSyntax},
          {"getex k px 0", "-ERR invalid expire time in 'getex' command"},
          {"getex k pxat 1700000000500", "$1|v"},
          {"pttl k", ":500"},
          {"getex k exat 1", "$1|v"},
          {"exists k", ":0"}});
}

TEST_F(KvCommands, Ranges) {
  Expect(
      {{"append k Hello", ":5"},
       {"append k ''", ":5"},
       {"append k !", ":6"},
       {"strlen k", ":6"},
       {"strlen none", ":0"},
       {"getrange k 0 -1", "$6|Hello!"},
       {"getrange k 1 2", "$2|el"},
       {"substr k -3 -2", "$2|lo"},
       {"getrange k -100 100", "$6|Hello!"},
       {"getrange k 4 2", "$0|"},
       {"getrange k -1 -3", "$0|"},
       {"getrange k 6 10", "$0|"},
       {"getrange none 0 -1", "$0|"},
       {"getrange k x 1", kNotInteger},
       {"getrange k 0 9223372036854775808", kNotInteger},
       {"setrange k 1 ipp", ":6"},
       {"get k", "$6|Hippo!"},
       {"setrange k 5 er", ":7"},
       {"setrange none 0 ''", ":0"},
       {"setrange none 100 ''", ":0"},
       {"exists none", ":0"},
       {"setrange k -1 x", "-ERR offset is out of range"},
       {"setrange k x x", kNotInteger},
       {"setrange k 536870912 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
       {"setrange k 9223372036854775807 x",
        "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
       {"set n 123", "+OK"},
       {"append n 4", ":4"},
       {"setrange n 0 9", ":4"},
       {"incr n", ":9235"}});
  EXPECT_EQ(member.Raw({"setrange", "pad", "3", "x"}), ":4\r\n");
  EXPECT_EQ(member.Raw({"get", "pad"}), std::string("$4\r\n\0\0\0x\r\n", 10));
}

TEST_F(KvCommands, TheLimitOfAStringsSize) {
  member.options().max_value_bytes = 100;
  member.Raw({"set", "k", std::string(90, 'x')});
  Expect({{"append k 0123456789", ":100"},
          {"append k x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
          {"setrange k 99 x", ":100"},
          {"setrange k 99 xy", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
          {"strlen k", ":100"}});
}

TEST_F(KvCommands, Counters) {
  Expect({{"incr n", ":1"},
          {"decr n", ":0"},
          {"incrby n 10", ":10"},
          {"decrby n 15", ":-5"},
          {"incrby n x", kNotInteger},
          {"set s abc", "+OK"},
          {"incr s", kNotInteger},
          {"set s 9223372036854775807", "+OK"},
          {"incr s", "-ERR increment or decrement would overflow"},
          {"decrby s -1", "-ERR increment or decrement would overflow"},
          {"decrby s -9223372036854775808", "-ERR decrement would overflow"},
          {"get s", "$19|9223372036854775807"},
          {"set s -9223372036854775808", "+OK"},
          {"decr s", "-ERR increment or decrement would overflow"},
          {"set s 9223372036854775808", "+OK"},
          {"incr s", kNotInteger},
          {"setex e 100 5", "+OK"},
          {"incr e", ":6"},
          {"ttl e", ":100"}});
  EXPECT_EQ(member.Raw({"set", "s", " 1"}), "+OK\r\n");
  Expect({{"incr s", kNotInteger}});
}

TEST_F(KvCommands, FloatCounters) {
  Expect({{"incrbyfloat f 10.5", "$4|10.5"},
          {"incrbyfloat f 0.1", "$4|10.6"},
          {"incrbyfloat f -5", "$3|5.6"},
          {"incrbyfloat f 0.4", "$1|6"},
          {"object encoding f", "$6|embstr"},
          {"incrbyfloat f 5.0e3", "$4|5006"},
          {"incrbyfloat f x", "-ERR value is not a valid float"},
          {"incrbyfloat f inf", "-ERR increment would produce NaN or Infinity"},
          {"set s abc", "+OK"},
          {"incrbyfloat s 1", "-ERR value is not a valid float"},
          {"setex e 100 5", "+OK"},
          {"incrbyfloat e 1.5", "$3|6.5"},
          {"ttl e", ":100"}});
}

TEST_F(KvCommands, Encodings) {
  Expect({{"set k 123", "+OK"},
          {"object encoding k", "$3|int"},
          {"set k 9223372036854775808", "+OK"},
          {"object encoding k", "$6|embstr"},
          {"set k 0123", "+OK"},
          {"object encoding k", "$6|embstr"},
          {"set k aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "+OK"},
          {"object encoding k", "$6|embstr"},
          {"set k aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "+OK"},
          {"object encoding k", "$3|raw"},
          {"set k a", "+OK"},
          {"append k b", ":2"},
          {"object encoding k", "$3|raw"},
          {"append n 12", ":2"},
          {"object encoding n", "$3|int"},
          {"append n 3", ":3"},
          {"object encoding n", "$3|raw"},
          {"incr n", ":124"},
          {"object encoding n", "$3|int"},
          {"copy k l", ":1"},
          {"object encoding l", "$3|raw"},
          {"object encoding none", "$-1"},
          {"object refcount k", ":1"},
          {"object refcount n", ":2147483647"},
          {"object what k", "-ERR unknown subcommand 'what'. Try OBJECT HELP."},
          {"object freq none", "$-1"}});
  EXPECT_TRUE(member.Run("object freq k").starts_with("-ERR An LFU maxmemory policy is not"));
  EXPECT_TRUE(member.Run("object help").starts_with("*"));
}

TEST_F(KvCommands, IdleTime) {
  member.Run("set k v");
  member.now_ms += 10'000;
  Expect({{"object idletime k", ":10"},
          {"exists k", ":1"},
          {"ttl k", ":-1"},
          {"type k", "+string"},
          {"object idletime k", ":10"},
          {"touch k none", ":1"},
          {"object idletime k", ":0"}});
}

TEST_F(KvCommands, Keys) {
  Expect({{"mset a 1 b 2 c 3", "+OK"},
          {"exists a b a none", ":3"},
          {"del a none b", ":2"},
          {"unlink c c", ":1"},
          {"type none", "+none"},
          {"set k v", "+OK"},
          {"rename none k", "-ERR no such key"},
          {"renamenx none k", "-ERR no such key"},
          {"rename k k", "+OK"},
          {"renamenx k k", ":0"},
          {"rename k l", "+OK"},
          {"get l", "$1|v"},
          {"exists k", ":0"},
          {"set k w", "+OK"},
          {"renamenx k l", ":0"},
          {"expire k 100", ":1"},
          {"rename k l", "+OK"},
          {"get l", "$1|w"},
          {"ttl l", ":100"},
          {"copy l m", ":1"},
          {"ttl m", ":100"},
          {"copy l m", ":0"},
          {"copy l m replace", ":1"},
          {"copy none m replace", ":0"},
          {"copy l l", "-ERR source and destination objects are the same"},
          {"copy l l db 0", "-ERR source and destination objects are the same"},
          {"copy l l db 1", ":1"},
          {"copy l x db 16", "-ERR DB index is out of range"},
          {"copy l x db x", kNotInteger},
          {"copy l x db", kSyntax},
          {"copy l x what", kSyntax},
          {"move l 1", ":0"},
          {"move m 1", ":1"},
          {"move m 1", ":0"},
          {"move l 0", "-ERR source and destination objects are the same"},
          {"move l 16", "-ERR DB index is out of range"},
          {"move l -1", "-ERR DB index is out of range"},
          {"move l x", kNotInteger},
          {"move l 3000000000",
           "-ERR value is out of range, value must between -2147483648 and 2147483647"},
          {"dbsize", ":1"}});
  member.db = 1;
  Expect({{"dbsize", ":2"}, {"get m", "$1|w"}, {"ttl m", ":100"}});
}

TEST_F(KvCommands, Databases) {
  Expect({{"set k zero", "+OK"},
          {"swapdb 0 1", "+OK"},
          {"get k", "$-1"},
          {"swapdb 0 x", "-ERR invalid second DB index"},
          {"swapdb x 0", "-ERR invalid first DB index"},
          {"swapdb 0 16", "-ERR DB index is out of range"},
          {"swapdb -1 0", "-ERR DB index is out of range"},
          {"swapdb 0 0", "+OK"}});
  member.db = 1;
  Expect({{"get k", "$4|zero"},
          {"flushdb what", kSyntax},
          {"flushdb sync async", kSyntax},
          {"flushdb async", "+OK"},
          {"get k", "$-1"},
          {"set k v", "+OK"}});
  member.db = 0;
  Expect({{"flushall sync", "+OK"}, {"flushall sink", kSyntax}});
  member.db = 1;
  Expect({{"dbsize", ":0"}});
}

TEST_F(KvCommands, Expire) {
  Expect({{"expire none 10", ":0"},
          {"set k v", "+OK"},
          {"ttl k", ":-1"},
          {"pttl k", ":-1"},
          {"expiretime k", ":-1"},
          {"ttl none", ":-2"},
          {"pexpiretime none", ":-2"},
          {"expire k 10", ":1"},
          {"ttl k", ":10"},
          {"pttl k", ":10000"},
          {"expiretime k", ":1700000010"},
          {"pexpiretime k", ":1700000010000"},
          {"pexpire k 1499", ":1"},
          {"ttl k", ":1"},
          {"expireat k 1700000100", ":1"},
          {"ttl k", ":100"},
          {"pexpireat k 1700000000700", ":1"},
          {"expiretime k", ":1700000001"},
          {"persist k", ":1"},
          {"persist k", ":0"},
          {"persist none", ":0"},
          {"expire k x", kNotInteger},
          {"expire k 9223372036854775807", "-ERR invalid expire time in 'expire' command"},
          {"expire k -9223372036854775808", "-ERR invalid expire time in 'expire' command"},
          {"pexpire k 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"},
          {"expireat k 9223372036854775", ":1"},
          {"pexpireat k 9223372036854775807", ":1"},
          {"pexpiretime k", ":9223372036854775807"},
          {"expire k 0", ":1"},
          {"exists k", ":0"},
          {"set k v", "+OK"},
          {"pexpire k -9223372036854775808", ":1"},
          {"exists k", ":0"}});
}

TEST_F(KvCommands, ExpireConditions) {
  Expect(
      {{"set k v", "+OK"},
       {"expire k 10 xx", ":0"},
       {"expire k 10 gt", ":0"},
       {"expire k 10 lt", ":1"},
       {"persist k", ":1"},
       {"expire k 10 nx", ":1"},
       {"expire k 20 nx", ":0"},
       {"expire k 20 xx", ":1"},
       {"expire k 10 gt", ":0"},
       {"expire k 20 gt", ":0"},
       {"expire k 30 GT XX", ":1"},
       {"expire k 30 lt", ":0"},
       {"expire k 5 lt", ":1"},
       {"ttl k", ":5"},
       {"expire k 5 nx xx", "-ERR NX and XX, GT or LT options at the same time are not compatible"},
       {"expire k 5 gt lt", "-ERR GT and LT options at the same time are not compatible"},
       {"expire k x bad", "-ERR Unsupported option bad"},
       {"expire k -1 gt", ":0"},
       {"expire k -1 lt", ":1"},
       {"exists k", ":0"}});
}

TEST_F(KvCommands, LookingThroughKeys) {
  Expect({{"randomkey", "$-1"},
          {"keys *", "*0"},
          {"scan 0", "*2|$1|0|*0"},
          {"set only 1", "+OK"},
          {"randomkey", "$4|only"},
          {"keys *", "*1|$4|only"},
          {"keys o?l[x-z]", "*1|$4|only"},
          {"keys x*", "*0"},
          {"scan 0", "*2|$1|0|*1|$4|only"},
          {"scan 0 match x*", "*2|$1|0|*0"},
          {"scan 0 match o* count 5 type string", "*2|$1|0|*1|$4|only"},
          {"scan 0 type STRING", "*2|$1|0|*1|$4|only"},
          {"scan 0 type list", "*2|$1|0|*0"},
          {"scan x", "-ERR invalid cursor"},
          {"scan -", "-ERR invalid cursor"},
          {"scan 0x0", "-ERR invalid cursor"},
          {"scan ''", "*2|$1|0|*1|$4|only"},
          {"scan -0", "*2|$1|0|*1|$4|only"},
          {"scan 18446744073709551616", "-ERR invalid cursor"},
          {"scan 0 count 0", kSyntax},
          {"scan 0 count x", kNotInteger},
          {"scan 0 count", kSyntax},
          {"scan 0 what x", kSyntax}});
}

TEST_F(KvCommands, Resp3Nulls) {
  member.resp = 3;
  Expect({{"get none", "_"},
          {"mget none", "*1|_"},
          {"set k v get", "_"},
          {"set k v nx", "_"},
          {"randomkey", "$1|k"}});
}

}  // namespace
}  // namespace understudy::targets::kv
