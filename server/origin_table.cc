#include "server/origin_table.h"

#include <algorithm>

#include "targets/effect.h"

namespace understudy::server {

using targets::AppendVarint;
using targets::TakeVarint;

OriginTable::Known OriginTable::Find(const Tag& tag, const Executed** executed) const {
  auto run = runs_.find(tag.run);
  if (run == runs_.end()) return Known::kNew;
  auto found = run->second.executed.find(tag.sequence);
  if (found != run->second.executed.end()) {
    *executed = &found->second;
    return Known::kExecuted;
  }
  if (tag.sequence < run->second.low) return Known::kRefused;
  auto newest = run->second.newest.find(tag.client);
  bool overtaken = newest != run->second.newest.end() && newest->second > tag.sequence;
  return overtaken ? Known::kOvertaken : Known::kNew;
}

void OriginTable::Forget(Run* run, std::map<uint64_t, Executed>::iterator executed) {
  bytes_ -= executed->second.reply.size();
  auto newest = run->newest.find(executed->second.client);
  if (newest != run->newest.end() && newest->second == executed->first) run->newest.erase(newest);
  run->executed.erase(executed);
}

void OriginTable::Record(const Tag& tag, cluster::Index index, std::string_view reply) {
  Run& run = RunOf(tag.run);
  run.last = index;
  while (!run.executed.empty() && run.executed.begin()->first < tag.low) {
    Forget(&run, run.executed.begin());
  }
  run.low = std::max(run.low, tag.low);
  Executed& executed = run.executed[tag.sequence];
  bytes_ += reply.size() - executed.reply.size();
  executed.index = index;
  executed.client = tag.client;
  if (tag.client != 0) {
    uint64_t& newest = run.newest[tag.client];
    newest = std::max(newest, tag.sequence);
  }
  executed.reply.assign(reply);
}

void OriginTable::RecordOwn(uint64_t run, uint64_t sequence, cluster::Index index) {
  if (newest_ == nullptr || newest_run_ != run) RunOf(run);
  newest_->own = sequence;
  newest_->last = index;
}

uint64_t OriginTable::NewestOwn(uint64_t run) const {
  auto found = runs_.find(run);
  return found == runs_.end() ? 0 : found->second.own;
}

OriginTable::Run& OriginTable::RunOf(uint64_t run) {
  auto found = runs_.find(run);
  if (found == runs_.end()) {
    if (runs_.size() == kMaxRuns) DropQuietest();
    found = runs_.try_emplace(run).first;
  }
  newest_ = &found->second;
  newest_run_ = run;
  return *newest_;
}

void OriginTable::DropQuietest() {
  newest_ = nullptr;
  auto quietest = std::min_element(runs_.begin(), runs_.end(), [](const auto& a, const auto& b) {
    return a.second.last < b.second.last;
  });
  for (const auto& [sequence, executed] : quietest->second.executed) {
    bytes_ -= executed.reply.size();
  }
  runs_.erase(quietest);
}

void OriginTable::Clear() {
  runs_.clear();
  newest_ = nullptr;
  bytes_ = 0;
}

void OriginTable::Encode(std::string* out) const {
  AppendVarint(out, runs_.size());
  for (const auto& [number, run] : runs_) {
    for (int i = 0; i < 8; ++i) out->push_back(static_cast<char>(number >> (8 * i)));
    AppendVarint(out, run.low);
    AppendVarint(out, run.last);
    AppendVarint(out, run.own);
    AppendVarint(out, run.executed.size());
    for (const auto& [sequence, executed] : run.executed) {
      AppendVarint(out, sequence);
      AppendVarint(out, executed.index);
      AppendVarint(out, executed.client);
      AppendVarint(out, executed.reply.size());
      out->append(executed.reply);
    }
  }
}

bool OriginTable::Decode(std::string_view bytes) {
  Clear();
  uint64_t runs;
  if (!TakeVarint(&bytes, &runs) || runs > kMaxRuns) return false;
  for (uint64_t i = 0; i < runs; ++i) {
    if (bytes.size() < 8) return false;
    uint64_t number = 0;
    for (size_t b = 0; b < 8; ++b) {
      number |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[b])) << (8 * b);
    }
    bytes.remove_prefix(8);
    Run run;
    uint64_t count;
    if (!TakeVarint(&bytes, &run.low) || !TakeVarint(&bytes, &run.last) ||
        !TakeVarint(&bytes, &run.own) || !TakeVarint(&bytes, &count)) {
      return false;
    }
    for (uint64_t j = 0; j < count; ++j) {
      uint64_t sequence, size;
      Executed executed;
      if (!TakeVarint(&bytes, &sequence) || !TakeVarint(&bytes, &executed.index) ||
          !TakeVarint(&bytes, &executed.client) || !TakeVarint(&bytes, &size) ||
          size > bytes.size()) {
        return false;
      }
      executed.reply.assign(bytes.substr(0, size));
      bytes.remove_prefix(size);
      bytes_ += size;
      if (executed.client != 0) run.newest[executed.client] = sequence;
      run.executed.emplace(sequence, std::move(executed));
    }
    runs_.emplace(number, std::move(run));
  }
  return bytes.empty();
}

}  // namespace understudy::server
