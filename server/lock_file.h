// The promises of this node's members: the LockState of every cluster, in a small file that was
// made in full size, so that an fsync of it costs no more than one block.
//
//   file  := slot slot                          each slot_bytes long
//   slot  := magic:8 sequence:u64le size:u32le crc:u32le body zeros
//   body  := count:varint (cluster:varint size:varint LockState::Encode())*
//   crc   := CRC-32C of sequence, size and body
//
// Invariants:
//  1. At any time one slot that was fsynced is intact: Write() overwrites the other one and fsyncs
//     it, so a torn write leaves the older state, of which nothing newer was promised.
//  2. After a Write() the older slot is brought up to date as well, without an fsync of its own: a
//     bad block then doesn't make the node forget a promise.
//  3. When the states outgrow a slot, a bigger file takes this one's place by rename.
//
// One thread at a time. Limits: kMaxClusters; a state of kMaxStateBytes.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "cluster/types.h"
#include "server/file_operations.h"

namespace understudy::server {

class LockFile {
 public:
  static constexpr size_t kMaxClusters = 4096;
  static constexpr size_t kMaxStateBytes = 1u << 20;
  static constexpr size_t kFirstSlotBytes = 16u << 10;

  // `files` must outlive the object; nullptr: the real ones.
  explicit LockFile(FileOperations* files);
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  // Opens or makes <dir>/promises. False, with `error` one line: it can't be used, or neither slot
  // is intact (then this node mustn't vote: it doesn't know what it promised).
  bool Open(const std::string& dir, std::string* error);

  // Only reads <dir>/promises; no states if there is no such file.
  static bool Read(const std::string& dir, std::map<uint64_t, std::string>* states,
                   std::string* error);

  // As read by Open() and changed since. The bytes are what LockState::Encode() made.
  const std::map<uint64_t, std::string>& states() const { return states_; }
  bool slot_was_damaged() const { return slot_was_damaged_; }  // one of two; worth a warning

  // Changes one state in memory; an empty one removes it. False: over a limit.
  bool Set(uint64_t cluster, std::string state);
  // Makes the states durable before it returns. After a failure nothing is known of the file; the
  // object refuses everything from then on.
  bool Write(std::string* error);

 private:
  bool Load(std::string* error);
  bool Replace(uint64_t slot_bytes, std::string* error);
  std::string EncodeBody() const;
  bool Fail(const char* what, std::string* error);

  FileOperations real_files_;
  FileOperations* files_;
  std::string dir_, path_;
  int fd_ = -1;
  uint64_t slot_bytes_ = 0;
  uint64_t sequence_ = 0;
  int newest_slot_ = 1;  // fsynced with sequence_
  bool failed_ = false;
  bool slot_was_damaged_ = false;
  std::map<uint64_t, std::string> states_;
};

}  // namespace understudy::server
