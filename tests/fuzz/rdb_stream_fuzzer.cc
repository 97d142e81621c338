// Streams in RDB form: any bytes are refused, or give a stream that can be walked, changed, written
// and read again.
#include "targets/kv/rdb_streams.h"
#include "tests/fuzz/fuzz.h"

namespace understudy::fuzz {
namespace {

using namespace targets;
using namespace targets::kv;

std::string Written(const Stream& stream) {
  std::string bytes;
  const SnapshotSink sink = [&bytes](std::string_view piece) {
    bytes.append(piece);
    return true;
  };
  RdbWriter writer(sink, false);
  WriteRdbStream(&writer, stream);
  writer.Finish();
  return bytes;
}

void CheckStream(Stream* stream) {
  uint64_t length = 0;
  StreamEntry entry;
  StreamId last;
  for (Stream::Range all(*stream, {}, StreamId::Greatest()); all.Next(&entry); ++length) {
    Check(length == 0 || entry.id() > last, "ids that don't grow");
    last = entry.id();
    entry.ForEachField([](const Element& field, const Element& value) {
      Check(field.TextSize() + value.TextSize() < (1 << 20), "a text of absurd size");
    });
  }
  Check(length == stream->length(), "another length than it says");
  const std::string bytes = Written(*stream);
  RdbReader reader(bytes);
  const auto again = ReadRdbStream(&reader, kRdbTypeStream3);
  Check(again != nullptr && reader.AtEnd() && Written(*again) == bytes, "isn't read back");
  if (length > 1) {
    stream->Remove(last);
    stream->RemoveFirst(length / 2);
  }
  if (stream->last_id < StreamId::Greatest()) {
    std::string scratch;
    const std::string_view fields[] = {"field", "value"};
    StreamId id = stream->last_id;
    id.Increment();
    stream->Append(id, fields, ContainerLimits(), &scratch);
    Check(stream->Contains(id), "an entry that got lost");
  }
}

}  // namespace

std::vector<std::string> Seeds() {
  Stream stream;
  std::string scratch;
  ContainerLimits limits;
  limits.stream_node_max_entries = 4;
  for (uint64_t i = 1; i <= 10; ++i) {
    const std::string number = std::to_string(i * 1000);
    const std::string_view same[] = {"a", number, "b", "text"}, other[] = {"c", "-5"};
    i % 4 == 0 ? stream.Append({i, 0}, other, limits, &scratch)
               : stream.Append({i, i}, same, limits, &scratch);
  }
  const std::string without_groups = Written(stream);
  stream.Remove({4, 0});
  StreamGroup& group = stream.groups().try_emplace("group", StreamId{5, 5}, 5).first->second;
  bool made;
  StreamConsumer* const consumer = group.FindOrMake("consumer", 7, &made);
  for (uint64_t i = 1; i < 4; ++i) group.Deliver({i, i}, consumer, 9);
  return {without_groups, Written(stream), std::string(10, '\0')};
}

}  // namespace understudy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy::fuzz;
  // A block of its own, so that reading past its end is noticed.
  std::string bytes(reinterpret_cast<const char*>(data), size);
  bytes.shrink_to_fit();
  for (uint8_t type : {kRdbTypeStream1, kRdbTypeStream2, kRdbTypeStream3}) {
    RdbReader reader(bytes);
    const auto stream = ReadRdbStream(&reader, type);
    Check((stream == nullptr) == reader.failed(), "neither a stream nor an error");
    if (stream != nullptr) CheckStream(stream.get());
  }
  return 0;
}
