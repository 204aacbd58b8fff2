// SPDX-License-Identifier: MIT
// No spelling of a path finds a way around a route, and none that does no harm is changed more than
// it must be.
#include "onehop/routing/way.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::routing {
namespace {

using config::DoubledSlashes;
using config::EncodedSlashes;
using config::ForwardedPath;
using config::PathMatch;

struct Row {
  const char* target;
  const char* upstream;   // "" when no route matches, "400" when it is refused
  const char* forwarded;  // null: as it came
};

// "/" is the site's, "/admin" and the exact "/login" are guarded, "/static" has files.
class Site {
 public:
  explicit Site(const config::Paths& paths = {}) : paths_(paths), router_(routes(), upstreams_) {}

  void check(const std::vector<Row>& rows) const {
    for (const Row& row : rows) {
      INFO(row.target);
      Arena arena;
      const auto way = find_way(router_, paths_, "h", row.target, arena);
      if (!way.has_value()) {
        CHECK(std::string("400") == row.upstream);
        continue;
      }
      CHECK((way->match ? upstreams_[way->match->upstream].name : "") == row.upstream);
      CHECK(way->target == (row.forwarded == nullptr ? row.target : row.forwarded));
    }
  }

 private:
  std::vector<config::Route> routes() {
    for (const char* name : {"site", "guarded", "files"}) upstreams_.emplace_back().name = name;
    return {{"", "/", PathMatch::prefix, "site"},
            {"", "/admin", PathMatch::prefix, "guarded"},
            {"", "/login", PathMatch::exact, "guarded"},
            {"", "/odata/$metadata", PathMatch::prefix, "guarded"},
            {"", "/caf%c3%a9", PathMatch::prefix, "guarded"},
            {"", "/static", PathMatch::prefix, "files"}};
  }

