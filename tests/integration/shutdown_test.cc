// SPDX-License-Identifier: MIT
// How the proxy leaves (edge case 84): it finishes what is in flight, within a bound, and ends with
// 0.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/h2_client.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"
#include "tests/support/subprocess.h"
#include "tests/support/tls_peer.h"
#include "tests/support/websocket.h"

namespace onehop::test {
namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

bool can_connect(const std::string& address) {
  try {
    Peer::connect(address);
    return true;
  } catch (const PeerError&) {
    return false;
  }
}

TEST_CASE("an idle proxy ends with 0 on SIGTERM and on SIGINT") {
  const int number = GENERATE(SIGTERM, SIGINT);
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .server = "drain = \"60s\""});
  REQUIRE(proxy.get().status == 200);
  proxy.signal(number);
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE(
    "on SIGTERM a request in flight is finished, new connections are refused, then it ends with "
    "0") {
  Gate gate;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    connection.must_read_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    gate.wait();
    connection.send("world");
    connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .server = "drain = \"60s\""});
  Client client = proxy.connect();
  client.send(kGet);
  CHECK(client.read_response_head().status == 200);
  proxy.signal(SIGTERM);
  REQUIRE(eventually([&] { return !can_connect(proxy.address()); }));
  gate.open();
  CHECK(client.read_exact(10) == "helloworld");
  CHECK(client.wait_end() == End::closed);
  client.close();
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("a response that begins after SIGTERM says that the connection is closed") {
  Gate gate;
  ScriptedOrigin origin(ScriptedOrigin::once_open(gate, ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .server = "drain = \"60s\""});
  Client client = proxy.connect();
  client.send(kGet);
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  proxy.signal(SIGTERM);
  REQUIRE(eventually([&] { return !can_connect(proxy.address()); }));
  gate.open();
  const Response response = client.read_response();
  CHECK(response.body == "done");
  CHECK(response.fields.has_token("Connection", "close"));
  CHECK(client.wait_end() == End::closed);
  client.close();
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("during drain_delay clients are served as before, and readyz says that it is draining") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .server = "drain_delay = \"60s\""});
  Client kept = proxy.connect();
  proxy.signal(SIGTERM);
  REQUIRE(eventually([&] { return proxy.admin("/readyz").status == 503; }));
  CHECK(proxy.admin("/healthz").status == 200);
  for (int i = 0; i < 3; ++i) {
    CHECK(proxy.get().status == 200);
    kept.send(kGet);
    const Response response = kept.read_response();
    CHECK(response.status == 200);
    CHECK_FALSE(response.fields.has_token("Connection", "close"));
  }
  proxy.signal(SIGTERM);  // the second one does not wait
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("when drain_delay is over it drains, and what is in flight is finished") {
  Gate gate;
  ScriptedOrigin origin(ScriptedOrigin::once_open(gate, ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .server = "drain_delay = \"300ms\""});
  Client client = proxy.connect();
  client.send(kGet);
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  proxy.signal(SIGTERM);
  REQUIRE(eventually([&] { return !can_connect(proxy.address()); }));
  gate.open();
  CHECK(client.read_response().body == "done");
  CHECK(client.wait_end() == End::closed);
  client.close();
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("on SIGTERM idle client connections are closed") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .server = "drain = \"60s\""});
  Client used = proxy.connect();
  used.send(kGet);
  REQUIRE(used.read_response().status == 200);
  Client fresh = proxy.connect();
  REQUIRE(proxy.wait_number("downstream/connections/open", 2) == 2);
  proxy.signal(SIGTERM);
  CHECK(used.wait_end() == End::closed);
  CHECK(fresh.wait_end() == End::closed);
  used.close();
  fresh.close();
  CHECK(proxy.wait_exit() == 0);
}

constexpr char kHandshakes[] = "listeners/127.0.0.1:0/tls/handshakes/in_progress";

