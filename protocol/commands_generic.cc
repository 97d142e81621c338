// Commands on keys of any type.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr KeySpec kRenameKeys[] = {OneKey(kKeyRW | kKeyAccess | kKeyDelete),
                                   OneKey(kKeyOW | kKeyUpdate, 2)};
constexpr KeySpec kRenamenxKeys[] = {OneKey(kKeyRW | kKeyAccess | kKeyDelete),
                                     OneKey(kKeyOW | kKeyInsert, 2)};
constexpr KeySpec kCopyKeys[] = {OneKey(kKeyRO | kKeyAccess), OneKey(kKeyOW | kKeyUpdate, 2)};

constexpr KeySpec kSortRoKeys[] = {OneKey(kKeyRO | kKeyAccess),
                                   {kKeyRO | kKeyAccess,
                                    KeySpec::Begin::kUnknown,
                                    0,
                                    {},
                                    KeySpec::Find::kUnknown,
                                    0,
                                    0,
                                    0,
                                    "`BY` and `GET`: keys made of what the sorted key holds"}};
constexpr KeySpec kSortKeys[] = {kSortRoKeys[0],
                                 kSortRoKeys[1],
                                 {kKeyOW | kKeyUpdate,
                                  KeySpec::Begin::kUnknown,
                                  0,
                                  {},
                                  KeySpec::Find::kUnknown,
                                  0,
                                  0,
                                  0,
                                  "`STORE`, which may come anywhere among the options"}};

constexpr Argument kKeysArguments[] = {Pattern("pattern")};
constexpr Argument kScanArguments[] = {Integer("cursor"), Optional(Pattern("pattern", "MATCH")),
                                       Optional(Integer("count", "COUNT")),
                                       Optional(Since("6.0.0", String("type", "TYPE")))};
constexpr Argument kRenameArguments[] = {Key("key"), Key("newkey", 1)};
constexpr Argument kCopyArguments[] = {Key("source"), Key("destination", 1),
                                       Optional(Integer("destination-db", "DB")),
                                       Optional(Token("replace", "REPLACE"))};
constexpr Argument kRestoreArguments[] = {Key("key"),
                                          Integer("ttl"),
                                          String("serialized-value"),
                                          Optional(Since("3.0.0", Token("replace", "REPLACE"))),
                                          Optional(Since("5.0.0", Token("absttl", "ABSTTL"))),
                                          Optional(Since("5.0.0", Integer("seconds", "IDLETIME"))),
                                          Optional(Since("5.0.0", Integer("frequency", "FREQ")))};
constexpr Argument kMoveArguments[] = {Key("key"), Integer("db")};
constexpr Argument kExpireConditions[] = {Token("nx", "NX"), Token("xx", "XX"), Token("gt", "GT"),
                                          Token("lt", "LT")};
constexpr Argument kExpireArguments[] = {
    Key("key"), Integer("seconds"),
    Optional(Since("7.0.0", OneOf("condition", kExpireConditions)))};
constexpr Argument kPexpireArguments[] = {
    Key("key"), Integer("milliseconds"),
    Optional(Since("7.0.0", OneOf("condition", kExpireConditions)))};
constexpr Argument kExpireatArguments[] = {
    Key("key"), UnixTime("unix-time-seconds"),
    Optional(Since("7.0.0", OneOf("condition", kExpireConditions)))};
constexpr Argument kPexpireatArguments[] = {
    Key("key"), UnixTime("unix-time-milliseconds"),
    Optional(Since("7.0.0", OneOf("condition", kExpireConditions)))};
constexpr Argument kWaitArguments[] = {Integer("numreplicas"), Integer("timeout")};

constexpr Argument kSortLimitParts[] = {Integer("offset"), Integer("count")};
constexpr Argument kSortOrderParts[] = {Token("asc", "ASC"), Token("desc", "DESC")};
constexpr Argument kSortArguments[] = {
    Key("key"),
    Optional(ShownAs("pattern", Pattern("by-pattern", "BY"))),
    Optional(Block("limit", kSortLimitParts, "LIMIT")),
    Optional(MultipleToken(ShownAs("pattern", Pattern("get-pattern", "GET")))),
    Optional(OneOf("order", kSortOrderParts)),
    Optional(Token("sorting", "ALPHA")),
    Optional(WithToken("STORE", Key("destination", 2)))};
constexpr auto kSortRoArguments = std::span<const Argument>(kSortArguments).first(6);

constexpr std::string_view kKeysTips[] = {"request_policy:all_shards",
                                          "nondeterministic_output_order"};
constexpr std::string_view kScanTips[] = {"nondeterministic_output", "request_policy:special",
                                          "response_policy:special"};
