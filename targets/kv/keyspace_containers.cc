// Keyspace: the write functions of lists, hashes, sets and sorted sets.
#include <algorithm>
#include <optional>

#include "protocol/numbers.h"
#include "targets/kv/hash_value.h"
#include "targets/kv/keyspace.h"
#include "targets/kv/set_value.h"
#include "targets/kv/sorted_set_value.h"

namespace understudy::targets::kv {
namespace {

class NumberText {
 public:
  explicit NumberText(int64_t number) : size_(protocol::FormatInteger(text_, number)) {}
  explicit NumberText(size_t number) : NumberText(static_cast<int64_t>(number)) {}
  std::string_view view() const { return {text_, size_}; }

 private:
  char text_[protocol::kMaxIntegerText + 4];
  size_t size_;
};

template <typename Condition>
bool AnyOf(std::span<const std::string_view> texts, Condition&& condition) {
  return std::any_of(texts.begin(), texts.end(), condition);
}

// Only the key space changes what its entries hold.
Entry* Mutable(const Entry* entry) { return const_cast<Entry*>(entry); }

std::string_view StoreEffect(SetOperation operation, bool sorted) {
  switch (operation) {
    case SetOperation::kIntersection:
      return sorted ? "zinterstore" : "sinterstore";
    case SetOperation::kUnion:
      return sorted ? "zunionstore" : "sunionstore";
    case SetOperation::kDifference:
      break;
  }
  return sorted ? "zdiffstore" : "sdiffstore";
}

}  // namespace

// ---- the parts of every change ----

void Keyspace::DestroyObject(Type type, Object object) {
  if (FreesAtOnce(type, object)) {
    Free(type, object);
  } else {
    garbage_.emplace_back(type, object);
  }
}

void Keyspace::Destroy(Entry* entry) {
  if (!entry->IsString()) DestroyObject(entry->type(), entry->object());
  Entry::Free(entry);
}

void Keyspace::AddEffect(Context& context, int db, std::initializer_list<std::string_view> head,
                         Texts tail) {
  if (!context.effects->wanted()) return context.effects->Add(db, head);
  effect_.assign(head);
  effect_.insert(effect_.end(), tail.begin(), tail.end());
  context.effects->Add(db, effect_);
}

Entry* Keyspace::Make(Context& context, int db, std::string_view key, Type type, Object object) {
  Entry* entry = Entry::NewObject(key, type, object);
  NoteUse(context, entry);
  Put(db, Locate(db, key), entry);
  return entry;
}

void Keyspace::Shrunk(Context& context, int db, Entry* entry, size_t size, std::string_view event) {
  if (size > 0) return Changed(context, db, entry, Change::kModified, event);
  Tell(db, entry->key(), Change::kModified, event);
  entry->set_last_index(context.index);  // what it was is saved already
  TakeOut(context, db, Locate(db, entry->key()));
  Tell(db, entry->key(), Change::kDeleted, "del");
  Destroy(entry);
}

size_t Keyspace::StoreResult(Context& context, int db, std::string_view key, Type type,
                             Object object, std::string_view event) {
  const size_t size = SizeOf(type, object);
  if (size == 0) {
    Free(type, object);
    Delete(context, db, key);
    return 0;
  }
  Entry* entry = Entry::NewObject(key, type, object);
  NoteUse(context, entry);
  PutCopy(context, db, entry, event);
  return size;
}

// ---- lists ----

size_t Keyspace::PushList(Context& context, int db, std::string_view key, const Entry* entry,
                          End end, Texts values) {
  const std::string_view event = end == End::kFront ? "lpush" : "rpush";
  AddEffect(context, db, {event, key}, values);
  if (entry != nullptr) SaveOld(db, entry);
  ListValue list = entry != nullptr ? ListValue(entry->object()) : ListValue::New();
  list.Push(end, values, forms_);
  Entry* const changed =
      entry != nullptr ? Mutable(entry) : Make(context, db, key, Type::kList, list.object());
  changed->set_object(list.object());
  Changed(context, db, changed, entry != nullptr ? Change::kModified : Change::kCreated, event);
  return list.size();
}

void Keyspace::PopList(Context& context, int db, const Entry* entry, End end, size_t count) {
  const std::string_view event = end == End::kFront ? "lpop" : "rpop";
  context.effects->Add(db, {event, entry->key(), NumberText(count).view()});
  SaveOld(db, entry);
  ListValue list(entry->object());
  list.Pop(end, count, forms_);
  Mutable(entry)->set_object(list.object());
  Shrunk(context, db, Mutable(entry), list.size(), event);
}

void Keyspace::SetInList(Context& context, int db, const Entry* entry, size_t index,
                         std::string_view value) {
  context.effects->Add(db, {"lset", entry->key(), NumberText(index).view(), value});
  SaveOld(db, entry);
  ListValue list(entry->object());
  list.Set(index, value, forms_);
  Mutable(entry)->set_object(list.object());
  Changed(context, db, Mutable(entry), Change::kModified, "lset");
}

void Keyspace::InsertInList(Context& context, int db, const Entry* entry, size_t index,
                            std::string_view value) {
  context.effects->Add(db, {"linsert", entry->key(), NumberText(index).view(), value});
  SaveOld(db, entry);
  ListValue list(entry->object());
  list.Insert(index, value, forms_);
  Mutable(entry)->set_object(list.object());
  Changed(context, db, Mutable(entry), Change::kModified, "linsert");
}

size_t Keyspace::RemoveFromList(Context& context, int db, const Entry* entry, int64_t count,
                                std::string_view value) {
  ListValue list(entry->object());
  if (snapshot_ != nullptr && !list.Contains(value)) return 0;
  SaveOld(db, entry);
  const size_t removed = list.Remove(count, value, forms_);
  if (removed == 0) return 0;
  context.effects->Add(db, {"lrem", entry->key(), NumberText(count).view(), value});
  Mutable(entry)->set_object(list.object());
  Shrunk(context, db, Mutable(entry), list.size(), "lrem");
  return removed;
}

void Keyspace::TrimList(Context& context, int db, const Entry* entry, size_t first, size_t count) {
  context.effects->Add(db,
                       {"ltrim", entry->key(), NumberText(first).view(), NumberText(count).view()});
  SaveOld(db, entry);
  ListValue list(entry->object());
  list.Trim(first, count, forms_);
  Mutable(entry)->set_object(list.object());
  Shrunk(context, db, Mutable(entry), list.size(), "ltrim");
}

void Keyspace::StoreList(Context& context, int db, std::string_view target, Texts values,
                         std::string_view event) {
  ListValue list = ListValue::New();
  list.Push(End::kBack, values, forms_);
  if (!values.empty()) {
    if (EntryOf(db, target) != nullptr) context.effects->Add(db, {"del", target});
    AddEffect(context, db, {"rpush", target}, values);
  }
  StoreResult(context, db, target, Type::kList, list.object(), event);
}

// ---- hashes ----

size_t Keyspace::SetFields(Context& context, int db, std::string_view key, const Entry* entry,
                           Texts fields_and_values, std::string_view event) {
  AddEffect(context, db, {"hset", key}, fields_and_values);
  if (entry != nullptr) SaveOld(db, entry);
  HashValue hash = entry != nullptr ? HashValue(entry->object()) : HashValue::New();
  size_t added = 0;
  for (size_t i = 0; i + 1 < fields_and_values.size(); i += 2) {
    added += hash.Set(fields_and_values[i], fields_and_values[i + 1], forms_);
  }
  Entry* const changed =
      entry != nullptr ? Mutable(entry) : Make(context, db, key, Type::kHash, hash.object());
  changed->set_object(hash.object());
  Changed(context, db, changed, entry != nullptr ? Change::kModified : Change::kCreated, event);
  return added;
}

size_t Keyspace::RemoveFields(Context& context, int db, const Entry* entry, Texts fields) {
  HashValue hash(entry->object());
  if (snapshot_ != nullptr &&
      !AnyOf(fields, [&](std::string_view field) { return hash.Contains(field, forms_); })) {
    return 0;
  }
  SaveOld(db, entry);
  size_t removed = 0;
  for (std::string_view field : fields) {
    removed += hash.Remove(field, forms_);
    if (hash.size() == 0) break;
  }
  if (removed == 0) return 0;
  AddEffect(context, db, {"hdel", entry->key()}, fields);
  Mutable(entry)->set_object(hash.object());
  Shrunk(context, db, Mutable(entry), hash.size(), "hdel");
  return removed;
}

// ---- sets ----

size_t Keyspace::AddMembers(Context& context, int db, std::string_view key, const Entry* entry,
                            Texts members) {
  SetValue set = entry != nullptr ? SetValue(entry->object())
                                  : SetValue::NewFor(Element(members[0]), 1, forms_);
  if (snapshot_ != nullptr && entry != nullptr) {
    if (!AnyOf(members, [&](std::string_view each) { return !set.Contains(each, forms_); })) {
      return 0;
    }
    SaveOld(db, entry);
  }
  size_t added = 0;
  for (std::string_view member : members) added += set.Add(member, forms_);
  if (added == 0) return 0;
  AddEffect(context, db, {"sadd", key}, members);
  Entry* const changed =
      entry != nullptr ? Mutable(entry) : Make(context, db, key, Type::kSet, set.object());
  changed->set_object(set.object());
  Changed(context, db, changed, entry != nullptr ? Change::kModified : Change::kCreated, "sadd");
  return added;
}

size_t Keyspace::RemoveMembers(Context& context, int db, const Entry* entry, Texts members,
                               std::string_view event) {
  SetValue set(entry->object());
  if (snapshot_ != nullptr &&
      !AnyOf(members, [&](std::string_view each) { return set.Contains(each, forms_); })) {
    return 0;
  }
  SaveOld(db, entry);
  size_t removed = 0;
  for (std::string_view member : members) {
    removed += set.Remove(member, forms_);
    if (set.size() == 0) break;
  }
  if (removed == 0) return 0;
  AddEffect(context, db, {"srem", entry->key()}, members);
  Mutable(entry)->set_object(set.object());
  Shrunk(context, db, Mutable(entry), set.size(), event);
  return removed;
}

size_t Keyspace::StoreSets(Context& context, int db, std::string_view target,
                           SetOperation operation, Texts keys) {
  std::vector<OptionalSet> sets;
  for (std::string_view key : keys) {
    const Entry* entry = EntryOf(db, key);
    sets.push_back(entry == nullptr ? OptionalSet() : SetValue(entry->object()));
  }
  const SetValue result = Combine(operation, sets, forms_);
  const std::string_view effect = StoreEffect(operation, false);
  if (result.size() > 0) AddEffect(context, db, {effect, target}, keys);
  return StoreResult(context, db, target, Type::kSet, result.object(), effect);
}

// ---- sorted sets ----

void Keyspace::AddScoresEffect(Context& context, int db, std::string_view key,
                               std::span<const Score> scores) {
  if (scores.size() == 1) {
    char digits[protocol::kMaxDoubleText];
    const size_t size = protocol::FormatDouble(digits, scores[0].score);
    return context.effects->Add(db, {"zadd", key, {digits, size}, scores[0].member});
  }
  std::string digits;
  digits.reserve(scores.size() * protocol::kMaxDoubleText);  // it must not move
  std::vector<std::string_view> tail;
  for (const Score& each : scores) {
    char text[protocol::kMaxDoubleText];
    const size_t size = protocol::FormatDouble(text, each.score);
    digits.append(text, size);
    tail.push_back({digits.data() + digits.size() - size, size});
    tail.push_back(each.member);
  }
  AddEffect(context, db, {"zadd", key}, tail);
}

Keyspace::ScoresAdded Keyspace::AddScores(Context& context, int db, std::string_view key,
                                          const Entry* entry, std::span<const Score> scores,
                                          const ScoreConditions& conditions,
                                          std::string_view event) {
  SortedSetValue set =
      entry != nullptr ? SortedSetValue(entry->object()) : SortedSetValue::NewFor(1, 0, forms_);
  if (snapshot_ != nullptr && entry != nullptr) {
    const auto changes = [&](const Score& each) {
      const std::optional<double> old = set.Score(each.member, forms_);
      return conditions.Allow(old, each.score) && old != each.score;
    };
    if (std::none_of(scores.begin(), scores.end(), changes)) return {};
    SaveOld(db, entry);
  }
  ScoresAdded result;
  std::vector<Score> applied;
  for (const Score& each : scores) {
    const bool allowed =
        !conditions.any() || conditions.Allow(set.Score(each.member, forms_), each.score);
    const auto added =
        allowed ? set.Add(each.member, each.score, forms_) : SortedSetValue::Added::kSame;
    result.added += added == SortedSetValue::Added::kNew;
    result.changed += added == SortedSetValue::Added::kChanged;
    if (added != SortedSetValue::Added::kSame && scores.size() > 1) applied.push_back(each);
  }
  if (result.added + result.changed == 0) return result;
  Entry* const changed =
      entry != nullptr ? Mutable(entry) : Make(context, db, key, Type::kSortedSet, set.object());
  changed->set_object(set.object());
  AddScoresEffect(context, db, key, scores.size() > 1 ? applied : scores);
  Changed(context, db, changed, entry != nullptr ? Change::kModified : Change::kCreated, event);
  return result;
}

size_t Keyspace::RemoveScored(Context& context, int db, const Entry* entry, Texts members) {
  SortedSetValue set(entry->object());
  if (snapshot_ != nullptr &&
      !AnyOf(members, [&](std::string_view each) { return set.Score(each, forms_).has_value(); })) {
    return 0;
  }
  SaveOld(db, entry);
  size_t removed = 0;
  for (std::string_view member : members) {
    removed += set.Remove(member, forms_);
    if (set.size() == 0) break;
  }
  if (removed == 0) return 0;
  AddEffect(context, db, {"zrem", entry->key()}, members);
  Mutable(entry)->set_object(set.object());
  Shrunk(context, db, Mutable(entry), set.size(), "zrem");
  return removed;
}

void Keyspace::RemoveRanks(Context& context, int db, const Entry* entry, size_t first, size_t count,
                           std::string_view event) {
  context.effects->Add(
      db, {"zremrangebyrank", entry->key(), NumberText(first).view(), NumberText(count).view()});
  SaveOld(db, entry);
  SortedSetValue set(entry->object());
  set.RemoveRange(first, count, forms_);
  Mutable(entry)->set_object(set.object());
  Shrunk(context, db, Mutable(entry), set.size(), event);
}

void Keyspace::StoreScores(Context& context, int db, std::string_view target,
                           std::span<const Score> scores, std::string_view event) {
  SortedSetValue set = SortedSetValue::New();
  for (const Score& each : scores) set.Add(each.member, each.score, forms_);
  if (!scores.empty()) {
    if (EntryOf(db, target) != nullptr) context.effects->Add(db, {"del", target});
    AddScoresEffect(context, db, target, scores);
  }
  StoreResult(context, db, target, Type::kSortedSet, set.object(), event);
}

size_t Keyspace::StoreSortedSets(Context& context, int db, std::string_view target,
                                 const SortedSetRecipe& recipe) {
  std::vector<ScoredSource> sources;
  for (std::string_view key : recipe.keys) {
    const Entry* entry = EntryOf(db, key);
    if (entry == nullptr) {
      sources.emplace_back();
    } else if (entry->type() == Type::kSet) {
      sources.emplace_back(SetValue(entry->object()));
    } else {
      sources.emplace_back(SortedSetValue(entry->object()));
    }
  }
  SortedSetValue result =
      Combine(recipe.operation, recipe.aggregate, sources, recipe.weights, forms_);
  result.Compact(forms_);
  const std::string_view name = StoreEffect(recipe.operation, true);
  if (result.size() > 0) {
    if (recipe.operation == SetOperation::kDifference) {
      AddEffect(context, db, {name, target}, recipe.keys);
    } else {
      constexpr std::string_view kAggregates[] = {"sum", "min", "max"};
      std::vector<std::string> weights;
      for (double weight : recipe.weights) weights.push_back(protocol::FormatDouble(weight));
      std::vector<std::string_view> tail;
      for (size_t i = 0; i < recipe.keys.size(); ++i) {
        tail.push_back(recipe.keys[i]);
        tail.push_back(weights.empty() ? std::string_view("1") : std::string_view(weights[i]));
      }
      AddEffect(context, db, {name, target, kAggregates[static_cast<size_t>(recipe.aggregate)]},
                tail);
    }
  }
  return StoreResult(context, db, target, Type::kSortedSet, result.object(), name);
}

size_t Keyspace::StoreRange(Context& context, int db, std::string_view target,
                            std::string_view source, size_t first, size_t count) {
  SortedSetValue result = SortedSetValue::New();
  if (count > 0) {
    const SortedSetValue from(EntryOf(db, source)->object());
    from.ForRange(first, count, false, [&](const Element& member, double score) {
      Element::Digits digits;
      result.Add(member.Text(&digits), score, forms_);
    });
    context.effects->Add(
        db, {"zrangestore", target, source, NumberText(first).view(), NumberText(count).view()});
  }
  return StoreResult(context, db, target, Type::kSortedSet, result.object(), "zrangestore");
}

}  // namespace understudy::targets::kv
