// Decides whether a history of operations on one register is linearizable: whether there is one
// order of all operations that agrees with real time (an operation that returned before another was
// invoked comes before it) and in which each result is what a single register would have given.
// Registers are independent, and linearizability is local (Herlihy & Wing, theorem 1), so a history
// of many keys is checked key by key.
//
// Source: Wing & Gong, "Testing and Verifying Concurrent Objects" (1993), the search; Lowe,
// "Testing for Linearizability" (2017), section 3, the memory of configurations that were already
// tried.
//
// What an unanswered operation means: it may take effect at any moment after it was invoked, or
// never. An operation that was refused for certain (kRefused) didn't happen.
//
// Invariants:
//  1. The verdict kLinearizable is given only with a witness order, which was checked as it was
//  built.
//  2. The verdict kNotLinearizable is given only when every order was tried.
//  3. kGaveUp when more than `limit` configurations were visited: neither of both.
// Cost: exponential in the number of operations that overlap in time at worst; linear where values
// are unique and few overlap. No I/O; any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace understudy::linearizability {

using Value = int64_t;
inline constexpr Value kAbsent = std::numeric_limits<Value>::min();  // the key doesn't exist
inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

struct Operation {
  enum class Kind : uint8_t {
    kRead,           // result: the value
    kWrite,          // argument: the new value
    kExchange,       // argument: the new value; result: the old one (SET ... GET)
    kCompareAndSet,  // expected, argument; result: 1 done, 0 the value was another (SET ... NX)
    kAdd,  // argument: the difference; result: the sum (INCRBY; an absent key counts as 0)
  };
  enum class Outcome : uint8_t { kAnswered, kUnknown, kRefused };

  Kind kind = Kind::kRead;
  Outcome outcome = Outcome::kAnswered;
  Value argument = 0;
  Value expected = 0;
  Value result = 0;         // if answered
  int64_t invoked_us = 0;   // any clock, the same for all operations
  int64_t returned_us = 0;  // ignored unless answered
  int client = 0;           // for explanations only
};

enum class Verdict : uint8_t { kLinearizable, kNotLinearizable, kGaveUp };

struct Report {
  Verdict verdict = Verdict::kLinearizable;
  // For people: the operations that couldn't be placed behind the longest order found.
  std::string explanation;
  uint64_t visited = 0;  // configurations
};

// `history` in any order. `initial` is the register's value before it.
Report Check(std::vector<Operation> history, Value initial = kAbsent, uint64_t limit = 20'000'000);

// Each key by itself; the first report that isn't kLinearizable, with its key in the explanation.
Report CheckKeys(const std::map<std::string, std::vector<Operation>>& histories,
                 Value initial = kAbsent, uint64_t limit = 20'000'000);

std::string ToString(const Operation& operation);

}  // namespace understudy::linearizability
