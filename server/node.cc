#include "server/node.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "server/info.h"

namespace understudy::server {

using cluster::MemberInfo;
using cluster::Micros;
using cluster::Role;

namespace {
constexpr Micros kCronInterval = 100 * 1000;
constexpr Micros kHandoverBeforeStop = 1000 * 1000;

std::string Numeric(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text,
              sizeof(text));
  } else if (address->sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text,
              sizeof(text));
  }
  return text;
}

// The address this host would use towards `peer`; nothing is sent. Empty: none.
std::string AddressTowards(const std::string& peer) {
  std::string host;
  int port;
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_DGRAM;
  if (!SplitAddress(peer, &host, &port) ||
      getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return "";
  }
  std::string result;
  int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0) {
    sockaddr_storage own{};
    socklen_t size = sizeof(own);
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) == 0) {
      result = Numeric(reinterpret_cast<sockaddr*>(&own));
    }
  }
  if (fd >= 0) close(fd);
  freeaddrinfo(found);
  return result;
}

// The first address of this host that isn't loopback; else loopback.
std::string FirstAddress() {
  ifaddrs* list = nullptr;
  std::string result = "127.0.0.1";
  if (getifaddrs(&list) != 0) return result;
  for (const ifaddrs* it = list; it != nullptr; it = it->ifa_next) {
    if (it->ifa_addr == nullptr || it->ifa_addr->sa_family != AF_INET) continue;
    if ((it->ifa_flags & IFF_LOOPBACK) != 0 || (it->ifa_flags & IFF_UP) == 0) continue;
    result = Numeric(it->ifa_addr);
    break;
  }
  freeifaddrs(list);
  return result;
}
}  // namespace

// Hands what the disk has done to the cluster it belongs to.
class Node::DiskListener : public DiskEvents {
 public:
  explicit DiskListener(Node* node) : node_(node) {}
  void OnRecordsPersisted(uint64_t number, cluster::Term term, cluster::Index last) override {
    if (ClusterHost* host = Find(number)) host->OnRecordsPersisted(term, last, node_->now());
  }
  void OnLockPersisted(uint64_t number, uint64_t sequence) override {
    if (ClusterHost* host = Find(number)) host->OnLockPersisted(sequence, node_->now());
  }
  void OnSnapshotSaved(uint64_t number, cluster::Index index, cluster::Term term) override {
    if (ClusterHost* host = Find(number)) host->OnSnapshotSaved(index, term, node_->now());
  }
  void OnSnapshotFailed(uint64_t number, cluster::Index index, const std::string& why) override {
    if (ClusterHost* host = Find(number)) host->OnSnapshotFailed(index, why, node_->now());
  }
  void OnDiskFailed(const std::string& why) override {
    node_->host().OnDiskFailed(why, node_->now());
    node_->clusters().ForEach([&](NamedCluster& cluster) {
      if (cluster.host() != nullptr) cluster.host()->OnDiskFailed(why, node_->now());
    });
  }

 private:
  ClusterHost* Find(uint64_t number) {
    if (number == 0) return &node_->host();
    NamedCluster* cluster = node_->clusters().FindByNumber(number);
    return cluster == nullptr ? nullptr : node_->clusters().Touch(cluster)->host();
  }

  Node* node_;
};

struct Node::Signals {
  explicit Signals(Node* node) {
    for (auto [signal, event] : {std::pair{SIGTERM, &terminate}, {SIGINT, &interrupt}}) {
      evsignal_assign(event, node->loop().base(), signal, Fire, node);
      evsignal_add(event, nullptr);
    }
  }
  ~Signals() {
    evsignal_del(&terminate);
    evsignal_del(&interrupt);
  }
  static void Fire(evutil_socket_t, short, void* node) {
    static_cast<Node*>(node)->log().Notice("Told to stop by a signal");
    static_cast<Node*>(node)->Stop();
  }
  event terminate, interrupt;
};

Node::Node(Options options, std::string config_file)
    : log_(std::make_unique<Logger>(options.loglevel)),
      target_options_(std::make_shared<targets::TargetOptions>()),
      transactions_(this),
      peer_requests_(this),
      dispatcher_(this) {
  Config::Hooks hooks;
  hooks.apply = [this](const Options& before, const Options& after, std::string* parameter,
                       std::string* why) { return ApplyConfig(before, after, parameter, why); };
  hooks.reset_statistics = [this] {
    connection_environment_.commands = 0;
    connection_environment_.bytes_read = connection_environment_.bytes_written = 0;
    instruments_.statistics().Reset();
  };
  config_ = std::make_unique<Config>(std::move(options), std::move(config_file), std::move(hooks));
}

