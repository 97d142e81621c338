// Keyspace: active expiry and the upkeep between turns.
//
// A pass over a database visits every bucket, looking only at marked items, so keys without expiry
// cost nothing but their share of the buckets. It learns the earliest expiry that remains; until
// that time a pass is made only now and then, for the mean time to live that INFO shows. Work is
// counted, not timed, so that a run can be repeated.
#include <algorithm>

#include "targets/kv/keyspace.h"

namespace understudy::targets::kv {
namespace {

// Costs in units of about 5 ns; a call is to take about a millisecond at most.
constexpr int64_t kBudget = 200'000;
constexpr int64_t kBucketCost = 2, kEntryCost = 20, kDeleteCost = 100;
constexpr int64_t kFiguresAgeMs = 10'000;

}  // namespace

struct Keyspace::SweepWork {
  int64_t budget = kBudget;
  uint64_t visited = 0, expired = 0;
};

// Goes on with the pass of a database. True if the budget ended before the pass.
bool Keyspace::SweepDb(Context& context, int number, SweepWork* work) {
  Db& db = At(number);
  if (db.pass_cursor == 0) {
    const bool figures_are_old =
        db.expiries_changed && context.now_ms - db.pass_ended_ms > kFiguresAgeMs;
    if (db.table.marked() == 0) {
      db.mean_expiry_ms = 0;
      return false;
    }
    if (context.now_ms <= db.earliest_expiry_ms && !figures_are_old) return false;
    db.expiries_changed = false;
    db.pass_earliest_ms = kNever;
    db.pass_count = 0;
    db.pass_expiry_sum_ms = 0;
  }
  do {
    swept_.clear();
    db.pass_cursor = db.table.Scan(db.pass_cursor, true, [&](const Entry* entry, bool) {
      swept_.push_back(entry);
      __builtin_prefetch(entry);
    });
    work->budget -= kBucketCost;
    for (const Entry* entry : swept_) {
      work->budget -= kEntryCost;
      ++work->visited;
      if (IsDue(*entry, context.now_ms)) {
        work->budget -= kDeleteCost;
        ++work->expired;
        ExpireNow(context, number, Locate(number, entry->key()));
      } else {
        db.pass_earliest_ms = std::min(db.pass_earliest_ms, entry->expiry_ms());
        ++db.pass_count;
        db.pass_expiry_sum_ms += static_cast<double>(entry->expiry_ms());
      }
    }
    if (work->budget <= 0 && db.pass_cursor != 0) return true;
  } while (db.pass_cursor != 0);
  db.earliest_expiry_ms = db.pass_earliest_ms;
  db.pass_ended_ms = context.now_ms;
  db.mean_expiry_ms =
      db.pass_count == 0 ? 0 : db.pass_expiry_sum_ms / static_cast<double>(db.pass_count);
  return false;
}

bool Keyspace::ExpireSome(Context& context) {
  last_sweep_ms_ = context.now_ms;
  SweepWork work;
  for (int i = 0; i < databases(); ++i) {
    if (SweepDb(context, sweep_db_, &work)) break;
    sweep_db_ = (sweep_db_ + 1) % databases();
    if (work.budget <= 0) break;
  }
  // As Redis does: hurry while a tenth of what is looked at has expired, else leave the rest for
  // the next time.
  return work.budget <= 0 && work.expired * 10 >= work.visited && work.expired > 0;
}

uint64_t Keyspace::AverageTtlMs(int db) const {
  const double ttl = At(db).mean_expiry_ms - static_cast<double>(last_sweep_ms_);
  return At(db).mean_expiry_ms == 0 || ttl <= 0 ? 0 : static_cast<uint64_t>(ttl);
}

void Keyspace::FreeDiscarded(size_t buckets) {
  if (discarded_.back().Drain(buckets, [this](Entry* entry) { Destroy(entry); })) {
    discarded_.pop_back();
  }
}

void Keyspace::FreeGarbage(size_t elements) {
  while (elements > 0 && !garbage_.empty()) {
    auto& [type, object] = garbage_.back();
    if (!FreeSome(type, &object, &elements)) return;
    garbage_.pop_back();
  }
}

void Keyspace::Upkeep() {
  constexpr size_t kMovedBuckets = 1000, kFreedBuckets = 2000, kFreedElements = 10'000;
  for (Db& db : dbs_) {
    if (db.table.Upkeep(kMovedBuckets)) break;
  }
  if (!discarded_.empty()) FreeDiscarded(kFreedBuckets);
  if (!garbage_.empty()) FreeGarbage(kFreedElements);
}

}  // namespace understudy::targets::kv
