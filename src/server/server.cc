// SPDX-License-Identifier: MIT
#include "onehop/server/server.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <utility>

#include "admin_endpoint.h"
#include "commands.h"
#include "commit.h"
#include "config_watch.h"
#include "descriptors.h"
#include "endpoint_sets.h"
#include "faults.h"
#include "in_force.h"
#include "judges.h"
#include "limits.h"
#include "listeners.h"
#include "log_writer.h"
#include "name_servers.h"
#include "name_wait.h"
#include "onehop/admin/answer.h"
#include "onehop/admin/difference.h"
#include "onehop/admin/service.h"
#include "onehop/base/buffer.h"
#include "onehop/base/log.h"
#include "onehop/base/memory_return.h"
#include "onehop/config/rules.h"
#include "onehop/proxy/failure_log.h"
#include "onehop/proxy/outcome.h"
#include "onehop/server/log_settings.h"
#include "onehop/server/signals.h"
#include "reload.h"
#include "service_manager.h"
#include "shown.h"
#include "stop.h"
#include "succession.h"
#include "workers.h"

namespace onehop::server {
// Declared in the order in which things are needed: destroyed the other way round.
struct ServerParts final : Reload::Owner, EndpointSets::Events, Judges::Events {
  ServerParts(Prepared prepared, std::string version_text, Load again, Launch launch)
      : version(std::move(version_text)),
        telemetry(proxy::outcome_names(), worker_count(prepared.config())),
        started_unix(std::time(nullptr)),
        started_ns(loop.now_ns()),
        windows(telemetry, started_ns),
        in_force(InForce::make(std::move(prepared), 1, "start")),
        admin_service(
            loop, [this] { return view(); },
            [this](std::function<void()> done) { workers.when_counted(std::move(done)); },
            in_force.config().admin.hosts),
        succession({loop, workers, listeners, admin_endpoint, stop, service_manager, in_force},
                   std::move(launch)),
        reload(loop, std::move(again), *this) {
    add_commands(admin_service.commands(), reload);
    add_endpoint_commands(admin_service.commands(), endpoints, drain_waits);
  }

  admin::View view();
  static constexpr uint64_t kSampleMs = 1000;  // the windows are made of seconds
  void on_sample();
  void on_renewal();
  void on_report() {
    report_task(admin::answer({"GET", "/stats", ""}, view()).body);
    loop.arm(report, report_ms);
  }

  TlsContexts contexts() const override { return in_force.prepared.tls; }
  bool leaving() const override { return stop.asked(); }
  Result<void, std::string> look_up(const Prepared& prepared, std::function<void()> then) override;
  void on_endpoints(const config::Upstream& upstream, const upstream::EndpointSet& set) override {
    workers.use(upstream, judges.judge(upstream, set));
  }
  void on_judged(const config::Upstream& upstream, const upstream::EndpointSet& set) override {
    workers.use(upstream, set);
  }
  void on_names() override { name_wait.look(); }
  Result<std::string, std::string> adopt(Prepared prepared, const std::string& by,
                                         std::function<void()> done) override;
  void on_reload_begun() override { service_manager.reloading(loop.now_ns() / 1000); }
  void on_reload_ended() override {
    admin_service.forget();
    if (!stop.asked()) say_ready();
    watch_files();
  }
  void on_reload_unchanged() override { watch_files(); }
  void watch_files() {  // those that were read last
    config_watch.use(in_force.config().server.watch ? reload.patterns()
                                                    : std::vector<std::string>());
  }
  void say_ready() const {
    service_manager.ready(fmt::format("listening on {}", fmt::join(listeners.texts(), ", ")));
  }
  void say_alive();
  void use(InForce now, Listeners::Opened& opened);
  std::shared_ptr<const Change> change();
  Result<void, std::string> bind();
  void watch_signals();
  void leave();
  void run();

