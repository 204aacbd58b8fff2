// SPDX-License-Identifier: MIT
// The pages that a session of nghttp2 has of its own: what it keeps in them, and what is left of
// them when its connection rests.
#include "http/h2/session_memory.h"

#include <cstring>
#include <string>
#include <vector>

#include "http/h2/session.h"
#include "onehop/base/recycled.h"
#include "tests/support/catch.h"
#include "tests/support/h2_client.h"

namespace onehop::http::h2 {
namespace {

constexpr size_t kFrame = 16 * 1024 + 10;

// The map of streams: a page in nghttp2 1.52; in 1.64 it is smaller, and comes from the heap.
constexpr size_t kTablePages = kRecycling && NGHTTP2_VERSION_NUM < 0x014000 ? 1 : 0;

// Answers every request with 204 as soon as its head is there.
class Answering final : public Session::Events {
 public:
  Answering() : session_(Role::server, *this, SessionOptions{}) {}

  std::string exchange(std::string_view bytes) {
    REQUIRE(session_.feed(bytes) == bytes.size());
    Buffer output;
    REQUIRE(session_.send(output, 1 << 20));
    return output.to_string();
  }
  Session& session() { return session_; }
  int answered = 0;

 private:
  void on_frame_begin(const nghttp2_frame_hd&) override {}
  void on_head_begin(int32_t) override {}
  bool on_field(int32_t, std::string_view, std::string_view, bool) override { return true; }
  void on_head_end(int32_t id, bool) override {
    std::string name = ":status", value = "204";
    const nghttp2_nv status = {reinterpret_cast<uint8_t*>(name.data()),
                               reinterpret_cast<uint8_t*>(value.data()), name.size(), value.size(),
                               NGHTTP2_NV_FLAG_NONE};
    REQUIRE(nghttp2_submit_response(session_.raw(), id, &status, 1, nullptr) == 0);
    ++answered;
  }
  bool on_data(int32_t, std::string_view) override { return true; }
  void on_message_end(int32_t) override {}
  void on_stream_closed(int32_t, uint32_t) override {}
  void on_frame(const nghttp2_frame&) override {}
  void on_frame_sent(const nghttp2_frame&) override {}

  Session session_;
};

std::string request(int32_t id) {
  return test::h2_headers(id, test::h2_request(), test::kEndHeaders | test::kEndStream).wire();
}

TEST_CASE("a session that rests keeps no page for the requests it has answered, and goes on") {
  Answering server;
  server.exchange(std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + test::h2_settings({}).wire());
  for (int32_t id = 1; id < 200; id += 2) {
    CHECK_FALSE(server.exchange(request(id)).empty());
    if (kRecycling) CHECK(server.session().memory().resident_pages() >= 1 + kTablePages);
    server.session().rest();
    CHECK(server.session().memory().resident_pages() == 0);
  }
  CHECK(server.answered == 100);
}

TEST_CASE("a session with a stream that is open, or with frames to send, keeps what they need") {
  Answering server;
  server.exchange(std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + test::h2_settings({}).wire());
  // The client has not ended its side, so the stream is there.
  server.exchange(test::h2_headers(1, test::h2_request("POST"), test::kEndHeaders).wire());
  server.session().rest();
  CHECK(server.session().memory().resident_pages() == kTablePages);
  const std::string end = test::H2Frame{test::H2Type::data, test::kEndStream, 1, ""}.wire();
  REQUIRE(server.session().feed(end) == end.size());
  REQUIRE(server.session().feed(request(3)) == request(3).size());
  server.session().rest();  // an answer waits
  CHECK(server.session().memory().resident_pages() >= kTablePages);
  CHECK_FALSE(server.exchange("").empty());
  server.session().rest();
  CHECK(server.session().memory().resident_pages() == 0);
}

TEST_CASE("what nghttp2 takes and gives back is its own, whatever its size and order") {
  SessionMemory memory;
  nghttp2_mem calls = memory.functions();
  void* const user = calls.mem_user_data;
  void* const frame = calls.realloc(nullptr, kFrame, user);
  void* const other_frame = calls.realloc(nullptr, kFrame, user);
  void* const table = calls.calloc(256, 16, user);
  void* const other_table = calls.calloc(256, 16, user);
  void* const small = calls.malloc(100, user);
  const std::vector<std::pair<void*, size_t>> all = {
      {frame, kFrame}, {other_frame, kFrame}, {table, 4096}, {other_table, 4096}, {small, 100}};
  for (const auto& [bytes, size] : all) {
    REQUIRE(bytes != nullptr);
    std::memset(bytes, 'x', size);
  }
  void* grown = calls.realloc(frame, 3 * kFrame, user);
  REQUIRE(grown != nullptr);
  CHECK(std::string(static_cast<char*>(grown), kFrame) == std::string(kFrame, 'x'));
  memory.rest();
  CHECK(std::string(static_cast<char*>(table), 4096) == std::string(4096, 'x'));
  calls.free(table, user);
  const auto* again = static_cast<char*>(calls.calloc(256, 16, user));
  CHECK(std::string(again, 4096) == std::string(4096, '\0'));
  for (void* bytes :
       {grown, other_frame, other_table, small, const_cast<void*>(static_cast<const void*>(again))})
    calls.free(bytes, user);
  calls.free(nullptr, user);
}

}  // namespace
}  // namespace onehop::http::h2
