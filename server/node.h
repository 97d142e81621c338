// The process: everything it owns, and the turn of its event loop.
//
// A turn: callbacks read connections and links and execute requests; then EndTurn() proposes to
// disk and to the locals, applies what is committed, releases and writes replies.
// One thread but for the log writer's.
#pragma once

#include <memory>
#include <string>

#include "protocol/command_table.h"
#include "server/cluster_host.h"
#include "server/config.h"
#include "server/connection_table.h"
#include "server/data_directory.h"
#include "server/dispatcher.h"
#include "server/event_loop.h"
#include "server/forwarder.h"
#include "server/log_writer.h"
#include "server/logger.h"
#include "server/node_commands.h"
#include "server/options.h"
#include "server/peers.h"
#include "server/random.h"
#include "server/subscriptions.h"

namespace understudy::server {

// Who this node is.
struct Identity {
  cluster::NodeId id;
  std::string name;
  cluster::RunId run = 0;
  std::string address;        // "host:port", as told to peers
  int port = 0;
  cluster::Micros started_at = 0;
};

// Counters since start, for INFO.
struct NodeStats {
  uint64_t forwarded = 0;          // commands sent to the global
  uint64_t executed_for_others = 0;
  uint64_t local_reads = 0;        // read here as a local, after asking the global for its index
  uint64_t lock_losses = 0;        // this node was the global and isn't any more
  uint64_t lock_wins = 0;
  uint64_t snapshots_sent = 0, snapshots_received = 0;
  uint64_t turns = 0;
};

class Node {
 public:
  // Takes options as parsed; nothing happens before Run().
  explicit Node(Options options);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Opens files, listens, serves until it is stopped; the exit status. What prevents a start is
  // told in one line on stderr.
  int Run();
  // Ends it at the end of the turn: hands the lock over, waits for disk. Safe in a signal handler's
  // callback on the loop, not in the handler.
  void Stop();

  Options& options() { return options_; }
  Config& config() { return *config_; }
  const protocol::CommandTable& table() const { return table_; }
  EventLoop& loop() { return loop_; }
  Logger& log() { return *log_; }
  ConnectionEnvironment& environment() { return connection_environment_; }
  ConnectionTable& connections() { return *connections_; }
  ClusterHost& host() { return *host_; }
  Peers& peers() { return *peers_; }
  Forwarder& forwarder() { return *forwarder_; }
  Dispatcher& dispatcher() { return *dispatcher_; }
  Subscriptions& subscriptions() { return *subscriptions_; }
  LogWriter& writer() { return *writer_; }
  Random& random() { return random_; }
  const Identity& identity() const { return identity_; }
  NodeStats& stats() { return stats_; }
  cluster::Micros now() const { return connection_environment_.now; }  // of this turn
  void RefreshNow();  // after something that took long

 private:
  bool Open(std::string* error);
  bool Recover(std::string* error);
  bool Listen(std::string* error);
  void BeginCluster();
  void EndTurn();
  void ScheduleTick();
  void Cron();
  void DeliverDiskEvents();
  void ShutDown();
  void WatchSignals();

  Options options_;
  protocol::CommandTable table_;
  EventLoop loop_;
  std::unique_ptr<Logger> log_;
  std::unique_ptr<Config> config_;
  std::unique_ptr<DataDirectory> directory_;
  Random random_;
  Identity identity_;
  NodeStats stats_;
  ConnectionEnvironment connection_environment_;
  std::unique_ptr<LogWriter> writer_;
  std::unique_ptr<ConnectionTable> connections_;
  std::unique_ptr<Peers> peers_;
  std::unique_ptr<Subscriptions> subscriptions_;
  std::unique_ptr<Forwarder> forwarder_;
  std::unique_ptr<NodeCommands> node_commands_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<ClusterHost> host_;
  std::unique_ptr<FdEvent> disk_events_;
  std::unique_ptr<Timer> tick_, cron_;
  struct Signals;
  std::unique_ptr<Signals> signals_;
  cluster::Micros next_tick_ = 0;
  bool stopping_ = false;
};

}  // namespace understudy::server
