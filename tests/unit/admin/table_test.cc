// SPDX-License-Identifier: MIT
#include "onehop/admin/table.h"

#include <sstream>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/admin/running.h"

namespace onehop::admin {
namespace {

using test::Running;

constexpr uint64_t kMs = 1'000'000;

std::string document(const Running& running) {
  return running.get("/stats").body;
}

std::string table_of(const std::string& json, const TableStyle& style = {}) {
  const auto table = stats_table(json, style);
  INFO(json);
  REQUIRE(table.has_value());
  return *table;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// 1,503 requests on one endpoint, three of them failed, over four connections.
void keep_busy(Running& running) {
  telemetry::EndpointShard& shard = running.telemetry.endpoint(0, 0);
  for (int i = 0; i < 1500; ++i) running.exchange(0, 1'240'000);
  for (int i = 0; i < 3; ++i) running.exchange(0, 1'240'000, 5);
  shard.opened.add(0, 4);
  shard.reused.add(1496);
  shard.dial.record(2 * kMs);
  running.telemetry.shard(0).downstream.accepted.add(12);
  running.telemetry.shard(0).downstream.open.add(7);
  running.pass_seconds(10);
}

std::string busy_document() {
  Running running;
  keep_busy(running);
  return document(running);
}

TEST_CASE("the table of one document shows totals, reuse, percentiles and errors") {
  const auto lines = lines_of(table_of(busy_document()));
  REQUIRE(lines.size() == 8);
  CHECK(lines[0] ==
        "ENDPOINT                   REQUESTS   REUSE      P50      P95      P99   ERRORS");
  CHECK(lines[1] ==
        "api/[::1]:80                      0       -        -        -        -        0");
  CHECK(lines[2] ==
        "app/127.0.0.1:9001            1,503   99.7%  1.23 ms  1.23 ms  1.23 ms        3");
  CHECK(lines[4] == "listening https://127.0.0.1:8443");
  CHECK(lines[5] == "clients   12 accepted, 7 open, 1.2 new/s; 1,503 requests");
  CHECK(lines[6] == "pooling   set-ups avoided 1,496, about 2.99 s of connect time");
  CHECK(lines[7] == "latency   of whole exchanges; all since start, 10.0 s ago");
}

TEST_CASE("with an earlier document the table shows requests per second between the two") {
  Running running;
  keep_busy(running);
  const std::string before = document(running);
  for (int i = 0; i < 50; ++i) running.exchange(0, kMs);
  const auto lines =
      lines_of(table_of(document(running), {.previous_json = before, .elapsed_seconds = 2.0}));
  CHECK(lines[0].find("REQ/S") != std::string::npos);
  CHECK(lines[2].find("     25.0   99.7%") != std::string::npos);
  CHECK(lines[5].find("; 25.0 req/s") != std::string::npos);
}

TEST_CASE(
    "an earlier document with larger totals, of a process since restarted, gives no wild rate") {
  const auto lines = lines_of(
      table_of(document(Running()), {.previous_json = busy_document(), .elapsed_seconds = 1.0}));
  CHECK(lines[2].find(" 0.0 ") != std::string::npos);
}

// A document of one endpoint, with the `requests` of it and of the clients.
std::string document_of(const std::string& of_endpoint, const std::string& of_clients) {
  return R"({"downstream":{"requests":)" + of_clients +
         R"(},"upstreams":{"a":{"endpoints":{"b:1":{"requests":)" + of_endpoint + "}}}}}";
}

std::string errors_shown(const std::string& of_endpoint) {
  const std::string line = lines_of(table_of(document_of(of_endpoint, "{}")))[1];
  return line.substr(line.rfind(' ') + 1);
}

TEST_CASE("errors are attempts that failed through the endpoint or the proxy, and answers 5xx") {
  struct Row {
    std::string outcome;
    std::string shown;
  };
  const std::vector<Row> rows = {
      {"ok", "0"},
      {"redirected", "0"},
      {"answered_here", "0"},
      {"client_gone", "0"},
      {"client_stalled", "0"},
      {"request_body_timeout", "0"},
      {"bad_request", "0"},
      {"tunnel_idle_timeout", "0"},
      {"queue_full", "7"},
      {"queue_timeout", "7"},
      {"upstream_incomplete", "7"},
      {"connect_refused", "7"},
      {"tls_failed", "7"},
      {"response_head_timeout", "7"},
      {"local_fault", "7"},
      {"of_a_later_version", "7"},
  };
  for (const Row& row : rows) {
    INFO(row.outcome);
    CHECK(errors_shown(R"({"by_class":{"2xx":7,"none":7},"outcomes":{")" + row.outcome +
                       R"(":7}})") == row.shown);
  }
  CHECK(errors_shown(R"({"by_class":{"4xx":9,"5xx":2},"outcomes":{"ok":11}})") == "2");
  CHECK(errors_shown(R"({"by_class":{"5xx":2},"outcomes":{"ok":2,"queue_full":3,"stopped":1}})") ==
        "6");
}

TEST_CASE("how many requests of clients failed stands below those of clients, if any did") {
  const auto lines = [](const std::string& outcomes) {
    return lines_of(table_of(document_of("{}", R"({"total":1234,"outcomes":)" + outcomes + "}")));
  };
  for (const std::string fine :
       {"{}", R"({"ok":1000,"redirected":100,"answered_here":4,"tunnel_idle_timeout":10,)"
              R"("client_gone":100,"client_stalled":20})"}) {
    INFO(fine);
    CHECK(lines(fine).size() == 5);
    CHECK(lines(fine)[2] == "clients   0 accepted, 0 open, 0.0 new/s; 1,234 requests");
  }
  const auto failed = lines(R"({"ok":1,"queue_full":1000,"no_route":20,"upstream_incomplete":2})");
  REQUIRE(failed.size() == 7);
  CHECK(failed[2] == "clients   0 accepted, 0 open, 0.0 new/s; 1,234 requests");
  CHECK(failed[3] == "failed    1,022 requests, answered with an error by onehop or cut short");
  CHECK(failed[4] == "          1,000 queue_full, 20 no_route, 2 upstream_incomplete");
  CHECK(lines(R"({"stopped":1})")[3] ==
        "failed    1 request, answered with an error by onehop or cut short");
}

TEST_CASE("attempts that failed stand below, by endpoint and outcome, in lines that fit") {
  const auto lines = lines_of(table_of(document_of(
      R"({"outcomes":{"ok":5,"connect_refused":12,"upstream_bad_response":1000,"client_gone":3,)"
      R"("response_head_timeout":7,"upstream_incomplete":2}})",
      "{}")));
  REQUIRE(lines.size() == 7);
  CHECK(lines[3] == "errors    b:1: 1,000 upstream_bad_response, 12 connect_refused,");
  CHECK(lines[4] == "          7 response_head_timeout, 2 upstream_incomplete");
}

TEST_CASE("clients that were given up for memory are a line, with the limit and the peak") {
  const auto lines = [](const std::string& given_up) {
    return lines_of(
        table_of(R"({"memory":{"buffered_limit_bytes":41943040,"buffered_peak_bytes":44145050},)"
                 R"("upstreams":{},"downstream":{"connections":{"stalled_given_up_total":)" +
                 given_up + "}}}"));
  };
  CHECK(lines("0").size() == 4);
  CHECK(lines("1")[2] ==
        "memory    1 client given up: buffers held up to 42.1 MiB of 40.0 MiB allowed");
  CHECK(lines("1200")[2].starts_with("memory    1,200 clients given up: "));
}

TEST_CASE("the table says where it listens and which of that is TLS") {
  const std::string json = R"({"downstream":{},"upstreams":{},"listeners":{)"
                           R"(":80":{"scheme":"http","listens_on":"0.0.0.0:80"},)"
                           R"(":443":{"scheme":"https","listens_on":"0.0.0.0:443","tls":{}}}})";
  CHECK(lines_of(table_of(json))[1] == "listening https://0.0.0.0:443, http://0.0.0.0:80");
}

TEST_CASE("one request is called a request") {
  const std::string json = document_of("{}", R"({"total":1})");
  CHECK(lines_of(table_of(json))[2].ends_with("; 1 request"));
  CHECK(lines_of(table_of(json, {.previous_json = json, .elapsed_seconds = 1}))[2].ends_with(
      "; 0.0 req/s"));
}

TEST_CASE("only a terminal gets colour, and the text is the same without it") {
  const std::string json = busy_document();
  const std::string plain = table_of(json);
  std::string coloured = table_of(json, {.ink = Ink::terminal});
  CHECK(plain.find('\x1b') == std::string::npos);
  CHECK(coloured.find("\x1b[1m") == 0);
  CHECK(coloured.find("\x1b[31m        3\x1b[0m") != std::string::npos);
  for (size_t at = coloured.find('\x1b'); at != std::string::npos; at = coloured.find('\x1b')) {
    coloured.erase(at, coloured.find('m', at) - at + 1);
  }
  CHECK(coloured == plain);
}

TEST_CASE("no line is wider than 80 columns, whatever the numbers and names") {
  const std::string name(70, 'n');
  test::Counted telemetry({{"first", name + ":9001"}, {"second", name + ":9002"}}, {{"queue_full"}},
                          1);
  const telemetry::Windows windows(telemetry.get(), 0);
  telemetry::Shard& shard = telemetry.shard(0);
  constexpr uint64_t kHuge = 987'654'321'987;
  shard.downstream.accepted.add(kHuge);
  shard.downstream.open.add(9'999'999);
  shard.downstream.stalled_given_up.add(kHuge);
  shard.downstream.requests.add(5, kHuge);
  shard.downstream.outcomes.add(0, kHuge);
  for (const size_t place : {0, 1}) {
    telemetry::EndpointShard& endpoint = telemetry.endpoint(place);
    endpoint.requests.add(5, kHuge);
    endpoint.outcomes.add(0, kHuge);
    endpoint.opened.add(0, 1);
    endpoint.reused.add(kHuge);
    endpoint.dial.record(100 * kMs);
    for (auto& histogram : endpoint.exchange) histogram.record(uint64_t{3'599'999'999'999});
  }
  const std::string json =
      answer({"GET", "/stats", ""},
             View{.windows = windows, .version = "0", .now_ns = uint64_t{1} << 62})
          .body;
  for (const std::string& line : lines_of(table_of(json))) {
    INFO(line);
    CHECK(line.size() <= 80);
  }
  CHECK(lines_of(table_of(json))[1].find(":9001 ") != std::string::npos);
}

TEST_CASE("the table says which window its percentiles are of") {
  Running running;
  const std::string table = table_of(running.get("/stats?window=10s").body);
  CHECK(table.find("latency   of whole exchanges in the last 10s; all else since start") !=
        std::string::npos);
}

TEST_CASE("one upstream is not repeated before each address") {
  test::Counted telemetry({{"default", "127.0.0.1:9001"}}, {}, 1);
  const telemetry::Windows windows(telemetry.get(), 0);
  const std::string json =
      answer({"GET", "/stats", ""}, View{.windows = windows, .version = "0"}).body;
  CHECK(lines_of(table_of(json))[1].rfind("127.0.0.1:9001 ", 0) == 0);
}

TEST_CASE("durations are shown with three digits and the unit that fits") {
  struct Row {
    uint64_t us;
    std::string_view shown;
  };
  const Row rows[] = {{0, "0 us"},
                      {999, "999 us"},
                      {1'240, "1.24 ms"},
                      {9'994, "9.99 ms"},
                      {9'996, "10.0 ms"},
                      {124'000, "124 ms"},
                      {999'400, "999 ms"},
                      {999'600, "1.00 s"},
                      {12'340'000, "12.3 s"},
                      {999'900'000, "16.7 min"},
                      {3'600'000'000, "1.00 h"},
                      {172'800'000'000, "2.00 d"}};
  for (const Row& row : rows) {
    const std::string json = R"({"downstream":{},"upstreams":{"a":{"endpoints":{"b":)"
                             R"({"phases":{"total":{"count":1,"p50_us":)" +
                             std::to_string(row.us) + "}}}}}}}";
    const std::string line = lines_of(table_of(json))[1];
    INFO(line);
    CHECK(line.find(" " + std::string(row.shown) + " ") != std::string::npos);
  }
}

TEST_CASE("text that is not a document of stats is an error, never an exception") {
  for (const std::string json : {"", "{", "not json", "[]", "null", "3", "{}",
                                 R"({"downstream":1})", R"({"downstream":{},"upstreams":[]})"}) {
    INFO(json);
    CHECK_FALSE(stats_table(json, {}).has_value());
  }
  const std::string good = document(Running());
  CHECK_FALSE(stats_table(good, {.previous_json = "{", .elapsed_seconds = 1}).has_value());
}

TEST_CASE("a document with parts missing or of another type is shown with zeros") {
  for (const std::string json :
       {R"({"downstream":{},"upstreams":{}})",
        R"({"downstream":{"connections":7},"upstreams":{"a":3}})",
        R"({"downstream":{},"upstreams":{"a":{"endpoints":[1,"x",null,{"phases":[]}]}}})",
        R"({"downstream":{},"upstreams":{"a":{"endpoints":{"b":{"requests":{"total":-1}}}}}})"}) {
    INFO(json);
    CHECK(stats_table(json, {}).has_value());
  }
}

TEST_CASE("control characters of a foreign document do not reach the terminal") {
  const std::string table =
      table_of(R"({"downstream":{},"upstreams":{"a":{"endpoints":{"\u001b[2Jb":{}}}}})");
  CHECK(table.find('\x1b') == std::string::npos);
}

}  // namespace
}  // namespace onehop::admin
