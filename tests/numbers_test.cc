#include "protocol/numbers.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace understudy::protocol {
namespace {

TEST(ParseInteger, AcceptsWhatRedisAccepts) {
  EXPECT_EQ(ParseInteger("0"), 0);
  EXPECT_EQ(ParseInteger("7"), 7);
  EXPECT_EQ(ParseInteger("-1"), -1);
  EXPECT_EQ(ParseInteger("1234567890"), 1234567890);
  EXPECT_EQ(ParseInteger("9223372036854775807"), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(ParseInteger("-9223372036854775808"), std::numeric_limits<int64_t>::min());
}

TEST(ParseInteger, RefusesEverythingElse) {
  for (std::string_view text : {"",
                                "-",
                                "+1",
                                " 1",
                                "1 ",
                                "01",
                                "-0",
                                "00",
                                "-01",
                                "1a",
                                "a",
                                "1.0",
                                "0x1",
                                "--1",
                                "1-",
                                "9223372036854775808",
                                "-9223372036854775809",
                                "18446744073709551616",
                                "99999999999999999999",
                                "10000000000000000000000",
                                "1\n"}) {
    EXPECT_EQ(ParseInteger(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseInteger(std::string_view("1\0", 2)), std::nullopt);
}

TEST(ParseInteger, ReadsBackEveryPrintedNumber) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    auto value = static_cast<int64_t>(random() >> (random() % 64)) * (random() % 2 ? 1 : -1);
    ASSERT_EQ(ParseInteger(std::to_string(value)), value);
  }
}

TEST(ParseDouble, AcceptsWhatStrtodAccepts) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(ParseDouble("3"), 3.0);
  EXPECT_EQ(ParseDouble("-3.25"), -3.25);
  EXPECT_EQ(ParseDouble("+3.25"), 3.25);
  EXPECT_EQ(ParseDouble(".5"), 0.5);
  EXPECT_EQ(ParseDouble("5."), 5.0);
  EXPECT_EQ(ParseDouble("1e3"), 1000.0);
  EXPECT_EQ(ParseDouble("1E-3"), 0.001);
  EXPECT_EQ(ParseDouble("0x10"), 16.0);
  EXPECT_EQ(ParseDouble("-0X1.8p1"), -3.0);
  EXPECT_EQ(ParseDouble("inf"), kInf);
  EXPECT_EQ(ParseDouble("+inf"), kInf);
  EXPECT_EQ(ParseDouble("-INF"), -kInf);
  EXPECT_EQ(ParseDouble("Infinity"), kInf);
  EXPECT_EQ(ParseDouble("007"), 7.0);
  EXPECT_TRUE(std::signbit(*ParseDouble("-0")));
  EXPECT_EQ(ParseDouble("4.9e-324"), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(ParseDouble("0.1" + std::string(2000, '0')), 0.1);
}

TEST(ParseDouble, RefusesEverythingElse) {
  for (std::string_view text :
       {"",  " 1", "\t1", "1 ", "nan", "-nan", "NAN", "nan(1)", "1e",   "1e400", "-1e400", "1e-400",
        "a", "1a", "1,5", "+",  "-",   ".",    "+-1", "0x",     "infx", "i",     "1_0"}) {
    EXPECT_EQ(ParseDouble(text), std::nullopt) << text;
    EXPECT_EQ(ParseLongDouble(text).has_value(),
              text == "1e400" || text == "-1e400" || text == "1e-400")
        << text;
  }
  EXPECT_EQ(ParseDouble(std::string_view("1\0", 2)), std::nullopt);
  EXPECT_EQ(ParseDouble(std::string_view("\0", 1)), std::nullopt);
}

TEST(ParseLongDouble, HasItsOwnPrecisionAndLimit) {
  EXPECT_EQ(ParseLongDouble("0.1"), 0.1L);
  EXPECT_NE(ParseLongDouble("0.1"), static_cast<long double>(0.1));
  EXPECT_EQ(ParseLongDouble("-inf"), -std::numeric_limits<long double>::infinity());
  EXPECT_EQ(ParseLongDouble("1e5000"), std::nullopt);
  EXPECT_EQ(ParseLongDouble(std::string(5119, '0')), 0.0L);
  EXPECT_EQ(ParseLongDouble(std::string(5120, '0')), std::nullopt);
  EXPECT_EQ(ParseLongDouble(std::string_view("1\0", 2)), std::nullopt);
}

TEST(FormatDouble, PrintsAsRedisDoes) {
  struct Case {
    double value;
    std::string_view text;
  };
  constexpr double kInf = std::numeric_limits<double>::infinity();
  for (const auto& [value, text] : std::initializer_list<Case>{
           {0, "0"},
           {-0.0, "-0"},
           {3, "3"},
           {-17, "-17"},
           {3.1, "3.1"},
           {0.1, "0.1"},
           {-0.5, "-0.5"},
           {1.0 / 3, "0.3333333333333333"},
           {100, "100"},
           {1e15, "1000000000000000"},
           {1e17, "100000000000000000"},
           {4611686018427387904.0, "4611686018427387904"},
           {1e19, "1e+19"},
           {1e20, "1e+20"},
           {-1.5e20, "-1.5e+20"},
           {123456789012345680000.0, "123456789012345680000"},
           {0.000001, "0.000001"},
           {0.0000001, "1e-7"},
           {0.000015, "0.000015"},
           {1.23e-5, "1.23e-5"},
           {0.0012345678, "0.0012345678"},
           {3.14159265358979, "3.14159265358979"},
           {1234.5678901, "1234.5678901"},
           {12345.678901, "12345.678901"},
           {12345.6789012, "1.23456789012e+4"},
           {1.7976931348623157e308, "1.7976931348623157e+308"},
           {5e-324, "5e-324"},
           {kInf, "inf"},
           {-kInf, "-inf"},
           {std::nan(""), "nan"},
           {-std::nan(""), "nan"},
       }) {
    EXPECT_EQ(FormatDouble(value), text);
  }
}

TEST(FormatDouble, ReadsBackEqual) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 100000; ++i) {
    uint64_t bits = random();
    double value;
    memcpy(&value, &bits, sizeof(value));
    if (i % 2 == 0) value = static_cast<double>(static_cast<int64_t>(bits) >> (bits % 60)) / 1000;
    if (std::isnan(value)) continue;
    char text[kMaxDoubleText];
    size_t size = FormatDouble(text, value);
    ASSERT_LE(size, sizeof(text));
    ASSERT_EQ(ParseDouble(std::string_view(text, size)), value);
  }
}

