// Commands on several sorted sets: ZUNION, ZINTER, ZDIFF, their STORE forms, ZINTERCARD.
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/sorted_set_algebra.h"

namespace understudy::targets::kv {
namespace {

using protocol::EqualsIgnoreCase;

enum class Result : uint8_t { kReply, kStore, kCount };

// What a command asks for.
struct Question {
  SetOperation operation;
  Result result;
  std::span<const std::string_view> keys = {};
  std::vector<ScoredSource> sources = {};
  std::vector<double> weights = {};
  Aggregate aggregate = Aggregate::kSum;
  bool with_scores = false;
  int64_t limit = 0;
};

// Looks the keys up: false, with the error written, if one is neither a sorted set nor a set.
bool FindSources(Call& call, Question* question) {
  for (std::string_view key : question->keys) {
    const Entry* entry = call.Find(key);
    if (entry == nullptr) {
      question->sources.emplace_back();
    } else if (entry->type() == Type::kSet) {
      question->sources.emplace_back(SetValue(entry->object()));
    } else if (entry->type() == Type::kSortedSet) {
      question->sources.emplace_back(SortedSetValue(entry->object()));
    } else {
      call.reply.Error(protocol::kWrongTypeError);
      return false;
    }
  }
  return true;
}

bool ReadWeights(Call& call, std::span<const std::string_view> texts, Question* question) {
  question->weights.clear();
  for (std::string_view text : texts) {
    const auto weight = protocol::ParseDouble(text);
    if (!weight) {
      call.reply.Error("ERR weight value is not a float");
      return false;
    }
    question->weights.push_back(*weight);
  }
  return true;
}

bool ReadAggregate(std::string_view word, Aggregate* aggregate) {
  if (EqualsIgnoreCase(word, "SUM")) {
    *aggregate = Aggregate::kSum;
  } else if (EqualsIgnoreCase(word, "MIN")) {
    *aggregate = Aggregate::kMin;
  } else if (EqualsIgnoreCase(word, "MAX")) {
    *aggregate = Aggregate::kMax;
  } else {
    return false;
  }
  return true;
}

bool ReadOptions(Call& call, size_t first, Question* question) {
  const auto args = call.args;
  const size_t keys = question->keys.size();
  const bool counts = question->result == Result::kCount;
  const bool weighs = question->operation != SetOperation::kDifference && !counts;
  for (size_t i = first; i < args.size(); ++i) {
    const size_t behind = args.size() - i - 1;
    if (weighs && behind >= keys && EqualsIgnoreCase(args[i], "WEIGHTS")) {
      if (!ReadWeights(call, args.subspan(i + 1, keys), question)) return false;
      i += keys;
    } else if (weighs && behind >= 1 && EqualsIgnoreCase(args[i], "AGGREGATE") &&
               ReadAggregate(args[i + 1], &question->aggregate)) {
      ++i;
    } else if (question->result == Result::kReply && EqualsIgnoreCase(args[i], "WITHSCORES")) {
      question->with_scores = true;
    } else if (counts && behind >= 1 && EqualsIgnoreCase(args[i], "LIMIT")) {
      if (!call.ReadPositive(args[++i], &question->limit, "ERR LIMIT can't be negative")) {
        return false;
      }
    } else {
      call.reply.Error(protocol::kSyntaxError);
      return false;
    }
  }
  return true;
}

// Reads "numkeys key [key ...] [option ...]" from args[first] on.
bool ReadQuestion(Call& call, size_t first, Question* question) {
  const auto args = call.args;
  int64_t count;
  if (!call.ReadInteger(args[first], &count)) return false;
  if (count < 1) {
    call.reply.Error("ERR at least 1 input key is needed for '" + call.request.command->full_name +
                     "' command");
    return false;
  }
  if (static_cast<uint64_t>(count) > args.size() - first - 1) {
    call.reply.Error(protocol::kSyntaxError);
    return false;
  }
  question->keys = args.subspan(first + 1, static_cast<size_t>(count));
  return FindSources(call, question) &&
         ReadOptions(call, first + 1 + question->keys.size(), question);
}

void ReplyCombined(Call& call, SetOperation operation) {
  Question question{operation, Result::kReply};
  if (!ReadQuestion(call, 1, &question)) return;
  const SortedSetValue result = Combine(operation, question.aggregate, question.sources,
                                        question.weights, call.keyspace.forms());
  const bool nested = question.with_scores && call.reply.resp() >= 3;
  call.reply.Array(question.with_scores && !nested ? 2 * result.size() : result.size());
  result.ForEach([&](const Element& member, double score) {
    if (nested) call.reply.Array(2);
    member.Reply(&call.reply);
    if (question.with_scores) call.reply.Double(score);
  });
  Free(Type::kSortedSet, result.object());
}
void ZUnion(Call& call) { ReplyCombined(call, SetOperation::kUnion); }
void ZInter(Call& call) { ReplyCombined(call, SetOperation::kIntersection); }
void ZDiff(Call& call) { ReplyCombined(call, SetOperation::kDifference); }

void StoreCombined(Call& call, SetOperation operation) {
  Question question{operation, Result::kStore};
  if (!ReadQuestion(call, 2, &question)) return;
  call.FindForWrite(call.args[1]);
  SortedSetRecipe recipe;
  recipe.operation = operation;
  recipe.aggregate = question.aggregate;
  recipe.keys = question.keys;
  recipe.weights = question.weights;
  const size_t size = call.keyspace.StoreSortedSets(call.context, call.db, call.args[1], recipe);
  call.reply.Integer(static_cast<int64_t>(size));
}
void ZUnionStore(Call& call) { StoreCombined(call, SetOperation::kUnion); }
void ZInterStore(Call& call) { StoreCombined(call, SetOperation::kIntersection); }
void ZDiffStore(Call& call) { StoreCombined(call, SetOperation::kDifference); }

void ZInterCard(Call& call) {
  Question question{SetOperation::kIntersection, Result::kCount};
  if (!ReadQuestion(call, 1, &question)) return;
  const size_t limit = question.limit == 0 ? SIZE_MAX : static_cast<size_t>(question.limit);
  const size_t count = CountIntersection(question.sources, limit, call.keyspace.forms());
  call.reply.Integer(static_cast<int64_t>(count));
}

}  // namespace

void RegisterSortedSetAlgebraCommands(HandlerMap* handlers) {
  handlers->insert({{"zunion", ZUnion},
                    {"zinter", ZInter},
                    {"zdiff", ZDiff},
                    {"zunionstore", ZUnionStore},
                    {"zinterstore", ZInterStore},
                    {"zdiffstore", ZDiffStore},
                    {"zintercard", ZInterCard}});
}

}  // namespace understudy::targets::kv
