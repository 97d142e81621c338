// Commands on sorted sets.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr KeySpec kShrinkKey[] = {OneKey(kKeyRW | kKeyDelete)};
constexpr KeySpec kZrangestoreKeys[] = {OneKey(kKeyOW | kKeyUpdate),
                                        OneKey(kKeyRO | kKeyAccess, 2)};
constexpr KeySpec kCountedKeys[] = {{kKeyRW | kKeyAccess | kKeyDelete,
                                     KeySpec::Begin::kIndex,
                                     1,
                                     {},
                                     KeySpec::Find::kKeyNum,
                                     0,
                                     1,
                                     1}};
constexpr KeySpec kZunionKeys[] = {
    {kKeyRO | kKeyAccess, KeySpec::Begin::kIndex, 1, {}, KeySpec::Find::kKeyNum, 0, 1, 1}};
constexpr KeySpec kZunionstoreKeys[] = {
    OneKey(kKeyOW | kKeyUpdate),
    {kKeyRO | kKeyAccess, KeySpec::Begin::kIndex, 2, {}, KeySpec::Find::kKeyNum, 0, 1, 1}};

constexpr Argument kZaddConditionParts[] = {Token("nx", "NX"), Token("xx", "XX")};
constexpr Argument kZaddComparisonParts[] = {Token("gt", "GT"), Token("lt", "LT")};
constexpr Argument kZaddDataParts[] = {Double("score"), String("member")};
constexpr Argument kZaddArguments[] = {
    Key("key"),
    Optional(Since("3.0.2", OneOf("condition", kZaddConditionParts))),
    Optional(Since("6.2.0", OneOf("comparison", kZaddComparisonParts))),
    Optional(Since("3.0.2", Token("change", "CH"))),
    Optional(Since("3.0.2", Token("increment", "INCR"))),
    Multiple(Block("data", kZaddDataParts))};
constexpr Argument kZremArguments[] = {Key("key"), Multiple(String("member"))};
constexpr Argument kZscoreArguments[] = {Key("key"), String("member")};
constexpr Argument kZcountArguments[] = {Key("key"), Double("min"), Double("max")};
constexpr Argument kZlexcountArguments[] = {Key("key"), String("min"), String("max")};
constexpr Argument kZincrbyArguments[] = {Key("key"), Integer("increment"), String("member")};
constexpr Argument kZrankArguments[] = {Key("key"), String("member"),
                                        Optional(Token("withscore", "WITHSCORE"))};
constexpr Argument kZrangeSortbyParts[] = {Token("byscore", "BYSCORE"), Token("bylex", "BYLEX")};
constexpr Argument kZrangeLimitParts[] = {Integer("offset"), Integer("count")};
constexpr Argument kZrangeArguments[] = {
    Key("key"),
    String("start"),
    String("stop"),
    Optional(Since("6.2.0", OneOf("sortby", kZrangeSortbyParts))),
    Optional(Since("6.2.0", Token("rev", "REV"))),
    Optional(Since("6.2.0", Block("limit", kZrangeLimitParts, "LIMIT"))),
    Optional(Token("withscores", "WITHSCORES"))};
constexpr Argument kZrevrangeArguments[] = {Key("key"), Integer("start"), Integer("stop"),
                                            Optional(Token("withscores", "WITHSCORES"))};
constexpr Argument kZrangebyscoreArguments[] = {
    Key("key"), Double("min"), Double("max"),
    Optional(Since("2.0.0", Token("withscores", "WITHSCORES"))),
    Optional(Block("limit", kZrangeLimitParts, "LIMIT"))};
constexpr Argument kZrevrangebyscoreArguments[] = {
    Key("key"), Double("max"), Double("min"), Optional(Token("withscores", "WITHSCORES")),
    Optional(Block("limit", kZrangeLimitParts, "LIMIT"))};
constexpr Argument kZrangebylexArguments[] = {Key("key"), String("min"), String("max"),
                                              Optional(Block("limit", kZrangeLimitParts, "LIMIT"))};
constexpr Argument kZrevrangebylexArguments[] = {
    Key("key"), String("max"), String("min"), Optional(Block("limit", kZrangeLimitParts, "LIMIT"))};
constexpr Argument kZrangestoreArguments[] = {Key("dst"),
                                              Key("src", 1),
                                              String("min"),
                                              String("max"),
                                              Optional(OneOf("sortby", kZrangeSortbyParts)),
                                              Optional(Token("rev", "REV")),
                                              Optional(Block("limit", kZrangeLimitParts, "LIMIT"))};
