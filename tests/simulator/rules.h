// Rules that each message must keep by itself, judged by what is on the sender's disk: a rule
// broken is found here at once, where its consequence would need a rare chain of events.
#pragma once

#include <map>
#include <utility>

#include "tests/simulator/node.h"

namespace understudy::simulator {

class Rules {
 public:
  // `message` leaves `sender`. nullptr, or which rule it breaks.
  const char* Check(const Node& sender, const cluster::Message& message);

 private:
  const char* CheckGrant(const Node& sender, const cluster::Message& message);
  static const char* CheckAcknowledgement(const Node& sender, const cluster::Message& message);

  struct Asked {
    RunId run = 0;
    Term log_term = 0;
    Index log_index = 0;
  };
  std::map<std::pair<NodeId, Term>, Asked> asked_;  // the newest request of a candidate in a term
  std::map<std::pair<NodeId, Term>, NodeId> granted_;
};

}  // namespace understudy::simulator
