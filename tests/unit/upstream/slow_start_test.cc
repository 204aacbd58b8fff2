// SPDX-License-Identifier: MIT
// Endpoints that join others, and get their share little by little; the clock is the test's.
#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "onehop/upstream/upstream.h"
#include "tests/support/catch.h"
#include "tests/support/hand_dialer.h"
#include "tests/support/small_proxy.h"

namespace onehop::upstream {
namespace {

using config::Balance;
using onehop::test::HandDialer;
using onehop::test::HandLoop;
using Endpoints = std::vector<config::Endpoint>;

constexpr const char* kA = "127.0.0.1:9001";
constexpr const char* kB = "127.0.0.1:9002";
constexpr const char* kC = "127.0.0.1:9003";

struct Side {
  explicit Side(Endpoints endpoints, config::milliseconds slow_start = config::seconds(10),
                Balance balance = Balance::round_robin)
      : small(config_of(std::move(endpoints), slow_start, balance), loop, dialer) {}
  ~Side() {
    uses.clear();
    loop.end_turn();
  }

  static config::Config config_of(Endpoints endpoints, config::milliseconds slow_start,
                                  Balance balance = Balance::round_robin) {
    config::Upstream upstream;
    upstream.name = "app";
    upstream.endpoints = std::move(endpoints);
    upstream.slow_start = slow_start;
    upstream.balance = balance;
    return onehop::test::config_of(upstream);
  }
  void reload(Endpoints endpoints, config::milliseconds slow_start) {
    small.apply(config_of(std::move(endpoints), slow_start));
    loop.end_turn();
  }
  void use(const Endpoints& endpoints, const std::vector<std::string>& drained = {}) {
    small.use(endpoints, drained);
    loop.end_turn();
  }

  // Of a thousand picks, those of this one.
  int64_t share(const char* address) {
    int64_t count = 0;
    for (int i = 0; i < 1000; ++i) {
      const Endpoint* const picked = upstream().pick({});
      if (picked != nullptr && picked->name() == address) ++count;
    }
    return count;
  }
  // So many requests begin, and do not end.
  void begin(size_t count) {
    for (size_t i = 0; i < count; ++i) uses.emplace_back(*upstream().pick({}));
  }
  uint32_t in_flight(const char* address) {
    for (const auto& endpoint : upstream().endpoints()) {
      if (endpoint->name() == address) return endpoint->in_flight();
    }
    return 0;
  }
  // As the main thread shows it; below 0: not warming.
  int64_t shown_warming_ms(size_t place) {
    const auto set = small.book.spec(
        {.upstream = "app",
         .identity = identity_of(config::Upstream{}),
         .tls = false,
         .name = upstream().endpoints()[place]->name(),
         .host = "127.0.0.1",
         .address = *Address::numeric("127.0.0.1", static_cast<uint16_t>(9001 + place))});
    const uint64_t since_ms = set->shared->warming_since_ms;
    return since_ms == kNotWarming ? -1 : static_cast<int64_t>(loop.now_ms() - since_ms);
  }
  Upstream& upstream() { return *small.upstreams.front(); }

