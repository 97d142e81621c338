#include "server/recovery.h"

#include <algorithm>
#include <set>

#include "server/lock_file.h"
#include "server/log_file.h"

namespace understudy::server {

namespace {

using Keeping = DataDirectory::Keeping;
using LastStop = DataDirectory::LastStop;

// One recovery: its steps in order, and what they share.
class Recovery {
 public:
  Recovery(DataDirectory* directory, const LogWriter::Settings& settings, Logger* logger,
           RecoveredNode* out)
      : directory_(directory), settings_(settings), logger_(logger), out_(out) {}

  bool Run(std::string* error) {
    return OpenPromises(error) && ReadLog(error) && ReadClusters(error) && Quarantine(error) &&
           log_.Repair(error) && NoteRunning(error) && StartWriter(error);
  }

 private:
  bool OpenPromises(std::string* error);
  bool ReadLog(std::string* error);
  bool ReadClusters(std::string* error);
  void ReadSnapshot(uint64_t number, RecoveredCluster* cluster);
  bool ReadEntries(uint64_t number, RecoveredCluster* cluster, std::string* error);
  bool Quarantine(std::string* error);
  bool NoteRunning(std::string* error);
  bool StartWriter(std::string* error);
  void MayHaveLost(uint64_t number, const std::string& why);

