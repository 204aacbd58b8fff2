// SPDX-License-Identifier: MIT
// The end of a head is found wherever the network cuts it: each row is read whole, cut at every
// offset, and byte by byte.
#include "http/h1/head_reader.h"

#include <string>
#include <vector>

#include "http/h1/parser.h"
#include "tests/support/catch.h"

namespace onehop::http::h1 {
namespace {

constexpr size_t kLineLimit = 40;
constexpr size_t kHeadLimit = 120;
constexpr size_t kFieldLimit = 10;

struct Verdict {
  std::string word;  // "incomplete", "complete" or the violation
  std::string head;
  std::string rest;  // what belongs to the next message

  bool operator==(const Verdict&) const = default;
};

// What reader and parser together say of a request that arrives in these pieces.
Verdict read_pieces(const std::vector<std::string>& pieces) {
  HeadReader reader;
  Buffer in;
  Verdict verdict{"incomplete", "", ""};
  for (const std::string& piece : pieces) {
    Buffer arrived;
    arrived.append(piece);
    in.splice(std::move(arrived));
    if (verdict.word != "incomplete") continue;
    const HeadReader::Status status = reader.feed(in, kLineLimit, kHeadLimit);
    if (status == HeadReader::Status::failed) {
      return {std::string(row_of(reader.violation()).name), "", ""};
    }
    if (status == HeadReader::Status::incomplete) continue;
    verdict.head.assign(reader.head().data(), reader.head().size());
    const auto parsed = parse_request(reader.head(), kFieldLimit);
    if (!parsed.has_value()) return {std::string(row_of(parsed.error()).name), "", ""};
    verdict.word = "complete";
    reader.release(in);
  }
  if (verdict.word == "complete") verdict.rest = in.to_string();
  return verdict;
}

void check_every_cut(const std::string& bytes, const Verdict& wanted) {
  INFO(bytes);
  const auto same = [&](const std::vector<std::string>& pieces, const std::string& how) {
    const Verdict found = read_pieces(pieces);
    INFO(how);
    CHECK(found.word == wanted.word);
    CHECK(found.head == wanted.head);
    CHECK(found.rest == wanted.rest);
  };
  same({bytes}, "whole");
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    same({bytes.substr(0, cut), bytes.substr(cut)}, "cut at " + std::to_string(cut));
  }
  std::vector<std::string> single;
  for (const char c : bytes) single.emplace_back(1, c);
  same(single, "byte by byte");
}

TEST_CASE("a head is found wherever it is cut, and what follows it is left") {
  const std::string head = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  check_every_cut(head, {"complete", head, ""});
  check_every_cut(head + "body bytes", {"complete", head, "body bytes"});
  check_every_cut(head + head, {"complete", head, head});
  check_every_cut(head + "\r\n\r\n", {"complete", head, "\r\n\r\n"});
}

TEST_CASE("one empty line before a head is passed over, a second is not") {
  const std::string head = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  check_every_cut("\r\n" + head, {"complete", head, ""});
  check_every_cut("\r\n\r\n" + head, {"bad_start_line", "", ""});
  check_every_cut("\r\n", {"incomplete", "", ""});
}

TEST_CASE("a head without its end is incomplete") {
  for (const char* bytes : {"", "G", "GET / HTTP/1.1", "GET / HTTP/1.1\r\n",
                            "GET / HTTP/1.1\r\nHost: h\r\n", "GET / HTTP/1.1\r\nHost: h\r\n\r"}) {
    check_every_cut(bytes, {"incomplete", "", ""});
  }
}

TEST_CASE("what can never become a head is refused before its end") {
  check_every_cut("GET / HTTP/1.1\nHost: h\n\n", {"bad_line_end", "", ""});
  check_every_cut("GET / HTTP/1.1\r\nHost: h\n", {"bad_line_end", "", ""});
  check_every_cut("\x16\x03\x01 TLS", {"bad_start_line", "", ""});
  check_every_cut(" GET / HTTP/1.1\r\n", {"bad_start_line", "", ""});
}

TEST_CASE("a request line that is too long is told from a head that is too large") {
  const std::string end = " HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string long_line = "GET /" + std::string(kLineLimit, 'a');
  check_every_cut(long_line, {"start_line_too_long", "", ""});
  check_every_cut(long_line + end, {"start_line_too_long", "", ""});
  const std::string large = "GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(kHeadLimit, 'a');
  check_every_cut(large, {"head_too_large", "", ""});
  check_every_cut(large + "\r\n\r\n", {"head_too_large", "", ""});
}

TEST_CASE("a head of exactly the limit is read, and one byte more is not") {
  const std::string begin = "GET / HTTP/1.1\r\nHost: h\r\nA: ";
  const std::string exact = begin + std::string(kHeadLimit - begin.size() - 4, 'a') + "\r\n\r\n";
  REQUIRE(exact.size() == kHeadLimit);
  check_every_cut(exact, {"complete", exact, ""});
  check_every_cut(exact + "body", {"complete", exact, "body"});
  const std::string more = begin + std::string(kHeadLimit - begin.size() - 3, 'a') + "\r\n\r\n";
  check_every_cut(more, {"head_too_large", "", ""});
}

TEST_CASE("a request line of exactly the limit is read, and one byte more is not") {
  const std::string version = " HTTP/1.1";
  const std::string exact = "GET /" + std::string(kLineLimit - 5 - version.size(), 'a') + version;
  REQUIRE(exact.size() == kLineLimit);
  const std::string rest = "\r\nHost: h\r\n\r\n";
  check_every_cut(exact + rest, {"complete", exact + rest, ""});
  check_every_cut("GET /a" + exact.substr(5) + rest, {"start_line_too_long", "", ""});
}

TEST_CASE("with a line limit of 0 only the head has a limit") {
  HeadReader reader;
  Buffer in;
  in.append("HTTP/1.1 200 " + std::string(80, 'r') + "\r\n\r\n");
  CHECK(reader.feed(in, 0, kHeadLimit) == HeadReader::Status::complete);
}

TEST_CASE("a reader that was released reads the next head, in one piece or in several") {
  const std::string head = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  for (size_t cut = 0; cut <= head.size(); ++cut) {
    INFO("cut at " << cut);
    HeadReader reader;
    Buffer in;
    in.append(head + head.substr(0, cut));
    REQUIRE(reader.feed(in, kLineLimit, kHeadLimit) == HeadReader::Status::complete);
    reader.release(in);
    if (cut < head.size()) {
      REQUIRE(reader.feed(in, kLineLimit, kHeadLimit) == HeadReader::Status::incomplete);
      CHECK(reader.started() == (cut > 0));
      in.append(head.substr(cut));
    }
    REQUIRE(reader.feed(in, kLineLimit, kHeadLimit) == HeadReader::Status::complete);
    CHECK(std::string(reader.head().data(), reader.head().size()) == head);
    reader.release(in);
    CHECK(in.empty());
    CHECK_FALSE(reader.started());
  }
}

}  // namespace
}  // namespace onehop::http::h1
