#include "targets/kv/quick_list.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <new>

#include "targets/kv/entry.h"

namespace understudy::targets::kv {

NodeLimit NodeLimit::FromParameter(int64_t list_max_listpack_size, size_t plain_bytes) {
  NodeLimit limit;
  limit.plain_bytes = plain_bytes;
  if (list_max_listpack_size >= 0) {
    limit.count = static_cast<size_t>(std::max<int64_t>(list_max_listpack_size, 1));
  } else {
    constexpr size_t kSmallest = 4096;
    constexpr int64_t kLevels = 5;
    limit.bytes = kSmallest << (std::min(-list_max_listpack_size, kLevels) - 1);
  }
  return limit;
}

// ---- nodes ----

QuickList::Node* QuickList::NewPacked(PackedList list) {
  Node* node = new Node;
  node->block = list.block();
  node->count = static_cast<uint32_t>(list.size()) & INT32_MAX;
  return node;
}

QuickList::Node* QuickList::NewPlain(std::string_view bytes) {
  if (bytes.size() > UINT32_MAX) throw std::bad_alloc();
  auto node = std::make_unique<Node>();
  node->block = std::malloc(RoundToSizeClass(std::max<size_t>(bytes.size(), 1)));
  if (node->block == nullptr) throw std::bad_alloc();
  if (!bytes.empty()) std::memcpy(node->block, bytes.data(), bytes.size());
  node->plain_size = static_cast<uint32_t>(bytes.size());
  node->plain = 1;
  node->count = 1;
  return node.release();
}

QuickList::Node* QuickList::NewFor(const Element& element, const NodeLimit& limit) {
  if (limit.IsPlain(element)) return NewPlain(element.bytes());
  PackedList list = PackedList::New();
  list.Append(element);
  return NewPacked(list);
}

void QuickList::FreeNode(Node* node) {
  std::free(node->block);
  delete node;
}

bool QuickList::HasRoom(const Node* node, const Element& element, const NodeLimit& limit) {
  if (node == nullptr || node->plain || limit.IsPlain(element)) return false;
  constexpr size_t kIntegerBytes = 10, kTextOverhead = 8;
  const size_t added = element.IsInteger() ? kIntegerBytes : element.bytes().size() + kTextOverhead;
  return limit.Allows(node->list().bytes() + added, size_t{node->count} + 1);
}

void QuickList::LinkBefore(Node* next, Node* node) {
  node->next = next;
  node->previous = next != nullptr ? next->previous : tail_;
  (node->previous != nullptr ? node->previous->next : head_) = node;
  (next != nullptr ? next->previous : tail_) = node;
  ++nodes_;
}

void QuickList::Unlink(Node* node) {
  (node->previous != nullptr ? node->previous->next : head_) = node->next;
  (node->next != nullptr ? node->next->previous : tail_) = node->previous;
  --nodes_;
  FreeNode(node);
}

// ---- the whole list ----

QuickList::~QuickList() { FreeSome(nodes_); }

bool QuickList::FreeSome(size_t nodes) {
  for (; nodes > 0 && head_ != nullptr; --nodes) {
    count_ -= head_->count;
    Unlink(head_);
  }
  return head_ == nullptr;
}

std::unique_ptr<QuickList> QuickList::Copy() const {
  auto copy = std::make_unique<QuickList>();
  for (const Node* node = head_; node != nullptr; node = node->next) {
    if (node->plain) {
      copy->AppendPlainNode(node->plain_bytes());
    } else {
      copy->AppendNode(node->list().Copy());
    }
  }
  return copy;
}

size_t QuickList::memory() const {
  size_t bytes = sizeof(QuickList);
  for (const Node* node = head_; node != nullptr; node = node->next) {
    bytes += sizeof(Node) + RoundToSizeClass(node->bytes_view().size());
  }
  return bytes;
}

void QuickList::AppendNode(PackedList list) {
  Node* node = NewPacked(list);
  LinkBefore(nullptr, node);
  count_ += node->count;
}

void QuickList::AppendPlainNode(std::string_view bytes) {
  LinkBefore(nullptr, NewPlain(bytes));
  ++count_;
}

const PackedList* QuickList::OnlyNode() const {
  if (nodes_ != 1 || head_->plain) return nullptr;
  // A PackedList is the pointer to its block.
  static_assert(sizeof(PackedList) == sizeof(void*));
  return reinterpret_cast<const PackedList*>(&head_->block);
}

PackedList QuickList::ReleaseOnlyNode() {
  assert(nodes_ == 1 && !head_->plain);
  const PackedList list = head_->list();
  head_->block = nullptr;
  count_ = 0;
  Unlink(head_);
  return list;
}

// ---- reading ----

QuickList::Cursor QuickList::First() const { return FirstOf(head_); }

QuickList::Cursor QuickList::Last() const { return LastOf(tail_); }

QuickList::Cursor QuickList::Next(Cursor at) const {
  if (!at.node_->plain) {
    const PackedList::Position next = at.node_->list().Next(at.at_);
    if (next != PackedList::kNone) return {at.node_, next};
  }
  return FirstOf(at.node_->next);
}

QuickList::Cursor QuickList::Previous(Cursor at) const {
  if (!at.node_->plain) {
    const PackedList::Position previous = at.node_->list().Previous(at.at_);
    if (previous != PackedList::kNone) return {at.node_, previous};
  }
  return LastOf(at.node_->previous);
}

QuickList::Cursor QuickList::Seek(size_t index) const {
  if (index >= count_) return {};
  Node* node;
  if (index < count_ / 2) {
    node = head_;
    for (; index >= node->count; node = node->next) index -= node->count;
  } else {
    node = tail_;
    size_t behind = count_ - index;  // elements from the index to the end
    for (; behind > node->count; node = node->previous) behind -= node->count;
    index = node->count - behind;
  }
  return {node, node->plain ? PackedList::kNone : node->list().Seek(index)};
}

Element QuickList::Get(Cursor at) const {
  if (!at.node_->plain) return at.node_->list().Get(at.at_);
  const std::string_view bytes = at.node_->plain_bytes();
  return Element::OfBytes(bytes.data(), bytes.size());
}

bool QuickList::Equals(Cursor at, const Element& element) const {
  if (!at.node_->plain) return at.node_->list().Equals(at.at_, element);
  Element::Digits digits;
  return at.node_->plain_bytes() == element.Text(&digits);
}

// ---- changing ----

void QuickList::Push(End end, const Element& element, const NodeLimit& limit) {
  Node* const node = end == End::kFront ? head_ : tail_;
  if (HasRoom(node, element, limit)) {
    PackedList list = node->list();
    end == End::kFront ? list.Prepend(element) : list.Append(element);
    node->block = list.block();
    ++node->count;
  } else {
    LinkBefore(end == End::kFront ? head_ : nullptr, NewFor(element, limit));
  }
  ++count_;
}

void QuickList::Pop(End end) { Erase(end == End::kFront ? First() : Last()); }

bool QuickList::TryMerge(Node* left, Node* right, const NodeLimit& limit) {
  if (left == nullptr || right == nullptr || left->plain || right->plain) return false;
  const size_t bytes = left->list().bytes() + right->list().bytes() - PackedList::kEmptyBytes;
  if (!limit.Allows(bytes, size_t{left->count} + right->count)) return false;
  PackedList list = left->list();
  list.AppendAll(right->list());
  left->block = list.block();
  left->count = (left->count + right->count) & INT32_MAX;
  Unlink(right);
  return true;
}

QuickList::Node* QuickList::SplitBefore(Cursor at) {
  Node* const left = at.node_;
  if (left->plain || left->list().First() == at.at_) return left;
  PackedList list = left->list();
  Node* right = NewPacked(list.SplitOff(at.at_));
  left->block = list.block();
  left->count = static_cast<uint32_t>(list.size()) & INT32_MAX;
  LinkBefore(left->next, right);
  return right;
}

void QuickList::InsertIntoFull(Cursor at, const Element& element, const NodeLimit& limit) {
  Node* const right = SplitBefore(at);
  Node* const left = right->previous;
  Node* const node = HasRoom(left, element, limit)    ? left
                     : HasRoom(right, element, limit) ? right
                                                      : nullptr;
  if (node == nullptr) {
    LinkBefore(right, NewFor(element, limit));
  } else {
    PackedList list = node->list();
    node == left ? list.Append(element) : list.Prepend(element);
    node->block = list.block();
    ++node->count;
  }
  // A split may leave small parts.
  TryMerge(right, right->next, limit);
  if (left != nullptr) TryMerge(left->previous, left, limit);
}

void QuickList::Insert(Cursor at, const Element& element, const NodeLimit& limit) {
  if (!at) return Push(End::kBack, element, limit);
  if (HasRoom(at.node_, element, limit)) {
    PackedList list = at.node_->list();
    list.InsertBefore(at.at_, element);
    at.node_->block = list.block();
    ++at.node_->count;
  } else {
    InsertIntoFull(at, element, limit);
  }
  ++count_;
}

void QuickList::Replace(Cursor at, const Element& element, const NodeLimit& limit) {
  Node* const node = at.node_;
  const bool plain = limit.IsPlain(element);
  if (!node->plain && !plain) {
    PackedList list = node->list();
    const size_t old_bytes = list.Get(at.at_).TextSize();
    const size_t new_bytes = element.TextSize();
    if (node->count == 1 || new_bytes <= old_bytes ||
        limit.Allows(list.bytes() + new_bytes - old_bytes + PackedList::kMaxEntryOverhead,
                     node->count)) {
      list.Replace(at.at_, element);
      node->block = list.block();
      return;
    }
  }
  if (node->count == 1) {
    LinkBefore(node, NewFor(element, limit));
    Unlink(node);
    return;
  }
  Insert(Erase(at), element, limit);
}

QuickList::Cursor QuickList::Erase(Cursor at) {
  Node* const node = at.node_;
  --count_;
  if (node->count == 1) {
    const Cursor next = FirstOf(node->next);
    Unlink(node);
    return next;
  }
  PackedList list = node->list();
  const PackedList::Position next = list.Erase(at.at_);
  node->block = list.block();
  --node->count;
  return next != PackedList::kNone ? Cursor(node, next) : FirstOf(node->next);
}

void QuickList::EraseRange(size_t first, size_t count) {
  if (first >= count_) return;
  count = std::min(count, count_ - first);
  Cursor at = Seek(first);
  while (count > 0) {
    Node* const node = at.node_;
    if (count >= node->count && (node->plain || node->list().First() == at.at_)) {
      at = FirstOf(node->next);
      count -= node->count;
      count_ -= node->count;
      Unlink(node);
      continue;
    }
    PackedList list = node->list();
    list.Erase(at.at_, count);
    node->block = list.block();
    const size_t left = list.size();
    const size_t erased = node->count - left;
    node->count = static_cast<uint32_t>(left) & INT32_MAX;
    count -= erased;
    count_ -= erased;
    at = FirstOf(node->next);
  }
}

}  // namespace understudy::targets::kv
