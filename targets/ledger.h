// What the framework keeps for a cluster's target beside the target's own state: links, timers, the
// versions in use, and why the target has ended. Replicated: part of snapshot and digest, changed
// by effects alone.
//
// Effects:
//   target.link node run client       target.unlink node run client
//   target.timer at_ms name           target.untimer name
//   target.version state updates      of the formats that the global writes from here on
//   target.stop reason
//
// Bytes (LEB128 varints; text := size:varint bytes), in snapshots:
//   ledger := groups group{groups} timers timer{timers} state_version update_version reason:text
//   group  := node:text run clients client{clients}        timer := name:text at_ms
//
// Limits: plugin::kMaxLinks, kMaxTimers and the others of targets/target.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "targets/digest.h"
#include "targets/machine.h"

namespace understudy::targets {

class Ledger {
 public:
  // --- links ---------------------------------------------------------------------------------
  bool Linked(const Client& client) const;
  size_t links() const { return links_; }
  void VisitLinks(const std::function<void(const Client&)>& visit) const;

  // --- timers --------------------------------------------------------------------------------
  size_t timers() const { return timers_.size(); }
  bool HasTimer(std::string_view name) const { return timers_.contains(name); }
  // The one that comes first: its time and its name; nothing: none.
  std::optional<std::pair<int64_t, std::string_view>> NextTimer() const;

  // --- the target ----------------------------------------------------------------------------
  uint64_t state_version() const { return state_version_; }  // 0: nothing written yet
  uint64_t update_version() const { return update_version_; }
  const std::string& stop_reason() const { return stop_reason_; }
  uint64_t changed() const { return changed_; }  // log index of the newest change

  // Changes, at the global: does it and adds the effect.
  void Link(const Client& client, Context& context);
  void Unlink(const Client& client, Context& context);
  void SetTimer(std::string_view name, int64_t at_ms, Context& context);
  void CancelTimer(std::string_view name, Context& context);
  void SetVersions(uint64_t state, uint64_t updates, Context& context);
  void Stop(std::string_view reason, Context& context);

  // An effect. False: it isn't the ledger's, or makes no sense; nothing is changed.
  bool Apply(std::span<const std::string_view> args, uint64_t index);

  void AppendTo(std::string* out) const;
  // Takes it from the front of `in`. False: damaged, and nothing is kept.
  bool TakeFrom(std::string_view* in);
  void Clear();
  void AddTo(DigestBuilder* digest) const;
  bool empty() const { return links_ == 0 && timers_.empty() && stop_reason_.empty(); }

 private:
  using Node = std::pair<std::string, uint64_t>;  // id and run
  bool Do(std::span<const std::string_view> args);
  void Change(std::initializer_list<std::string_view> effect, Context& context);
  bool TakeLinks(std::string_view* in);
  bool TakeTimers(std::string_view* in);

  std::map<Node, std::set<uint64_t>> by_node_;
  size_t links_ = 0;
  std::map<std::string, int64_t, std::less<>> timers_;
  std::set<std::pair<int64_t, std::string>> by_time_;  // the same timers
  uint64_t state_version_ = 0, update_version_ = 0;
  std::string stop_reason_;
  uint64_t changed_ = 0;
};

// TARGET.LINK name SELF | CLIENT id, TARGET.UNLINK the same, for a machine with a ledger. A node
// itself (client 0) may also say TARGET.UNLINK name EXIT node run client reason: that client is
// gone.
void HandleLinkCommand(const Request& request, Context& context, Ledger* ledger, Machine* machine);

}  // namespace understudy::targets
