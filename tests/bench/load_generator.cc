// A load generator for servers that speak RESP: what redis-benchmark does, and WAIT after each
// write, several servers at once, checked replies, and little of the processor used for itself.
//
// Each connection has one buffer with a whole pipeline's requests, made once; between two sends
// only the digits of the keys in it change. One thread, epoll, no allocation once the connections
// stand. Closed loop: a connection sends its next batch when all replies of the one before are
// there. The latency shown is a batch's: from before its first byte is written to after its last
// reply is read.
//
// Every reply is checked (type, and the value's bytes where they are known); an error reply or a
// wrong one makes the program fail after its report. See --help for the options.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <boost/program_options.hpp>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/latency_histogram.h"

namespace understudy::bench {
namespace {

struct Options {
  std::string servers = "127.0.0.1:6379";
  size_t connections = 50;
  size_t pipeline = 1;
  uint64_t requests = 0;  // 0: by time
  double seconds = 5;
  double warm_up_seconds = 0.5;
  size_t value_bytes = 64;
  uint64_t keys = 100000;
  bool sequential = false;  // each key once, in order, instead of random ones
  std::string command = "set";
  double get_share = 0.5;  // for "mixed"
  int wait_replicas = 0;   // 0: no WAIT
  bool wait_per_batch = false;
  bool machine = false;
  bool allow_missing = true;
};

[[noreturn]] void Die(const std::string& why) {
  std::cerr << "load_generator: " << why << "\n";
  std::exit(1);
}

double Now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

constexpr std::string_view kKeyPrefix = "key:";
constexpr size_t kKeyDigits = 12;  // keys of 16 bytes

// What a reply must look like.
enum class Expect : uint8_t { kOk, kValueOrNull, kInteger, kWaited, kAny };

struct Slot {
  size_t end;         // of the request in the buffer
  size_t digits = 0;  // where its key's digits are; 0: it has no key
  Expect expect;
  bool counted;  // WAIT isn't counted as an operation
};

void Replace(std::string* text, std::string_view what, std::string_view with) {
  const size_t at = text->find(what);
  if (at != std::string::npos) text->replace(at, what.size(), with);
}

// The requests of one pipeline, as bytes, with the places of what changes.
class Batch {
 public:
  Batch(const Options& options, std::string_view value, size_t connection) {
    for (size_t i = 0; i < options.pipeline; ++i) {
      AddCommand(options, value, connection + i);
      const bool last = i + 1 == options.pipeline;
      if (options.wait_replicas > 0 && (last || !options.wait_per_batch)) {
        Add({"WAIT", std::to_string(options.wait_replicas), "0"}, Expect::kWaited, false);
      }
      command_ends_.push_back(slots_.size());
    }
  }

  void SetKey(size_t slot, uint64_t key) {
    char* const begin = bytes_.data() + slots_[slot].digits;
    for (char* at = begin + kKeyDigits; at > begin; key /= 10) {
      *--at = static_cast<char>('0' + key % 10);
    }
  }

  const std::string& bytes() const { return bytes_; }
  const std::vector<Slot>& slots() const { return slots_; }
  // Slots of the first n commands, with the WAITs that belong to them.
  size_t SlotsOf(size_t commands) const { return command_ends_[commands - 1]; }

 private:
  void AddCommand(const Options& options, std::string_view value, size_t number) {
    std::string command = options.command;
    if (command == "mixed") {
      // Spread evenly: the share of GETs among the numbers up to this one is as wanted.
      const auto gets = [&](size_t n) {
        return static_cast<uint64_t>(static_cast<double>(n) * options.get_share);
      };
      command = gets(number + 1) > gets(number) ? "get" : "set";
    }
    const std::string key = std::string(kKeyPrefix) + std::string(kKeyDigits, '0');
    if (command == "set") {
      Add({"SET", key, std::string(value)}, Expect::kOk, true);
    } else if (command == "get") {
      Add({"GET", key}, Expect::kValueOrNull, true);
    } else if (command == "incr") {
      Add({"INCR", "counter:" + key}, Expect::kInteger, true);
    } else if (command == "nextid") {
      Add({"NEXTID"}, Expect::kInteger, true);
    } else if (command == "ping") {
      Add({"PING"}, Expect::kAny, true);
    } else {
      std::istringstream words(command);
      std::vector<std::string> arguments;
      for (std::string word; words >> word;) {
        Replace(&word, "__key__", key);
        Replace(&word, "__value__", value);
        arguments.push_back(word);
      }
      if (arguments.empty()) Die("an empty command");
      Add(arguments, Expect::kAny, true);
    }
  }

