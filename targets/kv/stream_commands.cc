// Commands on the entries of streams; those on groups are in stream_group_commands.cc.
#include <algorithm>
#include <string>
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/stream_arguments.h"

namespace understudy::targets::kv {
namespace {

using protocol::EqualsIgnoreCase;

// The id of a new entry behind `last`, as "*", "ms-*" or "ms-sequence" asks for it. False, with the
// error written, if there can't be one.
bool ChooseId(Call& call, std::string_view text, const StreamId& last, StreamId* id) {
  bool sequence_given = true;
  *id = last;
  bool good;
  if (text == "*") {
    const StreamId now{static_cast<uint64_t>(call.context.now_ms), 0};
    if (now.ms > last.ms) *id = now;
    good = now.ms > last.ms || id->Increment();
  } else if (!ReadStreamId(call, text, id, &sequence_given)) {
    return false;
  } else if (!sequence_given && id->ms == last.ms) {
    good = last.sequence != UINT64_MAX;
    id->sequence = last.sequence + 1;
  } else {
    good = *id > last;
  }
  if (good) return true;
  call.reply.Error(
      "ERR The ID specified in XADD is equal or smaller than the target stream top item");
  return false;
}

void XAdd(Call& call) {
  TrimArguments arguments;
  if (!ReadTrimArguments(call, true, &arguments)) return;
  const size_t first_field = arguments.next + 1;
  if (first_field >= call.args.size() || (call.args.size() - first_field) % 2 != 0) {
    return call.reply.Error(protocol::CommandTable::ArityError(*call.request.command));
  }
  const std::string_view key = call.args[1], id_text = call.args[arguments.next];
  const auto fields = call.args.subspan(first_field);
  StreamId id;
  bool sequence_given;
  if (StreamId::Parse(id_text, 0, &id, &sequence_given) && sequence_given && id.IsZero()) {
    return call.reply.Error("ERR The ID specified in XADD must be greater than 0-0");
  }
  const Entry* entry;
  if (!call.FindForWrite(key, Type::kStream, &entry)) return;
  if (entry == nullptr && !arguments.make_stream) return call.reply.Null();
  const StreamId last = entry != nullptr ? StreamOf(entry).last_id : StreamId();
  if (last == StreamId::Greatest()) {
    return call.reply.Error(
        "ERR The stream has exhausted the last possible ID, unable to add more items");
  }
  if (!ChooseId(call, id_text, last, &id)) return;
  size_t bytes = 0;
  for (std::string_view text : fields) bytes += text.size();
  if (bytes > Stream::kMaxEntryBytes) {
    return call.reply.Error("ERR Elements are too large to be stored");
  }
  call.keyspace.AppendEntry(call.context, call.db, key, entry, id, fields);
  ReplyStreamId(call, id);
  if (arguments.trim.by == StreamTrim::By::kNothing) return;
  entry = call.FindForWrite(key);
  const uint64_t count = StreamOf(entry).CountToTrim(arguments.trim);
  if (count > 0) call.keyspace.TrimStream(call.context, call.db, entry, count);
}

void XTrim(Call& call) {
  TrimArguments arguments;
  if (!ReadTrimArguments(call, false, &arguments)) return;
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kStream, &entry)) return;
  const uint64_t count = entry == nullptr ? 0 : StreamOf(entry).CountToTrim(arguments.trim);
  if (count > 0) call.keyspace.TrimStream(call.context, call.db, entry, count);
  call.reply.Integer(static_cast<int64_t>(count));
}

void XLen(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kStream, &entry)) return;
  call.reply.Integer(entry == nullptr ? 0 : static_cast<int64_t>(StreamOf(entry).length()));
}

