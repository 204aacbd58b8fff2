// SPDX-License-Identifier: MIT
// What is written is a message that every reader reads in one way.
#include "http/h1/writer.h"

#include <array>
#include <string>

#include "tests/support/catch.h"

namespace onehop::http::h1 {
namespace {

Buffer buffer_of(std::string_view text) {
  Buffer buffer;
  buffer.append(text);
  return buffer;
}

std::string written(const RequestHead& head, Framing framing) {
  Buffer output;
  write_request_head(output, head, framing);
  return output.to_string();
}

std::string written(const ResponseHead& head, Framing framing, ConnectionOption option) {
  Buffer output;
  write_response_head(output, head, head.body, framing, option);
  return output.to_string();
}

TEST_CASE("a request head says its framing and nothing else of its connection") {
  std::array<Field, 1> room;
  RequestHead head;
  head.method_text = "PUT";
  head.target = "/a?b";
  head.authority = "h:80";
  head.fields = Fields(room);
  head.fields.add("X-A", "b");
  const std::string begin = "PUT /a?b HTTP/1.1\r\nHost: h:80\r\nX-A: b\r\n";
  CHECK(written(head, Framing::none) == begin + "\r\n");
  head.body = BodyLength::of(1234567890123);
  CHECK(written(head, Framing::length) == begin + "Content-Length: 1234567890123\r\n\r\n");
  head.body = BodyLength::of(0);
  CHECK(written(head, Framing::length) == begin + "Content-Length: 0\r\n\r\n");
  head.body = BodyLength::unknown();
  CHECK(written(head, Framing::chunked) == begin + "Transfer-Encoding: chunked\r\n\r\n");
}

TEST_CASE("a request head asks for an upgrade or for trailers where that is wanted") {
  RequestHead head;
  head.method_text = "GET";
  head.target = "/";
  head.authority = "h";
  const std::string begin = "GET / HTTP/1.1\r\nHost: h\r\n";
  head.trailers_accepted = true;
  CHECK(written(head, Framing::none) == begin + "TE: trailers\r\nConnection: TE\r\n\r\n");
  head.trailers_accepted = false;
  head.upgrade = "websocket";
  CHECK(written(head, Framing::none) ==
        begin + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST_CASE("a response head says its framing and what becomes of the connection") {
  ResponseHead head;
  head.status = 200;
  head.reason = "OK";
  const std::string begin = "HTTP/1.1 200 OK\r\n";
  using enum ConnectionOption;
  CHECK(written(head, Framing::none, none) == begin + "\r\n");
  CHECK(written(head, Framing::none, keep_alive) == begin + "Connection: keep-alive\r\n\r\n");
  head.body = BodyLength::of(7);
  CHECK(written(head, Framing::length, close) ==
        begin + "Content-Length: 7\r\nConnection: close\r\n\r\n");
  // An answer to HEAD has no body, and says the length all the same.
  CHECK(written(head, Framing::none, none) == begin + "Content-Length: 7\r\n\r\n");
  // Never both.
  CHECK(written(head, Framing::chunked, none) == begin + "Transfer-Encoding: chunked\r\n\r\n");
  head.body = BodyLength::unknown();
  CHECK(written(head, Framing::until_close, close) == begin + "Connection: close\r\n\r\n");
}

TEST_CASE("a response head that switches protocols says to which") {
  ResponseHead head;
  head.status = 101;
  head.reason = "Switching Protocols";
  head.upgrade = "websocket";
  CHECK(written(head, Framing::none, ConnectionOption::none) ==
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST_CASE("a head longer than any chunk is written whole") {
  const std::string value(200'000, 'v');
  std::array<Field, 1> room;
  ResponseHead head;
  head.status = 200;
  head.fields = Fields(room);
  head.fields.add("X-Long", value);
  CHECK(written(head, Framing::none, ConnectionOption::none) ==
        "HTTP/1.1 200 \r\nX-Long: " + value + "\r\n\r\n");
}

TEST_CASE("a body without chunks is its bytes alone") {
  for (const Framing framing : {Framing::none, Framing::length, Framing::until_close}) {
    Buffer output;
    write_body(output, buffer_of("hello"), framing, false);
    write_body(output, Buffer(), framing, false);
    write_body(output, buffer_of(" world"), framing, true);
    CHECK(output.to_string() == "hello world");
  }
}

TEST_CASE("an empty piece never ends a chunked body") {
  Buffer output;
  write_body(output, Buffer(), Framing::chunked, false);
  CHECK(output.empty());
  write_body(output, buffer_of("hello"), Framing::chunked, false);
  write_body(output, Buffer(), Framing::chunked, false);
  CHECK(output.to_string() == "5\r\nhello\r\n");
}

TEST_CASE("a chunked body has exactly one last chunk, however it ends") {
  const std::string wanted = "5\r\nhello\r\n0\r\n\r\n";
  Buffer with_bytes;
  write_body(with_bytes, buffer_of("hello"), Framing::chunked, true);
  CHECK(with_bytes.to_string() == wanted);
  Buffer alone;
  write_body(alone, buffer_of("hello"), Framing::chunked, false);
  write_body(alone, Buffer(), Framing::chunked, true);
  CHECK(alone.to_string() == wanted);
  Buffer empty;
  write_body(empty, Buffer(), Framing::chunked, true);
  CHECK(empty.to_string() == "0\r\n\r\n");
}

TEST_CASE("a chunk's size is hexadecimal and counts all its slices") {
  Buffer body = buffer_of(std::string(70'000, 'a'));
  body.splice(buffer_of("tail"));
  Buffer output;
  write_body(output, std::move(body), Framing::chunked, false);
  CHECK(output.to_string() == "11174\r\n" + std::string(70'000, 'a') + "tail\r\n");
}

TEST_CASE("trailers come with the last chunk") {
  std::array<Field, 2> room;
  Fields trailers(room);
  Buffer none;
  write_trailers(none, trailers);
  CHECK(none.to_string() == "0\r\n\r\n");
  trailers.add("A", "b");
  trailers.add("C", "");
  Buffer some;
  write_trailers(some, trailers);
  CHECK(some.to_string() == "0\r\nA: b\r\nC: \r\n\r\n");
}

}  // namespace
}  // namespace onehop::http::h1
