// The command table: every command exists once, as a row here and a handler where it is executed.
// Lookup, arity errors, COMMAND and its subcommands, ACL categories, routing between nodes and the
// README's table are derived from the rows. The table is constant after construction and may be
// read by any thread.
//
// Source of the vocabulary: https://redis.io/docs/latest/commands/command/ and
// https://redis.io/docs/latest/develop/reference/command-tips/ (key specifications, tips).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace understudy::protocol {

class ReplyWriter;

// Who executes a command.
enum class Owner : uint8_t {
  kNode,  // the node the client is connected to, at once: PING, CLIENT, CONFIG, ...
  kTransaction,  // MULTI and its companions, at the node: server/transactions.h
  kPeer,  // sent by other nodes only (PEER.*); not shown to clients by COMMAND
  kKv,    // targets/kv
  kId,    // targets/id
  kChat,  // targets/chat
  kPubsub,  // targets/pubsub
  kTarget,  // every cluster's target, of any type: targets/cluster_machine.h, targets/ledger.h
};

// Redis' command flags (COMMAND INFO shows those Redis shows), and what only routing needs.
enum CommandFlag : uint32_t {
  kWrite = 1u << 0,
  kReadonly = 1u << 1,
  kDenyOom = 1u << 2,
  kAdmin = 1u << 3,
  kPubsub = 1u << 4,
  kNoScript = 1u << 5,
  kBlocking = 1u << 6,
  kLoading = 1u << 7,
  kStale = 1u << 8,
  kSkipMonitor = 1u << 9,
  kSkipSlowlog = 1u << 10,
  kFast = 1u << 11,
  kNoAuth = 1u << 12,
  kMayReplicate = 1u << 13,
  kNoAsyncLoading = 1u << 14,
  kNoMulti = 1u << 15,
  kMovableKeys = 1u << 16,
  kAllowBusy = 1u << 17,
  kWholeKeyspace = 1u << 18,  // ours: depends on every key (DBSIZE, KEYS, FLUSHALL, SWAPDB, ...)
  kSubcommands = 1u << 19,    // ours: a container; args[1] selects the row
};

// ACL categories as bits, in Redis' names (@keyspace, @read, ...).
enum CommandCategory : uint32_t {
  kCatKeyspace = 1u << 0,
  kCatRead = 1u << 1,
  kCatWrite = 1u << 2,
  kCatSet = 1u << 3,
  kCatSortedSet = 1u << 4,
  kCatList = 1u << 5,
  kCatHash = 1u << 6,
  kCatString = 1u << 7,
  kCatBitmap = 1u << 8,
  kCatHyperLogLog = 1u << 9,
  kCatGeo = 1u << 10,
  kCatStream = 1u << 11,
  kCatPubsub = 1u << 12,
  kCatAdmin = 1u << 13,
  kCatFast = 1u << 14,
  kCatSlow = 1u << 15,
  kCatBlocking = 1u << 16,
  kCatDangerous = 1u << 17,
  kCatConnection = 1u << 18,
  kCatTransaction = 1u << 19,
  kCatScripting = 1u << 20,
};

enum class Group : uint8_t {
  kGeneric,
  kString,
  kList,
  kSet,
  kSortedSet,
  kHash,
  kPubsub,
  kTransactions,
  kConnection,
  kServer,
  kScripting,
  kHyperLogLog,
  kCluster,
  kSentinel,
  kGeo,
  kStream,
  kBitmap,
  kTarget,
  kPeer,
};

// One way to find keys, as in COMMAND INFO's key specifications (begin_search + find_keys).
struct KeySpec {
  enum class Begin : uint8_t { kIndex, kKeyword, kUnknown };
  enum class Find : uint8_t { kRange, kKeyNum, kUnknown };
  uint32_t flags;  // KeyFlag bits
  Begin begin;
  int16_t index;             // kIndex: position; kKeyword: where to start looking
  std::string_view keyword;  // kKeyword
  Find find;
  // kRange: last key (relative, negative from the end), step, limit.
  // kKeyNum: index of the count, index of the first key (both relative), step.
  int16_t a, b, c;
  std::string_view notes = {};
};
enum KeyFlag : uint32_t {
  kKeyRW = 1u << 0,
  kKeyRO = 1u << 1,
  kKeyOW = 1u << 2,
  kKeyRM = 1u << 3,
  kKeyAccess = 1u << 4,
  kKeyUpdate = 1u << 5,
  kKeyInsert = 1u << 6,
  kKeyDelete = 1u << 7,
  kKeyNotKey = 1u << 8,
  kKeyIncomplete = 1u << 9,
  kKeyVariableFlags = 1u << 10,
};

// COMMAND DOCS' arguments.
struct Argument {
  enum class Type : uint8_t {
    kString,
    kInteger,
    kDouble,
    kKey,
    kPattern,
    kUnixTime,
    kPureToken,
    kOneOf,
    kBlock
  };
  enum Flag : uint8_t { kOptional = 1, kMultiple = 2, kMultipleToken = 4 };
  std::string_view name;
  Type type;
  std::string_view token = {};
  uint8_t flags = 0;
  int8_t key_spec = -1;  // for kKey: which key specification
  std::string_view since = {};
  std::span<const Argument> parts = {};  // of kOneOf and kBlock
  std::string_view display = {};         // how a syntax line shows it; empty: by its name
  std::string_view deprecated_since = {};
};

