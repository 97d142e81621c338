#include <gtest/gtest.h>

#include "server/options.h"
#include "server/parameters.h"
#include "tests/server_files.h"

namespace understudy::server {
namespace {

using Action = CommandLine::Action;
using Strings = std::vector<std::string>;

CommandLine Parse(const Strings& arguments) {
  CommandLine out;
  std::string error;
  EXPECT_TRUE(ParseCommandLine(arguments, &out, &error)) << error;
  return out;
}

std::string ErrorOf(const Strings& arguments) {
  CommandLine out;
  std::string error;
  EXPECT_FALSE(ParseCommandLine(arguments, &out, &error));
  EXPECT_EQ(error.find('\n'), std::string::npos);
  return error;
}

TEST(Options, DefaultsAreThoseOfTheHelp) {
  const std::string here = std::filesystem::current_path().string();
  CommandLine line = Parse({});
  EXPECT_EQ(line.action, Action::kRun);
  EXPECT_EQ(line.options.port, 6379);
  EXPECT_EQ(line.options.name, "node-6379");
  EXPECT_EQ(line.options.dir, here);
  EXPECT_TRUE(line.options.appendonly);
  EXPECT_EQ(line.options.appendfsync, FsyncPolicy::kAlways);
  EXPECT_EQ(line.config_file, "");
  const std::string help = HelpText();
  for (const Parameter& row : Parameters()) {
    bool described = help.find("--" + std::string(row.name) + " ") != std::string::npos;
    EXPECT_EQ(described, !row.fixed() && !row.kept()) << row.name;
  }
  for (size_t begin = 0; begin < help.size();) {
    size_t end = help.find('\n', begin);
    EXPECT_LE(end - begin, 100u) << help.substr(begin, end - begin);
    begin = end + 1;
  }
}

TEST(Options, CommandLine) {
  const std::string here = std::filesystem::current_path().string();
  Options options = Parse({"--port",
                           "7001",
                           "--name",
                           "node1",
                           "--dir",
                           "data/node1/",
                           "--bind",
                           "127.0.0.1",
                           "-::1",
                           "--join",
                           "a:1,[::1]:2",
                           "--appendfsync",
                           "EVERYSEC",
                           "--appendonly=no",
                           "--maxmemory",
                           "1gb",
                           "--proto-max-bulk-len",
                           "2m",
                           "--logfile",
                           "node.log",
                           "--pidfile",
                           "/run/x.pid",
                           "--reads",
                           "quorum",
                           "--trust-refusal",
                           "no",
                           "--loglevel",
                           "debug"})
                        .options;
  EXPECT_EQ(options.port, 7001);
  EXPECT_EQ(options.name, "node1");
  EXPECT_EQ(options.dir, here + "/data/node1");
  EXPECT_EQ(options.bind, (Strings{"127.0.0.1", "-::1"}));
  EXPECT_EQ(options.join, (Strings{"a:1", "[::1]:2"}));
  EXPECT_EQ(options.appendfsync, FsyncPolicy::kEverySecond);
  EXPECT_FALSE(options.appendonly);
  EXPECT_EQ(options.maxmemory, 1 << 30);
  EXPECT_EQ(options.proto_max_bulk_len, 2000000);
  EXPECT_EQ(options.logfile, here + "/data/node1/node.log");
  EXPECT_EQ(options.pidfile, "/run/x.pid");
  EXPECT_EQ(options.reads, ReadMode::kQuorum);
  EXPECT_FALSE(options.trust_refusal);
  EXPECT_EQ(options.loglevel, Logger::Level::kDebug);

  EXPECT_EQ(Parse({"--port", "1", "--port", "2"}).options.port, 2);  // the last one wins
  EXPECT_EQ(Parse({"--requirepass", ""}).options.requirepass, "");
  EXPECT_EQ(Parse({"--requirepass=--x"}).options.requirepass, "--x");
  EXPECT_EQ(Parse({"--save", ""}).action, Action::kRun);
  EXPECT_EQ(Parse({"--hz", "9999"}).options.hz, 500);  // as Redis
}

TEST(Options, Actions) {
  EXPECT_EQ(Parse({"--help"}).action, Action::kHelp);
  EXPECT_EQ(Parse({"-h"}).action, Action::kHelp);
  EXPECT_EQ(Parse({"--version"}).action, Action::kVersion);
  EXPECT_EQ(Parse({"-v"}).action, Action::kVersion);
  EXPECT_EQ(Parse({"--print-commands"}).action, Action::kPrintCommands);
  CommandLine inspect = Parse({"--inspect-log", "data/node1"});
  EXPECT_EQ(inspect.action, Action::kInspectLog);
  EXPECT_EQ(inspect.inspect_dir, "data/node1");
  EXPECT_TRUE(VersionText().starts_with("Understudy v=0."));
  EXPECT_EQ(HelpText().find("print-commands"), std::string::npos);
}

TEST(Options, BadCommandLines) {
  EXPECT_EQ(ErrorOf({"--foo", "1"}), "Unknown option '--foo'");
  EXPECT_EQ(ErrorOf({"-p", "1"}), "Unknown option '-p'");
  EXPECT_EQ(ErrorOf({"--por", "1"}), "Unknown option '--por'");
  EXPECT_EQ(ErrorOf({"--port"}), "the required argument for option '--port' is missing");
  EXPECT_EQ(ErrorOf({"--port", "x"}),
            "Bad option '--port': argument couldn't be parsed into an integer");
  EXPECT_EQ(ErrorOf({"--port", "70000"}),
            "Bad option '--port': argument must be between 0 and 65535 inclusive");
  EXPECT_EQ(ErrorOf({"--appendonly", "maybe"}),
            "Bad option '--appendonly': argument must be 'yes' or 'no'");
  EXPECT_EQ(ErrorOf({"--maxmemory", "1tb"}),
            "Bad option '--maxmemory': argument must be a memory value");
  EXPECT_EQ(ErrorOf({"--appendfsync", "often"}),
            "Bad option '--appendfsync': argument(s) must be one of the following: everysec, "
            "always, no");
  EXPECT_EQ(ErrorOf({"--unixsocket", "x y"}), "Bad option '--unixsocket': only an empty value is supported");
  EXPECT_EQ(ErrorOf({"--join", "host"}), "Bad option '--join': argument must be host:port");
  EXPECT_EQ(ErrorOf({"--join", "host:0"}), "Bad option '--join': argument must be host:port");
  EXPECT_EQ(ErrorOf({"--name", "a b"}),
            "Bad option '--name': argument must be 1 to 64 letters, digits, '-', '_' or '.'");
  EXPECT_EQ(ErrorOf({"a.conf", "b.conf"}), "More than one configuration file is named");
  EXPECT_EQ(ErrorOf({"/no/such.conf"}),
            "Can't open the configuration file /no/such.conf: No such file or directory");
  ErrorOf({"--requirepass", std::string(600, 'x')});
  ErrorOf({"--logfile", "a\nb"});
}

TEST(Options, ConfigFile) {
  TemporaryDirectory dir;
  WriteFile(dir / "more.conf", "databases 4\nmaxclients 5\n");
  WriteFile(dir / "node.conf",
            "# a comment\n"
            "\n"
            "  PORT 7009   \r\n"
            "requirepass \"p\\\"w \\x41#\"\n"
            "masterauth 'it\\'s'\n"
            "bind 127.0.0.1 -::1\n"
            "client-output-buffer-limit normal 1mb 512kb 60\n"
            "client-output-buffer-limit replica 2mb 0 0\n"
            "maxclients 1\n"
            "save \"\"\n"
            "include " +
                (dir / "more.conf") +
                "\n"
                "timeout 10\n");
  CommandLine line = Parse({dir / "node.conf", "--timeout", "20"});
  EXPECT_EQ(line.config_file, dir / "node.conf");
  const Options& options = line.options;
  EXPECT_EQ(options.port, 7009);
  EXPECT_EQ(options.requirepass, "p\"w A#");
  EXPECT_EQ(options.masterauth, "it's");
  EXPECT_EQ(options.PeerPassword(), "it's");
  EXPECT_EQ(options.databases, 4);
  EXPECT_EQ(options.maxclients, 5);
  EXPECT_EQ(options.timeout_s, 20);
  EXPECT_EQ(options.client_output_buffer_limit[0], (OutputLimit{1 << 20, 512 << 10, 60}));
  EXPECT_EQ(options.client_output_buffer_limit[1], (OutputLimit{2 << 20, 0, 0}));
}

TEST(Options, BadConfigFilesAreNamedWithTheLine) {
  TemporaryDirectory dir;
  const std::string path = dir / "node.conf";
  auto error_of = [&](const std::string& text) {
    WriteFile(path, text);
    return ErrorOf({path});
  };
  EXPECT_EQ(error_of("port 1\nfoo 1\n"), path + ":2: Unknown option 'foo'");
  EXPECT_EQ(error_of("port\n"), path + ":1: port: wrong number of arguments");
  EXPECT_EQ(error_of("port 1 2\n"), path + ":1: port: wrong number of arguments");
  EXPECT_EQ(error_of("\n\nport \"1\n"), path + ":3: Unbalanced quotes in configuration line");
  EXPECT_EQ(error_of("port 'a'b\n"), path + ":1: Unbalanced quotes in configuration line");
  EXPECT_EQ(error_of("maxmemory -1\n"), path + ":1: maxmemory: argument must be a memory value");
  EXPECT_NE(error_of("include " + path + "\n").find("too deeply"), std::string::npos);
  EXPECT_NE(error_of("include /no/such\n").find("/no/such"), std::string::npos);
  ErrorOf({dir.path()});  // a directory
}

TEST(Options, WordsOfALine) {
  Strings words;
  auto split = [&](const std::string& line) {
    EXPECT_TRUE(SplitConfigLine(line, &words)) << line;
    return words;
  };
  EXPECT_EQ(split(""), Strings());
  EXPECT_EQ(split(" a  b\t"), (Strings{"a", "b"}));
  EXPECT_EQ(split("a \"\" ''"), (Strings{"a", "", ""}));
  EXPECT_EQ(split(R"("\n\r\t\b\a\\\x00\xfg\q")"), Strings{std::string("\n\r\t\b\a\\\0xfgq", 11)});
  EXPECT_EQ(split(R"('\n\'')"), Strings{"\\n'"});
  EXPECT_EQ(split("a #b"), (Strings{"a", "#b"}));
  for (const char* bad : {"\"", "'", "\"a", "\"a\\", "'a\\'", "\"a\"b"}) {
    EXPECT_FALSE(SplitConfigLine(bad, &words)) << bad;
  }
  for (std::string word : {std::string("plain"), std::string(), std::string("a b"),
                           std::string("#x"), std::string("\"'\\"), std::string("\0\n\xff", 3)}) {
    EXPECT_EQ(split("name " + QuoteConfigWord(word)), (Strings{"name", word}));
  }
  EXPECT_EQ(QuoteConfigWord("plain"), "plain");
}

TEST(Options, MemoryUnits) {
  int64_t bytes = 0;
  auto parse = [&](const char* text) { return ParseMemory(text, &bytes) ? bytes : -1; };
  EXPECT_EQ(parse("0"), 0);
  EXPECT_EQ(parse("100"), 100);
  EXPECT_EQ(parse("1b"), 1);
  EXPECT_EQ(parse("1k"), 1000);
  EXPECT_EQ(parse("1kb"), 1024);
  EXPECT_EQ(parse("3M"), 3000000);
  EXPECT_EQ(parse("3MB"), 3 << 20);
  EXPECT_EQ(parse("2g"), 2000000000);
  EXPECT_EQ(parse("2Gb"), 2ll << 30);
  for (const char* bad : {"", "x", "kb", "-1", "1.5gb", "1 kb", "1tb", "1kbb",
                          "9223372036854775808", "9223372036854775807kb", "0x10"}) {
    EXPECT_EQ(parse(bad), -1) << bad;
  }
}

}  // namespace
}  // namespace understudy::server
