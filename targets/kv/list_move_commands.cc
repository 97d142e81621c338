// Commands that move elements between lists, or take them off the first of several: LMOVE,
// RPOPLPUSH, LMPOP.
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

void MoveElement(Call& call, End from_end, End to_end) {
  const std::string_view from = call.args[1], to = call.args[2];
  const Entry* source;
  if (!call.FindForWrite(from, Type::kList, &source)) return;
  if (source == nullptr) return call.reply.Null();
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

void LMPop(Call& call) {
  PopArguments pop;
  if (!ReadPopArguments(call, "LEFT", "RIGHT", &pop)) return;
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
  call.reply.NullArray();
}

}  // namespace

void RegisterListMoveCommands(HandlerMap* handlers) {
  handlers->insert({{"lmove", LMove}, {"rpoplpush", RPopLPush}, {"lmpop", LMPop}});
}

}  // namespace understudy::targets::kv
