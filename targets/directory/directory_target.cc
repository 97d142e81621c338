#include "targets/directory/directory_target.h"

#include <algorithm>
#include <utility>

#include "protocol/numbers.h"

namespace understudy::targets {
namespace {

constexpr uint64_t kSnapshotVersion = 1;
constexpr size_t kMaxEntryBytes = 1u << 20;
constexpr std::string_view kMain = "main";

void AppendText(std::string* out, std::string_view text) {
  AppendVarint(out, text.size());
  out->append(text);
}

bool TakeText(std::string_view* in, std::string_view* text) {
  uint64_t size = 0;
  if (!TakeVarint(in, &size) || size > kMaxEntryBytes || size > in->size()) return false;
  *text = in->substr(0, size);
  in->remove_prefix(size);
  return true;
}

void AppendTexts(std::string* out, const std::vector<std::string>& texts) {
  AppendVarint(out, texts.size());
  for (const std::string& text : texts) AppendText(out, text);
}

bool TakeTexts(std::string_view* in, std::vector<std::string>* texts) {
  uint64_t count = 0;
  if (!TakeVarint(in, &count) || count > in->size()) return false;
  std::string_view text;
  for (; count > 0; --count) {
    if (!TakeText(in, &text)) return false;
    texts->emplace_back(text);
  }
  return true;
}

}  // namespace

bool DirectoryEntry::HasMember(std::string_view node_id) const {
  return std::find(members.begin(), members.end(), node_id) != members.end();
}

std::string DirectoryEntry::Encode() const {
  std::string out;
  AppendVarint(&out, number);
  AppendText(&out, type);
  AppendText(&out, founder);
  AppendVarint(&out, stopped ? 1 : 0);
  AppendText(&out, reason);
  AppendTexts(&out, arguments);
  AppendTexts(&out, members);
  return out;
}

bool DirectoryEntry::Decode(std::string_view bytes, DirectoryEntry* entry) {
  std::string_view type, founder, reason;
  uint64_t stopped = 0;
  *entry = DirectoryEntry();
  if (!TakeVarint(&bytes, &entry->number) || !TakeText(&bytes, &type) ||
      !TakeText(&bytes, &founder) || !TakeVarint(&bytes, &stopped) || stopped > 1 ||
      !TakeText(&bytes, &reason) || !TakeTexts(&bytes, &entry->arguments) ||
      !TakeTexts(&bytes, &entry->members)) {
    return false;
  }
  entry->type = type;
  entry->founder = founder;
  entry->stopped = stopped == 1;
  entry->reason = reason;
  return bytes.empty() && entry->number != 0 && !entry->type.empty() && !entry->members.empty();
}

const DirectoryEntry* DirectoryTarget::Find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

void DirectoryTarget::Put(std::string_view name, DirectoryEntry entry, Context& context) {
  context.effects->Add(0, {"target.start", name, entry.Encode()});
  entries_.insert_or_assign(std::string(name), std::move(entry));
  changed_ = context.index;
  ++version_;
}

// --- requests -----------------------------------------------------------------------------------

void DirectoryTarget::Handle(const Request& request, Context& context) {
  context.DependsOn(changed_);
  const std::string_view command = request.command->row->name;
  if (command == "target.list") return List(context);
  if (request.args[1] == kMain) {
    return context.reply->Error("ERR the cluster 'main' isn't started or stopped by itself");
  }
  if (command == "target.start") return Start(request, context);
  if (command == "target.join") return Join(request, context);
  if (command == "target.stop") return Stop(request, context);
  if (command == "target.delete") return Delete(request, context);
  context.reply->Error(protocol::CommandTable::UnknownCommandError(request.args));
}

DirectoryEntry* DirectoryTarget::Existing(std::string_view name, Context& context) {
  const auto found = entries_.find(name);
  if (found != entries_.end()) return &found->second;
  context.reply->Error("ERR no such cluster '" + std::string(name.substr(0, 128)) + "'");
  return nullptr;
}

void DirectoryTarget::Start(const Request& request, Context& context) {
  protocol::ReplyWriter& reply = *context.reply;
  const std::string_view name = request.args[1], type = request.args[2];
  const auto arguments = request.args.subspan(3);
  if (name.empty() || name.size() > kMaxNameBytes) {
    return reply.Error("ERR a cluster's name has 1 to " + std::to_string(kMaxNameBytes) + " bytes");
  }
  if (const auto found = entries_.find(name); found != entries_.end()) {
    DirectoryEntry entry = found->second;
    if (entry.type != type) {
      return reply.Error("ERR the cluster exists and runs a target of type '" + entry.type + "'");
    }
    const bool member = entry.HasMember(request.client.node_id);
    if (member && !entry.stopped) return reply.Ok();
    if (!member) entry.members.emplace_back(request.client.node_id);
    entry.stopped = false;
    entry.reason.clear();
    Put(name, std::move(entry), context);
    return reply.Ok();
  }
  size_t bytes = 0;
  for (std::string_view argument : arguments) bytes += argument.size();
  if (arguments.size() > kMaxArguments || bytes > kMaxArgumentBytes) {
    return reply.Error("ERR too many arguments for a target");
  }
  if (entries_.size() >= kMaxClusters) {
    return reply.Error("ERR there are already " + std::to_string(kMaxClusters) + " clusters");
  }
  DirectoryEntry entry;
  entry.number = context.index;
  entry.type = type;
  entry.founder = request.client.node_id;
  entry.arguments.assign(arguments.begin(), arguments.end());
  entry.members.emplace_back(request.client.node_id);
  Put(name, std::move(entry), context);
  reply.Ok();
}

void DirectoryTarget::Join(const Request& request, Context& context) {
  const DirectoryEntry* existing = Existing(request.args[1], context);
  if (existing == nullptr) return;
  if (existing->HasMember(request.client.node_id)) return context.reply->Ok();
  DirectoryEntry entry = *existing;
  entry.members.emplace_back(request.client.node_id);
  Put(request.args[1], std::move(entry), context);
  context.reply->Ok();
}

void DirectoryTarget::Stop(const Request& request, Context& context) {
  const std::string_view name = request.args[1], whom = request.args[2];
  const DirectoryEntry* existing = Existing(name, context);
  if (existing == nullptr) return;
  if (existing->stopped) return context.reply->Error("ERR the cluster is stopped already");
  DirectoryEntry entry = *existing;
  if (protocol::EqualsIgnoreCase(whom, "all")) {
    entry.stopped = true;
    if (request.args.size() > 3) entry.reason = request.args[3];
  } else if (!entry.HasMember(whom)) {
    return context.reply->Error("ERR that node isn't a member of the cluster");
  } else if (entry.members.size() == 1) {
    entry.stopped = true;  // its data stay where they are
  } else {
    std::erase(entry.members, whom);
    // Coming back, it joins: it begins no second cluster of this name, whatever its disk has kept.
    if (entry.founder == whom) entry.founder.clear();
  }
  Put(name, std::move(entry), context);
  context.reply->Ok();
}

void DirectoryTarget::Delete(const Request& request, Context& context) {
  const DirectoryEntry* existing = Existing(request.args[1], context);
  if (existing == nullptr) return;
  if (!existing->stopped) {
    return context.reply->Error("ERR the cluster is running: TARGET.STOP it for ALL first");
  }
  context.effects->Add(0, {"target.delete", request.args[1]});
  entries_.erase(entries_.find(request.args[1]));
  changed_ = context.index;
  ++version_;
  context.reply->Ok();
}

void DirectoryTarget::List(Context& context) {
  protocol::ReplyWriter& reply = *context.reply;
  reply.Array(entries_.size());
  for (const auto& [name, entry] : entries_) {
    reply.Map(entry.reason.empty() ? 5 : 6);
    reply.Bulk("name");
    reply.Bulk(name);
    reply.Bulk("type");
    reply.Bulk(entry.type);
    reply.Bulk("number");
    reply.Integer(static_cast<int64_t>(entry.number));
    reply.Bulk("state");
    reply.Bulk(entry.stopped ? "stopped" : "running");
    if (!entry.reason.empty()) {
      reply.Bulk("reason");
      reply.Bulk(entry.reason);
    }
    reply.Bulk("members");
    reply.Array(entry.members.size());
    for (const std::string& member : entry.members) reply.Bulk(member);
  }
}

// --- the state ----------------------------------------------------------------------------------

bool DirectoryTarget::Apply(int /*db*/, std::span<const std::string_view> args, Context& context) {
  if (args.size() == 3 && args[0] == "target.start") {
    DirectoryEntry entry;
    if (!DirectoryEntry::Decode(args[2], &entry)) return false;
    entries_.insert_or_assign(std::string(args[1]), std::move(entry));
  } else if (args.size() == 2 && args[0] == "target.delete") {
    const auto found = entries_.find(args[1]);
    if (found == entries_.end()) return false;
    entries_.erase(found);
  } else {
    return false;
  }
  changed_ = context.index;
  ++version_;
  return true;
}

bool DirectoryTarget::Snapshot(const SnapshotSink& sink) const {
  std::string bytes;
  AppendVarint(&bytes, kSnapshotVersion);
  AppendVarint(&bytes, entries_.size());
  for (const auto& [name, entry] : entries_) {
    AppendText(&bytes, name);
    AppendText(&bytes, entry.Encode());
  }
  return sink(bytes);
}

bool DirectoryTarget::Restore(std::string_view snapshot, std::string* error) {
  Clear();
  uint64_t version = 0, count = 0;
  bool ok = TakeVarint(&snapshot, &version) && version == kSnapshotVersion &&
            TakeVarint(&snapshot, &count) && count <= kMaxClusters;
  for (; ok && count > 0; --count) {
    std::string_view name, bytes;
    DirectoryEntry entry;
    ok = TakeText(&snapshot, &name) && !name.empty() && TakeText(&snapshot, &bytes) &&
         DirectoryEntry::Decode(bytes, &entry) &&
         entries_.emplace(std::string(name), std::move(entry)).second;
  }
  if (ok && snapshot.empty()) return true;
  Clear();
  *error = "directory: the state is damaged";
  return false;
}

void DirectoryTarget::Clear() {
  entries_.clear();
  changed_ = 0;
  ++version_;
}

Digest160 DirectoryTarget::StateDigest() const {
  Digest160 sum;
  for (const auto& [name, entry] : entries_) {
    sum += DigestBuilder("directory").Add(name).Add(entry.Encode()).Finish();
  }
  return sum;
}

}  // namespace understudy::targets
