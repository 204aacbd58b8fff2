// SPDX-License-Identifier: MIT
// A proxy over a HandLoop with two endpoints that speak HTTP/1.1: a test plays the client's stream,
// and the peers of the connections that are dialed.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/hand_dialer.h"
#include "tests/support/small_proxy.h"

namespace onehop::proxy::test {

using http::Ends;
using onehop::test::HandDialer;
using onehop::test::HandLoop;
using onehop::test::HandPeer;

// The client's side of one exchange: what it was sent stays here.
class HandStream final : public http::ServerStream {
 public:
  void send_head(const http::ResponseHead& head, Ends ends) override {
    statuses.push_back(head.status);
    for (const http::Field& field : head.fields) {
      if (field.id == http::FieldId::set_cookie) cookies.emplace_back(field.value);
    }
    ended = ends == Ends::yes;
  }
  void send_body(Buffer&& bytes, Ends ends) override {
    body += bytes.to_string();
    bytes.clear();
    ended = ends == Ends::yes;
  }
  void send_trailers(const http::Fields&) override { ended = true; }
  bool has_room() const override { return room; }
  void set_reading(bool wanted) override { reading = wanted; }
  bool take_back() override {
    if (left) return false;
    statuses.clear();
    body.clear();
    return true;
  }
  void reset() override { was_reset = true; }

  int status() const { return statuses.empty() ? 0 : statuses.back(); }

  std::vector<int> statuses;
  std::vector<std::string> cookies;  // what Set-Cookie said
  std::string body;
  bool ended = false;
  bool room = true;
  bool reading = false;  // the exchange wants the request's body
  bool left = true;      // bytes of the response are out and cannot be taken back
  bool was_reset = false;
};

struct ExchangeSide {
  ExchangeSide() {
    upstream.name = "app";
    upstream.endpoints = {{"127.0.0.1:9001", 1}, {"127.0.0.1:9002", 1}};
  }
  ~ExchangeSide() {
    open.clear();
    loop.end_turn();
  }

  // A request of a client, as its connection would bring it. Destroying it cancels.
  struct Request {
    HandStream stream;
    std::unique_ptr<http::Responder> exchange;
    // The response is out.
    void flushed() { exchange->on_room(); }
    void body(std::string_view bytes, Ends ends) {
      Buffer buffer;
      buffer.append(bytes);
      exchange->on_body(buffer, ends);
    }
  };
  struct Head {
    http::Method method = http::Method::get;
    std::string_view text = "GET";
    std::string_view target = "/";
    http::BodyLength body = {};
    std::vector<std::pair<std::string_view, std::string_view>> fields = {};
    std::string_view upgrade = {};
    uint8_t version_minor = 1;
  };
  static Head post(uint64_t bytes) {
    return {.method = http::Method::post, .text = "POST", .body = http::BodyLength::of(bytes)};
  }

  Request& request() { return request(Head{}); }
  Request& request(const Head& asked) {
    start();
    Request& made = *open.emplace_back(std::make_unique<Request>());
    made.exchange = small->proxy.open(made.stream, client, {loop.now_ns(), loop.now_ns()});
    std::vector<http::Field> room(asked.fields.size() + 1);
    http::RequestHead head;
    head.method = asked.method;
    head.method_text = asked.text;
    head.target = asked.target;
    head.authority = "example.org";
    head.body = asked.body;
    head.upgrade = asked.upgrade;
    head.version_minor = asked.version_minor;
    head.fields = http::Fields(room);
    for (const auto& [name, value] : asked.fields) head.fields.add(name, value);
    const bool whole = asked.body.kind == http::BodyLength::Kind::none;
    made.exchange->on_head(head, whole ? Ends::yes : Ends::no);
    loop.end_turn();
    return made;
  }
  // The client goes: its connection destroys the exchange.
  void leave(Request& gone) {
    std::erase_if(open, [&](const auto& one) { return one.get() == &gone; });
    loop.end_turn();
  }

  // The oldest dial succeeds, and what was asked is with the endpoint.
  HandPeer& accept() {
    HandPeer& peer = dialer.accept();
    loop.end_turn();
    return peer;
  }
  void refuse(int number = ECONNREFUSED) {
    dialer.refuse(number);
    loop.end_turn();
  }
  // The endpoint says something.
  void say(HandPeer& peer, std::string_view bytes) {
    peer.say(bytes);
    loop.end_turn();
  }
  void end(HandPeer& peer) {
    peer.end();
    loop.end_turn();
  }
  // A request that is answered, which leaves an idle connection.
  HandPeer& warm() {
    Request& first = request();
    HandPeer& peer = accept();
    say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    first.flushed();
    leave(first);
    return peer;
  }

  uint64_t outcomes(Outcome outcome) {
    return small->downstream().outcomes.value(static_cast<size_t>(outcome));
  }
  uint64_t attempts(size_t endpoint, Outcome outcome) {
    return counters(endpoint).outcomes.value(static_cast<size_t>(outcome));
  }
  telemetry::EndpointShard& counters(size_t endpoint) {
    return small->endpoint(upstream.endpoints[endpoint].address);
  }

  HandLoop loop;
  HandDialer dialer{loop};
  // To be changed before the first request.
  config::Server server;
  config::Upstream upstream;
  config::AccessLog access;
  proxy::AccessSink* access_sink = nullptr;
  std::string path = "/";  // of the route
  http::Client client{};
  std::unique_ptr<onehop::test::SmallProxy> small;
  std::vector<std::unique_ptr<Request>> open;

  // At the first request, else before it.
  void start() {
    if (small != nullptr) return;
    config::Config config = onehop::test::config_of(upstream, server);
    config.routes.front().path = path;
    config.log.access = access;
    small = std::make_unique<onehop::test::SmallProxy>(std::move(config), loop, dialer, 1, nullptr,
                                                       access_sink);
  }
};

}  // namespace onehop::proxy::test
