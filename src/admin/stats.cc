// SPDX-License-Identifier: MIT
// The document of /stats. docs/admin.md lists every path; durations are whole microseconds and end
// in _us.
#include <cmath>
#include <nlohmann/json.hpp>

#include "documents.h"
#include "health.h"
#include "onehop/base/buffer.h"

namespace onehop::admin {

namespace {

using Json = nlohmann::ordered_json;
using telemetry::EndpointRates;
using telemetry::EndpointValues;
using telemetry::HistogramValues;
using telemetry::Rates;
using telemetry::Snapshot;
using telemetry::TlsValues;

uint64_t to_us(uint64_t ns) {
  return (ns + 500) / 1000;
}

double rounded(double value, double steps) {
  return std::round(value * steps) / steps;
}

double ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double mean_ns(const HistogramValues& values) {
  return ratio(values.sum_ns(), values.count());
}

template <class Names, class Cells>
Json named(const Names& names, const Cells& cells) {
  Json object = Json::object();
  for (size_t i = 0; i < names.size(); ++i) object[std::string(names[i])] = cells[i];
  return object;
}

Json outcomes_of(const Snapshot& snapshot,
                 const std::array<uint64_t, telemetry::kMaxOutcomes>& cells) {
  Json object = Json::object();
  for (size_t i = 0; i < snapshot.outcomes.size(); ++i) {
    if (cells[i] != 0) object[std::string(snapshot.outcomes[i].name)] = cells[i];
  }
  return object;
}

Json by_class(const std::array<uint64_t, 6>& cells) {
  Json object = Json::object();
  for (size_t i = 1; i < cells.size(); ++i) {
    object[std::string(telemetry::kStatusClassNames[i])] = cells[i];
  }
  object[std::string(telemetry::kStatusClassNames[0])] = cells[0];
  return object;
}

void add_rates(const Rates& rates, Json& into) {
  into["rate_1s"] = rounded(rates.last_1s, 1000);
  into["rate_10s"] = rounded(rates.last_10s, 1000);
  into["rate_60s"] = rounded(rates.last_60s, 1000);
  into["rate_peak"] = rounded(rates.peak, 1000);
}

Json distribution(const HistogramValues& values) {
  return {{"count", values.count()},
          {"mean_us", static_cast<uint64_t>(std::llround(mean_ns(values) / 1000))},
          {"p50_us", to_us(values.percentile_ns(0.50))},
          {"p90_us", to_us(values.percentile_ns(0.90))},
          {"p95_us", to_us(values.percentile_ns(0.95))},
          {"p99_us", to_us(values.percentile_ns(0.99))},
          {"p999_us", to_us(values.percentile_ns(0.999))},
          {"max_us", to_us(values.max_ns())}};
}

// Since start, whatever the window, as all that is counted of connections.
Json handshakes_of(const TlsValues& values) {
  const uint64_t resumed = values.resumed.count();
  return {{"full", distribution(values.full)},
          {"resumed", distribution(values.resumed)},
          {"resumed_ratio", rounded(ratio(resumed, resumed + values.full.count()), 1e6)},
          {"in_progress", values.in_progress},
          {"failures_by_reason", named(telemetry::kTlsFailureNames, values.failures)}};
}

Json certificates_of(Side side, std::string_view name, const View& view) {
  Json certificates = Json::array();
  for (const ShownCertificate& certificate : view.certificates) {
    if (certificate.side != side || certificate.name != name) continue;
    certificates.push_back({{"file", certificate.expiry.file},
                            {"subject", certificate.expiry.subject},
                            {"not_after", not_after_unix_s(certificate.expiry)}});
  }
  return certificates;
}

Json listeners_of(const Snapshot& snapshot, const View& view) {
  Json listeners = Json::object();
  for (const ShownListener& listener : view.listeners) {
    Json& shown = listeners[std::string(listener.name)];
    shown["scheme"] = listener.tls ? "https" : "http";
    shown["listens_on"] = listener.address;
  }
  for (const telemetry::ListenerValues& listener : snapshot.listeners) {
    listeners[listener.address]["tls"] = {
        {"handshakes", handshakes_of(listener.tls)},
        {"certificates", certificates_of(Side::listener, listener.address, view)}};
  }
  return listeners;
}

Json memory_of(const View& view) {
  return {{"buffered_bytes", buffered_memory()},
          {"buffered_peak_bytes", most_buffered_memory()},
          {"buffered_limit_bytes", view.buffered_limit}};
}

Json downstream_of(const Snapshot& snapshot, const View& view) {
  const telemetry::DownstreamValues& values = snapshot.downstream;
  const telemetry::DownstreamRates rates = view.windows.downstream_rates(snapshot, view.now_ns);
  const uint64_t requests = telemetry::sum(values.requests);

  Json connections = {
      {"accepted_total", values.accepted}, {"open", values.open}, {"idle", values.idle}};
  add_rates(rates.accepted, connections);
  connections["closed_by"] = named(telemetry::kCloserNames, values.closed);
  connections["requests_per_connection"] = rounded(ratio(requests, values.accepted), 1000);
  connections["h2_total"] = values.h2_connections;
  connections["h2_floods_total"] = telemetry::sum(values.h2_floods);
  connections["h2_floods_by_reason"] = named(telemetry::kH2FloodNames, values.h2_floods);
  connections["proxy_header_faults_total"] = telemetry::sum(values.proxy_header_faults);
  connections["proxy_header_faults_by_reason"] =
      named(telemetry::kProxyHeaderFaultNames, values.proxy_header_faults);
  connections["idle_timeouts_total"] = values.idle_timeouts;
  connections["refused_total"] = telemetry::sum(values.refused);
  connections["refused_by_reason"] = named(telemetry::kClientLimitNames, values.refused);
  connections["per_client_forgotten_total"] = values.per_client_forgotten;
  connections["shed_total"] = values.shed;
  connections["accept_paused_total"] = values.accept_paused;
  connections["stalled_given_up_total"] = values.stalled_given_up;

  Json of_requests = {{"total", requests}, {"in_flight", values.in_flight}};
  add_rates(rates.requests, of_requests);
  of_requests["by_class"] = by_class(values.requests);
  of_requests["outcomes"] = outcomes_of(snapshot, values.outcomes);
  of_requests["fields_dropped_total"] = values.fields_dropped;

  return {{"connections", connections},
          {"requests", of_requests},
          {"bytes", {{"received_total", values.bytes_received}, {"sent_total", values.bytes_sent}}},
          {"access_log",
           {{"written_total", values.access_log_written},
            {"dropped_total", values.access_log_dropped},
            {"failed_total", values.access_log_failed}}}};
}

// What clients saw of each route; "" has the requests that no route took.
Json routes_of(const Snapshot& snapshot) {
  Json routes = Json::object();
  for (const telemetry::RouteValues& route : snapshot.routes) {
    Json by_code = Json::object();
    for (const auto& [code, count] : route.codes)
      by_code[code == 0 ? "none" : std::to_string(code)] = count;
    Json times = Json::object();
    for (size_t i = 0; i < telemetry::kStatusClassCount; ++i) {
      if (route.seconds[i].count() == 0) continue;
      times[std::string(telemetry::kStatusClassNames[i])] = distribution(route.seconds[i]);
    }
    routes[route.route] = {{"by_code", by_code}, {"request_time", times}};
  }
  return routes;
}

// Those in force; one that is gone is counted in /metrics still.
Json rate_limits_of(const Snapshot& snapshot, const View& view) {
  Json limits = Json::object();
  for (const ShownRateLimit& shown : view.rate_limits) {
    Json& limit = limits[shown.name];
    limit = {{"keys", shown.keys}, {"room", shown.room}};
    for (const telemetry::RateLimitValues& values : snapshot.rate_limits) {
      if (values.name != shown.name) continue;
      limit["allowed_total"] = values.allowed;
      limit["refused_total"] = values.refused;
      limit["dry_run_refused_total"] = values.dry_run_refused;
      limit["forgotten_total"] = values.forgotten;
    }
  }
  return limits;
}

Json connections_of(const EndpointValues& values, const Rates& rates) {
  const uint64_t opened = telemetry::sum(values.opened);
  const uint64_t uses = opened + values.reused;
  const double saved_us = static_cast<double>(values.reused) * mean_ns(values.dial) / 1000;

  Json connections = {{"opened_total", opened},
                      {"reused_total", values.reused},
                      {"open", values.open},
                      {"idle", values.idle},
                      {"connecting", values.connecting},
                      {"reuse_ratio", rounded(ratio(values.reused, uses), 1e6)},
                      {"requests_per_connection", rounded(ratio(uses, opened), 1000)}};
  add_rates(rates, connections);
  connections["opened_by_reason"] = named(telemetry::kOpenReasonNames, values.opened);
  connections["closed_by"] = named(telemetry::kCloserNames, values.closed);
  connections["connect_failures_total"] = values.connect_failed;
  connections["local_faults_total"] = values.local_faults;
  connections["dials_given_up_total"] = values.dials_given_up;
  connections["surplus_total"] = values.surplus;
  connections["connect_time"] = distribution(values.dial);
  connections["setups_avoided_total"] = values.reused;
  connections["setup_time_saved_us"] = static_cast<uint64_t>(std::llround(saved_us));
  return connections;
}

Json requests_of(const Snapshot& snapshot, const EndpointValues& values, const Rates& rates) {
  Json requests = {{"total", telemetry::sum(values.requests)},
                   {"in_flight", values.in_flight},
                   {"queued", values.queued}};
  add_rates(rates, requests);
  requests["by_class"] = by_class(values.requests);
  requests["outcomes"] = outcomes_of(snapshot, values.outcomes);
  requests["retries_total"] = values.retries;
  requests["queue_rejected_total"] = values.queue_rejected;
  return requests;
}

Json endpoint_of(const Snapshot& snapshot, const EndpointValues& values,
                 const EndpointRates& rates) {
  Json phases = Json::object();
  for (size_t i = 0; i < telemetry::kExchangeHistogramCount; ++i) {
    phases[std::string(telemetry::exchange_histogram_name(i))] = distribution(values.exchange[i]);
  }
  Json endpoint = {
      {"connections", connections_of(values, rates.opened)},
      {"requests", requests_of(snapshot, values, rates.requests)},
      {"bytes", {{"sent_total", values.bytes_sent}, {"received_total", values.bytes_received}}},
      {"phases", phases}};
  if (values.tls) endpoint["tls"]["handshakes"] = handshakes_of(*values.tls);
  return endpoint;
}

// Where the endpoints come from. One that is there and has no cells yet is shown once it has.
void add_origins(const ShownUpstream& shown, Json& upstream) {
  upstream["discovery"] = {{"lookups_total", shown.lookups}, {"failed_total", shown.failed}};
  if (shown.file.has_value()) {
    upstream["endpoints_file"] = {{"path", shown.file->path},
                                  {"reads_total", shown.file->reads},
                                  {"failed_total", shown.file->failed},
                                  {"since", shown.file->since_unix_s},
                                  {"fault", shown.file->fault}};
  }
  if (!upstream.contains("endpoints")) upstream["endpoints"] = Json::object();
  for (const ShownEndpoint& endpoint : shown.endpoints) {
    if (!upstream["endpoints"].contains(endpoint.address)) continue;
    Json& at = upstream["endpoints"][endpoint.address];
    at["source"] = endpoint.source;
    at["since"] = endpoint.since_unix_s;
    at["connections"]["learned_idle_timeout_us"] = endpoint.idle_ms * 1000;
    at["connections"]["learned_idle_timeout_why"] = endpoint.idle_why;
    at["weight"] = endpoint.weight;
    const bool warming = endpoint.share < 1000;
    at["state"] = endpoint.drained ? "drained" : warming ? "warming" : "ready";
    at["effective_weight"] = endpoint.drained ? 0 : endpoint.weight * endpoint.share / 1000.0;
  }
}

Json takeover_of(const View& view) {
  const int predecessor = view.process.predecessor;
  return {{"predecessor_pid", predecessor == 0 ? Json() : Json(predecessor)},
          {"failed_total", view.process.failed_takeovers}};
}

}  // namespace

std::string stats_document(const View& view, telemetry::Window window) {
  const Snapshot snapshot = view.windows.snapshot(window, view.now_ns);
  Json upstreams = Json::object();
  for (const EndpointValues& values : snapshot.endpoints) {
    upstreams[values.name.upstream]["endpoints"][values.name.address] =
        endpoint_of(snapshot, values, view.windows.endpoint_rates(values, view.now_ns));
    if (values.tls) {
      upstreams[values.name.upstream]["tls"]["certificates"] =
          certificates_of(Side::upstream, values.name.upstream, view);
    }
  }
  for (const ShownUpstream& shown : view.upstreams) {
    add_origins(shown, upstreams[shown.name]);
    add_health(shown, upstreams[shown.name]);
  }
  for (const EndpointValues& values : snapshot.departed) {
    Json& upstream = upstreams[values.name.upstream];
    if (!upstream.contains("endpoints")) upstream["endpoints"] = Json::object();
    upstream["departed"] = endpoint_of(snapshot, values, {});
  }
  const Json document = {{"version", std::string(view.version)},
                         {"uptime_us", to_us(view.now_ns - view.started_ns)},
                         {"start_time", view.start_time_unix_s},
                         {"pid", view.process.pid},
                         {"takeover", takeover_of(view)},
                         {"window", std::string(telemetry::window_name(window))},
                         {"workers", snapshot.workers},
                         {"memory", memory_of(view)},
                         {"downstream", downstream_of(snapshot, view)},
                         {"listeners", listeners_of(snapshot, view)},
                         {"routes", routes_of(snapshot)},
                         {"rate_limits", rate_limits_of(snapshot, view)},
                         {"upstreams", upstreams}};
  // `replace`: a name that is not UTF-8 must not become an exception.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace onehop::admin
