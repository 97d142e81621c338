// Commands of transactions.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr Argument kWatchArguments[] = {Multiple(Key("key", 0))};

constexpr CommandRow kRows[] = {
    {"multi", 1, kNoScript | kLoading | kStale | kFast | kAllowBusy, kCatTransaction,
     Owner::kTransaction, Group::kTransactions, "1.2.0",
     "Begins a transaction: commands are queued until EXEC.", "O(1)"},
    {"exec", 1, kNoScript | kLoading | kStale | kSkipSlowlog, kCatTransaction, Owner::kTransaction,
     Group::kTransactions, "1.2.0",
     "Executes all commands of a transaction, one after the other and nothing between.",
     "Depends on the commands"},
    {"discard", 1, kNoScript | kLoading | kStale | kFast | kAllowBusy, kCatTransaction,
     Owner::kTransaction, Group::kTransactions, "2.0.0", "Gives a transaction up.",
     "O(N), N queued commands"},
    {"watch", -2, kNoScript | kLoading | kStale | kFast | kAllowBusy, kCatTransaction,
     Owner::kTransaction, Group::kTransactions, "2.2.0",
     "Makes the next transaction depend on keys staying as they are.", "O(1) a key", kLookKeys,
     kWatchArguments},
    {"unwatch", 1, kNoScript | kLoading | kStale | kFast | kAllowBusy, kCatTransaction,
     Owner::kTransaction, Group::kTransactions, "2.2.0",
     "Forgets the keys that the connection watches.", "O(1)"},
};

}  // namespace

std::span<const CommandRow> TransactionCommands() { return kRows; }

}  // namespace understudy::protocol::rows
