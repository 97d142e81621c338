#include "targets/main_target.h"

#include <new>

#include "targets/digest.h"
#include "targets/kv/rdb.h"

namespace understudy::targets {
namespace {

constexpr std::string_view kIdField = "understudy-id";
constexpr std::string_view kChatField = "understudy-chat";
constexpr std::string_view kLinksField = "understudy-links";
constexpr std::string_view kDirectoryField = "understudy-directory";
// What may read the file: the newest Redis whose semantics are ours.
constexpr std::string_view kRedisVersion = "7.2.0";
constexpr size_t kEndBytes = 1 + 8;  // kEof and the checksum

}  // namespace

MainTarget::MainTarget(const protocol::CommandTable& table,
                       std::shared_ptr<const TargetOptions> options)
    : kv_(table, options), chat_(options) {
  for (const protocol::Command& command : table.all()) {
    if (command.row->owner == protocol::Owner::kId) not_kv_.push_back({command.row->name, &id_});
    if (command.row->owner == protocol::Owner::kPubsub) {
      not_kv_.push_back({command.row->name, &pubsub_});
    }
    if (command.row->owner == protocol::Owner::kChat) {
      not_kv_.push_back({command.row->name, &chat_});
    }
  }
}

void MainTarget::Handle(const Request& request, Context& context) {
  switch (request.command->row->owner) {
    case protocol::Owner::kKv:
      return kv_.Handle(request, context);
    case protocol::Owner::kId:
      return id_.Handle(request, context);
    case protocol::Owner::kChat:
      return chat_.Handle(request, context);
    case protocol::Owner::kPubsub:
      return pubsub_.Handle(request, context);
    case protocol::Owner::kTarget:
      if (const std::string_view name = request.command->row->name;
          name == "target.link" || name == "target.unlink") {
        return HandleLinkCommand(request, context, &ledger_, this);
      } else if (name != "target.call" && name != "target.cast") {
        return directory_.Handle(request, context);
      }
      if (request.args[1] != "main") {
        return context.reply->Error("ERR no such cluster '" +
                                    std::string(request.args[1].substr(0, 128)) + "'");
      }
      return context.reply->Error(
          "ERR the cluster 'main' has commands of its own, not TARGET.CALL");
    case protocol::Owner::kNode:
    case protocol::Owner::kTransaction:
    case protocol::Owner::kPeer:
      break;
  }
  context.reply->Error(protocol::CommandTable::UnknownCommandError(request.args));
}

bool MainTarget::Apply(int db, std::span<const std::string_view> args, Context& context) {
  if (args.empty()) return false;
  for (const NotKv& other : not_kv_) {
    if (args[0] == other.name) return other.target->Apply(db, args, context);
  }
  if (args[0] == "target.start" || args[0] == "target.delete") {
    return directory_.Apply(db, args, context);
  }
  if (args[0].starts_with("target.")) return ledger_.Apply(args, context.index);
  return kv_.Apply(db, args, context);
}

bool MainTarget::Snapshot(const SnapshotSink& sink) const {
  kv::RdbWriter out(sink);
  out.Header();
  out.Aux("redis-ver", kRedisVersion);
  out.Aux("redis-bits", "64");
  const auto field = [&out](std::string_view name) {
    return [&out, name](std::string_view piece) {
      out.Aux(name, piece);
      return out.ok();
    };
  };
  const auto section = [&out](std::string_view piece) {
    out.Raw(piece);
    return out.ok();
  };
  std::string links;
  ledger_.AppendTo(&links);
  if (!ledger_.empty()) out.Aux(kLinksField, links);
  if (!id_.Snapshot(field(kIdField)) || !chat_.Snapshot(field(kChatField)) ||
      !directory_.Snapshot(field(kDirectoryField)) || !kv_.Snapshot(section)) {
    return false;
  }
  out.Eof();
  return out.Finish();
}

// The same file in steps: id, chat and directory, copied at the beginning, then kv.
class MainTarget::Cursor : public SnapshotCursor {
 public:
  explicit Cursor(MainTarget* target)
      : id_(target->id_.BeginSnapshot()),
        chat_(target->chat_.BeginSnapshot()),
        directory_(target->directory_.BeginSnapshot()),
        kv_(target->kv_.BeginSnapshot()),
        out_([this](std::string_view piece) { return (*step_sink_)(piece); }),
        writer_(out_) {
    writer_.Header();
    writer_.Aux("redis-ver", kRedisVersion);
    writer_.Aux("redis-bits", "64");
    std::string links;
    target->ledger_.AppendTo(&links);
    if (!target->ledger_.empty()) writer_.Aux(kLinksField, links);
  }

  Status Step(size_t work, const SnapshotSink& sink) override {
    step_sink_ = &sink;
    const Status status = StepParts(work);
    step_sink_ = nullptr;
    return status;
  }
  uint64_t work_done() const override {
    return id_->work_done() + chat_->work_done() + directory_->work_done() + kv_->work_done();
  }
  size_t kept_bytes() const override {
    return id_->kept_bytes() + chat_->kept_bytes() + directory_->kept_bytes() + kv_->kept_bytes();
  }
  double Progress() const override { return kv_->Progress(); }

