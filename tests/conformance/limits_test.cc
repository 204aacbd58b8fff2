// SPDX-License-Identifier: MIT
// Sizes, unknown methods and expectations (edge cases 23, 66, 90), each with its own status.
#include "tests/conformance/request_table.h"
#include "tests/support/catch.h"

namespace onehop::test {
namespace {

std::string fields(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "X-" + std::to_string(i) + ": a\r\n";
  return lines;
}

TEST_CASE("66: a request line of more than 8 KiB is answered 414") {
  check_rejected({
      {"long path", "GET /" + std::string(8 * 1024, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", {414}},
      {"long query", "GET /?" + std::string(9 * 1024, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", {414}},
      {"no end in sight", "GET /" + std::string(20 * 1024, 'a'), {414}},
  });
}

TEST_CASE("66: a head of more than 32 KiB or 100 fields is answered 431") {
  check_rejected({
      {"one large value", get_with("X-A: " + std::string(33 * 1024, 'a') + "\r\n"), {431}},
      {"one large name", get_with(std::string(33 * 1024, 'a') + ": b\r\n"), {431}},
      {"a value without an end",
       "GET / HTTP/1.1\r\nHost: a\r\nX-A: " + std::string(40 * 1024, 'a'),
       {431}},
      {"101 fields", get_with(fields(100)), {431}},  // with Host
      {"500 fields", get_with(fields(500)), {431}},
  });
}

TEST_CASE("66: the sizes just within the limits are forwarded") {
  check_accepted({
      // "GET / HTTP/1.1\r\n" without the filling is 16 bytes.
      {"request line", "GET /" + std::string(8 * 1024 - 16, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"100 fields", get_with(fields(99))},  // with Host
      {"large head", get_with("X-A: " + std::string(31 * 1024, 'a') + "\r\n")},
  });
}

TEST_CASE("66: a body over the limit is answered 413, however it is framed") {
  check_rejected(
      {
          {"by its length", post_with("Content-Length: 11\r\n", "hello world"), {413}},
          {"by a length never sent", post_with("Content-Length: 99999999\r\n", ""), {413}},
          {"in one chunk", chunked_post("b\r\nhello world\r\n0\r\n\r\n"), {413}},
          {"in two chunks", chunked_post("6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"), {413}},
      },
      "request_body = 10");
}

TEST_CASE("a method that is no token is refused") {
  check_rejected({
      {"a parenthesis", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
      {"a colon", "GET: / HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
      {"a slash", "GET/X / HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
      {"a quote", "\"GET\" / HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
      {"a byte outside ASCII", "G\xc3\x89T / HTTP/1.1\r\nHost: a\r\n\r\n", {400}},
  });
}

TEST_CASE("90: CONNECT is not served") {
  check_rejected({
      {"authority", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", {501, 405}},
      {"with a body",
       "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\n\r\nhello",
       {400, 501, 405}},
  });
}

TEST_CASE("23: an expectation that nobody knows is answered 417") {
  check_rejected({
      {"unknown", post_with("Expect: teapot\r\nContent-Length: 5\r\n", "hello"), {417}},
      {"beside a known one",
       post_with("Expect: 100-continue, teapot\r\nContent-Length: 5\r\n", "hello"),
       {417}},
      {"GET", get_with("Expect: 200-ok\r\n"), {417}},
  });
}

}  // namespace
}  // namespace onehop::test
