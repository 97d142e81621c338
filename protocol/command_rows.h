// The rows of the command table, one file a topic, and what those files are written with. Included
// by the commands_*.cc files and command_table.cc only.
//
// Facts (arity, flags, key specifications, arguments, tips, versions) are those of Redis 7.2:
// https://redis.io/docs/latest/commands/
#pragma once

#include <span>
#include <string_view>

#include "protocol/command_table.h"

namespace understudy::protocol::rows {

std::span<const CommandRow> BitmapCommands();
std::span<const CommandRow> ClusterCommands();
std::span<const CommandRow> ConnectionCommands();
std::span<const CommandRow> DebugCommands();
std::span<const CommandRow> GenericCommands();
std::span<const CommandRow> GeoCommands();
std::span<const CommandRow> HashCommands();
std::span<const CommandRow> HyperLogLogCommands();
std::span<const CommandRow> LatencyCommands();
std::span<const CommandRow> ListCommands();
std::span<const CommandRow> MemoryCommands();
std::span<const CommandRow> PeerCommands();
std::span<const CommandRow> PubsubCommands();
std::span<const CommandRow> ScriptingCommands();
std::span<const CommandRow> SentinelCommands();
std::span<const CommandRow> ServerCommands();
std::span<const CommandRow> SetCommands();
std::span<const CommandRow> SortedSetCommands();
std::span<const CommandRow> StreamCommands();
std::span<const CommandRow> StringCommands();
std::span<const CommandRow> TargetCommands();
std::span<const CommandRow> TransactionCommands();

// One key at `index`.
constexpr KeySpec OneKey(uint32_t flags, int16_t index = 1, std::string_view notes = {}) {
  return {flags, KeySpec::Begin::kIndex, index, {}, KeySpec::Find::kRange, 0, 1, 0, notes};
}

// Keys from `index` to the last argument, each `step` apart.
constexpr KeySpec KeysToEnd(uint32_t flags, int16_t index = 1, int16_t step = 1) {
  return {flags, KeySpec::Begin::kIndex, index, {}, KeySpec::Find::kRange, -1, step, 0, {}};
}

constexpr Argument String(std::string_view name, std::string_view token = {}) {
  return {name, Argument::Type::kString, token};
}
constexpr Argument Integer(std::string_view name, std::string_view token = {}) {
  return {name, Argument::Type::kInteger, token};
}
constexpr Argument Double(std::string_view name, std::string_view token = {}) {
  return {name, Argument::Type::kDouble, token};
}
constexpr Argument Pattern(std::string_view name, std::string_view token = {}) {
  return {name, Argument::Type::kPattern, token};
}
constexpr Argument UnixTime(std::string_view name, std::string_view token = {}) {
  return {name, Argument::Type::kUnixTime, token};
}
constexpr Argument Key(std::string_view name, int8_t key_spec = 0) {
  return {name, Argument::Type::kKey, {}, 0, key_spec};
}
// A word that stands for itself.
constexpr Argument Token(std::string_view name, std::string_view token) {
  return {name, Argument::Type::kPureToken, token};
}
constexpr Argument OneOf(std::string_view name, std::span<const Argument> parts,
                         std::string_view token = {}) {
  return {name, Argument::Type::kOneOf, token, 0, -1, {}, parts};
}
constexpr Argument Block(std::string_view name, std::span<const Argument> parts,
                         std::string_view token = {}) {
  return {name, Argument::Type::kBlock, token, 0, -1, {}, parts};
}

constexpr Argument Optional(Argument argument) {
  argument.flags |= Argument::kOptional;
  return argument;
}
constexpr Argument Multiple(Argument argument) {
  argument.flags |= Argument::kMultiple;
  return argument;
}
// Several times, each time with its token.
constexpr Argument MultipleToken(Argument argument) {
  argument.flags |= Argument::kMultiple | Argument::kMultipleToken;
  return argument;
}
constexpr Argument Since(std::string_view version, Argument argument) {
  argument.since = version;
  return argument;
}
constexpr Argument ShownAs(std::string_view display, Argument argument) {
  argument.display = display;
  return argument;
}
constexpr Argument WithToken(std::string_view token, Argument argument) {
  argument.token = token;
  return argument;
}
constexpr Argument DeprecatedSince(std::string_view version, Argument argument) {
  argument.deprecated_since = version;
  return argument;
}

constexpr CommandRow WithTips(std::span<const std::string_view> tips, CommandRow row) {
  row.tips = tips;
  return row;
}
constexpr CommandRow Container(std::span<const CommandRow> subcommands, CommandRow row) {
  row.flags |= kSubcommands;
  row.subcommands = subcommands;
  return row;
}
constexpr CommandRow Deprecated(std::string_view since, std::string_view replaced_by,
                                CommandRow row) {
  row.deprecated_since = since;
  row.replaced_by = replaced_by;
  return row;
}
constexpr CommandRow SystemCommand(CommandRow row) {
  row.system_command = true;
  return row;
}

inline constexpr std::span<const KeySpec> kNoKeys;
inline constexpr KeySpec kReadKey[] = {OneKey(kKeyRO | kKeyAccess)};
inline constexpr KeySpec kReadKeys[] = {KeysToEnd(kKeyRO | kKeyAccess)};
// Looked at, but not at the value: existence, type, length.
inline constexpr KeySpec kLookKey[] = {OneKey(kKeyRO)};
inline constexpr KeySpec kLookKeys[] = {KeysToEnd(kKeyRO)};
inline constexpr KeySpec kLookSecond[] = {OneKey(kKeyRO, 2)};
inline constexpr KeySpec kUpdateKey[] = {OneKey(kKeyRW | kKeyUpdate)};
inline constexpr KeySpec kExtendKey[] = {OneKey(kKeyRW | kKeyInsert)};
inline constexpr KeySpec kReadUpdateKey[] = {OneKey(kKeyRW | kKeyAccess | kKeyUpdate)};
inline constexpr KeySpec kReadDeleteKey[] = {OneKey(kKeyRW | kKeyAccess | kKeyDelete)};
inline constexpr KeySpec kDeleteKeys[] = {KeysToEnd(kKeyRM | kKeyDelete)};
inline constexpr KeySpec kInsertKey[] = {OneKey(kKeyOW | kKeyInsert)};
inline constexpr KeySpec kInsertEverySecond[] = {KeysToEnd(kKeyOW | kKeyInsert, 1, 2)};
inline constexpr KeySpec kOverwriteKey[] = {OneKey(kKeyOW | kKeyUpdate)};
inline constexpr KeySpec kOverwriteEverySecond[] = {KeysToEnd(kKeyOW | kKeyUpdate, 1, 2)};

inline constexpr Argument kOneKeyArgument[] = {Key("key")};
inline constexpr Argument kManyKeysArgument[] = {Multiple(Key("key"))};

inline constexpr std::string_view kNondeterministic[] = {"nondeterministic_output"};
inline constexpr std::string_view kNondeterministicOrder[] = {"nondeterministic_output_order"};
inline constexpr std::string_view kAllNodes[] = {"request_policy:all_nodes",
                                                 "response_policy:all_succeeded"};
inline constexpr std::string_view kAllShards[] = {"request_policy:all_shards",
                                                  "response_policy:all_succeeded"};
inline constexpr std::string_view kSumOfShards[] = {"request_policy:multi_shard",
                                                    "response_policy:agg_sum"};

}  // namespace understudy::protocol::rows
