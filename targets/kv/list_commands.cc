// Commands on lists, but for those that move elements between keys (list_move_commands.cc).
#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/container_arguments.h"
#include "targets/kv/list_value.h"

namespace understudy::targets::kv {
namespace {

using End = ListValue::End;
using protocol::EqualsIgnoreCase;

void Push(Call& call, End end, bool only_if_there) {
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kList, &entry)) return;
  if (entry == nullptr && only_if_there) return call.reply.Integer(0);
  const size_t size =
      call.keyspace.PushList(call.context, call.db, call.args[1], entry, end, call.args.subspan(2));
  call.reply.Integer(static_cast<int64_t>(size));
}
void LPush(Call& call) { Push(call, End::kFront, false); }
void RPush(Call& call) { Push(call, End::kBack, false); }
void LPushX(Call& call) { Push(call, End::kFront, true); }
void RPushX(Call& call) { Push(call, End::kBack, true); }

void Pop(Call& call, End end) {
  if (call.args.size() > 3) {
    return call.reply.Error(protocol::CommandTable::ArityError(*call.request.command));
  }
  const bool has_count = call.args.size() == 3;
  int64_t count = 1;
  if (has_count && !call.ReadPositive(call.args[2], &count)) return;
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kList, &entry)) return;
  if (entry == nullptr) return has_count ? call.reply.NullArray() : call.reply.Null();
  if (count == 0) return call.reply.Array(0);
  const size_t popped = std::min(static_cast<size_t>(count), ListValue(entry->object()).size());
  if (has_count) call.reply.Array(popped);
  ReplyEndOfList(call, *entry, end, popped);
  call.keyspace.PopList(call.context, call.db, entry, end, popped);
}
void LPop(Call& call) { Pop(call, End::kFront); }
void RPop(Call& call) { Pop(call, End::kBack); }

void LLen(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kList, &entry)) return;
  call.reply.Integer(entry == nullptr ? 0
                                      : static_cast<int64_t>(ListValue(entry->object()).size()));
}

// An index from an end as one from the front; false if it is out of range.
bool ToIndex(int64_t index, size_t size, size_t* result) {
  const auto signed_size = static_cast<int64_t>(size);
  if (index < 0) index += signed_size;
  *result = static_cast<size_t>(index);
  return index >= 0 && index < signed_size;
}

void LIndex(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kList, &entry)) return;
  if (entry == nullptr) return call.reply.Null();
  int64_t index;
  if (!call.ReadInteger(call.args[2], &index)) return;
  const ListValue list(entry->object());
  size_t at;
  if (!ToIndex(index, list.size(), &at)) return call.reply.Null();
  list.At(at).Reply(&call.reply);
}

void LSet(Call& call) {
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kList, &entry)) return;
  if (entry == nullptr) return call.reply.Error(protocol::kNoSuchKeyError);
  int64_t index;
  if (!call.ReadInteger(call.args[2], &index)) return;
  size_t at;
  if (!ToIndex(index, ListValue(entry->object()).size(), &at)) {
    return call.reply.Error(protocol::kOutOfRangeError);
  }
  call.keyspace.SetInList(call.context, call.db, entry, at, call.args[3]);
  call.reply.Ok();
}

void LInsert(Call& call) {
  const bool after = EqualsIgnoreCase(call.args[2], "AFTER");
  if (!after && !EqualsIgnoreCase(call.args[2], "BEFORE")) {
    return call.reply.Error(protocol::kSyntaxError);
  }
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kList, &entry)) return;
  if (entry == nullptr) return call.reply.Integer(0);
  const ListValue list(entry->object());
  const Element pivot(call.args[3]);
  const size_t size = list.size();
  size_t at = size;
  list.ForEachEqual(pivot, End::kBack, 0, [&at](size_t index) {
    at = index;
    return false;
  });
  if (at == size) return call.reply.Integer(-1);
  call.keyspace.InsertInList(call.context, call.db, entry, after ? at + 1 : at, call.args[4]);
  call.reply.Integer(static_cast<int64_t>(size + 1));
}

void LRange(Call& call) {
  int64_t start, stop;
  if (!call.ReadInteger(call.args[2], &start) || !call.ReadInteger(call.args[3], &stop)) return;
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kList, &entry)) return;
  if (entry == nullptr) return call.reply.Array(0);
  const ListValue list(entry->object());
  const IndexRange range = ToRange(start, stop, list.size());
  call.reply.Array(range.count);
  if (range.count == 0) return;
  size_t left = range.count;
  list.ForEach(range.first, End::kBack, [&](size_t, const Element& element) {
    element.Reply(&call.reply);
    return --left > 0;
  });
}

