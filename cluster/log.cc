#include "cluster/log.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <limits>

#include "cluster/record.h"

namespace understudy::cluster {
namespace {

constexpr size_t kFirstChunkBytes = 64 << 10;  // a cluster that does little stays small
constexpr size_t kChunkBytes = 1 << 20;

}  // namespace

std::string_view Log::Chunk::Record(Index index) const {
  size_t place = index - first;
  size_t begin = place == 0 ? 0 : ends[place - 1];
  return std::string_view(bytes).substr(begin, ends[place] - begin);
}

void Log::Reset(Index base_index, Term base_term) {
  chunks_.clear();
  runs_.clear();
  base_index_ = last_index_ = base_index;
  base_term_ = last_term_ = base_term;
  bytes_ = 0;
}

Index Log::Append(Term term, int64_t time_ms, EntryType type, std::string_view payload) {
  assert(term >= last_term_ && time_ms >= 0);
  Index index = last_index_ + 1;
  char head[kMaxRecordHeadBytes];
  size_t head_size = EncodeRecordHead(head, {cluster_, term, index, time_ms, type, payload});
  Chunk& chunk = TailFor(head_size + payload.size());
  chunk.bytes.append(head, head_size);
  chunk.bytes.append(payload);
  chunk.ends.push_back(static_cast<uint32_t>(chunk.bytes.size()));
  bytes_ += head_size + payload.size();
  NoteTerm(index, term);
  last_index_ = index;
  last_term_ = term;
  return index;
}

bool Log::AppendRecords(std::string_view records) {
  if (records.empty()) return true;
  if (records.size() > std::numeric_limits<uint32_t>::max()) return false;
  Chunk& chunk = TailFor(records.size());
  size_t ends_before = chunk.ends.size();
  size_t runs_before = runs_.size();
  size_t end = chunk.bytes.size();
  Index index = last_index_;
  Term term = last_term_;
  for (std::string_view rest = records; !rest.empty();) {
    EntryView entry;
    size_t size = 0;
    bool fits = ReadRecord(rest, &entry, &size) == RecordStatus::kOk && entry.cluster == cluster_ &&
                entry.index == index + 1 && entry.term >= term;
    if (!fits) {
      chunk.ends.resize(ends_before);
      runs_.resize(runs_before);
      if (chunk.ends.empty()) chunks_.pop_back();
      return false;
    }
    end += size;
    chunk.ends.push_back(static_cast<uint32_t>(end));
    NoteTerm(entry.index, entry.term);
    index = entry.index;
    term = entry.term;
    rest.remove_prefix(size);
  }
  chunk.bytes.append(records);
  bytes_ += records.size();
  last_index_ = index;
  last_term_ = term;
  return true;
}

Term Log::TermAt(Index index) const {
  if (index == base_index_) return base_term_;
  if (!Has(index)) return 0;
  auto behind = std::upper_bound(runs_.begin(), runs_.end(), index,
                                 [](Index at, const TermRun& run) { return at < run.first; });
  return std::prev(behind)->term;
}

bool Log::Get(Index index, EntryView* entry) const {
  const Chunk* chunk = FindChunk(index);
  if (chunk == nullptr) return false;
  size_t size = 0;
  return ReadRecord(chunk->Record(index), entry, &size, false) == RecordStatus::kOk;
}

std::string_view Log::Range(Index from, size_t max_bytes, Index* last) const {
  *last = from - 1;
  const Chunk* chunk = FindChunk(from);
  if (chunk == nullptr) return {};
  size_t place = from - chunk->first;
  size_t begin = place == 0 ? 0 : chunk->ends[place - 1];
  size_t count = chunk->ends.size() - place;
  if (chunk->bytes.size() - begin > max_bytes) {
    auto first = chunk->ends.begin() + static_cast<std::ptrdiff_t>(place);
    auto too_far = std::upper_bound(first, chunk->ends.end(), begin + max_bytes);
    count = std::max<size_t>(1, static_cast<size_t>(too_far - first));
  }
  *last = from + count - 1;
  return std::string_view(chunk->bytes).substr(begin, chunk->ends[place + count - 1] - begin);
}

void Log::ForEach(Index from, Index to, const std::function<void(const EntryView&)>& visit) const {
  from = std::max(from, first_index());
  to = std::min(to, last_index_);
  while (from <= to) {
    const Chunk* chunk = FindChunk(from);
    for (Index chunk_last = std::min(to, chunk->last()); from <= chunk_last; ++from) {
      EntryView entry;
      size_t size = 0;
      ReadRecord(chunk->Record(from), &entry, &size, false);
      visit(entry);
    }
  }
}

void Log::TruncateAfter(Index last) {
  assert(last >= base_index_);
  if (last >= last_index_) return;
  last_term_ = TermAt(last);
  last_index_ = last;
  while (!chunks_.empty() && chunks_.back().first > last) {
    bytes_ -= chunks_.back().bytes.size();
    chunks_.pop_back();
  }
  if (!chunks_.empty() && chunks_.back().last() > last) {
    Chunk& chunk = chunks_.back();
    chunk.ends.resize(last - chunk.first + 1);
    bytes_ -= chunk.bytes.size() - chunk.ends.back();
    chunk.bytes.resize(chunk.ends.back());
  }
  while (!runs_.empty() && runs_.back().first > last) runs_.pop_back();
}

Index Log::DropUpTo(Index upto) {
  while (!chunks_.empty() && chunks_.front().last() <= upto) {
    Index base = chunks_.front().last();
    base_term_ = TermAt(base);
    base_index_ = base;
    bytes_ -= chunks_.front().bytes.size();
    chunks_.pop_front();
  }
  // Runs that ended at the base or before.
  while (!runs_.empty() && (runs_.size() > 1 ? runs_[1].first <= first_index() : chunks_.empty())) {
    runs_.pop_front();
  }
  return base_index_;
}

const Log::Chunk* Log::FindChunk(Index index) const {
  if (!Has(index)) return nullptr;
  if (chunks_.back().first <= index) return &chunks_.back();  // mostly the newest are asked for
  auto behind = std::upper_bound(chunks_.begin(), chunks_.end(), index,
                                 [](Index at, const Chunk& chunk) { return at < chunk.first; });
  return &*std::prev(behind);
}

// A chunk that takes `more` bytes without moving those it has.
Log::Chunk& Log::TailFor(size_t more) {
  if (!chunks_.empty()) {
    Chunk& tail = chunks_.back();
    if (tail.bytes.capacity() - tail.bytes.size() >= more) return tail;
  }
  size_t ordinary = bytes_ < kFirstChunkBytes / 2 ? kFirstChunkBytes : kChunkBytes;
  Chunk& tail = chunks_.emplace_back();
  tail.first = last_index_ + 1;
  tail.bytes.reserve(std::max(ordinary, more));
  return tail;
}

void Log::NoteTerm(Index index, Term term) {
  if (runs_.empty() || runs_.back().term != term) runs_.push_back({index, term});
}

}  // namespace understudy::cluster
