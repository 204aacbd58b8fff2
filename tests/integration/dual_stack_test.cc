// SPDX-License-Identifier: MIT
// Listeners of IPv6, alone and for both families.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "tests/support/catch.h"
#include "tests/support/proxy_process.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

std::string port_of(const std::string& address) {
  return address.substr(address.rfind(':') + 1);
}

// Connects to ::1; nothing where this machine has no IPv6.
std::optional<Peer> connect_v6(const std::string& port) {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::nullopt;
  Peer peer(fd);
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_addr = in6addr_loopback;
  to.sin6_port = htons(static_cast<uint16_t>(std::stoi(port)));
  // Loopback answers at once, or not at all.
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  if (result != 0 && errno != EINPROGRESS) return std::nullopt;
  return peer;
}

bool has_v6() {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 at{};
  at.sin6_family = AF_INET6;
  at.sin6_addr = in6addr_loopback;
  const bool bound = fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  if (fd >= 0) ::close(fd);
  return bound;
}

std::string client_of(const ScriptedOrigin& origin) {
  return origin.last().fields.all("X-Forwarded-For").front();
}

TEST_CASE("a listener on [::] takes clients of both families, each by the address that it has") {
  if (!has_v6()) return;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("app")));
  const ProxyProcess proxy(
      ProxyConfig{.endpoints = {origin.address()}, .more = "[[listener]]\naddress = \"[::]:0\"\n"});
  const std::string port = port_of(proxy.second_address());
  CHECK(proxy.second_address() == "[::]:" + port);
  Client v4 = Peer::connect("127.0.0.1:" + port);
  v4.send(kGet);
  CHECK(v4.read_response().body == "app");
  CHECK(client_of(origin) == "127.0.0.1");
  auto v6 = connect_v6(port);
  REQUIRE(v6.has_value());
  v6->send(kGet);
  CHECK(v6->read_response().body == "app");
  CHECK(client_of(origin) == "::1");
}

TEST_CASE("a listener on an address of IPv6 takes no client of IPv4") {
  if (!has_v6()) return;
  ScriptedOrigin origin(ScriptedOrigin::always(ok("app")));
  const ProxyProcess proxy(ProxyConfig{.endpoints = {origin.address()},
                                       .more = "[[listener]]\naddress = \"[::1]:0\"\n"});
  const std::string port = port_of(proxy.second_address());
  CHECK_THROWS_AS(Peer::connect("127.0.0.1:" + port), PeerError);
  auto v6 = connect_v6(port);
  REQUIRE(v6.has_value());
  v6->send(kGet);
  CHECK(v6->read_response().body == "app");
}

TEST_CASE("a listener on [::] and one on every address of IPv4 cannot have one port") {
  const TemporaryFile file("onehop.toml",
                           "[[listener]]\naddress = \"[::]:8080\"\n[[listener]]\naddress = "
                           "\":8080\"\n[[route]]\nupstream = \"app\"\n[upstream.app]\nendpoints = "
                           "[\"127.0.0.1:1\"]\n");
  const Finished finished = run_program({ProxyProcess::binary(), "check", file.path()});
  CHECK(finished.code == 2);
  CHECK(finished.errors.find("listener[1].address: an address of its own") != std::string::npos);
}

}  // namespace
}  // namespace onehop::test
