// Commands on streams and their consumer groups.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr KeySpec kXaddKeys[] = {OneKey(kKeyRW | kKeyUpdate, 1, "it may also trim the stream")};
constexpr Argument kXaddStrategyParts[] = {Token("maxlen", "MAXLEN"),
                                           Since("6.2.0", Token("minid", "MINID"))};
constexpr Argument kXaddOperatorParts[] = {Token("equal", "="), Token("approximately", "~")};
constexpr Argument kXaddTrimParts[] = {
    OneOf("strategy", kXaddStrategyParts), Optional(OneOf("operator", kXaddOperatorParts)),
    String("threshold"), Optional(Since("6.2.0", Integer("count", "LIMIT")))};
constexpr Argument kXaddIdSelectorParts[] = {Token("auto-id", "*"), String("id")};
constexpr Argument kXaddDataParts[] = {String("field"), String("value")};
constexpr Argument kXaddArguments[] = {
    Key("key"), Optional(Since("6.2.0", Token("nomkstream", "NOMKSTREAM"))),
    Optional(Block("trim", kXaddTrimParts)), OneOf("id-selector", kXaddIdSelectorParts),
    Multiple(Block("data", kXaddDataParts))};
constexpr Argument kXrangeArguments[] = {Key("key"), String("start"), String("end"),
                                         Optional(Integer("count", "COUNT"))};
constexpr Argument kXrevrangeArguments[] = {Key("key"), String("end"), String("start"),
                                            Optional(Integer("count", "COUNT"))};
constexpr KeySpec kXdelKeys[] = {OneKey(kKeyRW | kKeyDelete)};
constexpr Argument kXdelArguments[] = {Key("key"), Multiple(String("id"))};
constexpr Argument kXtrimArguments[] = {Key("key"), Block("trim", kXaddTrimParts)};
constexpr Argument kXsetidArguments[] = {
    Key("key"), String("last-id"),
    Optional(Since("7.0.0", Integer("entries-added", "ENTRIESADDED"))),
    Optional(Since("7.0.0", String("max-deleted-id", "MAXDELETEDID")))};
constexpr KeySpec kXreadKeys[] = {
    {kKeyRO | kKeyAccess, KeySpec::Begin::kKeyword, 1, "STREAMS", KeySpec::Find::kRange, -1, 1, 2}};
constexpr Argument kXreadStreamsParts[] = {Multiple(Key("key")), Multiple(String("id"))};
constexpr Argument kXreadArguments[] = {Optional(Integer("count", "COUNT")),
                                        Optional(Integer("milliseconds", "BLOCK")),
                                        Block("streams", kXreadStreamsParts, "STREAMS")};
constexpr KeySpec kXreadgroupKeys[] = {
    {kKeyRO | kKeyAccess, KeySpec::Begin::kKeyword, 4, "STREAMS", KeySpec::Find::kRange, -1, 1, 2}};
constexpr Argument kXreadgroupGroupBlockParts[] = {String("group"), String("consumer")};
constexpr Argument kXreadgroupArguments[] = {
    Block("group-block", kXreadgroupGroupBlockParts, "GROUP"), Optional(Integer("count", "COUNT")),
    Optional(Integer("milliseconds", "BLOCK")), Optional(Token("noack", "NOACK")),
    Block("streams", kXreadStreamsParts, "STREAMS")};
constexpr Argument kXackArguments[] = {Key("key"), String("group"), Multiple(String("id"))};
constexpr Argument kXpendingFiltersParts[] = {
    Optional(Since("6.2.0", Integer("min-idle-time", "IDLE"))), String("start"), String("end"),
    Integer("count"), Optional(String("consumer"))};
constexpr Argument kXpendingArguments[] = {Key("key"), String("group"),
                                           Optional(Block("filters", kXpendingFiltersParts))};
