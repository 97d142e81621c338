// A whole cluster on a seeded network, disk and clock, checked after every step. The parts:
//   simulation.cc  the run, machines, what clients do     network.cc  links, messages, partitions
//   faults.cc      what goes wrong, and the weather       checks.cc   what is checked
//   rules.h        what each message must keep            node.h      a member, its driver, its disk
// planted.cc shows that the checks see: it runs a cluster layer with bugs in it.
//
// What may go wrong, each kind switched on or off by the seed: messages lost, doubled, delayed out
// of order; partitions, one-way too; links that close and open; processes killed at any moment,
// with any part of what they were writing on disk, torn in the middle of a write; all of them at
// once; orderly ends that go on for a moment; restarts; pauses (SIGSTOP); slow disks, failed disks;
// messages that come seconds late; clocks that start anywhere and drift up to 3 %; members added and removed; handovers,
// releases; logs cut short so that snapshots are needed; disks that lost acknowledged records
// (quarantine). Proofs of death are sound: PeerDead is only said of a run that has ended.
//
// Checked:
//   - at most one global a term (I2);
//   - committed entries never change and are the same everywhere; a global's log holds them all;
//   - logs match: same index and term, same entries up to there;
//   - a read, by lease or read index, never misses a write acknowledged before it;
//   - a committed entry is never lost;
//   - one who thaws doesn't believe in a lease that is over; a removed global stops;
//   - grants, acknowledgements and promises, one by one (rules.h);
//   - Member::CheckInvariants();
//   - once everything is healed the cluster serves again, and all members hold the same log.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/simulator/node.h"
#include "tests/simulator/rules.h"

namespace understudy::simulator {

// Weather in which certain things go wrong much more often than others.
enum class Storm : uint8_t {
  kSeed,       // the seed decides, for half of them kNone
  kNone,       // some of everything
  kRestarts,   // processes and hosts die at bad moments, and are back at once
  kMembers,    // members come and go under partitions
  kReads,      // frozen processes, cut links, readers everywhere
  kHandovers,  // the lock is handed over, over bad links
  kLosses,     // disks lose records
  kSnapshots,  // logs are cut short
};
inline constexpr size_t kStorms = 8;
const char* ToString(Storm storm);

struct SimulationOptions {
  uint64_t seed = 1;
  size_t nodes = 0;  // 0: the seed decides
  Micros duration = 20'000'000;
  bool verbose = false;
  bool trace = false;  // messages too
  Storm storm = Storm::kSeed;
  cluster::Bug planted = cluster::Bug::kNone;  // every node has it
  bool check_rules = true;  // also the rules that messages must keep, not only their consequences
};

class Simulation {
 public:
  explicit Simulation(SimulationOptions options);
  ~Simulation();

  // Aborts with a message that names the seed if something is wrong.
  void Run();
  uint64_t steps() const { return steps_; }
  uint64_t committed() const { return history_.size(); }
  uint64_t elections() const { return globals_.size(); }
  uint64_t reads() const { return reads_done_; }
  Micros simulated() const { return now_; }

