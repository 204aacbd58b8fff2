// SPDX-License-Identifier: MIT
#include "server/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/support/catch.h"

namespace onehop::server {
namespace {

TEST_CASE("two descriptors are budgeted for a client, beside the process and a reserve") {
  // 12, 6 for the worker and its listener, 8 in reserve: 230 are left.
  CHECK(clients_within(256, 1, 1) == (256 - 12 - 6 - 16) / 2);
  CHECK(clients_within(256, 2, 1) == (256 - 12 - 12 - 16) / 2);
  CHECK(clients_within(524'288, 2, 2) == (524'288 - 12 - 14 - 64) / 2);
}

TEST_CASE("where descriptors do not suffice each worker has a client all the same") {
  CHECK(clients_within(16, 1, 1) == 1);
  CHECK(clients_within(40, 8, 1) == 8);
}

TEST_CASE("a spare descriptor is given once, and taken back when there is one again") {
  SpareDescriptors spares(1);
  const int before = ::open("/dev/null", O_RDONLY);
  CHECK(spares.give());
  CHECK_FALSE(spares.give());
  const int in_its_place = ::open("/dev/null", O_RDONLY);
  CHECK(in_its_place < before);
  ::close(in_its_place);
  spares.fill();
  CHECK(spares.give());
  ::close(before);
}

}  // namespace
}  // namespace onehop::server
