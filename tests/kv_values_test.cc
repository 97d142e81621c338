// Lists, hashes, sets and sorted sets against std containers, in all their forms.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "targets/kv/hash_value.h"
#include "targets/kv/list_value.h"
#include "targets/kv/set_value.h"
#include "targets/kv/sorted_set_value.h"

namespace understudy::targets::kv {
namespace {

std::string TextOf(const Element& element) {
  Element::Digits digits;
  return std::string(element.Text(&digits));
}

// Limits: 0 all forms in turn (small limits), 1 Redis' defaults, 2 big forms only.
class Values : public testing::TestWithParam<int> {
 protected:
  Values() : random(static_cast<uint64_t>(GetParam()) + 1) {
    if (GetParam() == 1) return;
    const bool small = GetParam() == 0;
    limits.hash_max_listpack_entries = limits.zset_max_listpack_entries = small ? 20 : 0;
    limits.set_max_intset_entries = small ? 10 : 0;
    limits.set_max_listpack_entries = small ? 20 : 0;
    limits.list_max_listpack_size = small ? 16 : 1;
    limits.list_plain_bytes = 70;
  }
  ~Values() override { Free(type, object); }

  std::string RandomText(uint64_t kinds) {
    const uint64_t number = random() % kinds;
    if (number % 5 == 0) return std::to_string(static_cast<int64_t>(number * 7919) - 3000);
    if (number % 17 == 0)
      return std::string(20 + number % 60, static_cast<char>('a' + number % 26));
    return "m" + std::to_string(number);
  }
  // In steps, as big values are.
  void FreeInSteps() {
    const size_t size = SizeOf(type, object);
    size_t calls = 0;
    for (bool done = false; !done; ++calls) {
      size_t budget = 64;
      done = FreeSome(type, &object, &budget);
    }
    EXPECT_GE(calls, size / 200);
    object = ListValue::New().object();
    type = Type::kList;
  }

