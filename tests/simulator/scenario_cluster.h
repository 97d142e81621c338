// A cluster in which everything happens by command, for transcripts (tests/scenarios/*.txt).
//
// Time stands still but for `advance`. Messages form one queue and arrive in the order in which
// they were sent; disks write at once unless held. One command a line, ids are n1, n2, ...; what
// follows from it is played out until nothing moves, and told line by line.
//
//   node ID...              starts empty nodes, linked with all that run
//   bootstrap ID            begins a cluster with that node
//   add AT ID, remove AT ID members, asked of node AT
//   propose AT WORD...      entries
//   want AT ID INDEX        at the global: tell that local of the commit of INDEX at once
//   read AT                 asks for a linearizable read
//   lease AT                may AT answer a read at once?
//   transfer AT [ID], release AT
//   kill ID...              kill -9; nobody is told
//   dead ID [BY...]         its link closes and its address refuses, as seen by all or by those
//   close ID [BY...]        its link closes, nothing else
//   start ID...             again, with what is on disk
//   pause ID, resume ID     SIGSTOP, SIGCONT: what arrives meanwhile waits
//   cut A B..., heal        nothing passes between the first and the others; all passes again,
//                           over new links
//   hold-disk ID, free-disk ID, fail-disk ID
//   lose-disk ID N          a stopped node's newest N records are gone: it will be in quarantine
//   shorten ID              drops committed records from memory
//   snapshot AT ID          gives ID the state as committed at AT, and says so to AT
//   advance MS              time passes, with every tick due on the way
//   state [ID...]           one line a node
//   quiet, verbose          messages aren't told, or are (at first they are, but for heartbeats)
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulator/node.h"

namespace understudy::simulator {

class ScenarioCluster {
 public:
  // Plays one command; returns what happened. An unknown one says so.
  std::string Play(const std::string& command);

 private:
  struct Machine {
    std::unique_ptr<Node> node;
    bool paused = false;
    bool disk_held = false;
    bool lost_data = false;
    std::deque<Envelope> waiting;  // while paused
    std::string told;              // newest role and term told
  };
  struct State {  // what a snapshot is made of here
    Term term = 0;
    int64_t time_ms = 0;
    cluster::Configuration configuration;
  };

  using Words = std::vector<std::string>;
  bool PlayNodes(const Words& words);    // what happens to nodes
  bool PlayNetwork(const Words& words);  // between them
  bool PlayMember(const Words& words);   // calls of a Member
  void Add(const NodeId& id);
  void Start(const NodeId& id);
  void Connect(const NodeId& id);
  void Lose(const NodeId& id, bool dead, const Words& observers);
  void Advance(Micros duration);
  void Settle();
  bool DeliverOne();
  void Turn(const NodeId& id);
  void TellRole(const NodeId& id);
  void GiveSnapshot(const NodeId& from, const NodeId& to);
  void Tell(const std::string& line) { told_ += line + "\n"; }
  Machine& At(const NodeId& id) { return machines_.at(id); }
  cluster::Member& MemberOf(const NodeId& id) { return At(id).node->member(); }
  bool Runs(const NodeId& id) const {
    auto found = machines_.find(id);
    return found != machines_.end() && found->second.node->running();
  }

  Micros now_ = 1'000'000;
  std::map<NodeId, Machine> machines_;
  std::deque<Envelope> network_;
  std::set<std::pair<NodeId, NodeId>> cut_;
  std::map<Index, State> committed_;
  bool quiet_ = false;
  std::string told_;
};

// One line: "n1 > n2 Append term=2 after=1/3 entries=4-5 commit=3".
std::string DescribeMessage(const cluster::Message& message);

}  // namespace understudy::simulator
