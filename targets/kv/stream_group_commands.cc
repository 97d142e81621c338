// Commands on consumer groups and pending entries: XGROUP, XACK, XPENDING, XCLAIM, XAUTOCLAIM.
#include <algorithm>
#include <string>
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/stream_arguments.h"

namespace understudy::targets::kv {
namespace {

using protocol::EqualsIgnoreCase;

bool Refuse(Call& call, std::string_view error) {
  call.reply.Error(error);
  return false;
}

// What Redis says to wrong words behind a subcommand.
bool RefuseSubcommand(Call& call) {
  return Refuse(call, "ERR unknown subcommand or wrong number of arguments for '" +
                          std::string(call.args[1]).substr(0, 128) + "'. Try " +
                          std::string("XGROUP") + " HELP.");
}

// ---- XGROUP ----

struct GroupOptions {
  bool make_stream = false;
  int64_t entries_read = StreamGroup::kUnknown;
};

bool ReadGroupOptions(Call& call, bool of_create, GroupOptions* options) {
  const auto args = call.args;
  for (size_t i = 5; i < args.size(); ++i) {
    if (of_create && EqualsIgnoreCase(args[i], "MKSTREAM")) {
      options->make_stream = true;
    } else if (EqualsIgnoreCase(args[i], "ENTRIESREAD") && i + 1 < args.size()) {
      if (!call.ReadInteger(args[++i], &options->entries_read)) return false;
      if (options->entries_read < 0 && options->entries_read != StreamGroup::kUnknown) {
        return Refuse(call, "ERR value for ENTRIESREAD must be positive or -1");
      }
    } else {
      return RefuseSubcommand(call);
    }
  }
  return true;
}

// The stream that XGROUP is about; false, with the error written, if there is none.
bool FindStream(Call& call, const Entry** entry) {
  if (!call.FindForWrite(call.args[2], Type::kStream, entry)) return false;
  return *entry != nullptr ||
         Refuse(call,
                "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may "
                "want to use the MKSTREAM option to create an empty stream automatically.");
}

bool FindGroup(Call& call, const Entry** entry) {
  if (!FindStream(call, entry)) return false;
  return StreamOf(*entry).FindGroup(call.args[3]) != nullptr ||
         Refuse(call, "NOGROUP No such consumer group '" + std::string(call.args[3]) +
                          "' for key name '" + std::string(call.args[2]) + "'");
}

void XGroupCreate(Call& call) {
  const auto args = call.args;
  GroupOptions options;
  if (!ReadGroupOptions(call, true, &options)) return;
  const Entry* entry;
  if (options.make_stream ? !call.FindForWrite(args[2], Type::kStream, &entry)
                          : !FindStream(call, &entry)) {
    return;
  }
  constexpr size_t kMostArguments = 8;
  if (args.size() > kMostArguments) return void(RefuseSubcommand(call));
  StreamId id;
  if (args[4] == "$") {
    if (entry != nullptr) id = StreamOf(entry).last_id;
  } else if (!ReadStreamId(call, args[4], &id)) {
    return;
  }
  if (entry != nullptr && StreamOf(entry).FindGroup(args[3]) != nullptr) {
    return call.reply.Error("BUSYGROUP Consumer Group name already exists");
  }
  call.keyspace.MakeGroup(call.context, call.db, args[2], entry, args[3], id, options.entries_read);
  call.reply.Ok();
}

void XGroupSetId(Call& call) {
  const auto args = call.args;
  GroupOptions options;
  const Entry* entry;
  if (!ReadGroupOptions(call, false, &options) || !FindGroup(call, &entry)) return;
  if (args.size() != 5 && args.size() != 7) return void(RefuseSubcommand(call));
  StreamId id;
  if (args[4] == "$") {
    id = StreamOf(entry).last_id;
  } else if (!StreamId::ParseBound(args[4], 0, &id)) {
    return call.reply.Error("ERR Invalid stream ID specified as stream command argument");
  }
  call.keyspace.SetGroup(call.context, call.db, entry, args[3], id, options.entries_read);
  call.reply.Ok();
}

void XGroupDestroy(Call& call) {
  const Entry* entry;
  if (!FindStream(call, &entry)) return;
  const bool there = StreamOf(entry).FindGroup(call.args[3]) != nullptr;
  if (there) call.keyspace.RemoveGroup(call.context, call.db, entry, call.args[3]);
  call.reply.Integer(there);
}

void XGroupCreateConsumer(Call& call) {
  const Entry* entry;
  if (!FindGroup(call, &entry)) return;
  const bool there = StreamOf(entry).FindGroup(call.args[3])->Find(call.args[4]) != nullptr;
  if (!there) {
    call.keyspace.MakeConsumer(call.context, call.db, entry, call.args[3], call.args[4],
                               call.context.now_ms);
  }
  call.reply.Integer(!there);
}

void XGroupDelConsumer(Call& call) {
  const Entry* entry;
  if (!FindGroup(call, &entry)) return;
  size_t pending = 0;
  if (StreamOf(entry).FindGroup(call.args[3])->Find(call.args[4]) != nullptr) {
    pending =
        call.keyspace.RemoveConsumer(call.context, call.db, entry, call.args[3], call.args[4]);
  }
  call.reply.Integer(static_cast<int64_t>(pending));
}

void XGroupHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "CREATE <key> <groupname> <id|$> [option]",
      "    Makes a consumer group, which has been given all entries up to the id. Options:",
      "    * MKSTREAM",
      "      Makes an empty stream if there is none.",
      "    * ENTRIESREAD entries_read",
      "      Sets how many entries the group has been given.",
      "CREATECONSUMER <key> <groupname> <consumer>",
      "    Makes a consumer in the group.",
      "DELCONSUMER <key> <groupname> <consumer>",
      "    Removes the consumer.",
      "DESTROY <key> <groupname>",
      "    Removes the group.",
      "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
      "    Sets up to which id the group has been given entries, and how many.",
      "HELP",
      "    Prints this help."};
  call.reply.Array(std::size(kLines));
  for (std::string_view line : kLines) call.reply.Simple(line);
}

