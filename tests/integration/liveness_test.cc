// SPDX-License-Identifier: MIT
// How an endpoint that has gone without a word is found out: TCP_USER_TIMEOUT, keep-alive of TCP,
// and PING of HTTP/2.
#include <fstream>
#include <optional>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/h2_client.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

// Which timer the kernel runs for the connection to that address of 127.0.0.1: 2 is keep-alive.
std::optional<int> timer_of_connection_to(const std::string& address) {
  const int port = std::stoi(address.substr(address.rfind(':') + 1));
  std::ifstream table("/proc/net/tcp");
  std::string line;
  while (std::getline(table, line)) {
    std::istringstream parts(line);
    std::string number, local, remote, state, queues, timer;
    parts >> number >> local >> remote >> state >> queues >> timer;
    if (state != "01" || remote.find(':') == remote.npos) continue;
    if (std::stoi(remote.substr(remote.find(':') + 1), nullptr, 16) == port)
      return std::stoi(timer.substr(0, 2));
  }
  return std::nullopt;
}

TEST_CASE("the kernel watches a quiet connection to an endpoint where tcp_keepalive says so") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyConfig config{.endpoints = {origin.address()}, .pool = "idle_timeout = \"1m\""};
  const bool wanted = GENERATE(true, false);
  if (!wanted) config.upstream_timeouts = "tcp_keepalive = \"0s\"";
  ProxyProcess proxy(config);
  CHECK(proxy.get().body == "done");
  constexpr int kKeepAlive = 2;
  CHECK(eventually([&] {
    const auto timer = timer_of_connection_to(origin.address());
    return timer.has_value() && (*timer == kKeepAlive) == wanted;
  }));
}

TEST_CASE("an endpoint that has no room for what it is sent is given up after tcp_user_timeout") {
  Gate done;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.read_request_head();
    done.wait();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .upstream_timeouts = "tcp_user_timeout = \"300ms\""});
  Client client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
  client.send_until_stuck(std::string(32 << 20, 'x'));
  const Response response = client.final_response();
  CHECK(response.status == 502);
  CHECK(fault_of_local_reply(response).empty());
  done.open();
}

// Answers one request, then says and reads nothing.
ScriptedOrigin::Script silent_after_one(Gate& done) {
  return [&done](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server);
    if (const int32_t id = peer.accept())
      peer.send(h2_headers(id, {{":status", "200"}}, kEndHeaders | kEndStream));
    done.wait();
  };
}

ProxyConfig with_ping(const std::string& endpoint) {
  return {.endpoints = {endpoint},
          .upstream = "protocol = \"h2\"",
          .pool = "idle_timeout = \"1m\"",
          .upstream_timeouts = "http2_ping = \"100ms\""};
}

TEST_CASE("a quiet connection of HTTP/2 whose PING is not answered is closed") {
  Gate done;
  ScriptedOrigin origin(silent_after_one(done));
  ProxyProcess proxy(with_ping(origin.address()));
  CHECK(proxy.get().status == 200);
  CHECK(proxy.wait_number(ProxyProcess::endpoint(origin.address(), "connections/open"), 0) == 0);
  done.open();
}

TEST_CASE("a request on a connection of HTTP/2 that leads nowhere does not wait for its timeout") {
  Gate done;
  ScriptedOrigin origin(silent_after_one(done));
  ProxyProcess proxy(with_ping(origin.address()));
  CHECK(proxy.get().status == 200);
  const Response response =
      proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  // Sent before the silence was noticed, or on a connection of its own, which is answered.
  CHECK((response.status == 502 || response.status == 200));
  done.open();
}

TEST_CASE("a quiet connection of HTTP/2 whose PINGs are answered goes on") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    H2Peer peer(connection, H2Peer::Role::server);
    while (const int32_t id = peer.accept())
      peer.send(h2_headers(id, {{":status", "200"}}, kEndHeaders | kEndStream));
  });
  ProxyProcess proxy(with_ping(origin.address()));
  CHECK(proxy.get().status == 200);
  const std::string open = ProxyProcess::endpoint(origin.address(), "connections/open");
  CHECK_FALSE(
      eventually([&] { return proxy.stats().number(open) == 0; }, Deadline(milliseconds(800))));
  CHECK(proxy.get().status == 200);
  CHECK(origin.accepts() == 1);
}

}  // namespace
}  // namespace onehop::test
