// Targets of users' own: what their answers do, and that nothing they throw does anything.
#include "targets/plugin_machine.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <stdexcept>

#include "targets/cluster_machine.h"
#include "tests/target_pair.h"

namespace understudy::targets {
namespace {

using plugin::Answer;

// Names with values; a request does what it says.
class Board : public plugin::Target {
 public:
  explicit Board(std::span<const std::string_view> args) {
    UNDERSTUDY_CHECK(args.size() <= 1, "one argument at most");
    if (!args.empty()) values_["first"] = args[0];
  }

  void Handle(const plugin::Request& request, Answer& answer) const override {
    const auto& args = request.args;
    const std::string_view what = args[0];
    const auto arg = [&](size_t i) {
      UNDERSTUDY_CHECK(i < args.size(), "an argument is missing");
      return std::string(args[i]);
    };
    for (const std::string_view word : args.subspan(1)) {  // they mean something in the state
      UNDERSTUDY_CHECK(what == "REPLACE" || word.find_first_of("=;") == word.npos,
                       "a bad character");
    }
    if (what == "SET") return answer.Update(arg(1) + "=" + arg(2));
    if (what == "SETALL") {  // the names that follow, each to itself
      for (size_t i = 1; i < args.size(); ++i) answer.Update(arg(i) + "=" + arg(i));
      return answer.reply().Integer(static_cast<int64_t>(args.size() - 1));
    }
    if (what == "GET") {
      const auto found = values_.find(arg(1));
      return found == values_.end() ? answer.reply().Null() : answer.reply().Bulk(found->second);
    }
    if (what == "REPLACE") return answer.NewState(arg(1));
    if (what == "BOTH") {
      answer.Update("a=b");
      return answer.NewState("");
    }
    if (what == "STOP") return answer.Stop(args.size() > 1 ? args[1] : "");
    if (what == "LINK") return answer.Link(request.client);
    if (what == "UNLINK") return answer.Unlink(request.client);
    if (what == "LINKED") return answer.reply().Integer(request.linked ? 1 : 0);
    if (what == "TIMER") return answer.SetTimer(arg(1), request.now_ms + std::stoll(arg(2)));
    if (what == "CANCEL") return answer.CancelTimer(arg(1));
    if (what == "SAY") return answer.Publish(arg(1), arg(2));
    if (what == "ERROR") {
      answer.Update("half=done");
      answer.Stop("no");
      return answer.reply().Error("NO not this");
    }
    answer.Update("half=done");
    answer.Link(request.client);
    answer.SetTimer("half", request.now_ms);
    if (what == "CHECK") UNDERSTUDY_CHECK(1 + 1 == 3, "sums are wrong");
    if (what == "THROW") throw std::runtime_error("of its own");
    if (what == "THROWINT") throw 42;
    if (what == "NOMEMORY") throw std::bad_alloc();
    UNDERSTUDY_CHECK(false, "unknown request");
  }

  void Apply(std::string_view update, uint32_t version) override {
    const size_t equals = update.find('=');
    values_["scratch"] = update;  // half done, when it throws below
    UNDERSTUDY_CHECK(version == 1 && equals != std::string_view::npos, "malformed update");
    UNDERSTUDY_CHECK(update.substr(equals + 1) != "poison", "poison");
    values_.erase("scratch");
    values_[std::string(update.substr(0, equals))] = update.substr(equals + 1);
  }

  std::string Snapshot() const override {
    std::string text;
    for (const auto& [name, value] : values_) text += name + "=" + value + ";";
    return text;
  }

  void Restore(std::string_view state, uint32_t version) override {
    values_.clear();
    UNDERSTUDY_CHECK(version <= 2, "a version that isn't known");
    while (!state.empty()) {
      const size_t end = state.find(';');
      const std::string_view one = state.substr(0, end);
      UNDERSTUDY_CHECK(end != std::string_view::npos && one.find('=') != std::string_view::npos,
                       "damaged state");
      values_[std::string(one.substr(0, one.find('=')))] = one.substr(one.find('=') + 1);
      state.remove_prefix(end + 1);
    }
  }

