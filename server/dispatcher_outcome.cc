// The part of the dispatcher that keeps what was executed here as the global until its outcome is
// known, and has executed again what never happened.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "server/dispatcher.h"
#include "server/node.h"

namespace understudy::server {

using cluster::Index;
using cluster::Micros;

// A request kept, with its arguments.
struct Dispatcher::Again {
  KeptRequests::Request request;
  std::vector<std::string_view> args;
  std::shared_ptr<Transaction> transaction;
};

void Dispatcher::Keep(Connection& connection, KeptRequests::Request* request,
                      std::span<const std::string_view> args,
                      std::shared_ptr<Transaction> transaction) {
  Session& session = connection.session();
  const uint64_t turn = node_->environment().turn;
  request->connection = session.id;
  request->sequence = node_->host().own_sequence();
  request->resp = static_cast<uint8_t>(session.resp);
  request->let_go = request->kind == KeptRequests::Kind::kTarget && node_->host().let_go();
  if (session.reply_mode == Session::ReplyMode::kOn) {
    request->place = connection.replies().last_place();
  }
  session.executed_turn = turn;
  kept_.Add(turn, *request, args, std::move(transaction));
}

void Dispatcher::KeepTransaction(Connection& connection, Transactions::Result* result) {
  KeptRequests::Request kept;
  kept.kind = result->aborted ? KeptRequests::Kind::kAborted : KeptRequests::Kind::kTarget;
  kept.wrote = !result->read && !result->aborted;
  kept.watched = result->watched;
  kept.row = node_->table().FindByName("peer.transaction");
  kept.index = result->gate.index;
  kept.db = result->db;
  const std::string_view args[] = {kept.row->row->name, result->forward};
  Keep(connection, &kept, args, std::move(result->transaction));
}

void Dispatcher::EndTurn() {
  const ClusterHost& host = node_->host();
  if (kept_.Release(host.applied(), host.confirmed(), node_->environment().turn + 1) &&
      !paused_.empty()) {
    node_->loop().DoNotWait();
  }
  AnswerAgain();
}

void Dispatcher::OnOutcome(Index survived) {
  node_->watches().TouchAll();
  // It may not have heard yet that the lock is lost.
  node_->forwarder().OnLockChanged();
  node_->loop().DoNotWait();
  undecided_since_ = 0;
  std::unordered_map<uint64_t, std::vector<Again>> by_connection;
  std::vector<uint64_t> order;
  kept_.ForEach([&](const KeptRequests::Request& request, std::span<const std::string_view> args,
                    std::shared_ptr<Transaction> transaction) {
    std::vector<Again>& requests = by_connection[request.connection];
    if (requests.empty()) order.push_back(request.connection);
    requests.push_back({request, {args.begin(), args.end()}, std::move(transaction)});
  });
  for (uint64_t id : order) {
    Connection* connection = node_->connections().Find(id);
    if (connection == nullptr || connection->closed()) continue;
    connection->session().executed_turn = 0;
    RunAgain(*connection, by_connection[id], survived);
  }
  kept_.Clear();
}

Index Dispatcher::NewestHeld(uint64_t own_sequence) {
  Index newest = 0;
  kept_.ForEach([&](const KeptRequests::Request& request, const auto&, const auto&) {
    if (request.wrote && request.sequence <= own_sequence) {
      newest = std::max(newest, request.index);
    }
  });
  return newest;
}

void Dispatcher::RunAgain(Connection& connection, std::span<const Again> requests, Index survived) {
  // What was executed before an entry that survived has happened as it was told.
  size_t begin = requests.size();
  while (begin > 0 &&
         !(requests[begin - 1].request.wrote && requests[begin - 1].request.index <= survived)) {
    --begin;
  }
  std::vector<ReplyQueue::Edit> edits;
  size_t again = 0;
  for (const Again& one : requests.subspan(begin)) {
    const KeptRequests::Request& request = one.request;
    if (request.place.segment == 0) {
      // No reply was wanted; but it is to be done.
      if (request.wrote && request.kind == KeptRequests::Kind::kTarget && !request.watched) {
        AskAgain(connection, one);
        ++again;
      }
    } else if (connection.replies().Holds(request.place)) {
      const bool message = request.kind == KeptRequests::Kind::kPublication;
      if (message && request.index <= survived) continue;
      edits.push_back(AskAgain(connection, one));
      if (!message) ++again;
    }
  }
  connection.replies().Rewrite(edits, true);
  connection.MarkDirty();
  OnFilled(connection);
  again_ += again;
  if (again > 0) {
    node_->log().Verbose("Commands of client %llu never happened and are executed again: %zu",
                         static_cast<unsigned long long>(connection.session().id), again);
  }
}

// Has it executed again; what is to be in its place meanwhile.
ReplyQueue::Edit Dispatcher::AskAgain(Connection& connection, const Again& one) {
  using Kind = KeptRequests::Kind;
  const KeptRequests::Request& request = one.request;
  ReplyQueue::Edit edit{request.place};
  if (request.kind == Kind::kPublication) return edit;
  if (request.kind == Kind::kAborted || request.watched) {
    // The keys it watched aren't what they were.
    edit.bytes = request.resp == 3 ? "_\r\n" : "*-1\r\n";
    return edit;
  }
  if (request.place.segment != 0) edit.slot = next_slot_++;
  if (request.kind == Kind::kNode) {
    answers_.push_back({request.connection, edit.slot, request.row, KeptArguments(one.args)});
    return edit;
  }
  if (one.transaction != nullptr && request.place.segment != 0) {
    one.transaction->composed = connection.replies().At(request.place);
  }
  Session& session = connection.session();
  if (session.tracking != nullptr && !session.tracking->broadcast) {
    // What it read then was taken back: its client was told to forget all.
    node_->tracking().OnRead(connection, *request.row, one.args);
    session.track = true;
  }
  node_->forwarder().ForwardAgain(connection, *request.row, one.args, edit.slot, request.db,
                                  request.resp, node_->now(),
                                  node_->options().cluster_wait_ms * 1000, one.transaction,
                                  request.let_go ? 1 : 0);
  session.track = false;
  return edit;
}

// Commands that the node answers itself, from a state that was taken back.
void Dispatcher::AnswerAgain() {
  if (answers_.empty() || !node_->host().settled()) return;
  const uint64_t turn = node_->environment().turn;
  for (const AnswerLater& later : std::exchange(answers_, {})) {
    Connection* connection = node_->connections().Find(later.connection);
    if (connection == nullptr || connection->closed()) continue;
    std::vector<std::string_view> args;
    later.args.Views(&args);
    std::string bytes;
    protocol::ReplyWriter reply(&bytes, connection->session().resp);
    NodeRequest request{*node_, *connection, *later.row, args, reply, Gate{}};
    node_->node_commands().Handle(request);
    connection->MarkDirty();
    if (connection->replies().Fill(later.slot, bytes, request.gate, turn)) OnFilled(*connection);
  }
}

// No global in the time that clients are to wait, so nobody can tell.
void Dispatcher::Expire(Micros now) {
  // While there is one, its entries are on their way here, or its state, which may take longer.
  const cluster::NodeId holder = node_->host().member().holder();
  const bool global = !holder.empty() && holder != node_->identity().id;
  if (kept_.empty() || node_->host().can_execute() || global) {
    undecided_since_ = 0;
    return;
  }
  if (undecided_since_ == 0) undecided_since_ = now;
  if (now - undecided_since_ < node_->options().cluster_wait_ms * 1000) return;
  undecided_since_ = 0;
  kept_.ForEach([&](const KeptRequests::Request& request, const auto&, const auto&) {
    Connection* connection = node_->connections().Find(request.connection);
    if (connection != nullptr && !connection->closed() && connection->replies().waiting()) {
      connection->Close();
    }
  });
  kept_.Clear();
}

}  // namespace understudy::server
