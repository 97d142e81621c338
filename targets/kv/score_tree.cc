#include "targets/kv/score_tree.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "targets/kv/entry.h"

namespace understudy::targets::kv {

// ---- members ----

namespace {

constexpr size_t kShortHeader = 9, kLongHeader = 13;

size_t MemberBytes(size_t text_size) {
  return RoundToSizeClass((text_size < 0xff ? kShortHeader : kLongHeader) + text_size);
}

}  // namespace

ScoredMember* ScoredMember::New(double score, std::string_view text) {
  if (text.size() > UINT32_MAX) throw std::bad_alloc();
  void* memory = std::malloc(MemberBytes(text.size()));
  if (memory == nullptr) throw std::bad_alloc();
  auto* member = static_cast<ScoredMember*>(memory);
  member->score_ = score;
  char* to = static_cast<char*>(memory) + kShortHeader;
  if (text.size() < kLong) {
    member->size_ = static_cast<uint8_t>(text.size());
  } else {
    member->size_ = kLong;
    const auto size = static_cast<uint32_t>(text.size());
    std::memcpy(to, &size, sizeof size);
    to += sizeof size;
  }
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return member;
}

void ScoredMember::Free(ScoredMember* member) { std::free(member); }

std::string_view ScoredMember::text() const {
  const char* from = reinterpret_cast<const char*>(this) + kShortHeader;
  if (size_ != kLong) return {from, size_};
  uint32_t size;
  std::memcpy(&size, from, sizeof size);
  return {from + sizeof size, size};
}

size_t ScoredMember::memory() const { return MemberBytes(text().size()); }

// ---- cursors ----

double ScoreTree::Cursor::score() const { return leaf_->scores[position_]; }

const ScoredMember* ScoreTree::Cursor::member() const { return leaf_->members[position_]; }

void ScoreTree::Cursor::Next() {
  if (++position_ < leaf_->count) return;
  leaf_ = leaf_->next;
  position_ = 0;
}

void ScoreTree::Cursor::Previous() {
  if (--position_ >= 0) return;
  leaf_ = leaf_->previous;
  if (leaf_ != nullptr) position_ = leaf_->count - 1;
}

// ---- finding ----

bool ScoreTree::IsBefore(double score, const ScoredMember* member, double other_score,
                         std::string_view other_text) {
  return score < other_score || (score == other_score && member->text() < other_text);
}

// The last child whose first member isn't behind; the first one if all are.
int ScoreTree::ChildFor(const Inner& node, double score, std::string_view text) {
  int first = 0, last = node.count - 1;
  while (first < last) {
    const int middle = (first + last + 1) / 2;
    const bool behind = node.scores[middle] > score ||
                        (node.scores[middle] == score && node.firsts[middle]->text() > text);
    if (behind) {
      last = middle - 1;
    } else {
      first = middle;
    }
  }
  return first;
}

int ScoreTree::PositionIn(const Leaf& leaf, double score, std::string_view text) {
  int first = 0, last = leaf.count;
  while (first < last) {
    const int middle = (first + last) / 2;
    if (IsBefore(leaf.scores[middle], leaf.members[middle], score, text)) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  return first;
}

void ScoreTree::Find(double score, std::string_view text, Path* path) const {
  void* node = root_;
  for (int depth = 0; depth < height_; ++depth) {
    auto* inner = static_cast<Inner*>(node);
    const int child = ChildFor(*inner, score, text);
    path->steps[depth] = {inner, child};
    node = inner->children[child];
  }
  path->leaf = static_cast<Leaf*>(node);
  path->position = PositionIn(*path->leaf, score, text);
}

void ScoreTree::FindRank(size_t rank, Path* path) const {
  void* node = root_;
  for (int depth = 0; depth < height_; ++depth) {
    auto* inner = static_cast<Inner*>(node);
    int child = 0;
    for (; rank >= inner->sizes[child]; ++child) rank -= inner->sizes[child];
    path->steps[depth] = {inner, child};
    node = inner->children[child];
  }
  path->leaf = static_cast<Leaf*>(node);
  path->position = static_cast<int>(rank);
}

ScoreTree::Cursor ScoreTree::At(size_t rank) const {
  if (rank >= size_) return {};
  Path path;
  FindRank(rank, &path);
  return {path.leaf, path.position};
}

size_t ScoreTree::RankOf(const ScoredMember* member) const {
  const void* node = root_;
  size_t rank = 0;
  for (int level = height_; level > 0; --level) {
    const auto& inner = *static_cast<const Inner*>(node);
    const int child = ChildFor(inner, member->score(), member->text());
    for (int i = 0; i < child; ++i) rank += inner.sizes[i];
    node = inner.children[child];
  }
  const auto& leaf = *static_cast<const Leaf*>(node);
  return rank + static_cast<size_t>(PositionIn(leaf, member->score(), member->text()));
}

// ---- slots of inner nodes ----

void ScoreTree::InsertSlot(Inner* node, int at, void* child, uint64_t size, double score,
                           const ScoredMember* first) {
  const auto insert = [node, at](auto* array, auto value) {
    std::copy_backward(array + at, array + node->count, array + node->count + 1);
    array[at] = value;
  };
  insert(node->scores, score);
  insert(node->firsts, first);
  insert(node->sizes, size);
  insert(node->children, child);
  ++node->count;
}

void ScoreTree::EraseSlot(Inner* node, int at) {
  const auto erase = [node, at](auto* array) {
    std::copy(array + at + 1, array + node->count, array + at);
  };
  erase(node->scores);
  erase(node->firsts);
  erase(node->sizes);
  erase(node->children);
  --node->count;
}

uint64_t ScoreTree::SumOf(const Inner& node) {
  uint64_t sum = 0;
  for (int i = 0; i < node.count; ++i) sum += node.sizes[i];
  return sum;
}

void ScoreTree::FixSeparators(const Path& path, int depth, double score,
                              const ScoredMember* first) {
  for (; depth >= 0; --depth) {
    const Step& step = path.steps[depth];
    step.node->scores[step.child] = score;
    step.node->firsts[step.child] = first;
    if (step.child != 0) return;
  }
}

// ---- inserting ----

void ScoreTree::Insert(ScoredMember* member) {
  if (root_ == nullptr) {
    root_ = new Leaf;
    ++nodes_;
  }
  Path path;
  Find(member->score(), member->text(), &path);
  if (path.leaf->count == kLeafSlots) {
    SplitLeaf(path, member);
    Find(member->score(), member->text(), &path);
  }
  Leaf* const leaf = path.leaf;
  const int at = path.position;
  std::copy_backward(leaf->scores + at, leaf->scores + leaf->count, leaf->scores + leaf->count + 1);
  std::copy_backward(leaf->members + at, leaf->members + leaf->count,
                     leaf->members + leaf->count + 1);
  leaf->scores[at] = member->score();
  leaf->members[at] = member;
  ++leaf->count;
  ++size_;
  for (int depth = 0; depth < height_; ++depth) {
    ++path.steps[depth].node->sizes[path.steps[depth].child];
  }
  if (at == 0) FixSeparators(path, height_ - 1, member->score(), member);
}

void ScoreTree::SplitLeaf(const Path& path, const ScoredMember* inserted) {
  Leaf* const left = path.leaf;
  // At the ends of the tree everything stays on one side: members come in order, and more will.
  int split = left->count / 2;
  if (left->next == nullptr && path.position == left->count) split = left->count;
  if (left->previous == nullptr && path.position == 0) split = 0;

  Leaf* const right = new Leaf;
  ++nodes_;
  right->count = left->count - split;
  std::copy(left->scores + split, left->scores + left->count, right->scores);
  std::copy(left->members + split, left->members + left->count, right->members);
  // An empty left leaf keeps its separator until the insertion puts it right.
  const double left_score = left->scores[0];
  const ScoredMember* const left_first = left->members[0];
  left->count = split;
  right->next = left->next;
  right->previous = left;
  if (right->next != nullptr) right->next->previous = right;
  left->next = right;

  const auto right_size = static_cast<uint64_t>(right->count);
  const ScoredMember* const right_first = right->count > 0 ? right->members[0] : inserted;
  const double right_score = right_first->score();
  const auto left_size = static_cast<uint64_t>(left->count);
  if (height_ == 0) {
    GrowRoot(left, left_size, left_score, left_first, right, right_size, right_score, right_first);
    return;
  }
  const Step& step = path.steps[height_ - 1];
  step.node->sizes[step.child] = left_size;
  AddChild(path, height_ - 1, step.child + 1, right, right_size, right_score, right_first);
}

void ScoreTree::GrowRoot(void* left, uint64_t left_size, double left_score,
                         const ScoredMember* left_first, void* right, uint64_t right_size,
                         double right_score, const ScoredMember* right_first) {
  auto* root = new Inner;
  ++nodes_;
  InsertSlot(root, 0, left, left_size, left_score, left_first);
  InsertSlot(root, 1, right, right_size, right_score, right_first);
  root_ = root;
  ++height_;
  assert(height_ < kMaxDepth);
}

void ScoreTree::AddChild(const Path& path, int depth, int at, void* child, uint64_t size,
                         double score, const ScoredMember* first) {
  Inner* const left = path.steps[depth].node;
  if (left->count < kChildren) return InsertSlot(left, at, child, size, score, first);
  auto* right = new Inner;
  ++nodes_;
  const int split = at == left->count ? at : kChildren / 2;
  const int moved = left->count - split;
  std::copy_n(left->scores + split, moved, right->scores);
  std::copy_n(left->firsts + split, moved, right->firsts);
  std::copy_n(left->sizes + split, moved, right->sizes);
  std::copy_n(left->children + split, moved, right->children);
  right->count = moved;
  left->count = split;
  if (at > split || moved == 0) {
    InsertSlot(right, at - split, child, size, score, first);
  } else {
    InsertSlot(left, at, child, size, score, first);
  }
  if (depth == 0) {
    GrowRoot(left, SumOf(*left), left->scores[0], left->firsts[0], right, SumOf(*right),
             right->scores[0], right->firsts[0]);
    return;
  }
  const Step& above = path.steps[depth - 1];
  above.node->sizes[above.child] = SumOf(*left);
  AddChild(path, depth - 1, above.child + 1, right, SumOf(*right), right->scores[0],
           right->firsts[0]);
}

// ---- removing ----

void ScoreTree::DropLeaf(Leaf* leaf) {
  if (leaf->previous != nullptr) leaf->previous->next = leaf->next;
  if (leaf->next != nullptr) leaf->next->previous = leaf->previous;
  delete leaf;
  --nodes_;
}

void ScoreTree::Remove(double score, std::string_view text) {
  Path path;
  Find(score, text, &path);
  assert(path.position < path.leaf->count && path.leaf->members[path.position]->text() == text);
  RemoveFound(path);
}

ScoredMember* ScoreTree::RemoveAt(size_t rank) {
  Path path;
  FindRank(rank, &path);
  ScoredMember* member = path.leaf->members[path.position];
  RemoveFound(path);
  return member;
}

void ScoreTree::RemoveFound(const Path& path) {
  Leaf* const leaf = path.leaf;
  const int at = path.position;
  std::copy(leaf->scores + at + 1, leaf->scores + leaf->count, leaf->scores + at);
  std::copy(leaf->members + at + 1, leaf->members + leaf->count, leaf->members + at);
  --leaf->count;
  --size_;
  for (int depth = 0; depth < height_; ++depth) {
    --path.steps[depth].node->sizes[path.steps[depth].child];
  }
  if (leaf->count == 0) {
    DropLeaf(leaf);
    if (height_ == 0) {
      root_ = nullptr;
    } else {
      RemoveChild(path, height_ - 1);
    }
  } else {
    if (at == 0) FixSeparators(path, height_ - 1, leaf->scores[0], leaf->members[0]);
    if (leaf->count < kLeafSlots / 4 && height_ > 0) MergeLeaves(path);
  }
  while (height_ > 0 && static_cast<Inner*>(root_)->count == 1) {
    auto* root = static_cast<Inner*>(root_);
    root_ = root->children[0];
    delete root;
    --nodes_;
    --height_;
  }
}

void ScoreTree::RemoveChild(const Path& path, int depth) {
  const auto [node, child] = path.steps[depth];
  EraseSlot(node, child);
  if (node->count == 0) {
    assert(depth > 0);
    delete node;
    --nodes_;
    return RemoveChild(path, depth - 1);
  }
  if (child == 0) FixSeparators(path, depth - 1, node->scores[0], node->firsts[0]);
  if (node->count < kChildren / 4 && depth > 0) MergeInner(path, depth);
}

void ScoreTree::MergeLeaves(const Path& path) {
  const auto [parent, child] = path.steps[height_ - 1];
  for (const int left_child : {child, child - 1}) {
    if (left_child < 0 || left_child + 1 >= parent->count) continue;
    auto* left = static_cast<Leaf*>(parent->children[left_child]);
    auto* right = static_cast<Leaf*>(parent->children[left_child + 1]);
    if (left->count + right->count > kLeafSlots * 3 / 4) continue;
    std::copy_n(right->scores, right->count, left->scores + left->count);
    std::copy_n(right->members, right->count, left->members + left->count);
    left->count += right->count;
    parent->sizes[left_child] += parent->sizes[left_child + 1];
    DropLeaf(right);
    Path to_right = path;
    to_right.steps[height_ - 1].child = left_child + 1;
    return RemoveChild(to_right, height_ - 1);
  }
}

void ScoreTree::MergeInner(const Path& path, int depth) {
  const auto [parent, child] = path.steps[depth - 1];
  for (const int left_child : {child, child - 1}) {
    if (left_child < 0 || left_child + 1 >= parent->count) continue;
    auto* left = static_cast<Inner*>(parent->children[left_child]);
    auto* right = static_cast<Inner*>(parent->children[left_child + 1]);
    if (left->count + right->count > kChildren * 3 / 4) continue;
    std::copy_n(right->scores, right->count, left->scores + left->count);
    std::copy_n(right->firsts, right->count, left->firsts + left->count);
    std::copy_n(right->sizes, right->count, left->sizes + left->count);
    std::copy_n(right->children, right->count, left->children + left->count);
    left->count += right->count;
    parent->sizes[left_child] += parent->sizes[left_child + 1];
    delete right;
    --nodes_;
    Path to_right = path;
    to_right.steps[depth - 1].child = left_child + 1;
    return RemoveChild(to_right, depth - 1);
  }
}

void ScoreTree::Move(ScoredMember* member, double score) {
  const std::string_view text = member->text();
  Path path;
  Find(member->score(), text, &path);
  Leaf* const leaf = path.leaf;
  const int at = path.position;
  const Cursor here(leaf, at);
  Cursor previous = here, next = here;
  previous.Previous();
  next.Next();
  const bool stays = (!previous || IsBefore(previous.score(), previous.member(), score, text)) &&
                     (!next || !IsBefore(next.score(), next.member(), score, text));
  if (stays) {
    leaf->scores[at] = score;
    member->set_score(score);
    if (at == 0) FixSeparators(path, height_ - 1, score, member);
    return;
  }
  RemoveFound(path);
  member->set_score(score);
  Insert(member);
}

// ---- the whole tree ----

ScoreTree::~ScoreTree() { FreeSome(nodes_ + 1); }

bool ScoreTree::FreeSome(size_t nodes) {
  for (; root_ != nullptr && nodes > 0; --nodes) {
    Inner* way[kMaxDepth];
    void* node = root_;
    for (int depth = 0; depth < height_; ++depth) {
      way[depth] = static_cast<Inner*>(node);
      node = way[depth]->children[way[depth]->count - 1];
    }
    delete static_cast<Leaf*>(node);
    --nodes_;
    int depth = height_ - 1;
    for (; depth >= 0 && --way[depth]->count == 0; --depth) {
      delete way[depth];
      --nodes_;
    }
    if (depth < 0) root_ = nullptr;
  }
  if (root_ != nullptr) return false;
  height_ = 0;
  size_ = 0;
  return true;
}

size_t ScoreTree::CheckNode(const void* node, int height, const ScoredMember** last) const {
  if (height == 0) {
    const auto& leaf = *static_cast<const Leaf*>(node);
    assert(leaf.count > 0 && leaf.count <= kLeafSlots);
    assert((leaf.previous == nullptr) == (*last == nullptr));
    for (int i = 0; i < leaf.count; ++i) {
      const ScoredMember* member = leaf.members[i];
      assert(member->score() == leaf.scores[i]);
      assert(*last == nullptr ||
             IsBefore((*last)->score(), *last, member->score(), member->text()));
      *last = member;
    }
    return static_cast<size_t>(leaf.count);
  }
  const auto& inner = *static_cast<const Inner*>(node);
  assert(inner.count > 0 && inner.count <= kChildren);
  size_t sum = 0;
  for (int i = 0; i < inner.count; ++i) {
    const void* first = inner.children[i];
    for (int level = height - 1; level > 0; --level) {
      first = static_cast<const Inner*>(first)->children[0];
    }
    assert(inner.firsts[i] == static_cast<const Leaf*>(first)->members[0]);
    assert(inner.scores[i] == inner.firsts[i]->score());
    const size_t size = CheckNode(inner.children[i], height - 1, last);
    assert(size == inner.sizes[i]);
    sum += size;
  }
  return sum;
}

void ScoreTree::Check() const {
  const ScoredMember* last = nullptr;
  const size_t size = root_ == nullptr ? 0 : CheckNode(root_, height_, &last);
  assert(size == size_);
  static_cast<void>(size);
  assert(height_ == 0 || static_cast<const Inner*>(root_)->count > 1);
}

}  // namespace understudy::targets::kv