void LRem(Call& call) {
  int64_t count;
  if (!call.ReadInteger(call.args[2], &count)) return;
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kList, &entry)) return;
  if (entry == nullptr) return call.reply.Integer(0);
  const size_t removed =
      call.keyspace.RemoveFromList(call.context, call.db, entry, count, call.args[3]);
  call.reply.Integer(static_cast<int64_t>(removed));
}

void LTrim(Call& call) {
  int64_t start, stop;
  if (!call.ReadInteger(call.args[2], &start) || !call.ReadInteger(call.args[3], &stop)) return;
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kList, &entry)) return;
  if (entry != nullptr) {
    const size_t size = ListValue(entry->object()).size();
    const IndexRange range = ToRange(start, stop, size);
    if (range.count < size) {
      call.keyspace.TrimList(call.context, call.db, entry, range.first, range.count);
    }
  }
  call.reply.Ok();
}

struct PositionOptions {
  int64_t rank = 1;
  std::optional<int64_t> count = {};
  int64_t max_length = 0;
};

bool ReadPositionOptions(Call& call, PositionOptions* options) {
  const auto args = call.args;
  for (size_t i = 3; i < args.size(); i += 2) {
    const bool has_value = i + 1 < args.size();
    if (has_value && EqualsIgnoreCase(args[i], "RANK")) {
      if (!call.ReadBetween(args[i + 1], -INT64_MAX, INT64_MAX, &options->rank)) return false;
      if (options->rank == 0) {
        call.reply.Error(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
            "or use negative to start from the end of the list");
        return false;
      }
    } else if (has_value && EqualsIgnoreCase(args[i], "COUNT")) {
      options->count.emplace();
      if (!call.ReadPositive(args[i + 1], &*options->count, "ERR COUNT can't be negative")) {
        return false;
      }
    } else if (has_value && EqualsIgnoreCase(args[i], "MAXLEN")) {
      if (!call.ReadPositive(args[i + 1], &options->max_length, "ERR MAXLEN can't be negative")) {
        return false;
      }
    } else {
      call.reply.Error(protocol::kSyntaxError);
      return false;
    }
  }
  return true;
}

void LPos(Call& call) {
  PositionOptions options;
  if (!ReadPositionOptions(call, &options)) return;
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kList, &entry)) return;
  if (entry == nullptr) return options.count ? call.reply.Array(0) : call.reply.Null();
  const ListValue list(entry->object());
  const int64_t skipped = std::abs(options.rank) - 1;
  const size_t header = call.reply.DeferHeader();
  int64_t matches = 0;
  size_t found = 0;
  list.ForEachEqual(Element(call.args[2]), options.rank > 0 ? End::kBack : End::kFront,
                    static_cast<size_t>(options.max_length), [&](size_t index) {
                      if (++matches <= skipped) return true;
                      ++found;
                      call.reply.Integer(static_cast<int64_t>(index));
                      return options.count &&
                             (*options.count == 0 || matches - skipped < *options.count);
                    });
  if (options.count) {
    call.reply.FinishArray(header, found);
  } else if (found == 0) {
    call.reply.Null();
  }
}

}  // namespace

void ReplyEndOfList(Call& call, const Entry& entry, End end, size_t count) {
  const ListValue list(entry.object());
  const bool front = end == End::kFront;
  list.ForEach(front ? 0 : list.size() - 1, front ? End::kBack : End::kFront,
               [&](size_t, const Element& element) {
                 element.Reply(&call.reply);
                 return --count > 0;
               });
}

void RegisterListCommands(HandlerMap* handlers) {
  handlers->insert({{"lpush", LPush},
                    {"rpush", RPush},
                    {"lpushx", LPushX},
                    {"rpushx", RPushX},
                    {"lpop", LPop},
                    {"rpop", RPop},
                    {"llen", LLen},
                    {"lindex", LIndex},
                    {"lset", LSet},
                    {"linsert", LInsert},
                    {"lrange", LRange},
                    {"lrem", LRem},
                    {"ltrim", LTrim},
                    {"lpos", LPos}});
}

}  // namespace understudy::targets::kv
