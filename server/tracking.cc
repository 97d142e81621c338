#include "server/tracking.h"

#include <algorithm>

#include "server/transaction.h"

namespace understudy::server {

void Tracking::Begin(Connection& connection, const TrackingState& state) {
  connection.session().tracking = std::make_shared<TrackingState>(state);
  clients_.insert(connection.session().id);
  events_->Listen(this, true);
}

// What it read stays in the table until it is touched: finding it would cost more.
void Tracking::End(Connection& connection) {
  if (connection.session().tracking == nullptr) return;
  connection.session().tracking = nullptr;
  clients_.erase(connection.session().id);
  std::erase_if(broadcasts_,
                [&](const auto& one) { return one.first.first == connection.session().id; });
  if (!clients_.empty()) return;
  events_->Listen(this, false);
  readers_.clear();
  oldest_.clear();
  items_ = 0;
}

// --- what clients read --------------------------------------------------------------------------

template <typename Visit>
void Tracking::ForEachKey(const protocol::Command& command, std::span<const std::string_view> args,
                          const Visit& visit) {
  if (!command.Has(protocol::kReadonly)) return;
  if (!protocol::CommandTable::FindKeys(command, args, &positions_)) return;
  for (size_t position : positions_) visit(args[position]);
}

void Tracking::OnRead(const Connection& connection, const protocol::Command& command,
                      std::span<const std::string_view> args) {
  const Session& session = connection.session();
  if (session.tracking == nullptr || session.tracking->broadcast) return;
  ForEachKey(command, args, [&](std::string_view key) { Remember(session.id, key); });
}

void Tracking::OnAnswered(Connection& connection, const protocol::Command& command,
                          std::span<const std::string_view> args) {
  const Session& session = connection.session();
  if (session.tracking == nullptr || session.tracking->broadcast) return;
  ForEachKey(command, args, [&](std::string_view key) {
    auto found = readers_.find(std::string(key));
    bool remembered = found != readers_.end() && found->second.contains(session.id);
    if (!remembered) messages_.push_back({session.id, false, std::string(key)});
  });
}

void Tracking::Remember(uint64_t client, std::string_view key) {
  auto [found, is_new] = readers_.try_emplace(std::string(key));
  if (is_new) oldest_.push_back(found->first);
  if (found->second.insert(client).second) ++items_;
  while (max_keys_ != 0 && readers_.size() > max_keys_ && !oldest_.empty()) {
    std::string victim = std::move(oldest_.front());
    oldest_.pop_front();
    Forget(victim, 0);
  }
  // Names of keys that were touched since stay in the queue; it isn't to grow without end.
  if (oldest_.size() > 2 * readers_.size() + 1024) {
    std::erase_if(oldest_, [this](const std::string& name) { return !readers_.contains(name); });
  }
}

// --- what changed -------------------------------------------------------------------------------

// Tells all who read it, but `but` if that one doesn't want to hear of its own changes.
void Tracking::Forget(const std::string& key, uint64_t but) {
  auto found = readers_.find(key);
  if (found == readers_.end()) return;
  items_ -= found->second.size();
  for (uint64_t client : found->second) {
    if (!clients_.contains(client)) continue;
    const Connection* connection = connections_->Find(client);
    if (connection == nullptr) continue;
    // It may track otherwise by now.
    const TrackingState& state = *connection->session().tracking;
    if (state.broadcast || (client == but && state.no_loop)) continue;
    messages_.push_back({client, false, key});
  }
  readers_.erase(found);
}

void Tracking::OnChange(int, std::string_view key, targets::kv::Change, std::string_view) {
  std::string name(key);
  Forget(name, cause_);
  for (uint64_t client : clients_) {
    const Connection* connection = connections_->Find(client);
    if (connection == nullptr) continue;
    const TrackingState& state = *connection->session().tracking;
    if (!state.broadcast || (state.no_loop && client == cause_)) continue;
    for (const std::string& prefix : state.prefixes) {
      if (name.starts_with(prefix)) broadcasts_[{client, prefix}].insert(name);
    }
  }
}

void Tracking::OnDatabaseChanged(int) { InvalidateAll(); }

void Tracking::InvalidateAll() {
  readers_.clear();
  oldest_.clear();
  items_ = 0;
  for (uint64_t client : clients_) {
    bool told = std::any_of(messages_.begin(), messages_.end(), [client](const Message& message) {
      return message.client == client && message.all;
    });
    if (!told) messages_.push_back({client, true, {}});
  }
}

size_t Tracking::prefixes() const {
  std::set<std::string_view> all;
  for (uint64_t client : clients_) {
    const Connection* connection = connections_->Find(client);
    if (connection == nullptr) continue;
    const auto& prefixes = connection->session().tracking->prefixes;
    all.insert(prefixes.begin(), prefixes.end());
  }
  return all.size();
}

// --- telling ------------------------------------------------------------------------------------

void Tracking::Deliver(const Send& send) {
  std::vector<Message> messages;
  messages.swap(messages_);
  for (const Message& message : messages) {
    Tell(message.client, message.all, std::span(&message.key, 1), send);
  }
  decltype(broadcasts_) broadcasts;
  broadcasts.swap(broadcasts_);
  for (const auto& [to, keys] : broadcasts) {
    Tell(to.first, false, std::vector<std::string>(keys.begin(), keys.end()), send);
  }
}

void Tracking::Tell(uint64_t client, bool all, std::span<const std::string> keys,
                    const Send& send) {
  Connection* connection = connections_->Find(client);
  if (connection == nullptr || connection->session().tracking == nullptr) return;
  TrackingState& state = *connection->session().tracking;
  Connection* to = connection;
  if (state.redirect != 0) {
    to = connections_->Find(state.redirect);
    if (to == nullptr || to->closing()) {
      state.broken_redirect = true;
      if (connection->session().resp < 3) return;
      return send(*connection, [&state](protocol::ReplyWriter* reply) {
        reply->Push(2);
        reply->Bulk("tracking-redir-broken");
        reply->Integer(static_cast<int64_t>(state.redirect));
      });
    }
  }
  // Nothing tells messages from replies in RESP2, but for those that a subscriber gets.
  bool push = to->session().resp >= 3;
  if (!push && (to == connection || !to->session().listener())) return;
  send(*to, [&](protocol::ReplyWriter* reply) {
    if (push) {
      reply->Push(2);
      reply->Bulk("invalidate");
    } else {
      reply->Array(3);
      reply->Bulk("message");
      reply->Bulk("__redis__:invalidate");
    }
    if (all) return push ? reply->Null() : reply->NullArray();
    reply->Array(keys.size());
    for (const std::string& key : keys) reply->Bulk(key);
  });
}

std::string OverlapError(const std::set<std::string>& had, std::span<const std::string> added) {
  auto overlap = [](const std::string& a, const std::string& b) {
    return a.starts_with(b) || b.starts_with(a);
  };
  for (size_t i = 0; i < added.size(); ++i) {
    for (const std::string& prefix : had) {
      if (!overlap(added[i], prefix)) continue;
      return "ERR Prefix '" + added[i] + "' overlaps with an existing prefix '" + prefix +
             "'. Prefixes for a single client must not overlap.";
    }
    for (size_t j = i + 1; j < added.size(); ++j) {
      if (!overlap(added[i], added[j])) continue;
      return "ERR Prefix '" + added[i] + "' overlaps with another provided prefix '" + added[j] +
             "'. Prefixes for a single client must not overlap.";
    }
  }
  return "";
}

}  // namespace understudy::server
