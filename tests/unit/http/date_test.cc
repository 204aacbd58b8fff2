// SPDX-License-Identifier: MIT
#include "onehop/http/date.h"

#include <string>

#include "tests/support/catch.h"

namespace onehop::http {
namespace {

TEST_CASE("a date is written as RFC 9110 5.6.7 wants it") {
  CHECK(date_text(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(date_text(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(date_text(951782400) == "Tue, 29 Feb 2000 00:00:00 GMT");
  CHECK(date_text(4102444799) == "Thu, 31 Dec 2099 23:59:59 GMT");
}

TEST_CASE("a date follows the clock, also backwards") {
  const std::string first(date_text(784111777));
  CHECK(date_text(784111778) == "Sun, 06 Nov 1994 08:49:38 GMT");
  CHECK(date_text(784111777) == first);
  CHECK(date_text(784111777) == first);
}

}  // namespace
}  // namespace onehop::http
