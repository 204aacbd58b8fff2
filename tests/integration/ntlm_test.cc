// SPDX-License-Identifier: MIT
// Authentication of connections (NTLM, Negotiate): what one client has proved on a connection to an
// endpoint is never another one's, and the legs of its handshake go over one connection.
#include <memory>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/expect.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

std::string unauthorized(const std::string& challenges) {
  return "HTTP/1.1 401 Unauthorized\r\n" + challenges + "Content-Length: 2\r\n\r\nno";
}

// An application behind NTLM: each connection remembers who has authenticated it.
//   "NTLM hello-NAME" -> 401 with a challenge -> "NTLM proof-NAME-CHALLENGE" -> NAME
ScriptedOrigin::Script behind_ntlm(const std::string& name = "") {
  return [name](OriginConnection& connection) {
    std::string user;
    std::string expected;
    while (const std::optional<Request> request = connection.read_request()) {
      const std::string said = request->field("Authorization");
      const std::string challenge = std::to_string(connection.index());
      if (said.starts_with("NTLM hello-")) {
        user.clear();
        expected = "NTLM proof-" + said.substr(11) + "-" + challenge;
        connection.send(unauthorized("WWW-Authenticate: NTLM " + challenge + "\r\n"));
      } else if (!said.empty() && said == expected) {
        user = said.substr(11, said.rfind('-') - 11);
        connection.send(ok(user + name));
      } else if (!user.empty() && said.empty()) {
        connection.send(ok(user + name));
      } else {
        connection.send(unauthorized("WWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n"));
      }
    }
  };
}

// A user at a client of whatever protocol.
class User {
 public:
  User(std::string name, std::unique_ptr<AnyClient> client)
      : name_(std::move(name)), client_(std::move(client)) {}

  Response get(const std::string& authorization = "", const std::string& path = "/") {
    H2Fields fields;
    if (!authorization.empty()) fields.push_back({"authorization", authorization});
    client_->ask({.path = path, .fields = fields});
    return client_->response();
  }
  void hello() {
    const Response response = get("NTLM hello-" + name_);
    CHECK(response.status == 401);
    challenge_ = response.field("WWW-Authenticate").substr(5);
  }
  Response prove() { return get("NTLM proof-" + name_ + "-" + challenge_); }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::unique_ptr<AnyClient> client_;
  std::string challenge_;
};

TEST_CASE("a handshake of three legs succeeds for two clients at a time, and each is itself") {
  for (const Tls down : {Tls::off, Tls::on}) {
    for (const Tls up : {Tls::off, Tls::on}) {
      CAPTURE(static_cast<int>(down), static_cast<int>(up));
      ProxyChain chain({Speaks::h1, down}, {Speaks::h1, up}, behind_ntlm());
      User alice("alice", chain.client());
      User bob("bob", chain.client());
      CHECK(alice.get().status == 401);
      CHECK(bob.get().status == 401);
      alice.hello();
      bob.hello();
      CHECK(alice.prove().body == "alice");
      CHECK(bob.prove().body == "bob");
      for (int i = 0; i < 3; ++i) {
        CHECK(alice.get().body == "alice");
        CHECK(bob.get().body == "bob");
      }
      User stranger("stranger", chain.client());
      CHECK(stranger.get().status == 401);
      CHECK(alice.get().body == "alice");
    }
  }
}

TEST_CASE("whatever client and endpoint speak, nobody is given a connection of somebody else") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, behind_ntlm());
    {
      User alice("alice", chain.client());
      alice.get();
      alice.hello();
      alice.prove();
      alice.get();
      User bob("bob", chain.client());
      for (int i = 0; i < 3; ++i) CHECK(bob.get().body == "no");
    }
    User carol("carol", chain.client());
    for (int i = 0; i < 3; ++i) CHECK(carol.get().body == "no");
  });
}

// Believes whatever a client says about itself first, and remembers it for the connection.
ScriptedOrigin::Script trusting() {
  return [](OriginConnection& connection) {
    std::string user = "nobody";
    while (const std::optional<Request> request = connection.read_request()) {
      if (const std::string said = request->field("Authorization"); !said.empty()) user = said;
      connection.send(ok(user));
    }
  };
}

TEST_CASE("a connection on which a client authenticated of its own accord is nobody else's") {
  const std::string scheme = GENERATE(as<std::string>(), "Negotiate", "NTLM", "negotiate", "ntlm");
  CAPTURE(scheme);
  for_all_legs([&](Leg down, Leg up) {
    ProxyChain chain(down, up, trusting());
    User alice("alice", chain.client());
    CHECK(alice.get(scheme + " YII=").body == scheme + " YII=");
    User bob("bob", chain.client());
    CHECK(bob.get().body == "nobody");
    if (down.speaks == Speaks::h1 && up.speaks == Speaks::h1)
      CHECK(alice.get().body == scheme + " YII=");
    CHECK(bob.get().body == "nobody");
  });
}

