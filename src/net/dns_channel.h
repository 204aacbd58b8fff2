// SPDX-License-Identifier: MIT
// DnsChannel: c-ares on an event loop. Its sockets are watched by libuv, its time-outs are one
// deadline, and a question that nobody waits for any more ends unheard.
//
// c-ares answers some questions from within the call that asks (the hosts file, a name that is
// none), and takes new ones from within an answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ares.h"
#include "dns_message.h"
#include "onehop/net/event_loop.h"
#include "onehop/net/resolver.h"
#include "onehop/net/search_domains.h"
#include "uv.h"

namespace onehop::net {

// What came of one question.
struct DnsReply {
  Found found = Found::failed;
  DnsRecords records;
  std::string why;  // a sentence, where it failed
};

// Whoever asks: silent once it is destroyed.
class DnsAsker {
 public:
  DnsAsker() = default;
  DnsAsker(const DnsAsker&) = delete;
  DnsAsker& operator=(const DnsAsker&) = delete;

  // Perhaps from within the call that asked.
  virtual void on_hosts_file(DnsReply reply) = 0;
  virtual void on_reply(RecordType type, DnsReply reply) = 0;

 protected:
  virtual ~DnsAsker();

 private:
  friend class DnsChannel;
  struct Question;
  std::vector<Question*> open_;  // three at most
};

class DnsChannel {
 public:
  static Result<std::unique_ptr<DnsChannel>, std::string> make(EventLoop& loop,
                                                               const Resolver::Options& options);
  ~DnsChannel();  // no question is heard of any more
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;

  void ask_hosts_file(const std::string& name, DnsAsker& asker);
  void ask(const std::string& name, RecordType type, DnsAsker& asker);  // for just this name
  const SearchDomains& search() const noexcept { return search_; }

 private:
  // A socket of c-ares. Freed by its close callback, which comes after the channel may be gone.
  struct Socket {
    uv_poll_t handle;
    DnsChannel* channel;
    int descriptor;
    void on_ready(uv_poll_t*, int status, int events);
    void on_closed(uv_handle_t*) { delete this; }
  };

  DnsChannel(EventLoop& loop, SearchDomains search) : loop_(loop), search_(std::move(search)) {}
  static void on_hosts(void* question, int status, int timeouts, ares_addrinfo* result) noexcept;
  static void on_message(void* question, int status, int timeouts, unsigned char* bytes,
                         int size) noexcept;
  static void on_socket(void* channel, int descriptor, int readable, int writable) noexcept;
  void watch(int descriptor, int events);
  void unwatch(int descriptor);
  void process(int readable, int writable);
  void on_timer() { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }
  void arm_timer();

  EventLoop& loop_;
  const SearchDomains search_;
  ares_channel channel_ = nullptr;
  std::vector<Socket*> sockets_;
  Deadline timer_{this, DeadlineThunk<&DnsChannel::on_timer>::call};
};

}  // namespace onehop::net