  void Add(const std::vector<std::string>& arguments, Expect expect, bool counted) {
    Slot slot{.end = 0, .digits = 0, .expect = expect, .counted = counted};
    bytes_ += "*" + std::to_string(arguments.size()) + "\r\n";
    for (const std::string& argument : arguments) {
      bytes_ += "$" + std::to_string(argument.size()) + "\r\n";
      const size_t key = argument.find(kKeyPrefix);
      if (counted && key != std::string::npos &&
          argument.size() == key + kKeyPrefix.size() + kKeyDigits) {
        slot.digits = bytes_.size() + key + kKeyPrefix.size();
      }
      bytes_ += argument + "\r\n";
    }
    slot.end = bytes_.size();
    slots_.push_back(slot);
  }

  std::string bytes_;
  std::vector<Slot> slots_;
  std::vector<size_t> command_ends_;
};

struct Totals {
  uint64_t operations = 0;
  uint64_t errors = 0;
  uint64_t missing = 0;  // GETs that found nothing
  std::string first_error;
  LatencyHistogram latency;
};

// Takes one whole reply from the front of `in`; 0: it isn't complete. Otherwise its size, and what
// is wrong with it, if anything.
class ReplyReader {
 public:
  ReplyReader(std::string_view value, int wait_replicas) : wait_replicas_(wait_replicas) {
    expected_value_ = "$" + std::to_string(value.size()) + "\r\n" + std::string(value) + "\r\n";
  }

  size_t Take(std::string_view in, Expect expect, Totals* totals) const {
    if (expect == Expect::kOk && in.size() >= 5 && std::memcmp(in.data(), "+OK\r\n", 5) == 0) {
      return 5;
    }
    if (expect == Expect::kValueOrNull && in.size() >= expected_value_.size() &&
        std::memcmp(in.data(), expected_value_.data(), expected_value_.size()) == 0) {
      return expected_value_.size();
    }
    return TakeOther(in, expect, totals);
  }

 private:
  size_t TakeOther(std::string_view in, Expect expect, Totals* totals) const {
    const size_t size = Measure(in);
    if (size == 0) return 0;
    const char type = in[0];
    bool good = false;
    switch (expect) {
      case Expect::kOk:
        break;
      case Expect::kValueOrNull:
        good = in.starts_with("$-1\r\n") || in.starts_with("_\r\n");
        if (good) ++totals->missing;
        break;
      case Expect::kInteger:
        good = type == ':' && size > 3;
        break;
      case Expect::kWaited:
        good = type == ':' && std::atoi(in.data() + 1) >= wait_replicas_;
        break;
      case Expect::kAny:
        good = type != '-';
        break;
    }
    if (!good) {
      if (totals->errors++ == 0) totals->first_error = in.substr(0, std::min<size_t>(size, 200));
    }
    return size;
  }

  // Size of the reply at the front, 0 if it isn't all there.
  static size_t Measure(std::string_view in) {
    const size_t line_end = in.find("\r\n");
    if (line_end == std::string_view::npos) return 0;
    const size_t line = line_end + 2;
    const long number = std::atol(in.data() + 1);  // ends at '\r'
    switch (in[0]) {
      case '$':
      case '=':
      case '!': {
        if (number < 0) return line;
        const size_t size = line + static_cast<size_t>(number) + 2;
        return in.size() >= size ? size : 0;
      }
      case '*':
      case '%':
      case '~':
      case '>': {
        size_t at = line;
        for (long left = in[0] == '%' ? number * 2 : number; left > 0; --left) {
          const size_t size = at < in.size() ? Measure(in.substr(at)) : 0;
          if (size == 0) return 0;
          at += size;
        }
        return at;
      }
      case '+':
      case '-':
      case ':':
      case '_':
      case ',':
      case '#':
      case '(':
        return line;
      default:
        Die("not a reply: " + std::string(in.substr(0, 80)));
    }
  }

