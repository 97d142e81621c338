#include "server/watches.h"

#include <algorithm>

namespace understudy::server {

using targets::kv::Change;

std::string Watches::Name(int db, std::string_view key) {
  std::string name = std::to_string(db);
  name.push_back(':');
  name.append(key);
  return name;
}

bool Watches::Add(Connection& connection, int db, std::string_view key) {
  Session& session = connection.session();
  std::string name = Name(db, key);
  std::vector<Watch>& list = watches_[name];
  auto is_own = [&](const Watch& watch) { return watch.connection == session.id; };
  if (std::any_of(list.begin(), list.end(), is_own)) return true;
  if (session.watched.size() >= kMaxWatched) {
    if (list.empty()) watches_.erase(name);
    return false;
  }
  if (watches_.size() == 1 && list.empty()) observe_(true);
  targets::KeyInfo info = peek_(db, key);
  bool existed = info.exists && !info.expired;
  list.push_back({session.id, existed});
  session.watched.push_back({db, std::string(key), existed});
  return true;
}

void Watches::RemoveAll(Connection& connection) {
  Session& session = connection.session();
  for (const WatchedKey& key : session.watched) {
    auto found = watches_.find(Name(key.db, key.key));
    if (found == watches_.end()) continue;
    std::erase_if(found->second,
                  [&](const Watch& watch) { return watch.connection == session.id; });
    if (found->second.empty()) watches_.erase(found);
  }
  if (!session.watched.empty() && watches_.empty()) observe_(false);
  session.watched.clear();
  session.watch_touched = false;
}

void Watches::Touch(const Watch& watch) {
  if (Connection* connection = connections_->Find(watch.connection)) {
    connection->session().watch_touched = true;
  }
}

void Watches::TouchAll() {
  for (const auto& [name, list] : watches_) {
    for (const Watch& watch : list) Touch(watch);
  }
}

void Watches::OnChange(int db, std::string_view key, Change change, std::string_view) {
  auto found = watches_.find(Name(db, key));
  if (found == watches_.end()) return;
  bool gone = change == Change::kDeleted || change == Change::kExpired;
  for (const Watch& watch : found->second) {
    if (!gone || watch.existed) Touch(watch);
  }
}

void Watches::OnDatabaseChanged(int db) {
  std::string prefix = Name(db, "");
  for (const auto& [name, list] : watches_) {
    if (name.compare(0, prefix.size(), prefix) != 0) continue;
    // What is there but expired counts as missing, before and after.
    targets::KeyInfo info = peek_(db, std::string_view(name).substr(prefix.size()));
    bool exists = info.exists && !info.expired;
    for (const Watch& watch : list) {
      if (exists || watch.existed) Touch(watch);
    }
  }
}

}  // namespace understudy::server
