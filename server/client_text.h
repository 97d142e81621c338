// What CLIENT INFO and LIST say about a connection, and what a client may call itself.
#pragma once

#include <string>
#include <string_view>

#include "server/connection.h"

namespace understudy::server {

// Kinds of connections, by Redis' words: another node's link counts as one of a master if that node
// is the global, else as one of a replica.
enum class ClientType : uint8_t { kNormal, kMaster, kReplica, kPubSub };
ClientType TypeOf(const Session& session, const cluster::NodeId& global);
// "normal", "master", "replica" or "slave", "pubsub"; any case. False: another word.
bool ParseClientType(std::string_view word, ClientType* type);

// Appends one line, with its end, in the fields and the order of Redis 7.2:
// https://redis.io/docs/latest/commands/client-list/
// Fields about what isn't here (transactions, shared reply buffers, ...) have the values they have
// in Redis for a client that doesn't use them.
void AppendClientLine(const Connection& connection, const cluster::NodeId& global,
                      cluster::Micros now, std::string* out);

// Names of clients and libraries: printable ASCII without spaces, so that a line stays one line.
bool IsPlainText(std::string_view text);
inline constexpr std::string_view kBadClientName =
    "ERR Client names cannot contain spaces, newlines or special characters.";

}  // namespace understudy::server