Node::~Node() = default;

int Node::Run() {
  signal(SIGPIPE, SIG_IGN);
  std::string error;
  if (!Open(&error)) {
    std::fprintf(stderr, "understudy-server: %s\n", error.c_str());
    return 1;
  }
  log_->Notice("%s (%.8s, run %llu) serves at %s", identity_.name.c_str(), identity_.id.c_str(),
               static_cast<unsigned long long>(identity_.run), identity_.address.c_str());
  loop_.Run([this] { EndTurn(); });
  log_->Notice("%s ends", identity_.name.c_str());
  if (!options().pidfile.empty()) unlink(options().pidfile.c_str());
  return 0;
}

bool Node::Open(std::string* error) {
  const Options& options = config_->options();
  directory_ = std::make_unique<DataDirectory>();
  if (!directory_->Open(options.dir, error)) return false;
  if (options.daemonize && daemon(1, 0) != 0) {
    *error = "can't go to the background";
    return false;
  }
  directory_->NotePid();
  if (!options.logfile.empty() && !log_->Open(options.logfile, error)) return false;
  if (!options.pidfile.empty()) std::ofstream(options.pidfile) << getpid() << "\n";

  for (const std::string& file : options.loadtarget) {
    if (!plugins_.Load(file, log_.get(), error)) return false;
  }
  identity_.id = directory_->node_id();
  identity_.run = random_.Next() | 1;
  connection_environment_.now = identity_.started_at = BootMicros();
  connection_environment_.loop = &loop_;
  connection_environment_.handler = &dispatcher_;
  connection_environment_.shared_input.resize(Connection::kSharedInput);
  connections_ = std::make_unique<ConnectionTable>(&connection_environment_);
  connections_->set_new_session(
      [this](Session& session) { session.authenticated = this->options().requirepass.empty(); });
  SetLimits(options);

  LogWriter::Settings settings;
  settings.policy = options.appendfsync;
  settings.memory_only = !options.appendonly;
  RecoveredNode recovered;
  if (!RecoverNode(directory_.get(), settings, log_.get(), &recovered, error)) return false;
  writer_ = std::move(recovered.writer);
  // The listener opens when there is a state to serve: a connection refused means no process.
  if (!StartMain(std::move(recovered), error) || !Listen(error)) return false;
  disk_listener_ = std::make_unique<DiskListener>(this);
  disk_events_ = std::make_unique<FdEvent>(&loop_, writer_->notify_fd(), EV_READ, [this] {
    RefreshNow();
    writer_->Deliver(disk_listener_.get());
  });
  disk_events_->Enable();
  tick_ = std::make_unique<Timer>(&loop_, [this] { Tick(); });
  cron_ = std::make_unique<Timer>(&loop_, [this] { Cron(); });
  deadline_ = std::make_unique<Timer>(&loop_, [this] {
    RefreshNow();
    next_deadline_ms_ = BlockedCommands::kNoDeadline;
    blocked_commands_->Expire();
  });
  signals_ = std::make_unique<Signals>(this);

  cluster::Member& member = host_->member();
  const bool empty = member.configuration().members.empty();
  if (empty && options.join.empty() && (member.term() != 0 || member.log().last_index() != 0)) {
    *error = "this node hadn't yet joined its cluster when it stopped: it needs --join";
    return false;
  }
  if (empty && options.join.empty()) {
    host_->Bootstrap({identity_.id, identity_.name, identity_.address, MemberInfo::Kind::kVoter},
                     now());
  }
  FollowConfiguration();
  cron_->Start(0);
  return true;
}

int64_t Node::last_save_s() const {
  const int64_t saved_s = host_->snapshots().statistics().last_saved_s;
  if (saved_s != 0) return saved_s;
  return (WallMicros() - (BootMicros() - identity_.started_at)) / 1'000'000;
}

