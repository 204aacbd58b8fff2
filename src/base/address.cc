// SPDX-License-Identifier: MIT
#include "onehop/base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "onehop/base/ascii.h"

namespace onehop {

Result<HostPort, std::string> parse_host_port(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return Unexpected<std::string>("\"HOST:PORT\", \"[IPV6]:PORT\" or \":PORT\" is allowed, \"" +
                                   std::string(text) + "\" was found: " + std::string(why));
  };
  std::string_view host;
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong("the bracket is not closed");
    host = text.substr(1, end - 1);
    if (end + 1 >= text.size() || text[end + 1] != ':') return wrong("the port is missing");
    port = text.substr(end + 2);
    const auto address = Address::numeric(host, 0);
    if (host.empty() || !address.has_value() || !address->is_v6())
      return wrong("what is in brackets is not an IPv6 address");
  } else {
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return wrong("the port is missing");
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    for (char c : host) {
      const bool allowed = is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' ||
                           c == '.' || c == '_';
      if (!allowed)
        return wrong(c == ':' ? "an IPv6 address needs brackets"
                              : "the host has a character that no name has");
    }
  }
  const auto number = parse_decimal(port, 65535);
  if (!number.has_value()) return wrong("the port must be a number from 0 to 65535");
  return HostPort{std::string(host), static_cast<uint16_t>(*number)};
}

Address Address::from(const sockaddr* address) {
  Address result;
  const size_t size = address->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  std::memcpy(&result.storage_, address, size);
  return result.unmapped();
}

// A socket for both families tells IPv4 peers as ::ffff:a.b.c.d (RFC 4291 2.5.5.2); they are IPv4
// to everybody else.
Address Address::unmapped() const {
  if (!is_v6() || !IN6_IS_ADDR_V4MAPPED(&storage_.v6.sin6_addr)) return *this;
  Address result;
  result.storage_.v4.sin_family = AF_INET;
  result.storage_.v4.sin_port = storage_.v6.sin6_port;
  std::memcpy(&result.storage_.v4.sin_addr, &storage_.v6.sin6_addr.s6_addr[12], 4);
  return result;
}

namespace {

// The one socket address of a path, which stays: addresses are copied on the path of a request and
// refer to it.
const sockaddr_un& kept(std::string_view path) {
  static std::mutex mutex;
  static std::unordered_map<std::string, std::unique_ptr<const sockaddr_un>> all;
  const std::lock_guard lock(mutex);
  std::unique_ptr<const sockaddr_un>& one = all[std::string(path)];
  if (one == nullptr) {
    auto made = std::make_unique<sockaddr_un>();
    made->sun_family = AF_UNIX;
    path.copy(made->sun_path, Address::kLongestPath);
    one = std::move(made);
  }
  return *one;
}

}  // namespace

std::optional<Address> Address::of_path(std::string_view path) {
  const bool fits = path.starts_with('/') && path.size() <= kLongestPath &&
                    path.find('\0') == std::string_view::npos;
  if (!fits) return std::nullopt;
  Address result;
  result.storage_.local = {AF_UNIX, {}, &kept(path)};
  return result;
}

std::optional<Address> Address::of_unix(std::string_view text) {
  if (!text.starts_with(kUnixPrefix)) return std::nullopt;
  return of_path(text.substr(kUnixPrefix.size()));
}

Address Address::of_process(const Process& process) {
  Address result;
  result.storage_.local = {AF_UNIX, process, nullptr};
  return result;
}

std::optional<Address::Process> Address::process() const {
  if (!is_unix() || is_path()) return std::nullopt;
  return storage_.local.process;
}

bool Address::operator==(const Address& other) const noexcept {
  if (storage_.generic.sa_family != other.storage_.generic.sa_family) return false;
  if (is_unix()) {
    const auto& [family, process, path] = storage_.local;
    const auto& its = other.storage_.local;
    return path == its.path && process.uid == its.process.uid && process.pid == its.process.pid;
  }
  if (is_none()) return true;
  if (port() != other.port()) return false;
  return is_v6() ? std::memcmp(&storage_.v6.sin6_addr, &other.storage_.v6.sin6_addr, 16) == 0
                 : storage_.v4.sin_addr.s_addr == other.storage_.v4.sin_addr.s_addr;
}

