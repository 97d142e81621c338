// The part of ClusterHost that moves whole states: from disk at the start, and from the global to
// a local that can't be served from the log.
#include <algorithm>
#include <utility>

#include "server/cluster_host.h"
#include "server/peer_codec.h"
#include "targets/effect.h"

namespace understudy::server {

using cluster::Index;
using cluster::Micros;

namespace {
// Between a snapshot that failed and the next one that nobody asked for.
constexpr Micros kRetryInterval = 10'000'000;
}  // namespace

bool ClusterHost::Start(RecoveredCluster recovered, Micros now, int64_t wall_ms,
                        std::string* error) {
  const SnapshotFile& snapshot = recovered.snapshot;
  if (!snapshot.empty()) {
    if (!target_->Restore(snapshot.data, error)) {
      *error = "the snapshot of " + env_.name + " can't be loaded: " + *error;
      return false;
    }
    if (!origins_.Decode(snapshot.origins)) {
      *error = "the snapshot of " + env_.name + " has a damaged table of origins";
      return false;
    }
    env_.log->Notice("Loaded the snapshot of %s up to entry %llu", env_.name.c_str(),
                     static_cast<unsigned long long>(snapshot.index));
  }
  applied_ = state_index_ = snapshot.index;
  maker_.NoteOnDisk(snapshot.index, snapshot.data.size());
  log_bytes_ = recovered.log.bytes();
  cluster::Recovered core;
  core.lock = std::move(recovered.lock);
  // A process that died between the two writes has a newer configuration in its snapshot.
  if (snapshot.index > core.lock.configuration_index &&
      cluster::Configuration::Decode(snapshot.configuration, &core.lock.configuration)) {
    core.lock.configuration_index = snapshot.index;
  }
  core.base_index = snapshot.index;
  core.base_term = snapshot.term;
  core.last_time_ms = recovered.last_time_ms;
  core.log = &recovered.log;
  cluster::MemberOptions options;
  options.cluster = env_.number;
  options.id = env_.id;
  options.run = env_.run;
  options.lock_ttl = env_.options->lock_ttl_ms * 1000;
  options.trust_refusal = env_.options->trust_refusal;
  member_ = std::make_unique<cluster::Member>(std::move(options), std::move(core), now, wall_ms);
  now_ = now;
  return true;
}

// --- making snapshots ---------------------------------------------------------------------------

bool ClusterHost::SaveSnapshot() {
  if (!HasWholeState()) return false;
  snapshot_wanted_ = true;
  return true;
}

// Compaction: when the log is longer than the state and than an option says.
void ClusterHost::MaybeCompact(Micros now) {
  const int64_t percentage = env_.options->auto_aof_rewrite_percentage;
  if (!durable() || percentage == 0 || saving() || now < snapshot_retry_at_) return;
  const double grown =
      static_cast<double>(maker_.saved_bytes()) * static_cast<double>(percentage) / 100;
  const double least = static_cast<double>(env_.options->auto_aof_rewrite_min_size);
  if (static_cast<double>(log_bytes()) > std::max(grown, least)) SaveSnapshot();
}

void ClusterHost::BeginSnapshot(Micros now) {
  snapshot_wanted_ = false;
  SnapshotFile about;
  about.cluster = env_.number;
  about.index = state_index_;
  about.term = member_->log().TermAt(state_index_);
  about.time_ms = member_->GlobalTimeMs(now);
  about.configuration = member_->ConfigurationAt(about.index).Encode();
  origins_.Encode(&about.origins);
  log_bytes_at_begin_ = log_bytes_;
  maker_.Begin(std::move(about), target_->BeginSnapshot(), now);
}

void ClusterHost::TurnSnapshots(Micros now) {
  const auto idle = [this] { return maker_.state() == SnapshotMaker::State::kIdle; };
  if (snapshot_wanted_ && idle() && HasWholeState() && env_.may_begin_snapshot()) {
    BeginSnapshot(now);
  }
  if (!idle()) {
    maker_.Turn(member_->commit());
    if (idle()) {  // given up
      snapshot_retry_at_ = now + kRetryInterval;
      env_.clients->OnSnapshotEnded(false);
    }
  }
  if (!transfers_wanted_.empty()) StartTransfers(now);
  if (!senders_.empty()) PumpTransfers(now);
}

void ClusterHost::OnSnapshotSaved(Index index, cluster::Term term, Micros now) {
  if (maker_.OnSaved(index, term)) {
    log_bytes_covered_ = log_bytes_at_begin_;
    env_.writer->SetCovered(env_.number, index);
    env_.clients->OnSnapshotEnded(true);
  } else if (installing_.index != 0 && installing_.index == index && installing_.term == term) {
    env_.writer->SetCovered(env_.number, index);
    log_bytes_covered_ = log_bytes_;
    FinishInstall(now);
  }
}

void ClusterHost::OnSnapshotFailed(Index index, const std::string& why, Micros now) {
  env_.log->Warning("Saving a snapshot of %s failed: %s", env_.name.c_str(), why.c_str());
  if (maker_.OnFailed(index)) {
    snapshot_retry_at_ = now + kRetryInterval;
    env_.clients->OnSnapshotEnded(false);
  } else if (installing_.index == index) {
    OnDiskFailed(why, now);
  }
}

// --- at the global ------------------------------------------------------------------------------

void ClusterHost::StartTransfers(Micros now) {
  if (member_->role() != cluster::Role::kGlobal) return transfers_wanted_.clear();
  const bool usable =
      maker_.saved_index() != 0 && maker_.saved_index() + 1 >= member_->log().first_index();
  if (!usable) {
    if (!saving() && now >= snapshot_retry_at_) SaveSnapshot();
    return;
  }
  SnapshotFile file;
  std::string error;
  if (!OpenSnapshotFile(env_.options->dir, env_.number, &file, &error)) {
    env_.log->Warning("The snapshot of %s can't be sent: %s", env_.name.c_str(), error.c_str());
    maker_.NoteOnDisk(0, 0);
    return;
  }
  for (const cluster::NodeId& to : transfers_wanted_) {
    auto sender = std::make_unique<SnapshotSender>(file);
    env_.log->Notice("Sending the state of %s up to entry %llu (%llu bytes) to %.8s",
                     env_.name.c_str(), static_cast<unsigned long long>(file.index),
                     static_cast<unsigned long long>(sender->total()), to.c_str());
    senders_[to] = std::move(sender);
    snapshots_on_their_way_.erase(to);
  }
  transfers_wanted_.clear();
}

void ClusterHost::PumpTransfers(Micros now) {
  for (auto it = senders_.begin(); it != senders_.end();) {
    const cluster::NodeId& to = it->first;
    SnapshotSender& sender = *it->second;
    if (member_->role() != cluster::Role::kGlobal) {
      it = senders_.erase(it);
      continue;
    }
    bool works = sender.Pump(env_.wire, env_.id, member_->term(), peers().Find(to));
    if (works && !sender.done()) {
      ++it;
      continue;
    }
    env_.log->Notice("The transfer of %s to %.8s %s", env_.name.c_str(), to.c_str(),
                     works ? "is on its way" : "broke");
    if (works) {
      ++snapshots_sent_;
      snapshots_on_their_way_[to] = sender.meta().index;
    }
    member_->SnapshotSent(to, sender.meta().index, works, now);
    it = senders_.erase(it);
  }
}

// --- at a local ---------------------------------------------------------------------------------

// At the beginning, and each time that a tenth more is there.
void ClusterHost::TellReceived(const SnapshotChunk& chunk) {
  const uint64_t tenth = std::max<uint64_t>(chunk.total / 10, 1);
  const uint64_t received = chunk.offset + chunk.bytes.size();
  if (chunk.offset != 0 && chunk.offset / tenth == received / tenth) return;
  env_.log->Notice("Receiving the state of %s up to entry %llu: %llu of %llu bytes",
                   env_.name.c_str(), static_cast<unsigned long long>(chunk.meta.index),
                   static_cast<unsigned long long>(received),
                   static_cast<unsigned long long>(chunk.total));
}

void ClusterHost::OnSnapshotChunk(const SnapshotChunk& chunk, Micros now) {
  // From whoever was a global in this term or a newer one: what it sends is committed, also if this
  // node hasn't heard yet who that is.
  if (chunk.sender_term < member_->term() || member_->role() == cluster::Role::kGlobal) return;
  if (!needs_rebuild_ && chunk.meta.index <= applied_) return;
  // Nothing here would follow it; or it would take the place of a newer one on disk.
  if (chunk.meta.index < member_->log().base_index()) return;
  if (durable() && chunk.meta.index < maker_.saved_index()) return;
  using Took = SnapshotReceiver::Took;
  std::string error;
  const Took took = receiver_.Accept(chunk, env_.options->dir, &error);
  if (took == Took::kFailed) env_.log->Warning("%s", error.c_str());
  if (took != Took::kNothing && took != Took::kFailed) TellReceived(chunk);
  if (took != Took::kAll) return;
  std::string_view bytes = receiver_.bytes(), table;
  uint64_t size;
  OriginTable origins;
  bool ok = targets::TakeVarint(&bytes, &size) && size <= bytes.size() &&
            origins.Decode(bytes.substr(0, size));
  if (ok) {
    table = bytes.substr(0, size);
    bytes.remove_prefix(size);
    // From here on the state isn't that of the log before.
    maker_.Abort("another state is installed");
    needs_rebuild_ = true;
    can_execute_ = false;
    ok = target_->Restore(bytes, &error);
    if (!ok) NeedState();
  }
  if (!ok) {
    env_.log->Warning("The state received for %s can't be used: %s", env_.name.c_str(),
                      error.c_str());
    receiver_.Reset();
    return;
  }
  origins_ = std::move(origins);
  installing_ = receiver_.meta();
  if (!durable()) {
    receiver_.Reset();
    return FinishInstall(now);
  }
  SnapshotFile file;
  file.cluster = env_.number;
  file.index = installing_.index;
  file.term = installing_.term;
  file.time_ms = installing_.time_ms;
  file.configuration = installing_.configuration;
  file.origins = std::string(table);
  file.data = bytes;
  file.owner = receiver_.owner();
  maker_.NoteOnDisk(file.index, file.data.size());
  receiver_.Reset();
  env_.writer->SaveSnapshot(std::move(file));
}

void ClusterHost::NeedState() {
  needs_rebuild_ = true;
  can_execute_ = false;
  member_->NeedSnapshot();
}

// From what is here, as after a restart: the snapshot on disk, or none, and the log behind it, which
// is applied in the next turns. False: the log in memory doesn't reach back that far.
bool ClusterHost::RebuildState() {
  const Index base = member_->log().base_index();
  SnapshotFile snapshot;
  std::string error;
  if (base != 0) {
    const bool reaches = durable() && maker_.saved_index() >= base &&
                         maker_.saved_index() <= applied_ && installing_.index == 0;
    if (!reaches) return false;
    if (LoadSnapshotFile(env_.options->dir, env_.number, &snapshot, &error) !=
        SnapshotStatus::kLoaded) {
      maker_.NoteOnDisk(0, 0);
      return false;
    }
    if (snapshot.index < base || snapshot.index > applied_) return false;
  }
  target_->Clear();
  origins_.Clear();
  can_execute_ = false;
  state_index_ = snapshot.index;
  return base == 0 ||
         (target_->Restore(snapshot.data, &error) && origins_.Decode(snapshot.origins));
}

bool ClusterHost::ReloadState(std::string* error) {
  *error = "there is no whole state to reload";
  if (!HasWholeState()) return false;
  maker_.Abort("the state is reloaded");
  std::string bytes;
  const bool made = target_->Snapshot([&bytes](std::string_view piece) {
    bytes.append(piece);
    return true;
  });
  if (!made) return false;
  reloaded_at_ = state_index_;
  if (target_->Restore(bytes, error)) return true;
  if (!RebuildState()) NeedState();
  return false;
}

// Up to which entry what was executed here is in the log, of which the entries up to `upto` are
// committed.
Index ClusterHost::SurvivedByLog(Index upto) const {
  const cluster::Log& log = member_->log();
  while (upto > applied_ && upto >= executed_from_ && log.TermAt(upto) != executed_term_) --upto;
  return upto;
}

void ClusterHost::FinishInstall(Micros now) {
  const SnapshotMeta meta = std::exchange(installing_, SnapshotMeta());
  cluster::Configuration configuration;
  if (!cluster::Configuration::Decode(meta.configuration, &configuration)) {
    env_.log->Warning("The state received for %s has no configuration", env_.name.c_str());
    return NeedState();
  }
  // If the log here has the state's last entry it has all before it too (Raft, section 5.3: log
  // matching). Else nobody knows what became of entries executed here and not committed yet.
  const cluster::Log& log = member_->log();
  const bool survived = log.TermAt(meta.index) == meta.term;
  const Index known = std::max(applied_, member_->commit());
  // What was executed here is decided by the log if it reaches that far, else by the table of tags
  // in the state.
  const bool decided = executed_term_ != 0 && meta.index >= executed_from_ &&
                       (!survived || meta.term != executed_term_);
  const Index outcome =
      survived ? SurvivedByLog(meta.index)
               : std::max(applied_, env_.clients->NewestHeld(origins_.NewestOwn(env_.run)));
  member_->InstallSnapshot(meta.index, meta.term, meta.time_ms, configuration, now);
  if (log.base_index() > meta.index) {
    env_.log->Warning("The state received for %s is older than the log", env_.name.c_str());
    return NeedState();
  }
  if (!survived) env_.clients->OnTruncated(known);
  if (decided) TellOutcome(outcome);
  state_index_ = meta.index;
  applied_ = std::max(applied_, meta.index);
  needs_rebuild_ = false;
  ++snapshots_received_;
  env_.log->Notice("Installed the state of %s up to entry %llu", env_.name.c_str(),
                   static_cast<unsigned long long>(state_index_));
  env_.clients->OnProgress(applied_, confirmed_);
  env_.clients->OnStateReplaced();
}

}  // namespace understudy::server