void Node::FillEnvironment(ClusterHost::Environment* environment) {
  environment->options = &config_->options();
  environment->table = &table_;
  environment->log = log_.get();
  environment->writer = writer_.get();
  environment->random = &random_;
  environment->long_command = &long_command_;
  environment->target_options = target_options_;
  environment->peers = &peers_;
  environment->may_begin_snapshot = [this] {
    const auto makes_one = [](const ClusterHost& host) {
      return host.snapshots().state() != SnapshotMaker::State::kIdle;
    };
    if (makes_one(*host_)) return false;
    for (const auto& [number, one] : clusters_.all()) {
      if (one->host() != nullptr && makes_one(*one->host())) return false;
    }
    return true;
  };
}

bool Node::StartMain(RecoveredNode recovered, std::string* error) {
  ClusterHost::Environment environment;
  environment.name = environment.wire = "main";
  environment.number = 0;
  environment.id = identity_.id;
  environment.run = identity_.run;
  environment.clients = &dispatcher_;
  FillEnvironment(&environment);
  host_ = std::make_unique<ClusterHost>(std::move(environment));
  RecoveredCluster main = std::move(recovered.clusters[0]);
  clusters_.TakeRecovered(std::move(recovered.clusters));
  return host_->Start(std::move(main), now(), WallMillis(), error);
}

std::string Node::OwnAddress() const {
  const Options& options = config_->options();
  std::string host = options.cluster_announce_ip;
  for (const std::string& bind : options.bind) {
    if (!host.empty()) break;
    if (bind != "*" && bind != "0.0.0.0" && bind[0] != '-') host = bind;
  }
  if (host.empty() && !options.join.empty()) host = AddressTowards(options.join.front());
  if (host.empty()) host = FirstAddress();
  int64_t port =
      options.cluster_announce_port != 0 ? options.cluster_announce_port : identity_.port;
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" +
         std::to_string(port);
}

bool Node::Listen(std::string* error) {
  const Options& options = config_->options();
  for (const std::string& bind : options.bind) {
    bool optional = bind[0] == '-';
    std::string host = optional ? bind.substr(1) : bind;
    int port = identity_.port != 0 ? identity_.port : static_cast<int>(options.port);
    if (connections_->Listen(host, port, static_cast<int>(options.tcp_backlog), error)) {
      identity_.port = connections_->port();
    } else if (!optional) {
      return false;
    }
  }
  identity_.name = options.name.empty() ? "node-" + std::to_string(identity_.port) : options.name;
  identity_.address = OwnAddress();
  MakePeers();
  monitors_ = std::make_unique<Monitors>(connections_.get());
  subscriptions_ = std::make_unique<Subscriptions>(connections_.get());
  key_events_ = std::make_unique<KeyEvents>(
      [this](targets::kv::KeyspaceObserver* observer) { host_->ObserveKeys(observer); });
  tracking_ = std::make_unique<Tracking>(connections_.get(), key_events_.get());
  tracking_->set_max_keys(static_cast<size_t>(options.tracking_table_max_keys));
  watches_ = std::make_unique<Watches>(
      connections_.get(), [this](int db, std::string_view key) { return host_->Peek(db, key); },
      [this](bool on) { key_events_->Listen(watches_.get(), on); });
  node_commands_ = std::make_unique<NodeCommands>(this, table_);
  BlockedCommands::Hooks blocked;
  blocked.can_execute = [this] { return host_->can_execute(); };
  blocked.time_ms = [this] { return host_->time_ms(); };
  blocked.peek = [this](int db, std::string_view key) { return host_->Peek(db, key); };
  blocked.observe = [this](bool on) { key_events_->Listen(blocked_commands_.get(), on); };
  blocked_commands_ = std::make_unique<BlockedCommands>(std::move(blocked));
  forwarder_ = std::make_unique<Forwarder>(
      host_.get(), peers_.get(), connections_.get(), &dispatcher_, blocked_commands_.get(),
      table_.FindByName("peer.unblock"), &connection_environment_, identity_.id, identity_.run);
  link_watch_ = std::make_unique<LinkWatch>(
      host_.get(),
      [this](const protocol::Command& row, std::span<const std::string_view> args, Micros now,
             Micros wait) { forwarder_->ForwardFor(0, row, args, now, wait); },
      connections_.get(), peers_.get(), table_, identity_.id, identity_.run);
  remote_commands_ = std::make_unique<RemoteCommands>(host_.get(), peers_.get(), &table_,
                                                      &instruments_, blocked_commands_.get());
  MakeLongCommand();
  return true;
}

