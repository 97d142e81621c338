#include "targets/kv/stream_id.h"

#include "protocol/numbers.h"

namespace understudy::targets::kv {
namespace {

constexpr size_t kMaxParsed = 127;  // Redis reads no longer ones

size_t FormatUnsigned(char* to, uint64_t value) {
  char digits[20];
  size_t size = 0;
  do {
    digits[size++] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value > 0);
  for (size_t i = 0; i < size; ++i) to[i] = digits[size - 1 - i];
  return size;
}

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// As string2ll() and, if that refuses, strtoull() do.
bool ParseUnsigned(std::string_view text, uint64_t* value) {
  if (const auto integer = protocol::ParseInteger(text)) {
    *value = static_cast<uint64_t>(*integer);
    return *integer >= 0;
  }
  while (!text.empty() && IsSpace(text[0])) text.remove_prefix(1);
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.empty()) return false;
  uint64_t number = 0;
  for (char c : text) {
    if (c < '0' || c > '9' || __builtin_mul_overflow(number, 10, &number) ||
        __builtin_add_overflow(number, static_cast<uint64_t>(c - '0'), &number)) {
      return false;
    }
  }
  *value = negative ? ~number + 1 : number;
  return true;
}

}  // namespace

bool StreamId::Increment() {
  if (*this == Greatest()) return false;
  if (++sequence == 0) ++ms;
  return true;
}

bool StreamId::Decrement() {
  if (IsZero()) return false;
  if (sequence-- == 0) --ms;
  return true;
}

size_t StreamId::Format(char* to) const {
  size_t size = FormatUnsigned(to, ms);
  to[size++] = '-';
  return size + FormatUnsigned(to + size, sequence);
}

std::string StreamId::Text() const {
  char text[kMaxText];
  return std::string(text, Format(text));
}

bool StreamId::Parse(std::string_view text, uint64_t missing, StreamId* id, bool* sequence_given) {
  if (text.size() > kMaxParsed) return false;
  const size_t dash = text.find('-');
  StreamId parsed{0, missing};
  if (!ParseUnsigned(text.substr(0, dash), &parsed.ms)) return false;
  if (sequence_given != nullptr) *sequence_given = true;
  if (dash != std::string_view::npos) {
    const std::string_view rest = text.substr(dash + 1);
    if (sequence_given != nullptr && rest == "*") {
      parsed.sequence = 0;
      *sequence_given = false;
    } else if (!ParseUnsigned(rest, &parsed.sequence)) {
      return false;
    }
  }
  *id = parsed;
  return true;
}

bool StreamId::ParseBound(std::string_view text, uint64_t missing, StreamId* id) {
  if (text == "-") {
    *id = {};
  } else if (text == "+") {
    *id = Greatest();
  } else {
    return Parse(text, missing, id);
  }
  return true;
}

}  // namespace understudy::targets::kv
