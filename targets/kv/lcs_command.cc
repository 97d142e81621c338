// LCS: the longest common subsequence of two strings.
#include <algorithm>
#include <vector>

#include "protocol/argument_reader.h"
#include "targets/kv/commands.h"
#include "targets/kv/lcs.h"

namespace understudy::targets::kv {
namespace {

struct LcsOptions {
  bool length_only = false;
  bool ranges = false;
  bool with_sizes = false;
  int64_t least_size = 0;
};

bool ReadOptions(Call& call, LcsOptions* options) {
  protocol::ArgumentReader in(call.args, 3);
  while (!in.AtEnd()) {
    if (in.Keyword("IDX")) {
      options->ranges = true;
    } else if (in.Keyword("LEN")) {
      options->length_only = true;
    } else if (in.Keyword("WITHMATCHLEN")) {
      options->with_sizes = true;
    } else if (in.Option("MINMATCHLEN", 1)) {
      options->least_size = in.Integer();
    } else {
      in.SyntaxError();
    }
  }
  if (!in.failed() && options->ranges && options->length_only) {
    in.Fail("ERR If you want both the length and indexes, please just use IDX.");
  }
  if (in.failed()) call.reply.Error(in.error());
  return !in.failed();
}

// Redis' limits, which come from its table of 4 bytes a cell; false with the error written.
bool IsAllowed(Call& call, size_t a_size, size_t b_size) {
  if (a_size >= UINT32_MAX - 1 || b_size >= UINT32_MAX - 1) {
    call.reply.Error("ERR String too long for LCS");
    return false;
  }
  if ((a_size + 1) * (b_size + 1) > call.options.max_value_bytes / sizeof(uint32_t)) {
    call.reply.Error(
        "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    return false;
  }
  return true;
}

void ReplyRanges(Call& call, const LcsOptions& options, const LongestCommonSubsequence& lcs) {
  std::vector<LcsRange> ranges = lcs.Ranges();
  std::erase_if(ranges, [&options](const LcsRange& range) {
    return static_cast<int64_t>(range.size()) < options.least_size;
  });
  protocol::ReplyWriter& reply = call.reply;
  const auto pair = [&reply](size_t first, size_t last) {
    reply.Array(2);
    reply.Integer(static_cast<int64_t>(first));
    reply.Integer(static_cast<int64_t>(last));
  };
  reply.Map(2);
  reply.Bulk("matches");
  reply.Array(ranges.size());
  for (const LcsRange& range : ranges) {
    reply.Array(options.with_sizes ? 3 : 2);
    pair(range.a_first, range.a_last);
    pair(range.b_first, range.b_last);
    if (options.with_sizes) reply.Integer(static_cast<int64_t>(range.size()));
  }
  reply.Bulk("len");
  reply.Integer(static_cast<int64_t>(lcs.length()));
}

void Lcs(Call& call) {
  const Entry* entries[2] = {call.Find(call.args[1]), call.Find(call.args[2])};
  Entry::Digits digits[2];
  std::string_view texts[2];
  for (int i = 0; i < 2; ++i) {
    if (entries[i] == nullptr) continue;
    if (!entries[i]->IsString()) {
      return call.reply.Error("ERR The specified keys must contain string values");
    }
    texts[i] = entries[i]->Text(&digits[i]);
  }
  LcsOptions options;
  if (!ReadOptions(call, &options) || !IsAllowed(call, texts[0].size(), texts[1].size())) return;

  const LongestCommonSubsequence lcs(texts[0], texts[1], !options.length_only);
  if (options.ranges) return ReplyRanges(call, options, lcs);
  if (options.length_only) return call.reply.Integer(static_cast<int64_t>(lcs.length()));
  call.reply.Bulk(lcs.Text());
}

}  // namespace

void RegisterLcs(HandlerMap* handlers) { handlers->insert({{"lcs", Lcs}}); }

}  // namespace understudy::targets::kv
