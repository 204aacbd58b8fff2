// SPDX-License-Identifier: MIT
// TLS and HTTP/2 in the file: what good values mean, and every mistake with the exact line it is
// answered with.
#include <string>
#include <vector>

#include "onehop/config/schema.h"
#include "onehop/http/fields.h"
#include "tests/support/catch.h"
#include "tests/unit/config/texts.h"

namespace onehop::config {
namespace {

using Lines = std::vector<std::string>;
using testing::problems_of;

struct Case {
  std::string text;
  std::string problem;  // "" is none
};

constexpr std::string_view kListener = "[[listener]]\naddress = \":0\"\n";
constexpr std::string_view kTls =
    "[[listener]]\naddress = \":0\"\n"
    "[listener.tls]\ncertificates = [{ cert = \"a.pem\", key = \"a.key\" }]\n";
constexpr std::string_view kUpstream = "[upstream.x]\nendpoints = [\"a:1\"]\n";

constexpr std::string_view kBelowListener =
    "\n[[route]]\nupstream = \"app\"\n[upstream.app]\nendpoints = [\"b:1\"]\n";

Config config_of(const std::string& text, std::string_view file = "t.toml") {
  INFO(text);
  Result<Config, std::vector<Problem>> result = parse(text, file, testing::variable);
  if (!result) FAIL(result.error().front().to_string());
  return *result;
}

void check_table(const std::vector<Case>& cases, std::string_view above, std::string_view below) {
  for (const Case& one : cases) {
    const std::string text = std::string(above) + one.text + std::string(below);
    INFO(text);
    CHECK(problems_of(text) == (one.problem.empty() ? Lines() : Lines{"t.toml:" + one.problem}));
  }
}

TEST_CASE("a listener has TLS where its table has certificates, and each listener its own") {
  const Config config = config_of(R"(
[[listener]]
address = ":443"
hsts_max_age = "8760h"
hsts_subdomains = true
[listener.tls]
certificates = [
  { cert = "/a.pem", key = "/a.key" },
  { cert = "/b.pem", key = "${HOST}.key", ocsp = "b.der" },
]
client_certificates = "required"
client_ca = "ca.pem"
client_subject_field = "X-Client-Subject"
[[listener]]
address = ":80"
redirect_to_https = 443
http2 = false
[[route]]
upstream = "app"
[upstream.app]
endpoints = ["b:1"]
[server.http2]
streams = 250
stream_window = "1MiB"
)");
  REQUIRE(config.listeners.size() == 2);
  const Listener& listener = config.listeners[0];
  CHECK(listener.tls.enabled());
  CHECK(listener.hsts_max_age == seconds(31'536'000));
  CHECK(listener.hsts_subdomains);
  const std::vector<Certificate> certificates = {{"/a.pem", "/a.key", ""},
                                                 {"/b.pem", "10.0.0.1.key", "b.der"}};
  CHECK(listener.tls.certificates == certificates);
  CHECK(listener.tls.client_certificates == ClientCertificates::required);
  CHECK(listener.tls.client_ca == "ca.pem");
  CHECK(listener.tls.client_subject_field == "X-Client-Subject");
  CHECK(listener.tls.policy == TlsPolicy::intermediate);
  CHECK(config.listeners[1].tls == ListenerTls{});
  CHECK(config.listeners[1].redirect_to_https == 443);
  CHECK_FALSE(config.listeners[1].http2);
  CHECK(config.server.http2.streams == 250);
  CHECK(config.server.http2.stream_window == 1024 * 1024);
}

TEST_CASE("an upstream has TLS where its table is, even an empty one") {
  const auto upstream_of = [](const std::string& more) {
    return config_of(std::string(kListener) + "[[route]]\nupstream = \"x\"\n" +
                     std::string(kUpstream) + more)
        .upstreams[0];
  };
  CHECK(upstream_of("").tls == UpstreamTls{});
  CHECK(upstream_of("").protocol == UpstreamProtocol::h1);
  CHECK(upstream_of("[upstream.x.tls]").tls == switched_on());
  CHECK(upstream_of("tls = {}").tls.enabled);
  CHECK(upstream_of("protocol = \"h2\"").protocol == UpstreamProtocol::h2);
  CHECK(upstream_of("protocol = \"auto\"\ntls = {}").protocol == UpstreamProtocol::automatic);
  CHECK(upstream_of("tls.server_name = \"app.example.org.\"").tls.server_name == "app.example.org");
  CHECK(upstream_of("tls.server_name = \"::1\"").tls.server_name == "::1");
}

TEST_CASE("relative paths of files begin at the folder of the configuration file") {
  const std::string text = std::string(kListener) +
                           "[listener.tls]\nclient_certificates = \"optional\"\n"
                           "client_ca = \"/etc/ca.pem\"\n"
                           "certificates = [{ cert = \"tls/a.pem\", key = \"../a.key\", "
                           "ocsp = \"${HOST}.der\" }]\n[[route]]\nupstream = \"x\"\n" +
                           std::string(kUpstream) + "[upstream.x.tls]\nca = \"b.pem\"";
  const Config below = config_of(text, "/etc/onehop/onehop.toml");
  const Certificate certificate = {"/etc/onehop/tls/a.pem", "/etc/onehop/../a.key",
                                   "/etc/onehop/10.0.0.1.der"};
  CHECK(below.listeners[0].tls.certificates == std::vector<Certificate>{certificate});
  CHECK(below.listeners[0].tls.client_ca == "/etc/ca.pem");
  CHECK(below.upstreams[0].tls.ca == "/etc/onehop/b.pem");
  CHECK(below.upstreams[0].tls.cert.empty());
  CHECK(config_of(text, "conf/onehop.toml").upstreams[0].tls.ca == "conf/b.pem");
  CHECK(config_of(text, "onehop.toml").upstreams[0].tls.ca == "b.pem");
}

const std::vector<Case> kHttp2 = {
    {"[server.http2]\nstreams = 0", "2:11: server.http2.streams: 1 to 10000, found 0"},
    {"[server.http2]\nstream_window = \"1KiB\"",
     R"(2:17: server.http2.stream_window: "16KiB" to "16MiB", found "1KiB")"},
    {"[server.http2]\nstream_window = \"2MiB\"\nmax_stream_window = \"1MiB\"",
     R"(3:21: server.http2.max_stream_window: "2MiB" (the value of stream_window) to "64MiB", )"
     R"(found "1MiB")"},
    {"[server.http2]\nstream_window = \"8MiB\"",
     R"(1:1: server.http2.max_stream_window: "8MiB" (the value of stream_window) to "64MiB", )"
     R"(found "4MiB")"},
    {"[server.http2]\nreset_burst = 0", "2:15: server.http2.reset_burst: 1 to 1000000, found 0"},
    {"[server.http2]\nresets_per_second = -1",
     "2:21: server.http2.resets_per_second: 1 to 1000000, found -1"},
    {"[server.http2]\nresets_per_sec = 1",
     "2:1: server.http2.resets_per_sec: an unknown key; did you mean `resets_per_second`?"},
};

const std::vector<Case> kListeners = {
    {"http2 = \"on\"", R"(3:9: listener[0].http2: true or false, found "on" (a string))"},
    {"redirect_to_https = 65536", "3:21: listener[0].redirect_to_https: 0 to 65535, found 65536"},
    {"redirect_to_https = true",
     "3:21: listener[0].redirect_to_https: 0 to 65535, found true (a boolean)"},
    {"hsts_max_age = \"1500ms\"",
     R"(3:16: listener[0].hsts_max_age: "0s" to "17520h" in whole seconds, found "1500ms")"},
    {"hsts_max_age = \"1h\"",
     R"(3:16: listener[0].hsts_max_age: "0s" on a listener without TLS, found "1h")"},
    {"hsts_subdomains = true",
     R"(3:19: listener[0].hsts_subdomains: false while hsts_max_age is "0s", found true)"},
    {"[listener.tls]", "3:1: listener[0].tls.certificates: at least one certificate, found none"},
    {"hsts_max_age = \"1h\"\n[listener.tls]",
     "4:1: listener[0].tls.certificates: at least one certificate, found none"},
    {"[listener.tls]\npolicy = \"modern\"",
     "3:1: listener[0].tls.certificates: at least one certificate, found none"},
    {"tls.certificates = []",
     "3:20: listener[0].tls.certificates: at least one certificate, found none"},
    {"tls.certificates = \"a.pem\"",
     R"(3:20: listener[0].tls.certificates: an array of tables, found "a.pem" (a string))"},
    {"tls.certificates = [\"a.pem\"]",
     R"(3:21: listener[0].tls.certificates[0]: a table, found "a.pem" (a string))"},
    {"tls.certificates = [{ cert = \"a.pem\" }]",
     "3:21: listener[0].tls.certificates[0].key: the path of a file, found nothing"},
    {"tls.certificates = [{ key = \"a.key\" }]",
     "3:21: listener[0].tls.certificates[0].cert: the path of a file, found nothing"},
    {"tls.certificates = [{ cert = \"a.pem\", key = \"\" }]",
     "3:45: listener[0].tls.certificates[0].key: the path of a file, found an empty string"},
    {"tls.certificates = [{ cert = \"a.pem\", key = \"a\\nb\" }]",
     "3:45: listener[0].tls.certificates[0].key: the path of a file, "
     R"(found "a\u000Ab" (a control character))"},
    {"tls.certificates = [{ cert = \"a.pem\", key = \"-----BEGIN\" }]",
     "3:45: listener[0].tls.certificates[0].key: the path of a file, "
     R"(found "-----BEGIN" (what is in a file, not where it is))"},
    {"tls.certificates = [{ certificate = \"a.pem\", cert = \"a\", key = \"b\" }]",
     "3:23: listener[0].tls.certificates[0].certificate: an unknown key; did you mean `cert`?"},
    {"tls = true", "3:7: listener[0].tls: a table, found true (a boolean)"},
    {"hsts_max_age = \"1h\"\ntls = true", "4:7: listener[0].tls: a table, found true (a boolean)"},
};

const std::string kField = R"(the name of a field that nobody else uses, or "", found )";

// Below [listener.tls] with a certificate, at line 5.
const std::vector<Case> kListenerTls = {
    {"policy = \"old\"",
     R"(5:10: listener[0].tls.policy: "intermediate" or "modern", found "old")"},
    {"ciphers = \"AES128, AES256\"",
     R"(5:11: listener[0].tls.ciphers: names with ":" between them, as OpenSSL has them, or "", )"
     R"(found "AES128, AES256")"},
    {"ciphers = \"ECDHE+AESGCM:!aNULL:@STRENGTH\"\npolicy = \"intermediate\"", ""},
    {"ciphers = \"AES128-SHA\"\npolicy = \"modern\"",
     R"(5:11: listener[0].tls.ciphers: "" while policy is "modern", which has no TLS 1.2, )"
     R"(found "AES128-SHA")"},
    {"cipher_suites = \"TLS_AES_128_GCM_SHA256\"\npolicy = \"modern\"", ""},
    {"client_certificates = \"optional\"",
     "3:1: listener[0].tls.client_ca: the path of a file, as client_certificates is "
     R"("optional", found none)"},
    {"client_ca = \"\"\nclient_certificates = \"required\"",
     "5:13: listener[0].tls.client_ca: the path of a file, as client_certificates is "
     R"("required", found none)"},
    {"client_ca = \"ca.pem\"",
     R"(5:13: listener[0].tls.client_ca: "" while client_certificates is "off", found "ca.pem")"},
    {"client_crl = \"a.crl\"",
     R"(5:14: listener[0].tls.client_crl: "" while client_certificates is "off", found "a.crl")"},
    {"client_ca = \"ca.pem\"\nclient_certificates = \"requierd\"",
     R"(6:23: listener[0].tls.client_certificates: "off" or "optional" or "required", )"
     R"(found "requierd" (did you mean "required"?))"},
    {"client_subject_field = \"X-Client\"",
     R"(5:24: listener[0].tls.client_subject_field: "" while client_certificates is "off", )"
     R"(found "X-Client")"},
    {"client_ca = \"c\"\nclient_certificates = \"required\"\nclient_subject_field = \"X Client\"",
     "7:24: listener[0].tls.client_subject_field: " + kField +
         R"("X Client" (a character that no field name has))"},
    {"client_ca = \"c\"\nclient_certificates = \"required\"\nclient_subject_field = \"TE\"",
     "7:24: listener[0].tls.client_subject_field: " + kField + R"("TE" (it is of one hop alone))"},
    {"client_ca = \"c\"\nclient_certificates = \"required\"\n"
     "client_fingerprint_field = \"X_Forwarded-For\"",
     "7:28: listener[0].tls.client_fingerprint_field: " + kField +
         R"("X_Forwarded-For" (onehop sets it))"},
    {"client_ca = \"c\"\nclient_certificates = \"required\"\nclient_subject_field = \"Host\"",
     "7:24: listener[0].tls.client_subject_field: " + kField + R"("Host" (onehop reads it))"},
    {"client_ca = \"c\"\nclient_certificates = \"required\"\nclient_subject_field = \"Cookie\"",
     "7:24: listener[0].tls.client_subject_field: " + kField +
         R"("Cookie" (it has a meaning in HTTP))"},
    {"client_ca = \"c\"\nclient_certificates = \"required\"\nclient_subject_field = \"X-A\"\n"
     "client_fingerprint_field = \"x_a\"",
     "8:28: listener[0].tls.client_fingerprint_field: a field of its own, found that of "
     "client_subject_field"},
    {"session_tickets = 1",
     "5:19: listener[0].tls.session_tickets: true or false, found 1 (an integer)"},
    {"ticket_rotation = \"169h\"",
     R"(5:19: listener[0].tls.ticket_rotation: "1s" to "168h", found "169h")"},
    {"handshake_timeout = \"0s\"",
     R"(5:21: listener[0].tls.handshake_timeout: "1ms" to "1h", found "0s")"},
    {"handshake_rate = -1", "5:18: listener[0].tls.handshake_rate: 0 to 1000000, found -1"},
    {"reload_interval = \"0s\"", ""},
    {"reload_interval = \"25h\"",
     R"(5:19: listener[0].tls.reload_interval: "0s" to "24h", found "25h")"},
    {"client_cert = \"required\"",
     "5:1: listener[0].tls.client_cert: an unknown key; did you mean `client_certificates`?"},
    {"[[listener]]\naddress = \"127.0.0.1:1\"\nhsts_max_age = \"1m\"",
     R"(7:16: listener[1].hsts_max_age: "0s" on a listener without TLS, found "1m")"},
};

const std::vector<Case> kUpstreams = {
    {"protocol = \"h9000\"", R"(3:12: upstream.x.protocol: "h1" or "h2" or "auto", found "h9000")"},
    {"protocol = \"auto\"",
     R"(3:12: upstream.x.protocol: "h1" or "h2" without TLS, which alone can ask, found "auto")"},
    {"http2.stream_window = \"1MiB\"\nhttp2.max_stream_window = \"64KiB\"",
     R"(4:27: upstream.x.http2.max_stream_window: "1MiB" (the value of stream_window) to "64MiB", )"
     R"(found "64KiB")"},
    {"protocol = \"auto\"\ntls = 1", "4:7: upstream.x.tls: a table, found 1 (an integer)"},
    {"tls.server_name = \"*.example.org\"",
     R"(3:19: upstream.x.tls.server_name: a name such as "example.org", an IP address, or "", )"
     R"(found "*.example.org" (a character that no name has))"},
    {"tls.cert = \"c.pem\"",
     "3:1: upstream.x.tls.key: the path of a file, as there is a cert, found none"},
    {"[upstream.x.tls]\nkey = \"c.key\"",
     "3:1: upstream.x.tls.cert: the path of a file, as there is a key, found none"},
    {"[upstream.x.tls]\nkey = \"c.key\"\ncert = 5",
     R"(5:8: upstream.x.tls.cert: the path of a file, or "", found 5 (an integer))"},
    {"[upstream.x.tls]\nca = \"ca.pem\"\ninsecure_skip_verify = true",
     "5:24: upstream.x.tls.insecure_skip_verify: false where there is a ca to verify with, "
     "found true"},
    {"tls.insecure_skip_verify = true", ""},
    {"tls.handshake_timeout = \"0s\"",
     R"(3:25: upstream.x.tls.handshake_timeout: "1ms" to "1h", found "0s")"},
    {"tls.verify = false",
     "3:5: upstream.x.tls.verify: an unknown key; did you mean `insecure_skip_verify`, which says "
     "the opposite?"},
    {"tls.rating = 5",
     "3:5: upstream.x.tls.rating: an unknown key; known here: ca, server_name, cert, key, "
     "insecure_skip_verify, handshake_timeout, reload_interval"},
};

TEST_CASE("the limits of HTTP/2 are numbers that bound something") {
  check_table(kHttp2, "", testing::kRest);
}

TEST_CASE("what a listener says of https fits whether it has TLS, which needs certificates") {
  check_table(kListeners, kListener, kBelowListener);
}

TEST_CASE("what a listener's TLS table says fits together") {
  check_table(kListenerTls, kTls, kBelowListener);
}

TEST_CASE("a listener with TLS does not redirect to itself") {
  CHECK(problems_of(std::string(kListener) + "redirect_to_https = 443\n" +
                    "[listener.tls]\ncertificates = [{ cert = \"a\", key = \"b\" }]" +
                    std::string(kBelowListener)) ==
        Lines{"t.toml:3:21: listener[0].redirect_to_https: 0 on a listener with TLS, found 443"});
}

TEST_CASE("what an upstream says of its protocol and its TLS fits together") {
  check_table(kUpstreams, kUpstream, testing::kRest);
}

TEST_CASE("a field that the proxy reads or writes cannot carry a client certificate") {
  for (const std::string_view name : {
#define X(id, name) std::string_view(name),
           ONEHOP_KNOWN_FIELDS(X)
#undef X
       }) {
    INFO(name);
    Config config = testing::reference();
    config.listeners[0].tls.certificates = {{"a", "b", ""}};
    config.listeners[0].tls.client_certificates = ClientCertificates::required;
    config.listeners[0].tls.client_ca = "c";
    CHECK(check(config).empty());
    config.listeners[0].tls.client_subject_field = name;
    REQUIRE(check(config).size() == 1);
    CHECK(check(config)[0].key == "listener[0].tls.client_subject_field");
  }
}

TEST_CASE("TLS settings without certificates are a mistake of a configuration made by hand, too") {
  Config config = testing::reference();
  config.listeners[0].tls.policy = TlsPolicy::modern;
  CHECK(testing::lines(check(config)) ==
        Lines{"command line: listener[0].tls.certificates: at least one certificate, found none"});
}

// A check that finds something wrong with the first listener and the first upstream.
std::vector<Problem> doubt(const Config& config) {
  return {{"", 0, 0, "listener[0].tls.certificates[0].key", "a key, found a door"},
          {"", 0, 0, "listener[0].tls.cipher_suites", "a suite"},
          {"", 0, 0, "upstream." + config.upstreams[0].name + ".tls.ca", "an authority"}};
}

Lines doubted(const std::string& text) {
  const auto result = parse(text, "t.toml", testing::variable, doubt);
  return result ? Lines() : testing::lines(result.error());
}

TEST_CASE("what another room finds wrong gets the place of its key, or of the table above it") {
  const std::string text = std::string(kTls) + std::string(kBelowListener);
  CHECK(doubted(text) == Lines{"t.toml:3:1: listener[0].tls.cipher_suites: a suite",
                               "t.toml:4:41: listener[0].tls.certificates[0].key: "
                               "a key, found a door",
                               "t.toml:8:1: upstream.app.tls.ca: an authority"});
  CHECK(testing::lines(check(testing::reference(), doubt)) ==
        Lines{"command line: listener[0].tls.certificates[0].key: a key, found a door",
              "command line: listener[0].tls.cipher_suites: a suite",
              "command line: upstream.app.tls.ca: an authority"});
}

TEST_CASE("what another room finds wrong is left out where a problem may be the reason for it") {
  CHECK(doubted(std::string(kTls) + "policy = \"old\"" + std::string(kBelowListener)) ==
        Lines{R"(t.toml:5:10: listener[0].tls.policy: "intermediate" or "modern", found "old")",
              "t.toml:8:1: upstream.app.tls.ca: an authority"});
  CHECK(doubted("listener = 1" + std::string(kBelowListener)) ==
        Lines{"t.toml:1:12: listener: tables, each with the header [[listener]], "
              "found 1 (an integer)",
              "t.toml:4:1: upstream.app.tls.ca: an authority"});
}

TEST_CASE("a configuration with which another room finds nothing wrong is read") {
  const std::string text = std::string(kTls) + std::string(kBelowListener);
  const auto nothing = [](const Config& config) {
    CHECK(config.listeners[0].tls.enabled());
    return std::vector<Problem>();
  };
  CHECK(parse(text, "t.toml", testing::variable, nothing).has_value());
}

}  // namespace
}  // namespace onehop::config
