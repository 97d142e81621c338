// A blocking client for tests that need to see every type of RESP2 and RESP3 as it came (hiredis
// 0.14 knows no RESP3), and replies as redis-cli shows them.
#pragma once

#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace understudy {

// Whatever makes going on pointless: the message says it all.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Value {
  char type = 0;                // RESP's: + - : $ * % ~ > _ , # ( =
  std::string text;             // scalars; of = without the format
  std::string format;           // of =
  std::vector<Value> elements;  // of a map: key, value, key, value, ...
  bool null = false;            // "$-1", "*-1"

  bool IsText() const { return type == '$' && !null; }
  bool operator==(const Value&) const = default;
};

// As redis-cli quotes: printable characters, the usual escapes, \xHH for the rest.
std::string Quote(std::string_view text);

// As redis-cli shows replies on a terminal, but every type can be told from every other.
std::vector<std::string> Render(const Value& value);

// Puts arrays and sets of nothing but strings in order, inside others too.
void SortTexts(Value* value);

class RespClient {
 public:
  // Throws Failure, as all functions here, if something isn't as it should be.
  RespClient(const std::string& host, int port, bool resp3);
  ~RespClient();
  RespClient(const RespClient&) = delete;
  RespClient& operator=(const RespClient&) = delete;

  // Sends a request and returns its reply; pushes that come before it are kept.
  Value Request(const std::vector<std::string>& args) {
    Send(args);
    return Receive();
  }
  // The halves of Request(), for pipelines.
  void Send(const std::vector<std::string>& args);
  Value Receive();

  // The next push: a kept one, or what is received.
  Value NextPush();

 private:
  Value Read();
  std::string Line();
  std::string Bytes(size_t size);
  void Fill();

  int fd_;
  int port_;
  std::string buffer_;
  size_t consumed_ = 0;  // of buffer_
  std::deque<Value> pushes_;
};

}  // namespace understudy
