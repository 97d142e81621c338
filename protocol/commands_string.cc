// Commands on strings and counters.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr KeySpec kSetKeys[] = {OneKey(kKeyRW | kKeyAccess | kKeyUpdate | kKeyVariableFlags, 1,
                                       "reads the old value if `GET` is given")};
constexpr KeySpec kGetexKeys[] = {
    OneKey(kKeyRW | kKeyAccess | kKeyUpdate, 1, "an update, for it changes the time to live")};
constexpr KeySpec kLcsKeys[] = {
    {kKeyRO | kKeyAccess, KeySpec::Begin::kIndex, 1, {}, KeySpec::Find::kRange, 1, 1, 0}};

constexpr Argument kSetConditions[] = {Token("nx", "NX"), Token("xx", "XX")};
constexpr Argument kSetExpirationParts[] = {
    Since("2.6.12", Integer("seconds", "EX")), Since("2.6.12", Integer("milliseconds", "PX")),
    Since("6.2.0", UnixTime("unix-time-seconds", "EXAT")),
    Since("6.2.0", UnixTime("unix-time-milliseconds", "PXAT")),
    Since("6.0.0", Token("keepttl", "KEEPTTL"))};
constexpr Argument kSetArguments[] = {Key("key"), String("value"),
                                      Optional(Since("2.6.12", OneOf("condition", kSetConditions))),
                                      Optional(Since("6.2.0", Token("get", "GET"))),
                                      Optional(OneOf("expiration", kSetExpirationParts))};
constexpr Argument kKeyValueArguments[] = {Key("key"), String("value")};
constexpr Argument kSetexArguments[] = {Key("key"), Integer("seconds"), String("value")};
constexpr Argument kPsetexArguments[] = {Key("key"), Integer("milliseconds"), String("value")};
constexpr Argument kGetexExpirationParts[] = {
    Integer("seconds", "EX"), Integer("milliseconds", "PX"), UnixTime("unix-time-seconds", "EXAT"),
    UnixTime("unix-time-milliseconds", "PXAT"), Token("persist", "PERSIST")};
constexpr Argument kGetexArguments[] = {Key("key"),
                                        Optional(OneOf("expiration", kGetexExpirationParts))};
constexpr Argument kManyKeyValuesArguments[] = {Multiple(Block("data", kKeyValueArguments))};
constexpr Argument kKeyRangeArguments[] = {Key("key"), Integer("start"), Integer("end")};
constexpr Argument kSetrangeArguments[] = {Key("key"), Integer("offset"), String("value")};
constexpr Argument kIncrbyArguments[] = {Key("key"), Integer("increment")};
constexpr Argument kDecrbyArguments[] = {Key("key"), Integer("decrement")};
constexpr Argument kIncrbyfloatArguments[] = {Key("key"), Double("increment")};
constexpr Argument kLcsArguments[] = {Key("key1"),
                                      Key("key2"),
                                      Optional(Token("len", "LEN")),
                                      Optional(Token("idx", "IDX")),
                                      Optional(Integer("min-match-len", "MINMATCHLEN")),
                                      Optional(Token("withmatchlen", "WITHMATCHLEN"))};

constexpr std::string_view kMgetTips[] = {"request_policy:multi_shard"};
constexpr std::string_view kMsetTips[] = {"request_policy:multi_shard",
                                          "response_policy:all_succeeded"};

