#include "targets/kv/scan_arguments.h"

#include <charconv>

namespace understudy::targets::kv {

bool ReadCursor(Call& call, std::string_view text, uint64_t* cursor) {
  // As strtoul reads it, which Redis uses: with a sign, and nothing is 0.
  *cursor = 0;
  if (text.empty()) return true;
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, *cursor);
  if (negative) *cursor = -*cursor;
  if (status == std::errc() && stop == end) return true;
  call.reply.Error("ERR invalid cursor");
  return false;
}

bool ReadScanOptions(Call& call, size_t first, bool with_type, ScanOptions* options) {
  const auto args = call.args;
  for (size_t i = first; i < args.size(); i += 2) {
    const std::string_view word = args[i];
    const bool has_value = i + 1 < args.size();
    if (has_value && protocol::EqualsIgnoreCase(word, "COUNT")) {
      if (!call.ReadInteger(args[i + 1], &options->count)) return false;
      if (options->count >= 1) continue;
    } else if (has_value && protocol::EqualsIgnoreCase(word, "MATCH")) {
      options->pattern = args[i + 1];
      continue;
    } else if (has_value && with_type && protocol::EqualsIgnoreCase(word, "TYPE")) {
      options->type = args[i + 1];
      continue;
    }
    call.reply.Error(protocol::kSyntaxError);
    return false;
  }
  return true;
}

void ReplyCursor(Call& call, uint64_t cursor) {
  char text[24];
  const char* const end = std::to_chars(text, text + sizeof text, cursor).ptr;
  call.reply.Bulk({text, static_cast<size_t>(end - text)});
}

}  // namespace understudy::targets::kv
