// MONITOR, asked of a real node.
#include <gtest/gtest.h>

#include <regex>

#include "server_test_node.h"

namespace understudy::server {
namespace {

class MonitorTest : public ::testing::Test {
 protected:
  MonitorTest() { EXPECT_EQ(monitor_.Ask({"MONITOR"}), "+OK\r\n"); }

  // What a line says behind its time and its client: the database, and the command.
  static std::string Shown(const std::string& line) {
    static const std::regex kLine(R"re(\+\d+\.\d{6} \[(\d+) 127\.0\.0\.1:\d+\] (.*)\r\n)re");
    std::smatch match;
    if (!std::regex_match(line, match, kLine)) return "no such line: " + line;
    return match[1].str() + " " + match[2].str();
  }
  std::string Next() { return Shown(monitor_.Read()); }

  TestNode node_;
  TestClient monitor_{node_.port()};
  TestClient client_{node_.port()};
};

TEST_F(MonitorTest, ShowsCommandsWithTheirDatabase) {
  client_.Ask({"SET", "k", "a\"b\n\x01"});
  client_.Ask({"SELECT", "3"});
  client_.Ask({"GET", "k"});
  EXPECT_EQ(Next(), R"(0 "SET" "k" "a\"b\n\x01")");
  EXPECT_EQ(Next(), R"(0 "SELECT" "3")");
  EXPECT_EQ(Next(), R"(3 "GET" "k")");
}

TEST_F(MonitorTest, ATransactionIsShownByExec) {
  client_.Ask({"MULTI"});
  client_.Ask({"SET", "k", "v"});
  client_.Ask({"INCR", "n"});
  client_.Ask({"EXEC"});
  EXPECT_EQ(Next(), R"(0 "MULTI")");
  EXPECT_EQ(Next(), R"(0 "SET" "k" "v")");
  EXPECT_EQ(Next(), R"(0 "INCR" "n")");
  EXPECT_EQ(Next(), R"(0 "EXEC")");
}

TEST_F(MonitorTest, NeitherSecretsNorAdministrationNorMistakes) {
  client_.Ask({"CONFIG", "GET", "port"});
  client_.Ask({"NOSUCH"});
  client_.Ask({"GET"});
  client_.Ask({"AUTH", "secret"});
  client_.Ask({"PING"});
  EXPECT_EQ(Next(), R"re(0 "AUTH" "(redacted)")re");
  EXPECT_EQ(Next(), R"(0 "PING")");
}

TEST_F(MonitorTest, ResetEndsIt) {
  EXPECT_NE(client_.AskText({"CLIENT", "LIST"}).find("flags=O"), std::string::npos);
  monitor_.Read();
  EXPECT_EQ(monitor_.Ask({"RESET"}), "+RESET\r\n");
  client_.Ask({"SET", "k", "v"});
  EXPECT_EQ(monitor_.Ask({"PING"}), "+PONG\r\n");
}

}  // namespace
}  // namespace understudy::server
