// Keyspace: the write functions of streams and their groups.
#include <algorithm>
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/keyspace.h"

namespace understudy::targets::kv {
namespace {

class NumberText {
 public:
  explicit NumberText(int64_t number) : size_(protocol::FormatInteger(text_, number)) {}
  explicit NumberText(uint64_t number) : NumberText(static_cast<int64_t>(number)) {}
  std::string_view view() const { return {text_, size_}; }

 private:
  char text_[protocol::kMaxIntegerText + 4];
  size_t size_;
};

class IdText {
 public:
  explicit IdText(const StreamId& id) : size_(id.Format(text_)) {}
  std::string_view view() const { return {text_, size_}; }

 private:
  char text_[StreamId::kMaxText];
  size_t size_;
};

Stream& StreamOf(const Entry* entry) { return Stream::Of(entry->object()); }
// Only the key space changes what its entries hold.
Entry* Mutable(const Entry* entry) { return const_cast<Entry*>(entry); }

// For what Redis neither tells nor watches: reading for a group, and acknowledging.
constexpr std::string_view kNoEvent;

}  // namespace

void Keyspace::AppendEntry(Context& context, int db, std::string_view key, const Entry* entry,
                           const StreamId& id, Texts fields_and_values) {
  AddEffect(context, db, {"xadd", key, IdText(id).view()}, fields_and_values);
  if (entry != nullptr) SaveOld(db, entry);
  Entry* const changed = entry != nullptr
                             ? Mutable(entry)
                             : Make(context, db, key, Type::kStream, (new Stream())->object());
  StreamOf(changed).Append(id, fields_and_values, *forms_.limits, &encoded_);
  // A long entry's room isn't kept.
  constexpr size_t kKeptCapacity = 1 << 16;
  if (encoded_.capacity() > kKeptCapacity) std::string().swap(encoded_);
  Changed(context, db, changed, entry != nullptr ? Change::kModified : Change::kCreated, "xadd");
}

void Keyspace::TrimStream(Context& context, int db, const Entry* entry, uint64_t count) {
  context.effects->Add(db, {"xtrim", entry->key(), NumberText(count).view()});
  SaveOld(db, entry);
  StreamOf(entry).RemoveFirst(count);
  Changed(context, db, Mutable(entry), Change::kModified, "xtrim");
}

void Keyspace::AddIdsEffect(Context& context, int db, std::initializer_list<std::string_view> head,
                            Ids ids) {
  if (ids.size() == 1 && head.size() <= 3) {
    const IdText text(ids[0]);
    const std::string_view tail[] = {text.view()};
    return AddEffect(context, db, head, tail);
  }
  std::string texts;
  texts.reserve(ids.size() * StreamId::kMaxText);  // it must not move
  std::vector<std::string_view> tail;
  for (const StreamId& id : ids) {
    const IdText text(id);
    texts.append(text.view());
    tail.push_back(std::string_view(texts).substr(texts.size() - text.view().size()));
  }
  AddEffect(context, db, head, tail);
}

size_t Keyspace::RemoveEntries(Context& context, int db, const Entry* entry, Ids ids) {
  Stream& stream = StreamOf(entry);
  if (snapshot_ != nullptr && std::none_of(ids.begin(), ids.end(), [&stream](const StreamId& id) {
        return stream.Contains(id);
      })) {
    return 0;
  }
  SaveOld(db, entry);
  size_t removed = 0;
  for (const StreamId& id : ids) removed += stream.Remove(id);
  if (removed == 0) return 0;
  AddIdsEffect(context, db, {"xdel", entry->key()}, ids);
  Changed(context, db, Mutable(entry), Change::kModified, "xdel");
  return removed;
}

void Keyspace::SetStreamId(Context& context, int db, const Entry* entry, const StreamId& last_id,
                           uint64_t entries_added, const StreamId& max_deleted_id) {
  context.effects->Add(db, {"xsetid", entry->key(), IdText(last_id).view(),
                            NumberText(entries_added).view(), IdText(max_deleted_id).view()});
  SaveOld(db, entry);
  Stream& stream = StreamOf(entry);
  stream.last_id = last_id;
  stream.entries_added = entries_added;
  stream.max_deleted_id = max_deleted_id;
  Changed(context, db, Mutable(entry), Change::kModified, "xsetid");
}

// ---- groups ----

void Keyspace::MakeGroup(Context& context, int db, std::string_view key, const Entry* entry,
                         std::string_view group, const StreamId& id, int64_t entries_read) {
  context.effects->Add(
      db, {"xgroup|create", key, group, IdText(id).view(), NumberText(entries_read).view()});
  if (entry != nullptr) SaveOld(db, entry);
  Entry* const changed = entry != nullptr
                             ? Mutable(entry)
                             : Make(context, db, key, Type::kStream, (new Stream())->object());
  StreamOf(changed).groups().try_emplace(std::string(group), id, entries_read);
  Changed(context, db, changed, entry != nullptr ? Change::kModified : Change::kCreated,
          "xgroup-create");
}

void Keyspace::SetGroup(Context& context, int db, const Entry* entry, std::string_view group,
                        const StreamId& id, int64_t entries_read) {
  context.effects->Add(db, {"xgroup|setid", entry->key(), group, IdText(id).view(),
                            NumberText(entries_read).view()});
  SaveOld(db, entry);
  StreamGroup* const changed = StreamOf(entry).FindGroup(group);
  changed->last_id = id;
  changed->entries_read = entries_read;
  Changed(context, db, Mutable(entry), Change::kModified, "xgroup-setid");
}

void Keyspace::RemoveGroup(Context& context, int db, const Entry* entry, std::string_view group) {
  context.effects->Add(db, {"xgroup|destroy", entry->key(), group});
  SaveOld(db, entry);
  Stream& stream = StreamOf(entry);
  stream.groups().erase(stream.groups().find(group));
  Changed(context, db, Mutable(entry), Change::kModified, "xgroup-destroy");
}

void Keyspace::MakeConsumer(Context& context, int db, const Entry* entry, std::string_view group,
                            std::string_view consumer, int64_t ms) {
  context.effects->Add(
      db, {"xgroup|createconsumer", entry->key(), group, consumer, NumberText(ms).view()});
  SaveOld(db, entry);
  bool made;
  StreamOf(entry).FindGroup(group)->FindOrMake(consumer, ms, &made);
  Changed(context, db, Mutable(entry), Change::kModified, "xgroup-createconsumer");
}

size_t Keyspace::RemoveConsumer(Context& context, int db, const Entry* entry,
                                std::string_view group, std::string_view consumer) {
  context.effects->Add(db, {"xgroup|delconsumer", entry->key(), group, consumer});
  SaveOld(db, entry);
  const size_t pending = StreamOf(entry).FindGroup(group)->Remove(consumer);
  Changed(context, db, Mutable(entry), Change::kModified, "xgroup-delconsumer");
  return pending;
}

size_t Keyspace::AcknowledgeEntries(Context& context, int db, const Entry* entry,
                                    std::string_view group, Ids ids) {
  StreamGroup* const from = StreamOf(entry).FindGroup(group);
  if (std::none_of(ids.begin(), ids.end(),
                   [from](const StreamId& id) { return from->pending().Find(id) != nullptr; })) {
    return 0;
  }
  SaveOld(db, entry);
  size_t acknowledged = 0;
  for (const StreamId& id : ids) acknowledged += from->Acknowledge(id);
  AddIdsEffect(context, db, {"xack", entry->key(), group}, ids);
  Changed(context, db, Mutable(entry), Change::kModified, kNoEvent);
  return acknowledged;
}

StreamConsumer* Keyspace::SeeConsumer(int db, const Entry* entry, StreamGroup* group,
                                      std::string_view consumer, int64_t ms) {
  bool made;
  StreamConsumer* const seen = group->FindOrMake(consumer, ms, &made);
  if (made) Tell(db, entry->key(), Change::kModified, "xgroup-createconsumer");
  seen->seen_ms = ms;
  return seen;
}

size_t Keyspace::DeliverEntries(Context& context, int db, const Entry* entry,
                                std::string_view group, std::string_view consumer, int64_t ms,
                                bool acknowledged, uint64_t count, const VisitEntry& visit) {
  SaveOld(db, entry);
  const Stream& stream = StreamOf(entry);
  StreamGroup* const from = StreamOf(entry).FindGroup(group);
  StreamConsumer* const to = SeeConsumer(db, entry, from, consumer, ms);
  StreamId next = from->last_id;
  uint64_t delivered = 0;
  if (count > 0 && next.Increment()) {
    StreamEntry each;
    for (Stream::Range range(stream, next, StreamId::Greatest());
         delivered < count && range.Next(&each); ++delivered) {
      stream.Advance(from, each.id());
      if (!acknowledged) {
        from->Deliver(each.id(), to, ms);
        to->active_ms = ms;
      }
      if (visit) visit(each);
    }
  }
  context.effects->Add(db, {"xreadgroup", entry->key(), group, consumer, NumberText(ms).view(),
                            acknowledged ? "noack" : "new", NumberText(delivered).view()});
  Changed(context, db, Mutable(entry), Change::kModified, kNoEvent);
  return delivered;
}

size_t Keyspace::DeliverAgain(Context& context, int db, const Entry* entry, std::string_view group,
                              std::string_view consumer, int64_t ms, const StreamId& start,
                              uint64_t count, const VisitPending& visit) {
  SaveOld(db, entry);
  const Stream& stream = StreamOf(entry);
  StreamGroup* const from = StreamOf(entry).FindGroup(group);
  StreamConsumer* const to = SeeConsumer(db, entry, from, consumer, ms);
  uint64_t delivered = 0;
  for (auto at = to->pending.LowerBound(start); delivered < count && !to->pending.AtEnd(at);
       to->pending.Next(&at), ++delivered) {
    const StreamId id = to->pending.At(at).id;
    StreamEntry each;
    const bool there = Stream::Range(stream, id, id).Next(&each);
    if (there) {
      StreamGroup::Pending* const pending = from->pending().Find(id);
      pending->delivered_ms = ms;
      ++pending->deliveries;
    }
    if (visit) visit(id, there ? &each : nullptr);
  }
  context.effects->Add(db, {"xreadgroup", entry->key(), group, consumer, NumberText(ms).view(),
                            "again", IdText(start).view(), NumberText(delivered).view()});
  Changed(context, db, Mutable(entry), Change::kModified, kNoEvent);
  return delivered;
}

void Keyspace::ClaimEntries(Context& context, int db, const Entry* entry, std::string_view group,
                            std::string_view consumer, const StreamClaim& claim, Ids ids,
                            const VisitEntry& visit) {
  SaveOld(db, entry);
  const Stream& stream = StreamOf(entry);
  StreamGroup* const from = StreamOf(entry).FindGroup(group);
  StreamConsumer* const to = SeeConsumer(db, entry, from, consumer, claim.now_ms);
  from->last_id = std::max(from->last_id, claim.last_id);
  std::vector<StreamId> claimed, gone;
  for (const StreamId& id : ids) {
    StreamEntry each;
    if (!Stream::Range(stream, id, id).Next(&each)) {
      if (from->Acknowledge(id)) gone.push_back(id);
      continue;
    }
    StreamGroup::Pending* pending = from->pending().Find(id);
    if (pending == nullptr) {
      if (!claim.force) continue;
      pending = from->pending().Insert({id, claim.now_ms, 1, nullptr});
    } else if (claim.min_idle_ms > 0 && claim.now_ms - pending->delivered_ms < claim.min_idle_ms) {
      continue;
    }
    from->Move(pending, to);
    pending->delivered_ms = claim.delivered_ms;
    if (claim.count == StreamClaim::Count::kSet) pending->deliveries = claim.deliveries;
    if (claim.count == StreamClaim::Count::kAdd) ++pending->deliveries;
    to->active_ms = claim.now_ms;
    claimed.push_back(id);
    if (visit) visit(each);
  }
  const NumberText deliveries(claim.deliveries);
  const std::string_view count = claim.count == StreamClaim::Count::kSet   ? deliveries.view()
                                 : claim.count == StreamClaim::Count::kAdd ? "add"
                                                                           : "keep";
  AddIdsEffect(context, db,
               {"xclaim", entry->key(), group, consumer, NumberText(claim.now_ms).view(),
                NumberText(claim.delivered_ms).view(), count, IdText(claim.last_id).view()},
               claimed);
  if (!gone.empty()) AddIdsEffect(context, db, {"xack", entry->key(), group}, gone);
  Changed(context, db, Mutable(entry), Change::kModified, kNoEvent);
}

}  // namespace understudy::targets::kv
