// SPDX-License-Identifier: MIT
// When names are looked up, and what becomes of the answers. Services are in
// discovery_services_test.cc.
#include "onehop/upstream/discovery.h"

#include "tests/support/catch.h"
#include "tests/unit/upstream/discovery_side.h"

namespace onehop::upstream {
namespace {

using net::AddressAnswer;
using test::addresses;

const auto kFailed = test::failed<AddressAnswer>();
const auto kNoSuchName = test::no_such_name<AddressAnswer>();

TEST_CASE("an entry of an upstream is a host with a port, or services") {
  const auto host = Source::parse("app.test:8080", 3);
  REQUIRE(host.has_value());
  CHECK((host->kind == Source::Kind::addresses));
  CHECK(host->name == "app.test");
  CHECK(host->port == 8080);
  CHECK(host->weight == 3);
  CHECK(host->to_string() == "app.test:8080");
  CHECK(Source::parse("[::1]:80", 1)->to_string() == "[::1]:80");
  const auto services = Source::parse("srv:_http._tcp.app.test", 1);
  REQUIRE(services.has_value());
  CHECK((services->kind == Source::Kind::services));
  CHECK(services->name == "_http._tcp.app.test");
  CHECK(services->to_string() == "srv:_http._tcp.app.test");
  const auto host_called_srv = Source::parse("srv:80", 1);
  REQUIRE(host_called_srv.has_value());
  CHECK(host_called_srv->name == "srv");
  CHECK(host_called_srv->port == 80);
}

TEST_CASE("an entry that is neither is refused with a sentence") {
  for (const std::string& text :
       {std::string(), std::string("app.test"), std::string(":80"), std::string("app.test:0"),
        std::string("srv:"), std::string("srv:a b"), std::string("srv:a:80"),
        std::string("srv:[::1]"), std::string(260, 'a') + ":80"}) {
    INFO(text);
    const auto source = Source::parse(text, 1);
    REQUIRE_FALSE(source.has_value());
    CHECK_FALSE(source.error().empty());
  }
}

TEST_CASE("every source is looked up at the start, and nothing is told before there is an answer") {
  DiscoverySide side({"a.test:80", "b.test:81"});
  CHECK(side.names.waiting("a.test") == 1);
  CHECK(side.names.waiting("b.test") == 1);
  CHECK(side.changes.empty());
  CHECK_FALSE(side.discovery->complete());
  side.names.answer("b.test", addresses({"192.0.2.2"}, 5));
  REQUIRE(side.changes.size() == 1);
  CHECK(side.changes[0].first == 1);
  CHECK(side.changes[0].second == Lines{"192.0.2.2:81"});
  CHECK_FALSE(side.discovery->complete());
  side.names.answer("a.test", addresses({"192.0.2.1"}, 5));
  REQUIRE(side.changes.size() == 2);
  CHECK(side.changes[1].first == 0);
  CHECK(side.changes[1].second == Lines{"192.0.2.1:80"});
  CHECK(side.discovery->complete());
}

TEST_CASE("a first list is sorted, IPv4 before IPv6, with the port and weight of its source") {
  DiscoverySide side;
  std::vector<Source> sources = {Source::parse("app.test:8080", 7).value()};
  side.discovery.emplace(Discovery::Parts{side.loop, side.names, side, "app"}, sources);
  side.names.answer("app.test", addresses({"2001:db8::1", "192.0.2.10", "192.0.2.9"}, 5));
  CHECK(side.list() == Lines{"192.0.2.9:8080 weight 7", "192.0.2.10:8080 weight 7",
                             "[2001:db8::1]:8080 weight 7"});
}

TEST_CASE(
    "a name is looked up again when its TTL is over, which is at least 1 s and 30 s at most") {
  const auto& [ttl_s, after_ms] = GENERATE(table<uint32_t, uint64_t>(
      {{0, 1000}, {1, 1000}, {5, 5000}, {30, 30'000}, {3600, 30'000}, {INT32_MAX, 30'000}}));
  CAPTURE(ttl_s, after_ms);
  DiscoverySide side;
  for (int round = 0; round < 3; ++round) {
    side.names.answer("app.test", addresses({"192.0.2.1"}, ttl_s));
    CHECK(side.names.waiting() == 0);
    CHECK(side.begins_after_ms(after_ms));
    REQUIRE(side.names.waiting("app.test") == 1);
  }
}

TEST_CASE("the bounds of a TTL are those that are given") {
  DiscoverySide side({"app.test:80"}, {.min_ms = 200, .max_ms = 700});
  side.names.answer("app.test", addresses({"192.0.2.1"}, 0));
  CHECK(side.begins_after_ms(200));
  side.names.answer("app.test", addresses({"192.0.2.1"}, 5));
  CHECK(side.begins_after_ms(700));
}

TEST_CASE("after a refused connect the name is looked up at once") {
  DiscoverySide side;
  side.names.answer("app.test", addresses({"192.0.2.1"}, 30));
  side.loop.pass_ms(5000);
  side.discovery->refused(0);
  CHECK(side.names.waiting() == 0);  // not within the call
  side.loop.pass_ms(8);
  CHECK(side.names.waiting("app.test") == 1);
}

TEST_CASE("however many connects are refused, look-ups begin no closer than the minimum") {
  DiscoverySide side;
  side.names.answer("app.test", addresses({"192.0.2.1"}, 30));
  for (int i = 0; i < 50; ++i) {
    side.discovery->refused(0);
    side.loop.pass_ms(10);
  }
  CHECK(side.names.begun() == 1);
  side.discovery->refused(0);
  CHECK(side.begins_after_ms(500));
  CHECK(side.names.begun() == 2);
  side.names.answer("app.test", addresses({"192.0.2.1"}, 30));
  CHECK(side.begins_after_ms(30'000));
}

TEST_CASE("a connect that is refused while the name is looked up has it looked up once more") {
  DiscoverySide side;
  side.names.answer("app.test", addresses({"192.0.2.1"}, 30));
  side.loop.pass_ms(30'008);
  REQUIRE(side.names.waiting() == 1);
  side.discovery->refused(0);
  side.loop.pass_ms(300);
  side.names.answer("app.test", addresses({"192.0.2.1"}, 30));
  CHECK(side.begins_after_ms(700 - 8));
}

TEST_CASE("a refused connect does not put a look-up off that is due before") {
  DiscoverySide side;
  side.loop.pass_ms(600);
  side.names.answer("app.test", addresses({"192.0.2.1"}, 0));
  side.loop.pass_ms(990);
  side.discovery->refused(0);
  side.loop.pass_ms(18);
  CHECK(side.names.waiting() == 1);
}

TEST_CASE("an answer that is no help leaves the last good list") {
  const AddressAnswer bad = GENERATE(as<AddressAnswer>(), kFailed, kNoSuchName, addresses({}, 0));
  DiscoverySide side;
  side.names.answer("app.test", addresses({"192.0.2.1", "192.0.2.2"}, 1));
  for (int round = 0; round < 3; ++round) {
    side.loop.pass_ms(30'008);
    side.names.answer("app.test", bad);
  }
  CHECK(side.changes.size() == 1);
  CHECK(side.list() == Lines{"192.0.2.1:80", "192.0.2.2:80"});
  CHECK(side.counts().lookups == 4);
  CHECK(side.counts().failed == 3);
  CHECK(side.counts().changes == 1);
}

TEST_CASE("the log says once that a name is not found, and once that it is found again") {
  DiscoverySide side;
  side.names.answer("app.test", addresses({"192.0.2.1", "192.0.2.2"}, 1));
  CHECK(DiscoverySide::warnings().empty());
  for (const AddressAnswer& bad : {kFailed, kNoSuchName, kFailed, addresses({}, 5)}) {
    side.loop.pass_ms(30'008);
    side.names.answer("app.test", bad);
  }
  CHECK(DiscoverySide::warnings() ==
        Lines{"upstream app: app.test:80 is not found, and keeps 2 addresses: a hand said no"});
  CHECK(DiscoverySide::infos().empty());
  for (int round = 0; round < 3; ++round) {
    side.loop.pass_ms(30'008);
    side.names.answer("app.test", addresses({"192.0.2.1"}, 1));
  }
  CHECK(DiscoverySide::warnings().size() == 1);
  CHECK(DiscoverySide::infos() == Lines{"upstream app: app.test:80 is found again: 1 address"});
}

TEST_CASE("the log says what is wrong with a name that has no address from the start") {
  DiscoverySide side({"a.test:80", "b.test:80"});
  side.names.answer("a.test", kNoSuchName);
  side.names.answer("b.test", addresses({}, 0));
  CHECK(DiscoverySide::warnings() ==
        Lines{"upstream app: a.test:80 is not found, and has no address: there is no such name",
              "upstream app: b.test:80 is not found, and has no address: the name has no address"});
}

TEST_CASE("a name that is not found at the start has an empty list until it is found") {
  const AddressAnswer bad = GENERATE(as<AddressAnswer>(), kFailed, kNoSuchName, addresses({}, 0));
  DiscoverySide side;
  side.names.answer("app.test", bad);
  REQUIRE(side.changes.size() == 1);
  CHECK(side.changes[0].second.empty());
  CHECK(side.discovery->complete());
  side.loop.pass_ms(1008);
  side.names.answer("app.test", bad);
  CHECK(side.changes.size() == 1);
  side.loop.pass_ms(2008);
  side.names.answer("app.test", addresses({"192.0.2.1"}, 5));
  REQUIRE(side.changes.size() == 2);
  CHECK(side.changes[1].second == Lines{"192.0.2.1:80"});
}

TEST_CASE("failures are tried again after the minimum, then twice as long, up to the maximum") {
  DiscoverySide side;
  for (const uint64_t after_ms : {1000, 2000, 4000, 8000, 16'000, 30'000, 30'000}) {
    side.names.answer("app.test", kFailed);
    CHECK(side.begins_after_ms(after_ms));
  }
  side.names.answer("app.test", addresses({"192.0.2.1"}, 5));
  CHECK(side.begins_after_ms(5000));
  side.names.answer("app.test", kNoSuchName);
  CHECK(side.begins_after_ms(1000));
}

TEST_CASE("a refused connect has a name that is not found looked up before its time") {
  DiscoverySide side;
  for (int i = 0; i < 5; ++i) {
    side.names.answer("app.test", kFailed);
    side.loop.pass_ms(30'008);
  }
  side.names.answer("app.test", kFailed);
  side.loop.pass_ms(2000);
  side.discovery->refused(0);
  side.loop.pass_ms(8);
  CHECK(side.names.waiting() == 1);
}

TEST_CASE("the same addresses in another order are no change, and neither are duplicates") {
  DiscoverySide side;
  side.names.answer("app.test", addresses({"192.0.2.1", "192.0.2.2", "2001:db8::1"}, 1));
  side.loop.pass_ms(1008);
  side.names.answer("app.test", addresses({"2001:db8::1", "192.0.2.2", "192.0.2.1"}, 1));
  side.loop.pass_ms(1008);
  side.names.answer("app.test", addresses({"192.0.2.2", "192.0.2.2", "192.0.2.1", "2001:db8::1",
                                           "192.0.2.1", "2001:db8::1"},
                                          1));
  CHECK(side.changes.size() == 1);
  CHECK(side.list() == Lines{"192.0.2.1:80", "192.0.2.2:80", "[2001:db8::1]:80"});
  CHECK(side.counts().changes == 1);
}

TEST_CASE("those that stay keep their order, and new ones follow sorted") {
  DiscoverySide side;
  side.names.answer("app.test", addresses({"192.0.2.5", "192.0.2.7"}, 1));
  side.loop.pass_ms(1008);
  side.names.answer("app.test", addresses({"192.0.2.3", "192.0.2.7", "192.0.2.5", "192.0.2.1"}, 1));
  CHECK(side.list() == Lines{"192.0.2.5:80", "192.0.2.7:80", "192.0.2.1:80", "192.0.2.3:80"});
  side.loop.pass_ms(1008);
  side.names.answer("app.test", addresses({"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.7"}, 1));
  CHECK(side.list() == Lines{"192.0.2.7:80", "192.0.2.1:80", "192.0.2.3:80", "192.0.2.2:80"});
  CHECK(side.changes.size() == 3);
}

TEST_CASE(
    "the family that failed keeps what was known of it, and the look-up is tried again soon") {
  DiscoverySide side;
  side.names.answer("app.test", addresses({"192.0.2.1", "192.0.2.2", "2001:db8::1"}, 30));
  side.loop.pass_ms(30'008);
  side.names.answer("app.test", test::lacking(addresses({"192.0.2.3"}, 30), net::Family::v6));
  CHECK(side.list() == Lines{"[2001:db8::1]:80", "192.0.2.3:80"});
  CHECK(side.counts().in_part == 1);
  CHECK(side.counts().failed == 0);
  CHECK(side.begins_after_ms(1000));
  side.names.answer("app.test", test::lacking(addresses({"192.0.2.3"}, 30), net::Family::v6));
  CHECK(side.list() == Lines{"[2001:db8::1]:80", "192.0.2.3:80"});
  CHECK(DiscoverySide::warnings() ==
        Lines{"upstream app: app.test:80 is found in part, with what was known 2 addresses: IPv6: "
              "a hand said so"});
  CHECK(side.begins_after_ms(2000));
  side.names.answer("app.test", addresses({"192.0.2.3"}, 30));
  CHECK(side.list() == Lines{"192.0.2.3:80"});
  CHECK(DiscoverySide::infos().size() == 1);
}

TEST_CASE("a name whose other family fails for ever is looked up again after its TTL") {
  DiscoverySide side;
  for (int i = 0; i < 5; ++i) {
    side.names.answer("app.test", test::lacking(addresses({"192.0.2.1"}, 1), net::Family::v6));
    CHECK(side.begins_after_ms(1000));
  }
}

TEST_CASE("the log says when a name that was found in part is not found at all") {
  DiscoverySide side;
  side.names.answer("app.test", test::lacking(addresses({"2001:db8::1"}, 30), net::Family::v4));
  CHECK(DiscoverySide::warnings().size() == 1);
  side.loop.pass_ms(1008);
  side.names.answer("app.test", kFailed);
  REQUIRE(DiscoverySide::warnings().size() == 2);
  CHECK(DiscoverySide::warnings()[1].find("is not found") != std::string::npos);
}

TEST_CASE("a list has 1,024 addresses at most, and the log says once that there are more") {
  DiscoverySide side;
  AddressAnswer many = addresses({}, 1);
  for (int i = 0; i < 1100; ++i) {
    const std::string ip = fmt::format("10.0.{}.{}", i / 250, i % 250);
    many.records.push_back({Address::numeric(ip, 0).value(), 1});
  }
  side.names.answer("app.test", many);
  CHECK(side.list().size() == Discovery::kMaxAddresses);
  side.loop.pass_ms(1008);
  many.left_out = 5;
  side.names.answer("app.test", many);
  CHECK(side.changes.size() == 1);
  CHECK(DiscoverySide::warnings() ==
        Lines{"upstream app: app.test:80 has more than is used: 1024 addresses are, 76 records "
              "are left out"});
}

TEST_CASE("what a discovery has begun is given up when it is destroyed") {
  DiscoverySide side({"a.test:80", "b.test:80"});
  side.names.answer("a.test", addresses({"192.0.2.1"}, 1));
  side.discovery.reset();
  CHECK(side.names.waiting() == 0);
  side.loop.pass_ms(100'000);
  CHECK(side.names.begun() == 2);
  CHECK(side.changes.size() == 1);
}

TEST_CASE("a discovery may be destroyed from within a change") {
  DiscoverySide side({"a.test:80", "b.test:80"});
  side.then = [&] { side.discovery.reset(); };
  side.names.answer("a.test", addresses({"192.0.2.1"}, 1));
  CHECK(side.names.waiting() == 0);
  CHECK(side.changes.size() == 1);
}

TEST_CASE("a refused connect may be told from within a change") {
  DiscoverySide side;
  side.then = [&] { side.discovery->refused(0); };
  side.names.answer("app.test", addresses({"192.0.2.1"}, 30));
  CHECK(side.begins_after_ms(1000));
}

}  // namespace
}  // namespace onehop::upstream
