// MULTI EXEC DISCARD WATCH UNWATCH of this node's connections, and the queueing between.
//
// A transaction is executed whole, as one entry, by the global: here if this node is it, else
// forwarded whole. Commands in it that a node answers itself (PING, SELECT, CLIENT, ...) are
// answered by the connection's node, in their places, when the transaction was executed.
// One thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "protocol/command_table.h"
#include "server/cluster_host.h"
#include "server/connection.h"
#include "server/transaction.h"

namespace understudy::server {

class Node;

class Transactions {
 public:
  explicit Transactions(Node* node) : node_(node) {}

  // What the dispatcher is to do with a request of Owner::kTransaction.
  enum class Outcome : uint8_t {
    kReplied,  // one reply was written
    kPause,    // not now: replies of this connection are outstanding
    kRead,     // WATCH: WatchNow() when the state here is as new as a read would need it
    kForward,  // EXEC: give `forward` to the global under its row, and the transaction with it
  };
  struct Result {
    Outcome outcome = Outcome::kReplied;
    Gate gate = {};
    bool read = false;  // the reply needs the lease: it has no entry of its own
    std::string forward = {};
    std::shared_ptr<Transaction> transaction = {};  // kForward, if it has node commands
    // kReplied to an EXEC that another global may have to execute again: as kForward. `aborted`: it
    // executed nothing.
    bool keep = false, aborted = false, watched = false;
    int db = 0;  // the connection's, when it began
  };
  // `reply` may have been written to only if kReplied.
  Result Handle(Connection& connection, const protocol::Command& command,
                std::span<const std::string_view> args, std::string* reply);

  void WatchNow(Connection& connection, std::span<const std::string_view> args,
                protocol::ReplyWriter* reply);

  // Takes a request behind MULTI; writes +QUEUED or an error.
  void Queue(Connection& connection, const protocol::Command& command,
             std::span<const std::string_view> args, protocol::ReplyWriter* reply);
  // A request behind MULTI was rejected.
  static void Fail(Connection& connection);

  // The global's reply to a forwarded transaction, with the node's own replies put in.
  std::string Compose(Connection& connection, Transaction* transaction, std::string_view reply);
  // The connection forgets what it queued and watched.
  void Reset(Connection& connection);

 private:
  void Watch(Connection& connection, std::span<const std::string_view> args,
             protocol::ReplyWriter* reply, Result* result);
  void Exec(Connection& connection, protocol::ReplyWriter* reply, Result* result);
  void ExecHere(Connection& connection, const Transaction& transaction,
                protocol::ReplyWriter* reply, Result* result);
  void EncodeForGlobal(Connection& connection, const Transaction& transaction, std::string* out);
  void AnswerByNode(Connection& connection, const Transaction::Queued& queued,
                    protocol::ReplyWriter* reply, Gate* gate);

  Node* node_;
};

}  // namespace understudy::server
