// SPDX-License-Identifier: MIT
// Trailers of responses: an HTTP/2 client always gets them, an HTTP/1.1 client when it asked for
// them (RFC 9110 6.5.1).
#include "tests/support/catch.h"
#include "tests/support/h2_origin.h"
#include "tests/support/proxy_chain.h"

namespace onehop::test {
namespace {

constexpr char kWithTrailers[] =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n"
    "5\r\nhello\r\n0\r\nX-Sum: 42\r\ngrpc-status: 7\r\n\r\n";

TEST_CASE("trailers reach every client of HTTP/2, and of HTTP/1.1 those that asked for them") {
  const bool asked = GENERATE(false, true);
  CAPTURE(asked);
  for_all_legs([&](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::always(kWithTrailers));
    const auto client = chain.client();
    for (int round = 0; round < 2; ++round) {
      client->ask({.fields = asked ? H2Fields{{"te", "trailers"}} : H2Fields{}});
      const Response response = client->response();
      CHECK(response.complete);
      CHECK(response.body == "hello");
      const bool wanted = asked || down.speaks == Speaks::h2;
      CHECK(response.trailers.get("x-sum").value_or("none") == (wanted ? "42" : "none"));
      CHECK(response.trailers.get("grpc-status").value_or("none") == (wanted ? "7" : "none"));
      CHECK(response.fields.has("Trailer") == wanted);
    }
  });
}

TEST_CASE("the status of a gRPC call reaches a client whose te was taken out on the way") {
  FieldList seen;
  const auto script = h2_script([&](H2Peer& peer, int32_t id) {
    peer.finish(id);
    seen = peer.exchange(id).heads.front();
    if (seen.get(":path") == "/pkg.Service/Missing")
      return peer.send(h2_headers(
          id, {{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "12"}},
          kEndHeaders | kEndStream));
    peer.send(
        h2_headers(id, {{":status", "200"}, {"content-type", "application/grpc"}}, kEndHeaders));
    peer.send({H2Type::data, 0, id, std::string("\0\0\0\0\0", 5)});
    peer.send(h2_headers(id, {{"grpc-status", "5"}, {"grpc-message", "not here"}},
                         kEndHeaders | kEndStream));
  });
  for (const Leg down : {Leg{Speaks::h2, Tls::off}, Leg{Speaks::h2, Tls::on}}) {
    for (const Leg up : {Leg{Speaks::h2, Tls::off}, Leg{Speaks::h2, Tls::on}}) {
      for (const char* type : {"application/grpc", "application/grpc+proto"}) {
        ProxyChain chain(down, up, script, {}, Speaks::h2);
        const auto client = chain.client();
        client->ask({.method = "POST",
                     .path = "/pkg.Service/Method",
                     .fields = {{"content-type", type}},
                     .length = Length::unknown});
        CHECK(client->send(std::string("\0\0\0\0\0", 5)));
        client->finish();
        const Response response = client->response();
        CHECK(response.trailers.get("grpc-status") == "5");
        CHECK(response.trailers.get("grpc-message") == "not here");
        CHECK(seen.get("te") == "trailers");  // servers refuse a call without
        client->ask({.method = "POST",
                     .path = "/pkg.Service/Missing",
                     .fields = {{"content-type", type}},
                     .length = Length::unknown});
        client->finish();
        CHECK(client->response().field("grpc-status") == "12");
      }
    }
  }
}

TEST_CASE("an endpoint is told TE: trailers where its trailers will reach the client") {
  for (const Speaks speaks : {Speaks::h1, Speaks::h2}) {
    ProxyChain chain({speaks, Tls::off}, {}, ScriptedOrigin::always(kWithTrailers));
    const auto client = chain.client();
    client->ask({});
    client->response();
    CHECK(chain.origin().last().fields.has("TE") == (speaks == Speaks::h2));
    CHECK(chain.origin().last().fields.has_token("Connection", "TE") == (speaks == Speaks::h2));
    client->ask({.fields = {{"te", "trailers"}}});
    client->response();
    CHECK(chain.origin().last().field("TE") == "trailers");
    CHECK(chain.origin().last().fields.has_token("Connection", "TE"));
  }
}

}  // namespace
}  // namespace onehop::test
