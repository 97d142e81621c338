#include "server/info.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "protocol/numbers.h"
#include "server/memory_use.h"
#include "server/node.h"
#include "server/parameters.h"

#ifndef UNDERSTUDY_VERSION
#define UNDERSTUDY_VERSION "unknown"
#endif

namespace understudy::server {

namespace {

constexpr InfoSections Bit(InfoSection section) { return 1u << static_cast<unsigned>(section); }
constexpr InfoSections kAllSections = (Bit(InfoSection::kKeyspace) << 1) - 1;
constexpr InfoSections kDefaultSections =
    kAllSections & ~Bit(InfoSection::kCommandstats) & ~Bit(InfoSection::kLatencystats);

std::string Executable() {
  char path[4096];
  ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
  return size > 0 ? std::string(path, static_cast<size_t>(size)) : std::string();
}

std::string Listener(const Options& options, int port) {
  std::string text = "name=tcp";
  for (const std::string& host : options.bind) text += ",bind=" + host;
  return text + ",port=" + std::to_string(port);
}

void AppendServer(Node& node, InfoText* info) {
  const Options& options = node.config().options();
  const Identity& identity = node.identity();
  utsname system{};
  uname(&system);
  int64_t uptime = std::max<int64_t>(0, node.now() - identity.started_at) / 1000000;
  char run_id[48];
  snprintf(run_id, sizeof(run_id), "%040" PRIx64, identity.run);
  info->Section("Server");
  info->Text("redis_version", kRedisVersion);
  info->Text("understudy_version", UNDERSTUDY_VERSION);
  info->Text("redis_git_sha1", "00000000");
  info->Number("redis_git_dirty", 0);
  info->Text("redis_mode", "standalone");
  info->Text("os", std::string(system.sysname) + " " + system.release + " " + system.machine);
  info->Number("arch_bits", static_cast<int>(8 * sizeof(void*)));
  info->Text("monotonic_clock", "POSIX clock_gettime");
  info->Text("multiplexing_api", event_base_get_method(node.loop().base()));
#ifdef __clang__
  info->Text("clang_version", __clang_version__);
#else
  info->Text("gcc_version", __VERSION__);
#endif
  info->Number("process_id", static_cast<int64_t>(getpid()));
  info->Text("process_supervised", "no");
  info->Text("run_id", run_id);
  info->Number("tcp_port", identity.port);
  info->Number("server_time_usec", WallMicros());
  info->Number("uptime_in_seconds", uptime);
  info->Number("uptime_in_days", uptime / 86400);
  info->Number("hz", options.hz);
  info->Number("configured_hz", options.hz);
  info->Number("lru_clock", WallMillis() / 1000 & 0xffffff);
  info->Text("executable", Executable());
  info->Text("config_file", node.config().file());
  info->Number("io_threads_active", 0);
  info->Text("listener0", Listener(options, identity.port));
}

// What connections hold.
struct ConnectionUse {
  uint64_t clients = 0, peers = 0, subscribers = 0, waiting = 0, blocked = 0;
  uint64_t client_bytes = 0, peer_bytes = 0;
  uint64_t most_input = 0, most_output = 0;
};

ConnectionUse Measure(Node& node) {
  ConnectionUse use;
  node.connections().ForEach([&use](Connection& one) {
    uint64_t bytes = sizeof(Connection) + one.input_capacity() + one.replies().bytes();
    if (!one.session().peer_id.empty()) {
      ++use.peers;
      use.peer_bytes += bytes;
      return;
    }
    ++use.clients;
    use.client_bytes += bytes;
    if (one.session().subscriber()) ++use.subscribers;
    if (one.replies().waiting()) ++use.waiting;
    if (one.session().blocked != 0) ++use.blocked;
    use.most_input = std::max<uint64_t>(use.most_input, one.input_bytes());
    use.most_output = std::max<uint64_t>(use.most_output, one.replies().bytes());
  });
  return use;
}

void AppendClients(Node& node, const ConnectionUse& use, InfoText* info) {
  info->Section("Clients");
  info->Number("connected_clients", use.clients);
  info->Number("cluster_connections", use.peers);
  info->Number("maxclients", node.config().options().maxclients);
  info->Number("client_recent_max_input_buffer", use.most_input);
  info->Number("client_recent_max_output_buffer", use.most_output);
  info->Number("blocked_clients", use.blocked);
  info->Number("tracking_clients", node.tracking().clients());
  info->Number("pubsub_clients", use.subscribers);
  // At the global, of all nodes' clients.
  const BlockedCommands& blocked = node.blocked_commands();
  info->Number("clients_in_timeout_table", blocked.deadlines());
  info->Number("total_blocking_keys", blocked.keys());
  info->Number("total_blocking_keys_on_nokey", blocked.keys_of_any_change());
  info->Number("clients_awaiting_commit", use.waiting);  // not in Redis
}

double Percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

double Ratio(uint64_t part, uint64_t whole) { return Percent(part, whole) / 100; }

int64_t Difference(uint64_t more, uint64_t less) {
  return static_cast<int64_t>(more) - static_cast<int64_t>(less);
}

void AppendBytes(InfoText* info, const std::string& name, uint64_t bytes) {
  info->Number(name, bytes);
  info->Text(name + "_human", HumanBytes(bytes));
}

void AppendMemory(Node& node, const ConnectionUse& connections, InfoText* info) {
  MemoryUse use = ReadMemoryUse();
  uint64_t& peak = node.info_samples().memory_peak_bytes;
  peak = std::max(peak, use.used);
  uint64_t log = node.host().member().log().bytes();
  uint64_t overhead = connections.client_bytes + connections.peer_bytes + log;
  uint64_t dataset = use.used > overhead ? use.used - overhead : 0;
  info->Section("Memory");
  AppendBytes(info, "used_memory", use.used);
  AppendBytes(info, "used_memory_rss", use.resident);
  AppendBytes(info, "used_memory_peak", peak);
  info->Decimal("used_memory_peak_perc", Percent(use.used, peak), 2, "%");
  info->Number("used_memory_overhead", overhead);
  info->Number("used_memory_startup", 0);
  info->Number("used_memory_dataset", dataset);
  info->Decimal("used_memory_dataset_perc", Percent(dataset, use.used), 2, "%");
  info->Number("allocator_allocated", use.used);
  info->Number("allocator_active", use.active);
  info->Number("allocator_resident", use.allocator_resident);
  AppendBytes(info, "total_system_memory", use.system_total);
  AppendBytes(info, "used_memory_lua", 0);
  info->Number("used_memory_vm_eval", 0);
  info->Number("used_memory_scripts_eval", 0);
  info->Number("number_of_cached_scripts", 0);
  info->Number("number_of_functions", 0);
  info->Number("number_of_libraries", 0);
  AppendBytes(info, "used_memory_scripts", 0);
  AppendBytes(info, "maxmemory", static_cast<uint64_t>(node.config().options().maxmemory));
  info->Text("maxmemory_policy",
             FormatParameter(*FindParameter("maxmemory-policy"), node.config().options()));
  info->Decimal("allocator_frag_ratio", Ratio(use.active, use.used), 2);
  info->Number("allocator_frag_bytes", Difference(use.active, use.used));
  info->Decimal("allocator_rss_ratio", Ratio(use.allocator_resident, use.active), 2);
  info->Number("allocator_rss_bytes", Difference(use.allocator_resident, use.active));
  info->Decimal("rss_overhead_ratio", Ratio(use.resident, use.allocator_resident), 2);
  info->Number("rss_overhead_bytes", Difference(use.resident, use.allocator_resident));
  info->Decimal("mem_fragmentation_ratio", Ratio(use.resident, use.used), 2);
  info->Number("mem_fragmentation_bytes", Difference(use.resident, use.used));
  info->Number("mem_not_counted_for_evict", log);
  info->Number("mem_replication_backlog", log);
  info->Number("mem_total_replication_buffers", log + connections.peer_bytes);
  info->Number("mem_clients_slaves", connections.peer_bytes);
  info->Number("mem_clients_normal", connections.client_bytes);
  info->Number("mem_cluster_links", 0);
  info->Number("mem_aof_buffer", 0);
  info->Text("mem_allocator", AllocatorName());
  info->Number("active_defrag_running", 0);
  info->Number("lazyfree_pending_objects", 0);
  info->Number("lazyfreed_objects", 0);
}

void AppendPersistence(Node& node, InfoText* info) {
  const ClusterHost& host = node.host();
  info->Section("Persistence");
  info->Flag("loading", !host.settled());
  info->Number("async_loading", 0);
  const SnapshotMaker& maker = host.snapshots();
  const SnapshotMaker::Statistics& statistics = maker.statistics();
  const char* status = statistics.last_ok ? "ok" : "err";
  const bool saving = host.saving();
  const int64_t last_s =
      statistics.last_duration_us < 0 ? -1 : statistics.last_duration_us / 1'000'000;
  const int64_t current_s = maker.state() == SnapshotMaker::State::kIdle
                                ? -1
                                : (node.now() - maker.began_at()) / 1'000'000;
  // Entries of the log, which is what a node that starts has to read besides the snapshot.
  info->Number("rdb_changes_since_last_save",
               host.state_index() - std::min(host.state_index(), maker.saved_index()));
  info->Flag("rdb_bgsave_in_progress", saving);
  info->Number("rdb_last_save_time", node.last_save_s());
  info->Text("rdb_last_bgsave_status", status);
  info->Number("rdb_last_bgsave_time_sec", last_s);
  info->Number("rdb_current_bgsave_time_sec", current_s);
  info->Number("rdb_saves", statistics.saved);
  info->Number("rdb_last_cow_size", 0);

  info->Decimal("snapshot_progress_perc", saving ? 100 * maker.Progress() : 0.0,
                2);  // not in Redis
  // A snapshot is also what makes the log shorter.
  info->Flag("aof_enabled", host.durable());
  info->Flag("aof_rewrite_in_progress", saving && host.durable());
  info->Flag("aof_rewrite_scheduled",
             host.durable() && saving && maker.state() == SnapshotMaker::State::kIdle);
  info->Number("aof_last_rewrite_time_sec", host.durable() ? last_s : -1);
  info->Number("aof_current_rewrite_time_sec", host.durable() ? current_s : -1);
  info->Text("aof_last_bgrewrite_status", host.durable() ? status : "ok");
  info->Text("aof_last_write_status", host.member().disk_failed() ? "err" : "ok");
  info->Number("aof_last_cow_size", 0);
  if (host.durable()) {
    info->Number("aof_current_size", host.log_bytes());  // behind the newest snapshot
    info->Number("aof_base_size", maker.saved_bytes());
  }
  // Not in Redis: of the newest snapshot, how long it kept the event loop, at most and how often.
  info->Number("snapshot_longest_step_us", statistics.longest_step_us);
  info->Number("snapshot_longest_step_cpu_us", statistics.longest_step_cpu_us);
  info->Number("snapshot_steps", statistics.steps);
  info->Number("module_fork_in_progress", 0);
  info->Number("module_fork_last_cow_size", 0);
}

void AppendStats(Node& node, const targets::KeyspaceStats& keyspace, InfoText* info) {
  const ConnectionEnvironment& totals = node.environment();
  const InfoSamples& samples = node.info_samples();
  info->Section("Stats");
  info->Number("total_connections_received", node.connections().accepted());
  info->Number("total_commands_processed", totals.commands);
  info->Number("total_error_replies", node.instruments().statistics().error_replies());
  info->Number("instantaneous_ops_per_sec",
               static_cast<int64_t>(samples.commands.PerSecond() + 0.5));
  info->Number("total_net_input_bytes", totals.bytes_read);
  info->Number("total_net_output_bytes", totals.bytes_written);
  info->Number("total_net_repl_input_bytes", 0);
  info->Number("total_net_repl_output_bytes", 0);
  info->Decimal("instantaneous_input_kbps", samples.bytes_read.PerSecond() / 1024, 2);
  info->Decimal("instantaneous_output_kbps", samples.bytes_written.PerSecond() / 1024, 2);
  info->Decimal("instantaneous_input_repl_kbps", 0, 2);
  info->Decimal("instantaneous_output_repl_kbps", 0, 2);
  info->Number("rejected_connections", node.connections().rejected());
  info->Number("sync_full", node.host().snapshots_sent());
  info->Number("sync_partial_ok", 0);
  info->Number("sync_partial_err", 0);
  info->Number("expired_keys", keyspace.expired_keys);
  info->Decimal("expired_stale_perc", 0, 2);
  info->Number("expired_time_cap_reached_count", 0);
  info->Number("evicted_keys", keyspace.evicted_keys);
  info->Number("evicted_clients", 0);
  info->Number("keyspace_hits", keyspace.keyspace_hits);
  info->Number("keyspace_misses", keyspace.keyspace_misses);
  info->Number("tracking_total_keys", uint64_t{node.tracking().keys()});
  info->Number("tracking_total_items", uint64_t{node.tracking().items()});
  info->Number("tracking_total_prefixes", uint64_t{node.tracking().prefixes()});
  info->Number("pubsub_channels", node.subscriptions().names(Session::Subscription::kChannel));
  info->Number("pubsub_patterns", node.subscriptions().names(Session::Subscription::kPattern));
  info->Number("pubsubshard_channels",
               node.subscriptions().names(Session::Subscription::kShardChannel));
  info->Number("latest_fork_usec", 0);
  info->Number("total_forks", 0);
  info->Number("migrate_cached_sockets", 0);
  info->Number("slave_expires_tracked_keys", 0);
  info->Number("active_defrag_hits", 0);
  info->Number("active_defrag_misses", 0);
  info->Number("active_defrag_key_hits", 0);
  info->Number("active_defrag_key_misses", 0);
  info->Number("event_loop_turns", node.turns());  // not in Redis
}

void AppendCpu(InfoText* info) {
  auto append = [info](std::string_view who, const rusage& use) {
    std::string suffix(who);
    info->Seconds("used_cpu_sys" + suffix, use.ru_stime.tv_sec, use.ru_stime.tv_usec);
    info->Seconds("used_cpu_user" + suffix, use.ru_utime.tv_sec, use.ru_utime.tv_usec);
  };
  info->Section("CPU");
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  append("", use);
  getrusage(RUSAGE_CHILDREN, &use);
  append("_children", use);
  getrusage(RUSAGE_THREAD, &use);  // the event loop's, which answers
  append("_main_thread", use);
}

void AppendKeyspace(const targets::KeyspaceStats& keyspace, InfoText* info) {
  for (size_t i = 0; i < keyspace.dbs.size(); ++i) {
    const auto& db = keyspace.dbs[i];
    if (db.keys == 0) continue;
    char text[128];
    snprintf(text, sizeof(text), "keys=%" PRIu64 ",expires=%" PRIu64 ",avg_ttl=%" PRIu64, db.keys,
             db.expires, db.avg_ttl_ms);
    info->Text("db" + std::to_string(i), text);
  }
}

void AppendCommandStatistics(Node& node, InfoText* info) {
  info->Section("Commandstats");
  const CommandStatistics& statistics = node.instruments().statistics();
  for (const protocol::Command& command : node.table().all()) {
    const CommandStatistics::Row& row = statistics.row(command);
    if (row.calls == 0 && row.rejected == 0) continue;
    char text[160];
    double microseconds = static_cast<double>(row.nanoseconds) / 1000;
    snprintf(text, sizeof text,
             "calls=%" PRIu64 ",usec=%" PRIu64 ",usec_per_call=%.2f,rejected_calls=%" PRIu64
             ",failed_calls=%" PRIu64,
             row.calls, row.nanoseconds / 1000,
             row.calls == 0 ? 0.0 : microseconds / static_cast<double>(row.calls), row.rejected,
             row.failed);
    info->Text("cmdstat_" + command.full_name, text);
  }
}

void AppendErrorStatistics(Node& node, InfoText* info) {
  info->Section("Errorstats");
  for (const auto& [word, count] : node.instruments().statistics().errors()) {
    info->Text("errorstat_" + word, "count=" + std::to_string(count));
  }
}

void AppendLatencyStatistics(Node& node, InfoText* info) {
  info->Section("Latencystats");
  const CommandStatistics& statistics = node.instruments().statistics();
  for (const protocol::Command& command : node.table().all()) {
    const DurationHistogram* histogram = statistics.row(command).histogram.get();
    if (histogram == nullptr) continue;
    auto micros = [histogram](double percent) {
      return static_cast<double>(histogram->PercentileNanoseconds(percent)) / 1000;
    };
    char text[96];
    snprintf(text, sizeof text, "p50=%.3f,p99=%.3f,p99.9=%.3f", micros(50), micros(99),
             micros(99.9));
    info->Text("latency_percentiles_usec_" + command.full_name, text);
  }
}

}  // namespace

InfoSections ParseInfoSections(std::span<const std::string_view> words) {
  static constexpr std::pair<std::string_view, InfoSections> kWords[] = {
      {"default", kDefaultSections},
      {"all", kAllSections & ~Bit(InfoSection::kModules)},
      {"commandstats", Bit(InfoSection::kCommandstats)},
      {"errorstats", Bit(InfoSection::kErrorstats)},
      {"latencystats", Bit(InfoSection::kLatencystats)},
      {"everything", kAllSections},
      {"server", Bit(InfoSection::kServer)},
      {"clients", Bit(InfoSection::kClients)},
      {"memory", Bit(InfoSection::kMemory)},
      {"persistence", Bit(InfoSection::kPersistence)},
      {"stats", Bit(InfoSection::kStats)},
      {"replication", Bit(InfoSection::kReplication)},
      {"cpu", Bit(InfoSection::kCpu)},
      {"modules", Bit(InfoSection::kModules)},
      {"cluster", Bit(InfoSection::kCluster)},
      {"keyspace", Bit(InfoSection::kKeyspace)},
  };
  if (words.empty()) return kDefaultSections;
  InfoSections sections = 0;
  for (std::string_view word : words) {
    for (const auto& [name, bits] : kWords) {
      if (protocol::EqualsIgnoreCase(word, name)) sections |= bits;
    }
  }
  return sections;
}

bool ShowsKeyspace(InfoSections sections) { return (sections & Bit(InfoSection::kKeyspace)) != 0; }

std::string MakeInfo(Node& node, InfoSections sections, bool with_keyspace) {
  auto wanted = [sections](InfoSection section) { return (sections & Bit(section)) != 0; };
  InfoText info;
  ConnectionUse connections;
  if (wanted(InfoSection::kClients) || wanted(InfoSection::kMemory)) connections = Measure(node);
  targets::KeyspaceStats keyspace;
  if (wanted(InfoSection::kStats) || wanted(InfoSection::kKeyspace)) {
    keyspace = targets::GetKeyspaceStats(node.host().target());
  }
  if (wanted(InfoSection::kServer)) AppendServer(node, &info);
  if (wanted(InfoSection::kClients)) AppendClients(node, connections, &info);
  if (wanted(InfoSection::kMemory)) AppendMemory(node, connections, &info);
  if (wanted(InfoSection::kPersistence)) AppendPersistence(node, &info);
  if (wanted(InfoSection::kStats)) AppendStats(node, keyspace, &info);
  if (wanted(InfoSection::kReplication)) AppendReplicationInfo(node, &info);
  if (wanted(InfoSection::kCpu)) AppendCpu(&info);
  if (wanted(InfoSection::kModules)) info.Section("Modules");
  if (wanted(InfoSection::kCluster)) AppendClusterInfo(node, &info);
  if (wanted(InfoSection::kCommandstats)) AppendCommandStatistics(node, &info);
  if (wanted(InfoSection::kErrorstats)) AppendErrorStatistics(node, &info);
  if (wanted(InfoSection::kLatencystats)) AppendLatencyStatistics(node, &info);
  if (wanted(InfoSection::kKeyspace)) {
    info.Section("Keyspace");
    if (with_keyspace) AppendKeyspace(keyspace, &info);
  }
  return info.Take();
}

ClientMemory MeasureClientMemory(Node& node) {
  ConnectionUse use = Measure(node);
  return {use.client_bytes, use.peer_bytes};
}

void SampleStatistics(Node& node) {
  InfoSamples& samples = node.info_samples();
  const ConnectionEnvironment& totals = node.environment();
  samples.commands.Sample(node.now(), totals.commands);
  samples.bytes_read.Sample(node.now(), totals.bytes_read);
  samples.bytes_written.Sample(node.now(), totals.bytes_written);
  samples.memory_peak_bytes = std::max(samples.memory_peak_bytes, ReadMemoryUse().used);
}

void InfoText::Section(std::string_view name) {
  if (!text_.empty()) text_ += "\r\n";
  text_.append("# ").append(name).append("\r\n");
}

void InfoText::Text(std::string_view name, std::string_view value) {
  text_.append(name).append(":").append(value).append("\r\n");
}

void InfoText::Number(std::string_view name, int64_t value) { Text(name, std::to_string(value)); }
void InfoText::Number(std::string_view name, uint64_t value) { Text(name, std::to_string(value)); }

void InfoText::Decimal(std::string_view name, double value, int digits, std::string_view unit) {
  char text[64];
  snprintf(text, sizeof(text), "%.*f", digits, value);
  Text(name, std::string(text).append(unit));
}

void InfoText::Seconds(std::string_view name, int64_t seconds, int64_t micros) {
  char text[64];
  snprintf(text, sizeof(text), "%" PRId64 ".%06" PRId64, seconds, micros);
  Text(name, text);
}

}  // namespace understudy::server
