// SPDX-License-Identifier: MIT
// The access log of the program: a line for each request, whatever becomes of it and of its file.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "onehop/telemetry/phase.h"
#include "tests/support/any_client.h"
#include "tests/support/catch.h"
#include "tests/support/certificates.h"
#include "tests/support/gate.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"
#include "tests/support/tls_peer.h"

namespace onehop::test {
namespace {

using nlohmann::json;
using Lines = std::vector<std::string>;

Lines lines_in(const std::string& path) {
  std::ifstream file(path);
  Lines lines;
  for (std::string line; std::getline(file, line) && !file.eof();) lines.push_back(line);
  return lines;
}

// A folder with a log in it that is not there yet.
struct Log {
  Log() : beside("note", ""), path(beside.folder() + "/access.log") {}
  ~Log() {
    std::remove(path.c_str());
    std::remove(moved().c_str());
  }
  std::string moved() const { return path + ".1"; }
  std::string table(const std::string& more = "") const {
    return "[log.access]\nfile = \"" + path + "\"\n" + more + "\n";
  }
  // Waits until there are so many lines.
  Lines wait(size_t count) const {
    CHECK(eventually([&] { return lines_in(path).size() >= count; }));
    return lines_in(path);
  }
  json wait_one() const {
    const Lines lines = wait(1);
    REQUIRE(lines.size() == 1);
    return json::parse(lines.front());
  }

  TemporaryFile beside;
  std::string path;
};

int64_t metric(const ProxyProcess& proxy, const std::string& name) {
  const std::string text = proxy.metrics();
  const size_t at = text.find("\n" + name + " ");
  return at == text.npos ? -1 : std::stoll(text.substr(at + name.size() + 2));
}

uint64_t sum_of_phases(const json& line) {
  uint64_t sum = 0;
  for (const std::string_view name : telemetry::kPhaseNames)
    sum += line.at(std::string(name) + "_us").get<uint64_t>();
  return sum;
}

TEST_CASE("a request leaves a line of JSON with what it was and where its time went") {
  const Log log;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .more = log.table()});
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  Client client = proxy.connect();
  client.send(
      "POST /a/b?q=1 HTTP/1.1\r\nHost: example.org\r\nContent-Length: 3\r\nX-Request-Id: one\r\n"
      "User-Agent: test/1\r\nReferer: http://r/\r\n"
      "traceparent: 00-" +
      trace + "-00f067aa0ba902b7-01\r\n\r\nabc");
  REQUIRE(client.read_response().status == 200);
  const json line = log.wait_one();
  CHECK(line.at("client") == "127.0.0.1");
  CHECK(line.at("peer").is_null());
  CHECK(line.at("method") == "POST");
  CHECK(line.at("host") == "example.org");
  CHECK(line.at("path") == "/a/b");
  CHECK(line.at("query") == "q=1");
  CHECK(line.at("protocol") == "HTTP/1.1");
  CHECK(line.at("status") == 200);
  CHECK(line.at("request_bytes") == 3);
  CHECK(line.at("response_bytes") == 5);
  CHECK(line.at("route") == "/");
  CHECK(line.at("upstream") == "app");
  CHECK(line.at("endpoint") == origin.address());
  CHECK(line.at("attempts").size() == 1);
  CHECK(line.at("attempts").at(0).at("outcome") == "ok");
  CHECK(line.at("outcome") == "ok");
  CHECK(line.at("reused") == false);
  CHECK(line.at("request_id") == "one");
  CHECK(line.at("tls_version").is_null());
  CHECK(line.at("trace_id") == trace);
  CHECK(line.at("referer") == "http://r/");
  CHECK(line.at("user_agent") == "test/1");
  CHECK(line.at("cut").empty());
  // Each is cut down to whole microseconds.
  const auto total = line.at("total_us").get<uint64_t>();
  CHECK(sum_of_phases(line) <= total);
  CHECK(sum_of_phases(line) + telemetry::kPhaseCount >= total);
  CHECK(origin.last().field("traceparent").find(trace) != std::string::npos);
  CHECK(metric(proxy, "onehop_access_log_written_total") == 1);
  CHECK(metric(proxy, "onehop_access_log_dropped_total") == 0);
  CHECK(metric(proxy, "onehop_access_log_failed_total") == 0);
}

