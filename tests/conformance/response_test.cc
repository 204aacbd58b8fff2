// SPDX-License-Identifier: MIT
// An upstream's response is held to the rules of a request (edge cases 42 to 55 and 65): what
// cannot be put right becomes a 502.
#include "tests/conformance/response_table.h"
#include "tests/support/catch.h"

namespace onehop::test {
namespace {

using namespace std::string_literals;

constexpr char kLength[] = "Content-Length: 5\r\n";
constexpr char kChunks[] = "5\r\nhello\r\n0\r\n\r\n";

ResponseRow status_line(const std::string& name, const std::string& line,
                        Verdict verdict = Verdict::bad_gateway) {
  return {name, line + "\r\nContent-Length: 5\r\n\r\nhello", verdict, {}, "hello"};
}

ResponseRow field(const std::string& name, const std::string& line) {
  return {name, answer_with(line + kLength)};
}

ResponseRow coding(const std::string& value) {
  return {"Transfer-Encoding:" + value,
          answer_with("Transfer-Encoding:" + value + "\r\n", kChunks)};
}

ResponseRow length(const std::string& value) {
  return {"Content-Length:" + value, answer_with("Content-Length:" + value + "\r\n")};
}

ResponseRow chunk(const std::string& name, const std::string& body) {
  return {name, answer_with("Transfer-Encoding: chunked\r\n", body), Verdict::broken};
}

TEST_CASE("65: a response whose length has two readings becomes a 502") {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  check_responses({
      {"length and coding", answer_with(kLength + chunked, kChunks)},
      {"coding and length", answer_with(chunked + kLength, kChunks)},
      {"two codings", answer_with(chunked + chunked, kChunks)},
      coding(" ,chunked"),
      coding(" chunked, identity"),
      coding(" xchunked"),
      coding(" chunked, chunked"),
      coding(" \x0b"
             "chunked"),
      coding(""),
      coding(" gzip"),
      length(" +5"),
      length(" -5"),
      length(" 0x5"),
      length(" 5, 6"),
      length(" 5,"),
      length(" 5, 5, 6"),
      length(" " + std::string(30, '0') + "9223372036854775808"),
      length(""),
      length(" 5 5"),
      length(" 5a"),
      length(" 9223372036854775808"),
      length(" 18446744073709551621"),
      {"two lengths that differ", answer_with("Content-Length: 5\r\nContent-Length: 6\r\n")},
  });
}

TEST_CASE("65: a response with malformed lines becomes a 502") {
  check_responses({
      {"46: bare LF everywhere", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"},
      {"46: bare LF of the status line", "HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello"},
      {"46: bare LF of a field", answer_with("X-A: b\nContent-Length: 5\r\n")},
      {"46: bare LF of the empty line", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\nhello"},
      {"47: bare CR for the line end", "HTTP/1.1 200 OK\rContent-Length: 5\r\n\r\nhello"},
      field("47: bare CR in a value", "X-A: b\rc\r\n"),
      field("47: CR CR LF", "X-A: b\r\r\n"),
      field("48: NUL in a value", "X-A: b\0c\r\n"s),
      field("48: NUL in a name", "X\0A: b\r\n"s),
      {"50: space before the first field", answer_with(" X-A: b\r\nContent-Length: 5\r\n")},
      field("51: no colon", "X-A\r\n"),
      field("51: empty name", ": b\r\n"),
      field("51: space in the name", "X A: b\r\n"),
      field("51: high byte in the name", "X\xff: b\r\n"),
      field("51: parenthesis in the name", "X(: b\r\n"),
  });
}

TEST_CASE("65: a response with a malformed status line becomes a 502") {
  check_responses({
      status_line("HTTP/0.9", "hello"),
      status_line("HTTP/2.0", "HTTP/2.0 200 OK"),
      status_line("HTTP/0.9 written out", "HTTP/0.9 200 OK"),
      status_line("HTTP/1.10", "HTTP/1.10 200 OK"),
      status_line("ICY", "ICY 200 OK"),
      status_line("RTSP", "RTSP/1.0 200 OK"),
      status_line("small letters", "http/1.1 200 OK"),
      status_line("two digits", "HTTP/1.1 20 OK"),
      status_line("four digits", "HTTP/1.1 2000 OK"),
      status_line("letters", "HTTP/1.1 2x0 OK"),
      status_line("signed", "HTTP/1.1 +20 OK"),
      status_line("below 100", "HTTP/1.1 099 OK"),
      status_line("000", "HTTP/1.1 000 OK"),
      status_line("no status", "HTTP/1.1 OK"),
      status_line("two spaces", "HTTP/1.1  200 OK"),
      status_line("tab", "HTTP/1.1\t200 OK"),
      status_line("space before", " HTTP/1.1 200 OK"),
      status_line("CR in the reason", "HTTP/1.1 200 O\rK"),
      status_line("NUL in the reason", "HTTP/1.1 200 O\0K"s),
      status_line("88: a 101 that nobody asked for", "HTTP/1.1 101 Switching Protocols"),
  });
}

TEST_CASE("66: a response head over the limit becomes a 502") {
  std::string fields;
  for (int i = 0; i < 120; ++i) fields += "X-" + std::to_string(i) + ": a\r\n";
  check_responses({
      {"120 fields", answer_with(fields + kLength)},
      {"a value of 70,000 bytes",
       answer_with("X-A: " + std::string(70'000, 'a') + "\r\n" + kLength)},
      {"a value without an end", "HTTP/1.1 200 OK\r\nX-A: " + std::string(80'000, 'a')},
  });
}

TEST_CASE("65: a malformed chunked response is broken off, never completed") {
  check_responses({
      chunk("52: empty size", "\r\nhello\r\n0\r\n\r\n"),
      chunk("52: signed size", "+5\r\nhello\r\n0\r\n\r\n"),
      chunk("52: 0x", "0x5\r\nhello\r\n0\r\n\r\n"),
      chunk("52: leading space", " 5\r\nhello\r\n0\r\n\r\n"),
      chunk("52: 2^64 + 5", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
      chunk("53: LF in an extension", "5;a\nb\r\nhello\r\n0\r\n\r\n"),
      chunk("53: a long extension", "5;" + std::string(20'000, 'a') + "\r\nhello\r\n0\r\n\r\n"),
      chunk("52: a blank behind the size", "5 \r\nhello\r\n0\r\n\r\n"),
      chunk("52: zeros before 2^60", "00000000000000001000000000000000\r\nhello\r\n0\r\n\r\n"),
      chunk("53: no name", "5;\r\nhello\r\n0\r\n\r\n"),
      chunk("53: a bracket in a name", "5;bad[=x\r\nhello\r\n0\r\n\r\n"),
      chunk("54: junk behind the data", "5\r\nhelloX\r\n0\r\n\r\n"),
      chunk("54: LF behind the data", "5\r\nhello\n0\r\n\r\n"),
      chunk("46: LF behind the size", "5\nhello\r\n0\r\n\r\n"),
      chunk("46: LF at the very end", "5\r\nhello\r\n0\r\n\n"),
      chunk("55: trailer without a colon", "5\r\nhello\r\n0\r\nX-T\r\n\r\n"),
      chunk("55: trailer with a bare CR", "5\r\nhello\r\n0\r\nX-T: a\rb\r\n\r\n"),
  });
}

TEST_CASE("32: a response that ends too early is broken off, never completed") {
  check_responses(
      {
          {"length, no body", answer_with("Content-Length: 5\r\n", ""), Verdict::broken},
          {"length, short body", answer_with("Content-Length: 5\r\n", "hell"), Verdict::broken},
          {"chunks without the last",
           answer_with("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n"), Verdict::broken},
          {"half a chunk", answer_with("Transfer-Encoding: chunked\r\n", "5\r\nhel"),
           Verdict::broken},
          {"no end of the trailers",
           answer_with("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n"), Verdict::broken},
          {"half a head", "HTTP/1.1 200 OK\r\nContent-Le", Verdict::bad_gateway},
          {"half a status line", "HTTP/1.", Verdict::bad_gateway},
          {"only an interim response", "HTTP/1.1 103 Early Hints\r\n\r\n", Verdict::bad_gateway},
      },
      Ender::origin);
}

TEST_CASE("44 and 49 and 50: what can be put right in a response is put right") {
  const std::string close = "Connection: close\r\n";
  check_responses({
      {"49: space before the colon",
       answer_with(close + "X-A : b\r\n" + kLength),
       Verdict::forwarded,
       {{"X-A", "b"}},
       "hello"},
      {"49: tab before the colon",
       answer_with(close + "X-A\t: b\r\n" + kLength),
       Verdict::forwarded,
       {{"X-A", "b"}},
       "hello"},
      {"50: a folded line",
       answer_with(close + "X-A: b\r\n c\r\n" + kLength),
       Verdict::forwarded,
       {{"X-A", "b c"}},
       "hello"},
      {"50: folded with a tab",
       answer_with(close + "X-A: b\r\n\tc\r\n" + kLength),
       Verdict::forwarded,
       {{"X-A", "b c"}},
       "hello"},
      {"44: Transfer-Encoding in HTTP/1.0",
       "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
       Verdict::forwarded_or_502,
       {},
       "hello"},
      {"no reason, no space",
       "HTTP/1.1 200\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
       Verdict::forwarded_or_502,
       {},
       "hello"},
      {"empty reason",
       "HTTP/1.1 200 \r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
       Verdict::forwarded,
       {},
       "hello"},
      {"high bytes in the reason and a value",
       "HTTP/1.1 200 \xc3\xa4\r\nConnection: close\r\nX-A: \xc3\xa4\r\nContent-Length: "
       "5\r\n\r\nhello",
       Verdict::forwarded,
       {{"X-A", "\xc3\xa4"}},
       "hello"},
      {"capitals in the coding",
       answer_with(close + "transfer-ENCODING: CHUNKED\r\n", "5;ext=1\r\nhello\r\n0\r\n\r\n"),
       Verdict::forwarded,
       {{"Transfer-Encoding", "chunked"}},
       "hello"},
  });
}

TEST_CASE("44, 45, 52 and 57: what an endpoint says oddly and plainly is passed on plainly") {
  const std::string close = "Connection: close\r\n";
  check_responses({
      {"45: two lengths that agree",
       answer_with(close + kLength + kLength),
       Verdict::forwarded,
       {{"Content-Length", "5"}},
       "hello"},
      {"45: a list of lengths that agree",
       answer_with(close + "Content-Length: 5, 5,05\r\n"),
       Verdict::forwarded,
       {{"Content-Length", "5"}},
       "hello"},
      {"45: leading zeros",
       answer_with(close + "Content-Length: " + std::string(30, '0') + "5\r\n"),
       Verdict::forwarded,
       {{"Content-Length", "5"}},
       "hello"},
      {"52, 53: zeros and blanks of chunks",
       answer_with(close + "Transfer-Encoding: chunked\r\n",
                   std::string(20, '0') + "5 ; a = \"b\"\r\nhello\r\n0\t;c\r\n\r\n"),
       Verdict::forwarded,
       {},
       "hello"},
      {"57: HTTP/1.2",
       "HTTP/1.2 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
       Verdict::forwarded,
       {},
       "hello"},
  });
}

}  // namespace
}  // namespace onehop::test
