#include "targets/kv/set_value.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <memory>
#include <new>

namespace understudy::targets::kv {
namespace {

size_t MemberBytes(size_t text_size) {
  return RoundToSizeClass((text_size < 0xff ? 1 : 5) + text_size);
}

size_t MaxIntegers(const Forms& forms) {
  return std::min(forms.limits->set_max_intset_entries, IntSet::kMaxSize - 1);
}

}  // namespace

// ---- members ----

SetMember* SetMember::New(std::string_view text) {
  if (text.size() > UINT32_MAX) throw std::bad_alloc();
  void* memory = std::malloc(MemberBytes(text.size()));
  if (memory == nullptr) throw std::bad_alloc();
  auto* member = static_cast<SetMember*>(memory);
  char* to = static_cast<char*>(memory) + 1;
  if (text.size() < kLong) {
    member->size_ = static_cast<uint8_t>(text.size());
  } else {
    member->size_ = kLong;
    const auto size = static_cast<uint32_t>(text.size());
    std::memcpy(to, &size, sizeof size);
    to += sizeof size;
  }
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return member;
}

void SetMember::Free(SetMember* member) { std::free(member); }

size_t SetMember::memory() const { return MemberBytes(text().size()); }

// ---- making ----

SetValue SetValue::NewTable(size_t members, const Forms& forms) {
  auto table = std::make_unique<Table>(*forms.hasher);
  table->Reserve(members);
  return SetValue({table.release(), kTable});
}

SetValue SetValue::NewFor(const Element& first, size_t members, const Forms& forms) {
  if (members <= MaxIntegers(forms) && first.IsInteger()) return OfIntegers(IntSet::New());
  if (members <= forms.limits->set_max_listpack_entries) return OfPacked(PackedList::New());
  return NewTable(members, forms);
}

SetValue SetValue::Copy(const Forms& forms) const {
  if (form() == kIntegers) return OfIntegers(integers().Copy());
  if (form() == kPacked) return OfPacked(packed().Copy());
  SetValue copy = NewTable(size(), forms);
  table()->ForEach([&](const SetMember* member) {
    copy.table()->Insert((*forms.hasher)(member->text()), SetMember::New(member->text()));
  });
  return copy;
}

// ---- reading ----

size_t SetValue::size() const {
  switch (form()) {
    case kIntegers:
      return integers().size();
    case kPacked:
      return packed().size();
    case kTable:
      break;
  }
  return table()->size();
}

bool SetValue::Contains(const Element& member, const Forms& forms) const {
  if (form() == kTable) {
    Element::Digits digits;
    return ContainsText(member.Text(&digits), forms);
  }
  const Element parsed = member.Parsed();
  if (form() == kPacked) return packed().Find(packed().First(), parsed) != PackedList::kNone;
  return parsed.IsInteger() && integers().Contains(parsed.integer());
}

Element SetValue::Random(uint64_t random) const {
  switch (form()) {
    case kIntegers:
      return Element(integers().At(random % size()));
    case kPacked:
      return packed().Get(packed().Seek(random % size()));
    case kTable:
      break;
  }
  const std::string_view text = table()->Random(random)->text();
  return Element::OfBytes(text.data(), text.size());
}

// ---- changing ----

void SetValue::FreeSmall() { std::free(object_.address); }

void SetValue::ConvertToTable(size_t members, const Forms& forms) {
  SetValue big = NewTable(members, forms);
  ForEach([&](const Element& member) {
    Element::Digits digits;
    const std::string_view text = member.Text(&digits);
    big.table()->Insert((*forms.hasher)(text), SetMember::New(text));
  });
  FreeSmall();
  object_ = big.object();
}

void SetValue::ConvertToPacked() {
  PackedList list = PackedList::New();
  ForEach([&list](const Element& member) { list.Append(member); });
  FreeSmall();
  object_ = {list.block(), kPacked};
}

bool SetValue::AddToIntegers(const Element& member, const Forms& forms) {
  IntSet set = integers();
  if (member.IsInteger()) {
    const bool added = set.Add(member.integer());
    object_.address = set.block();
    if (added && set.size() > MaxIntegers(forms)) ConvertToTable(set.size(), forms);
    return added;
  }
  // The longest number is the least or the greatest.
  const size_t size = set.size();
  size_t longest = member.bytes().size();
  if (size > 0) {
    longest =
        std::max({longest, Element(set.At(0)).TextSize(), Element(set.At(size - 1)).TextSize()});
  }
  constexpr size_t kNumberBytes = 20;
  if (size < forms.limits->set_max_listpack_entries &&
      longest <= forms.limits->set_max_listpack_value &&
      size * kNumberBytes + member.bytes().size() < PackedList::kMaxBytes) {
    ConvertToPacked();
    PackedList list = packed();
    list.Append(member);
    object_.address = list.block();
    return true;
  }
  ConvertToTable(size + 1, forms);
  return AddToTable(member.bytes(), forms);
}

bool SetValue::AddToPacked(const Element& member, const Forms& forms) {
  PackedList list = packed();
  if (list.Find(list.First(), member) != PackedList::kNone) return false;
  const size_t text_size = member.TextSize();
  if (list.size() < forms.limits->set_max_listpack_entries &&
      text_size <= forms.limits->set_max_listpack_value && list.Fits(text_size)) {
    list.Append(member);
    object_.address = list.block();
    return true;
  }
  ConvertToTable(list.size() + 1, forms);
  Element::Digits digits;
  return AddToTable(member.Text(&digits), forms);
}

bool SetValue::AddToTable(std::string_view member, const Forms& forms) {
  const uint64_t hash = (*forms.hasher)(member);
  if (table()->Find(member, hash)) return false;
  table()->Insert(hash, SetMember::New(member));
  return true;
}

bool SetValue::Add(const Element& member, const Forms& forms) {
  if (form() == kIntegers) return AddToIntegers(member.Parsed(), forms);
  if (form() == kPacked) return AddToPacked(member.Parsed(), forms);
  Element::Digits digits;
  return AddToTable(member.Text(&digits), forms);
}

bool SetValue::Remove(std::string_view member, const Forms& forms) {
  if (form() == kTable) {
    const Table::Place place = table()->Find(member, (*forms.hasher)(member));
    if (!place) return false;
    SetMember* const removed = place.item();
    table()->Erase(place);
    SetMember::Free(removed);
    return true;
  }
  const Element element(member);
  if (form() == kIntegers) {
    IntSet set = integers();
    const bool removed = element.IsInteger() && set.Remove(element.integer());
    object_.address = set.block();
    return removed;
  }
  PackedList list = packed();
  const PackedList::Position at = list.Find(list.First(), element);
  if (at == PackedList::kNone) return false;
  list.Erase(at);
  object_.address = list.block();
  return true;
}

}  // namespace understudy::targets::kv
