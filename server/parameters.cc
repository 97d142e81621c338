#include "server/parameters.h"

#include <algorithm>

#include "protocol/numbers.h"

namespace understudy::server {

namespace {

using Change = Parameter::Change;
using Unit = Parameter::Unit;
constexpr int64_t kInt32Max = std::numeric_limits<int32_t>::max();
constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();
constexpr size_t kMaxListLength = 64;
constexpr size_t kMaxPasswordBytes = 512;

// Words of the enumerations, by value.
constexpr std::string_view kFsyncWords[] = {"everysec", "always", "no"};
constexpr std::string_view kLoadWords[] = {"no", "yes", "local"};
constexpr std::string_view kReadWords[] = {"lease", "quorum"};
constexpr std::string_view kEvictionWords[] = {
    "noeviction",   "allkeys-lru",  "allkeys-lfu",     "allkeys-random",
    "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"};
constexpr std::string_view kLevelWords[] = {"debug", "verbose", "notice", "warning"};
std::span<const std::string_view> WordsOf(FsyncPolicy) { return kFsyncWords; }
std::span<const std::string_view> WordsOf(LoadCommand) { return kLoadWords; }
std::span<const std::string_view> WordsOf(ReadMode) { return kReadWords; }
std::span<const std::string_view> WordsOf(targets::EvictionPolicy) { return kEvictionWords; }
std::span<const std::string_view> WordsOf(Logger::Level) { return kLevelWords; }

constexpr std::string_view kClassWords[] = {"normal", "slave", "pubsub"};

bool CheckName(std::string_view text, std::string* why) {
  auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (!text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), good))
    return true;
  *why = "argument must be 1 to 64 letters, digits, '-', '_' or '.'";
  return false;
}

bool CheckPassword(std::string_view text, std::string* why) {
  if (text.size() <= kMaxPasswordBytes) return true;
  *why = "Password is longer than CONFIG_AUTHPASS_MAX_LEN";
  return false;
}

bool CheckText(std::string_view text, std::string* why) {
  auto bad = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  if (text.size() <= 4096 && std::none_of(text.begin(), text.end(), bad)) return true;
  *why = "argument is too long or has control characters";
  return false;
}

bool CheckDir(std::string_view text, std::string* why) {
  if (!text.empty()) return CheckText(text, why);
  *why = "argument must be a directory";
  return false;
}

bool CheckHost(std::string_view text, std::string* why) {
  auto bad = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  if (!text.empty() && text.size() <= 255 && std::none_of(text.begin(), text.end(), bad)) {
    return true;
  }
  *why = "argument must be an address";
  return false;
}

bool CheckOptionalHost(std::string_view text, std::string* why) {
  return text.empty() || CheckHost(text, why);
}

bool CheckHostAndPort(std::string_view text, std::string* why) {
  size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && CheckHost(text.substr(0, colon), why)) {
    auto port = protocol::ParseInteger(text.substr(colon + 1));
    if (port && *port >= 1 && *port <= 65535) return true;
  }
  *why = "argument must be host:port";
  return false;
}

constexpr Parameter Fixed(std::string_view name, std::string_view value) {
  Parameter row;
  row.name = name;
  row.change = Change::kFixed;
  row.fixed_value = value;
  return row;
}

bool CheckYesNo(std::string_view text, std::string* why) {
  if (protocol::EqualsIgnoreCase(text, "yes") || protocol::EqualsIgnoreCase(text, "no")) return true;
  *why = "argument must be 'yes' or 'no'";
  return false;
}

bool CheckInteger(std::string_view text, std::string* why) {
  if (protocol::ParseInteger(text)) return true;
  *why = "argument couldn't be parsed into an integer";
  return false;
}

bool CheckMemory(std::string_view text, std::string* why) {
  int64_t bytes = 0;
  if (ParseMemory(text, &bytes)) return true;
  *why = "argument must be a memory value";
  return false;
}

constexpr Parameter Kept(std::string_view name, std::string_view value, Parameter::Check check) {
  Parameter row;
  row.name = name;
  row.change = Change::kKept;
  row.fixed_value = value;
  row.check = check;
  return row;
}

