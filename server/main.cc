// understudy-server: one node. See README.md.
#include <cstdio>
#include <iostream>

#include "protocol/command_table.h"
#include "server/inspect_log.h"
#include "server/node.h"
#include "server/options.h"

int main(int argc, char** argv) {
  using understudy::server::CommandLine;
  CommandLine line;
  std::string error;
  if (!understudy::server::ParseCommandLine({argv + 1, argv + argc}, &line, &error)) {
    std::fprintf(stderr, "understudy-server: %s\n", error.c_str());
    return 1;
  }
  switch (line.action) {
    case CommandLine::Action::kHelp:
      std::cout << understudy::server::HelpText();
      return 0;
    case CommandLine::Action::kVersion:
      std::cout << understudy::server::VersionText() << "\n";
      return 0;
    case CommandLine::Action::kPrintCommands:
      std::cout << understudy::protocol::CommandsAsMarkdown(understudy::protocol::CommandTable());
      return 0;
    case CommandLine::Action::kInspectLog:
      if (understudy::server::InspectLog(line.inspect_dir, std::cout, &error)) return 0;
      std::fprintf(stderr, "understudy-server: %s\n", error.c_str());
      return 1;
    case CommandLine::Action::kRun:
      break;
  }
  return understudy::server::Node(line.options, line.config_file).Run();
}