  HandLoop loop;
  HandDialer dialer{loop};
  onehop::test::SmallProxy small;
  std::deque<EndpointUse> uses;
};

// Within what whole requests allow.
bool is_about(int64_t count, int64_t expected) {
  return count >= expected - 2 && count <= expected + 2;
}

TEST_CASE("a share grows with the time from a tenth to all of it") {
  CHECK(warm_share(0, 1000) == 100);
  CHECK(warm_share(99, 1000) == 100);
  CHECK(warm_share(250, 1000) == 250);
  CHECK(warm_share(999, 1000) == 999);
  CHECK(warm_share(1000, 1000) == kWarm);
  CHECK(warm_share(5000, 1000) == kWarm);
  CHECK(warm_share(0, 0) == kWarm);
}

TEST_CASE("an endpoint that joins another gets its share over slow_start") {
  Side side({{kA, 1}});
  side.use({{kA, 1}, {kB, 1}});
  CHECK(is_about(side.share(kB), 91));  // 0.1 of 1.1
  side.loop.pass_ms(5000);
  CHECK(is_about(side.share(kB), 333));  // 0.5 of 1.5
  side.loop.pass_ms(4000);
  CHECK(is_about(side.share(kB), 474));  // 0.9 of 1.9
  side.loop.pass_ms(1000);
  CHECK(is_about(side.share(kB), 500));
}

TEST_CASE("what grows is a share of the weight, also of one that changes on the way") {
  Side side({{kA, 1}});
  side.use({{kA, 1}, {kB, 4}});
  side.loop.pass_ms(5000);
  CHECK(is_about(side.share(kB), 667));  // 2 of 3
  side.use({{kA, 1}, {kB, 2}});
  CHECK(is_about(side.share(kB), 500));
  side.loop.pass_ms(5000);
  CHECK(is_about(side.share(kB), 667));
}

TEST_CASE("with least_requests the load of one that joins grows in the same way") {
  Side side({{kA, 1}}, config::seconds(10), Balance::least_requests);
  side.use({{kA, 1}, {kB, 1}});
  side.begin(110);
  CHECK(side.in_flight(kA) == 100);
  CHECK(side.in_flight(kB) == 10);
  side.uses.clear();
  side.loop.pass_ms(5000);
  side.begin(150);
  CHECK(side.in_flight(kA) == 100);
  CHECK(side.in_flight(kB) == 50);
  side.uses.clear();
  side.loop.pass_ms(5000);
  side.begin(100);
  CHECK(side.in_flight(kB) == 50);
}

TEST_CASE("without slow_start an endpoint that joins has its share at once") {
  Side side({{kA, 1}}, config::seconds(0));
  side.use({{kA, 1}, {kB, 1}});
  CHECK(side.share(kB) == 500);
  CHECK(side.shown_warming_ms(1) == -1);
}

TEST_CASE("those of the first set are not slowed, nor are those of a set of new ones") {
  Side side({{kA, 1}, {kB, 3}});
  CHECK(side.share(kB) == 750);
  side.use({{kC, 1}});
  CHECK(side.share(kC) == 1000);
  side.use({{kC, 1}, {kA, 1}});
  CHECK(is_about(side.share(kA), 91));
}

TEST_CASE("the first addresses of a name that came late are not slowed") {
  Side side({});
  CHECK(side.upstream().pick({}) == nullptr);
  side.use({{kA, 1}});
  side.use({{kA, 1}, {kB, 1}});
  CHECK(is_about(side.share(kA), 909));
}

TEST_CASE("an endpoint that is ready again after a drain is slowed as a new one is") {
  Side side({{kA, 1}, {kB, 1}});
  side.use({{kA, 1}, {kB, 1}}, {kB});
  CHECK(side.share(kB) == 0);
  side.use({{kA, 1}, {kB, 1}});
  CHECK(is_about(side.share(kB), 91));
  CHECK(side.shown_warming_ms(1) == 0);
}

TEST_CASE("one that is warming goes on over a reload, and one that is warm stays so") {
  Side side({{kA, 1}, {kC, 1}});
  side.use({{kA, 1}, {kB, 1}, {kC, 1}});
  side.loop.pass_ms(5000);
  side.reload({{kA, 1}, {kB, 1}, {kC, 1}}, config::seconds(10));
  CHECK(is_about(side.share(kB), 200));  // 0.5 of 2.5
  CHECK(is_about(side.share(kA), 400));
  CHECK(side.shown_warming_ms(1) == 5000);
  CHECK(side.shown_warming_ms(0) == -1);
}

TEST_CASE("slow_start may change while an endpoint is warming") {
  Side side({{kA, 1}});
  side.use({{kA, 1}, {kB, 1}});
  side.loop.pass_ms(5000);
  side.reload({{kA, 1}, {kB, 1}}, config::seconds(20));
  CHECK(is_about(side.share(kB), 200));  // 0.25 of 1.25
  side.reload({{kA, 1}, {kB, 1}}, config::seconds(0));
  CHECK(is_about(side.share(kB), 500));
  side.reload({{kA, 1}, {kB, 1}}, config::seconds(20));
  CHECK(is_about(side.share(kB), 500));
}

TEST_CASE("one that had its time is not slowed again by a longer slow_start") {
  Side side({{kA, 1}});
  side.use({{kA, 1}, {kB, 1}});
  side.loop.pass_ms(10'000);
  side.reload({{kA, 1}, {kB, 1}}, config::seconds(60));
  CHECK(is_about(side.share(kB), 500));
  CHECK(side.shown_warming_ms(1) == -1);
}

TEST_CASE("an endpoint whose others leave while it is warming takes everything") {
  Side side({{kA, 1}});
  side.use({{kA, 1}, {kB, 1}});
  side.use({{kB, 1}});
  CHECK(side.share(kB) == 1000);
}

TEST_CASE("when the others have failed for a request, one that is warming is asked") {
  Side side({{kA, 1}});
  side.use({{kA, 1}, {kB, 1}});
  const EndpointId tried[] = {side.upstream().endpoints()[0]->id()};
  for (int i = 0; i < 5; ++i) {
    const Endpoint* const picked = side.upstream().pick({tried});
    REQUIRE(picked != nullptr);
    CHECK(picked->name() == kB);
  }
}

}  // namespace
}  // namespace onehop::upstream
