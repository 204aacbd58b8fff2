// SPDX-License-Identifier: MIT
// The path of a request as a worker has it (event loop, listener, connections, proxy, pool), on
// real sockets and on a thread whose heap allocations can be counted.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <thread>

namespace onehop::net {
class EventLoop;
}

namespace onehop::test {

class CountedProxy {
 public:
  explicit CountedProxy(std::string origin);  // an address; returns when clients can connect
  ~CountedProxy();
  CountedProxy(const CountedProxy&) = delete;
  CountedProxy& operator=(const CountedProxy&) = delete;

  const std::string& address() const { return address_; }

  // A histogram takes a page when a duration first falls in its octave, however long it has run:
  // makes all of them, so that what is counted does not depend on how busy the machine is.
  void make_histograms();
  void start_counting();
  size_t stop_counting();
  const std::string& stacks() const { return stacks_; }  // of the last count

 private:
  struct Path;
  void run(const std::function<void()>& ready);
  void on_loop(const std::function<void()>& task);

  std::string origin_;
  Path* path_ = nullptr;
  std::string address_;
  std::string stacks_;
  net::EventLoop* loop_ = nullptr;
  std::thread thread_;
};

}  // namespace onehop::test
