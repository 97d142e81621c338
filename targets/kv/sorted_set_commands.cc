// Commands on members of a sorted set; ranges are in sorted_set_range_commands.cc.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/container_arguments.h"
#include "targets/kv/random_pick.h"
#include "targets/kv/scan_arguments.h"
#include "targets/kv/sorted_set_value.h"

namespace understudy::targets::kv {
namespace {

using protocol::EqualsIgnoreCase;
using Score = MemberScore;

struct AddOptions {
  ScoreConditions conditions;
  bool count_changes = false;  // CH
  bool increment = false;      // INCR
  size_t first = 2;            // the first score
};

// Takes ZADD's options; false, with the error written, if they contradict each other or no pairs
// follow.
bool ReadAddOptions(Call& call, AddOptions* options) {
  const auto args = call.args;
  auto& conditions = options->conditions;
  for (; options->first < args.size(); ++options->first) {
    const std::string_view word = args[options->first];
    if (EqualsIgnoreCase(word, "NX")) {
      conditions.only_new = true;
    } else if (EqualsIgnoreCase(word, "XX")) {
      conditions.only_old = true;
    } else if (EqualsIgnoreCase(word, "CH")) {
      options->count_changes = true;
    } else if (EqualsIgnoreCase(word, "INCR")) {
      options->increment = true;
    } else if (EqualsIgnoreCase(word, "GT")) {
      conditions.only_greater = true;
    } else if (EqualsIgnoreCase(word, "LT")) {
      conditions.only_less = true;
    } else {
      break;
    }
  }
  const size_t left = args.size() - options->first;
  std::string_view error;
  if (left == 0 || left % 2 != 0) {
    error = protocol::kSyntaxError;
  } else if (conditions.only_new && conditions.only_old) {
    error = "ERR XX and NX options at the same time are not compatible";
  } else if (conditions.only_new + conditions.only_greater + conditions.only_less > 1) {
    error = "ERR GT, LT, and/or NX options at the same time are not compatible";
  } else if (options->increment && left > 2) {
    error = "ERR INCR option supports a single increment-element pair";
  }
  if (!error.empty()) call.reply.Error(error);
  return error.empty();
}

// Adds to the score of one member, and replies with the sum.
void AddIncrement(Call& call, const Entry* entry, const AddOptions& options, Score pair) {
  const auto& conditions = options.conditions;
  std::optional<double> old;
  if (entry != nullptr) {
    old = SortedSetValue(entry->object()).Score(pair.member, call.keyspace.forms());
  }
  if (old && !conditions.only_new) pair.score += *old;
  if (std::isnan(pair.score)) {
    return call.reply.Error("ERR resulting score is not a number (NaN)");
  }
  if (!conditions.Allow(old, pair.score)) return call.reply.Null();
  call.keyspace.AddScores(call.context, call.db, call.args[1], entry, {&pair, 1}, {}, "zincr");
  call.reply.Double(pair.score);
}

void Add(Call& call, bool increment) {
  AddOptions options;
  options.increment = increment;
  if (!ReadAddOptions(call, &options)) return;
  const auto pairs = call.args.subspan(options.first);
  // Mostly there is one pair.
  Score one;
  std::vector<Score> many;
  if (pairs.size() > 2) many.resize(pairs.size() / 2);
  const std::span<Score> scores = many.empty() ? std::span<Score>(&one, 1) : std::span<Score>(many);
  for (size_t i = 0; i < scores.size(); ++i) {
    const auto score = protocol::ParseDouble(pairs[2 * i]);
    if (!score) return call.reply.Error(protocol::kNotFloatError);
    scores[i] = {*score, pairs[2 * i + 1]};
  }
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kSortedSet, &entry)) return;
  if (options.increment) return AddIncrement(call, entry, options, scores[0]);
  if (entry == nullptr && options.conditions.only_old) return call.reply.Integer(0);
  const auto [added, changed] = call.keyspace.AddScores(call.context, call.db, call.args[1], entry,
                                                        scores, options.conditions);
  call.reply.Integer(static_cast<int64_t>(options.count_changes ? added + changed : added));
}
void ZAdd(Call& call) { Add(call, false); }
void ZIncrBy(Call& call) { Add(call, true); }

