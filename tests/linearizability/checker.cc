#include "tests/linearizability/checker.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace understudy::linearizability {
namespace {

using Kind = Operation::Kind;
using Outcome = Operation::Outcome;

// One register's sequential behaviour. False: the operation can't have had this result here.
bool Step(const Operation& operation, Value* state) {
  const bool answered = operation.outcome == Outcome::kAnswered;
  switch (operation.kind) {
    case Kind::kRead:
      return !answered || operation.result == *state;
    case Kind::kWrite:
      *state = operation.argument;
      return true;
    case Kind::kExchange:
      if (answered && operation.result != *state) return false;
      *state = operation.argument;
      return true;
    case Kind::kCompareAndSet: {
      const bool done = *state == operation.expected;
      if (answered && done != (operation.result != 0)) return false;
      if (done) *state = operation.argument;
      return true;
    }
    case Kind::kAdd: {
      const Value sum = (*state == kAbsent ? 0 : *state) + operation.argument;
      if (answered && operation.result != sum) return false;
      *state = sum;
      return true;
    }
  }
  return false;
}

// Which operations are already in the order, and what the register holds then. Two searches that
// meet in the same configuration go on the same way (Lowe, section 3.1). Operations are numbered by
// invocation, so that nearly always everything up to some number is placed and little behind it:
// only the words between the first that isn't full and the last that isn't empty are kept.
struct Configuration {
  size_t full_words;
  std::vector<uint64_t> rest;
  Value state;
  bool operator==(const Configuration&) const = default;
};
struct ConfigurationHash {
  size_t operator()(const Configuration& c) const {
    uint64_t h = static_cast<uint64_t>(c.state) * 0x9e3779b97f4a7c15ull + c.full_words;
    for (uint64_t word : c.rest) h = (h ^ word) * 0xff51afd7ed558ccdull + (h >> 29);
    return static_cast<size_t>(h ^ (h >> 32));
  }
};

class PlacedSet {
 public:
  explicit PlacedSet(size_t size) : words_((size + 63) / 64) {}
  void Add(size_t i) {
    words_[i / 64] |= 1ull << (i % 64);
    end_ = std::max(end_, i / 64 + 1);
    while (full_words_ < end_ && words_[full_words_] == ~0ull) ++full_words_;
  }
  void Remove(size_t i) {
    words_[i / 64] &= ~(1ull << (i % 64));
    full_words_ = std::min(full_words_, i / 64);
    while (end_ > 0 && words_[end_ - 1] == 0) --end_;
  }
  Configuration With(Value state) const {
    const auto begin = words_.begin();
    return {full_words_,
            {begin + static_cast<long>(full_words_),
             begin + static_cast<long>(std::max(end_, full_words_))},
            state};
  }

