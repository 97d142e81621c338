// The target `chat`: rooms whose members receive each message, and that keep a bounded history.
//
// Requests (room, nick and text are binary-safe):
//   CHAT.JOIN room [nick]     the client becomes a member and receives what is published in the
//                             room from now on. +OK. Joining again without a nick changes nothing,
//                             with a nick changes the nick; either way the client is subscribed
//                             again if it no longer was. Without a nick, at first:
//                             "user<client id>@<first 8 hex digits of the node's id>".
//   CHAT.LEAVE room           +OK, also if it wasn't a member.
//   CHAT.START room           the room is there, and stays without members and messages. +OK.
//   CHAT.STOP room            the room ends: its members leave, its history is gone. +OK, or an
//                             error if there is no such room.
//   CHAT.SEND room text       the message's id: 1, 2, 3, ... in the room. The sender need not be
//                             a member; its name is its nick there, or the default.
//   CHAT.HISTORY room [COUNT n] [SINCE id]
//                             messages in order, those after `id` if SINCE is given. COUNT keeps
//                             the newest n; with SINCE the oldest n, so that one can read on from
//                             the last id seen. Each is a map (RESP2: flat array) of id, time
//                             (ms since the epoch), nick, text.
//   CHAT.USERS room           nicks in order of joining.
// A room that doesn't exist has no messages and no users. It begins with the first member or
// message, or is started; it ends when it is stopped, or when it has no members, never had a
// message and wasn't started.
//
// Members are links (Machine::VisitLinks): a client whose connection ends, or whose node dies,
// leaves all its rooms (OnExit).
//
// Effects, one a request (OnExit() has one for each room):
//   chat.join room node run client nick
//   chat.leave room node run client [reason]       with a reason: its connection is gone
//   chat.start room
//   chat.stop room nick                            `nick`: who said so
//   chat.send room id time_ms nick text first      `first`: id of the oldest message still kept
// They carry all that was decided, the trimming of the history too: members whose options differ
// for a while still have the same state.
//
// Published on the channel "chat:<room>", in Handle() and in Apply() alike. Fields, in order:
//   chat.join      room, time_ms, nick, former nick ("" unless this changed the nick)
//   chat.leave     room, time_ms, nick, reason ("" if it said so itself)
//   chat.stop      room, time_ms, nick of who said so
//   chat.message   room, id, time_ms, nick, text
// Nothing is published for a join that changes nothing. A client is subscribed before its own
// chat.join is published, which it therefore receives, and unsubscribed before its chat.leave if
// it said so itself; if it didn't (its node was thought dead), it hears of its end first.
//
// Snapshot (LEB128 varints; text := size:varint bytes):
//   state   := version(2) rooms room{rooms}
//   room    := name:text started next_id users user{users} messages message{messages}
//   room    ... of version 1 have no `started`, users no `run`
//   user    := node:text run client nick:text
//   message := time_ms nick:text text:text         the last one's id is next_id - 1
//
// Limits: see the constants. What goes beyond gets an error that says so; the history drops its
// oldest messages instead.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "targets/digest.h"
#include "targets/machine.h"
#include "targets/registry.h"

namespace understudy::targets {

class ChatTarget : public Machine {
 public:
  static constexpr size_t kMaxRooms = 100000;
  static constexpr size_t kMaxUsers = 10000;    // of one room
  static constexpr size_t kMaxRoomBytes = 256;  // a room's name
  static constexpr size_t kMaxNickBytes = 64;
  static constexpr size_t kMaxNodeIdBytes = 64;
  static constexpr size_t kMaxTextBytes = 64 << 10;
  static constexpr size_t kMaxHistoryBytes = 16 << 20;  // nicks and texts a room keeps

  explicit ChatTarget(std::shared_ptr<const TargetOptions> options)
      : options_(std::move(options)) {}

  std::string_view type() const override { return "chat"; }
  void Handle(const Request& request, Context& context) override;
  bool Apply(int db, std::span<const std::string_view> args, Context& context) override;
  bool Snapshot(const SnapshotSink& sink) const override;
  bool Restore(std::string_view snapshot, std::string* error) override;
  void Clear() override;
  std::string Digest() const override { return StateDigest().Hex(); }
  void VisitLinks(const std::function<void(const Client&)>& visit) const override;
  size_t links() const override { return rooms_of_.size(); }
  void OnExit(const Client& client, std::string_view reason, Context& context) override;
  std::string Describe() const override;

  Digest160 StateDigest() const;
  size_t rooms() const { return rooms_.size(); }

 private:
  struct User {
    std::string node;
    uint64_t run;
    uint64_t client;
    std::string nick;
  };
  struct Message {
    int64_t time_ms;
    uint32_t nick_size;
    std::string bytes;  // the nick, then the text
    std::string_view nick() const { return std::string_view(bytes).substr(0, nick_size); }
    std::string_view text() const { return std::string_view(bytes).substr(nick_size); }
  };
  struct Room {
    uint64_t next_id = 1;
    bool started = false;
    std::deque<Message> messages;  // ids next_id - size .. next_id - 1
    size_t history_bytes = 0;      // of messages
    std::vector<User> users;       // in order of joining
    uint64_t changed = 0;          // log index of the newest change

    uint64_t first_id() const { return next_id - messages.size(); }
    User* Find(const Client& client);
    void Trim(uint64_t first);  // drops messages with ids below `first`
  };
  using Rooms = std::map<std::string, Room, std::less<>>;
  using Member = std::tuple<std::string, uint64_t, uint64_t>;  // node, run, client
  static Member MemberOf(const Client& client) {
    return {std::string(client.node_id), client.run, client.id};
  }

  void Join(const Request& request, Context& context);
  void Leave(const Request& request, Context& context);
  void Start(const Request& request, Context& context);
  void Stop(const Request& request, Context& context);
  void Send(const Request& request, Context& context);
  void History(const Request& request, Context& context);
  void Users(const Request& request, Context& context);

  // What an effect does, here and on every other member. False: the effect makes no sense in this
  // state, which is unchanged.
  bool ApplyJoin(const Client& client, std::string_view room, std::string_view nick,
                 Context& context);
  bool ApplyLeave(const Client& client, std::string_view room, std::string_view reason,
                  Context& context);
  bool ApplyStart(std::string_view room, Context& context);
  bool ApplyStop(std::string_view room, std::string_view nick, Context& context);
  bool ApplySend(std::string_view room, uint64_t id, int64_t time_ms, std::string_view nick,
                 std::string_view text, uint64_t first, Context& context);

  // The room, or nullptr; what is answered then depends on the newest room's beginning or end.
  Room* FindRoom(std::string_view name, Context& context);
  void Forget(const Client& client, std::string_view room);
  bool RestoreRoom(std::string_view* in, uint64_t version);
  void EndIfEmpty(Rooms::iterator it, Context& context);

  std::shared_ptr<const TargetOptions> options_;
  Rooms rooms_;  // sorted, so that equal states have equal snapshots
  std::map<Member, std::set<std::string>> rooms_of_;  // where each client is
  uint64_t rooms_changed_ = 0;  // log index of the newest beginning or end of a room
};

}  // namespace understudy::targets
