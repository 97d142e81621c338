// A target of one's own, whole: locks that somebody holds.
//
//   TARGET.START locks lock_service [longest-ms]
//   TARGET.CALL locks ACQUIRE name [ms]   1, 2, 3, ...: the lock is yours; the number is greater
//   than
//                                         that of every holder before (a fencing token). Null:
//                                         somebody else has it. Asked again by its holder: the same
//                                         number.
//   TARGET.CALL locks RELEASE name        1, or 0 if it isn't yours
//   TARGET.CALL locks HOLDER name         the number and the client's id, or null
//   TARGET.CALL locks LIST                the names of the locks that are held
//
// A lock is free again when its holder says so, when its time is over (a timer), and when its
// holder's connection ends or its node dies (a link). Who waits for a lock subscribes to
// lock:<name>, where "free" is published.
//
// Updates are "acquire <token> <node> <run> <client> <name>" and "release <name>": text, with the
// name last since it may hold anything. The state is one such acquire line a lock, sorted by name,
// each with its size before it, behind the last token.
#include <understudy/target.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <vector>

namespace {

using understudy::plugin::Answer;
using understudy::plugin::Client;

constexpr size_t kMaxNameBytes = 200;

int64_t ToNumber(std::string_view text, const char* error) {
  int64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  UNDERSTUDY_CHECK(wrong == std::errc() && end == text.data() + text.size(), error);
  return number;
}

// Takes what is before the next space.
std::string_view TakeWord(std::string_view* text) {
  const size_t space = text->find(' ');
  UNDERSTUDY_CHECK(space != std::string_view::npos, "malformed update or state");
  const std::string_view word = text->substr(0, space);
  text->remove_prefix(space + 1);
  return word;
}

uint64_t TakeNumber(std::string_view* text) {
  const std::string_view word = TakeWord(text);
  uint64_t number = 0;
  const auto [end, wrong] = std::from_chars(word.data(), word.data() + word.size(), number);
  UNDERSTUDY_CHECK(wrong == std::errc() && end == word.data() + word.size(), "malformed number");
  return number;
}

class LockService : public understudy::plugin::Target {
 public:
  explicit LockService(std::span<const std::string_view> args) {
    UNDERSTUDY_CHECK(args.size() <= 1, "usage: TARGET.START name lock_service [longest-ms]");
    if (args.size() == 1) longest_ms_ = ToNumber(args[0], "longest-ms must be a number");
    UNDERSTUDY_CHECK(longest_ms_ > 0, "longest-ms must be positive");
  }

  void Handle(const understudy::plugin::Request& request, Answer& answer) const override {
    const std::string_view what = request.args[0];
    if (what == "LIST") {
      answer.reply().Array(locks_.size());
      for (const auto& [name, lock] : locks_) answer.reply().Bulk(name);
      return;
    }
    UNDERSTUDY_CHECK(request.args.size() >= 2, "which lock?");
    const std::string name(request.args[1]);
    UNDERSTUDY_CHECK(!name.empty() && name.size() <= kMaxNameBytes,
                     "a lock's name has 1 to 200 bytes");
    if (what == "ACQUIRE") return Acquire(request, name, answer);
    const auto found = locks_.find(name);
    if (what == "RELEASE") {
      const bool own = found != locks_.end() && found->second.IsOf(request.client);
      if (own) Release(name, found->second, answer);
      return answer.reply().Integer(own ? 1 : 0);
    }
    UNDERSTUDY_CHECK(what == "HOLDER", "known are ACQUIRE, RELEASE, HOLDER and LIST");
    if (found == locks_.end()) return answer.reply().Null();
    answer.reply().Array(2);
    answer.reply().Integer(static_cast<int64_t>(found->second.token));
    answer.reply().Integer(static_cast<int64_t>(found->second.client));
  }

  void Apply(std::string_view update, uint32_t version) override {
    UNDERSTUDY_CHECK(version == 1, "updates of a version that isn't known here");
    const std::string_view what = TakeWord(&update);
    if (what == "acquire") return Take(update);
    UNDERSTUDY_CHECK(what == "release" && locks_.erase(std::string(update)) == 1,
                     "an update that makes no sense");
  }

