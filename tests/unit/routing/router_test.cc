// SPDX-License-Identifier: MIT
// Who wins when several routes match: host before path, exact before wildcard before none, exact
// path before prefix, longer before shorter.
#include "onehop/routing/router.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::routing {
namespace {

using config::PathMatch;

struct RouteRow {
  const char* host;
  const char* path;
  PathMatch match;
  const char* upstream;
};

struct Question {
  const char* authority;
  const char* target;
  const char* upstream;  // "" when no route matches
};

void check(const std::vector<RouteRow>& rows, const std::vector<Question>& questions) {
  std::vector<config::Route> routes;
  std::vector<config::Upstream> upstreams;
  for (const RouteRow& row : rows) {
    config::Route route;
    route.host = row.host;
    route.path = row.path;
    route.match = row.match;
    route.upstream = row.upstream;
    routes.push_back(route);
    const auto same = [&](const config::Upstream& upstream) {
      return upstream.name == row.upstream;
    };
    if (std::none_of(upstreams.begin(), upstreams.end(), same)) {
      upstreams.emplace_back().name = row.upstream;
    }
  }
  // The order of the routes in the file never matters.
  for (const bool reversed : {false, true}) {
    if (reversed) std::reverse(routes.begin(), routes.end());
    const Router router(routes, upstreams);
    for (const Question& question : questions) {
      INFO(question.authority << " " << question.target << (reversed ? " (reversed)" : ""));
      const auto found = router.match(question.authority, question.target);
      CHECK((found.has_value() ? upstreams[found->upstream].name : "") == question.upstream);
      if (found.has_value()) CHECK(routes[found->route].upstream == question.upstream);
    }
  }
}

TEST_CASE("the longest prefix wins, and an exact path wins over every prefix") {
  check({{"", "/", PathMatch::prefix, "root"},
         {"", "/api", PathMatch::prefix, "api"},
         {"", "/api/v2", PathMatch::prefix, "v2"},
         {"", "/api/v2", PathMatch::exact, "exactly"},
         {"", "/only", PathMatch::exact, "only"}},
        {{"h", "/", "root"},
         {"h", "/x", "root"},
         {"h", "/api", "api"},
         {"h", "/api/v1", "api"},
         {"h", "/api/v2", "exactly"},
         {"h", "/api/v2/", "v2"},
         {"h", "/api/v2/x", "v2"},
         {"h", "/api/v2?x=y", "exactly"},
         {"h", "/api/v20", "api"},
         {"h", "/only", "only"},
         {"h", "/only?", "only"},
         {"h", "/only/", "root"}});
}

TEST_CASE("a prefix ends at a segment") {
  check({{"", "/api", PathMatch::prefix, "api"}, {"", "/dir/", PathMatch::prefix, "dir"}},
        {{"h", "/api", "api"},
         {"h", "/api/", "api"},
         {"h", "/api/x", "api"},
         {"h", "/api?x", "api"},
         {"h", "/apix", ""},
         {"h", "/ap", ""},
         {"h", "/API", ""},
         {"h", "/dir", ""},
         {"h", "/dir/", "dir"},
         {"h", "/dir/x", "dir"},
         {"h", "/x?/api", ""}});
}

TEST_CASE("an exact host comes before a wildcard, and a wildcard before no host") {
  check({{"", "/", PathMatch::prefix, "any"},
         {"*.example.org", "/", PathMatch::prefix, "wild"},
         {"*.b.example.org", "/", PathMatch::prefix, "longer"},
         {"www.example.org", "/", PathMatch::prefix, "www"},
         {"a.b.example.org", "/", PathMatch::prefix, "deep"}},
        {{"www.example.org", "/", "www"},
         {"WWW.Example.ORG:8080", "/", "www"},
         {"www.example.org.", "/", "www"},
         {"www.example.org.:8080", "/", "www"},
         {"x.example.org.", "/", "wild"},
         {"www.example.org..", "/", "any"},
         {"x.example.org", "/", "wild"},
         {"x.y.example.org", "/", "wild"},
         {"x.b.example.org", "/", "longer"},
         {"a.b.example.org", "/", "deep"},
         {"b.example.org", "/", "wild"},
         {"example.org", "/", "any"},
         {"badexample.org", "/", "any"},
         {".example.org", "/", "any"},
         {"www.example.org.evil", "/", "any"},
         {"", "/", "any"}});
}

TEST_CASE("a host decides only when one of its paths matches") {
  check({{"", "/", PathMatch::prefix, "any"},
         {"*.example.org", "/wild", PathMatch::prefix, "wild"},
         {"www.example.org", "/www", PathMatch::prefix, "www"}},
        {{"www.example.org", "/www", "www"},
         {"www.example.org", "/wild", "wild"},
         {"www.example.org", "/x", "any"},
         {"x.example.org", "/www", "any"}});
}

TEST_CASE("a host comes before a longer path without one") {
  check({{"", "/a/b/c", PathMatch::exact, "path"}, {"h", "/", PathMatch::prefix, "host"}},
        {{"h", "/a/b/c", "host"}, {"i", "/a/b/c", "path"}, {"i", "/", ""}});
}

TEST_CASE("a configured host is matched in any case") {
  check({{"WWW.Example.org", "/", PathMatch::prefix, "exact"},
         {"*.EXAMPLE.net", "/", PathMatch::prefix, "wild"}},
        {{"www.example.org", "/", "exact"}, {"a.example.NET", "/", "wild"}});
}

TEST_CASE("an IPv6 host is matched with its brackets and without its port") {
  check({{"[::1]", "/", PathMatch::prefix, "six"}},
        {{"[::1]", "/", "six"}, {"[::1]:8080", "/", "six"}, {"[::2]:8080", "/", ""}});
}

TEST_CASE("a target without a path goes where the root goes") {
  check({{"", "/", PathMatch::exact, "root"}, {"", "/x", PathMatch::prefix, "x"}},
        {{"h", "*", "root"}, {"h", "?x=y", "root"}, {"h", "/", "root"}, {"h", "/y", ""}});
}

TEST_CASE("without routes nothing matches") {
  check({}, {{"h", "/", ""}, {"", "*", ""}});
}

}  // namespace
}  // namespace onehop::routing
