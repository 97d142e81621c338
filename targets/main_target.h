// The target of the cluster `main`: kv, id and chat behind one Machine (see registry.h).
//
// Its snapshot is one RDB file (targets/kv/rdb.h), which redis-server loads with the keys in it:
//   header, AUX "redis-ver", "redis-bits",
//   AUX "understudy-id", "understudy-chat", "understudy-links": the states of those targets and of
//   the ledger (their headers say how), each cut into any number of fields of that name that are
//   put together again, the database sections of kv, end and checksum.
// Fields that are missing stand for an empty state, so a file of redis-server can be restored; AUX
// fields of other names are passed over.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "targets/chat/chat_target.h"
#include "targets/id/id_target.h"
#include "targets/kv/kv_target.h"
#include "targets/directory/directory_target.h"
#include "targets/ledger.h"
#include "targets/machine.h"
#include "targets/pubsub/pubsub_target.h"
#include "targets/registry.h"

namespace understudy::targets {

class MainTarget : public Machine {
 public:
  MainTarget(const protocol::CommandTable& table, std::shared_ptr<const TargetOptions> options);

  std::string_view type() const override { return "main"; }
  void Handle(const Request& request, Context& context) override;
  bool Apply(int db, std::span<const std::string_view> args, Context& context) override;
  bool Snapshot(const SnapshotSink& sink) const override;
  std::unique_ptr<SnapshotCursor> BeginSnapshot() override;
  bool Restore(std::string_view snapshot, std::string* error) override;
  void Clear() override;
  std::string Digest() const override;
  bool OnTimer(Context& context) override { return kv_.OnTimer(context); }
  bool Evict(Context& context) override { return kv_.Evict(context); }
  bool OwesMemory() const override { return kv_.OwesMemory(); }
  void OnIdle() override { kv_.OnIdle(); }
  KeyInfo Peek(int db, std::string_view key, int64_t now_ms) const override {
    return kv_.Peek(db, key, now_ms);
  }
  void Prefetch(int db, std::span<const std::string_view> keys) const override {
    kv_.Prefetch(db, keys);
  }

  void VisitLinks(const std::function<void(const Client&)>& visit) const override;
  size_t links() const override { return ledger_.links() + chat_.links(); }
  void OnExit(const Client& client, std::string_view reason, Context& context) override;
  std::string Describe() const override;

  const kv::KvTarget& kv() const { return kv_; }
  kv::KvTarget& kv() { return kv_; }
  const DirectoryTarget& directory() const { return directory_; }

 private:
  class Cursor;
  // Restore() without the clean-up after a failure.
  bool RestoreParts(std::string_view snapshot, std::string* error);

  kv::KvTarget kv_;
  IdTarget id_;
  ChatTarget chat_;
  PubsubTarget pubsub_;
  Ledger ledger_;  // links alone: these targets have no timers
  DirectoryTarget directory_;
  // The names of the commands of id and chat, which are few: an effect of any other name is kv's.
  struct NotKv {
    std::string_view name;
    Machine* target;
  };
  std::vector<NotKv> not_kv_;
};

}  // namespace understudy::targets
