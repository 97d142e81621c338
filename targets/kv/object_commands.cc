// OBJECT: how a key is kept.
#include "targets/kv/commands.h"

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
  if (const Entry* entry = FindOrNull(call)) {
    call.reply.Integer(Keyspace::IdleSeconds(*entry, call.context.now_ms));
  }
}

void ObjectFreq(Call& call) {
  if (FindOrNull(call) == nullptr) return;
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

}  // namespace

void RegisterObjectCommands(HandlerMap* handlers) {
  handlers->insert({{"object|encoding", ObjectEncoding},
                    {"object|refcount", ObjectRefcount},
                    {"object|idletime", ObjectIdleTime},
                    {"object|freq", ObjectFreq},
                    {"object|help", ObjectHelp}});
}

}  // namespace understudy::targets::kv
