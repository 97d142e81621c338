#include "targets/kv/stream.h"

#include <algorithm>
#include <cassert>

namespace understudy::targets::kv {
namespace {

StreamNode NodeOf(const StreamNodeItem& item) { return StreamNode(item.id, item.block); }

}  // namespace

Stream::Stream(const Stream& other)
    : last_id(other.last_id),
      max_deleted_id(other.max_deleted_id),
      entries_added(other.entries_added),
      length_(other.length_),
      first_id_(other.first_id_) {
  other.nodes_.ForEach([this](const StreamNodeItem& item) {
    nodes_.Insert({item.id, PackedList(item.block).Copy().block()});
  });
  for (const auto& [name, group] : other.groups_) groups_.emplace(name, group);
}

Stream::~Stream() {
  nodes_.ForEach([](const StreamNodeItem& item) { PackedList(item.block).Free(); });
}

StreamGroup* Stream::FindGroup(std::string_view name) {
  const auto found = groups_.find(name);
  return found == groups_.end() ? nullptr : &found->second;
}

const StreamGroup* Stream::FindGroup(std::string_view name) const {
  return const_cast<Stream*>(this)->FindGroup(name);
}

// ---- reading ----

Stream::Range::Range(const Stream& stream, const StreamId& first, const StreamId& last,
                     bool reverse)
    : stream_(stream), first_(first), last_(last), reverse_(reverse) {
  // The last node whose id isn't greater holds the bound, if anything does.
  const StreamId& bound = reverse ? last : first;
  node_ = stream.nodes_.LowerBound(bound);
  if (stream.nodes_.AtEnd(node_) || stream.nodes_.At(node_).id != bound) {
    if (!stream.nodes_.Previous(&node_) && reverse) {
      left_ = 0;  // all is behind the bound
      return;
    }
  }
  left_ = stream.nodes_.size();
  if (first > last) left_ = 0;
}

// Opens the node at the cursor, and moves the cursor to the next one. False: there is none.
bool Stream::Range::OpenNode() {
  if (left_ == 0 || stream_.nodes_.AtEnd(node_)) return false;
  const StreamNodeItem& item = stream_.nodes_.At(node_);
  if (!reverse_ && item.id > last_) return false;
  block_ = item.block;
  node_id_ = item.id;
  at_ = PackedList::kNone;
  --left_;
  if (!reverse_) {
    stream_.nodes_.Next(&node_);
  } else if (!stream_.nodes_.Previous(&node_)) {
    left_ = 0;
  }
  return true;
}

bool Stream::Range::Next(StreamEntry* entry) {
  while (block_ != nullptr || OpenNode()) {
    const StreamNode node(node_id_, block_);
    while (reverse_ ? node.Previous(&at_, entry) : node.Next(&at_, entry)) {
      if (reverse_ ? entry->id() > last_ : entry->id() < first_) continue;
      if (reverse_ ? entry->id() >= first_ : entry->id() <= last_) return true;
      left_ = 0;
      break;
    }
    block_ = nullptr;
  }
  return false;
}

StreamId Stream::LastLiveId() const {
  StreamEntry entry;
  Range(*this, {}, StreamId::Greatest(), true).Next(&entry);
  return entry.id();
}

bool Stream::Contains(const StreamId& id) const {
  StreamEntry entry;
  return Range(*this, id, id).Next(&entry);
}

void Stream::FindFirstId() {
  StreamEntry entry;
  first_id_ = Range(*this, {}, StreamId::Greatest()).Next(&entry) ? entry.id() : StreamId();
}

// ---- changing ----

void Stream::Append(const StreamId& id, std::span<const std::string_view> fields_and_values,
                    const ContainerLimits& limits, std::string* scratch) {
  assert(id > last_id);
  bool fits = !nodes_.empty();
  if (fits) {
    const StreamNode node = NodeOf(nodes_.back());
    size_t added = 0;
    for (std::string_view text : fields_and_values) added += text.size();
    const size_t most = limits.stream_node_max_bytes == 0
                            ? kMaxEntryBytes
                            : std::min(limits.stream_node_max_bytes, kMaxEntryBytes);
    fits = node.list().bytes() + added < most &&
           node.list().Fits(added, 2 * fields_and_values.size() + 8) &&
           (limits.stream_node_max_entries == 0 ||
            node.live() + node.deleted() < limits.stream_node_max_entries);
  }
  if (fits) {
    StreamNode node = NodeOf(nodes_.back());
    node.Append(id, fields_and_values, scratch);
    nodes_.back().block = node.block();
  } else {
    nodes_.Insert({id, StreamNode::New(id, fields_and_values, scratch).block()});
  }
  if (++length_ == 1) first_id_ = id;
  ++entries_added;
  last_id = id;
}

bool Stream::Remove(const StreamId& id) {
  auto at = nodes_.LowerBound(id);
  if ((nodes_.AtEnd(at) || nodes_.At(at).id != id) && !nodes_.Previous(&at)) return false;
  StreamNode node = NodeOf(nodes_.At(at));
  PackedList::Position position = PackedList::kNone;
  StreamEntry entry;
  do {
    if (!node.Next(&position, &entry)) return false;
  } while (entry.id() < id);
  if (entry.id() != id) return false;
  if (node.live() == 1) {
    node.list().Free();
    nodes_.Erase(at);
  } else {
    node.Delete(entry);
    nodes_.At(at).block = node.block();
  }
  --length_;
  max_deleted_id = std::max(max_deleted_id, id);
  if (id == first_id_) FindFirstId();
  return true;
}

uint64_t Stream::CountToTrim(const StreamTrim& trim) const {
  uint64_t count = 0;
  for (auto at = nodes_.begin_cursor(); !nodes_.AtEnd(at); nodes_.Next(&at)) {
    const StreamNode node = NodeOf(nodes_.At(at));
    const uint64_t left = length_ - count, live = node.live();
    if (trim.by == StreamTrim::By::kLength) {
      if (left <= trim.max_length) break;
      if (!trim.approximate) return count + left - trim.max_length;
      if (left - live < trim.max_length || live > left) break;
    } else if (node.LastId() >= trim.min_id) {
      PackedList::Position position = PackedList::kNone;
      StreamEntry entry;
      while (!trim.approximate && node.Next(&position, &entry) && entry.id() < trim.min_id) {
        ++count;
      }
      break;
    }
    if (trim.limit > 0 && count + live > trim.limit) break;
    count += live;
  }
  return count;
}

void Stream::RemoveFirst(uint64_t count) {
  if (count == 0) return;
  length_ -= count;
  while (count > 0) {
    const auto at = nodes_.begin_cursor();
    StreamNode node = NodeOf(nodes_.At(at));
    const uint64_t live = node.live();
    if (live > count) {
      node.DeleteFirst(count);
      nodes_.At(at).block = node.block();
      break;
    }
    node.list().Free();
    nodes_.Erase(at);
    count -= live;
  }
  FindFirstId();
}

bool Stream::AppendNode(const StreamId& id, std::string_view block) {
  if (!nodes_.empty() && id <= NodeOf(nodes_.back()).LastId()) return false;
  const StreamNode node(id, const_cast<char*>(block.data()));
  if (node.live() == 0) return false;
  length_ += node.live();
  nodes_.Insert({id, PackedList::FromBytes(block).block()});
  if (nodes_.size() == 1) FindFirstId();
  return true;
}

// ---- groups ----

bool Stream::HasGapFrom(const StreamId& id) const {
  return length_ > 0 && !max_deleted_id.IsZero() && first_id_ <= max_deleted_id &&
         id <= max_deleted_id;
}

int64_t Stream::EntriesUpTo(const StreamId& id) const {
  const auto added = static_cast<int64_t>(entries_added);
  if (added == 0) return 0;
  if ((length_ == 0 && id < last_id) || id == last_id) return added;
  if (id > last_id) return StreamGroup::kUnknown;
  if (max_deleted_id.IsZero() || max_deleted_id < first_id_) {
    const auto length = static_cast<int64_t>(length_);
    if (id < first_id_) return added - length;
    if (id == first_id_) return added - length + 1;
  }
  return StreamGroup::kUnknown;
}

std::optional<int64_t> Stream::Lag(const StreamGroup& group) const {
  const auto added = static_cast<int64_t>(entries_added);
  if (added == 0) return 0;
  if (group.entries_read != StreamGroup::kUnknown && !HasGapFrom(group.last_id)) {
    return added - group.entries_read;
  }
  const int64_t read = EntriesUpTo(group.last_id);
  if (read == StreamGroup::kUnknown) return std::nullopt;
  return added - read;
}

void Stream::Advance(StreamGroup* group, const StreamId& id) const {
  if (id <= group->last_id) return;
  if (group->entries_read != StreamGroup::kUnknown && !HasGapFrom(id)) {
    ++group->entries_read;
  } else if (entries_added > 0) {
    group->entries_read = EntriesUpTo(id);
  }
  group->last_id = id;
}

// ---- as a value ----

bool Stream::DropSome(size_t* budget) {
  if (!nodes_.DropSome(budget, [](const StreamNodeItem& item) { PackedList(item.block).Free(); })) {
    return false;
  }
  while (!groups_.empty()) {
    if (*budget == 0 || !groups_.begin()->second.DropSome(budget)) return false;
    groups_.erase(groups_.begin());
    *budget -= std::min<size_t>(*budget, 1);
  }
  return true;
}

size_t Stream::memory() const {
  constexpr size_t kTreeNode = 32;  // of std::map, besides the pair
  size_t bytes = sizeof *this + nodes_.memory();
  nodes_.ForEach(
      [&bytes](const StreamNodeItem& item) { bytes += PackedList(item.block).memory(); });
  for (const auto& [name, group] : groups_) {
    bytes += kTreeNode + sizeof(Groups::value_type) - sizeof(StreamGroup) + group.memory();
    if (name.capacity() >= sizeof name / 2) bytes += name.capacity() + 1;
  }
  return bytes;
}

}  // namespace understudy::targets::kv
