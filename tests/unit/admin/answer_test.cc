// SPDX-License-Identifier: MIT
#include "onehop/admin/answer.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "admin/documents.h"
#include "tests/support/catch.h"
#include "tests/support/source_tree.h"
#include "tests/unit/admin/running.h"
#include "tests/unit/telemetry/exposition_checker.h"

namespace onehop::admin {
namespace {

using telemetry::Exposition;
using test::Running;

TEST_CASE("the process is healthy, and ready until it drains") {
  Running running;
  CHECK(running.get("/healthz").status == 200);
  CHECK(running.get("/healthz").body == "ok\n");
  CHECK(running.get("/readyz").status == 200);
  CHECK(running.get("/readyz").body == "ready\n");
  running.readiness = Readiness::draining;
  CHECK(running.get("/healthz").status == 200);
  CHECK(running.get("/readyz").status == 503);
  CHECK(running.get("/readyz").body == "draining\n");
}

TEST_CASE("the root lists every path") {
  const Reply reply = Running().get("/");
  CHECK(reply.status == 200);
  CHECK(reply.content_type == "text/plain; charset=utf-8");
  for (const std::string path : {"/healthz", "/readyz", "/stats", "/metrics", "/config"}) {
    INFO(path);
    CHECK(reply.body.find(path) != std::string::npos);
    CHECK(Running().get(path).status == 200);
  }
}

TEST_CASE("an unknown path is 404 whatever the method") {
  const Running running;
  for (const std::string_view target : {"/stat", "/stats/", "/Stats", "", "*", "//", "/?/stats"}) {
    INFO(target);
    CHECK(running.get(target).status == (target == "/?/stats" ? 400 : 404));
  }
  CHECK(answer({"POST", "/nothing", ""}, running.view()).status == 404);
}

TEST_CASE("a method other than GET and HEAD is 405 with Allow") {
  const Running running;
  for (const std::string_view method : {"POST", "DELETE", "OPTIONS", "get"}) {
    for (const std::string_view path : {"/", "/healthz", "/stats", "/metrics", "/config"}) {
      const Reply reply = answer({method, path, ""}, running.view());
      CHECK(reply.status == 405);
      CHECK(reply.allow == "GET, HEAD");
    }
  }
  CHECK(running.get("/stats").allow.empty());
}

TEST_CASE("HEAD gets the reply of GET") {
  const Running running;
  const Reply head = answer({"HEAD", "/stats?window=1m", ""}, running.view());
  const Reply get = running.get("/stats?window=1m");
  CHECK(head.status == 200);
  CHECK(head.body == get.body);
  CHECK(head.content_type == get.content_type);
}

TEST_CASE("a window that does not exist is 400 and the answer lists those that do") {
  const Running running;
  for (const std::string_view target :
       {"/stats?window=2m", "/stats?window=", "/stats?window", "/stats?window=10s&window=1m"}) {
    INFO(target);
    CHECK(running.get(target).status == 400);
  }
  CHECK(running.get("/stats?window=1h").body == "window must be one of: 10s, 1m, 5m, total\n");
  for (const std::string_view target :
       {"/stats", "/stats?", "/stats?window=10s", "/stats?window=1m", "/stats?window=5m",
        "/stats?window=total"}) {
    INFO(target);
    CHECK(running.get(target).status == 200);
  }
}

TEST_CASE("a query key that is not known is 400 on every path") {
  const Running running;
  for (const std::string_view target : {"/stats?windows=10s", "/stats?window=10s&x=1", "/stats?&",
                                        "/metrics?window=10s", "/healthz?verbose", "/config?a=b"}) {
    INFO(target);
    CHECK(running.get(target).status == 400);
  }
}

TEST_CASE("the configuration is passed through as it is, behind what says which one it is") {
  const Reply reply = Running().get("/config");
  const auto document = nlohmann::ordered_json::parse(reply.body);
  CHECK(document.begin().key() == "in_force");
  CHECK(document["in_force"]["number"] == 1);
  CHECK(document["in_force"]["by"] == "start");
  CHECK(document["server"] == nlohmann::ordered_json::object());
  CHECK(document["in_force"]["endpoints"] == nlohmann::ordered_json::object());
  CHECK(document.size() == 2);
  CHECK(reply.content_type == "application/json");
}

TEST_CASE("the configuration says of each endpoint where it comes from, and since when") {
  const Running running;
  View view = running.view();
  ShownUpstream app;
  app.name = "app";
  app.endpoints = {{.address = "127.0.0.1:9001", .source = "file", .since_unix_s = 77},
                   {.address = "127.0.0.1:9002", .source = "api", .since_unix_s = 78, .weight = 3}};
  view.upstreams = {app};
  const auto document = nlohmann::ordered_json::parse(answer({"GET", "/config", ""}, view).body);
  const auto& endpoints = document["in_force"]["endpoints"]["app"];
  CHECK(endpoints["127.0.0.1:9001"]["source"] == "file");
  CHECK(endpoints["127.0.0.1:9001"]["since"] == 77);
  CHECK(endpoints["127.0.0.1:9002"]["source"] == "api");
  CHECK(endpoints["127.0.0.1:9002"]["weight"] == 3);
}

TEST_CASE("metrics are OpenMetrics only for who asks for a version that we speak") {
  struct Row {
    std::string_view accept;
    Exposition expected;
  };
  const Row rows[] = {
      {"", Exposition::prometheus},
      {"*/*", Exposition::prometheus},
      {"text/html,application/xhtml+xml,*/*;q=0.8", Exposition::prometheus},
      {"application/openmetrics-text", Exposition::openmetrics},
      {"Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", Exposition::openmetrics},
      {"application/openmetrics-text;version=\"1.0.0\"", Exposition::openmetrics},
      {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
       "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       Exposition::openmetrics},
      {"application/openmetrics-text;version=0.0.1,text/plain;q=0.5", Exposition::prometheus},
      {"application/openmetrics-text;q=0.4,text/plain;q=0.5", Exposition::prometheus},
      {"text/plain;q=0.4 , application/openmetrics-text ; q=0.5", Exposition::openmetrics},
      {"application/openmetrics-text;q=0.5,text/plain;q=0.1,*/*", Exposition::openmetrics},
      {"application/openmetrics-text;q=0.5,text/*", Exposition::prometheus},
      {"application/openmetrics-text;q=0", Exposition::prometheus},
      {"application/openmetrics-text;q=nonsense", Exposition::prometheus},
      {",;,=;q", Exposition::prometheus},
      {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
       "encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,"
       "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
       Exposition::protobuf},
      {"application/vnd.google.protobuf; proto=\"io.prometheus.client.MetricFamily\"; "
       "encoding=\"delimited\"",
       Exposition::protobuf},
      {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
       "encoding=text,text/plain;q=0.5",
       Exposition::prometheus},
      {"application/vnd.google.protobuf", Exposition::prometheus},
      {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
       "encoding=delimited;q=0.4,application/openmetrics-text;q=0.5",
       Exposition::openmetrics},
  };
  const Running running;
  for (const Row& row : rows) {
    INFO(row.accept);
    CHECK(running.get("/metrics", row.accept).content_type ==
          telemetry::content_type(row.expected));
  }
}

TEST_CASE("gzip is sent to those who name it or allow anything, and not where it is refused") {
  for (const std::string_view field : {"gzip", "GZIP", "deflate, gzip;q=1.0, *;q=0.5", "x-gzip",
                                       "*", "br , gzip ; q=0.001", "*;q=0, gzip"}) {
    INFO(field);
    CHECK(accepts_gzip(field));
  }
  for (const std::string_view field :
       {"", "identity", "br", "gzip;q=0", "gzip;q=0.0, *", "*;q=0", "gzipped", "gzip;q=x"}) {
    INFO(field);
    CHECK_FALSE(accepts_gzip(field));
  }
}

TEST_CASE("only what is read again and again is shared, in each of its formats") {
  const auto key = [](std::string_view method, std::string_view target,
                      std::string_view accept = {}) {
    return shared_key({method, target, accept});
  };
  CHECK_FALSE(key("GET", "/metrics").empty());
  CHECK(key("GET", "/metrics") == key("HEAD", "/metrics", "*/*"));
  CHECK(key("GET", "/metrics") != key("GET", "/metrics", "application/openmetrics-text"));
  CHECK_FALSE(key("GET", "/config").empty());
  CHECK(key("GET", "/config") != key("GET", "/metrics"));
  for (const std::string_view target :
       {"/", "/stats", "/stats?window=10s", "/healthz", "/readyz", "/metrics?a", "/nothing"}) {
    INFO(target);
    CHECK(key("GET", target).empty());
  }
  CHECK(key("POST", "/metrics").empty());
}

TEST_CASE("metrics are sound in both formats and hold the facts of the process") {
  Running running;
  running.exchange(0, 3'000'000);
  const Reply plain = running.get("/metrics");
  const auto text = test::check_exposition(plain.body, Exposition::prometheus);
  CHECK_THAT(text.faults, Catch::Matchers::Equals(std::vector<std::string>{}));
  CHECK(text.samples.at(R"(onehop_build_info{version="0.1.0",commit="0123456789ab"})") == 1);
  CHECK(text.samples.at("process_start_time_seconds{}") == 1.7e9);
  CHECK(text.samples.at("onehop_workers{}") == 2);
  CHECK(text.samples.at("process_resident_memory_bytes{}") > 100'000);
  CHECK(text.samples.at("process_open_fds{}") >= 3);
  CHECK(text.samples.at("process_max_fds{}") >= text.samples.at("process_open_fds{}"));
  CHECK(text.samples.at("process_cpu_seconds_total{}") > 0);

  const Reply open = running.get("/metrics", "application/openmetrics-text");
  const auto checked = test::check_exposition(open.body, Exposition::openmetrics);
  CHECK_THAT(checked.faults, Catch::Matchers::Equals(std::vector<std::string>{}));
  CHECK(checked.types.at("onehop_build") == "info");
  CHECK(checked.types.at("process_cpu_seconds") == "counter");
}

TEST_CASE("each certificate in use is one gauge of when it ends") {
  Running running;
  running.present("/etc/onehop/rsa.pem", "CN=app.test", 1'900'000'000);
  running.present("/etc/onehop/ecdsa.pem", "CN=app.test,O=\"A\\\\B\"", 1'900'000'001);
  running.present("/etc/onehop/rsa.pem", "CN=app.test", 1'900'000'000);
  const auto text = test::check_exposition(running.get("/metrics").body, Exposition::prometheus);
  CHECK_THAT(text.faults, Catch::Matchers::Equals(std::vector<std::string>{}));
  const std::string family = "onehop_certificate_expiry_timestamp_seconds";
  CHECK(text.types.at(family) == "gauge");
  const std::string at = family + R"({listener="127.0.0.1:8443",file="/etc/onehop/)";
  CHECK(text.samples.at(at + R"(rsa.pem",subject="CN=app.test"})") == 1'900'000'000);
  CHECK(text.samples.at(at + R"(ecdsa.pem",subject="CN=app.test,O=\"A\\\\B\""})") == 1'900'000'001);
}

TEST_CASE("docs/metrics.md names every family that the endpoint serves") {
  const auto root = test::source_tree();
  std::ifstream stream(root / "docs/metrics.md");
  REQUIRE(stream.good());
  const std::string document{std::istreambuf_iterator<char>(stream),
                             std::istreambuf_iterator<char>()};
  const Reply reply = Running().get("/metrics");
  const auto text = test::check_exposition(reply.body, Exposition::prometheus);
  CHECK(text.types.size() > 30);
  for (const auto& [family, type] : text.types) {
    INFO(family);
    CHECK(document.find("| `" + family + "` | ") != std::string::npos);
  }
}

}  // namespace
}  // namespace onehop::admin
