// SPDX-License-Identifier: MIT
// Endpoints that are names: whoever answers for them is a DNS server in the test's hands.
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/full_listener.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_dns.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr const char* kService = "_http._tcp.app.test";

uint16_t port_of(const std::string& address) {
  return static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

// The zone, which a test may change at any time. SRV records lead to replicas on this machine.
class Zone {
 public:
  enum class Mood : uint8_t { answers, fails, denies };

  void set_ports(std::vector<uint16_t> ports, uint32_t ttl_s = 0) {
    const std::lock_guard lock(mutex_);
    ports_ = std::move(ports);
    ttl_s_ = ttl_s;
  }
  void set_addresses(std::vector<std::string> addresses) {
    const std::lock_guard lock(mutex_);
    addresses_ = std::move(addresses);
  }
  void set_mood(Mood mood) {
    const std::lock_guard lock(mutex_);
    mood_ = mood;
  }
  size_t asked() const { return server_.asked(); }

  std::string server() const {
    return "[server.dns]\nservers = [\"" + server_.address().to_string() +
           "\"]\nmin_ttl = \"100ms\"\n";
  }

 private:
  std::vector<std::string> answer(const DnsQuestion& question) {
    const std::lock_guard lock(mutex_);
    DnsMessage message(question);
    if (mood_ == Mood::fails) message.code(2);
    if (mood_ == Mood::denies) message.code(3);
    if (mood_ != Mood::answers) return {message.bytes()};
    if (question.type == kTypeSrv) {
      for (const uint16_t port : ports_) message.service(1, 1, port, "replica.test", ttl_s_);
    } else {
      for (const std::string& address : addresses_) {
        const uint16_t type = address.find(':') == address.npos ? kTypeA : kTypeAaaa;
        if (type == question.type) message.address(address, ttl_s_);
      }
    }
    return {message.bytes()};
  }

  std::mutex mutex_;
  std::vector<uint16_t> ports_;
  std::vector<std::string> addresses_ = {"127.0.0.1"};
  uint32_t ttl_s_ = 0;
  Mood mood_ = Mood::answers;
  ScriptedDns server_{[this](const DnsQuestion& question) { return answer(question); }};
};

struct Stage {
  ScriptedOrigin a{ScriptedOrigin::always(ok("a"))};
  ScriptedOrigin b{ScriptedOrigin::always(ok("b"))};
  ScriptedOrigin c{ScriptedOrigin::always(ok("c"))};
  Zone zone;

  uint16_t port(const ScriptedOrigin& origin) const { return port_of(origin.address()); }
  ProxyConfig config(const std::string& endpoint = std::string("srv:") + kService) const {
    return {.endpoints = {endpoint}, .more = zone.server()};
  }
};

std::vector<std::string> endpoints_of(const ProxyProcess& proxy) {
  const Stats stats = proxy.stats();
  return stats.has("upstreams/app/endpoints") ? stats.keys("upstreams/app/endpoints")
                                              : std::vector<std::string>();
}

// The answers of so many requests, each once.
std::string answers(const ProxyProcess& proxy, int count) {
  std::string seen;
  for (int i = 0; i < count; ++i) {
    const std::string body = proxy.get().body;
    if (seen.find(body) == seen.npos) seen += body;
  }
  std::ranges::sort(seen);
  return seen;
}

TEST_CASE("a name is all its addresses, each an endpoint of its own") {
  Stage stage;
  stage.zone.set_addresses({"127.0.0.1", "127.0.0.9"});
  const std::string port = std::to_string(stage.port(stage.a));
  const ProxyProcess proxy(stage.config("app.test:" + port));
  CHECK(endpoints_of(proxy) == std::vector<std::string>{"127.0.0.1:" + port, "127.0.0.9:" + port});
  for (int i = 0; i < 4; ++i) CHECK(proxy.get().body == "a");  // nobody is at the other
}

TEST_CASE("replicas that come and go in the DNS are found within their TTL, and no request fails") {
  Stage stage;
  stage.zone.set_ports({stage.port(stage.a), stage.port(stage.b)});
  const ProxyProcess proxy(stage.config());
  CHECK(answers(proxy, 4) == "ab");
  stage.zone.set_ports({stage.port(stage.a), stage.port(stage.b), stage.port(stage.c)});
  CHECK(eventually([&] { return answers(proxy, 6) == "abc"; }));
  stage.zone.set_ports({stage.port(stage.c)});
  CHECK(eventually([&] { return answers(proxy, 4) == "c"; }));
  CHECK(eventually([&] { return stage.a.open() + stage.b.open() == 0; }));
  CHECK(proxy.stats().number_or_zero("downstream/requests/outcomes/connect_refused") == 0);
  CHECK(proxy.stats().number("downstream/requests/by_class/5xx") == 0);
}

TEST_CASE("a name that does not resolve at the start is an upstream without an endpoint") {
  Stage stage;
  stage.zone.set_mood(Zone::Mood::denies);
  stage.zone.set_ports({stage.port(stage.a)});
  const ProxyProcess proxy(stage.config());
  const Response response = proxy.get();
  CHECK(response.status == 503);
  CHECK(response.field("Proxy-Status").find("destination_unavailable") != std::string::npos);
  CHECK(proxy.stats().number("downstream/requests/outcomes/no_endpoint") == 1);
  stage.zone.set_mood(Zone::Mood::answers);
  CHECK(eventually([&] { return proxy.get().status == 200; }));
}

TEST_CASE(
    "a DNS server that fails, or says that there is nothing, leaves the endpoints as they are") {
  Stage stage;
  const auto mood = GENERATE(Zone::Mood::fails, Zone::Mood::denies);
  stage.zone.set_ports({stage.port(stage.a)});
  const ProxyProcess proxy(stage.config());
  CHECK(proxy.get().body == "a");
  stage.zone.set_mood(mood);
  CHECK(
      eventually([&] { return proxy.stats().number("upstreams/app/discovery/failed_total") > 1; }));
  CHECK(proxy.get().body == "a");
}

TEST_CASE("a connect that is refused has the name looked up again, long before its TTL is over") {
  Stage stage;
  auto gone = std::make_unique<ScriptedOrigin>(ScriptedOrigin::always(ok("gone")));
  stage.zone.set_ports({port_of(gone->address())}, 3600);
  ProxyConfig config = stage.config();
  config.more += "max_ttl = \"1h\"\n";
  const ProxyProcess proxy(config);
  CHECK(proxy.get().body == "gone");
  gone.reset();
  stage.zone.set_ports({stage.port(stage.b)}, 3600);
  CHECK(eventually([&] { return proxy.get().body == "b"; }));
}

TEST_CASE(
    "a reload that keeps a name keeps its endpoints, and one that brings a name waits for it") {
  Stage stage;
  stage.zone.set_ports({stage.port(stage.a)}, 3600);
  ProxyProcess proxy(ProxyConfig{.endpoints = {stage.b.address()}, .more = stage.zone.server()});
  CHECK(proxy.get().body == "b");
  REQUIRE(proxy.reload(stage.config()));
  CHECK(proxy.get().body == "a");  // known when it comes into force
  const size_t asked = stage.zone.asked();
  ProxyConfig other = stage.config();
  other.pool = "max_idle = 3";
  REQUIRE(proxy.reload(other));
  CHECK(proxy.get().body == "a");
  CHECK(stage.zone.asked() == asked);
  CHECK(stage.a.accepts() == 1);  // its pool stayed
}

TEST_CASE("what is known of a name outlives a reload while the DNS fails") {
  Stage stage;
  stage.zone.set_ports({stage.port(stage.a)}, 3600);
  ProxyProcess proxy(stage.config());
  CHECK(proxy.get().body == "a");
  stage.zone.set_mood(Zone::Mood::fails);
  ProxyConfig more = stage.config();
  more.endpoints.push_back(stage.b.address());
  REQUIRE(proxy.reload(more));
  CHECK(answers(proxy, 4) == "ab");
}

TEST_CASE("a reload that is asked for while the start waits for names comes after the start") {
  Stage stage;
  // Nobody reads what is asked there.
  const int silent = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const Address any = *Address::numeric("127.0.0.1", 0);
  REQUIRE(::bind(silent, any.raw(), any.size()) == 0);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(silent, reinterpret_cast<sockaddr*>(&bound), &size);
  const std::string server = Address::from(reinterpret_cast<const sockaddr*>(&bound)).to_string();
  ProxyProcess proxy(ProxyConfig{.endpoints = {"app.test:80", stage.a.address()},
                                 .more = "[server.dns]\nservers = [\"" + server + "\"]\n"});
  CHECK(proxy.admin("/readyz").body == "starting\n");
  REQUIRE(proxy.reload(ProxyConfig{.endpoints = {stage.b.address()}}));
  CHECK(proxy.admin("/readyz").body == "ready\n");
  CHECK(proxy.get().body == "b");
  ::close(silent);
}

TEST_CASE("a service over TLS is verified by the name of its domain, and nothing breaks") {
  Stage stage;
  ScriptedOrigin hangs_up([](OriginConnection& connection) { connection.read_some(); });
  stage.zone.set_ports({port_of(hangs_up.address())});
  ProxyConfig config = stage.config();
  config.more += "[upstream.app.tls]\n";
  const ProxyProcess proxy(config);
  CHECK(proxy.get().status == 502);
  CHECK(proxy.get().status == 502);
}

TEST_CASE("where a name has both families, an address that says nothing keeps nobody waiting") {
  Stage stage;
  const FullListener silent(*Address::numeric("::1", stage.port(stage.a)));
  stage.zone.set_addresses({"::1", "127.0.0.1"});
  ProxyConfig config = stage.config("app.test:" + std::to_string(stage.port(stage.a)));
  config.upstream = "retries = 0";
  config.upstream_timeouts = "connect = \"60s\"";  // nobody waits for that
  ProxyProcess proxy(config);
  for (int i = 0; i < 4; ++i) CHECK(proxy.get().body == "a");
  CHECK(eventually([&] { return proxy.errors().find("connect_slow") != std::string::npos; }));
}

TEST_CASE("/stats says of each endpoint where it comes from, and since when") {
  Stage stage;
  stage.zone.set_ports({stage.port(stage.a)});
  ProxyConfig config = stage.config();
  config.endpoints.push_back(stage.b.address());
  const ProxyProcess proxy(config);
  const Stats stats = proxy.stats();
  const auto& endpoints = stats.document()["upstreams"]["app"]["endpoints"];
  CHECK(endpoints[stage.a.address()]["source"] == std::string("srv:") + kService);
  CHECK(endpoints[stage.b.address()]["source"] == "file");
  CHECK(endpoints[stage.a.address()]["since"].get<int64_t>() > 1'700'000'000);
  CHECK(endpoints[stage.b.address()]["weight"] == 1);
  const std::string lookups = "onehop_dns_lookups_total{upstream=\"app\",result=";
  CHECK(proxy.metrics().find(lookups + "\"success\"} ") != std::string::npos);
  CHECK(proxy.metrics().find(lookups + "\"failure\"} 0") != std::string::npos);
}

}  // namespace
}  // namespace onehop::test
