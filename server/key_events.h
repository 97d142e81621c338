// Who hears of changes in the key space of this node: WATCH, tracking, and others. The key space
// tells one observer (targets/kv/keyspace.h); this one passes it on to all who listen just now, and
// leaves the key space alone while nobody does.
//
// Ownership: listeners outlive this object or leave before. One thread.
#pragma once

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

#include "targets/kv/keyspace.h"

namespace understudy::server {

class KeyEvents : public targets::kv::KeyspaceObserver {
 public:
  // `observe` gets this object when there is somebody to hear, nullptr when there is nobody more.
  explicit KeyEvents(std::function<void(targets::kv::KeyspaceObserver*)> observe)
      : observe_(std::move(observe)) {}

  // Twice is once.
  void Listen(targets::kv::KeyspaceObserver* listener, bool on) {
    bool listens = std::find(listeners_.begin(), listeners_.end(), listener) != listeners_.end();
    if (on == listens) return;
    if (on) {
      listeners_.push_back(listener);
      if (listeners_.size() == 1) observe_(this);
    } else {
      std::erase(listeners_, listener);
      if (listeners_.empty()) observe_(nullptr);
    }
  }

  // KeyspaceObserver
  void OnChange(int db, std::string_view key, targets::kv::Change change,
                std::string_view event) override {
    for (targets::kv::KeyspaceObserver* listener : listeners_) {
      listener->OnChange(db, key, change, event);
    }
  }
  void OnDatabaseChanged(int db) override {
    for (targets::kv::KeyspaceObserver* listener : listeners_) listener->OnDatabaseChanged(db);
  }

 private:
  std::function<void(targets::kv::KeyspaceObserver*)> observe_;
  std::vector<targets::kv::KeyspaceObserver*> listeners_;
};

}  // namespace understudy::server
