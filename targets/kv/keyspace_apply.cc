// Keyspace::Apply(): effects back into writes.
#include <climits>

#include "protocol/numbers.h"
#include "targets/kv/keyspace.h"

namespace understudy::targets::kv {
namespace {

using protocol::ParseInteger;
using Effect = std::span<const std::string_view>;

bool TakeDb(std::string_view text, int databases, int* db) {
  const auto number = ParseInteger(text);
  if (!number || *number < 0 || *number >= databases) return false;
  *db = static_cast<int>(*number);
  return true;
}

}  // namespace

bool Keyspace::ApplySet(int db, Effect effect, Context& context) {
  SetOptions options;
  size_t next = 3;
  if (next < effect.size() && effect[next] == "keepttl") {
    options.keep_expiry = true;
    ++next;
  } else if (next + 1 < effect.size() && effect[next] == "pxat") {
    options.expiry_ms = ParseInteger(effect[next + 1]);
    if (!options.expiry_ms) return false;
    next += 2;
  }
  if (next < effect.size() && (effect[next] == "text" || effect[next] == "raw")) {
    options.form = effect[next] == "raw" ? Form::kRaw : Form::kText;
    ++next;
  }
  if (next != effect.size()) return false;
  SetString(context, db, effect[1], effect[2], options);
  return true;
}

// Effects on a string value: append, setrange, incrby; and those with a number for a key.
bool Keyspace::ApplyToKey(int db, Effect effect, Context& context) {
  const std::string_view name = effect[0], key = effect[1];
  const Place place = Locate(db, key).place;
  const Entry* entry = place ? place.item() : nullptr;
  const bool fits_string = entry == nullptr || entry->IsString();
  const auto parsed = effect.size() > 2 ? ParseInteger(effect[2]) : std::nullopt;
  const bool has_number = parsed.has_value();
  const int64_t number = parsed.value_or(0);
  if (name == "append") {
    if (effect.size() != 3 || !fits_string) return false;
    Append(context, db, key, effect[2]);
    return true;
  }
  if (name == "setrange") {
    if (effect.size() != 4 || !fits_string || !has_number || number < 0 ||
        static_cast<size_t>(number) > kMaxValueBytes - effect[3].size()) {
      return false;
    }
    SetRange(context, db, key, static_cast<size_t>(number), effect[3]);
    return true;
  }
  if (name == "incrby") {
    if (effect.size() != 3 || !fits_string || !has_number) return false;
    Entry::Digits digits;
    const auto old = entry == nullptr ? 0 : ParseInteger(entry->Text(&digits));
    int64_t sum;
    if (!old || __builtin_add_overflow(*old, number, &sum)) return false;
    IncrementBy(context, db, key, number);
    return true;
  }
  if (name == "pexpireat") {
    return effect.size() == 3 && has_number && SetExpiry(context, db, key, number);
  }
  if (name == "persist") return effect.size() == 2 && ClearExpiry(context, db, key);
  return false;
}

bool Keyspace::Apply(int db, Effect effect, Context& context) {
  if (effect.empty() || db < 0 || db >= databases()) return false;
  const std::string_view name = effect[0];
  const size_t count = effect.size();
  if (name == "set") return count >= 3 && ApplySet(db, effect, context);
  if (name == "del") return count == 2 && Delete(context, db, effect[1]);
  int other = 0;
  if (name == "rename") {
    return count == 3 && effect[1] != effect[2] && Rename(context, db, effect[1], effect[2]);
  }
  if (name == "move") {
    return count == 3 && TakeDb(effect[2], databases(), &other) && other != db &&
           Move(context, db, effect[1], other);
  }
  if (name == "copy") {
    return count == 6 && effect[3] == "db" && effect[5] == "replace" &&
           TakeDb(effect[4], databases(), &other) && (other != db || effect[1] != effect[2]) &&
           Copy(context, db, effect[1], other, effect[2]);
  }
  if (name == "flushdb" || name == "flushall") {
    if (count != 1) return false;
    name == "flushdb" ? FlushDb(context, db) : FlushAll(context);
    return true;
  }
  if (name == "swapdb") {
    int first = 0;
    if (count != 3 || !TakeDb(effect[1], databases(), &first) ||
        !TakeDb(effect[2], databases(), &other)) {
      return false;
    }
    SwapDbs(context, first, other);
    return true;
  }
  if (name == "restore") return ApplyRestore(db, effect, context);
  if (name.starts_with("pf")) return count >= 2 && ApplyToHyperLogLog(db, effect, context);
  return count >= 2 && (ApplyToContainer(db, effect, context) || ApplyToKey(db, effect, context));
}

}  // namespace understudy::targets::kv
