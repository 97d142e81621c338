// Keyspace::ApplyToStream() and its parts: effects on streams back into writes.
#include <string>
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/keyspace.h"

namespace understudy::targets::kv {
namespace {

using Effect = std::span<const std::string_view>;

bool TakeNumber(std::string_view text, int64_t* number) {
  const auto parsed = protocol::ParseInteger(text);
  if (parsed) *number = *parsed;
  return parsed.has_value();
}

bool TakeIds(Effect texts, std::vector<StreamId>* ids) {
  for (std::string_view text : texts) {
    ids->emplace_back();
    if (!StreamId::Parse(text, 0, &ids->back())) return false;
  }
  return !ids->empty();
}

Stream& StreamOf(const Entry* entry) { return Stream::Of(entry->object()); }

}  // namespace

bool Keyspace::ApplyToStream(int db, const Entry* entry, Effect effect, Context& context) {
  const std::string_view name = effect[0];
  StreamId id;
  if (name == "xadd") {
    if (effect.size() < 5 || effect.size() % 2 != 1 || !StreamId::Parse(effect[2], 0, &id) ||
        id <= (entry != nullptr ? StreamOf(entry).last_id : StreamId())) {
      return false;
    }
    size_t bytes = 0;
    for (std::string_view text : effect.subspan(3)) bytes += text.size();
    if (bytes > Stream::kMaxEntryBytes) return false;
    AppendEntry(context, db, effect[1], entry, id, effect.subspan(3));
    return true;
  }
  if (entry == nullptr || effect.size() < 3) return false;
  int64_t number;
  if (name == "xtrim") {
    if (effect.size() != 3 || !TakeNumber(effect[2], &number) || number <= 0 ||
        static_cast<uint64_t>(number) > StreamOf(entry).length()) {
      return false;
    }
    TrimStream(context, db, entry, static_cast<uint64_t>(number));
    return true;
  }
  if (name == "xdel") {
    std::vector<StreamId> ids;
    return TakeIds(effect.subspan(2), &ids) && RemoveEntries(context, db, entry, ids) > 0;
  }
  StreamId max_deleted;
  if (effect.size() != 5 || !StreamId::Parse(effect[2], 0, &id) ||
      !TakeNumber(effect[3], &number) || !StreamId::Parse(effect[4], 0, &max_deleted) ||
      (StreamOf(entry).length() > 0 && id < StreamOf(entry).LastLiveId())) {
    return false;
  }
  SetStreamId(context, db, entry, id, static_cast<uint64_t>(number), max_deleted);
  return true;
}

bool Keyspace::ApplyToGroup(int db, const Entry* entry, Effect effect, Context& context) {
  const std::string_view name = effect[0];
  if (effect.size() < 3) return false;
  StreamGroup* const group = entry != nullptr ? StreamOf(entry).FindGroup(effect[2]) : nullptr;
  if (name == "xgroup|create" || name == "xgroup|setid") {
    const bool create = name == "xgroup|create";
    StreamId id;
    int64_t read;
    if (effect.size() != 5 || !StreamId::Parse(effect[3], 0, &id) ||
        !TakeNumber(effect[4], &read) || create == (group != nullptr)) {
      return false;
    }
    create ? MakeGroup(context, db, effect[1], entry, effect[2], id, read)
           : SetGroup(context, db, entry, effect[2], id, read);
    return true;
  }
  if (group == nullptr) return false;
  if (name == "xgroup|destroy") {
    if (effect.size() != 3) return false;
    RemoveGroup(context, db, entry, effect[2]);
    return true;
  }
  if (name == "xack") {
    std::vector<StreamId> ids;
    return TakeIds(effect.subspan(3), &ids) &&
           AcknowledgeEntries(context, db, entry, effect[2], ids) > 0;
  }
  if (effect.size() < 4) return false;
  const bool there = group->Find(effect[3]) != nullptr;
  int64_t ms;
  if (name == "xgroup|createconsumer") {
    if (effect.size() != 5 || there || !TakeNumber(effect[4], &ms)) return false;
    MakeConsumer(context, db, entry, effect[2], effect[3], ms);
    return true;
  }
  if (effect.size() != 4 || !there) return false;
  RemoveConsumer(context, db, entry, effect[2], effect[3]);
  return true;
}

bool Keyspace::ApplyDelivery(int db, const Entry* entry, Effect effect, Context& context) {
  int64_t ms, count;
  if (effect.size() < 7 || entry == nullptr || StreamOf(entry).FindGroup(effect[2]) == nullptr ||
      !TakeNumber(effect[4], &ms) || !TakeNumber(effect.back(), &count) || count < 0) {
    return false;
  }
  const std::string_view kind = effect[5];
  const auto most = static_cast<uint64_t>(count);
  if (kind == "again") {
    StreamId start;
    if (effect.size() != 8 || !StreamId::Parse(effect[6], 0, &start)) return false;
    DeliverAgain(context, db, entry, effect[2], effect[3], ms, start, most, {});
    return true;
  }
  if (effect.size() != 7 || (kind != "new" && kind != "noack")) return false;
  DeliverEntries(context, db, entry, effect[2], effect[3], ms, kind == "noack", most, {});
  return true;
}

bool Keyspace::ApplyClaim(int db, const Entry* entry, Effect effect, Context& context) {
  StreamClaim claim;
  if (effect.size() < 8 || entry == nullptr || StreamOf(entry).FindGroup(effect[2]) == nullptr ||
      !TakeNumber(effect[4], &claim.now_ms) || !TakeNumber(effect[5], &claim.delivered_ms) ||
      !StreamId::Parse(effect[7], 0, &claim.last_id)) {
    return false;
  }
  claim.force = true;
  int64_t deliveries = 0;
  claim.count = effect[6] == "add"    ? StreamClaim::Count::kAdd
                : effect[6] == "keep" ? StreamClaim::Count::kKeep
                                      : StreamClaim::Count::kSet;
  if (claim.count == StreamClaim::Count::kSet && !TakeNumber(effect[6], &deliveries)) return false;
  claim.deliveries = static_cast<uint64_t>(deliveries);
  std::vector<StreamId> ids;
  if (effect.size() > 8 && !TakeIds(effect.subspan(8), &ids)) return false;
  ClaimEntries(context, db, entry, effect[2], effect[3], claim, ids, {});
  return true;
}

}  // namespace understudy::targets::kv
