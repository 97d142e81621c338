// OBJECT and MEMORY USAGE: how a key is kept.
#include "protocol/numbers.h"
#include "targets/kv/access.h"
#include "targets/kv/commands.h"
#include "targets/kv/container.h"

namespace understudy::targets::kv {
namespace {

const Entry* FindOrNull(Call& call) {
  const Entry* entry = call.Find(call.args[2], Keyspace::Use::kDontCount);
  if (entry == nullptr) call.reply.Null();
  return entry;
}

void ObjectEncoding(Call& call) {
  constexpr std::string_view kNames[] = {"int", "embstr", "raw"};
  if (const Entry* entry = FindOrNull(call)) {
    call.reply.Bulk(entry->IsString() ? kNames[static_cast<size_t>(entry->encoding())]
                                      : EncodingName(entry->type(), entry->object()));
  }
}

void ObjectRefcount(Call& call) {
  const Entry* entry = FindOrNull(call);
  if (entry == nullptr) return;
  // Redis has one shared object for each small integer and says so by this number.
  constexpr int64_t kSharedIntegers = 10000, kShared = INT32_MAX;
  const bool shared =
      entry->IsInteger() && entry->integer() >= 0 && entry->integer() < kSharedIntegers;
  call.reply.Integer(shared ? kShared : 1);
}

void ObjectIdleTime(Call& call) {
  const Entry* entry = FindOrNull(call);
  if (entry == nullptr) return;
  if (call.options.eviction.lfu()) {
    return call.reply.Error(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
        "switching between policies at runtime LRU and LFU data will take some time to adjust.");
  }
  call.reply.Integer(Keyspace::IdleSeconds(*entry, call.context.now_ms));
}

void ObjectFreq(Call& call) {
  const Entry* entry = FindOrNull(call);
  if (entry == nullptr) return;
  if (call.options.eviction.lfu()) {
    return call.reply.Integer(
        LfuCounter(entry->access(), call.context.now_ms, call.options.eviction));
  }
  call.reply.Error(
      "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
      "when switching between policies at runtime LRU and LFU data will take some time to adjust.");
}

void ObjectHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "OBJECT <subcommand> [<argument> ...]. The subcommands are:",
      "ENCODING <key>",
      "    Names the form in which the value of <key> is kept.",
      "FREQ <key>",
      "    Says how often <key> was used lately, on a logarithmic scale.",
      "IDLETIME <key>",
      "    Says how many seconds ago <key> was last used.",
      "REFCOUNT <key>",
      "    Says how many references there are to the value of <key>.",
      "HELP",
      "    Prints these lines."};
  call.reply.Array(std::size(kLines));
  for (std::string_view line : kLines) call.reply.Simple(line);
}

// All of a container is counted, as Redis does for SAMPLES 0; asking for fewer changes nothing.
void MemoryUsage(Call& call) {
  constexpr size_t kTableBytes = 12;  // about a key's share of the table
  for (size_t i = 3; i < call.args.size(); i += 2) {
    int64_t samples = 0;
    if (!protocol::EqualsIgnoreCase(call.args[i], "samples") || i + 1 >= call.args.size()) {
      return call.reply.Error(protocol::kSyntaxError);
    }
    if (!call.ReadInteger(call.args[i + 1], &samples)) return;
    if (samples < 0) return call.reply.Error(protocol::kSyntaxError);
  }
  const Entry* entry = call.Find(call.args[2], Keyspace::Use::kDontCount);
  if (entry == nullptr) return call.reply.Null();
  size_t bytes = entry->AllocatedSize() + kTableBytes;
  if (!entry->IsString()) bytes += MemoryOf(entry->type(), entry->object());
  call.reply.Integer(static_cast<int64_t>(bytes));
}

}  // namespace

void RegisterObjectCommands(HandlerMap* handlers) {
  handlers->insert({{"object|encoding", ObjectEncoding},
                    {"object|refcount", ObjectRefcount},
                    {"object|idletime", ObjectIdleTime},
                    {"object|freq", ObjectFreq},
                    {"object|help", ObjectHelp},
                    {"memory|usage", MemoryUsage}});
}

}  // namespace understudy::targets::kv
