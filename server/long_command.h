// Keeps the lock while a command takes long: a thread of its own that sends the global's heartbeats when
// the event loop's thread has been inside one command for a while.
//
// Begin() and End() enclose the target's work on one command. If that lasts, the thread takes over what
// else belongs to the event loop (the member, the links) for moments, in which End() waits for it: so
// nothing but the target may be touched between the two.
//
// A command that takes longer than --busy-limit is let go: heartbeats end, and with them the lock. Its
// origin is told, and after two such globals doesn't ask for it a third time (server/forwarder.h).
//
// Cost a command: one store and one compare-and-exchange that nobody contends for.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace understudy::server {

class LongCommand {
 public:
  // Called on the thread, while the event loop's is inside a command. `keep`: once an interval;
  // `let_go`: once a command, when it has taken too long.
  struct Actions {
    std::function<void()> keep, let_go;
  };
  // `interval`: a command shorter than that is left alone.
  LongCommand(std::chrono::milliseconds interval, Actions actions);
  ~LongCommand();
  LongCommand(const LongCommand&) = delete;
  LongCommand& operator=(const LongCommand&) = delete;

  void set_limit(std::chrono::milliseconds limit) { limit_ms_ = limit.count(); }

  // --- the event loop's thread ---------------------------------------------------------------
  void Begin() {
    ++command_;
    state_.store(State::kInside, std::memory_order_release);
  }
  void End() {
    State inside = State::kInside;
    if (!state_.compare_exchange_strong(inside, State::kOutside, std::memory_order_acq_rel)) {
      WaitForThread();
    }
  }
  // Whether the last command was let go.
  bool let_go() const { return let_go_ == command_; }

 private:
  enum class State : uint32_t { kOutside, kInside, kTaken };
  using Clock = std::chrono::steady_clock;
  void WaitForThread();
  void Run();
  void Look();

  const std::chrono::milliseconds interval_;
  const Actions actions_;
  std::atomic<State> state_{State::kOutside};
  std::atomic<int64_t> limit_ms_{0};
  // Changed by Begin() only, read by the thread only when it has taken over.
  uint64_t command_ = 0;
  // Changed by the thread only when it has taken over.
  uint64_t let_go_ = ~uint64_t{0};

  // The thread's.
  uint64_t seen_ = 0;
  Clock::time_point seen_at_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace understudy::server
