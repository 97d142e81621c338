// CLIENT TRACKING, asked of real nodes: alone, and through a cluster's local.
#include <gtest/gtest.h>

#include "server_test_node.h"

namespace understudy::server {
namespace {

const std::string kOk = "+OK\r\n";

std::string Invalidate(const std::string& key) {
  return ">2\r\n$10\r\ninvalidate\r\n*1\r\n$" + std::to_string(key.size()) + "\r\n" + key + "\r\n";
}
const std::string kInvalidateAll = ">2\r\n$10\r\ninvalidate\r\n_\r\n";

class TrackingTest : public ::testing::Test {
 protected:
  void Track(TestClient& client, std::initializer_list<std::string_view> how) {
    EXPECT_EQ(client.Ask({"HELLO", "3"})[0], '%');
    std::vector<std::string_view> args = {"CLIENT", "TRACKING", "ON"};
    args.insert(args.end(), how.begin(), how.end());
    std::string request = "*" + std::to_string(args.size()) + "\r\n";
    for (std::string_view arg : args) {
      request += "$" + std::to_string(arg.size()) + "\r\n" + std::string(arg) + "\r\n";
    }
    client.Send(request);
    EXPECT_EQ(client.Read(), kOk);
  }
  // Nothing came but the answer to this.
  static void ExpectSilence(TestClient& client) { EXPECT_EQ(client.Ask({"PING"}), "+PONG\r\n"); }
};

TEST_F(TrackingTest, TellsOnceOfWhatWasRead) {
  TestNode node;
  TestClient reader(node.port()), writer(node.port());
  Track(reader, {});
  writer.Ask({"SET", "a", "1"});
  ExpectSilence(reader);  // it hasn't read it
  reader.Ask({"GET", "a"});
  reader.Ask({"GET", "b"});
  writer.Ask({"SET", "a", "2"});
  EXPECT_EQ(reader.Read(), Invalidate("a"));
  writer.Ask({"SET", "a", "3"});
  ExpectSilence(reader);          // told already
  writer.Ask({"SET", "b", "1"});  // that it wasn't there had been read too
  EXPECT_EQ(reader.Read(), Invalidate("b"));
  reader.Ask({"GET", "a"});
  writer.Ask({"FLUSHALL"});
  EXPECT_EQ(reader.Read(), kInvalidateAll);
}

TEST_F(TrackingTest, OptInCountsForTheNextCommandOnly) {
  TestNode node;
  TestClient reader(node.port()), writer(node.port());
  Track(reader, {"OPTIN"});
  reader.Ask({"GET", "a"});
  EXPECT_EQ(reader.Ask({"CLIENT", "CACHING", "YES"}), kOk);
  EXPECT_EQ(reader.Ask({"CLIENT", "CACHING", "YES"}), kOk);
  reader.Ask({"GET", "b"});
  reader.Ask({"GET", "c"});
  for (std::string_view key : {"a", "b", "c"}) writer.Ask({"SET", key, "1"});
  EXPECT_EQ(reader.Read(), Invalidate("b"));
  ExpectSilence(reader);
}

TEST_F(TrackingTest, TheTableIsLimited) {
  TestNode node([](Options* options) { options->tracking_table_max_keys = 2; });
  TestClient reader(node.port());
  Track(reader, {});
  reader.Ask({"GET", "a"});
  reader.Ask({"GET", "b"});
  reader.Ask({"GET", "c"});
  EXPECT_EQ(reader.Read(), Invalidate("a"));
  EXPECT_NE(reader.AskText({"INFO", "stats"}).find("tracking_total_keys:2\r\n"), std::string::npos);
}

TEST_F(TrackingTest, AnEndedRedirectionIsToldOf) {
  TestNode node;
  TestClient reader(node.port()), writer(node.port());
  auto listener = std::make_unique<TestClient>(node.port());
  std::string id = listener->Ask({"CLIENT", "ID"});
  id = id.substr(1, id.size() - 3);
  listener->Ask({"SUBSCRIBE", "__redis__:invalidate"});
  Track(reader, {"REDIRECT", id});
  reader.Ask({"GET", "a"});
  writer.Ask({"SET", "a", "1"});
  EXPECT_EQ(listener->Read(),
            "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\na\r\n");
  listener.reset();
  reader.Ask({"GET", "a"});
  ASSERT_TRUE(Eventually([&] {
    return writer.AskText({"INFO", "clients"}).find("connected_clients:2\r\n") != std::string::npos;
  }));
  writer.Ask({"SET", "a", "2"});
  EXPECT_EQ(reader.Read(), ">2\r\n$21\r\ntracking-redir-broken\r\n:" + id + "\r\n");
}

TEST_F(TrackingTest, ALocalTellsOfWhatTheGlobalChanged) {
  TestNode global;
  TestNode local([&](Options* options) { options->join = {global.address()}; });
  TestClient writer(global.port()), reader(local.port());
  ASSERT_TRUE(Eventually([&] {
    return writer.AskText({"INFO", "replication"}).find("connected_slaves:1\r\n") !=
           std::string::npos;
  }));
  writer.Ask({"SET", "a", "1"});
  Track(reader, {});
  EXPECT_EQ(reader.Ask({"GET", "a"}), "$1\r\n1\r\n");
  writer.Ask({"SET", "a", "2"});
  EXPECT_EQ(reader.Read(), Invalidate("a"));
  // Read behind a forwarded write, so the global executes it. The client may be told of its own
  // change, which comes between asking and the answer, more often than needed.
  auto answer = [&reader] {
    std::string next = reader.Read();
    while (next.starts_with('>')) next = reader.Read();
    return next;
  };
  reader.Send("*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n1\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n");
  EXPECT_EQ(answer(), kOk);
  EXPECT_EQ(answer(), "$1\r\n1\r\n");
  reader.Send({"GET", "b"});
  EXPECT_EQ(answer(), "$1\r\n1\r\n");
  reader.Send({"PING"});
  EXPECT_EQ(answer(), "+PONG\r\n");
  writer.Ask({"SET", "b", "2"});
  EXPECT_EQ(reader.Read(), Invalidate("b"));
  // A transaction of reads, executed by the global.
  reader.Ask({"MULTI"});
  reader.Ask({"GET", "a"});
  EXPECT_EQ(reader.Ask({"EXEC"}), "*1\r\n$1\r\n2\r\n");
  writer.Ask({"SET", "a", "3"});
  EXPECT_EQ(reader.Read(), Invalidate("a"));
}

}  // namespace
}  // namespace understudy::server
