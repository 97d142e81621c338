// Many clients that write to a cluster whose nodes are killed, paused and restarted around them,
// and that afterwards check what they were told:
//
//   set       each SET of a new key that was acknowledged is there, with its value
//   counter   a counter is at least what was acknowledged, at most that and what got no answer; no
//             INCR gave a value twice
//   id        no NEXTID was given twice, and each is greater than those answered before it
//   list      a string that APPENDs build holds each acknowledged token, in the order of each
//             client, and none twice; what got no answer may have been done late
//   pipeline  a client's writes and reads take effect in the order in which it sent them
//   register  reads and writes of a few keys through all nodes are linearizable
//
// A command without an answer (a closed connection, a timeout) is never sent again: it may have
// been done or not, once. An error reply must be one that promises that nothing was done
// (CLUSTERDOWN, LOADING); any other is a failure. When a connection breaks its client goes on at
// the next server.
//
// --events-file: a line "<microseconds since the epoch> <what>" for each thing that is about to be
// done to the cluster; the report says how long no write was acknowledged then.
//
// Runs until --stop-file exists, then waits until all servers answer, checks, and ends with 0 if
// all is well. A thread a client, blocking hiredis connections; records are each thread's own until
// all have ended.
#include <hiredis/hiredis.h>

#include <algorithm>
#include <atomic>
#include <boost/program_options.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/linearizability/checker.h"

