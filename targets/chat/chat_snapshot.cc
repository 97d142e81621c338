// Writing and reading the state of the target `chat`; the format is in chat_target.h.
#include "targets/chat/chat_target.h"
#include "targets/text.h"

namespace understudy::targets {
namespace {

constexpr uint64_t kSnapshotVersion = 2;

}  // namespace

bool ChatTarget::Snapshot(const SnapshotSink& sink) const {
  std::string piece;
  const auto pass_on = [&piece, &sink](size_t at_least) {
    if (piece.size() < at_least) return true;
    const bool ok = sink(piece);
    piece.clear();
    return ok;
  };
  AppendVarint(&piece, kSnapshotVersion);
  AppendVarint(&piece, rooms_.size());
  for (const auto& [name, room] : rooms_) {
    AppendText(&piece, name);
    AppendVarint(&piece, room.started ? 1 : 0);
    AppendVarint(&piece, room.next_id);
    AppendVarint(&piece, room.users.size());
    for (const User& user : room.users) {
      AppendText(&piece, user.node);
      AppendVarint(&piece, user.run);
      AppendVarint(&piece, user.client);
      AppendText(&piece, user.nick);
    }
    AppendVarint(&piece, room.messages.size());
    for (const Message& message : room.messages) {
      AppendVarint(&piece, static_cast<uint64_t>(message.time_ms));
      AppendText(&piece, message.nick());
      AppendText(&piece, message.text());
      if (!pass_on(64 << 10)) return false;
    }
    if (!pass_on(64 << 10)) return false;
  }
  return pass_on(1);
}

bool ChatTarget::RestoreRoom(std::string_view* in, uint64_t version) {
  std::string_view name;
  uint64_t users = 0;
  uint64_t messages = 0;
  if (!TakeText(in, kMaxRoomBytes, &name) || name.empty()) return false;
  const auto [it, added] = rooms_.emplace(name, Room{});
  Room& room = it->second;
  uint64_t started = 0;
  if (version >= 2 && (!TakeVarint(in, &started) || started > 1)) return false;
  room.started = started == 1;
  if (!added || !TakeVarint(in, &room.next_id) || room.next_id == 0 ||
      room.next_id > uint64_t{1} << 62 || !TakeVarint(in, &users) || users > kMaxUsers) {
    return false;
  }
  // Counts are checked against the limits and grow with the bytes read: nothing is reserved.
  for (; users > 0; --users) {
    std::string_view node;
    std::string_view nick;
    uint64_t run = 0, client = 0;
    if (!TakeText(in, kMaxNodeIdBytes, &node) || (version >= 2 && !TakeVarint(in, &run)) ||
        !TakeVarint(in, &client) || client == 0 || client > INT64_MAX ||
        !TakeText(in, kMaxNickBytes, &nick) || nick.empty()) {
      return false;
    }
    if (!rooms_of_[MemberOf({node, client, run})].emplace(name).second) return false;
    room.users.push_back({std::string(node), run, client, std::string(nick)});
  }
  if (!TakeVarint(in, &messages) || messages >= room.next_id) return false;
  for (; messages > 0; --messages) {
    uint64_t time_ms = 0;
    std::string_view nick;
    std::string_view text;
    if (!TakeVarint(in, &time_ms) || time_ms > INT64_MAX || !TakeText(in, kMaxNickBytes, &nick) ||
        !TakeText(in, kMaxTextBytes, &text)) {
      return false;
    }
    Message message{static_cast<int64_t>(time_ms), static_cast<uint32_t>(nick.size()), {}};
    message.bytes.append(nick).append(text);
    room.history_bytes += message.bytes.size();
    room.messages.push_back(std::move(message));
  }
  return !room.users.empty() || room.next_id > 1 || room.started;
}

bool ChatTarget::Restore(std::string_view snapshot, std::string* error) {
  Clear();
  uint64_t version = 0;
  uint64_t count = 0;
  if (!TakeVarint(&snapshot, &version) || version == 0 || version > kSnapshotVersion) {
    *error = "chat: unknown version of the state";
    return false;
  }
  bool ok = TakeVarint(&snapshot, &count) && count <= kMaxRooms;
  for (; ok && count > 0; --count) ok = RestoreRoom(&snapshot, version);
  if (ok && snapshot.empty()) return true;
  Clear();
  *error = "chat: the state is damaged";
  return false;
}

}  // namespace understudy::targets
