// SPDX-License-Identifier: MIT
// The chunked coding of requests (edge cases 52 to 55): RFC 9112 section 7.1.
#include "tests/conformance/request_table.h"
#include "tests/support/catch.h"

namespace onehop::test {
namespace {

RequestRow size_line(const std::string& name, const std::string& line) {
  return {name, chunked_post(line + "\r\nhello\r\n0\r\n\r\n")};
}

TEST_CASE("52: a chunk size that is not a plain hexadecimal number is rejected") {
  check_rejected({
      size_line("empty", ""),
      size_line("a plus", "+5"),
      size_line("a minus", "-5"),
      size_line("0x", "0x5"),
      size_line("0X", "0X5"),
      size_line("an underscore", "0_5"),
      size_line("leading space", " 5"),
      size_line("leading tab", "\t5"),
      size_line("trailing space", "5 "),
      size_line("trailing tab", "5\t"),
      size_line("no hexadecimal digit", "g"),
      size_line("junk behind", "5g"),
      size_line("h behind", "5h"),
      size_line("a comma", "5,5"),
      size_line("a dot", "5.0"),
      size_line("vertical tab", "5\x0b"),
      size_line("only an extension", ";a=b"),
      size_line("2^64 - 1", "ffffffffffffffff"),
      size_line("2^64 + 5", "10000000000000005"),
      size_line("2^63", "8000000000000000"),
      size_line("2^60", "1000000000000000"),
      size_line("32 digits", "f0000000000000000000000000000005"),
      size_line("zeros before 2^64 + 5", "000000000000000000000010000000000000005"),
      size_line("zeros before 2^60", "00000000000000001000000000000000"),
      size_line("zeros before 0x", "0000000000000000000x5"),
      size_line("a space between digits", "5 0"),
      size_line("a tab between digits", "5\t0"),
      size_line("spaces behind zeros", "00000000000000000000   "),
      {"a space behind the last size", chunked_post("5\r\nhello\r\n0 \r\n\r\n")},
      {"second size empty", chunked_post("5\r\nhello\r\n\r\n0\r\n\r\n")},
      {"second size signed", chunked_post("5\r\nhello\r\n-0\r\n\r\n")},
      {"last chunk with 0x", chunked_post("5\r\nhello\r\n0x0\r\n\r\n")},
  });
}

TEST_CASE("53: chunk extensions are bounded and may not hide a line end") {
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "1;abcdefghijklmnopqrstuvwxyz=1\r\nx\r\n";
  const std::vector<int> too_much = {400, 413, 431};
  check_rejected({
      {"LF inside", chunked_post("5;a\nb\r\nhello\r\n0\r\n\r\n")},
      {"LF at the end", chunked_post("5;a\n\r\nhello\r\n0\r\n\r\n")},
      {"CR inside", chunked_post("5;a\rb\r\nhello\r\n0\r\n\r\n")},
      {"LF inside quotes", chunked_post("5;a=\"b\nc\"\r\nhello\r\n0\r\n\r\n")},
      {"LF in the extension of the last chunk", chunked_post("5\r\nhello\r\n0;a\n\r\n\r\n")},
      {"one of 20,000 bytes",
       chunked_post("5;" + std::string(20'000, 'a') + "\r\nhello\r\n0\r\n\r\n"), too_much},
  });
  check_rejected({{"a thousand of 28 bytes", chunked_post(many + "0\r\n\r\n"), too_much}});
}

TEST_CASE("53: a chunk extension that the grammar does not have is rejected") {
  check_rejected({
      size_line("no name", "5;"),
      size_line("no name, blanks", "5 ; "),
      size_line("no name, then one", "5;;a"),
      size_line("a name, then none", "5;a;"),
      size_line("only a value", "5;=b"),
      size_line("no value", "5;a="),
      size_line("no value, then a name", "5;a=;b"),
      size_line("two equals signs", "5;a==b"),
      size_line("a bracket in the name", "5;bad[=x"),
      size_line("a bracket in the value", "5;a=[x]"),
      size_line("a slash", "5;a/b"),
      size_line("a high byte", "5;\xe4"),
      size_line("two names", "5;a b"),
      size_line("two values", "5;a=b c"),
      size_line("an open quote", "5;a=\"b"),
      size_line("junk behind the quote", "5;a=\"b\"c"),
      size_line("a quote in a token", "5;a=b\"c\""),
      size_line("a blank at the end", "5;a "),
      size_line("a blank behind a value", "5;a=b\t"),
      size_line("a comma", "5,a=b"),
      size_line("a control byte in quotes", "5;a=\"\x01\""),
      {"no name behind the last size", chunked_post("5\r\nhello\r\n0;\r\n\r\n")},
  });
}

TEST_CASE("54: chunk data that is not followed by exactly CRLF is rejected") {
  check_rejected({
      {"junk behind", chunked_post("5\r\nhelloX\r\n0\r\n\r\n")},
      {"nothing behind", chunked_post("5\r\nhello0\r\n\r\n")},
      {"space behind", chunked_post("5\r\nhello \r\n0\r\n\r\n")},
      {"LF CR", chunked_post("5\r\nhello\n\r0\r\n\r\n")},
      {"two LF", chunked_post("5\r\nhello\n\n0\r\n\r\n")},
      {"size too small", chunked_post("4\r\nhello\r\n0\r\n\r\n")},
      {"size too large", chunked_post("6\r\nhello\r\n0\r\n\r\n")},
      {"CR and junk", chunked_post("5\r\nhello\rX0\r\n\r\n")},
      {"no end after the last chunk", chunked_post("5\r\nhello\r\n0\r\nX\r\n\r\n")},
  });
}

TEST_CASE("55: the trailers are held to the rules and limits of a head") {
  std::string fields;
  for (int i = 0; i < 150; ++i) fields += "X-" + std::to_string(i) + ": a\r\n";
  const std::vector<int> too_much = {400, 431};
  check_rejected({
      {"no colon", chunked_post("0\r\nX-T\r\n\r\n")},
      {"space before the name", chunked_post("0\r\n X-T: a\r\n\r\n")},
      {"a name with a space", chunked_post("0\r\nX T: a\r\n\r\n")},
      {"a second line without a name", chunked_post("0\r\nX-T: a\r\n: b\r\n\r\n")},
      {"a name with a high byte", chunked_post("0\r\nX\x80: a\r\n\r\n")},
      {"150 fields", chunked_post("0\r\n" + fields + "\r\n"), too_much},
      {"40,000 bytes", chunked_post("0\r\nX-T: " + std::string(40'000, 'a') + "\r\n\r\n"),
       too_much},
  });
}

TEST_CASE("chunked bodies that are unusual and still right are forwarded") {
  check_accepted({
      {"empty", chunked_post("0\r\n\r\n")},
      {"several zeros", chunked_post("5\r\nhello\r\n000\r\n\r\n")},
      {"leading zeros", chunked_post("0005\r\nhello\r\n0\r\n\r\n")},
      {"capital digits", chunked_post("A\r\n0123456789\r\n0\r\n\r\n")},
      {"small digits", chunked_post("a\r\n0123456789\r\n0\r\n\r\n")},
      {"an extension", chunked_post("5;a=b\r\nhello\r\n0\r\n\r\n")},
      {"an extension without a value", chunked_post("5;a\r\nhello\r\n0;b\r\n\r\n")},
      {"a quoted extension", chunked_post("5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n")},
      {"a quoted quote", chunked_post("5;a=\"b\\\"c\\\\\"\r\nhello\r\n0\r\n\r\n")},
      {"an empty quoted value", chunked_post("5;a=\"\"\r\nhello\r\n0\r\n\r\n")},
      {"a space before an extension", chunked_post("5 ;a=b\r\nhello\r\n0 ;a\r\n\r\n")},
      {"blanks all about", chunked_post("5 \t;\t a = b ; c\t=\"d\"\r\nhello\r\n0\r\n\r\n")},
      {"sixteen digits", chunked_post("0000000000000005\r\nhello\r\n0\r\n\r\n")},
      {"forty zeros",
       chunked_post(std::string(40, '0') + "5\r\nhello\r\n" + std::string(40, '0') + "\r\n\r\n")},
      {"trailers", chunked_post("5\r\nhello\r\n0\r\nX-T: a\r\nX-U: b\r\n\r\n")},
      {"line ends as data", chunked_post("4\r\n\r\n\r\n\r\n0\r\n\r\n")},
  });
}

}  // namespace
}  // namespace onehop::test
