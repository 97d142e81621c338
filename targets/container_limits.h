// Up to which size kv keeps values in their compact forms. The fields are Redis' parameters, with
// Redis' defaults; they change memory and speed, and what OBJECT ENCODING says, never a result or
// a digest: members may differ in them. (Two are seen by who looks closely, and then decided by the
// global: the borders of a stream's nodes, by XTRIM ~, and the form of a HyperLogLog, by GET.) A
// change holds for what is written from then on. Source:
// https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/memory-optimization/
#pragma once

#include <cstddef>
#include <cstdint>

namespace understudy::targets {

struct ContainerLimits {
  // Numbers of elements (of a hash: fields), and bytes of the longest one.
  size_t hash_max_listpack_entries = 512;
  size_t hash_max_listpack_value = 64;
  size_t set_max_intset_entries = 512;
  size_t set_max_listpack_entries = 128;
  size_t set_max_listpack_value = 64;
  size_t zset_max_listpack_entries = 128;
  size_t zset_max_listpack_value = 64;
  // A node of a stream; 0: no limit of that kind.
  size_t stream_node_max_bytes = 4096;
  size_t stream_node_max_entries = 100;
  size_t hll_sparse_max_bytes = 3000;  // of a HyperLogLog in its sparse form
  // -1 .. -5: 4 KiB .. 64 KiB in a node of a list; else how many elements.
  int64_t list_max_listpack_size = -2;
  // An element of a list of at least this size has a node of its own (DEBUG
  // QUICKLIST-PACKED-THRESHOLD).
  size_t list_plain_bytes = size_t{1} << 30;
};

}  // namespace understudy::targets
