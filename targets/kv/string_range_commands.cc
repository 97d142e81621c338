// Parts of strings: APPEND, STRLEN, GETRANGE, SETRANGE.
#include <algorithm>

#include "targets/kv/commands.h"

namespace understudy::targets::kv {
namespace {

void Append(Call& call) {
  const std::string_view key = call.args[1], tail = call.args[2];
  const Entry* entry = call.FindForWrite(key);
  if (!call.IsStringOrMissing(entry)) return;
  if (entry != nullptr && !call.IsAllowedSize(entry->TextSize(), tail.size())) return;
  call.reply.Integer(static_cast<int64_t>(call.keyspace.Append(call.context, call.db, key, tail)));
}

void StrLen(Call& call) {
  const Entry* entry = call.Find(call.args[1]);
  if (!call.IsStringOrMissing(entry)) return;
  call.reply.Integer(entry == nullptr ? 0 : static_cast<int64_t>(entry->TextSize()));
}

void GetRange(Call& call) {
  int64_t start, end;
  if (!call.ReadInteger(call.args[2], &start) || !call.ReadInteger(call.args[3], &end)) return;
  const Entry* entry = call.Find(call.args[1]);
  if (!call.IsStringOrMissing(entry)) return;
  Entry::Digits digits;
  const std::string_view text = entry == nullptr ? std::string_view() : entry->Text(&digits);
  const auto size = static_cast<int64_t>(text.size());
  if (start < 0 && end < 0 && start > end) return call.reply.Bulk({});
  if (start < 0) start = std::max<int64_t>(start + size, 0);
  if (end < 0) end = std::max<int64_t>(end + size, 0);
  end = std::min(end, size - 1);
  if (start > end || size == 0) return call.reply.Bulk({});
  call.reply.Bulk(text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start + 1)));
}

void SetRange(Call& call) {
  const std::string_view key = call.args[1], bytes = call.args[3];
  int64_t offset;
  if (!call.ReadInteger(call.args[2], &offset)) return;
  if (offset < 0) return call.reply.Error("ERR offset is out of range");
  const Entry* entry = call.FindForWrite(key);
  if (!call.IsStringOrMissing(entry)) return;
  if (bytes.empty()) {
    return call.reply.Integer(entry == nullptr ? 0 : static_cast<int64_t>(entry->TextSize()));
  }
  if (!call.IsAllowedSize(static_cast<size_t>(offset), bytes.size())) return;
  call.reply.Integer(static_cast<int64_t>(
      call.keyspace.SetRange(call.context, call.db, key, static_cast<size_t>(offset), bytes)));
}

}  // namespace

void RegisterStringRangeCommands(HandlerMap* handlers) {
  handlers->insert({{"append", Append},
                    {"strlen", StrLen},
                    {"getrange", GetRange},
                    {"substr", GetRange},
                    {"setrange", SetRange}});
}

}  // namespace understudy::targets::kv
