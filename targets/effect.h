// Effects: what a command did, as commands that do the same on any copy of the state.
//
//   update  := effect*
//   effect  := db:varint argc:varint (size:varint bytes){argc}      varint: LEB128, unsigned
//
// The first argument is the command's full name in lower case, as in the command table, so that
// effects outlive changes of the table's order. Times in effects are absolute (PEXPIREAT), random
// choices are made (SREM instead of SPOP).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace understudy::targets {

void AppendVarint(std::string* out, uint64_t value);
// Takes a varint from the front of `in`; false (in unchanged) if there is none.
bool TakeVarint(std::string_view* in, uint64_t* value);

// Collects the effects of one request. When nobody needs them (one node that keeps no log) it only
// counts, which saves the copy.
class EffectWriter {
 public:
  // `out` must outlive the writer; nullptr: count only.
  explicit EffectWriter(std::string* out) : out_(out) {}

  void Add(int db, std::initializer_list<std::string_view> args) {
    Add(db, std::span<const std::string_view>(args.begin(), args.size()));
  }
  void Add(int db, std::span<const std::string_view> args);

  size_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  bool wanted() const { return out_ != nullptr; }

 private:
  std::string* out_;
  size_t count_ = 0;
};

// Walks an update. The views point into it.
class EffectReader {
 public:
  explicit EffectReader(std::string_view update) : rest_(update) {}
  // False at the end, or if the bytes are malformed (then !ok()).
  bool Next(int* db, std::vector<std::string_view>* args);
  bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace understudy::targets
