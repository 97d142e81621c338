// The part of ClusterHost that moves whole states: from disk at the start, and from the global to
// a local that can't be served from the log.
#include <algorithm>

#include "server/cluster_host.h"
#include "targets/effect.h"

namespace understudy::server {

using cluster::Index;
using cluster::Micros;

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
  cluster::Recovered core;
  core.lock = std::move(recovered.lock);
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

// --- at the global ------------------------------------------------------------------------------

void ClusterHost::StartTransfer(const cluster::NodeId& to, Micros now) {
  SnapshotMeta meta;
  meta.index = state_index_;
  meta.term = member_->log().TermAt(state_index_);
  meta.time_ms = member_->GlobalTimeMs(now);
  meta.configuration = member_->ConfigurationAt(meta.index).Encode();
  std::string table, bytes;
  origins_.Encode(&table);
  targets::AppendVarint(&bytes, table.size());
  bytes += table;
  target_->Snapshot([&bytes](std::string_view piece) {
    bytes.append(piece);
    return true;
  });
  env_.log->Notice("Sending the state of %s up to entry %llu (%zu bytes) to %.8s",
                   env_.name.c_str(), static_cast<unsigned long long>(meta.index), bytes.size(),
                   to.c_str());
  senders_[to] = std::make_unique<SnapshotSender>(std::move(meta), std::move(bytes));
}

void ClusterHost::PumpTransfers(Micros now) {
  for (auto it = senders_.begin(); it != senders_.end();) {
    const cluster::NodeId& to = it->first;
    SnapshotSender& sender = *it->second;
    if (member_->role() != cluster::Role::kGlobal) {
      it = senders_.erase(it);
      continue;
    }
    // A state that may still be taken back isn't given to anybody.
    if (member_->commit() < sender.meta().index) {
      ++it;
      continue;
    }
    bool works = sender.Pump(env_.name, env_.id, member_->term(), peers().Find(to));
    if (works && !sender.done()) {
      ++it;
      continue;
    }
    env_.log->Notice("The transfer of %s to %.8s %s", env_.name.c_str(), to.c_str(),
                     works ? "is on its way" : "broke");
    if (works) ++snapshots_sent_;
    member_->SnapshotSent(to, sender.meta().index, works, now);
    it = senders_.erase(it);
  }
}

// --- at a local ---------------------------------------------------------------------------------

void ClusterHost::OnSnapshotChunk(const SnapshotChunk& chunk, Micros now) {
  if (chunk.sender_term < member_->term() || chunk.from != member_->holder()) return;
  if (!needs_rebuild_ && chunk.meta.index <= applied_) return;
  if (!receiver_.Accept(chunk)) return;
  std::string_view bytes = receiver_.bytes(), table;
  uint64_t size;
  std::string error;
  OriginTable origins;
  bool ok = targets::TakeVarint(&bytes, &size) && size <= bytes.size() &&
            origins.Decode(bytes.substr(0, size));
  if (ok) {
    table = bytes.substr(0, size);
    bytes.remove_prefix(size);
    // From here on the state isn't that of the log before.
    needs_rebuild_ = true;
    can_execute_ = false;
    ok = target_->Restore(bytes, &error);
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
  auto kept = std::make_shared<std::string>(bytes);
  SnapshotFile file;
  file.cluster = env_.number;
  file.index = installing_.index;
  file.term = installing_.term;
  file.time_ms = installing_.time_ms;
  file.configuration = installing_.configuration;
  file.origins = std::string(table);
  file.data = *kept;
  file.owner = kept;
  receiver_.Reset();
  env_.writer->SaveSnapshot(std::move(file));
}

void ClusterHost::OnSnapshotSaved(Index index, cluster::Term term, Micros now) {
  if (installing_.index == 0 || installing_.index != index || installing_.term != term) return;
  env_.writer->SetCovered(env_.number, index);
  FinishInstall(now);
}

void ClusterHost::OnSnapshotFailed(const std::string& why, Micros now) {
  env_.log->Warning("Saving a snapshot of %s failed: %s", env_.name.c_str(), why.c_str());
  if (installing_.index != 0) OnDiskFailed(why, now);
}

void ClusterHost::FinishInstall(Micros now) {
  cluster::Configuration configuration;
  if (!cluster::Configuration::Decode(installing_.configuration, &configuration)) {
    env_.log->Warning("The state received for %s has no configuration", env_.name.c_str());
    installing_ = SnapshotMeta();
    return;
  }
  member_->InstallSnapshot(installing_.index, installing_.term, installing_.time_ms, configuration,
                           now);
  applied_ = state_index_ = installing_.index;
  needs_rebuild_ = false;
  ++snapshots_received_;
  env_.clients->OnStateReplaced();
  env_.log->Notice("Installed the state of %s up to entry %llu", env_.name.c_str(),
                   static_cast<unsigned long long>(applied_));
  installing_ = SnapshotMeta();
  env_.clients->OnProgress(applied_, confirmed_);
}

}  // namespace understudy::server
