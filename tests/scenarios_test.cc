// Plays tests/scenarios/*.txt and compares what happens with what they say.
//
// A scenario is blocks of commands (tests/simulator/scenario_cluster.h), a line "----", and what
// they lead to, up to an empty line. "#" begins a comment. After a change of behaviour run
//   scenarios_test --rewrite        (or UPDATE_SCENARIOS=1)
// which writes the files anew, and review the difference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/simulator/scenario_cluster.h"

namespace understudy::simulator {
namespace {

bool rewrite = false;

std::vector<std::string> Lines(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The scenario with what really happens in the place of what it says.
std::string PlayScenario(const std::vector<std::string>& lines) {
  ScenarioCluster cluster;
  std::string out, happened;
  bool expected = false;  // within what a block says
  for (const std::string& line : lines) {
    if (expected) {
      if (!line.empty()) continue;
      out += happened + "\n";
      happened.clear();
      expected = false;
    } else if (line == "----") {
      out += line + "\n";
      expected = true;
    } else {
      out += line + "\n";
      if (!line.empty() && line[0] != '#') happened += cluster.Play(line);
    }
  }
  if (expected) out += happened;
  return out;
}

class ScenarioTest : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(ScenarioTest, HappensAsTold) {
  std::vector<std::string> lines = Lines(GetParam());
  ASSERT_FALSE(lines.empty());
  std::string told;
  for (const std::string& line : lines) told += line + "\n";
  std::string played = PlayScenario(lines);
  EXPECT_EQ(played.find("BUG"), std::string::npos);
  EXPECT_EQ(played.find("unknown command"), std::string::npos);
  EXPECT_EQ(played.find("missing or unknown"), std::string::npos);
  if (rewrite) {
    std::ofstream(GetParam()) << played;
  } else {
    EXPECT_EQ(told, played);
  }
}

std::vector<std::filesystem::path> Scenarios() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(UNDERSTUDY_SOURCE_DIR "/tests/scenarios")) {
    if (entry.path().extension() == ".txt") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string NameOf(const testing::TestParamInfo<std::filesystem::path>& scenario) {
  std::string name = scenario.param.stem();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Files, ScenarioTest, testing::ValuesIn(Scenarios()), NameOf);

}  // namespace

void RewriteScenarios() { rewrite = true; }

}  // namespace understudy::simulator

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  bool wanted = std::getenv("UPDATE_SCENARIOS") != nullptr;
  for (int i = 1; i < argc; ++i) wanted = wanted || std::strcmp(argv[i], "--rewrite") == 0;
  if (wanted) understudy::simulator::RewriteScenarios();
  return RUN_ALL_TESTS();
}
