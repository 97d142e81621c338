#include "server/plugins.h"

#include <dlfcn.h>

#include <exception>

namespace understudy::server {

bool Plugins::Load(const std::string& file, Logger* log, std::string* error) {
  // Without a '/' the system would look in its library directories.
  const std::string path = file.find('/') == std::string::npos ? "./" + file : file;
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    *error = dlerror();
    return false;
  }
  const auto function =
      reinterpret_cast<plugin::PluginFunction>(dlsym(library, plugin::kPluginSymbol));
  const plugin::Plugin* description = nullptr;
  if (function == nullptr) {
    *error = file + " is no target: it has no " + plugin::kPluginSymbol;
  } else {
    try {
      description = function();
    } catch (...) {
      *error = file + " failed when it was asked what it is";
    }
  }
  const targets::TargetType* known = description == nullptr || description->type == nullptr
                                         ? nullptr
                                         : types_.Find(description->type);
  const bool again = known != nullptr && known->plugin == description;
  if (description != nullptr && !again && !types_.Add(description, file, error)) {
    *error = file + ": " + *error;
    description = nullptr;
  }
  if (description == nullptr) {
    dlclose(library);
    return false;
  }
  if (!again) {
    log->Notice("Target type %s from %s: state version %u, updates version %u", description->type,
                file.c_str(), description->state_version, description->update_version);
  }
  return true;
}

}  // namespace understudy::server
