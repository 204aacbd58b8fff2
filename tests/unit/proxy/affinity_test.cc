// SPDX-License-Identifier: MIT
// What ties a request to an endpoint: the key that is hashed, and the cookie that names one.
#include "proxy/affinity.h"

#include <algorithm>

#include "tests/unit/proxy/exchange_side.h"

namespace onehop::proxy::test {
namespace {

using config::Balance;
using config::HashKey;
using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

constexpr std::string_view kEmpty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

std::string_view part(std::string_view key, std::string_view target, const Fields& lines = {}) {
  static std::vector<http::Field> room(8);
  http::RequestHead head;
  head.target = target;
  head.authority = "example.org";
  head.fields = http::Fields(room);
  for (const auto& [name, value] : lines) head.fields.add(name, value);
  return hashed_part(*HashKey::parse(key), head, "192.0.2.1");
}

TEST_CASE("the key of a request is what hash_by names of it") {
  CHECK(part("client", "/") == "192.0.2.1");
  CHECK(part("path", "/a/b?c=d") == "/a/b");
  CHECK(part("path", "/") == "/");
  CHECK(part("header:X-User", "/", {{"x-user", "ann"}, {"X-User", "bob"}}) == "ann");
  CHECK(part("header:Host", "/") == "example.org");
  CHECK(part("query:id", "/?x=1&id=7&id=8") == "7");
  CHECK(part("query:id", "/?id=%37") == "%37");
  CHECK(part("cookie:s", "/", {{"Cookie", "a=1; s=2;b=3"}}) == "2");
  CHECK(part("cookie:s", "/", {{"Cookie", "a=1"}, {"Cookie", "s=x=y"}}) == "x=y");
}

TEST_CASE("a request has no key where the part is not there, or is empty") {
  CHECK(part("header:X-User", "/").empty());
  CHECK(part("header:X-User", "/", {{"X-User", ""}}).empty());
  CHECK(part("query:id", "/").empty());
  CHECK(part("query:id", "/?identity=1&xid=2").empty());
  CHECK(part("query:id", "/?id&a=1").empty());
  CHECK(part("query:id", "/?id=").empty());
  CHECK(part("cookie:s", "/", {{"Cookie", "S=1; as=2; s"}}).empty());
  CHECK(part("cookie:s", "/", {{"X-Cookie", "s=1"}}).empty());
}

TEST_CASE("one cookie is taken out of many, and the others stay as they are") {
  Arena arena;
  CHECK(without_cookie("a=1; s=2; b=3", "s", arena) == "a=1; b=3");
  CHECK(without_cookie("s=2", "s", arena).empty());
  CHECK(without_cookie("s=2; s=3;a=\"x y\"", "s", arena) == "a=\"x y\"");
  CHECK(without_cookie("a=s=2; as=1", "s", arena) == "a=s=2; as=1");
}

// The number of the endpoint that is asked; it answers.
char served_by(ExchangeSide& side, const ExchangeSide::Head& head,
               std::vector<std::string>* cookies = nullptr, std::string* asked = nullptr) {
  auto& request = side.request(head);
  const char number = static_cast<char>('0' + side.dialer.dialed().port() % 10);
  HandPeer& peer = side.accept();
  if (asked != nullptr) *asked = peer.taken;
  side.say(peer, kEmpty);
  if (cookies != nullptr) *cookies = request.stream.cookies;
  request.flushed();
  side.leave(request);
  return number;
}

ExchangeSide::Head with_cookie(std::string_view cookie) {
  return {.fields = {{"Cookie", cookie}}};
}

// "onehop_app=VALUE" of a Set-Cookie.
std::string pair_of(const std::string& set_cookie) {
  return set_cookie.substr(0, set_cookie.find(';'));
}

struct StickySide : ExchangeSide {
  StickySide() {
    upstream.sticky.enabled = true;
    upstream.pool.reuse = false;
  }
};

TEST_CASE("a client stays with the endpoint that its cookie names, and is told once") {
  StickySide side;
  std::vector<std::string> cookies;
  const char first = served_by(side, {}, &cookies);
  REQUIRE(cookies.size() == 1);
  CHECK(cookies[0].starts_with("onehop_app="));
  CHECK(cookies[0].ends_with("; Path=/; HttpOnly; SameSite=Lax"));
  const std::string mine = pair_of(cookies[0]);
  for (int i = 0; i < 6; ++i) {
    CHECK(served_by(side, with_cookie(mine), &cookies) == first);
    CHECK(cookies.empty());
  }
}

TEST_CASE("the cookie that names an endpoint is not sent to it, and all others are") {
  StickySide side;
  std::vector<std::string> cookies;
  served_by(side, {}, &cookies);
  const std::string mine = pair_of(cookies[0]);
  std::string asked;
  served_by(side, with_cookie("a=1; " + mine + "; b=2"), nullptr, &asked);
  CHECK(asked.find("Cookie: a=1; b=2\r\n") != std::string::npos);
  served_by(side, with_cookie(mine), nullptr, &asked);
  CHECK(asked.find("Cookie") == std::string::npos);
}

TEST_CASE("a cookie that nobody signed, and one of an endpoint that is gone, get another one") {
  StickySide side;
  std::vector<std::string> cookies;
  served_by(side, with_cookie("onehop_app=AAAAAAAAAAAAAAAAAAAAA"), &cookies);
  REQUIRE(cookies.size() == 1);
  const std::string mine = pair_of(cookies[0]);
  const char first = served_by(side, with_cookie(mine));
  const bool is_first = first == '1';
  side.small->use({side.upstream.endpoints[is_first ? 1 : 0]});
  CHECK(served_by(side, with_cookie(mine), &cookies) != first);
  REQUIRE(cookies.size() == 1);
  const std::string other = pair_of(cookies[0]);
  CHECK(other != mine);
  // It is back, and so are those who have its cookie.
  side.small->use(side.upstream.endpoints);
  CHECK(served_by(side, with_cookie(mine), &cookies) == first);
  CHECK(cookies.empty());
  CHECK(served_by(side, with_cookie(other), &cookies) != first);
  CHECK(cookies.empty());
}

TEST_CASE("a client of an endpoint that is drained gets another one") {
  StickySide side;
  std::vector<std::string> cookies;
  const char first = served_by(side, {}, &cookies);
  const std::string mine = pair_of(cookies[0]);
  side.small->use(side.upstream.endpoints, {side.upstream.endpoints[first == '1' ? 0 : 1].address});
  CHECK(served_by(side, with_cookie(mine), &cookies) != first);
  CHECK(cookies.size() == 1);
}

TEST_CASE("a client whose endpoint fails goes to another one, and stays there") {
  StickySide side;
  std::vector<std::string> cookies;
  const char first = served_by(side, {}, &cookies);
  const std::string mine = pair_of(cookies[0]);
  auto& request = side.request(with_cookie(mine));
  CHECK(static_cast<char>('0' + side.dialer.dialed().port() % 10) == first);
  side.refuse();
  HandPeer& peer = side.accept();
  side.say(peer, kEmpty);
  REQUIRE(request.stream.cookies.size() == 1);
  const std::string other = pair_of(request.stream.cookies[0]);
  request.flushed();
  CHECK(served_by(side, with_cookie(other), &cookies) != first);
  CHECK(cookies.empty());
}

TEST_CASE("a cookie is Secure where the client came over TLS, and has what is configured") {
  StickySide side;
  side.client.secure = true;
  side.upstream.sticky.cookie = "srv";
  side.upstream.sticky.path = "/app";
  side.upstream.sticky.max_age = config::seconds(3600);
  side.upstream.sticky.same_site = config::SameSite::none;
  side.upstream.sticky.http_only = false;
  std::vector<std::string> cookies;
  served_by(side, {}, &cookies);
  REQUIRE(cookies.size() == 1);
  CHECK(cookies[0].starts_with("srv="));
  CHECK(cookies[0].ends_with("; Path=/app; Max-Age=3600; Secure; SameSite=None"));
}

TEST_CASE("an interim response and an answer of onehop's own bring no cookie") {
  StickySide side;
  auto& request = side.request();
  HandPeer& peer = side.accept();
  side.say(peer, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  CHECK(request.stream.status() == 103);
  CHECK(request.stream.cookies.empty());
  side.say(peer, kEmpty);
  CHECK(request.stream.cookies.size() == 1);
  request.flushed();
  auto& refused = side.request();
  side.refuse();
  side.refuse();
  CHECK(refused.stream.status() == 502);
  CHECK(refused.stream.cookies.empty());
}

TEST_CASE("without [upstream.NAME.sticky] there is no cookie, and none is taken out") {
  ExchangeSide side;
  side.upstream.pool.reuse = false;
  std::vector<std::string> cookies;
  std::string asked;
  served_by(side, with_cookie("onehop_app=1; a=2"), &cookies, &asked);
  CHECK(cookies.empty());
  CHECK(asked.find("Cookie: onehop_app=1; a=2\r\n") != std::string::npos);
}

TEST_CASE("requests with one key go to one endpoint, and to the next one when that fails") {
  for (const Balance balance : {Balance::ring_hash, Balance::maglev}) {
    ExchangeSide side;
    side.upstream.balance = balance;
    side.upstream.hash_by = "header:X-User";
    side.upstream.pool.reuse = false;
    std::string homes;
    for (const std::string_view user : {"ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal"}) {
      const ExchangeSide::Head head{.fields = {{"X-User", user}}};
      const char home = served_by(side, head);
      for (int i = 0; i < 3; ++i) CHECK(served_by(side, head) == home);
      auto& request = side.request(head);
      side.refuse();
      CHECK(static_cast<char>('0' + side.dialer.dialed().port() % 10) != home);
      side.say(side.accept(), kEmpty);
      CHECK(request.stream.status() == 200);
      request.flushed();
      homes += home;
    }
    CHECK(homes.find('1') != std::string::npos);
    CHECK(homes.find('2') != std::string::npos);
  }
}

TEST_CASE("requests without a key are spread") {
  ExchangeSide side;
  side.upstream.balance = Balance::ring_hash;
  side.upstream.hash_by = "query:id";
  side.upstream.pool.reuse = false;
  std::string seen;
  for (int i = 0; i < 40; ++i) seen += served_by(side, {});
  CHECK(std::ranges::count(seen, '1') > 5);
  CHECK(std::ranges::count(seen, '2') > 5);
}

TEST_CASE("peak_ewma is told how long an endpoint took, and leaves a slow one alone") {
  ExchangeSide side;
  side.upstream.balance = Balance::peak_ewma;
  side.upstream.pool.reuse = false;
  const auto ask = [&](uint64_t ms_of_first) {
    auto& request = side.request();
    const char number = static_cast<char>('0' + side.dialer.dialed().port() % 10);
    HandPeer& peer = side.accept();
    side.loop.pass_ms(number == '1' ? ms_of_first : 1);
    side.say(peer, kEmpty);
    request.flushed();
    side.leave(request);
    return number;
  };
  std::string seen;
  for (int i = 0; i < 40; ++i) seen += ask(200);
  CHECK(std::ranges::count(seen, '1') <= 1);
}

}  // namespace
}  // namespace onehop::proxy::test