  config::Paths paths_;
  std::vector<config::Upstream> upstreams_;
  Router router_;
};

TEST_CASE("a route is found by the path that the endpoint gets, whatever its spelling") {
  Site().check({
      {"/static/../admin", "guarded", "/admin"},
      {"/static/%2e%2e/admin", "guarded", "/admin"},
      {"/static/%2E%2e/admin?x=/../y", "guarded", "/admin?x=/../y"},
      {"/static/./x", "files", "/static/x"},
      {"/static/a/../b", "files", "/static/b"},
      {"/static/..", "site", "/"},
      {"/./admin", "guarded", "/admin"},
      {"/admin/.", "guarded", "/admin/"},
      {"/x/../admin/", "guarded", "/admin/"},
      {"/%61dmin", "guarded", "/admin"},
      {"/%61%64%6D%69%6e/x", "guarded", "/admin/x"},
      {"/adm%69n?%61", "guarded", "/admin?%61"},
      {"/logi%6e", "guarded", "/login"},
      {"/odata/%24metadata", "guarded", nullptr},
      {"/caf%C3%A9", "guarded", nullptr},
      {"/caf%c3%a9/x", "guarded", "/caf%C3%A9/x"},
      {"/caf\xc3\xa9", "guarded", nullptr},
      {"/administration", "site", nullptr},
      {"/Admin", "site", nullptr},  // another path (RFC 3986 6.2.2.1)
      {"/static/%252e%252e/admin", "files", nullptr},
  });
}

TEST_CASE("parameters of a segment take no part in matching and stay in the path") {
  Site().check({
      {"/admin;x", "guarded", nullptr},
      {"/admin;jsessionid=1?a=b", "guarded", nullptr},
      {"/admin;x=y/z", "guarded", nullptr},
      {"/;/admin", "guarded", nullptr},
      {"/;x/admin", "guarded", nullptr},
      {"/login;x", "guarded", nullptr},
      {"/static;v=1/../admin", "guarded", "/admin"},
      {"/static/..;/admin", "400", nullptr},
      {"/x;/static", "site", nullptr},
  });
}

TEST_CASE("doubled slashes find no way around a route, and stay where they make no difference") {
  Site().check({
      {"//admin", "guarded", "/admin"},
      {"///admin//x", "guarded", "/admin/x"},
      {"/.//admin", "guarded", "/admin"},
      {"//admin?a//b", "guarded", "/admin?a//b"},
      {"/static//../admin", "guarded", "/admin"},
      {"/static//../../admin", "400", nullptr},
      {"/admin//x", "guarded", nullptr},
      {"//login", "guarded", "/login"},
      {"/img/https://example.org/a.png", "site", nullptr},
      {"/bucket//key", "site", nullptr},
      {"//", "site", nullptr},
      {"/static//a/./b", "files", "/static//a/b"},
  });
  Site({.doubled_slashes = DoubledSlashes::merge})
      .check({{"//admin", "guarded", "/admin"},
              {"/bucket//key?a//b", "site", "/bucket/key?a//b"},
              {"/static//../admin", "guarded", "/admin"}});
  Site({.doubled_slashes = DoubledSlashes::refuse})
      .check({{"//admin", "400", nullptr},
              {"/bucket//key", "400", nullptr},
              {"/bucket/key?a//b", "site", nullptr}});
}

TEST_CASE("encoded delimiters find no way around a route, and stay where they make no difference") {
  Site().check({
      {"/api/v4/projects/group%2Fproject", "site", nullptr},
      {"/api/v4/projects/group%2fproject?x=%2f", "site", "/api/v4/projects/group%2Fproject?x=%2f"},
      {"/static/a%5Cb", "files", nullptr},
      {"/admin/a%2Fb", "guarded", nullptr},
      {"/rooms/%23room:example.org", "site", nullptr},
      {"/what%3F", "site", nullptr},
      {"/a%3Bb", "site", nullptr},
      {"/admin%2Fx", "400", nullptr},
      {"/admin%5cx", "400", nullptr},
      {"/%2fadmin", "400", nullptr},
      {"/%5cadmin", "400", nullptr},
      {"/x%2F%2Fadmin", "site", nullptr},
      {"/static%2fadmin", "400", nullptr},
      {"/admin%3Bx", "400", nullptr},
      {"/admin%3fx", "400", nullptr},
      {"/admin%23", "400", nullptr},
      {"/login%3F", "400", nullptr},
      {"/static/..%2fadmin", "400", nullptr},
      {"/static/%2e%2e%2Fadmin", "400", nullptr},
      {"/static/%2E%2e%5cadmin", "400", nullptr},
  });
  Site({.encoded_slashes = EncodedSlashes::decode})
      .check({{"/admin%2Fx", "guarded", "/admin/x"},
              {"/%2fadmin", "guarded", "/admin"},
              {"/static/..%2fadmin", "guarded", "/admin"},
              {"/static/..%5cadmin", "guarded", "/admin"},
              {"/a%2fb?c%2fd", "site", "/a/b?c%2fd"}});
  Site({.encoded_slashes = EncodedSlashes::refuse})
      .check(
          {{"/a%2fb", "400", nullptr}, {"/a%5Cb", "400", nullptr}, {"/a?b%2Fc", "site", nullptr}});
}

TEST_CASE("as sent, a request is matched by its normal path and keeps the one it came with") {
  Site({.forward = ForwardedPath::as_sent})
      .check({{"/static/../admin", "guarded", nullptr},
              {"//admin", "guarded", nullptr},
              {"/%61dmin?x", "guarded", nullptr},
              {"/a%2fb", "site", nullptr},
              {"/../x", "400", nullptr},
              {"/admin%2fx", "400", nullptr}});
}

TEST_CASE("as sent, a path that leads elsewhere once its segments are levelled is refused") {
  const std::vector<Row> rows = {
      // Parameters off, slashes merged, and only then the dots.
      {"/static/;/../admin", "400", nullptr},
      {"/static/;x=y/../admin", "400", nullptr},
      {"/static/;a/;b/../../admin", "400", nullptr},
      {"/static/%3B/../admin", "400", nullptr},
      {"/static/%2F/../admin", "400", nullptr},
      {"/admin/a%2fb/../../static", "400", nullptr},
      {"/static/;/../../admin", "400", nullptr},  // above the root
      // What leads to the same place in both readings does no harm.
      {"/static/;/../static/x", "files", nullptr},
      {"/static;v=1/../admin", "guarded", nullptr},
      {"/a/;/b", "site", nullptr},
      {"/a%2fb/../c", "site", nullptr},
  };
  Site({.forward = ForwardedPath::as_sent}).check(rows);
  // The normal path can be read in one way only.
  Site().check({{"/static/;/../admin", "files", "/static/admin"},
                {"/static/%2F/../admin", "files", "/static/admin"}});
}

TEST_CASE("a path that climbs above the root or is badly encoded is refused") {
  for (const char* target : {"/..", "/../admin", "/%2e%2e/admin", "/a/../../admin", "/%", "/%zz?x",
                             "/a%0", "/a%00", "/admin%00", "//../x"}) {
    Site().check({{target, "400", nullptr}});
  }
  // The query is not looked at.
  Site().check({{"/x?/../%zz%00%", "site", nullptr}});
}

TEST_CASE("a target without a path is left alone") {
  Site().check({{"*", "site", nullptr}, {"?x=/../y", "site", nullptr}});
}

TEST_CASE("a path of any length is read in time that grows with it") {
  // 64 KiB of each: anything quadratic would be billions of steps.
  Arena arena;
  const Site site;
  for (const std::string piece : {"/a/..", "//", "/;", "/.", "/%2e%2E", "/a%2f", "/..;", "%41"}) {
    std::string path = "/x";
    while (path.size() < 64 * 1024) path += piece;
    const auto clean = unescaped(path, EncodedSlashes::keep, arena);
    REQUIRE(clean.has_value());
    (void)without_dots(*clean, Slashes::merged, arena);
    CHECK(comparable(*clean, Delimiters::decoded, arena).size() <= path.size());
  }
}

}  // namespace
}  // namespace onehop::routing
