// SPDX-License-Identifier: MIT
// What a body costs that comes in the smallest pieces there are, from the bytes of its peer to
// those for the other side. piece_cost_test.py runs this under callgrind, which counts the
// instructions of each call of onehop_measured(); run alone it only says what is passed on.
//
// A line of output for each call: "PIECES NAME".
#include <cstdio>
#include <string>
#include <string_view>

#include "onehop/base/assert.h"
#include "tests/support/relay.h"

namespace onehop::cost {
namespace {

using test::HandLoop;
using test::HandPeer;
using test::Relay;

constexpr size_t kPieces = 10'000;  // about as many as a read of 64 KiB brings

std::string repeated(std::string_view piece, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += piece;
  return all;
}

std::string frame(char type, char flags, std::string_view payload) {
  std::string bytes{'\0', '\0', static_cast<char>(payload.size()), type, flags, 0, 0, 0, 1};
  return bytes.append(payload);
}

// POST / of http://a.
std::string h2_opening() {
  constexpr std::string_view kHead(
      "\x83\x84\x86\x41\x01"
      "a");
  return std::string(http::kPreface) + std::string("\0\0\0\4\0\0\0\0\0", 9) + frame(1, 4, kHead);
}

constexpr std::string_view kRequest =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kResponse = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

struct Scene {
  explicit Scene(Relay::Speaks speaks) : relay(loop, client, endpoint, speaks) {}
  HandLoop loop;
  HandPeer client;
  HandPeer endpoint;
  Relay relay;
};

// What one read brings, in as many turns as it takes.
void pass(Scene& scene, HandPeer& from, std::string_view bytes, size_t wanted) {
  from.say(bytes);
  const size_t before = scene.relay.passed_on;
  do {
    scene.loop.end_turn();
  } while (scene.relay.passed_on - before < wanted && scene.loop.has_work());
}

}  // namespace
}  // namespace onehop::cost

// Found by its name, hence no part of a namespace as far as the linker knows.
extern "C" [[gnu::noinline, gnu::used]] void onehop_measured(onehop::cost::Scene& scene,
                                                             onehop::test::HandPeer& from,
                                                             std::string_view bytes,
                                                             size_t wanted) {
  onehop::cost::pass(scene, from, bytes, wanted);
}

namespace onehop::cost {
namespace {

enum class Way : uint8_t { to_endpoint, to_client };

void measure(const char* name, Relay::Speaks speaks, Way way, std::string_view piece) {
  Scene scene(speaks);
  HandPeer& from = way == Way::to_endpoint ? scene.client : scene.endpoint;
  scene.client.say(speaks == Relay::Speaks::http2 ? h2_opening() : std::string(kRequest));
  scene.loop.end_turn();
  if (way == Way::to_client) scene.endpoint.say(kResponse);
  scene.loop.end_turn();
  // Once for the memory that the first call takes, once counted from a warm start.
  const std::string bytes = repeated(piece, kPieces);
  pass(scene, from, bytes, kPieces);
  const size_t before = scene.relay.passed_on;
  onehop_measured(scene, from, bytes, kPieces);
  std::printf("%zu %s\n", scene.relay.passed_on - before, name);
}

int run() {
  using enum Relay::Speaks;
  measure("chunks of one byte of a request", http1, Way::to_endpoint, "1\r\nx\r\n");
  measure("chunks of one byte of a response", http1, Way::to_client, "1\r\nx\r\n");
  measure("chunks of one byte of a response, to HTTP/2", http2, Way::to_client, "1\r\nx\r\n");
  measure("chunks with padded sizes", http1, Way::to_endpoint, "0000000000000001\r\nx\r\n");
  measure("DATA frames of one byte", http2, Way::to_endpoint, frame(0, 0, "x"));
  return 0;
}

}  // namespace
}  // namespace onehop::cost

int main() {
  return onehop::cost::run();
}
