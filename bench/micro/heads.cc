// SPDX-License-Identifier: MIT
// What reading and writing a head costs: the work of every request that is not a system call. The
// heads are those of a browser and of an ordinary app server, not the shortest that parse.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "http/h1/parser.h"
#include "http/h1/writer.h"
#include "onehop/base/buffer.h"

namespace {

using onehop::Buffer;
namespace http = onehop::http;
namespace h1 = onehop::http::h1;

constexpr size_t kFieldLimit = 100;

constexpr std::string_view kShortRequest = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
constexpr std::string_view kBrowserRequest =
    "GET /catalogue/items?page=3&sort=price HTTP/1.1\r\n"
    "Host: shop.example.org\r\n"
    "Connection: keep-alive\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\n"
    "Cache-Control: no-cache\r\n"
    "Cookie: basket=8f14e45fceea167a5a36dedd4bea2543; theme=dark; consent=1\r\n"
    "Referer: https://shop.example.org/catalogue\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "\r\n";
constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Server: app\r\n"
    "Date: Tue, 02 Jan 2024 03:04:05 GMT\r\n"
    "Content-Type: application/json; charset=utf-8\r\n"
    "Content-Length: 256\r\n"
    "Cache-Control: private, max-age=0\r\n"
    "ETag: W/\"100-n4bQgYhMfWWaL+qgxVrQFaO\"\r\n"
    "Vary: Accept-Encoding\r\n"
    "Keep-Alive: timeout=5\r\n"
    "\r\n";

void count_bytes(benchmark::State& state, std::string_view text) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

void parse_request_head(benchmark::State& state, std::string_view text) {
  std::string head(text);
  while (state.KeepRunning()) {
    const auto parsed = h1::parse_request(head, kFieldLimit);
    if (!parsed) {
      state.SkipWithError("the head does not parse");
      break;
    }
    benchmark::DoNotOptimize(parsed->head.fields.size());
  }
  count_bytes(state, text);
}
BENCHMARK_CAPTURE(parse_request_head, short, kShortRequest);
BENCHMARK_CAPTURE(parse_request_head, browser, kBrowserRequest);

void parse_response_head(benchmark::State& state) {
  std::string head(kResponse);
  while (state.KeepRunning()) {
    const auto parsed = h1::parse_response(head, kFieldLimit, http::Method::get, {});
    if (!parsed) {
      state.SkipWithError("the head does not parse");
      break;
    }
    benchmark::DoNotOptimize(parsed->head.status);
  }
  count_bytes(state, kResponse);
}
BENCHMARK(parse_response_head);

void write_request_head(benchmark::State& state) {
  std::string head(kBrowserRequest);
  const auto parsed = h1::parse_request(head, kFieldLimit);
  if (!parsed) return state.SkipWithError("the head does not parse");
  Buffer output;
  while (state.KeepRunning()) {
    h1::write_request_head(output, parsed->head, h1::Framing::none);
    benchmark::DoNotOptimize(output.front().data());
    output.consume(output.size());
  }
}
BENCHMARK(write_request_head);

}  // namespace
