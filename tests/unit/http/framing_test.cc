// SPDX-License-Identifier: MIT
// How long a body is: a row per rule of framing.h, edge cases 42 to 45 and 65
// of docs/edge-cases.md.
#include "http/framing.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::http {
namespace {

using namespace std::string_literals;

constexpr char kCoding[] = "Transfer-Encoding";
constexpr char kLength[] = "Content-Length";

struct Row {
  std::vector<std::pair<std::string, std::string>> lines;
  std::string said;  // "none", "unknown", a number of bytes, or the violation
};

std::string said(const Result<BodyLength, Violation>& length) {
  if (!length.has_value()) return std::string(row_of(length.error()).name);
  if (length->kind == BodyLength::Kind::none) return "none";
  return length->kind == BodyLength::Kind::unknown ? "unknown" : std::to_string(length->bytes);
}

template <class Judge>
void check(const std::vector<Row>& rows, Judge judge) {
  for (const Row& row : rows) {
    std::vector<Field> room(row.lines.size());
    Fields fields(room);
    for (const auto& [name, value] : row.lines) {
      UNSCOPED_INFO(name << ": " << value);
      fields.add(name, value);
    }
    CHECK(said(judge(fields)) == row.said);
  }
}

Result<BodyLength, Violation> with_body(const Fields& fields) {
  return response_length(fields, Carries::body);
}
Result<BodyLength, Violation> without_body(const Fields& fields) {
  return response_length(fields, Carries::nothing);
}

// What is the same for requests and responses.
const std::vector<Row> kCommon = {
    {{}, "none"},
    {{{"Accept", "x"}}, "none"},
    {{{kLength, "0"}}, "0"},
    {{{"CONTENT-length", "42"}}, "42"},
    {{{kLength, "9223372036854775807"}}, "9223372036854775807"},
    {{{kLength, std::string(100, '0') + "9223372036854775807"}}, "9223372036854775807"},
    {{{kLength, std::string(20, '0')}}, "0"},
    {{{kCoding, "chunked"}}, "unknown"},
    {{{"transfer-encoding", "CHUNKED"}}, "unknown"},
    {{{"Transfer_Encoding", "chunked"}}, "none"},  // an alias frames nothing and is not passed on
    {{{kLength, "5"}, {kLength, "6"}}, "bad_content_length"},
    {{{kLength, "5"}, {kLength, ""}}, "bad_content_length"},
    {{{kLength, "5"}, {kLength, "+5"}}, "bad_content_length"},
    {{{kLength, "5, 6"}}, "bad_content_length"},
    {{{kLength, "5,"}}, "bad_content_length"},
    {{{kLength, ",5"}}, "bad_content_length"},
    {{{kLength, ""}}, "bad_content_length"},
    {{{kLength, "+5"}}, "bad_content_length"},
    {{{kLength, "-5"}}, "bad_content_length"},
    {{{kLength, "0x10"}}, "bad_content_length"},
    {{{kLength, "1_0"}}, "bad_content_length"},
    {{{kLength, "5;"}}, "bad_content_length"},
    {{{kLength, "5.0"}}, "bad_content_length"},
    {{{kLength, "9223372036854775808"}}, "bad_content_length"},
    {{{kLength, "18446744073709551621"}}, "bad_content_length"},
    {{{kLength, std::string(30, '0') + "18446744073709551621"}}, "bad_content_length"},
    {{{kLength, std::string(30, '0') + "x"}}, "bad_content_length"},
    {{{kCoding, ""}}, "bad_transfer_encoding"},
    {{{kCoding, ",chunked"}}, "bad_transfer_encoding"},
    {{{kCoding, "chunked,"}}, "bad_transfer_encoding"},
    {{{kCoding, "gzip,"}}, "bad_transfer_encoding"},
    {{{kCoding, "gzip,,chunked"}}, "bad_transfer_encoding"},
    {{{kCoding, "chunked, chunked"}}, "bad_transfer_encoding"},
    {{{kCoding, "chunked, identity"}}, "bad_transfer_encoding"},
    {{{kCoding, "chunked, gzip, chunked"}}, "bad_transfer_encoding"},
    {{{kCoding, "chunked;q=1"}}, "bad_transfer_encoding"},
    {{{kCoding, "chun ked"}}, "bad_transfer_encoding"},
    {{{kCoding, "\x0b"s + "chunked"}}, "bad_transfer_encoding"},
    {{{kCoding, "\xa0"s + "chunked"}}, "bad_transfer_encoding"},
    {{{kCoding, "\"chunked\""}}, "bad_transfer_encoding"},
    {{{kCoding, "chunked"}, {kCoding, "chunked"}}, "bad_transfer_encoding"},
    {{{kCoding, "chunked"}, {kCoding, "gzip"}}, "bad_transfer_encoding"},
    {{{kCoding, "gzip"}, {kCoding, "chunked"}}, "bad_transfer_encoding"},
    {{{kCoding, "gzip, chunked"}}, "unknown_transfer_coding"},
    {{{kCoding, "gzip;level=9 , chunked"}}, "unknown_transfer_coding"},
    {{{kCoding, "identity"}}, "unknown_transfer_coding"},
    {{{kCoding, "xchunked"}}, "bad_transfer_encoding"},
    {{{kCoding, "Chunked-x"}}, "bad_transfer_encoding"},
    {{{kCoding, "gzip, xchunkedx"}}, "bad_transfer_encoding"},
    {{{kCoding, "gzip, Chunked"}}, "unknown_transfer_coding"},
    {{{kCoding, "br"}}, "unknown_transfer_coding"},
};

TEST_CASE("the framing of a message is said plainly") {
  check(kCommon, request_length);
  check(kCommon, with_body);
  check(kCommon, without_body);
}

TEST_CASE("the framing of a request is said once") {
  check({{{{kLength, "5"}, {kCoding, "chunked"}}, "length_and_encoding"},
         {{{kCoding, "chunked"}, {kLength, "0"}}, "length_and_encoding"},
         {{{kCoding, "gzip"}, {kLength, "5"}}, "length_and_encoding"},
         {{{kLength, "5"}, {kLength, "5"}}, "bad_content_length"},
         {{{kLength, "5, 5"}}, "bad_content_length"}},
        request_length);
}

TEST_CASE("the length of a response may be said twice and alike") {
  const std::vector<Row> alike = {
      {{{kLength, "5"}, {kLength, "5"}}, "5"},
      {{{kLength, "5"}, {"X", "y"}, {kLength, "5"}, {kLength, "5"}}, "5"},
      {{{kLength, "5, 5"}}, "5"},
      {{{kLength, "5 ,\t5,5"}}, "5"},
      {{{kLength, "5, 5"}, {kLength, "005"}}, "5"},
      {{{kLength, "5, 5"}, {kLength, "6"}}, "bad_content_length"},
      {{{kLength, "5, 5, 6"}}, "bad_content_length"},
      {{{kLength, "5, 5,"}}, "bad_content_length"},
  };
  check(alike, with_body);
  check(alike, without_body);
}

TEST_CASE("a list of lengths or codings that is longer than any that means something is refused") {
  const auto repeated = [](const std::string& element, size_t times) {
    std::string list = element;
    for (size_t i = 1; i < times; ++i) list += "," + element;
    return list;
  };
  const auto of_response = [](const char* name, const std::string& value) {
    std::array<Field, 1> room;
    Fields fields(room);
    fields.add(name, value);
    return said(response_length(fields, Carries::body));
  };
  CHECK(of_response(kLength, repeated("5", 100)) == "5");
  CHECK(of_response(kLength, repeated("5", 101)) == "bad_content_length");
  CHECK(of_response(kCoding, repeated("gzip", 100)) == "unknown_transfer_coding");
  CHECK(of_response(kCoding, repeated("gzip", 101)) == "bad_transfer_encoding");
}

TEST_CASE("length and coding exclude each other only where a body follows") {
  check({{{{kLength, "5"}, {kCoding, "chunked"}}, "length_and_encoding"},
         {{{kCoding, "chunked"}, {kLength, "5"}}, "length_and_encoding"}},
        with_body);
  check({{{{kLength, "5"}, {kCoding, "chunked"}}, "5"},
         {{{kCoding, "chunked"}, {kLength, "5"}}, "5"},
         {{{kCoding, "chunked"}, {kLength, "5"}, {kLength, "6"}}, "bad_content_length"},
         {{{kLength, "5"}, {kCoding, "chunked, gzip"}}, "bad_transfer_encoding"}},
        without_body);
}

}  // namespace
}  // namespace onehop::http
