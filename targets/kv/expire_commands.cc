// Times to live: EXPIRE and its relatives, TTL, PERSIST.
#include "protocol/numbers.h"
#include "targets/kv/commands.h"

namespace understudy::targets::kv {
namespace {

enum class Unit : uint8_t { kSeconds, kMilliseconds };

struct Conditions {
  bool nx = false, xx = false, gt = false, lt = false;
};

bool ReadConditions(Call& call, Conditions* conditions) {
  for (std::string_view word : call.args.subspan(3)) {
    if (protocol::EqualsIgnoreCase(word, "NX")) {
      conditions->nx = true;
    } else if (protocol::EqualsIgnoreCase(word, "XX")) {
      conditions->xx = true;
    } else if (protocol::EqualsIgnoreCase(word, "GT")) {
      conditions->gt = true;
    } else if (protocol::EqualsIgnoreCase(word, "LT")) {
      conditions->lt = true;
    } else {
      call.reply.Error("ERR Unsupported option " + std::string(word));
      return false;
    }
  }
  if (conditions->nx && (conditions->xx || conditions->gt || conditions->lt)) {
    call.reply.Error("ERR NX and XX, GT or LT options at the same time are not compatible");
    return false;
  }
  if (conditions->gt && conditions->lt) {
    call.reply.Error("ERR GT and LT options at the same time are not compatible");
    return false;
  }
  return true;
}

// A key without expiry lives for ever: longer than any time for GT and LT.
bool ConditionsHold(const Conditions& conditions, const Entry& entry, int64_t at_ms) {
  if (!entry.has_expiry()) return !conditions.xx && !conditions.gt;
  const int64_t current = entry.expiry_ms();
  return !conditions.nx && !(conditions.gt && at_ms <= current) &&
         !(conditions.lt && at_ms >= current);
}

void Expire(Call& call, Unit unit, bool absolute) {
  const std::string_view key = call.args[1];
  Conditions conditions;
  int64_t at_ms;
  if (!ReadConditions(call, &conditions) || !call.ReadInteger(call.args[2], &at_ms)) return;
  if ((unit == Unit::kSeconds && __builtin_mul_overflow(at_ms, int64_t{1000}, &at_ms)) ||
      (!absolute && __builtin_add_overflow(at_ms, call.context.now_ms, &at_ms))) {
    return call.ReplyInvalidExpireTime();
  }
  const Entry* entry = call.FindForWrite(key);
  if (entry == nullptr || !ConditionsHold(conditions, *entry, at_ms)) return call.reply.Integer(0);
  if (at_ms <= call.context.now_ms) {
    call.keyspace.Delete(call.context, call.db, key);
  } else {
    call.keyspace.SetExpiry(call.context, call.db, key, at_ms);
  }
  call.reply.Integer(1);
}

void ExpireIn(Call& call) { Expire(call, Unit::kSeconds, false); }
void PExpireIn(Call& call) { Expire(call, Unit::kMilliseconds, false); }
void ExpireAt(Call& call) { Expire(call, Unit::kSeconds, true); }
void PExpireAt(Call& call) { Expire(call, Unit::kMilliseconds, true); }

void Ttl(Call& call, Unit unit, bool absolute) {
  const Entry* entry = call.Find(call.args[1], Keyspace::Use::kDontCount);
  if (entry == nullptr) return call.reply.Integer(-2);
  if (!entry->has_expiry()) return call.reply.Integer(-1);
  int64_t ttl_ms = entry->expiry_ms();
  if (!absolute) ttl_ms = std::max<int64_t>(ttl_ms - call.context.now_ms, 0);
  // Rounded to the nearest second, as Redis does, without overflow.
  call.reply.Integer(unit == Unit::kMilliseconds ? ttl_ms
                                                 : ttl_ms / 1000 + (ttl_ms % 1000 >= 500 ? 1 : 0));
}

void TtlSeconds(Call& call) { Ttl(call, Unit::kSeconds, false); }
void PTtl(Call& call) { Ttl(call, Unit::kMilliseconds, false); }
void ExpireTime(Call& call) { Ttl(call, Unit::kSeconds, true); }
void PExpireTime(Call& call) { Ttl(call, Unit::kMilliseconds, true); }

void Persist(Call& call) {
  const Entry* entry = call.FindForWrite(call.args[1]);
  if (entry == nullptr || !entry->has_expiry()) return call.reply.Integer(0);
  call.keyspace.ClearExpiry(call.context, call.db, call.args[1]);
  call.reply.Integer(1);
}

}  // namespace

void RegisterExpireCommands(HandlerMap* handlers) {
  handlers->insert({{"expire", ExpireIn},
                    {"pexpire", PExpireIn},
                    {"expireat", ExpireAt},
                    {"pexpireat", PExpireAt},
                    {"ttl", TtlSeconds},
                    {"pttl", PTtl},
                    {"expiretime", ExpireTime},
                    {"pexpiretime", PExpireTime},
                    {"persist", Persist}});
}

}  // namespace understudy::targets::kv
