#include "targets/kv/hash_value.h"

#include <cstdlib>
#include <memory>
#include <new>

namespace understudy::targets::kv {
namespace {

size_t PairBytes(size_t field_size, size_t value_size) {
  return RoundToSizeClass(sizeof(FieldPair) + field_size + value_size);
}

}  // namespace

// ---- pairs ----

FieldPair* FieldPair::New(std::string_view field, std::string_view value) {
  if (field.size() > UINT32_MAX || value.size() > UINT32_MAX) throw std::bad_alloc();
  void* memory = std::malloc(PairBytes(field.size(), value.size()));
  if (memory == nullptr) throw std::bad_alloc();
  auto* pair = static_cast<FieldPair*>(memory);
  pair->field_size_ = static_cast<uint32_t>(field.size());
  pair->value_size_ = static_cast<uint32_t>(value.size());
  if (!field.empty()) std::memcpy(pair->text(), field.data(), field.size());
  if (!value.empty()) std::memcpy(pair->text() + field.size(), value.data(), value.size());
  return pair;
}

void FieldPair::Free(FieldPair* pair) { std::free(pair); }

FieldPair* FieldPair::SetValue(FieldPair* pair, std::string_view value) {
  if (value.size() > UINT32_MAX) throw std::bad_alloc();
  const size_t bytes = PairBytes(pair->field_size_, value.size());
  if (bytes != pair->memory()) {
    void* memory = std::realloc(pair, bytes);
    if (memory == nullptr) throw std::bad_alloc();
    pair = static_cast<FieldPair*>(memory);
  }
  pair->value_size_ = static_cast<uint32_t>(value.size());
  if (!value.empty()) std::memcpy(pair->text() + pair->field_size_, value.data(), value.size());
  return pair;
}

size_t FieldPair::memory() const { return PairBytes(field_size_, value_size_); }

// ---- the value ----

HashValue HashValue::NewTable(size_t fields, const Forms& forms) {
  auto table = std::make_unique<Table>(*forms.hasher);
  table->Reserve(fields);
  return HashValue({table.release(), kTable});
}

HashValue HashValue::Copy(const Forms& forms) const {
  if (IsPacked()) return OfPacked(packed().Copy());
  HashValue copy = NewTable(size(), forms);
  table()->ForEach([&](const FieldPair* pair) {
    copy.table()->Insert((*forms.hasher)(pair->field()),
                         FieldPair::New(pair->field(), pair->value()));
  });
  return copy;
}

std::optional<Element> HashValue::Get(std::string_view field, const Forms& forms) const {
  if (IsPacked()) {
    const PackedList list = packed();
    const PackedList::Position at = list.Find(list.First(), Element(field), 2);
    if (at == PackedList::kNone) return std::nullopt;
    return list.Get(list.Next(at));
  }
  const Table::Place place = table()->Find(field, (*forms.hasher)(field));
  if (!place) return std::nullopt;
  const std::string_view value = place.item()->value();
  return Element::OfBytes(value.data(), value.size());
}

std::pair<Element, Element> HashValue::Random(uint64_t random) const {
  if (IsPacked()) {
    const PackedList list = packed();
    const PackedList::Position at = list.Seek(random % size() * 2);
    return {list.Get(at), list.Get(list.Next(at))};
  }
  const FieldPair* pair = table()->Random(random);
  const std::string_view field = pair->field(), value = pair->value();
  return {Element::OfBytes(field.data(), field.size()),
          Element::OfBytes(value.data(), value.size())};
}

void HashValue::Convert(size_t fields, const Forms& forms) {
  HashValue big = NewTable(fields, forms);
  ForEach([&](const Element& field, const Element& value) {
    Element::Digits field_digits, value_digits;
    const std::string_view text = field.Text(&field_digits);
    big.table()->Insert((*forms.hasher)(text), FieldPair::New(text, value.Text(&value_digits)));
  });
  packed().Free();
  object_ = big.object();
}

bool HashValue::SetPacked(std::string_view field, std::string_view value, const Forms& forms) {
  PackedList list = packed();
  const Element field_element(field);
  const PackedList::Position at = list.Find(list.First(), field_element, 2);
  if (at != PackedList::kNone) {
    list.Replace(list.Next(at), Element(value));
    Put(list);
    return false;
  }
  list.Append(field_element);
  list.Append(Element(value));
  Put(list);
  if (size() > forms.limits->hash_max_listpack_entries) Convert(size(), forms);
  return true;
}

bool HashValue::Set(std::string_view field, std::string_view value, const Forms& forms) {
  if (IsPacked()) {
    const size_t longest = forms.limits->hash_max_listpack_value;
    if (field.size() <= longest && value.size() <= longest &&
        packed().Fits(field.size() + value.size(), 2)) {
      return SetPacked(field, value, forms);
    }
    Convert(size() + 1, forms);
  }
  const uint64_t hash = (*forms.hasher)(field);
  const Table::Place place = table()->Find(field, hash);
  if (place) {
    FieldPair* const old = place.item();
    FieldPair* const pair = FieldPair::SetValue(old, value);
    if (pair != old) table()->Replace(place, pair);
    return false;
  }
  table()->Insert(hash, FieldPair::New(field, value));
  return true;
}

bool HashValue::Remove(std::string_view field, const Forms& forms) {
  if (IsPacked()) {
    PackedList list = packed();
    const PackedList::Position at = list.Find(list.First(), Element(field), 2);
    if (at == PackedList::kNone) return false;
    list.Erase(at, 2);
    Put(list);
    return true;
  }
  const Table::Place place = table()->Find(field, (*forms.hasher)(field));
  if (!place) return false;
  FieldPair* const pair = place.item();
  table()->Erase(place);
  FieldPair::Free(pair);
  return true;
}

}  // namespace understudy::targets::kv
