// SPDX-License-Identifier: MIT
#include "onehop/net/descriptor_passing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/support/catch.h"

namespace onehop::net {
namespace {

std::string own_name() {
  return "onehop-test/" + std::to_string(::getpid());
}

Descriptor open_null() {
  return Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

ino_t inode(const Descriptor& descriptor) {
  struct stat found {};
  ::fstat(descriptor.get(), &found);
  return found.st_ino;
}

TEST_CASE("a message arrives whole, with its descriptors, which are closed at exec") {
  auto ends = MessageSocket::pair();
  REQUIRE(ends.has_value());
  const auto& [here, there] = *ends;
  std::vector<Descriptor> sent;
  sent.push_back(open_null());
  sent.push_back(open_null());
  REQUIRE(here.send("two", sent).has_value());
  REQUIRE(here.send(std::string(MessageSocket::kMostBytes, 'x')).has_value());
  const auto received = there.receive();
  REQUIRE(received.has_value());
  REQUIRE(received->has_value());
  CHECK((*received)->text == "two");
  REQUIRE((*received)->descriptors.size() == 2);
  const Descriptor& first = (*received)->descriptors.front();
  CHECK(inode(first) == inode(sent.front()));
  CHECK(first.get() != sent.front().get());
  CHECK((::fcntl(first.get(), F_GETFD) & FD_CLOEXEC) != 0);
  const auto long_one = there.receive();
  REQUIRE(long_one.has_value());
  REQUIRE(long_one->has_value());
  CHECK((*long_one)->text.size() == MessageSocket::kMostBytes);
  const auto none = there.receive();
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().number == EAGAIN);
}

TEST_CASE("what was said before the end is heard, also where the other side left bytes unread") {
  auto ends = MessageSocket::pair();
  REQUIRE(ends.has_value());
  MessageSocket here = std::move(ends->first);
  REQUIRE(here.send("unheard").has_value());
  {
    const MessageSocket there = std::move(ends->second);
    REQUIRE(there.send("last words").has_value());
  }
  const auto last = here.receive();
  REQUIRE(last.has_value());
  REQUIRE(last->has_value());
  CHECK((*last)->text == "last words");
  const auto end = here.receive();
  REQUIRE(end.has_value());
  CHECK_FALSE(end->has_value());
  CHECK_FALSE(here.send("more").has_value());
}

TEST_CASE("who connects to a name knows who listens there, and the other way round") {
  auto listening = listen_at_name(own_name());
  REQUIRE(listening.has_value());
  const auto again = listen_at_name(own_name());
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().number == EADDRINUSE);
  CHECK_FALSE(accept_one(*listening).has_value());
  const auto client = MessageSocket::connect(own_name());
  REQUIRE(client.has_value());
  const auto came = accept_one(*listening);
  REQUIRE(came.has_value());
  CHECK(came->peer().pid == ::getpid());
  CHECK(client->peer().uid == ::geteuid());
  CHECK(came->send("hello").has_value());
  CHECK(client->wait(0));
}

TEST_CASE("nobody listens at a name that is free, and one that is too long is an error") {
  const auto nobody = MessageSocket::connect(own_name() + "/nobody");
  REQUIRE_FALSE(nobody.has_value());
  CHECK(nobody.error().number == ECONNREFUSED);
  const auto too_long = listen_at_name(std::string(200, 'x'));
  REQUIRE_FALSE(too_long.has_value());
  CHECK(too_long.error().number == ENAMETOOLONG);
}

}  // namespace
}  // namespace onehop::net