TEST_CASE("credentials of a request bind no connection") {
  ProxyChain chain({}, {}, trusting());
  for (const char* said : {"Basic TlRM", "Bearer NTLM"}) {
    User user("somebody", chain.client());
    CHECK(user.get(said).body == said);
  }
  CHECK(chain.origin().accepts() == 1);
}

TEST_CASE("the connection of a client that leaves between two legs is closed") {
  const bool reset = GENERATE(false, true);
  CAPTURE(reset);
  ScriptedOrigin origin(behind_ntlm());
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  Client alice = proxy.connect();
  alice.send("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: NTLM hello-alice\r\n\r\n");
  CHECK(alice.read_response().status == 401);
  const std::string open = ProxyProcess::endpoint(origin.address(), "connections/open");
  CHECK(proxy.stats().number(open) == 1);
  CHECK(proxy.stats().number(ProxyProcess::endpoint(origin.address(), "connections/idle")) == 0);
  reset ? alice.reset() : alice.close();
  CHECK(proxy.wait_number(open, 0) == 0);
  CHECK(eventually([&] { return origin.open() == 0; }));
  CHECK(proxy.get().body == "no");
  CHECK(proxy.stats().number(
            ProxyProcess::endpoint(origin.address(), "connections/opened_by_reason/bound")) == 1);
}

TEST_CASE("a client stays with the endpoint that it authenticated at") {
  ScriptedOrigin one(behind_ntlm(" at one"));
  ScriptedOrigin two(behind_ntlm(" at two"));
  ProxyProcess proxy(ProxyConfig{.endpoints = {one.address(), two.address()}});
  std::vector<std::unique_ptr<User>> users;
  std::set<std::string> places;
  for (const char* name : {"alice", "bob"}) {
    users.push_back(std::make_unique<User>(name, connect_any({}, proxy.address(), "")));
    User& user = *users.back();
    user.hello();
    const std::string place = user.prove().body;
    places.insert(place.substr(place.find(' ')));
    for (int i = 0; i < 5; ++i) CHECK(user.get().body == place);
  }
  for (const auto& user : users) CHECK(user->get().body.starts_with(user->name()));
}

TEST_CASE("a client whose connection the endpoint closed begins again on another one") {
  const bool idle = GENERATE(true, false);  // after a while, or with the response
  CAPTURE(idle);
  ScriptedOrigin origin([&](OriginConnection& connection) {
    while (const std::optional<Request> request = connection.read_request()) {
      if (request->field("Authorization").empty()) {
        connection.send(unauthorized("WWW-Authenticate: NTLM\r\n"));
        continue;
      }
      connection.send(idle ? ok("in") : ok("in", "Connection: close\r\n"));
      return;
    }
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  User alice("alice", connect_any({}, proxy.address(), ""));
  for (int i = 0; i < 3; ++i) {
    CHECK(alice.get("NTLM x").body == "in");
    REQUIRE(proxy.wait_number(ProxyProcess::endpoint(origin.address(), "connections/open"), 0) ==
            0);
    CHECK(alice.get().status == 401);
  }
}

TEST_CASE("a connection at rest with its client is closed after the pool's idle timeout") {
  ScriptedOrigin origin(behind_ntlm());
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .pool = "idle_timeout = \"50ms\""});
  User alice("alice", connect_any({}, proxy.address(), ""));
  CHECK(alice.get().status == 401);
  REQUIRE(proxy.wait_number(ProxyProcess::endpoint(origin.address(), "connections/open"), 0) == 0);
  CHECK(alice.get().status == 401);
}

TEST_CASE("a handshake goes through whatever the pool is told about reuse") {
  const std::string pool = GENERATE(as<std::string>(), "reuse = false", "max_requests = 1",
                                    "max_idle = 0", "max_connections = 1");
  CAPTURE(pool);
  ScriptedOrigin origin(behind_ntlm());
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .pool = pool});
  User alice("alice", connect_any({}, proxy.address(), ""));
  CHECK(alice.get().status == 401);
  alice.hello();
  CHECK(alice.prove().body == "alice");
  CHECK(alice.get().body == "alice");
}

TEST_CASE("a bound connection holds its place, and whoever waits gets it when the client leaves") {
  ScriptedOrigin origin(behind_ntlm());
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()},
                  .pool = "max_connections = 1\nqueue_timeout = \"20s\"\nidle_timeout = \"30s\""});
  auto alice = std::make_unique<User>("alice", connect_any({}, proxy.address(), ""));
  CHECK(alice->get().status == 401);
  Client waiting = proxy.connect();
  waiting.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(proxy.wait_number(ProxyProcess::endpoint(origin.address(), "requests/queued"), 1) == 1);
  alice->hello();
  CHECK(alice->prove().body == "alice");
  alice.reset();
  CHECK(waiting.read_response().body == "no");
}

TEST_CASE("a stop waits for no connection at rest with its client") {
  ScriptedOrigin origin(behind_ntlm());
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  User alice("alice", connect_any({}, proxy.address(), ""));
  CHECK(alice.get().status == 401);
  CHECK(proxy.terminate() == 0);
}

}  // namespace
}  // namespace onehop::test
