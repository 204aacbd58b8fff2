// SPDX-License-Identifier: MIT
// Who gets requests, on a clock that the test moves.
#include "onehop/upstream/judge.h"

#include <algorithm>

#include "onehop/proxy/outcome.h"
#include "tests/support/catch.h"
#include "tests/support/hand_loop.h"

namespace onehop::upstream {
namespace {

class Court final : private Judge::Events {
 public:
  explicit Court(size_t endpoints, config::Upstream with = {}) : config(std::move(with)) {
    for (size_t i = 0; i < endpoints; ++i) add();
    use();
  }

  void add(uint16_t rank = 0, bool drained = false) {
    const auto port = static_cast<uint16_t>(1 + specs_.size());
    specs_.push_back(book_.spec({.upstream = "app",
                                 .identity = "",
                                 .tls = false,
                                 .name = std::to_string(port),
                                 .host = "",
                                 .address = *Address::numeric("127.0.0.1", port),
                                 .weight = 1,
                                 .drained = drained,
                                 .rank = rank}));
  }
  void drop(size_t place) { specs_.erase(specs_.begin() + static_cast<ptrdiff_t>(place)); }
  void use() { judge.use(config, std::make_shared<const std::vector<SpecRef>>(specs_)); }

  // So many requests in a row fail there.
  void fail(size_t place, uint32_t count) {
    FailureCount& failures = specs_[place]->shared->failures;
    failures.in_a_row += count;
    if (failures.in_a_row >= config.ejection.consecutive_failures)
      judge.on_failures(specs_[place]->id);
  }
  uint32_t in_a_row(size_t place) const { return specs_[place]->shared->failures.in_a_row; }
  void check(size_t place, Judge::Checked how) { judge.checked(specs_[place]->id, how, "said so"); }

  // A letter for each endpoint: what it is, in capitals where it gets requests.
  std::string seen() const {
    std::string text;
    const auto shown = judge.shown();
    for (size_t i = 0; i < shown.size(); ++i) {
      const char letter =
          name_of(shown[i].standing)[shown[i].standing == Standing::unhealthy ? 2 : 0];
      const bool out = (*judge.set())[i]->out;
      text += out ? letter : static_cast<char>(letter - 'a' + 'A');
      CHECK((out || shown[i].in_use));
    }
    return text;
  }
  uint64_t left_ms(size_t place) const { return judge.shown()[place].left_ms; }
  bool was(const std::string& what) const {
    return std::ranges::find(judge.events(), what, &HealthEvent::what) != judge.events().end();
  }

  config::Upstream config;
  test::HandLoop loop;
  int verdicts = 0;
  Judge judge{Judge::Parts{loop, *this, "app", 7}};

 private:
  void on_verdict(Judge&) override { ++verdicts; }

