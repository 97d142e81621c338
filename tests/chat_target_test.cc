#include "targets/chat/chat_target.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/target_pair.h"

namespace understudy::targets {
namespace {

using Lines = std::vector<std::string>;

class ChatTest : public testing::Test {
 protected:
  std::string As(uint64_t client, const TargetPair::Args& args, std::string_view node = kNodeA) {
    return pair_.RunAs(Client{node, client}, args);
  }
  // What was published since the last call.
  Lines Published() {
    Lines lines(pair_.published.lines.begin() + static_cast<ptrdiff_t>(seen_),
                pair_.published.lines.end());
    seen_ = pair_.published.lines.size();
    return lines;
  }
  bool Apply(std::initializer_list<std::string_view> args) {
    EffectWriter effects(nullptr);
    RecordingPublisher publisher;
    Context context;
    context.effects = &effects;
    context.publisher = &publisher;
    const std::vector<std::string_view> views(args.begin(), args.end());
    const bool ok = pair_.local->Apply(0, views, context);
    if (!ok) {
      EXPECT_TRUE(publisher.lines.empty());
    }
    return ok;
  }
  ChatTarget& chat() { return static_cast<ChatTarget&>(*pair_.global); }

  std::shared_ptr<TargetOptions> options_ = std::make_shared<TargetOptions>();
  TargetPair pair_{std::make_unique<ChatTarget>(options_), std::make_unique<ChatTarget>(options_)};
  size_t seen_ = 0;
};

TEST_F(ChatTest, JoinSendLeave) {
  EXPECT_EQ(As(1, {"CHAT.JOIN", "tea", "fred"}), "+OK\r\n");
  EXPECT_EQ(Published(), (Lines{"subscribe aaaa:1 chat:tea",
                                "chat:tea chat.join [tea][1700000000000][fred][]"}));
  EXPECT_EQ(As(1, {"CHAT.JOIN", "tea", "peter"}, kNodeB), "+OK\r\n");
  Published();
  pair_.now_ms += 5;
  EXPECT_EQ(As(1, {"CHAT.SEND", "tea", "hello\r\n"}), ":1\r\n");
  EXPECT_EQ(Published(), (Lines{"chat:tea chat.message [tea][1][1700000000005][fred][hello\r\n]"}));
  EXPECT_EQ(As(1, {"CHAT.SEND", "tea", ""}, kNodeB), ":2\r\n");
  EXPECT_EQ(Published(), (Lines{"chat:tea chat.message [tea][2][1700000000005][peter][]"}));
  EXPECT_EQ(As(1, {"CHAT.USERS", "tea"}), "*2\r\n$4\r\nfred\r\n$5\r\npeter\r\n");
  EXPECT_EQ(As(1, {"CHAT.LEAVE", "tea"}), "+OK\r\n");
  EXPECT_EQ(Published(), (Lines{"unsubscribe aaaa:1 chat:tea",
                                "chat:tea chat.leave [tea][1700000000005][fred][]"}));
  EXPECT_EQ(As(1, {"CHAT.USERS", "tea"}), "*1\r\n$5\r\npeter\r\n");
  EXPECT_EQ(As(1, {"CHAT.LEAVE", "tea"}), "+OK\r\n") << "not a member any more";
  EXPECT_EQ(As(1, {"CHAT.LEAVE", "nowhere"}), "+OK\r\n");
  EXPECT_EQ(Published(), Lines{});
}

TEST_F(ChatTest, DefaultNicks) {
  EXPECT_EQ(As(7, {"CHAT.JOIN", "tea"}), "+OK\r\n");
  EXPECT_EQ(As(7, {"CHAT.USERS", "tea"}), "*1\r\n$14\r\nuser7@aaaa1111\r\n");
  Published();
  EXPECT_EQ(As(8, {"CHAT.SEND", "tea", "hi"}, kNodeB), ":1\r\n") << "need not have joined";
  EXPECT_EQ(Published(),
            (Lines{"chat:tea chat.message [tea][1][1700000000000][user8@bbbb1111][hi]"}));
}

TEST_F(ChatTest, JoiningAgain) {
  As(1, {"CHAT.JOIN", "tea", "fred"});
  Published();
  EXPECT_EQ(As(1, {"CHAT.JOIN", "tea"}), "+OK\r\n");
  EXPECT_EQ(As(1, {"CHAT.JOIN", "tea", "fred"}), "+OK\r\n");
  EXPECT_EQ(Published(), (Lines{"subscribe aaaa:1 chat:tea", "subscribe aaaa:1 chat:tea"}));
  EXPECT_EQ(As(1, {"CHAT.JOIN", "tea", "frederick"}), "+OK\r\n");
  EXPECT_EQ(Published(), (Lines{"subscribe aaaa:1 chat:tea",
                                "chat:tea chat.join [tea][1700000000000][frederick][fred]"}));
  EXPECT_EQ(As(1, {"CHAT.USERS", "tea"}), "*1\r\n$9\r\nfrederick\r\n");
}

TEST_F(ChatTest, HistoryInBothProtocols) {
  EXPECT_EQ(As(1, {"CHAT.HISTORY", "tea"}), "*0\r\n");
  As(1, {"CHAT.JOIN", "tea", "fred"});
  As(1, {"CHAT.SEND", "tea", "hello"});
  EXPECT_EQ(As(1, {"CHAT.HISTORY", "tea"}),
            "*1\r\n*8\r\n$2\r\nid\r\n:1\r\n$4\r\ntime\r\n:1700000000000\r\n$4\r\nnick\r\n$4\r\n"
            "fred\r\n$4\r\ntext\r\n$5\r\nhello\r\n");
  pair_.resp = 3;
  EXPECT_EQ(As(1, {"CHAT.HISTORY", "tea"}),
            "*1\r\n%4\r\n$2\r\nid\r\n:1\r\n$4\r\ntime\r\n:1700000000000\r\n$4\r\nnick\r\n$4\r\n"
            "fred\r\n$4\r\ntext\r\n$5\r\nhello\r\n");
}

class ChatHistoryTest : public ChatTest {
 protected:
  // The texts of CHAT.HISTORY's reply, joined by commas.
  std::string Texts(TargetPair::Args options) {
    options.insert(options.begin(), {"CHAT.HISTORY", "tea"});
    const std::string reply = As(1, options);
    std::string texts;
    for (size_t at = 0; (at = reply.find("text\r\n$", at)) != std::string::npos;) {
      at = reply.find("\r\n", at + 7) + 2;
      texts += (texts.empty() ? "" : ",") + reply.substr(at, reply.find("\r\n", at) - at);
    }
    return texts;
  }
};

TEST_F(ChatHistoryTest, CountAndSince) {
  for (int i = 1; i <= 6; ++i) As(1, {"CHAT.SEND", "tea", std::to_string(i)});
  EXPECT_EQ(Texts({}), "1,2,3,4,5,6");
  EXPECT_EQ(Texts({"COUNT", "2"}), "5,6");
  EXPECT_EQ(Texts({"COUNT", "0"}), "");
  EXPECT_EQ(Texts({"COUNT", "100"}), "1,2,3,4,5,6");
  EXPECT_EQ(Texts({"SINCE", "4"}), "5,6");
  EXPECT_EQ(Texts({"since", "2", "count", "2"}), "3,4");
  EXPECT_EQ(Texts({"COUNT", "2", "SINCE", "0"}), "1,2");
  EXPECT_EQ(Texts({"SINCE", "6"}), "");
  EXPECT_EQ(Texts({"SINCE", "9223372036854775807"}), "");
  EXPECT_EQ(As(1, {"CHAT.HISTORY", "tea", "COUNT"}), "-ERR syntax error\r\n");
  EXPECT_EQ(As(1, {"CHAT.HISTORY", "tea", "LAST", "2"}), "-ERR syntax error\r\n");
  EXPECT_EQ(As(1, {"CHAT.HISTORY", "tea", "COUNT", "x"}),
            "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(As(1, {"CHAT.HISTORY", "tea", "COUNT", "-1"}), "-ERR COUNT can't be negative\r\n");
  EXPECT_EQ(As(1, {"CHAT.HISTORY", "tea", "SINCE", "-1"}), "-ERR SINCE can't be negative\r\n");
}

TEST_F(ChatHistoryTest, IsBoundedByCount) {
  options_->chat_history = 3;
  for (int i = 1; i <= 5; ++i) As(1, {"CHAT.SEND", "tea", std::to_string(i)});
  EXPECT_EQ(Texts({}), "3,4,5");
  EXPECT_EQ(Texts({"SINCE", "1"}), "3,4,5");
  EXPECT_EQ(Texts({"SINCE", "1", "COUNT", "1"}), "3");
  options_->chat_history = 1;
  As(1, {"CHAT.SEND", "tea", "6"});
  EXPECT_EQ(Texts({}), "6");
  options_->chat_history = 0;
  EXPECT_EQ(As(1, {"CHAT.SEND", "tea", "7"}), ":7\r\n");
  EXPECT_EQ(Texts({}), "");
  EXPECT_EQ(As(1, {"CHAT.SEND", "tea", "8"}), ":8\r\n") << "ids go on though nothing is kept";
}

TEST_F(ChatHistoryTest, IsBoundedByBytes) {
  pair_.check_digests = false;
  const std::string text(ChatTarget::kMaxTextBytes, 't');
  const size_t fit = ChatTarget::kMaxHistoryBytes / (text.size() + 14);
  for (size_t i = 0; i < fit + 10; ++i) As(1, {"CHAT.SEND", "tea", text});
  const std::string reply = As(1, {"CHAT.HISTORY", "tea"});
  EXPECT_EQ(reply.substr(0, reply.find('\r')), "*" + std::to_string(fit));
  EXPECT_EQ(pair_.global->Digest(), pair_.local->Digest());
}

TEST_F(ChatTest, TrimmingIsDecidedOnceForAllMembers) {
  auto other = std::make_shared<TargetOptions>();
  other->chat_history = 2;
  pair_.local = std::make_unique<ChatTarget>(other);  // Run() compares the digests
  for (int i = 1; i <= 5; ++i) As(1, {"CHAT.SEND", "tea", std::to_string(i)});
  std::swap(pair_.global, pair_.local);
  As(1, {"CHAT.SEND", "tea", "6"});
  EXPECT_EQ(pair_.EffectText(), "chat.send tea 6 1700000000000 user1@aaaa1111 6 5");
}

TEST_F(ChatTest, ErrorsAndLimits) {
  const std::string long_room(257, 'r');
  const std::string room_error = "-ERR the room's name is longer than 256 bytes\r\n";
  EXPECT_EQ(As(1, {"CHAT.JOIN", long_room}), room_error);
  EXPECT_EQ(As(1, {"CHAT.SEND", long_room, "x"}), room_error);
  EXPECT_EQ(As(1, {"CHAT.HISTORY", long_room}), room_error);
  EXPECT_EQ(As(1, {"CHAT.USERS", long_room}), room_error);
  EXPECT_EQ(As(1, {"CHAT.LEAVE", long_room}), room_error);
  EXPECT_EQ(As(1, {"CHAT.JOIN", ""}), "-ERR the room's name is empty\r\n");
  EXPECT_EQ(As(1, {"CHAT.JOIN", "tea", ""}), "-ERR a nick has 1 to 64 bytes\r\n");
  EXPECT_EQ(As(1, {"CHAT.JOIN", "tea", std::string(65, 'n')}), "-ERR a nick has 1 to 64 bytes\r\n");
  EXPECT_EQ(As(1, {"CHAT.JOIN", "tea", std::string(64, 'n')}), "+OK\r\n");
  EXPECT_EQ(As(1, {"CHAT.SEND", "tea", std::string((64 << 10) + 1, 't')}),
            "-ERR the message is longer than 65536 bytes\r\n");
  EXPECT_EQ(As(1, {"CHAT.SEND", "tea", std::string(64 << 10, 't')}), ":1\r\n");
  EXPECT_EQ(As(0, {"CHAT.JOIN", "tea"}), "-ERR only a connection can join a room\r\n");
  EXPECT_EQ(As(0, {"CHAT.LEAVE", "tea"}), "-ERR only a connection can leave a room\r\n");
}

TEST_F(ChatTest, UsersOfARoomHaveALimit) {
  pair_.check_digests = false;
  pair_.published.lines.clear();
  for (uint64_t i = 1; i <= ChatTarget::kMaxUsers; ++i) {
    pair_.published.lines.clear();
    pair_.published_locally.lines.clear();
    ASSERT_EQ(As(i, {"CHAT.JOIN", "tea", "n"}), "+OK\r\n");
  }
  EXPECT_EQ(As(20000, {"CHAT.JOIN", "tea"}), "-ERR the room has already 10000 users\r\n");
  EXPECT_EQ(pair_.depends_on, pair_.index);
  EXPECT_EQ(As(5, {"CHAT.JOIN", "tea", "other"}), "+OK\r\n") << "a member may change its nick";
  EXPECT_EQ(As(5, {"CHAT.LEAVE", "tea"}), "+OK\r\n");
  EXPECT_EQ(As(20000, {"CHAT.JOIN", "tea"}), "+OK\r\n");
}

TEST_F(ChatTest, RoomsHaveALimit) {
  pair_.check_digests = false;
  for (size_t i = 0; i < ChatTarget::kMaxRooms; ++i) {
    pair_.published.lines.clear();
    pair_.published_locally.lines.clear();
    ASSERT_EQ(As(1, {"CHAT.SEND", std::to_string(i), "x"}), ":1\r\n");
  }
  EXPECT_EQ(As(1, {"CHAT.SEND", "tea", "x"}), "-ERR there are already 100000 rooms\r\n");
  EXPECT_EQ(As(1, {"CHAT.JOIN", "tea"}), "-ERR there are already 100000 rooms\r\n");
  EXPECT_EQ(As(1, {"CHAT.SEND", "77", "x"}), ":2\r\n");
}

TEST_F(ChatTest, RoomsThatNeverHadAMessageEndWithTheirLastUser) {
  As(1, {"CHAT.JOIN", "tea"});
  EXPECT_EQ(chat().rooms(), 1u);
  As(1, {"CHAT.LEAVE", "tea"});
  EXPECT_EQ(chat().rooms(), 0u);
  EXPECT_EQ(chat().Digest(), std::string(40, '0'));
  As(1, {"CHAT.SEND", "tea", "x"});
  As(1, {"CHAT.JOIN", "tea"});
  As(1, {"CHAT.LEAVE", "tea"});
  EXPECT_EQ(chat().rooms(), 1u);
}

TEST_F(ChatTest, WhoIsGoneLeavesAllRooms) {
  const Client fred{kNodeA, 1, 77};
  const auto run = [&](const TargetPair::Args& args) { return pair_.RunAs(fred, args); };
  run({"CHAT.JOIN", "tea", "fred"});
  run({"CHAT.JOIN", "coffee", "freddy"});
  As(1, {"CHAT.JOIN", "tea", "peter"}, kNodeB);
  As(1, {"CHAT.JOIN", "tea", "of another run"});
  EXPECT_EQ(chat().links(), 3u);
  size_t visited = 0;
  chat().VisitLinks([&](const Client& client) {
    visited += client.node_id == kNodeA && client.id == 1 && client.run == 77;
  });
  EXPECT_EQ(visited, 1u) << "one link a client, in however many rooms it is";
  Published();
  pair_.RunExit(fred, "node lost");
  EXPECT_EQ(Published(), (Lines{"chat:coffee chat.leave [coffee][1700000000000][freddy][node lost]",
                                "unsubscribe aaaa:1 chat:coffee",
                                "chat:tea chat.leave [tea][1700000000000][fred][node lost]",
                                "unsubscribe aaaa:1 chat:tea"}));
  EXPECT_EQ(As(1, {"CHAT.USERS", "tea"}), "*2\r\n$5\r\npeter\r\n$14\r\nof another run\r\n");
  EXPECT_EQ(chat().rooms(), 1u) << "a room without members or messages ends";
  EXPECT_EQ(chat().links(), 2u);
  pair_.RunExit(fred, "node lost");
  EXPECT_EQ(pair_.EffectText(), "") << "once";
  EXPECT_EQ(Published(), Lines{});
}

TEST_F(ChatTest, StartAndStop) {
  EXPECT_EQ(As(1, {"CHAT.STOP", "tea"}), "-ERR there is no such room\r\n");
  EXPECT_EQ(As(1, {"CHAT.START", "tea"}), "+OK\r\n");
  EXPECT_EQ(As(1, {"CHAT.START", "tea"}), "+OK\r\n");
  EXPECT_EQ(pair_.EffectText(), "") << "started already";
  As(1, {"CHAT.JOIN", "tea", "fred"});
  As(1, {"CHAT.LEAVE", "tea"});
  EXPECT_EQ(chat().rooms(), 1u) << "what is started stays";
  As(1, {"CHAT.JOIN", "tea", "fred"});
  As(2, {"CHAT.JOIN", "tea", "peter"});
  As(2, {"CHAT.SEND", "tea", "bye"});
  Published();
  EXPECT_EQ(As(2, {"CHAT.STOP", "tea"}), "+OK\r\n");
  EXPECT_EQ(Published(), (Lines{"chat:tea chat.stop [tea][1700000000000][peter]",
                                "unsubscribe aaaa:1 chat:tea", "unsubscribe aaaa:2 chat:tea"}));
  EXPECT_EQ(chat().rooms(), 0u);
  EXPECT_EQ(chat().links(), 0u);
  EXPECT_EQ(As(1, {"CHAT.HISTORY", "tea"}), "*0\r\n");
  EXPECT_EQ(As(1, {"CHAT.SEND", "tea", "x"}), ":1\r\n") << "a new room of that name";
}

// The first version of the state knew neither runs nor rooms that were started.
TEST_F(ChatTest, ReadsTheFirstVersionOfItsState) {
  const std::string bytes(
      "\x01\x01\x03tea\x02\x01\x04"
      "aaaa\x07\x04"
      "fred\x01\x05\x04"
      "fred\x02hi",
      29);
  ChatTarget chat(options_);
  std::string error;
  ASSERT_TRUE(chat.Restore(bytes, &error)) << error;
  size_t links = 0;
  chat.VisitLinks([&](const Client& client) {
    links += client.node_id == "aaaa" && client.id == 7 && client.run == 0;
  });
  EXPECT_EQ(links, 1u);
}

TEST_F(ChatTest, ReadsDependOnTheRoomsNewestChange) {
  As(1, {"CHAT.JOIN", "tea"});
  As(1, {"CHAT.SEND", "tea", "x"});
  const uint64_t tea = pair_.index;
  As(1, {"CHAT.SEND", "coffee", "x"});
  As(1, {"CHAT.HISTORY", "tea"});
  EXPECT_EQ(pair_.depends_on, tea);
  As(1, {"CHAT.USERS", "coffee"});
  EXPECT_EQ(pair_.depends_on, pair_.index);
  As(2, {"CHAT.JOIN", "cocoa"});
  As(2, {"CHAT.LEAVE", "cocoa"});
  As(1, {"CHAT.HISTORY", "cocoa"});
  EXPECT_EQ(pair_.depends_on, pair_.index) << "that a room is gone is news too";
  As(2, {"CHAT.LEAVE", "tea"});
  EXPECT_EQ(pair_.depends_on, tea);
}

TEST_F(ChatTest, RefusesEffectsItNeverMade) {
  As(1, {"CHAT.JOIN", "tea", "fred"});
  As(1, {"CHAT.SEND", "tea", "x"});
  const std::string before = pair_.local->Digest();
  EXPECT_FALSE(Apply({"chat.send", "tea", "3", "1", "n", "t", "1"})) << "a gap in the ids";
  EXPECT_FALSE(Apply({"chat.send", "tea", "1", "1", "n", "t", "1"})) << "twice";
  EXPECT_FALSE(Apply({"chat.send", "tea", "2", "1", "n", "t", "4"}));
  EXPECT_FALSE(Apply({"chat.send", "tea", "2", "1", "n", "t"}));
  EXPECT_FALSE(Apply({"chat.send", "tea", "2", "x", "n", "t", "1"}));
  EXPECT_FALSE(Apply({"chat.send", "", "1", "1", "n", "t", "1"}));
  EXPECT_FALSE(Apply({"chat.send", "tea", "2", "1", "n", std::string((64 << 10) + 1, 't'), "1"}));
  EXPECT_FALSE(Apply({"chat.join", "tea", kNodeA, "5", "0", "n"}));
  EXPECT_FALSE(Apply({"chat.join", "tea", kNodeA, "5", "x", "n"}));
  EXPECT_FALSE(Apply({"chat.join", "tea", kNodeA, "x", "1", "n"}));
  EXPECT_FALSE(Apply({"chat.join", "tea", kNodeA, "5", "1", ""}));
  EXPECT_FALSE(Apply({"chat.join", "tea", std::string(65, 'a'), "5", "1", "n"}));
  EXPECT_FALSE(Apply({"chat.leave", "tea", kNodeA, "5", "1"})) << "of another run";
  EXPECT_FALSE(Apply({"chat.leave", "tea", kNodeA, "0", "2"}));
  EXPECT_FALSE(Apply({"chat.leave", "coffee", kNodeA, "0", "1"}));
  EXPECT_FALSE(Apply({"chat.users", "tea", kNodeA, "0", "1"}));
  EXPECT_FALSE(Apply({"chat.stop", "coffee", "n"}));
  EXPECT_FALSE(Apply({"chat.stop", "tea"}));
  EXPECT_FALSE(Apply({"chat.start", ""}));
  EXPECT_FALSE(Apply({"chat.join"}));
  EXPECT_EQ(pair_.local->Digest(), before);
}

// Random requests of a few clients in a few rooms.
void Chatter(TargetPair* pair, int requests) {
  std::mt19937_64 random(7);
  const auto pick = [&random](int n) { return std::to_string(random() % n); };
  for (int i = 0; i < requests; ++i) {
    const Client client{random() % 2 ? kNodeA : kNodeB, 1 + random() % 5};
    const std::string room = "room" + pick(4);
    pair->now_ms += static_cast<int64_t>(random() % 1000);
    switch (random() % 8) {
      case 6:
        pair->RunExit(client, "gone");
        break;
      case 7:
        if (random() % 20 == 0) pair->RunAs(client, {"CHAT.STOP", room});
        if (random() % 10 == 0) pair->RunAs(client, {"CHAT.START", room});
        break;
      case 0:
        pair->RunAs(client, {"CHAT.JOIN", room});
        break;
      case 1:
        pair->RunAs(client, {"CHAT.JOIN", room, "nick" + pick(10)});
        break;
      case 2:
        pair->RunAs(client, {"CHAT.LEAVE", room});
        break;
      case 3:
        pair->RunAs(client, {"CHAT.HISTORY", room, "COUNT", pick(10), "SINCE", pick(200)});
        break;
      default:
        pair->RunAs(client, {"CHAT.SEND", room, std::string(random() % 50, 'x')});
    }
  }
}

TEST_F(ChatTest, SnapshotRoundTrip) {
  options_->chat_history = 30;
  const std::string empty = TargetPair::SnapshotOf(*pair_.global);
  Chatter(&pair_, 2000);
  const std::string bytes = TargetPair::SnapshotOf(*pair_.global);
  EXPECT_EQ(TargetPair::SnapshotOf(*pair_.local), bytes);
  ChatTarget copy(options_);
  std::string error;
  ASSERT_TRUE(copy.Restore(bytes, &error)) << error;
  EXPECT_EQ(copy.Digest(), pair_.global->Digest());
  EXPECT_EQ(TargetPair::SnapshotOf(copy), bytes);

  // The copy goes on as the original would.
  ASSERT_TRUE(pair_.local->Restore(bytes, &error));
  Chatter(&pair_, 200);

  ASSERT_TRUE(copy.Restore(empty, &error));
  EXPECT_EQ(copy.rooms(), 0u);
}

TEST_F(ChatTest, DamagedSnapshotsLeaveAnEmptyState) {
  options_->chat_history = 4;
  Chatter(&pair_, 60);
  const std::string bytes = TargetPair::SnapshotOf(*pair_.global);
  ChatTarget copy(options_);
  std::string error;
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(copy.Restore(bytes.substr(0, size), &error));
    EXPECT_EQ(copy.rooms(), 0u);
  }
  EXPECT_FALSE(copy.Restore(bytes + "x", &error));
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int value : {0, 1, 2, 0x7f, 0x80, 0xff}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(value);
      if (copy.Restore(changed, &error)) {
        ChatTarget again(options_);
        EXPECT_TRUE(again.Restore(TargetPair::SnapshotOf(copy), &error));
        EXPECT_EQ(again.Digest(), copy.Digest());
      } else {
        EXPECT_EQ(copy.rooms(), 0u);
      }
    }
  }
}

}  // namespace
}  // namespace understudy::targets
