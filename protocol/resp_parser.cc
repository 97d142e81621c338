#include "protocol/resp_parser.h"

#include <algorithm>
#include <cstring>

#include "protocol/numbers.h"

namespace understudy::protocol {
namespace {

constexpr int64_t kUnauthenticatedArguments = 10;
constexpr int64_t kUnauthenticatedBulkBytes = 16384;
constexpr size_t kLeastArgumentBytes = 6;  // "$0\r\n\r\n"
// What a parser keeps between requests; a rare bigger request pays for its own memory.
constexpr size_t kKeptArguments = 1024;

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// What ends a word outside of quotes (fewer than IsSpace, as in Redis).
bool EndsWord(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\0'; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Reads the 1 to 9 digits of "<n>\r\n" at `at`, the first not 0 unless alone. The value, with `*at`
// behind the line, or -1 for anything else, an end too near included: the careful path decides.
inline int64_t TakeShortLine(const char** at, const char* end) {
  const char* p = *at;
  if (end - p < 3) return -1;
  unsigned first = static_cast<unsigned char>(*p) - unsigned{'0'};
  if (first > 9) return -1;
  int64_t value = first;
  ++p;
  if (*p != '\r') {
    if (first == 0) return -1;
    const char* last = std::min(end - 2, p + 8);
    for (; p < last && *p != '\r'; ++p) {
      unsigned digit = static_cast<unsigned char>(*p) - unsigned{'0'};
      if (digit > 9) return -1;
      value = value * 10 + digit;
    }
    if (*p != '\r') return -1;
  }
  if (p[1] != '\n') return -1;
  *at = p + 2;
  return value;
}

}  // namespace

RequestParser::Status RequestParser::Parse(std::string_view input, const ParseLimits& limits) {
  if (input.empty()) return NeedMore(1);
  if (!partial_) {
    if (args_.capacity() > 2 * kKeptArguments) GiveMemoryBack();
    if (ParseWhole(input, limits)) return Status::kRequest;
    partial_ = true;
    expected_ = bulk_size_ = -1;
    position_ = scanned_ = 0;
    pieces_.clear();
  }
  return input[0] == '*' ? ParseMultibulk(input, limits) : ParseInline(input, limits);
}

// The common case: the whole of an ordinary request is there. Looks at each byte of the headers
// once and keeps no progress; whatever is unusual, errors included, is left to ParseMultibulk().
bool RequestParser::ParseWhole(std::string_view input, const ParseLimits& limits) {
  if (input.empty() || input[0] != '*' || !limits.authenticated) return false;
  const char* at = input.data() + 1;
  const char* end = input.data() + input.size();
  int64_t count = TakeShortLine(&at, end);
  if (count <= 0 || count > limits.max_arguments || static_cast<size_t>(count) > kKeptArguments ||
      static_cast<size_t>(count) > static_cast<size_t>(end - at) / kLeastArgumentBytes) {
    return false;
  }
  args_.resize(static_cast<size_t>(count));
  for (std::string_view& arg : args_) {
    if (at == end || *at != '$') return false;
    ++at;
    int64_t size = TakeShortLine(&at, end);
    if (size < 0 || size > end - at - 2 || static_cast<size_t>(size) > limits.max_bulk_bytes) {
      return false;
    }
    arg = std::string_view(at, static_cast<size_t>(size));
    at += size + 2;  // like Redis, doesn't ask what the two bytes behind an argument are
  }
  consumed_ = static_cast<size_t>(at - input.data());
  return true;
}

// The general case; remembers how far it got.
RequestParser::Status RequestParser::ParseMultibulk(std::string_view input,
                                                    const ParseLimits& limits) {
  if (expected_ < 0) {
    Status status = ReadCount(input, limits);
    if (status != Status::kRequest) return status;
  }
  auto expected = static_cast<size_t>(expected_);
  while (pieces_.size() < expected) {
    if (bulk_size_ < 0) {
      Status status = ReadBulkSize(input, limits);
      if (status != Status::kRequest) return status;
    }
    size_t wanted = static_cast<size_t>(bulk_size_) + 2;
    size_t there = input.size() - position_;
    if (there < wanted) return NeedMore(wanted - there);
    pieces_.push_back({position_, wanted - 2});
    position_ += wanted;
    bulk_size_ = -1;
  }
  args_.clear();
  args_.reserve(expected);
  for (const Piece& piece : pieces_) args_.push_back(input.substr(piece.offset, piece.size));
  return Deliver(position_);
}

// Reads "*<n>\r\n". kRequest: done.
RequestParser::Status RequestParser::ReadCount(std::string_view input, const ParseLimits& limits) {
  size_t line_end = 0;
  Status status =
      FindLineEnd(input, '\r', limits.max_inline_bytes, "too big mbulk count string", &line_end);
  if (status != Status::kRequest) return status;
  if (line_end + 1 == input.size()) return NeedMore(1);
  std::optional<int64_t> count = ParseInteger(input.substr(1, line_end - 1));
  if (!count || *count > limits.max_arguments) return Fail("invalid multibulk length");
  if (*count > kUnauthenticatedArguments && !limits.authenticated) {
    return Fail("unauthenticated multibulk length");
  }
  expected_ = std::max<int64_t>(*count, 0);
  position_ = scanned_ = line_end + 2;
  return Status::kRequest;
}

// Reads "$<n>\r\n" at position_. kRequest: done.
RequestParser::Status RequestParser::ReadBulkSize(std::string_view input,
                                                  const ParseLimits& limits) {
  if (position_ == input.size()) return NeedMore(kLeastArgumentBytes);
  if (input[position_] != '$') {
    return Fail(std::string("expected '$', got '") + input[position_] + "'");
  }
  size_t line_end = 0;
  Status status =
      FindLineEnd(input, '\r', limits.max_inline_bytes, "too big bulk count string", &line_end);
  if (status != Status::kRequest) return status;
  if (line_end + 1 == input.size()) return NeedMore(1);
  std::optional<int64_t> size = ParseInteger(input.substr(position_ + 1, line_end - position_ - 1));
  if (!size || *size < 0 || static_cast<uint64_t>(*size) > limits.max_bulk_bytes) {
    return Fail("invalid bulk length");
  }
  if (*size > kUnauthenticatedBulkBytes && !limits.authenticated) {
    return Fail("unauthenticated bulk length");
  }
  bulk_size_ = *size;
  position_ = scanned_ = line_end + 2;
  return Status::kRequest;
}

// Finds `end` in the line that begins at position_, at most `limit` bytes behind its beginning.
RequestParser::Status RequestParser::FindLineEnd(std::string_view input, char end, size_t limit,
                                                 const char* too_big, size_t* at) {
  size_t stop = input.size() - position_ > limit ? position_ + limit + 1 : input.size();
  scanned_ = std::max(scanned_, position_);
  if (scanned_ < stop) {
    const void* found = memchr(input.data() + scanned_, end, stop - scanned_);
    if (found != nullptr) {
      *at = static_cast<size_t>(static_cast<const char*>(found) - input.data());
      scanned_ = *at;
      return Status::kRequest;
    }
    scanned_ = stop;
  }
  if (stop - position_ > limit) return Fail(too_big);
  return NeedMore(0);
}

RequestParser::Status RequestParser::ParseInline(std::string_view input,
                                                 const ParseLimits& limits) {
  size_t line_end = 0;
  Status status =
      FindLineEnd(input, '\n', limits.max_inline_bytes, "too big inline request", &line_end);
  if (status != Status::kRequest) return status;
  std::string_view line = input.substr(0, line_end);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (!SplitLine(line)) return Fail("unbalanced quotes in request");
  return Deliver(line_end + 1);
}

// Splits an inline command into args_. False: a quote isn't closed, or something follows a closing
// one. Redis works on a C string here, so a zero byte ends the line.
bool RequestParser::SplitLine(std::string_view line) {
  args_.clear();
  unquoted_.clear();
  line = line.substr(0, line.find('\0'));
  for (size_t at = 0;;) {
    while (at < line.size() && IsSpace(line[at])) ++at;
    if (at == line.size()) return true;
    size_t begin = at;
    while (at < line.size() && !EndsWord(line[at]) && line[at] != '"' && line[at] != '\'') ++at;
    if (at == line.size() || EndsWord(line[at])) {
      args_.push_back(line.substr(begin, at - begin));
      continue;
    }
    // What quotes leave is never longer than what they hold: one reservation and the text stays
    // where it is for the views.
    unquoted_.reserve(line.size());
    size_t start = unquoted_.size();
    unquoted_.append(line, begin, at - begin);
    while (at < line.size() && !EndsWord(line[at])) {
      if (line[at] == '"' || line[at] == '\'') {
        if (!Unquote(line, &at)) return false;
        break;  // a space or the end follows
      }
      unquoted_.push_back(line[at++]);
    }
    args_.push_back(std::string_view(unquoted_).substr(start));
  }
}

// Appends the quoted text that begins at `*at` to unquoted_ and moves behind it. Double quotes know
// \n \r \t \b \a \xHH and \c for any other c; single quotes only \'.
bool RequestParser::Unquote(std::string_view line, size_t* at) {
  char quote = line[*at];
  size_t p = *at + 1;
  for (; p < line.size() && line[p] != quote; ++p) {
    char c = line[p];
    bool escaped = c == '\\' && p + 1 < line.size() && (quote == '"' || line[p + 1] == '\'');
    if (!escaped) {
      unquoted_.push_back(c);
      continue;
    }
    c = line[++p];
    if (quote == '"') {
      int high = p + 2 < line.size() ? HexDigit(line[p + 1]) : -1;
      int low = p + 2 < line.size() ? HexDigit(line[p + 2]) : -1;
      if (c == 'x' && high >= 0 && low >= 0) {
        c = static_cast<char>(high * 16 + low);
        p += 2;
      } else {
        constexpr std::string_view kNames = "nrtba", kValues = "\n\r\t\b\a";
        size_t known = kNames.find(c);
        if (known != std::string_view::npos) c = kValues[known];
      }
    }
    unquoted_.push_back(c);
  }
  if (p == line.size()) return false;
  *at = p + 1;
  return *at == line.size() || IsSpace(line[*at]);
}

RequestParser::Status RequestParser::Deliver(size_t consumed) {
  partial_ = false;
  consumed_ = consumed;
  return Status::kRequest;
}

RequestParser::Status RequestParser::NeedMore(size_t missing) {
  missing_ = missing;
  return Status::kNeedMore;
}

RequestParser::Status RequestParser::Fail(std::string_view why) {
  error_ = "Protocol error: ";
  error_ += why;
  return Status::kError;
}

void RequestParser::GiveMemoryBack() {
  std::vector<std::string_view>().swap(args_);
  std::vector<Piece>().swap(pieces_);
}

}  // namespace understudy::protocol
