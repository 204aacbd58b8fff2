// SPDX-License-Identifier: MIT
#include "onehop/net/proxy_protocol.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "onehop/base/ascii.h"

namespace onehop::net {
namespace {

constexpr std::string_view kLineBegins = "PROXY ";
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kFixedPart = 16;  // the signature, and four bytes

constexpr uint8_t kVersion2 = 0x20;
enum Command : uint8_t { kLocal, kProxy };
enum Family : uint8_t {
  kUnspecified = 0x00,
  kTcp4 = 0x11,
  kUdp4 = 0x12,
  kTcp6 = 0x21,
  kUdp6 = 0x22,
  kUnixStream = 0x31,
  kUnixDatagram = 0x32
};

// Of both addresses and ports; nothing where there is no such family.
std::optional<size_t> size_of_addresses(uint8_t family) {
  switch (family) {
    case kUnspecified:
      return 0;
    case kTcp4:
    case kUdp4:
      return 2 * (4 + 2);
    case kTcp6:
    case kUdp6:
      return 2 * (16 + 2);
    case kUnixStream:
    case kUnixDatagram:
      return 2 * 108;
    default:
      return std::nullopt;
  }
}

// From the bytes of an address and of a port, in the order of the network.
Address address_of(std::string_view ip, std::string_view port) {
  if (ip.size() == sizeof(in_addr)) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, ip.data(), ip.size());
    std::memcpy(&v4.sin_port, port.data(), sizeof v4.sin_port);
    return Address::from(reinterpret_cast<const sockaddr*>(&v4));
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  std::memcpy(&v6.sin6_addr, ip.data(), ip.size());
  std::memcpy(&v6.sin6_port, port.data(), sizeof v6.sin6_port);
  return Address::from(reinterpret_cast<const sockaddr*>(&v6));
}

// Up to the next blank, which is taken too, or the end.
std::string_view take_word(std::string_view& rest) {
  const size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

std::optional<Address> address_of_line(std::string_view ip, std::string_view port, bool v6) {
  const bool leading_zero = port.size() > 1 && port.front() == '0';
  const auto number = leading_zero ? std::nullopt : parse_decimal(port, UINT16_MAX);
  if (!number.has_value() || ip.empty()) return std::nullopt;
  const auto address = Address::numeric(ip, static_cast<uint16_t>(*number));
  if (!address.has_value() || address->is_v6() != v6) return std::nullopt;
  return Address::from(address->raw());
}

// What is between "PROXY " and the end of the line.
std::optional<ProxyHeader> header_of_line(std::string_view rest) {
  const std::string_view family = take_word(rest);
  if (family == "UNKNOWN") return ProxyHeader{};
  if (family != "TCP4" && family != "TCP6") return std::nullopt;
  const bool v6 = family == "TCP6";
  const std::string_view source = take_word(rest);
  const std::string_view destination = take_word(rest);
  const std::string_view source_port = take_word(rest);
  const auto from = address_of_line(source, source_port, v6);
  const auto to = address_of_line(destination, rest, v6);
  if (!from.has_value() || !to.has_value()) return std::nullopt;
  return ProxyHeader{*from, *to};
}

bool can_be_told(const ProxyHeader& header) {
  const auto is_of_tcp = [](const Address& one) { return !one.is_unix() && !one.is_none(); };
  return is_of_tcp(header.source) && is_of_tcp(header.destination) &&
         header.source.is_v6() == header.destination.is_v6();
}

std::string written_line(const ProxyHeader& header) {
  const auto& [source, destination] = header;
  if (!can_be_told(header)) return "PROXY UNKNOWN\r\n";
  std::string line(kLineBegins);
  line += source.is_v6() ? "TCP6 " : "TCP4 ";
  line += source.ip() + ' ' + destination.ip() + ' ' + std::to_string(source.port()) + ' ' +
          std::to_string(destination.port()) + "\r\n";
  return line;
}

void append_ip(std::string& bytes, const Address& address) {
  if (address.is_v6()) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.raw());
    bytes.append(reinterpret_cast<const char*>(&v6->sin6_addr), sizeof v6->sin6_addr);
  } else {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address.raw());
    bytes.append(reinterpret_cast<const char*>(&v4->sin_addr), sizeof v4->sin_addr);
  }
}

void append_number(std::string& bytes, size_t number) {
  bytes += static_cast<char>(number >> 8);
  bytes += static_cast<char>(number & 0xff);
}

