#include "protocol/argument_reader.h"

#include "protocol/numbers.h"

namespace understudy::protocol {

std::string_view ArgumentReader::Text() {
  if (failed()) return {};
  if (next_ >= args_.size()) {
    SyntaxError();
    return {};
  }
  return args_[next_++];
}

int64_t ArgumentReader::Integer(std::string_view error) {
  std::string_view text = Text();
  if (failed()) return 0;
  std::optional<int64_t> value = ParseInteger(text);
  if (!value) Fail(error);
  return value.value_or(0);
}

double ArgumentReader::Double(std::string_view error) {
  std::string_view text = Text();
  if (failed()) return 0;
  std::optional<double> value = ParseDouble(text);
  if (!value) Fail(error);
  return value.value_or(0);
}

std::string_view ArgumentReader::Peek() const {
  return AtEnd() ? std::string_view() : args_[next_];
}

bool ArgumentReader::Keyword(std::string_view name) { return Option(name, 0); }

bool ArgumentReader::Option(std::string_view name, size_t following) {
  if (AtEnd() || remaining() <= following || !EqualsIgnoreCase(args_[next_], name)) return false;
  ++next_;
  return true;
}

void ArgumentReader::ExpectEnd() {
  if (!AtEnd()) SyntaxError();
}

void ArgumentReader::Fail(std::string_view error) {
  if (!failed()) error_ = error;
}

}  // namespace understudy::protocol