  std::string Describe() const override { return Snapshot(); }

  void OnExit(const plugin::Exit& exit, Answer& answer) const override {
    answer.Update("gone" + std::to_string(exit.client.id) + "=" + std::string(exit.reason));
    if (exit.reason == "throw") throw std::runtime_error("at an exit");
  }
  void OnTimer(const plugin::Expiry& expiry, Answer& answer) const override {
    answer.Update("rang" + std::string(expiry.name) + "=" + std::to_string(expiry.at_ms));
    if (expiry.name == "throw") throw std::runtime_error("at a timer");
    if (expiry.name == "again") answer.SetTimer("again", expiry.now_ms + 10);
  }

 private:
  std::map<std::string, std::string> values_;
};

plugin::Plugin MakePlugin(uint32_t state_version = 1, uint32_t update_version = 1) {
  plugin::Plugin made;
  made.type = "board";
  made.summary = "for tests";
  made.state_version = state_version;
  made.update_version = update_version;
  made.create = [](std::span<const std::string_view> args) -> plugin::Target* {
    return new Board(args);
  };
  made.destroy = [](plugin::Target* target) { delete target; };
  return made;
}

class PluginMachineTest : public testing::Test {
 protected:
  std::unique_ptr<ClusterMachine> Make(const plugin::Plugin& plugin,
                                       std::vector<std::string> arguments = {}) {
    types_.emplace_back(TargetType{plugin.type, "", "", &plugin});
    std::string error;
    auto machine = ClusterMachine::Make(table_, options_, types_.back(), arguments, &error);
    EXPECT_NE(machine, nullptr) << error;
    return machine;
  }
  std::string Call(TargetPair::Args args) {
    args.insert(args.begin(), {"TARGET.CALL", "board"});
    const std::string reply = pair_.RunAs(client_, args);
    EXPECT_EQ(pair_.global->Describe(), pair_.local->Describe());
    return reply;
  }
  std::vector<std::string> NotesOf(Machine* machine) { return machine->TakeNotes(); }

