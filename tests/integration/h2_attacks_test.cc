// SPDX-License-Identifier: MIT
// The attacks on HTTP/2 servers of the last years (edge cases 97 to 103), run for real: the proxy's
// memory stays bounded, the attacker is cut off where that is the cure, and an honest client is
// served meanwhile.
#include "tests/support/catch.h"
#include "tests/support/h2_client.h"
#include "tests/support/h2_victim.h"

namespace onehop::test {
namespace {

int32_t id_of(int i) {
  return 2 * i + 1;
}

std::string request_wire(int32_t id, uint8_t flags = kEndHeaders | kEndStream) {
  return h2_headers(id, h2_request("POST"), flags).wire();
}

std::string padding(int32_t id) {
  return H2Frame{H2Type::data, kEndStream, id, "x"}.wire();
}

void check_held_out(H2Victim& victim) {
  CHECK(victim.served_meanwhile);
  CHECK(victim.most_grown < attack_growth());
  CHECK(victim.serves());
  CHECK(victim.proxy.wait_number("downstream/requests/in_flight", 0) == 0);
}

TEST_CASE("97: a client that opens and resets streams without end is cut off") {
  H2Victim victim;
  H2Peer attacker = victim.connect();
  const bool cut_off = victim.attack(
      attacker, 20'000, [](int i) { return request_wire(id_of(i)) + h2_reset(id_of(i)).wire(); });
  CHECK(cut_off);
  CHECK(attacker.goaway().value_or(kEnhanceYourCalm) == kEnhanceYourCalm);
  CHECK(victim.most_in_flight < 200);
  CHECK(victim.origin.requests() < 3000);
  check_held_out(victim);
}

TEST_CASE("97: a client that resets now and then, as browsers do, is not cut off") {
  H2Victim victim(ok("done"));
  H2Peer client = victim.connect();
  for (int i = 0; i < 300; ++i) {
    client.send(h2_reset(client.request(h2_request())));
    REQUIRE(client.answers());
  }
  CHECK(client.response(client.request(h2_request())).body == "done");
}

TEST_CASE("98: a client that makes the proxy reset streams without end is cut off") {
  struct Row {
    std::string name;
    std::function<std::string(int32_t)> bytes;
  };
  const uint32_t most = 0x7fffffff;
  const Row row = GENERATE_COPY(
      Row{"a window that overflows",
          [=](int32_t id) {
            return request_wire(id, kEndHeaders) + h2_window_update(id, most).wire();
          }},
      Row{"an increment of zero",
          [](int32_t id) {
            return request_wire(id, kEndHeaders) + h2_window_update(id, 0).wire();
          }},
      Row{"DATA after the end", [](int32_t id) { return request_wire(id) + padding(id); }},
      Row{"HEADERS after the end", [](int32_t id) { return request_wire(id) + request_wire(id); }},
      Row{"a head without a method",
          [](int32_t id) {
            return h2_headers(id, {{":scheme", "http"}, {":path", "/"}}, kEndHeaders).wire();
          }},
      Row{"more DATA than Content-Length",
          [](int32_t id) {
            return h2_headers(id, h2_request("POST", "/", {{"content-length", "0"}}), kEndHeaders)
                       .wire() +
                   padding(id);
          }},
      Row{"a stream that depends on itself", [](int32_t id) {
            return request_wire(id, kEndHeaders) +
                   H2Frame{H2Type::priority, 0, id, h2_number(static_cast<uint32_t>(id)) + "x"}
                       .wire() +
                   h2_reset(id).wire();
          }});
  CAPTURE(row.name);
  H2Victim victim;
  H2Peer attacker = victim.connect();
  CHECK(victim.attack(attacker, 20'000, [&](int i) { return row.bytes(id_of(i)); }));
  CHECK(victim.origin.requests() < 3000);
  check_held_out(victim);
}

TEST_CASE("99: a header block that never ends is cut off") {
  const size_t size = GENERATE(size_t{0}, size_t{1}, size_t{16000});
  CAPTURE(size);
  H2Victim victim;
  H2Peer attacker = victim.connect();
  attacker.send(h2_headers(1, h2_request(), 0));
  const std::string field = size < 2 ? std::string(size, '\x82') : h2_block({{"a", {}}});
  std::string block;
  while (block.size() < size) block += field;
  std::string frame = H2Frame{H2Type::continuation, 0, 1, block}.wire();
  CHECK(victim.attack(attacker, 20'000, [&](int) { return frame; }));
  check_held_out(victim);
}

TEST_CASE("99: a header block that is begun and left is ended by the timeout of a head") {
  H2Victim victim("", {.timeouts = "request_head = \"200ms\""});
  H2Peer attacker = victim.connect();
  REQUIRE(attacker.answers());  // nothing of ours may come in the middle of the block
  attacker.send(h2_headers(1, h2_request(), 0));
  CHECK_FALSE(attacker.await([] { return false; }));
  CHECK_FALSE(attacker.goaway().has_value());
  check_held_out(victim);
}

// A field of 4,000 bytes that goes into the table, then a thousand references to it of a byte each:
// 4 MB of a head out of 5 KB.
std::string bomb(size_t references) {
  std::string value(3900, 'v');
  std::string block = h2_block(h2_request());
  std::string indexed = h2_block({{"big", value}});
  indexed[0] = '\x40';
  return block + indexed + std::string(references, '\xbe');
}

TEST_CASE("100: a head that is small on the wire and large unpacked is refused and costs nothing") {
  H2Victim victim(ok("done"));
  H2Peer attacker = victim.connect();
  for (int i = 0; i < 200; ++i) {
    const int32_t id = id_of(i);
    attacker.send({H2Type::headers, kEndHeaders | kEndStream, id, bomb(10'000)});
    const H2Exchange& exchange = attacker.finish(id);
    if (attacker.ended()) break;
    CHECK((exchange.status() == 431 || exchange.reset.has_value()));
  }
  CHECK(victim.grown() < attack_growth());
  // The table survives what was refused: a good request on the same connection works.
  if (!attacker.ended()) {
    attacker.send(h2_headers(401, h2_request(), kEndHeaders | kEndStream));
    CHECK(attacker.finish(401).status() == 200);
  }
  check_held_out(victim);
}

TEST_CASE(
    "100: crumbs of a cookie beyond the bytes of a head, and many small fields, are refused") {
  const std::string name = GENERATE(as<std::string>(), "cookie", "x");
  const size_t size = GENERATE(size_t{1}, size_t{3});
  CAPTURE(name, size);
  H2Victim victim(ok("done"));
  H2Peer attacker = victim.connect();
  // Put into the table once, then a byte each: 16,001 of them, where 32 KiB are allowed.
  std::string block = h2_block({{name, std::string(size, 'c')}});
  block[0] = '\x40';
  block = h2_block(h2_request()) + block + std::string(16'000, '\xbe') + h2_block({{name, "d"}});
  for (int i = 0; i < 50; ++i) {
    const int32_t id = id_of(i);
    attacker.send({H2Type::headers, kEndHeaders | kEndStream, id, block});
    const H2Exchange& exchange = attacker.finish(id);
    REQUIRE_FALSE(attacker.ended());
    CHECK(exchange.status() == 431);
  }
  CHECK(victim.grown() < attack_growth());
  check_held_out(victim);
}

struct Flood {
  std::string name;
  std::string wire;
};

TEST_CASE("101: a flood of frames that carry nothing is cut off") {
  const Flood row = GENERATE(
      Flood{"SETTINGS", h2_settings({}).wire()},
      Flood{"SETTINGS that change a window", h2_settings({{kInitialWindowSize, 1000}}).wire()},
      Flood{"SETTINGS acknowledged", H2Frame{H2Type::settings, kAck, 0, ""}.wire()},
      Flood{"PING", H2Frame{H2Type::ping, 0, 0, "12345678"}.wire()},
      Flood{"PING acknowledged", H2Frame{H2Type::ping, kAck, 0, "12345678"}.wire()},
      Flood{"PRIORITY", H2Frame{H2Type::priority, 0, 5, h2_number(0) + "x"}.wire()},
      Flood{"unknown frames", H2Frame{static_cast<H2Type>(0xbe), 0, 0, ""}.wire()},
      Flood{"unknown frames on a stream", H2Frame{static_cast<H2Type>(0x0a), 0, 1, "x"}.wire()},
      Flood{"empty DATA", H2Frame{H2Type::data, 0, 1, ""}.wire()},
      Flood{"padded empty DATA", H2Frame{H2Type::data, 8, 1, std::string(1, '\0')}.wire()});
  CAPTURE(row.name);
  H2Victim victim;
  H2Peer attacker = victim.connect();
  attacker.request(h2_request("POST"), H2Ends::no);
  CHECK(victim.attack(attacker, 300'000, [&](int) { return row.wire; }));
  attacker.peer().reset();
  check_held_out(victim);
}

TEST_CASE("101: a flood of frames that need no answer costs others nothing") {
  std::string update = h2_window_update(0, 1).wire();
  H2Victim victim;
  H2Peer attacker = victim.connect();
  attacker.request(h2_request("POST"), H2Ends::no);
  victim.attack(attacker, 300'000, [&](int) { return update; });
  attacker.peer().reset();
  check_held_out(victim);
}

TEST_CASE("101: PINGs whose answers nobody reads do not pile up") {
  H2Victim victim;
  Peer slow = Peer::connect(victim.proxy.address(), 4096);
  H2Peer attacker(slow, H2Peer::Role::client);
  const std::string ping = H2Frame{H2Type::ping, 0, 0, "12345678"}.wire();
  std::string many;
  for (int i = 0; i < 5000; ++i) many += ping;
  attacker.try_send(many);
  CHECK(victim.grown() < attack_growth());
  CHECK(victim.serves());
}

}  // namespace
}  // namespace onehop::test
