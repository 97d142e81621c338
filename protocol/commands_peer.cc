// What nodes say to each other (server/peer_codec.h gives the arguments). Clients don't see these.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr CommandRow Peer(std::string_view name, std::string_view summary) {
  return {name,    -2,           kAdmin | kNoScript | kLoading | kStale,
          0,       Owner::kPeer, Group::kPeer,
          "0.1.0", summary,      "O(1)"};
}

constexpr CommandRow kRows[] = {
    Peer("peer.hello", "Opens a link: who calls, and in which run."),
    Peer("peer.join", "Asks to be taken into the cluster."),
    Peer("peer.leave", "Asks to be taken out of the cluster."),
    Peer("peer.prelock", "Asks whether the lock key would be granted."),
    Peer("peer.prelocked", "Answers peer.prelock."),
    Peer("peer.lock", "Asks for the lock key."),
    Peer("peer.locked", "Answers peer.lock."),
    Peer("peer.append", "Carries log entries."),
    Peer("peer.appended", "Answers peer.append."),
    Peer("peer.heartbeat", "Renews the lock key."),
    Peer("peer.heartbeated", "Answers peer.heartbeat."),
    Peer("peer.read", "Asks the global for a read index."),
    Peer("peer.readat", "Answers peer.read."),
    Peer("peer.transfer", "Hands the lock key over."),
    Peer("peer.release", "Gives the lock key up."),
    Peer("peer.snapshot", "Carries a piece of a snapshot."),
    Peer("peer.snapdone", "Tells that a snapshot is installed."),
    Peer("peer.forward", "Carries a client's command to the global."),
    Peer("peer.transaction", "A transaction, as a forwarded command."),
    Peer("peer.busy", "Tells that a command costs the global its lock."),
    Peer("peer.unblock", "Ends a command that waits, as a forwarded command."),
    Peer("peer.where", "Asks a member who the global of a cluster is."),
    Peer("peer.global", "Answers peer.where, or a peer.forward to who isn't the global."),
    Peer("peer.reply", "Carries the reply to a forwarded command back."),
};

}  // namespace

std::span<const CommandRow> PeerCommands() { return kRows; }

}  // namespace understudy::protocol::rows
