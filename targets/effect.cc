#include "targets/effect.h"

#include <algorithm>
#include <climits>
#include <cstring>

namespace understudy::targets {
namespace {

constexpr size_t kMaxVarintBytes = 10;

// Writes `value` at `to` (room for kMaxVarintBytes); returns the first byte behind it.
inline char* PutVarint(char* to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

}  // namespace

void AppendVarint(std::string* out, uint64_t value) {
  char buffer[kMaxVarintBytes];
  char* end = PutVarint(buffer, value);
  out->append(buffer, static_cast<size_t>(end - buffer));
}

bool TakeVarint(std::string_view* in, uint64_t* value) {
  // Nearly all sizes and counts fit one byte.
  if (!in->empty() && static_cast<unsigned char>(in->front()) < 0x80) {
    *value = static_cast<unsigned char>(in->front());
    in->remove_prefix(1);
    return true;
  }
  uint64_t result = 0;
  const size_t most = std::min(in->size(), kMaxVarintBytes);
  for (size_t i = 0; i < most; ++i) {
    const uint64_t byte = static_cast<unsigned char>((*in)[i]);
    // The tenth byte holds the 64th bit and nothing else.
    if (i == kMaxVarintBytes - 1 && byte > 1) return false;
    result |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      in->remove_prefix(i + 1);
      *value = result;
      return true;
    }
  }
  return false;
}

void EffectWriter::Add(int db, std::span<const std::string_view> args) {
  ++count_;
  if (out_ == nullptr) return;
  size_t most = (2 + args.size()) * kMaxVarintBytes;
  for (std::string_view arg : args) most += arg.size();

  // A small effect, the usual case, is put together on the stack and appended at once.
  char buffer[512];
  if (most <= sizeof buffer) {
    char* to = PutVarint(buffer, static_cast<uint64_t>(db));
    to = PutVarint(to, args.size());
    for (std::string_view arg : args) {
      to = PutVarint(to, arg.size());
      if (!arg.empty()) std::memcpy(to, arg.data(), arg.size());
      to += arg.size();
    }
    out_->append(buffer, static_cast<size_t>(to - buffer));
    return;
  }
  AppendVarint(out_, static_cast<uint64_t>(db));
  AppendVarint(out_, args.size());
  for (std::string_view arg : args) {
    AppendVarint(out_, arg.size());
    out_->append(arg);
  }
}

bool EffectReader::Next(int* db, std::vector<std::string_view>* args) {
  args->clear();
  if (rest_.empty() || !ok_) return false;
  uint64_t number = 0;
  uint64_t argc = 0;
  // An argument takes one byte at least, which bounds argc, and with it what is allocated.
  ok_ = TakeVarint(&rest_, &number) && number <= INT_MAX && TakeVarint(&rest_, &argc) && argc > 0 &&
        argc <= rest_.size();
  if (!ok_) return false;
  args->reserve(argc);
  for (; argc > 0; --argc) {
    uint64_t size = 0;
    if (!TakeVarint(&rest_, &size) || size > rest_.size()) {
      args->clear();
      return ok_ = false;
    }
    args->push_back(rest_.substr(0, size));
    rest_.remove_prefix(size);
  }
  *db = static_cast<int>(number);
  return true;
}

}  // namespace understudy::targets
