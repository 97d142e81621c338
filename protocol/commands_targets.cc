// Understudy's own commands: about targets and their clusters, and those of the targets id and
// chat. "since" is the version of Understudy.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr Argument kTargetArguments[] = {String("name")};
constexpr Argument kCallArguments[] = {String("name"), Multiple(String("argument"))};
constexpr Argument kLoadArguments[] = {String("file")};
constexpr Argument kSelf[] = {Token("self", "SELF"), Integer("client-id", "CLIENT")};
constexpr Argument kLinkArguments[] = {String("name"), OneOf("client", kSelf)};
constexpr Argument kNextidArguments[] = {Optional(String("name")),
                                         Optional(Integer("count", "COUNT"))};
constexpr Argument kStartArguments[] = {String("name"), String("type"),
                                        Optional(Multiple(String("argument")))};
constexpr Argument kStopArguments[] = {String("name"), String("GLOBAL-or-ALL-or-node"),
                                       Optional(String("reason"))};
constexpr Argument kRoomArguments[] = {String("room")};
constexpr Argument kChatSendArguments[] = {String("room"), String("message")};
constexpr Argument kChatHistoryArguments[] = {String("room"), Optional(Integer("count", "COUNT")),
                                              Optional(Integer("id", "SINCE"))};
constexpr Argument kChatJoinArguments[] = {String("room"), Optional(String("nick"))};

