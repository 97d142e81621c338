#include "server/long_command.h"

#include <utility>

namespace understudy::server {

LongCommand::LongCommand(std::chrono::milliseconds interval, Actions actions)
    : interval_(interval), actions_(std::move(actions)), thread_([this] { Run(); }) {}

LongCommand::~LongCommand() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LongCommand::WaitForThread() {
  for (;;) {
    State inside = State::kInside;
    if (state_.compare_exchange_strong(inside, State::kOutside, std::memory_order_acq_rel)) return;
    state_.wait(State::kTaken, std::memory_order_acquire);
  }
}

void LongCommand::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stop_) {
    wake_.wait_for(lock, interval_);
    Look();
  }
}

void LongCommand::Look() {
  State inside = State::kInside;
  if (!state_.compare_exchange_strong(inside, State::kTaken, std::memory_order_acq_rel)) return;
  const Clock::time_point now = Clock::now();
  if (command_ != seen_) {
    seen_ = command_;
    seen_at_ = now;
  } else if (let_go_ != command_) {
    if (now - seen_at_ < std::chrono::milliseconds(limit_ms_.load())) {
      actions_.keep();
    } else {
      let_go_ = command_;
      actions_.let_go();
    }
  }
  state_.store(State::kInside, std::memory_order_release);
  state_.notify_one();
}

}  // namespace understudy::server