 private:
  std::vector<uint64_t> words_;
  size_t full_words_ = 0;  // words_[0 .. full_words_-1] are full
  size_t end_ = 0;         // words_[end_ ..] are empty
};

// Leaves out what can't matter and narrows what can, without changing the verdict:
//  - refused operations, and reads without an answer;
//  - a plain write without an answer whose value nobody saw: it need not have happened;
//  - where a value was written by that one operation only, it happened before whoever saw the value
//    first had its answer.
std::vector<Operation> Simplify(std::vector<Operation> history, Value initial) {
  std::erase_if(history, [](const Operation& o) {
    return o.outcome == Outcome::kRefused ||
           (o.outcome == Outcome::kUnknown && o.kind == Kind::kRead);
  });
  for (Operation& o : history) {  // without an answer an exchange is a write
    if (o.outcome == Outcome::kUnknown && o.kind == Kind::kExchange) o.kind = Kind::kWrite;
  }
  struct Seen {
    int writers = 0;
    bool matters = false;
    int64_t first_answer = kNever;
  };
  std::unordered_map<Value, Seen> seen;
  seen[initial].writers++;
  bool sums = false;  // values come from sums: what was seen says nothing about writes
  for (const Operation& o : history) {
    if (o.kind == Kind::kAdd) sums = true;
    if (o.kind != Kind::kRead) seen[o.argument].writers++;
    if (o.kind == Kind::kCompareAndSet) seen[o.expected].matters = true;
    if ((o.kind == Kind::kRead || o.kind == Kind::kExchange) && o.outcome == Outcome::kAnswered) {
      Seen& value = seen[o.result];
      value.matters = true;
      value.first_answer = std::min(value.first_answer, o.returned_us);
    }
  }
  // A failed compare-and-set may have been made to fail by any write.
  const bool refusals = std::ranges::any_of(history, [](const Operation& o) {
    return o.kind == Kind::kCompareAndSet && o.outcome == Outcome::kAnswered && o.result == 0;
  });
  for (Operation& o : history) {
    if (o.outcome == Outcome::kAnswered) continue;
    o.returned_us = kNever;
    if (o.kind != Kind::kWrite || sums) continue;
    const Seen& value = seen[o.argument];
    if (!value.matters && !refusals) {
      o.outcome = Outcome::kRefused;
    } else if (value.writers == 1 && value.first_answer != kNever) {
      o.returned_us = value.first_answer;
    }
  }
  std::erase_if(history, [](const Operation& o) { return o.outcome == Outcome::kRefused; });
  std::ranges::stable_sort(history, {}, &Operation::invoked_us);
  return history;
}

// The search over one history: invocations and returns in order of time, in a doubly linked list
// from which an operation is lifted when it is placed and to which it is returned on the way back
// (Wing & Gong, section 4.2).
class Search {
 public:
  Search(std::vector<Operation> history, Value initial)
      : operations_(std::move(history)), state_(initial), placed_(operations_.size()) {
    struct Event {
      int64_t time;
      bool is_return;
      size_t operation;
    };
    std::vector<Event> events;
    events.reserve(operations_.size() * 2);
    for (size_t i = 0; i < operations_.size(); ++i) {
      events.push_back({operations_[i].invoked_us, false, i});
      events.push_back({operations_[i].returned_us, true, i});
      if (operations_[i].returned_us != kNever) ++must_be_placed_;
    }
    // At the same time invocations come first: such operations count as overlapping.
    std::ranges::stable_sort(events, [](const Event& a, const Event& b) {
      return std::pair(a.time, a.is_return) < std::pair(b.time, b.is_return);
    });
    nodes_.resize(events.size() + 1);  // 0 is the head
    positions_.resize(operations_.size());
    for (size_t i = 0; i < events.size(); ++i) {
      Node& node = nodes_[i + 1];
      node.operation = events[i].operation;
      node.is_return = events[i].is_return;
      node.previous = i;
      nodes_[i].next = i + 1;
      (node.is_return ? positions_[node.operation].returned : positions_[node.operation].invoked) =
          i + 1;
    }
    nodes_.back().next = kEnd;
  }

  Report Run(uint64_t limit) {
    Report report;
    size_t at = nodes_[0].next;
    while (must_be_placed_ > 0) {
      bool dead = false;
      if (at == nodes_[0].next) {
        while (PlaceReads(&dead, &report.visited)) at = nodes_[0].next;
        if (must_be_placed_ == 0) break;
      }
      if (!dead && at != kEnd && !nodes_[at].is_return) {
        at = TryToPlace(at) ? nodes_[0].next : nodes_[at].next;
        if (++report.visited > limit) {
          report.verdict = Verdict::kGaveUp;
          report.explanation = "gave up after " + std::to_string(limit) + " configurations";
          return report;
        }
        continue;
      }
      // A return was reached whose operation isn't placed: what was placed last is wrong.
      if (!dead && order_.size() >= longest_.size()) NoteLongest(at);
      // To reads there is no alternative: back to the last operation that changed something.
      bool found = false;
      while (!order_.empty() && !found) {
        const size_t taken_back = TakeBack();
        found = !NeverChanges(operations_[nodes_[taken_back].operation]);
        at = nodes_[taken_back].next;
      }
      if (!found) {
        report.verdict = Verdict::kNotLinearizable;
        report.explanation = Explain();
        return report;
      }
    }
    return report;
  }

 private:
  static constexpr size_t kEnd = SIZE_MAX;
  struct Node {
    size_t operation = 0;
    bool is_return = false;
    size_t previous = 0;
    size_t next = kEnd;
  };
  struct Positions {
    size_t invoked, returned;
  };
  struct Placed {
    size_t operation;
    Value state_before;
  };

  static bool NeverChanges(const Operation& o) {
    return o.outcome == Outcome::kAnswered &&
           (o.kind == Kind::kRead || (o.kind == Kind::kCompareAndSet && o.result == 0));
  }

  // Places every operation that may come next, fits, and never changes the register. If there is an
  // order at all from here, there is one that begins with these; so on the way back no alternative
  // to them need be tried, and if one of them leads to where the search has failed before, all from
  // here is `dead`. True if any was placed and there may be more.
  bool PlaceReads(bool* dead, uint64_t* visited) {
    bool any = false;
    for (size_t n = nodes_[0].next; n != kEnd && !nodes_[n].is_return;) {
      const size_t following = nodes_[n].next;
      Value state = state_;
      const Operation& operation = operations_[nodes_[n].operation];
      if (NeverChanges(operation) && Step(operation, &state)) {
        ++*visited;
        if (!TryToPlace(n)) {
          *dead = true;
          return false;
        }
        any = true;
      }
      n = following;
    }
    return any;
  }

