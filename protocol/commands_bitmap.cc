// Commands on the bits of strings.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr KeySpec kBitopKeys[] = {OneKey(kKeyOW | kKeyUpdate, 2),
                                  KeysToEnd(kKeyRO | kKeyAccess, 3)};
constexpr KeySpec kBitfieldKeys[] = {OneKey(kKeyRW | kKeyUpdate | kKeyAccess | kKeyVariableFlags, 1,
                                            "only reads if all its operations are `GET`")};

constexpr Argument kGetbitArguments[] = {Key("key"), Integer("offset")};
constexpr Argument kSetbitArguments[] = {Key("key"), Integer("offset"), Integer("value")};
constexpr Argument kBitUnits[] = {Token("byte", "BYTE"), Token("bit", "BIT")};
constexpr Argument kBitcountRangeParts[] = {Integer("start"), Integer("end"),
                                            Optional(Since("7.0.0", OneOf("unit", kBitUnits)))};
constexpr Argument kBitcountArguments[] = {Key("key"),
                                           Optional(Block("range", kBitcountRangeParts))};
constexpr Argument kBitposEndParts[] = {Integer("end"),
                                        Optional(Since("7.0.0", OneOf("unit", kBitUnits)))};
constexpr Argument kBitposRangeParts[] = {Integer("start"),
                                          Optional(Block("end-unit-block", kBitposEndParts))};
constexpr Argument kBitposArguments[] = {Key("key"), Integer("bit"),
                                         Optional(Block("range", kBitposRangeParts))};
constexpr Argument kBitOperations[] = {Token("and", "AND"), Token("or", "OR"), Token("xor", "XOR"),
                                       Token("not", "NOT")};
constexpr Argument kBitopArguments[] = {OneOf("operation", kBitOperations), Key("destkey"),
                                        Multiple(Key("key", 1))};
constexpr Argument kFieldParts[] = {String("encoding"), Integer("offset")};
constexpr Argument kOverflows[] = {Token("wrap", "WRAP"), Token("sat", "SAT"),
                                   Token("fail", "FAIL")};
constexpr Argument kFieldSetParts[] = {String("encoding"), Integer("offset"), Integer("value")};
constexpr Argument kFieldIncrbyParts[] = {String("encoding"), Integer("offset"),
                                          Integer("increment")};
constexpr Argument kFieldWrites[] = {Block("set-block", kFieldSetParts, "SET"),
                                     Block("incrby-block", kFieldIncrbyParts, "INCRBY")};
constexpr Argument kFieldWriteParts[] = {Optional(OneOf("overflow-block", kOverflows, "OVERFLOW")),
                                         OneOf("write-operation", kFieldWrites)};
constexpr Argument kBitfieldOperationParts[] = {Block("get-block", kFieldParts, "GET"),
                                                Block("write", kFieldWriteParts)};
constexpr Argument kBitfieldArguments[] = {
    Key("key"), Optional(Multiple(OneOf("operation", kBitfieldOperationParts)))};
constexpr Argument kBitfieldRoArguments[] = {
    Key("key"), Optional(MultipleToken(Block("get-block", kFieldParts, "GET")))};

constexpr CommandRow kRows[] = {
    {"getbit", 3, kReadonly | kFast, kCatBitmap, Owner::kKv, Group::kBitmap, "2.2.0",
     "Returns one bit of a string.", "O(1)", kReadKey, kGetbitArguments},
    {"setbit", 4, kWrite | kDenyOom, kCatBitmap, Owner::kKv, Group::kBitmap, "2.2.0",
     "Sets or clears one bit of a string and returns what it was.", "O(1)", kReadUpdateKey,
     kSetbitArguments},
    {"bitcount", -2, kReadonly, kCatBitmap, Owner::kKv, Group::kBitmap, "2.6.0",
     "Counts the bits that are set in a string or in part of it.", "O(N)", kReadKey,
     kBitcountArguments},
    {"bitpos", -3, kReadonly, kCatBitmap, Owner::kKv, Group::kBitmap, "2.8.7",
     "Finds the first bit of a string that is set, or that is clear.", "O(N)", kReadKey,
     kBitposArguments},
    {"bitop", -4, kWrite | kDenyOom, kCatBitmap, Owner::kKv, Group::kBitmap, "2.6.0",
     "Combines strings bit by bit and stores the result.", "O(N)", kBitopKeys, kBitopArguments},
    {"bitfield", -2, kWrite | kDenyOom, kCatBitmap, Owner::kKv, Group::kBitmap, "3.2.0",
     "Reads, sets and increments integers of any width within a string.", "O(1) for each operation",
     kBitfieldKeys, kBitfieldArguments},
    {"bitfield_ro", -2, kReadonly | kFast, kCatBitmap, Owner::kKv, Group::kBitmap, "6.0.0",
     "Reads integers of any width within a string.", "O(1) for each operation", kReadKey,
     kBitfieldRoArguments},
};

}  // namespace

std::span<const CommandRow> BitmapCommands() { return kRows; }

}  // namespace understudy::protocol::rows
