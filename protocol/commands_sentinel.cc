// What clients ask Sentinel for.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr uint32_t kFlags = kAdmin | kLoading | kStale;
constexpr Argument kNameArgument[] = {String("master-name")};

constexpr CommandRow kSubcommands[] = {
    {"get-master-addr-by-name", 3, kFlags, 0, Owner::kNode, Group::kSentinel, "2.8.4",
     "Returns where the global is.", "O(1)", kNoKeys, kNameArgument},
    {"masters", 2, kFlags, 0, Owner::kNode, Group::kSentinel, "2.8.4",
     "Describes the global, as a list of one master.", "O(1)"},
    {"master", 3, kFlags, 0, Owner::kNode, Group::kSentinel, "2.8.4", "Describes the global.",
     "O(1)", kNoKeys, kNameArgument},
    {"replicas", 3, kFlags, 0, Owner::kNode, Group::kSentinel, "5.0.0", "Describes the locals.",
     "O(N), N nodes", kNoKeys, kNameArgument},
    Deprecated("5.0.0", "`SENTINEL REPLICAS`",
               {"slaves", 3, kFlags, 0, Owner::kNode, Group::kSentinel, "2.8.0",
                "Describes the locals.", "O(N), N nodes", kNoKeys, kNameArgument}),
    {"sentinels", 3, kFlags, 0, Owner::kNode, Group::kSentinel, "2.8.4",
     "Describes the other nodes.", "O(N), N nodes", kNoKeys, kNameArgument},
    {"myid", 2, kFlags, 0, Owner::kNode, Group::kSentinel, "6.2.0", "Returns the id of the node.",
     "O(1)"},
    {"ckquorum", 3, kFlags, 0, Owner::kNode, Group::kSentinel, "2.8.4",
     "Says whether enough nodes can be reached for a failover.", "O(N), N nodes", kNoKeys,
     kNameArgument},
    {"help", 2, kLoading | kStale, 0, Owner::kNode, Group::kSentinel, "6.2.0",
     "Lists the subcommands of SENTINEL.", "O(1)"},
};

constexpr CommandRow kRows[] = {
    Container(
        kSubcommands,
        {"sentinel", -2, kAdmin | kLoading | kStale, 0, Owner::kNode, Group::kSentinel, "2.8.4",
         "Commands of clients that look for a master.", "Depends on the subcommand"}),
};

}  // namespace

std::span<const CommandRow> SentinelCommands() { return kRows; }

}  // namespace understudy::protocol::rows
