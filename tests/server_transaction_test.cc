#include "server/transaction.h"

#include <gtest/gtest.h>

namespace understudy::server {
namespace {

TEST(TransactionTest, KeepsArguments) {
  std::string binary("\0\n", 2);
  std::vector<std::string_view> given = {"set", "", binary}, views;
  KeptArguments kept(given);
  kept.Views(&views);
  EXPECT_EQ(views, given);
  EXPECT_EQ(kept.bytes(), 5u);
}

TEST(TransactionTest, ComesBackAsItWas) {
  ForwardedTransaction transaction, decoded;
  transaction.seen = 1ull << 40;
  transaction.watched = {{0, "a"}, {15, ""}};
  transaction.commands = {{3, {"set", "k", "v"}}, {0, {"get", ""}}};
  std::string bytes;
  EncodeTransaction(transaction, &bytes);
  ASSERT_TRUE(DecodeTransaction(bytes, &decoded));
  EXPECT_EQ(decoded.seen, transaction.seen);
  ASSERT_EQ(decoded.watched.size(), 2u);
  EXPECT_EQ(decoded.watched[0].key, "a");
  EXPECT_EQ(decoded.watched[1].db, 15);
  ASSERT_EQ(decoded.commands.size(), 2u);
  EXPECT_EQ(decoded.commands[0].db, 3);
  EXPECT_EQ(decoded.commands[0].args, transaction.commands[0].args);
  EXPECT_EQ(decoded.commands[1].args, transaction.commands[1].args);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeTransaction(std::string_view(bytes).substr(0, size), &decoded)) << size;
  }
  EXPECT_FALSE(DecodeTransaction(bytes + "x", &decoded));
  // Counts that no message could hold take no memory.
  EXPECT_FALSE(DecodeTransaction(std::string("\1\xff\xff\xff\xff\xff\xff\xff\x7f", 9), &decoded));
}

TEST(TransactionTest, FindsTheEndOfAReply) {
  for (const char* reply :
       {"+OK\r\n", "-ERR x\r\n", ":12\r\n", "$-1\r\n", "$0\r\n\r\n", "$3\r\na\r\n\r\n", "*-1\r\n",
        "*0\r\n", "*2\r\n:1\r\n*1\r\n$1\r\na\r\n", "_\r\n", "#t\r\n", ",1.5\r\n", "(123\r\n",
        "=7\r\ntxt:abc\r\n", "%1\r\n+a\r\n:1\r\n", "~2\r\n:1\r\n:2\r\n", ">1\r\n+a\r\n",
        "|1\r\n+a\r\n:1\r\n:5\r\n"}) {
    std::string bytes(reply);
    EXPECT_EQ(ReplyLength(bytes + ":99\r\n"), bytes.size()) << bytes;
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(ReplyLength(std::string_view(bytes).substr(0, size)), 0u) << bytes << size;
    }
  }
  EXPECT_EQ(ReplyLength("$x\r\n"), 0u);
  EXPECT_EQ(ReplyLength("$-2\r\n"), 0u);
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "*1\r\n";
  EXPECT_EQ(ReplyLength(deep + ":1\r\n"), 0u);
}

}  // namespace
}  // namespace understudy::server
