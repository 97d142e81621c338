// Clients that no server wants: malformed requests, huge and negative lengths, half commands,
// random bytes, thousands of idle connections, connections that break in the middle of a pipeline,
// clients that never read. While they do it a well-behaved client writes and reads beside them; it
// must get every answer. What the server says to malformed input is compared with Redis' words.
//
// Ends with 0 if the server answered as expected and is still there. One process, one thread but
// for the well-behaved client's.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/program_options.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace understudy {
namespace {

using Clock = std::chrono::steady_clock;

std::string host;
int port = 0;
bool failed = false;

void Expect(bool good, const std::string& what) {
  if (good) return;
  std::cout << "WRONG: " << what << std::endl;
  failed = true;
}

std::string Printable(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 160)) {
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c >= 32 && c < 127 ? c : '.';
    }
  }
  return text.size() > 160 ? out + "..." : out;
}

std::string Command(const std::vector<std::string>& arguments) {
  std::string out = "*" + std::to_string(arguments.size()) + "\r\n";
  for (const std::string& a : arguments)
    out += "$" + std::to_string(a.size()) + "\r\n" + a + "\r\n";
  return out;
}

class Socket {
 public:
  Socket() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    connected_ =
        fd_ >= 0 && connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Socket() { Close(); }
  Socket(Socket&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
  Socket& operator=(Socket&&) = delete;

  bool connected() const { return connected_; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  // With a reset instead of an orderly end.
  void Reset() {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    Close();
  }
  // Writes what it can within the time; how much.
  size_t Send(std::string_view bytes, int timeout_ms = 5000) const {
    size_t sent = 0;
    while (sent < bytes.size()) {
      pollfd p{fd_, POLLOUT, 0};
      if (poll(&p, 1, timeout_ms) <= 0) break;
      const ssize_t n =
          send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno != EAGAIN && errno != EINTR) break;
      if (n > 0) sent += static_cast<size_t>(n);
    }
    return sent;
  }
  // Reads until the text ends with `end`, the connection ends, or the time is over.
  std::string ReadUntil(std::string_view end, int timeout_ms = 5000) {
    std::string text;
    const auto until = Clock::now() + std::chrono::milliseconds(timeout_ms);
    while (end.empty() || !text.ends_with(end)) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
      pollfd p{fd_, POLLIN, 0};
      if (left <= 0 || poll(&p, 1, static_cast<int>(left)) <= 0) break;
      char buffer[65536];
      const ssize_t n = recv(fd_, buffer, sizeof buffer, 0);
      if (n <= 0) {
        ended_ = true;
        break;
      }
      text.append(buffer, static_cast<size_t>(n));
    }
    return text;
  }
  bool Ended(int timeout_ms) {
    if (!ended_) ReadUntil("", timeout_ms);
    return ended_;
  }

 private:
  int fd_;
  bool connected_ = false;
  bool ended_ = false;
};

std::string Ask(const std::string& request) {
  Socket socket;
  socket.Send(request);
  return socket.ReadUntil("\r\n");
}

// Asks again and again while the others misbehave. Every answer must be right; slow is told.
class GoodClient {
 public:
  GoodClient() : thread_([this] { Run(); }) {}
  ~GoodClient() {
    stop_ = true;
    thread_.join();
    std::cout << "  beside it: " << answers_ << " answers, the slowest after "
              << slowest_.count() / 1000 << " ms" << std::endl;
    Expect(wrong_.empty(), "the well-behaved client got: " + wrong_);
    Expect(answers_ > 0, "the well-behaved client got no answer");
    Expect(slowest_ < std::chrono::seconds(10), "the well-behaved client was kept waiting");
  }

