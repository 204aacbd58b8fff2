// SPDX-License-Identifier: MIT
// What onehop answers itself: that each reply says what its outcome is, to a person, to a proxy and
// to a gRPC client, and is framed so that the next response can be found behind it.
#include "proxy/local_reply.h"

#include <ctime>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "onehop/http/date.h"
#include "onehop/http/reason.h"
#include "tests/support/catch.h"
#include "tests/support/hand_side.h"

namespace onehop::proxy {
namespace {

using http::BodyLength;
using http::Ends;

// The client's stream: what it was sent, with texts of its own.
class Taken final : public http::ServerStream {
 public:
  void send_head(const http::ResponseHead& head, Ends ends) override {
    ++heads;
    status = head.status;
    reason = head.reason;
    length = head.body;
    abandons_request = head.abandons_request;
    last_of_connection = head.last_of_connection;
    for (const http::Field& field : head.fields) fields.emplace(field.name, field.value);
    field_count = head.fields.size();
    ended_with_head = ends == Ends::yes;
  }
  void send_body(Buffer&& bytes, Ends ends) override {
    body += bytes.to_string();
    bytes.clear();
    ends_of_body += ends == Ends::yes ? 1 : 0;
  }
  void send_trailers(const http::Fields&) override { ++ends_of_body; }
  bool has_room() const override { return true; }
  void set_reading(bool) override {}
  bool take_back() override { return false; }
  void reset() override {}

  // The value of a field; "-" where it is not there.
  std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "-" : found->second;
  }