  std::string Snapshot() const override {
    std::string state = std::to_string(last_token_) + " ";
    for (const auto& [name, lock] : locks_) {
      const std::string line = lock.Line(name);
      state += std::to_string(line.size()) + " " + line;
    }
    return state;
  }

  void Restore(std::string_view state, uint32_t version) override {
    UNDERSTUDY_CHECK(version == 1, "a state of a version that isn't known here");
    locks_.clear();
    last_token_ = 0;
    const uint64_t last = TakeNumber(&state);
    while (!state.empty()) {
      const uint64_t size = TakeNumber(&state);
      UNDERSTUDY_CHECK(size <= state.size(), "the state is damaged");
      Take(state.substr(0, size));
      state.remove_prefix(size);
    }
    last_token_ = last;
  }

  std::string Describe() const override {
    return "locks:" + std::to_string(locks_.size()) +
           "\r\nlast_token:" + std::to_string(last_token_) + "\r\n";
  }

  // The holder is gone, or its time is over.
  void OnExit(const understudy::plugin::Exit& exit, Answer& answer) const override {
    for (const auto& [name, lock] : locks_) {
      if (lock.IsOf(exit.client)) Release(name, lock, answer);
    }
  }
  void OnTimer(const understudy::plugin::Expiry& expiry, Answer& answer) const override {
    const auto found = locks_.find(std::string(expiry.name));
    if (found != locks_.end()) Release(found->first, found->second, answer);
  }

 private:
  struct Lock {
    uint64_t token = 0;
    std::string node;
    uint64_t run = 0, client = 0;

    bool IsOf(const Client& other) const {
      return client == other.id && run == other.run && node == other.node;
    }
    std::string Line(const std::string& name) const {
      return std::to_string(token) + " " + node + " " + std::to_string(run) + " " +
             std::to_string(client) + " " + name;
    }
  };

  void Acquire(const understudy::plugin::Request& request, const std::string& name,
               Answer& answer) const {
    UNDERSTUDY_CHECK(request.args.size() <= 3, "usage: ACQUIRE name [ms]");
    UNDERSTUDY_CHECK(request.client.id != 0, "only a connection can hold a lock");
    int64_t ms = longest_ms_;
    if (request.args.size() == 3) ms = ToNumber(request.args[2], "ms must be a number");
    UNDERSTUDY_CHECK(ms > 0 && ms <= longest_ms_, "ms must be positive, and not over the longest");
    const auto found = locks_.find(name);
    if (found != locks_.end() && !found->second.IsOf(request.client)) return answer.reply().Null();
    Lock lock{last_token_ + 1, std::string(request.client.node), request.client.run,
              request.client.id};
    if (found != locks_.end()) {
      lock.token = found->second.token;
    } else {
      answer.Update("acquire " + lock.Line(name));
      answer.Link(request.client);
    }
    answer.SetTimer(name, request.now_ms + ms);
    answer.reply().Integer(static_cast<int64_t>(lock.token));
  }

  // The link stays: the client may hold other locks, and it costs nothing.
  static void Release(const std::string& name, const Lock&, Answer& answer) {
    answer.Update("release " + name);
    answer.CancelTimer(name);
    answer.Publish("lock:" + name, "free");
  }

  // "<token> <node> <run> <client> <name>"
  void Take(std::string_view line) {
    Lock lock;
    lock.token = TakeNumber(&line);
    lock.node = TakeWord(&line);
    lock.run = TakeNumber(&line);
    lock.client = TakeNumber(&line);
    UNDERSTUDY_CHECK(locks_.emplace(line, lock).second, "the lock is held already");
    last_token_ = std::max(last_token_, lock.token);
  }

  int64_t longest_ms_ = 60000;
  uint64_t last_token_ = 0;
  std::map<std::string, Lock> locks_;
};

}  // namespace

UNDERSTUDY_TARGET(LockService, "lock_service",
                  "Locks with fencing tokens, free when the holder is gone.", 1, 1)
