// SPDX-License-Identifier: MIT
#include "tests/support/any_client.h"

#include <array>
#include <cstdio>
#include <utility>

#include "tests/support/tls_peer.h"

namespace onehop::test {
namespace {

std::string hex(size_t number) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), "%zx", number);
  return {text.data(), static_cast<size_t>(size)};
}

class H1Connection : public Peer {
 public:
  explicit H1Connection(Peer&& peer) : Peer(std::move(peer)) {}
  using Peer::read_body;
};

class H1Client final : public AnyClient {
 public:
  H1Client(std::unique_ptr<TlsTunnel> tunnel, Peer&& peer)
      : tunnel_(std::move(tunnel)), peer_(std::move(peer)) {}

  void ask(const Ask& ask) override {
    method_ = ask.method;
    length_ = ask.length;
    std::string head = ask.method + " " + ask.path + " " + ask.version + "\r\nHost: a\r\n";
    if (length_ == Length::known) head += "Content-Length: " + std::to_string(ask.bytes) + "\r\n";
    if (length_ == Length::unknown) head += "Transfer-Encoding: chunked\r\n";
    for (const auto& [name, value] : ask.fields) head.append(name + ": " + value + "\r\n");
    // Over HTTP/1.1 trailers must be named as welcome on the connection, too.
    for (const auto& [name, value] : ask.fields) {
      if (name == "te") head += "Connection: te\r\n";
    }
    peer_.send(head + "\r\n");
  }

  bool send(std::string_view body) override {
    if (length_ != Length::unknown) return peer_.try_send(body);
    return peer_.try_send(hex(body.size()) + "\r\n" + std::string(body) + "\r\n");
  }

  void finish(const H2Fields& trailers) override {
    if (length_ != Length::unknown) return;
    std::string end = "0\r\n";
    for (const auto& [name, value] : trailers) end.append(name + ": " + value + "\r\n");
    peer_.send(end + "\r\n");
  }

  Response head() override { return peer_.read_response_head(); }

  Response rest(Response head) override {
    const bool bodiless =
        method_ == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304;
    if (bodiless) return head;
    const bool framed = head.fields.has("Transfer-Encoding") || head.fields.has("Content-Length");
    peer_.read_body(head, !framed);
    return head;
  }

  std::string some_body() override { return peer_.read_some(); }
  void leave() override { peer_.reset(); }

 private:
  std::unique_ptr<TlsTunnel> tunnel_;
  H1Connection peer_;
  std::string method_;
  Length length_ = Length::none;
};

class H2Client final : public AnyClient {
 public:
  H2Client(std::unique_ptr<TlsTunnel> tunnel, Peer&& peer)
      : tunnel_(std::move(tunnel)), peer_(std::move(peer)) {}

  void ask(const Ask& ask) override {
    H2Fields fields = h2_request(ask.method, ask.path, ask.fields);
    if (ask.length == Length::known) {
      fields.emplace_back("content-length", std::to_string(ask.bytes));
    }
    heads_ = body_ = 0;
    ends_ = ask.length == Length::none ? H2Ends::yes : H2Ends::no;
    id_ = peer_.request(fields, ends_);
  }

  bool send(std::string_view body) override { return peer_.data(id_, body); }

  void finish(const H2Fields& trailers) override {
    if (ends_ == H2Ends::yes) return;
    if (trailers.empty()) {
      peer_.data(id_, "", H2Ends::yes);
    } else {
      peer_.send(h2_headers(id_, trailers, kEndHeaders | kEndStream));
    }
  }

  Response head() override {
    const H2Exchange& exchange = peer_.exchange(id_);
    peer_.await([&] { return exchange.heads.size() > heads_ || exchange.reset.has_value(); });
    if (exchange.heads.size() == heads_) throw PeerError("the stream was reset without a head");
    Response response;
    response.fields = exchange.heads[heads_++];
    response.status = std::stoi(response.field(":status"));
    response.version = "HTTP/2";
    return response;
  }

  Response rest(Response head) override {
    if (head.status < 200) return head;
    Response response = peer_.response(id_);
    response.body.erase(0, body_);
    return response;
  }

  std::string some_body() override {
    const H2Exchange& exchange = peer_.exchange(id_);
    peer_.await([&] { return exchange.body.size() > body_ || exchange.over(); });
    return exchange.body.substr(std::exchange(body_, exchange.body.size()));
  }

  void leave() override { peer_.send(h2_reset(id_)); }

 private:
  std::unique_ptr<TlsTunnel> tunnel_;
  H2Peer peer_;
  int32_t id_ = 0;
  size_t heads_ = 0;  // taken
  size_t body_ = 0;   // bytes of it that were taken
  H2Ends ends_ = H2Ends::yes;
};

}  // namespace

std::string Leg::name() const {
  return std::string(speaks == Speaks::h1 ? "h1" : "h2") + (tls == Tls::on ? " over tls" : "");
}

Response AnyClient::response() {
  Response response = head();
  while (response.status < 200) response = head();
  return rest(std::move(response));
}

std::unique_ptr<AnyClient> connect_any(Leg leg, const std::string& address,
                                       const std::string& authority) {
  std::unique_ptr<TlsTunnel> tunnel;
  if (leg.tls == Tls::on) {
    const char* const alpn = leg.speaks == Speaks::h1 ? "http/1.1" : "h2";
    tunnel = std::make_unique<TlsTunnel>(address, TlsWish{.ca = authority, .alpn = alpn});
    if (tunnel->alpn() != alpn) throw PeerError("ALPN chose " + tunnel->alpn());
  }
  Peer peer = tunnel == nullptr ? Peer::connect(address) : tunnel->take_peer();
  if (leg.speaks == Speaks::h1) {
    return std::make_unique<H1Client>(std::move(tunnel), std::move(peer));
  }
  return std::make_unique<H2Client>(std::move(tunnel), std::move(peer));
}

}  // namespace onehop::test
