// The types of targets that a node can run: `id` and `chat`, and those of plug-ins.
//
// A type, once there, stays: clusters run its code. Owned by the node; one thread.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "targets/target.h"

namespace understudy::targets {

struct TargetType {
  std::string name;
  std::string summary;
  std::string origin;                      // the plug-in's file; empty: built in
  const plugin::Plugin* plugin = nullptr;  // nullptr: built in
};

class TypeTable {
 public:
  static constexpr size_t kMaxTypes = 1000;
  static constexpr size_t kMaxNameBytes = 64;

  TypeTable();
  // A plug-in's type. False with `error`: another version of the interface, another compiler's
  // layout, a name that is taken or isn't one. The plug-in must stay loaded as long as the process.
  bool Add(const plugin::Plugin* plugin, std::string_view origin, std::string* error);
  const TargetType* Find(std::string_view name) const;
  const std::deque<TargetType>& all() const { return types_; }

 private:
  std::deque<TargetType> types_;  // in the order in which they came; addresses stay
};

}  // namespace understudy::targets