void ZRem(Call& call) {
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kSortedSet, &entry)) return;
  if (entry == nullptr) return call.reply.Integer(0);
  const size_t removed =
      call.keyspace.RemoveScored(call.context, call.db, entry, call.args.subspan(2));
  call.reply.Integer(static_cast<int64_t>(removed));
}

void ZCard(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kSortedSet, &entry)) return;
  const size_t size = entry == nullptr ? 0 : SortedSetValue(entry->object()).size();
  call.reply.Integer(static_cast<int64_t>(size));
}

void ReplyScore(Call& call, const Entry* entry, std::string_view member) {
  std::optional<double> score;
  if (entry != nullptr) {
    score = SortedSetValue(entry->object()).Score(member, call.keyspace.forms());
  }
  score ? call.reply.Double(*score) : call.reply.Null();
}

void ZScore(Call& call) {
  const Entry* entry;
  if (call.Find(call.args[1], Type::kSortedSet, &entry)) ReplyScore(call, entry, call.args[2]);
}

void ZMScore(Call& call) {
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kSortedSet, &entry)) return;
  const auto members = call.args.subspan(2);
  call.reply.Array(members.size());
  for (std::string_view member : members) ReplyScore(call, entry, member);
}

void ReplyRank(Call& call, bool from_greatest) {
  const auto args = call.args;
  if (args.size() > 4) {
    return call.reply.Error(protocol::CommandTable::ArityError(*call.request.command));
  }
  const bool with_score = args.size() == 4;
  if (with_score && !EqualsIgnoreCase(args[3], "WITHSCORE")) {
    return call.reply.Error(protocol::kSyntaxError);
  }
  const Entry* entry;
  if (!call.Find(args[1], Type::kSortedSet, &entry)) return;
  std::optional<std::pair<size_t, double>> found;
  size_t size = 0;
  if (entry != nullptr) {
    const SortedSetValue set(entry->object());
    found = set.Rank(args[2], call.keyspace.forms());
    size = set.size();
  }
  if (!found) return with_score ? call.reply.NullArray() : call.reply.Null();
  if (with_score) call.reply.Array(2);
  call.reply.Integer(static_cast<int64_t>(from_greatest ? size - 1 - found->first : found->first));
  if (with_score) call.reply.Double(found->second);
}
void ZRank(Call& call) { ReplyRank(call, false); }
void ZRevRank(Call& call) { ReplyRank(call, true); }

// Replies with members and scores from one end, nested or flat, and removes them.
void PopScores(Call& call, const Entry* entry, bool least, size_t count, bool nested) {
  const SortedSetValue set(entry->object());
  const size_t size = set.size();
  set.ForRange(least ? 0 : size - 1, count, !least, [&](const Element& member, double score) {
    if (nested) call.reply.Array(2);
    member.Reply(&call.reply);
    call.reply.Double(score);
  });
  call.keyspace.RemoveRanks(call.context, call.db, entry, least ? 0 : size - count, count,
                            least ? "zpopmin" : "zpopmax");
}

void Pop(Call& call, bool least) {
  if (call.args.size() > 3) return call.reply.Error(protocol::kSyntaxError);
  const bool has_count = call.args.size() == 3;
  int64_t wanted = 1;
  if (has_count && !call.ReadPositive(call.args[2], &wanted)) return;
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kSortedSet, &entry)) return;
  if (entry == nullptr || wanted == 0) return call.reply.Array(0);
  const size_t count =
      std::min(static_cast<size_t>(wanted), SortedSetValue(entry->object()).size());
  const bool nested = has_count && call.reply.resp() >= 3;
  call.reply.Array(nested ? count : 2 * count);
  PopScores(call, entry, least, count, nested);
}
void ZPopMin(Call& call) { Pop(call, true); }
void ZPopMax(Call& call) { Pop(call, false); }

