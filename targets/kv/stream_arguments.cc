#include "targets/kv/stream_arguments.h"

#include <algorithm>

#include "protocol/numbers.h"

namespace understudy::targets::kv {
namespace {

using protocol::EqualsIgnoreCase;

bool Refuse(Call& call, std::string_view error) {
  call.reply.Error(error);
  return false;
}

bool RefuseId(Call& call) {
  return Refuse(call, "ERR Invalid stream ID specified as stream command argument");
}

// `excluded`: the bound itself isn't in the range.
bool ReadBound(Call& call, std::string_view text, uint64_t missing, StreamId* id, bool* excluded) {
  *excluded = text.size() > 1 && text[0] == '(';
  const bool good = *excluded ? StreamId::Parse(text.substr(1), missing, id)
                              : StreamId::ParseBound(text, missing, id);
  return good || RefuseId(call);
}

// Takes "[~ | =] threshold" behind MAXLEN and MINID.
bool ReadThreshold(Call& call, bool by_length, TrimArguments* arguments) {
  StreamTrim& trim = arguments->trim;
  if (trim.by != StreamTrim::By::kNothing) {
    return Refuse(call,
                  "ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
  }
  size_t& next = arguments->next;
  ++next;
  if (next + 1 < call.args.size() && (call.args[next] == "~" || call.args[next] == "=")) {
    trim.approximate = call.args[next++] == "~";
  }
  if (by_length) {
    int64_t length;
    if (!call.ReadInteger(call.args[next], &length)) return false;
    if (length < 0) return Refuse(call, "ERR The MAXLEN argument must be >= 0.");
    trim.by = StreamTrim::By::kLength;
    trim.max_length = static_cast<uint64_t>(length);
  } else {
    if (!ReadStreamId(call, call.args[next], &trim.min_id)) return false;
    trim.by = StreamTrim::By::kId;
  }
  return true;
}

}  // namespace

bool ReadStreamId(Call& call, std::string_view text, StreamId* id, bool* sequence_given) {
  return StreamId::Parse(text, 0, id, sequence_given) || RefuseId(call);
}

bool ReadStreamIds(Call& call, std::span<const std::string_view> texts,
                   std::vector<StreamId>* ids) {
  for (std::string_view text : texts) {
    ids->emplace_back();
    if (!ReadStreamId(call, text, &ids->back())) return false;
  }
  return true;
}

bool ReadRangeStart(Call& call, std::string_view text, StreamId* id) {
  bool excluded;
  if (!ReadBound(call, text, 0, id, &excluded)) return false;
  return !excluded || id->Increment() || Refuse(call, "ERR invalid start ID for the interval");
}

bool ReadRangeEnd(Call& call, std::string_view text, StreamId* id) {
  bool excluded;
  if (!ReadBound(call, text, UINT64_MAX, id, &excluded)) return false;
  return !excluded || id->Decrement() || Refuse(call, "ERR invalid end ID for the interval");
}

bool ReadTrimArguments(Call& call, bool of_xadd, TrimArguments* arguments) {
  StreamTrim& trim = arguments->trim;
  std::optional<int64_t> limit;
  for (; arguments->next < call.args.size(); ++arguments->next) {
    const std::string_view word = call.args[arguments->next];
    const bool more = arguments->next + 1 < call.args.size();
    if (of_xadd && word == "*") break;
    if (more && (EqualsIgnoreCase(word, "MAXLEN") || EqualsIgnoreCase(word, "MINID"))) {
      if (!ReadThreshold(call, EqualsIgnoreCase(word, "MAXLEN"), arguments)) return false;
    } else if (more && EqualsIgnoreCase(word, "LIMIT")) {
      int64_t number;
      if (!call.ReadInteger(call.args[++arguments->next], &number)) return false;
      if (number < 0) return Refuse(call, "ERR The LIMIT argument must be >= 0.");
      limit = number;
    } else if (of_xadd && EqualsIgnoreCase(word, "NOMKSTREAM")) {
      arguments->make_stream = false;
    } else if (of_xadd) {
      // The entry's id, or nonsense, which is told at once.
      StreamId id;
      bool sequence_given;
      if (!ReadStreamId(call, word, &id, &sequence_given)) return false;
      break;
    } else {
      return Refuse(call, protocol::kSyntaxError);
    }
  }
  if (limit.value_or(0) > 0 && trim.by == StreamTrim::By::kNothing) {
    return Refuse(call,
                  "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
  }
  if (!of_xadd && trim.by == StreamTrim::By::kNothing) {
    return Refuse(call, "ERR syntax error, XTRIM must be called with a trimming strategy");
  }
  if (limit && !trim.approximate) {
    return Refuse(call, "ERR syntax error, LIMIT cannot be used without the special ~ option");
  }
  if (limit) {
    trim.limit = static_cast<uint64_t>(*limit);
  } else if (trim.approximate) {
    // A hundred nodes, within reason.
    constexpr uint64_t kNodes = 100, kDefault = 10'000, kMost = 1'000'000;
    const uint64_t entries = call.options.containers.stream_node_max_entries;
    trim.limit = entries == 0 ? kDefault : entries > kMost / kNodes ? kMost : entries * kNodes;
  }
  return true;
}

void ReplyStreamId(Call& call, const StreamId& id) {
  char text[StreamId::kMaxText];
  call.reply.Bulk({text, id.Format(text)});
}

void ReplyStreamEntry(Call& call, const StreamEntry& entry) {
  call.reply.Array(2);
  ReplyStreamId(call, entry.id());
  call.reply.Array(2 * entry.fields());
  entry.ForEachField([&call](const Element& field, const Element& value) {
    field.Reply(&call.reply);
    value.Reply(&call.reply);
  });
}

void ReplyStreamRange(Call& call, const Stream& stream, const StreamId& first, const StreamId& last,
                      uint64_t count, bool reverse) {
  const size_t header = call.reply.DeferHeader();
  size_t written = 0;
  StreamEntry entry;
  for (Stream::Range range(stream, first, last, reverse); written < count && range.Next(&entry);
       ++written) {
    ReplyStreamEntry(call, entry);
  }
  call.reply.FinishArray(header, written);
}

void ReplyNoGroup(Call& call, std::string_view key, std::string_view group, std::string_view tail) {
  call.reply.Error("NOGROUP No such key '" + std::string(key) + "' or consumer group '" +
                   std::string(group) + "'" + std::string(tail));
}

}  // namespace understudy::targets::kv
