#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "targets/kv/score_tree.h"

namespace understudy::targets::kv {
namespace {

using Pair = std::pair<double, std::string>;

// A tree and the members in it, beside a model.
class Pairs {
 public:
  ~Pairs() {
    for (auto& [text, member] : members) ScoredMember::Free(member);
  }
  void Add(double score, const std::string& text) {
    ScoredMember* member = ScoredMember::New(score, text);
    members[text] = member;
    tree.Insert(member);
    model.insert({score, text});
  }
  void Remove(const std::string& text) {
    ScoredMember* member = members.at(text);
    tree.Remove(member);
    Forget(member);
  }
  void Forget(ScoredMember* member) {
    const std::string text(member->text());
    model.erase({member->score(), text});
    members.erase(text);
    ScoredMember::Free(member);
  }
  void Move(const std::string& text, double score) {
    ScoredMember* member = members.at(text);
    model.erase({member->score(), text});
    tree.Move(member, score);
    model.insert({score, text});
  }
  void ExpectEqual() {
    tree.Check();
    ASSERT_EQ(tree.size(), model.size());
    auto expected = model.begin();
    for (ScoreTree::Cursor at = tree.First(); at; at.Next(), ++expected) {
      ASSERT_EQ(at.score(), expected->first);
      ASSERT_EQ(at.member()->text(), expected->second);
    }
    ASSERT_EQ(expected, model.end());
    if (model.empty()) return;
    auto reverse = model.rbegin();
    for (ScoreTree::Cursor at = tree.At(tree.size() - 1); at; at.Previous(), ++reverse) {
      ASSERT_EQ(at.member()->text(), reverse->second);
    }
    ASSERT_EQ(reverse, model.rend());
  }
  ScoreTree tree;
  std::map<std::string, ScoredMember*> members;
  std::set<Pair> model;
};

TEST(ScoredMember, HoldsTextsOfAnySize) {
  for (size_t size : {0, 1, 7, 8, 254, 255, 256, 100000}) {
    const std::string text(size, 'm');
    ScoredMember* member = ScoredMember::New(1.5, text);
    EXPECT_EQ(member->text(), text);
    EXPECT_EQ(member->score(), 1.5);
    member->set_score(-2);
    EXPECT_EQ(member->score(), -2);
    EXPECT_GE(member->memory(), size + 9);
    ScoredMember::Free(member);
  }
}

class ScoreTreeModel : public testing::TestWithParam<int> {};

TEST_P(ScoreTreeModel, DoesWhatASetDoes) {
  const int kinds = GetParam();  // how many different scores
  std::mt19937_64 random(static_cast<uint64_t>(kinds));
  Pairs pairs;
  const auto random_score = [&] {
    return static_cast<double>(random() % static_cast<uint64_t>(kinds)) / 4;
  };
  for (int phase = 0; phase < 6; ++phase) {
    const bool grow = phase % 2 == 0;
    for (int step = 0; step < 8000; ++step) {
      const uint64_t kind = random() % 10;
      if (pairs.model.empty() || kind < (grow ? 6u : 1u)) {
        const std::string text = "m" + std::to_string(random() % 100000);
        if (pairs.members.count(text) == 0) pairs.Add(random_score(), text);
      } else if (kind < 8) {
        const size_t rank = random() % pairs.model.size();
        if (random() % 2 == 0) {
          pairs.Forget(pairs.tree.RemoveAt(rank));
        } else {
          pairs.Remove(std::string(pairs.tree.At(rank).member()->text()));
        }
      } else if (kind == 8) {
        const std::string text(pairs.tree.At(random() % pairs.model.size()).member()->text());
        const double old = pairs.members.at(text)->score();
        pairs.Move(text, random() % 2 == 0 ? old + 0.001 : random_score());
      } else {
        const double bound = random_score();
        const size_t count = pairs.tree.CountBefore(
            [bound](double score, const ScoredMember&) { return score < bound; });
        ASSERT_EQ(count, std::distance(pairs.model.begin(), pairs.model.lower_bound({bound, ""})));
      }
    }
    pairs.ExpectEqual();
    size_t rank = 0;
    for (const auto& [score, text] : pairs.model) {
      ASSERT_EQ(pairs.tree.RankOf(pairs.members.at(text)), rank);
      ASSERT_EQ(pairs.tree.At(rank).member()->text(), text);
      ++rank;
    }
    EXPECT_FALSE(pairs.tree.At(rank));
  }
  while (!pairs.model.empty()) pairs.Forget(pairs.tree.RemoveAt(random() % pairs.model.size()));
  pairs.ExpectEqual();
  EXPECT_EQ(pairs.tree.memory(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Scores, ScoreTreeModel, testing::Values(1, 7, 100000));

TEST(ScoreTree, InOrderItIsFilledToTheEnd) {
  for (bool ascending : {true, false}) {
    Pairs pairs;
    for (int i = 0; i < 20000; ++i) pairs.Add(ascending ? i : -i, "m" + std::to_string(i));
    pairs.ExpectEqual();
    // 62 to a leaf, 31 leaves to an inner node.
    EXPECT_LE(pairs.tree.memory(), 360u * 1024);
  }
}

TEST(ScoreTree, RemovalFromTheFrontAndTheBackLeavesNoEmptyNodes) {
  for (bool front : {true, false}) {
    Pairs pairs;
    for (int i = 0; i < 5000; ++i) pairs.Add(i % 71, "m" + std::to_string(i));
    while (pairs.model.size() > 10) {
      pairs.Forget(pairs.tree.RemoveAt(front ? 0 : pairs.model.size() - 1));
      if (pairs.model.size() % 97 == 0) pairs.tree.Check();
    }
    pairs.ExpectEqual();
    EXPECT_LE(pairs.tree.memory(), 2048u);
  }
}

TEST(ScoreTree, OrdersInfinitiesAndTexts) {
  Pairs pairs;
  const double infinity = std::numeric_limits<double>::infinity();
  pairs.Add(infinity, "b");
  pairs.Add(-infinity, "z");
  pairs.Add(0, std::string("a\0", 2));
  pairs.Add(-0.0, "a");
  pairs.Add(0, "\xff");
  pairs.Add(infinity, "");
  std::vector<std::string> texts;
  for (ScoreTree::Cursor at = pairs.tree.First(); at; at.Next())
    texts.emplace_back(at.member()->text());
  EXPECT_EQ(texts, (std::vector<std::string>{"z", "a", std::string("a\0", 2), "\xff", "", "b"}));
}

TEST(ScoreTree, IsFreedInSteps) {
  Pairs pairs;
  for (int i = 0; i < 20000; ++i) pairs.Add(i * 7919 % 20011, "m" + std::to_string(i));
  const size_t nodes = pairs.tree.memory() / 1024;
  size_t calls = 1;
  while (!pairs.tree.FreeSome(10)) ++calls;
  EXPECT_GT(calls, nodes / 12);
  EXPECT_EQ(pairs.tree.memory(), 0u);
  EXPECT_EQ(pairs.tree.size(), 0u);
}

}  // namespace
}  // namespace understudy::targets::kv
