// SPDX-License-Identifier: MIT
// The lines of chunks over {plain, tls} on the client's side and every protocol on the other, and
// the other way round: what is legal arrives, what two readers could take for two sizes does not.
#include <optional>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/proxy_chain.h"

namespace onehop::test {
namespace {

const std::vector<std::string> kLegal = {
    "5",          "05",        "000000000000000000000000005",  "5 ;a",       "5\t \t;a",
    "5;a",        "5;a=b;c=d", "5 ; a = \"b;\\\"\\\\ c\" ; d", "5;\ta=\"\"", "5;!#$=~",
    "005 \t;x=y",
};
const std::vector<std::string> kRefused = {
    "5 ",           "5\t",      " 5",   "5 0",      "0x5",     "+5",  "-5",
    "5;",           "5;;a",     "5;a=", "5;bad[=x", "5;a=\"b", "5 a", "5,",
    "5;a b",        "5;=b",     "5\r",  "5\n",      "g",       "",    "10000000000000005",
    "5;a=\"\x01\"", "5;a=\x7f",
};

std::string chunks(const std::string& line) {
  return line + "\r\nhello\r\n0\r\n\r\n";
}

// The head of a request may be on its way before a bad line is there: then it is cut short.
void answers_whole_requests(OriginConnection& connection) {
  try {
    while (const std::optional<Request> request = connection.read_request()) {
      if (!connection.try_send(ok("got " + request->body))) return;
    }
  } catch (const PeerError&) {
  }
}

TEST_CASE("matrix: a request in chunks arrives however legal its lines are, and no other does") {
  for_all_legs([](Leg down, Leg up) {
    if (down.speaks != Speaks::h1) return;
    ProxyChain chain(down, up, answers_whole_requests);
    // Sent as it is: this client frames only what it is told the length of.
    const Ask ask = {.method = "POST", .fields = {{"Transfer-Encoding", "chunked"}}};
    for (const std::string& line : kLegal) {
      CAPTURE(line);
      const auto client = chain.client();
      client->ask(ask);
      client->send(chunks(line));
      CHECK(client->response().body == "got hello");
    }
    const int before = chain.origin().requests();
    for (const std::string& line : kRefused) {
      CAPTURE(line);
      const auto client = chain.client();
      client->ask(ask);
      client->send(chunks(line));
      CHECK(client->response().status == 400);
    }
    CHECK(chain.origin().requests() == before);
  });
}

TEST_CASE("matrix: chunks in HTTP/1.0 are refused, as nobody knows who reads them as such") {
  for_all_legs([](Leg down, Leg up) {
    if (down.speaks != Speaks::h1) return;
    ProxyChain chain(down, up, ScriptedOrigin::always(ok("forwarded")));
    const auto client = chain.client();
    client->ask(
        {.method = "POST", .fields = {{"Transfer-Encoding", "chunked"}}, .version = "HTTP/1.0"});
    client->send(chunks("5"));
    CHECK(client->response().status == 400);
    CHECK(chain.origin().requests() == 0);
  });
}

TEST_CASE("matrix: a transfer coding that nobody knows is 501, and chunks inside another 400") {
  for_all_legs([](Leg down, Leg up) {
    if (down.speaks != Speaks::h1) return;
    ProxyChain chain(down, up, ScriptedOrigin::always(ok("forwarded")));
    const auto status_of = [&](const std::string& coding) {
      const auto client = chain.client();
      client->ask({.method = "POST", .fields = {{"Transfer-Encoding", coding}}});
      client->send(chunks("5"));
      return client->response().status;
    };
    for (const std::string coding : {"gzip, chunked", "br,chunked", "x-new;q=1, chunked"})
      CHECK(status_of(coding) == 501);
    for (const std::string coding : {"chunked, gzip", "chunked, chunked", "chunked;a=b",
                                     "\x0b"
                                     "chunked"})
      CHECK(status_of(coding) >= 400);
    CHECK(chain.origin().requests() == 0);
  });
}

TEST_CASE("matrix: a response in chunks arrives however legal its lines are, and no other whole") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, ScriptedOrigin::answering([](const Request& request) {
                       const size_t index = std::stoul(request.target.substr(2));
                       const auto& lines = request.target[1] == 'l' ? kLegal : kRefused;
                       return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                              chunks(lines.at(index));
                     }));
    for (size_t i = 0; i < kLegal.size(); ++i) {
      CAPTURE(kLegal[i]);
      const auto client = chain.client();
      client->ask({.path = "/l" + std::to_string(i)});
      const Response response = client->response();
      CHECK(response.complete);
      CHECK(response.body == "hello");
    }
    for (size_t i = 0; i < kRefused.size(); ++i) {
      CAPTURE(kRefused[i]);
      const auto client = chain.client();
      try {
        client->ask({.path = "/r" + std::to_string(i)});
        const Response response = client->response();
        CHECK((response.status == 502 || !response.complete));
        CHECK(response.body.find("hello") == std::string::npos);
      } catch (const std::exception&) {  // reset
      }
    }
  });
}

}  // namespace
}  // namespace onehop::test
