// A node for tests of consensus: a Member with a driver as cluster/member.h wants it, over a disk
// in memory on which writes become durable only when told to. No clock and no network of its own:
// messages and times are given, what it sends goes to a sink.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/member.h"

namespace understudy::simulator {

using cluster::Index;
using cluster::Micros;
using cluster::NodeId;
using cluster::RunId;
using cluster::Term;

// A message on its way: owns the records that the message shows.
struct Envelope {
  cluster::Message message;
  std::string records;

  explicit Envelope(const cluster::Message& sent) : message(sent), records(sent.records) {}
  const cluster::Message& View() {
    message.records = records;
    return message;
  }
};

class Node {
 public:
  struct Disk {
    std::string lock;  // LockState::Encode()
    Index base = 0;    // of the snapshot
    Term base_term = 0;
    int64_t base_time_ms = 0;
    cluster::Configuration base_configuration;
    std::vector<std::string> records;  // of base+1 on, one each
  };
  // A write begun and not yet reported durable.
  struct PendingWrite {
    uint64_t lock_sequence = 0;  // 0: no lock state in it
    std::string lock;
    std::vector<std::string> records;  // batches as the member gave them
    Term term = 0;
    Index last = 0;  // 0: no records
  };

  // `planted`: a bug it has (cluster/planted.h); kNone but in programs built for them.
  Node(NodeId id, uint64_t seed, Micros ttl, cluster::Bug planted = cluster::Bug::kNone)
      : id_(std::move(id)), seed_(seed), ttl_(ttl), planted_(planted) {}

  const NodeId& id() const { return id_; }
  bool running() const { return member_ != nullptr; }
  cluster::Member& member() { return *member_; }
  const cluster::Member& member() const { return *member_; }
  RunId run() const { return run_; }
  const Disk& disk() const { return disk_; }
  const cluster::LockState& lock_on_disk() const { return lock_on_disk_; }
  size_t pending_writes() const { return pending_.size(); }
  bool writes_lock() const;  // one of those is of the lock state

  std::function<void(const cluster::Message&)> on_message;
  std::function<void(const cluster::EntryView&)> on_apply;  // committed, in order
  std::function<void(const cluster::Ready::Read&)> on_read;
  std::function<void(const NodeId&)> on_snapshot_wanted;
  std::function<void(Index)> on_truncated;

  // Starts a run. `lost_data`: the disk may lack what was acknowledged, so begin in quarantine.
  void Start(Micros now, int64_t wall_ms, bool lost_data = false);
  // Ends it at once. Of the writes not reported durable the first `survivors` reach the disk, and
  // of the next one's records the first `torn` batches; what is behind them is gone.
  void Kill(size_t survivors, size_t torn = 0);
  // Until it ends, writes are reported as done and reach no disk (as after a failed fsync that is
  // tried again). The member is told that its disk failed.
  void FailDisk(Micros now);
  void LoseRecords(size_t count);  // while stopped: the newest of those on disk

  // One turn of the driver, while the member has something.
  void Turn(Micros now);
  // Completes the oldest `count` writes.
  void Persist(size_t count, Micros now);
  // The state becomes that of a snapshot.
  void InstallSnapshot(Index index, Term term, int64_t time_ms,
                       const cluster::Configuration& configuration, Micros now);

  Index applied() const { return applied_; }

 private:
  void ToDisk(const PendingWrite& write);
  void Apply();
  void NoteRecords(const cluster::Ready& ready);

  NodeId id_;
  uint64_t seed_;
  Micros ttl_;
  cluster::Bug planted_;
  RunId run_ = 0;
  uint64_t runs_ = 0;
  Disk disk_;
  cluster::LockState lock_on_disk_;  // disk_.lock, decoded
  bool disk_failed_ = false;
  Index told_ = 0;  // the driver knows of entries up to here
  std::deque<PendingWrite> pending_;
  std::unique_ptr<cluster::Member> member_;
  Index applied_ = 0;
};

}  // namespace understudy::simulator
