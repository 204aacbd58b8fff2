// SPDX-License-Identifier: MIT
// What a head costs, from its bytes to the head that goes on, for heads that were made to cost
// much. head_cost_test.py runs this under callgrind, which counts the instructions of each call of
// onehop_measured(); run alone it only says which heads are refused.
//
//   head_cost ["KIND NAME"]
//
// A line of output for each call: "KIND SIZE NAME|VERDICT". A kind is compared with its own
// `ordinary` heads, and h2 with those of HTTP/1.1.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "http/h1/head_reader.h"
#include "http/h1/parser.h"
#include "http/h1/writer.h"
#include "http/h2/head_block.h"
#include "http/h2/head_collector.h"
#include "onehop/routing/way.h"
#include "proxy/connection_auth.h"
#include "proxy/message_fields.h"

namespace onehop::cost {
namespace {

constexpr size_t kRequestHead = 32 * 1024;  // the defaults of server.limits
constexpr size_t kResponseHead = 64 * 1024;
constexpr size_t kFields = 100;
constexpr size_t kHops = proxy::kMostHops;

std::string repeated(const std::string& text, size_t size) {
  std::string all;
  while (all.size() + text.size() <= size) all += text;
  return all;
}

// "x0a: 1" and so on; `line` has a "#" for the number.
std::string lines(const std::string& line, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) {
    std::string one = line;
    for (size_t at = one.find('#'); at != one.npos; at = one.find('#'))
      one.replace(at, 1, std::to_string(10 + i));
    all += one + "\r\n";
  }
  return all;
}

// What a browser sends, filled up to `size` by what grows in practice: cookies, and a token.
std::string ordinary_request(size_t size) {
  std::string head =
      "GET /shop/items?page=2 HTTP/1.1\r\nHost: shop.example\r\nConnection: keep-alive\r\n"
      "sec-ch-ua: \"Chromium\";v=\"130\"\r\nsec-ch-ua-mobile: ?0\r\nAccept: text/html,*/*\r\n"
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nUpgrade-Insecure-Requests: 1\r\n"
      "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"
      "Referer: https://shop.example/\r\nAccept-Encoding: gzip, br\r\nAccept-Language: de,en\r\n";
  while (head.size() + 1100 < size) head += "X-Part: " + repeated("abcdefgh", 1000) + "\r\n";
  head += "Cookie: a=";
  if (head.size() + 4 < size) head += repeated("s", size - head.size() - 4);
  return head + "\r\n\r\n";
}

std::string ordinary_response(size_t size) {
  std::string head =
      "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: app\r\n"
      "Content-Type: text/html\r\nContent-Length: 5\r\nCache-Control: private\r\nETag: \"a\"\r\n"
      "Vary: Accept-Encoding\r\nX-Frame-Options: DENY\r\n";
  while (head.size() + 1100 < size) head += "X-Part: " + repeated("abcdefgh", 1000) + "\r\n";
  head += "Set-Cookie: a=";
  if (head.size() + 4 < size) head += repeated("s", size - head.size() - 4);
  return head + "\r\n\r\n";
}

// A path in a script that is not Latin, as browsers send it.
std::string ordinary_target(size_t size) {
  return "GET /wiki/" + repeated("%E4%BD%A0%E5%A5%BD/", size - 80) +
         "a HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\n\r\n";
}

// --- what is measured ----------------------------------------------------------------------------

class Path {
 public:
  explicit Path(bool trusted) {
    client_.address = *Address::numeric("10.0.0.1", 5000);
    client_.ip_length = static_cast<uint8_t>(client_.address.write_ip(client_.ip));
    client_.trusted = trusted;
    client_.port = 443;
    client_.listener = std::make_shared<const http::ListenerTerms>(
        http::ListenerTerms{{}, {}, {true, true, true}});
  }

