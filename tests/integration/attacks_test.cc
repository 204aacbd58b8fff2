// SPDX-License-Identifier: MIT
// Attacks that work by what they make the proxy do or hold, each with an honest client beside it
// (docs/resilience.md). Those on the framing of HTTP/2 are in h2_attacks_test.cc.
#include "tests/support/catch.h"
#include "tests/support/h2_client.h"
#include "tests/support/h2_victim.h"

namespace onehop::test {
namespace {

constexpr int kLooks = 8;  // how often the honest client comes

// Sends `bytes` over and over, and reads nothing; whether the honest client was served all along.
bool serves_beside(const H2Victim& victim, Client& attacker, const std::string& bytes, int times) {
  bool served = true;
  for (int i = 0; i < times; ++i) {
    if (!attacker.try_send(bytes)) break;
    if (i % (times / kLooks) == 0) served &= victim.serves();
  }
  return served && victim.serves();
}

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST_CASE("26: heads that make work of the product of two lists keep nobody waiting") {
  H2Victim victim(ok("done"));
  const std::string unknown = repeated("X-Unknown: 1\r\n", 80);
  const std::string list = GENERATE("a,", "x-unknown,", "te,", ",");
  const std::string name = GENERATE("Connection", "TE", "Upgrade", "Via", "Forwarded");
  CAPTURE(name, list);
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\n" + unknown + name + ": ";
  const size_t room = 30'000 - head.size();
  head += repeated(list, static_cast<int>(room / list.size())) + "\r\n\r\n";
  Client attacker = victim.proxy.connect();
  CHECK(serves_beside(victim, attacker, head, kLooks));
  CHECK(victim.grown() < attack_growth());
}

TEST_CASE("27: what windows of zero hold back is bounded, and honest clients see no error") {
  constexpr int kConnections = 6;
  constexpr int kStreams = 50;
  H2Victim victim(ok(noise(512 << 10)), {.limits = "buffered = \"4MiB\""});
  std::vector<H2Peer> attackers;
  bool served = true;
  for (int i = 0; i < kConnections; ++i) {
    H2Peer& attacker = attackers.emplace_back(victim.connect({{kInitialWindowSize, 0}}));
    for (int n = 0; n < kStreams; ++n) attacker.request(h2_request());
    served &= victim.serves();
  }
  const std::string shed = "onehop_downstream_stalled_given_up_total";
  CHECK(
      eventually([&] { return victim.proxy.metrics().find(shed + " 0\n") == std::string::npos; }));
  CHECK(served);
  CHECK(victim.serves());
  CHECK(eventually([&] {
    return victim.proxy.errors().find("more than the 4MiB of server.limits.buffered") !=
           std::string::npos;
  }));
  CHECK(victim.proxy.stats().number("downstream/connections/stalled_given_up_total") > 0);
  // Exchanges and their connections to the origin are there beside what waits.
  CHECK(victim.grown() < attack_growth() + kConnections * kStreams * (size_t{48} << 10));
  attackers.clear();
  CHECK(victim.proxy.wait_number("downstream/requests/in_flight", 0) == 0);
  CHECK(victim.serves());
}

TEST_CASE("27: large heads that wait for a silent replica are bounded, and who sends them pays") {
  constexpr int kConnections = 6;
  constexpr int kStreams = 40;
  H2Victim victim("", {.limits = "buffered = \"2MiB\""});
  std::vector<H2Peer> attackers;
  bool served = true;
  for (int i = 0; i < kConnections; ++i) {
    H2Peer& attacker = attackers.emplace_back(victim.connect());
    for (int n = 0; n < kStreams; ++n) {
      attacker.request(h2_request("GET", "/silent", {{"x-large", std::string(14 << 10, 'x')}}));
      if (n % 8 == 0) served &= victim.serves();
    }
  }
  const std::string shed = "onehop_downstream_stalled_given_up_total";
  CHECK(
      eventually([&] { return victim.proxy.metrics().find(shed + " 0\n") == std::string::npos; }));
  CHECK(served);
  CHECK(victim.serves());
  attackers.clear();
  CHECK(victim.proxy.wait_number("downstream/requests/in_flight", 0) == 0);
}

TEST_CASE("34: bodies in chunks of one byte keep nobody waiting") {
  H2Victim victim(ok("done"));
  Client attacker = victim.proxy.connect();
  attacker.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(serves_beside(victim, attacker, repeated("1\r\na\r\n", 2000), 4 * kLooks));
  CHECK(victim.grown() < attack_growth());
}

TEST_CASE("30: requests that the proxy answers itself, sent ahead, keep nobody waiting") {
  H2Victim victim(ok("done"), {.routes = "[[route]]\npath = \"/small\"\nupstream = \"app\"\n"});
  const std::string request = GENERATE("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n",
                                       "HEAD /nothing HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                                       "\r\nPOST /nothing HTTP/1.1\r\nHost: a\r\n"
                                       "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
                                       "OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n");
  Client attacker = victim.proxy.connect();
  CHECK(serves_beside(victim, attacker, repeated(request, 500), 16));
  CHECK(victim.grown() < attack_growth());
}

TEST_CASE("30: streams that the proxy answers itself keep nobody waiting") {
  constexpr int kStreams = 400;
  H2Victim victim(ok("done"), {.routes = "[[route]]\npath = \"/small\"\nupstream = \"app\"\n"});
  // No route, a number of hops that is used up, what is expected in vain, and a path in two ways.
  const H2Fields request =
      GENERATE(h2_request("GET", "/nothing"), h2_request("OPTIONS", "*", {{"max-forwards", "0"}}),
               h2_request("POST", "/small", {{"expect", "tea"}}), h2_request("GET", "/a/..;/b"));
  H2Peer attacker = victim.connect();
  REQUIRE(attacker.answers());
  for (int round = 0; round < kLooks; ++round) {
    std::string burst;
    const int32_t first = 2 * round * kStreams + 1;
    for (int i = 0; i < kStreams; ++i)
      burst += h2_headers(first + 2 * i, request, kEndHeaders | kEndStream).wire();
    REQUIRE(attacker.try_send(burst));
    CHECK(victim.serves());
    REQUIRE(attacker.answers());
  }
  CHECK(victim.grown() < attack_growth());
  CHECK(victim.proxy.wait_number("downstream/requests/in_flight", 0) == 0);
}

TEST_CASE("30: streams that are reset behind their heads cost the endpoint no connect") {
  H2Victim victim(ok("done"));
  H2Peer attacker = victim.connect();
  std::string burst;
  for (int i = 0; i < 200; ++i) {
    burst += h2_headers(2 * i + 1, h2_request("POST"), kEndHeaders | kEndStream).wire() +
             h2_reset(2 * i + 1).wire();
  }
  REQUIRE(attacker.try_send(burst));
  REQUIRE(attacker.answers());
  CHECK(victim.serves());
  CHECK(victim.proxy.wait_number("downstream/requests/in_flight", 0) == 0);
  // One of the honest client, and one for each read that ends between a head and its reset.
  CHECK(victim.origin.accepts() < 20);
}

}  // namespace
}  // namespace onehop::test
