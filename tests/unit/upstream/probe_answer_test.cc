// SPDX-License-Identifier: MIT
// What an answer to a health check says, from its parts alone.
#include "upstream/probe_answer.h"

#include <array>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::upstream {
namespace {

using namespace std::string_literals;
using Says = ProbeVerdict::Says;
using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

// The verdict in one line.
std::string line(const ProbeVerdict& verdict) {
  return (verdict.says == Says::passed ? "passed: " : "failed: ") + verdict.why;
}

void put_head(ProbeAnswer& answer, int status, const Pairs& pairs = {}) {
  std::array<http::Field, 4> room;
  http::ResponseHead head;
  head.status = status;
  head.fields = http::Fields(room);
  for (const auto& [name, value] : pairs) head.fields.add(name, value);
  answer.on_head(head);
}

void put_trailers(ProbeAnswer& answer, const Pairs& pairs) {
  std::array<http::Field, 4> room;
  http::Fields trailers{room};
  for (const auto& [name, value] : pairs) trailers.add(name, value);
  answer.on_trailers(trailers);
}

void put_body(ProbeAnswer& answer, std::string_view bytes) {
  Buffer buffer;
  buffer.append(bytes);
  answer.on_body(buffer);
  CHECK(buffer.empty());
}

std::string of_status(const std::vector<std::string>& wanted, int status) {
  config::Health health;
  health.status = wanted;
  ProbeAnswer answer(health);
  put_head(answer, status);
  return line(answer.verdict());
}

// The answer of a gRPC server with status 200.
std::string of_grpc(std::string_view body, std::string_view grpc_status) {
  config::Health health;
  health.check = config::HealthCheck::grpc;
  health.service = "shop";
  ProbeAnswer answer(health);
  put_head(answer, 200);
  put_body(answer, body);
  put_trailers(answer, {{"grpc-status", grpc_status}});
  return line(answer.verdict());
}

TEST_CASE("a status is well by its class or by its number") {
  CHECK(of_status({"2xx"}, 204) == "passed: it answered 204");
  CHECK(of_status({"2xx"}, 301) == "failed: it answered 301");
  CHECK(of_status({"2xx", "401"}, 401) == "passed: it answered 401");
  CHECK(of_status({"200"}, 204) == "failed: it answered 204");
  CHECK(of_status({"5xx"}, 503) == "passed: it answered 503");
}

TEST_CASE("a body has what is looked for, also where it came in pieces") {
  config::Health health;
  health.body = "ready";
  ProbeAnswer answer(health);
  put_head(answer, 200);
  put_body(answer, "{\"state\":\"re");
  CHECK(line(answer.verdict()) == "failed: it answered 200 without \"ready\" in the body");
  put_body(answer, "ady\"}");
  CHECK(line(answer.verdict()) == "passed: it answered 200");
}

TEST_CASE("no more than the first 64 KiB of a body is looked at") {
  config::Health health;
  health.body = "ready";
  ProbeAnswer answer(health);
  put_head(answer, 200);
  put_body(answer, std::string(ProbeAnswer::kMostBody - 4, 'x'));
  CHECK_FALSE(answer.is_enough());
  put_body(answer, "ready");
  CHECK(answer.is_enough());
  CHECK(line(answer.verdict()) ==
        "failed: it answered 200 without \"ready\" in the body's first 64 KiB");
}

TEST_CASE("the question of grpc.health.v1 is a message with the service") {
  CHECK(grpc_question("") == "\0\0\0\0\0"s);
  CHECK(grpc_question("shop") == "\0\0\0\0\x06\x0a\x04shop"s);
  const std::string longer(200, 's');
  CHECK(grpc_question(longer) == "\0\0\0\0\xcb\x0a\xc8\x01"s + longer);
}

TEST_CASE("a server of grpc.health.v1 passes when it is SERVING") {
  CHECK(of_grpc("\0\0\0\0\x02\x08\x01"s, "0") == "passed: it is SERVING");
  CHECK(of_grpc("\0\0\0\0\x02\x08\x02"s, "0") == "failed: it is NOT_SERVING");
  CHECK(of_grpc("\0\0\0\0\x02\x08\x03"s, "0") == "failed: it is SERVICE_UNKNOWN");
  CHECK(of_grpc("\0\0\0\0\x02\x08\x07"s, "0") == "failed: it is 7");
  CHECK(of_grpc("\0\0\0\0\0"s, "0") == "failed: it is UNKNOWN");
}

TEST_CASE("fields that a later grpc.health.v1 may have are passed over") {
  CHECK(of_grpc("\0\0\0\0\x07\x12\x03xyz\x08\x01"s, "0") == "passed: it is SERVING");
  CHECK(of_grpc("\0\0\0\0\x0a\x18\xff\x01\x25"s
                "abcd\x08\x01"s,
                "0") == "passed: it is SERVING");
}

TEST_CASE("an answer that is none of grpc.health.v1 is a failure that says so") {
  CHECK(of_grpc("\0\0\0\0\x02\x08\x01"s, "12") == "failed: it does not have grpc.health.v1");
  CHECK(of_grpc("", "5") == "failed: it does not know the service \"shop\"");
  CHECK(of_grpc("", "14") == "failed: it answered with grpc-status 14");
  const std::string none = "failed: its answer is none of grpc.health.v1";
  CHECK(of_grpc("", "0") == none);
  CHECK(of_grpc("\0\0\0\0\x09\x08\x01"s, "0") == none);    // shorter than it says
  CHECK(of_grpc("\x01\0\0\0\x02\x08\x01"s, "0") == none);  // compressed
  CHECK(of_grpc("\0\0\0\0\x01\x08"s, "0") == none);        // a field without its value
  CHECK(of_grpc("\0\0\0\0\x03\x12\x7f\x01"s, "0") == none);
  CHECK(of_grpc("\0\0\0\0\x01\x0b"s, "0") == none);
}

TEST_CASE("a server that answers in its head alone is understood") {
  config::Health health;
  health.check = config::HealthCheck::grpc;
  ProbeAnswer answer(health);
  put_head(answer, 200, {{"grpc-status", "12"}});
  CHECK(line(answer.verdict()) == "failed: it does not have grpc.health.v1");
  ProbeAnswer page(health);
  put_head(page, 404);
  CHECK(line(page.verdict()) == "failed: it answered 404");
  ProbeAnswer silent(health);
  put_head(silent, 200);
  CHECK(line(silent.verdict()) == "failed: it answered without a grpc-status");
}

}  // namespace
}  // namespace onehop::upstream
