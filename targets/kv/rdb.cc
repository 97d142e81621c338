#include "targets/kv/rdb.h"

#include <charconv>
#include <cstring>

#include "protocol/numbers.h"
#include "targets/kv/crc64.h"

namespace understudy::targets::kv {
namespace {

constexpr std::string_view kMagic = "REDIS";
constexpr size_t kVersionDigits = 4;

// The two high bits of a length's first byte.
constexpr int kSixBits = 0, kFourteenBits = 1, kLong = 2;  // 3: an encoded string
constexpr uint8_t kLength32 = 0x80, kLength64 = 0x81;
constexpr uint8_t kInt8 = 0, kInt16 = 1, kInt32 = 2, kLzf = 3;
constexpr uint8_t kEncodedFlag = 0xc0;

}  // namespace

// ---- writing ----

void RdbWriter::Integer(uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) Byte(static_cast<uint8_t>(value >> (8 * i)));
}

void RdbWriter::Length(uint64_t length) {
  const auto big_endian = [this, length](int bytes) {
    for (int i = bytes - 1; i >= 0; --i) Byte(static_cast<uint8_t>(length >> (8 * i)));
  };
  if (length < 1 << 6) {
    Byte(static_cast<uint8_t>(length));
  } else if (length < 1 << 14) {
    Byte(static_cast<uint8_t>(kFourteenBits << 6 | length >> 8));
    Byte(static_cast<uint8_t>(length));
  } else if (length <= UINT32_MAX) {
    Byte(kLength32);
    big_endian(4);
  } else {
    Byte(kLength64);
    big_endian(8);
  }
}

void RdbWriter::String(std::string_view text) {
  constexpr size_t kMaxInt32Text = 11;
  if (text.size() <= kMaxInt32Text) {
    const auto number = protocol::ParseInteger(text);
    if (number && *number >= INT32_MIN && *number <= INT32_MAX) {
      const int code = *number == static_cast<int8_t>(*number)    ? kInt8
                       : *number == static_cast<int16_t>(*number) ? kInt16
                                                                  : kInt32;
      Byte(static_cast<uint8_t>(kEncodedFlag | code));
      Integer(static_cast<uint64_t>(*number), 1 << code);
      return;
    }
  }
  Length(text.size());
  if (text.size() < kPieceBytes) {
    buffer_.append(text);
  } else {
    Flush();
    for (; ok_ && text.size() > kPieceBytes; text.remove_prefix(kPieceBytes)) {
      buffer_.append(text.substr(0, kPieceBytes));
      Flush();
    }
    buffer_.append(text);
  }
}

void RdbWriter::Header() {
  const std::string digits = std::to_string(kWrittenRdbVersion);
  buffer_.append(kMagic).append(kVersionDigits - digits.size(), '0').append(digits);
}

void RdbWriter::Aux(std::string_view name, std::string_view value) {
  Opcode(RdbOpcode::kAux);
  String(name);
  String(value);
  FlushIfFull();
}

void RdbWriter::SelectDb(uint64_t db) {
  Opcode(RdbOpcode::kSelectDb);
  Length(db);
}

void RdbWriter::ResizeDb(uint64_t keys, uint64_t expires) {
  Opcode(RdbOpcode::kResizeDb);
  Length(keys);
  Length(expires);
}

void RdbWriter::ExpiryMs(int64_t at_ms) {
  Opcode(RdbOpcode::kExpiryMs);
  Integer(static_cast<uint64_t>(at_ms), 8);
}

void RdbWriter::StringKey(std::string_view key, std::string_view value) {
  Byte(kRdbTypeString);
  String(key);
  String(value);
  FlushIfFull();
}

void RdbWriter::Raw(std::string_view bytes) {
  buffer_.append(bytes);
  FlushIfFull();
}

void RdbWriter::Checksum() {
  Flush();
  Integer(crc_, 8);
}

void RdbWriter::Eof() {
  Opcode(RdbOpcode::kEof);
  Checksum();
}

void RdbWriter::Flush() {
  if (checksum_) crc_ = Crc64(crc_, buffer_);
  given_ += buffer_.size();
  ok_ = ok_ && (buffer_.empty() || sink_(buffer_));
  buffer_.clear();
}

bool RdbWriter::Finish() {
  Flush();
  return ok_;
}

// ---- reading ----

void RdbReader::Fail(std::string_view why) {
  if (failed()) return;
  error_ = "RDB, offset " + std::to_string(position_) + ": ";
  error_.append(why);
}

std::string_view RdbReader::Bytes(uint64_t size) {
  if (failed()) return {};
  if (size > bytes_.size() - position_) {
    Fail("ends too early");
    return {};
  }
  const std::string_view taken = bytes_.substr(position_, size);
  position_ += size;
  return taken;
}

