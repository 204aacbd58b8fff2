// SPDX-License-Identifier: MIT
#include "onehop/server/server.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <optional>
#include <utility>

#include "admin_endpoint.h"
#include "commit.h"
#include "cpus.h"
#include "descriptors.h"
#include "listening.h"
#include "onehop/admin/answer.h"
#include "onehop/admin/service.h"
#include "onehop/base/buffer.h"
#include "onehop/base/log.h"
#include "onehop/base/memory_return.h"
#include "onehop/config/load.h"
#include "onehop/http/h1.h"
#include "onehop/proxy/failure_log.h"
#include "onehop/proxy/outcome.h"
#include "onehop/server/signals.h"
#include "service_manager.h"
#include "stop.h"
#include "tls_contexts.h"
#include "worker.h"

namespace onehop::server {
namespace {

constexpr uint64_t kSampleMs = 1000;  // the windows are made of seconds

std::vector<telemetry::EndpointName> endpoint_names(const config::Config& config) {
  std::vector<telemetry::EndpointName> names;
  for (const auto& upstream : config.upstreams) {
    for (const auto& endpoint : upstream.endpoints)
      names.push_back({upstream.name, endpoint.address, upstream.tls.enabled});
  }
  return names;
}

std::vector<std::string> tls_listeners(const config::Config& config) {
  std::vector<std::string> names;
  for (const auto& listener : config.listeners) {
    if (listener.tls.enabled()) names.push_back(listener.address);
  }
  return names;
}

std::vector<std::string> route_labels(const config::Config& config) {
  std::vector<std::string> labels;
  for (const auto& route : config.routes) labels.push_back(route.host + route.path);
  return labels;
}

std::string_view balance_name(config::Balance balance) {
  return balance == config::Balance::round_robin ? "round_robin" : "least_requests";
}

std::vector<std::string> addresses_text(const std::vector<Address>& addresses) {
  std::vector<std::string> texts;
  for (const Address& address : addresses) texts.push_back(address.to_string());
  return texts;
}

size_t worker_count(const config::Config& config) {
  return config.server.workers != 0 ? config.server.workers : available_cpus();
}

}  // namespace

// Declared in the order in which things are needed: destroyed the other way round.
struct ServerParts final {
  ServerParts(std::shared_ptr<const config::Config> given, std::string version_text)
      : config(std::move(given)),
        version(std::move(version_text)),
        config_json(config::to_json(*config)),
        router(config->routes, config->upstreams),
        telemetry(endpoint_names(*config), proxy::outcome_names(), worker_count(*config),
                  tls_listeners(*config), route_labels(*config)),
        reachability(telemetry.endpoints().size()),
        failures(route_labels(*config)),
        started_unix(std::time(nullptr)),
        started_ns(loop.now_ns()),
        windows(telemetry, started_ns),
        admin_service(
            loop, [this] { return view(); },
            [this](std::function<void()> done) { settle(std::move(done)); }, config->admin.hosts),
        admin_endpoint(loop, admin_service, config->admin) {}

  admin::View view() {
    admin::View seen{windows};
    seen.version = version;
    seen.commit = built_from();
    if (config->admin.metrics_per_endpoint) seen.detail = telemetry::Detail::endpoint;
    seen.connections = admin_endpoint.connections();
    seen.buffered_limit = config->server.limits.buffered;
    seen.config_json = config_json;
    seen.start_time_unix_s = started_unix;
    seen.started_ns = started_ns;
    seen.now_ns = loop.now_ns();
    for (size_t i = 0; i < listening.size(); ++i) {
      const auto& listener = config->listeners[i];
      seen.listeners.push_back(
          {listener.address, listening[i].to_string(), listener.tls.enabled()});
    }
    seen.readiness = stop.asked() ? admin::Readiness::draining : admin::Readiness::ready;
    const auto show = [&](admin::Side side, std::string_view name, const tls::Context* context) {
      if (context == nullptr) return;
      for (auto& expiry : context->expiries())
        seen.certificates.push_back({side, name, std::move(expiry)});
    };
    for (size_t i = 0; i < config->listeners.size(); ++i)
      show(admin::Side::listener, config->listeners[i].address, tls.listeners()[i].get());
    for (size_t i = 0; i < config->upstreams.size(); ++i)
      show(admin::Side::upstream, config->upstreams[i].name, tls.upstreams()[i].get());
    return seen;
  }

  // A client may hold a response that its worker has not counted yet, because the turn in which it
  // was sent goes on. So every worker is asked for a sign, which it gives in its next turn.
  void settle(std::function<void()> done) {
    struct Waiting {
      size_t workers;
      std::function<void()> done;
    };
    auto waiting = std::make_shared<Waiting>(Waiting{0, std::move(done)});
    for (auto& worker : workers) {
      if (worker->done()) continue;
      ++waiting->workers;
      worker->post([this, waiting] {
        loop.post([waiting] {
          if (--waiting->workers == 0) waiting->done();
        });
      });
    }
  }

