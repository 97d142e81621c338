#include "targets/plugin_machine.h"

#include <algorithm>
#include <functional>
#include <new>

#include "targets/digest.h"
#include "targets/text.h"

namespace understudy::targets {
namespace {

constexpr size_t kMinCheckpointBytes = 64 << 10;
constexpr size_t kMaxNotes = 100;  // between two TakeNotes()

// Runs what may throw; false with `error`, a RESP error's text.
template <typename Call>
bool Guarded(const Call& call, std::string* error) {
  try {
    call();
    return true;
  } catch (const plugin::CheckFailed& failed) {
    *error = std::string("ERR ") + failed.what();
  } catch (const std::bad_alloc&) {
    *error = "ERR the target ran out of memory";
  } catch (const std::exception& thrown) {
    *error = std::string("ERR the target failed: ") + thrown.what();
  } catch (...) {
    *error = "ERR the target failed";
  }
  return false;
}

std::vector<std::string_view> Views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

plugin::Client ToPlugin(const Client& client) { return {client.node_id, client.run, client.id}; }

}  // namespace

class PluginMachine::ReplyText final : public plugin::Reply {
 public:
  explicit ReplyText(int resp) : writer_(&text_, resp) {}
  void Ok() override { writer_.Ok(); }
  void Simple(std::string_view text) override {
    std::string line(text);
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
    writer_.Simple(line);
  }
  void Error(std::string_view text) override { writer_.Error(text); }
  void Integer(int64_t value) override { writer_.Integer(value); }
  void Bulk(std::string_view bytes) override { writer_.Bulk(bytes); }
  void Double(double value) override { writer_.Double(value); }
  void Null() override { writer_.Null(); }
  void Array(size_t count) override { writer_.Array(count); }
  void Map(size_t pairs) override { writer_.Map(pairs); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  protocol::ReplyWriter writer_;
};

// What a target says in one call.
class PluginMachine::Collector final : public plugin::Answer {
 public:
  struct Linking {
    bool link;
    std::string node;
    uint64_t run, id;
    Client client() const { return {node, id, run}; }
  };
  struct Timing {
    bool set;
    std::string name;
    int64_t at_ms;
  };
  struct Message {
    std::string channel, text;
  };

  explicit Collector(int resp) : reply_(resp) {}
  plugin::Reply& reply() override { return reply_; }
  void Update(std::string_view bytes) override { Add({false, std::string(bytes)}); }
  void NewState(std::string_view state) override { Add({true, std::string(state)}); }
  void Stop(std::string_view reason) override {
    stop = reason.substr(0, plugin::kMaxReasonBytes);
    if (stop.empty()) stop = "normal";
  }
  void Link(const plugin::Client& client) override { AddLink(true, client); }
  void Unlink(const plugin::Client& client) override { AddLink(false, client); }
  void SetTimer(std::string_view name, int64_t at_ms) override {
    UNDERSTUDY_CHECK(name.size() <= plugin::kMaxTimerNameBytes, "a timer's name is too long");
    UNDERSTUDY_CHECK(at_ms >= 0, "a timer's time is negative");
    timings.push_back({true, std::string(name), at_ms});
  }
  void CancelTimer(std::string_view name) override {
    timings.push_back({false, std::string(name), 0});
  }
  void Publish(std::string_view channel, std::string_view message) override {
    messages.push_back({std::string(channel), std::string(message)});
  }

  const std::string& reply_text() const { return reply_.text(); }
  bool is_error() const { return !reply_.text().empty() && reply_.text()[0] == '-'; }

  std::vector<Change> changes;
  std::vector<Linking> linkings;
  std::vector<Timing> timings;
  std::vector<Message> messages;
  std::string stop;

 private:
  void Add(Change change) {
    const bool fits = changes.empty() || (!change.state && !changes.back().state);
    UNDERSTUDY_CHECK(fits, "a new state can't be answered together with updates");
    bytes_ += change.bytes.size();
    UNDERSTUDY_CHECK(bytes_ <= (change.state ? plugin::kMaxStateBytes : plugin::kMaxUpdateBytes),
                     "the target's answer is too big");
    changes.push_back(std::move(change));
  }
  void AddLink(bool link, const plugin::Client& client) {
    UNDERSTUDY_CHECK(client.id != 0 && !client.node.empty() && client.node.size() <= 64,
                     "only a connection can be linked");
    linkings.push_back({link, std::string(client.node), client.run, client.id});
  }

