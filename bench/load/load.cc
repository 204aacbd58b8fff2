// SPDX-License-Identifier: MIT
// bench_load: requests at a constant rate, whatever the answers do, and one JSON line about what
// became of them.
//
// The one idea: a closed loop (a fixed number of clients, each waiting for its answer) slows down
// with its server and so hides the worst of it. This one does not: see run.h.
//
// The line, with times in microseconds and counted from the moment a request was due:
//
//   offered, completed, ok (status below 400), unfinished (only when interrupted), seconds (until
//   the last answer), achieved_per_s, late_us (by how much this program itself was late at worst:
//   when that is near what is measured, the machine is too small for the rate), latency_us, errors
//   (by kind; `status` counts among completed, the others do not), status, connections_opened,
//   retried (requests sent again because the server had closed a kept connection), cpu_seconds (of
//   this program), interrupted, timeline (answers in each second).
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "../sockets.h"
#include "onehop/base/ascii.h"
#include "options.h"
#include "run.h"

namespace onehop::bench {
namespace {

constexpr double kMostRate = 1e6;
constexpr double kMostSeconds = 86'400;
constexpr std::uint64_t kMostConnections = 1'000'000;
constexpr std::int64_t kMostTimeoutMs = 600'000;

// Each returns what is wrong, and nothing when all is well, as CLI11 wants it.
std::string take_address(const std::string& text, Options& options) {
  const Result<HostPort, std::string> parts = parse_host_port(text);
  if (!parts) return parts.error();
  const std::optional<Address> address = Address::numeric(parts->host, parts->port);
  if (!address || parts->port == 0) return "IP:PORT is wanted, found '" + text + "'";
  options.to = *address;
  options.host = address->to_string();
  return {};
}

std::string take_connections(const std::string& text, Options& options) {
  options.pool_size = kNewConnections;
  if (text == "new") return {};
  const std::optional<std::uint64_t> count = parse_decimal(text, kMostConnections);
  if (!count || *count == 0) return "'new' or a number from 1 is wanted, found '" + text + "'";
  options.pool_size = *count;
  return {};
}

void add_options(CLI::App& app, Options& options, std::string& to, std::string& connections,
                 std::int64_t& timeout_ms) {
  app.add_option("--to", to, "IP:PORT")->required()->check([&options](const std::string& text) {
    return take_address(text, options);
  });
  app.add_option("--rate", options.rate, "requests per second")
      ->capture_default_str()
      ->check(CLI::Range(0.001, kMostRate));
  app.add_option("--seconds", options.seconds, "for how long")
      ->capture_default_str()
      ->check(CLI::Range(0.001, kMostSeconds));
  app.add_option("--connections", connections,
                 "'new': one for each request; N: at most N, kept alive")
      ->capture_default_str()
      ->check([&options](const std::string& text) { return take_connections(text, options); });
  app.add_option("--timeout-ms", timeout_ms, "from when a request is due to its answer")
      ->capture_default_str()
      ->check(CLI::Range(std::int64_t{1}, kMostTimeoutMs));
}

}  // namespace
}  // namespace onehop::bench

int main(int argc, char** argv) {
  onehop::bench::Options options;
  std::string to;
  std::string connections = "new";
  std::int64_t timeout_ms = options.timeout.count();
  CLI::App app{"Sends HTTP/1.1 requests at a constant rate and says what became of them."};
  onehop::bench::add_options(app, options, to, connections, timeout_ms);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  options.timeout = std::chrono::milliseconds(timeout_ms);
  onehop::bench::raise_descriptor_limit();
  // Not on the stack: it holds its read buffer and its histograms.
  const auto run = std::make_unique<onehop::bench::Run>(options);
  std::puts(run->measure().c_str());
  return 0;
}
