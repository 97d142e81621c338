// The table that keys live in: cache-line buckets, grown and shrunk a bucket at a time.
//
// A bucket is one cache line: seven item pointers and one byte of tag for each. A lookup reads the
// home bucket's line and, almost always, only the item that matches: a tag holds seven bits of the
// hash, so that a wrong item is looked at once in 128. A bucket that overflows gives its last slot
// to a pointer to a child bucket. The home bucket is chosen by the hash's low bits, the tag by its
// high ones.
//
// Growing and shrinking: a second array is made beside the first, and each insertion or removal
// moves one home bucket from the old array to the new, so no operation takes long. Upkeep() moves
// more when there is time.
//
// Scan() walks the home buckets in the order of the reversed bits of their number (a counter whose
// carry runs from the top bit down), as Redis does. When the array doubles, the buckets that came
// from a bucket already visited are exactly those already passed, and likewise when it halves. So
// every item that is in the table from the first call of a scan to its last is reported, whatever
// happens to the size in between; some may be reported more than once. The cursor depends only on
// the hash's seed: a scan may go on at another table of the same seed, of whatever size.
//
// Invariants:
//  1. An item is in exactly one slot, in the chain of its home bucket in one of the two arrays.
//  2. In a chain only the last bucket has empty slots; a child bucket is never empty.
//  3. While no move is under way there is one array; its number of buckets is a power of two.
//  4. The old array's buckets below rehash_position_ are empty.
//
// The table doesn't own its items. One thread. Every change may move items between slots: a Place
// is valid until the next Insert, Erase or Upkeep. Traits gives `Item` and
// `static std::string_view Key(const Item&)`.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace understudy::targets::kv {

// A 64-bit hash of a key, by folded 64x64->128-bit multiplication (the construction of wyhash).
// Both words that are mixed into the text come from the seed, so that nobody who doesn't know it
// can choose keys that collide.
class KeyHasher {
 public:
  explicit KeyHasher(uint64_t seed);

  uint64_t operator()(std::string_view key) const {
    const char* at = key.data();
    const size_t size = key.size();
    uint64_t state = first_;
    uint64_t head = 0, tail = 0;
    if (size > 16) {
      const char* last = at + size - 16;
      for (; at < last; at += 16) state = Fold(Load64(at) ^ second_, Load64(at + 8) ^ state);
      head = Load64(last);
      tail = Load64(last + 8);
    } else if (size >= 8) {
      head = Load64(at);
      tail = Load64(at + size - 8);
    } else if (size >= 4) {
      head = Load32(at);
      tail = Load32(at + size - 4);
    } else if (size > 0) {
      head = uint64_t{static_cast<uint8_t>(at[0])} << 16 |
             uint64_t{static_cast<uint8_t>(at[size / 2])} << 8 | static_cast<uint8_t>(at[size - 1]);
    }
    return Fold(Fold(head ^ second_, tail ^ state) ^ size, first_ ^ kFinish);
  }

