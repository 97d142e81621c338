// What a node is told at its start: options from a configuration file and from the command line.
//
//   understudy-server [config-file] [--name value ...]
//
// A file has lines `name value ...`, with Redis' quoting, comments (#) and `include path`; the
// command line comes after it and wins. Names, values and units are Redis' wherever Redis has the
// option (https://redis.io/docs/latest/operate/oss_and_stack/management/config/). All options are
// rows of the table in server/parameters.h: what can be set here can be asked by CONFIG GET.
//
// Plain values; no I/O but reading configuration files. Errors are one line of text.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/logger.h"
#include "targets/eviction.h"

namespace understudy::server {

enum class FsyncPolicy : uint8_t { kEverySecond, kAlways, kNo };  // --appendfsync
enum class LoadCommand : uint8_t { kNo, kYes, kLocal };           // --enable-target-load-command
enum class ReadMode : uint8_t { kLease, kQuorum };                // --reads

// client-output-buffer-limit of one class of clients; 0: no limit.
struct OutputLimit {
  int64_t hard_bytes = 0;  // above this the client is disconnected at once
  int64_t soft_bytes = 0;  // above this for longer than soft_seconds too
  int64_t soft_seconds = 0;
  bool operator==(const OutputLimit&) const = default;
};
enum class ClientClass : uint8_t { kNormal, kReplica, kPubSub };
using OutputLimits = std::array<OutputLimit, 3>;  // by ClientClass

struct Options {
  // Network
  int64_t port = 6379;
  std::vector<std::string> bind = {"127.0.0.1", "-::1"};  // "-": may be missing on this host
  int64_t tcp_backlog = 511;
  int64_t tcp_keepalive_s = 300;  // 0: off
  int64_t timeout_s = 0;          // idle clients are closed; 0: never
  int64_t maxclients = 10000;

  // Cluster
  std::string name;                     // "node-<port>" unless given; empty for port 0
  std::vector<std::string> join;        // "host:port"
  std::vector<std::string> loadtarget;  // files
  LoadCommand enable_target_load_command = LoadCommand::kLocal;
  std::string cluster_announce_ip;    // where peers reach this node; empty: found out by itself
  int64_t cluster_announce_port = 0;  // 0: port
  int64_t lock_ttl_ms = 1000;
  int64_t cluster_wait_ms = 5000;
  int64_t busy_limit_ms = 10000;
  ReadMode reads = ReadMode::kLease;
  bool trust_refusal = true;

  // Files
  std::string dir = ".";  // absolute after ParseCommandLine
  bool appendonly = true;
  FsyncPolicy appendfsync = FsyncPolicy::kAlways;
  int64_t auto_aof_rewrite_min_size = 64ll << 20;
  int64_t auto_aof_rewrite_percentage = 100;  // 0: never by itself

  // Security
  std::string requirepass;
  std::string masterauth;

  // Limits
  int64_t maxmemory = 0;  // bytes; 0: no limit
  targets::EvictionPolicy maxmemory_policy = targets::EvictionPolicy::kNoEviction;
  int64_t maxmemory_samples = 5;
  int64_t lfu_log_factor = 10;
  int64_t lfu_decay_time_min = 1;
  int64_t min_replicas_to_write = 0;
  int64_t proto_max_bulk_len = 512ll << 20;
  int64_t client_query_buffer_limit = 1ll << 30;
  OutputLimits client_output_buffer_limit = {
      {{}, {256ll << 20, 64ll << 20, 60}, {32ll << 20, 8ll << 20, 60}}};

  // Targets
  int64_t databases = 16;
  int64_t chat_history = 10000;

  // Compact forms of values, see targets/container_limits.h
  int64_t hash_max_listpack_entries = 512;
  int64_t hash_max_listpack_value = 64;
  int64_t list_max_listpack_size = -2;
  int64_t list_compress_depth = 0;  // of no consequence: nodes of lists aren't compressed
  int64_t set_max_intset_entries = 512;
  int64_t set_max_listpack_entries = 128;
  int64_t set_max_listpack_value = 64;
  int64_t zset_max_listpack_entries = 128;
  int64_t zset_max_listpack_value = 64;
  int64_t stream_node_max_bytes = 4096;
  int64_t stream_node_max_entries = 100;
  int64_t hll_sparse_max_bytes = 3000;

  int64_t tracking_table_max_keys = 1000000;  // 0: no limit

  // Observation
  int64_t slowlog_log_slower_than = 10000;  // µs; -1: nothing is logged
  int64_t slowlog_max_len = 128;
  int64_t latency_monitor_threshold = 0;  // ms; 0: off

  // Process
  int64_t hz = 10;  // calls a second of the targets' work by the clock
  Logger::Level loglevel = Logger::Level::kNotice;
  std::string logfile;  // absolute after ParseCommandLine; empty: standard output
  bool daemonize = false;
  std::string pidfile;  // absolute after ParseCommandLine; empty: none

  // Parameters of Redis that decide nothing here, by name: those that were given a value.
  std::map<std::string, std::string, std::less<>> kept;

  // The password that nodes use between themselves.
  const std::string& PeerPassword() const { return masterauth.empty() ? requirepass : masterauth; }
};

// What the command line asks for.
struct CommandLine {
  enum class Action : uint8_t { kRun, kHelp, kVersion, kPrintCommands, kInspectLog };
  Action action = Action::kRun;
  Options options;
  std::string config_file;  // absolute; empty: none
  std::string inspect_dir;  // --inspect-log
};

// Reads `arguments` (without the program's name) and the configuration file they name. False: bad,
// and `error` says why in one line.
bool ParseCommandLine(const std::vector<std::string>& arguments, CommandLine* out,
                      std::string* error);

std::string HelpText();     // --help: several lines, each ended
std::string VersionText();  // --version: one line, not ended

// Splits a line of a configuration file into words: separated by spaces, "quoted" with \n \r \t \b
// \a \" \\ \xHH, or 'quoted' with \'. False: unbalanced quotes.
bool SplitConfigLine(std::string_view line, std::vector<std::string>* words);
// One word as it must stand in a line: quoted if it needs quotes.
std::string QuoteConfigWord(std::string_view word);

}  // namespace understudy::server
