// SPDX-License-Identifier: MIT
#include "onehop/proxy/failure_log.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::proxy {
namespace {

uint64_t now_ms = 0;
std::vector<std::string> said;

uint64_t hand_clock() {
  return now_ms;
}
void note(std::string_view line) {
  said.emplace_back(line);
}

struct Book {
  Book() {
    now_ms = 10'000;
    said.clear();
  }
  FailureLog log{hand_clock, note};
};

Failure refused(std::string_view endpoint = "127.0.0.1:9001") {
  return {.upstream = "app",
          .endpoint = endpoint,
          .route = "/api",
          .request_id = "0a1b",
          .method = "GET",
          .target = "/api/x?token=secret",
          .outcome = Outcome::connect_refused};
}

size_t lines_about(std::string_view word) {
  return static_cast<size_t>(std::ranges::count_if(
      said, [word](const std::string& line) { return line.find(word) != line.npos; }));
}

TEST_CASE("a failure says upstream, endpoint, outcome, route, request id and path") {
  Book book;
  book.log.say(refused());
  REQUIRE(said.size() == 1);
  CHECK(said[0] ==
        "upstream app: 127.0.0.1:9001: connect_refused: The endpoint refused the connection; route "
        "/api; request 0a1b; GET /api/x");
}

TEST_CASE("what a client wrote cannot begin a line of its own, and is cut") {
  Failure failure = refused();
  const std::string id = "a\r\nb\x1b[31m" + std::string(1000, 'x');
  failure.request_id = id;
  failure.tried_again = true;
  failure.detail = "why";
  const std::string line = sentence_of(failure);
  CHECK(line.find_first_of("\r\n\x1b") == line.npos);
  CHECK(line.size() < 500);
  CHECK(line.find("(why); the request is tried again") != line.npos);
}

TEST_CASE(
    "ten lines a second for each endpoint and outcome, of which the last one counts the rest") {
  Book book;
  for (int i = 0; i < 1000; ++i) book.log.say(refused());
  for (int i = 0; i < 3; ++i) book.log.say(refused("127.0.0.1:9002"));
  Failure other = refused();
  other.outcome = Outcome::upstream_closed;
  book.log.say(other);
  CHECK(lines_about("9001: connect_refused") == 9);
  CHECK(lines_about("9002") == 3);
  CHECK(lines_about("upstream_closed") == 1);
  book.log.settle();
  CHECK(said.size() == 13);
  now_ms += 1000;
  book.log.settle();
  REQUIRE(said.size() == 14);
  CHECK(said.back() ==
        "upstream app: 127.0.0.1:9001: connect_refused: and 991 more in the last 1.0 s");
  book.log.settle();
  CHECK(said.size() == 14);
}

TEST_CASE("a burst that goes on says how much was left out before it says more") {
  Book book;
  for (int i = 0; i < 12; ++i) book.log.say(refused());
  now_ms += 1500;
  book.log.say(refused());
  REQUIRE(said.size() == 11);
  CHECK(said[9].ends_with("and 3 more in the last 1.5 s"));
}

TEST_CASE("what was left out of a burst is said at the end of the process, however late it came") {
  Book book;
  for (int i = 0; i < 30; ++i) book.log.say(refused());
  const size_t before = said.size();
  book.log.settle();
  CHECK(said.size() == before);  // not yet
  book.log.finish();
  REQUIRE(said.size() == before + 1);
  CHECK(said.back() == "upstream app: 127.0.0.1:9001: connect_refused: and " +
                           std::to_string(30 - before) + " more in the last 0.0 s");
  book.log.finish();
  CHECK(said.size() == before + 1);
}

TEST_CASE("faults of endpoints and of ours are logged, those of clients are not") {
  for (const Outcome outcome :
       {Outcome::connect_refused, Outcome::connect_timeout, Outcome::tls_failed,
        Outcome::upstream_closed, Outcome::upstream_incomplete, Outcome::upstream_bad_response,
        Outcome::upstream_head_too_large, Outcome::response_head_timeout, Outcome::queue_full,
        Outcome::local_fault, Outcome::upstream_refused, Outcome::upstream_closed_idle})
    CHECK(FailureLog::concerns(outcome));
  for (const Outcome outcome :
       {Outcome::ok, Outcome::client_gone, Outcome::bad_request, Outcome::request_body_timeout,
        Outcome::answered_here, Outcome::stopped, Outcome::tunnel_idle_timeout})
    CHECK_FALSE(FailureLog::concerns(outcome));
}

}  // namespace
}  // namespace onehop::proxy