std::optional<Address> Address::numeric(std::string_view host, uint16_t port) {
  Address result;
  char text[kMaxIpLength];
  if (host.size() >= sizeof text || host.find('\0') != host.npos) return std::nullopt;
  if (host.empty()) host = "0.0.0.0";
  text[host.copy(text, host.size())] = '\0';
  if (inet_pton(AF_INET, text, &result.storage_.v4.sin_addr) == 1) {
    result.storage_.v4.sin_family = AF_INET;
    result.storage_.v4.sin_port = htons(port);
    return result;
  }
  result = Address();
  if (inet_pton(AF_INET6, text, &result.storage_.v6.sin6_addr) == 1) {
    result.storage_.v6.sin6_family = AF_INET6;
    result.storage_.v6.sin6_port = htons(port);
    return result;
  }
  return std::nullopt;
}

uint16_t Address::port() const {
  if (is_unix() || is_none()) return 0;
  return ntohs(is_v6() ? storage_.v6.sin6_port : storage_.v4.sin_port);
}

size_t Address::write_ip(char* room) const {
  if (is_unix()) return kUnixPrefix.copy(room, kUnixPrefix.size());
  const void* bytes =
      is_v6() ? static_cast<const void*>(&storage_.v6.sin6_addr) : &storage_.v4.sin_addr;
  if (inet_ntop(storage_.generic.sa_family, bytes, room, kMaxIpLength) == nullptr) return 0;
  return std::strlen(room);
}

std::string Address::ip() const {
  char room[kMaxIpLength];
  return std::string(room, write_ip(room));
}

std::string Address::to_string() const {
  if (is_path()) return std::string(kUnixPrefix) + storage_.local.path->sun_path;
  if (const auto at = process())
    return "unix:uid=" + std::to_string(at->uid) + ",pid=" + std::to_string(at->pid);
  const std::string port_text = std::to_string(port());
  return is_v6() ? "[" + ip() + "]:" + port_text : ip() + ":" + port_text;
}

namespace {

constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void write_16_bytes(const Address& address, uint8_t* into) {
  if (address.is_v6()) {
    std::memcpy(into, &reinterpret_cast<const sockaddr_in6*>(address.raw())->sin6_addr, 16);
  } else {
    std::memcpy(into, kMappedPrefix, 12);
    std::memcpy(into + 12, &reinterpret_cast<const sockaddr_in*>(address.raw())->sin_addr, 4);
  }
}

}  // namespace

Result<AddressBlock, std::string> AddressBlock::parse(std::string_view text) {
  const auto wrong = [&] {
    return Unexpected<std::string>(
        "an IP address or a block such as \"10.0.0.0/8\" is allowed, \"" + std::string(text) +
        "\" was found");
  };
  const size_t slash = text.find('/');
  const auto address =
      slash == 0 || text.empty() ? std::nullopt : Address::numeric(text.substr(0, slash), 0);
  if (!address.has_value()) return wrong();
  const uint64_t bits = address->is_v6() ? 128 : 32;
  uint64_t length = bits;
  if (slash != std::string_view::npos) {
    const auto number = parse_decimal(text.substr(slash + 1), bits);
    if (!number.has_value()) return wrong();
    length = *number;
  }
  AddressBlock block;
  write_16_bytes(*address, block.bytes_);
  block.prefix_length_ = static_cast<uint8_t>(address->is_v6() ? length : length + 96);
  return block;
}

bool AddressBlock::contains(const Address& address) const {
  if (address.is_unix()) return false;
  uint8_t other[16];
  write_16_bytes(address, other);
  const size_t whole = prefix_length_ / 8;
  if (std::memcmp(bytes_, other, whole) != 0) return false;
  const unsigned rest = prefix_length_ % 8;
  if (rest == 0) return true;
  return ((bytes_[whole] ^ other[whole]) >> (8 - rest)) == 0;
}

Network network_of(const Address& address, unsigned ipv6_prefix) {
  uint8_t bytes[16];
  write_16_bytes(address, bytes);
  const unsigned bits = address.is_v6() ? ipv6_prefix : 128;
  Network network;
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned kept = bits > 8 * i ? std::min(bits - 8 * i, 8u) : 0;
    network.bytes[i] = static_cast<char>(bytes[i] & (0xff00u >> kept));
  }
  return network;
}

}  // namespace onehop
