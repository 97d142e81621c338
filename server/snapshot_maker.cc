#include "server/snapshot_maker.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "server/event_loop.h"

namespace understudy::server {

using cluster::Index;
using cluster::Micros;

namespace {
constexpr size_t kPieceBytes = 256 << 10;
constexpr Micros kTellInterval = 5'000'000;
Micros ThreadMicros() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return Micros{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

constexpr Micros kShareOfTurn = 3;  // a step takes one part, the rest of the turn three
}  // namespace

void SnapshotMaker::NoteOnDisk(Index index, uint64_t bytes) {
  saved_index_ = index;
  saved_bytes_ = bytes;
}

void SnapshotMaker::Begin(SnapshotFile about, std::unique_ptr<targets::SnapshotCursor> cursor,
                          Micros now) {
  state_ = State::kMaking;
  about_ = std::move(about);
  cursor_ = std::move(cursor);
  made_.clear();
  made_bytes_ = 0;
  began_at_ = step_ended_at_ = told_at_ = now;
  statistics_.longest_step_us = statistics_.longest_step_cpu_us = 0;
  statistics_.steps = 0;
  log_->Notice("Saving a snapshot of %s up to entry %llu", name_.c_str(),
               static_cast<unsigned long long>(about_.index));
  writer_->BeginSnapshot(about_);
}

bool SnapshotMaker::HasWork() const {
  return state_ == State::kMaking && writer_->snapshot_backlog_bytes() < kMaxBacklog;
}

void SnapshotMaker::Turn(Index commit) {
  if (state_ == State::kMaking) {
    const Micros now = BootMicros();
    if (HasWork()) {
      Step(now, std::clamp((now - step_ended_at_) / kShareOfTurn, kLeastStep, kMostStep));
    } else if (writer_->snapshot_backlog_bytes() + cursor_->kept_bytes() > kGiveUpBytes) {
      Abort("the disk is too slow for it");
    }
  }
  if (state_ == State::kUncommitted && commit >= about_.index) {
    state_ = State::kSaving;
    writer_->FinishSnapshot();
  }
}

void SnapshotMaker::Step(Micros start, Micros wanted) {
  const auto work = static_cast<size_t>(static_cast<double>(wanted) * work_per_us_) + 1;
  const Micros cpu_start = ThreadMicros();
  const uint64_t done_before = cursor_->work_done();
  const auto status = cursor_->Step(work, [this](std::string_view piece) {
    made_.append(piece);
    made_bytes_ += piece.size();
    Give(false);
    return true;
  });
  const Micros cpu = ThreadMicros() - cpu_start, end = BootMicros();
  const uint64_t done = cursor_->work_done() - done_before;
  if (done >= work / 2) {  // else there wasn't enough to do for a measure
    // Slowly up, at once down: a step that was too long must not come again.
    const double measured =
        static_cast<double>(done) / static_cast<double>(std::max<Micros>(cpu, 1));
    work_per_us_ = std::clamp(
        measured < work_per_us_ ? measured : 0.9 * work_per_us_ + 0.1 * measured, 0.01, 100.0);
  }
  step_ended_at_ = end;
  ++statistics_.steps;
  statistics_.longest_step_us = std::max<int64_t>(statistics_.longest_step_us, end - start);
  statistics_.longest_step_cpu_us = std::max<int64_t>(statistics_.longest_step_cpu_us, cpu);
  if (status == targets::SnapshotCursor::Status::kFailed) {
    Abort("its state was replaced");
  } else if (status == targets::SnapshotCursor::Status::kDone) {
    cursor_.reset();
    Give(true);
    state_ = State::kUncommitted;
  } else if (end - told_at_ > kTellInterval) {
    told_at_ = end;
    log_->Notice("The snapshot of %s is at %.0f %%, %llu MiB", name_.c_str(),
                 100 * cursor_->Progress(), static_cast<unsigned long long>(made_bytes_ >> 20));
  }
}

void SnapshotMaker::Give(bool all) {
  if (made_.size() < kPieceBytes && (!all || made_.empty())) return;
  std::string piece;
  piece.reserve(kPieceBytes + kPieceBytes / 2);
  piece.swap(made_);
  writer_->AppendSnapshot(std::move(piece));
}

bool SnapshotMaker::Abort(const char* why) {
  if (state_ != State::kMaking && state_ != State::kUncommitted) return false;
  log_->Notice("The snapshot of %s is given up: %s", name_.c_str(), why);
  writer_->AbortSnapshot();
  End(false);
  return true;
}

void SnapshotMaker::End(bool ok) {
  const Micros now = BootMicros();
  cursor_.reset();
  std::string().swap(made_);
  state_ = State::kIdle;
  statistics_.last_ok = ok;
  statistics_.last_duration_us = now - began_at_;
  if (!ok) return;
  ++statistics_.saved;
  statistics_.last_saved_s = WallMillis() / 1000;
  saved_index_ = about_.index;
  saved_bytes_ = made_bytes_;
  log_->Notice(
      "Saved a snapshot of %s up to entry %llu: %llu bytes in %.3f s, longest step %lld us, %lld "
      "of them working",
      name_.c_str(), static_cast<unsigned long long>(about_.index),
      static_cast<unsigned long long>(made_bytes_),
      static_cast<double>(statistics_.last_duration_us) / 1e6,
      static_cast<long long>(statistics_.longest_step_us),
      static_cast<long long>(statistics_.longest_step_cpu_us));
}

bool SnapshotMaker::OnSaved(Index index, cluster::Term term) {
  if (state_ != State::kSaving || index != about_.index || term != about_.term) return false;
  End(true);
  return true;
}

bool SnapshotMaker::OnFailed(Index index) {
  if (state_ == State::kIdle || index != about_.index) return false;
  writer_->AbortSnapshot();
  End(false);
  return true;
}

}  // namespace understudy::server
