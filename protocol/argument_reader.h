// A cursor over a command's arguments that latches the first error; check it once at the end.
//
//   ArgumentReader in(args, 2);
//   int64_t count = in.Integer();
//   bool with = in.Keyword("WITHVALUES");
//   in.ExpectEnd();
//   if (in.failed()) return reply.Error(in.error());
//
// Owns nothing; the arguments must outlive it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace understudy::protocol {

class ArgumentReader {
 public:
  explicit ArgumentReader(std::span<const std::string_view> args, size_t first = 1)
      : args_(args), next_(first) {}

  bool AtEnd() const { return failed() || next_ >= args_.size(); }
  size_t remaining() const { return next_ < args_.size() ? args_.size() - next_ : 0; }
  size_t position() const { return next_; }

  // Each takes one argument; at the end it latches a syntax error and returns an empty value.
  std::string_view Text();
  // `error`: the text latched when the argument isn't such a number.
  int64_t Integer(std::string_view error = "ERR value is not an integer or out of range");
  double Double(std::string_view error = "ERR value is not a valid float");

  std::string_view Peek() const;              // the next argument, empty at the end
  bool Keyword(std::string_view name);        // takes the next argument if it is this word
  // As Keyword, and at least `following` more arguments must be there, else it isn't taken (as
  // Redis does, which then says "syntax error").
  bool Option(std::string_view name, size_t following);

  void ExpectEnd();                           // latches a syntax error if anything is left
  void Fail(std::string_view error);          // latches `error` unless there is one
  void SyntaxError() { Fail("ERR syntax error"); }
  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }

 private:
  std::span<const std::string_view> args_;
  size_t next_;
  std::string error_;
};

}  // namespace understudy::protocol
