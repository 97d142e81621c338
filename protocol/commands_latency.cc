// Commands about what took long.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr uint32_t kHere = kAdmin | kLoading | kStale;

constexpr Argument kCountArgument[] = {Optional(Integer("count"))};
constexpr Argument kEventArgument[] = {String("event")};
constexpr Argument kEventArguments[] = {Optional(Multiple(String("event")))};
constexpr Argument kCommandArguments[] = {Optional(Multiple(String("COMMAND")))};

constexpr std::string_view kGetTips[] = {"request_policy:all_nodes", "nondeterministic_output"};
constexpr std::string_view kLenTips[] = {"request_policy:all_nodes", "response_policy:agg_sum",
                                         "nondeterministic_output"};
constexpr std::string_view kShowTips[] = {"nondeterministic_output", "request_policy:all_nodes",
                                          "response_policy:special"};
constexpr std::string_view kResetTips[] = {"request_policy:all_nodes", "response_policy:agg_sum"};

constexpr CommandRow kSlowlogSubcommands[] = {
    WithTips(kGetTips, {"get", -2, kHere, 0, Owner::kNode, Group::kServer, "2.2.12",
                        "Returns the last commands that took long.", "O(N), N entries returned",
                        kNoKeys, kCountArgument}),
    WithTips(kLenTips, {"len", 2, kHere, 0, Owner::kNode, Group::kServer, "2.2.12",
                        "Returns how many entries the slow log has.", "O(1)"}),
    WithTips(kAllNodes, {"reset", 2, kHere, 0, Owner::kNode, Group::kServer, "2.2.12",
                         "Empties the slow log.", "O(N), N entries"}),
    {"help", 2, kLoading | kStale, 0, Owner::kNode, Group::kServer, "6.2.0",
     "Lists the subcommands of SLOWLOG.", "O(1)"},
};
constexpr CommandRow kLatencySubcommands[] = {
    WithTips(kShowTips, {"doctor", 2, kHere | kNoScript, 0, Owner::kNode, Group::kServer, "2.8.13",
                         "Says in words what held the server up.", "O(1)"}),
    WithTips(kShowTips, {"graph", 3, kHere | kNoScript, 0, Owner::kNode, Group::kServer, "2.8.13",
                         "Draws the samples of an event.", "O(1)", kNoKeys, kEventArgument}),
    WithTips(kShowTips, {"histogram", -2, kHere | kNoScript, 0, Owner::kNode, Group::kServer,
                         "7.0.0", "Returns how long commands took, as counts up to powers of two.",
                         "O(N), N commands", kNoKeys, kCommandArguments}),
    WithTips(kShowTips, {"history", 3, kHere | kNoScript, 0, Owner::kNode, Group::kServer, "2.8.13",
                         "Returns the samples of an event.", "O(1)", kNoKeys, kEventArgument}),
    WithTips(kShowTips, {"latest", 2, kHere | kNoScript, 0, Owner::kNode, Group::kServer, "2.8.13",
                         "Returns the latest sample of each event.", "O(1)"}),
    WithTips(kResetTips,
             {"reset", -2, kHere | kNoScript, 0, Owner::kNode, Group::kServer, "2.8.13",
              "Forgets the samples of some or all events.", "O(1)", kNoKeys, kEventArguments}),
    {"help", 2, kLoading | kStale, 0, Owner::kNode, Group::kServer, "2.8.13",
     "Lists the subcommands of LATENCY.", "O(1)"},
};

constexpr CommandRow kRows[] = {
    Container(kSlowlogSubcommands, {"slowlog", -2, 0, 0, Owner::kNode, Group::kServer, "2.2.12",
                                    "Commands about what took long.", "Depends on the subcommand"}),
    Container(kLatencySubcommands,
              {"latency", -2, 0, 0, Owner::kNode, Group::kServer, "2.8.13",
               "Commands about what held the server up.", "Depends on the subcommand"}),
};

}  // namespace

std::span<const CommandRow> LatencyCommands() { return kRows; }

}  // namespace understudy::protocol::rows
