#include <gtest/gtest.h>

#include "server/config.h"
#include "server/parameters.h"
#include "tests/server_files.h"

namespace understudy::server {
namespace {

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    Options options;
    options.name = "node1";
    Config::Hooks hooks;
    hooks.apply = [this](const Options& before, const Options& after, std::string* parameter,
                         std::string* why) {
      applied_++;
      before_ = before;
      after_ = after;
      if (refuse_.empty()) return true;
      *parameter = refuse_;
      *why = "no";
      return false;
    };
    hooks.reset_statistics = [this] { resets_++; };
    config_ = std::make_unique<Config>(options, dir_ / "node.conf", hooks);
  }

  std::string Command(std::vector<std::string_view> args, int resp = 2) {
    std::string out;
    protocol::ReplyWriter reply(&out, resp);
    args.insert(args.begin(), "config");
    ReplyToConfigCommand(config_.get(), args, &reply);
    return out;
  }
  std::string Value(std::string_view name) {
    auto found = config_->Get({&name, 1});
    return found.size() == 1 ? found[0].second : "(" + std::to_string(found.size()) + " found)";
  }

  TemporaryDirectory dir_;
  std::unique_ptr<Config> config_;
  int applied_ = 0, resets_ = 0;
  Options before_, after_;
  std::string refuse_;
};

