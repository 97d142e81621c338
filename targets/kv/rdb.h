// Primitives of RDB files, which redis-server loads. Files up to version 11 (Redis 7.2) are read,
// and 11 is written: Redis from 7.2 on loads it.
//
//   file    := "REDIS" version:4 digits  part*  FF crc64:8, little-endian, of all before it
//   part    := FA string string                aux: name, value
//            | FE length                       the keys that follow are in this database
//            | FB length length                how many keys it has, how many with expiry (a hint)
//            | F5 string                       a library of functions: refused, as F6 and F7
//            | F7 ...                          what a module keeps
//            | [FC ms:8 | FD seconds:4] [F8 idle:length | F9 frequency:1] type:1 key:string value
//   length  := 00xxxxxx | 01xxxxxx x:8 | 10000000 x:32 | 10000001 x:64     big-endian
//   string  := length bytes
//            | C0 x:8 | C1 x:16 | C2 x:32      the decimal digits of a little-endian integer
//            | C3 length length bytes          LZF: compressed and original size, compressed bytes
//   value   := string                          of type 0; the others are in rdb_values.h
//
// Lengths, strings and expiries are little-endian but where it says otherwise. Strings that are
// small integers are written as such; LZF is read but not written.
// Source: rdb.h and rdb.c of Redis 7.2; https://rdb.fnordig.de/file_format.html
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "targets/machine.h"

namespace understudy::targets::kv {

inline constexpr int kNewestRdbVersion = 11;
inline constexpr int kWrittenRdbVersion = 11;

enum class RdbOpcode : uint8_t {
  kFunction = 0xf5,
  kOldFunction = 0xf6,
  kModuleAux = 0xf7,
  kIdle = 0xf8,
  kFrequency = 0xf9,
  kAux = 0xfa,
  kResizeDb = 0xfb,
  kExpiryMs = 0xfc,
  kExpirySeconds = 0xfd,
  kSelectDb = 0xfe,
  kEof = 0xff,
};
inline constexpr uint8_t kRdbTypeString = 0;

// Writes a file, or a part of one, to a sink in pieces of about kPieceBytes. Once the sink has
// refused, nothing more is given to it.
class RdbWriter {
 public:
  // `sink` must outlive the writer. `checksum` false: a part of a file, without Eof().
  explicit RdbWriter(const SnapshotSink& sink, bool checksum = true)
      : sink_(sink), checksum_(checksum) {}

  void Header();
  void Aux(std::string_view name, std::string_view value);
  void SelectDb(uint64_t db);
  void ResizeDb(uint64_t keys, uint64_t expires);
  void ExpiryMs(int64_t at_ms);  // of the key that follows
  void StringKey(std::string_view key, std::string_view value);
  // What the grammar above calls so.
  void Byte(uint8_t byte) { buffer_.push_back(static_cast<char>(byte)); }
  void Integer(uint64_t value, int bytes);  // little-endian
  void Length(uint64_t length);
  void String(std::string_view text);
  // To be called now and then between them: gives what has been written to the sink if it is much.
  void FlushIfFull() {
    if (buffer_.size() >= kPieceBytes) Flush();
  }
  // Parts that are already encoded (of another writer).
  void Raw(std::string_view bytes);
  void Checksum();  // of everything written
  void Eof();       // the end of a file, with the checksum

  // Gives what is left to the sink. False if the sink refused. To be called last, and before that
  // whenever all that was written is wanted.
  bool Finish();
  bool ok() const { return ok_; }
  size_t buffered_bytes() const { return buffer_.size(); }
  uint64_t written_bytes() const { return given_ + buffer_.size(); }

 private:
  static constexpr size_t kPieceBytes = 64 << 10;
  void Opcode(RdbOpcode opcode) { Byte(static_cast<uint8_t>(opcode)); }
  void Flush();

  const SnapshotSink& sink_;
  const bool checksum_;
  std::string buffer_;
  uint64_t given_ = 0;  // bytes that left the buffer
  uint64_t crc_ = 0;
  bool ok_ = true;
};

// Reads from bytes that nobody has checked. The first problem is latched: everything read after it
// is empty. Allocates nothing but strings bounded by a small multiple of the bytes that are there.
class RdbReader {
 public:
  explicit RdbReader(std::string_view bytes) : bytes_(bytes) {}

  bool AtEnd() const { return failed() || position_ == bytes_.size(); }
  size_t position() const { return position_; }
  std::string_view rest() const { return bytes_.substr(position_); }

  // Each fails if the bytes don't hold such a thing.
  int Header();  // returns the version: 1 .. kNewestRdbVersion
  uint8_t Byte();
  uint64_t Integer(int bytes);  // little-endian
  uint64_t Length();
  // Valid until the next String() with the same `scratch`.
  std::string_view String(std::string* scratch);
  void Skip(uint64_t bytes) { Bytes(bytes); }
  // The end: the eight bytes behind kEof must be the checksum of all before them, or zero.
  void Checksum();

  void Fail(std::string_view why);
  bool failed() const { return !error_.empty(); }
  // Says what, and at which offset.
  const std::string& error() const { return error_; }

 private:
  // A length, or, with *encoded set, the number of a special encoding.
  uint64_t LengthOrEncoding(bool* encoded);
  uint64_t BigEndian(int bytes);
  std::string_view Bytes(uint64_t size);
  std::string_view CompressedString(std::string* scratch);

  std::string_view bytes_;
  size_t position_ = 0;
  std::string error_;
};

// Decompresses LZF; false unless it makes exactly `size` bytes.
bool DecompressLzf(std::string_view compressed, size_t size, std::string* out);

}  // namespace understudy::targets::kv
