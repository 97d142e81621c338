// The commands of Redis 7.2 that this server doesn't have, and why: for the README. A command that
// the table has isn't missing, whatever stands here.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace understudy::protocol {

class CommandTable;

struct MissingCommands {
  std::string_view reason;
  std::span<const std::string_view> names;  // full names, lower case: "client|pause"
};
std::span<const MissingCommands> CommandsMissing();

// Lines of a list, Markdown.
std::string MissingCommandsAsMarkdown(const CommandTable& table);

}  // namespace understudy::protocol
