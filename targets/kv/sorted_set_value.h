// The value of a sorted set: members in the order of their scores, equal scores in the order of the
// members' bytes. container.h says how values are handled.
//
// While it is small it is a packed list of members and scores in turn, in order; else a tree with
// ranks (score_tree.h) and a hash table from member to score, both over the same members.
//
// Form, as in Redis: it becomes a tree when it has more members than zset-max-listpack-entries or a
// member longer than zset-max-listpack-value, and goes back only where a command makes a new one.
//
// Ranks count from the lowest score, from 0. Scores are never NaN.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "targets/kv/container.h"
#include "targets/kv/element.h"
#include "targets/kv/packed_list.h"
#include "targets/kv/score_tree.h"

namespace understudy::targets::kv {

// An end of a range of scores.
struct ScoreBound {
  double score = 0;
  bool exclusive = false;
};
// An end of a range of members, among members of equal score.
struct LexBound {
  enum class Kind : uint8_t { kLeast, kText, kGreatest };
  Kind kind = Kind::kText;
  std::string_view text = {};
  bool exclusive = false;
};

class SortedSetValue {
 public:
  enum Form : uint8_t { kPacked, kTree };
  struct TableTraits {
    using Item = ScoredMember;
    static std::string_view Key(const ScoredMember& member) { return member.text(); }
  };
  struct Tree {
    explicit Tree(const KeyHasher& hasher) : table(hasher) {}
    HashTable<TableTraits> table;  // owns the members
    ScoreTree order;
  };
  enum class Added : uint8_t { kNew, kChanged, kSame };

  static SortedSetValue New() { return OfPacked(PackedList::New()); }
  // An empty set in the form that suits so many members of that length.
  static SortedSetValue NewFor(size_t members, size_t longest, const Forms& forms);
  // Whether a list of members and scores in turn is in order, and the scores are numbers.
  static bool IsInOrder(const PackedList& list);
  // REQUIRES: IsInOrder(), no member twice.
  static SortedSetValue OfPacked(PackedList list) {
    return SortedSetValue({list.block(), kPacked});
  }
  static SortedSetValue NewTree(size_t members, const Forms& forms);
  explicit SortedSetValue(Object object) : object_(object) {}
  Object object() const { return object_; }
  SortedSetValue Copy(const Forms& forms) const;

  bool IsPacked() const { return object_.form == kPacked; }
  PackedList packed() const { return PackedList(object_.address); }   // if IsPacked()
  Tree* tree() const { return static_cast<Tree*>(object_.address); }  // if not

  size_t size() const { return IsPacked() ? packed().size() / 2 : tree()->order.size(); }
  std::optional<double> Score(std::string_view member, const Forms& forms) const;
  // The member's rank and score.
  std::optional<std::pair<size_t, double>> Rank(std::string_view member, const Forms& forms) const;
  // How many members come before the range that begins with `least`, or up to the end of the one
  // that ends with `greatest`.
  size_t RankOfLeast(const ScoreBound& least) const;
  size_t RankBehind(const ScoreBound& greatest) const;
  size_t RankOfLeast(const LexBound& least) const;
  size_t RankBehind(const LexBound& greatest) const;
  // visit(const Element& member, double score) from a rank on, upwards or downwards, at most
  // `count` times. REQUIRES: count is 0 or first < size().
  template <typename Visit>
  void ForRange(size_t first, size_t count, bool downwards, Visit&& visit) const {
    ForRangeWhile(first, count, downwards, [&visit](const Element& member, double score) {
      visit(member, score);
      return true;
    });
  }
  // The same until visit() returns false.
  template <typename Visit>
  void ForRangeWhile(size_t first, size_t count, bool downwards, Visit&& visit) const;
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    ForRange(0, size(), false, visit);
  }
  // One step of ZSCAN: some members (of a packed list: all), and the cursor to go on with, 0 at the
  // end.
  template <typename Visit>
  uint64_t Scan(uint64_t cursor, Visit&& visit) const;
  // A member chosen at random, by 64 random bits. REQUIRES: size() > 0.
  std::pair<Element, double> Random(uint64_t random) const;

  Added Add(std::string_view member, double score, const Forms& forms);
  bool Remove(std::string_view member, const Forms& forms);  // false if it wasn't there
  // REQUIRES: first + count <= size().
  void RemoveRange(size_t first, size_t count, const Forms& forms);
  // For a set that a command made: gives it the packed form if it is small enough.
  void Compact(const Forms& forms);

 private:
  void Put(PackedList list) { object_.address = list.block(); }
  static double ScoreOf(const Element& element);
  static Element ScoreElement(double score, char* digits);
  void InsertPacked(std::string_view member, double score);
  Added AddToTree(std::string_view member, double score, const Forms& forms);
  void Convert(size_t members, const Forms& forms);
  template <typename Before>
  size_t CountBefore(Before&& before) const;

  Object object_;
};

template <typename Visit>
void SortedSetValue::ForRangeWhile(size_t first, size_t count, bool downwards,
                                   Visit&& visit) const {
  if (count == 0) return;
  if (!IsPacked()) {
    for (ScoreTree::Cursor at = tree()->order.At(first); at && count > 0; --count) {
      const std::string_view text = at.member()->text();
      if (!visit(Element::OfBytes(text.data(), text.size()), at.score())) return;
      downwards ? at.Previous() : at.Next();
    }
    return;
  }
  const PackedList list = packed();
  for (auto at = list.Seek(first * 2); at != PackedList::kNone && count > 0; --count) {
    const PackedList::Position score = list.Next(at);
    if (!visit(list.Get(at), ScoreOf(list.Get(score)))) return;
    at = downwards ? list.Previous(at) : list.Next(score);
    if (downwards && at != PackedList::kNone) at = list.Previous(at);
  }
}

template <typename Visit>
uint64_t SortedSetValue::Scan(uint64_t cursor, Visit&& visit) const {
  if (IsPacked()) {
    ForEach(visit);
    return 0;
  }
  return tree()->table.Scan(cursor, false, [&visit](const ScoredMember* member, bool) {
    const std::string_view text = member->text();
    visit(Element::OfBytes(text.data(), text.size()), member->score());
  });
}

}  // namespace understudy::targets::kv
