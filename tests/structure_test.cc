// Who may include whom, and who may touch the outside world: the folders' directions.
//
//   protocol, cluster   include no other folder
//   targets             includes protocol
//   server              includes all three
//   protocol, cluster, targets   no sockets, files, threads, clocks, randomness: these are
//   arguments
//
// The rules are tried on planted violations first, so that a check that sees nothing fails.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace understudy {
namespace {

namespace fs = std::filesystem;

const std::map<std::string, std::set<std::string>>& AllowedIncludes() {
  static const std::map<std::string, std::set<std::string>> allowed = {
      {"protocol", {"protocol"}},
      {"cluster", {"cluster"}},
      {"targets", {"targets", "protocol"}},
      {"server", {"server", "protocol", "cluster", "targets"}},
  };
  return allowed;
}

bool IsPure(const std::string& folder) { return folder != "server"; }

// Headers that bring in the outside world.
const std::regex& ImpureHeader() {
  static const std::regex header(
      "sys/(?!types\\.h).*|net/.*|netinet/.*|arpa/"
      ".*|netdb\\.h|poll\\.h|unistd\\.h|fcntl\\.h|dirent\\.h|"
      "signal\\.h|csignal|event2?/.*|event\\.h|hiredis/.*|thread|jthread|mutex|shared_mutex|"
      "condition_variable|future|semaphore|latch|barrier|stop_token|atomic|pthread\\.h|chrono|"
      "ctime|"
      "time\\.h|random|fstream|filesystem|iostream|boost/(asio|filesystem|thread|interprocess).*|"
      "absl/(time|synchronization|random)/.*|spdlog/.*|openssl/rand\\.h");
  return header;
}

// Calls and types that do so without a header of their own. Not after a letter, '.', '>' or ':':
// member functions and other namespaces' functions may have such names.
const std::regex& ImpureWord() {
  static const std::regex word(
      "(?:^|[^\\w.>:~]|[^\\w]::|\\bstd::)"
      "((?:time|clock|clock_gettime|gettimeofday|localtime|localtime_r|gmtime|gmtime_r|mktime|rand|"
      "srand|rand_r|random|srandom|drand48|getrandom|getentropy|arc4random|socket|bind|listen|"
      "accept|"
      "connect|recv|send|sendto|recvfrom|setsockopt|open|fopen|freopen|creat|fsync|fdatasync|mmap|"
      "sleep|usleep|nanosleep|fork|execve|system|popen|getenv|getpid|kill|raise|signal)\\s*\\("
      "|(?:random_device|mt19937|mt19937_64|this_thread|jthread|mutex|atomic)\\b"
      "|thread_local\\b)");
  return word;
}

// Whether what comes before a name makes it the name of a variable: "const Digits time(now_ms)".
bool IsDeclaration(const std::string& before) {
  static const std::regex type("(?:^|.*\\W)([A-Za-z_]\\w*)[&*>]*\\s+[&*]*");
  std::smatch match;
  return std::regex_match(before, match, type) && match[1] != "return" && match[1] != "else" &&
         match[1] != "throw" && match[1] != "case";
}

// The source without comments, and with the insides of strings and character literals blanked, but
// for the names in #include lines; line numbers stay.
std::string WithoutComments(std::string_view source) {
  std::string out;
  bool include_line = false;
  for (size_t i = 0; i < source.size(); ++i) {
    const std::string_view rest = source.substr(i);
    if (source[i] == '#') include_line = true;
    if (source[i] == '\n') include_line = false;
    if (rest.starts_with("//")) {
      while (i + 1 < source.size() && source[i + 1] != '\n') ++i;
    } else if (rest.starts_with("/*")) {
      for (i += 2; i < source.size() && !source.substr(i).starts_with("*/"); ++i) {
        if (source[i] == '\n') out += '\n';
      }
      ++i;
    } else if (rest.starts_with("R\"") && !include_line) {
      const size_t open = source.find('(', i);
      const std::string close = ")" + std::string(source.substr(i + 2, open - i - 2)) + "\"";
      const size_t end = std::min(source.find(close, open), source.size() - close.size());
      out.append(static_cast<size_t>(
                     std::count(rest.begin(), rest.begin() + static_cast<long>(end - i), '\n')),
                 '\n');
      i = end + close.size() - 1;
    } else if ((source[i] == '"' && !include_line) ||
               (source[i] == '\'' &&
                (i == 0 || std::isalnum(static_cast<unsigned char>(source[i - 1])) == 0))) {
      const char quote = source[i];
      out += quote;
      for (++i; i < source.size() && source[i] != quote; ++i) {
        if (source[i] == '\\') ++i;
      }
      out += quote;
    } else {
      out += source[i];
    }
  }
  return out;
}

// What is wrong with one file; `path` is for the messages.
std::vector<std::string> Violations(const std::string& folder, const std::string& path,
                                    std::string_view source) {
  static const std::regex include(R"re(^\s*#\s*include\s*(["<])([^">]+)[">])re");
  std::vector<std::string> found;
  std::istringstream lines(WithoutComments(source));
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string where = path + ":" + std::to_string(++number) + ": ";
    std::smatch match;
    if (std::regex_search(line, match, include)) {
      const std::string name = match[2];
      if (match[1] == "\"") {
        const std::string from = name.substr(0, name.find('/'));
        if (name.find('/') == std::string::npos || AllowedIncludes().at(folder).count(from) == 0) {
          found.push_back(where + folder + " may not include \"" + name + "\"");
        }
      } else if (IsPure(folder) && std::regex_match(name, ImpureHeader())) {
        found.push_back(where + folder + " may not include <" + name + ">");
      }
    } else if (IsPure(folder) && std::regex_search(line, match, ImpureWord()) &&
               !(match[1].str().back() == '(' &&
                 IsDeclaration(line.substr(0, static_cast<size_t>(match.position(1)))))) {
      found.push_back(where + folder + " may not use " + match[1].str());
    }
  }
  return found;
}

