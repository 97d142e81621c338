// The value of a hash: a packed list of fields and values in turn while it is small, in the order
// in which the fields came, and a hash table else. container.h says how values are handled.
//
// Form, as in Redis: it becomes a table when it has more fields than hash-max-listpack-entries, or
// a field or value longer than hash-max-listpack-value, and never goes back.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "targets/kv/container.h"
#include "targets/kv/element.h"
#include "targets/kv/packed_list.h"

namespace understudy::targets::kv {

// A field and its value in one allocation.
//
//   pair := field_size:4 value_size:4 field value
class FieldPair {
 public:
  static FieldPair* New(std::string_view field, std::string_view value);
  static void Free(FieldPair* pair);
  // Gives the field another value; returns where the pair is then.
  static FieldPair* SetValue(FieldPair* pair, std::string_view value);

  std::string_view field() const { return {text(), field_size_}; }
  std::string_view value() const { return {text() + field_size_, value_size_}; }
  size_t memory() const;  // bytes asked of the allocator

 private:
  FieldPair() = default;
  const char* text() const { return reinterpret_cast<const char*>(this + 1); }
  char* text() { return reinterpret_cast<char*>(this + 1); }
  uint32_t field_size_, value_size_;
};

class HashValue {
 public:
  enum Form : uint8_t { kPacked, kTable };
  struct TableTraits {
    using Item = FieldPair;
    static std::string_view Key(const FieldPair& pair) { return pair.field(); }
  };
  using Table = HashTable<TableTraits>;

  static HashValue New() { return OfPacked(PackedList::New()); }
  // REQUIRES: an even number of entries, no field twice.
  static HashValue OfPacked(PackedList list) { return HashValue({list.block(), kPacked}); }
  static HashValue NewTable(size_t fields, const Forms& forms);
  explicit HashValue(Object object) : object_(object) {}
  Object object() const { return object_; }
  HashValue Copy(const Forms& forms) const;

  bool IsPacked() const { return object_.form == kPacked; }
  PackedList packed() const { return PackedList(object_.address); }      // if IsPacked()
  Table* table() const { return static_cast<Table*>(object_.address); }  // if not

  size_t size() const { return IsPacked() ? packed().size() / 2 : table()->size(); }
  bool Contains(std::string_view field, const Forms& forms) const {
    return Get(field, forms).has_value();
  }
  std::optional<Element> Get(std::string_view field, const Forms& forms) const;
  // visit(const Element& field, const Element& value), each field once.
  template <typename Visit>
  void ForEach(Visit&& visit) const;
  // One step of HSCAN: some fields (of a packed list: all), and the cursor to go on with, 0 at the
  // end.
  template <typename Visit>
  uint64_t Scan(uint64_t cursor, Visit&& visit) const;
  // A field chosen at random, by 64 random bits. REQUIRES: size() > 0.
  std::pair<Element, Element> Random(uint64_t random) const;

  // Returns true if the field is new.
  bool Set(std::string_view field, std::string_view value, const Forms& forms);
  bool Remove(std::string_view field, const Forms& forms);  // false if it wasn't there

 private:
  void Put(PackedList list) { object_.address = list.block(); }
  void Convert(size_t fields, const Forms& forms);
  bool SetPacked(std::string_view field, std::string_view value, const Forms& forms);

  Object object_;
};

template <typename Visit>
void HashValue::ForEach(Visit&& visit) const {
  if (!IsPacked()) {
    table()->ForEach([&visit](const FieldPair* pair) {
      const std::string_view field = pair->field(), value = pair->value();
      visit(Element::OfBytes(field.data(), field.size()),
            Element::OfBytes(value.data(), value.size()));
    });
    return;
  }
  const PackedList list = packed();
  for (PackedList::Position at = list.First(); at != PackedList::kNone;) {
    const PackedList::Position value = list.Next(at);
    visit(list.Get(at), list.Get(value));
    at = list.Next(value);
  }
}

template <typename Visit>
uint64_t HashValue::Scan(uint64_t cursor, Visit&& visit) const {
  if (IsPacked()) {
    ForEach(visit);
    return 0;
  }
  return table()->Scan(cursor, false, [&visit](const FieldPair* pair, bool) {
    const std::string_view field = pair->field(), value = pair->value();
    visit(Element::OfBytes(field.data(), field.size()),
          Element::OfBytes(value.data(), value.size()));
  });
}

}  // namespace understudy::targets::kv
