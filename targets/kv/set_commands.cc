// Commands on one set, or on a set and a member.
#include <string>
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/random_pick.h"
#include "targets/kv/scan_arguments.h"
#include "targets/kv/set_value.h"

namespace understudy::targets::kv {
namespace {

void SAdd(Call& call) {
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kSet, &entry)) return;
  const size_t added =
      call.keyspace.AddMembers(call.context, call.db, call.args[1], entry, call.args.subspan(2));
  call.reply.Integer(static_cast<int64_t>(added));
}

void SRem(Call& call) {
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kSet, &entry)) return;
  if (entry == nullptr) return call.reply.Integer(0);
  const size_t removed =
      call.keyspace.RemoveMembers(call.context, call.db, entry, call.args.subspan(2));
  call.reply.Integer(static_cast<int64_t>(removed));
}

void SCard(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kSet, &entry)) return;
  const size_t size = entry == nullptr ? 0 : SetValue(entry->object()).size();
  call.reply.Integer(static_cast<int64_t>(size));
}

bool Contains(Call& call, const Entry* entry, std::string_view member) {
  return entry != nullptr && SetValue(entry->object()).Contains(member, call.keyspace.forms());
}

void SIsMember(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kSet, &entry)) return;
  call.reply.Integer(Contains(call, entry, call.args[2]));
}

void SMIsMember(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kSet, &entry)) return;
  const auto members = call.args.subspan(2);
  call.reply.Array(members.size());
  for (std::string_view member : members) call.reply.Integer(Contains(call, entry, member));
}

void ReplyMembers(Call& call, const SetValue& set) {
  call.reply.Set(set.size());
  set.ForEach([&call](const Element& member) { member.Reply(&call.reply); });
}

void SMembers(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kSet, &entry)) return;
  entry == nullptr ? call.reply.Set(0) : ReplyMembers(call, SetValue(entry->object()));
}

void SMove(Call& call) {
  const std::string_view from = call.args[1], to = call.args[2], member = call.args[3];
  const Entry* source = call.FindForWrite(from);
  const Entry* target = call.FindForWrite(to);
  if (source == nullptr) return call.reply.Integer(0);
  if (!call.IsOfTypeOrMissing(source, Type::kSet) || !call.IsOfTypeOrMissing(target, Type::kSet)) {
    return;
  }
  const bool there = Contains(call, source, member);
  call.reply.Integer(there);
  if (!there || source == target) return;
  call.keyspace.RemoveMembers(call.context, call.db, source, {&member, 1});
  call.keyspace.AddMembers(call.context, call.db, to, target, {&member, 1});
}

// Chooses members of a set; visit(const Element&).
template <typename Visit>
void Pick(Call& call, const SetValue& set, const PickArguments& pick, Visit&& visit) {
  PickRandomly<Element>(
      pick, set.size(), set.form() != SetValue::kTable, call.context.random,
      [&set](std::vector<Element>* members) {
        set.ForEach([members](const Element& member) { members->push_back(member); });
      },
      [&set](uint64_t random) { return set.Random(random); },
      [](const Element& member) { return static_cast<const void*>(member.bytes().data()); }, visit);
}

void SRandMember(Call& call) {
  PickArguments pick;
  if (!ReadPickArguments(call, {}, &pick)) return;
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kSet, &entry)) return;
  if (entry == nullptr) return pick.has_count ? call.reply.Array(0) : call.reply.Null();
  if (pick.count == 0) return call.reply.Array(0);
  const SetValue set(entry->object());
  if (pick.has_count) call.reply.Array(pick.repeat ? pick.count : std::min(pick.count, set.size()));
  Pick(call, set, pick, [&call](const Element& member) { member.Reply(&call.reply); });
}

void SPop(Call& call) {
  if (call.args.size() > 3) return call.reply.Error(protocol::kSyntaxError);
  PickArguments pick;
  pick.has_count = call.args.size() == 3;
  int64_t count = 1;
  if (pick.has_count && !call.ReadPositive(call.args[2], &count)) return;
  pick.count = static_cast<size_t>(count);
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kSet, &entry)) return;
  if (entry == nullptr) return pick.has_count ? call.reply.Set(0) : call.reply.Null();
  if (count == 0) return call.reply.Set(0);
  const SetValue set(entry->object());
  if (pick.has_count && pick.count >= set.size()) {
    ReplyMembers(call, set);
    call.keyspace.Delete(call.context, call.db, call.args[1], "spop");
    return;
  }
  if (pick.has_count) call.reply.Set(pick.count);
  // The members are removed by their texts, which must not be the set's own.
  std::string texts;
  std::vector<size_t> ends;
  Pick(call, set, pick, [&](const Element& member) {
    Element::Digits digits;
    texts.append(member.Text(&digits));
    ends.push_back(texts.size());
    member.Reply(&call.reply);
  });
  std::vector<std::string_view> members;
  size_t begin = 0;
  for (size_t end : ends) {
    members.push_back(std::string_view(texts).substr(begin, end - begin));
    begin = end;
  }
  call.keyspace.RemoveMembers(call.context, call.db, entry, members, "spop");
}

void SScan(Call& call) {
  ScanContainer<SetValue>(call, Type::kSet, [](const SetValue& set, uint64_t cursor, auto add) {
    return set.Scan(cursor, [&add](const Element& member) { add(member); });
  });
}

}  // namespace

void RegisterSetCommands(HandlerMap* handlers) {
  handlers->insert({{"sadd", SAdd},
                    {"srem", SRem},
                    {"scard", SCard},
                    {"sismember", SIsMember},
                    {"smismember", SMIsMember},
                    {"smembers", SMembers},
                    {"smove", SMove},
                    {"srandmember", SRandMember},
                    {"spop", SPop},
                    {"sscan", SScan}});
}

}  // namespace understudy::targets::kv
