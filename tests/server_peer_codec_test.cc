#include "server/peer_codec.h"

#include <gtest/gtest.h>

#include <functional>

#include "protocol/resp_parser.h"
#include "server/snapshot_transfer.h"

namespace understudy::server {
namespace {

using cluster::Message;

// What the other side's parser makes of `bytes`; fails unless it is exactly one request.
std::vector<std::string> Parse(const std::string& bytes) {
  protocol::RequestParser parser;
  EXPECT_EQ(parser.Parse(bytes, {}), protocol::RequestParser::Status::kRequest);
  EXPECT_EQ(parser.consumed(), bytes.size());
  return {parser.args().begin(), parser.args().end()};
}
std::vector<std::string_view> Views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

TEST(PeerCodecTest, MessagesComeBackAsTheyWere) {
  Message message;
  message.type = Message::Type::kAppendReply;
  message.from = std::string(40, 'a');
  message.run = ~0ull;
  message.term = 9;
  message.log_term = 8;
  message.log_index = 1ull << 40;
  message.commit = 77;
  message.sent_at = 123456789;
  message.global_time_ms = 1700000000000;
  message.accepted = message.wants_snapshot = message.handover = true;
  message.match = 5;
  message.received = 6;
  message.hint_term = 7;
  message.request = 8;
  std::string records("\0\r\n*3", 6);
  message.records = records;
  std::string bytes;
  EncodeMessage("main", message, &bytes);
  std::vector<std::string> args = Parse(bytes);
  EXPECT_EQ(args[0], "PEER.APPENDED");
  EXPECT_EQ(args[1], "main");
  Message decoded;
  ASSERT_TRUE(DecodeMessage(Views(args), &decoded));
  EXPECT_EQ(decoded.type, message.type);
  EXPECT_EQ(decoded.from, message.from);
  EXPECT_EQ(decoded.run, message.run);
  EXPECT_EQ(decoded.term, message.term);
  EXPECT_EQ(decoded.log_term, message.log_term);
  EXPECT_EQ(decoded.log_index, message.log_index);
  EXPECT_EQ(decoded.commit, message.commit);
  EXPECT_EQ(decoded.sent_at, message.sent_at);
  EXPECT_EQ(decoded.global_time_ms, message.global_time_ms);
  EXPECT_TRUE(decoded.accepted && decoded.wants_snapshot && decoded.handover);
  EXPECT_FALSE(decoded.granted || decoded.quarantined || decoded.release_quarantine);
  EXPECT_EQ(decoded.match, message.match);
  EXPECT_EQ(decoded.received, message.received);
  EXPECT_EQ(decoded.hint_term, message.hint_term);
  EXPECT_EQ(decoded.request, message.request);
  EXPECT_EQ(decoded.records, records);
}

// A term or an index is counted on from, a time too.
TEST(PeerCodecTest, RefusesNumbersThatNobodyReaches) {
  auto decodes = [](const std::function<void(Message*)>& change) {
    Message message, decoded;
    change(&message);
    std::string bytes;
    EncodeMessage("main", message, &bytes);
    return DecodeMessage(Views(Parse(bytes)), &decoded);
  };
  EXPECT_TRUE(decodes([](Message* m) { m->term = kMaxPeerNumber; }));
  EXPECT_FALSE(decodes([](Message* m) { m->term = ~0ull; }));
  EXPECT_FALSE(decodes([](Message* m) { m->term = kMaxPeerNumber + 1; }));
  EXPECT_FALSE(decodes([](Message* m) { m->log_term = ~0ull; }));
  EXPECT_FALSE(decodes([](Message* m) { m->log_index = ~0ull; }));
  EXPECT_FALSE(decodes([](Message* m) { m->commit = ~0ull; }));
  EXPECT_FALSE(decodes([](Message* m) { m->match = ~0ull; }));
  EXPECT_FALSE(decodes([](Message* m) { m->received = ~0ull; }));
  EXPECT_FALSE(decodes([](Message* m) { m->hint_term = ~0ull; }));
  EXPECT_FALSE(decodes([](Message* m) { m->global_time_ms = -1; }));
  EXPECT_FALSE(decodes([](Message* m) { m->global_time_ms = kMaxPeerTimeMs + 1; }));
}

TEST(PeerCodecTest, RefusesMalformedMessages) {
  Message message, decoded;
  std::string bytes;
  EncodeMessage("main", message, &bytes);
  std::vector<std::string> good = Parse(bytes);
  ASSERT_TRUE(DecodeMessage(Views(good), &decoded));
  for (size_t i = 4; i + 1 < good.size(); ++i) {
    for (const char* bad : {"", "-1", "x", "99999999999999999999999", "1 "}) {
      std::vector<std::string> args = good;
      args[i] = bad;
      EXPECT_FALSE(DecodeMessage(Views(args), &decoded)) << i << " " << bad;
    }
  }
  std::vector<std::string> args = good;
  args.pop_back();
  EXPECT_FALSE(DecodeMessage(Views(args), &decoded));
  args = good;
  args[0] = "PEER.NOTHING";
  EXPECT_FALSE(DecodeMessage(Views(args), &decoded));
}

TEST(PeerCodecTest, ForwardedCommands) {
  std::string bytes;
  ForwardedCommand command;
  command.sequence = 300;
  command.client = 7;
  command.db = 15;
  command.resp = 3;
  std::string binary("\0\n", 2);
  command.args = {"set", "key", binary};
  AppendForwarded(&bytes, command);
  command.sequence = 301;
  command.args = {"ping"};
  AppendForwarded(&bytes, command);
  std::string_view rest = bytes;
  ForwardedCommand taken;
  ASSERT_TRUE(TakeForwarded(&rest, &taken));
  EXPECT_EQ(taken.sequence, 300u);
  EXPECT_EQ(taken.client, 7u);
  EXPECT_EQ(taken.db, 15);
  EXPECT_EQ(taken.resp, 3);
  EXPECT_EQ(taken.args, (std::vector<std::string_view>{"set", "key", binary}));
  ASSERT_TRUE(TakeForwarded(&rest, &taken));
  EXPECT_EQ(taken.sequence, 301u);
  EXPECT_TRUE(rest.empty());
  EXPECT_FALSE(TakeForwarded(&rest, &taken));
  for (size_t size = 1; size < 10; ++size) {
    std::string_view cut = std::string_view(bytes).substr(0, size);
    EXPECT_FALSE(TakeForwarded(&cut, &taken)) << size;
    EXPECT_EQ(cut.size(), size);
  }
}

TEST(PeerCodecTest, EntryPayloads) {
  std::string bytes;
  EncodeEntryPayload({0x0123456789abcdefu, 99, 90, 5, "+OK\r\n", "effects", "replies"},
                     &bytes);
  EntryPayload payload;
  ASSERT_TRUE(DecodeEntryPayload(bytes, &payload));
  EXPECT_EQ(payload.run, 0x0123456789abcdefu);
  EXPECT_EQ(payload.sequence, 99u);
  EXPECT_EQ(payload.low, 90u);
  EXPECT_EQ(payload.reply, "+OK\r\n");
  EXPECT_EQ(payload.update, "effects");
  EXPECT_EQ(payload.earlier, "replies");
  for (size_t size = 0; size < bytes.size() - payload.update.size(); ++size) {
    EXPECT_FALSE(DecodeEntryPayload(std::string_view(bytes).substr(0, size), &payload)) << size;
  }
}

TEST(SnapshotTransferTest, ChunksArePutTogetherInOrderOnly) {
  auto chunk = [](uint64_t offset, std::string_view bytes, uint64_t index) {
    SnapshotChunk one;
    one.from = std::string(40, 'b');
    one.meta.index = index;
    one.meta.term = 2;
    one.meta.configuration = "c";
    one.offset = offset;
    one.total = 6;
    one.bytes = bytes;
    std::string encoded;
    EncodeSnapshotChunk("main", one, &encoded);
    return encoded;
  };
  SnapshotReceiver receiver;
  auto accept = [&](const std::string& encoded) {
    std::vector<std::string> args = Parse(encoded);
    std::vector<std::string_view> views = Views(args);
    SnapshotChunk one;
    EXPECT_TRUE(DecodeSnapshotChunk(views, &one));
    std::string error;
    return receiver.Accept(one, testing::TempDir(), &error);
  };
  using Took = SnapshotReceiver::Took;
  EXPECT_EQ(accept(chunk(3, "def", 9)), Took::kNothing);  // nothing began
  EXPECT_EQ(receiver.received(), 0u);
  EXPECT_EQ(accept(chunk(0, "abc", 9)), Took::kPart);
  EXPECT_EQ(accept(chunk(2, "xyz", 9)), Took::kNothing);  // doesn't continue
  EXPECT_EQ(accept(chunk(3, "xyz", 8)), Took::kNothing);  // another snapshot's
  EXPECT_EQ(accept(chunk(3, "def", 9)), Took::kAll);
  EXPECT_EQ(receiver.bytes(), "abcdef");
  EXPECT_EQ(receiver.meta().index, 9u);
  const std::shared_ptr<const void> owner = receiver.owner();
  const std::string_view old = receiver.bytes();
  EXPECT_EQ(accept(chunk(0, "ab", 10)), Took::kPart);  // a new one begins
  EXPECT_EQ(old, "abcdef");                            // which the owner keeps
  EXPECT_EQ(receiver.received(), 2u);
  EXPECT_EQ(receiver.total(), 6u);
}

TEST(SnapshotTransferTest, WithoutADiskNothingIsReceived) {
  SnapshotReceiver receiver;
  SnapshotChunk one;
  one.total = 3;
  one.bytes = "ab";
  std::string error;
  EXPECT_EQ(receiver.Accept(one, "/nonexistent", &error), SnapshotReceiver::Took::kFailed);
  EXPECT_EQ(error, "Can't make a file in /nonexistent: No such file or directory");
  EXPECT_EQ(receiver.total(), 0u);
  one.offset = 2;
  EXPECT_EQ(receiver.Accept(one, testing::TempDir(), &error), SnapshotReceiver::Took::kNothing);
}

}  // namespace
}  // namespace understudy::server
