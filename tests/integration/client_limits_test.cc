// SPDX-License-Identifier: MIT
// [listener.per_client]: who has too many connections, or makes too many, is closed at the accept.
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/certificates.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr const char* kRefused = "downstream/connections/refused_by_reason/";

struct Limited {
  explicit Limited(const std::string& limits, const std::string& server = "",
                   const std::string& listener = "")
      : proxy(config(limits, server, listener)) {}

  ProxyConfig config(const std::string& limits, const std::string& server = "",
                     const std::string& listener = "") const {
    return {.endpoints = {origin.address()},
            .listener = listener + "[listener.per_client]\n" + limits,
            .server = server};
  }
  // Whether one more client gets an answer; it is kept.
  bool one_more() {
    Client client = proxy.connect();
    if (!client.try_send(kGet) || client.try_read_some().empty()) return false;
    clients.push_back(std::move(client));
    return true;
  }

  ScriptedOrigin origin{ScriptedOrigin::always(ok("here"))};
  ProxyProcess proxy;
  std::vector<Client> clients;
};

TEST_CASE("a client address has so many connections at a time, on all workers together") {
  const std::string workers = GENERATE("", "workers = 2\n");
  Limited at("connections = 3", workers);
  for (int i = 0; i < 3; ++i) CHECK(at.one_more());
  for (int i = 0; i < 4; ++i) CHECK_FALSE(at.one_more());
  CHECK(at.proxy.stats().number(std::string(kRefused) + "connections") == 4);
  at.clients.pop_back();
  CHECK(eventually([&] { return at.one_more(); }));
  CHECK_FALSE(at.one_more());
}

TEST_CASE("a client address makes so many connections in a time, closed or not") {
  Limited at("new_connections = \"1/1h\"\nburst = 2");
  CHECK(at.one_more());
  at.clients.clear();
  CHECK(at.one_more());
  for (int i = 0; i < 3; ++i) CHECK_FALSE(at.one_more());
  CHECK(at.proxy.stats().number(std::string(kRefused) + "new_connections") == 3);
  CHECK(at.proxy.metrics().find(
            "onehop_downstream_connections_refused_total{reason=\"new_connections\"} 3\n") !=
        std::string::npos);
}

TEST_CASE("what a client has open is known over a reload, and a lower limit sends nobody away") {
  Limited at("connections = 3");
  for (int i = 0; i < 3; ++i) CHECK(at.one_more());
  REQUIRE(at.proxy.reload(at.config("connections = 2")));
  at.clients[0].send(kGet);
  CHECK_FALSE(at.clients[0].try_read_some().empty());
  at.clients.pop_back();
  CHECK_FALSE(at.one_more());
  REQUIRE(at.proxy.reload(at.config("connections = 4")));
  CHECK(eventually([&] { return at.one_more(); }));
}

TEST_CASE("a refused client is closed before its handshake, which is not counted") {
  Certificates certificates;
  const CertificateFiles server = certificates.leaf();
  Limited at("connections = 1", "",
             "[listener.tls]\ncertificates = [{ cert = \"" + server.cert + "\", key = \"" +
                 server.key + "\" }]\n");
  Client silent = at.proxy.connect();
  CHECK(at.proxy.wait_number("downstream/connections/refused_total", 0) == 0);
  Client refused = at.proxy.connect();
  refused.read_rest();
  CHECK(at.proxy.wait_number("downstream/connections/refused_total", 1) == 1);
}

TEST_CASE("behind a PROXY header it is the client that is counted, not the proxy") {
  Limited at("connections = 1", "", "proxy_protocol_from = [\"127.0.0.1\"]\n");
  const auto from = [&](const std::string& address) {
    Client client = at.proxy.connect();
    client.send("PROXY TCP4 " + address + " 127.0.0.1 4000 80\r\n" + std::string(kGet));
    if (client.try_read_some().empty()) return false;
    at.clients.push_back(std::move(client));
    return true;
  };
  CHECK(from("192.0.2.1"));
  CHECK_FALSE(from("192.0.2.1"));
  CHECK(from("192.0.2.2"));
}

TEST_CASE("an IPv6 client is its network, and a trusted proxy is no client") {
  Limited at("connections = 1", "trusted_proxies = [\"2001:db8:9::/48\"]\n",
             "proxy_protocol_from = [\"127.0.0.1\"]\n");
  const auto from = [&](const std::string& address) {
    Client client = at.proxy.connect();
    client.send("PROXY TCP6 " + address + " ::1 4000 80\r\n" + std::string(kGet));
    if (client.try_read_some().empty()) return false;
    at.clients.push_back(std::move(client));
    return true;
  };
  CHECK(from("2001:db8::1"));
  CHECK_FALSE(from("2001:db8::ffff:2"));
  CHECK(from("2001:db8:0:1::1"));
  for (int i = 0; i < 3; ++i) CHECK(from("2001:db8:9::1"));
}

}  // namespace
}  // namespace onehop::test
