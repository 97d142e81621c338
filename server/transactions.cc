#include "server/transactions.h"

#include <algorithm>

#include "protocol/numbers.h"
#include "server/node.h"

namespace understudy::server {

using protocol::Command;
using protocol::Owner;
using protocol::ReplyWriter;

namespace {
constexpr std::string_view kAborted = "EXECABORT Transaction discarded because of previous errors.";
}  // namespace

Transactions::Result Transactions::Handle(Connection& connection, const Command& command,
                                          std::span<const std::string_view> args,
                                          std::string* out) {
  Session& session = connection.session();
  ReplyWriter reply(out, session.resp);
  Result result;
  std::string_view name = command.row->name;
  if (name == "multi") {
    if (session.transaction != nullptr) {
      reply.Error("ERR MULTI calls can not be nested");
    } else {
      session.transaction = std::make_shared<Transaction>();
      reply.Ok();
    }
  } else if (name == "discard") {
    if (session.transaction == nullptr) {
      reply.Error("ERR DISCARD without MULTI");
    } else {
      Reset(connection);
      reply.Ok();
    }
  } else if (name == "watch") {
    Watch(connection, args, &reply, &result);
  } else if (name == "unwatch") {
    node_->watches().RemoveAll(connection);
    reply.Ok();
  } else {
    Exec(connection, &reply, &result);
  }
  return result;
}

void Transactions::Reset(Connection& connection) {
  connection.session().transaction.reset();
  node_->watches().RemoveAll(connection);
}

void Transactions::Watch(Connection& connection, std::span<const std::string_view> args,
                         ReplyWriter* reply, Result* result) {
  Session& session = connection.session();
  if (session.transaction != nullptr) {
    return reply->Error("ERR WATCH inside MULTI is not allowed");
  }
  // Its own earlier writes, still on their way, mustn't look like somebody's later ones.
  if (session.forwarded > 0 || session.reading > 0) {
    result->outcome = Outcome::kPause;
  } else if (node_->host().can_execute()) {
    WatchNow(connection, args, reply);
  } else {
    // Entries that were committed before this moment aren't somebody's later ones either.
    result->outcome = Outcome::kRead;
  }
}

void Transactions::WatchNow(Connection& connection, std::span<const std::string_view> args,
                            ReplyWriter* reply) {
  for (std::string_view key : args.subspan(1)) {
    if (!node_->watches().Add(connection, connection.session().db, key)) {
      return reply->Error("ERR too many watched keys");
    }
  }
  reply->Ok();
}

// --- queueing -----------------------------------------------------------------------------------

void Transactions::Queue(Connection& connection, const Command& command,
                         std::span<const std::string_view> args, ReplyWriter* reply) {
  Transaction& transaction = *connection.session().transaction;
  if (command.Has(protocol::kNoMulti)) {
    transaction.failed = true;
    return reply->Error("ERR Command not allowed inside a transaction");
  }
  Transaction::Queued queued{&command, KeptArguments(args)};
  if (transaction.bytes + queued.args.bytes() > Transaction::kMaxBytes) {
    transaction.failed = true;
    return reply->Error("ERR transaction is too big");
  }
  ClusterHost& host = node_->host();
  if (std::string_view error = host.can_execute() ? host.Refusal(command) : std::string_view();
      !error.empty()) {
    transaction.failed = true;
    return reply->Error(error);
  }
  // After a failure nothing of it will be executed: nothing is kept.
  if (!transaction.failed) {
    transaction.bytes += queued.args.bytes();
    if (command.row->owner == Owner::kNode) transaction.has_node_commands = true;
    transaction.commands.push_back(std::move(queued));
  }
  reply->Simple("QUEUED");
}

void Transactions::Fail(Connection& connection) {
  Session& session = connection.session();
  if (session.transaction != nullptr) session.transaction->failed = true;
}

// --- EXEC ---------------------------------------------------------------------------------------

void Transactions::Exec(Connection& connection, ReplyWriter* reply, Result* result) {
  Session& session = connection.session();
  if (session.transaction == nullptr) return reply->Error("ERR EXEC without MULTI");
  ClusterHost& host = node_->host();
  if (session.transaction->failed || session.watch_touched) {
    if (session.transaction->failed) {
      reply->Error(kAborted);
    } else {
      reply->NullArray();
      // What touched the keys may still be taken back.
      result->gate.index = host.state_index();
      result->keep = result->aborted = host.may_lose();
    }
    return Reset(connection);
  }
  bool here = host.can_execute() && node_->forwarder().outstanding() == 0;
  if (session.reading > 0 || (!here && node_->forwarder().full())) {
    result->outcome = Outcome::kPause;
    return;
  }
  std::shared_ptr<Transaction> transaction = session.transaction;
  bool only_node =
      std::all_of(transaction->commands.begin(), transaction->commands.end(),
                  [](const auto& queued) { return queued.row->row->owner == Owner::kNode; });
  for (size_t i = 0; here && i < transaction->commands.size(); ++i) {
    std::string_view error = host.Refusal(*transaction->commands[i].row);
    if (error.empty()) continue;
    reply->Error(TransactionRefusal(error));
    return Reset(connection);
  }
  if (here || (only_node && session.watched.empty() && session.forwarded == 0)) {
    if (here && host.may_lose()) {
      EncodeForGlobal(connection, *transaction, &result->forward);
      if (transaction->has_node_commands) result->transaction = transaction;
      result->watched = !session.watched.empty();
      result->db = session.db;
      result->keep = true;
    }
    ExecHere(connection, *transaction, reply, result);
  } else {
    result->outcome = Outcome::kForward;
    EncodeForGlobal(connection, *transaction, &result->forward);
    if (transaction->has_node_commands) result->transaction = transaction;
  }
  Reset(connection);
}

void Transactions::AnswerByNode(Connection& connection, const Transaction::Queued& queued,
                                ReplyWriter* reply, Gate* gate) {
  std::vector<std::string_view> args;
  queued.args.Views(&args);
  NodeRequest request{*node_, connection, *queued.row, args, *reply, Gate{}};
  size_t begin = reply->out()->size();
  node_->node_commands().Handle(request);
  node_->instruments().Executed(connection.session(), *queued.row, args, std::string_view(*reply->out()).substr(begin));
  gate->index = std::max(gate->index, request.gate.index);
  gate->confirm = std::max(gate->confirm, request.gate.confirm);
}

void Transactions::ExecHere(Connection& connection, const Transaction& transaction,
                            ReplyWriter* reply, Result* result) {
  Session& session = connection.session();
  ClusterHost& host = node_->host();
  // A watched key whose time is over has changed, though nobody deleted it yet.
  for (const WatchedKey& watched : session.watched) {
    targets::KeyInfo info = host.Peek(watched.db, watched.key);
    if (info.exists && info.expired && watched.existed) {
      reply->NullArray();
      result->gate.index = host.state_index();
      result->read = true;
      return;
    }
  }
  Gate gate, node_gate;
  node_->tracking().set_cause(session.id);
  bool entry = host.ExecuteMany(
      [&](const ClusterHost::RunOne& run) {
        reply->Array(transaction.commands.size());
        std::vector<std::string_view> args;
        for (const Transaction::Queued& queued : transaction.commands) {
          if (queued.row->row->owner == Owner::kNode) {
            AnswerByNode(connection, queued, reply, &node_gate);
            continue;
          }
          queued.args.Views(&args);
          size_t begin = reply->out()->size();
          targets::Request request;
          request.command = queued.row;
          request.args = args;
          request.db = session.db;
          request.client = {node_->identity().id, session.id, node_->identity().run};
          run(request, reply);
          if (session.track) node_->tracking().OnRead(connection, *queued.row, args);
          node_->instruments().Executed(session, *queued.row, args, std::string_view(*reply->out()).substr(begin));
        }
      },
      &gate);
  node_->tracking().set_cause(0);
  result->gate.index = std::max(gate.index, node_gate.index);
  result->gate.confirm = node_gate.confirm;
  result->read = !entry;
}

void Transactions::EncodeForGlobal(Connection& connection, const Transaction& transaction,
                                   std::string* out) {
  Session& session = connection.session();
  ForwardedTransaction forward;
  // What is executed here and not committed may be taken back, and its indexes given to others.
  forward.seen = std::min(node_->host().state_index(), node_->host().applied());
  for (const WatchedKey& watched : session.watched) {
    forward.watched.push_back({watched.db, watched.key});
  }
  int db = session.db;
  for (const Transaction::Queued& queued : transaction.commands) {
    std::vector<std::string_view> args;
    queued.args.Views(&args);
    if (queued.row->row->owner != Owner::kNode) {
      forward.commands.push_back({db, std::move(args)});
    } else if (queued.row->row->name == "select" && args.size() == 2) {
      // Those behind it go to that database; the node itself changes over when EXEC is answered.
      auto number = protocol::ParseInteger(args[1]);
      if (number && *number >= 0 && *number < node_->options().databases) {
        db = static_cast<int>(*number);
      }
    }
  }
  EncodeTransaction(forward, out);
}

std::string Transactions::Compose(Connection& connection, Transaction* transaction,
                                  std::string_view from_global) {
  // An error or an abort stands for all of it.
  if (from_global.empty() || from_global[0] != '*' || from_global.substr(0, 3) == "*-1") {
    return std::string(from_global);
  }
  const auto take = [](std::string_view* replies) {
    std::string_view first = replies->substr(0, ReplyLength(*replies));
    replies->remove_prefix(first.size());
    return first;
  };
  std::string_view before = transaction->composed;
  if (!before.empty()) before.remove_prefix(before.find("\r\n") + 2);
  from_global.remove_prefix(from_global.find("\r\n") + 2);
  std::string composed;
  ReplyWriter reply(&composed, connection.session().resp);
  reply.Array(transaction->commands.size());
  Gate unused;
  for (const Transaction::Queued& queued : transaction->commands) {
    const std::string_view own = take(&before);
    if (queued.row->row->owner != Owner::kNode) {
      composed.append(take(&from_global));
    } else if (!own.empty()) {
      composed.append(own);
    } else {
      AnswerByNode(connection, queued, &reply, &unused);
    }
  }
  transaction->composed = composed;
  return composed;
}

}  // namespace understudy::server
