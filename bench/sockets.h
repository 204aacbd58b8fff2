// SPDX-License-Identifier: MIT
// What bench_origin and bench_floor do with sockets. What should never fail ends the program.
#pragma once

#include <netinet/in.h>

#include <string>

namespace onehop::bench {

constexpr int kNobody = -1;

[[noreturn]] void fail(const char* what);

// As far as it may be.
void raise_descriptor_limit();

// Of the option's value, IPV4:PORT; anything else ends the program with 2.
sockaddr_in parse_address(const char* option, const std::string& text);

// Listens, and prints the bound address as the first line of standard output.
int listen_on(sockaddr_in address);

// A client that waits, not blocking; kNobody: there was none.
int accept_one(int listener);

// Connected; kNobody, said on standard error, when it could not be.
int connect_to(const sockaddr_in& origin);

// Descriptors that have something to read, for ever: `on_ready(fd)`.
class Readable {
 public:
  Readable();
  void watch(int fd);

  template <class OnReady>
  [[noreturn]] void run(OnReady on_ready) {
    for (;;) {
      const int count = wait();
      for (int i = 0; i < count; ++i) on_ready(ready_[i]);
    }
  }

 private:
  static constexpr int kAtOnce = 256;
  int wait();  // fills ready_, returns how many

  int poll_;
  int ready_[kAtOnce] = {};
};

}  // namespace onehop::bench
