// What nodes say to each other, as RESP commands. Every message is one way: its answer, if any, is
// a message of its own over the other node's link.
//
//   PEER.HELLO <node id> <name> <address> <run>     first on every link; reply: [node id, name,
//   run] PEER.JOIN <node id> <name> <address>            reply: +OK, or an error; asked again until
//   done PEER.<kind> <cluster> <term> <from> <run> ...   consensus messages: cluster/message.h
//   PEER.FORWARD <cluster> <term> <from> <run> <attempt> <low> <commands>
//                                                   commands for the global; see ForwardedCommand
//   PEER.UNBLOCK <sequence> <end>                   as a forwarded command: ends one that waits
//   PEER.REPLY <cluster> <term> <run> <attempt> <replies>
//                                                   replies that no entry carries; an empty one:
//                                                   it can't be had any more
//   PEER.BUSY <cluster> <run> <sequence>            this command has cost the global its lock
//   PEER.WHERE <cluster> <from>                     who is the global? From a node that isn't one of
//                                                   the cluster's members
//   PEER.GLOBAL <cluster> <term> <holder>           the answer; the holder may be empty
//   PEER.SNAPSHOT <cluster> <term> <from> <index> <log term> <time ms> <configuration>
//                 <offset> <total> <bytes>          one chunk of the state, in order
// Numbers are decimal text; <commands>, <replies> and <configuration> are binary.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/message.h"

namespace understudy::server {

// Terms and indexes, and times, that are believed.
inline constexpr uint64_t kMaxPeerNumber = 1ull << 62;
inline constexpr int64_t kMaxPeerTimeMs = int64_t{1} << 53;

// Decimal digits only, within uint64. False: not such a number.
bool ParseUnsigned(std::string_view text, uint64_t* value);

// Appends a RESP array of bulk strings.
void AppendCommand(std::string* out, std::initializer_list<std::string_view> args);

// The command's name for a message ("PEER.LOCK").
std::string_view PeerCommandName(cluster::Message::Type type);

void EncodeMessage(std::string_view cluster, const cluster::Message& message, std::string* out);
// `args` is the whole request. Views in `message` point into args. False: not such a message.
bool DecodeMessage(std::span<const std::string_view> args, cluster::Message* message);

// The reply to a command that has cost two globals their lock and isn't executed any more.
inline constexpr std::string_view kTooLong =
    "BUSY The command took two globals longer than busy-limit and isn't executed";

// A command on its way to the global, and what the global needs to execute it.
struct ForwardedCommand {
  uint64_t sequence = 0;  // of the tag (origin's run, sequence)
  uint64_t client = 0;    // CLIENT ID at the origin
  int db = 0;
  int resp = 2;
  std::vector<std::string_view> args;
  bool only_known = false;  // it isn't to be executed any more: was it?
  // Of commands that may wait (server/blocked_commands.h): where they stand, and the sequence under
  // which the global knows it so far (0: none).
  bool may_wait = false;
  uint64_t rank = 0, deadline_ms = 0, waited_ms = 0, former = 0;
};
//   command := sequence:varint client:varint db:varint form:varint waiting? argc:varint
//              (size:varint bytes)*
//   form    := the version of the protocol, and 8 if `waiting` follows
//   waiting := rank:varint deadline:varint waited:varint former:varint
//              16 is added if only_known
void AppendForwarded(std::string* out, const ForwardedCommand& command);
// Takes one from the front; false at the end or (with *bytes not empty) when malformed.
bool TakeForwarded(std::string_view* bytes, ForwardedCommand* command);

//   reply := sequence:varint size:varint bytes
void AppendForwardedReply(std::string* out, uint64_t sequence, std::string_view reply);
bool TakeForwardedReply(std::string_view* bytes, uint64_t* sequence, std::string_view* reply);

// In the place of a reply: the global has registered the command, which waits, and is to be executed
// with these arguments (none: as it was) when it is asked again.
//   blocked := 0x01 rank:varint deadline:varint (size:varint bytes)*
struct BlockedNotice {
  uint64_t rank = 0, deadline_ms = 0;
  std::vector<std::string_view> args;
};
void AppendBlockedNotice(std::string* out, const BlockedNotice& notice);
bool ParseBlockedNotice(std::string_view reply, BlockedNotice* notice);

// The payload of a normal entry:
//   payload := run:u64le sequence:varint low:varint client:varint size:varint reply
//              size:varint earlier update
// (run, sequence) is the tag, low the run's low mark, client the CLIENT ID at its node
// (server/origin_table.h); the reply is there for forwarded commands only. `earlier`: replies (as
// AppendForwardedReply() writes them) that have no entry, to commands that this client sent before
// and whose replies its node hasn't acknowledged.
struct EntryPayload {
  uint64_t run = 0;
  uint64_t sequence = 0;
  uint64_t low = 0;
  uint64_t client = 0;
  std::string_view reply = {};
  std::string_view update = {};
  std::string_view earlier = {};
};
void EncodeEntryPayload(const EntryPayload& payload, std::string* out);
bool DecodeEntryPayload(std::string_view bytes, EntryPayload* payload);

}  // namespace understudy::server
