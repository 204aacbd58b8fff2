// SPDX-License-Identifier: MIT
// What a listener's keys about TLS promise, as a client on a real socket sees it: which
// certificate, which sessions, who is let in and how fast, and what is said of it upstream and to
// browsers.
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <fstream>
#include <iterator>

#include "tests/support/catch.h"
#include "tests/support/certificates.h"
#include "tests/support/h2_client.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"
#include "tests/support/tls_peer.h"

namespace onehop::test {
namespace {

using Strings = std::vector<std::string>;

std::string pair_of(const CertificateFiles& files, const std::string& ocsp = "") {
  return "{ cert = \"" + files.cert + "\", key = \"" + files.key + "\", ocsp = \"" + ocsp + "\" }";
}

// [listener.tls] with these certificates, the first for all other names.
std::string listener_with(const Strings& pairs, const std::string& more = "") {
  std::string list;
  for (const std::string& pair : pairs) list += (list.empty() ? "" : ", ") + pair;
  return "[listener.tls]\ncertificates = [" + list + "]\n" + more + "\n";
}

// A further listener after the plain one that every ProxyConfig has.
std::string second_listener(const std::string& keys, const std::string& tls = "") {
  return "[[listener]]\naddress = \"127.0.0.1:0\"\n" + keys + "\n" + tls;
}

// One GET on a connection of its own, in the protocol that the wish offers.
Response get(TlsTunnel& tunnel, const H2Fields& fields = {}, const std::string& path = "/") {
  if (tunnel.alpn() == "h2") {
    H2Peer client(tunnel.take_peer());
    return client.response(client.request(h2_request("GET", path, fields)));
  }
  Peer client = tunnel.take_peer();
  std::string head = "GET " + path + " HTTP/1.1\r\nHost: a\r\n";
  for (const auto& [name, value] : fields) head.append(name + ": " + value + "\r\n");
  client.send(head + "\r\n");
  return client.read_response();
}

Response get(const std::string& address, const TlsWish& wish, const H2Fields& fields = {},
             const std::string& path = "/") {
  TlsTunnel tunnel(address, wish);
  return get(tunnel, fields, path);
}

std::string bytes_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// SHA-256 of the certificate, in lower-case hex.
std::string fingerprint_of(const CertificateFiles& files) {
  const std::string pem = bytes_of(files.cert);
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  uint8_t digest[32] = {};
  X509_digest(certificate, EVP_sha256(), digest, nullptr);
  X509_free(certificate);
  BIO_free(bio);
  std::string hex;
  for (const uint8_t byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

TEST_CASE("the certificate is that of the exact name, else of a wildcard, else the first") {
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const Strings pairs = {pair_of(made.leaf({.names = {"first.test"}})),
                         pair_of(made.leaf({.names = {"*.wild.test"}})),
                         pair_of(made.leaf({.names = {"exact.wild.test"}}))};
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .more = listener_with(pairs)});
  const auto serial = [&](const std::string& name, const std::string& authority) {
    return TlsTunnel(proxy.address(), {.ca = authority, .server_name = name}).serial();
  };
  // With an authority the name is verified, too.
  const std::string first = serial("first.test", made.authority());
  const std::string wild = serial("other.wild.test", made.authority());
  const std::string exact = serial("exact.wild.test", made.authority());
  CHECK(exact != wild);
  CHECK(wild != first);
  CHECK(serial("EXACT.Wild.test", made.authority()) == exact);
  CHECK(serial("elsewhere.test", "") == first);
  CHECK(serial("two.labels.wild.test", "") == first);
  CHECK(get(proxy.address(), {.ca = made.authority(), .server_name = "a.wild.test"}).body ==
        "done");
}

TEST_CASE("a client that knows no more than TLS 1.2 is served in either protocol") {
  const std::string alpn = GENERATE(as<std::string>(), "http/1.1", "h2");
  const TestKey key = GENERATE(TestKey::ecdsa, TestKey::rsa);
  CAPTURE(alpn, static_cast<int>(key));
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .more = listener_with({pair_of(made.leaf({.key = key}))})});
  TlsTunnel tunnel(proxy.address(),
                   {.ca = made.authority(), .alpn = alpn, .most_version = TLS1_2_VERSION});
  CHECK(tunnel.version() == "TLSv1.2");
  CHECK(tunnel.alpn() == alpn);
  CHECK(get(tunnel).body == "done");
  CHECK(TlsTunnel(proxy.address(), {.ca = made.authority()}).version() == "TLSv1.3");
}

TEST_CASE("the OCSP response of a certificate's file is stapled for clients that ask for it") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  CAPTURE(version);
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const CertificateFiles stapled = made.leaf({.names = {"stapled.test"}});
  const std::string response = made.ocsp_response(stapled);
  const Strings pairs = {pair_of(made.leaf({.names = {"plain.test"}})), pair_of(stapled, response)};
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .more = listener_with(pairs)});
  TlsWish wish{.ca = made.authority(),
               .server_name = "stapled.test",
               .most_version = version,
               .staple = true};
  CHECK((TlsTunnel(proxy.address(), wish).staple() == bytes_of(response)));
  wish.staple = false;
  CHECK(TlsTunnel(proxy.address(), wish).staple().empty());
  wish.staple = true;
  wish.server_name = "plain.test";
  CHECK(TlsTunnel(proxy.address(), wish).staple().empty());
}

