// SPDX-License-Identifier: MIT
#include "demo_load.h"

#include <algorithm>
#include <utility>

#include "onehop/http/h1.h"
#include "onehop/net/dialer.h"

namespace onehop::cli {

using http::Ends;

// One client and its connection. It lives on the load's thread; a connection that is over is
// retired, and the next request dials anew.
class LoadClient final : private http::ClientStream::Events {
 public:
  LoadClient(DemoLoad& load, uint64_t first_due_ms) : load_(load), due_ms_(first_due_ms) { wait(); }

 private:
  class Dialed final : public net::Dial::Events {
   public:
    explicit Dialed(LoadClient& client) : client_(client) {}
    void on_connected(net::TransportPtr transport) override {
      client_.connected(std::move(transport));
    }
    // A proxy that has stopped listening is no failed request: the client tries again in its time.
    void on_dial_failed(net::NetError) override { client_.wait(); }

   private:
    LoadClient& client_;
  };

  class Idle final : public http::ClientConnection::Events {
   public:
    explicit Idle(LoadClient& client) : client_(client) {}
    void on_idle_end(http::ClientConnection&, http::Violation) override { client_.retire(); }
    void on_capacity(http::ClientConnection&) override {}

   private:
    LoadClient& client_;
  };

  // Until the next request is due: a fixed schedule, begun anew by whoever fell behind it.
  void wait() {
    const uint64_t now = load_.loop_.now_ms();
    due_ms_ = std::max(due_ms_ + DemoLoad::kPeriodMs, now);
    load_.loop_.arm(due_, due_ms_ - now);
  }

  void on_due() {
    if (connection_ != nullptr) return request();
    auto dial = load_.loop_.dial(load_.proxy_, dialed_);
    if (!dial.has_value()) return wait();
    dial_ = std::move(*dial);
  }

  void connected(net::TransportPtr transport) {
    connection_ =
        http::h1::connect(load_.loop_, std::move(transport), load_.limits_, load_.counters_, idle_);
    request();
  }

  void request() {
    status_ = 0;
    http::RequestHead head;
    head.method_text = "GET";
    head.target = "/demo";
    head.authority = load_.authority_;
    stream_ = &connection_->open_stream(*this);
    stream_->send_head(head, Ends::yes);
  }

  void on_head(const http::ResponseHead& head, Ends ends) override {
    status_ = head.status;
    if (ends == Ends::yes) finish();
  }
  void on_body(Buffer&, Ends ends) override {
    if (ends == Ends::yes) finish();
  }
  void on_trailers(const http::Fields&) override { finish(); }
  void on_room() override {}
  void on_stall() override {}
  void on_reset(const http::StreamError&) override {
    status_ = 0;
    finish();
  }

  void finish() {
    if (status_ != 200) load_.failed_.fetch_add(1, std::memory_order_relaxed);
    if (connection_->close_stream(*stream_) != http::StreamEnd::reusable) retire();
    wait();
  }

  void retire() { load_.loop_.retire(std::move(connection_)); }

  DemoLoad& load_;
  uint64_t due_ms_;
  http::ClientStream* stream_ = nullptr;
  int status_ = 0;  // of the answer that is coming; 0: none
  Dialed dialed_{*this};
  Idle idle_{*this};
  std::unique_ptr<net::Dial> dial_;
  std::unique_ptr<http::ClientConnection> connection_;
  net::Deadline due_{this, net::DeadlineThunk<&LoadClient::on_due>::call};
};

DemoLoad::DemoLoad(const Address& proxy) : proxy_(proxy), authority_(proxy.to_string()) {
  thread_ = std::thread([this] { run(); });
}

DemoLoad::~DemoLoad() {
  loop_.stop();
  thread_.join();
}

void DemoLoad::run() {
  // Spread over the period, so that the proxy sees a few requests at a time and not all at once.
  for (uint64_t i = 0; i < kClients; ++i) {
    clients_.push_back(
        std::make_unique<LoadClient>(*this, loop_.now_ms() + i * kPeriodMs / kClients));
  }
  loop_.run();
  clients_.clear();
  loop_.end_turn();
}

}  // namespace onehop::cli
