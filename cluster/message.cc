#include "cluster/message.h"

namespace understudy::cluster {

const char* ToString(Message::Type type) {
  switch (type) {
    case Message::Type::kPreLock:
      return "PreLock";
    case Message::Type::kPreLockReply:
      return "PreLockReply";
    case Message::Type::kLock:
      return "Lock";
    case Message::Type::kLockReply:
      return "LockReply";
    case Message::Type::kAppend:
      return "Append";
    case Message::Type::kAppendReply:
      return "AppendReply";
    case Message::Type::kHeartbeat:
      return "Heartbeat";
    case Message::Type::kHeartbeatReply:
      return "HeartbeatReply";
    case Message::Type::kReadIndex:
      return "ReadIndex";
    case Message::Type::kReadIndexReply:
      return "ReadIndexReply";
    case Message::Type::kTransfer:
      return "Transfer";
    case Message::Type::kRelease:
      return "Release";
    case Message::Type::kSnapshotDone:
      return "SnapshotDone";
  }
  return "unknown";
}

}  // namespace understudy::cluster