TEST_CASE("a session is resumed by whichever worker the client comes to") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  CAPTURE(version);
  constexpr int kTimes = 16;  // with four workers all but certainly more than one of them
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .server = "workers = 4",
                                 .more = listener_with({pair_of(made.leaf())})});
  TlsWish wish{.ca = made.authority(), .most_version = version};
  {
    TlsTunnel first(proxy.address(), wish);
    CHECK_FALSE(first.resumed());
    CHECK(get(first).body == "done");
    wish.session = first.session();
  }
  for (int i = 0; i < kTimes; ++i) {
    TlsTunnel again(proxy.address(), wish);
    CHECK(again.resumed());
    CHECK(get(again).body == "done");
  }
  const std::string handshakes = "listeners/127.0.0.1:0/tls/handshakes/";
  CHECK(proxy.wait_number(handshakes + "resumed/count", kTimes) == kTimes);
  CHECK(proxy.stats().number(handshakes + "full/count") == 1);
}

struct ClientCertificates {
  explicit ClientCertificates(const std::string& wanted)
      : proxy(ProxyConfig{
            .endpoints = {origin.address()},
            .more = second_listener(
                "", listener_with({pair_of(made.leaf())},
                                  "client_certificates = \"" + wanted + "\"\nclient_ca = \"" +
                                      made.authority() +
                                      "\"\nclient_subject_field = \"X-Client-Subject\"\n"
                                      "client_fingerprint_field = \"X-Client-Fingerprint\""))}) {}

  TlsWish wish(const std::string& alpn, const CertificateFiles& files = {}) const {
    return {.ca = made.authority(), .alpn = alpn, .cert = files.cert, .key = files.key};
  }

  Certificates made;
  ScriptedOrigin origin{ScriptedOrigin::always(ok("done"))};
  ProxyProcess proxy;
};

const H2Fields kForged = {{"x-client-subject", "CN=forged"},
                          {"x_client_subject", "CN=forged"},
                          {"X-CLIENT-FINGERPRINT", "00"},
                          {"x-kept", "1"}};

H2Fields forged_for(const std::string& alpn) {
  H2Fields fields = kForged;
  if (alpn == "h2") fields[2].first = "x-client-fingerprint";
  return fields;
}

TEST_CASE("who has shown a certificate is said upstream, and nobody can say it of itself") {
  const std::string wanted = GENERATE(as<std::string>(), "required", "optional");
  const std::string alpn = GENERATE(as<std::string>(), "http/1.1", "h2");
  CAPTURE(wanted, alpn);
  ClientCertificates site(wanted);
  const CertificateFiles own = site.made.leaf({.names = {"client.test"}});
  const std::string address = site.proxy.second_address();
  CHECK(get(address, site.wish(alpn, own), forged_for(alpn)).body == "done");
  FieldList seen = site.origin.last().fields;
  CHECK(seen.all("X-Client-Subject") == Strings{"CN=client.test,O=onehop tests"});
  CHECK(seen.all("X-Client-Fingerprint") == Strings{fingerprint_of(own)});
  CHECK_FALSE(seen.has("x_client_subject"));
  CHECK(seen.get("x-kept") == "1");
  // On a listener that asks nobody, the fields are no less reserved.
  Client plain = site.proxy.connect();
  plain.send("GET / HTTP/1.1\r\nHost: a\r\nX-Client-Subject: CN=forged\r\nX-Kept: 1\r\n\r\n");
  CHECK(plain.read_response().body == "done");
  CHECK_FALSE(site.origin.last().fields.has("X-Client-Subject"));
  CHECK(site.origin.last().fields.get("x-kept") == "1");
}

TEST_CASE("without a certificate a client is let in where it is optional, and is nobody upstream") {
  const std::string alpn = GENERATE(as<std::string>(), "http/1.1", "h2");
  CAPTURE(alpn);
  ClientCertificates optional("optional");
  const std::string open = optional.proxy.second_address();
  CHECK(get(open, optional.wish(alpn), forged_for(alpn)).body == "done");
  const FieldList seen = optional.origin.last().fields;
  for (const char* name : {"X-Client-Subject", "x_client_subject", "X-Client-Fingerprint"}) {
    CAPTURE(name);
    CHECK_FALSE(seen.has(name));
  }
  CHECK(seen.get("x-kept") == "1");
  // One that cannot be verified is worse than none.
  Certificates others;
  const CertificateFiles stranger = others.leaf();
  CHECK_THROWS_AS(get(open, optional.wish("http/1.1", stranger)), PeerError);

  ClientCertificates required("required");
  const std::string closed = required.proxy.second_address();
  CHECK_THROWS_AS(get(closed, required.wish("http/1.1")), PeerError);
  CHECK_THROWS_AS(get(closed, required.wish("http/1.1", stranger)), PeerError);
  CHECK(required.origin.requests() == 0);
  CHECK(optional.origin.requests() == 1);
}