TEST_CASE("a reused connection is said to be one, and has an age") {
  const Log log;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .more = log.table()});
  for (int i = 0; i < 2; ++i) CHECK(proxy.get().status == 200);
  const Lines lines = log.wait(2);
  REQUIRE(lines.size() == 2);
  CHECK(json::parse(lines[0]).at("reused") == false);
  CHECK(json::parse(lines[1]).at("reused") == true);
  CHECK(json::parse(lines[1]).at("connect_us") == 0);
  CHECK(json::parse(lines[1]).at("connection_age_ms").is_number());
}

TEST_CASE("an attempt that gave way to another one is in the line") {
  const Log log;
  const std::string dead = unused_address();
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {dead, origin.address()}, .more = log.table()});
  CHECK(proxy.get().status == 200);
  const json line = log.wait_one();
  REQUIRE(line.at("attempts").size() == 2);
  CHECK(line.at("attempts").at(0).at("endpoint") == dead);
  CHECK(line.at("attempts").at(0).at("outcome") == "connect_refused");
  CHECK(line.at("attempts").at(1).at("outcome") == "ok");
  CHECK(line.at("endpoint") == origin.address());
  CHECK(line.at("outcome") == "ok");
}

TEST_CASE("a client that leaves in the middle has a line with its outcome and status 0") {
  const Log log;
  ScriptedOrigin origin([](OriginConnection& connection) {
    connection.must_read_request();
    connection.wait_end();
  });
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .more = log.table()});
  {
    Client client = proxy.connect();
    client.send("GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(eventually([&] { return origin.requests() == 1; }));
    client.reset();
  }
  const json line = log.wait_one();
  CHECK(line.at("path") == "/gone");
  CHECK(line.at("status") == 0);
  CHECK(line.at("outcome") == "client_gone");
  CHECK(line.at("attempts").at(0).at("outcome") == "client_gone");
}

TEST_CASE("what onehop answers itself has a line, a request that is malformed too") {
  const Log log;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .routes = "[[route]]\npath = \"/only\"\nupstream = \"app\"\n",
                                 .more = log.table()});
  const Response refused = proxy.get("/else");
  CHECK(refused.status == 404);
  CHECK(proxy.exchange("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n").status == 400);
  const Lines lines = log.wait(2);
  REQUIRE(lines.size() == 2);
  const json not_found = json::parse(lines[0]);
  CHECK(not_found.at("outcome") == "no_route");
  CHECK(not_found.at("status") == 404);
  CHECK(not_found.at("response_bytes") == refused.body.size());
  CHECK(not_found.at("endpoint").is_null());
  CHECK(json::parse(lines[1]).at("status") == 400);
}

TEST_CASE("the line of a HEAD counts no bytes of a body, and that of chunks those of their data") {
  const Log log;
  ScriptedOrigin origin(ScriptedOrigin::answering([](const Request& request) {
    return request.method == "HEAD" ? std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
                                    : std::string(
                                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                          "4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n");
  }));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .more = log.table()});
  CHECK(proxy.exchange("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD").status == 200);
  CHECK(proxy.get().body == "abcdefg");
  const Lines lines = log.wait(2);
  REQUIRE(lines.size() == 2);
  CHECK(json::parse(lines[0]).at("response_bytes") == 0);
  CHECK(json::parse(lines[1]).at("response_bytes") == 7);
}

