// Longest common subsequence of two strings, bit-parallel.
//
// With L[i][j] the length for the first i bytes of `a` and the first j of `b`, neighbours in a row
// differ by 0 or 1. A row is kept as one bit a column, 0 where L[i][j] = L[i][j-1] + 1, and the
// next row comes from it by an addition and a few logical operations on whole words:
// 64 cells at a time.
// Source: H. Hyyrö, "Bit-Parallel LCS-length Computation Revisited", 2004: V' = (V + (V & M)) |
// (V & ~M), M the columns whose byte of `b` equals this row's byte of `a`.
//
// Walking back from L[m][n] needs no more than these bits: where the bytes differ, L[i][j] is the
// greater of its upper and left neighbour, so if it exceeds the left one, the upper is the greater.
// That is the order in which Redis walks (up only if the upper one is strictly greater), so the
// subsequence and ranges found are Redis' own.
//
// Time O(m * ceil(n/64)); memory about m * n / 8 bytes (at most twice that) plus 32 * n / 8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace understudy::targets::kv {

// A stretch of both strings that matches byte for byte and lies on the way back: first and last
// positions, inclusive.
struct LcsRange {
  size_t a_first, a_last, b_first, b_last;
  size_t size() const { return a_last - a_first + 1; }
};

class LongestCommonSubsequence {
 public:
  // `keep_way`: needed for Text() and Ranges(). Both strings must outlive the object.
  LongestCommonSubsequence(std::string_view a, std::string_view b, bool keep_way);

  size_t length() const { return length_; }
  std::string Text() const;
  std::vector<LcsRange> Ranges() const;  // from the ends of the strings to their beginnings

 private:
  // Calls step(i, j, matched) at each cell of the way; i and j count from 1.
  template <typename Step>
  void WalkBack(Step step) const;
  bool Rises(size_t i, size_t j) const;  // L[i][j] > L[i][j-1]
  void AppendRow(const std::vector<uint64_t>& row);

  std::string_view a_, b_;
  size_t length_ = 0;
  // Rows 1..m, `stride_` bits each; a row narrower than a word is packed.
  size_t stride_ = 0;
  std::vector<uint64_t> rows_;
  size_t rows_bits_ = 0;
};

}  // namespace understudy::targets::kv
