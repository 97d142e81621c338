// Looking through all keys: KEYS, SCAN, RANDOMKEY.
#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/scan_arguments.h"

namespace understudy::targets::kv {
namespace {

void Keys(Call& call) {
  call.keyspace.DependOnAll(call.context);
  const std::string_view pattern = call.args[1];
  const bool all = pattern == "*";
  const size_t header = call.reply.DeferHeader();
  size_t count = 0;
  uint64_t cursor = 0;
  std::vector<const Entry*> found;
  // The table may shrink as expired keys go; SCAN's guarantee covers that, but a key might come
  // twice, so the buckets are all read first.
  do {
    cursor = call.keyspace.Scan(call.db, cursor, &found);
  } while (cursor != 0);
  for (const Entry* entry : found) {
    if (!all && !protocol::GlobMatch(pattern, entry->key())) continue;
    if (call.keyspace.ExpireIfDue(call.context, call.db, entry)) continue;
    call.reply.Bulk(entry->key());
    ++count;
  }
  call.reply.FinishArray(header, count);
}

void Scan(Call& call) {
  ScanOptions options;
  if (!ReadCursor(call, call.args[1], &options.cursor)) return;
  if (!ReadScanOptions(call, 2, true, &options)) return;
  call.keyspace.DependOnAll(call.context);
  // As Redis: until COUNT entries are seen, or ten times as many buckets.
  std::vector<const Entry*> found;
  uint64_t cursor = options.cursor;
  const auto wanted = static_cast<uint64_t>(options.count);
  uint64_t visits = 0;
  do {
    cursor = call.keyspace.Scan(call.db, cursor, &found);
    ++visits;
  } while (cursor != 0 && found.size() < wanted && visits / 10 < wanted);

  call.reply.Array(2);
  ReplyCursor(call, cursor);
  const size_t header = call.reply.DeferHeader();
  size_t count = 0;
  for (const Entry* entry : found) {
    if (options.pattern != "*" && !protocol::GlobMatch(options.pattern, entry->key())) continue;
    if (call.keyspace.ExpireIfDue(call.context, call.db, entry)) continue;
    if (options.type && !protocol::EqualsIgnoreCase(*options.type, TypeName(entry->type()))) {
      continue;
    }
    call.reply.Bulk(entry->key());
    ++count;
  }
  call.reply.FinishArray(header, count);
}

void RandomKey(Call& call) {
  call.keyspace.DependOnAll(call.context);
  constexpr uint64_t kTries = 100;  // where expired keys can't be deleted
  for (uint64_t i = 0; i < kTries; ++i) {
    const Entry* entry = call.keyspace.Random(call.db, call.context.random + i);
    if (entry == nullptr) break;
    if (!call.keyspace.ExpireIfDue(call.context, call.db, entry)) {
      return call.reply.Bulk(entry->key());
    }
  }
  call.reply.Null();
}

}  // namespace

void RegisterScanCommands(HandlerMap* handlers) {
  handlers->insert({{"keys", Keys}, {"scan", Scan}, {"randomkey", RandomKey}});
}

}  // namespace understudy::targets::kv
