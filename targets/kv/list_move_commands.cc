// Commands that move elements between lists, or take them off the first of several: LMOVE,
// RPOPLPUSH, LMPOP; and those that wait for elements: BLPOP, BRPOP, BLMOVE, BRPOPLPUSH, BLMPOP.
#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/container_arguments.h"
#include "targets/kv/list_value.h"

namespace understudy::targets::kv {
namespace {

using End = ListValue::End;
using protocol::EqualsIgnoreCase;

bool ReadEnd(std::string_view text, End* end) {
  if (EqualsIgnoreCase(text, "LEFT")) {
    *end = End::kFront;
  } else if (EqualsIgnoreCase(text, "RIGHT")) {
    *end = End::kBack;
  } else {
    return false;
  }
  return true;
}

// `timeout_ms`: how long to wait for an element (0: for ever); none: not at all.
void MoveElement(Call& call, End from_end, End to_end,
                 std::optional<int64_t> timeout_ms = std::nullopt) {
  const std::string_view from = call.args[1], to = call.args[2];
  const Entry* source;
  if (!call.FindForWrite(from, Type::kList, &source)) return;
  if (source == nullptr) {
    const bool waits = timeout_ms && call.WaitFor({&from, 1}, Type::kList, *timeout_ms);
    if (!waits) call.reply.Null();
    return;
  }
  const Entry* target;
  if (!call.FindForWrite(to, Type::kList, &target)) return;
  const ListValue list(source->object());
  Element::Digits digits;
  const std::string value(list.At(from_end == End::kFront ? 0 : list.size() - 1).Text(&digits));
  // Pushed first, so that a list of one element that is moved to itself isn't empty in between.
  const std::string_view view = value;
  call.keyspace.PushList(call.context, call.db, to, target, to_end, {&view, 1});
  call.keyspace.PopList(call.context, call.db, source, from_end, 1);
  call.reply.Bulk(value);
}

void LMove(Call& call) {
  End from_end, to_end;
  if (!ReadEnd(call.args[3], &from_end) || !ReadEnd(call.args[4], &to_end)) {
    return call.reply.Error(protocol::kSyntaxError);
  }
  MoveElement(call, from_end, to_end);
}

void RPopLPush(Call& call) { MoveElement(call, End::kBack, End::kFront); }

void BLMove(Call& call) {
  End from_end, to_end;
  if (!ReadEnd(call.args[3], &from_end) || !ReadEnd(call.args[4], &to_end)) {
    return call.reply.Error(protocol::kSyntaxError);
  }
  int64_t timeout_ms;
  if (!call.ReadTimeout(call.args[5], Call::Unit::kSeconds, &timeout_ms)) return;
  MoveElement(call, from_end, to_end, timeout_ms);
}

void BRPopLPush(Call& call) {
  int64_t timeout_ms;
  if (!call.ReadTimeout(call.args[3], Call::Unit::kSeconds, &timeout_ms)) return;
  MoveElement(call, End::kBack, End::kFront, timeout_ms);
}

void BlockingPop(Call& call, End end) {
  int64_t timeout_ms;
  if (!call.ReadTimeout(call.args.back(), Call::Unit::kSeconds, &timeout_ms)) return;
  const auto keys = call.args.subspan(1, call.args.size() - 2);
  for (std::string_view key : keys) {
    const Entry* entry;
    if (!call.FindForWrite(key, Type::kList, &entry)) return;
    if (entry == nullptr) continue;
    call.reply.Array(2);
    call.reply.Bulk(key);
    ReplyEndOfList(call, *entry, end, 1);
    return call.keyspace.PopList(call.context, call.db, entry, end, 1);
  }
  if (!call.WaitFor(keys, Type::kList, timeout_ms)) call.reply.NullArray();
}
void BLPop(Call& call) { BlockingPop(call, End::kFront); }
void BRPop(Call& call) { BlockingPop(call, End::kBack); }

// The arguments begin at args[first]; `timeout_ms` as in MoveElement().
void PopFromFirst(Call& call, size_t first, std::optional<int64_t> timeout_ms) {
  PopArguments pop;
  if (!ReadPopArguments(call, "LEFT", "RIGHT", &pop, first)) return;
  const End end = pop.first ? End::kFront : End::kBack;
  for (std::string_view key : pop.keys) {
    const Entry* entry;
    if (!call.FindForWrite(key, Type::kList, &entry)) return;
    if (entry == nullptr) continue;
    const size_t count = std::min(pop.count, ListValue(entry->object()).size());
    call.reply.Array(2);
    call.reply.Bulk(key);
    call.reply.Array(count);
    ReplyEndOfList(call, *entry, end, count);
    return call.keyspace.PopList(call.context, call.db, entry, end, count);
  }
  const bool waits = timeout_ms && call.WaitFor(pop.keys, Type::kList, *timeout_ms);
  if (!waits) call.reply.NullArray();
}

void LMPop(Call& call) { PopFromFirst(call, 1, std::nullopt); }

void BLMPop(Call& call) {
  int64_t timeout_ms;
  if (!call.ReadTimeout(call.args[1], Call::Unit::kSeconds, &timeout_ms)) return;
  PopFromFirst(call, 2, timeout_ms);
}

}  // namespace

void RegisterListMoveCommands(HandlerMap* handlers) {
  handlers->insert({{"lmove", LMove},
                    {"rpoplpush", RPopLPush},
                    {"lmpop", LMPop},
                    {"blpop", BLPop},
                    {"brpop", BRPop},
                    {"blmove", BLMove},
                    {"brpoplpush", BRPopLPush},
                    {"blmpop", BLMPop}});
}

}  // namespace understudy::targets::kv
