#include "targets/kv/list_value.h"

#include <algorithm>
#include <memory>

namespace understudy::targets::kv {

ListValue ListValue::Copy() const {
  return IsPacked() ? OfPacked(packed().Copy()) : OfChain(chain()->Copy().release());
}

void ListValue::ConvertForAdding(std::span<const std::string_view> values, const Forms& forms) {
  if (!IsPacked()) return;
  size_t bytes = 0;
  for (std::string_view value : values) bytes += value.size();
  PackedList list = packed();
  const NodeLimit limit = LimitOf(forms);
  if (limit.Allows(list.bytes() + bytes, list.size() + values.size()) &&
      list.Fits(bytes, values.size())) {
    return;
  }
  auto grown = std::make_unique<QuickList>();
  if (list.empty()) {
    list.Free();
  } else {
    grown->AppendNode(list);
  }
  object_ = {grown.release(), kChain};
}

void ListValue::ConvertIfWithin(const NodeLimit& limit) {
  const PackedList* only = chain()->OnlyNode();
  if (only == nullptr || !limit.Allows(only->bytes(), only->size())) return;
  const std::unique_ptr<QuickList> old(chain());
  object_ = {old->ReleaseOnlyNode().block(), kPacked};
}

void ListValue::ConvertAfterRemoval(const Forms& forms) {
  if (IsPacked()) return;
  NodeLimit limit = LimitOf(forms);
  limit.bytes /= 2;
  limit.count /= 2;
  ConvertIfWithin(limit);
}

void ListValue::Push(End end, std::span<const std::string_view> values, const Forms& forms) {
  ConvertForAdding(values, forms);
  if (IsPacked()) {
    PackedList list = packed();
    for (std::string_view value : values) {
      end == End::kFront ? list.Prepend(Element(value)) : list.Append(Element(value));
    }
    Put(list);
  } else {
    const NodeLimit limit = LimitOf(forms);
    for (std::string_view value : values) chain()->Push(end, Element(value), limit);
  }
}

void ListValue::Pop(End end, size_t count, const Forms& forms) {
  if (IsPacked()) {
    PackedList list = packed();
    list.Erase(list.Seek(end == End::kFront ? 0 : list.size() - count), count);
    Put(list);
    return;
  }
  if (count == 1) {
    chain()->Pop(end);
  } else {
    chain()->EraseRange(end == End::kFront ? 0 : chain()->size() - count, count);
  }
  ConvertAfterRemoval(forms);
}

void ListValue::Set(size_t index, std::string_view value, const Forms& forms) {
  ConvertForAdding({&value, 1}, forms);
  if (IsPacked()) {
    PackedList list = packed();
    list.Replace(list.Seek(index), Element(value));
    Put(list);
    return;
  }
  chain()->Replace(chain()->Seek(index), Element(value), LimitOf(forms));
  ConvertAfterRemoval(forms);
}

void ListValue::Insert(size_t index, std::string_view value, const Forms& forms) {
  ConvertForAdding({&value, 1}, forms);
  if (IsPacked()) {
    PackedList list = packed();
    const PackedList::Position at = list.Seek(index);
    if (at == PackedList::kNone) {
      list.Append(Element(value));
    } else {
      list.InsertBefore(at, Element(value));
    }
    Put(list);
  } else {
    chain()->Insert(chain()->Seek(index), Element(value), LimitOf(forms));
  }
}

size_t ListValue::Remove(int64_t count, std::string_view value, const Forms& forms) {
  const Element element(value);
  const bool backward = count < 0;
  // -count may not be an int64_t.
  const uint64_t wanted = count == 0 ? UINT64_MAX
                          : backward ? uint64_t{0} - static_cast<uint64_t>(count)
                                     : static_cast<uint64_t>(count);
  size_t removed = 0;
  if (IsPacked()) {
    PackedList list = packed();
    PackedList::Position at = backward ? list.Last() : list.Find(list.First(), element);
    while (at != PackedList::kNone && removed < wanted) {
      if (!backward) {
        at = list.Find(list.Erase(at), element);
        ++removed;
        continue;
      }
      const PackedList::Position previous = list.Previous(at);
      if (list.Equals(at, element)) {
        list.Erase(at);
        ++removed;
      }
      at = previous;
    }
    Put(list);
    return removed;
  }
  QuickList& list = *chain();
  QuickList::Cursor at = backward ? list.Last() : list.First();
  while (at && removed < wanted) {
    const bool hit = list.Equals(at, element);
    // What is before a removed element stays where it is.
    const QuickList::Cursor previous = backward ? list.Previous(at) : QuickList::Cursor();
    const QuickList::Cursor next = hit ? list.Erase(at) : backward ? at : list.Next(at);
    removed += hit;
    at = backward ? previous : next;
  }
  if (removed > 0) ConvertAfterRemoval(forms);
  return removed;
}

void ListValue::Trim(size_t first, size_t count, const Forms& forms) {
  if (IsPacked()) {
    PackedList list = packed();
    const size_t size = list.size();
    if (first + count < size) list.Erase(list.Seek(first + count), size - first - count);
    if (first > 0) list.Erase(list.First(), first);
    Put(list);
    return;
  }
  chain()->EraseRange(first + count, chain()->size() - first - count);
  chain()->EraseRange(0, first);
  ConvertAfterRemoval(forms);
}

}  // namespace understudy::targets::kv
