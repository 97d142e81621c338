// What a node finds in its data directory at its start, in the right order: promises, snapshots,
// log; the decision whether its members may have lost something they acknowledged; repair of the
// log; and then the writer that goes on from there.
//
// A member is quarantined (LockState::quarantined, durable before anything else is changed) if
//   - a complete record or its snapshot is damaged, or records between snapshot and log are
//   missing,
//   - the last run kept its log in memory only, or
//   - the host may have stopped uncleanly and the last run didn't fsync every record.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "cluster/log.h"
#include "cluster/types.h"
#include "server/data_directory.h"
#include "server/log_writer.h"
#include "server/logger.h"
#include "server/snapshot_file.h"

namespace understudy::server {

struct RecoveredCluster {
  cluster::LockState lock;
  SnapshotFile snapshot;     // empty(): none
  cluster::Log log;          // entries behind the snapshot (base: its index and term)
  int64_t last_time_ms = 0;  // of the newest entry or the snapshot; 0: none
};

struct RecoveredNode {
  std::map<uint64_t, RecoveredCluster> clusters;  // all that have a lock state, records or snapshot
  std::unique_ptr<LogWriter> writer;
};

// `directory` is open. What people should know goes to `logger`. False, with `error` one line: this
// node can't start; nothing was changed that matters.
bool RecoverNode(DataDirectory* directory, const LogWriter::Settings& settings, Logger* logger,
                 RecoveredNode* out, std::string* error);

}  // namespace understudy::server
