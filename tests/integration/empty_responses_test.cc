// SPDX-License-Identifier: MIT
// Responses without content: whatever an endpoint says of their length, or leaves out, an HTTP/1
// client knows where they end, and its connection goes on.
#include "tests/support/catch.h"
#include "tests/support/gate.h"
#include "tests/support/h2_origin.h"
#include "tests/support/proxy_chain.h"

namespace onehop::test {
namespace {

// How an HTTP/2 endpoint ends a response of no bytes.
enum class How { with_the_head, with_empty_data, with_trailers };

// Answers "/STATUS" with that status and no content, anything else with "body".
ScriptedOrigin::Script empty_answers(How how) {
  return h2_script([how](H2Peer& peer, int32_t id) {
    const std::string path = peer.exchange(id).heads.front().get(":path").value_or("");
    if (path == "/body") {
      peer.send(h2_headers(id, {{":status", "200"}, {"content-length", "4"}}, kEndHeaders));
      return peer.send({H2Type::data, kEndStream, id, "body"});
    }
    const H2Fields head = {{":status", path.substr(1)}, {"grpc-status", "0"}};
    const bool at_once = how == How::with_the_head;
    peer.send(h2_headers(id, head, at_once ? kEndHeaders | kEndStream : kEndHeaders));
    if (how == How::with_empty_data) peer.send({H2Type::data, kEndStream, id, ""});
    if (how == How::with_trailers)
      peer.send(h2_headers(id, {{"x-sum", "1"}}, kEndHeaders | kEndStream));
  });
}

// The client's connection has nothing on it that belongs to no response.
void goes_on(AnyClient& client) {
  client.ask({.path = "/body"});
  const Response next = client.response();
  CHECK(next.status == 200);
  CHECK(next.body == "body");
}

TEST_CASE("an answer of an HTTP/2 endpoint that ends with its head has its end for any client") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, empty_answers(How::with_the_head), {}, Speaks::h2);
    const auto client = chain.client();
    for (const int status : {200, 201, 202, 205, 302, 307, 404, 412, 500, 503}) {
      CAPTURE(status);
      client->ask({.path = "/" + std::to_string(status)});
      const Response response = client->response();
      CHECK(response.status == status);
      CHECK(response.complete);
      CHECK(response.body.empty());
      CHECK(response.field("grpc-status") == "0");
      CHECK_FALSE(response.fields.has("Transfer-Encoding"));
      if (down.speaks == Speaks::h1) CHECK(response.fields.all("Content-Length").size() == 1);
      if (down.speaks == Speaks::h1) CHECK(response.field("Content-Length") == "0");
      goes_on(*client);
    }
  });
}

TEST_CASE("what never has content has no framing, however its HTTP/2 endpoint ended it") {
  const How how = GENERATE(How::with_the_head, How::with_empty_data, How::with_trailers);
  CAPTURE(static_cast<int>(how));
  for_all_legs([&](Leg down, Leg up) {
    ProxyChain chain(down, up, empty_answers(how), {}, Speaks::h2);
    const auto client = chain.client();
    for (const auto& [method, status] : std::vector<std::pair<std::string, int>>{
             {"GET", 204}, {"GET", 304}, {"POST", 204}, {"HEAD", 200}, {"HEAD", 404}}) {
      CAPTURE(method, status);
      client->ask({.method = method, .path = "/" + std::to_string(status)});
      const Response response = client->response();
      CHECK(response.status == status);
      CHECK(response.complete);
      CHECK(response.body.empty());
      CHECK_FALSE(response.fields.has("Transfer-Encoding"));
      // Between two of HTTP/1.1 an empty answer to HEAD says so itself.
      if (method == "GET") CHECK_FALSE(response.fields.has("Content-Length"));
      goes_on(*client);
    }
  });
}

TEST_CASE("an answer of no bytes that does not end with its head is whole, and the next follows") {
  const How how = GENERATE(How::with_empty_data, How::with_trailers);
  for_all_legs([&](Leg down, Leg up) {
    ProxyChain chain(down, up, empty_answers(how), {}, Speaks::h2);
    const auto client = chain.client();
    for (const int status : {200, 205, 302, 404, 503}) {
      CAPTURE(status);
      client->ask({.path = "/" + std::to_string(status)});
      const Response response = client->response();
      CHECK(response.status == status);
      CHECK(response.complete);
      CHECK(response.body.empty());
      goes_on(*client);
    }
  });
}

TEST_CASE("a client of HTTP/1.0 learns that an answer is empty, and keeps its connection") {
  const bool keeps = GENERATE(true, false);
  ScriptedOrigin origin(empty_answers(How::with_the_head));
  ProxyProcess proxy({.endpoints = {origin.address()}, .upstream = "protocol = \"h2\""});
  for (const int status : {200, 204, 205, 302, 304, 404}) {
    CAPTURE(keeps, status);
    Client client = proxy.connect();
    client.send("GET /" + std::to_string(status) + " HTTP/1.0\r\nHost: a\r\n" +
                (keeps ? "Connection: keep-alive\r\n" : "") + "\r\n");
    const Response response = client.read_response_head();
    CHECK(response.status == status);
    CHECK(response.field("Content-Length") == (status == 204 || status == 304 ? "" : "0"));
    CHECK(response.field("Connection") == (keeps ? "keep-alive" : "close"));
    if (!keeps) {
      CHECK(client.wait_end() == End::closed);
      continue;
    }
    client.send("GET /body HTTP/1.0\r\nHost: a\r\n\r\n");
    CHECK(client.read_response().body == "body");
  }
}

TEST_CASE("a HEAD from HTTP/1.0 keeps its connection though nobody knows the length") {
  ScriptedOrigin origin(empty_answers(How::with_empty_data));
  ProxyProcess proxy({.endpoints = {origin.address()}, .upstream = "protocol = \"h2\""});
  Client client = proxy.connect();
  client.send("HEAD /200 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
  const Response response = client.read_response_head();
  CHECK_FALSE(response.fields.has("Content-Length"));
  CHECK(response.field("Connection") == "keep-alive");
  client.send("GET /body HTTP/1.0\r\nHost: a\r\n\r\n");
  CHECK(client.read_response().body == "body");
}

TEST_CASE("a request without content is one for any endpoint, however its client ended it") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::answering([](const Request& request) {
                       return ok(request.method + std::to_string(request.body.size()));
                     }));
    const auto client = chain.client();
    for (const char* method : {"GET", "POST", "DELETE", "PUT", "OPTIONS"}) {
      for (const Length length : {Length::none, Length::known, Length::unknown}) {
        CAPTURE(method, static_cast<int>(length));
        client->ask({.method = method, .length = length});
        client->finish();
        CHECK(client->response().body == method + std::string("0"));
      }
    }
  });
}

}  // namespace
}  // namespace onehop::test
