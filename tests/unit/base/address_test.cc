// SPDX-License-Identifier: MIT
// Addresses as a configuration writes them, and the blocks of trusted_proxies.
#include "onehop/base/address.h"

#include <algorithm>
#include <string>

#include "onehop/base/peers.h"
#include "tests/support/catch.h"

namespace onehop {
namespace {

TEST_CASE("HOST:PORT is taken apart") {
  struct Row {
    const char* text;
    const char* host;
    uint16_t port;
  };
  const Row rows[] = {
      {"127.0.0.1:8080", "127.0.0.1", 8080},
      {"app:8000", "app", 8000},
      {"my_app-1.example:1", "my_app-1.example", 1},
      {":8080", "", 8080},
      {"[::1]:8080", "::1", 8080},
      {"[2001:DB8::1]:65535", "2001:DB8::1", 65535},
      {"app:0", "app", 0},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const auto parsed = parse_host_port(row.text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->host == row.host);
    CHECK(parsed->port == row.port);
  }
}

TEST_CASE("what is not HOST:PORT is refused with a sentence that says why") {
  struct Row {
    const char* text;
    const char* why;
  };
  const Row rows[] = {
      {"", "the port is missing"},
      {"localhost", "the port is missing"},
      {"[::1]", "the port is missing"},
      {"[::1]8080", "the port is missing"},
      {"[::1:8080", "the bracket is not closed"},
      {"[app]:80", "not an IPv6 address"},
      {"::1:8080", "needs brackets"},
      {"app:", "the port must be a number"},
      {"app:65536", "the port must be a number"},
      {"app:-1", "the port must be a number"},
      {"app:80x", "the port must be a number"},
      {"http://app:80", "an IPv6 address needs brackets"},
      {"a b:80", "a character that no name has"},
      {"app/x:80", "a character that no name has"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const auto parsed = parse_host_port(row.text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().find("\"" + std::string(row.text) + "\"") != std::string::npos);
    CHECK(parsed.error().find(row.why) != std::string::npos);
  }
}

TEST_CASE("brackets hold an IPv6 address and nothing else") {
  for (const char* text : {"[]:80", "[127.0.0.1]:80"}) {
    INFO(text);
    CHECK_FALSE(parse_host_port(text).has_value());
  }
}

TEST_CASE("a numeric address is written as it was read") {
  struct Row {
    const char* host;
    const char* ip;
    const char* text;
  };
  const Row rows[] = {
      {"127.0.0.1", "127.0.0.1", "127.0.0.1:80"},
      {"", "0.0.0.0", "0.0.0.0:80"},
      {"::1", "::1", "[::1]:80"},
      {"2001:db8:0:0:0:0:0:1", "2001:db8::1", "[2001:db8::1]:80"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
       "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:80"},
  };
  for (const Row& row : rows) {
    INFO(row.host);
    const auto address = Address::numeric(row.host, 80);
    REQUIRE(address.has_value());
    CHECK(address->port() == 80);
    CHECK(address->ip() == row.ip);
    CHECK(address->to_string() == row.text);
    char room[Address::kMaxIpLength];
    CHECK(std::string(room, address->write_ip(room)) == row.ip);
  }
}

TEST_CASE("a name is not a numeric address") {
  for (const char* host : {"localhost", "127.0.0", "127.0.0.256", "1.2.3.4.5", ":::", "[::1]"}) {
    INFO(host);
    CHECK_FALSE(Address::numeric(host, 80).has_value());
  }
}

TEST_CASE("an address taken from a socket address is the same") {
  for (const char* host : {"192.0.2.7", "2001:db8::7"}) {
    const Address address = *Address::numeric(host, 4321);
    const Address copy = Address::from(address.raw());
    CHECK(copy.to_string() == address.to_string());
    CHECK(copy.is_v6() == address.is_v6());
    CHECK(copy.size() == (copy.is_v6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in)));
  }
}

TEST_CASE("an IPv4 peer of a socket for both families is an IPv4 address") {
  const Address mapped = Address::from(Address::numeric("::ffff:10.1.2.3", 80)->raw());
  CHECK(mapped.to_string() == "10.1.2.3:80");
  CHECK(mapped.size() == Address::numeric("10.1.2.3", 80)->size());
  const Address plain = Address::from(Address::numeric("::1", 80)->raw());
  CHECK(plain.to_string() == "[::1]:80");
}

TEST_CASE("a block contains the addresses that share its prefix") {
  struct Row {
    const char* block;
    const char* address;
    bool inside;
  };
  const Row rows[] = {
      {"192.0.2.7", "192.0.2.7", true},
      {"192.0.2.7", "192.0.2.6", false},
      {"10.0.0.0/8", "10.255.255.255", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"10.1.2.3/8", "10.9.9.9", true},  // bits behind the prefix do not count
      {"192.168.128.0/17", "192.168.128.0", true},
      {"192.168.128.0/17", "192.168.127.255", false},
      {"192.0.2.6/31", "192.0.2.7", true},
      {"192.0.2.6/31", "192.0.2.8", false},
      {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "::1", true},
      {"::1", "::1", true},
      {"::1", "::2", false},
      {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false},
      {"2001:db8::/128", "2001:db8::", true},
      {"2001:db8::/128", "2001:db8::1", false},
      {"10.0.0.0/8", "::ffff:10.1.2.3", true},  // mapped addresses match as IPv4
      {"10.0.0.0/8", "::ffff:11.1.2.3", false},
      {"::ffff:10.0.0.0/104", "10.1.2.3", true},
      {"127.0.0.1", "::1", false},
  };
  for (const Row& row : rows) {
    INFO(row.address << " in " << row.block);
    const auto block = AddressBlock::parse(row.block);
    REQUIRE(block.has_value());
    CHECK(block->contains(*Address::numeric(row.address, 1)) == row.inside);
  }
}

TEST_CASE("what is no block of addresses is refused") {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "app",
                           "10.0.0.0/8/8", "10.0.0/8", "10.0.0.0/ 8"}) {
    INFO(text);
    const auto block = AddressBlock::parse(text);
    REQUIRE_FALSE(block.has_value());
    CHECK(block.error().find("\"" + std::string(text) + "\"") != std::string::npos);
  }
}

