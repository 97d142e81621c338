// A list of any length: a doubly linked chain of nodes, each a packed list of some elements. The
// form of big lists, as Redis' quicklist is.
//
// How much goes into a node is the caller's to say (NodeLimit): by bytes (8 KiB unless configured
// otherwise), so that a change in a node moves little, or by number. Elements that are too big for
// a packed list get a node of their own, as plain bytes.
//
// O(1) at both ends. Finding an index walks the nodes from the nearer end: O(n / elements a node).
//
// Invariants:
//  1. No node is empty. A plain node holds one element.
//  2. count() is the sum of the nodes' counts.
//  3. A packed node exceeds its limit only if it holds a single element, or was filled under other
//     limits.
//
// A Cursor is a place in the list; it stays valid until the list changes, unless a function says
// where it is afterwards. Elements got from the list are valid until it changes; elements given
// must not point into it. Throws nothing but std::bad_alloc.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>

#include "targets/kv/packed_list.h"

namespace understudy::targets::kv {

// Redis' parameter list-max-listpack-size: -1 .. -5 are 4 KiB .. 64 KiB a node, a positive number
// is the most elements a node holds (but 8 KiB).
struct NodeLimit {
  static constexpr size_t kSafeBytes = 8192;
  size_t bytes = kSafeBytes;
  size_t count = std::numeric_limits<size_t>::max();
  // Elements of at least this size are kept as plain bytes.
  size_t plain_bytes = 1 << 30;

  static NodeLimit FromParameter(int64_t list_max_listpack_size, size_t plain_bytes);
  bool Allows(size_t node_bytes, size_t node_count) const {
    return node_bytes <= bytes && node_count <= count;
  }
  bool IsPlain(const Element& element) const {
    return !element.IsInteger() && element.bytes().size() >= plain_bytes;
  }
};

class QuickList {
 private:
  struct Node;

 public:
  enum class End : uint8_t { kFront, kBack };

  class Cursor {
   public:
    Cursor() = default;
    explicit operator bool() const { return node_ != nullptr; }
    bool operator==(const Cursor&) const = default;

   private:
    friend class QuickList;
    Cursor(Node* node, PackedList::Position at) : node_(node), at_(at) {}
    Node* node_ = nullptr;
    PackedList::Position at_ = PackedList::kNone;  // of a plain node: kNone
  };

  QuickList() = default;
  QuickList(const QuickList&) = delete;
  QuickList& operator=(const QuickList&) = delete;
  ~QuickList();  // O(nodes); see FreeSome()
  std::unique_ptr<QuickList> Copy() const;

  size_t size() const { return count_; }
  size_t nodes() const { return nodes_; }
  size_t memory() const;  // bytes asked of the allocator

  // ---- reading: an empty cursor when there is no such element ----

  Cursor First() const;
  Cursor Last() const;
  Cursor Next(Cursor at) const;
  Cursor Previous(Cursor at) const;
  Cursor Seek(size_t index) const;
  Element Get(Cursor at) const;
  bool Equals(Cursor at, const Element& element) const;

  // ---- changing ----

  void Push(End end, const Element& element, const NodeLimit& limit);
  void Pop(End end);  // REQUIRES: size() > 0
  // Puts an element before `at`, or at the end if `at` is empty.
  void Insert(Cursor at, const Element& element, const NodeLimit& limit);
  void Replace(Cursor at, const Element& element, const NodeLimit& limit);
  // Returns the element behind it.
  Cursor Erase(Cursor at);
  void EraseRange(size_t first, size_t count);

  // ---- whole nodes: loading, saving, change of form ----

  // Takes over a packed list, which isn't empty.
  void AppendNode(PackedList list);
  void AppendPlainNode(std::string_view bytes);
  // If there is a single, packed node: it, for reading.
  const PackedList* OnlyNode() const;
  // Takes the only node's list out; the list is empty then.
  PackedList ReleaseOnlyNode();
  // visit(bool plain, std::string_view bytes): plain bytes, or a packed list's block.
  template <typename Visit>
  void ForEachNode(Visit&& visit) const {
    for (const Node* node = head_; node != nullptr; node = node->next) {
      visit(node->plain, node->bytes_view());
    }
  }

  // Frees up to `nodes` nodes; true when the list is empty.
  bool FreeSome(size_t nodes);

 private:
  struct Node {
    Node* previous = nullptr;
    Node* next = nullptr;
    void* block = nullptr;  // a PackedList's, or plain bytes
    uint32_t plain_size = 0;
    uint32_t count : 31 = 0;
    uint32_t plain : 1 = 0;

    PackedList list() const { return PackedList(block); }
    std::string_view plain_bytes() const { return {static_cast<const char*>(block), plain_size}; }
    std::string_view bytes_view() const { return plain ? plain_bytes() : list().bytes_view(); }
  };

  static Node* NewPacked(PackedList list);
  static Node* NewPlain(std::string_view bytes);
  static Node* NewFor(const Element& element, const NodeLimit& limit);
  static void FreeNode(Node* node);
  static bool HasRoom(const Node* node, const Element& element, const NodeLimit& limit);
  static Cursor FirstOf(Node* node) {
    if (node == nullptr) return {};
    return {node, node->plain ? PackedList::kNone : node->list().First()};
  }
  static Cursor LastOf(Node* node) {
    if (node == nullptr) return {};
    return {node, node->plain ? PackedList::kNone : node->list().Last()};
  }
  void LinkBefore(Node* next, Node* node);  // nullptr: at the end
  void Unlink(Node* node);                  // and frees it
  void InsertIntoFull(Cursor at, const Element& element, const NodeLimit& limit);
  // Joins two neighbours if they fit into one node; either may be missing. True if `right` is gone.
  bool TryMerge(Node* left, Node* right, const NodeLimit& limit);
  // Makes `at` the first entry of its node.
  Node* SplitBefore(Cursor at);

  Node* head_ = nullptr;
  Node* tail_ = nullptr;
  size_t count_ = 0;
  size_t nodes_ = 0;
};

}  // namespace understudy::targets::kv