TEST_F(ConfigTest, Get) {
  EXPECT_EQ(Command({"get", "port"}), "*2\r\n$4\r\nport\r\n$4\r\n6379\r\n");
  EXPECT_EQ(Command({"GET", "PORT"}, 3), "%1\r\n$4\r\nPORT\r\n$4\r\n6379\r\n");
  EXPECT_EQ(Command({"get", "nothing"}), "*0\r\n");
  EXPECT_EQ(Command({"get", "save", "save", "s[a]ve"}), "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
  EXPECT_EQ(Command({"get", "append*"}),
            "*4\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n$11\r\nappendfsync\r\n$6\r\nalways\r\n");
  EXPECT_EQ(Value("maxmemory-policy"), "noeviction");
  EXPECT_EQ(Value("bind"), "127.0.0.1 -::1");
  EXPECT_EQ(Value("client-output-buffer-limit"),
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60");
  std::string_view all = "*";
  EXPECT_EQ(config_->Get({&all, 1}).size(), Parameters().size());
}

TEST_F(ConfigTest, SetChangesWhatMayBeChanged) {
  EXPECT_EQ(Command({"set", "maxclients", "7", "TIMEOUT", "5", "maxmemory", "1kb"}), "+OK\r\n");
  EXPECT_EQ(applied_, 1);
  EXPECT_EQ(before_.maxclients, 10000);
  EXPECT_EQ(after_.maxclients, 7);
  EXPECT_EQ(config_->options().timeout_s, 5);
  EXPECT_EQ(Value("maxmemory"), "1024");
  EXPECT_EQ(Command({"set", "client-output-buffer-limit", "normal 1kb 2 3  pubsub 4 5 6"}),
            "+OK\r\n");
  EXPECT_EQ(Value("client-output-buffer-limit"),
            "normal 1024 2 3 slave 268435456 67108864 60 pubsub 4 5 6");
  EXPECT_EQ(Command({"set", "requirepass", "a b"}), "+OK\r\n");
  EXPECT_EQ(config_->options().requirepass, "a b");
  EXPECT_EQ(Command({"set", "hz", "0"}), "+OK\r\n");
  EXPECT_EQ(Value("hz"), "1");
}

// Names of before Redis 7 are the same parameters, shown only when asked for.
TEST_F(ConfigTest, AnOlderNameStandsForTheNewOne) {
  EXPECT_EQ(Command({"set", "hash-max-ziplist-entries", "7"}), "+OK\r\n");
  EXPECT_EQ(after_.hash_max_listpack_entries, 7);
  EXPECT_EQ(Value("hash-max-listpack-entries"), "7");
  EXPECT_EQ(Command({"get", "zset-max-ziplist-value"}),
            "*2\r\n$22\r\nzset-max-ziplist-value\r\n$2\r\n64\r\n");
  EXPECT_EQ(Command({"get", "zset-max-z*"}), "*0\r\n");
  EXPECT_EQ(Command({"set", "hash-max-ziplist-entries", "1", "hash-max-listpack-entries", "2"}),
            "-ERR CONFIG SET failed (possibly related to argument 'hash-max-listpack-entries') - "
            "duplicate parameter\r\n");
}

// Words taken from redis-server 7.0's replies.
TEST_F(ConfigTest, SetRefusesInRedisWords) {
  auto failed = [](const std::string& name, const std::string& why) {
    return "-ERR CONFIG SET failed (possibly related to argument '" + name + "') - " + why + "\r\n";
  };
  EXPECT_EQ(Command({"set", "foo", "1"}),
            "-ERR Unknown option or number of arguments for CONFIG SET - 'foo'\r\n");
  EXPECT_EQ(Command({"set", "hz", "20", "foo", "1"}),
            "-ERR Unknown option or number of arguments for CONFIG SET - 'foo'\r\n");
  EXPECT_EQ(Command({"set", "hz", "5", "hz", "6"}), failed("hz", "duplicate parameter"));
  EXPECT_EQ(Command({"set", "hz", "5", "timeout"}), "-ERR syntax error\r\n");
  EXPECT_EQ(Command({"set", "databases", "3"}), failed("databases", "can't set immutable config"));
  EXPECT_EQ(Command({"set", "maxmemory", "10xx"}),
            failed("maxmemory", "argument must be a memory value"));
  EXPECT_EQ(Command({"set", "maxclients", "-1"}),
            failed("maxclients", "argument must be between 1 and 4294967295 inclusive"));
  EXPECT_EQ(Command({"set", "proto-max-bulk-len", "1"}),
            failed("proto-max-bulk-len",
                   "argument must be between 1048576 and 9223372036854775807 inclusive"));
  EXPECT_EQ(Command({"set", "tcp-keepalive", "0x10"}),
            failed("tcp-keepalive", "argument couldn't be parsed into an integer"));
  EXPECT_EQ(Command({"set", "loglevel", "loud"}),
            failed("loglevel",
                   "argument(s) must be one of the following: debug, verbose, notice, "
                   "warning"));
  EXPECT_EQ(Command({"set", "client-output-buffer-limit", "x"}),
            failed("client-output-buffer-limit",
                   "Wrong number of arguments in buffer limit configuration."));
  EXPECT_EQ(Command({"set", "client-output-buffer-limit", "normal a 1 1"}),
            failed("client-output-buffer-limit",
                   "Error in hard, soft or soft_seconds setting in buffer limit configuration."));
  EXPECT_EQ(Command({"set", "client-output-buffer-limit", "foo 1 1 1"}),
            failed("client-output-buffer-limit",
                   "Invalid client class specified in buffer limit configuration."));
  EXPECT_EQ(applied_, 0);
}

TEST_F(ConfigTest, AllOrNothing) {
  EXPECT_NE(Command({"set", "maxclients", "7", "timeout", "x"}), "+OK\r\n");
  EXPECT_EQ(config_->options().maxclients, 10000);
  refuse_ = "timeout";
  EXPECT_EQ(Command({"set", "maxclients", "7", "timeout", "5"}),
            "-ERR CONFIG SET failed (possibly related to argument 'timeout') - no\r\n");
  EXPECT_EQ(config_->options().maxclients, 10000);
  EXPECT_EQ(config_->options().timeout_s, 0);
}

// Clients set these to what they are here anyway, and may not set them to anything else.
TEST_F(ConfigTest, FixedParametersAcceptTheirOnlyValue) {
  EXPECT_EQ(Command({"set", "io-threads", "1"}), "+OK\r\n");
  EXPECT_EQ(Command({"set", "tls-port", "0"}), "+OK\r\n");
  EXPECT_EQ(Command({"set", "io-threads", "4"}),
            "-ERR CONFIG SET failed (possibly related to argument 'io-threads') - can't set "
            "immutable config\r\n");
}

TEST_F(ConfigTest, AParameterThatCantChangeAcceptsTheValueItHas) {
  EXPECT_EQ(Command({"set", "databases", "16"}), "+OK\r\n");
  EXPECT_EQ(Command({"set", "appendonly", "yes"}), "+OK\r\n");
}

// They decide nothing here: checked, kept, shown.
TEST_F(ConfigTest, KeptParameters) {
  EXPECT_EQ(Command({"get", "save"}), "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
  EXPECT_EQ(Command({"set", "save", "900 1 300 10"}), "+OK\r\n");
  EXPECT_EQ(Command({"get", "save"}), "*2\r\n$4\r\nsave\r\n$12\r\n900 1 300 10\r\n");
  EXPECT_EQ(Command({"set", "repl-timeout", "soon"}),
            "-ERR CONFIG SET failed (possibly related to argument 'repl-timeout') - argument "
            "couldn't be parsed into an integer\r\n");
  EXPECT_EQ(Command({"get", "repl-timeout"}), "*2\r\n$12\r\nrepl-timeout\r\n$2\r\n60\r\n");
}

TEST_F(ConfigTest, OtherSubcommands) {
  EXPECT_EQ(Command({"resetstat"}), "+OK\r\n");
  EXPECT_EQ(resets_, 1);
  EXPECT_TRUE(Command({"help"}).starts_with("*11\r\n+CONFIG <subcommand>"));
  for (std::vector<std::string_view> args :
       {std::vector<std::string_view>{}, {"foo"}, {"get"}, {"set", "hz"}, {"rewrite", "x"}}) {
    EXPECT_TRUE(Command(args).starts_with("-ERR "));
  }
}

TEST_F(ConfigTest, RewriteKeepsWhatPeopleWrote) {
  WriteFile(dir_ / "node.conf",
            "# My node\n"
            "port 6379\n"
            "\n"
            "  maxclients   100 # not a comment: Redis knows none here\n"
            "timeout 1\n"
            "timeout 2\n"
            "save \"\"\n"
            "include other.conf\n");
  EXPECT_EQ(Command({"set", "maxclients", "7", "requirepass", "a \"b\"", "timeout", "9"}),
            "+OK\r\n");
  EXPECT_EQ(Command({"rewrite"}), "+OK\r\n");
  EXPECT_EQ(ReadFile(dir_ / "node.conf"),
            "# My node\n"
            "port 6379\n"
            "\n"
            "maxclients 7\n"
            "timeout 9\n"
            "save \"\"\n"
            "include other.conf\n"
            "# Generated by CONFIG REWRITE\n"
            "name node1\n"
            "requirepass \"a \\\"b\\\"\"\n");
  // Again: nothing grows; and what was written is read back.
  EXPECT_EQ(Command({"set", "requirepass", "c", "hz", "20"}), "+OK\r\n");
  EXPECT_EQ(Command({"rewrite"}), "+OK\r\n");
  const std::string text = ReadFile(dir_ / "node.conf");
  EXPECT_TRUE(text.ends_with("# Generated by CONFIG REWRITE\nname node1\nrequirepass c\nhz 20\n"))
      << text;
  EXPECT_EQ(dir_.Names(), std::vector<std::string>{"node.conf"});
}

TEST_F(ConfigTest, WhatRewriteWritesIsReadBack) {
  ASSERT_EQ(Command({"set", "maxclients", "7", "requirepass", "pass\xff word'", "loglevel", "debug",
                     "client-output-buffer-limit", "normal 1 2 3", "masterauth", "x", "reads",
                     "quorum", "maxmemory", "1gb"}),
            "+OK\r\n");
  ASSERT_EQ(Command({"rewrite"}), "+OK\r\n");
  CommandLine line;
  std::string error;
  ASSERT_TRUE(ParseCommandLine({dir_ / "node.conf"}, &line, &error)) << error;
  for (const Parameter& row : Parameters()) {
    if (row.name == "dir") continue;  // becomes absolute
    EXPECT_EQ(FormatParameter(row, line.options), FormatParameter(row, config_->options()))
        << row.name;
  }
}

TEST_F(ConfigTest, RewriteWithoutAFile) {
  config_ = std::make_unique<Config>(Options(), "", Config::Hooks());
  EXPECT_EQ(Command({"rewrite"}), "-ERR The server is running without a config file\r\n");
  EXPECT_EQ(Command({"set", "hz", "20"}), "+OK\r\n");
  config_ = std::make_unique<Config>(Options(), dir_ / "none/node.conf", Config::Hooks());
  EXPECT_TRUE(Command({"rewrite"}).starts_with("-ERR Rewriting config file: "));
}

// Every parameter's shown value is one that it accepts.
TEST_F(ConfigTest, EveryParameterTakesItsOwnValue) {
  for (const Parameter& row : Parameters()) {
    Options options = config_->options();
    std::string why;
    EXPECT_TRUE(SetParameter(row, ParameterWords(row, options), &options, &why))
        << row.name << ": " << why;
    EXPECT_EQ(FormatParameter(row, options), FormatParameter(row, config_->options())) << row.name;
    EXPECT_EQ(FindParameter(row.name), &row);
  }
}

}  // namespace
}  // namespace understudy::server
