#include "targets/kv/stream_node.h"

namespace understudy::targets::kv {
namespace {

// Elements of an entry besides its fields: flags, ms, sequence; and with names, their count.
constexpr size_t kEntryHead = 3;

// A text that is an integer's, as a node's own numbers are: a list from elsewhere must keep them
// so.
bool TakeNumber(const PackedList& list, PackedList::Position* at, int64_t* number) {
  if (*at == PackedList::kNone) return false;
  const Element element = list.Get(*at);
  if (!element.IsInteger()) return false;
  *number = element.integer();
  *at = list.Next(*at);
  return true;
}

bool Skip(const PackedList& list, PackedList::Position* at, uint64_t count) {
  for (; count > 0; --count) {
    if (*at == PackedList::kNone) return false;
    *at = list.Next(*at);
  }
  return true;
}

StreamId Plus(const StreamId& id, int64_t ms, int64_t sequence) {
  return {id.ms + static_cast<uint64_t>(ms), id.sequence + static_cast<uint64_t>(sequence)};
}

}  // namespace

StreamNode StreamNode::New(const StreamId& id, std::span<const std::string_view> fields_and_values,
                           std::string* scratch) {
  StreamNode node(id, PackedList::New().block());
  scratch->clear();
  const size_t fields = fields_and_values.size() / 2;
  PackedList::Encode(Element(int64_t{1}), scratch);
  PackedList::Encode(Element(int64_t{0}), scratch);
  PackedList::Encode(Element(static_cast<int64_t>(fields)), scratch);
  for (size_t i = 0; i < fields; ++i) {
    PackedList::Encode(Element(fields_and_values[2 * i]), scratch);
  }
  PackedList::Encode(Element(int64_t{0}), scratch);
  node.list_.AppendEncoded(*scratch, fields + 4);
  node.AppendEntry(id, fields_and_values, true, scratch);
  return node;
}

bool StreamNode::Validate(const StreamId& id, std::string_view block, StreamId* last) {
  size_t elements = 0;
  if (!PackedList::Validate(block, &elements)) return false;
  // Looked at where it is; nothing is changed through this handle.
  const PackedList list(const_cast<char*>(block.data()));
  Position at = list.First();
  int64_t live, deleted, names, terminator;
  if (!TakeNumber(list, &at, &live) || !TakeNumber(list, &at, &deleted) ||
      !TakeNumber(list, &at, &names) || live < 0 || deleted < 0 || names < 0 ||
      !Skip(list, &at, static_cast<uint64_t>(names)) || !TakeNumber(list, &at, &terminator) ||
      terminator != 0) {
    return false;
  }
  bool first = true;
  while (at != PackedList::kNone) {
    int64_t flags, ms, sequence, count = names, size;
    if (!TakeNumber(list, &at, &flags) || !TakeNumber(list, &at, &ms) ||
        !TakeNumber(list, &at, &sequence) || (flags & ~(kDeleted | kSameFields)) != 0) {
      return false;
    }
    const bool same = (flags & kSameFields) != 0;
    if (!same && (!TakeNumber(list, &at, &count) || count < 0)) return false;
    if (static_cast<uint64_t>(count) > elements) return false;
    const uint64_t texts = static_cast<uint64_t>(same ? count : 2 * count);
    if (!Skip(list, &at, texts) || !TakeNumber(list, &at, &size) ||
        static_cast<uint64_t>(size) != texts + kEntryHead + (same ? 0 : 1)) {
      return false;
    }
    const StreamId entry = Plus(id, ms, sequence);
    if (first ? entry < id : entry <= *last) return false;
    first = false;
    *last = entry;
    --((flags & kDeleted) != 0 ? deleted : live);
  }
  return !first && live == 0 && deleted == 0;
}

bool StreamNode::HasFields(std::span<const std::string_view> fields_and_values) const {
  Position at = list_.Next(list_.Next(list_.First()));
  if (Count(at) != fields_and_values.size() / 2) return false;
  for (size_t i = 0; i < fields_and_values.size(); i += 2) {
    at = list_.Next(at);
    const Element here = list_.Get(at);
    Element::Digits digits;
    if (here.Text(&digits) != fields_and_values[i]) return false;
  }
  return true;
}

void StreamNode::Append(const StreamId& id, std::span<const std::string_view> fields_and_values,
                        std::string* scratch) {
  const bool same_fields = HasFields(fields_and_values);
  ChangeCounts(1, 0);
  AppendEntry(id, fields_and_values, same_fields, scratch);
}

void StreamNode::AppendEntry(const StreamId& id,
                             std::span<const std::string_view> fields_and_values, bool same_fields,
                             std::string* scratch) {
  scratch->clear();
  const auto fields = static_cast<int64_t>(fields_and_values.size() / 2);
  const int64_t elements =
      same_fields ? fields + int64_t{kEntryHead} : 2 * fields + int64_t{kEntryHead} + 1;
  PackedList::Encode(Element(same_fields ? kSameFields : int64_t{0}), scratch);
  PackedList::Encode(Element(static_cast<int64_t>(id.ms - id_.ms)), scratch);
  PackedList::Encode(Element(static_cast<int64_t>(id.sequence - id_.sequence)), scratch);
  if (!same_fields) PackedList::Encode(Element(fields), scratch);
  for (size_t i = same_fields; i < fields_and_values.size(); i += 1 + size_t{same_fields}) {
    PackedList::Encode(Element(fields_and_values[i]), scratch);
  }
  PackedList::Encode(Element(elements), scratch);
  list_.AppendEncoded(*scratch, static_cast<size_t>(elements) + 1);
}

void StreamNode::ChangeCounts(int64_t live, int64_t deleted) {
  Position at = list_.First();
  SetNumber(at, Number(at) + live);
  if (deleted == 0) return;
  at = list_.Next(list_.First());
  SetNumber(at, Number(at) + deleted);
}

StreamNode::Position StreamNode::FirstEntry(Position* first_name) const {
  Position at = list_.Next(list_.Next(list_.First()));
  size_t names = Count(at);
  at = list_.Next(at);
  *first_name = at;
  for (; names > 0; --names) at = list_.Next(at);
  return list_.Next(at);
}

void StreamNode::Read(Position at, StreamEntry* entry, bool* deleted) const {
  entry->list_ = list_;
  entry->flags_ = at;
  const int64_t flags = Number(at);
  const Position ms = list_.Next(at), sequence = list_.Next(ms);
  entry->id_ = Plus(id_, Number(ms), Number(sequence));
  entry->same_fields_ = (flags & kSameFields) != 0;
  *deleted = (flags & kDeleted) != 0;
  at = list_.Next(sequence);
  if (entry->same_fields_) {
    entry->fields_ = Count(list_.Next(list_.Next(list_.First())));
  } else {
    entry->fields_ = Count(at);
    at = list_.Next(at);
  }
  entry->first_ = at;
}

bool StreamNode::Step(Position* at, StreamEntry* entry, bool back, bool deleted_too) const {
  Position first = PackedList::kNone;
  if (*at == PackedList::kNone) first = FirstEntry(&entry->first_name_);
  bool deleted = true;
  while (true) {
    if (back) {
      // Before the entry there is the size of the one before it, or the node's 0.
      const Position size = *at == PackedList::kNone ? list_.Last() : list_.Previous(*at);
      const size_t elements = Count(size);
      if (elements == 0) return false;
      *at = size;
      for (size_t i = 0; i < elements; ++i) *at = list_.Previous(*at);
    } else if (*at == PackedList::kNone) {
      *at = first;
    } else {
      // Behind the values there is the size.
      const size_t texts = entry->same_fields_ ? entry->fields_ : 2 * entry->fields_;
      Position behind = entry->first_;
      for (size_t i = 0; i < texts; ++i) behind = list_.Next(behind);
      *at = list_.Next(behind);
    }
    if (*at == PackedList::kNone) return false;
    Read(*at, entry, &deleted);
    if (!deleted || deleted_too) return true;
  }
}

StreamId StreamNode::LastId() const {
  Position at = PackedList::kNone;
  StreamEntry entry;
  Step(&at, &entry, true, true);
  return entry.id();
}

void StreamNode::Delete(const StreamEntry& entry) {
  SetNumber(entry.flags_, Number(entry.flags_) | kDeleted);
  ChangeCounts(-1, 1);
}

void StreamNode::DeleteFirst(size_t count) {
  Position at = PackedList::kNone;
  StreamEntry entry;
  for (size_t i = 0; i < count && Next(&at, &entry); ++i) {
    SetNumber(at, Number(at) | kDeleted);  // as many bytes as before: `at` stays
    entry.list_ = list_;
  }
  ChangeCounts(-static_cast<int64_t>(count), static_cast<int64_t>(count));
}

}  // namespace understudy::targets::kv
