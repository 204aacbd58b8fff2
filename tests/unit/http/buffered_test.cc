// SPDX-License-Identifier: MIT
#include "onehop/http/buffered.h"

#include <memory>

#include "tests/support/catch.h"

namespace onehop::http {
namespace {

TEST_CASE("what waits on a stream waits on its connection and for its client") {
  Buffered client(nullptr, 0);
  Buffered connection(&client, 0);
  Buffered first(&connection, 0);
  Buffered second(&connection, 0);
  first.set(10);
  second.set(5);
  connection.set(1);
  CHECK(first.bytes() == 10);
  CHECK(connection.bytes() == 16);
  CHECK(client.bytes() == 16);
  first.set(3);
  first.set(3);
  CHECK(client.bytes() == 9);
}

TEST_CASE("a level that goes takes what it held with it") {
  Buffered client(nullptr, 100);
  {
    Buffered connection(&client, 0);
    connection.set(100);
    CHECK(client.is_full());
  }
  CHECK(client.bytes() == 0);
  CHECK_FALSE(client.is_full());
}

TEST_CASE("a sender waits for the sake of any level above it, and of none beside it") {
  Buffered client(nullptr, 100);
  Buffered greedy(&client, 50);
  Buffered modest(&client, 50);
  greedy.set(50);
  CHECK(greedy.is_full());
  CHECK_FALSE(modest.is_full());
  modest.set(49);
  CHECK_FALSE(modest.is_full());
  greedy.set(51);
  CHECK(client.is_full());
  CHECK(modest.is_full());
}

TEST_CASE("connections of one address share a level for as long as there is one") {
  config::Limits limits;
  limits.buffered_per_client = 100;
  ClientBuffers clients(limits);
  Buffered& level = clients.join("192.0.2.1");
  CHECK(&clients.join("192.0.2.1") == &level);
  Buffered& other = clients.join("192.0.2.2");
  CHECK(&other != &level);
  {
    Buffered connection(&level, 0);
    connection.set(100);
    CHECK(level.is_full());
    CHECK_FALSE(other.is_full());
  }
  clients.leave("192.0.2.1");
  clients.leave("192.0.2.1");
  clients.leave("192.0.2.2");
  clients.leave("192.0.2.3");
  CHECK(clients.join("192.0.2.1").bytes() == 0);
}

}  // namespace
}  // namespace onehop::http
