#include "targets/id/id_target.h"

#include <string>

#include "protocol/argument_reader.h"
#include "protocol/numbers.h"

namespace understudy::targets {
namespace {

constexpr uint64_t kSnapshotVersion = 1;
constexpr uint64_t kEnd = uint64_t{1} << 63;  // behind the last value a reply can show
constexpr std::string_view kDefaultName = "id";

}  // namespace

void IdTarget::Handle(const Request& request, Context& context) {
  protocol::ReplyWriter& reply = *context.reply;
  std::string_view name = kDefaultName;
  int64_t count = 0;  // 0: one, and the reply is it
  protocol::ArgumentReader in(request.args, 1);
  // NEXTID COUNT is the next number of a counter of that name.
  if (in.remaining() % 2 == 1) name = in.Text();
  while (!in.AtEnd()) {
    if (!in.Option("COUNT", 1)) {
      in.SyntaxError();
    } else if (count = in.Integer(); !in.failed() && (count < 1 || count > kMaxAtOnce)) {
      in.Fail("ERR COUNT must be between 1 and " + std::to_string(kMaxAtOnce));
    }
  }
  if (in.failed()) return reply.Error(in.error());
  if (name.empty()) return reply.Error("ERR the counter's name is empty");
  if (name.size() > kMaxNameBytes) {
    return reply.Error("ERR the counter's name is longer than " + std::to_string(kMaxNameBytes) +
                       " bytes");
  }
  auto it = counters_.find(name);
  if (it == counters_.end()) {
    if (counters_.size() >= kMaxCounters) {
      context.DependsOn(created_);
      return reply.Error("ERR there are already " + std::to_string(kMaxCounters) + " counters");
    }
    it = counters_.emplace(name, Counter{}).first;
    created_ = context.index;
  }
  Counter& counter = it->second;
  const uint64_t taken = count == 0 ? 1 : static_cast<uint64_t>(count);
  if (counter.next > kEnd - taken) {
    context.DependsOn(counter.changed);
    return reply.Error("ERR the counter has reached its greatest value");
  }
  const auto first = static_cast<int64_t>(counter.next);
  counter.next += taken;
  const auto last = static_cast<int64_t>(counter.next - 1);
  counter.changed = context.index;

  char digits[32];
  const size_t size = protocol::FormatInteger(digits, last);
  context.effects->Add(0, {"nextid", name, std::string_view(digits, size)});
  if (count == 0) return reply.Integer(first);
  reply.Array(2);
  reply.Integer(first);
  reply.Integer(last);
}

std::string IdTarget::Describe() const {
  return "counters:" + std::to_string(counters_.size()) + "\r\n";
}

bool IdTarget::Apply(int db, std::span<const std::string_view> args, Context& context) {
  if (args.size() != 3 || args[0] != "nextid") return false;
  const std::string_view name = args[1];
  const std::optional<int64_t> last = protocol::ParseInteger(args[2]);
  if (name.empty() || name.size() > kMaxNameBytes || !last || *last < 0) return false;
  const uint64_t next = static_cast<uint64_t>(*last) + 1;

  auto it = counters_.find(name);
  if (it == counters_.end()) {
    if (counters_.size() >= kMaxCounters) return false;
    it = counters_.emplace(name, Counter{}).first;
    created_ = context.index;
  } else if (next <= it->second.next) {
    return false;  // a counter never goes back: a value would be handed out twice
  }
  it->second = {next, context.index};
  return true;
}

bool IdTarget::Snapshot(const SnapshotSink& sink) const {
  std::string piece;
  AppendVarint(&piece, kSnapshotVersion);
  AppendVarint(&piece, counters_.size());
  for (const auto& [name, counter] : counters_) {
    AppendVarint(&piece, name.size());
    piece += name;
    AppendVarint(&piece, counter.next);
    if (piece.size() >= 64 << 10) {
      if (!sink(piece)) return false;
      piece.clear();
    }
  }
  return piece.empty() || sink(piece);
}

bool IdTarget::Restore(std::string_view snapshot, std::string* error) {
  Clear();
  uint64_t version = 0;
  uint64_t count = 0;
  if (!TakeVarint(&snapshot, &version) || version != kSnapshotVersion) {
    *error = "id: unknown version of the state";
    return false;
  }
  bool ok = TakeVarint(&snapshot, &count) && count <= kMaxCounters;
  for (; ok && count > 0; --count) {
    uint64_t size = 0;
    ok = TakeVarint(&snapshot, &size) && size > 0 && size <= kMaxNameBytes &&
         size <= snapshot.size();
    if (!ok) break;
    const std::string_view name = snapshot.substr(0, size);
    snapshot.remove_prefix(size);
    Counter counter;
    ok = TakeVarint(&snapshot, &counter.next) && counter.next > 0 && counter.next <= kEnd &&
         counters_.emplace(name, counter).second;
  }
  if (ok && snapshot.empty()) return true;
  Clear();
  *error = "id: the state is damaged";
  return false;
}

void IdTarget::Clear() {
  counters_.clear();
  created_ = 0;
}

Digest160 IdTarget::StateDigest() const {
  Digest160 sum;
  for (const auto& [name, counter] : counters_) {
    sum += DigestBuilder("id").Add(name).Add(counter.next).Finish();
  }
  return sum;
}

}  // namespace understudy::targets
