// SPDX-License-Identifier: MIT
// What leaves a head on its way through, and what joins it: edge cases 33 to 40.
#include "proxy/message_fields.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "onehop/http/connection_options.h"
#include "tests/support/catch.h"

namespace onehop::proxy {
namespace {

using http::Field;
using http::Fields;
using Lines = std::vector<std::pair<std::string_view, std::string_view>>;

http::Client client_at(std::string_view ip, bool trusted) {
  http::Client client;
  client.address = *Address::numeric(ip, 5000);
  client.ip_length = static_cast<uint8_t>(client.address.write_ip(client.ip));
  client.trusted = trusted;
  client.port = 8080;
  client.listener =
      std::make_shared<const http::ListenerTerms>(http::ListenerTerms{{}, {}, {true, true, true}});
  return client;
}

const std::vector<std::string> kOwn = {"X-Client-Subject"};
const std::vector<std::string> kIdentity = {"X-Tenant"};
const Peers kTrustedPeers({"10.0.0.0/8"});

// A head with these fields, forwarded for this client; "Name: value" lines as text.
class Sent {
 public:
  Sent(const Lines& lines, const http::Client& client, uint8_t version_minor = 1,
       std::string_view authority = "h:80", std::string_view target = "/a") {
    std::vector<Field> room(lines.size());
    http::RequestHead head;
    head.method_text = "GET";
    head.target = target;
    head.authority = authority;
    head.version_minor = version_minor;
    if (version_minor == 0) head.protocol = "1.0";
    head.fields = Fields(room);
    for (const auto& [name, value] : lines) head.fields.add(name, value);
    http::ConnectionOptions::read(head.fields)->mark(head.fields);
    const auto who = identify(head, client, {client.trusted, kTrustedPeers}, arena_);
    if (!who.has_value()) {
      refused_ = row_of(who.error()).name;
      return;
    }
    head_ = forwarded_request(head,
                              {client, client.trusted, client.listener.get(), *who, "the-id",
                               guarded_, config::Via::requests},
                              arena_);
  }

  // The outcome of a request that was refused; else empty.
  std::string_view refused() const { return refused_; }
  const http::RequestHead& head() const { return head_; }
  // All values of that name, each in brackets.
  std::string operator[](std::string_view name) const {
    std::string text;
    for (const Field& field : head_.fields) {
      if (field.name == name) text += "[" + std::string(field.value) + "]";
    }
    return text;
  }

