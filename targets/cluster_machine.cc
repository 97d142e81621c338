#include "targets/cluster_machine.h"

#include "targets/chat/chat_target.h"
#include "targets/id/id_target.h"
#include "targets/text.h"

namespace understudy::targets {
namespace {

constexpr std::string_view kMagic = "USTARGET";
constexpr uint64_t kFormat = 1;

}  // namespace

std::unique_ptr<ClusterMachine> ClusterMachine::Make(const protocol::CommandTable& table,
                                                     std::shared_ptr<const TargetOptions> options,
                                                     const TargetType& type,
                                                     std::vector<std::string> arguments,
                                                     std::string* error) {
  std::unique_ptr<ClusterMachine> made(new ClusterMachine(table, type.name));
  if (type.plugin != nullptr) {
    auto target =
        std::make_unique<PluginMachine>(type.plugin, &made->ledger_, std::move(arguments));
    if (!target->Create(error)) return nullptr;
    made->plugin_ = target.get();
    made->target_ = std::move(target);
    return made;
  }
  if (!arguments.empty()) {
    *error = "ERR targets of type '" + type.name + "' take no arguments";
    return nullptr;
  }
  if (type.name == "id") {
    made->target_ = std::make_unique<IdTarget>();
  } else {
    made->target_ = std::make_unique<ChatTarget>(std::move(options));
  }
  return made;
}

// --- requests -----------------------------------------------------------------------------------

bool ClusterMachine::OwnedByTarget(const protocol::Command& command) const {
  const protocol::Owner owner = command.row->owner;
  return plugin_ == nullptr && ((owner == protocol::Owner::kId && type_ == "id") ||
                                (owner == protocol::Owner::kChat && type_ == "chat"));
}

void ClusterMachine::Handle(const Request& request, Context& context) {
  if (!stop_reason().empty()) {
    context.DependsOn(ledger_.changed());
    return context.reply->Error("ERR the target has stopped: " + std::string(stop_reason()));
  }
  const std::string_view name = request.command->row->name;
  if (name == "target.call" || name == "target.cast") return Call(request, context);
  if (name == "target.link" || name == "target.unlink") {
    return HandleLinkCommand(request, context, &ledger_, this);
  }
  if (OwnedByTarget(*request.command)) return target_->Handle(request, context);
  context.reply->Error("ERR the cluster runs a target of type '" + type_ +
                       "', which has no such command");
}

void ClusterMachine::Call(const Request& request, Context& context) {
  Request inner = request;
  inner.args = request.args.subspan(2);
  protocol::ReplyWriter* const reply = context.reply;
  std::string ignored;
  protocol::ReplyWriter nobody(&ignored, reply->resp());
  const bool cast = request.command->row->name == "target.cast";
  if (cast) context.reply = &nobody;
  if (plugin_ == nullptr) {
    inner.command = inner.args.empty() ? nullptr : table_->Find(inner.args);
    if (inner.command == nullptr || !OwnedByTarget(*inner.command)) {
      context.reply->Error(protocol::CommandTable::UnknownCommandError(inner.args));
    } else if (!inner.command->ArityFits(inner.args.size())) {
      context.reply->Error(protocol::CommandTable::ArityError(*inner.command));
    } else {
      target_->Handle(inner, context);
    }
  } else {
    target_->Handle(inner, context);
  }
  context.reply = reply;
  if (!cast) return;
  ignored.starts_with('-') ? reply->Raw(ignored) : reply->Ok();
}

bool ClusterMachine::OnTimer(Context& context) {
  return stop_reason().empty() && target_->OnTimer(context);
}

void ClusterMachine::VisitLinks(const std::function<void(const Client&)>& visit) const {
  ledger_.VisitLinks(visit);
  target_->VisitLinks(visit);
}

void ClusterMachine::OnExit(const Client& client, std::string_view reason, Context& context) {
  if (!stop_reason().empty()) return;
  const std::string node(client.node_id);  // it may be the link's own
  const Client gone{node, client.id, client.run};
  target_->OnExit(gone, reason, context);
  if (ledger_.Linked(gone)) ledger_.Unlink(gone, context);
}

// --- the state ----------------------------------------------------------------------------------

bool ClusterMachine::Apply(int db, std::span<const std::string_view> args, Context& context) {
  if (args.empty()) return false;
  if (ledger_.Apply(args, context.index)) {
    if (plugin_ != nullptr && args[0] == "target.version") plugin_->CompareVersions();
    return true;
  }
  return target_->Apply(db, args, context);
}

bool ClusterMachine::Snapshot(const SnapshotSink& sink) const {
  std::string head(kMagic);
  AppendVarint(&head, kFormat);
  AppendText(&head, type_);
  ledger_.AppendTo(&head);
  return sink(head) && target_->Snapshot(sink);
}

bool ClusterMachine::RestoreParts(std::string_view snapshot, std::string* error) {
  *error = "it isn't a target's state";
  if (!snapshot.starts_with(kMagic)) return false;
  snapshot.remove_prefix(kMagic.size());
  uint64_t format = 0;
  std::string_view type;
  if (!TakeVarint(&snapshot, &format) || format != kFormat) return false;
  *error = "the state is damaged";
  if (!TakeText(&snapshot, TypeTable::kMaxNameBytes, &type)) return false;
  if (type != type_) {
    *error = "the state is of a target of type '" + std::string(type) + "'";
    return false;
  }
  if (!ledger_.TakeFrom(&snapshot)) return false;
  if (plugin_ != nullptr) plugin_->CompareVersions();
  return target_->Restore(snapshot, error);
}

bool ClusterMachine::Restore(std::string_view snapshot, std::string* error) {
  if (RestoreParts(snapshot, error)) return true;
  Clear();
  return false;
}

void ClusterMachine::Clear() {
  ledger_.Clear();
  target_->Clear();
}

std::string ClusterMachine::Digest() const {
  DigestBuilder digest("cluster");
  digest.Add(type_).Add(target_->Digest());
  ledger_.AddTo(&digest);
  return digest.Finish().Hex();
}

std::string ClusterMachine::Describe() const {
  std::string text = "links:" + std::to_string(links()) + "\r\n";
  text += "timers:" + std::to_string(ledger_.timers()) + "\r\n";
  if (!stop_reason().empty()) text += "stopped:" + ledger_.stop_reason() + "\r\n";
  return text + target_->Describe();
}

}  // namespace understudy::targets
