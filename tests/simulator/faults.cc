// What goes wrong in a simulation, and what its operators do.
#include <algorithm>
#include <utility>

#include "tests/simulator/simulation.h"

namespace understudy::simulator {

using cluster::Member;
using cluster::Role;

const char* ToString(Storm storm) {
  switch (storm) {
    case Storm::kSeed:
      return "the seed's";
    case Storm::kNone:
      return "none";
    case Storm::kRestarts:
      return "restarts";
    case Storm::kMembers:
      return "members";
    case Storm::kReads:
      return "reads";
    case Storm::kHandovers:
      return "handovers";
    case Storm::kLosses:
      return "losses";
    case Storm::kSnapshots:
      return "snapshots";
  }
  return "unknown";
}

void Simulation::ChooseFaults() {
  auto often = [this](double probability) { return Chance(probability); };
  faults_.loss = often(0.3) ? 0.1 * static_cast<double>(Pick(100)) / 100 : 0;
  faults_.duplicate = often(0.3) ? 0.05 : 0;
  faults_.delay = std::array<Micros, 4>{50, 200, 2000, 20000}[Pick(4)];
  faults_.fsync = std::array<Micros, 5>{20, 500, 5000, 60000, 300000}[Pick(5)];
  faults_.pace = std::array<Micros, 3>{150'000, 400'000, 900'000}[Pick(3)];
  faults_.work = std::array<Micros, 3>{1500, 4000, 8000}[Pick(3)];
  faults_.partitions = often(0.5);
  faults_.flaps = often(0.4);
  faults_.kills = often(0.7);
  faults_.pauses = often(0.5);
  faults_.members = often(0.4);
  faults_.handovers = often(0.4);
  faults_.cuts = often(0.4);
  faults_.disk_failures = often(0.15);
  faults_.data_loss = often(0.2) && !faults_.members;
  faults_.quorum_reads = often(0.2);
  Storm storm = options_.storm;
  faults_.straggle = often(0.2) ? 0.01 : 0;
  faults_.work = often(0.1) ? 200'000 : faults_.work;  // mostly idle
  if (storm == Storm::kSeed) {
    storm = often(0.5) ? Storm::kNone : static_cast<Storm>(2 + Pick(kStorms - 2));
  }
  storm_ = storm;
  switch (storm) {
    case Storm::kSeed:
    case Storm::kNone:
      return;
    case Storm::kRestarts:
      faults_.kills = faults_.partitions = faults_.flaps = true;
      faults_.data_loss = false;
      faults_.supervised = 0.9;
      faults_.close = 0.5;
      faults_.restart = std::array<Micros, 3>{1000, 20'000, 150'000}[Pick(3)];
      faults_.die_promising = 0.15;
      faults_.power_cut = 0.7;
      faults_.disk_failures = true;
      faults_.fsync = std::array<Micros, 3>{500, 5000, 60'000}[Pick(3)];
      break;
    case Storm::kMembers:
      faults_.members = faults_.partitions = faults_.kills = true;
      faults_.data_loss = false;
      break;
    case Storm::kReads:
      faults_.pauses = faults_.partitions = faults_.flaps = true;
      faults_.close = 0.5;
      faults_.work = 1500;
      faults_.fsync = std::array<Micros, 2>{20, 500}[Pick(2)];
      faults_.delay = std::array<Micros, 2>{50, 200}[Pick(2)];
      break;
    case Storm::kHandovers:
      faults_.kills = true;
      faults_.straggle = 0.02;
      if (often(0.4)) faults_.work = 200'000;
      faults_.handovers = faults_.partitions = faults_.pauses = true;
      break;
    case Storm::kLosses:
      faults_.data_loss = faults_.kills = faults_.partitions = true;
      faults_.members = false;
      faults_.supervised = 0.1;
      break;
    case Storm::kSnapshots:
      faults_.cuts = faults_.kills = faults_.members = true;
      faults_.data_loss = false;
      break;
  }
  faults_.pace = std::min<Micros>(faults_.pace, 150'000);
  faults_.storm = 0.4;
}

size_t Simulation::SomeGlobal() {
  std::vector<size_t> globals;
  for (size_t i = 0; i < machines_.size(); ++i) {
    const Machine& machine = machines_[i];
    if (!machine.node->running() || machine.paused) continue;
    if (machine.node->member().role() == Role::kGlobal) globals.push_back(i);
  }
  return globals.empty() ? machines_.size() : globals[Pick(globals.size())];
}

// What this weather is made of.
void Simulation::StormFault() {
  size_t which = Pick(machines_.size());
  size_t global = SomeGlobal();
  bool has_global = global < machines_.size();
  switch (storm_) {
    case Storm::kSeed:
    case Storm::kNone:
      break;
    case Storm::kRestarts:
      if (Chance(0.3)) {
        CutNetwork();
      } else if (Chance(0.2) && has_global) {
        Stop(global);
      } else if (machines_[which].node->running()) {
        Kill(which);
      }
      break;
    case Storm::kMembers:
      if (Chance(0.7)) {
        ChangeMembers();
      } else {
        CutNetwork();
      }
      break;
    case Storm::kReads:
      if (!has_global) break;
      if (Chance(0.5)) {
        Pause(global);
      } else {  // the global and perhaps one other hear nobody, and nobody hears them
        cut_.clear();
        for (size_t i = 0; i < machines_.size(); ++i) {
          if (i == global || i == which) continue;
          cut_.insert({global, i});
          cut_.insert({i, global});
        }
      }
      break;
    case Storm::kHandovers:
      if (Chance(0.2) && has_global) {
        Stop(global);
      } else {
        HandOver();
      }
      break;
    case Storm::kLosses:
      if (Chance(0.5)) {
        if (machines_[which].node->running()) Kill(which);
      } else {
        RestartSome();
      }
      break;
    case Storm::kSnapshots:
      if (has_global) {
        Member& member = machines_[global].node->member();
        member.DropLogUpTo(member.commit());
      }
      if (machines_[which].node->running()) LinkDown(which, global % machines_.size(), false);
      break;
  }
}

void Simulation::ChangeMembers() {
  size_t global = SomeGlobal();  // perhaps one that doesn't know yet that it isn't
  if (global == machines_.size()) return;
  Machine& machine = machines_[global];
  Member& member = machine.node->member();
  size_t which = Pick(machines_.size());
  const NodeId& id = machines_[which].node->id();
  std::string why;
  bool known = member.configuration().Find(id) != nullptr;
  bool done = known ? member.configuration().members.size() > 2 &&
                          member.RemoveMember(id, Clock(machine), &why)
                    : member.AddMember(Info(which), Clock(machine), &why);
  if (done) Note(machine.node->id() + (known ? " removes " : " adds ") + id);
  Turned(global);
}

void Simulation::HandOver() {
  for (size_t at = 0; at < machines_.size(); ++at) {
    Machine& machine = machines_[at];
    if (!machine.node->running() || machine.paused) continue;
    Member& member = machine.node->member();
    if (member.role() != Role::kGlobal) continue;
    std::string why;
    if (Chance(0.2)) {
      member.Release(Clock(machine));
    } else if (member.Transfer(Chance(0.5) ? machines_[Pick(machines_.size())].node->id() : "",
                               Clock(machine), &why)) {
      Note(machine.node->id() + " hands over");
      if (Chance(0.3)) Pause(Pick(machines_.size()));  // whoever is to take it, perhaps
      if (Chance(0.4)) {                               // and hears no more of it for a while
        After(Delay(faults_.delay), [this, at] {
          if (healing_) return;
          for (size_t from = 0; from < machines_.size(); ++from) {
            if (from != at) cut_.insert({from, at});
          }
        });
      }
    }
    Turned(at);
  }
}

void Simulation::Pause(size_t which) {
  Machine& machine = machines_[which];
  if (!machine.node->running() || machine.paused) return;
  machine.paused = true;
  Note(machine.node->id() + " is paused");
  After(Delay(2 * ttl_), [this, which, life = machine.life] {
    if (machines_[which].life == life) Resume(which);
  });
}

void Simulation::Resume(size_t which) {
  Machine& machine = machines_[which];
  if (!machine.paused) return;
  machine.paused = false;
  Note(machine.node->id() + " goes on");
  std::vector<std::function<void()>> queued = std::exchange(machine.queued, {});
  CheckLeases();  // it thaws, and may believe anything before it looks at its clock
  for (auto& action : queued) OnMachine(which, std::move(action));
  Turned(which);
}

void Simulation::RestartSome() {
  for (size_t i = 0; i < machines_.size(); ++i) {
    if (machines_[i].node->running() || !Chance(0.7)) continue;
    // Of a minority only, always the same: what all copies lose is lost.
    bool all_vote =
        !history_.empty() && history_.back().configuration.VoterCount() == machines_.size();
    if (faults_.data_loss && all_vote && i < (machines_.size() - 1) / 2 && Chance(0.5)) {
      machines_[i].node->LoseRecords(std::array<size_t, 4>{1 + Pick(8), 30, 300, 100'000}[Pick(4)]);
      machines_[i].wiped = true;
    }
    Start(i);
  }
}

void Simulation::FailDisk(size_t which) {
  Machine& machine = machines_[which];
  if (!machine.node->running() || machine.paused) return;
  Note(machine.node->id() + "'s disk fails");
  machine.node->FailDisk(Clock(machine));
  Turned(which);
  After(Delay(3 * ttl_), [this, which, life = machine.life] {
    if (machines_[which].life == life && !healing_) Kill(which);
  });
}

// An orderly end: it closes its listener and its links, so that new ones are refused, and lives on
// for a moment.
void Simulation::Stop(size_t which) {
  Machine& machine = machines_[which];
  if (!machine.node->running() || machine.paused) return;
  Note(machine.node->id() + " stops");
  machine.stopping = true;
  RunId run = machine.node->run();
  while (!machine.linked.empty()) {
    size_t other = machine.linked.begin()->first;
    machine.linked.erase(machine.linked.begin());
    machine.node->member().PeerClosed(machines_[other].node->id(), Clock(machine));
    After(Delay(500), [this, other, which, run] {
      OnMachine(other, [this, other, which, run] {
        Machine& here = machines_[other];
        auto link = here.linked.find(which);
        if (link == here.linked.end() || link->second != run) return;
        here.linked.erase(link);
        here.node->member().PeerClosed(machines_[which].node->id(), Clock(here));
        here.node->member().PeerDead(machines_[which].node->id(), run, Clock(here));
      });
    });
  }
  Turned(which);
  After(Delay(ttl_ / 4), [this, which, life = machine.life] {
    if (machines_[which].life == life && !healing_) Kill(which);
  });
}

void Simulation::Fault() {
  if (healing_) return;
  After(Delay(faults_.pace), [this] { Fault(); });
  if (Chance(faults_.storm)) {
    StormFault();
    return;
  }
  size_t which = Pick(machines_.size());
  bool running = machines_[which].node->running();
  switch (Pick(10)) {
    case 0:
      if (faults_.partitions) CutNetwork();
      break;
    case 1:
      if (size_t other = Pick(machines_.size()); faults_.flaps && running && other != which) {
        LinkDown(which, other, false);
      }
      break;
    case 2:
    case 3:
      if (faults_.kills && running) Kill(which);
      break;
    case 4:
      RestartSome();
      break;
    case 5:
      if (faults_.pauses) Pause(which);
      break;
    case 6:
      if (faults_.members) ChangeMembers();
      break;
    case 7:
      if (faults_.handovers) HandOver();
      if (faults_.kills && Chance(0.3)) Stop(which);
      break;
    case 8:
      if (faults_.kills && Chance(faults_.power_cut)) {  // all at once
        for (size_t i = 0; i < machines_.size(); ++i) {
          if (machines_[i].node->running()) Kill(i);
        }
      }
      break;
    case 9:
      if (faults_.disk_failures && Chance(0.3)) FailDisk(which);
      break;
    default:
      break;
  }
}

}  // namespace understudy::simulator
