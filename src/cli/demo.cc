// SPDX-License-Identifier: MIT
// The demo is the real program: real sockets, a Server made of a Config, and the document that
// /stats serves. Three threads besides the worker: this one carries the server and the screen, the
// replicas have one, the load has one.
#include "demo.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "demo_load.h"
#include "demo_replicas.h"
#include "demo_report.h"
#include "demo_screen.h"
#include "onehop/admin/table.h"
#include "onehop/server/log_settings.h"
#include "onehop/server/server.h"
#include "stats_command.h"

namespace onehop::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr std::array kPaces = {Pace::prompt, Pace::prompt, Pace::slow};
constexpr milliseconds kLook(200);      // how often the figures are taken: how old the last may be
constexpr seconds kTerminalPeriod(1);   // between two tables
constexpr seconds kElsewherePeriod(5);  // the same where each table is appended

std::string note_of(Pace pace) {
  switch (pace) {
    case Pace::prompt:
      return fmt::format("answers at once, 1 request in {} pauses", kPauseEvery);
    case Pace::slow:
      return fmt::format("takes {} to {} ms to answer", kSlowMinMs, kSlowMaxMs);
  }
  return "";
}

config::Config config_for(const std::vector<std::string>& replicas) {
  config::Config config;
  config.server.workers = 1;
  config.admin.listen = "127.0.0.1:0";
  config.log.level = config::LogLevel::warning;  // the table is what is looked at
  config.listeners.emplace_back().address = "127.0.0.1:0";
  config::Upstream upstream;
  upstream.name = "default";
  upstream.balance = config::Balance::round_robin;  // the report says so
  for (const std::string& address : replicas) upstream.endpoints.push_back({address});
  config.upstreams.push_back(std::move(upstream));
  config::Route route;
  route.upstream = "default";
  config.routes.push_back(std::move(route));
  return config;
}

// Looks at each document: shows a table when it is time for one, and ends the demo when it is time
// for that.
class LiveTable {
 public:
  LiveTable(server::Server& server, DemoScreen& screen, seconds limit)
      : server_(server),
        screen_(screen),
        limit_(limit),
        period_(screen.is_terminal() ? kTerminalPeriod : kElsewherePeriod),
        due_(started_ + period_) {}

  void look(const std::string& stats_json) {
    if (ended_) return;
    const Clock::time_point now = Clock::now();
    latest_ = stats_json;
    latest_at_ = now;
    if (limit_ != seconds(0) && now - started_ >= limit_) {
      ended_ = true;
      server_.stop();
    } else if (previous_.empty()) {
      remember();
    } else if (now >= due_) {
      show();
      due_ += period_;
    }
  }

  // The table since start, after the end.
  std::string summary() const {
    if (latest_.empty()) return "Ended before there were any figures.\n";
    admin::TableStyle style;
    style.ink = table_ink(STDOUT_FILENO);
    return fmt::format("Since start, {:.1f} s\n\n{}\n{}", seconds_until(latest_at_, started_),
                       table(style), demo_conclusion(latest_));
  }

 private:
  static double seconds_until(Clock::time_point end, Clock::time_point begin) {
    return std::chrono::duration<double>(end - begin).count();
  }

  void show() {
    admin::TableStyle style;
    style.ink = table_ink(STDOUT_FILENO);
    style.previous_json = previous_;
    style.elapsed_seconds = seconds_until(latest_at_, previous_at_);
    screen_.show(fmt::format("{:.0f} s; REQ/S over the last {} s, the rest since start{}\n\n{}",
                             seconds_until(latest_at_, started_), period_.count(),
                             limit_ == seconds(0) ? "; Ctrl-C ends it" : "", table(style)));
    remember();
  }

  void remember() {
    previous_ = latest_;
    previous_at_ = latest_at_;
  }

  std::string table(const admin::TableStyle& style) const {
    const auto made = admin::stats_table(latest_, style);
    return made.has_value() ? *made : made.error() + "\n";
  }

  server::Server& server_;
  DemoScreen& screen_;
  seconds limit_;  // 0: none
  seconds period_;
  Clock::time_point started_ = Clock::now();
  Clock::time_point due_;
  std::string latest_;
  Clock::time_point latest_at_;
  std::string previous_;  // of the last table
  Clock::time_point previous_at_;
  bool ended_ = false;
};

void print_header(DemoScreen& screen, const server::Server& server,
                  const std::vector<std::string>& replicas, const char* version) {
  DemoPlaces places;
  places.version = version;
  places.proxy = server.listening().front().to_string();
  places.admin = server.admin_address();
  places.replicas = replicas;
  for (const Pace pace : kPaces) places.replica_notes.push_back(note_of(pace));
  places.load_note = fmt::format("{} keep-alive clients, together about {} requests/s",
                                 DemoLoad::kClients, DemoLoad::kRequestsPerSecond);
  screen.print(demo_header(places));
}

int failed(const std::string& sentence) {
  std::fprintf(stderr, "onehop: %s\n", sentence.c_str());
  return 1;
}

}  // namespace

int run_demo(const DemoOptions& options, const char* version) {
  std::signal(SIGPIPE, SIG_IGN);  // before the first thread writes to a socket
  const auto replicas = DemoReplicas::start(kPaces);
  if (!replicas.has_value()) return failed(replicas.error());
  const std::vector<std::string> addresses = (*replicas)->addresses();
  const auto config = std::make_shared<const config::Config>(config_for(addresses));
  server::begin_log(config->log);
  auto made = server::Server::make({config}, version);
  if (!made.has_value()) return failed(made.error());
  server::Server& server = **made;

  DemoScreen screen;
  print_header(screen, server, addresses, version);
  LiveTable live(server, screen, seconds(options.seconds));
  server.every(static_cast<uint64_t>(kLook.count()),
               [&live](const std::string& stats_json) { live.look(stats_json); });
  uint64_t failed_requests = 0;
  {
    const DemoLoad load(server.listening().front());
    server.run();
    failed_requests = load.failed();
  }
  screen.print(live.summary());
  if (failed_requests != 0) {
    screen.print(fmt::format("{} request{} of the load failed.\n", failed_requests,
                             failed_requests == 1 ? "" : "s"));
  }
  return 0;
}

}  // namespace onehop::cli