void Node::MakePeers() {
  Peers::Events events;
  events.connected = [this](const cluster::NodeId& id, cluster::RunId run) {
    RefreshNow();
    host_->member().PeerConnected(id, run, now());
    // Not only of one who is known to hold the lock right now: it may hold it again in this turn.
    if (id == host_->member().lock_state().holder) forwarder_->AskAgain();
    remote_commands_->OnLinkUp(id);
    clusters_.ForEach([&](NamedCluster& one) { one.OnPeerConnected(id, run, now()); });
  };
  events.closed = [this](const cluster::NodeId& id) {
    RefreshNow();
    host_->member().PeerClosed(id, now());
    clusters_.ForEach([&](NamedCluster& one) { one.OnPeerClosed(id, now()); });
  };
  events.dead = [this](const cluster::NodeId& id, cluster::RunId run) {
    RefreshNow();
    host_->member().PeerDead(id, run, now());
    link_watch_->OnDead(id, run);
    clusters_.ForEach([&](NamedCluster& one) { one.OnPeerDead(id, run, now()); });
  };
  Peers::Self self{identity_.id, identity_.name, identity_.address, identity_.run,
                   options().PeerPassword()};
  peers_ = std::make_unique<Peers>(&loop_, log_.get(), std::move(self), std::move(events));
}

// Links to all members, the appended configuration's and the committed one's: who leaves is still
// to be told so. An address that a node announced itself stands until its entry changes.
void Node::FollowMembers(const cluster::Configuration& appended,
                         const cluster::Configuration& committed) {
  if (appended == followed_ && committed == followed_committed_) return;
  for (const MemberInfo& info : appended.members) {
    const MemberInfo* before = followed_.Find(info.id);
    bool same = before != nullptr && before->address == info.address;
    if (!same || peers_->Find(info.id) == nullptr) peers_->Ensure(info.id, info.address);
  }
  if (appended.Find(identity_.id) != nullptr) {
    std::vector<cluster::NodeId> ids;
    for (const auto* configuration : {&appended, &committed}) {
      for (const MemberInfo& info : configuration->members) ids.push_back(info.id);
    }
    peers_->Retain(ids);
  }
  followed_ = appended;
  followed_committed_ = committed;
}

// Follows the configuration; and asks to be taken in, or to have a new name or address noted. Who
// was removed doesn't ask.
void Node::FollowConfiguration() {
  cluster::Member& member = host_->member();
  const cluster::Configuration& configuration = member.configuration();
  FollowMembers(configuration, member.lock_state().configuration);
  const MemberInfo* self = configuration.Find(identity_.id);
  if (self == nullptr && was_member_) {
    // CLUSTER FORGET, committed or about to be: it stays out until somebody starts it anew.
    if (!member.is_member() && !forgotten_) {
      forgotten_ = true;
      log_->Warning("This node was removed from the cluster");
    }
    return peers_->StopJoining();
  }
  forgotten_ = false;
  if (self != nullptr && self->name == identity_.name && self->address == identity_.address) {
    return peers_->StopJoining();
  }
  MemberInfo wanted{identity_.id, identity_.name, identity_.address, MemberInfo::Kind::kLearner};
  if (member.serving()) {
    std::string why;
    if (self != nullptr) member.AddMember(wanted, now(), &why);
    return;
  }
  if (peers_->joining() || stop_by_ != 0) return;
  std::vector<std::string> addresses;
  for (const MemberInfo& info : configuration.members) {
    if (info.id != identity_.id) addresses.push_back(info.address);
  }
  if (configuration.members.empty()) addresses = options().join;
  if (!addresses.empty()) peers_->Join(std::move(addresses));
}

// --- turns --------------------------------------------------------------------------------------

void Node::RefreshNow() {
  connection_environment_.now = BootMicros();
  host_->BeginWork(connection_environment_.now);
}

