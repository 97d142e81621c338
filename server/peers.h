// This node's links to the others: one a node, found by its id, kept as long as it is a member or
// says that it wants to be one.
// Owns the links; one thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/types.h"
#include "server/logger.h"
#include "server/peer_link.h"

namespace understudy::server {

class Peers {
 public:
  struct Events {
    // A link to that node works; it is in this run.
    std::function<void(const cluster::NodeId& id, cluster::RunId run)> connected;
    std::function<void(const cluster::NodeId& id)> closed;
    // The link to this run ended, and a new one to the same address was refused, or one to any
    // address found another run: it isn't alive any more.
    std::function<void(const cluster::NodeId& id, cluster::RunId run)> dead;
  };
  struct Self {
    cluster::NodeId id;
    std::string name;
    std::string address;
    cluster::RunId run = 0;
    std::string password;  // sent before the greeting if not empty
  };

  Peers(EventLoop* loop, Logger* log, Self self, Events events);
  ~Peers();

  // A link to that node at that address, made or moved there.
  void Ensure(const cluster::NodeId& id, const std::string& address);
  // Keeps links to these nodes only.
  void Retain(const std::vector<cluster::NodeId>& ids);

  PeerLink* Find(const cluster::NodeId& id);
  const std::map<cluster::NodeId, std::unique_ptr<PeerLink>>& links() const { return links_; }
  bool Send(const cluster::NodeId& id, std::string_view bytes);
  void FlushAll();

  // Asks these addresses in turn to be taken into their cluster, until StopJoining().
  void Join(std::vector<std::string> addresses);
  void StopJoining();
  bool joining() const { return joining_ != nullptr; }

 private:
  struct Joining;
  std::string Hello() const;
  void OnConnected(const cluster::NodeId& id, PeerLink& link, cluster::RunId run);
  void OnRefused(const cluster::NodeId& id, PeerLink& link);
  void AskToJoin();
  void NextJoinAddress();
  void OnJoinAnswer(std::string_view reply);

  EventLoop* loop_;
  Logger* log_;
  Self self_;
  Events events_;
  std::map<cluster::NodeId, std::unique_ptr<PeerLink>> links_;
  std::vector<std::unique_ptr<PeerLink>> retired_;  // deleted at the next flush
  struct Seen {
    cluster::RunId run = 0;
    std::string address;
  };
  std::map<cluster::NodeId, Seen> runs_;  // last seen alive, and where
  std::unique_ptr<Joining> joining_;
};

// "host:port" or "[v6]:port"; false if it isn't one.
bool SplitAddress(std::string_view address, std::string* host, int* port);

}  // namespace understudy::server
