// The hash table: lookups against a model, SCAN's guarantee while the size changes, fairness.
#include "targets/kv/hash_table.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace understudy::targets::kv {
namespace {

struct Item {
  std::string name;
};
struct Traits {
  using Item = kv::Item;
  static std::string_view Key(const Item& item) { return item.name; }
};
using Table = HashTable<Traits>;

class Items {
 public:
  explicit Items(uint64_t seed = 7) : hasher_(seed), table_(hasher_) {}

  Item* Add(const std::string& name, bool mark = false) {
    owned_[name] = std::make_unique<Item>(Item{name});
    table_.Insert(hasher_(name), owned_[name].get(), mark);
    return owned_[name].get();
  }
  Table::Place Find(const std::string& name) { return table_.Find(name, hasher_(name)); }
  void Remove(const std::string& name) {
    table_.Erase(Find(name));
    owned_.erase(name);
  }
  Table& table() { return table_; }
  const std::unordered_map<std::string, std::unique_ptr<Item>>& owned() { return owned_; }

 private:
  KeyHasher hasher_;
  Table table_;
  std::unordered_map<std::string, std::unique_ptr<Item>> owned_;
};

TEST(KeyHasher, DependsOnSeedAndEveryByte) {
  const KeyHasher one(1), two(2);
  for (size_t size = 0; size < 70; ++size) {
    std::string text(size, 'x');
    const uint64_t before = one(text);
    EXPECT_NE(before, two(text));
    EXPECT_NE(before, one(text + 'x'));
    for (char& byte : text) {
      byte ^= 1;
      EXPECT_NE(before, one(text)) << size;
      byte ^= 1;
    }
  }
}

TEST(KeyHasher, SpreadsNumberedKeys) {
  const KeyHasher hasher(3);
  std::vector<int> low(256), high(256);
  constexpr int kKeys = 256 * 100;
  for (int i = 0; i < kKeys; ++i) {
    const uint64_t hash = hasher("key:" + std::to_string(i));
    ++low[hash & 255];
    ++high[hash >> 56];
  }
  for (const auto& counts : {low, high}) {
    double chi_square = 0;
    for (int count : counts) chi_square += (count - 100.0) * (count - 100.0) / 100;
    EXPECT_LT(chi_square, 400);  // 255 degrees of freedom: one in a million is above 372
  }
}

TEST(HashTable, AgreesWithAModel) {
  Items items;
  std::map<std::string, bool> model;  // name -> marked
  std::mt19937_64 random(1);
  // Waves of growth and of shrinking.
  for (int step = 0; step < 200'000; ++step) {
    const bool growing = step / 20'000 % 2 == 0;
    const std::string name = "k" + std::to_string(random() % 20'000);
    const auto place = items.Find(name);
    ASSERT_EQ(static_cast<bool>(place), model.count(name) == 1);
    const uint64_t choice = random() % 10;
    if (!place && choice < (growing ? 8u : 1u)) {
      const bool mark = random() % 4 == 0;
      items.Add(name, mark);
      model[name] = mark;
    } else if (place && choice < (growing ? 1u : 8u)) {
      items.Remove(name);
      model.erase(name);
    } else if (place) {
      ASSERT_EQ(items.table().IsMarked(place), model[name]);
      items.table().SetMark(place, !model[name]);
      model[name] = !model[name];
    }
    ASSERT_EQ(items.table().size(), model.size());
    if (step % 1000 == 0) items.table().Upkeep(3);
  }
  size_t marked = 0;
  for (const auto& [name, mark] : model) marked += mark;
  EXPECT_EQ(items.table().marked(), marked);
  std::set<std::string> seen;
  items.table().ForEach([&](const Item* item) { EXPECT_TRUE(seen.insert(item->name).second); });
  EXPECT_EQ(seen.size(), model.size());
}

TEST(HashTable, ShrinksAgain) {
  Items items;
  for (int i = 0; i < 50'000; ++i) items.Add(std::to_string(i));
  while (items.table().Upkeep(100)) {
  }
  const size_t big = items.table().buckets();
  EXPECT_LE(items.table().memory(), 50'000 * 27u);
  for (int i = 0; i < 49'990; ++i) items.Remove(std::to_string(i));
  while (items.table().Upkeep(100)) {
  }
  EXPECT_LT(items.table().buckets(), big / 256);
  EXPECT_LE(items.table().buckets(), 4u);
  for (int i = 49'990; i < 50'000; ++i) EXPECT_TRUE(items.Find(std::to_string(i)));
}

TEST(HashTable, NoOperationMovesMuch) {
  // The number of items moved by an insertion is bounded: measured by what is left in the old
  // array.
  Items items;
  for (int i = 0; i < 100'000; ++i) items.Add(std::to_string(i));
  int rehashing = 0;
  for (int i = 100'000; i < 400'000; ++i) {
    items.Add(std::to_string(i));
    rehashing += items.table().rehashing();
  }
  // Had a whole array been moved at once, the table would hardly ever be seen in between.
  EXPECT_GT(rehashing, 20'000);
}

// A full scan while items come and go: what was there all the while must be reported.
void CheckScan(uint64_t seed, size_t start_size, int changes_a_step, bool growing) {
  Items items(seed);
  std::mt19937_64 random(seed);
  std::vector<std::string> stable, others;
  for (size_t i = 0; i < start_size; ++i) {
    const std::string name = "stable" + std::to_string(i);
    stable.push_back(name);
    items.Add(name);
  }
  if (!growing) {
    for (size_t i = 0; i < start_size * 20; ++i) {
      others.push_back("other" + std::to_string(i));
      items.Add(others.back());
    }
  }
  std::set<std::string> seen;
  uint64_t cursor = 0;
  int added = 0;
  do {
    cursor =
        items.table().Scan(cursor, false, [&](const Item* item, bool) { seen.insert(item->name); });
    for (int i = 0; i < changes_a_step; ++i) {
      if (growing) {
        items.Add("new" + std::to_string(added++));
      } else if (!others.empty()) {
        items.Remove(others.back());
        others.pop_back();
      }
    }
    if (random() % 3 == 0) items.table().Upkeep(2);
  } while (cursor != 0 && added < 2'000'000);
  ASSERT_EQ(cursor, 0u);
  for (const std::string& name : stable) ASSERT_TRUE(seen.count(name) == 1) << name << " " << seed;
}

TEST(HashTable, ScanReportsEverythingWhileGrowing) {
  for (uint64_t seed = 0; seed < 20; ++seed) CheckScan(seed, 50 + seed * 37, 1 + seed % 4, true);
}

TEST(HashTable, ScanReportsEverythingWhileShrinking) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    CheckScan(seed, 50 + seed * 37, 1 + static_cast<int>(seed * 3), false);
  }
}

TEST(HashTable, ScanGoesOnAtATableOfAnotherSize) {
  Items small(5), large(5);
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    small.Add("both" + std::to_string(i));
    large.Add("both" + std::to_string(i));
  }
  for (int i = 0; i < 30'000; ++i) large.Add("more" + std::to_string(i));
  uint64_t cursor = 0;
  bool at_small = true;
  do {
    Items& items = at_small ? small : large;
    cursor =
        items.table().Scan(cursor, false, [&](const Item* item, bool) { seen.insert(item->name); });
    at_small = !at_small;
  } while (cursor != 0);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen.count("both" + std::to_string(i)), 1u);
}

TEST(HashTable, ScanOfMarkedItems) {
  Items items;
  for (int i = 0; i < 5000; ++i) items.Add(std::to_string(i), i % 10 == 0);
  std::set<std::string> seen;
  uint64_t cursor = 0;
  do {
    cursor = items.table().Scan(cursor, true, [&](const Item* item, bool marked) {
      EXPECT_TRUE(marked);
      seen.insert(item->name);
    });
  } while (cursor != 0);
  EXPECT_EQ(seen.size(), 500u);
}

TEST(HashTable, RandomIsFair) {
  Items items;
  constexpr int kItems = 500, kDraws = kItems * 200;
  for (int i = 0; i < kItems; ++i) items.Add("fair" + std::to_string(i));
  std::map<std::string, int> counts;
  std::mt19937_64 random(11);
  for (int i = 0; i < kDraws; ++i) ++counts[items.table().Random(random())->name];
  EXPECT_EQ(counts.size(), static_cast<size_t>(kItems));
  double chi_square = 0;
  for (const auto& [name, count] : counts) chi_square += (count - 200.0) * (count - 200.0) / 200;
  EXPECT_LT(chi_square, 680);  // 499 degrees of freedom: six standard deviations
}

TEST(HashTable, RandomFindsTheLastItem) {
  Items items;
  EXPECT_EQ(items.table().Random(1), nullptr);
  for (int i = 0; i < 10'000; ++i) items.Add(std::to_string(i));
  for (int i = 1; i < 10'000; ++i) items.Remove(std::to_string(i));
  for (uint64_t i = 0; i < 50; ++i) EXPECT_EQ(items.table().Random(i)->name, "0");
}

TEST(HashTable, DrainsInSteps) {
  Items items;
  for (int i = 0; i < 10'000; ++i) items.Add(std::to_string(i));
  std::set<std::string> destroyed;
  int steps = 1;
  while (!items.table().Drain(
      10, [&](Item* item) { EXPECT_TRUE(destroyed.insert(item->name).second); })) {
    ++steps;
  }
  EXPECT_EQ(destroyed.size(), 10'000u);
  EXPECT_GT(steps, 50);
}

TEST(HashTable, MovesAndSwaps) {
  Items a, b(9);
  for (int i = 0; i < 1000; ++i) a.Add("a" + std::to_string(i));
  for (int i = 0; i < 10; ++i) b.Add("b" + std::to_string(i));
  std::swap(a.table(), b.table());
  EXPECT_EQ(a.table().size(), 10u);
  EXPECT_EQ(b.table().size(), 1000u);
  const Table taken = std::move(b.table());
  EXPECT_EQ(taken.size(), 1000u);
  EXPECT_EQ(b.table().size(), 0u);
}

}  // namespace
}  // namespace understudy::targets::kv