 private:
  enum class Part : uint8_t { kId, kChat, kDirectory, kKv };

  Status StepParts(size_t work) {
    if (at_ == Part::kId) return StepFields(id_.get(), kIdField, Part::kChat, work);
    if (at_ == Part::kChat) return StepFields(chat_.get(), kChatField, Part::kDirectory, work);
    if (at_ == Part::kDirectory) {
      return StepFields(directory_.get(), kDirectoryField, Part::kKv, work);
    }
    const Status status = kv_->Step(work, [this](std::string_view piece) {
      writer_.Raw(piece);
      return writer_.ok();
    });
    if (status != Status::kDone) return status;
    writer_.Eof();
    return writer_.Finish() ? Status::kDone : Status::kFailed;
  }
  Status StepFields(SnapshotCursor* part, std::string_view name, Part next, size_t work) {
    const Status status = part->Step(work, [this, name](std::string_view piece) {
      writer_.Aux(name, piece);
      return writer_.ok();
    });
    if (status == Status::kDone) at_ = next;
    return status == Status::kFailed ? Status::kFailed : Status::kMore;
  }

  std::unique_ptr<SnapshotCursor> id_, chat_, directory_, kv_;
  Part at_ = Part::kId;
  const SnapshotSink* step_sink_ = nullptr;
  const SnapshotSink out_;
  kv::RdbWriter writer_;
};

std::unique_ptr<SnapshotCursor> MainTarget::BeginSnapshot() {
  return std::make_unique<Cursor>(this);
}

bool MainTarget::RestoreParts(std::string_view snapshot, std::string* error) {
  kv::RdbReader in(snapshot);
  in.Header();
  std::string id_state, chat_state, links, directory_state, name_scratch, value_scratch;
  while (!in.failed() && !in.rest().empty() &&
         in.rest()[0] == static_cast<char>(kv::RdbOpcode::kAux)) {
    in.Byte();
    const std::string_view name = in.String(&name_scratch);
    const std::string_view value = in.String(&value_scratch);
    if (name == kIdField) id_state += value;
    if (name == kChatField) chat_state += value;
    if (name == kLinksField) links += value;
    if (name == kDirectoryField) directory_state += value;
  }
  // What is between the fields and the end is kv's.
  if (!in.failed() &&
      (in.rest().size() < kEndBytes ||
       in.rest()[in.rest().size() - kEndBytes] != static_cast<char>(kv::RdbOpcode::kEof))) {
    in.Fail("no end of the file where it should be");
  }
  const std::string_view sections =
      in.failed() ? std::string_view() : in.rest().substr(0, in.rest().size() - kEndBytes);
  in.Skip(sections.size() + 1);
  in.Checksum();
  if (in.failed()) {
    *error = in.error();
    return false;
  }
  ledger_.Clear();
  std::string_view rest = links;
  if (!rest.empty() && (!ledger_.TakeFrom(&rest) || !rest.empty())) {
    *error = "the links are damaged";
    return false;
  }
  if (id_state.empty()) id_.Clear();
  if (chat_state.empty()) chat_.Clear();
  if (directory_state.empty()) directory_.Clear();
  return (id_state.empty() || id_.Restore(id_state, error)) &&
         (chat_state.empty() || chat_.Restore(chat_state, error)) &&
         (directory_state.empty() || directory_.Restore(directory_state, error)) &&
         kv_.Restore(sections, error);
}

bool MainTarget::Restore(std::string_view snapshot, std::string* error) {
  try {
    if (RestoreParts(snapshot, error)) return true;
  } catch (const std::bad_alloc&) {
    *error = "not enough memory to restore the state";
  }
  Clear();
  return false;
}

void MainTarget::Clear() {
  kv_.Clear();
  id_.Clear();
  chat_.Clear();
  ledger_.Clear();
  directory_.Clear();
}

void MainTarget::VisitLinks(const std::function<void(const Client&)>& visit) const {
  ledger_.VisitLinks(visit);
  chat_.VisitLinks(visit);
}

void MainTarget::OnExit(const Client& client, std::string_view reason, Context& context) {
  const std::string node(client.node_id);  // it may be the link's own
  const Client gone{node, client.id, client.run};
  if (ledger_.Linked(gone)) ledger_.Unlink(gone, context);
  chat_.OnExit(gone, reason, context);
}

std::string MainTarget::Describe() const {
  return "links:" + std::to_string(links()) + "\r\n" + id_.Describe() + chat_.Describe();
}

std::string MainTarget::Digest() const {
  Digest160 sum = id_.StateDigest();
  sum += chat_.StateDigest();
  if (!ledger_.empty()) {
    DigestBuilder links("links");
    ledger_.AddTo(&links);
    sum += links.Finish();
  }
  sum += directory_.StateDigest();
  Digest160 kv_digest;
  if (Digest160::FromHex(kv_.Digest(), &kv_digest)) sum += kv_digest;
  return sum.Hex();
}

}  // namespace understudy::targets
