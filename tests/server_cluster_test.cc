// Nodes that make a cluster, and a stranger among them who speaks as a node does.
#include <gmock/gmock.h>

#include <fstream>

#include "server/lock_file.h"
#include "server/snapshot_file.h"
#include "targets/registry.h"
#include "tests/server_test_cluster.h"

namespace understudy::server {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

// What follows FAILOVER in the same bytes isn't executed here any more, but by the next global.
TEST(ClusterTest, AHandoverInAPipelineEndsExecutionAtOnce) {
  TestCluster cluster(3);
  TestClient client(cluster[0].port());
  client.Send("FAILOVER\r\nINCR n\r\nGET n\r\n");
  EXPECT_EQ(client.Read(), "+OK\r\n");
  EXPECT_EQ(client.Read(), ":1\r\n");
  EXPECT_EQ(client.Read(), "$1\r\n1\r\n");
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(TestClient(cluster[i].port()).Ask({"GET", "n"}), "$1\r\n1\r\n");
  }
}

// A transaction is one entry: what changes the log or the lock itself can't be inside.
TEST(ClusterTest, TransactionsContainNothingThatEndsThem) {
  TestCluster cluster(3);
  TestClient client(cluster[0].port());
  for (const auto& command : {std::vector<std::string_view>{"FAILOVER"},
                              std::vector<std::string_view>{"CLUSTER", "FORGET", "node3"},
                              std::vector<std::string_view>{"SHUTDOWN"}}) {
    std::string request = "MULTI\r\nINCR n\r\n";
    for (std::string_view word : command) request += std::string(word) + " ";
    client.Send(request + "\r\nINCR n\r\nEXEC\r\n");
    EXPECT_EQ(client.Read(), "+OK\r\n");
    EXPECT_EQ(client.Read(), "+QUEUED\r\n");
    EXPECT_EQ(client.Read(), "-ERR Command not allowed inside a transaction\r\n");
    EXPECT_EQ(client.Read(), "+QUEUED\r\n");
    EXPECT_THAT(client.Read(), HasSubstr("-EXECABORT"));
  }
  EXPECT_EQ(client.Ask({"GET", "n"}), "$-1\r\n");
}

// An entry is as big as its command; proto-max-bulk-len limits the command's arguments only.
TEST(ClusterTest, EntriesBiggerThanAnArgumentMayBeAreReplicated) {
  TestCluster cluster(3, [](Options* options) { options->proto_max_bulk_len = 1 << 20; });
  const std::string value(700000, 'v');
  for (size_t i = 0; i < 3; ++i) {
    TestClient client(cluster[i].port());
    EXPECT_EQ(client.Ask({"MSET", "one", value, "two", value}), "+OK\r\n");
    // At a local the read goes the way of the write before it, and so does its reply.
    client.Send({"SET", "three", "3"});
    client.Send({"MGET", "one", "two"});
    EXPECT_EQ(client.Read(), "+OK\r\n");
    EXPECT_EQ(client.Read().size(), 4 + 2 * (9 + 700000 + 2));
  }
}

TEST(ClusterTest, AddressesOfIpv6) {
  TestCluster cluster(2, [](Options* options) {
    options->bind = {"127.0.0.1", "::1"};
    options->cluster_announce_ip = "::1";
    if (options->join.empty()) return;
    options->join = {"[::1]" + options->join.front().substr(options->join.front().find(':'))};
  });
  TestClient client(cluster[1].port());
  EXPECT_THAT(client.AskText({"CLUSTER", "NODES"}), HasSubstr("[::1]:"));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(client.Ask({"INCR", "n"}), ":" + std::to_string(i + 1) + "\r\n");
    std::this_thread::sleep_for(milliseconds(20));
  }
}

