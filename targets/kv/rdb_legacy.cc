#include "targets/kv/rdb_legacy.h"

#include <cstdint>
#include <string>

namespace understudy::targets::kv {
namespace {

constexpr uint8_t kEnd = 0xff, kLongSize = 0xfe;

// Bytes taken from the front; what isn't there is zero, and latched as a failure.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}

  bool failed() const { return failed_; }
  bool at_end() const { return bytes_.empty(); }
  std::string_view Take(uint64_t count) {
    if (count > bytes_.size()) {
      failed_ = true;
      bytes_ = {};
      return {};
    }
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  uint8_t Byte() {
    const std::string_view byte = Take(1);
    return byte.empty() ? 0 : static_cast<uint8_t>(byte[0]);
  }
  uint64_t LittleEndian(int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; ++i) value |= uint64_t{Byte()} << (8 * i);
    return value;
  }
  uint64_t BigEndian(int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; ++i) value = value << 8 | Byte();
    return value;
  }
  int64_t Signed(int count) {
    const int unused = 64 - 8 * count;
    return static_cast<int64_t>(LittleEndian(count) << unused) >> unused;
  }
  // x | FE x:4
  uint64_t Size(uint8_t first) { return first < kLongSize ? first : LittleEndian(4); }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

// Gathers entries, and appends them to the list in pieces.
class Appender {
 public:
  explicit Appender(PackedList* list) : list_(*list) {}
  // False: there is no room for them all.
  bool Add(const Element& element) {
    if (!list_.Fits(encoded_.size() + element.TextSize(), count_ + 1)) return false;
    PackedList::Encode(element, &encoded_);
    ++count_;
    return true;
  }
  size_t count() const { return count_; }
  void End() {
    if (count_ > 0) list_.AppendEncoded(encoded_, count_);
  }

 private:
  PackedList& list_;
  std::string encoded_;
  size_t count_ = 0;
};

Element ReadZipEntry(Bytes* in) {
  const uint8_t code = in->Byte();
  const auto text = [in](uint64_t size) { return Element(in->Take(size)); };
  switch (code >> 6) {
    case 0:
      return text(code);
    case 1:
      return text((code & 0x3full) << 8 | in->Byte());
    case 2:
      return text(in->BigEndian(4));
    default:
      break;
  }
  switch (code) {
    case 0xc0:
      return Element(in->Signed(2));
    case 0xd0:
      return Element(in->Signed(4));
    case 0xe0:
      return Element(in->Signed(8));
    case 0xf0:
      return Element(in->Signed(3));
    case 0xfe:
      return Element(in->Signed(1));
    default:
      break;
  }
  constexpr uint8_t kZero = 0xf1, kTwelve = 0xfd;
  if (code < kZero || code > kTwelve) in->Take(UINT64_MAX);  // fails
  return Element(int64_t{code} - kZero);
}

}  // namespace

bool ReadZipList(std::string_view bytes, PackedList* list) {
  constexpr uint64_t kUncounted = 0xffff;
  Bytes in(bytes);
  if (in.LittleEndian(4) != bytes.size()) return false;
  in.LittleEndian(4);  // the last entry's offset, which only walking backwards needs
  const uint64_t count = in.LittleEndian(2);
  Appender out(list);
  for (uint8_t first = in.Byte(); first != kEnd; first = in.Byte()) {
    in.Size(first);
    const Element element = ReadZipEntry(&in);
    if (in.failed() || !out.Add(element)) return false;
  }
  if (in.failed() || !in.at_end() || (count != kUncounted && count != out.count())) return false;
  out.End();
  return true;
}

bool ReadZipMap(std::string_view bytes, PackedList* list) {
  Bytes in(bytes);
  const uint8_t count = in.Byte();
  Appender out(list);
  for (uint8_t first = in.Byte(); first != kEnd; first = in.Byte()) {
    const Element field(in.Take(in.Size(first)));
    const uint64_t size = in.Size(in.Byte());
    const uint8_t unused = in.Byte();
    const Element value(in.Take(size));
    in.Take(unused);
    if (in.failed() || !out.Add(field) || !out.Add(value)) return false;
  }
  if (in.failed() || !in.at_end() || (count < kLongSize && count * 2u != out.count())) return false;
  out.End();
  return true;
}

}  // namespace understudy::targets::kv
