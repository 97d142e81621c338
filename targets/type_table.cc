#include "targets/type_table.h"

#include <algorithm>
#include <cstring>

namespace understudy::targets {
namespace {

bool GoodName(std::string_view name) {
  return !name.empty() && name.size() <= TypeTable::kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

}  // namespace

TypeTable::TypeTable() {
  types_.push_back({"id", "Numbers 0, 1, 2, ..., each of them once: NEXTID.", "", nullptr});
  types_.push_back({"chat", "Rooms whose members get each message: CHAT.*.", "", nullptr});
}

bool TypeTable::Add(const plugin::Plugin* plugin, std::string_view origin, std::string* error) {
  const plugin::Plugin own;
  // The version comes first in every version of the structure.
  if (plugin == nullptr || plugin->interface_version != plugin::kInterfaceVersion) {
    *error = "it is made for version " +
             std::to_string(plugin == nullptr ? 0 : plugin->interface_version) +
             " of the target interface, this server has version " +
             std::to_string(plugin::kInterfaceVersion);
    return false;
  }
  if (plugin->size != own.size || memcmp(plugin->sizes, own.sizes, sizeof(own.sizes)) != 0) {
    *error = "it was compiled with another compiler or standard library than this server";
    return false;
  }
  if (plugin->type == nullptr || !GoodName(plugin->type) || plugin->summary == nullptr ||
      plugin->create == nullptr || plugin->destroy == nullptr || plugin->state_version == 0 ||
      plugin->update_version == 0) {
    *error = "its description isn't complete";
    return false;
  }
  if (const TargetType* known = Find(plugin->type); known != nullptr) {
    *error = "there is a target type '" + known->name + "' already" +
             (known->origin.empty() ? "" : ", from " + known->origin);
    return false;
  }
  if (types_.size() >= kMaxTypes) {
    *error = "there are " + std::to_string(kMaxTypes) + " types already";
    return false;
  }
  types_.push_back({plugin->type, plugin->summary, std::string(origin), plugin});
  return true;
}

const TargetType* TypeTable::Find(std::string_view name) const {
  const auto found = std::find_if(types_.begin(), types_.end(),
                                  [&](const TargetType& type) { return type.name == name; });
  return found == types_.end() ? nullptr : &*found;
}

}  // namespace understudy::targets
