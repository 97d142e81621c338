// What can be asked about scripts and functions while there are none: libraries that clean up
// between tests ask it of every server.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr Argument kFlushTypes[] = {Since("6.2.0", Token("async", "ASYNC")),
                                    Since("6.2.0", Token("sync", "SYNC"))};
constexpr Argument kFlushArguments[] = {Optional(OneOf("flush-type", kFlushTypes))};
constexpr Argument kListArguments[] = {Optional(String("library-name-pattern", "LIBRARYNAME")),
                                       Optional(Token("withcode", "WITHCODE"))};
constexpr Argument kExistsArguments[] = {Multiple(String("sha1"))};

constexpr CommandRow kFunctionSubcommands[] = {
    WithTips(
        kNondeterministicOrder,
        {"list", -2, kNoScript, kCatScripting, Owner::kNode, Group::kScripting, "7.0.0",
         "Returns the libraries of functions: there are none.", "O(1)", kNoKeys, kListArguments}),
    WithTips(kAllShards, {"flush", -2, kNoScript, kCatScripting, Owner::kNode, Group::kScripting,
                          "7.0.0", "Deletes all libraries of functions: there are none.", "O(1)",
                          kNoKeys, kFlushArguments}),
    {"help", 2, kLoading | kStale, kCatScripting, Owner::kNode, Group::kScripting, "7.0.0",
     "Lists the subcommands of FUNCTION.", "O(1)"},
};
constexpr CommandRow kScriptSubcommands[] = {
    {"exists", -3, kNoScript, kCatScripting, Owner::kNode, Group::kScripting, "2.6.0",
     "Returns which scripts are known: none is.", "O(N), N scripts asked for", kNoKeys,
     kExistsArguments},
    WithTips(kAllNodes,
             {"flush", -2, kNoScript, kCatScripting, Owner::kNode, Group::kScripting, "2.6.0",
              "Forgets all scripts: there are none.", "O(1)", kNoKeys, kFlushArguments}),
    {"help", 2, kLoading | kStale, kCatScripting, Owner::kNode, Group::kScripting, "5.0.0",
     "Lists the subcommands of SCRIPT.", "O(1)"},
};

constexpr CommandRow kRows[] = {
    Container(kFunctionSubcommands, {"function", -2, 0, 0, Owner::kNode, Group::kScripting, "7.0.0",
                                     "Commands about functions.", "Depends on the subcommand"}),
    Container(kScriptSubcommands, {"script", -2, 0, 0, Owner::kNode, Group::kScripting, "2.6.0",
                                   "Commands about scripts.", "Depends on the subcommand"}),
};

}  // namespace

std::span<const CommandRow> ScriptingCommands() { return kRows; }

}  // namespace understudy::protocol::rows