  void on_sample() {
    windows.sample(loop.now_ns());
    admin_endpoint.refill_spares();
    failures.settle();
    shortage->settle(loop.now_ms());
    memory_return.look_at(buffered_memory());
    loop.arm(sample, kSampleMs);
  }
  // Certificates that changed on the disk serve new clients from now on.
  void on_reload() {
    const TlsContexts::Changed changed = tls.refresh(*config);
    for (auto& worker : workers) {
      for (const size_t i : changed.listeners) worker->use(i, tls.listeners()[i]);
      for (const size_t i : changed.upstreams) worker->use(i, tls.upstreams()[i]);
    }
    const auto interval = tls.interval_ms(*config);
    if (interval > 0) loop.arm(reload, interval);
  }
  void on_report() {
    report_task(admin::answer({"GET", "/stats", ""}, view()).body);
    loop.arm(report, report_ms);
  }

  void worker_done() {
    if (--running == 0) loop.stop();
  }

  std::shared_ptr<const config::Config> config;
  std::string version;
  std::string config_json;
  routing::Router router;
  std::vector<std::vector<Address>> addresses;
  std::vector<AddressBlock> trusted;
  std::vector<Address> listening;
  TlsContexts tls;
  telemetry::Telemetry telemetry;
  std::vector<upstream::Reachability> reachability;
  proxy::FailureLog failures;
  net::EventLoop loop;
  int64_t started_unix;
  uint64_t started_ns;
  telemetry::Windows windows;
  MemoryReturn memory_return;

  admin::AdminService admin_service;
  AdminEndpoint admin_endpoint;
  std::vector<net::ListeningSocket> admin_sockets;
  Address admin_address;

  std::function<void(const std::string&)> report_task;
  uint64_t report_ms = 0;
  net::Deadline sample{this, net::DeadlineThunk<&ServerParts::on_sample>::call};
  net::Deadline reload{this, net::DeadlineThunk<&ServerParts::on_reload>::call};
  net::Deadline report{this, net::DeadlineThunk<&ServerParts::on_report>::call};
  ServiceManager service_manager = ServiceManager::of_environment();
  size_t running = 0;
  std::optional<Shortage> shortage;
  std::vector<std::unique_ptr<Worker>> workers;
  Stop stop{loop, service_manager, workers,
            static_cast<uint64_t>(config->server.drain_delay.count())};

  Result<void, std::string> resolve_endpoints();
  Result<void, std::string> bind();
  void make_workers(std::vector<std::vector<net::ListeningSocket>> sockets_by_worker);
  void watch_signals();
  void run();
};

Result<void, std::string> ServerParts::resolve_endpoints() {
  for (const auto& upstream : config->upstreams) {
    auto& of_upstream = addresses.emplace_back();
    for (const auto& endpoint : upstream.endpoints) {
      const auto parsed = parse_host_port(endpoint.address);
      if (!parsed.has_value()) return Unexpected<std::string>(parsed.error());
      const auto address = net::resolve(*parsed);
      if (!address.has_value())
        return Unexpected<std::string>("upstream " + upstream.name + ": " + address.error());
      of_upstream.push_back(*address);
    }
  }
  if (auto made = tls.make(*config); !made.has_value()) return made;
  for (const std::string& text : config->server.trusted_proxies) {
    const auto block = AddressBlock::parse(text);
    if (!block.has_value()) return Unexpected<std::string>(block.error());
    trusted.push_back(*block);
  }
  return {};
}

Result<void, std::string> ServerParts::bind() {
  using Accepts = net::ListeningSocket::Accepts;
  const size_t count = telemetry.worker_count();
  std::vector<std::vector<net::ListeningSocket>> by_worker(count);
  for (const auto& listener : config->listeners) {
    auto sockets = listen(listener.address, listener.backlog, count,
                          listener.defer_accept ? Accepts::with_data : Accepts::at_once);
    if (!sockets.has_value()) return Unexpected<std::string>(sockets.error());
    listening.push_back(sockets->front().local());
    for (size_t i = 0; i < count; ++i) by_worker[i].push_back(std::move((*sockets)[i]));
  }
  if (!config->admin.listen.empty()) {
    auto sockets = listen(config->admin.listen, 128, 1, Accepts::at_once);
    if (!sockets.has_value()) return Unexpected<std::string>("admin: " + sockets.error());
    admin_sockets = std::move(*sockets);
    admin_address = admin_sockets.front().local();
  }
  make_workers(std::move(by_worker));
  return {};
}

// A share of less than one connection would be none: say that the limit is not what was asked.
void warn_of_small_shares(const config::Config& config, size_t workers) {
  for (const auto& upstream : config.upstreams) {
    const uint32_t limit = upstream.pool.max_connections;
    if (limit == 0 || limit >= workers) continue;
    log::warning(fmt::format(
        "upstream.{}.pool.max_connections = {} is less than the {} workers: each of them "
        "may open one connection to an endpoint",
        upstream.name, limit, workers));
  }
}

// What was asked for, else what the descriptors suffice for.
uint64_t client_limit(const config::Config& config, size_t workers) {
  const uint64_t descriptors = net::raise_descriptor_limit();
  const uint64_t suffices = clients_within(descriptors, workers, config.listeners.size());
  const uint64_t asked = config.server.limits.connections;
  if (asked > suffices)
    log::warning(fmt::format(
        "server.limits.connections = {} is more than the {} open files that are allowed suffice "
        "for with two to a client: {} clients",
        asked, descriptors, suffices));
  return asked != 0 ? asked : suffices;
}

void ServerParts::make_workers(std::vector<std::vector<net::ListeningSocket>> sockets_by_worker) {
  const size_t count = telemetry.worker_count();
  warn_of_small_shares(*config, count);
  const uint64_t limit = client_limit(*config, count);
  const Shortage::Limits limits{limit, config->server.limits.buffered};
  shortage.emplace(limits, telemetry, [this](size_t asking) {
    for (size_t i = 0; i < workers.size(); ++i) {
      if (i != asking && !workers[i]->done()) workers[i]->make_room_for_others();
    }
  });
  for (size_t i = 0; i < count; ++i) {
    const Worker::Parts parts{.config = *config,
                              .router = router,
                              .addresses = addresses,
                              .trusted = trusted,
                              .upstream_tls = tls.upstreams(),
                              .listener_tls = tls.listeners(),
                              .shard = telemetry.shard(i),
                              .reachability = reachability,
                              .index = i,
                              .count = count,
                              .max_connections = std::max<uint64_t>(1, limit / count),
                              .shortage = *shortage,
                              .failures = failures,
                              .on_done = [this] { loop.post([this] { worker_done(); }); }};
    workers.push_back(std::make_unique<Worker>(parts, std::move(sockets_by_worker[i])));
  }
}

// Before anybody is told where we listen: a signal that comes as soon as that is known must find
// somebody who drains.
void ServerParts::watch_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  for (const int number : {SIGTERM, SIGINT, SIGQUIT})
    loop.watch_signal(number, [this] { stop.ask(); });
  // What nginx's users expect of these is not there; their default would be to die.
  constexpr std::pair<int, std::string_view> kIgnored[] = {
      {SIGHUP, "SIGHUP is ignored: there is no reload yet"},
      {SIGUSR1, "SIGUSR1 is ignored: there is no log file to open again"},
      {SIGUSR2, "SIGUSR2 is ignored: there is no change of the running program yet"}};
  for (const auto& [number, sentence] : kIgnored)
    loop.watch_signal(number, [sentence = sentence] { log::warning(sentence); });
  release_signals();
}

