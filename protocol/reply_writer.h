// Writes replies in RESP2 or RESP3 to the end of a string.
// Source: https://redis.io/docs/latest/develop/reference/protocol-spec/
//
// A writer is two words, made on the stack where it is needed; the string belongs to the caller.
// Types that RESP2 lacks are written as Redis writes them there (map: flat array, double: bulk,
// null: "$-1", boolean: integer, verbatim: bulk, set and push: array).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace understudy::protocol {

class ReplyWriter {
 public:
  // `resp`: 2 or 3. `out` must outlive the writer.
  ReplyWriter(std::string* out, int resp) : out_(out), resp_(resp) {}

  int resp() const { return resp_; }
  std::string* out() const { return out_; }

  void Ok() { out_->append("+OK\r\n", 5); }
  void Simple(std::string_view text) { Line('+', text); }  // text must have no CR or LF
  void Error(std::string_view text);             // "-text"; CR and LF become spaces
  void Integer(int64_t value) { Header(':', value); }
  void Bulk(std::string_view value);
  void BulkInteger(int64_t value);               // the decimal digits as a bulk string
  void Double(double value);                     // RESP2: bulk of the shortest exact form
  void Bool(bool value);
  void BigNumber(std::string_view digits);
  void Verbatim(std::string_view format3, std::string_view text);  // format3: "txt" or "mkd"
  void Null() {                                  // RESP2 "$-1", RESP3 "_"
    Raw(resp_ >= 3 ? std::string_view("_\r\n") : std::string_view("$-1\r\n"));
  }
  void NullArray() {                             // RESP2 "*-1", RESP3 "_"
    Raw(resp_ >= 3 ? std::string_view("_\r\n") : std::string_view("*-1\r\n"));
  }
  void Array(size_t count) { Header('*', static_cast<int64_t>(count)); }
  void Map(size_t pairs);
  void Set(size_t count);
  void Push(size_t count);
  void Attribute(size_t pairs);                  // RESP3 only: a RESP2 client must not get one
  void Raw(std::string_view bytes) { out_->append(bytes); }  // already encoded

  // For a header whose count is known only later: DeferHeader() marks the place, and
  // FinishArray/Map/Set write the header there (moves what was written since).
  size_t DeferHeader() const { return out_->size(); }
  void FinishArray(size_t place, size_t count);
  void FinishMap(size_t place, size_t pairs);
  void FinishSet(size_t place, size_t count);

 private:
  void Header(char type, int64_t count);
  void Line(char type, std::string_view text);
  void FinishHeader(char type, size_t place, size_t count);

  std::string* out_;
  int resp_;
};

// Writes `value` at `to` (at least kMaxIntegerText bytes) in decimal; returns its length.
inline constexpr size_t kMaxIntegerText = 20;
size_t FormatInteger(char* to, int64_t value);

// Redis' words for what goes wrong everywhere. Text as given to ReplyWriter::Error().
inline constexpr std::string_view kSyntaxError = "ERR syntax error";
inline constexpr std::string_view kWrongTypeError =
    "WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr std::string_view kNotIntegerError = "ERR value is not an integer or out of range";
inline constexpr std::string_view kNotFloatError = "ERR value is not a valid float";
inline constexpr std::string_view kNoSuchKeyError = "ERR no such key";
inline constexpr std::string_view kOutOfRangeError = "ERR index out of range";

}  // namespace understudy::protocol
