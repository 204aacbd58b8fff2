// SPDX-License-Identifier: MIT
// The values by which cookies name endpoints.
#include "onehop/upstream/sticky.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::upstream {
namespace {

using Names = std::vector<std::string_view>;

config::Upstream upstream(std::string name, std::string secret) {
  config::Upstream made;
  made.name = std::move(name);
  made.sticky.enabled = true;
  made.sticky.secret = std::move(secret);
  return made;
}

Sticky sticky(const config::Upstream& of, const Names& names,
              std::string_view secret = "made at the start") {
  Sticky made;
  made.configure(of, secret);
  made.rebuild(names);
  return made;
}

TEST_CASE("a value names its endpoint, in whatever set and place that is") {
  const auto config = upstream("app", "0123456789abcdef");
  const Sticky one = sticky(config, {"a:1", "b:1", "c:1"});
  const Sticky other = sticky(config, {"d:1", "c:1", "a:1"});
  CHECK(one.find(one.value_of(2)) == size_t{2});
  CHECK(other.find(one.value_of(2)) == size_t{1});
  CHECK(other.find(one.value_of(0)) == size_t{2});
  CHECK_FALSE(other.find(one.value_of(1)).has_value());
}

TEST_CASE("no value is found that was not made with the secret, for that upstream") {
  const Names names = {"a:1", "b:1"};
  const Sticky one = sticky(upstream("app", "0123456789abcdef"), names);
  CHECK_FALSE(sticky(upstream("app", "0123456789abcdeg"), names).find(one.value_of(0)));
  CHECK_FALSE(sticky(upstream("other", "0123456789abcdef"), names).find(one.value_of(0)));
  CHECK_FALSE(sticky(upstream("app", ""), names).find(one.value_of(0)));
  const Sticky started = sticky(upstream("app", ""), names, "x");
  CHECK(sticky(upstream("app", ""), names, "x").find(started.value_of(1)) == size_t{1});
  CHECK_FALSE(sticky(upstream("app", ""), names, "y").find(started.value_of(1)));
}

TEST_CASE("a value that is cut, changed or longer names nobody") {
  const Sticky one = sticky(upstream("app", ""), {"a:1", "b:1"});
  const std::string value(one.value_of(1));
  for (size_t i = 0; i < value.size(); ++i) {
    std::string changed = value;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(one.find(changed).has_value());
  }
  CHECK_FALSE(one.find(value.substr(1)).has_value());
  CHECK_FALSE(one.find(value + "A").has_value());
  CHECK_FALSE(one.find("").has_value());
}

TEST_CASE("values are of characters that a cookie may have, tell nothing, and are all different") {
  std::vector<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.push_back("10.0.0.1:" + std::to_string(i));
  const Names names(texts.begin(), texts.end());
  const Sticky one = sticky(upstream("app", ""), names);
  std::set<std::string_view> seen;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string_view value = one.value_of(i);
    CHECK(value.size() == Sticky::kLength);
    CHECK(value.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "-_") == std::string_view::npos);
    seen.insert(value);
  }
  CHECK(seen.size() == names.size());
}

// From HMAC-SHA-256 of "onehop sticky 1\napp\na:1", worked out with another program: what one
// version said is understood by the next one.
TEST_CASE("a value stays what it is from version to version") {
  CHECK(sticky(upstream("app", "0123456789abcdef"), {"a:1"}).value_of(0) ==
        "wXQTZTqREexPm3SR4ke0U");
}

TEST_CASE("the cookie has the name that is configured, or one of the upstream's") {
  auto config = upstream("app", "");
  CHECK(sticky(config, {}).cookie() == "onehop_app");
  config.sticky.cookie = "srv";
  CHECK(sticky(config, {}).cookie() == "srv");
}

}  // namespace
}  // namespace onehop::upstream
