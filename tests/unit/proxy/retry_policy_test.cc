// SPDX-License-Identifier: MIT
// Where a request goes after an attempt that came to nothing: the policy sees failures and places,
// no sockets.
#include "proxy/retry_policy.h"

#include <algorithm>
#include <string>

#include "tests/support/catch.h"

namespace onehop::proxy {
namespace {

constexpr uint32_t kRetries = 5;

constexpr FailedAttempt kNoConnection{.outcome = Outcome::connect_refused};
constexpr FailedAttempt kRefused{
    .outcome = Outcome::upstream_closed, .refused = true, .unseen = true};
constexpr FailedAttempt kStale{.outcome = Outcome::upstream_closed_idle, .repeatable = true};
constexpr FailedAttempt kProven{.outcome = Outcome::proven_unseen, .proven = true};
constexpr FailedAttempt kUnanswered{.outcome = Outcome::upstream_closed, .repeatable = true};

FailedAttempt but(FailedAttempt failure, bool repeatable, bool whole) {
  failure.repeatable = repeatable;
  failure.whole = whole;
  return failure;
}

// One request in front of so many endpoints, picked in their order.
class Request {
 public:
  explicit Request(size_t endpoints) : endpoints_(endpoints) { go(); }

  // The places so far, as letters: "abc"; in capitals where a fresh connection is asked for.
  const std::string& way() const { return way_; }

  Request& fails(const FailedAttempt& failure, uint32_t retries = kRetries) {
    if (policy_.allows(failure, retries)) go();
    return *this;
  }

 private:
  void go() {
    std::optional<upstream::EndpointId> another;
    for (size_t i = 0; i < endpoints_ && !another.has_value(); ++i)
      if (std::ranges::find(policy_.tried(), i) == policy_.tried().end()) another = i;
    const auto next = policy_.next(another);
    if (!next.has_value()) return;
    const bool fresh = next->connection == RetryPolicy::Connection::fresh;
    way_ += static_cast<char>((fresh ? 'A' : 'a') + next->endpoint);
  }

