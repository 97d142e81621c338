#include "server/latency_monitor.h"

#include <algorithm>

namespace understudy::server {

void LatencyMonitor::Add(std::string_view name, uint64_t nanoseconds, int64_t now_s) {
  auto found = events_.find(name);
  if (found == events_.end()) found = events_.emplace(name, Event{}).first;
  Event& event = found->second;
  uint64_t milliseconds = nanoseconds / 1'000'000;
  event.worst_ms = std::max(event.worst_ms, milliseconds);
  if (!event.samples.empty() && event.samples.back().at_s == now_s) {
    Sample& last = event.samples.back();
    last.milliseconds = std::max(last.milliseconds, milliseconds);
    return;
  }
  if (event.samples.size() >= kSamples) event.samples.erase(event.samples.begin());
  event.samples.push_back({now_s, milliseconds});
}

bool LatencyMonitor::Reset(std::string_view event) {
  auto found = events_.find(event);
  if (found == events_.end()) return false;
  events_.erase(found);
  return true;
}

size_t LatencyMonitor::ResetAll() {
  size_t count = events_.size();
  events_.clear();
  return count;
}

}  // namespace understudy::server
