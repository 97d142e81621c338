#include "server/logger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "protocol/numbers.h"

namespace understudy::server {

namespace {

constexpr char kLevelMarks[] = {'.', '-', '*', '#'};
constexpr std::string_view kLevelWords[] = {"debug", "verbose", "notice", "warning"};
constexpr size_t kPrefixBytes = 80;

// Everything before the message. Returns its length.
size_t FormatPrefix(char* to, char role, char mark) {
  timeval now;
  gettimeofday(&now, nullptr);
  tm local;
  localtime_r(&now.tv_sec, &local);
  char day[32];
  strftime(day, sizeof(day), "%d %b %Y %H:%M:%S", &local);
  int length = snprintf(to, kPrefixBytes, "%d:%c %s.%03d %c ", static_cast<int>(getpid()), role,
                        day, static_cast<int>(now.tv_usec / 1000), mark);
  return static_cast<size_t>(length);
}

}  // namespace

Logger::Logger(Level level) : level_(level) {}

Logger::~Logger() {
  if (fd_ > 2) close(fd_);
}

bool Logger::Open(const std::string& path, std::string* error) {
  int fd = 1;
  if (!path.empty()) {
    fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
      *error = "Can't open the log file " + path + ": " + strerror(errno);
      return false;
    }
  }
  int old = fd_.load();
  if (old <= 2) {
    fd_.store(fd);
    return true;
  }
  // Another thread may be about to write: the number stays, what is behind it changes.
  if (dup3(fd, old, O_CLOEXEC) < 0) {
    *error = "Can't open the log file " + path + ": " + strerror(errno);
    if (fd > 2) close(fd);
    return false;
  }
  if (fd > 2) close(fd);
  return true;
}

void Logger::Write(Level level, const char* format, va_list arguments) {
  char line[kPrefixBytes + kMaxMessageBytes + 2];
  size_t start = FormatPrefix(line, role_.load(std::memory_order_relaxed),
                              kLevelMarks[static_cast<int>(level)]);
  int wanted = vsnprintf(line + start, kMaxMessageBytes + 1, format, arguments);
  if (wanted < 0) return;
  size_t length = start + std::min(static_cast<size_t>(wanted), kMaxMessageBytes);
  for (size_t i = start; i < length; i++) {
    unsigned char c = static_cast<unsigned char>(line[i]);
    if (c < 0x20 || c == 0x7f) line[i] = '?';
  }
  line[length++] = '\n';
  ssize_t written = write(fd_.load(std::memory_order_relaxed), line, length);
  static_cast<void>(written);
}

#define UNDERSTUDY_LOG_AT(level)   \
  if (!Enabled(level)) return;     \
  va_list arguments;               \
  va_start(arguments, format);     \
  Write(level, format, arguments); \
  va_end(arguments)

void Logger::Debug(const char* format, ...) { UNDERSTUDY_LOG_AT(Level::kDebug); }
void Logger::Verbose(const char* format, ...) { UNDERSTUDY_LOG_AT(Level::kVerbose); }
void Logger::Notice(const char* format, ...) { UNDERSTUDY_LOG_AT(Level::kNotice); }
void Logger::Warning(const char* format, ...) { UNDERSTUDY_LOG_AT(Level::kWarning); }

#undef UNDERSTUDY_LOG_AT

bool ParseLogLevel(std::string_view word, Logger::Level* level) {
  for (size_t i = 0; i < std::size(kLevelWords); i++) {
    if (protocol::EqualsIgnoreCase(word, kLevelWords[i])) {
      *level = static_cast<Logger::Level>(i);
      return true;
    }
  }
  return false;
}

}  // namespace understudy::server