constexpr CommandRow kRows[] = {
    {"get", 2, kReadonly | kFast, kCatString, Owner::kKv, Group::kString, "1.0.0",
     "Returns the string stored at a key.", "O(1)", kReadKey, kOneKeyArgument},
    {"set", -3, kWrite | kDenyOom, kCatString, Owner::kKv, Group::kString, "1.0.0",
     "Stores a string at a key, whatever was there before.", "O(1)", kSetKeys, kSetArguments},
    Deprecated("2.6.12", "`SET` with the `NX` argument",
               {"setnx", 3, kWrite | kDenyOom | kFast, kCatString, Owner::kKv, Group::kString,
                "1.0.0", "Stores a string at a key that doesn't exist yet.", "O(1)", kInsertKey,
                kKeyValueArguments}),
    Deprecated("2.6.12", "`SET` with the `EX` argument",
               {"setex", 4, kWrite | kDenyOom, kCatString, Owner::kKv, Group::kString, "2.0.0",
                "Stores a string at a key together with a time to live in seconds.", "O(1)",
                kOverwriteKey, kSetexArguments}),
    Deprecated("2.6.12", "`SET` with the `PX` argument",
               {"psetex", 4, kWrite | kDenyOom, kCatString, Owner::kKv, Group::kString, "2.6.0",
                "Stores a string at a key together with a time to live in milliseconds.", "O(1)",
                kOverwriteKey, kPsetexArguments}),
    Deprecated("6.2.0", "`SET` with the `!GET` argument",
               {"getset", 3, kWrite | kDenyOom | kFast, kCatString, Owner::kKv, Group::kString,
                "1.0.0", "Stores a string at a key and returns the one it held.", "O(1)",
                kReadUpdateKey, kKeyValueArguments}),
    {"getdel", 2, kWrite | kFast, kCatString, Owner::kKv, Group::kString, "6.2.0",
     "Returns the string stored at a key and deletes the key.", "O(1)", kReadDeleteKey,
     kOneKeyArgument},
    {"getex", -2, kWrite | kFast, kCatString, Owner::kKv, Group::kString, "6.2.0",
     "Returns the string stored at a key and changes when the key expires.", "O(1)", kGetexKeys,
     kGetexArguments},
    WithTips(kMgetTips, {"mget", -2, kReadonly | kFast, kCatString, Owner::kKv, Group::kString,
                         "1.0.0", "Returns the strings stored at several keys.", "O(N), N keys",
                         kReadKeys, kManyKeysArgument}),
    WithTips(kMsetTips, {"mset", -3, kWrite | kDenyOom, kCatString, Owner::kKv, Group::kString,
                         "1.0.1", "Stores strings at several keys at once.", "O(N), N keys",
                         kOverwriteEverySecond, kManyKeyValuesArguments}),
    {"msetnx", -3, kWrite | kDenyOom, kCatString, Owner::kKv, Group::kString, "1.0.1",
     "Stores strings at several keys at once if none of the keys exists.", "O(N), N keys",
     kInsertEverySecond, kManyKeyValuesArguments},
    {"append", 3, kWrite | kDenyOom | kFast, kCatString, Owner::kKv, Group::kString, "2.0.0",
     "Appends to the string stored at a key.", "O(1) amortized", kExtendKey, kKeyValueArguments},
    {"strlen", 2, kReadonly | kFast, kCatString, Owner::kKv, Group::kString, "2.2.0",
     "Returns the length in bytes of the string stored at a key.", "O(1)", kLookKey,
     kOneKeyArgument},
    {"getrange", 4, kReadonly, kCatString, Owner::kKv, Group::kString, "2.4.0",
     "Returns part of the string stored at a key.", "O(N), N bytes returned", kReadKey,
     kKeyRangeArguments},
    Deprecated("2.0.0", "`GETRANGE`",
               {"substr", 4, kReadonly, kCatString, Owner::kKv, Group::kString, "1.0.0",
                "Returns part of the string stored at a key; the old name of GETRANGE.",
                "O(N), N bytes returned", kReadKey, kKeyRangeArguments}),
    {"setrange", 4, kWrite | kDenyOom, kCatString, Owner::kKv, Group::kString, "2.2.0",
     "Overwrites part of the string stored at a key.", "O(M), M bytes written", kUpdateKey,
     kSetrangeArguments},
    {"incr", 2, kWrite | kDenyOom | kFast, kCatString, Owner::kKv, Group::kString, "1.0.0",
     "Adds one to the integer stored at a key.", "O(1)", kReadUpdateKey, kOneKeyArgument},
    {"decr", 2, kWrite | kDenyOom | kFast, kCatString, Owner::kKv, Group::kString, "1.0.0",
     "Subtracts one from the integer stored at a key.", "O(1)", kReadUpdateKey, kOneKeyArgument},
    {"incrby", 3, kWrite | kDenyOom | kFast, kCatString, Owner::kKv, Group::kString, "1.0.0",
     "Adds to the integer stored at a key.", "O(1)", kReadUpdateKey, kIncrbyArguments},
    {"decrby", 3, kWrite | kDenyOom | kFast, kCatString, Owner::kKv, Group::kString, "1.0.0",
     "Subtracts from the integer stored at a key.", "O(1)", kReadUpdateKey, kDecrbyArguments},
    {"incrbyfloat", 3, kWrite | kDenyOom | kFast, kCatString, Owner::kKv, Group::kString, "2.6.0",
     "Adds to the floating point number stored at a key.", "O(1)", kReadUpdateKey,
     kIncrbyfloatArguments},
    {"lcs", -3, kReadonly, kCatString, Owner::kKv, Group::kString, "7.0.0",
     "Finds the longest common subsequence of two strings.", "O(N*M), strings of N and M bytes",
     kLcsKeys, kLcsArguments},
};

}  // namespace

std::span<const CommandRow> StringCommands() { return kRows; }

}  // namespace understudy::protocol::rows
