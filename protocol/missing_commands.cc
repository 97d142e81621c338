#include "protocol/missing_commands.h"

#include <algorithm>

#include "protocol/command_table.h"

namespace understudy::protocol {
namespace {

constexpr std::string_view kScripts[] = {
    "eval",          "eval_ro",       "evalsha",          "evalsha_ro",
    "fcall",         "fcall_ro",      "function|delete",  "function|dump",
    "function|kill", "function|load", "function|restore", "function|stats",
    "script|debug",  "script|kill",   "script|load"};
constexpr std::string_view kUsers[] = {"acl",         "acl|cat",     "acl|deluser", "acl|dryrun",
                                       "acl|genpass", "acl|getuser", "acl|help",    "acl|list",
                                       "acl|load",    "acl|log",     "acl|save",    "acl|setuser",
                                       "acl|users",   "acl|whoami"};
constexpr std::string_view kModules[] = {"module",      "module|help",   "module|list",
                                         "module|load", "module|loadex", "module|unload"};
constexpr std::string_view kSlots[] = {"asking",
                                       "cluster|addslots",
                                       "cluster|addslotsrange",
                                       "cluster|bumpepoch",
                                       "cluster|count-failure-reports",
                                       "cluster|countkeysinslot",
                                       "cluster|delslots",
                                       "cluster|delslotsrange",
                                       "cluster|flushslots",
                                       "cluster|getkeysinslot",
                                       "cluster|saveconfig",
                                       "cluster|set-config-epoch",
                                       "cluster|setslot",
                                       "migrate",
                                       "restore-asking"};
constexpr std::string_view kMembership[] = {"cluster|failover", "cluster|links", "cluster|meet",
                                            "cluster|replicate", "cluster|reset"};
constexpr std::string_view kReplication[] = {"psync", "replconf", "replicaof", "slaveof", "sync"};
constexpr std::string_view kSentinel[] = {"sentinel|config",     "sentinel|debug",
                                          "sentinel|failover",   "sentinel|flushconfig",
                                          "sentinel|info-cache", "sentinel|is-master-down-by-addr",
                                          "sentinel|monitor",    "sentinel|pending-scripts",
                                          "sentinel|remove",     "sentinel|reset",
                                          "sentinel|set",        "sentinel|simulate-failure"};
constexpr std::string_view kNotYet[] = {"client|pause", "client|unpause", "waitaof"};
constexpr std::string_view kArt[] = {"lolwut"};

constexpr MissingCommands kMissing[] = {
    {"scripts and functions aren't there yet", kScripts},
    {"there is one user, `default`, whose password is `--requirepass`", kUsers},
    {"Redis' modules can't be loaded; targets take their place", kModules},
    {"every node has all keys: nothing belongs to a slot, and no key moves", kSlots},
    {"nodes join by `--join`; see FAILOVER and CLUSTER FORGET for the rest",
     kMembership},
    {"nodes replicate in their own way, by a log, and follow no Redis master", kReplication},
    {"there is no Sentinel to manage: these only answer who looks for the global", kSentinel},
    {"not written yet", kNotYet},
    {"no pictures", kArt},
};

}  // namespace

std::span<const MissingCommands> CommandsMissing() { return kMissing; }

std::string MissingCommandsAsMarkdown(const CommandTable& table) {
  std::string text;
  for (const MissingCommands& group : kMissing) {
    std::string names;
    for (std::string_view name : group.names) {
      if (table.FindByName(name) != nullptr) continue;
      // A container stands for its subcommands.
      const size_t bar = name.find('|');
      if (bar != std::string_view::npos && std::find(group.names.begin(), group.names.end(),
                                                     name.substr(0, bar)) != group.names.end()) {
        continue;
      }
      std::string shown(name);
      for (char& c : shown) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        if (c == '|') c = ' ';
      }
      names.append(names.empty() ? "" : ", ").append("`").append(shown).append("`");
    }
    if (!names.empty()) text.append("- ").append(names).append(": ").append(group.reason) += ".\n";
  }
  return text;
}

}  // namespace understudy::protocol
