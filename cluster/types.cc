#include "cluster/types.h"

#include <cassert>

#include "cluster/coding.h"
#include "cluster/record.h"

namespace understudy::cluster {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kPromisedNothing = 1;
constexpr uint8_t kQuarantined = 2;

bool TakeVersion(std::string_view* in) {
  uint8_t version = 0;
  return TakeByte(in, kVersion, &version) && version == kVersion;
}

bool TakeMember(std::string_view* in, MemberInfo* member) {
  uint8_t kind = 0;
  if (!TakeSized(in, kMaxMemberTextBytes, &member->id) ||
      !TakeSized(in, kMaxMemberTextBytes, &member->name) ||
      !TakeSized(in, kMaxMemberTextBytes, &member->address) ||
      !TakeByte(in, static_cast<uint8_t>(MemberInfo::Kind::kWitness), &kind)) {
    return false;
  }
  member->kind = static_cast<MemberInfo::Kind>(kind);
  return true;
}

}  // namespace

const MemberInfo* Configuration::Find(const NodeId& id) const {
  for (const MemberInfo& member : members) {
    if (member.id == id) return &member;
  }
  return nullptr;
}

size_t Configuration::VoterCount() const {
  size_t count = 0;
  for (const MemberInfo& member : members) {
    if (member.kind == MemberInfo::Kind::kVoter) ++count;
  }
  return count;
}

std::string Configuration::Encode() const {
  assert(members.size() <= kMaxMembers);
  std::string out(1, static_cast<char>(kVersion));
  AppendVarint(&out, members.size());
  for (const MemberInfo& member : members) {
    AppendSized(&out, member.id);
    AppendSized(&out, member.name);
    AppendSized(&out, member.address);
    out.push_back(static_cast<char>(member.kind));
  }
  return out;
}

bool Configuration::Decode(std::string_view bytes, Configuration* out) {
  uint64_t count = 0;
  if (!TakeVersion(&bytes) || !TakeVarint(&bytes, &count) || count > kMaxMembers) return false;
  Configuration read;
  for (uint64_t i = 0; i < count; ++i) {
    MemberInfo member;
    if (!TakeMember(&bytes, &member) || read.Find(member.id) != nullptr) return false;
    read.members.push_back(std::move(member));
  }
  if (!bytes.empty()) return false;
  *out = std::move(read);
  return true;
}

std::string LockState::Encode() const {
  std::string out(1, static_cast<char>(kVersion));
  AppendVarint(&out, term);
  AppendSized(&out, granted_to);
  AppendVarint(&out, granted_run);
  AppendSized(&out, holder);
  AppendVarint(&out, holder_run);
  AppendVarint(&out, holder_term);
  out.push_back(static_cast<char>((promised_nothing ? kPromisedNothing : 0) |
                                  (quarantined ? kQuarantined : 0)));
  AppendVarint(&out, configuration_index);
  out += configuration.Encode();
  char crc[4];
  PutWord32(crc, Crc32c(out));
  out.append(crc, sizeof(crc));
  return out;
}

bool LockState::Decode(std::string_view bytes, LockState* out) {
  if (bytes.size() < 4) return false;
  std::string_view crc = bytes.substr(bytes.size() - 4);
  bytes.remove_suffix(4);
  if (GetWord32(crc.data()) != Crc32c(bytes)) return false;
  LockState read;
  uint8_t flags = 0;
  if (!TakeVersion(&bytes) || !TakeVarint(&bytes, &read.term) ||
      !TakeSized(&bytes, kMaxMemberTextBytes, &read.granted_to) ||
      !TakeVarint(&bytes, &read.granted_run) ||
      !TakeSized(&bytes, kMaxMemberTextBytes, &read.holder) ||
      !TakeVarint(&bytes, &read.holder_run) || !TakeVarint(&bytes, &read.holder_term) ||
      !TakeByte(&bytes, kPromisedNothing | kQuarantined, &flags) ||
      !TakeVarint(&bytes, &read.configuration_index) ||
      !Configuration::Decode(bytes, &read.configuration)) {
    return false;
  }
  read.promised_nothing = (flags & kPromisedNothing) != 0;
  read.quarantined = (flags & kQuarantined) != 0;
  *out = std::move(read);
  return true;
}

}  // namespace understudy::cluster
