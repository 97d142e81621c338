// Commands on hashes.
#include <cmath>
#include <string>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/hash_value.h"
#include "targets/kv/random_pick.h"
#include "targets/kv/scan_arguments.h"

namespace understudy::targets::kv {
namespace {

bool HasPairs(Call& call) {
  if (call.args.size() % 2 == 0) return true;
  call.reply.Error(protocol::CommandTable::ArityError(*call.request.command));
  return false;
}

// Sets fields; false, with the error written, if that can't be done.
bool SetFields(Call& call, size_t* added) {
  if (!HasPairs(call)) return false;
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kHash, &entry)) return false;
  *added =
      call.keyspace.SetFields(call.context, call.db, call.args[1], entry, call.args.subspan(2));
  return true;
}

void HSet(Call& call) {
  size_t added;
  if (SetFields(call, &added)) call.reply.Integer(static_cast<int64_t>(added));
}

void HMSet(Call& call) {
  size_t added;
  if (SetFields(call, &added)) call.reply.Ok();
}

void HSetNx(Call& call) {
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kHash, &entry)) return;
  const Forms& forms = call.keyspace.forms();
  if (entry != nullptr && HashValue(entry->object()).Contains(call.args[2], forms)) {
    return call.reply.Integer(0);
  }
  call.keyspace.SetFields(call.context, call.db, call.args[1], entry, call.args.subspan(2));
  call.reply.Integer(1);
}

// The field's value; nothing if there is no such hash or field.
std::optional<Element> ValueOf(Call& call, const Entry* entry, std::string_view field) {
  if (entry == nullptr) return std::nullopt;
  return HashValue(entry->object()).Get(field, call.keyspace.forms());
}

void ReplyValue(Call& call, const Entry* entry, std::string_view field) {
  const std::optional<Element> value = ValueOf(call, entry, field);
  value ? value->Reply(&call.reply) : call.reply.Null();
}

void HGet(Call& call) {
  const Entry* entry;
  if (call.Find(call.args[1], Type::kHash, &entry)) ReplyValue(call, entry, call.args[2]);
}

void HMGet(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kHash, &entry)) return;
  const auto fields = call.args.subspan(2);
  call.reply.Array(fields.size());
  for (std::string_view field : fields) ReplyValue(call, entry, field);
}

void HExists(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kHash, &entry)) return;
  call.reply.Integer(ValueOf(call, entry, call.args[2]).has_value());
}

void HStrLen(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kHash, &entry)) return;
  const std::optional<Element> value = ValueOf(call, entry, call.args[2]);
  call.reply.Integer(value ? static_cast<int64_t>(value->TextSize()) : 0);
}

void HLen(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kHash, &entry)) return;
  const size_t size = entry == nullptr ? 0 : HashValue(entry->object()).size();
  call.reply.Integer(static_cast<int64_t>(size));
}

// Replies with fields, values or both of a hash.
void ReplyAll(Call& call, bool fields, bool values) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kHash, &entry)) return;
  const size_t size = entry == nullptr ? 0 : HashValue(entry->object()).size();
  fields&& values ? call.reply.Map(size) : call.reply.Array(size);
  if (size == 0) return;
  HashValue(entry->object()).ForEach([&](const Element& field, const Element& value) {
    if (fields) field.Reply(&call.reply);
    if (values) value.Reply(&call.reply);
  });
}
void HGetAll(Call& call) { ReplyAll(call, true, true); }
void HKeys(Call& call) { ReplyAll(call, true, false); }
void HVals(Call& call) { ReplyAll(call, false, true); }

void HDel(Call& call) {
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kHash, &entry)) return;
  if (entry == nullptr) return call.reply.Integer(0);
  const size_t removed =
      call.keyspace.RemoveFields(call.context, call.db, entry, call.args.subspan(2));
  call.reply.Integer(static_cast<int64_t>(removed));
}

// Writes a number that was computed into args[2].
void SetNumber(Call& call, const Entry* entry, std::string_view text, std::string_view event) {
  const std::string_view pair[] = {call.args[2], text};
  call.keyspace.SetFields(call.context, call.db, call.args[1], entry, pair, event);
}