  int heads = 0;
  int status = 0;
  std::string reason;
  BodyLength length;
  bool abandons_request = false;
  bool last_of_connection = false;
  std::map<std::string, std::string> fields;
  size_t field_count = 0;
  bool ended_with_head = false;
  std::string body;
  int ends_of_body = 0;
};

struct Said {
  std::string_view detail = {};
  std::string_view hsts = {};
  std::string_view request_id = {};
  bool grpc = false;
};

Taken reply(Outcome outcome, const Said& said = {}) {
  Taken stream;
  Arena arena;
  send_local_reply({stream, outcome, said.detail, said.hsts, said.request_id, said.grpc}, arena);
  return stream;
}

// All that are answered with something.
std::vector<Outcome> answered() {
  std::vector<Outcome> outcomes;
  for (size_t i = 0; i < outcome_names().size(); ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (row_of(outcome).status != 0) outcomes.push_back(outcome);
  }
  return outcomes;
}

std::vector<Outcome> errors() {
  std::vector<Outcome> outcomes = answered();
  std::erase_if(outcomes, [](Outcome outcome) { return row_of(outcome).status < 400; });
  return outcomes;
}

TEST_CASE("every outcome is answered once, with its status and its reason") {
  CHECK(answered().size() == outcome_names().size() - 1);  // all but `ok`
  for (const Outcome outcome : answered()) {
    INFO(row_of(outcome).name);
    const Taken taken = reply(outcome);
    CHECK(taken.heads == 1);
    CHECK(taken.status == row_of(outcome).status);
    CHECK(taken.reason == http::reason_of(taken.status));
    CHECK(taken.abandons_request);
  }
}

TEST_CASE("a reply is as long as it says, and ends once") {
  for (const Outcome outcome : answered()) {
    INFO(row_of(outcome).name);
    const Taken taken = reply(outcome, {.request_id = "0a1b"});
    CHECK(taken.length.kind == BodyLength::Kind::known);
    CHECK(taken.length.bytes == taken.body.size());
    CHECK_FALSE(taken.ended_with_head);
    CHECK(taken.ends_of_body == 1);
  }
}

TEST_CASE("no field is said twice") {
  for (const Outcome outcome : answered()) {
    INFO(row_of(outcome).name);
    const Taken taken = reply(outcome, {.hsts = "max-age=1", .request_id = "0a1b"});
    CHECK(taken.fields.size() == taken.field_count);
  }
}

TEST_CASE("an error says in Proxy-Status what kind it is, and which outcome") {
  CHECK(reply(Outcome::connect_refused).field("Proxy-Status") ==
        "onehop; error=connection_refused; details=\"connect_refused\"");
  for (const Outcome outcome : errors()) {
    const std::string name(row_of(outcome).name);
    INFO(name);
    const std::string said = reply(outcome).field("Proxy-Status");
    CHECK(said.find("; error=" + std::string(row_of(outcome).error) + ";") != std::string::npos);
    CHECK(said.find("\"" + name + "\"") != std::string::npos);
  }
}

TEST_CASE("what is no error has neither Proxy-Status nor a text") {
  for (const Outcome outcome : {Outcome::redirected, Outcome::answered_here}) {
    INFO(row_of(outcome).name);
    const Taken taken = reply(outcome);
    CHECK(taken.field("Proxy-Status") == "-");
    CHECK(taken.field("Content-Type") == "-");
    CHECK(taken.length.bytes == 0);
  }
}

TEST_CASE("a person reads the status, what happened, the outcome's name and the request's id") {
  const Taken taken = reply(Outcome::no_route, {.request_id = "0a1b"});
  CHECK(taken.body ==
        "404 Not Found\nNo route matches the host and path (no_route).\nRequest id: 0a1b\n");
  CHECK(taken.field("Content-Type") == "text/plain; charset=utf-8");
}

TEST_CASE("a detail stands where the outcome's own sentence would") {
  const Taken taken = reply(Outcome::bad_request, {.detail = "A field line is malformed"});
  CHECK(taken.body == "400 Bad Request\nA field line is malformed (bad_request).\n");
}

TEST_CASE("a detail that is longer than the room for it is cut, and the length fits what is left") {
  const std::string detail(2000, 'd');
  const Taken taken = reply(Outcome::bad_request, {.detail = detail, .request_id = "0a1b"});
  CHECK(taken.length.bytes == taken.body.size());
  CHECK(taken.body.size() < detail.size());
  CHECK(taken.body.starts_with("400 Bad Request\ndddd"));
  CHECK(taken.body.find_first_not_of('d', 16) == std::string::npos);
}

TEST_CASE("a reply takes its memory from the arena that it is given, however full that is") {
  Arena arena;
  arena.allocate(2000, 1);
  Taken stream;
  send_local_reply({stream, Outcome::no_route, {}, {}, "0a1b"}, arena);
  CHECK(stream.body == reply(Outcome::no_route, {.request_id = "0a1b"}).body);
  CHECK(stream.field("Proxy-Status") == reply(Outcome::no_route).field("Proxy-Status"));
}

TEST_CASE("every reply says when and by whom it was made") {
  for (const Outcome outcome : answered()) {
    INFO(row_of(outcome).name);
    const std::string before(http::date_text(std::time(nullptr)));
    const Taken taken = reply(outcome);
    const std::string after(http::date_text(std::time(nullptr)));
    const std::string said = taken.field("Date");
    CHECK((said == before || said == after));
    CHECK(taken.field("Server") == "onehop");
  }
}

TEST_CASE("the request's id and Strict-Transport-Security are said where there is one") {
  for (const bool grpc : {false, true}) {
    CAPTURE(grpc);
    const Taken with =
        reply(Outcome::no_route, {.hsts = "max-age=60", .request_id = "0a1b", .grpc = grpc});
    CHECK(with.field("X-Request-Id") == "0a1b");
    CHECK(with.field("Strict-Transport-Security") == "max-age=60");
    const Taken without = reply(Outcome::no_route, {.grpc = grpc});
    CHECK(without.field("X-Request-Id") == "-");
    CHECK(without.field("Strict-Transport-Security") == "-");
  }
}

TEST_CASE("whoever is overloaded says when to come back, and nobody else") {
  for (const Outcome outcome : answered()) {
    INFO(row_of(outcome).name);
    CHECK(reply(outcome).field("Retry-After") == (row_of(outcome).status == 503 ? "1" : "-"));
  }
  CHECK(reply(Outcome::queue_full).field("Retry-After") == "1");
}

TEST_CASE("a redirect says where to, and nothing else does") {
  const Said said{.detail = "https://example.org/a?b"};
  CHECK(reply(Outcome::redirected, said).field("Location") == said.detail);
  for (const Outcome outcome : errors()) {
    INFO(row_of(outcome).name);
    CHECK(reply(outcome, said).field("Location") == "-");
  }
}

TEST_CASE("an answer to OPTIONS says which methods there are, and nothing else does") {
  CHECK(reply(Outcome::answered_here).field("Allow").find("OPTIONS") != std::string::npos);
  for (const Outcome outcome : errors()) CHECK(reply(outcome).field("Allow") == "-");
}

TEST_CASE("a client's fault ends its connection, but for a path that is nowhere") {
  const std::set<Outcome> last = {Outcome::bad_request,          Outcome::ambiguous_path,
                                  Outcome::request_incomplete,   Outcome::request_head_timeout,
                                  Outcome::request_body_timeout, Outcome::request_body_idle_timeout,
                                  Outcome::body_too_large,       Outcome::target_too_long,
                                  Outcome::expectation_unknown,  Outcome::head_too_large,
                                  Outcome::method_unknown,       Outcome::coding_unknown,
                                  Outcome::version_unknown,      Outcome::client_gone,
                                  Outcome::client_half_closed,   Outcome::client_shed,
                                  Outcome::client_stalled};
  for (const Outcome outcome : answered()) {
    for (const bool grpc : {false, true}) {
      INFO(row_of(outcome).name << (grpc ? " of a call" : ""));
      CHECK(reply(outcome, {.grpc = grpc}).last_of_connection == last.contains(outcome));
    }
  }
}

TEST_CASE("a gRPC call is answered with a head alone, whose status of HTTP is no error") {
  for (const Outcome outcome : errors()) {
    INFO(row_of(outcome).name);
    const Taken taken = reply(outcome, {.grpc = true});
    CHECK(taken.heads == 1);
    CHECK(taken.status == 200);
    CHECK(taken.reason == "OK");
    CHECK(taken.ended_with_head);
    CHECK(taken.ends_of_body == 0);
    CHECK(taken.body.empty());
    CHECK(taken.field("Content-Type") == "application/grpc");
    CHECK(taken.abandons_request);
    CHECK(taken.fields.size() == taken.field_count);
  }
}

// As gRPC's http-grpc-status-mapping.md has it, but that a timeout is one of the call, too, and a
// rate limit a quota.
TEST_CASE("a gRPC call learns whether it was wrong, unknown, late or unlucky") {
  const std::map<int, std::string> numbers = {{400, "13"}, {404, "12"}, {408, "4"},  {413, "2"},
                                              {414, "2"},  {417, "2"},  {429, "8"},  {431, "13"},
                                              {499, "2"},  {501, "12"}, {502, "14"}, {503, "14"},
                                              {504, "4"},  {505, "2"},  {508, "2"}};
  for (const Outcome outcome : errors()) {
    INFO(row_of(outcome).name);
    REQUIRE(numbers.contains(row_of(outcome).status));
    CHECK(reply(outcome, {.grpc = true}).field("grpc-status") ==
          numbers.at(row_of(outcome).status));
  }
}

TEST_CASE("a gRPC call is told what happened, and a proxy which outcome it was") {
  CHECK(reply(Outcome::no_route, {.grpc = true}).field("grpc-message") ==
        row_of(Outcome::no_route).sentence);
  const Taken taken = reply(Outcome::upstream_bad_response,
                            {.detail = "The chunked coding is malformed", .grpc = true});
  CHECK(taken.field("grpc-message") == "The chunked coding is malformed");
  CHECK(taken.field("Proxy-Status") ==
        "onehop; error=http_protocol_error; details=\"upstream_bad_response\"");
}

TEST_CASE("what a gRPC call is told is percent-encoded, as its clients decode it") {
  const Taken taken =
      reply(Outcome::ambiguous_path, {.detail = "a % without \xC3\xA9~\x7F\n", .grpc = true});
  CHECK(taken.field("grpc-message") == "a %25 without %C3%A9~%7F%0A");
}

TEST_CASE("a gRPC call to a listener that redirects is redirected like any other request") {
  const Taken taken = reply(Outcome::redirected, {.detail = "https://example.org/", .grpc = true});
  CHECK(taken.status == 308);
  CHECK(taken.field("Location") == "https://example.org/");
  CHECK(taken.field("grpc-status") == "-");
}

// Answers every request with a 404 of ours.
class Nowhere final : public http::Service {
 public:
  std::unique_ptr<http::Responder> open(http::ServerStream& stream, const http::Client&,
                                        const http::HeadTimes&) override {
    return std::make_unique<Answer>(stream);
  }

