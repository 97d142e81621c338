// Commands on lists.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr KeySpec kShrinkKey[] = {OneKey(kKeyRW | kKeyDelete)};
constexpr KeySpec kLmoveKeys[] = {OneKey(kKeyRW | kKeyAccess | kKeyDelete),
                                  OneKey(kKeyRW | kKeyInsert, 2)};
constexpr KeySpec kCountedKeys[] = {{kKeyRW | kKeyAccess | kKeyDelete,
                                     KeySpec::Begin::kIndex,
                                     1,
                                     {},
                                     KeySpec::Find::kKeyNum,
                                     0,
                                     1,
                                     1}};

constexpr Argument kPushArguments[] = {Key("key"), Multiple(String("element"))};
constexpr Argument kPopArguments[] = {Key("key"), Optional(Since("6.2.0", Integer("count")))};
constexpr Argument kLindexArguments[] = {Key("key"), Integer("index")};
constexpr Argument kLsetArguments[] = {Key("key"), Integer("index"), String("element")};
constexpr Argument kWhereParts[] = {Token("before", "BEFORE"), Token("after", "AFTER")};
constexpr Argument kLinsertArguments[] = {Key("key"), OneOf("where", kWhereParts), String("pivot"),
                                          String("element")};
constexpr Argument kRangeArguments[] = {Key("key"), Integer("start"), Integer("stop")};
constexpr Argument kLremArguments[] = {Key("key"), Integer("count"), String("element")};
constexpr Argument kLposArguments[] = {
    Key("key"), String("element"), Optional(Integer("rank", "RANK")),
    Optional(Integer("num-matches", "COUNT")), Optional(Integer("len", "MAXLEN"))};
constexpr Argument kEndParts[] = {Token("left", "LEFT"), Token("right", "RIGHT")};
constexpr Argument kLmoveArguments[] = {Key("source"), Key("destination", 1),
                                        OneOf("wherefrom", kEndParts), OneOf("whereto", kEndParts)};
constexpr Argument kRpoplpushArguments[] = {Key("source"), Key("destination", 1)};
constexpr Argument kLmpopArguments[] = {Integer("numkeys"), Multiple(Key("key")),
                                        OneOf("where", kEndParts),
                                        Optional(Integer("count", "COUNT"))};
constexpr KeySpec kBlpopKeys[] = {
    {kKeyRW | kKeyAccess | kKeyDelete, KeySpec::Begin::kIndex, 1, {}, KeySpec::Find::kRange, -2, 1,
     0}};
constexpr KeySpec kBlmpopKeys[] = {{kKeyRW | kKeyAccess | kKeyDelete,
                                    KeySpec::Begin::kIndex,
                                    2,
                                    {},
                                    KeySpec::Find::kKeyNum,
                                    0,
                                    1,
                                    1}};
constexpr Argument kBlpopArguments[] = {Multiple(Key("key")), Double("timeout")};
constexpr Argument kBlmoveArguments[] = {Key("source"), Key("destination", 1),
                                         OneOf("wherefrom", kEndParts),
                                         OneOf("whereto", kEndParts), Double("timeout")};
constexpr Argument kBrpoplpushArguments[] = {Key("source"), Key("destination", 1),
                                             Double("timeout")};
constexpr Argument kBlmpopArguments[] = {Double("timeout"), Integer("numkeys"),
                                         Multiple(Key("key")), OneOf("where", kEndParts),
                                         Optional(Integer("count", "COUNT"))};