void ServerParts::run() {
  on_sample();
  on_reload();
  if (report_task) loop.arm(report, report_ms);
  for (net::ListeningSocket& socket : admin_sockets) admin_endpoint.start(std::move(socket));
  running = workers.size();
  for (auto& worker : workers) worker->start();
  service_manager.ready(fmt::format("listening on {}", fmt::join(addresses_text(listening), ", ")));
  loop.run();
  hold_signals();
  workers.clear();
  failures.finish();
  shortage->finish();
  admin_endpoint.close();
  loop.end_turn();
}

Server::Server(std::unique_ptr<ServerParts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>, std::string> Server::make(
    std::shared_ptr<const config::Config> config, std::string version) {
  auto parts = std::make_unique<ServerParts>(std::move(config), std::move(version));
  if (const auto resolved = parts->resolve_endpoints(); !resolved.has_value()) {
    return Unexpected<std::string>(resolved.error());
  }
  parts->watch_signals();
  if (const auto bound = parts->bind(); !bound.has_value())
    return Unexpected<std::string>(bound.error());
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

const std::vector<Address>& Server::listening() const {
  return parts_->listening;
}

std::string Server::admin_address() const {
  return parts_->config->admin.listen.empty() ? std::string() : parts_->admin_address.to_string();
}

std::string Server::describe() const {
  std::string text;
  for (const Address& address : parts_->listening)
    text += fmt::format("listening on {}\n", address.to_string());
  for (const auto& upstream : parts_->config->upstreams) {
    std::vector<std::string> names;
    for (const auto& endpoint : upstream.endpoints) names.push_back(endpoint.address);
    text += fmt::format("upstream {}: {} ({})\n", upstream.name, fmt::join(names, ", "),
                        balance_name(upstream.balance));
    if (upstream.tls.enabled && upstream.tls.insecure_skip_verify)
      text +=
          fmt::format("warning: upstream {}: its certificates are not verified\n", upstream.name);
  }
  if (!admin_address().empty()) text += fmt::format("admin on {}\n", admin_address());
  return text;
}

void Server::run() {
  parts_->run();
}

void Server::stop() {
  parts_->loop.post([this] { parts_->stop.ask(); });
}

void Server::every(uint64_t every_ms, std::function<void(const std::string&)> task) {
  parts_->report_ms = every_ms;
  parts_->report_task = std::move(task);
}

}  // namespace onehop::server