TEST_CASE("over TLS a line has its version and whether a session was resumed, over HTTP/2 that") {
  const Log log;
  Certificates made;
  const CertificateFiles files = made.leaf();
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .more = "[listener.tls]\ncertificates = [{ cert = \"" +
                                         files.cert + "\", key = \"" + files.key + "\" }]\n" +
                                         log.table()});
  TlsSession session;
  for (int i = 0; i < 2; ++i) {
    TlsTunnel tunnel(proxy.address(), {.ca = made.authority(), .session = session});
    Peer peer = tunnel.take_peer();
    peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(peer.read_response().status == 200);
    session = tunnel.session();
  }
  {
    const auto client = connect_any({Speaks::h2, Tls::on}, proxy.address(), made.authority());
    client->ask({.path = "/h2"});
    client->finish();
    CHECK(client->response().status == 200);
  }
  const Lines lines = log.wait(3);
  REQUIRE(lines.size() == 3);
  CHECK(json::parse(lines[0]).at("tls_version") == "TLSv1.3");
  CHECK(json::parse(lines[0]).at("tls_resumed") == false);
  CHECK(json::parse(lines[1]).at("tls_resumed") == true);
  const json h2 = json::parse(lines[2]);
  CHECK(h2.at("protocol") == "HTTP/2.0");
  CHECK(h2.at("path") == "/h2");
  CHECK(h2.at("method") == "GET");
  CHECK(h2.at("response_bytes") == 5);
}

TEST_CASE("behind a trusted peer the client is the one that it names") {
  const Log log;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .server = "trusted_proxies = [\"127.0.0.1\"]",
                                 .more = log.table()});
  proxy.exchange("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n");
  const json line = log.wait_one();
  CHECK(line.at("client") == "192.0.2.7");
  CHECK(line.at("peer") == "127.0.0.1");
}

TEST_CASE("every request of many on many connections has one line of its own") {
  constexpr size_t kClients = 8;
  constexpr size_t kRequests = 50;
  const Log log;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .server = "", .more = log.table()});
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kClients; ++i) {
    threads.emplace_back([&, i] {
      Client client = proxy.connect();
      for (size_t n = 0; n < kRequests; ++n) {
        client.send("GET /" + std::to_string(i) + "/" + std::to_string(n) +
                    " HTTP/1.1\r\nHost: a\r\n\r\n");
        client.read_response();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> paths;
  for (const std::string& line : log.wait(kClients * kRequests))
    paths.insert(json::parse(line).at("path").get<std::string>());
  CHECK(paths.size() == kClients * kRequests);
  CHECK(lines_in(log.path).size() == kClients * kRequests);
}

TEST_CASE("lines that wait are written at a stop") {
  const Log log;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .more = log.table()});
  CHECK(proxy.get("/last").status == 200);
  CHECK(proxy.terminate() == 0);
  const Lines lines = lines_in(log.path);
  REQUIRE(lines.size() == 1);
  CHECK(json::parse(lines[0]).at("path") == "/last");
}

TEST_CASE("SIGUSR1 makes a new file where the old one was renamed") {
  const Log log;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .more = log.table("format = '{path}'")});
  CHECK(proxy.get("/before").status == 200);
  CHECK(log.wait(1) == Lines{"/before"});
  REQUIRE(std::rename(log.path.c_str(), log.moved().c_str()) == 0);
  proxy.signal(SIGUSR1);
  CHECK(eventually([&] { return ::access(log.path.c_str(), F_OK) == 0; }));
  CHECK(proxy.get("/behind").status == 200);
  CHECK(log.wait(1) == Lines{"/behind"});
  CHECK(lines_in(log.moved()) == Lines{"/before"});
  CHECK(proxy.errors().find("SIGUSR1: the access log is opened again") != std::string::npos);
}

TEST_CASE("a log file that was deleted is there again without a word") {
  const Log log;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .more = log.table("format = '{path}'")});
  CHECK(proxy.get("/before").status == 200);
  CHECK(log.wait(1) == Lines{"/before"});
  REQUIRE(std::remove(log.path.c_str()) == 0);
  CHECK(eventually([&] { return ::access(log.path.c_str(), F_OK) == 0; }));
  CHECK(proxy.get("/behind").status == 200);
  CHECK(log.wait(1) == Lines{"/behind"});
}

