// Commands about the server, and about databases as a whole.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr Argument kFlushTypes[] = {Since("4.0.0", Token("async", "ASYNC")),
                                    Since("6.2.0", Token("sync", "SYNC"))};
constexpr Argument kFlushArguments[] = {Optional(OneOf("flush-type", kFlushTypes))};
constexpr Argument kSwapdbArguments[] = {Integer("index1"), Integer("index2")};
constexpr Argument kCommandNamesArgument[] = {Optional(Multiple(String("command-name")))};
constexpr Argument kListFilters[] = {String("module-name", "MODULE"), String("category", "ACLCAT"),
                                     Pattern("pattern", "PATTERN")};
constexpr Argument kCommandListArguments[] = {
    Optional(OneOf("filterby", kListFilters, "FILTERBY"))};
constexpr Argument kWholeCommandArguments[] = {String("command"),
                                               Optional(Multiple(String("arg")))};
constexpr Argument kInfoArguments[] = {Optional(Multiple(String("section")))};
constexpr Argument kConfigGetArguments[] = {Multiple(String("parameter"))};
constexpr Argument kConfigSetDataParts[] = {String("parameter"), String("value")};
constexpr Argument kConfigSetArguments[] = {Multiple(Block("data", kConfigSetDataParts))};
constexpr Argument kSaveOrNot[] = {Token("nosave", "NOSAVE"), Token("save", "SAVE")};
constexpr Argument kShutdownArguments[] = {Optional(OneOf("save-selector", kSaveOrNot)),
                                           Optional(Since("7.0.0", Token("now", "NOW"))),
                                           Optional(Since("7.0.0", Token("force", "FORCE"))),
                                           Optional(Since("7.0.0", Token("abort", "ABORT")))};
constexpr Argument kFailoverTargetParts[] = {String("host"), Integer("port"),
                                             Optional(Token("force", "FORCE"))};
constexpr Argument kFailoverArguments[] = {Optional(Block("target", kFailoverTargetParts, "TO")),
                                           Optional(Token("abort", "ABORT")),
                                           Optional(Integer("milliseconds", "TIMEOUT"))};

constexpr Argument kBgsaveArguments[] = {Optional(Since("3.2.2", Token("schedule", "SCHEDULE")))};

constexpr std::string_view kDbsizeTips[] = {"request_policy:all_shards", "response_policy:agg_sum"};
constexpr std::string_view kInfoTips[] = {"nondeterministic_output", "request_policy:all_shards",
                                          "response_policy:special"};

constexpr CommandRow kCommandSubcommands[] = {
    {"count", 2, kLoading | kStale, kCatConnection, Owner::kNode, Group::kServer, "2.8.13",
     "Returns the number of commands.", "O(1)"},
    WithTips(kNondeterministicOrder,
             {"info", -2, kLoading | kStale, kCatConnection, Owner::kNode, Group::kServer, "2.8.13",
              "Describes some or all commands for programs.", "O(N), N commands asked for", kNoKeys,
              kCommandNamesArgument}),
    WithTips(kNondeterministicOrder, {"list", -2, kLoading | kStale, kCatConnection, Owner::kNode,
                                      Group::kServer, "7.0.0", "Returns the names of commands.",
                                      "O(N), N commands", kNoKeys, kCommandListArguments}),
    {"getkeys", -3, kLoading | kStale, kCatConnection, Owner::kNode, Group::kServer, "2.8.13",
     "Returns the keys in a command given with its arguments.", "O(N), N arguments", kNoKeys,
     kWholeCommandArguments},
    {"getkeysandflags", -3, kLoading | kStale, kCatConnection, Owner::kNode, Group::kServer,
     "7.0.0", "Returns the keys in a command given with its arguments, and how each is used.",
     "O(N), N arguments", kNoKeys, kWholeCommandArguments},
    WithTips(kNondeterministicOrder,
             {"docs", -2, kLoading | kStale, kCatConnection, Owner::kNode, Group::kServer, "7.0.0",
              "Documents some or all commands.", "O(N), N commands asked for", kNoKeys,
              kCommandNamesArgument}),
    {"help", 2, kLoading | kStale, kCatConnection, Owner::kNode, Group::kServer, "5.0.0",
     "Lists the subcommands of COMMAND.", "O(1)"},
};
constexpr CommandRow kConfigSubcommands[] = {
    {"get", -3, kAdmin | kNoScript | kLoading | kStale, 0, Owner::kNode, Group::kServer, "2.0.0",
     "Returns configuration parameters.", "O(N), N parameters", kNoKeys, kConfigGetArguments},
    WithTips(kAllNodes, {"set", -4, kAdmin | kNoScript | kLoading | kStale, 0, Owner::kNode,
                         Group::kServer, "2.0.0", "Changes configuration parameters.",
                         "O(N), N parameters", kNoKeys, kConfigSetArguments}),
    WithTips(kAllNodes,
             {"resetstat", 2, kAdmin | kNoScript | kLoading | kStale, 0, Owner::kNode,
              Group::kServer, "2.0.0", "Resets the statistics that INFO shows.", "O(1)"}),
    WithTips(kAllNodes,
             {"rewrite", 2, kAdmin | kNoScript | kLoading | kStale, 0, Owner::kNode, Group::kServer,
              "2.8.0", "Writes the configuration in effect to the configuration file.", "O(1)"}),
    {"help", 2, kLoading | kStale, 0, Owner::kNode, Group::kServer, "5.0.0",
     "Lists the subcommands of CONFIG.", "O(1)"},
};

