// SPDX-License-Identifier: MIT
#include "proxy/trace_parent.h"

#include <array>
#include <string>

#include "tests/support/catch.h"

namespace onehop::proxy {
namespace {

const std::string kId = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kParent = "00f067aa0ba902b7";

std::string trace_of(const std::string& value, const std::string& second = "") {
  std::array<http::Field, 3> room;
  http::Fields fields(room);
  fields.add("Accept", "*/*");
  fields.add("TraceParent", value);
  if (!second.empty()) fields.add("traceparent", second);
  return std::string(trace_id_of(fields));
}

TEST_CASE("the trace id of a valid traceparent is known, also of a later version") {
  CHECK(trace_of("00-" + kId + "-" + kParent + "-01") == kId);
  CHECK(trace_of("01-" + kId + "-" + kParent + "-00") == kId);
  CHECK(trace_of("cc-" + kId + "-" + kParent + "-01-what-is-new") == kId);
}

TEST_CASE("a traceparent that W3C Trace Context calls invalid has no trace id") {
  const std::string zeros(32, '0');
  for (const std::string& value :
       {std::string(), std::string("00"), "00-" + kId + "-" + kParent,
        "00-" + kId + "-" + kParent + "-1", "00-" + kId + "-" + kParent + "-01-more",
        "01-" + kId + "-" + kParent + "-01.more", "ff-" + kId + "-" + kParent + "-01",
        "0g-" + kId + "-" + kParent + "-01", "00-" + zeros + "-" + kParent + "-01",
        "00-" + kId + "-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + kParent + "-01",
        "00-" + kId.substr(1) + "\"-" + kParent + "-01", "00_" + kId + "-" + kParent + "-01"}) {
    INFO(value);
    CHECK(trace_of(value).empty());
  }
}

TEST_CASE("two traceparents are none") {
  const std::string good = "00-" + kId + "-" + kParent + "-01";
  CHECK(trace_of(good, good).empty());
}

}  // namespace
}  // namespace onehop::proxy
