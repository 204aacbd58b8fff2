// SPDX-License-Identifier: MIT
// Addresses: the text of a configuration ("127.0.0.1:8080", "[::1]:8080", ":8080", "app:8000",
// "unix:/run/app.sock") and the socket address behind it. Pure: names are resolved in net.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "onehop/base/result.h"

namespace onehop {

// "HOST:PORT" taken apart. host is empty for ":PORT", and has no brackets for "[::1]:80".
struct HostPort {
  std::string host;
  uint16_t port = 0;
};

// The error is a sentence that says what is allowed.
Result<HostPort, std::string> parse_host_port(std::string_view text);

// What stands before the path of a unix socket: "unix:/run/app.sock".
inline constexpr std::string_view kUnixPrefix = "unix:";

// An IPv4 or IPv6 socket address; or the path of a unix socket; or, of who is at the other end of
// one, the process that it is. A value: 32 bytes, no ownership.
class Address {
 public:
  Address() = default;  // none: neither a family nor a port

  // A unix socket. The path begins with "/", has no NUL, and fits (kLongestPath); nothing
  // otherwise. Each path that there ever was is remembered, once: they come from operators alone.
  static constexpr size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;
  static std::optional<Address> of_path(std::string_view path);
  // The same of "unix:/path"; nothing for any other text.
  static std::optional<Address> of_unix(std::string_view text);

  // A process of this machine, as the kernel tells it (SO_PEERCRED). It has no port, is in no block
  // of addresses, and cannot be connected to.
  struct Process {
    uint32_t uid;
    int32_t pid;  // 0: one that this process cannot see
  };
  static Address of_process(const Process& process);
  std::optional<Process> process() const;
  bool is_unix() const { return storage_.generic.sa_family == AF_UNIX; }  // a path, or a process
  bool is_none() const { return storage_.generic.sa_family == AF_UNSPEC; }

  // An IPv4-mapped IPv6 address becomes the IPv4 address that it stands for.
  static Address from(const sockaddr* address);

  // A numeric address; an empty host means 0.0.0.0. Nothing when the host is a name.
  static std::optional<Address> numeric(std::string_view host, uint16_t port);

  // For bind() and connect(); not of a process.
  const sockaddr* raw() const {
    return is_path() ? reinterpret_cast<const sockaddr*>(storage_.local.path) : &storage_.generic;
  }
  socklen_t size() const {
    if (is_path()) return sizeof(sockaddr_un);
    return is_v6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  }
  bool is_v6() const { return storage_.generic.sa_family == AF_INET6; }
  uint16_t port() const;

  std::string ip() const;         // "127.0.0.1", "::1"; "unix:" of a path and of a process
  std::string to_string() const;  // "127.0.0.1:80", "[::1]:80", "unix:/run/app.sock"; or, of a
                                  // process, "unix:uid=0,pid=123"

  // Writes ip() without allocating; `room` holds at least kMaxIpLength characters. Returns the
  // length.
  static constexpr size_t kMaxIpLength = INET6_ADDRSTRLEN;
  size_t write_ip(char* room) const;

  bool operator==(const Address& other) const noexcept;

 private:
  Address unmapped() const;
  bool is_path() const { return is_unix() && storage_.local.path != nullptr; }

  union {
    sockaddr generic;
    sockaddr_in v4;
    sockaddr_in6 v6;
    struct {
      sa_family_t family;  // AF_UNIX
      Process process;
      const sockaddr_un* path;  // null: a process
    } local;
  } storage_{};
};

// "10.0.0.0/8", "::1", "192.0.2.7": a set of addresses, for trusted_proxies. IPv4-mapped IPv6
// addresses match as IPv4.
class AddressBlock {
 public:
  static Result<AddressBlock, std::string> parse(std::string_view text);
  bool contains(const Address& address) const;

 private:
  uint8_t bytes_[16] = {};
  uint8_t prefix_length_ = 0;  // bits, over the 16-byte form
};

// Who is one client, for what counts by clients: all of an IPv4 address (mapped), and of an IPv6
// address the first `ipv6_prefix` bits (1 to 128), as who has a network has all of it. Not of a
// unix socket.
struct Network {
  std::array<char, 16> bytes{};

  std::string_view view() const { return {bytes.data(), bytes.size()}; }
  bool operator==(const Network&) const = default;
};
Network network_of(const Address& address, unsigned ipv6_prefix);

}  // namespace onehop
