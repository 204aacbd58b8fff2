// SPDX-License-Identifier: MIT
// ASCII as HTTP knows it, whatever the locale says.
#include "onehop/base/ascii.h"

#include <string>

#include "tests/support/catch.h"

namespace onehop {
namespace {

TEST_CASE("only the letters A to Z have a lower case") {
  for (int c = -128; c < 128; ++c) {
    const char letter = static_cast<char>(c);
    const bool upper = c >= 'A' && c <= 'Z';
    REQUIRE(to_lower(letter) == (upper ? static_cast<char>(c - 'A' + 'a') : letter));
  }
}

TEST_CASE("texts are compared without case, and with every byte") {
  CHECK(equals_ignoring_case("Content-Length", "cONTENT-lENGTH"));
  CHECK(equals_ignoring_case("", ""));
  CHECK_FALSE(equals_ignoring_case("chunked", "chunke"));
  CHECK_FALSE(equals_ignoring_case("[", "{"));  // they differ by the bit that letters do
  CHECK_FALSE(equals_ignoring_case("\xC4", "\xE4"));
}

TEST_CASE("blanks are trimmed from both ends and nowhere else") {
  CHECK(trim_blanks(" \t a b \t") == "a b");
  CHECK(trim_blanks(" \t ").empty());
  CHECK(trim_blanks("").empty());
  CHECK(trim_blanks("\r\na\v") == "\r\na\v");
}

TEST_CASE("a decimal number is digits and nothing else") {
  CHECK(parse_decimal("0") == 0u);
  CHECK(parse_decimal("007") == 7u);
  CHECK(parse_decimal("00000000000000000000000000000000000000007") == 7u);
  CHECK(parse_decimal("000000000000000000000") == 0u);
  CHECK(parse_decimal("9223372036854775807") == uint64_t{INT64_MAX});
  CHECK(parse_decimal("65535", 65535) == 65535u);
  for (const char* text :
       {"", "+5", "-1", "0x10", "1_0", "1 ", " 1", "1.0", "12a", "9223372036854775808",
        "9999999999999999999", "99999999999999999999", "18446744073709551617", "\xB2"}) {
    INFO(text);
    CHECK_FALSE(parse_decimal(text).has_value());
  }
  CHECK_FALSE(parse_decimal("65536", 65535).has_value());
}

std::string elements_of(std::string_view list) {
  std::string elements;
  any_list_element(list, [&](std::string_view element) {
    elements += "[" + std::string(element) + "]";
    return false;
  });
  return elements;
}

TEST_CASE("a list is read element by element, without blanks and without empty ones") {
  CHECK(elements_of("close") == "[close]");
  CHECK(elements_of("a, b\t,c") == "[a][b][c]");
  CHECK(elements_of(",, a ,, ,b,") == "[a][b]");
  CHECK(elements_of("").empty());
  CHECK(elements_of(" , ").empty());
  CHECK(elements_of("a b;c=d") == "[a b;c=d]");
}

TEST_CASE("reading a list stops at the element that is found") {
  int seen = 0;
  const auto is_b = [&](std::string_view element) {
    ++seen;
    return element == "b";
  };
  CHECK(any_list_element("a,b,c", is_b));
  CHECK(seen == 2);
  CHECK_FALSE(any_list_element("a,c", is_b));
}

TEST_CASE("a token has letters, digits and fifteen other characters") {
  const std::string allowed =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (int c = -128; c < 128; ++c) {
    const char letter = static_cast<char>(c);
    INFO("character " << c);
    REQUIRE(is_token_char(letter) == (allowed.find(letter) != std::string::npos));
  }
  CHECK(is_token("X-Request-Id"));
  for (const char* text : {"", "a b", "a:", "(a)", "\"a\"", "a\x80"}) CHECK_FALSE(is_token(text));
}

}  // namespace
}  // namespace onehop
