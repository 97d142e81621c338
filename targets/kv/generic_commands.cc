// Commands on keys of any type: DEL, EXISTS, TYPE, RENAME, COPY, MOVE, TOUCH.
#include "protocol/numbers.h"
#include "targets/kv/commands.h"

namespace understudy::targets::kv {

std::string_view TypeName(Type type) {
  switch (type) {
    case Type::kString:
      return "string";
    case Type::kList:
      return "list";
    case Type::kSet:
      return "set";
    case Type::kSortedSet:
      return "zset";
    case Type::kHash:
      return "hash";
    case Type::kStream:
      return "stream";
  }
  return "unknown";
}

namespace {

constexpr std::string_view kDbOutOfRange = "ERR DB index is out of range";
constexpr std::string_view kSameObject = "ERR source and destination objects are the same";

void Del(Call& call) {
  int64_t deleted = 0;
  for (std::string_view key : call.args.subspan(1)) {
    // Looked up first: an expired key is deleted too, but doesn't count.
    if (call.FindForWrite(key) == nullptr) continue;
    deleted += call.keyspace.Delete(call.context, call.db, key);
  }
  call.reply.Integer(deleted);
}

void CountKeys(Call& call, Keyspace::Use use) {
  int64_t count = 0;
  for (std::string_view key : call.args.subspan(1)) count += call.Find(key, use) != nullptr;
  call.reply.Integer(count);
}
void Exists(Call& call) { CountKeys(call, Keyspace::Use::kDontCount); }
void Touch(Call& call) {
  call.keyspace.set_touching(true);  // whatever CLIENT NO-TOUCH says
  CountKeys(call, Keyspace::Use::kCount);
}

void TypeCommand(Call& call) {
  const Entry* entry = call.Find(call.args[1], Keyspace::Use::kDontCount);
  call.reply.Simple(entry == nullptr ? "none" : TypeName(entry->type()));
}

// RENAME and RENAMENX; true if the key was renamed, false if the target was in the way (NX) or,
// with an error written, if there is no such key.
enum class Renamed : uint8_t { kNoKey, kTargetExists, kDone };
Renamed RenameKey(Call& call, bool only_new) {
  const std::string_view from = call.args[1], to = call.args[2];
  if (call.FindForWrite(from) == nullptr) {
    call.reply.Error(protocol::kNoSuchKeyError);
    return Renamed::kNoKey;
  }
  if (from == to) return only_new ? Renamed::kTargetExists : Renamed::kDone;
  if (call.FindForWrite(to) != nullptr && only_new) return Renamed::kTargetExists;
  call.keyspace.Rename(call.context, call.db, from, to);
  return Renamed::kDone;
}

void Rename(Call& call) {
  if (RenameKey(call, false) == Renamed::kDone) call.reply.Ok();
}

void RenameNx(Call& call) {
  const Renamed renamed = RenameKey(call, true);
  if (renamed != Renamed::kNoKey) call.reply.Integer(renamed == Renamed::kDone ? 1 : 0);
}

bool ReadDb(Call& call, std::string_view text, int* db) {
  if (!call.ReadInt(text, db)) return false;
  if (*db >= 0 && *db < call.keyspace.databases()) return true;
  call.reply.Error(kDbOutOfRange);
  return false;
}

void Move(Call& call) {
  const std::string_view key = call.args[1];
  int to_db;
  if (!ReadDb(call, call.args[2], &to_db)) return;
  if (to_db == call.db) return call.reply.Error(kSameObject);
  if (call.FindForWrite(key) == nullptr ||
      call.keyspace.FindForWrite(call.context, to_db, key) != nullptr) {
    return call.reply.Integer(0);
  }
  call.keyspace.Move(call.context, call.db, key, to_db);
  call.reply.Integer(1);
}

void Copy(Call& call) {
  const std::string_view from = call.args[1], to = call.args[2];
  int to_db = call.db;
  bool replace = false;
  for (size_t i = 3; i < call.args.size(); ++i) {
    if (protocol::EqualsIgnoreCase(call.args[i], "REPLACE")) {
      replace = true;
    } else if (protocol::EqualsIgnoreCase(call.args[i], "DB") && i + 1 < call.args.size()) {
      if (!ReadDb(call, call.args[++i], &to_db)) return;
    } else {
      return call.reply.Error(protocol::kSyntaxError);
    }
  }
  if (to_db == call.db && from == to) return call.reply.Error(kSameObject);
  if (call.Find(from) == nullptr ||
      (call.keyspace.FindForWrite(call.context, to_db, to) != nullptr && !replace)) {
    return call.reply.Integer(0);
  }
  call.keyspace.Copy(call.context, call.db, from, to_db, to);
  call.reply.Integer(1);
}

}  // namespace

void RegisterGenericCommands(HandlerMap* handlers) {
  handlers->insert({{"del", Del},
                    {"unlink", Del},
                    {"exists", Exists},
                    {"touch", Touch},
                    {"type", TypeCommand},
                    {"rename", Rename},
                    {"renamenx", RenameNx},
                    {"move", Move},
                    {"copy", Copy}});
}

}  // namespace understudy::targets::kv
