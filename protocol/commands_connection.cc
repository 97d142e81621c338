// Commands about the connection they come from, or about connections.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr Argument kPingArguments[] = {Optional(String("message"))};
constexpr Argument kEchoArguments[] = {String("message")};
constexpr Argument kHelloAuthParts[] = {String("username"), String("password")};
constexpr Argument kHelloParts[] = {Integer("protover"),
                                    Optional(Block("auth", kHelloAuthParts, "AUTH")),
                                    Optional(String("clientname", "SETNAME"))};
constexpr Argument kHelloArguments[] = {Optional(Block("arguments", kHelloParts))};
constexpr Argument kAuthArguments[] = {Optional(Since("6.0.0", String("username"))),
                                       String("password")};
constexpr Argument kSelectArguments[] = {Integer("index")};
constexpr Argument kClientSetnameArguments[] = {String("connection-name")};
constexpr Argument kLibraryAttributes[] = {String("libname", "LIB-NAME"),
                                           String("libver", "LIB-VER")};
constexpr Argument kClientSetinfoArguments[] = {OneOf("attr", kLibraryAttributes)};
constexpr Argument kClientListTypes[] = {Token("normal", "NORMAL"), Token("master", "MASTER"),
                                         Token("replica", "REPLICA"), Token("pubsub", "PUBSUB")};
constexpr Argument kClientListArguments[] = {
    Optional(Since("5.0.0", OneOf("client-type", kClientListTypes, "TYPE"))),
    Optional(Since("6.2.0", Multiple(Integer("client-id", "ID"))))};
constexpr Argument kClientKillTypes[] = {
    Token("normal", "NORMAL"), Since("3.2.0", Token("master", "MASTER")), Token("slave", "SLAVE"),
    Since("5.0.0", Token("replica", "REPLICA")), Token("pubsub", "PUBSUB")};
constexpr Argument kYesOrNo[] = {Token("yes", "YES"), Token("no", "NO")};
constexpr Argument kClientKillFilters[] = {
    Optional(Since("2.8.12", Integer("client-id", "ID"))),
    Optional(Since("2.8.12", OneOf("client-type", kClientKillTypes, "TYPE"))),
    Optional(String("username", "USER")),
    Optional(ShownAs("ip:port", String("addr", "ADDR"))),
    Optional(Since("6.2.0", ShownAs("ip:port", String("laddr", "LADDR")))),
    Optional(OneOf("skipme", kYesOrNo, "SKIPME"))};
constexpr Argument kClientKillForms[] = {
    DeprecatedSince("2.8.12", ShownAs("ip:port", String("old-format"))),
    Multiple(OneOf("new-format", kClientKillFilters))};
constexpr Argument kClientKillArguments[] = {OneOf("filter", kClientKillForms)};
constexpr Argument kOnOrOff[] = {Token("on", "ON"), Token("off", "OFF")};
constexpr Argument kEnabledArgument[] = {OneOf("enabled", kOnOrOff)};
constexpr Argument kReplyModes[] = {Token("on", "ON"), Token("off", "OFF"), Token("skip", "SKIP")};
constexpr Argument kClientTrackingArguments[] = {OneOf("status", kOnOrOff),
                                                 Optional(Integer("client-id", "REDIRECT")),
                                                 Optional(MultipleToken(String("prefix", "PREFIX"))),
                                                 Optional(Token("bcast", "BCAST")),
                                                 Optional(Token("optin", "OPTIN")),
                                                 Optional(Token("optout", "OPTOUT")),
                                                 Optional(Token("noloop", "NOLOOP"))};
constexpr Argument kClientCachingArguments[] = {OneOf("mode", kYesOrNo)};
constexpr Argument kClientReplyArguments[] = {OneOf("action", kReplyModes)};
constexpr Argument kUnblockTypes[] = {Token("timeout", "TIMEOUT"), Token("error", "ERROR")};
constexpr Argument kClientUnblockArguments[] = {Integer("client-id"),
                                                Optional(OneOf("unblock-type", kUnblockTypes))};

