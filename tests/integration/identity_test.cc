// SPDX-License-Identifier: MIT
// What an application learns about its client, whatever is spoken on either side (edge cases 37, 38
// and 40), and what the client learns of its request.
#include "tests/support/catch.h"
#include "tests/support/proxy_chain.h"

namespace onehop::test {
namespace {

const std::string kTrust = "trusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]";
const std::string kAllForms = "forwarded = [\"x-forwarded\", \"x-real-ip\", \"forwarded\"]";

struct Seen {
  Request request;
  Response response;
  std::string port;  // of the listener
};

// One exchange through one proxy, with these lines in the request.
Seen seen_with(const std::string& lines, const std::string& server = "",
               const std::string& listener = kAllForms, const std::string& more_of_answer = "") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done", more_of_answer)));
  const ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .listener = listener, .server = server});
  const Response response =
      proxy.exchange("GET /x HTTP/1.1\r\nHost: shop.example\r\n" + lines + "\r\n");
  if (response.status != 200) return {{}, response, ""};
  return {origin.last(), response, proxy.address().substr(proxy.address().rfind(':') + 1)};
}

// for|proto|host|port|real
std::string identity_of(const Request& request) {
  std::string text;
  for (const char* name : {"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host",
                           "X-Forwarded-Port", "X-Real-IP"}) {
    std::string values;
    for (const std::string& value : request.fields.all(name))
      values += (values.empty() ? "" : " + ") + value;
    text += values + "|";
  }
  text.pop_back();
  return text;
}

TEST_CASE("37: a client that is not trusted says nothing about who it is, in any form") {
  const Seen seen = seen_with(
      "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: evil\r\nX-Forwarded-Port: 443\r\nX-Real-IP: 6.6.6.6\r\n"
      "Forwarded: for=6.6.6.6;proto=https\r\n");
  CHECK(identity_of(seen.request) == "127.0.0.1|http|shop.example|" + seen.port + "|127.0.0.1");
  CHECK(seen.request.fields.all("Forwarded") ==
        std::vector<std::string>{"for=127.0.0.1;host=\"shop.example\";proto=http"});
}

TEST_CASE("Forwarded is written only where it is switched on, and passes from nobody else") {
  const std::string claim = "Forwarded: for=192.0.2.9;proto=https\r\n";
  for (const std::string& server : {std::string(), kTrust}) {
    CAPTURE(server);
    CHECK_FALSE(seen_with(claim, server, "").request.fields.has("Forwarded"));
    const Request bare = seen_with(claim + "X-Forwarded-For: 192.0.2.9\r\nX-Real-IP: 192.0.2.9\r\n",
                                   server, "forwarded = []")
                             .request;
    CHECK(identity_of(bare) == "||||");
    CHECK_FALSE(bare.fields.has("Forwarded"));
    const Request one = seen_with(claim, server, "forwarded = [\"forwarded\"]").request;
    CHECK(identity_of(one) == "||||");
    CHECK(one.fields.count("Forwarded") == 1);
  }
}

TEST_CASE("a balancer that says the scheme alone is not contradicted in another form") {
  const Seen seen = seen_with("X-Forwarded-Proto: https\r\n", kTrust);
  CHECK(identity_of(seen.request) == "127.0.0.1|https|shop.example|443|127.0.0.1");
  CHECK(seen.request.field("Forwarded") == "for=127.0.0.1;host=\"shop.example\";proto=https");
}

TEST_CASE("a trusted Forwarded feeds the other forms") {
  const Seen seen = seen_with(
      "Forwarded: for=\"[2001:db8::9]:4711\";host=\"public.example:8443\";proto=https\r\n", kTrust);
  CHECK(identity_of(seen.request) ==
        "2001:db8::9, 127.0.0.1|https|public.example:8443|8443|2001:db8::9");
  CHECK(seen.request.field("Forwarded") ==
        "for=\"[2001:db8::9]\";host=\"public.example:8443\";proto=https, for=127.0.0.1");
}

TEST_CASE("the client is the first address from the right that is not trusted") {
  const Seen seen =
      seen_with("X-Forwarded-For: 6.6.6.6, 203.0.113.9\r\nX-Forwarded-For: 10.0.0.3\r\n", kTrust);
  CHECK(seen.request.field("X-Real-IP") == "203.0.113.9");
  CHECK(seen.request.field("X-Forwarded-For") == "6.6.6.6, 203.0.113.9, 10.0.0.3, 127.0.0.1");
}

