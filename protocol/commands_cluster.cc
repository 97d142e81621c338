// Commands about the nodes of the cluster.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr Argument kKeyslotArguments[] = {String("key")};
constexpr Argument kClusterForgetArguments[] = {String("node-id")};

constexpr CommandRow kClusterSubcommands[] = {
    {"myid", 2, kStale, 0, Owner::kNode, Group::kCluster, "3.0.0", "Returns the id of the node.",
     "O(1)"},
    WithTips(kNondeterministic, {"nodes", 2, kStale, 0, Owner::kNode, Group::kCluster, "3.0.0",
                                 "Describes the nodes of the cluster.", "O(N), N nodes"}),
    WithTips(kNondeterministic, {"info", 2, kStale, 0, Owner::kNode, Group::kCluster, "3.0.0",
                                 "Describes the state of the cluster.", "O(1)"}),
    {"forget", 3, kNoAsyncLoading | kAdmin | kStale | kNoMulti, 0, Owner::kNode, Group::kCluster, "3.0.0",
     "Removes a node from the cluster.", "O(1)", kNoKeys, kClusterForgetArguments},
    Deprecated("7.0.0", "`CLUSTER SHARDS`",
               WithTips(kNondeterministic,
                        {"slots", 2, kLoading | kStale, 0, Owner::kNode, Group::kCluster, "3.0.0",
                         "Returns which nodes serve which slots: the global serves all.",
                         "O(N), N nodes"})),
    WithTips(kNondeterministic,
             {"shards", 2, kLoading | kStale, 0, Owner::kNode, Group::kCluster, "7.0.0",
              "Returns the shards and their nodes: there is one shard.", "O(N), N nodes"}),
    {"keyslot", 3, kStale, 0, Owner::kNode, Group::kCluster, "3.0.0",
     "Returns the slot of a key.", "O(N), N bytes of the key", kNoKeys, kKeyslotArguments},
    WithTips(kNondeterministic, {"myshardid", 2, kStale, 0, Owner::kNode, Group::kCluster, "7.2.0",
                                 "Returns the id of the node's shard.", "O(1)"}),
    WithTips(kNondeterministic,
             {"replicas", 3, kAdmin | kStale, 0, Owner::kNode, Group::kCluster, "5.0.0",
              "Describes the replicas of a node: the locals, if it is the global.",
              "O(N), N nodes", kNoKeys, kClusterForgetArguments}),
    Deprecated("5.0.0", "`CLUSTER REPLICAS`",
               WithTips(kNondeterministic,
                        {"slaves", 3, kAdmin | kStale, 0, Owner::kNode, Group::kCluster, "3.0.0",
                         "Describes the replicas of a node.", "O(N), N nodes", kNoKeys,
                         kClusterForgetArguments})),
    {"help", 2, kLoading | kStale, 0, Owner::kNode, Group::kCluster, "5.0.0",
     "Lists the subcommands of CLUSTER.", "O(1)"},
};

constexpr CommandRow kRows[] = {
    Container(kClusterSubcommands,
              {"cluster", -2, 0, 0, Owner::kNode, Group::kCluster, "3.0.0",
               "Commands about the nodes of the cluster.", "Depends on the subcommand"}),
    {"readonly", 1, kFast | kLoading | kStale, kCatConnection, Owner::kNode, Group::kCluster,
     "3.0.0", "Lets the connection read the node's own state, which may be a little old.", "O(1)"},
    {"readwrite", 1, kFast | kLoading | kStale, kCatConnection, Owner::kNode, Group::kCluster,
     "3.0.0", "Ends READONLY.", "O(1)"},
};

}  // namespace

std::span<const CommandRow> ClusterCommands() { return kRows; }

}  // namespace understudy::protocol::rows
