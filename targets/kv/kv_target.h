// The target kv: the Redis data model, executed at the global and applied everywhere.
//
// keyspace.h is where the data is read and changed; the commands are in *_commands.cc, one file a
// topic, and are found by the command's id in an array. A new command is a row of the command table
// and a handler registered under the row's name; Unhandled() tells rows without one.
//
// Snapshot() writes the database sections of an RDB file (rdb.h), without header and end, and
// Restore() reads such sections, from redis-server too; the registry makes the whole file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "targets/kv/commands.h"
#include "targets/kv/keyspace.h"
#include "targets/registry.h"
#include "targets/machine.h"

namespace understudy::targets::kv {

class KvTarget : public Machine {
 public:
  // `table` must outlive the target. options->databases and hash_seed are read once, the others at
  // each use.
  KvTarget(const protocol::CommandTable& table, std::shared_ptr<const TargetOptions> options);

  std::string_view type() const override { return "kv"; }
  void Handle(const Request& request, Context& context) override;
  bool Apply(int db, std::span<const std::string_view> args, Context& context) override;
  bool Snapshot(const SnapshotSink& sink) const override;
  std::unique_ptr<SnapshotCursor> BeginSnapshot() override;
  bool Restore(std::string_view snapshot, std::string* error) override;
  void Clear() override { keyspace_.Clear(); }
  std::string Digest() const override;
  bool OnTimer(Context& context) override;
  bool Evict(Context& context) override { return keyspace_.Evict(context); }
  bool OwesMemory() const override { return keyspace_.has_garbage(); }
  void OnIdle() override { keyspace_.Upkeep(); }
  KeyInfo Peek(int db, std::string_view key, int64_t now_ms) const override {
    return keyspace_.Peek(db, key, now_ms);
  }
  void Prefetch(int db, std::span<const std::string_view> keys) const override {
    keyspace_.Prefetch(db, keys);
  }

  KeyspaceStats Stats() const;
  Keyspace& keyspace() { return keyspace_; }
  const Keyspace& keyspace() const { return keyspace_; }

  // Names of kv's rows that have no handler, and of handlers that have no row.
  const std::vector<std::string>& Unhandled() const { return unhandled_; }

 private:
  const std::shared_ptr<const TargetOptions> options_;
  Keyspace keyspace_;
  std::vector<Handler> handlers_;  // by Command::id
  std::vector<std::string> unhandled_;
};

}  // namespace understudy::targets::kv