 private:
  struct Faults {
    double loss = 0;
    double duplicate = 0;
    Micros delay = 0;         // mean of a message's
    Micros fsync = 0;         // mean of a write's
    Micros pace = 0;          // mean between faults
    Micros work = 0;          // mean between what clients do
    double close = 0.8;       // chance that a death is seen at once
    double supervised = 0.4;  // chance that the dead are started again soon
    Micros restart = 100'000;
    double straggle = 0;          // chance that a message takes up to three ttl
    double storm = 0;             // chance that a fault is one of the storm's own
    double power_cut = 0.2;       // chance of all dying at once, where it may be
    double die_promising = 0.01;  // chance to die while a promise is written, each turn
    bool partitions, flaps, kills, pauses, members, handovers, cuts, disk_failures, data_loss;
    bool quorum_reads;
  };
  struct Machine {  // a node and its surroundings
    std::unique_ptr<Node> node;
    Micros clock_offset = 0;
    double clock_rate = 1;
    bool paused = false;
    bool stopping = false;    // refuses links
    bool persisting = false;  // a write's completion is scheduled
    uint64_t life = 0;        // counts starts, so that events for an earlier life are dropped
    Micros tick_at = 0;
    std::vector<std::function<void()>> queued;               // events while paused
    std::map<std::pair<Term, Index>, std::string> proposed;  // of this life, not acknowledged yet
    std::map<uint64_t, Index> reads;                         // request -> what it must see at least
    std::map<size_t, RunId> linked;  // other machine -> run it announced on the link that is up
    bool wiped = false;              // lost records that it had acknowledged
    bool needs_state = false;        // said so in this life
    Micros removed_at = 0;           // a global since when without being a member; 0: isn't
  };
  struct Event {
    Micros at;
    uint64_t order;
    std::function<void()> action;
    bool operator>(const Event& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  struct Committed {
    Term term;
    Term committed_in;  // or before
    int64_t time_ms;
    std::string payload;
    cluster::Configuration configuration;  // in force at this entry
  };

  // Chance.
  uint64_t Pick(uint64_t bound) { return random_() % bound; }
  bool Chance(double probability) {
    return std::uniform_real_distribution<double>(0, 1)(random_) < probability;
  }
  Micros Delay(Micros mean);

  void At(Micros at, std::function<void()> action);
  void After(Micros delay, std::function<void()> action) { At(now_ + delay, std::move(action)); }
  void OnMachine(size_t machine,
                 std::function<void()> action);  // in its present life; waits if paused
  Micros Clock(const Machine& machine) const;
  int64_t WallMs(const Machine& machine) const;
  size_t IndexOf(const NodeId& id) const;
  cluster::MemberInfo Info(size_t machine) const;

  void Start(size_t machine);
  void Kill(size_t machine);
  void Turned(size_t machine);  // after anything happened to it
  void SchedulePersist(size_t machine);
  void ScheduleTick(size_t machine);
  void Deliver(size_t from, const cluster::Message& message);
  void SendSnapshot(size_t from, size_t to);
  bool Reaches(size_t from, size_t to) const { return !cut_.count({from, to}); }

  void LinkUp(size_t one, size_t other);
  void LinkDown(size_t one, size_t other, bool peer_died);

  void Join(size_t which);
  void Pause(size_t which);
  void Resume(size_t which);
  void RestartSome();
  void FailDisk(size_t which);
  void Stop(size_t which);
  void ChooseFaults();
  void StormFault();
  size_t SomeGlobal();  // that runs; machines_.size(): none
  void Fault();
  void CutNetwork();
  void ChangeMembers();
  void HandOver();
  void Work();
  void WorkAt(size_t which, Index must_see);
  void Heal();
  void Converge();

  void Applied(size_t machine, const cluster::EntryView& entry);
  void ReadDone(size_t machine, const cluster::Ready::Read& read);
  void CheckAfterStep(size_t machine);
  void CheckElected(const Node& global);
  void CheckLeases() const;
  void CheckPromise(const cluster::Message& grant) const;
  void CheckMessage(size_t from, const cluster::Message& message);
  void CheckLogs() const;
  void Expect(bool condition, const char* what) const;
  void Note(const std::string& text) const;

  SimulationOptions options_;
  std::mt19937_64 random_;
  Micros ttl_ = 1'000'000;
  Faults faults_{};
  Storm storm_ = Storm::kNone;
  Micros now_ = 0;
  uint64_t order_ = 0;
  uint64_t steps_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<Event>> events_;
  std::vector<Machine> machines_;
  std::set<std::pair<size_t, size_t>> cut_;  // from, to
  bool healing_ = false;

  std::map<Term, std::pair<NodeId, RunId>> globals_;
  Rules rules_;
  std::vector<Committed> history_;  // index i+1
  Index acknowledged_ = 0;          // newest index acknowledged to a client
  uint64_t payload_ = 0;
  uint64_t reads_done_ = 0;
};

}  // namespace understudy::simulator
