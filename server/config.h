// The node's configuration while it runs: CONFIG GET, SET, REWRITE.
// Source: https://redis.io/docs/latest/commands/config-set/ and its neighbours.
//
// Invariants:
//  1. CONFIG SET changes all its parameters or none.
//  2. options() are in force: whoever keeps something made from them was told by `apply`.
//
// Owned by the node; one thread: the event loop's.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/reply_writer.h"
#include "server/options.h"

namespace understudy::server {

class Config {
 public:
  struct Hooks {
    // CONFIG SET wants to go from `before` to `after`. False, with nothing changed, if it can't be
    // done; then `parameter` names the one that is in the way, and `why` has a short reason.
    std::function<bool(const Options& before, const Options& after, std::string* parameter,
                       std::string* why)>
        apply;
    std::function<void()> reset_statistics;  // CONFIG RESETSTAT
  };

  // `file`: absolute path of the configuration file, empty if there is none.
  Config(Options options, std::string file, Hooks hooks)
      : options_(std::move(options)), file_(std::move(file)), hooks_(std::move(hooks)) {}

  const Options& options() const { return options_; }
  const std::string& file() const { return file_; }

  // Names and values that match any of the patterns (globs, any case), each once, in the table's
  // order; what has no wildcard comes back as it was written.
  std::vector<std::pair<std::string, std::string>> Get(
      std::span<const std::string_view> patterns) const;
  // `pairs`: name, value, name, value... False: nothing changed, and `error` has Redis' words.
  bool Set(std::span<const std::string_view> pairs, std::string* error);
  // Writes the present values to the configuration file: lines keep their places, comments and
  // includes stay, what differs from the default and has no line is added at the end. The file is
  // replaced whole (temporary file, fsync, rename). Blocks for that fsync.
  bool Rewrite(std::string* error);

  void ResetStatistics() const {
    if (hooks_.reset_statistics) hooks_.reset_statistics();
  }

 private:
  Options options_;
  std::string file_;
  Hooks hooks_;
};

// Answers CONFIG GET, SET, REWRITE, RESETSTAT, HELP. `args` is the whole request; its arity was
// checked by the command table, but too few arguments do no harm.
void ReplyToConfigCommand(Config* config, std::span<const std::string_view> args,
                          protocol::ReplyWriter* reply);

}  // namespace understudy::server
