// The target `pubsub`: PUBLISH and SPUBLISH. It has no state: a publication is an effect that every
// member hands to its own subscribers, so that all of them see all publications in one order.
// Source: https://redis.io/docs/latest/develop/interact/pubsub/
//
// Effects: publish channel message; spublish channel message
#pragma once

#include <string>
#include <string_view>

#include "targets/machine.h"

namespace understudy::targets {

class PubsubTarget : public Machine {
 public:
  std::string_view type() const override { return "pubsub"; }
  void Handle(const Request& request, Context& context) override;
  bool Apply(int db, std::span<const std::string_view> args, Context& context) override;
  bool Snapshot(const SnapshotSink&) const override { return true; }
  bool Restore(std::string_view snapshot, std::string* error) override;
  void Clear() override {}
  std::string Digest() const override { return std::string(40, '0'); }
};

}  // namespace understudy::targets
