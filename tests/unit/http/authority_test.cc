// SPDX-License-Identifier: MIT
#include "src/http/authority.h"

#include "tests/support/catch.h"

namespace onehop::http {
namespace {

TEST_CASE("authorities are the same place by scheme, case and trailing dot") {
  struct Row {
    std::string_view a, b, scheme;
    bool same;
  };
  constexpr Row kRows[] = {
      {"a", "a", "http", true},
      {"a", "a:80", "http", true},
      {"a", "a:443", "https", true},
      {"a:", "a:443", "HTTPS", true},
      {"a", "a:443", "http", false},
      {"a", "a:80", "https", false},
      {"a.b", "A.B.", "http", true},
      {"a.b.", "a.b.:80", "http", true},
      {"a.b", "a.b..", "http", false},
      {"[::1]", "[::1]:", "http", true},
      {"[::1]:80", "[::1]", "http", true},
      {"[::1]:81", "[::1]", "http", false},
      {"a:81", "a:081", "http", true},
      {"a:0", "a", "http", false},
      {"a", "b", "http", false},
      {"", "a", "http", false},
      {"a:80", "a", "ws", false},
      {"a:", "a", "ws", true},
      {".", "", "http", false},
  };
  for (const Row& row : kRows) {
    CAPTURE(row.a, row.b, row.scheme);
    CHECK(same_authority(row.a, row.b, row.scheme) == row.same);
    CHECK(same_authority(row.b, row.a, row.scheme) == row.same);
  }
}

}  // namespace
}  // namespace onehop::http
