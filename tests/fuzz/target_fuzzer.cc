// Requests to targets, effects that nobody made, exits, and states: whatever comes, nothing is
// thrown, an error reply has no effects, and two members that get the same stay equal.
//
// The first byte chooses the type; the rest is read as effects (targets/effect.h), each of which is
// a request of the client whose number is its database, or (numbers from 200 on) an effect, an
// exit.
#include <map>
#include <memory>

#include "protocol/command_table.h"
#include "targets/cluster_machine.h"
#include "targets/effect.h"
#include "tests/fuzz/fuzz.h"

namespace understudy::fuzz {
namespace {

using namespace targets;

// Counts how often each word was said; throws when it hears "throw", wherever.
class Words : public plugin::Target {
 public:
  void Handle(const plugin::Request& request, plugin::Answer& answer) const override {
    for (std::string_view arg : request.args) {
      UNDERSTUDY_CHECK(arg != "check", "said check");
      if (arg == "state") return answer.NewState(request.args.back());
      if (arg == "link") answer.Link(request.client);
      if (arg == "timer") answer.SetTimer(request.args.back(), request.now_ms + 5);
      if (arg == "publish") answer.Publish("news", arg);
      answer.Update(arg);
    }
  }
  void Apply(std::string_view update, uint32_t) override {
    ++counts_[std::string(update)];
    if (update == "throw") throw 7;
  }
  std::string Snapshot() const override {
    std::string state;
    for (const auto& [word, count] : counts_) {
      AppendVarint(&state, word.size());
      state += word;
      AppendVarint(&state, count);
    }
    return state;
  }
  void Restore(std::string_view state, uint32_t) override {
    counts_.clear();
    while (!state.empty()) {
      uint64_t size = 0, count = 0;
      UNDERSTUDY_CHECK(TakeVarint(&state, &size) && size <= state.size(), "damaged");
      const std::string word(state.substr(0, size));
      state.remove_prefix(size);
      UNDERSTUDY_CHECK(TakeVarint(&state, &count) && counts_.emplace(word, count).second,
                       "damaged");
    }
  }
  void OnExit(const plugin::Exit& exit, plugin::Answer& answer) const override {
    answer.Update(exit.reason);
  }
  void OnTimer(const plugin::Expiry& expiry, plugin::Answer& answer) const override {
    answer.Update(expiry.name);
  }

 private:
  std::map<std::string, uint64_t> counts_;
};

class Nobody : public Publisher {
 public:
  void Publish(const Publication&) override {}
  void Subscribe(const Client&, std::string_view) override {}
  void Unsubscribe(const Client&, std::string_view) override {}
};

struct World {
  World() {
    words.type = "words";
    words.create = [](std::span<const std::string_view>) -> plugin::Target* { return new Words; };
    words.destroy = [](plugin::Target* target) { delete target; };
    options->chat_history = 3;
    types[0] = {"id", "", "", nullptr};
    types[1] = {"chat", "", "", nullptr};
    types[2] = {"words", "", "", &words};
  }
  std::unique_ptr<ClusterMachine> Make(size_t type) {
    std::string error;
    return ClusterMachine::Make(table, options, types[type % 3], {}, &error);
  }
  protocol::CommandTable table;
  plugin::Plugin words;
  std::shared_ptr<TargetOptions> options = std::make_shared<TargetOptions>();
  TargetType types[3];
  Nobody nobody;
};

// One cluster of two.
class Pair {
 public:
  Pair(World* world, size_t type)
      : world_(world), global_(world->Make(type)), local_(world->Make(type)) {}

  void Do(int number, std::span<const std::string_view> args) {
    const std::string_view node = number % 2 == 0 ? "aaaa" : "bbbb";
    const Client client{node, static_cast<uint64_t>(number % 5), static_cast<uint64_t>(number % 3)};
    ++now_ms_;
    if (number >= 250) return ApplyToBoth(args);
    const std::string before = global_->Digest();
    update_.clear();
    reply_.clear();
    protocol::ReplyWriter reply(&reply_, 3);
    EffectWriter effects(&update_);
    Context context = MakeContext(&effects);
    if (number >= 240) {
      global_->OnTimer(context);
    } else if (number >= 200) {
      global_->OnExit(client, args[0], context);
    } else {
      const protocol::Command* command = world_->table.Find(args);
      if (command == nullptr || !command->ArityFits(args.size())) return;
      if (command->row->owner == protocol::Owner::kNode) return;
      context.reply = &reply;
      global_->Handle({command, args, 0, client}, context);
      Check(!reply_.empty(), "no reply");
      Check(reply_[0] != '-' || effects.empty(), "an error with effects");
    }
    if (effects.empty()) Check(global_->Digest() == before, "no effects, but a change");
    ++index_;
    EffectReader reader(update_);
    int db = 0;
    std::vector<std::string_view> effect;
    EffectWriter none(nullptr);
    Context there = MakeContext(&none);
    while (reader.Next(&db, &effect)) Check(local_->Apply(db, effect, there), "refused");
    CheckEqual();
  }