TEST(FormatHumanLongDouble, HasNoTrailingZerosAndNoExponent) {
  EXPECT_EQ(FormatHumanLongDouble(0), "0");
  EXPECT_EQ(FormatHumanLongDouble(-0.0L), "0");
  EXPECT_EQ(FormatHumanLongDouble(3), "3");
  EXPECT_EQ(FormatHumanLongDouble(3000), "3000");
  EXPECT_EQ(FormatHumanLongDouble(-10.5L), "-10.5");
  EXPECT_EQ(FormatHumanLongDouble(5.0e3L), "5000");
  EXPECT_EQ(FormatHumanLongDouble(10.6L), "10.6");
  EXPECT_EQ(FormatHumanLongDouble(1e20L), "100000000000000000000");
  EXPECT_EQ(FormatHumanLongDouble(1e-17L), "0.00000000000000001");
  EXPECT_EQ(FormatHumanLongDouble(1e-30L), "0");
  EXPECT_EQ(FormatHumanLongDouble(-1e-30L), "0");
  EXPECT_EQ(FormatHumanLongDouble(std::numeric_limits<long double>::infinity()), "inf");
  EXPECT_EQ(FormatHumanLongDouble(-std::numeric_limits<long double>::infinity()), "-inf");
  std::string largest = FormatHumanLongDouble(-std::numeric_limits<long double>::max());
  EXPECT_EQ(ParseLongDouble(largest), -std::numeric_limits<long double>::max());
}

TEST(EqualsIgnoreCase, FoldsAsciiOnly) {
  EXPECT_TRUE(EqualsIgnoreCase("", ""));
  EXPECT_TRUE(EqualsIgnoreCase("MATCH", "match"));
  EXPECT_TRUE(EqualsIgnoreCase("mAtCh", "MaTcH"));
  EXPECT_FALSE(EqualsIgnoreCase("match", "matc"));
  EXPECT_FALSE(EqualsIgnoreCase("@", "`"));  // 0x20 apart, but no letters
  EXPECT_FALSE(EqualsIgnoreCase("[", "{"));
  EXPECT_FALSE(EqualsIgnoreCase("\xc4", "\xe4"));
  EXPECT_EQ(ToLower("GeT-9[\xc4"), "get-9[\xc4");
}

TEST(GlobMatch, Wildcards) {
  EXPECT_TRUE(GlobMatch("", ""));
  EXPECT_FALSE(GlobMatch("", "a"));
  EXPECT_FALSE(GlobMatch("a", ""));
  EXPECT_TRUE(GlobMatch("*", ""));
  EXPECT_TRUE(GlobMatch("***", "anything"));
  EXPECT_TRUE(GlobMatch("h?llo", "hello"));
  EXPECT_FALSE(GlobMatch("h?llo", "hllo"));
  EXPECT_FALSE(GlobMatch("?", ""));
  EXPECT_TRUE(GlobMatch("h*llo", "hllo"));
  EXPECT_TRUE(GlobMatch("h*llo", "heeeello"));
  EXPECT_FALSE(GlobMatch("h*llo", "heeeell"));
  EXPECT_TRUE(GlobMatch("*a*b*c*", "xxaxxbxxcxx"));
  EXPECT_FALSE(GlobMatch("*a*b*c*", "xxaxxcxxbxx"));
  EXPECT_TRUE(GlobMatch("*ab", "aab"));
  EXPECT_TRUE(GlobMatch("a*?", "ab"));
  EXPECT_FALSE(GlobMatch("a*?", "a"));
  EXPECT_TRUE(GlobMatch("a**", "a"));
  EXPECT_TRUE(GlobMatch(std::string_view("\0*", 2), std::string_view("\0a", 2)));
}

