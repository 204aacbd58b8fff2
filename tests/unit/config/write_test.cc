// SPDX-License-Identifier: MIT
// to_toml() and to_json(): nothing is lost, and no secret is shown.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using nlohmann::json;
using testing::reference;

ListenerTls unusual_tls() {
  ListenerTls tls;
  tls.certificates = {{"a.pem", "a.key", ""}, {"/etc/b \"${x}\".pem", "../b.key", "b.der"}};
  tls.policy = TlsPolicy::modern;
  tls.cipher_suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";
  tls.client_certificates = ClientCertificates::optional;
  tls.client_ca = "ca.pem";
  tls.client_subject_field = "X-Client";
  tls.client_fingerprint_field = "X-Fingerprint";
  tls.session_tickets = false;
  tls.ticket_rotation = seconds(60);
  tls.handshake_timeout = milliseconds(1500);
  tls.handshake_rate = 500;
  tls.reload_interval = seconds(1);
  return tls;
}

// A Config in which no field has its default.
Config unusual() {
  Config config = reference();
  config.server = {.workers = 3,
                   .drain_delay = seconds(2),
                   .drain = seconds(5),
                   .drain_idle = seconds(1),
                   .zone = "eu-1",
                   .trusted_proxies = {"10.0.0.0/8", "::1"},
                   .identity_fields = {"X-Tenant"},
                   .via = Via::off,
                   .request_id = false,
                   .limits = {},
                   .timeouts = {},
                   .http2 = {},
                   .paths = {},
                   .dns = {}};
  config.server.limits = {300, 400, 7, 1'000'000, 2048, 99};
  config.server.timeouts = {.request_head = milliseconds(1),
                            .request_body = seconds(90),
                            .request_body_min_rate = 1000,
                            .request_body_idle = seconds(11),
                            .idle = seconds(0),
                            .write_stall = seconds(7200)};
  config.server.http2 = {7, 65536, 131072, 20, 3};
  Listener secure;
  secure.address = "[::1]:0";
  secure.backlog = 1;
  secure.half_close = HalfClose::serve;
  secure.http2 = false;
  secure.forwarded = {"forwarded"};
  secure.hsts_max_age = seconds(3600);
  secure.hsts_subdomains = true;
  secure.tls = unusual_tls();
  Listener plain;
  plain.address = ":0";
  plain.backlog = 65535;
  plain.forwarded = {};
  plain.redirect_to_https = 443;
  config.listeners = {secure, plain};
  config.routes = {{"*.Example.org", "/${HOME}/$${x}/\"", PathMatch::exact, "a.b"},
                   {"example.org", "/", PathMatch::prefix, "app"}};
  Upstream upstream;
  upstream.name = "a.b";
  upstream.endpoints = {{.address = "app:8000", .weight = 1000, .zone = "eu-2"}};
  upstream.balance = Balance::maglev;
  upstream.hash_by = "header:X-User";
  upstream.hash_balance_factor = 150;
  upstream.zone_spill_below = 70;
  upstream.sticky = {true, "srv", "", "/a", seconds(60), SameSite::strict, false};
  upstream.retries = 0;
  upstream.pool = {false, 0, milliseconds(1), seconds(2), 0, seconds(0), 5, 6, milliseconds(1500)};
  upstream.timeouts = {seconds(0), seconds(1), seconds(61), seconds(3601), seconds(5)};
  upstream.http2 = {16384, 32768};
  upstream.protocol = UpstreamProtocol::automatic;
  upstream.tls = {true, "", "app.example.org", "c.pem", "c.key", true, seconds(1)};
  config.upstreams.insert(config.upstreams.begin(), upstream);
  config.admin.listen = "";
  config.admin.hosts = {"onehop.example.org", "*.local"};
  config.admin.connections = 7;
  config.admin.metrics_per_endpoint = true;
  config.admin.control = "/run/onehop/c.sock";
  config.admin.token_file = "/etc/onehop/token";
  config.log.format = LogFormat::json;
  config.log.level = LogLevel::error;
  config.log.rooms.levels.back() = RoomLevel::debug;
  config.log.access = {"/a.log", "{client} \"{status}\"", false, {"4xx", "none"}, seconds(3),
                       12'345};
  return config;
}

TEST_CASE("a configuration that is written as TOML is read back as it was") {
  for (const Config& config : {reference(), unusual()}) {
    for (const bool with_comments : {false, true}) {
      const std::string text = to_toml(config, with_comments);
      INFO(text);
      const auto again = parse(text, "t.toml", [](std::string_view) { return std::nullopt; });
      if (!again) FAIL(again.error().front().to_string());
      CHECK(*again == config);
    }
  }
}

TEST_CASE("TOML is written with comments only where they are wanted") {
  CHECK(to_toml(reference(), true).find('#') != std::string::npos);
  CHECK(to_toml(reference(), false).find('#') == std::string::npos);
}

TEST_CASE("the JSON document has the keys and the notation of the file") {
  const json document = json::parse(to_json(unusual()));
  CHECK(document["server"]["workers"] == 3);
  CHECK(document["server"]["drain"] == "5s");
  CHECK(document["server"]["trusted_proxies"] == json({"10.0.0.0/8", "::1"}));
  CHECK(document["server"]["limits"]["request_body"] == "1MB");
  CHECK(document["server"]["timeouts"]["request_body_min_rate"] == "1KB");
  const json plain = document["listener"][1];
  const json written = {{"address", ":0"},          {"backlog", 65535},
                        {"half_close", "cancel"},   {"http2", true},
                        {"redirect_to_https", 443}, {"hsts_max_age", "0s"},
                        {"hsts_subdomains", false}};
  for (const auto& [key, value] : written.items()) CHECK(plain[key] == value);
  CHECK_FALSE(plain.contains("tls"));
  CHECK(document["listener"][0]["hsts_max_age"] == "1h");
  CHECK(document["listener"][0]["tls"]["policy"] == "modern");
  CHECK(document["listener"][0]["tls"]["certificates"][1] ==
        json({{"cert", "/etc/b \"${x}\".pem"}, {"key", "../b.key"}, {"ocsp", "b.der"}}));
  CHECK(document["route"][0]["path"] == "/${HOME}/$${x}/\"");
  CHECK(document["route"][0]["match"] == "exact");
  CHECK(document["upstream"]["a.b"]["endpoints"][0]["weight"] == 1000);
  CHECK(document["upstream"]["a.b"]["pool"]["reuse"] == false);
  CHECK(document["upstream"]["app"]["pool"]["queue_timeout"] == "1s");
  CHECK(document["upstream"]["a.b"]["protocol"] == "auto");
  CHECK(json::parse(to_json(reference()))["server"]["workers"] == "auto");
  CHECK(json::parse(to_json(Config{}))["upstream"] == json::object());
}

TEST_CASE(
    "the JSON document says where certificates are not verified, and has no table that is off") {
  Config config = reference();
  CHECK_FALSE(json::parse(to_json(config))["upstream"]["app"].contains("tls"));
  CHECK_FALSE(json::parse(to_json(config))["listener"][0].contains("tls"));
  config.upstreams[0].tls.enabled = true;
  CHECK(json::parse(to_json(config))["upstream"]["app"]["tls"]["insecure_skip_verify"] == false);
  config.upstreams[0].tls.insecure_skip_verify = true;
  CHECK(json::parse(to_json(config))["upstream"]["app"]["tls"]["insecure_skip_verify"] == true);
}

TEST_CASE("what came from a variable that is named like a secret is masked") {
  const auto config = parse(R"(
[[listener]]
address = ":0"
[[route]]
path = "/${app_key}"
upstream = "app"
[upstream.app]
endpoints = ["${API_TOKEN}", { address = "${HOST}:1" }, { address = "${A_SECRET:-plain}:1" }]
[server]
trusted_proxies = ["${CREDENTIALS:-::1}", "::2"]
)",
                            "t.toml", testing::variable);
  REQUIRE(config);
  CHECK(config->upstreams[0].endpoints[0].address == "hidden:80");
  const std::string text = to_json(*config);
  CHECK(text.find("hidden") == std::string::npos);
  CHECK(text.find("plain") == std::string::npos);
  const json document = json::parse(text);
  CHECK(document["route"][0]["path"] == "***");
  CHECK(document["upstream"]["app"]["endpoints"][0] == json({{"address", "***"},
                                                             {"weight", 1},
                                                             {"priority", 0},
                                                             {"backup", false},
                                                             {"zone", "***"}}));
  CHECK(document["upstream"]["app"]["endpoints"][1] == json({{"address", "10.0.0.1:1"},
                                                             {"weight", 1},
                                                             {"priority", 0},
                                                             {"backup", false},
                                                             {"zone", ""}}));
  CHECK(
      document["upstream"]["app"]["endpoints"][2] ==
      json({{"address", "***"}, {"weight", 1}, {"priority", 0}, {"backup", false}, {"zone", ""}}));
  CHECK(document["server"]["trusted_proxies"] == json({"***", "::2"}));
}

