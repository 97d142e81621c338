#include "server/origin_table.h"

#include <gtest/gtest.h>

namespace understudy::server {
namespace {

using Known = OriginTable::Known;

TEST(OriginTableTest, KeepsRepliesUntilTheLowMarkPasses) {
  OriginTable table;
  const OriginTable::Executed* executed = nullptr;
  EXPECT_EQ(table.Find({1, 5, 0}, &executed), Known::kNew);
  table.Record({1, 5, 5}, 100, "+OK\r\n");
  table.Record({1, 6, 5}, 101, ":1\r\n");
  ASSERT_EQ(table.Find({1, 5, 5}, &executed), Known::kExecuted);
  EXPECT_EQ(executed->index, 100u);
  EXPECT_EQ(executed->reply, "+OK\r\n");
  EXPECT_EQ(table.Find({2, 5, 0}, &executed), Known::kNew);
  table.Record({1, 9, 6}, 102, ":2\r\n");
  EXPECT_EQ(table.Find({1, 5, 6}, &executed), Known::kRefused);
  EXPECT_EQ(table.Find({1, 6, 6}, &executed), Known::kExecuted);
  EXPECT_EQ(table.Find({1, 7, 6}, &executed), Known::kNew);
  EXPECT_EQ(table.bytes(), 8u);
}

// What was executed behind a command, for the same client, must not be seen by it.
TEST(OriginTableTest, ACommandOvertakenByALaterOneOfItsClientIsNotNew) {
  OriginTable table;
  const OriginTable::Executed* executed = nullptr;
  table.Record({1, 7, 5, 42}, 100, "+OK\r\n");
  table.Record({1, 9, 5, 42}, 101, "+OK\r\n");
  EXPECT_EQ(table.Find({1, 6, 5, 42}, &executed), Known::kOvertaken);
  EXPECT_EQ(table.Find({1, 7, 5, 42}, &executed), Known::kExecuted);
  EXPECT_EQ(table.Find({1, 8, 5, 42}, &executed), Known::kOvertaken);
  EXPECT_EQ(table.Find({1, 10, 5, 42}, &executed), Known::kNew);
  EXPECT_EQ(table.Find({1, 6, 5, 43}, &executed), Known::kNew);
  EXPECT_EQ(table.Find({2, 6, 5, 42}, &executed), Known::kNew);
  std::string bytes;
  table.Encode(&bytes);
  OriginTable copy;
  ASSERT_TRUE(copy.Decode(bytes));
  EXPECT_EQ(copy.Find({1, 8, 5, 42}, &executed), Known::kOvertaken);
  // Answered up to 9, so nothing below is asked any more; the client isn't remembered for ever.
  table.Record({1, 11, 10, 43}, 102, "+OK\r\n");
  EXPECT_EQ(table.Find({1, 10, 10, 42}, &executed), Known::kNew);
}

TEST(OriginTableTest, ALowMarkThatComesLateDoesNotGoBack) {
  OriginTable table;
  const OriginTable::Executed* executed = nullptr;
  table.Record({1, 10, 10}, 1, "x");
  table.Record({1, 11, 4}, 2, "y");
  EXPECT_EQ(table.Find({1, 9, 4}, &executed), Known::kRefused);
}

TEST(OriginTableTest, DropsTheRunQuietForLongest) {
  OriginTable table;
  const OriginTable::Executed* executed = nullptr;
  for (uint64_t run = 1; run <= OriginTable::kMaxRuns; ++run) table.Record({run, 1, 0}, run, "r");
  table.Record({1, 2, 0}, 1000, "r");
  table.Record({5000, 1, 0}, 1001, "r");
  EXPECT_EQ(table.runs(), OriginTable::kMaxRuns);
  EXPECT_EQ(table.Find({1, 1, 0}, &executed), Known::kExecuted);
  EXPECT_EQ(table.Find({2, 1, 0}, &executed), Known::kNew);
}

TEST(OriginTableTest, EncodesAndDecodes) {
  OriginTable table;
  table.Record({0xfedcba9876543210u, 7, 3}, 12, std::string("$3\r\na\0b\r\n", 9));
  table.Record({2, 1, 1}, 13, "");
  std::string bytes, again;
  table.Encode(&bytes);
  OriginTable copy;
  ASSERT_TRUE(copy.Decode(bytes));
  copy.Encode(&again);
  EXPECT_EQ(bytes, again);
  EXPECT_EQ(copy.bytes(), table.bytes());
  const OriginTable::Executed* executed = nullptr;
  ASSERT_EQ(copy.Find({0xfedcba9876543210u, 7, 3}, &executed), Known::kExecuted);
  EXPECT_EQ(executed->index, 12u);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(copy.Decode(std::string_view(bytes).substr(0, size))) << size;
  }
  EXPECT_FALSE(copy.Decode(bytes + "x"));
}

TEST(OriginTableTest, KnowsHowFarAGlobalsOwnCommandsGot) {
  OriginTable table, copy;
  EXPECT_EQ(table.NewestOwn(1), 0u);
  table.RecordOwn(1, 5, 100);
  table.Record({2, 9, 9}, 101, "+OK\r\n");
  table.RecordOwn(1, 8, 102);
  EXPECT_EQ(table.NewestOwn(1), 8u);
  EXPECT_EQ(table.NewestOwn(2), 0u);
  std::string bytes;
  table.Encode(&bytes);
  ASSERT_TRUE(copy.Decode(bytes));
  EXPECT_EQ(copy.NewestOwn(1), 8u);
  // The run that is quiet for longest makes room for others.
  for (uint64_t run = 10; run < 10 + OriginTable::kMaxRuns; ++run) table.RecordOwn(run, 1, 100 + run);
  EXPECT_EQ(table.runs(), OriginTable::kMaxRuns);
  EXPECT_EQ(table.NewestOwn(2), 0u);
}

}  // namespace
}  // namespace understudy::server
