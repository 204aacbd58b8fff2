// SPDX-License-Identifier: MIT
// What leaves a head on its way through, and what joins it: edge cases 33 to 40.
#include "proxy/message_fields.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  return client;
}

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
    head_ = forwarded_request(head, client, "fresh", arena_);
  }

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
  Arena arena_;
  http::RequestHead head_;
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
                   {"Cache-Control", "no-store"},
                   {"X-Request-Id", "theirs"}},
                  kStranger);
  CHECK(sent["x-mine"].empty());
  CHECK(sent["X-Other"].empty());
  CHECK(sent["X-Kept"] == "[3]");
  CHECK(sent["Authorization"] == "[secret]");
  CHECK(sent["Cache-Control"] == "[no-store]");
  CHECK(sent["X-Request-Id"] == "[theirs]");
  CHECK(sent["X-Forwarded-For"] == "[192.0.2.7]");
  CHECK(sent["Via"] == "[1.1 onehop]");
  CHECK(sent.head().authority == "h:80");
}

TEST_CASE("what a stranger says about who is asking is replaced") {
  const Sent sent({{"X-Forwarded-For", "1.1.1.1"},
                   {"X-Forwarded-Host", "evil"},
                   {"X-Forwarded-Proto", "https"},
                   {"X-Forwarded-Prefix", "/p"},
                   {"Forwarded", "for=1.1.1.1"}},
                  kStranger);
  CHECK(sent["X-Forwarded-For"] == "[192.0.2.7]");
  CHECK(sent["X-Forwarded-Host"] == "[h:80]");
  CHECK(sent["X-Forwarded-Proto"] == "[http]");
  CHECK(sent["X-Forwarded-Prefix"].empty());
  CHECK(sent["Forwarded"] == "[for=192.0.2.7;host=\"h:80\";proto=http]");
}

TEST_CASE("what a trusted client says about who is asking is kept and continued") {
  const Sent sent({{"X-Forwarded-For", "1.1.1.1"},
                   {"X-Forwarded-For", ""},
                   {"X-Forwarded-For", "2.2.2.2"},
                   {"X-Forwarded-Host", "public"},
                   {"X-Forwarded-Proto", "https"},
                   {"X-Forwarded-Prefix", "/p"},
                   {"Forwarded", "for=1.1.1.1"}},
                  kTrusted);
  CHECK(sent["X-Forwarded-For"] == "[1.1.1.1, 2.2.2.2, 10.0.0.1]");
  CHECK(sent["X-Forwarded-Host"] == "[public]");
  CHECK(sent["X-Forwarded-Proto"] == "[https]");
  CHECK(sent["X-Forwarded-Prefix"] == "[/p]");
  CHECK(sent["Forwarded"] == "[for=1.1.1.1, for=10.0.0.1;host=\"h:80\";proto=http]");
}

TEST_CASE("a trusted client that says nothing is treated as the one who asks") {
  const Sent sent({}, kTrusted);
  CHECK(sent["X-Forwarded-For"] == "[10.0.0.1]");
  CHECK(sent["X-Forwarded-Host"] == "[h:80]");
  CHECK(sent["X-Forwarded-Proto"] == "[http]");
  CHECK(sent["Forwarded"] == "[for=10.0.0.1;host=\"h:80\";proto=http]");
}

TEST_CASE("an IPv6 client is quoted in Forwarded and plain in X-Forwarded-For") {
  const Sent sent({}, client_at("2001:db8::7", false), 1, "[::1]:80");
  CHECK(sent["X-Forwarded-For"] == "[2001:db8::7]");
  CHECK(sent["Forwarded"] == "[for=\"[2001:db8::7]\";host=\"[::1]:80\";proto=http]");
}

TEST_CASE("a request without Host says nothing of one") {
  const Sent sent({}, kStranger, 0, "");
  CHECK(sent["X-Forwarded-Host"].empty());
  CHECK(sent["Forwarded"] == "[for=192.0.2.7;proto=http]");
}

TEST_CASE("Via says which version came, and keeps what is there") {
  CHECK(Sent({{"Via", "1.1 a"}}, kStranger)["Via"] == "[1.1 a][1.1 onehop]");
  CHECK(Sent({}, kStranger, 0)["Via"] == "[1.0 onehop]");
}

TEST_CASE("a request id is made where the client brought none") {
  CHECK(Sent({}, kStranger)["X-Request-Id"] == "[fresh]");
  const Sent kept({{"x-request-id", "mine"}}, kStranger);
  CHECK(kept["x-request-id"] == "[mine]");
  CHECK(kept["X-Request-Id"].empty());
}

TEST_CASE("of several request ids the first that says something is kept") {
  CHECK(Sent({{"X-Request-Id", ""}}, kStranger)["X-Request-Id"] == "[fresh]");
  CHECK(Sent({{"X-Request-Id", ""}, {"X-Request-Id", "a"}, {"X-Request-Id", "b"}},
             kStranger)["X-Request-Id"] == "[a]");
}

TEST_CASE("names with underscores that pass for known ones are dropped") {
  const Sent sent({{"X_Forwarded_For", "1.1.1.1"}, {"Content_Length", "5"}, {"x_own_field", "v"}},
                  kStranger);
  CHECK(sent["X_Forwarded_For"].empty());
  CHECK(sent["Content_Length"].empty());
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
std::string answered(const Lines& lines, int status = 200, bool trailers_accepted = true) {
  std::vector<Field> received(lines.size());
  std::vector<Field> room(lines.size() + kAddedFields);
  http::ResponseHead head;
  head.status = status;
  head.fields = Fields(received);
  for (const auto& [name, value] : lines) head.fields.add(name, value);
  std::string text;
  for (const Field& field : forwarded_response(head, trailers_accepted, room).fields) {
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
  CHECK(answered({{"Date", "d"}, {"Trailer", "X"}}, 200, false) == "Date=d;Via=1.1 onehop;");
}

TEST_CASE("a trailer that could be mistaken for a header field is dropped") {
  const Lines lines = {{"X-Checksum", "1"},        {"Content-Length", "5"},
                       {"Transfer-Encoding", "x"}, {"Host", "h"},
                       {"Authorization", "a"},     {"Set-Cookie", "c"},
                       {"content-encoding", "g"},  {"Content-Range", "r"},
                       {"X_Forwarded_For", "1"},   {"Cache-Control", "c"},
                       {"X-Request-Id", "i"},      {"Server-Timing", "t"}};
  std::vector<Field> received(lines.size());
  std::vector<Field> room(lines.size());
  Fields trailers(received);
  for (const auto& [name, value] : lines) trailers.add(name, value);
  std::string names;
  for (const Field& field : forwarded_trailers(trailers, room)) {
    names += std::string(field.name) + ";";
  }
  CHECK(names == "X-Checksum;Server-Timing;");
}

}  // namespace
}  // namespace onehop::proxy
