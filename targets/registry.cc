#include "targets/registry.h"

#include "targets/main_target.h"

namespace understudy::targets {

std::unique_ptr<Machine> MakeMainTarget(const protocol::CommandTable& table,
                                        std::shared_ptr<const TargetOptions> options) {
  return std::make_unique<MainTarget>(table, std::move(options));
}

const DirectoryTarget* GetDirectory(const Machine& main_target) {
  const auto* target = dynamic_cast<const MainTarget*>(&main_target);
  return target == nullptr ? nullptr : &target->directory();
}

void ObserveKeys(Machine* main_target, kv::KeyspaceObserver* observer) {
  if (auto* target = dynamic_cast<MainTarget*>(main_target)) {
    target->kv().keyspace().set_observer(observer);
  }
}

KeyspaceStats GetKeyspaceStats(const Machine& main_target) {
  const auto* target = dynamic_cast<const MainTarget*>(&main_target);
  return target == nullptr ? KeyspaceStats{} : target->kv().Stats();
}

}  // namespace understudy::targets
