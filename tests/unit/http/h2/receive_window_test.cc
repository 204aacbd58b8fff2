// SPDX-License-Identifier: MIT
// What a peer may send ahead on a stream, and how often it has to wait for that: counted in round
// trips, each of which brings as much as the windows allow and takes back what they were given.
#include "src/http/h2/receive_window.h"

#include <algorithm>
#include <deque>

#include "tests/support/catch.h"
#include "tests/support/h2_client.h"
#include "tests/support/hand_side.h"

namespace onehop::http::h2 {
namespace {

using test::H2Frame;
using test::H2Type;
using test::HandLoop;
using test::HandPeer;
using test::HandSide;
using test::HandTransport;

constexpr uint32_t kKiB = 1024;
constexpr uint32_t kMiB = 1024 * kKiB;
constexpr WindowLimits kLimits{64 * kKiB, 4 * kMiB, 0};

// Reads a body, or leaves it where it is.
class Reader final : public Service {
 public:
  std::unique_ptr<Responder> open(ServerStream& stream, const Client&, const HeadTimes&) override {
    stream.set_reading(reads);
    return std::make_unique<Reading>(*this);
  }
  bool reads = true;
  size_t bytes = 0;
  bool reset = false;

 private:
  class Reading final : public Responder {
   public:
    explicit Reading(Reader& reader) : reader_(reader) {}
    void on_head(const RequestHead&, Ends) override {}
    void on_body(Buffer& bytes, Ends) override { reader_.bytes += bytes.size(); }
    void on_trailers(const Fields&) override {}
    void on_room() override {}
    void on_stall() override {}
    void on_reset(const StreamError&) override { reader_.reset = true; }

   private:
    Reader& reader_;
  };
};

// Sends into windows that it was given, and has no other cares.
class FarPeer {
 public:
  explicit FarPeer(uint32_t first) : stream_window_(first) {}

  HandPeer wire;

  // As much of `most` bytes as the windows allow; how much that was.
  size_t send(int32_t id, size_t most) {
    constexpr size_t kFrame = 16 * kKiB;
    size_t sent = 0;
    std::string frames;
    while (sent < most) {
      const auto room = static_cast<size_t>(
          std::max<int64_t>(std::min({stream_window_, connection_window_, int64_t{kFrame}}), 0));
      const size_t size = std::min(room, most - sent);
      if (size == 0) break;
      frames += H2Frame{H2Type::data, 0, id, std::string(size, 'x')}.wire();
      stream_window_ -= static_cast<int64_t>(size);
      connection_window_ -= static_cast<int64_t>(size);
      sent += size;
    }
    if (!frames.empty()) wire.say(frames);
    return sent;
  }

  // Of the settings that say how large windows are at first.
  void acknowledge() { wire.say(H2Frame{H2Type::settings, test::kAck, 0, {}}.wire()); }

  // Reads what was written so far.
  void listen(size_t preface = 0) {
    std::string_view rest = std::string_view(wire.taken).substr(preface);
    while (rest.size() >= 9) {
      const auto byte = [&](size_t at) { return uint32_t{static_cast<uint8_t>(rest[at])}; };
      const size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
      REQUIRE(rest.size() >= 9 + size);
      if (byte(3) == static_cast<uint32_t>(H2Type::window_update)) {
        const bool whole = (byte(5) | byte(6) | byte(7) | byte(8)) == 0;
        const uint32_t more = byte(9) << 24 | byte(10) << 16 | byte(11) << 8 | byte(12);
        (whole ? connection_window_ : stream_window_) += more;
      }
      rest.remove_prefix(9 + size);
    }
    wire.taken.clear();
  }

