// Who belongs to the cluster: one change at a time (Ongaro's thesis, chapter 4), each a log entry
// that holds from the moment it is appended.
#include <algorithm>
#include <utility>

#include "cluster/member_impl.h"

namespace understudy::cluster {

// The lock state names the newest configuration that was committed; those appended behind it are in
// the log.
void Member::Impl::RecoverConfiguration() {
  configurations = {{lock.configuration_index, lock.configuration}};
  log.ForEach(log.first_index(), log.last_index(), [this](const EntryView& entry) {
    if (entry.type != EntryType::kConfiguration || entry.index <= lock.configuration_index) return;
    Configuration found;
    if (Configuration::Decode(entry.payload, &found)) {
      configurations.push_back({entry.index, std::move(found)});
    }
  });
  CommitConfigurations();
}

void Member::Impl::ConfigurationAppended(Index index, Configuration appended) {
  // A log that lost entries gets those again that are known to be committed.
  if (index <= configurations.front().index) return;
  configurations.push_back({index, std::move(appended)});
  if (role == Role::kGlobal) UpdatePeers();
}

void Member::Impl::UndoConfigurations(Index last) {
  if (Planted(Bug::kMembersNotUndone)) return;
  while (configurations.size() > 1 && configurations.back().index > last) configurations.pop_back();
}

void Member::Impl::CommitConfigurations() {
  if (configurations.size() < 2 || configurations[1].index > commit) return;
  while (configurations.size() > 1 && configurations[1].index <= commit) {
    configurations.erase(configurations.begin());
  }
  lock.configuration_index = configurations.front().index;
  lock.configuration = configurations.front().configuration;
  PersistLock(false);
  if (role != Role::kGlobal) return;
  for (auto& [id, peer] : peers) {
    if (peer.leaving != 0) WantCommit(&peer, peer.leaving);
  }
  bool removed = configurations.front().configuration.Find(self) == nullptr;
  if (removed && !Planted(Bug::kRemovedGoesOn)) resign = true;
}

bool Member::Impl::IsVoter(const NodeId& id) const {
  const MemberInfo* member = configuration().Find(id);
  return member != nullptr && member->kind == MemberInfo::Kind::kVoter;
}

bool Member::Impl::IsMember() const {
  return configurations.front().configuration.Find(self) != nullptr ||
         configuration().Find(self) != nullptr;
}

bool Member::Impl::MayChangeMembers(std::string* why) const {
  const char* reason = nullptr;
  if (role != Role::kGlobal) {
    reason = "this node isn't the global";
  } else if (!Serving() && !Planted(Bug::kChangesBeforeFirstCommit)) {
    reason = "the global has only just begun";
  } else if (configurations.size() > 1 && !Planted(Bug::kManyChangesAtOnce) &&
             !(Planted(Bug::kChangesBeforeFirstCommit) && !Serving())) {
    reason = "another change of members is in progress";  // I5
  } else if (transfer || resign) {
    reason = "the lock is being handed over";
  }
  if (reason != nullptr && why != nullptr) *why = reason;
  return reason == nullptr;
}

void Member::Impl::ChangeMembers(Configuration changed) {
  Index index = Propose(EntryType::kConfiguration, changed.Encode());
  if (index != 0) ConfigurationAppended(index, std::move(changed));
}

bool Member::Impl::AddMember(const MemberInfo& info, std::string* why) {
  auto refuse = [why](const char* text) {
    if (why != nullptr) *why = text;
    return false;
  };
  if (info.id.empty()) return refuse("a member needs an id");
  if (info.id.size() > kMaxMemberTextBytes || info.name.size() > kMaxMemberTextBytes ||
      info.address.size() > kMaxMemberTextBytes) {
    return refuse("id, name or address is too long");
  }
  Configuration changed = configuration();
  auto at = std::find_if(changed.members.begin(), changed.members.end(),
                         [&](const MemberInfo& member) { return member.id == info.id; });
  if (at != changed.members.end()) {
    if (at->name == info.name && at->address == info.address) return true;  // nothing to change
    at->name = info.name;
    at->address = info.address;
  } else {
    if (changed.members.size() >= kMaxMembers) return refuse("the cluster is full");
    changed.members.push_back(info);
    changed.members.back().kind = MemberInfo::Kind::kLearner;
  }
  if (!MayChangeMembers(why)) return false;
  ChangeMembers(std::move(changed));
  return true;
}

bool Member::Impl::RemoveMember(const NodeId& id, std::string* why) {
  auto refuse = [why](const char* text) {
    if (why != nullptr) *why = text;
    return false;
  };
  Configuration changed = configuration();
  const MemberInfo* member = changed.Find(id);
  if (member == nullptr) return refuse("no such member");
  if (member->kind == MemberInfo::Kind::kVoter && changed.VoterCount() == 1) {
    return refuse("the last voter can't be removed");
  }
  if (!MayChangeMembers(why)) return false;
  changed.members.erase(changed.members.begin() + (member - changed.members.data()));
  ChangeMembers(std::move(changed));
  return true;
}

// At the global: its peers are those of the newest configuration; who left is still replicated to
// until it knows.
void Member::Impl::UpdatePeers() {
  for (const MemberInfo& member : configuration().members) {
    Peer* peer = MakePeer(member.id);
    if (peer == nullptr) continue;
    peer->leaving = 0;
    if (peer->replicated) continue;
    peer->replicated = true;
    peer->match = 0;
    peer->ack_sent_at = peer->lease_sent_at = kNever;
    peer->sent_commit = peer->wanted_first = peer->wanted_last = 0;
    peer->snapshot_to_name = false;
    peer->quarantined = false;
    peer->round_index = 0;
    ResetPeer(peer, log.last_index());  // behind it comes the entry just appended
  }
  for (auto& [id, peer] : peers) {
    if (!peer.replicated || configuration().Find(id) != nullptr) continue;
    if (peer.leaving == 0) peer.leaving = configurations.back().index;
  }
}

// One who was told of its removal, or can't be, is let go.
void Member::Impl::DropLeftPeers() {
  for (auto& [id, peer] : peers) {
    if (peer.leaving == 0 || !peer.replicated) continue;
    bool told = peer.match >= peer.leaving && peer.sent_commit >= peer.leaving;
    if (told || (!peer.connected && commit >= peer.leaving)) peer.replicated = false;
  }
}

// A learner has caught up when it got all that there was at the start of a round within half a ttl
// (thesis, 4.2.1).
void Member::Impl::MaybePromoteLearner() {
  for (const MemberInfo& member : configuration().members) {
    if (member.kind != MemberInfo::Kind::kLearner) continue;
    Peer* peer = FindPeer(member.id);
    if (peer == nullptr || peer->match == 0 || !peer->connected || peer->quarantined) continue;
    if (peer->flow != Flow::kReplicate) continue;
    bool caught_up = false;
    if (peer->round_index == 0) {
      caught_up = peer->match == log.last_index();
    } else if (peer->match >= peer->round_index) {
      caught_up = now - peer->round_at <= options.lock_ttl / 2;
    } else {
      continue;
    }
    if (!caught_up || !MayChangeMembers(nullptr)) {
      peer->round_index = log.last_index();
      peer->round_at = now;
      continue;
    }
    Configuration changed = configuration();
    for (MemberInfo& one : changed.members) {
      if (one.id == member.id) one.kind = MemberInfo::Kind::kVoter;
    }
    ChangeMembers(std::move(changed));
    return;
  }
}

}  // namespace understudy::cluster
