// SPDX-License-Identifier: MIT
// Which path is which document. A new one is a row of kPaths; commands have rows of their own.
#include "onehop/admin/answer.h"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "documents.h"
#include "health.h"
#include "log_levels.h"
#include "onehop/admin/commands.h"
#include "onehop/base/result.h"

namespace onehop::admin {

namespace {

Reply bad_request(std::string sentence) {
  return text_reply(400, std::move(sentence));
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
  return text_reply(200, "ok\n");
}

Reply readiness(const Asked&, const View& view) {
  if (view.readiness == Readiness::starting) return text_reply(503, "starting\n");
  if (view.readiness == Readiness::draining) return text_reply(503, "draining\n");
  return text_reply(200, "ready\n");
}

Reply stats(const Asked& asked, const View& view) {
  const auto window = window_of(asked.query);
  if (!window) return bad_request(window.error());
  return json_reply(200, stats_document(view, *window));
}

Reply metrics(const Asked& asked, const View& view) {
  const telemetry::Exposition format = negotiate(asked.accept);
  return {.status = 200,
          .content_type = telemetry::content_type(format),
          .body = metrics_document(view, format)};
}

// By upstream and address, where each endpoint comes from: a name, a file or a command has others
// than the configuration says.
nlohmann::ordered_json origins_of(const View& view) {
  using Json = nlohmann::ordered_json;
  Json upstreams = Json::object();
  for (const ShownUpstream& upstream : view.upstreams) {
    Json& shown = upstreams[upstream.name] = Json::object();
    for (const ShownEndpoint& endpoint : upstream.endpoints) {
      shown[endpoint.address] = {{"source", endpoint.source},
                                 {"since", endpoint.since_unix_s},
                                 {"weight", endpoint.weight}};
    }
  }
  return upstreams;
}

// Whatever the configuration says, "in_force" is said first.
Reply config(const Asked&, const View& view) {
  using Json = nlohmann::ordered_json;
  Json document = {{"in_force",
                    {{"number", view.config.number},
                     {"file", view.config.file},
                     {"files", view.config.files},
                     {"sha256", view.config.sha256},
                     {"by", view.config.by},
                     {"since", view.config.since_unix_s},
                     {"endpoints", origins_of(view)}}}};
  document.update(Json::parse(view.config_json));
  return json_reply(200, document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

Reply events(const Asked&, const View& view) {
  return json_reply(200, events_document(view));
}

Reply log_levels(const Asked&, const View&) {
  return json_reply(200, log_document());
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
    Path{"/events", Query::none, Sharing::none, events,
         "what happened to the health of endpoints, the last 100 of each upstream, as JSON"},
    Path{"/config", Query::none, Sharing::a_second, config, "the effective configuration as JSON"},
    Path{"/log", Query::none, Sharing::none, log_levels, "the levels of the log, as JSON"},
};

void add_line(std::string& text, std::string_view name, size_t width, std::string_view what) {
  text.append(name).append(name.size() < width ? width - name.size() : 1, ' ');
  text.append(what).append("\n");
}

Reply list_paths(const Asked&, const View& view) {
  std::string text = "onehop " + std::string(view.version) + " admin\n\n";
  for (const Path& row : kPaths) add_line(text, row.path, 12, row.what);
  if (view.commands == nullptr) return text_reply(200, std::move(text));
  text += "\ncommands, over the unix socket of [admin] control or with the token:\n\n";
  for (const Commands::Entry& entry : view.commands->entries()) {
    const CommandRow& row = entry.row;
    std::string name = std::string(row.method) + " " + std::string(row.path);
    for (size_t i = 0; i < row.query.size(); ++i)
      name.append(i == 0 ? "?" : "&").append(row.query[i]).append("=");
    add_line(text, name, 36, row.what);
  }
  return text_reply(200, std::move(text));
}

bool is_read(std::string_view method) {
  return method == "GET" || method == "HEAD";
}

// `reads` and `commands` are lists of methods; one of them may be empty.
Reply wrong_method(std::string_view reads, std::string_view commands) {
  std::string allow(reads);
  if (!reads.empty() && !commands.empty()) allow += ", ";
  allow += commands;
  Reply reply = text_reply(405, "only these methods are allowed here: " + allow + "\n");
  reply.allow = std::move(allow);
  return reply;
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
  const std::string commands =
      view.commands == nullptr ? std::string() : view.commands->methods_of(path);
  for (const Path& row : kPaths) {
    if (row.path != path) continue;
    if (!is_read(request.method)) return wrong_method("GET, HEAD", commands);
    if (row.query == Query::none && !query.empty()) {
      return bad_request("unknown query key; this path takes none\n");
    }
    return row.reply({query, request.accept}, view);
  }
  if (!commands.empty()) return wrong_method("", commands);
  return text_reply(404, "no such path; / lists them\n");
}

}  // namespace onehop::admin
