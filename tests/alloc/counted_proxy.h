// SPDX-License-Identifier: MIT
// The path of a request as a worker has it (event loop, listener, connections, proxy, pool), on
// real sockets and on a thread whose heap allocations can be counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

namespace onehop::net {
class EventLoop;
}

namespace onehop::test {

class CountedProxy {
 public:
  enum class AccessLog : uint8_t { off, on };  // on: records go to a ring, as far as it has room
  // `origin` is an address; returns when clients can connect.
  explicit CountedProxy(std::string origin, AccessLog access_log = AccessLog::off);
  ~CountedProxy();
  CountedProxy(const CountedProxy&) = delete;
  CountedProxy& operator=(const CountedProxy&) = delete;

  const std::string& address() const { return address_; }

  // A histogram takes a page when a duration first falls in its octave, however long it has run:
  // makes all of them, so that what is counted does not depend on how busy the machine is.
  void make_histograms();

  // Ends it; how many requests it wrote down.
  size_t stop();

  void start_counting();
  size_t stop_counting();
  const std::string& stacks() const { return stacks_; }  // of the last count

 private:
  struct Path;
  void run(const std::function<void()>& ready);
  void on_loop(const std::function<void()>& task);

  std::string origin_;
  Path* path_ = nullptr;
  AccessLog access_log_;
  std::string address_;
  std::string stacks_;
  size_t records_ = 0;
  net::EventLoop* loop_ = nullptr;
  std::thread thread_;
};

}  // namespace onehop::test