constexpr CommandRow kRows[] = {
    WithTips(kNondeterministic,
             {"target.lock", 2, kLoading | kStale | kFast, 0, Owner::kNode, Group::kTarget, "0.1.0",
              "Returns who holds a cluster's lock key, its term and its remaining time to live.",
              "O(1)", kNoKeys, kTargetArguments}),
    WithTips(kNondeterministic,
             {"target.servers", 2, kLoading | kStale, 0, Owner::kNode, Group::kTarget, "0.1.0",
              "Describes a cluster's servers, the global first.", "O(N), N members", kNoKeys,
              kTargetArguments}),
    WithTips(kNondeterministic,
             {"target.nodes", 2, kLoading | kStale, 0, Owner::kNode, Group::kTarget, "0.1.0",
              "Returns the nodes of a cluster, the global's first.", "O(N), N members", kNoKeys,
              kTargetArguments}),
    WithTips(kNondeterministic,
             {"target.running", 2, kLoading | kStale | kFast, 0, Owner::kNode, Group::kTarget,
              "0.1.0", "Returns whether a cluster is running.", "O(1)", kNoKeys, kTargetArguments}),
    {"target.state", 2, kReadonly | kWholeKeyspace, kCatDangerous, Owner::kNode, Group::kTarget,
     "0.1.0", "Describes the state of a cluster's target.", "O(N), N elements of the state",
     kNoKeys, kTargetArguments},
    {"target.call", -3, kWrite | kDenyOom, 0, Owner::kTarget, Group::kTarget, "0.1.0",
     "Has a cluster's target execute a request, and returns its reply.", "Depends on the target.",
     kNoKeys, kCallArguments},
    {"target.cast", -3, kWrite | kDenyOom, 0, Owner::kTarget, Group::kTarget, "0.1.0",
     "Has a cluster's target execute a request; the reply is OK or an error.",
     "Depends on the target.", kNoKeys, kCallArguments},
    {"target.link", -3, kWrite | kDenyOom | kNoScript, 0, Owner::kTarget, Group::kTarget, "0.1.0",
     "Links a connection of this node to a cluster: its target hears of the connection's end.",
     "O(log N), N links", kNoKeys, kLinkArguments},
    {"target.unlink", -3, kWrite | kNoScript, 0, Owner::kTarget, Group::kTarget, "0.1.0",
     "Ends a link.", "O(log N), N links", kNoKeys, kLinkArguments},
    {"target.load", 2, kAdmin | kNoAsyncLoading | kNoScript, 0, Owner::kNode, Group::kTarget,
     "0.1.0", "Loads a type of targets from a shared object.", "O(1)", kNoKeys, kLoadArguments},
    WithTips(kNondeterministic,
             {"target.types", 1, kLoading | kStale, 0, Owner::kNode, Group::kTarget, "0.1.0",
              "Lists the types of targets that this node can run.", "O(N), N types"}),
    {"target.start", -3, kWrite | kDenyOom | kNoScript | kNoMulti, kCatDangerous, Owner::kTarget,
     Group::kTarget, "0.1.0",
     "Starts a cluster with this node as its global, or joins it, or lets a stopped one go on.",
     "O(log N), N clusters", kNoKeys, kStartArguments},
    {"target.join", 2, kWrite | kDenyOom | kNoScript | kNoMulti, kCatDangerous, Owner::kTarget,
     Group::kTarget, "0.1.0", "Makes this node a local of a cluster.", "O(log N), N clusters",
     kNoKeys, kTargetArguments},
    {"target.stop", -3, kWrite | kNoScript | kNoMulti, kCatDangerous, Owner::kTarget,
     Group::kTarget, "0.1.0", "Ends a cluster on its global's node, on every node, or on one.",
     "O(log N), N clusters", kNoKeys, kStopArguments},
    {"target.delete", 2, kWrite | kNoScript | kNoMulti, kCatDangerous, Owner::kTarget,
     Group::kTarget, "0.1.0", "Removes what a stopped cluster kept.", "O(log N), N clusters",
     kNoKeys, kTargetArguments},
    {"target.list", 1, kReadonly, 0, Owner::kTarget, Group::kTarget, "0.1.0",
     "Lists the clusters beside main.", "O(N), N clusters"},
    {"target.help", 1, kLoading | kStale, 0, Owner::kNode, Group::kTarget, "0.1.0",
     "Lists the commands about targets.", "O(1)"},

    {"nextid", -1, kWrite | kDenyOom | kFast, 0, Owner::kId, Group::kTarget, "0.1.0",
     "Returns the next of the numbers 0, 1, 2, ..., each of them once; or the first and the last "
     "of "
     "the next COUNT.",
     "O(1)", kNoKeys, kNextidArguments},

    {"chat.send", 3, kWrite | kDenyOom, 0, Owner::kChat, Group::kTarget, "0.1.0",
     "Sends a message to everyone who joined a room.", "O(N), N users of the room", kNoKeys,
     kChatSendArguments},
    {"chat.history", -2, kReadonly, 0, Owner::kChat, Group::kTarget, "0.1.0",
     "Returns the messages of a room.", "O(N), N messages returned", kNoKeys,
     kChatHistoryArguments},
    {"chat.users", 2, kReadonly, 0, Owner::kChat, Group::kTarget, "0.1.0",
     "Returns who joined a room.", "O(N), N users of the room", kNoKeys, kRoomArguments},
    {"chat.start", 2, kWrite | kDenyOom, 0, Owner::kChat, Group::kTarget, "0.1.0",
     "Starts a room, which stays until it is stopped.", "O(log N), N rooms", kNoKeys,
     kRoomArguments},
    {"chat.stop", 2, kWrite, 0, Owner::kChat, Group::kTarget, "0.1.0",
     "Ends a room with its history; all leave it.", "O(N), N users and messages", kNoKeys,
     kRoomArguments},
    WithTips(kNondeterministic,
             {"chat.nodes", 2, kLoading | kStale, 0, Owner::kNode, Group::kTarget, "0.1.0",
              "Returns the nodes that keep a room, the global's first.", "O(N), N nodes", kNoKeys,
              kRoomArguments}),
    {"chat.join", -2, kWrite | kDenyOom | kNoScript, 0, Owner::kChat, Group::kTarget, "0.1.0",
     "Joins a room: the connection gets its messages from now on.", "O(N), N users of the room",
     kNoKeys, kChatJoinArguments},
    {"chat.leave", 2, kWrite | kNoScript, 0, Owner::kChat, Group::kTarget, "0.1.0",
     "Leaves a room.", "O(N), N users of the room", kNoKeys, kRoomArguments},
};

}  // namespace

std::span<const CommandRow> TargetCommands() { return kRows; }

}  // namespace understudy::protocol::rows