const Parameter kParameters[] = {
    {.group = "Network",
     .name = "port",
     .field = &Options::port,
     .value_name = "<port>",
     .help = "TCP port for clients and for the other nodes; 0: any free one, named in the log",
     .max = 65535},
    {.group = "Network",
     .name = "bind",
     .field = &Options::bind,
     .value_name = "<address ...>",
     .help = "addresses to listen on; * for all of IPv4, ::* for all of IPv6; one with a - before "
             "it may be missing on this host",
     .check = CheckHost},
    {.group = "Network",
     .name = "tcp-backlog",
     .field = &Options::tcp_backlog,
     .value_name = "<count>",
     .help = "connections that may wait to be accepted",
     .max = kInt32Max},
    {.group = "Network",
     .name = "tcp-keepalive",
     .field = &Options::tcp_keepalive_s,
     .change = Change::kAtRunTime,
     .value_name = "<seconds>",
     .help = "probe clients that are silent for so long; 0: never",
     .max = kInt32Max},
    {.group = "Network",
     .name = "timeout",
     .field = &Options::timeout_s,
     .change = Change::kAtRunTime,
     .value_name = "<seconds>",
     .help = "close clients that are idle for so long; 0: never",
     .max = kInt32Max},
    {.group = "Network",
     .name = "maxclients",
     .field = &Options::maxclients,
     .change = Change::kAtRunTime,
     .value_name = "<count>",
     .help = "clients connected at the same time",
     .min = 1,
     .max = 4294967295},

    {.group = "Cluster",
     .name = "name",
     .field = &Options::name,
     .value_name = "<name>",
     .help = "this node's name, for people; node-<port> unless given",
     .check = CheckName},
    {.group = "Cluster",
     .name = "join",
     .field = &Options::join,
     .value_name = "<host:port[,...]>",
     .help = "join the cluster that any of these nodes belongs to, unless this node's directory "
             "says that it is a member of one; without it a new node makes a cluster of its own",
     .check = CheckHostAndPort,
     .separator = ','},
    {.group = "Cluster",
     .name = "loadtarget",
     .field = &Options::loadtarget,
     .value_name = "<file[,...]>",
     .help = "shared objects with target types (see README.md, \"Write your own target\")",
     .check = CheckText,
     .separator = ','},
    {.group = "Cluster",
     .name = "enable-target-load-command",
     .field = &Options::enable_target_load_command,
     .value_name = "<yes|no|local>",
     .help = "who may load more of them with TARGET.LOAD; local: clients on this host"},
    {.group = "Cluster",
     .name = "cluster-announce-ip",
     .field = &Options::cluster_announce_ip,
     .value_name = "<address>",
     .help = "where the other nodes reach this one, if that isn't an address it listens on",
     .check = CheckOptionalHost},
    {.group = "Cluster",
     .name = "cluster-announce-port",
     .field = &Options::cluster_announce_port,
     .value_name = "<port>",
     .help = "the same for the port; 0: --port",
     .max = 65535},
    {.group = "Cluster",
     .name = "lock-ttl",
     .field = &Options::lock_ttl_ms,
     .value_name = "<milliseconds>",
     .help = "time to live of the lock key: after so much silence of the global another node takes "
             "its place. The same on all nodes",
     .min = 50,
     .max = 600000},
    {.group = "Cluster",
     .name = "busy-limit",
     .field = &Options::busy_limit_ms,
     .change = Change::kAtRunTime,
     .value_name = "<milliseconds>",
     .help = "how long the global keeps its lock during one command; what takes longer on two "
             "globals is answered with an error",
     .max = 3600000},
    {.group = "Cluster",
     .name = "cluster-wait",
     .field = &Options::cluster_wait_ms,
     .change = Change::kAtRunTime,
     .value_name = "<milliseconds>",
     .help = "how long a command waits for a global before it gets an error",
     .max = 3600000},
    {.group = "Cluster",
     .name = "reads",
     .field = &Options::reads,
     .change = Change::kAtRunTime,
     .value_name = "<lease|quorum>",
     .help = "lease: the global answers reads while its lease holds; quorum: a majority confirms "
             "each batch of reads, and no clock is trusted"},
    {.group = "Cluster",
     .name = "trust-refusal",
     .field = &Options::trust_refusal,
     .value_name = "<yes|no>",
     .help = "take a refused connection as the proof that a node's process is dead. no: behind "
             "proxies that refuse for a host that lives"},

    {.group = "Files",
     .name = "dir",
     .field = &Options::dir,
     .value_name = "<directory>",
     .help = "this node's data; made if missing",
     .check = CheckDir},
    {.group = "Files",
     .name = "appendonly",
     .field = &Options::appendonly,
     .value_name = "<yes|no>",
     .help = "keep the log in files; no: in memory only"},
    {.group = "Files",
     .name = "appendfsync",
     .field = &Options::appendfsync,
     .change = Change::kAtRunTime,
     .value_name = "<always|everysec|no>",
     .help = "when a write counts as kept by a node: after its fsync (always), or once the kernel "
             "has it, with an fsync every second (everysec) or none (no)"},
    {.group = "Files",
     .name = "auto-aof-rewrite-min-size",
     .field = &Options::auto_aof_rewrite_min_size,
     .change = Change::kAtRunTime,
     .value_name = "<bytes>",
     .help = "a snapshot replaces the log's older files when the log behind the last snapshot is "
             "longer than this",
     .max = kInt64Max,
     .unit = Unit::kMemory},
    {.group = "Files",
     .name = "auto-aof-rewrite-percentage",
     .field = &Options::auto_aof_rewrite_percentage,
     .change = Change::kAtRunTime,
     .value_name = "<percentage>",
     .help = "and longer than this share of the last snapshot's size; 0: never by itself",
     .max = kInt32Max},

    {.group = "Security",
     .name = "requirepass",
     .field = &Options::requirepass,
     .change = Change::kAtRunTime,
     .value_name = "<password>",
     .help = "clients must give it with AUTH or HELLO",
     .check = CheckPassword},
    {.group = "Security",
     .name = "masterauth",
     .field = &Options::masterauth,
     .change = Change::kAtRunTime,
     .value_name = "<password>",
     .help = "nodes give it to each other; --requirepass unless given",
     .check = CheckPassword},

    {.group = "Limits",
     .name = "maxmemory",
     .field = &Options::maxmemory,
     .change = Change::kAtRunTime,
     .value_name = "<bytes>",
     .help = "memory above which the global evicts keys, or refuses writes that need more; 0: no "
             "limit",
     .unit = Unit::kMemory},
    {.group = "Limits",
     .name = "maxmemory-policy",
     .field = &Options::maxmemory_policy,
     .change = Change::kAtRunTime,
     .value_name = "<policy>",
     .help = "which keys go then: noeviction, or allkeys-lru, -lfu, -random, or volatile-lru, -lfu, "
             "-random, -ttl"},
    {.group = "Limits",
     .name = "maxmemory-samples",
     .field = &Options::maxmemory_samples,
     .change = Change::kAtRunTime,
     .value_name = "<count>",
     .help = "keys looked at for one that goes",
     .min = 1,
     .max = 64},
    {.group = "Limits",
     .name = "lfu-log-factor",
     .field = &Options::lfu_log_factor,
     .change = Change::kAtRunTime,
     .value_name = "<number>",
     .help = "how hard the counter of a key's uses grows",
     .max = kInt32Max},
    {.group = "Limits",
     .name = "lfu-decay-time",
     .field = &Options::lfu_decay_time_min,
     .change = Change::kAtRunTime,
     .value_name = "<minutes>",
     .help = "after so long without use that counter goes down by one; 0: never",
     .max = kInt32Max},
    {.group = "Limits",
     .name = "min-replicas-to-write",
     .field = &Options::min_replicas_to_write,
     .change = Change::kAtRunTime,
     .value_name = "<count>",
     .help = "connected locals without which the global refuses writes; a majority is needed in any "
             "case",
     .max = kInt32Max},
    {.group = "Limits",
     .name = "proto-max-bulk-len",
     .field = &Options::proto_max_bulk_len,
     .change = Change::kAtRunTime,
     .value_name = "<bytes>",
     .help = "longest argument, and longest string value",
     .min = 1 << 20,
     .max = kInt64Max,
     .unit = Unit::kMemory},
    {.group = "Limits",
     .name = "client-query-buffer-limit",
     .field = &Options::client_query_buffer_limit,
     .change = Change::kAtRunTime,
     .value_name = "<bytes>",
     .help = "input of a client that waits to be executed",
     .min = 1 << 20,
     .max = kInt64Max,
     .unit = Unit::kMemory},
    {.group = "Limits",
     .name = "client-output-buffer-limit",
     .field = &Options::client_output_buffer_limit,
     .change = Change::kAtRunTime,
     .value_name = "<class hard soft seconds ...>",
     .help = "output that a client doesn't fetch; class: normal, replica or pubsub; above hard "
             "bytes, or soft bytes for so many seconds, it is disconnected; 0: no limit"},

    {.group = "Limits",
     .name = "tracking-table-max-keys",
     .field = &Options::tracking_table_max_keys,
     .change = Change::kAtRunTime,
     .value_name = "<count>",
     .help = "keys that CLIENT TRACKING remembers; 0: no limit"},

    {.group = "Targets",
     .name = "databases",
     .field = &Options::databases,
     .value_name = "<count>",
     .help = "for SELECT. The same on all nodes",
     .min = 1,
     .max = 1 << 16},
    {.group = "Targets",
     .name = "chat-history",
     .field = &Options::chat_history,
     .value_name = "<count>",
     .help = "messages that a chat room keeps. The same on all nodes",
     .min = 1,
     .max = kInt32Max},

    {.group = "Forms of values",
     .name = "hash-max-listpack-entries",
     .alias = "hash-max-ziplist-entries",
     .field = &Options::hash_max_listpack_entries,
     .change = Change::kAtRunTime,
     .value_name = "<count>",
     .help = "fields up to which a hash is kept in its compact form"},
    {.group = "Forms of values",
     .name = "hash-max-listpack-value",
     .alias = "hash-max-ziplist-value",
     .field = &Options::hash_max_listpack_value,
     .change = Change::kAtRunTime,
     .value_name = "<bytes>",
     .help = "length of the longest field or value in such a hash",
     .unit = Unit::kMemory},
    {.group = "Forms of values",
     .name = "list-max-listpack-size",
     .alias = "list-max-ziplist-size",
     .field = &Options::list_max_listpack_size,
     .change = Change::kAtRunTime,
     .value_name = "<number>",
     .help = "elements in a node of a list; -1 to -5: 4 to 64 kb instead",
     .min = INT32_MIN,
     .max = kInt32Max},
    {.group = "Forms of values",
     .name = "list-compress-depth",
     .field = &Options::list_compress_depth,
     .change = Change::kAtRunTime,
     .value_name = "<count>",
     .help = "accepted, and of no consequence: lists are never compressed",
     .max = kInt32Max},
    {.group = "Forms of values",
     .name = "set-max-intset-entries",
     .field = &Options::set_max_intset_entries,
     .change = Change::kAtRunTime,
     .value_name = "<count>",
     .help = "integers up to which a set is kept as a sorted array"},
    {.group = "Forms of values",
     .name = "set-max-listpack-entries",
     .field = &Options::set_max_listpack_entries,
     .change = Change::kAtRunTime,
     .value_name = "<count>",
     .help = "members up to which a set is kept in its compact form"},
    {.group = "Forms of values",
     .name = "set-max-listpack-value",
     .field = &Options::set_max_listpack_value,
     .change = Change::kAtRunTime,
     .value_name = "<bytes>",
     .help = "length of the longest member of such a set"},
    {.group = "Forms of values",
     .name = "zset-max-listpack-entries",
     .alias = "zset-max-ziplist-entries",
     .field = &Options::zset_max_listpack_entries,
     .change = Change::kAtRunTime,
     .value_name = "<count>",
     .help = "members up to which a sorted set is kept in its compact form"},
    {.group = "Forms of values",
     .name = "zset-max-listpack-value",
     .alias = "zset-max-ziplist-value",
     .field = &Options::zset_max_listpack_value,
     .change = Change::kAtRunTime,
     .value_name = "<bytes>",
     .help = "length of the longest member of such a sorted set",
     .unit = Unit::kMemory},

    {.group = "Forms of values",
     .name = "stream-node-max-bytes",
     .field = &Options::stream_node_max_bytes,
     .change = Change::kAtRunTime,
     .value_name = "<bytes>",
     .help = "size of a node of a stream; 0: as large as can be",
     .unit = Unit::kMemory},
    {.group = "Forms of values",
     .name = "stream-node-max-entries",
     .field = &Options::stream_node_max_entries,
     .change = Change::kAtRunTime,
     .value_name = "<count>",
     .help = "entries in a node of a stream; 0: as many as there is room for"},
    {.group = "Forms of values",
     .name = "hll-sparse-max-bytes",
     .field = &Options::hll_sparse_max_bytes,
     .change = Change::kAtRunTime,
     .value_name = "<bytes>",
     .help = "size up to which a HyperLogLog is kept in its sparse form",
     .unit = Unit::kMemory},

    {.group = "Observation",
     .name = "slowlog-log-slower-than",
     .field = &Options::slowlog_log_slower_than,
     .change = Change::kAtRunTime,
     .value_name = "<microseconds>",
     .help = "commands that take longer are in the slow log; 0: all are; -1: none is",
     .min = -1},
    {.group = "Observation",
     .name = "slowlog-max-len",
     .field = &Options::slowlog_max_len,
     .change = Change::kAtRunTime,
     .value_name = "<count>",
     .help = "entries that the slow log keeps",
     .max = 1 << 20},
    {.group = "Observation",
     .name = "latency-monitor-threshold",
     .field = &Options::latency_monitor_threshold,
     .change = Change::kAtRunTime,
     .value_name = "<milliseconds>",
     .help = "what holds the server up for longer is noted for LATENCY; 0: nothing is"},

    {.group = "Process",
     .name = "hz",
     .field = &Options::hz,
     .change = Change::kAtRunTime,
     .value_name = "<count>",
     .help = "how often a second keys are searched for expired ones; 1 to 500",
     .min = 1,
     .max = 500,
     .clamp = true},
    {.group = "Process",
     .name = "loglevel",
     .field = &Options::loglevel,
     .change = Change::kAtRunTime,
     .value_name = "<level>",
     .help = "debug, verbose, notice or warning"},
    {.group = "Process",
     .name = "logfile",
     .field = &Options::logfile,
     .value_name = "<file>",
     .help = "where the log goes, relative to --dir; empty: to the standard output",
     .check = CheckText},
    {.group = "Process",
     .name = "daemonize",
     .field = &Options::daemonize,
     .value_name = "<yes|no>",
     .help = "run in the background"},
    {.group = "Process",
     .name = "pidfile",
     .field = &Options::pidfile,
     .value_name = "<file>",
     .help = "where to write the process id, relative to --dir; empty: nowhere",
     .check = CheckText},

    // When to save: --auto-aof-rewrite-* rules it.
    Kept("save", "", CheckText),
    Kept("aof-use-rdb-preamble", "yes", CheckYesNo),
    Kept("rdb-key-save-delay", "0", CheckInteger),
    Kept("rdbcompression", "yes", CheckYesNo),
    Kept("sanitize-dump-payload", "yes", CheckText),  // always sanitized
    // Replication: --lock-ttl rules it.
    Kept("repl-ping-replica-period", "10", CheckInteger),
    Kept("min-replicas-max-lag", "10", CheckInteger),
    Kept("maxmemory-eviction-tenacity", "10", CheckInteger),
    Kept("replica-ignore-maxmemory", "yes", CheckYesNo),
    Kept("repl-timeout", "60", CheckInteger),
    Kept("repl-backlog-size", "1048576", CheckMemory),
    Kept("repl-diskless-sync", "yes", CheckYesNo),
    Kept("repl-diskless-sync-delay", "5", CheckInteger),
    Kept("replica-read-only", "yes", CheckYesNo),
    Kept("replica-serve-stale-data", "yes", CheckYesNo),
    Kept("replica-priority", "100", CheckInteger),
    // Freed in small steps in any case.
    Kept("lazyfree-lazy-eviction", "yes", CheckYesNo),
    Kept("lazyfree-lazy-expire", "yes", CheckYesNo),
    Kept("lazyfree-lazy-server-del", "yes", CheckYesNo),
    Kept("lazyfree-lazy-user-del", "yes", CheckYesNo),
    Kept("lazyfree-lazy-user-flush", "yes", CheckYesNo),
    Kept("activerehashing", "yes", CheckYesNo),
    Kept("dynamic-hz", "yes", CheckYesNo),
    // No scripts.
    Kept("lua-time-limit", "5000", CheckInteger),
    Kept("busy-reply-threshold", "5000", CheckInteger),

    Fixed("maxmemory-clients", "0"),
    Fixed("notify-keyspace-events", ""),
    Fixed("cluster-enabled", "no"),
    Fixed("replicaof", ""),
    Fixed("protected-mode", "no"),
    Fixed("io-threads", "1"),
    Fixed("tls-port", "0"),
    Fixed("unixsocket", ""),
    Fixed("aclfile", ""),
    Fixed("supervised", "no"),
    Fixed("activedefrag", "no"),
};

