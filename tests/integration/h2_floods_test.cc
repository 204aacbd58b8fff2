// SPDX-License-Identifier: MIT
// Clients of HTTP/2 that are given up because they flood are counted: each once, by what with, also
// where it is nghttp2 that gives them up.
#include "tests/support/catch.h"
#include "tests/support/h2_client.h"
#include "tests/support/h2_victim.h"

namespace onehop::test {
namespace {

constexpr int kFrames = 300'000;  // more than anybody may send

struct Flood {
  std::string reason;
  std::string what;
  std::function<std::string(int)> bytes;  // the i-th time
};

std::function<std::string(int)> always(const H2Frame& frame) {
  return [wire = frame.wire()](int) { return wire; };
}

int32_t id_of(int i) {
  return 2 * i + 3;
}

H2Settings many_settings() {
  H2Settings settings;
  for (uint16_t i = 0; i < 33; ++i) settings.push_back({static_cast<uint16_t>(0x100 + i), 1});
  return settings;
}

std::vector<Flood> floods() {
  const std::string ping = "12345678";
  return {
      {"reset", "resets",
       [](int i) {
         return h2_headers(id_of(i), h2_request("POST"), kEndHeaders | kEndStream).wire() +
                h2_reset(id_of(i)).wire();
       }},
      {"provoked_reset", "heads without a method",
       [](int i) {
         return h2_headers(id_of(i), {{":scheme", "http"}, {":path", "/"}}, kEndHeaders).wire();
       }},
      {"ping", "PING", always({H2Type::ping, 0, 0, ping})},
      {"ping", "PING acknowledged", always({H2Type::ping, kAck, 0, ping})},
      {"settings", "SETTINGS", always(h2_settings({}))},
      {"settings", "SETTINGS of 33 entries", always(h2_settings(many_settings()))},
      {"window_update", "WINDOW_UPDATE", always(h2_window_update(0, 1))},
      {"priority", "PRIORITY", always({H2Type::priority, 0, 5, h2_number(0) + "x"})},
      {"empty_data", "empty DATA", always({H2Type::data, 0, 1, ""})},
      {"continuation", "empty CONTINUATION",
       [](int i) {
         return (i == 0 ? h2_headers(3, h2_request(), 0).wire() : "") +
                H2Frame{H2Type::continuation, 0, 3, ""}.wire();
       }},
      {"other", "unknown frames", always({static_cast<H2Type>(0xbe), 0, 0, ""})},
  };
}

int64_t counted(const H2Victim& victim, const std::string& reason) {
  return victim.proxy.stats().number("downstream/connections/h2_floods_by_reason/" + reason);
}

TEST_CASE("a client that floods is counted once, by what it floods with") {
  const std::vector<Flood> rows = floods();
  const size_t index = GENERATE_COPY(range(size_t{0}, rows.size()));
  const Flood& row = rows[index];
  CAPTURE(row.what);
  H2Victim victim;
  for (int connection = 1; connection <= 2; ++connection) {
    H2Peer attacker = victim.connect();
    attacker.request(h2_request("POST"), H2Ends::no);
    CHECK(victim.attack(attacker, kFrames, row.bytes));
    attacker.peer().reset();
    CHECK(victim.proxy.wait_number("downstream/connections/h2_floods_total", connection) ==
          connection);
    CHECK(counted(victim, row.reason) == connection);
  }
  // What a connection still had to say when it was given up is counted no more.
  CHECK(victim.proxy.wait_number("downstream/connections/open", 0) == 0);
  CHECK(victim.proxy.stats().number("downstream/connections/h2_floods_total") == 2);
}

TEST_CASE("answers that a client does not read are a flood of what it asked with") {
  const auto [reason, frame] = GENERATE(
      table<std::string, std::string>({{"ping", H2Frame{H2Type::ping, 0, 0, "12345678"}.wire()},
                                       {"settings", h2_settings({}).wire()}}));
  CAPTURE(reason);
  H2Victim victim;
  // So many in one read that nghttp2, which answers at the end of it, gives up before the budget.
  H2Peer attacker = victim.connect();
  std::string many;
  for (int i = 0; i < 3000; ++i) many += frame;
  attacker.try_send(many);
  CHECK(victim.proxy.wait_number("downstream/connections/h2_floods_total", 1) == 1);
  CHECK(counted(victim, reason) == 1);
}

TEST_CASE("as many resets as http2.reset_burst allows are no flood") {
  H2Victim victim("", {.more = "[server.http2]\nreset_burst = 3000\n"});
  H2Peer client = victim.connect();
  std::string wire;
  for (int i = 0; i < 2500; ++i)
    wire += h2_headers(id_of(i), h2_request("POST"), kEndHeaders | kEndStream).wire() +
            h2_reset(id_of(i)).wire();
  REQUIRE(client.try_send(wire));
  CHECK(client.answers());
  CHECK_FALSE(client.goaway().has_value());
  CHECK(victim.proxy.stats().number("downstream/connections/h2_floods_total") == 0);
}

}  // namespace
}  // namespace onehop::test
