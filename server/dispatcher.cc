#include "server/dispatcher.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/numbers.h"
#include "server/node.h"

namespace understudy::server {

using cluster::Micros;
using protocol::Command;
using protocol::CommandTable;
using protocol::Owner;
using protocol::ReplyWriter;

namespace {
constexpr std::string_view kNoAuth = "NOAUTH Authentication required.";
using ReplyMode = Session::ReplyMode;

// In RESP2 a connection that listens can't tell replies from messages but for these.
bool MayListenersUse(const Command& command) {
  constexpr std::string_view kNames[] = {"ping",         "subscribe",    "unsubscribe",
                                         "psubscribe",   "punsubscribe", "ssubscribe",
                                         "sunsubscribe", "quit",         "reset"};
  return std::find(std::begin(kNames), std::end(kNames), command.row->name) != std::end(kNames);
}

// A read that may have to wait (XREAD BLOCK) is the global's.
bool MayWait(const Command& command, std::span<const std::string_view> args) {
  if (!command.Has(protocol::kBlocking)) return false;
  return std::any_of(args.begin(), args.end(), [](std::string_view arg) {
    return protocol::EqualsIgnoreCase(arg, "block");
  });
}
}  // namespace

void Dispatcher::OnInput() {
  node_->RefreshNow();
  node_->instruments().Begin();
}

void Dispatcher::OnAhead(Connection& connection,
                         std::span<const protocol::RequestParser> requests) {
  // Only a hint: the first key of each, in the database as it is now.
  if (!node_->host().can_execute()) return;
  std::array<std::string_view, 16> keys;
  size_t count = 0;
  for (const protocol::RequestParser& request : requests) {
    // Names of commands with keys are rarely mistaken: whatever is in the first argument will do.
    if (request.args().size() > 1 && count < keys.size()) keys[count++] = request.args()[1];
  }
  node_->host().target().Prefetch(connection.session().db, std::span(keys).first(count));
}

ConnectionHandler::Flow Dispatcher::OnRequest(Connection& connection,
                                              std::span<const std::string_view> args) {
  Session& session = connection.session();
  if (session.tracking != nullptr) [[unlikely]] {
    return DispatchTracked(connection, args);
  }
  return DispatchReplyMode(connection, args);
}

// CLIENT CACHING counts for the command behind it, or for the transaction behind it.
ConnectionHandler::Flow Dispatcher::DispatchTracked(Connection& connection,
                                                    std::span<const std::string_view> args) {
  Session& session = connection.session();
  const std::shared_ptr<TrackingState> state = session.tracking;
  session.track = state->Remembers();
  Flow flow = DispatchReplyMode(connection, args);
  session.track = false;
  const bool said =
      session.last_command != nullptr && session.last_command->full_name == "client|caching";
  if (flow == Flow::kDone && !said && session.transaction == nullptr) {
    state->caching = TrackingState::Caching::kUnsaid;
  }
  return flow;
}

ConnectionHandler::Flow Dispatcher::DispatchReplyMode(Connection& connection,
                                                      std::span<const std::string_view> args) {
  Session& session = connection.session();
  if (session.reply_mode == ReplyMode::kOn) return Dispatch(connection, args);
  // CLIENT REPLY SKIP and OFF: the command is executed, its reply dropped (EndReply, NewSlot).
  if (session.reply_mode == ReplyMode::kSkipNext) session.reply_mode = ReplyMode::kSkipThis;
  Flow flow = Dispatch(connection, args);
  if (session.reply_mode == ReplyMode::kSkipThis) {
    session.reply_mode = flow == Flow::kPause ? ReplyMode::kSkipNext : ReplyMode::kOn;
  }
  return flow;
}

ConnectionHandler::Flow Dispatcher::Dispatch(Connection& connection,
                                             std::span<const std::string_view> args) {
  if (connection.session().exec_outstanding || connection.session().blocked != 0) {
    return Pause(connection);
  }
  const Command* command = node_->table().Find(args);
  if (command == nullptr) {
    Reject(connection, nullptr, CommandTable::UnknownCommandError(args));
    return Flow::kDone;
  }
  if (command->Has(protocol::kSubcommands) && args.size() > 1) {
    Reject(connection, nullptr, CommandTable::UnknownSubcommandError(*command, args[1]));
    return Flow::kDone;
  }
  if (!command->ArityFits(args.size())) {
    Reject(connection, command, CommandTable::ArityError(*command));
    return Flow::kDone;
  }
  if (!connection.session().authenticated && !command->Has(protocol::kNoAuth)) {
    Reject(connection, command, kNoAuth);
    return Flow::kDone;
  }
  const Session& session = connection.session();
  if (session.listener() && session.resp == 2 && !MayListenersUse(*command)) {
    Reject(connection, command,
           "ERR Can't execute '" + protocol::ToLower(command->full_name) +
               "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
               "allowed in this context");
    return Flow::kDone;
  }
  if (session.transaction != nullptr && command->row->owner != Owner::kTransaction &&
      command->row->name != "quit" && command->row->name != "reset") {
    QueueCommand(connection, *command, args);
    return Flow::kDone;
  }
  if (!node_->monitors().empty()) return RunMonitored(connection, *command, args);
  return Run(connection, *command, args);
}

ConnectionHandler::Flow Dispatcher::Run(Connection& connection, const Command& command,
                                        std::span<const std::string_view> args) {
  switch (command.row->owner) {
    case Owner::kTransaction:
      return RunTransaction(connection, command, args);
    case Owner::kNode:
      if (command.row->group == protocol::Group::kTarget) {
        NamedCluster* cluster = node_->clusters().Route(command, args);
        if (cluster != nullptr) return CallCluster(connection, *cluster, command, args);
      }
      return AnswerHere(connection, command, args);
    case Owner::kPeer:
      if (!node_->peer_requests().Handle(connection, command, args)) {
        Reject(connection, nullptr, "ERR Bad message between nodes");
      }
      return Flow::kDone;
    default:
      return RunTarget(connection, command, args);
  }
}

ConnectionHandler::Flow Dispatcher::RunMonitored(Connection& connection, const Command& command,
                                                 std::span<const std::string_view> args) {
  const Session& session = connection.session();
  const bool executes = command.full_name == "exec";
  const int db = session.db;
  std::shared_ptr<Transaction> transaction = executes ? session.transaction : nullptr;
  Flow flow = Run(connection, command, args);
  if (flow != Flow::kDone || !session.peer_id.empty()) return flow;
  auto send = [this](Connection& to, std::string_view line) {
    to.MarkDirty();
    to.replies().Begin()->append(line);
    to.replies().End(Gate{}, 0, 0, node_->environment().turn);
  };
  const int64_t now = WallMicros();
  if (transaction != nullptr) {
    std::vector<std::string_view> queued_args;
    for (const Transaction::Queued& queued : transaction->commands) {
      queued.args.Views(&queued_args);
      node_->monitors().Feed(session, db, *queued.row, queued_args, now, send);
    }
  }
  node_->monitors().Feed(session, db, command, args, now, send);
  return flow;
}

void Dispatcher::Reject(Connection& connection, const Command* command, std::string_view error) {
  node_->instruments().statistics().Rejected(command, error);
  connection.MarkDirty();
  Transactions::Fail(connection);
  ReplyWriter(connection.replies().Begin(), connection.session().resp).Error(error);
  EndReply(connection, Gate{});
}

ConnectionHandler::Flow Dispatcher::AnswerHere(Connection& connection, const Command& command,
                                               std::span<const std::string_view> args) {
  connection.MarkDirty();
  connection.session().last_command = &command;
  std::string* out = connection.replies().Begin();
  size_t begin = out->size();
  ReplyWriter reply(out, connection.session().resp);
  NodeRequest request{*node_, connection, command, args, reply, Gate{}};
  node_->node_commands().Handle(request);
  node_->instruments().Executed(connection.session(), command, args,
                                std::string_view(*out).substr(begin));
  if (request.waits_for_snapshot) {
    connection.replies().Cancel();
    saves_.push_back({connection.session().id, NewSlot(connection)});
    return Flow::kDone;
  }
  EndReply(connection, request.gate);
  if (request.gate.index > node_->host().applied() && node_->host().may_lose()) {
    KeptRequests::Request kept;
    kept.kind = KeptRequests::Kind::kNode;
    kept.row = &command;
    kept.index = request.gate.index;
    Keep(connection, &kept, args);
  }
  return Flow::kDone;
}

ConnectionHandler::Flow Dispatcher::RunTarget(Connection& connection, const Command& command,
                                              std::span<const std::string_view> args) {
  Session& session = connection.session();
  session.last_command = &command;
  if (command.row->owner == Owner::kTarget) session.linked = true;  // it may be, from now on
  if (session.cluster_calls > 0) return WaitForClusters(connection);
  std::string stops;
  std::string_view resolved[4];
  if (command.row->group == protocol::Group::kTarget) {
    if (NamedCluster* cluster = node_->clusters().Route(command, args)) {
      return CallCluster(connection, *cluster, command, args);
    }
    if (command.row->name == "target.stop" && args.size() <= 4 && ResolveStop(args, &stops)) {
      std::copy(args.begin(), args.end(), resolved);
      resolved[2] = stops;
      args = std::span(resolved).first(args.size());
    }
  }
  targets::Request request;
  request.command = &command;
  request.args = args;
  request.db = session.db;
  request.client = {node_->identity().id, session.id, node_->identity().run};
  request.no_touch = session.no_touch;
  bool reads = !command.Replicates();
  if (node_->host().can_execute() && node_->forwarder().outstanding() == 0) {
    if (session.reading > 0 || kept_.full()) return Pause(connection);
    Execute(connection, request);
    return Flow::kDone;
  }
  if (Undecided(session)) return Pause(connection);
  if (reads && session.readonly && !MayWait(command, args) && ReadCommitted(connection, request)) return Flow::kDone;
  return SendOn(connection, command, args);
}

void Dispatcher::Execute(Connection& connection, const targets::Request& request) {
  connection.MarkDirty();
  std::string* out = connection.replies().Begin();
  size_t begin = out->size();
  ReplyWriter reply(out, connection.session().resp);
  Gate gate;
  ClusterHost& host = node_->host();
  node_->tracking().set_cause(request.client.id);
  targets::Wait wait;
  const bool may_wait = request.command->Has(protocol::kBlocking);
  const bool entry = host.Execute(request, &reply, &gate, may_wait ? &wait : nullptr);
  node_->tracking().set_cause(0);
  if (wait.wanted) {
    connection.replies().Cancel();
    return node_->forwarder().ForwardBlocked(connection, *request.command, request.args,
                                             NewSlot(connection), node_->now(),
                                             node_->options().cluster_wait_ms * 1000, wait);
  }
  if (!entry) readers_.push_back(&connection);
  if (connection.session().track) {
    node_->tracking().OnRead(connection, *request.command, request.args);
  }
  node_->instruments().Executed(connection.session(), *request.command, request.args,
                                std::string_view(*out).substr(begin));
  EndReply(connection, gate);
  if (host.may_lose()) {
    KeptRequests::Request kept;
    kept.wrote = entry;
    kept.row = request.command;
    kept.db = request.db;
    kept.index = gate.index;
    Keep(connection, &kept, request.args);
  }
  host.DeliverPublications();
  node_->blocked_commands().Serve();
}

// A client that said READONLY takes this node's own committed state as it is.
bool Dispatcher::ReadCommitted(Connection& connection, const targets::Request& request) {
  ClusterHost& host = node_->host();
  Session& session = connection.session();
  if (!host.settled() || session.forwarded > 0 || session.reading > 0) return false;
  connection.MarkDirty();
  std::string* out = connection.replies().Begin();
  size_t begin = out->size();
  ReplyWriter reply(out, session.resp);
  Gate gate;
  host.Read(request, host.member().GlobalTimeMs(node_->now()), &reply, &gate);
  if (session.track) node_->tracking().OnRead(connection, *request.command, request.args);
  node_->instruments().Executed(session, *request.command, request.args,
                                std::string_view(*out).substr(begin));
  EndReply(connection, gate);
  return true;
}

ConnectionHandler::Flow Dispatcher::SendOn(Connection& connection, const Command& command,
                                           std::span<const std::string_view> args) {
  Session& session = connection.session();
  Forwarder& forwarder = node_->forwarder();
  if (forwarder.full()) return Pause(connection);
  Micros wait = node_->options().cluster_wait_ms * 1000;
  // Whose state is to be replaced doesn't read it.
  const ClusterHost& host = node_->host();
  bool here = !command.Replicates() && !MayWait(command, args) && session.forwarded == 0 &&
              host.settled() &&
              host.member().role() != cluster::Role::kGlobal;
  if (here) {
    if (session.track) node_->tracking().OnRead(connection, command, args);
    forwarder.ReadHere(connection, command, args, NewSlot(connection), node_->now(), wait);
    return Flow::kDone;
  }
  if (session.reading > 0) return Pause(connection);
  if (session.track) node_->tracking().OnRead(connection, command, args);
  forwarder.Forward(connection, command, args, NewSlot(connection), node_->now(), wait);
  return Flow::kDone;
}

// --- named clusters -----------------------------------------------------------------------------

// What the connection asked before of main or of another cluster comes first: that must be final,
// as nothing brings the order of two clusters' logs back.
ConnectionHandler::Flow Dispatcher::CallCluster(Connection& connection, NamedCluster& cluster,
                                                const Command& command,
                                                std::span<const std::string_view> args) {
  Session& session = connection.session();
  session.last_command = &command;
  const bool same = session.cluster_calls > 0 && session.called_cluster == cluster.number();
  if (!same && (session.cluster_calls > 0 || session.forwarded > 0 || session.reading > 0 ||
                connection.replies().waiting())) {
    return WaitForClusters(connection);
  }
  if (cluster.entry().stopped) {
    Reject(connection, &command, "ERR the cluster '" + cluster.name() + "' is stopped");
    return Flow::kDone;
  }
  if (cluster.calls().full()) return WaitForClusters(connection);
  session.called_cluster = cluster.number();
  ++session.cluster_calls;
  ClusterCalls::Call call;
  call.row = &command;
  call.connection = call.client = session.id;
  call.slot = NewSlot(connection);
  call.db = session.db;
  call.resp = session.resp;
  call.asked_at = node_->now();
  call.deadline = node_->now() + node_->options().cluster_wait_ms * 1000;
  node_->clusters().Touch(&cluster)->Call(std::move(call), args);
  return Flow::kDone;
}

ConnectionHandler::Flow Dispatcher::WaitForClusters(Connection& connection) {
  connection.session().waits_for_clusters = true;
  return Pause(connection);
}

void Dispatcher::OnClusterAnswer(const ClusterCalls::Call& call, std::string_view reply) {
  Connection* connection = node_->connections().Find(call.connection);
  if (connection == nullptr) return;
  Session& session = connection->session();
  --session.cluster_calls;
  if (session.waits_for_clusters) node_->loop().DoNotWait();
  if (reply.empty()) return connection->Close();  // perhaps it was executed: no reply would be true
  node_->instruments().ExecutedElsewhere(
      session, *call.row, {},
      static_cast<uint64_t>(std::max<Micros>(node_->now() - call.asked_at, 0)) * 1000);
  connection->MarkDirty();
  if (call.slot != 0 &&
      connection->replies().Fill(call.slot, reply, Gate{}, node_->environment().turn)) {
    OnFilled(*connection);
  }
}

// TARGET.STOP names a node, or GLOBAL; the directory knows ids.
bool Dispatcher::ResolveStop(std::span<const std::string_view> args, std::string* node) {
  if (protocol::EqualsIgnoreCase(args[2], "global")) {
    NamedCluster* cluster = node_->clusters().Find(args[1]);
    if (cluster == nullptr) return false;
    *node = cluster->HolderId();
    return !node->empty();
  }
  for (const cluster::MemberInfo& info : node_->host().member().configuration().members) {
    if (info.name != args[2]) continue;
    *node = info.id;
    return true;
  }
  return false;
}

// --- transactions -------------------------------------------------------------------------------

// Visits the commands of a transaction that is forwarded.
template <typename Visit>
void Dispatcher::ReadOfTransaction(std::string_view forwarded, const Visit& visit) {
  ForwardedTransaction transaction;
  if (!DecodeTransaction(forwarded, &transaction)) return;
  for (const ForwardedTransaction::Command& queued : transaction.commands) {
    const Command* row = node_->table().Find(queued.args);
    if (row != nullptr) visit(*row, std::span<const std::string_view>(queued.args));
  }
}

void Dispatcher::QueueCommand(Connection& connection, const Command& command,
                              std::span<const std::string_view> args) {
  if (command.row->group == protocol::Group::kTarget &&
      node_->clusters().Route(command, args) != nullptr) {
    return Reject(connection, &command,
                  "ERR commands for other clusters than 'main' can't be part of a transaction");
  }
  connection.MarkDirty();
  ReplyWriter reply(connection.replies().Begin(), connection.session().resp);
  node_->transactions().Queue(connection, command, args, &reply);
  EndReply(connection, Gate{});
}

ConnectionHandler::Flow Dispatcher::RunTransaction(Connection& connection, const Command& command,
                                                   std::span<const std::string_view> args) {
  Session& session = connection.session();
  session.last_command = &command;
  if (session.cluster_calls > 0) return WaitForClusters(connection);
  connection.MarkDirty();
  const bool here = node_->host().can_execute() && node_->forwarder().outstanding() == 0;
  if (command.row->name == "exec" && (here ? kept_.full() : Undecided(session))) {
    return Pause(connection);
  }
  std::string* out = connection.replies().Begin();
  size_t begin = out->size();
  Transactions::Result result = node_->transactions().Handle(connection, command, args, out);
  switch (result.outcome) {
    case Transactions::Outcome::kReplied:
      if (result.read) readers_.push_back(&connection);
      node_->instruments().Executed(session, command, args, std::string_view(*out).substr(begin));
      EndReply(connection, result.gate);
      if (result.keep) KeepTransaction(connection, &result);
      node_->host().DeliverPublications();
      node_->blocked_commands().Serve();
      return Flow::kDone;
    case Transactions::Outcome::kPause:
      connection.replies().Cancel();
      session.waits_for_replies = true;
      return Pause(connection);
    case Transactions::Outcome::kRead:
      connection.replies().Cancel();
      node_->forwarder().ReadHere(connection, command, args, NewSlot(connection), node_->now(),
                                  node_->options().cluster_wait_ms * 1000);
      return Flow::kDone;
    case Transactions::Outcome::kForward:
      break;
  }
  connection.replies().Cancel();
  session.exec_outstanding = result.transaction != nullptr;
  if (session.track)
    ReadOfTransaction(result.forward, [&](const Command& row, auto queued) {
      node_->tracking().OnRead(connection, row, queued);
    });
  const Command* row = node_->table().FindByName("peer.transaction");
  std::string_view forwarded[] = {row->row->name, result.forward};
  node_->forwarder().Forward(connection, *row, forwarded, NewSlot(connection), node_->now(),
                             node_->options().cluster_wait_ms * 1000,
                             std::move(result.transaction));
  return Flow::kDone;
}

void Dispatcher::Watch(Connection& connection, std::span<const std::string_view> args,
                       ReplyWriter* reply) {
  node_->transactions().WatchNow(connection, args, reply);
}

std::string Dispatcher::PublishReply(std::span<const std::string_view> args) {
  bool shard = protocol::EqualsIgnoreCase(args[0], "spublish");
  std::string reply;
  ReplyWriter(&reply, 2).Integer(static_cast<int64_t>(Receivers(args[1], shard)));
  return reply;
}

std::string Dispatcher::ComposeReply(Connection& connection, Transaction* transaction,
                                     std::string_view reply) {
  // Another time, what is behind it has been let go on already.
  if (transaction->composed.empty()) connection.session().exec_outstanding = false;
  return node_->transactions().Compose(connection, transaction, reply);
}

void Dispatcher::OnSnapshotEnded(bool saved) {
  for (const WaitingSave& save : std::exchange(saves_, {})) {
    Connection* connection = node_->connections().Find(save.connection);
    if (connection == nullptr || save.slot == 0) continue;
    connection->MarkDirty();
    const std::string_view reply = saved ? "+OK\r\n" : "-ERR\r\n";
    if (connection->replies().Fill(save.slot, reply, Gate{}, node_->environment().turn)) {
      OnFilled(*connection);
    }
  }
}

ConnectionHandler::Flow Dispatcher::Pause(Connection& connection) {
  Session& session = connection.session();
  if (!session.paused) {
    session.paused = true;
    paused_.push_back(session.id);
  }
  return Flow::kPause;
}

void Dispatcher::ResumePaused() {
  if (paused_.empty()) return;
  std::vector<uint64_t> paused;
  paused.swap(paused_);
  const bool here = node_->host().can_execute() && node_->forwarder().outstanding() == 0;
  const bool full = here ? kept_.full() : node_->forwarder().full();
  for (uint64_t id : paused) {
    Connection* connection = node_->connections().Find(id);
    if (connection == nullptr) continue;
    Session& session = connection->session();
    bool waits = session.waits_for_replies && session.forwarded > 0;
    const bool undecided = !here && Undecided(session);
    if (session.waits_for_clusters &&
        (session.cluster_calls > 0 || session.forwarded > 0 || connection->replies().waiting())) {
      paused_.push_back(id);
      continue;
    }
    if (session.reading > 0 || full || waits || session.exec_outstanding || undecided ||
        session.blocked != 0) {
      paused_.push_back(id);
      continue;
    }
    session.paused = false;
    session.waits_for_replies = false;
    session.waits_for_clusters = false;
    node_->instruments().Begin();
    connection->Resume();
    node_->loop().DoNotWait();  // what it executed is for another turn's end
  }
}

// --- replies ------------------------------------------------------------------------------------

uint64_t Dispatcher::NewSlot(Connection& connection) {
  if (connection.session().reply_mode != ReplyMode::kOn) return 0;
  uint64_t slot = next_slot_++;
  connection.MarkDirty();
  connection.replies().Reserve(slot);
  NoteGated(connection);
  return slot;
}

void Dispatcher::EndReply(Connection& connection, const Gate& gate) {
  if (connection.session().reply_mode != ReplyMode::kOn) return connection.replies().Cancel();
  const ClusterHost& host = node_->host();
  connection.replies().End(gate, host.applied(), host.confirmed(), node_->environment().turn);
  if (connection.replies().waiting()) NoteGated(connection);
}

void Dispatcher::NoteGated(Connection& connection) {
  if (connection.session().gated) return;
  connection.session().gated = true;
  gated_.push_back(&connection);
}

void Dispatcher::OnProgress(cluster::Index commit, uint64_t confirmed) {
  if (kept_.Release(commit, confirmed, node_->environment().turn) && !paused_.empty()) {
    node_->loop().DoNotWait();
  }
  node_->forwarder().OnProgress(commit, confirmed);
  std::erase_if(gated_, [&](Connection* connection) {
    connection->MarkDirty();
    connection->replies().Release(commit, confirmed);
    if (connection->replies().waiting()) return false;
    connection->session().gated = false;
    if (connection->session().waits_for_clusters) node_->loop().DoNotWait();
    return true;
  });
}

void Dispatcher::OnFilled(Connection& connection) {
  const ClusterHost& host = node_->host();
  connection.replies().Release(host.applied(), host.confirmed());
  if (connection.replies().waiting()) {
    NoteGated(connection);
  } else if (connection.session().waits_for_clusters) {
    node_->loop().DoNotWait();
  }
}

void Dispatcher::OnReadExecuted(Connection& connection) { readers_.push_back(&connection); }

void Dispatcher::OnExecuting() { node_->instruments().Begin(); }

void Dispatcher::OnExecuted(Connection& connection, const Command& row,
                            std::span<const std::string_view> args, std::string_view reply,
                            bool tracked) {
  if (tracked) node_->tracking().OnRead(connection, row, args);
  node_->instruments().Executed(connection.session(), row, args, reply);
}

void Dispatcher::OnExecutedElsewhere(Connection& connection, const Command& row,
                                     std::span<const std::string_view> args, Micros took,
                                     bool tracked) {
  if (tracked && row.row->owner == Owner::kPeer) {
    ReadOfTransaction(args[1], [&](const Command& queued_row, auto queued) {
      node_->tracking().OnAnswered(connection, queued_row, queued);
    });
  } else if (tracked) {
    node_->tracking().OnAnswered(connection, row, args);
  }
  node_->instruments().ExecutedElsewhere(connection.session(), row, args,
                                         static_cast<uint64_t>(std::max<Micros>(took, 0)) * 1000);
}

void Dispatcher::ConfirmReads(Micros now) {
  RemoteCommands& remote = node_->remote_commands();
  if (readers_.empty() && !remote.read_in_turn()) return;
  if (uint64_t confirm = node_->host().ConfirmLease(now); confirm != 0) {
    uint64_t turn = node_->environment().turn;
    for (Connection* connection : readers_) {
      if (connection->closed()) continue;
      connection->replies().HoldTurn(confirm, turn);
      if (connection->replies().waiting()) NoteGated(*connection);
    }
    remote.HoldTurn(confirm);
    node_->forwarder().HoldTurn(confirm);
    kept_.HoldTurn(turn, confirm);
  }
  readers_.clear();
}

// --- the cluster's news -------------------------------------------------------------------------

void Dispatcher::OnForwardedReply(uint64_t sequence, std::string_view reply) {
  node_->forwarder().OnReply(sequence, reply);
}

void Dispatcher::OnPublication(const targets::Publication& publication, const Gate& gate) {
  const ClusterHost& host = node_->host();
  const bool keep = gate.index > host.applied() && host.may_lose();
  node_->subscriptions().Deliver(publication, gate, host.applied(), host.confirmed(),
                                 node_->environment().turn, [&](Connection& connection) {
                                   if (connection.replies().waiting()) NoteGated(connection);
                                   if (!keep) return;
                                   KeptRequests::Request kept;
                                   kept.kind = KeptRequests::Kind::kPublication;
                                   kept.index = gate.index;
                                   Keep(connection, &kept, {});
                                 });
}

size_t Dispatcher::Receivers(std::string_view channel, bool shard) {
  return node_->subscriptions().Receivers(channel, shard);
}

void Dispatcher::OnSubscribe(uint64_t client, std::string_view channel) {
  if (Connection* connection = node_->connections().Find(client)) {
    node_->subscriptions().Add(*connection, Session::Subscription::kRoom, channel);
  }
}

void Dispatcher::OnUnsubscribe(uint64_t client, std::string_view channel) {
  if (Connection* connection = node_->connections().Find(client)) {
    node_->subscriptions().Remove(*connection, Session::Subscription::kRoom, channel);
  }
}

void Dispatcher::OnTruncated(cluster::Index) {
  node_->watches().TouchAll();
  node_->tracking().InvalidateAll();
}

void Dispatcher::OnStateReplaced() {
  node_->watches().TouchAll();
  node_->tracking().InvalidateAll();
  node_->forwarder().AskAgain();
  // Entries were skipped, and the publications in them: so that subscribers know.
  node_->subscriptions().CloseAll();
}

void Dispatcher::OnLockChanged() {
  node_->remote_commands().DropOlderTerms();
  node_->forwarder().OnLockChanged();
}

void Dispatcher::OnRead(uint64_t request, bool ok, int64_t time_ms) {
  // A confirmation of the lease that failed: the lock is lost, and reads executed here may have
  // been stale. They stay where they are until OnOutcome().
  node_->forwarder().OnRead(request, ok, time_ms);
}

void Dispatcher::OnApplying(uint64_t client) { node_->tracking().set_cause(client); }

void Dispatcher::DeliverInvalidations() {
  if (!node_->tracking().has_messages()) return;
  // What caused them is at most as new as the state.
  const Gate gate{node_->host().state_index(), 0};
  node_->tracking().Deliver([&](Connection& to, const Tracking::Write& write) {
    to.MarkDirty();
    ReplyWriter reply(to.replies().Begin(), to.session().resp);
    write(&reply);
    const ClusterHost& host = node_->host();
    to.replies().End(gate, host.applied(), host.confirmed(), node_->environment().turn);
    if (to.replies().waiting()) NoteGated(to);
  });
}

void Dispatcher::OnClosed(Connection& connection) {
  std::erase(gated_, &connection);
  std::erase(readers_, &connection);
  node_->forwarder().Unblock(connection, BlockedCommands::End::kGone);
  node_->monitors().Remove(connection);
  node_->tracking().End(connection);
  node_->transactions().Reset(connection);
  LeaveChannels(connection, "disconnected");
}

void Dispatcher::LeaveChannels(Connection& connection, std::string_view reason) {
  Session& session = connection.session();
  if (session.linked || !session.subscriptions(Session::Subscription::kRoom).empty()) {
    const Micros wait = node_->options().cluster_wait_ms * 1000;
    node_->link_watch().OnClosed(session.id, reason, node_->now(), wait);
    node_->clusters().OnClientClosed(session.id, reason, node_->now(), wait);
    session.linked = false;
  }
  if (session.subscriber()) node_->subscriptions().RemoveAll(connection);
}

}  // namespace understudy::server
