// SPDX-License-Identifier: MIT
// What a request takes from the heap on the proxy's thread, counted over the real path and real
// sockets. The client and the origin live on threads of their own, which are not counted.
#include <cstdlib>
#include <new>
#include <string>

#include "counted_proxy.h"
#include "counting.h"
#include "tests/support/catch.h"
#include "tests/support/message.h"
#include "tests/support/peer.h"
#include "tests/support/scripted_origin.h"

namespace onehop::test {
namespace {

constexpr int kWarmUp = 200;
constexpr int kCounted = 1000;

const std::string kGet = "GET /item HTTP/1.1\r\nHost: app.test\r\nAccept: */*\r\n\r\n";

std::string post(size_t size) {
  return "POST /item HTTP/1.1\r\nHost: app.test\r\nContent-Length: " + std::to_string(size) +
         "\r\n\r\n" + noise(size);
}

void exchange(Client& client, const std::string& request, int times) {
  for (int i = 0; i < times; ++i) {
    client.send(request);
    const Response response = client.read_response();
    if (response.status != 200 || response.body.empty()) FAIL("status " << response.status);
  }
}

// Blocks taken by `kCounted` requests on one warm connection.
size_t count_warm(CountedProxy& proxy, const std::string& request) {
  Client client = Client::connect(proxy.address());
  exchange(client, request, kWarmUp);
  proxy.make_histograms();
  proxy.start_counting();
  exchange(client, request, kCounted);
  return proxy.stop_counting();
}

}  // namespace

TEST_CASE("the count sees operator new and malloc, and nothing outside of its window") {
  void* volatile memory = nullptr;
  start_counting();
  memory = ::operator new(100);
  ::operator delete(memory);
  memory = std::malloc(100);
  std::free(memory);
  CHECK(stop_counting() == 2);
  memory = std::malloc(100);
  std::free(memory);
  CHECK(stop_counting() == 2);
  CHECK_FALSE(first_stacks().empty());
}

TEST_CASE("the first request of a proxy is seen to take memory on its thread") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok(noise(256))));
  CountedProxy proxy(origin.address());
  proxy.start_counting();
  Client client = Client::connect(proxy.address());
  exchange(client, kGet, 1);
  CHECK(proxy.stop_counting() > 0);
}

TEST_CASE("a warm keep-alive GET takes nothing from the heap") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok(noise(256))));
  CountedProxy proxy(origin.address());
  const size_t blocks = count_warm(proxy, kGet);
  INFO(proxy.stacks());
  CHECK(blocks == 0);
  CHECK(origin.accepts() == 1);
}

TEST_CASE("a warm POST with a body of 1 KiB takes nothing from the heap") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok(noise(256))));
  CountedProxy proxy(origin.address());
  const size_t blocks = count_warm(proxy, post(1024));
  INFO(proxy.stacks());
  CHECK(blocks == 0);
  CHECK(origin.accepts() == 1);
}

TEST_CASE("a warm GET answered in chunks takes nothing from the heap") {
  ScriptedOrigin origin(ScriptedOrigin::always(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(noise(1000), 300)));
  CountedProxy proxy(origin.address());
  const size_t blocks = count_warm(proxy, kGet);
  INFO(proxy.stacks());
  CHECK(blocks == 0);
}

TEST_CASE("the record of a warm request takes nothing from the heap, and there is one of each") {
  ScriptedOrigin origin(ScriptedOrigin::always(ok(noise(256))));
  CountedProxy proxy(origin.address(), CountedProxy::AccessLog::on);
  const size_t blocks = count_warm(proxy, kGet);
  INFO(proxy.stacks());
  CHECK(blocks == 0);
  CHECK(proxy.stop() == kWarmUp + kCounted);
}

TEST_CASE("a new client connection takes few blocks from the heap") {
  constexpr size_t kMostPerConnection = 2;
  constexpr int kConnections = 100;
  ScriptedOrigin origin(ScriptedOrigin::always(ok(noise(256))));
  CountedProxy proxy(origin.address());
  const auto connect = [&](int times) {
    for (int i = 0; i < times; ++i) {
      Client client = Client::connect(proxy.address());
      exchange(client, kGet, 1);
    }
  };
  connect(50);
  proxy.start_counting();
  connect(kConnections);
  const size_t blocks = proxy.stop_counting();
  INFO(proxy.stacks());
  WARN("blocks per new client connection: " << static_cast<double>(blocks) / kConnections);
  CHECK(blocks <= kMostPerConnection * kConnections);
}

}  // namespace onehop::test
