#include "server/event_loop.h"

#include <sys/time.h>
#include <time.h>

#include <stdexcept>

namespace understudy::server {

namespace {
int64_t ReadClock(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000 + now.tv_nsec / 1000;
}
}  // namespace

cluster::Micros BootMicros() { return ReadClock(CLOCK_BOOTTIME); }
int64_t WallMicros() { return ReadClock(CLOCK_REALTIME); }
int64_t WallMillis() { return WallMicros() / 1000; }

EventLoop::EventLoop() {
  event_config* config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  base_ = event_base_new_with_config(config);
  event_config_free(config);
  if (base_ == nullptr) throw std::runtime_error("libevent gives no event base");
}

EventLoop::~EventLoop() { event_base_free(base_); }

void EventLoop::Run(const std::function<void()>& end_of_turn) {
  running_ = true;
  while (running_) {
    int flags = EVLOOP_ONCE;
    if (do_not_wait_) flags |= EVLOOP_NONBLOCK;
    do_not_wait_ = false;
    event_base_loop(base_, flags);
    end_of_turn();
  }
}

FdEvent::FdEvent(EventLoop* loop, int fd, short what, Callback callback)
    : callback_(std::move(callback)) {
  event_assign(&event_, loop->base(), fd, static_cast<short>(what | EV_PERSIST), Fire, this);
}

FdEvent::~FdEvent() { event_del(&event_); }

void FdEvent::Enable() {
  if (enabled_) return;
  event_add(&event_, nullptr);
  enabled_ = true;
}

void FdEvent::Disable() {
  if (!enabled_) return;
  event_del(&event_);
  enabled_ = false;
}

void FdEvent::Fire(evutil_socket_t, short, void* self) { static_cast<FdEvent*>(self)->callback_(); }

Timer::Timer(EventLoop* loop, std::function<void()> callback) : callback_(std::move(callback)) {
  evtimer_assign(&event_, loop->base(), Fire, this);
}

Timer::~Timer() { evtimer_del(&event_); }

void Timer::Start(cluster::Micros delay) {
  if (delay < 0) delay = 0;
  timeval after{static_cast<time_t>(delay / 1000000), static_cast<suseconds_t>(delay % 1000000)};
  evtimer_add(&event_, &after);
}

void Timer::Stop() { evtimer_del(&event_); }

void Timer::Fire(evutil_socket_t, short, void* self) { static_cast<Timer*>(self)->callback_(); }

}  // namespace understudy::server
