// All clusters that this node knows beside `main`: made, started and ended as the directory says
// (targets/directory/directory_target.h), found by name (clients) and by wire name (peers), and
// turned.
//
// Only those that something happened to in a turn are worked on at its end; one timer ticks those
// that are due, on a grid of kTickGrid, so that a thousand idle ones cost one wake-up.
//
// Invariants:
//  1. What the directory says counts when its entry is committed.
//  2. A cluster's host is found by its number in what the disk tells; by name only in the
//  directory.
// One thread.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/named_cluster.h"

namespace understudy::server {

class Node;

class Clusters {
 public:
  static constexpr cluster::Micros kTickGrid = 10 * 1000;
  static constexpr cluster::Micros kCronInterval = 500 * 1000;  // of one that wants no timer

  explicit Clusters(Node* node) : node_(node) {}

  // What was on disk, but for `main`; to be called before anything else.
  void TakeRecovered(std::map<uint64_t, RecoveredCluster> recovered);

  bool empty() const { return by_number_.empty(); }
  size_t size() const { return by_number_.size(); }
  // nullptr: there is none.
  NamedCluster* Find(std::string_view name);
  NamedCluster* FindByWire(std::string_view wire);
  NamedCluster* FindByNumber(uint64_t number);
  const std::map<uint64_t, std::unique_ptr<NamedCluster>>& all() const { return by_number_; }
  // The cluster that this command of a target is for; nullptr: `main`.
  NamedCluster* Route(const protocol::Command& command, std::span<const std::string_view> args);

  // Something is about to happen to it in this turn; gives it back.
  NamedCluster* Touch(NamedCluster* cluster);

  // --- turns ---------------------------------------------------------------------------------
  void EndTurn(cluster::Micros now);
  bool HasWork() const { return !again_.empty(); }
  // When Tick() is needed next.
  cluster::Micros NextTick() const;
  void Tick(cluster::Micros now);
  void Cron(cluster::Micros now);

  template <typename Visit>
  void ForEach(const Visit& visit) {
    for (const auto& [number, cluster] : by_number_) visit(*Touch(cluster.get()));
  }

  void OnClientClosed(uint64_t client, std::string_view reason, cluster::Micros now,
                      cluster::Micros wait);
  // Its target has answered `stop`.
  void EndByTarget(NamedCluster& cluster, std::string_view reason);

 private:
  void FollowDirectory();
  void Schedule(NamedCluster* cluster);
  void DropLeftovers();

  Node* node_;
  const targets::DirectoryTarget* directory_ = nullptr;
  uint64_t followed_ = 0;  // version of the directory
  std::map<uint64_t, RecoveredCluster> recovered_;
  std::map<uint64_t, std::unique_ptr<NamedCluster>> by_number_;
  std::map<std::string, NamedCluster*, std::less<>> by_name_;
  std::vector<NamedCluster*> touched_;
  std::vector<uint64_t> again_;  // numbers of those with work for another turn
  std::set<std::pair<cluster::Micros, uint64_t>> ticks_;
  std::unordered_map<uint64_t, cluster::Micros> tick_of_;
  std::map<uint64_t, cluster::Micros> cron_at_;
};

}  // namespace understudy::server
