#include "server/link_watch.h"

#include <set>
#include <vector>

namespace understudy::server {

using cluster::Micros;

// Why a link to a client of this node has ended; empty: it hasn't.
std::string_view LinkWatch::OwnEnd(const targets::Client& client) const {
  if (client.run != run_) return "node restarted";
  return connections_->Find(client.id) == nullptr ? "disconnected" : std::string_view();
}

// The same for all of another node's.
std::string_view LinkWatch::NodesEnd(const NodeRun& node, Micros now) {
  const PeerLink* link = peers_->Find(node.first);
  const bool connected = link != nullptr && link->connected();
  if (connected && link->run() == node.second) {
    missing_since_.erase(node);
    return {};
  }
  if (const auto dead = dead_.find(node.first);
      dead != dead_.end() && dead->second == node.second && !connected) {
    return "node lost";
  }
  const Micros since = missing_since_.try_emplace(node, now).first->second;
  // The link to a node may be older than what came from it.
  if (connected) return now - since >= kRestartedAfter ? "node restarted" : std::string_view();
  return now - since >= kLostAfter ? "node lost" : std::string_view();
}

void LinkWatch::Cron(Micros now, Micros wait) {
  if (now < next_) return;
  next_ = now + kInterval;
  std::erase_if(said_, [now](const auto& said) { return said.second <= now; });
  if (!host_->settled() || host_->target().links() == 0) return missing_since_.clear();

  const bool global = host_->member().role() == cluster::Role::kGlobal;
  std::map<NodeRun, std::string_view> ends;  // of other nodes
  std::vector<std::pair<Key, std::string_view>> found;
  host_->target().VisitLinks([&](const targets::Client& client) {
    if (found.size() >= kMaxAtOnce) return;
    std::string_view reason;
    if (client.node_id == self_) {
      reason = OwnEnd(client);
    } else if (global) {
      NodeRun node(client.node_id, client.run);
      auto known = ends.find(node);
      if (known == ends.end()) known = ends.emplace(node, NodesEnd(node, now)).first;
      reason = known->second;
    }
    if (reason.empty()) return;
    Key key(client.node_id, client.run, client.id);
    if (!said_.contains(key)) found.emplace_back(std::move(key), reason);
  });
  std::erase_if(missing_since_, [&](const auto& entry) { return !ends.contains(entry.first); });
  for (const auto& [key, reason] : found) Say(key, reason, now, wait);
}

void LinkWatch::OnClosed(uint64_t client, std::string_view reason, Micros now, Micros wait) {
  Say({self_, run_, client}, reason, now, wait);
}

void LinkWatch::Say(const Key& key, std::string_view reason, Micros now, Micros wait) {
  const auto& [node, run, client] = key;
  const std::string run_text = std::to_string(run), client_text = std::to_string(client);
  const std::string_view args[] = {"target.unlink", host_->name(), "exit", node,
                                   run_text,        client_text,   reason};
  ask_(*unlink_, args, now, wait);
  said_[key] = now + 2 * wait;
  ++said_count_;
}

}  // namespace understudy::server
