// What every cluster but `main` runs: one target, of any type, with its ledger (links, timers).
//
//   TARGET.CALL name arg ...   a plug-in's request; for `id` and `chat` one of their commands:
//                              TARGET.CALL ids NEXTID is NEXTID at the cluster `ids`
//   TARGET.CAST name arg ...   the same; the reply is +OK, or the error
//   TARGET.LINK, TARGET.UNLINK see ledger.h
//   NEXTID, CHAT.*             whole, if the target is of that type
// The framework brings a request to the cluster that it names; the name isn't looked at here.
// When the target has stopped, every request gets an error that says why.
//
// Snapshot:
//   state := "USTARGET" format:varint(1) type:text ledger target      target: to the end, its own
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "targets/ledger.h"
#include "targets/machine.h"
#include "targets/plugin_machine.h"
#include "targets/registry.h"
#include "targets/type_table.h"

namespace understudy::targets {

class ClusterMachine : public Machine {
 public:
  // `table` and the type must outlive it. nullptr with `error`, a RESP error's text, if the target
  // refuses its arguments.
  static std::unique_ptr<ClusterMachine> Make(const protocol::CommandTable& table,
                                              std::shared_ptr<const TargetOptions> options,
                                              const TargetType& type,
                                              std::vector<std::string> arguments,
                                              std::string* error);

  std::string_view type() const override { return type_; }
  void Handle(const Request& request, Context& context) override;
  bool Apply(int db, std::span<const std::string_view> args, Context& context) override;
  bool Snapshot(const SnapshotSink& sink) const override;
  bool Restore(std::string_view snapshot, std::string* error) override;
  void Clear() override;
  std::string Digest() const override;

  bool OnTimer(Context& context) override;
  bool WantsTimer() const override { return ledger_.NextTimer().has_value(); }
  void VisitLinks(const std::function<void(const Client&)>& visit) const override;
  size_t links() const override { return ledger_.links() + target_->links(); }
  void OnExit(const Client& client, std::string_view reason, Context& context) override;

  std::string Describe() const override;
  std::string_view stop_reason() const override { return ledger_.stop_reason(); }
  std::string Versions() const override { return target_->Versions(); }
  std::vector<std::string> TakeNotes() override { return target_->TakeNotes(); }

  const Ledger& ledger() const { return ledger_; }

 private:
  ClusterMachine(const protocol::CommandTable& table, std::string type)
      : table_(&table), type_(std::move(type)) {}
  void Call(const Request& request, Context& context);
  bool OwnedByTarget(const protocol::Command& command) const;
  bool RestoreParts(std::string_view snapshot, std::string* error);

  const protocol::CommandTable* table_;
  std::string type_;
  Ledger ledger_;
  std::unique_ptr<Machine> target_;
  PluginMachine* plugin_ = nullptr;  // target_, if it is one
};

}  // namespace understudy::targets
