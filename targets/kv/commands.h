// What the commands of kv are written with. Internal to targets/kv.
//
// A handler checks its arguments and the keys it reads, changes the key space through its write
// functions, and writes one reply. Errors come before the first change.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>

#include "protocol/command_table.h"
#include "protocol/reply_writer.h"
#include "targets/kv/keyspace.h"
#include "targets/registry.h"
#include "targets/machine.h"

namespace understudy::targets::kv {

// One command being executed.
struct Call {
  Keyspace& keyspace;
  const TargetOptions& options;
  const Request& request;
  Context& context;
  protocol::ReplyWriter& reply;
  std::span<const std::string_view> args;  // args[0] is the command's name
  int db;

  // As Keyspace's functions.
  const Entry* Find(std::string_view key, Keyspace::Use use = Keyspace::Use::kCount) {
    return keyspace.Find(context, db, key, use);
  }
  const Entry* FindForWrite(std::string_view key) {
    return keyspace.FindForWrite(context, db, key);
  }

  // The entry of a key that must be of that type or missing (nullptr); false, with the error
  // written, if it is of another type.
  bool Find(std::string_view key, Type type, const Entry** entry) {
    *entry = Find(key);
    return IsOfTypeOrMissing(*entry, type);
  }
  bool FindForWrite(std::string_view key, Type type, const Entry** entry) {
    *entry = FindForWrite(key);
    return IsOfTypeOrMissing(*entry, type);
  }
  bool IsOfTypeOrMissing(const Entry* entry, Type type) {
    if (entry == nullptr || entry->type() == type) return true;
    reply.Error(protocol::kWrongTypeError);
    return false;
  }

  // True if the key is missing or a string; else the error is written.
  bool IsStringOrMissing(const Entry* entry) {
    if (entry == nullptr || entry->IsString()) return true;
    reply.Error(protocol::kWrongTypeError);
    return false;
  }
  // True if a string of this size is allowed; else the error is written.
  bool IsAllowedSize(size_t size, size_t added) {
    size_t total;
    if (!__builtin_add_overflow(size, added, &total) &&
        total <= std::min(options.max_value_bytes, kMaxValueBytes)) {
      return true;
    }
    reply.Error("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    return false;
  }
  // A string value as a reply.
  void ReplyString(const Entry& entry) {
    if (entry.IsInteger()) {
      reply.BulkInteger(entry.integer());
    } else {
      reply.Bulk({entry.value(), entry.value_size()});
    }
  }
  // Reads an integer argument; false, with the error written, if it isn't one.
  bool ReadInteger(std::string_view text, int64_t* value,
                   std::string_view error = protocol::kNotIntegerError);
  // The same within bounds. Without `error` Redis' words say which.
  bool ReadBetween(std::string_view text, int64_t least, int64_t greatest, int64_t* value,
                   std::string_view error = {});
  bool ReadPositive(std::string_view text, int64_t* value,
                    std::string_view error = "ERR value is out of range, must be positive") {
    return ReadBetween(text, 0, INT64_MAX, value, error);
  }
  // The same within the range of int, as Redis reads database numbers.
  bool ReadInt(std::string_view text, int* value, std::string_view error = {});
  // The timeout of a command that may wait, from seconds (a decimal number) or whole milliseconds;
  // false, with the error written, if it is none.
  enum class Unit : uint8_t { kSeconds, kMilliseconds };
  bool ReadTimeout(std::string_view text, Unit unit, int64_t* timeout_ms);
  // There is nothing to do as long as none of these keys holds a value of that type: the command is
  // executed again when one does. False, if it must not wait: then it has to reply.
  bool WaitFor(std::span<const std::string_view> keys, Type type, int64_t timeout_ms);
  void ReplyInvalidExpireTime() {
    reply.Error("ERR invalid expire time in '" + request.command->full_name + "' command");
  }
};

// "string", "list", ...: the word of TYPE.
std::string_view TypeName(Type type);

using Handler = void (*)(Call& call);
using HandlerMap = std::unordered_map<std::string_view, Handler>;  // by full name, lower case

void RegisterStringCommands(HandlerMap* handlers);
void RegisterStringRangeCommands(HandlerMap* handlers);
void RegisterCounterCommands(HandlerMap* handlers);
void RegisterGenericCommands(HandlerMap* handlers);
void RegisterDatabaseCommands(HandlerMap* handlers);
void RegisterExpireCommands(HandlerMap* handlers);
void RegisterScanCommands(HandlerMap* handlers);
void RegisterObjectCommands(HandlerMap* handlers);
void RegisterDebugCommands(HandlerMap* handlers);
void RegisterDumpCommands(HandlerMap* handlers);
void RegisterBitCommands(HandlerMap* handlers);
void RegisterHyperLogLogCommands(HandlerMap* handlers);
void RegisterLcs(HandlerMap* handlers);
void RegisterListCommands(HandlerMap* handlers);
void RegisterListMoveCommands(HandlerMap* handlers);
void RegisterSort(HandlerMap* handlers);
void RegisterStreamCommands(HandlerMap* handlers);
void RegisterStreamReadCommands(HandlerMap* handlers);
void RegisterStreamGroupCommands(HandlerMap* handlers);
void RegisterStreamInfoCommands(HandlerMap* handlers);
void RegisterGeoCommands(HandlerMap* handlers);
void RegisterGeoSearchCommands(HandlerMap* handlers);
void RegisterHashCommands(HandlerMap* handlers);
void RegisterSetCommands(HandlerMap* handlers);
void RegisterSetAlgebraCommands(HandlerMap* handlers);
void RegisterSortedSetCommands(HandlerMap* handlers);
void RegisterSortedSetRangeCommands(HandlerMap* handlers);
void RegisterSortedSetAlgebraCommands(HandlerMap* handlers);

// The effect "bitop operation target source ...", which repeats the command: for results longer
// than the request. False, with nothing changed, if it isn't one.
bool ApplyBitOp(Keyspace& keyspace, int db, std::span<const std::string_view> effect,
                Context& context);

}  // namespace understudy::targets::kv
