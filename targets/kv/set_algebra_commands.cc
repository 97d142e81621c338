// Commands on several sets: SINTER, SUNION, SDIFF, their STORE forms, SINTERCARD.
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/set_algebra.h"

namespace understudy::targets::kv {
namespace {

using Keys = std::span<const std::string_view>;

// The sets of some keys; false, with the error written, if one isn't a set.
bool FindSets(Call& call, Keys keys, std::vector<OptionalSet>* sets) {
  for (std::string_view key : keys) {
    const Entry* entry;
    if (!call.Find(key, Type::kSet, &entry)) return false;
    sets->push_back(entry == nullptr ? OptionalSet() : SetValue(entry->object()));
  }
  return true;
}

void ReplyCombined(Call& call, SetOperation operation) {
  std::vector<OptionalSet> sets;
  if (!FindSets(call, call.args.subspan(1), &sets)) return;
  const SetValue result = Combine(operation, sets, call.keyspace.forms());
  call.reply.Set(result.size());
  result.ForEach([&call](const Element& member) { member.Reply(&call.reply); });
  Free(Type::kSet, result.object());
}

void SInter(Call& call) {
  std::vector<OptionalSet> sets;
  if (!FindSets(call, call.args.subspan(1), &sets)) return;
  const size_t header = call.reply.DeferHeader();
  size_t count = 0;
  ForEachInIntersection(sets, call.keyspace.forms(), [&](const Element& member) {
    member.Reply(&call.reply);
    ++count;
    return true;
  });
  call.reply.FinishSet(header, count);
}
void SUnion(Call& call) { ReplyCombined(call, SetOperation::kUnion); }
void SDiff(Call& call) { ReplyCombined(call, SetOperation::kDifference); }

void StoreCombined(Call& call, SetOperation operation) {
  std::vector<OptionalSet> sets;
  const Keys keys = call.args.subspan(2);
  if (!FindSets(call, keys, &sets)) return;
  call.FindForWrite(call.args[1]);
  const size_t size = call.keyspace.StoreSets(call.context, call.db, call.args[1], operation, keys);
  call.reply.Integer(static_cast<int64_t>(size));
}
void SInterStore(Call& call) { StoreCombined(call, SetOperation::kIntersection); }
void SUnionStore(Call& call) { StoreCombined(call, SetOperation::kUnion); }
void SDiffStore(Call& call) { StoreCombined(call, SetOperation::kDifference); }

void SInterCard(Call& call) {
  const auto args = call.args;
  int64_t key_count;
  if (!call.ReadBetween(args[1], 1, INT64_MAX, &key_count,
                        "ERR numkeys should be greater than 0")) {
    return;
  }
  if (static_cast<uint64_t>(key_count) > args.size() - 2) {
    return call.reply.Error("ERR Number of keys can't be greater than number of args");
  }
  const auto keys = static_cast<size_t>(key_count);
  int64_t limit = 0;
  for (size_t i = 2 + keys; i < args.size(); i += 2) {
    if (!protocol::EqualsIgnoreCase(args[i], "LIMIT") || i + 1 >= args.size()) {
      return call.reply.Error(protocol::kSyntaxError);
    }
    if (!call.ReadPositive(args[i + 1], &limit, "ERR LIMIT can't be negative")) return;
  }
  std::vector<OptionalSet> sets;
  if (!FindSets(call, args.subspan(2, keys), &sets)) return;
  int64_t count = 0;
  ForEachInIntersection(sets, call.keyspace.forms(),
                        [&](const Element&) { return ++count != limit; });
  call.reply.Integer(count);
}

}  // namespace

void RegisterSetAlgebraCommands(HandlerMap* handlers) {
  handlers->insert({{"sinter", SInter},
                    {"sunion", SUnion},
                    {"sdiff", SDiff},
                    {"sinterstore", SInterStore},
                    {"sunionstore", SUnionStore},
                    {"sdiffstore", SDiffStore},
                    {"sintercard", SInterCard}});
}

}  // namespace understudy::targets::kv
