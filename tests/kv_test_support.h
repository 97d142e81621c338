// Runs commands at a kv target in tests and shows replies in a readable form.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "targets/kv/kv_target.h"

namespace understudy::targets::kv {

class NoPublisher : public Publisher {
 public:
  void Publish(const Publication&) override {}
  void Subscribe(const Client&, std::string_view) override {}
  void Unsubscribe(const Client&, std::string_view) override {}
};

// One member: a target, its clock, its log position.
class KvMember {
 public:
  explicit KvMember(const protocol::CommandTable& table, uint64_t seed = 1,
                    std::shared_ptr<TargetOptions> options = std::make_shared<TargetOptions>())
      : table_(table), options_(std::move(options)) {
    options_->hash_seed = seed;
    target_ = std::make_unique<KvTarget>(table, options_);
  }

  // Runs a command as the global; the reply as it would be sent. Its effects are in update().
  std::string Raw(std::vector<std::string_view> args, bool read_only = false) {
    std::string out;
    update_.clear();
    EffectWriter effects(&update_);
    protocol::ReplyWriter reply(&out, resp);
    context_ = NewContext(&effects);
    context_.reply = &reply;
    context_.read_only = read_only;
    Request request;
    request.command = table_.Find(args);
    if (request.command == nullptr) return "no such command";
    request.args = args;
    request.db = db;
    if (!request.command->ArityFits(args.size())) {
      return "-" + protocol::CommandTable::ArityError(*request.command);
    }
    target_->Handle(request, context_);
    if (effects.count() > 0) ++index;
    return out;
  }

  // The same for words separated by spaces, with the reply's line ends shown as '|'.
  std::string Run(std::string_view line, bool read_only = false) {
    std::vector<std::string_view> args;
    while (!line.empty()) {
      const size_t end = std::min(line.find(' '), line.size());
      const std::string_view word = line.substr(0, end);
      args.push_back(word == "''" ? std::string_view() : word);
      line.remove_prefix(std::min(end + 1, line.size()));
    }
    std::string out = Raw(args, read_only);
    std::string shown;
    for (char c : out) {
      if (c == '\n') shown += '|';
      if (c != '\r' && c != '\n') shown += c;
    }
    if (!shown.empty() && shown.back() == '|') shown.pop_back();
    return shown;
  }

  bool Timer() {
    update_.clear();
    EffectWriter effects(&update_);
    context_ = NewContext(&effects);
    const bool more = target_->OnTimer(context_);
    if (effects.count() > 0) ++index;
    return more;
  }

  // Applies another's update, with a clock of its own that must not matter.
  bool Apply(std::string_view update) {
    EffectWriter effects(nullptr);
    EffectReader reader(update);
    context_ = NewContext(&effects);
    ++index;
    int number;
    std::vector<std::string_view> args;
    while (reader.Next(&number, &args)) {
      if (!target_->Apply(number, args, context_)) return false;
    }
    return reader.ok();
  }

  // The effects of the last command, one a line: "0 set k v".
  std::string Effects() const {
    std::string shown;
    EffectReader reader(update_);
    int number;
    std::vector<std::string_view> args;
    while (reader.Next(&number, &args)) {
      if (!shown.empty()) shown += '\n';
      shown += std::to_string(number);
      for (std::string_view arg : args) shown.append(" ").append(arg);
    }
    return shown;
  }

  const std::string& update() const { return update_; }
  const Context& context() const { return context_; }
  KvTarget& target() { return *target_; }
  TargetOptions& options() { return *options_; }

  int64_t now_ms = 1'700'000'000'000;
  uint64_t index = 0;  // of the last entry
  uint64_t commit = 0;
  uint64_t random = 0;
  int db = 0;
  int resp = 2;

 private:
  Context NewContext(EffectWriter* effects) {
    Context context;
    context.now_ms = now_ms;
    context.index = index + 1;
    context.commit = commit;
    context.random = random = random * 6364136223846793005u + 1442695040888963407u;
    context.effects = effects;
    context.publisher = &publisher_;
    return context;
  }

  const protocol::CommandTable& table_;
  std::shared_ptr<TargetOptions> options_;
  std::unique_ptr<KvTarget> target_;
  NoPublisher publisher_;
  Context context_;
  std::string update_;
};

}  // namespace understudy::targets::kv
