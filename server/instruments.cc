#include "server/instruments.h"

#include <algorithm>

#include "protocol/numbers.h"
#include "server/event_loop.h"

namespace understudy::server {

size_t FirstSecretArgument(const protocol::Command& command,
                           std::span<const std::string_view> args) {
  using protocol::EqualsIgnoreCase;
  if (command.full_name == "auth") return 1;
  if (command.full_name == "hello") {
    for (size_t i = 2; i < args.size(); ++i) {
      if (EqualsIgnoreCase(args[i], "auth")) return i + 1;
    }
  }
  if (command.full_name == "config|set") {
    for (size_t i = 2; i + 1 < args.size(); i += 2) {
      if (EqualsIgnoreCase(args[i], "requirepass") || EqualsIgnoreCase(args[i], "masterauth")) {
        return i + 1;
      }
    }
  }
  return 0;
}

void Instruments::ExecutedForOther(std::string_view node, const protocol::Command& command,
                                   std::span<const std::string_view> args, std::string_view reply) {
  uint64_t now = CycleClock::Now();
  uint64_t nanoseconds = clock_.ToNanoseconds(now - mark_);
  mark_ = now;
  statistics_.Executed(command, nanoseconds);
  if (!reply.empty() && reply[0] == '-') statistics_.Failed(command, reply);
  if (slow_log_.Wants(nanoseconds) || latency_.Wants(nanoseconds)) {
    NoteSlow(node, "", command, args, nanoseconds);
  }
}

void Instruments::ExecutedElsewhere(const Session& session, const protocol::Command& command,
                                    std::span<const std::string_view> args, uint64_t nanoseconds) {
  if (slow_log_.Wants(nanoseconds)) {
    NoteInSlowLog(session.address, session.name, command, args, nanoseconds);
  }
}

void Instruments::Worked(std::string_view event) {
  uint64_t now = CycleClock::Now();
  uint64_t nanoseconds = clock_.ToNanoseconds(now - mark_);
  mark_ = now;
  if (latency_.Wants(nanoseconds)) latency_.Add(event, nanoseconds, WallMillis() / 1000);
}

void Instruments::NoteSlow(std::string_view address, std::string_view name,
                           const protocol::Command& command, std::span<const std::string_view> args,
                           uint64_t nanoseconds) {
  if (latency_.Wants(nanoseconds)) {
    latency_.Add(command.Has(protocol::kFast) ? "fast-command" : "command", nanoseconds,
                 WallMillis() / 1000);
  }
  if (slow_log_.Wants(nanoseconds)) NoteInSlowLog(address, name, command, args, nanoseconds);
}

void Instruments::NoteInSlowLog(std::string_view address, std::string_view name,
                                const protocol::Command& command,
                                std::span<const std::string_view> args, uint64_t nanoseconds) {
  // A forwarded transaction is EXEC, which isn't in the slow log either.
  if (command.Has(protocol::kSkipSlowlog) || command.row->owner == protocol::Owner::kPeer) return;
  slow_log_.Add(args, FirstSecretArgument(command, args), nanoseconds, WallMillis() / 1000, address, name);
}

}  // namespace understudy::server
