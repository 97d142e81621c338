// A node of a stream: some entries that follow each other, in one packed list.
//
// The layout is Redis', so that RDB files and DUMP hold a node as it is. Ids are kept as
// differences to the node's, and an entry with the same field names as the node's first one has
// only its values:
//
//   node  := live deleted count field{count} 0 entry*
//   entry := flags ms sequence [count] (field value | value){count} size
//
//   live, deleted   how many entries there are, and how many more are marked as deleted
//   flags           1: deleted; 2: the fields are the node's, and `count` and the names are left
//   out ms, sequence    less those of the node's id size            how many of the packed list's
//   elements the entry has before this one
// Source: the comments of Redis' t_stream.c and stream.h, 7.2.
//
// A StreamNode is a handle, as PackedList is. Deleted entries keep their room, as in Redis: what
// XTRIM ~ does depends on where nodes end.
//
// Throws nothing but std::bad_alloc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "targets/kv/packed_list.h"
#include "targets/kv/stream_id.h"

namespace understudy::targets::kv {

// An entry of a stream, as it lies in its node; valid until the stream changes.
class StreamEntry {
 public:
  StreamEntry() = default;

  const StreamId& id() const { return id_; }
  size_t fields() const { return fields_; }
  // visit(const Element& field, const Element& value)
  template <typename Visit>
  void ForEachField(Visit&& visit) const {
    PackedList::Position name = first_name_, at = first_;
    for (size_t i = 0; i < fields_; ++i) {
      if (same_fields_) {
        visit(list_.Get(name), list_.Get(at));
        name = list_.Next(name);
      } else {
        const PackedList::Position field = at;
        at = list_.Next(at);
        visit(list_.Get(field), list_.Get(at));
      }
      at = list_.Next(at);
    }
  }

 private:
  friend class StreamNode;
  PackedList list_{nullptr};
  StreamId id_;
  size_t fields_ = 0;
  bool same_fields_ = false;
  PackedList::Position flags_ = 0;       // where the entry begins
  PackedList::Position first_name_ = 0;  // the node's first name
  PackedList::Position first_ = 0;       // the first value, or name
};

class StreamNode {
 public:
  using Position = PackedList::Position;

  // The id is that of the first entry ever put in.
  StreamNode(StreamId id, void* block) : id_(id), list_(block) {}

  // A node of one entry. `scratch` is room for encoding, nothing else.
  static StreamNode New(const StreamId& id, std::span<const std::string_view> fields_and_values,
                        std::string* scratch);
  // Whether the bytes are a node of that id: well formed, with ids that grow and the right counts.
  // `last` is then the id of its last entry, deleted or not.
  static bool Validate(const StreamId& id, std::string_view block, StreamId* last);

  void* block() const { return list_.block(); }
  PackedList list() const { return list_; }
  const StreamId& id() const { return id_; }
  size_t live() const { return Count(list_.First()); }
  size_t deleted() const { return Count(list_.Next(list_.First())); }

  // Appends an entry. REQUIRES: its id is greater than all others'.
  void Append(const StreamId& id, std::span<const std::string_view> fields_and_values,
              std::string* scratch);

  // Walks all entries that aren't deleted, in either direction. Begin with kNone; go on with the
  // same position and entry.
  bool Next(Position* at, StreamEntry* entry) const { return Step(at, entry, false, false); }
  bool Previous(Position* at, StreamEntry* entry) const { return Step(at, entry, true, false); }
  // The id of the last entry, deleted or not.
  StreamId LastId() const;

  // Marks an entry that is live as deleted. Entries got before are invalid then. REQUIRES: more
  // than one is live.
  void Delete(const StreamEntry& entry);
  // Marks the first `count` entries that are live. REQUIRES: count < live().
  void DeleteFirst(size_t count);

 private:
  static constexpr int64_t kDeleted = 1, kSameFields = 2;

  int64_t Number(Position at) const {
    const Element element = list_.Get(at);
    return element.IsInteger() ? element.integer() : 0;
  }
  size_t Count(Position at) const { return static_cast<size_t>(Number(at)); }
  void SetNumber(Position at, int64_t number) { list_.Replace(at, Element(number)); }
  // Adds to the numbers of live and of deleted entries.
  void ChangeCounts(int64_t live, int64_t deleted);
  bool HasFields(std::span<const std::string_view> fields_and_values) const;
  void AppendEntry(const StreamId& id, std::span<const std::string_view> fields_and_values,
                   bool same_fields, std::string* scratch);
  // Where the first entry begins (kNone: there is none), and the node's first name.
  Position FirstEntry(Position* first_name) const;
  // Reads the entry that begins there, but for first_name_.
  void Read(Position at, StreamEntry* entry, bool* deleted) const;
  bool Step(Position* at, StreamEntry* entry, bool back, bool deleted_too) const;

  StreamId id_;
  PackedList list_;
};

}  // namespace understudy::targets::kv