// ---- what is pending ----

// Finds a key's group; false, with "NOGROUP" or "WRONGTYPE" written, if there is none.
bool FindGroupToRead(Call& call, const Entry** entry) {
  if (!call.Find(call.args[1], Type::kStream, entry)) return false;
  if (*entry != nullptr && StreamOf(*entry).FindGroup(call.args[2]) != nullptr) return true;
  ReplyNoGroup(call, call.args[1], call.args[2]);
  return false;
}

void XAck(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kStream, &entry)) return;
  if (entry == nullptr || StreamOf(entry).FindGroup(call.args[2]) == nullptr) {
    return call.reply.Integer(0);
  }
  std::vector<StreamId> ids;
  if (!ReadStreamIds(call, call.args.subspan(3), &ids)) return;
  const size_t acknowledged =
      call.keyspace.AcknowledgeEntries(call.context, call.db, entry, call.args[2], ids);
  call.reply.Integer(static_cast<int64_t>(acknowledged));
}

void ReplyPendingSummary(Call& call, const StreamGroup& group) {
  call.reply.Array(4);
  call.reply.Integer(static_cast<int64_t>(group.pending().size()));
  if (group.pending().empty()) {
    call.reply.Null();
    call.reply.Null();
    return call.reply.NullArray();
  }
  ReplyStreamId(call, group.pending().front().id);
  ReplyStreamId(call, group.pending().back().id);
  const size_t header = call.reply.DeferHeader();
  size_t count = 0;
  for (const auto& [name, consumer] : group.consumers()) {
    if (consumer.pending.empty()) continue;
    call.reply.Array(2);
    call.reply.Bulk(name);
    call.reply.BulkInteger(static_cast<int64_t>(consumer.pending.size()));
    ++count;
  }
  call.reply.FinishArray(header, count);
}

struct PendingArguments {
  int64_t min_idle_ms = 0, count = 0;
  StreamId first, last;
  bool has_consumer = false;
  std::string_view consumer;
};

bool ReadPendingArguments(Call& call, PendingArguments* arguments) {
  const auto args = call.args;
  constexpr size_t kMostArguments = 9;
  if (args.size() < 6 || args.size() > kMostArguments) return Refuse(call, protocol::kSyntaxError);
  size_t next = 3;
  if (EqualsIgnoreCase(args[3], "IDLE")) {
    if (!call.ReadInteger(args[4], &arguments->min_idle_ms)) return false;
    next += 2;
    if (args.size() < next + 3) return Refuse(call, protocol::kSyntaxError);
  }
  if (!call.ReadInteger(args[next + 2], &arguments->count) ||
      !ReadRangeStart(call, args[next], &arguments->first) ||
      !ReadRangeEnd(call, args[next + 1], &arguments->last)) {
    return false;
  }
  arguments->has_consumer = next + 3 < args.size();
  if (arguments->has_consumer) arguments->consumer = args[next + 3];
  return true;
}