void HIncrBy(Call& call) {
  int64_t increment;
  if (!call.ReadInteger(call.args[3], &increment)) return;
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kHash, &entry)) return;
  int64_t value = 0;
  if (const std::optional<Element> old = ValueOf(call, entry, call.args[2])) {
    const Element parsed = old->Parsed();
    if (!parsed.IsInteger()) return call.reply.Error("ERR hash value is not an integer");
    value = parsed.integer();
  }
  if (__builtin_add_overflow(value, increment, &value)) {
    return call.reply.Error("ERR increment or decrement would overflow");
  }
  Element::Digits digits;
  SetNumber(call, entry, Element(value).Text(&digits), "hincrby");
  call.reply.Integer(value);
}

void HIncrByFloat(Call& call) {
  const auto increment = protocol::ParseLongDouble(call.args[3]);
  if (!increment) return call.reply.Error(protocol::kNotFloatError);
  if (std::isnan(*increment) || std::isinf(*increment)) {
    return call.reply.Error("ERR value is NaN or Infinity");
  }
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kHash, &entry)) return;
  long double sum = *increment;
  if (const std::optional<Element> old = ValueOf(call, entry, call.args[2])) {
    Element::Digits digits;
    const auto value = protocol::ParseLongDouble(old->Text(&digits));
    if (!value) return call.reply.Error("ERR hash value is not a float");
    sum += *value;
  }
  if (std::isnan(sum) || std::isinf(sum)) {
    return call.reply.Error("ERR increment would produce NaN or Infinity");
  }
  const std::string text = protocol::FormatHumanLongDouble(sum);
  SetNumber(call, entry, text, "hincrbyfloat");
  call.reply.Bulk(text);
}

void HRandField(Call& call) {
  PickArguments pick;
  if (!ReadPickArguments(call, "WITHVALUES", &pick)) return;
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kHash, &entry)) return;
  if (entry == nullptr) return pick.has_count ? call.reply.Array(0) : call.reply.Null();
  if (pick.count == 0) return call.reply.Array(0);
  const HashValue hash(entry->object());
  const size_t size = hash.size();
  const size_t count = pick.repeat ? pick.count : std::min(pick.count, size);
  const bool nested = pick.with_values && call.reply.resp() >= 3;
  if (pick.has_count) call.reply.Array(pick.with_values && !nested ? count * 2 : count);
  using Item = std::pair<Element, Element>;
  PickRandomly<Item>(
      pick, size, hash.IsPacked(), call.context.random,
      [&hash](std::vector<Item>* items) {
        hash.ForEach([items](const Element& f, const Element& v) { items->emplace_back(f, v); });
      },
      [&hash](uint64_t random) { return hash.Random(random); },
      [](const Item& item) { return static_cast<const void*>(item.first.bytes().data()); },
      [&](const Item& item) {
        if (nested) call.reply.Array(2);
        item.first.Reply(&call.reply);
        if (pick.with_values) item.second.Reply(&call.reply);
      });
}

void HScan(Call& call) {
  ScanContainer<HashValue>(call, Type::kHash, [](const HashValue& hash, uint64_t cursor, auto add) {
    return hash.Scan(cursor, [&add](const Element& field, const Element& value) {
      add(field, [&value](protocol::ReplyWriter* out) { value.Reply(out); });
    });
  });
}

}  // namespace

void RegisterHashCommands(HandlerMap* handlers) {
  handlers->insert({{"hset", HSet},
                    {"hmset", HMSet},
                    {"hsetnx", HSetNx},
                    {"hget", HGet},
                    {"hmget", HMGet},
                    {"hexists", HExists},
                    {"hstrlen", HStrLen},
                    {"hlen", HLen},
                    {"hgetall", HGetAll},
                    {"hkeys", HKeys},
                    {"hvals", HVals},
                    {"hdel", HDel},
                    {"hincrby", HIncrBy},
                    {"hincrbyfloat", HIncrByFloat},
                    {"hrandfield", HRandField},
                    {"hscan", HScan}});
}

}  // namespace understudy::targets::kv
