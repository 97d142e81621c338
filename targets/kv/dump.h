// What DUMP gives and RESTORE takes: the value of a key as in an RDB file.
//
//   payload := type:1 value version:2 crc64:8     little-endian; type and value as in rdb_values.h,
//                                                 version is the RDB version, the checksum
//                                                 (crc64.h) is of all before it
// Source: https://redis.io/docs/latest/commands/dump/, cluster.c of Redis 7.2.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "targets/kv/container.h"
#include "targets/kv/entry.h"

namespace understudy::targets::kv {

std::string DumpValue(const Entry& entry);

// Whether the version can be read and the checksum is right.
bool IsDumpPayload(std::string_view payload);

// A value that is in no key yet: a string's text, or an object.
struct LooseValue {
  Type type = Type::kString;
  std::string text;
  Object object;
};
// REQUIRES: IsDumpPayload(). Nothing else is taken on trust; nullopt: it isn't a value. Throws
// nothing but std::bad_alloc.
std::optional<LooseValue> ReadDumpedValue(std::string_view payload, const Forms& forms);

}  // namespace understudy::targets::kv
