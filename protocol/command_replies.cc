// COMMAND and its subcommands, HELP and the README's table: what can be read off the rows.
// Shapes: https://redis.io/docs/latest/commands/command/ and the pages of its subcommands.
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/command_table.h"
#include "protocol/missing_commands.h"
#include "protocol/numbers.h"
#include "protocol/reply_writer.h"

namespace understudy::protocol {
namespace {

struct FlagName {
  uint32_t bit;
  std::string_view name;
};

// In the order in which Redis shows them. What it hides (may_replicate), and our own flags, aren't
// here.
constexpr FlagName kCommandFlagNames[] = {
    {kWrite, "write"},
    {kReadonly, "readonly"},
    {kDenyOom, "denyoom"},
    {kAdmin, "admin"},
    {kPubsub, "pubsub"},
    {kNoScript, "noscript"},
    {kBlocking, "blocking"},
    {kLoading, "loading"},
    {kStale, "stale"},
    {kSkipMonitor, "skip_monitor"},
    {kSkipSlowlog, "skip_slowlog"},
    {kFast, "fast"},
    {kNoAuth, "no_auth"},
    {kNoAsyncLoading, "no_async_loading"},
    {kNoMulti, "no_multi"},
    {kMovableKeys, "movablekeys"},
    {kAllowBusy, "allow_busy"},
};

constexpr FlagName kCategoryNames[] = {
    {kCatKeyspace, "@keyspace"},
    {kCatRead, "@read"},
    {kCatWrite, "@write"},
    {kCatSet, "@set"},
    {kCatSortedSet, "@sortedset"},
    {kCatList, "@list"},
    {kCatHash, "@hash"},
    {kCatString, "@string"},
    {kCatBitmap, "@bitmap"},
    {kCatHyperLogLog, "@hyperloglog"},
    {kCatGeo, "@geo"},
    {kCatStream, "@stream"},
    {kCatPubsub, "@pubsub"},
    {kCatAdmin, "@admin"},
    {kCatFast, "@fast"},
    {kCatSlow, "@slow"},
    {kCatBlocking, "@blocking"},
    {kCatDangerous, "@dangerous"},
    {kCatConnection, "@connection"},
    {kCatTransaction, "@transaction"},
    {kCatScripting, "@scripting"},
};

constexpr FlagName kKeyFlagNames[] = {
    {kKeyRO, "RO"},
    {kKeyRW, "RW"},
    {kKeyOW, "OW"},
    {kKeyRM, "RM"},
    {kKeyAccess, "access"},
    {kKeyUpdate, "update"},
    {kKeyInsert, "insert"},
    {kKeyDelete, "delete"},
    {kKeyNotKey, "not_key"},
    {kKeyIncomplete, "incomplete"},
    {kKeyVariableFlags, "variable_flags"},
};

constexpr FlagName kArgumentFlagNames[] = {
    {Argument::kOptional, "optional"},
    {Argument::kMultiple, "multiple"},
    {Argument::kMultipleToken, "multiple_token"},
};

struct GroupName {
  std::string_view name;   // in COMMAND DOCS
  std::string_view title;  // in the README
};
constexpr std::array<GroupName, 19> kGroupNames = {{
    {"generic", "Keys of any type"},
    {"string", "Strings"},
    {"list", "Lists"},
    {"set", "Sets"},
    {"sorted-set", "Sorted sets"},
    {"hash", "Hashes"},
    {"pubsub", "Publish and subscribe"},
    {"transactions", "Transactions"},
    {"connection", "Connections"},
    {"server", "Server"},
    {"scripting", "Scripts"},
    {"hyperloglog", "HyperLogLog"},
    {"cluster", "Cluster"},
    {"sentinel", "Sentinel"},
    {"geo", "Geography"},
    {"stream", "Streams"},
    {"bitmap", "Bitmaps"},
    {"target", "Targets"},
    {"peer", "Between nodes"},
}};
static_assert(kGroupNames.size() == static_cast<size_t>(Group::kPeer) + 1);

const GroupName& NameOf(Group group) { return kGroupNames[static_cast<size_t>(group)]; }

std::string_view NameOf(Argument::Type type) {
  constexpr std::string_view kNames[] = {"string",    "integer",    "double", "key",  "pattern",
                                         "unix-time", "pure-token", "oneof",  "block"};
  return kNames[static_cast<size_t>(type)];
}

void ReplyFlags(uint32_t flags, std::span<const FlagName> names, ReplyWriter* reply) {
  size_t count = 0;
  for (const FlagName& flag : names) count += (flags & flag.bit) != 0;
  reply->Set(count);
  for (const FlagName& flag : names) {
    if (flags & flag.bit) reply->Simple(flag.name);
  }
}

bool IsVisible(const Command& command) { return command.row->owner != Owner::kPeer; }
bool IsTopLevel(const Command& command) { return command.container == command.id; }

size_t VisibleTopLevelCount(const CommandTable& table) {
  size_t count = 0;
  for (const Command& command : table.all()) count += IsTopLevel(command) && IsVisible(command);
  return count;
}

const Command* FindVisible(const CommandTable& table, std::string_view name) {
  const Command* const command = table.FindByName(name);
  return command != nullptr && IsVisible(*command) ? command : nullptr;
}

// A container's subcommands follow it in the table.
std::span<const Command> SubcommandsOf(const CommandTable& table, const Command& command) {
  return table.all().subspan(command.id + size_t{1}, command.row->subcommands.size());
}

// ---- COMMAND INFO -----------------------------------------------------------------------------

void ReplyKeySpec(const KeySpec& spec, ReplyWriter* reply) {
  reply->Map(spec.notes.empty() ? 3 : 4);
  if (!spec.notes.empty()) {
    reply->Bulk("notes");
    reply->Bulk(spec.notes);
  }
  reply->Bulk("flags");
  ReplyFlags(spec.flags, kKeyFlagNames, reply);

  const auto part = [reply](std::string_view type, size_t fields) {
    reply->Map(2);
    reply->Bulk("type");
    reply->Bulk(type);
    reply->Bulk("spec");
    reply->Map(fields);
  };
  const auto field = [reply](std::string_view name, int64_t value) {
    reply->Bulk(name);
    reply->Integer(value);
  };
  reply->Bulk("begin_search");
  switch (spec.begin) {
    case KeySpec::Begin::kIndex:
      part("index", 1);
      field("index", spec.index);
      break;
    case KeySpec::Begin::kKeyword:
      part("keyword", 2);
      reply->Bulk("keyword");
      reply->Bulk(spec.keyword);
      field("startfrom", spec.index);
      break;
    case KeySpec::Begin::kUnknown:
      part("unknown", 0);
      break;
  }
  reply->Bulk("find_keys");
  switch (spec.find) {
    case KeySpec::Find::kRange:
      part("range", 3);
      field("lastkey", spec.a);
      field("keystep", spec.b);
      field("limit", spec.c);
      break;
    case KeySpec::Find::kKeyNum:
      part("keynum", 3);
      field("keynumidx", spec.a);
      field("firstkey", spec.b);
      field("keystep", spec.c);
      break;
    case KeySpec::Find::kUnknown:
      part("unknown", 0);
      break;
  }
}

void ReplyInfo(const CommandTable& table, const Command& command, ReplyWriter* reply) {
  const CommandRow& row = *command.row;
  reply->Array(10);
  reply->Bulk(command.full_name);
  reply->Integer(row.arity);
  ReplyFlags(row.flags, kCommandFlagNames, reply);
  reply->Integer(command.first_key);
  reply->Integer(command.last_key);
  reply->Integer(command.key_step);
  ReplyFlags(CategoriesOf(row), kCategoryNames, reply);
  reply->Set(row.tips.size());
  for (const std::string_view tip : row.tips) reply->Bulk(tip);
  reply->Set(row.keys.size());
  for (const KeySpec& spec : row.keys) ReplyKeySpec(spec, reply);
  if (row.subcommands.empty()) {
    reply->Set(0);
    return;
  }
  reply->Array(row.subcommands.size());
  for (const Command& subcommand : SubcommandsOf(table, command)) {
    ReplyInfo(table, subcommand, reply);
  }
}

void ReplyInfoOfAll(const CommandTable& table, ReplyWriter* reply) {
  reply->Array(VisibleTopLevelCount(table));
  for (const Command& command : table.all()) {
    if (IsTopLevel(command) && IsVisible(command)) ReplyInfo(table, command, reply);
  }
}

void CommandInfo(const CommandTable& table, std::span<const std::string_view> names,
                 ReplyWriter* reply) {
  if (names.empty()) return ReplyInfoOfAll(table, reply);
  reply->Array(names.size());
  for (const std::string_view name : names) {
    const Command* const command = FindVisible(table, name);
    if (command != nullptr) {
      ReplyInfo(table, *command, reply);
    } else {
      reply->Null();
    }
  }
}

// ---- COMMAND DOCS -----------------------------------------------------------------------------

void ReplyArguments(std::span<const Argument> arguments, ReplyWriter* reply) {
  reply->Array(arguments.size());
  for (const Argument& argument : arguments) {
    const bool composed =
        argument.type == Argument::Type::kOneOf || argument.type == Argument::Type::kBlock;
    // Name and type; display text or parts.
    reply->Map(3 + (argument.key_spec >= 0) + !argument.token.empty() + !argument.since.empty() +
               !argument.deprecated_since.empty() + (argument.flags != 0));
    const auto field = [reply](std::string_view name, std::string_view value) {
      if (value.empty()) return;
      reply->Bulk(name);
      reply->Bulk(value);
    };
    field("name", argument.name);
    field("type", NameOf(argument.type));
    if (!composed) {
      field("display_text", argument.display.empty() ? argument.name : argument.display);
    }
    if (argument.key_spec >= 0) {
      reply->Bulk("key_spec_index");
      reply->Integer(argument.key_spec);
    }
    field("token", argument.token);
    field("since", argument.since);
    field("deprecated_since", argument.deprecated_since);
    if (argument.flags != 0) {
      reply->Bulk("flags");
      ReplyFlags(argument.flags, kArgumentFlagNames, reply);
    }
    if (composed) {
      reply->Bulk("arguments");
      ReplyArguments(argument.parts, reply);
    }
  }
}

void ReplyDocs(const CommandTable& table, const Command& command, ReplyWriter* reply) {
  const CommandRow& row = *command.row;
  const bool deprecated = !row.deprecated_since.empty();
  reply->Map(4 + (deprecated || row.system_command) + deprecated + !row.replaced_by.empty() +
             !row.arguments.empty() + !row.subcommands.empty());
  const auto field = [reply](std::string_view name, std::string_view value) {
    reply->Bulk(name);
    reply->Bulk(value);
  };
  field("summary", row.summary);
  field("since", row.since);
  field("group", NameOf(row.group).name);
  field("complexity", row.complexity);
  if (deprecated || row.system_command) {
    reply->Bulk("doc_flags");
    reply->Set(size_t{deprecated} + size_t{row.system_command});
    if (deprecated) reply->Simple("deprecated");
    if (row.system_command) reply->Simple("syscmd");
  }
  if (deprecated) field("deprecated_since", row.deprecated_since);
  if (!row.replaced_by.empty()) field("replaced_by", row.replaced_by);
  if (!row.arguments.empty()) {
    reply->Bulk("arguments");
    ReplyArguments(row.arguments, reply);
  }
  if (!row.subcommands.empty()) {
    reply->Bulk("subcommands");
    reply->Map(row.subcommands.size());
    for (const Command& subcommand : SubcommandsOf(table, command)) {
      reply->Bulk(subcommand.full_name);
      ReplyDocs(table, subcommand, reply);
    }
  }
}

void CommandDocs(const CommandTable& table, std::span<const std::string_view> names,
                 ReplyWriter* reply) {
  std::vector<const Command*> commands;
  if (names.empty()) {
    for (const Command& command : table.all()) {
      if (IsTopLevel(command) && IsVisible(command)) commands.push_back(&command);
    }
  }
  for (const std::string_view name : names) {  // those we have; not a word about the others
    const Command* const command = FindVisible(table, name);
    if (command != nullptr) commands.push_back(command);
  }
  reply->Map(commands.size());
  for (const Command* command : commands) {
    reply->Bulk(command->full_name);
    ReplyDocs(table, *command, reply);
  }
}

// ---- COMMAND LIST, GETKEYS, GETKEYSANDFLAGS ---------------------------------------------------

// `options`: what follows COMMAND LIST.
void CommandList(const CommandTable& table, std::span<const std::string_view> options,
                 ReplyWriter* reply) {
  enum class Filter { kNone, kModule, kCategory, kPattern };
  Filter filter = Filter::kNone;
  std::string_view wanted;
  if (!options.empty()) {
    if (options.size() != 3 || !EqualsIgnoreCase(options[0], "filterby")) {
      return reply->Error(kSyntaxError);
    }
    wanted = options[2];
    if (EqualsIgnoreCase(options[1], "module")) {
      filter = Filter::kModule;
    } else if (EqualsIgnoreCase(options[1], "aclcat")) {
      filter = Filter::kCategory;
    } else if (EqualsIgnoreCase(options[1], "pattern")) {
      filter = Filter::kPattern;
    } else {
      return reply->Error(kSyntaxError);
    }
  }
  uint32_t category = 0;
  for (const FlagName& name : kCategoryNames) {
    if (EqualsIgnoreCase(name.name.substr(1), wanted)) category = name.bit;
  }
  const auto passes = [&](const Command& command) {
    switch (filter) {
      case Filter::kNone:
        return true;
      case Filter::kModule:  // no command comes from a module
        return false;
      case Filter::kCategory:
        return (CategoriesOf(*command.row) & category) != 0;
      case Filter::kPattern:
        return GlobMatch(wanted, command.full_name, /*ignore_case=*/true);
    }
    return false;
  };
  const size_t place = reply->DeferHeader();
  size_t count = 0;
  for (const Command& command : table.all()) {
    if (!IsVisible(command) || !passes(command)) continue;
    reply->Bulk(command.full_name);
    ++count;
  }
  reply->FinishArray(place, count);
}

// `request`: the command whose keys are asked for, with its arguments.
void CommandGetKeys(const CommandTable& table, std::span<const std::string_view> request,
                    bool with_flags, ReplyWriter* reply) {
  const Command* const command = table.Find(request);
  const bool unknown = command == nullptr || !IsVisible(*command) ||
                       (!command->row->subcommands.empty() && request.size() > 1);
  if (unknown) return reply->Error("ERR Invalid command specified");
  bool has_keys = false;
  for (const KeySpec& spec : command->row->keys) has_keys |= (spec.flags & kKeyNotKey) == 0;
  if (!has_keys) return reply->Error("ERR The command has no key arguments");
  if (!command->ArityFits(request.size())) {
    return reply->Error("ERR Invalid number of arguments specified for command");
  }
  std::vector<FoundKey> keys;
  if (!CommandTable::FindKeysAndFlags(*command, request, &keys) || keys.empty()) {
    return reply->Error("ERR Invalid arguments specified for command");
  }
  reply->Array(keys.size());
  for (const FoundKey& key : keys) {
    if (with_flags) reply->Array(2);
    reply->Bulk(request[key.position]);
    if (with_flags) ReplyFlags(key.flags, kKeyFlagNames, reply);
  }
}

// ---- syntax lines -----------------------------------------------------------------------------

std::string SyntaxOf(const Argument& argument);

std::string Join(std::span<const Argument> arguments, std::string_view between) {
  std::string joined;
  for (const Argument& argument : arguments) {
    if (!joined.empty()) joined.append(between);
    joined.append(SyntaxOf(argument));
  }
  return joined;
}

// "[EX seconds]", "key [key ...]", "<NX | XX>", as Redis' documentation writes them; but what is
// long and may be repeated isn't written out twice.
std::string SyntaxOf(const Argument& argument) {
  constexpr size_t kLongBytes = 40;
  const bool optional = (argument.flags & Argument::kOptional) != 0;
  const bool multiple = (argument.flags & Argument::kMultiple) != 0;
  std::string value;
  switch (argument.type) {
    case Argument::Type::kPureToken:
      break;
    case Argument::Type::kOneOf:
      value = Join(argument.parts, " | ");
      // In the brackets of what is optional it needs none of its own.
      if (!optional || multiple || !argument.token.empty()) value = "<" + value + ">";
      break;
    case Argument::Type::kBlock:
      value = Join(argument.parts, " ");
      break;
    default:
      value = argument.display.empty() ? argument.name : argument.display;
  }
  std::string text(argument.token);
  if (!text.empty() && !value.empty()) text += ' ';
  text += value;
  if (multiple) {
    const bool with_token = (argument.flags & Argument::kMultipleToken) != 0;
    const std::string& again = with_token ? text : value;
    text += again.size() > kLongBytes ? " ..." : " [" + again + " ...]";
  }
  return optional ? "[" + text + "]" : text;
}

std::string ToUpper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
  }
  return upper;
}