namespace understudy {
namespace {

using linearizability::Operation;

struct Options {
  std::string servers;
  std::string stop_file;
  std::string events_file;
  int clients = 2;  // of each kind
  int registers = 4;
  int timeout_ms = 3000;
  int register_pause_us = 3000;  // between a client's operations: keeps histories checkable
  int pause_us = 300;
  double max_seconds = 300;
  double bound_seconds = 15;  // no event may take longer to get over
  bool no_ids = false;        // the server has no NEXTID
};

int64_t NowUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

enum class Outcome { kAnswered, kRefused, kUnknown };

// What all threads share.
struct Shared {
  const Options& options;
  std::vector<std::pair<std::string, int>> servers;
  std::atomic<bool> stop{false};
  std::mutex mutex;                  // guards what follows
  std::set<std::string> complaints;  // wrong replies
  std::map<std::string, uint64_t> refusals;
};

// A connection to one of the servers; after a break, to the next.
class Session {
 public:
  Session(Shared* shared, size_t first) : shared_(shared), server_(first) {}
  ~Session() { Close(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // One command. Unknown if it was sent and not answered; refused if it can't have been done.
  Outcome Do(const std::vector<std::string>& arguments, Reply* reply) {
    if (!Connect()) return Outcome::kRefused;
    std::vector<const char*> words;
    std::vector<size_t> sizes;
    for (const std::string& argument : arguments) {
      words.push_back(argument.data());
      sizes.push_back(argument.size());
    }
    reply->reset(static_cast<redisReply*>(
        redisCommandArgv(context_, static_cast<int>(words.size()), words.data(), sizes.data())));
    if (*reply == nullptr) {
      Close();
      ++server_;
      return Outcome::kUnknown;
    }
    if ((*reply)->type != REDIS_REPLY_ERROR) return Outcome::kAnswered;
    const std::string error((*reply)->str, (*reply)->len);
    const std::string word = error.substr(0, error.find(' '));
    const std::lock_guard lock(shared_->mutex);
    ++shared_->refusals[word];
    if (word != "CLUSTERDOWN" && word != "LOADING") {
      shared_->complaints.insert("unexpected error to " + arguments[0] + ": " + error);
    }
    ++server_;
    Close();
    return Outcome::kRefused;
  }

  // A pipeline: commands are queued, then each has its reply. False: the connection broke, and with
  // it the rest of the pipeline.
  bool Queue(const std::vector<std::string>& arguments) {
    std::vector<const char*> words;
    for (const std::string& argument : arguments) words.push_back(argument.c_str());
    return Connect() && redisAppendCommandArgv(context_, static_cast<int>(words.size()),
                                               words.data(), nullptr) == REDIS_OK;
  }
  bool NextReply(Reply* reply) {
    void* raw = nullptr;
    const bool good = redisGetReply(context_, &raw) == REDIS_OK;
    reply->reset(static_cast<redisReply*>(raw));
    if (good) return true;
    Close();
    ++server_;
    return false;
  }

  bool Connect() {
    if (context_ != nullptr) return true;
    const auto& [host, port] = shared_->servers[server_ % shared_->servers.size()];
    timeval timeout = Milliseconds(500);
    context_ = redisConnectWithTimeout(host.c_str(), port, timeout);
    if (context_ == nullptr || context_->err != 0) {
      Close();
      ++server_;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return false;
    }
    timeout = Milliseconds(shared_->options.timeout_ms);
    redisSetTimeout(context_, timeout);
    return true;
  }

 private:
  static timeval Milliseconds(int ms) { return {ms / 1000, (ms % 1000) * 1000}; }
  void Close() {
    if (context_ != nullptr) redisFree(context_);
    context_ = nullptr;
  }

  Shared* shared_;
  size_t server_;
  redisContext* context_ = nullptr;
};

// --- clients
// --------------------------------------------------------------------------------------

// When writes succeeded: invoked, answered.
using Times = std::vector<std::pair<int64_t, int64_t>>;

struct Client {
  explicit Client(Shared* all, int i)
      : shared(all), number(i), session(all, static_cast<size_t>(i)) {}
  virtual ~Client() = default;
  virtual void Once() = 0;
  virtual int PauseUs() const { return shared->options.pause_us; }

  void Run() {
    while (!shared->stop) {
      Once();
      std::this_thread::sleep_for(std::chrono::microseconds(PauseUs()));
    }
  }

  Outcome Write(const std::vector<std::string>& arguments, Reply* reply) {
    const int64_t invoked = NowUs();
    const Outcome outcome = session.Do(arguments, reply);
    if (outcome == Outcome::kAnswered) times.emplace_back(invoked, NowUs());
    if (outcome == Outcome::kUnknown) ++unknown;
    return outcome;
  }
  void Complain(const std::string& what) {
    const std::lock_guard lock(shared->mutex);
    shared->complaints.insert(what);
  }

  Shared* shared;
  int number;
  Session session;
  Times times;
  uint64_t unknown = 0;
};

struct SetClient : Client {
  using Client::Client;
  std::string Key(uint64_t n) const {
    return "set:" + std::to_string(number) + ":" + std::to_string(n);
  }
  void Once() override {
    Reply reply;
    const uint64_t n = next++;
    const Outcome outcome = Write({"SET", Key(n), std::to_string(n)}, &reply);
    if (outcome == Outcome::kRefused) refused.push_back(n);
    if (outcome != Outcome::kAnswered) return;
    if (reply->type != REDIS_REPLY_STATUS) Complain("SET answered with another type");
    acknowledged.push_back(n);
  }
  uint64_t next = 0;
  std::vector<uint64_t> acknowledged;
  std::vector<uint64_t> refused;
};

struct CounterClient : Client {
  using Client::Client;
  void Once() override {
    Reply reply;
    if (Write({"INCR", "counter"}, &reply) != Outcome::kAnswered) return;
    if (reply->type != REDIS_REPLY_INTEGER) return Complain("INCR answered with another type");
    values.push_back(reply->integer);
  }
  std::vector<long long> values;
};

struct IdClient : Client {
  using Client::Client;
  void Once() override {
    Reply reply;
    const int64_t invoked = NowUs();
    if (Write({"NEXTID"}, &reply) != Outcome::kAnswered) return;
    if (reply->type != REDIS_REPLY_INTEGER) return Complain("NEXTID answered with another type");
    ids.push_back({reply->integer, invoked, NowUs()});
  }
  struct Id {
    long long value;
    int64_t invoked, answered;
  };
  std::vector<Id> ids;
};

struct ListClient : Client {
  using Client::Client;
  std::string Token(uint64_t n) const {
    return std::to_string(number) + "." + std::to_string(n) + ";";
  }
  void Once() override {
    Reply reply;
    const uint64_t n = next++;
    if (Write({"APPEND", "list", Token(n)}, &reply) != Outcome::kAnswered) return;
    if (reply->type != REDIS_REPLY_INTEGER) return Complain("APPEND answered with another type");
    acknowledged.insert(n);
  }
  int PauseUs() const override { return 1000; }
  uint64_t next = 0;
  std::set<uint64_t> acknowledged;
};

// Only this client writes its key, in pipelines; so each reply tells what the next one must be.
// When a connection breaks, what it has not answered may still be done, at any time: the client
// goes on with another key.
struct PipelineClient : Client {
  PipelineClient(Shared* all, int i) : Client(all, i), random(static_cast<uint64_t>(i) * 6007 + 1) {
    BeginAgain();
  }
  int PauseUs() const override { return 2000; }

  void Once() override {
    if (random() % 40 == 0) other = std::make_unique<Session>(shared, random());
    std::vector<bool> writes(1 + random() % 30);
    for (size_t i = 0; i < writes.size(); ++i) {
      writes[i] = random() % 2 == 0;
      if (!other->Queue({writes[i] ? "INCR" : "GET", key})) return BeginAgain();
      asked += writes[i] ? 1 : 0;
    }
    bool known = false;
    for (bool write : writes) {
      Reply reply;
      if (!other->NextReply(&reply)) return BeginAgain();
      if (reply->type == REDIS_REPLY_ERROR) {
        const std::string error(reply->str, reply->len);
        if (error.rfind("CLUSTERDOWN", 0) != 0) Complain("unexpected error: " + error);
        known = false;
        continue;
      }
      const long long value = reply->type == REDIS_REPLY_INTEGER  ? reply->integer
                              : reply->type == REDIS_REPLY_STRING ? std::stoll(reply->str)
                                                                  : 0;
      const long long least = last + (write ? 1 : 0);
      if (value < least || (known && value != least) || value > asked) {
        Complain("pipeline: " + std::string(write ? "INCR" : "GET") + " gave " +
                 std::to_string(value) + " after " + std::to_string(last));
      }
      last = std::max(last, value);
      known = true;
      ++answered;
    }
  }

  void BeginAgain() {
    key = "pipeline:" + std::to_string(number) + ":" + std::to_string(keys++);
    last = asked = 0;
    other = std::make_unique<Session>(shared, random());
  }

  std::mt19937_64 random;
  uint64_t keys = 0;
  std::string key;
  std::unique_ptr<Session> other;
  long long last = 0, asked = 0;
  uint64_t answered = 0;
};

struct RegisterClient : Client {
  RegisterClient(Shared* all, int i)
      : Client(all, i), random(static_cast<uint64_t>(i) * 7919 + 1) {}
  int PauseUs() const override { return shared->options.register_pause_us; }

  void Once() override {
    const std::string key =
        "register:" + std::to_string(random() % static_cast<uint64_t>(shared->options.registers));
    // A new session now and then, so that each client reads and writes at every node.
    if (random() % 50 == 0) other = std::make_unique<Session>(shared, random());
    if (other == nullptr) other = std::make_unique<Session>(shared, random());
    Operation o;
    o.client = number;
    o.argument = ++written * 1000 + number;  // unique
    std::vector<std::string> command = {"GET", key};
    const uint64_t kind = random() % 10;
    if (kind >= 5) {
      o.kind = kind < 8   ? Operation::Kind::kWrite
               : kind < 9 ? Operation::Kind::kExchange
                          : Operation::Kind::kCompareAndSet;
      command = {"SET", key, std::to_string(o.argument)};
      if (o.kind == Operation::Kind::kExchange) command.push_back("GET");
      if (o.kind == Operation::Kind::kCompareAndSet) command.push_back("NX");
      o.expected = linearizability::kAbsent;
    }
    Reply reply;
    o.invoked_us = NowUs();
    const Outcome outcome = other->Do(command, &reply);
    o.returned_us = NowUs();
    if (outcome == Outcome::kRefused) return;
    if (outcome == Outcome::kUnknown) {
      o.outcome = Operation::Outcome::kUnknown;
    } else {
      o.result = Value(*reply, o.kind);
    }
    history[key].push_back(o);
  }

  static linearizability::Value Value(const redisReply& reply, Operation::Kind kind) {
    if (kind == Operation::Kind::kCompareAndSet) return reply.type == REDIS_REPLY_STATUS;
    if (reply.type == REDIS_REPLY_NIL) return linearizability::kAbsent;
    return reply.type == REDIS_REPLY_STRING ? std::stoll(reply.str) : -1;
  }

  std::mt19937_64 random;
  int64_t written = 0;
  std::unique_ptr<Session> other;
  std::map<std::string, std::vector<Operation>> history;
};

// --- afterwards
// -----------------------------------------------------------------------------------

class Checks {
 public:
  explicit Checks(Shared* shared) : shared_(shared) {}

  bool failed() const { return failed_; }
  void Expect(bool good, const std::string& what) {
    std::cout << (good ? "  ok      " : "  WRONG   ") << what << std::endl;
    if (!good) failed_ = true;
  }

  // One command that must succeed, tried for a while through every server in turn.
  Reply Ask(const std::vector<std::string>& arguments) {
    for (const int64_t until = NowUs() + 30'000'000; NowUs() < until;) {
      Session session(shared_, turn_++);
      Reply reply;
      if (session.Do(arguments, &reply) == Outcome::kAnswered) return reply;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    Expect(false, "no server answers " + arguments[0]);
    return nullptr;
  }

  void Sets(const std::vector<SetClient*>& clients) {
    uint64_t acknowledged = 0, refused = 0, missing = 0, done_nevertheless = 0;
    for (const SetClient* client : clients) {
      acknowledged += client->acknowledged.size();
      refused += client->refused.size();
      missing += client->acknowledged.size() - CountThere(*client, client->acknowledged);
      done_nevertheless += CountThere(*client, client->refused);
    }
    Expect(acknowledged > 0, std::to_string(acknowledged) + " acknowledged SETs");
    Expect(missing == 0, std::to_string(missing) + " of them are missing");
    Expect(done_nevertheless == 0, std::to_string(done_nevertheless) + " of " +
                                       std::to_string(refused) + " refused SETs were done");
  }

  // How many of these keys exist with their value.
  uint64_t CountThere(const SetClient& client, const std::vector<uint64_t>& numbers) {
    uint64_t there = 0;
    for (size_t at = 0; at < numbers.size(); at += 500) {
      const size_t end = std::min(numbers.size(), at + 500);
      std::vector<std::string> command = {"MGET"};
      for (size_t i = at; i < end; ++i) command.push_back(client.Key(numbers[i]));
      const Reply reply = Ask(command);
      for (size_t i = at; reply != nullptr && i < end; ++i) {
        const redisReply* value = reply->elements > i - at ? reply->element[i - at] : nullptr;
        there += value != nullptr && value->type == REDIS_REPLY_STRING &&
                 std::to_string(numbers[i]) == std::string(value->str, value->len);
      }
    }
    return there;
  }

  void Counters(const std::vector<CounterClient*>& clients) {
    std::set<long long> values;
    uint64_t acknowledged = 0, unknown = 0;
    long long greatest = 0;
    for (const CounterClient* client : clients) {
      acknowledged += client->values.size();
      unknown += client->unknown;
      for (long long value : client->values) {
        values.insert(value);
        greatest = std::max(greatest, value);
      }
    }
    const Reply reply = Ask({"GET", "counter"});
    if (reply == nullptr) return;
    const long long total = reply->type == REDIS_REPLY_STRING ? std::stoll(reply->str) : 0;
    Expect(acknowledged > 0, std::to_string(acknowledged) + " acknowledged INCRs, " +
                                 std::to_string(unknown) + " without an answer, the counter is " +
                                 std::to_string(total));
    Expect(values.size() == acknowledged, "no INCR gave a value twice");
    Expect(total >= static_cast<long long>(acknowledged) && total >= greatest &&
               total <= static_cast<long long>(acknowledged + unknown),
           "the counter fits");
  }

  void Ids(const std::vector<IdClient*>& clients) {
    std::vector<IdClient::Id> ids;
    for (const IdClient* client : clients) {
      ids.insert(ids.end(), client->ids.begin(), client->ids.end());
    }
    std::ranges::sort(ids, {}, &IdClient::Id::value);
    size_t twice = 0, backwards = 0;
    // From the greatest down: none may have been answered before a smaller one was asked for.
    int64_t least_answered = INT64_MAX;
    for (size_t i = ids.size(); i-- > 0;) {
      if (i > 0 && ids[i].value == ids[i - 1].value) ++twice;
      if (least_answered < ids[i].invoked) ++backwards;
      least_answered = std::min(least_answered, ids[i].answered);
    }
    Expect(!ids.empty(), std::to_string(ids.size()) + " NEXTIDs");
    Expect(twice == 0, "no NEXTID was handed out twice (" + std::to_string(twice) + ")");
    Expect(backwards == 0, "NEXTID never went backwards (" + std::to_string(backwards) + ")");
  }

  void Lists(const std::vector<ListClient*>& clients) {
    const Reply reply = Ask({"GET", "list"});
    if (reply == nullptr) return;
    std::map<int, std::vector<uint64_t>> found;
    std::istringstream text(std::string(reply->str == nullptr ? "" : reply->str, reply->len));
    size_t tokens = 0, acknowledged = 0;
    for (std::string token; std::getline(text, token, ';'); ++tokens) {
      found[std::stoi(token)].push_back(std::stoull(token.substr(token.find('.') + 1)));
    }
    bool once = true, ordered = true;
    size_t missing = 0;
    for (const ListClient* client : clients) {
      const auto& mine = found[client->number];
      const std::set<uint64_t> there(mine.begin(), mine.end());
      if (there.size() != mine.size()) once = false;
      uint64_t newest = 0;
      for (uint64_t n : mine) {
        if (!client->acknowledged.contains(n)) continue;
        if (n < newest) ordered = false;
        newest = n;
      }
      for (uint64_t n : client->acknowledged) missing += 1 - there.count(n);
      acknowledged += client->acknowledged.size();
    }
    Expect(acknowledged > 0, std::to_string(acknowledged) + " acknowledged APPENDs, " +
                                 std::to_string(tokens) + " tokens in the string");
    Expect(missing == 0, std::to_string(missing) + " of them are missing");
    Expect(once, "no token is there twice");
    Expect(ordered, "those acknowledged are in their client's order");
  }

  void Pipelines(const std::vector<PipelineClient*>& clients) {
    uint64_t answered = 0;
    bool fit = true;
    for (const PipelineClient* client : clients) {
      answered += client->answered;
      const Reply reply = Ask({"GET", client->key});
      if (reply == nullptr) return;
      const long long value = reply->type == REDIS_REPLY_STRING ? std::stoll(reply->str) : 0;
      fit = fit && value >= client->last && value <= client->asked;
    }
    Expect(answered > 0 && fit, std::to_string(answered) +
                                    " replies in pipelines, and what is there "
                                    "fits them");
  }

  void Registers(const std::vector<RegisterClient*>& clients) {
    std::map<std::string, std::vector<Operation>> all;
    size_t count = 0, unknown = 0;
    for (const RegisterClient* client : clients) {
      for (const auto& [key, history] : client->history) {
        all[key].insert(all[key].end(), history.begin(), history.end());
        count += history.size();
        unknown += static_cast<size_t>(std::ranges::count_if(
            history, [](const Operation& o) { return o.outcome == Operation::Outcome::kUnknown; }));
      }
    }
    // The last word is what a reader finds now.
    for (auto& [key, history] : all) {
      Operation o;
      o.client = -1;
      o.invoked_us = NowUs();
      const Reply reply = Ask({"GET", key});
      if (reply == nullptr) return;
      o.returned_us = NowUs();
      o.result = RegisterClient::Value(*reply, o.kind);
      history.push_back(o);
    }
    const auto report = linearizability::CheckKeys(all);
    Expect(count > 0, std::to_string(count) + " reads and writes of registers, " +
                          std::to_string(unknown) + " without an answer");
    Expect(report.verdict == linearizability::Verdict::kLinearizable,
           "they are linearizable (" + std::to_string(report.visited) + " configurations)" +
               (report.explanation.empty() ? "" : "\n" + report.explanation));
  }

  // How long each event kept all writers out: the longest time without an acknowledged write, of
  // those that end within the next few seconds or, if none does, of the one that is under way.
  void Events(const std::vector<Client*>& clients) {
    std::vector<int64_t> answers;
    for (const Client* client : clients) {
      for (const auto& [invoked, answered] : client->times) answers.push_back(answered);
    }
    std::ranges::sort(answers);
    for (size_t i = 1; i < answers.size(); ++i) {
      longest_gap_ms = std::max(longest_gap_ms, Ms(answers[i] - answers[i - 1]));
    }
    std::printf("  %9.1f ms was the longest time without an acknowledged write\n", longest_gap_ms);

    std::ifstream file(shared_->options.events_file);
    std::vector<double> pauses;
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      int64_t at = 0;
      std::string what;
      words >> at;
      std::getline(words, what);
      const auto next = std::ranges::lower_bound(answers, at);
      if (next == answers.end()) {
        Expect(false, "no write succeeded after:" + what);
        continue;
      }
      int64_t pause = *next - at;
      for (auto i = next; i + 1 != answers.end() && *i < at + 3'000'000; ++i) {
        pause = std::max(pause, *(i + 1) - *i);
      }
      pauses.push_back(Ms(pause));
      std::printf("  %9.1f ms without an acknowledged write after:%s\n", Ms(pause), what.c_str());
    }
    if (pauses.empty()) return;
    std::ranges::sort(pauses);
    std::printf("  after %zu events: half within %.1f ms, all within %.1f ms\n", pauses.size(),
                pauses[pauses.size() / 2], pauses.back());
    Expect(pauses.back() < shared_->options.bound_seconds * 1000, "service came back each time");
  }

 private:
  static double Ms(int64_t us) { return static_cast<double>(us) / 1000; }

  Shared* shared_;
  size_t turn_ = 0;
  bool failed_ = false;

 public:
  double longest_gap_ms = 0;
};

template <typename Kind>
std::vector<Kind*> AddClients(Shared* shared, int count,
                              std::vector<std::unique_ptr<Client>>* all) {
  std::vector<Kind*> made;
  for (int i = 0; i < count; ++i) {
    auto client = std::make_unique<Kind>(shared, static_cast<int>(all->size()));
    made.push_back(client.get());
    all->push_back(std::move(client));
  }
  return made;
}

int Run(const Options& options, double max_gap_ms) {
  Shared shared{.options = options, .servers = {}, .mutex = {}, .complaints = {}, .refusals = {}};
  std::istringstream list(options.servers);
  for (std::string server; std::getline(list, server, ',');) {
    const size_t colon = server.rfind(':');
    shared.servers.emplace_back(server.substr(0, colon), std::stoi(server.substr(colon + 1)));
  }
  std::vector<std::unique_ptr<Client>> all;
  const auto sets = AddClients<SetClient>(&shared, options.clients, &all);
  const auto counters = AddClients<CounterClient>(&shared, options.clients, &all);
  const auto ids = AddClients<IdClient>(&shared, options.no_ids ? 0 : options.clients, &all);
  const auto lists = AddClients<ListClient>(&shared, options.clients, &all);
  const auto pipelines = AddClients<PipelineClient>(&shared, options.clients * 2, &all);
  const auto registers = AddClients<RegisterClient>(&shared, options.clients * 2, &all);

  std::vector<std::thread> threads;
  for (auto& client : all) threads.emplace_back([&client] { client->Run(); });
  const int64_t until = NowUs() + static_cast<int64_t>(options.max_seconds * 1e6);
  while (!std::filesystem::exists(options.stop_file) && NowUs() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  shared.stop = true;
  for (std::thread& thread : threads) thread.join();

  Checks checks(&shared);
  std::vector<Client*> clients;
  for (auto& client : all) clients.push_back(client.get());
  checks.Events(clients);
  checks.Sets(sets);
  checks.Counters(counters);
  if (!options.no_ids) checks.Ids(ids);
  checks.Lists(lists);
  checks.Pipelines(pipelines);
  checks.Registers(registers);
  for (const auto& [word, count] : shared.refusals) {
    std::cout << "  " << count << " commands were refused with " << word << "\n";
  }
  for (const std::string& complaint : shared.complaints) checks.Expect(false, complaint);
  if (max_gap_ms > 0) {
    checks.Expect(checks.longest_gap_ms < max_gap_ms, "nobody noticed anything");
  }
  return checks.failed() ? 1 : 0;
}

}  // namespace
}  // namespace understudy

int main(int argc, char** argv) {
  namespace po = boost::program_options;
  understudy::Options o;
  double max_gap_ms = 0;
  po::options_description description("Options of failover_client");
  auto add = description.add_options();
  add("help", "this text");
  add("servers", po::value(&o.servers)->required(), "host:port[,host:port...]");
  add("stop-file", po::value(&o.stop_file)->required(), "run until it exists");
  add("events-file", po::value(&o.events_file)->required(),
      "what was done to the cluster, and when");
  add("clients", po::value(&o.clients)->default_value(o.clients), "of each kind");
  add("registers", po::value(&o.registers)->default_value(o.registers),
      "keys of the register clients");
  add("timeout", po::value(&o.timeout_ms)->default_value(o.timeout_ms), "ms to wait for a reply");
  add("pause", po::value(&o.pause_us)->default_value(o.pause_us), "us between a client's writes");
  add("register-pause", po::value(&o.register_pause_us)->default_value(o.register_pause_us), "us");
  add("max-seconds", po::value(&o.max_seconds)->default_value(o.max_seconds), "stop by itself");
  add("bound", po::value(&o.bound_seconds)->default_value(o.bound_seconds),
      "seconds in which service must be back after each event");
  add("max-gap", po::value(&max_gap_ms), "fail if no write was acknowledged for so many ms");
  add("no-ids", po::bool_switch(&o.no_ids), "without NEXTID (to try this program at redis-server)");
  try {
    po::variables_map values;
    po::store(po::command_line_parser(argc, argv).options(description).run(), values);
    if (values.count("help") != 0) {
      std::cout << description;
      return 0;
    }
    po::notify(values);
  } catch (const po::error& e) {
    std::cerr << "failover_client: " << e.what() << "\n";
    return 1;
  }
  return understudy::Run(o, max_gap_ms);
}
