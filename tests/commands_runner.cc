// Runs scripts of commands and expected replies (tests/commands/*.txt) against a server.
//
//   commands_runner --port N [--port N ...] [--host H] [--resp3] [--server redis|understudy]
//                   [--version V] [--rewrite] file...
//
// A script:
//   # comment                       ends an expectation, like an empty line
//   > SET key "a\x00b"              a request, quoted as in redis-cli
//   OK                              its reply, as redis-cli shows it (see resp_client.h)
//   B> GET key                      the same on another connection, named B (letters first)
//   B<                              B must receive a push next (RESP2: a pub/sub message)
//   resp3:                          what follows is expected instead in RESP3
//   # unordered                     next reply: elements of arrays of strings in any order
//   # sleep 20                      waits so many milliseconds
//   # since: 7.2    # before: 7.2   the next request is only for such versions of Redis
//   # one port                      connections made from here on go to the first port
//   # only: understudy|redis        until "# all": only for that server
//   # needs: rpush                  until "# all": only if the server has that command
// In expected lines {*} stands for any text and {5..10} for an integer in that range; in both
// requests and expectations %{ab*100} is a hundred times ab, and %{run} a word that is another one
// in each run (for state that FLUSHALL leaves). Each file begins with fresh connections and
// FLUSHALL. With several ports, connection after connection takes the next one, and CONFIG SET goes
// to all of them.
//
// --rewrite puts the replies received in the place of expectations that don't match: look at the
// difference before keeping it. Exit status: 0 if all is as expected, 1 if not, 2 on bad usage.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/resp_client.h"

namespace {

using namespace understudy;  // NOLINT: a program of one file
using Lines = std::vector<std::string>;

// ---- scripts ----

// A line, or a request with what is expected of it.
struct Item {
  int line = 0;
  std::string text;   // as in the file
  bool step = false;  // a request, or waiting for a push
  bool push = false;
  std::string connection;
  std::string request;
  Lines expected;
  std::optional<Lines> expected3;
};

bool ParsePrompt(const std::string& line, Item* item) {
  size_t end = 0;
  while (end < line.size() && std::isalnum(static_cast<unsigned char>(line[end]))) ++end;
  // "1> " begins the first element of a push.
  if (end == line.size() || std::isdigit(static_cast<unsigned char>(line[0]))) return false;
  item->connection = line.substr(0, end);
  item->push = line[end] == '<' && end + 1 == line.size();
  if (!item->push && line.compare(end, 2, "> ") != 0) return false;
  if (!item->push) item->request = line.substr(end + 2);
  return item->step = true;
}

std::vector<Item> ReadScript(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw Failure("can't read the file");
  std::vector<Item> items;
  Lines* expectation = nullptr;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    Item item;
    item.line = number;
    item.text = line;
    if (line == "resp3:" && !items.empty() && items.back().step) {
      items.back().expected3.emplace();
      expectation = &*items.back().expected3;
    } else if (line.empty() || line[0] == '#') {
      items.push_back(item);
      expectation = nullptr;
    } else if (ParsePrompt(line, &item)) {
      items.push_back(item);
      expectation = &items.back().expected;
    } else if (expectation != nullptr) {
      expectation->push_back(line);
    } else {
      throw Failure("line " + std::to_string(number) + " belongs to no request");
    }
  }
  return items;
}

void WriteScript(const std::string& path, const std::vector<Item>& items) {
  std::ofstream out(path);
  for (const Item& item : items) {
    out << item.text << '\n';
    for (const std::string& line : item.expected) out << line << '\n';
    if (!item.expected3) continue;
    out << "resp3:\n";
    for (const std::string& line : *item.expected3) out << line << '\n';
  }
}

// Replaces %{text*count} and %{run}.
std::string Expand(std::string_view line) {
  static const std::string run =
      std::to_string(std::chrono::system_clock::now().time_since_epoch().count() / 1000);
  constexpr std::string_view kRun = "%{run}";
  std::string with_run(line);
  for (size_t at; (at = with_run.find(kRun)) != std::string::npos;) {
    with_run.replace(at, kRun.size(), run);
  }
  std::string_view text = with_run;
  std::string out;
  while (!text.empty()) {
    const size_t begin = text.find("%{");
    const size_t star = begin == text.npos ? text.npos : text.find('*', begin);
    const size_t end = star == text.npos ? text.npos : text.find('}', star);
    if (end == text.npos) break;
    out += text.substr(0, begin);
    const std::string_view part = text.substr(begin + 2, star - begin - 2);
    const long count = std::strtol(std::string(text.substr(star + 1)).c_str(), nullptr, 10);
    for (long i = 0; i < count; ++i) out += part;
    text.remove_prefix(end + 1);
  }
  return out + std::string(text);
}

