#include "protocol/resp_parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace understudy::protocol {
namespace {

using Request = std::vector<std::string>;
using Status = RequestParser::Status;

// What a connection made of its bytes.
struct Outcome {
  std::vector<Request> requests;
  std::string error;
  size_t unread = 0;
  bool operator==(const Outcome&) const = default;
};

// Feeds `input` as a connection does: `sizes` says how many bytes each read brings (the last one is
// repeated). Every call sees the bytes at another address, with nothing behind them.
Outcome Feed(std::string_view input, const std::vector<size_t>& sizes,
             const ParseLimits& limits = {}) {
  Outcome outcome;
  RequestParser parser;
  size_t begin = 0, received = 0;
  for (size_t read = 0;; ++read) {
    while (true) {
      size_t there = received - begin;
      auto buffer = std::make_unique<char[]>(there);
      std::copy_n(input.data() + begin, there, buffer.get());
      Status status = parser.Parse(std::string_view(buffer.get(), there), limits);
      if (status == Status::kError) {
        outcome.error = parser.error();
        return outcome;
      }
      if (status == Status::kNeedMore) break;
      EXPECT_GT(parser.consumed(), 0u);
      EXPECT_LE(parser.consumed(), there);
      begin += parser.consumed();
      outcome.requests.emplace_back(parser.args().begin(), parser.args().end());
    }
    if (received == input.size()) break;
    received = std::min(input.size(), received + sizes[std::min(read, sizes.size() - 1)]);
  }
  outcome.unread = received - begin;
  return outcome;
}

Outcome Whole(std::string_view input, const ParseLimits& limits = {}) {
  return Feed(input, {input.size()}, limits);
}

// Whole, byte by byte, and cut in two at every place: always the same.
Outcome EveryWay(std::string_view input, const ParseLimits& limits = {}) {
  Outcome whole = Whole(input, limits);
  EXPECT_EQ(Feed(input, {1}, limits), whole) << input;
  for (size_t cut = 1; cut < input.size(); ++cut) {
    EXPECT_EQ(Feed(input, {cut, input.size()}, limits), whole) << cut << " in " << input;
  }
  return whole;
}

std::string Encode(const Request& request) {
  std::string bytes = "*" + std::to_string(request.size()) + "\r\n";
  for (const std::string& arg : request) {
    bytes += "$" + std::to_string(arg.size()) + "\r\n" + arg + "\r\n";
  }
  return bytes;
}

std::string ErrorOf(std::string_view input, const ParseLimits& limits = {}) {
  Outcome outcome = EveryWay(input, limits);
  EXPECT_TRUE(outcome.requests.empty()) << input;
  return outcome.error;
}

TEST(RequestParser, OneRequest) {
  Outcome outcome = EveryWay("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$12\r\nhello\r\nworld\r\n");
  EXPECT_EQ(outcome.requests, (std::vector<Request>{{"SET", "key", "hello\r\nworld"}}));
  EXPECT_EQ(outcome.unread, 0u);
}

TEST(RequestParser, PipelinesOfEveryKind) {
  std::string input = Encode({"PING"}) + "PING\r\n" + Encode({"ECHO", ""}) + "\r\n*0\r\n*-1\r\n" +
                      "set k v\n" + Encode({"GET", std::string("a\0b", 3)}) + "*1\r\n$4\r\nPI";
  Outcome outcome = EveryWay(input);
  EXPECT_EQ(outcome.requests, (std::vector<Request>{{"PING"},
                                                    {"PING"},
                                                    {"ECHO", ""},
                                                    {},
                                                    {},
                                                    {},
                                                    {"set", "k", "v"},
                                                    {"GET", std::string("a\0b", 3)}}));
  EXPECT_EQ(outcome.unread, 10u);
  EXPECT_EQ(outcome.error, "");
}

TEST(RequestParser, ArgumentsOfMuchAndOfMany) {
  Request many(5000, "x");
  many[17].assign(100000, 'y');
  std::string input = Encode(many) + Encode({"PING"}) + Encode(many);
  Outcome whole = Whole(input);
  EXPECT_EQ(whole.requests, (std::vector<Request>{many, {"PING"}, many}));
  for (size_t size : {211u, 1000u, 4099u}) EXPECT_EQ(Feed(input, {size}), whole);
}

TEST(RequestParser, ArgumentsAreViewsIntoTheInput) {
  RequestParser parser;
  std::string input = Encode({"SET", "key", "value"});
  ASSERT_EQ(parser.Parse(input, {}), Status::kRequest);
  for (std::string_view arg : parser.args()) {
    EXPECT_GE(arg.data(), input.data());
    EXPECT_LE(arg.data() + arg.size(), input.data() + input.size());
  }
}

TEST(RequestParser, SaysHowMuchIsMissing) {
  RequestParser parser;
  std::string input = "*2\r\n$3\r\nGET\r\n$1000\r\nabc";
  ASSERT_EQ(parser.Parse(input, {}), Status::kNeedMore);
  EXPECT_EQ(parser.missing(), 1000u + 2 - 3);
  input += std::string(997, 'd') + "\r";
  ASSERT_EQ(parser.Parse(input, {}), Status::kNeedMore);
  EXPECT_EQ(parser.missing(), 1u);
  input += "\n";
  ASSERT_EQ(parser.Parse(input, {}), Status::kRequest);
  EXPECT_EQ(parser.args()[1].size(), 1000u);
}

TEST(RequestParser, BadCounts) {
  const std::string kBad = "Protocol error: invalid multibulk length";
  for (std::string_view count : {"", "x", "3x", "+3", "03", " 3", "-", "2147483648", "3\n",
                                 "99999999999999999999", "1.0", "-0"}) {
    EXPECT_EQ(ErrorOf("*" + std::string(count) + "\r\n"), kBad) << count;
  }
  EXPECT_EQ(ErrorOf(std::string("*\0\r\n", 4)), kBad);
  // Nothing is set aside for what was only announced.
  Outcome outcome = EveryWay("*2147483647\r\n$1\r\na\r\n");
  EXPECT_EQ(outcome.error, "");
  EXPECT_TRUE(outcome.requests.empty());
  ParseLimits few;
  few.max_arguments = 2;
  EXPECT_EQ(ErrorOf("*3\r\n", few), kBad);
  EXPECT_EQ(EveryWay(Encode({"a", "b"}), few).requests.size(), 1u);
}

TEST(RequestParser, BadSizes) {
  const std::string kBad = "Protocol error: invalid bulk length";
  for (std::string_view size : {"", "x", "3x", "+3", "03", " 3", "-1", "-", "536870913",
                                "99999999999999999999", "2147483648"}) {
    EXPECT_EQ(ErrorOf("*1\r\n$" + std::string(size) + "\r\n"), kBad) << size;
  }
  EXPECT_EQ(EveryWay("*1\r\n$536870912\r\nabc").error, "");
  ParseLimits small;
  small.max_bulk_bytes = 4;
  EXPECT_EQ(ErrorOf("*1\r\n$5\r\nabcde\r\n", small), kBad);
  EXPECT_EQ(EveryWay("*1\r\n$4\r\nabcd\r\n", small).requests, (std::vector<Request>{{"abcd"}}));
}

TEST(RequestParser, SomethingElseThanABulk) {
  EXPECT_EQ(ErrorOf("*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n"),
            "Protocol error: expected '$', got 'f'");
  EXPECT_EQ(ErrorOf("*1\r\n:3\r\n"), "Protocol error: expected '$', got ':'");
  EXPECT_EQ(ErrorOf("*1\r\n\r\n"), "Protocol error: expected '$', got '\r'");
}

// Redis looks only for CR at the end of a header, and not at all behind an argument; clients that
// get away with it there get away with it here.
TEST(RequestParser, LineEndsAreTakenAsRedisTakesThem) {
  EXPECT_EQ(EveryWay("*2\r\n$1\r\naXY$1\r\nb\r\n").requests, (std::vector<Request>{{"a", "b"}}));
  EXPECT_EQ(EveryWay("*1\rX$1\rXab\rX").requests, (std::vector<Request>{{"a"}}));
}

TEST(RequestParser, LinesThatNeverEnd) {
  ParseLimits limits;
  limits.max_inline_bytes = 64;
  auto digits = [](size_t count) { return std::string(count, '1'); };
  EXPECT_EQ(ErrorOf("*" + digits(64), limits), "Protocol error: too big mbulk count string");
  EXPECT_EQ(EveryWay("*" + digits(63), limits).error, "");
  EXPECT_EQ(ErrorOf("*1\r\n$" + digits(64), limits), "Protocol error: too big bulk count string");
  EXPECT_EQ(EveryWay("*1\r\n$" + digits(63), limits).error, "");
  EXPECT_EQ(ErrorOf(digits(65), limits), "Protocol error: too big inline request");
  EXPECT_EQ(EveryWay(digits(64), limits).error, "");
  // The same in one piece with its end: how the bytes arrive makes no difference.
  EXPECT_EQ(ErrorOf(digits(65) + "\r\n", limits), "Protocol error: too big inline request");
  EXPECT_EQ(EveryWay(digits(63) + "\r\n", limits).requests, (std::vector<Request>{{digits(63)}}));
  EXPECT_EQ(Whole(digits(65536)).error, "");
  EXPECT_EQ(Whole(digits(65537)).error, "Protocol error: too big inline request");
}

TEST(RequestParser, BeforeAuthentication) {
  ParseLimits limits;
  limits.authenticated = false;
  EXPECT_EQ(EveryWay(Encode(Request(10, "a")), limits).requests.size(), 1u);
  EXPECT_EQ(ErrorOf(Encode(Request(11, "a")), limits),
            "Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(Whole(Encode({std::string(16384, 'a')}), limits).requests.size(), 1u);
  EXPECT_EQ(Whole(Encode({std::string(16385, 'a')}), limits).error,
            "Protocol error: unauthenticated bulk length");
  EXPECT_EQ(EveryWay("AUTH secret\r\n", limits).requests,
            (std::vector<Request>{{"AUTH", "secret"}}));
}

TEST(RequestParser, InlineWords) {
  EXPECT_EQ(EveryWay("  set \t key\v   value \r\n").requests,
            (std::vector<Request>{{"set", "key\v", "value"}}));
  EXPECT_EQ(EveryWay("\r\n\n   \r\n").requests, (std::vector<Request>{{}, {}, {}}));
  EXPECT_EQ(EveryWay("a\rb\n").requests, (std::vector<Request>{{"a", "b"}}));
  EXPECT_EQ(EveryWay(std::string("get k\0ey\r\n", 10)).requests,
            (std::vector<Request>{{"get", "k"}}));
}

TEST(RequestParser, InlineQuotes) {
  auto words = [](std::string_view line) {
    Outcome outcome = EveryWay(std::string(line) + "\r\n");
    EXPECT_EQ(outcome.error, "") << line;
    return outcome.requests.empty() ? Request{"none"} : outcome.requests[0];
  };
  EXPECT_EQ(words(R"(set "a b" 'c d')"), (Request{"set", "a b", "c d"}));
  EXPECT_EQ(words(R"("" '')"), (Request{"", ""}));
  EXPECT_EQ(words(R"(pre"fix ed" mid'dle')"), (Request{"prefix ed", "middle"}));
  EXPECT_EQ(words(R"("\n\r\t\b\a\\\"\q")"), (Request{"\n\r\t\b\a\\\"q"}));
  EXPECT_EQ(words(R"("\x41\xfF\x00\xg0\x1")"), (Request{std::string("A\xff\0", 3) + "xg0x1"}));
  EXPECT_EQ(words(R"('it\'s \n \x41 "x"')"), (Request{R"(it's \n \x41 "x")"}));
  EXPECT_EQ(words(R"(a\b "it's")"), (Request{R"(a\b)", "it's"}));
  // Many quoted words: the earlier ones stay where their views point.
  std::string line;
  Request expected;
  for (int i = 0; i < 200; ++i) {
    line += "\"w " + std::to_string(i) + "\" plain" + std::to_string(i) + " ";
    expected.push_back("w " + std::to_string(i));
    expected.push_back("plain" + std::to_string(i));
  }
  EXPECT_EQ(Whole(line + "\n").requests, (std::vector<Request>{expected}));
}

TEST(RequestParser, InlineQuotesThatDontBalance) {
  const std::string kBad = "Protocol error: unbalanced quotes in request";
  for (std::string_view line :
       {R"(set """test-key""" test-value)", R"("a)", R"('a)", R"("a"b)", R"('a'b)", R"("a\")",
        R"('a\')", R"("a\)", R"(a"b"'c')", "\"", R"(x ')"}) {
    EXPECT_EQ(ErrorOf(std::string(line) + "\r\n"), kBad) << line;
  }
  EXPECT_EQ(ErrorOf(std::string("\"a\0b\"\r\n", 7)), kBad);
}

TEST(RequestParser, RandomPipelinesInRandomPieces) {
  std::mt19937_64 random(42);
  for (int round = 0; round < 300; ++round) {
    std::string input;
    std::vector<Request> expected;
    for (size_t count = 1 + random() % 20; count > 0; --count) {
      Request request(1 + random() % 8);
      for (std::string& arg : request) {
        arg.resize(random() % (random() % 10 == 0 ? 3000 : 20));
        for (char& c : arg) c = "\r\n$*1 '\"a\0"[random() % 10];
      }
      input += Encode(request);
      expected.push_back(request);
    }
    std::vector<size_t> sizes(1 + random() % 50);
    for (size_t& size : sizes) size = 1 + random() % 700;
    Outcome outcome = Feed(input, sizes);
    ASSERT_EQ(outcome.requests, expected) << round;
    ASSERT_EQ(outcome.unread, 0u);
  }
}

// Garbage ends in requests, a wait or an error, the same in one piece and in many.
TEST(RequestParser, RandomGarbageInRandomPieces) {
  std::mt19937_64 random(43);
  constexpr std::string_view kAlphabet("*$\r\n0123-'\"\\x a\0", 17);
  ParseLimits limits;
  limits.max_inline_bytes = 40;
  int errors = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string input(random() % 100, ' ');
    for (char& c : input) c = kAlphabet[random() % kAlphabet.size()];
    if (round % 2 == 0) input = "*2\r\n$" + input;
    Outcome whole = Whole(input, limits);
    errors += !whole.error.empty();
    ASSERT_EQ(Feed(input, {1 + random() % 5, 1 + random() % 30, 1}, limits), whole) << round;
  }
  EXPECT_GT(errors, 1000);
}

}  // namespace
}  // namespace understudy::protocol