int RdbReader::Header() {
  if (Bytes(kMagic.size()) != kMagic) Fail("doesn't begin with \"REDIS\"");
  const std::string_view digits = Bytes(kVersionDigits);
  int version = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
  if (!failed() && (status != std::errc() || end != digits.data() + digits.size() || version < 1 ||
                    version > kNewestRdbVersion)) {
    Fail("a version that can't be read");
  }
  return failed() ? 0 : version;
}

uint8_t RdbReader::Byte() {
  const std::string_view byte = Bytes(1);
  return byte.empty() ? 0 : static_cast<uint8_t>(byte[0]);
}

uint64_t RdbReader::Integer(int bytes) {
  uint64_t value = 0;
  const std::string_view taken = Bytes(static_cast<uint64_t>(bytes));
  for (size_t i = 0; i < taken.size(); ++i) {
    value |= static_cast<uint64_t>(static_cast<uint8_t>(taken[i])) << (8 * i);
  }
  return value;
}

uint64_t RdbReader::BigEndian(int bytes) {
  uint64_t value = 0;
  for (char byte : Bytes(static_cast<uint64_t>(bytes))) {
    value = value << 8 | static_cast<uint8_t>(byte);
  }
  return value;
}

uint64_t RdbReader::LengthOrEncoding(bool* encoded) {
  *encoded = false;
  const uint8_t first = Byte();
  const uint8_t low = first & 0x3f;
  switch (first >> 6) {
    case kSixBits:
      return low;
    case kFourteenBits:
      return uint64_t{low} << 8 | Byte();
    case kLong:
      if (first == kLength32) return BigEndian(4);
      if (first == kLength64) return BigEndian(8);
      Fail("not a length");
      return 0;
    default:
      *encoded = true;
      return low;
  }
}

uint64_t RdbReader::Length() {
  bool encoded;
  const uint64_t length = LengthOrEncoding(&encoded);
  if (encoded) Fail("a string where a length is expected");
  return failed() ? 0 : length;
}

std::string_view RdbReader::String(std::string* scratch) {
  bool encoded;
  const uint64_t length = LengthOrEncoding(&encoded);
  if (failed()) return {};
  if (!encoded) return Bytes(length);
  if (length == kLzf) return CompressedString(scratch);
  if (length > kInt32) {
    Fail("an unknown encoding of a string");
    return {};
  }
  const uint64_t bits = Integer(1 << length);
  const int64_t number = length == kInt8    ? static_cast<int8_t>(bits)
                         : length == kInt16 ? static_cast<int16_t>(bits)
                                            : static_cast<int32_t>(bits);
  *scratch = std::to_string(number);
  return failed() ? std::string_view() : std::string_view(*scratch);
}

std::string_view RdbReader::CompressedString(std::string* scratch) {
  const uint64_t compressed_size = Length();
  const uint64_t size = Length();
  const std::string_view compressed = Bytes(compressed_size);
  if (failed()) return {};
  // Three bytes make 264 at most.
  constexpr uint64_t kMaxExpansion = 88;
  if (size / kMaxExpansion > compressed.size() || !DecompressLzf(compressed, size, scratch)) {
    Fail("a damaged compressed string");
    return {};
  }
  return *scratch;
}

void RdbReader::Checksum() {
  const uint64_t expected = Crc64(0, bytes_.substr(0, position_));
  const uint64_t found = Integer(8);
  if (!failed() && found != 0 && found != expected) Fail("the checksum doesn't match");
}

bool DecompressLzf(std::string_view compressed, size_t size, std::string* out) {
  out->clear();
  out->reserve(size);
  // control < 32: that many literals and one more follow; else a copy of (control >> 5) + 2 bytes
  // (7: plus the next byte) from (control & 31) << 8 | next byte, plus one, back.
  for (size_t at = 0; at < compressed.size();) {
    const auto byte = [&] { return static_cast<uint8_t>(compressed[at++]); };
    const size_t control = byte();
    if (control < 32) {
      const size_t count = control + 1;
      if (count > compressed.size() - at || count > size - out->size()) return false;
      out->append(compressed.substr(at, count));
      at += count;
      continue;
    }
    size_t count = (control >> 5) + 2;
    if (count == 7 + 2) {
      if (at == compressed.size()) return false;
      count += byte();
    }
    if (at == compressed.size()) return false;
    const size_t back = ((control & 31) << 8 | byte()) + 1;
    if (back > out->size() || count > size - out->size()) return false;
    // May overlap what it writes.
    for (size_t from = out->size() - back; count > 0; --count) out->push_back((*out)[from++]);
  }
  return out->size() == size;
}

}  // namespace understudy::targets::kv