 private:
  void Run() {
    Socket socket;
    for (int i = 0; i == 0 || !stop_; ++i) {  // once at least, however short the others' part
      const std::string value = std::to_string(i);
      const auto begin = Clock::now();
      socket.Send(Command({"SET", "good", value}));
      std::string answer = socket.ReadUntil("\r\n", 20000);
      if (answer == "+OK\r\n") {
        socket.Send(Command({"GET", "good"}));
        answer = socket.ReadUntil(value + "\r\n", 20000);
        if (answer == "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n") {
          answer.clear();
        }
      }
      if (!answer.empty() || socket.Ended(0)) {
        wrong_ = answer.empty() ? "a closed connection" : Printable(answer);
        return;
      }
      slowest_ = std::max(
          slowest_, std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin));
      ++answers_;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  std::atomic<bool> stop_{false};
  int answers_ = 0;
  std::chrono::microseconds slowest_{0};
  std::string wrong_;
  std::thread thread_;
};

// --- what is sent
// ---------------------------------------------------------------------------------

struct Case {
  std::string sent;
  std::string answer;  // the whole reply
  bool closes;         // the connection ends behind it
};

void Malformed() {
  const std::string many(70000, '1');
  const std::vector<Case> cases = {
      {"*1\r\n$-5\r\n", "-ERR Protocol error: invalid bulk length\r\n", true},
      {"*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n", true},
      {"*1\r\n$abc\r\n", "-ERR Protocol error: invalid bulk length\r\n", true},
      {"*1\r\n$999999999999\r\n", "-ERR Protocol error: invalid bulk length\r\n", true},
      {"*1\r\n$536870913\r\n", "-ERR Protocol error: invalid bulk length\r\n", true},
      {"*1\r\n$99999999999999999999999\r\n", "-ERR Protocol error: invalid bulk length\r\n", true},
      {"*abc\r\n", "-ERR Protocol error: invalid multibulk length\r\n", true},
      {"*2147483648\r\n", "-ERR Protocol error: invalid multibulk length\r\n", true},
      {"*99999999999999999999999\r\n", "-ERR Protocol error: invalid multibulk length\r\n", true},
      {"*1\r\n:5\r\n", "-ERR Protocol error: expected '$', got ':'\r\n", true},
      {"*1\r\nPING\r\n", "-ERR Protocol error: expected '$', got 'P'\r\n", true},
      {"*" + many, "-ERR Protocol error: too big mbulk count string\r\n", true},
      {"*1\r\n$" + many, "-ERR Protocol error: too big bulk count string\r\n", true},
      {many, "-ERR Protocol error: too big inline request\r\n", true},
      {"SET a \"b\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n", true},
      {"SET a 'b'c\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n", true},
      {"*-1\r\nPING\r\n", "+PONG\r\n", false},
      {"*0\r\nPING\r\n", "+PONG\r\n", false},
      {"\r\n\r\n\n  \r\nPING\r\n", "+PONG\r\n", false},
      {"PING\n", "+PONG\r\n", false},
      {"ECHO \"\\x41\\n\"\r\n", "$2\r\nA\n\r\n", false},
      {"*1\r\n$4\r\nPING\r\n*1\r\n$-5\r\n", "+PONG\r\n-ERR Protocol error: invalid bulk length\r\n",
       true},
      {Command({"nosuch", "a", "b"}),
       "-ERR unknown command 'nosuch', with args beginning with: 'a' 'b' \r\n", false},
      {Command({"a\r\nb"}), "-ERR unknown command 'a  b', with args beginning with: \r\n", false},
      {Command({""}), "-ERR unknown command '', with args beginning with: \r\n", false},
      {Command({"GET"}), "-ERR wrong number of arguments for 'get' command\r\n", false},
      {Command({"SET", "k", "v", "EX", "-1"}), "-ERR invalid expire time in 'set' command\r\n",
       false},
      {Command({"SET", "k", "v", "EX", "9223372036854775807"}),
       "-ERR invalid expire time in 'set' command\r\n", false},
      {Command({"SET", "k", "v", "NOPE"}), "-ERR syntax error\r\n", false},
      {Command({"SET", "hostile:text", "abc"}) + Command({"INCR", "hostile:text"}),
       "+OK\r\n-ERR value is not an integer or out of range\r\n", false},
      {Command({"SET", "hostile:big", "9223372036854775807"}) + Command({"INCR", "hostile:big"}),
       "+OK\r\n-ERR increment or decrement would overflow\r\n", false},
      {Command({"SETRANGE", "hostile:none", "-1", "x"}), "-ERR offset is out of range\r\n", false},
      {Command({"SETRANGE", "hostile:none", "536870912", "x"}),
       "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n", false},
      {Command({"SETBIT", "hostile:none", "4294967296", "1"}),
       "-ERR bit offset is not an integer or out of range\r\n", false},
      {Command({"SETBIT", "hostile:none", "-1", "1"}),
       "-ERR bit offset is not an integer or out of range\r\n", false},
      {Command({"SCAN", "abc"}), "-ERR invalid cursor\r\n", false},
      {Command({"SELECT", "99"}), "-ERR DB index is out of range\r\n", false},
      {Command({"EXISTS", "hostile:none"}), ":0\r\n", false},
  };
  for (const Case& c : cases) {
    Socket socket;
    socket.Send(c.sent);
    // In one piece, and again byte by byte if that isn't too much.
    std::string answer;
    while (answer.size() < c.answer.size()) {
      const std::string more = socket.ReadUntil("\r\n", 3000);
      if (more.empty()) break;
      answer += more;
    }
    Expect(answer == c.answer, "to '" + Printable(c.sent) + "': " + Printable(answer));
    if (c.closes) {
      Expect(socket.Ended(3000), "the connection stays open after '" + Printable(c.sent) + "'");
    } else {
      socket.Send("PING\r\n");
      Expect(socket.ReadUntil("\r\n") == "+PONG\r\n", "no PONG after '" + Printable(c.sent) + "'");
    }
    if (c.sent.size() > 200) continue;
    Socket slow;
    for (char byte : c.sent) slow.Send(std::string_view(&byte, 1));
    answer.clear();
    while (answer.size() < c.answer.size()) {
      const std::string more = slow.ReadUntil("\r\n", 3000);
      if (more.empty()) break;
      answer += more;
    }
    Expect(answer == c.answer,
           "byte by byte, to '" + Printable(c.sent) + "': " + Printable(answer));
  }
}

void HalfCommands() {
  const std::string whole = Command({"SET", "half", std::string(300, 'h')});
  std::vector<Socket> kept;
  for (size_t size = 1; size < whole.size(); size += 3) {
    Socket closed, reset, stays;
    for (const Socket* socket : {&closed, &reset, &stays}) socket->Send(whole.substr(0, size));
    closed.Close();
    reset.Reset();
    kept.push_back(std::move(stays));
  }
  Expect(Ask(Command({"EXISTS", "half"})) == ":0\r\n", "a half command was executed");
  // The other half is still welcome.
  size_t size = 1;
  for (Socket& socket : kept) {
    socket.Send(whole.substr(size));
    Expect(socket.ReadUntil("\r\n") == "+OK\r\n", "the second half wasn't taken");
    size += 3;
  }
  Ask(Command({"DEL", "half"}));
  // A length is a promise, not a reason to set memory aside.
  std::vector<Socket> promises;
  for (int i = 0; i < 200; ++i) {
    promises.emplace_back();
    promises.back().Send("*1000000\r\n$500000000\r\nx");
  }
  Expect(Ask("PING\r\n") == "+PONG\r\n", "no PONG beside promised lengths");
}

void BrokenPipelines() {
  std::string pipeline;
  for (int i = 0; i < 5000; ++i) {
    pipeline += Command({"SET", "broken:" + std::to_string(i % 100), std::string(100, 'b')});
    pipeline += Command({"GET", "broken:" + std::to_string(i % 100)});
  }
  std::mt19937 random(11);
  for (int i = 0; i < 40; ++i) {
    Socket socket;
    socket.Send(std::string_view(pipeline).substr(0, random() % pipeline.size()), 200);
    if (i % 3 == 0) socket.ReadUntil("\r\n", 20);
    if (i % 2 == 0) {
      socket.Reset();
    } else {
      socket.Close();
    }
  }
  Expect(Ask("PING\r\n") == "+PONG\r\n", "no PONG after broken pipelines");
}

void NeverRead() {
  Ask(Command({"SET", "large", std::string(1 << 20, 'l')}));
  std::vector<Socket> deaf(4);
  std::string gets;
  for (int i = 0; i < 16; ++i) gets += Command({"GET", "large"});
  for (const Socket& socket : deaf) socket.Send(gets, 500);
  for (int i = 0; i < 20; ++i) {
    Expect(Ask("PING\r\n") == "+PONG\r\n", "no PONG beside clients that don't read");
  }
  // Who begins to read late still gets all of it.
  size_t size = 0;
  const size_t expected = 16 * ((1 << 20) + 12);
  while (size < expected) {
    const std::string part = deaf[0].ReadUntil("\r\n", 5000);
    if (part.empty()) break;
    size += part.size();
  }
  Expect(size == expected, "a late reader got " + std::to_string(size) + " of " +
                               std::to_string(expected) + " bytes");
  Ask(Command({"DEL", "large"}));
}

void Garbage(unsigned seed) {
  std::mt19937 random(seed);
  // Not FLUSHALL, SHUTDOWN and the like: what is sent here may be a whole command by luck, which is
  // why words are made of letters that no dangerous command is made of.
  const std::string letters = "xyz*$:+-0123456789\r\n \"'\\\0\xff" + std::string(1, '\0');
  for (int i = 0; i < 400; ++i) {
    std::string bytes;
    const size_t size = 1 + random() % 3000;
    if (i % 2 == 0) {
      for (size_t n = 0; n < size; ++n) bytes += letters[random() % letters.size()];
    } else {
      // A sound pipeline in which a few bytes were changed.
      for (int n = 0; n < 20; ++n) {
        bytes += Command({"SET", "xyz" + std::to_string(n), std::string(random() % 50, 'z')});
      }
      for (int n = 0; n < 3; ++n)
        bytes[random() % bytes.size()] = letters[random() % letters.size()];
    }
    Socket socket;
    Expect(socket.connected(), "no connection among garbage, seed " + std::to_string(seed));
    socket.Send(bytes, 200);
    if (i % 4 == 0) socket.ReadUntil("", 5);
  }
  Expect(Ask("PING\r\n") == "+PONG\r\n", "no PONG after garbage, seed " + std::to_string(seed));
}

// `wanted` connections at once, or as many as this system allows.
void Idle(size_t wanted, size_t most_clients) {
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const size_t possible = limit.rlim_cur < 200 ? 0 : limit.rlim_cur - 100;
  if (possible < wanted) {
    std::cout << "  this process may have only " << limit.rlim_cur << " files: " << possible
              << " connections instead of " << wanted << std::endl;
    wanted = possible;
  }
  std::vector<Socket> idle;
  size_t refused = 0;
  for (size_t i = 0; i < wanted; ++i) {
    Socket socket;
    if (!socket.connected()) break;
    idle.push_back(std::move(socket));
  }
  std::cout << "  " << idle.size() << " connections" << std::endl;
  Expect(idle.size() == wanted, "could not connect: " + std::string(strerror(errno)));
  // Each tenth one is alive, or was told at once why not.
  for (size_t i = 0; i < idle.size(); i += 10) {
    idle[i].Send("PING\r\n");
    const std::string answer = idle[i].ReadUntil("\r\n");
    if (answer == "-ERR max number of clients reached\r\n") {
      ++refused;
    } else {
      Expect(answer == "+PONG\r\n", "an idle connection answers: " + Printable(answer));
    }
  }
  if (refused > 0) std::cout << "  about " << refused * 10 << " of them were refused" << std::endl;
  if (idle.size() > most_clients) {
    Expect(refused > 0, "nobody was refused beyond maxclients");
    Expect(refused * 10 < idle.size() - most_clients + 200, "too many were refused");
  } else {
    Expect(refused == 0, "refused below maxclients");
  }
  for (size_t i = 0; i < idle.size(); i += 2) idle[i].Reset();
}

}  // namespace
}  // namespace understudy

