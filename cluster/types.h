// Words of the cluster layer. See ARCHITECTURE.md and cluster/member.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace understudy::cluster {

using NodeId = std::string;  // 40 lower-case hex digits; made at a node's first start
using Term = uint64_t;
using Index = uint64_t;  // of a log entry; the first is 1
using RunId = uint64_t;  // random, of one run of a node's process; never 0
using Micros = int64_t;  // boot-time clock, microseconds

struct MemberInfo {
  enum class Kind : uint8_t { kVoter = 0, kLearner = 1, kWitness = 2 };
  NodeId id;
  std::string name;     // --name
  std::string address;  // "host:port", where its peers reach it
  Kind kind = Kind::kVoter;
  bool operator==(const MemberInfo&) const = default;
};

// The members of a cluster, in the order in which they joined: a member's place is its rank.
struct Configuration {
  std::vector<MemberInfo> members;
  const MemberInfo* Find(const NodeId& id) const;
  size_t VoterCount() const;
  bool operator==(const Configuration&) const = default;

  std::string Encode() const;
  static bool Decode(std::string_view bytes, Configuration* out);
};

// What must be on disk before a promise is made: always fsynced, whatever the policy.
struct LockState {
  Term term = 0;               // newest term seen
  NodeId granted_to;           // whom this voter granted the lock in `term`; empty: nobody
  RunId granted_run = 0;
  NodeId holder;               // last known holder (global whose append was acknowledged)
  RunId holder_run = 0;
  Term holder_term = 0;
  bool promised_nothing = false;  // clean-stop note; see DESIGN's rule 4 in cluster/member.h
  bool quarantined = false;
  Configuration configuration;    // newest known (also appended, not yet committed)
  Index configuration_index = 0;

  std::string Encode() const;
  static bool Decode(std::string_view bytes, LockState* out);
  bool operator==(const LockState&) const = default;
};

}  // namespace understudy::cluster
