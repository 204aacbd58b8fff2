// SPDX-License-Identifier: MIT
// A record is the same behind its bytes, and no text in it is longer than its limit.
#include "onehop/proxy/exchange_record.h"

#include <string>

#include "tests/support/catch.h"

namespace onehop::proxy {
namespace {

std::string encoded(const ExchangeRecord& record) {
  std::string bytes(record.encoded_size(), '\0');
  record.encode(bytes.data());
  return bytes;
}

TEST_CASE("a record comes out of its bytes with every number, text and attempt") {
  ExchangeRecord record{};
  record.numbers.snapshot = 7;
  record.numbers.began_ns = 123;
  record.numbers.total_ns = 456;
  record.numbers.overhead_ns = 78;
  for (size_t i = 0; i < telemetry::kPhaseCount; ++i) record.numbers.phases_ns[i] = 1000 + i;
  record.numbers.request_bytes = UINT64_MAX;
  record.numbers.response_bytes = 9;
  record.numbers.connection_age_ms = 10;
  record.numbers.status = 502;
  record.numbers.outcome = Outcome::upstream_closed;
  record.numbers.connected = record.numbers.tls_resumed = true;
  record.numbers.attempts = 2;
  record.attempts[0] = {"a:1", Outcome::connect_refused, 5};
  record.attempts[1] = {"", Outcome::upstream_closed, UINT64_MAX};
  std::vector<std::string> texts;
  for (size_t i = 0; i < kRecordTextCount; ++i)
    texts.push_back(i % 3 == 0 ? "" : std::string("\0\xff\n", 3) + std::to_string(i));
  for (size_t i = 0; i < kRecordTextCount; ++i) record.texts[i] = texts[i];

  record.keep_limits();
  const std::string bytes = encoded(record);
  const ExchangeRecord read = ExchangeRecord::decode(bytes);
  CHECK(read.numbers.snapshot == 7);
  CHECK(read.numbers.began_ns == 123);
  CHECK(read.numbers.total_ns == 456);
  CHECK(read.numbers.overhead_ns == 78);
  CHECK(read.numbers.phases_ns == record.numbers.phases_ns);
  CHECK(read.numbers.request_bytes == UINT64_MAX);
  CHECK(read.numbers.response_bytes == 9);
  CHECK(read.numbers.connection_age_ms == 10);
  CHECK(read.numbers.status == 502);
  CHECK(read.numbers.outcome == Outcome::upstream_closed);
  CHECK(read.numbers.connected);
  CHECK_FALSE(read.numbers.reused);
  CHECK(read.numbers.tls_resumed);
  CHECK(read.numbers.cut == 0);
  for (size_t i = 0; i < kRecordTextCount; ++i) CHECK(read.texts[i] == texts[i]);
  REQUIRE(read.numbers.attempts == 2);
  CHECK(read.attempts[0].endpoint == "a:1");
  CHECK(read.attempts[0].outcome == Outcome::connect_refused);
  CHECK(read.attempts[1].endpoint.empty());
  CHECK(read.attempts[1].took_ns == UINT64_MAX);
}

TEST_CASE("each text has its limit: what is longer is cut there, and said to be") {
  const std::string text(100'000, 'x');
  for (size_t i = 0; i < kRecordTextCount; ++i) {
    const auto which = static_cast<RecordText>(i);
    INFO(kRecordTextNames[i]);
    ExchangeRecord record{};
    record.text(which) = std::string_view(text).substr(0, kMostOfText[i]);
    record.keep_limits();
    CHECK(record.numbers.cut == 0);
    record.text(which) = text;
    record.keep_limits();
    CHECK(record.numbers.cut == 1u << i);
    CHECK(record.is_cut(which));
    const std::string bytes = encoded(record);
    CHECK(ExchangeRecord::decode(bytes).text(which).size() == kMostOfText[i]);
  }
}

TEST_CASE("the largest record is much smaller than a worker's ring") {
  const std::string text(100'000, 'x');
  ExchangeRecord record{};
  for (std::string_view& one : record.texts) one = text;
  record.numbers.attempts = ExchangeRecord::kMostAttempts;
  for (AttemptRecord& one : record.attempts) one = {text, Outcome::ok, 0};
  record.keep_limits();
  CHECK(record.encoded_size() < 16 * 1024);
}

}  // namespace
}  // namespace onehop::proxy