  int wait_replicas_;
  std::string expected_value_;
};

// What all connections share.
struct Run {
  const Options& options;
  ReplyReader reader;
  Totals totals;
  uint64_t random = 0x9e3779b97f4a7c15ull;
  uint64_t next_key = 0;
  uint64_t started = 0;    // commands sent, of `requests`
  bool measuring = false;  // the warm-up is over
  bool stopping = false;
  size_t busy = 0;  // connections with a batch under way

  uint64_t NextKey() {
    if (options.sequential) return next_key++ % options.keys;
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random % options.keys;
  }
};

class Connection {
 public:
  Connection(Run* run, int fd, int epoll, std::string_view value, size_t number)
      : run_(run),
        fd_(fd),
        epoll_(epoll),
        batch_(run->options, value, number),
        input_(std::max<size_t>(64 << 10, (value.size() + 64) * 4)) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = this}};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd_, &event) != 0) Die("epoll_ctl");
  }
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends the next batch, if there is to be one.
  void Begin() {
    size_t commands = run_->options.pipeline;
    if (run_->options.requests > 0) {
      commands = std::min<uint64_t>(commands, run_->options.requests - run_->started);
    }
    if (commands == 0 || run_->stopping) return;
    run_->started += commands;
    slots_ = batch_.SlotsOf(commands);
    for (size_t i = 0; i < slots_; ++i) {
      if (batch_.slots()[i].digits != 0) batch_.SetKey(i, run_->NextKey());
    }
    to_write_ = batch_.slots()[slots_ - 1].end;
    written_ = 0;
    slot_ = 0;
    ++run_->busy;
    began_ = Now();
    Write();
  }

  void OnEvent(uint32_t events) {
    if (events & EPOLLOUT) Write();
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) Read();
  }

 private:
  void Write() {
    while (written_ < to_write_) {
      const ssize_t n =
          send(fd_, batch_.bytes().data() + written_, to_write_ - written_, MSG_NOSIGNAL);
      if (n > 0) {
        written_ += static_cast<size_t>(n);
      } else if (errno == EAGAIN) {
        WantWritable(true);
        return;
      } else if (errno != EINTR) {
        Die(std::string("a connection broke: ") + strerror(errno));
      }
    }
    WantWritable(false);
  }

  void WantWritable(bool want) {
    if (want == want_writable_) return;
    want_writable_ = want;
    epoll_event event{.events = EPOLLIN | (want ? static_cast<uint32_t>(EPOLLOUT) : 0u),
                      .data = {.ptr = this}};
    epoll_ctl(epoll_, EPOLL_CTL_MOD, fd_, &event);
  }

  void Read() {
    const ssize_t n = read(fd_, input_.data() + filled_, input_.size() - filled_);
    if (n == 0) Die("the server closed a connection");
    if (n < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      Die(std::string("a connection broke: ") + strerror(errno));
    }
    filled_ += static_cast<size_t>(n);
    size_t at = 0;
    while (slot_ < slots_ && at < filled_) {
      const std::string_view rest(input_.data() + at, filled_ - at);
      const size_t size = run_->reader.Take(rest, batch_.slots()[slot_].expect, &run_->totals);
      if (size == 0) break;
      at += size;
      if (batch_.slots()[slot_].counted) ++run_->totals.operations;
      ++slot_;
    }
    if (at == 0 && filled_ == input_.size()) Die("a reply is too large");
    if (at < filled_) std::memmove(input_.data(), input_.data() + at, filled_ - at);
    filled_ -= at;
    if (slot_ < slots_) return;
    if (filled_ > 0) Die("more replies than requests");
    if (run_->measuring) run_->totals.latency.Add(static_cast<uint64_t>((Now() - began_) * 1e6));
    slots_ = slot_ = 0;
    --run_->busy;
    Begin();
  }

  Run* run_;
  int fd_;
  int epoll_;
  Batch batch_;
  std::vector<char> input_;
  size_t filled_ = 0;
  size_t slots_ = 0;  // of the batch under way
  size_t slot_ = 0;   // whose reply is awaited
  size_t to_write_ = 0;
  size_t written_ = 0;
  bool want_writable_ = false;
  double began_ = 0;
};

