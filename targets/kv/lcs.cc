#include "targets/kv/lcs.h"

#include <algorithm>
#include <array>
#include <bit>

namespace understudy::targets::kv {
namespace {

// For each byte that occurs in `a`, the columns of `b` that hold it, as rows of words.
class ColumnMasks {
 public:
  ColumnMasks(std::string_view a, std::string_view b) : words_((b.size() + 63) / 64) {
    numbers_.fill(-1);
    int count = 0;
    for (char byte : a) {
      int& number = numbers_[static_cast<uint8_t>(byte)];
      if (number < 0) number = count++;
    }
    masks_.resize(static_cast<size_t>(count) * words_);
    for (size_t j = 0; j < b.size(); ++j) {
      const int number = numbers_[static_cast<uint8_t>(b[j])];
      if (number < 0) continue;
      masks_[static_cast<size_t>(number) * words_ + j / 64] |= uint64_t{1} << (j % 64);
    }
  }

  const uint64_t* operator[](char byte) const {
    return masks_.data() + static_cast<size_t>(numbers_[static_cast<uint8_t>(byte)]) * words_;
  }

 private:
  size_t words_;
  std::array<int, 256> numbers_;
  std::vector<uint64_t> masks_;
};

// Turns a row into the next one.
void Advance(std::vector<uint64_t>* row, const uint64_t* mask) {
  uint64_t carry = 0;
  for (size_t w = 0; w < row->size(); ++w) {
    const uint64_t v = (*row)[w];
    const uint64_t hits = v & mask[w];
    const uint64_t partial = v + carry;
    const uint64_t sum = partial + hits;
    carry = static_cast<uint64_t>(partial < v) | static_cast<uint64_t>(sum < partial);
    (*row)[w] = sum | (v & ~mask[w]);
  }
}

}  // namespace

LongestCommonSubsequence::LongestCommonSubsequence(std::string_view a, std::string_view b,
                                                   bool keep_way)
    : a_(a), b_(b) {
  if (a.empty() || b.empty()) return;
  const size_t words = (b.size() + 63) / 64;
  stride_ = b.size() < 64 ? b.size() : words * 64;
  if (keep_way) rows_.reserve((a.size() * stride_ + 63) / 64);

  const ColumnMasks masks(a, b);
  std::vector<uint64_t> row(words, ~uint64_t{0});
  for (char byte : a) {
    Advance(&row, masks[byte]);
    if (keep_way) AppendRow(row);
  }
  // Every 0 among the columns is a place where the length rises by one.
  const size_t unused = words * 64 - b.size();
  row.back() |= unused == 0 ? 0 : ~uint64_t{0} << (64 - unused);
  for (uint64_t word : row) length_ += static_cast<size_t>(std::popcount(~word));
}

void LongestCommonSubsequence::AppendRow(const std::vector<uint64_t>& row) {
  if (stride_ >= 64) {
    rows_.insert(rows_.end(), row.begin(), row.end());
    return;
  }
  const uint64_t bits = row[0] & ((uint64_t{1} << stride_) - 1);
  const size_t shift = rows_bits_ % 64;
  if (shift == 0) {
    rows_.push_back(bits);
  } else {
    rows_.back() |= bits << shift;
    if (shift + stride_ > 64) rows_.push_back(bits >> (64 - shift));
  }
  rows_bits_ += stride_;
}

bool LongestCommonSubsequence::Rises(size_t i, size_t j) const {
  const size_t bit = (i - 1) * stride_ + (j - 1);
  return (rows_[bit / 64] >> (bit % 64) & 1) == 0;
}

template <typename Step>
void LongestCommonSubsequence::WalkBack(Step step) const {
  size_t i = a_.size();
  size_t j = b_.size();
  while (i > 0 && j > 0) {
    const bool matched = a_[i - 1] == b_[j - 1];
    step(i, j, matched);
    const bool up = matched || Rises(i, j);
    const bool left = matched || !up;
    i -= up;
    j -= left;
  }
}

std::string LongestCommonSubsequence::Text() const {
  std::string text(length_, '\0');
  size_t left = length_;
  WalkBack([&](size_t i, size_t, bool matched) {
    if (matched) text[--left] = a_[i - 1];
  });
  return text;
}

std::vector<LcsRange> LongestCommonSubsequence::Ranges() const {
  std::vector<LcsRange> ranges;
  bool open = false;  // the newest range may still grow towards the beginning
  WalkBack([&](size_t i, size_t j, bool matched) {
    if (matched && open) {
      ranges.back().a_first = i - 1;
      ranges.back().b_first = j - 1;
    } else if (matched) {
      ranges.push_back({i - 1, i - 1, j - 1, j - 1});
    }
    open = matched;
  });
  return ranges;
}

}  // namespace understudy::targets::kv