  static uint64_t Fold(uint64_t a, uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

 private:
  static constexpr uint64_t kFinish = 0x9e3779b97f4a7c15ull;
  static uint64_t Load64(const char* from) {
    uint64_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  static uint64_t Load32(const char* from) {
    uint32_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  uint64_t first_, second_;
};

// Starts loading the cache line. The empty statement is there because GCC takes a function that
// only prefetches for one without effect, and drops the calls of it.
inline void PrefetchLine(const void* line) {
  __builtin_prefetch(line);
  asm volatile("" : : "r"(line));
}

// A bucket; `meta` is a word of bytes: byte 0 is 1 if slot 6 points to a child bucket, byte i + 1
// is the tag of slot i, 0 if it holds no item. A tag's low seven bits come from the hash and aren't
// 0, its high bit is the item's mark.
struct alignas(64) Bucket {
  static constexpr int kSlots = 7;
  uint64_t meta;
  void* slots[kSlots];

  bool chained() const { return (meta & 1) != 0; }
  Bucket* child() const { return static_cast<Bucket*>(slots[kSlots - 1]); }
  int usable() const { return chained() ? kSlots - 1 : kSlots; }
  uint8_t tag(int slot) const { return static_cast<uint8_t>(meta >> (8 * (slot + 1))); }
  void set_tag(int slot, uint8_t tag) {
    const int shift = 8 * (slot + 1);
    meta = (meta & ~(uint64_t{0xff} << shift)) | uint64_t{tag} << shift;
  }
  // A word whose byte i + 1 has its high bit set if slot i has this tag, its mark aside. Exact: the
  // bytes compared are below 128, so no carry leaves a byte.
  uint64_t Matches(uint8_t tag) const {
    constexpr uint64_t kLow = 0x7f7f7f7f7f7f7f00ull, kHigh = 0x8080808080808000ull;
    const uint64_t difference = (meta & kLow) ^ (0x0101010101010100ull * tag);
    return ~(difference + kLow) & kHigh;
  }
  // The same for slots that hold an item, and for those whose item is marked.
  uint64_t Filled() const { return ~Matches(0) & 0x8080808080808000ull; }
  uint64_t Marked() const { return meta & 0x8080808080808000ull; }
  // The slot of the lowest bit of such a word.
  static int SlotOf(uint64_t bits) { return (std::countr_zero(bits) >> 3) - 1; }
  int FreeSlot() const {  // -1: none
    const uint64_t free = Matches(0) & (chained() ? 0x0080808080808000ull : ~uint64_t{0});
    return free == 0 ? -1 : SlotOf(free);
  }
};
static_assert(sizeof(Bucket) == 64);
static_assert(std::endian::native == std::endian::little, "Bucket::meta is read as bytes");

// One array of home buckets, zeroed, aligned to cache lines.
class BucketArray {
 public:
  BucketArray() = default;
  explicit BucketArray(size_t size);  // a power of two
  ~BucketArray();
  BucketArray(BucketArray&& other) noexcept { *this = std::move(other); }
  BucketArray& operator=(BucketArray&& other) noexcept;

  size_t size() const { return size_; }  // 0: no array
  Bucket& operator[](size_t index) const { return buckets_[index]; }
  Bucket& Home(uint64_t hash) const { return buckets_[hash & (size_ - 1)]; }

  static Bucket* NewChild();
  static void FreeChild(Bucket* child);

 private:
  void* memory_ = nullptr;
  Bucket* buckets_ = nullptr;
  size_t size_ = 0;
};

// The bits in reverse order: a scan visits hashes in ascending order of that.
uint64_t ReverseBits(uint64_t bits);

// The next cursor of a scan that has just visited bucket `cursor & (buckets - 1)`; 0 at the end.
uint64_t NextScanCursor(uint64_t cursor, size_t buckets);

template <typename Traits>
class HashTable {
 public:
  using Item = typename Traits::Item;

  // Where an item is. Valid until the table changes.
  struct Place {
    Bucket* bucket = nullptr;
    Bucket* home = nullptr;
    int slot = 0;
    int array = 0;

    explicit operator bool() const { return bucket != nullptr; }
    Item* item() const { return static_cast<Item*>(bucket->slots[slot]); }
  };

  // `hasher` must outlive the table.
  explicit HashTable(const KeyHasher& hasher) : hasher_(&hasher) {}
  HashTable(HashTable&& other) noexcept : hasher_(other.hasher_) { Swap(other); }
  HashTable& operator=(HashTable&& other) noexcept {
    HashTable taken(std::move(other));
    Swap(taken);
    return *this;
  }
  ~HashTable() { FreeChildren(); }

  size_t size() const { return counts_[0] + counts_[1]; }
  size_t marked() const { return marked_; }
  bool rehashing() const { return arrays_[1].size() != 0; }
  size_t buckets() const { return arrays_[0].size() + arrays_[1].size(); }
  // Bytes of the table itself, without its items.
  size_t memory() const { return (buckets() + children_) * sizeof(Bucket); }

  void Prefetch(uint64_t hash) const {
    if (arrays_[0].size() != 0) PrefetchLine(&arrays_[0].Home(hash));
    if (arrays_[1].size() != 0) PrefetchLine(&arrays_[1].Home(hash));
  }

  // The item that a lookup will compare the key with, as far as its tag in the home bucket tells;
  // to be called a little after Prefetch().
  void PrefetchItem(uint64_t hash) const {
    const BucketArray& array = arrays_[1].size() != 0 ? arrays_[1] : arrays_[0];
    if (array.size() == 0) return;
    const Bucket& home = array.Home(hash);
    if (const uint64_t hits = home.Matches(Tag(hash)); hits != 0) {
      const char* const item = static_cast<const char*>(home.slots[Bucket::SlotOf(hits)]);
      PrefetchLine(item);
      PrefetchLine(item + 64);  // a short value lies behind the key
    }
  }

  // Empty if there is no such key.
  Place Find(std::string_view key, uint64_t hash) const {
    const uint8_t tag = Tag(hash);
    for (int array = 0; array < 2 && arrays_[array].size() != 0; ++array) {
      Bucket* const home = &arrays_[array].Home(hash);
      for (Bucket* bucket = home;; bucket = bucket->child()) {
        for (uint64_t hits = bucket->Matches(tag); hits != 0; hits &= hits - 1) {
          const int slot = Bucket::SlotOf(hits);
          if (Traits::Key(*static_cast<Item*>(bucket->slots[slot])) == key) {
            return Place{bucket, home, slot, array};
          }
        }
        if (!bucket->chained()) break;
      }
    }
    return Place{};
  }

  // REQUIRES: no item of this key is in the table.
  void Insert(uint64_t hash, Item* item, bool mark = false) {
    if (arrays_[0].size() == 0) arrays_[0] = BucketArray(1);
    if (rehashing()) {
      Rehash(1);
    } else if (size() >= Capacity(arrays_[0].size())) {
      StartRehash(arrays_[0].size() * 2);
    }
    const int array = rehashing() ? 1 : 0;
    Put(&arrays_[array].Home(hash), Tag(hash) | (mark ? kMark : 0), item);
    ++counts_[array];
    marked_ += mark;
  }

  // Makes the place hold another item of the same key.
  void Replace(const Place& place, Item* item) { place.bucket->slots[place.slot] = item; }

  bool IsMarked(const Place& place) const { return (place.bucket->tag(place.slot) & kMark) != 0; }
  void SetMark(const Place& place, bool mark) {
    const uint8_t tag = place.bucket->tag(place.slot);
    marked_ += static_cast<size_t>(mark) - static_cast<size_t>((tag & kMark) != 0);
    place.bucket->set_tag(place.slot, (tag & ~kMark) | (mark ? kMark : 0));
  }

  void Erase(const Place& place) {
    marked_ -= IsMarked(place);
    Close(place);
    --counts_[place.array];
    rehashing() ? Rehash(1) : ShrinkIfSparse();
  }

  // Makes room for `items` at once, while the table is empty.
  void Reserve(size_t items) {
    if (size() != 0 || rehashing()) return;
    const size_t wanted = SizeFor(items);
    if (wanted > arrays_[0].size()) arrays_[0] = BucketArray(wanted);
  }

  // Moves up to `buckets` home buckets if the size is changing or should; false if it isn't.
  bool Upkeep(size_t buckets) {
    rehashing() ? Rehash(buckets) : ShrinkIfSparse();
    return rehashing();
  }

  // Reports the items of the next home bucket (of several, while the size changes), marked ones
  // only if so asked: visit(Item*, marked). Returns the next cursor, 0 after the last. `visit` must
  // not change the table. Begin with 0.
  template <typename Visit>
  uint64_t Scan(uint64_t cursor, bool marked_only, Visit&& visit) const {
    if (arrays_[0].size() == 0) return 0;
    if (!rehashing()) {
      VisitChain(&arrays_[0].Home(cursor), marked_only, visit);
      return NextScanCursor(cursor, arrays_[0].size());
    }
    // The bucket of the smaller array, and all those of the larger that it splits into.
    const int small = arrays_[0].size() <= arrays_[1].size() ? 0 : 1;
    const BucketArray& smaller = arrays_[small];
    const BucketArray& larger = arrays_[1 - small];
    VisitChain(&smaller.Home(cursor), marked_only, visit);
    const uint64_t splits = (larger.size() - 1) ^ (smaller.size() - 1);
    do {
      VisitChain(&larger.Home(cursor), marked_only, visit);
      cursor = NextScanCursor(cursor, larger.size());
    } while ((cursor & splits) != 0);
    return cursor;
  }

  // Whether the next call will report items again that were reported before this cursor, which
  // happens when the table has become smaller since: those whose reversed hash is below that of the
  // cursor.
  bool ScanRepeats(uint64_t cursor) const {
    const size_t smallest = rehashing() ? std::min(arrays_[0].size(), arrays_[1].size())
                                        : std::max(arrays_[0].size(), size_t{1});
    return (cursor & ~(uint64_t{smallest} - 1)) != 0;
  }
  // Starts fetching the bucket that the next call will read.
  void PrefetchScan(uint64_t cursor) const { Prefetch(cursor); }

  // Every item once: visit(Item*). `visit` must not change the table.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (const BucketArray& array : arrays_) {
      for (size_t i = 0; i < array.size(); ++i) {
        VisitChain(&array[i], false, [&](Item* item, bool) { visit(item); });
      }
    }
  }

  // The same until visit(Item*) returns false.
  template <typename Visit>
  void ForEachWhile(Visit&& visit) const {
    bool go_on = true;
    for (const BucketArray& array : arrays_) {
      for (size_t i = 0; i < array.size() && go_on; ++i) {
        VisitChain(&array[i], false, [&](Item* item, bool) { go_on = go_on && visit(item); });
      }
    }
  }

  // One item, each with equal probability as long as no chain is unusually long; nullptr if the
  // table is empty. `random`: 64 random bits.
  Item* Random(uint64_t random) const {
    if (size() == 0) return nullptr;
    // Choosing a bucket and a slot number, and trying again if the chain has no such slot, prefers
    // no item; kRounds of that make a failure rare except in a nearly empty table. Some choices are
    // made at once, so that their buckets are fetched together.
    constexpr uint64_t kSlotsDrawn = 16, kRounds = 25;
    constexpr int kAtOnce = 4;
    const size_t total = buckets();
    for (uint64_t round = 0; round < kRounds; ++round) {
      size_t chosen[kAtOnce];
      uint64_t slots[kAtOnce];
      for (int i = 0; i < kAtOnce; ++i) {
        const uint64_t bits = Scramble(random += 0x9e3779b97f4a7c15ull);
        chosen[i] = static_cast<size_t>((bits >> 4) % total);
        slots[i] = bits % kSlotsDrawn;
        PrefetchLine(BucketNumber(chosen[i]));
      }
      for (int i = 0; i < kAtOnce; ++i) {
        if (Item* item = At(chosen[i], slots[i])) return item;
      }
    }
    for (size_t i = random % total;; i = (i + 1) % total) {
      if (Item* item = At(i, 0)) return item;
    }
  }

  // Takes items out from one end: destroy(Item*), up to `buckets` home buckets. True when the
  // table is empty. Nothing else may be done to the table from the first call on.
  template <typename Destroy>
  bool Drain(size_t buckets, Destroy&& destroy) {
    for (BucketArray& array : arrays_) {
      if (array.size() == 0) continue;
      while (drained_ < array.size()) {
        if (buckets-- == 0) return false;
        Bucket* home = &array[drained_++];
        VisitChain(home, false, [&](Item* item, bool) { destroy(item); });
        FreeChain(home);
      }
      drained_ = 0;
      array = BucketArray();
    }
    counts_[0] = counts_[1] = marked_ = 0;
    return true;
  }

 private:
  static constexpr uint8_t kMark = 0x80;
  // Mean items a home bucket before the table grows: at five, one bucket in eight has a child.
  static constexpr size_t kMeanItems = 5;
  static constexpr size_t kShrinkBelow = 8;   // shrink at an eighth of what the table is made for
  static constexpr size_t kEmptyVisits = 16;  // empty buckets passed for each one moved

  static uint8_t Tag(uint64_t hash) {
    const auto tag = static_cast<uint8_t>(hash >> 57);
    return tag == 0 ? 1 : tag;
  }
  static size_t Capacity(size_t buckets) {
    return buckets == 1 ? static_cast<size_t>(Bucket::kSlots) : buckets * kMeanItems;
  }
  static size_t SizeFor(size_t items) {
    size_t buckets = 1;
    while (Capacity(buckets) <= items) buckets *= 2;
    return buckets;
  }

  // The output function of splitmix64.
  static uint64_t Scramble(uint64_t bits) {
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ull;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebull;
    return bits ^ (bits >> 31);
  }

  void Put(Bucket* bucket, uint8_t tag, Item* item) {
    while (bucket->chained()) bucket = bucket->child();
    int slot = bucket->FreeSlot();
    if (slot < 0) {
      constexpr int kLast = Bucket::kSlots - 1;
      Bucket* child = BucketArray::NewChild();
      ++children_;
      child->slots[0] = bucket->slots[kLast];
      child->set_tag(0, bucket->tag(kLast));
      bucket->slots[kLast] = child;
      bucket->set_tag(kLast, 0);
      bucket->meta |= 1;
      bucket = child;
      slot = 1;
    }
    bucket->slots[slot] = item;
    bucket->set_tag(slot, tag);
  }

  // Empties a slot and fills the gap with the chain's last item.
  void Close(const Place& place) {
    Bucket* parent = nullptr;
    Bucket* last = place.home;
    while (last->chained()) {
      parent = last;
      last = last->child();
    }
    int filled = Bucket::kSlots - 1;
    while (last->tag(filled) == 0) --filled;
    place.bucket->slots[place.slot] = last->slots[filled];
    place.bucket->set_tag(place.slot, last->tag(filled));
    last->slots[filled] = nullptr;
    last->set_tag(filled, 0);
    if (parent != nullptr && last->Filled() == 0) {
      parent->slots[Bucket::kSlots - 1] = nullptr;
      parent->meta &= ~uint64_t{1};
      BucketArray::FreeChild(last);
      --children_;
    }
  }

  void ShrinkIfSparse() {
    if (arrays_[0].size() > 1 && size() * kShrinkBelow < Capacity(arrays_[0].size())) {
      StartRehash(SizeFor(size()));
    }
  }

  void StartRehash(size_t buckets) {
    arrays_[1] = BucketArray(buckets);
    rehash_position_ = 0;
    Rehash(1);
  }

  void Rehash(size_t moves) {
    size_t empties = moves * kEmptyVisits;
    while (moves > 0 && counts_[0] > 0) {
      Bucket* home = &arrays_[0][rehash_position_++];
      if (home->meta == 0) {
        if (--empties == 0) return;
        continue;
      }
      MoveChain(home);
      --moves;
    }
    if (counts_[0] > 0) return;
    arrays_[0] = std::move(arrays_[1]);
    counts_[0] = std::exchange(counts_[1], 0);
  }

  void MoveChain(Bucket* home) {
    // Each item must be read for its key: fetch all of them first.
    VisitChain(home, false, [](Item* item, bool) { __builtin_prefetch(item); });
    VisitChain(home, false, [this](Item* item, bool marked) {
      const uint64_t hash = (*hasher_)(Traits::Key(*item));
      Put(&arrays_[1].Home(hash), Tag(hash) | (marked ? kMark : 0), item);
      --counts_[0];
      ++counts_[1];
    });
    FreeChain(home);
  }

  template <typename Visit>
  static void VisitChain(Bucket* bucket, bool marked_only, Visit&& visit) {
    for (;; bucket = bucket->child()) {
      const uint64_t marks = bucket->Marked();
      for (uint64_t bits = marked_only ? marks : bucket->Filled(); bits != 0; bits &= bits - 1) {
        visit(static_cast<Item*>(bucket->slots[Bucket::SlotOf(bits)]),
              (marks & bits & (~bits + 1)) != 0);
      }
      if (!bucket->chained()) return;
    }
  }

  void Swap(HashTable& other) noexcept {
    std::swap(hasher_, other.hasher_);
    for (int i = 0; i < 2; ++i) {
      std::swap(arrays_[i], other.arrays_[i]);
      std::swap(counts_[i], other.counts_[i]);
    }
    std::swap(marked_, other.marked_);
    std::swap(children_, other.children_);
    std::swap(rehash_position_, other.rehash_position_);
    std::swap(drained_, other.drained_);
  }

  // Frees the children of a home bucket and empties it.
  void FreeChain(Bucket* home) {
    Bucket* child = home->chained() ? home->child() : nullptr;
    while (child != nullptr) {
      Bucket* next = child->chained() ? child->child() : nullptr;
      BucketArray::FreeChild(child);
      --children_;
      child = next;
    }
    *home = Bucket{};
  }

  void FreeChildren() {
    for (const BucketArray& array : arrays_) {
      for (size_t i = 0; i < array.size() && children_ > 0; ++i) {
        if (array[i].chained()) FreeChain(&array[i]);
      }
    }
  }

  // The home buckets of both arrays, counted through.
  Bucket* BucketNumber(size_t number) const {
    const size_t first = arrays_[0].size();
    return number < first ? &arrays_[0][number] : &arrays_[1][number - first];
  }

  // The `number`th item of a home bucket, counted over both arrays; nullptr if it has fewer.
  Item* At(size_t bucket_number, uint64_t number) const {
    for (Bucket* bucket = BucketNumber(bucket_number);; bucket = bucket->child()) {
      const auto usable = static_cast<uint64_t>(bucket->usable());
      if (number < usable) {
        const int slot = static_cast<int>(number);
        return bucket->tag(slot) == 0 ? nullptr : static_cast<Item*>(bucket->slots[slot]);
      }
      if (!bucket->chained()) return nullptr;
      number -= usable;
    }
  }

  const KeyHasher* hasher_;
  BucketArray arrays_[2];      // [1] only while the size changes
  size_t counts_[2] = {0, 0};  // items in each
  size_t marked_ = 0;
  size_t children_ = 0;
  size_t rehash_position_ = 0;  // first bucket of arrays_[0] not moved yet
  size_t drained_ = 0;
};

}  // namespace understudy::targets::kv
