// SPDX-License-Identifier: MIT
#include "health.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "onehop/upstream/judge.h"

namespace onehop::admin {
namespace {

using Json = nlohmann::ordered_json;
using telemetry::FamilyKind;
using telemetry::Labels;
using upstream::Judge;
using upstream::Standing;

constexpr std::array kStandings = {Standing::healthy, Standing::unchecked, Standing::unhealthy,
                                   Standing::ejected};

double to_s(int64_t ms) {
  return static_cast<double>(ms) / 1000;
}

Json events_of(const Judge& judge) {
  Json events = Json::array();
  for (const upstream::HealthEvent& event : judge.events()) {
    Json one = {{"time", to_s(event.unix_ms)}};
    if (!event.endpoint.empty()) one["endpoint"] = event.endpoint;
    one["event"] = event.what;
    one["why"] = event.why;
    events.push_back(std::move(one));
  }
  return events;
}

Json state_of(const Judge::Shown& shown) {
  Json state = {{"state", upstream::name_of(shown.standing)},
                {"in_use", shown.in_use},
                {"since", to_s(shown.since_unix_ms)},
                {"why", shown.why},
                {"ejections_total", shown.ejections}};
  if (shown.left_ms > 0) state["ejected_for_us"] = shown.left_ms * 1000;
  return state;
}

size_t count(std::span<const Judge::Shown> all, Standing standing) {
  return static_cast<size_t>(std::ranges::count(all, standing, &Judge::Shown::standing));
}

// Calls visit(name, judge) for each upstream that has one.
template <class Visit>
void for_each_judge(const View& view, Visit visit) {
  for (const ShownUpstream& shown : view.upstreams) {
    if (shown.judge != nullptr) visit(shown, *shown.judge);
  }
}

}  // namespace

void add_health(const ShownUpstream& shown, Json& upstream) {
  if (shown.judge == nullptr) return;
  const Judge& judge = *shown.judge;
  const auto all = judge.shown();
  for (size_t i = 0; i < std::min(all.size(), shown.endpoints.size()); ++i) {
    const auto at = upstream["endpoints"].find(shown.endpoints[i].address);
    if (at != upstream["endpoints"].end()) (*at)["health"] = state_of(all[i]);
  }
  const Judge::Counts& counts = judge.counts();
  upstream["health"] = {{"healthy", count(all, Standing::healthy)},
                        {"endpoints", all.size()},
                        {"panic", judge.panics()},
                        {"panics_total", counts.panics},
                        {"ejections_total",
                         {{"failures", counts.ejected_failures},
                          {"errors", counts.ejected_errors},
                          {"latency", counts.ejected_latency}}},
                        {"ejections_refused_total", counts.not_ejected},
                        {"checks_total", counts.checks_passed + counts.checks_failed},
                        {"checks_failed_total", counts.checks_failed},
                        {"events", events_of(judge)}};
}

void write_health(const View& view, telemetry::ExpositionWriter& writer) {
  writer.begin(
      {FamilyKind::gauge, "onehop_upstream_endpoint_up",
       "Whether an endpoint gets requests: 1, or 0 while it is unhealthy, ejected, drained "
       "or a backup that is not needed"});
  for_each_judge(view, [&](const ShownUpstream& shown, const Judge& judge) {
    const auto all = judge.shown();
    for (size_t i = 0; i < std::min(all.size(), shown.endpoints.size()); ++i)
      writer.sample(
          Labels().add("upstream", shown.name).add("endpoint", shown.endpoints[i].address),
          int64_t{all[i].in_use});
  });
  writer.begin({FamilyKind::gauge, "onehop_upstream_endpoints",
                "Endpoints of an upstream, by the state of their health"});
  for_each_judge(view, [&](const ShownUpstream& shown, const Judge& judge) {
    const auto all = judge.shown();
    for (const Standing standing : kStandings)
      writer.sample(Labels().add("upstream", shown.name).add("state", upstream::name_of(standing)),
                    uint64_t{count(all, standing)});
  });
  writer.begin({FamilyKind::gauge, "onehop_upstream_panic",
                "1 while too few endpoints are healthy (panic_threshold), so that all are used"});
  for_each_judge(view, [&](const ShownUpstream& shown, const Judge& judge) {
    writer.sample(Labels().add("upstream", shown.name), int64_t{judge.panics()});
  });
  writer.begin({FamilyKind::counter, "onehop_upstream_ejections",
                "Ejections of endpoints, by what they failed by: failures in a row, more errors "
                "than the others, or more latency"});
  for_each_judge(view, [&](const ShownUpstream& shown, const Judge& judge) {
    const auto sample = [&](std::string_view reason, uint64_t ejected) {
      writer.sample(Labels().add("upstream", shown.name).add("reason", reason), ejected);
    };
    sample("failures", judge.counts().ejected_failures);
    sample("errors", judge.counts().ejected_errors);
    sample("latency", judge.counts().ejected_latency);
  });
  writer.begin({FamilyKind::counter, "onehop_upstream_ejections_refused",
                "Ejections that did not take place, as max_ejected allows no more or the endpoint "
                "was the last healthy one"});
  for_each_judge(view, [&](const ShownUpstream& shown, const Judge& judge) {
    writer.sample(Labels().add("upstream", shown.name), judge.counts().not_ejected);
  });
  writer.begin({FamilyKind::counter, "onehop_upstream_health_checks",
                "Health checks of endpoints that ended, by whether they passed"});
  for_each_judge(view, [&](const ShownUpstream& shown, const Judge& judge) {
    const auto sample = [&](std::string_view result, uint64_t ended) {
      writer.sample(Labels().add("upstream", shown.name).add("result", result), ended);
    };
    sample("passed", judge.counts().checks_passed);
    sample("failed", judge.counts().checks_failed);
  });
}

std::string events_document(const View& view) {
  Json upstreams = Json::object();
  for_each_judge(view, [&](const ShownUpstream& shown, const Judge& judge) {
    upstreams[shown.name] = events_of(judge);
  });
  return Json({{"upstreams", upstreams}}).dump(2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace onehop::admin
