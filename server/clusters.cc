#include "server/clusters.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "protocol/numbers.h"
#include "server/node.h"
#include "server/peer_codec.h"
#include "server/snapshot_file.h"

namespace understudy::server {

using cluster::Micros;
using protocol::Owner;

void Clusters::TakeRecovered(std::map<uint64_t, RecoveredCluster> recovered) {
  recovered_ = std::move(recovered);
  recovered_.erase(0);
}

NamedCluster* Clusters::Find(std::string_view name) {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

NamedCluster* Clusters::FindByNumber(uint64_t number) {
  const auto found = by_number_.find(number);
  return found == by_number_.end() ? nullptr : found->second.get();
}

NamedCluster* Clusters::FindByWire(std::string_view wire) {
  uint64_t number;
  if (wire.empty() || wire[0] != '#' || !ParseUnsigned(wire.substr(1), &number)) return nullptr;
  return FindByNumber(number);
}

NamedCluster* Clusters::Route(const protocol::Command& command,
                              std::span<const std::string_view> args) {
  if (by_name_.empty() || args.size() < 2) return nullptr;
  NamedCluster* cluster = Find(args[1]);
  if (cluster == nullptr) return nullptr;
  switch (command.row->owner) {
    case Owner::kId:
      return cluster->entry().type == "id" ? cluster : nullptr;
    case Owner::kChat:
      return cluster->entry().type == "chat" ? cluster : nullptr;
    case Owner::kNode:
      return command.row->group == protocol::Group::kTarget &&
                     command.row->name != "target.running" && command.row->name != "target.load"
                 ? cluster
                 : nullptr;
    case Owner::kTarget: {
      const std::string_view name = command.row->name;
      const bool request = name == "target.call" || name == "target.cast" ||
                           name == "target.link" || name == "target.unlink";
      return request ? cluster : nullptr;
    }
    default:
      return nullptr;
  }
}

NamedCluster* Clusters::Touch(NamedCluster* cluster) {
  if (!cluster->touched) {
    cluster->touched = true;
    touched_.push_back(cluster);
    cluster->BeginWork(node_->now());
  }
  return cluster;
}

// --- turns --------------------------------------------------------------------------------------

void Clusters::EndTurn(Micros now) {
  FollowDirectory();
  for (uint64_t number : std::exchange(again_, {})) {
    if (NamedCluster* cluster = FindByNumber(number)) Touch(cluster);
  }
  // What one does may touch others.
  for (size_t i = 0; i < touched_.size(); ++i) touched_[i]->EndTurn(now);
  for (NamedCluster* cluster : touched_) {
    cluster->touched = false;
    Schedule(cluster);
    if (cluster->HasWork()) again_.push_back(cluster->number());
  }
  touched_.clear();
}

void Clusters::Schedule(NamedCluster* cluster) {
  Micros next = cluster->NextTick();
  if (next != NamedCluster::kNever) next = (next + kTickGrid - 1) / kTickGrid * kTickGrid;
  Micros& before = tick_of_[cluster->number()];
  if (before == next) return;
  if (before != 0) ticks_.erase({before, cluster->number()});
  before = next;
  if (next != NamedCluster::kNever) ticks_.insert({next, cluster->number()});
}

Micros Clusters::NextTick() const {
  return ticks_.empty() ? NamedCluster::kNever : ticks_.begin()->first;
}

void Clusters::Tick(Micros now) {
  while (!ticks_.empty() && ticks_.begin()->first <= now) {
    const uint64_t number = ticks_.begin()->second;
    ticks_.erase(ticks_.begin());
    tick_of_[number] = 0;
    NamedCluster* cluster = FindByNumber(number);
    if (cluster == nullptr || !cluster->active()) continue;
    Touch(cluster)->host()->Tick(now);
  }
}

void Clusters::Cron(Micros now) {
  for (const auto& [number, cluster] : by_number_) {
    Micros& due = cron_at_[number];
    const bool soon = cluster->calls().outstanding() > 0 ||
                      (cluster->active() && cluster->host()->target().WantsTimer());
    if (due > now && !soon) continue;
    // Spread over the interval, so that not all come at once.
    due = now + kCronInterval - static_cast<Micros>(number * 7919 % 100) * 1000;
    Touch(cluster.get())->Cron(now);
  }
}

// --- the directory ------------------------------------------------------------------------------

void Clusters::FollowDirectory() {
  const ClusterHost& main = node_->host();
  if (directory_ == nullptr) directory_ = targets::GetDirectory(main.target());
  if (directory_->version() == followed_ || !main.settled() ||
      main.applied() < directory_->changed()) {
    return;
  }
  followed_ = directory_->version();
  std::set<uint64_t> numbers;
  by_name_.clear();
  for (const auto& [name, entry] : directory_->entries()) {
    numbers.insert(entry.number);
    auto& cluster = by_number_[entry.number];
    if (cluster == nullptr) cluster = std::make_unique<NamedCluster>(node_, name, entry);
    by_name_[name] = cluster.get();
    Touch(cluster.get());
    const auto found = recovered_.find(entry.number);
    RecoveredCluster nothing;
    nothing.log = cluster::Log(entry.number);
    const bool had_host = cluster->host() != nullptr, was_active = cluster->active();
    cluster->Follow(entry, found == recovered_.end() ? &nothing : &found->second);
    if (!had_host && cluster->host() != nullptr && found != recovered_.end())
      recovered_.erase(found);
    if (!was_active) cluster->BeginWork(node_->now());
  }
  for (auto it = by_number_.begin(); it != by_number_.end();) {
    if (numbers.contains(it->first)) {
      ++it;
      continue;
    }
    node_->log().Notice("The cluster %s is removed with its data", it->second->name().c_str());
    std::erase(touched_, it->second.get());
    recovered_.try_emplace(it->first);
    it = by_number_.erase(it);
  }
  if (main.member().serving() || !main.member().holder().empty()) DropLeftovers();
}

// Data of clusters that were deleted: numbers are those of entries of `main`, so one that was
// applied and isn't in the directory never will be again.
void Clusters::DropLeftovers() {
  std::erase_if(recovered_, [this](const auto& left) {
    if (left.first > node_->host().applied() || by_number_.contains(left.first)) return false;
    node_->writer().SetCovered(left.first, UINT64_MAX);
    RemoveSnapshotFile(node_->options().dir, left.first);
    return true;
  });
}

void Clusters::OnClientClosed(uint64_t client, std::string_view reason, Micros now, Micros wait) {
  for (const auto& [number, cluster] : by_number_) {
    cluster->OnClientClosed(client, reason, now, wait);
  }
}

void Clusters::EndByTarget(NamedCluster& cluster, std::string_view reason) {
  const std::string_view args[] = {"target.stop", cluster.name(), "all", reason};
  node_->forwarder().ForwardFor(0, *node_->table().FindByName(args[0]), args, node_->now(),
                                node_->options().cluster_wait_ms * 1000);
}

}  // namespace understudy::server