  bool TryToPlace(size_t at) {
    const size_t i = nodes_[at].operation;
    Value state = state_;
    if (!Step(operations_[i], &state)) return false;
    placed_.Add(i);
    if (!tried_.insert(placed_.With(state)).second) {
      placed_.Remove(i);
      return false;
    }
    order_.push_back({i, state_});
    state_ = state;
    Lift(positions_[i].invoked);
    Lift(positions_[i].returned);
    if (operations_[i].returned_us != kNever) --must_be_placed_;
    return true;
  }

  // Returns the node of the invocation that was taken back.
  size_t TakeBack() {
    const Placed last = order_.back();
    order_.pop_back();
    state_ = last.state_before;
    placed_.Remove(last.operation);
    Unlift(positions_[last.operation].returned);
    Unlift(positions_[last.operation].invoked);
    if (operations_[last.operation].returned_us != kNever) ++must_be_placed_;
    return positions_[last.operation].invoked;
  }

  void Lift(size_t node) {
    nodes_[nodes_[node].previous].next = nodes_[node].next;
    if (nodes_[node].next != kEnd) nodes_[nodes_[node].next].previous = nodes_[node].previous;
  }
  void Unlift(size_t node) {
    nodes_[nodes_[node].previous].next = node;
    if (nodes_[node].next != kEnd) nodes_[nodes_[node].next].previous = node;
  }

  void NoteLongest(size_t at) {
    if (at == kEnd) return;
    longest_ = order_;
    longest_state_ = state_;
    stuck_.clear();
    // The operation whose return was reached, and whatever else was open then.
    for (size_t n = nodes_[0].next; n != at && n != kEnd; n = nodes_[n].next) {
      if (!nodes_[n].is_return) stuck_.push_back(nodes_[n].operation);
    }
  }

  std::string Explain() const {
    auto value = [](Value v) { return v == kAbsent ? std::string("(none)") : std::to_string(v); };
    std::string text = "the longest order found has " + std::to_string(longest_.size()) +
                       " operations; it ends with";
    const size_t shown = std::min<size_t>(longest_.size(), 5);
    for (size_t i = longest_.size() - shown; i < longest_.size(); ++i) {
      text += "\n    " + ToString(operations_[longest_[i].operation]);
    }
    text += "\n  the register is then " + value(longest_state_) + ", and none of these can follow:";
    for (size_t i = 0; i < std::min<size_t>(stuck_.size(), 10); ++i) {
      text += "\n    " + ToString(operations_[stuck_[i]]);
    }
    return text;
  }

  std::vector<Operation> operations_;
  std::vector<Node> nodes_;
  std::vector<Positions> positions_;
  size_t must_be_placed_ = 0;
  Value state_;
  PlacedSet placed_;
  std::vector<Placed> order_;
  std::unordered_set<Configuration, ConfigurationHash> tried_;
  std::vector<Placed> longest_;
  Value longest_state_ = kAbsent;
  std::vector<size_t> stuck_;
};

}  // namespace

std::string ToString(const Operation& o) {
  static constexpr const char* kNames[] = {"read", "write", "exchange", "compare-and-set", "add"};
  auto value = [](Value v) { return v == kAbsent ? std::string("(none)") : std::to_string(v); };
  std::string text = "client " + std::to_string(o.client) + " " + kNames[static_cast<int>(o.kind)];
  if (o.kind == Kind::kCompareAndSet) text += " " + value(o.expected) + " ->";
  if (o.kind != Kind::kRead) text += " " + value(o.argument);
  if (o.outcome == Outcome::kUnknown) {
    text += ", no answer";
  } else if (o.outcome == Outcome::kRefused) {
    text += ", refused";
  } else if (o.kind != Kind::kWrite) {
    text += " = " + value(o.result);
  }
  text +=
      "  [" + std::to_string(o.invoked_us) + " .. " +
      (o.returned_us == kNever || o.outcome != Outcome::kAnswered ? std::string("?")
                                                                  : std::to_string(o.returned_us)) +
      "]";
  return text;
}

Report Check(std::vector<Operation> history, Value initial, uint64_t limit) {
  return Search(Simplify(std::move(history), initial), initial).Run(limit);
}

Report CheckKeys(const std::map<std::string, std::vector<Operation>>& histories, Value initial,
                 uint64_t limit) {
  Report all;
  for (const auto& [key, history] : histories) {
    Report report = Check(history, initial, limit);
    if (report.verdict != Verdict::kLinearizable) {
      report.explanation = "key " + key + ": " + report.explanation;
      return report;
    }
    all.visited += report.visited;
  }
  return all;
}

}  // namespace understudy::linearizability
