// SPDX-License-Identifier: MIT
#include "onehop/base/base64.h"

#include <string_view>

#include "tests/support/catch.h"

namespace onehop {
namespace {

TEST_CASE("base64 is that of RFC 4648 10") {
  constexpr std::pair<std::string_view, std::string_view> kRows[] = {{"", ""},
                                                                     {"f", "Zg=="},
                                                                     {"fo", "Zm8="},
                                                                     {"foo", "Zm9v"},
                                                                     {"foob", "Zm9vYg=="},
                                                                     {"fooba", "Zm9vYmE="},
                                                                     {"foobar", "Zm9vYmFy"},
                                                                     {"\xff\xfe\xfd", "//79"}};
  for (const auto& [bytes, text] : kRows) {
    CAPTURE(text);
    CHECK(to_base64({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}) == text);
  }
}

}  // namespace
}  // namespace onehop