 private:
  int64_t stream_window_;
  int64_t connection_window_ = test::kFirstWindow;
};

struct Side {
  explicit Side(FarPeer& far, bool reads = true, uint64_t most = 4 * kMiB) : peer(far) {
    reader.reads = reads;
    side.settings.http2.max_stream_window = most;
    side.serve_h2(peer.wire);
    peer.wire.say(std::string(kPreface) + test::h2_settings({}).wire());
    side.loop.end_turn();
    peer.acknowledge();
    peer.wire.say(test::h2_headers(1, test::h2_request("POST"), test::kEndHeaders).wire());
    round();
  }
  void round() {
    side.loop.end_turn();
    peer.listen();
  }
  // How many round trips `bytes` take.
  int rounds_for(size_t bytes) {
    int rounds = 0;
    for (size_t sent = 0; sent < bytes; ++rounds) {
      REQUIRE(rounds < 100);
      sent += peer.send(1, bytes - sent);
      round();
    }
    return rounds;
  }

  FarPeer& peer;
  Reader reader;
  HandSide side{reader};
};

TEST_CASE("a client's 3 MB take a few round trips, since the window grows with what is read") {
  FarPeer peer(64 * kKiB);
  Side side(peer);
  CHECK(side.rounds_for(3 * kMiB) <= 5);
  CHECK(side.reader.bytes == 3 * kMiB);
}

TEST_CASE("with max_stream_window = stream_window a window stays as it is") {
  FarPeer peer(64 * kKiB);
  Side side(peer, true, 64 * kKiB);
  CHECK(side.rounds_for(3 * kMiB) == 48);
}

TEST_CASE("a stream that nobody reads holds its first window, however long its peer waits") {
  FarPeer peer(64 * kKiB);
  Side side(peer, false);
  size_t sent = 0;
  for (int i = 0; i < 50; ++i) {
    sent += peer.send(1, 3 * kMiB - sent);
    side.round();
  }
  CHECK(sent == 64 * kKiB);
  CHECK(side.reader.bytes == 0);
  CHECK_FALSE(side.reader.reset);
}

TEST_CASE("what windows have grown by is given back when their streams end") {
  const uint64_t before = grown_windows();
  FarPeer peer(64 * kKiB);
  {
    Side side(peer);
    side.rounds_for(kMiB);
    CHECK(grown_windows() > before);
    peer.wire.say(test::h2_reset(1).wire());
    side.round();
    CHECK(grown_windows() == before);
  }
  CHECK(grown_windows() == before);
}

// An endpoint and whoever asked it.
class Asker final : private ClientConnection::Events, private ClientStream::Events {
 public:
  Asker(FarPeer& peer, const ConnectOptions& options) {
    connection_ =
        connect(loop_, HandTransport::make(loop_, peer.wire), limits_, counters_, *this, options);
    peer.wire.say(test::h2_settings({}).wire());
    loop_.end_turn();
    peer.acknowledge();
    stream_ = &connection_->open_stream(*this);
    RequestHead head;
    head.method = Method::get;
    head.target = "/";
    head.authority = "a";
    stream_->send_head(head, Ends::yes);
    loop_.end_turn();
    peer.listen(kPreface.size());
  }
  ~Asker() {
    connection_->close_stream(*stream_);
    connection_->abandon();
    loop_.end_turn();
  }
  size_t bytes = 0;
  size_t waiting = 0;  // as the stream says it

  void read(bool wanted) {
    stream_->set_reading(wanted);
    loop_.end_turn();
  }

  int rounds_for(FarPeer& peer, size_t wanted) {
    peer.wire.say(test::h2_headers(1, {{":status", "200"}}, test::kEndHeaders).wire());
    int rounds = 0;
    for (size_t sent = 0; sent < wanted; ++rounds) {
      REQUIRE(rounds < 100);
      sent += peer.send(1, wanted - sent);
      loop_.end_turn();
      peer.listen();
    }
    return rounds;
  }

 private:
  void on_idle_end(ClientConnection&, Violation) override {}
  void on_capacity(ClientConnection&) override {}
  void on_head(const ResponseHead&, Ends) override {}
  void on_body(Buffer& body, Ends) override { bytes += body.size(); }
  void on_trailers(const Fields&) override {}
  void on_room() override {}
  void on_stall() override {}
  void on_reset(const StreamError&) override {}
  void on_waiting(size_t waiting_bytes) override { waiting = waiting_bytes; }

