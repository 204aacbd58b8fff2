// SPDX-License-Identifier: MIT
#include "server/admin_endpoint.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "tests/support/catch.h"
#include "tests/support/subprocess.h"
#include "tests/support/unix_peer.h"
#include "tests/unit/admin/running.h"

namespace onehop::server {
namespace {

// An admin endpoint on a loop that does not turn: its sockets are what is looked at.
struct Side {
  ~Side() {
    endpoint.close();
    loop.end_turn();
  }
  Result<void, std::string> change(const config::Admin& config) {
    auto doors = endpoint.prepare(config);
    if (!doors.has_value()) return Unexpected<std::string>(doors.error());
    endpoint.use(config, std::move(*doors));
    return {};
  }

  test::TemporaryFile token{"token", "0123456789abcdef\n"};
  std::string one = token.folder() + "/one";
  std::string other = token.folder() + "/other";
  net::EventLoop loop;
  test::Running running;
  admin::AdminService service{
      loop, [this] { return running.view(); }, [](const auto& settled) { settled(); }, {}};
  AdminEndpoint endpoint{loop, service};
};

config::Admin at(const std::string& listen, const std::string& control) {
  config::Admin config;
  config.listen = listen;
  config.control = control;
  return config;
}

TEST_CASE("the admin endpoint moves to another address and another path, and leaves the old ones") {
  Side side;
  REQUIRE(side.change(at("127.0.0.1:0", side.one)).has_value());
  const std::string first = side.endpoint.address();
  CHECK(test::Peer::connect(first).fd() >= 0);
  CHECK(test::connect_at(side.one).fd() >= 0);
  REQUIRE(side.change(at("localhost:0", side.other)).has_value());
  CHECK_FALSE(std::filesystem::exists(side.one));
  CHECK(test::connect_at(side.other).fd() >= 0);
  CHECK(test::Peer::connect(side.endpoint.address()).fd() >= 0);
  CHECK(side.endpoint.address() != first);
  CHECK(side.endpoint.control() == side.other);
  REQUIRE(side.change({}).has_value());
  CHECK_FALSE(std::filesystem::exists(side.other));
  CHECK(side.endpoint.address().empty());
}

TEST_CASE("what stays where it was is not opened again") {
  Side side;
  REQUIRE(side.change(at("127.0.0.1:0", side.one)).has_value());
  const std::string first = side.endpoint.address();
  const test::Peer waiting = test::connect_at(side.one);
  config::Admin config = at("127.0.0.1:0", side.one);
  config.token_file = side.token.path();
  REQUIRE(side.change(config).has_value());
  CHECK(side.endpoint.address() == first);
  CHECK(test::connect_at(side.one).fd() >= 0);
  CHECK(waiting.fd() >= 0);
}

TEST_CASE("a change that cannot be made leaves the admin endpoint as it was") {
  Side side;
  REQUIRE(side.change(at("127.0.0.1:0", side.one)).has_value());
  const std::string first = side.endpoint.address();
  std::ofstream(side.other) << "precious";
  CHECK_FALSE(side.change(at("localhost:0", side.other)).has_value());
  config::Admin no_token = at("localhost:0", side.one);
  no_token.token_file = side.other;
  CHECK_FALSE(side.change(no_token).has_value());
  CHECK(side.endpoint.address() == first);
  CHECK(side.endpoint.control() == side.one);
  CHECK(test::connect_at(side.one).fd() >= 0);
  CHECK(std::filesystem::file_size(side.other) == 8);
}

}  // namespace
}  // namespace onehop::server
