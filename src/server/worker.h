// SPDX-License-Identifier: MIT
// Worker: a thread with its own event loop, listeners, pools and cells. It shares nothing that is
// written on the path of a request.
//
// What it serves by is given to it as a Change, at its start and whenever there is another one. It
// goes by keys: a listener, an upstream or an endpoint that is in both stays as it is, with its
// connections; what is new begins; what is gone takes nothing new and ends with what it has.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "acceptor.h"
#include "change.h"
#include "onehop/http/connection.h"
#include "onehop/net/event_loop.h"
#include "onehop/net/listener.h"
#include "onehop/proxy/access_log.h"
#include "onehop/proxy/proxy.h"
#include "onehop/upstream/upstream.h"
#include "onehop/upstream/upstreams.h"
#include "shortage.h"

namespace onehop::server {

class Worker final : private Acceptor::Owner,
                     private http::ServerConnections::Events,
                     private upstream::Pools::Relief {
 public:
  // Everything referred to outlives the worker.
  struct Parts {
    telemetry::Shard& shard;
    size_t index;
    size_t count;
    Shortage& shortage;
    proxy::FailureLog& failures;
    proxy::AccessSink& access;
    upstream::HealthAlarm& alarm;
    std::function<void()> on_done;  // on the worker's thread, when its last connection is gone
  };
  explicit Worker(const Parts& parts);
  ~Worker();

  // The first change is there when the thread begins; nobody can connect before.
  void start(std::shared_ptr<const Change> change, NewSockets sockets);

  // From any thread: another one; `done` is called on the worker's, when it is in force. Never,
  // once the worker is done.
  void apply(std::shared_ptr<const Change> change, NewSockets sockets, std::function<void()> done);

  // Waits for the thread, which ends by itself once the worker is done.
  void join();

  // From any thread. drain: finish what is in flight; stop_now: give it up. Both end with on_done.
  void drain();
  void stop_now();

  // From any thread: new handshakes of that listener use it.
  void use(const http::ListenerTerms::Key& listener,
           std::shared_ptr<const tls::ServerContext> context);

  // From any thread: new connections to that upstream's endpoints use it, and older ones are given
  // up as soon as they are idle.
  void use(const config::Upstream& upstream, std::shared_ptr<const tls::ClientContext> context);

  // From any thread: the endpoints of an upstream are these from now on.
  void use(const config::Upstream& upstream, upstream::EndpointSet set);

  // From any thread: closes some clients that wait, for want of descriptors elsewhere.
  void make_room_for_others() {
    post([this] { shed(kShedAtOnce); });
  }

  // From any thread: its listening sockets, for another process; `done` is called on the worker's.
  using Duplicates = std::vector<std::pair<http::ListenerTerms::Key, std::vector<net::Descriptor>>>;
  void duplicate_sockets(std::function<void(Duplicates)> done);

  // From any thread: `task` runs on the worker's, after what it is doing now. Never, once the
  // worker is done.
  void post(std::function<void()> task) { loop_.post(std::move(task)); }
  bool done() const noexcept { return done_; }  // no task runs any more

 private:
  // Where descriptors ran out, more than the one is wanted soon.
  static constexpr size_t kShedAtOnce = 8;

  void run();
  void take(const Change& change, NewSockets& sockets);
  std::vector<std::shared_ptr<upstream::Upstream>> take_upstreams(const Change& change);
  proxy::RateLimits take_rate_limits(const Change& change);
  void take_listeners(const Change& change, NewSockets& sockets);
  std::unique_ptr<Acceptor> take_acceptor(const http::ListenerTerms::Key& listener);
  void end_acceptor(std::unique_ptr<Acceptor> acceptor);
  void begin_drain();
  size_t handshakes() const noexcept;
  void end();

  bool may_accept() override;
  bool make_room(net::NetError error) override;  // for a client
  bool make_room() override;                     // for a dial
  size_t shed(size_t most);
  void on_all_closed() override { end_if_drained(); }
  void on_handshake_over() override { end_if_drained(); }
  void on_drain_deadline() { give_up(http::InFlight::requests); }
  void on_tunnel_deadline() { give_up(http::InFlight::tunnels); }
  void give_up(http::InFlight kind);
  void on_handshake_deadline() { give_up_handshakes(&Acceptor::give_up_silent); }
  void give_up_handshakes(size_t (Acceptor::*these)());
  void end_if_drained();
  void judge(http::Client& client) const override;
  bool trusts(const Address& address) const override { return proxy_.snapshot().trusts(address); }
  const config::Server& config() const { return proxy_.snapshot().server(); }

  Parts parts_;
  net::EventLoop loop_;
  upstream::Pools pools_{static_cast<upstream::Pools::Relief&>(*this)};
  upstream::Upstreams upstreams_;
  proxy::Proxy proxy_;
  http::ServerSettings settings_;
  http::ServerConnections connections_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::vector<std::unique_ptr<Acceptor>> leaving_;  // their listeners are gone
  net::Deadline drain_deadline_{this, net::DeadlineThunk<&Worker::on_drain_deadline>::call};
  net::Deadline tunnel_deadline_{this, net::DeadlineThunk<&Worker::on_tunnel_deadline>::call};
  net::Deadline handshake_deadline_{this, net::DeadlineThunk<&Worker::on_handshake_deadline>::call};
  uint64_t max_connections_ = 0;  // of clients
  bool at_limit_ = false;         // the last client that came was told to wait
  bool ended_ = false;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace onehop::server
