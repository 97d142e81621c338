#include "protocol/numbers.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace understudy::protocol {
namespace {

// Redis refuses longer texts where it wants a long double.
constexpr size_t kMaxLongDoubleText = 5 * 1024;

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// The C library's reading of the whole text: the judge of hexadecimal, "+1" and range errors.
template <typename Float>
std::optional<Float> ParseByLibrary(const std::string& text, Float (*parse)(const char*, char**)) {
  errno = 0;
  char* end = nullptr;
  Float value = parse(text.c_str(), &end);
  if (end != text.c_str() + text.size() || std::isnan(value)) return std::nullopt;
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return std::nullopt;
  return value;
}

// Lays out a decimal number as Redis 7.2 does: digits d1 d2 … dn, the last one worth 10^`scale`.
size_t LayOutDigits(const char* digits, int count, int scale, char* to) {
  int exponent = scale + count - 1;  // of the first digit
  char* at = to;
  if (scale >= 0 && exponent < count + 7) {
    memcpy(at, digits, static_cast<size_t>(count));
    memset(at + count, '0', static_cast<size_t>(scale));
    return static_cast<size_t>(count + scale);
  }
  if (scale < 0 && (scale > -7 || std::abs(exponent) < 4)) {
    int whole = count + scale;  // digits before the point
    if (whole <= 0) {
      *at++ = '0';
      *at++ = '.';
      memset(at, '0', static_cast<size_t>(-whole));
      at += -whole;
      memcpy(at, digits, static_cast<size_t>(count));
      return static_cast<size_t>(at - to + count);
    }
    memcpy(at, digits, static_cast<size_t>(whole));
    at[whole] = '.';
    memcpy(at + whole + 1, digits + whole, static_cast<size_t>(count - whole));
    return static_cast<size_t>(count + 1);
  }
  *at++ = digits[0];
  if (count > 1) {
    *at++ = '.';
    memcpy(at, digits + 1, static_cast<size_t>(count - 1));
    at += count - 1;
  }
  *at++ = 'e';
  *at++ = exponent < 0 ? '-' : '+';
  return static_cast<size_t>(std::to_chars(at, at + 4, std::abs(exponent)).ptr - to);
}

// The bracket expression whose '[' is at `*at`: leaves `*at` behind it and says whether it holds
// `c`. A missing ']' closes it at the end of the pattern, as in Redis.
bool MatchBracket(std::string_view pattern, size_t* at, char c, bool ignore_case) {
  size_t p = *at + 1;
  bool negated = p < pattern.size() && pattern[p] == '^';
  if (negated) ++p;
  auto fold = [ignore_case](char x) { return ignore_case ? Lower(x) : x; };
  bool found = false;
  for (; p < pattern.size() && pattern[p] != ']'; ++p) {
    if (pattern[p] == '\\' && p + 1 < pattern.size()) {
      ++p;
      found |= pattern[p] == c;
    } else if (p + 2 < pattern.size() && pattern[p + 1] == '-') {
      auto low = static_cast<unsigned char>(fold(pattern[p]));
      auto high = static_cast<unsigned char>(fold(pattern[p + 2]));
      if (low > high) std::swap(low, high);
      auto value = static_cast<unsigned char>(fold(c));
      found |= low <= value && value <= high;
      p += 2;
    } else {
      found |= fold(pattern[p]) == fold(c);
    }
  }
  *at = p < pattern.size() ? p + 1 : p;
  return found != negated;
}

// One pattern element other than '*' against one character; moves `*at` behind the element.
bool MatchOne(std::string_view pattern, size_t* at, char c, bool ignore_case) {
  switch (pattern[*at]) {
    case '?':
      ++*at;
      return true;
    case '[':
      return MatchBracket(pattern, at, c, ignore_case);
    case '\\':
      if (*at + 1 < pattern.size()) ++*at;
      break;
    default:
      break;
  }
  char wanted = pattern[(*at)++];
  return ignore_case ? Lower(wanted) == Lower(c) : wanted == c;
}

}  // namespace

