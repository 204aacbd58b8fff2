// SPDX-License-Identifier: MIT
#include "onehop/net/search_domains.h"

#include "tests/support/catch.h"

namespace onehop::net {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("a name with few dots is asked for in the domains first, and as it is at the end") {
  const SearchDomains search{.domains = {"a.test", "b.test"}, .ndots = 2};
  CHECK(search.candidates("app") == Names{"app.a.test", "app.b.test", "app"});
  CHECK(search.candidates("app.c") == Names{"app.c.a.test", "app.c.b.test", "app.c"});
}

TEST_CASE("a name with enough dots is asked for as it is first") {
  const SearchDomains search{.domains = {"a.test", "b.test"}, .ndots = 2};
  CHECK(search.candidates("x.y.z") == Names{"x.y.z", "x.y.z.a.test", "x.y.z.b.test"});
}

TEST_CASE("a name that ends with a dot is asked for as it is alone") {
  const SearchDomains search{.domains = {"a.test"}, .ndots = 5};
  CHECK(search.candidates("app.") == Names{"app."});
}

TEST_CASE("a name that is too long within a domain is not asked for there") {
  const SearchDomains search{.domains = {"a.test"}, .ndots = 1};
  const std::string name(250, 'a');
  CHECK(search.candidates(name) == Names{name});
}

TEST_CASE("without domains a name stands for itself") {
  CHECK(SearchDomains().candidates("app") == Names{"app"});
}

}  // namespace
}  // namespace onehop::net
