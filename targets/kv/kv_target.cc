#include "targets/kv/kv_target.h"

#include <cassert>
#include <cmath>

#include "protocol/numbers.h"
#include "targets/digest.h"
#include "targets/kv/entry_digest.h"

namespace understudy::targets::kv {
namespace {

HandlerMap AllHandlers() {
  HandlerMap handlers;
  RegisterStringCommands(&handlers);
  RegisterStringRangeCommands(&handlers);
  RegisterCounterCommands(&handlers);
  RegisterGenericCommands(&handlers);
  RegisterDatabaseCommands(&handlers);
  RegisterExpireCommands(&handlers);
  RegisterScanCommands(&handlers);
  RegisterObjectCommands(&handlers);
  RegisterDebugCommands(&handlers);
  RegisterDumpCommands(&handlers);
  RegisterBitCommands(&handlers);
  RegisterHyperLogLogCommands(&handlers);
  RegisterLcs(&handlers);
  RegisterListCommands(&handlers);
  RegisterListMoveCommands(&handlers);
  RegisterSort(&handlers);
  RegisterHashCommands(&handlers);
  RegisterSetCommands(&handlers);
  RegisterSetAlgebraCommands(&handlers);
  RegisterSortedSetCommands(&handlers);
  RegisterSortedSetRangeCommands(&handlers);
  RegisterSortedSetAlgebraCommands(&handlers);
  RegisterStreamCommands(&handlers);
  RegisterStreamReadCommands(&handlers);
  RegisterStreamGroupCommands(&handlers);
  RegisterStreamInfoCommands(&handlers);
  RegisterGeoCommands(&handlers);
  RegisterGeoSearchCommands(&handlers);
  return handlers;
}

}  // namespace

bool Call::ReadInteger(std::string_view text, int64_t* value, std::string_view error) {
  const auto number = protocol::ParseInteger(text);
  if (!number) {
    reply.Error(error);
    return false;
  }
  *value = *number;
  return true;
}

bool Call::ReadBetween(std::string_view text, int64_t least, int64_t greatest, int64_t* value,
                       std::string_view error) {
  if (!ReadInteger(text, value, error.empty() ? protocol::kNotIntegerError : error)) return false;
  if (*value >= least && *value <= greatest) return true;
  reply.Error(error.empty() ? "ERR value is out of range, value must between " +
                                  std::to_string(least) + " and " + std::to_string(greatest)
                            : std::string(error));
  return false;
}

bool Call::ReadInt(std::string_view text, int* value, std::string_view error) {
  int64_t number;
  if (!ReadBetween(text, INT32_MIN, INT32_MAX, &number, error)) return false;
  *value = static_cast<int>(number);
  return true;
}

bool Call::ReadTimeout(std::string_view text, Unit unit, int64_t* timeout_ms) {
  const auto fail = [this](std::string_view error) {
    reply.Error(error);
    return false;
  };
  if (unit == Unit::kSeconds) {
    const auto seconds = protocol::ParseLongDouble(text);
    if (!seconds) return fail("ERR timeout is not a float or out of range");
    const long double ms = std::ceil(*seconds * 1000);
    if (ms > static_cast<long double>(INT64_MAX)) return fail("ERR timeout is out of range");
    // Far below zero is below zero.
    *timeout_ms = ms < 0 ? -1 : static_cast<int64_t>(ms);
  } else if (!ReadInteger(text, timeout_ms, "ERR timeout is not an integer or out of range")) {
    return false;
  }
  if (*timeout_ms < 0) return fail("ERR timeout is negative");
  if (*timeout_ms > INT64_MAX - context.now_ms) return fail("ERR timeout is out of range");
  return true;
}

bool Call::WaitFor(std::span<const std::string_view> keys, Type type, int64_t timeout_ms) {
  if (context.wait == nullptr) return false;
  context.wait->wanted = true;
  context.wait->timeout_ms = timeout_ms;
  context.wait->keys.assign(keys.begin(), keys.end());
  context.wait->type = static_cast<uint8_t>(type);
  return true;
}

KvTarget::KvTarget(const protocol::CommandTable& table,
                   std::shared_ptr<const TargetOptions> options)
    : options_(std::move(options)),
      keyspace_(options_->databases, options_->hash_seed, options_->containers),
      handlers_(table.size(), nullptr) {
  keyspace_.set_eviction(&options_->eviction);
  HandlerMap handlers = AllHandlers();
  for (const protocol::Command& command : table.all()) {
    if (command.row->owner != protocol::Owner::kKv) continue;
    const auto found = handlers.find(command.full_name);
    if (found != handlers.end()) {
      handlers_[command.id] = found->second;
      handlers.erase(found);
    } else if (!command.Has(protocol::kSubcommands)) {
      unhandled_.push_back(command.full_name);
    }
  }
  for (const auto& [name, handler] : handlers) unhandled_.emplace_back(name);
}

void KvTarget::Handle(const Request& request, Context& context) {
  const protocol::Command& command = *request.command;
  const Handler handler = handlers_[command.id];
  if (handler == nullptr) {
    const bool container = command.Has(protocol::kSubcommands) && request.args.size() > 1;
    context.reply->Error(
        container ? protocol::CommandTable::UnknownSubcommandError(command, request.args[1])
                  : protocol::CommandTable::UnknownCommandError(request.args));
    return;
  }
  Call call{keyspace_, *options_, request, context, *context.reply, request.args, request.db};
  keyspace_.set_touching(!request.no_touch);
  handler(call);
}

bool KvTarget::Apply(int db, std::span<const std::string_view> args, Context& context) {
  if (!args.empty() && args[0] == "bitop") return ApplyBitOp(keyspace_, db, args, context);
  return keyspace_.Apply(db, args, context);
}

bool KvTarget::OnTimer(Context& context) {
  return !options_->lazy_expiry_only && keyspace_.ExpireSome(context);
}

std::string KvTarget::Digest() const {
  Digest160 sum;
  keyspace_.ForEach([&sum](int db, const Entry& entry) { sum += DigestOf(db, entry); });
  return sum.Hex();
}

KeyspaceStats KvTarget::Stats() const {
  KeyspaceStats stats;
  for (int db = 0; db < keyspace_.databases(); ++db) {
    stats.dbs.push_back({keyspace_.size(db), keyspace_.expires(db), keyspace_.AverageTtlMs(db)});
  }
  stats.expired_keys = keyspace_.expired_keys();
  stats.evicted_keys = keyspace_.evicted_keys();
  stats.keyspace_hits = keyspace_.hits();
  stats.keyspace_misses = keyspace_.misses();
  return stats;
}

}  // namespace understudy::targets::kv
