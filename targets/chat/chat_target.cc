#include "targets/chat/chat_target.h"

#include <algorithm>
#include <charconv>

#include "protocol/argument_reader.h"
#include "protocol/numbers.h"
#include "targets/text.h"

namespace understudy::targets {
namespace {

using protocol::ReplyWriter;

// A number's decimal digits, for effects and publications.
class Digits {
 public:
  explicit Digits(uint64_t value)
      : size_(static_cast<size_t>(std::to_chars(buffer_, buffer_ + sizeof(buffer_), value).ptr -
                                  buffer_)) {}
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
    if (user.client == client.id && user.run == client.run && user.node == client.node_id) {
      return &user;
    }
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
  if (name == "chat.start") return Start(request, context);
  if (name == "chat.stop") return Stop(request, context);
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
  context.effects->Add(0, {"chat.join", name, request.client.node_id, Digits(request.client.run),
                           Digits(request.client.id), nick});
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
    room.users.push_back({std::string(client.node_id), client.run, client.id, std::string(nick)});
    rooms_of_[MemberOf(client)].emplace(name);
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
  if (request.client.id == 0) return context.reply->Error("ERR only a connection can leave a room");
  const std::string_view name = request.args[1];
  Room* room = FindRoom(name, context);
  if (room != nullptr && room->Find(request.client) != nullptr) {
    context.effects->Add(0, {"chat.leave", name, request.client.node_id, Digits(request.client.run),
                             Digits(request.client.id)});
    ApplyLeave(request.client, name, {}, context);
  }
  context.reply->Ok();
}

bool ChatTarget::ApplyLeave(const Client& client, std::string_view name, std::string_view reason,
                            Context& context) {
  const auto it = rooms_.find(name);
  if (it == rooms_.end()) return false;
  Room& room = it->second;
  User* user = room.Find(client);
  if (user == nullptr) return false;
  const std::string nick = std::move(user->nick);
  room.users.erase(room.users.begin() + (user - room.users.data()));
  Forget(client, name);
  room.changed = context.index;

  const std::string channel = Channel(name);
  const Digits time(static_cast<uint64_t>(context.now_ms));
  const std::string_view fields[] = {name, time, nick, reason};
  if (reason.empty()) context.publisher->Unsubscribe(client, channel);
  context.publisher->Publish({channel, "chat.leave", fields});
  if (!reason.empty()) context.publisher->Unsubscribe(client, channel);
  EndIfEmpty(it, context);
  return true;
}

void ChatTarget::Forget(const Client& client, std::string_view name) {
  const auto rooms = rooms_of_.find(MemberOf(client));
  if (rooms == rooms_of_.end()) return;
  rooms->second.erase(std::string(name));
  if (rooms->second.empty()) rooms_of_.erase(rooms);
}

void ChatTarget::VisitLinks(const std::function<void(const Client&)>& visit) const {
  for (const auto& [member, rooms] : rooms_of_) {
    visit({std::get<0>(member), std::get<2>(member), std::get<1>(member)});
  }
}

void ChatTarget::OnExit(const Client& client, std::string_view reason, Context& context) {
  const auto found = rooms_of_.find(MemberOf(client));
  if (found == rooms_of_.end()) return;
  const std::string node(client.node_id);  // it may be the member's own
  const Client gone{node, client.id, client.run};
  if (reason.empty()) reason = "disconnected";
  const std::set<std::string> rooms = found->second;
  for (const std::string& name : rooms) {
    context.effects->Add(0, {"chat.leave", name, node, Digits(gone.run), Digits(gone.id), reason});
    ApplyLeave(gone, name, reason, context);
  }
}

void ChatTarget::Start(const Request& request, Context& context) {
  const std::string_view name = request.args[1];
  const Room* room = FindRoom(name, context);
  if (room == nullptr && rooms_.size() >= kMaxRooms) return ReplyTooManyRooms(*context.reply);
  if (room == nullptr || !room->started) {
    context.effects->Add(0, {"chat.start", name});
    ApplyStart(name, context);
  }
  context.reply->Ok();
}

bool ChatTarget::ApplyStart(std::string_view name, Context& context) {
  auto it = rooms_.find(name);
  if (it == rooms_.end()) {
    if (rooms_.size() >= kMaxRooms) return false;
    it = rooms_.emplace(name, Room{}).first;
    rooms_changed_ = context.index;
  }
  it->second.started = true;
  it->second.changed = context.index;
  return true;
}

void ChatTarget::Stop(const Request& request, Context& context) {
  const std::string_view name = request.args[1];
  Room* room = FindRoom(name, context);
  if (room == nullptr) return context.reply->Error("ERR there is no such room");
  const User* user = room->Find(request.client);
  const std::string nick = user != nullptr ? user->nick : DefaultNick(request.client);
  context.effects->Add(0, {"chat.stop", name, nick});
  ApplyStop(name, nick, context);
  context.reply->Ok();
}

bool ChatTarget::ApplyStop(std::string_view name, std::string_view nick, Context& context) {
  const auto it = rooms_.find(name);
  if (it == rooms_.end()) return false;
  const std::string channel = Channel(name);
  const Digits time(static_cast<uint64_t>(context.now_ms));
  const std::string_view fields[] = {name, time, nick};
  context.publisher->Publish({channel, "chat.stop", fields});
  for (const User& user : it->second.users) {
    const Client client{user.node, user.client, user.run};
    context.publisher->Unsubscribe(client, channel);
    Forget(client, name);
  }
  rooms_.erase(it);
  rooms_changed_ = context.index;
  return true;
}

void ChatTarget::EndIfEmpty(Rooms::iterator it, Context& context) {
  // A room that had messages stays even when its history keeps none: ids must go on.
  if (!it->second.users.empty() || it->second.next_id != 1 || it->second.started) return;
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
  if (args.size() < 2 || !GoodRoom(args[1])) return false;
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
  if (args[0] == "chat.start") return args.size() == 2 && ApplyStart(room, context);
  if (args[0] == "chat.stop") {
    return args.size() == 3 && GoodNick(args[2]) && ApplyStop(room, args[2], context);
  }
  Client who;
  if (args.size() < 5 || args[2].size() > kMaxNodeIdBytes || !ParseUnsigned(args[3], &who.run) ||
      number(4) < 1) {
    return false;
  }
  who.node_id = args[2];
  who.id = static_cast<uint64_t>(number(4));
  if (args[0] == "chat.join") {
    return args.size() == 6 && GoodNick(args[5]) && ApplyJoin(who, room, args[5], context);
  }
  const std::string_view reason = args.size() == 6 ? args[5] : std::string_view();
  return args[0] == "chat.leave" && args.size() <= 6 && ApplyLeave(who, room, reason, context);
}

std::string ChatTarget::Describe() const {
  size_t messages = 0;
  for (const auto& [name, room] : rooms_) messages += room.messages.size();
  return "rooms:" + std::to_string(rooms_.size()) +
         "\r\nusers:" + std::to_string(rooms_of_.size()) +
         "\r\nmessages:" + std::to_string(messages) + "\r\n";
}

void ChatTarget::Clear() {
  rooms_.clear();
  rooms_of_.clear();
  rooms_changed_ = 0;
}

Digest160 ChatTarget::StateDigest() const {
  Digest160 sum;
  for (const auto& [name, room] : rooms_) {
    DigestBuilder builder("chat");
    builder.Add(name)
        .Add(room.started)
        .Add(room.next_id)
        .Add(room.users.size())
        .Add(room.messages.size());
    for (const User& user : room.users) {
      builder.Add(user.node).Add(user.run).Add(user.client).Add(user.nick);
    }
    for (const Message& message : room.messages) {
      builder.Add(static_cast<uint64_t>(message.time_ms)).Add(message.nick()).Add(message.text());
    }
    sum += builder.Finish();
  }
  return sum;
}

}  // namespace understudy::targets
