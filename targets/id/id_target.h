// The target `id`: named counters that hand out 0, 1, 2, ... , each value once.
//
//   NEXTID [name]      the next value of the counter `name` ("id" if not given); made at first use
//   NEXTID [name] COUNT n
//                      n values, one after the other: an array of the first and the last
//
// Effect, one a request:
//   nextid name last   the counter's newest value handed out is `last`; the next one is last + 1
// A request that hands out several values at once needs no other effect.
//
// Snapshot:
//   state := version:varint(1) counters:varint (size:varint name next:varint){counters}
//
// Limits: kMaxNameBytes, kMaxCounters, values up to 2^63 - 1. A counter at its end answers with an
// error for good, as INCR does.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "targets/digest.h"
#include "targets/machine.h"

namespace understudy::targets {

class IdTarget : public Machine {
 public:
  static constexpr size_t kMaxNameBytes = 256;
  static constexpr size_t kMaxCounters = 100000;
  static constexpr int64_t kMaxAtOnce = 1000000000;

  std::string_view type() const override { return "id"; }
  void Handle(const Request& request, Context& context) override;
  bool Apply(int db, std::span<const std::string_view> args, Context& context) override;
  bool Snapshot(const SnapshotSink& sink) const override;
  bool Restore(std::string_view snapshot, std::string* error) override;
  void Clear() override;
  std::string Digest() const override { return StateDigest().Hex(); }

  std::string Describe() const override;

  Digest160 StateDigest() const;
  size_t counters() const { return counters_.size(); }

 private:
  struct Counter {
    uint64_t next = 0;     // at most 2^63: the counter is used up
    uint64_t changed = 0;  // log index of the newest change
  };
  // Sorted, so that equal states have equal snapshots. The comparison takes views.
  std::map<std::string, Counter, std::less<>> counters_;
  uint64_t created_ = 0;  // log index that made the newest counter
};

}  // namespace understudy::targets