  plugin::Plugin plugin_ = MakePlugin(), newer_ = MakePlugin(2, 1);
  protocol::CommandTable table_;
  std::shared_ptr<TargetOptions> options_ = std::make_shared<TargetOptions>();
  std::deque<TargetType> types_;
  TargetPair pair_{Make(plugin_), Make(plugin_)};
  Client client_{kNodeA, 1, 7};
};

TEST_F(PluginMachineTest, UpdatesAndNewStates) {
  EXPECT_EQ(Call({"SET", "a", "1"}), "+OK\r\n");
  EXPECT_EQ(pair_.EffectText(), "target.version 1 1\ntarget.update 1 a=1");
  EXPECT_EQ(Call({"GET", "a"}), "$1\r\n1\r\n");
  EXPECT_EQ(pair_.EffectText(), "") << "a read ships nothing";
  EXPECT_EQ(pair_.depends_on, pair_.index);
  EXPECT_EQ(Call({"SETALL", "x", "y"}), ":2\r\n");
  EXPECT_EQ(pair_.EffectText(), "target.update 1 x=x\ntarget.update 1 y=y");
  EXPECT_EQ(Call({"REPLACE", "b=2;"}), "+OK\r\n");
  EXPECT_EQ(pair_.EffectText(), "target.state 1 b=2;");
  EXPECT_EQ(Call({"GET", "a"}), "$-1\r\n");
  EXPECT_EQ(Call({"GET", "b"}), "$1\r\n2\r\n");
  EXPECT_EQ(Call({"BOTH"}), "-ERR a new state can't be answered together with updates\r\n");
}

TEST_F(PluginMachineTest, WhatThrowsChangesNothingHoweverOften) {
  Call({"SET", "a", "1"});
  const std::string before = pair_.global->Digest();
  const uint64_t index = pair_.index;
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(Call({"CHECK"}), "-ERR sums are wrong\r\n");
    EXPECT_EQ(Call({"THROW"}), "-ERR the target failed: of its own\r\n");
    EXPECT_EQ(Call({"THROWINT"}), "-ERR the target failed\r\n");
    EXPECT_EQ(Call({"NOMEMORY"}), "-ERR the target ran out of memory\r\n");
    EXPECT_EQ(Call({"ERROR"}), "-NO not this\r\n");
    EXPECT_EQ(Call({"SET"}), "-ERR an argument is missing\r\n");
    // In Apply() and in Restore(), halfway; behind updates that went well.
    EXPECT_EQ(Call({"SET", "a", "poison"}), "-ERR poison\r\n");
    EXPECT_EQ(Call({"SETALL", "x", "y", "poison"}), "-ERR poison\r\n");
    EXPECT_EQ(Call({"REPLACE", "c=1;broken"}), "-ERR damaged state\r\n");
  }
  EXPECT_EQ(pair_.index, index) << "nothing in the log";
  EXPECT_EQ(pair_.global->Digest(), before);
  EXPECT_EQ(pair_.global->links(), 0u);
  EXPECT_EQ(Call({"GET", "a"}), "$1\r\n1\r\n");
  EXPECT_EQ(Call({"GET", "scratch"}), "$-1\r\n");
}

TEST_F(PluginMachineTest, IsPutBackBehindManyUpdates) {
  pair_.check_digests = false;
  for (int i = 0; i < 3000; ++i) {
    Call({"SET", "k" + std::to_string(i % 700), std::string(100, 'v') + std::to_string(i)});
    if (i % 97 == 0) {
      const std::string before = pair_.global->Digest();
      EXPECT_EQ(Call({"SETALL", "new", "poison"}), "-ERR poison\r\n");
      ASSERT_EQ(pair_.global->Digest(), before);
    }
  }
  EXPECT_EQ(pair_.global->Digest(), pair_.local->Digest());
}

TEST_F(PluginMachineTest, CastsAnswerOkOrTheError) {
  EXPECT_EQ(pair_.Run({"TARGET.CAST", "board", "SETALL", "x"}), "+OK\r\n");
  EXPECT_EQ(pair_.Run({"TARGET.CAST", "board", "GET", "x"}), "+OK\r\n");
  EXPECT_EQ(pair_.Run({"TARGET.CAST", "board", "THROW"}), "-ERR the target failed: of its own\r\n");
  EXPECT_EQ(Call({"GET", "x"}), "$1\r\nx\r\n");
}

TEST_F(PluginMachineTest, LinksEndOnce) {
  Call({"LINK"});
  Call({"LINK"});
  EXPECT_EQ(pair_.EffectText(), "") << "linked already";
  EXPECT_EQ(Call({"LINKED"}), ":1\r\n");
  EXPECT_EQ(pair_.global->links(), 1u);
  EXPECT_EQ(pair_.RunAs({kNodeB, 9, 3}, {"TARGET.LINK", "board", "SELF"}), "+OK\r\n");
  EXPECT_EQ(pair_.RunAs({kNodeB, 9, 3}, {"TARGET.LINK", "board", "CLIENT", "10"}), "+OK\r\n");
  EXPECT_EQ(pair_.global->links(), 3u);
  EXPECT_EQ(pair_.RunAs({kNodeB, 9, 3}, {"TARGET.UNLINK", "board", "SELF"}), "+OK\r\n");
  EXPECT_EQ(pair_.global->links(), 2u);

  pair_.RunExit({kNodeB, 10, 4}, "of another run");
  EXPECT_EQ(pair_.EffectText(), "");
  pair_.RunExit({kNodeB, 10, 3}, "disconnected");
  EXPECT_EQ(Call({"GET", "gone10"}), "$12\r\ndisconnected\r\n");
  pair_.RunExit({kNodeB, 10, 3}, "again");
  EXPECT_EQ(pair_.EffectText(), "");

  // As a node says it, and nobody else can.
  EXPECT_EQ(
      pair_.RunAs(client_, {"TARGET.UNLINK", "board", "EXIT", std::string(kNodeA), "7", "1", "x"}),
      "-ERR syntax error\r\n");
  EXPECT_EQ(pair_.RunAs({kNodeA, 0, 7}, {"TARGET.UNLINK", "board", "EXIT", std::string(kNodeA), "7",
                                         "1", "node lost"}),
            "+OK\r\n");
  EXPECT_EQ(Call({"GET", "gone1"}), "$9\r\nnode lost\r\n");
  EXPECT_EQ(pair_.global->links(), 0u);
}

TEST_F(PluginMachineTest, AnExitThatThrowsEndsTheLinkAllTheSame) {
  Call({"LINK"});
  pair_.RunExit(client_, "throw");
  EXPECT_EQ(pair_.global->links(), 0u);
  EXPECT_EQ(Call({"GET", "gone1"}), "$-1\r\n");
  EXPECT_EQ(NotesOf(pair_.global.get()),
            std::vector<std::string>{"OnExit failed: ERR the target failed: at an exit"});
}

TEST_F(PluginMachineTest, TimersFireOnceInOrder) {
  Call({"TIMER", "b", "20"});
  Call({"TIMER", "a", "20"});
  Call({"TIMER", "late", "500"});
  Call({"TIMER", "late", "30"});
  Call({"TIMER", "off", "10"});
  Call({"CANCEL", "off"});
  EXPECT_TRUE(pair_.global->WantsTimer());
  EXPECT_FALSE(pair_.RunTimer());
  EXPECT_EQ(pair_.EffectText(), "") << "none is due";
  pair_.now_ms += 25;
  EXPECT_TRUE(pair_.RunTimer()) << "another one is due";
  EXPECT_NE(pair_.EffectText().find("ranga="), std::string::npos);
  std::swap(pair_.global, pair_.local);  // the next global goes on
  EXPECT_FALSE(pair_.RunTimer());
  EXPECT_NE(pair_.EffectText().find("rangb="), std::string::npos);
  pair_.now_ms += 1000;
  EXPECT_FALSE(pair_.RunTimer());
  EXPECT_EQ(Call({"GET", "ranglate"}), "$13\r\n1700000000030\r\n");
  EXPECT_FALSE(pair_.global->WantsTimer());
  EXPECT_FALSE(pair_.RunTimer());
  EXPECT_EQ(pair_.EffectText(), "");
  Call({"TIMER", "throw", "0"});
  EXPECT_FALSE(pair_.RunTimer());
  EXPECT_EQ(Call({"GET", "rangthrow"}), "$-1\r\n");
  EXPECT_EQ(NotesOf(pair_.global.get()).size(), 1u);
  EXPECT_FALSE(pair_.global->WantsTimer());
}

TEST_F(PluginMachineTest, StopsWithItsReason) {
  Call({"SET", "a", "1"});
  EXPECT_EQ(Call({"STOP", "enough"}), "+OK\r\n");
  EXPECT_EQ(pair_.global->stop_reason(), "enough");
  EXPECT_EQ(pair_.local->stop_reason(), "enough");
  EXPECT_EQ(Call({"GET", "a"}), "-ERR the target has stopped: enough\r\n");
  std::string error;
  auto copy = Make(plugin_);
  ASSERT_TRUE(copy->Restore(TargetPair::SnapshotOf(*pair_.global), &error)) << error;
  EXPECT_EQ(copy->stop_reason(), "enough");
}

TEST_F(PluginMachineTest, PublishesOnEveryMember) {
  Call({"SAY", "news", "hello"});  // the pair compares what both publish
  EXPECT_EQ(pair_.published.lines, std::vector<std::string>{"news message [hello]"});
}

TEST_F(PluginMachineTest, StartArguments) {
  pair_.global = Make(plugin_, {"x"});
  pair_.local = Make(plugin_, {"x"});
  EXPECT_EQ(Call({"GET", "first"}), "$1\r\nx\r\n");
  Call({"SET", "first", "y"});
  pair_.global->Clear();
  pair_.local->Clear();
  EXPECT_EQ(Call({"GET", "first"}), "$1\r\nx\r\n");
  std::string error;
  types_.emplace_back(TargetType{"board", "", "", &plugin_});
  EXPECT_EQ(ClusterMachine::Make(table_, options_, types_.back(), {"x", "y"}, &error), nullptr);
  EXPECT_EQ(error, "ERR one argument at most");
}

TEST_F(PluginMachineTest, SnapshotRoundTripAndDamage) {
  Call({"SET", "a", "1"});
  Call({"LINK"});
  Call({"TIMER", "t", "100"});
  pair_.RunAs({kNodeB, 9, 0xffffffffffffffff}, {"TARGET.LINK", "board", "SELF"});
  const std::string bytes = TargetPair::SnapshotOf(*pair_.global);
  EXPECT_EQ(TargetPair::SnapshotOf(*pair_.local), bytes);
  auto copy = Make(plugin_);
  const std::string empty = copy->Digest();
  std::string error;
  ASSERT_TRUE(copy->Restore(bytes, &error)) << error;
  EXPECT_EQ(copy->Digest(), pair_.global->Digest());
  EXPECT_EQ(copy->links(), 2u);
  EXPECT_TRUE(copy->WantsTimer());
  for (size_t size = 0; size < bytes.size() - 4;
       ++size) {  // the last 4: "a=1;", a state of its own
    EXPECT_FALSE(copy->Restore(bytes.substr(0, size), &error)) << size;
    EXPECT_EQ(copy->Digest(), empty);
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int value : {0, 1, 0x7f, 0x80, 0xff}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(value);
      if (copy->Restore(changed, &error)) {
        auto again = Make(plugin_);
        EXPECT_TRUE(again->Restore(TargetPair::SnapshotOf(*copy), &error));
        EXPECT_EQ(again->Digest(), copy->Digest());
      } else {
        EXPECT_EQ(copy->Digest(), empty);
      }
    }
  }
}

