// SPDX-License-Identifier: MIT
// One model of who the client is: what strangers say of it counts for nothing, what trusted peers
// say in any form is said again in every form.
#include "proxy/client_identity.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::proxy {
namespace {

using http::Field;
using http::Fields;
using Lines = std::vector<std::pair<std::string, std::string>>;

const Peers kTrustedPeers({"10.0.0.0/8", "2001:db8:1::/48"});

http::Client client_at(std::string_view ip) {
  http::Client client;
  client.address = *Address::numeric(ip, 5000);
  client.ip_length = static_cast<uint8_t>(client.address.write_ip(client.ip));
  client.trusted = kTrustedPeers.contains(client.address);
  client.port = 8080;
  return client;
}

const http::Client kStranger = client_at("192.0.2.7");
const http::Client kTrusted = client_at("10.0.0.1");

// What is written of these lines; "for|proto|host|port|real|forwarded".
std::string written(const Lines& lines, const http::Client& client = kTrusted,
                    std::string_view authority = "h",
                    http::ForwardedForms forms = {true, true, true},
                    const Peers& trusted = kTrustedPeers) {
  std::vector<Field> room(lines.size());
  http::RequestHead head;
  head.authority = authority;
  head.fields = Fields(room);
  for (const auto& [name, value] : lines) head.fields.add(name, value);
  Arena arena;
  const auto who = identify(head, client, {client.trusted, trusted}, arena);
  if (!who.has_value()) return std::string(row_of(who.error()).name);
  std::vector<Field> made_room(6);
  Fields made(made_room);
  add_identity(made, *who, forms, arena);
  std::string text;
  for (const char* name : {"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host",
                           "X-Forwarded-Port", "X-Real-IP", "Forwarded"}) {
    const Field* field = made.find(name);
    text += (field == nullptr ? "" : std::string(field->value)) + "|";
  }
  text.pop_back();
  return text;
}

std::string repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST_CASE("what a stranger says about who is asking is replaced, in every form") {
  CHECK(written({{"X-Forwarded-For", "1.1.1.1"},
                 {"X-Forwarded-Host", "evil"},
                 {"X-Forwarded-Proto", "https"},
                 {"X-Forwarded-Port", "443"},
                 {"X-Real-IP", "1.1.1.1"},
                 {"X-Forwarded-Ssl", "on"},
                 {"Forwarded", "for=1.1.1.1;proto=https;host=evil"}},
                kStranger) ==
        "192.0.2.7|http|h|8080|192.0.2.7|for=192.0.2.7;host=\"h\";proto=http");
}

TEST_CASE("a trusted peer that says nothing is the one who asks") {
  CHECK(written({}) == "10.0.0.1|http|h|8080|10.0.0.1|for=10.0.0.1;host=\"h\";proto=http");
}

TEST_CASE("a scheme that a trusted peer says alone is said in every form, with its port") {
  const char* wanted = "10.0.0.1|https|h|443|10.0.0.1|for=10.0.0.1;host=\"h\";proto=https";
  const Lines forms[] = {{{"X-Forwarded-Proto", "https"}},
                         {{"X-Forwarded-Proto", "HTTPS"}},
                         {{"X-Forwarded-Proto", "wss"}},
                         {{"X-Forwarded-Ssl", "on"}},
                         {{"X-Forwarded-Scheme", "https"}},
                         {{"X-Forwarded-Protocol", "ssl"}},
                         {{"Front-End-Https", "On"}},
                         {{"Forwarded", "proto=https"}},
                         {{"Forwarded", "for=unknown; PROTO=\"https\""}},
                         {{"X-Forwarded-Proto", "nonsense"}, {"Forwarded", "proto=https"}}};
  for (const Lines& lines : forms) {
    INFO(lines.front().first << ": " << lines.front().second);
    CHECK(written(lines) == wanted);
  }
}

TEST_CASE("an address that a trusted peer says in one form is said in every form") {
  const char* wanted =
      "192.0.2.9, 10.0.0.1|http|h|8080|192.0.2.9|for=192.0.2.9;host=\"h\";proto=http, for=10.0.0.1";
  const Lines forms[] = {{{"X-Forwarded-For", "192.0.2.9"}},
                         {{"X-Forwarded-For", "192.0.2.9:4711"}},
                         {{"X-Forwarded-For", " , 192.0.2.9 ,"}},
                         {{"X-Real-IP", "192.0.2.9"}},
                         {{"Forwarded", "for=192.0.2.9"}},
                         {{"Forwarded", "For=\"192.0.2.9:4711\";by=10.0.0.9"}},
                         {{"X-Forwarded-For", "nobody"}, {"X-Real-IP", "192.0.2.9"}},
                         {{"X-Forwarded-For", "192.0.2.9"}, {"Forwarded", "for=192.0.2.66"}},
                         {{"X-Real-IP", "192.0.2.9"}, {"Forwarded", "for=192.0.2.66"}}};
  for (const Lines& lines : forms) {
    INFO(lines.front().first << ": " << lines.front().second);
    CHECK(written(lines) == wanted);
  }
}

TEST_CASE("the client is the first from the right who is not trusted, and the chain is kept") {
  CHECK(
      written(
          {{"X-Forwarded-For", "6.6.6.6, 192.0.2.9"}, {"X-Forwarded-For", "10.0.0.3,10.9.9.9"}}) ==
      "6.6.6.6, 192.0.2.9, 10.0.0.3, 10.9.9.9, 10.0.0.1|http|h|8080|192.0.2.9|"
      "for=6.6.6.6;host=\"h\";proto=http, for=192.0.2.9, for=10.0.0.3, for=10.9.9.9, for=10.0.0.1");
  // Where all are trusted it is the first of them.
  CHECK(written({{"X-Forwarded-For", "10.0.0.4, 10.0.0.3"}}).find("|10.0.0.4|") !=
        std::string::npos);
  // What stands before a word that is no address was said by nobody knows whom.
  CHECK(written({{"X-Forwarded-For", "6.6.6.6, unknown, 10.0.0.3"}}) ==
        "10.0.0.3, 10.0.0.1|http|h|8080|10.0.0.3|"
        "for=10.0.0.3;host=\"h\";proto=http, for=10.0.0.1");
}

TEST_CASE("IPv6 addresses are plain in X-Forwarded-For and quoted in Forwarded") {
  const char* wanted =
      "2001:db8::7, 10.0.0.1|http|h|8080|2001:db8::7|"
      "for=\"[2001:db8::7]\";host=\"h\";proto=http, for=10.0.0.1";
  CHECK(written({{"X-Forwarded-For", "2001:db8::7"}}) == wanted);
  CHECK(written({{"X-Forwarded-For", "[2001:db8::7]:80"}}) == wanted);
  CHECK(written({{"Forwarded", "for=\"[2001:db8::7]:4711\""}}) == wanted);
  CHECK(written({{"Forwarded", "for=[2001:db8::7]"}}) == wanted);
  CHECK(written({}, client_at("2001:db8::7"), "[::1]:80") ==
        "2001:db8::7|http|[::1]:80|8080|2001:db8::7|for=\"[2001:db8::7]\";host=\"[::1]:80\";proto="
        "http");
}

TEST_CASE("a trusted Forwarded says it all") {
  CHECK(written({{"Forwarded", "for=192.0.2.9;host=\"shop.example:8443\";proto=https;by=_x"}}) ==
        "192.0.2.9, 10.0.0.1|https|shop.example:8443|8443|192.0.2.9|"
        "for=192.0.2.9;host=\"shop.example:8443\";proto=https, for=10.0.0.1");
  // What the client's hop says, not what a hop between says of another.
  CHECK(
      written(
          {{"Forwarded",
            "for=192.0.2.9;proto=https;host=shop.example, for=10.0.0.3;proto=http;host=inner"}}) ==
      "192.0.2.9, 10.0.0.3, 10.0.0.1|https|shop.example|443|192.0.2.9|"
      "for=192.0.2.9;host=\"shop.example\";proto=https, for=10.0.0.3, for=10.0.0.1");
  // The same over two lines, and a client that made up a hop.
  CHECK(written({{"Forwarded", "for=6.6.6.6;proto=http, for=192.0.2.9;proto=https"},
                 {"Forwarded", "for=10.0.0.3"}})
            .find("|https|h|443|192.0.2.9|") != std::string::npos);
  // Obfuscated: the scheme is believed, the address is not known.
  CHECK(written({{"Forwarded", "for=_hidden;proto=https"}}) ==
        "10.0.0.1|https|h|443|10.0.0.1|for=10.0.0.1;host=\"h\";proto=https");
}

TEST_CASE("a Forwarded that breaks its grammar says nothing") {
  for (const char* value : {"for=192.0.2.9;proto", "for=192.0.2.9;=https", "for=\"192.0.2.9",
                            "for=192.0.2.9 proto=https", "for=192.0.2.9;for=192.0.2.8",
                            "for==192.0.2.9", "for=192.0.2.9;proto=\"ht\\\"tps\"", "for=", "=",
                            "for = 192.0.2.9", "for=\"192.0.2.9\"x"}) {
    INFO(value);
    CHECK(written({{"Forwarded", value}}) == written({}));
  }
  CHECK(written({{"Forwarded", ",, ;;for=192.0.2.9;; , ,"}}).starts_with("192.0.2.9, 10.0.0.1|"));
}

TEST_CASE(
    "the port is the trusted peer's, else its host's, else its scheme's, else the listener's") {
  const auto port = [](const Lines& lines) {
    const std::string text = written(lines, kTrusted, "h:9000");
    return text.substr(0, text.rfind('|', text.rfind('|') - 1)).substr(text.find('|') + 1);
  };
  CHECK(port({{"X-Forwarded-Port", "8443"}, {"X-Forwarded-Proto", "https"}}) ==
        "https|h:9000|8443");
  CHECK(port({{"X-Forwarded-Host", "a:444"}, {"X-Forwarded-Proto", "https"}}) == "https|a:444|444");
  CHECK(port({{"X-Forwarded-Host", "a:444"}, {"X-Forwarded-Port", "8443"}}) == "http|a:8443|8443");
  CHECK(port({{"X-Forwarded-Host", "a:444"},
              {"X-Forwarded-Port", "443"},
              {"X-Forwarded-Proto", "https"}}) == "https|a|443");
  CHECK(port({{"X-Forwarded-Proto", "http"}}) == "http|h:9000|80");
  CHECK(port({{"X-Forwarded-Host", "a"}}) == "http|a|8080");
  for (const char* bad : {"0", "65536", "-1", "x", "80 81", ""}) {
    INFO(bad);
    CHECK(port({{"X-Forwarded-Port", bad}}) == "http|h:9000|8080");
  }
}

TEST_CASE("of lists, the element is taken that belongs to the client's hop") {
  const Lines lines = {{"X-Forwarded-For", "6.6.6.6, 192.0.2.9, 10.0.0.3"},
                       {"X-Forwarded-Proto", "http, https, http"},
                       {"X-Forwarded-Host", "evil, shop.example, inner"},
                       {"X-Forwarded-Port", "1,443,80"}};
  CHECK(written(lines).find("|https|shop.example|443|192.0.2.9|") != std::string::npos);
  CHECK(written({{"X-Forwarded-For", "192.0.2.9, 10.0.0.3"}, {"X-Forwarded-Proto", "https"}})
            .find("|https|h|443|") != std::string::npos);
}

TEST_CASE("a trusted peer's host that is none is passed over") {
  for (const char* bad : {"a b", "a/b", "a\"b", "[::1", "a:b", "a:0", "@", "", "a,"}) {
    INFO(bad);
    const std::string text = written({{"X-Forwarded-Host", bad}});
    CHECK((text.find("|h|8080|") != std::string::npos || bad == std::string_view("a,")));
  }
}

TEST_CASE("a form that is switched off is not written") {
  CHECK(written({}, kStranger, "h", {}) == "192.0.2.7|http|h|8080|192.0.2.7|");
  CHECK(written({}, kStranger, "h", {false, true, false}) == "||||192.0.2.7|");
  CHECK(written({}, kStranger, "h", {false, false, true}) ==
        "|||||for=192.0.2.7;host=\"h\";proto=http");
}

TEST_CASE("a request that names too many proxies is refused") {
  CHECK(written({{"X-Forwarded-For", repeated("10.0.0.2, ", kMostProxies - 1) + "10.0.0.2"}})
            .starts_with("10.0.0.2"));
  CHECK(written({{"X-Forwarded-For", repeated("10.0.0.2, ", kMostProxies) + "10.0.0.2"}}) ==
        "proxy_loop");
  CHECK(written({{"Forwarded", repeated("for=10.0.0.2, ", kMostProxies) + "for=10.0.0.2"}}) ==
        "proxy_loop");
  CHECK(written({{"X-Forwarded-For", repeated("6.6.6.6, ", kMostHops - 1) + "192.0.2.9"}})
            .find("|192.0.2.9|") != std::string::npos);
  CHECK(written({{"X-Forwarded-For", repeated("6.6.6.6, ", kMostHops) + "192.0.2.9"}}) ==
        "bad_request");
  CHECK(written({{"Forwarded", repeated(",", 10'000)}}) == "bad_request");
  CHECK(written({{"Forwarded", repeated(";", 10'000) + "for=192.0.2.9"}}) == written({}));
  CHECK(written({{"X-Forwarded-For", repeated(",", 10'000)}}, kStranger).starts_with("192.0.2.7|"));
}

TEST_CASE("who came over a unix socket is passed over in a list where \"unix\" is trusted") {
  const Lines lines = {{"X-Forwarded-For", "192.0.2.9, 10.0.0.3, unix:"}};
  const http::ForwardedForms forms = {true, true, true};
  CHECK(written(lines, kTrusted, "h", forms, Peers({"10.0.0.0/8", "unix"})) ==
        "192.0.2.9, 10.0.0.3, unix:, 10.0.0.1|http|h|8080|192.0.2.9|for=192.0.2.9;host=\"h\";"
        "proto=http, for=10.0.0.3, for=unknown, for=10.0.0.1");
  CHECK(written(lines, kTrusted, "h", forms) ==
        "10.0.0.1|http|h|8080|10.0.0.1|for=10.0.0.1;host=\"h\";proto=http");
}

}  // namespace
}  // namespace onehop::proxy
