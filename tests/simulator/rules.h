// Rules that each message must keep by itself, judged by what is on the sender's disk: a rule
// broken is found here at once, where its consequence would need a rare chain of events.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "tests/simulator/node.h"

namespace understudy::simulator {

class Rules {
 public:
  // `message` leaves `sender`. nullptr, or which rule it breaks.
  const char* Check(const Node& sender, const cluster::Message& message);
  // Something happened at `node`, which runs.
  const char* CheckMember(const Node& node);
  // `global` has just won its term; `voters` are those of its configuration, running or not.
  const char* CheckElected(const Node& global, const std::vector<const Node*>& voters);
  // What it acknowledged is lost with its disk.
  void Forget(const NodeId& node) { acknowledged_.erase(node); }

 private:
  const char* CheckGrant(const Node& sender, const cluster::Message& message);
  const char* CheckAcknowledgement(const Node& sender, const cluster::Message& message);

  struct Asked {
    RunId run = 0;
    Term log_term = 0;
    Index log_index = 0;
  };
  std::map<std::pair<NodeId, Term>, Asked> asked_;  // the newest request of a candidate in a term
  std::map<std::pair<NodeId, Term>, std::pair<NodeId, RunId>> granted_;
  struct Acknowledged {
    Term term = 0;
    Index match = 0;
  };
  std::map<NodeId, Acknowledged> acknowledged_;
  std::map<std::pair<NodeId, RunId>, Index> commits_;  // of globals, when last seen
};

}  // namespace understudy::simulator