  telemetry::Telemetry telemetry_{proxy::outcome_names(), 1};
  EndpointBook book_{telemetry_};
  std::vector<SpecRef> specs_;
};

constexpr uint64_t kSlack = 100;  // ms: a deadline may be so late
constexpr auto kPassed = Judge::Checked::passed;
constexpr auto kFailed = Judge::Checked::failed;

TEST_CASE("an endpoint that fails as many requests in a row as may be is ejected") {
  Court court(3);
  court.fail(1, 4);
  CHECK(court.seen() == "HHH");
  court.fail(1, 1);
  CHECK(court.seen() == "HeH");
  CHECK(court.verdicts == 1);
  CHECK(court.judge.counts().ejected_failures == 1);
  CHECK(court.left_ms(1) >= 9000);
  CHECK(court.left_ms(1) <= 11000);
  CHECK(court.judge.shown()[1].why.find("5 requests in a row failed, the last one by connect") ==
        0);
}

TEST_CASE("an ejection ends by itself, and one more failure then makes the next, twice as long") {
  Court court(3);
  court.fail(0, 5);
  court.loop.pass_ms(court.left_ms(0) + kSlack);
  CHECK(court.seen() == "HHH");
  CHECK(court.verdicts == 2);
  CHECK(court.in_a_row(0) == 4);
  court.fail(0, 1);
  CHECK(court.seen() == "eHH");
  CHECK(court.left_ms(0) >= 18000);
  CHECK(court.left_ms(0) <= 22000);
  CHECK(court.judge.shown()[0].ejections == 2);
}

TEST_CASE("ejections grow no longer than max_time, and start anew after a good while") {
  Court court(3);
  court.config.ejection.max_time = std::chrono::seconds(25);
  court.use();
  for (int i = 0; i < 6; ++i) {
    court.fail(0, 5);
    CHECK(court.left_ms(0) <= 27500);
    court.loop.pass_ms(court.left_ms(0) + kSlack);
  }
  court.loop.pass_ms(1'000'000);
  court.fail(0, 5);
  CHECK(court.left_ms(0) <= 11000);
}

TEST_CASE("no more are ejected than max_ejected allows, but one at least") {
  Court court(4);
  for (size_t i = 0; i < 4; ++i) court.fail(i, 5);
  CHECK(court.seen() == "eeHH");
  CHECK(court.judge.counts().not_ejected == 2);
  CHECK(court.was("not_ejected"));

  Court none(2);
  none.config.ejection.max_ejected = 0;
  none.use();
  none.fail(0, 5);
  CHECK(none.seen() == "eH");
}

TEST_CASE("the last healthy endpoint is never ejected, and nor is one that is alone") {
  Court alone(1);
  alone.fail(0, 50);
  CHECK(alone.seen() == "H");
  Court pair(2);
  pair.config.ejection.max_ejected = 900'000;
  pair.use();
  pair.fail(0, 5);
  pair.fail(1, 5);
  CHECK(pair.seen() == "eH");
}

TEST_CASE("consecutive_failures = 0 ejects nobody for them") {
  Court court(2);
  court.config.ejection.consecutive_failures = 0;
  court.use();
  court.fail(0, 100);
  CHECK(court.seen() == "HH");
}

TEST_CASE("what is known of an endpoint stays when the others change, and goes with it") {
  Court court(3);
  court.fail(1, 5);
  court.add();
  court.use();
  CHECK(court.seen() == "HeHH");
  court.drop(0);
  court.use();
  CHECK(court.seen() == "eHH");
  court.drop(0);
  court.use();
  CHECK(court.seen() == "HH");
}

TEST_CASE("the same verdicts are the same set, so that workers have nothing to do") {
  Court court(3);
  const EndpointSet before = court.judge.set();
  court.use();
  CHECK(court.judge.set() == before);
  court.fail(1, 5);
  const EndpointSet ejected = court.judge.set();
  CHECK((*ejected)[0] == (*before)[0]);
  CHECK((*ejected)[1] != (*before)[1]);
  court.use();
  CHECK((*court.judge.set())[1] == (*ejected)[1]);
}

config::Upstream with_checks(config::HealthStart start = config::HealthStart::healthy) {
  config::Upstream upstream;
  upstream.health.enabled = true;
  upstream.health.start = start;
  return upstream;
}

TEST_CASE("health checks: `fall` failures in a row make it unhealthy, `rise` passes healthy") {
  Court court(2, with_checks());
  court.check(0, kFailed);
  court.check(0, kFailed);
  court.check(0, kPassed);
  court.check(0, kFailed);
  court.check(0, kFailed);
  CHECK(court.seen() == "HH");
  court.check(0, kFailed);
  CHECK(court.seen() == "hH");
  court.check(0, kPassed);
  CHECK(court.seen() == "hH");
  court.check(0, kPassed);
  CHECK(court.seen() == "HH");
}

TEST_CASE("with start = checked an endpoint gets nothing before its first check, which decides") {
  Court court(2, with_checks(config::HealthStart::checked));
  CHECK(court.seen() == "uu");
  CHECK(!court.judge.panics());
  court.check(0, kPassed);
  CHECK(court.seen() == "Hu");
  court.check(1, kFailed);
  CHECK(court.seen() == "Hh");
}

TEST_CASE("an endpoint that checks call unhealthy is used again when there are none") {
  Court court(2, with_checks());
  for (int i = 0; i < 3; ++i) court.check(0, kFailed);
  CHECK(court.seen() == "hH");
  court.config.health.enabled = false;
  court.use();
  CHECK(court.seen() == "HH");
}

TEST_CASE("panic: where fewer than panic_threshold are healthy all are used, and it is said once") {
  Court court(5, with_checks());
  for (size_t place = 0; place < 4; ++place) {
    for (int i = 0; i < 3; ++i) court.check(place, kFailed);
  }
  CHECK(court.seen() == "HHHHH");
  CHECK(court.judge.panics());
  CHECK(court.judge.counts().panics == 1);
  CHECK(court.was("panic"));
  for (int i = 0; i < 2; ++i) court.check(0, kPassed);
  CHECK(!court.judge.panics());
  CHECK(court.was("panic_over"));
}

TEST_CASE("with panic_threshold = 0 all are used only where none is healthy") {
  Court court(3, with_checks());
  court.config.panic_threshold = 0;
  court.use();
  for (size_t place = 0; place < 2; ++place) {
    for (int i = 0; i < 3; ++i) court.check(place, kFailed);
  }
  CHECK(!court.judge.panics());
  for (int i = 0; i < 3; ++i) court.check(2, kFailed);
  CHECK(court.judge.panics());
}

TEST_CASE("endpoints of the next priority, then backups, are used when none before is healthy") {
  Court court(2, with_checks());
  court.config.panic_threshold = 0;
  court.add(1);
  court.add(16);
  court.use();
  CHECK(court.seen() == "HHhh");
  for (int i = 0; i < 3; ++i) court.check(0, kFailed);
  CHECK(court.seen() == "hHhh");
  for (int i = 0; i < 3; ++i) court.check(1, kFailed);
  CHECK(court.seen() == "hhHh");
  CHECK(court.was("spill_over"));
  for (int i = 0; i < 3; ++i) court.check(2, kFailed);
  CHECK(court.seen() == "hhhH");
  for (int i = 0; i < 2; ++i) court.check(0, kPassed);
  CHECK(court.seen() == "Hhhh");
  CHECK(court.was("spill_over_ends"));
}

TEST_CASE("with backup_threshold the next priority joins in before the first has none left") {
  Court court(4, with_checks());
  court.config.backup_threshold = 600'000;
  court.add(16);
  court.use();
  for (int i = 0; i < 3; ++i) court.check(0, kFailed);
  CHECK(court.seen() == "hHHHh");
  for (int i = 0; i < 3; ++i) court.check(1, kFailed);
  CHECK(court.seen() == "hhHHH");
}

// A second in which each endpoint ended so many requests, of which so many failed, after so long.
struct Second {
  uint64_t requests;
  uint64_t failures;
  uint64_t wait_ms = 1;
};

class Seconds {
 public:
  explicit Seconds(Court& court) : court_(court) { pass({}); }
  void pass(const std::vector<Second>& all) {
    sums_.resize(court_.judge.shown().size());
    for (size_t i = 0; i < all.size(); ++i) {
      sums_[i].requests += all[i].requests;
      sums_[i].failures += all[i].failures;
      sums_[i].wait_ns += all[i].requests * all[i].wait_ms * 1'000'000;
    }
    court_.judge.judge_second(sums_);
    court_.loop.pass_ms(1000);
  }