// Splits a request as redis-cli does.
std::vector<std::string> SplitArguments(std::string_view line) {
  std::vector<std::string> args;
  size_t i = 0;
  const auto hex = [&line](size_t at) {
    int value = 0;
    std::from_chars(line.data() + at, line.data() + at + 2, value, 16);
    return static_cast<char>(value);
  };
  while (i < line.size()) {
    if (line[i] == ' ') {
      ++i;
      continue;
    }
    std::string arg;
    char quote = 0;
    for (; i < line.size() && (quote != 0 || line[i] != ' '); ++i) {
      const char c = line[i];
      const bool more = i + 1 < line.size();
      if (quote == 0 && (c == '"' || c == '\'')) {
        quote = c;
      } else if (c == quote) {
        quote = 0;
      } else if (quote == '"' && c == '\\' && i + 3 < line.size() && line[i + 1] == 'x') {
        arg += hex(i + 2);
        i += 3;
      } else if (quote == '"' && c == '\\' && more) {
        const char next = line[++i];
        arg += next == 'n'   ? '\n'
               : next == 'r' ? '\r'
               : next == 't' ? '\t'
               : next == 'b' ? '\b'
               : next == 'a' ? '\a'
                             : next;
      } else if (quote == '\'' && c == '\\' && more && line[i + 1] == '\'') {
        arg += line[++i];
      } else {
        arg += c;
      }
    }
    if (quote != 0) throw Failure("unbalanced quotes");
    args.push_back(std::move(arg));
  }
  return args;
}

// Does `text` match an expected line, with {*} and {a..b} in it?
bool LineMatches(std::string_view pattern, std::string_view text) {
  const size_t brace = pattern.find('{');
  if (brace == pattern.npos) return pattern == text;
  if (text.substr(0, brace) != pattern.substr(0, brace)) return false;
  pattern.remove_prefix(brace);
  text.remove_prefix(brace);
  if (pattern.substr(0, 3) == "{*}") {
    for (size_t skip = 0; skip <= text.size(); ++skip) {
      if (LineMatches(pattern.substr(3), text.substr(skip))) return true;
    }
    return false;
  }
  long low = 0, high = 0, value = 0;
  int length = 0;
  if (std::sscanf(std::string(pattern).c_str(), "{%ld..%ld}%n", &low, &high, &length) == 2 &&
      length > 0) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && value >= low && value <= high &&
           LineMatches(pattern.substr(static_cast<size_t>(length)),
                       text.substr(static_cast<size_t>(end - text.data())));
  }
  return !text.empty() && text[0] == '{' && LineMatches(pattern.substr(1), text.substr(1));
}

bool LinesMatch(const Lines& expected, const Lines& got) {
  return std::equal(expected.begin(), expected.end(), got.begin(), got.end(),
                    [](const std::string& pattern, const std::string& text) {
                      return LineMatches(Expand(pattern), text);
                    });
}

// ---- running ----

struct Options {
  std::string host = "127.0.0.1";
  std::vector<int> ports;
  bool resp3 = false;
  bool rewrite = false;
  std::string server = "understudy";
  std::string version;
  std::vector<std::string> files;
};

// Negative if version a is before b, by their numbers.
int CompareVersions(const std::string& a, const std::string& b) {
  int a_major = 0, a_minor = 0, b_major = 0, b_minor = 0;
  std::sscanf(a.c_str(), "%d.%d", &a_major, &a_minor);
  std::sscanf(b.c_str(), "%d.%d", &b_major, &b_minor);
  return a_major != b_major ? a_major - b_major : a_minor - b_minor;
}

class FileRun {
 public:
  FileRun(const Options& options, std::string path) : options_(options), path_(std::move(path)) {}

  // Returns how many steps didn't go as expected.
  int Run() {
    std::vector<Item> items;
    try {
      items = ReadScript(path_);
      ConnectionNamed("").Request({"FLUSHALL"});
      for (Item& item : items) {
        line_ = item.line;
        if (!item.step) {
          Directive(item.text);
        } else if (Wanted()) {
          Step(&item);
        }
        if (item.step) since_ = before_ = "";
      }
    } catch (const Failure& failure) {
      std::cout << path_ << ":" << line_ << ": " << failure.what() << "\n";
      return failures_ + 1;
    }
    if (options_.rewrite && failures_ > 0) WriteScript(path_, items);
    return failures_;
  }

  int steps() const { return steps_; }

 private:
  RespClient& ConnectionNamed(const std::string& name) {
    std::unique_ptr<RespClient>& connection = connections_[name];
    if (connection == nullptr) {
      const size_t number = connections_.size() - 1;
      const int port = options_.ports[one_port_ ? 0 : number % options_.ports.size()];
      connection = std::make_unique<RespClient>(options_.host, port, options_.resp3);
    }
    return *connection;
  }

