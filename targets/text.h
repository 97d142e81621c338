// Small things that several targets write into effects and snapshots.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace understudy::targets {

// A number of up to 64 bits in decimal digits, all of `text`; false otherwise. (Node's runs don't
// fit into signed numbers.)
bool ParseUnsigned(std::string_view text, uint64_t* value);

// text := size:varint bytes. Taking: false (in unspecified) if there is none or it is over `limit`.
void AppendText(std::string* out, std::string_view text);
bool TakeText(std::string_view* in, size_t limit, std::string_view* text);

}  // namespace understudy::targets