TEST_CASE("a full disk loses lines, which are counted and said, and no request") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .more = "[log.access]\nfile = \"/dev/full\"\n"});
  for (int i = 0; i < 3; ++i) CHECK(proxy.get().body == "hello");
  CHECK(eventually([&] { return metric(proxy, "onehop_access_log_failed_total") == 3; }));
  CHECK(metric(proxy, "onehop_access_log_written_total") == 0);
  CHECK(eventually(
      [&] { return proxy.errors().find("lost: No space left on device") != std::string::npos; }));
}

TEST_CASE("a pipe whose reader has gone loses lines and no request, and the stop is clean") {
  const Log log;
  REQUIRE(::mkfifo(log.path.c_str(), 0600) == 0);
  const int reader = ::open(log.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}, .more = log.table()});
  CHECK(proxy.get().body == "hello");
  CHECK(eventually([&] { return metric(proxy, "onehop_access_log_written_total") == 1; }));
  ::close(reader);
  CHECK(proxy.get().body == "hello");
  CHECK(eventually([&] { return metric(proxy, "onehop_access_log_failed_total") == 1; }));
  CHECK(proxy.terminate() == 0);
}

TEST_CASE("while nobody reads the pipe of the log, a reload to a file is obeyed all the same") {
  const Log pipe;
  const Log log;
  REQUIRE(::mkfifo(pipe.path.c_str(), 0600) == 0);
  const int reader = ::open(pipe.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  const ProxyConfig stuck{.endpoints = {origin.address()}, .more = pipe.table()};
  ProxyProcess proxy(stuck);
  const std::string target = "/" + std::string(2000, 'x');
  for (int i = 0; i < 60; ++i) CHECK(proxy.get(target).status == 200);  // the pipe takes 64 KiB
  ProxyConfig to_file = stuck;
  to_file.more = log.table("format = '{path}'");
  REQUIRE(proxy.reload(to_file));
  CHECK(proxy.get("/new").status == 200);
  CHECK(log.wait(1) == Lines{"/new"});
  CHECK(metric(proxy, "onehop_access_log_failed_total") > 0);
  CHECK(proxy.terminate() == 0);
  ::close(reader);
}

TEST_CASE("without [log.access] no file is opened and SIGUSR1 is ignored") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()}});
  CHECK(proxy.get().body == "hello");
  proxy.signal(SIGUSR1);
  CHECK(eventually([&] {
    return proxy.errors().find("SIGUSR1 is ignored: there is no log file") != std::string::npos;
  }));
  CHECK(metric(proxy, "onehop_access_log_written_total") == 0);
}

TEST_CASE("a file that cannot be opened ends the start with its reason") {
  const TemporaryFile file(
      "onehop.toml",
      ProxyConfig{.endpoints = {"127.0.0.1:1"}, .more = "[log.access]\nfile = \"/nowhere/a.log\"\n"}
          .toml());
  const Finished ended = run_program({ProxyProcess::binary(), "run", file.path()});
  CHECK(ended.code == 1);
  CHECK(ended.errors.find("log.access.file: /nowhere/a.log cannot be opened: No such file or "
                          "directory") != std::string::npos);
}

