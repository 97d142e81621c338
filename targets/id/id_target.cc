#include "targets/id/id_target.h"

#include <string>

#include "protocol/numbers.h"

namespace understudy::targets {
namespace {

constexpr uint64_t kSnapshotVersion = 1;
constexpr uint64_t kEnd = uint64_t{1} << 63;  // behind the last value a reply can show
constexpr std::string_view kDefaultName = "id";

}  // namespace

void IdTarget::Handle(const Request& request, Context& context) {
  protocol::ReplyWriter& reply = *context.reply;
  if (request.args.size() > 2) return reply.Error(protocol::kSyntaxError);
  const std::string_view name = request.args.size() == 2 ? request.args[1] : kDefaultName;
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
  if (counter.next == kEnd) {
    context.DependsOn(counter.changed);
    return reply.Error("ERR the counter has reached its greatest value");
  }
  const uint64_t value = counter.next++;
  counter.changed = context.index;

  char digits[32];
  const size_t size = protocol::FormatInteger(digits, static_cast<int64_t>(value));
  context.effects->Add(0, {"nextid", name, std::string_view(digits, size)});
  reply.Integer(static_cast<int64_t>(value));
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