  std::string version;
  telemetry::Telemetry telemetry;
  proxy::FailureLog failures;
  net::EventLoop loop;
  LogWriter access_log{telemetry, loop};
  int64_t started_unix;
  uint64_t started_ns;
  telemetry::Windows windows;
  MemoryReturn memory_return;
  NameServers name_servers{loop};
  net::KernelFileWatcher files{loop};
  EndpointSets endpoints{loop, telemetry, *this, files};
  Judges judges{loop, telemetry, *this};
  NameWait name_wait{loop};
  DrainWaits drain_waits{loop, endpoints, [this](std::function<void()> then) {
                           workers.when_counted(std::move(then));
                         }};
  InForce in_force;
  LimitTables limits;
  Listeners listeners;

  admin::AdminService admin_service;
  AdminEndpoint admin_endpoint{loop, admin_service};

  std::function<void(const std::string&)> report_task;
  uint64_t report_ms = 0;
  uint64_t max_connections = 0;  // of clients, of each worker
  net::Deadline sample{this, net::DeadlineThunk<&ServerParts::on_sample>::call};
  net::Deadline renewal{this, net::DeadlineThunk<&ServerParts::on_renewal>::call};
  net::Deadline report{this, net::DeadlineThunk<&ServerParts::on_report>::call};
  ServiceManager service_manager = ServiceManager::of_environment();
  bool started = false;         // the workers are
  bool asked_for_sign = false;  // of the workers
  Workers workers{loop, telemetry, failures, access_log, judges, [this] { loop.stop(); }};
  Stop stop{loop, service_manager, listeners, workers};
  Succession succession;
  Reload reload;
  ConfigWatch config_watch{files, reload};
  std::vector<NewSockets> first_sockets;  // until it runs
};

admin::View ServerParts::view() {
  admin::View seen{windows};
  show(in_force, listeners, endpoints, judges, seen);
  limits.show(loop.now_ns(), seen);
  seen.version = version;
  seen.commit = built_from();
  seen.connections = admin_endpoint.connections();
  seen.reloads = {reload.counts().succeeded, reload.counts().failed};
  seen.process = {::getpid(), succession.predecessor(), succession.failures()};
  seen.start_time_unix_s = started_unix;
  seen.started_ns = started_ns;
  seen.now_ns = loop.now_ns();
  seen.readiness = stop.asked() ? admin::Readiness::draining
                   : started    ? admin::Readiness::ready
                                : admin::Readiness::starting;
  return seen;
}

void ServerParts::on_sample() {
  windows.sample(loop.now_ns());
  judges.on_second();
  admin_endpoint.refill_spares();
  failures.settle();
  limits.refresh(loop.now_ns());
  workers.shortage().say_rest(loop.now_ms());
  memory_return.look_at(buffered_memory());
  say_alive();
  loop.arm(sample, kSampleMs);
}

// Not before every worker has given a sign: one that hangs is as bad as this thread.
void ServerParts::say_alive() {
  if (!service_manager.watches() || std::exchange(asked_for_sign, true)) return;
  workers.when_counted([this] {
    asked_for_sign = false;
    service_manager.alive();
  });
}

// Certificates that changed on the disk serve new clients from now on.
void ServerParts::on_renewal() {
  TlsContexts& tls = in_force.prepared.tls;
  const TlsContexts::Changed changed = tls.refresh();
  for (const size_t i : changed.listeners)
    workers.renew(in_force.snapshot->listeners()[i]->key, tls.listeners()[i]);
  for (const size_t i : changed.upstreams) {
    workers.renew(in_force.config().upstreams[i], tls.upstreams()[i]);
    judges.renew(in_force.config().upstreams[i], tls.upstreams()[i]);
  }
  if (const auto interval = tls.interval_ms(); interval > 0) loop.arm(renewal, interval);
}

// From here on nothing can fail.
void ServerParts::use(InForce now, Listeners::Opened& opened) {
  in_force = std::move(now);
  listeners.use(in_force.snapshot->listeners(), opened);
  const config::Config& config = in_force.config();
  for (const std::string& warning : in_force.prepared.loaded.warnings) log::warning(warning);
  warn_of_small_shares(config, workers.count());
  const uint64_t limit = client_limit(config, workers.count());
  workers.shortage().use({limit, config.server.limits.buffered});
  stop.use_delay(static_cast<uint64_t>(config.server.drain_delay.count()));
  max_connections = std::max<uint64_t>(1, limit / workers.count());
}

std::shared_ptr<const Change> ServerParts::change() {
  EndpointSets::Staged staged = name_wait.take();
  endpoints.catch_up(staged);
  auto sets = judges.use(in_force.config(), staged.sets(), in_force.prepared.tls.upstreams());
  limits.use(in_force.config());
  endpoints.use(std::move(staged));
  return change_of(in_force, std::move(sets), limits, telemetry, max_connections,
                   succession.sticky_secret());
}

Result<void, std::string> ServerParts::look_up(const Prepared& prepared,
                                               std::function<void()> then) {
  const config::Config& config = prepared.config();
  if (auto made = name_servers.use(config.server.dns); !made.has_value()) return made;
  name_wait.begin(endpoints.stage(config, name_servers.resolver()), std::move(then));
  return {};
}

Result<std::string, std::string> ServerParts::adopt(Prepared prepared, const std::string& by,
                                                    std::function<void()> done) {
  if (stop.asked()) return Unexpected<std::string>("it is being stopped");
  if (succession.under_way())
    return Unexpected<std::string>("another process is taking over: ask again when it serves");
  const size_t wanted = worker_count(prepared.config());
  if (prepared.config().server.workers != in_force.config().server.workers &&
      wanted != workers.count()) {
    return Unexpected<std::string>(
        fmt::format("server.workers is {} and would be {}: their number can change with a new "
                    "start only",
                    workers.count(), wanted));
  }
  InForce now = InForce::make(std::move(prepared), in_force.snapshot->number() + 1, by);
  // What was set at run time stays, unless the file speaks of it.
  const config::Log& log_before = in_force.config().log;
  const config::Log& log_now = now.config().log;
  const bool other_levels = log_now.level != log_before.level || log_now.rooms != log_before.rooms;
  Faults faults;
  auto doors = admin_endpoint.prepare(now.config().admin);
  faults.note(doors, "admin: ");
  const auto log_file = access_log.open(log_now.access);
  faults.note(log_file);
  auto opened = listeners.open(now.snapshot->listeners(), workers.count());
  faults.note(opened);
  if (!faults.text().empty()) return Unexpected<std::string>(faults.text());
  const auto lines = admin::differences(in_force.json, now.json);
  const std::string text = lines.has_value() ? admin::in_one_line(*lines) : lines.error();
  access_log.use(now.snapshot, *log_file);
  use(std::move(now), *opened);
  if (other_levels) use_levels(in_force.config().log);
  use_format(in_force.config().log);
  admin_endpoint.use(in_force.config().admin, std::move(*doors));
  workers.apply(change(), std::move(opened->by_worker), std::move(done));
  on_renewal();
  return fmt::format("configuration {} is in force; {}", in_force.snapshot->number(), text);
}

Result<void, std::string> ServerParts::bind() {
  if (auto made = name_servers.use(in_force.config().server.dns); !made.has_value()) return made;
  if (auto inherited = succession.inherit(); !inherited.has_value()) return inherited;
  auto opened =
      listeners.open(in_force.snapshot->listeners(), workers.count(), succession.inherited());
  if (!opened.has_value()) return Unexpected<std::string>(opened.error());
  auto doors = admin_endpoint.prepare(in_force.config().admin, succession.inherited());
  if (!doors.has_value()) return Unexpected<std::string>("admin: " + doors.error());
  const auto log_file = access_log.open(in_force.config().log.access);
  if (!log_file.has_value()) return Unexpected<std::string>(log_file.error());
  if (auto all = succession.bound(); !all.has_value()) return all;
  access_log.use(in_force.snapshot, *log_file);
  use(std::move(in_force), *opened);
  admin_endpoint.use(in_force.config().admin, std::move(*doors));
  first_sockets = std::move(opened->by_worker);
  return {};
}

// Before anybody is told where we listen: a signal that comes as soon as that is known must find
// somebody who drains.
void ServerParts::watch_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  for (const int number : {SIGTERM, SIGINT, SIGQUIT})
    loop.watch_signal(number, [this] { leave(); });
  loop.watch_signal(SIGHUP, [this] { reload.ask("SIGHUP"); });
  loop.watch_signal(SIGUSR1, [this] {
    if (access_log.reopen()) return log::info("SIGUSR1: the access log is opened again");
    log::warning("SIGUSR1 is ignored: there is no log file to open again");
  });
  loop.watch_signal(SIGUSR2, [this] { succession.start_successor(); });
  loop.watch_signal(SIGCHLD, [this] { succession.on_child_signal(); });
  release_signals();
}

