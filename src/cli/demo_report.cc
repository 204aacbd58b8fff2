// SPDX-License-Identifier: MIT
#include "demo_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace onehop::cli {
namespace {

using Json = nlohmann::json;

// The median of one endpoint must be so many times that of another before it is called slow.
constexpr double kSlowFactor = 1.5;

struct EndpointFigures {
  std::string address;
  uint64_t requests = 0;
  uint64_t opened = 0;
  uint64_t p50_us = 0;
};

std::vector<EndpointFigures> figures_of(const Json& document) {
  std::vector<EndpointFigures> figures;
  for (const Json& upstream : document.at("upstreams")) {
    for (const auto& [address, endpoint] : upstream.at("endpoints").items()) {
      figures.push_back({address, endpoint.at("requests").at("total").get<uint64_t>(),
                         endpoint.at("connections").at("opened_total").get<uint64_t>(),
                         endpoint.at("phases").at("total").at("p50_us").get<uint64_t>()});
    }
  }
  return figures;
}

std::string time_text(uint64_t us) {
  return us < 1000 ? fmt::format("{} us", us)
                   : fmt::format("{:.1f} ms", static_cast<double>(us) / 1000);
}

// "1,234,567", as in the table.
std::string count_text(uint64_t count) {
  std::string text = std::to_string(count);
  for (size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string factor_text(double factor) {
  return fmt::format("{:.{}f}", factor, factor < 10 ? 1 : 0);
}

std::string who_is_slow(const std::vector<EndpointFigures>& figures, uint64_t requests) {
  const auto [fastest, slowest] = std::minmax_element(
      figures.begin(), figures.end(),
      [](const auto& one, const auto& other) { return one.p50_us < other.p50_us; });
  const double factor = static_cast<double>(slowest->p50_us) /
                        static_cast<double>(std::max<uint64_t>(1, fastest->p50_us));
  if (factor < kSlowFactor) {
    return fmt::format("No replica stands out: the medians go from {} to {}.\n",
                       time_text(fastest->p50_us), time_text(slowest->p50_us));
  }
  const double percent =
      100 * static_cast<double>(slowest->requests) / static_cast<double>(requests);
  return fmt::format(
      "{} is the slow one: its median is {}, {} times the {}\n"
      "of {}. round_robin gave it {:.0f} % of the requests all the same.\n",
      slowest->address, time_text(slowest->p50_us), factor_text(factor), time_text(fastest->p50_us),
      fastest->address, percent);
}

}  // namespace

std::string demo_header(const DemoPlaces& places) {
  std::string text = fmt::format(
      "onehop {} demo: replicas, a proxy and a load, all in this process\n\n"
      "  load      {}\n"
      "  proxy     {:<23}round_robin over the replicas\n",
      places.version, places.load_note, places.proxy);
  for (size_t i = 0; i < places.replicas.size(); ++i) {
    text += fmt::format("  {:<10}{:<23}{}\n", i == 0 ? "replicas" : "", places.replicas[i],
                        places.replica_notes[i]);
  }
  return text + fmt::format(
                    "  admin     {0}\n\n"
                    "  try       curl -i http://{1}/\n"
                    "            curl http://{0}/stats\n"
                    "            curl http://{0}/metrics\n"
                    "            onehop stats --admin {0}\n\n",
                    places.admin, places.proxy);
}

std::string demo_conclusion(const std::string& stats_json) {
  const std::vector<EndpointFigures> figures = figures_of(Json::parse(stats_json));
  uint64_t requests = 0;
  uint64_t opened = 0;
  for (const EndpointFigures& endpoint : figures) {
    requests += endpoint.requests;
    opened += endpoint.opened;
  }
  if (requests == 0 || opened == 0) return "No request had ended yet.\n";
  return fmt::format(
             "{} requests needed {} connections to the replicas: {:.0f} requests on each.\n",
             count_text(requests), count_text(opened),
             static_cast<double>(requests) / static_cast<double>(opened)) +
         who_is_slow(figures, requests);
}

}  // namespace onehop::cli
