#include "server/reply_queue.h"

#include <algorithm>
#include <cassert>

namespace understudy::server {

std::string* ReplyQueue::Begin() {
  std::string* target = &ready_;
  begun_in_ready_ = segments_.empty();
  if (!begun_in_ready_) {
    if (segments_.back().slot != 0) NewSegment();
    target = &segments_.back().bytes;
  }
  begin_size_ = target->size();
  return target;
}

void ReplyQueue::End(const Gate& gate, cluster::Index commit, uint64_t confirmed, uint64_t turn) {
  if (begun_in_ready_) {
    const size_t size = ready_.size() - begin_size_;
    if (gate.OpenAt(commit, confirmed)) {
      last_place_ = {kReadyBit | turn, begin_size_ - turn_start_, size};
      return;
    }
    Segment& segment = NewSegment();
    segment.gate = gate;
    segment.turn = turn;
    segment.bytes.assign(ready_, begin_size_);
    ready_.resize(begin_size_);
    held_bytes_ += size;
    last_place_ = {segment.id, 0, size};
    return;
  }
  Segment* last = &segments_.back();
  const size_t size = last->bytes.size() - begin_size_;
  held_bytes_ += size;
  last_place_ = {last->id, last->base + begin_size_, size};
  if (begin_size_ == 0) {
    last->gate = gate;
    last->turn = turn;
  } else if (last->turn == turn) {
    last->gate.index = std::max(last->gate.index, gate.index);
    last->gate.confirm = std::max(last->gate.confirm, gate.confirm);
  } else {
    Segment segment;
    segment.id = next_id_++;
    segment.gate = gate;
    segment.turn = turn;
    segment.bytes.assign(last->bytes, begin_size_);
    last->bytes.resize(begin_size_);
    last_place_ = {segment.id, 0, size};
    segments_.push_back(std::move(segment));
  }
}

void ReplyQueue::Cancel() {
  if (begun_in_ready_) {
    ready_.resize(begin_size_);
    return;
  }
  segments_.back().bytes.resize(begin_size_);
  if (begin_size_ == 0) segments_.pop_back();
}

void ReplyQueue::Reserve(uint64_t slot) {
  assert(slot != 0);
  NewSegment().slot = slot;
  ++slots_;
}

bool ReplyQueue::Fill(uint64_t slot, std::string_view bytes, const Gate& gate, uint64_t turn) {
  for (Segment& segment : segments_) {
    if (segment.slot != slot) continue;
    segment.slot = 0;
    segment.id = next_id_++;
    segment.base = 0;
    segment.bytes.assign(bytes);
    segment.gate = gate;
    segment.turn = turn;
    held_bytes_ += bytes.size();
    last_place_ = {segment.id, 0, bytes.size()};
    --slots_;
    return true;
  }
  return false;
}

void ReplyQueue::MarkTurn(uint64_t turn) {
  if (turn_ == turn) return;
  turn_ = turn;
  turn_start_ = ready_.size();
}

void ReplyQueue::HoldTurn(uint64_t confirm, uint64_t turn) {
  for (Segment& segment : segments_) {
    if (segment.turn == turn && segment.slot == 0) {
      segment.gate.confirm = std::max(segment.gate.confirm, confirm);
    }
  }
  if (turn_ != turn || turn_start_ >= ready_.size()) return;
  Segment segment;
  segment.id = kReadyBit | turn;
  segment.gate.confirm = confirm;
  segment.turn = turn;
  segment.bytes.assign(ready_, turn_start_);
  ready_.resize(turn_start_);
  held_bytes_ += segment.bytes.size();
  segments_.push_front(std::move(segment));
}

void ReplyQueue::Release(cluster::Index commit, uint64_t confirmed) {
  while (!segments_.empty()) {
    Segment& front = segments_.front();
    if (front.slot != 0 || !front.gate.OpenAt(commit, confirmed)) return;
    held_bytes_ -= front.bytes.size();
    if (ready_.empty()) {
      ready_.swap(front.bytes);
    } else {
      ready_ += front.bytes;
    }
    segments_.pop_front();
  }
}

void ReplyQueue::Sent(size_t bytes) {
  sent_ += bytes;
  turn_start_ = turn_start_ > sent_ ? turn_start_ : sent_;
  if (sent_ == ready_.size()) {
    // A buffer that once held something big is given back.
    if (ready_.capacity() > (64u << 10)) {
      std::string().swap(ready_);
    } else {
      ready_.clear();
    }
    sent_ = 0;
    turn_start_ = 0;
  } else if (sent_ > (1u << 20)) {
    ready_.erase(0, sent_);
    turn_start_ -= sent_;
    sent_ = 0;
  }
}

cluster::Index ReplyQueue::newest_gate() const {
  cluster::Index newest = 0;
  for (const Segment& segment : segments_) newest = std::max(newest, segment.gate.index);
  return newest;
}

const ReplyQueue::Segment* ReplyQueue::Find(const ReplyPlace& place) const {
  for (const Segment& segment : segments_) {
    if (segment.id != place.segment || segment.slot != 0 || place.offset < segment.base) continue;
    if (place.offset + place.size <= segment.base + segment.bytes.size()) return &segment;
  }
  return nullptr;
}

bool ReplyQueue::Holds(const ReplyPlace& place) const {
  return place.segment != 0 && Find(place) != nullptr;
}

std::string_view ReplyQueue::At(const ReplyPlace& place) const {
  const Segment* segment = Find(place);
  return std::string_view(segment->bytes).substr(place.offset - segment->base, place.size);
}

void ReplyQueue::Rewrite(std::span<const Edit> edits, bool open) {
  std::deque<Segment> segments;
  held_bytes_ = 0;
  const auto push = [&](Segment piece) {
    if (piece.slot == 0 && piece.bytes.empty()) return;
    held_bytes_ += piece.bytes.size();
    segments.push_back(std::move(piece));
  };
  for (Segment& segment : segments_) {
    if (open) segment.gate = Gate{};
    size_t done = 0;  // of this segment's bytes
    const auto piece = [&](size_t until) {
      Segment part{segment.gate, segment.slot, segment.turn, {}, segment.id, segment.base + done};
      part.bytes.assign(segment.bytes, done, until - done);
      push(std::move(part));
    };
    while (segment.slot == 0 && !edits.empty()) {
      const ReplyPlace& place = edits.front().place;
      const size_t begin = place.offset - segment.base;
      if (place.segment != segment.id || place.offset < segment.base + done ||
          begin + place.size > segment.bytes.size()) {
        break;
      }
      piece(begin);
      Segment part{Gate{},       edits.front().slot,
                   segment.turn, std::string(edits.front().bytes),
                   next_id_++,   0};
      if (part.slot != 0) ++slots_;
      push(std::move(part));
      done = begin + place.size;
      edits = edits.subspan(1);
    }
    piece(segment.bytes.size());
  }
  assert(edits.empty());
  segments_.swap(segments);
}

}  // namespace understudy::server
