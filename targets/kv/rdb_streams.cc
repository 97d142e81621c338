#include "targets/kv/rdb_streams.h"

#include <string>

namespace understudy::targets::kv {
namespace {

constexpr size_t kRawIdBytes = 16;

void PutBigEndian(uint64_t value, char* to) {
  for (int i = 0; i < 8; ++i) to[i] = static_cast<char>(value >> (56 - 8 * i));
}

uint64_t GetBigEndian(const char* from) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<uint8_t>(from[i]);
  return value;
}

struct RawId {
  explicit RawId(const StreamId& id) {
    PutBigEndian(id.ms, bytes);
    PutBigEndian(id.sequence, bytes + 8);
  }
  std::string_view view() const { return {bytes, sizeof bytes}; }
  char bytes[kRawIdBytes];
};

void WriteId(RdbWriter* out, const StreamId& id) {
  out->Length(id.ms);
  out->Length(id.sequence);
}

void WriteGroup(RdbWriter* out, const StreamGroup& group) {
  WriteId(out, group.last_id);
  out->Length(static_cast<uint64_t>(group.entries_read));
  out->Length(group.pending().size());
  group.pending().ForEach([out](const StreamGroup::Pending& each) {
    out->Raw(RawId(each.id).view());
    out->Integer(static_cast<uint64_t>(each.delivered_ms), 8);
    out->Length(each.deliveries);
    out->FlushIfFull();
  });
  out->Length(group.consumers().size());
  for (const auto& [name, consumer] : group.consumers()) {
    out->String(name);
    out->Integer(static_cast<uint64_t>(consumer.seen_ms), 8);
    out->Integer(static_cast<uint64_t>(consumer.active_ms), 8);
    out->Length(consumer.pending.size());
    consumer.pending.ForEach([out](const StreamConsumer::Pending& each) {
      out->Raw(RawId(each.id).view());
      out->FlushIfFull();
    });
  }
}

class StreamReader {
 public:
  StreamReader(RdbReader* in, uint8_t rdb_type)
      : in_(*in), rdb_type_(rdb_type), stream_(std::make_unique<Stream>()) {}

  std::unique_ptr<Stream> Read() {
    ReadNodes();
    const uint64_t length = in_.Length();
    stream_->last_id = ReadId();
    stream_->entries_added = length;
    if (rdb_type_ != kRdbTypeStream1) {
      ReadId();  // the first id, which the entries tell
      stream_->max_deleted_id = ReadId();
      stream_->entries_added = in_.Length();
    }
    if (!in_.failed() && length != stream_->length()) in_.Fail("a stream of another length");
    if (!in_.failed() && length > 0 && stream_->last_id < stream_->LastLiveId()) {
      in_.Fail("a stream with entries behind its last one");
    }
    for (uint64_t groups = in_.Length(); groups > 0 && !in_.failed(); --groups) ReadGroup();
    return in_.failed() ? nullptr : std::move(stream_);
  }

 private:
  StreamId ReadId() {
    const uint64_t ms = in_.Length();
    return {ms, in_.Length()};
  }

  StreamId ReadRawId() {
    const std::string_view rest = in_.rest();
    if (rest.size() < kRawIdBytes) in_.Fail("the end in an id");
    if (in_.failed()) return {};
    in_.Skip(kRawIdBytes);
    return {GetBigEndian(rest.data()), GetBigEndian(rest.data() + 8)};
  }

  void ReadNodes() {
    std::string id_scratch, scratch;
    for (uint64_t nodes = in_.Length(); nodes > 0 && !in_.failed(); --nodes) {
      const std::string_view raw = in_.String(&id_scratch);
      if (!in_.failed() && raw.size() != kRawIdBytes) in_.Fail("a damaged id of a stream's node");
      if (in_.failed()) return;
      const StreamId id{GetBigEndian(raw.data()), GetBigEndian(raw.data() + 8)};
      const std::string_view block = in_.String(&scratch);
      if (in_.failed()) return;
      StreamId last;
      if (!StreamNode::Validate(id, block, &last) || (any_node_ && id <= last_)) {
        return in_.Fail("a damaged node of a stream");
      }
      any_node_ = true;
      last_ = last;
      stream_->AppendNode(id, block);  // one without live entries is left out
    }
  }

  int64_t ReadTime() { return static_cast<int64_t>(in_.Integer(8)); }

  void ReadGroup() {
    std::string scratch;
    const std::string name(in_.String(&scratch));
    const StreamId last_id = ReadId();
    int64_t entries_read = stream_->EntriesUpTo(last_id);
    if (rdb_type_ != kRdbTypeStream1) entries_read = static_cast<int64_t>(in_.Length());
    if (in_.failed()) return;
    const auto [at, is_new] = stream_->groups().try_emplace(name, last_id, entries_read);
    if (!is_new) return in_.Fail("a group that comes twice");
    StreamGroup* const group = &at->second;
    const uint64_t pending = in_.Length();
    for (uint64_t i = 0; i < pending && !in_.failed(); ++i) {
      const StreamId id = ReadRawId();
      const int64_t delivered_ms = ReadTime();
      const uint64_t deliveries = in_.Length();
      if (!in_.failed() && !group->AddPending(id, delivered_ms, deliveries)) {
        in_.Fail("a pending entry that comes twice");
      }
    }
    uint64_t assigned = 0;
    for (uint64_t left = in_.Length(); left > 0 && !in_.failed(); --left) {
      assigned += ReadConsumer(group);
    }
    if (!in_.failed() && assigned != pending) in_.Fail("a pending entry without a consumer");
  }

  uint64_t ReadConsumer(StreamGroup* group) {
    std::string scratch;
    const std::string_view name = in_.String(&scratch);
    if (in_.failed()) return 0;
    bool made;
    StreamConsumer* const consumer = group->FindOrMake(name, 0, &made);
    if (!made) in_.Fail("a consumer that comes twice");
    consumer->seen_ms = ReadTime();
    consumer->active_ms = rdb_type_ == kRdbTypeStream3 ? ReadTime() : consumer->seen_ms;
    const uint64_t pending = in_.Length();
    for (uint64_t i = 0; i < pending && !in_.failed(); ++i) {
      const StreamId id = ReadRawId();
      if (!in_.failed() && !group->Assign(id, consumer)) {
        in_.Fail("a consumer's entry that isn't pending");
      }
    }
    return pending;
  }

  RdbReader& in_;
  const uint8_t rdb_type_;
  std::unique_ptr<Stream> stream_;
  bool any_node_ = false;
  StreamId last_;  // of all nodes so far
};

}  // namespace

void WriteRdbStream(RdbWriter* out, const Stream& stream) {
  out->Length(stream.nodes());
  stream.ForEachNode([out](const StreamId& id, std::string_view block) {
    out->String(RawId(id).view());
    out->String(block);
    out->FlushIfFull();
  });
  out->Length(stream.length());
  WriteId(out, stream.last_id);
  WriteId(out, stream.first_id());
  WriteId(out, stream.max_deleted_id);
  out->Length(stream.entries_added);
  out->Length(stream.groups().size());
  for (const auto& [name, group] : stream.groups()) {
    out->String(name);
    WriteGroup(out, group);
  }
}

std::unique_ptr<Stream> ReadRdbStream(RdbReader* in, uint8_t rdb_type) {
  return StreamReader(in, rdb_type).Read();
}

}  // namespace understudy::targets::kv
