// The event loop: a thin, owning layer over libevent. One thread.
//
// A *turn* is one pass over everything that is ready. Work is done in the callbacks; what is to
// happen once a turn (proposals to disk and to the locals, replies to clients) is done by the
// function given to Run(), after the callbacks.
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>

#include <functional>
#include <memory>

#include "cluster/types.h"

namespace understudy::server {

// The boot-time clock (CLOCK_BOOTTIME: it goes on while the host sleeps), microseconds.
cluster::Micros BootMicros();
// The wall clock, milliseconds and microseconds since the epoch.
int64_t WallMillis();
int64_t WallMicros();

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  event_base* base() const { return base_; }

  // Runs turns until Stop(); after the callbacks of each turn calls `end_of_turn`.
  void Run(const std::function<void()>& end_of_turn);
  void Stop() { running_ = false; }
  // The next turn doesn't wait for events: there is work left.
  void DoNotWait() { do_not_wait_ = true; }

 private:
  event_base* base_;
  bool running_ = false;
  bool do_not_wait_ = false;
};

// Readiness of one file descriptor (which it doesn't own). The callback may destroy the event.
class FdEvent {
 public:
  using Callback = std::function<void()>;
  FdEvent(EventLoop* loop, int fd, short what, Callback callback);
  ~FdEvent();
  FdEvent(const FdEvent&) = delete;
  FdEvent& operator=(const FdEvent&) = delete;

  void Enable();
  void Disable();
  bool enabled() const { return enabled_; }

 private:
  static void Fire(evutil_socket_t fd, short what, void* self);
  event event_;
  Callback callback_;
  bool enabled_ = false;
};

// Calls back once after Start(delay); Start again moves it.
class Timer {
 public:
  Timer(EventLoop* loop, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void Start(cluster::Micros delay);
  void Stop();

 private:
  static void Fire(evutil_socket_t fd, short what, void* self);
  event event_;
  std::function<void()> callback_;
};

}  // namespace understudy::server
