// SPDX-License-Identifier: MIT
// Clients that take their response, but so slowly that holding it for them costs more than they
// are worth: write_min_rate. timeouts_test.cc has those that take nothing.
#include <optional>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/h2_client.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"
#include "tests/support/tls_peer.h"

namespace onehop::test {
namespace {

constexpr char kRules[] = "write_stall = \"300ms\"\nwrite_min_rate = \"1MiB\"";
constexpr char kStalled[] = "downstream/requests/outcomes/client_stalled";
constexpr char kGivenUp[] = "downstream/connections/stalled_given_up_total";
constexpr size_t kLarge = size_t{32} << 20;

bool wait_a_little() {
  return eventually([] { return false; }, Deadline(milliseconds(20)));
}

// Takes 4 KiB in 20 ms, 200 KiB a second at most. Returns whether it was cut off within the time.
bool is_cut_off(Peer& slow, milliseconds time) {
  const Deadline enough(time);
  try {
    while (!enough.passed()) {
      slow.read_exact(4096);
      wait_a_little();
    }
  } catch (const PeerError&) {
    return true;
  }
  return false;
}

ScriptedOrigin::Script large() {
  return [body = ok(noise(kLarge))](OriginConnection& connection) {
    while (connection.read_request() && connection.try_send(body)) continue;
  };
}

std::string with_tls(const CertificateFiles& files) {
  return "[listener.tls]\ncertificates = [{ cert = \"" + files.cert + "\", key = \"" + files.key +
         "\" }]\n";
}

TEST_CASE("a client that takes its response too slowly is cut off, and one that is fast is not") {
  ScriptedOrigin origin(large());
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .timeouts = kRules});
  Client slow = Peer::connect(proxy.address(), 16384);
  slow.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(is_cut_off(slow, milliseconds(8000)));
  CHECK(proxy.wait_number("downstream/requests/in_flight", 0) == 0);
  CHECK(proxy.stats().number(kStalled) == 1);
  CHECK(proxy.get().body.size() == kLarge);
  CHECK(proxy.stats().number(kStalled) == 1);
}

TEST_CASE("with a minimum rate of 0 any byte is progress") {
  ScriptedOrigin origin(large());
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .timeouts = "write_stall = \"300ms\"\nwrite_min_rate = \"0B\""});
  Client slow = Peer::connect(proxy.address(), 16384);
  slow.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK_FALSE(is_cut_off(slow, milliseconds(1500)));
  slow.reset();
}

TEST_CASE("a stream whose client opens its window too slowly is reset, and no other") {
  ScriptedOrigin origin(ScriptedOrigin::answering(
      [](const Request& request) { return ok(request.target == "/" ? noise(kLarge) : "small"); }));
  const bool secure = GENERATE(false, true);
  CAPTURE(secure);
  Certificates made;
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .listener = secure ? with_tls(made.leaf()) : "",
                                 .timeouts = kRules});
  std::optional<TlsTunnel> tunnel;
  if (secure) tunnel.emplace(proxy.address(), TlsWish{.alpn = "h2"});
  H2Peer client(secure ? tunnel->take_peer() : Peer::connect(proxy.address()),
                {{kInitialWindowSize, 1000}});
  client.keep_windows();
  const int32_t id = client.request(h2_request());
  const auto is_reset = [&] { return client.exchange(id).reset.has_value(); };
  for (size_t i = 1; i <= 60 && !is_reset(); ++i) {
    CHECK(client.await([&] { return is_reset() || client.exchange(id).body.size() >= i * 1000; }));
    wait_a_little();
    client.send(h2_window_update(id, 1000));
  }
  CHECK(client.exchange(id).reset.has_value());
  CHECK(client.response(client.request(h2_request("GET", "/small"))).body == "small");
  CHECK(proxy.stats().number(kStalled) == 1);
}

TEST_CASE("a connection of HTTP/2 whose client reads too slowly ends with its streams") {
  ScriptedOrigin origin(large());
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .timeouts = kRules});
  constexpr uint32_t kMostWindow = 0x7fffffff;
  H2Peer client(Peer::connect(proxy.address(), 16384), {{kInitialWindowSize, kMostWindow}});
  client.send(h2_window_update(0, kMostWindow - 65535));
  client.request(h2_request());
  CHECK(is_cut_off(client.peer(), milliseconds(8000)));
  CHECK(proxy.wait_number("downstream/connections/open", 0) == 0);
  CHECK(proxy.stats().number(kStalled) == 1);
}

// Until nothing comes from the endpoint any more for a second, or somebody was given up.
bool settles(ProxyProcess& proxy, const std::string& endpoint) {
  const std::string path = "upstreams/app/endpoints/" + endpoint + "/bytes/received_total";
  int64_t before = -1;
  int quiet = 0;
  return eventually([&] {
    const Stats now = proxy.stats();
    quiet = std::exchange(before, now.number(path)) == before ? quiet + 1 : 0;
    wait_a_little();
    return quiet == 50 || now.number(kGivenUp) > 0;
  });
}

TEST_CASE("many slow readers who begin together are held little each, and none is given up") {
  constexpr size_t kReaders = 80;
  ScriptedOrigin origin(large());
  ProxyProcess proxy(ProxyConfig{
      .endpoints = {origin.address()}, .server = "workers = 1", .limits = "buffered = \"8MiB\""});
  std::vector<Client> readers;
  for (size_t i = 0; i < kReaders; ++i) {
    readers.push_back(Peer::connect(proxy.address(), 16384));
    readers.back().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  CHECK(settles(proxy, origin.address()));
  for (int round = 0; round < 10; ++round) {
    for (Client& reader : readers) reader.read_exact(4096);
  }
  CHECK(settles(proxy, origin.address()));
  CHECK(proxy.stats().number(kGivenUp) == 0);
  CHECK(proxy.stats().number("downstream/requests/in_flight") == kReaders);
  for (Client& reader : readers) reader.reset();
}

TEST_CASE("an idle proxy that has passed on much has its memory for those who come") {
  ScriptedOrigin origin(large());
  ProxyProcess proxy(ProxyConfig{
      .endpoints = {origin.address()}, .server = "workers = 1", .limits = "buffered = \"1MiB\""});
  CHECK(proxy.get().body.size() == kLarge);
  CHECK(proxy.wait_number("downstream/requests/in_flight", 0) == 0);
  CHECK(eventually(
      [&] { return proxy.stats().number("memory/buffered_bytes") < int64_t{256} << 10; }));
}

TEST_CASE("a tunnel is as slow as its ends like") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    connection.try_send(noise(kLarge));
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .timeouts = kRules});
  Client slow = Peer::connect(proxy.address(), 16384);
  slow.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
  CHECK(slow.read_response_head().status == 101);
  CHECK_FALSE(is_cut_off(slow, milliseconds(1500)));
  slow.reset();
}

}  // namespace
}  // namespace onehop::test
