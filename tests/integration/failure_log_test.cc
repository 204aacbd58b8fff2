// SPDX-License-Identifier: MIT
// What failures at an endpoint leave in the log.
#include <algorithm>
#include <regex>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/proxy_chain.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

std::vector<std::string> lines_with(const std::string& log, const std::string& part) {
  std::vector<std::string> found;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(part) != line.npos) found.push_back(line);
  }
  return found;
}

std::string only_line_with(const ProxyProcess& proxy, const std::string& part) {
  CHECK(eventually([&] { return !lines_with(proxy.errors(), part).empty(); }));
  const std::vector<std::string> lines = lines_with(proxy.errors(), part);
  CAPTURE(proxy.errors());
  REQUIRE(lines.size() == 1);
  return lines.front();
}

struct Fault {
  std::string outcome;
  std::string sentence;
  ScriptedOrigin::Script script;
};

ScriptedOrigin::Script says(const std::string& bytes) {
  return [bytes](OriginConnection& connection) {
    connection.must_read_request();
    connection.send(bytes);
    connection.close();
  };
}

TEST_CASE("each way in which an endpoint fails is one line, with the request it was for") {
  const std::vector<Fault> faults = {
      {"upstream_closed", "without a response",
       [](OriginConnection& connection) {
         connection.must_read_request();
         connection.reset();
       }},
      {"upstream_closed", "without a response", says("")},
      {"upstream_bad_response", "malformed", says("HTTP/1.1 2OO OK\r\n\r\n")},
      {"upstream_head_too_large", "larger than its limits",
       says("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n")},
      {"upstream_incomplete", "ended before its end",
       says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")},
      {"response_head_timeout", "did not answer in time",
       [](OriginConnection& connection) {
         connection.must_read_request();
         connection.wait_end();
       }},
  };
  for (const Fault& fault : faults) {
    INFO(fault.outcome);
    ScriptedOrigin origin(fault.script);
    ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                   .upstream_timeouts = "response_head = \"200ms\""});
    Client client = proxy.connect();
    client.send(
        "POST /some/path?secret=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n");
    client.read_rest();
    const std::string line = only_line_with(proxy, ": " + fault.outcome + ": ");
    CHECK(line.find(" warning: upstream app: " + origin.address() + ": ") != line.npos);
    CHECK(line.find(fault.sentence) != line.npos);
    CHECK(line.find("; route /;") != line.npos);
    CHECK(line.find("; POST /some/path") != line.npos);
    CHECK(line.find("secret") == line.npos);
    const Request seen = origin.last();
    CHECK(line.find("; request " + seen.field("x-request-id") + ";") != line.npos);
  }
}

TEST_CASE("over every pair of protocols a cut response is one line, and a good one is none") {
  for_all_legs([](Leg down, Leg up) {
    ProxyChain chain(down, up, [](OriginConnection& connection) {
      while (const std::optional<Request> request = connection.read_request()) {
        if (request->target == "/cut") {
          connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
          connection.close();
          return;
        }
        if (!connection.try_send(ok("done"))) return;
      }
    });
    auto client = chain.client();
    client->ask({});
    CHECK(client->response().status == 200);
    CHECK(lines_with(chain.proxy().errors(), "upstream app").empty());
    client->ask({.path = "/cut"});
    try {
      client->response();
    } catch (const std::exception&) {
    }
    CHECK(eventually([&] { return !lines_with(chain.proxy().errors(), "; GET /cut").empty(); }));
    CHECK(lines_with(chain.proxy().errors(), "; GET /cut").size() == 1);
  });
}

TEST_CASE("an endpoint that refuses leaves a line for the request, and one for the process") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("done")));
  const std::string nobody = unused_address();
  ProxyProcess proxy(ProxyConfig{.endpoints = {nobody, origin.address()},
                                 .server = "workers = 4",
                                 .upstream = "balance = \"round_robin\""});
  for (int i = 0; i < 40; ++i) CHECK(proxy.get("/x").status == 200);
  const auto refused = [&] {
    return lines_with(proxy.errors(), "upstream app: " + nobody + ": connect_refused: ");
  };
  REQUIRE(eventually([&] { return !refused().empty(); }));
  CHECK(refused().front().find("The endpoint refused the connection") != std::string::npos);
  CHECK(refused().front().find("; the request is tried again") != std::string::npos);
  CHECK(lines_with(proxy.errors(), "cannot be reached").size() == 1);
}

// All failures are accounted for: in a line of their own, or in the count of one.
TEST_CASE("a burst of failures is at most ten lines a second, and a count of the others") {
  constexpr int kRequests = 300;
  const std::string nobody = unused_address();
  ProxyProcess proxy(ProxyConfig{.endpoints = {nobody}});
  Client client = proxy.connect();
  for (int i = 0; i < kRequests; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client.read_response().status == 502);
  }
  const std::string kind = nobody + ": connect_refused: ";
  const std::regex more("and ([0-9]+) more in the last");
  const auto accounted = [&] {
    int sum = 0;
    for (const std::string& line : lines_with(proxy.errors(), kind)) {
      std::smatch match;
      sum += std::regex_search(line, match, more) ? std::stoi(match[1]) : 1;
    }
    return sum;
  };
  CHECK(eventually([&] { return accounted() == kRequests; }));
  // By the second of their times.
  std::map<std::string, int> by_second;
  for (const std::string& line : lines_with(proxy.errors(), kind)) ++by_second[line.substr(0, 19)];
  size_t lines = 0;
  for (const auto& [second, count] : by_second) lines += static_cast<size_t>(count);
  CHECK(lines <= 10 * (by_second.size() + 1));
}

TEST_CASE("failures right before a stop are all accounted for") {
  constexpr int kRequests = 40;
  const std::string nobody = unused_address();
  ProxyProcess proxy(ProxyConfig{.endpoints = {nobody}});
  Client client = proxy.connect();
  for (int i = 0; i < kRequests; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client.read_response().status == 502);
  }
  CHECK(proxy.terminate() == 0);
  const std::regex more("and ([0-9]+) more in the last");
  int accounted = 0;
  for (const std::string& line : lines_with(proxy.errors(), nobody + ": connect_refused: ")) {
    std::smatch match;
    accounted += std::regex_search(line, match, more) ? std::stoi(match[1]) : 1;
  }
  CHECK(accounted == kRequests);
}

TEST_CASE("a failure of TLS says what it is once, and its requests do not say it again") {
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    connection.close();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .more = "[upstream.app.tls]\n"});
  CHECK(proxy.get().status == 502);
  CHECK(proxy.get().status == 502);
  REQUIRE(eventually([&] { return lines_with(proxy.errors(), ": tls_failed: ").size() == 2; }));
  CHECK(lines_with(proxy.errors(), "no TLS with").size() == 1);
  for (const std::string& line : lines_with(proxy.errors(), ": tls_failed: ")) {
    INFO(line);
    CHECK(line.find("TLS failed") == std::string::npos);
  }
}

TEST_CASE("times in the log are RFC 3339 with milliseconds and the offset") {
  const std::string nobody = unused_address();
  ProxyProcess proxy(ProxyConfig{.endpoints = {nobody}},
                     {.environment = {{"TZ", "XYZ-05:30"}}, .open_files = 0, .directory = ""});
  CHECK(proxy.get().status == 502);
  const std::string line = only_line_with(proxy, "cannot be reached");
  const std::regex time(
      "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}\\+05:30 warning: .*");
  CHECK(std::regex_match(line, time));
}

}  // namespace
}  // namespace onehop::test
