#include "server/slow_log.h"

namespace understudy::server {

void SlowLog::set_max_length(size_t length) {
  max_length_ = length;
  while (entries_.size() > max_length_) entries_.pop_back();
}

void SlowLog::Add(std::span<const std::string_view> args, size_t secrets, uint64_t nanoseconds,
                  int64_t now_s, std::string_view client_address, std::string_view client_name) {
  Entry entry;
  entry.id = next_id_++;
  if (max_length_ == 0) return;
  entry.at_s = now_s;
  entry.duration_us = static_cast<int64_t>(nanoseconds / 1000);
  entry.client_address = client_address;
  entry.client_name = client_name;
  bool trimmed = args.size() > kMaxArguments;
  size_t shown = trimmed ? kMaxArguments - 1 : args.size();
  for (size_t i = 0; i < shown; ++i) {
    if (secrets != 0 && i >= secrets) {
      entry.args.emplace_back("(redacted)");
    } else if (args[i].size() > kMaxArgumentBytes) {
      entry.args.push_back(std::string(args[i].substr(0, kMaxArgumentBytes)) + "... (" +
                           std::to_string(args[i].size() - kMaxArgumentBytes) + " more bytes)");
    } else {
      entry.args.emplace_back(args[i]);
    }
  }
  if (trimmed) {
    entry.args.push_back("... (" + std::to_string(args.size() - shown) + " more arguments)");
  }
  entries_.push_front(std::move(entry));
  if (entries_.size() > max_length_) entries_.pop_back();
}

}  // namespace understudy::server
