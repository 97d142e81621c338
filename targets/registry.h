// The targets one cluster runs together. In the cluster `main` these are kv, id and chat; a request
// or an effect goes to the target that owns its command.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "targets/container_limits.h"
#include "targets/eviction.h"
#include "targets/machine.h"

namespace understudy::targets {

namespace kv {
class KeyspaceObserver;
}

// Options that targets take; the framework fills them from the node's configuration. They must be
// equal on all members where they change results (databases).
struct TargetOptions {
  int databases = 16;
  // Seed of the hash tables. Equal on all members of a cluster, so that a SCAN cursor holds on any
  // of them; secret and random otherwise, so that nobody can choose keys that collide.
  uint64_t hash_seed = 0;
  bool lazy_expiry_only = false;       // DEBUG SET-ACTIVE-EXPIRE 0
  size_t max_value_bytes = 512ull << 20;  // proto-max-bulk-len; a string's greatest length
  size_t chat_history = 10000;         // messages a room keeps
  ContainerLimits containers;
  EvictionOptions eviction;
};

// A target made of kv, id and chat. `table` must outlive it. `options` is shared: changes to it
// are seen at once.
std::unique_ptr<Machine> MakeMainTarget(const protocol::CommandTable& table,
                                       std::shared_ptr<const TargetOptions> options);

// Who hears of every change of keys; nullptr: nobody.
void ObserveKeys(Machine* main_target, kv::KeyspaceObserver* observer);

// What the node shows about the key space (INFO, DBSIZE needs no target call). nullptr if the
// target has no part of type kv.
struct KeyspaceStats {
  struct Db {
    uint64_t keys = 0, expires = 0, avg_ttl_ms = 0;
  };
  std::vector<Db> dbs;
  uint64_t expired_keys = 0, evicted_keys = 0;  // since start
  uint64_t keyspace_hits = 0, keyspace_misses = 0;
};
KeyspaceStats GetKeyspaceStats(const Machine& main_target);

}  // namespace understudy::targets