std::optional<int64_t> ParseInteger(std::string_view text) {
  constexpr size_t kMaxDigits = 19;
  bool negative = !text.empty() && text[0] == '-';
  std::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.empty() || digits.size() > kMaxDigits) return std::nullopt;
  if (digits[0] == '0') {
    if (digits.size() == 1 && !negative) return 0;
    return std::nullopt;
  }
  uint64_t value = 0;  // 19 digits fit
  for (char c : digits) {
    unsigned digit = static_cast<unsigned char>(c) - unsigned{'0'};
    if (digit > 9) return std::nullopt;
    value = value * 10 + digit;
  }
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (value > kMax + (negative ? 1 : 0)) return std::nullopt;
  return static_cast<int64_t>(negative ? 0 - value : value);
}

std::optional<double> ParseDouble(std::string_view text) {
  if (text.empty() || IsSpace(text[0])) return std::nullopt;
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && !std::isnan(value)) return value;
  return ParseByLibrary<double>(std::string(text), strtod);
}

std::optional<long double> ParseLongDouble(std::string_view text) {
  if (text.empty() || IsSpace(text[0]) || text.size() >= kMaxLongDoubleText) return std::nullopt;
  return ParseByLibrary<long double>(std::string(text), strtold);
}

size_t FormatDouble(char* to, double value) {
  auto put = [to](std::string_view text) {
    memcpy(to, text.data(), text.size());
    return text.size();
  };
  if (std::isnan(value)) return put("nan");
  if (std::isinf(value)) return put(value < 0 ? "-inf" : "inf");
  if (value == 0) return put(std::signbit(value) ? "-0" : "0");
  constexpr double kSafeInteger = 4611686018427387904.0;  // 2^62
  if (std::abs(value) <= kSafeInteger) {
    auto integer = static_cast<int64_t>(value);
    if (static_cast<double>(integer) == value) {
      return static_cast<size_t>(std::to_chars(to, to + kMaxDoubleText, integer).ptr - to);
    }
  }
  size_t sign = 0;
  if (value < 0) to[sign++] = '-';
  // "d.ddde±xx": the shortest digits that read back equal; taken apart into digits and scale.
  char text[kMaxDoubleText];
  auto result =
      std::to_chars(text, text + sizeof(text), std::abs(value), std::chars_format::scientific);
  char digits[kMaxDoubleText];
  int count = 0;
  const char* at = text;
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits[count++] = *at;
  }
  ++at;
  if (*at == '+') ++at;
  int exponent = 0;
  std::from_chars(at, result.ptr, exponent);
  return sign + LayOutDigits(digits, count, exponent - (count - 1), to + sign);
}

std::string FormatDouble(double value) {
  char text[kMaxDoubleText];
  return std::string(text, FormatDouble(text, value));
}

std::string FormatHumanLongDouble(long double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char text[kMaxLongDoubleText];  // a long double has at most 4933 digits before the point
  int length = snprintf(text, sizeof(text), "%.17Lf", value);
  std::string_view shown(text, static_cast<size_t>(length));
  while (shown.back() == '0') shown.remove_suffix(1);  // stops at the point at the latest
  if (shown.back() == '.') shown.remove_suffix(1);
  if (shown == "-0") return "0";
  return std::string(shown);
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (Lower(a[i]) != Lower(b[i])) return false;
  }
  return true;
}

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = Lower(c);
  return lower;
}

// Only the last '*' met needs to be tried again further on: whatever an earlier one could still
// reach, the last one reaches too. So the work is at most pattern × text.
bool GlobMatch(std::string_view pattern, std::string_view text, bool ignore_case) {
  constexpr size_t kNone = std::string_view::npos;
  size_t p = 0, t = 0;
  size_t star = kNone;   // behind the last '*'
  size_t star_text = 0;  // where what follows that '*' was tried last
  int stars = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      while (p < pattern.size() && pattern[p] == '*') ++p;
      if (p == pattern.size()) return true;
      if (++stars > kMaxStars) return false;
      star = p;
      star_text = t;
      continue;
    }
    if (p < pattern.size() && MatchOne(pattern, &p, text[t], ignore_case)) {
      ++t;
      continue;
    }
    if (star == kNone) return false;
    p = star;
    t = ++star_text;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace understudy::protocol
