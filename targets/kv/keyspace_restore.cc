// Keyspace: keys made of values that come from elsewhere as a whole, by RESTORE and while loading.
#include <new>

#include "protocol/numbers.h"
#include "targets/kv/dump.h"
#include "targets/kv/keyspace.h"

namespace understudy::targets::kv {

Entry* Keyspace::NewEntry(std::string_view key, Type type, Object object,
                          std::optional<int64_t> expiry_ms) {
  Entry* entry = Entry::NewObject(key, type, object);
  if (expiry_ms) {
    entry = Entry::Resize(entry, entry->value_size(), true, true, Entry::Room::kExact);
    entry->set_expiry_ms(*expiry_ms);
  }
  return entry;
}

bool Keyspace::Restore(Context& context, int db, std::string_view key, std::string_view payload,
                       std::optional<int64_t> expiry_ms, std::optional<uint32_t> access) {
  std::optional<LooseValue> value;
  try {
    value = ReadDumpedValue(payload, forms_);
  } catch (const std::bad_alloc&) {
    return false;  // more than there is room for
  }
  if (!value || value->text.size() > kMaxValueBytes) return false;
  Entry* entry = value->type == Type::kString
                     ? NewStringEntry(key, value->text, expiry_ms)
                     : NewEntry(key, value->type, value->object, expiry_ms);
  NoteUse(context, entry);
  if (access) entry->set_access(*access);
  PutCopy(context, db, entry, "restore");
  char digits[protocol::kMaxIntegerText + 4];
  const size_t size = protocol::FormatInteger(digits, expiry_ms.value_or(0));
  context.effects->Add(db, {"restore", key, {digits, size}, payload});
  return true;
}

// restore key expiry payload; expiry 0: none.
bool Keyspace::ApplyRestore(int db, std::span<const std::string_view> effect, Context& context) {
  if (effect.size() != 4 || !IsDumpPayload(effect[3])) return false;
  const auto expiry_ms = protocol::ParseInteger(effect[2]);
  if (!expiry_ms) return false;
  return Restore(context, db, effect[1], effect[3], *expiry_ms == 0 ? std::nullopt : expiry_ms,
                 std::nullopt);
}

bool Keyspace::LoadObject(int db, std::string_view key, Type type, Object object,
                          std::optional<int64_t> expiry_ms) {
  const Found found = Locate(db, key);
  if (found.place) return false;
  Put(db, found, NewEntry(key, type, object, expiry_ms));
  return true;
}

}  // namespace understudy::targets::kv
