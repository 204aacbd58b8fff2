// SPDX-License-Identifier: MIT
// Bodies by length, by chunks and until the end of the connection; each row is read whole, cut at
// every offset, and byte by byte.
#include "http/h1/body_reader.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::http::h1 {
namespace {

constexpr size_t kTrailerLimit = 64;

struct Read {
  std::string word = "more";  // "more", "end" or the violation
  std::string body;
  std::string trailers;
  std::string rest;
};

// Over as many turns as it takes.
BodyReader::Status read_on(BodyReader& reader, Buffer& in, Buffer& out) {
  BodyReader::Status status = BodyReader::Status::paused;
  for (uint64_t turn = 1; status == BodyReader::Status::paused; ++turn)
    status = reader.read(in, out, turn);
  return status;
}

Read read_pieces(BodyReader& reader, const std::vector<std::string>& pieces) {
  Buffer in;
  Buffer out;
  Read result;
  for (const std::string& piece : pieces) {
    Buffer arrived;
    arrived.append(piece);
    in.splice(std::move(arrived));
    if (result.word != "more") continue;
    const BodyReader::Status status = read_on(reader, in, out);
    if (status == BodyReader::Status::failed) {
      return {std::string(row_of(reader.violation()).name), "", "", ""};
    }
    if (status == BodyReader::Status::end) result.word = "end";
  }
  result.body = out.to_string();
  result.trailers = reader.trailers();
  result.rest = in.to_string();
  return result;
}

template <class Start>
void check_every_cut(Start start, const std::string& bytes, const Read& wanted) {
  const auto same = [&](const std::vector<std::string>& pieces, const std::string& how) {
    BodyReader reader;
    start(reader);
    const Read found = read_pieces(reader, pieces);
    INFO(bytes.substr(0, 200) << "\n" << how);
    CHECK(found.word == wanted.word);
    CHECK(found.body == wanted.body);
    CHECK(found.trailers == wanted.trailers);
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

void check_chunked(const std::string& bytes, const Read& wanted) {
  check_every_cut([](BodyReader& reader) { reader.start_chunked(kTrailerLimit); }, bytes, wanted);
}

TEST_CASE("a chunked body is read wherever it is cut, and what follows it is left") {
  check_chunked("0\r\n\r\n", {"end", "", "", ""});
  check_chunked("0\r\n\r\nGET", {"end", "", "", "GET"});
  check_chunked("5\r\nhello\r\n0\r\n\r\n", {"end", "hello", "", ""});
  check_chunked("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n\r\n", {"end", "hello world", "", "\r\n"});
  check_chunked("00000a\r\n0123456789\r\n000\r\n\r\n", {"end", "0123456789", "", ""});
  check_chunked("9\r\n0\r\n\r\n0\r\n\r\r\n0\r\n\r\n", {"end", "0\r\n\r\n0\r\n\r", "", ""});
  check_chunked("5;a=b;c=\"d;e\"\r\nhello\r\n0;x\r\n\r\n", {"end", "hello", "", ""});
  check_chunked("000000000000005\r\nhello\r\n0\r\n\r\n", {"end", "hello", "", ""});
  for (const size_t zeros : {15, 16, 17, 100})
    check_chunked(std::string(zeros, '0') + "5\r\nhello\r\n" + std::string(zeros, '0') + "\r\n\r\n",
                  {"end", "hello", "", ""});
  for (const std::string extension :
       {" ;a", "\t;a", " \t ; \t a", ";a =b", ";a= b", ";a\t=\t\"b\"", ";a;b ;c", ";a=b ; c=d",
        ";a=\"\"", ";a=\"b\\\"c;\xe4\t\"", ";!#$%&'*+-.^_`|~=0"})
    check_chunked("5" + extension + "\r\nhello\r\n0" + extension + "\r\n\r\n",
                  {"end", "hello", "", ""});
}

TEST_CASE("trailers come after the last chunk, without the empty line that ends them") {
  check_chunked("0\r\nA: b\r\n\r\n", {"end", "", "A: b\r\n", ""});
  check_chunked("1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\nrest",
                {"end", "x", "A: b\r\nC: d\r\n", "rest"});
}

TEST_CASE("a chunked body without its end is not over") {
  check_chunked("", {"more", "", "", ""});
  check_chunked("5", {"more", "", "", ""});
  check_chunked("5\r\nhel", {"more", "hel", "", ""});
  check_chunked("5\r\nhello\r\n", {"more", "hello", "", ""});
  check_chunked("5\r\nhello\r\n0\r\n", {"more", "hello", "", ""});
}

TEST_CASE("chunks that two readers could read in two ways are refused") {
  const std::string rows[] = {
      "\r\nhello",        // no size
      "-5\r\nhello\r\n",  // signs, prefixes, separators, blanks
      "+5\r\nhello\r\n",
      "0x5\r\nhello\r\n",
      "1_0\r\nhello\r\n",
      " 5\r\nhello\r\n",
      "5 \r\nhello\r\n",
      "5\thello\r\n",
      "g\r\n",
      ";a\r\nhello\r\n",
      "5\nhello\r\n",  // bare line ends
      "5\rhello\r\n",
      "5;a\nhello\r\n",
      "5;a\rb\r\nhello\r\n",
      "5;a\x01\r\nhello\r\n",
      std::string("5;\0\r\n", 5),
      "5\r\nhello0\r\n\r\n",  // nothing behind the data
      "5\r\nhello\n0\r\n\r\n",
      "5\r\nhello\r0\r\n\r\n",
      "5\r\nhello!\r\n0\r\n\r\n",
      "5\r\nhello\r\n\r\n",
      "1000000000000000\r\n",  // 2^60 and more
      "ffffffffffffffff\r\n",
      "10000000000000005\r\n",
      "00000000000000001000000000000000\r\n",
      "00000000000000000\n",
      "5 \t\r\nhello\r\n",  // blanks without an extension behind them
      "5 0\r\nhello\r\n",
      "5\t0\r\nhello\r\n",
      "5 0;a\r\nhello\r\n",
      "5;a \r\nhello\r\n",
      "5;a=b \r\nhello\r\n",
      "5;a=\"b\"\t\r\nhello\r\n",
      "5;\r\nhello\r\n",  // extensions that are none
      "5 ; \r\nhello\r\n",
      "5;;a\r\nhello\r\n",
      "5;a;\r\nhello\r\n",
      "5;=b\r\nhello\r\n",
      "5;a=\r\nhello\r\n",
      "5;a=;b\r\nhello\r\n",
      "5;a==b\r\nhello\r\n",
      "5;a b\r\nhello\r\n",
      "5;a=b c\r\nhello\r\n",
      "5;a=b=c\r\nhello\r\n",
      "5;bad[=x\r\nhello\r\n",
      "5;a=[\r\nhello\r\n",
      "5;a=b\"c\"\r\nhello\r\n",
      "5;a=\"b\r\nhello\r\n",
      "5;a=\"b\nc\"\r\nhello\r\n",
      "5;a=\"b\\\r\nhello\r\n",
      "5;a=\"b\"c\r\nhello\r\n",
      "5;a=\"\x7f\"\r\nhello\r\n",
      "5;a=\"\\\x01\"\r\nhello\r\n",
      "5;\xe4\r\nhello\r\n",
      "5,a\r\nhello\r\n",
  };
  for (const std::string& bytes : rows) check_chunked(bytes, {"bad_chunk", "", "", ""});
}

TEST_CASE("bare line feeds and too many bytes in trailers are refused") {
  check_chunked("0\r\n\n", {"bad_trailer", "", "", ""});
  check_chunked("0\r\nA: b\n\r\n", {"bad_trailer", "", "", ""});
  check_chunked("0\r\nA: " + std::string(kTrailerLimit, 'a'), {"head_too_large", "", "", ""});
}

TEST_CASE("extensions of all chunks of a body share one limit") {
  std::string body;
  const std::string extended = "1;" + std::string(1000, 'e') + "\r\nx\r\n";
  for (int i = 0; i < 16; ++i) body += extended;
  BodyReader reader;
  reader.start_chunked(kTrailerLimit);
  CHECK(read_pieces(reader, {body + "0\r\n\r\n"}).word == "end");
  reader.start_chunked(kTrailerLimit);
  CHECK(read_pieces(reader, {body + extended + "0\r\n\r\n"}).word == "bad_chunk");
  reader.start_chunked(kTrailerLimit);
  CHECK(read_pieces(reader, {body + "0\r\n\r\n"}).word == "end");
}

std::string word_of_chunks(const std::string& body) {
  BodyReader reader;
  reader.start_chunked(kTrailerLimit);
  return read_pieces(reader, {body}).word;
}

TEST_CASE("sizes may be padded in every chunk, and not without an end") {
  std::string padded;
  for (int i = 0; i < 5000; ++i) padded += std::string(15, '0') + "1\r\nx\r\n";
  CHECK(word_of_chunks(padded + "0\r\n\r\n") == "end");
  CHECK(word_of_chunks(std::string(16'000, '0') + "1\r\nx\r\n0\r\n\r\n") == "end");
  CHECK(word_of_chunks(std::string(20'000, '0') + "1\r\nx\r\n0\r\n\r\n") == "bad_chunk");
  CHECK(word_of_chunks("1" + std::string(20'000, ' ') + ";a\r\nx\r\n0\r\n\r\n") == "bad_chunk");
  std::string excess;
  for (int i = 0; i < 100; ++i) excess += std::string(200, '0') + "1\r\nx\r\n";
  CHECK(word_of_chunks(excess + "0\r\n\r\n") == "bad_chunk");
}

std::string small_chunks(size_t count) {
  std::string chunks;
  for (size_t i = 0; i < count; ++i) chunks += "1\r\nx\r\n";
  return chunks;
}

TEST_CASE("small chunks of one read come out in one piece") {
  Buffer in;
  Buffer out;
  BodyReader reader;
  reader.start_chunked(kTrailerLimit);
  in.append("1\r\nh\r\n003\r\nell\r\n1;x\r\no\r\n2\r\n!");
  CHECK(reader.read(in, out, 1) == BodyReader::Status::more);
  CHECK(out.front() == "hello!");
  CHECK(in.empty());
}

TEST_CASE("a large chunk between small ones is moved and keeps its place") {
  const std::string large(100'000, 'b');
  check_chunked("1\r\na\r\n3e8\r\n" + large.substr(0, 1000) + "\r\n1\r\nc\r\n0\r\n\r\n",
                {"end", "a" + large.substr(0, 1000) + "c", "", ""});
  const std::string bytes = "1\r\na\r\n186a0\r\n" + large + "\r\n1\r\nc\r\n0\r\n\r\n";
  Chunk* const chunk = acquire_chunk(bytes.size());
  std::copy(bytes.begin(), bytes.end(), chunk->bytes());
  Buffer in;
  Buffer out;
  in.append_slice(chunk, 0, bytes.size());
  release_chunk(chunk);
  const char* const where = in.front().data() + bytes.find('b');
  BodyReader reader;
  reader.start_chunked(kTrailerLimit);
  CHECK(reader.read(in, out, 1) == BodyReader::Status::end);
  CHECK(out.size() == large.size() + 2);
  out.consume(1);
  CHECK(out.front().data() == where);
}

TEST_CASE("a turn reads so many chunks, and the next one goes on behind them") {
  constexpr size_t kChunks = 3 * BodyReader::kChunksPerTurn;
  const std::string line = GENERATE(as<std::string>(), "1\r\n", "1;x\r\n");  // short way, long way
  CAPTURE(line);
  Buffer in;
  BodyReader reader;
  reader.start_chunked(kTrailerLimit);
  for (size_t i = 0; i < kChunks; ++i) in.append(line + "x\r\n");
  in.append("0\r\nA: b\r\n\r\nrest");
  for (uint64_t turn = 1; turn <= 3; ++turn) {
    Buffer out;
    CHECK(reader.read(in, out, turn) == BodyReader::Status::paused);
    CHECK(out.size() == BodyReader::kChunksPerTurn);
    CHECK(reader.read(in, out, turn) == BodyReader::Status::paused);
    CHECK(out.size() == BodyReader::kChunksPerTurn);
  }
  Buffer out;
  CHECK(reader.read(in, out, 4) == BodyReader::Status::end);
  CHECK(out.empty());
  CHECK(reader.trailers() == "A: b\r\n");
  CHECK(in.to_string() == "rest");
}

TEST_CASE("a bad chunk behind more than a turn reads is found when it is reached") {
  CHECK(word_of_chunks(small_chunks(3 * BodyReader::kChunksPerTurn) + "1\r\nxy\r\n") ==
        "bad_chunk");
  CHECK(word_of_chunks(small_chunks(3 * BodyReader::kChunksPerTurn) + "0\r\n\r\n") == "end");
}

TEST_CASE("a body of known length takes exactly that many bytes") {
  const auto of = [](uint64_t bytes) {
    return [bytes](BodyReader& reader) { reader.start_length(bytes); };
  };
  check_every_cut(of(0), "rest", {"end", "", "", "rest"});
  check_every_cut(of(5), "hello", {"end", "hello", "", ""});
  check_every_cut(of(5), "hello rest", {"end", "hello", "", " rest"});
  check_every_cut(of(6), "hello", {"more", "hello", "", ""});
}

TEST_CASE("how much is still to come is known by length alone") {
  BodyReader reader;
  Buffer in;
  Buffer out;
  reader.start_length(10);
  CHECK(reader.remaining() == uint64_t{10});
  in.append("abc");
  CHECK(reader.read(in, out, 1) == BodyReader::Status::more);
  CHECK(reader.remaining() == uint64_t{7});
  reader.start_chunked(kTrailerLimit);
  CHECK_FALSE(reader.remaining().has_value());
}

TEST_CASE("a body until the end of the connection takes everything and has no end of its own") {
  check_every_cut([](BodyReader& reader) { reader.start_until_close(); }, "0\r\n\r\nmore",
                  {"more", "0\r\n\r\nmore", "", ""});
  BodyReader reader;
  reader.start_until_close();
  CHECK(reader.ends_with_connection());
  reader.start_length(5);
  CHECK_FALSE(reader.ends_with_connection());
}

TEST_CASE("large pieces of a body are moved, not copied") {
  Buffer in;
  in.append(std::string(100'000, 'b'));
  const char* where = in.front().data();
  Buffer out;
  BodyReader reader;
  reader.start_length(100'000);
  CHECK(reader.read(in, out, 1) == BodyReader::Status::end);
  CHECK(out.front().data() == where);
}

}  // namespace
}  // namespace onehop::http::h1
