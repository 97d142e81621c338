// Numbers in the forms Redis accepts and prints. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace understudy::protocol {

// Redis' string2ll: an optional '-', no leading zeros, no spaces, no '+', within int64.
std::optional<int64_t> ParseInteger(std::string_view text);

// Redis' string2ld / getDoubleFromObject: the whole text is one decimal, hexadecimal, "inf",
// "+inf", "-inf", "infinity" number; NaN, leading spaces, an empty text are refused.
std::optional<double> ParseDouble(std::string_view text);
std::optional<long double> ParseLongDouble(std::string_view text);

// As Redis 7.2 prints a double in a reply: the shortest digits that read back equal; integers up to
// 2^62 in full, an exponent for the very small and very large ("3", "3.1", "1e+20", "1e-7", "-0",
// "inf", "-inf", "nan").
std::string FormatDouble(double value);
// The same, written at `to` (at least kMaxDoubleText bytes); returns the length.
inline constexpr size_t kMaxDoubleText = 32;
size_t FormatDouble(char* to, double value);

// As INCRBYFLOAT stores it: "%.17Lf" without trailing zeros and without "-0".
std::string FormatHumanLongDouble(long double value);

// ASCII, for names of commands and options.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);
std::string ToLower(std::string_view text);

// Redis' stringmatchlen: * ? [a-z^] and \x. `ignore_case` folds ASCII. Bounded work: no pattern
// costs exponential time, and one with more than kMaxStars '*' in different places, not counting
// one at the end, matches nothing, as in Redis.
inline constexpr int kMaxStars = 1000;
bool GlobMatch(std::string_view pattern, std::string_view text, bool ignore_case = false);

}  // namespace understudy::protocol
