// SPDX-License-Identifier: MIT
// How long a request's body is may have one reading only (edge cases 42 to 45, 62, 64): RFC 9112
// sections 6.1 to 6.3, RFC 9110 8.6.
#include "tests/conformance/request_table.h"
#include "tests/support/catch.h"

namespace onehop::test {
namespace {

// The unknown coding may also be answered 501 (RFC 9112 section 6.1).
const std::vector<int> kBadOrUnknown = {400, 501};

RequestRow coding(const std::string& name, const std::string& value,
                  std::vector<int> statuses = kBadOrUnknown) {
  return {name, post_with("Transfer-Encoding:" + value + "\r\n", "5\r\nhello\r\n0\r\n\r\n"),
          std::move(statuses)};
}

RequestRow length(const std::string& name, const std::string& value) {
  return {name, post_with("Content-Length:" + value + "\r\n", "hello")};
}

TEST_CASE("42: a request with both Content-Length and Transfer-Encoding is rejected") {
  const std::string body = "5\r\nhello\r\n0\r\n\r\n";
  check_rejected({
      {"length first", post_with("Content-Length: 15\r\nTransfer-Encoding: chunked\r\n", body)},
      {"coding first", post_with("Transfer-Encoding: chunked\r\nContent-Length: 15\r\n", body)},
      {"length 0", post_with("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", body)},
      {"other case", post_with("content-LENGTH: 15\r\ntransfer-ENCODING: CHUNKED\r\n", body)},
      {"fields between",
       post_with("Content-Length: 3\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n", body)},
      {"GET", get_with("Content-Length: 15\r\nTransfer-Encoding: chunked\r\n") + body},
  });
}

TEST_CASE("43: a Transfer-Encoding that is not exactly one chunked is rejected") {
  const std::string body = "5\r\nhello\r\n0\r\n\r\n";
  check_rejected({
      coding("empty element first", " ,chunked"),
      coding("empty element last", " chunked,"),
      coding("chunked is not the last", " chunked, identity"),
      coding("unknown coding", " xchunked"),
      coding("unknown coding behind", " chunkedx"),
      coding("chunked twice", " chunked, chunked"),
      coding("empty", ""),
      coding("only spaces", "   "),
      coding("vertical tab before",
             " \x0b"
             "chunked"),
      coding("form feed after", " chunked\x0c"),
      coding("no-break space before",
             " \xa0"
             "chunked"),
      coding("quoted", " \"chunked\""),
      coding("identity", " identity"),
      coding("gzip alone", " gzip"),
      coding("gzip and chunked", " gzip, chunked"),
      coding("a parameter", " chunked;q=1"),
      coding("a space inside", " chun ked"),
      {"two fields",
       post_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", body),
       kBadOrUnknown},
      {"two fields, the second differs",
       post_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", body),
       kBadOrUnknown},
      {"two fields, the first differs",
       post_with("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", body),
       kBadOrUnknown},
      {"two fields, one empty",
       post_with("Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n", body), kBadOrUnknown},
  });
}

TEST_CASE("44: a Transfer-Encoding in an HTTP/1.0 request ends the connection") {
  const std::string body = "5\r\nhello\r\n0\r\n\r\n";
  check_rejected_or_last({
      {"plain", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body},
      {"keep-alive",
       "POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: "
       "chunked\r\n\r\n" +
           body},
  });
}

TEST_CASE("45: a Content-Length that is not one decimal number is rejected") {
  check_rejected({
      length("a plus", " +5"),
      length("a minus", " -5"),
      length("hexadecimal", " 0x5"),
      length("hexadecimal digit", " 5a"),
      length("an underscore", " 0_5"),
      length("empty", ""),
      length("only spaces", "  "),
      length("two numbers", " 5 5"),
      length("trailing comma", " 5,"),
      length("leading comma", " ,5"),
      length("differing list", " 5, 6"),
      length("a fraction", " 5.0"),
      length("an exponent", " 5e0"),
      length("a semicolon", " 5;"),
      length("quoted", " \"5\""),
      length("vertical tab",
             " \x0b"
             "5"),
      length("no-break space",
             " \xa0"
             "5"),
      length("a wide digit", " \xef\xbc\x95"),
      length("2^63", " 9223372036854775808"),
      length("2^64", " 18446744073709551616"),
      length("2^64 + 5", " 18446744073709551621"),
      length("30 digits", " 999999999999999999999999999999"),
      length("zeros before 2^63", " 00000000000000000000009223372036854775808"),
      length("a list of two alike", " 5, 5"),
      {"two alike", post_with("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")},
      {"two that differ", post_with("Content-Length: 5\r\nContent-Length: 6\r\n", "hello")},
      {"two that differ, one empty",
       post_with("Content-Length: 5\r\nContent-Length:\r\n", "hello")},
      {"two that differ in form",
       post_with("Content-Length: 5\r\nContent-Length: +5\r\n", "hello")},
  });
}

TEST_CASE("a transfer coding that is not known is not supported, whatever is behind it") {
  const std::vector<int> kUnknown = {501};
  check_rejected({
      coding("gzip alone", " gzip", kUnknown),
      coding("gzip and chunked", " gzip, chunked", kUnknown),
      coding("with a parameter", " gzip;level=9, chunked", kUnknown),
      coding("identity", " identity", kUnknown),
      coding("almost chunked", " gzip, xchunked", {400}),
      coding("chunked and more", " chunked, gzip", {400}),
      coding("chunked twice", " chunked, chunked", {400}),
      coding("nothing", "", {400}),
      coding("no token", " (gzip), chunked", {400}),
      {"a length, too", post_with("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", "hello")},
      {"in two fields", post_with("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
                                  "5\r\nhello\r\n0\r\n\r\n")},
      {"in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\nhello"},
  });
}

TEST_CASE("62: the framing of a request to upgrade is held to the same rules") {
  const std::string upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  check_accepted({
      {"with a length", post_with(upgrade + "Content-Length: 5\r\n", "hello")},
      {"chunked", post_with(upgrade + "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n")},
      {"GET with a length", get_with(upgrade + "Content-Length: 5\r\n") + "hello"},
  });
  check_rejected({
      {"length and coding",
       post_with(upgrade + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                 "5\r\nhello\r\n0\r\n\r\n")},
      {"two lengths", post_with(upgrade + "Content-Length: 5\r\nContent-Length: 6\r\n", "hello")},
      {"a bad chunk", post_with(upgrade + "Transfer-Encoding: chunked\r\n", "0x5\r\nhello\r\n")},
  });
}

TEST_CASE("what is unusual in a request's framing and still right is forwarded") {
  check_accepted({
      {"no body", get_with("")},
      {"length 0", post_with("Content-Length: 0\r\n", "")},
      {"leading zeros", post_with("Content-Length: 0005\r\n", "hello")},
      {"forty leading zeros",
       post_with("Content-Length: " + std::string(40, '0') + "5\r\n", "hello")},
      {"space around the length", post_with("Content-Length: \t 5 \t\r\n", "hello")},
      {"space around the coding", chunked_post("0\r\n\r\n")},
      {"tab before the coding", post_with("Transfer-Encoding:\tchunked\t\r\n", "0\r\n\r\n")},
      {"coding in capitals", post_with("TRANSFER-ENCODING: CHUNKED\r\n", "3\r\nabc\r\n0\r\n\r\n")},
      {"64: GET with a length", get_with("Content-Length: 5\r\n") + "hello"},
      {"64: GET with chunks",
       get_with("Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n"},
      {"64: DELETE with a length",
       "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"},
  });
}

}  // namespace
}  // namespace onehop::test
