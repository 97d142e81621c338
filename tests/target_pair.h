// Two copies of a target, as the global and a local of one cluster run it, for tests.
//
// Run() has the global handle a request and the local apply its effects, and checks what must hold
// for every target and every request (targets/machine.h):
//   - an error reply has no effects;
//   - the effects apply, and leave the local with the same digest as the global;
//   - without effects the global's digest is as before;
//   - both publish the same, in the same order;
//   - a read gives the same reply at the local, with read_only set.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/command_table.h"
#include "protocol/reply_writer.h"
#include "targets/effect.h"
#include "targets/machine.h"

namespace understudy::targets {

// Writes down what is published, one line each: "channel kind [field][field]".
class RecordingPublisher : public Publisher {
 public:
  void Publish(const Publication& publication) override {
    std::string line = std::string(publication.channel) + " " + std::string(publication.kind) + " ";
    for (std::string_view field : publication.fields) line += "[" + std::string(field) + "]";
    lines.push_back(line);
  }
  void Subscribe(const Client& client, std::string_view channel) override {
    lines.push_back("subscribe " + Name(client) + " " + std::string(channel));
  }
  void Unsubscribe(const Client& client, std::string_view channel) override {
    lines.push_back("unsubscribe " + Name(client) + " " + std::string(channel));
  }
  std::vector<std::string> lines;

 private:
  static std::string Name(const Client& client) {
    return std::string(client.node_id.substr(0, 4)) + ":" + std::to_string(client.id);
  }
};

inline constexpr std::string_view kNodeA = "aaaa1111bbbb2222cccc3333dddd4444eeee5555";
inline constexpr std::string_view kNodeB = "bbbb1111bbbb2222cccc3333dddd4444eeee5555";

class TargetPair {
 public:
  using Args = std::vector<std::string>;

  TargetPair(std::unique_ptr<Machine> global_target, std::unique_ptr<Machine> local_target)
      : global(std::move(global_target)), local(std::move(local_target)) {}

  // The reply as the client receives it.
  std::string Run(const Args& args) { return RunAs(Client{kNodeA, 1}, args); }

  std::string RunAs(const Client& client, const Args& args) {
    std::vector<std::string_view> views(args.begin(), args.end());
    const protocol::Command* command = table.Find(views);
    if (command == nullptr || !command->ArityFits(views.size())) {
      ADD_FAILURE() << "unknown command or wrong arity: " << args[0];
      return "";
    }
    const Request request{command, views, db, client};
    const std::string before = check_digests ? global->Digest() : "";
    const size_t published_before = published.lines.size();
    const size_t published_there_before = published_locally.lines.size();

    std::string reply;
    update.clear();
    protocol::ReplyWriter reply_writer(&reply, resp);
    EffectWriter effects(&update);
    Context context = MakeContext();
    context.reply = &reply_writer;
    context.effects = &effects;
    context.publisher = &published;
    global->Handle(request, context);
    depends_on = context.depends_on;

    EXPECT_FALSE(reply.empty()) << args[0];
    if (!reply.empty() && reply[0] == '-') {
      EXPECT_TRUE(effects.empty()) << args[0] << ": " << reply;
    }
    if (effects.empty() && check_digests) {
      EXPECT_EQ(global->Digest(), before) << args[0];
    }
    if (!effects.empty()) ApplyUpdate(context);
    if (check_digests) {
      EXPECT_EQ(global->Digest(), local->Digest()) << args[0];
    }
    EXPECT_EQ(LinesFrom(published, published_before),
              LinesFrom(published_locally, published_there_before))
        << args[0];
    if (command->Has(protocol::kReadonly)) {
      const std::string there = ReadLocally(request);
      if (!hit_expired && !random_reply) {
        EXPECT_EQ(reply, there) << args[0];
      }
    }
    return reply;
  }

  // The update's effects, one a line, arguments separated by spaces.
  std::string EffectText() const {
    std::string text;
    EffectReader reader(update);
    int effect_db = 0;
    std::vector<std::string_view> args;
    while (reader.Next(&effect_db, &args)) {
      if (!text.empty()) text += "\n";
      for (size_t i = 0; i < args.size(); ++i) text += (i ? " " : "") + std::string(args[i]);
    }
    return text;
  }

  // The global's OnTimer() once, with its effects at the local.
  bool RunTimer() {
    update.clear();
    EffectWriter effects(&update);
    Context context = MakeContext();
    context.effects = &effects;
    context.publisher = &published;
    const bool more = global->OnTimer(context);
    if (!effects.empty()) ApplyUpdate(context);
    EXPECT_EQ(global->Digest(), local->Digest());
    return more;
  }

  // That client's connection is gone.
  void RunExit(const Client& client, std::string_view reason) {
    update.clear();
    EffectWriter effects(&update);
    Context context = MakeContext();
    context.effects = &effects;
    context.publisher = &published;
    const std::string before = global->Digest();
    global->OnExit(client, reason, context);
    if (!effects.empty()) {
      ApplyUpdate(context);
    } else {
      EXPECT_EQ(global->Digest(), before);
    }
    EXPECT_EQ(global->Digest(), local->Digest());
  }

  static std::string SnapshotOf(const Machine& target) {
    std::string bytes;
    EXPECT_TRUE(target.Snapshot([&bytes](std::string_view piece) {
      bytes += piece;
      return true;
    }));
    return bytes;
  }

  protocol::CommandTable table;
  std::unique_ptr<Machine> global, local;
  RecordingPublisher published, published_locally;
  int resp = 2;
  int db = 0;
  int64_t now_ms = 1700000000000;
  uint64_t index = 0;   // of the newest entry
  uint64_t commit = 0;  // as the contexts say
  uint64_t random = 88172645463325252;
  bool check_digests = true;
  bool random_reply = false;  // the next command's reply may differ between the two
  std::string update;         // effects of the newest request
  uint64_t depends_on = 0;    // of the newest request
  bool hit_expired = false;   // of the newest read at the local

 private:
  static std::vector<std::string> LinesFrom(const RecordingPublisher& publisher, size_t first) {
    return {publisher.lines.begin() + static_cast<ptrdiff_t>(first), publisher.lines.end()};
  }

  Context MakeContext() {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    Context context;
    context.now_ms = now_ms;
    context.index = index + 1;
    context.commit = commit;
    context.random = random;
    return context;
  }

  void ApplyUpdate(const Context& from) {
    ++index;
    Context context;
    context.now_ms = from.now_ms;
    context.index = from.index;
    context.commit = from.commit;
    EffectWriter counting(nullptr);
    context.effects = &counting;
    context.publisher = &published_locally;
    EffectReader reader(update);
    int effect_db = 0;
    std::vector<std::string_view> args;
    while (reader.Next(&effect_db, &args)) {
      EXPECT_TRUE(local->Apply(effect_db, args, context)) << args[0];
    }
    EXPECT_TRUE(reader.ok());
  }

  std::string ReadLocally(const Request& request) {
    std::string reply;
    protocol::ReplyWriter reply_writer(&reply, resp);
    std::string none;
    EffectWriter effects(&none);
    Context context = MakeContext();
    context.read_only = true;
    context.reply = &reply_writer;
    context.effects = &effects;
    context.publisher = &published_locally;
    local->Handle(request, context);
    EXPECT_TRUE(effects.empty()) << "effects of a read-only request";
    hit_expired = context.hit_expired;
    return reply;
  }
};

}  // namespace understudy::targets
