// The directory: which clusters exist beside `main`, what they run and on which nodes. Part of the
// state of `main`; nodes start, join and end clusters when the entry that says so is committed
// (server/clusters.h). Each cluster's own log is the authority on who its members are by now; the
// directory says who they are to be.
//
//   TARGET.START name type [arg ...]   makes it with the asking node as founder and first global;
//                                      if it exists, the asking node joins; a stopped one goes on
//   TARGET.JOIN name                   the asking node joins
//   TARGET.STOP name ALL [reason]      ends on every node; what it kept remains
//   TARGET.STOP name node-id           that node leaves; the last one's leaving stops the cluster
//   TARGET.DELETE name                 a stopped cluster's data go
//   TARGET.LIST                        name, type, number, state, members' ids
//
// Effects:
//   target.start name entry            the entry as it is from now on
//   target.delete name
//
// Bytes (LEB128 varints; text := size:varint bytes):
//   entry := number type:text founder:text stopped reason:text args arg:text{args}
//            members id:text{members}
//   snapshot := version:varint(1) count (name:text entry:text){count}
//
// A cluster's number, in records, files and messages, is the index of the entry that made it: no
// two clusters ever have the same, also not of one name.
//
// Limits: kMaxClusters, kMaxNameBytes, kMaxArguments of kMaxArgumentBytes in all.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "targets/digest.h"
#include "targets/machine.h"

namespace understudy::targets {

struct DirectoryEntry {
  uint64_t number = 0;
  std::string type;
  std::string founder;  // node id: it makes the cluster's first configuration
  bool stopped = false;
  std::string reason;  // why, if it is stopped; may be empty
  std::vector<std::string> arguments;
  std::vector<std::string> members;  // node ids, in order of joining

  bool HasMember(std::string_view node_id) const;
  std::string Encode() const;
  static bool Decode(std::string_view bytes, DirectoryEntry* entry);
};

class DirectoryTarget : public Machine {
 public:
  static constexpr size_t kMaxClusters = 4000;
  static constexpr size_t kMaxNameBytes = 256;
  static constexpr size_t kMaxArguments = 64;
  static constexpr size_t kMaxArgumentBytes = 64u << 10;

  using Entries = std::map<std::string, DirectoryEntry, std::less<>>;

  std::string_view type() const override { return "directory"; }
  void Handle(const Request& request, Context& context) override;
  bool Apply(int db, std::span<const std::string_view> args, Context& context) override;
  bool Snapshot(const SnapshotSink& sink) const override;
  bool Restore(std::string_view snapshot, std::string* error) override;
  void Clear() override;
  std::string Digest() const override { return StateDigest().Hex(); }
  Digest160 StateDigest() const;

  const Entries& entries() const { return entries_; }
  const DirectoryEntry* Find(std::string_view name) const;
  // Different after every change, also those that take something back.
  uint64_t version() const { return version_; }
  uint64_t changed() const { return changed_; }  // log index of the newest change

 private:
  void Start(const Request& request, Context& context);
  void Join(const Request& request, Context& context);
  void Stop(const Request& request, Context& context);
  void Delete(const Request& request, Context& context);
  void List(Context& context);
  DirectoryEntry* Existing(std::string_view name, Context& context);
  void Put(std::string_view name, DirectoryEntry entry, Context& context);

  Entries entries_;
  uint64_t version_ = 1, changed_ = 0;
};

// That of `main`'s target; it lives as long as the target.
const DirectoryTarget* GetDirectory(const Machine& main_target);

}  // namespace understudy::targets
