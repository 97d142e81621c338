// What other nodes say to this one, over the connections they made: the PEER.* commands
// (server/peer_codec.h). One thread.
#pragma once

#include <span>
#include <string_view>

#include "protocol/command_table.h"
#include "server/connection.h"

namespace understudy::server {

class NamedCluster;
class Node;

class PeerRequests {
 public:
  explicit PeerRequests(Node* node) : node_(node) {}

  // False: malformed, or not the moment for it; nothing was done. Answers PEER.HELLO and PEER.JOIN
  // itself, the others have no answer.
  bool Handle(Connection& connection, const protocol::Command& command,
              std::span<const std::string_view> args);

 private:
  bool Hello(Connection& connection, std::span<const std::string_view> args);
  bool ToNamed(NamedCluster& cluster, std::string_view name, std::span<const std::string_view> args);
  bool Join(Connection& connection, std::span<const std::string_view> args);
  bool Forward(std::span<const std::string_view> args);
  bool Busy(std::span<const std::string_view> args);
  bool Reply(std::span<const std::string_view> args);
  void Answer(Connection& connection, std::string_view resp);

  Node* node_;
};

}  // namespace understudy::server