// False: it hasn't been idle for so long.
bool ReplyPending(Call& call, const StreamGroup::Pending& pending, int64_t min_idle_ms) {
  const int64_t idle_ms = call.context.now_ms - pending.delivered_ms;
  if (min_idle_ms != 0 && idle_ms < min_idle_ms) return false;
  call.reply.Array(4);
  ReplyStreamId(call, pending.id);
  call.reply.Bulk(pending.consumer->name);
  call.reply.Integer(std::max<int64_t>(idle_ms, 0));
  call.reply.Integer(static_cast<int64_t>(pending.deliveries));
  return true;
}

void ReplyAllPending(Call& call, const StreamGroup& group, const PendingArguments& arguments) {
  const StreamConsumer* consumer = nullptr;
  if (arguments.has_consumer) {
    consumer = group.Find(arguments.consumer);
    if (consumer == nullptr) return call.reply.Array(0);
  }
  const size_t header = call.reply.DeferHeader();
  int64_t count = 0;
  const auto walk = [&](const auto& index, auto&& pending_of) {
    for (auto at = index.LowerBound(arguments.first);
         count < arguments.count && !index.AtEnd(at) && index.At(at).id <= arguments.last;
         index.Next(&at)) {
      count += ReplyPending(call, pending_of(index.At(at)), arguments.min_idle_ms);
    }
  };
  if (consumer != nullptr) {
    walk(
        consumer->pending, [&group](const StreamConsumer::Pending& each) -> const auto& {
          return *group.pending().Find(each.id);
        });
  } else {
    walk(
        group.pending(), [](const StreamGroup::Pending& each) -> const auto& { return each; });
  }
  call.reply.FinishArray(header, static_cast<size_t>(count));
}

void XPending(Call& call) {
  const bool summary = call.args.size() == 3;
  PendingArguments arguments;
  if (!summary && !ReadPendingArguments(call, &arguments)) return;
  const Entry* entry;
  if (!FindGroupToRead(call, &entry)) return;
  const StreamGroup& group = *StreamOf(entry).FindGroup(call.args[2]);
  summary ? ReplyPendingSummary(call, group) : ReplyAllPending(call, group, arguments);
}

// ---- claiming ----

struct ClaimArguments {
  StreamClaim claim;
  std::vector<StreamId> ids;
  bool just_ids = false;
};

// Takes the ids, which end where something else comes, and the options behind them.
bool ReadClaimArguments(Call& call, ClaimArguments* arguments) {
  const auto args = call.args;
  StreamClaim& claim = arguments->claim;
  size_t next = 5;
  for (StreamId id; next < args.size() && StreamId::Parse(args[next], 0, &id); ++next) {
    arguments->ids.push_back(id);
  }
  int64_t delivered_ms = -1, deliveries = -1;
  for (; next < args.size(); ++next) {
    const std::string_view word = args[next];
    const bool more = next + 1 < args.size();
    if (EqualsIgnoreCase(word, "FORCE")) {
      claim.force = true;
    } else if (EqualsIgnoreCase(word, "JUSTID")) {
      arguments->just_ids = true;
    } else if (more && EqualsIgnoreCase(word, "IDLE")) {
      int64_t idle_ms;
      if (!call.ReadInteger(args[++next], &idle_ms,
                            "ERR Invalid IDLE option argument for XCLAIM")) {
        return false;
      }
      delivered_ms = static_cast<int64_t>(static_cast<uint64_t>(call.context.now_ms) -
                                          static_cast<uint64_t>(idle_ms));
    } else if (more && EqualsIgnoreCase(word, "TIME")) {
      if (!call.ReadInteger(args[++next], &delivered_ms,
                            "ERR Invalid TIME option argument for XCLAIM")) {
        return false;
      }
    } else if (more && EqualsIgnoreCase(word, "RETRYCOUNT")) {
      if (!call.ReadInteger(args[++next], &deliveries,
                            "ERR Invalid RETRYCOUNT option argument for XCLAIM")) {
        return false;
      }
    } else if (more && EqualsIgnoreCase(word, "LASTID")) {
      if (!ReadStreamId(call, args[++next], &claim.last_id)) return false;
    } else {
      return Refuse(call, "ERR Unrecognized XCLAIM option '" + std::string(word) + "'");
    }
  }
  // Clients count with their own clocks: a time that can't be is now.
  const int64_t now_ms = call.context.now_ms;
  claim.delivered_ms = delivered_ms < 0 || delivered_ms > now_ms ? now_ms : delivered_ms;
  if (deliveries >= 0) {
    claim.count = StreamClaim::Count::kSet;
    claim.deliveries = static_cast<uint64_t>(deliveries);
  } else if (arguments->just_ids) {
    claim.count = StreamClaim::Count::kKeep;
  }
  return true;
}

