// SPDX-License-Identifier: MIT
// What an answer's bytes say, and that no bytes do harm.
#include "src/net/dns_message.h"

#include <random>

#include "tests/support/catch.h"
#include "tests/support/scripted_dns.h"
#include "tests/support/seed.h"

namespace onehop::net {
namespace {

using test::DnsMessage;
using test::DnsQuestion;

constexpr size_t kMost = 1024;
const std::string kToQuestion("\xc0\x0c", 2);  // a pointer to the name of the question

DnsMessage message_for(RecordType type) {
  return DnsMessage(DnsQuestion{.id = 7, .name = "app.test", .type = static_cast<uint16_t>(type)});
}

Result<DnsRecords, std::string> read(const std::string& bytes, RecordType type,
                                     size_t most = kMost) {
  return read_answer({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, type, most);
}

TEST_CASE("an answer's addresses are read with their TTL, and records of other types passed over") {
  DnsMessage message = message_for(RecordType::a);
  message.record(16, 1, "\x05hello").address("192.0.2.1", 300).address("2001:db8::1", 2);
  message.address("192.0.2.2", 60);
  const auto v4 = read(message.bytes(), RecordType::a);
  REQUIRE(v4.has_value());
  REQUIRE(v4->addresses.size() == 2);
  CHECK(v4->addresses[0].address.to_string() == "192.0.2.1:0");
  CHECK(v4->addresses[0].ttl_s == 300);
  CHECK(v4->addresses[1].address.to_string() == "192.0.2.2:0");
  CHECK(v4->ttl_s == 60);
  const auto v6 = read(message.bytes(), RecordType::aaaa);
  REQUIRE(v6.has_value());
  REQUIRE(v6->addresses.size() == 1);
  CHECK(v6->addresses[0].address.to_string() == "[2001:db8::1]:0");
  CHECK(v6->ttl_s == 2);
}

TEST_CASE("an IPv4-mapped address is the IPv4 address that it stands for") {
  DnsMessage message = message_for(RecordType::aaaa);
  message.address("::ffff:192.0.2.1", 5);
  const auto records = read(message.bytes(), RecordType::aaaa);
  REQUIRE(records.has_value());
  CHECK(records->addresses[0].address.ip() == "192.0.2.1");
}

TEST_CASE("an answer without records has none, and no TTL") {
  const auto records = read(message_for(RecordType::a).bytes(), RecordType::a);
  REQUIRE(records.has_value());
  CHECK(records->addresses.empty());
  CHECK(records->ttl_s == 0);
}

TEST_CASE("a TTL that no server can mean is none (RFC 2181 8)") {
  DnsMessage message = message_for(RecordType::a);
  message.address("192.0.2.1", 0x80000000).address("192.0.2.2", 10);
  const auto records = read(message.bytes(), RecordType::a);
  REQUIRE(records.has_value());
  CHECK(records->addresses[0].ttl_s == 0);
  CHECK(records->ttl_s == 0);
}

TEST_CASE("the target of a service may point to names before it") {
  DnsMessage message = message_for(RecordType::srv);
  message.record(test::kTypeSrv, 9, std::string("\0\1\0\2\0\x50\1a", 8) + kToQuestion);
  const auto records = read(message.bytes(), RecordType::srv);
  REQUIRE(records.has_value());
  REQUIRE(records->services.size() == 1);
  CHECK(records->services[0].target == "a.app.test");
  CHECK(records->services[0].priority == 1);
  CHECK(records->services[0].weight == 2);
  CHECK(records->services[0].port == 80);
}

TEST_CASE("an answer keeps as many records as it is told and counts the others") {
  DnsMessage message = message_for(RecordType::a);
  for (int i = 0; i < 10; ++i) message.address("192.0.2." + std::to_string(i), 60);
  const auto records = read(message.bytes(), RecordType::a, 4);
  REQUIRE(records.has_value());
  CHECK(records->addresses.size() == 4);
  CHECK(records->left_out == 6);
}

TEST_CASE("an answer that ends anywhere before its end is an error") {
  const RecordType type = GENERATE(RecordType::a, RecordType::srv);
  DnsMessage message = message_for(type);
  message.alias("b.test", 60);
  if (type == RecordType::a) message.address("192.0.2.1", 60);
  if (type == RecordType::srv) message.service(1, 1, 80, "b.test", 60);
  REQUIRE(read(message.bytes(), type).has_value());
  for (size_t size = 0; size < message.bytes().size(); ++size) {
    INFO(size << " bytes");
    CHECK_FALSE(read(message.bytes().substr(0, size), type).has_value());
  }
}

TEST_CASE("a record that is shorter or longer than what it holds is an error") {
  for (const std::string& value : {std::string(3, '\1'), std::string(5, '\1'), std::string()}) {
    CHECK_FALSE(
        read(message_for(RecordType::a).record(test::kTypeA, 1, value).bytes(), RecordType::a));
    CHECK_FALSE(read(message_for(RecordType::aaaa).record(test::kTypeAaaa, 1, value).bytes(),
                     RecordType::aaaa));
  }
  const std::string service("\0\1\0\2\0\x50\1a\0", 9);
  REQUIRE(read(message_for(RecordType::srv).record(test::kTypeSrv, 1, service).bytes(),
               RecordType::srv));
  CHECK_FALSE(read(message_for(RecordType::srv).record(test::kTypeSrv, 1, service + "x").bytes(),
                   RecordType::srv));
}

TEST_CASE("a name whose pointers go in circles, or forward, is an error") {
  for (const std::string pointer : {"\xc0\x2c", "\xc0\xff", "\xff\xff", "\xc0\x2d"}) {
    DnsMessage message = message_for(RecordType::srv);
    message.record(test::kTypeSrv, 9, std::string("\0\1\0\2\0\x50", 6) + pointer);
    CHECK_FALSE(read(message.bytes(), RecordType::srv).has_value());
  }
}

TEST_CASE("a target that no host can have is an error") {
  for (const std::string label : {"a.b", "a b", "a\n", "\xe4"}) {
    DnsMessage message = message_for(RecordType::srv);
    const auto length = static_cast<char>(label.size());
    message.record(test::kTypeSrv, 9,
                   std::string("\0\1\0\2\0\x50", 6) + length + label + std::string(1, '\0'));
    CHECK_FALSE(read(message.bytes(), RecordType::srv).has_value());
  }
}

TEST_CASE("a target longer than a name can be is an error") {
  std::string name;
  for (int i = 0; i < 5; ++i) name += std::string(63, 'a') + ".";
  DnsMessage message = message_for(RecordType::srv);
  message.service(1, 1, 80, name, 5);
  CHECK_FALSE(read(message.bytes(), RecordType::srv).has_value());
}

TEST_CASE("no bytes in the place of others do more than make an answer an error") {
  std::mt19937_64 random(test::test_seed());
  INFO("seed " << test::test_seed());
  for (const RecordType type : {RecordType::a, RecordType::aaaa, RecordType::srv}) {
    DnsMessage message = message_for(type);
    message.alias("b.test", 60).service(1, 1, 80, "b.test", 60);
    message.address("192.0.2.1", 60).address("2001:db8::1", 60);
    for (int round = 0; round < 5000; ++round) {
      std::string bytes = message.bytes();
      for (int change = 0; change < 3; ++change)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      const auto records = read(bytes, type, 2);
      if (!records.has_value()) continue;
      REQUIRE(records->addresses.size() + records->services.size() <= 2);
    }
  }
}

}  // namespace
}  // namespace onehop::net
