// SPDX-License-Identifier: MIT
#include "demo_replicas.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <random>
#include <utility>

#include "onehop/http/date.h"
#include "onehop/http/h1.h"
#include "onehop/net/listener.h"

namespace onehop::cli {
namespace {

using http::Ends;

constexpr size_t kBodyBytes = 256;
constexpr uint32_t kBacklog = 128;

// Reads the request to its end, waits, and answers.
class ReplicaResponder final : public http::Responder {
 public:
  ReplicaResponder(net::Loop& loop, http::ServerStream& stream, uint64_t wait_ms, std::string body)
      : loop_(loop), stream_(stream), wait_ms_(wait_ms), body_(std::move(body)) {}

 private:
  void on_head(const http::RequestHead&, Ends ends) override {
    if (ends == Ends::yes) return on_request();
    stream_.set_reading(true);
  }
  void on_body(Buffer&, Ends ends) override {
    if (ends == Ends::yes) on_request();
  }
  void on_trailers(const http::Fields&) override { on_request(); }
  void on_room() override {}
  void on_stall() override {}
  void on_reset(const http::StreamError&) override { wait_.disarm(); }

  void on_request() {
    if (wait_ms_ == 0) return answer();
    loop_.arm(wait_, wait_ms_);
  }

  void answer() {
    http::ResponseHead head;
    std::array<http::Field, 2> room;
    head.status = 200;
    head.reason = "OK";
    head.body = http::BodyLength::of(body_.size());
    head.fields = http::Fields(room);
    head.fields.add("Date", http::date_text(std::time(nullptr)));
    head.fields.add("Content-Type", "application/json");
    stream_.send_head(head, Ends::no);
    Buffer body;
    body.append(body_);
    stream_.send_body(std::move(body), Ends::yes);
  }

  net::Loop& loop_;
  http::ServerStream& stream_;
  uint64_t wait_ms_;
  std::string body_;
  net::Deadline wait_{this, net::DeadlineThunk<&ReplicaResponder::answer>::call};
};

}  // namespace

class Replica final : private net::Listener::Events, private http::Service {
 public:
  Replica(net::EventLoop& loop, Pace pace, net::ListeningSocket socket,
          const http::ServerSettings& settings, http::ServerConnections& connections)
      : loop_(loop),
        pace_(pace),
        address_(socket.local().to_string()),
        random_(socket.local().port()),
        socket_(std::move(socket)),
        settings_(settings),
        connections_(connections) {}

  const std::string& address() const { return address_; }

  // Both on the loop's thread.
  void listen() { listener_ = net::Listener::start(loop_, std::move(socket_), *this); }
  void stop_listening() { listener_.reset(); }

 private:
  bool may_accept() override { return true; }
  void on_accept(net::TransportPtr transport, const Address& peer) override {
    http::Client client;
    client.address = peer;
    http::h1::serve(loop_, std::move(transport), client, *this, settings_, connections_);
  }
  bool make_room(net::NetError) override { return false; }

  std::unique_ptr<http::Responder> open(http::ServerStream& stream, const http::Client&,
                                        const http::HeadTimes&) override {
    ++requests_;
    const uint64_t wait_ms = next_wait_ms();
    return std::make_unique<ReplicaResponder>(loop_, stream, wait_ms, body(wait_ms));
  }

  uint64_t next_wait_ms() {
    switch (pace_) {
      case Pace::prompt:
        return requests_ % kPauseEvery == 0 ? kPauseMs : 0;
      case Pace::slow:
        return std::uniform_int_distribution<uint64_t>(kSlowMinMs, kSlowMaxMs)(random_);
    }
    return 0;
  }

  std::string body(uint64_t wait_ms) const {
    const std::string told =
        fmt::format(R"({{"replica": "{}", "requests": {}, "waits_ms": {}, "filler": ")", address_,
                    requests_, wait_ms);
    constexpr std::string_view kEnd = "\"}\n";
    const size_t filler = kBodyBytes - std::min(kBodyBytes, told.size() + kEnd.size());
    return told + std::string(filler, '.') + std::string(kEnd);
  }

  net::EventLoop& loop_;
  Pace pace_;
  std::string address_;
  std::minstd_rand random_;  // the same waits for the same port
  net::ListeningSocket socket_;
  const http::ServerSettings& settings_;
  http::ServerConnections& connections_;
  std::unique_ptr<net::Listener> listener_;
  uint64_t requests_ = 0;
};

DemoReplicas::DemoReplicas() : connections_(loop_, settings_, *this) {}

Result<std::unique_ptr<DemoReplicas>, std::string> DemoReplicas::start(
    std::span<const Pace> paces) {
  const std::optional<Address> anywhere = Address::numeric("127.0.0.1", 0);
  std::vector<net::ListeningSocket> sockets;
  while (sockets.size() < paces.size()) {
    auto socket =
        net::ListeningSocket::open(*anywhere, kBacklog, net::ListeningSocket::Port::mine_alone);
    if (!socket.has_value()) {
      return Unexpected<std::string>(
          fmt::format("cannot start a replica on 127.0.0.1: {}", socket.error().sentence()));
    }
    sockets.push_back(std::move(*socket));
  }
  // In the order in which the table has them.
  std::sort(sockets.begin(), sockets.end(), [](const auto& one, const auto& other) {
    return one.local().to_string() < other.local().to_string();
  });
  std::unique_ptr<DemoReplicas> made(new DemoReplicas());
  for (size_t i = 0; i < paces.size(); ++i) {
    made->replicas_.push_back(std::make_unique<Replica>(
        made->loop_, paces[i], std::move(sockets[i]), made->settings_, made->connections_));
  }
  made->thread_ = std::thread([replicas = made.get()] { replicas->run(); });
  return made;
}

DemoReplicas::~DemoReplicas() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

std::vector<std::string> DemoReplicas::addresses() const {
  std::vector<std::string> addresses;
  for (const auto& replica : replicas_) addresses.push_back(replica->address());
  return addresses;
}

void DemoReplicas::run() {
  for (auto& replica : replicas_) replica->listen();
  loop_.run();
  for (auto& replica : replicas_) replica->stop_listening();
  connections_.close_all();
  loop_.end_turn();
}

}  // namespace onehop::cli