void Node::EndTurn() {
  RefreshNow();
  dispatcher_.ResumePaused();
  forwarder_->Flush(now());
  remote_commands_->ExecuteWaiting();
  dispatcher_.ConfirmReads(BootMicros());
  host_->EndTurn(now());
  dispatcher_.EndTurn();
  if (!was_member_) {
    was_member_ = host_->member().lock_state().configuration.Find(identity_.id) != nullptr;
  }
  dispatcher_.DeliverInvalidations();
  remote_commands_->Flush();
  clusters_.EndTurn(now());
  peers_->FlushAll();
  ++connection_environment_.turn;
  connections_->FlushDirty();
  if (forwarder_->HasWork() || host_->HasWork() || clusters_.HasWork()) loop_.DoNotWait();
  turn_ended_at_ = BootMicros();
  ScheduleTick();
  ScheduleDeadline();
  if (stop_by_ != 0) ShutDown();
}

// Behind something that took long, what others have said meanwhile is read first: it may have
// renewed the lock.
void Node::Tick() {
  RefreshNow();
  next_tick_ = 0;
  if (now() - turn_ended_at_ > options().lock_ttl_ms * 1000 / 4 && !tick_postponed_) {
    tick_postponed_ = true;
    tick_->Start(0);
    next_tick_ = now();
    return;
  }
  tick_postponed_ = false;
  host_->Tick(now());
  clusters_.Tick(now());
}

void Node::MakeLongCommand() {
  LongCommand::Actions actions;
  actions.keep = [this] { host_->KeepLock(BootMicros()); };
  actions.let_go = [this] {
    if (!host_->may_lose()) return;
    log_->Warning("A command takes longer than busy-limit: the lock is kept no longer");
    remote_commands_->TellBusy();
  };
  const auto interval = std::chrono::milliseconds(std::max<int64_t>(options().lock_ttl_ms / 8, 5));
  long_command_ = std::make_unique<LongCommand>(interval, std::move(actions));
  long_command_->set_limit(std::chrono::milliseconds(options().busy_limit_ms));
}

void Node::ScheduleTick() {
  Micros next = std::min(host_->NextTick(), clusters_.NextTick());
  if (next == next_tick_) return;
  next_tick_ = next;
  tick_->Start(std::max<Micros>(next - BootMicros(), 0));
}

// Of the command that waits and whose time is over first.
void Node::ScheduleDeadline() {
  const int64_t next_ms = blocked_commands_->next_deadline_ms();
  if (next_ms == next_deadline_ms_ || !host_->can_execute()) return;
  next_deadline_ms_ = next_ms;
  if (next_ms == BlockedCommands::kNoDeadline) return deadline_->Stop();
  // No timer runs for longer than libevent can count.
  constexpr int64_t kLongestMs = 3'600'000;
  const int64_t delay_ms = std::clamp<int64_t>(next_ms - host_->time_ms(), 0, kLongestMs);
  deadline_->Start(delay_ms * 1000);
}

void Node::Cron() {
  cron_->Start(kCronInterval);
  if (cron_paused_) return;
  RefreshNow();
  instruments_.Calibrate();
  instruments_.Begin();
  host_->Cron(now());
  instruments_.Worked("expire-cycle");
  blocked_commands_->Serve();
  blocked_commands_->Expire();
  forwarder_->Expire(now());
  dispatcher_.Expire(now());
  link_watch_->Cron(now(), options().cluster_wait_ms * 1000);
  clusters_.Cron(now());
  FollowConfiguration();
  connections_->CloseOverOutputLimit();
  connections_->CloseIdle(now(), options().timeout_s * 1000 * 1000);
  SampleStatistics(*this);
}

// --- configuration ------------------------------------------------------------------------------

