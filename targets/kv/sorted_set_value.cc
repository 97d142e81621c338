#include "targets/kv/sorted_set_value.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "protocol/numbers.h"

namespace understudy::targets::kv {
namespace {

// Whether a member is before the beginning of a range.
bool IsBelow(std::string_view member, const LexBound& least) {
  if (least.kind != LexBound::Kind::kText) return least.kind == LexBound::Kind::kGreatest;
  return least.exclusive ? member <= least.text : member < least.text;
}

// Whether a member isn't behind the end of a range.
bool IsWithin(std::string_view member, const LexBound& greatest) {
  if (greatest.kind != LexBound::Kind::kText) return greatest.kind == LexBound::Kind::kGreatest;
  return greatest.exclusive ? member < greatest.text : member <= greatest.text;
}

}  // namespace

SortedSetValue SortedSetValue::NewTree(size_t members, const Forms& forms) {
  auto tree = std::make_unique<Tree>(*forms.hasher);
  tree->table.Reserve(members);
  return SortedSetValue({tree.release(), kTree});
}

SortedSetValue SortedSetValue::NewFor(size_t members, size_t longest, const Forms& forms) {
  const bool small = members <= forms.limits->zset_max_listpack_entries &&
                     longest <= forms.limits->zset_max_listpack_value;
  return small ? New() : NewTree(members, forms);
}

SortedSetValue SortedSetValue::Copy(const Forms& forms) const {
  if (IsPacked()) return OfPacked(packed().Copy());
  SortedSetValue copy = NewTree(size(), forms);
  for (ScoreTree::Cursor at = tree()->order.First(); at; at.Next()) {
    ScoredMember* const member = ScoredMember::New(at.score(), at.member()->text());
    copy.tree()->table.Insert((*forms.hasher)(member->text()), member);
    copy.tree()->order.Insert(member);
  }
  return copy;
}

// ---- scores in packed lists: an integer, or the digits of the number ----

double SortedSetValue::ScoreOf(const Element& element) {
  if (element.IsInteger()) return static_cast<double>(element.integer());
  return protocol::ParseDouble(element.bytes()).value_or(0);
}

Element SortedSetValue::ScoreElement(double score, char* digits) {
  // The bound is Redis', far inside what a conversion can do. -0 becomes 0, as there.
  constexpr double kBound = static_cast<double>(INT64_MAX / 2);
  if (std::abs(score) <= kBound && score == std::trunc(score)) {
    return Element(static_cast<int64_t>(score));
  }
  return Element::OfBytes(digits, protocol::FormatDouble(digits, score));
}

bool SortedSetValue::IsInOrder(const PackedList& list) {
  Element::Digits digits, last_digits;
  double last_score = 0;
  PackedList::Position last = PackedList::kNone;
  for (auto at = list.First(); at != PackedList::kNone;) {
    const PackedList::Position score_at = list.Next(at);
    const auto score = protocol::ParseDouble(list.Get(score_at).Text(&digits));
    if (!score || std::isnan(*score)) return false;
    if (last != PackedList::kNone &&
        (*score < last_score || (*score == last_score && list.Get(last).Text(&last_digits) >=
                                                             list.Get(at).Text(&digits)))) {
      return false;
    }
    last_score = *score;
    last = at;
    at = list.Next(score_at);
  }
  return true;
}

// ---- reading ----

std::optional<double> SortedSetValue::Score(std::string_view member, const Forms& forms) const {
  if (IsPacked()) {
    const PackedList list = packed();
    const PackedList::Position at = list.Find(list.First(), Element(member), 2);
    if (at == PackedList::kNone) return std::nullopt;
    return ScoreOf(list.Get(list.Next(at)));
  }
  const auto place = tree()->table.Find(member, (*forms.hasher)(member));
  if (!place) return std::nullopt;
  return place.item()->score();
}

std::optional<std::pair<size_t, double>> SortedSetValue::Rank(std::string_view member,
                                                              const Forms& forms) const {
  if (!IsPacked()) {
    const auto place = tree()->table.Find(member, (*forms.hasher)(member));
    if (!place) return std::nullopt;
    return std::pair(tree()->order.RankOf(place.item()), place.item()->score());
  }
  const PackedList list = packed();
  const PackedList::Position found = list.Find(list.First(), Element(member), 2);
  if (found == PackedList::kNone) return std::nullopt;
  size_t entries = 0;
  for (auto at = list.First(); at != found; at = list.Next(at)) ++entries;
  return std::pair(entries / 2, ScoreOf(list.Get(list.Next(found))));
}

// bool before(double score, get_text), where get_text() is the member's text.
template <typename Before>
size_t SortedSetValue::CountBefore(Before&& before) const {
  if (!IsPacked()) {
    return tree()->order.CountBefore([&before](double score, const ScoredMember& member) {
      return before(score, [&member] { return member.text(); });
    });
  }
  const PackedList list = packed();
  size_t count = 0;
  for (auto at = list.First(); at != PackedList::kNone;) {
    const PackedList::Position score = list.Next(at);
    Element::Digits digits;
    if (!before(ScoreOf(list.Get(score)), [&] { return list.Get(at).Text(&digits); })) break;
    ++count;
    at = list.Next(score);
  }
  return count;
}

size_t SortedSetValue::RankOfLeast(const ScoreBound& least) const {
  return CountBefore([&least](double score, auto&&) {
    return least.exclusive ? score <= least.score : score < least.score;
  });
}

size_t SortedSetValue::RankBehind(const ScoreBound& greatest) const {
  return CountBefore([&greatest](double score, auto&&) {
    return greatest.exclusive ? score < greatest.score : score <= greatest.score;
  });
}

size_t SortedSetValue::RankOfLeast(const LexBound& least) const {
  return CountBefore([&least](double, auto&& text) { return IsBelow(text(), least); });
}

size_t SortedSetValue::RankBehind(const LexBound& greatest) const {
  return CountBefore([&greatest](double, auto&& text) { return IsWithin(text(), greatest); });
}

std::pair<Element, double> SortedSetValue::Random(uint64_t random) const {
  if (IsPacked()) {
    const PackedList list = packed();
    const PackedList::Position at = list.Seek(random % size() * 2);
    return {list.Get(at), ScoreOf(list.Get(list.Next(at)))};
  }
  const ScoredMember* member = tree()->table.Random(random);
  const std::string_view text = member->text();
  return {Element::OfBytes(text.data(), text.size()), member->score()};
}

// ---- changing ----

void SortedSetValue::Convert(size_t members, const Forms& forms) {
  SortedSetValue big = NewTree(members, forms);
  ForEach([&](const Element& member, double score) {
    Element::Digits digits;
    ScoredMember* const copy = ScoredMember::New(score, member.Text(&digits));
    big.tree()->table.Insert((*forms.hasher)(copy->text()), copy);
    big.tree()->order.Insert(copy);
  });
  packed().Free();
  object_ = big.object();
}

void SortedSetValue::InsertPacked(std::string_view member, double score) {
  PackedList list = packed();
  char digits[protocol::kMaxDoubleText];
  const Element score_element = ScoreElement(score, digits);
  PackedList::Position at = list.First();
  while (at != PackedList::kNone) {
    const PackedList::Position score_at = list.Next(at);
    const double here = ScoreOf(list.Get(score_at));
    Element::Digits member_digits;
    if (here > score || (here == score && list.Get(at).Text(&member_digits) > member)) break;
    at = list.Next(score_at);
  }
  if (at == PackedList::kNone) {
    list.Append(Element(member));
    list.Append(score_element);
  } else {
    list.InsertBefore(at, score_element);
    list.InsertBefore(at, Element(member));
  }
  Put(list);
}

SortedSetValue::Added SortedSetValue::Add(std::string_view member, double score,
                                          const Forms& forms) {
  if (!IsPacked()) return AddToTree(member, score, forms);
  PackedList list = packed();
  const PackedList::Position at = list.Find(list.First(), Element(member), 2);
  if (at != PackedList::kNone) {
    if (ScoreOf(list.Get(list.Next(at))) == score) return Added::kSame;
    list.Erase(at, 2);
    Put(list);
    InsertPacked(member, score);
    return Added::kChanged;
  }
  if (size() + 1 > forms.limits->zset_max_listpack_entries ||
      member.size() > forms.limits->zset_max_listpack_value ||
      !list.Fits(member.size() + protocol::kMaxDoubleText, 2)) {
    Convert(size() + 1, forms);
    return AddToTree(member, score, forms);
  }
  InsertPacked(member, score);
  return Added::kNew;
}

SortedSetValue::Added SortedSetValue::AddToTree(std::string_view member, double score,
                                                const Forms& forms) {
  const uint64_t hash = (*forms.hasher)(member);
  const auto place = tree()->table.Find(member, hash);
  if (place) {
    if (place.item()->score() == score) return Added::kSame;
    tree()->order.Move(place.item(), score);
    return Added::kChanged;
  }
  ScoredMember* const added = ScoredMember::New(score, member);
  tree()->table.Insert(hash, added);
  tree()->order.Insert(added);
  return Added::kNew;
}

bool SortedSetValue::Remove(std::string_view member, const Forms& forms) {
  if (IsPacked()) {
    PackedList list = packed();
    const PackedList::Position at = list.Find(list.First(), Element(member), 2);
    if (at == PackedList::kNone) return false;
    list.Erase(at, 2);
    Put(list);
    return true;
  }
  const auto place = tree()->table.Find(member, (*forms.hasher)(member));
  if (!place) return false;
  ScoredMember* const removed = place.item();
  tree()->order.Remove(removed);
  tree()->table.Erase(place);
  ScoredMember::Free(removed);
  return true;
}

void SortedSetValue::RemoveRange(size_t first, size_t count, const Forms& forms) {
  if (count == 0) return;
  if (IsPacked()) {
    PackedList list = packed();
    list.Erase(list.Seek(first * 2), count * 2);
    Put(list);
    return;
  }
  for (; count > 0; --count) {
    ScoredMember* const removed = tree()->order.RemoveAt(first);
    const std::string_view text = removed->text();
    tree()->table.Erase(tree()->table.Find(text, (*forms.hasher)(text)));
    ScoredMember::Free(removed);
  }
}

void SortedSetValue::Compact(const Forms& forms) {
  if (IsPacked() || size() > forms.limits->zset_max_listpack_entries) return;
  size_t longest = 0, total = 0;
  ForEach([&](const Element& member, double) {
    longest = std::max(longest, member.bytes().size());
    total += member.bytes().size() + protocol::kMaxDoubleText;
  });
  if (longest > forms.limits->zset_max_listpack_value || total > PackedList::kMaxBytes / 2) return;
  PackedList list = PackedList::New();
  ForEach([&list](const Element& member, double score) {
    char digits[protocol::kMaxDoubleText];
    list.Append(Element(member.bytes()));
    list.Append(ScoreElement(score, digits));
  });
  Free(Type::kSortedSet, object_);
  object_ = {list.block(), kPacked};
}

}  // namespace understudy::targets::kv
