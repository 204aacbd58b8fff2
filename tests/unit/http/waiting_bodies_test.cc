// SPDX-License-Identifier: MIT
// Request bodies that wait for whoever reads them are memory as responses are that wait for their
// clients: past server.limits.buffered their connections are given up.
#include "onehop/base/buffer.h"
#include "tests/support/catch.h"
#include "tests/support/h2_client.h"
#include "tests/support/hand_side.h"

namespace onehop::http {
namespace {

using test::H2Frame;
using test::H2Type;
using test::HandPeer;
using test::HandSide;

constexpr size_t kKiB = 1024;
constexpr size_t kBody = 48 * kKiB;  // of a window

// Reads the bodies of "/read" alone.
class Reluctant final : public Service {
 public:
  std::unique_ptr<Responder> open(ServerStream& stream, const Client&, const HeadTimes&) override {
    return std::make_unique<Asked>(*this, stream);
  }
  size_t read = 0;
  int given_up = 0;

 private:
  class Asked final : public Responder {
   public:
    Asked(Reluctant& all, ServerStream& stream) : all_(all), stream_(stream) {}
    void on_head(const RequestHead& head, Ends) override {
      stream_.set_reading(head.target == "/read");
    }
    void on_body(Buffer& bytes, Ends) override { all_.read += bytes.size(); }
    void on_trailers(const Fields&) override {}
    void on_room() override {}
    void on_stall() override {}
    void on_reset(const StreamError& why) override {
      all_.given_up += why.violation == Violation::not_taken ? 1 : 0;
    }

   private:
    Reluctant& all_;
    ServerStream& stream_;
  };
};

std::string upload(int32_t id, const std::string& path) {
  std::string frames =
      test::h2_headers(id, test::h2_request("POST", path), test::kEndHeaders).wire();
  for (size_t sent = 0; sent < kBody; sent += 16 * kKiB)
    frames += H2Frame{H2Type::data, 0, id, std::string(16 * kKiB, 'x')}.wire();
  return frames;
}

void begin(HandSide& side, HandPeer& peer) {
  side.serve_h2(peer);
  peer.say(std::string(kPreface) + test::h2_settings({}).wire());
  side.loop.end_turn();
}

config::Limits holding(uint64_t bytes) {
  config::Limits limits;
  limits.buffered = buffered_memory() + bytes;
  return limits;
}

TEST_CASE("bodies that nobody reads are given up past what all buffers may hold, others are not") {
  HandPeer greedy;
  HandPeer modest;
  Reluctant service;
  HandSide side(service, holding(8 * kBody));
  begin(side, greedy);
  begin(side, modest);
  modest.say(upload(1, "/read"));
  side.loop.end_turn();
  for (int32_t id = 1; id < 40; id += 2) {
    greedy.say(upload(id, "/left"));
    side.loop.end_turn();
  }
  CHECK(service.given_up > 0);
  CHECK(side.counters.stalled_given_up.value() > 0);
  CHECK(service.read == kBody);
  CHECK_FALSE(greedy.closed);
  modest.say(upload(3, "/read"));
  side.loop.end_turn();
  CHECK(service.read == 2 * kBody);
}

TEST_CASE("bodies that nobody reads wait in their windows while there is memory") {
  HandPeer peer;
  Reluctant service;
  HandSide side(service, holding(64 * kBody));
  begin(side, peer);
  for (int32_t id = 1; id < 40; id += 2) {
    peer.say(upload(id, "/left"));
    side.loop.end_turn();
  }
  CHECK(service.given_up == 0);
}

}  // namespace
}  // namespace onehop::http
