// SPDX-License-Identifier: MIT
#include "onehop/net/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "onehop/net/event_loop.h"
#include "tests/support/catch.h"
#include "tests/support/subprocess.h"
#include "tests/support/unix_peer.h"

namespace onehop::net {
namespace {

constexpr mode_t kMode = 0660;

// A path in a folder of its own.
class Place {
 public:
  Place() : neighbour_("neighbour", "") {}
  std::string path() const { return neighbour_.folder() + "/s"; }

 private:
  test::TemporaryFile neighbour_;
};

mode_t mode_of(const std::string& path) {
  struct stat found {};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode;
}

// A socket file that nobody serves any more, as a killed process leaves it.
void leave_behind(const std::string& path) {
  auto made = listen_at_path(path, kMode, 8);
  REQUIRE(made.has_value());
  const std::string aside = path + ".aside";
  std::filesystem::rename(path, aside);  // so that its destructor finds nothing to remove
  made = Unexpected<std::string>("gone");
  std::filesystem::rename(aside, path);
}

TEST_CASE("a unix socket has the mode that was asked for, whatever the umask") {
  const Place place;
  const mode_t before = ::umask(0077);
  const auto made = listen_at_path(place.path(), kMode, 8);
  ::umask(before);
  REQUIRE(made.has_value());
  CHECK(S_ISSOCK(mode_of(place.path())));
  CHECK((mode_of(place.path()) & 0777) == kMode);
  CHECK(test::connect_at(place.path()).fd() >= 0);
}

TEST_CASE("the file of a unix socket goes with it") {
  const Place place;
  { CHECK(listen_at_path(place.path(), kMode, 8).has_value()); }
  CHECK_FALSE(std::filesystem::exists(place.path()));
}

TEST_CASE("what somebody has put in the place of a unix socket stays") {
  const Place place;
  {
    const auto made = listen_at_path(place.path(), kMode, 8);
    REQUIRE(made.has_value());
    REQUIRE(::unlink(place.path().c_str()) == 0);
    std::ofstream(place.path()) << "another";
  }
  CHECK(std::filesystem::is_regular_file(place.path()));
}

TEST_CASE("the socket file of a process that has died is replaced") {
  const Place place;
  leave_behind(place.path());
  CHECK_THROWS_AS(test::connect_at(place.path()), test::PeerError);
  const auto made = listen_at_path(place.path(), kMode, 8);
  REQUIRE(made.has_value());
  CHECK(test::connect_at(place.path()).fd() >= 0);
}

TEST_CASE("a unix socket that is served is an error, and goes on being served") {
  const Place place;
  const auto first = listen_at_path(place.path(), kMode, 8);
  REQUIRE(first.has_value());
  const auto second = listen_at_path(place.path(), kMode, 8);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error() == "another process serves it; only one can");
  CHECK(test::connect_at(place.path()).fd() >= 0);
}

TEST_CASE("a unix socket whose queue is full is served too") {
  const Place place;
  const auto first = listen_at_path(place.path(), kMode, 0);
  REQUIRE(first.has_value());
  const test::Peer waiting = test::connect_at(place.path());
  const auto second = listen_at_path(place.path(), kMode, 8);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error() == "another process serves it; only one can");
}

TEST_CASE("what is no socket is an error, and is left alone") {
  const Place place;
  std::ofstream(place.path()) << "precious";
  const auto on_file = listen_at_path(place.path(), kMode, 8);
  REQUIRE_FALSE(on_file.has_value());
  CHECK(on_file.error() == "there is something else than a socket, which is left alone");
  CHECK(std::filesystem::file_size(place.path()) == 8);
  std::filesystem::remove(place.path());
  std::filesystem::create_directory(place.path());
  CHECK_FALSE(listen_at_path(place.path(), kMode, 8).has_value());
  CHECK(std::filesystem::is_directory(place.path()));
}

TEST_CASE("a folder that is not there and a path that is too long are errors") {
  const Place place;
  const auto nowhere = listen_at_path(place.path() + "/x/y", kMode, 8);
  REQUIRE_FALSE(nowhere.has_value());
  CHECK(nowhere.error() == "No such file or directory");
  CHECK_FALSE(listen_at_path("/tmp/" + std::string(103, 'x'), kMode, 8).has_value());
  CHECK_FALSE(listen_at_path("", kMode, 8).has_value());
}

TEST_CASE("who connects to a unix socket is told by user and process") {
  struct Events final : Listener::Events {
    explicit Events(EventLoop& of) : loop(of) {}
    bool may_accept() override { return true; }
    void on_accept(TransportPtr, const Address& address) override {
      peer = address;
      loop.stop();
    }
    bool make_room(NetError) override { return false; }
    EventLoop& loop;
    Address peer;
  };
  const Place place;
  EventLoop loop;
  Events events(loop);
  auto made = listen_at_path(place.path(), kMode, 8);
  REQUIRE(made.has_value());
  auto listener = Listener::start(loop, std::move(made->socket), events);
  const test::Peer client = test::connect_at(place.path());
  loop.run();
  REQUIRE(events.peer.process().has_value());
  CHECK(events.peer.process()->uid == ::getuid());
  CHECK(events.peer.process()->pid == ::getpid());
  CHECK(events.peer.to_string() ==
        "unix:uid=" + std::to_string(::getuid()) + ",pid=" + std::to_string(::getpid()));
  listener.reset();
  loop.end_turn();
}

}  // namespace
}  // namespace onehop::net
