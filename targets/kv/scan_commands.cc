// Looking through all keys: KEYS, SCAN, RANDOMKEY.
#include <charconv>
#include <optional>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"

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

struct ScanOptions {
  uint64_t cursor = 0;
  int64_t count = 10;
  std::string_view pattern = "*";
  std::optional<std::string_view> type = {};
};

// As strtoul reads it, which Redis uses: with a sign, and nothing is 0.
bool ReadCursor(std::string_view text, uint64_t* cursor) {
  *cursor = 0;
  if (text.empty()) return true;
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, *cursor);
  if (negative) *cursor = -*cursor;
  return status == std::errc() && stop == end;
}

bool ReadScanOptions(Call& call, ScanOptions* options) {
  const auto args = call.args;
  if (!ReadCursor(args[1], &options->cursor)) {
    call.reply.Error("ERR invalid cursor");
    return false;
  }
  for (size_t i = 2; i < args.size(); i += 2) {
    const std::string_view word = args[i];
    const bool has_value = i + 1 < args.size();
    if (has_value && protocol::EqualsIgnoreCase(word, "COUNT")) {
      if (!call.ReadInteger(args[i + 1], &options->count)) return false;
      if (options->count >= 1) continue;
    } else if (has_value && protocol::EqualsIgnoreCase(word, "MATCH")) {
      options->pattern = args[i + 1];
      continue;
    } else if (has_value && protocol::EqualsIgnoreCase(word, "TYPE")) {
      options->type = args[i + 1];
      continue;
    }
    call.reply.Error(protocol::kSyntaxError);
    return false;
  }
  return true;
}

void Scan(Call& call) {
  ScanOptions options;
  if (!ReadScanOptions(call, &options)) return;
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
  char text[24];
  call.reply.Bulk({text, static_cast<size_t>(std::to_chars(text, text + 24, cursor).ptr - text)});
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
