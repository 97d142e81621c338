#include "targets/text.h"

#include <charconv>

#include "targets/effect.h"

namespace understudy::targets {

bool ParseUnsigned(std::string_view text, uint64_t* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

void AppendText(std::string* out, std::string_view text) {
  AppendVarint(out, text.size());
  out->append(text);
}

bool TakeText(std::string_view* in, size_t limit, std::string_view* text) {
  uint64_t size = 0;
  if (!TakeVarint(in, &size) || size > limit || size > in->size()) return false;
  *text = in->substr(0, size);
  in->remove_prefix(size);
  return true;
}

}  // namespace understudy::targets