// --- versions -----------------------------------------------------------------------------------

TEST_F(PluginMachineTest, ANewerPluginReadsTheOldersState) {
  Call({"SET", "a", "1"});
  auto copy = Make(newer_);
  std::string error;
  ASSERT_TRUE(copy->Restore(TargetPair::SnapshotOf(*pair_.global), &error)) << error;
  EXPECT_EQ(NotesOf(copy.get()),
            std::vector<std::string>{
                "the cluster's data is of state version 1, updates version 1; this node's "
                "plug-in has 2 and 1"});
  EXPECT_EQ(copy->Versions(), "state=2,updates=1,written_state=1,written_updates=1");
  pair_.global = std::move(copy);
  EXPECT_EQ(Call({"GET", "a"}), "$1\r\n1\r\n");
  EXPECT_EQ(Call({"SET", "a", "2"}), "+OK\r\n");
  EXPECT_EQ(pair_.EffectText(), "target.version 2 1\ntarget.update 1 a=2");
  EXPECT_EQ(NotesOf(pair_.local.get()).size(), 1u) << "the older node says that it is one";
}

TEST_F(PluginMachineTest, WhatAnOlderPluginCantApplyItDoesntPretendTo) {
  Call({"SET", "a", "1"});
  EffectWriter none(nullptr);
  RecordingPublisher publisher;
  Context context;
  context.effects = &none;
  context.publisher = &publisher;
  const std::string_view effect[] = {"target.update", "2", "a=2"};
  EXPECT_FALSE(pair_.local->Apply(0, effect, context));
  EXPECT_FALSE(pair_.local->Snapshot([](std::string_view) { return true; }));
  EXPECT_NE(pair_.local->Describe().find("broken:"), std::string::npos);
  std::swap(pair_.global, pair_.local);
  std::string reply;
  pair_.local = Make(plugin_);
  pair_.check_digests = false;
  EXPECT_EQ(pair_.RunAs(client_, {"TARGET.CALL", "board", "GET", "a"}),
            "-ERR the target can't go on at this node: an entry of the log couldn't be applied: "
            "ERR malformed update\r\n");
}

