// SPDX-License-Identifier: MIT
// How responses are framed for the client that asked, and what of one can be taken back.
#include "http/h1/response_sender.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/hand_loop.h"

namespace onehop::http::h1 {
namespace {

using test::HandLoop;
using test::HandPeer;
using test::HandTransport;
using Asked = ResponseSender::Asked;

struct Side {
  explicit Side(const Asked& asked) { sender.begin(*transport, asked); }

  // The head and the body of a response, as the client gets them.
  std::string response(uint16_t status, BodyLength length, const std::vector<std::string>& parts) {
    ResponseHead head;
    head.status = status;
    head.body = length;
    const Ends ends = parts.empty() ? Ends::yes : Ends::no;
    sender.head(head, ends, sender.frames(head, ends) != Framing::until_close);
    for (size_t i = 0; i < parts.size(); ++i) {
      Buffer body;
      body.append(parts[i]);
      sender.body(std::move(body), i + 1 == parts.size() ? Ends::yes : Ends::no);
    }
    loop.end_turn();
    return peer.taken;
  }
  void begin_response() {
    ResponseHead head;
    head.status = 200;
    head.body = BodyLength::of(4);
    sender.head(head, Ends::no, true);
  }

  HandLoop loop;
  HandPeer peer;
  net::TransportPtr transport = HandTransport::make(loop, peer);
  ResponseSender sender;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

TEST_CASE("a body whose length is known is sent as it is") {
  Side side({});
  const std::string response = side.response(200, BodyLength::of(4), {"ab", "cd"});
  CHECK(has(response, "Content-Length: 4\r\n"));
  CHECK(response.ends_with("\r\n\r\nabcd"));
  CHECK(side.sender.complete());
}

TEST_CASE("a body whose length is not known comes in chunks, and to HTTP/1.0 until the close") {
  Side chunked({});
  const std::string response = chunked.response(200, BodyLength::unknown(), {"ab", "cd"});
  CHECK(has(response, "Transfer-Encoding: chunked\r\n"));
  CHECK(response.ends_with("\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"));

  Side old({.version_minor = 0});
  const std::string until_close = old.response(200, BodyLength::unknown(), {"ab", "cd"});
  CHECK_FALSE(has(until_close, "Transfer-Encoding"));
  CHECK(has(until_close, "Connection: close\r\n"));
  CHECK(until_close.ends_with("\r\n\r\nabcd"));
}

TEST_CASE("HTTP/1.0 is told that its connection is kept") {
  Side side({.version_minor = 0});
  CHECK(has(side.response(200, BodyLength::of(2), {"ab"}), "Connection: keep-alive\r\n"));
}

TEST_CASE("a response that ends with its head says that it is empty, unless it never has content") {
  Side side({});
  CHECK(has(side.response(200, BodyLength::unknown(), {}), "Content-Length: 0\r\n"));
  Side to_head({.is_head = true});
  CHECK_FALSE(has(to_head.response(200, BodyLength::unknown(), {}), "Content-Length"));
  Side length_to_head({.is_head = true});
  CHECK(has(length_to_head.response(200, BodyLength::of(9), {}), "Content-Length: 9\r\n"));
  Side not_modified({});
  CHECK_FALSE(has(not_modified.response(304, BodyLength::unknown(), {}), "Content-Length"));
  Side no_content({});
  CHECK_FALSE(has(no_content.response(204, BodyLength::of(0), {}), "Content-Length"));
}

TEST_CASE("what comes behind the end of a response is dropped") {
  Side side({});
  const std::string response = side.response(200, BodyLength::of(2), {"ab"});
  Buffer more;
  more.append("cd");
  side.sender.body(std::move(more), Ends::yes);
  side.sender.trailers({});
  side.loop.end_turn();
  CHECK(side.peer.taken == response);
}

TEST_CASE("only a response that has begun and whose end is the close needs one") {
  Side side({.version_minor = 0});
  CHECK_FALSE(side.sender.needs_close());
  ResponseHead head;
  head.status = 200;
  head.body = BodyLength::unknown();
  side.sender.head(head, Ends::no, false);
  CHECK(side.sender.needs_close());
  side.sender.body(Buffer(), Ends::yes);
  CHECK_FALSE(side.sender.needs_close());
}

TEST_CASE("a 100 ends the wait for it, and taking it back begins the wait again") {
  Side side({.expects_continue = true});
  CHECK(side.sender.withholds_continue());
  ResponseHead go_on;
  go_on.status = 100;
  side.sender.interim(go_on);
  CHECK_FALSE(side.sender.withholds_continue());
  CHECK(side.sender.take_back());
  CHECK(side.sender.withholds_continue());
  side.loop.end_turn();
  CHECK(side.peer.taken.empty());
}

TEST_CASE("a response can be taken back until a byte of it has left") {
  Side early({});
  early.begin_response();
  CHECK(early.sender.take_back());
  CHECK_FALSE(early.sender.begun());
  early.loop.end_turn();
  CHECK(early.peer.taken.empty());

  Side late({});
  late.begin_response();
  late.loop.end_turn();
  CHECK_FALSE(late.sender.take_back());

  Side stuck({});
  stuck.peer.takes = 0;
  stuck.begin_response();
  stuck.loop.end_turn();
  CHECK_FALSE(stuck.sender.take_back());

  Side whole({});
  whole.begin_response();
  Buffer body;
  body.append("abcd");
  whole.sender.body(std::move(body), Ends::yes);
  CHECK_FALSE(whole.sender.take_back());
}

TEST_CASE("what an earlier response has written does not stand in the way of taking one back") {
  Side side({});
  side.response(200, BodyLength::of(2), {"ab"});
  side.sender.begin(*side.transport, {});
  side.begin_response();
  CHECK(side.sender.take_back());
}

}  // namespace
}  // namespace onehop::http::h1