constexpr std::string_view kRandomkeyTips[] = {
    "request_policy:all_shards", "response_policy:special", "nondeterministic_output"};
constexpr std::string_view kWaitTips[] = {"request_policy:all_shards", "response_policy:agg_min"};

constexpr CommandRow kObjectSubcommands[] = {
    WithTips(kNondeterministic,
             {"encoding", 3, kReadonly, kCatKeyspace, Owner::kKv, Group::kGeneric, "2.2.3",
              "Returns how the value stored at a key is encoded in memory.", "O(1)", kLookSecond,
              kOneKeyArgument}),
    WithTips(kNondeterministic,
             {"refcount", 3, kReadonly, kCatKeyspace, Owner::kKv, Group::kGeneric, "2.2.3",
              "Returns the number of references to the value stored at a key.", "O(1)", kLookSecond,
              kOneKeyArgument}),
    WithTips(
        kNondeterministic,
        {"idletime", 3, kReadonly, kCatKeyspace, Owner::kKv, Group::kGeneric, "2.2.3",
         "Returns the seconds since a key was last used.", "O(1)", kLookSecond, kOneKeyArgument}),
    WithTips(kNondeterministic,
             {"freq", 3, kReadonly, kCatKeyspace, Owner::kKv, Group::kGeneric, "4.0.0",
              "Returns how often a key is used, as a logarithmic counter.", "O(1)", kLookSecond,
              kOneKeyArgument}),
    {"help", 2, kLoading | kStale, kCatKeyspace, Owner::kKv, Group::kGeneric, "6.2.0",
     "Lists the subcommands of OBJECT.", "O(1)"},
};

