// XREAD and XREADGROUP.
#include <algorithm>
#include <string>
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/stream_arguments.h"

namespace understudy::targets::kv {
namespace {

using protocol::EqualsIgnoreCase;

struct ReadArguments {
  int64_t block_ms = -1;        // -1: doesn't wait
  uint64_t count = UINT64_MAX;  // of entries of each stream
  bool of_group = false;
  std::string_view group, consumer;
  bool acknowledged = false;  // NOACK
  std::span<const std::string_view> keys, ids;
};

bool Refuse(Call& call, std::string_view error) {
  call.reply.Error(error);
  return false;
}

bool ReadTimeout(Call& call, std::string_view text, int64_t* timeout_ms) {
  if (!call.ReadInteger(text, timeout_ms, "ERR timeout is not an integer or out of range")) {
    return false;
  }
  return *timeout_ms >= 0 || Refuse(call, "ERR timeout is negative");
}

// Takes the keys and ids behind STREAMS.
bool ReadStreams(Call& call, size_t first, ReadArguments* arguments) {
  const auto rest = call.args.subspan(first);
  if (rest.size() % 2 != 0) {
    return Refuse(call, "ERR Unbalanced '" + call.request.command->full_name +
                            "' list of streams: for each stream key an ID or '" +
                            (arguments->of_group ? ">" : "$") + "' must be specified.");
  }
  arguments->keys = rest.first(rest.size() / 2);
  arguments->ids = rest.subspan(rest.size() / 2);
  return true;
}

bool ReadOptions(Call& call, ReadArguments* arguments) {
  const auto args = call.args;
  bool has_group = false;
  for (size_t i = 1; i < args.size(); ++i) {
    const std::string_view word = args[i];
    const size_t more = args.size() - i - 1;
    if (more > 0 && EqualsIgnoreCase(word, "BLOCK")) {
      if (!ReadTimeout(call, args[++i], &arguments->block_ms)) return false;
    } else if (more > 0 && EqualsIgnoreCase(word, "COUNT")) {
      int64_t count;
      if (!call.ReadInteger(args[++i], &count)) return false;
      arguments->count = count <= 0 ? UINT64_MAX : static_cast<uint64_t>(count);
    } else if (more > 0 && EqualsIgnoreCase(word, "STREAMS")) {
      if (!ReadStreams(call, i + 1, arguments)) return false;
      break;
    } else if (more > 1 && EqualsIgnoreCase(word, "GROUP")) {
      if (!arguments->of_group) {
        return Refuse(call,
                      "ERR The GROUP option is only supported by XREADGROUP. You called XREAD "
                      "instead.");
      }
      has_group = true;
      arguments->group = args[i + 1];
      arguments->consumer = args[i + 2];
      i += 2;
    } else if (EqualsIgnoreCase(word, "NOACK")) {
      if (!arguments->of_group) {
        return Refuse(call,
                      "ERR The NOACK option is only supported by XREADGROUP. You called XREAD "
                      "instead.");
      }
      arguments->acknowledged = true;
    } else {
      return Refuse(call, protocol::kSyntaxError);
    }
  }
  if (arguments->keys.empty()) return Refuse(call, protocol::kSyntaxError);
  if (arguments->of_group && !has_group) {
    return Refuse(call, "ERR Missing GROUP option for XREADGROUP");
  }
  return true;
}

// Reads the id behind which entries of a stream are wanted; of a group the greatest id stands for
// those it hasn't been given. False, with the error written, if it is none.
bool ReadFrom(Call& call, const ReadArguments& arguments, size_t index, StreamId* id) {
  const std::string_view key = arguments.keys[index], text = arguments.ids[index];
  const Entry* entry;
  if (!call.Find(key, Type::kStream, &entry)) return false;
  if (arguments.of_group &&
      (entry == nullptr || StreamOf(entry).FindGroup(arguments.group) == nullptr)) {
    ReplyNoGroup(call, key, arguments.group, " in XREADGROUP with GROUP option");
    return false;
  }
  if (text == "$") {
    if (arguments.of_group) {
      return Refuse(call,
                    "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read "
                    "the history of this consumer by specifying a proper ID, or use the > ID to "
                    "get new messages. The $ ID would just return an empty result set.");
    }
    *id = entry != nullptr ? StreamOf(entry).last_id : StreamId();
    return true;
  }
  if (text == ">") {
    if (!arguments.of_group) {
      return Refuse(call,
                    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP "
                    "<group> <consumer> option.");
    }
    *id = StreamId::Greatest();
    return true;
  }
  return ReadStreamId(call, text, id);
}

// The reply: an array, or a map, of the streams that have something.
class StreamsReply {
 public:
  explicit StreamsReply(Call* call) : call_(*call), header_(call->reply.DeferHeader()) {}
  void Begin(std::string_view key) {
    ++count_;
    if (call_.reply.resp() < 3) call_.reply.Array(2);
    call_.reply.Bulk(key);
  }
  // False, with nothing written, if there was none.
  bool End() {
    if (count_ == 0) return false;
    call_.reply.resp() < 3 ? call_.reply.FinishArray(header_, count_)
                           : call_.reply.FinishMap(header_, count_);
    return true;
  }

