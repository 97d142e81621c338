#include "server/cluster_host.h"

#include <algorithm>
#include <cassert>

#include "server/peer_codec.h"
#include "server/transaction.h"

namespace understudy::server {

using cluster::EntryType;
using cluster::EntryView;
using cluster::Index;
using cluster::Micros;
using cluster::Role;

namespace {
// Entries applied in one turn, so that catching up doesn't stop the heartbeats.
constexpr Index kApplyAtOnce = 20000;
// OnTimer calls in one round of upkeep.
constexpr int kTimerCalls = 4;
}  // namespace

// Keeps what a request or an entry publishes until its reply has its place. Subscriptions take
// effect at once, or behind what was published before them.
class ClusterHost::Publisher : public targets::Publisher {
 public:
  explicit Publisher(const Environment* environment) : env_(environment) {}

  // What was told already isn't told again.
  void set_muted(bool muted) { muted_ = muted; }

  void Publish(const targets::Publication& publication) override {
    if (muted_) return;
    Kept kept;
    kept.channel = publication.channel;
    kept.kind = publication.kind;
    for (std::string_view field : publication.fields) kept.fields.emplace_back(field);
    kept_.push_back(std::move(kept));
  }
  void Subscribe(const targets::Client& client, std::string_view channel) override {
    Change(client, channel, What::kSubscribe);
  }
  void Unsubscribe(const targets::Client& client, std::string_view channel) override {
    Change(client, channel, What::kUnsubscribe);
  }

  size_t Receivers(std::string_view channel, std::string_view kind) override {
    return env_->clients->Receivers(channel, kind == targets::kShardMessage);
  }

  bool empty() const { return kept_.empty(); }
  void set_gate(const Gate& gate) { gate_ = gate; }
  void Deliver() {
    std::vector<Kept> kept;
    kept.swap(kept_);
    for (const Kept& one : kept) {
      if (one.what != What::kPublication) {
        Do(one.client, one.channel, one.what);
        continue;
      }
      std::vector<std::string_view> fields(one.fields.begin(), one.fields.end());
      env_->clients->OnPublication({one.channel, one.kind, fields}, gate_);
    }
  }

 private:
  enum class What : uint8_t { kPublication, kSubscribe, kUnsubscribe };
  struct Kept {
    std::string channel, kind;
    std::vector<std::string> fields;
    What what = What::kPublication;
    uint64_t client = 0;
  };

  void Change(const targets::Client& client, std::string_view channel, What what) {
    if (client.node_id != env_->id || muted_) return;
    if (kept_.empty()) return Do(client.id, channel, what);
    kept_.push_back({std::string(channel), {}, {}, what, client.id});  // in its place
  }
  void Do(uint64_t client, std::string_view channel, What what) {
    what == What::kSubscribe ? env_->clients->OnSubscribe(client, channel)
                             : env_->clients->OnUnsubscribe(client, channel);
  }