TEST_CASE("a client that is in its handshake at SIGTERM is served") {
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .server = "drain = \"60s\"\ndrain_idle = \"10s\"",
                                 .more = listener_tls(made)});
  TlsTunnel tunnel(proxy.address(),
                   {.ca = made.authority(), .connected = [&] {
                      REQUIRE(proxy.wait_number(kHandshakes, 1) == 1);
                      proxy.signal(SIGTERM);
                      REQUIRE(eventually([&] { return !can_connect(proxy.address()); }));
                    }});
  Peer client = tunnel.take_peer();
  client.send(kGet);
  CHECK(client.read_response().body == "done");
  CHECK(client.wait_end() == End::closed);
  client.close();
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("a handshake that does not go on is given up with the idle connections") {
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .server = "drain = \"60s\"\ndrain_idle = \"50ms\"",
                                 .more = listener_tls(made)});
  Client silent = proxy.connect();
  REQUIRE(proxy.wait_number(kHandshakes, 1) == 1);
  proxy.signal(SIGTERM);
  silent.read_rest();
  silent.close();
  CHECK(proxy.wait_exit() == 0);
  const std::string said = "1 handshakes are given up";
  CHECK(eventually([&] { return proxy.errors().find(said) != std::string::npos; }));
}

TEST_CASE("a handshake that has begun is not idle: it goes on when drain_idle is over") {
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .server = "drain = \"60s\"\ndrain_idle = \"200ms\"",
                                 .more = listener_tls(made)});
  Client client = proxy.connect();
  client.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6));  // the first bytes of a ClientHello
  REQUIRE(proxy.wait_number(kHandshakes, 1) == 1);
  proxy.signal(SIGTERM);
  REQUIRE(eventually([&] { return !can_connect(proxy.address()); }));
  CHECK(client.quiet_for(milliseconds(400)));
  client.close();
  CHECK(proxy.wait_exit() == 0);
  CHECK(proxy.errors().find("handshakes are given up") == std::string::npos);
}

TEST_CASE(
    "84: an idle connection is kept for drain_idle, and a request that races with it is answered") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .server = "drain = \"60s\"\ndrain_idle = \"5s\""});
  Client client = proxy.connect();
  client.send(kGet);
  REQUIRE(client.read_response().status == 200);
  proxy.signal(SIGTERM);
  REQUIRE(eventually([&] { return !can_connect(proxy.address()); }));
  client.send(kGet);
  const Response response = client.read_response();
  CHECK(response.status == 200);
  CHECK(response.fields.has_token("Connection", "close"));
  CHECK(client.wait_end() == End::closed);
  client.close();
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("what does not finish within drain is cut off, and it still ends with 0") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .server = "drain = \"200ms\""});
  Client client = proxy.connect();
  client.send(kGet);
  CHECK(client.read_response_head().status == 200);
  proxy.signal(SIGTERM);
  const Rest rest = client.read_rest();
  CHECK(rest.bytes == "hello");
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("whoever waits for a response when drain ends is told, and the log says how many") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .server = "drain = \"50ms\""});
  Client client = proxy.connect();
  client.send(kGet);
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  proxy.signal(SIGTERM);
  const Response response = client.read_response();
  CHECK(response.status == 503);
  CHECK(response.field("Proxy-Status").find("proxy_internal_error") != std::string::npos);
  CHECK(response.fields.has_token("Connection", "close"));
  CHECK(proxy.wait_exit() == 0);
  const std::string said = "1 client connections are given up";
  CHECK(eventually([&] { return proxy.errors().find(said) != std::string::npos; }));
}

constexpr char kUpgrade[] =
    "GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