TEST(GlobMatch, Brackets) {
  EXPECT_TRUE(GlobMatch("h[ae]llo", "hallo"));
  EXPECT_FALSE(GlobMatch("h[ae]llo", "hillo"));
  EXPECT_TRUE(GlobMatch("h[^e]llo", "hallo"));
  EXPECT_FALSE(GlobMatch("h[^e]llo", "hello"));
  EXPECT_TRUE(GlobMatch("[a-c]", "b"));
  EXPECT_TRUE(GlobMatch("[c-a]", "b"));  // a range may be given backwards
  EXPECT_FALSE(GlobMatch("[a-c]", "d"));
  EXPECT_TRUE(GlobMatch("[a-cx-z]9", "y9"));
  EXPECT_TRUE(GlobMatch("[\\]]", "]"));
  EXPECT_TRUE(GlobMatch("[\\-x]", "-"));
  EXPECT_TRUE(GlobMatch("[\x80-\xff]", "\xc3"));
  EXPECT_FALSE(GlobMatch("[]", "a"));
  EXPECT_TRUE(GlobMatch("[^]", "a"));
  EXPECT_TRUE(GlobMatch("[a-", "-"));  // too short for a range
  EXPECT_TRUE(GlobMatch("[ab", "b"));  // closed by the end
  EXPECT_FALSE(GlobMatch("[ab", "c"));
  EXPECT_FALSE(GlobMatch("[", "a"));
  EXPECT_TRUE(GlobMatch("*[0-9]", "abc7"));
}

TEST(GlobMatch, EscapesAndCase) {
  EXPECT_TRUE(GlobMatch("a\\*b", "a*b"));
  EXPECT_FALSE(GlobMatch("a\\*b", "axb"));
  EXPECT_TRUE(GlobMatch("a\\?", "a?"));
  EXPECT_TRUE(GlobMatch("a\\\\", "a\\"));
  EXPECT_TRUE(GlobMatch("a\\", "a\\"));  // a backslash at the end is itself
  EXPECT_FALSE(GlobMatch("ABC", "abc"));
  EXPECT_TRUE(GlobMatch("ABC", "abc", true));
  EXPECT_TRUE(GlobMatch("[A-C]*", "bcd", true));
  EXPECT_FALSE(GlobMatch("[A-C]*", "bcd"));
}

// Redis' own answer to such patterns was once exponential time (CVE-2022-36021).
TEST(GlobMatch, HostilePatternsAreCheap) {
  std::string pattern, text(30000, 'a');
  for (int i = 0; i < 500; ++i) pattern += "a*";
  pattern += "b";
  auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(GlobMatch(pattern, text));
  EXPECT_FALSE(GlobMatch("*" + std::string(1000, 'a') + "b", text));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

// Beside the definition, written as plainly as possible, on small alphabets.
bool SlowMatch(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return SlowMatch(pattern.substr(1), text) ||
           (!text.empty() && SlowMatch(pattern, text.substr(1)));
  }
  if (text.empty()) return false;
  return (pattern[0] == '?' || pattern[0] == text[0]) &&
         SlowMatch(pattern.substr(1), text.substr(1));
}

TEST(GlobMatch, TooManyStarsMatchNothing) {
  const auto repeated = [](int times) {
    std::string pattern;
    for (int i = 0; i < times; ++i) pattern += "*a";
    return pattern;
  };
  const std::string text(kMaxStars + 1, 'a');
  EXPECT_TRUE(GlobMatch(repeated(kMaxStars), text));
  EXPECT_TRUE(GlobMatch(repeated(kMaxStars) + "*", text));
  EXPECT_FALSE(GlobMatch(repeated(kMaxStars + 1), text));
}

TEST(GlobMatch, AgreesWithTheDefinition) {
  std::mt19937_64 random(3);
  int matches = 0;
  for (int i = 0; i < 50000; ++i) {
    std::string pattern, text;
    for (size_t size = random() % 9; size > 0; --size) pattern += "ab*?"[random() % 4];
    for (size_t size = random() % 9; size > 0; --size) text += "ab"[random() % 2];
    bool expected = SlowMatch(pattern, text);
    matches += expected;
    ASSERT_EQ(GlobMatch(pattern, text), expected) << pattern << " " << text;
  }
  EXPECT_GT(matches, 1000);
}

}  // namespace
}  // namespace understudy::protocol
