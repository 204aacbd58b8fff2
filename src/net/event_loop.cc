// SPDX-License-Identifier: MIT
// The turn on libuv: the prepare handle runs last before the loop sleeps, so that is where a turn
// ends.
#include "onehop/net/event_loop.h"

#include <netdb.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "onehop/base/assert.h"
#include "tcp_transport.h"
#include "uv.h"

namespace onehop::net {
namespace {

// What comes in bulk is read in few large pieces, but neither holds up the others in the turn (4
// MiB take about a millisecond) nor pins more than 8 MiB where the other side does not take it.
constexpr unsigned kBulkReadsPerTurn = 8;
constexpr size_t kBulkChunksPerLoop = 16;

// A transport is left unwatched for at least this time, and at most four times as long (deadlines
// are exact to 8 ms, and there are two): longer than most requests take, and too short for anybody
// to miss the client's end.
constexpr uint64_t kUnwatchedMs = 8;

}  // namespace

EventLoop::Handles::Handles(EventLoop& made_by) : owner(made_by) {
  ONEHOP_ASSERT(uv_loop_init(&loop) == 0);
  uv_prepare_init(&loop, &prepare);
  prepare.data = this;
  uv_prepare_start(&prepare, thunk<&Handles::on_prepare>);
  uv_idle_init(&loop, &idle);
  idle.data = this;
  uv_timer_init(&loop, &timer);
  timer.data = this;
  uv_async_init(&loop, &posted, thunk<&Handles::on_posted>);
  posted.data = this;
}

EventLoop::Handles::~Handles() {
  uv_close(reinterpret_cast<uv_handle_t*>(&prepare), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&idle), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&posted), nullptr);
  for (auto& signal : signals) uv_close(reinterpret_cast<uv_handle_t*>(&signal->handle), nullptr);
  // Every close callback is the join of its handle; the run ends when the last one has come.
  uv_run(&loop, UV_RUN_DEFAULT);
  ONEHOP_ASSERT(uv_loop_close(&loop) == 0);
}

Chunk* EventLoop::Handles::read_chunk(size_t size) {
  if (size > kMediumChunkBytes && memory_is_short()) size = kMediumChunkBytes;
  if (size == kBulkChunkBytes && !may_read_bulk()) size = kLargeChunkBytes;
  Chunk*& kept = size == kBulkChunkBytes     ? bulk_chunk
                 : size == kLargeChunkBytes  ? large_chunk
                 : size == kMediumChunkBytes ? medium_chunk
                                             : small_chunk;
  if (kept != nullptr && kept->references > 1) release_chunk(std::exchange(kept, nullptr));
  if (kept == nullptr) kept = acquire_chunk(size);
  reading = kept;
  return kept;
}

void EventLoop::Handles::release_chunks() {
  reading = nullptr;
  for (Chunk** kept : {&small_chunk, &medium_chunk, &large_chunk, &bulk_chunk}) {
    if (*kept != nullptr) release_chunk(std::exchange(*kept, nullptr));
  }
}

bool EventLoop::Handles::may_read_bulk() {
  if (std::exchange(bulk_turn, owner.turn()) != owner.turn()) bulk_reads = 0;
  return ++bulk_reads <= kBulkReadsPerTurn && bulk_chunks_in_use() < kBulkChunksPerLoop;
}

void EventLoop::Handles::leave_unwatched(TcpTransport& transport) {
  unwatched.push_back(transport);
  if (!unwatched_for.armed()) owner.arm(unwatched_for, kUnwatchedMs);
}

void EventLoop::Handles::watch_unwatched() {
  while (TcpTransport* transport = unwatched_longer.front()) transport->watch();
  unwatched_longer.splice_back(unwatched);
  if (!unwatched_longer.empty()) owner.arm(unwatched_for, kUnwatchedMs);
}

// A bulk chunk goes back to its list with each turn: one that every idle loop kept would count as
// memory that somebody uses.
void EventLoop::Handles::on_prepare(uv_prepare_t*) {
  owner.end_turn();
  if (bulk_chunk != nullptr) release_chunk(std::exchange(bulk_chunk, nullptr));
  if (owner.has_work()) uv_idle_start(&idle, thunk<&Handles::on_idle>);
}

void EventLoop::Handles::on_idle(uv_idle_t*) {
  uv_idle_stop(&idle);
}

void EventLoop::Handles::on_timer(uv_timer_t*) {
  timer_due_ms = UINT64_MAX;
  owner.deadlines_.advance(uv_now(&loop));
  if (const auto due = owner.deadlines_.next_due_ms()) owner.on_armed(*due);
}

void EventLoop::Handles::take_posted() {
  std::vector<std::function<void()>> taken;
  {
    const std::lock_guard lock(mutex);
    taken.swap(tasks);
  }
  for (auto& task : taken) task();
}

void EventLoop::Handles::on_posted(uv_async_t*) {
  take_posted();
}

EventLoop::EventLoop() : handles_(std::make_unique<Handles>(*this)) {}

EventLoop::~EventLoop() {
  destroy_retired();
  handles_.reset();
}

void EventLoop::run() {
  uv_run(&handles_->loop, UV_RUN_DEFAULT);
  handles_->release_chunks();  // on the thread that acquired them
}

void EventLoop::stop() {
  post([this] { uv_stop(&handles_->loop); });
}

void EventLoop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(handles_->mutex);
    handles_->tasks.push_back(std::move(task));
  }
  uv_async_send(&handles_->posted);
}

uint64_t EventLoop::now_ns() const {
  return uv_hrtime();
}

uint64_t EventLoop::now_ms() const {
  return uv_now(&handles_->loop);
}

// One libuv timer for all deadlines, set to the earliest. Moving a deadline away leaves it alone:
// it then fires for nothing, once.
void EventLoop::on_armed(uint64_t due_ms) {
  if (due_ms >= handles_->timer_due_ms) return;
  const uint64_t now = now_ms();
  handles_->timer_due_ms = due_ms;
  uv_timer_start(&handles_->timer, thunk<&Handles::on_timer>, due_ms > now ? due_ms - now : 0, 0);
}

void EventLoop::read_little_beyond(uint64_t bytes) {
  handles_->short_beyond = bytes;
}

void EventLoop::watch_signal(int signal, std::function<void()> on_signal) {
  auto& made = handles_->signals.emplace_back(std::make_unique<Handles::Signal>());
  made->callback = std::move(on_signal);
  uv_signal_init(&handles_->loop, &made->handle);
  made->handle.data = made.get();
  uv_signal_start(&made->handle, thunk<&Handles::Signal::on_signal>, signal);
}

Result<Address, std::string> resolve(const HostPort& name) {
  if (const auto numeric = Address::numeric(name.host, name.port)) return *numeric;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status =
      getaddrinfo(name.host.c_str(), std::to_string(name.port).c_str(), &hints, &found);
  if (status != 0)
    return Unexpected<std::string>("cannot resolve " + name.host + ": " + gai_strerror(status));
  const Address address = Address::from(found->ai_addr);
  freeaddrinfo(found);
  return address;
}

uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace onehop::net