int Connect(const std::string& server) {
  const size_t colon = server.rfind(':');
  if (colon == std::string::npos) Die("a server is host:port, not " + server);
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* address = nullptr;
  if (getaddrinfo(server.substr(0, colon).c_str(), server.substr(colon + 1).c_str(), &hints,
                  &address) != 0) {
    Die("cannot resolve " + server);
  }
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
    Die("cannot connect to " + server + ": " + strerror(errno));
  }
  freeaddrinfo(address);
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

double ProcessorSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// One turn of the loop.
void Poll(int epoll, int timeout_ms) {
  std::array<epoll_event, 256> events;
  const int n = epoll_wait(epoll, events.data(), events.size(), timeout_ms);
  for (int i = 0; i < n; ++i) {
    static_cast<Connection*>(events[static_cast<size_t>(i)].data.ptr)
        ->OnEvent(events[static_cast<size_t>(i)].events);
  }
}

void Print(const Options& options, const Totals& totals, double seconds, double processor) {
  const double rate = static_cast<double>(totals.operations) / seconds;
  const auto us = [&](double p) {
    return static_cast<unsigned long long>(totals.latency.Percentile(p));
  };
  if (options.machine) {
    std::printf(
        "ops_per_second=%.0f operations=%llu seconds=%.3f p50_us=%llu p90_us=%llu "
        "p99_us=%llu p999_us=%llu max_us=%llu errors=%llu missing=%llu generator_cpu=%.2f\n",
        rate, static_cast<unsigned long long>(totals.operations), seconds, us(50), us(90), us(99),
        us(99.9), us(100), static_cast<unsigned long long>(totals.errors),
        static_cast<unsigned long long>(totals.missing), processor / seconds);
    return;
  }
  std::printf(
      "%s: %.0f a second (%llu in %.2f s; %zu connections, pipeline %zu, %zu-byte values%s)\n",
      options.command.c_str(), rate, static_cast<unsigned long long>(totals.operations), seconds,
      options.connections, options.pipeline, options.value_bytes,
      options.wait_replicas == 0 ? ""
      : options.wait_per_batch   ? ", WAIT after each batch"
                                 : ", WAIT after each write");
  std::printf("  a batch's latency in us: half %llu, 90%% %llu, 99%% %llu, 99.9%% %llu, all %llu\n",
              us(50), us(90), us(99), us(99.9), us(100));
  std::printf("  errors %llu, missing keys %llu, this program's share of a processor %.0f%%\n",
              static_cast<unsigned long long>(totals.errors),
              static_cast<unsigned long long>(totals.missing), 100 * processor / seconds);
}