// Says back what comes through a tunnel, and never answers anything else.
void tunnel_or_silence(OriginConnection& connection) {
  const Request request = connection.must_read_request();
  if (request.target != "/tunnel") {
    connection.read_rest();
    return;
  }
  connection.send(
      request.fields.has("Sec-WebSocket-Key")
          ? websocket_switch(request)
          : "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
  while (true) {
    const std::string bytes = connection.try_read_some();
    if (bytes.empty() || !connection.try_send(bytes)) return;
  }
}

TEST_CASE("86: a tunnel does not keep the proxy from leaving") {
  ScriptedOrigin origin(tunnel_or_silence);
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .server = "drain = \"60s\"\ntunnel_drain = \"200ms\""});
  Client client = proxy.connect();
  client.send(kUpgrade);
  CHECK(client.read_response().status == 101);
  proxy.signal(SIGTERM);
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("86: a tunnel goes on when drain is over, until tunnel_drain is") {
  ScriptedOrigin origin(tunnel_or_silence);
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .server = "drain = \"50ms\"\ntunnel_drain = \"60s\""});
  Client tunnel = proxy.connect();
  tunnel.send(kUpgrade);
  CHECK(tunnel.read_response_head().status == 101);
  Client request = proxy.connect();
  request.send(kGet);
  REQUIRE(eventually([&] { return origin.requests() == 2; }));
  proxy.signal(SIGTERM);
  CHECK(request.read_response().status == 503);
  const std::string said = "1 client connections are given up, 1 go on with tunnels";
  CHECK(eventually([&] { return proxy.errors().find(said) != std::string::npos; }));
  tunnel.send("hello");
  CHECK(tunnel.read_exact(5) == "hello");
  tunnel.close();
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("86: a request goes on when tunnel_drain is over, and the tunnel is cut") {
  Gate gate;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    const Request request = connection.must_read_request();
    if (request.target == "/tunnel") {
      connection.send(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    } else {
      gate.wait();
      connection.send(ok("done"));
    }
    connection.read_rest();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .server = "drain = \"60s\"\ntunnel_drain = \"50ms\""});
  Client tunnel = proxy.connect();
  tunnel.send(kUpgrade);
  CHECK(tunnel.read_response_head().status == 101);
  Client request = proxy.connect();
  request.send(kGet);
  REQUIRE(eventually([&] { return origin.requests() == 2; }));
  proxy.signal(SIGTERM);
  tunnel.read_rest();
  gate.open();
  CHECK(request.read_response().body == "done");
  request.close();
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("86: of a connection of HTTP/2 with both, the tunnel goes on when drain is over") {
  ScriptedOrigin origin(tunnel_or_silence);
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .server = "drain = \"50ms\"\ntunnel_drain = \"60s\""});
  H2Peer client = H2Peer::connect(proxy.address());
  const int32_t tunnel = client.request({{":method", "CONNECT"},
                                         {":protocol", "websocket"},
                                         {":scheme", "http"},
                                         {":authority", "a"},
                                         {":path", "/tunnel"},
                                         {"sec-websocket-version", "13"}},
                                        H2Ends::no);
  const int32_t request = client.request(h2_request());
  REQUIRE(eventually([&] { return origin.requests() == 2; }));
  proxy.signal(SIGTERM);
  CHECK(client.finish(request).status() == 503);
  CHECK_FALSE(client.exchange(tunnel).over());
  CHECK(client.await([&] { return client.goaway_ids().size() == 2; }));
  REQUIRE(client.data(tunnel, "hello"));
  CHECK(client.await([&] { return client.exchange(tunnel).body == "hello"; }));
  client.peer().close();
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("readyz turns 503 while the proxy drains, healthz stays 200") {
  Gate gate;
  ScriptedOrigin origin(ScriptedOrigin::once_open(gate, ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .server = "drain = \"60s\""});
  CHECK(proxy.admin("/readyz").status == 200);
  Client client = proxy.connect();
  client.send(kGet);
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  proxy.signal(SIGTERM);
  CHECK(eventually([&] { return proxy.admin("/readyz").status == 503; }));
  CHECK(proxy.admin("/healthz").status == 200);
  gate.open();
  CHECK(client.read_response().status == 200);
  client.close();
  CHECK(proxy.wait_exit() == 0);
}

TEST_CASE("a pipe that nobody reads at standard error keeps nobody from leaving") {
  const Folder beside;
  const std::string path = beside / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const int writer = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  const std::string block(4096, 'x');
  while (::write(writer, block.data(), block.size()) > 0) {
  }
  Subprocess proxy({"/bin/sh", "-c", "exec \"$0\" \"$@\" 2>" + path, ProxyProcess::binary(),
                    "proxy", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1"});
  CHECK(proxy.wait_line("listening on ").has_value());
  proxy.signal(SIGTERM);
  CHECK(proxy.wait_exit() == 0);
  ::close(writer);
  ::close(reader);
  ::unlink(path.c_str());
}

TEST_CASE("several workers leave together") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .server = "workers = 4\ndrain = \"60s\""});
  std::vector<Client> clients;
  for (int i = 0; i < 32; ++i) {
    clients.push_back(proxy.connect());
    clients.back().send(kGet);
    CHECK(clients.back().read_response().status == 200);
  }
  proxy.signal(SIGTERM);
  for (Client& client : clients) CHECK(client.wait_end() == End::closed);
  CHECK(proxy.wait_exit() == 0);
}

}  // namespace
}  // namespace onehop::test
