// Messages between members. One struct for all kinds; the server turns them into PEER.* commands
// and back (server/peer_codec.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cluster/types.h"

namespace understudy::cluster {

struct Message {
  enum class Type : uint8_t {
    kPreLock,         // would you grant me the lock of `term`? (changes nothing)
    kPreLockReply,
    kLock,            // grant me the lock of `term`
    kLockReply,
    kAppend,          // entries; also the empty append that only carries commit
    kAppendReply,
    kHeartbeat,       // renews the lock; never carries entries
    kHeartbeatReply,
    kReadIndex,       // local asks the global for a read index
    kReadIndexReply,
    kTransfer,        // global to a caught-up local: stand now, I give the lock up (handover)
    kRelease,         // the former holder to everyone: the lock of `term` is free
    kSnapshotDone,    // local to global: a snapshot up to `index` is installed, go on behind it
  };
  Type type = Type::kHeartbeat;
  NodeId from, to;
  RunId run = 0;        // sender's
  Term term = 0;        // sender's; of a pre-lock: the term it would begin

  // kPreLock, kLock: the candidate's last entry received. kAppend: the entry before `records`.
  Term log_term = 0;
  Index log_index = 0;

  std::string_view records;   // kAppend: into the sender's log; valid until the member changes.
                              // On receipt: into the receiver's read buffer.
  Index commit = 0;           // kAppend, kHeartbeat, kReadIndexReply: global's commit index
  Micros sent_at = 0;         // kAppend, kHeartbeat: sender's clock; echoed in the reply. 0: needs
                              // no answer (news of a commit)
  int64_t global_time_ms = 0; // kAppend, kHeartbeat, kReadIndexReply: the global's time

  bool granted = false;       // k*LockReply
  bool accepted = false;      // kAppendReply: records fit; kReadIndexReply: answered by the global
  bool quarantined = false;   // replies: sender doesn't count for majorities; on a LockReply: the
                              // grant counts only if every voter answers
  bool release_quarantine = false;  // kAppend, kHeartbeat: the receiver's quarantine may end once
                                    // it holds everything up to `commit`
  bool handover = false;      // kPreLock, kLock: the holder itself asked for this (kTransfer)
  Index match = 0;            // kAppendReply, kHeartbeatReply: durable up to here, in `term`
  Index received = 0;         // the same: received up to here. When refused: where to try next
  Term hint_term = 0;         // refused kAppendReply: receiver's term at `received`
  bool wants_snapshot = false;  // kAppendReply, kHeartbeatReply: state was lost, records won't do
  uint64_t request = 0;       // kReadIndex, kReadIndexReply; k*LockReply: the candidate's run
};

const char* ToString(Message::Type type);

}  // namespace understudy::cluster
