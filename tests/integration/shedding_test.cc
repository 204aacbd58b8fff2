// SPDX-License-Identifier: MIT
// Full of clients that wait: new ones are served, those who go on asking do not notice, and the
// admin endpoint answers.
#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr Leg kLegs[] = {
    {Speaks::h1, Tls::off}, {Speaks::h1, Tls::on}, {Speaks::h2, Tls::off}, {Speaks::h2, Tls::on}};
constexpr char kShed[] = "downstream/connections/shed_total";
constexpr char kOpen[] = "downstream/connections/open";

SubprocessOptions files(unsigned count) {
  return {.environment = {}, .open_files = count, .directory = ""};
}

// A site with clients of one kind.
struct Site {
  Site(Leg clients_leg, ProxyConfig config, unsigned open_files) : leg(clients_leg) {
    config.endpoints = {origin.address()};
    if (leg.tls == Tls::on) config.more += listener_tls(made);
    proxy.emplace(config, files(open_files));
  }
  std::unique_ptr<AnyClient> client() {
    return connect_any(leg, proxy->address(), made.authority());
  }
  int64_t number(const std::string& path) const { return proxy->stats().number(path); }

  Leg leg;
  Certificates made;
  ScriptedOrigin origin{ScriptedOrigin::always(ok("done"))};
  std::optional<ProxyProcess> proxy;
};

int status_of(AnyClient& client) {
  client.ask({});
  return client.response().status;
}

// As clients do: who finds that its idle connection was closed comes once more. Where silent
// clients come faster than a busy machine looks at them, none of them is silent yet, and an idle
// one goes.
int status_of_kept(Site& site, std::unique_ptr<AnyClient>& client) {
  try {
    return status_of(*client);
  } catch (const PeerError&) {
    client = site.client();
    return status_of(*client);
  }
}

TEST_CASE("full of silent clients new ones are served, those who ask stay, and readyz answers") {
  const unsigned open_files = GENERATE(256, 128);
  for (const Leg& leg : kLegs) {
    INFO(leg.name() << ", " << open_files << " files");
    Site site(leg, {.server = "workers = 2"}, open_files);
    auto established = site.client();
    CHECK(status_of(*established) == 200);
    std::vector<Client> silent;
    for (int i = 0; i < 300; ++i) silent.push_back(site.proxy->connect());
    for (int i = 0; i < 10; ++i) {
      CHECK(status_of(*site.client()) == 200);
      CHECK(status_of_kept(site, established) == 200);
      CHECK(site.proxy->admin("/readyz").status == 200);
    }
    CHECK(site.number(kShed) > 0);
    CHECK(site.proxy->open_files() <= open_files);
  }
}

TEST_CASE("full of clients that were served, new ones are, and the longest idle are closed") {
  const unsigned open_files = GENERATE(256, 128);
  for (const Leg& leg : kLegs) {
    INFO(leg.name() << ", " << open_files << " files");
    Site site(leg, {}, open_files);
    std::vector<std::unique_ptr<AnyClient>> idle;
    for (int i = 0; i < 150; ++i) {
      idle.push_back(site.client());
      CHECK(status_of(*idle.back()) == 200);
      if (i > 20) CHECK(status_of(*idle[20]) == 200);
    }
    CHECK(site.proxy->admin("/readyz").status == 200);
    CHECK(site.number(kShed) > 0);
    CHECK(status_of(*idle[20]) == 200);
  }
}

TEST_CASE("limits.connections closes who waits longest before anybody has to wait") {
  for (const Leg& leg : kLegs) {
    INFO(leg.name());
    Site site(leg, {.limits = "connections = 10"}, 0);
    std::vector<std::unique_ptr<AnyClient>> clients;
    for (int i = 0; i < 10; ++i) {
      clients.push_back(site.client());
      CHECK(status_of(*clients.back()) == 200);
    }
    CHECK(site.number(kShed) == 0);
    for (int i = 0; i < 5; ++i) {
      clients.push_back(site.client());
      CHECK(status_of(*clients.back()) == 200);
    }
    CHECK(site.number(kShed) == 5);
    CHECK(site.number(kOpen) == 10);
    CHECK(site.number("downstream/connections/accept_paused_total") == 0);
    for (size_t i = 5; i < clients.size(); ++i) CHECK(status_of(*clients[i]) == 200);
    const std::string log = site.proxy->errors();
    const size_t line = log.find("the limit of 10 client connections");
    REQUIRE(line != std::string::npos);
    CHECK(log.find("the limit of 10 client connections", line + 1) == std::string::npos);
  }
}

TEST_CASE("a client with a request in flight is never closed for another one") {
  Gate gate;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    while (const std::optional<Request> request = connection.read_request()) {
      if (request->target == "/held") gate.wait();
      if (!connection.try_send(ok("done"))) return;
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .limits = "connections = 3"});
  std::vector<Client> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(proxy.connect());
    held.back().send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  REQUIRE(eventually([&] { return origin.requests() == 3; }));
  Client late = proxy.connect();
  late.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(late.quiet_for(milliseconds(200)));
  gate.open();
  for (Client& client : held) CHECK(client.read_response().status == 200);
  CHECK(late.read_response().status == 200);
}

TEST_CASE("half a request head is closed for others only when its time to go on is over") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .limits = "connections = 4"});
  std::vector<Client> slow;
  for (int i = 0; i < 4; ++i) {
    slow.push_back(proxy.connect());
    slow.back().send("GET / HT");
    slow.back().wait_until_read();
  }
  Client late = proxy.connect();
  late.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(late.quiet_for(milliseconds(300)));
  slow[3].send("TP/1.1\r\nHost: a\r\n\r\n");
  CHECK(slow[3].read_response().status == 200);
  CHECK(late.read_response().status == 200);
}

TEST_CASE(
    "a limit above what the descriptors suffice for is said at the start, and nobody is cut") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .limits = "connections = 100000"},
                     files(128));
  const std::string said = "server.limits.connections = 100000 is more than";
  CHECK(eventually([&] { return proxy.errors().find(said) != std::string::npos; }));
  std::vector<Client> silent;
  for (int i = 0; i < 200; ++i) silent.push_back(proxy.connect());
  for (int i = 0; i < 10; ++i) {
    CHECK(proxy.get().status == 200);
    CHECK(proxy.admin("/readyz").status == 200);
  }
}

}  // namespace
}  // namespace onehop::test
