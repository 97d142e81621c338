// The process: everything it owns, and the turn of its event loop.
//
// A turn: callbacks read connections and links and execute requests; then EndTurn() proposes to
// disk and to the locals, applies what is committed, releases and writes replies.
// One thread but for the log writer's.
#pragma once

#include <memory>
#include <string>

#include "protocol/command_table.h"
#include "server/blocked_commands.h"
#include "server/cluster_host.h"
#include "server/clusters.h"
#include "server/config.h"
#include "server/connection_table.h"
#include "server/data_directory.h"
#include "server/dispatcher.h"
#include "server/event_loop.h"
#include "server/forwarder.h"
#include "server/instruments.h"
#include "server/key_events.h"
#include "server/link_watch.h"
#include "server/log_writer.h"
#include "server/logger.h"
#include "server/long_command.h"
#include "server/monitors.h"
#include "server/node_commands.h"
#include "server/options.h"
#include "server/peer_requests.h"
#include "server/peers.h"
#include "server/plugins.h"
#include "server/random.h"
#include "server/rate_meter.h"
#include "server/recovery.h"
#include "server/remote_commands.h"
#include "server/subscriptions.h"
#include "server/tracking.h"
#include "server/transactions.h"
#include "server/watches.h"

namespace understudy::server {

// Who this node is.
struct Identity {
  cluster::NodeId id;
  std::string name;
  cluster::RunId run = 0;
  std::string address;  // "host:port", as told to peers
  int port = 0;
  cluster::Micros started_at = 0;
};

class Node {
 public:
  // Takes options as parsed; nothing happens before Run().
  Node(Options options, std::string config_file);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Opens files, listens, serves until it is stopped; the exit status. What prevents a start is
  // told in one line on stderr.
  int Run();
  // Ends it at the end of the turn: hands the lock over, waits for disk. Safe in a signal handler's
  // callback on the loop, not in the handler.
  void Stop();

  const Options& options() const { return config_->options(); }
  Config& config() { return *config_; }
  const protocol::CommandTable& table() const { return table_; }
  EventLoop& loop() { return loop_; }
  Logger& log() { return *log_; }
  ConnectionEnvironment& environment() { return connection_environment_; }
  ConnectionTable& connections() { return *connections_; }
  ClusterHost& host() { return *host_; }      // main's
  Clusters& clusters() { return clusters_; }  // the others
  // What the clusters of a node share.
  void FillEnvironment(ClusterHost::Environment* environment);
  Peers& peers() { return *peers_; }
  Forwarder& forwarder() { return *forwarder_; }
  Plugins& plugins() { return plugins_; }
  LinkWatch& link_watch() { return *link_watch_; }
  RemoteCommands& remote_commands() { return *remote_commands_; }
  BlockedCommands& blocked_commands() { return *blocked_commands_; }
  KeyEvents& key_events() { return *key_events_; }
  Tracking& tracking() { return *tracking_; }
  Watches& watches() { return *watches_; }
  Transactions& transactions() { return transactions_; }
  PeerRequests& peer_requests() { return peer_requests_; }
  const NodeCommands& node_commands() const { return *node_commands_; }
  Dispatcher& dispatcher() { return dispatcher_; }
  Monitors& monitors() { return *monitors_; }
  Subscriptions& subscriptions() { return *subscriptions_; }
  LogWriter& writer() { return *writer_; }
  Random& random() { return random_; }
  LongCommand& long_command() { return *long_command_; }
  InfoSamples& info_samples() { return info_samples_; }
  Instruments& instruments() { return instruments_; }
  const Identity& identity() const { return identity_; }
  std::shared_ptr<targets::TargetOptions> target_options() { return target_options_; }
  void set_cron_paused(bool paused) { cron_paused_ = paused; }  // DEBUG PAUSE-CRON
  // When the newest snapshot was saved, or this process began; seconds since the epoch.
  int64_t last_save_s() const;
  uint64_t turns() const { return connection_environment_.turn; }      // since start
  cluster::Micros now() const { return connection_environment_.now; }  // of this turn
  void RefreshNow();  // after something that took long

 private:
  class DiskListener;
  struct Signals;
  bool Open(std::string* error);
  bool StartMain(RecoveredNode recovered, std::string* error);
  bool Listen(std::string* error);
  void MakePeers();
  void FollowConfiguration();
  void FollowMembers(const cluster::Configuration& appended,
                     const cluster::Configuration& committed);
  void EndTurn();
  void ScheduleTick();
  void Tick();
  void MakeLongCommand();
  void ScheduleDeadline();
  void Cron();
  bool ApplyConfig(const Options& before, const Options& after, std::string* parameter,
                   std::string* why);
  void SetLimits(const Options& options);
  std::string OwnAddress() const;
  void ShutDown();

  protocol::CommandTable table_;
  EventLoop loop_;
  std::unique_ptr<Logger> log_;
  std::unique_ptr<Config> config_;
  std::shared_ptr<targets::TargetOptions> target_options_;
  Plugins plugins_;
  std::unique_ptr<DataDirectory> directory_;
  Random random_;
  Identity identity_;
  InfoSamples info_samples_;
  Instruments instruments_{table_.size()};
  ConnectionEnvironment connection_environment_;
  std::unique_ptr<LogWriter> writer_;
  std::unique_ptr<ConnectionTable> connections_;
  std::unique_ptr<Peers> peers_;
  std::unique_ptr<Monitors> monitors_;
  std::unique_ptr<Subscriptions> subscriptions_;
  std::unique_ptr<NodeCommands> node_commands_;
  std::unique_ptr<KeyEvents> key_events_;
  std::unique_ptr<Tracking> tracking_;
  std::unique_ptr<Watches> watches_;
  Transactions transactions_;
  PeerRequests peer_requests_;
  Dispatcher dispatcher_;
  Clusters clusters_{this};
  std::unique_ptr<ClusterHost> host_;
  std::unique_ptr<BlockedCommands> blocked_commands_;
  std::unique_ptr<Forwarder> forwarder_;
  std::unique_ptr<LinkWatch> link_watch_;
  std::unique_ptr<RemoteCommands> remote_commands_;
  std::unique_ptr<LongCommand> long_command_;  // behind all that its thread uses
  std::unique_ptr<DiskListener> disk_listener_;
  std::unique_ptr<FdEvent> disk_events_;
  std::unique_ptr<Timer> tick_, cron_, deadline_;
  std::unique_ptr<Signals> signals_;
  // The configurations that the links were made from.
  cluster::Configuration followed_, followed_committed_;
  bool was_member_ = false;  // in this run, by a committed configuration
  bool cron_paused_ = false;
  bool forgotten_ = false;  // and isn't any more
  cluster::Micros next_tick_ = 0;
  cluster::Micros turn_ended_at_ = 0;
  bool tick_postponed_ = false;
  int64_t next_deadline_ms_ = BlockedCommands::kNoDeadline;  // that the timer is set for
  cluster::Micros stop_by_ = 0;                              // not 0: stopping, at the latest then
};

}  // namespace understudy::server
