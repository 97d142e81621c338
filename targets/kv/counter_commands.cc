// Strings as numbers: INCR and its relatives.
#include <cmath>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"

namespace understudy::targets::kv {
namespace {

void Increment(Call& call, int64_t increment) {
  const std::string_view key = call.args[1];
  const Entry* entry = call.FindForWrite(key);
  if (!call.IsStringOrMissing(entry)) return;
  int64_t value = 0;
  if (entry != nullptr) {
    Entry::Digits digits;
    if (entry->IsInteger()) {
      value = entry->integer();
    } else if (!call.ReadInteger(entry->Text(&digits), &value)) {
      return;
    }
  }
  if (__builtin_add_overflow(value, increment, &value)) {
    return call.reply.Error("ERR increment or decrement would overflow");
  }
  call.reply.Integer(call.keyspace.IncrementBy(call.context, call.db, key, increment));
}

void Incr(Call& call) { Increment(call, 1); }
void Decr(Call& call) { Increment(call, -1); }

void IncrBy(Call& call) {
  int64_t increment;
  if (call.ReadInteger(call.args[2], &increment)) Increment(call, increment);
}

void DecrBy(Call& call) {
  int64_t decrement;
  if (!call.ReadInteger(call.args[2], &decrement)) return;
  if (decrement == INT64_MIN) return call.reply.Error("ERR decrement would overflow");
  Increment(call, -decrement);
}

void IncrByFloat(Call& call) {
  const std::string_view key = call.args[1];
  const Entry* entry = call.FindForWrite(key);
  if (!call.IsStringOrMissing(entry)) return;
  Entry::Digits digits;
  const auto value = entry == nullptr ? std::optional<long double>(0)
                                      : protocol::ParseLongDouble(entry->Text(&digits));
  const auto increment = value ? protocol::ParseLongDouble(call.args[2]) : std::nullopt;
  if (!increment) return call.reply.Error(protocol::kNotFloatError);
  const long double sum = *value + *increment;
  if (std::isnan(sum) || std::isinf(sum)) {
    return call.reply.Error("ERR increment would produce NaN or Infinity");
  }
  const std::string text = protocol::FormatHumanLongDouble(sum);
  // The effect is the result: other machines may have other long doubles.
  Keyspace::SetOptions options;
  options.keep_expiry = true;
  options.form = Keyspace::Form::kText;
  options.event = "incrbyfloat";
  call.keyspace.SetString(call.context, call.db, key, text, options);
  call.reply.Bulk(text);
}

}  // namespace

void RegisterCounterCommands(HandlerMap* handlers) {
  handlers->insert({{"incr", Incr},
                    {"decr", Decr},
                    {"incrby", IncrBy},
                    {"decrby", DecrBy},
                    {"incrbyfloat", IncrByFloat}});
}

}  // namespace understudy::targets::kv
