// What the node notes about the commands it executes: statistics, the slow log, the latency
// monitor. Costs one reading of the cycle counter and a few additions a command.
// One thread.
#pragma once

#include <span>
#include <string_view>

#include "server/command_statistics.h"
#include "server/connection.h"
#include "server/cycle_clock.h"
#include "server/latency_monitor.h"
#include "server/slow_log.h"

namespace understudy::server {

// From which argument on nobody may read them later (passwords); 0: all may be shown.
size_t FirstSecretArgument(const protocol::Command& command,
                           std::span<const std::string_view> args);

class Instruments {
 public:
  explicit Instruments(size_t commands) : statistics_(commands) {}

  // What is executed next begins now.
  void Begin() { mark_ = CycleClock::Now(); }
  // A command was executed since Begin() or since the one before. `reply`: what it wrote; empty
  // where it isn't known.
  void Executed(const Session& session, const protocol::Command& command,
                std::span<const std::string_view> args, std::string_view reply) {
    uint64_t now = CycleClock::Now();
    uint64_t nanoseconds = clock_.ToNanoseconds(now - mark_);
    mark_ = now;
    statistics_.Executed(command, nanoseconds);
    if (!reply.empty() && reply[0] == '-') statistics_.Failed(command, reply);
    if (slow_log_.Wants(nanoseconds) || latency_.Wants(nanoseconds)) {
      NoteSlow(session.address, session.name, command, args, nanoseconds);
    }
  }
  // The same for a command of another node's client.
  void ExecutedForOther(std::string_view node, const protocol::Command& command,
                        std::span<const std::string_view> args, std::string_view reply);
  // A command that the global executed for this node's client, so long ago asked for.
  void ExecutedElsewhere(const Session& session, const protocol::Command& command,
                         std::span<const std::string_view> args, uint64_t nanoseconds);
  // Something else held the loop up since Begin().
  void Worked(std::string_view event);

  // At the start and now and then.
  void Calibrate() { clock_.Calibrate(); }

  CommandStatistics& statistics() { return statistics_; }
  SlowLog& slow_log() { return slow_log_; }
  LatencyMonitor& latency() { return latency_; }

 private:
  void NoteSlow(std::string_view address, std::string_view name, const protocol::Command& command,
                std::span<const std::string_view> args, uint64_t nanoseconds);
  void NoteInSlowLog(std::string_view address, std::string_view name,
                     const protocol::Command& command, std::span<const std::string_view> args,
                     uint64_t nanoseconds);

  CycleClock clock_;
  uint64_t mark_ = 0;
  CommandStatistics statistics_;
  SlowLog slow_log_;
  LatencyMonitor latency_;
};

}  // namespace understudy::server
