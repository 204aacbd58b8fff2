// SPDX-License-Identifier: MIT
#include "onehop/upstream/reachability.h"

#include <thread>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::upstream {
namespace {

TEST_CASE("an endpoint that is lost is news once, and so is that it is found again") {
  Reachability endpoint;
  CHECK_FALSE(endpoint.found());
  CHECK(endpoint.lost(1000));
  CHECK_FALSE(endpoint.lost(1001));
  CHECK_FALSE(endpoint.lost(60'000));
  CHECK(endpoint.found());
  CHECK_FALSE(endpoint.found());
}

TEST_CASE("an endpoint that comes and goes is news every ten seconds") {
  Reachability endpoint;
  CHECK(endpoint.lost(1000));
  CHECK(endpoint.found());
  CHECK_FALSE(endpoint.lost(10'999));
  CHECK_FALSE(endpoint.found());
  CHECK(endpoint.lost(11'000));
}

TEST_CASE("of workers that lose an endpoint at the same time one is to say so") {
  Reachability endpoint;
  std::atomic<int> said = 0;
  std::vector<std::thread> workers;
  for (int i = 0; i < 8; ++i)
    workers.emplace_back([&] { said += endpoint.lost(1000) + endpoint.handshake_failed(1000); });
  for (std::thread& worker : workers) worker.join();
  CHECK(said == 2);
}

}  // namespace
}  // namespace onehop::upstream
