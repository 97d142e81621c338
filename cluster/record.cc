#include "cluster/record.h"

#include <cassert>
#include <limits>

#include "cluster/coding.h"

namespace understudy::cluster {
namespace {

constexpr size_t kLeastBodyBytes = 5;  // four varints of one byte, and the type

}  // namespace

size_t EncodeRecordHead(char* to, const EntryView& entry) {
  assert(entry.payload.size() <= kMaxPayloadBytes);
  char* body = to + kRecordHeaderBytes;
  char* at = PutVarint(body, entry.cluster);
  at = PutVarint(at, entry.term);
  at = PutVarint(at, entry.index);
  at = PutVarint(at, static_cast<uint64_t>(entry.time_ms));
  *at++ = static_cast<char>(entry.type);
  auto head_size = static_cast<size_t>(at - body);
  uint32_t crc = Crc32c(std::string_view(body, head_size));
  if (!entry.payload.empty()) crc = Crc32c(entry.payload, crc);
  PutWord32(to, static_cast<uint32_t>(head_size + entry.payload.size()));
  PutWord32(to + 4, crc);
  return kRecordHeaderBytes + head_size;
}

void AppendRecord(std::string* out, const EntryView& entry) {
  char head[kMaxRecordHeadBytes];
  size_t head_size = EncodeRecordHead(head, entry);
  out->append(head, head_size);
  out->append(entry.payload);
}

RecordStatus ReadRecord(std::string_view bytes, EntryView* entry, size_t* record_bytes,
                        bool verify) {
  *record_bytes = 0;
  if (bytes.size() < kRecordHeaderBytes) return RecordStatus::kIncomplete;
  size_t size = GetWord32(bytes.data());
  if (size < kLeastBodyBytes || size > kMaxRecordBytes) return RecordStatus::kCorrupt;
  if (bytes.size() - kRecordHeaderBytes < size) return RecordStatus::kIncomplete;
  *record_bytes = kRecordHeaderBytes + size;

  const char* at = bytes.data() + kRecordHeaderBytes;
  const char* end = at + size;
  if (verify && Crc32c(std::string_view(at, size)) != GetWord32(bytes.data() + 4)) {
    return RecordStatus::kCorrupt;
  }
  EntryView read;
  uint64_t time_ms = 0;
  if (!TakeVarint(&at, end, &read.cluster) || !TakeVarint(&at, end, &read.term) ||
      !TakeVarint(&at, end, &read.index) || !TakeVarint(&at, end, &time_ms) || at == end) {
    return RecordStatus::kCorrupt;
  }
  auto type = static_cast<uint8_t>(*at++);
  if (type > static_cast<uint8_t>(EntryType::kConfiguration) ||
      time_ms > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return RecordStatus::kCorrupt;
  }
  read.time_ms = static_cast<int64_t>(time_ms);
  read.type = static_cast<EntryType>(type);
  read.payload = std::string_view(at, static_cast<size_t>(end - at));
  *entry = read;
  return RecordStatus::kOk;
}

}  // namespace understudy::cluster