 private:
  GuardedFields guarded_{kOwn, kIdentity};
  Arena arena_;
  http::RequestHead head_;
  std::string_view refused_;
};

const http::Client kStranger = client_at("192.0.2.7", false);
const http::Client kTrusted = client_at("10.0.0.1", true);

TEST_CASE("fields of the client's own connection are not passed on") {
  const Sent sent({{"Host", "h"},
                   {"Connection", "keep-alive, upgrade"},
                   {"Keep-Alive", "timeout=5"},
                   {"Proxy-Connection", "close"},
                   {"TE", "trailers"},
                   {"Transfer-Encoding", "chunked"},
                   {"Content-Length", "5"},
                   {"Upgrade", "websocket"},
                   {"Proxy-Authenticate", "x"},
                   {"Proxy-Authorization", "x"},
                   {"Accept", "a"}},
                  kStranger);
  for (const char* name :
       {"Host", "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Transfer-Encoding",
        "Content-Length", "Upgrade", "Proxy-Authenticate", "Proxy-Authorization"}) {
    INFO(name);
    CHECK(sent[name].empty());
  }
  CHECK(sent["Accept"] == "[a]");
}

TEST_CASE("a field that Connection names goes, unless this proxy knows it") {
  const Sent sent({{"Connection", "X-Mine, x-FORWARDED-for, Authorization, host"},
                   {"connection", "Cache-Control, Via, X-Request-Id, X-Other"},
                   {"x-mine", "1"},
                   {"X-Other", "2"},
                   {"X-Kept", "3"},
                   {"Authorization", "secret"},
                   {"Cache-Control", "no-store"}},
                  kStranger);
  CHECK(sent["x-mine"].empty());
  CHECK(sent["X-Other"].empty());
  CHECK(sent["X-Kept"] == "[3]");
  CHECK(sent["Authorization"] == "[secret]");
  CHECK(sent["Cache-Control"] == "[no-store]");
  CHECK(sent["X-Request-Id"] == "[the-id]");
  CHECK(sent["X-Forwarded-For"] == "[192.0.2.7]");
  CHECK(sent["Via"] == "[1.1 onehop]");
  CHECK(sent.head().authority == "h:80");
}

TEST_CASE("Via says which version came, and keeps what is there") {
  CHECK(Sent({{"Via", "1.1 a"}}, kStranger)["Via"] == "[1.1 a][1.1 onehop]");
  CHECK(Sent({}, kStranger, 0)["Via"] == "[1.0 onehop]");
}

TEST_CASE("there is one request id, the one that was settled on") {
  const Sent sent({{"x-request-id", "theirs"}, {"X-Request-Id", ""}, {"X_Request_Id", "x"}},
                  kStranger);
  CHECK(sent["X-Request-Id"] == "[the-id]");
  CHECK(sent["x-request-id"].empty());
  CHECK(sent["X_Request_Id"].empty());
}

// The id of a head with these fields, as far as the client may choose it.
std::string id_of(const Lines& lines) {
  std::vector<Field> room(lines.size());
  Fields fields(room);
  for (const auto& [name, value] : lines) fields.add(name, value);
  return std::string(plain_request_id(fields));
}

TEST_CASE("a client's request id is kept when it is short and plain") {
  const std::string longest(64, 'a');
  CHECK(id_of({{"X-Request-Id", "Aa0-._~9"}}) == "Aa0-._~9");
  CHECK(id_of({{"x-request-id", longest}}) == longest);
  CHECK(id_of({{"X-Request-Id", longest + "a"}}).empty());
  for (const char* bad : {"", "a b", "a,b", "a;b", "<b>", "a/b", "a=b", "\xc3\xa4", "a\"", "%41"}) {
    INFO(bad);
    CHECK(id_of({{"X-Request-Id", bad}}).empty());
  }
  CHECK(id_of({}).empty());
  CHECK(id_of({{"X-Request-Id", ""}, {"X-Request-Id", "<"}, {"X-Request-Id", "b"}}) == "b");
}

TEST_CASE("names that pass for known ones in a CGI-like variable are dropped") {
  const Sent sent({{"X_Forwarded_For", "1.1.1.1"},
                   {"Content_Length", "5"},
                   {"Content.Length", "5"},
                   {"X!Real~IP", "1.1.1.1"},
                   {"x_own_field", "v"}},
                  kTrusted);
  CHECK(sent["X_Forwarded_For"].empty());
  CHECK(sent["Content_Length"].empty());
  CHECK(sent["Content.Length"].empty());
  CHECK(sent["X!Real~IP"].empty());
  CHECK(sent["x_own_field"] == "[v]");
}

TEST_CASE("Expect is not passed on for a client that knows no 1xx") {
  CHECK(Sent({{"Expect", "100-continue"}}, kStranger, 0)["Expect"].empty());
  CHECK(Sent({{"Expect", "100-continue"}}, kStranger, 1)["Expect"] == "[100-continue]");
}

TEST_CASE("a target that is a query alone gets a path") {
  CHECK(Sent({}, kStranger, 1, "h", "?a=b").head().target == "/?a=b");
  CHECK(Sent({}, kStranger, 1, "h", "*").head().target == "*");
}

TEST_CASE("a forwarded request does not depend on the bytes it came in") {
  std::string name = "X-Own";
  std::string value = "value";
  std::string authority = "example.org";
  std::string target = "/path";
  const Sent sent({{name, value}}, kStranger, 1, authority, target);
  for (std::string* text : {&name, &value, &authority, &target}) text->assign(text->size(), '-');
  CHECK(sent["X-Own"] == "[value]");
  CHECK(sent["X-Forwarded-Host"] == "[example.org]");
  CHECK(sent.head().authority == "example.org");
  CHECK(sent.head().target == "/path");
}

// The names of a response's fields after its way through, with their values.
std::string answered(const Lines& lines, int status = 200,
                     const ResponseParts& parts = {true, config::Via::responses}) {
  std::vector<Field> received(lines.size());
  std::vector<Field> room(lines.size() + kAddedFields);
  http::ResponseHead head;
  head.status = status;
  head.fields = Fields(received);
  for (const auto& [name, value] : lines) head.fields.add(name, value);
  http::ConnectionOptions::read(head.fields)->mark(head.fields);
  std::string text;
  for (const Field& field : forwarded_response(head, parts, room).fields) {
    const bool made = field.name == "Date" && lines.empty();
    text += std::string(field.name) + "=" + (made ? "now" : std::string(field.value)) + ";";
  }
  return text;
}

TEST_CASE("a response loses the fields of the endpoint's connection") {
  CHECK(answered({{"Date", "d"},
                  {"Connection", "close, X-Hop, Server"},
                  {"Keep-Alive", "timeout=5"},
                  {"Transfer-Encoding", "chunked"},
                  {"Content-Length", "5"},
                  {"Upgrade", "h2c"},
                  {"x-hop", "1"},
                  {"Server", "s"},
                  {"Set-Cookie", "a=1"},
                  {"Set-Cookie", "b=2"}}) ==
        "Date=d;Server=s;Set-Cookie=a=1;Set-Cookie=b=2;Via=1.1 onehop;");
}

TEST_CASE("a response without a date gets one, a 1xx gets nothing") {
  CHECK(answered({}) == "Date=now;Via=1.1 onehop;");
  CHECK(answered({}, 103).empty());
  CHECK(answered({{"Link", "x"}}, 103) == "Link=x;");
}

TEST_CASE("trailers are announced to those alone who take them") {
  CHECK(answered({{"Date", "d"}, {"Trailer", "X"}}) == "Date=d;Trailer=X;Via=1.1 onehop;");
  CHECK(answered({{"Date", "d"}, {"Trailer", "X"}}, 200, {false, config::Via::responses}) ==
        "Date=d;Via=1.1 onehop;");
}

TEST_CASE("a response has one request id, onehop's own where it is returned") {
  const Lines lines = {{"Date", "d"}, {"x-request-id", "a"}, {"X-Request-ID", "b"}};
  CHECK(answered(lines, 200, {true, config::Via::off, "mine"}) == "Date=d;X-Request-Id=mine;");
  CHECK(answered(lines, 200, {true, config::Via::off}) == "Date=d;x-request-id=a;X-Request-ID=b;");
}

TEST_CASE("Via is written where the configuration says") {
  const Lines lines = {{"Date", "d"}};
  CHECK(answered(lines, 200, {true, config::Via::off}) == "Date=d;");
  CHECK(answered(lines, 200, {true, config::Via::requests}) == "Date=d;");
  CHECK(answered(lines, 200, {true, config::Via::responses}) == "Date=d;Via=1.1 onehop;");
  CHECK(answered(lines, 200, {true, config::Via::both}) == "Date=d;Via=1.1 onehop;");
}

TEST_CASE("a Via with more passes than there are proxies is seen to go in circles") {
  const auto circles = [](size_t passes, std::string_view element) {
    std::string list;
    for (size_t i = 0; i < passes; ++i) list += (i == 0 ? "" : ", ") + std::string(element);
    std::vector<Field> room(2);
    Fields fields(room);
    fields.add("Via", list);
    fields.add("Via", "1.1 other");
    return goes_in_circles(fields);
  };
  CHECK_FALSE(circles(kMostProxies, "1.1 onehop"));
  CHECK(circles(kMostProxies + 1, "2.0 onehop"));
  CHECK_FALSE(circles(90, "1.1 varnish"));
}

TEST_CASE("a trailer that could be mistaken for a header field is dropped") {
  const Lines lines = {{"X-Checksum", "1"},        {"Content-Length", "5"},
                       {"Transfer-Encoding", "x"}, {"Host", "h"},
                       {"Authorization", "a"},     {"Set-Cookie", "c"},
                       {"content-encoding", "g"},  {"Content-Range", "r"},
                       {"X_Forwarded_For", "1"},   {"Cache-Control", "c"},
                       {"X-Request-Id", "i"},      {"Server-Timing", "t"},
                       {"True-Client-IP", "1"},    {"X.Forwarded.Whatever", "1"},
                       {"x_client~SUBJECT", "1"},  {"X.Tenant", "1"}};
  std::vector<Field> received(lines.size());
  std::vector<Field> room(lines.size());
  Fields trailers(received);
  for (const auto& [name, value] : lines) trailers.add(name, value);
  std::string names;
  for (const Field& field : forwarded_trailers(trailers, room, {kOwn, kIdentity})) {
    names += std::string(field.name) + ";";
  }
  CHECK(names == "X-Checksum;Server-Timing;");
}

}  // namespace
}  // namespace onehop::proxy
