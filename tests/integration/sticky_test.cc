// SPDX-License-Identifier: MIT
// Clients that stay with their endpoints, over real sockets and whatever happens to the process;
// and requests of one key.
#include <set>

#include "tests/support/catch.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"
#include "tests/support/successor.h"

namespace onehop::test {
namespace {

struct Replicas {
  ScriptedOrigin a{ScriptedOrigin::always(ok("a"))};
  ScriptedOrigin b{ScriptedOrigin::always(ok("b"))};
  ScriptedOrigin c{ScriptedOrigin::always(ok("c"))};

  std::vector<std::string> addresses() const { return {a.address(), b.address(), c.address()}; }
};

// One request with a cookie, or without; what it was answered.
struct Asked {
  std::string body;
  std::string cookie;  // "NAME=VALUE" of Set-Cookie; empty: it brought none
};
Asked ask(const std::string& address, const std::string& cookie) {
  Client client = Peer::connect(address);
  const std::string field = cookie.empty() ? "" : "Cookie: " + cookie + "\r\n";
  client.send("GET / HTTP/1.1\r\nHost: a\r\n" + field + "Connection: close\r\n\r\n");
  const Response response = client.read_response();
  const std::string set = response.fields.get("Set-Cookie").value_or("");
  return {response.body, set.substr(0, set.find(';'))};
}

bool stays(const std::string& address, const Asked& first) {
  for (int i = 0; i < 6; ++i) {
    const Asked again = ask(address, first.cookie);
    if (again.body != first.body || !again.cookie.empty()) return false;
  }
  return true;
}

TEST_CASE("a client keeps its endpoint over a reload, another set and another process") {
  Replicas replicas;
  ProxyConfig config{.endpoints = replicas.addresses(),
                     .server = "drain = \"10s\"\n",
                     .more = "[upstream.app.sticky]\n"};
  ProxyProcess proxy(config);
  Successor successor(proxy);
  const Asked first = ask(proxy.address(), "");
  CHECK(first.cookie.starts_with("onehop_app="));
  CHECK(stays(proxy.address(), first));
  std::swap(config.endpoints.front(), config.endpoints.back());
  config.endpoints.push_back("127.0.0.1:1");
  REQUIRE(proxy.reload(config));
  CHECK(stays(proxy.address(), first));
  REQUIRE(successor.take_over());
  CHECK(stays(proxy.address(), first));
}

TEST_CASE("two programs with one secret understand each other's cookies") {
  Replicas replicas;
  const ProxyConfig config{
      .endpoints = replicas.addresses(),
      .more = "[upstream.app.sticky]\nsecret = \"0123456789abcdef0123456789abcdef\"\n"};
  ProxyProcess one(config);
  ProxyProcess other(config);
  const Asked first = ask(one.address(), "");
  CHECK(stays(other.address(), first));
  const ProxyConfig without{.endpoints = replicas.addresses(), .more = "[upstream.app.sticky]\n"};
  ProxyProcess stranger(without);
  CHECK_FALSE(ask(stranger.address(), first.cookie).cookie.empty());
}

TEST_CASE("all workers of two programs send a key to the same endpoint") {
  const std::string balance = GENERATE("ring_hash", "maglev");
  Replicas replicas;
  const ProxyConfig config{
      .endpoints = replicas.addresses(),
      .server = "workers = 2\n",
      .upstream = "balance = \"" + balance + "\"\nhash_by = \"cookie:user\"\n"};
  ProxyProcess one(config);
  ProxyProcess other(config);
  std::set<std::string> seen;
  for (int user = 0; user < 12; ++user) {
    const std::string cookie = "user=" + std::to_string(user);
    const std::string home = ask(one.address(), cookie).body;
    seen.insert(home);
    for (int i = 0; i < 4; ++i) {
      CHECK(ask(one.address(), cookie).body == home);
      CHECK(ask(other.address(), cookie).body == home);
    }
  }
  CHECK(seen.size() > 1);
}

}  // namespace
}  // namespace onehop::test
