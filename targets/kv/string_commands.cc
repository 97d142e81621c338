// GET, SET and what is made of them.
#include "protocol/numbers.h"
#include "targets/kv/commands.h"

namespace understudy::targets::kv {
namespace {

using protocol::EqualsIgnoreCase;
using SetOptions = Keyspace::SetOptions;

enum class Unit : uint8_t { kSeconds, kMilliseconds };

// The options of SET and GETEX.
struct ExtendedOptions {
  bool only_new = false, only_old = false;  // NX, XX
  bool get = false;
  bool keep_expiry = false;
  bool persist = false;
  bool has_time = false, time_is_absolute = false;
  Unit unit = Unit::kSeconds;
  std::string_view time;
};

// Takes EX, PX, EXAT or PXAT from args[at]; they exclude each other, KEEPTTL and PERSIST.
bool TakeTime(std::string_view word, ExtendedOptions* options) {
  const bool absolute = word.size() == 4;
  const bool seconds = EqualsIgnoreCase(word, absolute ? "EXAT" : "EX");
  if (!seconds && !EqualsIgnoreCase(word, absolute ? "PXAT" : "PX")) return false;
  const Unit unit = seconds ? Unit::kSeconds : Unit::kMilliseconds;
  if (options->keep_expiry || options->persist) return false;
  if (options->has_time && (options->unit != unit || options->time_is_absolute != absolute)) {
    return false;
  }
  options->has_time = true;
  options->time_is_absolute = absolute;
  options->unit = unit;
  return true;
}

// False, with the error written, if the arguments from `first` on aren't options of SET (or GETEX).
bool ReadExtendedOptions(Call& call, size_t first, bool is_set, ExtendedOptions* options) {
  const auto args = call.args;
  for (size_t i = first; i < args.size(); ++i) {
    const std::string_view word = args[i];
    if (is_set && !options->only_old && EqualsIgnoreCase(word, "NX")) {
      options->only_new = true;
    } else if (is_set && !options->only_new && EqualsIgnoreCase(word, "XX")) {
      options->only_old = true;
    } else if (is_set && EqualsIgnoreCase(word, "GET")) {
      options->get = true;
    } else if (is_set && !options->has_time && EqualsIgnoreCase(word, "KEEPTTL")) {
      options->keep_expiry = true;
    } else if (!is_set && !options->has_time && EqualsIgnoreCase(word, "PERSIST")) {
      options->persist = true;
    } else if (i + 1 < args.size() && TakeTime(word, options)) {
      options->time = args[++i];
    } else {
      call.reply.Error(protocol::kSyntaxError);
      return false;
    }
  }
  return true;
}

// The absolute time of an expiry argument. False, with the error written, if it makes none.
bool ReadExpiry(Call& call, std::string_view text, Unit unit, bool absolute, int64_t* at_ms) {
  int64_t value;
  if (!call.ReadInteger(text, &value)) return false;
  const bool valid =
      value > 0 &&
      (unit == Unit::kMilliseconds || !__builtin_mul_overflow(value, int64_t{1000}, &value)) &&
      (absolute || !__builtin_add_overflow(value, call.context.now_ms, &value));
  if (!valid) call.ReplyInvalidExpireTime();
  *at_ms = value;
  return valid;
}

void Get(Call& call) {
  const Entry* entry = call.Find(call.args[1]);
  if (entry == nullptr) {
    call.reply.Null();
  } else if (call.IsStringOrMissing(entry)) {
    call.ReplyString(*entry);
  }
}

void Set(Call& call) {
  const std::string_view key = call.args[1], value = call.args[2];
  if (call.args.size() == 3) {
    call.keyspace.SetString(call.context, call.db, key, value, {});
    return call.reply.Ok();
  }
  ExtendedOptions options;
  if (!ReadExtendedOptions(call, 3, true, &options)) return;
  SetOptions set;
  set.keep_expiry = options.keep_expiry;
  if (options.has_time) {
    int64_t at_ms;
    if (!ReadExpiry(call, options.time, options.unit, options.time_is_absolute, &at_ms)) return;
    set.expiry_ms = at_ms;
  }
  const Entry* entry = nullptr;
  if (options.get) {
    entry = call.Find(key);
    if (!call.IsStringOrMissing(entry)) return;
    entry == nullptr ? call.reply.Null() : call.ReplyString(*entry);
  } else if (options.only_new || options.only_old || options.keep_expiry) {
    entry = call.FindForWrite(key);
  }
  if ((options.only_new && entry != nullptr) || (options.only_old && entry == nullptr)) {
    if (!options.get) call.reply.Null();
    return;
  }
  call.keyspace.SetString(call.context, call.db, key, value, set);
  if (!options.get) call.reply.Ok();
}

void SetNx(Call& call) {
  if (call.FindForWrite(call.args[1]) != nullptr) return call.reply.Integer(0);
  call.keyspace.SetString(call.context, call.db, call.args[1], call.args[2], {});
  call.reply.Integer(1);
}

void SetWithTime(Call& call, Unit unit) {
  int64_t at_ms;
  if (!ReadExpiry(call, call.args[2], unit, false, &at_ms)) return;
  SetOptions options;
  options.expiry_ms = at_ms;
  call.keyspace.SetString(call.context, call.db, call.args[1], call.args[3], options);
  call.reply.Ok();
}
void SetEx(Call& call) { SetWithTime(call, Unit::kSeconds); }
void PSetEx(Call& call) { SetWithTime(call, Unit::kMilliseconds); }

// Replies with the value of args[1]; false if it isn't a string.
bool ReplyOldValue(Call& call, const Entry** entry) {
  *entry = call.Find(call.args[1]);
  if (!call.IsStringOrMissing(*entry)) return false;
  *entry == nullptr ? call.reply.Null() : call.ReplyString(**entry);
  return true;
}

void GetSet(Call& call) {
  const Entry* entry;
  if (!ReplyOldValue(call, &entry)) return;
  call.keyspace.SetString(call.context, call.db, call.args[1], call.args[2], {});
}

void GetDel(Call& call) {
  const Entry* entry;
  if (!ReplyOldValue(call, &entry) || entry == nullptr) return;
  call.keyspace.Delete(call.context, call.db, call.args[1]);
}

void GetEx(Call& call) {
  const std::string_view key = call.args[1];
  ExtendedOptions options;
  if (!ReadExtendedOptions(call, 2, false, &options)) return;
  const Entry* entry = call.Find(key);
  if (entry == nullptr) return call.reply.Null();
  if (!call.IsStringOrMissing(entry)) return;
  int64_t at_ms = 0;
  if (options.has_time &&
      !ReadExpiry(call, options.time, options.unit, options.time_is_absolute, &at_ms)) {
    return;
  }
  call.ReplyString(*entry);
  if (options.has_time && options.time_is_absolute && at_ms <= call.context.now_ms) {
    call.keyspace.Delete(call.context, call.db, key);
  } else if (options.has_time) {
    call.keyspace.SetExpiry(call.context, call.db, key, at_ms);
  } else if (options.persist && entry->has_expiry()) {
    call.keyspace.ClearExpiry(call.context, call.db, key);
  }
}

void MGet(Call& call) {
  const auto keys = call.args.subspan(1);
  call.reply.Array(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i % Keyspace::kMaxPrefetch == 0) call.keyspace.Prefetch(call.db, keys.subspan(i));
    const Entry* entry = call.Find(keys[i]);
    if (entry == nullptr || !entry->IsString()) {
      call.reply.Null();
    } else {
      call.ReplyString(*entry);
    }
  }
}

bool HasPairs(Call& call) {
  if (call.args.size() % 2 == 1) return true;
  call.reply.Error(protocol::CommandTable::ArityError(*call.request.command));
  return false;
}

void SetPairs(Call& call) {
  for (size_t i = 1; i < call.args.size(); i += 2) {
    call.keyspace.SetString(call.context, call.db, call.args[i], call.args[i + 1], {});
  }
}

void MSet(Call& call) {
  if (!HasPairs(call)) return;
  SetPairs(call);
  call.reply.Ok();
}

void MSetNx(Call& call) {
  if (!HasPairs(call)) return;
  for (size_t i = 1; i < call.args.size(); i += 2) {
    if (call.FindForWrite(call.args[i]) != nullptr) return call.reply.Integer(0);
  }
  SetPairs(call);
  call.reply.Integer(1);
}

}  // namespace

void RegisterStringCommands(HandlerMap* handlers) {
  handlers->insert({{"get", Get},
                    {"set", Set},
                    {"setnx", SetNx},
                    {"setex", SetEx},
                    {"psetex", PSetEx},
                    {"getset", GetSet},
                    {"getdel", GetDel},
                    {"getex", GetEx},
                    {"mget", MGet},
                    {"mset", MSet},
                    {"msetnx", MSetNx}});
}

}  // namespace understudy::targets::kv