constexpr CommandRow kClientSubcommands[] = {
    {"id", 2, kNoScript | kLoading | kStale, kCatConnection, Owner::kNode, Group::kConnection,
     "5.0.0", "Returns the number of the connection.", "O(1)"},
    WithTips(kAllNodes, {"setname", 3, kNoScript | kLoading | kStale, kCatConnection, Owner::kNode,
                         Group::kConnection, "2.6.9", "Names the connection.", "O(1)", kNoKeys,
                         kClientSetnameArguments}),
    {"getname", 2, kNoScript | kLoading | kStale, kCatConnection, Owner::kNode, Group::kConnection,
     "2.6.9", "Returns the name of the connection.", "O(1)"},
    WithTips(kAllNodes,
             {"setinfo", 4, kNoScript | kLoading | kStale, kCatConnection, Owner::kNode,
              Group::kConnection, "7.2.0", "Tells the name or the version of the client library.",
              "O(1)", kNoKeys, kClientSetinfoArguments}),
    WithTips(kNondeterministic,
             {"info", 2, kNoScript | kLoading | kStale, kCatConnection, Owner::kNode,
              Group::kConnection, "6.2.0", "Describes the connection.", "O(1)"}),
    WithTips(kNondeterministic,
             {"list", -2, kAdmin | kNoScript | kLoading | kStale, kCatConnection, Owner::kNode,
              Group::kConnection, "2.4.0", "Describes the node's connections.",
              "O(N), N connections", kNoKeys, kClientListArguments}),
    {"kill", -3, kAdmin | kNoScript | kLoading | kStale, kCatConnection, Owner::kNode,
     Group::kConnection, "2.4.0", "Closes connections.", "O(N), N connections", kNoKeys,
     kClientKillArguments},
    {"no-evict", 3, kAdmin | kNoScript | kLoading | kStale, kCatConnection, Owner::kNode,
     Group::kConnection, "7.0.0", "Exempts the connection from eviction of clients.", "O(1)",
     kNoKeys, kEnabledArgument},
    {"no-touch", 3, kNoScript | kLoading | kStale, kCatConnection, Owner::kNode, Group::kConnection,
     "7.2.0", "Chooses whether the connection's commands count as use of the keys they access.",
     "O(1)", kNoKeys, kEnabledArgument},
    {"reply", 3, kNoScript | kLoading | kStale, kCatConnection, Owner::kNode, Group::kConnection,
     "3.2.0", "Chooses whether the connection gets replies.", "O(1)", kNoKeys,
     kClientReplyArguments},
    {"unblock", -3, kAdmin | kNoScript | kLoading | kStale, kCatConnection, Owner::kNode,
     Group::kConnection, "5.0.0", "Ends what a connection of the node waits for.",
     "O(log(N)), N commands that wait", kNoKeys, kClientUnblockArguments},
    {"tracking", -3, kNoScript | kLoading | kStale, kCatConnection, Owner::kNode,
     Group::kConnection, "6.0.0", "Chooses whether the connection is told of keys that change.",
     "O(1)", kNoKeys, kClientTrackingArguments},
    {"caching", 3, kNoScript | kLoading | kStale, kCatConnection, Owner::kNode, Group::kConnection,
     "6.0.0", "Chooses whether the keys of the next command are tracked.", "O(1)", kNoKeys,
     kClientCachingArguments},
    {"getredir", 2, kNoScript | kLoading | kStale, kCatConnection, Owner::kNode, Group::kConnection,
     "6.0.0", "Returns which connection is told instead of this one.", "O(1)"},
    {"trackinginfo", 2, kNoScript | kLoading | kStale, kCatConnection, Owner::kNode,
     Group::kConnection, "6.2.0", "Returns how the connection tracks keys.", "O(1)"},
    {"help", 2, kLoading | kStale, kCatConnection, Owner::kNode, Group::kConnection, "5.0.0",
     "Lists the subcommands of CLIENT.", "O(1)"},
};

constexpr CommandRow kRows[] = {
    WithTips(kAllShards,
             {"ping", -1, kFast, kCatConnection, Owner::kNode, Group::kConnection, "1.0.0",
              "Answers PONG, or the message given.", "O(1)", kNoKeys, kPingArguments}),
    {"echo", 2, kLoading | kStale | kFast, kCatConnection, Owner::kNode, Group::kConnection,
     "1.0.0", "Returns its argument.", "O(1)", kNoKeys, kEchoArguments},
    {"hello", -1, kNoScript | kLoading | kStale | kFast | kNoAuth | kAllowBusy, kCatConnection,
     Owner::kNode, Group::kConnection, "6.0.0",
     "Chooses the protocol version, and may authenticate and name the connection.", "O(1)", kNoKeys,
     kHelloArguments},
    {"auth", -2, kNoScript | kLoading | kStale | kFast | kNoAuth | kAllowBusy, kCatConnection,
     Owner::kNode, Group::kConnection, "1.0.0", "Authenticates the connection.",
     "O(N), N passwords of the user", kNoKeys, kAuthArguments},
    {"select", 2, kLoading | kStale | kFast, kCatConnection, Owner::kNode, Group::kConnection,
     "1.0.0", "Chooses the connection's database.", "O(1)", kNoKeys, kSelectArguments},
    Deprecated(
        "7.2.0", "just closing the connection",
        {"quit", -1, kAllowBusy | kNoScript | kLoading | kStale | kFast | kNoAuth, kCatConnection,
         Owner::kNode, Group::kConnection, "1.0.0", "Closes the connection.", "O(1)"}),
    {"reset", 1, kNoScript | kLoading | kStale | kFast | kNoAuth | kAllowBusy, kCatConnection,
     Owner::kNode, Group::kConnection, "6.2.0",
     "Puts the connection back into the state of a new one.", "O(1)"},
    Container(kClientSubcommands, {"client", -2, 0, 0, Owner::kNode, Group::kConnection, "2.4.0",
                                   "Commands about connections.", "Depends on the subcommand"}),
};

}  // namespace

std::span<const CommandRow> ConnectionCommands() { return kRows; }

}  // namespace understudy::protocol::rows
