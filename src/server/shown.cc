// SPDX-License-Identifier: MIT
#include "shown.h"

#include <utility>

#include "onehop/upstream/warming.h"

namespace onehop::server {
namespace {

void show_certificates(const InForce& in_force, admin::View& seen) {
  const auto show = [&](admin::Side side, std::string_view name, const tls::Context* context) {
    if (context == nullptr) return;
    for (auto& expiry : context->expiries())
      seen.certificates.push_back({side, name, std::move(expiry)});
  };
  const config::Config& config = in_force.config();
  const auto listeners = in_force.prepared.tls.listeners();
  for (size_t i = 0; i < config.listeners.size(); ++i)
    show(admin::Side::listener, config.listeners[i].address, listeners[i].get());
  const auto upstreams = in_force.prepared.tls.upstreams();
  for (size_t i = 0; i < config.upstreams.size(); ++i)
    show(admin::Side::upstream, config.upstreams[i].name, upstreams[i].get());
}

void show_upstreams(const InForce& in_force, const EndpointSets& endpoints, const Judges& judges,
                    admin::View& seen) {
  for (const config::Upstream& upstream : in_force.config().upstreams) {
    const EndpointSets::Lookups lookups = endpoints.lookups(upstream.name);
    admin::ShownUpstream& shown = seen.upstreams.emplace_back(admin::ShownUpstream{
        upstream.name, lookups.ended, lookups.failed, {}, {}, judges.find(upstream.name)});
    if (auto file = endpoints.file(upstream.name)) {
      shown.file = admin::ShownEndpointFile{std::move(file->path), file->reads, file->failed,
                                            file->since_unix_s, std::move(file->fault)};
    }
    const auto slow_start_ms = static_cast<uint64_t>(upstream.slow_start.count());
    const auto idle_timeout_ms = static_cast<uint64_t>(upstream.pool.idle_timeout.count());
    for (const EndpointSets::Origin& origin : endpoints.origins(upstream.name)) {
      const auto idle = origin.shared->tolerance.in_use(idle_timeout_ms);
      const uint64_t passed_ms = origin.warming_ms.value_or(slow_start_ms);
      shown.endpoints.push_back({origin.address, origin.source, origin.since_unix_s, origin.weight,
                                 origin.drained, upstream::warm_share(passed_ms, slow_start_ms),
                                 idle.ms, idle.from});
    }
  }
}

}  // namespace

void show(const InForce& in_force, const Listeners& listeners, const EndpointSets& endpoints,
          const Judges& judges, admin::View& seen) {
  const config::Config& config = in_force.config();
  if (config.admin.metrics_per_endpoint) seen.detail = telemetry::Detail::endpoint;
  seen.buffered_limit = config.server.limits.buffered;
  seen.config_json = in_force.json;
  seen.config = {.number = in_force.snapshot->number(),
                 .file = in_force.prepared.loaded.file,
                 .files = in_force.prepared.loaded.sources.files,
                 .sha256 = in_force.sha256,
                 .by = in_force.by,
                 .since_unix_s = in_force.since_unix_s};
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    const auto& listener = config.listeners[i];
    seen.listeners.push_back(
        {listener.address, listeners.addresses()[i].to_string(), listener.tls.enabled()});
  }
  show_upstreams(in_force, endpoints, judges, seen);
  show_certificates(in_force, seen);
}

}  // namespace onehop::server
