// A cluster's snapshot on disk: the target's bytes in a file of their own (for kv a valid RDB file
// as it is), and beside it a small file that says what they are.
//
//   <dir>/snapshot-<cluster>-<index>-<n>.rdb   the bytes; n makes the name a new one
//   <dir>/snapshot-<cluster>                   size:u32le crc:u32le body; replaced by rename
//     body := version:u8 cluster:varint index:varint term:varint time_ms:varint
//             data_size:varint data_crc:varint (size:varint bytes){3}
//             the last three: the data file's name, the configuration, the table of origins
//
// The small file names the data file, so its rename changes both at once; data files that it
// doesn't name are left-overs, removed at the next start.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/types.h"

namespace understudy::server {

struct SnapshotFile {
  uint64_t cluster = 0;
  cluster::Index index = 0;           // 0: there is none
  cluster::Term term = 0;             // of the entry at `index`
  int64_t time_ms = 0;                // the global's time then
  std::string configuration;          // Configuration::Encode()
  std::string origins;                // which forwarded commands were executed, with their replies
  std::string_view data;              // what Machine::Snapshot() wrote
  std::shared_ptr<const void> owner;  // keeps `data` alive (a string, a mapped file)

  bool empty() const { return index == 0; }
};

// Writes a snapshot whose bytes come bit by bit. The steps as SaveSnapshotFile(). Until Finish()
// has succeeded the old snapshot stands, and the bytes so far are a left-over, removed at the end.
// Any thread, one at a time; blocks on the disk.
class SnapshotFileWriter {
 public:
  explicit SnapshotFileWriter(std::string dir) : dir_(std::move(dir)) {}
  ~SnapshotFileWriter();  // as Abort()
  SnapshotFileWriter(const SnapshotFileWriter&) = delete;
  SnapshotFileWriter& operator=(const SnapshotFileWriter&) = delete;

  // `about.data` isn't looked at. Each is false, with `error` one line, if it failed; the rest then
  // fails too.
  bool Begin(const SnapshotFile& about, std::string* error);
  // What is written goes to the disk every few MiB, so that no fsync of the log waits behind all of
  // it.
  bool Append(std::string_view bytes, std::string* error);
  bool Finish(std::string* error);
  void Abort();

 private:
  bool Failed(std::string* error);

  const std::string dir_;
  SnapshotFile about_;
  std::string path_, name_;
  int fd_ = -1;
  uint64_t size_ = 0, synced_ = 0;
  uint32_t crc_ = 0;
};

// Writes and fsyncs everything, then makes it the cluster's snapshot, and removes the one before.
// False, with `error` one line: the old one, if any, still stands. Blocks on the disk.
bool SaveSnapshotFile(const std::string& dir, const SnapshotFile& snapshot, std::string* error);

// What the cluster's snapshot is, with its data file mapped but not verified: for sending it on.
// False, with `error` one line: there is none, or it can't be read.
bool OpenSnapshotFile(const std::string& dir, uint64_t cluster, SnapshotFile* snapshot,
                      std::string* error);

enum class SnapshotStatus : uint8_t { kNone, kLoaded, kDamaged };
// Maps the cluster's snapshot into memory and verifies it. kDamaged: `error` names file and reason.
SnapshotStatus LoadSnapshotFile(const std::string& dir, uint64_t cluster, SnapshotFile* snapshot,
                                std::string* error);

// Clusters that have one, loadable or not.
std::vector<uint64_t> ListSnapshots(const std::string& dir);
// Removes the cluster's snapshot, if there is one. Blocks on the disk for an unlink.
void RemoveSnapshotFile(const std::string& dir, uint64_t cluster);
// Removes left-overs of saves that didn't finish.
void RemoveSnapshotLeftovers(const std::string& dir);

}  // namespace understudy::server
