// Commands on hashes.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr KeySpec kShrinkKey[] = {OneKey(kKeyRW | kKeyDelete)};

constexpr Argument kHsetDataParts[] = {String("field"), String("value")};
constexpr Argument kHsetArguments[] = {Key("key"), Multiple(Block("data", kHsetDataParts))};
constexpr Argument kHsetnxArguments[] = {Key("key"), String("field"), String("value")};
constexpr Argument kHgetArguments[] = {Key("key"), String("field")};
constexpr Argument kHmgetArguments[] = {Key("key"), Multiple(String("field"))};
constexpr Argument kHincrbyArguments[] = {Key("key"), String("field"), Integer("increment")};
constexpr Argument kHincrbyfloatArguments[] = {Key("key"), String("field"), Double("increment")};
constexpr Argument kHrandfieldOptionsParts[] = {Integer("count"),
                                                Optional(Token("withvalues", "WITHVALUES"))};
constexpr Argument kHrandfieldArguments[] = {Key("key"),
                                             Optional(Block("options", kHrandfieldOptionsParts))};
constexpr Argument kHscanArguments[] = {Key("key"), Integer("cursor"),
                                        Optional(Pattern("pattern", "MATCH")),
                                        Optional(Integer("count", "COUNT"))};

constexpr CommandRow kRows[] = {
    {"hset", -4, kWrite | kDenyOom | kFast, kCatHash, Owner::kKv, Group::kHash, "2.0.0",
     "Gives fields of a hash values.", "O(N), N fields", kUpdateKey, kHsetArguments},
    {"hsetnx", 4, kWrite | kDenyOom | kFast, kCatHash, Owner::kKv, Group::kHash, "2.0.0",
     "Gives a field of a hash a value if the field doesn't exist.", "O(1)", kExtendKey,
     kHsetnxArguments},
    Deprecated(
        "4.0.0", "`HSET` with multiple field-value pairs",
        {"hmset", -4, kWrite | kDenyOom | kFast, kCatHash, Owner::kKv, Group::kHash, "2.0.0",
         "Gives several fields of a hash values.", "O(N), N fields", kUpdateKey, kHsetArguments}),
    {"hget", 3, kReadonly | kFast, kCatHash, Owner::kKv, Group::kHash, "2.0.0",
     "Returns the value of a field of a hash.", "O(1)", kReadKey, kHgetArguments},
    {"hmget", -3, kReadonly | kFast, kCatHash, Owner::kKv, Group::kHash, "2.0.0",
     "Returns the values of several fields of a hash.", "O(N), N fields", kReadKey,
     kHmgetArguments},
    WithTips(kNondeterministicOrder, {"hgetall", 2, kReadonly, kCatHash, Owner::kKv, Group::kHash,
                                      "2.0.0", "Returns all fields and values of a hash.",
                                      "O(N), N fields in the hash", kReadKey, kOneKeyArgument}),
    {"hdel", -3, kWrite | kFast, kCatHash, Owner::kKv, Group::kHash, "2.0.0",
     "Removes fields from a hash.", "O(N), N fields to remove", kShrinkKey, kHmgetArguments},
    {"hlen", 2, kReadonly | kFast, kCatHash, Owner::kKv, Group::kHash, "2.0.0",
     "Returns the number of fields of a hash.", "O(1)", kLookKey, kOneKeyArgument},
    {"hexists", 3, kReadonly | kFast, kCatHash, Owner::kKv, Group::kHash, "2.0.0",
     "Tells whether a field is in a hash.", "O(1)", kLookKey, kHgetArguments},
    WithTips(kNondeterministicOrder, {"hkeys", 2, kReadonly, kCatHash, Owner::kKv, Group::kHash,
                                      "2.0.0", "Returns all fields of a hash.",
                                      "O(N), N fields in the hash", kReadKey, kOneKeyArgument}),
    WithTips(kNondeterministicOrder, {"hvals", 2, kReadonly, kCatHash, Owner::kKv, Group::kHash,
                                      "2.0.0", "Returns all values of a hash.",
                                      "O(N), N fields in the hash", kReadKey, kOneKeyArgument}),
    {"hstrlen", 3, kReadonly | kFast, kCatHash, Owner::kKv, Group::kHash, "3.2.0",
     "Returns the length in bytes of the value of a field of a hash.", "O(1)", kLookKey,
     kHgetArguments},
    {"hincrby", 4, kWrite | kDenyOom | kFast, kCatHash, Owner::kKv, Group::kHash, "2.0.0",
     "Adds to the integer in a field of a hash.", "O(1)", kReadUpdateKey, kHincrbyArguments},
    {"hincrbyfloat", 4, kWrite | kDenyOom | kFast, kCatHash, Owner::kKv, Group::kHash, "2.6.0",
     "Adds to the floating point number in a field of a hash.", "O(1)", kReadUpdateKey,
     kHincrbyfloatArguments},
    WithTips(kNondeterministic, {"hrandfield", -2, kReadonly, kCatHash, Owner::kKv, Group::kHash,
                                 "6.2.0", "Returns fields of a hash chosen at random.",
                                 "O(N), N fields returned", kReadKey, kHrandfieldArguments}),
    WithTips(kNondeterministic,
             {"hscan", -3, kReadonly, kCatHash, Owner::kKv, Group::kHash, "2.8.0",
              "Walks over the fields of a hash, some at each call.",
              "O(1) a call, O(N) for a whole walk over N fields", kReadKey, kHscanArguments}),
};

}  // namespace

std::span<const CommandRow> HashCommands() { return kRows; }

}  // namespace understudy::protocol::rows
