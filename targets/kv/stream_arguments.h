// What the commands on streams read and write alike. Internal to targets/kv.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "targets/kv/commands.h"
#include "targets/kv/stream.h"

namespace understudy::targets::kv {

inline Stream& StreamOf(const Entry* entry) { return Stream::Of(entry->object()); }

// Each returns false, with the error written, if the argument isn't that.
bool ReadStreamId(Call& call, std::string_view text, StreamId* id, bool* sequence_given = nullptr);
bool ReadStreamIds(Call& call, std::span<const std::string_view> texts, std::vector<StreamId>* ids);
// The start or the end of a range: an id, "-", "+", or one of them behind "(", which excludes it.
bool ReadRangeStart(Call& call, std::string_view text, StreamId* id);
bool ReadRangeEnd(Call& call, std::string_view text, StreamId* id);
// Takes MAXLEN, MINID and LIMIT of XADD (then also NOMKSTREAM) and XTRIM, from args[2] on.
struct TrimArguments {
  StreamTrim trim;
  bool make_stream = true;
  size_t next = 2;  // the first argument that isn't one of these
};
bool ReadTrimArguments(Call& call, bool of_xadd, TrimArguments* arguments);

void ReplyStreamId(Call& call, const StreamId& id);
// [id, [field, value, ...]]
void ReplyStreamEntry(Call& call, const StreamEntry& entry);
// An array of at most `count` entries from `first` to `last`.
void ReplyStreamRange(Call& call, const Stream& stream, const StreamId& first, const StreamId& last,
                      uint64_t count, bool reverse = false);

// "NOGROUP No such key ... or consumer group ...", with what follows.
void ReplyNoGroup(Call& call, std::string_view key, std::string_view group,
                  std::string_view tail = {});

}  // namespace understudy::targets::kv
