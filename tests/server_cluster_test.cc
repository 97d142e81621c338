// Nodes that make a cluster, and a stranger among them who speaks as a node does.
#include <gmock/gmock.h>

#include <fstream>

#include "server/lock_file.h"
#include "server/peer_codec.h"
#include "server/snapshot_file.h"
#include "targets/registry.h"
#include "tests/server_test_node.h"

namespace understudy::server {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

// The first node, and others that join it; all are voters when the constructor returns.
class TestCluster {
 public:
  explicit TestCluster(int count, const std::function<void(Options*)>& set_up = {}) {
    for (int i = 0; i < count; ++i) {
      nodes_.push_back(std::make_unique<TestNode>([&](Options* options) {
        options->name = "node" + std::to_string(i + 1);
        if (i > 0) options->join = {nodes_[0]->address()};
        if (set_up) set_up(options);
      }));
    }
    const std::string voters = "cluster_voters:" + std::to_string(count) + "\r\n";
    TestClient client(nodes_[0]->port());
    EXPECT_TRUE(Eventually([&] {
      return client.AskText({"INFO", "cluster"}).find(voters) != std::string::npos;
    }));
  }
  TestNode& operator[](size_t i) { return *nodes_[i]; }

 private:
  std::vector<std::unique_ptr<TestNode>> nodes_;
};

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

// A connection that a node made to somebody.
class Accepted {
 public:
  explicit Accepted(int fd) : fd_(fd) {}
  ~Accepted() { close(fd_); }
  Accepted(const Accepted&) = delete;
  void Send(std::string_view bytes) const {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // All that came until now, after waiting up to `ms` for `wanted`.
  const std::string& Receive(std::string_view wanted, int ms) {
    auto until = std::chrono::steady_clock::now() + milliseconds(ms);
    while (!ended_ && bytes_.find(wanted) == std::string::npos) {
      auto left =
          std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
      pollfd poll_fd{fd_, POLLIN, 0};
      if (left.count() <= 0 || poll(&poll_fd, 1, static_cast<int>(left.count())) <= 0) break;
      char chunk[4096];
      ssize_t got = recv(fd_, chunk, sizeof(chunk), 0);
      ended_ = got <= 0;
      if (got > 0) bytes_.append(chunk, static_cast<size_t>(got));
    }
    return bytes_;
  }
  bool ended() const { return ended_; }

 private:
  int fd_;
  bool ended_ = false;
  std::string bytes_;
};

// Listens as a node does.
class Stranger {
 public:
  explicit Stranger(int backlog = 16) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(fd_, backlog), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~Stranger() { close(fd_); }
  Stranger(const Stranger&) = delete;

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // nullptr if nobody comes.
  std::unique_ptr<Accepted> Accept(int ms) const {
    pollfd poll_fd{fd_, POLLIN, 0};
    if (poll(&poll_fd, 1, ms) <= 0) return nullptr;
    return std::make_unique<Accepted>(accept(fd_, nullptr, nullptr));
  }
  // Greets the node that `client` is connected to.
  void Greet(TestClient* client, std::string_view id) const {
    EXPECT_THAT(client->Ask({"PEER.HELLO", id, "stranger", address(), "77"}), HasSubstr("*3\r\n"));
  }
  static std::string Greeting(const std::string& id) {
    std::string greeting;
    AppendCommand(&greeting, {id, "stranger", "77"});
    return greeting;
  }

 private:
  int fd_;
  int port_;
};

const std::string kOne(40, '1'), kOther(40, '2');

std::string TermOf(TestNode& node) {
  std::string lock = TestClient(node.port()).Ask({"TARGET.LOCK", "main"});
  size_t at = lock.find("term\r\n:") + 7;
  return lock.substr(at, lock.find('\r', at) - at);
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
