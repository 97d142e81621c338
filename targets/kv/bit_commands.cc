#include "targets/kv/commands.h"

namespace understudy::targets::kv {

void RegisterBitCommands(HandlerMap*) {}

}  // namespace understudy::targets::kv
