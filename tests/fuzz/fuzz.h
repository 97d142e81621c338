// What a fuzzer is: one function that takes any bytes and checks what must hold for them, and
// inputs to begin with. tests/fuzz/CMakeLists.txt makes a libFuzzer program of it, or a test that
// needs no clang (fuzz_driver.cc).
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace understudy::fuzz {

std::vector<std::string> Seeds();

// libFuzzer treats an exception as a crash; the driver prints it with the input.
inline void Check(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

// Takes choices from the front of an input, so that the fuzzer controls them.
class Choices {
 public:
  Choices(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  uint8_t Byte() {
    if (rest_.empty()) return 0;
    auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  // Up to `size` bytes.
  std::string_view Bytes(size_t size) {
    std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(bytes.size());
    return bytes;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace understudy::fuzz