void Node::SetLimits(const Options& options) {
  connection_environment_.limits.max_bulk_bytes = static_cast<size_t>(options.proto_max_bulk_len);
  connection_environment_.query_buffer_limit =
      static_cast<size_t>(options.client_query_buffer_limit);
  const auto& output = options.client_output_buffer_limit;
  connection_environment_.normal_output = output[static_cast<size_t>(ClientClass::kNormal)];
  connection_environment_.pubsub_output = output[static_cast<size_t>(ClientClass::kPubSub)];
  connections_->set_max_clients(static_cast<size_t>(options.maxclients));
  connections_->set_tcp_keepalive_seconds(static_cast<int>(options.tcp_keepalive_s));
  instruments_.slow_log().set_threshold_us(options.slowlog_log_slower_than);
  instruments_.slow_log().set_max_length(static_cast<size_t>(options.slowlog_max_len));
  instruments_.latency().set_threshold_ms(options.latency_monitor_threshold);
  if (long_command_ != nullptr) {
    long_command_->set_limit(std::chrono::milliseconds(options.busy_limit_ms));
  }
  target_options_->databases = static_cast<int>(options.databases);
  target_options_->chat_history = static_cast<size_t>(options.chat_history);
  target_options_->max_value_bytes = static_cast<size_t>(options.proto_max_bulk_len);
  targets::ContainerLimits& limits = target_options_->containers;
  const auto set = [](size_t* limit, int64_t value) { *limit = static_cast<size_t>(value); };
  set(&limits.hash_max_listpack_entries, options.hash_max_listpack_entries);
  set(&limits.hash_max_listpack_value, options.hash_max_listpack_value);
  set(&limits.set_max_intset_entries, options.set_max_intset_entries);
  set(&limits.set_max_listpack_entries, options.set_max_listpack_entries);
  set(&limits.set_max_listpack_value, options.set_max_listpack_value);
  set(&limits.zset_max_listpack_entries, options.zset_max_listpack_entries);
  set(&limits.zset_max_listpack_value, options.zset_max_listpack_value);
  set(&limits.stream_node_max_bytes, options.stream_node_max_bytes);
  set(&limits.stream_node_max_entries, options.stream_node_max_entries);
  set(&limits.hll_sparse_max_bytes, options.hll_sparse_max_bytes);
  limits.list_max_listpack_size = options.list_max_listpack_size;
  target_options_->eviction = {options.maxmemory_policy, options.maxmemory_samples,
                               options.lfu_log_factor, options.lfu_decay_time_min};
  rlimit files{};
  rlim_t wanted = static_cast<rlim_t>(options.maxclients) + 128;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < wanted) {
    files.rlim_cur = std::min(wanted, files.rlim_max);
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < wanted) {
      log_->Warning("The limit of open files (%llu) allows fewer than %lld clients",
                    static_cast<unsigned long long>(files.rlim_cur),
                    static_cast<long long>(options.maxclients));
    }
  }
}

bool Node::ApplyConfig(const Options& before, const Options& after, std::string* parameter,
                       std::string* why) {
  if (before.appendfsync != after.appendfsync && !writer_->SetPolicy(after.appendfsync, why)) {
    *parameter = "appendfsync";
    return false;
  }
  log_->set_level(after.loglevel);
  SetLimits(after);
  tracking_->set_max_keys(static_cast<size_t>(after.tracking_table_max_keys));
  return true;
}

// --- end ----------------------------------------------------------------------------------------

void Node::Stop() {
  if (stop_by_ != 0) return;
  RefreshNow();
  stop_by_ = now() + kHandoverBeforeStop;
  peers_->StopJoining();
  cluster::Member& member = host_->member();
  std::string why;
  if (member.role() == Role::kGlobal && member.configuration().VoterCount() > 1 &&
      member.Transfer("", now(), &why)) {
    log_->Notice("Handing the lock over");
  }
  clusters_.ForEach([&](NamedCluster& one) {
    if (!one.active() || one.host()->member().role() != Role::kGlobal) return;
    if (one.host()->member().configuration().VoterCount() > 1) {
      one.host()->member().Transfer("", now(), &why);
    }
  });
  loop_.DoNotWait();
}

void Node::ShutDown() {
  cluster::Member& member = host_->member();
  bool handing_over = member.role() == Role::kGlobal && member.transferring();
  clusters_.ForEach([&](NamedCluster& one) {
    const cluster::Member* named = one.active() ? &one.host()->member() : nullptr;
    handing_over = handing_over ||
                   (named != nullptr && named->role() == Role::kGlobal && named->transferring());
  });
  if (handing_over && now() < stop_by_) return;
  clusters_.ForEach([&](NamedCluster& one) {
    if (!one.active() || one.host()->member().role() != Role::kGlobal) return;
    one.host()->member().Release(now());
    one.host()->EndTurn(now());
  });
  if (member.role() == Role::kGlobal) {
    member.Release(now());
    host_->EndTurn(now());
  }
  peers_->FlushAll();
  connections_->FlushDirty();
  if (!writer_->Stop()) log_->Warning("Not everything could be written to disk");
  loop_.Stop();
}

}  // namespace understudy::server
