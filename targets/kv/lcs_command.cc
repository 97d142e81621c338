#include "targets/kv/commands.h"

namespace understudy::targets::kv {

void RegisterLcs(HandlerMap*) {}

}  // namespace understudy::targets::kv
