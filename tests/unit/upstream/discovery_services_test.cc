// SPDX-License-Identifier: MIT
// What becomes of SRV records (RFC 2782) and of the addresses of their targets.
#include "onehop/upstream/discovery.h"

#include <algorithm>

#include "tests/support/catch.h"
#include "tests/unit/upstream/discovery_side.h"

namespace onehop::upstream {
namespace {

using net::AddressAnswer;
using net::ServiceAnswer;
using test::addresses;
using test::services;
using Records = std::vector<ServiceAnswer::Record>;

const auto kFailed = test::failed<AddressAnswer>();
const auto kNoSuchName = test::no_such_name<AddressAnswer>();
const std::string kName = "_http._tcp.app.test";

ServiceAnswer::Record record(std::string target, uint16_t port, uint16_t priority = 0,
                             uint16_t weight = 1) {
  return {std::move(target), port, priority, weight, 0};
}

struct ServiceSide : DiscoverySide {
  ServiceSide() : DiscoverySide({"srv:" + kName}) {}
  void answer(Records records, uint32_t ttl_s = 1) {
    names.answer(kName, services(std::move(records), ttl_s));
  }
  void answer(std::string_view target, const AddressAnswer& answer) {
    names.answer(target, answer);
  }
  void next_look() {
    loop.pass_ms(30'008);
    REQUIRE(names.waiting(kName) == 1);
  }
};

TEST_CASE("services are the addresses of their targets, with the port and weight of each record") {
  ServiceSide side;
  side.answer({record("b.test", 8081, 0, 7), record("a.test", 8080, 0, 0)});
  CHECK(side.changes.empty());
  CHECK(side.names.waiting() == 2);
  side.answer("a.test", addresses({"192.0.2.1", "2001:db8::1"}, 60));
  CHECK(side.changes.empty());
  side.answer("b.test", addresses({"192.0.2.2"}, 60));
  REQUIRE(side.changes.size() == 1);
  CHECK(side.list() == Lines{"192.0.2.1:8080", "192.0.2.2:8081 weight 7", "[2001:db8::1]:8080"});
  CHECK(side.names.waiting() == 0);
}

TEST_CASE("a target that several records name is looked up once") {
  ServiceSide side;
  side.answer({record("a.test", 8080), record("b.test", 80), record("a.test", 8081)});
  CHECK(side.names.waiting("a.test") == 1);
  side.answer("a.test", addresses({"192.0.2.1"}, 60));
  side.answer("b.test", addresses({"192.0.2.2"}, 60));
  CHECK(side.list() == Lines{"192.0.2.1:8080", "192.0.2.1:8081", "192.0.2.2:80"});
}

TEST_CASE("an address that several records lead to is there once, with the largest weight") {
  ServiceSide side;
  side.answer({record("a.test", 80, 0, 2), record("b.test", 80, 0, 5), record("a.test", 80, 0, 3)});
  side.answer("a.test", addresses({"192.0.2.1"}, 60));
  side.answer("b.test", addresses({"192.0.2.1"}, 60));
  CHECK(side.list() == Lines{"192.0.2.1:80 weight 5"});
}

TEST_CASE("only the lowest priority is looked up and used") {
  ServiceSide side;
  side.answer({record("backup.test", 80, 20), record("main.test", 80, 10)});
  CHECK(side.names.waiting("backup.test") == 0);
  side.answer("main.test", addresses({"192.0.2.1"}, 60));
  CHECK(side.list() == Lines{"192.0.2.1:80 priority 10"});
  CHECK(side.names.waiting() == 0);
}

TEST_CASE("the next priority is used while none of the lowest has an address") {
  const AddressAnswer bad = GENERATE(as<AddressAnswer>(), kFailed, kNoSuchName, addresses({}, 0));
  const Records records = {record("a.test", 80, 10), record("b.test", 80, 10),
                           record("c.test", 80, 20), record("d.test", 80, 30)};
  ServiceSide side;
  side.answer(records);
  side.answer("b.test", bad);
  CHECK(side.names.waiting("c.test") == 0);
  side.answer("a.test", bad);
  CHECK(side.names.waiting("c.test") == 1);
  side.answer("c.test", addresses({"192.0.2.3"}, 60));
  CHECK(side.names.waiting() == 0);
  CHECK(side.list() == Lines{"192.0.2.3:80 priority 20"});
  CHECK(side.counts().in_part == 1);
  REQUIRE(DiscoverySide::warnings().size() == 1);
  CHECK(DiscoverySide::warnings()[0].find("a.test: ") != std::string::npos);

  CHECK(side.begins_after_ms(1000));
  side.answer(records);
  side.answer("b.test", addresses({"192.0.2.2"}, 60));
  side.answer("a.test", addresses({"192.0.2.1"}, 60));
  CHECK(side.list() == Lines{"192.0.2.1:80 priority 10", "192.0.2.2:80 priority 10"});
  CHECK(DiscoverySide::infos().size() == 1);
}

TEST_CASE("where no target of any priority has an address the last good list stays") {
  ServiceSide side;
  const Records records = {record("a.test", 80, 10), record("b.test", 80, 20)};
  side.answer(records);
  side.answer("a.test", addresses({"192.0.2.1"}, 60));
  side.next_look();
  side.answer(records);
  side.answer("a.test", kNoSuchName);
  side.answer("b.test", kNoSuchName);
  CHECK(side.list() == Lines{"192.0.2.1:80 priority 10"});
  CHECK(side.counts().failed == 1);
}

TEST_CASE("targets that are known, and fail for once, do not give way to the next priority") {
  ServiceSide side;
  const Records records = {record("a.test", 80, 10), record("b.test", 80, 20)};
  side.answer(records);
  side.answer("a.test", addresses({"192.0.2.1"}, 60));
  side.next_look();
  side.answer(records);
  side.answer("a.test", kFailed);
  CHECK(side.names.waiting() == 0);
  CHECK(side.list() == Lines{"192.0.2.1:80 priority 10"});
  CHECK(side.changes.size() == 1);
  CHECK(side.counts().failed == 1);
  CHECK(DiscoverySide::warnings() ==
        Lines{"upstream app: srv:_http._tcp.app.test is not found, and keeps 1 address: a.test: a "
              "hand said no"});
  CHECK(side.begins_after_ms(1000));
}

TEST_CASE("SRV records that are no help leave the last good list") {
  const ServiceAnswer bad =
      GENERATE(test::failed<ServiceAnswer>(), test::no_such_name<ServiceAnswer>(), services({}, 0));
  ServiceSide side;
  side.answer({record("a.test", 80)});
  side.answer("a.test", addresses({"192.0.2.1"}, 60));
  side.next_look();
  side.names.answer(kName, bad);
  CHECK(side.list() == Lines{"192.0.2.1:80"});
  CHECK(side.changes.size() == 1);
  CHECK(side.counts().failed == 1);
  CHECK(DiscoverySide::warnings().size() == 1);
  CHECK(side.begins_after_ms(1000));
}

TEST_CASE("services that are not there at the start have an empty list") {
  ServiceSide side;
  side.names.answer(kName, test::no_such_name<ServiceAnswer>());
  REQUIRE(side.changes.size() == 1);
  CHECK(side.changes[0].second.empty());
}

TEST_CASE("a record that says that there is no such service is no help, and its reason is said") {
  ServiceSide side;
  side.answer({record("", 0)});
  REQUIRE(side.changes.size() == 1);
  CHECK(side.list().empty());
  CHECK(DiscoverySide::warnings() ==
        Lines{"upstream app: srv:_http._tcp.app.test is not found, and has no address: its SRV "
              "record says that there is no such service"});
}

TEST_CASE("a target that failed keeps the addresses that it had, as long as a record names it") {
  ServiceSide side;
  const Records both = {record("a.test", 80), record("b.test", 80)};
  side.answer(both);
  side.answer("a.test", addresses({"192.0.2.1"}, 60));
  side.answer("b.test", addresses({"192.0.2.2"}, 60));
  side.next_look();
  side.answer({record("a.test", 80), record("b.test", 81), record("c.test", 80)});
  side.answer("a.test", addresses({"192.0.2.7"}, 60));
  side.answer("b.test", kFailed);
  side.answer("c.test", kFailed);
  CHECK(side.list() == Lines{"192.0.2.2:81", "192.0.2.7:80"});
  CHECK(side.counts().in_part == 1);
  CHECK(side.begins_after_ms(1000));
  side.answer({record("a.test", 80)});
  side.answer("a.test", addresses({"192.0.2.7"}, 60));
  CHECK(side.list() == Lines{"192.0.2.7:80"});
  side.next_look();
  side.answer(both);
  side.answer("a.test", addresses({"192.0.2.7"}, 60));
  side.answer("b.test", kFailed);
  CHECK(side.list() == Lines{"192.0.2.7:80"});
}

TEST_CASE("another weight, port or priority is a change, and another order of records is none") {
  ServiceSide side;
  const auto look = [&](const Records& records) {
    side.answer(records);
    side.answer("a.test", addresses({"192.0.2.1"}, 60));
    side.answer("b.test", addresses({"192.0.2.2"}, 60));
    side.next_look();
    return side.changes.size();
  };
  CHECK(look({record("a.test", 80), record("b.test", 80)}) == 1);
  CHECK(look({record("b.test", 80), record("a.test", 80)}) == 1);
  CHECK(look({record("b.test", 80), record("a.test", 80, 0, 9)}) == 2);
  CHECK(side.list() == Lines{"192.0.2.1:80 weight 9", "192.0.2.2:80"});
  CHECK(look({record("b.test", 81), record("a.test", 80, 0, 9)}) == 3);
  CHECK(look({record("b.test", 81, 5), record("a.test", 80, 5, 9)}) == 4);
  CHECK(side.list() == Lines{"192.0.2.1:80 weight 9 priority 5", "192.0.2.2:81 priority 5"});
}

TEST_CASE("services are looked up again when the smallest TTL is over") {
  const auto& [of_records, of_target] =
      GENERATE(table<uint32_t, uint32_t>({{7, 20}, {20, 7}, {7, 7}}));
  ServiceSide side;
  side.answer({record("a.test", 80), record("b.test", 80)}, of_records);
  side.answer("a.test", addresses({"192.0.2.1"}, of_target));
  side.answer("b.test", addresses({"192.0.2.2"}, 25));
  CHECK(side.begins_after_ms(7000));
}

TEST_CASE("of many targets a few are looked up at a time, and no more than 256 in all") {
  ServiceSide side;
  Records records;
  for (int i = 0; i < 300; ++i) records.push_back(record(fmt::format("t{:03}.test", i), 80));
  side.answer(records);
  size_t answered = 0;
  size_t most_at_once = 0;
  while (side.names.waiting() > 0) {
    most_at_once = std::max(most_at_once, side.names.waiting());
    const std::string name = side.names.first();
    side.answer(name, addresses({fmt::format("10.0.0.{}", answered++)}, 60));
  }
  CHECK(most_at_once == 16);
  CHECK(answered == Discovery::kMaxTargets);
  CHECK(side.list().size() == Discovery::kMaxTargets);
  REQUIRE(DiscoverySide::warnings().size() == 1);
  CHECK(DiscoverySide::warnings()[0].find("44 records are left out") != std::string::npos);
}

TEST_CASE("targets with thousands of addresses make no longer list than one name does") {
  ServiceSide side;
  Records records;
  for (int i = 0; i < 8; ++i) records.push_back(record(fmt::format("t{}.test", i), 80));
  side.answer(records);
  for (int i = 0; i < 8; ++i) {
    AddressAnswer many = addresses({}, 60);
    for (int j = 0; j < 1024; ++j) {
      const std::string ip = fmt::format("10.{}.{}.{}", i, j / 256, j % 256);
      many.records.push_back({Address::numeric(ip, 0).value(), 60});
    }
    side.answer(fmt::format("t{}.test", i), many);
  }
  CHECK(side.list().size() == Discovery::kMaxAddresses);
  REQUIRE(DiscoverySide::warnings().size() == 1);
  CHECK(DiscoverySide::warnings()[0].find("7168 records are left out") != std::string::npos);
}

TEST_CASE("look-ups of services and targets are given up when the discovery is destroyed") {
  ServiceSide side;
  side.answer({record("a.test", 80), record("b.test", 80)});
  side.answer("a.test", addresses({"192.0.2.1"}, 60));
  side.discovery.reset();
  CHECK(side.names.waiting() == 0);
  side.loop.pass_ms(100'000);
  CHECK(side.names.begun() == 3);
  CHECK(side.changes.empty());
}

TEST_CASE("a discovery may be destroyed from within the answer to the last target") {
  ServiceSide side;
  side.then = [&] { side.discovery.reset(); };
  side.answer({record("a.test", 80)});
  side.answer("a.test", addresses({"192.0.2.1"}, 60));
  CHECK(side.changes.size() == 1);
  CHECK(side.names.waiting() == 0);
}

}  // namespace
}  // namespace onehop::upstream