// Without addresses it is LOCAL, as HAProxy writes it: HAProxy refuses PROXY with AF_UNSPEC, which
// the specification allows.
std::string written_binary(const ProxyHeader& header) {
  const bool told = can_be_told(header);
  const Family family = !told ? kUnspecified : header.source.is_v6() ? kTcp6 : kTcp4;
  std::string bytes(kSignature);
  bytes += static_cast<char>(kVersion2 | (told ? kProxy : kLocal));
  bytes += static_cast<char>(family);
  append_number(bytes, *size_of_addresses(family));
  if (!told) return bytes;
  append_ip(bytes, header.source);
  append_ip(bytes, header.destination);
  append_number(bytes, header.source.port());
  append_number(bytes, header.destination.port());
  return bytes;
}

}  // namespace

std::string written(config::ProxyProtocol version, const ProxyHeader& header) {
  return version == config::ProxyProtocol::v1 ? written_line(header) : written_binary(header);
}

std::string_view sentence_of(ProxyHeaderFault fault) {
#define X(name, help) help,
  constexpr std::array<std::string_view, telemetry::kProxyHeaderFaultCount> kSentences = {
      ONEHOP_PROXY_HEADER_FAULTS(X)};
#undef X
  return kSentences[static_cast<size_t>(fault)];
}

ProxyHeaderReader::Read ProxyHeaderReader::read(Buffer& bytes) {
  Read outcome = Read::more;
  while (!bytes.empty() && outcome == Read::more) {
    const std::string_view front = bytes.front();
    size_t taken = 0;
    if (part_ == Part::behind) {
      taken = std::min(skip_, front.size());
      skip_ -= taken;
      if (skip_ == 0) outcome = Read::done;
    }
    while (taken < front.size() && outcome == Read::more && part_ != Part::behind)
      outcome = take(front[taken++]);
    bytes.consume(taken);
  }
  return outcome;
}

ProxyHeaderReader::Read ProxyHeaderReader::take(char byte) {
  bytes_[held_++] = byte;
  switch (part_) {
    case Part::unknown:
      if (text() == kLineBegins) {
        part_ = Part::line;
      } else if (text() == kSignature) {
        part_ = Part::binary;
        wanted_ = kFixedPart;
      } else if (!kLineBegins.starts_with(text()) && !kSignature.starts_with(text())) {
        return no(ProxyHeaderFault::missing);
      }
      return Read::more;
    case Part::line:
      if (byte == '\n') return line_ended();
      return held_ == kMostHeld ? no(ProxyHeaderFault::malformed) : Read::more;
    case Part::binary:
      if (held_ < wanted_) return Read::more;
      return held_ == kFixedPart ? fixed_part_ended() : addresses_ended();
    case Part::behind:
      break;
  }
  return Read::more;
}

ProxyHeaderReader::Read ProxyHeaderReader::line_ended() {
  std::string_view line = text();
  line.remove_suffix(1);
  if (!line.ends_with('\r')) return no(ProxyHeaderFault::malformed);
  line.remove_suffix(1);
  const auto header = header_of_line(line.substr(std::min(kLineBegins.size(), line.size())));
  if (!header.has_value()) return no(ProxyHeaderFault::malformed);
  header_ = *header;
  return Read::done;
}

// A command of LOCAL is the proxy's own connection, whatever family it names. Families that are
// not TCP's are taken as the one that says nothing, as the specification has it.
ProxyHeaderReader::Read ProxyHeaderReader::fixed_part_ended() {
  const auto byte = [this](size_t at) { return static_cast<uint8_t>(bytes_[at]); };
  const int command = byte(12) - kVersion2;
  const uint8_t family = byte(13);
  skip_ = static_cast<size_t>(byte(14)) << 8 | byte(15);
  if (command != kLocal && command != kProxy) return no(ProxyHeaderFault::malformed);
  if (command == kLocal) return go_behind();
  const auto size = size_of_addresses(family);
  if (!size.has_value() || *size > skip_) return no(ProxyHeaderFault::malformed);
  if (family != kTcp4 && family != kTcp6) return go_behind();
  wanted_ += *size;
  skip_ -= *size;
  return Read::more;
}

ProxyHeaderReader::Read ProxyHeaderReader::addresses_ended() {
  const std::string_view all = text().substr(kFixedPart);
  const size_t ip = all.size() / 2 - 2;
  const std::string_view ports = all.substr(2 * ip);
  header_.source = address_of(all.substr(0, ip), ports.substr(0, 2));
  header_.destination = address_of(all.substr(ip, ip), ports.substr(2));
  return go_behind();
}

ProxyHeaderReader::Read ProxyHeaderReader::go_behind() {
  part_ = Part::behind;
  return skip_ == 0 ? Read::done : Read::more;
}

ProxyHeaderReader::Read ProxyHeaderReader::no(ProxyHeaderFault fault) {
  fault_ = fault;
  return Read::fault;
}

}  // namespace onehop::net
