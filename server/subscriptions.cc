#include "server/subscriptions.h"

#include "protocol/reply_writer.h"

namespace understudy::server {

void Subscriptions::Add(uint64_t client, std::string_view channel) {
  Connection* connection = connections_->Find(client);
  if (connection == nullptr) return;
  connection->session().channels.insert(std::string(channel));
  channels_[std::string(channel)].insert(client);
}

void Subscriptions::Remove(uint64_t client, std::string_view channel) {
  if (Connection* connection = connections_->Find(client)) {
    connection->session().channels.erase(std::string(channel));
  }
  auto found = channels_.find(std::string(channel));
  if (found == channels_.end()) return;
  found->second.erase(client);
  if (found->second.empty()) channels_.erase(found);
}

void Subscriptions::RemoveAll(Connection& connection) {
  for (const std::string& channel : connection.session().channels) {
    auto found = channels_.find(channel);
    if (found == channels_.end()) continue;
    found->second.erase(connection.session().id);
    if (found->second.empty()) channels_.erase(found);
  }
  connection.session().channels.clear();
}

void Subscriptions::Deliver(const targets::Publication& publication, const Gate& gate,
                            cluster::Index commit, uint64_t confirmed, uint64_t turn,
                            const std::function<void(Connection&)>& delivered) {
  auto found = channels_.find(std::string(publication.channel));
  if (found == channels_.end()) return;
  std::string text;
  for (size_t i = 1; i < publication.fields.size(); ++i) {
    if (i > 1) text.push_back(' ');
    text.append(publication.fields[i]);
  }
  for (uint64_t client : found->second) {
    Connection* connection = connections_->Find(client);
    if (connection == nullptr) continue;
    connection->MarkDirty();
    protocol::ReplyWriter reply(connection->replies().Begin(), connection->session().resp);
    if (reply.resp() == 3) {
      reply.Push(1 + publication.fields.size());
      reply.Bulk(publication.kind);
      for (std::string_view field : publication.fields) reply.Bulk(field);
    } else {
      reply.Array(3);
      reply.Bulk("message");
      reply.Bulk(publication.channel);
      reply.Bulk(text);
    }
    connection->replies().End(gate, commit, confirmed, turn);
    delivered(*connection);
  }
}

}  // namespace understudy::server
