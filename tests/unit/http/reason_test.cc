// SPDX-License-Identifier: MIT
// Reason phrases: no answer of our own goes without one.
#include "onehop/http/reason.h"

#include "onehop/proxy/outcome.h"
#include "tests/support/catch.h"

namespace onehop::http {
namespace {

TEST_CASE("every status that the proxy answers itself has a reason phrase") {
  constexpr int kNobodyLeft = 499;  // is counted and never sent
  for (size_t i = 0; i < proxy::outcome_names().size(); ++i) {
    const proxy::OutcomeRow& row = proxy::row_of(static_cast<proxy::Outcome>(i));
    if (row.status == 0 || row.status == kNobodyLeft) continue;
    INFO(row.name << " " << row.status);
    CHECK_FALSE(reason_of(row.status).empty());
  }
  CHECK(reason_of(308) == "Permanent Redirect");
  CHECK(reason_of(503) == "Service Unavailable");
}

TEST_CASE("a registered status has its phrase, and any other number has none") {
  CHECK(reason_of(100) == "Continue");
  CHECK(reason_of(204) == "No Content");
  CHECK(reason_of(422) == "Unprocessable Content");
  CHECK(reason_of(511) == "Network Authentication Required");
  for (const int status : {-1, 0, 99, 306, 418, 499, 512, 999}) {
    INFO(status);
    CHECK(reason_of(status).empty());
  }
}

}  // namespace
}  // namespace onehop::http
