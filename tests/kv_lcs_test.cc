#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "targets/kv/lcs.h"

namespace understudy::targets::kv {
namespace {

// The textbook's table, and the walk back that goes up only if the upper cell is greater.
struct Expected {
  size_t length;
  std::string text;
  std::vector<LcsRange> ranges;
};

Expected ByTable(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> table(a.size() + 1, std::vector<size_t>(b.size() + 1, 0));
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1
                                         : std::max(table[i - 1][j], table[i][j - 1]);
    }
  }
  Expected expected{table[a.size()][b.size()], "", {}};
  bool open = false;
  size_t i = a.size(), j = b.size();
  while (i > 0 && j > 0) {
    if (a[i - 1] == b[j - 1]) {
      expected.text += a[i - 1];
      if (!open) expected.ranges.push_back({i - 1, i - 1, j - 1, j - 1});
      expected.ranges.back().a_first = i - 1;
      expected.ranges.back().b_first = j - 1;
      open = true;
      --i;
      --j;
    } else {
      open = false;
      if (table[i - 1][j] > table[i][j - 1]) {
        --i;
      } else {
        --j;
      }
    }
  }
  std::reverse(expected.text.begin(), expected.text.end());
  return expected;
}

void Check(std::string_view a, std::string_view b) {
  const Expected expected = ByTable(a, b);
  EXPECT_EQ(LongestCommonSubsequence(a, b, false).length(), expected.length);
  const LongestCommonSubsequence lcs(a, b, true);
  EXPECT_EQ(lcs.length(), expected.length);
  EXPECT_EQ(lcs.Text(), expected.text) << a << "\n" << b;
  const std::vector<LcsRange> ranges = lcs.Ranges();
  ASSERT_EQ(ranges.size(), expected.ranges.size()) << a << "\n" << b;
  for (size_t i = 0; i < ranges.size(); ++i) {
    EXPECT_EQ(ranges[i].a_first, expected.ranges[i].a_first);
    EXPECT_EQ(ranges[i].a_last, expected.ranges[i].a_last);
    EXPECT_EQ(ranges[i].b_first, expected.ranges[i].b_first);
    EXPECT_EQ(ranges[i].b_last, expected.ranges[i].b_last);
  }
}

TEST(Lcs, Examples) {
  Check("", "");
  Check("abc", "");
  Check("", "abc");
  Check("a", "a");
  Check("a", "b");
  Check("ohmytext", "mynewtext");
  Check("abcbdab", "bdcaba");
  Check(std::string(200, 'x'), std::string(64, 'x'));
  Check(std::string_view("\0\xff\0", 3), std::string_view("\xff\0\xff", 3));
  EXPECT_EQ(LongestCommonSubsequence("ohmytext", "mynewtext", true).Text(), "mytext");
}

TEST(Lcs, AgreesWithTheTableOnRandomStrings) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 3000; ++round) {
    const uint64_t letters = 1 + random() % (round % 3 == 0 ? 250 : 4);
    const auto text = [&](size_t most) {
      std::string result(random() % most, '\0');
      for (char& byte : result) byte = static_cast<char>(random() % letters);
      return result;
    };
    Check(text(round % 2 ? 30 : 200), text(round % 5 ? 70 : 300));
  }
}

TEST(Lcs, WidthsAroundAWord) {
  std::mt19937_64 random(2);
  for (size_t width : {1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129}) {
    for (int round = 0; round < 20; ++round) {
      std::string a(150, '\0'), b(width, '\0');
      for (char& byte : a) byte = static_cast<char>('a' + random() % 3);
      for (char& byte : b) byte = static_cast<char>('a' + random() % 3);
      Check(a, b);
    }
  }
}

}  // namespace
}  // namespace understudy::targets::kv