  size_t endpoints_;
  std::string way_;
  RetryPolicy policy_;
};

TEST_CASE("an endpoint that cannot be reached gives way to each of the others, and gets no more") {
  Request request(3);
  for (int i = 0; i < 5; ++i) request.fails(kNoConnection);
  CHECK(request.way() == "abc");
}

TEST_CASE("a refused request goes to every other endpoint before it comes back to one") {
  CHECK(Request(3).fails(kRefused).way() == "ab");
  CHECK(Request(3).fails(kRefused).fails(kRefused).fails(kRefused).way() == "abcc");
  CHECK(Request(1).fails(kRefused).fails(kRefused).way() == "aaa");
}

TEST_CASE("one bound holds all the attempts of a request, whatever they failed by") {
  Request alike(1);
  for (int i = 0; i < 50; ++i) alike.fails(kRefused);
  CHECK(alike.way().size() == kRetries + 1);
  Request mixed(10);
  mixed.fails(kRefused, 3).fails(kNoConnection, 3).fails(kUnanswered, 3).fails(kRefused, 3);
  CHECK(mixed.way().size() == 4);
  for (const FailedAttempt& failure : {kRefused, kNoConnection, kStale, kUnanswered})
    CHECK(Request(3).fails(failure, 0).way() == "a");
  Request many(40);
  for (int i = 0; i < 50; ++i) many.fails(kNoConnection, 100);
  CHECK(many.way().size() == RetryPolicy::kMostAttempts);
}

TEST_CASE("after a pooled connection that was closed the next one is fresh, and it is the last") {
  CHECK(Request(1).fails(kStale).way() == "aA");
  CHECK(Request(2).fails(kStale).way() == "aB");
  CHECK(Request(1).fails(kStale).fails(kStale).way() == "aA");
}

TEST_CASE("what shared a connection of HTTP/2 asks for no connection of its own") {
  FailedAttempt failure = kStale;
  failure.shared = true;
  CHECK(Request(1).fails(failure).way() == "aa");
  CHECK(Request(2).fails(failure).way() == "ab");
}

TEST_CASE("an endpoint whose pooled connection was closed is asked again when no other answers") {
  CHECK(Request(3).fails(kStale).fails(kNoConnection).fails(kNoConnection).way() == "aBCA");
  CHECK(Request(2).fails(kRefused).fails(kRefused).fails(kNoConnection).way() == "abba");
}

TEST_CASE("a fresh connection that ends unanswered sends a request elsewhere once") {
  CHECK(Request(3).fails(kUnanswered).way() == "aB");
  CHECK(Request(3).fails(kUnanswered).fails(kUnanswered).way() == "aB");
  CHECK(Request(1).fails(kUnanswered).way() == "a");
  CHECK(Request(3).fails(kStale).fails(kUnanswered).fails(kUnanswered).way() == "aBC");
}

TEST_CASE("what may have been acted on goes again only if it may be done twice and is whole") {
  for (const FailedAttempt& failure : {kStale, kUnanswered}) {
    CHECK(Request(3).fails(but(failure, false, true)).way() == "a");
    CHECK(Request(3).fails(but(failure, true, false)).way() == "a");
  }
  CHECK(Request(3).fails(but(kRefused, false, true)).way() == "ab");
  CHECK(Request(3).fails(but(kRefused, false, false)).way() == "a");
}

TEST_CASE("a failure of the response is the end of it") {
  for (const Outcome outcome : {Outcome::upstream_bad_response, Outcome::upstream_incomplete,
                                Outcome::response_head_timeout, Outcome::queue_timeout})
    CHECK(Request(3).fails({.outcome = outcome, .repeatable = true}).way() == "a");
}

TEST_CASE("how a stream ended says what kind of failure it is") {
  using http::Method;
  SentBody none;
  const http::StreamError refused{.refused = true, .connection_lives = true};
  CHECK(failure_of(refused, Outcome::upstream_closed, Method::post, none).unseen);
  CHECK(failure_of(refused, Outcome::upstream_closed, Method::post, none).gives_way() ==
        Outcome::upstream_refused);
  const http::StreamError unsent{.sent_anything = false};
  CHECK(failure_of(unsent, Outcome::upstream_closed, Method::post, none).unseen);
  const http::StreamError reset{.connection_lives = true};
  CHECK_FALSE(failure_of(reset, Outcome::upstream_closed, Method::get, none).repeatable);
  const http::StreamError closed;
  CHECK(failure_of(closed, Outcome::upstream_closed, Method::put, none).repeatable);
  CHECK_FALSE(failure_of(closed, Outcome::upstream_closed, Method::post, none).repeatable);
  SentBody sent;
  Buffer bytes;
  bytes.append("x");
  sent.sends(bytes, false);
  CHECK_FALSE(failure_of(closed, Outcome::upstream_closed, Method::put, sent).whole);
}

TEST_CASE("an endpoint that left while it was waited for was not tried, and costs no retry") {
  RetryPolicy policy;
  CHECK(policy.next(7)->endpoint == 7);
  CHECK(policy.allows({.outcome = Outcome::endpoint_left}, 0));
  CHECK(policy.tried().empty());
  CHECK(policy.next(8)->endpoint == 8);
  CHECK(policy.allows({.outcome = Outcome::endpoint_left}, 0));
  CHECK(policy.next(7)->endpoint == 7);  // it is back
  CHECK_FALSE(policy.allows(kNoConnection, 0));
}

TEST_CASE("an endpoint that is slow to connect to costs no retry, and is gone back to") {
  RetryPolicy policy;
  CHECK_FALSE(policy.next(7)->comes_back);
  CHECK(policy.allows({.outcome = Outcome::connect_slow}, 0));
  CHECK_FALSE(policy.next(8)->comes_back);
  CHECK(policy.allows({.outcome = Outcome::connect_slow}, 0));
  const auto last = policy.next(std::nullopt);
  REQUIRE(last.has_value());
  CHECK(last->comes_back);
  CHECK(last->endpoint == 8);
  // Its dial failed; the other one goes on, and is no other attempt.
  CHECK(policy.allows(kNoConnection, 0));
  const auto other = policy.next(9);
  REQUIRE(other.has_value());
  CHECK(other->comes_back);
  CHECK(other->endpoint == 7);
  CHECK_FALSE(policy.allows(kNoConnection, 0));
}

TEST_CASE("what is known of the others stays when one of them leaves") {
  RetryPolicy policy;
  policy.next(1);
  CHECK(policy.allows(kRefused, kRetries));  // sound
  policy.next(2);
  CHECK(policy.allows(kNoConnection, kRetries));
  policy.next(3);
  CHECK(policy.allows({.outcome = Outcome::endpoint_left}, kRetries));
  CHECK(std::ranges::equal(policy.tried(), std::vector<upstream::EndpointId>{1, 2}));
  CHECK(policy.next(std::nullopt)->endpoint == 1);
}

TEST_CASE("one that is there no more is not gone back to, but another sound one is") {
  RetryPolicy policy;
  for (const upstream::EndpointId id : {1, 2}) {
    policy.next(id);
    CHECK(policy.allows(kRefused, kRetries));
  }
  CHECK(policy.next(std::nullopt)->endpoint == 2);
  CHECK(policy.instead()->endpoint == 1);
  CHECK_FALSE(policy.instead().has_value());
}

TEST_CASE("what is proven unseen goes once more where that is believed, and with its body only") {
  const auto allows = [](const FailedAttempt& failure) {
    RetryPolicy policy;
    policy.next(1);
    return policy.allows(failure, 5);
  };
  CHECK(allows(kProven));
  CHECK_FALSE(allows({.outcome = Outcome::proven_unseen}));
  CHECK_FALSE(allows({.outcome = Outcome::proven_unseen, .proven = true, .whole = false}));
  RetryPolicy policy;
  policy.next(1);
  REQUIRE(policy.allows(kProven, 5));
  const auto again = policy.next(std::nullopt);
  REQUIRE(again.has_value());
  CHECK(again->connection == RetryPolicy::Connection::fresh);
  CHECK_FALSE(policy.allows(kProven, 5));
}

}  // namespace
}  // namespace onehop::proxy
