#include "targets/kv/stream_group.h"

namespace understudy::targets::kv {

StreamGroup::StreamGroup(const StreamGroup& other)
    : last_id(other.last_id), entries_read(other.entries_read), pending_(other.pending_) {
  for (const auto& [name, consumer] : other.consumers_) {
    auto& [key, copy] = *consumers_.emplace(name, consumer).first;
    copy.name = key;
    consumer.pending.ForEach([&, copied = &copy](const StreamConsumer::Pending& each) {
      pending_.Find(each.id)->consumer = copied;
    });
  }
}

const StreamConsumer* StreamGroup::Find(std::string_view name) const {
  const auto found = consumers_.find(name);
  return found == consumers_.end() ? nullptr : &found->second;
}

StreamConsumer* StreamGroup::Find(std::string_view name) {
  return const_cast<StreamConsumer*>(static_cast<const StreamGroup*>(this)->Find(name));
}

StreamConsumer* StreamGroup::FindOrMake(std::string_view name, int64_t now_ms, bool* made) {
  StreamConsumer* consumer = Find(name);
  *made = consumer == nullptr;
  if (consumer != nullptr) return consumer;
  auto& [key, added] = *consumers_.emplace(name, StreamConsumer()).first;
  added.name = key;
  added.seen_ms = now_ms;
  return &added;
}

size_t StreamGroup::Remove(std::string_view name) {
  const auto found = consumers_.find(name);
  if (found == consumers_.end()) return 0;
  const size_t count = found->second.pending.size();
  found->second.pending.ForEach(
      [this](const StreamConsumer::Pending& each) { pending_.EraseId(each.id); });
  consumers_.erase(found);
  return count;
}

void StreamGroup::Deliver(const StreamId& id, StreamConsumer* consumer, int64_t now_ms) {
  // Mostly the entry is the newest.
  Pending* old = pending_.empty() || pending_.back().id < id ? nullptr : pending_.Find(id);
  if (old == nullptr) {
    pending_.Insert({id, now_ms, 1, consumer});
    consumer->pending.Insert({id});
    return;
  }
  old->delivered_ms = now_ms;
  old->deliveries = 1;
  Move(old, consumer);
}

void StreamGroup::Move(Pending* pending, StreamConsumer* consumer) {
  if (pending->consumer == consumer) return;
  if (pending->consumer != nullptr) pending->consumer->pending.EraseId(pending->id);
  pending->consumer = consumer;
  consumer->pending.Insert({pending->id});
}

bool StreamGroup::Acknowledge(const StreamId& id) {
  const auto at = pending_.LowerBound(id);
  if (pending_.AtEnd(at) || pending_.At(at).id != id) return false;
  pending_.At(at).consumer->pending.EraseId(id);
  pending_.Erase(at);
  return true;
}

bool StreamGroup::AddPending(const StreamId& id, int64_t delivered_ms, uint64_t deliveries) {
  if (pending_.Find(id) != nullptr) return false;
  pending_.Insert({id, delivered_ms, deliveries, nullptr});
  return true;
}

bool StreamGroup::Assign(const StreamId& id, StreamConsumer* consumer) {
  Pending* pending = pending_.Find(id);
  if (pending == nullptr || pending->consumer != nullptr) return false;
  Move(pending, consumer);
  return true;
}

bool StreamGroup::DropSome(size_t* budget) {
  const auto nothing = [](const auto&) {};
  if (!pending_.DropSome(budget, nothing)) return false;
  while (!consumers_.empty()) {
    if (*budget == 0 || !consumers_.begin()->second.pending.DropSome(budget, nothing)) return false;
    consumers_.erase(consumers_.begin());
    *budget -= std::min<size_t>(*budget, 1);
  }
  return true;
}

size_t StreamGroup::memory() const {
  constexpr size_t kTreeNode = 32;  // of std::map, besides the pair
  size_t bytes = sizeof *this + pending_.memory();
  for (const auto& [name, consumer] : consumers_) {
    bytes += kTreeNode + sizeof(Consumers::value_type) + consumer.pending.memory();
    if (name.capacity() >= sizeof name / 2) bytes += name.capacity() + 1;
  }
  return bytes;
}

}  // namespace understudy::targets::kv
