// What the files of bit commands share. Internal to targets/kv.
#pragma once

#include <cstdint>
#include <string_view>

#include "targets/kv/commands.h"

namespace understudy::targets::kv {

// Reads the position of a bit. "#<n>" is n times `width`, if that isn't 0. False, with the error
// written, if it isn't one or lies behind the greatest value.
bool ReadBitOffset(Call& call, std::string_view text, int width, uint64_t* offset);

void RegisterBitfieldCommands(HandlerMap* handlers);

// A result of BITOP that is longer than the request by more than this is shipped as the request,
// which every member then repeats: a few more bytes are cheaper than the repetition.
inline constexpr size_t kBitOpEffectSlack = 64;

}  // namespace understudy::targets::kv