  ReplyText reply_;
  size_t bytes_ = 0;
};

PluginMachine::PluginMachine(const plugin::Plugin* plugin, Ledger* ledger,
                             std::vector<std::string> arguments)
    : plugin_(plugin), ledger_(ledger), arguments_(std::move(arguments)) {}

PluginMachine::~PluginMachine() {
  std::string ignored;
  if (target_ != nullptr) Guarded([this] { plugin_->destroy(target_); }, &ignored);
}

bool PluginMachine::Create(std::string* error) {
  std::string ignored;
  if (target_ != nullptr) Guarded([this] { plugin_->destroy(target_); }, &ignored);
  target_ = nullptr;
  has_checkpoint_ = false;
  const std::vector<std::string_view> args = Views(arguments_);
  if (!Guarded([&] { target_ = plugin_->create(args); }, error)) return false;
  if (target_ == nullptr) *error = "ERR the plug-in made no target";
  return target_ != nullptr;
}

// --- answers ------------------------------------------------------------------------------------

bool PluginMachine::Decide(const std::function<void(plugin::Answer&)>& ask, Collector* collector,
                           std::string* error) {
  if (!broken_.empty()) {
    *error = "ERR the target can't go on at this node: " + broken_;
    return false;
  }
  return Guarded([&] { ask(*collector); }, error) && CheckLimits(*collector, error);
}

bool PluginMachine::CheckLimits(const Collector& collector, std::string* error) const {
  size_t new_links = 0, new_timers = 0;
  for (const Collector::Linking& linking : collector.linkings) new_links += linking.link ? 1 : 0;
  for (const Collector::Timing& timing : collector.timings) {
    new_timers += timing.set && !ledger_->HasTimer(timing.name) ? 1 : 0;
  }
  if (new_links > 0 && ledger_->links() + new_links > plugin::kMaxLinks) {
    *error = "ERR the cluster has already as many links as it can";
  } else if (new_timers > 0 && ledger_->timers() + new_timers > plugin::kMaxTimers) {
    *error = "ERR the cluster has already as many timers as it can";
  } else {
    return true;
  }
  return false;
}

bool PluginMachine::Commit(const Collector& collector, Context& context, std::string* error) {
  if (!collector.changes.empty()) {
    if (!has_checkpoint_ && !TakeCheckpoint(error)) return false;
    const size_t before = since_.size();
    for (const Change& change : collector.changes) {
      const uint64_t version = change.state ? plugin_->state_version : plugin_->update_version;
      if (!ApplyChange(change, version, error)) {
        for (; since_.size() > before; since_.pop_back()) since_bytes_ -= since_.back().size();
        Undo();
        return false;
      }
      if (change.state) {
        checkpoint_ = change.bytes;
        since_.clear();
        since_bytes_ = 0;
      } else {
        since_.push_back(change.bytes);
        since_bytes_ += change.bytes.size();
      }
    }
    if (since_bytes_ > std::max(kMinCheckpointBytes, checkpoint_.size())) has_checkpoint_ = false;
    changed_ = context.index;
  }
  WriteEffects(collector, context);
  return true;
}

void PluginMachine::WriteEffects(const Collector& collector, Context& context) {
  const bool changes = !collector.changes.empty();
  if (changes && (ledger_->state_version() != plugin_->state_version ||
                  ledger_->update_version() != plugin_->update_version)) {
    ledger_->SetVersions(plugin_->state_version, plugin_->update_version, context);
  }
  const std::string state_version = std::to_string(plugin_->state_version);
  const std::string update_version = std::to_string(plugin_->update_version);
  for (const Change& change : collector.changes) {
    if (change.state) {
      context.effects->Add(0, {"target.state", state_version, change.bytes});
    } else {
      context.effects->Add(0, {"target.update", update_version, change.bytes});
    }
  }
  for (const Collector::Linking& linking : collector.linkings) {
    linking.link ? ledger_->Link(linking.client(), context)
                 : ledger_->Unlink(linking.client(), context);
  }
  for (const Collector::Timing& timing : collector.timings) {
    timing.set ? ledger_->SetTimer(timing.name, timing.at_ms, context)
               : ledger_->CancelTimer(timing.name, context);
  }
  for (const Collector::Message& message : collector.messages) {
    const std::string_view field = message.text;
    context.publisher->Publish({message.channel, kMessage, std::span(&field, 1)});
    context.effects->Add(0, {"target.publish", message.channel, message.text});
  }
  if (!collector.stop.empty()) ledger_->Stop(collector.stop, context);
}

void PluginMachine::Handle(const Request& request, Context& context) {
  Collector collector(context.reply->resp());
  plugin::Request asked;
  asked.args = request.args;
  asked.client = ToPlugin(request.client);
  asked.linked = ledger_->Linked(request.client);
  asked.now_ms = context.now_ms;
  asked.random = context.random;
  context.DependsOn(std::max(changed_, ledger_->changed()));
  std::string error;
  const bool decided =
      Decide([&](plugin::Answer& answer) { target_->Handle(asked, answer); }, &collector, &error);
  if (decided && collector.is_error()) return context.reply->Raw(collector.reply_text());
  if (!decided || !Commit(collector, context, &error)) return context.reply->Error(error);
  if (collector.reply_text().empty()) return context.reply->Ok();
  context.reply->Raw(collector.reply_text());
}

void PluginMachine::OnExit(const Client& client, std::string_view reason, Context& context) {
  if (!ledger_->Linked(client)) return;
  const std::string node(client.node_id);  // it may be the link's own
  plugin::Exit exit;
  exit.client = {node, client.run, client.id};
  ledger_->Unlink(client, context);
  exit.reason = reason;
  exit.now_ms = context.now_ms;
  exit.random = context.random;
  Collector collector(2);
  std::string error;
  if (!Decide([&](plugin::Answer& answer) { target_->OnExit(exit, answer); }, &collector, &error) ||
      !Commit(collector, context, &error)) {
    Note("OnExit failed: " + error);
  }
}

bool PluginMachine::OnTimer(Context& context) {
  const auto due = ledger_->NextTimer();
  if (!due || due->first > context.now_ms || !ledger_->stop_reason().empty()) return false;
  const std::string name(due->second);
  plugin::Expiry expiry;
  expiry.name = name;
  expiry.at_ms = due->first;
  expiry.now_ms = context.now_ms;
  expiry.random = context.random;
  ledger_->CancelTimer(name, context);
  Collector collector(2);
  std::string error;
  if (!Decide([&](plugin::Answer& answer) { target_->OnTimer(expiry, answer); }, &collector,
              &error) ||
      !Commit(collector, context, &error)) {
    Note("OnTimer failed: " + error);
  }
  const auto next = ledger_->NextTimer();
  return next && next->first <= context.now_ms;
}

// --- the state ----------------------------------------------------------------------------------

bool PluginMachine::ApplyChange(const Change& change, uint64_t version, std::string* error) {
  return Guarded(
      [&] {
        if (change.state) {
          target_->Restore(change.bytes, static_cast<uint32_t>(version));
        } else {
          target_->Apply(change.bytes, static_cast<uint32_t>(version));
        }
      },
      error);
}

bool PluginMachine::TakeCheckpoint(std::string* error) {
  if (!Guarded([this] { checkpoint_ = target_->Snapshot(); }, error)) return false;
  since_.clear();
  since_bytes_ = 0;
  has_checkpoint_ = true;
  return true;
}

// Puts the state back to the checkpoint and what came behind it.
void PluginMachine::Undo() {
  ++undone_;
  std::string error;
  bool good = Guarded([this] { target_->Restore(checkpoint_, plugin_->state_version); }, &error);
  for (size_t i = 0; good && i < since_.size(); ++i) {
    good = Guarded([&] { target_->Apply(since_[i], plugin_->update_version); }, &error);
  }
  if (!good) Break("its state couldn't be put back: " + error);
}

bool PluginMachine::Apply(int, std::span<const std::string_view> args, Context& context) {
  if (args.size() != 3) return false;
  if (args[0] == "target.publish") {
    context.publisher->Publish({args[1], kMessage, std::span(&args[2], 1)});
    return true;
  }
  uint64_t version = 0;
  const bool state = args[0] == "target.state";
  if ((!state && args[0] != "target.update") || !ParseUnsigned(args[1], &version) ||
      !broken_.empty()) {
    return false;
  }
  has_checkpoint_ = false;
  std::string error;
  if (!ApplyChange({state, std::string(args[2])}, version, &error)) {
    Break("an entry of the log couldn't be applied: " + error);
    return false;
  }
  changed_ = context.index;
  return true;
}

bool PluginMachine::Snapshot(const SnapshotSink& sink) const {
  if (!broken_.empty()) return false;
  std::string state, version, error;
  if (!Guarded([&] { state = target_->Snapshot(); }, &error)) return false;
  AppendVarint(&version, plugin_->state_version);
  if (!sink(version)) return false;
  for (size_t at = 0; at < state.size(); at += 64 << 10) {
    if (!sink(std::string_view(state).substr(at, 64 << 10))) return false;
  }
  return true;
}

bool PluginMachine::Restore(std::string_view snapshot, std::string* error) {
  has_checkpoint_ = false;
  broken_.clear();
  uint64_t version = 0;
  if (!TakeVarint(&snapshot, &version)) {
    *error = "the state is damaged";
    return false;
  }
  return ApplyChange({true, std::string(snapshot)}, version, error);
}

void PluginMachine::Clear() {
  std::string error;
  broken_.clear();
  changed_ = 0;
  if (!Create(&error)) Break(error);
}

std::string PluginMachine::Digest() const {
  DigestBuilder digest("plugin");
  digest.Add(plugin_->type);
  std::string state, error;
  if (!broken_.empty()) state = "broken";
  if (broken_.empty()) Guarded([&] { state = target_->Snapshot(); }, &error);
  digest.Add(state);
  return digest.Finish().Hex();
}

std::string PluginMachine::Describe() const {
  if (!broken_.empty()) return "broken:" + broken_ + "\r\n";
  std::string text, error;
  if (!Guarded([&] { text = target_->Describe(); }, &error)) return "describe:" + error + "\r\n";
  if (!text.empty() && text.back() != '\n') text += "\r\n";
  return text;
}

// --- versions and notes -------------------------------------------------------------------------

std::string PluginMachine::Versions() const {
  std::string text = "state=" + std::to_string(plugin_->state_version) +
                     ",updates=" + std::to_string(plugin_->update_version);
  if (ledger_->state_version() != 0) {
    text += ",written_state=" + std::to_string(ledger_->state_version()) +
            ",written_updates=" + std::to_string(ledger_->update_version());
  }
  return text;
}

void PluginMachine::CompareVersions() {
  const uint64_t state = ledger_->state_version(), updates = ledger_->update_version();
  if (state == 0 || (state == noted_state_ && updates == noted_updates_)) return;
  noted_state_ = state;
  noted_updates_ = updates;
  if (state == plugin_->state_version && updates == plugin_->update_version) return;
  Note("the cluster's data is of state version " + std::to_string(state) + ", updates version " +
       std::to_string(updates) + "; this node's plug-in has " +
       std::to_string(plugin_->state_version) + " and " + std::to_string(plugin_->update_version));
}

void PluginMachine::Note(std::string text) {
  if (notes_.size() < kMaxNotes) notes_.push_back(std::move(text));
}

void PluginMachine::Break(std::string why) {
  broken_ = std::move(why);
  has_checkpoint_ = false;
  Note("broken: " + broken_);
}

std::vector<std::string> PluginMachine::TakeNotes() { return std::exchange(notes_, {}); }

}  // namespace understudy::targets
