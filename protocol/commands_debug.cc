// DEBUG: for tests of the server and of client libraries.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr uint32_t kAnywhere = kAdmin | kNoScript | kLoading | kStale;
constexpr std::string_view kSince = "1.0.0";

constexpr Argument kMessage[] = {String("message")};
constexpr Argument kOnOrOff[] = {Integer("on")};
constexpr Argument kSeconds[] = {Double("seconds")};
constexpr Argument kSize[] = {String("size")};
constexpr Argument kType[] = {String("type")};
constexpr Argument kMatch[] = {Pattern("pattern"), String("text")};
constexpr Argument kPopulate[] = {Integer("count"), Optional(String("prefix")),
                                  Optional(Integer("size"))};
constexpr KeySpec kDigestKeys[] = {KeysToEnd(kKeyRO, 2)};

constexpr CommandRow kSubcommands[] = {
    {"digest", 2, kAnywhere, 0, Owner::kNode, Group::kServer, kSince,
     "Returns a hash of the data, equal on nodes that applied the same log.", "O(N), N elements"},
    {"digest-value", -3, kAdmin | kNoScript | kReadonly, 0, Owner::kKv, Group::kServer, kSince,
     "Returns a hash of the value of each key.", "O(N), N elements", kDigestKeys,
     kManyKeysArgument},
    {"error", 3, kAnywhere, 0, Owner::kNode, Group::kServer, kSince,
     "Replies with the error given.", "O(1)", kNoKeys, kMessage},
    {"jmap", 2, kAnywhere, 0, Owner::kNode, Group::kServer, kSince,
     "Returns the memory allocator's report.", "O(1)"},
    {"loadaof", 2, kAdmin | kNoScript | kNoMulti, 0, Owner::kNode, Group::kServer, kSince,
     "As RELOAD: the log needn't reach back to the beginning.", "O(N), N elements"},
    {"log", 3, kAnywhere, 0, Owner::kNode, Group::kServer, kSince,
     "Writes a line to the node's log.", "O(1)", kNoKeys, kMessage},
    {"object", -3, kAdmin | kNoScript | kReadonly, 0, Owner::kKv, Group::kServer, kSince,
     "Describes how a key is kept.", "O(N), N elements", kLookSecond, kOneKeyArgument},
    {"pause-cron", 3, kAnywhere, 0, Owner::kNode, Group::kServer, kSince,
     "Chooses whether this node's regular upkeep rests.", "O(1)", kNoKeys, kOnOrOff},
    {"populate", -3, kAdmin | kNoScript | kWrite | kDenyOom | kWholeKeyspace, 0, Owner::kKv,
     Group::kServer, kSince, "Makes so many keys: [prefix [size]].", "O(N), N keys", kNoKeys,
     kPopulate},
    {"protocol", 3, kAnywhere, 0, Owner::kNode, Group::kServer, kSince,
     "Replies with a value of the type given.", "O(1)", kNoKeys, kType},
    {"quicklist-packed-threshold", 3, kAnywhere, 0, Owner::kNode, Group::kServer, kSince,
     "Sets from which size on an element of a list gets a node of its own.", "O(1)", kNoKeys,
     kSize},
    {"reload", 2, kAdmin | kNoScript | kNoMulti, 0, Owner::kNode, Group::kServer, kSince,
     "Makes this node's data anew out of a snapshot of it, kept in memory.", "O(N), N elements"},
    {"set-active-expire", 3, kAnywhere, 0, Owner::kNode, Group::kServer, kSince,
     "Chooses whether this node, as the global, deletes expired keys that nobody asks for.", "O(1)",
     kNoKeys, kOnOrOff},
    {"sleep", 3, kAnywhere, 0, Owner::kNode, Group::kServer, kSince,
     "Stops the node's event loop for so many seconds.", "O(1)", kNoKeys, kSeconds},
    {"stringmatch-len", 4, kAnywhere, 0, Owner::kNode, Group::kServer, kSince,
     "Returns whether a glob-style pattern matches a text.", "O(N), N bytes", kNoKeys, kMatch},
    {"help", 2, kLoading | kStale, 0, Owner::kNode, Group::kServer, kSince,
     "Lists the subcommands of DEBUG.", "O(1)"},
};

constexpr CommandRow kRows[] = {
    SystemCommand(
        Container(kSubcommands, {"debug", -2, kAnywhere, 0, Owner::kNode, Group::kServer, kSince,
                                 "Commands for testing the server.", "Depends on the subcommand"})),
};

}  // namespace

std::span<const CommandRow> DebugCommands() { return kRows; }

}  // namespace understudy::protocol::rows
