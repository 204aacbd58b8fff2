// SPDX-License-Identifier: MIT
// Lines of the access log: every field in each format, and no line or field that a client made up.
#include "server/access_format.h"

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/catch.h"

namespace onehop::server {
namespace {

using namespace std::string_literals;
using config::AccessField;
using nlohmann::json;
using proxy::ExchangeRecord;
using proxy::Outcome;
using proxy::RecordText;

// 2026-11-30T17:06:34Z less the record's own time.
constexpr int64_t kClockBeganNs = 1'796'058'394'000'000'000 - 1'000'000'000;

ExchangeRecord full_record() {
  ExchangeRecord record{};
  record.numbers = {.snapshot = 1,
                    .began_ns = 1'000'000'000,
                    .total_ns = 36'000,
                    .overhead_ns = 9'000,
                    .request_bytes = 11,
                    .response_bytes = 22,
                    .connection_age_ms = 33,
                    .status = 200,
                    .outcome = Outcome::ok,
                    .attempts = 2,
                    .connected = true,
                    .reused = true,
                    .secure = true,
                    .tls_resumed = true};
  for (size_t i = 0; i < telemetry::kPhaseCount; ++i) record.numbers.phases_ns[i] = (i + 1) * 1000;
  for (size_t i = 0; i < proxy::kRecordTextCount; ++i) record.texts[i] = proxy::kRecordTextNames[i];
  record.attempts[0] = {"a:1", Outcome::connect_refused, 1000};
  record.attempts[1] = {"b:2", Outcome::ok, 35'000};
  return record;
}

std::string line_of(std::string_view format, const ExchangeRecord& record) {
  std::string line;
  AccessFormat(format).append(line, record, kClockBeganNs);
  return line;
}

json json_of(const ExchangeRecord& record) {
  return json::parse(line_of("json", record));
}

TEST_CASE("JSON has each field, in the order of their table") {
  const std::string line = line_of("json", full_record());
  CHECK(line ==
        R"({"time":"2026-11-30T17:06:34.000000Z","client":"client","peer":"peer",)"
        R"("method":"method","host":"host","path":"path","query":"query","protocol":"protocol",)"
        R"("status":200,"request_bytes":11,"response_bytes":22,"route":"route",)"
        R"("upstream":"upstream","endpoint":"b:2","attempts":[)"
        R"({"endpoint":"a:1","outcome":"connect_refused","us":1},)"
        R"({"endpoint":"b:2","outcome":"ok","us":35}],"outcome":"ok",)"
        R"("rate_limit":"rate_limit","total_us":36,)"
        R"("overhead_us":9,"request_head_read_us":1,"route_and_queue_wait_us":2,)"
        R"("pool_wait_us":3,"connect_us":4,"request_write_us":5,"response_wait_us":6,)"
        R"("response_body_us":7,"downstream_write_stall_us":8,"reused":true,)"
        R"("connection_age_ms":33,"request_id":"request_id","tls_version":"tls_version",)"
        R"("tls_resumed":true,"trace_id":"trace_id","referer":"referer",)"
        R"("user_agent":"user_agent","cut":[]})"
        "\n");
}

TEST_CASE("in JSON what is not known is null, and numbers stay numbers") {
  const json line = json_of(ExchangeRecord{});
  CHECK(line.size() == config::kAccessFieldCount);
  for (const char* key : {"client", "peer", "method", "host", "path", "query", "protocol", "route",
                          "upstream", "endpoint", "reused", "connection_age_ms", "request_id",
                          "tls_version", "tls_resumed", "trace_id", "referer", "user_agent"}) {
    INFO(key);
    CHECK(line.at(key).is_null());
  }
  CHECK(line.at("status") == 0);
  CHECK(line.at("total_us") == 0);
  CHECK(line.at("attempts").empty());
  CHECK(line.at("outcome") == "ok");
}

TEST_CASE("a template has each field, and - for what is not known") {
  std::string format;
  for (const std::string_view name : config::kAccessFieldNames) {
    if (!format.empty()) format += ' ';
    format += "{" + std::string(name) + "}";
  }
  CHECK(line_of(format, full_record()) ==
        "2026-11-30T17:06:34.000000Z client peer method host path query protocol 200 11 22 route "
        "upstream b:2 a:1=connect_refused/1,b:2=ok/35 ok rate_limit 36 9 1 2 3 4 5 6 7 8 true 33 "
        "request_id tls_version true trace_id referer user_agent -\n");
  CHECK(line_of(format, ExchangeRecord{}) ==
        "2026-11-30T17:06:33.000000Z - - - - - - - 0 0 0 - - - - ok - 0 0 0 0 0 0 0 0 0 0 - - - - "
        "- - - - -\n");
}

TEST_CASE("text around the fields of a template stays, and doubled braces are braces") {
  CHECK(line_of("{{{status}}} \"{method}\" end", full_record()) == "{200} \"method\" end\n");
}

TEST_CASE("what stands behind a field of a template is not in it, whatever a client wrote") {
  ExchangeRecord record = full_record();
  record.text(RecordText::user_agent) = "x 500|y";
  CHECK(line_of("{user_agent} {status}", record) == "x\\x20500|y 200\n");
  CHECK(line_of("{user_agent}|{status}", record) == "x 500\\x7Cy|200\n");
  CHECK(line_of("\"{user_agent}\" {status}", record) == "\"x 500|y\" 200\n");
  CHECK(line_of("{user_agent}{status}yes", record) == "x 500|y200yes\n");
}

TEST_CASE("combined is as nginx and Apache write it") {
  ExchangeRecord record = full_record();
  record.text(RecordText::client) = "192.0.2.1";
  record.text(RecordText::path) = "/a";
  record.text(RecordText::protocol) = "HTTP/2.0";
  CHECK(line_of("combined", record) ==
        R"(192.0.2.1 - - [30/Nov/2026:17:06:34 +0000] "method /a?query HTTP/2.0" 200 22 )"
        R"("referer" "user_agent")"
        "\n");
  record.text(RecordText::query) = "";
  record.text(RecordText::referer) = "";
  record.text(RecordText::user_agent) = "";
  CHECK(line_of("combined", record) ==
        R"(192.0.2.1 - - [30/Nov/2026:17:06:34 +0000] "method /a HTTP/2.0" 200 22 "-" "-")"
        "\n");
}

TEST_CASE("a request of which no head came has an empty request line in combined") {
  ExchangeRecord record{};
  record.text(RecordText::client) = "192.0.2.1";
  record.numbers.status = 408;
  CHECK(line_of("combined", record) ==
        R"(192.0.2.1 - - [30/Nov/2026:17:06:33 +0000] "" 408 0 "-" "-")"
        "\n");
}

TEST_CASE("what was cut is named in JSON and in its field, and ends in dots elsewhere") {
  ExchangeRecord record = full_record();
  const std::string agent(1000, 'u');
  record.text(RecordText::user_agent) = agent;
  record.keep_limits();
  CHECK(json_of(record).at("cut") == json::array({"user_agent"}));
  CHECK(json_of(record).at("user_agent") == agent.substr(0, 512));
  CHECK(line_of("{user_agent} {cut}", record) == agent.substr(0, 512) + "... user_agent\n");
  CHECK(line_of("combined", record).ends_with("uuu...\"\n"));
}

// What a client may try in every text that it can send.
const std::string kHostile[] = {
    "\n127.0.0.1 - - forged",
    "\r\n",
    R"(","status":500,"x":")",
    R"(\" \)",
    "\" 200 0 \"",
    "nul\0tab\tescape\x1b[2J del\x7f"s,
    "\xff\xfe\xc0\xaf\x80",
    "\xe2\x80\xa8line separator",
    "}{ {status}",
};

TEST_CASE("no text of a client makes another line, ends its field, or is not ASCII in a template") {
  for (const std::string& text : kHostile) {
    for (size_t i = 0; i < proxy::kRecordTextCount; ++i) {
      ExchangeRecord record = full_record();
      record.texts[i] = text;
      INFO(proxy::kRecordTextNames[i] << ": " << text);
      const std::string in_json = line_of("json", record);
      CHECK(in_json.find('\n') == in_json.size() - 1);
      const json read = json::parse(in_json);
      CHECK(read.size() == config::kAccessFieldCount);
      CHECK(read.at("status") == 200);
      CHECK(read.at(std::string(proxy::kRecordTextNames[i])).is_string());
      for (const std::string& format :
           {std::string("combined"), "\"{" + std::string(proxy::kRecordTextNames[i]) + "}\""}) {
        const std::string line = line_of(format, record);
        CHECK(line.find('\n') == line.size() - 1);
        const auto quotes = std::count(line.begin(), line.end(), '"');
        CHECK(quotes == (format == "combined" ? 6 : 2));
        for (const char c : line.substr(0, line.size() - 1)) CHECK((c >= ' ' && c < 0x7f));
      }
    }
  }
}

TEST_CASE("UTF-8 that a client sent is the same text in JSON") {
  ExchangeRecord record = full_record();
  record.text(RecordText::path) = "/gr\xc3\xbc\xc3\x9f";
  CHECK(json_of(record).at("path") == "/gr\xc3\xbc\xc3\x9f");
  CHECK(line_of("{path}", record) == "/gr\\xC3\\xBC\\xC3\\x9F\n");
}

}  // namespace
}  // namespace onehop::server
