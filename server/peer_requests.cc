#include "server/peer_requests.h"

#include "protocol/reply_writer.h"
#include "server/node.h"
#include "server/peer_codec.h"

namespace understudy::server {

namespace {
// Members, and others who say that they want to be.
constexpr size_t kMaxLinks = 2 * cluster::kMaxMembers;

bool ParseForward(std::span<const std::string_view> args, RemoteCommands::Batch* batch) {
  if (args.size() != 8 || !ParseUnsigned(args[2], &batch->term) ||
      !ParseUnsigned(args[4], &batch->run) || !ParseUnsigned(args[5], &batch->attempt) ||
      !ParseUnsigned(args[6], &batch->low)) {
    return false;
  }
  batch->from = cluster::NodeId(args[3]);
  batch->commands = args[7];
  return true;
}
}  // namespace

using Args = std::span<const std::string_view>;

bool PeerRequests::Handle(Connection& connection, const protocol::Command& command, Args args) {
  std::string_view name = command.row->name;
  if (name == "peer.hello") return Hello(connection, args);
  if (connection.session().peer_id.empty()) return false;
  if (name == "peer.join") return Join(connection, args);
  // Everything else is a cluster's. What isn't main's may be of one that isn't known here yet, or
  // isn't any more.
  if (args.size() < 2) return false;
  if (args[1] != node_->host().wire()) {
    NamedCluster* cluster = node_->clusters().FindByWire(args[1]);
    return cluster == nullptr || ToNamed(*node_->clusters().Touch(cluster), name, args);
  }
  if (name == "peer.forward") return Forward(args);
  if (name == "peer.reply") return Reply(args);
  if (name == "peer.busy") return Busy(args);
  if (name == "peer.snapshot") {
    SnapshotChunk chunk;
    if (!DecodeSnapshotChunk(args, &chunk)) return false;
    node_->host().OnSnapshotChunk(chunk, node_->now());
    return true;
  }
  cluster::Message message;
  if (!DecodeMessage(args, &message)) return false;
  message.to = node_->identity().id;
  // A disk that is behind: the global sends it again when this node has caught up.
  if (!message.records.empty() && node_->writer().overloaded()) return true;
  node_->host().Step(message, node_->now());
  return true;
}

bool PeerRequests::ToNamed(NamedCluster& cluster, std::string_view name, Args args) {
  uint64_t term, run, attempt;
  if (name == "peer.forward") {
    RemoteCommands::Batch batch;
    if (!ParseForward(args, &batch)) return false;
    cluster.OnForward(batch);
    return true;
  }
  if (name == "peer.reply") {
    if (args.size() != 6 || !ParseUnsigned(args[2], &term) || !ParseUnsigned(args[3], &run) ||
        !ParseUnsigned(args[4], &attempt)) {
      return false;
    }
    cluster.OnReplies(term, run, attempt, args[5]);
    return true;
  }
  if (name == "peer.where") {
    if (args.size() != 3) return false;
    cluster.OnWhere(cluster::NodeId(args[2]));
    return true;
  }
  if (name == "peer.global") {
    if (args.size() != 4 || !ParseUnsigned(args[2], &term)) return false;
    cluster.OnGlobal(term, cluster::NodeId(args[3]));
    return true;
  }
  if (!cluster.active()) return true;
  ClusterHost& host = *cluster.host();
  if (name == "peer.snapshot") {
    SnapshotChunk chunk;
    if (!DecodeSnapshotChunk(args, &chunk)) return false;
    host.OnSnapshotChunk(chunk, node_->now());
    return true;
  }
  cluster::Message message;
  if (!DecodeMessage(args, &message)) return false;
  message.to = node_->identity().id;
  if (!message.records.empty() && node_->writer().overloaded()) return true;
  host.Step(message, node_->now());
  return true;
}

void PeerRequests::Answer(Connection& connection, std::string_view resp) {
  connection.MarkDirty();
  connection.replies().Begin()->append(resp);
  connection.replies().End(Gate{}, 0, 0, node_->environment().turn);
}

bool PeerRequests::Hello(Connection& connection, Args args) {
  uint64_t run;
  if (args.size() != 5 || args[1].size() != 40 || !ParseUnsigned(args[4], &run)) return false;
  const cluster::NodeId id(args[1]);
  const bool member = node_->host().member().configuration().Find(id) != nullptr;
  if (!member && node_->peers().links().size() >= kMaxLinks) return false;
  Session& session = connection.session();
  session.peer_id = std::string(args[1]);
  session.name = std::string(args[2]);
  node_->peers().Ensure(session.peer_id, std::string(args[3]));
  // The other side's connection is new: what it said over an older one may be lost.
  if (session.peer_id == node_->host().member().lock_state().holder) node_->forwarder().AskAgain();
  node_->clusters().ForEach([&](NamedCluster& one) {
    if (session.peer_id == one.HolderId()) one.calls().AskAgain();
  });
  const Identity& self = node_->identity();
  std::string reply;
  protocol::ReplyWriter writer(&reply, 2);
  writer.Array(3);
  writer.Bulk(self.id);
  writer.Bulk(self.name);
  writer.Bulk(std::to_string(self.run));
  Answer(connection, reply);
  return true;
}

bool PeerRequests::Join(Connection& connection, Args args) {
  if (args.size() != 4 || args[1].size() != 40) return false;
  cluster::Member& member = node_->host().member();
  cluster::MemberInfo info;
  info.id = std::string(args[1]);
  info.name = std::string(args[2]);
  info.address = std::string(args[3]);
  info.kind = cluster::MemberInfo::Kind::kLearner;
  std::string reply, why;
  protocol::ReplyWriter writer(&reply, 2);
  const cluster::MemberInfo* known = member.configuration().Find(info.id);
  if (member.role() != cluster::Role::kGlobal) {
    const cluster::MemberInfo* global = member.configuration().Find(member.holder());
    writer.Error(global == nullptr ? "TRYAGAIN No global at the moment"
                                   : "NOTGLOBAL " + global->address);
  } else if (known != nullptr && known->name == info.name && known->address == info.address) {
    writer.Ok();
  } else if (!member.serving()) {
    writer.Error("TRYAGAIN The global isn't ready yet");
  } else {
    for (const cluster::MemberInfo& other : member.configuration().members) {
      if (other.name == info.name && other.id != info.id) why = "name is taken: " + info.name;
    }
    if (!why.empty()) {
      writer.Error("ERR " + why);
    } else if (member.AddMember(info, node_->now(), &why)) {
      node_->log().Notice("%s at %s joins", info.name.c_str(), info.address.c_str());
      writer.Ok();
    } else {
      writer.Error("TRYAGAIN " + why);
    }
  }
  Answer(connection, reply);
  return true;
}

bool PeerRequests::Forward(Args args) {
  RemoteCommands::Batch batch;
  if (!ParseForward(args, &batch)) return false;
  node_->remote_commands().OnForward(batch);
  return true;
}

bool PeerRequests::Busy(Args args) {
  uint64_t run, sequence;
  if (args.size() != 4 || !ParseUnsigned(args[2], &run) || !ParseUnsigned(args[3], &sequence)) {
    return false;
  }
  if (run == node_->identity().run) node_->forwarder().OnBusy(sequence);
  return true;
}

bool PeerRequests::Reply(Args args) {
  uint64_t term, run, attempt;
  if (args.size() != 6 || !ParseUnsigned(args[2], &term) || !ParseUnsigned(args[3], &run) ||
      !ParseUnsigned(args[4], &attempt)) {
    return false;
  }
  if (run != node_->identity().run || term != node_->host().member().term()) return true;
  std::string_view rest = args[5], reply;
  uint64_t sequence;
  while (TakeForwardedReply(&rest, &sequence, &reply)) {
    node_->forwarder().OnReply(sequence, attempt, reply);
  }
  return rest.empty();
}

}  // namespace understudy::server