std::string Join(const std::vector<std::string>& words, char separator) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += separator;
    out += word;
  }
  return out;
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    size_t end = std::min(text.find(separator), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// --- values as text ----------------------------------------------------------------------------

std::string Format(const Parameter&, bool value) { return value ? "yes" : "no"; }
std::string Format(const Parameter&, int64_t value) { return std::to_string(value); }
std::string Format(const Parameter&, const std::string& value) { return value; }
std::string Format(const Parameter& row, const std::vector<std::string>& value) {
  return Join(value, row.separator);
}
template <typename Enum>
requires std::is_enum_v<Enum> std::string Format(const Parameter&, Enum value) {
  return std::string(WordsOf(value)[static_cast<size_t>(value)]);
}
std::string Format(const Parameter&, const OutputLimits& limits) {
  std::string out;
  for (size_t i = 0; i < limits.size(); i++) {
    if (i > 0) out += ' ';
    out.append(kClassWords[i]);
    for (int64_t number : {limits[i].hard_bytes, limits[i].soft_bytes, limits[i].soft_seconds}) {
      out += ' ' + std::to_string(number);
    }
  }
  return out;
}

// --- text as values ----------------------------------------------------------------------------

bool ParseOneOf(std::span<const std::string_view> words, std::string_view text, size_t* index,
                std::string* why) {
  for (size_t i = 0; i < words.size(); i++) {
    if (protocol::EqualsIgnoreCase(text, words[i])) {
      *index = i;
      return true;
    }
  }
  *why = "argument(s) must be one of the following: ";
  for (size_t i = 0; i < words.size(); i++) {
    if (i > 0) *why += ", ";
    why->append(words[i]);
  }
  return false;
}

bool Parse(const Parameter&, const std::string& text, bool* value, std::string* why) {
  *value = protocol::EqualsIgnoreCase(text, "yes");
  if (*value || protocol::EqualsIgnoreCase(text, "no")) return true;
  *why = "argument must be 'yes' or 'no'";
  return false;
}

bool Parse(const Parameter& row, const std::string& text, int64_t* value, std::string* why) {
  if (row.unit == Unit::kMemory) {
    if (!ParseMemory(text, value)) {
      *why = "argument must be a memory value";
      return false;
    }
  } else {
    auto number = protocol::ParseInteger(text);
    if (!number) {
      *why = "argument couldn't be parsed into an integer";
      return false;
    }
    *value = *number;
  }
  if (row.clamp) *value = std::clamp(*value, row.min, row.max);
  if (*value < row.min || *value > row.max) {
    *why = "argument must be between " + std::to_string(row.min) + " and " +
           std::to_string(row.max) + " inclusive";
    return false;
  }
  return true;
}

bool Parse(const Parameter& row, const std::string& text, std::string* value, std::string* why) {
  if (row.check != nullptr && !row.check(text, why)) return false;
  *value = text;
  return true;
}

template <typename Enum>
requires std::is_enum_v<Enum>
bool Parse(const Parameter&, const std::string& text, Enum* value, std::string* why) {
  size_t index = 0;
  if (!ParseOneOf(WordsOf(*value), text, &index, why)) return false;
  *value = static_cast<Enum>(index);
  return true;
}

bool ParseWords(const Parameter& row, std::span<const std::string> words,
                std::vector<std::string>* value, std::string* why) {
  value->clear();
  for (const std::string& word : words) {
    for (std::string& part : Split(word, row.separator)) {
      if (row.check != nullptr && !row.check(part, why)) return false;
      value->push_back(std::move(part));
    }
  }
  if (value->size() <= kMaxListLength) return true;
  *why = "Too many values";
  return false;
}

bool ParseWords(const Parameter&, std::span<const std::string> words, OutputLimits* limits,
                std::string* why) {
  if (words.size() % 4 != 0 || words.empty()) {
    *why = "Wrong number of arguments in buffer limit configuration.";
    return false;
  }
  for (size_t i = 0; i < words.size(); i += 4) {
    std::string_view name = words[i];
    if (protocol::EqualsIgnoreCase(name, "replica")) name = "slave";
    std::string ignored;
    size_t which = 0;
    if (!ParseOneOf(kClassWords, name, &which, &ignored)) {
      *why = "Invalid client class specified in buffer limit configuration.";
      return false;
    }
    OutputLimit limit;
    auto seconds = protocol::ParseInteger(words[i + 3]);
    if (!ParseMemory(words[i + 1], &limit.hard_bytes) ||
        !ParseMemory(words[i + 2], &limit.soft_bytes) || !seconds || *seconds < 0) {
      *why = "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
      return false;
    }
    limit.soft_seconds = *seconds;
    (*limits)[which] = limit;
  }
  return true;
}

template <typename Value>
constexpr bool kIsList =
    std::is_same_v<Value, std::vector<std::string>> || std::is_same_v<Value, OutputLimits>;

bool SetFixed(const Parameter& row, std::span<const std::string> words, std::string* why) {
  std::string value = Join({words.begin(), words.end()}, ' ');
  if (protocol::EqualsIgnoreCase(value, row.fixed_value)) return true;
  *why = row.fixed_value.empty() ? "only an empty value is supported"
                                 : "only '" + std::string(row.fixed_value) + "' is supported";
  return false;
}

bool SetKept(const Parameter& row, std::span<const std::string> words, Options* options,
             std::string* why) {
  std::string value = Join({words.begin(), words.end()}, ' ');
  if (!row.check(value, why)) return false;
  options->kept[std::string(row.name)] = std::move(value);
  return true;
}

}  // namespace

