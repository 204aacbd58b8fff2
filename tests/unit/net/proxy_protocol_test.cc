// SPDX-License-Identifier: MIT
// PROXY headers of both versions, as they come and as they are written.
#include "onehop/net/proxy_protocol.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::net {
namespace {

using namespace std::string_literals;
using Read = ProxyHeaderReader::Read;
using config::ProxyProtocol;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

ProxyHeader header_of(const std::string& source, uint16_t source_port,
                      const std::string& destination, uint16_t destination_port) {
  return {*Address::numeric(source, source_port), *Address::numeric(destination, destination_port)};
}

struct Outcome {
  Read read;
  std::string said;  // of the header, or the fault
  std::string rest;

  bool operator==(const Outcome&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << static_cast<int>(outcome.read) << " " << outcome.said << " rest: " << outcome.rest;
}

// What comes of `bytes`, which arrive `step` at a time.
Outcome read(const std::string& bytes, size_t step) {
  ProxyHeaderReader reader;
  for (size_t at = 0; at < bytes.size(); at += step) {
    Buffer buffer;
    buffer.append(std::string_view(bytes).substr(at, step));
    const Read outcome = reader.read(buffer);
    if (outcome == Read::more) {
      REQUIRE(buffer.empty());
      continue;
    }
    const size_t taken = at + std::min(step, bytes.size() - at) - buffer.size();
    if (outcome == Read::fault) {
      const auto fault = static_cast<size_t>(reader.fault());
      return {outcome, std::string(telemetry::kProxyHeaderFaultNames[fault]), ""};
    }
    const auto& [source, destination] = reader.header();
    const std::string ends = source.to_string() + " > " + destination.to_string();
    return {outcome, source.is_none() ? "nothing" : ends, bytes.substr(taken)};
  }
  return {Read::more, "", ""};
}

// The same however the bytes arrive.
Outcome read(const std::string& bytes) {
  const Outcome whole = read(bytes, bytes.size() + 1);
  for (const size_t step : {1u, 2u, 7u}) {
    const Outcome in_pieces = read(bytes, step);
    CHECK(in_pieces == whole);
  }
  return whole;
}

Outcome good(const std::string& said, const std::string& rest = "") {
  return {Read::done, said, rest};
}
Outcome bad(const std::string& fault) {
  return {Read::fault, fault, ""};
}

std::string binary(int command, int family, const std::string& behind) {
  std::string bytes = kSignature;
  bytes += static_cast<char>(command);
  bytes += static_cast<char>(family);
  bytes += static_cast<char>(behind.size() >> 8);
  bytes += static_cast<char>(behind.size() & 0xff);
  return bytes + behind;
}

// 192.0.2.7:4711 > 198.51.100.1:443
const std::string kTcp4 = "\xc0\x00\x02\x07\xc6\x33\x64\x01\x12\x67\x01\xbb"s;

TEST_CASE("a line of version 1 says who connected and to where, and what is behind it is left") {
  CHECK(read("PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\nGET / HTTP/1.1\r\n") ==
        good("192.0.2.7:4711 > 198.51.100.1:443", "GET / HTTP/1.1\r\n"));
  CHECK(read("PROXY TCP6 2001:db8::7 ::1 65535 0\r\n") == good("[2001:db8::7]:65535 > [::1]:0"));
  CHECK(read("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 1 2\r\n") ==
        good("192.0.2.7:1 > 198.51.100.1:2"));
}

TEST_CASE("UNKNOWN says nothing, whatever stands behind it in its line") {
  CHECK(read("PROXY UNKNOWN\r\nGET") == good("nothing", "GET"));
  CHECK(read("PROXY UNKNOWN ffff:f...f:ffff 65535 x\r\n") == good("nothing"));
}

TEST_CASE("a line of version 1 has at most 107 bytes") {
  const std::string begin = "PROXY UNKNOWN ";
  const std::string longest = begin + std::string(105 - begin.size(), 'x') + "\r\n";
  REQUIRE(longest.size() == 107);
  CHECK(read(longest) == good("nothing"));
  CHECK(read(begin + std::string(106 - begin.size(), 'x') + "\r\n") == bad("malformed"));
  CHECK(read(std::string("PROXY ") + std::string(10'000, 'x')) == bad("malformed"));
}

TEST_CASE("a line of version 1 that is not exactly one is refused") {
  for (const std::string& line : {
           "PROXY \r\n"s,
           "PROXY TCP4\r\n"s,
           "PROXY TCP5 192.0.2.7 198.51.100.1 4711 443\r\n"s,
           "PROXY tcp4 192.0.2.7 198.51.100.1 4711 443\r\n"s,
           "PROXY UNKNOWNS\r\n"s,
           "PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\n"s,
           "PROXY TCP4 192.0.2.7 198.51.100.1 4711 443 \r\n"s,
           "PROXY TCP4  192.0.2.7 198.51.100.1 4711 443\r\n"s,
           "PROXY TCP4 192.0.2.7 198.51.100.1 4711 443 1\r\n"s,
           "PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n"s,
           "PROXY TCP4 192.0.2.7 198.51.100.1 04711 443\r\n"s,
           "PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n"s,
           "PROXY TCP4 192.0.2.7 198.51.100.1 -1 443\r\n"s,
           "PROXY TCP4 192.0.2.07 198.51.100.1 4711 443\r\n"s,
           "PROXY TCP4 192.0.2 198.51.100.1 4711 443\r\n"s,
           "PROXY TCP4 ::1 ::2 4711 443\r\n"s,
           "PROXY TCP6 192.0.2.7 198.51.100.1 4711 443\r\n"s,
           "PROXY TCP6 fe80::1%eth0 ::1 4711 443\r\n"s,
           "PROXY TCP4 192.0.2.7\0 198.51.100.1 4711 443\r\n"s,
       }) {
    CAPTURE(line);
    CHECK(read(line) == bad("malformed"));
  }
}

TEST_CASE("what begins as neither version is no header, as soon as that is seen") {
  CHECK(read("G") == bad("missing"));
  CHECK(read("PROXX") == bad("missing"));
  CHECK(read("proxy TCP4") == bad("missing"));
  CHECK(read("\r\n\r\n\r\n") == bad("missing"));
  CHECK(read("\x16\x03\x01") == bad("missing"));
  CHECK(read("PRI * HTTP/2.0\r\n") == bad("missing"));
  CHECK(read("PROXY") == Outcome{Read::more, "", ""});
}

TEST_CASE("a header of version 2 says who connected and to where, of IPv4 and IPv6") {
  CHECK(read(binary(0x21, 0x11, kTcp4) + "GET") ==
        good("192.0.2.7:4711 > 198.51.100.1:443", "GET"));
  const std::string seven = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07";
  const std::string mapped = std::string(10, '\0') + "\xff\xff\xc0\x00\x02\x07"s;
  CHECK(read(binary(0x21, 0x21, seven + seven + "\x12\x67\x01\xbb")) ==
        good("[2001:db8::7]:4711 > [2001:db8::7]:443"));
  CHECK(read(binary(0x21, 0x21, mapped + mapped + "\x12\x67\x01\xbb")) ==
        good("192.0.2.7:4711 > 192.0.2.7:443"));
}

TEST_CASE("what version 2 has behind the addresses is skipped, up to the longest there can be") {
  CHECK(read(binary(0x21, 0x11, kTcp4 + "\x03\x00\x04\x01\x02\x03\x04"s) + "GET") ==
        good("192.0.2.7:4711 > 198.51.100.1:443", "GET"));
  CHECK(read(binary(0x21, 0x11, kTcp4 + std::string(65535 - 12, 'x')) + "GET") ==
        good("192.0.2.7:4711 > 198.51.100.1:443", "GET"));
}

TEST_CASE("LOCAL says nothing whatever is in it, and so do families that are not those of TCP") {
  CHECK(read(binary(0x20, 0x00, "") + "GET") == good("nothing", "GET"));
  CHECK(read(binary(0x20, 0x11, kTcp4) + "GET") == good("nothing", "GET"));
  CHECK(read(binary(0x20, 0xff, "abc") + "GET") == good("nothing", "GET"));
  CHECK(read(binary(0x21, 0x00, "abc") + "GET") == good("nothing", "GET"));
  CHECK(read(binary(0x21, 0x12, kTcp4) + "GET") == good("nothing", "GET"));
  CHECK(read(binary(0x21, 0x31, std::string(216, '/')) + "GET") == good("nothing", "GET"));
}

TEST_CASE("a header of version 2 that is not exactly one is refused") {
  CHECK(read(binary(0x11, 0x11, kTcp4)) == bad("malformed"));  // version 1 in a binary form
  CHECK(read(binary(0x31, 0x11, kTcp4)) == bad("malformed"));
  CHECK(read(binary(0x22, 0x11, kTcp4)) == bad("malformed"));  // a command that is none
  CHECK(read(binary(0x21, 0x13, kTcp4)) == bad("malformed"));
  CHECK(read(binary(0x21, 0x01, kTcp4)) == bad("malformed"));
  CHECK(read(binary(0x21, 0x41, kTcp4)) == bad("malformed"));
  CHECK(read(binary(0x21, 0x11, kTcp4.substr(1))) == bad("malformed"));  // too short for its family
  CHECK(read(binary(0x21, 0x21, kTcp4)) == bad("malformed"));
  CHECK(read(binary(0x21, 0x31, kTcp4)) == bad("malformed"));
}

TEST_CASE("what is written is what is read, in both versions") {
  for (const ProxyProtocol version : {ProxyProtocol::v1, ProxyProtocol::v2}) {
    CHECK(read(written(version, header_of("192.0.2.7", 4711, "198.51.100.1", 443)) + "GET") ==
          good("192.0.2.7:4711 > 198.51.100.1:443", "GET"));
    CHECK(read(written(version, header_of("2001:db8::7", 1, "::1", 65535)) + "GET") ==
          good("[2001:db8::7]:1 > [::1]:65535", "GET"));
  }
  CHECK(written(ProxyProtocol::v1, header_of("192.0.2.7", 4711, "198.51.100.1", 443)) ==
        "PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n");
  CHECK(written(ProxyProtocol::v2, header_of("192.0.2.7", 4711, "198.51.100.1", 443)) ==
        binary(0x21, 0x11, kTcp4));
}

TEST_CASE("who has no address of TCP, or one of each family, is written as unknown") {
  const Address process = Address::of_process({.uid = 1, .pid = 2});
  const Address v4 = *Address::numeric("192.0.2.7", 1);
  for (const ProxyHeader& header :
       {ProxyHeader{}, ProxyHeader{process, Address()}, ProxyHeader{v4, Address()},
        ProxyHeader{v4, *Address::numeric("::1", 2)}}) {
    CHECK(written(ProxyProtocol::v1, header) == "PROXY UNKNOWN\r\n");
    CHECK(written(ProxyProtocol::v2, header) == binary(0x20, 0x00, ""));
  }
}

}  // namespace
}  // namespace onehop::net