  HandLoop loop_;
  config::Limits limits_;
  telemetry::EndpointShard counters_;
  std::unique_ptr<ClientConnection> connection_;
  ClientStream* stream_ = nullptr;
};

TEST_CASE("an endpoint's 3 MB take a few round trips, since the window grows with what is read") {
  FarPeer peer(64 * kKiB);
  Asker asker(peer, {.max_stream_window = 4 * kMiB});
  CHECK(asker.rounds_for(peer, 3 * kMiB) <= 5);
  CHECK(asker.bytes == 3 * kMiB);
}

TEST_CASE("what an endpoint sent ahead and nobody reads is told as a level") {
  FarPeer peer(64 * kKiB);
  Asker asker(peer, {});
  asker.read(false);
  CHECK(asker.rounds_for(peer, 64 * kKiB) == 1);
  CHECK(asker.waiting == 64 * kKiB);
  asker.read(true);
  CHECK(asker.waiting == 0);
  CHECK(asker.bytes == 64 * kKiB);
}

TEST_CASE("a window grows fourfold with each half of it that its reader took at once") {
  ReceiveWindow window(kLimits);
  uint64_t turn = 0;
  CHECK_FALSE(window.came(16 * kKiB, ++turn, true, kLimits));
  CHECK(window.came(16 * kKiB, ++turn, true, kLimits));
  CHECK(window.size() == 256 * kKiB);
  CHECK_FALSE(window.came(127 * kKiB, ++turn, true, kLimits));
  CHECK(window.came(kKiB, turn, false, kLimits));  // of the same turn, so it was not left over
  CHECK(window.size() == kMiB);
  CHECK(window.came(512 * kKiB, ++turn, true, kLimits));
  CHECK(window.size() == 4 * kMiB);
  CHECK_FALSE(window.came(16 * kMiB, ++turn, true, kLimits));
  CHECK(window.size() == 4 * kMiB);
}

TEST_CASE("windows whose readers kept up and then stop leave half of the buffers to others") {
  constexpr uint64_t kBuffered = 40 * kMiB;
  const WindowLimits limits{64 * kKiB, 4 * kMiB, grown_windows() + growth_within(kBuffered)};
  const uint64_t before = grown_windows();
  std::deque<ReceiveWindow> windows;
  uint64_t turn = 0;
  for (int i = 0; i < 100; ++i) {
    ReceiveWindow& window = windows.emplace_back(limits);
    for (int piece = 0; piece < 8; ++piece) window.came(kMiB, ++turn, true, limits);
  }
  CHECK(grown_windows() - before <= kBuffered / 2);
  CHECK(grown_windows() - before > kBuffered / 2 - 4 * kMiB);
  CHECK(windows.back().size() == 64 * kKiB);
  CHECK(growth_within(0) == 0);  // 0 of it, too, is no limit
  CHECK(growth_within(1) == 1);
}

TEST_CASE("a reader that falls behind now and then lets a window grow no further") {
  ReceiveWindow window(kLimits);
  uint64_t turn = 0;
  for (int i = 0; i < 100; ++i) {
    CHECK_FALSE(window.came(24 * kKiB, ++turn, true, kLimits));
    CHECK_FALSE(window.came(24 * kKiB, ++turn, false, kLimits));
  }
  CHECK(window.size() == 64 * kKiB);
}

TEST_CASE("all windows together grow no further than the process may hold") {
  const WindowLimits limits{64 * kKiB, 4 * kMiB, grown_windows() + 300 * kKiB};
  ReceiveWindow two(limits);
  {
    ReceiveWindow one(limits);
    CHECK(one.came(64 * kKiB, 1, true, limits));
    CHECK_FALSE(two.came(64 * kKiB, 1, true, limits));
    CHECK(two.size() == 64 * kKiB);
  }
  CHECK(two.came(64 * kKiB, 2, true, limits));
  ReceiveWindow other(limits);
  CHECK_FALSE(other.came(64 * kKiB, 1, true, limits));
}

}  // namespace
}  // namespace onehop::http::h2
