// A plug-in's target as a Machine: takes its answers, makes effects of them, and keeps its
// exceptions.
//
// Invariants:
//  1. No exception of the plug-in leaves this class.
//  2. An answer takes effect whole or not at all. The target's calls that decide are const; what
//  they
//     say is collected (Collector) and done afterwards. If an update or a new state throws then,
//     the state is made again from a copy: the last checkpoint and the updates behind it. A
//     checkpoint is taken at the first change as the global, and again when the updates behind it
//     have become as big as the state: its cost is a share of what is written anyway.
//  3. A committed effect that the plug-in can't apply leaves the machine `broken`: it says so,
//  handles
//     nothing and gives no snapshot until Restore() or Clear(). That happens when a plug-in is
//     older than the global's, or isn't deterministic.
//
// Snapshot: state_version:varint bytes, of the plug-in that wrote it
// Effects, besides the ledger's:
//   target.update version bytes      target.state version bytes      target.publish channel message
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "targets/ledger.h"
#include "targets/machine.h"
#include "targets/target.h"

namespace understudy::targets {

class PluginMachine : public Machine {
 public:
  // `plugin` and `ledger` must outlive the machine. See Create() for the state.
  PluginMachine(const plugin::Plugin* plugin, Ledger* ledger, std::vector<std::string> arguments);
  ~PluginMachine() override;

  // Makes the target in its first state; false with `error` if its constructor threw.
  bool Create(std::string* error);

  std::string_view type() const override { return plugin_->type; }
  // `request.args`: what is behind the cluster's name.
  void Handle(const Request& request, Context& context) override;
  bool Apply(int db, std::span<const std::string_view> args, Context& context) override;
  bool Snapshot(const SnapshotSink& sink) const override;
  bool Restore(std::string_view snapshot, std::string* error) override;
  void Clear() override;
  std::string Digest() const override;
  std::string Describe() const override;
  std::string Versions() const override;
  std::vector<std::string> TakeNotes() override;

  // One timer that is due; true: there are more.
  bool OnTimer(Context& context) override;
  void OnExit(const Client& client, std::string_view reason, Context& context) override;

  const std::string& broken() const { return broken_; }
  uint64_t undone() const { return undone_; }  // how often a state had to be put back
  // Says so if the versions that the ledger tells aren't this plug-in's.
  void CompareVersions();

 private:
  class Collector;
  class ReplyText;
  struct Change {
    bool state;  // a new one, or an update
    std::string bytes;
  };

  bool Decide(const std::function<void(plugin::Answer&)>& ask, Collector* collector,
              std::string* error);
  bool CheckLimits(const Collector& collector, std::string* error) const;
  bool Commit(const Collector& collector, Context& context, std::string* error);
  void WriteEffects(const Collector& collector, Context& context);
  bool ApplyChange(const Change& change, uint64_t version, std::string* error);
  bool TakeCheckpoint(std::string* error);
  void Undo();
  void Note(std::string text);
  void Break(std::string why);

  const plugin::Plugin* plugin_;
  Ledger* ledger_;
  std::vector<std::string> arguments_;
  plugin::Target* target_ = nullptr;
  std::string broken_;
  uint64_t changed_ = 0;  // log index of the newest change of the target's state
  uint64_t undone_ = 0;

  bool has_checkpoint_ = false;
  std::string checkpoint_;
  std::vector<std::string> since_;  // updates behind it, of this plug-in's version
  size_t since_bytes_ = 0;

  std::vector<std::string> notes_;
  uint64_t noted_state_ = 0, noted_updates_ = 0;
};

}  // namespace understudy::targets
