#include <gtest/gtest.h>

#include <regex>
#include <thread>

#include "server/logger.h"
#include "tests/server_files.h"

namespace understudy::server {
namespace {

std::vector<std::string> Lines(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

TEST(Logger, LinesHaveTheFormOfRedis) {
  TemporaryDirectory dir;
  std::string error;
  Logger log(Logger::Level::kDebug);
  ASSERT_TRUE(log.Open(dir / "log", &error)) << error;
  log.Debug("%d", 1);
  log.set_role('G');
  log.Verbose("two %s", "words");
  log.set_role('C');
  log.Notice("three");
  log.Warning("100%% %s", "a\nb\x1b[31m");
  std::vector<std::string> lines = Lines(dir / "log");
  ASSERT_EQ(lines.size(), 4u);
  const std::string head =
      std::to_string(getpid()) + R"(:([GLC]) \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} )";
  EXPECT_TRUE(std::regex_match(lines[0], std::regex(head + "\\. 1"))) << lines[0];
  EXPECT_TRUE(std::regex_match(lines[1], std::regex(head + "- two words"))) << lines[1];
  EXPECT_NE(lines[1].find(":G "), std::string::npos);
  EXPECT_TRUE(std::regex_match(lines[2], std::regex(head + "\\* three"))) << lines[2];
  EXPECT_TRUE(lines[3].ends_with("# 100% a?b?[31m")) << lines[3];
}

TEST(Logger, LevelsAndLimits) {
  TemporaryDirectory dir;
  std::string error;
  Logger log(Logger::Level::kWarning);
  ASSERT_TRUE(log.Open(dir / "log", &error));
  log.Notice("not shown");
  EXPECT_FALSE(log.Enabled(Logger::Level::kNotice));
  log.Warning("%s", std::string(100000, 'x').c_str());
  log.set_level(Logger::Level::kNotice);
  log.Notice("shown");
  std::vector<std::string> lines = Lines(dir / "log");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_LT(lines[0].size(), Logger::kMaxMessageBytes + 100);
  EXPECT_TRUE(lines[1].ends_with("* shown"));

  EXPECT_FALSE(log.Open(dir / "no/log", &error));
  EXPECT_NE(error.find("no/log"), std::string::npos);
  log.Notice("still in the old one");
  EXPECT_EQ(Lines(dir / "log").size(), 3u);

  Logger::Level level;
  EXPECT_TRUE(ParseLogLevel("VERBOSE", &level));
  EXPECT_EQ(level, Logger::Level::kVerbose);
  EXPECT_FALSE(ParseLogLevel("loud", &level));
}

TEST(Logger, OpensItsFileAgainAfterARotation) {
  TemporaryDirectory dir;
  std::string error;
  Logger log;
  ASSERT_TRUE(log.Open(dir / "log", &error));
  log.Notice("one");
  std::filesystem::rename(dir / "log", dir / "log.1");
  log.Notice("two");
  ASSERT_TRUE(log.Open(dir / "log", &error));
  log.Notice("three");
  EXPECT_EQ(Lines(dir / "log.1").size(), 2u);
  EXPECT_EQ(Lines(dir / "log").size(), 1u);
}

TEST(Logger, LinesOfThreadsDoNotMix) {
  TemporaryDirectory dir;
  std::string error;
  Logger log;
  ASSERT_TRUE(log.Open(dir / "log", &error));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&, t] {
      const std::string text(100 + 500 * static_cast<size_t>(t), static_cast<char>('a' + t));
      for (int i = 0; i < 200; i++) log.Notice("%s", text.c_str());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<std::string> lines = Lines(dir / "log");
  ASSERT_EQ(lines.size(), 800u);
  for (const std::string& line : lines) {
    const char last = line.back();
    ASSERT_TRUE(last >= 'a' && last <= 'd');
    EXPECT_TRUE(line.ends_with(" * " + std::string(100 + 500 * (last - 'a'), last)));
  }
}

}  // namespace
}  // namespace understudy::server
