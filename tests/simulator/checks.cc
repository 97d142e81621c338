// What is checked in a simulation after every step.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "tests/simulator/simulation.h"

namespace understudy::simulator {

using cluster::Configuration;
using cluster::EntryType;
using cluster::EntryView;
using cluster::Member;
using cluster::MemberInfo;
using cluster::Message;
using cluster::Ready;
using cluster::Role;

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
      if (options_.check_rules) CheckElected(*machine.node);
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
  if (options_.check_rules) {
    const char* broken = rules_.CheckMember(*machine.node);
    Expect(broken == nullptr, broken);
  }
  bool stranger = member.role() == Role::kGlobal && !member.is_member();
  if (!stranger) {
    machine.removed_at = 0;
  } else if (machine.removed_at == 0) {
    machine.removed_at = now_;
  }
  Expect(!stranger || now_ - machine.removed_at < 2 * ttl_, "a removed global stops serving");
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
  CheckLeases();
}

// Whoever may read by its lease has everything acknowledged.
void Simulation::CheckLeases() const {
  for (const Machine& other : machines_) {
    if (!other.node->running() || other.paused) continue;
    const Member& reader = other.node->member();
    if (reader.role() != Role::kGlobal || !reader.LeaseValid(Clock(other))) continue;
    Expect(reader.commit() >= acknowledged_, "a lease is over before another global acknowledges");
  }
}

void Simulation::CheckElected(const Node& global) {
  std::vector<const Node*> voters;
  for (const MemberInfo& info : global.member().configuration().members) {
    if (info.kind != MemberInfo::Kind::kVoter) continue;
    voters.push_back(machines_[IndexOf(info.id)].node.get());
  }
  const char* broken = rules_.CheckElected(global, voters);
  Expect(broken == nullptr, broken);
}

void Simulation::CheckMessage(size_t from, const Message& message) {
  const char* broken = rules_.Check(*machines_[from].node, message);
  Expect(broken == nullptr, broken);
  if (message.type == Message::Type::kLockReply && message.granted) CheckPromise(message);
}

// R3 and R4: nobody's lease relies on a voter that grants the lock to another.
void Simulation::CheckPromise(const Message& grant) const {
  for (const Machine& machine : machines_) {
    if (!machine.node->running() || machine.node->id() == grant.to) continue;
    const Member& holder = machine.node->member();
    if (holder.role() != Role::kGlobal || holder.transferring()) continue;
    auto next = globals_.upper_bound(holder.term());  // a majority has given it up already
    if (next != globals_.end() && next->first < grant.term) continue;
    for (const cluster::Progress& peer : holder.progress()) {
      bool relies = peer.id == grant.from && peer.connected && !peer.quarantined &&
                    peer.last_ack_sent_at + ttl_ - ttl_ / 10 > Clock(machine);
      Expect(!relies, "a voter grants no lock that it promised to another");
    }
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

}  // namespace understudy::simulator
