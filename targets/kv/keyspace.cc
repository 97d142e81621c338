#include "targets/kv/keyspace.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "protocol/numbers.h"
#include "targets/kv/keyspace_snapshot.h"

namespace understudy::targets::kv {
namespace {

// A text this long can still be an integer.
constexpr size_t kMaxIntegerText = 20;

// What a string value is kept as.
struct Kept {
  Encoding encoding;
  int64_t integer = 0;
  size_t size;
};

bool MayBeInteger(std::string_view text) {
  return !text.empty() && text.size() <= kMaxIntegerText &&
         (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
}

Kept KeptAs(std::string_view value, Keyspace::Form form) {
  if (form == Keyspace::Form::kAutomatic && MayBeInteger(value)) {
    if (const auto integer = protocol::ParseInteger(value)) {
      return {Encoding::kInt, *integer, sizeof *integer};
    }
  }
  const bool embedded = form != Keyspace::Form::kRaw && value.size() <= kEmbstrLimit;
  return {embedded ? Encoding::kEmbstr : Encoding::kRaw, 0, value.size()};
}

void Store(Entry* entry, std::string_view value, const Kept& kept) {
  entry->set_encoding(kept.encoding);
  if (kept.encoding == Encoding::kInt) {
    entry->set_integer(kept.integer);
  } else if (!value.empty()) {
    std::memcpy(entry->value(), value.data(), value.size());
  }
}

// The text of a number, for an effect.
class NumberText {
 public:
  explicit NumberText(int64_t number) : size_(protocol::FormatInteger(text_, number)) {}
  std::string_view view() const { return {text_, size_}; }

 private:
  char text_[32];
  size_t size_;
};

}  // namespace

Keyspace::Keyspace(int databases, uint64_t hash_seed, const ContainerLimits& limits)
    : hasher_(hash_seed), forms_{&hasher_, &limits} {
  dbs_.reserve(static_cast<size_t>(databases));
  for (int i = 0; i < databases; ++i) dbs_.emplace_back(hasher_);
}

Keyspace::~Keyspace() {
  if (snapshot_ != nullptr) snapshot_->Detach();
  for (Db& db : dbs_) discarded_.push_back(std::move(db.table));
  for (Table& table : discarded_) table.ForEach([this](Entry* entry) { Destroy(entry); });
  for (const auto& [type, object] : garbage_) Free(type, object);
}

// ---- reading ----

void Keyspace::DependOnMissing(Context& context, int db, uint64_t hash) {
  const uint64_t floor = At(db).floor_index;
  if (floor > context.commit) context.DependsOn(floor);
  if (deleted_.empty()) return;
  deleted_.Prune(context.commit);
  const uint64_t index = deleted_.Find(NameHash(db, hash));
  if (index > context.commit) context.DependsOn(index);
}

void Keyspace::DependOnAll(Context& context) const {
  if (last_change_index_ > context.commit) context.DependsOn(last_change_index_);
}

const Entry* Keyspace::FindAny(Context& context, int db, std::string_view key, bool count_use,
                               bool count_hit) {
  const Found found = Locate(db, key);
  Entry* entry = found.place ? found.place.item() : nullptr;
  if (entry != nullptr && IsDue(*entry, context.now_ms)) {
    if (context.read_only) {
      context.hit_expired = true;
    } else {
      ExpireNow(context, db, found);
    }
    entry = nullptr;
  }
  if (entry == nullptr) {
    DependOnMissing(context, db, found.hash);
    misses_ += count_hit;
    return nullptr;
  }
  const uint64_t index = std::max(entry->last_index(), At(db).floor_index);
  if (index > context.commit) context.DependsOn(index);
  hits_ += count_hit;
  if (count_use && touching_) NoteUse(context, entry);
  return entry;
}

KeyInfo Keyspace::Peek(int db, std::string_view key, int64_t now_ms) const {
  KeyInfo info;
  const Found found = Locate(db, key);
  info.last_index = At(db).floor_index;
  if (found.place) {
    const Entry& entry = *found.place.item();
    info.exists = true;
    info.expired = IsDue(entry, now_ms);
    info.type = static_cast<uint8_t>(entry.type());
    info.last_index = std::max(info.last_index, entry.last_index());
  } else {
    info.last_index =
        std::max({info.last_index, deleted_.Find(NameHash(db, found.hash)), deleted_.forgotten()});
  }
  return info;
}

void Keyspace::Prefetch(int db, std::span<const std::string_view> keys) const {
  // Two rounds: by the second one the first keys' buckets have arrived.
  const Table& table = At(db).table;
  uint64_t hashes[kMaxPrefetch];
  const size_t count = std::min(keys.size(), kMaxPrefetch);
  for (size_t i = 0; i < count; ++i) {
    hashes[i] = hasher_(keys[i]);
    table.Prefetch(hashes[i]);
  }
  for (size_t i = 0; i < count; ++i) table.PrefetchItem(hashes[i]);
}

const Entry* Keyspace::Find(Context& context, int db, std::string_view key, Use use) {
  return FindAny(context, db, key, use == Use::kCount, true);
}

const Entry* Keyspace::FindForWrite(Context& context, int db, std::string_view key) {
  return FindAny(context, db, key, true, false);
}

uint64_t Keyspace::Scan(int db, uint64_t cursor, std::vector<const Entry*>* found) const {
  return At(db).table.Scan(cursor, false,
                           [found](const Entry* entry, bool) { found->push_back(entry); });
}

const Entry* Keyspace::Random(int db, uint64_t random) const { return At(db).table.Random(random); }

uint32_t Keyspace::IdleSeconds(const Entry& entry, int64_t now_ms) {
  return (static_cast<uint32_t>(now_ms / 1000) - entry.access()) & 0xffffff;
}

// ---- the parts of every write ----

void Keyspace::SaveForSnapshot(int db, const Entry& entry) { snapshot_->Save(At(db), entry); }

void Keyspace::Changed(Context& context, int db, Entry* entry, Change change,
                       std::string_view event) {
  entry->set_last_index(context.index);
  last_change_index_ = context.index;
  Tell(db, entry->key(), change, event);
}

void Keyspace::NoteExpiry(int db, const Entry& entry) {
  Db& in = At(db);
  in.expiries_changed = true;
  in.earliest_expiry_ms = std::min(in.earliest_expiry_ms, entry.expiry_ms());
  in.pass_earliest_ms = std::min(in.pass_earliest_ms, entry.expiry_ms());
}

void Keyspace::Put(int db, const Found& found, Entry* entry) {
  Table& table = At(db).table;
  if (found.place) {
    if (found.place.item() != entry) table.Replace(found.place, entry);
    if (table.IsMarked(found.place) != entry->has_expiry()) {
      table.SetMark(found.place, entry->has_expiry());
    }
  } else {
    table.Insert(found.hash, entry, entry->has_expiry());
    // So that memory doesn't grow while it waits to be freed.
    if (!discarded_.empty()) FreeDiscarded(1);
    if (!garbage_.empty()) FreeGarbage(kFreeAtOnce);
  }
  if (entry->has_expiry()) NoteExpiry(db, *entry);
}

void Keyspace::RememberDeleted(Context& context, int db, uint64_t hash) {
  last_change_index_ = context.index;
  if (context.index <= context.commit) return;
  deleted_.Prune(context.commit);
  if (deleted_.Full()) {
    for (Db& each : dbs_) each.floor_index = context.index;
    deleted_.Clear();
  }
  deleted_.Add(NameHash(db, hash), context.index);
}

Entry* Keyspace::TakeOut(Context& context, int db, const Found& found) {
  Entry* entry = found.place.item();
  SaveOld(db, entry);
  At(db).table.Erase(found.place);
  RememberDeleted(context, db, found.hash);
  return entry;
}

void Keyspace::PutCopy(Context& context, int db, Entry* entry, std::string_view event) {
  const Found found = Locate(db, entry->key());
  if (found.place) {
    SaveOld(db, found.place.item());
    Destroy(found.place.item());
  }
  Put(db, found, entry);
  Changed(context, db, entry, found.place ? Change::kModified : Change::kCreated, event);
}

void Keyspace::ExpireNow(Context& context, int db, const Found& found) {
  Entry* entry = TakeOut(context, db, found);
  ++expired_keys_;
  context.effects->Add(db, {"del", entry->key()});
  Tell(db, entry->key(), Change::kExpired, "expired");
  Destroy(entry);
}

bool Keyspace::ExpireIfDue(Context& context, int db, const Entry* entry) {
  if (!IsDue(*entry, context.now_ms)) return false;
  if (context.read_only) {
    context.hit_expired = true;
  } else {
    ExpireNow(context, db, Locate(db, entry->key()));
  }
  return true;
}

// ---- writing ----

void Keyspace::SetString(Context& context, int db, std::string_view key, std::string_view value,
                         const SetOptions& options) {
  const Kept kept = KeptAs(value, options.form);
  const Found found = Locate(db, key);
  Entry* entry = found.place ? found.place.item() : nullptr;
  const bool keep = options.keep_expiry && entry != nullptr && entry->has_expiry();
  const bool with_expiry = keep || options.expiry_ms.has_value();
  if (entry != nullptr) {
    SaveOld(db, entry);
    MakeString(entry);
  }
  if (entry == nullptr) {
    entry = Entry::New(key, kept.size, with_expiry);
  } else if (!entry->SetSizeInPlace(kept.size, with_expiry)) {
    entry = Entry::Resize(entry, kept.size, with_expiry, false, Entry::Room::kExact);
  }
  Store(entry, value, kept);
  NoteUse(context, entry);
  if (options.expiry_ms) entry->set_expiry_ms(*options.expiry_ms);
  Put(db, found, entry);

  if (context.effects->wanted() && (with_expiry || options.form != Form::kAutomatic)) {
    std::string_view effect[6] = {"set", key, value};
    size_t count = 3;
    const NumberText at(options.expiry_ms.value_or(0));
    if (options.expiry_ms) {
      effect[count++] = "pxat";
      effect[count++] = at.view();
    } else if (keep) {
      effect[count++] = "keepttl";
    }
    if (kept.encoding != KeptAs(value, Form::kAutomatic).encoding) {
      effect[count++] = options.form == Form::kRaw ? "raw" : "text";
    }
    context.effects->Add(db, std::span<const std::string_view>(effect, count));
  } else {
    context.effects->Add(db, {"set", key, value});
  }
  Changed(context, db, entry, found.place ? Change::kModified : Change::kCreated, options.event);
  if (options.expiry_ms) Tell(db, key, Change::kExpirySet, "expire");
}

size_t Keyspace::Append(Context& context, int db, std::string_view key, std::string_view tail) {
  const Found found = Locate(db, key);
  if (!found.place) {
    const Kept kept = KeptAs(tail, Form::kAutomatic);
    Entry* entry = Entry::New(key, kept.size, false);
    Store(entry, tail, kept);
    NoteUse(context, entry);
    Put(db, found, entry);
    context.effects->Add(db, {"append", key, tail});
    Changed(context, db, entry, Change::kCreated, "append");
    return tail.size();
  }
  const size_t old_size = found.place.item()->TextSize();
  context.effects->Add(db, {"append", key, tail});
  SaveOld(db, found.place.item());
  Entry* entry = GrowText(found, old_size + tail.size());
  if (!tail.empty()) std::memcpy(entry->value() + old_size, tail.data(), tail.size());
  Put(db, found, entry);
  Changed(context, db, entry, Change::kModified, "append");
  return old_size + tail.size();
}

Entry* Keyspace::GrowText(const Found& found, size_t size) {
  Entry* entry = found.place.item();
  Entry::Digits digits;
  if (entry->IsInteger()) {
    const std::string_view text = entry->Text(&digits);
    entry = Entry::Resize(entry, std::max(size, text.size()), entry->has_expiry(), false,
                          Entry::Room::kExact);
    std::memcpy(entry->value(), text.data(), text.size());
  } else if (size > entry->value_size()) {
    entry = Entry::Resize(entry, size, entry->has_expiry(), true, Entry::Room::kGrowing);
  }
  entry->set_encoding(Encoding::kRaw);
  return entry;
}

size_t Keyspace::SetRange(Context& context, int db, std::string_view key, size_t offset,
                          std::string_view bytes, std::string_view event) {
  const Found found = Locate(db, key);
  const size_t end = offset + bytes.size();
  size_t old_size = 0;
  Entry* entry;
  if (found.place) {
    old_size = found.place.item()->TextSize();
    SaveOld(db, found.place.item());
    entry = GrowText(found, end);
  } else {
    entry = Entry::New(key, end, false);
    entry->set_encoding(Encoding::kRaw);
    NoteUse(context, entry);
  }
  if (offset > old_size) std::memset(entry->value() + old_size, 0, offset - old_size);
  if (!bytes.empty()) std::memcpy(entry->value() + offset, bytes.data(), bytes.size());
  Put(db, found, entry);
  const NumberText offset_text(static_cast<int64_t>(offset));
  context.effects->Add(db, {"setrange", key, offset_text.view(), bytes});
  Changed(context, db, entry, found.place ? Change::kModified : Change::kCreated, event);
  return entry->value_size();
}

int64_t Keyspace::IncrementBy(Context& context, int db, std::string_view key, int64_t increment) {
  const Found found = Locate(db, key);
  Entry* entry;
  int64_t sum = increment;
  if (found.place) {
    entry = found.place.item();
    SaveOld(db, entry);
    Entry::Digits digits;
    sum += entry->IsInteger() ? entry->integer() : *protocol::ParseInteger(entry->Text(&digits));
    if (!entry->SetSizeInPlace(sizeof sum, entry->has_expiry())) {
      entry = Entry::Resize(entry, sizeof sum, entry->has_expiry(), false, Entry::Room::kExact);
    }
  } else {
    entry = Entry::New(key, sizeof sum, false);
    NoteUse(context, entry);
  }
  entry->set_encoding(Encoding::kInt);
  entry->set_integer(sum);
  Put(db, found, entry);
  const NumberText increment_text(increment);
  context.effects->Add(db, {"incrby", key, increment_text.view()});
  Changed(context, db, entry, found.place ? Change::kModified : Change::kCreated, "incrby");
  return sum;
}

bool Keyspace::Delete(Context& context, int db, std::string_view key, std::string_view event) {
  const Found found = Locate(db, key);
  if (!found.place) return false;
  if (!event.empty()) Tell(db, key, Change::kModified, event);
  Entry* entry = TakeOut(context, db, found);
  context.effects->Add(db, {"del", key});
  Tell(db, key, Change::kDeleted, "del");
  Destroy(entry);
  return true;
}

bool Keyspace::SetExpiry(Context& context, int db, std::string_view key, int64_t at_ms) {
  const Found found = Locate(db, key);
  if (!found.place) return false;
  Entry* entry = found.place.item();
  SaveOld(db, entry);
  entry = Entry::Resize(entry, entry->value_size(), true, true, Entry::Room::kExact);
  entry->set_expiry_ms(at_ms);
  Put(db, found, entry);
  const NumberText at(at_ms);
  context.effects->Add(db, {"pexpireat", key, at.view()});
  Changed(context, db, entry, Change::kExpirySet, "expire");
  return true;
}

bool Keyspace::ClearExpiry(Context& context, int db, std::string_view key) {
  const Found found = Locate(db, key);
  if (!found.place) return false;
  Entry* entry = found.place.item();
  SaveOld(db, entry);
  entry = Entry::Resize(entry, entry->value_size(), false, true, Entry::Room::kExact);
  Put(db, found, entry);
  context.effects->Add(db, {"persist", key});
  Changed(context, db, entry, Change::kExpiryCleared, "persist");
  return true;
}

bool Keyspace::Rename(Context& context, int db, std::string_view from, std::string_view to) {
  const Found found = Locate(db, from);
  if (!found.place) return false;
  Entry* renamed = Entry::Copy(*found.place.item(), to);
  Entry* entry = TakeOut(context, db, found);
  PutCopy(context, db, renamed, "rename_to");
  context.effects->Add(db, {"rename", from, to});
  Tell(db, from, Change::kDeleted, "rename_from");
  Entry::Free(entry);
  return true;
}

bool Keyspace::Move(Context& context, int from_db, std::string_view key, int to_db) {
  const Found found = Locate(from_db, key);
  if (!found.place) return false;
  PutCopy(context, to_db, TakeOut(context, from_db, found), "move_to");
  const NumberText to(to_db);
  context.effects->Add(from_db, {"move", key, to.view()});
  Tell(from_db, key, Change::kDeleted, "move_from");
  return true;
}

bool Keyspace::Copy(Context& context, int from_db, std::string_view from, int to_db,
                    std::string_view to) {
  const Found found = Locate(from_db, from);
  if (!found.place) return false;
  Entry* entry = Entry::Copy(*found.place.item(), to);
  if (!entry->IsString()) {
    entry->set_object(kv::Copy(entry->type(), entry->object(), forms_));
  }
  NoteUse(context, entry);
  PutCopy(context, to_db, entry, "copy_to");
  const NumberText number(to_db);
  context.effects->Add(from_db, {"copy", from, to, "db", number.view(), "replace"});
  return true;
}

void Keyspace::Discard(Db& db) {
  const uint64_t floor = db.floor_index;
  if (snapshot_ != nullptr && !db.snapshot_done) {
    snapshot_->Keep(std::move(db));
  } else if (db.table.size() > kFreeAtOnce) {
    discarded_.push_back(std::move(db.table));
  } else {
    db.table.ForEach([this](Entry* entry) { Destroy(entry); });
  }
  db = Db(hasher_);
  db.floor_index = floor;
}

void Keyspace::FlushDb(Context& context, int db) {
  Discard(At(db));
  At(db).floor_index = last_change_index_ = context.index;
  context.effects->Add(db, {"flushdb"});
  if (observer_ != nullptr) observer_->OnDatabaseChanged(db);
}

void Keyspace::FlushAll(Context& context) {
  for (Db& db : dbs_) {
    Discard(db);
    db.floor_index = context.index;
  }
  last_change_index_ = context.index;
  context.effects->Add(0, {"flushall"});
  for (int db = 0; observer_ != nullptr && db < databases(); ++db) observer_->OnDatabaseChanged(db);
}

void Keyspace::SwapDbs(Context& context, int a, int b) {
  std::swap(At(a), At(b));
  At(a).floor_index = At(b).floor_index = last_change_index_ = context.index;
  const NumberText first(a), second(b);
  context.effects->Add(0, {"swapdb", first.view(), second.view()});
  if (observer_ != nullptr) {
    observer_->OnDatabaseChanged(a);
    observer_->OnDatabaseChanged(b);
  }
}

// ---- whole state ----

void Keyspace::Clear() {
  if (snapshot_ != nullptr) snapshot_->Detach();
  for (Db& db : dbs_) {
    Discard(db);
    db.floor_index = 0;
  }
  deleted_.Clear();
  last_change_index_ = 0;
}

void Keyspace::Reserve(int db, size_t keys) { At(db).table.Reserve(keys); }

Entry* Keyspace::NewStringEntry(std::string_view key, std::string_view value,
                                std::optional<int64_t> expiry_ms) {
  const Kept kept = KeptAs(value, Form::kAutomatic);
  Entry* entry = Entry::New(key, kept.size, expiry_ms.has_value());
  Store(entry, value, kept);
  if (expiry_ms) entry->set_expiry_ms(*expiry_ms);
  return entry;
}

bool Keyspace::Load(int db, std::string_view key, std::string_view value,
                    std::optional<int64_t> expiry_ms) {
  const Found found = Locate(db, key);
  if (found.place) return false;
  Put(db, found, NewStringEntry(key, value, expiry_ms));
  return true;
}

size_t Keyspace::TableMemory() const {
  size_t bytes = 0;
  for (const Db& db : dbs_) bytes += db.table.memory();
  for (const Table& table : discarded_) bytes += table.memory();
  return bytes;
}

}  // namespace understudy::targets::kv