  void Directive(const std::string& text) {
    const auto argument = [&text](std::string_view name) {
      return text.rfind(name, 0) == 0 ? text.substr(name.size()) : std::string();
    };
    if (text == "# unordered") unordered_ = true;
    if (text == "# one port") one_port_ = true;
    if (text == "# all") only_ = needs_ = "";
    if (const std::string ms = argument("# sleep "); !ms.empty() && Wanted()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(std::atoi(ms.c_str())));
    }
    if (const std::string server = argument("# only: "); !server.empty()) only_ = server;
    if (const std::string command = argument("# needs: "); !command.empty()) needs_ = command;
    if (const std::string version = argument("# since: "); !version.empty()) since_ = version;
    if (const std::string version = argument("# before: "); !version.empty()) before_ = version;
  }

  bool ServerHas(const std::string& command) {
    const Value info = ConnectionNamed("").Request({"COMMAND", "INFO", command});
    return info.elements.size() == 1 && !info.elements[0].elements.empty();
  }

  bool Wanted() {
    return (needs_.empty() || ServerHas(needs_)) && (only_.empty() || only_ == options_.server) &&
           (since_.empty() || CompareVersions(options_.version, since_) >= 0) &&
           (before_.empty() || CompareVersions(options_.version, before_) < 0);
  }

  void Step(Item* item) {
    ++steps_;
    RespClient& connection = ConnectionNamed(item->connection);
    Value value;
    if (item->push) {
      value = connection.NextPush();
    } else {
      const std::vector<std::string> args = SplitArguments(Expand(item->request));
      value = connection.Request(args);
      if (args.size() > 2 && args[0] == "CONFIG" && args[1] == "SET") SetElsewhere(args);
    }
    if (unordered_) SortTexts(&value);
    unordered_ = false;
    const Lines got = Render(value);
    const bool own3 = options_.resp3 && item->expected3.has_value();
    const Lines& expected = own3 ? *item->expected3 : item->expected;
    if (LinesMatch(expected, got)) return;
    ++failures_;
    if (options_.rewrite) {
      if (options_.resp3) {
        item->expected3 = got;
      } else {
        item->expected = got;
      }
      return;
    }
    std::cout << path_ << ":" << item->line << ": " << item->text.substr(0, 200) << "\n";
    Print("  expected: ", expected);
    Print("  received: ", got);
  }

  // A setting is each node's own; which of them executes a command isn't the script's business.
  void SetElsewhere(const std::vector<std::string>& args) {
    if (options_.ports.size() < 2) return;
    for (int port : options_.ports) {
      RespClient(options_.host, port, options_.resp3).Request(args);
    }
  }

  static void Print(std::string lead, const Lines& lines) {
    for (const std::string& line : lines) {
      std::cout << lead << line.substr(0, 500) << "\n";
      lead.assign(lead.size(), ' ');
    }
    if (lines.empty()) std::cout << lead << "nothing\n";
  }

  const Options& options_;
  std::string path_;
  std::map<std::string, std::unique_ptr<RespClient>> connections_;
  std::string only_, needs_, since_, before_;  // what the directives say; empty: nothing
  bool one_port_ = false;
  bool unordered_ = false;
  int line_ = 0;
  int steps_ = 0;
  int failures_ = 0;
};

bool ParseOptions(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool more = i + 1 < argc;
    if (word == "--resp3") {
      options->resp3 = true;
    } else if (word == "--rewrite") {
      options->rewrite = true;
    } else if (word == "--port" && more) {
      options->ports.push_back(std::atoi(argv[++i]));
    } else if (word == "--host" && more) {
      options->host = argv[++i];
    } else if (word == "--server" && more) {
      options->server = argv[++i];
    } else if (word == "--version" && more) {
      options->version = argv[++i];
    } else if (word.rfind("--", 0) == 0) {
      return false;
    } else {
      options->files.push_back(word);
    }
  }
  return !options->ports.empty() && !options->files.empty();
}

// What INFO says.
std::string ServerVersion(const Options& options) {
  RespClient connection(options.host, options.ports[0], false);
  const std::string info = connection.Request({"INFO", "server"}).text;
  const size_t at = info.find("redis_version:");
  if (at == std::string::npos) throw Failure("INFO says no redis_version");
  return info.substr(at + 14, info.find('\r', at) - at - 14);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!ParseOptions(argc, argv, &options)) {
    std::cerr << "usage: commands_runner --port N [--port N ...] [--host H] [--resp3]\n"
                 "         [--server redis|understudy] [--version V] [--rewrite] file...\n";
    return 2;
  }
  int steps = 0;
  int failures = 0;
  try {
    if (options.version.empty()) options.version = ServerVersion(options);
    for (const std::string& file : options.files) {
      FileRun run(options, file);
      failures += run.Run();
      steps += run.steps();
    }
  } catch (const Failure& failure) {
    std::cout << failure.what() << "\n";
    return 1;
  }
  std::cout << steps << " requests in " << options.files.size() << " files, RESP"
            << (options.resp3 ? 3 : 2) << ", version " << options.version << ": " << failures
            << (options.rewrite ? " rewritten\n" : " not as expected\n");
  return failures == 0 ? 0 : 1;
}
