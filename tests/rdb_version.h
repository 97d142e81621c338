// RDB files for the redis-check-rdb and redis-server of Debian 12, which are 7.0 and refuse version
// 11 by its number. What came with version 11 are the types 20 (packed sets) and 21 (streams): a
// file without them is one of version 10 but for the number and the checksum, so that 7.0 can judge
// all the rest of it.
#pragma once

#include <string>

#include "targets/kv/crc64.h"
#include "targets/kv/rdb.h"

namespace understudy::targets::kv {

// REQUIRES: a whole file of version 11, with no value of type 20 or 21.
inline std::string AsRdbVersion10(std::string bytes) {
  constexpr size_t kChecksumBytes = 8;
  bytes.replace(0, 9, "REDIS0010");
  bytes.resize(bytes.size() - kChecksumBytes);
  const uint64_t checksum = Crc64(0, bytes);
  for (size_t i = 0; i < kChecksumBytes; ++i) {
    bytes.push_back(static_cast<char>(checksum >> (8 * i)));
  }
  return bytes;
}

}  // namespace understudy::targets::kv
