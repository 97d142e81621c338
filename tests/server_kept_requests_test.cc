#include <gtest/gtest.h>

#include "server/earlier_replies.h"
#include "server/kept_requests.h"

namespace understudy::server {
namespace {

KeptRequests::Request Of(uint64_t connection, cluster::Index index) {
  KeptRequests::Request request;
  request.connection = connection;
  request.index = index;
  return request;
}

std::string All(const KeptRequests& kept) {
  std::string all;
  kept.ForEach([&](const KeptRequests::Request& request, std::span<const std::string_view> args,
                   const auto&) {
    all += std::to_string(request.connection);
    for (std::string_view arg : args) all += " " + std::string(arg);
    all += ";";
  });
  return all;
}

TEST(KeptRequestsTest, KeepsATurnUntilAllItWaitsForIsThere) {
  KeptRequests kept;
  const std::string_view set[] = {"SET", "k", ""}, get[] = {"GET", "k"};
  kept.Add(3, Of(1, 10), set);
  kept.Add(3, Of(2, 12), get);
  kept.Add(4, Of(1, 13), get);
  EXPECT_EQ(All(kept), "1 SET k ;2 GET k;1 GET k;");
  EXPECT_EQ(kept.bytes(), 12u);
  EXPECT_TRUE(kept.Holds(3));
  EXPECT_FALSE(kept.Holds(2));
  EXPECT_FALSE(kept.Holds(0));
  EXPECT_FALSE(kept.Release(11, 0, 5));
  EXPECT_TRUE(kept.Release(12, 0, 5));
  EXPECT_EQ(All(kept), "1 GET k;");
  EXPECT_FALSE(kept.Holds(3));
  EXPECT_TRUE(kept.Release(13, 0, 5));
  EXPECT_TRUE(kept.empty());
  EXPECT_EQ(kept.bytes(), 0u);
  kept.Add(6, Of(7, 20), set);  // in the buffers of before
  EXPECT_EQ(All(kept), "7 SET k ;");
}

TEST(KeptRequestsTest, ATurnThatIsNotOverIsKept) {
  KeptRequests kept;
  const std::string_view get[] = {"GET", "k"};
  kept.Add(3, Of(1, 0), get);
  EXPECT_FALSE(kept.Release(100, 0, 3));
  kept.HoldTurn(3, 8);
  EXPECT_FALSE(kept.Release(100, 7, 4));
  EXPECT_TRUE(kept.Release(100, 8, 4));
}

TEST(KeptRequestsTest, IsFullAboveItsLimit) {
  KeptRequests kept;
  const std::string big(KeptRequests::kMaxBytes / 2, 'x');
  const std::string_view set[] = {big};
  kept.Add(1, Of(1, 1), set);
  EXPECT_FALSE(kept.full());
  kept.Add(2, Of(1, 2), set);
  EXPECT_TRUE(kept.full());
  kept.Release(1, 0, 3);
  EXPECT_FALSE(kept.full());
}

TEST(EarlierRepliesTest, AreKeptUntilCarriedOrAcknowledged) {
  EarlierReplies earlier;
  EXPECT_EQ(earlier.Of(5), "");
  earlier.Add(5, 1, ":1\r\n");
  earlier.Add(5, 3, ":3\r\n");
  earlier.Add(6, 2, ":2\r\n");
  earlier.Add(0, 4, ":0\r\n");  // of no client: nothing is behind it
  EXPECT_EQ(earlier.Of(0), "");
  std::string_view replies = earlier.Of(5), reply;
  uint64_t sequence;
  ASSERT_TRUE(TakeForwardedReply(&replies, &sequence, &reply));
  EXPECT_EQ(sequence, 1u);
  ASSERT_TRUE(TakeForwardedReply(&replies, &sequence, &reply));
  EXPECT_EQ(sequence, 3u);
  EXPECT_EQ(reply, ":3\r\n");
  earlier.Carried(5);
  EXPECT_EQ(earlier.Of(5), "");
  EXPECT_NE(earlier.Of(6), "");
  earlier.Acknowledge(4);
  EXPECT_EQ(earlier.bytes(), 0u);
}

TEST(EarlierRepliesTest, AreBounded) {
  EarlierReplies earlier;
  const std::string reply(1 << 20, 'x');
  for (uint64_t i = 1; i < 100; ++i) {
    earlier.Add(i, i, reply);
    EXPECT_LE(earlier.bytes(), EarlierReplies::kMaxBytes);
  }
}

}  // namespace
}  // namespace understudy::server
