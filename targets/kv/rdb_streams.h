// Streams in RDB files and in DUMP: types 15, 19 and 21 of rdb_values.h. 21 is written, which Redis
// knows since 7.2.
//
//   stream   := length (id:string node:string)*             nodes as in stream_node.h
//               length:length last_id
//               [19, 21: first_id max_deleted_id entries_added:length]
//               length group*
//   group    := name:string last_id [19, 21: entries_read:length]
//               length (raw_id delivered:8 deliveries:length)*      all that is pending
//               length consumer*
//   consumer := name:string seen:8 [21: active:8] length raw_id*    what is pending at it
//   *_id     := ms:length sequence:length
//   id, raw_id: 16 bytes, ms and sequence big-endian; times: milliseconds, little-endian
// Source: rdb.c of Redis 7.2.
#pragma once

#include <cstdint>
#include <memory>

#include "targets/kv/rdb.h"
#include "targets/kv/stream.h"

namespace understudy::targets::kv {

inline constexpr uint8_t kRdbTypeStream1 = 15, kRdbTypeStream2 = 19, kRdbTypeStream3 = 21;

void WriteRdbStream(RdbWriter* out, const Stream& stream);
// A value of one of these types, with nothing taken on trust. If it fails, as in.failed() says
// then, there is none.
std::unique_ptr<Stream> ReadRdbStream(RdbReader* in, uint8_t rdb_type);

}  // namespace understudy::targets::kv
