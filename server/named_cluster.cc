#include "server/named_cluster.h"

#include <algorithm>
#include <utility>

#include "server/node.h"
#include "server/node_commands.h"
#include "server/peer_codec.h"
#include "targets/cluster_machine.h"

namespace understudy::server {

using cluster::Index;
using cluster::MemberInfo;
using cluster::Micros;
using cluster::NodeId;
using cluster::Role;

namespace {
// Who isn't a member asks one of them who the global is, this often while commands wait.
constexpr Micros kAskWhere = 100 * 1000;

std::unique_ptr<targets::Machine> MakeTarget(Node* node, const targets::DirectoryEntry& entry,
                                             std::string* error) {
  const targets::TargetType* type = node->plugins().types().Find(entry.type);
  if (type == nullptr) {
    *error = "this node has no target of type '" + entry.type + "'";
    return nullptr;
  }
  return targets::ClusterMachine::Make(node->table(), node->target_options(), *type,
                                       entry.arguments, error);
}
}  // namespace

NamedCluster::NamedCluster(Node* node, std::string name, const targets::DirectoryEntry& entry)
    : node_(node),
      name_(std::move(name)),
      wire_("#" + std::to_string(entry.number)),
      entry_(entry),
      calls_([this](const ClusterCalls::Call& call, std::string_view reply) {
        Answered(call, reply);
      }) {}

NamedCluster::~NamedCluster() = default;

std::string NamedCluster::NameOf(const NodeId& id) const {
  const MemberInfo* info = node_->host().member().configuration().Find(id);
  return info == nullptr ? std::string(id) : info->name;
}

std::string NamedCluster::HolderId() const {
  return active() ? host_->member().holder() : told_holder_;
}

void NamedCluster::Tell(const std::string& event) {
  node_->log().Notice("%s", event.c_str());
  const std::string channel = "target:" + name_;
  const std::string_view fields[] = {event};
  node_->dispatcher().OnPublication({channel, targets::kMessage, fields}, Gate{});
}

// --- starting and ending ------------------------------------------------------------------------

void NamedCluster::Follow(const targets::DirectoryEntry& entry, RecoveredCluster* recovered) {
  const bool was_stopped = entry_.stopped;
  entry_ = entry;
  const bool member = entry.HasMember(node_->identity().id);
  if (entry.stopped) {
    if (!was_stopped) {
      if (host_ != nullptr) host_->AbandonSnapshot();
      Tell(name_ + " stopped" + (entry.reason.empty() ? "" : ": " + entry.reason));
      was_global_ = false;
      known_global_.clear();
    }
    return;
  }
  ending_ = false;
  if (host_ != nullptr && was_stopped) calls_.AskAgain();
  if (left_ && member) {
    left_ = false;
    Tell(name_ + " started as local server on " + node_->identity().name);
    calls_.AskAgain();
  }
  if (host_ != nullptr || !member) return;
  if (!Start(std::move(*recovered), &error_)) {
    node_->log().Warning("The cluster %s can't run here: %s", name_.c_str(), error_.c_str());
    host_ = nullptr;
  }
}

bool NamedCluster::Start(RecoveredCluster recovered, std::string* error) {
  ClusterHost::Environment environment;
  environment.target = MakeTarget(node_, entry_, error);
  if (environment.target == nullptr) return false;
  const Identity& self = node_->identity();
  environment.name = name_;
  environment.wire = wire_;
  environment.number = entry_.number;
  environment.id = self.id;
  environment.run = self.run;
  environment.clients = this;
  node_->FillEnvironment(&environment);
  host_ = std::make_unique<ClusterHost>(std::move(environment));
  if (!host_->Start(std::move(recovered), node_->now(), WallMillis(), error)) return false;
  remote_ = std::make_unique<RemoteCommands>(host_.get(), &node_->peers(), &node_->table(),
                                             &node_->instruments(), nullptr);
  remote_->ServeNode(
      self.id,
      [this](uint64_t sequence, uint64_t attempt, std::string_view reply) {
        calls_.OnReply(sequence, attempt, reply);
      },
      [this](const targets::Request& request, protocol::ReplyWriter* reply, Gate* gate) {
        return AnswerCommand(request, reply, gate);
      });
  links_ = std::make_unique<LinkWatch>(
      host_.get(),
      [this](const protocol::Command& row, std::span<const std::string_view> args, Micros now,
             Micros wait) { Unlink(row, args, now, wait); },
      &node_->connections(), &node_->peers(), node_->table(), self.id, self.run);
  cluster::Member& member = host_->member();
  for (const auto& [id, link] : node_->peers().links()) {
    if (link->connected()) member.PeerConnected(id, link->run(), node_->now());
  }
  const bool empty = member.configuration().members.empty() && member.term() == 0 &&
                     member.log().last_index() == 0;
  if (empty && entry_.founder == self.id && !member.quarantined()) {
    host_->Bootstrap({self.id, self.name, self.address, MemberInfo::Kind::kVoter}, node_->now());
  } else {
    Tell(name_ + " started as local server on " + self.name);
  }
  main_saved_ = node_->host().snapshots().saved_index();
  calls_.AskAgain();
  return true;
}

// The host stays: without what it has promised it could vote a second time in a term when it is
// back.
void NamedCluster::Leave() {
  Tell(name_ + " ended on " + node_->identity().name);
  host_->AbandonSnapshot();
  left_ = true;
  publications_.clear();
  was_global_ = false;
  known_global_.clear();
  told_holder_.clear();
  calls_.AskAgain();
}

// The global brings the cluster's configuration to what the directory says, one change at a time.
void NamedCluster::FollowMembers(Micros now) {
  cluster::Member& member = host_->member();
  const cluster::Configuration& configuration = member.configuration();
  const NodeId& self = node_->identity().id;
  if (!member.serving()) {
    const bool gone = !entry_.HasMember(self) && configuration.Find(self) == nullptr;
    if (gone && member.role() != Role::kGlobal && !host_->saving()) Leave();
    return;
  }
  std::string why;
  const cluster::Configuration& nodes = node_->host().member().configuration();
  bool learners = false;
  for (const std::string& id : entry_.members) {
    const MemberInfo* wanted = nodes.Find(NodeId(id));
    if (wanted == nullptr) continue;
    const MemberInfo* info = configuration.Find(wanted->id);
    if (info != nullptr && info->kind == MemberInfo::Kind::kLearner) learners = true;
    if (info != nullptr && info->name == wanted->name && info->address == wanted->address) continue;
    MemberInfo added = *wanted;
    added.kind = MemberInfo::Kind::kLearner;
    member.AddMember(added, now, &why);
    return;
  }
  if (learners) return;
  for (const MemberInfo& info : configuration.members) {
    if (entry_.HasMember(info.id)) continue;
    if (info.id != self) {
      member.RemoveMember(info.id, now, &why);
    } else if (!member.transferring()) {
      member.Transfer("", now, &why);
    }
    return;
  }
}

// --- turns --------------------------------------------------------------------------------------

void NamedCluster::BeginWork(Micros now) {
  if (active()) host_->BeginWork(now);
}

void NamedCluster::EndTurn(Micros now) {
  SendCalls(now);
  if (!active()) return;
  remote_->ExecuteWaiting();
  if (remote_->read_in_turn()) {
    if (uint64_t confirm = host_->ConfirmLease(now); confirm != 0) remote_->HoldTurn(confirm);
  }
  host_->EndTurn(now);
  remote_->Flush();
  if (!host_->target().stop_reason().empty() && !ending_ && host_->member().serving() &&
      host_->applied() >= host_->state_index()) {
    ending_ = true;
    node_->clusters().EndByTarget(*this, host_->target().stop_reason());
  }
}

bool NamedCluster::HasWork() {
  if (!active()) return false;
  return host_->HasWork() || (calls_.has_unsent() && host_->can_execute());
}

void NamedCluster::Cron(Micros now) {
  calls_.Expire(now);
  if (!active()) return;
  host_->Cron(now);
  links_->Cron(now, node_->options().cluster_wait_ms * 1000);
  const Index saved = node_->host().snapshots().saved_index();
  if (saved != main_saved_ && !host_->saving()) {
    if (host_->log_bytes() > 0) host_->SaveSnapshot();
    main_saved_ = saved;
  }
  FollowMembers(now);
}

// --- commands of this node's clients ------------------------------------------------------------

void NamedCluster::Call(ClusterCalls::Call call, std::span<const std::string_view> args) {
  const protocol::Owner owner = call.row->row->owner;
  if (owner == protocol::Owner::kChat || owner == protocol::Owner::kTarget) {
    callers_.insert(call.client);
  }
  calls_.Add(std::move(call), args);
}

void NamedCluster::Unlink(const protocol::Command& row, std::span<const std::string_view> args,
                          Micros now, Micros wait) {
  ClusterCalls::Call call;
  call.row = &row;
  call.asked_at = now;
  call.deadline = now + wait;
  calls_.Add(std::move(call), args);
  node_->clusters().Touch(this);
}

void NamedCluster::OnClientClosed(uint64_t client, std::string_view reason, Micros now,
                                  Micros wait) {
  if (callers_.erase(client) == 0 || entry_.stopped) return;
  const Identity& self = node_->identity();
  const std::string run = std::to_string(self.run), text = std::to_string(client);
  const std::string_view args[] = {"target.unlink", name_, "exit", self.id, run, text, reason};
  Unlink(*node_->table().FindByName(args[0]), args, now, wait);
}

void NamedCluster::SendCalls(Micros now) {
  if (!calls_.has_unsent() && (active() || calls_.outstanding() == 0)) return;
  if (!active()) {
    AskWhere(now);
    if (!told_holder_.empty()) SendTo(told_holder_, told_term_);
    return;
  }
  const cluster::Member& member = host_->member();
  const NodeId holder = member.holder();
  if (holder != node_->identity().id) {
    if (!holder.empty()) SendTo(holder, member.term());
    return;
  }
  if (!host_->can_execute()) return;
  while (calls_.TakeBatch(&batch_)) {
    RemoteCommands::Batch batch;
    batch.from = holder;
    batch.term = member.term();
    batch.run = node_->identity().run;
    batch.attempt = calls_.attempt();
    batch.low = calls_.low();
    batch.commands = batch_;
    remote_->OnForward(batch);
  }
}

void NamedCluster::SendTo(const NodeId& holder, cluster::Term term) {
  PeerLink* link = node_->peers().Find(holder);
  const Identity& self = node_->identity();
  while (calls_.has_unsent()) {
    std::string* out = link == nullptr ? nullptr : link->output();
    if (out == nullptr || !calls_.TakeBatch(&batch_)) return;
    AppendCommand(out,
                  {"PEER.FORWARD", wire_, std::to_string(term), self.id, std::to_string(self.run),
                   std::to_string(calls_.attempt()), std::to_string(calls_.low()), batch_});
  }
}

void NamedCluster::AskWhere(Micros now) {
  if (calls_.outstanding() == 0 || now - asked_where_at_ < kAskWhere) return;
  asked_where_at_ = now;
  for (size_t i = 0; i < entry_.members.size(); ++i) {
    const std::string& id = entry_.members[asked_where_++ % entry_.members.size()];
    PeerLink* link = node_->peers().Find(NodeId(id));
    std::string* out = link == nullptr ? nullptr : link->output();
    if (out == nullptr) continue;
    return AppendCommand(out, {"PEER.WHERE", wire_, node_->identity().id});
  }
}

void NamedCluster::Answered(const ClusterCalls::Call& call, std::string_view reply) {
  node_->dispatcher().OnClusterAnswer(call, reply);
}

// --- messages -----------------------------------------------------------------------------------

void NamedCluster::OnForward(const RemoteCommands::Batch& batch) {
  if (!active()) return;
  const cluster::Member& member = host_->member();
  if (member.role() != Role::kGlobal || member.term() != batch.term) return OnWhere(batch.from);
  remote_->OnForward(batch);
}

void NamedCluster::OnReplies(cluster::Term term, uint64_t run, uint64_t attempt,
                             std::string_view replies) {
  if (run != node_->identity().run) return;
  if (term != (active() ? host_->member().term() : told_term_)) return;
  uint64_t sequence;
  std::string_view reply;
  while (TakeForwardedReply(&replies, &sequence, &reply)) {
    calls_.OnReply(sequence, attempt, reply);
  }
}

void NamedCluster::OnWhere(const NodeId& from) {
  PeerLink* link = node_->peers().Find(from);
  std::string* out = link == nullptr ? nullptr : link->output();
  if (out == nullptr || !active()) return;
  const cluster::Member& member = host_->member();
  AppendCommand(out, {"PEER.GLOBAL", wire_, std::to_string(member.term()), member.holder()});
}

void NamedCluster::OnGlobal(cluster::Term term, const NodeId& holder) {
  if (active() || term < told_term_ || holder.empty()) return;
  if (term == told_term_ && holder == told_holder_) return;
  told_term_ = term;
  told_holder_ = holder;
  calls_.AskAgain();
}

void NamedCluster::OnPeerConnected(const NodeId& id, cluster::RunId run, Micros now) {
  if (host_ != nullptr) host_->member().PeerConnected(id, run, now);
  if (id == (active() ? host_->member().lock_state().holder : told_holder_)) calls_.AskAgain();
}

void NamedCluster::OnPeerClosed(const NodeId& id, Micros now) {
  if (host_ != nullptr) host_->member().PeerClosed(id, now);
  if (id == told_holder_) told_holder_.clear();
}

void NamedCluster::OnPeerDead(const NodeId& id, cluster::RunId run, Micros now) {
  if (active() && host_->member().holder() == id) {
    Tell("Global server on " + NameOf(id) + " terminated: its process ended");
  }
  if (host_ == nullptr) return;
  host_->member().PeerDead(id, run, now);
  links_->OnDead(id, run);
}

// --- the cluster's news -------------------------------------------------------------------------

void NamedCluster::OnForwardedReply(uint64_t sequence, std::string_view reply) {
  calls_.OnReply(sequence, reply);
}

void NamedCluster::OnPublication(const targets::Publication& publication, const Gate& gate) {
  if (gate.OpenAt(host_->applied(), host_->confirmed())) {
    return node_->dispatcher().OnPublication(publication, Gate{});
  }
  Waiting waiting{std::string(publication.channel), std::string(publication.kind), {}, gate};
  for (std::string_view field : publication.fields) waiting.fields.emplace_back(field);
  publications_.push_back(std::move(waiting));
}

void NamedCluster::OnSubscribe(uint64_t client, std::string_view channel) {
  node_->dispatcher().OnSubscribe(client, channel);
}

void NamedCluster::OnUnsubscribe(uint64_t client, std::string_view channel) {
  node_->dispatcher().OnUnsubscribe(client, channel);
}

size_t NamedCluster::Receivers(std::string_view channel, bool shard) {
  return node_->dispatcher().Receivers(channel, shard);
}

void NamedCluster::OnProgress(Index commit, uint64_t confirmed) {
  size_t open = 0;
  while (open < publications_.size() && publications_[open].gate.OpenAt(commit, confirmed)) ++open;
  if (open == 0) return;
  std::vector<Waiting> now(
      std::make_move_iterator(publications_.begin()),
      std::make_move_iterator(publications_.begin() + static_cast<ptrdiff_t>(open)));
  publications_.erase(publications_.begin(), publications_.begin() + static_cast<ptrdiff_t>(open));
  for (const Waiting& one : now) {
    const std::vector<std::string_view> fields(one.fields.begin(), one.fields.end());
    node_->dispatcher().OnPublication({one.channel, one.kind, fields}, Gate{});
  }
}

// What was published by entries that didn't survive never happened.
void NamedCluster::OnTruncated(Index after) {
  std::erase_if(publications_, [after](const Waiting& one) { return one.gate.index > after; });
}

void NamedCluster::OnLockChanged() {
  remote_->DropOlderTerms();
  calls_.AskAgain();
  const cluster::Member& member = host_->member();
  const NodeId& self = node_->identity().id;
  if (member.serving() && !was_global_) {
    const bool first = known_global_.empty() && member.configuration().members.size() == 1;
    Tell(first ? name_ + " started as global server"
               : "New global server on " + node_->identity().name + " (" + name_ + ")");
    known_global_ = self;
  } else if (const NodeId holder = member.holder();
             !holder.empty() && holder != self && holder != known_global_) {
    if (!known_global_.empty() || was_global_) {
      Tell("New global server on " + NameOf(holder) + " (" + name_ + ")");
    }
    known_global_ = holder;
  }
  was_global_ = member.serving();
}

bool NamedCluster::AnswerCommand(const targets::Request& request, protocol::ReplyWriter* reply,
                                 Gate* gate) {
  return AnswerAboutCluster(*node_, *host_, *request.command, reply, gate);
}

}  // namespace understudy::server
