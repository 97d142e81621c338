// The key space of kv: the databases, and the few functions through which everything in them is
// read and changed.
//
// Reading. Find() and its relatives do what every access owes, so that no command has to think of
// it: the reply is made to depend on the entry of the log that last touched the key, if that isn't
// committed (a missing key: on the one that deleted it); a key that has expired is deleted by an
// effect, or, where nothing may change, reported by context.hit_expired; hits, misses and the time
// of use are counted.
//
// Writing. Every change, by a command as by Apply(), goes through the functions below. Each
//  1. changes the tables,
//  2. records the smallest effect that does the same on a copy of the state (a range of a value,
//     not the value; absolute times),
//  3. marks the key with the index of the entry, and
//  4. tells the observer, the one place where watches, notifications, tracking, wake-ups of blocked
// They look at no clock: an expired key that is still there is there. The caller has checked
// everything that can go wrong; a change is made whole.
//
// Effects: set k v [keepttl | pxat ms] [text | raw] · append k v · setrange k offset v ·
// incrby k n · del k · pexpireat k ms · persist k · rename k k2 · move k db ·
// copy k k2 db n replace · flushdb · flushall · swapdb a b
// pfadd k max_bytes element.. · pfmerge k max_bytes k2.. · pfdebug k (makes it dense)
// (`text`, `raw`: a string kept in that form although its text is an integer's).
// Of containers: lpush k v.. · rpush k v.. · lpop k n · rpop k n · lset k i v · linsert k i v ·
// lrem k n v · ltrim k first count · hset k f v.. · hdel k f.. · sadd k m.. · srem k m.. ·
// sinterstore k k2.. · sunionstore k k2.. · sdiffstore k k2.. · zadd k score m.. · zrem k m.. ·
// zremrangebyrank k first count · zunionstore k aggregate (k2 weight).. · zinterstore (the same) ·
// zdiffstore k k2.. · zrangestore k k2 first count
// Of streams: xadd k id f v.. · xtrim k count · xdel k id.. · xsetid k id added max_deleted ·
// xgroup|create k g id read · xgroup|setid k g id read · xgroup|destroy k g ·
// xgroup|createconsumer k g c ms · xgroup|delconsumer k g c · xack k g id.. ·
// xreadgroup k g c ms new | noack count · xreadgroup k g c ms again start count ·
// xclaim k g c ms delivered_ms deliveries | add | keep last_id id.. · (ms: the global's time)
// (indexes and ranks are counted from 0 and are in range; linsert inserts before the index).
//
// Invariants:
//  1. A key is in the marked part of its table exactly if it has an expiry.
//  2. Equal effects on equal states give equal states, down to OBJECT ENCODING as long as the
//     limits of compact forms are the same.
//  3. earliest_expiry_ms of a database is at most the expiry of any of its keys.
//  4. No container but a stream is empty.
//
// Entry pointers are valid until the next write to that key, or flush. Arguments of write functions
// must not point into the key space. One thread. Throws nothing but std::bad_alloc.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "targets/eviction.h"
#include "targets/kv/container.h"
#include "targets/kv/deleted_names.h"
#include "targets/kv/entry.h"
#include "targets/kv/hash_table.h"
#include "targets/kv/hyperloglog.h"
#include "targets/kv/list_value.h"
#include "targets/kv/set_algebra.h"
#include "targets/kv/sorted_set_algebra.h"
#include "targets/kv/stream.h"
#include "targets/machine.h"