std::string Join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

TEST(Structure, FoldersKeepTheirDirections) {
  const fs::path root = UNDERSTUDY_SOURCE_DIR;
  for (const auto& [folder, allowed] : AllowedIncludes()) {
    int files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc") continue;
      ++files;
      std::ifstream in(entry.path());
      const std::string source{std::istreambuf_iterator<char>(in), {}};
      EXPECT_EQ(Join(Violations(folder, fs::relative(entry.path(), root), source)), "");
    }
    EXPECT_GT(files, 3) << folder;
  }
}

TEST(Structure, PlantedViolationsAreSeen) {
  const std::vector<std::pair<std::string, std::string>> planted = {
      {"protocol", "#include \"targets/machine.h\"\n"},
      {"protocol", "#include \"server/node.h\"\n"},
      {"cluster", "#include \"protocol/resp_parser.h\"\n"},
      {"cluster", "  #  include \"targets/machine.h\"\n"},
      {"cluster", "#include \"member.h\"\n"},
      {"targets", "#include \"cluster/member.h\"\n"},
      {"targets", "#include \"server/node.h\"\n"},
      {"server", "#include \"tests/bench/latency_histogram.h\"\n"},
      {"cluster", "#include <chrono>\n"},
      {"cluster", "#include <sys/socket.h>\n"},
      {"targets", "#include <thread>\n"},
      {"targets", "#include <random>\n"},
      {"targets", "#include <event2/event.h>\n"},
      {"targets", "#include <fstream>\n"},
      {"targets", "auto now = time(nullptr);\n"},
      {"targets", "auto now = std::time(nullptr);\n"},
      {"targets", "auto now = ::time(nullptr);\n"},
      {"targets", "return time(nullptr);\n"},
      {"cluster", "clock_gettime(CLOCK_BOOTTIME, &t);\n"},
      {"cluster", "int x = rand() % 6;\n"},
      {"cluster", "std::random_device device;\n"},
      {"cluster", "static thread_local int x;\n"},
      {"protocol", "int fd = open(path, O_RDONLY);\n"},
      {"targets", "std::atomic<int> count;\n"},
      {"targets", "/* a comment */ std::this_thread::yield();\n"},
  };
  for (const auto& [folder, source] : planted) {
    EXPECT_EQ(Violations(folder, "planted.cc", source).size(), 1u) << folder << ": " << source;
  }
}

TEST(Structure, WhatIsAllowedIsNotReported) {
  const std::vector<std::pair<std::string, std::string>> fine = {
      {"protocol", "#include \"protocol/numbers.h\"\n#include <string>\n"},
      {"targets", "#include \"protocol/reply_writer.h\"\n#include \"targets/machine.h\"\n"},
      {"server",
       "#include \"cluster/member.h\"\n#include <sys/socket.h>\nauto t = time(nullptr);\n"},
      {"cluster", "// #include <chrono> and time() are an argument here\n"},
      {"cluster", "/* rand()\n   time() */ int x;\n"},
      {"targets", "reply.Text(\"time(\"); reply->time(); entry.time(1); Clock::time(2);\n"},
      {"targets", "int64_t last_time(int x); void Send(int x); bool is_open(int x);\n"},
      {"targets", "const Digits time(context.now_ms);\n"},
      {"targets", "const char* text = R\"x(rand() time())x\";\n"},
      {"targets", "char c = '\"'; const int big = 1'000'000; // \"\n"},
  };
  for (const auto& [folder, source] : fine) {
    EXPECT_EQ(Join(Violations(folder, "fine.cc", source)), "") << folder << ": " << source;
  }
}

}  // namespace
}  // namespace understudy
