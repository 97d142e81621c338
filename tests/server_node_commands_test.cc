// The commands a node answers itself, asked of real nodes, reply bytes compared. The expectations
// without a cluster in them are those of redis-server 7.
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "server_test_node.h"

namespace understudy::server {
namespace {

const std::string kOk = "+OK\r\n";
const std::string kSyntax = "-ERR syntax error\r\n";

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// "name=value name=value" of CLIENT LIST, or "name:value\r\n" of INFO.
std::map<std::string, std::string> Fields(const std::string& text, char between) {
  std::map<std::string, std::string> fields;
  std::string name, value;
  std::istringstream in(text);
  for (std::string word; between == '=' ? static_cast<bool>(in >> word)
                                        : static_cast<bool>(std::getline(in, word));) {
    if (!word.empty() && word.back() == '\r') word.pop_back();
    size_t at = word.find(between);
    if (at != std::string::npos) fields[word.substr(0, at)] = word.substr(at + 1);
  }
  return fields;
}

class NodeCommandsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { node_ = std::make_unique<TestNode>(); }
  static void TearDownTestSuite() { node_.reset(); }

  TestClient client_{node_->port()};
  static std::unique_ptr<TestNode> node_;
};
std::unique_ptr<TestNode> NodeCommandsTest::node_;

// --- connection ----------------------------------------------------------------------------------

TEST_F(NodeCommandsTest, PingAndEcho) {
  EXPECT_EQ(client_.Ask({"PING"}), "+PONG\r\n");
  EXPECT_EQ(client_.Ask({"ping", "a b"}), "$3\r\na b\r\n");
  EXPECT_EQ(client_.Ask({"PING", "a", "b"}),
            "-ERR wrong number of arguments for 'ping' command\r\n");
  EXPECT_EQ(client_.Ask({"ECHO", ""}), "$0\r\n\r\n");
  EXPECT_EQ(client_.Ask({"ECHO"}), "-ERR wrong number of arguments for 'echo' command\r\n");
}

TEST_F(NodeCommandsTest, HelloChoosesTheVersionOfItsOwnReply) {
  std::string id = client_.Ask({"CLIENT", "ID"});
  auto expected = [&id](const std::string& head, const std::string& proto) {
    return head +
           "$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.0\r\n$5\r\nproto\r\n:" +
           proto + "\r\n$2\r\nid\r\n" + id +
           "$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*"
           "0\r\n";
  };
  EXPECT_EQ(client_.Ask({"HELLO"}), expected("*14\r\n", "2"));
  EXPECT_EQ(client_.Ask({"HELLO", "3", "SETNAME", "me"}), expected("%7\r\n", "3"));
  EXPECT_EQ(client_.Ask({"CLIENT", "GETNAME"}), "$2\r\nme\r\n");
  EXPECT_EQ(client_.Ask({"HELLO"}), expected("%7\r\n", "3"));
  EXPECT_EQ(client_.Ask({"HELLO", "2"}), expected("*14\r\n", "2"));
}

TEST_F(NodeCommandsTest, HelloRefusesWithoutChangingAnything) {
  EXPECT_EQ(client_.Ask({"HELLO", "4"}), "-NOPROTO unsupported protocol version\r\n");
  EXPECT_EQ(client_.Ask({"HELLO", "x"}),
            "-ERR Protocol version is not an integer or out of range\r\n");
  EXPECT_EQ(client_.Ask({"HELLO", "3", "foo"}), "-ERR Syntax error in HELLO option 'foo'\r\n");
  EXPECT_EQ(client_.Ask({"HELLO", "3", "AUTH", "a"}),
            "-ERR Syntax error in HELLO option 'AUTH'\r\n");
  EXPECT_EQ(client_.Ask({"HELLO", "3", "SETNAME", "a b"}),
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
  EXPECT_EQ(client_.Ask({"HELLO", "3", "SETNAME", "x", "AUTH", "who", "pass"}),
            "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "GETNAME"}), "$-1\r\n");  // RESP2 still, and no name
}

TEST_F(NodeCommandsTest, AuthWithoutAPasswordConfigured) {
  EXPECT_EQ(client_.Ask({"AUTH", "x"}),
            "-ERR AUTH <password> called without any password configured for the default user. Are "
            "you sure your configuration is correct?\r\n");
  EXPECT_EQ(client_.Ask({"AUTH", "default", "anything"}), kOk);
  EXPECT_EQ(client_.Ask({"AUTH", "other", "anything"}),
            "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_EQ(client_.Ask({"AUTH", "a", "b", "c"}), kSyntax);
}

TEST(NodeAuthTest, APasswordIsAskedForAndCompared) {
  TestNode node([](Options* options) { options->requirepass = "secret"; });
  TestClient client(node.port());
  const std::string no_auth = "-NOAUTH Authentication required.\r\n";
  const std::string wrong = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
  EXPECT_EQ(client.Ask({"PING"}), no_auth);
  EXPECT_EQ(client.Ask({"AUTH", "secre"}), wrong);
  EXPECT_EQ(client.Ask({"AUTH", "secretsecret"}), wrong);
  EXPECT_EQ(client.Ask({"AUTH", ""}), wrong);
  EXPECT_EQ(client.Ask({"AUTH", "other", "secret"}), wrong);
  EXPECT_TRUE(Has(client.Ask({"HELLO", "3"}),
                  "-NOAUTH HELLO must be called with the client already authenticated"));
  EXPECT_EQ(client.Ask({"PING"}), no_auth);
  EXPECT_TRUE(Has(client.Ask({"HELLO", "3", "AUTH", "default", "secret"}), "%7\r\n"));
  EXPECT_EQ(client.Ask({"PING"}), "+PONG\r\n");
  EXPECT_EQ(client.Ask({"RESET"}), "+RESET\r\n");
  EXPECT_EQ(client.Ask({"PING"}), no_auth);
  EXPECT_EQ(client.Ask({"AUTH", "default", "secret"}), kOk);
  EXPECT_EQ(client.Ask({"PING"}), "+PONG\r\n");
  EXPECT_EQ(client.Ask({"AUTH", "wrong"}), wrong);
  EXPECT_EQ(client.Ask({"PING"}), "+PONG\r\n");  // a failed attempt takes nothing away
}

TEST_F(NodeCommandsTest, SelectChecksTheIndex) {
  EXPECT_EQ(client_.Ask({"SELECT", "15"}), kOk);
  EXPECT_TRUE(Has(client_.AskText({"CLIENT", "INFO"}), " db=15 "));
  EXPECT_EQ(client_.Ask({"SELECT", "16"}), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(client_.Ask({"SELECT", "-1"}), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(client_.Ask({"SELECT", "x"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(client_.Ask({"SELECT", "99999999999"}),
            "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n");
  EXPECT_TRUE(Has(client_.AskText({"CLIENT", "INFO"}), " db=15 "));
}

TEST_F(NodeCommandsTest, ResetMakesANewConnectionOfIt) {
  EXPECT_TRUE(Has(client_.Ask({"HELLO", "3", "SETNAME", "x"}), "%7"));
  EXPECT_EQ(client_.Ask({"SELECT", "3"}), kOk);
  EXPECT_EQ(client_.Ask({"READONLY"}), kOk);
  EXPECT_EQ(client_.Ask({"CLIENT", "SETINFO", "LIB-NAME", "lib"}), kOk);
  EXPECT_EQ(client_.Ask({"CLIENT", "NO-TOUCH", "on"}), kOk);
  EXPECT_EQ(Fields(client_.AskText({"CLIENT", "INFO"}), '=')["flags"], "rT");
  EXPECT_EQ(client_.Ask({"RESET"}), "+RESET\r\n");
  auto fields = Fields(client_.AskText({"CLIENT", "INFO"}), '=');
  EXPECT_EQ(fields["db"], "0");
  EXPECT_EQ(fields["resp"], "2");
  EXPECT_EQ(fields["name"], "");
  EXPECT_EQ(fields["flags"], "N");
  EXPECT_EQ(fields["lib-name"], "lib");
}

TEST_F(NodeCommandsTest, QuitAnswersAndEnds) {
  client_.Send({"QUIT"});
  client_.Send({"PING"});
  EXPECT_EQ(client_.Read(), kOk);
  EXPECT_TRUE(client_.Ended());
}

TEST_F(NodeCommandsTest, ReadonlyIsRemembered) {
  EXPECT_EQ(client_.Ask({"READONLY"}), kOk);
  EXPECT_TRUE(Has(client_.AskText({"CLIENT", "INFO"}), " flags=r "));
  EXPECT_EQ(client_.Ask({"READWRITE"}), kOk);
  EXPECT_TRUE(Has(client_.AskText({"CLIENT", "INFO"}), " flags=N "));
}

// --- client --------------------------------------------------------------------------------------

TEST_F(NodeCommandsTest, ClientInfoHasTheFieldsOfRedisInTheirOrder) {
  std::string line = client_.AskText({"CLIENT", "INFO"});
  std::string names;
  std::istringstream in(line);
  for (std::string word; in >> word;) names += word.substr(0, word.find('=')) + " ";
  EXPECT_EQ(names,
            "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem "
            "multi-mem rbs rbp obl oll omem tot-mem events cmd user redir resp lib-name lib-ver ");
  EXPECT_EQ(line.back(), '\n');
  auto fields = Fields(line, '=');
  EXPECT_EQ(fields["laddr"], node_->address());
  EXPECT_EQ(fields["cmd"], "client|info");
  EXPECT_EQ(":" + fields["id"] + "\r\n", client_.Ask({"CLIENT", "ID"}));
}

TEST_F(NodeCommandsTest, ClientNamesAndLibraries) {
  EXPECT_EQ(client_.Ask({"CLIENT", "GETNAME"}), "$-1\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "SETNAME", "one"}), kOk);
  EXPECT_EQ(client_.Ask({"CLIENT", "GETNAME"}), "$3\r\none\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "SETNAME", "a\nb"}),
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "GETNAME"}), "$3\r\none\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "SETNAME", ""}), kOk);
  EXPECT_EQ(client_.Ask({"CLIENT", "GETNAME"}), "$-1\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "SETINFO", "lib-ver", "1.2"}), kOk);
  EXPECT_EQ(client_.Ask({"CLIENT", "SETINFO", "lib-name", "a b"}),
            "-ERR lib-name cannot contain spaces, newlines or special characters.\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "SETINFO", "color", "red"}),
            "-ERR Unrecognized option 'color'\r\n");
  EXPECT_TRUE(Has(client_.AskText({"CLIENT", "INFO"}), " lib-name= lib-ver=1.2\n"));
}

TEST_F(NodeCommandsTest, ClientListFilters) {
  TestClient other(node_->port());
  std::string mine = Fields(client_.AskText({"CLIENT", "INFO"}), '=')["id"];
  std::string others = Fields(other.AskText({"CLIENT", "INFO"}), '=')["id"];
  std::string all = client_.AskText({"CLIENT", "LIST"});
  EXPECT_TRUE(Has(all, "id=" + mine + " "));
  EXPECT_TRUE(Has(all, "id=" + others + " "));
  std::string one = client_.AskText({"CLIENT", "LIST", "ID", others, "12345678"});
  EXPECT_EQ(one.rfind("id=" + others + " ", 0), 0u);
  EXPECT_EQ(std::count(one.begin(), one.end(), '\n'), 1);
  EXPECT_TRUE(Has(client_.AskText({"CLIENT", "LIST", "TYPE", "Normal"}), "id=" + others + " "));
  EXPECT_EQ(client_.Ask({"CLIENT", "LIST", "TYPE", "pubsub"}), "$0\r\n\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "LIST", "TYPE", "x"}), "-ERR Unknown client type 'x'\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "LIST", "ID", "x"}), "-ERR Invalid client ID\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "LIST", "ID"}), kSyntax);
  EXPECT_EQ(client_.Ask({"CLIENT", "LIST", "x"}), kSyntax);
}

TEST_F(NodeCommandsTest, ClientKillByFilters) {
  TestClient other(node_->port());
  auto fields = Fields(other.AskText({"CLIENT", "INFO"}), '=');
  EXPECT_EQ(client_.Ask({"CLIENT", "KILL", "ID", fields["id"], "ADDR", "1.2.3.4:5"}), ":0\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "KILL", "ID", fields["id"], "TYPE", "replica"}), ":0\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "KILL", "ID", fields["id"], "LADDR", node_->address(), "USER",
                         "default", "TYPE", "normal"}),
            ":1\r\n");
  EXPECT_TRUE(other.Ended());

  TestClient third(node_->port());
  std::string address = Fields(third.AskText({"CLIENT", "INFO"}), '=')["addr"];
  EXPECT_EQ(client_.Ask({"CLIENT", "KILL", address}), kOk);
  EXPECT_TRUE(third.Ended());
  EXPECT_EQ(client_.Ask({"CLIENT", "KILL", address}), "-ERR No such client\r\n");
}

TEST_F(NodeCommandsTest, ClientKillOfOneselfIsAnswered) {
  std::string id = Fields(client_.AskText({"CLIENT", "INFO"}), '=')["id"];
  EXPECT_EQ(client_.Ask({"CLIENT", "KILL", "ID", id}), ":0\r\n");  // SKIPME is the default
  EXPECT_EQ(client_.Ask({"CLIENT", "KILL", "ID", id, "SKIPME", "no"}), ":1\r\n");
  EXPECT_TRUE(client_.Ended());
}

TEST_F(NodeCommandsTest, ClientKillRefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(client_.Ask({"CLIENT", "KILL", "ID", "0"}),
            "-ERR client-id should be greater than 0\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "KILL", "ID", "x"}),
            "-ERR client-id should be greater than 0\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "KILL", "USER", "x"}), "-ERR No such user 'x'\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "KILL", "TYPE", "x"}), "-ERR Unknown client type 'x'\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "KILL", "SKIPME", "maybe"}), kSyntax);
  EXPECT_EQ(client_.Ask({"CLIENT", "KILL", "ID", "5", "ADDR"}), kSyntax);
  EXPECT_EQ(client_.Ask({"CLIENT", "NOSUCH"}),
            "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT"}), "-ERR wrong number of arguments for 'client' command\r\n");
}

TEST_F(NodeCommandsTest, ClientReplyOffAndSkip) {
  client_.Send({"CLIENT", "REPLY", "OFF"});
  client_.Send({"PING"});
  client_.Send({"CLIENT", "REPLY", "SKIP"});
  client_.Send({"PING"});
  EXPECT_EQ(client_.Ask({"CLIENT", "REPLY", "ON"}), kOk);
  client_.Send({"CLIENT", "REPLY", "SKIP"});
  client_.Send({"PING", "skipped"});
  EXPECT_EQ(client_.Ask({"PING", "seen"}), "$4\r\nseen\r\n");
  EXPECT_EQ(client_.Ask({"CLIENT", "REPLY", "x"}), kSyntax);
}

TEST_F(NodeCommandsTest, ClientSwitches) {
  EXPECT_EQ(client_.Ask({"CLIENT", "NO-EVICT", "on"}), kOk);
  EXPECT_EQ(client_.Ask({"CLIENT", "NO-EVICT", "x"}), kSyntax);
  EXPECT_TRUE(Has(client_.AskText({"CLIENT", "INFO"}), " flags=e "));
  EXPECT_EQ(client_.Ask({"CLIENT", "NO-EVICT", "OFF"}), kOk);
  EXPECT_TRUE(Has(client_.AskText({"CLIENT", "INFO"}), " flags=N "));
}

TEST_F(NodeCommandsTest, HelpOfContainers) {
  for (std::string_view name : {"CLIENT", "CLUSTER", "DEBUG", "CONFIG", "COMMAND", "SENTINEL"}) {
    std::string help = client_.Ask({name, "HELP"});
    EXPECT_EQ(help[0], '*') << name;
    EXPECT_TRUE(Has(help, "+" + std::string(name) + " <subcommand> [<arg> [value] [opt] ...]."));
  }
  EXPECT_EQ(client_.Ask({"TARGET.HELP"})[0], '*');
}

// --- server --------------------------------------------------------------------------------------

TEST_F(NodeCommandsTest, InfoSections) {
  std::string all = client_.AskText({"INFO"});
  for (const char* section : {"Server", "Clients", "Memory", "Persistence", "Stats", "Replication",
                              "CPU", "Modules", "Cluster", "Keyspace"}) {
    EXPECT_TRUE(Has(all, "# " + std::string(section) + "\r\n")) << section;
  }
  EXPECT_TRUE(Has(client_.AskText({"INFO", "EVERYTHING"}), "# Keyspace"));
  EXPECT_FALSE(Has(client_.AskText({"INFO", "all"}), "# Modules"));
  std::string two = client_.AskText({"INFO", "cpu", "Clients", "nosuch"});
  EXPECT_TRUE(Has(two, "# Clients\r\n"));
  EXPECT_TRUE(Has(two, "\r\n\r\n# CPU\r\n"));
  EXPECT_FALSE(Has(two, "# Server"));
  EXPECT_EQ(client_.Ask({"INFO", "nosuch"}), "$0\r\n\r\n");
  client_.Ask({"HELLO", "3"});
  EXPECT_EQ(client_.Ask({"INFO", "modules"}), "=15\r\ntxt:# Modules\r\n\r\n");
}

TEST_F(NodeCommandsTest, InfoIsLinesOfNamesAndValues) {
  std::istringstream in(client_.AskText({"INFO", "everything"}));
  for (std::string line; std::getline(in, line);) {
    ASSERT_TRUE(!line.empty() && line.back() == '\r') << line;
    line.pop_back();
    if (line.empty() || line.rfind("# ", 0) == 0) continue;
    size_t colon = line.find(':');
    ASSERT_NE(colon, std::string::npos) << line;
    EXPECT_EQ(line.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_|-."
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), colon) << line;
  }
}

TEST_F(NodeCommandsTest, InfoTellsTheTruth) {
  // Answered when the node has become the global, which takes an fsync.
  ASSERT_EQ(client_.Ask({"DEL", "nothing"}), ":0\r\n");
  auto info = Fields(client_.AskText({"INFO"}), ':');
  EXPECT_EQ(info["redis_version"], "7.2.0");
  EXPECT_EQ(info["tcp_port"], std::to_string(node_->port()));
  EXPECT_EQ(info["loading"], "0");
  EXPECT_EQ(info["connected_clients"], "1");
  EXPECT_EQ(info["aof_enabled"], "1");
  EXPECT_EQ(info["role"], "master");
  EXPECT_EQ(info["cluster_enabled"], "0");
  EXPECT_EQ(info["cluster_role"], "global");
  EXPECT_EQ(info["cluster_voters"], "1");
  EXPECT_EQ(info["cluster_has_majority"], "1");
  EXPECT_GT(std::stoll(info["used_memory"]), 100000);
  EXPECT_GE(std::stoll(info["used_memory_peak"]), std::stoll(info["used_memory"]));
  EXPECT_GT(std::stoll(info["used_memory_rss"]), 1000000);
  EXPECT_EQ(info["run_id"].size(), 40u);
  EXPECT_EQ(client_.Ask({"SET", "info:key", "x", "EX", "100"}), kOk);
  std::string keyspace = client_.AskText({"INFO", "keyspace"});
  EXPECT_TRUE(Has(keyspace, "db0:keys=1,expires=1,avg_ttl=")) << keyspace;
  EXPECT_EQ(client_.Ask({"DEL", "info:key"}), ":1\r\n");
  EXPECT_EQ(client_.AskText({"INFO", "keyspace"}), "# Keyspace\r\n");
}

TEST_F(NodeCommandsTest, RatesAreMeasured) {
  bool seen = Eventually([this] {
    for (int i = 0; i < 100; ++i) client_.Ask({"PING"});
    return std::stoll(
               Fields(client_.AskText({"INFO", "stats"}), ':')["instantaneous_ops_per_sec"]) > 100;
  });
  EXPECT_TRUE(seen);
}

TEST_F(NodeCommandsTest, CommandAndConfigAreBound) {
  EXPECT_EQ(client_.Ask({"COMMAND", "COUNT"})[0], ':');
  EXPECT_TRUE(Has(client_.Ask({"COMMAND", "INFO", "get"}), "$3\r\nget\r\n:2\r\n"));
  EXPECT_EQ(client_.Ask({"COMMAND", "x"}), "-ERR unknown subcommand 'x'. Try COMMAND HELP.\r\n");
  EXPECT_EQ(client_.Ask({"CONFIG", "GET", "port"}),
            "*2\r\n$4\r\nport\r\n$" + std::to_string(std::to_string(node_->port()).size()) +
                "\r\n" + std::to_string(node_->port()) + "\r\n");
  EXPECT_EQ(client_.Ask({"CONFIG", "x"}), "-ERR unknown subcommand 'x'. Try CONFIG HELP.\r\n");
}

TEST_F(NodeCommandsTest, TimeIsTheClock) {
  std::string reply = client_.Ask({"TIME"});
  long long seconds = atoll(reply.substr(reply.find("\r\n", 4) + 2).c_str());
  EXPECT_EQ(reply.rfind("*2\r\n$10\r\n", 0), 0u) << reply;
  EXPECT_NEAR(static_cast<double>(seconds), static_cast<double>(time(nullptr)), 2);
}

TEST_F(NodeCommandsTest, DebugSleepStopsTheNode) {
  auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(client_.Ask({"DEBUG", "SLEEP", "0.2"}), kOk);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(200));
  EXPECT_EQ(client_.Ask({"DEBUG", "SLEEP", "x"}), "-ERR value is not a valid float\r\n");
  EXPECT_EQ(client_.Ask({"DEBUG", "SLEEP", "-1"}), kOk);
}

TEST_F(NodeCommandsTest, DebugProtocolInBothVersions) {
  struct Case {
    std::string_view type, resp2, resp3;
  };
  static constexpr Case kCases[] = {
      {"string", "$11\r\nHello World\r\n", "$11\r\nHello World\r\n"},
      {"integer", ":12345\r\n", ":12345\r\n"},
      {"double", "$5\r\n3.141\r\n", ",3.141\r\n"},
      {"bignum", "$37\r\n1234567999999999999999999999999999999\r\n",
       "(1234567999999999999999999999999999999\r\n"},
      {"null", "$-1\r\n", "_\r\n"},
      {"array", "*3\r\n:0\r\n:1\r\n:2\r\n", "*3\r\n:0\r\n:1\r\n:2\r\n"},
      {"set", "*3\r\n:0\r\n:1\r\n:2\r\n", "~3\r\n:0\r\n:1\r\n:2\r\n"},
      {"map", "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n",
       "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n"},
      {"attrib", "$39\r\nSome real reply following the attribute\r\n",
       "|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n"
       "$39\r\nSome real reply following the attribute\r\n"},
      {"push", "-ERR RESP2 is not supported by this command\r\n",
       ">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n"},
      {"verbatim", "$25\r\nThis is a verbatim\nstring\r\n",
       "=29\r\ntxt:This is a verbatim\nstring\r\n"},
      {"true", ":1\r\n", "#t\r\n"},
      {"FALSE", ":0\r\n", "#f\r\n"},
  };
  for (const Case& one : kCases) EXPECT_EQ(client_.Ask({"DEBUG", "PROTOCOL", one.type}), one.resp2);
  client_.Ask({"HELLO", "3"});
  for (const Case& one : kCases) {
    EXPECT_EQ(client_.Ask({"DEBUG", "PROTOCOL", one.type}), one.resp3);
    if (one.type == "push") {
      EXPECT_EQ(client_.Read(), "$40\r\nSome real reply following the push reply\r\n");
    }
  }
  EXPECT_EQ(client_.Ask({"DEBUG", "PROTOCOL", "x"}),
            "-ERR Wrong protocol type name. Please use one of the following: "
            "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false\r\n");
}

TEST_F(NodeCommandsTest, DebugOthers) {
  EXPECT_EQ(client_.Ask({"DEBUG", "ERROR", "MINE of my own"}), "-MINE of my own\r\n");
  EXPECT_EQ(client_.Ask({"DEBUG", "LOG", "a line"}), kOk);
  EXPECT_EQ(client_.Ask({"DEBUG", "STRINGMATCH-LEN", "h[ae]llo*", "hallo world"}), ":1\r\n");
  EXPECT_EQ(client_.Ask({"DEBUG", "STRINGMATCH-LEN", "h[ae]llo", "hillo"}), ":0\r\n");
  EXPECT_EQ(client_.Ask({"DEBUG", "SET-ACTIVE-EXPIRE", "0"}), kOk);
  EXPECT_EQ(client_.Ask({"DEBUG", "SET-ACTIVE-EXPIRE", "1"}), kOk);
  EXPECT_FALSE(client_.AskText({"DEBUG", "JMAP"}).empty());
  std::string digest = client_.Ask({"DEBUG", "DIGEST"});
  EXPECT_EQ(digest.size(), 43u) << digest;
  EXPECT_EQ(client_.Ask({"DEBUG", "SLEEP"}),
            "-ERR wrong number of arguments for 'debug|sleep' command\r\n");
  EXPECT_EQ(client_.Ask({"DEBUG", "NOSUCH"}),
            "-ERR unknown subcommand 'NOSUCH'. Try DEBUG HELP.\r\n");
}

TEST(NodeShutdownTest, ShutdownEndsTheProcessWithoutAReply) {
  TestNode node;
  TestClient client(node.port());
  EXPECT_EQ(client.Ask({"SHUTDOWN", "x"}), kSyntax);
  EXPECT_EQ(client.Ask({"SHUTDOWN", "SAVE", "NOSAVE"}), kSyntax);
  EXPECT_EQ(client.Ask({"SHUTDOWN", "ABORT", "NOW"}), kSyntax);
  EXPECT_EQ(client.Ask({"SHUTDOWN", "ABORT"}), "-ERR No shutdown in progress.\r\n");
  client.Send({"SHUTDOWN", "NOSAVE"});
  EXPECT_TRUE(client.Ended());
  EXPECT_EQ(node.Wait(), 0);
}

// --- cluster -------------------------------------------------------------------------------------

TEST_F(NodeCommandsTest, ANodeAloneIsAMasterOfAllSlots) {
  std::string id = client_.AskText({"CLUSTER", "MYID"});
  EXPECT_EQ(id.size(), 40u);
  EXPECT_EQ(client_.AskText({"CLUSTER", "NODES"}),
            id + " " + node_->address() + "@" + std::to_string(node_->port()) +
                " myself,master - 0 0 1 connected 0-16383\n");
  EXPECT_TRUE(Has(client_.AskText({"CLUSTER", "INFO"}), "cluster_state:ok\r\n"));
  EXPECT_EQ(client_.Ask({"CLUSTER", "FORGET", id}),
            "-ERR I tried hard but I can't forget myself...\r\n");
  EXPECT_EQ(client_.Ask({"CLUSTER", "FORGET", "x"}), "-ERR Unknown node x\r\n");
  EXPECT_EQ(client_.Ask({"CLUSTER", "x"}), "-ERR unknown subcommand 'x'. Try CLUSTER HELP.\r\n");
  std::string role = client_.Ask({"ROLE"});
  EXPECT_EQ(role.rfind("*3\r\n$6\r\nmaster\r\n:", 0), 0u) << role;
  EXPECT_TRUE(role.ends_with("\r\n*0\r\n")) << role;
}

// What clients of Redis Cluster and of Sentinel ask.
TEST_F(NodeCommandsTest, ANodeAloneIsFoundByClientsOfOtherKinds) {
  const std::string port = std::to_string(node_->port());
  const std::string id = client_.AskText({"CLUSTER", "MYID"});
  const std::string address = "$9\r\n127.0.0.1\r\n";
  EXPECT_EQ(client_.Ask({"CLUSTER", "SLOTS"}),
            "*1\r\n*3\r\n:0\r\n:16383\r\n*4\r\n" + address + ":" + port + "\r\n$40\r\n" + id +
                "\r\n*0\r\n");
  EXPECT_TRUE(Has(client_.Ask({"CLUSTER", "SHARDS"}), "$6\r\nhealth\r\n$6\r\nonline\r\n"));
  EXPECT_EQ(client_.Ask({"CLUSTER", "KEYSLOT", "foo"}), ":12182\r\n");
  EXPECT_EQ(client_.Ask({"CLUSTER", "KEYSLOT", "a{foo}b"}), ":12182\r\n");
  EXPECT_EQ(client_.Ask({"CLUSTER", "KEYSLOT", "foo{}{bar}"}), ":8363\r\n");
  EXPECT_EQ(client_.Ask({"CLUSTER", "REPLICAS", id}), "*0\r\n");
  EXPECT_EQ(client_.AskText({"CLUSTER", "MYSHARDID"}).size(), 40u);
  EXPECT_EQ(client_.Ask({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"}),
            "*2\r\n" + address + "$" + std::to_string(port.size()) + "\r\n" + port + "\r\n");
  EXPECT_EQ(client_.Ask({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "other"}), "*-1\r\n");
  EXPECT_EQ(client_.Ask({"SENTINEL", "REPLICAS", "main"}), "*0\r\n");
  EXPECT_EQ(client_.Ask({"SENTINEL", "MASTER", "other"}),
            "-ERR No such master with that name\r\n");
  EXPECT_TRUE(Has(client_.Ask({"SENTINEL", "MASTERS"}), "$5\r\nflags\r\n$6\r\nmaster\r\n"));
  EXPECT_EQ(client_.Ask({"SENTINEL", "CKQUORUM", "main"}),
            "+OK 1 usable Sentinels. Quorum and failover authorization can be reached\r\n");
}

TEST_F(NodeCommandsTest, WaitAndFailoverAlone) {
  EXPECT_EQ(client_.Ask({"WAIT", "0", "0"}), ":0\r\n");
  EXPECT_EQ(client_.Ask({"WAIT", "3", "0"}), ":0\r\n");
  EXPECT_EQ(client_.Ask({"WAIT", "x", "0"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(client_.Ask({"WAIT", "1", "x"}), "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(client_.Ask({"WAIT", "1", "-1"}), "-ERR timeout is negative\r\n");
  EXPECT_EQ(client_.Ask({"FAILOVER"}), "-ERR FAILOVER requires connected replicas.\r\n");
  EXPECT_EQ(client_.Ask({"FAILOVER", "ABORT"}), "-ERR No failover in progress.\r\n");
  EXPECT_EQ(client_.Ask({"FAILOVER", "TO", "a"}), kSyntax);
  EXPECT_EQ(client_.Ask({"FAILOVER", "TIMEOUT", "0"}),
            "-ERR FAILOVER timeout must be greater than 0\r\n");
  EXPECT_EQ(client_.Ask({"FAILOVER", "x"}), kSyntax);
}

TEST_F(NodeCommandsTest, TargetsByName) {
  EXPECT_EQ(client_.Ask({"TARGET.RUNNING", "main"}), ":1\r\n");
  EXPECT_EQ(client_.Ask({"TARGET.RUNNING", "x"}), ":0\r\n");
  for (std::string_view name : {"TARGET.LOCK", "TARGET.SERVERS", "TARGET.NODES", "TARGET.STATE"}) {
    EXPECT_EQ(client_.Ask({name, "x"}), "-ERR no such cluster 'x'\r\n");
  }
  std::string name = "node-" + std::to_string(node_->port());
  std::string bulk = "$" + std::to_string(name.size()) + "\r\n" + name + "\r\n";
  EXPECT_EQ(client_.Ask({"TARGET.NODES", "main"}), "*1\r\n" + bulk);
  EXPECT_TRUE(Has(client_.Ask({"TARGET.LOCK", "main"}), "*8\r\n$6\r\nholder\r\n" + bulk));
  EXPECT_TRUE(Has(client_.Ask({"TARGET.SERVERS", "main"}), "*1\r\n*16\r\n$4\r\nnode\r\n" + bulk));
  EXPECT_TRUE(Has(client_.AskText({"TARGET.STATE", "main"}), "\r\ndigest:"));
}

TEST(NodesTest, ALocalAndAGlobalTellWhoIsWho) {
  TestNode first([](Options* options) { options->name = "first"; });
  TestNode second([&first](Options* options) {
    options->name = "second";
    options->join = {first.address()};
  });
  TestClient at_first(first.port()), at_second(second.port());
  auto voters = [](TestClient& client) {
    return Fields(client.AskText({"INFO", "cluster"}), ':')["cluster_voters"];
  };
  ASSERT_TRUE(Eventually([&] { return voters(at_first) == "2" && voters(at_second) == "2"; }));

  auto global = Fields(at_first.AskText({"INFO"}), ':');
  EXPECT_EQ(global["role"], "master");
  EXPECT_EQ(global["connected_slaves"], "1");
  EXPECT_TRUE(Has(global["slave0"],
                  "ip=127.0.0.1,port=" + std::to_string(second.port()) + ",state=online,offset="));
  EXPECT_EQ(global["cluster_tolerated_failures"], "0");
  auto local = Fields(at_second.AskText({"INFO"}), ':');
  EXPECT_EQ(local["role"], "slave");
  EXPECT_EQ(local["master_host"], "127.0.0.1");
  EXPECT_EQ(local["master_port"], std::to_string(first.port()));
  EXPECT_EQ(local["master_link_status"], "up");
  EXPECT_EQ(local["slave_read_only"], "0");
  EXPECT_EQ(local["cluster_role"], "local");
  EXPECT_EQ(local["cluster_global"], "first");
  EXPECT_EQ(local["cluster_has_majority"], "1");
  std::string port = std::to_string(first.port());
  EXPECT_EQ(at_second.Ask({"ROLE"}).rfind(
                "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:" + port + "\r\n$9\r\nconnected\r\n:", 0),
            0u);
  EXPECT_EQ(at_second.Ask({"TARGET.NODES", "main"}), "*2\r\n$5\r\nfirst\r\n$6\r\nsecond\r\n");
  EXPECT_EQ(at_second.Ask({"FAILOVER"}),
            "-ERR FAILOVER is not valid when server is a replica.\r\n");
  EXPECT_EQ(at_second.Ask({"CLUSTER", "FORGET", "second"}),
            "-ERR Only the global can remove a node: ask first at " + first.address() + "\r\n");
  EXPECT_TRUE(Has(at_first.AskText({"CLIENT", "LIST", "TYPE", "replica"}), " name=second "));

  // A write that is answered is on both; WAIT says so without waiting.
  EXPECT_EQ(at_first.Ask({"SET", "k", "v"}), kOk);
  EXPECT_EQ(at_first.Ask({"WAIT", "1", "0"}), ":1\r\n");
  EXPECT_EQ(at_second.Ask({"WAIT", "1", "0"}), ":1\r\n");

  EXPECT_EQ(at_first.Ask({"FAILOVER", "TO", "127.0.0.1", "1"}),
            "-ERR FAILOVER target HOST and PORT is not a replica.\r\n");
  EXPECT_EQ(at_first.Ask({"FAILOVER", "TO", "127.0.0.1", std::to_string(second.port())}), kOk);
  EXPECT_TRUE(Eventually([&] {
    return Has(at_second.Ask({"ROLE"}), "master") && Has(at_first.Ask({"ROLE"}), "connected");
  }));
}

TEST(NodesTest, ForgettingANodeTakesItOutOfTheCluster) {
  TestNode first([](Options* options) { options->name = "first"; });
  auto join = [&first](std::string name) {
    return [&first, name](Options* options) {
      options->name = name;
      options->join = {first.address()};
    };
  };
  TestNode second(join("second")), third(join("third"));
  TestClient client(first.port()), at_third(third.port());
  auto voters = [&client] {
    return Fields(client.AskText({"INFO", "cluster"}), ':')["cluster_voters"];
  };
  ASSERT_TRUE(Eventually([&] { return voters() == "3"; }));
  // One that lives: it would ask to be taken in again if it didn't see that it was removed.
  // The third node counts as a voter from the entry on that makes it one; until that is committed no
  // other change may begin, and the global says so.
  std::string forgotten;
  EXPECT_TRUE(Eventually([&] {
    forgotten = client.Ask({"CLUSTER", "FORGET", "third"});
    return forgotten != "-ERR another change of members is in progress\r\n";
  }));
  EXPECT_EQ(forgotten, kOk);
  EXPECT_EQ(voters(), "2");
  auto is_member = [](TestClient& at) {
    return Fields(at.AskText({"INFO", "cluster"}), ':')["cluster_member"];
  };
  EXPECT_TRUE(Eventually([&] { return is_member(at_third) == "0"; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_FALSE(Has(client.Ask({"TARGET.NODES", "main"}), "third"));
  EXPECT_EQ(client.Ask({"CLUSTER", "FORGET", "third"}), "-ERR Unknown node third\r\n");
  EXPECT_EQ(client.Ask({"SET", "k", "v"}), kOk);
}

}  // namespace
}  // namespace understudy::server