  ContainerLimits limits;
  const KeyHasher hasher{42};
  const Forms forms{&hasher, &limits};
  std::mt19937_64 random;
  Type type = Type::kList;
  Object object = ListValue::New().object();
};

TEST_P(Values, ListsDoWhatADequeDoes) {
  std::deque<std::string> model;
  ListValue list(object);
  for (int step = 0; step < 4000; ++step) {
    const std::string text = RandomText(60);
    const size_t size = model.size();
    const size_t index = size == 0 ? 0 : random() % size;
    switch (random() % (size > 200 ? 12 : 8)) {
      case 0:
      case 1: {
        const std::vector<std::string> texts = {text, RandomText(60), ""};
        const std::vector<std::string_view> views(texts.begin(), texts.end());
        list.Push(ListValue::End::kBack, views, forms);
        model.insert(model.end(), texts.begin(), texts.end());
        break;
      }
      case 2: {
        const std::string_view view = text;
        list.Push(ListValue::End::kFront, {&view, 1}, forms);
        model.push_front(text);
        break;
      }
      case 3:
        list.Insert(size == 0 ? 0 : random() % (size + 1), text, forms);
        model.clear();
        if (list.size() > 0) {
          list.ForEach(0, ListValue::End::kBack, [&](size_t, const Element& element) {
            model.push_back(TextOf(element));
            return true;
          });
        }
        ASSERT_EQ(model.size(), size + 1);
        ASSERT_NE(std::find(model.begin(), model.end(), text), model.end());
        break;
      case 4:
        if (size == 0) break;
        list.Set(index, text, forms);
        model[index] = text;
        break;
      case 5: {
        if (size == 0) break;
        const size_t count = std::min<size_t>(size, random() % 3 + 1);
        list.Pop(ListValue::End::kFront, count, forms);
        model.erase(model.begin(), model.begin() + static_cast<ptrdiff_t>(count));
        break;
      }
      case 6: {
        if (size == 0) break;
        const size_t count = std::min<size_t>(size, random() % 3 + 1);
        list.Pop(ListValue::End::kBack, count, forms);
        model.resize(size - count);
        break;
      }
      case 7: {
        const auto count = static_cast<int64_t>(random() % 7) - 3;
        size_t removed = 0;
        const auto keep = [&](auto& texts) {
          for (auto at = texts.begin(); at != texts.end();) {
            if (*at == text && (count == 0 || removed < static_cast<size_t>(std::abs(count)))) {
              at = texts.erase(at);
              ++removed;
            } else {
              ++at;
            }
          }
        };
        if (count < 0) std::reverse(model.begin(), model.end());
        keep(model);
        if (count < 0) std::reverse(model.begin(), model.end());
        ASSERT_EQ(list.Remove(count, text, forms), removed);
        break;
      }
      default: {
        const size_t count = std::min(size - index, 150 + random() % 50);
        list.Trim(index, count, forms);
        model = {model.begin() + static_cast<ptrdiff_t>(index),
                 model.begin() + static_cast<ptrdiff_t>(index + count)};
      }
    }
    ASSERT_EQ(list.size(), model.size());
    if (!model.empty()) {
      const size_t at = random() % model.size();
      ASSERT_EQ(TextOf(list.At(at)), model[at]);
      size_t expected = at;
      list.ForEach(at, ListValue::End::kFront, [&](size_t i, const Element& element) {
        EXPECT_EQ(i, expected);
        EXPECT_EQ(TextOf(element), model[expected]);
        return expected-- > 0 && expected + 8 > at;
      });
      size_t visited = 0;
      list.ForEach(0, ListValue::End::kBack, [&](size_t i, const Element& element) {
        EXPECT_EQ(TextOf(element), model[i]);
        ++visited;
        return true;
      });
      ASSERT_EQ(visited, model.size());
    }
    object = list.object();
  }
  ListValue copy = list.Copy();
  EXPECT_EQ(copy.size(), list.size());
  Free(type, copy.object());
  FreeInSteps();
}

TEST_P(Values, HashesDoWhatAMapDoes) {
  Free(type, object);
  type = Type::kHash;
  HashValue hash = HashValue::New();
  std::map<std::string, std::string> model;
  for (int step = 0; step < 6000; ++step) {
    const std::string field = RandomText(step < 3000 ? 50 : 2000);
    if (random() % 3 != 0) {
      const std::string value = RandomText(100);
      ASSERT_EQ(hash.Set(field, value, forms), model.insert_or_assign(field, value).second);
    } else {
      ASSERT_EQ(hash.Remove(field, forms), model.erase(field) == 1);
    }
    object = hash.object();
    ASSERT_EQ(hash.size(), model.size());
    const auto found = model.find(field);
    const auto value = hash.Get(field, forms);
    ASSERT_EQ(value.has_value(), found != model.end());
    if (value) {
      ASSERT_EQ(TextOf(*value), found->second);
    }
    if (!model.empty()) {
      const auto [f, v] = hash.Random(random());
      ASSERT_EQ(model.at(TextOf(f)), TextOf(v));
    }
  }
  const auto everything = [](const HashValue& value) {
    std::map<std::string, std::string> all;
    value.ForEach([&](const Element& f, const Element& v) {
      EXPECT_TRUE(all.insert({TextOf(f), TextOf(v)}).second);
    });
    return all;
  };
  EXPECT_EQ(everything(hash), model);
  std::map<std::string, std::string> scanned;
  uint64_t cursor = 0;
  do {
    cursor = hash.Scan(cursor,
                       [&](const Element& f, const Element& v) { scanned[TextOf(f)] = TextOf(v); });
  } while (cursor != 0);
  EXPECT_EQ(scanned, model);
  HashValue copy = hash.Copy(forms);
  EXPECT_EQ(everything(copy), model);
  EXPECT_EQ(copy.IsPacked(), hash.IsPacked());
  Free(type, copy.object());
  FreeInSteps();
}

TEST_P(Values, SetsDoWhatASetDoes) {
  Free(type, object);
  type = Type::kSet;
  object = SetValue::OfIntegers(IntSet::New()).object();
  for (bool integers : {true, false}) {
    Free(type, object);
    SetValue set = SetValue::NewFor(Element(std::string_view(integers ? "1" : "a")), 1, forms);
    object = set.object();
    std::set<std::string> model;
    for (int step = 0; step < 5000; ++step) {
      const std::string member = step < (integers ? 2000 : 0) ? std::to_string(random() % 30)
                                                              : RandomText(step < 3500 ? 50 : 2000);
      if (random() % 3 != 0) {
        ASSERT_EQ(set.Add(member, forms), model.insert(member).second);
      } else {
        ASSERT_EQ(set.Remove(member, forms), model.erase(member) == 1);
      }
      object = set.object();
      ASSERT_EQ(set.size(), model.size());
      ASSERT_EQ(set.Contains(member, forms), model.count(member) == 1);
      if (!model.empty()) {
        ASSERT_EQ(model.count(TextOf(set.Random(random()))), 1u);
      }
    }
    const auto everything = [](const SetValue& value) {
      std::set<std::string> all;
      value.ForEach([&](const Element& m) { EXPECT_TRUE(all.insert(TextOf(m)).second); });
      return all;
    };
    EXPECT_EQ(everything(set), model);
    std::set<std::string> scanned;
    uint64_t cursor = 0;
    do {
      cursor = set.Scan(cursor, [&](const Element& m) { scanned.insert(TextOf(m)); });
    } while (cursor != 0);
    EXPECT_EQ(scanned, model);
    SetValue copy = set.Copy(forms);
    EXPECT_EQ(everything(copy), model);
    Free(type, copy.object());
    FreeInSteps();
    Free(type, object);
    type = Type::kSet;
    object = SetValue::OfIntegers(IntSet::New()).object();
  }
}

TEST_P(Values, SortedSetsDoWhatAnOrderedSetDoes) {
  Free(type, object);
  type = Type::kSortedSet;
  SortedSetValue set = SortedSetValue::New();
  std::map<std::string, double> scores;
  std::set<std::pair<double, std::string>> order;
  const auto random_score = [this]() -> double {
    switch (random() % 8) {
      case 0:
        return static_cast<double>(random()) / 7e10;
      case 1:
        return random() % 2 == 0 ? INFINITY : -INFINITY;
      case 2:
        return -static_cast<double>(random() % 1000) / 8;
      case 3:
        return random() % 2 == 0 ? -0.0 : 9007199254740993.0;
      default:
        return static_cast<double>(random() % 20);
    }
  };
  for (int step = 0; step < 6000; ++step) {
    const std::string member = RandomText(step < 3000 ? 50 : 3000);
    const auto found = scores.find(member);
    switch (random() % 4) {
      case 0: {
        ASSERT_EQ(set.Remove(member, forms), found != scores.end());
        if (found != scores.end()) {
          order.erase({found->second, member});
          scores.erase(found);
        }
        break;
      }
      case 1: {
        if (random() % 8 != 0 || scores.empty()) break;
        const size_t first = random() % scores.size();
        const size_t count = std::min<size_t>(random() % 5, scores.size() - first);
        set.RemoveRange(first, count, forms);
        auto from = std::next(order.begin(), static_cast<ptrdiff_t>(first));
        for (size_t i = 0; i < count; ++i) {
          scores.erase(from->second);
          from = order.erase(from);
        }
        break;
      }
      default: {
        const double score = random_score();
        const auto added = set.Add(member, score, forms);
        if (found == scores.end()) {
          ASSERT_EQ(added, SortedSetValue::Added::kNew);
        } else {
          ASSERT_EQ(added, found->second == score ? SortedSetValue::Added::kSame
                                                  : SortedSetValue::Added::kChanged);
          order.erase({found->second, member});
        }
        scores[member] = score;
        order.insert({score, member});
      }
    }
    object = set.object();
    ASSERT_EQ(set.size(), scores.size());
    if (!set.IsPacked() && step % 50 == 0) set.tree()->order.Check();
    const auto now = scores.find(member);
    const auto rank = set.Rank(member, forms);
    ASSERT_EQ(rank.has_value(), now != scores.end());
    if (rank && step % 8 == 0) {
      const auto at = order.find({now->second, member});
      ASSERT_EQ(rank->first, static_cast<size_t>(std::distance(order.begin(), at)));
      ASSERT_EQ(rank->second, now->second);
    }
    if (step % 64 == 0) {
      const double bound = random_score();
      size_t below = 0, up_to = 0;
      for (const auto& [score, text] : order) {
        below += score < bound;
        up_to += score <= bound;
      }
      ASSERT_EQ(set.RankOfLeast(ScoreBound{bound, false}), below);
      ASSERT_EQ(set.RankOfLeast(ScoreBound{bound, true}), up_to);
      ASSERT_EQ(set.RankBehind(ScoreBound{bound, false}), up_to);
      ASSERT_EQ(set.RankBehind(ScoreBound{bound, true}), below);
      std::vector<std::pair<double, std::string>> upwards, downwards;
      set.ForEach([&](const Element& m, double s) { upwards.emplace_back(s, TextOf(m)); });
      ASSERT_TRUE(std::equal(upwards.begin(), upwards.end(), order.begin(), order.end()));
      if (!order.empty()) {
        set.ForRange(order.size() - 1, 1000000, true,
                     [&](const Element& m, double s) { downwards.emplace_back(s, TextOf(m)); });
      }
      std::reverse(downwards.begin(), downwards.end());
      ASSERT_EQ(downwards, upwards);
    }
  }
  size_t copied = 0;
  SortedSetValue copy = set.Copy(forms);
  copy.ForEach([&](const Element& m, double s) { copied += scores.at(TextOf(m)) == s; });
  EXPECT_EQ(copied, scores.size());
  Free(type, copy.object());
  std::map<std::string, double> scanned;
  uint64_t cursor = 0;
  do {
    cursor = set.Scan(cursor, [&](const Element& m, double s) { scanned[TextOf(m)] = s; });
  } while (cursor != 0);
  EXPECT_EQ(scanned, scores);
  FreeInSteps();
}

TEST_P(Values, SortedSetsCountRangesOfMembers) {
  Free(type, object);
  type = Type::kSortedSet;
  SortedSetValue set = SortedSetValue::New();
  std::set<std::string> model;
  for (int i = 0; i < 300; ++i) {
    const std::string member = RandomText(400);
    set.Add(member, 0, forms);
    model.insert(member);
  }
  object = set.object();
  for (int i = 0; i < 300; ++i) {
    const std::string text = RandomText(400);
    for (bool exclusive : {false, true}) {
      const auto before = [&](bool or_equal) {
        return static_cast<size_t>(std::distance(
            model.begin(), or_equal ? model.upper_bound(text) : model.lower_bound(text)));
      };
      const LexBound bound{LexBound::Kind::kText, text, exclusive};
      ASSERT_EQ(set.RankOfLeast(bound), before(exclusive));
      ASSERT_EQ(set.RankBehind(bound), before(!exclusive));
    }
  }
  const LexBound least{LexBound::Kind::kLeast}, greatest{LexBound::Kind::kGreatest};
  EXPECT_EQ(set.RankOfLeast(least), 0u);
  EXPECT_EQ(set.RankBehind(least), 0u);
  EXPECT_EQ(set.RankOfLeast(greatest), model.size());
  EXPECT_EQ(set.RankBehind(greatest), model.size());
}

INSTANTIATE_TEST_SUITE_P(Limits, Values, testing::Values(0, 1, 2));

class ValueForms : public testing::Test {
 protected:
  ContainerLimits limits;
  const KeyHasher hasher{7};
  const Forms forms{&hasher, &limits};
};

TEST_F(ValueForms, ChangeWhereRedisChangesThem) {
  SetValue set = SetValue::NewFor(Element(int64_t{1}), 1, forms);
  for (int i = 0; i < 512; ++i) set.Add(std::to_string(i), forms);
  EXPECT_EQ(EncodingName(Type::kSet, set.object()), "intset");
  set.Add("512", forms);
  EXPECT_EQ(EncodingName(Type::kSet, set.object()), "hashtable");
  Free(Type::kSet, set.object());

  set = SetValue::NewFor(Element(int64_t{1}), 1, forms);
  for (int i = 0; i < 127; ++i) set.Add(std::to_string(i), forms);
  set.Add("a", forms);
  EXPECT_EQ(EncodingName(Type::kSet, set.object()), "listpack");
  set.Add("b", forms);
  EXPECT_EQ(EncodingName(Type::kSet, set.object()), "hashtable");
  Free(Type::kSet, set.object());

  HashValue hash = HashValue::New();
  for (int i = 0; i < 512; ++i) hash.Set(std::to_string(i), "v", forms);
  EXPECT_EQ(EncodingName(Type::kHash, hash.object()), "listpack");
  hash.Set("0", std::string(64, 'x'), forms);
  EXPECT_EQ(EncodingName(Type::kHash, hash.object()), "listpack");
  hash.Set("0", std::string(65, 'x'), forms);
  EXPECT_EQ(EncodingName(Type::kHash, hash.object()), "hashtable");
  Free(Type::kHash, hash.object());

  SortedSetValue sorted = SortedSetValue::New();
  for (int i = 0; i < 128; ++i) sorted.Add(std::to_string(i), i, forms);
  EXPECT_EQ(EncodingName(Type::kSortedSet, sorted.object()), "listpack");
  sorted.Add("128", 1, forms);
  EXPECT_EQ(EncodingName(Type::kSortedSet, sorted.object()), "skiplist");
  sorted.Compact(forms);
  EXPECT_EQ(EncodingName(Type::kSortedSet, sorted.object()), "skiplist");
  sorted.Remove("5", forms);
  sorted.Compact(forms);
  EXPECT_EQ(EncodingName(Type::kSortedSet, sorted.object()), "listpack");
  EXPECT_EQ(sorted.Rank("128", forms)->first, 2u);
  Free(Type::kSortedSet, sorted.object());

  ListValue list = ListValue::New();
  const std::string kilobyte(1000, 'x');
  const std::string_view view = kilobyte;
  for (int i = 0; i < 8; ++i) list.Push(ListValue::End::kBack, {&view, 1}, forms);
  EXPECT_EQ(EncodingName(Type::kList, list.object()), "listpack");
  list.Push(ListValue::End::kBack, {&view, 1}, forms);
  EXPECT_EQ(EncodingName(Type::kList, list.object()), "quicklist");
  list.Pop(ListValue::End::kBack, 4, forms);
  EXPECT_EQ(EncodingName(Type::kList, list.object()), "quicklist");
  list.Pop(ListValue::End::kBack, 1, forms);
  EXPECT_EQ(EncodingName(Type::kList, list.object()), "listpack");
  Free(Type::kList, list.object());
}

// Bytes an element of ten bytes, all in all. In the comments what redis-server 7.0.15 takes by its
// MEMORY USAGE of the same elements.
TEST_F(ValueForms, TakeLittleMemory) {
  constexpr size_t kElements = 100000;
  SetValue set = SetValue::NewTable(0, forms);
  HashValue hash = HashValue::NewTable(0, forms);
  SortedSetValue sorted = SortedSetValue::NewTree(0, forms);
  for (size_t i = 0; i < kElements; ++i) {
    const std::string text = "m" + std::to_string(100000000 + i);
    set.Add(text, forms);
    hash.Set(text, text, forms);
    sorted.Add(text, static_cast<double>(i * 7919 % kElements), forms);
  }
  ListValue list = ListValue::New();
  for (size_t i = 0; i < kElements; ++i) {
    const std::string text = "m" + std::to_string(100000000 + i);
    const std::string_view view = text;
    list.Push(ListValue::End::kBack, {&view, 1}, forms);
  }
  EXPECT_LT(MemoryOf(Type::kList, list.object()) / kElements, 13u);  // 12.1
  Free(Type::kList, list.object());
  EXPECT_LT(MemoryOf(Type::kSet, set.object()) / kElements, 45u);           // 56
  EXPECT_LT(MemoryOf(Type::kHash, hash.object()) / kElements, 60u);         // 66
  EXPECT_LT(MemoryOf(Type::kSortedSet, sorted.object()) / kElements, 85u);  // 104
  Free(Type::kSet, set.object());
  Free(Type::kHash, hash.object());
  Free(Type::kSortedSet, sorted.object());
}

}  // namespace
}  // namespace understudy::targets::kv
