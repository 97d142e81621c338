// Commands about memory.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr std::string_view kShowTips[] = {"nondeterministic_output", "request_policy:all_shards",
                                          "response_policy:special"};
constexpr Argument kUsageArguments[] = {Key("key"), Optional(Integer("count", "SAMPLES"))};

constexpr CommandRow kSubcommands[] = {
    WithTips(kShowTips, {"doctor", 2, 0, 0, Owner::kNode, Group::kServer, "4.0.0",
                         "Says in words whether memory is used well.", "O(1)"}),
    WithTips(kShowTips,
             {"malloc-stats", 2, 0, 0, Owner::kNode, Group::kServer, "4.0.0",
              "Returns the memory allocator's report.", "Depends on how much memory is allocated"}),
    WithTips(kAllShards, {"purge", 2, 0, 0, Owner::kNode, Group::kServer, "4.0.0",
                          "Asks the memory allocator to give back what it keeps.",
                          "Depends on how much memory is allocated"}),
    WithTips(kShowTips, {"stats", 2, 0, 0, Owner::kNode, Group::kServer, "4.0.0",
                         "Returns what memory is used for.", "O(1)"}),
    {"usage", -3, kReadonly, 0, Owner::kKv, Group::kServer, "4.0.0",
     "Returns how many bytes a key and its value take.", "O(N), N elements of the value",
     kLookSecond, kUsageArguments},
    {"help", 2, kLoading | kStale, 0, Owner::kNode, Group::kServer, "4.0.0",
     "Lists the subcommands of MEMORY.", "O(1)"},
};

constexpr CommandRow kRows[] = {
    Container(kSubcommands, {"memory", -2, 0, 0, Owner::kNode, Group::kServer, "4.0.0",
                             "Commands about memory.", "Depends on the subcommand"}),
};

}  // namespace

std::span<const CommandRow> MemoryCommands() { return kRows; }

}  // namespace understudy::protocol::rows
