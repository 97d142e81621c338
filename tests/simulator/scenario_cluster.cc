#include "tests/simulator/scenario_cluster.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "cluster/record.h"

namespace understudy::simulator {

using cluster::EntryType;
using cluster::EntryView;
using cluster::Member;
using cluster::MemberInfo;
using cluster::Message;
using cluster::Ready;
using cluster::Role;

namespace {

constexpr int64_t kWallMs = 1'700'000'000'000;

MemberInfo InfoOf(const NodeId& id) {
  return {id, id, "host-" + id + ":7001", MemberInfo::Kind::kVoter};
}

std::string Entries(const std::string_view records) {
  std::string text;
  Index first = 0, last = 0;
  for (std::string_view rest = records; !rest.empty();) {
    EntryView entry;
    size_t size = 0;
    if (cluster::ReadRecord(rest, &entry, &size) != cluster::RecordStatus::kOk) return " damaged";
    if (first == 0) first = entry.index;
    last = entry.index;
    rest.remove_prefix(size);
  }
  if (first == 0) return "";
  return " entries=" + std::to_string(first) + (last == first ? "" : "-" + std::to_string(last));
}

}  // namespace

std::string DescribeMessage(const Message& message) {
  std::ostringstream out;
  out << message.from << " > " << message.to << " " << ToString(message.type)
      << " term=" << message.term;
  switch (message.type) {
    case Message::Type::kPreLock:
    case Message::Type::kLock:
      out << " log=" << message.log_term << "/" << message.log_index;
      if (message.handover) out << " handover";
      break;
    case Message::Type::kPreLockReply:
    case Message::Type::kLockReply:
      out << (message.granted ? " granted" : " refused");
      break;
    case Message::Type::kAppend:
      out << " after=" << message.log_term << "/" << message.log_index << Entries(message.records)
          << " commit=" << message.commit;
      break;
    case Message::Type::kHeartbeat:
      out << " commit=" << message.commit;
      break;
    case Message::Type::kAppendReply:
      if (!message.accepted) {
        out << " refused";
        if (message.wants_snapshot) {
          out << " wants-snapshot";
        } else {
          out << " hint=" << message.hint_term << "/" << message.received;
        }
        break;
      }
      [[fallthrough]];
    case Message::Type::kHeartbeatReply:
      out << " match=" << message.match;
      if (message.received != message.match) out << " received=" << message.received;
      break;
    case Message::Type::kReadIndexReply:
      if (message.accepted) {
        out << " index=" << message.commit;
      } else {
        out << " refused";
      }
      break;
    case Message::Type::kSnapshotDone:
      out << " match=" << message.match;
      break;
    default:
      break;
  }
  if (message.quarantined) out << " quarantined";
  if (message.release_quarantine) out << " release-quarantine";
  return out.str();
}

std::string ScenarioCluster::Play(const std::string& command) {
  told_.clear();
  std::istringstream in(command);
  Words words;
  for (std::string word; in >> word;) words.push_back(word);
  if (words.empty()) return "";
  try {
    if (!PlayNodes(words) && !PlayNetwork(words) && !PlayMember(words)) {
      return "unknown command: " + command + "\n";
    }
  } catch (const std::out_of_range&) {
    return "missing or unknown: " + command + "\n";
  }
  Settle();
  return told_;
}

bool ScenarioCluster::PlayNodes(const Words& words) {
  const std::string& verb = words[0];
  auto each = [&](auto&& action) {
    for (size_t i = 1; i < words.size(); ++i) action(words[i]);
    return true;
  };
  if (verb == "node") {
    return each([&](const NodeId& id) { Add(id); });
  }
  if (verb == "start") {
    return each([&](const NodeId& id) { Start(id); });
  }
  if (verb == "kill") {
    return each([&](const NodeId& id) {
      At(id).node->Kill(0);
      At(id).told.clear();
      At(id).paused = false;
      At(id).waiting.clear();
    });
  }
  if (verb == "pause") {
    At(words.at(1)).paused = true;
  } else if (verb == "resume") {
    Machine& machine = At(words.at(1));
    machine.paused = false;
    MemberOf(words[1]).Tick(now_);
    for (Envelope& envelope : machine.waiting) network_.push_back(std::move(envelope));
    machine.waiting.clear();
    Turn(words[1]);
  } else if (verb == "hold-disk") {
    At(words.at(1)).disk_held = true;
  } else if (verb == "free-disk") {
    At(words.at(1)).disk_held = false;
    Turn(words[1]);
  } else if (verb == "fail-disk") {
    MemberOf(words.at(1)).DiskFailed(now_);
  } else if (verb == "lose-disk") {
    At(words.at(1)).node->LoseRecords(std::stoul(words.at(2)));
    At(words[1]).lost_data = true;
  } else if (verb == "advance") {
    Advance(std::stol(words.at(1)) * 1000);
  } else if (verb == "state") {
    for (auto& [id, machine] : machines_) {
      if (words.size() > 1 && std::find(words.begin() + 1, words.end(), id) == words.end())
        continue;
      Tell(machine.node->running() ? machine.node->member().Describe() : id + " down");
    }
  } else if (verb == "quiet" || verb == "verbose") {
    quiet_ = verb == "quiet";
  } else {
    return false;
  }
  return true;
}

bool ScenarioCluster::PlayNetwork(const Words& words) {
  const std::string& verb = words[0];
  if (verb == "dead" || verb == "close") {
    Lose(words.at(1), verb == "dead", {words.begin() + 2, words.end()});
  } else if (verb == "cut") {
    for (size_t i = 2; i < words.size(); ++i) {
      cut_.insert({words.at(1), words[i]});
      cut_.insert({words[i], words[1]});
    }
  } else if (verb == "heal") {
    cut_.clear();
    for (auto& [id, machine] : machines_) {
      if (machine.node->running()) Connect(id);
    }
  } else if (verb == "snapshot") {
    GiveSnapshot(words.at(1), words.at(2));
  } else {
    return false;
  }
  return true;
}

bool ScenarioCluster::PlayMember(const Words& words) {
  const std::string& verb = words[0];
  if (words.size() < 2) return false;
  const NodeId& id = words[1];
  if (!Runs(id)) throw std::out_of_range(id);
  Member& member = MemberOf(id);
  std::string why;
  if (verb == "bootstrap") {
    member.Bootstrap(InfoOf(id), now_);
  } else if (verb == "add") {
    if (!member.AddMember(InfoOf(words.at(2)), now_, &why)) Tell("refused: " + why);
  } else if (verb == "remove") {
    if (!member.RemoveMember(words.at(2), now_, &why)) Tell("refused: " + why);
  } else if (verb == "propose") {
    for (size_t i = 2; i < words.size(); ++i) {
      if (member.Propose(words[i], now_) == 0) Tell("not proposed: " + words[i]);
    }
  } else if (verb == "want") {
    member.WantCommit(words.at(2), std::stoul(words.at(3)));
  } else if (verb == "read") {
    member.RequestRead(now_);
  } else if (verb == "lease") {
    Tell(member.LeaseValid(now_) ? "yes" : "no");
  } else if (verb == "transfer") {
    if (!member.Transfer(words.size() > 2 ? words[2] : "", now_, &why)) Tell("refused: " + why);
  } else if (verb == "release") {
    member.Release(now_);
  } else if (verb == "shorten") {
    member.DropLogUpTo(member.commit());
  } else {
    return false;
  }
  return true;
}

// Nodes ----------------------------------------------------------------------------------------

void ScenarioCluster::Add(const NodeId& id) {
  Machine& machine = machines_[id];
  machine.node = std::make_unique<Node>(id, machines_.size(), 1'000'000);
  Node* node = machine.node.get();
  node->on_message = [this](const Message& message) { network_.emplace_back(message); };
  node->on_truncated = [this, id](Index last) {
    Tell(id + " drops entries behind " + std::to_string(last));
  };
  node->on_read = [this, id](const Ready::Read& read) {
    Tell(id + (read.ok ? " may read at " + std::to_string(read.index) : " must ask again"));
  };
  node->on_snapshot_wanted = [this, id](const NodeId& to) {
    Tell(id + " must send a snapshot to " + to);
  };
  node->on_apply = [this, id](const EntryView& entry) {
    State& state = committed_[entry.index];
    if (state.term == 0) {
      if (entry.index > 1) state.configuration = committed_[entry.index - 1].configuration;
      if (entry.type == EntryType::kConfiguration) {
        cluster::Configuration::Decode(entry.payload, &state.configuration);
      }
    } else if (state.term != entry.term) {
      Tell("BUG: " + id + " applied another entry at " + std::to_string(entry.index));
    }
    state.term = entry.term;
    state.time_ms = entry.time_ms;
    if (entry.type == EntryType::kNormal) {
      Tell(id + " applies " + std::to_string(entry.index) + " " + std::string(entry.payload));
    }
  };
  Start(id);
}

void ScenarioCluster::Start(const NodeId& id) {
  Machine& machine = At(id);
  machine.node->Start(now_, kWallMs + now_ / 1000, std::exchange(machine.lost_data, false));
  Connect(id);
}

// Links open between `id` and all that run and can be reached.
void ScenarioCluster::Connect(const NodeId& id) {
  for (auto& [other, machine] : machines_) {
    if (other == id || !machine.node->running() || cut_.count({id, other})) continue;
    MemberOf(id).PeerConnected(other, machine.node->run(), now_);
    machine.node->member().PeerConnected(id, At(id).node->run(), now_);
  }
}

void ScenarioCluster::Lose(const NodeId& id, bool dead, const Words& observers) {
  for (auto& [other, machine] : machines_) {
    if (other == id || !machine.node->running() || machine.paused) continue;
    bool sees = observers.empty() ||
                std::find(observers.begin(), observers.end(), other) != observers.end();
    if (!sees) continue;
    machine.node->member().PeerClosed(id, now_);
    if (dead) machine.node->member().PeerDead(id, At(id).node->run(), now_);
  }
}

// Time moves from tick to tick; those due together come in the order of ids.
void ScenarioCluster::Advance(Micros duration) {
  Micros end = now_ + duration;
  Settle();
  while (true) {
    Micros next = end;
    for (auto& [id, machine] : machines_) {
      if (machine.node->running() && !machine.paused) {
        next = std::min(next, std::max(now_ + 1, MemberOf(id).NextTick()));
      }
    }
    now_ = next;
    for (auto& [id, machine] : machines_) {
      if (machine.node->running() && !machine.paused && MemberOf(id).NextTick() <= now_) {
        MemberOf(id).Tick(now_);
      }
    }
    Settle();
    if (now_ >= end) break;
  }
}

void ScenarioCluster::Turn(const NodeId& id) {
  Machine& machine = At(id);
  if (!machine.node->running() || machine.paused) return;
  machine.node->Turn(now_);
  while (!machine.disk_held && machine.node->pending_writes() > 0) {
    machine.node->Persist(machine.node->pending_writes(), now_);
    machine.node->Turn(now_);
  }
  TellRole(id);
  machine.node->member().CheckInvariants();
}

void ScenarioCluster::TellRole(const NodeId& id) {
  Machine& machine = At(id);
  const Member& member = machine.node->member();
  std::string role =
      std::string(ToString(member.role())) + " of term " + std::to_string(member.term());
  if (role == machine.told) return;
  bool was_local = machine.told.empty() || machine.told.rfind("local", 0) == 0;
  machine.told = role;
  if (member.role() == Role::kLocal && was_local) return;
  Tell(id + " is " + role);
}

void ScenarioCluster::Settle() {
  for (auto& [id, machine] : machines_) Turn(id);
  for (int steps = 0; DeliverOne(); ++steps) {
    if (steps > 10000) {
      Tell("BUG: it never comes to rest");
      network_.clear();
    }
  }
}

bool ScenarioCluster::DeliverOne() {
  if (network_.empty()) return false;
  Envelope envelope = std::move(network_.front());
  network_.pop_front();
  const Message& message = envelope.View();
  bool heartbeat =
      message.type == Message::Type::kHeartbeat || message.type == Message::Type::kHeartbeatReply;
  bool lost = cut_.count({message.from, message.to}) != 0 || !Runs(message.to);
  if (!quiet_ && !heartbeat) Tell("  " + DescribeMessage(message) + (lost ? " (lost)" : ""));
  if (lost) return true;
  Machine& machine = At(message.to);
  if (machine.paused) {
    machine.waiting.push_back(std::move(envelope));
    return true;
  }
  machine.node->member().Step(message, now_);
  Turn(message.to);
  return true;
}

void ScenarioCluster::GiveSnapshot(const NodeId& from, const NodeId& to) {
  Index index = MemberOf(from).commit();
  const State& state = committed_.at(index);
  At(to).node->InstallSnapshot(index, state.term, state.time_ms, state.configuration, now_);
  MemberOf(from).SnapshotSent(to, index, true, now_);
}

}  // namespace understudy::simulator
