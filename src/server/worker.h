// SPDX-License-Identifier: MIT
// Worker: a thread with its own event loop, listeners, pools and shard. It shares nothing that is
// written on the path of a request.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "acceptor.h"
#include "onehop/config/config.h"
#include "onehop/http/connection.h"
#include "onehop/net/event_loop.h"
#include "onehop/net/listener.h"
#include "onehop/proxy/proxy.h"
#include "onehop/routing/router.h"
#include "onehop/upstream/upstream.h"
#include "shortage.h"

namespace onehop::server {

class Worker final : private Acceptor::Owner,
                     private http::ServerConnections::Events,
                     private upstream::Pools::Relief {
 public:
  // Everything referred to outlives the worker.
  struct Parts {
    const config::Config& config;
    const routing::Router& router;
    const std::vector<std::vector<Address>>& addresses;  // of the endpoints, by upstream
    const std::vector<AddressBlock>& trusted;
    std::vector<std::shared_ptr<const tls::ClientContext>> upstream_tls;  // or null
    std::vector<std::shared_ptr<const tls::ServerContext>> listener_tls;  // null for a plain one
    telemetry::Shard& shard;
    std::vector<upstream::Reachability>& reachability;  // by endpoint, of all upstreams
    size_t index;
    size_t count;
    uint64_t max_connections;  // of clients, this worker's share
    Shortage& shortage;
    proxy::FailureLog& failures;
    std::function<void()> on_done;  // on the worker's thread, when its last connection is gone
  };
  Worker(const Parts& parts, std::vector<net::ListeningSocket> sockets);
  ~Worker();

  void start();

  // From any thread. drain: finish what is in flight; stop_now: give it up. Both end with on_done.
  void drain();
  void stop_now();

  // From any thread: new handshakes of that listener use it.
  void use(size_t listener, std::shared_ptr<const tls::ServerContext> context);

  // From any thread: new connections to that upstream's endpoints use it, and older ones are given
  // up as soon as they are idle.
  void use(size_t upstream, std::shared_ptr<const tls::ClientContext> context);

  // From any thread: closes some clients that wait, for want of descriptors elsewhere.
  void make_room_for_others() {
    post([this] { shed(kShedAtOnce); });
  }

  // From any thread: `task` runs on the worker's, after what it is doing now. Never, once the
  // worker is done.
  void post(std::function<void()> task) { loop_.post(std::move(task)); }
  bool done() const noexcept { return done_; }  // no task runs any more

 private:
  // Where descriptors ran out, more than the one is wanted soon.
  static constexpr size_t kShedAtOnce = 8;

  void make_acceptors();
  void run();
  void begin_drain();
  size_t handshakes() const noexcept;
  void end();

  bool may_accept() override;
  bool make_room(net::NetError error) override;  // for a client
  bool make_room() override;                     // for a dial
  size_t shed(size_t most);
  void on_all_closed() override { end_if_drained(); }
  void on_handshake_over() override { end_if_drained(); }
  void on_drain_deadline() { end(); }
  void on_handshake_deadline();
  void end_if_drained();
  bool is_trusted(const Address& address) const override;

  Parts parts_;
  net::EventLoop loop_;
  std::vector<net::ListeningSocket> sockets_;  // in the order of the listeners
  upstream::Pools pools_{static_cast<upstream::Pools::Relief&>(*this)};
  std::vector<std::unique_ptr<upstream::Upstream>> upstreams_;
  proxy::Proxy proxy_;
  http::ServerSettings settings_;
  http::ServerConnections connections_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;  // in the order of the listeners
  net::Deadline drain_deadline_{this, net::DeadlineThunk<&Worker::on_drain_deadline>::call};
  net::Deadline handshake_deadline_{this, net::DeadlineThunk<&Worker::on_handshake_deadline>::call};
  bool at_limit_ = false;  // the last client that came was told to wait
  bool ended_ = false;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace onehop::server
