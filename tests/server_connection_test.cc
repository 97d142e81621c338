// Connections of a real node.
#include <gtest/gtest.h>

#include "server_test_node.h"

namespace understudy::server {
namespace {

// A pipeline whose every reply is over the limit at which execution pauses went on after the first
// pause, not after the second.
TEST(ConnectionTest, APipelineOfHugeRepliesGoesOnAfterEachPause) {
  TestNode node;
  TestClient client(node.port());
  constexpr size_t kSize = 40 << 20;
  ASSERT_EQ(client.Ask({"SETBIT", "big", std::to_string(kSize * 8 - 1), "1"}), ":0\r\n");
  for (int i = 0; i < 5; ++i) client.Send({"GET", "big"});
  client.Send({"PING"});
  for (int i = 0; i < 5; ++i) {
    const std::string reply = client.Read();
    ASSERT_EQ(reply.size(), kSize + std::string_view("$41943040\r\n\r\n").size()) << i;
  }
  EXPECT_EQ(client.Read(), "+PONG\r\n");
}

}  // namespace
}  // namespace understudy::server