TEST_F(PluginMachineTest, RefusesEffectsItNeverMade) {
  Call({"SET", "a", "1"});
  const std::string before = pair_.local->Digest();
  EffectWriter none(nullptr);
  RecordingPublisher publisher;
  Context context;
  context.effects = &none;
  context.publisher = &publisher;
  using Effect = std::vector<std::string_view>;
  const std::string long_name(plugin::kMaxTimerNameBytes + 1, 'n');
  for (const Effect& effect : {Effect{},
                               {"target.update"},
                               {"target.update", "x", "a=1"},
                               {"target.link", "n", "1"},
                               {"target.link", "n", "x", "1"},
                               {"target.link", "n", "1", "0"},
                               {"target.link", "", "1", "1"},
                               {"target.unlink", "n", "1", "1"},
                               {"target.timer", "x", "t"},
                               {"target.timer", "1", long_name},
                               {"target.untimer", "t"},
                               {"target.stop", ""},
                               {"target.version", "1"},
                               {"set", "a", "b"},
                               {"nextid", "id", "1"}}) {
    EXPECT_FALSE(pair_.local->Apply(0, effect, context)) << (effect.empty() ? "" : effect[0]);
  }
  EXPECT_EQ(pair_.local->Digest(), before);
}

// --- types --------------------------------------------------------------------------------------

