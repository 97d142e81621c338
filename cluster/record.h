// One log entry as bytes: the same bytes in memory, on the wire between members, and in the log
// file, so that an entry is encoded and its checksum computed once, at the global.
//
//   record := size:u32le crc:u32le body        size: of body; crc: CRC-32C of body
//   body   := cluster:varint term:varint index:varint time_ms:varint type:u8 payload
//
// Varints are unsigned LEB128 of at most 64 bits. Records of one batch follow each other without
// gaps.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cluster/types.h"

namespace understudy::cluster {

enum class EntryType : uint8_t {
  kEmpty = 0,          // first entry of a term
  kNormal = 1,         // payload opaque to the cluster layer
  kConfiguration = 2,  // payload: Configuration::Encode()
};

struct EntryView {
  uint64_t cluster = 0;
  Term term = 0;
  Index index = 0;
  int64_t time_ms = 0;  // the global's time when it was proposed
  EntryType type = EntryType::kNormal;
  std::string_view payload;  // into the record
};

inline constexpr size_t kRecordHeaderBytes = 8;
inline constexpr size_t kMaxRecordBytes = 1ull << 30;  // body; a bigger one is refused
inline constexpr size_t kMaxRecordHeadBytes = kRecordHeaderBytes + 4 * 10 + 1;  // before a payload
// Who makes entries refuses bigger ones first.
inline constexpr size_t kMaxPayloadBytes = kMaxRecordBytes - kMaxRecordHeadBytes;

// CRC-32C (Castagnoli), RFC 3720 appendix B.4; by SSE 4.2 instructions where the CPU has them.
// `seed`: the CRC of the bytes before these, to continue it.
uint32_t Crc32c(std::string_view bytes, uint32_t seed = 0);
uint32_t Crc32cPortable(std::string_view bytes, uint32_t seed = 0);  // the same, on any CPU

// REQUIRES: entry.payload.size() <= kMaxPayloadBytes, entry.time_ms >= 0.
void AppendRecord(std::string* out, const EntryView& entry);
// Everything of the record but the payload, which must follow it. Writes at most
// kMaxRecordHeadBytes at `to`; returns how many.
size_t EncodeRecordHead(char* to, const EntryView& entry);

enum class RecordStatus { kOk, kIncomplete, kCorrupt };
// Decodes the record at the front of `bytes`; `record_bytes` gets its whole length. kIncomplete:
// `bytes` ends before the record does. kCorrupt: checksum or body are wrong; record_bytes is set
// if the length is credible and the bytes are all there, else 0. `verify` false skips the checksum.
RecordStatus ReadRecord(std::string_view bytes, EntryView* entry, size_t* record_bytes,
                        bool verify = true);

}  // namespace understudy::cluster
