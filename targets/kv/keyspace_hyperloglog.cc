// Keyspace: the write functions of HyperLogLogs, and their effects back into writes.
#include <algorithm>
#include <cstring>

#include "protocol/numbers.h"
#include "targets/kv/hyperloglog.h"
#include "targets/kv/keyspace.h"

namespace understudy::targets::kv {
namespace {

std::string_view TextOf(const Entry& entry) { return {entry.value(), entry.value_size()}; }

bool IsHyperLogLog(const Entry& entry) {
  return entry.IsString() && !entry.IsInteger() && HyperLogLog::Is(TextOf(entry));
}

}  // namespace

void Keyspace::StoreHyperLogLog(Context& context, int db, std::string_view key,
                                std::string_view bytes, std::string_view event) {
  const Found found = Locate(db, key);
  Entry* entry;
  if (found.place) {
    entry = found.place.item();
    SaveOld(db, entry);
    entry = Entry::Resize(entry, bytes.size(), entry->has_expiry(), false, Entry::Room::kExact);
  } else {
    entry = Entry::New(key, bytes.size(), false);
    NoteUse(context, entry);
  }
  entry->set_encoding(Encoding::kRaw);
  std::memcpy(entry->value(), bytes.data(), bytes.size());
  Put(db, found, entry);
  Changed(context, db, entry, found.place ? Change::kModified : Change::kCreated, event);
}

HyperLogLog::Added Keyspace::CountElements(Context& context, int db, std::string_view key,
                                           const Entry* entry, Texts elements,
                                           size_t sparse_max_bytes) {
  using Added = HyperLogLog::Added;
  const auto add_effect = [&] {
    AddEffect(context, db, {"pfadd", key, std::to_string(sparse_max_bytes)}, elements);
  };
  if (entry != nullptr && HyperLogLog::IsDense(TextOf(*entry))) {
    const auto raises = [entry](std::string_view element) {
      const HyperLogLog::Place place = HyperLogLog::PlaceOf(element);
      return HyperLogLog::DenseGet(entry->value(), place.index) < place.count;
    };
    if (std::none_of(elements.begin(), elements.end(), raises)) return Added::kNo;
    SaveOld(db, entry);
    auto* changed = const_cast<Entry*>(entry);
    for (std::string_view element : elements) {
      HyperLogLog::DenseRaise(changed->value(), HyperLogLog::PlaceOf(element));
    }
    HyperLogLog::ForgetEstimate(changed->value());
    changed->set_encoding(Encoding::kRaw);
    add_effect();
    Changed(context, db, changed, Change::kModified, "pfadd");
    return Added::kYes;
  }
  HyperLogLog value = entry != nullptr ? HyperLogLog(TextOf(*entry), sparse_max_bytes)
                                       : HyperLogLog(sparse_max_bytes);
  bool any = entry == nullptr;
  for (std::string_view element : elements) {
    const Added added = value.Add(element);
    if (added == Added::kDamaged) return added;
    any |= added == Added::kYes;
  }
  if (!any) return Added::kNo;
  value.ForgetEstimate();
  add_effect();
  StoreHyperLogLog(context, db, key, value.bytes(), "pfadd");
  return Added::kYes;
}

bool Keyspace::MergeHyperLogLogs(Context& context, int db, std::string_view target, Texts sources,
                                 size_t sparse_max_bytes) {
  auto registers = std::make_unique<HyperLogLog::Registers>();
  registers->fill(0);
  bool dense = false;
  const Entry* const old = EntryOf(db, target);
  const auto take = [&](const Entry* entry) {
    if (entry == nullptr) return true;
    dense |= HyperLogLog::IsDense(TextOf(*entry));
    return HyperLogLog::MergeInto(TextOf(*entry), registers.get());
  };
  if (!take(old)) return false;
  for (std::string_view source : sources) {
    if (!take(EntryOf(db, source))) return false;
  }
  HyperLogLog merged =
      old != nullptr ? HyperLogLog(TextOf(*old), sparse_max_bytes) : HyperLogLog(sparse_max_bytes);
  if (dense) merged.MakeDense();
  for (uint32_t i = 0; i < HyperLogLog::kRegisters; ++i) {
    if ((*registers)[i] > 0) merged.Raise({i, (*registers)[i]});
  }
  merged.ForgetEstimate();
  AddEffect(context, db, {"pfmerge", target, std::to_string(sparse_max_bytes)}, sources);
  StoreHyperLogLog(context, db, target, merged.bytes(), "pfadd");
  return true;
}

bool Keyspace::MakeHyperLogLogDense(Context& context, int db, const Entry* entry) {
  HyperLogLog value(TextOf(*entry), 0);
  if (!value.MakeDense()) return false;
  const std::string key(entry->key());
  context.effects->Add(db, {"pfdebug", key});
  StoreHyperLogLog(context, db, key, value.bytes(), {});
  return true;
}

bool Keyspace::ApplyToHyperLogLog(int db, Texts effect, Context& context) {
  const Entry* entry = EntryOf(db, effect[1]);
  if (entry != nullptr && !IsHyperLogLog(*entry)) return false;
  if (effect[0] == "pfdebug") {
    return effect.size() == 2 && entry != nullptr && MakeHyperLogLogDense(context, db, entry);
  }
  if (effect.size() < 3) return false;
  const auto limit = protocol::ParseInteger(effect[2]);
  if (!limit || *limit < 0) return false;
  const Texts rest = effect.subspan(3);
  if (effect[0] == "pfadd") {
    return CountElements(context, db, effect[1], entry, rest, static_cast<size_t>(*limit)) ==
           HyperLogLog::Added::kYes;
  }
  for (std::string_view source : rest) {
    const Entry* each = EntryOf(db, source);
    if (each != nullptr && !IsHyperLogLog(*each)) return false;
  }
  return MergeHyperLogLogs(context, db, effect[1], rest, static_cast<size_t>(*limit));
}

}  // namespace understudy::targets::kv
