// DUMP and RESTORE.
#include "protocol/numbers.h"
#include "targets/kv/access.h"
#include "targets/kv/commands.h"
#include "targets/kv/dump.h"

namespace understudy::targets::kv {
namespace {

constexpr int64_t kNone = -1;

void Dump(Call& call) {
  const Entry* entry = call.Find(call.args[1]);
  if (entry == nullptr) return call.reply.Null();
  call.reply.Bulk(DumpValue(*entry));
}

struct RestoreOptions {
  bool replace = false, absolute = false;
  int64_t idle_s = kNone, frequency = kNone;  // one of them at most
};

// False: an error is written.
bool ReadOptions(Call& call, RestoreOptions* options) {
  constexpr std::string_view kBadIdle = "ERR Invalid IDLETIME value, must be >= 0";
  constexpr std::string_view kBadFrequency = "ERR Invalid FREQ value, must be >= 0 and <= 255";
  for (size_t i = 4; i < call.args.size(); ++i) {
    const std::string_view word = call.args[i];
    const bool more = i + 1 < call.args.size();
    if (protocol::EqualsIgnoreCase(word, "REPLACE")) {
      options->replace = true;
    } else if (protocol::EqualsIgnoreCase(word, "ABSTTL")) {
      options->absolute = true;
    } else if (protocol::EqualsIgnoreCase(word, "IDLETIME") && more &&
               options->frequency == kNone) {
      if (!call.ReadInteger(call.args[++i], &options->idle_s)) return false;
      if (options->idle_s < 0) return call.reply.Error(kBadIdle), false;
    } else if (protocol::EqualsIgnoreCase(word, "FREQ") && more && options->idle_s == kNone) {
      if (!call.ReadInteger(call.args[++i], &options->frequency)) return false;
      if (options->frequency < 0 || options->frequency > 255) {
        return call.reply.Error(kBadFrequency), false;
      }
    } else {
      return call.reply.Error(protocol::kSyntaxError), false;
    }
  }
  return true;
}

// When the key expires; 0: never. False: an error is written.
bool ReadExpiry(Call& call, bool absolute, int64_t* expiry_ms) {
  if (!call.ReadInteger(call.args[2], expiry_ms)) return false;
  if (*expiry_ms == 0 || (*expiry_ms > 0 && absolute)) return true;
  if (*expiry_ms > 0 && !__builtin_add_overflow(*expiry_ms, call.context.now_ms, expiry_ms)) {
    return true;
  }
  call.reply.Error("ERR Invalid TTL value, must be >= 0");
  return false;
}

// What the policy of eviction makes of the options; the other one is ignored.
std::optional<uint32_t> AccessOf(const Call& call, const RestoreOptions& options) {
  const int64_t now_ms = call.context.now_ms;
  if (call.options.eviction.lfu()) {
    if (options.frequency == kNone) return std::nullopt;
    return AccessMinutes(now_ms) << 8 | static_cast<uint32_t>(options.frequency);
  }
  if (options.idle_s == kNone) return std::nullopt;
  return static_cast<uint32_t>(now_ms / 1000 - options.idle_s) & 0xffffff;
}

void Restore(Call& call) {
  const std::string_view key = call.args[1], payload = call.args[3];
  RestoreOptions options;
  if (!ReadOptions(call, &options)) return;
  const bool exists = call.FindForWrite(key) != nullptr;
  if (exists && !options.replace) {
    return call.reply.Error("BUSYKEY Target key name already exists.");
  }
  int64_t expiry_ms = 0;
  if (!ReadExpiry(call, options.absolute, &expiry_ms)) return;
  if (!IsDumpPayload(payload)) {
    return call.reply.Error("ERR DUMP payload version or checksum are wrong");
  }
  constexpr std::string_view kBadFormat = "ERR Bad data format";
  if (expiry_ms != 0 && expiry_ms <= call.context.now_ms) {
    // It would be gone at once; but what isn't a value is said to be none.
    auto value = ReadDumpedValue(payload, call.keyspace.forms());
    if (!value) return call.reply.Error(kBadFormat);
    if (value->type != Type::kString) Free(value->type, value->object);
    if (exists) call.keyspace.Delete(call.context, call.db, key);
    return call.reply.Ok();
  }
  if (!call.keyspace.Restore(call.context, call.db, key, payload,
                             expiry_ms == 0 ? std::nullopt : std::optional(expiry_ms),
                             AccessOf(call, options))) {
    return call.reply.Error(kBadFormat);
  }
  call.reply.Ok();
}

}  // namespace

void RegisterDumpCommands(HandlerMap* handlers) {
  handlers->insert({{"dump", Dump}, {"restore", Restore}});
}

}  // namespace understudy::targets::kv
