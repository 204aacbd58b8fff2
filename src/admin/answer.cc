// SPDX-License-Identifier: MIT
// Which path is which document. A new one is a row of kPaths.
#include "onehop/admin/answer.h"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "documents.h"
#include "onehop/base/result.h"

namespace onehop::admin {

namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kJson = "application/json";

Reply bad_request(std::string sentence) {
  return {400, kText, std::move(sentence), {}};
}

// "10s, 1m, 5m, total"
std::string window_list() {
  std::string list;
#define X(name, text, seconds) list += list.empty() ? text : ", " text;
  ONEHOP_WINDOWS(X)
#undef X
  return list;
}

// The window that a query asks for, or the sentence that says what is wrong with it.
Result<telemetry::Window, std::string> window_of(std::string_view query) {
  std::optional<telemetry::Window> window;
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    const size_t equals = pair.find('=');
    if (pair.substr(0, equals) != "window") {
      return Unexpected<std::string>("unknown query key; allowed: window\n");
    }
    if (window) return Unexpected<std::string>("window is given twice\n");
    window = telemetry::parse_window(equals == std::string_view::npos ? std::string_view()
                                                                      : pair.substr(equals + 1));
    if (!window) return Unexpected<std::string>("window must be one of: " + window_list() + "\n");
  }
  return window.value_or(telemetry::Window::total);
}

struct Asked {
  std::string_view query;
  std::string_view accept;
};

Reply list_paths(const Asked&, const View&);

Reply health(const Asked&, const View&) {
  return {200, kText, "ok\n", {}};
}

Reply readiness(const Asked&, const View& view) {
  if (view.readiness == Readiness::draining) return {503, kText, "draining\n", {}};
  return {200, kText, "ready\n", {}};
}

Reply stats(const Asked& asked, const View& view) {
  const auto window = window_of(asked.query);
  if (!window) return bad_request(window.error());
  return {200, kJson, stats_document(view, *window), {}};
}

Reply metrics(const Asked& asked, const View& view) {
  const telemetry::Exposition format = negotiate(asked.accept);
  return {200, telemetry::content_type(format), metrics_document(view, format), {}};
}

// Whatever the configuration says, "in_force" is said first.
Reply config(const Asked&, const View& view) {
  using Json = nlohmann::ordered_json;
  Json document = {{"in_force",
                    {{"number", view.config.number},
                     {"file", view.config.file},
                     {"sha256", view.config.sha256},
                     {"by", view.config.by},
                     {"since", view.config.since_unix_s}}}};
  document.update(Json::parse(view.config_json));
  return {200, kJson, document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n", {}};
}

enum class Query : uint8_t { none, allowed };
enum class Sharing : uint8_t { none, a_second };

struct Path {
  std::string_view path;
  Query query;
  Sharing sharing;
  Reply (*reply)(const Asked&, const View&);
  std::string_view what;
};
constexpr std::array kPaths = {
    Path{"/", Query::none, Sharing::none, list_paths, "this list"},
    Path{"/healthz", Query::none, Sharing::none, health, "the process runs"},
    Path{"/readyz", Query::none, Sharing::none, readiness,
         "it takes new requests (503 while draining)"},
    Path{"/stats", Query::allowed, Sharing::none, stats,
         "counts and latencies as JSON; ?window=10s|1m|5m|total"},
    Path{"/metrics", Query::none, Sharing::a_second, metrics,
         "the same for Prometheus; OpenMetrics or protobuf by Accept"},
    Path{"/config", Query::none, Sharing::a_second, config, "the effective configuration as JSON"},
};

Reply list_paths(const Asked&, const View& view) {
  std::string text = "onehop " + std::string(view.version) + " admin\n\n";
  for (const Path& row : kPaths) {
    std::string path(row.path);
    path.resize(12, ' ');
    text.append(path).append(row.what).append("\n");
  }
  return {200, kText, std::move(text), {}};
}

bool is_read(std::string_view method) {
  return method == "GET" || method == "HEAD";
}

}  // namespace

std::string shared_key(const Request& request) {
  if (!is_read(request.method)) return {};
  for (const Path& row : kPaths) {
    if (row.path != request.target || row.sharing == Sharing::none) continue;
    std::string key(row.path);
    if (row.path == "/metrics")
      key.append(" ").append(telemetry::content_type(negotiate(request.accept)));
    return key;
  }
  return {};
}

Reply answer(const Request& request, const View& view) {
  const size_t mark = request.target.find('?');
  const std::string_view path = request.target.substr(0, mark);
  const std::string_view query =
      mark == std::string_view::npos ? std::string_view() : request.target.substr(mark + 1);
  for (const Path& row : kPaths) {
    if (row.path != path) continue;
    if (!is_read(request.method)) {
      return {405, kText, "only GET and HEAD are allowed here\n", "GET, HEAD"};
    }
    if (row.query == Query::none && !query.empty()) {
      return bad_request("unknown query key; this path takes none\n");
    }
    return row.reply({query, request.accept}, view);
  }
  return {404, kText, "no such path; / lists them\n", {}};
}

}  // namespace onehop::admin
