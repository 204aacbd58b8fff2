// SPDX-License-Identifier: MIT
// Clients that take little or nothing of what they asked for, and the limits that the proxy
// announces (edge cases 102, 103, 107).
#include "tests/support/catch.h"
#include "tests/support/h2_client.h"
#include "tests/support/h2_victim.h"

namespace onehop::test {
namespace {

constexpr size_t kLarge = 4 << 20;
constexpr uint32_t kMostWindow = 0x7fffffff;

TEST_CASE("102: streams that are held open by a window of zero are reset, and cost little") {
  H2Victim victim(ok(noise(kLarge)), {.timeouts = "write_stall = \"400ms\""});
  H2Peer attacker = victim.connect({{kInitialWindowSize, 0}});
  constexpr int kStreams = 50;
  std::vector<int32_t> ids;
  for (int i = 0; i < kStreams; ++i) ids.push_back(attacker.request(h2_request()));
  REQUIRE(attacker.await([&] { return attacker.exchange(ids.back()).status() == 200; }));
  CHECK(victim.grown() < kStreams * (size_t{512} << 10) + attack_growth());
  CHECK(victim.serves());
  for (const int32_t id : ids) {
    const H2Exchange& exchange = attacker.finish(id);
    CHECK(exchange.body.empty());
    CHECK(exchange.reset.has_value());
  }
  CHECK(victim.proxy.wait_number("downstream/requests/in_flight", 0) == 0);
  CHECK(victim.serves());
  // The connection is no worse for it.
  if (!attacker.ended()) CHECK(attacker.answers());
}

TEST_CASE("102: a connection window of zero is no way to hold streams open, either") {
  H2Victim victim(ok(noise(kLarge)), {.timeouts = "write_stall = \"400ms\""});
  H2Peer attacker = victim.connect({{kInitialWindowSize, kMostWindow}});
  attacker.keep_windows();
  std::vector<int32_t> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(attacker.request(h2_request()));
  for (const int32_t id : ids) CHECK_FALSE(attacker.finish(id).ended);
  CHECK(victim.grown() < attack_growth());
  CHECK(victim.proxy.wait_number("downstream/requests/in_flight", 0) == 0);
  CHECK(victim.serves());
}

TEST_CASE("102: a client that takes a byte at a time gets bytes and no buffer of its own") {
  H2Victim victim(ok(noise(kLarge)), {.timeouts = "write_stall = \"5s\""});
  H2Peer slow = victim.connect({{kInitialWindowSize, 0}});
  slow.keep_windows();
  const int32_t id = slow.request(h2_request());
  for (size_t i = 1; i <= 100; ++i) {
    slow.send(h2_window_update(id, 1));
    REQUIRE(slow.await([&] { return slow.exchange(id).body.size() == i; }));
  }
  CHECK(slow.exchange(id).body == noise(kLarge).substr(0, 100));
  CHECK(victim.grown() < attack_growth());
  CHECK(victim.serves());
  slow.send(h2_reset(id));
  CHECK(victim.proxy.wait_number("downstream/requests/in_flight", 0) == 0);
}

TEST_CASE("68: one stream that is not read does not stop another one of its connection") {
  H2Victim victim(ok(noise(kLarge)));
  H2Peer client = victim.connect({{kInitialWindowSize, 1000}});
  const int32_t stuck = client.request(h2_request());
  REQUIRE(client.await([&] { return client.exchange(stuck).status() == 200; }));
  client.keep_windows();
  const int32_t other = client.request(h2_request("GET", "/small"));
  CHECK(client.response(other).body == "small");
  CHECK_FALSE(client.exchange(stuck).over());
}

TEST_CASE("69: an upload that nobody reads stops at the window, and memory stays") {
  H2Victim victim;
  H2Peer client = victim.connect();
  REQUIRE(client.answers());
  std::vector<int32_t> ids;
  const std::string body = noise(16384);
  for (int i = 0; i < 50; ++i) ids.push_back(client.request(h2_request("POST"), H2Ends::no));
  // As much as the windows allow at first, without waiting for more.
  int64_t sent = 0;
  for (const int32_t id : ids) {
    for (int i = 0; i < 3; ++i, sent += 16384) {
      client.send({H2Type::data, 0, id, body});
    }
  }
  CHECK(client.answers());
  CHECK(victim.grown() < attack_growth() + static_cast<size_t>(sent));
  CHECK(victim.serves());
}

TEST_CASE("103: no more streams are taken than were announced, and windows are not huge") {
  H2Victim victim;
  H2Peer client = victim.connect();
  REQUIRE(client.answers());
  REQUIRE_FALSE(client.control().empty());
  const std::string& settings = client.control().front().payload;
  const auto announced = [&](uint16_t id) {
    for (size_t at = 0; at + 6 <= settings.size(); at += 6) {
      uint64_t pair = 0;
      for (const char c : settings.substr(at, 6)) pair = pair << 8 | static_cast<uint8_t>(c);
      if (pair >> 32 == id) return static_cast<uint32_t>(pair);
    }
    return uint32_t{0};
  };
  CHECK(announced(kMaxConcurrentStreams) == 100);
  CHECK(announced(kInitialWindowSize) == 64 << 10);
  for (int i = 0; i < 100; ++i) client.request(h2_request());
  REQUIRE(client.answers());
  CHECK(victim.proxy.wait_number("downstream/requests/in_flight", 100) == 100);
  // RFC 9113 5.1.2 makes it an error of the stream, 5.4.1 lets it be one of the connection.
  const int32_t one_more = client.request(h2_request());
  client.await([&] { return client.exchange(one_more).over(); });
  CHECK((client.ended() || client.exchange(one_more).reset.has_value()));
  CHECK(victim.origin.requests() <= 100 + 2);
}

TEST_CASE("107: a window that overflows or is opened by nothing is an error") {
  struct Row {
    std::string name;
    int32_t stream;
    uint32_t increment;
    uint32_t error;
  };
  const Row row = GENERATE(Row{"zero, stream", 1, 0, kProtocolError},
                           Row{"zero, connection", 0, 0, kProtocolError},
                           Row{"overflow, stream", 1, kMostWindow, kFlowControlError},
                           Row{"overflow, connection", 0, kMostWindow, kFlowControlError});
  CAPTURE(row.name);
  H2Victim victim;
  H2Peer client = victim.connect();
  const int32_t id = client.request(h2_request());
  client.send(h2_window_update(row.stream, row.increment));
  const bool over = client.await(
      [&] { return client.exchange(id).reset.has_value() || client.goaway().has_value(); });
  CHECK(over);
  if (row.stream == 0 || client.goaway().has_value()) {
    CHECK(client.goaway() == row.error);
    CHECK_FALSE(client.await([] { return false; }));
  } else {
    CHECK(client.exchange(id).reset == row.error);
    CHECK(client.answers());
  }
  CHECK(victim.proxy.wait_number("downstream/requests/in_flight", 0) == 0);
}

TEST_CASE("107: an initial window that changes in the middle of a response counts from then on") {
  H2Victim victim(ok(noise(300'000)));
  H2Peer client = victim.connect({{kInitialWindowSize, 1000}});
  client.keep_windows();
  const int32_t id = client.request(h2_request());
  REQUIRE(client.await([&] { return client.exchange(id).body.size() == 1000; }));
  client.send(h2_settings({{kInitialWindowSize, 500}}));  // 500 less than nothing
  client.send(h2_window_update(id, 600));
  REQUIRE(client.await([&] { return client.exchange(id).body.size() == 1100; }));
  client.send(h2_settings({{kInitialWindowSize, 60'000}}));
  REQUIRE(client.await([&] { return client.exchange(id).body.size() == 60'600; }));
  CHECK(client.exchange(id).body == noise(300'000).substr(0, 60'600));
  client.send(h2_settings({{kInitialWindowSize, kMostWindow}}));
  client.send(h2_window_update(id, 100'000));  // more than 2^31-1
  CHECK(client.await(
      [&] { return client.goaway().has_value() || client.exchange(id).reset.has_value(); }));
}

}  // namespace
}  // namespace onehop::test
