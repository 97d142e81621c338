// What SCAN, HSCAN, SSCAN and ZSCAN read and write alike. Internal to targets/kv.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/element.h"

namespace understudy::targets::kv {

struct ScanOptions {
  uint64_t cursor = 0;
  int64_t count = 10;
  std::string_view pattern = "*";
  std::optional<std::string_view> type = {};

  bool Matches(std::string_view text) const {
    return pattern == "*" || protocol::GlobMatch(pattern, text);
  }
};

// Each returns false, with the error written, if there is no such thing in the arguments.
bool ReadCursor(Call& call, std::string_view text, uint64_t* cursor);
// The options from args[first] on; TYPE only if allowed.
bool ReadScanOptions(Call& call, size_t first, bool with_type, ScanOptions* options);

void ReplyCursor(Call& call, uint64_t cursor);

// Runs HSCAN, SSCAN or ZSCAN. `Value` is the class of the values of that type.
//  scan(value, cursor, add)  makes one step, and returns the next cursor. For each element it calls
//                            add(name, write...), where the name is what MATCH looks at and
//                            write(ReplyWriter*) adds what else is returned for it
template <typename Value, typename Scan>
void ScanContainer(Call& call, Type type, Scan&& scan) {
  ScanOptions options;
  if (!ReadCursor(call, call.args[2], &options.cursor)) return;
  const Entry* entry;
  if (!call.Find(call.args[1], type, &entry)) return;
  if (entry == nullptr) {
    call.reply.Array(2);
    ReplyCursor(call, 0);
    return call.reply.Array(0);
  }
  if (!ReadScanOptions(call, 3, false, &options)) return;
  // As Redis: until COUNT elements are seen, or ten times as many buckets.
  const Value value(entry->object());
  const auto wanted = static_cast<uint64_t>(options.count);
  uint64_t cursor = options.cursor, visits = 0;
  std::string found;
  protocol::ReplyWriter out(&found, call.reply.resp());
  size_t seen = 0, parts = 0;
  do {
    cursor = scan(value, cursor, [&](const Element& name, auto&&... rest) {
      ++seen;
      Element::Digits digits;
      if (options.pattern != "*" && !options.Matches(name.Text(&digits))) return;
      name.Reply(&out);
      (rest(&out), ...);
      parts += 1 + sizeof...(rest);
    });
    ++visits;
  } while (cursor != 0 && seen < wanted && visits / 10 < wanted);
  call.reply.Array(2);
  ReplyCursor(call, cursor);
  call.reply.Array(parts);
  call.reply.Raw(found);
}

}  // namespace understudy::targets::kv
