// DEBUG OBJECT, DIGEST-VALUE, POPULATE.
#include <cinttypes>
#include <cstdio>
#include <string>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/container.h"
#include "targets/kv/entry_digest.h"
#include "targets/kv/list_value.h"
#include "targets/kv/rdb.h"
#include "targets/kv/rdb_values.h"

namespace understudy::targets::kv {
namespace {

// As many bytes as the value takes in a snapshot.
size_t SerializedLength(const Entry& entry) {
  size_t bytes = 0;
  const SnapshotSink sink = [&bytes](std::string_view piece) {
    bytes += piece.size();
    return true;
  };
  RdbWriter writer(sink, false);
  WriteRdbValue(&writer, entry);
  writer.Finish();
  return bytes;
}

std::string_view EncodingOf(const Entry& entry) {
  constexpr std::string_view kStrings[] = {"int", "embstr", "raw"};
  return entry.IsString() ? kStrings[static_cast<size_t>(entry.encoding())]
                          : EncodingName(entry.type(), entry.object());
}

void DebugObject(Call& call) {
  const Entry* entry = call.Find(call.args[2], Keyspace::Use::kDontCount);
  if (entry == nullptr) return call.reply.Error(protocol::kNoSuchKeyError);
  char text[256];
  snprintf(text, sizeof text,
           "Value at:%p refcount:1 encoding:%s serializedlength:%zu lru:%" PRIu32
           " lru_seconds_idle:%" PRIu32,
           static_cast<const void*>(entry), std::string(EncodingOf(*entry)).c_str(),
           SerializedLength(*entry), entry->access(),
           Keyspace::IdleSeconds(*entry, call.context.now_ms));
  call.reply.Simple(text);
}

void DebugDigestValue(Call& call) {
  call.reply.Array(call.args.size() - 2);
  for (std::string_view key : call.args.subspan(2)) {
    const Entry* entry = call.Find(key, Keyspace::Use::kDontCount);
    call.reply.Simple(entry == nullptr ? Digest160().Hex() : DigestOfValue(*entry).Hex());
  }
}

// All of it is one entry of the log, so there is a limit.
void DebugPopulate(Call& call) {
  constexpr int64_t kMostKeys = 1'000'000, kMostBytes = int64_t{256} << 20;
  int64_t keys = 0, size = 0;
  if (!call.ReadBetween(call.args[2], 0, kMostKeys, &keys)) return;
  std::string prefix(call.args.size() > 3 ? call.args[3] : "key");
  bool sized = call.args.size() > 4;
  if (sized && !call.ReadBetween(call.args[4], 0, kMostBytes, &size)) return;
  if (call.args.size() > 5) return call.reply.Error(protocol::kSyntaxError);
  if (keys * (size + static_cast<int64_t>(prefix.size()) + 48) > kMostBytes) {
    return call.reply.Error("ERR that is too much for one command");
  }
  for (int64_t i = 0; i < keys; ++i) {
    std::string key = prefix + ":" + std::to_string(i);
    if (call.FindForWrite(key) != nullptr) continue;
    std::string value = "value:" + std::to_string(i);
    if (sized) value.resize(static_cast<size_t>(size));
    call.keyspace.SetString(call.context, call.db, key, value, {});
  }
  call.reply.Ok();
}

}  // namespace

void RegisterDebugCommands(HandlerMap* handlers) {
  handlers->insert({{"debug|object", DebugObject},
                    {"debug|digest-value", DebugDigestValue},
                    {"debug|populate", DebugPopulate}});
}

}  // namespace understudy::targets::kv
