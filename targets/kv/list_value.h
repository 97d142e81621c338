// The value of a list: a packed list while it is small, a chain of them (QuickList) else.
// container.h says how values are handled.
//
// Form, as in Redis: it becomes a chain before what is to be added would exceed the limit of a
// node, and a packed list again when, after something was taken away, a single node is left that is
// at most half full.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "targets/kv/container.h"
#include "targets/kv/packed_list.h"
#include "targets/kv/quick_list.h"

namespace understudy::targets::kv {

class ListValue {
 public:
  enum Form : uint8_t { kPacked, kChain };
  using End = QuickList::End;

  static ListValue New() { return ListValue({PackedList::New().block(), kPacked}); }
  static ListValue OfPacked(PackedList list) { return ListValue({list.block(), kPacked}); }
  static ListValue OfChain(QuickList* chain) { return ListValue({chain, kChain}); }  // takes it
  explicit ListValue(Object object) : object_(object) {}
  Object object() const { return object_; }
  ListValue Copy() const;

  bool IsPacked() const { return object_.form == kPacked; }
  PackedList packed() const { return PackedList(object_.address); }              // if IsPacked()
  QuickList* chain() const { return static_cast<QuickList*>(object_.address); }  // if not

  size_t size() const { return IsPacked() ? packed().size() : chain()->size(); }
  // REQUIRES: index < size().
  Element At(size_t index) const {
    return IsPacked() ? packed().Get(packed().Seek(index)) : chain()->Get(chain()->Seek(index));
  }
  // visit(size_t index, const Element&) from the index on, towards the given end; it returns false
  // to stop. REQUIRES: first < size().
  template <typename Visit>
  void ForEach(size_t first, End towards, Visit&& visit) const;

  // visit(size_t index) for each element equal to `element`, from one end towards the given one,
  // looking at `most` elements (0: all); it returns false to stop.
  template <typename Visit>
  void ForEachEqual(const Element& element, End towards, size_t most, Visit&& visit) const;

  bool Contains(std::string_view value) const {
    bool found = false;
    ForEachEqual(Element(value), End::kBack, 0, [&found](size_t) {
      found = true;
      return false;
    });
    return found;
  }

  void Push(End end, std::span<const std::string_view> values, const Forms& forms);
  void Pop(End end, size_t count, const Forms& forms);                 // REQUIRES: count <= size()
  void Set(size_t index, std::string_view value, const Forms& forms);  // REQUIRES: index < size()
  void Insert(size_t index, std::string_view value, const Forms& forms);  // before it; <= size()
  // Removes elements equal to `value`: the first `count`, the last -count, or all if 0. Returns how
  // many.
  size_t Remove(int64_t count, std::string_view value, const Forms& forms);
  // For a list that was made node by node: gives it the packed form if it is small enough.
  void Compact(const Forms& forms) { ConvertIfWithin(LimitOf(forms)); }
  // Keeps only a range. REQUIRES: first + count <= size().
  void Trim(size_t first, size_t count, const Forms& forms);

 private:
  static NodeLimit LimitOf(const Forms& forms) {
    return NodeLimit::FromParameter(forms.limits->list_max_listpack_size,
                                    forms.limits->list_plain_bytes);
  }
  void Put(PackedList list) { object_.address = list.block(); }
  void ConvertForAdding(std::span<const std::string_view> values, const Forms& forms);
  void ConvertAfterRemoval(const Forms& forms);
  void ConvertIfWithin(const NodeLimit& limit);

  Object object_;
};

template <typename Visit>
void ListValue::ForEach(size_t first, End towards, Visit&& visit) const {
  const bool forward = towards == End::kBack;
  size_t index = first;
  if (IsPacked()) {
    const PackedList list = packed();
    for (PackedList::Position at = list.Seek(first); at != PackedList::kNone;
         at = forward ? list.Next(at) : list.Previous(at)) {
      if (!visit(index, list.Get(at))) return;
      forward ? ++index : --index;
    }
    return;
  }
  const QuickList& list = *chain();
  for (QuickList::Cursor at = list.Seek(first); at;
       at = forward ? list.Next(at) : list.Previous(at)) {
    if (!visit(index, list.Get(at))) return;
    forward ? ++index : --index;
  }
}

template <typename Visit>
void ListValue::ForEachEqual(const Element& element, End towards, size_t most,
                             Visit&& visit) const {
  const bool forward = towards == End::kBack;
  size_t index = forward ? 0 : size() - 1;
  if (most == 0) most = size();
  if (IsPacked()) {
    const PackedList list = packed();
    for (auto at = forward ? list.First() : list.Last(); at != PackedList::kNone && most > 0;
         at = forward ? list.Next(at) : list.Previous(at), --most) {
      if (list.Equals(at, element) && !visit(index)) return;
      forward ? ++index : --index;
    }
    return;
  }
  const QuickList& list = *chain();
  for (QuickList::Cursor at = forward ? list.First() : list.Last(); at && most > 0;
       at = forward ? list.Next(at) : list.Previous(at), --most) {
    if (list.Equals(at, element) && !visit(index)) return;
    forward ? ++index : --index;
  }
}

}  // namespace understudy::targets::kv
