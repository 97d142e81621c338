#include "targets/kv/dump.h"

#include "targets/kv/crc64.h"
#include "targets/kv/rdb.h"
#include "targets/kv/rdb_values.h"

namespace understudy::targets::kv {

namespace {
constexpr size_t kVersionBytes = 2, kChecksumBytes = 8, kFooterBytes = 10;
}  // namespace

std::string DumpValue(const Entry& entry) {
  std::string payload;
  const SnapshotSink sink = [&payload](std::string_view piece) {
    payload.append(piece);
    return true;
  };
  RdbWriter out(sink);
  out.Byte(RdbTypeOf(entry));
  WriteRdbValue(&out, entry);
  out.Integer(kWrittenRdbVersion, kVersionBytes);
  out.Checksum();
  out.Finish();
  return payload;
}

bool IsDumpPayload(std::string_view payload) {
  if (payload.size() < kFooterBytes) return false;
  const size_t checked = payload.size() - kChecksumBytes;
  RdbReader footer(payload.substr(checked - kVersionBytes));
  return footer.Integer(kVersionBytes) <= kNewestRdbVersion &&
         footer.Integer(kChecksumBytes) == Crc64(0, payload.substr(0, checked));
}

std::optional<LooseValue> ReadDumpedValue(std::string_view payload, const Forms& forms) {
  RdbReader in(payload.substr(0, payload.size() - kFooterBytes));
  LooseValue value;
  const uint8_t rdb_type = in.Byte();
  if (rdb_type == kRdbTypeString) {
    std::string scratch;
    value.text = in.String(&scratch);
  } else {
    ReadRdbContainer(&in, rdb_type, forms, &value.type, &value.object);
  }
  if (in.failed()) return std::nullopt;
  if (in.AtEnd()) return value;
  if (value.type != Type::kString) Free(value.type, value.object);
  return std::nullopt;
}

}  // namespace understudy::targets::kv
