// A stream: entries in the order of their ids, and what it remembers of its past.
//
// Entries lie in packed nodes (stream_node.h), and the nodes in an index by the id of their first
// entry (id_index.h). Appending, the ends, and removing whole nodes cost O(1) or nearly; finding an
// id O(log n) and a walk through its node.
//
// Invariants:
//  1. Ids grow, and none is greater than last_id.
//  2. Every node has a live entry. length() is the number of these.
//  3. first_id is the id of the first live entry, 0-0 if there is none.
//
// Unlike other containers a stream may be empty. A Stream owns its nodes and groups. Texts given to
// it must not point into it; entries got from it are valid until it changes. Throws nothing but
// std::bad_alloc.
//
// Limits: the fields and values of an entry have kMaxEntryBytes bytes in all; who adds must look.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "targets/container_limits.h"
#include "targets/kv/entry.h"
#include "targets/kv/id_index.h"
#include "targets/kv/stream_group.h"
#include "targets/kv/stream_id.h"
#include "targets/kv/stream_node.h"

namespace understudy::targets::kv {

// What XADD and XTRIM ask to be removed.
struct StreamTrim {
  enum class By : uint8_t { kNothing, kLength, kId };
  By by = By::kNothing;
  bool approximate = false;  // only whole nodes
  uint64_t max_length = 0;
  StreamId min_id;
  uint64_t limit = 0;  // most entries to remove, if approximate; 0: no limit
};

// A node in a stream's index.
struct StreamNodeItem {
  StreamId id;
  void* block;
};

class Stream {
 public:
  static constexpr size_t kMaxEntryBytes = size_t{1} << 30;
  using Groups = std::map<std::string, StreamGroup, std::less<>>;

  Stream() = default;
  explicit Stream(const Stream& other);  // a copy of all of it
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  // As other values are kept in an entry's object: the object owns the stream.
  static Stream& Of(Object object) { return *static_cast<Stream*>(object.address); }
  Object object() { return {this, 0}; }

  uint64_t length() const { return length_; }
  size_t nodes() const { return nodes_.size(); }
  const StreamId& first_id() const { return first_id_; }
  // The id of the last live entry. REQUIRES: length() > 0.
  StreamId LastLiveId() const;
  bool Contains(const StreamId& id) const;

  StreamId last_id;            // of the last entry ever added, or as was set
  StreamId max_deleted_id;     // the greatest that XDEL removed
  uint64_t entries_added = 0;  // ever

  Groups& groups() { return groups_; }
  const Groups& groups() const { return groups_; }
  StreamGroup* FindGroup(std::string_view name);
  const StreamGroup* FindGroup(std::string_view name) const;

  // Entries between two ids, both included, from either end.
  class Range {
   public:
    Range(const Stream& stream, const StreamId& first, const StreamId& last, bool reverse = false);
    // False at the end.
    bool Next(StreamEntry* entry);

   private:
    bool OpenNode();

    const Stream& stream_;
    const StreamId first_, last_;
    const bool reverse_;
    size_t left_;  // nodes not yet opened, at most
    IdIndex<StreamNodeItem>::Cursor node_;
    void* block_ = nullptr;  // of the node being read
    StreamId node_id_;
    PackedList::Position at_ = PackedList::kNone;
  };

  // REQUIRES: id > last_id. Fields and values in turn.
  void Append(const StreamId& id, std::span<const std::string_view> fields_and_values,
              const ContainerLimits& limits, std::string* scratch);
  bool Remove(const StreamId& id);  // false: it isn't there
  // How many entries a trimming would remove, from the first on; and removes so many.
  // REQUIRES: count <= length().
  uint64_t CountToTrim(const StreamTrim& trim) const;
  void RemoveFirst(uint64_t count);
  // For loading: appends a node that StreamNode::Validate() accepted and whose `last` is given.
  // False if its ids aren't greater than all before, or it has no live entry and is left out.
  bool AppendNode(const StreamId& id, std::string_view block);

  // How many entries were added up to that id, as far as can be known; StreamGroup::kUnknown else.
  int64_t EntriesUpTo(const StreamId& id) const;
  // Whether an entry that was removed may lie at or behind that id.
  bool HasGapFrom(const StreamId& id) const;
  // How many entries a group hasn't been given yet, if that can be known.
  std::optional<int64_t> Lag(const StreamGroup& group) const;
  // A group has been given the entry.
  void Advance(StreamGroup* group, const StreamId& id) const;

  // As FreeSome() of container.h: true when nothing is left.
  bool DropSome(size_t* budget);
  size_t memory() const;
  // visit(const StreamId& id, std::string_view block)
  template <typename Visit>
  void ForEachNode(Visit&& visit) const;

 private:
  using Nodes = IdIndex<StreamNodeItem>;

  void FindFirstId();

  Nodes nodes_;
  uint64_t length_ = 0;
  StreamId first_id_;
  Groups groups_;
};

template <typename Visit>
void Stream::ForEachNode(Visit&& visit) const {
  nodes_.ForEach([&visit](const StreamNodeItem& item) {
    visit(item.id, PackedList(item.block).bytes_view());
  });
}

}  // namespace understudy::targets::kv
