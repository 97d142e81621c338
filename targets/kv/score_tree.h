// Members in the order of a sorted set (by score, then by the member's bytes), with ranks: a B+tree
// whose inner nodes count what is below each child. The form of big sorted sets, together with a
// hash table from member to score (sorted_set_value.h).
//
// A leaf holds scores and pointers to members in two arrays, so that a search reads the scores one
// after the other and looks at a member only where scores are equal. Leaves are chained, so that a
// range is read without the tree. Finding, inserting, removing and ranks are O(log n); all nodes
// are of 1 KiB. Leaves filled in ascending or descending order are filled to the end.
//
// Invariants:
//  1. Leaves are all at the same depth; no node but the root's leaf is empty.
//  2. In inner nodes, separator i is the first member below child i, with its score, and size i the
//     number of members below child i.
//  3. The root has at least two children, if it isn't a leaf. A node from which something was
//  removed
//     is at least a quarter full, or wouldn't fit together with a neighbour into three quarters of
//     a node: so the height stays logarithmic, whatever is removed.
//
// The tree doesn't own the members. Changing a member's score is the caller's, together with
// Move(). A Cursor is valid until the tree changes. Throws nothing but std::bad_alloc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace understudy::targets::kv {

// A member and its score in one allocation.
//
//   member := score:8 size:1 bytes          size below 255
//           | score:8 FF size:4 bytes
class ScoredMember {
 public:
  static ScoredMember* New(double score, std::string_view text);
  static void Free(ScoredMember* member);

  double score() const { return score_; }
  void set_score(double score) { score_ = score; }
  std::string_view text() const;
  size_t memory() const;  // bytes asked of the allocator

 private:
  ScoredMember() = default;
  static constexpr uint8_t kLong = 0xff;
  double score_;
  uint8_t size_;
  char rest_[7];
};

class ScoreTree {
 private:
  struct Leaf;
  struct Inner;

 public:
  class Cursor {
   public:
    Cursor() = default;
    explicit operator bool() const { return leaf_ != nullptr; }
    double score() const;
    const ScoredMember* member() const;
    void Next();      // empty behind the last
    void Previous();  // empty before the first

   private:
    friend class ScoreTree;
    Cursor(const Leaf* leaf, int position) : leaf_(leaf), position_(position) {}
    const Leaf* leaf_ = nullptr;
    int position_ = 0;
  };

  ScoreTree() = default;
  ScoreTree(const ScoreTree&) = delete;
  ScoreTree& operator=(const ScoreTree&) = delete;
  ~ScoreTree();

  size_t size() const { return size_; }
  size_t memory() const { return nodes_ * kNodeBytes; }

  // REQUIRES: the member isn't in the tree.
  void Insert(ScoredMember* member);
  // REQUIRES: the member is in the tree.
  void Remove(const ScoredMember* member) { Remove(member->score(), member->text()); }
  ScoredMember* RemoveAt(size_t rank);  // REQUIRES: rank < size()
  // Gives a member in the tree another score, and its place.
  void Move(ScoredMember* member, double score);

  // How many come before the member. REQUIRES: it is in the tree.
  size_t RankOf(const ScoredMember* member) const;
  // The member of that rank; an empty cursor if there is none.
  Cursor At(size_t rank) const;
  Cursor First() const { return At(0); }
  // How many members come first for which `before` is true; it must be true for some, beginning
  // with the first, and false for the rest. bool before(double score, const ScoredMember&).
  template <typename Before>
  size_t CountBefore(Before&& before) const;

  // Frees up to `nodes` nodes, not the members; true when the tree is empty. Nothing else may be
  // done to the tree from the first call on.
  bool FreeSome(size_t nodes);

  // Aborts if an invariant doesn't hold; for tests.
  void Check() const;

 private:
  static constexpr size_t kNodeBytes = 1024;
  static constexpr int kLeafSlots = 62, kChildren = 31;
  // Height is at most log(2^64) to the base of half a node.
  static constexpr int kMaxDepth = 20;

  struct Leaf {
    int32_t count = 0;
    Leaf* previous = nullptr;
    Leaf* next = nullptr;
    double scores[kLeafSlots];
    ScoredMember* members[kLeafSlots];
  };
  struct Inner {
    int32_t count = 0;
    double scores[kChildren];  // separators
    const ScoredMember* firsts[kChildren];
    uint64_t sizes[kChildren];
    void* children[kChildren];  // Inner, or Leaf at the lowest level
  };
  static_assert(sizeof(Leaf) <= kNodeBytes && sizeof(Inner) <= kNodeBytes);

  struct Step {
    Inner* node;
    int child;
  };
  // The way from the root to a leaf.
  struct Path {
    Step steps[kMaxDepth];
    Leaf* leaf;
    int position;
  };

  static bool IsBefore(double score, const ScoredMember* member, double other_score,
                       std::string_view other_text);
  static int ChildFor(const Inner& node, double score, std::string_view text);
  static int PositionIn(const Leaf& leaf, double score, std::string_view text);

  void Remove(double score, std::string_view text);
  // The leaf where such a member is or belongs, with its position in it. REQUIRES: root_.
  void Find(double score, std::string_view text, Path* path) const;
  void FindRank(size_t rank, Path* path) const;
  void RemoveFound(const Path& path);
  // Puts right the separators above a leaf whose first member has changed.
  static void FixSeparators(const Path& path, int depth, double score, const ScoredMember* first);
  static uint64_t SumOf(const Inner& node);
  void GrowRoot(void* left, uint64_t left_size, double left_score, const ScoredMember* left_first,
                void* right, uint64_t right_size, double right_score,
                const ScoredMember* right_first);
  // `inserted`: the member there is to be room for.
  void SplitLeaf(const Path& path, const ScoredMember* inserted);
  void AddChild(const Path& path, int depth, int at, void* child, uint64_t size, double score,
                const ScoredMember* first);
  void RemoveChild(const Path& path, int depth);
  void MergeLeaves(const Path& path);
  void MergeInner(const Path& path, int depth);
  void DropLeaf(Leaf* leaf);
  static void InsertSlot(Inner* node, int at, void* child, uint64_t size, double score,
                         const ScoredMember* first);
  static void EraseSlot(Inner* node, int at);
  size_t CheckNode(const void* node, int height, const ScoredMember** last) const;

  void* root_ = nullptr;  // Leaf if height_ == 0
  int height_ = 0;        // levels of inner nodes
  size_t size_ = 0;
  size_t nodes_ = 0;
};

template <typename Before>
size_t ScoreTree::CountBefore(Before&& before) const {
  if (root_ == nullptr) return 0;
  const void* node = root_;
  size_t rank = 0;
  for (int level = height_; level > 0; --level) {
    const Inner& inner = *static_cast<const Inner*>(node);
    // The last child whose first member is before.
    int first = 0, last = inner.count - 1;
    while (first < last) {
      const int middle = (first + last + 1) / 2;
      if (before(inner.scores[middle], *inner.firsts[middle])) {
        first = middle;
      } else {
        last = middle - 1;
      }
    }
    for (int i = 0; i < first; ++i) rank += inner.sizes[i];
    node = inner.children[first];
  }
  const Leaf& leaf = *static_cast<const Leaf*>(node);
  int first = 0, last = leaf.count;
  while (first < last) {
    const int middle = (first + last) / 2;
    if (before(leaf.scores[middle], *leaf.members[middle])) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  return rank + static_cast<size_t>(first);
}

}  // namespace understudy::targets::kv