namespace understudy::targets::kv {

enum class Change : uint8_t { kCreated, kModified, kDeleted, kExpired, kExpirySet, kExpiryCleared };

// Hears of every change, at the global and in Apply(), after it is made. Must not write.
class KeyspaceObserver {
 public:
  virtual ~KeyspaceObserver() = default;
  // `event`: the word of keyspace notifications ("set", "del", "rename_from", "expire"); empty: a
  // change that Redis doesn't speak of.
  virtual void OnChange(int db, std::string_view key, Change change, std::string_view event) = 0;
  // All keys of a database are others than before (FLUSHDB, FLUSHALL, SWAPDB).
  virtual void OnDatabaseChanged(int db) = 0;
};

// A member of a sorted set that is to be given a score.
struct MemberScore {
  double score;
  std::string_view member;
};
// When it is.
struct ScoreConditions {
  bool only_new = false, only_old = false, only_greater = false, only_less = false;
  bool any() const { return only_new || only_old || only_greater || only_less; }
  // Whether a member of this score (none: it isn't there) may get another one.
  bool Allow(std::optional<double> old, double score) const {
    if (!old) return !only_old;
    return !only_new && !(only_greater && score <= *old) && !(only_less && score >= *old);
  }
};

// How pending entries of a stream are given to a consumer.
struct StreamClaim {
  enum class Count : uint8_t { kAdd, kKeep, kSet };
  int64_t now_ms = 0;
  int64_t delivered_ms = 0;  // the time of delivery that they then have
  int64_t min_idle_ms = 0;   // only those not delivered for so long; 0: all
  bool force = false;        // those too that aren't pending
  Count count = Count::kAdd;
  uint64_t deliveries = 0;  // if count is kSet
  StreamId last_id;         // the group's last id becomes this one, if it was less
};

class KeyspaceSnapshot;

class Keyspace {
 public:
  enum class Use : uint8_t { kCount, kDontCount };  // does this access count as use of the key?
  // The form a string is kept in. kAutomatic: an integer if its text is that of one.
  enum class Form : uint8_t { kAutomatic, kText, kRaw };
  struct SetOptions {
    std::optional<int64_t> expiry_ms = {};
    bool keep_expiry = false;
    Form form = Form::kAutomatic;
    std::string_view event = "set";
  };

  // `hash_seed`: equal on all members of a cluster, or a SCAN can't go on at another one. `limits`:
  // of compact forms, read at each use; must outlive the key space.
  Keyspace(int databases, uint64_t hash_seed, const ContainerLimits& limits);
  ~Keyspace();
  Keyspace(const Keyspace&) = delete;
  Keyspace& operator=(const Keyspace&) = delete;

  int databases() const { return static_cast<int>(dbs_.size()); }
  // By which policy accesses are noted and keys evicted; outlives the key space. Until it is given,
  // that is the default.
  void set_eviction(const EvictionOptions* options) { eviction_ = options; }
  // Whether what follows counts as use of keys (CLIENT NO-TOUCH).
  void set_touching(bool touching) { touching_ = touching; }
  void set_observer(KeyspaceObserver* observer) { observer_ = observer; }  // nullptr: none

  // ---- reading ----

  // The entry of a key; nullptr if there is none or it has expired. Counts hits and misses.
  const Entry* Find(Context& context, int db, std::string_view key, Use use = Use::kCount);
  // The same for a command that will write: not counted as hit or miss.
  const Entry* FindForWrite(Context& context, int db, std::string_view key);
  // The reply depends on everything there is (DBSIZE, KEYS, SCAN).
  void DependOnAll(Context& context) const;