constexpr CommandRow kRows[] = {
    WithTips(kDbsizeTips,
             {"dbsize", 1, kReadonly | kFast | kWholeKeyspace, kCatKeyspace, Owner::kKv,
              Group::kServer, "1.0.0", "Returns the number of keys in the database.", "O(1)"}),
    WithTips(kAllShards, {"flushdb", -1, kWrite | kWholeKeyspace, kCatKeyspace | kCatDangerous,
                          Owner::kKv, Group::kServer, "1.0.0", "Deletes all keys of the database.",
                          "O(N), N keys in the database", kNoKeys, kFlushArguments}),
    WithTips(kAllShards, {"flushall", -1, kWrite | kWholeKeyspace, kCatKeyspace | kCatDangerous,
                          Owner::kKv, Group::kServer, "1.0.0", "Deletes all keys of all databases.",
                          "O(N), N keys in all databases", kNoKeys, kFlushArguments}),
    {"swapdb", 3, kWrite | kFast | kWholeKeyspace, kCatKeyspace | kCatDangerous, Owner::kKv,
     Group::kServer, "4.0.0", "Swaps the contents of two databases.",
     "O(N), N clients that watch or wait for keys of the two databases", kNoKeys, kSwapdbArguments},
    Container(kCommandSubcommands,
              WithTips(kNondeterministicOrder,
                       {"command", -1, kLoading | kStale, kCatConnection, Owner::kNode,
                        Group::kServer, "2.8.13", "Describes all commands.", "O(N), N commands"})),
    WithTips(kInfoTips,
             {"info", -1, kLoading | kStale, kCatDangerous, Owner::kNode, Group::kServer, "1.0.0",
              "Returns facts and statistics about the server.", "O(1)", kNoKeys, kInfoArguments}),
    Container(kConfigSubcommands,
              {"config", -2, 0, 0, Owner::kNode, Group::kServer, "2.0.0",
               "Commands about the configuration.", "Depends on the subcommand"}),
    {"monitor", 1, kAdmin | kNoScript | kLoading | kStale, 0, Owner::kNode, Group::kServer, "1.0.0",
     "Shows every command that the node's clients send, as it is executed.", "O(1) a command"},
    WithTips(kNondeterministic,
             {"time", 1, kLoading | kStale | kFast, 0, Owner::kNode, Group::kServer, "2.6.0",
              "Returns the time of the server.", "O(1)"}),
    {"save", 1, kAdmin | kNoScript | kNoAsyncLoading | kNoMulti, 0, Owner::kNode, Group::kServer,
     "1.0.0", "Saves a snapshot of the data, and replies when it is saved.", "O(N), N keys"},
    {"bgsave", -1, kAdmin | kNoScript | kNoAsyncLoading, 0, Owner::kNode, Group::kServer, "1.0.0",
     "Begins to save a snapshot of the data.", "O(1)", kNoKeys, kBgsaveArguments},
    {"bgrewriteaof", 1, kAdmin | kNoScript | kNoAsyncLoading, 0, Owner::kNode, Group::kServer,
     "1.0.0", "Begins to replace the log's older files by a snapshot.", "O(1)"},
    WithTips(kNondeterministic,
             {"lastsave", 1, kLoading | kStale | kFast, kCatAdmin | kCatDangerous, Owner::kNode,
              Group::kServer, "1.0.0", "Returns when the last snapshot was saved.", "O(1)"}),
    {"role", 1, kNoScript | kLoading | kStale | kFast, kCatAdmin | kCatDangerous, Owner::kNode,
     Group::kServer, "2.8.12", "Returns whether the node is a master or a replica, and of whom.",
     "O(1)"},
    {"shutdown", -1, kAdmin | kNoScript | kLoading | kStale | kNoMulti | kAllowBusy, 0,
     Owner::kNode, Group::kServer, "1.0.0", "Stops the server.",
     "O(N) when saving N keys, else O(1)", kNoKeys, kShutdownArguments},
    {"failover", -1, kAdmin | kNoScript | kStale | kNoMulti, 0, Owner::kNode, Group::kServer, "6.2.0",
     "Hands the role of the master over to another node.", "O(1)", kNoKeys, kFailoverArguments},
};

}  // namespace

std::span<const CommandRow> ServerCommands() { return kRows; }

}  // namespace understudy::protocol::rows