bool Parameter::TakesSeveralWords() const {
  return fixed() || kept() || std::holds_alternative<std::vector<std::string> Options::*>(field) ||
         std::holds_alternative<OutputLimits Options::*>(field);
}

std::span<const Parameter> Parameters() { return kParameters; }

const Parameter* FindParameter(std::string_view name) {
  for (const Parameter& row : kParameters) {
    if (protocol::EqualsIgnoreCase(row.name, name)) return &row;
    if (!row.alias.empty() && protocol::EqualsIgnoreCase(row.alias, name)) return &row;
  }
  return nullptr;
}

std::string FormatParameter(const Parameter& row, const Options& options) {
  if (row.kept()) {
    auto found = options.kept.find(row.name);
    return found == options.kept.end() ? std::string(row.fixed_value) : found->second;
  }
  return std::visit(
      [&](auto field) -> std::string {
        if constexpr (std::is_same_v<decltype(field), std::monostate>) {
          return std::string(row.fixed_value);
        } else {
          return Format(row, options.*field);
        }
      },
      row.field);
}

std::vector<std::string> ParameterWords(const Parameter& row, const Options& options) {
  std::string text = FormatParameter(row, options);
  if (!row.TakesSeveralWords() || text.empty()) return {text};
  return Split(text, ' ');
}

