// The node's log: lines for people, in the form of Redis' log.
//
//   <pid>:<role> <day Mon year hh:mm:ss.ms, local time> <level> <message>
//   4711:G 02 Aug 2026 10:15:42.123 * node1 is the global of main, term 3
//
// role: G global, L local, C candidate (of the cluster `main`). level: '.' debug, '-' verbose,
// '*' notice, '#' warning.
//
// Threads: all functions may be called from any thread. A line is written by one write(), so lines
// never mix; a line that can't be written is lost (there is nobody to tell).
// Limits: a message longer than kMaxMessageBytes is cut; control characters in it (it may quote
// what a client sent) are written as '?', so that one call is always one line.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

namespace understudy::server {

class Logger {
 public:
  enum class Level : int { kDebug = 0, kVerbose = 1, kNotice = 2, kWarning = 3 };
  static constexpr size_t kMaxMessageBytes = 4096;

  // Writes to the standard output until Open() was called.
  explicit Logger(Level level = Level::kNotice);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  // Appends to this file from now on; opens it again if it is the present one (after a rotation).
  // An empty path means the standard output. False, with `error` one line and nothing changed, if
  // the file can't be opened. Not to be called from two threads at once.
  bool Open(const std::string& path, std::string* error);

  void set_level(Level level) { level_.store(level, std::memory_order_relaxed); }
  Level level() const { return level_.load(std::memory_order_relaxed); }
  void set_role(char role) { role_.store(role, std::memory_order_relaxed); }
  // Whether a line of this level would be written: for arguments that are costly to make.
  bool Enabled(Level level) const { return level >= this->level(); }

  void Debug(const char* format, ...) __attribute__((format(printf, 2, 3)));
  void Verbose(const char* format, ...) __attribute__((format(printf, 2, 3)));
  void Notice(const char* format, ...) __attribute__((format(printf, 2, 3)));
  void Warning(const char* format, ...) __attribute__((format(printf, 2, 3)));

 private:
  void Write(Level level, const char* format, __builtin_va_list arguments);

  std::atomic<Level> level_;
  std::atomic<char> role_{'L'};
  std::atomic<int> fd_{1};
};

// "debug", "verbose", "notice", "warning" (any case), as --loglevel takes them. False: another
// word.
bool ParseLogLevel(std::string_view word, Logger::Level* level);

}  // namespace understudy::server