  const Environment* env_;
  std::vector<Kept> kept_;
  Gate gate_;
  bool muted_ = false;
};

ClusterHost::ClusterHost(Environment environment)
    : env_(std::move(environment)),
      target_(env_.target != nullptr ? std::move(env_.target)
                                     : targets::MakeMainTarget(*env_.table, env_.target_options)),
      publisher_(std::make_unique<Publisher>(&env_)),
      maker_(env_.name, env_.writer, env_.log) {
  transaction_row_ = env_.table->FindByName("peer.transaction");
}

ClusterHost::~ClusterHost() = default;

bool ClusterHost::durable() const { return env_.options->appendonly; }

bool ClusterHost::KeepsLog() const {
  return durable() || member_->configuration().members.size() > 1 ||
         member_->log().last_index() != member_->log().base_index();
}

void ClusterHost::Bootstrap(const cluster::MemberInfo& self, Micros now) {
  member_->Bootstrap(self, now);
}

// --- turns --------------------------------------------------------------------------------------

void ClusterHost::BeginWork(Micros now) {
  now_ = now;
  member_->SetReadsByLease(env_.options->reads == ReadMode::kLease);
  can_execute_ = member_->serving() && !needs_rebuild_ && !member_->transferring() &&
                 state_index_ >= member_->commit() && !env_.writer->overloaded() &&
                 member_->LeaseValid(now);
  if (can_execute_ && executed_term_ != member_->term()) {
    executed_term_ = member_->term();
    executed_from_ = member_->log().last_index() + 1;
  }
  time_ms_ = member_->GlobalTimeMs(now);
}

void ClusterHost::Tick(Micros now) { member_->Tick(now); }

void ClusterHost::EndTurn(Micros now) {
  now_ = now;
  // What is done here makes more ready: an acknowledgement after a write, a commit after that.
  for (int round = 0; round < 8 && member_->HasReady(); ++round) {
    cluster::Ready ready = member_->TakeReady(now);
    if (ready.truncated_after) OnEntriesTruncated(*ready.truncated_after);
    HandleReads(&ready);
    // Records and messages are views into the log: nothing may be told to the member in between.
    bool persisted;
    if (env_.options->appendfsync == FsyncPolicy::kAlways) {
      persisted = Persist(&ready);  // the writer's thread works beside the locals
      Send(&ready);
    } else {
      Send(&ready);
      peers().FlushAll();
      persisted = Persist(&ready);
    }
    if (persisted) OnRecordsPersisted(ready.records_term, ready.records_last, now);
    transfers_wanted_.insert(ready.snapshots_wanted.begin(), ready.snapshots_wanted.end());
    ApplyCommitted();
  }
  ApplyCommitted();
  TurnSnapshots(now);
  ReleaseReads();
  NoteLock();
}

bool ClusterHost::Persist(cluster::Ready* ready) {
  if (ready->persist_lock) env_.writer->WriteLock(env_.number, ready->lock, ready->lock_sequence);
  if (ready->records_last == 0) return false;
  if (!durable()) return true;
  for (std::string_view piece : ready->records) log_bytes_ += piece.size();
  return env_.writer->Append(ready->records,
                             {env_.number, ready->records_term, ready->records_last}) ==
         LogWriter::AppendResult::kPersisted;
}

void ClusterHost::Send(cluster::Ready* ready) {
  for (const cluster::Message& message : ready->messages) {
    PeerLink* link = peers().Find(message.to);
    std::string* out = link == nullptr ? nullptr : link->output();
    if (out != nullptr) EncodeMessage(env_.wire, message, out);
  }
}

void ClusterHost::ApplyCommitted() {
  Index commit = member_->commit();
  if ((applied_ >= commit && state_index_ >= applied_) || needs_rebuild_) return;
  Index upto = commit;
  if (state_index_ < commit) {
    if (state_index_ < member_->log().base_index()) {
      env_.log->Warning("%s: the entries behind %llu aren't here any more, fetching the state",
                        env_.name.c_str(), static_cast<unsigned long long>(state_index_));
      return NeedState();
    }
    upto = std::min(commit, state_index_ + kApplyAtOnce);
    member_->log().ForEach(state_index_ + 1, upto,
                           [this](const EntryView& entry) { ApplyEntry(entry); });
    state_index_ = std::max(state_index_, upto);
  }
  if (upto < applied_) return;  // a state that is being rebuilt
  applied_ = upto;
  env_.clients->OnProgress(applied_, confirmed_);
}

void ClusterHost::TellOutcome(Index survived) {
  executed_term_ = 0;
  env_.clients->OnOutcome(survived);
}

void ClusterHost::ApplyEntry(const EntryView& entry) {
  // In the place of an entry made here, or behind all of them.
  if (executed_term_ != 0 && entry.term != executed_term_ && entry.index >= executed_from_) {
    TellOutcome(entry.index - 1);
  }
  state_index_ = entry.index;
  if (entry.type != EntryType::kNormal) return;
  EntryPayload payload;
  if (!DecodeEntryPayload(entry.payload, &payload)) {
    env_.log->Warning("Entry %llu of %s has an unknown form",
                      static_cast<unsigned long long>(entry.index), env_.name.c_str());
    return;
  }
  targets::Context context;
  context.now_ms = entry.time_ms;
  context.index = entry.index;
  context.commit = entry.index;
  const bool told = entry.index <= applied_;
  publisher_->set_muted(told);
  context.publisher = publisher_.get();
  targets::EffectWriter count_only(nullptr);
  context.effects = &count_only;
  targets::EffectReader effects(payload.update);
  const bool own = payload.run == env_.run;
  if (own) env_.clients->OnApplying(payload.client);
  int db;
  while (effects.Next(&db, &effect_args_)) {
    if (!target_->Apply(db, effect_args_, context)) {
      env_.log->Warning("Entry %llu of %s has an effect unknown here: %.*s",
                        static_cast<unsigned long long>(entry.index), env_.name.c_str(),
                        static_cast<int>(effect_args_.empty() ? 0 : effect_args_[0].size()),
                        effect_args_.empty() ? "" : effect_args_[0].data());
    }
  }
  if (own) env_.clients->OnApplying(0);
  RecordTags(payload, entry.index, payload.run == env_.run && !told);
  publisher_->set_muted(false);
  if (!publisher_->empty()) {
    publisher_->set_gate(Gate{});
    publisher_->Deliver();
  }
}

// Notes what was executed under which tags, and tells of the replies.
void ClusterHost::RecordTags(const EntryPayload& payload, Index index, bool tell) {
  if (payload.reply.empty()) return origins_.RecordOwn(payload.run, payload.sequence, index);
  std::string_view earlier = payload.earlier, reply;
  Tag tag{payload.run, payload.sequence, payload.low, payload.client};
  while (TakeForwardedReply(&earlier, &tag.sequence, &reply)) {
    origins_.Record(tag, index, reply);
    if (tell) env_.clients->OnForwardedReply(tag.sequence, reply);
  }
  tag.sequence = payload.sequence;
  origins_.Record(tag, index, payload.reply);
  if (tell) env_.clients->OnForwardedReply(tag.sequence, payload.reply);
}

void ClusterHost::OnEntriesTruncated(Index after) {
  if (state_index_ > after) {
    maker_.Abort("entries in it didn't survive");
    const Index last = state_index_;
    const bool rebuilt = RebuildState();
    env_.log->Notice("%s: entries %llu to %llu didn't survive, %s", env_.name.c_str(),
                     static_cast<unsigned long long>(after + 1),
                     static_cast<unsigned long long>(last),
                     rebuilt ? "making the state anew from the log" : "fetching the state anew");
    if (!rebuilt) NeedState();
  }
  env_.clients->OnTruncated(after);
}

// --- reads --------------------------------------------------------------------------------------

uint64_t ClusterHost::ConfirmLease(Micros now) {
  if (env_.options->reads == ReadMode::kLease && member_->LeaseValid(now)) return 0;
  confirmations_.push_back(member_->RequestRead(now));
  return confirmations_.back();
}

void ClusterHost::HandleReads(cluster::Ready* ready) {
  for (const cluster::Ready::Read& read : ready->reads) {
    auto confirmation = std::find(confirmations_.begin(), confirmations_.end(), read.request);
    if (confirmation != confirmations_.end()) {
      // A later round confirms the earlier ones too.
      if (read.ok) {
        confirmed_ = std::max(confirmed_, read.request);
        confirmations_.erase(confirmations_.begin(), confirmation + 1);
        env_.clients->OnProgress(applied_, confirmed_);
      } else {
        confirmations_.erase(confirmation);
        env_.clients->OnRead(read.request, false, 0);
      }
    } else if (!read.ok) {
      env_.clients->OnRead(read.request, false, 0);
    } else {
      waiting_reads_.push_back({read.request, read.index, read.global_time_ms});
    }
  }
}

void ClusterHost::ReleaseReads() {
  if (waiting_reads_.empty() || !settled()) return;
  std::vector<WaitingRead> open;
  std::erase_if(waiting_reads_, [&](const WaitingRead& read) {
    if (read.index > applied_) return false;
    open.push_back(read);
    return true;
  });
  for (const WaitingRead& read : open) env_.clients->OnRead(read.request, true, read.time_ms);
}

ClusterHost::ReadResult ClusterHost::Read(const targets::Request& request, int64_t time_ms,
                                          protocol::ReplyWriter* reply, Gate* gate) {
  targets::Context context = NewContext();
  context.now_ms = time_ms;
  context.read_only = true;
  context.reply = reply;
  targets::EffectWriter none(nullptr);
  context.effects = &none;
  target_->Handle(request, context);
  gate->index = context.depends_on;
  return context.hit_expired ? ReadResult::kNeedsGlobal : ReadResult::kDone;
}

// --- execution ----------------------------------------------------------------------------------

targets::Context ClusterHost::NewContext() {
  targets::Context context;
  context.now_ms = time_ms_;
  context.index = member_->log().last_index() + 1;
  context.commit = applied_;
  context.random = env_.random->Next();
  context.publisher = publisher_.get();
  context.DependsOn(reloaded_at_);
  return context;
}

std::string_view ClusterHost::RefusalUnderLimits(const protocol::Command& command) {
  const Options& options = *env_.options;
  if (options.min_replicas_to_write > 0 && command.Has(protocol::kWrite)) {
    const auto progress = member_->progress();
    const auto connected = std::count_if(
        progress.begin(), progress.end(),
        [this](const cluster::Progress& one) { return one.id != env_.id && one.connected; });
    if (connected < options.min_replicas_to_write) {
      return "NOREPLICAS Not enough good replicas to write.";
    }
  }
  if (options.maxmemory == 0 || MakeRoom() || !command.Has(protocol::kDenyOom)) return {};
  return "OOM command not allowed when used memory > 'maxmemory'.";
}

// Evicts keys until what is used, but for the log, is below the limit. False: it can't be.
bool ClusterHost::MakeRoom() {
  constexpr int kAtOnce = 1000;  // keys in one entry
  constexpr int kUpkeep = 100;   // rounds of giving back what was freed
  const auto limit = static_cast<uint64_t>(env_.options->maxmemory);
  auto over = [&](uint64_t used) { return used > limit + member_->log().bytes(); };
  if (!over(memory_.Used(now_)) || !over(memory_.UsedExactly(now_))) return true;
  for (int i = 0; i < kUpkeep && target_->OwesMemory(); ++i) {
    target_->OnIdle();
    if (!over(memory_.Used(now_))) return true;
  }
  targets::Context context = NewContext();
  const bool keeps_log = KeepsLog();
  payload_.clear();
  if (keeps_log) EncodeEntryPayload({env_.run, ++sequence_}, &payload_);
  targets::EffectWriter effects(keeps_log ? &payload_ : nullptr);
  context.effects = &effects;
  for (int i = 0; i < kAtOnce && over(memory_.Used(now_)); ++i) {
    context.random = env_.random->Next();
    if (!target_->Evict(context)) break;
    for (int round = 0; round < kUpkeep && target_->OwesMemory(); ++round) target_->OnIdle();
  }
  Gate gate;
  Propose(context, effects, false, &gate);
  DeliverPublications();
  return !over(memory_.UsedExactly(now_));
}

void ClusterHost::Handle(const targets::Request& request, targets::Context* context) {
  LongCommand& long_command = **env_.long_command;
  long_command.Begin();
  target_->Handle(request, *context);
  long_command.End();
}

void ClusterHost::KeepLock(Micros now) {
  for (const cluster::Message& message : member_->MakeHeartbeats(now)) {
    PeerLink* link = peers().Find(message.to);
    std::string* out = link == nullptr ? nullptr : link->output();
    if (out == nullptr) continue;
    EncodeMessage(env_.wire, message, out);
    link->SendNow();
  }
}

bool ClusterHost::Execute(const targets::Request& request, protocol::ReplyWriter* reply, Gate* gate,
                          targets::Wait* wait) {
  if (std::string_view error = Refusal(*request.command); !error.empty()) {
    reply->Error(error);
    *gate = Gate{};
    return false;
  }
  targets::Context context = NewContext();
  context.wait = wait;
  bool keeps_log = KeepsLog();
  payload_.clear();
  if (keeps_log) EncodeEntryPayload({env_.run, ++sequence_}, &payload_);
  targets::EffectWriter effects(keeps_log ? &payload_ : nullptr);
  context.reply = reply;
  context.effects = &effects;
  Handle(request, &context);
  return Propose(context, effects, false, gate);
}

std::string ClusterHost::RefusalOfTagged(const targets::Request& request) {
  if (request.command != transaction_row_) return std::string(Refusal(*request.command));
  if (!HasLimits()) return {};
  ForwardedTransaction transaction;
  if (request.args.size() != 2 || !DecodeTransaction(request.args[1], &transaction)) return {};
  for (const ForwardedTransaction::Command& queued : transaction.commands) {
    const protocol::Command* row = env_.table->Find(queued.args);
    const std::string_view error = row == nullptr ? std::string_view() : Refusal(*row);
    if (!error.empty()) return TransactionRefusal(error);
  }
  return {};
}

bool ClusterHost::ExecuteTagged(const targets::Request& request, const Tag& tag,
                                std::string_view earlier, int resp, std::string* reply, Gate* gate,
                                targets::Wait* wait) {
  if (std::string error = RefusalOfTagged(request); !error.empty()) {
    protocol::ReplyWriter(reply, resp).Error(error);
    *gate = Gate{};
    return false;
  }
  targets::Context context = NewContext();
  context.wait = wait;
  bool keeps_log = KeepsLog();
  update_.clear();
  targets::EffectWriter effects(keeps_log ? &update_ : nullptr);
  size_t start = reply->size();
  protocol::ReplyWriter writer(reply, resp);
  context.reply = &writer;
  context.effects = &effects;
  if (request.command == transaction_row_) {
    RunTransaction(request, &writer, &context);
  } else {
    Handle(request, &context);
  }
  std::string_view text = std::string_view(*reply).substr(start);
  if (wait != nullptr && wait->wanted) {
    // It found keys to be expired, at most, or made a consumer: it will be executed again.
    payload_.clear();
    if (keeps_log) EncodeEntryPayload({env_.run, ++sequence_}, &payload_);
    payload_ += update_;
    return Propose(context, effects, false, gate);
  }
  if (!effects.empty()) {
    const EntryPayload payload{tag.run, tag.sequence, tag.low, tag.client, text, update_, earlier};
    payload_.clear();
    if (keeps_log) EncodeEntryPayload(payload, &payload_);
    RecordTags(payload, context.index, false);
  }
  return Propose(context, effects, true, gate);
}

bool ClusterHost::ExecuteMany(const std::function<void(const RunOne&)>& body, Gate* gate) {
  targets::Context context = NewContext();
  bool keeps_log = KeepsLog();
  payload_.clear();
  if (keeps_log) EncodeEntryPayload({env_.run, ++sequence_}, &payload_);
  targets::EffectWriter effects(keeps_log ? &payload_ : nullptr);
  context.effects = &effects;
  body([&](const targets::Request& request, protocol::ReplyWriter* reply) {
    context.reply = reply;
    Handle(request, &context);
  });
  return Propose(context, effects, false, gate);
}

void ClusterHost::RunTransaction(const targets::Request& request, protocol::ReplyWriter* reply,
                                 targets::Context* context) {
  ForwardedTransaction transaction;
  if (request.args.size() != 2 || !DecodeTransaction(request.args[1], &transaction)) {
    return reply->Error("ERR malformed transaction");
  }
  for (const ForwardedTransaction::Watched& watched : transaction.watched) {
    if (watched.db >= env_.options->databases) continue;
    targets::KeyInfo info = Peek(watched.db, watched.key);
    if (info.last_index > transaction.seen || info.expired) {
      context->DependsOn(info.last_index);
      return reply->NullArray();
    }
  }
  reply->Array(transaction.commands.size());
  for (const ForwardedTransaction::Command& command : transaction.commands) {
    targets::Request one = request;
    one.command = env_.table->Find(command.args);
    one.args = command.args;
    one.db = command.db;
    if (one.command == nullptr || !one.command->ForTarget() ||
        !one.command->ArityFits(command.args.size()) || one.db >= env_.options->databases) {
      reply->Error("ERR unknown command in a forwarded transaction");
      continue;
    }
    Handle(one, context);
  }
}

bool ClusterHost::Propose(const targets::Context& context, const targets::EffectWriter& effects,
                          bool tagged, Gate* gate) {
  gate->index = context.depends_on;
  gate->confirm = 0;
  if (effects.empty()) return false;
  Index index =
      effects.wanted() ? member_->Propose(payload_, now_) : member_->ProposeUnlogged(now_);
  assert(index == context.index);
  state_index_ = index;
  if (!effects.wanted()) applied_ = index;
  gate->index = index;
  if (!tagged && effects.wanted()) origins_.RecordOwn(env_.run, sequence_, index);
  if (!publisher_->empty()) publisher_->set_gate(*gate);
  return true;
}

void ClusterHost::DeliverPublications() {
  if (!publisher_->empty()) publisher_->Deliver();
}

void ClusterHost::Cron(Micros now) {
  BeginWork(now);
  for (int i = 0; i < kTimerCalls && can_execute_; ++i) {
    targets::Context context = NewContext();
    bool keeps_log = KeepsLog();
    payload_.clear();
    if (keeps_log) EncodeEntryPayload({env_.run, ++sequence_}, &payload_);
    targets::EffectWriter effects(keeps_log ? &payload_ : nullptr);
    context.effects = &effects;
    bool more = target_->OnTimer(context);
    Gate gate;
    Propose(context, effects, false, &gate);
    DeliverPublications();
    if (!more) break;
  }
  target_->OnIdle();
  for (const std::string& note : target_->TakeNotes()) {
    env_.log->Warning("%s: %s", env_.name.c_str(), note.c_str());
  }
  MaybeResign(now);
  MaybeCompact(now);
  TrimLog();
}

// A disk that takes longer than the lock's time to live for one write, while others have made
// durable what waits for it, would stop this node sooner or later; an fsync is never given up.
void ClusterHost::MaybeResign(Micros now) {
  if (member_->role() != Role::kGlobal || member_->transferring() || persisted_ == 0) return;
  const Micros busy = env_.writer->busy_for().count();
  const Micros limit = env_.options->lock_ttl_ms * 1000;
  if (busy <= limit || member_->commit() <= persisted_) return;
  std::string why;
  env_.log->Warning("The disk has taken %lld ms for a write: handing over the lock of %s",
                    static_cast<long long>(busy / 1000), env_.name.c_str());
  if (busy <= 3 * limit && member_->Transfer("", now, &why)) return;
  env_.log->Warning("Giving up the lock of %s: %s", env_.name.c_str(), why.c_str());
  member_->Release(now);
}

void ClusterHost::TrimLog() {
  const cluster::Log& log = member_->log();
  if (!durable() && member_->configuration().members.size() == 1) {
    return member_->DropLogUpTo(applied_);
  }
  if (log.bytes() <= kLogMemoryBytes) return;
  Index upto = applied_;
  if (log.bytes() <= kLogMemoryHardBytes) {
    // What a local will need behind the snapshot it gets.
    if (!transfers_wanted_.empty() && saving()) upto = std::min(upto, maker_.about().index);
    for (const auto& [to, sender] : senders_) upto = std::min(upto, sender->meta().index);
    for (const cluster::Progress& local : member_->progress()) {
      if (!local.connected) continue;
      const auto sent = snapshots_on_their_way_.find(local.id);
      if (sent != snapshots_on_their_way_.end()) {
        upto = std::min(upto, std::max(sent->second, local.match));
        if (local.match >= sent->second) snapshots_on_their_way_.erase(sent);
      } else if (!local.needs_snapshot) {
        upto = std::min(upto, local.match);
      }
    }
  }
  // Some history stays for locals that come back soon: about the newest kLogMemoryBytes.
  Index first = log.first_index(), last = log.last_index();
  double share = static_cast<double>(kLogMemoryBytes) / static_cast<double>(log.bytes());
  Index keep = static_cast<Index>(static_cast<double>(last - first) * share);
  member_->DropLogUpTo(std::min(upto, last > keep ? last - keep : 0));
}

// --- the lock -----------------------------------------------------------------------------------

void ClusterHost::NoteLock() {
  BeginWork(now_);
  const cluster::NodeId holder = member_->holder();
  if (holder == known_holder_ && member_->term() == known_term_ &&
      member_->serving() == known_serving_ && member_->role() == known_role_) {
    return;
  }
  if (member_->role() != known_role_ && env_.number == 0) {
    char letter = member_->role() == Role::kGlobal      ? 'G'
                  : member_->role() == Role::kCandidate ? 'C'
                                                        : 'L';
    env_.log->set_role(letter);
  }
  if (member_->serving() && !known_serving_) {
    env_.log->Notice("This node is the global of %s, term %llu", env_.name.c_str(),
                     static_cast<unsigned long long>(member_->term()));
  } else if (known_role_ == Role::kGlobal && member_->role() != Role::kGlobal) {
    env_.log->Notice("This node isn't the global of %s any more, term %llu", env_.name.c_str(),
                     static_cast<unsigned long long>(member_->term()));
  } else if (holder != known_holder_ && !holder.empty() && holder != env_.id) {
    const cluster::MemberInfo* info = member_->configuration().Find(holder);
    env_.log->Notice("The global of %s is %s, term %llu", env_.name.c_str(),
                     info == nullptr ? holder.c_str() : info->name.c_str(),
                     static_cast<unsigned long long>(member_->term()));
  }
  known_holder_ = holder;
  known_term_ = member_->term();
  known_serving_ = member_->serving();
  known_role_ = member_->role();
  env_.clients->OnLockChanged();
}

void ClusterHost::OnRecordsPersisted(cluster::Term term, Index index, Micros now) {
  persisted_ = index;
  member_->RecordsPersisted(term, index, now);
}

void ClusterHost::OnLockPersisted(uint64_t sequence, Micros now) {
  member_->LockPersisted(sequence, now);
}

void ClusterHost::OnDiskFailed(const std::string& why, Micros now) {
  if (member_->disk_failed()) return;
  env_.log->Warning("Writing to disk failed, this node acknowledges and votes no more: %s",
                    why.c_str());
  member_->DiskFailed(now);
}

}  // namespace understudy::server
