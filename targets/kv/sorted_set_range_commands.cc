// Commands on ranges of a sorted set: by rank, by score, by member.
#include <cmath>
#include <cstdlib>
#include <string>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/container_arguments.h"
#include "targets/kv/sorted_set_value.h"

namespace understudy::targets::kv {
namespace {

using protocol::EqualsIgnoreCase;

enum class By : uint8_t { kRank, kScore, kLex };

// What is asked for; of the ends only those of one kind.
struct Range {
  By by = By::kRank;
  bool reversed = false;
  bool with_scores = false;
  int64_t start = 0, stop = 0;
  ScoreBound least_score, greatest_score;
  LexBound least_member, greatest_member;
  int64_t offset = 0, limit = -1;  // limit below 0: none
};

// As strtod reads it, which Redis uses: an empty text is 0. Not NaN.
bool ReadBound(std::string_view text, ScoreBound* bound) {
  bound->exclusive = !text.empty() && text[0] == '(';
  const std::string digits(text.substr(bound->exclusive ? 1 : 0));
  char* end;
  bound->score = std::strtod(digits.c_str(), &end);
  return *end == '\0' && !std::isnan(bound->score);
}

bool ReadBound(std::string_view text, LexBound* bound) {
  if (text == "-" || text == "+") {
    bound->kind = text == "-" ? LexBound::Kind::kLeast : LexBound::Kind::kGreatest;
    return true;
  }
  if (text.empty() || (text[0] != '(' && text[0] != '[')) return false;
  bound->exclusive = text[0] == '(';
  bound->text = text.substr(1);
  return true;
}

// Reads the ends of a range, the lower first; false, with the error written, if they aren't such.
bool ReadEnds(Call& call, std::string_view lower, std::string_view upper, Range* range) {
  switch (range->by) {
    case By::kRank:
      return call.ReadInteger(lower, &range->start) && call.ReadInteger(upper, &range->stop);
    case By::kScore:
      if (ReadBound(lower, &range->least_score) && ReadBound(upper, &range->greatest_score)) {
        return true;
      }
      call.reply.Error("ERR min or max is not a float");
      return false;
    case By::kLex:
      if (ReadBound(lower, &range->least_member) && ReadBound(upper, &range->greatest_member)) {
        return true;
      }
      call.reply.Error("ERR min or max not valid string range item");
      return false;
  }
  return false;
}

// Which commands have which options.
struct RangeForm {
  By by = By::kRank;
  bool reversed = false;
  bool chooses = false;  // BYSCORE, BYLEX and REV are options
  bool stores = false;   // no WITHSCORES
};

// Reads "min max [option ...]" from args[first] on; false, with the error written, if that isn't
// it.
bool ReadRange(Call& call, size_t first, const RangeForm& form, Range* range) {
  const auto args = call.args;
  range->by = form.by;
  range->reversed = form.reversed;
  for (size_t i = first + 2; i < args.size(); ++i) {
    const std::string_view word = args[i];
    const bool choice_left = form.chooses && range->by == By::kRank;
    if (!form.stores && EqualsIgnoreCase(word, "WITHSCORES")) {
      range->with_scores = true;
    } else if (EqualsIgnoreCase(word, "LIMIT") && i + 2 < args.size()) {
      if (!call.ReadInteger(args[i + 1], &range->offset) ||
          !call.ReadInteger(args[i + 2], &range->limit)) {
        return false;
      }
      i += 2;
    } else if (form.chooses && !range->reversed && EqualsIgnoreCase(word, "REV")) {
      range->reversed = true;
    } else if (choice_left && EqualsIgnoreCase(word, "BYLEX")) {
      range->by = By::kLex;
    } else if (choice_left && EqualsIgnoreCase(word, "BYSCORE")) {
      range->by = By::kScore;
    } else {
      call.reply.Error(protocol::kSyntaxError);
      return false;
    }
  }
  if (range->limit != -1 && range->by == By::kRank) {
    call.reply.Error(
        "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    return false;
  }
  if (range->with_scores && range->by == By::kLex) {
    call.reply.Error("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    return false;
  }
  const bool swapped = range->reversed && range->by != By::kRank;
  return ReadEnds(call, args[swapped ? first + 1 : first], args[swapped ? first : first + 1],
                  range);
}

// The ranks that a range covers, LIMIT included.
IndexRange RanksOf(const SortedSetValue& set, const Range& range) {
  const size_t size = set.size();
  if (range.by == By::kRank) {
    const IndexRange ranks = ToRange(range.start, range.stop, size);
    if (!range.reversed || ranks.count == 0) return ranks;
    return {size - ranks.first - ranks.count, ranks.count};
  }
  const bool by_score = range.by == By::kScore;
  const size_t first =
      by_score ? set.RankOfLeast(range.least_score) : set.RankOfLeast(range.least_member);
  const size_t end =
      by_score ? set.RankBehind(range.greatest_score) : set.RankBehind(range.greatest_member);
  if (first >= end || range.offset < 0) return {};
  const size_t found = end - first, skipped = static_cast<size_t>(range.offset);
  if (skipped >= found) return {};
  size_t count = found - skipped;
  if (range.limit >= 0) count = std::min(count, static_cast<size_t>(range.limit));
  return {range.reversed ? end - skipped - count : first + skipped, count};
}

void ReplyRange(Call& call, const RangeForm& form) {
  Range range;
  if (!ReadRange(call, 2, form, &range)) return;
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kSortedSet, &entry)) return;
  if (entry == nullptr) return call.reply.Array(0);
  const SortedSetValue set(entry->object());
  const IndexRange ranks = RanksOf(set, range);
  const bool nested = range.with_scores && call.reply.resp() >= 3;
  call.reply.Array(range.with_scores && !nested ? 2 * ranks.count : ranks.count);
  set.ForRange(range.reversed ? ranks.first + ranks.count - 1 : ranks.first, ranks.count,
               range.reversed, [&](const Element& member, double score) {
                 if (nested) call.reply.Array(2);
                 member.Reply(&call.reply);
                 if (range.with_scores) call.reply.Double(score);
               });
}
void ZRange(Call& call) { ReplyRange(call, {By::kRank, false, true}); }
void ZRevRange(Call& call) { ReplyRange(call, {By::kRank, true}); }
void ZRangeByScore(Call& call) { ReplyRange(call, {By::kScore, false}); }
void ZRevRangeByScore(Call& call) { ReplyRange(call, {By::kScore, true}); }
void ZRangeByLex(Call& call) { ReplyRange(call, {By::kLex, false}); }
void ZRevRangeByLex(Call& call) { ReplyRange(call, {By::kLex, true}); }

void ZRangeStore(Call& call) {
  Range range;
  if (!ReadRange(call, 3, {By::kRank, false, true, true}, &range)) return;
  const std::string_view target = call.args[1], source = call.args[2];
  const Entry* entry;
  if (!call.Find(source, Type::kSortedSet, &entry)) return;
  IndexRange ranks;
  if (entry != nullptr) ranks = RanksOf(SortedSetValue(entry->object()), range);
  call.FindForWrite(target);
  const size_t stored =
      call.keyspace.StoreRange(call.context, call.db, target, source, ranks.first, ranks.count);
  call.reply.Integer(static_cast<int64_t>(stored));
}

void Count(Call& call, By by) {
  Range range;
  range.by = by;
  if (!ReadEnds(call, call.args[2], call.args[3], &range)) return;
  const Entry* entry;
  if (!call.Find(call.args[1], Type::kSortedSet, &entry)) return;
  const size_t count = entry == nullptr ? 0 : RanksOf(SortedSetValue(entry->object()), range).count;
  call.reply.Integer(static_cast<int64_t>(count));
}
void ZCount(Call& call) { Count(call, By::kScore); }
void ZLexCount(Call& call) { Count(call, By::kLex); }

void Remove(Call& call, By by, std::string_view event) {
  Range range;
  range.by = by;
  if (!ReadEnds(call, call.args[2], call.args[3], &range)) return;
  const Entry* entry;
  if (!call.FindForWrite(call.args[1], Type::kSortedSet, &entry)) return;
  if (entry == nullptr) return call.reply.Integer(0);
  const IndexRange ranks = RanksOf(SortedSetValue(entry->object()), range);
  if (ranks.count > 0) {
    call.keyspace.RemoveRanks(call.context, call.db, entry, ranks.first, ranks.count, event);
  }
  call.reply.Integer(static_cast<int64_t>(ranks.count));
}
void ZRemRangeByRank(Call& call) { Remove(call, By::kRank, "zremrangebyrank"); }
void ZRemRangeByScore(Call& call) { Remove(call, By::kScore, "zremrangebyscore"); }
void ZRemRangeByLex(Call& call) { Remove(call, By::kLex, "zremrangebylex"); }

}  // namespace

void RegisterSortedSetRangeCommands(HandlerMap* handlers) {
  handlers->insert({{"zrange", ZRange},
                    {"zrevrange", ZRevRange},
                    {"zrangebyscore", ZRangeByScore},
                    {"zrevrangebyscore", ZRevRangeByScore},
                    {"zrangebylex", ZRangeByLex},
                    {"zrevrangebylex", ZRevRangeByLex},
                    {"zrangestore", ZRangeStore},
                    {"zcount", ZCount},
                    {"zlexcount", ZLexCount},
                    {"zremrangebyrank", ZRemRangeByRank},
                    {"zremrangebyscore", ZRemRangeByScore},
                    {"zremrangebylex", ZRemRangeByLex}});
}

}  // namespace understudy::targets::kv