  DataDirectory* directory_;
  const LogWriter::Settings& settings_;
  Logger* logger_;
  RecoveredNode* out_;
  std::unique_ptr<LockFile> promises_;
  LogReader log_;
  std::set<uint64_t> may_have_lost_;
};

void Recovery::MayHaveLost(uint64_t number, const std::string& why) {
  logger_->Warning("Cluster %llu: %s", static_cast<unsigned long long>(number), why.c_str());
  may_have_lost_.insert(number);
}

bool Recovery::OpenPromises(std::string* error) {
  promises_ = std::make_unique<LockFile>(settings_.files);
  if (!promises_->Open(directory_->path(), error)) return false;
  if (promises_->slot_was_damaged()) {
    logger_->Notice("One of the two copies of the promises isn't intact; the other one is used");
  }
  for (const auto& [number, state] : promises_->states()) {
    if (cluster::LockState::Decode(state, &out_->clusters[number].lock)) continue;
    *error = "The lock state of cluster " + std::to_string(number) + " in " + directory_->path() +
             "/promises isn't one that this version can read";
    return false;
  }
  return true;
}

bool Recovery::ReadLog(std::string* error) {
  RemoveSnapshotLeftovers(directory_->path());
  if (!log_.Open(directory_->path(), error)) return false;
  const LogFlaw& torn = log_.torn_tail();
  if (!torn.path.empty()) {
    logger_->Notice("%s: %s at offset %llu is cut off: a write that never finished",
                    torn.path.c_str(), torn.what.c_str(),
                    static_cast<unsigned long long>(torn.offset));
  }
  const LogFlaw& damage = log_.damage();
  if (!damage.path.empty()) {
    logger_->Warning("%s is damaged at offset %llu: %s. What is behind it is put aside",
                     damage.path.c_str(), static_cast<unsigned long long>(damage.offset),
                     damage.what.c_str());
  }
  for (uint64_t number : log_.clusters()) out_->clusters[number];
  for (uint64_t number : ListSnapshots(directory_->path())) out_->clusters[number];
  return true;
}

bool Recovery::ReadClusters(std::string* error) {
  for (auto& [number, cluster] : out_->clusters) {
    ReadSnapshot(number, &cluster);
    if (!ReadEntries(number, &cluster, error)) return false;
    if (cluster.lock.term < cluster.log.last_term()) {
      MayHaveLost(number, "its newest entry is of a newer term than any it promised to keep");
      cluster.lock.term = cluster.log.last_term();
      cluster.lock.granted_to.clear();
      cluster.lock.granted_run = 0;
    }
    if (!log_.damage().path.empty()) MayHaveLost(number, "the log is damaged");
  }
  return true;
}

void Recovery::ReadSnapshot(uint64_t number, RecoveredCluster* cluster) {
  std::string why;
  if (LoadSnapshotFile(directory_->path(), number, &cluster->snapshot, &why) ==
      SnapshotStatus::kDamaged) {
    MayHaveLost(number, why);
  }
  cluster->last_time_ms = cluster->snapshot.time_ms;
  cluster->log = cluster::Log(number);
  cluster->log.Reset(cluster->snapshot.index, cluster->snapshot.term);
}

// Entries go behind the snapshot if they fit: the next one is there, and terms don't decrease. What
// is of an older term than the snapshot is the log that an installed snapshot has replaced: it was
// committed, so nothing of its term or a newer one contradicts it (Raft, section 5.4: leader
// completeness). A gap is a loss.
bool Recovery::ReadEntries(uint64_t number, RecoveredCluster* cluster, std::string* error) {
  cluster::Log& log = cluster->log;
  bool fits = true, gap = false;
  int64_t time_ms = cluster->last_time_ms;
  auto visit = [&](const cluster::EntryView& entry, std::string_view record) {
    if (!fits || gap) return;
    if (entry.index <= cluster->snapshot.index) return;
    gap = entry.index != log.last_index() + 1;
    fits = entry.term >= log.last_term();
    if (gap || !fits) return;
    fits = log.AppendRecords(record);
    time_ms = std::max(time_ms, entry.time_ms);
  };
  if (!log_.ForEach(number, visit)) {
    *error = "The log in " + directory_->path() + " changed while it was read";
    return false;
  }
  cluster->last_time_ms = time_ms;
  if (gap) MayHaveLost(number, "entries between its snapshot and its log are missing");
  return true;
}

bool Recovery::Quarantine(std::string* error) {
  std::string why;
  if (directory_->last_keeping() == Keeping::kMemoryOnly) {
    why = "the last run kept its log in memory only";
  } else if (directory_->last_stop() == LastStop::kHostMayHaveDied &&
             directory_->last_keeping() != Keeping::kSynced) {
    why = "the host may have stopped before everything that was acknowledged was on disk";
  }
  if (!why.empty()) {
    for (const auto& [number, cluster] : out_->clusters) MayHaveLost(number, why);
  }
  bool changed = false;
  for (uint64_t number : may_have_lost_) {
    cluster::LockState& lock = out_->clusters[number].lock;
    if (lock.quarantined) continue;
    lock.quarantined = true;
    changed = true;
    logger_->Warning(
        "Cluster %llu: this member may have lost what it acknowledged: it doesn't vote until it "
        "holds again all that was committed",
        static_cast<unsigned long long>(number));
    if (!promises_->Set(number, lock.Encode())) {
      *error = "The lock state of cluster " + std::to_string(number) + " is over a limit";
      return false;
    }
  }
  return !changed || promises_->Write(error);
}

bool Recovery::NoteRunning(std::string* error) {
  Keeping keeping = settings_.memory_only                      ? Keeping::kMemoryOnly
                    : settings_.policy == FsyncPolicy::kAlways ? Keeping::kSynced
                                                               : Keeping::kUnsynced;
  return directory_->NoteRunning(keeping, error);
}

bool Recovery::StartWriter(std::string* error) {
  std::unique_ptr<LogAppender> log;
  if (!settings_.memory_only) {
    LogAppender::Options options;
    options.segment_bytes = settings_.segment_bytes;
    log = std::make_unique<LogAppender>(directory_->path(), options, settings_.files);
    if (!log->Open(log_.segments(), log_.next_number(), error)) return false;
  }
  out_->writer = std::make_unique<LogWriter>(settings_, directory_, std::move(promises_),
                                             std::move(log), logger_);
  return true;
}

}  // namespace

bool RecoverNode(DataDirectory* directory, const LogWriter::Settings& settings, Logger* logger,
                 RecoveredNode* out, std::string* error) {
  *out = RecoveredNode();
  return Recovery(directory, settings, logger, out).Run(error);
}

}  // namespace understudy::server
