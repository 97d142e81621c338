#include "server/client_text.h"

#include <algorithm>

#include "protocol/numbers.h"
#include "server/tracking.h"
#include "server/transaction.h"

namespace understudy::server {

namespace {

void AppendField(std::string* out, std::string_view name, std::string_view value) {
  if (!out->empty() && out->back() != '\n') out->push_back(' ');
  out->append(name);
  out->push_back('=');
  out->append(value);
}

void AppendField(std::string* out, std::string_view name, int64_t value) {
  AppendField(out, name, std::string_view(std::to_string(value)));
}

void AppendField(std::string* out, std::string_view name, size_t value) {
  AppendField(out, name, static_cast<int64_t>(value));
}

std::string Flags(const Connection& connection, ClientType type) {
  const Session& session = connection.session();
  std::string flags;
  if (type == ClientType::kReplica) flags += 'S';
  if (type == ClientType::kMaster) flags += 'M';
  if (type == ClientType::kPubSub) flags += 'P';
  if (session.monitor) flags += 'O';
  if (session.blocked != 0) flags += 'b';
  if (connection.closing()) flags += 'c';
  if (session.readonly) flags += 'r';
  if (session.tracking != nullptr) {
    flags += 't';
    if (session.tracking->broken_redirect) flags += 'R';
    if (session.tracking->broadcast) flags += 'B';
  }
  if (session.no_evict) flags += 'e';
  if (session.no_touch) flags += 'T';
  return flags.empty() ? "N" : flags;
}

}  // namespace

ClientType TypeOf(const Session& session, const cluster::NodeId& global) {
  if (!session.peer_id.empty()) {
    return session.peer_id == global ? ClientType::kMaster : ClientType::kReplica;
  }
  return !session.subscriber() ? ClientType::kNormal : ClientType::kPubSub;
}

bool ParseClientType(std::string_view word, ClientType* type) {
  static constexpr std::pair<std::string_view, ClientType> kWords[] = {
      {"normal", ClientType::kNormal}, {"master", ClientType::kMaster},
      {"slave", ClientType::kReplica}, {"replica", ClientType::kReplica},
      {"pubsub", ClientType::kPubSub},
  };
  for (const auto& [name, value] : kWords) {
    if (!protocol::EqualsIgnoreCase(word, name)) continue;
    *type = value;
    return true;
  }
  return false;
}

void AppendClientLine(const Connection& connection, const cluster::NodeId& global,
                      cluster::Micros now, std::string* out) {
  const Session& session = connection.session();
  const ReplyQueue& replies = connection.replies();
  auto seconds_since = [now](cluster::Micros then) {
    return std::max<cluster::Micros>(0, now - then) / 1000000;
  };
  size_t input_free =
      connection.input_capacity() - std::min(connection.input_capacity(), connection.input_bytes());
  size_t held = replies.bytes() - replies.ready_bytes();
  AppendField(out, "id", static_cast<int64_t>(session.id));
  AppendField(out, "addr", session.address);
  AppendField(out, "laddr", session.local_address);
  AppendField(out, "fd", static_cast<int64_t>(connection.fd()));
  AppendField(out, "name", session.name);
  AppendField(out, "age", seconds_since(session.connected_at));
  AppendField(out, "idle", seconds_since(session.last_active));
  AppendField(out, "flags", Flags(connection, TypeOf(session, global)));
  AppendField(out, "db", static_cast<int64_t>(session.db));
  AppendField(out, "sub",
              session.subscriptions(Session::Subscription::kRoom).size() +
                  session.subscriptions(Session::Subscription::kChannel).size());
  AppendField(out, "psub", session.subscriptions(Session::Subscription::kPattern).size());
  AppendField(out, "ssub", session.subscriptions(Session::Subscription::kShardChannel).size());
  AppendField(out, "multi",
              session.transaction == nullptr
                  ? int64_t{-1}
                  : static_cast<int64_t>(session.transaction->commands.size()));
  AppendField(out, "qbuf", connection.input_bytes());
  AppendField(out, "qbuf-free", input_free);
  AppendField(out, "argv-mem", size_t{0});  // arguments stay where they were received
  AppendField(out, "multi-mem",
              session.transaction == nullptr ? size_t{0} : session.transaction->bytes);
  AppendField(out, "rbs", size_t{0});
  AppendField(out, "rbp", size_t{0});
  AppendField(out, "obl", replies.ready_bytes());  // may leave
  AppendField(out, "oll", replies.slots());        // replies that come from elsewhere
  AppendField(out, "omem", held);                  // waits for its entry's commit
  AppendField(out, "tot-mem", sizeof(Connection) + connection.input_capacity() + replies.bytes());
  AppendField(out, "events", replies.ready_bytes() > 0 ? "rw" : "r");
  AppendField(out, "cmd",
              session.last_command == nullptr ? std::string_view("NULL")
                                              : std::string_view(session.last_command->full_name));
  AppendField(out, "user", "default");
  AppendField(out, "redir",
              session.tracking == nullptr ? int64_t{-1}
                                          : static_cast<int64_t>(session.tracking->redirect));
  AppendField(out, "resp", static_cast<int64_t>(session.resp));
  AppendField(out, "lib-name", session.lib_name);
  AppendField(out, "lib-ver", session.lib_version);
  out->push_back('\n');
}

bool IsPlainText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~'; });
}

}  // namespace understudy::server
