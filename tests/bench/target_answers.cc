// What the two kinds of a target's answer cost: an update, and a whole new state
// (targets/target.h), for a chat room that holds 10,000 messages, as the paper of the Erlang
// original measured them.
//
//   target_answers [seconds a kind, default 2]
//
// One call is: the global's Handle and Apply, the entry's bytes, and the Apply of one local; in one
// process, so without network and disk, which carry the bytes shown.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>

#include "protocol/command_table.h"
#include "targets/cluster_machine.h"
#include "targets/effect.h"

namespace understudy::targets {
namespace {

constexpr size_t kMessages = 10000;
constexpr std::string_view kText = "a message of a room, about as long as people's messages are";

// A room that keeps its newest kMessages messages, one a line. "update text" and "state text" say
// the same and differ in the answer.
class Room : public plugin::Target {
 public:
  void Handle(const plugin::Request& request, plugin::Answer& answer) const override {
    if (request.args[0] == "update") return answer.Update(request.args[1]);
    Room next = *this;
    next.Apply(request.args[1], 1);
    answer.NewState(next.Snapshot());
  }
  void Apply(std::string_view update, uint32_t) override {
    messages_.emplace_back(update);
    if (messages_.size() > kMessages) messages_.pop_front();
  }
  std::string Snapshot() const override {
    std::string state;
    for (const std::string& message : messages_) state.append(message).push_back('\n');
    return state;
  }
  void Restore(std::string_view state, uint32_t) override {
    messages_.clear();
    while (!state.empty()) {
      const size_t end = state.find('\n');
      messages_.emplace_back(state.substr(0, end));
      state.remove_prefix(end + 1);
    }
  }

 private:
  std::deque<std::string> messages_;
};

class Nobody : public Publisher {
 public:
  void Publish(const Publication&) override {}
  void Subscribe(const Client&, std::string_view) override {}
  void Unsubscribe(const Client&, std::string_view) override {}
};

class Bench {
 public:
  Bench() {
    plugin_.type = "room";
    plugin_.create = [](std::span<const std::string_view>) -> plugin::Target* { return new Room; };
    plugin_.destroy = [](plugin::Target* target) { delete target; };
    type_ = {"room", "", "", &plugin_};
    global_ = Make();
    local_ = Make();
    for (size_t i = 0; i < kMessages; ++i) Call("update");
  }

  // The entry's bytes.
  size_t Call(std::string_view kind) {
    const std::string text = "fred " + std::to_string(++count_) + " " + std::string(kText);
    const std::string_view args[] = {"target.call", "room", kind, text};
    const Request request{table_.Find(args), args, 0, {"node", 1, 1}};
    reply_.clear();
    update_.clear();
    protocol::ReplyWriter reply(&reply_, 3);
    EffectWriter effects(&update_);
    Context context;
    context.index = count_;
    context.reply = &reply;
    context.effects = &effects;
    context.publisher = &nobody_;
    global_->Handle(request, context);
    EffectReader reader(update_);
    int db = 0;
    while (reader.Next(&db, &args_)) local_->Apply(db, args_, context);
    return update_.size();
  }

  bool Equal() const { return global_->Digest() == local_->Digest(); }

 private:
  std::unique_ptr<Machine> Make() {
    std::string error;
    return ClusterMachine::Make(table_, std::make_shared<TargetOptions>(), type_, {}, &error);
  }

  protocol::CommandTable table_;
  plugin::Plugin plugin_;
  TargetType type_;
  std::unique_ptr<Machine> global_, local_;
  Nobody nobody_;
  uint64_t count_ = 0;
  std::string reply_, update_;
  std::vector<std::string_view> args_;
};

void Measure(std::string_view kind, double seconds) {
  using Clock = std::chrono::steady_clock;
  Bench bench;
  size_t calls = 0, bytes = 0;
  const auto begin = Clock::now();
  double took = 0;
  do {
    bytes += bench.Call(kind);
    ++calls;
    took = std::chrono::duration<double>(Clock::now() - begin).count();
  } while (took < seconds);
  if (!bench.Equal()) {
    std::fprintf(stderr, "the two copies differ\n");
    std::exit(1);
  }
  std::printf("%-8s %10.2f us a call %10zu bytes an entry %10zu calls\n", std::string(kind).c_str(),
              took * 1e6 / static_cast<double>(calls), bytes / calls, calls);
}

}  // namespace
}  // namespace understudy::targets

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  for (std::string_view kind : {"update", "state"}) understudy::targets::Measure(kind, seconds);
}