  // Refused, or what goes on.
  std::optional<http::RequestHead> forwarded(const http::RequestHead& head, Arena& arena) {
    const auto way = routing::find_way(router_, paths_, head.authority, head.target, arena);
    const auto who = proxy::identify(head, client_, {client_.trusted, trusted_}, arena);
    if (!way.has_value() || !who.has_value()) return std::nullopt;
    if (proxy::goes_in_circles(head.fields)) return std::nullopt;
    const std::string_view own_id = proxy::plain_request_id(head.fields);
    const http::RequestHead sent = proxy::forwarded_request(
        head,
        {client_, client_.trusted, client_.listener.get(), *who,
         own_id.empty() ? "0123456789abcdef" : own_id, guarded_, config::Via::requests},
        arena);
    proxy::authenticates_connection(sent.fields);
    return sent;
  }

  const char* send_on(const http::RequestHead& head) {
    Arena arena;
    const auto sent = forwarded(head, arena);
    if (!sent.has_value()) return "refused";
    Buffer output;
    http::h1::write_request_head(output, *sent, http::h1::Framing::none);
    return "sent";
  }

  const char* request(std::string& bytes) {
    const auto parsed = http::h1::parse_request(bytes, kFields);
    return parsed.has_value() ? send_on(parsed->head) : "refused";
  }

  // To an endpoint that speaks HTTP/2.
  const char* request_to_h2(std::string& bytes) {
    const auto parsed = http::h1::parse_request(bytes, kFields);
    if (!parsed.has_value()) return "refused";
    Arena arena;
    const auto sent = forwarded(parsed->head, arena);
    if (!sent.has_value()) return "refused";
    http::h2::head_block().request(*sent, "https");
    return "sent";
  }

  const char* request_in_pieces(std::string& bytes) {
    http::h1::HeadReader reader;
    Buffer in;
    for (const char c : bytes) {
      in.append(std::string_view(&c, 1));
      if (reader.feed(in, 8 * 1024, kRequestHead) == http::h1::HeadReader::Status::failed)
        return "refused";
    }
    return "read";
  }

  const char* response(std::string& bytes) {
    const auto parsed = http::h1::parse_response(bytes, kFields, http::Method::get, "websocket");
    if (!parsed.has_value()) return "refused";
    proxy::challenges_connection(parsed->head.fields);
    std::vector<http::Field> room(kFields + proxy::kAddedFields);
    const auto sent = proxy::forwarded_response(
        parsed->head, {true, config::Via::both, "0123456789abcdef"}, room);
    Buffer output;
    http::h1::write_response_head(output, sent, sent.body, http::h1::Framing::length,
                                  http::h1::ConnectionOption::none);
    return "sent";
  }

  const char* trailers(std::string& bytes) {
    std::vector<http::Field> received(kFields);
    const std::string_view section = std::string_view(bytes).substr(0, bytes.size() - 2);
    const auto parsed = http::h1::parse_trailers(section, received);
    if (!parsed.has_value()) return "refused";
    std::vector<http::Field> room(kFields);
    Buffer output;
    http::h1::write_trailers(output, proxy::forwarded_trailers(*parsed, room, guarded_));
    return "sent";
  }

  // The lines of a request's head as HTTP/2 has them.
  const char* h2_request(std::string& bytes) {
    http::h2::HeadCollector collector(
        {.line_bytes = 8 * 1024, .bytes = kRequestHead, .fields = kFields});
    collector.add(":method", "GET", false);
    collector.add(":scheme", "https", false);
    collector.add(":path", "/", false);
    collector.add(":authority", "shop.example", false);
    add_lines(collector, bytes);
    const auto head = collector.request();
    return head.has_value() ? send_on(*head) : "refused";
  }

  const char* h2_response(std::string& bytes) {
    http::h2::HeadCollector collector({.bytes = kResponseHead, .fields = kFields});
    collector.add(":status", "200", false);
    add_lines(collector, bytes);
    const auto head = collector.response(http::Method::get);
    if (!head.has_value()) return "refused";
    std::vector<http::Field> room(kFields + proxy::kAddedFields);
    const auto sent =
        proxy::forwarded_response(*head, {true, config::Via::both, "0123456789abcdef"}, room);
    http::h2::head_block().response(sent);
    return "sent";
  }

 private:
  static routing::Router router() {
    std::vector<config::Upstream> upstreams(2);
    std::vector<config::Route> routes(2);
    upstreams[0].name = routes[0].upstream = "app";
    upstreams[1].name = routes[1].upstream = "guarded";
    routes[1].path = "/admin";
    return routing::Router(routes, upstreams);
  }

