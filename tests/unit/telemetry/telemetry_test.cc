// SPDX-License-Identifier: MIT
// The registry: what is counted is found by its name, stays as long as somebody holds it, and is in
// the sums of its upstream for ever.
#include "onehop/telemetry/telemetry.h"

#include <thread>

#include "onehop/telemetry/snapshot.h"
#include "tests/support/catch.h"

namespace onehop::telemetry {
namespace {

void forget(Telemetry& telemetry) {
  telemetry.fold(telemetry.take_let_go());
}

size_t count_of(const Telemetry& telemetry) {
  return merge(telemetry).endpoints.size();
}

TEST_CASE("an endpoint of one name has the same cells, whoever asks") {
  Telemetry telemetry({}, 2);
  const EndpointRef one = telemetry.endpoint({"app", "127.0.0.1:9001"});
  CHECK(telemetry.endpoint({"app", "127.0.0.1:9001"}) == one);
  CHECK(telemetry.endpoint({"api", "127.0.0.1:9001"}) != one);
  CHECK(telemetry.endpoint({"app", "127.0.0.1:9002"}) != one);
}

TEST_CASE("an endpoint that nobody counted at has no cell, and reads as nothing") {
  Telemetry telemetry({}, 16);
  const EndpointRef one = telemetry.endpoint({"app", "127.0.0.1:9001"});
  size_t cells = 0;
  one->by_worker.for_each([&](const EndpointShard&) { ++cells; });
  CHECK(cells == 0);
  one->by_worker.of(3).reused.add(2);
  one->by_worker.for_each([&](const EndpointShard&) { ++cells; });
  CHECK(cells == 1);
  CHECK(merge(telemetry).endpoints.front().reused == 2);
}

TEST_CASE("what an endpoint counted stays in the sums of its upstream when it is gone") {
  Telemetry telemetry({{"ok"}}, 2);
  EndpointRef gone = telemetry.endpoint({"app", "127.0.0.1:9001", true});
  const EndpointRef stays = telemetry.endpoint({"app", "127.0.0.1:9002"});
  for (size_t worker : {0, 1}) {
    gone->by_worker.of(worker).requests.add(2, 5);
    gone->by_worker.of(worker).dial.record(1000);
    gone->by_worker.of(worker).tls.full.record(7000);
  }
  stays->by_worker.of(0).requests.add(2, 1);
  const auto total = [&] { return sum(by_upstream(merge(telemetry)).front().requests); };
  CHECK(total() == 11);
  gone.reset();
  CHECK(total() == 11);  // it is still to be folded
  forget(telemetry);
  const Snapshot snapshot = merge(telemetry);
  CHECK(snapshot.endpoints.size() == 1);
  REQUIRE(snapshot.departed.size() == 1);
  CHECK(snapshot.departed.front().name.upstream == "app");
  CHECK(snapshot.departed.front().name.address.empty());
  CHECK(snapshot.departed.front().dial.count() == 2);
  CHECK(snapshot.departed.front().tls->full.sum_ns() == 14'000);
  CHECK(total() == 11);
}

TEST_CASE("an endpoint that comes back before it was folded goes on counting where it was") {
  Telemetry telemetry({}, 1);
  EndpointRef one = telemetry.endpoint({"app", "127.0.0.1:9001"});
  one->by_worker.of(0).reused.add(3);
  one.reset();
  one = telemetry.endpoint({"app", "127.0.0.1:9001"});
  forget(telemetry);
  CHECK(count_of(telemetry) == 1);
  CHECK(one->by_worker.of(0).reused.value() == 3);
  one.reset();
  forget(telemetry);
  CHECK(count_of(telemetry) == 0);
  CHECK(merge(telemetry).departed.front().reused == 3);
}

TEST_CASE("an endpoint that comes back later begins at nothing, and the departed keep their sum") {
  Telemetry telemetry({}, 1);
  telemetry.endpoint({"app", "127.0.0.1:9001"})->by_worker.of(0).reused.add(3);
  forget(telemetry);
  const EndpointRef again = telemetry.endpoint({"app", "127.0.0.1:9001"});
  again->by_worker.of(0).reused.add(4);
  const Snapshot snapshot = merge(telemetry);
  CHECK(snapshot.endpoints.front().reused == 4);
  CHECK(snapshot.departed.front().reused == 3);
  CHECK(by_upstream(snapshot).front().reused == 7);
}

TEST_CASE("cells are folded once the last holder has let go, on whatever thread that is") {
  Telemetry telemetry({}, 2);
  EndpointRef main = telemetry.endpoint({"app", "127.0.0.1:9001"});
  std::thread worker([held = main]() mutable {
    held->by_worker.of(1).reused.add(9);
    held.reset();
  });
  main.reset();
  worker.join();
  forget(telemetry);
  CHECK(count_of(telemetry) == 0);
  CHECK(merge(telemetry).departed.front().reused == 9);
}

TEST_CASE("a reference may outlive the registry") {
  EndpointRef left;
  {
    Telemetry telemetry({}, 1);
    left = telemetry.endpoint({"app", "127.0.0.1:9001"});
  }
  left.reset();
  CHECK(left == nullptr);
}

TEST_CASE("routes and listeners of one name are one, and stay") {
  Telemetry telemetry({}, 1);
  CHECK(&telemetry.route("/api") == &telemetry.route("/api"));
  CHECK(&telemetry.listener("127.0.0.1:0") == &telemetry.listener("127.0.0.1:0"));
  CHECK(telemetry.routes().size() == 2);  // and that of no route
  CHECK(telemetry.routes().front().label.empty());
  CHECK(telemetry.listeners().size() == 1);
}

TEST_CASE("an endpoint without a request costs a worker less than 2 KiB, a busy one 32") {
  CHECK(sizeof(EndpointShard) <= 2048);
  // What a real request spends in its phases, over two decades each.
  EndpointShard shard;
  for (uint64_t ns = 10'000; ns < 1'000'000; ns += ns / 40 + 1) {
    for (Histogram& histogram : shard.exchange) histogram.record(ns);
  }
  size_t bytes = sizeof(EndpointShard);
  for (const Histogram& histogram : shard.exchange) bytes += histogram.held_bytes();
  INFO(bytes << " bytes");
  CHECK(bytes <= 32 * 1024);
}

}  // namespace
}  // namespace onehop::telemetry
