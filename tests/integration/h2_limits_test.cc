// SPDX-License-Identifier: MIT
// A head gets the same verdict whether HTTP/1.1 or HTTP/2 carries it, at each limit and one beyond.
#include <functional>

#include "tests/support/catch.h"
#include "tests/support/h2_origin.h"
#include "tests/support/proxy_process.h"

namespace onehop::test {
namespace {

constexpr size_t kLine = 300;
constexpr size_t kHead = 2048;
constexpr size_t kFields = 20;
constexpr char kLimits[] =
    "request_line = \"300B\"\nrequest_head = \"2KiB\"\nhead_fields = 20\nresponse_head = \"1KiB\"";

// The same request as HTTP/1.1 has it.
std::string as_h1(const H2Fields& fields) {
  std::string method, path, authority, rest, cookie;
  for (const auto& [name, value] : fields) {
    if (name == ":method") method = value;
    if (name == ":path") path = value;
    if (name == ":authority") authority = value;
    if (name == "cookie") cookie += (cookie.empty() ? "" : "; ") + value;
    if (name[0] != ':' && name != "cookie" && name != "host")
      rest.append(name + ": " + value + "\r\n");
  }
  if (!cookie.empty()) rest += "cookie: " + cookie + "\r\n";
  return method + " " + path + " HTTP/1.1\r\nHost: " + authority + "\r\n" + rest + "\r\n";
}

H2Fields crumbs(size_t count, size_t size) {
  H2Fields fields;
  for (size_t i = 0; i < count; ++i) fields.emplace_back("cookie", std::string(size, 'c'));
  return fields;
}

H2Fields many(size_t count) {
  H2Fields fields;
  for (size_t i = 0; i < count; ++i) fields.emplace_back("x-" + std::to_string(i), "1");
  return fields;
}

// With a last field so that all of it has `size` bytes in HTTP/1.1.
H2Fields of_size(size_t size, H2Fields more) {
  more.emplace_back("x-fill", "");
  const size_t so_far = as_h1(h2_request("GET", "/", more)).size();
  more.back().second.assign(size - so_far, 'f');
  return h2_request("GET", "/", more);
}

H2Fields of_line(size_t size, const std::string& method) {
  const size_t path = size - (method + " /" + " HTTP/1.1").size();
  return h2_request(method, "/" + std::string(path, 'p'));
}

struct Row {
  std::string name;
  H2Fields fields;
  int status;
};

std::vector<Row> rows() {
  H2Fields with_host = many(kFields - 1);
  with_host.emplace_back("host", "a");
  H2Fields with_cookie = many(kFields - 2);
  for (const auto& crumb : crumbs(180, 3)) with_cookie.push_back(crumb);
  H2Fields one_too_many = with_cookie;
  one_too_many.emplace_back("x-more", "1");
  return {
      {"a line at the limit", of_line(kLine, "GET"), 200},
      {"a line beyond it", of_line(kLine + 1, "GET"), 414},
      {"a line of a longer method at the limit", of_line(kLine, "OPTIONS"), 200},
      {"a line of a longer method beyond it", of_line(kLine + 1, "OPTIONS"), 414},
      {"a line beyond the limit of the whole head", of_line(kHead + 100, "GET"), 414},
      {"bytes at the limit", of_size(kHead, {}), 200},
      {"bytes beyond it", of_size(kHead + 1, {}), 431},
      {"bytes at the limit, many fields", of_size(kHead, many(15)), 200},
      {"bytes beyond it, many fields", of_size(kHead + 1, many(15)), 431},
      {"bytes at the limit, many crumbs", of_size(kHead, crumbs(180, 8)), 200},
      {"bytes beyond it, many crumbs", of_size(kHead + 1, crumbs(180, 8)), 431},
      {"bytes at the limit, a crumb alone", of_size(kHead, crumbs(1, 500)), 200},
      {"bytes beyond it, a crumb alone", of_size(kHead + 1, crumbs(1, 500)), 431},
      {"fields at the limit", h2_request("GET", "/", many(kFields - 1)), 200},
      {"fields beyond it", h2_request("GET", "/", many(kFields)), 431},
      {"fields at the limit, a Host twice over", h2_request("GET", "/", with_host), 200},
      {"fields at the limit, a cookie of 180 crumbs", h2_request("GET", "/", with_cookie), 200},
      {"fields beyond it, a cookie of 180 crumbs", h2_request("GET", "/", one_too_many), 431},
  };
}

TEST_CASE("a request at a limit passes and one beyond it does not, whatever carries it") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy({.endpoints = {origin.address()}, .limits = kLimits});
  for (const Row& row : rows()) {
    CAPTURE(row.name, as_h1(row.fields).size());
    CHECK(proxy.exchange(as_h1(row.fields)).status == row.status);
    H2Peer client = H2Peer::connect(proxy.address());
    CHECK(client.response(client.request(row.fields)).status == row.status);
    CHECK(client.response(client.request(h2_request())).status == 200);
  }
}

TEST_CASE("180 crumbs of a cookie pass, and are one field for the origin") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  H2Peer client = H2Peer::connect(proxy.address());
  H2Fields fields = h2_request("GET", "/", crumbs(180, 20));
  CHECK(client.response(client.request(fields)).status == 200);
  CHECK(origin.last().fields.count("Cookie") == 1);
  CHECK(origin.last().field("Cookie").size() == 180 * 20 + 179 * 2);
  // A few more, and no limit of numbers stands in the way.
  fields = h2_request("GET", "/", crumbs(800, 1));
  CHECK(client.response(client.request(fields)).status == 200);
  CHECK(origin.last().field("Cookie").size() == 800 + 799 * 2);
}

