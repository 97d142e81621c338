#include "tests/resp_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace understudy {
namespace {

using Lines = std::vector<std::string>;

constexpr int kReplyTimeoutMs = 10000;

// Elements behind their numbers, "1) ", aligned to the right; what an element needs further lines
// for is indented by the number's width. A map's key and value share a number: "1# key => value".
Lines RenderElements(const Value& value) {
  const bool map = value.type == '%';
  const size_t count = value.elements.size() / (map ? 2 : 1);
  const std::string mark = map ? "# " : value.type == '~' ? "~ " : value.type == '>' ? "> " : ") ";
  const size_t width = std::to_string(count).size();
  Lines lines;
  for (size_t i = 0; i < count; ++i) {
    std::string lead = std::to_string(i + 1);
    lead = std::string(width - lead.size(), ' ') + lead + mark;
    Lines element = Render(value.elements[map ? 2 * i + 1 : i]);
    if (map) {
      const Lines key = Render(value.elements[2 * i]);
      if (element.size() == 1) {
        lead += key[0] + " => ";
      } else {
        lines.push_back(lead + key[0] + " =>");
        lead = std::string(width + 2, ' ');
      }
    }
    for (size_t line = 0; line < element.size(); ++line) {
      lines.push_back((line == 0 ? lead : std::string(width + 2, ' ')) + element[line]);
    }
  }
  return lines;
}

// Messages; what confirms a (un)subscription is a reply, though RESP3 sends it as a push.
bool IsPush(const Value& value) {
  if ((value.type != '>' && value.type != '*') || value.elements.size() < 2) return false;
  if (!value.elements[0].IsText()) return false;
  const std::string& kind = value.elements[0].text;
  const bool confirms = kind.size() >= 9 && kind.compare(kind.size() - 9, 9, "subscribe") == 0;
  return value.type == '>' ? !confirms
                           : kind == "message" || kind == "pmessage" || kind == "smessage";
}

long Count(const std::string& text) {
  long count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < -1) {
    throw Failure("malformed size in a reply: " + Quote(text));
  }
  return count;
}

}  // namespace

std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\a':
        out += "\\a";
        break;
      case '\b':
        out += "\\b";
        break;
      default:
        if (c >= ' ' && c <= '~') {
          out += c;
        } else {
          char hex[8];
          std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(c));
          out += hex;
        }
    }
  }
  return out + "\"";
}

Lines Render(const Value& value) {
  switch (value.type) {
    case '+':
      return {value.text};
    case '-':
      return {"(error) " + value.text};
    case ':':
      return {"(integer) " + value.text};
    case '$':
      return {value.null ? "(nil)" : Quote(value.text)};
    case '_':
      return {"(nil)"};
    case ',':
      return {"(double) " + value.text};
    case '#':
      return {value.text == "t" ? "(true)" : "(false)"};
    case '(':
      return {"(big number) " + value.text};
    case '=':
      return {"(verbatim " + value.format + ") " + Quote(value.text)};
    default:
      break;
  }
  if (value.null) return {"(nil array)"};
  if (!value.elements.empty()) return RenderElements(value);
  return {value.type == '%' ? "(empty map)" : value.type == '~' ? "(empty set)" : "(empty array)"};
}

void SortTexts(Value* value) {
  for (Value& element : value->elements) SortTexts(&element);
  if (value->type == '%' || !std::all_of(value->elements.begin(), value->elements.end(),
                                         [](const Value& element) { return element.IsText(); })) {
    return;
  }
  std::sort(value->elements.begin(), value->elements.end(),
            [](const Value& a, const Value& b) { return a.text < b.text; });
}

RespClient::RespClient(const std::string& host, int port, bool resp3)
    : fd_(socket(AF_INET, SOCK_STREAM, 0)), port_(port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    const std::string why = std::strerror(errno);
    close(fd_);
    throw Failure("can't connect to port " + std::to_string(port) + ": " + why);
  }
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (resp3 && Request({"HELLO", "3"}).type != '%') throw Failure("HELLO 3 was refused");
}

RespClient::~RespClient() { close(fd_); }

void RespClient::Send(const std::vector<std::string>& args) {
  std::string bytes = "*" + std::to_string(args.size()) + "\r\n";
  for (const std::string& arg : args) {
    bytes += "$" + std::to_string(arg.size()) + "\r\n" + arg + "\r\n";
  }
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) throw Failure("the connection was closed while sending");
    sent += static_cast<size_t>(n);
  }
}

Value RespClient::Receive() {
  for (;;) {
    Value value = Read();
    if (!IsPush(value)) return value;
    pushes_.push_back(std::move(value));
  }
}

Value RespClient::NextPush() {
  if (pushes_.empty()) {
    Value value = Read();
    if (!IsPush(value)) throw Failure("a reply nobody asked for: " + Render(value)[0]);
    return value;
  }
  Value value = std::move(pushes_.front());
  pushes_.pop_front();
  return value;
}

Value RespClient::Read() {
  const std::string line = Line();
  if (line.empty()) throw Failure("malformed reply: an empty line");
  Value value;
  value.type = line[0];
  value.text = line.substr(1);
  switch (value.type) {
    case '+':
    case '-':
    case ':':
    case '_':
    case ',':
    case '#':
    case '(':
      return value;
    case '$':
    case '=': {
      const long size = Count(value.text);
      if (size < 0) {
        value.null = true;
        return value;
      }
      value.text = Bytes(static_cast<size_t>(size) + 2);
      value.text.resize(static_cast<size_t>(size));
      if (value.type == '=') {
        value.format = value.text.substr(0, 3);
        value.text.erase(0, 4);
      }
      return value;
    }
    case '*':
    case '%':
    case '~':
    case '>':
    case '|': {
      const long count = Count(value.text);
      value.null = count < 0;
      const bool pairs = value.type == '%' || value.type == '|';
      for (long i = 0; i < count * (pairs ? 2 : 1); ++i) value.elements.push_back(Read());
      return value.type == '|' ? Read() : value;  // attributes are passed over
    }
    default:
      throw Failure("malformed reply: " + Quote(line));
  }
}

std::string RespClient::Line() {
  size_t end;
  while ((end = buffer_.find("\r\n", consumed_)) == std::string::npos) Fill();
  std::string line = buffer_.substr(consumed_, end - consumed_);
  consumed_ = end + 2;
  return line;
}

std::string RespClient::Bytes(size_t size) {
  while (buffer_.size() - consumed_ < size) Fill();
  std::string bytes = buffer_.substr(consumed_, size);
  consumed_ += size;
  return bytes;
}

void RespClient::Fill() {
  pollfd poll_fd{fd_, POLLIN, 0};
  if (poll(&poll_fd, 1, kReplyTimeoutMs) <= 0)
    throw Failure("no answer in time from port " + std::to_string(port_));
  buffer_.erase(0, consumed_);
  consumed_ = 0;
  char chunk[65536];
  const ssize_t n = recv(fd_, chunk, sizeof chunk, 0);
  if (n <= 0)
    throw Failure("the connection was closed by the server at port " + std::to_string(port_));
  buffer_.append(chunk, static_cast<size_t>(n));
}

}  // namespace understudy