int main(int argc, char** argv) {
  using namespace understudy;
  namespace po = boost::program_options;
  std::string server;
  size_t connections = 10000, most_clients = 10000;
  unsigned seed = 1;
  po::options_description description("Options of hostile_client");
  auto add = description.add_options();
  add("help", "this text");
  add("server", po::value(&server)->required(), "host:port; the host as an address");
  add("idle", po::value(&connections)->default_value(connections), "idle connections");
  add("maxclients", po::value(&most_clients)->default_value(most_clients),
      "as the server is set up");
  add("seed", po::value(&seed)->default_value(seed), "of the random bytes");
  try {
    po::variables_map values;
    po::store(po::command_line_parser(argc, argv).options(description).run(), values);
    if (values.count("help") != 0) {
      std::cout << description;
      return 0;
    }
    po::notify(values);
  } catch (const po::error& e) {
    std::cerr << "hostile_client: " << e.what() << "\n";
    return 1;
  }
  host = server.substr(0, server.rfind(':'));
  port = std::stoi(server.substr(server.rfind(':') + 1));

  const auto run = [](const char* name, auto&& what) {
    std::cout << name << std::endl;
    const GoodClient beside;
    what();
  };
  run("malformed requests", Malformed);
  run("half commands", HalfCommands);
  run("broken pipelines", BrokenPipelines);
  run("clients that never read", NeverRead);
  run("garbage", [&] { Garbage(seed); });
  run("idle connections", [&] { Idle(connections, most_clients); });
  // After all that: a new client is served as if nothing had been.
  run("afterwards", [] {
    for (int i = 0; i < 100; ++i) Expect(Ask("PING\r\n") == "+PONG\r\n", "no PONG afterwards");
  });
  std::cout << (failed ? "FAILED" : "passed") << std::endl;
  return failed ? 1 : 0;
}
