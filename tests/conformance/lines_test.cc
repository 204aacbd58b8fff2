// SPDX-License-Identifier: MIT
// Line ends, field lines and the bytes in them (edge cases 46 to 51): RFC 9112 sections 2.2 and 5,
// RFC 9110 section 5.
#include "tests/conformance/request_table.h"
#include "tests/support/catch.h"

namespace onehop::test {
namespace {

using namespace std::string_literals;

TEST_CASE("46: a bare LF as the end of a line is rejected") {
  check_rejected({
      {"everywhere", "GET / HTTP/1.1\nHost: a\n\n"},
      {"request line", "GET / HTTP/1.1\nHost: a\r\n\r\n"},
      {"Host line", "GET / HTTP/1.1\r\nHost: a\n\r\n"},
      {"a field in the middle", get_with("X-A: b\nX-C: d\r\n")},
      {"the last field", get_with("X-A: b\n")},
      {"the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n"},
      {"hidden length", post_with("X-A: b\nContent-Length: 5\r\n", "hello")},
      {"an empty line before", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"chunk size", chunked_post("5\nhello\r\n0\r\n\r\n")},
      {"chunk data", chunked_post("5\r\nhello\n0\r\n\r\n")},
      {"last chunk", chunked_post("5\r\nhello\r\n0\n\r\n")},
      {"chunk extension", chunked_post("5;a=b\nhello\r\n0\r\n\r\n")},
      {"trailer field", chunked_post("5\r\nhello\r\n0\r\nX-T: a\n\r\n")},
      {"end of the trailers", chunked_post("5\r\nhello\r\n0\r\n\n")},
      {"end of the trailers after a field", chunked_post("5\r\nhello\r\n0\r\nX-T: a\r\n\n")},
  });
}

TEST_CASE("47: a bare CR is rejected wherever it stands") {
  check_rejected({
      {"everywhere", "GET / HTTP/1.1\rHost: a\r\r"},
      {"request line", "GET / HTTP/1.1\rHost: a\r\n\r\n"},
      {"for a space of the request line", "GET\r/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"in the target", "GET /a\rb HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"in the version", "GET / HTTP/\r1.1\r\nHost: a\r\n\r\n"},
      {"doubled after the request line", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"},
      {"in a value", get_with("X-A: b\rc\r\n")},
      {"at the start of a value", get_with("X-A:\rb\r\n")},
      {"doubled after a value", get_with("X-A: b\r\r\n")},
      {"in a name", get_with("X\rA: b\r\n")},
      {"a line of its own", get_with("\rX-A: b\r\n")},
      {"hidden field", get_with("X-A: b\rContent-Length: 5\r\n")},
      {"doubled before the body", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n"},
      {"chunk size", chunked_post("5\rhello\r\n0\r\n\r\n")},
      {"doubled after the chunk size", chunked_post("5\r\r\nhello\r\n0\r\n\r\n")},
      {"chunk data", chunked_post("5\r\nhello\r0\r\n\r\n")},
      {"chunk extension", chunked_post("5;a=\rb\r\nhello\r\n0\r\n\r\n")},
      {"trailer value", chunked_post("5\r\nhello\r\n0\r\nX-T: a\rb\r\n\r\n")},
  });
}

TEST_CASE("48: a NUL is rejected wherever it stands") {
  check_rejected({
      {"in a value", get_with("X-A: b\0c\r\n"s)},
      {"alone in a value", get_with("X-A: \0\r\n"s)},
      {"at the end of a value", get_with("X-A: b\0\r\n"s)},
      {"in a name", get_with("X\0A: b\r\n"s)},
      {"in Host", "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"s},
      {"in the length", post_with("Content-Length: 5\0\r\n"s, "hello")},
      {"in the coding", post_with("Transfer-Encoding: chunked\0\r\n"s, "0\r\n\r\n"), {400, 501}},
      {"in the target", "GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"s},
      {"in the method", "G\0T / HTTP/1.1\r\nHost: a\r\n\r\n"s, {400, 501}},
      {"in a trailer", chunked_post("0\r\nX-T: a\0b\r\n\r\n"s)},
  });
}

TEST_CASE("49: white space between a field's name and its colon is rejected") {
  check_rejected({
      {"space", get_with("X-A : b\r\n")},
      {"tab", get_with("X-A\t: b\r\n")},
      {"two spaces", get_with("X-A  : b\r\n")},
      {"Host", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"},
      {"length", post_with("Content-Length : 5\r\n", "hello")},
      {"coding", post_with("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")},
      {"coding with a tab", post_with("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n")},
      {"vertical tab", get_with("X-A\x0b: b\r\n")},
      {"trailer", chunked_post("0\r\nX-T : a\r\n\r\n")},
  });
}

TEST_CASE("50: white space before a field and folded lines are rejected") {
  check_rejected({
      {"space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
      {"tab before the first field", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n"},
      {"space before a later first field", "GET / HTTP/1.1\r\n X-A: b\r\nHost: a\r\n\r\n"},
      {"fold with a space", get_with("X-A: b\r\n c\r\n")},
      {"fold with a tab", get_with("X-A: b\r\n\tc\r\n")},
      {"fold of an empty value", get_with("X-A:\r\n b\r\n")},
      {"fold that looks like a field", get_with("X-A: b\r\n X-C: d\r\n")},
      {"fold of Host", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"},
      {"fold of the coding",
       post_with("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
       {400, 501}},
      {"fold of the length", post_with("Content-Length: 5\r\n 0\r\n", "hello")},
      {"a line of one space", get_with("X-A: b\r\n \r\n")},
      {"a line of one space at the end", "GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n"},
      {"fold in the trailers", chunked_post("0\r\nX-T: a\r\n b\r\n\r\n")},
  });
}

TEST_CASE("51: a field line without a proper name or without a colon is rejected") {
  check_rejected({
      {"empty name", get_with(": b\r\n")},
      {"only a colon", get_with(":\r\n")},
      {"no colon", get_with("X-A\r\n")},
      {"no colon, with a value", get_with("X-A b\r\n")},
      {"space in the name", get_with("X A: b\r\n")},
      {"parenthesis", get_with("X(A: b\r\n")},
      {"quotes", get_with("\"X-A\": b\r\n")},
      {"slash", get_with("X/A: b\r\n")},
      {"at sign", get_with("X@A: b\r\n")},
      {"brackets", get_with("X[A]: b\r\n")},
      {"braces", get_with("X{A}: b\r\n")},
      {"comma", get_with("X,A: b\r\n")},
      {"semicolon", get_with("X;A: b\r\n")},
      {"equals", get_with("X=A: b\r\n")},
      {"question mark", get_with("X?A: b\r\n")},
      {"backslash", get_with("X\\A: b\r\n")},
      {"less than", get_with("X<A: b\r\n")},
      {"high byte", get_with("X\xff"
                             "A: b\r\n")},
      {"UTF-8", get_with("X\xc3\xa4: b\r\n")},
      {"control byte", get_with("X\x01"
                                "A: b\r\n")},
      {"delete", get_with("X\x7f"
                          "A: b\r\n")},
      {"trailer without a colon", chunked_post("0\r\nX-T\r\n\r\n")},
      {"trailer without a name", chunked_post("0\r\n: a\r\n\r\n")},
  });
}

TEST_CASE("field lines that are unusual and still right are forwarded") {
  check_accepted({
      {"no space after the colon", get_with("X-A:b\r\n")},
      {"empty value", get_with("X-A:\r\n")},
      {"empty value with spaces", get_with("X-A:   \r\n")},
      {"tabs around the value", get_with("X-A:\t b \t\r\n")},
      {"colons in the value", get_with("X-A: b:c:d\r\n")},
      {"every sign of a token", get_with("!#$%&'*+-.^_`|~09azAZ: b\r\n")},
      {"high bytes in a value", get_with("X-A: \xc3\xa4\xff\r\n")},
      {"a tab in a value", get_with("X-A: b\tc\r\n")},
  });
}

}  // namespace
}  // namespace onehop::test
