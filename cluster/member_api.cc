// Member's interface: each call notes the time and goes to its part.
#include <algorithm>
#include <utility>

#include "cluster/member_impl.h"

namespace understudy::cluster {

namespace {

// The driver's clock never runs backwards; if it does, time stands still here.
void Advance(Micros* now, Micros to) { *now = std::max(*now, to); }

}  // namespace

Member::Member(MemberOptions options, Recovered recovered, Micros now, int64_t wall_ms)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(recovered), now, wall_ms)) {}

Member::~Member() = default;

void Member::Bootstrap(const MemberInfo& self, Micros now) {
  Advance(&impl_->now, now);
  UNDERSTUDY_CHECK(impl_->log.last_index() == 0 && impl_->lock.term == 0 &&
                       impl_->configuration().members.empty() && self.id == impl_->self,
                   "only an empty member begins a cluster");
  Configuration alone;
  alone.members.push_back(self);
  alone.members.back().kind = MemberInfo::Kind::kVoter;
  impl_->configurations = {{0, alone}};
  impl_->lock.configuration = std::move(alone);
  impl_->PersistLock(false);
  impl_->MaybeStand();
}

void Member::Tick(Micros now) {
  Advance(&impl_->now, now);
  impl_->Tick();
}

Micros Member::NextTick() const { return impl_->NextTick(); }

void Member::Step(const Message& message, Micros now) {
  Advance(&impl_->now, now);
  impl_->Step(message);
}

Index Member::Propose(std::string_view payload, Micros now) {
  Advance(&impl_->now, now);
  return impl_->transfer ? 0 : impl_->Propose(EntryType::kNormal, payload);
}

Index Member::ProposeUnlogged(Micros now) {
  Advance(&impl_->now, now);
  return impl_->ProposeUnlogged();
}

bool Member::AddMember(const MemberInfo& info, Micros now, std::string* why) {
  Advance(&impl_->now, now);
  return impl_->AddMember(info, why);
}

bool Member::RemoveMember(const NodeId& id, Micros now, std::string* why) {
  Advance(&impl_->now, now);
  return impl_->RemoveMember(id, why);
}

void Member::RecordsPersisted(Term term, Index index, Micros now) {
  Advance(&impl_->now, now);
  impl_->RecordsPersisted(term, index);
}

void Member::LockPersisted(uint64_t sequence, Micros now) {
  Advance(&impl_->now, now);
  impl_->LockPersisted(sequence);
}

void Member::DiskFailed(Micros now) {
  Advance(&impl_->now, now);
  impl_->DiskFailed();
}

void Member::PeerConnected(const NodeId& id, RunId run, Micros now) {
  Advance(&impl_->now, now);
  impl_->PeerConnected(id, run);
}

void Member::PeerClosed(const NodeId& id, Micros now) {
  Advance(&impl_->now, now);
  impl_->PeerClosed(id);
}

void Member::PeerDead(const NodeId& id, RunId run, Micros now) {
  Advance(&impl_->now, now);
  impl_->PeerDead(id, run);
}

uint64_t Member::RequestRead(Micros now) {
  Advance(&impl_->now, now);
  return impl_->RequestRead();
}

std::vector<Message> Member::MakeHeartbeats(Micros now) { return impl_->MakeHeartbeats(now); }

void Member::SetReadsByLease(bool on) { impl_->reads_by_lease = on; }

bool Member::LeaseValid(Micros now) const { return impl_->LeaseValid(std::max(now, impl_->now)); }

void Member::WantCommit(const NodeId& local, Index index) {
  Peer* peer = impl_->FindPeer(local);
  if (peer != nullptr) impl_->WantCommit(peer, index);
}

void Member::WantCommitAll(Index index) {
  for (auto& [id, peer] : impl_->peers) impl_->WantCommit(&peer, index);
}

void Member::InstallSnapshot(Index index, Term term, int64_t time_ms,
                             const Configuration& configuration, Micros now) {
  Advance(&impl_->now, now);
  impl_->InstallSnapshot(index, term, time_ms, configuration);
}

