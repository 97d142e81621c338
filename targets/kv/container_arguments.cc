#include "targets/kv/container_arguments.h"

#include <algorithm>

#include "protocol/numbers.h"

namespace understudy::targets::kv {

IndexRange ToRange(int64_t start, int64_t stop, size_t size) {
  const auto signed_size = static_cast<int64_t>(size);
  if (start < 0) start = std::max<int64_t>(start + signed_size, 0);
  if (stop < 0) stop += signed_size;
  stop = std::min(stop, signed_size - 1);
  if (start > stop || start >= signed_size) return {};
  return {static_cast<size_t>(start), static_cast<size_t>(stop - start + 1)};
}

bool ReadPopArguments(Call& call, std::string_view first_word, std::string_view last_word,
                      PopArguments* arguments, size_t first) {
  const auto args = call.args.subspan(first - 1);
  const auto syntax_error = [&call] {
    call.reply.Error(protocol::kSyntaxError);
    return false;
  };
  int64_t key_count;
  if (!call.ReadBetween(args[1], 1, INT64_MAX, &key_count,
                        "ERR numkeys should be greater than 0")) {
    return false;
  }
  if (static_cast<uint64_t>(key_count) >= args.size() - 2) return syntax_error();
  const auto keys = static_cast<size_t>(key_count);
  arguments->keys = args.subspan(2, keys);
  const std::string_view where = args[2 + keys];
  arguments->first = protocol::EqualsIgnoreCase(where, first_word);
  if (!arguments->first && !protocol::EqualsIgnoreCase(where, last_word)) return syntax_error();
  bool has_count = false;
  for (size_t i = 3 + keys; i < args.size(); i += 2) {
    if (has_count || !protocol::EqualsIgnoreCase(args[i], "COUNT") || i + 1 >= args.size()) {
      return syntax_error();
    }
    int64_t count;
    if (!call.ReadBetween(args[i + 1], 1, INT64_MAX, &count,
                          "ERR count should be greater than 0")) {
      return false;
    }
    arguments->count = static_cast<size_t>(count);
    has_count = true;
  }
  return true;
}

}  // namespace understudy::targets::kv
