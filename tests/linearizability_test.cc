// The checker of histories, on histories whose verdict is known, and on random ones beside a plain
// search through all orders.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "tests/linearizability/checker.h"

namespace understudy::linearizability {
namespace {

using Kind = Operation::Kind;
using Outcome = Operation::Outcome;

Operation Read(int64_t from, int64_t to, Value result) {
  return {.kind = Kind::kRead, .result = result, .invoked_us = from, .returned_us = to};
}
Operation Write(int64_t from, int64_t to, Value value) {
  return {.kind = Kind::kWrite, .argument = value, .invoked_us = from, .returned_us = to};
}
Operation LostWrite(int64_t from, Value value) {
  return {
      .kind = Kind::kWrite, .outcome = Outcome::kUnknown, .argument = value, .invoked_us = from};
}
Operation Exchange(int64_t from, int64_t to, Value value, Value old) {
  return {.kind = Kind::kExchange,
          .argument = value,
          .result = old,
          .invoked_us = from,
          .returned_us = to};
}
Operation CompareAndSet(int64_t from, int64_t to, Value expected, Value value, bool done) {
  return {.kind = Kind::kCompareAndSet,
          .argument = value,
          .expected = expected,
          .result = done,
          .invoked_us = from,
          .returned_us = to};
}
Operation Add(int64_t from, int64_t to, Value by, Value sum) {
  return {.kind = Kind::kAdd, .argument = by, .result = sum, .invoked_us = from, .returned_us = to};
}

bool Linearizable(std::vector<Operation> history) {
  const Report report = Check(std::move(history));
  EXPECT_NE(report.verdict, Verdict::kGaveUp);
  EXPECT_EQ(report.verdict == Verdict::kLinearizable, report.explanation.empty());
  return report.verdict == Verdict::kLinearizable;
}

TEST(Linearizability, EmptyHistory) { EXPECT_TRUE(Linearizable({})); }

TEST(Linearizability, OneAfterTheOther) {
  EXPECT_TRUE(Linearizable({Read(0, 1, kAbsent), Write(2, 3, 7), Read(4, 5, 7)}));
  EXPECT_FALSE(Linearizable({Read(0, 1, 7), Write(2, 3, 7)}));                  // from the future
  EXPECT_FALSE(Linearizable({Write(0, 1, 7), Read(2, 3, kAbsent)}));            // lost
  EXPECT_FALSE(Linearizable({Write(0, 1, 7), Write(2, 3, 8), Read(4, 5, 7)}));  // stale
}

TEST(Linearizability, ReadsDuringAWriteSeeEither) {
  EXPECT_TRUE(Linearizable({Write(0, 1, 1), Write(2, 9, 2), Read(3, 4, 1), Read(5, 6, 2)}));
  EXPECT_TRUE(Linearizable({Write(0, 1, 1), Write(2, 9, 2), Read(3, 6, 2), Read(4, 5, 1)}));
  // New, then old again: the first read decided that the write had happened.
  EXPECT_FALSE(Linearizable({Write(0, 1, 1), Write(2, 9, 2), Read(3, 4, 2), Read(5, 6, 1)}));
}

TEST(Linearizability, TwoReadersMustAgreeOnTheOrderOfTwoWrites) {
  EXPECT_TRUE(Linearizable({Write(0, 10, 1), Write(0, 10, 2), Read(11, 12, 1), Read(13, 14, 1)}));
  EXPECT_FALSE(Linearizable({Write(0, 10, 1), Write(0, 10, 2), Read(11, 12, 1), Read(13, 14, 2)}));
}

TEST(Linearizability, AWriteWithoutAnswerMayHappenLateOrNever) {
  EXPECT_TRUE(Linearizable({Write(0, 1, 1), LostWrite(2, 2), Read(5, 6, 1), Read(7, 8, 1)}));
  EXPECT_TRUE(Linearizable({Write(0, 1, 1), LostWrite(2, 2), Read(5, 6, 1), Read(7, 8, 2)}));
  EXPECT_FALSE(Linearizable({Write(0, 1, 1), LostWrite(2, 2), Read(5, 6, 2), Read(7, 8, 1)}));
  EXPECT_FALSE(Linearizable({Read(0, 1, 2), LostWrite(2, 2)}));  // before it was asked for
}

TEST(Linearizability, ARefusedWriteDidNotHappen) {
  Operation refused = LostWrite(2, 2);
  refused.outcome = Outcome::kRefused;
  EXPECT_TRUE(Linearizable({Write(0, 1, 1), refused, Read(5, 6, 1)}));
  EXPECT_FALSE(Linearizable({Write(0, 1, 1), refused, Read(5, 6, 2)}));
}

TEST(Linearizability, ALostReadSaysNothing) {
  Operation lost = Read(0, 0, 99);
  lost.outcome = Outcome::kUnknown;
  EXPECT_TRUE(Linearizable({Write(0, 1, 1), lost, Read(5, 6, 1)}));
}

TEST(Linearizability, Exchange) {
  EXPECT_TRUE(Linearizable({Exchange(0, 9, 1, 2), Exchange(0, 9, 2, kAbsent), Read(10, 11, 1)}));
  EXPECT_FALSE(Linearizable({Exchange(0, 9, 1, kAbsent), Exchange(0, 9, 2, kAbsent)}));
}

TEST(Linearizability, CompareAndSet) {
  EXPECT_TRUE(Linearizable({CompareAndSet(0, 9, kAbsent, 1, true),
                            CompareAndSet(0, 9, kAbsent, 2, false), Read(10, 11, 1)}));
  // Both got a lock that only one can have.
  EXPECT_FALSE(
      Linearizable({CompareAndSet(0, 9, kAbsent, 1, true), CompareAndSet(0, 9, kAbsent, 2, true)}));
  EXPECT_FALSE(Linearizable({CompareAndSet(0, 9, kAbsent, 1, false)}));
  // A write without an answer, never read, explains the refusal.
  EXPECT_TRUE(Linearizable({LostWrite(0, 5), CompareAndSet(1, 9, kAbsent, 1, false)}));
}

TEST(Linearizability, CounterGivesNoNumberTwice) {
  EXPECT_TRUE(Linearizable({Add(0, 9, 1, 2), Add(0, 9, 1, 1), Add(10, 11, 1, 3)}));
  EXPECT_FALSE(Linearizable({Add(0, 9, 1, 1), Add(0, 9, 1, 1)}));
  EXPECT_FALSE(Linearizable({Add(0, 1, 1, 1), Add(2, 3, 1, 3)}));
  Operation lost = Add(1, 0, 1, 0);
  lost.outcome = Outcome::kUnknown;
  EXPECT_TRUE(Linearizable({Add(0, 1, 1, 1), lost, Add(2, 3, 1, 3)}));
  EXPECT_TRUE(Linearizable({Add(0, 1, 1, 1), lost, Add(2, 3, 1, 2)}));
}

// List-append histories as seen through one key: each append is an addition that answers the length,
// each read of the list says how long it was and which element came last.
TEST(Linearizability, ListAppends) {
  // APPEND answers lengths: one lost, one doubled, two in an order that a reader contradicts.
  EXPECT_TRUE(Linearizable({Add(0, 1, 4, 4), Add(2, 3, 4, 8), Read(4, 5, 8)}));
  EXPECT_FALSE(Linearizable({Add(0, 1, 4, 4), Add(2, 3, 4, 4), Read(4, 5, 4)}));    // lost
  EXPECT_FALSE(Linearizable({Add(0, 1, 4, 4), Add(2, 3, 4, 12), Read(4, 5, 12)}));  // doubled
  Operation unanswered = Add(2, 0, 4, 0);
  unanswered.outcome = Outcome::kUnknown;
  EXPECT_TRUE(Linearizable({Add(0, 1, 4, 4), unanswered, Read(4, 5, 8), Read(6, 7, 8)}));
  EXPECT_FALSE(Linearizable({Add(0, 1, 4, 4), unanswered, Read(4, 5, 12)}));  // done twice
  // The last element: 1 then 2 for one reader, 2 then 1 for another, after both were answered.
  EXPECT_FALSE(Linearizable({Exchange(0, 9, 1, kAbsent), Exchange(0, 9, 2, 1), Read(10, 11, 1)}));
  EXPECT_TRUE(Linearizable({Exchange(0, 9, 1, kAbsent), Exchange(0, 9, 2, 1), Read(10, 11, 2)}));
}

// Jepsen's lost update: two read the same value and both write what they made of it.
TEST(Linearizability, LostUpdate) {
  EXPECT_FALSE(Linearizable(
      {Write(0, 1, 10), CompareAndSet(2, 6, 10, 11, true), CompareAndSet(3, 7, 10, 12, true)}));
  EXPECT_TRUE(Linearizable(
      {Write(0, 1, 10), CompareAndSet(2, 6, 10, 11, true), CompareAndSet(3, 7, 11, 12, true)}));
  // A write answered, then gone as if it had never been.
  EXPECT_FALSE(Linearizable({Write(0, 1, 1), Write(2, 3, 2), Read(4, 5, 2), Read(6, 7, 1)}));
}

TEST(Linearizability, TheLimitIsKept) {
  std::vector<Operation> history;
  for (int i = 0; i < 24; ++i) history.push_back(Write(0, 100, i));
  history.push_back(Read(200, 201, 99));
  EXPECT_EQ(Check(history, kAbsent, 1000).verdict, Verdict::kGaveUp);
}

TEST(Linearizability, ExplainsWithKeyAndOperation) {
  const Report report = CheckKeys(
      {{"good", {Write(0, 1, 1), Read(2, 3, 1)}}, {"worse", {Write(0, 1, 1), Read(2, 3, 4)}}});
  EXPECT_EQ(report.verdict, Verdict::kNotLinearizable);
  EXPECT_NE(report.explanation.find("key worse"), std::string::npos);
  EXPECT_NE(report.explanation.find("read = 4"), std::string::npos);
}

// A register that really is one, used by many clients: the history is linearizable by construction.
// `stale` makes one read answer with what was there long before.
std::vector<Operation> RandomHistory(std::mt19937_64& random, int clients, int operations,
                                     bool stale) {
  struct Client {
    Operation open;
    int64_t acts_at = 0;
    bool busy = false;
  };
  std::vector<Client> all(static_cast<size_t>(clients));
  std::vector<Operation> history;
  Value value = kAbsent;
  std::vector<Value> values = {value};
  int64_t now = 0;
  Value next = 1;
  int started = 0;
  while (started < operations) {
    now += 1 + static_cast<int64_t>(random() % 3);
    const size_t index = random() % all.size();
    Client& client = all[index];
    if (!client.busy) {
      client.open = {};
      client.open.client = static_cast<int>(index);
      client.open.kind = random() % 2 == 0 ? Kind::kRead : Kind::kWrite;
      client.open.argument = next++;
      client.open.invoked_us = now;
      client.busy = true;
      ++started;
      continue;
    }
    Operation& o = client.open;
    const bool happens = o.kind == Kind::kRead || random() % 20 != 0;
    if (happens && o.kind == Kind::kWrite) values.push_back(value = o.argument);
    o.result = value;
    o.returned_us = now + 1;
    if (!happens || random() % 20 == 0) o.outcome = Outcome::kUnknown;
    history.push_back(o);
    client.busy = false;
    now += 1;
  }
  if (stale) {
    history.push_back(Read(now + 10, now + 11, values[values.size() / 2]));
  }
  return history;
}

TEST(Linearizability, LongHistoriesAreFast) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 5; ++round) {
    const Report good = Check(RandomHistory(random, 8, 5000, false));
    EXPECT_EQ(good.verdict, Verdict::kLinearizable) << good.explanation;
    EXPECT_LT(good.visited, 200'000u);
    EXPECT_EQ(Check(RandomHistory(random, 8, 5000, true)).verdict, Verdict::kNotLinearizable);
  }
}

// All orders of all subsets that may be left out: for small histories.
bool BruteForce(const std::vector<Operation>& history, std::vector<bool>& placed, Value state) {
  bool complete = true;
  int64_t first_return = kNever;  // of what is not yet placed
  for (size_t i = 0; i < history.size(); ++i) {
    if (placed[i] || history[i].outcome != Outcome::kAnswered) continue;
    complete = false;
    first_return = std::min(first_return, history[i].returned_us);
  }
  if (complete) return true;
  for (size_t i = 0; i < history.size(); ++i) {
    const Operation& o = history[i];
    if (placed[i] || o.outcome == Outcome::kRefused || o.invoked_us > first_return) continue;
    const bool answered = o.outcome == Outcome::kAnswered;
    Value after = state;
    if (o.kind == Kind::kRead) {
      if (answered && o.result != state) continue;
    } else if (o.kind == Kind::kCompareAndSet) {
      if (answered && (o.result == 1) != (state == o.expected)) continue;
      if (state == o.expected) after = o.argument;
    } else if (o.kind == Kind::kAdd) {
      after = (state == kAbsent ? 0 : state) + o.argument;
      if (answered && after != o.result) continue;
    } else {
      if (o.kind == Kind::kExchange && answered && o.result != state) continue;
      after = o.argument;
    }
    placed[i] = true;
    if (BruteForce(history, placed, after)) return true;
    placed[i] = false;
  }
  return false;
}

TEST(Linearizability, AgreesWithTryingEverything) {
  std::mt19937_64 random(20260101);
  int good = 0, bad = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<Operation> history(2 + random() % 5);
    for (Operation& o : history) {
      // Few values, so that some histories fit by luck; all kinds and outcomes.
      o.kind = static_cast<Kind>(random() % (round % 2 == 0 ? 4 : 5));
      const uint64_t outcome = random() % 8;
      o.outcome = outcome == 0   ? Outcome::kRefused
                  : outcome <= 2 ? Outcome::kUnknown
                                 : Outcome::kAnswered;
      o.argument = static_cast<Value>(random() % 3);
      o.expected = random() % 3 == 0 ? kAbsent : static_cast<Value>(random() % 3);
      o.result = o.kind == Kind::kCompareAndSet ? static_cast<Value>(random() % 2)
                 : random() % 4 == 0            ? kAbsent
                                                : static_cast<Value>(random() % 3);
      o.invoked_us = static_cast<int64_t>(random() % 20);
      o.returned_us = o.invoked_us + 1 + static_cast<int64_t>(random() % 10);
    }
    std::vector<bool> placed(history.size());
    const bool expected = BruteForce(history, placed, kAbsent);
    ASSERT_EQ(Linearizable(history), expected) << [&] {
      std::string text;
      for (const Operation& o : history) text += ToString(o) + "\n";
      return text;
    }();
    (expected ? good : bad)++;
  }
  EXPECT_GT(good, 1000);
  EXPECT_GT(bad, 1000);
}

}  // namespace
}  // namespace understudy::linearizability