TEST_CASE("nothing that a client sends makes a line of its own") {
  const std::string format = GENERATE(std::string("json"), std::string("combined"),
                                      std::string("{method} {path} \\\"{user_agent}\\\""));
  const Log log;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                 .listener = "targets = \"lenient\"",
                                 .more = log.table("format = \"" + format + "\"")});
  const std::string quotes = R"(" 200 0 \" ","status":1)";
  proxy.exchange("GET /\"%0A\xff\xc3\xbc\\ HTTP/1.1\r\nHost: a\r\nUser-Agent: " + quotes +
                 "\xff\x80\tend\r\nReferer: \\" + quotes + "\r\n\r\n");
  proxy.exchange("GET /\xff\xc3\xbc HTTP/1.1\r\nHost: a\r\nUser-Agent: " + quotes +
                 "\xff\x80\tend\r\nReferer: \\" + quotes + "\r\n\r\n");
  const auto client = connect_any({Speaks::h2, Tls::off}, proxy.address(), "");
  client->ask({.path = "/h2?\"", .fields = {{"user-agent", quotes + "\xfe"}}});
  client->finish();
  client->response();
  const Lines lines = log.wait(3);
  CHECK(lines.size() == 3);
  for (const std::string& line : lines) {
    INFO(line);
    for (const char c : line) CHECK((static_cast<unsigned char>(c) >= ' ' && c != 0x7f));
    if (format == "json") {
      CHECK(json::parse(line).at("status") != 1);
    } else {
      CHECK(std::count(line.begin(), line.end(), '"') == (format == "combined" ? 6 : 2));
    }
  }
}

TEST_CASE("filters by status, time and share leave the others out") {
  const Log log;
  ScriptedOrigin origin(ScriptedOrigin::answering([](const Request& request) {
    return request.target == "/bad" ? std::string("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
                                    : ok("hello");
  }));
  ProxyProcess proxy(ProxyConfig{
      .endpoints = {origin.address()},
      .more = log.table("status = [\"5xx\"]\nslower_than = \"1h\"\nformat = '{path}'")});
  for (const char* path : {"/fine", "/bad", "/fine"}) proxy.get(path);
  CHECK(proxy.terminate() == 0);
  CHECK(lines_in(log.path) == Lines{"/bad"});
}

TEST_CASE("a reload changes the format for requests that begin then, and not for older ones") {
  const Log log;
  Gate gate;
  ScriptedOrigin origin([&gate](OriginConnection& connection) {
    while (const auto request = connection.read_request()) {
      if (request->target == "/slow") gate.wait();
      connection.send(ok("hello"));
    }
  });
  const auto config = [&](const std::string& format) {
    return ProxyConfig{.endpoints = {origin.address()},
                       .more = log.table("format = '" + format + "'")};
  };
  ProxyProcess proxy(config("old {path}"));
  Client slow = proxy.connect();
  slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return origin.requests() == 1; }));
  REQUIRE(proxy.reload(config("new {path}")));
  CHECK(proxy.get("/next").status == 200);
  CHECK(log.wait(1) == Lines{"new /next"});
  gate.open();
  CHECK(slow.read_response().status == 200);
  CHECK(log.wait(2) == Lines{"new /next", "old /slow"});
}

TEST_CASE("a reload can begin and end the access log, and one to a bad file is refused") {
  const Log log;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  const ProxyConfig without{.endpoints = {origin.address()}};
  ProxyConfig with = without;
  with.more = log.table("format = '{path}'");
  ProxyConfig bad = without;
  bad.more = "[log.access]\nfile = \"/nowhere/a.log\"\n";
  ProxyProcess proxy(without);
  CHECK(proxy.get("/0").status == 200);
  REQUIRE(proxy.reload(with));
  CHECK(proxy.get("/1").status == 200);
  CHECK_FALSE(proxy.reload(bad));
  CHECK(proxy.get("/2").status == 200);
  CHECK(log.wait(2) == Lines{"/1", "/2"});
  REQUIRE(proxy.reload(without));
  CHECK(proxy.get("/3").status == 200);
  CHECK(proxy.terminate() == 0);
  CHECK(lines_in(log.path) == Lines{"/1", "/2"});
}