constexpr CommandRow kRows[] = {
    WithTips(kSumOfShards, {"del", -2, kWrite, kCatKeyspace, Owner::kKv, Group::kGeneric, "1.0.0",
                            "Deletes keys.", "O(N), N keys; O(M) for a key with M elements",
                            kDeleteKeys, kManyKeysArgument}),
    WithTips(kSumOfShards,
             {"unlink", -2, kWrite | kFast, kCatKeyspace, Owner::kKv, Group::kGeneric, "4.0.0",
              "Deletes keys, and frees what they held without delaying other commands.",
              "O(1) for each key", kDeleteKeys, kManyKeysArgument}),
    WithTips(kSumOfShards,
             {"exists", -2, kReadonly | kFast, kCatKeyspace, Owner::kKv, Group::kGeneric, "1.0.0",
              "Counts how many of the keys exist.", "O(N), N keys", kLookKeys, kManyKeysArgument}),
    {"type", 2, kReadonly | kFast, kCatKeyspace, Owner::kKv, Group::kGeneric, "1.0.0",
     "Returns the type of the value stored at a key.", "O(1)", kLookKey, kOneKeyArgument},
    WithTips(kKeysTips,
             {"keys", 2, kReadonly | kWholeKeyspace, kCatKeyspace | kCatDangerous, Owner::kKv,
              Group::kGeneric, "1.0.0", "Returns all keys that match a pattern.",
              "O(N), N keys in the database", kNoKeys, kKeysArguments}),
    WithTips(kScanTips,
             {"scan", -2, kReadonly | kWholeKeyspace, kCatKeyspace, Owner::kKv, Group::kGeneric,
              "2.8.0", "Walks over the keys of the database, some at each call.",
              "O(1) a call, O(N) for a whole walk over N keys", kNoKeys, kScanArguments}),
    WithTips(kRandomkeyTips, {"randomkey", 1, kReadonly | kWholeKeyspace, kCatKeyspace, Owner::kKv,
                              Group::kGeneric, "1.0.0", "Returns a key chosen at random.", "O(1)"}),
    {"rename", 3, kWrite, kCatKeyspace, Owner::kKv, Group::kGeneric, "1.0.0",
     "Renames a key, replacing the one that had the new name.", "O(1)", kRenameKeys,
     kRenameArguments},
    {"renamenx", 3, kWrite | kFast, kCatKeyspace, Owner::kKv, Group::kGeneric, "1.0.0",
     "Renames a key if no key has the new name.", "O(1)", kRenamenxKeys, kRenameArguments},
    {"copy", -3, kWrite | kDenyOom, kCatKeyspace, Owner::kKv, Group::kGeneric, "6.2.0",
     "Copies the value of a key to another key.", "O(1) for strings, O(N) for N elements",
     kCopyKeys, kCopyArguments},
    WithTips(kNondeterministic,
             {"dump", 2, kReadonly, kCatKeyspace, Owner::kKv, Group::kGeneric, "2.6.0",
              "Returns the value of a key in a form that RESTORE takes.",
              "O(1) to find it, O(N) for the bytes of its value", kReadKey, kOneKeyArgument}),
    {"restore", -4, kWrite | kDenyOom, kCatKeyspace | kCatDangerous, Owner::kKv, Group::kGeneric,
     "2.6.0", "Makes a key of what DUMP returned.",
     "O(N) for the bytes of the value, O(N*log(N)) for sorted sets", kOverwriteKey,
     kRestoreArguments},
    {"move", 3, kWrite | kFast, kCatKeyspace, Owner::kKv, Group::kGeneric, "1.0.0",
     "Moves a key to another database.", "O(1)", kReadUpdateKey, kMoveArguments},
    WithTips(kSumOfShards,
             {"touch", -2, kReadonly | kFast, kCatKeyspace, Owner::kKv, Group::kGeneric, "3.2.1",
              "Counts how many of the keys exist, and marks them as just used.", "O(N), N keys",
              kLookKeys, kManyKeysArgument}),
    {"sort", -2, kWrite | kDenyOom | kMovableKeys,
     kCatSet | kCatSortedSet | kCatList | kCatDangerous, Owner::kKv, Group::kGeneric, "1.0.0",
     "Sorts what is in a list, set or sorted set, and returns or stores it.",
     "O(N+M*log(M)), N elements, M returned", kSortKeys, kSortArguments},
    {"sort_ro", -2, kReadonly | kMovableKeys, kCatSet | kCatSortedSet | kCatList | kCatDangerous,
     Owner::kKv, Group::kGeneric, "7.0.0",
     "Sorts what is in a list, set or sorted set and returns it.",
     "O(N+M*log(M)), N elements, M returned", kSortRoKeys, kSortRoArguments},
    {"expire", -3, kWrite | kFast, kCatKeyspace, Owner::kKv, Group::kGeneric, "1.0.0",
     "Sets the time to live of a key in seconds.", "O(1)", kUpdateKey, kExpireArguments},
    {"pexpire", -3, kWrite | kFast, kCatKeyspace, Owner::kKv, Group::kGeneric, "2.6.0",
     "Sets the time to live of a key in milliseconds.", "O(1)", kUpdateKey, kPexpireArguments},
    {"expireat", -3, kWrite | kFast, kCatKeyspace, Owner::kKv, Group::kGeneric, "1.2.0",
     "Sets when a key expires, in seconds of Unix time.", "O(1)", kUpdateKey, kExpireatArguments},
    {"pexpireat", -3, kWrite | kFast, kCatKeyspace, Owner::kKv, Group::kGeneric, "2.6.0",
     "Sets when a key expires, in milliseconds of Unix time.", "O(1)", kUpdateKey,
     kPexpireatArguments},
    {"expiretime", 2, kReadonly | kFast, kCatKeyspace, Owner::kKv, Group::kGeneric, "7.0.0",
     "Returns when a key expires, in seconds of Unix time.", "O(1)", kReadKey, kOneKeyArgument},
    {"pexpiretime", 2, kReadonly | kFast, kCatKeyspace, Owner::kKv, Group::kGeneric, "7.0.0",
     "Returns when a key expires, in milliseconds of Unix time.", "O(1)", kReadKey,
     kOneKeyArgument},
    WithTips(kNondeterministic,
             {"ttl", 2, kReadonly | kFast, kCatKeyspace, Owner::kKv, Group::kGeneric, "1.0.0",
              "Returns the time to live of a key in seconds.", "O(1)", kReadKey, kOneKeyArgument}),
    WithTips(
        kNondeterministic,
        {"pttl", 2, kReadonly | kFast, kCatKeyspace, Owner::kKv, Group::kGeneric, "2.6.0",
         "Returns the time to live of a key in milliseconds.", "O(1)", kReadKey, kOneKeyArgument}),
    {"persist", 2, kWrite | kFast, kCatKeyspace, Owner::kKv, Group::kGeneric, "2.2.0",
     "Lets a key live on without a time to live.", "O(1)", kUpdateKey, kOneKeyArgument},
    Container(kObjectSubcommands,
              {"object", -2, 0, 0, Owner::kKv, Group::kGeneric, "2.2.3",
               "Commands that look into how a value is stored.", "Depends on the subcommand"}),
    WithTips(kWaitTips, {"wait", 3, 0, kCatConnection, Owner::kNode, Group::kGeneric, "3.0.0",
                         "Waits until enough replicas hold the connection's writes.", "O(1)",
                         kNoKeys, kWaitArguments}),
};

}  // namespace

std::span<const CommandRow> GenericCommands() { return kRows; }

}  // namespace understudy::protocol::rows