struct CommandRow {
  std::string_view name;  // lower case; a subcommand's own word ("setname")
  int16_t arity;          // as Redis: counts the name; negative: at least
  uint32_t flags;         // CommandFlag bits
  uint32_t categories;    // CommandCategory bits; those implied by flags need not be given
  Owner owner;
  Group group;
  std::string_view since;  // "1.0.0"; for our own commands the version of Understudy
  std::string_view summary;
  std::string_view complexity;
  std::span<const KeySpec> keys = {};
  std::span<const Argument> arguments = {};
  std::span<const CommandRow> subcommands = {};
  std::span<const std::string_view> tips = {};  // "nondeterministic_output", ...
  std::string_view deprecated_since = {};       // empty: not deprecated
  std::string_view replaced_by = {};
  bool system_command = false;  // for debugging only; COMMAND DOCS says "syscmd"
};

// A row in its place in the table.
struct Command {
  const CommandRow* row;
  uint16_t id;            // dense: 0 .. CommandTable::size()-1, for arrays of handlers
  uint16_t container;     // id of the container, or its own id
  std::string full_name;  // "client|setname"
  // Fast form of row->keys: first, last (negative from the end), step; all 0 without keys. Names
  // every key unless the row has kMovableKeys.
  int16_t first_key, last_key, key_step;

  bool Has(CommandFlag flag) const { return (row->flags & flag) != 0; }
  // Goes through the log: it changes the state, or what it does is to be seen on every node.
  bool Replicates() const { return Has(kWrite) || Has(kMayReplicate); }
  // A cluster's target executes it.
  bool ForTarget() const {
    return row->owner != Owner::kNode && row->owner != Owner::kTransaction &&
           row->owner != Owner::kPeer;
  }
  bool ArityFits(size_t argc) const {
    return row->arity >= 0 ? argc == static_cast<size_t>(row->arity)
                           : argc >= static_cast<size_t>(-row->arity);
  }
};

// A key among a command's arguments.
struct FoundKey {
  size_t position;
  uint32_t flags;  // KeyFlag bits, exact for these arguments (SET without GET only overwrites)
};

class CommandTable {
 public:
  // Makes the table of all rows. Asserts that names are unique.
  CommandTable();

  // The command named args[0], any case, descending into a container by args[1] when there is one
  // of that name; nullptr if unknown. A container with an unknown or missing subcommand returns
  // the container itself.
  const Command* Find(std::span<const std::string_view> args) const;
  const Command* FindByName(std::string_view full_name) const;  // "get", "client|id"

  size_t size() const { return commands_.size(); }
  const Command& at(uint16_t id) const { return commands_[id]; }
  std::span<const Command> all() const { return commands_; }

  // Redis' words, to be given to ReplyWriter::Error().
  static std::string UnknownCommandError(std::span<const std::string_view> args);
  static std::string UnknownSubcommandError(const Command& container, std::string_view word);
  static std::string ArityError(const Command& command);

  // Positions in args of the command's keys, by the key specifications; false if they can't be
  // found in these arguments ("Invalid arguments specified for command"). Replaces what the vector
  // held.
  static bool FindKeys(const Command& command, std::span<const std::string_view> args,
                       std::vector<size_t>* positions);
  static bool FindKeysAndFlags(const Command& command, std::span<const std::string_view> args,
                               std::vector<FoundKey>* keys);

 private:
  // A name, folded to lower case, as three numbers that together are unique for names of up to 16
  // bytes: comparing them is comparing names.
  struct Name {
    uint64_t head = 0, tail = 0;
    uint32_t size = 0;
  };
  struct Slot {
    Name name;
    uint16_t id = kNoCommand;
    bool is_container = false;  // here, so that a plain hit need not look at the row
  };
  static constexpr uint16_t kNoCommand = 0xffff;
  static Name Fold(std::string_view name);

  void AddRow(const CommandRow& row);
  void Insert(uint16_t id);
  const Slot& FindTopLevel(std::string_view name) const;  // an empty slot if unknown
  const Command* FindSubcommand(const Command& container, std::string_view word) const;

  std::vector<Command> commands_;  // a container's subcommands follow it
  std::vector<Slot> slots_;        // open addressing over top-level names; a power of two
};

// The categories given in the row and those that Redis derives from its flags.
uint32_t CategoriesOf(const CommandRow& row);

// "GETEX key [EX seconds | PX milliseconds | ...]", as Redis' documentation writes it.
std::string SyntaxOf(const Command& command);

// The answer to <container> HELP, in Redis' form: each subcommand's syntax and summary.
void ReplyToHelp(const CommandTable& table, const Command& container, ReplyWriter* reply);

// COMMAND and its subcommands COUNT, LIST, INFO, DOCS, GETKEYS, GETKEYSANDFLAGS, HELP.
// `args` is the whole request.
void ReplyToCommandCommand(const CommandTable& table, const Command& command,
                           std::span<const std::string_view> args, ReplyWriter* reply);

// The README's tables of supported commands, one a group, Markdown; a test holds the README against
// them.
std::string CommandsAsMarkdown(const CommandTable& table);

}  // namespace understudy::protocol
