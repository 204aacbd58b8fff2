// SPDX-License-Identifier: MIT
// The loop: offer what is due, take up what epoll reports, give up what is too late, sleep until
// the next of these.
#include "run.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace onehop::bench {
namespace {

// What one turn does at most, so that neither sending nor receiving waits long for the other: up to
// 32 requests, then 128 events with one request between each four. So when this program is behind
// it still reads twice as fast as it sends, and connections do not pile up whose answers have come.
constexpr int kStartsAtOnce = 32;
constexpr int kEventsAtOnce = 128;
constexpr int kEventsPerStart = 4;
// How long the server may take to close a connection whose last answer has come.
constexpr std::chrono::milliseconds kClosing{500};
constexpr std::uint64_t kTimerKey = ~std::uint64_t{0};
constexpr std::uint64_t kSignalKey = kTimerKey - 1;

int checked(int result, const char* what) {
  if (result >= 0) return result;
  std::fprintf(stderr, "bench_load: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

int signals_as_descriptor() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  checked(sigprocmask(SIG_BLOCK, &set, nullptr), "sigprocmask");
  return checked(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), "signalfd");
}

void watch(int epoll_fd, int fd, std::uint32_t events, std::uint64_t key) {
  epoll_event event{.events = events, .data = {.u64 = key}};
  checked(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

std::string request_of(const Options& options) {
  return fmt::format("GET / HTTP/1.1\r\nHost: {}\r\nUser-Agent: bench_load\r\n{}\r\n", options.host,
                     options.keep_alive() ? "" : "Connection: close\r\n");
}

}  // namespace

Run::Run(const Options& options)
    : options_(options),
      request_(request_of(options)),
      planned_(static_cast<std::uint64_t>(std::llround(options.rate * options.seconds))),
      start_(Clock::now()),
      tally_(options, start_),
      epoll_fd_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      timer_fd_(
          checked(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create")),
      signal_fd_(signals_as_descriptor()) {
  // Edge-triggered: setting it again is enough, nobody has to read it.
  watch(epoll_fd_, timer_fd_, EPOLLIN | EPOLLET, kTimerKey);
  watch(epoll_fd_, signal_fd_, EPOLLIN, kSignalKey);
}

Run::~Run() {
  for (const int fd : {epoll_fd_, timer_fd_, signal_fd_}) close(fd);
}

Clock::time_point Run::due_of(std::uint64_t index) const {
  return start_ +
         std::chrono::nanoseconds(std::llround(static_cast<double>(index) * 1e9 / options_.rate));
}

bool Run::finished() const {
  return interrupted_ || (all_offered() && waiting_.empty() && busy_count_ == 0);
}

std::string Run::measure() {
  // Asked right before each sleep: an offer may settle at once, and nothing would wake us then.
  for (offer_due(kStartsAtOnce); !finished(); offer_due(kStartsAtOnce)) turn();
  return tally_.to_json(Clock::now(), interrupted_);
}

void Run::turn() {
  const bool behind = !all_offered() && due_of(tally_.offered_count()) <= Clock::now();
  if (!behind) arm_timer();
  std::array<epoll_event, kEventsAtOnce> events{};
  const int count = epoll_wait(epoll_fd_, events.data(), kEventsAtOnce, behind ? 0 : -1);
  if (count < 0 && errno != EINTR) checked(count, "epoll_wait");
  for (int i = 0; i < count; ++i) {
    on_event(events[i].data.u64, events[i].events);
    if (i % kEventsPerStart == 0) offer_due(1);
  }
  expire(Clock::now());
  serve_waiting();
}

void Run::offer_due(int most) {
  for (int i = 0; i < most && !all_offered(); ++i) {
    const Clock::time_point due = due_of(tally_.offered_count());
    const Clock::time_point now = Clock::now();
    if (due > now) return;
    tally_.offered(now - due);
    waiting_.push_back(due);
    serve_waiting();
  }
}

// Bounded: each round takes a connection out of reach or ends a request.
void Run::serve_waiting() {
  drop_late(Clock::now());
  while (!waiting_.empty()) {
    Connection* connection = next_connection();
    if (connection == nullptr) return;
    const Clock::time_point due = waiting_.front();
    waiting_.pop_front();
    begin(*connection, due);
  }
}

Connection* Run::next_connection() {
  if (Connection* idle = idle_.pop_front()) return idle;
  if (open_count_ >= options_.most_connections()) return nullptr;
  ++open_count_;
  if (free_.empty()) {
    return &connections_.emplace_back(static_cast<std::uint32_t>(connections_.size()));
  }
  Connection* connection = free_.back();
  free_.pop_back();
  return connection;
}

void Run::begin(Connection& connection, Clock::time_point due) {
  const bool fresh = connection.stage() == Connection::Stage::closed;
  connection.due = due;
  set_deadline(connection, due + options_.timeout);
  ++busy_count_;
  const Progress progress = connection.start(epoll_fd_, options_.to, request_);
  if (fresh && connection.established()) tally_.connected();
  settle(connection, progress);
}

void Run::on_event(std::uint64_t key, std::uint32_t events) {
  if (key == kTimerKey) return;  // it has done its work by waking us
  if (key == kSignalKey) {
    interrupted_ = true;
    return;
  }
  Connection& connection = connections_[key & 0xffff'ffff];
  if (connection.key() != key) return;  // closed earlier in this turn
  switch (connection.stage()) {
    case Connection::Stage::closed:
      return;
    case Connection::Stage::idle:
      if (!connection.still_quiet(room_)) free(connection);
      return;
    case Connection::Stage::closing:
      free(connection);
      return;
    case Connection::Stage::busy: {
      const bool stood = connection.established();
      const Progress progress = connection.on_ready(events, room_);
      if (!stood && connection.established()) tally_.connected();
      settle(connection, progress);
      return;
    }
  }
}

void Run::settle(Connection& connection, Progress progress) {
  switch (progress) {
    case Progress::pending:
      return;
    case Progress::answered:
      --busy_count_;
      settle_answer(connection);
      return;
    case Progress::failed:
      --busy_count_;
      if (connection.was_stale()) {
        waiting_.push_front(connection.due);
        tally_.retried();
      } else {
        tally_.failed(connection.fault());
      }
      free(connection);
      return;
  }
}

void Run::settle_answer(Connection& connection) {
  const Clock::time_point now = Clock::now();
  tally_.completed(connection.due, now, connection.status());
  if (connection.peer_closed()) {
    free(connection);
  } else if (options_.keep_alive() && connection.reusable()) {
    drop_deadline(connection);
    connection.become_idle();
    idle_.push_back(connection);
  } else {
    connection.become_closing();
    set_deadline(connection, now + kClosing);
  }
}

void Run::free(Connection& connection) {
  drop_deadline(connection);
  connection.unlink();
  connection.close();
  free_.push_back(&connection);
  --open_count_;
}

// What is late already gets no connection: that would only make the next ones later.
void Run::drop_late(Clock::time_point now) {
  while (!waiting_.empty() && waiting_.front() + options_.timeout <= now) {
    tally_.failed(Fault::timeout);
    waiting_.pop_front();
  }
}

void Run::expire(Clock::time_point now) {
  drop_late(now);
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    Connection& connection = connections_[deadlines_.begin()->second];
    if (connection.stage() == Connection::Stage::busy) {
      --busy_count_;
      tally_.failed(Fault::timeout);
    }
    free(connection);
  }
}

void Run::set_deadline(Connection& connection, Clock::time_point deadline) {
  drop_deadline(connection);
  connection.deadline = deadline;
  deadlines_.emplace(deadline, connection.slot());
}

void Run::drop_deadline(Connection& connection) {
  deadlines_.erase({connection.deadline, connection.slot()});
}

// The timer is only set when the next moment is another one.
void Run::arm_timer() {
  Clock::time_point next = Clock::time_point::max();
  if (!all_offered()) next = due_of(tally_.offered_count());
  if (!waiting_.empty()) next = std::min(next, waiting_.front() + options_.timeout);
  if (!deadlines_.empty()) next = std::min(next, deadlines_.begin()->first);
  if (next == armed_for_ || next == Clock::time_point::max()) return;
  armed_for_ = next;
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(next.time_since_epoch());
  itimerspec when{};
  when.it_value.tv_sec = ns.count() / 1'000'000'000;
  when.it_value.tv_nsec = ns.count() % 1'000'000'000;
  checked(timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &when, nullptr), "timerfd_settime");
}

}  // namespace onehop::bench