constexpr Argument kXclaimArguments[] = {Key("key"),
                                         String("group"),
                                         String("consumer"),
                                         String("min-idle-time"),
                                         Multiple(String("id")),
                                         Optional(Integer("ms", "IDLE")),
                                         Optional(UnixTime("unix-time-milliseconds", "TIME")),
                                         Optional(Integer("count", "RETRYCOUNT")),
                                         Optional(Token("force", "FORCE")),
                                         Optional(Token("justid", "JUSTID")),
                                         Optional(String("lastid", "LASTID"))};
constexpr Argument kXautoclaimArguments[] = {Key("key"),
                                             String("group"),
                                             String("consumer"),
                                             String("min-idle-time"),
                                             String("start"),
                                             Optional(Integer("count", "COUNT")),
                                             Optional(Token("justid", "JUSTID"))};
constexpr KeySpec kXgroupCreateKeys[] = {OneKey(kKeyRW | kKeyInsert, 2)};
constexpr Argument kXgroupCreateIdSelectorParts[] = {String("id"), Token("new-id", "$")};
constexpr Argument kXgroupCreateArguments[] = {
    Key("key"), String("group"), OneOf("id-selector", kXgroupCreateIdSelectorParts),
    Optional(Token("mkstream", "MKSTREAM")), Optional(Integer("entries-read", "ENTRIESREAD"))};
constexpr Argument kXgroupCreateconsumerArguments[] = {Key("key"), String("group"),
                                                       String("consumer")};
constexpr KeySpec kXgroupDelconsumerKeys[] = {OneKey(kKeyRW | kKeyDelete, 2)};
constexpr Argument kXgroupDestroyArguments[] = {Key("key"), String("group")};
constexpr KeySpec kXgroupSetidKeys[] = {OneKey(kKeyRW | kKeyUpdate, 2)};
constexpr Argument kXgroupSetidArguments[] = {
    Key("key"), String("group"), OneOf("id-selector", kXgroupCreateIdSelectorParts),
    Optional(ShownAs("entries-read", Integer("entriesread", "ENTRIESREAD")))};
constexpr CommandRow kXgroupSubcommands[] = {
    {"create", -5, kWrite | kDenyOom, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
     "Makes a consumer group.", "O(1)", kXgroupCreateKeys, kXgroupCreateArguments},
    {"createconsumer", 5, kWrite | kDenyOom, kCatStream, Owner::kKv, Group::kStream, "6.2.0",
     "Makes a consumer in a group.", "O(1)", kXgroupCreateKeys, kXgroupCreateconsumerArguments},
    {"delconsumer", 5, kWrite, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
     "Removes a consumer from a group, with what is pending at it.", "O(1)", kXgroupDelconsumerKeys,
     kXgroupCreateconsumerArguments},
    {"destroy", 4, kWrite, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
     "Removes a consumer group.", "O(N) in the number of pending entries", kXgroupDelconsumerKeys,
     kXgroupDestroyArguments},
    {"help", 2, kLoading | kStale, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
     "Lists the subcommands of XGROUP.", "O(1)", kNoKeys},
    {"setid", -5, kWrite, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
     "Sets the id up to which a group has been given entries.", "O(1)", kXgroupSetidKeys,
     kXgroupSetidArguments},
};
constexpr KeySpec kXinfoConsumersKeys[] = {OneKey(kKeyRO | kKeyAccess, 2)};
constexpr Argument kXinfoStreamFullBlockParts[] = {Token("full", "FULL"),
                                                   Optional(Integer("count", "COUNT"))};
constexpr Argument kXinfoStreamArguments[] = {
    Key("key"), Optional(Block("full-block", kXinfoStreamFullBlockParts))};
constexpr CommandRow kXinfoSubcommands[] = {
    WithTips(kNondeterministic, {"consumers", 4, kReadonly, kCatStream, Owner::kKv, Group::kStream,
                                 "5.0.0", "Describes the consumers of a group.", "O(1)",
                                 kXinfoConsumersKeys, kXgroupDestroyArguments}),
    {"groups", 3, kReadonly, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
     "Describes the groups of a stream.", "O(1)", kXinfoConsumersKeys, kOneKeyArgument},
    {"help", 2, kLoading | kStale, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
     "Lists the subcommands of XINFO.", "O(1)", kNoKeys},
    {"stream", -3, kReadonly, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
     "Describes a stream.", "O(1), and with FULL O(N) in what is shown", kXinfoConsumersKeys,
     kXinfoStreamArguments},
};

