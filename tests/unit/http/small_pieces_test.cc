// SPDX-License-Identifier: MIT
// A body that comes in the smallest pieces there are: it is passed on whole and in few pieces, and
// a turn does a bounded part of it, so that others wait no longer than that. Turns are counted.
#include <algorithm>

#include "http/h1/body_reader.h"
#include "tests/support/catch.h"
#include "tests/support/h2_client.h"
#include "tests/support/h2_constants.h"
#include "tests/support/relay.h"

namespace onehop::http {
namespace {

using test::H2Frame;
using test::H2Type;
using test::HandLoop;
using test::HandPeer;
using test::HandTransport;
using test::Relay;

constexpr size_t kChunks = 100'000;
constexpr uint32_t kChunksPerTurn = h1::BodyReader::kChunksPerTurn;
constexpr size_t kFramesPerTurn = 600;

constexpr std::string_view kPost =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string repeated(std::string_view text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

struct Scene {
  explicit Scene(Relay::Speaks speaks = Relay::Speaks::http1)
      : relay(loop, client, endpoint, speaks) {}
  HandLoop loop;
  HandPeer client;
  HandPeer endpoint;
  Relay relay;
};

// The body of a message in HTTP/1.1 that begins with its head.
std::string body_of(std::string_view message) {
  Buffer in;
  in.append(message.substr(message.find("\r\n\r\n") + 4));
  h1::BodyReader reader;
  reader.start_chunked(1000);
  std::string body;
  auto status = h1::BodyReader::Status::paused;
  for (uint64_t turn = 1; status == h1::BodyReader::Status::paused; ++turn) {
    Buffer out;
    status = reader.read(in, out, turn);
    body += out.to_string();
  }
  return status == h1::BodyReader::Status::end ? body : "no end";
}

// Ends turns until nothing is left to do; each passes on at most `most` bytes.
size_t turns_of_at_most(Scene& scene, size_t most) {
  size_t turns = 0;
  size_t passed_on = 0;
  do {
    CHECK(scene.relay.passed_on - std::exchange(passed_on, scene.relay.passed_on) <= most);
    scene.loop.end_turn();
    ++turns;
    REQUIRE(turns < kChunks);
  } while (scene.loop.has_work());
  return turns;
}

TEST_CASE("a request in chunks of one byte takes many turns, and passes them on in few pieces") {
  Scene scene;
  scene.client.say(std::string(kPost) + repeated("1\r\nx\r\n", kChunks) + "0\r\nA: b\r\n\r\n");
  const size_t turns = turns_of_at_most(scene, kChunksPerTurn);
  CHECK(turns > kChunks / kChunksPerTurn);
  CHECK(scene.relay.pieces <= turns);
  CHECK(body_of(scene.endpoint.taken) == std::string(kChunks, 'x'));
  CHECK(scene.endpoint.taken.ends_with("\r\n0\r\nA: b\r\n\r\n"));
}

TEST_CASE("a response in chunks of one byte takes many turns, and passes them on in few pieces") {
  Scene scene;
  scene.client.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  scene.loop.end_turn();
  scene.endpoint.say(std::string(kOk) + repeated("1\r\nx\r\n", kChunks) + "0\r\n\r\n");
  scene.endpoint.end();
  const size_t turns = turns_of_at_most(scene, kChunksPerTurn);
  CHECK(scene.relay.pieces <= turns);
  CHECK(body_of(scene.client.taken) == std::string(kChunks, 'x'));
}

TEST_CASE("a client with 100,000 chunks in hand leaves the turns of others alone") {
  HandLoop loop;
  HandPeer greedy;
  HandPeer modest;
  HandPeer endpoints[2];
  Relay first(loop, greedy, endpoints[0], Relay::Speaks::http1);
  Relay second(loop, modest, endpoints[1], Relay::Speaks::http1);
  greedy.say(std::string(kPost) + repeated("1\r\nx\r\n", kChunks));
  modest.say(kPost);
  loop.end_turn();
  for (int i = 0; i < 20; ++i) {
    const size_t before = first.passed_on;
    endpoints[1].taken.clear();
    modest.say("5\r\nhello\r\n");
    loop.end_turn();
    CHECK(endpoints[1].taken == "5\r\nhello\r\n");
    CHECK(first.passed_on - before <= kChunksPerTurn);
  }
  CHECK(first.passed_on < kChunks);
}

TEST_CASE("a bad chunk far behind what a turn reads cuts the body where it is") {
  Scene scene;
  scene.client.say(kPost);
  scene.loop.end_turn();
  scene.client.say(repeated("1\r\nx\r\n", 5000) + "1\r\nxy\r\n");
  turns_of_at_most(scene, kChunksPerTurn);
  CHECK(scene.relay.passed_on >= kChunksPerTurn);
  CHECK(scene.relay.passed_on <= 5000);
  CHECK(body_of(scene.endpoint.taken) == "no end");
}

TEST_CASE("a client that leaves with chunks in hand takes them with it") {
  Scene scene;
  scene.client.say(std::string(kPost) + repeated("1\r\nx\r\n", kChunks));
  scene.loop.end_turn();
  scene.client.end();
  turns_of_at_most(scene, 2 * kChunksPerTurn);
  CHECK(body_of(scene.endpoint.taken) == "no end");
}

std::string h2_opening() {
  return std::string(kPreface) + test::h2_settings({}).wire() +
         test::h2_headers(1, test::h2_request("POST"), test::kEndHeaders).wire();
}

std::string data_frame(std::string_view bytes, uint8_t flags = 0) {
  return H2Frame{H2Type::data, flags, 1, std::string(bytes)}.wire();
}

TEST_CASE("DATA frames of one byte take many turns, and are passed on in few pieces") {
  constexpr size_t kFrames = 20'000;
  Scene scene(Relay::Speaks::http2);
  scene.client.say(h2_opening() + repeated(data_frame("x"), kFrames - 1) +
                   data_frame("x", test::kEndStream));
  CHECK_FALSE(scene.client.reading);
  const size_t turns = turns_of_at_most(scene, kFramesPerTurn);
  CHECK(turns > kFrames / kFramesPerTurn);
  CHECK(scene.relay.pieces <= turns);
  CHECK(body_of(scene.endpoint.taken) == std::string(kFrames, 'x'));
  CHECK(scene.client.reading);
}

TEST_CASE("a message that ends just where the share of a turn does ends all the same") {
  const size_t frames = GENERATE(range(size_t{505}, size_t{525}));
  CAPTURE(frames);
  Scene scene(Relay::Speaks::http2);
  scene.client.say(h2_opening() + repeated(data_frame("x"), frames - 1) +
                   data_frame("x", test::kEndStream));
  turns_of_at_most(scene, kFramesPerTurn);
  CHECK(body_of(scene.endpoint.taken) == std::string(frames, 'x'));
}

TEST_CASE("small DATA is passed on before what ends its stream, or its connection") {
  Scene scene(Relay::Speaks::http2);
  const bool resets = GENERATE(true, false);
  CAPTURE(resets);
  scene.client.say(h2_opening() + data_frame("x") + (resets ? test::h2_reset(1).wire() : ""));
  if (!resets) scene.client.end();
  CHECK(scene.relay.passed_on == 1);
  scene.loop.end_turn();
  CHECK(scene.relay.passed_on == 1);
}

TEST_CASE("small DATA goes on in its place between large") {
  Scene scene(Relay::Speaks::http2);
  const std::string large(5000, 'l');
  scene.client.say(h2_opening() + data_frame("a") + data_frame(large) + data_frame("b") +
                   data_frame("c") + data_frame(large) + data_frame("d", test::kEndStream));
  turns_of_at_most(scene, 20'000);
  CHECK(body_of(scene.endpoint.taken) == "a" + large + "bc" + large + "d");
}

// Notes which messages have ended.
class Ear final : public Service {
 public:
  std::unique_ptr<Responder> open(ServerStream& stream, const Client&, const HeadTimes&) override {
    return std::make_unique<Listening>(*this, stream);
  }
  int begun = 0;
  int trailers = 0;

 private:
  class Listening final : public Responder {
   public:
    Listening(Ear& ear, ServerStream& stream) : ear_(ear), stream_(stream) {}
    void on_head(const RequestHead&, Ends ends) override {
      ++ear_.begun;
      stream_.set_reading(ends == Ends::no);
    }
    void on_body(Buffer&, Ends) override {}
    void on_trailers(const Fields&) override { ++ear_.trailers; }
    void on_room() override {}
    void on_stall() override {}
    void on_reset(const StreamError&) override {}

   private:
    Ear& ear_;
    ServerStream& stream_;
  };
};

struct Owner final : ServerConnections::Events {
  void on_all_closed() override {}
};

TEST_CASE("trailers of one field that are the last head of a turn, and of a read, are seen") {
  const int heads = GENERATE(range(60, 70));
  CAPTURE(heads);
  HandLoop loop;
  HandPeer client;
  telemetry::DownstreamShard counters;
  const ServerSettings settings{{}, {}, {}, counters};
  Owner owner;
  ServerConnections connections(loop, settings, owner);
  Client from;
  from.listener = std::make_shared<const ListenerTerms>();
  Ear ear;
  h2::serve(loop, HandTransport::make(loop, client), from, ear, settings, connections);
  std::string sent = h2_opening();
  for (int i = 1; i < heads; ++i)
    sent += test::h2_headers(2 * i + 1, test::h2_request(), test::kEndHeaders | test::kEndStream)
                .wire();
  sent += test::h2_headers(1, {{"a", "b"}}, test::kEndHeaders | test::kEndStream).wire();
  client.say(sent);
  for (int i = 0; i < 3; ++i) loop.end_turn();
  CHECK(ear.begun == heads);
  CHECK(ear.trailers == 1);
  connections.close_all();
  loop.end_turn();
}

}  // namespace
}  // namespace onehop::http