TEST_CASE("matrix: no spelling of a client's identity passes from a client that is not trusted") {
  const std::vector<std::string> names = {
      "x-real-ip",        "x_real_ip",          "x.real.ip",           "x-forwarded-port",
      "x-forwarded-ssl",  "x_forwarded_ssl",    "true-client-ip",      "cf-connecting-ip",
      "cf_connecting-ip", "x-client-ip",        "x-original-url",      "x-rewrite-url",
      "x~rewrite~url",    "x-forwarded-server", "front-end-https",     "x-tenant",
      "x_tenant",         "x.tenant",           "x-forwarded-anything"};
  for_all_legs([&](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::always(ok("done")),
                     {.server = "identity_fields = [\"X-Tenant\"]"});
    const auto client = chain.client();
    Ask ask{.method = "POST", .length = Length::unknown};
    for (const std::string& name : names) ask.fields.emplace_back(name, "6.6.6.6");
    ask.fields.emplace_back("x-own", "kept");
    client->ask(ask);
    CHECK(client->send("body"));
    H2Fields trailers;
    for (const std::string& name : names) trailers.emplace_back(name, "6.6.6.6");
    trailers.emplace_back("x-sum", "kept");
    client->finish(trailers);
    CHECK(client->response().status == 200);
    const Request seen = chain.origin().last();
    CHECK(seen.head.find("6.6.6.6") == std::string::npos);
    CHECK(seen.field("X-Own") == "kept");
    CHECK(seen.trailers.size() == 1);
    CHECK(seen.trailers.get("X-Sum").value_or("") == "kept");
  });
}

TEST_CASE("identity that onehop does not write passes from a trusted peer, as far as it agrees") {
  const Request seen = seen_with(
                           "True-Client-IP: 192.0.2.9\r\nX-Tenant: a\r\nX-Forwarded-Prefix: /p\r\n"
                           "X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: on\r\n"
                           "X-Forwarded-Scheme: http\r\n",
                           kTrust + "\nidentity_fields = [\"X-Tenant\"]")
                           .request;
  CHECK(seen.field("True-Client-IP") == "192.0.2.9");
  CHECK(seen.field("X-Tenant") == "a");
  CHECK(seen.field("X-Forwarded-Prefix") == "/p");
  CHECK(seen.field("X-Forwarded-Ssl") == "on");
  CHECK_FALSE(seen.fields.has("X-Forwarded-Scheme"));
}

TEST_CASE("28: a field that carries a verified certificate has no other spelling") {
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  // A second listener asks for certificates; what it says is nobody else's to say on any.
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()},
                  .server = kTrust,
                  .more = "[[listener]]\naddress = \"127.0.0.1:0\"\n" + listener_tls(made) +
                          "client_certificates = \"optional\"\nclient_ca = \"" + made.authority() +
                          "\"\nclient_subject_field = \"X-Client-Subject\"\n"});
  std::string lines;
  for (const char* name : {"X.Client.Subject", "x_client_subject", "X-CLIENT-SUBJECT",
                           "X!Client~Subject", "X-Client_Subject"})
    lines += std::string(name) + ": CN=admin\r\n";
  const Response response =
      proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + lines +
                         "\r\n0\r\n" + lines + "X-Sum: 1\r\n\r\n",
                     "POST");
  CHECK(response.status == 200);
  CHECK(origin.last().head.find("CN=admin") == std::string::npos);
  CHECK(origin.last().trailers.size() == 1);
}

TEST_CASE("matrix: the client gets one request id, the one that the origin got") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up,
                     ScriptedOrigin::always(ok("done", "X-Request-Id: of-the-origin\r\n")));
    const auto client = chain.client();
    const std::pair<const char*, bool> rows[] = {
        {"", false}, {"mine-1._~", true}, {"<script>", false}, {"a b", false}};
    for (const auto& [given, kept] : rows) {
      CAPTURE(given);
      Ask ask;
      if (*given != '\0') ask.fields.emplace_back("x-request-id", given);
      client->ask(ask);
      const std::vector<std::string> ids = client->response().fields.all("X-Request-Id");
      REQUIRE(ids.size() == 1);
      CHECK(chain.origin().last().fields.all("X-Request-Id") == ids);
      CHECK((ids[0] == given) == kept);
      if (!kept) CHECK(ids[0].size() == 32);
    }
  });
}

