#include "targets/ledger.h"

#include <vector>

#include "protocol/numbers.h"
#include "targets/effect.h"
#include "targets/target.h"
#include "targets/text.h"

namespace understudy::targets {
namespace {

constexpr size_t kMaxNodeBytes = 64;

bool TakeText(std::string_view* in, size_t limit, std::string* text) {
  std::string_view view;
  if (!targets::TakeText(in, limit, &view)) return false;
  text->assign(view);
  return true;
}

}  // namespace

// --- reading ------------------------------------------------------------------------------------

bool Ledger::Linked(const Client& client) const {
  const auto group = by_node_.find(Node(client.node_id, client.run));
  return group != by_node_.end() && group->second.contains(client.id);
}

void Ledger::VisitLinks(const std::function<void(const Client&)>& visit) const {
  for (const auto& [node, clients] : by_node_) {
    for (uint64_t client : clients) visit({node.first, client, node.second});
  }
}

std::optional<std::pair<int64_t, std::string_view>> Ledger::NextTimer() const {
  if (by_time_.empty()) return std::nullopt;
  return std::make_pair(by_time_.begin()->first, std::string_view(by_time_.begin()->second));
}

// --- changes ------------------------------------------------------------------------------------

void Ledger::Change(std::initializer_list<std::string_view> effect, Context& context) {
  if (!Apply(std::span(effect.begin(), effect.size()), context.index)) return;
  context.effects->Add(0, effect);
}

void Ledger::Link(const Client& client, Context& context) {
  Change({"target.link", client.node_id, std::to_string(client.run), std::to_string(client.id)},
         context);
}

void Ledger::Unlink(const Client& client, Context& context) {
  Change({"target.unlink", client.node_id, std::to_string(client.run), std::to_string(client.id)},
         context);
}

void Ledger::SetTimer(std::string_view name, int64_t at_ms, Context& context) {
  Change({"target.timer", std::to_string(at_ms), name}, context);
}

void Ledger::CancelTimer(std::string_view name, Context& context) {
  Change({"target.untimer", name}, context);
}

void Ledger::SetVersions(uint64_t state, uint64_t updates, Context& context) {
  Change({"target.version", std::to_string(state), std::to_string(updates)}, context);
}

void Ledger::Stop(std::string_view reason, Context& context) {
  Change({"target.stop", reason}, context);
}

bool Ledger::Apply(std::span<const std::string_view> args, uint64_t index) {
  if (!Do(args)) return false;
  changed_ = index;
  return true;
}

bool Ledger::Do(std::span<const std::string_view> args) {
  if (args.size() < 2) return false;
  const std::string_view what = args[0];
  if (what == "target.stop") {
    if (args.size() != 2 || args[1].empty() || args[1].size() > plugin::kMaxReasonBytes ||
        !stop_reason_.empty()) {
      return false;
    }
    stop_reason_ = args[1];
    return true;
  }
  if (what == "target.untimer") {
    const auto timer = timers_.find(args[1]);
    if (args.size() != 2 || timer == timers_.end()) return false;
    by_time_.erase({timer->second, timer->first});
    timers_.erase(timer);
    return true;
  }
  if (what == "target.timer") {
    const std::optional<int64_t> at_ms = protocol::ParseInteger(args[1]);
    if (args.size() != 3 || !at_ms || args[2].size() > plugin::kMaxTimerNameBytes) return false;
    const auto [timer, is_new] = timers_.try_emplace(std::string(args[2]), *at_ms);
    if (is_new && timers_.size() > plugin::kMaxTimers) {
      timers_.erase(timer);
      return false;
    }
    if (!is_new) by_time_.erase({timer->second, timer->first});
    timer->second = *at_ms;
    by_time_.emplace(*at_ms, timer->first);
    return true;
  }
  uint64_t first = 0, second = 0;
  if (what == "target.version") {
    if (args.size() != 3 || !ParseUnsigned(args[1], &first) || !ParseUnsigned(args[2], &second)) {
      return false;
    }
    state_version_ = first;
    update_version_ = second;
    return true;
  }
  if (args.size() != 4 || args[1].empty() || args[1].size() > kMaxNodeBytes ||
      !ParseUnsigned(args[2], &first) || !ParseUnsigned(args[3], &second) || second == 0) {
    return false;
  }
  if (what == "target.link") {
    if (links_ >= plugin::kMaxLinks) return false;
    const auto group = by_node_.try_emplace(Node(args[1], first)).first;
    if (!group->second.insert(second).second) return false;
    ++links_;
    return true;
  }
  if (what != "target.unlink") return false;
  const auto group = by_node_.find(Node(args[1], first));
  if (group == by_node_.end() || group->second.erase(second) == 0) return false;
  if (group->second.empty()) by_node_.erase(group);
  --links_;
  return true;
}

// --- as bytes -----------------------------------------------------------------------------------

void Ledger::AppendTo(std::string* out) const {
  AppendVarint(out, by_node_.size());
  for (const auto& [node, clients] : by_node_) {
    AppendText(out, node.first);
    AppendVarint(out, node.second);
    AppendVarint(out, clients.size());
    for (uint64_t client : clients) AppendVarint(out, client);
  }
  AppendVarint(out, timers_.size());
  for (const auto& [name, at_ms] : timers_) {
    AppendText(out, name);
    AppendVarint(out, static_cast<uint64_t>(at_ms));
  }
  AppendVarint(out, state_version_);
  AppendVarint(out, update_version_);
  AppendText(out, stop_reason_);
}

bool Ledger::TakeLinks(std::string_view* in) {
  uint64_t groups = 0;
  if (!TakeVarint(in, &groups)) return false;
  for (; groups > 0; --groups) {
    Node node;
    uint64_t clients = 0;
    if (!TakeText(in, kMaxNodeBytes, &node.first) || node.first.empty() ||
        !TakeVarint(in, &node.second) || !TakeVarint(in, &clients) || clients == 0 ||
        clients > in->size()) {
      return false;
    }
    const auto [group, is_new] = by_node_.try_emplace(std::move(node));
    if (!is_new) return false;
    for (; clients > 0; --clients) {
      uint64_t client = 0;
      if (!TakeVarint(in, &client) || client == 0 || !group->second.insert(client).second ||
          ++links_ > plugin::kMaxLinks) {
        return false;
      }
    }
  }
  return true;
}

bool Ledger::TakeTimers(std::string_view* in) {
  uint64_t count = 0;
  if (!TakeVarint(in, &count) || count > plugin::kMaxTimers) return false;
  for (; count > 0; --count) {
    std::string name;
    uint64_t at_ms = 0;
    if (!TakeText(in, plugin::kMaxTimerNameBytes, &name) || !TakeVarint(in, &at_ms) ||
        !by_time_.emplace(static_cast<int64_t>(at_ms), name).second ||
        !timers_.emplace(name, static_cast<int64_t>(at_ms)).second) {
      return false;
    }
  }
  return true;
}

bool Ledger::TakeFrom(std::string_view* in) {
  Clear();
  if (TakeLinks(in) && TakeTimers(in) && TakeVarint(in, &state_version_) &&
      TakeVarint(in, &update_version_) && TakeText(in, plugin::kMaxReasonBytes, &stop_reason_)) {
    return true;
  }
  Clear();
  return false;
}

void Ledger::Clear() { *this = Ledger(); }

void Ledger::AddTo(DigestBuilder* digest) const {
  std::string bytes;
  AppendTo(&bytes);
  digest->Add(bytes);
}

// --- commands -----------------------------------------------------------------------------------

void HandleLinkCommand(const Request& request, Context& context, Ledger* ledger, Machine* machine) {
  protocol::ReplyWriter& reply = *context.reply;
  const auto& args = request.args;
  Client client = request.client;
  const bool link = request.command->row->name == "target.link";
  const auto is = [&](std::string_view word) { return protocol::EqualsIgnoreCase(args[2], word); };
  if (args.size() == 7 && !link && request.client.id == 0 && is("exit")) {
    client.node_id = args[3];
    if (!ParseUnsigned(args[4], &client.run) || !ParseUnsigned(args[5], &client.id)) {
      return reply.Error(protocol::kSyntaxError);
    }
    machine->OnExit(client, args[6], context);
    return reply.Ok();
  }
  if (args.size() == 4 && is("client")) {
    if (!ParseUnsigned(args[3], &client.id) || client.id == 0) {
      return reply.Error("ERR Invalid client ID");
    }
  } else if (args.size() != 3 || !is("self")) {
    return reply.Error(protocol::kSyntaxError);
  }
  if (client.id == 0) return reply.Error("ERR only a connection can be linked");
  context.DependsOn(ledger->changed());
  if (!link) {
    ledger->Unlink(client, context);
  } else if (ledger->links() >= plugin::kMaxLinks && !ledger->Linked(client)) {
    return reply.Error("ERR the cluster has already as many links as it can");
  } else {
    ledger->Link(client, context);
  }
  reply.Ok();
}

}  // namespace understudy::targets
