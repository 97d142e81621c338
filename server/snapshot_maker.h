// Makes snapshots of a cluster's state, a bit in each turn of the event loop, and has them written
// by the log writer. It doesn't decide when.
//
//   kIdle -> kMaking      Begin(): the point in time
//         -> kUncommitted all bytes are made; the entry of the snapshot isn't committed yet
//         -> kSaving      being fsynced and renamed
//         -> kIdle        OnSaved(), OnFailed()
//   Abort() from anywhere but kSaving: nothing remains of it.
//
// Time. A step takes about a third of what the rest of the turn took, but kLeastStep at least and
// kMostStep at most: serving goes on at most of its speed, and an idle server is done soon. What a
// unit of a target's work takes is measured, step by step.
//
// Memory. kMaxBacklog bytes wait to be written, and what changes save meanwhile; when that is over
// kGiveUpBytes (the disk hardly moves) the snapshot is given up.
// One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cluster/types.h"
#include "server/log_writer.h"
#include "server/logger.h"
#include "server/snapshot_file.h"
#include "targets/machine.h"

namespace understudy::server {

class SnapshotMaker {
 public:
  enum class State : uint8_t { kIdle, kMaking, kUncommitted, kSaving };
  static constexpr cluster::Micros kLeastStep = 50, kMostStep = 1000;
  static constexpr uint64_t kMaxBacklog = 16u << 20, kGiveUpBytes = 1u << 30;

  struct Statistics {
    uint64_t saved = 0;        // since start
    int64_t last_saved_s = 0;  // wall clock; 0: never in this run
    bool last_ok = true;
    int64_t last_duration_us = -1;    // from Begin() to the end; -1: none yet
    int64_t longest_step_us = 0;      // of the newest snapshot, with what the kernel did meanwhile
    int64_t longest_step_cpu_us = 0;  // the same in the thread's own time
    uint64_t steps = 0;               // of the newest snapshot
  };

  SnapshotMaker(std::string name, LogWriter* writer, Logger* log)
      : name_(std::move(name)), writer_(writer), log_(log) {}

  State state() const { return state_; }
  const SnapshotFile& about() const { return about_; }         // of the one being made
  cluster::Index saved_index() const { return saved_index_; }  // newest on disk; 0: none
  uint64_t saved_bytes() const { return saved_bytes_; }
  void NoteOnDisk(cluster::Index index, uint64_t bytes);  // found at the start, or installed
  cluster::Micros began_at() const { return began_at_; }
  double Progress() const { return cursor_ == nullptr ? 1 : cursor_->Progress(); }
  const Statistics& statistics() const { return statistics_; }

  // REQUIRES: kIdle, about.index > 0.
  void Begin(SnapshotFile about, std::unique_ptr<targets::SnapshotCursor> cursor,
             cluster::Micros now);
  // Once a turn: a step if there is something to do.
  void Turn(cluster::Index commit);
  // Another turn would get on with it.
  bool HasWork() const;
  // True if it was there to be given up.
  bool Abort(const char* why);

  // True if the news is of the snapshot being made here.
  bool OnSaved(cluster::Index index, cluster::Term term);
  bool OnFailed(cluster::Index index);

 private:
  void Step(cluster::Micros start, cluster::Micros wanted);
  void Give(bool all);
  void End(bool ok);

  const std::string name_;
  LogWriter* const writer_;
  Logger* const log_;
  State state_ = State::kIdle;
  SnapshotFile about_;
  std::unique_ptr<targets::SnapshotCursor> cursor_;
  std::string made_;         // not given to the writer yet
  uint64_t made_bytes_ = 0;  // in all
  cluster::Micros began_at_ = 0, step_ended_at_ = 0, told_at_ = 0;
  double work_per_us_ = 1;
  cluster::Index saved_index_ = 0;
  uint64_t saved_bytes_ = 0;
  Statistics statistics_;
};

}  // namespace understudy::server
