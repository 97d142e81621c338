// Choosing elements of containers at random: SPOP, SRANDMEMBER, HRANDFIELD, ZRANDMEMBER. Internal
// to targets/kv.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <utility>
#include <vector>

#include "targets/kv/commands.h"

namespace understudy::targets::kv {

// A sequence of random bits from a request's 64 (splitmix64).
class RandomBits {
 public:
  explicit RandomBits(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t bits = state_ += 0x9e3779b97f4a7c15ull;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ull;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebull;
    return bits ^ (bits >> 31);
  }

 private:
  uint64_t state_;
};

// What was asked for by "[count [WITH...]]".
struct PickArguments {
  bool has_count = false;
  bool repeat = false;  // a negative count: the same may come several times
  size_t count = 1;
  bool with_values = false;
};

// The most elements that are returned with repetition: nothing else bounds the reply.
inline constexpr size_t kMaxRepeatedPicks = 10'000'000;

// False, with the error written, if the arguments from args[2] on aren't that. `word`: what asks
// for values; empty: nothing does.
bool ReadPickArguments(Call& call, std::string_view word, PickArguments* arguments);

// Calls visit(item) for items chosen at random: `count` of them, with repetition or without (then
// at most `size`). Chances are equal.
//  all(std::vector<Item>*)      collects all items
//  one(uint64_t random_bits)    chooses one; if `slow`, that takes long
//  identity(const Item&)        tells items apart, as a pointer; called if not `slow`
template <typename Item, typename All, typename One, typename Identity, typename Visit>
void PickRandomly(const PickArguments& pick, size_t size, bool slow, uint64_t seed, All&& all,
                  One&& one, Identity&& identity, Visit&& visit) {
  RandomBits random(seed);
  if (pick.repeat) {
    std::vector<Item> items;
    if (slow && pick.count > 1) all(&items);
    for (size_t i = 0; i < pick.count; ++i) {
      visit(items.empty() ? one(random.Next()) : items[random.Next() % size]);
    }
    return;
  }
  if (pick.count == 1) return visit(one(random.Next()));
  // Few of many: chosen one by one until enough of them are different.
  if (!slow && pick.count < size / 3) {
    std::unordered_set<const void*> chosen;
    while (chosen.size() < pick.count) {
      const Item item = one(random.Next());
      if (chosen.insert(identity(item)).second) visit(item);
    }
    return;
  }
  std::vector<Item> items;
  items.reserve(size);
  all(&items);
  const size_t count = pick.count < size ? pick.count : size;
  for (size_t i = 0; i < count; ++i) {
    if (count < size) std::swap(items[i], items[i + random.Next() % (size - i)]);
    visit(items[i]);
  }
}

}  // namespace understudy::targets::kv
