#include "targets/chat/chat_target.h"

#include <algorithm>

#include "protocol/argument_reader.h"
#include "protocol/numbers.h"

namespace understudy::targets {
namespace {

using protocol::ReplyWriter;

// A number's decimal digits, for effects and publications.
class Digits {
 public:
  explicit Digits(uint64_t value)
      : size_(protocol::FormatInteger(buffer_, static_cast<int64_t>(value))) {}
  operator std::string_view() const { return {buffer_, size_}; }  // NOLINT: meant to convert

 private:
  char buffer_[32];
  size_t size_;
};

std::string DefaultNick(const Client& client) {
  return "user" + std::to_string(client.id) + "@" + std::string(client.node_id.substr(0, 8));
}

std::string Channel(std::string_view room) {
  std::string channel = "chat:";
  channel += room;
  return channel;
}

bool GoodRoom(std::string_view name) {
  return !name.empty() && name.size() <= ChatTarget::kMaxRoomBytes;
}

bool GoodNick(std::string_view nick) {
  return !nick.empty() && nick.size() <= ChatTarget::kMaxNickBytes;
}

// Answers with an error if `name` can't be a room's.
bool CheckRoom(std::string_view name, ReplyWriter& reply) {
  if (GoodRoom(name)) return true;
  if (name.empty()) {
    reply.Error("ERR the room's name is empty");
  } else {
    reply.Error("ERR the room's name is longer than " + std::to_string(ChatTarget::kMaxRoomBytes) +
                " bytes");
  }
  return false;
}

void ReplyTooManyRooms(ReplyWriter& reply) {
  reply.Error("ERR there are already " + std::to_string(ChatTarget::kMaxRooms) + " rooms");
}

}  // namespace

ChatTarget::User* ChatTarget::Room::Find(const Client& client) {
  for (User& user : users) {
    if (user.client == client.id && user.node == client.node_id) return &user;
  }
  return nullptr;
}

void ChatTarget::Room::Trim(uint64_t first) {
  while (!messages.empty() && first_id() < first) {
    history_bytes -= messages.front().bytes.size();
    messages.pop_front();
  }
}

ChatTarget::Room* ChatTarget::FindRoom(std::string_view name, Context& context) {
  const auto it = rooms_.find(name);
  context.DependsOn(it == rooms_.end() ? rooms_changed_ : it->second.changed);
  return it == rooms_.end() ? nullptr : &it->second;
}

void ChatTarget::Handle(const Request& request, Context& context) {
  if (!CheckRoom(request.args[1], *context.reply)) return;
  const std::string_view name = request.command->row->name;
  if (name == "chat.send") return Send(request, context);
  if (name == "chat.history") return History(request, context);
  if (name == "chat.users") return Users(request, context);
  if (name == "chat.join") return Join(request, context);
  if (name == "chat.leave") return Leave(request, context);
  context.reply->Error(protocol::CommandTable::UnknownCommandError(request.args));
}

void ChatTarget::Join(const Request& request, Context& context) {
  ReplyWriter& reply = *context.reply;
  const std::string_view name = request.args[1];
  if (request.args.size() > 3) return reply.Error(protocol::kSyntaxError);
  if (request.args.size() == 3 && !GoodNick(request.args[2])) {
    return reply.Error("ERR a nick has 1 to " + std::to_string(kMaxNickBytes) + " bytes");
  }
  if (request.client.id == 0) return reply.Error("ERR only a connection can join a room");

  Room* room = FindRoom(name, context);
  if (room == nullptr && rooms_.size() >= kMaxRooms) return ReplyTooManyRooms(reply);
  const User* user = room == nullptr ? nullptr : room->Find(request.client);
  if (room != nullptr && user == nullptr && room->users.size() >= kMaxUsers) {
    return reply.Error("ERR the room has already " + std::to_string(kMaxUsers) + " users");
  }
  const std::string nick = request.args.size() == 3 ? std::string(request.args[2])
                           : user != nullptr        ? user->nick
                                                    : DefaultNick(request.client);
  context.effects->Add(
      0, {"chat.join", name, request.client.node_id, Digits(request.client.id), nick});
  ApplyJoin(request.client, name, nick, context);
  reply.Ok();
}

bool ChatTarget::ApplyJoin(const Client& client, std::string_view name, std::string_view nick,
                           Context& context) {
  auto it = rooms_.find(name);
  if (it == rooms_.end()) {
    if (rooms_.size() >= kMaxRooms) return false;
    it = rooms_.emplace(name, Room{}).first;
    rooms_changed_ = context.index;
  }
  Room& room = it->second;
  User* user = room.Find(client);
  if (user == nullptr && room.users.size() >= kMaxUsers) return false;
  room.changed = context.index;
  const std::string channel = Channel(name);
  context.publisher->Subscribe(client, channel);
  std::string former;
  if (user == nullptr) {
    room.users.push_back({std::string(client.node_id), client.id, std::string(nick)});
  } else if (user->nick != nick) {
    former.swap(user->nick);
    user->nick = nick;
  } else {
    return true;
  }
  const Digits time(static_cast<uint64_t>(context.now_ms));
  const std::string_view fields[] = {name, time, nick, former};
  context.publisher->Publish({channel, "chat.join", fields});
  return true;
}

void ChatTarget::Leave(const Request& request, Context& context) {
  if (request.client.id == 0) return LeaveAllOfNode(request, context);
  const std::string_view name = request.args[1];
  Room* room = FindRoom(name, context);
  if (room != nullptr && room->Find(request.client) != nullptr) {
    context.effects->Add(0,
                         {"chat.leave", name, request.client.node_id, Digits(request.client.id)});
    ApplyLeave(request.client, name, context);
  }
  context.reply->Ok();
}

void ChatTarget::LeaveAllOfNode(const Request& request, Context& context) {
  if (request.args[1] != "*") return context.reply->Error("ERR only a connection can leave a room");
  std::vector<std::pair<std::string, uint64_t>> memberships;
  context.DependsOn(rooms_changed_);
  for (const auto& [name, room] : rooms_) {
    context.DependsOn(room.changed);
    for (const User& user : room.users) {
      if (user.node == request.client.node_id) memberships.emplace_back(name, user.client);
    }
  }
  for (const auto& [name, client] : memberships) {
    context.effects->Add(0, {"chat.leave", name, request.client.node_id, Digits(client)});
    ApplyLeave({request.client.node_id, client}, name, context);
  }
  context.reply->Ok();
}

bool ChatTarget::ApplyLeave(const Client& client, std::string_view name, Context& context) {
  const auto it = rooms_.find(name);
  if (it == rooms_.end()) return false;
  Room& room = it->second;
  User* user = room.Find(client);
  if (user == nullptr) return false;
  const std::string nick = std::move(user->nick);
  room.users.erase(room.users.begin() + (user - room.users.data()));
  room.changed = context.index;

  const std::string channel = Channel(name);
  const Digits time(static_cast<uint64_t>(context.now_ms));
  const std::string_view fields[] = {name, time, nick};
  context.publisher->Unsubscribe(client, channel);
  context.publisher->Publish({channel, "chat.leave", fields});
  EndIfEmpty(it, context);
  return true;
}

void ChatTarget::EndIfEmpty(Rooms::iterator it, Context& context) {
  // A room that had messages stays even when its history keeps none: ids must go on.
  if (!it->second.users.empty() || it->second.next_id != 1) return;
  rooms_.erase(it);
  rooms_changed_ = context.index;
}

void ChatTarget::Send(const Request& request, Context& context) {
  ReplyWriter& reply = *context.reply;
  const std::string_view name = request.args[1];
  const std::string_view text = request.args[2];
  if (text.size() > kMaxTextBytes) {
    return reply.Error("ERR the message is longer than " + std::to_string(kMaxTextBytes) +
                       " bytes");
  }
  Room* room = FindRoom(name, context);
  if (room == nullptr && rooms_.size() >= kMaxRooms) return ReplyTooManyRooms(reply);
  const User* user = room == nullptr ? nullptr : room->Find(request.client);
  const std::string nick = user != nullptr ? user->nick : DefaultNick(request.client);

  const uint64_t id = room == nullptr ? 1 : room->next_id;
  uint64_t first = room == nullptr ? 1 : room->first_id();
  size_t kept = id - first + 1;
  size_t bytes = (room == nullptr ? 0 : room->history_bytes) + nick.size() + text.size();
  for (size_t i = 0; kept > options_->chat_history || bytes > kMaxHistoryBytes; ++i) {
    if (--kept == 0) break;
    bytes -= room->messages[i].bytes.size();
  }
  first = id + 1 - kept;

  context.effects->Add(
      0, {"chat.send", name, Digits(id), Digits(static_cast<uint64_t>(context.now_ms)), nick, text,
          Digits(first)});
  ApplySend(name, id, context.now_ms, nick, text, first, context);
  reply.Integer(static_cast<int64_t>(id));
}

bool ChatTarget::ApplySend(std::string_view name, uint64_t id, int64_t time_ms,
                           std::string_view nick, std::string_view text, uint64_t first,
                           Context& context) {
  auto it = rooms_.find(name);
  if (id != (it == rooms_.end() ? 1 : it->second.next_id)) return false;
  if (it == rooms_.end()) {
    if (rooms_.size() >= kMaxRooms) return false;
    it = rooms_.emplace(name, Room{}).first;
    rooms_changed_ = context.index;
  }
  Room& room = it->second;
  Message message{time_ms, static_cast<uint32_t>(nick.size()), {}};
  message.bytes.reserve(nick.size() + text.size());
  message.bytes.append(nick).append(text);
  room.history_bytes += message.bytes.size();
  room.messages.push_back(std::move(message));
  ++room.next_id;
  room.Trim(first);
  room.changed = context.index;

  const Digits id_digits(id);
  const Digits time(static_cast<uint64_t>(time_ms));
  const std::string_view fields[] = {name, id_digits, time, nick, text};
  context.publisher->Publish({Channel(name), "chat.message", fields});
  return true;
}

void ChatTarget::History(const Request& request, Context& context) {
  ReplyWriter& reply = *context.reply;
  protocol::ArgumentReader in(request.args, 2);
  int64_t count = -1;
  int64_t since = -1;
  while (!in.AtEnd()) {
    if (in.Option("COUNT", 1)) {
      count = in.Integer();
      if (!in.failed() && count < 0) in.Fail("ERR COUNT can't be negative");
    } else if (in.Option("SINCE", 1)) {
      since = in.Integer();
      if (!in.failed() && since < 0) in.Fail("ERR SINCE can't be negative");
    } else {
      in.SyntaxError();
    }
  }
  if (in.failed()) return reply.Error(in.error());

  const Room* room = FindRoom(request.args[1], context);
  if (room == nullptr) return reply.Array(0);
  uint64_t first = room->first_id();
  uint64_t end = room->next_id;
  if (since >= 0) first = std::clamp(static_cast<uint64_t>(since) + 1, first, end);
  if (count >= 0 && static_cast<uint64_t>(count) < end - first) {
    if (since >= 0) {
      end = first + static_cast<uint64_t>(count);
    } else {
      first = end - static_cast<uint64_t>(count);
    }
  }
  reply.Array(end - first);
  for (uint64_t id = first; id < end; ++id) {
    const Message& message = room->messages[id - room->first_id()];
    reply.Map(4);
    reply.Bulk("id");
    reply.Integer(static_cast<int64_t>(id));
    reply.Bulk("time");
    reply.Integer(message.time_ms);
    reply.Bulk("nick");
    reply.Bulk(message.nick());
    reply.Bulk("text");
    reply.Bulk(message.text());
  }
}

void ChatTarget::Users(const Request& request, Context& context) {
  const Room* room = FindRoom(request.args[1], context);
  if (room == nullptr) return context.reply->Array(0);
  context.reply->Array(room->users.size());
  for (const User& user : room->users) context.reply->Bulk(user.nick);
}

bool ChatTarget::Apply(int db, std::span<const std::string_view> args, Context& context) {
  if (args.size() < 4 || !GoodRoom(args[1])) return false;
  const std::string_view room = args[1];
  const auto number = [&args](size_t i) {
    return i < args.size() ? protocol::ParseInteger(args[i]).value_or(-1) : -1;
  };
  if (args[0] == "chat.send") {
    const int64_t id = number(2);
    const int64_t time_ms = number(3);
    const int64_t first = number(6);
    if (args.size() != 7 || id < 1 || time_ms < 0 || first < 1 || first > id + 1 ||
        args[4].size() > kMaxNickBytes || args[5].size() > kMaxTextBytes) {
      return false;
    }
    return ApplySend(room, static_cast<uint64_t>(id), time_ms, args[4], args[5],
                     static_cast<uint64_t>(first), context);
  }
  const int64_t client = number(3);
  if (client < 1 || args[2].size() > kMaxNodeIdBytes) return false;
  const Client who{args[2], static_cast<uint64_t>(client)};
  if (args[0] == "chat.join") {
    return args.size() == 5 && GoodNick(args[4]) && ApplyJoin(who, room, args[4], context);
  }
  return args[0] == "chat.leave" && args.size() == 4 && ApplyLeave(who, room, context);
}

void ChatTarget::Clear() {
  rooms_.clear();
  rooms_changed_ = 0;
}

Digest160 ChatTarget::StateDigest() const {
  Digest160 sum;
  for (const auto& [name, room] : rooms_) {
    DigestBuilder builder("chat");
    builder.Add(name).Add(room.next_id).Add(room.users.size()).Add(room.messages.size());
    for (const User& user : room.users) builder.Add(user.node).Add(user.client).Add(user.nick);
    for (const Message& message : room.messages) {
      builder.Add(static_cast<uint64_t>(message.time_ms)).Add(message.nick()).Add(message.text());
    }
    sum += builder.Finish();
  }
  return sum;
}

}  // namespace understudy::targets
