#include "tests/simulator/rules.h"

namespace understudy::simulator {

using cluster::Message;

const char* Rules::Check(const Node& sender, const Message& message) {
  switch (message.type) {
    case Message::Type::kLock:
      asked_[{message.from, message.term}] = {message.run, message.log_term, message.log_index};
      return nullptr;
    case Message::Type::kLockReply:
      return message.granted ? CheckGrant(sender, message) : nullptr;
    case Message::Type::kAppendReply:
    case Message::Type::kHeartbeatReply:
      return CheckAcknowledgement(sender, message);
    default:
      return nullptr;
  }
}

// R1, R2, and I4: durable before it is answered.
const char* Rules::CheckGrant(const Node& sender, const Message& message) {
  auto [known, first] = granted_.insert({{message.from, message.term}, message.to});
  if (known->second != message.to) return "a voter grants a term to one node only";
  const cluster::LockState& lock = sender.lock_on_disk();
  if (lock.term != message.term || lock.granted_to != message.to) {
    return "a grant is durable before it is answered";
  }
  auto asked = asked_.find({message.to, message.term});
  if (asked == asked_.end()) return "a grant answers a request";
  if (asked->second.run != lock.granted_run) return nullptr;  // a late answer to an earlier run
  const cluster::Log& log = sender.member().log();
  // A request that came twice, or an fsync that took longer than the election.
  if (!first || log.last_term() == message.term) return nullptr;
  bool current =
      asked->second.log_term > log.last_term() ||
      (asked->second.log_term == log.last_term() && asked->second.log_index >= log.last_index());
  return current ? nullptr : "a grant goes to a log as new as all that the voter received";
}

// I4: in a term and of entries that are durable.
const char* Rules::CheckAcknowledgement(const Node& sender, const Message& message) {
  if (message.sent_at == 0) return nullptr;  // it says what was received, only
  if (message.term > sender.lock_on_disk().term) {
    return "a term is durable before anything is acknowledged in it";
  }
  if (message.term < sender.member().term()) return "nothing is acknowledged for an older term";
  Index held = sender.disk().base + sender.disk().records.size();
  return message.match <= held ? nullptr : "entries are durable before they are acknowledged";
}

}  // namespace understudy::simulator
