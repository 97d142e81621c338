// WATCH: which connections of this node watch which keys, and whether one was touched since.
//
// Every entry that this node executes or applies reports the keys it touches, so a connection's
// flag is exact up to the newest entry in the state here; EXEC at the global asks for what came
// behind it (ForwardedTransaction::seen).
//
// A key that was expired but not deleted yet when it was watched, and is then deleted, hasn't
// changed (Redis' rule); a flush touches keys that exist.
// One thread. Limit: kMaxWatched keys a connection.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/connection_table.h"
#include "targets/kv/keyspace.h"
#include "targets/machine.h"

namespace understudy::server {

class Watches : public targets::kv::KeyspaceObserver {
 public:
  static constexpr size_t kMaxWatched = 100000;

  // `peek` tells of a key now. `observe` is called with true when there is something to hear of,
  // with false when there isn't any more.
  Watches(ConnectionTable* connections,
          std::function<targets::KeyInfo(int db, std::string_view key)> peek,
          std::function<void(bool)> observe)
      : connections_(connections), peek_(std::move(peek)), observe_(std::move(observe)) {}

  // False: the connection watches too many.
  bool Add(Connection& connection, int db, std::string_view key);
  void RemoveAll(Connection& connection);
  // The state was replaced: nobody can tell what was touched.
  void TouchAll();

  // KeyspaceObserver
  void OnChange(int db, std::string_view key, targets::kv::Change change,
                std::string_view event) override;
  void OnDatabaseChanged(int db) override;

 private:
  struct Watch {
    uint64_t connection;
    bool existed;  // and wasn't expired
  };
  static std::string Name(int db, std::string_view key);
  void Touch(const Watch& watch);

  ConnectionTable* connections_;
  std::function<targets::KeyInfo(int, std::string_view)> peek_;
  std::function<void(bool)> observe_;
  std::unordered_map<std::string, std::vector<Watch>> watches_;  // by Name()
};

}  // namespace understudy::server