// A text with a few random bytes changed, lines repeated or pieces cut out.
std::string mutated(std::string text, std::mt19937& random) {
  constexpr std::string_view kBytes = "[]{}\"'=.,#$-_ \n\\09aZ\x7f\xff";
  const auto below = [&random](size_t limit) { return random() % std::max<size_t>(limit, 1); };
  for (size_t changes = 1 + below(4); changes > 0 && !text.empty(); --changes) {
    const size_t at = below(text.size());
    switch (below(4)) {
      case 0:
        text[at] = kBytes[below(kBytes.size())];
        break;
      case 1:
        text.insert(at, 1, kBytes[below(kBytes.size())]);
        break;
      case 2:
        text.erase(at, 1 + below(20));
        break;
      default:
        text.insert(below(text.size()), text.substr(at, below(60)));
        break;
    }
  }
  return text;
}

TEST_CASE("a damaged file is read or answered with problems at places inside it") {
  const uint32_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string original = to_toml(unusual(), false);
  for (int i = 0; i < 300; ++i) {
    const std::string text = mutated(original, random);
    INFO(text);
    const uint32_t line_count = 1 + static_cast<uint32_t>(std::ranges::count(text, '\n'));
    const auto result = parse(text, "t.toml", testing::variable);
    if (result) {
      CHECK(check(*result).empty());
      continue;
    }
    REQUIRE_FALSE(result.error().empty());
    for (const Problem& problem : result.error()) {
      CHECK((problem.line >= 1 && problem.line <= line_count && problem.column >= 1));
      CHECK_FALSE(problem.sentence.empty());
    }
  }
}

}  // namespace
}  // namespace onehop::config