 private:
  class Answer final : public http::Responder {
   public:
    explicit Answer(http::ServerStream& stream) : stream_(stream) {}
    void on_head(const http::RequestHead&, Ends) override {
      send_local_reply({stream_, Outcome::no_route, {}, {}, {}}, arena_);
    }
    void on_body(Buffer&, Ends) override {}
    void on_trailers(const http::Fields&) override {}
    void on_room() override {}
    void on_stall() override {}
    void on_reset(const http::StreamError&) override {}

   private:
    http::ServerStream& stream_;
    Arena arena_;
  };
};

TEST_CASE("the reply to HEAD says the length of its text and comes without it") {
  Nowhere service;
  test::HandPeer head, get;
  test::HandSide side(service);
  side.serve_h1(head);
  side.serve_h1(get);
  head.say("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  get.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  side.loop.end_turn();
  const std::string text = reply(Outcome::no_route).body;
  const std::string length = "Content-Length: " + std::to_string(text.size()) + "\r\n";
  for (const test::HandPeer* peer : {&head, &get}) {
    CHECK(peer->taken.starts_with("HTTP/1.1 404 Not Found\r\n"));
    CHECK(peer->taken.find(length) != std::string::npos);
  }
  CHECK(head.taken.ends_with("\r\n\r\n"));
  CHECK(get.taken.ends_with("\r\n\r\n" + text));
}

}  // namespace
}  // namespace onehop::proxy
