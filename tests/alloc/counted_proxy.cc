// SPDX-License-Identifier: MIT
#include "counted_proxy.h"

#include <csignal>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "counting.h"
#include "onehop/http/h1.h"
#include "onehop/net/event_loop.h"
#include "onehop/net/listener.h"
#include "onehop/proxy/access_log.h"
#include "tests/support/gate.h"
#include "tests/support/small_proxy.h"

namespace onehop::test {
namespace {

config::Config config_for(const std::string& origin, CountedProxy::AccessLog access_log) {
  config::Upstream upstream;
  upstream.name = "app";
  upstream.endpoints.push_back({origin, 1});
  config::Config config = config_of(std::move(upstream));
  if (access_log == CountedProxy::AccessLog::on) config.log.access.file = "-";
  return config;
}

size_t count_records(Ring& ring) {
  size_t count = 0;
  while (!ring.empty()) {
    count += ring.front().empty() ? 0 : 1;
    ring.pop();
  }
  return count;
}

}  // namespace

// Declared in the order in which things are needed: destroyed the other way round.
struct CountedProxy::Path final : net::Listener::Events, http::ServerConnections::Events {
  Path(const std::string& origin, AccessLog access_log)
      : small(config_for(origin, access_log), loop, loop, 1, nullptr, &sink) {}

  bool may_accept() override { return true; }

  void on_accept(net::TransportPtr transport, const Address& peer) override {
    http::Client client;
    client.address = peer;
    client.ip_length = static_cast<uint8_t>(peer.write_ip(client.ip));
    http::h1::serve(loop, std::move(transport), client, small.proxy, small.settings, connections);
  }
  bool make_room(net::NetError) override { return false; }
  void on_all_closed() override {}

  net::EventLoop loop;
  Ring ring{1024 * 1024};
  Bell bell;
  telemetry::DownstreamShard log_counters;
  proxy::AccessSink sink{ring, bell, log_counters, 1};
  SmallProxy small;
  http::ServerConnections connections{loop, small.settings, *this};
};

CountedProxy::CountedProxy(std::string origin, AccessLog access_log)
    : origin_(std::move(origin)), access_log_(access_log) {
  std::signal(SIGPIPE, SIG_IGN);
  Gate ready;
  thread_ = std::thread([this, &ready] { run([&ready] { ready.open(); }); });
  ready.wait();
}

CountedProxy::~CountedProxy() {
  if (thread_.joinable()) stop();
}

size_t CountedProxy::stop() {
  loop_->stop();
  thread_.join();
  return records_;
}

void CountedProxy::run(const std::function<void()>& ready) {
  Path path(origin_, access_log_);
  auto socket = net::ListeningSocket::open(Address::numeric("127.0.0.1", 0).value(), 128,
                                           net::ListeningSocket::Port::mine_alone);
  if (!socket.has_value()) throw std::runtime_error("cannot listen");
  address_ = socket->local().to_string();
  auto listener = net::Listener::start(path.loop, std::move(*socket), path);
  loop_ = &path.loop;
  path_ = &path;
  ready();
  path.loop.run();
  listener.reset();
  records_ = count_records(path.ring);
  path.connections.close_all();
  path.loop.end_turn();
}

void CountedProxy::on_loop(const std::function<void()>& task) {
  Gate done;
  loop_->post([&] {
    task();
    done.open();
  });
  done.wait();
}

void CountedProxy::make_histograms() {
  on_loop([this] {
    telemetry::EndpointShard& endpoint = path_->small.endpoint(origin_);
    telemetry::RouteShard& route = path_->small.telemetry.route("/").by_worker.of(0);
    for (uint64_t ns = 1; ns <= telemetry::kHistogramLimitNs; ns *= 2) {
      for (telemetry::Histogram& histogram : endpoint.exchange) histogram.record(ns);
      endpoint.dial.record(ns);
      route.record(200, ns);
    }
  });
}

void CountedProxy::start_counting() {
  on_loop([] { test::start_counting(); });
}

size_t CountedProxy::stop_counting() {
  size_t blocks = 0;
  on_loop([&] {
    blocks = test::stop_counting();
    stacks_ = first_stacks();
  });
  return blocks;
}

}  // namespace onehop::test
