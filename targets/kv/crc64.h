// The checksum at the end of RDB files: CRC-64/Jones (polynomial ad93d23594c935a9, reflected, no
// initial or final inversion). Crc64(0, "123456789") is e9c6d914c4b8d9ca.
#pragma once

#include <cstdint>
#include <string_view>

namespace understudy::targets::kv {

// The checksum of bytes that follow those whose checksum is `crc`; begin with 0.
uint64_t Crc64(uint64_t crc, std::string_view bytes);

}  // namespace understudy::targets::kv
