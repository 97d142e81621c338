#include "protocol/reply_writer.h"

#include <bit>
#include <charconv>
#include <cstring>

#include "protocol/numbers.h"

namespace understudy::protocol {
namespace {

constexpr size_t kMaxHeader = kMaxIntegerText + 3;  // type, digits, CRLF

// Writes "<type><number>\r\n" at `to` (kMaxHeader bytes); returns its length.
inline size_t PutHeader(char* to, char type, int64_t number) {
  // Up to five digits the text is put together in a register and stored at once: appending bytes
  // that were stored one by one makes the processor wait for all of them to reach the cache.
  if (std::endian::native == std::endian::little && number >= 0 && number <= 99999) {
    auto rest = static_cast<unsigned>(number);
    uint64_t text = '\r' | '\n' << 8;
    size_t length = 3;
    do {
      text = text << 8 | ('0' + rest % 10);
      rest /= 10;
      ++length;
    } while (rest > 0);
    text = text << 8 | static_cast<unsigned char>(type);
    memcpy(to, &text, sizeof(text));
    return length;
  }
  *to = type;
  size_t length = 1 + FormatInteger(to + 1, number);
  to[length] = '\r';
  to[length + 1] = '\n';
  return length + 2;
}

}  // namespace

size_t FormatInteger(char* to, int64_t value) {
  return static_cast<size_t>(std::to_chars(to, to + kMaxIntegerText, value).ptr - to);
}

void ReplyWriter::Header(char type, int64_t count) {
  char text[kMaxHeader];
  out_->append(text, PutHeader(text, type, count));
}

void ReplyWriter::Line(char type, std::string_view text) {
  out_->push_back(type);
  out_->append(text);
  out_->append("\r\n", 2);
}

void ReplyWriter::Error(std::string_view text) {
  size_t begin = out_->size() + 1;
  Line('-', text);
  size_t end = begin + text.size();
  for (size_t i = begin; i < end; ++i) {
    char& c = (*out_)[i];
    if (c == '\r' || c == '\n') c = ' ';
  }
}

void ReplyWriter::Bulk(std::string_view value) {
  Header('$', static_cast<int64_t>(value.size()));
  out_->append(value);
  out_->append("\r\n", 2);
}

void ReplyWriter::BulkInteger(int64_t value) {
  char text[kMaxIntegerText];
  Bulk(std::string_view(text, FormatInteger(text, value)));
}

void ReplyWriter::Double(double value) {
  char text[kMaxDoubleText];
  std::string_view shown(text, FormatDouble(text, value));
  if (resp_ >= 3) {
    Line(',', shown);
  } else {
    Bulk(shown);
  }
}

void ReplyWriter::Bool(bool value) {
  if (resp_ >= 3) {
    out_->append(value ? "#t\r\n" : "#f\r\n", 4);
  } else {
    Integer(value ? 1 : 0);
  }
}

void ReplyWriter::BigNumber(std::string_view digits) {
  if (resp_ >= 3) {
    Line('(', digits);
  } else {
    Bulk(digits);
  }
}

void ReplyWriter::Verbatim(std::string_view format3, std::string_view text) {
  if (resp_ < 3) {
    Bulk(text);
    return;
  }
  Header('=', static_cast<int64_t>(format3.size() + 1 + text.size()));
  out_->append(format3);
  out_->push_back(':');
  out_->append(text);
  out_->append("\r\n", 2);
}

void ReplyWriter::Map(size_t pairs) { FinishMap(out_->size(), pairs); }
void ReplyWriter::Set(size_t count) { FinishSet(out_->size(), count); }

void ReplyWriter::Push(size_t count) {
  Header(resp_ >= 3 ? '>' : '*', static_cast<int64_t>(count));
}

void ReplyWriter::Attribute(size_t pairs) { Header('|', static_cast<int64_t>(pairs)); }

void ReplyWriter::FinishArray(size_t place, size_t count) { FinishHeader('*', place, count); }

void ReplyWriter::FinishMap(size_t place, size_t pairs) {
  if (resp_ >= 3) {
    FinishHeader('%', place, pairs);
  } else {
    FinishHeader('*', place, 2 * pairs);
  }
}

void ReplyWriter::FinishSet(size_t place, size_t count) {
  FinishHeader(resp_ >= 3 ? '~' : '*', place, count);
}

void ReplyWriter::FinishHeader(char type, size_t place, size_t count) {
  char text[kMaxHeader];
  out_->insert(place, text, PutHeader(text, type, static_cast<int64_t>(count)));
}

}  // namespace understudy::protocol
