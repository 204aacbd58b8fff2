// SPDX-License-Identifier: MIT
// The request line and what names the target (edge cases 57 to 61): RFC 9112 sections 2.3 and 3,
// RFC 9110 sections 4.2 and 7.2.
#include "tests/conformance/request_table.h"
#include "tests/support/catch.h"

namespace onehop::test {
namespace {

RequestRow line(const std::string& name, const std::string& request_line,
                std::vector<int> statuses = {400}) {
  return {name, request_line + "\r\nHost: a\r\n\r\n", std::move(statuses)};
}

RequestRow host(const std::string& name, const std::string& value) {
  return {name, "GET / HTTP/1.1\r\nHost:" + value + "\r\n\r\n"};
}

TEST_CASE("57: other versions of HTTP than 1.0 to 1.9 are rejected") {
  const std::vector<int> version = {400, 505};
  check_rejected({
      {"HTTP/0.9", "GET /\r\n", version},
      line("HTTP/0.9 with fields", "GET /", version),
      line("HTTP/0.9 written out", "GET / HTTP/0.9", version),
      line("HTTP/2.0", "GET / HTTP/2.0", version),
      line("HTTP/3.0", "GET / HTTP/3.0", version),
      line("HTTP/1.10", "GET / HTTP/1.10", version),
      line("HTTP/11.1", "GET / HTTP/11.1", version),
      line("HTTP/01.1", "GET / HTTP/01.1", version),
      line("HTTP/1", "GET / HTTP/1", version),
      line("HTTP/1.", "GET / HTTP/1.", version),
      line("HTTP/.1", "GET / HTTP/.1", version),
      line("no number", "GET / HTTP/", version),
      line("a letter", "GET / HTTP/1.x", version),
      line("a minus", "GET / HTTP/-1.1", version),
      line("small letters", "GET / http/1.1", version),
      line("another name", "GET / HTTPS/1.1", version),
      line("a name cut short", "GET / HTP/1.1", version),
      line("junk behind", "GET / HTTP/1.1x", version),
      line("a space inside", "GET / HTTP /1.1", version),
      line("RTSP", "GET / RTSP/1.0", version),
      line("ICE", "SOURCE / ICE/1.0", {400, 501, 505}),
      {"HTTP/2 preface with a fault", "PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n", {400, 501, 505}},
  });
}

TEST_CASE("58: a request line without exactly one space between its parts is rejected") {
  check_rejected({
      line("two spaces before the target", "GET  / HTTP/1.1"),
      line("two spaces before the version", "GET /  HTTP/1.1"),
      line("space behind", "GET / HTTP/1.1 "),
      line("tab behind", "GET / HTTP/1.1\t"),
      line("space before", " GET / HTTP/1.1"),
      line("tab before", "\tGET / HTTP/1.1", {400, 501}),
      line("tab for a space", "GET\t/ HTTP/1.1", {400, 501}),
      line("tab for the second space", "GET /\tHTTP/1.1"),
      line("vertical tab for a space", "GET\x0b/ HTTP/1.1", {400, 501}),
      line("no target", "GET HTTP/1.1"),
      line("empty target", "GET  HTTP/1.1"),
      line("four parts", "GET / / HTTP/1.1"),
      line("only a method", "GET"),
      line("no method", " / HTTP/1.1"),
      line("method glued to the target", "GET/ HTTP/1.1", {400, 501}),
      {"two empty lines before", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"three empty lines before", "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"CR before", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"junk", "\x16\x03\x01\x02\x01\r\n\r\n", {400, 501}},
  });
}

TEST_CASE("a method that is no token is rejected, and so is CONNECT") {
  check_rejected({
      line("parenthesis", "GE( / HTTP/1.1"),
      line("high byte", "G\xc4T / HTTP/1.1"),
      line("a colon", "GET: / HTTP/1.1"),
      line("a slash", "G/T / HTTP/1.1"),
      line("quotes", "\"GET\" / HTTP/1.1"),
      line("control byte", "G\x01T / HTTP/1.1"),
      line("CONNECT of an authority", "CONNECT a:443 HTTP/1.1", {501}),
      line("CONNECT of a path", "CONNECT / HTTP/1.1", {501}),
  });
}

TEST_CASE("60: a request without exactly one valid Host is rejected") {
  check_rejected({
      {"none", "GET / HTTP/1.1\r\n\r\n"},
      {"none, other fields", "GET / HTTP/1.1\r\nX-A: b\r\n\r\n"},
      {"two alike", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
      {"two that differ", "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n"},
      {"two apart", "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\nHost: a\r\n\r\n"},
      {"two in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"},
      {"two and an absolute target", "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {"none and an absolute target", "GET http://a/ HTTP/1.1\r\n\r\n"},
      host("space inside", " a b"),
      host("comma", " a,b"),
      host("comma and space", " a, b"),
      host("user", " user@a"),
      host("slash", " a/b"),
      host("backslash", " a\\b"),
      host("query", " a?b"),
      host("fragment", " a#b"),
      host("a scheme", " http://a"),
      host("port without digits", " a:b"),
      host("signed port", " a:+80"),
      host("port too large", " a:65536"),
      host("port far too large", " a:99999999999"),
      host("two ports", " a:80:80"),
      host("open bracket", " [::1"),
      host("closed bracket", " ::1]"),
      host("IPv6 without brackets", " ::1"),
      host("junk after the bracket", " [::1]x"),
      host("no IPv6 address", " [a b]"),
      host("high byte", " a\x80"),
      host("control byte",
           " a\x01"
           "b"),
      host("delete", " a\x7f"),
      host("quotes", " \"a\""),
      host("angle brackets", " <a>"),
      host("a bad percent sign", " a%zz"),
  });
}

TEST_CASE("59 and 61: a target that is no valid path or URI is rejected") {
  check_rejected({
      line("fragment", "GET /a#b HTTP/1.1"),
      line("only a fragment", "GET # HTTP/1.1"),
      line("fragment of an absolute target", "GET http://a/b#c HTTP/1.1"),
      line("control byte", "GET /\x01 HTTP/1.1"),
      line("delete", "GET /\x7f HTTP/1.1"),
      line("tab", "GET /a\tb HTTP/1.1"),
      line("UTF-8", "GET /\xc3\xa4 HTTP/1.1"),
      line("high byte", "GET /\xff HTTP/1.1"),
      line("high byte in the query", "GET /?\xff HTTP/1.1"),
      line("backslash", "GET /a\\b HTTP/1.1"),
      line("backslash before a query", "GET /a\\b?c HTTP/1.1"),
      line("backslash in a host", "GET http://a\\b/?c HTTP/1.1"),
      line("control byte in the query", "GET /?\x01 HTTP/1.1"),
      line("fragment of a query with a backslash", "GET /?\\#a HTTP/1.1"),
      line("backslash first", "GET \\a HTTP/1.1"),
      line("space", "GET /a b HTTP/1.1"),
      line("no slash", "GET a HTTP/1.1"),
      line("a query alone", "GET ?a HTTP/1.1"),
      line("asterisk with GET", "GET * HTTP/1.1"),
      line("asterisk and more", "OPTIONS *a HTTP/1.1"),
      line("absolute without a host", "GET http:///a HTTP/1.1"),
      line("absolute with a user", "GET http://user@a/ HTTP/1.1"),
      line("absolute with a bad port", "GET http://a:b/ HTTP/1.1"),
      line("absolute with a comma", "GET http://a,b/ HTTP/1.1"),
      line("absolute, one slash", "GET http:/a HTTP/1.1"),
      line("only a scheme", "GET http:// HTTP/1.1"),
  });
}

TEST_CASE("request lines and hosts that are unusual and still right are forwarded") {
  check_accepted({
      {"58: one empty line before", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"57: HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n"},
      {"61: dots and an encoded slash", "GET /a/../b%2fc/./ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"61: a query with all its signs",
       "GET /?a=b&c[]=d&e=%20/?:@!$'()*+,; HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"two slashes", "GET //a//b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"59: absolute", "GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"59: absolute without a path", "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"OPTIONS of the server", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"60: a port", "GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n"},
      {"60: IPv4", "GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n"},
      {"60: IPv6", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"},
      {"60: capitals and an underscore", "GET / HTTP/1.1\r\nHost: A_b.Example.ORG\r\n\r\n"},
      {"57: HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n"},
      {"57: HTTP/1.9 with a body",
       "POST / HTTP/1.9\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
      {"61: backslashes in a query", "GET /?a\\b=\\?\\ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"61: a backslash in the query of an absolute target",
       "GET http://a?\\ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"QUERY", "QUERY / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nq"},
      {"a method of ones own", "VERSION-CONTROL /x HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"every letter of a token", "!#$%&'*+-.^_`|~09Az / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"PATCH", "PATCH / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
      {"PUT", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
  });
}

}  // namespace
}  // namespace onehop::test