  // Keys, expired ones included, and how many of them have an expiry.
  size_t size(int db) const { return dbs_[static_cast<size_t>(db)].table.size(); }
  size_t expires(int db) const { return dbs_[static_cast<size_t>(db)].table.marked(); }
  // One step of SCAN (see HashTable::Scan), expired keys included.
  uint64_t Scan(int db, uint64_t cursor, std::vector<const Entry*>* found) const;
  // Any entry, expired or not; nullptr if the database is empty.
  const Entry* Random(int db, uint64_t random) const;
  // True if the entry has expired; it is then gone, by an effect, unless the context is read-only.
  // Other entries stay where they are.
  bool ExpireIfDue(Context& context, int db, const Entry* entry);
  // Seconds since the key was last used.
  static uint32_t IdleSeconds(const Entry& entry, int64_t now_ms);
  // What a transaction asks about a key; see KeyInfo.
  KeyInfo Peek(int db, std::string_view key, int64_t now_ms) const;
  // Starts fetching the memory that lookups of these keys will read: at most kMaxPrefetch of them.
  static constexpr size_t kMaxPrefetch = 32;
  void Prefetch(int db, std::span<const std::string_view> keys) const;
  // visit(int db, const Entry&) for everything there is, in no particular order.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (size_t db = 0; db < dbs_.size(); ++db) {
      dbs_[db].table.ForEach([&](const Entry* entry) { visit(static_cast<int>(db), *entry); });
    }
  }

  // ---- writing ----

  // Sets a key, of whatever type it was, to a string.
  void SetString(Context& context, int db, std::string_view key, std::string_view value,
                 const SetOptions& options);
  // The following three REQUIRE that the key is missing or a string. They keep the expiry.
  // Appends; returns the new size.
  size_t Append(Context& context, int db, std::string_view key, std::string_view tail);
  // Writes `bytes` at an offset, zeros before it if the value is shorter; returns the new size.
  size_t SetRange(Context& context, int db, std::string_view key, size_t offset,
                  std::string_view bytes, std::string_view event = "setrange");
  // Adds to an integer (a missing key: 0). REQUIRES: it is one, and the sum is in range.
  int64_t IncrementBy(Context& context, int db, std::string_view key, int64_t increment);

  // HyperLogLogs (hyperloglog.h), which are strings. `entry` and the keys are missing or hold one.
  // A sparse value that would grow beyond `sparse_max_bytes` becomes dense.
  // Adds elements to one, which is made if there is none. Damaged: nothing is changed.
  HyperLogLog::Added CountElements(Context& context, int db, std::string_view key,
                                   const Entry* entry, std::span<const std::string_view> elements,
                                   size_t sparse_max_bytes);
  // Merges sources into a target. False, and nothing is changed, if one is damaged.
  bool MergeHyperLogLogs(Context& context, int db, std::string_view target,
                         std::span<const std::string_view> sources, size_t sparse_max_bytes);
  // False, and nothing is changed, if it is damaged. REQUIRES: it is sparse.
  bool MakeHyperLogLogDense(Context& context, int db, const Entry* entry);

  // Containers. `entry` is what FindForWrite() gave for the key, nullptr if there is none:
  // functions that add to a container make it then, the others REQUIRE it. If it is there it is of
  // the right type. A container that becomes empty is deleted. `event` is the word of
  // notifications.

  const Forms& forms() const { return forms_; }
  using End = ListValue::End;
  using Texts = std::span<const std::string_view>;
  // Each value is put before (behind) those that were there. Returns the new size.
  size_t PushList(Context& context, int db, std::string_view key, const Entry* entry, End end,
                  Texts values);
  void PopList(Context& context, int db, const Entry* entry, End end, size_t count);  // <= size
  void SetInList(Context& context, int db, const Entry* entry, size_t index,
                 std::string_view value);  // index < size
  void InsertInList(Context& context, int db, const Entry* entry, size_t index,
                    std::string_view value);  // before it; index <= size
  // As ListValue::Remove().
  size_t RemoveFromList(Context& context, int db, const Entry* entry, int64_t count,
                        std::string_view value);
  void TrimList(Context& context, int db, const Entry* entry, size_t first, size_t count);

  // Sets `target`, of whatever type it was, to a list; without values it is deleted.
  void StoreList(Context& context, int db, std::string_view target, Texts values,
                 std::string_view event);

  // Fields and values in turn. Returns how many fields are new.
  size_t SetFields(Context& context, int db, std::string_view key, const Entry* entry,
                   Texts fields_and_values, std::string_view event = "hset");
  // Each returns how many there were.
  size_t RemoveFields(Context& context, int db, const Entry* entry, Texts fields);
  size_t RemoveMembers(Context& context, int db, const Entry* entry, Texts members,
                       std::string_view event = "srem");
  // Returns how many are new.
  size_t AddMembers(Context& context, int db, std::string_view key, const Entry* entry,
                    Texts members);
  // Sets `target`, of whatever type it was, to the intersection (union, difference) of sets; a
  // missing one is empty. The result's size; if it is 0, `target` is deleted.
  // REQUIRES: the keys are missing or sets.
  size_t StoreSets(Context& context, int db, std::string_view target, SetOperation operation,
                   Texts keys);

  // Gives members scores, one after the other, where the conditions allow it. REQUIRES: no score is
  // NaN; if `only_old`, the key is there.
  using Score = MemberScore;
  struct ScoresAdded {
    size_t added = 0, changed = 0;
  };
  ScoresAdded AddScores(Context& context, int db, std::string_view key, const Entry* entry,
                        std::span<const Score> scores, const ScoreConditions& conditions = {},
                        std::string_view event = "zadd");
  size_t RemoveScored(Context& context, int db, const Entry* entry, Texts members);
  // By rank. REQUIRES: count > 0, first + count <= size.
  void RemoveRanks(Context& context, int db, const Entry* entry, size_t first, size_t count,
                   std::string_view event = "zremrangebyrank");
  // Sets `target`, of whatever type it was, to a sorted set; without members it is deleted.
  void StoreScores(Context& context, int db, std::string_view target,
                   std::span<const Score> scores, std::string_view event);
  // As StoreSets(), of sorted sets and sets. A difference has no weights and aggregate.
  size_t StoreSortedSets(Context& context, int db, std::string_view target,
                         const SortedSetRecipe& recipe);
  // The same with a range of one sorted set, by rank.
  size_t StoreRange(Context& context, int db, std::string_view target, std::string_view source,
                    size_t first, size_t count);

  // Streams. `ms`: the time that consumers and pending entries keep.
  using Ids = std::span<const StreamId>;
  // REQUIRES: the id is greater than the stream's last one.
  void AppendEntry(Context& context, int db, std::string_view key, const Entry* entry,
                   const StreamId& id, Texts fields_and_values);
  // The first entries. REQUIRES: 0 < count <= length.
  void TrimStream(Context& context, int db, const Entry* entry, uint64_t count);
  size_t RemoveEntries(Context& context, int db, const Entry* entry, Ids ids);
  // REQUIRES: no entry is behind `last_id`.
  void SetStreamId(Context& context, int db, const Entry* entry, const StreamId& last_id,
                   uint64_t entries_added, const StreamId& max_deleted_id);
  // REQUIRES of the following: the group (consumer) that is made isn't there; every other is, but
  // for consumers that get entries, which are made.
  void MakeGroup(Context& context, int db, std::string_view key, const Entry* entry,
                 std::string_view group, const StreamId& id, int64_t entries_read);
  void SetGroup(Context& context, int db, const Entry* entry, std::string_view group,
                const StreamId& id, int64_t entries_read);
  void RemoveGroup(Context& context, int db, const Entry* entry, std::string_view group);
  void MakeConsumer(Context& context, int db, const Entry* entry, std::string_view group,
                    std::string_view consumer, int64_t ms);
  // Returns how much was pending at it.
  size_t RemoveConsumer(Context& context, int db, const Entry* entry, std::string_view group,
                        std::string_view consumer);
  size_t AcknowledgeEntries(Context& context, int db, const Entry* entry, std::string_view group,
                            Ids ids);
  // Gives a consumer the next entries of its group, at most `count`, and marks it as seen even if
  // there are none. `visit` is called with each before the next is looked for.
  using VisitEntry = std::function<void(const StreamEntry&)>;
  size_t DeliverEntries(Context& context, int db, const Entry* entry, std::string_view group,
                        std::string_view consumer, int64_t ms, bool acknowledged, uint64_t count,
                        const VisitEntry& visit);
  // Gives it again those that are pending at it, from `start` on; `visit` gets nullptr for one that
  // isn't in the stream any more.
  using VisitPending = std::function<void(const StreamId&, const StreamEntry*)>;
  size_t DeliverAgain(Context& context, int db, const Entry* entry, std::string_view group,
                      std::string_view consumer, int64_t ms, const StreamId& start, uint64_t count,
                      const VisitPending& visit);
  // Gives it entries of others. Those that aren't in the stream any more are acknowledged.
  void ClaimEntries(Context& context, int db, const Entry* entry, std::string_view group,
                    std::string_view consumer, const StreamClaim& claim, Ids ids,
                    const VisitEntry& visit);

  // Each returns false, and does nothing, if the (source) key is missing.
  // `event`: of what made the key superfluous ("spop"); told before "del".
  bool Delete(Context& context, int db, std::string_view key, std::string_view event = {});
  bool SetExpiry(Context& context, int db, std::string_view key, int64_t at_ms);
  bool ClearExpiry(Context& context, int db, std::string_view key);
  // The target, if there, is replaced. Value, expiry and form go along.
  // REQUIRES: source and target are not the same key.
  bool Rename(Context& context, int db, std::string_view from, std::string_view to);
  bool Move(Context& context, int from_db, std::string_view key, int to_db);
  bool Copy(Context& context, int from_db, std::string_view from, int to_db, std::string_view to);

  // Sets the key, whatever it held, to what DUMP wrote (dump.h). `access`: as an entry keeps it.
  // False, with nothing changed, if that is no value. REQUIRES: IsDumpPayload(payload).
  bool Restore(Context& context, int db, std::string_view key, std::string_view payload,
               std::optional<int64_t> expiry_ms, std::optional<uint32_t> access);

  void FlushDb(Context& context, int db);
  void FlushAll(Context& context);
  void SwapDbs(Context& context, int a, int b);

  // Makes the change an effect describes. False, with nothing changed, if it isn't one of ours.
  bool Apply(int db, std::span<const std::string_view> effect, Context& context);

  // ---- by the clock, and between turns ----

  // Deletes expired keys by effects; a bounded piece of work. True: there is more to do at once.
  bool ExpireSome(Context& context);
  // Deletes one key, by an effect, as the policy chooses it. False: none may go.
  bool Evict(Context& context);
  // Table resizing and freeing of flushed keys, a bounded piece.
  void Upkeep();

  // ---- whole state ----

  void Clear();
  void Reserve(int db, size_t keys);  // makes room before loading
  // Add a key while loading, without effect or entry. False if it is there already (the object is
  // then still the caller's).
  bool Load(int db, std::string_view key, std::string_view value, std::optional<int64_t> expiry_ms);
  bool LoadObject(int db, std::string_view key, Type type, Object object,
                  std::optional<int64_t> expiry_ms);

  uint64_t hits() const { return hits_; }
  uint64_t misses() const { return misses_; }
  uint64_t expired_keys() const { return expired_keys_; }
  uint64_t evicted_keys() const { return evicted_keys_; }
  bool has_garbage() const { return !garbage_.empty() || !discarded_.empty(); }
  uint64_t AverageTtlMs(int db) const;
  // Big values that were deleted and whose memory hasn't been given back yet.
  size_t waiting_to_be_freed() const { return garbage_.size(); }
  // Bytes of the tables, without the entries.
  size_t TableMemory() const;

 private:
  friend class KeyspaceSnapshot;
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  struct EntryTraits {
    using Item = Entry;
    static std::string_view Key(const Entry& entry) { return entry.key(); }
  };
  using Table = HashTable<EntryTraits>;
  struct Db {
    explicit Db(const KeyHasher& hasher) : table(hasher) {}
    Table table;
    uint64_t floor_index = 0;  // every key depends at least on this entry (flush, swap)
    // Active expiry: a pass visits all keys with an expiry, a bit in each call.
    int64_t earliest_expiry_ms = kNever;  // nothing expires before
    int64_t pass_earliest_ms = kNever;    // the same, as far as this pass knows
    int64_t pass_ended_ms = 0;
    bool expiries_changed = false;  // since then
    uint64_t pass_cursor = 0;
    uint64_t pass_count = 0;
    double pass_expiry_sum_ms = 0, mean_expiry_ms = 0;
    // Of the snapshot that is being made (keyspace_snapshot.h); what is new isn't in it.
    int snapshot_number = 0;
    bool snapshot_done = true;
    uint64_t snapshot_cursor = 0;
  };
  using Place = Table::Place;
  // Where a key is, and what was computed to find it.
  struct Found {
    uint64_t hash;
    Place place;
  };
  struct SweepWork;

  Db& At(int db) { return dbs_[static_cast<size_t>(db)]; }
  const Db& At(int db) const { return dbs_[static_cast<size_t>(db)]; }
  Found Locate(int db, std::string_view key) const {
    const uint64_t hash = hasher_(key);
    return {hash, At(db).table.Find(key, hash)};
  }
  static bool IsDue(const Entry& entry, int64_t now_ms) {
    return entry.has_expiry() && now_ms > entry.expiry_ms();
  }
  // The key is used now, or is new.
  void NoteUse(const Context& context, Entry* entry) {
    if (eviction_->lfu()) [[unlikely]]
      return NoteLfuUse(context, entry);
    entry->set_access(static_cast<uint32_t>(context.now_ms / 1000) & 0xffffff);
  }
  void NoteLfuUse(const Context& context, Entry* entry);
  uint64_t EvictionScore(const Entry& entry, int64_t now_ms) const;
  const Entry* EvictionSample(const Db& db, uint64_t* random) const;
  void AddCandidate(int db, const Entry& entry, int64_t now_ms);
  void EvictKey(Context& context, int db, std::string_view key);
  static uint64_t NameHash(int db, uint64_t hash) {
    return hash ^ (static_cast<uint64_t>(db) * 0x9e3779b97f4a7c15ull);
  }

  // To be called before an entry that is in a table is changed, moved or taken out, and only if it
  // then is. TakeOut() and PutCopy() do it themselves.
  void SaveOld(int db, const Entry* entry) {
    if (snapshot_ != nullptr) [[unlikely]]
      SaveForSnapshot(db, *entry);
  }
  void SaveForSnapshot(int db, const Entry& entry);
  const Entry* FindAny(Context& context, int db, std::string_view key, bool count_use,
                       bool count_hit);
  void DependOnMissing(Context& context, int db, uint64_t hash);
  void ExpireNow(Context& context, int db, const Found& found);
  // Puts an entry in: in the place of another of the same key, or as a new one.
  void Put(int db, const Found& found, Entry* entry);
  // Puts an entry in as a new key or in place of a target's that it replaces, and marks it changed.
  void PutCopy(Context& context, int db, Entry* entry, std::string_view event);
  // Makes a string raw text of at least this size; the bytes added are uninitialised. The entry may
  // have moved, and must be Put().
  Entry* GrowText(const Found& found, size_t size);
  void StoreHyperLogLog(Context& context, int db, std::string_view key, std::string_view bytes,
                        std::string_view event);
  // Frees an entry and its value, a big one later.
  void Destroy(Entry* entry);
  void DestroyObject(Type type, Object object);
  void FreeGarbage(size_t elements);
  // The string entry of a key becomes one, if it held something else.
  void MakeString(Entry* entry) {
    if (entry->IsString()) return;
    DestroyObject(entry->type(), entry->object());
    entry->set_type(Type::kString);
  }
  void AddEffect(Context& context, int db, std::initializer_list<std::string_view> head,
                 Texts tail);
  void AddScoresEffect(Context& context, int db, std::string_view key,
                       std::span<const Score> scores);
  // Puts a container in as a new key.
  Entry* Make(Context& context, int db, std::string_view key, Type type, Object object);
  // What is owed after a change of a container.
  void Shrunk(Context& context, int db, Entry* entry, size_t size, std::string_view event);
  // Replaces whatever the key held by a container, without effect; an empty one is freed and the
  // key deleted, by an effect if so asked.
  size_t StoreResult(Context& context, int db, std::string_view key, Type type, Object object,
                     std::string_view event);
  // Takes an entry out; it is the caller's.
  Entry* TakeOut(Context& context, int db, const Found& found);
  void RememberDeleted(Context& context, int db, uint64_t hash);
  void Changed(Context& context, int db, Entry* entry, Change change, std::string_view event);
  void Tell(int db, std::string_view key, Change change, std::string_view event) {
    if (observer_ != nullptr) observer_->OnChange(db, key, change, event);
  }
  // REQUIRES: entry.has_expiry().
  void NoteExpiry(int db, const Entry& entry);
  void Discard(Db& db);
  void FreeDiscarded(size_t buckets);
  bool SweepDb(Context& context, int db, SweepWork* work);
  bool ApplySet(int db, std::span<const std::string_view> effect, Context& context);
  static Entry* NewStringEntry(std::string_view key, std::string_view value,
                               std::optional<int64_t> expiry_ms);
  static Entry* NewEntry(std::string_view key, Type type, Object object,
                         std::optional<int64_t> expiry_ms);
  bool ApplyRestore(int db, std::span<const std::string_view> effect, Context& context);
  bool ApplyToKey(int db, std::span<const std::string_view> effect, Context& context);
  bool ApplyToHyperLogLog(int db, Texts effect, Context& context);
  bool ApplyToContainer(int db, std::span<const std::string_view> effect, Context& context);
  bool ApplyToList(int db, const Entry* entry, Texts effect, Context& context);
  bool ApplyToSet(int db, const Entry* entry, Texts effect, Context& context);
  bool ApplyToHash(int db, const Entry* entry, Texts effect, Context& context);
  bool ApplyToSortedSet(int db, const Entry* entry, Texts effect, Context& context);
  bool ApplyToStream(int db, const Entry* entry, Texts effect, Context& context);
  bool ApplyToGroup(int db, const Entry* entry, Texts effect, Context& context);
  bool ApplyClaim(int db, const Entry* entry, Texts effect, Context& context);
  bool ApplyDelivery(int db, const Entry* entry, Texts effect, Context& context);
  bool ApplyStore(int db, Texts effect, Context& context);
  // The consumer that is to get entries, made if need be, and seen.
  StreamConsumer* SeeConsumer(int db, const Entry* entry, StreamGroup* group,
                              std::string_view consumer, int64_t ms);
  void AddIdsEffect(Context& context, int db, std::initializer_list<std::string_view> head,
                    Ids ids);
  // The entry of a key, without what a read owes.
  const Entry* EntryOf(int db, std::string_view key) const {
    const Place place = Locate(db, key).place;
    return place ? place.item() : nullptr;
  }

  KeyHasher hasher_;  // the tables point to it
  const Forms forms_;
  std::vector<Db> dbs_;
  DeletedNames deleted_;
  std::vector<Table> discarded_;                  // flushed, to be freed by Upkeep()
  std::vector<std::pair<Type, Object>> garbage_;  // big values, likewise
  KeyspaceObserver* observer_ = nullptr;
  KeyspaceSnapshot* snapshot_ = nullptr;  // being made
  static constexpr EvictionOptions kNoEviction{};
  const EvictionOptions* eviction_ = &kNoEviction;
  bool touching_ = true;
  struct Candidate {
    uint64_t score;
    int db;
    std::string key;
  };
  std::vector<Candidate> candidates_;  // for eviction, the best last
  EvictionPolicy candidates_policy_ = EvictionPolicy::kNoEviction;
  int evict_db_ = 0;
  uint64_t evicted_keys_ = 0;
  uint64_t last_change_index_ = 0;
  int sweep_db_ = 0;
  int64_t last_sweep_ms_ = 0;
  uint64_t hits_ = 0, misses_ = 0, expired_keys_ = 0;
  std::vector<const Entry*> swept_;       // scratch
  std::vector<std::string_view> effect_;  // scratch
  std::string encoded_;                   // scratch
};

}  // namespace understudy::targets::kv
