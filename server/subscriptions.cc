#include "server/subscriptions.h"

#include "protocol/numbers.h"
#include "protocol/reply_writer.h"

namespace understudy::server {

namespace {

std::string TextOf(const targets::Publication& publication) {
  bool message =
      publication.kind == targets::kMessage || publication.kind == targets::kShardMessage;
  std::string text;
  if (!message) text = publication.kind.substr(publication.kind.find('.') + 1);
  for (size_t i = message ? 0 : 1; i < publication.fields.size(); ++i) {
    if (!message && publication.fields[i].empty() && i + 1 == publication.fields.size()) break;
    if (!text.empty()) text.push_back(' ');
    text.append(publication.fields[i]);
  }
  return text;
}

void WriteMessage(std::initializer_list<std::string_view> elements, protocol::ReplyWriter* reply) {
  reply->Push(elements.size());
  for (std::string_view element : elements) reply->Bulk(element);
}

}  // namespace

bool Subscriptions::Add(Connection& connection, Kind kind, std::string_view name) {
  Session& session = connection.session();
  if (!session.subscriptions(kind).insert(std::string(name)).second) return false;
  OfKind(kind)[std::string(name)].insert(session.id);
  return true;
}

bool Subscriptions::Remove(Connection& connection, Kind kind, std::string_view name) {
  Session& session = connection.session();
  auto own = session.subscriptions(kind).find(std::string(name));
  if (own == session.subscriptions(kind).end()) return false;
  session.subscriptions(kind).erase(own);
  auto found = OfKind(kind).find(name);
  if (found == OfKind(kind).end()) return true;
  found->second.erase(session.id);
  if (found->second.empty()) OfKind(kind).erase(found);
  return true;
}

void Subscriptions::RemoveAll(Connection& connection) {
  for (size_t i = 0; i < Session::kSubscriptionKinds; ++i) {
    Kind kind = static_cast<Kind>(i);
    std::set<std::string> names = connection.session().subscriptions(kind);
    for (const std::string& name : names) Remove(connection, kind, name);
  }
}

void Subscriptions::CloseAll() {
  connections_->ForEach([](Connection& connection) {
    if (connection.session().subscriber()) connection.Close();
  });
}

void Subscriptions::Deliver(const targets::Publication& publication, const Gate& gate,
                            cluster::Index commit, uint64_t confirmed, uint64_t turn,
                            const std::function<void(Connection&)>& delivered) {
  auto to_all = [&](const std::set<uint64_t>& clients, const auto& write) {
    for (uint64_t client : clients) {
      Connection* connection = connections_->Find(client);
      if (connection == nullptr) continue;
      connection->MarkDirty();
      protocol::ReplyWriter reply(connection->replies().Begin(), connection->session().resp);
      write(&reply);
      connection->replies().End(gate, commit, confirmed, turn);
      delivered(*connection);
    }
  };
  const std::string_view channel = publication.channel;
  const bool shard = publication.kind == targets::kShardMessage;
  const std::string text = TextOf(publication);
  Kind direct = shard ? Kind::kShardChannel : Kind::kChannel;
  if (auto found = OfKind(direct).find(channel); found != OfKind(direct).end()) {
    to_all(found->second, [&](protocol::ReplyWriter* reply) {
      WriteMessage({shard ? "smessage" : "message", channel, text}, reply);
    });
  }
  if (shard) return;
  for (const auto& [pattern, clients] : OfKind(Kind::kPattern)) {
    if (!protocol::GlobMatch(pattern, channel)) continue;
    to_all(clients, [&, &name = pattern](protocol::ReplyWriter* reply) {
      WriteMessage({"pmessage", name, channel, text}, reply);
    });
  }
  auto room = OfKind(Kind::kRoom).find(channel);
  if (room == OfKind(Kind::kRoom).end()) return;
  to_all(room->second, [&](protocol::ReplyWriter* reply) {
    if (reply->resp() != 3) return WriteMessage({"message", channel, text}, reply);
    reply->Push(1 + publication.fields.size());
    reply->Bulk(publication.kind);
    for (std::string_view field : publication.fields) reply->Bulk(field);
  });
}

size_t Subscriptions::Receivers(std::string_view channel, bool shard) const {
  if (shard) return Count(Kind::kShardChannel, channel);
  size_t count = Count(Kind::kChannel, channel);
  for (const auto& [pattern, clients] : OfKind(Kind::kPattern)) {
    if (protocol::GlobMatch(pattern, channel)) count += clients.size();
  }
  return count;
}

std::vector<std::string_view> Subscriptions::Names(Kind kind) const {
  std::vector<std::string_view> names;
  for (const auto& [name, clients] : OfKind(kind)) names.push_back(name);
  return names;
}

size_t Subscriptions::Count(Kind kind, std::string_view name) const {
  auto found = OfKind(kind).find(name);
  return found == OfKind(kind).end() ? 0 : found->second.size();
}

}  // namespace understudy::server
