// Commands on whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB.
#include "protocol/numbers.h"
#include "targets/kv/commands.h"

namespace understudy::targets::kv {
namespace {

void DbSize(Call& call) {
  call.keyspace.DependOnAll(call.context);
  call.reply.Integer(static_cast<int64_t>(call.keyspace.size(call.db)));
}

// ASYNC and SYNC are the same here: what is flushed is freed bit by bit between turns.
bool ReadFlushMode(Call& call) {
  if (call.args.size() == 1) return true;
  if (call.args.size() == 2 && (protocol::EqualsIgnoreCase(call.args[1], "ASYNC") ||
                                protocol::EqualsIgnoreCase(call.args[1], "SYNC"))) {
    return true;
  }
  call.reply.Error(protocol::kSyntaxError);
  return false;
}

void FlushDb(Call& call) {
  if (!ReadFlushMode(call)) return;
  call.keyspace.FlushDb(call.context, call.db);
  call.reply.Ok();
}

void FlushAll(Call& call) {
  if (!ReadFlushMode(call)) return;
  call.keyspace.FlushAll(call.context);
  call.reply.Ok();
}

void SwapDb(Call& call) {
  int first, second;
  if (!call.ReadInt(call.args[1], &first, "ERR invalid first DB index") ||
      !call.ReadInt(call.args[2], &second, "ERR invalid second DB index")) {
    return;
  }
  const int databases = call.keyspace.databases();
  if (first < 0 || first >= databases || second < 0 || second >= databases) {
    return call.reply.Error("ERR DB index is out of range");
  }
  if (first != second) call.keyspace.SwapDbs(call.context, first, second);
  call.reply.Ok();
}

}  // namespace

void RegisterDatabaseCommands(HandlerMap* handlers) {
  handlers->insert(
      {{"dbsize", DbSize}, {"flushdb", FlushDb}, {"flushall", FlushAll}, {"swapdb", SwapDb}});
}

}  // namespace understudy::targets::kv