TEST_CASE("a trailer cannot say who the client is, either") {
  ClientCertificates site("optional");
  TlsTunnel tunnel(site.proxy.second_address(), site.wish("h2"));
  H2Peer client(tunnel.take_peer());
  const int32_t id = client.request(h2_request("POST"), H2Ends::no);
  REQUIRE(client.data(id, "hello"));
  client.send(h2_headers(id, {{"x-client-subject", "CN=forged"}, {"x-kept", "1"}},
                         kEndHeaders | kEndStream));
  CHECK(client.response(id).body == "done");
  CHECK(site.origin.last().body == "hello");
  CHECK_FALSE(site.origin.last().trailers.has("x-client-subject"));
  CHECK(site.origin.last().trailers.get("x-kept") == "1");
}

TEST_CASE("handshakes beyond the rate wait for the next second, and none is refused") {
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()},
                  .more = listener_with({pair_of(made.leaf())}, "handshake_rate = 1")});
  const auto began = std::chrono::steady_clock::now();
  // Three of them are in three seconds of the clock, so the last comes a whole one after the first.
  for (int i = 0; i < 3; ++i) CHECK(get(proxy.address(), {.ca = made.authority()}).body == "done");
  CHECK(std::chrono::steady_clock::now() - began >= milliseconds(990));
}

TEST_CASE("a client waits while handshakes take all places, and gets one when they time out") {
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()},
                  .limits = "connections = 2",
                  .more = listener_with({pair_of(made.leaf())}, "handshake_timeout = \"300ms\"")});
  // Accepted in the order in which they came. Who has said nothing would be closed for the third.
  Client slow = proxy.connect();
  Client slow_too = proxy.connect();
  for (Client* client : {&slow, &slow_too}) {
    client->send("\x16\x03\x01");
    client->wait_until_read();
  }
  CHECK(get(proxy.address(), {.ca = made.authority()}).body == "done");
  const std::string handshakes = "listeners/127.0.0.1:0/tls/handshakes/";
  CHECK(proxy.stats().number("downstream/connections/accept_paused_total") >= 1);
  CHECK(proxy.wait_number(handshakes + "failures_by_reason/timeout", 2) == 2);
  CHECK(proxy.wait_number(handshakes + "in_progress", 0) == 0);
}

TEST_CASE("a plain listener sends everybody to the same place over https, and nobody upstream") {
  struct Row {
    std::string name;
    std::string port;
    std::string request;
    std::string location;
  };
  const Row row = GENERATE(
      Row{"path and query", "8443", "GET /a%20b/c?d=e&f HTTP/1.1\r\nHost: Example.org\r\n",
          "https://Example.org:8443/a%20b/c?d=e&f"},
      Row{"another spelling", "443", "GET /x/../%61/./b?c=/../d HTTP/1.1\r\nHost: example.org\r\n",
          "https://example.org/a/b?c=/../d"},
      Row{"the usual port", "443", "GET / HTTP/1.1\r\nHost: example.org:8080\r\n",
          "https://example.org/"},
      Row{"an address", "8443", "GET /x HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n",
          "https://[2001:db8::1]:8443/x"},
      Row{"a POST", "443", "POST /form HTTP/1.1\r\nHost: example.org\r\nContent-Length: 0\r\n",
          "https://example.org/form"});
  CAPTURE(row.name);
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .more = second_listener("redirect_to_https = " + row.port)});
  Client client = Peer::connect(proxy.second_address());
  client.send(row.request + "\r\n");
  const Response response = client.read_response();
  CHECK(response.status == 308);
  CHECK(response.field("Location") == row.location);
  H2Peer h2 = H2Peer::connect(proxy.second_address());
  const Response same = h2.response(h2.request(h2_request("GET", "/y?z")));
  CHECK(same.status == 308);
  CHECK(same.field("Location") == (row.port == "443" ? "https://a/y?z" : "https://a:8443/y?z"));
  CHECK(origin.requests() == 0);
  CHECK(proxy.get().body == "done");  // the other listener
}

TEST_CASE("Strict-Transport-Security is said over TLS alone, also with the proxy's own answers") {
  const std::string alpn = GENERATE(as<std::string>(), "http/1.1", "h2");
  CAPTURE(alpn);
  Certificates made;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()},
                  .routes = "[[route]]\npath = \"/app\"\nupstream = \"app\"\n",
                  .more = second_listener("hsts_max_age = \"2h\"\nhsts_subdomains = true",
                                          listener_with({pair_of(made.leaf())}))});
  const std::string address = proxy.second_address();
  for (const char* path : {"/app", "/nowhere"}) {
    CAPTURE(path);
    const Response response = get(address, {.ca = made.authority(), .alpn = alpn}, {}, path);
    CHECK(response.status == (std::string_view(path) == "/app" ? 200 : 404));
    CHECK(response.fields.all("Strict-Transport-Security") ==
          Strings{"max-age=7200; includeSubDomains"});
    CHECK_FALSE(proxy.get(path).fields.has("Strict-Transport-Security"));
  }
}

}  // namespace
}  // namespace onehop::test
