// SPDX-License-Identifier: MIT
// Which exchanges leave a record, and what is in it when exchanges end in the ways they can.
#include "onehop/proxy/access_log.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/proxy/exchange_side.h"

namespace onehop::proxy {
namespace {

using test::ExchangeSide;
using test::HandPeer;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

config::AccessLog access_of(std::vector<std::string> status, config::milliseconds slower_than,
                            uint32_t sample = config::AccessLog::kAutomatic) {
  config::AccessLog access;
  access.file = "-";
  access.status = std::move(status);
  access.slower_than = slower_than;
  access.sample = sample;
  return access;
}

constexpr uint32_t kLuckless = config::AccessLog::kAll - 1;
constexpr uint64_t kSecondNs = 1'000'000'000;
using config::seconds;

TEST_CASE("without a filter every request is taken") {
  const AccessTerms terms(access_of({}, seconds(0)));
  CHECK(terms.takes(200, 1, kLuckless));
  CHECK(terms.takes(0, 0, kLuckless));
}

TEST_CASE("statuses of the given classes are taken, and nothing beside them") {
  const AccessTerms terms(access_of({"4xx", "none"}, seconds(0)));
  CHECK(terms.takes(400, 1, 0));
  CHECK(terms.takes(499, 1, kLuckless));
  CHECK(terms.takes(0, 1, kLuckless));
  CHECK_FALSE(terms.takes(200, 1000 * kSecondNs, 0));
  CHECK_FALSE(terms.takes(500, 1, 0));
}

TEST_CASE("what took longer is taken, whatever its status") {
  const AccessTerms terms(access_of({}, seconds(1)));
  CHECK_FALSE(terms.takes(500, kSecondNs, 0));
  CHECK(terms.takes(200, kSecondNs + 1, kLuckless));
}

TEST_CASE("of the others a share is taken, by chance") {
  const AccessTerms terms(access_of({"5xx"}, seconds(1), 10'000));
  CHECK(terms.takes(200, 1, 9'999));
  CHECK_FALSE(terms.takes(200, 1, 10'000));
  CHECK(terms.takes(503, 1, kLuckless));
  CHECK_FALSE(AccessTerms(access_of({}, seconds(0), 0)).takes(200, 1, 0));
  CHECK(AccessTerms(access_of({}, seconds(0), config::AccessLog::kAll)).takes(200, 1, kLuckless));
}

struct Side : ExchangeSide {
  Side() {
    access.file = "-";
    access_sink = &sink;
  }
  ~Side() {
    open.clear();
    loop.end_turn();
  }
  // The oldest record; its views live as long as the side, or until the next call.
  ExchangeRecord record() {
    REQUIRE_FALSE(ring.empty());
    bytes = ring.front();
    ring.pop();
    return ExchangeRecord::decode(bytes);
  }
  static std::vector<std::string> attempts_of(const ExchangeRecord& record) {
    std::vector<std::string> texts;
    for (size_t i = 0; i < record.numbers.attempts; ++i) {
      texts.push_back(std::string(record.attempts[i].endpoint) + " " +
                      std::string(row_of(record.attempts[i].outcome).name));
    }
    return texts;
  }

  Ring ring{64 * 1024};
  Bell bell;
  telemetry::DownstreamShard counters;
  AccessSink sink{ring, bell, counters, 1};
  std::string bytes;
};

using Texts = std::vector<std::string>;

TEST_CASE("draws are below their limit, and not all the same") {
  Side side;
  uint32_t least = UINT32_MAX;
  uint32_t most = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint32_t drawn = side.sink.draw();
    least = std::min(least, drawn);
    most = std::max(most, drawn);
  }
  CHECK(most < config::AccessLog::kAll);
  CHECK(least < 50'000);
  CHECK(most > 950'000);
}

TEST_CASE("an exchange that is over leaves a record of what it was") {
  Side side;
  side.server.trusted_proxies = {"0.0.0.0/0"};
  auto& asked = side.request(
      {.target = "/a?q=1", .fields = {{"User-Agent", "ua"}, {"Referer", "http://r/x?y"}}});
  CHECK(side.ring.empty());
  side.say(side.accept(), kOk);
  asked.flushed();
  const ExchangeRecord record = side.record();
  CHECK(record.text(RecordText::method) == "GET");
  CHECK(record.text(RecordText::host) == "example.org");
  CHECK(record.text(RecordText::path) == "/a");
  CHECK(record.text(RecordText::query) == "q=1");
  CHECK(record.text(RecordText::protocol) == "HTTP/1.1");
  CHECK(record.text(RecordText::route) == "/");
  CHECK(record.text(RecordText::upstream) == "app");
  CHECK(record.text(RecordText::user_agent) == "ua");
  CHECK(record.text(RecordText::referer) == "http://r/x?y");
  CHECK(record.text(RecordText::request_id).size() == 32);
  CHECK(record.text(RecordText::trace_id).empty());
  CHECK(record.numbers.snapshot == 1);
  CHECK(record.numbers.status == 200);
  CHECK(record.numbers.outcome == Outcome::ok);
  CHECK(record.numbers.response_bytes == 5);
  CHECK(record.numbers.request_bytes == 0);
  CHECK(record.numbers.connected);
  CHECK_FALSE(record.numbers.reused);
  CHECK(Side::attempts_of(record) == Texts{"127.0.0.1:9001 ok"});
  uint64_t sum = 0;
  for (const uint64_t phase : record.numbers.phases_ns) sum += phase;
  CHECK(sum == record.numbers.total_ns);
  CHECK(side.ring.empty());
}

TEST_CASE("a pooled connection is reused, and bytes are counted both ways") {
  Side side;
  side.upstream.endpoints.pop_back();
  HandPeer& peer = side.warm();
  side.record();
  auto& asked = side.request(Side::post(3));
  asked.body("abc", http::Ends::yes);
  side.loop.end_turn();
  side.say(peer, kOk);
  asked.flushed();
  const ExchangeRecord record = side.record();
  CHECK(record.numbers.reused);
  CHECK(record.numbers.request_bytes == 3);
  CHECK(record.text(RecordText::method) == "POST");
}

TEST_CASE("each attempt is in the record, the last one last, and the phases sum over all") {
  Side side;
  auto& asked = side.request();
  side.refuse();
  side.say(side.accept(), kOk);
  asked.flushed();
  const ExchangeRecord record = side.record();
  CHECK(Side::attempts_of(record) == Texts{"127.0.0.1:9001 connect_refused", "127.0.0.1:9002 ok"});
  uint64_t sum = 0;
  for (const uint64_t phase : record.numbers.phases_ns) sum += phase;
  CHECK(sum == record.numbers.total_ns);
}

TEST_CASE("a client that leaves has status 0 and its outcome, and its attempt has that too") {
  Side side;
  auto& asked = side.request();
  side.accept();
  asked.exchange->on_reset({});
  const ExchangeRecord record = side.record();
  CHECK(record.numbers.status == 0);
  CHECK(record.numbers.outcome == Outcome::client_gone);
  CHECK(Side::attempts_of(record) == Texts{"127.0.0.1:9001 client_gone"});
  side.leave(asked);
  CHECK(side.ring.empty());
}

TEST_CASE("what onehop answers itself is in the record, without an attempt") {
  Side side;
  side.path = "/only";
  auto& asked = side.request({.target = "/else?secret"});
  asked.flushed();
  const ExchangeRecord record = side.record();
  CHECK(record.numbers.status == 404);
  CHECK(record.numbers.outcome == Outcome::no_route);
  CHECK(record.numbers.attempts == 0);
  CHECK_FALSE(record.numbers.connected);
  CHECK(record.numbers.response_bytes == asked.stream.body.size());
  CHECK(record.text(RecordText::path) == "/else");
  CHECK(record.text(RecordText::route).empty());
  CHECK(record.text(RecordText::upstream).empty());
}

TEST_CASE("behind a trusted peer the client is known of what no route takes, too") {
  Side side;
  side.path = "/only";
  side.server.trusted_proxies = {"10.0.0.0/8"};
  constexpr std::string_view kPeer = "10.0.0.1";
  side.client.address = *Address::numeric(std::string(kPeer), 4000);
  kPeer.copy(side.client.ip, kPeer.size());
  side.client.ip_length = static_cast<uint8_t>(kPeer.size());
  auto& asked = side.request({.target = "/else", .fields = {{"X-Forwarded-For", "192.0.2.7"}}});
  asked.flushed();
  const ExchangeRecord record = side.record();
  CHECK(record.numbers.outcome == Outcome::no_route);
  CHECK(record.text(RecordText::client) == "192.0.2.7");
  CHECK(record.text(RecordText::peer) == "10.0.0.1");
}

TEST_CASE("with query = false neither the target's query nor the referer's is kept") {
  Side side;
  side.access.query = false;
  auto& asked = side.request({.target = "/a?secret", .fields = {{"Referer", "http://r/x?secret"}}});
  side.say(side.accept(), kOk);
  asked.flushed();
  const ExchangeRecord record = side.record();
  CHECK(record.text(RecordText::path) == "/a");
  CHECK(record.text(RecordText::query).empty());
  CHECK(record.text(RecordText::referer) == "http://r/x");
  CHECK(side.bytes.find("secret") == side.bytes.npos);
}

TEST_CASE("a target without an end is cut where its record ends, and said to be cut") {
  Side side;
  const std::string target = "/" + std::string(5000, 'x');
  auto& asked = side.request({.target = target});
  side.say(side.accept(), kOk);
  asked.flushed();
  const ExchangeRecord record = side.record();
  CHECK(record.text(RecordText::path) == target.substr(0, 2048));
  CHECK(record.is_cut(RecordText::path));
  CHECK_FALSE(record.is_cut(RecordText::query));
}

TEST_CASE("a filter that does not take an exchange leaves nothing of it") {
  Side side;
  side.access.status = {"5xx"};
  auto& fine = side.request();
  HandPeer& peer = side.accept();
  side.say(peer, kOk);
  fine.flushed();
  side.leave(fine);
  CHECK(side.ring.empty());
}

TEST_CASE("a full ring drops the record, which is counted, and nobody waits") {
  Side side;
  while (side.ring.reserve(1000) != nullptr) side.ring.publish();
  auto& asked = side.request();
  side.say(side.accept(), kOk);
  asked.flushed();
  CHECK(asked.stream.status() == 200);
  CHECK(side.counters.access_log_dropped.value() == 1);
}

TEST_CASE("without an access log nothing is handed over") {
  Side side;
  side.access.file = "";
  auto& asked = side.request();
  side.say(side.accept(), kOk);
  asked.flushed();
  side.leave(asked);
  CHECK(side.ring.empty());
}

TEST_CASE("an exchange is written down as the configuration says that it began with") {
  Side side;
  auto& asked = side.request();
  config::Config other = onehop::test::config_of(side.upstream, side.server);
  side.small->apply(std::move(other));
  side.say(side.accept(), kOk);
  asked.flushed();
  CHECK(side.record().numbers.snapshot == 1);
  side.leave(asked);
  auto& next = side.request();
  next.exchange->on_reset({});
  CHECK(side.ring.empty());
}

}  // namespace
}  // namespace onehop::proxy