TEST(TypeTableTest, TakesWhatFits) {
  TypeTable types;
  std::string error;
  const plugin::Plugin good = MakePlugin();
  EXPECT_TRUE(types.Add(&good, "board.so", &error)) << error;
  ASSERT_NE(types.Find("board"), nullptr);
  EXPECT_EQ(types.Find("board")->origin, "board.so");
  EXPECT_NE(types.Find("id"), nullptr);
  EXPECT_NE(types.Find("chat"), nullptr);
  EXPECT_EQ(types.Find("kv"), nullptr);
  EXPECT_FALSE(types.Add(&good, "other.so", &error)) << "the name is taken";

  const auto refused = [&](auto change) {
    plugin::Plugin bad = MakePlugin();
    bad.type = "other";
    change(bad);
    return !types.Add(&bad, "bad.so", &error) && types.Find("other") == nullptr;
  };
  EXPECT_FALSE(types.Add(nullptr, "bad.so", &error));
  EXPECT_TRUE(refused([](plugin::Plugin& bad) { ++bad.interface_version; }));
  EXPECT_NE(error.find("version 2 of the target interface"), std::string::npos) << error;
  EXPECT_TRUE(refused([](plugin::Plugin& bad) { bad.size -= 8; }));
  EXPECT_TRUE(refused([](plugin::Plugin& bad) { ++bad.sizes[0]; }));
  EXPECT_TRUE(refused([](plugin::Plugin& bad) { bad.type = "id"; }));
  EXPECT_TRUE(refused([](plugin::Plugin& bad) { bad.type = "with space"; }));
  EXPECT_TRUE(refused([](plugin::Plugin& bad) { bad.type = nullptr; }));
  EXPECT_TRUE(refused([](plugin::Plugin& bad) { bad.create = nullptr; }));
  EXPECT_TRUE(refused([](plugin::Plugin& bad) { bad.state_version = 0; }));
  EXPECT_FALSE(refused([](plugin::Plugin&) {}));
}

// --- the same for all types ---------------------------------------------------------------------