// `timeout_ms`: how long to wait for a member (0: for ever); none: not at all.
void PopFromFirst(Call& call, size_t first, std::optional<int64_t> timeout_ms) {
  PopArguments pop;
  if (!ReadPopArguments(call, "MIN", "MAX", &pop, first)) return;
  for (std::string_view key : pop.keys) {
    const Entry* entry;
    if (!call.FindForWrite(key, Type::kSortedSet, &entry)) return;
    if (entry == nullptr) continue;
    const size_t count = std::min(pop.count, SortedSetValue(entry->object()).size());
    call.reply.Array(2);
    call.reply.Bulk(key);
    call.reply.Array(count);
    return PopScores(call, entry, pop.first, count, true);
  }
  const bool waits = timeout_ms && call.WaitFor(pop.keys, Type::kSortedSet, *timeout_ms);
  if (!waits) call.reply.NullArray();
}
void ZMPop(Call& call) { PopFromFirst(call, 1, std::nullopt); }
void BZMPop(Call& call) {
  int64_t timeout_ms;
  if (!call.ReadTimeout(call.args[1], Call::Unit::kSeconds, &timeout_ms)) return;
  PopFromFirst(call, 2, timeout_ms);
}

void BlockingPop(Call& call, bool least) {
  int64_t timeout_ms;
  if (!call.ReadTimeout(call.args.back(), Call::Unit::kSeconds, &timeout_ms)) return;
  const auto keys = call.args.subspan(1, call.args.size() - 2);
  for (std::string_view key : keys) {
    const Entry* entry;
    if (!call.FindForWrite(key, Type::kSortedSet, &entry)) return;
    if (entry == nullptr) continue;
    call.reply.Array(3);
    call.reply.Bulk(key);
    return PopScores(call, entry, least, 1, false);
  }
  if (!call.WaitFor(keys, Type::kSortedSet, timeout_ms)) call.reply.NullArray();
}
void BZPopMin(Call& call) { BlockingPop(call, true); }
void BZPopMax(Call& call) { BlockingPop(call, false); }

void ZRandMember(Call& call) {
  PickArguments pick;
  if (!ReadPickArguments(call, "WITHSCORES", &pick)) return;
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kSortedSet, &entry)) return;
  if (entry == nullptr) return pick.has_count ? call.reply.Array(0) : call.reply.Null();
  if (pick.count == 0) return call.reply.Array(0);
  const SortedSetValue set(entry->object());
  const size_t count = pick.repeat ? pick.count : std::min(pick.count, set.size());
  const bool nested = pick.with_values && call.reply.resp() >= 3;
  if (pick.has_count) call.reply.Array(pick.with_values && !nested ? count * 2 : count);
  using Item = std::pair<Element, double>;
  PickRandomly<Item>(
      pick, set.size(), set.IsPacked(), call.context.random,
      [&set](std::vector<Item>* items) {
        set.ForEach([items](const Element& m, double score) { items->emplace_back(m, score); });
      },
      [&set](uint64_t random) { return set.Random(random); },
      [](const Item& item) { return static_cast<const void*>(item.first.bytes().data()); },
      [&](const Item& item) {
        if (nested) call.reply.Array(2);
        item.first.Reply(&call.reply);
        if (pick.with_values) call.reply.Double(item.second);
      });
}

void ZScan(Call& call) {
  ScanContainer<SortedSetValue>(
      call, Type::kSortedSet, [](const SortedSetValue& set, uint64_t cursor, auto add) {
        const bool packed = set.IsPacked();
        return set.Scan(cursor, [&add, packed](const Element& member, double score) {
          add(member, [score, packed](protocol::ReplyWriter* out) {
            // As Redis: the shortest digits of a score in a packed list, else 17 of them.
            char text[64];
            const size_t size =
                packed ? protocol::FormatDouble(text, score)
                       : static_cast<size_t>(std::snprintf(text, sizeof text, "%.17Lg",
                                                           static_cast<long double>(score)));
            out->Bulk({text, size});
          });
        });
      });
}

}  // namespace

void RegisterSortedSetCommands(HandlerMap* handlers) {
  handlers->insert({{"zadd", ZAdd},
                    {"zincrby", ZIncrBy},
                    {"zrem", ZRem},
                    {"zcard", ZCard},
                    {"zscore", ZScore},
                    {"zmscore", ZMScore},
                    {"zrank", ZRank},
                    {"zrevrank", ZRevRank},
                    {"zpopmin", ZPopMin},
                    {"zpopmax", ZPopMax},
                    {"zmpop", ZMPop},
                    {"bzpopmin", BZPopMin},
                    {"bzpopmax", BZPopMax},
                    {"bzmpop", BZMPop},
                    {"zrandmember", ZRandMember},
                    {"zscan", ZScan}});
}

}  // namespace understudy::targets::kv