TEST_CASE("a process behind a unix socket has a name, and neither a port nor a place in a block") {
  const Address process = Address::of_process({.uid = 4294967295, .pid = 2147483647});
  CHECK(process.to_string() == "unix:uid=4294967295,pid=2147483647");
  CHECK(process.ip() == "unix:");
  CHECK(process.port() == 0);
  CHECK_FALSE(process.is_v6());
  REQUIRE(process.process().has_value());
  CHECK(process.process()->uid == 4294967295);
  for (const char* block : {"0.0.0.0/0", "::/0", "0.0.0.0", "127.0.0.0/8"})
    CHECK_FALSE(AddressBlock::parse(block)->contains(process));
  CHECK_FALSE(Address().process().has_value());
  CHECK_FALSE(Address::numeric("127.0.0.1", 80)->process().has_value());
}

TEST_CASE("the path of a unix socket is an address to connect to, and as cheap to copy as any") {
  const auto address = Address::of_unix("unix:/run/app.sock");
  REQUIRE(address.has_value());
  CHECK(address->to_string() == "unix:/run/app.sock");
  CHECK(address->ip() == "unix:");
  CHECK(address->port() == 0);
  CHECK(address->is_unix());
  CHECK_FALSE(address->process().has_value());
  CHECK(address->size() == sizeof(sockaddr_un));
  const auto* raw = reinterpret_cast<const sockaddr_un*>(address->raw());
  CHECK(raw->sun_family == AF_UNIX);
  CHECK(std::string(raw->sun_path) == "/run/app.sock");
  CHECK(Address::of_path("/run/app.sock")->raw() == address->raw());
  CHECK(sizeof(Address) <= 32);
  const std::string longest = "/" + std::string(Address::kLongestPath - 1, 'a');
  CHECK(Address::of_path(longest)->to_string() == "unix:" + longest);
  for (const std::string& text :
       {std::string("unix:"), std::string("unix:app.sock"), std::string("/run/app.sock"),
        "unix:" + longest + "a", std::string("unix:/a\0b", 9), std::string("127.0.0.1:80")}) {
    CAPTURE(text);
    CHECK_FALSE(Address::of_unix(text).has_value());
  }
}

TEST_CASE("two addresses are the same when family, address and port are") {
  const Address all[] = {*Address::numeric("127.0.0.1", 80),
                         *Address::numeric("127.0.0.1", 81),
                         *Address::numeric("127.0.0.2", 80),
                         *Address::numeric("::1", 80),
                         *Address::numeric("::2", 80),
                         *Address::of_path("/a"),
                         *Address::of_path("/b"),
                         Address::of_process({.uid = 1, .pid = 2}),
                         Address::of_process({.uid = 1, .pid = 3}),
                         Address()};
  for (const Address& one : all) {
    CHECK(std::ranges::count(all, one) == 1);
    const Address copy = one;
    CHECK(copy == one);
  }
}

TEST_CASE("peers are those that are listed, and of unix sockets those that \"unix\" lists") {
  const Peers some({"10.0.0.0/8", "::1"});
  const Peers everybody({"unix", "0.0.0.0/0"});
  CHECK(some.contains(*Address::numeric("10.2.3.4", 5)));
  CHECK(some.contains(*Address::numeric("::1", 5)));
  CHECK_FALSE(some.contains(*Address::numeric("11.2.3.4", 5)));
  const Address process = Address::of_process({.uid = 0, .pid = 1});
  for (const Address& local : {process, *Address::of_path("/a")}) {
    CHECK_FALSE(some.contains(local));
    CHECK(everybody.contains(local));
    CHECK_FALSE(Peers().contains(local));
  }
  CHECK(Peers::is_one("unix"));
  CHECK_FALSE(Peers::is_one("unix:/run/a"));
  CHECK_FALSE(Peers::is_one("10.0.0.0/33"));
}

TEST_CASE("a network is all of an IPv4 address, and the first bits of an IPv6 address") {
  const auto network = [](std::string_view ip, unsigned bits) {
    return network_of(*Address::numeric(ip, 80), bits);
  };
  CHECK(network("192.0.2.1", 1) == network("192.0.2.1", 64));
  CHECK_FALSE(network("192.0.2.1", 1) == network("192.0.2.2", 1));
  CHECK(network("2001:db8::1", 64) == network("2001:db8::ffff:0:0:2", 64));
  CHECK_FALSE(network("2001:db8::1", 64) == network("2001:db8:0:1::1", 64));
  CHECK(network("2001:db8:0:1::1", 63) == network("2001:db8::1", 63));
  CHECK_FALSE(network("2001:db8::1", 128) == network("2001:db8::2", 128));
  CHECK(network("8000::1", 1) == network("ffff::1", 1));
}

}  // namespace
}  // namespace onehop