constexpr Argument kZremrangebyrankArguments[] = {Key("key"), Integer("start"), Integer("stop")};
constexpr Argument kZpopminArguments[] = {Key("key"), Optional(Integer("count"))};
constexpr Argument kZmpopWhereParts[] = {Token("min", "MIN"), Token("max", "MAX")};
constexpr Argument kZmpopArguments[] = {Integer("numkeys"), Multiple(Key("key")),
                                        OneOf("where", kZmpopWhereParts),
                                        Optional(Integer("count", "COUNT"))};
constexpr Argument kZunionAggregateParts[] = {Token("sum", "SUM"), Token("min", "MIN"),
                                              Token("max", "MAX")};
constexpr Argument kZunionArguments[] = {
    Integer("numkeys"), Multiple(Key("key")), Optional(Multiple(Integer("weight", "WEIGHTS"))),
    Optional(OneOf("aggregate", kZunionAggregateParts, "AGGREGATE")),
    Optional(Token("withscores", "WITHSCORES"))};
constexpr Argument kZdiffArguments[] = {Integer("numkeys"), Multiple(Key("key")),
                                        Optional(Token("withscores", "WITHSCORES"))};
constexpr Argument kZunionstoreArguments[] = {
    Key("destination"), Integer("numkeys"), Multiple(Key("key", 1)),
    Optional(Multiple(Integer("weight", "WEIGHTS"))),
    Optional(OneOf("aggregate", kZunionAggregateParts, "AGGREGATE"))};
constexpr Argument kZdiffstoreArguments[] = {Key("destination"), Integer("numkeys"),
                                             Multiple(Key("key", 1))};
constexpr Argument kZintercardArguments[] = {Integer("numkeys"), Multiple(Key("key")),
                                             Optional(Integer("limit", "LIMIT"))};
constexpr Argument kZrandmemberOptionsParts[] = {Integer("count"),
                                                 Optional(Token("withscores", "WITHSCORES"))};
constexpr Argument kZrandmemberArguments[] = {Key("key"),
                                              Optional(Block("options", kZrandmemberOptionsParts))};
constexpr Argument kZscanArguments[] = {Key("key"), Integer("cursor"),
                                        Optional(Pattern("pattern", "MATCH")),
                                        Optional(Integer("count", "COUNT"))};
constexpr KeySpec kBzpopminKeys[] = {
    {kKeyRW | kKeyAccess | kKeyDelete, KeySpec::Begin::kIndex, 1, {}, KeySpec::Find::kRange, -2, 1,
     0}};
constexpr KeySpec kBzmpopKeys[] = {{kKeyRW | kKeyAccess | kKeyDelete,
                                    KeySpec::Begin::kIndex,
                                    2,
                                    {},
                                    KeySpec::Find::kKeyNum,
                                    0,
                                    1,
                                    1}};
constexpr Argument kBzpopminArguments[] = {Multiple(Key("key")), Double("timeout")};
constexpr Argument kBzmpopArguments[] = {Double("timeout"), Integer("numkeys"),
                                         Multiple(Key("key")), OneOf("where", kZmpopWhereParts),
                                         Optional(Integer("count", "COUNT"))};

