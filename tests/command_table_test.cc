// The command table: lookup, error words, key finding, sanity of the rows, and the shapes of
// COMMAND's replies. Expected replies are those of Redis 7.2 (but for summaries, which are ours).
#include "protocol/command_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/reply_writer.h"

namespace understudy::protocol {
namespace {

using Words = std::vector<std::string_view>;

const CommandTable& Table() {
  static const CommandTable table;
  return table;
}

const Command& Named(std::string_view full_name) {
  const Command* const command = Table().FindByName(full_name);
  EXPECT_NE(command, nullptr) << full_name;
  return *command;
}

std::string NameFound(const Words& args) {
  const Command* const command = Table().Find(args);
  return command == nullptr ? "none" : command->full_name;
}

std::string Ask(const Words& args, int resp = 2) {
  std::string out;
  ReplyWriter reply(&out, resp);
  ReplyToCommandCommand(Table(), *Table().Find(args), args, &reply);
  return out;
}

std::vector<size_t> Keys(const Words& args) {
  std::vector<size_t> positions = {99};  // must be replaced
  EXPECT_TRUE(CommandTable::FindKeys(*Table().Find(args), args, &positions)) << args[0];
  return positions;
}

// "GET": a bulk string. Builds expectations that can be read.
std::string Bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}
std::string Lines(std::initializer_list<std::string_view> lines) {
  std::string text;
  for (const std::string_view line : lines) text.append(line).append("\r\n");
  return text;
}

// ---- lookup -----------------------------------------------------------------------------------

TEST(CommandTableTest, IdsAreDenseAndNamesUnique) {
  std::set<std::string> names;
  for (size_t i = 0; i < Table().size(); ++i) {
    const Command& command = Table().at(static_cast<uint16_t>(i));
    EXPECT_EQ(command.id, i);
    EXPECT_TRUE(names.insert(command.full_name).second) << command.full_name;
    EXPECT_EQ(&command, &Table().all()[i]);
    EXPECT_EQ(Table().FindByName(command.full_name), &command);
  }
}

TEST(CommandTableTest, FindsEveryNameInAnyCase) {
  for (const Command& command : Table().all()) {
    std::string upper = command.full_name, mixed = command.full_name;
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    for (size_t i = 0; i < mixed.size(); i += 2) mixed[i] = upper[i];
    EXPECT_EQ(Table().FindByName(upper), &command);
    EXPECT_EQ(Table().FindByName(mixed), &command);
  }
}

TEST(CommandTableTest, DoesNotFindWhatIsOnlyAlmostAName) {
  for (const Command& command : Table().all()) {
    if (command.container != command.id) continue;
    const std::string name = command.full_name;
    EXPECT_EQ(Table().FindByName(name + "@"), nullptr);
    EXPECT_EQ(Table().FindByName("@" + name), nullptr);
    for (size_t i = 0; i < name.size(); ++i) {
      // Characters that differ from the right one by the bit that tells upper from lower case, or
      // by the top bit.
      for (const int flip : {0x20, 0x80, 0x01}) {
        std::string wrong = name;
        wrong[i] = static_cast<char>(wrong[i] ^ flip);
        const bool is_letter = name[i] >= 'a' && name[i] <= 'z';
        if (flip == 0x20 && is_letter) continue;
        const Command* const found = Table().FindByName(wrong);
        if (found != nullptr) {
          EXPECT_EQ(found->full_name, wrong);
        }
      }
    }
  }
  for (const std::string_view unknown : {"", "g", "ge", "gett", "nosuchcommand", "get ", " get",
                                         "get|", "get|x", "|", "peer.", "@@@"}) {
    EXPECT_EQ(Table().FindByName(unknown), nullptr) << unknown;
  }
  EXPECT_EQ(Table().FindByName(std::string("get\0", 4)), nullptr);
  EXPECT_EQ(Table().FindByName(std::string(1 << 20, 'a')), nullptr);
}

TEST(CommandTableTest, NamesAroundTheWordsTheyAreComparedBy) {
  EXPECT_EQ(NameFound({"peer.heartbeated"}), "peer.heartbeated");  // two words, exactly
  EXPECT_EQ(NameFound({"peer.heaXrtbeated"}), "none");             // the same first and last eight
  EXPECT_EQ(NameFound({"gEtRaNgE"}), "getrange");                  // one word
  EXPECT_EQ(NameFound({"bitfield_ro"}), "bitfield_ro");            // overlapping words
  EXPECT_EQ(NameFound({"bitfiefield_ro"}), "none");
}

TEST(CommandTableTest, DescendsIntoContainers) {
  EXPECT_EQ(NameFound({"GET", "setname"}), "get");
  EXPECT_EQ(NameFound({"CLIENT", "SetName", "x"}), "client|setname");
  EXPECT_EQ(NameFound({"client"}), "client");
  EXPECT_EQ(NameFound({"client", "nosuch"}), "client");
  EXPECT_EQ(NameFound({"client|id"}), "none") << "a client can't send a full name";
  EXPECT_EQ(NameFound({"id"}), "none");
  EXPECT_EQ(NameFound({"OBJECT", "help"}), "object|help");
  EXPECT_EQ(NameFound({"command", "help"}), "command|help");
  EXPECT_EQ(Table().at(Named("client|id").container).full_name, "client");
  EXPECT_EQ(Table().Find({}), nullptr);
}

TEST(CommandTableTest, ArityBoundaries) {
  EXPECT_FALSE(Named("get").ArityFits(1));
  EXPECT_TRUE(Named("get").ArityFits(2));
  EXPECT_FALSE(Named("get").ArityFits(3));
  EXPECT_FALSE(Named("set").ArityFits(2));
  EXPECT_TRUE(Named("set").ArityFits(3));
  EXPECT_TRUE(Named("set").ArityFits(100));
  EXPECT_TRUE(Named("ping").ArityFits(1));
  EXPECT_TRUE(Named("nextid").ArityFits(1));
  EXPECT_FALSE(Named("client|setname").ArityFits(2));
  EXPECT_TRUE(Named("client|setname").ArityFits(3));
  EXPECT_FALSE(Named("client").ArityFits(1));
}

// ---- error words ------------------------------------------------------------------------------

TEST(CommandTableTest, UnknownCommandNamesItsFirstArguments) {
  const auto error = [](const Words& args) { return CommandTable::UnknownCommandError(args); };
  EXPECT_EQ(error({"foo"}), "ERR unknown command 'foo', with args beginning with: ");
  EXPECT_EQ(error({"foo", "a", "b"}),
            "ERR unknown command 'foo', with args beginning with: 'a' 'b' ");
  EXPECT_EQ(error({"foo", "", ""}), "ERR unknown command 'foo', with args beginning with: '' '' ");
}

TEST(CommandTableTest, UnknownCommandCutsWhatIsLong) {
  const std::string x(300, 'x'), y(100, 'y'), z(50, 'z');
  const auto error = [](const Words& args) { return CommandTable::UnknownCommandError(args); };
  EXPECT_EQ(error({x, "a"}),
            "ERR unknown command '" + x.substr(0, 128) + "', with args beginning with: 'a' ");
  // 100 + 3 bytes are shown, so 25 of the next argument, and nothing behind it.
  EXPECT_EQ(error({"foo", y, z, "k"}), "ERR unknown command 'foo', with args beginning with: '" +
                                           y + "' '" + z.substr(0, 25) + "' ");
  EXPECT_EQ(error({"foo", x, "k"}),
            "ERR unknown command 'foo', with args beginning with: '" + x.substr(0, 128) + "' ");
  EXPECT_EQ(error({std::string_view("f\0o", 3), std::string_view("a\0b", 3)}),
            "ERR unknown command 'f', with args beginning with: 'a' ");
}

TEST(CommandTableTest, UnknownSubcommandAndArity) {
  EXPECT_EQ(CommandTable::UnknownSubcommandError(Named("client"), "x"),
            "ERR unknown subcommand 'x'. Try CLIENT HELP.");
  EXPECT_EQ(CommandTable::UnknownSubcommandError(Named("object"), std::string(200, 'y')),
            "ERR unknown subcommand '" + std::string(128, 'y') + "'. Try OBJECT HELP.");
  EXPECT_EQ(CommandTable::ArityError(Named("client|setname")),
            "ERR wrong number of arguments for 'client|setname' command");
  EXPECT_EQ(CommandTable::ArityError(Named("get")),
            "ERR wrong number of arguments for 'get' command");
}

// ---- keys -------------------------------------------------------------------------------------

TEST(CommandTableKeysTest, ByTheirSpecifications) {
  using Positions = std::vector<size_t>;
  EXPECT_EQ(Keys({"GET", "k"}), Positions({1}));
  EXPECT_EQ(Keys({"SET", "k", "v", "GET"}), Positions({1}));
  EXPECT_EQ(Keys({"DEL", "a", "b", "c"}), Positions({1, 2, 3}));
  EXPECT_EQ(Keys({"MSET", "a", "1", "b", "2"}), Positions({1, 3}));
  EXPECT_EQ(Keys({"MSETNX", "a", "1"}), Positions({1}));
  EXPECT_EQ(Keys({"BITOP", "AND", "d", "a", "b"}), Positions({2, 3, 4}));
  EXPECT_EQ(Keys({"COPY", "a", "b", "DB", "3"}), Positions({1, 2}));
  EXPECT_EQ(Keys({"RENAME", "a", "b"}), Positions({1, 2}));
  EXPECT_EQ(Keys({"LCS", "a", "b", "LEN"}), Positions({1, 2}));
  EXPECT_EQ(Keys({"OBJECT", "ENCODING", "k"}), Positions({2}));
  EXPECT_EQ(Keys({"OBJECT", "HELP"}), Positions());
  EXPECT_EQ(Keys({"PING", "x"}), Positions());
  EXPECT_EQ(Keys({"KEYS", "x"}), Positions());
  EXPECT_EQ(Keys({"CHAT.SEND", "room", "text"}), Positions());
}

TEST(CommandTableKeysTest, TheFastFormNamesTheSameKeys) {
  const auto form = [](std::string_view name) {
    const Command& command = Named(name);
    return std::vector<int>{command.first_key, command.last_key, command.key_step};
  };
  EXPECT_EQ(form("get"), (std::vector<int>{1, 1, 1}));
  EXPECT_EQ(form("mset"), (std::vector<int>{1, -1, 2}));
  EXPECT_EQ(form("bitop"), (std::vector<int>{2, -1, 1}));
  EXPECT_EQ(form("copy"), (std::vector<int>{1, 2, 1}));
  EXPECT_EQ(form("lcs"), (std::vector<int>{1, 2, 1}));
  EXPECT_EQ(form("object|freq"), (std::vector<int>{2, 2, 1}));
  EXPECT_EQ(form("object"), (std::vector<int>{0, 0, 0}));
  EXPECT_EQ(form("dbsize"), (std::vector<int>{0, 0, 0}));

  for (const Command& command : Table().all()) {
    if (command.Has(kMovableKeys)) continue;
    for (size_t argc = static_cast<size_t>(std::abs(command.row->arity)); argc < 12; ++argc) {
      if (!command.ArityFits(argc)) break;
      const Words args(argc, "7");
      std::vector<size_t> expected, found;
      if (command.full_name == "pfmerge" && argc == 2) continue;  // nor does Redis find any
      ASSERT_TRUE(CommandTable::FindKeys(command, args, &found)) << command.full_name << argc;
      const int last =
          command.last_key < 0 ? static_cast<int>(argc) + command.last_key : command.last_key;
      for (int i = command.first_key; i > 0 && i <= last; i += command.key_step) {
        expected.push_back(static_cast<size_t>(i));
      }
      EXPECT_EQ(found, expected) << command.full_name << " with " << argc << " arguments";
    }
  }
}

// Commands that this version doesn't have, to try the other kinds of key specification.
Command Made(const CommandRow& row) {
  Command command{};
  command.row = &row;
  command.full_name = row.name;
  return command;
}
CommandRow RowWith(std::span<const KeySpec> keys, int16_t arity = -2) {
  return {"made", arity, kWrite, 0, Owner::kKv, Group::kGeneric, "0.1.0", "", "", keys};
}

TEST(CommandTableKeysTest, CountedKeys) {
  constexpr KeySpec kSpecs[] = {
      // as ZUNIONSTORE destination numkeys key ... has them
      {kKeyOW | kKeyUpdate, KeySpec::Begin::kIndex, 1, {}, KeySpec::Find::kRange, 0, 1, 0},
      {kKeyRO | kKeyAccess, KeySpec::Begin::kIndex, 2, {}, KeySpec::Find::kKeyNum, 0, 1, 1}};
  const CommandRow row = RowWith(kSpecs);
  const Command command = Made(row);
  std::vector<size_t> keys;
  const auto find = [&](const Words& args) { return CommandTable::FindKeys(command, args, &keys); };
  EXPECT_TRUE(find({"made", "d", "2", "a", "b", "WEIGHTS", "1", "1"}));
  EXPECT_EQ(keys, (std::vector<size_t>{1, 3, 4}));
  EXPECT_TRUE(find({"made", "d", "0", "a"}));
  EXPECT_EQ(keys, (std::vector<size_t>{1}));
  EXPECT_FALSE(find({"made", "d", "3", "a", "b"})) << "fewer than announced";
  for (const std::string_view bad :
       {"x", "-1", "", "1x", "9223372036854775807", "99999999999999999999"}) {
    EXPECT_FALSE(find({"made", "d", bad, "a", "b"})) << bad;
  }
  EXPECT_FALSE(find({"made", "d"})) << "no count";
}

TEST(CommandTableKeysTest, KeysBehindAKeyword) {
  constexpr KeySpec kSpecs[] = {
      // as XREAD ... STREAMS key ... id ... has them
      {kKeyRO, KeySpec::Begin::kKeyword, 1, "STREAMS", KeySpec::Find::kRange, -1, 1, 2}};
  const CommandRow row = RowWith(kSpecs);
  const Command command = Made(row);
  std::vector<size_t> keys;
  EXPECT_TRUE(CommandTable::FindKeys(
      command, Words{"made", "COUNT", "1", "streams", "a", "b", "0", "0"}, &keys));
  EXPECT_EQ(keys, (std::vector<size_t>{4, 5}));
  EXPECT_TRUE(CommandTable::FindKeys(command, Words{"made", "COUNT", "1"}, &keys));
  EXPECT_TRUE(keys.empty());

  constexpr KeySpec kFromTheEnd[] = {
      // as MIGRATE ... KEYS key ... has them
      {kKeyRW, KeySpec::Begin::kKeyword, -2, "KEYS", KeySpec::Find::kRange, -1, 1, 0}};
  const CommandRow from_the_end = RowWith(kFromTheEnd);
  EXPECT_TRUE(CommandTable::FindKeys(Made(from_the_end),
                                     Words{"made", "KEYS", "x", "KEYS", "a", "b"}, &keys));
  EXPECT_EQ(keys, (std::vector<size_t>{4, 5}));
}

TEST(CommandTableKeysTest, TooFewArguments) {
  std::vector<size_t> keys;
  EXPECT_FALSE(CommandTable::FindKeys(Named("get"), Words{"get"}, &keys));
  EXPECT_FALSE(CommandTable::FindKeys(Named("copy"), Words{"copy", "a"}, &keys));
  EXPECT_FALSE(CommandTable::FindKeys(Named("del"), Words{"del"}, &keys));
  EXPECT_FALSE(CommandTable::FindKeys(Named("bitop"), Words{"bitop", "and", "d"}, &keys));
}

TEST(CommandTableKeysTest, UnknownPlacesAndNoKeys) {
  std::vector<size_t> keys;
  constexpr KeySpec kUnknown[] = {
      {kKeyRW, KeySpec::Begin::kIndex, 1, {}, KeySpec::Find::kUnknown, 0, 0, 0}};
  const CommandRow unknown = RowWith(kUnknown);
  EXPECT_FALSE(CommandTable::FindKeys(Made(unknown), Words{"made", "a"}, &keys));

  constexpr KeySpec kIncomplete[] = {
      {kKeyRW | kKeyIncomplete, KeySpec::Begin::kIndex, 1, {}, KeySpec::Find::kRange, 0, 1, 0}};
  const CommandRow incomplete = RowWith(kIncomplete);
  EXPECT_FALSE(CommandTable::FindKeys(Made(incomplete), Words{"made", "a"}, &keys));

  constexpr KeySpec kNotKey[] = {
      {kKeyNotKey, KeySpec::Begin::kIndex, 1, {}, KeySpec::Find::kRange, 0, 1, 0}};
  const CommandRow not_key = RowWith(kNotKey);
  EXPECT_TRUE(CommandTable::FindKeys(Made(not_key), Words{"made", "a"}, &keys));
  EXPECT_TRUE(keys.empty());
}

TEST(CommandTableKeysTest, FlagsThatDependOnTheArguments) {
  const auto flags = [](const Words& args) {
    std::vector<FoundKey> keys;
    EXPECT_TRUE(CommandTable::FindKeysAndFlags(*Table().Find(args), args, &keys));
    return keys.at(0).flags;
  };
  EXPECT_EQ(flags({"SET", "k", "v"}), uint32_t{kKeyOW | kKeyUpdate});
  EXPECT_EQ(flags({"SET", "k", "get"}), uint32_t{kKeyOW | kKeyUpdate}) << "it's the value";
  EXPECT_EQ(flags({"SET", "k", "v", "EX", "1", "get"}), uint32_t{kKeyRW | kKeyAccess | kKeyUpdate});
  EXPECT_EQ(flags({"BITFIELD", "k", "GET", "u8", "0"}), uint32_t{kKeyRO | kKeyAccess});
  EXPECT_EQ(flags({"BITFIELD", "k", "GET", "u8", "0", "incrby", "u8", "0", "1"}),
            uint32_t{kKeyRW | kKeyAccess | kKeyUpdate});
  EXPECT_EQ(flags({"DEL", "k"}), uint32_t{kKeyRM | kKeyDelete});
}

// ---- sanity of the rows -----------------------------------------------------------------------

TEST(CommandTableRowsTest, SayWhatEveryRowMustSay) {
  for (const Command& command : Table().all()) {
    const CommandRow& row = *command.row;
    SCOPED_TRACE(command.full_name);
    for (const char c : row.name) {
      EXPECT_TRUE((c >= 'a' && c <= 'z') || c == '.' || c == '-' || c == '_') << c;
    }
    EXPECT_NE(row.arity, 0);
    EXPECT_FALSE(row.summary.empty());
    EXPECT_FALSE(row.complexity.empty());
    int major = 0, minor = 0, patch = 0;
    EXPECT_EQ(std::sscanf(std::string(row.since).c_str(), "%d.%d.%d", &major, &minor, &patch), 3);
    EXPECT_LE(major, 7);
    EXPECT_EQ(row.subcommands.empty(), !command.Has(kSubcommands));
    EXPECT_EQ(row.group == Group::kPeer, row.owner == Owner::kPeer);
    EXPECT_EQ(row.name.substr(0, 5) == "peer.", row.owner == Owner::kPeer);
    for (const CommandRow& subcommand : row.subcommands) {
      EXPECT_TRUE(subcommand.subcommands.empty());
      // A part of what a node answers may be the target's: MEMORY USAGE.
      EXPECT_TRUE(subcommand.owner == row.owner || row.owner == Owner::kNode);
      EXPECT_EQ(subcommand.group, row.group);
    }
  }
}

TEST(CommandTableRowsTest, FlagsAreConsistent) {
  // Writes that never make the state bigger.
  const std::set<std::string> shrinking = {"del",
                                           "target.unlink",
                                           "chat.stop",
                                           "unlink",
                                           "rename",
                                           "renamenx",
                                           "move",
                                           "expire",
                                           "pexpire",
                                           "expireat",
                                           "pexpireat",
                                           "persist",
                                           "getdel",
                                           "getex",
                                           "flushdb",
                                           "flushall",
                                           "swapdb",
                                           "chat.leave",
                                           "lpop",
                                           "rpop",
                                           "lrem",
                                           "ltrim",
                                           "lmpop",
                                           "hdel",
                                           "srem",
                                           "spop",
                                           "smove",
                                           "zrem",
                                           "zremrangebyrank",
                                           "zremrangebyscore",
                                           "zremrangebylex",
                                           "zpopmin",
                                           "zpopmax",
                                           "zmpop",
                                           "blpop",
                                           "brpop",
                                           "blmpop",
                                           "bzpopmin",
                                           "bzpopmax",
                                           "bzmpop",
                                           "xdel",
                                           "xtrim",
                                           "xack",
                                           "xclaim",
                                           "xautoclaim",
                                           "xreadgroup",
                                           "xgroup|setid",
                                           "xgroup|destroy",
                                           "xgroup|delconsumer",
                                           "target.stop",
                                           "target.delete"};
  for (const Command& command : Table().all()) {
    SCOPED_TRACE(command.full_name);
    EXPECT_FALSE(command.Has(kWrite) && command.Has(kReadonly));
    EXPECT_EQ(command.Has(kDenyOom),
              command.Has(kWrite) && shrinking.count(command.full_name) == 0);
    if (command.row->owner == Owner::kNode) {
      EXPECT_FALSE(command.Has(kWrite));
    }
    const bool of_target = command.row->owner == Owner::kKv || command.row->owner == Owner::kId ||
                           command.row->owner == Owner::kChat;
    if (of_target && !command.Has(kSubcommands) && command.row->name != "help" &&
        command.row->name != "pfselftest") {
      EXPECT_TRUE(command.Has(kWrite) || command.Has(kReadonly));
    }
    // A key-value command names its keys or depends on all of them.
    if (command.row->owner == Owner::kKv && (command.Has(kWrite) || command.Has(kReadonly))) {
      EXPECT_NE(command.row->keys.empty(), !command.Has(kWholeKeyspace));
    }
    for (const KeySpec& spec : command.row->keys) {
      const uint32_t changes = kKeyRW | kKeyOW | kKeyRM;
      if (spec.flags & changes) {
        EXPECT_TRUE(command.Has(kWrite) || command.Has(kMayReplicate));
      }
    }
  }
}

TEST(CommandTableRowsTest, MovableKeysAreThoseTheFastFormCannotName) {
  for (const Command& command : Table().all()) {
    bool movable = false;
    int next = 0;
    const auto specs = command.row->keys;
    for (const KeySpec& spec : specs) {
      const bool plain = spec.begin == KeySpec::Begin::kIndex && spec.find == KeySpec::Find::kRange;
      const bool follows = specs.size() == 1 || (spec.b == 1 && (next == 0 || spec.index == next));
      if (!plain || !follows || (spec.flags & kKeyIncomplete)) movable = true;
      next = spec.index + spec.a + 1;
    }
    EXPECT_EQ(command.Has(kMovableKeys), movable) << command.full_name;
  }
}

TEST(CommandTableRowsTest, CategoriesFollowFromFlags) {
  for (const Command& command : Table().all()) {
    SCOPED_TRACE(command.full_name);
    const uint32_t categories = CategoriesOf(*command.row);
    EXPECT_EQ((categories & kCatWrite) != 0, command.Has(kWrite));
    EXPECT_EQ((categories & kCatRead) != 0, command.Has(kReadonly));
    EXPECT_NE((categories & kCatFast) != 0, (categories & kCatSlow) != 0);
    EXPECT_EQ((categories & kCatFast) != 0, command.Has(kFast));
    if (command.Has(kAdmin)) {
      EXPECT_EQ(categories & (kCatAdmin | kCatDangerous), uint32_t{kCatAdmin | kCatDangerous});
    }
  }
  CommandRow row{"made",        1,          kReadonly | kPubsub | kBlocking,
                 kCatScripting, Owner::kKv, Group::kGeneric,
                 "0.1.0",       "",         ""};
  EXPECT_EQ(CategoriesOf(row), uint32_t{kCatScripting | kCatPubsub | kCatBlocking | kCatSlow});
}

void CheckArguments(std::span<const Argument> arguments, const Command& command,
                    std::set<int>* specs) {
  for (const Argument& argument : arguments) {
    SCOPED_TRACE(command.full_name + " " + std::string(argument.name));
    EXPECT_FALSE(argument.name.empty());
    const bool composed =
        argument.type == Argument::Type::kOneOf || argument.type == Argument::Type::kBlock;
    EXPECT_EQ(composed, !argument.parts.empty());
    EXPECT_EQ(argument.type == Argument::Type::kKey, argument.key_spec >= 0);
    EXPECT_LT(argument.key_spec, static_cast<int>(command.row->keys.size()));
    if (argument.type == Argument::Type::kPureToken) {
      EXPECT_FALSE(argument.token.empty());
    }
    if (argument.key_spec >= 0) specs->insert(argument.key_spec);
    CheckArguments(argument.parts, command, specs);
  }
}

TEST(CommandTableRowsTest, ArgumentsCoverTheKeysAndTheArity) {
  for (const Command& command : Table().all()) {
    const CommandRow& row = *command.row;
    std::set<int> specs;
    CheckArguments(row.arguments, command, &specs);
    // SORT's BY and GET: keys that are no arguments.
    const auto made = std::count_if(row.keys.begin(), row.keys.end(), [](const KeySpec& spec) {
      return spec.begin == KeySpec::Begin::kUnknown && (spec.flags & kKeyRO) != 0;
    });
    EXPECT_EQ(specs.size() + static_cast<size_t>(made), row.keys.size()) << command.full_name;
    // What nodes say to each other is documented elsewhere.
    if (row.owner == Owner::kPeer) continue;
    const int words = command.container == command.id ? 1 : 2;
    if (row.arity == words) {
      EXPECT_TRUE(row.arguments.empty()) << command.full_name;
    } else if (row.subcommands.empty() && command.full_name != "quit") {
      EXPECT_FALSE(row.arguments.empty()) << command.full_name;
    }
  }
}

// ---- COMMAND ----------------------------------------------------------------------------------

TEST(CommandCommandTest, InfoOfGet) {
  const std::string resp2 = Lines(
      {"*1",           "*10", "$3",      "get",   ":2",     "*2",        "+readonly", "+fast",
       ":1",           ":1",  ":1",      "*3",    "+@read", "+@string",  "+@fast",    "*0",
       "*1",           "*6",  "$5",      "flags", "*2",     "+RO",       "+access",   "$12",
       "begin_search", "*4",  "$4",      "type",  "$5",     "index",     "$4",        "spec",
       "*2",           "$5",  "index",   ":1",    "$9",     "find_keys", "*4",        "$4",
       "type",         "$5",  "range",   "$4",    "spec",   "*6",        "$7",        "lastkey",
       ":0",           "$7",  "keystep", ":1",    "$5",     "limit",     ":0",        "*0"});
  const std::string resp3 = Lines(
      {"*1",           "*10", "$3",      "get",   ":2",     "~2",        "+readonly", "+fast",
       ":1",           ":1",  ":1",      "~3",    "+@read", "+@string",  "+@fast",    "~0",
       "~1",           "%3",  "$5",      "flags", "~2",     "+RO",       "+access",   "$12",
       "begin_search", "%2",  "$4",      "type",  "$5",     "index",     "$4",        "spec",
       "%1",           "$5",  "index",   ":1",    "$9",     "find_keys", "%2",        "$4",
       "type",         "$5",  "range",   "$4",    "spec",   "%3",        "$7",        "lastkey",
       ":0",           "$7",  "keystep", ":1",    "$5",     "limit",     ":0",        "~0"});
  EXPECT_EQ(Ask({"COMMAND", "INFO", "GET"}, 2), resp2);
  EXPECT_EQ(Ask({"COMMAND", "INFO", "GET"}, 3), resp3);
}

TEST(CommandCommandTest, InfoOfAContainerHoldsItsSubcommands) {
  const std::string help = Lines({"*10", "$12", "cluster|help", ":2", "~2", "+loading", "+stale",
                                  ":0", ":0", ":0", "~1", "+@slow", "~0", "~0", "~0"});
  const std::string whole = Ask({"COMMAND", "INFO", "cluster"}, 3);
  EXPECT_EQ(whole.find(Lines({"*1", "*10", "$7", "cluster", ":-2", "~0", ":0", ":0", ":0", "~1",
                              "+@slow", "~0", "~0", "*11", "*10", "$12", "cluster|myid"})),
            0u);
  EXPECT_EQ(whole.substr(whole.size() - help.size()), help);
  EXPECT_EQ(Ask({"COMMAND", "INFO", "CLUSTER|HELP"}, 3), "*1\r\n" + help);
  EXPECT_EQ(Ask({"COMMAND", "INFO", "client|setname"}, 2),
            Lines({"*1",           "*10",
                   "$14",          "client|setname",
                   ":3",           "*3",
                   "+noscript",    "+loading",
                   "+stale",       ":0",
                   ":0",           ":0",
                   "*2",           "+@slow",
                   "+@connection", "*2",
                   "$24",          "request_policy:all_nodes",
                   "$29",          "response_policy:all_succeeded",
                   "*0",           "*0"}));
}

TEST(CommandCommandTest, InfoOfTheUnknownAndTheHidden) {
  EXPECT_EQ(Ask({"COMMAND", "INFO", "nosuch", "peer.lock", "get|x"}, 2),
            "*3\r\n$-1\r\n$-1\r\n$-1\r\n");
  EXPECT_EQ(Ask({"COMMAND", "INFO", "nosuch"}, 3), "*1\r\n_\r\n");
}

TEST(CommandCommandTest, AllAndCount) {
  const std::string count = Ask({"COMMAND", "COUNT"});
  const std::string all = Ask({"COMMAND"});
  EXPECT_EQ(count[0], ':');
  EXPECT_EQ(all.substr(0, count.size()), "*" + count.substr(1));
  EXPECT_EQ(Ask({"COMMAND", "INFO"}), all);
  EXPECT_EQ(all.find("peer."), std::string::npos);
  EXPECT_EQ(Ask({"COMMAND", "LIST"}).find("peer."), std::string::npos);
  EXPECT_EQ(Ask({"COMMAND", "DOCS"}).find("peer."), std::string::npos);
  int top_level = 0;
  for (const Command& command : Table().all()) {
    top_level += command.container == command.id && command.row->owner != Owner::kPeer;
  }
  EXPECT_EQ(count, ":" + std::to_string(top_level) + "\r\n");
}

TEST(CommandCommandTest, List) {
  EXPECT_EQ(Ask({"COMMAND", "LIST", "FILTERBY", "PATTERN", "GETR*"}), "*1\r\n$8\r\ngetrange\r\n");
  EXPECT_EQ(Ask({"command", "list", "filterby", "pattern", "object|[ef]*"}),
            "*2\r\n" + Bulk("object|encoding") + Bulk("object|freq"));
  EXPECT_EQ(Ask({"COMMAND", "LIST", "FILTERBY", "ACLCAT", "bitmap"}),
            "*7\r\n" + Bulk("getbit") + Bulk("setbit") + Bulk("bitcount") + Bulk("bitpos") +
                Bulk("bitop") + Bulk("bitfield") + Bulk("bitfield_ro"));
  EXPECT_EQ(Ask({"COMMAND", "LIST", "FILTERBY", "ACLCAT", "nosuch"}), "*0\r\n");
  EXPECT_EQ(Ask({"COMMAND", "LIST", "FILTERBY", "MODULE", "json"}), "*0\r\n");
  for (const Words& wrong :
       {Words{"COMMAND", "LIST", "x"}, Words{"COMMAND", "LIST", "FILTERBY", "PATTERN"},
        Words{"COMMAND", "LIST", "FILTERBY", "x", "y"},
        Words{"COMMAND", "LIST", "FILTERBY", "PATTERN", "a", "b"}}) {
    EXPECT_EQ(Ask(wrong), "-ERR syntax error\r\n");
  }
}

TEST(CommandCommandTest, DocsOfSimpleCommands) {
  const std::string summary = Bulk("Returns the string stored at a key.");
  const auto fields = [&](std::string_view map8, std::string_view map5) {
    // summary, since, group, complexity, arguments; and the one argument's fields
    return std::string(map5) + Bulk("summary") + summary + Bulk("since") + Bulk("1.0.0") +
           Bulk("group") + Bulk("string") + Bulk("complexity") + Bulk("O(1)") + Bulk("arguments") +
           "*1\r\n" + std::string(map8) + Bulk("name") + Bulk("key") + Bulk("type") + Bulk("key") +
           Bulk("display_text") + Bulk("key") + Bulk("key_spec_index") + ":0\r\n";
  };
  EXPECT_EQ(Ask({"COMMAND", "DOCS", "GET"}, 2),
            "*2\r\n" + Bulk("get") + fields("*8\r\n", "*10\r\n"));
  EXPECT_EQ(Ask({"COMMAND", "DOCS", "nosuch", "GET", "peer.lock"}, 3),
            "%1\r\n" + Bulk("get") + fields("%4\r\n", "%5\r\n"));
  EXPECT_EQ(Ask({"COMMAND", "DOCS", "nosuch"}, 3), "%0\r\n");
}

TEST(CommandCommandTest, DocsOfADeprecatedCommand) {
  EXPECT_NE(Ask({"COMMAND", "DOCS", "substr"}, 3)
                .find(Bulk("doc_flags") + "~1\r\n+deprecated\r\n" + Bulk("deprecated_since") +
                      Bulk("2.0.0") + Bulk("replaced_by") + Bulk("`GETRANGE`") + Bulk("arguments")),
            std::string::npos);
  EXPECT_NE(Ask({"COMMAND", "DOCS", "debug"}, 2).find(Bulk("doc_flags") + "*1\r\n+syscmd\r\n"),
            std::string::npos);
}

TEST(CommandCommandTest, DocsOfNestedArguments) {
  const std::string reply = Ask({"COMMAND", "DOCS", "bitcount"}, 3);
  const std::string range =
      "%4\r\n" + Bulk("name") + Bulk("range") + Bulk("type") + Bulk("block") + Bulk("flags") +
      "~1\r\n+optional\r\n" + Bulk("arguments") + "*3\r\n" +  //
      "%3\r\n" + Bulk("name") + Bulk("start") + Bulk("type") + Bulk("integer") +
      Bulk("display_text") + Bulk("start") +  //
      "%3\r\n" + Bulk("name") + Bulk("end") + Bulk("type") + Bulk("integer") +
      Bulk("display_text") + Bulk("end") +  //
      "%5\r\n" + Bulk("name") + Bulk("unit") + Bulk("type") + Bulk("oneof") + Bulk("since") +
      Bulk("7.0.0") + Bulk("flags") + "~1\r\n+optional\r\n" + Bulk("arguments") + "*2\r\n" +  //
      "%4\r\n" + Bulk("name") + Bulk("byte") + Bulk("type") + Bulk("pure-token") +
      Bulk("display_text") + Bulk("byte") + Bulk("token") + Bulk("BYTE") +  //
      "%4\r\n" + Bulk("name") + Bulk("bit") + Bulk("type") + Bulk("pure-token") +
      Bulk("display_text") + Bulk("bit") + Bulk("token") + Bulk("BIT");
  ASSERT_GT(reply.size(), range.size());
  EXPECT_EQ(reply.substr(reply.size() - range.size()), range);
}

TEST(CommandCommandTest, DocsOfAContainer) {
  const std::string reply = Ask({"COMMAND", "DOCS", "object"}, 3);
  EXPECT_NE(reply.find(Bulk("subcommands") + "%5\r\n" + Bulk("object|encoding") + "%5\r\n"),
            std::string::npos);
}

TEST(CommandCommandTest, GetKeys) {
  EXPECT_EQ(Ask({"COMMAND", "GETKEYS", "MSET", "a", "b", "c", "d"}),
            "*2\r\n" + Bulk("a") + Bulk("c"));
  EXPECT_EQ(Ask({"COMMAND", "GETKEYS", "object", "encoding", "k"}), "*1\r\n" + Bulk("k"));
  EXPECT_EQ(Ask({"COMMAND", "GETKEYSANDFLAGS", "bitop", "not", "d", "s"}, 3),
            "*2\r\n*2\r\n" + Bulk("d") + "~2\r\n+OW\r\n+update\r\n*2\r\n" + Bulk("s") +
                "~2\r\n+RO\r\n+access\r\n");
  EXPECT_EQ(Ask({"COMMAND", "GETKEYS", "ping", "x"}), "-ERR The command has no key arguments\r\n");
  EXPECT_EQ(Ask({"COMMAND", "GETKEYS", "get", "a", "b"}),
            "-ERR Invalid number of arguments specified for command\r\n");
  for (const Words& invalid : {Words{"COMMAND", "GETKEYS", "nosuch", "a"},
                               Words{"COMMAND", "GETKEYS", "object", "bad", "k"},
                               Words{"COMMAND", "GETKEYS", "peer.lock", "k"}}) {
    EXPECT_EQ(Ask(invalid), "-ERR Invalid command specified\r\n");
  }
}

TEST(CommandCommandTest, HelpAndUnknownSubcommand) {
  const std::string help = Ask({"COMMAND", "HELP"});
  EXPECT_EQ(help.find("*17\r\n+COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n"
                      "+(no subcommand)\r\n"),
            0u);
  EXPECT_NE(help.find("+GETKEYS command [arg [arg ...]]\r\n"), std::string::npos);
  const std::string end = "+HELP\r\n+    Print this help.\r\n";
  EXPECT_EQ(help.substr(help.size() - end.size()), end);
  EXPECT_EQ(Ask({"COMMAND", "nosuch"}), "-ERR unknown subcommand 'nosuch'. Try COMMAND HELP.\r\n");
}

// ---- syntax lines and the README's table ------------------------------------------------------

TEST(CommandSyntaxTest, AsRedisWritesIt) {
  EXPECT_EQ(SyntaxOf(Named("get")), "GET key");
  EXPECT_EQ(SyntaxOf(Named("randomkey")), "RANDOMKEY");
  EXPECT_EQ(SyntaxOf(Named("mset")), "MSET key value [key value ...]");
  EXPECT_EQ(SyntaxOf(Named("getex")),
            "GETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | "
            "PXAT unix-time-milliseconds | PERSIST]");
  EXPECT_EQ(SyntaxOf(Named("bitcount")), "BITCOUNT key [start end [BYTE | BIT]]");
  EXPECT_EQ(SyntaxOf(Named("bitop")), "BITOP <AND | OR | XOR | NOT> destkey key [key ...]");
  EXPECT_EQ(SyntaxOf(Named("client|no-evict")), "CLIENT NO-EVICT <ON | OFF>");
  EXPECT_EQ(
      SyntaxOf(Named("client|list")),
      "CLIENT LIST [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]");
  EXPECT_EQ(SyntaxOf(Named("hello")),
            "HELLO [protover [AUTH username password] [SETNAME clientname]]");
  EXPECT_EQ(SyntaxOf(Named("chat.history")), "CHAT.HISTORY room [COUNT count] [SINCE id]");
}

TEST(CommandMarkdownTest, ListsWhatClientsMaySendOnceEach) {
  const std::string text = CommandsAsMarkdown(Table());
  EXPECT_EQ(text.find("peer."), std::string::npos);
  EXPECT_EQ(text.find("PEER."), std::string::npos);
  EXPECT_NE(text.find("**Strings**\n\n| command | what it does | since |\n|---|---|---|\n"
                      "| `GET key` | Returns the string stored at a key. | 1.0.0 |\n"),
            std::string::npos);
  EXPECT_NE(text.find("| `FLUSHDB [ASYNC \\| SYNC]` |"), std::string::npos);
  for (const Command& command : Table().all()) {
    if (command.row->owner == Owner::kPeer) continue;
    std::string line = "| `" + SyntaxOf(command) + "` |";
    for (size_t i = line.find('|', 1); i < line.rfind('`'); i = line.find('|', i + 2)) {
      line.insert(i, "\\");
    }
    const bool listed = text.find(line) != std::string::npos;
    const bool only_contains = command.Has(kSubcommands) && command.row->arity < -1;
    EXPECT_EQ(listed, !only_contains) << line;
  }
}

}  // namespace
}  // namespace understudy::protocol
