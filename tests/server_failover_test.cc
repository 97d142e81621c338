// What a global leaves behind: real nodes, and a stranger who asks as an origin does.
#include <gmock/gmock.h>

#include "tests/server_test_cluster.h"

namespace understudy::server {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

// The stranger's connection to one node, and that node's to the stranger.
class Origin {
 public:
  explicit Origin(TestNode& node) : client_(node.port()), term_(TermOf(node)) {
    stranger_.Greet(&client_, kOne);
    link_ = stranger_.Accept(3000);
    EXPECT_NE(link_, nullptr);
    if (link_ == nullptr) return;
    link_->Receive("PEER.HELLO", 3000);
    link_->Send(Stranger::Greeting(kOne));
  }
  void Forward(const char* attempt, const std::vector<ForwardedCommand>& commands) {
    std::string bytes, request;
    for (const ForwardedCommand& command : commands) AppendForwarded(&bytes, command);
    AppendCommand(&request, {"PEER.FORWARD", "main", term_, kOne, "77", attempt, "1", bytes});
    client_.Send(request);
  }
  // Whether the node sends this reply to this command.
  bool Receives(uint64_t sequence, std::string_view reply) {
    std::string encoded;
    AppendForwardedReply(&encoded, sequence, reply);
    return link_->Receive(encoded, 3000).find(encoded) != std::string::npos;
  }

 private:
  Stranger stranger_;
  TestClient client_;
  std::unique_ptr<Accepted> link_;
  std::string term_;
};

bool IsGlobal(TestNode& node) {
  return TestClient(node.port()).Ask({"ROLE"}).find("master") != std::string::npos;
}

// A command that changed nothing has no entry of its own. Its reply got lost with the global; the
// next one mustn't execute it behind a later write of its connection, whose entry survived.
TEST(FailoverTest, AReadIsNotExecutedAgainBehindALaterWriteOfItsConnection) {
  TestCluster cluster(3);
  std::this_thread::sleep_for(milliseconds(300));  // links to strangers go when the members change
  ASSERT_EQ(TestClient(cluster[0].port()).Ask({"SET", "x", "before"}), "+OK\r\n");
  const ForwardedCommand get{1, 5, 0, 2, {"GET", "x"}}, failing{2, 5, 0, 2, {"INCR", "x"}},
      other{3, 6, 0, 2, {"GET", "x"}}, set{4, 5, 0, 2, {"SET", "x", "after"}};
  {
    Origin origin(cluster[0]);
    origin.Forward("1", {get, failing, other, set});
    ASSERT_TRUE(Eventually([&] {
      return TestClient(cluster[1].port()).Ask({"GET", "x"}) == "$5\r\nafter\r\n";
    }));
  }
  cluster[0].Signal(SIGKILL);
  ASSERT_TRUE(Eventually([&] { return IsGlobal(cluster[1]) || IsGlobal(cluster[2]); }));
  Origin origin(IsGlobal(cluster[1]) ? cluster[1] : cluster[2]);
  origin.Forward("2", {get, failing, other, set});
  EXPECT_TRUE(origin.Receives(1, "$6\r\nbefore\r\n"));
  EXPECT_TRUE(origin.Receives(2, "-ERR value is not an integer or out of range\r\n"));
  EXPECT_TRUE(origin.Receives(3, "$5\r\nafter\r\n"));  // of another connection: any order is right
  EXPECT_TRUE(origin.Receives(4, "+OK\r\n"));
}

}  // namespace
}  // namespace understudy::server
