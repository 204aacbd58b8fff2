// SPDX-License-Identifier: MIT
#include "onehop/http/method.h"

#include <string>

#include "tests/support/catch.h"

namespace onehop::http {
namespace {

TEST_CASE("a method is known by its exact letters, and each of the table by its own") {
  for (size_t i = 0; i < static_cast<size_t>(Method::other); ++i) {
    INFO(kMethods[i].text);
    CHECK(method_of(kMethods[i].text) == static_cast<Method>(i));
    CHECK(method_of(std::string(kMethods[i].text) + "X") == Method::other);
  }
  for (const char* text : {"", "get", "Get", "LIST", "RDG_IN_DATA", "PRI", "*"}) {
    INFO(text);
    CHECK(method_of(text) == Method::other);
  }
}

TEST_CASE("a method is idempotent only when the registry says so") {
  for (const char* text : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "QUERY", "PROPFIND",
                           "REPORT", "SEARCH", "MKCOL", "MOVE", "COPY", "UNLOCK", "PROPPATCH",
                           "VERSION-CONTROL", "BASELINE-CONTROL", "ACL", "MKCALENDAR"}) {
    INFO(text);
    CHECK(is_idempotent(method_of(text)));
  }
  for (const char* text : {"POST", "PATCH", "CONNECT", "LOCK", "LIST", "get", "", "PURGE"}) {
    INFO(text);
    CHECK_FALSE(is_idempotent(method_of(text)));
  }
}

TEST_CASE("some methods say how long their content is also when there is none") {
  for (const char* text : {"POST", "PUT", "PATCH", "QUERY"}) CHECK(means_content(method_of(text)));
  for (const char* text : {"GET", "DELETE", "PROPFIND", "LIST"})
    CHECK_FALSE(means_content(method_of(text)));
}

}  // namespace
}  // namespace onehop::http
