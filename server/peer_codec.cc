#include "server/peer_codec.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "protocol/numbers.h"
#include "protocol/reply_writer.h"
#include "targets/effect.h"

namespace understudy::server {

using cluster::Message;
using targets::AppendVarint;
using targets::TakeVarint;

namespace {

constexpr std::array<std::string_view, 13> kNames = {
    "PEER.PRELOCK",  "PEER.PRELOCKED", "PEER.LOCK",        "PEER.LOCKED", "PEER.APPEND",
    "PEER.APPENDED", "PEER.HEARTBEAT", "PEER.HEARTBEATED", "PEER.READ",   "PEER.READAT",
    "PEER.TRANSFER", "PEER.RELEASE",   "PEER.SNAPDONE"};

constexpr uint64_t kOnlyKnown = 16;  // added to a forwarded command's protocol version

// Flags of a message, one bit each, in the argument before its records.
enum Flag : uint64_t {
  kGranted = 1,
  kAccepted = 2,
  kQuarantined = 4,
  kReleaseQuarantine = 8,
  kHandover = 16,
  kWantsSnapshot = 32,
};

uint64_t FlagsOf(const Message& m) {
  uint64_t flags = 0;
  if (m.granted) flags |= kGranted;
  if (m.accepted) flags |= kAccepted;
  if (m.quarantined) flags |= kQuarantined;
  if (m.release_quarantine) flags |= kReleaseQuarantine;
  if (m.handover) flags |= kHandover;
  if (m.wants_snapshot) flags |= kWantsSnapshot;
  return flags;
}

void SetFlags(uint64_t flags, Message* m) {
  m->granted = (flags & kGranted) != 0;
  m->accepted = (flags & kAccepted) != 0;
  m->quarantined = (flags & kQuarantined) != 0;
  m->release_quarantine = (flags & kReleaseQuarantine) != 0;
  m->handover = (flags & kHandover) != 0;
  m->wants_snapshot = (flags & kWantsSnapshot) != 0;
}

// The numbers of a message behind (term, from), in this order on the wire.
constexpr size_t kNumbers = 11;
std::array<uint64_t, kNumbers> NumbersOf(const Message& m) {
  return {m.run,
          m.log_term,
          m.log_index,
          m.commit,
          static_cast<uint64_t>(m.sent_at),
          static_cast<uint64_t>(m.global_time_ms),
          FlagsOf(m),
          m.match,
          m.received,
          m.hint_term,
          m.request};
}

void SetNumbers(const std::array<uint64_t, kNumbers>& n, Message* m) {
  m->run = n[0];
  m->log_term = n[1];
  m->log_index = n[2];
  m->commit = n[3];
  m->sent_at = static_cast<int64_t>(n[4]);
  m->global_time_ms = static_cast<int64_t>(n[5]);
  SetFlags(n[6], m);
  m->match = n[7];
  m->received = n[8];
  m->hint_term = n[9];
  m->request = n[10];
}

// What numbers of a message can be used for, whoever sent it: counting on from them overflows
// nothing.
bool IsSane(const Message& m) {
  const uint64_t largest =
      std::max({m.term, m.log_term, m.log_index, m.commit, m.match, m.received, m.hint_term});
  return largest <= kMaxPeerNumber && m.global_time_ms >= 0 && m.global_time_ms <= kMaxPeerTimeMs;
}

void AppendHeader(std::string* out, char type, size_t count) {
  char digits[32];
  out->push_back(type);
  out->append(digits, protocol::FormatInteger(digits, static_cast<int64_t>(count)));
  out->append("\r\n", 2);
}

void AppendBulk(std::string* out, std::string_view bytes) {
  AppendHeader(out, '$', bytes.size());
  out->append(bytes);
  out->append("\r\n", 2);
}

bool TakeBytes(std::string_view* in, std::string_view* bytes) {
  uint64_t size;
  if (!TakeVarint(in, &size) || size > in->size()) return false;
  *bytes = in->substr(0, size);
  in->remove_prefix(size);
  return true;
}

}  // namespace

bool ParseUnsigned(std::string_view text, uint64_t* value) {
  if (text.empty() || text.size() > 20) return false;
  uint64_t result = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    uint64_t next = result * 10 + static_cast<uint64_t>(c - '0');
    if (next < result) return false;
    result = next;
  }
  *value = result;
  return true;
}

void AppendCommand(std::string* out, std::initializer_list<std::string_view> args) {
  AppendHeader(out, '*', args.size());
  for (std::string_view arg : args) AppendBulk(out, arg);
}

std::string_view PeerCommandName(Message::Type type) { return kNames[static_cast<size_t>(type)]; }

void EncodeMessage(std::string_view cluster, const Message& message, std::string* out) {
  AppendHeader(out, '*', 4 + kNumbers + 1);
  AppendBulk(out, PeerCommandName(message.type));
  AppendBulk(out, cluster);
  AppendBulk(out, std::to_string(message.term));
  AppendBulk(out, message.from);
  for (uint64_t number : NumbersOf(message)) AppendBulk(out, std::to_string(number));
  AppendBulk(out, message.records);
}