constexpr CommandRow kRows[] = {
    {"lpush", -3, kWrite | kDenyOom | kFast, kCatList, Owner::kKv, Group::kList, "1.0.0",
     "Puts elements in front of a list, making it if there is none.", "O(N), N elements",
     kExtendKey, kPushArguments},
    {"rpush", -3, kWrite | kDenyOom | kFast, kCatList, Owner::kKv, Group::kList, "1.0.0",
     "Puts elements behind a list, making it if there is none.", "O(N), N elements", kExtendKey,
     kPushArguments},
    {"lpushx", -3, kWrite | kDenyOom | kFast, kCatList, Owner::kKv, Group::kList, "2.2.0",
     "Puts elements in front of a list if there is one.", "O(N), N elements", kExtendKey,
     kPushArguments},
    {"rpushx", -3, kWrite | kDenyOom | kFast, kCatList, Owner::kKv, Group::kList, "2.2.0",
     "Puts elements behind a list if there is one.", "O(N), N elements", kExtendKey,
     kPushArguments},
    {"lpop", -2, kWrite | kFast, kCatList, Owner::kKv, Group::kList, "1.0.0",
     "Takes the first elements off a list and returns them.", "O(N), N elements returned",
     kReadDeleteKey, kPopArguments},
    {"rpop", -2, kWrite | kFast, kCatList, Owner::kKv, Group::kList, "1.0.0",
     "Takes the last elements off a list and returns them.", "O(N), N elements returned",
     kReadDeleteKey, kPopArguments},
    {"llen", 2, kReadonly | kFast, kCatList, Owner::kKv, Group::kList, "1.0.0",
     "Returns the length of a list.", "O(1)", kLookKey, kOneKeyArgument},
    {"lindex", 3, kReadonly, kCatList, Owner::kKv, Group::kList, "1.0.0",
     "Returns the element of a list at an index.", "O(N), N elements to the nearer end", kReadKey,
     kLindexArguments},
    {"lset", 4, kWrite | kDenyOom, kCatList, Owner::kKv, Group::kList, "1.0.0",
     "Replaces the element of a list at an index.", "O(N), N elements to the nearer end",
     kUpdateKey, kLsetArguments},
    {"linsert", 5, kWrite | kDenyOom, kCatList, Owner::kKv, Group::kList, "2.2.0",
     "Inserts an element into a list before or after another one.",
     "O(N), N elements up to the other one", kExtendKey, kLinsertArguments},
    {"lrange", 4, kReadonly, kCatList, Owner::kKv, Group::kList, "1.0.0",
     "Returns a range of a list.", "O(S+N), S elements before the range, N in it", kReadKey,
     kRangeArguments},
    {"lrem", 4, kWrite, kCatList, Owner::kKv, Group::kList, "1.0.0",
     "Removes elements from a list that are equal to a given one.",
     "O(N+M), N elements in the list, M removed", kShrinkKey, kLremArguments},
    {"ltrim", 4, kWrite, kCatList, Owner::kKv, Group::kList, "1.0.0",
     "Keeps only a range of a list.", "O(N), N elements removed", kShrinkKey, kRangeArguments},
    {"lpos", -3, kReadonly, kCatList, Owner::kKv, Group::kList, "6.0.6",
     "Returns where in a list elements are that are equal to a given one.",
     "O(N), N elements looked at", kReadKey, kLposArguments},
    {"lmove", 5, kWrite | kDenyOom, kCatList, Owner::kKv, Group::kList, "6.2.0",
     "Takes an element off one end of a list, puts it at one end of a list and returns it.", "O(1)",
     kLmoveKeys, kLmoveArguments},
    Deprecated("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments",
               {"rpoplpush", 3, kWrite | kDenyOom, kCatList, Owner::kKv, Group::kList, "1.2.0",
                "Takes the last element off a list, puts it in front of a list and returns it.",
                "O(1)", kLmoveKeys, kRpoplpushArguments}),
    {"lmpop", -4, kWrite | kMovableKeys, kCatList, Owner::kKv, Group::kList, "7.0.0",
     "Takes elements off the first of several lists that isn't empty and returns them.",
     "O(N+M), N keys, M elements returned", kCountedKeys, kLmpopArguments},
    {"blpop", -3, kWrite | kBlocking, kCatList, Owner::kKv, Group::kList, "2.0.0",
     "Takes the first element off the first of several lists that isn't empty; waits for one.",
     "O(N), N keys", kBlpopKeys, kBlpopArguments},
    {"brpop", -3, kWrite | kBlocking, kCatList, Owner::kKv, Group::kList, "2.0.0",
     "Takes the last element off the first of several lists that isn't empty; waits for one.",
     "O(N), N keys", kBlpopKeys, kBlpopArguments},
    {"blmove", 6, kWrite | kDenyOom | kBlocking, kCatList, Owner::kKv, Group::kList, "6.2.0",
     "Moves an element as LMOVE does; waits for one.", "O(1)", kLmoveKeys, kBlmoveArguments},
    Deprecated("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments",
               {"brpoplpush", 4, kWrite | kDenyOom | kBlocking, kCatList, Owner::kKv, Group::kList,
                "2.2.0", "Moves an element as RPOPLPUSH does; waits for one.", "O(1)", kLmoveKeys,
                kBrpoplpushArguments}),
    {"blmpop", -5, kWrite | kBlocking | kMovableKeys, kCatList, Owner::kKv, Group::kList, "7.0.0",
     "Takes elements off lists as LMPOP does; waits for some.",
     "O(N+M), N keys, M elements returned", kBlmpopKeys, kBlmpopArguments},
};

}  // namespace

std::span<const CommandRow> ListCommands() { return kRows; }

}  // namespace understudy::protocol::rows
