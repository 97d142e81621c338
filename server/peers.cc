#include "server/peers.h"

#include <algorithm>
#include <charconv>

#include "server/peer_codec.h"

namespace understudy::server {

namespace {
constexpr cluster::Micros kJoinAgain = 250 * 1000;
constexpr std::string_view kNotGlobal = "-NOTGLOBAL ";
}  // namespace

bool SplitAddress(std::string_view address, std::string* host, int* port) {
  size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  std::string_view name = address.substr(0, colon), digits = address.substr(colon + 1);
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') {
    name = name.substr(1, name.size() - 2);
  }
  int value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return false;
  if (value <= 0 || value > 65535) return false;
  host->assign(name);
  *port = value;
  return true;
}

// Being taken into a cluster: one link at a time, to an address given or one that a node named.
struct Peers::Joining {
  std::vector<std::string> addresses;
  size_t next = 0;
  std::string current;
  std::unique_ptr<PeerLink> link;
  std::unique_ptr<Timer> again;
  std::string last_answer;
};

Peers::Peers(EventLoop* loop, Logger* log, Self self, Events events)
    : loop_(loop), log_(log), self_(std::move(self)), events_(std::move(events)) {}

Peers::~Peers() = default;

std::string Peers::Hello() const {
  std::string hello;
  AppendCommand(&hello,
                {"PEER.HELLO", self_.id, self_.name, self_.address, std::to_string(self_.run)});
  return hello;
}

void Peers::Ensure(const cluster::NodeId& id, const std::string& address) {
  if (id == self_.id || id.empty()) return;
  auto found = links_.find(id);
  if (found != links_.end()) {
    if (found->second->address() == address) return;
    retired_.push_back(std::move(found->second));
    links_.erase(found);
    events_.closed(id);
  }
  std::string host;
  int port;
  if (!SplitAddress(address, &host, &port)) return;
  PeerLink::Events events;
  events.connected = [this, id](PeerLink& link, const std::string&, uint64_t run) {
    OnConnected(id, link, run);
  };
  events.closed = [this, id](PeerLink&) { events_.closed(id); };
  events.refused = [this, id](PeerLink& link) { OnRefused(id, link); };
  links_[id] = std::make_unique<PeerLink>(loop_, log_, host, port, self_.password, Hello(), id,
                                          std::move(events));
}

void Peers::OnConnected(const cluster::NodeId& id, PeerLink& link, cluster::RunId run) {
  Seen& seen = runs_[id];
  if (seen.run != 0 && seen.run != run) events_.dead(id, seen.run);
  seen = {run, link.address()};
  events_.connected(id, run);
}

// No proof if that run was seen elsewhere, or none was: it may live at another address.
void Peers::OnRefused(const cluster::NodeId& id, PeerLink& link) {
  auto seen = runs_.find(id);
  if (seen != runs_.end() && seen->second.address == link.address()) {
    events_.dead(id, seen->second.run);
  }
}

void Peers::Retain(const std::vector<cluster::NodeId>& ids) {
  for (auto it = links_.begin(); it != links_.end();) {
    if (std::find(ids.begin(), ids.end(), it->first) != ids.end()) {
      ++it;
      continue;
    }
    const cluster::NodeId id = it->first;
    retired_.push_back(std::move(it->second));
    it = links_.erase(it);
    events_.closed(id);
  }
}

PeerLink* Peers::Find(const cluster::NodeId& id) {
  auto found = links_.find(id);
  return found == links_.end() ? nullptr : found->second.get();
}

bool Peers::Send(const cluster::NodeId& id, std::string_view bytes) {
  PeerLink* link = Find(id);
  return link != nullptr && link->Send(bytes);
}

void Peers::FlushAll() {
  for (auto& [id, link] : links_) link->Flush();
  if (joining_ != nullptr && joining_->link != nullptr) joining_->link->Flush();
  retired_.clear();
}

void Peers::Join(std::vector<std::string> addresses) {
  joining_ = std::make_unique<Joining>();
  joining_->addresses = std::move(addresses);
  joining_->current = joining_->addresses.front();
  joining_->again = std::make_unique<Timer>(loop_, [this] { AskToJoin(); });
  AskToJoin();
}

void Peers::StopJoining() {
  if (joining_ == nullptr) return;
  if (joining_->link != nullptr) retired_.push_back(std::move(joining_->link));
  joining_.reset();
}

void Peers::AskToJoin() {
  Joining& joining = *joining_;
  joining.again->Start(kJoinAgain);
  if (joining.link != nullptr && joining.link->connected() &&
      joining.link->address() == joining.current) {
    std::string ask;
    AppendCommand(&ask, {"PEER.JOIN", self_.id, self_.name, self_.address});
    joining.link->Send(ask);
    return;
  }
  if (joining.link != nullptr) retired_.push_back(std::move(joining.link));
  std::string host;
  int port;
  if (!SplitAddress(joining.current, &host, &port)) return;
  PeerLink::Events events;
  events.connected = [this](PeerLink& link, const std::string&, uint64_t) {
    std::string ask;
    AppendCommand(&ask, {"PEER.JOIN", self_.id, self_.name, self_.address});
    link.Send(ask);
  };
  events.closed = [](PeerLink&) {};
  events.refused = [this](PeerLink&) { NextJoinAddress(); };
  events.answered = [this](PeerLink&, std::string_view reply) { OnJoinAnswer(reply); };
  joining.link = std::make_unique<PeerLink>(loop_, log_, host, port, self_.password, Hello(), "",
                                            std::move(events));
}

void Peers::NextJoinAddress() {
  if (joining_ == nullptr) return;
  joining_->next = (joining_->next + 1) % joining_->addresses.size();
  joining_->current = joining_->addresses[joining_->next];
}

void Peers::OnJoinAnswer(std::string_view reply) {
  if (joining_ == nullptr) return;
  if (reply != joining_->last_answer) {
    joining_->last_answer = std::string(reply);
    log_->Notice("Asked %s to take this node in: %s", joining_->current.c_str(),
                 joining_->last_answer.c_str());
  }
  if (reply.substr(0, kNotGlobal.size()) == kNotGlobal) {
    std::string host, address(reply.substr(kNotGlobal.size()));
    int port;
    if (SplitAddress(address, &host, &port)) {
      joining_->current = address;
      joining_->again->Start(0);
      return;
    }
  }
  if (!reply.empty() && reply[0] == '-') NextJoinAddress();
}

}  // namespace understudy::server
