#include <gtest/gtest.h>

#include "server/instruments.h"

namespace understudy::server {
namespace {

const protocol::Command& Row(std::string_view name) {
  static const protocol::CommandTable table;
  const protocol::Command* command = table.FindByName(name);
  EXPECT_NE(command, nullptr) << name;
  return *command;
}

TEST(DurationHistogram, ClassesAreAtMostAQuarterWide) {
  for (uint64_t value : {1ull, 3ull, 4ull, 7ull, 100ull, 999ull, 123456ull, 9876543210ull}) {
    DurationHistogram histogram;
    histogram.Add(value);
    uint64_t shown = histogram.PercentileNanoseconds(50);
    EXPECT_GE(shown, value);
    EXPECT_LE(shown, value + value / 4) << value;
  }
}

TEST(DurationHistogram, CountsAndPercentiles) {
  DurationHistogram histogram;
  for (int i = 0; i < 90; ++i) histogram.Add(1000);
  for (int i = 0; i < 10; ++i) histogram.Add(1000000);
  EXPECT_EQ(histogram.total(), 100u);
  EXPECT_EQ(histogram.CountUpTo(900000), 90u);
  EXPECT_EQ(histogram.CountUpTo(2000000), 100u);
  EXPECT_LT(histogram.PercentileNanoseconds(90), 2000u);
  EXPECT_GE(histogram.PercentileNanoseconds(91), 1000000u);
}

TEST(CommandStatistics, CountsCallsAndErrors) {
  CommandStatistics statistics(1000);
  statistics.Executed(Row("get"), 1500);
  statistics.Executed(Row("get"), 500);
  statistics.Failed(Row("get"), "-WRONGTYPE Operation against\r\n");
  statistics.Rejected(&Row("set"), "ERR wrong number of arguments");
  statistics.Rejected(nullptr, "ERR unknown command");
  const CommandStatistics::Row& get = statistics.row(Row("get"));
  EXPECT_EQ(get.calls, 2u);
  EXPECT_EQ(get.nanoseconds, 2000u);
  EXPECT_EQ(get.failed, 1u);
  EXPECT_EQ(statistics.row(Row("set")).rejected, 1u);
  EXPECT_EQ(statistics.row(Row("set")).calls, 0u);
  EXPECT_EQ(statistics.errors().at("WRONGTYPE"), 1u);
  EXPECT_EQ(statistics.errors().at("ERR"), 2u);
  EXPECT_EQ(statistics.error_replies(), 3u);
  statistics.Reset();
  EXPECT_EQ(statistics.row(Row("get")).calls, 0u);
  EXPECT_TRUE(statistics.errors().empty());
}

TEST(CommandStatistics, KindsOfErrorsAreLimited) {
  CommandStatistics statistics(1000);
  for (size_t i = 0; i < 2 * CommandStatistics::kMaxErrors; ++i) {
    statistics.Rejected(nullptr, "E" + std::to_string(i) + " x");
  }
  EXPECT_EQ(statistics.errors().size(), CommandStatistics::kMaxErrors);
  EXPECT_EQ(statistics.error_replies(), 2 * CommandStatistics::kMaxErrors);
}

TEST(SlowLog, KeepsTheNewestAndShortensArguments) {
  SlowLog log;
  log.set_threshold_us(10);
  log.set_max_length(2);
  EXPECT_TRUE(log.Wants(10'000));
  EXPECT_FALSE(log.Wants(9'999));
  std::string longest(SlowLog::kMaxArgumentBytes + 1, 'a');
  std::vector<std::string_view> args(SlowLog::kMaxArguments + 1, "x");
  args[1] = longest;
  for (int i = 0; i < 3; ++i) log.Add(args, 0, 20'000, 100 + i, "1.2.3.4:5", "me");
  ASSERT_EQ(log.entries().size(), 2u);
  const SlowLog::Entry& newest = log.entries().front();
  EXPECT_EQ(newest.id, 2u);
  EXPECT_EQ(newest.at_s, 102);
  EXPECT_EQ(newest.duration_us, 20);
  ASSERT_EQ(newest.args.size(), SlowLog::kMaxArguments);
  EXPECT_EQ(newest.args[1], std::string(SlowLog::kMaxArgumentBytes, 'a') + "... (1 more bytes)");
  EXPECT_EQ(newest.args.back(), "... (2 more arguments)");
  log.set_threshold_us(-1);
  EXPECT_FALSE(log.Wants(UINT64_MAX));
  log.set_max_length(0);
  EXPECT_TRUE(log.entries().empty());
}

TEST(SlowLog, SecretsAreLeftOut) {
  Instruments instruments(1000);
  instruments.slow_log().set_threshold_us(0);
  Session session;
  instruments.Begin();
  std::vector<std::string_view> args = {"config", "set", "requirepass", "secret"};
  instruments.Executed(session, Row("config|set"), args, "+OK\r\n");
  std::vector<std::string_view> auth = {"auth", "secret"};
  instruments.Executed(session, Row("auth"), auth, "+OK\r\n");
  const auto& entries = instruments.slow_log().entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].args, (std::vector<std::string>{"auth", "(redacted)"}));
  EXPECT_EQ(entries[1].args,
            (std::vector<std::string>{"config", "set", "requirepass", "(redacted)"}));
}

TEST(LatencyMonitor, OneSampleASecondAndTheWorst) {
  LatencyMonitor monitor;
  EXPECT_FALSE(monitor.Wants(UINT64_MAX));
  monitor.set_threshold_ms(5);
  EXPECT_TRUE(monitor.Wants(5'000'000));
  EXPECT_FALSE(monitor.Wants(4'999'999));
  monitor.Add("command", 7'000'000, 10);
  monitor.Add("command", 6'000'000, 10);
  monitor.Add("command", 9'000'000, 11);
  const LatencyMonitor::Event& event = monitor.events().at("command");
  ASSERT_EQ(event.samples.size(), 2u);
  EXPECT_EQ(event.samples[0].milliseconds, 7u);
  EXPECT_EQ(event.worst_ms, 9u);
  for (int64_t second = 20; second < 400; ++second) monitor.Add("command", 5'000'000, second);
  EXPECT_EQ(monitor.events().at("command").samples.size(), LatencyMonitor::kSamples);
  EXPECT_TRUE(monitor.Reset("command"));
  EXPECT_FALSE(monitor.Reset("command"));
  EXPECT_EQ(monitor.ResetAll(), 0u);
}

}  // namespace
}  // namespace understudy::server