bool DecodeMessage(std::span<const std::string_view> args, Message* message) {
  if (args.size() != 4 + kNumbers + 1) return false;
  size_t type = 0;
  while (type < kNames.size() && !protocol::EqualsIgnoreCase(kNames[type], args[0])) ++type;
  if (type == kNames.size()) return false;
  message->type = static_cast<Message::Type>(type);
  if (!ParseUnsigned(args[2], &message->term)) return false;
  message->from = cluster::NodeId(args[3]);
  std::array<uint64_t, kNumbers> numbers;
  for (size_t i = 0; i < kNumbers; ++i) {
    if (!ParseUnsigned(args[4 + i], &numbers[i])) return false;
  }
  SetNumbers(numbers, message);
  message->records = args[4 + kNumbers];
  return IsSane(*message);
}

namespace {
constexpr uint64_t kMayWait = 8;
constexpr char kBlockedMark = 1;

bool TakeWaiting(std::string_view* in, ForwardedCommand* command) {
  constexpr uint64_t kGreatest = INT64_MAX;
  return TakeVarint(in, &command->rank) && TakeVarint(in, &command->deadline_ms) &&
         TakeVarint(in, &command->waited_ms) && TakeVarint(in, &command->former) &&
         command->deadline_ms <= kGreatest && command->waited_ms <= kGreatest / 2;
}
}  // namespace

void AppendForwarded(std::string* out, const ForwardedCommand& command) {
  AppendVarint(out, command.sequence);
  AppendVarint(out, command.client);
  AppendVarint(out, static_cast<uint64_t>(command.db));
  AppendVarint(out, static_cast<uint64_t>(command.resp) | (command.may_wait ? kMayWait : 0) |
                        (command.only_known ? kOnlyKnown : 0));
  if (command.may_wait) {
    AppendVarint(out, command.rank);
    AppendVarint(out, command.deadline_ms);
    AppendVarint(out, command.waited_ms);
    AppendVarint(out, command.former);
  }
  AppendVarint(out, command.args.size());
  for (std::string_view arg : command.args) {
    AppendVarint(out, arg.size());
    out->append(arg);
  }
}

bool TakeForwarded(std::string_view* bytes, ForwardedCommand* command) {
  std::string_view in = *bytes;
  uint64_t db, resp, count;
  if (!TakeVarint(&in, &command->sequence) || !TakeVarint(&in, &command->client) ||
      !TakeVarint(&in, &db) || !TakeVarint(&in, &resp)) {
    return false;
  }
  command->only_known = resp >= kOnlyKnown;
  if (command->only_known) resp -= kOnlyKnown;
  command->may_wait = (resp & kMayWait) != 0;
  resp &= ~kMayWait;
  if ((command->may_wait && !TakeWaiting(&in, command)) || !TakeVarint(&in, &count)) return false;
  if (db > 1u << 20 || resp < 2 || resp > 3 || count == 0 || count > in.size()) return false;
  command->db = static_cast<int>(db);
  command->resp = static_cast<int>(resp);
  command->args.clear();
  for (uint64_t i = 0; i < count; ++i) {
    std::string_view arg;
    if (!TakeBytes(&in, &arg)) return false;
    command->args.push_back(arg);
  }
  *bytes = in;
  return true;
}

void AppendBlockedNotice(std::string* out, const BlockedNotice& notice) {
  out->push_back(kBlockedMark);
  AppendVarint(out, notice.rank);
  AppendVarint(out, notice.deadline_ms);
  for (std::string_view arg : notice.args) {
    AppendVarint(out, arg.size());
    out->append(arg);
  }
}

bool ParseBlockedNotice(std::string_view reply, BlockedNotice* notice) {
  if (reply.empty() || reply[0] != kBlockedMark) return false;
  reply.remove_prefix(1);
  notice->args.clear();
  if (!TakeVarint(&reply, &notice->rank) || !TakeVarint(&reply, &notice->deadline_ms)) return false;
  while (!reply.empty()) {
    if (!TakeBytes(&reply, &notice->args.emplace_back())) return false;
  }
  return true;
}

void AppendForwardedReply(std::string* out, uint64_t sequence, std::string_view reply) {
  AppendVarint(out, sequence);
  AppendVarint(out, reply.size());
  out->append(reply);
}

bool TakeForwardedReply(std::string_view* bytes, uint64_t* sequence, std::string_view* reply) {
  std::string_view in = *bytes;
  if (!TakeVarint(&in, sequence) || !TakeBytes(&in, reply)) return false;
  *bytes = in;
  return true;
}

void EncodeEntryPayload(const EntryPayload& payload, std::string* out) {
  char run[8];
  for (int i = 0; i < 8; ++i) run[i] = static_cast<char>(payload.run >> (8 * i));
  out->append(run, 8);
  AppendVarint(out, payload.sequence);
  AppendVarint(out, payload.low);
  AppendVarint(out, payload.client);
  AppendVarint(out, payload.reply.size());
  out->append(payload.reply);
  AppendVarint(out, payload.earlier.size());
  out->append(payload.earlier);
  out->append(payload.update);
}

bool DecodeEntryPayload(std::string_view bytes, EntryPayload* payload) {
  if (bytes.size() < 10) return false;
  payload->run = 0;
  for (int i = 0; i < 8; ++i) {
    payload->run |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[static_cast<size_t>(i)]))
                    << (8 * i);
  }
  bytes.remove_prefix(8);
  if (!TakeVarint(&bytes, &payload->sequence) || !TakeVarint(&bytes, &payload->low) ||
      !TakeVarint(&bytes, &payload->client) || !TakeBytes(&bytes, &payload->reply) ||
      !TakeBytes(&bytes, &payload->earlier)) {
    return false;
  }
  payload->update = bytes;
  return true;
}

}  // namespace understudy::server
