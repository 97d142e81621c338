// Requests as clients send them: RESP arrays of bulk strings, and inline commands.
// Source: https://redis.io/docs/latest/develop/reference/protocol-spec/
//
// The parser works in place: it owns no bytes of a RESP request, its arguments are views into the
// caller's read buffer. One parser a connection; not thread-safe.
//
// Invariants:
//  1. Parse() never looks at a byte of a half-received request twice for anything but a bounded
//     prefix: progress is kept as offsets, so the buffer may move between calls.
//  2. A request is delivered whole or not at all.
//  3. After kError the connection is beyond repair; the caller sends the error and closes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace understudy::protocol {

// Redis' limits; the words of the errors are Redis' too.
struct ParseLimits {
  size_t max_bulk_bytes = 512ull << 20;    // proto-max-bulk-len
  int64_t max_arguments = 2147483647;      // of a multibulk
  size_t max_inline_bytes = 64 << 10;      // also of a "*<n>" or "$<n>" line
  bool authenticated = true;               // before AUTH: 10 arguments of at most 16384 bytes
};

class RequestParser {
 public:
  enum class Status { kRequest, kNeedMore, kError };

  // Parses one request at the front of `input`.
  //  kRequest   args() is the request; consumed() bytes of input belong to it. An empty request
  //             ("*0\r\n", an empty line) has no arguments and is to be skipped.
  //  kNeedMore  nothing is consumed. Call again with the same bytes, and more behind them.
  //  kError     error() says why, without "-ERR " and CRLF: "Protocol error: ...".
  Status Parse(std::string_view input, const ParseLimits& limits);

  // Like Parse(), for a caller who looks ahead: true if the whole of an ordinary request (an array of
  // at least one and few bulk strings) is at the front of `input`, else false; nothing is remembered
  // then. Not between a kNeedMore and the rest of that request.
  bool ParseWhole(std::string_view input, const ParseLimits& limits);

  // Valid until the next Parse(), or until the bytes of `input` move. Arguments of an inline
  // command that needed unquoting are views into the parser.
  std::span<const std::string_view> args() const { return args_; }
  size_t consumed() const { return consumed_; }
  const std::string& error() const { return error_; }

  // A request was begun and isn't complete.
  bool partial() const { return partial_; }

  // After kNeedMore: how many bytes are known to be missing at least (0: unknown). A reader that
  // makes that much room avoids growing its buffer again and again for a big value.
  size_t missing() const { return missing_; }

 private:
  struct Piece {
    size_t offset, size;
  };
  Status ParseMultibulk(std::string_view input, const ParseLimits& limits);
  Status ReadCount(std::string_view input, const ParseLimits& limits);
  Status ReadBulkSize(std::string_view input, const ParseLimits& limits);
  Status FindLineEnd(std::string_view input, char end, size_t limit, const char* too_big,
                     size_t* at);
  Status ParseInline(std::string_view input, const ParseLimits& limits);
  bool SplitLine(std::string_view line);
  bool Unquote(std::string_view line, size_t* at);
  Status Deliver(size_t consumed);
  Status NeedMore(size_t missing);
  Status Fail(std::string_view why);
  void GiveMemoryBack();

  std::vector<std::string_view> args_;
  size_t consumed_ = 0;
  size_t missing_ = 0;
  std::string error_;
  // Progress in a half-received request.
  bool partial_ = false;
  std::vector<Piece> pieces_;    // arguments complete so far, as offsets into input
  int64_t expected_ = -1;        // arguments announced; -1: header not read yet
  int64_t bulk_size_ = -1;       // size announced of the argument being read; -1: not read yet
  size_t position_ = 0;          // first offset not parsed yet
  size_t scanned_ = 0;           // the line at position_ doesn't end before this offset
  std::string unquoted_;         // arguments of an inline command that had quotes
};

}  // namespace understudy::protocol