TEST_CASE("no head within the limits is larger than the list size that is announced") {
  constexpr uint16_t kMaxHeaderListSize = 6;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy({.endpoints = {origin.address()}, .limits = kLimits});
  H2Peer client = H2Peer::connect(proxy.address());
  REQUIRE(client.answers());
  size_t announced = SIZE_MAX;
  for (const H2Frame& frame : client.control()) {
    if (frame.type != H2Type::settings || (frame.flags & kAck) != 0) continue;
    for (size_t at = 0; at + 6 <= frame.payload.size(); at += 6) {
      const auto byte = [&](size_t i) { return static_cast<uint8_t>(frame.payload[at + i]); };
      if ((byte(0) << 8 | byte(1)) != kMaxHeaderListSize) continue;
      announced = size_t{byte(2)} << 24 | byte(3) << 16 | byte(4) << 8 | byte(5);
    }
  }
  std::vector<Row> all = rows();
  // The most of them for their bytes.
  all.push_back({"crumbs of no bytes", h2_request("GET", "/", crumbs(1000, 0)), 200});
  for (const Row& row : all) {
    if (row.status != 200) continue;
    CAPTURE(row.name);
    size_t size = 0;
    for (const auto& [name, value] : row.fields) size += name.size() + value.size() + 32;
    CHECK(size <= announced);
    CHECK(client.response(client.request(row.fields)).status == 200);
  }
}

TEST_CASE("a head of hundreds of kilobytes passes where the limit says so, in many frames") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  ProxyProcess proxy({.endpoints = {origin.address()}, .limits = "request_head = \"512KiB\""});
  H2Peer client = H2Peer::connect(proxy.address());
  const H2Fields fields = h2_request("GET", "/", crumbs(20, 20'000));
  std::string block = h2_block(fields);
  constexpr size_t kFrame = 16'384;
  client.send({H2Type::headers, kEndStream, 1, block.substr(0, kFrame)});
  for (block.erase(0, kFrame); !block.empty(); block.erase(0, kFrame)) {
    const uint8_t flags = block.size() <= kFrame ? kEndHeaders : 0;
    client.send({H2Type::continuation, flags, 1, block.substr(0, kFrame)});
  }
  CHECK(client.response(1).status == 200);
  CHECK(origin.last().field("Cookie").size() == 20 * 20'000 + 19 * 2);
}

TEST_CASE(
    "trailers of a request at a limit pass and those beyond it do not, whatever carries them") {
  // A request whose trailers are refused may have begun there, and never ends.
  ScriptedOrigin origin([](OriginConnection& connection) {
    try {
      while (connection.read_request()) connection.send(ok("done"));
    } catch (const PeerError&) {
      return;
    }
  });
  ProxyProcess proxy({.endpoints = {origin.address()}, .limits = kLimits});
  const size_t around = std::string("x: \r\n\r\n").size();
  const std::vector<std::pair<H2Fields, int>> trailers = {
      {{{"x", std::string(kHead - around, 't')}}, 200},
      {{{"x", std::string(kHead - around + 1, 't')}}, 431},
      {many(kFields), 200},
      {many(kFields + 1), 431},
  };
  for (const auto& [fields, status] : trailers) {
    CAPTURE(fields.size(), status);
    std::string text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    for (const auto& [name, value] : fields) text.append(name + ": " + value + "\r\n");
    CHECK(proxy.exchange(text + "\r\n").status == status);
    H2Peer client = H2Peer::connect(proxy.address());
    const int32_t id = client.request(h2_request("POST"), H2Ends::no);
    client.send(h2_headers(id, fields, kEndHeaders | kEndStream));
    CHECK(client.response(id).status == status);
    CHECK(client.response(client.request(h2_request())).status == 200);
  }
}

TEST_CASE("a response at a limit passes and one beyond it is a 502, whatever carries it") {
  constexpr size_t kResponse = 1024;
  const size_t around =
      std::string("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nx: \r\n\r\n").size();
  std::vector<std::pair<H2Fields, int>> heads = {
      {{{"x", std::string(kResponse - around, 'r')}}, 404},
      {{{"x", std::string(kResponse - around + 1, 'r')}}, 502},
      {many(kFields - 1), 404},
      {many(kFields), 502},
  };
  size_t next = 0;
  ScriptedOrigin h1(ScriptedOrigin::answering([&](const Request&) {
    std::string text = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n";
    for (const auto& [name, value] : heads[next].first) text.append(name + ": " + value + "\r\n");
    return text + "\r\n";
  }));
  ScriptedOrigin h2(h2_script([&](H2Peer& peer, int32_t id) {
    H2Fields fields = {{":status", "404"}, {"content-length", "0"}};
    fields.insert(fields.end(), heads[next].first.begin(), heads[next].first.end());
    peer.send(h2_headers(id, fields, kEndHeaders | kEndStream));
  }));
  ProxyProcess to_h1({.endpoints = {h1.address()}, .limits = kLimits});
  ProxyProcess to_h2(
      {.endpoints = {h2.address()}, .limits = kLimits, .upstream = "protocol = \"h2\""});
  for (; next < heads.size(); ++next) {
    CAPTURE(next);
    CHECK(to_h1.get().status == heads[next].second);
    CHECK(to_h2.get().status == heads[next].second);
  }
}

}  // namespace
}  // namespace onehop::test
