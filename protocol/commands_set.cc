// Commands on sets.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr KeySpec kShrinkKey[] = {OneKey(kKeyRW | kKeyDelete)};
constexpr KeySpec kSmoveKeys[] = {OneKey(kKeyRW | kKeyAccess | kKeyDelete),
                                  OneKey(kKeyRW | kKeyInsert, 2)};
constexpr KeySpec kSinterstoreKeys[] = {OneKey(kKeyRW | kKeyUpdate),
                                        KeysToEnd(kKeyRO | kKeyAccess, 2, 1)};
constexpr KeySpec kSintercardKeys[] = {
    {kKeyRO | kKeyAccess, KeySpec::Begin::kIndex, 1, {}, KeySpec::Find::kKeyNum, 0, 1, 1}};
constexpr KeySpec kSunionstoreKeys[] = {OneKey(kKeyOW | kKeyUpdate),
                                        KeysToEnd(kKeyRO | kKeyAccess, 2, 1)};

constexpr Argument kSaddArguments[] = {Key("key"), Multiple(String("member"))};
constexpr Argument kSismemberArguments[] = {Key("key"), String("member")};
constexpr Argument kSpopArguments[] = {Key("key"), Optional(Since("3.2.0", Integer("count")))};
constexpr Argument kSrandmemberArguments[] = {Key("key"),
                                              Optional(Since("2.6.0", Integer("count")))};
constexpr Argument kSmoveArguments[] = {Key("source"), Key("destination", 1), String("member")};
constexpr Argument kSinterstoreArguments[] = {Key("destination"), Multiple(Key("key", 1))};
constexpr Argument kSintercardArguments[] = {Integer("numkeys"), Multiple(Key("key")),
                                             Optional(Integer("limit", "LIMIT"))};
constexpr Argument kSscanArguments[] = {Key("key"), Integer("cursor"),
                                        Optional(Pattern("pattern", "MATCH")),
                                        Optional(Integer("count", "COUNT"))};

constexpr CommandRow kRows[] = {
    {"sadd", -3, kWrite | kDenyOom | kFast, kCatSet, Owner::kKv, Group::kSet, "1.0.0",
     "Adds members to a set, making it if there is none.", "O(N), N members", kExtendKey,
     kSaddArguments},
    {"srem", -3, kWrite | kFast, kCatSet, Owner::kKv, Group::kSet, "1.0.0",
     "Removes members from a set.", "O(N), N members to remove", kShrinkKey, kSaddArguments},
    WithTips(kNondeterministicOrder, {"smembers", 2, kReadonly, kCatSet, Owner::kKv, Group::kSet,
                                      "1.0.0", "Returns all members of a set.",
                                      "O(N), N members in the set", kReadKey, kOneKeyArgument}),
    {"sismember", 3, kReadonly | kFast, kCatSet, Owner::kKv, Group::kSet, "1.0.0",
     "Tells whether something is a member of a set.", "O(1)", kLookKey, kSismemberArguments},
    {"smismember", -3, kReadonly | kFast, kCatSet, Owner::kKv, Group::kSet, "6.2.0",
     "Tells of several things whether they are members of a set.", "O(N), N things asked for",
     kReadKey, kSaddArguments},
    {"scard", 2, kReadonly | kFast, kCatSet, Owner::kKv, Group::kSet, "1.0.0",
     "Returns the number of members of a set.", "O(1)", kLookKey, kOneKeyArgument},
    WithTips(kNondeterministic,
             {"spop", -2, kWrite | kFast, kCatSet, Owner::kKv, Group::kSet, "1.0.0",
              "Removes members of a set chosen at random and returns them.",
              "O(N), N members returned", kReadDeleteKey, kSpopArguments}),
    WithTips(kNondeterministic, {"srandmember", -2, kReadonly, kCatSet, Owner::kKv, Group::kSet,
                                 "1.0.0", "Returns members of a set chosen at random.",
                                 "O(N), N members returned", kReadKey, kSrandmemberArguments}),
    {"smove", 4, kWrite | kFast, kCatSet, Owner::kKv, Group::kSet, "1.0.0",
     "Moves a member from one set to another.", "O(1)", kSmoveKeys, kSmoveArguments},
    WithTips(kNondeterministicOrder,
             {"sinter", -2, kReadonly, kCatSet, Owner::kKv, Group::kSet, "1.0.0",
              "Returns what is in all of several sets.",
              "O(N*M), N members of the smallest of M sets", kReadKeys, kManyKeysArgument}),
    {"sinterstore", -3, kWrite | kDenyOom, kCatSet, Owner::kKv, Group::kSet, "1.0.0",
     "Stores what is in all of several sets at a key.",
     "O(N*M), N members of the smallest of M sets", kSinterstoreKeys, kSinterstoreArguments},
    {"sintercard", -3, kReadonly | kMovableKeys, kCatSet, Owner::kKv, Group::kSet, "7.0.0",
     "Counts what is in all of several sets.", "O(N*M), N members of the smallest of M sets",
     kSintercardKeys, kSintercardArguments},
    WithTips(kNondeterministicOrder, {"sunion", -2, kReadonly, kCatSet, Owner::kKv, Group::kSet,
                                      "1.0.0", "Returns what is in any of several sets.",
                                      "O(N), N members of all sets", kReadKeys, kManyKeysArgument}),
    {"sunionstore", -3, kWrite | kDenyOom, kCatSet, Owner::kKv, Group::kSet, "1.0.0",
     "Stores what is in any of several sets at a key.", "O(N), N members of all sets",
     kSunionstoreKeys, kSinterstoreArguments},
    WithTips(kNondeterministicOrder,
             {"sdiff", -2, kReadonly, kCatSet, Owner::kKv, Group::kSet, "1.0.0",
              "Returns what is in the first of several sets and in none of the others.",
              "O(N), N members of all sets", kReadKeys, kManyKeysArgument}),
    {"sdiffstore", -3, kWrite | kDenyOom, kCatSet, Owner::kKv, Group::kSet, "1.0.0",
     "Stores what is in the first of several sets and in none of the others at a key.",
     "O(N), N members of all sets", kSunionstoreKeys, kSinterstoreArguments},
    WithTips(kNondeterministic,
             {"sscan", -3, kReadonly, kCatSet, Owner::kKv, Group::kSet, "2.8.0",
              "Walks over the members of a set, some at each call.",
              "O(1) a call, O(N) for a whole walk over N members", kReadKey, kSscanArguments}),
};

}  // namespace

std::span<const CommandRow> SetCommands() { return kRows; }

}  // namespace understudy::protocol::rows