void AppendEscaped(std::string* out, std::string_view text) {
  for (const char c : text) {
    if (c == '|') *out += '\\';
    *out += c;
  }
}

}  // namespace

uint32_t CategoriesOf(const CommandRow& row) {
  uint32_t categories = row.categories;
  if (row.flags & kWrite) categories |= kCatWrite;
  if ((row.flags & kReadonly) && !(categories & kCatScripting)) categories |= kCatRead;
  if (row.flags & kAdmin) categories |= kCatAdmin | kCatDangerous;
  if (row.flags & kPubsub) categories |= kCatPubsub;
  if (row.flags & kFast) categories |= kCatFast;
  if (row.flags & kBlocking) categories |= kCatBlocking;
  if (!(categories & kCatFast)) categories |= kCatSlow;
  return categories;
}

std::string SyntaxOf(const Command& command) {
  std::string syntax = ToUpper(command.full_name);
  const size_t bar = syntax.find('|');
  if (bar != std::string::npos) syntax[bar] = ' ';
  if (!command.row->arguments.empty()) syntax += ' ' + Join(command.row->arguments, " ");
  return syntax;
}

void ReplyToHelp(const CommandTable& table, const Command& container, ReplyWriter* reply) {
  const std::string name = ToUpper(container.row->name);
  std::vector<std::string> lines;
  lines.push_back(name + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  if (container.row->arity == -1) {  // means something by itself
    lines.push_back("(no subcommand)");
    lines.push_back("    " + std::string(container.row->summary));
  }
  for (const Command& subcommand : SubcommandsOf(table, container)) {
    if (subcommand.row->name == "help") continue;
    lines.push_back(SyntaxOf(subcommand).substr(name.size() + 1));
    lines.push_back("    " + std::string(subcommand.row->summary));
  }
  lines.push_back("HELP");
  lines.push_back("    Print this help.");
  reply->Array(lines.size());
  for (const std::string& line : lines) reply->Simple(line);
}

void ReplyToCommandCommand(const CommandTable& table, const Command& command,
                           std::span<const std::string_view> args, ReplyWriter* reply) {
  const std::string_view name = command.row->name;
  if (IsTopLevel(command)) {
    if (args.size() == 1) return ReplyInfoOfAll(table, reply);
    return reply->Error(CommandTable::UnknownSubcommandError(command, args[1]));
  }
  const std::span<const std::string_view> rest = args.subspan(2);
  if (name == "count") return reply->Integer(static_cast<int64_t>(VisibleTopLevelCount(table)));
  if (name == "info") return CommandInfo(table, rest, reply);
  if (name == "docs") return CommandDocs(table, rest, reply);
  if (name == "list") return CommandList(table, rest, reply);
  if (name == "getkeys") return CommandGetKeys(table, rest, /*with_flags=*/false, reply);
  if (name == "getkeysandflags") return CommandGetKeys(table, rest, /*with_flags=*/true, reply);
  ReplyToHelp(table, table.at(command.container), reply);
}

std::string CommandsAsMarkdown(const CommandTable& table) {
  std::string text;
  for (size_t group = 0; group < kGroupNames.size(); ++group) {
    bool first = true;
    for (const Command& command : table.all()) {
      const CommandRow& row = *command.row;
      // A container that is nothing by itself isn't listed beside its subcommands.
      const bool only_contains = !row.subcommands.empty() && row.arity < -1;
      if (row.group != static_cast<Group>(group) || !IsVisible(command) || only_contains) continue;
      if (first) {
        if (!text.empty()) text += '\n';
        text.append("**").append(kGroupNames[group].title).append("**\n\n");
        text.append("| command | what it does | since |\n|---|---|---|\n");
        first = false;
      }
      text += "| `";
      AppendEscaped(&text, SyntaxOf(command));
      text += "` | ";
      AppendEscaped(&text, row.summary);
      text.append(" | ").append(row.since).append(" |\n");
    }
  }
  text.append("\n**Of Redis 7.2 these are missing**\n\n").append(MissingCommandsAsMarkdown(table));
  return text;
}

}  // namespace understudy::protocol
