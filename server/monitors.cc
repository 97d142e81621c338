#include "server/monitors.h"

#include <cstdio>
#include <string>

#include "server/instruments.h"

namespace understudy::server {

namespace {

// As redis-cli shows a string: quoted, with escapes for what can't be printed.
void AppendQuoted(std::string_view text, std::string* out) {
  out->push_back('"');
  for (char c : text) {
    switch (c) {
      case '\\':
      case '"':
        out->push_back('\\');
        out->push_back(c);
        break;
      case '\n':
        out->append("\\n");
        break;
      case '\r':
        out->append("\\r");
        break;
      case '\t':
        out->append("\\t");
        break;
      case '\a':
        out->append("\\a");
        break;
      case '\b':
        out->append("\\b");
        break;
      default:
        if (c >= 0x20 && c < 0x7f) {
          out->push_back(c);
        } else {
          char code[8];
          snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned char>(c));
          out->append(code);
        }
    }
  }
  out->push_back('"');
}

}  // namespace

void Monitors::Add(Connection& connection) {
  connection.session().monitor = true;
  monitors_.insert(connection.session().id);
}

void Monitors::Remove(Connection& connection) {
  if (!connection.session().monitor) return;
  connection.session().monitor = false;
  monitors_.erase(connection.session().id);
}

void Monitors::Feed(const Session& from, int db, const protocol::Command& command,
                    std::span<const std::string_view> args, int64_t now_us,
                    const std::function<void(Connection&, std::string_view)>& send) const {
  if (monitors_.empty() || command.Has(protocol::kSkipMonitor) || command.Has(protocol::kAdmin)) {
    return;
  }
  char head[64];
  snprintf(head, sizeof head, "+%lld.%06lld [%d ", static_cast<long long>(now_us / 1000000),
           static_cast<long long>(now_us % 1000000), db);
  std::string line = head + from.address + "]";
  size_t secrets = FirstSecretArgument(command, args);
  for (size_t i = 0; i < args.size(); ++i) {
    line.push_back(' ');
    AppendQuoted(secrets != 0 && i >= secrets ? std::string_view("(redacted)") : args[i], &line);
  }
  line.append("\r\n");
  for (uint64_t id : monitors_) {
    if (Connection* to = connections_->Find(id)) send(*to, line);
  }
}

}  // namespace understudy::server
