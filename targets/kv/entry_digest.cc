#include "targets/kv/entry_digest.h"

#include <bit>

#include "targets/kv/hash_value.h"
#include "targets/kv/list_value.h"
#include "targets/kv/set_value.h"
#include "targets/kv/sorted_set_value.h"
#include "targets/kv/stream.h"

namespace understudy::targets::kv {
namespace {

void AddElement(DigestBuilder* to, const Element& element) {
  Element::Digits digits;
  to->Add(element.Text(&digits));
}

Digest160 DigestOfHash(const HashValue& hash) {
  Digest160 sum;
  hash.ForEach([&sum](const Element& field, const Element& value) {
    DigestBuilder pair("field");
    AddElement(&pair, field);
    AddElement(&pair, value);
    sum += pair.Finish();
  });
  return sum;
}

Digest160 DigestOfSet(const SetValue& set) {
  Digest160 sum;
  set.ForEach([&sum](const Element& member) {
    DigestBuilder one("member");
    AddElement(&one, member);
    sum += one.Finish();
  });
  return sum;
}

void AddId(DigestBuilder* to, const StreamId& id) { to->Add(id.ms).Add(id.sequence); }

void AddGroup(DigestBuilder* to, const StreamGroup& group) {
  AddId(to, group.last_id);
  to->Add(static_cast<uint64_t>(group.entries_read));
  to->Add(group.consumers().size()).Add(group.pending().size());
  for (const auto& [name, consumer] : group.consumers()) {
    to->Add(name).Add(static_cast<uint64_t>(consumer.seen_ms));
    to->Add(static_cast<uint64_t>(consumer.active_ms)).Add(consumer.pending.size());
  }
  group.pending().ForEach([to](const StreamGroup::Pending& each) {
    AddId(to, each.id);
    to->Add(static_cast<uint64_t>(each.delivered_ms)).Add(each.deliveries);
    to->Add(each.consumer->name);
  });
}

void AddStream(DigestBuilder* to, const Stream& stream) {
  to->Add(stream.length()).Add(stream.entries_added);
  AddId(to, stream.last_id);
  AddId(to, stream.max_deleted_id);
  StreamEntry entry;
  for (Stream::Range all(stream, {}, StreamId::Greatest()); all.Next(&entry);) {
    AddId(to, entry.id());
    to->Add(entry.fields());
    entry.ForEachField([to](const Element& field, const Element& value) {
      AddElement(to, field);
      AddElement(to, value);
    });
  }
  to->Add(stream.groups().size());
  for (const auto& [name, group] : stream.groups()) {
    to->Add(name);
    AddGroup(to, group);
  }
}

void AddValue(DigestBuilder* to, const Entry& entry) {
  Entry::Digits digits;
  to->Add(static_cast<uint64_t>(entry.type()));
  switch (entry.type()) {
    case Type::kString:
      to->Add(entry.Text(&digits));
      return;
    case Type::kList:
      ListValue(entry.object())
          .ForEach(0, ListValue::End::kBack, [to](size_t, const Element& element) {
            AddElement(to, element);
            return true;
          });
      return;
    case Type::kHash:
      to->Add(DigestOfHash(HashValue(entry.object())).Hex());
      return;
    case Type::kSet:
      to->Add(DigestOfSet(SetValue(entry.object())).Hex());
      return;
    case Type::kSortedSet:
      SortedSetValue(entry.object()).ForEach([to](const Element& member, double score) {
        AddElement(to, member);
        to->Add(std::bit_cast<uint64_t>(score == 0 ? 0.0 : score));  // -0 is 0 in small forms
      });
      return;
    case Type::kStream:
      return AddStream(to, Stream::Of(entry.object()));
  }
}

}  // namespace

Digest160 DigestOf(int db, const Entry& entry) {
  DigestBuilder key("kv");
  key.Add(static_cast<uint64_t>(db)).Add(entry.key());
  key.Add(uint64_t{entry.has_expiry()});
  key.Add(entry.has_expiry() ? static_cast<uint64_t>(entry.expiry_ms()) : 0);
  AddValue(&key, entry);
  return key.Finish();
}

Digest160 DigestOfValue(const Entry& entry) {
  DigestBuilder value("value");
  AddValue(&value, entry);
  return value.Finish();
}

}  // namespace understudy::targets::kv