 private:
  Call& call_;
  const size_t header_;
  size_t count_ = 0;
};

void ReplyNew(Call& call, std::string_view key, StreamId from, uint64_t count,
              StreamsReply* streams) {
  const Entry* entry = call.Find(key);
  if (entry == nullptr || StreamOf(entry).length() == 0) return;
  const Stream& stream = StreamOf(entry);
  if (stream.LastLiveId() <= from || !from.Increment()) return;
  streams->Begin(key);
  ReplyStreamRange(call, stream, from, StreamId::Greatest(), count);
}

// What a consumer gets of a stream.
void ReplyToConsumer(Call& call, const ReadArguments& arguments, std::string_view key,
                     StreamId from, StreamsReply* streams) {
  const Entry* entry = call.Find(key);
  const Stream& stream = StreamOf(entry);
  const bool again = from != StreamId::Greatest();
  const bool any = again || (stream.length() > 0 &&
                             stream.LastLiveId() > stream.FindGroup(arguments.group)->last_id);
  size_t header = 0;
  if (any) {
    streams->Begin(key);
    header = call.reply.DeferHeader();
  }
  size_t written;
  if (again) {
    from.Increment();
    written = call.keyspace.DeliverAgain(
        call.context, call.db, entry, arguments.group, arguments.consumer, call.context.now_ms,
        from, arguments.count, [&call](const StreamId& id, const StreamEntry* each) {
          if (each != nullptr) return ReplyStreamEntry(call, *each);
          call.reply.Array(2);
          ReplyStreamId(call, id);
          call.reply.NullArray();
        });
  } else {
    // Without entries the consumer is seen all the same.
    written = call.keyspace.DeliverEntries(
        call.context, call.db, entry, arguments.group, arguments.consumer, call.context.now_ms,
        arguments.acknowledged, any ? arguments.count : 0,
        [&call](const StreamEntry& each) { ReplyStreamEntry(call, each); });
  }
  if (any) call.reply.FinishArray(header, written);
}

// Whether there is something to reply: entries behind these ids, or (even if it is none) what a
// consumer was given before.
bool FindsSomething(Call& call, const ReadArguments& arguments, std::span<const StreamId> from) {
  for (size_t i = 0; i < from.size(); ++i) {
    const Entry* entry = call.Find(arguments.keys[i], Keyspace::Use::kDontCount);
    if (arguments.of_group && from[i] != StreamId::Greatest()) return true;
    if (entry == nullptr || StreamOf(entry).length() == 0) continue;
    const Stream& stream = StreamOf(entry);
    const StreamId behind =
        arguments.of_group ? stream.FindGroup(arguments.group)->last_id : from[i];
    if (stream.LastLiveId() > behind) return true;
  }
  return false;
}

// Waits for entries; false if this may not wait. What `$` means is settled now.
bool WaitForEntries(Call& call, const ReadArguments& arguments, std::span<const StreamId> from) {
  if (!call.WaitFor(arguments.keys, Type::kStream, arguments.block_ms)) return false;
  call.context.wait->any_change = arguments.of_group;
  const auto is_last = [](std::string_view id) { return id == "$"; };
  if (std::none_of(arguments.ids.begin(), arguments.ids.end(), is_last)) return true;
  std::vector<std::string>& again = call.context.wait->args;
  again.assign(call.args.begin(), call.args.end());
  const size_t first = again.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i) {
    if (is_last(arguments.ids[i])) again[first + i] = from[i].Text();
  }
  return true;
}

void Read(Call& call, bool of_group) {
  ReadArguments arguments;
  arguments.of_group = of_group;
  if (!ReadOptions(call, &arguments)) return;
  std::vector<StreamId> from(arguments.keys.size());
  for (size_t i = 0; i < from.size(); ++i) {
    if (!ReadFrom(call, arguments, i, &from[i])) return;
  }
  if (arguments.block_ms >= 0 && !FindsSomething(call, arguments, from) &&
      WaitForEntries(call, arguments, from)) {
    return;
  }
  StreamsReply streams(&call);
  for (size_t i = 0; i < from.size(); ++i) {
    of_group ? ReplyToConsumer(call, arguments, arguments.keys[i], from[i], &streams)
             : ReplyNew(call, arguments.keys[i], from[i], arguments.count, &streams);
  }
  if (!streams.End()) call.reply.NullArray();
}
void XRead(Call& call) { Read(call, false); }
void XReadGroup(Call& call) { Read(call, true); }

}  // namespace

void RegisterStreamReadCommands(HandlerMap* handlers) {
  handlers->insert({{"xread", XRead}, {"xreadgroup", XReadGroup}});
}

}  // namespace understudy::targets::kv