// Random requests, exits and timers, well-formed and not: all members have equal digests and
// descriptions after each (TargetPair compares), also those that were made anew from a snapshot.
class AnyTypeTest : public testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<Machine> Make() {
    std::string error;
    return ClusterMachine::Make(table_, options_, *types_.Find(GetParam()), {}, &error);
  }
  void SetUp() override {
    std::string error;
    ASSERT_TRUE(types_.Add(&plugin_, "board.so", &error));
    options_->chat_history = 10;
  }

  plugin::Plugin plugin_ = MakePlugin();
  protocol::CommandTable table_;
  std::shared_ptr<TargetOptions> options_ = std::make_shared<TargetOptions>();
  TypeTable types_;
};

TEST_P(AnyTypeTest, MembersStayEqual) {
  TargetPair pair(Make(), Make());
  std::mt19937_64 random(11);
  const std::map<std::string, std::vector<std::string>> requests = {
      {"id", {"NEXTID", "nextid", "CHAT.SEND", ""}},
      {"chat",
       {"CHAT.JOIN", "CHAT.SEND", "CHAT.SEND", "CHAT.HISTORY", "CHAT.USERS", "CHAT.LEAVE",
        "CHAT.START", "CHAT.STOP", "NEXTID"}},
      {"board",
       {"SET", "SETALL", "GET", "REPLACE", "BOTH", "LINK", "UNLINK", "LINKED", "TIMER", "CANCEL",
        "SAY", "ERROR", "CHECK", "THROW", "NOSUCH", "NEXTID"}}};
  const std::vector<std::string> words = {"again",
                                          "poison",
                                          "a",
                                          "b",
                                          "20",
                                          "-1",
                                          "",
                                          "x=1;",
                                          "throw",
                                          "COUNT",
                                          "SELF",
                                          "CLIENT",
                                          "SINCE",
                                          "9223372036854775807",
                                          std::string(70000, 'l'),
                                          std::string("\0\r\n\xff", 4)};
  const std::vector<std::string>& first = requests.at(GetParam());
  const auto word = [&] { return words[random() % words.size()]; };
  const auto client = [&] {
    return Client{random() % 2 ? kNodeA : kNodeB, random() % 4, 1 + random() % 2};
  };
  for (int i = 0; i < 20000; ++i) {
    pair.now_ms += static_cast<int64_t>(random() % 20);
    switch (random() % 12) {
      case 0:
        pair.RunExit(client(), "gone");
        break;
      case 1:
        pair.RunTimer();
        break;
      case 2: {
        TargetPair::Args args = {random() % 2 ? "TARGET.LINK" : "TARGET.UNLINK", "c"};
        for (size_t n = 1 + random() % 6; n > 0; --n) args.push_back(word());
        pair.RunAs(client(), args);
        break;
      }
      case 3:
        if (random() % 50 == 0) {
          std::string error;
          pair.local = Make();
          ASSERT_TRUE(pair.local->Restore(TargetPair::SnapshotOf(*pair.global), &error)) << error;
          std::swap(pair.global, pair.local);
        }
        break;
      default: {
        TargetPair::Args args = {random() % 4 ? "TARGET.CALL" : "TARGET.CAST", "c",
                                 first[random() % first.size()]};
        for (size_t n = random() % 4; n > 0; --n) args.push_back(word());
        pair.RunAs(client(), args);
      }
    }
    if (i % 10 == 0) {
      ASSERT_EQ(pair.global->Describe(), pair.local->Describe()) << i;
    }
    ASSERT_FALSE(HasFailure()) << "after " << i << " requests";
  }
  EXPECT_GT(pair.index, 500u) << "hardly anything happened";
  EXPECT_EQ(pair.global->stop_reason(), "");
}

INSTANTIATE_TEST_SUITE_P(Types, AnyTypeTest, testing::Values("id", "chat", "board"));

}  // namespace
}  // namespace understudy::targets
