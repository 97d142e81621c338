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

  //   configuration := version:u8=1 count:varint member{count}
  //   member        := id:text name:text address:text kind:u8      text: size:varint bytes
  // REQUIRES: at most kMaxMembers, their texts at most kMaxMemberTextBytes, ids unique.
  std::string Encode() const;
  // False, with `out` unchanged, if the bytes are anything else.
  static bool Decode(std::string_view bytes, Configuration* out);
};
inline constexpr size_t kMaxMembers = 256;
inline constexpr size_t kMaxMemberTextBytes = 1024;

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
  Configuration configuration;    // newest committed; those appended behind it are in the log
  Index configuration_index = 0;

  //   state := version:u8=1 term:varint granted_to:text granted_run:varint holder:text
  //            holder_run:varint holder_term:varint flags:u8 configuration_index:varint
  //            configuration crc:u32le        flags: 1 promised_nothing, 2 quarantined
  //   crc: CRC-32C of everything before it
  std::string Encode() const;
  // False, with `out` unchanged, if the bytes are damaged.
  static bool Decode(std::string_view bytes, LockState* out);
  bool operator==(const LockState&) const = default;
};

}  // namespace understudy::cluster
