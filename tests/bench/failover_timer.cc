// How long clients of the surviving nodes wait when the global goes: a cluster of three, with
// clients that ask for one write after the other at every node but the one that is about to go.
// Three ways:
//
//   kill      kill -9 of the global
//   handover  FAILOVER at the global; clients at all nodes
//   freeze    SIGSTOP of the global, as if its host were lost; SIGCONT when another has taken over
//
// Told for each: the longest pause of any client (the time between two of its replies) around the
// event, and of all clients together (nobody's write was answered), as a histogram. And, over all
// of it: errors and ended connections, numbers given twice, numbers skipped: each client asks
// NEXTID and INCR in turn, so every number must be there, once.
//
// --keys fills the key space first; --saving has all nodes save a snapshot of it at each event.
// A thread a client, blocking hiredis connections. Nodes are started here and ended here.
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/program_options.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace understudy {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Options {
  std::string server, dir, fsync;
  std::vector<int> ports;
  int kills = 0, handovers = 0, freezes = 0;
  int lock_ttl_ms = 1000;
  long keys = 0;
  bool saving = false;
};

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "failover_timer: %s\n", why.c_str());
  std::exit(1);
}

class Connection {
 public:
  explicit Connection(int port, int timeout_ms = 10000) {
    const timeval timeout{timeout_ms / 1000, timeout_ms % 1000 * 1000};
    context_ = redisConnectWithTimeout("127.0.0.1", port, timeout);
    if (context_ != nullptr && context_->err == 0) redisSetTimeout(context_, timeout);
  }
  ~Connection() {
    if (context_ != nullptr) redisFree(context_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // nullptr: the connection ended, or no reply came in time.
  Reply Ask(std::initializer_list<const char*> words) {
    if (context_ == nullptr || context_->err != 0) return nullptr;
    std::vector<const char*> list(words);
    return Reply(static_cast<redisReply*>(
        redisCommandArgv(context_, static_cast<int>(list.size()), list.data(), nullptr)));
  }
  // A pipeline.
  void Append(const std::string& command) {
    if (context_ != nullptr) redisAppendCommand(context_, command.c_str());
  }
  Reply Next() {
    void* reply = nullptr;
    if (context_ == nullptr || redisGetReply(context_, &reply) != REDIS_OK) return nullptr;
    return Reply(static_cast<redisReply*>(reply));
  }
  std::string Text(std::initializer_list<const char*> words) {
    Reply reply = Ask(words);
    return reply == nullptr || reply->str == nullptr ? "" : std::string(reply->str, reply->len);
  }

 private:
  redisContext* context_ = nullptr;
};

bool Eventually(const std::function<bool()>& good, int seconds = 30) {
  const auto until = Clock::now() + std::chrono::seconds(seconds);
  while (Clock::now() < until) {
    if (good()) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

// Three nodes.
class Cluster {
 public:
  explicit Cluster(const Options& options) : options_(options), pids_(options.ports.size(), -1) {
    for (size_t i = 0; i < pids_.size(); ++i) {
      Start(i);
      if (i == 0 && !Eventually([&] { return IsGlobal(0); })) Die("the first node doesn't serve");
    }
    WaitUntilAllFollow();
  }
  ~Cluster() {
    for (const pid_t pid : pids_) {
      if (pid > 0) kill(pid, SIGKILL);
    }
    for (const pid_t pid : pids_) {
      if (pid > 0) waitpid(pid, nullptr, 0);
    }
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  size_t size() const { return pids_.size(); }
  int port(size_t i) const { return options_.ports[i]; }
  void Signal(size_t i, int number) const { kill(pids_[i], number); }
  void Reap(size_t i) { waitpid(std::exchange(pids_[i], -1), nullptr, 0); }

  void Start(size_t i) {
    const std::string dir = options_.dir + "/" + std::to_string(i + 1);
    std::filesystem::create_directories(dir);
    std::vector<std::string> words = {options_.server,
                                      "--bind",
                                      "127.0.0.1",
                                      "--port",
                                      std::to_string(port(i)),
                                      "--name",
                                      "node" + std::to_string(i + 1),
                                      "--dir",
                                      dir,
                                      "--logfile",
                                      dir + "/log.txt",
                                      "--appendfsync",
                                      options_.fsync,
                                      "--lock-ttl",
                                      std::to_string(options_.lock_ttl_ms)};
    if (i > 0) words.insert(words.end(), {"--join", "127.0.0.1:" + std::to_string(port(0))});
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pids_[i] = fork();
    if (pids_[i] != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(arguments[0], arguments.data());
    _exit(127);
  }

  bool IsGlobal(size_t i) const {
    Connection connection(port(i), 500);
    Reply reply = connection.Ask({"ROLE"});
    return reply != nullptr && reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
           std::string_view(reply->element[0]->str) == "master";
  }
  size_t Global() const {
    size_t global = 0;
    const bool found = Eventually([&] {
      for (size_t i = 0; i < size(); ++i) {
        if (pids_[i] > 0 && IsGlobal(i)) {
          global = i;
          return true;
        }
      }
      return false;
    });
    if (!found) Die("no global");
    return global;
  }
  void WaitUntilAllFollow() const {
    const bool all = Eventually([&] {
      size_t globals = 0, locals = 0;
      for (size_t i = 0; i < size(); ++i) {
        Connection connection(port(i), 500);
        Reply reply = connection.Ask({"ROLE"});
        if (reply == nullptr || reply->type != REDIS_REPLY_ARRAY || reply->elements < 3) continue;
        if (std::string_view(reply->element[0]->str) == "master") {
          if (connection.Text({"INFO", "cluster"}).find("cluster_voters:3\r\n") !=
              std::string::npos) {
            ++globals;
          }
        } else if (reply->elements > 3 && std::string_view(reply->element[3]->str) == "connected") {
          ++locals;
        }
      }
      return globals == 1 && locals + 1 == size();
    });
    if (!all) Die("not all nodes follow");
  }

 private:
  const Options& options_;
  std::vector<pid_t> pids_;
};

// One client: asks for one write after the other until it is stopped.
class Client {
 public:
  struct Answer {
    Clock::time_point at;
    bool id;  // else INCR
    long long value;
  };
  explicit Client(int port) : thread_([this, port] { Run(port); }) {}
  void Stop() { stop_ = true; }
  void Join() { thread_.join(); }
  size_t answered() const { return answered_; }
  const std::vector<Answer>& answers() const { return answers_; }
  int errors() const { return errors_; }

 private:
  void Run(int port) {
    Connection connection(port);
    for (bool id = true; !stop_; id = !id) {
      Reply reply = id ? connection.Ask({"NEXTID"}) : connection.Ask({"INCR", "failover:counter"});
      if (reply == nullptr || reply->type != REDIS_REPLY_INTEGER) {
        std::fprintf(stderr, "failover_timer: a client got %s\n",
                     reply == nullptr        ? "no reply"
                     : reply->str != nullptr ? reply->str
                                             : "another type of reply");
        ++errors_;
        if (reply == nullptr) return;
        continue;
      }
      answers_.push_back({Clock::now(), id, reply->integer});
      ++answered_;
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  }
  std::atomic<bool> stop_{false};
  std::atomic<size_t> answered_{0};
  int errors_ = 0;
  std::vector<Answer> answers_;
  std::thread thread_;
};

double Ms(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// The longest time between two of these that ends behind `event`.
double LongestPause(const std::vector<Clock::time_point>& at, Clock::time_point event) {
  double longest = 0;
  for (size_t i = 1; i < at.size(); ++i) {
    if (at[i] > event) longest = std::max(longest, Ms(at[i] - std::max(at[i - 1], event)));
  }
  return longest;
}

class Timer {
 public:
  explicit Timer(const Options& options) : options_(options), cluster_(options) {}

  void Fill() {
    if (options_.keys == 0) return;
    Connection connection(cluster_.port(cluster_.Global()), 60000);
    const std::string value(64, 'v');
    constexpr long kAtOnce = 1000;
    for (long i = 0; i < options_.keys; i += kAtOnce) {
      for (long k = 0; k < kAtOnce; ++k) {
        connection.Append("SET key:" + std::to_string(i + k) + " " + value);
      }
      for (long k = 0; k < kAtOnce; ++k) {
        if (connection.Next() == nullptr) Die("the key space can't be filled");
      }
    }
    cluster_.WaitUntilAllFollow();
  }

  void Kill() {
    const size_t global = cluster_.Global();
    Round(&kills_, global, [&] { cluster_.Signal(global, SIGKILL); });
    cluster_.Reap(global);
    cluster_.Start(global);
    cluster_.WaitUntilAllFollow();
  }
  void Handover() {
    const size_t global = cluster_.Global();
    Round(&handovers_, cluster_.size(), [&] {
      if (Connection(cluster_.port(global)).Text({"FAILOVER"}) != "OK") Die("FAILOVER failed");
    });
    cluster_.WaitUntilAllFollow();
  }
  void Freeze() {
    const size_t global = cluster_.Global();
    Round(&freezes_, global, [&] { cluster_.Signal(global, SIGSTOP); });
    cluster_.Signal(global, SIGCONT);
    cluster_.WaitUntilAllFollow();
  }

  // False: something is wrong.
  bool Report() {
    kills_.Print("kill -9 of the global");
    handovers_.Print("planned handover");
    freezes_.Print("frozen global, lock's time to live " + std::to_string(options_.lock_ttl_ms) +
                   " ms");
    bool good = errors_ == 0;
    std::printf("\n%zu writes, %d errors or ended connections\n", ids_.size() + counts_.size(),
                errors_);
    good = Complete("NEXTID", &ids_, 0) && good;
    good = Complete("INCR", &counts_, 1) && good;
    return good;
  }

 private:
  struct Pauses {
    std::vector<double> of_one, of_all;
    static double At(const std::vector<double>& sorted, double share) {
      return sorted[std::min(sorted.size() - 1,
                             static_cast<size_t>(share * static_cast<double>(sorted.size())))];
    }
    void Print(const std::string& what) {
      if (of_one.empty()) return;
      std::printf("\n%s: %zu times\n", what.c_str(), of_one.size());
      PrintRow("first write accepted", &of_all);
      PrintRow("worst client's pause", &of_one);
      constexpr double kBounds[] = {2,   5,   10,  15,  20,  30,   40,   50, 75,
                                    100, 150, 200, 300, 500, 1000, 1300, 1e9};
      double from = 0;
      for (const double bound : kBounds) {
        const auto count = [&](const std::vector<double>& list) {
          return std::count_if(list.begin(), list.end(),
                               [&](double ms) { return ms > from && ms <= bound; });
        };
        const auto all = count(of_all), one = count(of_one);
        if (all + one > 0) {
          const std::string text = bound > 1e6 ? "more" : std::to_string(static_cast<int>(bound));
          std::printf("    up to %5s ms  %4ld  %4ld  %s\n", text.c_str(), static_cast<long>(all),
                      static_cast<long>(one), std::string(static_cast<size_t>(one), '#').c_str());
        }
        from = bound;
      }
    }
    static void PrintRow(const char* what, std::vector<double>* list) {
      std::sort(list->begin(), list->end());
      std::printf("  %-22s median %7.1f  p90 %7.1f  p99 %7.1f  worst %7.1f ms\n", what,
                  At(*list, 0.5), At(*list, 0.9), At(*list, 0.99), list->back());
    }
  };

  // Clients at all nodes but one, something is done, and it is measured.
  void Round(Pauses* pauses, size_t without, const std::function<void()>& act) {
    std::vector<std::unique_ptr<Client>> clients;
    for (size_t i = 0; i < cluster_.size(); ++i) {
      if (i == without) continue;
      for (int k = 0; k < 2; ++k) clients.push_back(std::make_unique<Client>(cluster_.port(i)));
    }
    const auto all_answered = [&](size_t more, const std::vector<size_t>& before) {
      for (size_t i = 0; i < clients.size(); ++i) {
        if (clients[i]->errors() == 0 && clients[i]->answered() < before[i] + more) return false;
      }
      return true;
    };
    std::vector<size_t> before(clients.size(), 0);
    if (!Eventually([&] { return all_answered(20, before); })) Die("writes aren't answered");
    if (options_.saving) {
      for (size_t i = 0; i < cluster_.size(); ++i) Connection(cluster_.port(i)).Ask({"BGSAVE"});
      std::this_thread::sleep_for(milliseconds(50));
    }
    for (size_t i = 0; i < clients.size(); ++i) before[i] = clients[i]->answered();
    const auto event = Clock::now();
    act();
    std::this_thread::sleep_for(milliseconds(100));
    if (!Eventually([&] { return all_answered(30, before); })) Die("service doesn't come back");
    for (auto& client : clients) client->Stop();
    for (auto& client : clients) client->Join();
    Note(clients, event, pauses);
  }

  void Note(const std::vector<std::unique_ptr<Client>>& clients, Clock::time_point event,
            Pauses* pauses) {
    std::vector<Clock::time_point> all;
    double worst = 0;
    for (const auto& client : clients) {
      std::vector<Clock::time_point> one;
      for (const Client::Answer& answer : client->answers()) {
        one.push_back(answer.at);
        (answer.id ? ids_ : counts_).push_back(answer.value);
      }
      worst = std::max(worst, LongestPause(one, event));
      all.insert(all.end(), one.begin(), one.end());
      errors_ += client->errors();
    }
    std::sort(all.begin(), all.end());
    pauses->of_one.push_back(worst);
    pauses->of_all.push_back(LongestPause(all, event));
  }

  static bool Complete(const char* what, std::vector<long long>* values, long long first) {
    std::sort(values->begin(), values->end());
    long long twice = 0, skipped = 0;
    long long next = first;
    for (const long long value : *values) {
      if (value < next) {
        ++twice;
      } else {
        skipped += value - next;
        next = value + 1;
      }
    }
    std::printf("%zu numbers from %s: %lld given twice, %lld skipped\n", values->size(), what,
                twice, skipped);
    return twice == 0 && skipped == 0;
  }

  const Options& options_;
  Cluster cluster_;
  Pauses kills_, handovers_, freezes_;
  std::vector<long long> ids_, counts_;
  int errors_ = 0;
};

int Run(const Options& options) {
  Timer timer(options);
  timer.Fill();
  for (int i = 0; i < options.kills; ++i) timer.Kill();
  for (int i = 0; i < options.handovers; ++i) timer.Handover();
  for (int i = 0; i < options.freezes; ++i) timer.Freeze();
  return timer.Report() ? 0 : 1;
}

}  // namespace
}  // namespace understudy

int main(int argc, char** argv) {
  namespace po = boost::program_options;
  understudy::Options o;
  po::options_description options("failover_timer");
  auto add = options.add_options();
  add("help,h", "this text");
  add("server", po::value(&o.server)->required(), "understudy-server");
  add("dir", po::value(&o.dir)->required(), "for the nodes' data");
  add("ports", po::value(&o.ports)->multitoken()->required(), "three free ones");
  add("kills", po::value(&o.kills)->default_value(100), "how many");
  add("handovers", po::value(&o.handovers)->default_value(100), "how many");
  add("freezes", po::value(&o.freezes)->default_value(20), "how many");
  add("fsync", po::value(&o.fsync)->default_value("always"), "--appendfsync of the nodes");
  add("lock-ttl", po::value(&o.lock_ttl_ms)->default_value(1000), "of the nodes, ms");
  add("keys", po::value(&o.keys)->default_value(0), "in the key space");
  add("saving", po::bool_switch(&o.saving), "all nodes save a snapshot at each event");
  try {
    po::variables_map values;
    po::store(po::parse_command_line(argc, argv, options), values);
    if (values.count("help") != 0) {
      std::cout << options;
      return 0;
    }
    po::notify(values);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "failover_timer: %s\n", error.what());
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  return understudy::Run(o);
}
