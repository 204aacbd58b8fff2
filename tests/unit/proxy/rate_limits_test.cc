// SPDX-License-Identifier: MIT
#include "onehop/proxy/rate_limits.h"

#include <array>
#include <deque>
#include <string>

#include "src/proxy/cookies.h"
#include "src/proxy/rate_fields.h"
#include "tests/support/catch.h"

namespace onehop::proxy {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

http::Client client_of(std::string_view ip) {
  http::Client client;
  client.address = *Address::numeric(ip, 0);
  client.ip_length = static_cast<uint8_t>(client.address.write_ip(client.ip));
  return client;
}

// A configuration with its tables and counters, as a worker has it.
class Limits {
 public:
  explicit Limits(config::Config config) : config_(std::move(config)) {
    for (const config::RateLimit& limit : config_.rate_limits) {
      tokens_.push_back(std::make_shared<TokenTable>(
          4096, limit.rate.count, static_cast<uint64_t>(limit.rate.time.count()) * 1'000'000));
      counters_.push_back(&shards_.emplace_back());
    }
    for (const config::Listener& listener : config_.listeners)
      terms_.push_back(std::make_shared<const http::ListenerTerms>(
          http::ListenerTerms{{listener.address, 0}, listener, {}, {}}));
    limits_ = RateLimits({config_, terms_, HashSecret{1, 2}, tokens_, counters_});
  }

  const Rated* ask(const http::RequestHead& head, std::string_view ip = "192.0.2.1") {
    const http::Client client = client_of(ip);
    const http::ListenerTerms* const terms = terms_.empty() ? nullptr : terms_.front().get();
    return limits_.ask({head, terms, route, client, client.ip_text(), now_ns}, arena_);
  }
  const Rated* ask(std::string_view ip = "192.0.2.1") {
    http::RequestHead head;
    head.target = "/";
    return ask(head, ip);
  }
  const telemetry::RateLimitShard& shard(size_t place) const { return shards_[place]; }

  uint64_t now_ns = kSecond;
  std::optional<size_t> route = 0;

 private:
  config::Config config_;
  std::vector<std::shared_ptr<TokenTable>> tokens_;
  std::deque<telemetry::RateLimitShard> shards_;
  std::vector<telemetry::RateLimitShard*> counters_;
  std::vector<RateLimits::Terms> terms_;
  RateLimits limits_;
  Arena arena_;
};

config::Config with(std::vector<config::RateLimit> limits, std::vector<std::string> of_route) {
  config::Config config;
  config.rate_limits = std::move(limits);
  config::Route& route = config.routes.emplace_back();
  route.upstream = config.upstreams.emplace_back().name = "app";
  route.rate_limits = std::move(of_route);
  return config;
}

config::RateLimit limit_of(std::string name, uint64_t count) {
  return {.name = std::move(name), .rate = {count, std::chrono::seconds(60)}};
}

TEST_CASE("a request within its limits has nothing to say, one beyond them says all of it") {
  Limits limits(with({limit_of("few", 2)}, {"few"}));
  CHECK(limits.ask() == nullptr);
  CHECK(limits.ask() == nullptr);
  const Rated* const refused = limits.ask();
  REQUIRE(refused != nullptr);
  CHECK(refused->refused);
  CHECK(refused->noted == "few");
  CHECK(refused->retry_after_s == 30);
  CHECK(refused->policies == "\"few\";q=2;w=60");
  CHECK(refused->remaining == "\"few\";r=0;t=30");
  CHECK(refused->detail == "The rate limit \"few\" allows 2 in 60 s; the next one in 30 s");
  CHECK(limits.ask("192.0.2.2") == nullptr);
  limits.now_ns += 30 * kSecond;
  CHECK(limits.ask() == nullptr);
  CHECK(limits.shard(0).allowed.value() == 4);
  CHECK(limits.shard(0).refused.value() == 1);
}

TEST_CASE("a time that is no whole second is rounded up, so that nobody comes too early") {
  Limits limits(with({limit_of("few", 7)}, {"few"}));
  for (int i = 0; i < 7; ++i) limits.ask();
  limits.now_ns += 8 * kSecond + kSecond / 2;
  CHECK(limits.ask()->retry_after_s == 1);  // 71 ms
}

TEST_CASE("where nothing is configured for a request, nothing is asked") {
  Limits limits(with({limit_of("few", 1)}, {}));
  CHECK(limits.ask() == nullptr);
  CHECK(limits.ask() == nullptr);
  limits.route.reset();
  CHECK(limits.ask() == nullptr);
  CHECK(limits.shard(0).allowed.value() == 0);
}

TEST_CASE("a request that no route takes has to be within the limits of its listener") {
  config::Config config = with({limit_of("few", 1)}, {});
  config.listeners.emplace_back().rate_limits = {"few"};
  Limits limits(std::move(config));
  limits.route.reset();
  CHECK(limits.ask() == nullptr);
  CHECK(limits.ask()->refused);
}

TEST_CASE("a dry run says in the notes what it would have refused, and lets it pass") {
  config::RateLimit dry = limit_of("dry", 1);
  dry.dry_run = dry.headers = true;
  Limits limits(with({dry}, {"dry"}));
  CHECK(limits.ask() == nullptr);
  const Rated* const rated = limits.ask();
  REQUIRE(rated != nullptr);
  CHECK_FALSE(rated->refused);
  CHECK(rated->noted == "dry (dry_run)");
  CHECK(rated->policies.empty());
  CHECK(limits.shard(0).dry_run_refused.value() == 1);
  CHECK(limits.shard(0).refused.value() == 0);
}

TEST_CASE("all values of a field are its key, in any spelling of its name") {
  config::RateLimit by = limit_of("by", 1);
  by.by = "header:X-Key";
  Limits limits(with({by}, {"by"}));
  const auto ask = [&](std::vector<http::Field> given) {
    http::RequestHead head;
    head.target = "/";
    std::array<http::Field, 4> room;
    head.fields = http::Fields(room);
    for (const http::Field& field : given) head.fields.add(field);
    return limits.ask(head) != nullptr;
  };
  CHECK_FALSE(ask({{"x-key", "a"}}));
  CHECK(ask({{"X-KEY", "a"}}));
  CHECK_FALSE(ask({{"x-key", "a"}, {"x-key", "b"}}));
  CHECK(ask({{"x-key", "a"}, {"x-key", "b"}}));
  CHECK_FALSE(ask({{"x-key", "b"}, {"x-key", "a"}}));
  for (int i = 0; i < 3; ++i) CHECK_FALSE(ask({{"x-other", "a"}}));
}

TEST_CASE("a cookie is found by its whole name, wherever it stands") {
  std::array<http::Field, 4> room;
  http::Fields fields(room);
  fields.add("cookie", "sid2=no; a=b;  sid=yes=1 ;c");
  fields.add("cookie", "sid=second; last=x");
  CHECK(cookie_of(fields, "sid") == "yes=1");
  CHECK(cookie_of(fields, "last") == "x");
  CHECK_FALSE(cookie_of(fields, "c").has_value());
  CHECK_FALSE(cookie_of(fields, "si").has_value());
}

}  // namespace
}  // namespace onehop::proxy
