// understudy-server --inspect-log <directory>: prints what is in a data directory, for people.
// Reads only; the node may be running.
#pragma once

#include <ostream>
#include <string>

namespace understudy::server {

// Lock states, snapshots, every record of every segment (replaced ones too), torn tail and damage.
// False, with `error` one line, if the directory can't be read.
bool InspectLog(const std::string& dir, std::ostream& out, std::string* error);

}  // namespace understudy::server
