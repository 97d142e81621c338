// Target types from shared objects: --loadtarget and TARGET.LOAD.
//
// A plug-in is code that runs in this process with all its rights. Who may name one: the command
// line and the configuration file; TARGET.LOAD as --enable-target-load says (Redis' rule for MODULE
// LOAD). A file stays loaded until the process ends. It is opened with all its symbols resolved
// (RTLD_NOW) and kept to itself (RTLD_LOCAL).
//
// Every node of a cluster needs the plug-in. The interface: targets/target.h.
#pragma once

#include <string>

#include "server/logger.h"
#include "targets/type_table.h"

namespace understudy::server {

class Plugins {
 public:
  // False with one line in `error`; nothing is changed then. The same file again is no error.
  bool Load(const std::string& file, Logger* log, std::string* error);
  const targets::TypeTable& types() const { return types_; }

 private:
  targets::TypeTable types_;
};

}  // namespace understudy::server
