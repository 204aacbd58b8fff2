// SPDX-License-Identifier: MIT
#include "server/inherited_sockets.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "onehop/net/unix_socket.h"
#include "tests/support/catch.h"
#include "tests/support/subprocess.h"

namespace onehop::server {
namespace {

net::ListeningSocket bound(const char* ip = "127.0.0.1") {
  auto made = net::ListeningSocket::open(*Address::numeric(ip, 0), 8,
                                         net::ListeningSocket::Port::mine_alone);
  REQUIRE(made.has_value());
  return std::move(*made);
}

HandedSockets handed(const std::string& key, const net::ListeningSocket& socket) {
  HandedSockets made{.key = key};
  made.sockets.push_back(net::Descriptor::duplicate_of(socket.descriptor()));
  return made;
}

TEST_CASE("a socket is found by its key, or else by the address that it has") {
  const net::ListeningSocket first = bound();
  const net::ListeningSocket second = bound();
  InheritedSockets sockets;
  REQUIRE(sockets.add(handed("listener 127.0.0.1:0 0", first)).has_value());
  REQUIRE(sockets.add(handed("listener 127.0.0.1:0 1", second)).has_value());
  const auto by_key = sockets.take("listener 127.0.0.1:0 1", "127.0.0.1:0");
  REQUIRE(by_key.sockets.size() == 1);
  CHECK(by_key.sockets.front().local().to_string() == second.local().to_string());
  CHECK(sockets.take("another", "127.0.0.1:0").sockets.empty());  // any port is no address
  const auto by_address = sockets.take("another", first.local().to_string());
  CHECK(by_address.sockets.size() == 1);
  CHECK(sockets.take("another", first.local().to_string()).sockets.empty());
  CHECK(sockets.left().empty());
}

TEST_CASE("all sockets of a key are given, and those that nobody took are told") {
  const net::ListeningSocket one = bound();
  InheritedSockets sockets;
  HandedSockets several = handed("a", one);
  several.sockets.push_back(net::Descriptor::duplicate_of(one.descriptor()));
  several.ticket_keys = "keys";
  REQUIRE(sockets.add(std::move(several)).has_value());
  const net::ListeningSocket other = bound();
  REQUIRE(sockets.add(handed("b", other)).has_value());
  CHECK(sockets.take("a", "").sockets.size() == 2);
  CHECK(sockets.ticket_keys("a") == "keys");
  CHECK(sockets.ticket_keys("b").empty());
  CHECK(sockets.left() == std::vector<std::string>{other.local().to_string() + ", b"});
}

TEST_CASE("a dual-stack socket serves IPv4, where no other one has the very address") {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    WARN("not tested: there is no IPv6 here");
    return;
  }
  net::Descriptor dual(fd);
  const int off = 0;
  ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  const Address any = *Address::numeric("::", 0);
  REQUIRE(::bind(fd, any.raw(), any.size()) == 0);
  REQUIRE(::listen(fd, 8) == 0);
  InheritedSockets sockets;
  HandedSockets one{.key = "activated"};
  one.sockets.push_back(std::move(dual));
  REQUIRE(sockets.add(std::move(one)).has_value());
  const std::string left = sockets.left().front();
  const std::string port = left.substr(5, left.find(',') - 5);  // behind "[::]:"
  CHECK(sockets.take("listener", "127.0.0.1:" + port).sockets.empty());
  CHECK(sockets.take("listener", ":" + port).sockets.size() == 1);
}

TEST_CASE("a unix socket is found by its path, and remembers that it was activated") {
  const test::TemporaryFile beside("note", "");
  const std::string path = beside.folder() + "/s";
  const auto made = net::listen_at_path(path, 0600, 8);
  REQUIRE(made.has_value());
  InheritedSockets sockets;
  HandedSockets one = handed("", made->socket);
  one.activated = true;
  REQUIRE(sockets.add(std::move(one)).has_value());
  CHECK(sockets.left_files().empty());  // systemd's
  InheritedSockets others;
  REQUIRE(others.add(handed("", made->socket)).has_value());
  CHECK(others.left_files() == std::vector{path});
  const auto taken = sockets.take("control " + path, "unix:" + path);
  CHECK(taken.sockets.size() == 1);
  CHECK(taken.activated);
}

TEST_CASE("each worker has a socket, and each socket a worker") {
  std::vector<net::ListeningSocket> sockets;
  sockets.push_back(bound());
  sockets.push_back(bound());
  const std::string first = sockets[0].local().to_string();
  REQUIRE(suffice(sockets, 1).has_value());
  CHECK(sockets.size() == 2);
  REQUIRE(suffice(sockets, 5).has_value());
  REQUIRE(sockets.size() == 5);
  CHECK(sockets[4].local().to_string() == first);
  CHECK(sockets[4].descriptor() != sockets[0].descriptor());
}

TEST_CASE("a socket that does not listen is refused, with its name") {
  HandedSockets one{.key = "listener a"};
  one.sockets.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto mute = InheritedSockets().add(std::move(one));
  REQUIRE_FALSE(mute.has_value());
  CHECK(mute.error().starts_with("listener a: it does not listen"));
  HandedSockets datagrams{.key = "listener a"};
  datagrams.sockets.emplace_back(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto wrong = InheritedSockets().add(std::move(datagrams));
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().starts_with("listener a: it is no stream socket"));
}

}  // namespace
}  // namespace onehop::server