constexpr CommandRow kRows[] = {
    WithTips(kNondeterministic,
             {"xadd", -5, kWrite | kDenyOom | kFast, kCatStream, Owner::kKv, Group::kStream,
              "5.0.0", "Appends an entry to a stream, which is made if there is none.",
              "O(1), and O(N) for N entries trimmed", kXaddKeys, kXaddArguments}),
    {"xlen", 2, kReadonly | kFast, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
     "Returns the number of entries of a stream.", "O(1)", kLookKey, kOneKeyArgument},
    {"xrange", -4, kReadonly, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
     "Returns the entries of a stream between two ids.", "O(N) in the number of entries returned",
     kReadKey, kXrangeArguments},
    {"xrevrange", -4, kReadonly, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
     "Returns the entries of a stream between two ids, the newest first.",
     "O(N) in the number of entries returned", kReadKey, kXrevrangeArguments},
    {"xdel", -3, kWrite | kFast, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
     "Removes entries from a stream.", "O(1) for each id", kXdelKeys, kXdelArguments},
    WithTips(kNondeterministic,
             {"xtrim", -4, kWrite, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
              "Removes the oldest entries of a stream.", "O(N) in the number of entries removed",
              kXdelKeys, kXtrimArguments}),
    {"xsetid", -3, kWrite | kDenyOom | kFast, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
     "Sets what a stream remembers of its past: the last id, the number of entries added, the last "
     "id removed.",
     "O(1)", kUpdateKey, kXsetidArguments},
    {"xread", -4, kBlocking | kReadonly | kMovableKeys, kCatStream, Owner::kKv, Group::kStream,
     "5.0.0", "Returns the entries of streams behind given ids, and waits for some if so asked.",
     "O(N) in the number of entries returned", kXreadKeys, kXreadArguments},
    {"xreadgroup", -7, kBlocking | kWrite | kMovableKeys, kCatStream, Owner::kKv, Group::kStream,
     "5.0.0",
     "Returns entries that a group's consumer hasn't dealt with yet, new or old ones, and waits "
     "for some if so asked.",
     "O(N) in the number of entries returned", kXreadgroupKeys, kXreadgroupArguments},
    {"xack", -4, kWrite | kFast, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
     "Takes entries that a consumer has dealt with off a group's list of pending ones.",
     "O(1) for each id", kUpdateKey, kXackArguments},
    WithTips(kNondeterministic,
             {"xpending", -3, kReadonly, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
              "Tells which entries of a group are pending, and at whom.",
              "O(N) in the number of entries returned", kReadKey, kXpendingArguments}),
    WithTips(kNondeterministic,
             {"xclaim", -6, kWrite | kFast, kCatStream, Owner::kKv, Group::kStream, "5.0.0",
              "Gives a consumer entries that are pending at others.",
              "O(log(N)) for each id, with N pending entries", kUpdateKey, kXclaimArguments}),
    WithTips(kNondeterministic,
             {"xautoclaim", -6, kWrite | kFast, kCatStream, Owner::kKv, Group::kStream, "6.2.0",
              "Gives a consumer the entries that have been pending for long, walking over them by "
              "a cursor.",
              "O(1) if COUNT is small", kXdelKeys, kXautoclaimArguments}),
    Container(kXgroupSubcommands,
              {"xgroup", -2, 0, 0, Owner::kKv, Group::kStream, "5.0.0",
               "Holds the commands on consumer groups.", "Depends on the subcommand", kNoKeys}),
    Container(kXinfoSubcommands,
              {"xinfo", -2, 0, 0, Owner::kKv, Group::kStream, "5.0.0",
               "Holds the commands that describe streams.", "Depends on the subcommand", kNoKeys}),
};

}  // namespace

std::span<const CommandRow> StreamCommands() { return kRows; }

}  // namespace understudy::protocol::rows
