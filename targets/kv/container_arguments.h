// What the commands on containers read and write alike. Internal to targets/kv.
#pragma once

#include <cstdint>

#include "targets/kv/commands.h"
#include "targets/kv/list_value.h"

namespace understudy::targets::kv {

// A range of indexes or ranks.
struct IndexRange {
  size_t first = 0, count = 0;
};
// From `start` to `stop`, both included, negative ones counted from the end, as in LRANGE.
IndexRange ToRange(int64_t start, int64_t stop, size_t size);

// Replies with the first (last) elements of a list, from the end inwards. REQUIRES: 0 < count <=
// size.
void ReplyEndOfList(Call& call, const Entry& entry, ListValue::End end, size_t count);

// "numkeys key [key ...] where [COUNT count]" of LMPOP and ZMPOP, from args[first] on.
struct PopArguments {
  std::span<const std::string_view> keys;
  bool first = false;  // `where` is the first of the two words
  size_t count = 1;
};
// False, with the error written, if the arguments aren't that.
bool ReadPopArguments(Call& call, std::string_view first_word, std::string_view last_word,
                      PopArguments* arguments, size_t first = 1);

}  // namespace understudy::targets::kv
