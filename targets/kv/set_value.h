// The value of a set: a sorted array of integers or a packed list while it is small, a hash table
// else. container.h says how values are handled.
//
// Form, as in Redis: integers only, up to set-max-intset-entries, are an array; other members, up
// to set-max-listpack-entries and none longer than set-max-listpack-value, a packed list;
// everything else, and an array that grew too big, a table. A set goes back to a smaller form only
// where a command makes a new one.
#pragma once

#include <cstddef>
#include <string_view>

#include "targets/kv/container.h"
#include "targets/kv/element.h"
#include "targets/kv/int_set.h"
#include "targets/kv/packed_list.h"

namespace understudy::targets::kv {

// A member in one allocation.
//
//   member := size:1 bytes          size below 255
//           | FF size:4 bytes
class SetMember {
 public:
  static SetMember* New(std::string_view text);
  static void Free(SetMember* member);

  std::string_view text() const {
    const auto* from = reinterpret_cast<const char*>(this) + 1;
    if (size_ != kLong) return {from, size_};
    uint32_t size;
    std::memcpy(&size, from, sizeof size);
    return {from + sizeof size, size};
  }
  size_t memory() const;  // bytes asked of the allocator

 private:
  SetMember() = default;
  static constexpr uint8_t kLong = 0xff;
  uint8_t size_;
};

class SetValue {
 public:
  enum Form : uint8_t { kIntegers, kPacked, kTable };
  struct TableTraits {
    using Item = SetMember;
    static std::string_view Key(const SetMember& member) { return member.text(); }
  };
  using Table = HashTable<TableTraits>;

  // An empty set in the form that suits a first member and at least so many of them.
  static SetValue NewFor(const Element& first, size_t members, const Forms& forms);
  static SetValue OfIntegers(IntSet set) { return SetValue({set.block(), kIntegers}); }
  static SetValue OfPacked(PackedList list) { return SetValue({list.block(), kPacked}); }
  static SetValue NewTable(size_t members, const Forms& forms);
  explicit SetValue(Object object) : object_(object) {}
  Object object() const { return object_; }
  SetValue Copy(const Forms& forms) const;

  Form form() const { return static_cast<Form>(object_.form); }
  IntSet integers() const { return IntSet(object_.address); }            // if kIntegers
  PackedList packed() const { return PackedList(object_.address); }      // if kPacked
  Table* table() const { return static_cast<Table*>(object_.address); }  // if kTable

  size_t size() const;
  bool Contains(const Element& member, const Forms& forms) const;
  bool Contains(std::string_view member, const Forms& forms) const {
    return Contains(Element::OfBytes(member.data(), member.size()), forms);
  }
  // visit(const Element&), each member once; it returns false to stop.
  template <typename Visit>
  void ForEachWhile(Visit&& visit) const;
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    ForEachWhile([&visit](const Element& member) {
      visit(member);
      return true;
    });
  }
  // One step of SSCAN: some members (of small forms: all), and the cursor to go on with, 0 at the
  // end.
  template <typename Visit>
  uint64_t Scan(uint64_t cursor, Visit&& visit) const;
  // A member chosen at random, by 64 random bits. REQUIRES: size() > 0.
  Element Random(uint64_t random) const;

  bool Add(const Element& member, const Forms& forms);  // false if it was there
  bool Add(std::string_view member, const Forms& forms) {
    return Add(Element::OfBytes(member.data(), member.size()), forms);
  }
  bool Remove(std::string_view member, const Forms& forms);  // false if it wasn't there

 private:
  bool ContainsText(std::string_view member, const Forms& forms) const {
    return static_cast<bool>(table()->Find(member, (*forms.hasher)(member)));
  }
  bool AddToIntegers(const Element& member, const Forms& forms);
  bool AddToPacked(const Element& member, const Forms& forms);
  bool AddToTable(std::string_view member, const Forms& forms);
  void ConvertToTable(size_t members, const Forms& forms);
  void ConvertToPacked();
  void FreeSmall();

  Object object_;
};

template <typename Visit>
void SetValue::ForEachWhile(Visit&& visit) const {
  switch (form()) {
    case kIntegers: {
      const IntSet set = integers();
      for (size_t i = 0, size = set.size(); i < size; ++i) {
        if (!visit(Element(set.At(i)))) return;
      }
      return;
    }
    case kPacked: {
      const PackedList list = packed();
      for (auto at = list.First(); at != PackedList::kNone; at = list.Next(at)) {
        if (!visit(list.Get(at))) return;
      }
      return;
    }
    case kTable:
      table()->ForEachWhile([&visit](const SetMember* member) {
        const std::string_view text = member->text();
        return visit(Element::OfBytes(text.data(), text.size()));
      });
  }
}

template <typename Visit>
uint64_t SetValue::Scan(uint64_t cursor, Visit&& visit) const {
  if (form() != kTable) {
    ForEach(visit);
    return 0;
  }
  return table()->Scan(cursor, false, [&visit](const SetMember* member, bool) {
    const std::string_view text = member->text();
    visit(Element::OfBytes(text.data(), text.size()));
  });
}

}  // namespace understudy::targets::kv