// A read waits for the confirmation of the lock also if what follows it in the same turn needn't.
TEST(ClusterTest, ForwardedReadsWaitForTheLockWhateverFollows) {
  TestCluster cluster(2, [](Options* options) { options->reads = ReadMode::kQuorum; });
  std::this_thread::sleep_for(milliseconds(300));  // links to strangers go when the members change
  Stranger stranger;
  TestClient client(cluster[0].port());
  stranger.Greet(&client, kOne);
  auto link = stranger.Accept(3000);
  ASSERT_NE(link, nullptr);
  link->Receive("PEER.HELLO", 3000);
  link->Send(Stranger::Greeting(kOne));
  const std::string term = TermOf(cluster[0]);
  auto forward = [&](const char* attempt, std::vector<ForwardedCommand> commands) {
    std::string bytes, request;
    for (const ForwardedCommand& command : commands) AppendForwarded(&bytes, command);
    AppendCommand(&request, {"PEER.FORWARD", "main", term, kOne, "77", attempt, "1", bytes});
    client.Send(request);
  };
  ForwardedCommand set{1, 5, 0, 2, {"SET", "x", "written"}}, get{2, 5, 0, 2, {"GET", "x"}};
  forward("1", {set});
  ASSERT_TRUE(Eventually([&] {
    return TestClient(cluster[0].port()).Ask({"GET", "x"}) == "$7\r\nwritten\r\n";
  }));
  cluster[1].Signal(SIGSTOP);  // nobody confirms
  std::this_thread::sleep_for(milliseconds(20));
  forward("2", {get, set});
  EXPECT_EQ(link->Receive("written", 300).find("written"), std::string::npos);
  cluster[1].Signal(SIGCONT);
  EXPECT_THAT(link->Receive("written", 3000), HasSubstr("written"));
}

TEST(ClusterTest, AnotherNodeAtThatAddressIsLeftAlone) {
  TestNode node;
  Stranger stranger;
  TestClient client(node.port());
  stranger.Greet(&client, kOne);
  auto link = stranger.Accept(3000);
  ASSERT_NE(link, nullptr);
  link->Receive("PEER.HELLO", 3000);
  link->Send(Stranger::Greeting(kOther));
  link->Receive("never", 3000);
  EXPECT_TRUE(link->ended());
}

// As after a network was away for a while: the host answers nothing, then everything.
TEST(ClusterTest, DialsThatNobodyAnswersAreMadeAnew) {
  TestNode node;
  Stranger stranger(0);
  TestClient filler(stranger.port());  // the queue is full now
  TestClient client(node.port());
  stranger.Greet(&client, kOne);
  std::this_thread::sleep_for(milliseconds(3300));
  auto filled = stranger.Accept(100);
  auto link = stranger.Accept(2500);
  ASSERT_NE(link, nullptr);
  EXPECT_THAT(link->Receive("PEER.HELLO", 1000), HasSubstr("PEER.HELLO"));
}

// A node that died before its promises named the members that its new snapshot names.
TEST(ClusterTest, ASnapshotNewerThanThePromisesTellsTheMembers) {
  TestNode node([](Options* options) {
    protocol::CommandTable table;
    auto target = targets::MakeMainTarget(table, std::make_shared<targets::TargetOptions>());
    std::string data, error;
    target->Snapshot([&data](std::string_view piece) {
      data.append(piece);
      return true;
    });
    cluster::Configuration members;
    members.members = {{kOne, "first", "127.0.0.1:1"}, {kOther, "second", "127.0.0.1:2"}};
    SnapshotFile file;
    file.index = 7;
    file.term = 3;
    file.time_ms = 1000;
    file.configuration = members.Encode();
    file.origins.assign(1, '\0');
    file.data = data;
    ASSERT_TRUE(SaveSnapshotFile(options->dir, file, &error)) << error;
  });
  TestClient client(node.port());
  std::string nodes = client.AskText({"CLUSTER", "NODES"});
  EXPECT_THAT(nodes, HasSubstr(kOne + " 127.0.0.1:1"));
  EXPECT_THAT(nodes, HasSubstr(kOther + " 127.0.0.1:2"));
}

// A node that has promised something doesn't begin a cluster of its own.
TEST(ClusterTest, WhoHadNotJoinedYetNeedsToBeToldWhere) {
  TestNode node([](Options* options) {
    LockFile promises(nullptr);
    std::string error;
    ASSERT_TRUE(promises.Open(options->dir, &error)) << error;
    cluster::LockState state;
    state.term = 5;
    ASSERT_TRUE(promises.Set(0, state.Encode()) && promises.Write(&error)) << error;
    std::ofstream(options->dir + "/node-id") << kOne << "\n";
  });
  EXPECT_EQ(node.Wait(), 1);
}

}  // namespace
}  // namespace understudy::server