void ReplyRange(Call& call, bool reverse) {
  const auto args = call.args;
  StreamId first, last;
  if (!ReadRangeStart(call, args[reverse ? 3 : 2], &first) ||
      !ReadRangeEnd(call, args[reverse ? 2 : 3], &last)) {
    return;
  }
  int64_t count = -1;  // all
  for (size_t i = 4; i < args.size(); i += 2) {
    if (!EqualsIgnoreCase(args[i], "COUNT") || i + 1 == args.size()) {
      return call.reply.Error(protocol::kSyntaxError);
    }
    if (!call.ReadInteger(args[i + 1], &count)) return;
    count = std::max<int64_t>(count, 0);
  }
  const Entry* entry;
  if (!call.Find(args[1], Type::kStream, &entry)) return;
  if (entry == nullptr) return call.reply.Array(0);
  if (count == 0) return call.reply.NullArray();
  ReplyStreamRange(call, StreamOf(entry), first, last, static_cast<uint64_t>(count), reverse);
}
void XRange(Call& call) { ReplyRange(call, false); }
void XRevRange(Call& call) { ReplyRange(call, true); }

void XDel(Call& call) {
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kStream, &entry)) return;
  if (entry == nullptr) return call.reply.Integer(0);
  std::vector<StreamId> ids;
  if (!ReadStreamIds(call, call.args.subspan(2), &ids)) return;
  const size_t removed = call.keyspace.RemoveEntries(call.context, call.db, entry, ids);
  call.reply.Integer(static_cast<int64_t>(removed));
}

struct SetIdArguments {
  StreamId last_id;
  StreamId max_deleted_id;     // 0-0: as it was
  int64_t entries_added = -1;  // the same
};

bool ReadSetIdArguments(Call& call, SetIdArguments* arguments) {
  const auto args = call.args;
  const auto refuse = [&call](std::string_view error) {
    call.reply.Error(error);
    return false;
  };
  if (!ReadStreamId(call, args[2], &arguments->last_id)) return false;
  for (size_t i = 3; i < args.size(); i += 2) {
    const bool more = i + 1 < args.size();
    if (more && EqualsIgnoreCase(args[i], "ENTRIESADDED")) {
      if (!call.ReadInteger(args[i + 1], &arguments->entries_added)) return false;
      if (arguments->entries_added < 0) return refuse("ERR entries_added must be positive");
    } else if (more && EqualsIgnoreCase(args[i], "MAXDELETEDID")) {
      if (!ReadStreamId(call, args[i + 1], &arguments->max_deleted_id)) return false;
      if (arguments->last_id < arguments->max_deleted_id) {
        return refuse(
            "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
      }
    } else {
      return refuse(protocol::kSyntaxError);
    }
  }
  return true;
}

void XSetId(Call& call) {
  SetIdArguments arguments;
  if (!ReadSetIdArguments(call, &arguments)) return;
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kStream, &entry)) return;
  if (entry == nullptr) return call.reply.Error(protocol::kNoSuchKeyError);
  const Stream& stream = StreamOf(entry);
  if (arguments.last_id < stream.max_deleted_id) {
    return call.reply.Error(
        "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
  }
  if (stream.length() > 0) {
    if (arguments.last_id < stream.LastLiveId()) {
      return call.reply.Error(
          "ERR The ID specified in XSETID is smaller than the target stream top item");
    }
    if (arguments.entries_added != -1 &&
        stream.length() > static_cast<uint64_t>(arguments.entries_added)) {
      return call.reply.Error(
          "ERR The entries_added specified in XSETID is smaller than the target stream length");
    }
  }
  call.keyspace.SetStreamId(
      call.context, call.db, entry, arguments.last_id,
      arguments.entries_added == -1 ? stream.entries_added
                                    : static_cast<uint64_t>(arguments.entries_added),
      arguments.max_deleted_id.IsZero() ? stream.max_deleted_id : arguments.max_deleted_id);
  call.reply.Ok();
}

}  // namespace

void RegisterStreamCommands(HandlerMap* handlers) {
  handlers->insert({{"xadd", XAdd},
                    {"xtrim", XTrim},
                    {"xlen", XLen},
                    {"xrange", XRange},
                    {"xrevrange", XRevRange},
                    {"xdel", XDel},
                    {"xsetid", XSetId}});
}

}  // namespace understudy::targets::kv