// Claims, and replies with an array of what was.
void Claim(Call& call, const Entry* entry, const StreamClaim& claim,
           const std::vector<StreamId>& ids, bool just_ids) {
  const size_t header = call.reply.DeferHeader();
  size_t count = 0;
  call.keyspace.ClaimEntries(call.context, call.db, entry, call.args[2], call.args[3], claim, ids,
                             [&](const StreamEntry& each) {
                               ++count;
                               just_ids ? ReplyStreamId(call, each.id())
                                        : ReplyStreamEntry(call, each);
                             });
  call.reply.FinishArray(header, count);
}

void XClaim(Call& call) {
  const Entry* entry;
  if (!FindGroupToRead(call, &entry)) return;
  ClaimArguments arguments;
  arguments.claim.now_ms = call.context.now_ms;
  if (!call.ReadInteger(call.args[4], &arguments.claim.min_idle_ms,
                        "ERR Invalid min-idle-time argument for XCLAIM") ||
      !ReadClaimArguments(call, &arguments)) {
    return;
  }
  Claim(call, entry, arguments.claim, arguments.ids, arguments.just_ids);
}

struct AutoclaimArguments {
  StreamClaim claim;
  StreamId start;
  int64_t count = 100;
  bool just_ids = false;
};

bool ReadAutoclaimArguments(Call& call, AutoclaimArguments* arguments) {
  const auto args = call.args;
  // Redis' bound, from the room that it takes for as many ids.
  constexpr int64_t kMostCount = INT64_MAX / 16;
  if (!call.ReadInteger(args[4], &arguments->claim.min_idle_ms,
                        "ERR Invalid min-idle-time argument for XAUTOCLAIM") ||
      !ReadRangeStart(call, args[5], &arguments->start)) {
    return false;
  }
  for (size_t i = 6; i < args.size(); ++i) {
    if (i + 1 < args.size() && EqualsIgnoreCase(args[i], "COUNT")) {
      if (!call.ReadBetween(args[++i], 1, kMostCount, &arguments->count, "ERR COUNT must be > 0")) {
        return false;
      }
    } else if (EqualsIgnoreCase(args[i], "JUSTID")) {
      arguments->just_ids = true;
    } else {
      return Refuse(call, protocol::kSyntaxError);
    }
  }
  arguments->claim.now_ms = arguments->claim.delivered_ms = call.context.now_ms;
  if (arguments->just_ids) arguments->claim.count = StreamClaim::Count::kKeep;
  return true;
}

void XAutoclaim(Call& call) {
  AutoclaimArguments arguments;
  if (!ReadAutoclaimArguments(call, &arguments)) return;
  const Entry* entry;
  if (!FindGroupToRead(call, &entry)) return;
  const Stream& stream = StreamOf(entry);
  const auto& pending = stream.FindGroup(call.args[2])->pending();
  // At most ten are looked at for one that is claimed, or gone.
  constexpr int64_t kAttempts = 10;
  int64_t left = arguments.count;
  // count * kAttempts may be more than there are numbers, but never more than there are entries.
  uint64_t attempts = std::min<uint64_t>(static_cast<uint64_t>(left) * kAttempts, pending.size());
  std::vector<StreamId> ids, gone;
  auto at = pending.LowerBound(arguments.start);
  for (; attempts > 0 && left > 0 && !pending.AtEnd(at); --attempts, pending.Next(&at)) {
    const StreamGroup::Pending& each = pending.At(at);
    const bool there = stream.Contains(each.id);
    if (there && arguments.claim.min_idle_ms > 0 &&
        call.context.now_ms - each.delivered_ms < arguments.claim.min_idle_ms) {
      continue;
    }
    ids.push_back(each.id);
    if (!there) gone.push_back(each.id);
    --left;
  }
  const StreamId next = pending.AtEnd(at) ? StreamId() : pending.At(at).id;
  call.reply.Array(3);
  ReplyStreamId(call, next);
  Claim(call, entry, arguments.claim, ids, arguments.just_ids);
  call.reply.Array(gone.size());
  for (const StreamId& id : gone) ReplyStreamId(call, id);
}

}  // namespace

void RegisterStreamGroupCommands(HandlerMap* handlers) {
  handlers->insert({{"xgroup|create", XGroupCreate},
                    {"xgroup|setid", XGroupSetId},
                    {"xgroup|destroy", XGroupDestroy},
                    {"xgroup|createconsumer", XGroupCreateConsumer},
                    {"xgroup|delconsumer", XGroupDelConsumer},
                    {"xgroup|help", XGroupHelp},
                    {"xack", XAck},
                    {"xpending", XPending},
                    {"xclaim", XClaim},
                    {"xautoclaim", XAutoclaim}});
}

}  // namespace understudy::targets::kv
