// SPDX-License-Identifier: MIT
// The one declaration of the configuration file: for every field its key, the member behind it, the
// rule its values obey (rules.h) and a line that says what it is and why the default is what it is.
//
// The idea: `describe(visitor, structure)` hands every field to the visitor in the file's order.
// The loader, check(), to_toml(), to_json() and the test over docs/configuration.md are five
// visitors of this file, so a key that is added here is read, checked, printed and missed in the
// document.
//
// A visitor has
//   value(key, member, rule, why)        one key; the rule's type says the kind of value
//   table(key, member, why)              [server.limits]
//   optional_table(key, member, given, why)  [admin]: `given` is what it holds by default where the
//                                        file has the table; without it the member is T{}, which
//                                        says the table is not there
//   tables(key, members, why)            [[listener]]
//   named_tables(key, members, why)      [upstream.NAME]; each member keeps its NAME in `name`
//   entries(key, members, rule, why)     an inline list of tables
// and sees a const structure when it only reads. Keys and `why` are literals and live for ever.
#pragma once

#include "onehop/config/schema_listener.h"
#include "onehop/config/schema_operation.h"
#include "onehop/config/schema_rate_limit.h"
#include "onehop/config/schema_server.h"
#include "onehop/config/schema_terms.h"
#include "onehop/config/schema_upstream.h"

namespace onehop::config {

template <class Visitor>
void describe(Visitor& visit, Some<Route> auto& route) {
  visit.value("host", route.host, Text::host, "Empty for any host. Letter case does not matter.");
  visit.value("path", route.path, Text::path,
              "A prefix ends at a path segment: /api is not /apix.");
  visit.value("match", route.match, Choice<PathMatch>{},
              "Whether the path begins the request's path or is all of it.");
  visit.value("upstream", route.upstream, Text::upstream, "Where matching requests go.");
  visit.value("rate_limits", route.rate_limits, Text::rate_limit,
              "Names of [rate_limit.NAME] that a request must be within.");
}

template <class Visitor>
void describe(Visitor& visit, Some<Config> auto& config) {
  visit.table("server", config.server, "The process: threads, stopping, whom to believe.");
  visit.tables("listener", config.listeners, "An address that takes client connections.");
  visit.tables("route", config.routes, "Which requests go to which upstream.");
  visit.named_tables("upstream", config.upstreams, "A group of equal replicas.");
  visit.named_tables("rate_limit", config.rate_limits,
                     "How often something may be asked for, and by what that is counted.");
  visit.optional_table("admin", config.admin, Admin{"127.0.0.1:9900"},
                       "Statistics and health of the proxy itself. Without this table: off.");
  visit.table("log", config.log, "The operational log.");
}

// What a configuration file has beside the Config that comes of it: other files that are a part of
// it. A Config is of all of them, and has no such key.
template <class Included, class Given>
struct WithIncludes {
  Included& include;
  Given& config;
};

template <class Visitor, class Included, class Given>
void describe(Visitor& visit, const WithIncludes<Included, Given>& file) {
  visit.value("include", file.include, Text::file_pattern,
              "Further files that are a part of this one, as paths or patterns, each sorted.");
  describe(visit, file.config);
}

// The file that an upstream's endpoints_file names.
struct EndpointList {
  std::vector<Endpoint> endpoints;
};

template <class Visitor>
void describe(Visitor& visit, Some<EndpointList> auto& list) {
  visit.entries("endpoints", list.endpoints,
                Entries<Endpoint>{"endpoint", &Endpoint::address, {}, {}, true},
                "The replicas, as in [upstream.NAME].");
}

}  // namespace onehop::config