int Generate(const Options& options) {
  std::vector<std::string> servers;
  std::istringstream list(options.servers);
  for (std::string server; std::getline(list, server, ',');) servers.push_back(server);
  if (servers.empty()) Die("no servers");

  std::string value(options.value_bytes, 'v');
  for (size_t i = 0; i < value.size(); ++i) value[i] = static_cast<char>('a' + i % 26);

  Run run{.options = options, .reader = ReplyReader(value, options.wait_replicas), .totals = {}};
  const int epoll = epoll_create1(0);
  std::vector<std::unique_ptr<Connection>> connections;
  for (size_t i = 0; i < options.connections; ++i) {
    connections.push_back(
        std::make_unique<Connection>(&run, Connect(servers[i % servers.size()]), epoll, value, i));
  }
  // With a number of requests all of them count, so there is no warm-up.
  const double warm_up = options.requests > 0 ? 0 : options.warm_up_seconds;
  const double start = Now();
  for (auto& connection : connections) connection->Begin();
  while (Now() < start + warm_up) Poll(epoll, 10);
  run.totals.operations = 0;
  run.measuring = true;
  const double begin = Now();
  const double processor_begin = ProcessorSeconds();
  if (options.requests > 0) {
    while (run.busy > 0) Poll(epoll, 100);
  } else {
    while (Now() < begin + options.seconds) Poll(epoll, 10);
  }
  const double seconds = Now() - begin;
  const double processor = ProcessorSeconds() - processor_begin;
  Totals totals = run.totals;
  // Leave no half-read replies behind: they would be this server's work in the next measurement.
  run.stopping = true;
  for (const double until = Now() + 5; run.busy > 0 && Now() < until;) Poll(epoll, 10);
  if (run.busy > 0) Die("replies are missing after 5 seconds");
  totals.errors = run.totals.errors;
  totals.first_error = run.totals.first_error;
  connections.clear();
  close(epoll);

  Print(options, totals, seconds, processor);
  if (totals.errors > 0) {
    std::cerr << "load_generator: " << totals.errors
              << " wrong replies, the first: " << totals.first_error << "\n";
    return 1;
  }
  if (!options.allow_missing && totals.missing > 0) {
    std::cerr << "load_generator: " << totals.missing << " keys are missing\n";
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace understudy::bench

int main(int argc, char** argv) {
  namespace po = boost::program_options;
  understudy::bench::Options o;
  po::options_description description("Options of load_generator");
  auto add = description.add_options();
  add("help", "this text");
  add("servers", po::value(&o.servers)->default_value(o.servers),
      "host:port[,host:port...]; the connections are spread over them");
  add("connections", po::value(&o.connections)->default_value(o.connections), "");
  add("pipeline", po::value(&o.pipeline)->default_value(o.pipeline), "commands in a batch");
  add("requests", po::value(&o.requests), "stop after so many commands, without warm-up");
  add("seconds", po::value(&o.seconds)->default_value(o.seconds), "stop after this time");
  add("warm-up", po::value(&o.warm_up_seconds)->default_value(o.warm_up_seconds, "0.5"),
      "seconds before the measurement begins");
  add("value-size", po::value(&o.value_bytes)->default_value(o.value_bytes), "bytes");
  add("keys", po::value(&o.keys)->default_value(o.keys), "size of the key space");
  add("sequential", po::bool_switch(&o.sequential), "keys in order instead of random ones");
  add("command", po::value(&o.command)->default_value(o.command),
      "set, get, incr, nextid, ping, mixed, or a command line with __key__ and __value__");
  add("get-share", po::value(&o.get_share)->default_value(o.get_share, "0.5"), "of GETs in mixed");
  add("wait", po::value(&o.wait_replicas)->default_value(o.wait_replicas),
      "send WAIT n 0 after each write; fewer than n is an error");
  add("wait-per-batch", po::bool_switch(&o.wait_per_batch), "WAIT only after the batch's last");
  add("no-missing", "GETs that find nothing are errors");
  add("machine", po::bool_switch(&o.machine), "one line of name=value");
  try {
    po::variables_map values;
    po::store(po::command_line_parser(argc, argv).options(description).run(), values);
    po::notify(values);
    if (values.count("help") != 0) {
      std::cout << description;
      return 0;
    }
    o.allow_missing = values.count("no-missing") == 0;
    if (o.connections == 0 || o.pipeline == 0 || o.keys == 0) throw po::error("0 isn't possible");
    if (o.keys > 999'999'999'999) throw po::error("too many keys");
  } catch (const po::error& e) {
    std::cerr << "load_generator: " << e.what() << "\n";
    return 1;
  }
  return understudy::bench::Generate(o);
}