void Member::SnapshotSent(const NodeId& local, Index index, bool ok, Micros now) {
  Advance(&impl_->now, now);
  impl_->SnapshotSent(local, index, ok);
}

void Member::NeedSnapshot() {
  impl_->needs_snapshot = true;
  if (impl_->role != Role::kLocal) impl_->Release(0);
}

void Member::DropLogUpTo(Index index) {
  impl_->log.DropUpTo(std::min({index, impl_->commit, impl_->written}));
}

bool Member::Transfer(const NodeId& to, Micros now, std::string* why) {
  Advance(&impl_->now, now);
  return impl_->Transfer(to, why);
}

void Member::Release(Micros now) {
  Advance(&impl_->now, now);
  impl_->Release(2 * impl_->options.lock_ttl);
}

Ready Member::TakeReady(Micros now) {
  Advance(&impl_->now, now);
  return impl_->TakeReady();
}

bool Member::HasReady() const { return impl_->HasReady(); }

Role Member::role() const { return impl_->role; }
bool Member::serving() const { return impl_->Serving(); }
bool Member::transferring() const { return impl_->transfer; }
Term Member::term() const { return impl_->lock.term; }
NodeId Member::holder() const { return impl_->Holder(); }
RunId Member::holder_run() const { return impl_->lock.holder_run; }

Micros Member::LockRemaining(Micros now) const {
  const Hold& hold = impl_->hold;
  now = std::max(now, impl_->now);
  if (impl_->role == Role::kGlobal) {
    Micros sent_at = impl_->MajoritySentAt(&Peer::ack_sent_at, true);
    Micros until = (sent_at == kForever ? now : std::max(sent_at, impl_->global_since)) +
                   impl_->options.lock_ttl;
    return std::max<Micros>(0, until - now);
  }
  bool held = !hold.node.empty() && hold.node != impl_->self && !hold.free &&
              !impl_->ProvedDead(hold.node, hold.run);
  return held ? std::max<Micros>(0, hold.until - now) : 0;
}

Index Member::commit() const { return impl_->commit; }
const Log& Member::log() const { return impl_->log; }
const Configuration& Member::configuration() const { return impl_->configuration(); }
const Configuration& Member::ConfigurationAt(Index index) const {
  const ConfigurationEntry* at = &impl_->configurations.front();
  for (const ConfigurationEntry& entry : impl_->configurations) {
    if (entry.index <= index) at = &entry;
  }
  return at->configuration;
}
bool Member::is_member() const { return impl_->IsMember(); }
bool Member::quarantined() const { return impl_->lock.quarantined; }
bool Member::disk_failed() const { return impl_->disk_failed; }

std::vector<Progress> Member::progress() const {
  std::vector<Progress> all;
  if (impl_->role != Role::kGlobal) return all;
  for (const MemberInfo& member : impl_->configuration().members) {
    const Peer* peer = impl_->FindPeer(member.id);
    if (peer == nullptr) continue;
    Progress one;
    one.id = member.id;
    one.match = peer->match;
    one.next = peer->next;
    one.connected = peer->connected;
    one.needs_snapshot = peer->flow == Flow::kSnapshot;
    one.quarantined = peer->quarantined;
    one.last_ack_sent_at = std::max<Micros>(0, peer->ack_sent_at);
    all.push_back(std::move(one));
  }
  return all;
}

const LockState& Member::lock_state() const { return impl_->lock; }
bool Member::HasMajority(Micros now) const { return impl_->HasMajority(std::max(now, impl_->now)); }
int64_t Member::GlobalTimeMs(Micros now) const {
  return impl_->GlobalTimeMs(std::max(now, impl_->now));
}
void Member::CheckInvariants() const { impl_->CheckInvariants(); }
std::string Member::Describe() const { return impl_->Describe(); }

}  // namespace understudy::cluster