  // Those that HTTP/2 can have.
  static void add_lines(http::h2::HeadCollector& collector, std::string_view bytes) {
    std::string_view rest = bytes.substr(bytes.find('\n') + 1);
    while (rest != "\r\n") {
      const std::string_view line = rest.substr(0, rest.find("\r\n"));
      rest.remove_prefix(line.size() + 2);
      const size_t colon = line.find(": ");
      const std::string_view name = line.substr(0, colon);
      if (colon != line.npos && name != "Connection")
        collector.add(name, line.substr(colon + 2), false);
    }
  }

  Peers trusted_{{"10.0.0.0/8", "2001:db8::/32"}};
  std::vector<std::string> own_ = {"X-Client-Subject"};
  std::vector<std::string> identity_ = {"X-Tenant", "X-User"};
  proxy::GuardedFields guarded_{own_, identity_};
  routing::Router router_ = router();
  config::Paths paths_;
  http::Client client_;
};

using Work = const char* (Path::*)(std::string& bytes);

struct Case {
  const char* kind;
  const char* name;
  std::string bytes;
  Work work;
  bool trusted = false;
};

}  // namespace

// Found by its name, hence no part of a namespace as far as the linker knows.
extern "C" [[gnu::noinline, gnu::used]] const char* onehop_measured(Path& path, Work work,
                                                                    std::string& bytes) {
  return (path.*work)(bytes);
}

