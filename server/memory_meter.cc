#include "server/memory_meter.h"

#include "server/memory_use.h"

namespace understudy::server {

MemoryMeter::MemoryMeter() { FindThreadCounters(&allocated_, &freed_); }

uint64_t MemoryMeter::Used(cluster::Micros now) {
  if (asked_at_ == 0 || now - asked_at_ > kExactEvery) return UsedExactly(now);
  return used_ + OwnThread() - own_;
}

uint64_t MemoryMeter::UsedExactly(cluster::Micros now) {
  asked_at_ = now;
  used_ = ReadUsedMemory();
  own_ = OwnThread();
  return used_;
}

}  // namespace understudy::server
