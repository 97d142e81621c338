// The README's tables of commands are those of the command table: what is listed is supported, and
// what is supported is listed. After a change of the rows, put the output of
// `understudy-server --print-commands` between the two marks.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "protocol/command_table.h"

namespace understudy::protocol {
namespace {

constexpr std::string_view kBegin = "<!-- commands -->\n";
constexpr std::string_view kEnd = "<!-- /commands -->\n";

size_t Count(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t i = text.find(part); i != std::string_view::npos; i = text.find(part, i + 1)) ++count;
  return count;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == '\n') text.remove_prefix(1);
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  return text;
}

TEST(ReadmeTest, ListsTheCommandsOfTheTable) {
  std::ifstream file(UNDERSTUDY_SOURCE_DIR "/README.md", std::ios::binary);
  ASSERT_TRUE(file.is_open()) << "no README.md";
  std::stringstream content;
  content << file.rdbuf();
  const std::string readme = content.str();

  ASSERT_EQ(Count(readme, kBegin), 1u);
  ASSERT_EQ(Count(readme, kEnd), 1u);
  const size_t begin = readme.find(kBegin) + kBegin.size();
  const size_t end = readme.find(kEnd);
  ASSERT_LT(begin, end);
  const std::string expected = CommandsAsMarkdown(CommandTable());
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(Trim(std::string_view(readme).substr(begin, end - begin)), Trim(expected));
}

}  // namespace
}  // namespace understudy::protocol