bool SetParameter(const Parameter& row, std::span<const std::string> words, Options* options,
                  std::string* why) {
  if (row.fixed()) return SetFixed(row, words, why);
  if (row.kept()) return SetKept(row, words, options, why);
  if (!row.TakesSeveralWords() && words.size() != 1) {
    *why = "wrong number of arguments";
    return false;
  }
  return std::visit(
      [&](auto field) -> bool {
        if constexpr (std::is_same_v<decltype(field), std::monostate>) {
          return false;
        } else {
          auto value = options->*field;
          if constexpr (kIsList<decltype(value)>) {
            if (!ParseWords(row, words, &value, why)) return false;
          } else {
            if (!Parse(row, words[0], &value, why)) return false;
          }
          options->*field = std::move(value);
          return true;
        }
      },
      row.field);
}

bool ParseMemory(std::string_view text, int64_t* bytes) {
  static constexpr struct {
    std::string_view suffix;
    int64_t factor;
  } kUnits[] = {{"", 1},        {"b", 1},        {"k", 1000},       {"kb", 1 << 10},
                {"m", 1000000}, {"mb", 1 << 20}, {"g", 1000000000}, {"gb", 1 << 30}};
  size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') digits++;
  auto number = protocol::ParseInteger(text.substr(0, digits));
  if (!number) return false;
  for (const auto& unit : kUnits) {
    if (protocol::EqualsIgnoreCase(text.substr(digits), unit.suffix)) {
      return !__builtin_mul_overflow(*number, unit.factor, bytes);
    }
  }
  return false;
}

}  // namespace understudy::server