TEST_CASE("reloads from file to file under load: each request has one line, in one of the two") {
  const Log one;
  const Log other;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  const auto config = [&](const Log& log, const std::string& name) {
    return ProxyConfig{.endpoints = {origin.address()},
                       .more = log.table("format = '" + name + " {path}'")};
  };
  ProxyProcess proxy(config(one, "one"));
  std::atomic<bool> ended = false;
  std::atomic<size_t> asked = 0;
  std::vector<std::thread> clients;
  for (const std::string name : {"/a", "/b"}) {
    clients.emplace_back([&, name] {
      Client client = proxy.connect();
      for (size_t n = 0; !ended; ++n) {
        client.send("GET " + name + std::to_string(n) + " HTTP/1.1\r\nHost: a\r\n\r\n");
        if (client.read_response().status == 200) ++asked;
      }
    });
  }
  for (int i = 0; i < 6; ++i) {
    CHECK(proxy.reload(i % 2 == 0 ? config(other, "other") : config(one, "one")));
    CHECK(proxy.get("/c" + std::to_string(i)).status == 200);
    ++asked;
  }
  ended = true;
  for (std::thread& client : clients) client.join();
  CHECK(proxy.terminate() == 0);
  std::set<std::string> paths;
  size_t count = 0;
  for (const Log* log : {&one, &other}) {
    const std::string name = log == &one ? "one " : "other ";
    const Lines lines = lines_in(log->path);
    CHECK(lines.size() >= 3);
    count += lines.size();
    for (const std::string& line : lines) {
      CHECK(line.starts_with(name));
      paths.insert(line.substr(name.size()));
    }
  }
  CHECK(count == asked);
  CHECK(paths.size() == asked);
}

TEST_CASE("a reload changes the filters and the query for requests that begin then") {
  const Log log;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  const auto config = [&](const std::string& keys) {
    return ProxyConfig{.endpoints = {origin.address()},
                       .more = log.table("format = '{path} {query}'\n" + keys)};
  };
  ProxyProcess proxy(config("status = [\"5xx\"]"));
  CHECK(proxy.get("/left-out").status == 200);
  REQUIRE(proxy.reload(config("status = [\"2xx\"]")));
  CHECK(proxy.get("/in?q=1").status == 200);
  REQUIRE(proxy.reload(config("query = false")));
  CHECK(proxy.get("/short?q=1").status == 200);
  CHECK(proxy.terminate() == 0);
  CHECK(lines_in(log.path) == Lines{"/in q=1", "/short -"});
}

TEST_CASE("onehop proxy --access-log - writes JSON lines to standard output") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  ProxyProcess proxy(std::vector<std::string>{"proxy", "--listen", "127.0.0.1:0", "--admin",
                                              "127.0.0.1:0", "--to", origin.address(),
                                              "--access-log", "-"});
  CHECK(proxy.get("/seen").status == 200);
  CHECK(eventually([&] { return proxy.output().find(R"("path":"/seen")") != std::string::npos; }));
  proxy.signal(SIGUSR1);
  CHECK(eventually([&] {
    return proxy.errors().find("SIGUSR1 is ignored: there is no log file") != std::string::npos;
  }));
}

TEST_CASE("the format of --access-log can be chosen, and is refused without it") {
  const Log log;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("hello")));
  {
    ProxyProcess proxy(std::vector<std::string>{
        "proxy", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--to", origin.address(),
        "--access-log", log.path, "--access-log-format", "combined"});
    CHECK(proxy.get("/seen").status == 200);
    const Lines lines = log.wait(1);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].starts_with("127.0.0.1 - - ["));
    CHECK(lines[0].find("\"GET /seen HTTP/1.1\" 200 5 \"-\" \"-\"") != std::string::npos);
  }
  const Finished alone = run_program({ProxyProcess::binary(), "proxy", "--listen", "127.0.0.1:0",
                                      "--to", "127.0.0.1:1", "--access-log-format", "json"});
  CHECK(alone.code == 2);
  CHECK(alone.errors.find("--access-log-format: only with --access-log") != std::string::npos);
  const Finished wrong =
      run_program({ProxyProcess::binary(), "proxy", "--listen", "127.0.0.1:0", "--to",
                   "127.0.0.1:1", "--access-log", "-", "--access-log-format", "{pth}"});
  CHECK(wrong.code == 2);
  CHECK(wrong.errors.find("did you mean `{path}`?") != std::string::npos);
}

}  // namespace
}  // namespace onehop::test