void ServerParts::leave() {
  succession.call_off("this one is being stopped");
  stop.ask();
}

void ServerParts::run() {
  on_sample();
  on_renewal();
  if (report_task) loop.arm(report, report_ms);
  name_wait.begin(endpoints.stage(in_force.config(), name_servers.resolver()), [this] {
    if (stop.asked()) return;
    workers.start(change(), std::exchange(first_sockets, {}));
    started = true;
    succession.serving([this] {
      say_ready();
      reload.use_patterns(in_force.prepared.loaded.sources.patterns);
      reload.ready(in_force.sha256, in_force.prepared.loaded.sources.files);
      watch_files();
      if (in_force.config().server.watch && reload.patterns().empty())
        log::warning("server.watch: standard input cannot be watched");
    });
  });
  loop.run();
  hold_signals();
  workers.join();
  judges.stop();
  access_log.finish();
  failures.finish();
  workers.shortage().finish();
  admin_endpoint.close();
  loop.end_turn();
}

Server::Server(std::unique_ptr<ServerParts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>, std::string> Server::make(Loaded loaded, std::string version,
                                                          Load again, Launch launch) {
  auto prepared = Prepared::make(std::move(loaded), nullptr);
  if (!prepared.has_value()) {
    if (launch.takeover != nullptr) launch.takeover->fail(prepared.error());
    return Unexpected<std::string>(prepared.error());
  }
  auto parts = std::make_unique<ServerParts>(std::move(*prepared), std::move(version),
                                             std::move(again), std::move(launch));
  parts->watch_signals();
  if (const auto bound = parts->bind(); !bound.has_value()) {
    parts->succession.fail(bound.error());
    return Unexpected<std::string>(bound.error());
  }
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

const std::vector<Address>& Server::listening() const {
  return parts_->listeners.addresses();
}

std::string Server::admin_address() const {
  return parts_->admin_endpoint.address();
}

std::string Server::describe() const {
  std::string text;
  for (const std::string& address : parts_->listeners.texts())
    text += fmt::format("listening on {}\n", address);
  for (const auto& upstream : parts_->in_force.config().upstreams) {
    std::vector<std::string> names;
    for (const auto& endpoint : upstream.endpoints) names.push_back(endpoint.address);
    if (!upstream.endpoints_file.empty()) names.push_back(upstream.endpoints_file);
    text += fmt::format("upstream {}: {} ({})\n", upstream.name, fmt::join(names, ", "),
                        config::names(upstream.balance).at(static_cast<size_t>(upstream.balance)));
    if (upstream.tls.enabled && upstream.tls.insecure_skip_verify)
      text +=
          fmt::format("warning: upstream {}: its certificates are not verified\n", upstream.name);
  }
  if (!admin_address().empty()) text += fmt::format("admin on {}\n", admin_address());
  const std::string& control = parts_->admin_endpoint.control();
  if (!control.empty()) text += fmt::format("control on {}\n", control);
  return text;
}

bool Server::run() {
  parts_->run();
  return !parts_->succession.gave_way();
}

void Server::stop() {
  parts_->loop.post([this] { parts_->leave(); });
}

void Server::every(uint64_t every_ms, std::function<void(const std::string&)> task) {
  parts_->report_ms = every_ms;
  parts_->report_task = std::move(task);
}

}  // namespace onehop::server
