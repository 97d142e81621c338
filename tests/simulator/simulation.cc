#include "tests/simulator/simulation.h"

#include <algorithm>
#include <utility>

namespace understudy::simulator {

using cluster::EntryView;
using cluster::Member;
using cluster::MemberInfo;
using cluster::Message;
using cluster::Ready;
using cluster::Role;

Simulation::Simulation(SimulationOptions options) : options_(options), random_(options.seed) {
  size_t count =
      options_.nodes != 0 ? options_.nodes : std::array<size_t, 8>{1, 2, 3, 3, 4, 5, 5, 7}[Pick(8)];
  ChooseFaults();
  machines_.resize(count + (faults_.members ? 2 : 0));
  for (size_t i = 0; i < machines_.size(); ++i) {
    Machine& machine = machines_[i];
    machine.clock_offset = static_cast<Micros>(Pick(1'000'000'000));
    machine.clock_rate = Chance(0.3) ? 0.97 + 0.06 * static_cast<double>(Pick(2))
                                     : 0.97 + 0.06 * static_cast<double>(Pick(1000)) / 1000;
    machine.node = std::make_unique<Node>("n" + std::to_string(i + 1), options_.seed * 64 + i, ttl_,
                                          options_.planted);
    machine.node->on_message = [this, i](const Message& message) {
      if (options_.check_rules) CheckMessage(i, message);
      Deliver(i, message);
    };
    machine.node->on_apply = [this, i](const EntryView& entry) { Applied(i, entry); };
    machine.node->on_read = [this, i](const Ready::Read& read) { ReadDone(i, read); };
    machine.node->on_snapshot_wanted = [this, i](const NodeId& to) {
      SendSnapshot(i, IndexOf(to));
    };
  }
}

Simulation::~Simulation() = default;

// Time and chance ------------------------------------------------------------------------------

Micros Simulation::Delay(Micros mean) {
  double spread = std::exponential_distribution<double>(1.0)(random_);
  return 1 + static_cast<Micros>(static_cast<double>(mean) * std::min(spread, 10.0));
}

void Simulation::At(Micros at, std::function<void()> action) {
  events_.push({at, ++order_, std::move(action)});
}

void Simulation::OnMachine(size_t index, std::function<void()> action) {
  Machine& machine = machines_[index];
  if (!machine.node->running()) return;
  if (machine.paused) {
    machine.queued.push_back(std::move(action));
    return;
  }
  action();
  Turned(index);
}

Micros Simulation::Clock(const Machine& machine) const {
  return machine.clock_offset + static_cast<Micros>(static_cast<double>(now_) * machine.clock_rate);
}

int64_t Simulation::WallMs(const Machine& machine) const {
  return 1'700'000'000'000 + now_ / 1000 + machine.clock_offset / 1'000'000;
}

size_t Simulation::IndexOf(const NodeId& id) const {
  return static_cast<size_t>(std::stoul(id.substr(1))) - 1;
}

MemberInfo Simulation::Info(size_t machine) const {
  const NodeId& id = machines_[machine].node->id();
  return {id, "node" + id, "127.0.0.1:" + std::to_string(7000 + machine), MemberInfo::Kind::kVoter};
}

// Machines -------------------------------------------------------------------------------------

void Simulation::Start(size_t index) {
  Machine& machine = machines_[index];
  ++machine.life;
  machine.tick_at = 0;
  machine.paused = machine.persisting = machine.stopping = false;
  machine.removed_at = 0;
  bool lost = std::exchange(machine.wiped, false);
  Note(machine.node->id() + " starts" + (lost ? ", data lost" : ""));
  bool founds = index == 0 && machine.node->disk().lock.empty();
  machine.node->Start(Clock(machine), WallMs(machine), lost);
  if (lost) {
    rules_.Forget(machine.node->id());
    if (storm_ == Storm::kLosses && Chance(0.5)) {  // and ends again before all is well
      After(Delay(20'000), [this, index, life = machine.life] {
        if (machines_[index].life != life || healing_) return;
        Kill(index);
        Start(index);
      });
    }
  }
  if (faults_.quorum_reads) machine.node->member().SetReadsByLease(false);
  if (founds) machine.node->member().Bootstrap(Info(0), Clock(machine));
  for (size_t other = 0; other < machines_.size(); ++other) {
    if (other != index) After(Delay(2000), [this, index, other] { LinkUp(index, other); });
  }
  Turned(index);
}

void Simulation::Kill(size_t index) {
  Machine& machine = machines_[index];
  Note(machine.node->id() + " is killed");
  machine.node->Kill(Pick(machine.node->pending_writes() + 1), Pick(3));
  ++machine.life;
  machine.paused = false;
  machine.queued.clear();
  machine.proposed.clear();
  machine.reads.clear();
  machine.linked.clear();
  machine.needs_state = false;
  if (Chance(faults_.supervised)) {  // its supervisor starts it again
    After(Delay(faults_.restart), [this, index, life = machine.life] {
      if (machines_[index].life == life && !machines_[index].node->running()) Start(index);
    });
  }
  // A lost host closes no connection: the others find out when it answers again, as another run.
  if (!Chance(faults_.close)) return;
  for (size_t other = 0; other < machines_.size(); ++other) {
    if (other == index) continue;
    After(Delay(500), [this, other, index] { LinkDown(other, index, true); });
  }
}

void Simulation::Turned(size_t index) {
  Machine& machine = machines_[index];
  if (!machine.node->running() || machine.paused) return;
  machine.node->Turn(Clock(machine));
  // A promise is on its way to the disk: a good moment to die.
  if (faults_.kills && !healing_ && machine.node->writes_lock() && Chance(faults_.die_promising)) {
    After(Delay(faults_.fsync / 2), [this, index, life = machine.life] {
      if (machines_[index].life == life && !healing_) Kill(index);
    });
  }
  SchedulePersist(index);
  ScheduleTick(index);
  CheckAfterStep(index);
}

void Simulation::SchedulePersist(size_t index) {
  Machine& machine = machines_[index];
  if (machine.persisting || machine.node->pending_writes() == 0) return;
  machine.persisting = true;
  uint64_t life = machine.life;
  After(Delay(faults_.fsync), [this, index, life] {
    if (machines_[index].life != life) return;
    OnMachine(index, [this, index, life] {
      Machine& now_machine = machines_[index];
      if (now_machine.life != life) return;
      now_machine.persisting = false;
      now_machine.node->Persist(1 + Pick(now_machine.node->pending_writes()), Clock(now_machine));
    });
  });
}

void Simulation::ScheduleTick(size_t index) {
  Machine& machine = machines_[index];
  Micros next = machine.node->member().NextTick();
  Micros clock = Clock(machine);
  Micros wait = next <= clock ? 1 : std::min<Micros>(next - clock, 2 * ttl_);
  Micros at = now_ + static_cast<Micros>(static_cast<double>(wait) / machine.clock_rate) + 1 +
              static_cast<Micros>(Pick(3000));
  if (machine.tick_at > now_ && machine.tick_at <= at) return;
  machine.tick_at = at;
  uint64_t life = machine.life;
  At(at, [this, index, life, at] {
    if (machines_[index].life != life || machines_[index].tick_at != at) return;
    OnMachine(index, [this, index, life] {
      if (machines_[index].life != life) return;
      machines_[index].tick_at = 0;
      machines_[index].node->member().Tick(Clock(machines_[index]));
    });
  });
}

// What clients do ------------------------------------------------------------------------------

void Simulation::Work() {
  After(Delay(healing_ ? 20'000 : faults_.work), [this] { Work(); });
  size_t which = Pick(machines_.size());
  OnMachine(which, [this, which, must_see = acknowledged_] { WorkAt(which, must_see); });
}

// What clients sent to a machine, perhaps before a pause of it.
void Simulation::WorkAt(size_t which, Index must_see) {
  Machine& machine = machines_[which];
  Member& member = machine.node->member();
  Micros clock = Clock(machine);
  if (faults_.cuts && Chance(0.05)) member.DropLogUpTo(member.commit());
  if (faults_.cuts && member.role() == Role::kLocal && Chance(0.001)) {
    member.NeedSnapshot();
    machine.needs_state = true;
  }
  if (Chance(0.4)) {
    machine.reads[member.RequestRead(clock)] = must_see;
  }
  for (size_t more = Pick(4); member.role() == Role::kGlobal && more > 0; --more) {
    std::string payload = std::to_string(++payload_) + std::string(Pick(300), '.');
    if (!member.serving()) break;
    Index index = member.Propose(payload, clock);
    if (index == 0) break;
    machine.proposed[{member.term(), index}] = payload;
    if (!machine.linked.empty() && Chance(0.3)) {
      member.WantCommit(machines_[machine.linked.begin()->first].node->id(), index);
    }
  }
}

// The run --------------------------------------------------------------------------------------

void Simulation::Heal() {
  Note("everything is healed");
  healing_ = true;
  faults_.loss = faults_.duplicate = 0;
  faults_.delay = std::min<Micros>(faults_.delay, 2000);
  faults_.fsync = std::min<Micros>(faults_.fsync, 5000);
  faults_.cuts = false;
  cut_.clear();
  for (size_t i = 0; i < machines_.size(); ++i) {
    Machine& machine = machines_[i];
    // A restart gives a state back that no snapshot came for.
    bool stuck = machine.node->running() &&
                 (machine.stopping || machine.node->member().disk_failed() || machine.needs_state);
    if (stuck) Kill(i);
    if (!machine.node->running()) Start(i);
    Resume(i);
  }
  for (size_t a = 0; a < machines_.size(); ++a) {
    for (size_t b = a + 1; b < machines_.size(); ++b) {
      After(Delay(2000), [this, a, b] { LinkUp(a, b); });
    }
  }
}

void Simulation::Converge() {
  const Member* global = nullptr;
  for (const Machine& machine : machines_) {
    const Member& member = machine.node->member();
    if (member.role() != Role::kGlobal || !member.serving()) continue;
    Expect(global == nullptr, "healed, there is one global");
    global = &member;
  }
  Expect(global != nullptr, "healed, the cluster has a global again");
  for (const MemberInfo& info : global->configuration().members) {
    const Member& member = machines_[IndexOf(info.id)].node->member();
    Expect(!member.quarantined(), "healed, nobody stays in quarantine");
    Expect(member.commit() + 100 > global->commit(), "healed, everybody follows");
    Expect(info.kind == MemberInfo::Kind::kVoter, "healed, learners have become voters");
    Expect(info.id == global->lock_state().holder || member.holder() == global->lock_state().holder,
           "healed, everybody knows the global");
  }
  Expect(acknowledged_ <= history_.size(), "acknowledged writes are committed");
}

// A founding member is taken in: asked for again and again until it is.
void Simulation::Join(size_t which) {
  for (size_t at = 0; at < machines_.size(); ++at) {
    Machine& machine = machines_[at];
    if (!machine.node->running() || machine.paused) continue;
    if (machine.node->member().role() != Role::kGlobal) continue;
    std::string why;
    bool added = machine.node->member().AddMember(Info(which), Clock(machine), &why);
    Turned(at);
    if (added) return;
  }
  After(50'000, [this, which] { Join(which); });
}

void Simulation::Run() {
  Start(0);
  size_t founding = machines_.size() - (faults_.members ? 2 : 0);
  for (size_t i = 1; i < machines_.size(); ++i) {
    Start(i);
    if (i >= founding) continue;
    After(Delay(100'000), [this, i] { Join(i); });
  }
  After(1000, [this] { Work(); });
  After(1'500'000, [this] { Fault(); });
  Micros healed_at = 0;
  while (true) {
    Event event = events_.top();
    events_.pop();
    now_ = event.at;
    if (!healing_ && now_ > options_.duration) {
      Heal();
      healed_at = now_;
    }
    if (healing_ && now_ > healed_at + 12 * ttl_) break;
    event.action();
    ++steps_;
    if (steps_ % 2000 == 0) CheckLogs();
  }
  CheckLogs();
  Index before = history_.size();
  Converge();
  Expect(before > 0 && reads_done_ > 0, "something was done");
}

}  // namespace understudy::simulator
