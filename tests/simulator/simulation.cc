#include "tests/simulator/simulation.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace understudy::simulator {

using cluster::Configuration;
using cluster::EntryType;
using cluster::EntryView;
using cluster::Member;
using cluster::MemberInfo;
using cluster::Message;
using cluster::Ready;
using cluster::Role;

Simulation::Simulation(SimulationOptions options) : options_(options), random_(options.seed) {
  size_t count =
      options_.nodes != 0 ? options_.nodes : std::array<size_t, 5>{1, 3, 3, 4, 5}[Pick(5)];
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
  machines_.resize(count + (faults_.members ? 2 : 0));
  for (size_t i = 0; i < machines_.size(); ++i) {
    Machine& machine = machines_[i];
    machine.clock_offset = static_cast<Micros>(Pick(1'000'000'000));
    machine.clock_rate = 0.97 + 0.06 * static_cast<double>(Pick(1000)) / 1000;
    machine.node =
        std::make_unique<Node>("n" + std::to_string(i + 1), options_.seed * 64 + i, ttl_);
    machine.node->on_message = [this, i](const Message& message) { Deliver(i, message); };
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
  machine.paused = machine.persisting = false;
  bool lost = std::exchange(machine.wiped, false);
  Note(machine.node->id() + " starts" + (lost ? ", data lost" : ""));
  bool founds = index == 0 && machine.node->disk().lock.empty();
  machine.node->Start(Clock(machine), WallMs(machine), lost);
  if (founds) machine.node->member().Bootstrap(Info(0), Clock(machine));
  for (size_t other = 0; other < machines_.size(); ++other) {
    if (other != index) After(Delay(2000), [this, index, other] { LinkUp(index, other); });
  }
  Turned(index);
}

void Simulation::Kill(size_t index) {
  Machine& machine = machines_[index];
  Note(machine.node->id() + " is killed");
  machine.node->Kill(Pick(machine.node->pending_writes() + 1));
  ++machine.life;
  machine.paused = false;
  machine.queued.clear();
  machine.proposed.clear();
  machine.reads.clear();
  machine.linked.clear();
  machine.needs_state = false;
  if (Chance(0.4)) {  // its supervisor starts it again
    After(Delay(100'000), [this, index, life = machine.life] {
      if (machines_[index].life == life && !machines_[index].node->running()) Start(index);
    });
  }
  // A lost host closes no connection: the others find out when it answers again, as another run.
  if (Chance(0.2)) return;
  for (size_t other = 0; other < machines_.size(); ++other) {
    if (other == index) continue;
    After(Delay(500), [this, other, index] { LinkDown(other, index, true); });
  }
}

// One side of a link to another machine opens, and learns its run.
void Simulation::LinkUp(size_t one, size_t other) {
  auto open = [this](size_t here, size_t there) {
    if (!machines_[here].node->running() || !machines_[there].node->running()) return;
    if (!Reaches(here, there) || !Reaches(there, here) || machines_[there].paused) return;
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

void Simulation::Turned(size_t index) {
  Machine& machine = machines_[index];
  if (!machine.node->running() || machine.paused) return;
  machine.node->Turn(Clock(machine));
  // A promise is on its way to the disk: a good moment to die.
  if (faults_.kills && !healing_ && machine.node->writes_lock() && Chance(0.01)) {
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

void Simulation::Deliver(size_t from, const Message& message) {
  size_t to = IndexOf(message.to);
  if (to >= machines_.size()) return;
  size_t copies = Chance(faults_.duplicate) ? 2 : 1;
  for (; copies > 0; --copies) {
    if (Chance(faults_.loss) || !Reaches(from, to)) continue;
    auto envelope = std::make_shared<Envelope>(message);
    After(Delay(faults_.delay), [this, from, to, envelope] {
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

// Faults and work ------------------------------------------------------------------------------

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

void Simulation::ChangeMembers() {
  for (Machine& machine : machines_) {
    if (!machine.node->running() || machine.paused) continue;
    Member& member = machine.node->member();
    if (member.role() != Role::kGlobal) continue;
    size_t which = Pick(machines_.size());
    std::string why;
    bool known = member.configuration().Find(machines_[which].node->id()) != nullptr;
    bool done = known ? member.configuration().members.size() > 2 &&
                            member.RemoveMember(machines_[which].node->id(), Clock(machine), &why)
                      : member.AddMember(Info(which), Clock(machine), &why);
    if (done) {
      Note(machine.node->id() + (known ? " removes " : " adds ") + machines_[which].node->id());
    }
    Turned(IndexOf(machine.node->id()));
    return;
  }
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
      if (Chance(0.4)) {  // and hears no more of it for a while
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
      machines_[i].node->LoseRecords(Pick(8) == 0 ? 100000 : Pick(8));
      machines_[i].wiped = true;
    }
    Start(i);
  }
}

void Simulation::FailDisk(size_t which) {
  Machine& machine = machines_[which];
  if (!machine.node->running() || machine.paused) return;
  Note(machine.node->id() + "'s disk fails");
  machine.node->member().DiskFailed(Clock(machine));
  Turned(which);
  After(Delay(3 * ttl_), [this, which, life = machine.life] {
    if (machines_[which].life == life && !healing_) Kill(which);
  });
}

void Simulation::Fault() {
  if (healing_) return;
  After(Delay(faults_.pace), [this] { Fault(); });
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
      break;
    case 8:
      if (faults_.kills && Chance(0.2)) {  // all at once
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

// Checks ---------------------------------------------------------------------------------------

void Simulation::Expect(bool condition, const char* what) const {
  if (condition) return;
  std::fprintf(stderr, "seed %llu, step %llu, %lld us: %s\n",
               static_cast<unsigned long long>(options_.seed),
               static_cast<unsigned long long>(steps_), static_cast<long long>(now_), what);
  for (const Machine& machine : machines_) {
    std::fprintf(stderr, "  %s%s\n",
                 machine.node->running() ? machine.node->member().Describe().c_str()
                                         : (machine.node->id() + " down").c_str(),
                 machine.paused ? " paused" : "");
    if (!machine.node->running()) continue;
    for (const cluster::Progress& peer : machine.node->member().progress()) {
      std::fprintf(stderr, "    %s match=%llu next=%llu%s%s%s\n", peer.id.c_str(),
                   static_cast<unsigned long long>(peer.match),
                   static_cast<unsigned long long>(peer.next), peer.connected ? "" : " closed",
                   peer.needs_snapshot ? " needs-snapshot" : "",
                   peer.quarantined ? " quarantined" : "");
    }
  }
  std::fflush(stderr);
  std::abort();
}

void Simulation::Note(const std::string& text) const {
  if (!options_.verbose) return;
  std::printf("%10.3f ms  %s\n", static_cast<double>(now_) / 1000, text.c_str());
  std::fflush(stdout);
}

void Simulation::Applied(size_t index, const EntryView& entry) {
  if (entry.index <= history_.size()) {
    const Committed& known = history_[entry.index - 1];
    Expect(known.term == entry.term && known.payload == entry.payload,
           "a committed entry is the same everywhere");
    return;
  }
  Expect(entry.index == history_.size() + 1, "entries are committed in order");
  Term committed_in = machines_[index].node->member().term();
  Committed committed{entry.term, committed_in, entry.time_ms, std::string(entry.payload), {}};
  if (!history_.empty()) committed.configuration = history_.back().configuration;
  if (history_.empty()) committed.configuration.members.push_back(Info(0));
  if (entry.type == EntryType::kConfiguration) {
    Expect(Configuration::Decode(entry.payload, &committed.configuration), "a configuration");
  }
  history_.push_back(std::move(committed));
}

void Simulation::ReadDone(size_t index, const Ready::Read& read) {
  Machine& machine = machines_[index];
  auto asked = machine.reads.find(read.request);
  Expect(asked != machine.reads.end(), "a read is answered once");
  if (read.ok) {
    ++reads_done_;
    Expect(read.index >= asked->second, "a read misses no write acknowledged before it");
  }
  machine.reads.erase(asked);
}

void Simulation::CheckAfterStep(size_t index) {
  Machine& machine = machines_[index];
  const Member& member = machine.node->member();
  if (steps_ % 16 == 0) member.CheckInvariants();
  if (member.role() == Role::kGlobal) {
    auto [known, added] =
        globals_.insert({member.term(), {machine.node->id(), machine.node->run()}});
    Expect(known->second.first == machine.node->id() && known->second.second == machine.node->run(),
           "at most one global a term");
    if (added) {
      Note(machine.node->id() + " is the global of term " + std::to_string(member.term()));
      // One that wakes up late may win a term that others have left behind: it needn't hold what
      // was committed in newer ones.
      Index last = history_.size();
      while (last > 0 && history_[last - 1].committed_in >= member.term()) --last;
      Expect(member.log().last_index() > last &&
                 (last == 0 || member.log().base_index() > last ||
                  member.log().TermAt(last) == history_[last - 1].term),
             "a new global holds everything committed before its term");
    }
  }
  while (!machine.proposed.empty()) {
    auto [place, payload] = *machine.proposed.begin();
    auto [term, at] = place;
    if (at > member.commit()) break;
    Expect(at <= history_.size(), "what a node committed was applied");
    if (history_[at - 1].term == term) {
      Expect(history_[at - 1].payload == payload, "a term's entry at an index is that entry");
      acknowledged_ = std::max(acknowledged_, at);
    }
    machine.proposed.erase(machine.proposed.begin());
  }
  for (const Machine& other : machines_) {
    if (!other.node->running() || other.paused) continue;
    const Member& reader = other.node->member();
    if (reader.role() != Role::kGlobal || !reader.LeaseValid(Clock(other))) continue;
    Expect(reader.commit() >= acknowledged_, "a lease is over before another global acknowledges");
  }
}

// Logs match: where index and term are equal, so is everything before.
void Simulation::CheckLogs() const {
  for (size_t a = 0; a < machines_.size(); ++a) {
    for (size_t b = a + 1; b < machines_.size(); ++b) {
      if (!machines_[a].node->running() || !machines_[b].node->running()) continue;
      const cluster::Log& one = machines_[a].node->member().log();
      const cluster::Log& other = machines_[b].node->member().log();
      bool match = false;
      Index low = std::max(one.first_index(), other.first_index());
      for (Index i = std::min(one.last_index(), other.last_index()); i >= low && i > 0; --i) {
        bool same = one.TermAt(i) == other.TermAt(i);
        Expect(same || !match, "logs match below a common entry");
        match = match || same;
        if (!same) continue;
        EntryView left, right;
        Expect(one.Get(i, &left) && other.Get(i, &right) && left.payload == right.payload,
               "an entry of the same index and term is the same");
        if (i + 300 < low) break;
      }
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
    bool stuck =
        machine.node->running() && (machine.node->member().disk_failed() || machine.needs_state);
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
