// XINFO: what is known of streams, groups and consumers.
#include <algorithm>
#include <string>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/stream_arguments.h"

namespace understudy::targets::kv {
namespace {

using protocol::EqualsIgnoreCase;

void Field(Call& call, std::string_view name, int64_t value) {
  call.reply.Bulk(name);
  call.reply.Integer(value);
}
void Field(Call& call, std::string_view name, size_t value) {
  Field(call, name, static_cast<int64_t>(value));
}
void Field(Call& call, std::string_view name, const StreamId& id) {
  call.reply.Bulk(name);
  ReplyStreamId(call, id);
}
void Field(Call& call, std::string_view name, std::string_view text) {
  call.reply.Bulk(name);
  call.reply.Bulk(text);
}

bool FindStream(Call& call, const Entry** entry) {
  if (!call.Find(call.args[2], Type::kStream, entry)) return false;
  if (*entry == nullptr) call.reply.Error(protocol::kNoSuchKeyError);
  return *entry != nullptr;
}

void ReplyProgress(Call& call, const Stream& stream, const StreamGroup& group) {
  Field(call, "last-delivered-id", group.last_id);
  call.reply.Bulk("entries-read");
  group.entries_read == StreamGroup::kUnknown ? call.reply.Null()
                                              : call.reply.Integer(group.entries_read);
  call.reply.Bulk("lag");
  const auto lag = stream.Lag(group);
  lag ? call.reply.Integer(*lag) : call.reply.Null();
}

void XInfoGroups(Call& call) {
  const Entry* entry;
  if (!FindStream(call, &entry)) return;
  const Stream& stream = StreamOf(entry);
  call.reply.Array(stream.groups().size());
  for (const auto& [name, group] : stream.groups()) {
    call.reply.Map(6);
    Field(call, "name", name);
    Field(call, "consumers", group.consumers().size());
    Field(call, "pending", group.pending().size());
    ReplyProgress(call, stream, group);
  }
}

void XInfoConsumers(Call& call) {
  const Entry* entry;
  if (!FindStream(call, &entry)) return;
  const StreamGroup* group = StreamOf(entry).FindGroup(call.args[3]);
  if (group == nullptr) {
    return call.reply.Error("NOGROUP No such consumer group '" + std::string(call.args[3]) +
                            "' for key name '" + std::string(call.args[2]) + "'");
  }
  const int64_t now_ms = call.context.now_ms;
  call.reply.Array(group->consumers().size());
  for (const auto& [name, consumer] : group->consumers()) {
    call.reply.Map(4);
    Field(call, "name", name);
    Field(call, "pending", consumer.pending.size());
    Field(call, "idle", std::max<int64_t>(now_ms - consumer.seen_ms, 0));
    Field(call, "inactive",
          consumer.active_ms == StreamConsumer::kNever ? consumer.active_ms
                                                       : now_ms - consumer.active_ms);
  }
}

// ---- XINFO STREAM ----

struct StreamOptions {
  bool full = false;
  uint64_t count = 10;  // of what is shown of each
};

bool ReadStreamOptions(Call& call, StreamOptions* options) {
  const auto rest = call.args.subspan(3);
  options->full = !rest.empty();
  if (rest.empty()) return true;
  if ((rest.size() != 1 && rest.size() != 3) || !EqualsIgnoreCase(rest[0], "FULL") ||
      (rest.size() == 3 && !EqualsIgnoreCase(rest[1], "COUNT"))) {
    call.reply.Error("ERR unknown subcommand or wrong number of arguments for '" +
                     std::string(call.args[1]).substr(0, 128) + "'. Try XINFO HELP.");
    return false;
  }
  int64_t count = -1;
  if (rest.size() == 3 && !call.ReadInteger(rest[2], &count)) return false;
  if (count >= 0) options->count = count == 0 ? UINT64_MAX : static_cast<uint64_t>(count);
  return true;
}

void ReplyEdge(Call& call, const Stream& stream, bool last) {
  StreamEntry entry;
  Stream::Range(stream, {}, StreamId::Greatest(), last).Next(&entry) ? ReplyStreamEntry(call, entry)
                                                                     : call.reply.Null();
}

// The first items of an index, `reply` called with each.
template <typename Item, typename Reply>
void ReplyFirst(Call& call, const IdIndex<Item>& index, uint64_t count, Reply&& reply) {
  call.reply.Array(std::min<uint64_t>(count, index.size()));
  for (auto at = index.begin_cursor(); count > 0 && !index.AtEnd(at); --count, index.Next(&at)) {
    reply(index.At(at));
  }
}

void ReplyFullConsumer(Call& call, const StreamGroup& group, const StreamConsumer& consumer,
                       uint64_t count) {
  call.reply.Map(5);
  Field(call, "name", consumer.name);
  Field(call, "seen-time", consumer.seen_ms);
  Field(call, "active-time", consumer.active_ms);
  Field(call, "pel-count", consumer.pending.size());
  call.reply.Bulk("pending");
  ReplyFirst(call, consumer.pending, count, [&](const StreamConsumer::Pending& each) {
    const StreamGroup::Pending& pending = *group.pending().Find(each.id);
    call.reply.Array(3);
    ReplyStreamId(call, each.id);
    call.reply.Integer(pending.delivered_ms);
    call.reply.Integer(static_cast<int64_t>(pending.deliveries));
  });
}

void ReplyFullGroup(Call& call, const Stream& stream, std::string_view name,
                    const StreamGroup& group, uint64_t count) {
  call.reply.Map(7);
  Field(call, "name", name);
  ReplyProgress(call, stream, group);
  Field(call, "pel-count", group.pending().size());
  call.reply.Bulk("pending");
  ReplyFirst(call, group.pending(), count, [&call](const StreamGroup::Pending& each) {
    call.reply.Array(4);
    ReplyStreamId(call, each.id);
    call.reply.Bulk(each.consumer->name);
    call.reply.Integer(each.delivered_ms);
    call.reply.Integer(static_cast<int64_t>(each.deliveries));
  });
  call.reply.Bulk("consumers");
  call.reply.Array(group.consumers().size());
  for (const auto& [key, consumer] : group.consumers()) {
    ReplyFullConsumer(call, group, consumer, count);
  }
}

void XInfoStream(Call& call) {
  const Entry* entry;
  if (!FindStream(call, &entry)) return;
  StreamOptions options;
  if (!ReadStreamOptions(call, &options)) return;
  const Stream& stream = StreamOf(entry);
  call.reply.Map(options.full ? 9 : 10);
  Field(call, "length", static_cast<int64_t>(stream.length()));
  // Redis' words; here it is nodes, and one for what finds them.
  Field(call, "radix-tree-keys", stream.nodes());
  Field(call, "radix-tree-nodes", stream.nodes() + 1);
  Field(call, "last-generated-id", stream.last_id);
  Field(call, "max-deleted-entry-id", stream.max_deleted_id);
  Field(call, "entries-added", static_cast<int64_t>(stream.entries_added));
  Field(call, "recorded-first-entry-id", stream.first_id());
  if (!options.full) {
    Field(call, "groups", stream.groups().size());
    call.reply.Bulk("first-entry");
    ReplyEdge(call, stream, false);
    call.reply.Bulk("last-entry");
    return ReplyEdge(call, stream, true);
  }
  call.reply.Bulk("entries");
  ReplyStreamRange(call, stream, {}, StreamId::Greatest(), options.count);
  call.reply.Bulk("groups");
  call.reply.Array(stream.groups().size());
  for (const auto& [name, group] : stream.groups()) {
    ReplyFullGroup(call, stream, name, group, options.count);
  }
}

void XInfoHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "CONSUMERS <key> <groupname>",
      "    Describes the consumers of the group.",
      "GROUPS <key>",
      "    Describes the groups of the stream.",
      "STREAM <key> [FULL [COUNT <count>]",
      "    Describes the stream.",
      "HELP",
      "    Prints this help."};
  call.reply.Array(std::size(kLines));
  for (std::string_view line : kLines) call.reply.Simple(line);
}

}  // namespace

void RegisterStreamInfoCommands(HandlerMap* handlers) {
  handlers->insert({{"xinfo|stream", XInfoStream},
                    {"xinfo|groups", XInfoGroups},
                    {"xinfo|consumers", XInfoConsumers},
                    {"xinfo|help", XInfoHelp}});
}

}  // namespace understudy::targets::kv
