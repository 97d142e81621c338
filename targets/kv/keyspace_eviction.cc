// Keyspace: which key goes when memory is short.
//
// A few keys are looked at, chosen by chance, and the best of them and of those left over from the
// times before goes: that is close to the best of all, and costs the same however many there are.
#include <algorithm>

#include "targets/kv/access.h"
#include "targets/kv/keyspace.h"

namespace understudy::targets::kv {

namespace {
constexpr size_t kPool = 16;        // candidates kept from one time to the next
constexpr int kMostBuckets = 4096;  // looked at for one sample

// Random numbers out of one (splitmix64).
uint64_t NextRandom(uint64_t* state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}
}  // namespace

// A new entry has no access yet.
void Keyspace::NoteLfuUse(const Context& context, Entry* entry) {
  const uint32_t access = entry->access();
  if (access == 0) {
    return entry->set_access(AccessMinutes(context.now_ms) << 8 | kNewCounter);
  }
  uint64_t random = context.random ^ entry->last_index();
  entry->set_access(LfuUsed(access, context.now_ms, NextRandom(&random), *eviction_));
}

void Keyspace::EvictKey(Context& context, int db, std::string_view key) {
  Entry* entry = TakeOut(context, db, Locate(db, key));
  ++evicted_keys_;
  context.effects->Add(db, {"del", entry->key()});
  Tell(db, entry->key(), Change::kDeleted, "evicted");
  Destroy(entry);
}

// The greater, the sooner it goes.
uint64_t Keyspace::EvictionScore(const Entry& entry, int64_t now_ms) const {
  switch (eviction_->policy) {
    case EvictionPolicy::kAllKeysLfu:
    case EvictionPolicy::kVolatileLfu:
      return 255 - LfuCounter(entry.access(), now_ms, *eviction_);
    case EvictionPolicy::kVolatileTtl:
      return std::numeric_limits<uint64_t>::max() - static_cast<uint64_t>(entry.expiry_ms());
    default:
      return IdleSeconds(entry, now_ms);
  }
}

// An entry by chance, of those that may go; nullptr: none was found.
const Entry* Keyspace::EvictionSample(const Db& db, uint64_t* random) const {
  if (!eviction_->only_volatile()) return db.table.Random(NextRandom(random));
  if (db.table.marked() == 0) return nullptr;
  // Chains from a random one on until one of them has such an entry.
  uint64_t cursor = NextRandom(random);
  const Entry* found = nullptr;
  for (int i = 0; i < kMostBuckets && found == nullptr; ++i) {
    uint64_t seen = 0;
    cursor = db.table.Scan(cursor, true, [&](const Entry* entry, bool) {
      if (NextRandom(random) % ++seen == 0) found = entry;
    });
  }
  return found;
}

void Keyspace::AddCandidate(int db, const Entry& entry, int64_t now_ms) {
  const uint64_t score = EvictionScore(entry, now_ms);
  const bool known = std::any_of(candidates_.begin(), candidates_.end(), [&](const auto& one) {
    return one.db == db && one.key == entry.key();
  });
  if (known) return;
  const auto place =
      std::upper_bound(candidates_.begin(), candidates_.end(), score,
                       [](uint64_t wanted, const Candidate& one) { return wanted < one.score; });
  candidates_.insert(place, {score, db, std::string(entry.key())});
  if (candidates_.size() > kPool) candidates_.erase(candidates_.begin());
}

bool Keyspace::Evict(Context& context) {
  const EvictionPolicy policy = eviction_->policy;
  if (policy == EvictionPolicy::kNoEviction) return false;
  uint64_t random = context.random;
  const bool by_chance =
      policy == EvictionPolicy::kAllKeysRandom || policy == EvictionPolicy::kVolatileRandom;
  if (by_chance) {
    for (int i = 0; i < databases(); ++i) {
      evict_db_ = (evict_db_ + 1) % databases();
      const Entry* entry = EvictionSample(At(evict_db_), &random);
      if (entry == nullptr) continue;
      EvictKey(context, evict_db_, entry->key());
      return true;
    }
    return false;
  }
  if (candidates_policy_ != policy) candidates_.clear();
  candidates_policy_ = policy;
  // A candidate may be gone, or have been used, since: what it says now counts.
  for (int attempt = 0; attempt < 3; ++attempt) {
    for (int db = 0; db < databases(); ++db) {
      if (At(db).table.size() == 0) continue;
      for (int64_t i = 0; i < eviction_->samples; ++i) {
        const Entry* entry = EvictionSample(At(db), &random);
        if (entry != nullptr) AddCandidate(db, *entry, context.now_ms);
      }
    }
    while (!candidates_.empty()) {
      const Candidate best = std::move(candidates_.back());
      candidates_.pop_back();
      const Entry* entry = EntryOf(best.db, best.key);
      if (entry == nullptr || (eviction_->only_volatile() && !entry->has_expiry())) continue;
      if (EvictionScore(*entry, context.now_ms) < best.score) continue;
      EvictKey(context, best.db, best.key);
      return true;
    }
  }
  return false;
}

}  // namespace understudy::targets::kv
