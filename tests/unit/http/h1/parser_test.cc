// SPDX-License-Identifier: MIT
// From the bytes of a head to what the exchange believes of it.
#include "http/h1/parser.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::http::h1 {
namespace {

constexpr size_t kFieldLimit = 5;

template <class T>
std::string fault_of(const Result<T, Violation>& result) {
  return result.has_value() ? std::string() : std::string(row_of(result.error()).name);
}

std::string body_text(const BodyLength& body) {
  if (body.kind == BodyLength::Kind::none) return "none";
  return body.kind == BodyLength::Kind::unknown ? "unknown" : std::to_string(body.bytes);
}

struct RequestRow {
  std::string head;  // without the empty line
  std::string_view target;
  std::string_view authority;
  std::string_view body = "none";
  bool persistent = true;
};

TEST_CASE("a request head is read as what it says") {
  const RequestRow rows[] = {
      {"GET / HTTP/1.1\r\nHost: h\r\n", "/", "h"},
      {"GET /a?b HTTP/1.1\r\nhost:h:80\r\n", "/a?b", "h:80"},
      {"OPTIONS * HTTP/1.1\r\nHost: h\r\n", "*", "h"},
      {"GET http://x/a HTTP/1.1\r\nHost: h\r\n", "/a", "x"},
      {"GET http://x?q HTTP/1.1\r\nHost: h\r\n", "?q", "x"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n", "/", "h", "5"},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n", "/", "h", "0"},
      {"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\tchunked \r\n", "/", "h", "unknown"},
      {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n", "/", "h", "none", false},
      {"GET / HTTP/1.1\r\nHost: h\r\nConnection: x, CLOSE\r\n", "/", "h", "none", false},
      {"GET / HTTP/1.0\r\n", "/", "", "none", false},
      {"GET / HTTP/1.2\r\nHost: h\r\n", "/", "h"},
      {"GET / HTTP/1.9\r\nHost: h\r\nTransfer-Encoding: chunked\r\n", "/", "h", "unknown"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::string(40, '0') + "5\r\n", "/", "h",
       "5"},
      {"GET /?a\\b HTTP/1.1\r\nHost: h\r\n", "/?a\\b", "h"},
      {"GET http://x?\\ HTTP/1.1\r\nHost: h\r\n", "?\\", "x"},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n", "/", "", "none", true},
      {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n", "/", "", "none", false},
  };
  for (const RequestRow& row : rows) {
    INFO(row.head);
    std::string text = row.head + "\r\n";
    const auto parsed = parse_request(text, kFieldLimit);
    REQUIRE_THAT(fault_of(parsed), Catch::Matchers::Equals(""));
    CHECK(parsed->head.target == row.target);
    CHECK(parsed->head.authority == row.authority);
    CHECK(body_text(parsed->head.body) == row.body);
    CHECK(parsed->persistent == row.persistent);
    CHECK(parsed->head.method_text == row.head.substr(0, row.head.find(' ')));
  }
}

TEST_CASE("methods are told apart by their exact letters") {
  const std::pair<const char*, Method> rows[] = {
      {"GET", Method::get},
      {"HEAD", Method::head},
      {"POST", Method::post},
      {"PUT", Method::put},
      {"DELETE", Method::delete_},
      {"OPTIONS", Method::options},
      {"TRACE", Method::trace},
      {"PATCH", Method::patch},
      {"QUERY", Method::query},
      {"get", Method::other},
      {"RDG_IN_DATA", Method::other},
      {"LIST", Method::other},
      {"!#$%&'*+-.^_`|~0", Method::other},
      {"VERSION-CONTROL", Method::version_control},
      {"PROPFIND", Method::propfind},
      {"connect", Method::other},
      {"CONNECTED", Method::other},
  };
  for (const auto& [name, method] : rows) {
    INFO(name);
    std::string text = std::string(name) + " / HTTP/1.1\r\nHost: h\r\n\r\n";
    const auto parsed = parse_request(text, kFieldLimit);
    REQUIRE_THAT(fault_of(parsed), Catch::Matchers::Equals(""));
    CHECK(parsed->head.method == method);
  }
}

TEST_CASE("field values come without the blanks around them, and in order") {
  std::string text = "GET / HTTP/1.1\r\nHost: h\r\nA:\r\nB: \t x  y\t \r\nb:\xffz\r\n\r\n";
  const auto parsed = parse_request(text, kFieldLimit);
  REQUIRE_THAT(fault_of(parsed), Catch::Matchers::Equals(""));
  const Fields& fields = parsed->head.fields;
  REQUIRE(fields.size() == 4);
  CHECK(fields.begin()[1].name == "A");
  CHECK(fields.begin()[1].value.empty());
  CHECK(fields.begin()[2].value == "x  y");
  CHECK(fields.begin()[3].name == "b");
  CHECK(fields.begin()[3].value == "\xffz");
}

TEST_CASE("bytes outside ASCII stand in a target only where the listener is lenient") {
  const std::string_view targets[] = {"/\xc3\xa4", "/?\xff", "http://x/\x80"};
  for (const std::string_view target : targets) {
    INFO(target);
    std::string text = "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n";
    CHECK(fault_of(parse_request(text, kFieldLimit)) == "bad_target");
    const auto parsed = parse_request(text, kFieldLimit, config::Targets::lenient);
    REQUIRE_THAT(fault_of(parsed), Catch::Matchers::Equals(""));
    CHECK(target.ends_with(parsed->head.target));
  }
  for (const std::string_view target :
       {"/\x7f\xc3", "/\x01\xc3", "/\xc3#", "/\\\xc3", "http://\xc3/"}) {
    INFO(target);
    std::string text = "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n";
    CHECK_FALSE(parse_request(text, kFieldLimit, config::Targets::lenient).has_value());
  }
}

TEST_CASE("a doubtful request head is refused, with what is wrong with it") {
  const std::string get = "GET / HTTP/1.1\r\n";
  const std::string host = get + "Host: h\r\n";
  const std::pair<std::string, std::string_view> rows[] = {
      {"GET  / HTTP/1.1\r\nHost: h\r\n", "bad_start_line"},
      {"/ GET\r\nHost: h\r\n", "bad_start_line"},
      {"GET / HTTP/2.0\r\nHost: h\r\n", "bad_version"},
      {"GET / HTTP/0.9\r\nHost: h\r\n", "bad_version"},
      {"BR(W / HTTP/1.1\r\nHost: h\r\n", "bad_start_line"},
      {"CONNECT / HTTP/1.1\r\nHost: h\r\n", "bad_method"},
      {"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n", "bad_method"},
      {"GET a HTTP/1.1\r\nHost: h\r\n", "bad_target"},
      {"GET http HTTP/1.1\r\nHost: h\r\n", "bad_target"},
      {get, "bad_host"},
      {host + "Host: h\r\n", "bad_host"},
      {"GET / HTTP/1.1\nHost: h\r\n", "bad_line_end"},
      {host + "A: b\rc\r\n", "bad_line_end"},
      {host + std::string("A: \0\r\n", 6), "bad_field"},
      {host + "A : b\r\n", "bad_field"},
      {host + "A: b\r\n c\r\n", "bad_field"},
      {get + " A: b\r\nHost: h\r\n", "bad_field"},
      {host + ": b\r\n", "bad_field"},
      {host + "A\r\n", "bad_field"},
      {host + "A b: c\r\n", "bad_field"},
      {host + "A(: c\r\n", "bad_field"},
      {host + "A\x80: c\r\n", "bad_field"},
      {host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "length_and_encoding"},
      {host + "Content-Length: +1\r\n", "bad_content_length"},
      {host + "Content-Length: \r\n", "bad_content_length"},
      {host + "Content-Length: 1\r\nContent-Length: 1\r\n", "bad_content_length"},
      {host + "Transfer-Encoding: gzip, chunked\r\n", "unknown_transfer_coding"},
      {host + "Transfer-Encoding: gzip\r\nContent-Length: 1\r\n", "length_and_encoding"},
      {host + "Content-Length: 1\r\nTransfer-Encoding: gzip\r\n", "length_and_encoding"},
      {host + "Content-Length: 1, 1\r\n", "bad_content_length"},
      {host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
       "bad_transfer_encoding"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", "bad_transfer_encoding"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n", "bad_transfer_encoding"},
      {host + "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n", "too_many_fields"},
  };
  for (const auto& [head, fault] : rows) {
    INFO(head);
    std::string text = head + "\r\n";
    CHECK(fault_of(parse_request(text, kFieldLimit)) == fault);
  }
}

TEST_CASE("an upgrade counts only when Connection names it, and never for h2c or HTTP/1.0") {
  struct Row {
    const char* version;
    const char* fields;
    const char* upgrade;
  };
  const Row rows[] = {
      {"1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", "websocket"},
      {"1.1", "Upgrade: websocket\r\n", ""},
      {"1.1", "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n", "tcp"},
      {"1.1", "Connection: Upgrade\r\nUpgrade: tcp\r\nTransfer-Encoding: chunked\r\n", "tcp"},
      {"1.1", "Connection: Upgrade\r\nUpgrade: h2c\r\n", ""},
      {"1.1", "Connection: Upgrade\r\nUpgrade: H2C, websocket\r\n", "websocket"},
      {"1.1", "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: tcp\r\n", "tcp"},
      {"1.1", "Connection: Upgrade\r\nUpgrade: ,\r\nUpgrade: tcp\r\nUpgrade: x\r\n", "tcp"},
      {"1.0", "Connection: Upgrade\r\nUpgrade: websocket\r\n", ""},
  };
  for (const Row& row : rows) {
    INFO(row.version << " " << row.fields);
    std::string text =
        std::string("GET / HTTP/") + row.version + "\r\nHost: h\r\n" + row.fields + "\r\n";
    const auto parsed = parse_request(text, kFieldLimit);
    REQUIRE_THAT(fault_of(parsed), Catch::Matchers::Equals(""));
    CHECK(parsed->head.upgrade == row.upgrade);
  }
}

TEST_CASE("trailers are welcome when TE says so") {
  for (const auto& [te, wanted] :
       std::vector<std::pair<std::string, bool>>{{"trailers", true},
                                                 {"gzip, Trailers", true},
                                                 {"gzip\r\nTE: trailers", true},
                                                 {"gzip", false},
                                                 {"", false}}) {
    std::string text = "GET / HTTP/1.1\r\nHost: h\r\nTE: " + te + "\r\n\r\n";
    const auto parsed = parse_request(text, kFieldLimit);
    REQUIRE_THAT(fault_of(parsed), Catch::Matchers::Equals(""));
    CHECK(parsed->head.trailers_accepted == wanted);
  }
}

struct ResponseRow {
  std::string head;
  Method request = Method::get;
  std::string_view body = "none";
  bool has_body = false;
  bool persistent = true;
};

TEST_CASE("a response has the body that status, method and framing give it") {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string length = "Content-Length: 5\r\n";
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const Method head = Method::head;
  const Method get = Method::get;
  const ResponseRow rows[] = {
      {ok + length, get, "5", true},
      {ok + "Content-Length: 0\r\n", get, "0", false},
      {ok + chunked, get, "unknown", true},
      {ok, get, "unknown", true, false},
      {"HTTP/1.0 200 OK\r\n" + length, get, "5", true, false},
      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + length, get, "5", true, true},
      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + chunked, get, "unknown", true, false},
      {ok + length + "Connection: close\r\n", get, "5", true, false},
      {ok + length, head, "5", false},
      {ok + chunked, head, "none", false},
      {ok + length + chunked, head, "5", false},
      {ok + chunked + length, head, "5", false},
      {"HTTP/1.1 304 Not Modified\r\n" + length + chunked, get, "5", false},
      {ok + length + length, get, "5", true},
      {ok + "Content-Length: 5, 05\r\n", get, "5", true},
      {ok + "Content-Length: " + std::string(30, '0') + "5\r\n", get, "5", true},
      {"HTTP/1.7 200 OK\r\n" + length, get, "5", true},
      {"HTTP/1.1 799 Odd\r\n" + length, get, "5", true},
      {ok, head, "none", false},
      {"HTTP/1.1 304 Not Modified\r\n" + length, get, "5", false},
      {"HTTP/1.1 304 Not Modified\r\n", get, "none", false},
      {"HTTP/1.1 204 No Content\r\n" + length, get, "none", false},
      {"HTTP/1.1 103 Early Hints\r\n" + length, get, "none", false},
      {"HTTP/1.1 100\r\n", get, "none", false},
      {ok + length + "WWW-Authenticate: NTLM\r\n", get, "5", true, true},
  };
  for (const ResponseRow& row : rows) {
    INFO(row.head << (row.request == Method::head ? "to HEAD" : "to GET"));
    std::string text = row.head + "\r\n";
    const auto parsed = parse_response(text, kFieldLimit, row.request, "");
    REQUIRE_THAT(fault_of(parsed), Catch::Matchers::Equals(""));
    CHECK(body_text(parsed->head.body) == row.body);
    CHECK(parsed->has_body == row.has_body);
    CHECK(parsed->persistent == row.persistent);
  }
}

TEST_CASE("a doubtful response head is refused, with what is wrong with it") {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::pair<std::string, std::string_view> rows[] = {
      {"HTTP/1.1 20 OK\r\n", "bad_start_line"},
      {"HTTP/2.0 200 OK\r\n", "bad_version"},
      {"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: ws\r\n", "bad_switch"},
      {"HTTP/1.1 200 OK\nA: b\r\n", "bad_line_end"},
      {ok + "A: \x01\r\n", "bad_field"},
      {ok + ": b\r\n", "bad_field"},
      {ok + " A: b\r\n", "bad_field"},
      {ok + "A\r\n", "bad_field"},
      {ok + "Content-Length: 1\r\nContent-Length: 2\r\n", "bad_content_length"},
      {ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "length_and_encoding"},
      {ok + "Transfer-Encoding: identity\r\n", "unknown_transfer_coding"},
      {ok + "Content-Length: 5, 6\r\n", "bad_content_length"},
      {ok + "Content-Length: 5,\r\n", "bad_content_length"},
      {ok + "Content-Length: 5\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
       "length_and_encoding"},
      {"HTTP/0.9 200 OK\r\n", "bad_version"},
      {ok + "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\n", "too_many_fields"},
  };
  for (const auto& [head, fault] : rows) {
    INFO(head);
    std::string text = head + "\r\n";
    CHECK(fault_of(parse_response(text, kFieldLimit, Method::get, "")) == fault);
  }
}

TEST_CASE("folds and blanks before colons of a response are made regular") {
  std::string text = "HTTP/1.1 200 OK\r\nA : b \r\n  c\r\nContent-Length \t: 3\r\n\r\n";
  const auto parsed = parse_response(text, kFieldLimit, Method::get, "");
  REQUIRE_THAT(fault_of(parsed), Catch::Matchers::Equals(""));
  REQUIRE(parsed->head.fields.size() == 2);
  CHECK(parsed->head.fields.begin()[0].name == "A");
  CHECK(parsed->head.fields.begin()[0].value == "b c");
  CHECK(body_text(parsed->head.body) == "3");
}

TEST_CASE("a 101 is believed only when it switches to what was asked for") {
  const std::string head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n";
  for (const auto& [fields, fault] :
       std::vector<std::pair<std::string, std::string>>{{"Upgrade: WebSocket\r\n", ""},
                                                        {"Upgrade: other\r\n", "bad_switch"},
                                                        {"", "bad_switch"}}) {
    INFO(fields);
    std::string text = head + fields + "\r\n";
    CHECK(fault_of(parse_response(text, kFieldLimit, Method::get, "websocket")) == fault);
  }
}

TEST_CASE("the time an endpoint keeps connections is read from Keep-Alive") {
  for (const auto& [value, seconds] : std::vector<std::pair<std::string, int64_t>>{
           {"timeout=5", 5}, {"max=9, timeout=60", 60}, {"timeout=x", -1}, {"max=3", -1}}) {
    INFO(value);
    std::string text = "HTTP/1.1 204 x\r\nKeep-Alive: " + value + "\r\n\r\n";
    const auto parsed = parse_response(text, kFieldLimit, Method::get, "");
    REQUIRE_THAT(fault_of(parsed), Catch::Matchers::Equals(""));
    CHECK(parsed->keep_alive_seconds == seconds);
  }
}

TEST_CASE("trailers are field lines and nothing else") {
  const std::pair<std::string, std::string_view> rows[] = {
      {"", ""},
      {"A: b\r\nC:\td \r\n", ""},
      {"A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n", ""},
      {"A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\n", "too_many_fields"},
      {"A\r\n", "bad_trailer"},
      {": b\r\n", "bad_trailer"},
      {"A : b\r\n", "bad_trailer"},
      {" A: b\r\n", "bad_trailer"},
      {"A: b\r\n c\r\n", "bad_trailer"},
      {"A: b\nC: d\r\n", "bad_trailer"},
      {"A: b\rC: d\r\n", "bad_trailer"},
      {"A: \x01\r\n", "bad_trailer"},
      {"A(: b\r\n", "bad_trailer"},
  };
  for (const auto& [text, fault] : rows) {
    INFO(text);
    CHECK(fault_of(parse_trailers(text, field_room().first(kFieldLimit))) == fault);
  }
  const auto fields = parse_trailers("A: b\r\nC:\td \r\n", field_room().first(kFieldLimit));
  REQUIRE(fields.has_value());
  REQUIRE(fields->size() == 2);
  CHECK(fields->begin()[1].value == "d");
}

}  // namespace
}  // namespace onehop::http::h1
