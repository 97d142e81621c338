#include "tests/simulator/rules.h"

#include <algorithm>

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
  const cluster::LockState& lock = sender.lock_on_disk();
  std::pair<NodeId, RunId> to{message.to, message.request};
  auto [known, first] = granted_.insert({{message.from, message.term}, to});
  if (known->second != to) return "a voter grants a term to one run of one node only";
  if (lock.term != message.term || lock.granted_to != message.to) {
    return "a grant is durable before it is answered";
  }
  auto asked = asked_.find({message.to, message.term});
  if (asked == asked_.end()) return "a grant answers a request";
  if (asked->second.run != message.request) return nullptr;  // a late answer to an earlier run
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
  Acknowledged& newest = acknowledged_[message.from];
  if (newest.term != message.term) newest = {message.term, 0};
  newest.match = std::max(newest.match, message.match);
  Index held = sender.disk().base + sender.disk().records.size();
  return message.match <= held ? nullptr : "entries are durable before they are acknowledged";
}

// What a member acknowledged in a term it has as long as that term lasts; and I3.
const char* Rules::CheckMember(const Node& node) {
  const cluster::Member& member = node.member();
  auto acknowledged = acknowledged_.find(node.id());
  if (acknowledged != acknowledged_.end() && acknowledged->second.term == member.term() &&
      member.log().last_index() < acknowledged->second.match) {
    return "what was acknowledged is kept";
  }
  if (member.role() != cluster::Role::kGlobal) return nullptr;
  auto [known, first] = commits_.insert({{node.id(), node.run()}, member.commit()});
  Index before = std::exchange(known->second, member.commit());
  if (first || before == member.commit() || member.log().base_index() >= member.commit()) {
    return nullptr;
  }
  if (!member.serving()) return "nothing is committed before an entry of the term";
  return nullptr;
}

const char* Rules::CheckElected(const Node& global, const std::vector<const Node*>& voters) {
  Term term = global.member().term();
  size_t granted = 0;
  for (const Node* voter : voters) {
    const cluster::LockState& lock = voter->lock_on_disk();
    bool this_run = lock.granted_to == global.id() && lock.granted_run == global.run();
    if (lock.term > term || (lock.term == term && this_run)) ++granted;
  }
  commits_[{global.id(), global.run()}] = global.member().commit();
  return granted > voters.size() / 2 ? nullptr : "a majority's disks say that the lock was granted";
}

}  // namespace understudy::simulator
