// Commands on HyperLogLogs.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr Argument kPfaddArguments[] = {Key("key"), Optional(Multiple(String("element")))};
constexpr KeySpec kPfcountKeys[] = {{kKeyRW | kKeyAccess,
                                     KeySpec::Begin::kIndex,
                                     1,
                                     {},
                                     KeySpec::Find::kRange,
                                     -1,
                                     1,
                                     0,
                                     "its estimate is kept in the value"}};
constexpr KeySpec kPfmergeKeys[] = {OneKey(kKeyRW | kKeyAccess | kKeyInsert),
                                    KeysToEnd(kKeyRO | kKeyAccess, 2)};
constexpr Argument kPfmergeArguments[] = {Key("destkey"), Optional(Multiple(Key("sourcekey", 1)))};
constexpr KeySpec kPfdebugKeys[] = {OneKey(kKeyRW | kKeyAccess, 2)};
constexpr Argument kPfdebugArguments[] = {String("subcommand"), Key("key")};

constexpr CommandRow kRows[] = {
    {"pfadd", -2, kWrite | kDenyOom | kFast, kCatHyperLogLog, Owner::kKv, Group::kHyperLogLog,
     "2.8.9", "Adds elements to a HyperLogLog, which is made if there is none.",
     "O(1) for each element", kExtendKey, kPfaddArguments},
    {"pfcount", -2, kReadonly | kMayReplicate, kCatHyperLogLog, Owner::kKv, Group::kHyperLogLog,
     "2.8.9", "Estimates how many different elements HyperLogLogs have been given, together.",
     "O(1) for one key with a current estimate, else O(N) with a large constant", kPfcountKeys,
     kManyKeysArgument},
    {"pfmerge", -2, kWrite | kDenyOom, kCatHyperLogLog, Owner::kKv, Group::kHyperLogLog, "2.8.9",
     "Merges HyperLogLogs into one.", "O(N) in the number of HyperLogLogs, with a large constant",
     kPfmergeKeys, kPfmergeArguments},
    SystemCommand({"pfdebug", 3, kWrite | kDenyOom | kAdmin, kCatHyperLogLog, Owner::kKv,
                   Group::kHyperLogLog, "2.8.9",
                   "Shows the registers or the form of a HyperLogLog, for debugging.", "N/A",
                   kPfdebugKeys, kPfdebugArguments}),
    SystemCommand({"pfselftest", 1, kAdmin, kCatHyperLogLog, Owner::kKv, Group::kHyperLogLog,
                   "2.8.9", "Tests the registers and the estimates of HyperLogLogs.", "N/A",
                   kNoKeys}),
};

}  // namespace

std::span<const CommandRow> HyperLogLogCommands() { return kRows; }

}  // namespace understudy::protocol::rows
