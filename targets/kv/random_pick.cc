#include "targets/kv/random_pick.h"

#include "protocol/numbers.h"

namespace understudy::targets::kv {

bool ReadPickArguments(Call& call, std::string_view word, PickArguments* arguments) {
  const auto args = call.args;
  if (args.size() < 3) return true;
  arguments->has_count = true;
  int64_t count;
  if (!call.ReadBetween(args[2], -INT64_MAX, INT64_MAX, &count)) return false;
  if (args.size() > 3) {
    if (args.size() > 4 || word.empty() || !protocol::EqualsIgnoreCase(args[3], word)) {
      call.reply.Error(protocol::kSyntaxError);
      return false;
    }
    arguments->with_values = true;
  }
  arguments->repeat = count < 0;
  arguments->count = static_cast<size_t>(count < 0 ? -count : count);
  if ((arguments->with_values && arguments->count > INT64_MAX / 2) ||
      (arguments->repeat && arguments->count > kMaxRepeatedPicks)) {
    call.reply.Error("ERR value is out of range");
    return false;
  }
  return true;
}

}  // namespace understudy::targets::kv