constexpr CommandRow kRows[] = {
    {"zadd", -4, kWrite | kDenyOom | kFast, kCatSortedSet, Owner::kKv, Group::kSortedSet, "1.2.0",
     "Adds members with scores to a sorted set, or changes their scores.",
     "O(N*log(M)), N members given, M in the set", kUpdateKey, kZaddArguments},
    {"zrem", -3, kWrite | kFast, kCatSortedSet, Owner::kKv, Group::kSortedSet, "1.2.0",
     "Removes members from a sorted set.", "O(N*log(M)), N members to remove, M in the set",
     kShrinkKey, kZremArguments},
    {"zscore", 3, kReadonly | kFast, kCatSortedSet, Owner::kKv, Group::kSortedSet, "1.2.0",
     "Returns the score of a member of a sorted set.", "O(1)", kReadKey, kZscoreArguments},
    {"zmscore", -3, kReadonly | kFast, kCatSortedSet, Owner::kKv, Group::kSortedSet, "6.2.0",
     "Returns the scores of several members of a sorted set.", "O(N), N members asked for",
     kReadKey, kZremArguments},
    {"zcard", 2, kReadonly | kFast, kCatSortedSet, Owner::kKv, Group::kSortedSet, "1.2.0",
     "Returns the number of members of a sorted set.", "O(1)", kLookKey, kOneKeyArgument},
    {"zcount", 4, kReadonly | kFast, kCatSortedSet, Owner::kKv, Group::kSortedSet, "2.0.0",
     "Counts the members of a sorted set with scores in a range.",
     "O(log(N)), N members in the set", kReadKey, kZcountArguments},
    {"zlexcount", 4, kReadonly | kFast, kCatSortedSet, Owner::kKv, Group::kSortedSet, "2.8.9",
     "Counts the members of a sorted set in a range of names.", "O(log(N)), N members in the set",
     kReadKey, kZlexcountArguments},
    {"zincrby", 4, kWrite | kDenyOom | kFast, kCatSortedSet, Owner::kKv, Group::kSortedSet, "1.2.0",
     "Adds to the score of a member of a sorted set.", "O(log(N)), N members in the set",
     kReadUpdateKey, kZincrbyArguments},
    {"zrank", -3, kReadonly | kFast, kCatSortedSet, Owner::kKv, Group::kSortedSet, "2.0.0",
     "Returns the rank of a member of a sorted set, counted from the lowest score.",
     "O(log(N)), N members in the set", kReadKey, kZrankArguments},
    {"zrevrank", -3, kReadonly | kFast, kCatSortedSet, Owner::kKv, Group::kSortedSet, "2.0.0",
     "Returns the rank of a member of a sorted set, counted from the highest score.",
     "O(log(N)), N members in the set", kReadKey, kZrankArguments},
    {"zrange", -4, kReadonly, kCatSortedSet, Owner::kKv, Group::kSortedSet, "1.2.0",
     "Returns a range of a sorted set by rank, score or name.",
     "O(log(N)+M), N members in the set, M returned", kReadKey, kZrangeArguments},
    Deprecated("6.2.0", "`ZRANGE` with the `REV` argument",
               {"zrevrange", -4, kReadonly, kCatSortedSet, Owner::kKv, Group::kSortedSet, "1.2.0",
                "Returns a range of a sorted set by rank, from the highest score down.",
                "O(log(N)+M), N members in the set, M returned", kReadKey, kZrevrangeArguments}),
    Deprecated(
        "6.2.0", "`ZRANGE` with the `BYSCORE` argument",
        {"zrangebyscore", -4, kReadonly, kCatSortedSet, Owner::kKv, Group::kSortedSet, "1.0.5",
         "Returns the members of a sorted set with scores in a range.",
         "O(log(N)+M), N members in the set, M returned", kReadKey, kZrangebyscoreArguments}),
    Deprecated(
        "6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments",
        {"zrevrangebyscore", -4, kReadonly, kCatSortedSet, Owner::kKv, Group::kSortedSet, "2.2.0",
         "Returns the members of a sorted set with scores in a range, from the highest down.",
         "O(log(N)+M), N members in the set, M returned", kReadKey, kZrevrangebyscoreArguments}),
    Deprecated("6.2.0", "`ZRANGE` with the `BYLEX` argument",
               {"zrangebylex", -4, kReadonly, kCatSortedSet, Owner::kKv, Group::kSortedSet, "2.8.9",
                "Returns the members of a sorted set in a range of names.",
                "O(log(N)+M), N members in the set, M returned", kReadKey, kZrangebylexArguments}),
    Deprecated(
        "6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments",
        {"zrevrangebylex", -4, kReadonly, kCatSortedSet, Owner::kKv, Group::kSortedSet, "2.8.9",
         "Returns the members of a sorted set in a range of names, from the greatest down.",
         "O(log(N)+M), N members in the set, M returned", kReadKey, kZrevrangebylexArguments}),
    {"zrangestore", -5, kWrite | kDenyOom, kCatSortedSet, Owner::kKv, Group::kSortedSet, "6.2.0",
     "Stores a range of a sorted set at a key.", "O(log(N)+M), N members in the set, M stored",
     kZrangestoreKeys, kZrangestoreArguments},
    {"zremrangebyrank", 4, kWrite, kCatSortedSet, Owner::kKv, Group::kSortedSet, "2.0.0",
     "Removes a range of a sorted set by rank.", "O(log(N)+M), N members in the set, M removed",
     kShrinkKey, kZremrangebyrankArguments},
    {"zremrangebyscore", 4, kWrite, kCatSortedSet, Owner::kKv, Group::kSortedSet, "1.2.0",
     "Removes the members of a sorted set with scores in a range.",
     "O(log(N)+M), N members in the set, M removed", kShrinkKey, kZcountArguments},
    {"zremrangebylex", 4, kWrite, kCatSortedSet, Owner::kKv, Group::kSortedSet, "2.8.9",
     "Removes the members of a sorted set in a range of names.",
     "O(log(N)+M), N members in the set, M removed", kShrinkKey, kZlexcountArguments},
    {"zpopmin", -2, kWrite | kFast, kCatSortedSet, Owner::kKv, Group::kSortedSet, "5.0.0",
     "Takes the members with the lowest scores off a sorted set and returns them.",
     "O(log(N)*M), N members in the set, M returned", kReadDeleteKey, kZpopminArguments},
    {"zpopmax", -2, kWrite | kFast, kCatSortedSet, Owner::kKv, Group::kSortedSet, "5.0.0",
     "Takes the members with the highest scores off a sorted set and returns them.",
     "O(log(N)*M), N members in the set, M returned", kReadDeleteKey, kZpopminArguments},
    {"zmpop", -4, kWrite | kMovableKeys, kCatSortedSet, Owner::kKv, Group::kSortedSet, "7.0.0",
     "Takes members off the first of several sorted sets that isn't empty and returns them.",
     "O(K)+O(M*log(N)), K keys, N members in the set, M returned", kCountedKeys, kZmpopArguments},
    {"bzpopmin", -3, kWrite | kFast | kBlocking, kCatSortedSet, Owner::kKv, Group::kSortedSet,
     "5.0.0",
     "Takes the member of the least score off the first of several sorted sets that isn't empty; "
     "waits for one.",
     "O(K+log(N)), K keys, N members in the set", kBzpopminKeys, kBzpopminArguments},
    {"bzpopmax", -3, kWrite | kFast | kBlocking, kCatSortedSet, Owner::kKv, Group::kSortedSet,
     "5.0.0",
     "Takes the member of the greatest score off the first of several sorted sets that isn't "
     "empty; waits for one.",
     "O(K+log(N)), K keys, N members in the set", kBzpopminKeys, kBzpopminArguments},
    {"bzmpop", -5, kWrite | kBlocking | kMovableKeys, kCatSortedSet, Owner::kKv, Group::kSortedSet,
     "7.0.0", "Takes members off sorted sets as ZMPOP does; waits for some.",
     "O(K)+O(M*log(N)), K keys, N members in the set, M returned", kBzmpopKeys, kBzmpopArguments},
    {"zunion", -3, kReadonly | kMovableKeys, kCatSortedSet, Owner::kKv, Group::kSortedSet, "6.2.0",
     "Returns what is in any of several sorted sets.",
     "O(N)+O(M*log(M)), N members of all sets, M returned", kZunionKeys, kZunionArguments},
    {"zinter", -3, kReadonly | kMovableKeys, kCatSortedSet, Owner::kKv, Group::kSortedSet, "6.2.0",
     "Returns what is in all of several sorted sets.",
     "O(N*K)+O(M*log(M)), N members of the smallest of K sets, M returned", kZunionKeys,
     kZunionArguments},
    {"zdiff", -3, kReadonly | kMovableKeys, kCatSortedSet, Owner::kKv, Group::kSortedSet, "6.2.0",
     "Returns what is in the first of several sorted sets and in none of the others.",
     "O(L + (N-K)log(N)), L members of all sets, N of the first, K returned", kZunionKeys,
     kZdiffArguments},
    {"zunionstore", -4, kWrite | kDenyOom | kMovableKeys, kCatSortedSet, Owner::kKv,
     Group::kSortedSet, "2.0.0", "Stores what is in any of several sorted sets at a key.",
     "O(N)+O(M*log(M)), N members of all sets, M stored", kZunionstoreKeys, kZunionstoreArguments},
    {"zinterstore", -4, kWrite | kDenyOom | kMovableKeys, kCatSortedSet, Owner::kKv,
     Group::kSortedSet, "2.0.0", "Stores what is in all of several sorted sets at a key.",
     "O(N*K)+O(M*log(M)), N members of the smallest of K sets, M stored", kZunionstoreKeys,
     kZunionstoreArguments},
    {"zdiffstore", -4, kWrite | kDenyOom | kMovableKeys, kCatSortedSet, Owner::kKv,
     Group::kSortedSet, "6.2.0",
     "Stores what is in the first of several sorted sets and in none of the others at a key.",
     "O(L + (N-K)log(N)), L members of all sets, N of the first, K stored", kZunionstoreKeys,
     kZdiffstoreArguments},
    {"zintercard", -3, kReadonly | kMovableKeys, kCatSortedSet, Owner::kKv, Group::kSortedSet,
     "7.0.0", "Counts what is in all of several sorted sets.",
     "O(N*K), N members of the smallest of K sets", kZunionKeys, kZintercardArguments},
    WithTips(kNondeterministic,
             {"zrandmember", -2, kReadonly, kCatSortedSet, Owner::kKv, Group::kSortedSet, "6.2.0",
              "Returns members of a sorted set chosen at random.", "O(N), N members returned",
              kReadKey, kZrandmemberArguments}),
    WithTips(kNondeterministic,
             {"zscan", -3, kReadonly, kCatSortedSet, Owner::kKv, Group::kSortedSet, "2.8.0",
              "Walks over the members of a sorted set, some at each call.",
              "O(1) a call, O(N) for a whole walk over N members", kReadKey, kZscanArguments}),
};

}  // namespace

std::span<const CommandRow> SortedSetCommands() { return kRows; }

}  // namespace understudy::protocol::rows