namespace {

// --- heads that were made to cost much -----------------------------------------------------------

std::string request_with(const std::string& more) {
  return "GET / HTTP/1.1\r\nHost: shop.example\r\n" + more + "\r\n";
}

struct Made {
  const char* name;
  std::string lines;
};

std::vector<Made> request_lines() {
  const size_t size = kRequestHead - 200;
  const std::string names = "Connection: " + repeated("x-aa, ", 90) + "x-last\r\n";
  std::string nominated = "Connection: x10";
  for (size_t i = 1; i < 32; ++i) nominated += ", x" + std::to_string(10 + i);
  return {
      {"a thousand options and unknown fields",
       "Connection: " + repeated("a,", size - 3000) + "\r\n" + lines("x#: 1", 90)},
      {"commas in Connection", "Connection: " + repeated(",", size) + "\r\n"},
      {"as many options as may be, and fields that they name",
       nominated + "\r\n" + lines("x#: 1", 90)},
      {"as many options as may be, and fields that they do not name",
       nominated + "\r\n" + lines("y#: 1", 90)},
      {"the same option again and again", names + lines("x-aa: 1", 90)},
      {"options over many lines", lines("Connection: a#, b#, c#", 90)},
      {"as many fields as may be", lines("a#: 1", 97)},
      {"fields with long names", lines(repeated("n", 300) + "#: 1", 90)},
      {"one field with a long name", repeated("n", size) + ": 1\r\n"},
      {"one field with a long value", "a: " + repeated("v", size) + "\r\n"},
      {"a value of blanks", "a: " + repeated(" ", size) + "\r\n"},
      {"a value of tabs at its end", "a: 1" + repeated("\t", size) + "\r\n"},
      {"fields of tabs", lines("a#: \t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t", 97)},
      {"names that share a slot with known ones", lines("x----------------#r: 1", 97)},
      {"names that nearly claim to be forwarded", lines("x-forwarde#-for: 1", 97)},
      {"names that claim to be forwarded", lines("x-forwarded-#: 1", 97)},
      {"names as long as guarded ones", lines("X-Tena#: 1", 97)},
      {"aliases of known names", lines("x_forwarded_for: 1", 97)},
      {"X-Forwarded-For as long as may be",
       "X-Forwarded-For: " + repeated("1.1.1.1,", size) + "\r\n"},
      {"X-Forwarded-For of commas", "X-Forwarded-For: " + repeated(",", size) + "\r\n"},
      {"X-Forwarded-For as long as it is read, of those who are not trusted",
       "X-Forwarded-For: " + repeated("2001:db9::1,", 12 * kHops - 12) + "192.0.2.7\r\n"},
      {"X-Forwarded-For as long as it is read, of trusted ones",
       "X-Forwarded-For: " + repeated("10.1.1.1,", 9 * kHops - 9) + "10.1.1.1\r\n"},
      {"X-Forwarded-For over many lines", lines("X-Forwarded-For: 192.0.2.#", kHops)},
      {"X-Forwarded-Proto as long as may be",
       "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: " + repeated(",", size) + "\r\n"},
      {"Forwarded of quotes", "Forwarded: " + repeated("\"", size) + "\r\n"},
      {"Forwarded of semicolons", "Forwarded: " + repeated(";", size) + "\r\n"},
      {"Forwarded as long as it is read",
       "Forwarded: " + repeated("for=\"[2001:db8::1]\";proto=https;host=h,", 39 * kHops - 39) +
           "for=_x\r\n"},
      {"Forwarded over many lines", lines("Forwarded: for=10.0.0.#;by=1", kHops)},
      {"Upgrade of h2c", "Connection: upgrade\r\nUpgrade: " + repeated("h2c,", size) + "\r\n"},
      {"TE as long as may be", "TE: " + repeated("a,", size) + "\r\n"},
      {"Via as long as may be", "Via: " + repeated("1.1 onehop,", size) + "\r\n"},
      {"Via over many lines", lines("Via: 1.1 onehop, 1.1 b#, 1.1 c, 1.1 d", 97)},
      {"cookies", lines("Cookie: a=#", 97)},
      {"request ids", lines("X-Request-Id: <#>", 97)},
      {"schemes", lines("X-Forwarded-Ssl: #", 97)},
  };
}

// The lists that a peer can send, each in one line as long as may be and over many lines.
std::vector<Made> request_lists() {
  const size_t size = kRequestHead - 200;
  const auto line = [&](const std::string& name, const std::string& element) {
    return name + ": " + repeated(element, size) + "\r\n";
  };
  return {
      {"Accept", line("Accept", "a/b;q=0.1,")},
      {"Accept over many lines", lines("Accept: a/#;q=0.1, */*", 97)},
      {"Accept-Encoding", line("Accept-Encoding", "br,")},
      {"Authorization over many lines", lines("Authorization: Negotiat a#", 97)},
      {"Content-Length", line("Content-Length", "5,")},
      {"Content-Length over many lines", lines("Content-Length: 5", 97)},
      {"crumbs in one line", line("Cookie", "a=1; ")},
      {"crumbs", lines("cookie: a", 2'600)},
      {"Expect", line("Expect", "100-continue,")},
      {"Expect over many lines", lines("Expect: 100-continue", 97)},
      {"Forwarded of many parameters", lines("Forwarded: a=1;b=2;c=3;d=4;e=5;f=6;g=7;for=a", 40)},
      {"Forwarded that ends badly",
       "Forwarded: " + repeated("for=10.0.0.1;by=\"x\",", 20 * kHops - 20) + "for=\"\r\n"},
      {"Host over many lines", lines("host: shop.example", 97)},
      {"Host as long as may be, over many lines", lines("host: " + repeated("s", 300), 90)},
      {"If-None-Match", line("If-None-Match", "\"a\",")},
      {"Max-Forwards over many lines", lines("Max-Forwards: 000000000000005", 97)},
      {"TE over many lines", lines("TE: a, b;q=0.1, c", 97)},
      {"Trailer", line("TE: trailers\r\nTrailer", "a,")},
      {"Transfer-Encoding", line("Transfer-Encoding", "gzip,")},
      {"Transfer-Encoding that nearly is chunked", line("Transfer-Encoding", "chunke")},
      {"Transfer-Encoding over many lines", lines("Transfer-Encoding: gzip", 97)},
      {"Upgrade over many lines", "Connection: upgrade\r\n" + lines("Upgrade: h2c, h2c, h2c", 96)},
      {"Upgrade of commas", "Connection: upgrade\r\n" + line("Upgrade", ",")},
      {"Via of commas", line("Via", ",")},
      {"Via that is nearly this one's", line("Via", "1.1 nehop,")},
      {"WebSocket protocols",
       "Connection: upgrade\r\nUpgrade: websocket\r\n" + line("Sec-WebSocket-Protocol", "a,")},
      {"WebSocket extensions over many lines",
       "Connection: upgrade\r\nUpgrade: websocket\r\n" +
           lines("Sec-WebSocket-Extensions: a; b=#, c", 95)},
      {"X-Forwarded-Host over many lines", lines("X-Forwarded-Host: a, b, h#", 97)},
      {"X-Forwarded-Port over many lines", lines("X-Forwarded-Port: 1, 2, #", 97)},
      {"X-Forwarded-Proto over many lines",
       lines("X-Forwarded-For: 10.0.0.#", 30) + lines("X-Forwarded-Proto: a, b, c#", 67)},
      {"X-Real-IP over many lines", lines("X-Real-IP: 10.0.0.#", 97)},
      {"names with every separator", lines("x!forwarded~fo#: 1", 97)},
      {"names of guarded fields but for their last letter", lines("x.client.subjec#: 1", 97)},
      {"names as HTTP/2 knows them but for a letter", lines("access-control-allow-origi#: 1", 97)},
  };
}

std::vector<Made> response_lines() {
  const size_t size = kResponseHead - 400;
  return {
      {"options and unknown fields",
       "Connection: " + repeated("a,", size - 3000) + "\r\n" + lines("x#: 1", 90)},
      {"as many fields as may be", lines("a#: 1", 97)},
      {"folds", "a: " + repeated("1\r\n ", size) + "\r\n"},
      {"folds of blanks", "a: " + repeated("    \r\n\t   ", size) + "1\r\n"},
      {"blanks before a colon", lines("a#" + repeated(" ", 600) + ": 1", 90)},
      {"colons", "a: " + repeated(" :", size) + "\r\n"},
      {"Keep-Alive as long as may be", "Keep-Alive: " + repeated("a,", size) + "\r\n"},
      {"challenges", lines("WWW-Authenticate: Basic realm=#", 97)},
      {"cookies", lines("Set-Cookie: a=#", 97)},
  };
}

std::vector<Made> response_lists() {
  const size_t size = kResponseHead - 400;
  const auto line = [&](const std::string& name, const std::string& element) {
    return name + ": " + repeated(element, size) + "\r\n";
  };
  std::string nominated = "Connection: x10";
  for (size_t i = 1; i < 32; ++i) nominated += ", x" + std::to_string(10 + i);
  return {
      {"as many options as may be, and fields that they name",
       nominated + "\r\n" + lines("x#: 1", 90)},
      {"as many options as may be, and fields that they do not name",
       nominated + "\r\n" + lines("y#: 1", 90)},
      {"options over many lines", lines("Connection: a#, b#, c#", 90)},
      {"fields with long names", lines(repeated("n", 600) + "#: 1", 90)},
      {"Content-Length", line("Content-Length", "5,") + "Content-Length: 5\r\n"},
      {"Content-Length over many lines", lines("Content-Length: 0000000000000000000000005", 97)},
      {"Keep-Alive of parameters", line("Keep-Alive", "timeout=,")},
      {"Keep-Alive over many lines", lines("Keep-Alive: timeout=#, max=1", 97)},
      {"Transfer-Encoding", line("Transfer-Encoding", "gzip,")},
      {"Vary", line("Vary", "a,")},
      {"Vary over many lines", lines("Vary: a#, b, c, d, e", 97)},
      {"Link", line("Link", "<a>;rel=b,")},
      {"Trailer", line("Trailer", "a,")},
      {"challenges in one line", line("WWW-Authenticate", "Basic realm=a, ")},
      {"challenges of quotes", line("WWW-Authenticate", "a=\"\\\"")},
      {"challenges that nearly authenticate", lines("WWW-Authenticate: NTL#, Negotiat#=a", 97)},
      {"Via over many lines", lines("Via: 1.1 onehop, 1.1 b#, 1.1 c, 1.1 d", 97)},
      {"Strict-Transport-Security over many lines",
       lines("Strict-Transport-Security: max-age=#", 97)},
      {"Date over many lines", lines("Date: Sun, 06 Nov 1994 08:49:37 GMT", 97)},
      {"WebSocket extensions", line("Sec-WebSocket-Extensions", "a; b=1,")},
      {"cookies as long as may be", lines("Set-Cookie: a=" + repeated("b; ", 600), 90)},
  };
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const size_t size : {300, 600, 1'200, 2'500, 5'000, 10'000, 20'000, 32'000}) {
    all.push_back({"request", "ordinary", ordinary_request(size), &Path::request});
    all.push_back({"pieces", "ordinary", ordinary_request(size), &Path::request_in_pieces});
    all.push_back({"trailers", "ordinary", ordinary_request(size).substr(33), &Path::trailers});
  }
  for (const size_t size : {300, 600, 1'200, 2'500, 5'000, 10'000, 20'000, 32'000, 64'000})
    all.push_back({"response", "ordinary", ordinary_response(size), &Path::response});
  std::vector<Made> requests = request_lines();
  std::ranges::copy(request_lists(), std::back_inserter(requests));
  for (const Made& made : requests) {
    const std::string head = request_with(made.lines);
    all.push_back({"request", made.name, head, &Path::request});
    all.push_back({"request", made.name, head, &Path::request, true});
    all.push_back({"pieces", made.name, head, &Path::request_in_pieces});
    all.push_back({"h2", made.name, head, &Path::h2_request});
    all.push_back({"to-h2", made.name, head, &Path::request_to_h2});
    all.push_back({"trailers", made.name, made.lines + "\r\n", &Path::trailers});
  }
  all.push_back({"pieces", "a request line without an end", "GET /" + repeated("a", 8'000),
                 &Path::request_in_pieces});
  for (const size_t size : {300, 600, 1'200, 2'500, 5'000, 8'100})
    all.push_back({"target", "ordinary", ordinary_target(size), &Path::request});
  all.push_back({"target", "a long target",
                 "GET /" + repeated("a=%20;", 8'000) + " HTTP/1.1\r\nHost: h\r\n\r\n",
                 &Path::request});
  all.push_back({"request", "a long authority",
                 "GET / HTTP/1.1\r\nHost: " + repeated("=", 30'000) + "\r\n\r\n", &Path::request});
  for (const char* piece :
       {"/..", "/.", "/a/..", "//", "/%2e", "/a;b", "/%2F", "/%41", "%zz", ";"}) {
    const std::string head =
        "GET /" + repeated(piece, 8'000) + " HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    all.push_back({"target", piece, head, &Path::request});
  }
  for (const char* piece : {"/../", "a=%20&", "\\"}) {
    const std::string head =
        "GET /?" + repeated(piece, 8'000) + " HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    all.push_back({"target", "behind a question mark", head, &Path::request});
  }
  std::vector<Made> responses = response_lines();
  std::ranges::copy(response_lists(), std::back_inserter(responses));
  for (const Made& made : responses) {
    const std::string head = "HTTP/1.1 200 OK\r\n" + made.lines + "\r\n";
    all.push_back({"response", made.name, head, &Path::response});
    all.push_back({"h2-response", made.name, head, &Path::h2_response});
  }
  all.push_back({"response", "a switch of protocols",
                 "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: " +
                     repeated("h2c,", kResponseHead - 400) + "\r\n\r\n",
                 &Path::response});
  return all;
}

// All heads, or those whose "KIND NAME" begins with `chosen`, to be looked at with a profiler.
int run(std::string_view chosen) {
  Path stranger(false);
  Path trusted(true);
  for (Case& one : cases()) {
    if (!(std::string(one.kind) + " " + one.name).starts_with(chosen)) continue;
    Path& path = one.trusted ? trusted : stranger;
    // Once for the memory that the first call takes, once counted from a warm start.
    std::string copy = one.bytes;
    (path.*one.work)(copy);
    const size_t size = one.bytes.size();
    const char* verdict = onehop_measured(path, one.work, one.bytes);
    std::printf("%s %zu %s%s|%s\n", one.kind, size, one.name, one.trusted ? " (trusted)" : "",
                verdict);
  }
  return 0;
}

}  // namespace
}  // namespace onehop::cost

int main(int count, char** words) {
  return onehop::cost::run(count > 1 ? words[1] : "");
}