 private:
  Court& court_;
  std::vector<HealthSample> sums_;
};

TEST_CASE("one that fails far more than the others is ejected, once enough requests ended") {
  Court court(3);
  Seconds seconds(court);
  seconds.pass({{60, 40}, {60, 0}, {60, 0}});
  CHECK(court.seen() == "HHH");
  seconds.pass({{60, 40}, {60, 0}, {60, 0}});
  CHECK(court.seen() == "eHH");
  CHECK(court.judge.counts().ejected_errors == 1);
  CHECK(court.judge.shown()[0].why.find("67 % of its 120 requests failed, of the others' 0 %") ==
        0);
}

TEST_CASE("where all fail alike nobody is ejected for it") {
  Court court(3);
  Seconds seconds(court);
  for (int i = 0; i < 20; ++i) seconds.pass({{100, 90}, {100, 80}, {100, 95}});
  CHECK(court.seen() == "HHH");
}

TEST_CASE("what failed longer ago than the window is forgotten") {
  Court court(2);
  Seconds seconds(court);
  seconds.pass({{90, 90}, {90, 0}});
  for (int i = 0; i < 11; ++i) seconds.pass({{5, 0}, {5, 0}});
  seconds.pass({{200, 0}, {200, 0}});
  CHECK(court.seen() == "HH");
}

TEST_CASE("with latency_factor one that waits so many times longer is ejected") {
  Court court(3);
  Seconds seconds(court);
  seconds.pass({{200, 0, 50}, {200, 0, 2}, {200, 0, 2}});
  CHECK(court.seen() == "HHH");
  court.config.ejection.latency_factor = 5;
  court.use();
  seconds.pass({{200, 0, 50}, {200, 0, 2}, {200, 0, 2}});
  CHECK(court.seen() == "eHH");
  CHECK(court.judge.counts().ejected_latency == 1);
}

TEST_CASE("what an endpoint did before its ejection does not eject it again") {
  Court court(2);
  Seconds seconds(court);
  seconds.pass({{200, 200}, {200, 0}});
  CHECK(court.seen() == "eH");
  court.loop.pass_ms(court.left_ms(0) + kSlack);
  CHECK(court.seen() == "HH");
  seconds.pass({{0, 0}, {200, 0}});
  CHECK(court.seen() == "HH");
}

TEST_CASE("the last 100 events are kept") {
  Court court(2);
  for (int i = 0; i < 80; ++i) {
    court.fail(0, 5);
    court.loop.pass_ms(court.left_ms(0) + kSlack);
  }
  CHECK(court.judge.events().size() == Judge::kMostEvents);
  CHECK(court.judge.events().back().what == "healthy");
}

}  // namespace
}  // namespace onehop::upstream
