// An element of a list, set, sorted set or hash: bytes, or an integer that stands for its digits.
//
// Compact forms keep texts that are integers as numbers. An Element made of a text is an integer
// exactly if the text is what printing the integer gives ("12", "-3"; not "012", "+3", "-0"), so
// equal elements have equal texts and the other way round. It owns nothing.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "protocol/numbers.h"
#include "protocol/reply_writer.h"

namespace understudy::targets::kv {

class Element {
 public:
  // Room for the digits of an integer.
  struct Digits {
    char text[protocol::kMaxIntegerText + 4];
  };

  Element() : Element(int64_t{0}) {}
  explicit Element(int64_t integer) : text_(nullptr), integer_(integer) {}
  // An integer if the text is one's.
  explicit Element(std::string_view text) : text_(text.data()), integer_(0) {
    size_ = text.size();
    if (MayBeInteger(text)) {
      if (const auto integer = protocol::ParseInteger(text)) *this = Element(*integer);
    } else if (text_ == nullptr) {
      text_ = "";
    }
  }
  // Bytes as they are.
  static Element OfBytes(const char* bytes, size_t size) {
    Element element;
    element.text_ = bytes;
    element.size_ = size;
    return element;
  }

  // The same element; an integer, if made by OfBytes() from the text of one.
  Element Parsed() const { return IsInteger() ? *this : Element(bytes()); }

  bool IsInteger() const { return text_ == nullptr; }
  int64_t integer() const { return integer_; }               // REQUIRES: IsInteger()
  std::string_view bytes() const { return {text_, size_}; }  // REQUIRES: !IsInteger()
  std::string_view Text(Digits* digits) const {
    if (!IsInteger()) return bytes();
    return {digits->text, protocol::FormatInteger(digits->text, integer_)};
  }
  size_t TextSize() const {
    Digits digits;
    return Text(&digits).size();
  }
  void Reply(protocol::ReplyWriter* reply) const {
    IsInteger() ? reply->BulkInteger(integer_) : reply->Bulk(bytes());
  }

  // Quickly rules most texts out.
  static bool MayBeInteger(std::string_view text) {
    return text.size() - 1 < protocol::kMaxIntegerText &&
           (static_cast<unsigned char>(text[0] - '0') < 10 || text[0] == '-');
  }

 private:
  const char* text_;  // nullptr: an integer
  union {
    int64_t integer_;
    size_t size_;
  };
};

}  // namespace understudy::targets::kv
