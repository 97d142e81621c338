#include "protocol/reply_writer.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace understudy::protocol {
namespace {

std::string Written(int resp, const std::function<void(ReplyWriter&)>& write) {
  std::string out = "|";  // a writer only appends
  ReplyWriter reply(&out, resp);
  write(reply);
  EXPECT_EQ(out[0], '|');
  return out.substr(1);
}

void ExpectBoth(const std::function<void(ReplyWriter&)>& write, std::string_view resp2,
                std::string_view resp3) {
  EXPECT_EQ(Written(2, write), resp2);
  EXPECT_EQ(Written(3, write), resp3);
}
void ExpectSame(const std::function<void(ReplyWriter&)>& write, std::string_view bytes) {
  ExpectBoth(write, bytes, bytes);
}

TEST(ReplyWriter, Lines) {
  ExpectSame([](ReplyWriter& r) { r.Ok(); }, "+OK\r\n");
  ExpectSame([](ReplyWriter& r) { r.Simple("QUEUED"); }, "+QUEUED\r\n");
  ExpectSame([](ReplyWriter& r) { r.Error(kSyntaxError); }, "-ERR syntax error\r\n");
  ExpectSame([](ReplyWriter& r) { r.Error("ERR a\r\nb\nc\r"); }, "-ERR a  b c \r\n");
  ExpectSame([](ReplyWriter& r) { r.Raw(":1\r\n"); }, ":1\r\n");
}

TEST(ReplyWriter, Integers) {
  ExpectSame([](ReplyWriter& r) { r.Integer(0); }, ":0\r\n");
  ExpectSame([](ReplyWriter& r) { r.Integer(9); }, ":9\r\n");
  ExpectSame([](ReplyWriter& r) { r.Integer(10); }, ":10\r\n");
  ExpectSame([](ReplyWriter& r) { r.Integer(-1); }, ":-1\r\n");
  ExpectSame([](ReplyWriter& r) { r.Integer(std::numeric_limits<int64_t>::min()); },
             ":-9223372036854775808\r\n");
  ExpectSame([](ReplyWriter& r) { r.BulkInteger(-12); }, "$3\r\n-12\r\n");
  ExpectSame([](ReplyWriter& r) { r.BulkInteger(std::numeric_limits<int64_t>::max()); },
             "$19\r\n9223372036854775807\r\n");
}

TEST(ReplyWriter, BulksOfEverySize) {
  for (size_t size = 0; size < 300; ++size) {
    std::string value(size, static_cast<char>(size));
    ExpectSame([&](ReplyWriter& r) { r.Bulk(value); },
               "$" + std::to_string(size) + "\r\n" + value + "\r\n");
  }
  ExpectSame([](ReplyWriter& r) { r.Bulk(std::string_view()); }, "$0\r\n\r\n");
}

TEST(ReplyWriter, TypesThatResp2Lacks) {
  ExpectBoth([](ReplyWriter& r) { r.Double(0.1); }, "$3\r\n0.1\r\n", ",0.1\r\n");
  ExpectBoth([](ReplyWriter& r) { r.Double(-std::numeric_limits<double>::infinity()); },
             "$4\r\n-inf\r\n", ",-inf\r\n");
  ExpectBoth([](ReplyWriter& r) { r.Double(1e20); }, "$5\r\n1e+20\r\n", ",1e+20\r\n");
  ExpectBoth([](ReplyWriter& r) { r.Bool(true); }, ":1\r\n", "#t\r\n");
  ExpectBoth([](ReplyWriter& r) { r.Bool(false); }, ":0\r\n", "#f\r\n");
  ExpectBoth([](ReplyWriter& r) { r.BigNumber("-123456789012345678901234567890"); },
             "$31\r\n-123456789012345678901234567890\r\n", "(-123456789012345678901234567890\r\n");
  ExpectBoth([](ReplyWriter& r) { r.Verbatim("txt", "a\r\nb"); }, "$4\r\na\r\nb\r\n",
             "=8\r\ntxt:a\r\nb\r\n");
  ExpectBoth([](ReplyWriter& r) { r.Null(); }, "$-1\r\n", "_\r\n");
  ExpectBoth([](ReplyWriter& r) { r.NullArray(); }, "*-1\r\n", "_\r\n");
}

TEST(ReplyWriter, Aggregates) {
  ExpectSame([](ReplyWriter& r) { r.Array(0); }, "*0\r\n");
  ExpectSame([](ReplyWriter& r) { r.Array(12345); }, "*12345\r\n");
  ExpectBoth([](ReplyWriter& r) { r.Map(7); }, "*14\r\n", "%7\r\n");
  ExpectBoth([](ReplyWriter& r) { r.Set(2); }, "*2\r\n", "~2\r\n");
  ExpectBoth([](ReplyWriter& r) { r.Push(3); }, "*3\r\n", ">3\r\n");
  EXPECT_EQ(Written(3, [](ReplyWriter& r) { r.Attribute(1); }), "|1\r\n");
}

TEST(ReplyWriter, DeferredHeaders) {
  auto nested = [](ReplyWriter& r) {
    r.Ok();
    size_t outer = r.DeferHeader();
    r.Integer(1);
    size_t map = r.DeferHeader();
    r.Bulk("k");
    r.Bulk("v");
    r.FinishMap(map, 1);
    size_t set = r.DeferHeader();
    r.FinishSet(set, 0);
    r.FinishArray(outer, 3);
    r.Ok();
  };
  ExpectBoth(nested, "+OK\r\n*3\r\n:1\r\n*2\r\n$1\r\nk\r\n$1\r\nv\r\n*0\r\n+OK\r\n",
             "+OK\r\n*3\r\n:1\r\n%1\r\n$1\r\nk\r\n$1\r\nv\r\n~0\r\n+OK\r\n");
}

TEST(FormatInteger, FitsItsBuffer) {
  char text[kMaxIntegerText];
  for (int64_t value : {int64_t{0}, int64_t{-1}, int64_t{99}, int64_t{100}, int64_t{-100},
                        std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    size_t size = FormatInteger(text, value);
    ASSERT_LE(size, sizeof(text));
    EXPECT_EQ(std::string_view(text, size), std::to_string(value));
  }
}

}  // namespace
}  // namespace understudy::protocol
