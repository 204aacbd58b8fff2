// SPDX-License-Identifier: MIT
#include "onehop/admin/guard.h"

#include <array>

#include "tests/support/catch.h"

namespace onehop::admin {
namespace {

constexpr const char* kToken = "0123456789abcdef";

struct Asked {
  std::string_view authority = "127.0.0.1:9900";
  std::vector<std::pair<std::string_view, std::string_view>> fields = {};
};

const Address kNetwork = *Address::numeric("192.0.2.7", 4711);
const Address kSocket = Address::of_process({.uid = 1000, .pid = 123});

template <class Ask>
auto asked(const Asked& asked, Ask ask) {
  std::array<http::Field, 4> room;
  http::RequestHead head;
  head.authority = asked.authority;
  head.fields = http::Fields(room);
  for (const auto& [name, value] : asked.fields) head.fields.add(name, value);
  return ask(head);
}

int refusal(const Guard& guard, const Address& peer, const Asked& request = {}) {
  const auto reply = asked(request, [&](const auto& head) { return guard.refusal(peer, head); });
  return reply ? reply->status : 0;
}

std::optional<Reply> of_command(const Guard& guard, const Address& peer,
                                const Asked& request = {}) {
  return asked(request, [&](const auto& head) { return guard.command_refusal(peer, head); });
}

TEST_CASE("a request of a web page is refused on both ways in, whatever its Origin says") {
  Guard guard({});
  for (const std::string_view origin :
       {"https://evil.example", "null", "http://127.0.0.1:9900", ""}) {
    const Asked request{.fields = {{"Origin", origin}}};
    CHECK(refusal(guard, kNetwork, request) == 403);
    CHECK(refusal(guard, kSocket, request) == 403);
  }
}

TEST_CASE("a name that is not allowed is refused over the network, and nothing to a socket") {
  Guard guard({"onehop.example.org"});
  CHECK(refusal(guard, kNetwork) == 0);
  CHECK(refusal(guard, kNetwork, {.authority = "onehop.example.org"}) == 0);
  CHECK(refusal(guard, kNetwork, {.authority = "evil.example"}) == 421);
  CHECK(refusal(guard, kSocket, {.authority = "evil.example"}) == 0);
}

TEST_CASE("a command is taken over the socket without more") {
  Guard guard({});
  CHECK_FALSE(of_command(guard, kSocket).has_value());
  guard.trust(kToken);
  CHECK_FALSE(of_command(guard, kSocket, {.fields = {{"Authorization", "Bearer x"}}}).has_value());
}

TEST_CASE("without a configured token no command is taken over the network") {
  Guard guard({});
  for (const Asked& request :
       {Asked{}, Asked{.fields = {{"Authorization", "Bearer "}}},
        Asked{.fields = {{"Authorization", std::string_view("Bearer 0123456789abcdef")}}}}) {
    const auto reply = of_command(guard, kNetwork, request);
    REQUIRE(reply.has_value());
    CHECK(reply->status == 403);
    CHECK(reply->body.find("[admin] control") != std::string::npos);
    CHECK(reply->body.find("token_file") != std::string::npos);
  }
}

TEST_CASE("a command over the network needs the token, and a wrong one is a challenge") {
  Guard guard({});
  guard.trust(kToken);
  const auto none = of_command(guard, kNetwork);
  REQUIRE(none.has_value());
  CHECK(none->status == 403);
  for (const std::string_view right :
       {"Bearer 0123456789abcdef", "bearer 0123456789abcdef", "Bearer  0123456789abcdef "})
    CHECK_FALSE(of_command(guard, kNetwork, {.fields = {{"Authorization", right}}}).has_value());
  for (const std::string_view wrong :
       {"Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0", "Bearer",
        "Bearer ", "Basic 0123456789abcdef", "0123456789abcdef", ""}) {
    CAPTURE(wrong);
    const auto reply = of_command(guard, kNetwork, {.fields = {{"Authorization", wrong}}});
    REQUIRE(reply.has_value());
    CHECK(reply->status == 401);
    CHECK(reply->challenge == "Bearer");
  }
}

TEST_CASE("the log names who gave a command by process, or by address and token") {
  CHECK(Guard::name_of(kSocket) == "unix:uid=1000,pid=123");
  CHECK(Guard::name_of(kNetwork) == "192.0.2.7:4711 with the token");
}

}  // namespace
}  // namespace onehop::admin
