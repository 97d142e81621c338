// MEMORY, but for USAGE, which the target answers.
// Source: https://redis.io/docs/latest/commands/memory-stats/ and its neighbours.
#include <algorithm>
#include <cstdio>

#include "protocol/numbers.h"
#include "server/info.h"
#include "server/memory_use.h"
#include "server/node.h"
#include "server/node_commands.h"

namespace understudy::server {

namespace {

double Ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void HandleDoctor(NodeRequest& request) {
  constexpr uint64_t kSmall = 5 << 20;
  constexpr double kTooMuch = 1.4;
  MemoryUse use = ReadMemoryUse();
  std::string text;
  if (use.used < kSmall) {
    text = "Less than 5 MB are used, too little to say anything about it.\n";
  } else {
    auto line = [&text](const char* what, double ratio, const char* advice) {
      char number[160];
      snprintf(number, sizeof number, "%s: %.2f. %s\n", what, ratio, advice);
      text += number;
    };
    double fragmented = Ratio(use.active, use.used);
    double kept = Ratio(use.allocator_resident, use.active);
    if (fragmented > kTooMuch) {
      line("Pages in use beside bytes in use", fragmented,
           "Much was deleted since; a restart packs what is left.");
    }
    if (kept > kTooMuch) {
      line("Pages kept by the allocator beside pages in use", kept,
           "MEMORY PURGE gives them back.");
    }
    double past = Ratio(request.node.info_samples().memory_peak_bytes, use.used);
    if (past > 1.5) {
      line("Peak beside now", past, "What is resident may be more than what is needed now.");
    }
  }
  if (text.empty()) text = "Nothing about the use of memory stands out.\n";
  request.reply.Verbatim("txt", text);
}

void HandleMallocStats(NodeRequest& request) { request.reply.Verbatim("txt", AllocatorReport()); }

void HandlePurge(NodeRequest& request) {
  PurgeAllocator();
  request.reply.Ok();
}

void HandleStats(NodeRequest& request) {
  MemoryUse use = ReadMemoryUse();
  ClientMemory clients = MeasureClientMemory(request.node);
  uint64_t peak = std::max(request.node.info_samples().memory_peak_bytes, use.used);
  uint64_t log = request.node.host().member().log().bytes();
  targets::KeyspaceStats keyspace = targets::GetKeyspaceStats(request.node.host().target());
  uint64_t keys = 0;
  for (const auto& db : keyspace.dbs) keys += db.keys;
  uint64_t overhead = clients.clients + clients.peers + log;
  uint64_t dataset = use.used > overhead ? use.used - overhead : 0;
  auto& reply = request.reply;
  reply.Map(21);
  auto number = [&reply](std::string_view name, uint64_t value) {
    reply.Bulk(name);
    reply.Integer(static_cast<int64_t>(value));
  };
  auto decimal = [&reply](std::string_view name, double value) {
    reply.Bulk(name);
    reply.Double(value);
  };
  number("peak.allocated", peak);
  number("total.allocated", use.used);
  number("startup.allocated", 0);
  number("replication.backlog", log);
  number("clients.slaves", clients.peers);
  number("clients.normal", clients.clients);
  number("cluster.links", 0);
  number("aof.buffer", 0);
  number("lua.caches", 0);
  number("functions.caches", 0);
  number("overhead.total", overhead);
  number("keys.count", keys);
  number("keys.bytes-per-key", keys == 0 ? 0 : dataset / keys);
  number("dataset.bytes", dataset);
  decimal("dataset.percentage", 100 * Ratio(dataset, use.used));
  decimal("peak.percentage", 100 * Ratio(use.used, peak));
  number("allocator.allocated", use.used);
  number("allocator.active", use.active);
  number("allocator.resident", use.allocator_resident);
  decimal("fragmentation", Ratio(use.resident, use.used));
  number("fragmentation.bytes", use.resident > use.used ? use.resident - use.used : 0);
}

void HandleHelp(NodeRequest& request) {
  protocol::ReplyToHelp(request.node.table(), request.node.table().at(request.command.container),
                        &request.reply);
}

}  // namespace

std::span<const NamedHandler> MemoryCommandHandlers() {
  static constexpr NamedHandler kHandlers[] = {
      {"memory", ReplyUnknownSubcommand}, {"memory|doctor", HandleDoctor},
      {"memory|stats", HandleStats},      {"memory|malloc-stats", HandleMallocStats},
      {"memory|purge", HandlePurge},      {"memory|help", HandleHelp},
  };
  return kHandlers;
}

}  // namespace understudy::server
