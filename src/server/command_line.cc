// SPDX-License-Identifier: MIT
#include "onehop/server/command_line.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "check_health.h"
#include "demo.h"
#include "onehop/base/log.h"
#include "onehop/config/load.h"
#include "onehop/server/server.h"
#include "stats_command.h"

namespace onehop::server {
namespace {

constexpr int kFine = 0;
constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

log::Level level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::debug:
      return log::Level::debug;
    case config::LogLevel::info:
      return log::Level::info;
    case config::LogLevel::warning:
      return log::Level::warning;
    case config::LogLevel::error:
      return log::Level::error;
  }
  return log::Level::info;
}

int print_problems(const std::vector<config::Problem>& problems) {
  for (const auto& problem : problems) std::fprintf(stderr, "%s\n", problem.to_string().c_str());
  return kWrongUsage;
}

int serve(config::Config config, const std::string& version) {
  log::start(level_of(config.log.level));
  auto server = Server::make(std::make_shared<const config::Config>(std::move(config)), version);
  if (!server.has_value()) {
    std::fprintf(stderr, "onehop: %s\n", server.error().c_str());
    return kFailed;
  }
  std::fputs((*server)->describe().c_str(), stdout);
  std::fflush(stdout);
  (*server)->run();
  return kFine;
}

int run_file(const std::string& path, const std::string& version) {
  auto config = config::load(path);
  return config.has_value() ? serve(std::move(*config), version) : print_problems(config.error());
}

int check_file(const std::string& path) {
  const auto config = config::load(path);
  if (!config.has_value()) return print_problems(config.error());
  std::printf("%s: fine: %zu listener%s, %zu route%s, %zu upstream%s\n", path.c_str(),
              config->listeners.size(), config->listeners.size() == 1 ? "" : "s",
              config->routes.size(), config->routes.size() == 1 ? "" : "s",
              config->upstreams.size(), config->upstreams.size() == 1 ? "" : "s");
  return kFine;
}

// `onehop proxy`: a configuration without a file.
struct ProxyOptions {
  std::vector<std::string> listen;
  std::vector<std::string> to;
  std::string admin;
  uint32_t workers = 0;
};

int run_proxy(const ProxyOptions& options, const std::string& version) {
  config::Config config;
  config.server.workers = options.workers;
  config.admin.listen = options.admin;
  for (const auto& address : options.listen) config.listeners.push_back({address});
  config::Upstream upstream;
  upstream.name = "default";
  for (const auto& address : options.to) upstream.endpoints.push_back({address});
  config.upstreams.push_back(std::move(upstream));
  config::Route route;
  route.upstream = "default";
  config.routes.push_back(std::move(route));
  const auto problems = config::check(config);
  return problems.empty() ? serve(std::move(config), version) : print_problems(problems);
}

void add_proxy(CLI::App& app, ProxyOptions& options) {
  app.add_option("--listen", options.listen, "Where clients connect: HOST:PORT; may be repeated")
      ->required();
  app.add_option("--to", options.to, "A replica: HOST:PORT; may be repeated")->required();
  app.add_option("--admin", options.admin, "Where the admin endpoint listens: HOST:PORT");
  app.add_option("--workers", options.workers, "Threads; 0 makes one per CPU")
      ->check(CLI::Range(0, 1024));
}

void add_check_health(CLI::App& app, CheckHealthOptions& options) {
  constexpr int64_t kMostMs = 3'600'000;
  const std::map<std::string, int64_t> units = {{"ms", 1}, {"s", 1000}, {"m", 60'000}};
  app.add_option("--admin", options.admin, "Its admin endpoint")->capture_default_str();
  app.add_option_function<int64_t>(
         "--timeout", [&options](int64_t ms) { options.timeout = std::chrono::milliseconds(ms); },
         "How long it may take, such as 500ms; 2s if not given")
      ->type_name("DURATION")
      ->transform(CLI::AsNumberWithUnit(
          units, CLI::AsNumberWithUnit::Options(CLI::AsNumberWithUnit::CASE_SENSITIVE |
                                                CLI::AsNumberWithUnit::UNIT_REQUIRED)))
      ->check(CLI::Range(int64_t{1}, kMostMs).description(""));
}

}  // namespace

int run_command_line(int argc, char** argv, const char* version) {
  CLI::App app("A reverse proxy and load balancer that says what each hop costs", "onehop");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("onehop ") + version);
  ProxyOptions proxy_options;
  StatsOptions stats_options;
  CheckHealthOptions health_options;
  DemoOptions demo_options;
  std::string run_path;
  std::string check_path;

  CLI::App* proxy = app.add_subcommand("proxy", "Proxy to replicas without a configuration file");
  add_proxy(*proxy, proxy_options);
  CLI::App* run = app.add_subcommand("run", "Run with a configuration file");
  run->add_option("--config,-c", run_path, "The file, such as conf/onehop.toml")->required();
  CLI::App* check =
      app.add_subcommand("check", "Check a configuration file and say what is wrong with it");
  check->add_option("file", check_path, "The file")->required();
  CLI::App* demo = app.add_subcommand(
      "demo", "Three small replicas, a proxy and a gentle load, with a live table");
  demo->add_option("--seconds", demo_options.seconds,
                   "Stop by itself after so many seconds; 0 runs until Ctrl-C")
      ->check(CLI::Range(0, 86400));
  CLI::App* stats = app.add_subcommand("stats", "The table of a running proxy");
  stats->add_option("--admin", stats_options.admin, "Its admin endpoint")->capture_default_str();
  stats->add_flag("--json", stats_options.json, "The raw document");
  CLI::App* check_health = app.add_subcommand(
      "check-health", "Ask GET /readyz of a running proxy: 0 when it is ready, else 1");
  add_check_health(*check_health, health_options);
  app.add_subcommand("version", "Print the version");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kWrongUsage;
  }
  if (proxy->parsed()) return run_proxy(proxy_options, version);
  if (run->parsed()) return run_file(run_path, version);
  if (check->parsed()) return check_file(check_path);
  if (demo->parsed()) return run_demo(demo_options, version);
  if (stats->parsed()) return run_stats(stats_options);
  if (check_health->parsed()) return run_check_health(health_options);
  std::printf("onehop %s\n", version);
  return kFine;
}

}  // namespace onehop::server