  void CheckEqual() {
    Check(global_->Digest() == local_->Digest(), "the members differ");
    Check(global_->Describe() == local_->Describe(), "the members describe themselves differently");
  }

  void Restore(std::string_view bytes) {
    std::string error;
    const bool ok = global_->Restore(bytes, &error);
    Check(local_->Restore(bytes, &error) == ok, "one member takes it");
    CheckEqual();
    if (!ok) return;
    std::string again;
    global_->Snapshot([&again](std::string_view piece) {
      again += piece;
      return true;
    });
    Check(local_->Restore(again, &error), "its own state is refused");
    CheckEqual();
  }

 private:
  Context MakeContext(EffectWriter* effects) {
    Context context;
    context.now_ms = now_ms_;
    context.index = index_ + 1;
    context.random = 5;
    context.effects = effects;
    context.publisher = &world_->nobody;
    return context;
  }
  void ApplyToBoth(std::span<const std::string_view> args) {
    EffectWriter none(nullptr);
    Context context = MakeContext(&none);
    ++index_;
    const std::string before = global_->Digest();
    const bool here = global_->Apply(0, args, context), there = local_->Apply(0, args, context);
    Check(here == there, "one member applies what the other refuses");
    // A plug-in that can't apply what is committed is broken, and says so.
    const bool broken = global_->Describe().find("broken:") != std::string::npos;
    Check(here || broken || global_->Digest() == before, "refused, but a change");
    CheckEqual();
  }

  World* world_;
  std::unique_ptr<ClusterMachine> global_, local_;
  std::string update_, reply_;
  int64_t now_ms_ = 1000;
  uint64_t index_ = 0;
};

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  const auto add = [&seeds](char type, std::initializer_list<std::vector<std::string_view>> all) {
    std::string update(1, type);
    EffectWriter writer(&update);
    int number = 1;
    for (const auto& args : all) writer.Add(number++, args);
    seeds.push_back(update);
  };
  add(0, {{"nextid"}, {"target.call", "x", "nextid", "a", "count", "5"}, {"nextid", "count", "9"}});
  add(1, {{"chat.join", "r", "n"},
          {"chat.send", "r", "hello"},
          {"chat.history", "r", "count", "1"},
          {"chat.start", "s"},
          {"chat.leave", "r"},
          {"chat.stop", "r"},
          {"chat.users", "r"}});
  add(2, {{"target.call", "x", "a", "throw"},
          {"target.call", "x", "link", "timer"},
          {"target.cast", "x", "state", "a"},
          {"target.link", "x", "self"},
          {"target.call", "x", "check"}});
  std::string exits(1, 2);
  EffectWriter writer(&exits);
  for (int number : {201, 202, 245}) writer.Add(number, {"gone"});
  writer.Add(251, {"target.update", "1", "throw"});
  writer.Add(252, {"target.link", "aaaa", "1", "1"});
  writer.Add(253, {"chat.join", "r", "aaaa", "1", "1", "n"});
  seeds.push_back(exits);
  std::string state("\x02USTARGET\x01\x05words", 15);
  seeds.push_back(state + std::string("\0\0\1\1\0\1\1a\1", 9));
  return seeds;
}

}  // namespace understudy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy::fuzz;
  if (size == 0) return 0;
  static World world;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Pair pair(&world, static_cast<unsigned char>(input[0]));
  if (input.substr(1).starts_with("USTARGET")) {
    pair.Restore(input.substr(1));
    return 0;
  }
  understudy::targets::EffectReader reader(input.substr(1));
  std::vector<std::string_view> args;
  int db = 0;
  while (reader.Next(&db, &args)) pair.Do(db & 255, args);
  return 0;
}
