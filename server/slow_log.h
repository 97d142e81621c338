// SLOWLOG: the last commands that took longer to execute than slowlog-log-slower-than. A command
// that the global executed for a client of another node is in both nodes' logs: in the global's
// with the time of its execution, in that node's with the time until its reply came.
// Source: https://redis.io/docs/latest/commands/slowlog-get/
//
// Limits: slowlog-max-len entries, of kMaxArguments arguments of kMaxArgumentBytes. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace understudy::server {

class SlowLog {
 public:
  static constexpr size_t kMaxArguments = 32;
  static constexpr size_t kMaxArgumentBytes = 128;

  struct Entry {
    uint64_t id;
    int64_t at_s;  // seconds since the epoch
    int64_t duration_us;
    std::vector<std::string> args;  // shortened
    std::string client_address, client_name;
  };

  // -1: nothing is logged; 0: everything.
  void set_threshold_us(int64_t threshold) { threshold_us_ = threshold; }
  void set_max_length(size_t length);
  bool Wants(uint64_t nanoseconds) const {
    return threshold_us_ >= 0 && nanoseconds / 1000 >= static_cast<uint64_t>(threshold_us_);
  }
  // `secrets`: arguments from this one on are left out; 0: none is.
  void Add(std::span<const std::string_view> args, size_t secrets, uint64_t nanoseconds,
           int64_t now_s, std::string_view client_address, std::string_view client_name);
  const std::deque<Entry>& entries() const { return entries_; }  // newest first
  void Reset() { entries_.clear(); }

 private:
  std::deque<Entry> entries_;
  uint64_t next_id_ = 0;
  int64_t threshold_us_ = 10000;
  size_t max_length_ = 128;
};

}  // namespace understudy::server