TEST_CASE("matrix: onehop's own answers have the request id, and pages show it") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::always(ok("done")),
                     {.routes = "[[route]]\npath = \"/app\"\nupstream = \"app\"\n"});
    const auto client = chain.client();
    client->ask({.path = "/nowhere", .fields = {{"x-request-id", "seen-on-a-screen"}}});
    const Response missing = client->response();
    CHECK(missing.status == 404);
    CHECK(missing.fields.all("X-Request-Id") == std::vector<std::string>{"seen-on-a-screen"});
    CHECK(missing.body.find("Request id: seen-on-a-screen\n") != std::string::npos);
    client->ask({.method = "OPTIONS", .path = "/app", .fields = {{"max-forwards", "0"}}});
    const Response answered = client->response();
    CHECK(answered.status == 200);
    CHECK(answered.field("X-Request-Id").size() == 32);
  });
}

TEST_CASE("a request that is malformed, a redirect and a gRPC error have a request id too") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {unused_address()}});
  const Response malformed = proxy.exchange("GET / HTTP/1.1\r\n\r\n");
  CHECK(malformed.status == 400);
  CHECK(malformed.field("X-Request-Id").size() == 32);
  CHECK(malformed.body.find(malformed.field("X-Request-Id")) != std::string::npos);
  const Response grpc = proxy.exchange(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\n"
      "X-Request-Id: call-1\r\nContent-Length: 0\r\n\r\n",
      "POST");
  CHECK(grpc.field("grpc-status") == "14");
  CHECK(grpc.field("X-Request-Id") == "call-1");
  const ProxyProcess redirecting(
      ProxyConfig{.endpoints = {origin.address()}, .listener = "redirect_to_https = 443"});
  const Response redirected = redirecting.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(redirected.status == 308);
  CHECK(redirected.fields.count("X-Request-Id") == 1);
}

TEST_CASE("the client learns no request id where that is switched off") {
  const Seen seen = seen_with("", "request_id = false", "", "X-Request-Id: of-the-origin\r\n");
  CHECK(seen.response.fields.all("X-Request-Id") == std::vector<std::string>{"of-the-origin"});
  CHECK(seen.request.field("X-Request-Id").size() == 32);
  ProxyProcess proxy(ProxyConfig{.endpoints = {unused_address()}, .server = "request_id = false"});
  const Response failed = proxy.get();
  CHECK(failed.status == 502);
  CHECK_FALSE(failed.fields.has("X-Request-Id"));
  CHECK(failed.body.find("Request id") == std::string::npos);
}

TEST_CASE("38: Via is written where the key says, behind what is there") {
  struct Row {
    const char* server;
    std::vector<std::string> request, response;
  };
  const Row rows[] = {
      {"", {"1.0 first"}, {"1.1 onehop"}},
      {"via = \"off\"", {"1.0 first"}, {}},
      {"via = \"requests\"", {"1.0 first", "1.1 onehop"}, {}},
      {"via = \"responses\"", {"1.0 first"}, {"1.1 onehop"}},
      {"via = \"both\"", {"1.0 first", "1.1 onehop"}, {"1.1 onehop"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.server);
    const Seen seen = seen_with("Via: 1.0 first\r\n", row.server);
    CHECK(seen.request.fields.all("Via") == row.request);
    CHECK(seen.response.fields.all("Via") == row.response);
  }
}

// The answer of a proxy whose only endpoint hands each request back to it.
Response in_a_circle(const std::string& server) {
  std::string proxy_address;
  ScriptedOrigin origin([&](OriginConnection& connection) {
    while (const std::optional<Request> request = connection.read_request()) {
      Client again = Client::connect(proxy_address);
      again.send(request->head);
      const Response response = again.read_response();
      connection.send(response.head + response.body);
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .server = server});
  proxy_address = proxy.address();
  return proxy.get();
}

TEST_CASE("38: a request that goes in circles ends, where it brings its history along") {
  for (const char* server : {"via = \"requests\"", "trusted_proxies = [\"127.0.0.1\"]"}) {
    CAPTURE(server);
    const Response response = in_a_circle(server);
    CHECK(response.status == 508);
    CHECK(response.field("Proxy-Status").find("proxy_loop_detected") != std::string::npos);
    CHECK(response.fields.count("X-Request-Id") == 1);
  }
}

}  // namespace
}  // namespace onehop::test
