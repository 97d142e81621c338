// The network of a simulation: links, messages on their way, snapshots, partitions.
#include <algorithm>
#include <memory>
#include <utility>

#include "tests/simulator/scenario_cluster.h"
#include "tests/simulator/simulation.h"

namespace understudy::simulator {

using cluster::Member;
using cluster::Message;

// One side of a link to another machine opens, and learns its run.
void Simulation::LinkUp(size_t one, size_t other) {
  auto open = [this](size_t here, size_t there) {
    if (!machines_[here].node->running() || !machines_[there].node->running()) return;
    if (!Reaches(here, there) || !Reaches(there, here) || machines_[there].paused) return;
    if (machines_[here].stopping || machines_[there].stopping) return;
    RunId run = machines_[there].node->run();
    auto link = machines_[here].linked.find(there);
    if (link != machines_[here].linked.end()) {
      if (link->second != run) LinkDown(here, there, true);
      return;
    }
    OnMachine(here, [this, here, there, run] {
      Machine& machine = machines_[here];
      // The handshake that this ends began a moment ago: the other one may be gone by now.
      if (!machines_[there].node->running() || machines_[there].node->run() != run) return;
      machine.linked[there] = run;
      machine.node->member().PeerConnected(machines_[there].node->id(), run, Clock(machine));
    });
  };
  open(one, other);
  open(other, one);
}

// `peer_died`: the process was seen to be gone: its address refuses, or answers for another run.
void Simulation::LinkDown(size_t one, size_t other, bool peer_died) {
  OnMachine(one, [this, one, other, peer_died] {
    Machine& machine = machines_[one];
    auto link = machine.linked.find(other);
    if (link == machine.linked.end()) return;
    RunId run = link->second;
    machine.linked.erase(link);
    const NodeId& id = machines_[other].node->id();
    machine.node->member().PeerClosed(id, Clock(machine));
    bool dead = !machines_[other].node->running() || machines_[other].node->run() != run;
    if (peer_died && dead) {
      After(Delay(1000), [this, one, other, run] {
        OnMachine(one, [this, one, other, run] {
          machines_[one].node->member().PeerDead(machines_[other].node->id(), run,
                                                 Clock(machines_[one]));
        });
      });
    }
    After(Delay(20000), [this, one, other] { LinkUp(one, other); });
  });
}

void Simulation::Deliver(size_t from, const Message& message) {
  size_t to = IndexOf(message.to);
  if (to >= machines_.size()) return;
  if (options_.trace) Note(DescribeMessage(message));
  size_t copies = Chance(faults_.duplicate) ? 2 : 1;
  for (; copies > 0; --copies) {
    if (Chance(faults_.loss) || !Reaches(from, to)) continue;
    auto envelope = std::make_shared<Envelope>(message);
    Micros delay = faults_.straggle != 0 && !healing_ && Chance(faults_.straggle)
                       ? static_cast<Micros>(Pick(static_cast<uint64_t>(3 * ttl_)))
                       : Delay(faults_.delay);
    After(delay, [this, from, to, envelope] {
      if (!Reaches(from, to)) return;
      OnMachine(to, [this, to, envelope] {
        Machine& machine = machines_[to];
        machine.node->member().Step(envelope->View(), Clock(machine));
      });
    });
  }
}

// The whole state up to what the sender has committed, in one piece.
void Simulation::SendSnapshot(size_t from, size_t to) {
  const Member& member = machines_[from].node->member();
  Index index = member.commit();
  RunId run = machines_[from].node->run();
  bool fails = Chance(0.2) && !healing_;
  Note(machines_[from].node->id() + " sends a snapshot at " + std::to_string(index) + " to " +
       machines_[to].node->id());
  After(Delay(10'000), [this, from, to, index, run, fails] {
    bool arrives = !fails && Reaches(from, to) && machines_[to].node->running() && index > 0;
    if (arrives) {
      OnMachine(to, [this, to, index] {
        const Committed& last = history_[index - 1];
        machines_[to].node->InstallSnapshot(index, last.term, last.time_ms, last.configuration,
                                            Clock(machines_[to]));
      });
    }
    OnMachine(from, [this, from, to, index, run, arrives] {
      Machine& sender = machines_[from];
      if (sender.node->run() != run) return;
      sender.node->member().SnapshotSent(machines_[to].node->id(), index, arrives, Clock(sender));
    });
  });
}

void Simulation::CutNetwork() {
  cut_.clear();
  if (Chance(0.4)) return;
  std::set<size_t> side;
  for (size_t i = 0; i < machines_.size(); ++i) {
    if (Chance(0.4)) side.insert(i);
  }
  bool one_way = Chance(0.3);
  if (Chance(0.4)) {  // here and there, so that some are reached by some only
    for (size_t from = 0; from < machines_.size(); ++from) {
      for (size_t to = 0; to < from; ++to) {
        if (!Chance(0.35)) continue;
        cut_.insert({from, to});
        if (!one_way) cut_.insert({to, from});
      }
    }
    Note("some links are cut");
    return;
  }
  for (size_t from = 0; from < machines_.size(); ++from) {
    for (size_t to = 0; to < machines_.size(); ++to) {
      if (side.count(from) == side.count(to)) continue;
      if (!one_way || side.count(from)) cut_.insert({from, to});
    }
  }
  Note("the network is cut");
}

}  // namespace understudy::simulator
